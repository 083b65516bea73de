//! A table from a key to all indicators that have it. Built once, then only read.

use std::borrow::Borrow;
use std::hash::Hash;

use foldhash::quality::FixedState;
use hashbrown::HashMap;

use super::IndicatorId;

/// Why a constant seed is enough: see the module above.
pub(super) const SEED: FixedState = FixedState::with_seed(0x7761_7264_7761_7463);

/// Key to indicators: several feeds may list the same thing.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    /// Where a key's indicators begin in `ids`, and how many they are.
    places: HashMap<K, (u32, u32), FixedState>,
    ids: Vec<IndicatorId>,
}

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self { places: HashMap::with_hasher(SEED), ids: Vec::new() }
    }
}

impl<K: Hash + Ord> Buckets<K> {
    /// Of these pairs, in any order; indicators of one key stay in their order.
    pub(super) fn new(mut entries: Vec<(K, IndicatorId)>) -> Self {
        entries.sort();
        let mut table = Self::default();
        for (key, id) in entries {
            let start = u32::try_from(table.ids.len()).unwrap_or(u32::MAX);
            table.places.entry(key).or_insert((start, 0)).1 += 1;
            table.ids.push(id);
        }
        table.places.shrink_to_fit();
        table.ids.shrink_to_fit();
        table
    }

    /// The indicators of a key; none is the usual answer.
    pub(super) fn get<Q>(&self, key: &Q) -> &[IndicatorId]
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if self.places.is_empty() {
            return &[];
        }
        let Some((start, length)) = self.places.get(key) else { return &[] };
        let start = *start as usize;
        self.ids.get(start..start + *length as usize).unwrap_or(&[])
    }

    /// Has it no key?
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}
