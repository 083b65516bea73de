//! `wardwatch doctor`: listens for some seconds and says what is wrong with this mirror port,
//! in plain words, with the command or setting that mends it.
//!
//! Gathers facts; what they mean is [`findings`]' to say. Sends nothing.

mod boot;
mod cases;
mod facts;
mod findings;
mod frames;
mod words;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, bounded};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::{complain, load_as, settings};
use crate::alert::event::EventKinds;
use crate::alert::{Origin, Outbox, Record};
use crate::app::indicators::Strict;
use crate::app::{AppError, clock};
use crate::capture::CaptureError;
use crate::capture::live::{Live, LiveOptions, Moment, interfaces, now};
use crate::cli::{Doctor, Global};
use crate::config::Settings;
use crate::directory::Owners;
use crate::lang::Language;
use crate::matching::IndicatorSet;
use crate::net::Timestamp;
use crate::privilege::successors;
use crate::sink::escape;
use crate::worker::{Assignment, Worker};
use facts::{Contact, Facts, Link};
use findings::{Finding, Severity, findings};
use frames::Frames;

const SECOND: u64 = 1_000_000_000;
/// Records the queue has room for; nobody reads them here but the pulse.
const QUEUE: usize = 1024;
const LOG_DIR: &str = "/var/log/wardwatch";

pub(super) fn doctor(global: &Global, options: Doctor) -> Result<u8, AppError> {
    let settings = settings(global, &options.feeds)?;
    let named = options.interface.clone().or_else(|| settings.interfaces.first().cloned());
    let Some(interface) = named else { return Err(AppError::WhichInterface(interfaces())) };
    let loaded = load_as(&settings, global, Strict::Nothing)?;
    loaded.warnings.iter().for_each(|text| complain(&text.in_language(settings.language)));
    let log_dir = options.log_dir.clone().or_else(|| settings.log_dir.clone());
    let log_dir = log_dir.unwrap_or_else(|| PathBuf::from(LOG_DIR));
    let owners = Owners::new(&successors(settings.user.as_deref(), &log_dir));
    let mut facts = Facts {
        log_error: facts::log_error(&log_dir, &owners),
        age_days: loaded.newest.all.map(|date| date.age_in_days(now().seconds())),
        contact: Contact::of(&settings.threats.contacts, now()),
        link: Link::of(&interface),
        boot: boot::Boot::of(&interface),
        interface: interface.clone(),
        ..Facts::default()
    };
    if let Ok(program) = std::env::current_exe() {
        facts.program = program;
    }
    // A port that is switched off cannot be opened, and one without carrier has nothing to say.
    if !facts.link.is_dead() {
        let live = LiveOptions { ring_bytes: settings.ring_bytes, filter: settings.filter.clone() };
        match Live::open(&interface, &live) {
            Ok(source) => listen(source, &settings, loaded.set, options.seconds, &mut facts)?,
            Err(CaptureError::Permission { .. }) => facts.permitted = false,
            Err(error) => return Err(error.into()),
        }
    }
    let stamped = facts.frames.last.and_then(|time| clock::fault(time, clock::built(), None));
    facts.clock = clock::fault(now(), clock::built(), loaded.newest.all).or(stamped);
    say(settings.language, &facts)
}

/// Prints what was found. True, as an exit code, if any of it is a problem.
fn say(language: Language, facts: &Facts) -> Result<u8, AppError> {
    let found = findings(facts);
    for finding in &found {
        print(&described(language, *finding, facts))?;
    }
    let worst = found.iter().any(|finding| finding.severity(facts) == Severity::Problem);
    print(match (worst, language) {
        (false, Language::Vi) => "Cổng sao chép này dùng được.",
        (false, Language::En) => "This mirror port can be used.",
        (true, Language::Vi) => "Cần sửa các lỗi trên, rồi chạy lại lệnh này.",
        (true, Language::En) => "Mend the problems above, then run this command again.",
    })?;
    Ok(u8::from(worst))
}

