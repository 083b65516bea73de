//! What speaks for and against a segment's being taken by its receiver.
//!
//! Nothing here drops a segment: a mirror may show checksums that are not filled in yet, and a
//! route may change. It orders copies of the same bytes that differ, and is asked of no others.

use crate::decode::packet::{Packet, Segment};
use crate::net::{IpProtocol, Mac, Side};

/// The other direction of the connection, as far as a segment can be judged by it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Peer {
    /// Sequence number after the last byte it sent, if that is known.
    pub next: Option<u32>,
    /// The latest acknowledgement number that it sent, if it sent one.
    pub acknowledged: Option<u32>,
    /// The latest acknowledgement number that it sent in the connection before this one, as long
    /// as it has said nothing in this one.
    pub stood: Option<u32>,
    /// The hardware address its SYN came from; zeroes where that is not known.
    pub mac: [u8; 6],
    /// The timestamp its SYN gave back; zero where it gave none.
    pub echoed: u32,
}

/// What the SYNs of a connection say of the way between its sides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening {
    macs: [[u8; 6]; 2],
    echoed: u32,
}

impl Opening {
    /// Takes note of a SYN that a side sent.
    #[cold]
    pub fn note(&mut self, side: Side, packet: &Packet<'_>, segment: &Segment<'_>) {
        let [low, high] = &mut self.macs;
        let mac = if side == Side::Low { low } else { high };
        *mac = packet.macs.map_or([0; 6], |(source, _)| source.0);
        if segment.flags.ack() {
            self.echoed = segment.echoed().unwrap_or(0);
        }
    }

    /// What it says to whom a side sends; `opened`: this side did.
    #[inline]
    pub const fn of_peer(&self, side: Side, opened: bool) -> ([u8; 6], u32) {
        let [low, high] = self.macs;
        (if matches!(side, Side::Low) { high } else { low }, if opened { self.echoed } else { 0 })
    }
}

/// The newest timestamps of the copies that were scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::flow) struct Newest {
    addressed: Option<u32>,
    others: Option<u32>,
}

/// Of one copy of some bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::flow) struct Evidence {
    /// Sum of everything the TCP checksum covers but the payload, if it can be told.
    partial_sum: Option<u16>,
    /// The checksum is one that a sender leaves to its network card.
    unfilled: bool,
    /// Header checksum, flags and options, acknowledgement (within what may be, and within what
    /// was sent) and hardware address are such that a receiver takes it.
    header: bool,
    form: bool,
    acknowledges: bool,
    acknowledges_sent: bool,
    addressed: bool,
    /// Not older than the connection.
    current: bool,
    timestamp: Option<u32>,
    ttl: u8,
}

/// Farther than this from what the other side sent, nothing is acknowledged.
const ACK_BEHIND: i32 = 1 << 20;
/// The largest window without scaling: Linux takes no acknowledgement farther behind.
const SENT_BEHIND: i32 = 1 << 16;
/// How far ahead of it, while it is not known exactly where the other side stands.
const ACK_AHEAD: i32 = 1 << 28;

impl Evidence {
    pub(in crate::flow) fn of(packet: &Packet<'_>, segment: &Segment<'_>, peer: Peer) -> Self {
        let flags = segment.flags;
        let (partial_sum, unfilled) = partial_sum(packet, segment);
        let ahead = peer.next.map(|next| segment.acknowledgement.wrapping_sub(next).cast_signed());
        let timestamp = segment.timestamp();
        let older = |ours: u32| peer.echoed != 0 && is_older(ours, peer.echoed);
        let meant = |(_, destination): (Mac, Mac)| peer.mac == [0; 6] || destination.0 == peer.mac;
        Self {
            partial_sum,
            unfilled,
            header: !matches!(packet.header_checksum(), crate::decode::Checksum::Bad),
            form: flags.ack() && !flags.syn() && !flags.rst() && !segment.is_signed(),
            acknowledges: ahead.is_none_or(|ahead| (-ACK_BEHIND..ACK_AHEAD).contains(&ahead)),
            acknowledges_sent: ahead.is_none_or(|ahead| (-SENT_BEHIND..=0).contains(&ahead)),
            addressed: packet.macs.is_none_or(meant),
            current: !timestamp.is_some_and(older),
            timestamp,
            ttl: packet.ttl,
        }
    }

    /// Does at least as much speak for it? Good checksums of the same payload leave the same sum.
    pub(super) fn is_as_good_as(&self, other: &Self) -> bool {
        self.partial_sum == other.partial_sum
            && self.header as u8 >= other.header as u8
            && self.form as u8 >= other.form as u8
            && self.acknowledges as u8 >= other.acknowledges as u8
            && self.acknowledges_sent as u8 >= other.acknowledges_sent as u8
            && self.addressed as u8 >= other.addressed as u8
            && self.current as u8 >= other.current as u8
            && self.ttl >= other.ttl
    }

    /// How good a copy with this payload is, the higher the better: a receiver that is sent one
    /// copy it takes and others it drops has the highest. `newest` is the newest timestamp of
    /// the copies before.
    pub(in crate::flow) fn score(&self, payload: &[u8], newest: &mut Newest) -> u16 {
        // Where the hardware addresses of both ways differ, as behind two routers that share one,
        // none seems addressed: these are compared with each other.
        let newest = if self.addressed { &mut newest.addressed } else { &mut newest.others };
        let sum = match self.partial_sum {
            Some(partial) if fold(u64::from(partial) + sum(payload)) == 0xffff => 2,
            Some(_) if !self.unfilled => 0,
            _ => 1,
        };
        let older = |newest: u32| self.timestamp.is_some_and(|ours| is_older(ours, newest));
        let current = self.current && !newest.is_some_and(older);
        let fine = self.header && self.form && self.acknowledges;
        if fine && sum > 0 && current && self.timestamp.is_some() {
            *newest = self.timestamp;
        }
        let checks = sum << 6
            | u16::from(self.header) << 5
            | u16::from(self.form) << 4
            | u16::from(self.acknowledges) << 3
            | u16::from(self.addressed) << 2
            | u16::from(self.acknowledges_sent) << 1
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
