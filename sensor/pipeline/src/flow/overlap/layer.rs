//! One reading of a stretch in which copies differ: its bytes, and how good each one's copy was.

use std::ops::Range;

use crate::flow::runs::Runs;

/// What decides between two copies of a byte, where the first one does not simply win.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// The last copy.
    Last,
    /// The best, of two alike the first.
    BestFirst,
    /// The best, of two alike the last.
    BestLast,
    /// The first, and of a segment that contradicts what is there nothing is taken: not what it
    /// adds, either.
    Agreeing,
    /// The one that travels farthest, of two alike the last: where checksums say nothing.
    Farthest,
}

/// All of them.
pub(super) const RULES: [Rule; 5] =
    [Rule::Last, Rule::BestFirst, Rule::BestLast, Rule::Agreeing, Rule::Farthest];

#[derive(Debug)]
pub(super) struct Layer {
    rule: Rule,
    pub(super) bytes: Vec<u8>,
    /// Of the copy that each byte is of; zero where none is.
    scores: Vec<u16>,
}

impl Layer {
    pub(super) const fn new(rule: Rule) -> Self {
        Self { rule, bytes: Vec::new(), scores: Vec::new() }
    }

    /// Bytes on the heap.
    pub(super) fn cost(&self) -> usize {
        size_of::<Self>() + self.bytes.capacity() + self.scores.capacity() * size_of::<u16>()
    }

    pub(super) fn lengthen(&mut self, length: usize) {
        if self.bytes.len() < length {
            self.bytes.resize(length, 0);
            self.scores.resize(length, 0);
        }
    }

    /// Takes in a copy; true if a byte is another one now.
    pub(super) fn put(
        &mut self,
        range: Range<usize>,
        payload: &[u8],
        (score, hops): (u16, u16),
    ) -> bool {
        self.lengthen(range.end);
        let score = match self.rule {
            Rule::Last | Rule::Agreeing => 1,
            Rule::BestFirst | Rule::BestLast => score.max(1),
            Rule::Farthest => hops.max(1),
        };
        // A copy as good as the one before wins if its score need only be reached.
        let first_wins = matches!(self.rule, Rule::BestFirst | Rule::Agreeing);
        let least = if first_wins { score } else { score + 1 };
        let (Some(bytes), Some(scores)) =
            (self.bytes.get_mut(range.clone()), self.scores.get_mut(range))
        else {
            return false;
        };
        if bytes.len() == payload.len() && scores.iter().all(|old| *old == 0) {
            bytes.copy_from_slice(payload);
            scores.fill(score);
            return !payload.is_empty();
        }
        if self.rule == Rule::Agreeing {
            let mut there = bytes.iter().zip(scores.iter()).zip(payload);
            if there.any(|((byte, old), new)| *old > 0 && *byte != *new) {
                return false;
            }
        }
        let mut changed = false;
        for ((byte, old), new) in bytes.iter_mut().zip(scores).zip(payload) {
            if *old < least {
                changed |= *byte != *new || *old == 0;
                (*byte, *old) = (*new, score);
            }
        }
        changed
    }

    /// What is there of it, if it is less than came.
    pub(super) fn less_than(&self, came: &Runs) -> Option<Runs> {
        let scores = |run: &Range<usize>| {
            self.scores.get(run.start..run.end.min(self.scores.len())).unwrap_or(&[])
        };
        if came
            .as_slice()
            .iter()
            .all(|run| scores(run).len() == run.len() && !scores(run).contains(&0))
        {
            return None;
        }
        let mut runs = Runs::default();
        for run in came.as_slice() {
            let mut at = run.start;
            for part in scores(run).chunk_by(|one, next| (*one > 0) == (*next > 0)) {
                if part.first().is_some_and(|score| *score > 0) {
                    runs.add(at..at + part.len());
                }
                at += part.len();
            }
        }
        Some(runs)
    }

    pub(super) fn make_room(&mut self, count: usize) {
        self.bytes.splice(..0, std::iter::repeat_n(0, count));
        self.scores.splice(..0, std::iter::repeat_n(0, count));
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
        self.scores.truncate(length);
    }

    pub(super) fn drop_front(&mut self, count: usize) {
        self.bytes.drain(..count.min(self.bytes.len()));
        self.scores.drain(..count.min(self.scores.len()));
    }
}
