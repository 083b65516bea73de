//! What comes in crowds is said in one line with counts, and nobody is buried under it.
//!
//! Owns the budgets of lines, and the groups that those beyond them are counted in. The rule:
//!
//! * A host that is familiar ([`super::familiar`]) has lines of its own for each threat,
//!   [`OF_A_HOST`], and then as many as [`OF_ALL_HOSTS`] lends to all who need more. Beyond that
//!   *this host* is one line: how many indicators, and the first of them.
//! * Of hosts that are not, [`STRANGERS`] may meet indicators, [`OF_AN_INDICATOR`] the same one
//!   and [`OF_A_TUNNEL`] out of the tunnel of one sender; packets in tunnels spend nothing of the
//!   others'. Beyond that *the indicator*, *the tunnel's sender* or *the threat* is one line: how
//!   many hosts, and the first of them. An outbreak of a hundred PCs is a line for each.
//! * All of it is the allowance of a minute ([`super::budget`]): a flood that goes on gets no more.
//! * A group is said a second after it began, then once a window for as long as more comes, and
//!   at the end. Every hit is counted: in a line of its own, in a fold, or in a group.
//! * There are few groups; of more, the threat is one line.
//!
//! Everything is bounded and takes the same time however much comes.

use std::collections::BTreeMap;
use std::hash::BuildHasher;

use foldhash::quality::FixedState;

use super::Alert;
use super::budget::{Budget, Budgets};
use super::census::Census;
use crate::bounded::Bounded;
use crate::matching::reload::print;
use crate::matching::severity::Weakness;
use crate::net::{Address, Timestamp};

/// Lines that each familiar host has for itself and a threat.
const OF_A_HOST: u64 = 32;
/// Lines that are lent to hosts that need more.
const OF_ALL_HOSTS: u64 = 1024;
/// Pairs of an unfamiliar host and an indicator that are said one by one.
const STRANGERS: u64 = 384;
/// The same of one indicator.
const OF_AN_INDICATOR: u64 = 128;
/// The same out of one sender's tunnel.
const OF_A_TUNNEL: u64 = 128;
/// Lines of such pairs: one has several, a question, its answer and what follows.
const OF_STRANGERS: u64 = 1024;

/// Budgets kept of each kind at once.
const KEPT: usize = 4096;
const TUNNELS: usize = 64;
/// Pairs remembered: a second line of one is not another pair.
const PAIRS: usize = 1024;

/// Groups at once; of more, those of a threat are one, and a few of these find room always.
const GROUPS: usize = 48;
const THREATS: usize = 16;

/// A group is first said so long after it began, in nanoseconds.
const FIRST_SAID: u64 = 1_000_000_000;

/// Hosts, and indicators, of a group that are named.
const NAMED: usize = 8;

/// Bits that count the different hosts, and indicators, of a group: 4 KB.
const BITS: usize = 32_768;

/// What the alerts of a group have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Crowding {
    /// The indicator, by its print: many hosts met it.
    Indicator(u64),
    /// The host and the threat: it met many indicators.
    Host(Address, u64),
    /// The sender of a tunnel: many hosts in it met indicators.
    Tunnel(Address),
    /// The threat: many hosts met many indicators.
    Threat(u64),
    /// Nothing but that they came together.
    All,
}

/// What an alert says of the others that it stands for.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// What they have in common.
    pub by: Crowding,
    /// Different hosts of ours, nearly.
    pub hosts: u64,
    /// Different indicators, nearly.
    pub indicators: u64,
    /// The first of the hosts.
    pub first_hosts: Vec<Address>,
    /// The first of the indicators, as feeds write them.
    pub first_indicators: Vec<Box<str>>,
}

impl Crowd {
    /// Does it stand for more than one host?
    pub const fn is_of_many(&self) -> bool {
        !matches!(self.by, Crowding::Host(..))
    }
}

/// A number for a text that is the same in every run.
fn number_of(thing: impl std::hash::Hash) -> u64 {
    FixedState::with_seed(0).hash_one(thing)
}

