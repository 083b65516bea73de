//! `status.json`: what the sensor knows of itself, for `wardwatch status` and for its own next start.
//!
//! One file of a few hundred bytes, replaced at once every few seconds. Owns its form and what can be
//! read out of it; opens no file. Times are seconds since 1970 (UTC), days are local dates.

use std::borrow::Cow;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Its name, in the runtime directory and in the log directory.
pub const NAME: &str = "status.json";
/// No status is longer.
pub const LONGEST: u64 = 256 * 1024;
/// Days of which alerts are counted.
pub const DAYS: usize = 8;

/// What the sensor knows of itself. What a reader does not know is passed over, and what is missing
/// is nothing: a newer or older sensor may have written it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Of the sensor.
    pub version: String,
    /// Number of its process.
    pub process: u32,
    /// The directory of its log.
    pub log_dir: PathBuf,
    /// When it started.
    pub started: i64,
    /// When it was last alive.
    pub alive: i64,
    /// Did it stop because it was told to?
    pub stopped: bool,
    /// Seconds after which this file is written again: in the runtime directory, if there is one.
    pub every: u64,
    /// The same in the log directory.
    pub every_on_disk: u64,
    /// When the last packet was seen; the sensor before this one may have seen it.
    pub last_packet: Option<i64>,
    /// What is watched.
    pub interfaces: Vec<Interface>,
    /// Packets since the start.
    pub packets: u64,
    /// Packets that were there and not read, since the start.
    pub lost: u64,
    /// The same in the last ten to twenty minutes.
    pub recent_packets: u64,
    /// Of these lost.
    pub recent_lost: u64,
    /// Alerts a day, those of a canary left out; the last days, oldest first.
    pub days: Vec<Day>,
    /// When a canary was last alerted.
    pub last_canary: Option<i64>,
    /// Indicators in use.
    pub indicators: usize,
    /// Day of the newest.
    pub newest: Option<String>,
    /// Day of the newest that does not come with the program.
    pub newest_own: Option<String>,
    /// Can anybody be called: is a contact configured?
    pub contact: bool,
    /// Last day on which the contacts are to be believed.
    pub contact_until: Option<String>,
    /// Hosts of ours seen.
    pub hosts: usize,
    /// Connections whose true name cannot be read, since the start.
    pub hidden: u64,
    /// Connections of which a name is wanted, since the start.
    pub connections: u64,
    /// Faults of the program that were caught since the start.
    pub panics: u64,
    /// Every number there is. Only in the runtime directory, which is memory, or where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
}

/// How a figure behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Figures {
    /// Only grows, until the next start.
    Total,
    /// Goes up and down.
    #[default]
    #[serde(other)]
    Level,
}

/// One number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// `stage.what`, stable for dashboards.
    pub name: Cow<'static, str>,
    /// What it is, in a sentence.
    pub help: Cow<'static, str>,
    /// How it behaves.
    pub kind: Figures,
    /// None when it is not known.
    pub value: Option<u64>,
}

/// An interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Can anything be seen there: is it open, up and with carrier?
    pub up: bool,
}

/// Alerts of a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Day {
    /// `2026-11-27`.
    pub day: String,
    /// How many.
    pub alerts: u64,
}

impl Status {
    /// Reads one; nothing if it is none.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let status: Self = serde_json::from_slice(bytes).ok()?;
        (status.alive > 0).then_some(status)
    }

    /// As it is written.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Adds alerts to a day. Those of the oldest days are forgotten.
    pub fn count_alerts(&mut self, day: &str, alerts: u64) {
        match self.days.iter_mut().find(|known| known.day == day) {
            Some(known) => known.alerts = known.alerts.saturating_add(alerts),
            None => self.days.push(Day { day: day.into(), alerts }),
        }
        // As text, days sort as they follow each other.
        self.days.sort_by(|a, b| a.day.cmp(&b.day));
        let surplus = self.days.len().saturating_sub(DAYS);
        self.days.drain(..surplus);
    }

    /// Alerts of these days together.
    pub fn alerts_on(&self, days: &[String]) -> u64 {
        let asked = self.days.iter().filter(|known| days.contains(&known.day));
        asked.map(|known| known.alerts).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_reads_as_it_was_written_and_other_versions_and_half_a_file_do_no_harm() {
        let mut status =
            Status { alive: 7, newest: Some("2026-01-02".into()), ..Status::default() };
        status.interfaces.push(Interface { name: "eth1".into(), up: true });
        status.count_alerts("2026-11-27", 3);
        let bytes = status.bytes();
        assert_eq!(Status::parse(&bytes), Some(status));
        assert!(Status::parse(br#"{"alive": 7, "unknown": [1]}"#).is_some());
        for end in 0..bytes.len() - 1 {
            assert_eq!(Status::parse(&bytes[..end - end % 7]), None);
        }
    }

    #[test]
    fn alerts_are_counted_by_day_and_old_days_are_forgotten() {
        let mut status = Status::default();
        for day in 1..=20 {
            status.count_alerts(&format!("2026-11-{day:02}"), day);
        }
        status.count_alerts("2026-11-20", 5);
        assert_eq!(status.days.len(), DAYS);
        let asked = ["2026-11-20".to_owned(), "2026-11-19".to_owned(), "2026-11-01".to_owned()];
        assert_eq!(status.alerts_on(&asked), 44);
    }
}
