//! The sending end of the queue between a worker and the writer: bounded, lock-free.
//!
//! A worker of an interface sends each record at once. One that reads a capture keeps them, with
//! the number of the frame each came with, until whoever drives it takes them and sends them on
//! together: several workers may share a capture, and only the numbers say what came first.
//!
//! **The worker never waits for the writer.** What the queue has no room for waits in the worker
//! ([`waiting`](super::waiting)), folded with what it repeats, and beyond a bound counted in a
//! line for many: no packet is lost because a disk hangs, and no count is.

use crossbeam_channel::{Sender, TrySendError};

use super::waiting::Waiting;
use super::{Alert, Event, Identity};
use crate::frame::{Drops, LinkType};
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
    waiting: Waiting,
}

impl Outbox {
    /// An outbox over the sending end of a bounded channel.
    pub fn new(sender: Sender<Record>) -> Self {
        Self { way: Way::Queue(sender), frame: 0, waiting: Waiting::default() }
    }

    /// An outbox that keeps everything until it is taken.
    pub fn keeping() -> Self {
        Self { way: Way::Kept(Vec::new()), frame: 0, waiting: Waiting::default() }
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

    /// Sends an alert, after those that wait. Never waits itself.
    pub fn alert(&mut self, alert: Box<Alert>, counters: &mut Counters) {
        counters.count(Counter::Alerts);
        self.flush();
        let unsent = match self.waiting.is_empty() {
            true => self.send(Record::Alert(alert)),
            false => Some(Record::Alert(alert)),
        };
        if let Some(Record::Alert(alert)) = unsent {
            counters.count(Counter::AlertsDelayed);
            if !self.waiting.push(alert) {
                counters.count(Counter::AlertsOverflowed);
            }
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
        while let Some(alert) = self.waiting.pop() {
            if let Some(Record::Alert(alert)) = self.send(Record::Alert(alert)) {
                self.waiting.put_back(alert);
                return;
            }
        }
    }

    /// Sends everything that waits, waiting for the writer; the end of a worker, for which no more
    /// packets come.
    pub fn finish(mut self) {
        while let Some(alert) = self.waiting.pop() {
            if let Way::Queue(sender) = &self.way {
                // A writer that is gone takes everything: there is nobody left to tell.
                let _ = sender.send(Record::Alert(alert));
            }
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
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crossbeam_channel::bounded;

    use super::*;
    use crate::alert::testing::{alert, set_of};

    #[test]
    #[allow(clippy::disallowed_methods)] // a writer is another thread
    fn a_writer_that_stands_still_holds_nobody_up_and_loses_no_count() {
        let rows: Vec<String> = (0..2).map(|n| format!("{n}.test,domain,threat-{n}")).collect();
        let set = set_of(&rows);
        let (sender, records) = bounded(4);
        let (mut outbox, mut counters) = (Outbox::new(sender), Counters::default());
        let mut pairs = BTreeSet::new();
        // Ten thousand pairs of host and threat, each many times, and nobody takes anything.
        for round in 0..4 {
            for host in 0..10_000 {
                let mut alert = alert(&set, (host, host % 2), Timestamp::new(1 + round, host));
                alert.peer.port = 53;
                alert.peer.address = crate::net::Address::v4([198, 51, 100, round as u8]);
                pairs.insert((alert.ours.address, alert.indicator));
                outbox.alert(alert, &mut counters);
            }
        }
        assert_eq!(counters.get(Counter::Alerts), 40_000);
        assert!(counters.get(Counter::AlertsOverflowed) > 20_000);
        let told = std::thread::scope(|scope| {
            let writer = scope.spawn(|| records.iter().collect::<Vec<_>>());
            outbox.finish();
            writer.join().unwrap()
        });
        let mut sum = 0;
        for record in &told {
            let Record::Alert(alert) = record else { panic!("{record:?}") };
            sum += alert.count;
            if alert.crowd.is_none() {
                pairs.remove(&(alert.ours.address, alert.indicator));
            }
        }
        assert_eq!(sum, 40_000, "every one is counted");
        assert!(pairs.is_empty(), "each host has a line of its own for each threat");
        assert!(told.len() < 20_000, "{}", told.len());
    }
}
