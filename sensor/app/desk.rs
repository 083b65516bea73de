//! The writer's thread of the live sensor: records off the queue, signals, the minute and the
//! hour.

mod reloads;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use wardwatch_record::{Language, Message, Notice, Topic};

use super::at_work::{AtWork, Faults, Stuck, Turns};
use super::health::Health;
use super::indicators::Newest;
use super::ledger::Ledger;
use super::notify::{self, Watchdog};
use super::post::Gauge;
use super::reload::{Reloaded, Reloader};
use super::reminder::Reminder;
use super::run::RunJob;
use super::told::Told;
use super::trouble;
use super::wishes::Wishes;
use super::writer::{Writer, WriterFault};
use crate::alert::Record;
use crate::alert::outbox::Fault;
use crate::capture::live::now;
use crate::lang;
use crate::net::Timestamp;
use crate::panics;
use crate::sink::escape;
use crate::sink::file::{LineOut, Weight};
use crate::sink::stream::Stream;
use crate::sink::{Losses, Status, heartbeat};
use crate::stats::Counter;

/// How long the writer waits for a record before it looks at signals and the hour.
const PATIENCE: Duration = Duration::from_millis(100);
/// The same in nanoseconds: how often it looks while records keep coming.
const LOOK: u64 = 100_000_000;
const SECOND: u64 = 1_000_000_000;
/// How often the service manager is told how the sensor fares.
const TELL: u64 = 5 * SECOND;
/// How often the state of the sensor is written as a record.
const MINUTE: u64 = 60 * SECOND;

/// When each thing was last done.
struct Last {
    looked: Timestamp,
    beaten: Timestamp,
    recorded: Timestamp,
    judged: Timestamp,
    told: Timestamp,
}

