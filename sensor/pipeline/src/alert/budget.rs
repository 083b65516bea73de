//! Budgets that come back with packet time: what a flood may spend, and what stays for others.
//!
//! A budget that is spent stays spent for as long as more is asked of it: whoever goes on flooding
//! gets nothing, and a minute after it ends all of it is back. Who floods again and again gets no
//! more than two of it an hour.

use std::collections::HashMap;
use std::hash::Hash;

use foldhash::quality::RandomState;

use crate::net::Timestamp;

/// After this time without a request, in nanoseconds of packet time, a budget is whole again.
const COMES_BACK: u64 = 60 * 1_000_000_000;

/// In this time, in nanoseconds, [`IN_THE_LONG_RUN`] of it are granted and not more.
const LONG_RUN: u64 = 3600 * 1_000_000_000;
const IN_THE_LONG_RUN: u64 = 2;

/// One budget, as the time that it needs to be whole again, and so in the long run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Budget {
    owed: u64,
    owed_long: u64,
    at: Timestamp,
}

impl Budget {
    /// Takes one of `size`. False: nothing is left.
    pub(super) fn take(&mut self, size: u64, now: Timestamp) -> bool {
        // A clock that goes back pays nothing off and adds nothing.
        let passed = now.since(self.at);
        self.at = now;
        self.owed_long = self.owed_long.saturating_sub(passed);
        let size = size.max(1);
        let owed = self.owed.saturating_sub(passed) + COMES_BACK / size;
        let owed_long = self.owed_long + LONG_RUN / (IN_THE_LONG_RUN * size);
        if owed > COMES_BACK {
            self.owed = COMES_BACK;
            return false;
        }
        self.owed = owed;
        let granted = owed_long <= LONG_RUN;
        if granted {
            self.owed_long = owed_long;
        }
        granted
    }

    fn is_whole(&self, now: Timestamp) -> bool {
        self.owed.max(self.owed_long) <= now.since(self.at)
    }
}

/// A budget for each of many, at most so many at once. Those that are whole make room; beyond
/// that, who comes new shares one.
#[derive(Debug)]
pub(super) struct Budgets<K> {
    size: u64,
    most: usize,
    each: HashMap<K, Budget, RandomState>,
    shared: Budget,
    /// Asked by somebody new since whole ones were last looked for.
    asked: usize,
}

impl<K: Hash + Eq> Budgets<K> {
    pub(super) fn new(size: u64, most: usize) -> Self {
        let each = HashMap::default();
        Self { size, most, each, shared: Budget::default(), asked: 0 }
    }

    /// Takes one of what `whose` has. False: nothing is left.
    pub(super) fn take(&mut self, whose: K, now: Timestamp) -> bool {
        if let Some(budget) = self.each.get_mut(&whose) {
            return budget.take(self.size, now);
        }
        self.asked += 1;
        if self.each.len() >= self.most && self.asked >= self.most / 2 {
            self.asked = 0;
            self.each.retain(|_, budget| !budget.is_whole(now));
        }
        if self.each.len() >= self.most {
            return self.shared.take(self.size, now);
        }
        self.each.entry(whose).or_default().take(self.size, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(second: i64) -> Timestamp {
        Timestamp(second * 1_000_000_000)
    }

    fn granted(budget: &mut Budget, asked: usize, now: Timestamp) -> usize {
        (0..asked).filter(|_| budget.take(10, now)).count()
    }

    #[test]
    fn a_budget_is_spent_at_once_and_comes_back_only_in_quiet() {
        let mut budget = Budget::default();
        assert_eq!(granted(&mut budget, 50, at(1000)), 10);
        for second in 1001..3000 {
            assert_eq!(granted(&mut budget, 1, at(second)), 0, "it goes on");
        }
        assert_eq!(granted(&mut budget, 5, at(2999 + 30)), 5, "half of the time, half of it");
        assert_eq!(granted(&mut budget, 50, at(99_999)), 10);
    }

    #[test]
    fn who_comes_again_every_minute_gets_no_more_than_two_an_hour() {
        let mut budget = Budget::default();
        let minutes = |from: i64| from..from + 60;
        let mut hour = |from| -> usize {
            minutes(from).map(|minute| granted(&mut budget, 50, at(minute * 61))).sum()
        };
        assert!((20..=40).contains(&hour(0)));
        assert!((15..=21).contains(&hour(60)));
        assert_eq!(granted(&mut budget, 50, at(99_999)), 10);
    }

    #[test]
    fn a_clock_that_goes_back_spends_nothing_and_delays_it_by_no_more_than_its_time() {
        let mut budget = Budget::default();
        assert_eq!(granted(&mut budget, 1, at(1_000_000)), 1);
        assert_eq!(granted(&mut budget, 50, at(-86_400)), 9);
        assert_eq!(granted(&mut budget, 50, at(-86_400 + 60)), 10);
    }

    #[test]
    fn many_share_one_at_the_limit_and_whole_ones_make_room() {
        let mut budgets = Budgets::new(2, 100);
        let mut ask =
            |from: u32, now| (from..from + 1000).filter(|n| budgets.take(*n, now)).count();
        assert_eq!(ask(0, at(1)), 102, "one hundred, and two that are shared");
        assert_eq!(ask(5000, at(2)), 0);
        assert!(ask(9000, at(5000)) >= 100);
        assert_eq!(budgets.each.len(), 100);
    }
}
