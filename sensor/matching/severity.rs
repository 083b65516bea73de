//! What a hit is worth: from its threat, its indicator's confidence, role and age.
//!
//! Addresses change hands, names rarely do: only `ip`, `ip:port` and `cidr` lose weight with age,
//! and none is ever silenced by it.

use ioc_feeds::{Confidence, Date, Indicator, Pattern, Role};

use crate::net::Timestamp;

/// Days after which an address loses a step.
const FULL_WEIGHT_DAYS: i64 = 90;
/// Days after which an address is context only.
const HALF_WEIGHT_DAYS: i64 = 365;

/// How urgent an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// To be looked at this week.
    Medium,
    /// To be looked at today.
    High,
    /// Act now.
    Critical,
}

impl Severity {
    /// `low`, `medium`, `high` or `critical`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// EVE's number, 1 to 3: the smaller, the more urgent.
    pub const fn eve(self) -> u8 {
        match self {
            Self::Critical | Self::High => 1,
            Self::Medium => 2,
            Self::Low => 3,
        }
    }

    const fn one_step_down(self) -> Self {
        match self {
            Self::Critical => Self::High,
            Self::High => Self::Medium,
            Self::Medium | Self::Low => Self::Low,
        }
    }
}

/// The severity of a hit at a packet's time, and the days since an address was last seen in use
/// (UTC, zero for a packet from before that day; `None` for other types and without a date).
///
/// The threat's own severity holds for high confidence; medium confidence is at most high, low
/// confidence at most medium. An address keeps that for 90 days, one step less to a year, and is
/// low after that. A canary is always low.
pub fn severity(
    indicator: &Indicator,
    threat_severity: Severity,
    at: Timestamp,
) -> (Severity, Option<i64>) {
    let age = address_age(indicator, at);
    if indicator.role == Role::Canary {
        return (Severity::Low, age);
    }
    let believed = match indicator.confidence {
        Confidence::High => threat_severity,
        Confidence::Medium => threat_severity.min(Severity::High),
        Confidence::Low => threat_severity.min(Severity::Medium),
    };
    let severity = match age.unwrap_or(0) {
        days if days <= FULL_WEIGHT_DAYS => believed,
        days if days <= HALF_WEIGHT_DAYS => believed.one_step_down(),
        _ => Severity::Low,
    };
    (severity, age)
}

