//! What speaks for and against a segment's being taken by its receiver.
//!
//! Nothing here drops a segment: a mirror may show checksums that are not filled in yet, and a
//! route may change. It orders copies of the same bytes that differ, and is asked of no others.

use crate::decode::packet::{Packet, Segment};
use crate::net::IpProtocol;

/// The other direction of the connection, as far as a segment can be judged by it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peer {
    /// Sequence number after the last byte it sent, if that is known.
    pub next: Option<u32>,
    /// The latest acknowledgement number that it sent, if it sent one.
    pub acknowledged: Option<u32>,
}

/// Of one copy of some bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::flow) struct Evidence {
    /// Sum of everything the TCP checksum covers but the payload, if it can be told.
    partial_sum: Option<u16>,
    /// The checksum is one that a sender leaves to its network card.
    unfilled: bool,
    /// Header checksum, flags and acknowledgement are such that a receiver takes it.
    header: bool,
    flags: bool,
    acknowledges: bool,
    timestamp: Option<u32>,
    ttl: u8,
}

/// Farther than this from what the other side sent, nothing is acknowledged.
const ACK_BEHIND: i32 = 1 << 20;
/// How far ahead of it, while it is not known exactly where the other side stands.
const ACK_AHEAD: i32 = 1 << 28;

impl Evidence {
    pub(in crate::flow) fn of(packet: &Packet<'_>, segment: &Segment<'_>, peer: Peer) -> Self {
        let flags = segment.flags;
        let (partial_sum, unfilled) = partial_sum(packet, segment);
        Self {
            partial_sum,
            unfilled,
            header: !matches!(packet.header_checksum(), crate::decode::Checksum::Bad),
            flags: flags.ack() && !flags.syn() && !flags.rst(),
            acknowledges: peer.next.is_none_or(|next| {
                let ahead = segment.acknowledgement.wrapping_sub(next).cast_signed();
                (-ACK_BEHIND..ACK_AHEAD).contains(&ahead)
            }),
            timestamp: segment.timestamp(),
            ttl: packet.ttl,
        }
    }

    /// Does at least as much speak for it? Good checksums of the same payload leave the same sum.
    pub(super) fn is_as_good_as(&self, other: &Self) -> bool {
        self.partial_sum == other.partial_sum
            && self.header as u8 >= other.header as u8
            && self.flags as u8 >= other.flags as u8
            && self.acknowledges as u8 >= other.acknowledges as u8
            && self.ttl >= other.ttl
    }

    /// How good a copy with this payload is, the higher the better: a receiver that is sent one
    /// copy it takes and others it drops has the highest. `newest` is the newest timestamp of
    /// the copies before.
    pub(super) fn score(&self, payload: &[u8], newest: &mut Option<u32>) -> u16 {
        let sum = match self.partial_sum {
            Some(partial) if fold(u64::from(partial) + sum(payload)) == 0xffff => 2,
            Some(_) if !self.unfilled => 0,
            _ => 1,
        };
        let older = |newest: u32| self.timestamp.is_some_and(|ours| is_older(ours, newest));
        let current = !newest.is_some_and(older);
        let fine = self.header && self.flags && self.acknowledges;
        if fine && sum > 0 && current && self.timestamp.is_some() {
            *newest = self.timestamp;
        }
        let checks = sum << 4
            | u16::from(self.header) << 3
            | u16::from(self.flags) << 2
            | u16::from(self.acknowledges) << 1
            | u16::from(current);
        checks << 8 | u16::from(self.ttl)
    }

    /// Not all of its payload is there any more.
    pub(super) const fn forget_sum(&mut self) {
        self.partial_sum = None;
    }

    /// How far the copy travels.
    pub(super) fn hops(&self) -> u16 {
        u16::from(self.ttl)
    }
}

/// RFC 7323 5.2: timestamps are compared as sequence numbers are.
const fn is_older(one: u32, other: u32) -> bool {
    one.wrapping_sub(other).cast_signed() < 0
}

/// Of pseudo header and TCP header; and is the checksum field one that nobody has filled in?
fn partial_sum(packet: &Packet<'_>, segment: &Segment<'_>) -> (Option<u16>, bool) {
    let header = segment.header;
    let Some([c0, c1]) = header.get(16..18) else { return (None, false) };
    if packet.cut || packet.upper.len() != header.len() + segment.payload.len() {
        return (None, false);
    }
    let pseudo = [packet.source, packet.destination].iter().fold(
        u64::from(IpProtocol::TCP.0) + packet.upper.len() as u64,
        |sum_of, end| {
            let bits = end.address.bits();
            let bits = if end.address.is_v4() { bits & 0xffff_ffff } else { bits };
            sum_of + sum(&bits.to_be_bytes())
        },
    );
    let field = u16::from_be_bytes([*c0, *c1]);
    (Some(fold(pseudo + sum(header))), field == 0 || field == fold(pseudo))
}

/// Of big-endian words; an odd last byte is a word's high half.
fn sum(bytes: &[u8]) -> u64 {
    let (words, odd) = bytes.as_chunks::<2>();
    let words = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum::<u64>();
    words + odd.first().map_or(0, |last| u64::from(*last) << 8)
}

/// To sixteen bits with end-around carry (RFC 1071).
const fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    sum as u16
}
