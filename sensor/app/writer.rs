//! The writer: takes records off the queue, enriches alerts, hands all to the sinks.

use std::io;

use ioc_feeds::threat::Threats;

use crate::alert::outbox::WorkerPulse;
use crate::alert::{Alert, Record};
use crate::enrich::Enricher;
use crate::enrich::fold::Fold;
use crate::net::Timestamp;
use crate::sink::{Losses, Sink, Status, Trouble};

/// Enrichment and sinks of a run.
pub struct Writer<'s> {
    enricher: Enricher,
    fold: Fold,
    sinks: Vec<Box<dyn Sink + 's>>,
    /// Alerts taken so far.
    pub alerts: u64,
    /// The latest of each worker.
    pub pulses: Vec<WorkerPulse>,
}

impl<'s> Writer<'s> {
    /// A writer to these sinks.
    pub fn new(enricher: Enricher, sinks: Vec<Box<dyn Sink + 's>>) -> Self {
        Self { enricher, fold: Fold::new(1, 0), sinks, alerts: 0, pulses: Vec::new() }
    }

    /// Tells contacts that several workers meet once.
    #[must_use]
    pub fn with_fold(mut self, fold: Fold) -> Self {
        self.fold = fold;
        self
    }

    /// Tells what is still folded. No worker may be left.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub fn finish(&mut self) -> io::Result<()> {
        let sums = self.fold.finish();
        self.tell_all(sums)
    }

    /// Every alert is tried, whatever becomes of the one before.
    #[allow(clippy::vec_box)] // as they come off the queue
    fn tell_all(&mut self, alerts: Vec<Box<Alert>>) -> io::Result<()> {
        let mut told = Ok(());
        for alert in alerts {
            let this = self.tell(&alert);
            told = told.and(this);
        }
        told
    }

    fn tell(&mut self, alert: &Alert) -> io::Result<()> {
        self.alerts += 1;
        match self.enricher.enrich(alert) {
            Some(full) => each(&mut self.sinks, |sink| sink.alert(&full)),
            None => Ok(()),
        }
    }

    /// Writes a record to every sink.
    ///
    /// # Errors
    /// The first error of a sink; every other sink has been tried by then.
    pub fn write(&mut self, record: Record) -> io::Result<()> {
        match record {
            Record::Alert(alert) => match self.fold.admit(alert) {
                Some(alert) => self.tell(&alert),
                None => Ok(()),
            },
            Record::Identity(fact) => {
                self.enricher.learn(*fact);
                Ok(())
            }
            Record::Notice(line) => self.notice(&line),
            Record::Event(event) => each(&mut self.sinks, |sink| sink.event(&event)),
            Record::Pulse(pulse) => {
                let overdue = self.fold.overdue(pulse.time);
                if self.pulses.len() <= pulse.worker {
                    self.pulses.resize_with(pulse.worker + 1, WorkerPulse::default);
                }
                if let Some(slot) = self.pulses.get_mut(pulse.worker) {
                    *slot = *pulse;
                }
                self.tell_all(overdue)
            }
        }
    }

    /// Speaks of threats in other words from now on.
    pub fn replace_threats(&mut self, threats: Threats) {
        self.enricher.replace_threats(threats);
    }

    /// Forgets who is who: what comes next is of another capture.
    pub fn begin_capture(&mut self) {
        self.enricher.forget_hosts();
    }

    /// Writes a line about the sensor itself.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub fn notice(&mut self, line: &str) -> io::Result<()> {
        each(&mut self.sinks, |sink| sink.notice(line))
    }

    /// Hands everything to the system.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub fn flush(&mut self) -> io::Result<()> {
        each(&mut self.sinks, |sink| sink.flush())
    }

    /// Hands the state of the sensor to every sink.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub fn status(&mut self, status: &Status) -> io::Result<()> {
        each(&mut self.sinks, |sink| sink.status(status))
    }

    /// What did not reach a destination since the start.
    pub fn losses(&self) -> Losses {
        let mut losses = Losses::default();
        self.sinks.iter().for_each(|sink| losses.add(sink.losses()));
        losses
    }

    /// Opens every file anew.
    pub fn reopen(&mut self) {
        for sink in &mut self.sinks {
            sink.reopen();
        }
    }

    /// Lets time pass for every sink. Returns what must be said.
    pub fn tend(&mut self, now: Timestamp) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        for sink in &mut self.sinks {
            sink.tend(now, &mut |trouble| troubles.push(trouble));
        }
        troubles
    }
}

/// Tries every sink; the first error is the answer.
fn each<'s>(
    sinks: &mut [Box<dyn Sink + 's>],
    mut act: impl FnMut(&mut dyn Sink) -> io::Result<()>,
) -> io::Result<()> {
    let mut first = Ok(());
    for sink in sinks {
        let result = act(sink.as_mut());
        if first.is_ok() {
            first = result;
        }
    }
    first
}
