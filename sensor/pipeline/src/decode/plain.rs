//! What nearly every frame is: Ethernet, IPv4 without options, the whole of a TCP segment or of a
//! UDP datagram that is no tunnel. Read in one go.
//!
//! Anything else, and anything odd, is left to the layers, which give the same packet for the
//! plain ones: a property test holds both to the same answers. Takes 110 of 165 instructions off
//! the decoding of such a frame.

use super::packet::{Segment, TcpFlags, Transport};
use super::udp_tunnel;
use super::walk::{Walk, macs};
use crate::frame::LinkType;
use crate::net::{Address, Endpoint, IpProtocol};

const ETHERNET: LinkType = LinkType(1);

/// The beginning of a frame that may be plain.
struct Start<'a> {
    macs: &'a [u8; 12],
    protocol: u8,
    ttl: u8,
    source: Address,
    destination: Address,
    header: &'a [u8],
    payload: &'a [u8],
}

#[inline]
fn start(link: LinkType, data: &[u8]) -> Option<Start<'_>> {
    if link != ETHERNET {
        return None;
    }
    let (link, rest) = data.split_first_chunk::<14>()?;
    let (header, _) = rest.split_first_chunk::<20>()?;
    let [macs @ .., k0, k1] = link;
    let [first, _, t0, t1, _, _, f0, f1, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
        *header;
    // More fragments follow, or an offset: a fragment.
    let whole = (f0 & 0x3f) | f1 == 0;
    if [*k0, *k1, first] != [0x08, 0x00, 0x45] || !whole {
        return None;
    }
    // A total that is zero or more than there is needs a closer look.
    let total = usize::from(u16::from_be_bytes([t0, t1]));
    let payload = rest.get(20..total)?;
    let (source, destination) = (Address::v4([s0, s1, s2, s3]), Address::v4([d0, d1, d2, d3]));
    Some(Start { macs, protocol, ttl, source, destination, header, payload })
}

/// Reads a plain frame; false leaves the walk as it was.
#[inline]
pub(super) fn plain<'a>(walk: &mut Walk<'a>, link: LinkType, data: &'a [u8]) -> bool {
    let Some(start) = start(link, data) else { return false };
    let packet = &mut walk.packet;
    // Written where it stays: what is put together elsewhere and copied at once is waited for.
    let ports = match start.protocol {
        6 => tcp(start.payload, &mut packet.transport),
        17 => udp(start.payload, &mut packet.transport),
        _ => None,
    };
    let Some(ports) = ports else { return false };
    packet.macs = Some(macs(start.macs));
    packet.source = Endpoint { address: start.source, port: ports.0 };
    packet.destination = Endpoint { address: start.destination, port: ports.1 };
    packet.protocol = IpProtocol(start.protocol);
    (packet.ttl, packet.header, packet.upper) = (start.ttl, start.header, start.payload);
    true
}

/// Source and destination.
type Ports = (u16, u16);

#[inline]
fn tcp<'a>(payload: &'a [u8], transport: &mut Transport<'a>) -> Option<Ports> {
    let (header, _) = payload.split_first_chunk::<20>()?;
    let [s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, ..] = *header;
    let header = usize::from(offset >> 4) * 4;
    if header < 20 {
        return None;
    }
    let flags = TcpFlags(flags);
    let (header, payload) = payload.split_at_checked(header)?;
    *transport = Transport::Tcp(Segment {
        sequence: u32::from_be_bytes([q0, q1, q2, q3]),
        acknowledgement: if flags.ack() { u32::from_be_bytes([a0, a1, a2, a3]) } else { 0 },
        flags,
        header,
        payload,
        missing: 0,
    });
    Some((u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1])))
}

#[inline]
fn udp<'a>(payload: &'a [u8], transport: &mut Transport<'a>) -> Option<Ports> {
    let ([s0, s1, d0, d1, l0, l1, _, _], _) = payload.split_first_chunk::<8>()?;
    let ports = (u16::from_be_bytes([*s0, *s1]), u16::from_be_bytes([*d0, *d1]));
    let datagram = payload.get(8..usize::from(u16::from_be_bytes([*l0, *l1])))?;
    if udp_tunnel::may_be(ports, datagram) {
        return None;
    }
    *transport = Transport::Udp(datagram);
    Some(ports)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::link;

    /// A plain TCP or UDP frame of a payload.
    fn frame(tcp: bool, ports: [u16; 2], payload: &[u8]) -> Vec<u8> {
        let header = if tcp { 20 } else { 8 };
        let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
        bytes.extend(((20 + header + payload.len()) as u16).to_be_bytes());
        bytes.extend([0, 1, 0x40, 0, 64, if tcp { 6 } else { 17 }, 0, 0]);
        bytes.extend([192, 0, 2, 1, 198, 51, 100, 7]);
        bytes.extend(ports.map(u16::to_be_bytes).concat());
        if tcp {
            bytes.extend([0, 0, 0, 9, 0, 0, 0, 7, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
        } else {
            bytes.extend(((8 + payload.len()) as u16).to_be_bytes());
            bytes.extend([0, 0]);
        }
        bytes.extend(payload);
        bytes
    }

    fn both(bytes: &[u8]) -> (Option<String>, String) {
        let (mut fast, mut slow) = (Walk::new(0), Walk::new(0));
        let taken = plain(&mut fast, LinkType(1), bytes);
        let step = link::link(&mut slow, LinkType(1), bytes);
        let layers = format!("{step:?} {:?} {:?}", slow.arp, slow.packet);
        (taken.then(|| format!("Ok(()) None {:?}", fast.packet)), layers)
    }

    proptest! {
        #[test]
        fn a_plain_frame_is_what_the_layers_say_it_is(
            tcp in any::<bool>(),
            ports in prop_oneof![Just([50_000, 443]), Just([50_000, 4789]), any::<[u16; 2]>()],
            payload in prop::collection::vec(any::<u8>(), 0..40),
            spoiled in prop::collection::vec((0..54_usize, any::<u8>()), 0..3),
            length in 0..100_usize,
        ) {
            let mut bytes = frame(tcp, ports, &payload);
            for (at, byte) in spoiled {
                if let Some(slot) = bytes.get_mut(at) {
                    *slot = byte;
                }
            }
            for bytes in [&bytes[..], &bytes[..length.min(bytes.len())]] {
                let (plain, layers) = both(bytes);
                prop_assert_eq!(plain.as_ref().unwrap_or(&layers), &layers);
            }
        }
    }

    #[test]
    fn plain_frames_are_taken_and_tunnels_are_left_to_the_layers() {
        for tcp in [true, false] {
            assert!(both(&frame(tcp, [50_000, 443], b"payload")).0.is_some());
        }
        assert!(both(&frame(false, [50_000, 4789], b"\x08\0\0\0\0\0\0\0")).0.is_none());
        let whole_six = [&b"\x60\0\0\0\0\x04\x3b\x40"[..], &[7; 36]].concat();
        let whole_four = [&b"\x45\0\0\x18"[..], &[7; 20]].concat();
        for whole in [whole_six, whole_four] {
            assert!(both(&frame(false, [50_000, 443], &whole)).0.is_none());
            assert!(both(&frame(false, [50_000, 443], &whole[..23])).0.is_some());
        }
        assert!(both(&frame(false, [50_000, 53], b"\x60 an id")).0.is_some());
    }
}
