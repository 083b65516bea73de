//! Who is who on our networks: addresses, hardware addresses and names, as hosts told them.
//!
//! Owns a bounded table. Whoever is on the network may lie in it: it says how a host calls
//! itself, and no alert is ever raised or withheld because of it.

use crate::alert::identity::Identity;
use crate::bounded::Bounded;
use crate::net::{Address, Mac};

/// Entries of each table; the oldest goes first.
const MAX_HOSTS: usize = 4096;

/// What is known of an address.
#[derive(Clone, Debug, Default)]
struct Host {
    mac: Option<Mac>,
    name: Option<Box<str>>,
}

/// What hosts have told of themselves.
#[derive(Clone, Debug)]
pub struct Hosts {
    addresses: Bounded<Address, Host>,
    /// Names of machines: DHCP tells a name before there is an address.
    machines: Bounded<Mac, Option<Box<str>>>,
}

impl Default for Hosts {
    fn default() -> Self {
        Self { addresses: Bounded::new(MAX_HOSTS), machines: Bounded::new(MAX_HOSTS) }
    }
}

impl Hosts {
    /// Takes a fact in; the latest counts.
    pub fn learn(&mut self, fact: Identity) {
        let Identity { address, mac, name, .. } = fact;
        if let (Some(mac), Some(name)) = (mac, &name) {
            self.machines.insert(mac, Some(name.clone()));
        }
        let Some(address) = address else { return };
        let (host, _) = self.addresses.entry(address);
        if let Some(mac) = mac {
            // Another machine has the address now: what it was called is not its name.
            if host.mac.is_some_and(|old| old != mac) {
                host.name = None;
            }
            host.mac = Some(mac);
        }
        if name.is_some() {
            host.name = name;
        }
    }

    /// Forgets everything: the next capture may be of another network.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Hardware address of the host that has this address.
    pub fn mac(&self, address: Address) -> Option<Mac> {
        self.addresses.get(&address)?.mac
    }

    /// Name of the host that has this address; `seen` is the hardware address its frame showed.
    pub fn name(&self, address: Address, seen: Option<Mac>) -> Option<&str> {
        let host = self.addresses.get(&address);
        if let Some(name) = host.and_then(|host| host.name.as_deref()) {
            return Some(name);
        }
        let mac = host.and_then(|host| host.mac).or(seen)?;
        self.machines.get(&mac)?.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([2, 0, 0, 0, 0, 9]);
    const OTHER: Mac = Mac([2, 0, 0, 0, 0, 8]);

    fn pc(last: u8) -> Address {
        Address::v4([192, 0, 2, last])
    }

    fn fact(address: Option<Address>, mac: Option<Mac>, name: Option<&str>) -> Identity {
        Identity { address, mac, name: name.map(Into::into), ..Identity::default() }
    }

    #[test]
    fn a_name_told_before_the_address_is_found_through_the_machine() {
        let mut hosts = Hosts::default();
        hosts.learn(fact(None, Some(MAC), Some("pc-ward-7")));
        assert_eq!(hosts.name(pc(9), None), None);
        assert_eq!(hosts.name(pc(9), Some(MAC)), Some("pc-ward-7"));
        hosts.learn(fact(Some(pc(9)), Some(MAC), None));
        assert_eq!(hosts.name(pc(9), None), Some("pc-ward-7"));
        assert_eq!(hosts.mac(pc(9)), Some(MAC));
        hosts.clear();
        assert_eq!(hosts.name(pc(9), Some(MAC)), None);
    }

    #[test]
    fn an_address_given_to_another_machine_loses_its_name() {
        let mut hosts = Hosts::default();
        hosts.learn(fact(Some(pc(9)), Some(MAC), Some("pc-ward-7")));
        hosts.learn(fact(Some(pc(9)), Some(OTHER), None));
        assert_eq!((hosts.name(pc(9), None), hosts.mac(pc(9))), (None, Some(OTHER)));
    }

    #[test]
    fn the_table_is_bounded_and_the_oldest_goes_first() {
        let mut hosts = Hosts::default();
        for n in 0..5000_u32 {
            hosts.learn(fact(Some(Address::v4(n.to_be_bytes())), Some(MAC), None));
        }
        assert_eq!(hosts.addresses.len(), MAX_HOSTS);
        assert_eq!(hosts.mac(Address::v4(0_u32.to_be_bytes())), None);
        assert_eq!(hosts.mac(Address::v4(4999_u32.to_be_bytes())), Some(MAC));
    }
}
