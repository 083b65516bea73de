//! Repeats are folded: the first contact is an alert at once, later ones add to its count.
//!
//! A PC that beacons every second must not bury its neighbour's first contact. What is one
//! contact over and over: the same host of ours, the same peer, the same indicator, seen at the
//! same place. Counts are never lost: they are said when the window ends, when the entry must
//! make room, and at the end. A capture need not be in order of time: what comes later and lies
//! earlier is counted too, and the first contact is the earliest.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::{Alert, Crowding};
use crate::matching::IndicatorId;
use crate::matching::reload::{Edition, print};
use crate::matching::severity::Weakness;
use crate::net::{Address, Timestamp};
use crate::observation::Kind;

/// Within this time, what one flow shows again is no other contact: an answer repeats its
/// question, a client repeats what was lost, a page is fetched with many requests.
const SAME_CONTACT_NANOS: u64 = 5_000_000_000;

/// Bounds of the throttle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleLimits {
    /// How long repeats are folded, in nanoseconds of packet time.
    pub window_nanos: u64,
    /// Most contacts remembered; full: the oldest is said and forgotten.
    pub entries: usize,
}

impl Default for ThrottleLimits {
    fn default() -> Self {
        Self { window_nanos: 600 * 1_000_000_000, entries: 16_384 }
    }
}

/// What makes two alerts the same contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FoldKey {
    ours: Address,
    peer: Address,
    indicator: IndicatorId,
    kind: Kind,
    /// Weak evidence must not fold what is stronger.
    weakness: Option<Weakness>,
    crowd: Option<Crowding>,
}

impl FoldKey {
    /// The key of an alert.
    pub fn of(alert: &Alert) -> Self {
        Self {
            ours: alert.ours.address,
            peer: alert.peer.address,
            indicator: alert.indicator,
            kind: alert.kind,
            weakness: alert.weakness,
            crowd: alert.crowd.as_ref().map(|crowd| crowd.by),
        }
    }
}

/// The same, whatever set the indicator stands in: holds across a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LastingKey {
    ours: Address,
    peer: Address,
    indicator: Option<u64>,
    kind: Kind,
    /// Weak evidence must not fold what is stronger.
    weakness: Option<Weakness>,
    crowd: Option<Crowding>,
}

impl LastingKey {
    /// The key of an alert. Of a crowd it is what its hosts have in common, whoever came first.
    pub fn of(alert: &Alert) -> Self {
        let crowd = alert.crowd.as_ref().map(|crowd| crowd.by);
        if crowd.is_some() {
            let (nobody, kind) = (Address::default(), Kind::Behaviour);
            let weakness = alert.weakness;
            return Self { ours: nobody, peer: nobody, indicator: None, kind, weakness, crowd };
        }
        Self {
            ours: alert.ours.address,
            peer: alert.peer.address,
            indicator: alert.set.get(alert.indicator).map(print),
            kind: alert.kind,
            weakness: alert.weakness,
            crowd,
        }
    }
}

#[derive(Debug)]
struct Entry {
    key: FoldKey,
    /// The latest contact, with the total so far.
    latest: Box<Alert>,
    /// Flow and time of the one that came last, which may lie earlier.
    last_come: (u64, Timestamp),
    /// Contacts not yet said.
    unsaid: u64,
    /// Windows that still end in silence, if it may be one of a flood.
    silence: Option<Silence>,
    /// When something was last said.
    said: Timestamp,
}

/// How a contact that may be one of a flood is said ever more seldom: after six windows, then
/// after twelve more, twenty-four more ...
#[derive(Clone, Copy, Debug)]
struct Silence {
    left: u32,
    next: u32,
}

impl Silence {
    const FIRST: Self = Self { left: 5, next: 5 };

    /// Passes over a window. False: it is to be said.
    fn passes(&mut self) -> bool {
        let passes = self.left > 0;
        if passes {
            self.left -= 1;
        } else {
            self.next = self.next.saturating_mul(2).saturating_add(1);
            self.left = self.next;
        }
        passes
    }
}

/// The contacts of one worker that are being folded.
#[derive(Debug)]
pub struct Throttle {
    limits: ThrottleLimits,
    /// In order of when something was last said; `None` where an entry moved to the back.
    entries: VecDeque<Entry>,
    /// Ordinal of the entry at the front of `entries`.
    front: u64,
    index: HashTable<(u64, u64)>,
    hasher: RandomState,
}

