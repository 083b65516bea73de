//! The indicators of all feeds, made ready to be asked. Immutable: a reload builds another one.

use std::sync::Arc;

use ioc_feeds::{Indicator, Pattern};

use super::IndicatorId;
use super::addresses::{AddressIndex, network};
use super::allow::{Allow, AllowIndex};
use super::behaviour::{Behaviour, BehaviourId, Behaviours};
use super::buckets::Buckets;
use super::names::NameIndex;
use super::requests::{Paths, Urls};
use crate::net::{Address, Timestamp};

/// How many indicators of each type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// `domain`.
    pub domains: usize,
    /// `ip`.
    pub ips: usize,
    /// `ip:port`.
    pub ip_ports: usize,
    /// `cidr`.
    pub networks: usize,
    /// `url`.
    pub urls: usize,
    /// `path`.
    pub paths: usize,
    /// `user-agent`.
    pub user_agents: usize,
    /// `ja3`, `ja4` and `cert-sha1`.
    pub fingerprints: usize,
}

/// All indicators and the structures they are found by.
#[derive(Debug)]
pub struct IndicatorSet {
    indicators: Vec<Indicator>,
    shadowed: Vec<IndicatorId>,
    counts: Counts,
    pub(super) allow: AllowIndex,
    pub(super) names: NameIndex,
    pub(super) addresses: AddressIndex,
    pub(super) urls: Urls,
    pub(super) paths: Paths,
    pub(super) user_agents: Buckets<Box<[u8]>>,
    pub(super) ja3: Buckets<Box<[u8]>>,
    pub(super) ja4: Buckets<Box<[u8]>>,
    pub(super) certificates: Buckets<Box<[u8]>>,
    behaviours: Arc<Behaviours>,
    /// Number of the first behaviour among the indicators; the others follow it.
    first_behaviour: u32,
}

