//! Which hosts of ours were seen: a set with a bound, and in front of it the few that were seen
//! last, because nearly every flow is of one of them.

use foldhash::quality::RandomState;
use hashbrown::HashSet;

use crate::net::Address;

/// More hosts than any office has; beyond it they are no longer counted.
const MAX_HOSTS: usize = 65_536;

/// Hosts remembered in front of the set; a power of two.
const LATEST: usize = 256;

/// The hosts seen, at most [`MAX_HOSTS`].
pub(in crate::worker) struct Hosts {
    all: HashSet<Address, RandomState>,
    /// By the lowest bits of the address. Saves the set's hash and probe, a tenth of what a new
    /// flow costs.
    latest: [Address; LATEST],
}

impl Default for Hosts {
    fn default() -> Self {
        Self { all: HashSet::default(), latest: [Address::default(); LATEST] }
    }
}

impl Hosts {
    /// How many there are.
    pub(in crate::worker) fn len(&self) -> usize {
        self.all.len()
    }

    /// Takes note of a host.
    #[inline]
    pub(super) fn note(&mut self, host: Address) {
        let [_, low] = host.halves();
        let Some(latest) = self.latest.get_mut(low as usize % LATEST) else { return };
        if *latest != host {
            *latest = host;
            if self.all.len() < MAX_HOSTS {
                self.all.insert(host);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_counted_once_also_when_they_take_turns() {
        let mut hosts = Hosts::default();
        for _ in 0..3 {
            for third in 0..4 {
                hosts.note(Address::v4([192, 168, third, 7]));
            }
        }
        assert_eq!(hosts.len(), 4);
    }
}
