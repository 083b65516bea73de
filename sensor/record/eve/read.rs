//! An EVE line of ours back into a record: of the words for people only what stands in EVE.

use std::collections::HashMap;
use std::net::IpAddr;

use ioc_feeds::threat::Severity;
use ioc_feeds::{Confidence, Date, Role};
use serde::Deserialize;

use super::{TUNNEL, signature_end};
use crate::alert::{Crowd, Crowding, End, Host, Indicator, Sighting, Threat, Weakness};
use crate::{AlertRecord, FORM, Message, Time};

/// A line that is no alert of ours.
#[derive(Debug, thiserror::Error)]
pub enum NotAnAlert {
    /// No JSON, or without what every alert of ours has.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A record of another type.
    #[error("it is a record of type {0}")]
    Type(String),
    /// A field that does not say what it should.
    #[error("its {0} cannot be read")]
    Field(&'static str),
}

#[derive(Deserialize)]
struct Line {
    timestamp: String,
    event_type: String,
    #[serde(flatten)]
    sighting: Sighting,
    alert: Body,
    direction: String,
}

#[derive(Deserialize)]
struct Body {
    signature: String,
    metadata: HashMap<String, Vec<String>>,
    context: Context,
}

#[derive(Deserialize)]
struct Context {
    count: u64,
    first_contact: String,
    our_ip: IpAddr,
    peer_ip: IpAddr,
    peer_port: u16,
    hosts: Option<u64>,
    indicators: Option<u64>,
    indicator_age_days: Option<i64>,
    #[serde(default)]
    also: Vec<String>,
    explanation: Option<Message>,
    weak_evidence: Option<Message>,
}

/// Reads an `alert` record that a sensor wrote.
///
/// # Errors
/// [`NotAnAlert`].
pub fn read(line: &[u8]) -> Result<AlertRecord, NotAnAlert> {
    let Line { timestamp, event_type, sighting, alert, direction } =
        match serde_json::from_slice(line) {
            Ok(line) => line,
            Err(error) => return Err(another_type(line).unwrap_or(NotAnAlert::Json(error))),
        };
    if event_type != "alert" {
        return Err(NotAnAlert::Type(event_type));
    }
    let Body { signature, mut metadata, context } = alert;
    let mut one = |name: &str| metadata.remove(name).and_then(|all| all.into_iter().next());
    let date = |text: Option<String>| text.and_then(|text| Date::parse(&text).ok());
    let indicator = Indicator {
        text: one("indicator").unwrap_or_default(),
        kind: one("indicator_type").unwrap_or_default(),
        malware: one("malware_family").unwrap_or_default(),
        role: one("role").and_then(|word| Role::parse(&word)).unwrap_or(Role::Unknown),
        feed: one("feed").unwrap_or_default(),
        reference: one("reference").unwrap_or_default(),
        first_seen: date(one("first_seen")),
        last_seen: date(one("last_seen")),
        old_days: context.indicator_age_days,
    };
    let peer = End { address: context.peer_ip, port: context.peer_port };
    let is_sender =
        peer == End { address: sighting.dest_ip, port: sighting.dest_port.unwrap_or(0) };
    let own_port = if is_sender { sighting.src_port } else { sighting.dest_port };
    let host = Host {
        address: context.our_ip,
        port: own_port.unwrap_or(0),
        name: one("host_name"),
        mac: one("host_mac"),
    };
    let weakness = one("weak_evidence").zip(context.weak_evidence);
    let first = time(&context.first_contact).ok_or(NotAnAlert::Field("first_contact"))?;
    let severity = one("signature_severity").and_then(|word| severity(&word));
    let mut record = AlertRecord {
        form: FORM,
        time: time(&timestamp).ok_or(NotAnAlert::Field("timestamp"))?,
        severity: severity.ok_or(NotAnAlert::Field("signature_severity"))?,
        threat: Threat { key: one("threat").unwrap_or_default(), name: Message::default() },
        host,
        peer,
        place: one("where").unwrap_or_default(),
        seen: one("seen").unwrap_or_default(),
        explanation: context.explanation,
        action: Message::default(),
        count: context.count,
        first,
        opened: first,
        indicator,
        confidence: one("confidence").and_then(|word| Confidence::parse(&word)).unwrap_or_default(),
        also: context.also,
        weakness: weakness.map(|(kind, why)| Weakness { kind, why, check: Message::default() }),
        crowd: crowd(&mut metadata, context.hosts.zip(context.indicators)),
        to_server: direction == "to_server",
        sighting,
    };
    let name = signature.strip_suffix(&signature_end(&record)).unwrap_or(&signature);
    record.threat.name = Message::new(name, name);
    Ok(record)
}

/// What it is instead, if it is a record at all.
fn another_type(line: &[u8]) -> Option<NotAnAlert> {
    #[derive(Deserialize)]
    struct Typed {
        event_type: String,
    }
    let Typed { event_type } = serde_json::from_slice(line).ok()?;
    (event_type != "alert").then_some(NotAnAlert::Type(event_type))
}

fn crowd(
    metadata: &mut HashMap<String, Vec<String>>,
    numbers: Option<(u64, u64)>,
) -> Option<Crowd> {
    let (hosts, indicators) = numbers?;
    let by = metadata.remove("crowd")?.into_iter().next()?;
    let by = match by.as_str() {
        "indicator" => Crowding::Indicator,
        "host" => Crowding::Host,
        "threat" => Crowding::Threat,
        text => match text.strip_prefix(TUNNEL).map(str::parse) {
            Some(Ok(sender)) => Crowding::Tunnel(sender),
            _ => Crowding::All,
        },
    };
    let first_hosts = metadata.remove("crowd_hosts").unwrap_or_default();
    let first_hosts = first_hosts.iter().filter_map(|host| host.parse().ok()).collect();
    let first_indicators = metadata.remove("crowd_indicators").unwrap_or_default();
    Some(Crowd { by, group: String::new(), hosts, indicators, first_hosts, first_indicators })
}

fn severity(word: &str) -> Option<Severity> {
    let all = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    all.into_iter().find(|severity| severity.as_str() == word)
}

fn time(text: &str) -> Option<Time> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(Time(time.as_microsecond()))
}