/// Patterns by type, on their way into the structures.
#[derive(Default)]
struct Sorted<'a> {
    domains: Vec<(&'a str, ioc_feeds::Scope, u32)>,
    hosts: Vec<(u128, IndicatorId)>,
    ports: Vec<((u128, u16), IndicatorId)>,
    networks: Vec<((u8, u128), IndicatorId)>,
    urls: Vec<(&'a ioc_feeds::Host, Option<u16>, &'a str, IndicatorId)>,
    paths: Vec<(&'a str, IndicatorId)>,
    user_agents: Vec<(Box<[u8]>, IndicatorId)>,
    ja3: Vec<(Box<[u8]>, IndicatorId)>,
    ja4: Vec<(Box<[u8]>, IndicatorId)>,
    certificates: Vec<(Box<[u8]>, IndicatorId)>,
}

impl<'a> Sorted<'a> {
    fn push(&mut self, pattern: &'a Pattern, id: IndicatorId) {
        let text = |text: &str| Box::from(text.trim().as_bytes());
        match pattern {
            Pattern::Domain { name, scope } => self.domains.push((name.as_str(), *scope, id.0)),
            Pattern::Ip(ip) => self.hosts.push((Address::from(*ip).bits(), id)),
            Pattern::IpPort(ip, port) => self.ports.push(((Address::from(*ip).bits(), *port), id)),
            Pattern::Cidr(ip, prefix) => self.networks.push((network(*ip, *prefix), id)),
            Pattern::Url { host, port, path } => self.urls.push((host, *port, path, id)),
            Pattern::Path(path) => self.paths.push((path, id)),
            Pattern::UserAgent(agent) => self.user_agents.push((text(agent), id)),
            Pattern::Ja3(digest) => self.ja3.push((text(digest), id)),
            Pattern::Ja4(digest) => self.ja4.push((text(digest), id)),
            Pattern::CertSha1(digest) => self.certificates.push((text(digest), id)),
            // Behaviours are looked for by their own table, not by comparing values.
            Pattern::Behaviour(_) => {}
        }
    }

    fn counts(&self) -> Counts {
        Counts {
            domains: self.domains.len(),
            ips: self.hosts.len(),
            ip_ports: self.ports.len(),
            networks: self.networks.len(),
            urls: self.urls.len(),
            paths: self.paths.len(),
            user_agents: self.user_agents.len(),
            fingerprints: self.ja3.len() + self.ja4.len() + self.certificates.len(),
        }
    }
}

impl IndicatorSet {
    /// Of these indicators, whose place in the list is their number, and this allow list.
    pub fn build(indicators: Vec<Indicator>, allow: &[Allow]) -> Self {
        Self::build_with(indicators, allow, Arc::default())
    }

    /// The same, with behaviours looked for too. Each becomes an indicator, so that an alert
    /// has something to point at; [`IndicatorSet::len`] does not count them.
    pub fn build_with(
        mut indicators: Vec<Indicator>,
        allow: &[Allow],
        behaviours: Arc<Behaviours>,
    ) -> Self {
        let first_behaviour = u32::try_from(indicators.len()).unwrap_or(u32::MAX);
        let mut sorted = Sorted::default();
        let ids = || (0..).map(IndicatorId);
        for (indicator, id) in indicators.iter().zip(ids()) {
            sorted.push(&indicator.pattern, id);
        }
        let counts = sorted.counts();
        sorted.domains.extend(behaviours.names().map(|(name, scope, id)| {
            (name.as_str(), scope, first_behaviour.saturating_add(id.0.into()))
        }));
        let names = NameIndex::new(sorted.domains);
        let addresses = AddressIndex::new(sorted.hosts, sorted.ports, sorted.networks);
        let urls = Urls::new(sorted.urls);
        let paths = Paths::new(sorted.paths);
        let allow = AllowIndex::new(allow);
        let shadowed = indicators.iter().zip(ids()).filter(|(one, _)| allow.shadows(one));
        let shadowed = shadowed.map(|(_, id)| id).collect();
        let user_agents = Buckets::new(sorted.user_agents);
        let (ja3, ja4) = (Buckets::new(sorted.ja3), Buckets::new(sorted.ja4));
        let certificates = Buckets::new(sorted.certificates);
        indicators.extend(behaviours.indicators());
        Self {
            shadowed,
            counts,
            allow,
            names,
            addresses,
            urls,
            paths,
            user_agents,
            ja3,
            ja4,
            certificates,
            behaviours,
            first_behaviour,
            indicators,
        }
    }

    /// The behaviours looked for; none unless some were given.
    pub const fn behaviours(&self) -> &Arc<Behaviours> {
        &self.behaviours
    }

    /// The indicator that stands for a behaviour.
    pub const fn behaviour_indicator(&self, id: BehaviourId) -> IndicatorId {
        IndicatorId(self.first_behaviour.saturating_add(id.0 as u32))
    }

    /// The behaviour that an indicator stands for, if it does.
    pub fn behaviour(&self, id: IndicatorId) -> Option<&Behaviour> {
        let number = id.0.checked_sub(self.first_behaviour)?;
        self.behaviours.all().get(usize::try_from(number).ok()?)
    }

    /// An indicator by its number; `None` for a number of another set.
    pub fn get(&self, id: IndicatorId) -> Option<&Indicator> {
        self.indicators.get(id.0 as usize)
    }

    /// Is this indicator past its last day at that time?
    pub fn is_expired(&self, id: IndicatorId, at: Timestamp) -> bool {
        self.get(id)
            .and_then(|indicator| indicator.expires)
            .is_some_and(|last| last.age_in_days(at.seconds()) > 0)
    }

    /// All indicators of the feeds, in the order they were given.
    pub fn indicators(&self) -> &[Indicator] {
        self.indicators.get(..self.len()).unwrap_or_default()
    }

    /// All indicators, then all behaviours: the place in the list is the number.
    pub(super) fn everything(&self) -> &[Indicator] {
        &self.indicators
    }

    /// How many there are, behaviours not counted.
    pub fn len(&self) -> usize {
        self.indicators.len() - self.behaviours.all().len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of each type.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Indicators that can never be alerted because of the allow list, in order: to be said when
    /// the set is loaded.
    pub fn shadowed(&self) -> &[IndicatorId] {
        &self.shadowed
    }
}
