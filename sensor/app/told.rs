//! Which warnings the journal has heard already: each is written there once, however often the log
//! repeats it, and again after something has changed.

use std::collections::HashSet;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use wardwatch_record::Notice;

/// Warnings remembered; beyond, all are forgotten and heard once more.
const MOST: usize = 256;

/// Warnings that have been said, by a hash of their words without numbers.
#[derive(Debug, Default)]
pub(super) struct Told(HashSet<u64>);

impl Told {
    /// Is this to be said? A heartbeat always is, and what has changed; that is also when
    /// earlier warnings are over.
    pub(super) fn is_new(&mut self, notice: &Notice) -> bool {
        if !notice.is_warning() {
            if !notice.is_beat() {
                self.0.clear();
            }
            return true;
        }
        if self.0.len() >= MOST {
            self.0.clear();
        }
        // Counts differ each time; what is wrong is the same.
        let is_count = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit());
        let words = notice.message.en.split(' ').filter(|word| !is_count(word));
        let words: Vec<&str> = words.collect();
        self.0.insert(FixedState::with_seed(0).hash_one(words))
    }
}

#[cfg(test)]
mod tests {
    use wardwatch_record::{Message, Topic};

    use super::*;
    use crate::sink::{Status, heartbeat};

    fn warning(seconds: i64, text: &str) -> Notice {
        Notice::warning(seconds, Topic::Interface, Message::new("", text))
    }

    #[test]
    fn a_warning_is_heard_once_until_something_has_changed() {
        let mut told = Told::default();
        assert!(told.is_new(&warning(1, "3 lines were lost")));
        assert!(!told.is_new(&warning(60, "71 lines were lost")), "only the count differs");
        assert!(told.is_new(&warning(61, "interface eth1 is down")));
        assert!(told.is_new(&warning(61, "interface eth2 is down")), "another interface");
        // A heartbeat says that the sensor lives, not that it is well.
        assert!(told.is_new(&heartbeat::notice(Topic::Running, &Status::default())));
        assert!(!told.is_new(&warning(62, "interface eth1 is down")));
        let change = Message::new("", "interface eth1 is up again");
        assert!(told.is_new(&Notice::information(63, Topic::Interface, change)));
        assert!(told.is_new(&warning(64, "interface eth1 is down")));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut told = Told::default();
        for number in 0..MOST * 3 {
            let name: String = std::iter::repeat_n('x', number + 1).collect();
            assert!(told.is_new(&warning(0, &name)));
            assert!(told.0.len() <= MOST);
        }
    }
}
