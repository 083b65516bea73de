//! One record of the spool: its name, and what it says.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{AlertRecord, Notice, Seen, Status, Time};

/// The name of a record: `sensor:seq`. It is written once and never given to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id {
    /// Which sensor.
    pub sensor: String,
    /// Its how-manieth record, from 1.
    pub seq: u64,
}

/// A text that names no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no id: it would be written sensor:number")]
pub struct NoId;

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sensor, self.seq)
    }
}

impl FromStr for Id {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Self, NoId> {
        let (sensor, seq) = text.rsplit_once(':').ok_or(NoId)?;
        let digits = !seq.is_empty() && seq.bytes().all(|byte| byte.is_ascii_digit());
        let seq = seq.parse().ok().filter(|_| digits && !seq.starts_with('0')).ok_or(NoId)?;
        (!sensor.is_empty()).then(|| Self { sensor: sensor.into(), seq }).ok_or(NoId)
    }
}

impl TryFrom<String> for Id {
    type Error = NoId;

    fn try_from(text: String) -> Result<Self, NoId> {
        text.parse()
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.to_string()
    }
}

/// One line of the spool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its name.
    pub id: Id,
    /// When it was written, by the machine's clock.
    pub written: Time,
    /// What it says.
    #[serde(flatten)]
    pub body: Body,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "record", rename_all = "lowercase")]
#[non_exhaustive]
pub enum Body {
    /// An indicator was met, or a behaviour was seen.
    Alert(Box<AlertRecord>),
    /// The sensor says something of itself.
    Notice(Notice),
    /// How the sensor fares.
    Status(Box<Status>),
    /// Who met what, how often.
    Seen(Seen),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written_and_nothing_else_is_one() {
        for text in ["pc-7.ward:1", "a:b:18446744073709551615"] {
            assert_eq!(text.parse::<Id>().unwrap().to_string(), text);
        }
        for text in
            ["", "a", "a:", ":1", "a:0", "a:01", "a:+1", "a:-1", "a:x", "a:18446744073709551616"]
        {
            assert_eq!(text.parse::<Id>(), Err(NoId), "{text}");
        }
    }
}
