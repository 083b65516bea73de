//! Handing a new set to the workers while they work: built elsewhere, taken between two packets.
//!
//! A worker asks [`Published::generation`] before each frame, one relaxed load; the lock is taken
//! only when it has changed.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ioc_feeds::Indicator;

use super::{IndicatorId, IndicatorSet};

/// A set, and where to find in it an indicator of another set.
#[derive(Clone, Debug)]
pub struct Edition {
    /// The indicators.
    pub set: Arc<IndicatorSet>,
    /// Prints of all of them with their numbers, sorted.
    places: Arc<[(u64, u32)]>,
}

impl Edition {
    /// Of this set.
    pub fn new(set: Arc<IndicatorSet>) -> Self {
        let numbered = set.everything().iter().zip(0..);
        let mut places: Vec<(u64, u32)> = numbered.map(|(one, id)| (print(one), id)).collect();
        places.sort_unstable();
        Self { set, places: places.into() }
    }

    /// The number that an indicator of another set has in this one.
    pub fn place(&self, indicator: &Indicator) -> Option<IndicatorId> {
        let wanted = print(indicator);
        let from = self.places.partition_point(|(print, _)| *print < wanted);
        let same = self.places.get(from..)?.iter().take_while(|(print, _)| *print == wanted);
        same.map(|(_, id)| IndicatorId(*id))
            .find(|id| self.set.get(*id).is_some_and(|one| is_same(one, indicator)))
    }
}

/// A number for an indicator that is the same in every set.
pub fn print(indicator: &Indicator) -> u64 {
    let hasher = foldhash::fast::FixedState::with_seed(0);
    hasher.hash_one((&indicator.pattern, &indicator.threat, &indicator.feed))
}

fn is_same(one: &Indicator, other: &Indicator) -> bool {
    one.pattern == other.pattern && one.threat == other.threat && one.feed == other.feed
}

/// The edition in use.
#[derive(Debug)]
pub struct Published {
    generation: AtomicU32,
    edition: Mutex<Edition>,
}

impl Published {
    /// A first edition, generation 0.
    pub fn new(set: Arc<IndicatorSet>) -> Self {
        Self {
            generation: AtomicU32::new(0),
            edition: Mutex::new(Edition { set, places: [].into() }),
        }
    }

    /// Changes with every edition.
    #[inline]
    pub fn generation(&self) -> u32 {
        self.generation.load(Ordering::Relaxed)
    }

    /// The edition in use and its generation.
    pub fn latest(&self) -> (u32, Edition) {
        let edition = self.edition.lock().unwrap_or_else(PoisonError::into_inner);
        (self.generation(), edition.clone())
    }

    /// Puts another edition into use. Returns the set that was; workers may hold it for a moment.
    pub fn publish(&self, edition: Edition) -> Arc<IndicatorSet> {
        let mut slot = self.edition.lock().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *slot, edition);
        self.generation.fetch_add(1, Ordering::Relaxed);
        old.set
    }
}

/// What changes from one set to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Indicators that only the new one has.
    pub added: usize,
    /// Indicators that only the old one has.
    pub removed: usize,
}

/// Counts what differs.
pub fn difference(old: &IndicatorSet, new: &IndicatorSet) -> Difference {
    let prints = |set: &IndicatorSet| set.indicators().iter().map(print).collect::<HashSet<u64>>();
    let (old, new) = (prints(old), prints(new));
    Difference { added: new.difference(&old).count(), removed: old.difference(&new).count() }
}

/// Has a set collapsed: is less than half of it left? Then a feed is more likely to be broken
/// than the threat to be gone.
pub const fn has_collapsed(old: usize, new: usize) -> bool {
    new.saturating_mul(2) < old
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> Arc<IndicatorSet> {
        let text = names.iter().map(|name| format!("{name},domain\n")).collect::<String>();
        let text = format!("indicator,type\n{text}");
        let lint = ioc_feeds::lint::Lint::Trusted;
        let loaded = ioc_feeds::format::load_text("test", &text, lint).unwrap();
        Arc::new(IndicatorSet::build(loaded.indicators, &[]))
    }

    #[test]
    fn an_indicator_is_found_again_under_its_new_number() {
        let (old, new) =
            (set(&["a.example", "b.example"]), set(&["c.example", "b.example", "d.example"]));
        let edition = Edition::new(new.clone());
        let places: Vec<_> = old.indicators().iter().map(|one| edition.place(one)).collect();
        assert_eq!(places, [None, Some(IndicatorId(1))]);
        assert_eq!(difference(&old, &new), Difference { added: 2, removed: 1 });
    }

    #[test]
    fn a_new_edition_changes_the_generation_and_gives_the_old_set_back() {
        let (old, new) = (set(&["a.example"]), set(&["b.example"]));
        let published = Published::new(old.clone());
        assert_eq!(published.generation(), 0);
        assert!(Arc::ptr_eq(&published.publish(Edition::new(new.clone())), &old));
        let (generation, edition) = published.latest();
        assert_eq!(generation, 1);
        assert!(Arc::ptr_eq(&edition.set, &new));
    }

    #[test]
    fn less_than_half_is_a_collapse() {
        assert!(has_collapsed(10, 4));
        assert!(!has_collapsed(10, 5));
        assert!(has_collapsed(1, 0));
    }
}
