//! `wardwatch run -T`: refuses what a run would refuse, and leaves nothing behind: no file, no
//! directory, no lock.

use std::io;
use std::path::{Path, PathBuf};

use ioc_feeds::{Date, Message, file};

use super::run::{log_directory, streams};
use super::{complain, unwritable};
use crate::app::notices::Circumstance;
use crate::app::reminder::Reminder;
use crate::app::{AppError, clock, run};
use crate::capture::live::{LiveOptions, now};
use crate::cli::Run;
use crate::config::Settings;
use crate::directory::Owners;
use crate::lang;
use crate::privilege::{Refusal, Trial, trial};
use crate::sink::target::Target;

/// Everything that a run would open, tried.
pub(super) fn check(
    options: &Run,
    settings: &Settings,
    (names, workers, live): (&[String], usize, &LiveOptions),
    (owners, newest): (&Owners, Option<Date>),
) -> Result<u8, AppError> {
    let log = log_directory(options, settings);
    let mut files = vec![log.join("alerts.log")];
    match streams(options, settings, owners)? {
        Some((path, Target::File)) => files.push(path),
        Some(_) => {}
        None if settings.eve => files.push(log.join("eve.json")),
        None => {}
    }
    let user = settings.user.as_deref();
    let asked = Trial { user, sandbox: settings.sandbox, log: &log, files: &files };
    trial(&asked, owners).map_err(|refused| refusal_of(refused, settings))?;
    let opened = run::open(names, workers, live)?;
    let mut said: Vec<&str> = Vec::new();
    for (port, result) in &opened {
        if let Err(error) = result
            && !said.contains(&port.name())
        {
            said.push(port.name());
            let reason = Message::made(|language| lang::capture(language, error));
            complain(&Circumstance::Waiting(reason).text(settings.language));
        }
    }
    if let Some(fault) = clock::fault(now(), clock::built(), newest) {
        complain(&Circumstance::Clock(fault).text(settings.language));
    }
    if let Some(fault) = Reminder::new(settings.threats.contacts.clone()).fault(now()) {
        complain(&fault.text(settings.language));
    }
    complain(&lang::checked(settings.language));
    Ok(0)
}

fn refusal_of(refused: Refusal, settings: &Settings) -> AppError {
    match refused {
        Refusal::Rights(error) => AppError::Privilege(error),
        Refusal::Write { path, user: None, reason } => unwritable(&path, &reason),
        Refusal::Write { path, user: Some(user), reason } => {
            let reason = crate::capture::describe(&reason);
            let reason = lang::not_by_user(settings.language, &user, &reason, &directory(&path));
            AppError::Log { path, reason }
        }
    }
}

/// The directory to give away, for the remedy.
fn directory(path: &Path) -> String {
    let directory: PathBuf = match path.is_dir() {
        true => path.into(),
        false => path.parent().unwrap_or(path).into(),
    };
    directory.display().to_string()
}

/// Bytes of memory this machine has; none where it does not say.
pub(super) fn memory() -> Option<u64> {
    let text = file::read_text(Path::new("/proc/meminfo")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib.saturating_mul(1024))
}

/// Rings that would take more than three quarters of the memory.
pub(super) fn refuse_rings(bytes: usize, sockets: usize) -> Result<(), io::Error> {
    let wanted = (bytes as u64).saturating_mul(sockets as u64);
    match memory() {
        Some(memory) if wanted > memory / 4 * 3 => Err(io::Error::other(format!(
            "{} MiB / {} MiB",
            wanted / (1024 * 1024),
            memory / (1024 * 1024)
        ))),
        _ => Ok(()),
    }
}
