//! A stretch of one direction of a TCP connection, with every copy that came of its bytes.
//!
//! Where copies differ, nobody outside can see which one the receiver took, so a few *named
//! readings* are kept, and a receiver's is always among them: the first copy wins, the last one
//! wins, the copy wins that speaks most for itself ([`evidence`]; of two alike the first, or the
//! last), the copy wins that travels farthest. Where nothing differs there is one reading and no
//! more memory than the bytes take. Owns those bytes; knows neither flows nor parsers, and shows
//! readings to whoever asks.

pub(super) mod evidence;
mod layer;
mod readings;

use evidence::{Evidence, Newest};
use layer::{Layer, RULES};
pub(super) use readings::Outcome;

use super::runs::Runs;
use super::stream::StreamLimits;
use crate::net::Timestamp;

/// Copies remembered one by one before they are told apart byte by byte.
const COPIES: usize = 64;
/// Places of urgent bytes remembered; of more the oldest is forgotten.
const URGENT: usize = 1024;
/// Beginnings of segments remembered.
const CUTS: usize = 32;

/// One copy of some bytes, while nothing contradicts it.
#[derive(Clone, Copy, Debug)]
struct Copied {
    start: usize,
    end: usize,
    evidence: Evidence,
}

impl Copied {
    /// Does as much speak for it as for another copy of a part of it?
    fn speaks_for(&self, range: &std::ops::Range<usize>, evidence: &Evidence) -> bool {
        self.start <= range.start && range.end <= self.end && self.evidence.is_as_good_as(evidence)
    }
}

/// What a segment did to a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Put {
    /// Some of it lies in the window.
    pub(super) inside: bool,
    /// Bytes came that were not there.
    pub(super) grew: bool,
    /// Some reading is another one now.
    pub(super) changed: bool,
    /// It contradicts what was there.
    pub(super) differs: bool,
}

/// A stretch of the sequence space.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Sequence number of the first byte there is room for.
    base: u32,
    /// Sequence number of the first byte that it is about.
    first: u32,
    /// Sequence number with which a message begins, if that is known.
    start: Option<u32>,
    /// The reading in which the first copy wins.
    bytes: Vec<u8>,
    runs: Runs,
    copies: Vec<Copied>,
    /// The other readings; none while nothing differs.
    layers: Vec<Layer>,
    /// The newest timestamps that were scored.
    newest: Newest,
    /// Sequence numbers of bytes that a receiver takes out of the stream, and what speaks for
    /// the segments that say so.
    urgent: Vec<(u32, u16)>,
    /// Sequence numbers with which segments begin.
    cuts: Vec<u32>,
    /// Some copies differ.
    differs: bool,
    /// It begins amid bytes that nobody wants to read: another reading would make nonsense of them.
    of_skipped: bool,
    /// Bytes that came since its readings were last read.
    unread: usize,
    /// A parser was in the middle of something when its readings were last read.
    open: bool,
    /// When something last came.
    pub(super) touched: Timestamp,
}

impl Window {
    /// One that begins with this sequence number; `starts`: a message does, too.
    pub(super) fn new(base: u32, starts: bool, time: Timestamp) -> Self {
        Self { base, first: base, start: starts.then_some(base), touched: time, ..Self::default() }
    }

    /// Bytes on the heap.
    pub(super) fn cost(&self) -> usize {
        size_of::<Self>()
            + self.bytes.capacity()
            + self.runs.cost()
            + self.copies.capacity() * size_of::<Copied>()
            + self.urgent.capacity() * size_of::<(u32, u16)>()
            + self.layers.iter().map(Layer::cost).sum::<usize>()
    }

    pub(super) const fn base(&self) -> u32 {
        self.base
    }

    /// Sequence number of the first byte that it is about. The base may lie before: room for what
    /// comes last byte first.
    pub(super) const fn first(&self) -> u32 {
        self.first
    }

    /// The sequence number behind all of it.
    pub(super) fn end(&self) -> u32 {
        self.sequence(self.bytes.len())
    }

    /// Sequence number of an offset.
    fn sequence(&self, offset: usize) -> u32 {
        self.base.wrapping_add(u32::try_from(offset).unwrap_or(0))
    }

    /// Offset of a sequence number; zero for one before the window.
    fn offset(&self, sequence: u32) -> usize {
        usize::try_from(sequence.wrapping_sub(self.base).cast_signed()).unwrap_or(0)
    }

    /// Where the bytes from a sequence number on end.
    pub(super) fn end_from(&self, sequence: u32) -> u32 {
        self.sequence(self.runs.end_from(self.offset(sequence)))
    }

