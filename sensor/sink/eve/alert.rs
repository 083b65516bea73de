//! The `alert` record.

use std::collections::BTreeMap;

use ioc_feeds::threat::{Severity, Text};
use serde::Serialize;

use super::Envelope;
use crate::alert::Crowding;
use crate::enrich::FullAlert;
use crate::lang::{self, Language};
use crate::matching::severity::Weakness;
use crate::observation::Kind;
use crate::sink::EveClock;

/// First of our signature ids; the kind of sighting is added. In the range that rule writers
/// leave to private use.
const FIRST_SIGNATURE: u32 = 1_980_000;

#[derive(Serialize)]
pub(super) struct AlertRecord<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    alert: AlertBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_proto: Option<&'static str>,
    direction: &'static str,
}

#[derive(Serialize)]
struct AlertBody<'a> {
    action: &'static str,
    gid: u32,
    signature_id: u32,
    rev: u32,
    signature: String,
    category: &'static str,
    severity: u8,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<&'a str>,
    metadata: BTreeMap<&'static str, Vec<String>>,
    context: Context<'a>,
}

/// Numbers that do not fit into arrays of strings.
#[derive(Serialize)]
struct Context<'a> {
    /// Contacts folded into this record and those before it.
    count: u64,
    first_contact: String,
    our_ip: String,
    peer_ip: String,
    peer_port: u16,
    /// Of a record that stands for many: different hosts of ours and indicators, nearly.
    #[serde(skip_serializing_if = "Option::is_none")]
    hosts: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    indicators: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    indicator_age_days: Option<i64>,
    /// What else the connection met: this record brings the earlier ones of its flow up to date.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<String>,
    /// What a behaviour means.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a Text>,
    /// Why the evidence is weak, and what to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    weak_evidence: Option<Text>,
}

/// Suricata's scale: 1 high to 3 low.
const fn severity_number(severity: Severity) -> u8 {
    match severity {
        Severity::Critical | Severity::High => 1,
        Severity::Medium => 2,
        Severity::Low => 3,
    }
}

const fn app_proto(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::DnsQuery | Kind::DnsAnswer | Kind::DnsReverse => Some("dns"),
        Kind::TlsSni
        | Kind::TlsCertificate
        | Kind::TlsCertificateBeside
        | Kind::TlsCertSha1
        | Kind::Ja3
        | Kind::Ja4 => Some("tls"),
        Kind::QuicSni => Some("quic"),
        Kind::DtlsSni => Some("dtls"),
        Kind::HttpHost | Kind::HttpUrl | Kind::HttpUserAgent => Some("http"),
        Kind::SocksHost => Some("socks"),
        Kind::Ip | Kind::OuterIp | Kind::Behaviour => None,
    }
}

pub(super) fn record<'a>(
    envelope: Envelope<'a>,
    full: &FullAlert<'a>,
    clock: &EveClock,
) -> AlertRecord<'a> {
    let FullAlert { alert, indicator, threat, .. } = *full;
    let name = threat.name.in_language(Language::En);
    let kind = u32::try_from(Kind::ALL.iter().position(|k| *k == alert.kind).unwrap_or(0));
    let to_server = alert.sighting.client == alert.sighting.source;
    let body = AlertBody {
        action: "allowed",
        gid: 1,
        signature_id: FIRST_SIGNATURE + kind.unwrap_or(0),
        rev: 1,
        signature: format!("{name}: {} in {}", indicator.pattern.kind(), full.place()),
        category: "Malware Command and Control Activity Detected",
        severity: severity_number(full.severity),
        references: Some(&*indicator.reference).filter(|r| !r.is_empty()).into_iter().collect(),
        metadata: metadata(full),
        context: Context {
            count: alert.count,
            first_contact: clock.time(alert.first),
            our_ip: alert.ours.address.to_string(),
            peer_ip: alert.peer.address.to_string(),
            peer_port: alert.peer.port,
            hosts: alert.crowd.as_ref().map(|crowd| crowd.hosts),
            indicators: alert.crowd.as_ref().map(|crowd| crowd.indicators),
            indicator_age_days: full.old_days,
            also: full.also().collect(),
            explanation: full.explanation,
            weak_evidence: alert.weakness.map(|weakness| Text {
                vi: lang::weakness(Language::Vi, weakness).into(),
                en: lang::weakness(Language::En, weakness).into(),
            }),
        },
    };
    AlertRecord {
        envelope,
        alert: body,
        app_proto: app_proto(alert.kind),
        direction: if to_server { "to_server" } else { "to_client" },
    }
}

/// Our own fields, arrays of strings as the schema wants them; what is not known is left out.
fn metadata(full: &FullAlert<'_>) -> BTreeMap<&'static str, Vec<String>> {
    let FullAlert { alert, indicator, .. } = *full;
    let date = |date: Option<ioc_feeds::Date>| date.map_or_else(String::new, |d| d.to_string());
    let all = [
        ("threat", indicator.threat.to_string()),
        ("malware_family", indicator.malware.to_string()),
        ("indicator", indicator.pattern.text()),
        ("indicator_type", indicator.pattern.kind().to_owned()),
        ("where", full.place().into_owned()),
        ("seen", alert.seen.clone()),
        ("host_name", full.host_name.unwrap_or_default().to_owned()),
        ("host_mac", full.our_mac.map_or_else(String::new, |mac| mac.to_string())),
        ("confidence", full.confidence.as_str().to_owned()),
        ("role", indicator.role.as_str().to_owned()),
        ("feed", indicator.feed.to_string()),
        ("reference", indicator.reference.to_string()),
        ("first_seen", date(indicator.first_seen)),
        ("last_seen", date(indicator.last_seen)),
        ("signature_severity", full.severity.as_str().to_owned()),
        ("weak_evidence", alert.weakness.map_or("", Weakness::as_str).to_owned()),
    ];
    let mut all: BTreeMap<_, _> =
        all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(k, v)| (k, vec![v])).collect();
    if let Some(crowd) = &alert.crowd {
        all.insert("crowd", vec![crowding(crowd.by)]);
        all.insert("crowd_hosts", crowd.first_hosts.iter().map(ToString::to_string).collect());
        let first = crowd.first_indicators.iter().map(ToString::to_string);
        all.insert("crowd_indicators", first.collect());
    }
    all
}

/// What the alerts that one record stands for have in common.
fn crowding(by: Crowding) -> String {
    match by {
        Crowding::Indicator(_) => "indicator".into(),
        Crowding::Host(..) => "host".into(),
        Crowding::Tunnel(sender) => format!("tunnel from {sender}"),
        Crowding::Threat(_) => "threat".into(),
        Crowding::All => "all".into(),
    }
}
