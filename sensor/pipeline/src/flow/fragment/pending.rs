//! One unfinished packet: the fragments that have come, what speaks for each, and what they say
//! of its length and of its first header.

use crate::decode::packet::{Fragment, Packet};
use crate::decode::{Checksum, IpHead};
use crate::flow::runs::Runs;
use crate::net::Timestamp;

/// The largest payload an IP packet can have, in bytes.
pub(super) const LARGEST: usize = 65_535;

/// Ranges of one packet's payload that do not adjoin. A flood of scattered fragments is
/// quadratic without a limit; honest reordering needs a handful.
const SCATTERED: usize = 1024;

/// Bytes stored for one packet, in payloads of the largest size: repeated fragments that differ
/// are all kept, because each may be the one that counts.
const REPEATS: usize = 2;

/// Fragments kept of one packet. One of the largest size has 45 on an Ethernet; all are looked
/// through when there is no room.
const PIECES: usize = 1024;

/// Ends and beginnings of one packet that are kept, where fragments contradict each other.
const CLAIMS: usize = 4;

/// Bytes that may be put together for each byte that comes, and for the packet.
const READ_AGAIN: usize = 8;
const READ_ONCE: usize = 4096;

/// How long a fragment that comes again is one of the packet that was whole: a mirror's copy, in
/// nanoseconds of packet time.
const REPEATED: u64 = 1_000_000_000;

/// How much speaks for a fragment's being taken by its receiver: the higher the better. One with
/// a wrong header checksum or too few hops is dropped on its way.
pub(super) type Score = u16;

pub(super) fn score(packet: &Packet<'_>) -> Score {
    let dropped = packet.header_checksum() == Checksum::Bad;
    u16::from(!dropped) << 8 | u16::from(packet.ttl)
}

/// One fragment's place in the payload and in [`Pending::stored`].
#[derive(Clone, Copy)]
pub(super) struct Piece {
    offset: usize,
    stored: usize,
    length: usize,
    score: Score,
}

/// One unfinished packet. What is stored grows with what arrives, never with what an offset or
/// a length claims.
pub(super) struct Pending {
    /// What the fragments have in common, as that one says which is the first of the packet, if
    /// it has come; another one with another protocol may be a decoy, so a few are kept.
    heads: Vec<(IpHead, Score)>,
    /// Is the head that of a first fragment?
    begun: bool,
    /// Payloads in order of arrival.
    stored: Vec<u8>,
    pieces: Vec<Piece>,
    covered: Runs,
    /// Lengths of the whole that fragments claim by being the last.
    ends: Vec<(usize, Score)>,
    /// When it was last whole and read.
    pub(super) read: Option<Timestamp>,
    /// Something came that was not read.
    unread: bool,
    credit: usize,
    pub(super) since: Timestamp,
    pub(super) serial: u64,
}

/// What became of a fragment put into its packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// More must come, or nothing is new.
    Waiting,
    /// The packet is whole, or whole in another way.
    Whole,
    /// It is not kept: larger than any packet, or more scattered than is kept.
    Refused,
}

impl Pending {
    pub(super) fn new(packet: &Packet<'_>, since: Timestamp, serial: u64) -> Self {
        Self {
            heads: vec![(IpHead::from(packet), 0)],
            begun: false,
            stored: Vec::new(),
            pieces: Vec::new(),
            covered: Runs::default(),
            ends: Vec::new(),
            read: None,
            unread: false,
            credit: READ_ONCE,
            since,
            serial,
        }
    }

    /// Bytes it costs.
    pub(super) fn size(&self) -> usize {
        size_of::<Self>()
            + self.heads.capacity() * size_of::<(IpHead, Score)>()
            + self.stored.capacity()
            + self.pieces.capacity() * size_of::<Piece>()
            + self.covered.cost()
            + self.ends.capacity() * size_of::<(usize, Score)>()
    }

    pub(super) fn fragments(&self) -> usize {
        self.pieces.len()
    }