impl Throttle {
    /// A throttle without contacts.
    pub fn new(limits: ThrottleLimits) -> Self {
        Self {
            limits,
            entries: VecDeque::new(),
            front: 0,
            index: HashTable::new(),
            hasher: RandomState::default(),
        }
    }

    /// Takes in a contact. Gives it back if it is none of those that are being folded.
    pub fn fold(&mut self, mut alert: Box<Alert>) -> Option<Box<Alert>> {
        let Some(entry) = self.entry(&FoldKey::of(&alert)) else { return Some(alert) };
        let (flow, time) = (alert.sighting.flow_id, alert.sighting.time);
        let (last_flow, last_time) = entry.last_come;
        let same = last_flow == flow && time.0.abs_diff(last_time.0) < SAME_CONTACT_NANOS;
        let contacts = u64::from(!same);
        entry.last_come = (flow, time);
        entry.unsaid += contacts;
        let latest = &mut entry.latest;
        let (first, count) = (latest.first.min(time), latest.count.saturating_add(contacts));
        alert.opened = latest.opened;
        if time >= latest.sighting.time {
            *latest = alert;
        }
        (latest.first, latest.count) = (first, count);
        None
    }

    /// From now on folds what is the same contact as this one. Of a host that is not familiar the
    /// count is said ever more seldom: a flood that comes again has the same senders.
    pub fn begin(&mut self, alert: &Alert, is_familiar: bool) {
        let said = alert.sighting.time;
        self.push(Entry {
            key: FoldKey::of(alert),
            latest: Box::new(alert.clone()),
            last_come: (alert.sighting.flow_id, said),
            unsaid: 0,
            silence: (!is_familiar).then_some(Silence::FIRST),
            said,
        });
    }

    /// Takes out one contact whose window has passed, or that must make room. Returns its
    /// summary if something is unsaid. Call until it answers `None`.
    pub fn expire(&mut self, now: Timestamp) -> Option<Option<Box<Alert>>> {
        let window = self.limits.window_nanos;
        let oldest = self.entries.front_mut()?;
        // A clock that came back from far ahead must not put off what is unsaid until it is there
        // again.
        if oldest.said > now.after(window) {
            oldest.said = now;
        }
        let late = now.since(oldest.said) > window;
        if !late && self.entries.len() <= self.limits.entries {
            return None;
        }
        let mut entry = self.pop()?;
        if entry.unsaid == 0 {
            return Some(None);
        }
        if !late {
            return Some(Some(entry.latest));
        }
        // Still active: it stays folded, its count goes on.
        let said = !entry.silence.as_mut().is_some_and(Silence::passes);
        let summary = said.then(|| entry.latest.clone());
        (entry.unsaid, entry.said) = (if said { 0 } else { entry.unsaid }, now);
        self.push(entry);
        Some(summary)
    }

    /// Takes out every contact; returns the summaries of those with something unsaid.
    pub fn finish(&mut self) -> Vec<Box<Alert>> {
        self.index.clear();
        let entries = std::mem::take(&mut self.entries);
        entries.into_iter().filter(|entry| entry.unsaid > 0).map(|entry| entry.latest).collect()
    }

    /// Is this contact being folded?
    pub fn knows(&mut self, alert: &Alert) -> bool {
        self.entry(&FoldKey::of(alert)).is_some()
    }

    /// Goes over to another set, whose numbers mean other indicators: contacts with an indicator
    /// that it still has stay folded. Returns the summaries of the others with something unsaid.
    pub fn rebase(&mut self, edition: &Edition) -> Vec<Box<Alert>> {
        self.index.clear();
        let mut unsaid = Vec::new();
        for mut entry in std::mem::take(&mut self.entries) {
            let latest = &mut entry.latest;
            let old = latest.set.get(latest.indicator);
            if let Some(id) = old.and_then(|indicator| edition.place(indicator)) {
                let old = std::mem::replace(&mut latest.set, Arc::clone(&edition.set));
                latest.also.retain_mut(|reason| {
                    let place = old.get(reason.indicator).and_then(|one| edition.place(one));
                    reason.indicator = place.unwrap_or_default();
                    place.is_some()
                });
                latest.indicator = id;
                entry.key = FoldKey::of(latest);
                self.push(entry);
            } else if entry.unsaid > 0 {
                unsaid.push(entry.latest);
            }
        }
        unsaid
    }

