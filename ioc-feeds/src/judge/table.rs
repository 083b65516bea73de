//! Rows with columns: which cells are indicators, what stands beside them, and values that were
//! broken over the lines of a cell.

use super::decide::{Candidate, decide};
use super::line::{self, Line, is_value, listed};
use super::{Column, Finding, Meant, columns, ports};
use crate::refang::refang;
use crate::{Confidence, Date, Reason, Role, Scope};

/// What a row says beside its indicators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Malware by name.
    pub malware: String,
    /// Threat key.
    pub threat: String,
    /// What it was used for.
    pub role: Option<Role>,
    /// With or without what is below.
    pub scope: Option<Scope>,
    /// How sure.
    pub confidence: Option<Confidence>,
    /// First seen.
    pub first_seen: Option<Date>,
    /// Last seen.
    pub last_seen: Option<Date>,
    /// Not to be used afterwards.
    pub expires: Option<Date>,
    /// Where it is reported.
    pub reference: String,
    /// A remark.
    pub note: String,
}

/// The columns of a table; one that is not known is none.
pub type Columns = Vec<Option<Column>>;

/// The columns of a row, if it is a heading: words for indicators, and no value itself.
pub fn header<'c>(cells: impl Iterator<Item = &'c str> + Clone) -> Option<Columns> {
    let columns: Columns = cells.clone().map(columns::of).collect();
    let telling = |column: &Column| {
        column.is_indicator() || matches!(column, Column::Hash | Column::FileName | Column::Mail)
    };
    let known = columns.iter().flatten().filter(|column| telling(column)).count();
    let values = cells.filter(|cell| is_value(&refang(&cell.replace('\n', "")).text, None)).count();
    (known > 0 && values == 0).then_some(columns)
}

/// The verdicts on one row under its columns, each with the place of its cell, from 0.
pub fn row(columns: &Columns, cells: &[&str], out: &mut dyn FnMut(usize, Finding)) -> Facts {
    let mut facts = facts(columns, cells);
    let at = |wanted: Column| {
        let place = columns.iter().position(|column| *column == Some(wanted))?;
        cells.get(place).copied()
    };
    let kind = at(Column::Kind).unwrap_or_default();
    if at(Column::ToIds).is_some_and(|cell| matches!(cell.trim(), "0" | "false" | "False" | "no")) {
        let reason = Reason::new("to_ids là 0: chỉ là bối cảnh", "to_ids is 0: context only");
        out(0, Finding::refused(&shown(columns, cells), reason));
        return facts;
    }
    let victim =
        at(Column::Compromised).is_some_and(|cell| cell.trim().eq_ignore_ascii_case("true"));
    let port = at(Column::Port).unwrap_or_default();
    for (place, (column, cell)) in columns.iter().zip(cells).enumerate() {
        let Some(column) = column.filter(|c| {
            c.is_indicator() || matches!(c, Column::Hash | Column::FileName | Column::Mail)
        }) else {
            continue;
        };
        let column = if column == Column::Value { of_kind(kind).unwrap_or(column) } else { column };
        if cell.trim().is_empty() || matches!(cell.trim(), "-" | "None" | "N/A" | "n/a") {
            continue;
        }
        for (text, note) in values(cell) {
            let text = match column {
                Column::Ip if !port.trim().is_empty() => with_port(&text, port),
                _ => text,
            };
            for finding in value(&text, column) {
                let finding = match (victim, &note) {
                    (true, _) => finding.doubted(Reason::new(
                        "trang của nạn nhân bị chiếm (is_compromised)",
                        "the site of a victim (is_compromised)",
                    )),
                    (false, Some(reason)) => finding.changed(reason.clone()),
                    (false, None) => finding,
                };
                out(place, finding);
            }
        }
    }
    if facts.role.is_none() && facts.note.to_lowercase().contains("phát tán") {
        facts.role = Some(Role::Delivery);
    }
    facts
}

