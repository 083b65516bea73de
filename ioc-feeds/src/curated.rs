//! The feeds and threats inside the binary, so that the sensor knows its two threats without a
//! network and without a configuration. Where every fact comes from: `data/SOURCES.md`.

use crate::format::{self, FeedError, Loaded};
use crate::lint::Lint;
use crate::threat::{Threats, ThreatsError};

const CANARY: &str = include_str!("../data/canary.csv");
const MUSTANG_PANDA: &str = include_str!("../data/mustang-panda.csv");
const REDLINE: &str = include_str!("../data/redline.csv");
const THREATS: &str = include_str!("../data/threats.toml");

/// How the names of the feeds in the binary begin.
pub const PREFIX: &str = "wardwatch-";
/// Name of the indicator that proves the sensor works, with everything below it.
pub const CANARY_NAME: &str = "canary.wardwatch.test";
/// Address of the indicator that proves the sensor works (documentation range, RFC 5737).
pub const CANARY_ADDRESS: std::net::Ipv4Addr = std::net::Ipv4Addr::new(192, 0, 2, 53);

/// Name and text of every curated feed, native CSV.
pub fn feeds() -> Vec<(&'static str, &'static str)> {
    vec![
        ("wardwatch-redline", REDLINE),
        ("wardwatch-mustang-panda", MUSTANG_PANDA),
        ("wardwatch-canary", CANARY),
    ]
}

/// Every curated feed, loaded. Not linted again: the tests of this crate do that.
///
/// # Errors
///
/// None in a build whose tests passed; the result is there because nothing here may panic.
pub fn load() -> Result<Vec<Loaded>, FeedError> {
    feeds().into_iter().map(|(name, text)| format::load_text(name, text, Lint::Trusted)).collect()
}

/// Only the canary feed: it is loaded even when the built-in feeds are switched off.
///
/// # Errors
///
/// As [`load`].
pub fn canary() -> Result<Loaded, FeedError> {
    format::load_text("wardwatch-canary", CANARY, Lint::Trusted)
}

/// The curated threats.
///
/// # Errors
///
/// As [`load`].
pub fn threats() -> Result<Threats, ThreatsError> {
    Threats::parse(THREATS)
}

#[cfg(test)]
mod tests;
