//! What must not raise an alert, and how specific it is.
//!
//! An entry silences what is as specific as itself or less: allowing `shop.example` silences an
//! indicator at `shop.example` and one at `example`, but not one at `evil.shop.example`; allowing
//! a network silences no single address in it.

use std::net::IpAddr;

use ioc_feeds::{Indicator, Pattern, Scope, name::Name};

use super::addresses::{mask, network};
use super::names::NameIndex;
use crate::net::Address;

/// One thing allowed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Allow {
    /// A name.
    Name {
        /// The name.
        name: Name,
        /// With or without what is below it.
        scope: Scope,
    },
    /// A network; a single address has the full prefix length.
    Network(IpAddr, u8),
}

/// The allow list as it is asked.
#[derive(Debug, Default)]
pub(super) struct AllowIndex {
    names: NameIndex,
    /// Prefix of 128 bits and address; longest first. Written by hand, so few.
    networks: Vec<(u8, u128)>,
}

impl AllowIndex {
    pub(super) fn new(entries: &[Allow]) -> Self {
        let mut names = Vec::new();
        let mut networks = Vec::new();
        for entry in entries {
            match entry {
                Allow::Name { name, scope } => names.push((name.as_str(), *scope, 0)),
                Allow::Network(ip, prefix) => networks.push(network(*ip, *prefix)),
            }
        }
        networks.sort_unstable_by(|a, b| b.cmp(a));
        Self { names: NameIndex::new(names), networks }
    }

    /// Length of the longest entry that covers the name, in bytes of its name.
    pub(super) fn name(&self, name: &str) -> Option<u32> {
        let mut longest = None;
        self.names.find(name, |_, length| longest = longest.max(Some(length)));
        longest
    }

    /// Prefix of the smallest network that covers the address, of 128 bits.
    pub(super) fn address(&self, address: Address) -> Option<u8> {
        let covers = |(prefix, bits): &&(u8, u128)| address.bits() & mask(*prefix) == *bits;
        self.networks.iter().find(covers).map(|(prefix, _)| *prefix)
    }

    /// Can this indicator never be alerted?
    pub(super) fn shadows(&self, indicator: &Indicator) -> bool {
        if self.names.is_empty() && self.networks.is_empty() {
            return false;
        }
        match &indicator.pattern {
            Pattern::Domain { name, scope: Scope::Exact } => self.name_itself(name.as_str(), false),
            Pattern::Domain { name, scope: Scope::Subtree } => {
                self.name_itself(name.as_str(), true)
            }
            Pattern::Ip(ip) | Pattern::IpPort(ip, _) => {
                self.address((*ip).into()).is_some_and(|prefix| prefix == 128)
            }
            Pattern::Cidr(ip, prefix) => self.networks.contains(&network(*ip, *prefix)),
            _ => false,
        }
    }

    /// Is there an entry at exactly this name, if need be one that covers all below it?
    fn name_itself(&self, name: &str, subtree: bool) -> bool {
        // A name below it is covered by an entry of its length only if that one is a subtree's.
        let probe = if subtree { format!("a.{name}") } else { name.to_owned() };
        let mut there = false;
        self.names.find(&probe, |_, length| there |= length as usize == name.len());
        there
    }
}