/// The threat of an alert, as a number.
pub(super) fn threat_of(alert: &Alert) -> u64 {
    alert.set.get(alert.indicator).map_or(0, |indicator| number_of(&*indicator.threat))
}

/// The indicator of an alert, as a number that holds across sets.
pub(super) fn indicator_of(alert: &Alert) -> u64 {
    alert.set.get(alert.indicator).map_or(0, print)
}

/// Who sent the tunnel that an alert's packet came in.
fn tunnel_of(alert: &Alert) -> Option<Address> {
    alert.sighting.tunnels.as_deref()?.first().map(|outer| outer.source.address)
}

/// The budgets of lines.
#[derive(Debug)]
pub struct Allowance {
    hosts: Budgets<(Address, u64)>,
    all_hosts: Budget,
    /// By indicator, and whether in a tunnel or weak.
    indicators: Budgets<(u64, bool)>,
    tunnels: Budgets<Address>,
    strangers: Budget,
    /// Lines of strangers, and of those that are in tunnels or weak.
    strangers_lines: [Budget; 2],
    pairs: Bounded<(Address, u64), ()>,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            hosts: Budgets::new(OF_A_HOST, KEPT),
            all_hosts: Budget::default(),
            indicators: Budgets::new(OF_AN_INDICATOR, KEPT),
            tunnels: Budgets::new(OF_A_TUNNEL, TUNNELS),
            strangers: Budget::default(),
            strangers_lines: [Budget::default(); 2],
            pairs: Bounded::new(PAIRS),
        }
    }
}

impl Allowance {
    /// Has a new contact a line of its own? Otherwise it is of this group.
    pub fn place(&mut self, alert: &Alert, is_familiar: bool) -> Option<Crowding> {
        let now = alert.sighting.time;
        let (host, threat) = (alert.ours.address, threat_of(alert));
        // Weak evidence is easily made: it spends what strangers and tunnels have.
        if is_familiar && alert.weakness.is_none() {
            let granted =
                self.hosts.take((host, threat), now) || self.all_hosts.take(OF_ALL_HOSTS, now);
            return (!granted).then_some(Crowding::Host(host, threat));
        }
        let (indicator, tunnel) = (indicator_of(alert), tunnel_of(alert));
        let aside = tunnel.is_some() || alert.weakness.is_some();
        let [outside, inside] = &mut self.strangers_lines;
        let lines = if aside { inside } else { outside };
        // Who is sent tunnels has not come, so that it is not the same one who comes again: each of
        // their senders, which anybody can forge, is another.
        let from_outside = alert.weakness == Some(Weakness::TunnelFromOutside);
        if !from_outside && self.pairs.contains(&(host, indicator)) {
            return (!lines.take(OF_STRANGERS, now)).then_some(Crowding::Threat(threat));
        }
        if let Some(sender) = tunnel
            && !self.tunnels.take(sender, now)
        {
            return Some(Crowding::Tunnel(sender));
        }
        if !self.indicators.take((indicator, aside), now) {
            return Some(Crowding::Indicator(indicator));
        }
        let room = aside || self.strangers.take(STRANGERS, now);
        if !room || !lines.take(OF_STRANGERS, now) {
            return Some(Crowding::Threat(threat));
        }
        if !from_outside {
            self.pairs.insert((host, indicator), ());
        }
        None
    }
}

/// Alerts that are one line.
#[derive(Debug)]
struct Group {
    /// The first of them; its time is the latest.
    alert: Box<Alert>,
    contacts: u64,
    unsaid: bool,
    hosts: Census,
    indicators: Census,
    first_hosts: Vec<Address>,
    first_indicators: Vec<Box<str>>,
    began: Timestamp,
    said: Option<Timestamp>,
}

impl Group {
    fn new(alert: Box<Alert>) -> Self {
        Self {
            began: alert.sighting.time,
            alert,
            contacts: 0,
            unsaid: false,
            hosts: Census::new(BITS),
            indicators: Census::new(BITS),
            first_hosts: Vec::new(),
            first_indicators: Vec::new(),
            said: None,
        }
    }

