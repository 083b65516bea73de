//! `wardwatch feeds export`: the indicators in the formats of other programs. What a format cannot
//! say is counted and named, never bent into something else.

mod lists;
mod structured;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use ioc_feeds::Indicator;
use ioc_feeds::format::native;

use super::feeds::{left_out, written};
use super::{complain, settings};
use crate::app::{AppError, clock, indicators};
use crate::cli::{ExportAs, FeedOptions, Global};
use crate::directory::{Directory, Owners};
use crate::lang;

pub(super) fn export(
    global: &Global,
    format: ExportAs,
    paths: &[PathBuf],
    to: Option<&std::path::Path>,
    options: &FeedOptions,
) -> Result<u8, AppError> {
    let settings = settings(global, options)?;
    let language = settings.language;
    let say = &mut |line: &dyn std::fmt::Display| complain(&line);
    let strict = indicators::Strict::Named;
    let mut stock = match paths {
        [] => indicators::feeds(&settings.feeds, strict, say)?,
        _ => indicators::Stock::default(),
    };
    for path in paths {
        stock.add(path, (language, strict), say)?;
    }
    left_out(&stock, language);
    let mut rows: Vec<Indicator> = Vec::new();
    for feed in stock.loaded {
        indicators::report(&feed, language, say);
        rows.extend(feed.indicators);
    }
    let mut bytes = Vec::new();
    let left = write(format, &rows, &mut bytes).map_err(|error| AppError::System {
        what: "cannot write the output",
        reason: crate::capture::describe(&error),
    })?;
    for (kind, count) in &left {
        complain(&lang::export_left_out(language, format.word(), kind, *count));
    }
    match to {
        None => written(BufWriter::new(io::stdout().lock()).write_all(&bytes)),
        Some(path) => {
            let done = Directory::of(path, &Owners::new(&[]))
                .and_then(|(directory, name)| directory.replace(&name, &bytes, 0o644));
            done.map(|()| 0).map_err(|error| super::unwritable(path, &error))
        }
    }
}

/// Kinds that a format cannot say, and of how many indicators.
type Left = BTreeMap<&'static str, usize>;

fn write(format: ExportAs, rows: &[Indicator], out: &mut Vec<u8>) -> io::Result<Left> {
    let today = clock::today().seconds();
    match format {
        ExportAs::Csv => native::write(rows, out).map(|()| Left::new()),
        ExportAs::Stix => structured::stix(rows, today, out),
        ExportAs::Misp => structured::misp(rows, today, out),
        ExportAs::Zeek => lists::zeek(rows, out),
        ExportAs::Suricata => lists::dataset(rows, out),
        ExportAs::Rules => lists::rules(rows, out),
        ExportAs::Plain => lists::plain(rows, out),
        ExportAs::Hosts => lists::hosts(rows, out),
        ExportAs::Rpz => lists::rpz(rows, out),
    }
}
