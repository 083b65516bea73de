//! The sending end of the queue between a worker and the writer: bounded, lock-free.
//!
//! A worker of an interface sends each record at once. One that reads a capture keeps them, with
//! the number of the frame each came with, until whoever drives it takes them and sends them on
//! together: several workers may share a capture, and only the numbers say what came first.

use std::collections::VecDeque;

use crossbeam_channel::{Sender, TrySendError};

use super::throttle::FoldKey;
use super::{Alert, Event, Identity};
use crate::capture::{Drops, LinkType};
use crate::net::Timestamp;
use crate::panics::Caught;
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
    /// A fault of this program that was caught.
    Fault(Box<Fault>),
}

/// A panic that ended the way of a frame, and the frame.
#[derive(Clone, Debug, Default)]
pub struct Fault {
    /// Where, and what was said.
    pub caught: Caught,
    /// When the frame came.
    pub time: Timestamp,
    /// Its link type; its length on the wire; as much of it as is kept. None if there was none.
    pub frame: Option<(LinkType, u32, Vec<u8>)>,
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

/// Alerts that may wait in a worker. Beyond this the worker waits for the writer after all:
/// packets may then be lost (the kernel counts them), an alert never.
const WAITING: usize = 16_384;

/// A record and the number of the frame it came with.
pub type Kept = (u64, Record);

/// Where records go.
enum Way {
    /// To the writer at once. If the queue is full the worker goes on, because the kernel's ring
    /// must be emptied: alerts wait folded and are counted as delayed, events are dropped and
    /// counted.
    Queue(Sender<Record>),
    /// Nowhere until they are taken: a replay loses nothing and gives the same output every time.
    Kept(Vec<Kept>),
}

/// A worker's way to the writer. Dropping it says that no more will come.
pub struct Outbox {
    way: Way,
    /// Number of the frame in hand.
    frame: u64,
    waiting: VecDeque<Box<Alert>>,
}

impl Outbox {
    /// An outbox over the sending end of a bounded channel.
    pub fn new(sender: Sender<Record>) -> Self {
        Self { way: Way::Queue(sender), frame: 0, waiting: VecDeque::new() }
    }

    /// An outbox that keeps everything until it is taken.
    pub fn keeping() -> Self {
        Self { way: Way::Kept(Vec::new()), frame: 0, waiting: VecDeque::new() }
    }

    /// From now on records come with this frame.
    #[inline]
    pub const fn at_frame(&mut self, number: u64) {
        self.frame = number;
    }

    /// Takes what was kept, in order.
    pub fn take(&mut self) -> Vec<Kept> {
        match &mut self.way {
            Way::Kept(kept) => std::mem::take(kept),
            Way::Queue(_) => Vec::new(),
        }
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
        if let Way::Queue(sender) = &self.way {
            let _ = sender.try_send(Record::Pulse(pulse));
        }
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
            self.send_waiting(alert);
        }
    }

    /// Waits for the writer. One that is gone takes everything: there is nobody left to tell.
    fn send_waiting(&self, alert: Box<Alert>) {
        if let Way::Queue(sender) = &self.way {
            let _ = sender.send(Record::Alert(alert));
        }
    }

    /// Gives the record back if the queue is full. A writer that is gone takes everything.
    fn send(&mut self, record: Record) -> Option<Record> {
        match &mut self.way {
            Way::Kept(kept) => {
                kept.push((self.frame, record));
                None
            }
            Way::Queue(sender) => match sender.try_send(record) {
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
            self.send_waiting(oldest);
        }
        self.waiting.push_back(alert);
    }
}
