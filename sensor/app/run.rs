//! The live sensor: a worker an interface, and the desk they all send to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::bounded;
use ioc_feeds::Date;

use super::AppError;
use super::desk::{Desk, Wishes};
use super::writer::Writer;
use crate::alert::{Origin, Outbox, WhenFull};
use crate::capture::live::{Live, LiveOptions};
use crate::capture::{CaptureError, Next, Source};
use crate::config::FeedSettings;
use crate::matching::reload::Published;
use crate::net::Timestamp;
use crate::sink::text::LineFormat;
use crate::worker::{Assignment, Worker};

/// How often a worker tells how it fares, in nanoseconds.
const PULSE_NANOS: u64 = 1_000_000_000;
/// What is to be watched, and how.
pub struct RunJob {
    /// Names of interfaces.
    pub interfaces: Vec<String>,
    /// How each is opened.
    pub live: LiveOptions,
    /// Indicators, and how new ones reach the workers.
    pub indicators: Arc<Published>,
    /// Where they are loaded from again.
    pub feeds: FeedSettings,
    /// Template for each worker; its origin is replaced.
    pub assignment: Assignment,
    /// Records the queue holds.
    pub queue: usize,
    /// How heartbeat lines are made.
    pub format: LineFormat,
    /// Nanoseconds between them.
    pub heartbeat_nanos: u64,
    /// Newest date among the indicators.
    pub newest: Option<Date>,
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
        Desk::new(job, writer, &wishes).serve(&records);
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
    let mut worker = Worker::new(assignment, job.indicators.latest().1.set, outbox);
    worker.follow(job.indicators.clone());
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
