//! Where records for other programs go, and how many are kept.

use std::path::PathBuf;

use serde::Deserialize;
use wardwatch_record::spool::Bounds;

use super::ConfigError;
use crate::lang::Said;

const DAY: i64 = 86_400;
/// No name of a sensor is longer.
const LONGEST: usize = 64;

/// `[spool]`, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Section {
    dir: Option<PathBuf>,
    sensor: Option<String>,
    total_mb: Option<u64>,
    keep_days: Option<u32>,
    most_days: Option<u32>,
}

/// A spool that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolSettings {
    /// Its directory.
    pub directory: PathBuf,
    /// What the sensor is called in its records; without one the spool has a name of its own.
    pub sensor: Option<String>,
    /// How much is kept.
    pub bounds: Bounds,
}

impl Section {
    /// What it says; nothing if it names no directory.
    pub(super) fn settings(self) -> Result<Option<SpoolSettings>, ConfigError> {
        let Some(directory) = self.dir else { return Ok(None) };
        let usual = Bounds::default();
        let bounds = Bounds {
            bytes: self.total_mb.map_or(usual.bytes, |n| n.saturating_mul(1 << 20)),
            keep: self.keep_days.map_or(usual.keep, |days| i64::from(days) * DAY),
            most: self.most_days.map_or(usual.most, |days| i64::from(days) * DAY),
        };
        if bounds.bytes == 0 || bounds.most < bounds.keep {
            return Err(ConfigError::Value(Said::new(
                "spool: total_mb phải từ 1 trở lên, và most_days không được nhỏ hơn keep_days",
                "spool: total_mb must be at least 1, and most_days not below keep_days",
            )));
        }
        let is_fine = |name: &String| {
            let harmless = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            (1..=LONGEST).contains(&name.len()) && name.chars().all(harmless)
        };
        if let Some(name) = self.sensor.as_ref().filter(|name| !is_fine(name)) {
            return Err(ConfigError::Value(Said::new(
                format!(
                    "spool.sensor đang là `{name}`; chỉ dùng chữ không dấu, chữ số, `-`, `_`, `.`, nhiều nhất 64 ký tự"
                ),
                format!(
                    "spool.sensor is `{name}`; it may hold letters without marks, digits, `-`, `_` and `.`, 64 at most"
                ),
            )));
        }
        Ok(Some(SpoolSettings { directory, sensor: self.sensor, bounds }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Result<Option<SpoolSettings>, ConfigError> {
        toml::from_str::<Section>(text).unwrap().settings()
    }

    #[test]
    fn without_a_directory_nothing_is_spooled_and_what_makes_no_sense_is_refused() {
        assert_eq!(settings("total_mb = 5").unwrap(), None);
        let spool = settings("dir = '/s'\nsensor = 'ward-7'\ntotal_mb = 5\nkeep_days = 1").unwrap();
        let spool = spool.unwrap();
        assert_eq!((spool.bounds.bytes, spool.bounds.keep), (5 << 20, DAY));
        for text in ["total_mb = 0", "keep_days = 100", "sensor = 'a:b'", "sensor = ''"] {
            assert!(settings(&format!("dir = '/s'\n{text}")).is_err(), "{text}");
        }
    }
}
