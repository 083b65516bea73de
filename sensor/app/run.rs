//! The live sensor: workers, each with a socket, and the desk they all send to.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, ScopedJoinHandle};

use crossbeam_channel::bounded;

use super::AppError;
use super::desk::Desk;
use super::indicators::Newest;
use super::keep::Keep;
use super::notices::Circumstance;
use super::post::{Gauge, Post};
use super::wishes::Wishes;
use super::writer::Writer;
use crate::capture::CaptureError;
use crate::capture::live::{Live, LiveOptions, Port, now};
use crate::config::FeedSettings;
use crate::matching::reload::Published;
use crate::sink::text::LineFormat;
use crate::worker::Assignment;

/// Notices of a worker that wait to be said; what finds no room is said later.
const NOTICES: usize = 64;

/// What is to be watched, and how.
pub struct RunJob {
    /// Names of interfaces.
    pub interfaces: Vec<String>,
    /// Workers of each interface.
    pub workers: usize,
    /// How each is opened.
    pub live: LiveOptions,
    /// Indicators, and how new ones reach the workers.
    pub indicators: Arc<Published>,
    /// Where they are loaded from again.
    pub feeds: FeedSettings,
    /// Where the words of threats are loaded from again, if they have a file.
    pub threats: Option<PathBuf>,
    /// Template for each worker; its origin is replaced, and its limits are those of all workers
    /// together.
    pub assignment: Assignment,
    /// Records the queue holds.
    pub queue: usize,
    /// How heartbeat lines are made.
    pub format: LineFormat,
    /// Nanoseconds between them.
    pub heartbeat_nanos: u64,
    /// Newest dates among the indicators.
    pub newest: Newest,
    /// What is to be said in the log once it is open.
    pub notices: Vec<Circumstance>,
    /// Where the sensor keeps what it knows of itself.
    pub keep: Keep,
}

/// An interface that is to be watched, and what came of opening it.
pub type Opened = (Port, Result<Live, CaptureError>);

/// Opens every interface. Nothing is lost between this and [`run`]: the kernel's ring holds it. One
/// that is missing or switched off is waited for: after a power cut it may come up late.
///
/// # Errors
/// The first interface that cannot be captured or shared for a reason that no waiting mends.
pub fn open(
    interfaces: &[String],
    workers: usize,
    live: &LiveOptions,
) -> Result<Vec<Opened>, CaptureError> {
    let mut all = Vec::new();
    for name in interfaces {
        for port in Port::of(name, workers, live) {
            let opened = port.open();
            if let Err(
                error @ (CaptureError::Permission { .. }
                | CaptureError::Filter { .. }
                | CaptureError::Sharing { .. }),
            ) = opened
            {
                return Err(error);
            }
            all.push((port, opened));
        }
    }
    Ok(all)
}

/// Watches until a signal says stop. An interface that is not there or goes away is waited for.
///
/// # Errors
/// When the system refuses a thread or signals.
pub fn run(job: &RunJob, sources: Vec<Opened>, writer: Writer<'_>) -> Result<(), AppError> {
    let wishes = Wishes::register()?;
    let (sender, records) = bounded(job.queue);
    let (tell, notices) = bounded(job.notices.len() + sources.len() * NOTICES);
    for notice in &job.notices {
        let _ = tell.try_send(notice.notice(now()));
    }
    let share = sources.len();
    let names: Vec<_> = sources.iter().map(|(port, _)| port.name().to_owned()).collect();
    let gauges: Vec<_> = sources.iter().map(|_| Gauge::default()).collect();
    thread::scope(|scope| {
        let mut workers = Vec::new();
        for (number, ((port, opened), gauge)) in sources.into_iter().zip(&gauges).enumerate() {
            let (sender, notices, stop) = (sender.clone(), tell.clone(), &wishes.stop);
            let post = Post { job, number, share, sender, notices, stop, gauge };
            let worker = thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn_scoped(scope, move || post.watch(&port, opened));
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
        let workers_seen = names.into_iter().zip(&gauges).collect();
        Desk::new(job, writer, &wishes, workers_seen).serve(&records, &notices);
        joined(workers)
    })
}

/// A worker that panicked is a sensor that is half blind: said, and the exit code tells.
fn joined(workers: Vec<ScopedJoinHandle<'_, ()>>) -> Result<(), AppError> {
    let ended: Vec<_> = workers.into_iter().map(ScopedJoinHandle::join).collect();
    match ended.iter().any(Result::is_err) {
        true => Err(AppError::System {
            what: "a worker ended before its time",
            reason: "please report this, with the lines above".into(),
        }),
        false => Ok(()),
    }
}
