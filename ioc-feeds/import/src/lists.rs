//! Lists of lines: plain ones, Maltrail's trails with their references, Suricata's datasets, and
//! the names by which their syntaxes are known.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ioc_feeds::Reason;
use ioc_feeds::handover::{Place, number};
use ioc_feeds::judge::table::Facts;
use ioc_feeds::judge::{Column, line, table};

use crate::detect::Told;
use crate::{Out, Refusal, prose};

/// What a list of lines is, by the syntax that most of its lines have.
pub(crate) fn name(text: &str) -> (&'static str, &'static str) {
    let lines: Vec<&str> = text
        .lines()
        .map(|line| crate::detect::clipped(line).trim())
        .filter(|l| !l.is_empty())
        .take(200)
        .collect();
    let share = |test: &dyn Fn(&str) -> bool| {
        lines.iter().filter(|line| test(line)).count() * 2 > lines.len()
    };
    if share(&|line| line.starts_with("||") || line.starts_with('!') || line.starts_with("*://")) {
        ("danh sách chặn quảng cáo (adblock)", "an adblock list")
    } else if share(&|line| {
        line.starts_with("0.0.0.0") || line.starts_with("127.0.0.1") || line.starts_with("::")
    }) {
        ("tệp hosts", "a hosts file")
    } else if share(&|line| line.contains(" CNAME ")) {
        ("vùng rpz", "a response policy zone (rpz)")
    } else if share(&|line| {
        line.starts_with("server=/") || line.starts_with("address=/") || line.starts_with("local=/")
    }) {
        ("cấu hình dnsmasq", "a dnsmasq configuration")
    } else if share(&|line| line.starts_with("local-zone:") || line.starts_with("local-data:")) {
        ("cấu hình unbound", "an unbound configuration")
    } else if is_maltrail(&lines) {
        ("danh sách của Maltrail", "trails of Maltrail")
    } else {
        ("văn bản", "text")
    }
}

fn is_maltrail(lines: &[&str]) -> bool {
    let remarks = ["# Reference:", "# Aliases:", "# Generic trails", "# Copyright (c) 2014"];
    lines.iter().any(|line| remarks.iter().any(|remark| line.starts_with(remark)))
}

/// Reads a list of lines.
pub(crate) fn read(text: &str, out: &mut Out<'_>) {
    let head: Vec<&str> = text.lines().take(200).collect();
    if is_maltrail(&head) { maltrail(text, out) } else { prose::numbered(text, out) }
}

/// Blocks of trails, each under the reports they come from.
fn maltrail(text: &str, out: &mut Out<'_>) {
    let mut facts = Facts::default();
    let mut fresh = true;
    for (at, text) in text.lines().map(str::trim).enumerate() {
        let place = Place { line: number(at), ..Place::default() };
        if let Some(remark) = text.strip_prefix('#') {
            if !fresh {
                facts.reference.clear();
                fresh = true;
            }
            if let Some((label, rest)) = remark.trim().split_once(':')
                && label.to_lowercase().starts_with("refer")
                && facts.reference.is_empty()
            {
                facts.reference = rest
                    .split_whitespace()
                    .find(|w| w.contains("://"))
                    .unwrap_or_default()
                    .to_owned();
            }
            continue;
        }
        fresh = false;
        // `http://198.51.100.7` is any contact in clear HTTP with it: the address itself.
        let bare =
            text.strip_prefix("http://").filter(|rest| rest.parse::<std::net::IpAddr>().is_ok());
        for finding in line::judge(bare.unwrap_or(text)) {
            out.finding(place.clone(), &finding, &facts);
        }
    }
}

/// Does each line decode from base64 to something like a value?
pub(crate) fn looks_like_dataset(lines: &[&str]) -> bool {
    let rows: Vec<&&str> = lines.iter().filter(|line| !line.starts_with('#')).collect();
    !rows.is_empty() && rows.iter().all(|line| decoded(line).is_some())
}

/// The value of a line of a dataset, and the score behind it.
fn decoded(line: &str) -> Option<String> {
    let coded = line.split(',').next()?.trim();
    if coded.len() < 8 || coded.contains('.') {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(coded).ok()?).ok()?;
    let printable = text.chars().all(|c| !c.is_control() && !c.is_whitespace());
    (printable && text.contains('.')).then_some(text)
}

/// Reads a dataset of type string.
pub(crate) fn dataset(text: &str, told: &Told, out: &mut Out<'_>) -> Result<(), Refusal> {
    told.tell("bộ dữ liệu Suricata (base64)", "a Suricata dataset (base64)", out);
    for (at, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = Place { line: number(at), ..Place::default() };
        match decoded(line) {
            Some(value) => {
                for finding in table::value(&value, Column::Value) {
                    out.finding(place.clone(), &finding, &Facts::default());
                }
            }
            None => out.refused(
                place,
                line,
                Reason::new("không phải base64 của một tên", "is no base64 of a name"),
            ),
        }
    }
    Ok(())
}
