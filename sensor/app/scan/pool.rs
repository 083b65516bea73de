//! The threads of a scan: each does what is most pressing, for whichever capture.
//!
//! The captures that were begun first come first, because the writer waits for the first of them
//! and for no other. That also keeps the threads from waiting for each other: one that waits for
//! room in a later capture's queue leaves the earlier ones to the others, and the last thread that
//! is free always finds something to do for the first.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Sender, bounded};

use super::sharded::{Done, Sharded, Task};
use super::{Arrival, ScanJob, alone};

/// Sendings of records that may wait for the writer, for each capture.
const QUEUE: usize = 16;

/// Looks at [`Pool::changes`] before a thread that has nothing to do goes to sleep: some tens of
/// microseconds, in which something nearly always turns up. To wake a thread costs as much, for a
/// core that sleeps in a virtual machine more.
const LOOKS: u32 = 4096;

/// What the threads share.
pub(super) struct Pool<'j> {
    job: &'j ScanJob,
    desk: Mutex<Desk>,
    /// So many times something was claimed, done or begun.
    changes: AtomicU64,
    changed: Condvar,
    /// Threads that have nothing to do.
    idle: AtomicUsize,
}

struct Desk {
    /// Number of the next input.
    next: usize,
    /// Captures that several threads read, by number.
    open: Vec<Sharded>,
    /// Numbers of those that one thread reads, or is about to begin.
    alone: Vec<usize>,
    /// Threads that wait for something to do: waking nobody is a system call too.
    waiting: usize,
}

impl<'j> Pool<'j> {
    /// Nothing is begun yet.
    pub(super) fn new(job: &'j ScanJob) -> Self {
        let desk = Desk { next: 0, open: Vec::new(), alone: Vec::new(), waiting: 0 };
        let (changes, changed, idle) = (AtomicU64::new(0), Condvar::new(), AtomicUsize::new(0));
        Self { job, desk: Mutex::new(desk), changes, changed, idle }
    }

    /// Works until no input is left. One call is one thread, which announces to the writer what
    /// it begins; when the last has left, the writer knows that no more will come.
    pub(super) fn work(&self, arrivals: Sender<Arrival>) {
        let _let_go = LetGo(self);
        let mut desk = self.lock();
        loop {
            if let Some((number, task)) = desk.claim(self.job, self.idle.load(Ordering::Relaxed)) {
                drop(desk);
                let done = task.run(self.job, &self.idle);
                desk = self.lock();
                desk.take_in(number, done);
            } else if let Some(number) = desk.next_input(self.job, arrivals.is_full()) {
                drop(desk);
                let begun = self.begin(number, &arrivals);
                desk = self.lock();
                desk.alone.retain(|alone| *alone != number);
                desk.open.extend(begun);
                desk.open.sort_by_key(|capture| capture.number);
            } else if desk.is_over(self.job) {
                return;
            } else {
                desk = self.wait(desk);
                continue;
            }
            self.changes.fetch_add(1, Ordering::Release);
            if desk.waiting > 0 {
                self.changed.notify_all();
            }
        }
    }

    /// Waits until there may be something to do.
    fn wait<'d>(&'d self, desk: MutexGuard<'d, Desk>) -> MutexGuard<'d, Desk> {
        let seen = self.changes.load(Ordering::Acquire);
        self.idle.fetch_add(1, Ordering::Relaxed);
        drop(desk);
        for _ in 0..LOOKS {
            if self.changes.load(Ordering::Acquire) != seen {
                break;
            }
            std::hint::spin_loop();
        }
        let mut desk = self.lock();
        desk.waiting += 1;
        if self.changes.load(Ordering::Acquire) == seen {
            desk = self.changed.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
        desk.waiting -= 1;
        self.idle.fetch_sub(1, Ordering::Relaxed);
        desk
    }

    /// Begins a capture: returns a large one, reads a small one to its end.
    fn begin(&self, number: usize, arrivals: &Sender<Arrival>) -> Option<Sharded> {
        let input = self.job.inputs.get(number)?;
        let (out, records) = bounded(QUEUE);
        let (done, end) = bounded(1);
        arrivals.send(Arrival { number, records, name: input.name(), end }).ok()?;
        let sharded = Sharded::begin(self.job, (number, input), (&out, &done));
        if sharded.is_none() {
            let _ = done.send(alone::read(self.job, input, &out));
        }
        sharded
    }

    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that panics takes what it had in hand with it, and the others and the writer would
/// wait for that for ever: everything is let go, so that the panic ends the scan.
struct LetGo<'p>(&'p Pool<'p>);

impl Drop for LetGo<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut desk = self.0.lock();
            desk.next = usize::MAX;
            desk.open.clear();
            desk.alone.clear();
            self.0.changes.fetch_add(1, Ordering::Release);
            self.0.changed.notify_all();
        }
    }
}

impl Desk {
    /// What is most pressing. A thread that has a capture to itself shares nothing with the
    /// others; so while there are captures for all of them, and none waits, each reads one alone.
    fn claim(&mut self, job: &ScanJob, idle: usize) -> Option<(usize, Task)> {
        let unbegun = job.inputs.len().saturating_sub(self.next);
        let apart = idle == 0 && self.open.len() + self.alone.len() + unbegun >= job.jobs;
        let open = self.open.iter().map(|capture| capture.number);
        let first = open.chain(self.alone.iter().copied()).min();
        for capture in &mut self.open {
            // The writer takes from the first capture; what is read of others must find room.
            let is_first = Some(capture.number) == first;
            if is_first || capture.has_room() {
                let whole = if apart { capture.claim_whole(is_first) } else { None };
                if let Some(task) = whole.or_else(|| capture.claim()) {
                    return Some((capture.number, task));
                }
            }
        }
        None
    }

    fn take_in(&mut self, number: usize, done: Done) {
        let Some(place) = self.open.iter().position(|capture| capture.number == number) else {
            return;
        };
        if self.open.get_mut(place).is_some_and(|capture| capture.take_in(done)) {
            self.open.remove(place);
        }
    }

    /// The next input, if another capture may be begun.
    fn next_input(&mut self, job: &ScanJob, full: bool) -> Option<usize> {
        let begun = self.open.len() + self.alone.len();
        // Who waits for the writer to take what is announced is missed where others are open.
        let waits = full && !self.open.is_empty();
        if begun >= job.jobs || waits || self.is_all_begun(job) {
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.alone.push(number);
        Some(number)
    }

    fn is_all_begun(&self, job: &ScanJob) -> bool {
        self.next >= job.inputs.len() || job.stop.load(Ordering::Relaxed)
    }

    fn is_over(&self, job: &ScanJob) -> bool {
        self.open.is_empty() && self.alone.is_empty() && self.is_all_begun(job)
    }
}
