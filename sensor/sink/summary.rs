//! The end of a scan: a row for each of our hosts, the most serious first, and below it its threats
//! with contacts, first and last; then what happened and what to do, once a threat.
//!
//! Gathers what is told; [`layout`] makes text of it.

mod layout;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::net::IpAddr;

use ioc_feeds::threat::Severity;
use wardwatch_record::Time;
use wardwatch_record::alert::{AlertRecord, Crowd, Crowding, Weakness};

use super::Sink;
use super::text::LineFormat;
use crate::lang::{self, Phrase};

/// Whose contacts: of one host, or of too many to say each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Host(IpAddr),
    Many(Crowding, String),
}

/// What is known of a host, or of many in one line.
#[derive(Debug, Default)]
struct About {
    name: Option<String>,
    mac: Option<String>,
    /// The hosts, as last told.
    many: Option<Crowd>,
}

/// Contacts of one host, or of many in one line, with one threat.
#[derive(Clone, Debug)]
struct Row {
    severity: Severity,
    /// Contacts by what was folded together: a later alert of the same replaces the count.
    contacts: HashMap<(u64, Time), u64>,
    first: Time,
    last: Time,
}

/// Gathers what the alerts of a scan amount to.
#[derive(Debug, Default)]
pub struct Summary {
    about: BTreeMap<Who, About>,
    rows: BTreeMap<(String, Who), Row>,
    /// Threats of which all evidence is weak, and why: nobody is told to unplug anything for it.
    weak: HashMap<String, Option<Weakness>>,
}

/// A host with everything it met.
#[derive(Default)]
struct Machine<'a> {
    /// Its addresses, or the one that stands for many.
    who: Vec<&'a Who>,
    about: Vec<&'a About>,
    /// Its threats, the most serious first.
    threats: Vec<(&'a str, Row)>,
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

    /// The rows and the advice, as text that ends with a line end.
    pub fn render(&self, format: &LineFormat) -> String {
        let word = |phrase| lang::phrase(format.language, phrase);
        if self.is_clean() {
            return format!("{}\n", word(Phrase::Clean));
        }
        let machines = self.machines();
        let mut out = format!("{}\n", word(Phrase::Summary));
        for machine in &machines {
            layout::machine(format, machine, &mut out);
        }
        let mut said = BTreeSet::new();
        let mut threats: Vec<_> = machines.iter().flat_map(|one| &one.threats).collect();
        threats.sort_by_key(|(_, row)| Reverse(row.severity));
        for (key, row) in threats {
            if said.insert(*key) {
                let weak = self.weak.get(*key).and_then(Option::as_ref);
                layout::advice(format, (key, row.severity), weak, &mut out);
            }
        }
        out
    }

    /// The hosts, the most serious first. IPv6 addresses are told beside the IPv4 address of the same
    /// hardware address; one that several IPv4 addresses have is a router's, and those behind it stay
    /// apart, as do hosts whose names differ.
    fn machines(&self) -> Vec<Machine<'_>> {
        let mut met: BTreeMap<&Who, Vec<(&str, &Row)>> = BTreeMap::new();
        for ((key, who), row) in &self.rows {
            met.entry(who).or_default().push((key, row));
        }
        let (first, rest): (Vec<_>, Vec<_>) =
            self.about.iter().partition(|(who, _)| !matches!(who, Who::Host(a) if a.is_ipv6()));
        let mut machines: Vec<Machine<'_>> = Vec::new();
        let mut of_mac: HashMap<&str, Vec<usize>> = HashMap::new();
        for (who, about) in first.into_iter().chain(rest) {
            let mac = about.mac.as_deref();
            let alike = mac.and_then(|mac| of_mac.get(mac)).map_or(&[][..], Vec::as_slice);
            let same = match (who, alike) {
                (Who::Host(address), [one]) if address.is_ipv6() => Some(*one),
                _ => None,
            };
            let same = same.filter(|place| {
                machines.get(*place).is_some_and(|machine| !machine.contradicts(about))
            });
            let place = same.unwrap_or(machines.len());
            if same.is_none() {
                machines.push(Machine::default());
                if let (Some(mac), Who::Host(address)) = (mac, who)
                    && address.is_ipv4()
                {
                    of_mac.entry(mac).or_default().push(place);
                }
            }
            if let Some(machine) = machines.get_mut(place) {
                machine.take(who, about, met.get(who).map_or(&[][..], Vec::as_slice));
            }
        }
        machines.iter_mut().for_each(Machine::sort);
        machines
            .sort_by_key(|one| one.threats.first().map(|(_, r)| (Reverse(r.severity), r.first)));
        machines
    }
}

impl<'a> Machine<'a> {
    fn contradicts(&self, about: &About) -> bool {
        let names = self.about.iter().filter_map(|other| other.name.as_ref());
        about.name.as_ref().is_some_and(|name| names.into_iter().any(|other| other != name))
    }

    fn take(&mut self, who: &'a Who, about: &'a About, rows: &[(&'a str, &'a Row)]) {
        self.who.push(who);
        self.about.push(about);
        for (key, row) in rows {
            match self.threats.iter_mut().find(|(other, _)| other == key) {
                Some((_, met)) => met.add(row),
                None => self.threats.push((key, (*row).clone())),
            }
        }
    }

    fn sort(&mut self) {
        self.threats.sort_by_key(|(_, row)| (Reverse(row.severity), row.first));
    }
}

impl Row {
    /// The contacts of another address of the same machine.
    fn add(&mut self, other: &Self) {
        self.severity = self.severity.max(other.severity);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.contacts.extend(other.contacts.iter().map(|(key, count)| (*key, *count)));
    }

    fn count(&self) -> u64 {
        self.contacts.values().sum()
    }
}

impl Sink for Summary {
    fn alert(&mut self, alert: &AlertRecord) -> io::Result<()> {
        let threat = &alert.threat.key;
        let weak = self.weak.entry(threat.clone()).or_insert_with(|| alert.weakness.clone());
        *weak = weak.take().and_then(|_| alert.weakness.clone());
        let many = alert.crowd.as_ref().filter(|crowd| crowd.is_of_many());
        let who = match many {
            Some(crowd) => Who::Many(crowd.by, crowd.group.clone()),
            None => Who::Host(alert.host.address),
        };
        let about = self.about.entry(who.clone()).or_default();
        about.mac = about.mac.take().or_else(|| alert.frame_mac().map(str::to_owned));
        about.many = many.cloned().or_else(|| about.many.take());
        if let Some(name) = &alert.host.name {
            about.name = Some(name.clone());
        }
        let row = self.rows.entry((threat.clone(), who)).or_insert_with(|| Row {
            severity: alert.severity,
            contacts: HashMap::new(),
            first: alert.first,
            last: alert.time,
        });
        row.severity = row.severity.max(alert.severity);
        row.first = row.first.min(alert.first);
        row.last = row.last.max(alert.time);
        if !alert.also.is_empty() && !row.contacts.is_empty() {
            // The same contact, with another reason: it has been counted.
            return Ok(());
        }
        let count = row.contacts.entry((alert.contact(), alert.opened)).or_default();
        *count = (*count).max(alert.count);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
