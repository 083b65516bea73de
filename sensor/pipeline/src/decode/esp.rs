//! ESP (RFC 4303), over IP or over UDP (RFC 3948). Nothing in it says whether it encrypts, so what
//! it would be without encryption (RFC 2410, RFC 4543) is tried, and believed only where lengths,
//! padding and checksums agree (after RFC 5879).

use super::Checksum;
use super::ip::{self, Upper};
use super::packet::{Skip, TunnelKind};
use super::transport;
use super::walk::{Step, Walk};
use crate::net::IpProtocol;

/// Lengths of the integrity check value at the end (RFC 8221 6), most frequent first.
const CHECK_VALUES: [usize; 4] = [12, 16, 24, 32];

/// An ESP packet from its SPI; false if it is encrypted, which is noted.
pub(super) fn esp<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> bool {
    let read = clear(data).any(|(next, payload)| match next {
        4 | 41 => {
            walk.tunnel(TunnelKind::Esp, |walk, data| ip::whole(walk, data, data.len()), payload)
        }
        _ => walk.attempt(|walk, data| segment(walk, next, data), payload),
    });
    if !read {
        walk.packet.unread = Some(TunnelKind::Esp);
    }
    read
}

/// ESP over UDP: an SPI is never zero, that marks IKE; a single byte keeps a NAT open.
pub(super) fn over_udp<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> bool {
    match data {
        [0, 0, 0, 0, ..] => false,
        [_, _, _, _, _, _, _, _, _, ..] => esp(walk, data),
        _ => false,
    }
}

/// What the packet carries if nothing is encrypted: next header and payload. Most guesses fail at
/// the padding, which counts up from one (RFC 4303 2.4).
fn clear(data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let ends = CHECK_VALUES.into_iter().filter_map(|value| {
        let end = data.len().checked_sub(value)?;
        let (body, [padding, next]) = data.get(..end)?.split_last_chunk::<2>()?;
        let (body, padding) =
            body.split_at_checked(body.len().checked_sub(usize::from(*padding))?)?;
        let counts = padding.iter().zip(1_u8..).all(|(byte, count)| *byte == count);
        (counts && matches!(next, 4 | 6 | 17 | 41)).then_some((*next, body))
    });
    // SPI and sequence number, perhaps an initialisation vector (GMAC).
    ends.flat_map(|(next, body)| [8, 16].into_iter().map(move |at| (next, body.get(at..))))
        .filter_map(|(next, payload)| Some((next, payload?)))
}

/// Transport mode: a segment or datagram between the same addresses.
fn segment<'a>(walk: &mut Walk<'a>, protocol: u8, data: &'a [u8]) -> Step {
    walk.enter()?;
    let six = !walk.packet.source.address.is_v4();
    (walk.packet.protocol, walk.packet.upper) = (IpProtocol(protocol), data);
    transport::transport(walk, Upper { six, protocol, missing: 0 }, data);
    if walk.packet.checksum() == Checksum::Good { Ok(()) } else { Err(Skip::Encrypted) }
}
