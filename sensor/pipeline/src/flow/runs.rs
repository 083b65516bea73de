//! Which offsets of a stretch of bytes have come: disjoint ranges in order that never adjoin.

use std::ops::Range;

/// Ranges of offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Runs(Vec<Range<usize>>);

impl Runs {
    /// The ranges in order.
    pub(super) fn as_slice(&self) -> &[Range<usize>] {
        &self.0
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Offsets that are covered.
    pub(super) fn covered(&self) -> usize {
        self.0.iter().map(Range::len).sum()
    }

    /// Bytes on the heap.
    pub(super) fn cost(&self) -> usize {
        self.0.capacity() * size_of::<Range<usize>>()
    }

    /// Adds a range; what adjoins becomes one.
    pub(super) fn add(&mut self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        // Nearly always it goes on where the last one ends.
        if let Some(last) = self.0.last_mut().filter(|last| last.end == range.start) {
            last.end = range.end;
            return;
        }
        let from = self.0.partition_point(|old| old.end < range.start);
        let to = self.0.partition_point(|old| old.start <= range.end);
        let joined = self.0.get(from..to).unwrap_or(&[]);
        let start = joined.first().map_or(range.start, |old| old.start.min(range.start));
        let end = joined.last().map_or(range.end, |old| old.end.max(range.end));
        self.0.splice(from..to, std::iter::once(start..end));
    }

    /// The parts of a range that are covered, in order.
    pub(super) fn within(&self, range: Range<usize>) -> impl Iterator<Item = Range<usize>> + '_ {
        let from = self.0.partition_point(|old| old.end <= range.start);
        let rest = self.0.get(from..).unwrap_or(&[]);
        let (start, end) = (range.start, range.end);
        rest.iter()
            .take_while(move |run| run.start < end)
            .map(move |run| run.start.max(start)..run.end.min(end))
    }

    /// Is every offset of a range covered?
    pub(super) fn covers(&self, range: Range<usize>) -> bool {
        range.is_empty() || self.within(range.clone()).next() == Some(range)
    }

    /// Where the covered bytes from an offset on end: the offset itself if it is not covered.
    pub(super) fn end_from(&self, offset: usize) -> usize {
        let at = self.0.partition_point(|run| run.end <= offset);
        match self.0.get(at) {
            Some(run) if run.start <= offset => run.end,
            _ => offset,
        }
    }

    /// Where the covered bytes up to an offset begin: the offset itself if none end there.
    pub(super) fn begin_of(&self, offset: usize) -> usize {
        let at = self.0.partition_point(|run| run.end < offset);
        self.0.get(at).map_or(offset, |run| run.start.min(offset))
    }

    /// The first covered offset at or behind one.
    pub(super) fn next_from(&self, offset: usize) -> Option<usize> {
        let at = self.0.partition_point(|run| run.end <= offset);
        self.0.get(at).map(|run| run.start.max(offset))
    }

    /// Forgets so many offsets at the front: what followed them begins at zero.
    pub(super) fn drop_front(&mut self, count: usize) {
        self.0.retain_mut(|run| {
            *run = run.start.saturating_sub(count)..run.end.saturating_sub(count);
            run.start < run.end
        });
    }

    /// Forgets what lies from an offset on.
    pub(super) fn truncate(&mut self, length: usize) {
        self.0.retain_mut(|run| {
            run.end = run.end.min(length);
            run.start < run.end
        });
    }

    /// Makes room for so many offsets before the first.
    pub(super) fn move_back(&mut self, count: usize) {
        for run in &mut self.0 {
            *run = run.start + count..run.end + count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn they_hold_what_a_plain_set_holds(
            ranges in proptest::collection::vec((0..90_usize, 0..12_usize), 0..20),
            (from, length) in (0..90_usize, 0..12_usize),
            front in 0..40_usize,
        ) {
            let (mut runs, mut plain) = (Runs::default(), vec![false; 200]);
            for (start, length) in ranges {
                runs.add(start..start + length);
                plain[start..start + length].fill(true);
            }
            let shown = |runs: &Runs| {
                let mut shown = vec![false; 200];
                for run in runs.as_slice() { shown[run.clone()].fill(true); }
                shown
            };
            proptest::prop_assert_eq!(&shown(&runs), &plain);
            let adjoin = runs.as_slice().windows(2).any(|two| two[0].end >= two[1].start);
            proptest::prop_assert!(!adjoin);
            proptest::prop_assert_eq!(runs.covers(from..from + length), plain[from..from + length].iter().all(|set| *set));
            let within: usize = runs.within(from..from + length).map(|part| part.len()).sum();
            proptest::prop_assert_eq!(within, plain[from..from + length].iter().filter(|set| **set).count());
            let end = from + plain[from..].iter().take_while(|set| **set).count();
            proptest::prop_assert_eq!(runs.end_from(from), end);
            proptest::prop_assert_eq!(runs.next_from(from), plain[from..].iter().position(|set| *set).map(|at| at + from));
            runs.drop_front(front);
            plain.drain(..front);
            plain.resize(200, false);
            proptest::prop_assert_eq!(&shown(&runs), &plain);
        }
    }
}
