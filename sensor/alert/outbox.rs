//! The sending end of the queue between a worker and the writer: bounded, lock-free.

use std::collections::VecDeque;

use crossbeam_channel::{Sender, TrySendError};

use super::throttle::FoldKey;
use super::{Alert, Event, Identity};
use crate::capture::Drops;
use crate::net::Timestamp;
use crate::stats::{Counter, Counters};

/// What goes over the queue.
#[derive(Debug)]
pub enum Record {
    /// An indicator was met.
    Alert(Box<Alert>),
    /// A message was read and its kind was asked for.
    Event(Box<Event>),
    /// A host said who it is; comes before the alerts that it explains.
    Identity(Box<Identity>),
    /// How a worker fares; each replaces the one before.
    Pulse(Box<WorkerPulse>),
    /// A line about the sensor itself, without its line end.
    Notice(String),
}

/// What a worker tells of itself about once a second.
#[derive(Clone, Debug, Default)]
pub struct WorkerPulse {
    /// Number of the worker.
    pub worker: usize,
    /// Its time.
    pub time: Timestamp,
    /// Its counts since the start.
    pub counters: Counters,
    /// What its source lost.
    pub drops: Drops,
    /// Hosts of ours it has seen.
    pub hosts: usize,
    /// Hosts of ours it has seen in a flow with the outside.
    pub clients: usize,
}

/// What a worker does when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Waits: a replay must give the same output every time, and a file does not run away.
    Wait,
    /// Goes on: alerts wait folded in the worker and are counted as delayed, events are dropped
    /// and counted. The kernel's ring must be emptied.
    GoOn,
}

/// Alerts that may wait in a worker. Beyond this the worker waits for the writer after all:
/// packets may then be lost (the kernel counts them), an alert never.
const WAITING: usize = 16_384;

/// A worker's way to the writer. Dropping it says that no more will come.
pub struct Outbox {
    sender: Sender<Record>,
    when_full: WhenFull,
    waiting: VecDeque<Box<Alert>>,
}

impl Outbox {
    /// An outbox over the sending end of a bounded channel.
    pub fn new(sender: Sender<Record>, when_full: WhenFull) -> Self {
        Self { sender, when_full, waiting: VecDeque::new() }
    }

    /// Sends an alert, after those that wait.
    pub fn alert(&mut self, alert: Box<Alert>, counters: &mut Counters) {
        counters.count(Counter::Alerts);
        self.flush();
        if self.waiting.is_empty() {
            if let Some(Record::Alert(alert)) = self.send(Record::Alert(alert)) {
                self.wait(alert, counters);
            }
        } else {
            self.wait(alert, counters);
        }
    }

    /// Sends an event record, or drops and counts it.
    pub fn event(&mut self, event: Box<Event>, counters: &mut Counters) {
        self.flush();
        if !self.waiting.is_empty() || self.send(Record::Event(event)).is_some() {
            counters.count(Counter::EventsDropped);
        }
    }

    /// Sends a fact about a host; false when the queue is full.
    pub fn identity(&mut self, identity: Box<Identity>) -> bool {
        self.flush();
        self.send(Record::Identity(identity)).is_none()
    }

    /// Tells how the worker fares; if the queue is full, the next time will do.
    pub fn pulse(&mut self, pulse: Box<WorkerPulse>) {
        self.flush();
        let _ = self.sender.try_send(Record::Pulse(pulse));
    }

    /// Tries to send what waits. Cheap when nothing does.
    pub fn flush(&mut self) {
        while let Some(alert) = self.waiting.pop_front() {
            if let Some(Record::Alert(alert)) = self.send(Record::Alert(alert)) {
                self.waiting.push_front(alert);
                return;
            }
        }
    }

    /// Sends everything that waits, waiting for the writer; the end of a worker.
    pub fn finish(mut self) {
        while let Some(alert) = self.waiting.pop_front() {
            if self.sender.send(Record::Alert(alert)).is_err() {
                return;
            }
        }
    }

    /// Gives the record back if the queue is full. A writer that is gone takes everything: there
    /// is nobody left to tell.
    fn send(&self, record: Record) -> Option<Record> {
        match self.when_full {
            WhenFull::Wait => {
                let _ = self.sender.send(record);
                None
            }
            WhenFull::GoOn => match self.sender.try_send(record) {
                Ok(()) | Err(TrySendError::Disconnected(_)) => None,
                Err(TrySendError::Full(record)) => Some(record),
            },
        }
    }

    fn wait(&mut self, alert: Box<Alert>, counters: &mut Counters) {
        counters.count(Counter::AlertsDelayed);
        let key = FoldKey::of(&alert);
        let is_same = |waiting: &Alert| {
            FoldKey::of(waiting) == key && std::sync::Arc::ptr_eq(&waiting.set, &alert.set)
        };
        if let Some(same) = self.waiting.iter_mut().find(|waiting| is_same(waiting)) {
            *same = alert;
            return;
        }
        if self.waiting.len() >= WAITING
            && let Some(oldest) = self.waiting.pop_front()
        {
            let _ = self.sender.send(Record::Alert(oldest));
        }
        self.waiting.push_back(alert);
    }
}
