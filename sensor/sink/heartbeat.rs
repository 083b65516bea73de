//! The line that says the sensor lives, and what it sees: at start, every hour, at stop. And the
//! line that says at once what is wrong.

use super::Status;
use super::text::LineFormat;
use crate::lang::{self, Language, Phrase};
use crate::net::Timestamp;
use crate::stats::Counter;

/// The line, without its line end.
pub fn line(format: &LineFormat, occasion: Phrase, status: &Status) -> String {
    let word = |phrase| lang::phrase(format.language, phrase);
    let frames = status.counters.get(Counter::Frames);
    let language = format.language;
    let (hidden, connections) = status.blind();
    format!(
        "{} {} | wardwatch {}: {} | {} {frames}, {} {} ({}) | {} {} ({} {}) | {} {} | {} {} | {} {}",
        format.clock.rfc3339(status.time),
        word(Phrase::Information),
        env!("CARGO_PKG_VERSION"),
        word(occasion),
        word(Phrase::Packets),
        word(Phrase::Lost),
        status.lost(),
        percent(language, status.lost(), frames + status.lost()),
        word(Phrase::Indicators),
        status.indicators,
        word(Phrase::Newest),
        status.newest.map_or_else(|| "-".into(), |date| lang::day(language, date)),
        word(Phrase::Hosts),
        status.hosts,
        word(Phrase::Blind),
        percent(language, hidden, connections),
        word(Phrase::Alerts),
        status.counters.get(Counter::Alerts),
    )
}

/// A line that something is wrong, without its line end.
pub fn warning(format: &LineFormat, time: Timestamp, text: &str) -> String {
    said(format, time, Phrase::Warning, text)
}

/// A line that something has changed, without its line end.
pub fn information(format: &LineFormat, time: Timestamp, text: &str) -> String {
    said(format, time, Phrase::Information, text)
}

fn said(format: &LineFormat, time: Timestamp, head: Phrase, text: &str) -> String {
    let head = lang::phrase(format.language, head);
    let version = env!("CARGO_PKG_VERSION");
    format!("{} {head} | wardwatch {version}: {text}", format.clock.rfc3339(time))
}

/// A share with one decimal, spelled as the language does.
fn percent(language: Language, part: u64, whole: u64) -> String {
    let tenths = (part.min(whole) * 1000).checked_div(whole).unwrap_or(0);
    let comma = match language {
        Language::Vi => ',',
        Language::En => '.',
    };
    format!("{}{comma}{} %", tenths / 10, tenths % 10)
}