/// The writer's desk: records, signals and the hour.
pub(super) struct Desk<'a, 's> {
    job: &'a RunJob,
    writer: Writer<'s>,
    wishes: &'a Wishes,
    health: Health,
    watchdog: Watchdog,
    started: Timestamp,
    last: Last,
    indicators: usize,
    newest: Newest,
    /// Standard error, which must not hold the writer up: a journal that hangs is no reason to.
    errors: Stream,
    told: Told,
    /// Opened once: later it may no longer be allowed.
    memory: Option<File>,
    workers: Vec<(String, &'a Gauge)>,
    at_work: AtWork,
    turns: Turns,
    ledger: Ledger<'a>,
    reminder: Reminder,
    faults: Faults,
    /// Faults that were caught here, beside those of workers and the writer.
    caught: u64,
}

impl<'a, 's> Desk<'a, 's> {
    pub(super) fn new(
        job: &'a RunJob,
        writer: Writer<'s>,
        wishes: &'a Wishes,
        workers: Vec<(String, &'a Gauge)>,
    ) -> Self {
        let now = now();
        let reminder = Reminder::new(job.format.threats.contacts.clone());
        let mut ledger = Ledger::new(&job.keep, job.format.clock.clone(), now);
        ledger.set_contacts(reminder.contacts());
        Self {
            job,
            writer,
            wishes,
            health: Health::new(now),
            watchdog: Watchdog::default(),
            started: now,
            last: Last {
                looked: now,
                beaten: now,
                recorded: now,
                judged: now,
                told: Timestamp::default(),
            },
            indicators: job.indicators.latest().1.set.len(),
            newest: job.newest,
            errors: Stream::stderr(),
            told: Told::default(),
            memory: File::open("/proc/self/statm").ok(),
            at_work: AtWork::new(&workers, now),
            workers,
            turns: Turns::new(),
            ledger,
            reminder,
            faults: Faults::default(),
            caught: 0,
        }
    }

    /// Serves until the last worker is gone, with the reload thread beside it.
    pub(super) fn serve(&mut self, records: &Receiver<Record>, notices: &Receiver<Notice>) {
        let (tell, reloads) = bounded(16);
        let done: Arc<AtomicBool> = Arc::default();
        let reloader = Reloader {
            feeds: self.job.feeds.clone(),
            threats: self.job.threats.clone(),
            published: self.job.indicators.clone(),
            wanted: self.wishes.reload.clone(),
            stop: done.clone(),
            tell,
        };
        let reload = thread::Builder::new().name("reload".into());
        if let Err(error) = reload.spawn(move || reloader.work()) {
            let reason = crate::capture::describe(&error);
            self.warn(Topic::Feeds, |l| lang::refused(l, lang::system(l, &reason)));
        }
        self.take_records(records, notices, &reloads);
        done.store(true, Ordering::Relaxed);
    }

    fn take_records(
        &mut self,
        records: &Receiver<Record>,
        notices: &Receiver<Notice>,
        reloads: &Receiver<Reloaded>,
    ) {
        self.beat(Topic::Started);
        notices.try_iter().for_each(|notice| self.note(&notice));
        self.remind(now());
        notify::ready();
        loop {
            match records.recv_timeout(PATIENCE) {
                Ok(record) => self.contained(|desk| desk.take(record, records.is_empty())),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.contained(|desk| notices.try_iter().for_each(|notice| desk.note(&notice)));
            let now = now();
            if now < self.last.looked || now.since(self.last.looked) >= LOOK {
                self.last.looked = now;
                self.contained(|desk| desk.look(now));
                for outcome in reloads.try_iter() {
                    self.contained(|desk| desk.reloaded(outcome));
                }
            }
        }
        notify::stopping();
        notices.try_iter().for_each(|notice| self.note(&notice));
        let finished = self.writer.finish();
        self.complain(finished);
        self.record();
        self.beat(Topic::Stopped);
        self.tend(now());
        self.ledger.note(&self.status(), &self.writer, &self.workers);
        self.ledger.close();
    }

    /// Does something; a panic ends it, is counted and said, and the desk goes on.
    fn contained(&mut self, act: impl FnOnce(&mut Self)) {
        if let Err(caught) = panics::caught(|| act(self)) {
            self.caught += 1;
            let _ = panics::caught(|| self.tell_fault(&WriterFault { caught, alert: None }));
        }
    }

    fn take(&mut self, record: Record, is_last: bool) {
        match record {
            Record::Fault(fault) => self.keep_frame(&fault),
            record => {
                let written = self.writer.write(record);
                self.complain(written);
            }
        }
        if is_last {
            let flushed = self.writer.flush();
            self.complain(flushed);
        }
    }

    /// A frame that could not be handled: said, once a place in the program, and kept if wanted.
    fn keep_frame(&mut self, fault: &Fault) {
        if !self.faults.is_new(&fault.caught) {
            return;
        }
        let kept = self.job.keep.keep_frame(fault).unwrap_or_else(|error| {
            let reason = crate::capture::describe(&error);
            self.warn(Topic::Fault, |language| lang::frame_not_kept(language, &reason));
            None
        });
        let what = fault.caught.to_string();
        self.warn(Topic::Fault, |language| lang::packet_failed(language, &what, kept.as_deref()));
    }

    fn tell_fault(&mut self, fault: &WriterFault) {
        let what = fault.caught.to_string();
        match &fault.alert {
            // Each of these is an alert that somebody must see.
            Some(alert) => self.warn(Topic::Fault, |l| lang::alert_failed(l, alert, &what)),
            None if self.faults.is_new(&fault.caught) => {
                self.warn(Topic::Fault, |language| lang::record_failed(language, &what));
            }
            None => {}
        }
    }

    /// Signals, the second, the minute and the hour.
    fn look(&mut self, now: Timestamp) {
        if let Some(seconds) = self.turns.turn() {
            self.stood_still(now, seconds);
        }
        match self.at_work.stuck(now, self.watchdog.patience(), &self.workers) {
            None => self.watchdog.turn(now),
            Some(Stuck { name, is_new: true }) => {
                self.warn(Topic::Fault, |language| lang::worker_stuck(language, &name));
            }
            Some(_) => {}
        }
        if self.wishes.reopen.swap(false, Ordering::Relaxed) {
            notify::reloading();
            self.writer.reopen();
        }
        self.tend(now);
        if self.wishes.print.swap(false, Ordering::Relaxed) {
            self.print();
        }
        if due(now, &mut self.last.judged, SECOND) {
            let status = self.status();
            self.write_down(&status);
            for warning in self.health.judge(&status) {
                self.warn(Topic::Traffic, |language| lang::warning(language, warning).into());
            }
            if due(now, &mut self.last.told, TELL) {
                let day = self.job.format.clock.day_of_month(now.0);
                notify::status(&self.health.line(self.job.format.language, &status, day));
            }
        }
        if due(now, &mut self.last.recorded, MINUTE) {
            self.record();
            self.remind(now);
        }
        if due(now, &mut self.last.beaten, self.job.heartbeat_nanos) {
            self.beat(Topic::Running);
        }
    }

    /// What the sensor knows of itself, and what the one before it did not see.
    fn write_down(&mut self, status: &Status) {
        for fault in std::mem::take(&mut self.writer.faults) {
            self.tell_fault(&fault);
        }
        if let Some(gap) = self.ledger.gap(status.time) {
            let clock = &self.job.format.clock;
            let packet = gap.last_packet.map(|time| clock.short(time.0));
            let times = (clock.short(gap.from.0), clock.short(gap.to.0));
            let text = |l| lang::unwatched(l, times.clone(), gap.clean, packet.clone());
            match gap.clean {
                true => self.inform(Topic::Gap, text),
                false => self.warn(Topic::Gap, text),
            }
        }
        self.ledger.note(status, &self.writer, &self.workers);
        if let Err(error) = self.ledger.write(status.time) {
            let reason = crate::capture::describe(&error);
            self.warn(Topic::Output, |language| lang::status_not_written(language, &reason));
        }
    }

    fn tend(&mut self, now: Timestamp) {
        let mut troubles = self.writer.tend(now);
        self.errors.tend(now, &mut |trouble| troubles.push(trouble));
        for trouble in troubles {
            self.note(&trouble::notice(&trouble, now));
        }
    }

    fn status(&self) -> Status {
        let time = now();
        let mut status = Status {
            time,
            uptime: time.since(self.started) / SECOND,
            indicators: self.indicators,
            newest: self.newest.all,
            newest_own: self.newest.own,
            age_days: self.newest.all.map(|date| date.age_in_days(time.seconds())),
            memory: self.memory.as_ref().and_then(resident),
            alerts: self.writer.alerts,
            losses: self.losses(),
            ..Status::default()
        };
        for pulse in &self.writer.pulses {
            status.counters.merge(&pulse.counters);
            status.drops.received += pulse.drops.received;
            status.drops.kernel += pulse.drops.kernel;
            status.drops.interface += pulse.drops.interface;
            status.hosts = status.hosts.max(pulse.hosts);
            status.clients = status.clients.max(pulse.clients);
        }
        status.counters.add(Counter::Panics, self.writer.caught + self.caught);
        status
    }

    fn stood_still(&mut self, now: Timestamp, seconds: u64) {
        let from = Timestamp(now.0.saturating_sub_unsigned(seconds.saturating_mul(SECOND)));
        let clock = &self.job.format.clock;
        let times = (clock.short(from.0), clock.short(now.0));
        self.warn(Topic::Gap, |language| lang::stood_still(language, times.clone()));
    }

    /// The state as a record: every minute and at the end.
    fn record(&mut self) {
        let status = self.status();
        let written = self.writer.status(&status);
        self.complain(written);
    }

    fn losses(&self) -> Losses {
        let mut losses = self.writer.losses();
        losses.add(self.errors.losses());
        losses
    }

    fn beat(&mut self, occasion: Topic) {
        let status = self.status();
        self.note(&heartbeat::notice(occasion, &status));
        self.ledger.note(&status, &self.writer, &self.workers);
        let written = self.writer.report(self.ledger.report());
        self.complain(written);
    }

    fn warn(&mut self, topic: Topic, say: impl Fn(Language) -> String) {
        self.note(&Notice::warning(now().0, topic, Message::made(say)));
    }

    fn inform(&mut self, topic: Topic, say: impl Fn(Language) -> String) {
        self.note(&Notice::information(now().0, topic, Message::made(say)));
    }

    /// Into the log; and on standard error, where the journal listens, but not a warning that was said
    /// there already and still stands.
    fn note(&mut self, notice: &Notice) {
        let written = self.writer.notice(notice).and_then(|()| self.writer.flush());
        self.complain(written);
        if self.told.is_new(notice) {
            self.say(&self.job.format.notice(notice));
        }
    }

    /// On standard error alone.
    fn say(&mut self, line: &str) {
        // It keeps what it cannot print.
        let line = escape::line(line);
        let _ = self.errors.line(format!("{line}\n").as_bytes(), Weight::Notice);
    }

    /// The same numbers as the `stats` record.
    fn print(&mut self) {
        let status = self.status();
        for figure in status.figures() {
            match figure.value {
                Some(value) => self.say(&format!("{} {value}", figure.name)),
                None => self.say(&format!("{} unknown", figure.name)),
            }
        }
    }

    /// Output that is no log (a pipe) and cannot be written is said on standard error; the
    /// sensor goes on.
    fn complain(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            let reason = crate::capture::describe(&error);
            self.say(&lang::not_written(self.job.format.language, &reason));
        }
    }
}

/// Has this much passed? Then it begins anew. A clock that was set back counts as "yes".
fn due(now: Timestamp, last: &mut Timestamp, every: u64) -> bool {
    let due = now < *last || now.since(*last) >= every;
    if due {
        *last = now;
    }
    due
}

/// Resident memory in bytes: the second number of statm, in pages.
fn resident(statm: &File) -> Option<u64> {
    let mut buffer = [0; 128];
    let length = statm.read_at(&mut buffer, 0).ok()?;
    let text = std::str::from_utf8(buffer.get(..length)?).ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
