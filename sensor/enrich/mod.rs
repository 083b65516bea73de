//! Stage 7: an alert becomes a full alert: how bad, since when known, what to do now.
//!
//! First stage behind the queue; runs in the writer's thread. Owns texts and contacts; writes
//! nothing and never touches the network.

pub mod fold;

use ioc_feeds::threat::{Severity, Threat, Threats};
use ioc_feeds::{Date, Indicator};

use crate::alert::Alert;
use crate::matching::severity::severity;

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
}

impl Enricher {
    /// An enricher that knows these threats.
    pub const fn new(threats: Threats) -> Self {
        Self { threats }
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
        Some(FullAlert { alert, indicator, threat, severity, old_days, host_name: None })
    }
}
