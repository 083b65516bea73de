//! What parsers told lately of TCP streams, by digest: what is read again tells only what is new.
//!
//! A table of fixed size in which a newer digest takes an older one's place. What is forgotten
//! can only be told once more; nothing is ever hidden by it. Which digests are forgotten depends
//! on the traffic alone, so a replay tells the same twice; the digests themselves are made with a
//! secret, so that nobody finds two names with the same one.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;

/// Rows of the table, a power of two. A flow has one, shared with others.
const ROWS: usize = 512;
/// Digests of a row.
const ROW: usize = 16;

/// The latest digests.
pub(super) struct Told {
    rows: Box<[Row]>,
    hasher: RandomState,
}

#[derive(Clone, Copy, Default)]
struct Row {
    digests: [u64; ROW],
    /// Digests ever put into it.
    count: u64,
}

impl Default for Told {
    fn default() -> Self {
        Self { rows: vec![Row::default(); ROWS].into(), hasher: RandomState::default() }
    }
}

impl Told {
    /// Notes a thing told of a flow. True unless it is known to have been told before.
    pub(super) fn first_time(&mut self, flow: u64, thing: &impl Hash) -> bool {
        let digest = self.hasher.hash_one((flow, thing)) | 1;
        let row = (flow.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % ROWS;
        let Some(row) = self.rows.get_mut(row) else { return true };
        if row.digests.contains(&digest) {
            return false;
        }
        if let Some(oldest) = row.digests.get_mut(row.count as usize % ROW) {
            *oldest = digest;
        }
        row.count = row.count.wrapping_add(1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_told_once_of_each_flow() {
        let mut told = Told::default();
        assert!(told.first_time(1, &"a") && !told.first_time(1, &"a"));
        assert!(told.first_time(2, &"a") && told.first_time(1, &"b"));
    }

    #[test]
    fn the_oldest_of_a_row_is_forgotten_and_told_again() {
        let mut told = Told::default();
        for thing in 0..=ROW {
            assert!(told.first_time(1, &thing));
        }
        assert!(!told.first_time(1, &ROW) && told.first_time(1, &0));
    }
}
