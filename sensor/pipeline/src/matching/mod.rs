//! Stage 5: an observation meets the indicators and is, nearly always, over.
//!
//! [`set::IndicatorSet`] is built once, never changes and is shared by the workers; each worker
//! asks it through its own [`Matcher`]. What a hit is worth is [`severity`]'s to say. Nothing
//! here knows a packet, a flow or a clock.
//!
//! Names are matched by label, never by substring; see [`names`]. Table hashes are seeded with a
//! constant: all keys are the feed's, and who chooses what is looked up cannot insert anything.

mod addresses;
pub mod allow;
pub mod behaviour;
mod buckets;
pub mod names;
pub mod reload;
mod requests;
pub mod set;
pub mod severity;

pub use allow::Allow;
pub use set::IndicatorSet;

use std::sync::Arc;

use crate::extract::dns::glance::Glance;
use crate::net::{Address, Endpoint};
use crate::observation::{Kind, Observation, Value};
use requests::Target;

/// An indicator's number in its [`IndicatorSet`]; means nothing in another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndicatorId(pub u32);

/// An observation that meets an indicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which.
    pub id: IndicatorId,
    /// Silenced by an allow entry at least as specific as the indicator: to be counted
    /// ([`crate::stats::Counter::Allowed`]), not alerted.
    pub allowed: bool,
}

/// A hit with its place in the order: the larger, the more specific.
type Found = (u32, Hit);

/// Ranks above any length of a name or prefix, so that kinds do not mix.
const RANK_HOST: u32 = 1 << 16;
const RANK_PORT: u32 = 2 << 16;
const RANK_URL: u32 = 4 << 16;

/// Compares observations with a set. One a worker; its buffers are reused.
#[derive(Debug)]
pub struct Matcher {
    set: Arc<IndicatorSet>,
    found: Vec<Found>,
    /// Spelling of a request target that was sent in another one.
    target: Vec<u8>,
}

impl Matcher {
    /// A matcher that asks this set.
    pub fn new(set: Arc<IndicatorSet>) -> Self {
        Self { set, found: Vec::new(), target: Vec::new() }
    }

    /// The set it asks.
    pub fn set(&self) -> &Arc<IndicatorSet> {
        &self.set
    }

    /// Can text of this kind meet anything? What is costly to compute is not computed for nothing.
    pub fn wants(&self, kind: Kind) -> bool {
        match kind {
            Kind::HttpUserAgent => !self.set.user_agents.is_empty(),
            Kind::Ja3 => !self.set.ja3.is_empty(),
            Kind::Ja4 => !self.set.ja4.is_empty(),
            Kind::TlsCertSha1 => !self.set.certificates.is_empty(),
            _ => true,
        }
    }

    /// Asks another set from now on; numbers of the old one mean nothing in it.
    pub fn replace(&mut self, set: Arc<IndicatorSet>) {
        self.set = set;
    }

    /// Is it plain at once that the observation meets nothing? False says only that
    /// [`Matcher::find`] must be asked.
    #[inline]
    pub fn misses(&self, observation: &Observation<'_>) -> bool {
        match observation.value {
            Value::Name(name) => !self.set.names.may_cover(name),
            Value::Address(address) | Value::Endpoint(Endpoint { address, .. }) => {
                self.misses_address(address)
            }
            Value::Url { .. } | Value::Text(_) => false,
        }
    }

    /// Is it plain at once that an address meets nothing?
    #[inline]
    pub fn misses_address(&self, address: Address) -> bool {
        !self.set.addresses.may_contain(address)
    }

    /// How many observations a DNS message is worth, if it is plain at once that none of them
    /// meets anything.
    #[inline]
    pub fn dismisses(&self, glance: &Glance<'_>) -> Option<u64> {
        if self.set.names.may_cover_tail(glance.tail) {
            return None;
        }
        glance.observations(|address| self.misses_address(address))
    }

