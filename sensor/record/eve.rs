//! EVE JSON lines in Suricata's schema: alerts out of records, and back into them.
//!
//! Our own fields stand in `alert.metadata` (arrays of strings) and `alert.context`. Records of messages
//! (`dns`, `tls` ...) are the sink's, which has the messages; what they begin with is made here.

mod read;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::IpAddr;

use ioc_feeds::threat::Severity;
use ioc_feeds::{Date, Role};
use serde::Serialize;
use serde_json::Serializer;

use crate::alert::{Crowding, Ether, Sighting, Tunnel};
use crate::clock::EveClock;
use crate::escape::PlainJson;
use crate::{AlertRecord, Message, Time};

pub use read::{NotAnAlert, read};

/// First of our signature ids: the threat's hundred and the place's number are added. In the range that
/// rule writers leave to private use. Whoever mutes a number mutes one threat in one place.
const FIRST_SIGNATURE: u32 = 1_980_000;

/// The hundred of each threat. Threats of an office's own feeds have 0. Like the places these are added at
/// the end and never taken away, so that no number ever means something else.
const THREATS: [(&str, u32); 3] = [("redline", 1), ("mustang-panda", 2), ("canary", 9)];

/// The signature id of a threat met in a place.
pub fn signature_id(threat: &str, place_name: &str) -> u32 {
    let hundred = THREATS.iter().find(|(key, _)| *key == threat).map_or(0, |(_, hundred)| *hundred);
    FIRST_SIGNATURE + hundred * 100 + place(place_name).0
}

/// Every place that an alert can name and the protocol it is in, in the order of their numbers in
/// signature ids: these are added at the end and never taken away.
const PLACES: [(&str, Option<&str>); 18] = [
    ("dns.query", Some("dns")),
    ("dns.answer", Some("dns")),
    ("tls.sni", Some("tls")),
    ("tls.certificate", Some("tls")),
    ("tls.cert_sha1", Some("tls")),
    ("quic.sni", Some("quic")),
    ("dtls.sni", Some("dtls")),
    ("http.host", Some("http")),
    ("http.url", Some("http")),
    ("http.user_agent", Some("http")),
    ("socks.host", Some("socks")),
    ("ip", None),
    ("tls.ja3", Some("tls")),
    ("tls.ja4", Some("tls")),
    ("behaviour", None),
    ("tls.certificate_beside", Some("tls")),
    ("dns.reverse", Some("dns")),
    ("ip.outer", None),
];

/// Number and protocol of a place.
fn place(name: &str) -> (u32, Option<&'static str>) {
    let name = if name.starts_with("behaviour.") { "behaviour" } else { name };
    let found = PLACES.iter().zip(0..).find(|((place, _), _)| *place == name);
    found.map_or((0, None), |((_, protocol), number)| (number, *protocol))
}

/// Writes a record as one line with its line end, in which nothing hides.
///
/// # Errors
/// When `out` cannot be written, which memory gives no reason for.
pub fn write_line(record: &impl Serialize, mut out: impl Write) -> std::io::Result<()> {
    record.serialize(&mut Serializer::with_formatter(&mut out, PlainJson))?;
    out.write_all(b"\n")
}

/// What every record of a packet begins with.
#[derive(Serialize)]
pub struct Envelope<'a> {
    timestamp: String,
    flow_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_iface: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap_cnt: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pcap_filename: Option<&'a str>,
    event_type: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    vlan: &'a [u16],
    src_ip: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_port: Option<u16>,
    dest_ip: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_port: Option<u16>,
    proto: &'a str,
    ip_v: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_type: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_code: Option<u8>,
    pkt_src: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tunnel: Option<&'a Tunnel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ether: Option<&'a Ether>,
    community_id: &'a str,
}

impl<'a> Envelope<'a> {
    /// Of a record of this type, about a packet of this time.
    pub fn new(
        event_type: &'static str,
        time: Time,
        sighting: &'a Sighting,
        clock: &EveClock,
    ) -> Self {
        Self {
            timestamp: clock.time(time),
            flow_id: sighting.flow_id,
            in_iface: sighting.in_iface.as_deref(),
            pcap_cnt: sighting.pcap_cnt,
            pcap_filename: sighting.pcap_filename.as_deref(),
            event_type,
            vlan: &sighting.vlan,
            src_ip: sighting.src_ip,
            src_port: sighting.src_port,
            dest_ip: sighting.dest_ip,
            dest_port: sighting.dest_port,
            proto: &sighting.proto,
            ip_v: if sighting.src_ip.is_ipv4() { 4 } else { 6 },
            icmp_type: sighting.icmp_type,
            icmp_code: sighting.icmp_code,
            pkt_src: &sighting.pkt_src,
            tunnel: sighting.tunnel.as_ref(),
            ether: sighting.ether.as_ref(),
            community_id: &sighting.community_id,
        }
    }
}

