//! How many different things there are, nearly: one bit each, at a price that does not grow with
//! their number.
//!
//! Owns its bits, and never grows. What stands at which place is the caller's to say.

/// Bits, and how many of them are set.
#[derive(Clone, Debug)]
pub struct Census {
    words: Box<[u64]>,
    marked: u32,
}

impl Census {
    /// One of so many bits, rounded up to a power of two of words.
    pub fn new(bits: usize) -> Self {
        Self { words: vec![0; (bits / 64).next_power_of_two()].into(), marked: 0 }
    }

    /// Word and bit of a place; places beyond the bits begin at the first again.
    #[inline]
    const fn at(&self, place: u64) -> (usize, u64) {
        ((place >> 6) as usize & self.words.len().wrapping_sub(1), 1 << (place & 63))
    }

    /// Marks a place.
    #[inline]
    pub fn mark(&mut self, place: u64) {
        let (word, bit) = self.at(place);
        if let Some(word) = self.words.get_mut(word)
            && *word & bit == 0
        {
            *word |= bit;
            self.marked += 1;
        }
    }

    /// Is a place marked?
    pub fn has(&self, place: u64) -> bool {
        let (word, bit) = self.at(place);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Places marked: what there is at the least.
    pub const fn marked(&self) -> usize {
        self.marked as usize
    }

    /// How many things were marked, if their places are hashes: some have met on one place
    /// (linear counting, Whang 1990). Within two per cent up to four times the bits.
    pub fn estimate(&self) -> u64 {
        let bits = self.words.len() as f64 * 64.0;
        let empty = (bits - f64::from(self.marked)).max(1.0);
        (bits * (bits / empty).ln()).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn an_estimate_is_exact_for_few_and_close_for_more_than_there_are_bits() {
        let hasher = foldhash::quality::FixedState::with_seed(7);
        let mut census = Census::new(32_768);
        for (upto, slack) in [(1, 0), (30, 0), (1000, 20), (40_000, 800), (100_000, 3000)] {
            for _ in 0..2 {
                (0..upto).for_each(|n: u64| census.mark(hasher.hash_one(n)));
            }
            let told = census.estimate();
            assert!(told.abs_diff(upto) <= slack, "{told} instead of {upto}");
        }
    }

    #[test]
    fn what_was_marked_is_known_and_a_full_census_still_answers() {
        let mut census = Census::new(64);
        census.mark(3);
        census.mark(3);
        assert!(census.has(3) && !census.has(4));
        assert_eq!(census.marked(), 1);
        (0..1000).for_each(|place| census.mark(place));
        assert_eq!(census.marked(), 64);
        assert!(census.estimate() > 64);
    }
}
