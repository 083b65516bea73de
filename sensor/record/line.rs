//! Records as lines for people. One alert, one line, fields separated by ` | `, and what a person must
//! see first stands first: time and severity; our host, by name and address; the threat; what was seen and
//! where; the other end; contacts so far; what to do now. Then what an expert asks for: the indicator, how
//! sure, since when and who says so; what else there is to know; the hardware address. Of a line for many,
//! the hosts and the indicators are counted and the first of them named.

use ioc_feeds::threat::Threats;

use crate::clock::Clock;
use crate::escape::{self, field};
use crate::{AlertRecord, Language, Notice, words};

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
    pub fn line(&self, alert: &AlertRecord) -> String {
        let language = self.language;
        let action = match &alert.weakness {
            Some(weakness) => weakness.check.in_language(language),
            None => alert.action.in_language(language),
        };
        format!(
            "{} {} | {} | {} | {} ({}) | {} | {} | {} | {}{} | {}",
            self.clock.seconds(alert.time),
            words::severity(language, alert.severity),
            self.host(alert),
            self.threat(alert),
            field(&self.seen(alert)),
            alert.place,
            alert.peer,
            alert.count,
            field(action),
            self.indicator(alert),
            self.remarks(alert),
            alert.host.mac.as_deref().unwrap_or("-"),
        )
    }

    /// A line about the sensor itself, without its line end.
    pub fn notice(&self, notice: &Notice) -> String {
        format!(
            "{} {} | wardwatch {}: {}",
            self.clock.seconds(notice.time),
            words::gravity(self.language, notice.severity),
            env!("CARGO_PKG_VERSION"),
            escape::line(notice.message.in_language(self.language)),
        )
    }

    /// The threat's name up to its first comma: what follows explains it.
    fn threat<'a>(&self, alert: &'a AlertRecord) -> &'a str {
        let name = alert.threat.name.in_language(self.language);
        name.split(", ").next().unwrap_or(name)
    }

    fn host(&self, alert: &AlertRecord) -> String {
        let host = &alert.host;
        match (alert.crowd.as_ref().filter(|crowd| crowd.is_of_many()), &host.name) {
            (Some(crowd), _) => words::crowd_hosts(self.language, crowd, usize::MAX),
            (None, Some(name)) => format!("{} {}", field(name), host.address),
            (None, None) => host.address.to_string(),
        }
    }

    fn seen(&self, alert: &AlertRecord) -> String {
        let many = alert.crowd.as_ref().filter(|crowd| crowd.indicators > 1);
        match (&alert.explanation, many) {
            (_, Some(crowd)) => words::crowd_indicators(self.language, crowd),
            (Some(text), _) => format!("{}: {}", text.in_language(self.language), alert.seen),
            (None, _) => alert.seen.clone(),
        }
    }

    fn indicator(&self, alert: &AlertRecord) -> String {
        let (language, indicator) = (self.language, &alert.indicator);
        let source = match indicator.reference.as_str() {
            "" => field(&indicator.feed),
            reference => field(reference),
        };
        // A threat that is called after its malware says it once.
        let malware = match indicator.malware.as_str() {
            "" => String::new(),
            malware if alert.threat.name.in_language(language).contains(malware) => String::new(),
            malware => format!(", {}", field(malware)),
        };
        format!(
            "{} ({}{malware}, {}, {}, {}, {source})",
            field(&indicator.text),
            words::pattern(language, &indicator.kind),
            words::role(language, indicator.role),
            words::confidence(language, alert.confidence),
            words::known_since(language, indicator.known(), indicator.old_days),
        )
    }

    /// What else there is to know: other reasons, weak evidence, a crowd.
    fn remarks(&self, alert: &AlertRecord) -> String {
        let language = self.language;
        let also = match alert.also.as_slice() {
            [] => String::new(),
            also => format!("; {} {}", words::also(language), field(&also.join(", "))),
        };
        let weak = alert.weakness.as_ref();
        let weak = weak.map(|weakness| format!("; {}", weakness.why.in_language(language)));
        let crowd =
            alert.crowd.as_ref().map(|crowd| format!("; {}", words::crowd(language, crowd)));
        also + &weak.unwrap_or_default() + &crowd.unwrap_or_default()
    }
}
