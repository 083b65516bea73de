//! `wardwatch doctor`: listens for some seconds and says what is wrong with this mirror port,
//! in plain words, with the command or setting that mends it.
//!
//! Gathers facts; what they mean is [`findings`]' to say. Sends nothing.

mod facts;
mod findings;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crossbeam_channel::bounded;

use super::{load, settings};
use crate::alert::event::EventKinds;
use crate::alert::{Origin, Outbox, Record, WhenFull};
use crate::app::AppError;
use crate::capture::CaptureError;
use crate::capture::live::{Live, LiveOptions, Moment, interfaces, now};
use crate::cli::{Doctor, Global};
use crate::config::Settings;
use crate::lang::Language;
use crate::worker::{Assignment, Worker};
use facts::{Facts, Frames};
use findings::{Finding, Severity, findings};

const SECOND: u64 = 1_000_000_000;
/// Records the queue has room for; nobody reads them here but the pulse.
const QUEUE: usize = 1024;
const LOG_DIR: &str = "/var/log/wardwatch";

pub(super) fn doctor(global: &Global, options: Doctor) -> Result<u8, AppError> {
    let settings = settings(global, &options.feeds)?;
    let named = options.interface.clone().or_else(|| settings.interfaces.first().cloned());
    let Some(interface) = named else { return Err(AppError::WhichInterface(interfaces())) };
    let loaded = load(&settings, global)?;
    let mut facts = Facts { interface: interface.clone(), ..Facts::default() };
    facts.log_error = log_error(&options, &settings);
    facts.age_days = loaded.newest.map(|date| date.age_in_days(now().seconds()));
    match Live::open(&interface, &LiveOptions::default()) {
        Ok(source) => listen(source, &settings, loaded.set, options.seconds, &mut facts)?,
        Err(CaptureError::Permission { .. }) => facts.permitted = false,
        Err(error) => return Err(error.into()),
    }
    let found = findings(&facts);
    for finding in &found {
        print(&described(settings.language, *finding, &facts))?;
    }
    let worst = found.iter().any(|finding| finding.severity() == Severity::Problem);
    let end = match (worst, settings.language) {
        (false, Language::Vi) => "Cổng sao chép này dùng được.",
        (false, Language::En) => "This mirror port can be used.",
        (true, Language::Vi) => "Cần sửa các lỗi trên, rồi chạy lại lệnh này.",
        (true, Language::En) => "Mend the problems above, then run this command again.",
    };
    print(end)?;
    Ok(u8::from(worst))
}

fn described(language: Language, finding: Finding, facts: &Facts) -> String {
    let head = match (finding.severity(), language) {
        (Severity::Problem, Language::Vi) => "LỖI",
        (Severity::Problem, Language::En) => "PROBLEM",
        (Severity::Note, Language::Vi) => "LƯU Ý",
        (Severity::Note, Language::En) => "NOTE",
    };
    let (what, remedy) = finding.words(language, facts);
    format!("{head} [{}] {what}\n  -> {remedy}", finding.id())
}

/// Takes in what passes for so many seconds.
fn listen(
    mut source: Live,
    settings: &Settings,
    set: std::sync::Arc<crate::matching::IndicatorSet>,
    seconds: u16,
    facts: &mut Facts,
) -> Result<(), AppError> {
    let (sender, records) = bounded(QUEUE);
    let assignment = Assignment {
        limits: settings.limits,
        home: settings.home.clone(),
        events: EventKinds::default(),
        origin: Origin::Interface(source.name().into()),
    };
    let outbox = Outbox::new(sender, WhenFull::GoOn);
    let mut worker = Worker::new(assignment, set, outbox).without_copies();
    let address = format!("/sys/class/net/{}/address", source.name());
    let mut frames = Frames::new(fs::read_to_string(address).unwrap_or_default().trim());
    let begun = now();
    facts.up = source.is_up();
    while now().since(begun) < u64::from(seconds) * SECOND {
        let taken = source.take(&mut |frame| {
            frames.take(frame);
            worker.frame(frame);
        });
        if let Moment::Idle(time) = taken? {
            worker.idle(time);
        }
        // Alerts are for `run` to tell.
        records.try_iter().for_each(drop);
    }
    facts.frames = frames;
    facts.drops = source.drops();
    worker.pulse(0, facts.drops);
    for record in records.try_iter() {
        if let Record::Pulse(pulse) = record {
            facts.counters = pulse.counters;
            (facts.hosts, facts.clients) = (pulse.hosts, pulse.clients);
        }
    }
    facts.up = facts.up.and_then(|_| source.is_up());
    Ok(())
}

/// Why the log could not be written, tried with a file that is removed again.
fn log_error(options: &Doctor, settings: &Settings) -> Option<(PathBuf, String)> {
    let chosen = options.log_dir.clone().or_else(|| settings.log_dir.clone());
    let directory = chosen.unwrap_or_else(|| PathBuf::from(LOG_DIR));
    let trial = directory.join(".wardwatch-doctor");
    let tried = fs::write(&trial, b"wardwatch\n").and_then(|()| fs::remove_file(&trial));
    tried.err().map(|error| (Path::to_path_buf(&directory), crate::capture::describe(&error)))
}

fn print(line: &str) -> Result<(), AppError> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if !super::is_closed(&error) => Err(AppError::System {
            what: "cannot write the output",
            reason: crate::capture::describe(&error),
        }),
        Ok(()) | Err(_) => Ok(()),
    }
}
