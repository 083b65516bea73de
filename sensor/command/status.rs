//! `wardwatch status`: one screen that says whether the sensor lives, what it sees, and what to do about
//! each thing that is wrong.
//!
//! Reads the file that `run` replaces every few seconds; asks the sensor nothing and needs no right but
//! to read the log's directory.

mod judge;
mod words;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ioc_feeds::file;
use serde::Serialize;

use super::settings;
use crate::app::AppError;
use crate::capture::live::now;
use crate::cli::{FeedOptions, Global, Status};
use crate::sink::report::{LONGEST, NAME, Report};
use crate::sink::{Clock, escape};
use judge::{Judged, judge};

const LOG_DIR: &str = "/var/log/wardwatch";
/// Where systemd keeps what the unit of the package calls its runtime directory.
const RUNTIME: &str = "/run/wardwatch";

pub(super) fn status(global: &Global, options: &Status) -> Result<u8, AppError> {
    let settings = settings(global, &FeedOptions { feeds: Vec::new(), no_builtin_feeds: true })?;
    let chosen = options.log_dir.clone().or(settings.log_dir);
    let log = chosen.unwrap_or_else(|| PathBuf::from(LOG_DIR));
    let found = find(&log);
    let clock = Clock::local();
    let judged = judge(&found, now(), &clock);
    let text = match options.json {
        true => json(&found, &judged),
        false => words::screen(settings.language, &log, (&found, &judged), (now(), &clock)),
    };
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if !super::is_closed(&error) => Err(AppError::System {
            what: "cannot write the output",
            reason: crate::capture::describe(&error),
        }),
        Ok(()) | Err(_) => Ok(u8::from(!judged.wrong.is_empty())),
    }
}

/// What is known of the sensor of a log directory.
#[derive(Debug)]
enum Found {
    /// A report, and within how many seconds it should have been replaced.
    Report(Box<Report>, u64),
    /// None: no sensor has written there.
    Nothing,
    /// It cannot be read.
    Unreadable(String),
}

/// The newer of the reports in memory and on disk.
fn find(log: &Path) -> Found {
    let named = std::env::var_os("RUNTIME_DIRECTORY").map(PathBuf::from);
    let runtime = named.unwrap_or_else(|| RUNTIME.into());
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.into());
    let read = |directory: &Path| -> io::Result<Option<Report>> {
        let report = Report::parse(&file::read(&directory.join(NAME), LONGEST)?);
        Ok(report.filter(|report| whole(&report.log_dir) == whole(log)))
    };
    let (fresh, kept) = (read(&runtime).ok().flatten(), read(log));
    match (fresh, kept) {
        (Some(report), Ok(Some(kept))) if kept.alive > report.alive => {
            let every = kept.every_on_disk;
            Found::Report(Box::new(kept), every)
        }
        (Some(report), _) => {
            let every = report.every;
            Found::Report(Box::new(report), every)
        }
        (None, Ok(Some(kept))) => {
            let every = kept.every_on_disk;
            Found::Report(Box::new(kept), every)
        }
        (None, Ok(None)) => Found::Nothing,
        (None, Err(error)) if error.kind() == io::ErrorKind::NotFound => Found::Nothing,
        (None, Err(error)) => Found::Unreadable(crate::capture::describe(&error)),
    }
}

/// For programs: the report, and the names of what is wrong and of what is worth a look.
#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    report: Option<&'a Report>,
    alerts_today: u64,
    alerts_7_days: u64,
    wrong: Vec<&'static str>,
    hints: Vec<&'static str>,
}

fn json(found: &Found, judged: &Judged) -> String {
    let report = match found {
        Found::Report(report, _) => Some(&**report),
        _ => None,
    };
    let view = View {
        report,
        alerts_today: judged.today,
        alerts_7_days: judged.week,
        wrong: judged.wrong.iter().map(|fault| fault.id()).collect(),
        hints: judged.hints.iter().map(|fault| fault.id()).collect(),
    };
    let text = serde_json::to_string_pretty(&view).unwrap_or_default();
    // Names of interfaces may move a cursor; line ends are JSON's own.
    text.lines().map(|line| format!("{}\n", escape::line(line))).collect()
}
