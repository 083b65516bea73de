//! Addresses, endpoints and networks to indicators.
//!
//! A filter of one bit a hashed address stands in front of the tables of hosts, because nearly
//! every address asked for is in none of them. An IPv6 address that means IPv4 addresses
//! ([`Address::embedded_v4`]) is looked for as each of them too.

use crate::net::Address;

use super::IndicatorId;
use super::buckets::Buckets;

/// Bits of the filter for each address: 3 % of the others pass. A few thousand addresses take
/// some kilobytes, which stay in the first-level cache: with 64 KB always, waiting for the filter
/// was 6 % of a million handshakes.
const FILTER_BITS: usize = 32;

/// One bit for each hashed address.
#[derive(Debug)]
struct Filter {
    /// A power of two of words.
    words: Box<[u64]>,
    /// What leaves of a hash the number of a word.
    shift: u32,
}

impl Filter {
    /// A filter with room for so many addresses.
    fn new(addresses: usize) -> Self {
        let words = (addresses * FILTER_BITS / 64).next_power_of_two().max(64);
        Self { words: vec![0; words].into_boxed_slice(), shift: 64 - words.trailing_zeros() }
    }

    /// Word and bit of an address.
    #[inline]
    fn place(&self, address: Address) -> (usize, u64) {
        // No secret is needed: whoever chooses an address can at most have it looked up.
        let [high, low] = address.halves();
        let mixed = (low ^ high.rotate_left(23)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed >> self.shift) as usize, 1 << (mixed >> 20 & 63))
    }

    fn insert(&mut self, address: Address) {
        let (word, bit) = self.place(address);
        if let Some(word) = self.words.get_mut(word) {
            *word |= bit;
        }
    }

    #[inline]
    fn may_contain(&self, address: Address) -> bool {
        let (word, bit) = self.place(address);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// All address indicators of a set.
#[derive(Debug)]
pub(super) struct AddressIndex {
    filter: Filter,
    hosts: Buckets<u128>,
    ports: Buckets<(u128, u16)>,
    networks: Networks,
}

impl AddressIndex {
    /// Of hosts, endpoints and networks, each with its indicator. A prefix counts bits of 128,
    /// so an IPv4 /24 is 120.
    pub(super) fn new(
        hosts: Vec<(u128, IndicatorId)>,
        ports: Vec<((u128, u16), IndicatorId)>,
        networks: Vec<((u8, u128), IndicatorId)>,
    ) -> Self {
        let mut filter = Filter::new(hosts.len() + ports.len());
        let all = hosts.iter().map(|(host, _)| host).chain(ports.iter().map(|((host, _), _)| host));
        all.for_each(|host| filter.insert(Address::from_bits(*host)));
        Self {
            filter,
            hosts: Buckets::new(hosts),
            ports: Buckets::new(ports),
            networks: Networks::new(networks),
        }
    }

    /// May the address be one of these, or in a network of these?
    #[inline]
    pub(super) fn may_contain(&self, address: Address) -> bool {
        self.may_contain_itself(address) || (address.may_embed_v4() && self.may_embed(address))
    }

    #[inline]
    fn may_contain_itself(&self, address: Address) -> bool {
        self.filter.may_contain(address) || self.networks.contains(address)
    }

    #[cold]
    fn may_embed(&self, address: Address) -> bool {
        address.embedded_v4().any(|inside| self.may_contain_itself(inside))
    }

    /// Indicators of the address, whatever the port.
    pub(super) fn host(&self, address: Address, push: impl FnMut(IndicatorId)) {
        if self.filter.may_contain(address) {
            self.hosts.get(&address.bits()).iter().copied().for_each(push);
        }
    }

    /// Indicators of the address with this port.
    pub(super) fn port(&self, address: Address, port: u16, push: impl FnMut(IndicatorId)) {
        if self.filter.may_contain(address) {
            self.ports.get(&(address.bits(), port)).iter().copied().for_each(push);
        }
    }

    /// Networks the address lies in, with their prefix, longest first.
    pub(super) fn networks(&self, address: Address, push: impl FnMut(u8, IndicatorId)) {
        self.networks.find(address, push);
    }
}

/// Networks by prefix, asked only for the prefixes that occur.
#[derive(Debug)]
struct Networks {
    /// Longest first.
    prefixes: Vec<u8>,
    table: Buckets<(u8, u128)>,
}

impl Networks {
    fn new(networks: Vec<((u8, u128), IndicatorId)>) -> Self {
        let mut prefixes: Vec<u8> = networks.iter().map(|((prefix, _), _)| *prefix).collect();
        prefixes.sort_unstable_by(|a, b| b.cmp(a));
        prefixes.dedup();
        let masked = networks
            .into_iter()
            .map(|((prefix, bits), id)| ((prefix, bits & mask(prefix)), id))
            .collect();
        Self { prefixes, table: Buckets::new(masked) }
    }

    #[inline]
    fn contains(&self, address: Address) -> bool {
        let lies_in =
            |prefix: &u8| !self.table.get(&(*prefix, address.bits() & mask(*prefix))).is_empty();
        self.prefixes.iter().any(lies_in)
    }

    fn find(&self, address: Address, mut push: impl FnMut(u8, IndicatorId)) {
        for prefix in &self.prefixes {
            for id in self.table.get(&(*prefix, address.bits() & mask(*prefix))) {
                push(*prefix, *id);
            }
        }
    }
}

/// The leading `prefix` bits of 128.
pub(super) fn mask(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0)
}

/// A network as prefix of 128 bits and its address, an IPv4 one as mapped.
pub(super) fn network(ip: std::net::IpAddr, prefix: u8) -> (u8, u128) {
    let prefix = match ip {
        std::net::IpAddr::V4(_) => prefix.min(32) + 96,
        std::net::IpAddr::V6(_) => prefix.min(128),
    };
    (prefix, Address::from(ip).bits() & mask(prefix))
}
