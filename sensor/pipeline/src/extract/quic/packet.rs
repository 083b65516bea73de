//! Long headers (RFC 9000 17.2, RFC 8999), coalesced packets and the frames of an Initial.
//!
//! Pure functions over borrowed bytes. Knows no key.

use super::keys;

/// Longest connection id of the versions we read (RFC 9000 17.2).
const ID_MAX: usize = 20;

/// An Initial packet, still protected.
#[derive(Clone, Copy, Debug)]
pub(in crate::extract) struct Initial<'a> {
    /// Version.
    pub(in crate::extract) version: u32,
    /// Destination connection id.
    pub(in crate::extract) destination: &'a [u8],
    /// Source connection id: what the other side sends to.
    pub(in crate::extract) source: &'a [u8],
    /// The packet from its first byte to the end that its length field gives.
    pub(super) bytes: &'a [u8],
    /// Where the protected packet number starts in `bytes`.
    pub(super) number_at: usize,
    /// Its end was not captured: it cannot be opened.
    pub(in crate::extract) cut: bool,
}

/// A packet of a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) enum Packet<'a> {
    /// An Initial.
    Initial(Initial<'a>),
    /// 0-RTT or Handshake: of no use, but others may follow it.
    Other,
}

/// Start of every long header, the same in all versions (RFC 8999 5.1).
struct Long<'a> {
    first: u8,
    version: u32,
    destination: &'a [u8],
    source: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Long<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&[first, a, b, c, d, length], rest) = bytes.split_first_chunk::<6>()?;
        let (destination, rest) = rest.split_at_checked(usize::from(length))?;
        let (&length, rest) = rest.split_first()?;
        let (source, rest) = rest.split_at_checked(usize::from(length))?;
        let sound = first & 0x80 != 0 && destination.len() <= ID_MAX && source.len() <= ID_MAX;
        let version = u32::from_be_bytes([a, b, c, d]);
        sound.then_some(Self { first, version, destination, source, rest })
    }
}

/// What a long header's two type bits mean, in terms of version 1.
fn packet_type(first: u8, version: u32) -> u8 {
    let bits = first >> 4 & 3;
    // Version 2 moved each type up by one (RFC 9369 3.2).
    if version == keys::VERSION_2 { bits.wrapping_sub(1) & 3 } else { bits }
}

const INITIAL: u8 = 0;
const RETRY: u8 = 3;

/// Does a long header name a known version, or none (version negotiation)? Media streams begin
/// with the same bit, so that this is asked of many.
#[inline]
pub(super) fn is_of_known_version(datagram: &[u8]) -> bool {
    let version = datagram.get(1..).and_then(|rest| rest.first_chunk());
    version.is_some_and(|version| {
        let version = u32::from_be_bytes(*version);
        version == 0 || keys::is_known(version)
    })
}

/// Is this a long header of a known version whose lengths agree with the datagram?
pub(super) fn is_long(datagram: &[u8]) -> bool {
    let Some(long) = Long::read(datagram) else {
        return false;
    };
    match (long.version, packet_type(long.first, long.version)) {
        // Version negotiation: a list of versions (RFC 9000 17.2.1).
        (0, _) => !long.rest.is_empty() && long.rest.len().is_multiple_of(4),
        (version, _) if !keys::is_known(version) => false,
        // An integrity tag of 16 bytes ends it.
        (_, RETRY) => long.rest.len() >= 16,
        // Packet number, one byte and a tag at least; the capture may have cut the rest. One that is
        // shorter is dropped by itself: receivers go on with what is behind it.
        (_, kind) => lengths(&long, kind).is_some_and(|(skipped, length)| {
            length >= 18 || others_follow(&long, skipped + length)
        }),
    }
}

/// Does a packet with a long header of a known version stand behind one of so many bytes?
#[cold]
fn others_follow(long: &Long<'_>, length: usize) -> bool {
    let behind = long.rest.get(length..).unwrap_or_default();
    behind.first().is_some_and(|first| first & 0x80 != 0) && is_of_known_version(behind)
}

/// Bytes from the end of the ids to the packet number, and from there to the packet's end.
fn lengths(long: &Long<'_>, kind: u8) -> Option<(usize, usize)> {
    let mut rest = long.rest;
    if kind == INITIAL {
        let token = varint(&mut rest)?;
        rest = rest.get(usize::try_from(token).ok()?..)?;
    }
    let length = usize::try_from(varint(&mut rest)?).ok()?;
    Some((long.rest.len() - rest.len(), length))
}

