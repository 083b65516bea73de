//! A direction that is read in two ways at once: by the parser it had, and anew from a segment on
//! that begins like a ClientHello. What came before may have been a decoy that the receiver threw
//! away, or the beginning may be bytes inside a message: only what follows tells.
//!
//! Owns how far each of the two has come. Lives until one of them has nothing more to read.

use super::stream::Direction;
use crate::extract::Context;
use crate::flow::stream::{Chunk, Cut, Verdict};

/// Two readings of one direction.
#[derive(Debug)]
pub(super) struct Fork {
    readings: [Reading; 2],
    /// Bytes at the front of the next chunk that were shown before.
    kept: usize,
}

#[derive(Debug)]
struct Reading {
    direction: Direction,
    /// How far it has come beyond the place of the stream.
    ahead: u64,
}

/// What becomes of a fork.
pub(super) enum Outcome {
    /// Both go on.
    Both(Verdict),
    /// One is over; this is the other.
    One(Direction, Verdict),
}

impl Fork {
    /// `first` goes on, `second` begins so many bytes behind the start of the next chunk.
    pub(super) fn new(first: Direction, second: Direction, behind: usize) -> Self {
        let readings = [
            Reading { direction: first, ahead: 0 },
            Reading { direction: second, ahead: behind as u64 },
        ];
        Self { readings, kept: behind }
    }

    /// Bytes on the heap.
    pub(super) fn held_bytes(&self) -> usize {
        let inner = self.readings.iter().map(|reading| reading.direction.held_bytes());
        size_of::<Self>() + inner.sum::<usize>()
    }

    /// Bytes at the front of the next chunk that were shown before.
    pub(super) const fn kept(&self) -> usize {
        self.kept
    }

    /// Another beginning was seen in what is new of a chunk: the second reading is given up for
    /// it, and what stands of its message is read.
    pub(super) fn begin_again(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) {
        let kept = self.kept;
        let [_, second] = &mut self.readings;
        let before = Chunk { bytes: chunk.bytes.get(..kept).unwrap_or_default(), cut: Cut::Gap, ..chunk };
        let _ = second.advance(before, cx);
        *second = Reading { direction: Direction::anew(), ahead: kept as u64 };
    }

    pub(super) fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Outcome {
        if chunk.after_gap {
            self.readings.iter_mut().for_each(|reading| reading.ahead = 0);
        }
        let [first, second] = &mut self.readings;
        match (first.advance(chunk, cx), second.advance(chunk, cx)) {
            (true, true) => {
                let done = first.ahead.min(second.ahead);
                first.ahead -= done;
                second.ahead -= done;
                let done_here = usize::try_from(done).unwrap_or(usize::MAX);
                self.kept = chunk.bytes.len().saturating_sub(done_here);
                Outcome::Both(Verdict::Consumed(done))
            }
            (true, false) => first.alone(),
            (false, true) => second.alone(),
            (false, false) => Outcome::One(Direction::default(), Verdict::All),
        }
    }
}

impl Reading {
    /// Reads on; false when it is over.
    fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> bool {
        let start = usize::try_from(self.ahead).unwrap_or(usize::MAX);
        let bytes = chunk.bytes.get(start..).unwrap_or_default();
        if bytes.is_empty() && chunk.cut == Cut::None {
            return true;
        }
        let from_start = chunk.from_start && start == 0;
        match self.direction.run(Chunk { bytes, from_start, ..chunk }, cx) {
            Verdict::Consumed(bytes) => {
                self.ahead = self.ahead.saturating_add(bytes);
                true
            }
            Verdict::All => false,
        }
    }

    fn alone(&mut self) -> Outcome {
        Outcome::One(std::mem::take(&mut self.direction), Verdict::Consumed(self.ahead))
    }
}
