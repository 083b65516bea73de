//! The lines of a summary, none wider than a terminal: what does not fit is cut in a row, and goes
//! to the next line in a text.

use std::fmt::Write;

use ioc_feeds::threat::Severity;
use wardwatch_record::alert::Weakness;

use super::{Machine, Row, Who};
use crate::lang::{self, Language, Phrase};
use crate::sink::escape;
use crate::sink::text::LineFormat;

/// Columns of a line.
const WIDTH: usize = 100;
/// Those of a host's name, and of its addresses (a whole IPv6 address has 39).
const NAME: usize = 20;
const ADDRESSES: usize = 42;

/// A row for a machine, and one below it for each of its threats.
pub(super) fn machine(format: &LineFormat, machine: &Machine<'_>, out: &mut String) {
    let language = format.language;
    let worst = machine.threats.first().map(|(_, row)| lang::severity(language, row.severity));
    // As wide as the widest of the language.
    let width = if language == Language::Vi { 12 } else { 8 };
    let name = machine.about.iter().find_map(|about| about.name.as_deref()).unwrap_or("-");
    let mac = machine.about.iter().find_map(|about| about.mac.as_deref());
    let mac = mac.map_or_else(String::new, |mac| format!("  ({mac})"));
    let line = format!(
        "  {:width$}  {}  {}{mac}",
        worst.unwrap_or_default(),
        cut(&escape::field(name), NAME),
        addresses(language, machine),
    );
    let _ = writeln!(out, "{}", cut(&line, WIDTH));
    for (key, row) in &machine.threats {
        let threat = format.threats.get(key).name.in_language(language);
        let rest = contacts(format, row);
        let room = WIDTH.saturating_sub(6 + rest.chars().count());
        let _ = writeln!(out, "      {}{rest}", cut(&escape::field(threat), room));
    }
}

/// The addresses of a machine, as many as fit; of many machines, how many and the first.
fn addresses(language: Language, machine: &Machine<'_>) -> String {
    if let Some(crowd) = machine.about.iter().find_map(|about| about.many.as_ref()) {
        return lang::crowd_hosts(language, crowd, 2);
    }
    let mut shown = String::new();
    let hosts = machine.who.iter().filter_map(|who| match who {
        Who::Host(address) => Some(address.to_string()),
        Who::Many(..) => None,
    });
    let hosts: Vec<String> = hosts.collect();
    for (place, host) in hosts.iter().enumerate() {
        let left = hosts.len() - place;
        if place > 0 && shown.len() + host.len() + 2 > ADDRESSES - 4 {
            let _ = write!(shown, " +{left}");
            break;
        }
        shown += if place > 0 { ", " } else { "" };
        shown += host;
    }
    shown
}

/// `: 3 contacts, 18/06/2024 09:00:00 - 09:00:50`.
fn contacts(format: &LineFormat, row: &Row) -> String {
    let (first, last) = (format.clock.short(row.first), format.clock.short(row.last));
    let day = |time: &str| time.split(' ').next().unwrap_or_default().to_owned();
    let span = match (first == last, day(&first) == day(&last)) {
        (true, _) => first,
        (false, true) => format!("{first} - {}", last.split(' ').nth(1).unwrap_or_default()),
        // To the minute: with seconds the name of a threat would not fit beside two days.
        (false, false) => {
            let minute = |time: &str| time.get(..16).unwrap_or(time).to_owned();
            format!("{} - {}", minute(&first), minute(&last))
        }
    };
    format!(": {}, {span}", lang::contacts(format.language, row.count()))
}

/// What happened and what to do, for one threat.
pub(super) fn advice(
    format: &LineFormat,
    (key, severity): (&str, Severity),
    weak: Option<&Weakness>,
    out: &mut String,
) {
    let language = format.language;
    let threat = format.threats.get(key);
    let _ = writeln!(out, "\n{}", cut(&escape::field(threat.name.in_language(language)), WIDTH));
    wrapped("  ", threat.happened.in_language(language), out);
    let _ = writeln!(out, "  {}:", lang::phrase(language, Phrase::WhatToDo));
    if let Some(weakness) = weak {
        wrapped("  1. ", weakness.check.in_language(language), out);
        return;
    }
    let contacts = &format.threats.contacts;
    if !threat.acts_at(severity) {
        let step = lang::look_first(language, severity, &contacts.chain(language));
        wrapped("  1. ", &step, out);
        return;
    }
    for (n, step) in threat.advice(language, contacts).iter().enumerate() {
        wrapped(&format!("  {}. ", n + 1), step, out);
    }
}

/// A text in lines of [`WIDTH`], the first behind `head`, the others below its end.
fn wrapped(head: &str, text: &str, out: &mut String) {
    let indent = head.chars().count();
    let mut line = head.to_owned();
    let mut used = indent;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > indent && used + 1 + length > WIDTH {
            let _ = writeln!(out, "{line}");
            line = " ".repeat(indent);
            used = indent;
        }
        if used > indent {
            line.push(' ');
            used += 1;
        }
        line += word;
        used += length;
    }
    let _ = writeln!(out, "{line}");
}

/// At most so many characters, with a mark where some are missing.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_on_below_its_beginning_and_no_line_is_too_wide() {
        let mut out = String::new();
        wrapped("  1. ", &"từ ".repeat(90), &mut out);
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{out}");
        assert!(lines[1].starts_with("     từ"), "{out}");
    }

    #[test]
    fn what_is_too_long_for_a_row_is_cut_and_marked() {
        assert_eq!(cut("PC-KETOAN", 20), "PC-KETOAN");
        assert_eq!(cut(&"ă".repeat(30), 4), "ăăă…");
    }
}
