//! Stage 2: a frame becomes a packet. Link layers, tags, tunnels, IP and transport headers.
//!
//! Pure functions over borrowed bytes: no state, no allocation, no clock. Lenient on purpose:
//! a cut capture, a zero total length or a wrong checksum still gives what can be read, because
//! the victim's machine may read it too.
//!
//! Each layer is a function `(&mut Walk, bytes) -> Step` that reads one header and calls the
//! next. A tunnel that turns out to hold no IP packet leaves the outer packet as it was, so a
//! port number that merely looks like a tunnel never hides anything.

mod checksum;
mod cooked;
mod esp;
mod ethernet;
mod exotic;
mod ip;
mod juniper;
mod link;
mod mpls;
pub mod packet;
mod plain;
mod ppp;
mod serial;
mod switch_tag;
#[cfg(test)]
mod test_bytes;
#[cfg(test)]
mod tests;
mod transport;
mod tunnel;
mod udp_tunnel;
mod undecoded;
mod walk;
mod wlan;

pub use checksum::Checksum;
pub use link::link_type_name;
pub use undecoded::LinkTypes;

use crate::frame::Frame;
use crate::net::{Address, Endpoint, IpProtocol, Mac};
use packet::{Decoded, Few, Packet, Skip, Tunnel};
use walk::{Step, Walk};

/// Decodes one frame as far as it can be read.
///
/// The packet is the innermost IP packet that up to four tunnels hold; the outer ones stand in
/// [`Packet::tunnels`]. ARP inside a tunnel is reported only for a remote mirror (ERSPAN, TZSP).
///
/// # Errors
///
/// The reason why the frame yields neither an IP packet nor an ARP message; for counting only.
pub fn decode<'a>(frame: &Frame<'a>) -> Result<Decoded<'a>, Skip> {
    decode_with(frame, |seen| seen.map(Seen::to_decoded))
}

/// What a frame held, where it was read: a [`Packet`] is large, and a copy of it was 2 % of the
/// price of a million handshakes.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'w, 'a> {
    /// An IP packet.
    Ip(&'w Packet<'a>),
    /// An ARP message: sender's hardware and protocol address, and the packet whose outer layers
    /// are those that it came in.
    Arp(Mac, Address, &'w Packet<'a>),
}

impl<'a> Seen<'_, 'a> {
    const fn to_decoded(self) -> Decoded<'a> {
        match self {
            Self::Ip(packet) => Decoded::Ip(*packet),
            Self::Arp(mac, address, _) => Decoded::Arp { mac, address },
        }
    }
}

/// [`decode`], shown instead of handed out.
#[inline]
pub fn decode_with<'a, T>(
    frame: &Frame<'a>,
    show: impl FnOnce(Result<Seen<'_, 'a>, Skip>) -> T,
) -> T {
    let mut walk = Walk::new(cut(frame));
    let step = read(&mut walk, frame);
    show(seen(&walk, step))
}

/// Bytes at a frame's end that were on the wire but not captured.
#[inline]
fn cut(frame: &Frame<'_>) -> u32 {
    let captured = u32::try_from(frame.data.len()).unwrap_or(u32::MAX);
    frame.wire_length.saturating_sub(captured)
}

#[inline]
fn read<'a>(walk: &mut Walk<'a>, frame: &Frame<'a>) -> Step {
    if let Some(tag) = frame.stripped_vlan {
        walk.packet.vlans.push(tag & 0x0fff);
    }
    match plain::plain(walk, frame.link, frame.data) {
        true => Ok(()),
        false => link::link(walk, frame.link, frame.data),
    }
}

#[inline]
const fn seen<'w, 'a>(walk: &'w Walk<'a>, step: Step) -> Result<Seen<'w, 'a>, Skip> {
    match (step, walk.arp) {
        (Ok(()), None) => Ok(Seen::Ip(&walk.packet)),
        (Ok(()), Some((mac, address))) => Ok(Seen::Arp(mac, address, &walk.packet)),
        (Err(skip), _) => Err(skip),
    }
}

/// Where a frame is decoded and stays until it is looked at. May be used again.
pub struct Place<'a> {
    walk: Walk<'a>,
    step: Step,
}

impl Default for Place<'_> {
    #[inline]
    fn default() -> Self {
        Self { walk: Walk::new(0), step: Err(Skip::NotIp) }
    }
}

impl<'a> Place<'a> {
    /// Decodes a frame, in place of the one before.
    #[inline]
    pub fn decode(&mut self, frame: &Frame<'a>) {
        self.walk.begin(cut(frame));
        self.step = read(&mut self.walk, frame);
    }

    /// What the frame held.
    #[inline]
    pub const fn seen(&self) -> Result<Seen<'_, 'a>, Skip> {
        seen(&self.walk, self.step)
    }
}

/// What the fragments of one IP packet have in common; all that is needed beside the payload to
/// decode the packet once it is whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IpHead {
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
    /// Protocol of the payload's first byte; may be an IPv6 extension header.
    pub protocol: IpProtocol,
    /// Time to live or hop limit of the fragment that says the most.
    pub ttl: u8,
    /// Hardware addresses (source, destination).
    pub macs: Option<(Mac, Mac)>,
    /// VLAN ids, outermost first.
    pub vlans: Few<u16, 4>,
    /// Tunnels around the fragmented packet.
    pub tunnels: Few<Tunnel, 4>,
}

impl From<&Packet<'_>> for IpHead {
    fn from(packet: &Packet<'_>) -> Self {
        Self {
            source: packet.source.address,
            destination: packet.destination.address,
            protocol: packet.protocol,
            ttl: packet.ttl,
            macs: packet.macs,
            vlans: packet.vlans,
            tunnels: packet.tunnels,
        }
    }
}

/// Decodes the payload of an IP packet that was made whole from fragments (or the part of it
/// that stands before a hole). Follows tunnels inside it like [`decode`]; what is found may
/// itself be a fragment.
///
/// # Errors
///
/// None today: an unreadable payload is [`packet::Transport::Other`]. A `Skip` may be counted.
pub fn decode_ip<'a>(head: &IpHead, payload: &'a [u8]) -> Result<Packet<'a>, Skip> {
    let mut walk = Walk::new(0);
    walk.packet.ttl = head.ttl;
    walk.packet.macs = head.macs;
    walk.packet.vlans = head.vlans;
    walk.packet.tunnels = head.tunnels;
    walk.packet.source = Endpoint { address: head.source, port: 0 };
    walk.packet.destination = Endpoint { address: head.destination, port: 0 };
    let six = !(head.source.is_v4() && head.destination.is_v4());
    ip::upper(&mut walk, ip::Upper { six, protocol: head.protocol.0, missing: 0 }, payload);
    Ok(walk.packet)
}