    /// Where the bytes that end with a sequence number, or go on there, begin.
    pub(super) fn begin_of(&self, sequence: u32) -> u32 {
        let ahead = sequence.wrapping_sub(self.base).cast_signed();
        usize::try_from(ahead).map_or(sequence, |at| self.sequence(self.runs.begin_of(at)))
    }

    /// The first byte at or behind a sequence number that is there.
    pub(super) fn next_from(&self, sequence: u32) -> Option<u32> {
        self.runs.next_from(self.offset(sequence)).map(|offset| self.sequence(offset))
    }

    /// Is everything between two sequence numbers there?
    pub(super) fn has(&self, from: u32, to: u32) -> bool {
        let before = from.wrapping_sub(self.base).cast_signed() < 0;
        !before && self.runs.covers(self.offset(from)..self.offset(to).max(self.offset(from)))
    }

    /// Has it no room for more?
    pub(super) fn is_full(&self, limits: &StreamLimits) -> bool {
        self.bytes.len() >= limits.bytes || self.runs.len() > limits.segments
    }

    /// The bytes between two sequence numbers, as they came first.
    pub(super) fn between(&self, from: u32, to: u32) -> &[u8] {
        self.bytes.get(self.offset(from)..self.offset(to)).unwrap_or(&[])
    }

    /// Can it be read in more than one way?
    pub(super) fn is_contradicted(&self) -> bool {
        self.differs || !self.urgent.is_empty()
    }

    /// Does a segment lie in it, or so many bytes before or behind it at most?
    pub(super) fn is_near(
        &self,
        sequence: u32,
        length: usize,
        (before, behind): (usize, usize),
    ) -> bool {
        let ahead = i64::from(sequence.wrapping_sub(self.base).cast_signed());
        ahead + (length + before) as i64 >= 0 && ahead <= (self.bytes.len() + behind) as i64
    }

    /// Is a message known to begin in it?
    pub(super) const fn begins(&self) -> bool {
        self.start.is_some()
    }

    /// A message begins with this sequence number.
    pub(super) const fn starts_at(&mut self, sequence: u32) {
        (self.start, self.of_skipped) = (Some(sequence), false);
    }

    /// Where a message begins is not known any more.
    pub(super) const fn starts_anywhere(&mut self) {
        self.start = None;
    }

    /// Was what stands from here to `to` passed over, and not kept?
    pub(super) fn passed_over(&self, from: u32, (to, next): (u32, u32)) -> bool {
        let ahead = |of: u32, than: u32| of.wrapping_sub(than).cast_signed() >= 0;
        self.of_skipped && ahead(from, self.end()) && ahead(next, to)
    }

    /// It begins amid bytes that nobody wants to read.
    pub(super) const fn begins_in_skipped(&mut self) {
        self.of_skipped = true;
    }

    /// A receiver may take the byte with this sequence number out of the stream.
    pub(super) fn note_urgent(&mut self, sequence: u32, score: u16) {
        match self.urgent.iter_mut().find(|known| known.0 == sequence) {
            Some((_, known)) if *known >= score => return,
            Some((_, known)) => *known = score,
            None => {
                if self.urgent.len() >= URGENT {
                    self.urgent.remove(0);
                }
                self.urgent.push((sequence, score));
            }
        }
        self.unread += 1;
    }

    /// Takes in a copy of some bytes; what would make the window longer than `limit` is left out.
    pub(super) fn put(
        &mut self,
        (sequence, payload): (u32, &[u8]),
        evidence: &Evidence,
        (limit, time): (usize, Timestamp),
    ) -> Put {
        let Some((start, payload)) = self.place(sequence, payload, limit) else {
            return Put::default();
        };
        let range = start..start + payload.len();
        if self.sequence(start).wrapping_sub(self.first).cast_signed() < 0 {
            self.first = self.sequence(start);
        }
        let part = |run: &std::ops::Range<usize>| payload.get(run.start - start..run.end - start);
        let differs =
            self.runs.within(range.clone()).any(|run| self.bytes.get(run.clone()) != part(&run));
        let grew = !self.runs.covers(range.clone());
        self.differs |= differs;
        if self.cuts.len() < CUTS {
            self.cuts.push(self.sequence(start));
        }
        if self.layers.is_empty() && (differs || self.copies.len() >= COPIES) {
            self.tell_apart();
        }
        if self.bytes.len() < range.end {
            self.bytes.resize(range.end, 0);
        }
        let mut changed = grew;
        if !self.layers.is_empty() {
            let score = evidence.score(payload, &mut self.newest);
            for layer in &mut self.layers {
                changed |= layer.put(range.clone(), payload, (score, evidence.hops()));
            }
        } else if grew || !self.copies.iter().any(|copied| copied.speaks_for(&range, evidence)) {
            self.copies.push(Copied { start, end: range.end, evidence: *evidence });
        }
        if grew {
            fill(&mut self.bytes, &self.runs, start, payload);
            self.runs.add(range);
        }
        if changed {
            self.unread += payload.len();
        }
        self.touched = time;
        Put { inside: true, grew, changed, differs }
    }

