//! Hosts of ours that are known to be real: they asked, were answered, and went on. In a flood of
//! forged senders they are the ones whose lines are said by themselves.
//!
//! Whoever can send frames can forge this too, so that only so many become familiar at once, and
//! so many are remembered; of more, who became so first is forgotten. A host that is not familiar
//! loses nothing as long as there is no flood.

use super::budget::Budget;
use crate::bounded::Bounded;
use crate::net::{Address, Timestamp};

/// Hosts that may become familiar while a budget lasts.
const AT_ONCE: u64 = 512;

/// Hosts remembered.
const REMEMBERED: usize = 4096;

/// Hosts in front of the set, by their lowest bits; a power of two.
const LATEST: usize = 256;

/// What became of a greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// It is familiar, and was before or is from now on.
    Known,
    /// Too many became so lately.
    Refused,
}

/// The familiar hosts.
#[derive(Debug)]
pub struct Familiar {
    hosts: Bounded<Address, ()>,
    /// Saves nearly every flow of an office the set's hash and probe.
    latest: [Address; LATEST],
    budget: Budget,
}

impl Default for Familiar {
    fn default() -> Self {
        Self {
            hosts: Bounded::new(REMEMBERED),
            // Each an address that has another place: none is met there.
            latest: std::array::from_fn(|place| Address::from_bits(place as u128 + 1)),
            budget: Budget::default(),
        }
    }
}

impl Familiar {
    /// Is this host familiar?
    pub fn knows(&self, host: Address) -> bool {
        self.hosts.contains(&host)
    }

    /// A host was seen to be real.
    #[inline]
    pub fn greet(&mut self, host: Address, now: Timestamp) -> Greeting {
        let [_, low] = host.halves();
        match self.latest.get(low as usize % LATEST) {
            Some(latest) if *latest == host => Greeting::Known,
            _ => self.meet(host, now),
        }
    }

    #[cold]
    fn meet(&mut self, host: Address, now: Timestamp) -> Greeting {
        if !self.hosts.contains(&host) {
            if !self.budget.take(AT_ONCE, now) {
                return Greeting::Refused;
            }
            self.hosts.insert(host, ());
        }
        let [_, low] = host.halves();
        if let Some(latest) = self.latest.get_mut(low as usize % LATEST) {
            *latest = host;
        }
        Greeting::Known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn host(n: u32) -> Address {
        Address::v4(n.to_be_bytes())
    }

    fn greeted(familiar: &mut Familiar, from: u32, to: u32, second: i64) -> usize {
        let greet = |n| familiar.greet(host(n), Timestamp::new(second, 0));
        (from..to).map(greet).filter(|greeting| *greeting == Greeting::Known).count()
    }

    #[test]
    fn a_host_stays_familiar_and_a_flood_of_forged_ones_makes_few_familiar() {
        let mut familiar = Familiar::default();
        assert_eq!(greeted(&mut familiar, 0, 100, 1), 100);
        let forged = greeted(&mut familiar, 1000, 41_000, 2);
        assert!(forged.abs_diff(AT_ONCE as usize - 100) < 20, "{forged}");
        assert_eq!(greeted(&mut familiar, 0, 100, 3), 100);
        assert!((0..100).all(|n| familiar.knows(host(n))));
        assert!(!familiar.knows(host(40_000)));
    }

    #[test]
    fn the_first_is_forgotten_at_the_limit() {
        let mut familiar = Familiar::default();
        for round in 0..20 {
            greeted(&mut familiar, round * 512, round * 512 + 512, i64::from(round) * 4000);
        }
        assert_eq!(familiar.hosts.len(), REMEMBERED);
        assert!(!familiar.knows(host(0)));
        assert!(familiar.knows(host(20 * 512 - 1)));
    }
}
