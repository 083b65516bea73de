//! How many frames had a link type that is not decoded, by link type: so that a blind mirror is
//! said by name.

use crate::frame::LinkType;

/// Frames of link types that are not decoded, by type. A capture has one type or few; beyond
/// [`LinkTypes::KINDS`] they are counted together in [`crate::stats::Counter::SkipLinkType`] only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkTypes([(LinkType, u64); Self::KINDS]);

impl LinkTypes {
    /// Types told apart.
    pub const KINDS: usize = 8;

    /// Counts a frame.
    pub fn count(&mut self, link: LinkType) {
        self.add(link, 1);
    }

    fn add(&mut self, link: LinkType, n: u64) {
        for (kind, count) in &mut self.0 {
            if *count == 0 || *kind == link {
                *kind = link;
                *count = count.saturating_add(n);
                return;
            }
        }
    }

    /// Adds another worker's counts.
    pub fn merge(&mut self, other: &Self) {
        for (link, count) in other.iter() {
            self.add(link, count);
        }
    }

    /// Types and their frames, first seen first.
    pub fn iter(&self) -> impl Iterator<Item = (LinkType, u64)> {
        self.0.iter().copied().filter(|(_, count)| *count != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_types_are_counted_apart_up_to_a_bound() {
        let mut seen = LinkTypes::default();
        for number in 0..20 {
            seen.count(LinkType(300 + number % 10));
        }
        let mut sum = seen;
        sum.merge(&seen);
        assert_eq!(sum.iter().count(), LinkTypes::KINDS);
        assert!(sum.iter().all(|(_, count)| count == 4));
    }
}
