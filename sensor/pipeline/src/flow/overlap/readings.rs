//! Every reading of a window, shown to a parser from its beginning.

use std::ops::Range;

use super::Window;
use crate::flow::runs::Runs;
use crate::flow::stream::{Chunk, Cut, Reader, Shown, Verdict};

/// How the readings ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::flow) struct Outcome {
    /// A parser wants to read on behind what is there.
    pub(in crate::flow) wants_more: bool,
    /// A parser is in the middle of a message.
    pub(in crate::flow) is_open: bool,
}

impl Outcome {
    const fn add(&mut self, other: Self) {
        self.wants_more |= other.wants_more;
        self.is_open |= other.is_open;
    }
}

impl Window {
    /// Is there something that was not read in all its readings?
    pub(in crate::flow) const fn is_unread(&self) -> bool {
        self.unread > 0 && !self.of_skipped
    }

    /// Is there something to tell when nothing follows? What a parser has read to its end it does
    /// not read otherwise then.
    pub(in crate::flow) fn has_an_end_to_read(&self) -> bool {
        self.open && self.is_contradicted()
    }

    /// Did half as much come since its readings were last read as stands in it?
    pub(in crate::flow) fn is_mostly_unread(&self) -> bool {
        self.unread >= self.runs.covered() / 2
    }

    /// Bytes that a reading of all readings reads.
    pub(in crate::flow) fn price(&self) -> usize {
        let urgent = if self.urgent.is_empty() { 1 } else { 4 };
        self.runs.covered() * (1 + self.layers.len()) * urgent
    }

    /// Shows each reading to a parser of its own.
    /// `passed` is the sequence number up to which holes are not waited for any more.
    pub(in crate::flow) fn read(
        &mut self,
        (cut, passed): (Cut, u32),
        reader: &mut dyn Reader,
    ) -> Outcome {
        self.unread = 0;
        self.open = false;
        let mut outcome = Outcome::default();
        // Amid a message whose beginning is missing there is nothing to understand.
        if self.start.is_some_and(|start| !self.has(start, start.wrapping_add(1))) {
            return outcome;
        }
        let urgent = self.urgent_readings();
        let mut seen: Vec<&[u8]> = Vec::with_capacity(1 + self.layers.len());
        let layers = self.layers.iter().map(|layer| (&layer.bytes, layer.less_than(&self.runs)));
        for (bytes, less) in std::iter::once((&self.bytes, None)).chain(layers) {
            if less.is_none() && seen.contains(&bytes.as_slice()) {
                continue;
            }
            seen.push(bytes);
            let runs = less.as_ref().unwrap_or(&self.runs);
            outcome.add(self.show((runs, bytes), (cut, passed), reader));
            for urgent in &urgent {
                let (bytes, runs) = self.without((bytes, runs), urgent);
                outcome.add(self.show((&runs, &bytes), (cut, passed), reader));
            }
        }
        self.open = outcome.is_open;
        outcome
    }

    /// Which urgent bytes are taken out: only the last, all of them, those said to be urgent by
    /// the segments for which most speaks.
    fn urgent_readings(&self) -> Vec<Vec<u32>> {
        let best = self.urgent.iter().map(|(_, score)| *score).max().unwrap_or(0);
        let of = |list: &[(u32, u16)], least| {
            let good = list.iter().filter(|(_, score)| *score >= least);
            good.map(|(sequence, _)| *sequence).collect::<Vec<_>>()
        };
        let last = self.urgent.len().saturating_sub(1);
        let mut readings = vec![
            of(self.urgent.get(last..).unwrap_or(&[]), 0),
            of(&self.urgent, 0),
            of(&self.urgent, best),
        ];
        readings.retain(|reading| !reading.is_empty());
        readings.dedup();
        readings
    }

    /// A reading out of which some bytes are taken.
    fn without(&self, (bytes, there): (&[u8], &Runs), urgent: &[u32]) -> (Vec<u8>, Runs) {
        let mut taken: Vec<usize> = urgent
            .iter()
            .filter(|sequence| sequence.wrapping_sub(self.base) < i32::MAX.cast_unsigned())
            .map(|sequence| self.offset(*sequence))
            .collect();
        taken.retain(|offset| *offset < bytes.len());
        taken.sort_unstable();
        taken.dedup();
        let (mut out, mut runs) = (Vec::with_capacity(bytes.len()), Runs::default());
        let mut from = 0;
        for end in taken.into_iter().chain([bytes.len()]) {
            let moved = from - out.len();
            for run in there.within(from..end) {
                runs.add(run.start - moved..run.end - moved);
            }
            out.extend_from_slice(bytes.get(from..end).unwrap_or(&[]));
            from = end + 1;
        }
        (out, runs)
    }

    /// Shows one reading, hole by hole.
    fn show(
        &self,
        (runs, bytes): (&Runs, &[u8]),
        (cut, passed): (Cut, u32),
        reader: &mut dyn Reader,
    ) -> Outcome {
        // What lies behind a hole may be anything as long as the hole may be filled.
        let passed = passed.wrapping_sub(self.base).cast_signed();
        let is_passed =
            |run: &Range<usize>| cut == Cut::End || i64::from(passed) > run.start as i64;
        let shown = runs.as_slice().iter().skip(1).take_while(|run| is_passed(run)).count() + 1;
        let mut told_last = false;
        let start = self.start.map(|start| self.offset(start));
        // What lies before the beginning of a message is none of it.
        let (mut wanted, mut fresh): (u64, bool) = (start.unwrap_or(0) as u64, true);
        for (nth, run) in runs.as_slice().iter().take(shown).enumerate() {
            let after_run = if nth + 1 == shown { cut } else { Cut::Gap };
            let after_gap = !fresh && wanted < run.start as u64;
            for end in self.ends(run) {
                let begin = (run.start as u64).max(wanted);
                if begin >= end as u64 {
                    continue;
                }
                let begin = usize::try_from(begin).unwrap_or(usize::MAX);
                let Shown { verdict, told } = reader.again(
                    Chunk {
                        bytes: bytes.get(begin..end).unwrap_or(&[]),
                        from_start: start == Some(begin),
                        after_gap: after_gap && begin == run.start,
                        cut: if end == run.end { after_run } else { Cut::None },
                    },
                    fresh,
                );
                (fresh, told_last) = (false, told);
                match verdict {
                    Verdict::All => return Outcome { wants_more: false, is_open: runs.len() > 1 },
                    Verdict::Consumed(bytes) => wanted = begin as u64 + bytes,
                }
            }
        }
        let wants_more = wanted <= bytes.len() as u64;
        let all = wanted >= bytes.len() as u64 && told_last;
        Outcome { wants_more, is_open: wants_more && (!all || runs.len() > 1) }
    }

    /// Where a run is cut to be shown: nowhere, unless it is not known where a message begins. It
    /// may then be with any segment.
    fn ends(&self, run: &Range<usize>) -> impl Iterator<Item = usize> + use<> {
        let mut ends: Vec<usize> = match self.start {
            Some(_) => Vec::new(),
            None => self.cuts.iter().map(|cut| self.offset(*cut)).collect(),
        };
        ends.retain(|end| run.start < *end && *end < run.end);
        ends.sort_unstable();
        ends.dedup();
        ends.push(run.end);
        ends.into_iter()
    }
}
