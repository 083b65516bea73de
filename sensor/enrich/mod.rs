//! Stage 7: an alert becomes a full alert: how bad, since when known, what to do now.
//!
//! First stage behind the queue; runs in the writer's thread. Owns texts and contacts; writes
//! nothing and never touches the network.

pub mod fold;
pub mod hosts;

use std::borrow::Cow;

use ioc_feeds::contact::Contacts;
use ioc_feeds::threat::{Severity, Text, Threat, Threats};
use ioc_feeds::{Confidence, Date, Indicator};

use crate::alert::{Alert, Identity, Reason};
use crate::matching::IndicatorId;
use crate::matching::behaviour::Mode;
use crate::matching::severity::{Weakness, one_step_up, severity};
use crate::net::Mac;
use crate::observation::Kind;
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
    /// Whom to call.
    pub contacts: &'a Contacts,
    /// How bad, at the time of the contact.
    pub severity: Severity,
    /// Age of the indicator in days at that time, where it weakens the alert.
    pub old_days: Option<i64>,
    /// Name of our host, as far as it is known.
    pub host_name: Option<&'a str>,
    /// Its hardware address: as it told itself, else as the frame shows it (which behind a router
    /// is the router's).
    pub our_mac: Option<Mac>,
    /// What the behaviour means, if the alert is about one.
    pub explanation: Option<&'a Text>,
    /// How sure: the indicator's word, or high when a behaviour and an indicator agree.
    pub confidence: Confidence,
}

impl FullAlert<'_> {
    /// When the indicator was last known to be in use.
    pub fn known(&self) -> Option<Date> {
        self.indicator.last_seen.or(self.indicator.first_seen)
    }

    /// Where it was seen: `dns.query`, `ip`, `behaviour.NAME` ...
    pub fn place(&self) -> Cow<'static, str> {
        match self.alert.kind {
            Kind::Behaviour => format!("behaviour.{}", self.indicator.pattern).into(),
            kind => kind.label().into(),
        }
    }

    /// The other reasons of the alert: what was met, and where.
    pub fn also(&self) -> impl Iterator<Item = String> {
        self.alert.also.iter().filter_map(|reason| {
            let indicator = self.alert.set.get(reason.indicator)?;
            Some(match reason.kind {
                Kind::Behaviour => format!("behaviour.{}", indicator.pattern),
                kind => format!("{} ({})", indicator.pattern, kind.label()),
            })
        })
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

    /// From now on speaks of threats in these words.
    pub fn replace_threats(&mut self, threats: Threats) {
        self.threats = threats;
    }

    /// The threats it knows.
    pub const fn threats(&self) -> &Threats {
        &self.threats
    }

    /// Everything there is to say about an alert; `None` only if its indicator is not in its set.
    pub fn enrich<'a>(&'a self, alert: &'a Alert) -> Option<FullAlert<'a>> {
        let indicator = alert.set.get(alert.indicator)?;
        let threat = self.threats.get(&indicator.threat);
        let (severity, old_days) = self.weigh(alert, (alert.kind, alert.indicator))?;
        let severity = if alert.weakness.is_some() { Severity::Low } else { severity };
        let behaviour = alert.set.behaviour(alert.indicator);
        let (severity, agree) = self.together(alert, severity);
        let (ours, seen) = (alert.ours.address, alert.our_mac());
        // Of many, what can be trusted is the sender of the frame.
        let is_of_many = alert.crowd.as_ref().is_some_and(|crowd| crowd.is_of_many());
        let our_mac = self.hosts.mac(ours).filter(|_| !is_of_many).or(seen);
        let host_name = self.hosts.name(ours, seen).filter(|_| !is_of_many);
        Some(FullAlert {
            alert,
            indicator,
            threat,
            contacts: &self.threats.contacts,
            severity,
            old_days,
            host_name,
            our_mac,
            explanation: behaviour.map(|behaviour| &behaviour.text),
            confidence: if agree { Confidence::High } else { indicator.confidence },
        })
    }

    /// The severity of one reason by itself, and its age where that weakens it.
    fn weigh(
        &self,
        alert: &Alert,
        (kind, id): (Kind, IndicatorId),
    ) -> Option<(Severity, Option<i64>)> {
        if let Some(behaviour) = alert.set.behaviour(id) {
            return Some((behaviour.alert_severity(), None));
        }
        let indicator = alert.set.get(id)?;
        let threat = self.threats.get(&indicator.threat);
        Some(severity(indicator, threat.severity, (kind, alert.sighting.time)))
    }

    /// Reasons together: the worst of them, and one step more if a behaviour that is on and
    /// another reason agree. A behaviour that only informs adds no step, and weak evidence
    /// neither.
    fn together(&self, alert: &Alert, own: Severity) -> (Severity, bool) {
        if alert.weakness == Some(Weakness::TunnelFromOutside) {
            return (own, false);
        }
        let strong = || alert.also.iter().filter(|reason| Weakness::of(reason.kind).is_none());
        let others =
            strong().filter_map(|reason| self.weigh(alert, (reason.kind, reason.indicator)));
        let worst = others.map(|(severity, _)| severity).fold(own, Severity::max);
        let is_on = |id| alert.set.behaviour(id).is_some_and(|known| known.mode == Mode::On);
        let agree = alert.weakness.is_none()
            && strong().next().is_some()
            && (is_on(alert.indicator)
                || strong().any(|Reason { indicator, .. }| is_on(*indicator)));
        (if agree { one_step_up(worst) } else { worst }, agree)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::alert::{Origin, Sighting};
    use crate::decode::packet::Packet;
    use crate::matching::IndicatorSet;
    use crate::net::{Endpoint, Timestamp};

    fn alert(kind: Kind, weakness: Option<Weakness>) -> Alert {
        let text = "indicator,type,threat,confidence\nevil.example,domain,redline,high\n";
        let loaded =
            ioc_feeds::format::load_text("test", text, ioc_feeds::lint::Lint::Trusted).unwrap();
        let origin = Origin::Interface("m1".into());
        Alert {
            sighting: Sighting::new(&Packet::default(), Timestamp::default(), 1, origin),
            kind,
            weakness,
            seen: "evil.example".into(),
            set: Arc::new(IndicatorSet::build(loaded.indicators, &[])),
            indicator: IndicatorId(0),
            also: Vec::new(),
            ours: Endpoint::default(),
            peer: Endpoint::default(),
            count: 1,
            first: Timestamp::default(),
            opened: Timestamp::default(),
            crowd: None,
        }
    }

    #[test]
    fn weak_evidence_is_low_and_takes_nothing_from_the_same_name_seen_elsewhere() {
        let enricher = Enricher::new(ioc_feeds::curated::threats().unwrap());
        for kind in Kind::ALL {
            let alert = alert(kind, Weakness::of(kind));
            let severity = enricher.enrich(&alert).unwrap().severity;
            let weak = matches!(kind, Kind::TlsCertificateBeside | Kind::DnsReverse);
            assert_eq!(severity == Severity::Low, weak, "{kind:?}");
        }
        let forged = alert(Kind::TlsSni, Some(Weakness::TunnelFromOutside));
        assert_eq!(enricher.enrich(&forged).unwrap().severity, Severity::Low);
    }
}
