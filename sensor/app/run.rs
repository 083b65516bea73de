//! The live sensor: workers, each with a socket, and the desk they all send to.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use ioc_feeds::Date;

use super::AppError;
use super::desk::{Desk, Wishes};
use super::metrics::Metrics;
use super::notices::Notice;
use super::writer::Writer;
use crate::alert::{Origin, Outbox, Record};
use crate::capture::CaptureError;
use crate::capture::live::{Live, LiveOptions, Moment, now};
use crate::config::FeedSettings;
use crate::lang;
use crate::matching::reload::Published;
use crate::net::Timestamp;
use crate::sink::text::LineFormat;
use crate::worker::{Assignment, Worker};

/// How often a worker tells how it fares, in nanoseconds.
const PULSE_NANOS: u64 = 1_000_000_000;
/// An interface that is gone is tried again after this time, then after twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a paused worker may overlook that it shall stop.
const BREATH: Duration = Duration::from_millis(100);

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
    /// Newest date among the indicators.
    pub newest: Option<Date>,
    /// The metrics page, if it is served.
    pub metrics: Option<Metrics>,
    /// What is to be said in the log once it is open.
    pub notices: Vec<Notice>,
}

/// Opens every interface. Nothing is lost between this and [`run`]: the kernel's ring holds it.
///
/// # Errors
/// The first interface that cannot be opened, or cannot be shared by its workers.
pub fn open(job: &RunJob) -> Result<Vec<Live>, CaptureError> {
    let mut sockets = Vec::new();
    for name in &job.interfaces {
        sockets.extend(Live::open_shared(name, job.workers, &job.live)?);
    }
    Ok(sockets)
}

/// Watches until a signal says stop. An interface that goes away is waited for.
///
/// # Errors
/// When the system refuses a thread or signals.
pub fn run(job: &RunJob, sources: Vec<Live>, writer: Writer<'_>) -> Result<(), AppError> {
    let wishes = Wishes::register()?;
    let (sender, records) = bounded(job.queue.max(job.notices.len()));
    for notice in &job.notices {
        let _ = sender.try_send(notice.record(&job.format, now()));
    }
    let share = sources.len();
    thread::scope(|scope| {
        let mut workers = Vec::new();
        for (number, source) in sources.into_iter().enumerate() {
            let post = Post { job, number, share, sender: sender.clone(), stop: &wishes.stop };
            let worker = thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn_scoped(scope, move || post.watch(source));
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

/// A worker's thread and what it needs: one socket from its first frame to the end of the run.
struct Post<'a> {
    job: &'a RunJob,
    number: usize,
    /// Workers in all.
    share: usize,
    sender: Sender<Record>,
    stop: &'a AtomicBool,
}

impl Post<'_> {
    fn watch(self, mut source: Live) {
        let mut assignment = self.job.assignment.clone();
        assignment.origin = Origin::Interface(source.name().into());
        assignment.limits = assignment.limits.shared_by(self.share);
        let outbox = Outbox::new(self.sender.clone());
        let set = self.job.indicators.latest().1.set;
        let mut worker = Worker::new(assignment, set, outbox).without_copies();
        worker.follow(self.job.indicators.clone());
        let mut told = Timestamp::default();
        let mut up = true;
        let mut unsaid = None;
        while !self.is_over() {
            let time = match source.take(&mut |frame| worker.frame(frame)) {
                Ok(Moment::Busy(time)) => time,
                Ok(Moment::Waited) => continue,
                Ok(Moment::Idle(time)) => {
                    worker.idle(time);
                    time
                }
                Err(error) => {
                    unsaid = self.bring_back(&mut source, &mut worker, &error);
                    continue;
                }
            };
            if time.since(told) >= PULSE_NANOS || time < told {
                told = time;
                worker.pulse(self.number, source.drops());
                self.tell_link(&source, &mut up);
                unsaid = unsaid.filter(|notice| !self.say(notice));
            }
        }
        worker.pulse(self.number, source.drops());
        worker.finish();
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Tries to open an interface again until it is back or the run is over. Answers what could
    /// not be said yet because the queue was full.
    fn bring_back(
        &self,
        source: &mut Live,
        worker: &mut Worker,
        error: &CaptureError,
    ) -> Option<Notice> {
        let interface = source.name().to_owned();
        let language = self.job.format.language;
        let reason = match error {
            CaptureError::Interface { reason, .. } => lang::system(language, reason).to_owned(),
            other => lang::capture(language, other),
        };
        let gone = Notice::Gone { interface: interface.clone(), reason };
        let mut said = !source.is_first() || self.say(&gone);
        let mut pause = FIRST_PAUSE;
        loop {
            let mut rested = Duration::ZERO;
            while rested < pause {
                if self.is_over() {
                    return None;
                }
                thread::sleep(BREATH);
                rested += BREATH;
                worker.idle(now());
                said = said || self.say(&gone);
            }
            worker.pulse(self.number, source.drops());
            match source.reopen() {
                Ok(()) => break,
                Err(_) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
        Some(Notice::Back(interface)).filter(|back| source.is_first() && !self.say(back))
    }

    /// Says once when the link goes and once when it comes back. The socket survives both.
    fn tell_link(&self, source: &Live, up: &mut bool) {
        let Some(now_up) = source.is_up() else { return };
        if now_up == *up {
            return;
        }
        let name = source.name().to_owned();
        let notice = if now_up { Notice::Up(name) } else { Notice::Down(name) };
        // Where the queue is full it is said at the next pulse.
        if !source.is_first() || self.say(&notice) {
            *up = now_up;
        }
    }

    /// Says something, unless the queue is full.
    fn say(&self, notice: &Notice) -> bool {
        self.sender.try_send(notice.record(&self.job.format, now())).is_ok()
    }
}
