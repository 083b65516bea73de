//! `wardwatch feeds`: look at the indicators.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use ioc_feeds::format;

use super::{complain, difference, export, import, is_closed, lookup, settings};
use crate::app::indicators::{Stock, Strict, guard};
use crate::app::{AppError, indicators};
use crate::cli::{FeedOptions, Feeds, Global};
use crate::config;
use crate::directory::{Directory, Owners};
use crate::lang::{self, Language, Phrase};
use crate::matching::behaviour::Behaviours;
use crate::sink::escape;

pub(super) fn feeds(global: &Global, options: Feeds) -> Result<u8, AppError> {
    match options {
        Feeds::List { behaviours: true, feeds } => behaviours(global, &feeds),
        Feeds::List { behaviours: false, feeds } => list(global, &feeds),
        Feeds::Check { paths } => check(global, &paths),
        Feeds::Confirm { paths } => confirm(global, &paths),
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
    let stock = indicators::feeds(&settings.feeds, Strict::Named, &mut |line| complain(&line))?;
    left_out(&stock, settings.language);
    for feed in stock.loaded {
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
    let mut stock = Stock::default();
    let settings = settings(global, &FeedOptions { feeds: vec![], no_builtin_feeds: false })?;
    let say = &mut |line: &dyn std::fmt::Display| complain(&line);
    if paths.is_empty() {
        stock = indicators::feeds(&settings.feeds, Strict::Named, say)?;
    }
    for path in paths {
        stock.add(path, (settings.language, Strict::Named), say)?;
    }
    left_out(&stock, settings.language);
    let mut clean = stock.left_out.is_empty();
    let mut out = io::stdout().lock();
    for feed in &stock.loaded {
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

/// Names the files of directories that cannot be used.
pub(super) fn left_out(stock: &Stock, language: Language) {
    for one in &stock.left_out {
        complain(&lang::feed_left_out(language, &lang::feed(language, &one.error)));
    }
}

/// Writes down beside each feed that what it holds now is meant.
fn confirm(global: &Global, paths: &[PathBuf]) -> Result<u8, AppError> {
    let settings = settings(global, &FeedOptions { feeds: vec![], no_builtin_feeds: false })?;
    let language = settings.language;
    let mut stock = Stock::default();
    for path in paths {
        stock.add(path, (language, Strict::Named), &mut |line| complain(&line))?;
    }
    left_out(&stock, language);
    let mut out = io::stdout().lock();
    for (feed, path) in stock.files() {
        let file = guard::confirmation(path);
        let refused = |error: &io::Error| AppError::System {
            what: "cannot write what is confirmed beside the feed",
            reason: format!("{}: {}", file.display(), crate::capture::describe(error)),
        };
        let words = guard::words(path).unwrap_or_default();
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let owners = Owners::new(&[]);
        let directory = Directory::open(parent.unwrap_or_else(|| Path::new(".")), &owners);
        let directory = directory.map_err(|error| refused(&error))?;
        let name = file.file_name().unwrap_or_default();
        directory.replace(name, words.as_bytes(), 0o644).map_err(|error| refused(&error))?;
        let line = lang::feed_confirmed(language, path, feed.indicators.len());
        written(writeln!(out, "{}", escape::line(&line)))?;
    }
    Ok(u8::from(!stock.left_out.is_empty()))
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
