//! Stage 7: an alert becomes a full alert: how bad, since when known, what to do now.
//!
//! First stage behind the queue; runs in the writer's thread. Owns texts and contacts; writes
//! nothing and never touches the network.

pub mod fold;
pub mod hosts;

use ioc_feeds::threat::{Severity, Threat, Threats};
use ioc_feeds::{Date, Indicator};

use crate::alert::{Alert, Identity};
use crate::matching::severity::severity;
use crate::net::Mac;
use hosts::Hosts;

/// Everything there is to say about a contact, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct FullAlert<'a> {
    /// The contact.
    pub alert: &'a Alert,
    /// The indicator that matched.
    pub indicator: &'a Indicator,
    /// What is known of its threat.
    pub threat: &'a Threat,
    /// How bad, at the time of the contact.
    pub severity: Severity,
    /// Age of the indicator in days at that time, where it weakens the alert.
    pub old_days: Option<i64>,
    /// Name of our host, as far as it is known.
    pub host_name: Option<&'a str>,
    /// Its hardware address: as it told itself, else as the frame shows it (which behind a router
    /// is the router's).
    pub our_mac: Option<Mac>,
}

impl FullAlert<'_> {
    /// When the indicator was last known to be in use.
    pub fn known(&self) -> Option<Date> {
        self.indicator.last_seen.or(self.indicator.first_seen)
    }
}

/// Turns alerts into full alerts.
#[derive(Clone, Debug)]
pub struct Enricher {
    threats: Threats,
    hosts: Hosts,
}

impl Enricher {
    /// An enricher that knows these threats.
    pub fn new(threats: Threats) -> Self {
        Self { threats, hosts: Hosts::default() }
    }

    /// Takes in what a host told of itself, for the alerts that follow.
    pub fn learn(&mut self, fact: Identity) {
        self.hosts.learn(fact);
    }

    /// Forgets who is who.
    pub fn forget_hosts(&mut self) {
        self.hosts.clear();
    }

    /// The threats it knows.
    pub const fn threats(&self) -> &Threats {
        &self.threats
    }

    /// Everything there is to say about an alert; `None` only if its indicator is not in its set.
    pub fn enrich<'a>(&'a self, alert: &'a Alert) -> Option<FullAlert<'a>> {
        let indicator = alert.set.get(alert.indicator)?;
        let threat = self.threats.get(&indicator.threat);
        let (severity, old_days) = severity(indicator, threat.severity, alert.sighting.time);
        let (ours, seen) = (alert.ours.address, alert.our_mac());
        let our_mac = self.hosts.mac(ours).or(seen);
        let host_name = self.hosts.name(ours, seen);
        Some(FullAlert { alert, indicator, threat, severity, old_days, host_name, our_mac })
    }
}
