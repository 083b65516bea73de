//! One direction of a TCP connection: segments in any order in, adjoining bytes out.
//!
//! A [`Stream`] shows a parser [`Chunk`]s and does what its [`Verdict`] says. In the common case
//! (in order, nothing held) the parser sees the packet's own bytes and nothing is copied.

mod held;
mod regard;

use held::{Held, Piece};
pub use regard::Regard;

use crate::decode::packet::Segment;
use crate::net::Timestamp;
use crate::stats::{Counter, Counters};

/// What follows a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// More bytes may follow directly.
    None,
    /// Bytes after this chunk are lost; what is shown next does not adjoin it. Read what can be
    /// read: unconsumed bytes are not shown again.
    Gap,
    /// Nothing follows: end of the capture, eviction, a new connection on the same ports.
    End,
}

/// In-order bytes of one direction. Starts with the bytes the parser left unconsumed last time.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// The first byte shown is the first byte of the connection (its SYN was seen).
    pub from_start: bool,
    /// The bytes follow a hole: the parser's place in the stream is lost.
    pub after_gap: bool,
    /// What follows.
    pub cut: Cut,
}

/// A parser's answer to a [`Chunk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// So many bytes are done with; the rest is shown again with more. May exceed what was shown
    /// (a body of known length): the excess is skipped unseen as it arrives, holes and all.
    Consumed(u64),
    /// This direction need never be looked at again.
    All,
}

/// Bounds of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// Bytes held for one direction, read but not consumed and out of order together. At the
    /// limit the parser is told of a gap and reads what stands.
    pub bytes: usize,
    /// Out-of-order segments held for one direction.
    pub segments: usize,
    /// How long a hole may stay open, in nanoseconds of packet time.
    pub hole_nanos: u64,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self { bytes: 128 * 1024, segments: 512, hole_nanos: 2_000_000_000 }
    }
}

/// What a stream needs from its worker while it works.
pub struct StreamWork<'a> {
    /// The bounds.
    pub limits: &'a StreamLimits,
    /// The packet's time.
    pub time: Timestamp,
    /// May a segment's payload be the beginning of something? Asked once a direction is done.
    pub may_begin: fn(&[u8]) -> bool,
    /// Where drops are counted.
    pub counters: &'a mut Counters,
}

/// Farther than this from where the stream stands, a segment is no neighbour: a new place.
const WINDOW: i32 = 16 * 1024 * 1024;

/// The same while only a SYN was seen, which may be a decoy: no sender is that far ahead before
/// it is answered.
const UNTOUCHED_WINDOW: i32 = 1024 * 1024;

const STARTED: u8 = 1;
const SYN_SEEN: u8 = 2;
const DONE: u8 = 4;
/// Nothing has been consumed since the start of the connection.
const AT_START: u8 = 8;
/// The next byte shown follows a hole.
const AFTER_GAP: u8 = 16;
/// The parser has consumed something.
const CONSUMED: u8 = 32;
/// Some of its bytes were sent twice and differ.
const DOUBTED: u8 = 64;
/// A SYN of another connection was seen while a message of this one was incomplete.
const RIVALLED: u8 = 128;

/// One direction's reassembly. Without held bytes it is 32 bytes and no heap.
#[derive(Debug, Default)]
pub struct Stream {
    /// Sequence number after the last byte shown, held as pending, or skipped.
    next: u32,
    /// Sequence number of the SYN, if it was seen.
    initial: u32,
    /// Bytes after `next` that the parser does not want.
    skip: u64,
    held: Option<Box<Held>>,
    /// Sequence number of the SYN of a connection that may replace this one.
    rival: u32,
    /// Bytes noted of what is being skipped.
    noted: u16,
    flags: u8,
}

type Show<'s> = dyn FnMut(Chunk<'_>) -> Verdict + 's;

impl Stream {
    /// Will this direction never be looked at again?
    pub const fn is_done(&self) -> bool {
        self.flags & DONE != 0
    }

    /// Was its SYN seen?
    pub const fn syn_seen(&self) -> bool {
        self.flags & SYN_SEEN != 0
    }

