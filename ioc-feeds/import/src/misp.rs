//! Events and searches of MISP: attributes that may be used for detection, with the tags of their
//! event.

use ioc_feeds::Reason;
use ioc_feeds::handover::{Place, number};
use ioc_feeds::judge::Column;
use ioc_feeds::judge::table::{self, Facts};
use serde_json::Value;

use crate::Out;
use crate::json::text;

/// Is it an event, a list of events, or the answer of a search?
pub(crate) fn is_event(value: &Value) -> bool {
    let holds = |value: &Value| {
        value.get("Event").is_some() || value.get("Attribute").is_some_and(Value::is_array)
    };
    match value {
        Value::Array(list) => list.first().is_some_and(holds),
        _ => holds(value) || value.get("response").is_some_and(is_event_list),
    }
}

fn is_event_list(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.first().is_some_and(|one| one.get("Event").is_some()),
        other => other.get("Attribute").is_some_and(Value::is_array),
    }
}

/// Reads every attribute.
pub(crate) fn read(value: &Value, place: &Place, out: &mut Out<'_>) {
    let whole = value.get("response").unwrap_or(value);
    let events: Vec<&Value> = match whole {
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    };
    let mut at = 0;
    for outer in events {
        let event = outer.get("Event").unwrap_or(outer);
        let facts = facts(event);
        let of = |value: &'_ Value| {
            value.get("Attribute").and_then(Value::as_array).cloned().unwrap_or_default()
        };
        let objects = event.get("Object").and_then(Value::as_array);
        let nested = objects.into_iter().flatten().flat_map(of);
        for attribute in of(event).into_iter().chain(nested) {
            let place = Place { line: number(at), ..place.clone() };
            at += 1;
            one(&attribute, &facts, &place, out);
        }
    }
}

/// What the event says of all its attributes.
fn facts(event: &Value) -> Facts {
    let tags = event.get("Tag").and_then(Value::as_array);
    let names = tags.into_iter().flatten().filter_map(|tag| text(tag, "name"));
    let galaxy = |kind: &str| {
        let start = format!("misp-galaxy:{kind}=\"");
        names
            .clone()
            .find_map(|name| name.strip_prefix(&start)?.strip_suffix('"').map(str::to_owned))
    };
    let malware = galaxy("malpedia").or_else(|| galaxy("tool")).or_else(|| galaxy("threat-actor"));
    Facts {
        malware: malware.unwrap_or_default(),
        first_seen: text(event, "date").and_then(table::date),
        note: text(event, "info").unwrap_or_default().to_owned(),
        ..Facts::default()
    }
}

fn is_true(value: Option<&Value>) -> bool {
    value.is_some_and(|flag| flag == true || flag == 1 || flag == "1" || flag == "true")
}

fn one(attribute: &Value, facts: &Facts, place: &Place, out: &mut Out<'_>) {
    let kind = text(attribute, "type").unwrap_or_default();
    let value = text(attribute, "value").unwrap_or_default();
    let refuse = |out: &mut Out<'_>, vi: &str, en: &str| {
        out.refused(place.clone(), value, Reason::new(vi, en))
    };
    if is_true(attribute.get("deleted")) {
        return refuse(out, "đã bị xóa (deleted)", "it is deleted");
    }
    // An attribute without the flag is one of a minimal event: it is meant.
    if attribute.get("to_ids").is_some() && !is_true(attribute.get("to_ids")) {
        return refuse(out, "to_ids là false: chỉ là bối cảnh", "to_ids is false: context only");
    }
    if attribute.get("warnings").and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
        return refuse(out, "nằm trong danh sách cảnh báo (warninglist)", "a warning list has it");
    }
    let mut facts = facts.clone();
    let date = |field: &str| text(attribute, field).and_then(table::date);
    facts.first_seen = date("first_seen").or(facts.first_seen);
    facts.last_seen = date("last_seen").or_else(|| date("timestamp"));
    if let Some(comment) = text(attribute, "comment").filter(|comment| !comment.trim().is_empty()) {
        comment.clone_into(&mut facts.note);
    }
    let parts: Vec<(&str, Column)> = match kind {
        "domain" => vec![(value, Column::Domain)],
        "hostname" => vec![(value, Column::Hostname)],
        "ip-dst" | "ip-src" | "ip-dst|port" | "ip-src|port" => vec![(value, Column::Ip)],
        "hostname|port" => vec![(value.split('|').next().unwrap_or(value), Column::Hostname)],
        "domain|ip" => value.split('|').map(|part| (part, Column::Value)).collect(),
        "url" | "uri" | "link" => vec![(value, Column::Url)],
        "user-agent" => vec![(value, Column::UserAgent)],
        "ja3-fingerprint-md5" => vec![(value, Column::Ja3)],
        "x509-fingerprint-sha1" => vec![(value, Column::CertSha1)],
        kind if ["md5", "sha1", "sha256", "sha512", "ssdeep", "imphash"]
            .iter()
            .any(|hash| kind.contains(hash)) =>
        {
            vec![(value, Column::Hash)]
        }
        _ => {
            return refuse(
                out,
                &format!("loại {kind}: không nhìn thấy được trên đường truyền"),
                &format!("type {kind}: not visible on the wire"),
            );
        }
    };
    for (part, column) in parts {
        for finding in table::value(part, column) {
            out.finding(place.clone(), &finding, &facts);
        }
    }
}