    /// Where a segment goes, and the part of it that the window has room for.
    fn place<'p>(
        &mut self,
        sequence: u32,
        payload: &'p [u8],
        limit: usize,
    ) -> Option<(usize, &'p [u8])> {
        let ahead = sequence.wrapping_sub(self.base).cast_signed();
        let (mut start, mut payload) = (usize::try_from(ahead).unwrap_or(0), payload);
        if ahead < 0 {
            let room = ahead.unsigned_abs() as usize;
            if room.saturating_add(self.bytes.len()) > limit {
                payload = payload.get(room..).unwrap_or(&[]);
            } else {
                // More than is asked for, so that what comes last byte first costs no more.
                let spare = (self.bytes.len() / 2).min(limit - self.bytes.len());
                self.make_room(room.max(spare));
                start = self.offset(sequence);
            }
        }
        let room = limit.saturating_sub(start);
        let payload = payload.get(..room).unwrap_or(payload);
        (!payload.is_empty()).then_some((start, payload))
    }

    /// Begins so many bytes earlier.
    fn make_room(&mut self, count: usize) {
        self.base = self.base.wrapping_sub(u32::try_from(count).unwrap_or(0));
        self.bytes.splice(..0, std::iter::repeat_n(0, count));
        self.runs.move_back(count);
        for copied in &mut self.copies {
            (copied.start, copied.end) = (copied.start + count, copied.end + count);
        }
        for layer in &mut self.layers {
            layer.make_room(count);
        }
    }

    /// Forgets what lies before a sequence number.
    pub(super) fn forget_before(&mut self, sequence: u32) {
        let count = self.offset(sequence).min(self.bytes.len());
        self.bytes.drain(..count);
        self.runs.drop_front(count);
        self.copies.retain_mut(|copied| {
            if copied.start < count {
                copied.evidence.forget_sum();
            }
            copied.start = copied.start.saturating_sub(count);
            copied.end = copied.end.saturating_sub(count);
            copied.end > 0
        });
        for layer in &mut self.layers {
            layer.drop_front(count);
        }
        self.base = self.base.wrapping_add(u32::try_from(count).unwrap_or(0));
        if self.first.wrapping_sub(self.base).cast_signed() < 0 {
            self.first = self.base;
        }
        let gone = |start: &u32| start.wrapping_sub(self.base).cast_signed() < 0;
        self.start = self.start.filter(|start| !gone(start));
    }

    /// Forgets what lies behind a sequence number.
    pub(super) fn cut_off(&mut self, sequence: u32) {
        let length = self.offset(sequence).min(self.bytes.len());
        self.bytes.truncate(length);
        self.runs.truncate(length);
        self.copies.retain_mut(|copied| {
            if copied.end > length {
                copied.evidence.forget_sum();
                copied.end = length;
            }
            copied.start < length
        });
        self.layers.iter_mut().for_each(|layer| layer.truncate(length));
    }

    /// Copies differ: from now on each reading has its own bytes.
    #[cold]
    fn tell_apart(&mut self) {
        self.layers = RULES.map(Layer::new).into();
        for Copied { start, end, evidence } in std::mem::take(&mut self.copies) {
            let Some(payload) = self.bytes.get(start..end) else { continue };
            let score = evidence.score(payload, &mut self.newest);
            for layer in &mut self.layers {
                layer.put(start..end, payload, (score, evidence.hops()));
            }
        }
        for layer in &mut self.layers {
            layer.lengthen(self.bytes.len());
        }
    }
}

/// Writes only where nothing stands yet.
fn fill(bytes: &mut [u8], runs: &Runs, start: usize, payload: &[u8]) {
    let end = start + payload.len();
    let mut from = start;
    let mut write = |from: usize, to: usize| {
        if let (Some(target), Some(part)) =
            (bytes.get_mut(from..to), payload.get(from - start..to - start))
        {
            target.copy_from_slice(part);
        }
    };
    for run in runs.within(start..end) {
        write(from, run.start.max(from));
        from = run.end;
    }
    write(from, end);
}

#[cfg(test)]
mod tests;
