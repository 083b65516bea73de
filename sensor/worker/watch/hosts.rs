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
        // Each an address that has another place: none is met there.
        let latest = std::array::from_fn(|place| Address::from_bits(place as u128 + 1));
        Self { all: HashSet::default(), latest }
    }
}

impl Hosts {
    /// How many there are.
    pub(in crate::worker) fn len(&self) -> usize {
        self.all.len()
    }

    /// Takes note of a host, if it is one to be noted. Is it? One that was seen lately is known
    /// to be.
    #[inline]
    pub(super) fn note_if(&mut self, host: Address, is_one: impl Fn(Address) -> bool) -> bool {
        let [_, low] = host.halves();
        let Some(latest) = self.latest.get_mut(low as usize % LATEST) else { return false };
        if *latest == host {
            return true;
        }
        if !is_one(host) {
            return false;
        }
        *latest = host;
        self.note(host);
        true
    }

    #[cold]
    fn note(&mut self, host: Address) {
        if self.all.len() < MAX_HOSTS {
            self.all.insert(host);
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
                hosts.note_if(Address::v4([192, 168, third, 7]), |_| true);
            }
        }
        assert_eq!(hosts.len(), 4);
    }

    #[test]
    fn a_host_that_is_none_to_be_noted_is_asked_about_every_time() {
        let mut hosts = Hosts::default();
        for address in [Address::default(), Address::v4([192, 0, 2, 1])] {
            assert!(!hosts.note_if(address, |_| false));
            assert!(hosts.note_if(address, |_| true));
            assert!(hosts.note_if(address, |_| false), "noted lately");
        }
        assert_eq!(hosts.len(), 2);
    }
}
