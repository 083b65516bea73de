//! Repeats are folded: the first contact is an alert at once, later ones add to its count.
//!
//! A PC that beacons every second must not bury its neighbour's first contact. What is one
//! contact over and over: the same host of ours, the same peer, the same indicator, seen at the
//! same place. Counts are never lost: they are said when the window ends, when the entry must
//! make room, and at the end.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::quality::RandomState;
use hashbrown::HashTable;

use super::Alert;
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
}

impl LastingKey {
    /// The key of an alert.
    pub fn of(alert: &Alert) -> Self {
        Self {
            ours: alert.ours.address,
            peer: alert.peer.address,
            indicator: alert.set.get(alert.indicator).map(print),
            kind: alert.kind,
            weakness: alert.weakness,
        }
    }
}

#[derive(Debug)]
struct Entry {
    key: FoldKey,
    /// The latest contact, with the total so far.
    latest: Box<Alert>,
    /// Contacts not yet said.
    unsaid: u64,
    /// When something was last said.
    said: Timestamp,
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

    /// Takes in a contact. Returns the alert if it must be said now, `None` if it was folded.
    pub fn admit(&mut self, mut alert: Box<Alert>) -> Option<Box<Alert>> {
        let key = FoldKey::of(&alert);
        let Some(entry) = self.entry(&key) else {
            alert.first = alert.sighting.time;
            alert.count = 1;
            self.insert(key, alert.clone());
            return Some(alert);
        };
        let same = entry.latest.sighting.flow_id == alert.sighting.flow_id
            && alert.sighting.time.since(entry.latest.sighting.time) < SAME_CONTACT_NANOS;
        let contacts = u64::from(!same);
        entry.unsaid += contacts;
        alert.first = entry.latest.first;
        alert.count = entry.latest.count.saturating_add(contacts);
        entry.latest = alert;
        None
    }

    /// Takes out one contact whose window has passed, or that must make room. Returns its
    /// summary if something is unsaid. Call until it answers `None`.
    pub fn expire(&mut self, now: Timestamp) -> Option<Option<Box<Alert>>> {
        let oldest = self.entries.front()?;
        let late = now.since(oldest.said) > self.limits.window_nanos;
        if !late && self.entries.len() <= self.limits.entries {
            return None;
        }
        let entry = self.pop()?;
        if entry.unsaid == 0 {
            return Some(None);
        }
        let summary = entry.latest.clone();
        if late {
            // Still active: it stays folded, its count goes on.
            self.insert_said(entry.key, entry.latest, now);
        }
        Some(Some(summary))
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

    fn insert(&mut self, key: FoldKey, latest: Box<Alert>) {
        let said = latest.sighting.time;
        self.insert_said(key, latest, said);
    }

    fn insert_said(&mut self, key: FoldKey, latest: Box<Alert>, said: Timestamp) {
        self.push(Entry { key, latest, unsaid: 0, said });
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
