//! The one time of records: microseconds since 1970-01-01 UTC, which every JSON reader takes whole.

use serde::{Deserialize, Serialize};

const MICROS: i64 = 1_000_000;

/// A moment, in microseconds since 1970-01-01 UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(pub i64);

impl Time {
    /// So many whole seconds after 1970.
    pub const fn of_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS))
    }

    /// Whole seconds, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(MICROS)
    }

    /// Microseconds of the second that is under way.
    pub fn subsecond_micros(self) -> u32 {
        u32::try_from(self.0.rem_euclid(MICROS)).unwrap_or(0)
    }
}

impl From<i64> for Time {
    /// Of nanoseconds since 1970, as packets have them.
    fn from(nanos: i64) -> Self {
        Self(nanos.div_euclid(1000))
    }
}
