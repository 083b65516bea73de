//! How many hosts of ours were seen: a bit each, so that a host costs the same whether there are
//! three or sixty thousand.

use crate::alert::census::Census;
use crate::net::{Address, Timestamp};

/// Bits, 16 KB. IPv4 hosts are counted exactly while they are of one /15 network; of others, as of
/// IPv6, some that meet at one bit are missed: 1 in 100 of 3,000, 1 in 5 of 60,000.
const BITS: usize = 1 << 17;

/// The place of a host: neighbours stand side by side, networks anywhere.
#[inline]
const fn place(host: Address) -> u64 {
    let [high, low] = host.halves();
    let network = (high ^ low >> 17).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    low ^ network >> 40
}

/// The hosts seen.
pub(in crate::worker) struct Hosts(Census);

impl Default for Hosts {
    fn default() -> Self {
        Self(Census::new(BITS))
    }
}

impl Hosts {
    /// How many there are, at the least.
    pub(in crate::worker) const fn len(&self) -> usize {
        self.0.marked()
    }

    /// Takes note of a host. Always true, to stand at the end of a condition.
    #[inline]
    pub(super) fn note(&mut self, host: Address) -> bool {
        self.0.mark(place(host));
        true
    }
}

/// How often, in nanoseconds, it is noted who was known by then.
const KNOWN_AFTER: u64 = 60 * 1_000_000_000;

/// Hosts of ours seen in a flow with the outside, and who was among them a minute ago: a flood
/// that has just begun is of hosts that were not.
#[derive(Default)]
pub(in crate::worker) struct Clients {
    now: Hosts,
    /// As they were when last noted, and the time before.
    noted: [Option<Census>; 2],
    noted_at: Timestamp,
}

impl Clients {
    /// How many there are, at the least.
    pub(in crate::worker) const fn len(&self) -> usize {
        self.now.len()
    }

    /// Takes note of a host.
    #[inline]
    pub(super) fn note(&mut self, host: Address) {
        self.now.note(host);
    }

    /// Was this host, or one of the few that share its bit, known a minute ago?
    pub(super) fn knew(&self, host: Address) -> bool {
        let [_, before] = &self.noted;
        before.as_ref().is_some_and(|before| before.has(place(host)))
    }

    /// Lets time pass. To be called now and then.
    pub(in crate::worker) fn tick(&mut self, now: Timestamp) {
        if now.0.abs_diff(self.noted_at.0) < KNOWN_AFTER {
            return;
        }
        self.noted_at = now;
        let [latest, before] = &mut self.noted;
        *before = latest.replace(self.now.0.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn host(n: u32) -> Address {
        Address::v4((0x0a00_0000 + n).to_be_bytes())
    }

    #[test]
    fn hosts_are_counted_once_also_when_sixty_thousand_take_turns() {
        let mut hosts = Hosts::default();
        for _ in 0..2 {
            (0..60_000).for_each(|n| _ = hosts.note(host(n)));
        }
        assert_eq!(hosts.len(), 60_000);
    }

    #[test]
    fn hosts_of_several_networks_and_of_ipv6_are_nearly_all_counted() {
        let mut hosts = Hosts::default();
        for third in 0..10 {
            for last in 1..=100 {
                hosts.note(Address::v4([192, 168, third, last]));
                hosts.note(Address::v4([10, 7 * third, 3, last]));
                let mixed = u64::from(last).wrapping_mul(0x1234_5678_9abc_def1);
                let mut octets = [0xfd, third, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
                octets[8..].copy_from_slice(&mixed.to_be_bytes());
                hosts.note(Address::v6(octets));
            }
        }
        assert!((2850..=3000).contains(&hosts.len()), "{}", hosts.len());
    }

    #[test]
    fn a_client_is_known_of_old_when_it_was_there_a_minute_ago() {
        let mut clients = Clients::default();
        let mut known = Vec::new();
        for second in (0..240).step_by(10) {
            clients.tick(Timestamp::new(1_000_000 + second, 0));
            if second == 30 {
                clients.note(host(1));
            }
            known.push(clients.knew(host(1)));
        }
        assert_eq!(known.iter().position(|known| *known), Some(12), "{known:?}");
        assert!(known[12..].iter().all(|known| *known));
        assert!(!clients.knew(host(2)));
    }
}