    fn add(&mut self, alert: &Alert) {
        self.contacts = self.contacts.saturating_add(alert.count);
        self.unsaid = true;
        let host = alert.ours.address;
        self.hosts.mark(number_of(host));
        if self.first_hosts.len() < NAMED && !self.first_hosts.contains(&host) {
            self.first_hosts.push(host);
        }
        let id = indicator_of(alert);
        if self.first_indicators.len() < NAMED
            && !self.indicators.has(id)
            && let Some(indicator) = alert.set.get(alert.indicator)
        {
            self.first_indicators.push(indicator.pattern.text().into());
        }
        self.indicators.mark(id);
        if alert.weakness.is_none() && self.alert.weakness.is_some() {
            // What is strong speaks for all.
            let (first, time) = (self.alert.first, self.alert.sighting.time);
            self.alert.as_mut().clone_from(alert);
            self.alert.first = first;
            self.alert.sighting.time = time;
        }
        self.alert.first = self.alert.first.min(alert.first);
        self.alert.sighting.time = self.alert.sighting.time.max(alert.sighting.time);
    }

    /// What is said of it.
    fn line(&self, by: Crowding) -> Box<Alert> {
        let mut alert = self.alert.clone();
        alert.count = self.contacts;
        alert.opened = self.began;
        alert.crowd = Some(Box::new(Crowd {
            by,
            hosts: self.hosts.estimate(),
            indicators: self.indicators.estimate(),
            first_hosts: self.first_hosts.clone(),
            first_indicators: self.first_indicators.clone(),
        }));
        alert
    }

    /// Is it time to say something, or to forget it?
    fn is_due(&self, now: Timestamp, window: u64) -> bool {
        // A clock that went back by so much will not come to it again.
        let (since, wait) = match self.said {
            None => (self.began, FIRST_SAID),
            Some(said) => (said, window),
        };
        now.0.abs_diff(since.0) >= wait
    }
}

/// The groups there are.
#[derive(Debug)]
pub struct Groups {
    window_nanos: u64,
    /// In an order of their own, so that a replay says the same lines.
    groups: BTreeMap<Crowding, Group>,
}

impl Groups {
    /// None yet; each is said once in so many nanoseconds.
    pub const fn new(window_nanos: u64) -> Self {
        Self { window_nanos, groups: BTreeMap::new() }
    }

    /// Counts an alert in its group.
    pub fn gather(&mut self, by: Crowding, mut alert: Box<Alert>) {
        let by = self.with_room(by, &alert);
        if let Some(group) = self.groups.get_mut(&by) {
            return group.add(&alert);
        }
        alert.first = alert.first.min(alert.sighting.time);
        let mut group = Group::new(alert.clone());
        group.add(&alert);
        self.groups.insert(by, group);
    }

    /// The group, or a wider one when there are too many.
    fn with_room(&self, by: Crowding, alert: &Alert) -> Crowding {
        let threat = Crowding::Threat(threat_of(alert));
        let count = self.groups.len();
        match by {
            _ if self.groups.contains_key(&by) => by,
            Crowding::Threat(_) | Crowding::All if count < GROUPS + THREATS => by,
            Crowding::Threat(_) | Crowding::All => Crowding::All,
            _ if count < GROUPS => by,
            _ if self.groups.contains_key(&threat) || count < GROUPS + THREATS => threat,
            _ => Crowding::All,
        }
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The lines that are due; forgets groups to which nothing came for a window.
    pub fn due(&mut self, now: Timestamp) -> Vec<Box<Alert>> {
        let window = self.window_nanos;
        let mut lines = Vec::new();
        self.groups.retain(|by, group| {
            if !group.is_due(now, window) {
                return true;
            }
            let goes_on = std::mem::take(&mut group.unsaid);
            if goes_on {
                group.said = Some(now);
                lines.push(group.line(*by));
            }
            goes_on
        });
        lines
    }

    /// Takes out every group; the lines of those with something unsaid.
    pub fn finish(&mut self) -> Vec<Box<Alert>> {
        let groups = std::mem::take(&mut self.groups).into_iter();
        groups.filter(|(_, group)| group.unsaid).map(|(by, group)| group.line(by)).collect()
    }
}

#[cfg(test)]
mod tests;
