//! What may be spent in a second of packet time on packets that lead to nothing.
//!
//! Whoever spends a budget must not blind the sensor: a host that has failed seldom is always
//! looked at, one packet in a few is looked at whatever was spent, and all comes back with the
//! next second.

use crate::net::{Address, Timestamp};

/// Attempts in a second that may fail: some 4 µs each.
const FAILURES: u32 = 16_384;
/// Places for the failures of hosts. Many hosts share one.
const HOSTS: usize = 256;
/// Failures of a place in a second that are always allowed.
const HOST_FAILURES: u8 = 32;
/// When all is spent, one of so many is tried.
const SAMPLE: u32 = 16;
/// Packets in a second that have the id of a known connection and do not open: some 1 µs each.
const UNOPENED: u32 = 65_536;
/// Bytes of contradicting pieces put together in a second: some 20 ms.
const BYTES: usize = 64 << 20;

/// What is left of this second.
#[derive(Debug)]
pub(super) struct Budget {
    second: i64,
    failures: u32,
    hosts: [u8; HOSTS],
    unopened: u32,
    refused: u32,
    bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { second: 0, failures: 0, hosts: [0; HOSTS], unopened: 0, refused: 0, bytes: 0 }
    }
}

impl Budget {
    /// Another second begins, or time goes back.
    pub(super) fn at(&mut self, now: Timestamp) {
        let second = now.seconds();
        if second != self.second {
            *self = Self { second, refused: self.refused, ..Self::default() };
        }
    }

    /// May something of this host be tried that will perhaps fail?
    pub(super) fn may_try(&mut self, host: Address) -> bool {
        let seldom = self.hosts.get(place(host)).is_some_and(|failed| *failed < HOST_FAILURES);
        if seldom || self.failures < FAILURES {
            return true;
        }
        self.refused = self.refused.wrapping_add(1);
        self.refused.is_multiple_of(SAMPLE)
    }

    /// It failed.
    pub(super) fn failed(&mut self, host: Address) {
        self.failures = self.failures.saturating_add(1);
        if let Some(failed) = self.hosts.get_mut(place(host)) {
            *failed = failed.saturating_add(1);
        }
    }

    /// May a packet with the id of a connection of this host be tried?
    pub(super) fn may_open(&mut self, host: Address) -> bool {
        self.unopened < UNOPENED || self.may_try(host)
    }

    /// It did not open.
    pub(super) const fn failed_to_open(&mut self) {
        self.unopened = self.unopened.saturating_add(1);
    }

    /// May so many bytes be put together now?
    pub(super) const fn may_read(&mut self, bytes: usize) -> bool {
        let fits = self.bytes < BYTES;
        if fits {
            self.bytes = self.bytes.saturating_add(bytes);
        }
        fits
    }
}

/// The place of a host.
const fn place(host: Address) -> usize {
    let [high, low] = host.halves();
    ((high ^ low).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize % HOSTS
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOISY: Address = Address::v4([192, 0, 2, 1]);
    const QUIET: Address = Address::v4([192, 0, 2, 2]);

    #[test]
    fn a_spent_budget_blinds_nobody_and_comes_back() {
        let mut budget = Budget::default();
        budget.at(Timestamp::new(7, 0));
        for _ in 0..FAILURES {
            assert!(budget.may_try(NOISY));
            budget.failed(NOISY);
        }
        let tried = (0..160).filter(|_| budget.may_try(NOISY)).count();
        assert_eq!(tried, 10, "one of sixteen");
        assert_ne!(place(NOISY), place(QUIET));
        assert!(budget.may_try(QUIET), "who failed seldom is heard");
        budget.at(Timestamp::new(7, 999_999_999));
        assert!(!budget.may_try(NOISY));
        budget.at(Timestamp::new(8, 0));
        assert!(budget.may_try(NOISY));
    }

    #[test]
    fn packets_of_known_connections_have_more_and_then_what_others_have() {
        let mut budget = Budget::default();
        budget.at(Timestamp::new(7, 0));
        for _ in 0..FAILURES {
            budget.failed(NOISY);
        }
        for _ in 0..UNOPENED {
            assert!(budget.may_open(NOISY));
            budget.failed_to_open();
        }
        assert_eq!((0..160).filter(|_| budget.may_open(NOISY)).count(), 10);
        assert!(budget.may_open(QUIET));
        budget.at(Timestamp::new(8, 0));
        assert!(budget.may_open(NOISY));
    }

    #[test]
    fn bytes_read_again_are_bounded_in_each_second() {
        let mut budget = Budget::default();
        budget.at(Timestamp::new(7, 0));
        let read = (0..1_000).filter(|_| budget.may_read(1 << 20)).count();
        assert_eq!(read, 64);
        budget.at(Timestamp::new(6, 0));
        assert!(budget.may_read(1));
    }
}
