//! One unfinished packet: the fragments that have come and what they say of its length.

use std::ops::Range;

use crate::decode::IpHead;
use crate::decode::packet::{Fragment, Packet};
use crate::net::Timestamp;

/// The largest payload an IP packet can have, in bytes.
pub(super) const LARGEST: usize = 65_535;

/// Ranges of one packet's payload that do not adjoin. A flood of scattered fragments is
/// quadratic without a limit; honest reordering needs a handful.
const SCATTERED: usize = 1024;

/// Bytes stored for one packet, in payloads of the largest size: repeated fragments that differ
/// are all kept, because each may be the one that counts.
const REPEATS: usize = 2;

/// One fragment's place in the payload and in [`Pending::stored`].
#[derive(Clone, Copy)]
pub(super) struct Piece {
    offset: usize,
    stored: usize,
    length: usize,
}

/// One unfinished packet. What is stored grows with what arrives, never with what an offset or
/// a length claims.
pub(super) struct Pending {
    pub(super) head: IpHead,
    /// Payloads in order of arrival.
    stored: Vec<u8>,
    pub(super) pieces: Vec<Piece>,
    /// What has arrived: disjoint, ascending, never adjoining.
    covered: Vec<Range<usize>>,
    /// Length of the whole, once the fragment that ends it is there.
    pub(super) total: Option<usize>,
    pub(super) since: Timestamp,
    pub(super) serial: u64,
}

/// What became of a fragment put into its packet.
pub(super) enum Fit {
    Waiting,
    Whole,
    Contradictory,
}

impl Pending {
    pub(super) fn new(packet: &Packet<'_>, since: Timestamp, serial: u64) -> Self {
        Self {
            head: IpHead::from(packet),
            stored: Vec::new(),
            pieces: Vec::new(),
            covered: Vec::new(),
            total: None,
            since,
            serial,
        }
    }

    /// Bytes it costs.
    pub(super) fn size(&self) -> usize {
        self.stored.len()
            + self.pieces.len() * size_of::<Piece>()
            + self.covered.len() * size_of::<Range<usize>>()
    }

    /// Takes a fragment in.
    pub(super) fn put(&mut self, place: Fragment, payload: &[u8]) -> Fit {
        let start = usize::try_from(place.offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(payload.len());
        if end > LARGEST || !self.agrees_on_end(end, place.more) {
            return Fit::Contradictory;
        }
        if !payload.is_empty() && !self.repeats(start, payload) {
            let piece = Piece { offset: start, stored: self.stored.len(), length: payload.len() };
            self.pieces.push(piece);
            self.stored.extend_from_slice(payload);
            self.cover(start..end);
        }
        if self.covered.len() > SCATTERED || self.stored.len() > REPEATS * LARGEST {
            return Fit::Contradictory;
        }
        match self.total {
            Some(total) if self.beginning() >= total => Fit::Whole,
            _ => Fit::Waiting,
        }
    }

    /// Notes where the packet ends. False if that contradicts what has come before.
    fn agrees_on_end(&mut self, end: usize, more: bool) -> bool {
        match (self.total, more) {
            (Some(total), true) => end <= total,
            (Some(total), false) => end == total,
            (None, true) => true,
            (None, false) => {
                self.total = Some(end);
                self.covered.last().is_none_or(|last| last.end <= end)
            }
        }
    }

    /// Is it a copy of the latest fragment there? A copy of an earlier one takes back what came
    /// between, so it is none.
    fn repeats(&self, start: usize, payload: &[u8]) -> bool {
        let end = start + payload.len();
        // Only what lies within a covered range can be one; that spares the search.
        let range = self.covered.partition_point(|range| range.end < end);
        if self.covered.get(range).is_none_or(|range| range.start > start) {
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

    /// Adds `range` to what has arrived; adjoining ranges become one.
    fn cover(&mut self, range: Range<usize>) {
        let from = self.covered.partition_point(|old| old.end < range.start);
        let to = self.covered.partition_point(|old| old.start <= range.end);
        let joined = self.covered.get(from..to).unwrap_or(&[]);
        let start = joined.first().map_or(range.start, |old| old.start.min(range.start));
        let end = joined.last().map_or(range.end, |old| old.end.max(range.end));
        self.covered.splice(from..to, std::iter::once(start..end));
    }

    /// Length of what stands before the first hole.
    pub(super) fn beginning(&self) -> usize {
        match self.covered.first() {
            Some(first) if first.start == 0 => first.end,
            _ => 0,
        }
    }

    /// Writes the pieces into `out`, `length` bytes of it; a later piece of the iterator wins.
    pub(super) fn read<'p>(
        &self,
        length: usize,
        out: &mut Vec<u8>,
        pieces: impl Iterator<Item = &'p Piece>,
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
