//! What the sensor says of itself.

use serde::{Deserialize, Serialize};

use crate::{Message, Time};

/// Must somebody look after it?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gravity {
    /// No.
    #[default]
    Information,
    /// Yes.
    Warning,
}

/// What it is about. A reader that does not know one takes it for [`Topic::Other`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Topic {
    /// The sensor starts.
    Started,
    /// It lives: once an hour.
    Running,
    /// It stops.
    Stopped,
    /// An interface.
    Interface,
    /// What arrives there: nothing, one side only, with losses.
    Traffic,
    /// What the process may do.
    Rights,
    /// The machine's clock.
    Clock,
    /// Indicators, allow lists, words of threats.
    Feeds,
    /// A destination of lines.
    Output,
    /// The spool.
    Spool,
    /// A fault of the program.
    Fault,
    /// A time in which nothing was watched.
    Gap,
    /// Anything else.
    #[default]
    #[serde(other)]
    Other,
}

/// A line about the sensor itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notice {
    /// When.
    pub time: Time,
    /// Must somebody look after it?
    pub severity: Gravity,
    /// What it is about.
    pub kind: Topic,
    /// The sentence.
    pub message: Message,
}

impl Notice {
    /// That something is wrong.
    pub fn warning(time: impl Into<Time>, kind: Topic, message: Message) -> Self {
        Self { time: time.into(), severity: Gravity::Warning, kind, message }
    }

    /// That something has changed, or is as it should be.
    pub fn information(time: impl Into<Time>, kind: Topic, message: Message) -> Self {
        Self { time: time.into(), severity: Gravity::Information, kind, message }
    }

    /// Must somebody look after it?
    pub fn is_warning(&self) -> bool {
        self.severity == Gravity::Warning
    }

    /// Does it say no more than that the sensor starts, lives or stops?
    pub const fn is_beat(&self) -> bool {
        matches!(self.kind, Topic::Started | Topic::Running | Topic::Stopped)
    }
}
