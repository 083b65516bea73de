//! Stage 7: an alert becomes a record: how bad, since when known, what to do now.
//!
//! First stage behind the queue; runs in the writer's thread. Owns texts and contacts; writes
//! nothing and never touches the network.

pub mod fold;
pub mod hosts;
pub mod packet;

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use ioc_feeds::threat::{Severity, Threat, Threats};
use ioc_feeds::{Confidence, Indicator};
use wardwatch_record::alert as record;
use wardwatch_record::{AlertRecord, FORM, Message, Time, escape};

use crate::alert::{Alert, Crowd, Crowding, Identity, Reason};
use crate::lang;
use crate::matching::IndicatorId;
use crate::matching::behaviour::Mode;
use crate::matching::severity::{Weakness, one_step_up, severity};
use crate::observation::Kind;
use hosts::Hosts;

/// Turns alerts into records.
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
    pub fn enrich(&self, alert: &Alert) -> Option<AlertRecord> {
        let indicator = alert.set.get(alert.indicator)?;
        let threat = self.threats.get(&indicator.threat);
        let (severity, old_days) = self.weigh(alert, (alert.kind, alert.indicator))?;
        let severity = if alert.weakness.is_some() { Severity::Low } else { severity };
        let behaviour = alert.set.behaviour(alert.indicator);
        let (severity, agree) = self.together(alert, severity);
        let key = indicator.threat.to_string();
        Some(AlertRecord {
            form: FORM,
            time: Time::from(alert.sighting.time.0),
            severity,
            threat: record::Threat { key, name: threat.name.clone() },
            host: self.host(alert),
            peer: record::End { address: alert.peer.address.to_ip(), port: alert.peer.port },
            place: place(alert.kind, indicator),
            seen: alert.seen.clone(),
            explanation: behaviour.map(|behaviour| behaviour.text.clone()),
            action: self.action(threat, severity),
            count: alert.count,
            first: Time::from(alert.first.0),
            opened: Time::from(alert.opened.0),
            indicator: known(indicator, old_days),
            confidence: if agree { Confidence::High } else { indicator.confidence },
            also: also(alert),
            weakness: alert.weakness.map(weakness),
            crowd: alert.crowd.as_deref().map(crowd),
            to_server: alert.sighting.client == alert.sighting.source,
            sighting: packet::sighting(&alert.sighting),
        })
    }

    /// What to do now: the threat's own action where the alert is as serious as that, and else to
    /// look before anything is taken off the network.
    fn action(&self, threat: &Threat, severity: Severity) -> Message {
        let contacts = &self.threats.contacts;
        Message::made(|language| match threat.acts_at(severity) {
            true => threat.action(language, contacts),
            false => lang::look_first(language, severity, &contacts.short(language)),
        })
    }

    /// Who it is, as far as that is known.
    fn host(&self, alert: &Alert) -> record::Host {
        let (ours, seen) = (alert.ours.address, alert.our_mac());
        // Of many, what can be trusted is the sender of the frame.
        let is_of_many = alert.crowd.as_ref().is_some_and(|crowd| crowd.is_of_many());
        let mac = self.hosts.mac(ours).filter(|_| !is_of_many).or(seen);
        let name = self.hosts.name(ours, seen).filter(|_| !is_of_many);
        record::Host {
            address: ours.to_ip(),
            port: alert.ours.port,
            name: name.map(|name| escape::letters(name).into_owned()),
            mac: mac.map(|mac| mac.to_string()),
        }
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

/// Where it was seen: `dns.query`, `ip`, `behaviour.NAME` ...
fn place(kind: Kind, indicator: &Indicator) -> String {
    match kind {
        Kind::Behaviour => format!("behaviour.{}", indicator.pattern),
        kind => kind.label().into(),
    }
}

/// The other reasons of the alert: what was met, and where.
fn also(alert: &Alert) -> Vec<String> {
    let reasons = alert.also.iter().filter_map(|reason| {
        let indicator = alert.set.get(reason.indicator)?;
        Some(match reason.kind {
            Kind::Behaviour => format!("behaviour.{}", indicator.pattern),
            kind => format!("{} ({})", indicator.pattern, kind.label()),
        })
    });
    reasons.collect()
}

fn known(indicator: &Indicator, old_days: Option<i64>) -> record::Indicator {
    record::Indicator {
        text: indicator.pattern.text(),
        kind: indicator.pattern.kind().into(),
        malware: indicator.malware.to_string(),
        role: indicator.role,
        feed: indicator.feed.to_string(),
        reference: indicator.reference.to_string(),
        first_seen: indicator.first_seen,
        last_seen: indicator.last_seen,
        old_days,
    }
}

/// Why evidence is weak, and what to do instead of what the threat's words say.
pub fn weakness(weakness: Weakness) -> record::Weakness {
    record::Weakness {
        kind: weakness.as_str().into(),
        why: Message::made(|language| lang::weakness(language, weakness)),
        check: Message::made(|language| lang::check_first(language, weakness)),
    }
}

fn crowd(crowd: &Crowd) -> record::Crowd {
    let by = match crowd.by {
        Crowding::Indicator(_) => record::Crowding::Indicator,
        Crowding::Host(..) => record::Crowding::Host,
        Crowding::Tunnel(sender) => record::Crowding::Tunnel(sender.to_ip()),
        Crowding::Threat(_) => record::Crowding::Threat,
        Crowding::All => record::Crowding::All,
    };
    record::Crowd {
        by,
        group: format!("{:016x}", FixedState::with_seed(0).hash_one(crowd.by)),
        hosts: crowd.hosts,
        indicators: crowd.indicators,
        first_hosts: crowd.first_hosts.iter().map(|host| host.to_ip()).collect(),
        first_indicators: crowd.first_indicators.iter().map(ToString::to_string).collect(),
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
