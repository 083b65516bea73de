//! Lines that wait for a disk that takes nothing.

use std::collections::VecDeque;

use crate::sink::Losses;
use crate::sink::file::Weight;

/// Lines that wait at most, and their bytes. Beyond either, an alert takes the place of the last
/// one of the same host and indicator, else of the oldest of all.
const LINES: usize = 16_384;
const BYTES: usize = 16 * 1024 * 1024;

/// What did not wait as a line of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Alerts for which a later one of the same host and indicator stands.
    pub(super) folded: u64,
    /// Lines for which there was no room at all.
    pub(super) gone: u64,
    /// Event records dropped.
    pub(super) events: u64,
}

/// Lines in the order they came.
#[derive(Debug, Default)]
pub(super) struct Held {
    lines: VecDeque<(Vec<u8>, Weight)>,
    bytes: usize,
    /// Since it began.
    counts: Counts,
    /// What of them has been said.
    said: Counts,
}

impl Held {
    /// Takes a line. True if it is an alert, which should be told elsewhere meanwhile.
    pub(super) fn hold(&mut self, line: &[u8], weight: Weight) -> bool {
        if weight == Weight::Event {
            self.counts.events += 1;
            return false;
        }
        if self.is_full() {
            self.make_room(weight);
        }
        self.bytes += line.len();
        self.lines.push_back((line.to_vec(), weight));
        matches!(weight, Weight::Alert { .. })
    }

    fn is_full(&self) -> bool {
        self.lines.len() >= LINES || self.bytes >= BYTES
    }

    fn make_room(&mut self, weight: Weight) {
        let same = self.lines.iter().rposition(|(_, other)| *other == weight);
        let removed = match same.and_then(|at| self.lines.remove(at)) {
            Some(line) => {
                self.counts.folded += 1;
                Some(line)
            }
            None => {
                self.counts.gone += 1;
                self.lines.pop_front()
            }
        };
        self.bytes -= removed.map_or(0, |(line, _)| line.len());
    }

    /// Everything that waits, and what did not and has not been said.
    pub(super) fn take(&mut self) -> (VecDeque<(Vec<u8>, Weight)>, Counts) {
        self.bytes = 0;
        let unsaid = Counts {
            folded: self.counts.folded - self.said.folded,
            gone: self.counts.gone - self.said.gone,
            events: self.counts.events - self.said.events,
        };
        (std::mem::take(&mut self.lines), unsaid)
    }

    /// The same since it began.
    pub(super) fn losses(&self) -> Losses {
        let Counts { folded, gone, events } = self.counts;
        Losses { waiting: self.lines.len() as u64, folded, gone, events, ..Losses::default() }
    }

    /// What did not wait has been said.
    pub(super) fn forget_counts(&mut self) {
        self.said = self.counts;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_memory_is_short_an_alert_takes_the_place_of_the_same_host_and_indicator() {
        let mut held = Held::default();
        for fold in 0..LINES as u64 {
            assert!(held.hold(b"x\n", Weight::Alert { fold }));
        }
        held.hold(b"new\n", Weight::Alert { fold: 7 });
        held.hold(b"other\n", Weight::Alert { fold: u64::MAX });
        assert!(!held.hold(b"event\n", Weight::Event));
        let (lines, counts) = held.take();
        assert_eq!(lines.len(), LINES);
        assert_eq!(counts, Counts { folded: 1, gone: 1, events: 1 });
        assert!(lines.iter().any(|(line, _)| line == b"new\n"));
        assert!(lines.iter().all(|(_, weight)| *weight != Weight::Alert { fold: 0 }));
    }

    #[test]
    fn memory_stays_bounded_however_long_the_lines_are() {
        let mut held = Held::default();
        let line = vec![b'x'; 100_000];
        for fold in 0..1000 {
            held.hold(&line, Weight::Alert { fold });
        }
        assert!(held.bytes <= BYTES + line.len());
    }
}