    /// Does a fragment belong to another packet with the same identification? So it is once the
    /// packet was whole, if as much speaks for the fragment as for each of those that made it so:
    /// of fragments that differ in that, some were perhaps decoys.
    pub(super) fn is_over_for(
        &self,
        (place, payload): (Fragment, &[u8]),
        packet: &Packet<'_>,
        time: Timestamp,
    ) -> bool {
        let Some(read) = self.read else { return false };
        if self.repeats(place.offset as usize, payload) {
            return time.since(read) > REPEATED;
        }
        let score = score(packet);
        let pieces = self.pieces.iter().map(|piece| piece.score);
        pieces.chain(self.ends.iter().map(|(_, score)| *score)).all(|other| other == score)
    }

    /// Takes a fragment in.
    pub(super) fn put(&mut self, (place, payload): (Fragment, &[u8]), packet: &Packet<'_>) -> Fit {
        let start = usize::try_from(place.offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(payload.len());
        if end > LARGEST {
            return Fit::Refused;
        }
        let score = score(packet);
        if start == 0 {
            self.begin(packet, score);
        }
        if !place.more && !self.ends.iter().any(|(known, _)| *known == end) {
            claim(&mut self.ends, (end, score));
            self.unread = true;
        }
        if !payload.is_empty() && !self.repeats(start, payload) {
            if !self.has_room(start, payload.len(), score) {
                return Fit::Refused;
            }
            let stored = self.stored.len();
            self.pieces.push(Piece { offset: start, stored, length: payload.len(), score });
            self.stored.extend_from_slice(payload);
            self.covered.add(start..end);
            self.credit += READ_AGAIN * payload.len();
            self.unread = true;
        }
        let whole = self.unread && self.ends().next().is_some() && self.credit >= self.price();
        if whole { Fit::Whole } else { Fit::Waiting }
    }

    /// The first fragment says what the packet carries (RFC 8200 4.5).
    fn begin(&mut self, packet: &Packet<'_>, score: Score) {
        let head = IpHead::from(packet);
        if !std::mem::replace(&mut self.begun, true) {
            self.heads.clear();
        }
        if !self.heads.iter().any(|(known, _)| known.protocol == head.protocol) {
            claim(&mut self.heads, (head, score));
            self.unread = true;
        }
    }

    /// Makes room for a fragment: what is worst goes, if the fragment is better.
    fn has_room(&mut self, start: usize, length: usize, score: Score) -> bool {
        let full = |pending: &Self| {
            let scattered = pending.covered.len() >= SCATTERED
                && pending
                    .covered
                    .within(start.saturating_sub(1)..start + length + 1)
                    .next()
                    .is_none();
            scattered
                || pending.pieces.len() >= PIECES
                || pending.stored.len() + length > REPEATS * LARGEST
        };
        if !full(self) {
            return true;
        }
        let worst = self.pieces.iter().map(|piece| piece.score).min();
        let Some(worst) = worst.filter(|worst| *worst < score) else { return false };
        let pieces = std::mem::take(&mut self.pieces);
        let stored = std::mem::take(&mut self.stored);
        self.covered = Runs::default();
        for piece in pieces.into_iter().filter(|piece| piece.score > worst) {
            let Some(bytes) = stored.get(piece.stored..piece.stored + piece.length) else {
                continue;
            };
            self.pieces.push(Piece { stored: self.stored.len(), ..piece });
            self.stored.extend_from_slice(bytes);
            self.covered.add(piece.offset..piece.offset + piece.length);
        }
        !full(self)
    }

    /// Lengths of the whole up to which nothing is missing.
    fn ends(&self) -> impl Iterator<Item = usize> + '_ {
        let beginning = self.beginning();
        self.ends.iter().map(|(end, _)| *end).filter(move |end| *end <= beginning && *end > 0)
    }

    fn price(&self) -> usize {
        4 * self.ends().sum::<usize>()
    }

