//! `wardwatch feeds diff`: what one list of indicators has that another has not.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use ioc_feeds::Indicator;

use super::feeds::{left_out, written};
use super::{complain, settings};
use crate::app::{AppError, indicators};
use crate::cli::{FeedOptions, Global};
use crate::lang;
use crate::sink::escape;

/// Indicators by type and value.
type Rows = BTreeMap<(String, &'static str), Indicator>;

/// Exit code 1 when they differ, as `diff` has it.
pub(super) fn difference(global: &Global, old: &Path, new: &Path) -> Result<u8, AppError> {
    let settings = settings(global, &FeedOptions { feeds: vec![], no_builtin_feeds: false })?;
    let language = settings.language;
    let load = |path: &Path| -> Result<Rows, AppError> {
        let say = &mut |line: &dyn std::fmt::Display| complain(&line);
        let mut stock = indicators::Stock::default();
        stock.add(path, (language, indicators::Strict::Named), say)?;
        left_out(&stock, language);
        let rows = stock.loaded.into_iter().flat_map(|feed| {
            indicators::report(&feed, language, &mut |line| complain(&line));
            feed.indicators
        });
        Ok(rows.map(|row| ((row.pattern.text(), row.pattern.kind()), row)).collect())
    };
    let (old, new) = (load(old)?, load(new)?);
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut added, mut removed, mut changed) = (0, 0, 0);
    let mut line = |sign: char, text: &str| {
        let text = format!("{sign} {text}");
        writeln!(out, "{}", escape::line(&text))
    };
    let mut outcome = Ok(());
    for (key, row) in &old {
        if outcome.is_err() {
            break;
        }
        match new.get(key) {
            None => {
                removed += 1;
                outcome = line('-', &described(row));
            }
            Some(now) if described(now) != described(row) => {
                changed += 1;
                outcome = line('~', &format!("{} => {}", described(row), facts(now)));
            }
            Some(_) => {}
        }
    }
    for (_, row) in new.iter().filter(|(key, _)| !old.contains_key(key)) {
        added += 1;
        outcome = outcome.and_then(|()| line('+', &described(row)));
    }
    let total = lang::feeds_differ(language, added, removed, changed);
    outcome = outcome.and_then(|()| line('=', &total)).and_then(|()| out.flush());
    written(outcome)?;
    Ok(u8::from(added + removed + changed > 0))
}

fn described(row: &Indicator) -> String {
    format!("{} {} {}", row.pattern.kind(), row.pattern, facts(row))
}

fn facts(row: &Indicator) -> String {
    let date =
        |date: Option<ioc_feeds::Date>| date.map_or_else(|| "-".into(), |date| date.to_string());
    let scope = row.pattern.scope().map_or("-", ioc_feeds::Scope::as_str);
    format!(
        "{scope} {} {} {} {} {}",
        row.threat,
        row.role,
        row.confidence,
        date(row.last_seen.or(row.first_seen)),
        date(row.expires)
    )
}