/// The verdicts on one cell that its column calls an indicator.
pub fn value(text: &str, column: Column) -> Vec<Finding> {
    let typed = matches!(column, Column::UserAgent);
    if typed {
        let one = Candidate {
            written: text.into(),
            text: text.trim().into(),
            column: Some(column),
            listed: true,
            ..Candidate::default()
        };
        return decide(&one, Meant::Indicator);
    }
    match line::read(text) {
        Line::Items(items) => items
            .into_iter()
            .flat_map(|one| {
                let meant = if one.aside { Meant::Perhaps } else { Meant::Indicator };
                let one =
                    Candidate { column: one.column.or(Some(column)), listed: !one.aside, ..one };
                decide(&one, meant)
            })
            .collect(),
        Line::Not(reason) => vec![Finding::refused(text, reason)],
        Line::Blank => Vec::new(),
        Line::Text(items) if items.is_empty() => {
            decide(&listed(text, Some(column)), Meant::Indicator)
        }
        Line::Text(items) => items.iter().flat_map(|one| decide(one, Meant::Perhaps)).collect(),
    }
}

/// The verdicts on one cell of a table that has no heading for it.
pub fn unheaded(text: &str) -> Vec<Finding> {
    values(text)
        .into_iter()
        .flat_map(|(text, note)| {
            let items = match line::read(&text) {
                Line::Items(items) | Line::Text(items) => items,
                Line::Blank | Line::Not(_) => Vec::new(),
            };
            let judged = items.into_iter().flat_map(|one| decide(&one, Meant::Perhaps));
            judged
                .map(|finding| match &note {
                    Some(reason) => finding.changed(reason.clone()),
                    None => finding,
                })
                .collect::<Vec<_>>()
        })
        .filter(|finding| !finding.readings.is_empty() || super::is_digest(finding.written.trim()))
        .collect()
}

fn shown(columns: &Columns, cells: &[&str]) -> String {
    let place = columns.iter().position(|column| column.is_some_and(Column::is_indicator));
    place.and_then(|at| cells.get(at)).map_or_else(String::new, |cell| cell.trim().to_owned())
}

/// What a type column says of the value.
pub fn of_kind(kind: &str) -> Option<Column> {
    let kind = kind.trim().trim_start_matches("Intel::").to_lowercase();
    Some(match kind.as_str() {
        "ja3" | "ja3-fingerprint-md5" => Column::Ja3,
        "ja4" => Column::Ja4,
        "cert-sha1" | "x509-fingerprint-sha1" | "cert_hash" => Column::CertSha1,
        "user-agent" | "software" => Column::UserAgent,
        "hostname" => Column::Hostname,
        "domain" | "domain-name" | "fqdn" => Column::Domain,
        "file_name" | "filename" | "file-name" => Column::FileName,
        kind if kind.contains("hash")
            || kind.starts_with("md5")
            || kind.starts_with("sha")
            || kind.starts_with("filehash") =>
        {
            Column::Hash
        }
        "url" | "uri" => Column::Url,
        "ip" | "ipv4" | "ipv6" | "addr" | "ip-dst" | "ip-src" | "ip-dst|port" | "ip:port"
        | "subnet" => Column::Ip,
        "email" | "e-mail" | "email-addr" => Column::Mail,
        _ => return None,
    })
}

/// `198.51.100.7` of one column and `443` or `80, 443` of another.
fn with_port(text: &str, port: &str) -> String {
    let plain = refang(text).text;
    let bare = plain.trim().trim_matches(['[', ']']);
    let address = bare.parse::<std::net::IpAddr>();
    match (address, ports::ports(port)) {
        (Ok(address), Some(list)) if !list.is_empty() => {
            let list = list.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            match address.is_ipv4() {
                true => format!("{}:{list}", text.trim()),
                false => format!("[{address}]:{list}"),
            }
        }
        _ => text.to_owned(),
    }
}

/// The values of a cell, whose lines are either values or parts of one; with what was done where
/// lines were joined.
fn values(cell: &str) -> Vec<(String, Option<Reason>)> {
    let lines: Vec<&str> =
        cell.split('\n').map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut found: Vec<(String, Option<Reason>)> = Vec::new();
    for line in lines {
        match found.last_mut() {
            Some((value, note)) if !begins_anew(value, line) => {
                *note = Some(joined(value, line));
                value.push_str(line);
            }
            _ => found.push((line.to_owned(), None)),
        }
    }
    found
}

