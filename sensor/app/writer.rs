//! The writer: takes records off the queue, enriches alerts, hands all to the sinks.

use std::io;

use ioc_feeds::threat::Threats;
use wardwatch_record::Notice;

use crate::alert::outbox::WorkerPulse;
use crate::alert::{Alert, Record};
use crate::enrich::Enricher;
use crate::enrich::fold::Fold;
use crate::net::Timestamp;
use crate::panics::{self, Caught};
use crate::sink::{Losses, Sink, Status, Trouble};

/// The threat of indicators that are there to test the sensor with.
const CANARY: &str = "canary";
/// Faults that wait to be told.
const FAULTS: usize = 256;

/// A fault of this program while a record was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriterFault {
    /// What happened.
    pub caught: Caught,
    /// The alert that was being written, in few words: not every destination has it.
    pub alert: Option<String>,
}

/// Enrichment and sinks of a run.
pub struct Writer<'s> {
    enricher: Enricher,
    fold: Fold,
    sinks: Vec<Box<dyn Sink + 's>>,
    /// Alerts taken so far.
    pub alerts: u64,
    /// Those of them that are of a canary.
    pub canaries: u64,
    /// When the last of these was seen.
    pub last_canary: Option<Timestamp>,
    /// Faults of this program that were caught here, since the start.
    pub caught: u64,
    /// Those that are not told yet.
    pub faults: Vec<WriterFault>,
    /// The latest of each worker.
    pub pulses: Vec<WorkerPulse>,
}

impl<'s> Writer<'s> {
    /// A writer to these sinks.
    pub fn new(enricher: Enricher, sinks: Vec<Box<dyn Sink + 's>>) -> Self {
        let (fold, pulses) = (Fold::new(1, 0), Vec::new());
        let (canaries, last_canary, caught, faults) = (0, None, 0, Vec::new());
        Self { enricher, fold, sinks, alerts: 0, canaries, last_canary, caught, faults, pulses }
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

    /// An alert that is a fault to write is written in few words: it must not be lost.
    fn tell(&mut self, alert: &Alert) -> io::Result<()> {
        self.alerts += 1;
        if alert.set.get(alert.indicator).is_some_and(|known| &*known.threat == CANARY) {
            self.canaries += 1;
            self.last_canary = Some(alert.sighting.time);
        }
        let Self { enricher, sinks, .. } = self;
        let told = panics::caught(|| match enricher.enrich(alert) {
            Some(full) => each(sinks, |sink| sink.alert(&full)),
            None => (Ok(()), None),
        });
        let (written, fault) = match told {
            Ok((written, fault)) => (written, fault),
            Err(caught) => (Ok(()), Some(caught)),
        };
        if let Some(caught) = fault {
            let (ours, peer) = (alert.ours.address, alert.peer.address);
            self.note(caught, Some(format!("{ours} -> {peer} {}", alert.seen)));
        }
        written
    }

    fn note(&mut self, caught: Caught, alert: Option<String>) {
        self.caught += 1;
        if self.faults.len() < FAULTS {
            self.faults.push(WriterFault { caught, alert });
        }
    }

    /// Lets every sink do something. A sink's fault is noted and costs the others nothing.
    fn all(&mut self, act: impl FnMut(&mut dyn Sink) -> io::Result<()>) -> io::Result<()> {
        let (written, fault) = each(&mut self.sinks, act);
        if let Some(caught) = fault {
            self.note(caught, None);
        }
        written
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
            Record::Event(event) => self.all(|sink| sink.event(&event)),
            Record::Fault(fault) => {
                self.note(fault.caught, None);
                Ok(())
            }
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

    /// Writes what the sensor says of itself.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub fn notice(&mut self, notice: &Notice) -> io::Result<()> {
        self.all(|sink| sink.notice(notice))
    }

    /// Hands everything to the system.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub fn flush(&mut self) -> io::Result<()> {
        self.all(|sink| sink.flush())
    }

    /// Hands the state of the sensor to every sink.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub fn status(&mut self, status: &Status) -> io::Result<()> {
        self.all(|sink| sink.status(status))
    }

    /// Hands what other programs are told of the sensor to every sink.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub fn report(&mut self, status: &wardwatch_record::Status) -> io::Result<()> {
        self.all(|sink| sink.report(status))
    }

    /// What did not reach a destination since the start.
    pub fn losses(&self) -> Losses {
        let mut losses = Losses::default();
        self.sinks.iter().for_each(|sink| losses.add(sink.losses()));
        losses
    }

    /// Opens every file anew.
    pub fn reopen(&mut self) {
        let _ = self.all(|sink| {
            sink.reopen();
            Ok(())
        });
    }

    /// Lets time pass for every sink. Returns what must be said.
    pub fn tend(&mut self, now: Timestamp) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        let _ = self.all(|sink| {
            sink.tend(now, &mut |trouble| troubles.push(trouble));
            Ok(())
        });
        troubles
    }
}

/// Tries every sink; the first error is the answer, and the first fault.
fn each<'s>(
    sinks: &mut [Box<dyn Sink + 's>],
    mut act: impl FnMut(&mut dyn Sink) -> io::Result<()>,
) -> (io::Result<()>, Option<Caught>) {
    let (mut first, mut fault) = (Ok(()), None);
    for sink in sinks {
        match panics::caught(|| act(sink.as_mut())) {
            Ok(result) => first = first.and(result),
            Err(caught) => fault = fault.or(Some(caught)),
        }
    }
    (first, fault)
}

#[cfg(test)]
mod tests;
