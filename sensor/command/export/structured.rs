//! STIX 2.1 and MISP.

use std::io::{self, Write};

use ioc_feeds::{Confidence, Date, Host, Indicator, Pattern, Scope};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::Left;

/// The same value always has the same id (RFC 9562, version 5, a namespace of our own).
fn id(text: &str) -> String {
    let digest = Sha1::digest(format!("wardwatch.indicator:{text}"));
    let mut bytes = [0_u8; 16];
    bytes.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = (*version & 0x0f) | 0x50;
    *variant = (*variant & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// A moment of a day; a month counts from its first.
fn moment(date: Option<Date>, today: i64) -> String {
    let date = date.or_else(|| Date::of_seconds(today)).map(|d| Date { day: d.day.max(1), ..d });
    format!("{}T00:00:00.000Z", date.map(|date| date.to_string()).unwrap_or_default())
}

/// The pattern of section 9; none of what STIX has no word for.
fn pattern(pattern: &Pattern) -> Option<String> {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
    let family = |ip: &std::net::IpAddr| if ip.is_ipv4() { "ipv4-addr" } else { "ipv6-addr" };
    Some(match pattern {
        Pattern::Domain { name, .. } => format!("[domain-name:value = '{name}']"),
        Pattern::Ip(ip) => format!("[{}:value = '{ip}']", family(ip)),
        Pattern::Cidr(ip, prefix) => format!("[{}:value ISSUBSET '{ip}/{prefix}']", family(ip)),
        Pattern::IpPort(ip, port) => format!(
            "[network-traffic:dst_ref.type = '{}' AND network-traffic:dst_ref.value = '{ip}' AND network-traffic:dst_port = {port}]",
            family(ip)
        ),
        Pattern::Url { .. } => format!("[url:value = 'http://{}']", quoted(&pattern.text())),
        Pattern::UserAgent(text) => format!(
            "[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = '{}']",
            quoted(text)
        ),
        Pattern::CertSha1(digest) => format!("[x509-certificate:hashes.'SHA-1' = '{digest}']"),
        Pattern::Path(_) | Pattern::Ja3(_) | Pattern::Ja4(_) | Pattern::Behaviour(_) => {
            return None;
        }
    })
}

const fn of_hundred(confidence: Confidence) -> u8 {
    match confidence {
        Confidence::High => 85,
        Confidence::Medium => 60,
        Confidence::Low => 30,
    }
}

/// A bundle of indicators.
pub(super) fn stix(rows: &[Indicator], today: i64, out: &mut Vec<u8>) -> io::Result<Left> {
    let mut left = Left::new();
    let mut objects = Vec::new();
    for row in rows {
        let Some(pattern) = pattern(&row.pattern) else {
            *left.entry(row.pattern.kind()).or_default() += 1;
            continue;
        };
        let first = moment(row.first_seen, today);
        let mut object = json!({
            "type": "indicator",
            "spec_version": "2.1",
            "id": format!("indicator--{}", id(&pattern)),
            "created": first,
            "modified": moment(row.last_seen.or(row.first_seen), today),
            "name": if row.malware.is_empty() { row.threat.to_string() } else { row.malware.to_string() },
            "indicator_types": ["malicious-activity"],
            "pattern": pattern,
            "pattern_type": "stix",
            "pattern_version": "2.1",
            "valid_from": first,
            "confidence": of_hundred(row.confidence),
            "labels": [&*row.threat, row.role.as_str()],
        });
        let expires = row.expires.filter(|day| row.first_seen.is_none_or(|first| *day > first));
        if let (Some(day), Some(map)) = (expires, object.as_object_mut()) {
            map.insert("valid_until".into(), moment(Some(day), today).into());
        }
        if let (true, Some(map)) = (row.reference.contains("://"), object.as_object_mut()) {
            let link = json!([{ "source_name": &*row.feed, "url": &*row.reference }]);
            map.insert("external_references".into(), link);
        }
        objects.push(object);
    }
    let bundle = json!({ "type": "bundle", "id": format!("bundle--{}", id(&objects.len().to_string())), "objects": objects });
    pretty(&bundle, out).map(|()| left)
}

fn pretty(value: &Value, out: &mut Vec<u8>) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    out.write_all(b"\n")
}

/// One event with an attribute each.
pub(super) fn misp(rows: &[Indicator], today: i64, out: &mut Vec<u8>) -> io::Result<Left> {
    let mut left = Left::new();
    let mut attributes = Vec::new();
    for row in rows {
        let (kind, value) = match &row.pattern {
            Pattern::Domain { name, scope: Scope::Subtree } => ("domain", name.to_string()),
            Pattern::Domain { name, scope: Scope::Exact } => ("hostname", name.to_string()),
            Pattern::Ip(ip) => ("ip-dst", ip.to_string()),
            Pattern::Cidr(ip, prefix) => ("ip-dst", format!("{ip}/{prefix}")),
            Pattern::IpPort(ip, port) => ("ip-dst|port", format!("{ip}|{port}")),
            Pattern::Url { host: Host::Name(_) | Host::Address(_), .. } => {
                ("url", format!("http://{}", row.pattern.text()))
            }
            Pattern::UserAgent(text) => ("user-agent", text.clone()),
            Pattern::Ja3(digest) => ("ja3-fingerprint-md5", digest.clone()),
            Pattern::CertSha1(digest) => ("x509-fingerprint-sha1", digest.clone()),
            _ => {
                *left.entry(row.pattern.kind()).or_default() += 1;
                continue;
            }
        };
        let mut attribute = json!({
            "uuid": id(&format!("{kind} {value}")),
            "type": kind,
            "category": "Network activity",
            "to_ids": true,
            "value": value,
            "comment": if row.malware.is_empty() { row.threat.to_string() } else { row.malware.to_string() },
        });
        for (field, date) in [("first_seen", row.first_seen), ("last_seen", row.last_seen)] {
            if let (Some(date), Some(map)) = (date, attribute.as_object_mut()) {
                map.insert(field.into(), moment(Some(date), today).into());
            }
        }
        attributes.push(attribute);
    }
    let day = Date::of_seconds(today).map(|date| date.to_string()).unwrap_or_default();
    let event = json!({ "Event": {
        "uuid": id(&format!("event {}", attributes.len())),
        "info": "wardwatch export",
        "date": day,
        "threat_level_id": "2",
        "analysis": "2",
        "published": false,
        "Attribute": attributes,
    }});
    pretty(&event, out).map(|()| left)
}
