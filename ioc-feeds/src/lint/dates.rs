//! Dates that cannot be meant: in the future, the wrong way round, or over.

use crate::{Date, Indicator, Reason};

/// What is wrong with the dates of a row on a day (days since 1970-01-01), the worst first.
pub fn examine(row: &Indicator, today: i64) -> Option<Reason> {
    let named = [("first_seen", row.first_seen), ("last_seen", row.last_seen)];
    for (column, date) in named {
        if let Some(date) = date.filter(|date| first_day(*date) > today) {
            return Some(Reason::new(
                format!("{column} {date} là ngày trong tương lai"),
                format!("{column} {date} lies in the future"),
            ));
        }
    }
    if let (Some(first), Some(last)) = (row.first_seen, row.last_seen)
        && last.epoch_day() < first_day(first)
    {
        return Some(Reason::new(
            format!("last_seen {last} sớm hơn first_seen {first}"),
            format!("last_seen {last} lies before first_seen {first}"),
        ));
    }
    let ends = row.expires?;
    if ends.epoch_day() < today {
        return Some(Reason::new(
            format!("đã hết hạn ngày {ends}: không còn cảnh báo"),
            format!("expired on {ends}: raises no alert any more"),
        ));
    }
    let first = row.first_seen.filter(|first| ends.epoch_day() < first_day(*first))?;
    Some(Reason::new(
        format!("expires {ends} sớm hơn first_seen {first}"),
        format!("expires {ends} lies before first_seen {first}"),
    ))
}

/// A month begins with its first day.
fn first_day(date: Date) -> i64 {
    Date { day: date.day.max(1), ..date }.epoch_day()
}

#[cfg(test)]
mod tests {
    use crate::format;
    use crate::lint::Lint;

    fn said(first: &str, last: &str, expires: &str) -> Option<String> {
        let text = format!(
            "indicator,type,first_seen,last_seen,expires\nevil.example,domain,{first},{last},{expires}\n"
        );
        let row = format::load_text("x", &text, Lint::Trusted).unwrap().indicators.remove(0);
        let today = crate::Date::parse("2026-11-27").unwrap().epoch_day();
        super::examine(&row, today).map(|reason| reason.to_string())
    }

    #[test]
    fn dates_that_cannot_be_meant_are_said() {
        for (dates, words) in [
            (("2026-11-28", "", ""), "first_seen 2026-11-28 lies in the future"),
            (("2026-12", "", ""), "future"),
            (("", "2030-01-01", ""), "last_seen 2030-01-01 lies in the future"),
            (("2026-05-02", "2026-05-01", ""), "before first_seen"),
            (("", "", "2026-11-26"), "expired on 2026-11-26"),
            (("", "", "2026-10"), "expired"),
        ] {
            let said = said(dates.0, dates.1, dates.2).unwrap_or_default();
            assert!(said.contains(words), "{dates:?}: {said}");
        }
    }

    #[test]
    fn dates_that_may_be_meant_are_silent() {
        for (first, last, expires) in [
            ("", "", ""),
            ("2026-11-27", "2026-11-27", "2026-11-27"),
            ("2026-11", "2026-11", "2026-11"),
            ("2026-11-03", "2026-11", ""),
            ("2024-01", "2024-01-05", "2027-01-01"),
        ] {
            assert_eq!(said(first, last, expires), None, "{first} {last} {expires}");
        }
    }
}