    fn entry(&mut self, key: &FoldKey) -> Option<&mut Entry> {
        let Self { index, entries, hasher, front, .. } = self;
        let position = |ordinal: u64| usize::try_from(ordinal - *front).unwrap_or(usize::MAX);
        let (_, ordinal) = *index.find(hasher.hash_one(key), |(_, ordinal)| {
            entries.get(position(*ordinal)).is_some_and(|entry| entry.key == *key)
        })?;
        entries.get_mut(position(ordinal))
    }

    fn push(&mut self, entry: Entry) {
        let hash = self.hasher.hash_one(entry.key);
        let ordinal = self.front + self.entries.len() as u64;
        self.entries.push_back(entry);
        self.index.insert_unique(hash, (hash, ordinal), |(hash, _)| *hash);
    }

    fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        let ordinal = self.front;
        self.front += 1;
        let hash = self.hasher.hash_one(entry.key);
        if let Ok(found) = self.index.find_entry(hash, |(_, other)| *other == ordinal) {
            found.remove();
        }
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::testing::{alert, set_of};

    const fn at(second: i64) -> Timestamp {
        Timestamp(second * 1_000_000_000)
    }

    fn said(alert: &Alert) -> (u64, Timestamp, Timestamp) {
        (alert.count, alert.first, alert.sighting.time)
    }

    #[test]
    fn contacts_before_the_first_are_counted_and_move_it() {
        let set = set_of(&["a.test,domain,redline".into()]);
        let mut throttle = Throttle::new(ThrottleLimits::default());
        let come = |throttle: &mut Throttle, second| {
            while throttle.expire(at(second)).is_some() {}
            throttle.fold(alert(&set, (1, 0), at(second))).is_some()
        };
        throttle.begin(&alert(&set, (1, 0), at(100_000)), true);
        for (second, what) in [
            (99_900, "a hundred seconds earlier"),
            (99_901, "its answer"),
            (100_050, "later"),
            (13_600, "a day earlier"),
            (13_604, "its answer"),
            (100_060, "later again"),
        ] {
            assert!(!come(&mut throttle, second), "{what} is folded");
        }
        let told = throttle.finish();
        assert_eq!(
            told.iter().map(|alert| said(alert)).collect::<Vec<_>>(),
            [(5, at(13_600), at(100_060))]
        );
        assert_eq!(told[0].opened, at(100_000));
    }

    #[test]
    fn a_clock_that_came_back_does_not_put_a_count_off_for_good() {
        let set = set_of(&["a.test,domain,redline".into()]);
        let mut throttle = Throttle::new(ThrottleLimits::default());
        throttle.begin(&alert(&set, (1, 0), at(1_000_000)), true);
        assert!(throttle.expire(at(10)).is_none());
        assert!(throttle.fold(alert(&set, (1, 0), at(10))).is_none());
        assert!(throttle.expire(at(600)).is_none());
        let told = throttle.expire(at(611)).unwrap().unwrap();
        assert_eq!(said(&told), (2, at(10), at(1_000_000)));
    }

    #[test]
    fn a_host_that_beacons_is_said_every_window_and_one_that_may_be_forged_ever_more_seldom() {
        let set = set_of(&["a.test,domain,redline".into()]);
        for (is_familiar, windows) in [(true, vec![1, 2, 3, 4, 5, 6, 7]), (false, vec![6])] {
            let mut throttle = Throttle::new(ThrottleLimits::default());
            throttle.begin(&alert(&set, (1, 0), at(0)), is_familiar);
            let mut said = Vec::new();
            for second in (0..8 * 601 + 60).step_by(10) {
                assert!(throttle.fold(alert(&set, (1, 0), at(second))).is_none());
                while let Some(summary) = throttle.expire(at(second)) {
                    said.extend(summary.map(|_| second / 601));
                }
            }
            assert_eq!(said, windows);
            assert_eq!(throttle.finish()[0].count, 487, "no count is lost");
        }
    }
}
