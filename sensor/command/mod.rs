//! Commands: one thin file each. They read settings, open what is named, hand over to `app`,
//! and turn the outcome into words and an exit code.

#[cfg(feature = "live")]
mod check;
mod difference;
#[cfg(feature = "live")]
mod doctor;
mod export;
mod expression;
mod feeds;
mod import;
mod lookup;
#[cfg(feature = "live")]
mod run;
mod scan;
mod selftest;
#[cfg(feature = "live")]
mod status;
mod usage;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::app::AppError;
use crate::app::indicators::{self, Indicators, Strict};
use crate::cli::{Command, Global};
use crate::config::{self, Overrides, Settings};
use crate::lang;
use crate::panics;
use crate::sink::escape;
pub use usage::command as command_line;

/// Runs the command line; prints an error once.
pub fn main() -> ExitCode {
    panics::keep_quiet_when_caught();
    let cli = match usage::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let language = config::spoken(cli.global.lang.map(Into::into));
    let outcome = match cli.command {
        Command::Scan(options) => scan::scan(&cli.global, options),
        #[cfg(feature = "live")]
        Command::Run(options) => run::run(&cli.global, options),
        #[cfg(feature = "live")]
        Command::Status(options) => status::status(&cli.global, &options),
        #[cfg(feature = "live")]
        Command::Doctor(options) => doctor::doctor(&cli.global, options),
        Command::Selftest(options) => selftest::selftest(&cli.global, &options),
        Command::Feeds(options) => feeds::feeds(&cli.global, options),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            complain(&error.in_language(language));
            ExitCode::from(error.exit_code())
        }
    }
}

/// Says what went wrong, on standard error. A standard error that is gone is nobody to tell.
fn complain(error: &dyn std::fmt::Display) {
    // Names of files and feeds are whatever somebody called them.
    let _ = writeln!(io::stderr(), "wardwatch: {}", escape::line(&error.to_string()));
}

/// Loads the indicators of a command; what could not be loaded is said on standard error.
fn load(settings: &Settings, global: &Global) -> Result<Indicators, AppError> {
    let loaded = load_as(settings, global, Strict::Named)?;
    loaded.warnings.iter().for_each(|text| complain(&text.in_language(settings.language)));
    Ok(loaded)
}

/// The same, without the warnings.
fn load_as(settings: &Settings, global: &Global, strict: Strict) -> Result<Indicators, AppError> {
    let loaded = indicators::load(&settings.feeds, strict, None, &mut |line| complain(&line))?;
    if global.verbose {
        complain(&lang::loaded(settings.language, loaded.set.len()));
    }
    Ok(loaded)
}

/// The settings of a command.
fn settings(global: &Global, options: &crate::cli::FeedOptions) -> Result<Settings, AppError> {
    let overrides = Overrides {
        language: global.lang.map(Into::into),
        feeds: options.feeds.clone(),
        no_builtin_feeds: options.no_builtin_feeds,
    };
    let path = config::find(global.config.as_deref());
    let settings = Settings::load(path.as_deref(), overrides)?;
    settings.filter.as_deref().map_or(Ok(()), expression::asks_nobody)?;
    if global.verbose {
        let path = path.as_deref().map(Path::to_string_lossy);
        complain(&lang::configured_by(settings.language, path.as_deref()));
    }
    Ok(settings)
}

/// Why a file of ours is not written, with the directory where that is what is missing.
fn unwritable(path: &Path, error: &io::Error) -> AppError {
    let missing = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists());
    match missing {
        Some(directory) if error.kind() == io::ErrorKind::NotFound => {
            AppError::NoDirectory { path: path.into(), directory: directory.into() }
        }
        _ => AppError::Log { path: path.into(), reason: crate::capture::describe(error) },
    }
}

/// Is this how writing to a reader that has gone away fails? It is not our failure.
fn is_closed(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}
