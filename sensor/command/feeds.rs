//! `wardwatch feeds`: look at the indicators.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use ioc_feeds::format;

use super::{complain, difference, export, import, is_closed, lookup, settings};
use crate::app::{AppError, indicators};
use crate::cli::{FeedOptions, Feeds, Global};
use crate::config;
use crate::lang::{self, Phrase};
use crate::matching::behaviour::Behaviours;
use crate::sink::escape;

pub(super) fn feeds(global: &Global, options: Feeds) -> Result<u8, AppError> {
    match options {
        Feeds::List { behaviours: true, feeds } => behaviours(global, &feeds),
        Feeds::List { behaviours: false, feeds } => list(global, &feeds),
        Feeds::Check { paths } => check(global, &paths),
        Feeds::Lookup { values, feeds } => lookup::lookup(global, &values, &feeds),
        Feeds::Import(options) => import::import(global, &options),
        Feeds::Export { format, paths, to, feeds } => {
            export::export(global, format, &paths, to.as_deref(), &feeds)
        }
        Feeds::Diff { old, new } => difference::difference(global, &old, &new),
    }
}

fn list(global: &Global, options: &FeedOptions) -> Result<u8, AppError> {
    let settings = settings(global, options)?;
    let mut rows = Vec::new();
    for feed in indicators::feeds(&settings.feeds, &mut |line| complain(&line))? {
        indicators::report(&feed, settings.language, &mut |line| complain(&line));
        rows.extend(feed.indicators);
    }
    written(format::native::write(&rows, BufWriter::new(io::stdout().lock())))
}

/// Each behaviour with its mode, severity, grade and report, explained in both languages.
fn behaviours(global: &Global, options: &FeedOptions) -> Result<u8, AppError> {
    let settings = settings(global, options)?;
    let table =
        Behaviours::load(&settings.feeds.behaviours).map_err(|error| config::behaviour(&error))?;
    let mut out = BufWriter::new(io::stdout().lock());
    let language = settings.language;
    for behaviour in table.all() {
        let severity = behaviour.alert_severity();
        let told = writeln!(
            out,
            "{}  {} ({}), {} ({severity}), {} {}\n  {}, {}\n  vi: {}\n  en: {}\n  {}\n",
            behaviour.name,
            behaviour.mode.as_str(),
            lang::mode(language, behaviour.mode.as_str()),
            lang::severity(language, severity),
            lang::phrase(language, Phrase::Grade),
            behaviour.grade.as_str(),
            settings.threats.get(&behaviour.threat).name.in_language(language),
            behaviour.malware,
            behaviour.text.vi,
            behaviour.text.en,
            behaviour.reference,
        );
        if told.is_err() {
            return written(told);
        }
    }
    written(out.flush())
}

fn check(global: &Global, paths: &[PathBuf]) -> Result<u8, AppError> {
    let mut loaded = Vec::new();
    let settings = settings(global, &FeedOptions { feeds: vec![], no_builtin_feeds: false })?;
    if paths.is_empty() {
        loaded = indicators::feeds(&settings.feeds, &mut |line| complain(&line))?;
    }
    for path in paths {
        let say = &mut |line: &dyn std::fmt::Display| complain(&line);
        loaded.extend(indicators::load_path(path, settings.language, say)?);
    }
    let mut clean = true;
    let mut out = io::stdout().lock();
    for feed in &loaded {
        clean &= feed.rejected_total() == 0;
        indicators::report(feed, settings.language, &mut |line| complain(&line));
        let threats: std::collections::BTreeSet<_> =
            feed.indicators.iter().map(|one| &*one.threat).collect();
        for threat in threats.into_iter().filter(|key| !settings.threats.contains(key)) {
            complain(&lang::unknown_threat(settings.language, &feed.feed, threat));
        }
        let (rejected, doubtful) = (feed.rejected_total(), feed.warnings_total());
        let numbers = [feed.indicators.len(), rejected, doubtful, feed.duplicates];
        let line = lang::feed_checked(settings.language, &feed.feed, numbers.map(|n| n as u64));
        written(writeln!(out, "{}", escape::line(&line)))?;
    }
    Ok(u8::from(!clean))
}

/// Success, also when nobody reads any more.
pub(super) fn written(result: io::Result<()>) -> Result<u8, AppError> {
    match result {
        Err(error) if !is_closed(&error) => Err(AppError::System {
            what: "cannot write the output",
            reason: crate::capture::describe(&error),
        }),
        Ok(()) | Err(_) => Ok(0),
    }
}