    /// Calls `hit` for each indicator that the observation meets, the most specific first: of
    /// names and paths the longest, of addresses `ip:port`, `ip`, then the smallest network.
    /// Equally specific ones come in the order of the feeds. Allocates nothing on a miss.
    pub fn find(&mut self, observation: &Observation<'_>, hit: &mut dyn FnMut(Hit)) {
        self.found.clear();
        let (set, found) = (&*self.set, &mut self.found);
        match (observation.kind, observation.value) {
            (_, Value::Name(name)) => find_name(set, name, found),
            (_, Value::Address(address)) => find_address(set, address, None, found),
            (_, Value::Endpoint(Endpoint { address, port })) => {
                find_address(set, address, Some(port), found);
            }
            (_, Value::Url { host, port, target }) => {
                let target = Target::new(target, &mut self.target);
                find_url(set, (host, port), target, found);
            }
            (kind, Value::Text(text)) => find_text(set, kind, text, found),
        }
        if found.is_empty() {
            return;
        }
        found.sort_by_key(|(rank, found)| (std::cmp::Reverse(*rank), found.id));
        for (_, found) in &*found {
            hit(*found);
        }
    }
}

fn find_name(set: &IndicatorSet, name: &str, found: &mut Vec<Found>) {
    set.names.find(name, |id, length| {
        found.push((length, Hit { id: IndicatorId(id), allowed: false }));
    });
    if !found.is_empty() {
        let allowed = set.allow.name(name);
        for (length, hit) in found {
            hit.allowed = allowed.is_some_and(|allowed| allowed >= *length);
        }
    }
}

/// What the address meets, and what the IPv4 addresses inside it meet.
fn find_address(set: &IndicatorSet, address: Address, port: Option<u16>, found: &mut Vec<Found>) {
    find_one(set, address, port, found);
    if !address.may_embed_v4() {
        return;
    }
    let mut inside = Vec::new();
    for embedded in address.embedded_v4() {
        find_one(set, embedded, port, &mut inside);
    }
    // A network of IPv6 and one of IPv4, or both addresses of Teredo, may be the same indicator.
    inside.retain(|(_, hit)| !found.iter().any(|(_, other)| other.id == hit.id));
    inside.sort_by_key(|(rank, hit)| (hit.id, std::cmp::Reverse(*rank), hit.allowed));
    inside.dedup_by_key(|(_, hit)| hit.id);
    found.append(&mut inside);
}

fn find_one(set: &IndicatorSet, address: Address, port: Option<u16>, found: &mut Vec<Found>) {
    let mut push = |rank, id| found.push((rank, Hit { id, allowed: false }));
    set.addresses.host(address, |id| push(RANK_HOST, id));
    if let Some(port) = port {
        set.addresses.port(address, port, |id| push(RANK_PORT, id));
    }
    set.addresses.networks(address, |prefix, id| push(u32::from(prefix), id));
    if !found.is_empty() {
        let allowed = set.allow.address(address);
        for (rank, hit) in found {
            // A port makes an address no more specific: whoever allows a host means all of it.
            let prefix = if *rank < RANK_HOST { *rank } else { 128 };
            hit.allowed = allowed.is_some_and(|allowed| u32::from(allowed) >= prefix);
        }
    }
}

/// A url is more specific than any host, so no allow entry silences it; a path that is bad on any
/// host is less specific than an allowed one.
fn find_url(
    set: &IndicatorSet,
    (host, port): (&str, u16),
    mut target: Target<'_>,
    found: &mut Vec<Found>,
) {
    let mut push = |length, id| found.push((RANK_URL + length, Hit { id, allowed: false }));
    set.urls.find((host, port), &mut target, &mut push);
    if host.contains(':') {
        let address = host.parse::<std::net::IpAddr>().map(Address::from);
        for inside in address.iter().flat_map(|address| address.embedded_v4()) {
            set.urls.find((&inside.to_string(), port), &mut target, &mut push);
        }
    }
    let urls = found.len();
    set.paths.find(&mut target, |length, id| found.push((length, Hit { id, allowed: false })));
    if let Some(paths @ [_, ..]) = found.get_mut(urls..) {
        let allowed = match host.parse::<std::net::IpAddr>() {
            Ok(ip) => set.allow.address(ip.into()).is_some(),
            Err(_) => set.allow.name(host).is_some(),
        };
        for (_, hit) in paths {
            hit.allowed = allowed;
        }
    }
}

fn find_text(set: &IndicatorSet, kind: Kind, text: &[u8], found: &mut Vec<Found>) {
    let table = match kind {
        Kind::HttpUserAgent => &set.user_agents,
        Kind::Ja3 => &set.ja3,
        Kind::Ja4 => &set.ja4,
        Kind::TlsCertSha1 => &set.certificates,
        _ => return,
    };
    for id in table.get(text.trim_ascii()) {
        found.push((0, Hit { id: *id, allowed: false }));
    }
}

#[cfg(test)]
mod tests;
