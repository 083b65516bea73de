//! Alerts that wait in a worker for a queue that is full.
//!
//! Owns their order. A repeat takes the place of what it repeats. When many wait, those of a host
//! that has one of the same threat waiting are counted in a line of the host; the last room is for
//! hosts and threats of which nothing waits yet. Beyond that the indicator is one line. All of it
//! takes the same time however many wait.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::quality::RandomState;

use super::crowd::{Groups, indicator_of, threat_of};
use super::throttle::FoldKey;
use super::{Alert, Crowding};
use crate::net::Address;

/// Alerts that may wait.
const MOST: usize = 16_384;

/// Of these, how many when another one of the same host and threat waits.
const REPEATED: usize = 12_288;

/// What a repeat is known by: numbers of indicators mean something in one set only.
type Key = (FoldKey, usize);

fn key_of(alert: &Alert) -> Key {
    (FoldKey::of(alert), Arc::as_ptr(&alert.set) as usize)
}

/// What waits.
#[derive(Debug)]
pub(super) struct Waiting {
    alerts: VecDeque<Box<Alert>>,
    /// Ordinal of the first of them.
    front: u64,
    places: HashMap<Key, u64, RandomState>,
    /// How many wait of each host and threat.
    pairs: HashMap<(Address, u64), u32, RandomState>,
    groups: Groups,
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            alerts: VecDeque::new(),
            front: 0,
            places: HashMap::default(),
            pairs: HashMap::default(),
            groups: Groups::new(0),
        }
    }
}

impl Waiting {
    /// Does nothing wait?
    pub(super) fn is_empty(&self) -> bool {
        self.alerts.is_empty() && self.groups.is_empty()
    }

    /// Takes an alert. False: it is only counted, in a line for many.
    pub(super) fn push(&mut self, alert: Box<Alert>) -> bool {
        let key = key_of(&alert);
        if let Some(place) = self.places.get(&key)
            && let Some(same) =
                usize::try_from(place - self.front).ok().and_then(|at| self.alerts.get_mut(at))
        {
            *same = alert;
            return true;
        }
        if let Some(group) = self.crowding(&alert) {
            self.groups.gather(group, alert);
            return false;
        }
        self.places.insert(key, self.front + self.alerts.len() as u64);
        *self.pairs.entry((alert.ours.address, threat_of(&alert))).or_default() += 1;
        self.alerts.push_back(alert);
        true
    }

    /// The group of an alert that has no room. Lines for many are few and always have.
    fn crowding(&self, alert: &Alert) -> Option<Crowding> {
        let waiting = self.alerts.len();
        if waiting < REPEATED || alert.crowd.is_some() {
            return None;
        }
        let pair = (alert.ours.address, threat_of(alert));
        if self.pairs.contains_key(&pair) {
            return Some(Crowding::Host(pair.0, pair.1));
        }
        (waiting >= MOST).then(|| Crowding::Indicator(indicator_of(alert)))
    }

    /// The first that waits; the lines for many come last.
    pub(super) fn pop(&mut self) -> Option<Box<Alert>> {
        if self.alerts.is_empty() && !self.groups.is_empty() {
            for line in self.groups.finish() {
                self.push(line);
            }
        }
        let alert = self.alerts.pop_front()?;
        self.front += 1;
        self.places.remove(&key_of(&alert));
        let pair = (alert.ours.address, threat_of(&alert));
        if let Some(waiting) = self.pairs.get_mut(&pair) {
            *waiting -= 1;
            if *waiting == 0 {
                self.pairs.remove(&pair);
            }
        }
        Some(alert)
    }

    /// Puts the first back.
    pub(super) fn put_back(&mut self, alert: Box<Alert>) {
        self.front -= 1;
        self.places.insert(key_of(&alert), self.front);
        *self.pairs.entry((alert.ours.address, threat_of(&alert))).or_default() += 1;
        self.alerts.push_front(alert);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::alert::testing::{alert, set_of};
    use crate::net::Timestamp;

    #[test]
    fn a_repeat_takes_its_place_in_order_and_the_first_may_be_put_back() {
        let set = set_of(&["a.test,domain,redline".into()]);
        let mut waiting = Waiting::default();
        for host in [1, 2, 3] {
            assert!(waiting.push(alert(&set, (host, 0), Timestamp::new(1, 0))));
        }
        let mut again = alert(&set, (2, 0), Timestamp::new(9, 0));
        again.count = 7;
        assert!(waiting.push(again));
        let first = waiting.pop().unwrap();
        waiting.put_back(first);
        let counts: Vec<u64> = std::iter::from_fn(|| waiting.pop()).map(|one| one.count).collect();
        assert_eq!(counts, [1, 7, 1]);
        assert!(waiting.places.is_empty() && waiting.pairs.is_empty());
    }

    #[test]
    #[allow(clippy::disallowed_methods, clippy::disallowed_types)] // a test may look at the clock
    fn what_waits_is_bounded_and_a_hundred_thousand_more_take_no_time() {
        let set = set_of(&["a.test,domain,redline".into()]);
        let mut waiting = Waiting::default();
        let begun = std::time::Instant::now();
        for host in 0..120_000 {
            waiting.push(alert(&set, (host, 0), Timestamp::new(1, 0)));
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        assert_eq!(waiting.alerts.len(), MOST);
        let told: Vec<_> = std::iter::from_fn(|| waiting.pop()).collect();
        assert_eq!(told.len(), MOST + 1);
        assert_eq!(told.iter().map(|alert| alert.count).sum::<u64>(), 120_000);
        let crowd = told.last().unwrap().crowd.as_ref().unwrap();
        assert!(crowd.hosts.abs_diff(120_000 - MOST as u64) < 3000, "{}", crowd.hosts);
    }
}
