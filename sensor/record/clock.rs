//! Times as people and machines read them, with the local offset. Owns no clock: every time is given.

use std::cell::RefCell;
use std::io;
use std::path::Path;

use ioc_feeds::file;
use jiff::tz::TimeZone;

use crate::Time;

/// Formats times in one zone.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: TimeZone,
}

/// A clock that writes times as EVE does, and remembers the last second.
#[derive(Debug)]
pub struct EveClock {
    clock: Clock,
    last: RefCell<Second>,
}

/// The second spelled last, as EVE writes it before the fraction and behind it. Most records come
/// in the same second as the one before, and to spell one costs a thousand instructions.
#[derive(Clone, Debug, Default)]
struct Second {
    number: Option<i64>,
    before: String,
    behind: String,
}

impl Clock {
    /// The machine's zone (`TZ`, else `/etc/localtime`); UTC where its file cannot be used.
    pub fn local() -> Self {
        Self { zone: zone() }
    }

    /// A given zone.
    pub const fn new(zone: TimeZone) -> Self {
        Self { zone }
    }

    fn zoned(&self, time: Time) -> jiff::Zoned {
        jiff::Timestamp::from_microsecond(time.0)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(self.zone.clone())
    }

    /// `2024-06-18T09:21:05+07:00` (RFC 3339), to the second, as people need it.
    pub fn seconds(&self, time: impl Into<Time>) -> String {
        self.zoned(time.into()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// `2024-06-18T09:21:05.482+07:00` (RFC 3339).
    pub fn rfc3339(&self, time: impl Into<Time>) -> String {
        self.zoned(time.into()).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
    }

    /// `20240618-092105`, as rotated logs are named.
    pub fn stamp(&self, time: impl Into<Time>) -> String {
        self.zoned(time.into()).strftime("%Y%m%d-%H%M%S").to_string()
    }

    /// The day of the month, from 1.
    pub fn day_of_month(&self, time: impl Into<Time>) -> u8 {
        self.zoned(time.into()).day().unsigned_abs()
    }

    /// `2024-06-18`.
    pub fn day(&self, time: impl Into<Time>) -> String {
        self.zoned(time.into()).strftime("%Y-%m-%d").to_string()
    }

    /// `18/06/2024 09:21:05`.
    pub fn short(&self, time: impl Into<Time>) -> String {
        self.zoned(time.into()).strftime("%d/%m/%Y %H:%M:%S").to_string()
    }
}

/// No file of a zone is longer.
const LONGEST_ZONE: u64 = 1024 * 1024;

/// The zone by its own file, rather than by its name, for which every zone there is would be listed;
/// and a file only if it is a regular one, which never has to be waited for.
fn zone() -> TimeZone {
    let read = |path: &Path| {
        file::read(path, LONGEST_ZONE)
            .map(|rules| TimeZone::tzif("local", &rules).unwrap_or(TimeZone::UTC))
    };
    let Some(named) = std::env::var_os("TZ") else {
        return match read(Path::new("/etc/localtime")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => TimeZone::system(),
            read => read.unwrap_or(TimeZone::UTC),
        };
    };
    let text = named.to_string_lossy();
    let path = Path::new(text.strip_prefix(':').unwrap_or(&text));
    match std::env::var_os("TZDIR") {
        _ if path.is_absolute() => read(path).unwrap_or(TimeZone::UTC),
        Some(directory) => read(&Path::new(&directory).join(path))
            .or_else(|_| TimeZone::posix(&text))
            .unwrap_or(TimeZone::UTC),
        None => TimeZone::system(),
    }
}

impl EveClock {
    /// A clock in the same zone.
    pub fn new(clock: Clock) -> Self {
        Self { clock, last: RefCell::default() }
    }

    /// `2024-06-18T09:21:05.482913+0700`, as EVE writes it.
    pub fn time(&self, time: impl Into<Time>) -> String {
        let time = time.into();
        let mut last = self.last.borrow_mut();
        if last.number != Some(time.seconds()) {
            let zoned = self.clock.zoned(time);
            *last = Second {
                number: Some(time.seconds()),
                before: zoned.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
                behind: zoned.strftime("%z").to_string(),
            };
        }
        let mut text = String::with_capacity(32);
        text.push_str(&last.before);
        text.push('.');
        let micros = time.subsecond_micros();
        for unit in [100_000, 10_000, 1000, 100, 10, 1] {
            text.push(char::from(b'0' + (micros / unit % 10) as u8));
        }
        text.push_str(&last.behind);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_the_offset_in_each_spelling() {
        let clock = Clock::new(TimeZone::fixed(jiff::tz::offset(7)));
        let time = Time::from(1_718_677_265_482_913_999);
        assert_eq!(clock.rfc3339(time), "2024-06-18T09:21:05.482+07:00");
        assert_eq!(clock.seconds(time), "2024-06-18T09:21:05+07:00");
        assert_eq!(clock.short(time), "18/06/2024 09:21:05");
        assert_eq!(EveClock::new(clock).time(time), "2024-06-18T09:21:05.482913+0700");
    }

    proptest::proptest! {
        /// Whatever second was spelled before, and also before 1970.
        #[test]
        fn a_time_of_eve_is_what_the_general_formatter_says(times in proptest::collection::vec(
            proptest::prop_oneof![proptest::num::i64::ANY, -3_000_000_000..3_000_000_000_i64], 1..9,
        )) {
            let clock = EveClock::new(Clock::new(TimeZone::fixed(jiff::tz::offset(7))));
            for time in times.into_iter().map(Time::from) {
                let wanted = clock.clock.zoned(time).strftime("%Y-%m-%dT%H:%M:%S%.6f%z").to_string();
                proptest::prop_assert_eq!(clock.time(time), wanted);
            }
        }
    }
}
