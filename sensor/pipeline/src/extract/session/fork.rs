//! A direction that is read in several ways at once: by the parser it had, and anew from a segment
//! on that begins like a ClientHello. What came before may have been a decoy that the receiver
//! threw away, or the beginning may be bytes inside a message: only what follows tells.
//!
//! Owns how far each of them has come. Lives until one of them alone has something to read.

use super::stream::Direction;
use crate::extract::Context;
use crate::flow::stream::{Chunk, Cut, Verdict};

/// Readings at once. Where more begin, the last one is given up.
const READINGS: usize = 4;

/// The readings of one direction, the oldest first.
#[derive(Debug)]
pub(super) struct Fork {
    readings: Vec<Reading>,
}

#[derive(Debug)]
struct Reading {
    direction: Direction,
    /// How far it has come beyond the place of the stream.
    ahead: u64,
}

/// What becomes of a fork.
pub(super) enum Outcome {
    /// It goes on.
    Many(Verdict),
    /// This one is left.
    One(Direction, Verdict),
}

impl Fork {
    /// `first` goes on, `second` begins so many bytes behind the start of the next chunk.
    pub(super) fn new(first: Direction, second: Direction, behind: usize) -> Self {
        let second = Reading { direction: second, ahead: behind as u64 };
        Self { readings: vec![Reading { direction: first, ahead: 0 }, second] }
    }

    /// Bytes on the heap.
    pub(super) fn held_bytes(&self) -> usize {
        let inner = self.readings.iter().map(|reading| reading.direction.held_bytes());
        self.readings.capacity() * size_of::<Reading>() + inner.sum::<usize>()
    }

    /// Is it not known of any reading what it reads?
    pub(super) fn is_undecided(&self) -> bool {
        self.readings.iter().all(|reading| reading.direction.is_undecided())
    }

    /// Another beginning was seen `known` bytes behind the start of a chunk. Where there is no
    /// room for it, what stands of the last reading's message is read.
    pub(super) fn begin_again(&mut self, chunk: Chunk<'_>, known: usize, cx: &mut Context<'_>) {
        // One that waits for nothing else than a beginning takes this one.
        let place = known as u64;
        if self.readings.iter().any(|it| it.direction.is_open() && it.ahead <= place) {
            return;
        }
        if self.readings.len() >= READINGS
            && let Some(mut last) = self.readings.pop()
        {
            let bytes = chunk.bytes.get(..known).unwrap_or_default();
            let _ = last.advance(Chunk { bytes, cut: Cut::Gap, ..chunk }, cx);
        }
        self.readings.push(Reading { direction: Direction::anew(), ahead: place });
    }

    pub(super) fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Outcome {
        if chunk.after_gap {
            self.readings.iter_mut().for_each(|reading| reading.ahead = 0);
        }
        let mut searched = false;
        self.readings.retain_mut(|reading| {
            // A search that has just begun looks at these places itself.
            if searched && reading.direction.is_undecided() {
                return false;
            }
            let undecided = reading.direction.is_undecided();
            let goes_on = reading.advance(chunk, cx);
            searched |= undecided && reading.direction.is_searching();
            goes_on
        });
        let done = self.readings.iter().map(|reading| reading.ahead).min();
        let Some(done) = done else { return Outcome::One(Direction::default(), Verdict::All) };
        if let [one] = self.readings.as_mut_slice() {
            return Outcome::One(std::mem::take(&mut one.direction), Verdict::Consumed(done));
        }
        self.readings.iter_mut().for_each(|reading| reading.ahead -= done);
        Outcome::Many(Verdict::Consumed(done))
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
}