/// The packets of a datagram, up to the first whose end is not known: a short header, a Retry, an
/// unknown version (RFC 9000 12.2).
pub(super) fn packets(datagram: &[u8]) -> impl Iterator<Item = Packet<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let long = Long::read(rest)?;
        let kind = packet_type(long.first, long.version);
        if kind == RETRY || !keys::is_known(long.version) {
            return None;
        }
        let (skipped, length) = lengths(&long, kind)?;
        let number_at = rest.len() - long.rest.len() + skipped;
        let end = number_at.saturating_add(length);
        let cut = end > rest.len();
        let (bytes, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        rest = after;
        let Long { version, destination, source, .. } = long;
        Some(match kind {
            INITIAL => {
                Packet::Initial(Initial { version, destination, source, bytes, number_at, cut })
            }
            _ => Packet::Other,
        })
    })
}

/// A variable-length integer (RFC 9000 16).
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let first = *bytes.first()?;
    let (digits, rest) = bytes.split_at_checked(1 << (first >> 6))?;
    *bytes = rest;
    let value = digits.iter().fold(0, |sum, digit| sum << 8 | u64::from(*digit));
    Some(value & (u64::MAX >> (66 - 8 * digits.len())))
}

/// A frame of an Initial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// A piece of the handshake. Cut where the packet is.
    Crypto {
        /// Its place in the handshake.
        offset: u64,
        /// Its bytes.
        data: &'a [u8],
    },
    /// One that says nothing to us.
    Other,
}

/// The frames of a packet, padding left out, up to the first that no Initial may carry
/// (RFC 9000 12.4).
pub(super) fn frames(plain: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    let mut rest = plain;
    std::iter::from_fn(move || {
        while let [0, after @ ..] = rest {
            rest = after;
        }
        frame(&mut rest)
    })
}

fn frame<'a>(rest: &mut &'a [u8]) -> Option<Frame<'a>> {
    match varint(rest)? {
        // Padding may be written in more than one byte; receivers do not mind.
        0 | 1 => {}
        kind @ (2 | 3) => skip_ack(rest, kind == 3)?,
        6 => {
            let offset = varint(rest)?;
            let length = usize::try_from(varint(rest)?).ok()?;
            let (data, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            *rest = after;
            return Some(Frame::Crypto { offset, data });
        }
        kind @ (0x1c | 0x1d) => {
            varint(rest)?;
            if kind == 0x1c {
                varint(rest)?;
            }
            let reason = usize::try_from(varint(rest)?).ok()?;
            *rest = rest.get(reason..)?;
        }
        _ => return None,
    }
    Some(Frame::Other)
}

/// Largest, delay, count, first range, then pairs, and three counts with ECN (RFC 9000 19.3).
fn skip_ack(rest: &mut &[u8], ecn: bool) -> Option<()> {
    varint(rest)?;
    varint(rest)?;
    let ranges = varint(rest)?;
    varint(rest)?;
    // Each takes at least two bytes: the packet's end bounds this loop.
    for _ in 0..ranges {
        varint(rest)?;
        varint(rest)?;
    }
    for _ in 0..if ecn { 3 } else { 0 } {
        varint(rest)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn variable_length_integers_are_those_of_the_standard() {
        let cases: [(&[u8], u64); 4] = [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
        ];
        for (mut bytes, value) in cases {
            assert_eq!(varint(&mut bytes), Some(value));
            assert!(bytes.is_empty());
        }
    }

    #[test]
    fn frames_around_the_handshake_are_passed() {
        let plain = [
            0, 0, 1, 2, 5, 0, 1, 2, 0, 3, 3, 9, 0, 0, 1, 0, 0, 0, 0x1c, 1, 6, 2, b'n', b'o', 6, 4,
            3, b'a', b'b', b'c', 0, 1,
        ];
        let crypto = Frame::Crypto { offset: 4, data: b"abc" };
        let others = [Frame::Other; 4];
        let found: Vec<_> = frames(&plain).collect();
        assert_eq!(found, [&others[..], &[crypto, Frame::Other]].concat());
    }

    #[test]
    fn an_ack_that_claims_endless_ranges_ends_with_the_packet() {
        let plain = [2, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
        assert_eq!(frames(&plain).count(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_end_the_walk(bytes in prop::collection::vec(any::<u8>(), 0..200), known in any::<bool>()) {
            let mut bytes = bytes;
            if known && bytes.len() > 5 {
                bytes[0] |= 0x80;
                bytes[1..5].copy_from_slice(&[0, 0, 0, 1]);
            }
            let _ = is_long(&bytes);
            prop_assert!(packets(&bytes).count() <= bytes.len());
            prop_assert!(frames(&bytes).count() <= bytes.len());
        }
    }
}
