//! The live sensor: a worker an interface, a writer, and signals.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

use super::AppError;
use super::writer::Writer;
use crate::alert::{Origin, Outbox, Record, WhenFull};
use crate::capture::live::{Live, LiveOptions, now};
use crate::capture::{CaptureError, Next, Source};
use crate::lang::Phrase;
use crate::matching::IndicatorSet;
use crate::net::Timestamp;
use crate::sink::heartbeat::{self, Pulse};
use crate::sink::text::LineFormat;
use crate::stats::{Counter, Counters};
use crate::worker::{Assignment, Worker};

/// How often a worker tells how it fares, in nanoseconds.
const PULSE_NANOS: u64 = 1_000_000_000;
/// How long the writer waits for a record before it looks at signals and the hour.
const PATIENCE: Duration = Duration::from_millis(100);

/// What is to be watched, and how.
pub struct RunJob {
    /// Names of interfaces.
    pub interfaces: Vec<String>,
    /// How each is opened.
    pub live: LiveOptions,
    /// Indicators.
    pub set: Arc<IndicatorSet>,
    /// Template for each worker; its origin is replaced.
    pub assignment: Assignment,
    /// Records the queue holds.
    pub queue: usize,
    /// How heartbeat lines are made.
    pub format: LineFormat,
    /// Nanoseconds between them.
    pub heartbeat_nanos: u64,
    /// Newest date among the indicators, as text.
    pub newest: String,
}

/// What signals have asked for.
struct Wishes {
    stop: Arc<AtomicBool>,
    reopen: Arc<AtomicBool>,
    print: Arc<AtomicBool>,
}

impl Wishes {
    fn register() -> Result<Self, AppError> {
        let wishes = Self { stop: Arc::default(), reopen: Arc::default(), print: Arc::default() };
        let register = |signal, flag: &Arc<AtomicBool>| {
            signal_hook::flag::register(signal, flag.clone()).map(drop).map_err(|error| {
                AppError::System { what: "cannot listen for signals", reason: error.to_string() }
            })
        };
        register(SIGTERM, &wishes.stop)?;
        register(SIGINT, &wishes.stop)?;
        register(SIGHUP, &wishes.reopen)?;
        register(SIGUSR1, &wishes.print)?;
        Ok(wishes)
    }
}

/// Opens every interface. Nothing is lost between this and [`run`]: the kernel's ring holds it.
///
/// # Errors
/// The first interface that cannot be opened.
pub fn open(job: &RunJob) -> Result<Vec<Live>, CaptureError> {
    job.interfaces.iter().map(|name| Live::open(name, &job.live)).collect()
}

/// Watches until a signal says stop or no interface is left.
///
/// # Errors
/// When the last interface has failed, or the system refuses a thread.
pub fn run(job: &RunJob, sources: Vec<Live>, writer: Writer<'_>) -> Result<(), AppError> {
    let wishes = Wishes::register()?;
    let (sender, records) = bounded(job.queue);
    thread::scope(|scope| {
        let mut workers = Vec::new();
        for (number, source) in sources.into_iter().enumerate() {
            let outbox = Outbox::new(sender.clone(), WhenFull::GoOn);
            let stop = &wishes.stop;
            let worker = thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn_scoped(scope, move || watch(job, number, source, outbox, stop));
            match worker {
                Ok(worker) => workers.push(worker),
                Err(error) => {
                    wishes.stop.store(true, Ordering::Relaxed);
                    return Err(AppError::System {
                        what: "cannot start a thread",
                        reason: error.to_string(),
                    });
                }
            }
        }
        // The workers hold the only senders: when the last is gone, the writer is done.
        drop(sender);
        Desk { job, writer, wishes: &wishes }.serve(&records);
        let failures = workers.into_iter().filter_map(|worker| worker.join().ok()?.err());
        match failures.last() {
            Some(failure) if !wishes.stop.load(Ordering::Relaxed) => Err(failure.into()),
            _ => Ok(()),
        }
    })
}

/// A worker's thread: one interface from its first frame to its last.
fn watch(
    job: &RunJob,
    number: usize,
    mut source: Live,
    outbox: Outbox,
    stop: &AtomicBool,
) -> Result<(), CaptureError> {
    let mut assignment = job.assignment.clone();
    assignment.origin = Origin::Interface(source.name().into());
    let mut worker = Worker::new(assignment, job.set.clone(), outbox);
    let mut told = Timestamp::default();
    let failure = loop {
        if stop.load(Ordering::Relaxed) {
            break None;
        }
        let time = match source.next_frame() {
            Ok(Next::Frame(frame)) => {
                worker.frame(&frame);
                frame.time
            }
            Ok(Next::Idle(now)) => {
                worker.idle(now);
                now
            }
            Ok(Next::End) => break None,
            Err(error) => break Some(error),
        };
        if time.since(told) >= PULSE_NANOS {
            told = time;
            worker.pulse(number, source.drops());
        }
    };
    worker.pulse(number, source.drops());
    worker.finish();
    failure.map_or(Ok(()), Err)
}

/// The writer's desk: records, signals and the hour.
struct Desk<'a, 's> {
    job: &'a RunJob,
    writer: Writer<'s>,
    wishes: &'a Wishes,
}

impl Desk<'_, '_> {
    fn serve(&mut self, records: &Receiver<Record>) {
        let mut beaten = now();
        self.beat(Phrase::Started);
        loop {
            match records.recv_timeout(PATIENCE) {
                Ok(record) => {
                    let written = self.writer.write(record);
                    self.complain(written);
                    if records.is_empty() {
                        let flushed = self.writer.flush();
                        self.complain(flushed);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.wishes.reopen.swap(false, Ordering::Relaxed) {
                let reopened = self.writer.reopen();
                self.complain(reopened);
            }
            if self.wishes.print.swap(false, Ordering::Relaxed) {
                self.print_counters();
            }
            if now().since(beaten) >= self.job.heartbeat_nanos {
                beaten = now();
                self.beat(Phrase::Running);
            }
        }
        self.beat(Phrase::Stopped);
    }

    fn pulse(&self) -> Pulse {
        let mut counters = Counters::default();
        let (mut dropped, mut hosts) = (0, 0);
        for pulse in &self.writer.pulses {
            counters.merge(&pulse.counters);
            dropped += pulse.drops.kernel + pulse.drops.interface;
            hosts = hosts.max(pulse.hosts);
        }
        let indicators = self.job.set.len();
        Pulse { counters, dropped, indicators, newest: self.job.newest.clone(), hosts }
    }

    fn beat(&mut self, occasion: Phrase) {
        let line = heartbeat::line(&self.job.format, now(), occasion, &self.pulse());
        let written = self.writer.notice(&line).and_then(|()| self.writer.flush());
        self.complain(written);
        say(&line);
    }

    fn print_counters(&self) {
        let counters = self.pulse().counters;
        for counter in Counter::ALL {
            say(&format!("{} {}", counter.name(), counters.get(*counter)));
        }
    }

    /// A log that cannot be written is said on standard error; the sensor goes on.
    fn complain(&self, written: io::Result<()>) {
        if let Err(error) = written {
            say(&format!("wardwatch: cannot write the log: {}", crate::capture::describe(&error)));
        }
    }
}

fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
