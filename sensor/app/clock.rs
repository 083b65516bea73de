//! Is the machine's clock right? Held against days that must lie behind it: that of this
//! program's sources and that of the newest indicator. A small board without a battery starts in
//! 1970, and every time in the log would be wrong.

use std::time::{SystemTime, UNIX_EPOCH};

use ioc_feeds::Date;

use crate::net::Timestamp;

/// Days that dates may lie ahead: they are written in some zone, and the clock is read in UTC.
const AHEAD: i64 = 1;

/// A clock that stands before something that has already happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockFault {
    /// Before the day of this program's sources.
    BeforeBuild(Date),
    /// Before the newest indicator, whose date may itself be wrong.
    BeforeFeeds(Date),
}

/// The machine's time, but never a time before this program was made: for what is judged by the
/// calendar and must not hang on a clock that is wrong.
#[allow(clippy::disallowed_methods)] // app is where the clock may be read
pub fn today() -> Timestamp {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let days = built().map_or(0, Date::epoch_day);
    let seconds = i64::try_from(clock.as_secs()).unwrap_or(0).max(days * 86_400);
    Timestamp::new(seconds, 0)
}

/// The day of this program's sources: SOURCE_DATE_EPOCH of the build, or the last commit.
pub fn built() -> Option<Date> {
    Date::parse(&claimed()).ok()
}

/// For tests: `WARDWATCH_TEST_BUILT` is another day.
#[cfg(debug_assertions)]
fn claimed() -> String {
    std::env::var("WARDWATCH_TEST_BUILT").unwrap_or_else(|_| env!("WARDWATCH_BUILT").into())
}

#[cfg(not(debug_assertions))]
fn claimed() -> String {
    env!("WARDWATCH_BUILT").into()
}

/// What this time, said by the clock or stamped on a frame, contradicts.
pub fn fault(time: Timestamp, built: Option<Date>, newest: Option<Date>) -> Option<ClockFault> {
    let ahead = |date: &Date| date.age_in_days(time.seconds()) < -AHEAD;
    let build = built.filter(ahead).map(ClockFault::BeforeBuild);
    build.or_else(|| newest.filter(ahead).map(ClockFault::BeforeFeeds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Option<Date> {
        Some(Date::parse(text).unwrap())
    }

    #[test]
    fn a_clock_before_the_build_or_the_newest_indicator_is_wrong_and_a_later_one_is_not() {
        let at =
            |seconds| fault(Timestamp::new(seconds, 0), date("2024-06-18"), date("2024-06-20"));
        let nine_o_clock = 1_718_676_000; // 2024-06-18T02:00:00Z
        assert_eq!(at(0), date("2024-06-18").map(ClockFault::BeforeBuild));
        assert_eq!(at(nine_o_clock), date("2024-06-20").map(ClockFault::BeforeFeeds));
        assert_eq!(at(nine_o_clock + 86_400), None, "a day ahead may be another zone");
        assert_eq!(at(nine_o_clock + 86_400 * 9_000), None);
    }

    #[test]
    fn this_program_knows_when_it_was_made() {
        assert!(Date::parse(env!("WARDWATCH_BUILT")).unwrap() >= date("2026-01-01").unwrap());
    }
}
