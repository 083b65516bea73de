//! One alert, one line: what the ward tails. Fields separated by ` | `, in this order: time and
//! severity; threat and malware; name, address and hardware address of our host; what was seen
//! and where; the other end; the indicator, how sure, since when and who says so; contacts so
//! far; what to do now. Of a line for many, the hosts and the indicators are counted and the first
//! of them named.

use std::hash::BuildHasher;
use std::io;

use ioc_feeds::threat::Threats;

use super::escape::field;
use super::file::{LineOut, Weight};
use super::{Clock, Losses, Sink, Trouble};
use crate::enrich::FullAlert;
use crate::lang::{self, Language};
use crate::net::{Endpoint, Timestamp};

/// What lines are made with.
#[derive(Clone, Debug)]
pub struct LineFormat {
    /// The language.
    pub language: Language,
    /// The zone.
    pub clock: Clock,
    /// What a summary says of threats; an alert brings its own.
    pub threats: Threats,
}

impl LineFormat {
    /// The line of an alert, without its line end.
    pub fn line(&self, full: &FullAlert<'_>) -> String {
        let (language, alert, indicator) = (self.language, full.alert, full.indicator);
        let time = self.clock.rfc3339(alert.sighting.time);
        let severity = lang::severity(language, full.severity);
        let name = full.threat.name.in_language(language);
        let malware = match &*indicator.malware {
            "" => String::new(),
            // A threat that is called after its malware says it once.
            malware if name.split(", ").any(|part| part.ends_with(malware)) => String::new(),
            malware => format!(", {}", field(malware)),
        };
        let mac = full.our_mac.map_or_else(|| "-".into(), |mac| mac.to_string());
        let crowd = alert.crowd.as_deref();
        let host = match crowd.filter(|crowd| crowd.is_of_many()) {
            Some(crowd) => lang::crowd_hosts(language, crowd, usize::MAX),
            None => {
                let name = full.host_name.map_or_else(|| "-".into(), field);
                format!("{name} {}", alert.ours.address)
            }
        };
        let seen = match (full.explanation, crowd.filter(|crowd| crowd.indicators > 1)) {
            (_, Some(crowd)) => lang::crowd_indicators(language, crowd),
            (Some(text), _) => format!("{}: {}", text.in_language(language), alert.seen),
            (None, _) => alert.seen.clone(),
        };
        let seen = field(&seen);
        let place = full.place();
        let peer = endpoint(alert.peer);
        let text = indicator.pattern.text();
        let kind = lang::pattern(language, &indicator.pattern);
        let role = lang::role(language, indicator.role);
        let sure = lang::confidence(language, full.confidence);
        let since = lang::known_since(language, full.known(), full.old_days);
        let reference = match &*indicator.reference {
            "" => field(&indicator.feed),
            reference => field(reference),
        };
        let pattern = field(&text);
        let also: Vec<String> = full.also().collect();
        let also = match also.as_slice() {
            [] => String::new(),
            also => format!("; {} {}", lang::also(language), field(&also.join(", "))),
        };
        let (weak, action) = match alert.weakness {
            None => (String::new(), action(language, full)),
            Some(weakness) => (
                format!("; {}", lang::weakness(language, weakness)),
                lang::check_first(language, weakness).to_owned(),
            ),
        };
        let crowd =
            crowd.map_or_else(String::new, |one| format!("; {}", lang::crowd(language, one)));
        format!(
            "{time} {severity} | {name}{malware} | {host} {mac} | {seen} ({place}) | {peer} | \
             {pattern} ({kind}, {role}, {sure}, {since}, {reference}){also}{weak}{crowd} | {} | {}",
            alert.count,
            field(&action),
        )
    }
}

/// What to do now: the threat's own action where the alert is as serious as that, and else to look
/// before anything is taken off the network.
fn action(language: Language, full: &FullAlert<'_>) -> String {
    match full.threat.acts_at(full.severity) {
        true => full.threat.action(language, full.contacts),
        false => lang::look_first(language, full.severity, &full.contacts.short(language)),
    }
}

/// An endpoint without a port that means nothing.
fn endpoint(endpoint: Endpoint) -> String {
    match endpoint.port {
        0 => endpoint.address.to_string(),
        _ => endpoint.to_string(),
    }
}

/// The same for the same host of ours and indicator, whatever set the indicator stands in.
pub(super) fn fold(full: &FullAlert<'_>) -> Weight {
    let hasher = foldhash::fast::FixedState::with_seed(0);
    let indicator = full.indicator;
    if let Some(crowd) = &full.alert.crowd {
        return Weight::Alert { fold: hasher.hash_one(crowd.by) };
    }
    let fold = hasher.hash_one((full.alert.ours.address, &indicator.pattern, &indicator.threat));
    Weight::Alert { fold }
}

/// Lines to any destination.
pub struct TextSink<W> {
    format: LineFormat,
    out: W,
}

impl<W: LineOut> TextSink<W> {
    /// A sink that writes lines to `out`.
    pub const fn new(format: LineFormat, out: W) -> Self {
        Self { format, out }
    }
}

impl<W: LineOut> Sink for TextSink<W> {
    fn alert(&mut self, alert: &FullAlert<'_>) -> io::Result<()> {
        let mut line = self.format.line(alert);
        line.push('\n');
        self.out.line(line.as_bytes(), fold(alert))
    }

    fn notice(&mut self, line: &str) -> io::Result<()> {
        self.out.line(format!("{line}\n").as_bytes(), Weight::Notice)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn losses(&self) -> Losses {
        self.out.losses()
    }

    fn reopen(&mut self) {
        self.out.reopen();
    }

    fn tend(&mut self, now: Timestamp, say: &mut dyn FnMut(Trouble)) {
        self.out.tend(now, say);
    }
}
