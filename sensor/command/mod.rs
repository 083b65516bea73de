//! Commands: one thin file each. They read settings, open what is named, hand over to `app`,
//! and turn the outcome into words and an exit code.

#[cfg(feature = "live")]
mod check;
#[cfg(feature = "live")]
mod doctor;
mod feeds;
#[cfg(feature = "live")]
mod run;
mod scan;
mod selftest;
#[cfg(feature = "live")]
mod status;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::app::AppError;
use crate::app::indicators::{self, Indicators};
use crate::cli::{Cli, Command, Global};
use crate::config::{self, Overrides, Settings};
use crate::lang;
use crate::panics;
use crate::sink::escape;

/// Runs the command line; prints an error once.
pub fn main() -> ExitCode {
    panics::keep_quiet_when_caught();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
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

/// Help and usage errors. An error repeats arguments, whose letters must not move a cursor.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        error.exit();
    }
    // The same with arguments that are harmless.
    let plain = std::env::args_os().map(|arg| escape::line(&arg.to_string_lossy()).into_owned());
    let text = match Cli::try_parse_from(plain) {
        Err(same) => same.render().to_string(),
        Ok(_) => escape::line(&error.render().to_string()).into_owned(),
    };
    for line in text.lines() {
        let _ = writeln!(io::stderr(), "{}", escape::line(line));
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Says what went wrong, on standard error. A standard error that is gone is nobody to tell.
fn complain(error: &dyn std::fmt::Display) {
    // Names of files and feeds are whatever somebody called them.
    let _ = writeln!(io::stderr(), "wardwatch: {}", escape::line(&error.to_string()));
}

/// Loads the indicators of a command; what could not be loaded is said on standard error.
fn load(settings: &Settings, global: &Global) -> Result<Indicators, AppError> {
    let loaded = indicators::load(&settings.feeds, &mut |line| complain(&line))?;
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
    Ok(Settings::load(global.config.as_deref(), overrides)?)
}

/// Is this how writing to a reader that has gone away fails? It is not our failure.
fn is_closed(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}