/// Is the next line of a cell a value of its own?
fn begins_anew(value: &str, next: &str) -> bool {
    let alone = |text: &str| {
        matches!(line::read(text), Line::Items(items)
        if items.iter().all(|one| is_value(&one.text, one.column)))
    };
    let words = |text: &str| text.contains(char::is_whitespace) && !alone(text);
    if words(value) || words(next) {
        return true;
    }
    let open = value.ends_with(['-', '[', '(', '/', '=', '&', '?', '_'])
        || next.starts_with(['-', '.', ']', ')', '/', '?', '&']);
    let defanged = |text: &str| refang(text).defanged;
    // A part that would be a name by itself, such as `load.sh`, is not defanged as the whole is.
    let part = defanged(value)
        && !defanged(next)
        && !next.contains("//")
        && next.parse::<std::net::IpAddr>().is_err();
    !open && !part && alone(value) && alone(next)
}

fn joined(value: &str, next: &str) -> Reason {
    let whole = refang(&format!("{value}{next}")).text;
    match value.strip_suffix('-') {
        Some(without) => {
            let other = refang(&format!("{without}{next}")).text;
            Reason::new(
                format!(
                    "các dòng của ô đã được nối lại, giữ dấu gạch nối: {whole} (nếu gạch nối chỉ để ngắt dòng thì là {other})"
                ),
                format!(
                    "lines of a cell are joined and the hyphen is kept: {whole} ({other}, if the hyphen only broke the line)"
                ),
            )
        }
        None => Reason::new(
            format!("các dòng của ô đã được nối lại: {whole}"),
            format!("lines of a cell are joined: {whole}"),
        ),
    }
}

/// What the other cells of a row say.
pub fn facts(columns: &Columns, cells: &[&str]) -> Facts {
    let mut facts = Facts::default();
    for (column, cell) in columns.iter().zip(cells) {
        let text = cell.trim().replace('\n', " ");
        if text.is_empty() || matches!(text.as_str(), "None" | "-" | "null") {
            continue;
        }
        match column {
            Some(Column::Malware) => facts.malware = text,
            Some(Column::Threat) => facts.threat = text,
            Some(Column::Role) => facts.role = role(&text),
            Some(Column::Scope) => facts.scope = Scope::parse(&text),
            Some(Column::Confidence) => facts.confidence = confidence(&text),
            Some(Column::FirstSeen) => facts.first_seen = date(&text),
            Some(Column::LastSeen) => facts.last_seen = date(&text),
            Some(Column::Expires) => facts.expires = date(&text),
            Some(Column::Reference) if text.contains("://") => facts.reference = text,
            Some(Column::Note) if facts.note.is_empty() => facts.note = text,
            _ => {}
        }
    }
    facts
}

/// A role in the words of this feed or of ThreatFox.
pub fn role(text: &str) -> Option<Role> {
    let text = text.trim().to_lowercase();
    Role::parse(&text).or(match text.as_str() {
        "botnet_cc" | "cc_skimming" | "c&c" => Some(Role::C2),
        "payload_delivery" | "payload" | "malware_download" => Some(Role::Delivery),
        _ => None,
    })
}

/// A confidence in words, or of a hundred.
pub fn confidence(text: &str) -> Option<Confidence> {
    let text = text.trim().to_lowercase();
    Confidence::parse(&text).or_else(|| match text.trim_end_matches('%').parse::<u32>() {
        Ok(80..) => Some(Confidence::High),
        Ok(50..) => Some(Confidence::Medium),
        Ok(_) => Some(Confidence::Low),
        Err(_) => match text.as_str() {
            "cao" => Some(Confidence::High),
            "trung bình" => Some(Confidence::Medium),
            "thấp" => Some(Confidence::Low),
            _ => None,
        },
    })
}

/// A day in the ways that exports and letters write it: `2026-09-01 04:12:55`, `01/09/2026`,
/// `20260901`, seconds since 1970.
pub fn date(text: &str) -> Option<Date> {
    let text = text.trim();
    let day = text.get(..10).unwrap_or(text);
    if let Ok(date) = Date::parse(day).or_else(|_| Date::parse(text)) {
        return Some(date);
    }
    let parts: Vec<&str> = day.split(['/', '.']).collect();
    if let [day, month, year] = parts.as_slice()
        && year.len() == 4
    {
        return Date::parse(&format!("{year}-{month:0>2}-{day:0>2}")).ok();
    }
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match (digits, text.len()) {
        (true, 8) => {
            let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
            Date::parse(&format!("{}-{}-{}", part(0, 4), part(4, 6), part(6, 8))).ok()
        }
        (true, 9..=10) => Date::of_seconds(text.parse().ok()?),
        _ => None,
    }
}
