//! The table at the end of a scan: per threat and host of ours, how many contacts, first and
//! last; then what happened and what to do, once a threat.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::io;

use super::text::LineFormat;
use super::{Sink, escape};
use crate::alert::throttle::FoldKey;
use crate::alert::{Crowd, Crowding};
use crate::enrich::FullAlert;
use crate::lang::{self, Phrase};
use crate::matching::severity::Weakness;
use crate::net::{Address, Mac, Timestamp};

/// Whose contacts a row has: of one host, or of too many to say each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Host(Address),
    Many(Crowding),
}

/// Contacts of one host, or of many in one line, with one threat.
#[derive(Debug)]
struct Row {
    mac: Option<Mac>,
    /// The hosts, as last told.
    many: Option<Box<Crowd>>,
    /// Contacts by what was folded together: a later alert of the same replaces the count.
    contacts: HashMap<(FoldKey, Timestamp), u64>,
    first: Timestamp,
    last: Timestamp,
}

/// Gathers what the alerts of a scan amount to.
#[derive(Debug, Default)]
pub struct Summary {
    rows: BTreeMap<(String, Who), Row>,
    /// Threats of which all evidence is weak, and why: nobody is told to unplug anything for it.
    weak: HashMap<String, Option<Weakness>>,
}

impl Summary {
    /// A summary of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Was there no alert?
    pub fn is_clean(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table and the advice, as text that ends with a line end.
    pub fn render(&self, format: &LineFormat) -> String {
        let language = format.language;
        let word = |phrase| lang::phrase(language, phrase);
        if self.is_clean() {
            return format!("{}\n", word(Phrase::Clean));
        }
        let columns = [Phrase::Threat, Phrase::Host, Phrase::Contacts, Phrase::First, Phrase::Last];
        let mut table = vec![columns.map(|phrase| word(phrase).to_owned())];
        for ((threat, who), row) in &self.rows {
            let host = match (who, &row.many) {
                (_, Some(crowd)) => lang::crowd_hosts(language, crowd, 2),
                (Who::Host(host), None) => host.to_string(),
                (Who::Many(_), None) => String::new(),
            };
            let name = format.threats.get(threat).name.in_language(language).to_owned();
            let mac = row.mac.map_or_else(String::new, |mac| format!(" ({mac})"));
            table.push([
                name,
                format!("{host}{mac}"),
                row.contacts.values().sum::<u64>().to_string(),
                format.clock.short(row.first),
                format.clock.short(row.last),
            ]);
        }
        let mut out = format!("{}\n{}", word(Phrase::Summary), align(&table));
        self.advice(format, &mut out);
        out
    }

    fn advice(&self, format: &LineFormat, out: &mut String) {
        let language = format.language;
        let mut threats: Vec<&str> = self.rows.keys().map(|(threat, _)| threat.as_str()).collect();
        threats.dedup();
        for key in threats {
            let threat = format.threats.get(key);
            let name = threat.name.in_language(language);
            let happened = threat.happened.in_language(language);
            let _ = writeln!(out, "\n{name}\n  {happened}");
            let _ = writeln!(out, "  {}:", lang::phrase(language, Phrase::WhatToDo));
            if let Some(Some(weakness)) = self.weak.get(key) {
                let _ = writeln!(out, "  1. {}", lang::check_first(language, *weakness));
                continue;
            }
            for (n, step) in threat.advice(language, &format.threats.contact).iter().enumerate() {
                let _ = writeln!(out, "  {}. {step}", n + 1);
            }
        }
    }
}

/// Columns two blanks apart, by the number of characters.
fn align(table: &[[String; 5]]) -> String {
    let mut widths = [0; 5];
    let shown: Vec<_> =
        table.iter().map(|row| row.each_ref().map(|cell| escape::field(cell))).collect();
    for row in &shown {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in &shown {
        let mut line = String::from("  ");
        for (width, cell) in widths.iter().zip(row) {
            let _ = write!(line, "{cell:width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

impl Sink for Summary {
    fn alert(&mut self, full: &FullAlert<'_>) -> io::Result<()> {
        let alert = full.alert;
        let weak = self.weak.entry(full.indicator.threat.to_string()).or_insert(alert.weakness);
        *weak = weak.and(alert.weakness);
        let many = alert.crowd.as_ref().filter(|crowd| crowd.is_of_many());
        let who = many.map_or(Who::Host(alert.ours.address), |crowd| Who::Many(crowd.by));
        let key = (full.indicator.threat.to_string(), who);
        let row = self.rows.entry(key).or_insert_with(|| Row {
            mac: None,
            many: None,
            contacts: HashMap::new(),
            first: alert.first,
            last: alert.sighting.time,
        });
        row.mac = row.mac.or_else(|| alert.our_mac());
        row.many = many.cloned().or_else(|| row.many.take());
        row.first = row.first.min(alert.first);
        row.last = row.last.max(alert.sighting.time);
        if !alert.also.is_empty() && !row.contacts.is_empty() {
            // The same contact, with another reason: it has been counted.
            return Ok(());
        }
        let count = row.contacts.entry((FoldKey::of(alert), alert.opened)).or_default();
        *count = (*count).max(alert.count);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