fn described(language: Language, finding: Finding, facts: &Facts) -> String {
    let head = match (finding.severity(facts), language) {
        (Severity::Problem, Language::Vi) => "LỖI",
        (Severity::Problem, Language::En) => "PROBLEM",
        (Severity::Note, Language::Vi) => "LƯU Ý",
        (Severity::Note, Language::En) => "NOTE",
    };
    let (what, remedy) = words::words(finding, language, facts);
    let (what, remedy) = (escape::line(&what), escape::line(&remedy));
    format!("{head} [{}] {what}\n  -> {remedy}", finding.id())
}

/// Takes in what passes, and asks the system what it knows of the interface.
fn listen(
    mut source: Live,
    settings: &Settings,
    set: Arc<IndicatorSet>,
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
    let outbox = Outbox::new(sender);
    let mut worker = Worker::new(assignment, set, outbox).without_copies();
    facts.frames = Frames::new(&facts::attribute(source.name(), "address"), settings.home.clone());
    facts.merges = source.merges();
    let stop = stop_flag()?;
    complain(&listening(settings.language, source.name(), seconds));
    let end = End { begun: now(), seconds, stop: &stop };
    hear(&mut source, &mut worker, &records, (&end, facts))?;
    facts.drops = source.drops();
    worker.pulse(0, facts.drops);
    for record in records.try_iter() {
        if let Record::Pulse(pulse) = record {
            facts.counters = pulse.counters;
            (facts.hosts, facts.clients) = (pulse.hosts, pulse.clients);
        }
    }
    facts.link = Link::after(source.name());
    Ok(())
}

/// When to stop: after so many seconds, or when whoever waits has had enough (Ctrl-C).
struct End<'a> {
    begun: Timestamp,
    seconds: u16,
    stop: &'a AtomicBool,
}

impl End<'_> {
    fn has_come(&self) -> bool {
        let over = now().since(self.begun) >= u64::from(self.seconds) * SECOND;
        over || self.stop.load(Ordering::Relaxed)
    }
}

/// Shows frames to the worker and to the facts until the end has come and the ring is empty.
fn hear(
    source: &mut Live,
    worker: &mut Worker,
    records: &Receiver<Record>,
    (end, facts): (&End<'_>, &mut Facts),
) -> Result<(), AppError> {
    let mut ended: Option<Timestamp> = None;
    loop {
        if ended.is_none() && end.has_come() {
            ended = Some(now());
        }
        let taken = source.take(&mut |frame| {
            facts.frames.take(frame);
            worker.frame(frame);
        });
        // Alerts are for `run` to tell.
        records.try_iter().for_each(drop);
        match taken {
            Ok(Moment::Idle(time)) => {
                worker.idle(time);
                if ended.is_some() {
                    return Ok(());
                }
            }
            Ok(Moment::Busy(time)) => facts.stamp_off = apart(time, now()) / SECOND,
            Ok(Moment::Waited) => {}
            // It went away meanwhile: that is a finding, and what was seen before it counts.
            Err(_) if Link::settled(source.name()).is_dead() => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        // A busy line never falls silent.
        if ended.is_some_and(|ended| now().since(ended) >= SECOND) {
            return Ok(());
        }
    }
}

fn apart(one: Timestamp, other: Timestamp) -> u64 {
    one.since(other).max(other.since(one))
}

/// Raised by Ctrl-C and TERM: then what was seen so far is judged.
fn stop_flag() -> Result<Arc<AtomicBool>, AppError> {
    let flag: Arc<AtomicBool> = Arc::default();
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, flag.clone()).map_err(|error| AppError::System {
            what: "cannot listen for signals",
            reason: error.to_string(),
        })?;
    }
    Ok(flag)
}

fn listening(language: Language, interface: &str, seconds: u16) -> String {
    match language {
        Language::Vi => {
            format!(
                "đang lắng nghe trên {interface} trong {seconds} giây (Ctrl-C: dừng và kết luận ngay)"
            )
        }
        Language::En => {
            format!("listening on {interface} for {seconds} seconds (Ctrl-C: stop and judge now)")
        }
    }
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