fn address_age(indicator: &Indicator, at: Timestamp) -> Option<i64> {
    if !matches!(indicator.pattern, Pattern::Ip(_) | Pattern::IpPort(..) | Pattern::Cidr(..)) {
        return None;
    }
    let date = indicator.last_seen.or(indicator.first_seen)?;
    Some((at.seconds().div_euclid(86_400) - days(date)).max(0))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. A month without a day counts as its
/// last one: a report is never held to be older than it may be.
fn days(date: Date) -> i64 {
    let (year, month) = (i64::from(date.year), i64::from(date.month));
    if date.day == 0 {
        return first_of(year + month / 12, month % 12 + 1) - 1;
    }
    first_of(year, month) + i64::from(date.day) - 1
}

/// Days to the first of a month. The year begins in March here, so that a leap day is its last.
fn first_of(year: i64, month: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::tests::{address, indicator};
    use proptest::prelude::*;

    const fn date(year: i16, month: u8, day: u8) -> Date {
        Date { year, month, day }
    }

    fn at(date: Date) -> Timestamp {
        Timestamp::new(days(date) * 86_400 + 86_399, 0)
    }

    #[test]
    fn days_are_counted_as_the_calendar_does() {
        assert_eq!(days(date(1970, 1, 1)), 0);
        assert_eq!(days(date(1969, 12, 31)), -1);
        assert_eq!(days(date(2000, 2, 29)), 11_016);
        assert_eq!(days(date(2000, 3, 1)), 11_017);
        assert_eq!(days(date(2026, 9, 14)), 20_710);
        assert_eq!(days(date(2024, 2, 0)), days(date(2024, 2, 29)));
        assert_eq!(days(date(2025, 12, 0)), days(date(2025, 12, 31)));
    }

    #[test]
    fn an_address_loses_weight_with_age_and_is_never_silent() {
        let mut c2 = indicator(Pattern::Ip(address("192.0.2.1")));
        c2.confidence = Confidence::High;
        c2.first_seen = Some(date(2020, 1, 1));
        c2.last_seen = Some(date(2026, 1, 1));
        let weigh = |day| severity(&c2, Severity::Critical, at(day));
        assert_eq!(weigh(date(2025, 6, 1)), (Severity::Critical, Some(0)));
        assert_eq!(weigh(date(2026, 4, 1)), (Severity::Critical, Some(90)));
        assert_eq!(weigh(date(2026, 4, 2)), (Severity::High, Some(91)));
        assert_eq!(weigh(date(2027, 1, 1)), (Severity::High, Some(365)));
        assert_eq!(weigh(date(2027, 1, 2)), (Severity::Low, Some(366)));
    }

    #[test]
    fn the_first_date_stands_in_for_the_last_and_no_date_is_full_weight() {
        let mut c2 = indicator(Pattern::IpPort(address("192.0.2.1"), 443));
        c2.confidence = Confidence::High;
        assert_eq!(severity(&c2, Severity::High, at(date(2026, 1, 1))), (Severity::High, None));
        c2.first_seen = Some(date(2024, 1, 1));
        let expected = (Severity::Low, Some(731));
        assert_eq!(severity(&c2, Severity::High, at(date(2026, 1, 1))), expected);
    }

    #[test]
    fn a_name_does_not_age() {
        let name = ioc_feeds::name::Name::parse("evil.example").unwrap();
        let mut c2 = indicator(Pattern::Domain { name, scope: Default::default() });
        c2.confidence = Confidence::High;
        c2.last_seen = Some(date(2001, 1, 1));
        let expected = (Severity::Critical, None);
        assert_eq!(severity(&c2, Severity::Critical, at(date(2026, 1, 1))), expected);
    }

    #[test]
    fn weak_attribution_bounds_severity_and_a_canary_is_low() {
        let mut c2 = indicator(Pattern::Ja4("t13d".into()));
        let mut weigh = |confidence, role, threat| {
            (c2.confidence, c2.role) = (confidence, role);
            severity(&c2, threat, Timestamp::default()).0
        };
        assert_eq!(weigh(Confidence::Medium, Role::C2, Severity::Critical), Severity::High);
        assert_eq!(weigh(Confidence::Low, Role::C2, Severity::Critical), Severity::Medium);
        assert_eq!(weigh(Confidence::Low, Role::C2, Severity::Low), Severity::Low);
        assert_eq!(weigh(Confidence::High, Role::Sinkhole, Severity::High), Severity::High);
        assert_eq!(weigh(Confidence::High, Role::Canary, Severity::Critical), Severity::Low);
    }

    #[test]
    fn eve_knows_three_severities() {
        let all = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];
        assert_eq!(all.map(Severity::eve), [1, 1, 2, 3]);
        assert_eq!(all.map(Severity::as_str), ["critical", "high", "medium", "low"]);
    }

    proptest! {
        #[test]
        fn the_day_after_is_one_more(year in 1900_i16..2200, month in 1_u8..=12, day in 1_u8..28) {
            prop_assert_eq!(days(date(year, month, day)) + 1, days(date(year, month, day + 1)));
            let next = if month == 12 { date(year + 1, 1, 1) } else { date(year, month + 1, 1) };
            prop_assert_eq!(days(date(year, month, 0)) + 1, days(next));
        }

        #[test]
        fn any_date_and_time_give_a_severity(year: i16, month: u8, day: u8, nanos: i64) {
            let mut c2 = indicator(Pattern::Ip(address("192.0.2.1")));
            c2.last_seen = Some(date(year, month, day));
            prop_assert!(severity(&c2, Severity::High, Timestamp(nanos)).1 >= Some(0));
        }
    }
}
