//! A map that forgets its oldest entry when it is full: what traffic fills never grows without end.
//!
//! Oldest is what came first; to be looked at or changed makes nothing younger. Who counts what is
//! forgotten, or tells of it, is told.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use foldhash::quality::RandomState;

/// At most so many entries.
#[derive(Clone, Debug)]
pub struct Bounded<K, V> {
    most: usize,
    /// Each with its number by arrival.
    entries: HashMap<K, (u64, V), RandomState>,
    /// By arrival. Names entries that were removed, too, as long as they are fewer than those kept.
    order: VecDeque<(u64, K)>,
    arrivals: u64,
}

impl<K: Hash + Eq + Copy, V> Bounded<K, V> {
    /// An empty one for so many entries; one at least.
    pub fn new(most: usize) -> Self {
        let (entries, order) = (HashMap::default(), VecDeque::new());
        Self { most: most.max(1), entries, order, arrivals: 0 }
    }

    /// Entries at present.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// No entry at present?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Is there an entry of this key?
    pub fn contains(&self, key: &K) -> bool {
        self.entries.contains_key(key)
    }

    /// The entry of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    /// The entry of a key, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    /// All entries, in no order.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.values().map(|(_, value)| value)
    }

    /// The entry of a key, made if there is none; and the oldest one, if it was forgotten for it.
    pub fn entry(&mut self, key: K) -> (&mut V, Option<V>)
    where
        V: Default,
    {
        let forgotten = if self.contains(&key) { None } else { self.make_room() };
        let (entries, order, arrivals) = (&mut self.entries, &mut self.order, &mut self.arrivals);
        let (_, value) = entries.entry(key).or_insert_with(|| {
            *arrivals += 1;
            order.push_back((*arrivals, key));
            (*arrivals, V::default())
        });
        (value, forgotten)
    }

    /// Puts a value in the place of a key's entry.
    pub fn insert(&mut self, key: K, value: V)
    where
        V: Default,
    {
        *self.entry(key).0 = value;
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let (_, value) = self.entries.remove(key)?;
        if self.order.len() > 2 * self.entries.len() + 16 {
            let Self { entries, order, .. } = self;
            order.retain(|(number, key)| is_of(entries, *number, key));
        }
        Some(value)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
    }

    fn make_room(&mut self) -> Option<V> {
        if self.entries.len() < self.most {
            return None;
        }
        while let Some((number, key)) = self.order.pop_front() {
            if is_of(&self.entries, number, &key) {
                return self.entries.remove(&key).map(|(_, value)| value);
            }
        }
        None
    }
}

/// Is this the arrival of the entry that is there?
fn is_of<K: Hash + Eq, V>(
    entries: &HashMap<K, (u64, V), RandomState>,
    number: u64,
    key: &K,
) -> bool {
    entries.get(key).is_some_and(|(other, _)| *other == number)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_oldest_goes_and_no_other_and_the_order_is_no_longer_than_it_must_be(
            steps in prop::collection::vec((any::<bool>(), 0..12_u8), 0..200),
        ) {
            let mut bounded: Bounded<u8, u64> = Bounded::new(5);
            let mut kept: BTreeMap<u8, u64> = BTreeMap::new();
            for (step, (removes, key)) in (1..).zip(steps) {
                if removes {
                    prop_assert_eq!(bounded.remove(&key), kept.remove(&key));
                } else if let Some(value) = kept.get(&key) {
                    prop_assert_eq!(bounded.entry(key), (&mut value.clone(), None));
                } else {
                    let oldest = kept.iter().min_by_key(|(_, value)| **value);
                    let oldest = oldest.map(|(key, value)| (*key, *value)).filter(|_| kept.len() == 5);
                    let (value, forgotten) = bounded.entry(key);
                    *value = step;
                    prop_assert_eq!(forgotten, oldest.map(|(_, value)| value));
                    if let Some((oldest, _)) = oldest {
                        kept.remove(&oldest);
                    }
                    kept.insert(key, step);
                }
                prop_assert_eq!(bounded.len(), kept.len());
                prop_assert!(kept.iter().all(|(key, value)| bounded.get(key) == Some(value)));
                prop_assert!(bounded.order.len() <= 2 * bounded.len() + 18);
            }
        }
    }
}
