//! Calendar days of reports, and how old one is at a moment. Owns no clock: the moment is given.

use std::fmt;
use std::str::FromStr;

use jiff::civil;

/// A calendar day, or a month when the day is not known (day 0).
///
/// Orders by year, month, day; a month-only date sorts before the days of its month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Year.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day, 1 to 31; 0 when only the month is known.
    pub day: u8,
}

/// A text that is no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no date: write YYYY-MM-DD or YYYY-MM")]
pub struct DateError;

impl Date {
    /// Reads `YYYY-MM-DD` or `YYYY-MM`, checked against the calendar.
    ///
    /// # Errors
    ///
    /// [`DateError`] for any other form, for a day the month has not, and for years before 1970.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let (year, month, day) = match text.as_bytes() {
            [year @ .., b'-', m0, m1] if year.len() == 4 => (year, [*m0, *m1], None),
            [year @ .., b'-', m0, m1, b'-', d0, d1] if year.len() == 4 => {
                (year, [*m0, *m1], Some([*d0, *d1]))
            }
            _ => return Err(DateError),
        };
        let (year, month) = (number(year)?, number(&month)?);
        let day = day.map(|day| number(&day)).transpose()?;
        if year < 1970 || day == Some(0) {
            return Err(DateError);
        }
        let small = |n: i16| u8::try_from(n).map_err(|_| DateError);
        let date = Self { year, month: small(month)?, day: small(day.unwrap_or(0))? };
        date.civil().map(|_| date).ok_or(DateError)
    }

    /// The UTC day of a moment; none outside the years 1970 to 9999.
    pub fn of_seconds(unix_seconds: i64) -> Option<Self> {
        let hours = i32::try_from(unix_seconds.div_euclid(86_400)).ok()?.checked_mul(24)?;
        let span = jiff::SignedDuration::from_hours(hours.into());
        let day = civil::date(1970, 1, 1).checked_add(span).ok()?;
        let small = |n: i8| u8::try_from(n).ok();
        (unix_seconds >= 0).then_some(())?;
        Some(Self { year: day.year(), month: small(day.month())?, day: small(day.day())? })
    }

    /// Days since 1970-01-01 of this day. A month without a day counts as its **last** day: a
    /// report of a month is never held to be older than it may be.
    pub fn epoch_day(self) -> i64 {
        let epoch = civil::date(1970, 1, 1);
        self.civil().map_or(0, |day| day.duration_since(epoch).as_hours().div_euclid(24))
    }

    /// Whole days from this day to the UTC day of `unix_seconds`; negative when the date lies in
    /// the future of that moment.
    pub fn age_in_days(self, unix_seconds: i64) -> i64 {
        unix_seconds.div_euclid(86_400) - self.epoch_day()
    }

    fn civil(self) -> Option<civil::Date> {
        let month = i8::try_from(self.month).ok()?;
        let day = i8::try_from(self.day).ok()?;
        let date = civil::Date::new(self.year, month, day.max(1)).ok()?;
        Some(if day == 0 { date.last_of_month() } else { date })
    }
}

/// A number of at most four digits.
fn number(digits: &[u8]) -> Result<i16, DateError> {
    digits.iter().try_fold(0, |value, digit| {
        if digit.is_ascii_digit() {
            Ok(value * 10 + i16::from(digit - b'0'))
        } else {
            Err(DateError)
        }
    })
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)?;
        if self.day > 0 { write!(f, "-{:02}", self.day) } else { Ok(()) }
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months_are_read_and_printed_alike() {
        for text in ["2024-02-29", "2024-02", "1970-01-01", "9999-12-31"] {
            assert_eq!(Date::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_forms_and_impossible_days_are_refused() {
        for text in [
            "",
            "2024",
            "24-01-01",
            "2024-1-1",
            "2024-13",
            "2024-00",
            "2023-02-29",
            "2024-01-00",
            "2024-01-01-01",
            "01/02/2024",
            "2024-01-01T00:00",
            "1969-12-31",
            "+024-01-01",
            "２０２４-01",
        ] {
            assert_eq!(Date::parse(text), Err(DateError), "{text}");
        }
    }

    #[test]
    fn age_is_counted_in_utc_days() {
        let day = Date::parse("1970-01-03").unwrap();
        assert_eq!(day.epoch_day(), 2);
        assert_eq!(day.age_in_days(3 * 86_400 - 1), 0);
        assert_eq!(day.age_in_days(3 * 86_400), 1);
        assert_eq!(day.age_in_days(0), -2);
        assert_eq!(Date::parse("2024-06-18").unwrap().epoch_day(), 19_892);
    }

    #[test]
    fn a_month_counts_as_its_last_day() {
        let month = Date::parse("2024-02").unwrap();
        assert_eq!(month.epoch_day(), Date::parse("2024-02-29").unwrap().epoch_day());
    }
}
