//! The line that says the sensor lives, and what it sees: at start, every hour, at stop.

use super::text::LineFormat;
use crate::lang::{self, Language, Phrase};
use crate::net::Timestamp;
use crate::stats::{Counter, Counters};

/// What a heartbeat tells.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    /// Counts of all workers since the start.
    pub counters: Counters,
    /// Frames the kernel or the interface dropped.
    pub dropped: u64,
    /// Indicators loaded.
    pub indicators: usize,
    /// Newest date among them, as text; empty if none has one.
    pub newest: String,
    /// Hosts of ours seen.
    pub hosts: usize,
}

/// The line, without its line end.
pub fn line(format: &LineFormat, time: Timestamp, occasion: Phrase, pulse: &Pulse) -> String {
    let word = |phrase| lang::phrase(format.language, phrase);
    let counters = &pulse.counters;
    let frames = counters.get(Counter::Frames);
    let language = format.language;
    format!(
        "{} {} | wardwatch {}: {} | {} {frames}, {} {} ({}) | {} {} ({} {}) | {} {} | {} {} | {} {}",
        format.clock.rfc3339(time),
        word(Phrase::Information),
        env!("CARGO_PKG_VERSION"),
        word(occasion),
        word(Phrase::Packets),
        word(Phrase::Lost),
        pulse.dropped,
        percent(language, pulse.dropped, frames + pulse.dropped),
        word(Phrase::Indicators),
        pulse.indicators,
        word(Phrase::Newest),
        if pulse.newest.is_empty() { "-" } else { &pulse.newest },
        word(Phrase::Hosts),
        pulse.hosts,
        word(Phrase::Blind),
        blind(language, counters),
        word(Phrase::Alerts),
        counters.get(Counter::Alerts),
    )
}

/// Share of encrypted connections whose true name nobody outside can read.
fn blind(language: Language, counters: &Counters) -> String {
    let sum = |list: &[Counter]| list.iter().map(|c| counters.get(*c)).sum::<u64>();
    let hidden = sum(&[Counter::TlsEch, Counter::QuicUndecodable, Counter::EncryptedDns]);
    percent(language, hidden, sum(&[Counter::Tls, Counter::Quic, Counter::QuicUndecodable]))
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
