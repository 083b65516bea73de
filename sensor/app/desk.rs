//! The writer's thread of the live sensor: records off the queue, signals, and the hour.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

use super::AppError;
use super::run::RunJob;
use super::writer::Writer;
use crate::alert::Record;
use crate::capture::live::now;
use crate::lang::Phrase;
use crate::sink::heartbeat::{self, Pulse};
use crate::stats::{Counter, Counters};

/// How long the writer waits for a record before it looks at signals and the hour.
const PATIENCE: Duration = Duration::from_millis(100);

/// What signals have asked for.
pub(super) struct Wishes {
    pub(super) stop: Arc<AtomicBool>,
    reopen: Arc<AtomicBool>,
    print: Arc<AtomicBool>,
}

impl Wishes {
    pub(super) fn register() -> Result<Self, AppError> {
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

/// The writer's desk: records, signals and the hour.
pub(super) struct Desk<'a, 's> {
    job: &'a RunJob,
    writer: Writer<'s>,
    wishes: &'a Wishes,
}

impl<'a, 's> Desk<'a, 's> {
    pub(super) const fn new(job: &'a RunJob, writer: Writer<'s>, wishes: &'a Wishes) -> Self {
        Self { job, writer, wishes }
    }

    /// Serves until the last worker is gone.
    pub(super) fn serve(&mut self, records: &Receiver<Record>) {
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
        let finished = self.writer.finish();
        self.complain(finished);
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
