//! Bundles of STIX 2 and envelopes of TAXII: the newest version of each indicator that is not
//! revoked, with the malware it is said to indicate.

use std::collections::HashMap;

use ioc_feeds::Reason;
use ioc_feeds::handover::{Place, number};
use ioc_feeds::judge::Column;
use ioc_feeds::judge::table::{self, Facts};
use serde_json::Value;

use crate::Out;
use crate::json::text;
use crate::stix_pattern::{self, Compared};

/// Is it a bundle?
pub(crate) fn is_bundle(value: &Value) -> bool {
    text(value, "type") == Some("bundle")
}

/// The objects of a bundle or envelope; of an object itself that one.
pub(crate) fn objects(value: &Value) -> Vec<&Value> {
    match value.get("objects").and_then(Value::as_array) {
        Some(list) => list.iter().collect(),
        None => vec![value],
    }
}

/// Reads the indicators among objects.
pub(crate) fn read(objects: &[&Value], place: &Place, out: &mut Out<'_>) {
    let mut newest: HashMap<&str, &str> = HashMap::new();
    let mut names: HashMap<&str, &str> = HashMap::new();
    for object in objects {
        let (Some(id), kind) = (text(object, "id"), text(object, "type").unwrap_or_default())
        else {
            continue;
        };
        let modified = text(object, "modified").unwrap_or_default();
        let seen = newest.entry(id).or_insert(modified);
        *seen = (*seen).max(modified);
        if matches!(kind, "malware" | "tool" | "intrusion-set" | "campaign" | "threat-actor") {
            names.insert(id, text(object, "name").unwrap_or_default());
        }
    }
    let mut indicated: HashMap<&str, &str> = HashMap::new();
    for object in objects.iter().filter(|object| text(object, "type") == Some("relationship")) {
        if let (Some(source), Some(name)) = (
            text(object, "source_ref"),
            text(object, "target_ref").and_then(|target| names.get(target)),
        ) {
            indicated.insert(source, name);
        }
    }
    let mut observed = 0;
    for (at, object) in objects.iter().enumerate() {
        let place = Place { line: number(at), ..place.clone() };
        match text(object, "type") {
            Some("indicator") => {
                let id = text(object, "id").unwrap_or_default();
                let old = newest
                    .get(id)
                    .is_some_and(|newest| *newest > text(object, "modified").unwrap_or_default());
                if old {
                    out.refused(
                        place,
                        id,
                        Reason::new("đã có bản mới hơn trong tệp", "the file has a newer version"),
                    );
                } else {
                    indicator(object, indicated.get(id).copied().unwrap_or_default(), &place, out);
                }
            }
            Some("domain-name" | "ipv4-addr" | "ipv6-addr" | "url") => observed += 1,
            _ => {}
        }
    }
    if observed > 0 {
        out.note(
            place.clone(),
            format!("{observed} đối tượng chỉ được quan sát, không phải chỉ dấu"),
            format!("{observed} objects were only observed, which makes no indicator"),
        );
    }
}

fn indicator(object: &Value, malware: &str, place: &Place, out: &mut Out<'_>) {
    let pattern = text(object, "pattern").unwrap_or_default();
    let shown = text(object, "name").unwrap_or(pattern);
    if object.get("revoked").and_then(Value::as_bool) == Some(true) {
        return out.refused(
            place.clone(),
            shown,
            Reason::new("đã bị thu hồi (revoked)", "it is revoked"),
        );
    }
    let kind = text(object, "pattern_type").unwrap_or("stix");
    if kind != "stix" {
        return out.refused(
            place.clone(),
            shown,
            Reason::new(
                format!("mẫu kiểu {kind}: không phải STIX"),
                format!("a pattern of type {kind}, not STIX"),
            ),
        );
    }
    let facts = facts(object, malware);
    match stix_pattern::read(pattern) {
        Ok(values) => values.iter().for_each(|one| compared(one, &facts, place, out)),
        Err(word) => out.refused(
            place.clone(),
            pattern,
            Reason::new(
                format!("mẫu STIX dùng {word}: không so sánh được"),
                format!("the STIX pattern uses {word}, which cannot be compared"),
            ),
        ),
    }
}

fn compared(one: &Compared, facts: &Facts, place: &Place, out: &mut Out<'_>) {
    let column = if one.column == Column::Value { Column::Ip } else { one.column };
    for finding in table::value(&one.value, column) {
        let finding = match one.port_lost {
            true => finding.changed(Reason::new(
                "đã bỏ cổng: tên miền trùng ở mọi cổng",
                "the port is left out: a name matches on every port",
            )),
            false => finding,
        };
        out.finding(place.clone(), &finding, facts);
    }
}

fn facts(object: &Value, malware: &str) -> Facts {
    let date = |field: &str| text(object, field).and_then(table::date);
    let references = object.get("external_references").and_then(Value::as_array);
    let reference = references.into_iter().flatten().find_map(|one| text(one, "url"));
    let confidence = object.get("confidence").and_then(Value::as_u64);
    Facts {
        malware: malware.to_owned(),
        confidence: confidence.and_then(|of_hundred| table::confidence(&of_hundred.to_string())),
        first_seen: date("valid_from").or_else(|| date("created")),
        expires: date("valid_until"),
        reference: reference.unwrap_or_default().to_owned(),
        note: text(object, "name").unwrap_or_default().to_owned(),
        ..Facts::default()
    }
}