#[derive(Serialize)]
struct AlertLine<'a> {
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
    our_ip: IpAddr,
    peer_ip: IpAddr,
    peer_port: u16,
    /// Of a record that stands for many: different hosts of ours and indicators, nearly.
    #[serde(skip_serializing_if = "Option::is_none")]
    hosts: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    indicators: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    indicator_age_days: Option<i64>,
    /// What else the connection met: this record brings the earlier ones of its flow up to date.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    also: &'a [String],
    /// What a behaviour means.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<&'a Message>,
    /// Why the evidence is weak.
    #[serde(skip_serializing_if = "Option::is_none")]
    weak_evidence: Option<&'a Message>,
}

/// Suricata's scale: 1 is the worst.
const fn severity_number(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 1,
        Severity::High => 2,
        Severity::Medium | Severity::Low => 3,
    }
}

/// What the infrastructure was used for, in the words of Suricata's classes.
const fn category(role: Role) -> &'static str {
    match role {
        Role::C2 | Role::Sinkhole => "Malware Command and Control Activity Detected",
        Role::Delivery => "A Network Trojan was detected",
        Role::Exfiltration => "Successful Credential Theft Detected",
        Role::Canary => "Misc activity",
        Role::Unknown => "Potentially Bad Traffic",
    }
}

/// The `alert` record.
pub fn alert<'a>(record: &'a AlertRecord, clock: &EveClock) -> impl Serialize + use<'a> {
    let (_, app_proto) = place(&record.place);
    let crowd = record.crowd.as_ref();
    let reference = record.indicator.reference.as_str();
    let body = AlertBody {
        action: "allowed",
        gid: 1,
        signature_id: signature_id(&record.threat.key, &record.place),
        rev: 1,
        signature: format!("{}{}", record.threat.name.en, signature_end(record)),
        category: category(record.indicator.role),
        severity: severity_number(record.severity),
        references: Some(reference).filter(|r| !r.is_empty()).into_iter().collect(),
        metadata: metadata(record),
        context: Context {
            count: record.count,
            first_contact: clock.time(record.first),
            our_ip: record.host.address,
            peer_ip: record.peer.address,
            peer_port: record.peer.port,
            hosts: crowd.map(|crowd| crowd.hosts),
            indicators: crowd.map(|crowd| crowd.indicators),
            indicator_age_days: record.indicator.old_days,
            also: &record.also,
            explanation: record.explanation.as_ref(),
            weak_evidence: record.weakness.as_ref().map(|weakness| &weakness.why),
        },
    };
    AlertLine {
        envelope: Envelope::new("alert", record.time, &record.sighting, clock),
        alert: body,
        app_proto,
        direction: if record.to_server { "to_server" } else { "to_client" },
    }
}

/// What stands in a signature behind the name of the threat.
fn signature_end(record: &AlertRecord) -> String {
    format!(": {} in {}", record.indicator.kind, record.place)
}

/// Our own fields, arrays of strings as the schema wants them; what is not known is left out.
fn metadata(record: &AlertRecord) -> BTreeMap<&'static str, Vec<String>> {
    let AlertRecord { indicator, host, .. } = record;
    let date = |date: Option<Date>| date.map_or_else(String::new, |d| d.to_string());
    let weakness = record.weakness.as_ref().map(|weakness| weakness.kind.clone());
    let all = [
        ("threat", record.threat.key.clone()),
        ("malware_family", indicator.malware.clone()),
        ("indicator", indicator.text.clone()),
        ("indicator_type", indicator.kind.clone()),
        ("where", record.place.clone()),
        ("seen", record.seen.clone()),
        ("host_name", host.name.clone().unwrap_or_default()),
        ("host_mac", host.mac.clone().unwrap_or_default()),
        ("confidence", record.confidence.as_str().to_owned()),
        ("role", indicator.role.as_str().to_owned()),
        ("feed", indicator.feed.clone()),
        ("reference", indicator.reference.clone()),
        ("first_seen", date(indicator.first_seen)),
        ("last_seen", date(indicator.last_seen)),
        ("signature_severity", record.severity.as_str().to_owned()),
        ("weak_evidence", weakness.unwrap_or_default()),
    ];
    let mut all: BTreeMap<_, _> =
        all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(k, v)| (k, vec![v])).collect();
    if let Some(crowd) = &record.crowd {
        all.insert("crowd", vec![crowding(crowd.by)]);
        all.insert("crowd_hosts", crowd.first_hosts.iter().map(ToString::to_string).collect());
        all.insert("crowd_indicators", crowd.first_indicators.clone());
    }
    all
}

/// What the alerts that one record stands for have in common.
fn crowding(by: Crowding) -> String {
    match by {
        Crowding::Indicator => "indicator".into(),
        Crowding::Host => "host".into(),
        Crowding::Tunnel(sender) => format!("{TUNNEL}{sender}"),
        Crowding::Threat => "threat".into(),
        Crowding::All => "all".into(),
    }
}

/// Stands before the sender of a tunnel.
const TUNNEL: &str = "tunnel from ";