    /// Is it a copy of the latest fragment there? A copy of an earlier one takes back what came
    /// between, so it is none.
    fn repeats(&self, start: usize, payload: &[u8]) -> bool {
        let end = start + payload.len();
        if !self.covered.covers(start..end) {
            return false;
        }
        let overlaps = |piece: &&Piece| piece.offset < end && start < piece.offset + piece.length;
        self.pieces.iter().rev().find(overlaps).is_some_and(|piece| {
            piece.offset == start
                && piece.length == payload.len()
                && self.bytes_of(piece) == Some(payload)
        })
    }

    fn bytes_of(&self, piece: &Piece) -> Option<&[u8]> {
        self.stored.get(piece.stored..piece.stored + piece.length)
    }

    /// Length of what stands before the first hole.
    pub(super) fn beginning(&self) -> usize {
        self.covered.end_from(0)
    }

    /// Is there anything to read that was not read?
    pub(super) fn is_unread(&self) -> bool {
        self.unread && self.beginning() > 0
    }

    /// What the packet may carry, the best first.
    pub(super) fn heads(&self) -> impl Iterator<Item = &IpHead> {
        self.heads.iter().map(|(head, _)| head)
    }

    /// Puts every reading together: of each length that is claimed, or of what there is.
    pub(super) fn read(&mut self, readings: &mut Readings, time: Timestamp) {
        readings.count = 0;
        let mut ends: Vec<usize> = self.ends().collect();
        if ends.is_empty() {
            ends.push(self.beginning());
        } else {
            self.read = Some(time);
        }
        let mut order: Vec<&Piece> = self.pieces.iter().collect();
        for end in ends {
            readings.put(|out| self.lay(end, out, order.iter().rev()));
            readings.put(|out| self.lay(end, out, order.iter()));
        }
        let mut scores = self.pieces.iter().map(|piece| piece.score);
        let worst = scores.next();
        if readings.count > 1 || scores.any(|score| Some(score) != worst) {
            for end in self.ends().chain([self.beginning()]) {
                order.sort_by_key(|piece| (piece.score, piece.stored));
                readings.put(|out| self.lay(end, out, order.iter()));
                order.sort_by_key(|piece| (piece.score, usize::MAX - piece.stored));
                readings.put(|out| self.lay(end, out, order.iter()));
            }
        }
        self.credit = self.credit.saturating_sub(self.price());
        self.unread = false;
    }

    /// Writes pieces into `out`, `length` bytes of it; a later piece of the iterator wins.
    fn lay<'p>(
        &self,
        length: usize,
        out: &mut Vec<u8>,
        pieces: impl Iterator<Item = &'p &'p Piece>,
    ) {
        out.clear();
        out.resize(length, 0);
        for piece in pieces {
            let end = (piece.offset + piece.length).min(length);
            let Some(slot) = out.get_mut(piece.offset..end) else { continue };
            if let Some(bytes) = self.stored.get(piece.stored..piece.stored + slot.len()) {
                slot.copy_from_slice(bytes);
            }
        }
    }
}

/// Adds what a fragment claims; of too many, the worst goes.
fn claim<T>(claims: &mut Vec<(T, Score)>, new: (T, Score)) {
    let at = claims.partition_point(|(_, score)| *score >= new.1);
    claims.insert(at, new);
    claims.truncate(CLAIMS);
}

/// Payloads put together, in buffers that are used again. No two are the same.
#[derive(Default)]
pub(super) struct Readings {
    buffers: Vec<Vec<u8>>,
    count: usize,
}

impl Readings {
    pub(super) fn as_slice(&self) -> &[Vec<u8>] {
        self.buffers.get(..self.count).unwrap_or(&[])
    }

    fn put(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.buffers.len() == self.count {
            self.buffers.push(Vec::new());
        }
        let (known, rest) = self.buffers.split_at_mut(self.count);
        let Some(next) = rest.first_mut() else { return };
        write(next);
        if !known.contains(next) {
            self.count += 1;
        }
    }
}
