//! Which warnings the journal has heard already: each is written there once, however often the log
//! repeats it, and again after something has changed.

use std::collections::HashSet;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use crate::sink::heartbeat;
use crate::sink::text::LineFormat;

/// Warnings remembered; beyond, all are forgotten and heard once more.
const MOST: usize = 256;

/// Warnings that have been said, by a hash of their words without numbers.
#[derive(Debug, Default)]
pub(super) struct Told(HashSet<u64>);

impl Told {
    /// Is this line to be said? A heartbeat always is, and what has changed; that is also when
    /// earlier warnings are over.
    pub(super) fn is_new(&mut self, format: &LineFormat, line: &str) -> bool {
        if !heartbeat::is_warning(format, line) {
            if !heartbeat::is_beat(format, line) {
                self.0.clear();
            }
            return true;
        }
        if self.0.len() >= MOST {
            self.0.clear();
        }
        let words = line.split_once(' ').map_or(line, |(_, words)| words);
        // Counts differ each time; what is wrong is the same.
        let is_count = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
        let words: Vec<&str> = words.split(' ').filter(|word| !is_count(word)).collect();
        self.0.insert(FixedState::with_seed(0).hash_one(words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::{Language, Phrase};
    use crate::net::Timestamp;
    use crate::sink::{Clock, Status};

    fn format() -> LineFormat {
        let threats = ioc_feeds::curated::threats().unwrap();
        LineFormat { language: Language::Vi, clock: Clock::new(jiff::tz::TimeZone::UTC), threats }
    }

    #[test]
    fn a_warning_is_heard_once_until_something_has_changed() {
        let (format, mut told) = (format(), Told::default());
        let at = |seconds| Timestamp::new(seconds, 0);
        let warning = |seconds, text: &str| heartbeat::warning(&format, at(seconds), text);
        assert!(told.is_new(&format, &warning(1, "mất 3 dòng")));
        assert!(!told.is_new(&format, &warning(60, "mất 71 dòng")), "only the count differs");
        assert!(told.is_new(&format, &warning(61, "card mạng eth1 đã ngắt")));
        assert!(told.is_new(&format, &warning(61, "card mạng eth2 đã ngắt")), "another interface");
        // A heartbeat says that the sensor lives, not that it is well.
        let beat = heartbeat::line(&format, Phrase::Running, &Status::default());
        assert!(told.is_new(&format, &beat));
        assert!(!told.is_new(&format, &warning(62, "card mạng eth1 đã ngắt")));
        let change = heartbeat::information(&format, at(63), "card mạng eth1 đã trở lại");
        assert!(told.is_new(&format, &change));
        assert!(told.is_new(&format, &warning(64, "card mạng eth1 đã ngắt")));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (format, mut told) = (format(), Told::default());
        for number in 0..MOST * 3 {
            let name: String = std::iter::repeat_n('x', number + 1).collect();
            assert!(
                told.is_new(&format, &heartbeat::warning(&format, Timestamp::default(), &name))
            );
            assert!(told.0.len() <= MOST);
        }
    }
}
