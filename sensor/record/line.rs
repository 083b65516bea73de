//! Records as lines for people. One alert, one line, fields separated by ` | `, in this order: time and
//! severity; threat and malware; name, address and hardware address of our host; what was seen
//! and where; the other end; the indicator, how sure, since when and who says so; contacts so
//! far; what to do now. Of a line for many, the hosts and the indicators are counted and the first
//! of them named.

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
        let time = self.clock.rfc3339(alert.time);
        let severity = words::severity(language, alert.severity);
        let action = match &alert.weakness {
            Some(weakness) => weakness.check.in_language(language),
            None => alert.action.in_language(language),
        };
        format!(
            "{time} {severity} | {} | {} | {} ({}) | {} | {}{} | {} | {}",
            self.threat(alert),
            self.host(alert),
            field(&self.seen(alert)),
            alert.place,
            alert.peer,
            self.indicator(alert),
            self.remarks(alert),
            alert.count,
            field(action),
        )
    }

    /// A line about the sensor itself, without its line end.
    pub fn notice(&self, notice: &Notice) -> String {
        format!(
            "{} {} | wardwatch {}: {}",
            self.clock.rfc3339(notice.time),
            words::gravity(self.language, notice.severity),
            env!("CARGO_PKG_VERSION"),
            escape::line(notice.message.in_language(self.language)),
        )
    }

    fn threat(&self, alert: &AlertRecord) -> String {
        let name = alert.threat.name.in_language(self.language);
        match alert.indicator.malware.as_str() {
            "" => name.to_owned(),
            // A threat that is called after its malware says it once.
            malware if name.split(", ").any(|part| part.ends_with(malware)) => name.to_owned(),
            malware => format!("{name}, {}", field(malware)),
        }
    }

    fn host(&self, alert: &AlertRecord) -> String {
        let host = &alert.host;
        let mac = host.mac.as_deref().unwrap_or("-");
        match alert.crowd.as_ref().filter(|crowd| crowd.is_of_many()) {
            Some(crowd) => {
                format!("{} {mac}", words::crowd_hosts(self.language, crowd, usize::MAX))
            }
            None => {
                let name = host.name.as_deref().map_or_else(|| "-".into(), field);
                format!("{name} {} {mac}", host.address)
            }
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
        format!(
            "{} ({}, {}, {}, {}, {source})",
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