    /// Bytes on the heap, as far as the budget counts them.
    pub fn held_bytes(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.cost())
    }

    /// Since when the oldest hole is open.
    pub fn hole_since(&self) -> Option<Timestamp> {
        self.held.as_ref().filter(|held| held.has_pieces()).map(|held| held.since)
    }

    /// Takes in a segment and shows the parser whatever it completes.
    pub fn push(&mut self, segment: &Segment<'_>, work: &mut StreamWork<'_>, show: &mut Show<'_>) {
        if self.note_syn(segment) || !self.is_awake(segment, work.may_begin) {
            return;
        }
        let sequence = regard::first_byte(segment);
        if self.flags & STARTED == 0 {
            self.next = sequence;
            self.flags |= STARTED;
        }
        let piece = Piece { sequence, bytes: segment.payload, missing: segment.missing };
        if self.held.is_none() && self.skip == 0 && sequence == self.next {
            self.deliver(&piece, work, show);
        } else {
            self.place(piece, work, show);
        }
    }

    /// Is the direction looked at? One that is done is again from a segment on that lies behind
    /// what was read and may begin something.
    fn is_awake(&mut self, segment: &Segment<'_>, may_begin: fn(&[u8]) -> bool) -> bool {
        if self.is_done() {
            let sequence = regard::first_byte(segment);
            let known = sequence.wrapping_sub(self.next).cast_signed() < 0;
            if known || !may_begin(segment.payload) {
                return false;
            }
            self.flags &= !(DONE | AT_START | CONSUMED);
            self.flags |= AFTER_GAP;
            (self.skip, self.next) = (0, sequence);
        }
        true
    }

    /// Takes note of a SYN. True if the segment has nothing else to say.
    #[inline]
    pub fn note_syn(&mut self, segment: &Segment<'_>) -> bool {
        if segment.flags.syn() && self.flags & STARTED == 0 {
            self.open(segment.sequence);
        }
        segment.payload.is_empty() && segment.missing == 0
    }

    /// A segment that is not simply the next one.
    fn place(&mut self, piece: Piece<'_>, work: &mut StreamWork<'_>, show: &mut Show<'_>) {
        self.spend_skip(piece.end());
        let offset = piece.sequence.wrapping_sub(self.next).cast_signed();
        let elsewhere = !(-WINDOW..=WINDOW).contains(&offset)
            || (self.is_untouched() && !(0..=UNTOUCHED_WINDOW).contains(&offset));
        if self.skip == 0 && elsewhere {
            self.resync(piece.sequence, work, show);
        } else if offset < 0 && self.before_the_beginning(&piece) {
            self.rebase(piece.sequence);
        }
        let offset = piece.sequence.wrapping_sub(self.next).cast_signed();
        if offset > 0 {
            work.counters.count(Counter::SegmentsHeld);
            let held = self.held.get_or_insert_default();
            if !held.has_pieces() {
                held.since = work.time;
            }
            held.insert(&piece);
        } else {
            let Some(fresh) = piece.from(self.next) else {
                work.counters.count(Counter::SegmentsRepeated);
                return;
            };
            self.deliver(&fresh, work, show);
            self.drain(work, show);
        }
        self.keep_bounds(work, show);
    }

    /// Shows bytes that begin at `next`, and moves on.
    fn deliver(&mut self, piece: &Piece<'_>, work: &mut StreamWork<'_>, show: &mut Show<'_>) {
        let mut held = self.held.take();
        let pending = held.as_ref().map_or(0, |held| held.pending.len());
        let over = pending + piece.bytes.len() > work.limits.bytes;
        if over {
            work.counters.count(Counter::StreamLimit);
        }
        let cut = if over || piece.missing > 0 { Cut::Gap } else { Cut::None };
        self.next = self.next.wrapping_add(piece.length());
        let shown = match &mut held {
            Some(held) if pending > 0 => {
                held.pending.extend_from_slice(piece.bytes);
                held.pending.as_slice()
            }
            _ => piece.bytes,
        };
        let verdict = show(self.chunk(shown, cut));
        let length = shown.len() as u64;
        let Verdict::Consumed(consumed) = verdict else {
            self.flags |= DONE;
            return;
        };
        let lost = cut != Cut::None && consumed < length + u64::from(piece.missing);
        self.note_consumed(consumed, lost);
        if consumed >= length || cut != Cut::None {
            // What lies beyond a hole of known size may still be part of what is skipped.
            self.skip = consumed.saturating_sub(length).saturating_sub(u64::from(piece.missing));
            self.noted = 0;
            if let Some(held) = &mut held {
                held.pending.clear();
            }
        } else {
            let held = held.get_or_insert_default();
            let consumed = usize::try_from(consumed).unwrap_or(usize::MAX);
            held.keep_pending(pending, piece.bytes, consumed);
        }
        self.held = held.filter(|held| !held.is_empty());
    }

    fn chunk<'b>(&self, bytes: &'b [u8], cut: Cut) -> Chunk<'b> {
        Chunk {
            bytes,
            from_start: self.flags & AT_START != 0,
            after_gap: self.flags & AFTER_GAP != 0,
            cut,
        }
    }

    fn note_consumed(&mut self, consumed: u64, lost: bool) {
        if consumed > 0 {
            self.flags &= !(AT_START | AFTER_GAP);
            self.flags |= CONSUMED;
        }
        if lost {
            self.flags &= !AT_START;
            self.flags |= AFTER_GAP;
        }
    }

    /// Shows held segments that have become adjacent.
    fn drain(&mut self, work: &mut StreamWork<'_>, show: &mut Show<'_>) {
        while !self.is_done() {
            let Some(first) = self.held.as_ref().and_then(|held| held.first_piece()) else {
                return;
            };
            let end = first.view().end();
            self.spend_skip(end);
            let Some(held) = &mut self.held else { return };
            let Some(piece) = held.pop_up_to(self.next) else { return };
            if let Some(fresh) = piece.view().from(self.next) {
                self.deliver(&fresh, work, show);
            }
        }
    }

    /// Gives up on the first hole: what stands before it is shown as cut, then what follows.
    pub fn skip_hole(&mut self, work: &mut StreamWork<'_>, show: &mut Show<'_>) {
        let Some(first) = self.held.as_ref().and_then(|held| held.first_piece()) else { return };
        let sequence = first.sequence;
        work.counters.count(Counter::Gaps);
        self.resync(sequence, work, show);
        self.drain(work, show);
        if let Some(held) = &mut self.held {
            held.since = work.time;
        }
    }

    /// Moves to another place of the sequence space; what was pending is shown as cut.
    fn resync(&mut self, sequence: u32, work: &mut StreamWork<'_>, show: &mut Show<'_>) {
        let nothing = Piece { sequence: self.next, bytes: &[], missing: 1 };
        if self.held.as_ref().is_some_and(|held| !held.pending.is_empty()) {
            self.deliver(&nothing, work, show);
        }
        self.next = sequence;
        self.skip = 0;
        self.flags &= !AT_START;
        self.flags |= AFTER_GAP;
    }

    /// Does this segment lie before all we have, in a connection joined in its middle whose
    /// first packets came out of order?
    fn before_the_beginning(&self, piece: &Piece<'_>) -> bool {
        let pending = self.held.as_ref().map_or(0, |held| held.pending.len());
        let base = self.next.wrapping_sub(u32::try_from(pending).unwrap_or(u32::MAX));
        self.flags & (SYN_SEEN | CONSUMED) == 0
            && pending > 0
            && piece.sequence.wrapping_sub(base).cast_signed() < 0
    }

    /// Makes `sequence` the new beginning; what was pending waits as an ordinary piece.
    fn rebase(&mut self, sequence: u32) {
        if let Some(held) = &mut self.held {
            held.pending_to_piece(self.next);
        }
        self.next = sequence;
        self.flags |= AFTER_GAP;
    }

    /// Moves `next` through bytes the parser does not want, as far as a piece that ends at
    /// `end` shows that the stream has come. Holes inside are never missed.
    fn spend_skip(&mut self, end: u32) {
        if self.skip == 0 {
            return;
        }
        let ahead = end.wrapping_sub(self.next).cast_signed();
        let step = u64::try_from(ahead).unwrap_or(0).min(self.skip);
        self.skip -= step;
        self.next = self.next.wrapping_add(u32::try_from(step).unwrap_or(0));
    }

    fn keep_bounds(&mut self, work: &mut StreamWork<'_>, show: &mut Show<'_>) {
        while let Some(held) = self.held.as_ref().filter(|held| held.has_pieces()) {
            let full = held.bytes() > work.limits.bytes || held.pieces() > work.limits.segments;
            let late = work.time.since(held.since) > work.limits.hole_nanos;
            if full {
                work.counters.count(Counter::StreamLimit);
            }
            if self.is_done() || !(full || late) {
                return;
            }
            self.skip_hole(work, show);
        }
    }

    /// Shows everything still held, holes skipped, and ends.
    pub fn finish(&mut self, work: &mut StreamWork<'_>, show: &mut Show<'_>) {
        while !self.is_done() && self.hole_since().is_some() {
            self.skip_hole(work, show);
        }
        if let Some(held) = self.held.take().filter(|held| !held.pending.is_empty())
            && !self.is_done()
        {
            let _ = show(self.chunk(&held.pending, Cut::End));
        }
        self.flags |= DONE;
    }
}

#[cfg(test)]
mod tests;
