//! A worker's thread of the live sensor: one socket from its first frame to the end of the run,
//! through every time that its interface is missing, switched off or gone.
//!
//! Owns when an interface is tried again and what is said of it meanwhile; a frame whose way ends
//! with a panic is passed on to the desk.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::Sender;
use wardwatch_record::{Message, Notice};

use super::notices::Circumstance;
use super::run::RunJob;
use crate::alert::outbox::Fault;
use crate::alert::{Origin, Outbox, Record};
use crate::capture::live::{Live, Moment, Port, now};
use crate::capture::{CaptureError, Drops, Frame};
use crate::lang;
use crate::net::Timestamp;
use crate::panics::Caught;
use crate::worker::Worker;

const SECOND: u64 = 1_000_000_000;
/// How often a worker tells how it fares, in nanoseconds.
const PULSE_NANOS: u64 = SECOND;
/// How often it is said again that an interface shows nothing.
const MINUTE: u64 = 60 * SECOND;
/// An interface that is gone is tried again after this time, then after twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a paused worker may overlook that it shall stop.
const BREATH: Duration = Duration::from_millis(100);
/// Places in the program whose faults a worker passes on, each once; all are counted.
const PLACES: usize = 16;
/// Bytes kept of a frame.
const KEPT: usize = 65_535;

/// What a worker lets others see of itself; written between batches of frames, never within one.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    turns: AtomicU64,
    sight: AtomicU8,
}

/// What a worker sees of its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Nothing: it is not open.
    Closed,
    /// Nothing: it is open, and down or without carrier.
    Down,
    /// Whatever comes.
    Up,
}

impl Gauge {
    /// Goes up as long as the worker is at work.
    pub(super) fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    pub(super) fn sight(&self) -> Sight {
        match self.sight.load(Ordering::Relaxed) {
            0 => Sight::Closed,
            1 => Sight::Down,
            _ => Sight::Up,
        }
    }

    pub(super) fn turn(&self) {
        self.turns.fetch_add(1, Ordering::Relaxed);
    }

    fn see(&self, sight: Sight) {
        self.sight.store(sight as u8, Ordering::Relaxed);
    }
}

/// A worker's thread and what it needs.
pub(super) struct Post<'a> {
    pub(super) job: &'a RunJob,
    pub(super) number: usize,
    /// Workers in all.
    pub(super) share: usize,
    pub(super) sender: Sender<Record>,
    /// What is said of the interface.
    pub(super) notices: Sender<Notice>,
    pub(super) stop: &'a AtomicBool,
    pub(super) gauge: &'a Gauge,
}

impl Post<'_> {
    /// Watches an interface, opened already or not yet, until the run is over.
    pub(super) fn watch(self, port: &Port, opened: Result<Live, CaptureError>) {
        let mut worker = self.worker(port);
        let (source, back) = match opened {
            Ok(source) => (Some(source), None),
            Err(error) => self.wait(port, &mut worker, &mut || port.open(), error, true),
        };
        if let Some(mut source) = source {
            self.gauge.see(Sight::Up);
            self.take_frames(&mut source, port, &mut worker, back);
            self.pulse(&mut worker, source.drops());
        }
        worker.finish();
    }

    fn worker(&self, port: &Port) -> Worker {
        let mut assignment = self.job.assignment.clone();
        assignment.origin = Origin::Interface(port.name().into());
        assignment.limits = assignment.limits.shared_by(self.share);
        let outbox = Outbox::new(self.sender.clone());
        let set = self.job.indicators.latest().1.set;
        let mut worker = Worker::new(assignment, set, outbox).without_copies();
        worker.follow(self.job.indicators.clone());
        #[cfg(debug_assertions)]
        if let Ok(bytes) = std::env::var("WARDWATCH_TEST_TRAP") {
            worker.set_trap(bytes.as_bytes(), false);
        }
        worker
    }

    fn take_frames(
        &self,
        source: &mut Live,
        port: &Port,
        worker: &mut Worker,
        mut unsaid: Option<Circumstance>,
    ) {
        let mut told = Timestamp::default();
        let mut link = LinkSaid { up: true, said: Timestamp::default() };
        let mut places = Vec::new();
        while !self.is_over() {
            self.gauge.turn();
            let taken = source.take(&mut |frame| {
                #[cfg(debug_assertions)]
                self.stall(frame);
                if let Err(caught) = worker.contained_frame(frame) {
                    self.pass_on(caught, frame, &mut places);
                }
            });
            let time = match taken {
                Ok(Moment::Busy(time)) => time,
                Ok(Moment::Waited) => continue,
                Ok(Moment::Idle(time)) => {
                    self.idle(worker, time, &mut places);
                    time
                }
                Err(error) => {
                    let drops = source.drops();
                    self.pulse(worker, drops);
                    let reopen = &mut || source.reopen();
                    unsaid = self.wait(port, worker, reopen, error, false).1;
                    continue;
                }
            };
            if time.since(told) >= PULSE_NANOS || time < told {
                told = time;
                self.pulse(worker, source.drops());
                self.tell_link(source, &mut link);
                unsaid = unsaid.filter(|notice| !self.say(notice));
            }
        }
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn pulse(&self, worker: &mut Worker, drops: Drops) {
        worker.pulse(self.number, drops);
    }

    fn idle(&self, worker: &mut Worker, time: Timestamp, places: &mut Vec<String>) {
        if let Err(caught) = worker.contained(|worker| worker.idle(time)) {
            self.pass_on(caught, &Frame::default(), places);
        }
    }

    /// Tells the desk of a fault, once a place in the program.
    #[cold]
    fn pass_on(&self, caught: Caught, frame: &Frame<'_>, places: &mut Vec<String>) {
        if places.len() >= PLACES || places.contains(&caught.place) {
            return;
        }
        let data = frame.data.get(..KEPT).unwrap_or(frame.data);
        let kept = (!data.is_empty()).then(|| (frame.link, frame.wire_length, data.to_vec()));
        let place = caught.place.clone();
        let fault = Box::new(Fault { caught, time: frame.time, frame: kept });
        if self.sender.try_send(Record::Fault(fault)).is_ok() {
            places.push(place);
        }
    }

    /// Tries to open an interface until it is open or the run is over, and says every minute that
    /// it is not. Answers also what could not be said yet because the queue was full.
    fn wait<T>(
        &self,
        port: &Port,
        worker: &mut Worker,
        open: &mut dyn FnMut() -> Result<T, CaptureError>,
        mut error: CaptureError,
        is_first_time: bool,
    ) -> (Option<T>, Option<Circumstance>) {
        self.gauge.see(Sight::Closed);
        let (mut said, mut pause, mut places) = (Timestamp::default(), FIRST_PAUSE, Vec::new());
        loop {
            let mut rested = Duration::ZERO;
            while rested < pause {
                if self.is_over() {
                    return (None, None);
                }
                let time = now();
                let due = time < said || time.since(said) >= MINUTE;
                if due && (!port.is_first() || self.say(&self.blind(port, &error, is_first_time))) {
                    said = time;
                }
                thread::sleep(BREATH);
                rested += BREATH;
                self.gauge.turn();
                self.idle(worker, now(), &mut places);
            }
            match open() {
                Ok(opened) => {
                    self.gauge.see(Sight::Up);
                    let back = Circumstance::Back(port.name().into());
                    let unsaid = port.is_first() && !self.say(&back);
                    return (Some(opened), unsaid.then_some(back));
                }
                Err(why) => (error, pause) = (why, (pause * 2).min(LONGEST_PAUSE)),
            }
        }
    }

    /// What is said of an interface that cannot be read.
    fn blind(&self, port: &Port, error: &CaptureError, is_first_time: bool) -> Circumstance {
        let interface = port.name().to_owned();
        match error {
            CaptureError::Interface { reason, .. } if !is_first_time => {
                let reason = Message::made(|language| lang::system(language, reason));
                Circumstance::Gone { interface, reason }
            }
            error => {
                let reason = Message::made(|language| lang::capture(language, error));
                match is_first_time {
                    true => Circumstance::Waiting(reason),
                    false => Circumstance::Gone { interface, reason },
                }
            }
        }
    }

    /// Says when the link goes, every minute while it is gone, and when it comes back. The socket
    /// survives both.
    fn tell_link(&self, source: &Live, link: &mut LinkSaid) {
        let Some(up) = source.is_up() else { return };
        self.gauge.see(if up { Sight::Up } else { Sight::Down });
        let time = now();
        let again = !up && (time < link.said || time.since(link.said) >= MINUTE);
        if up == link.up && !again {
            return;
        }
        let name = source.name().to_owned();
        let notice = if up { Circumstance::Up(name) } else { Circumstance::Down(name) };
        // Where the queue is full it is said at the next pulse.
        if !source.is_first() || self.say(&notice) {
            *link = LinkSaid { up, said: time };
        }
    }

    /// Says something, unless the queue is full.
    fn say(&self, notice: &Circumstance) -> bool {
        self.notices.try_send(notice.notice(now())).is_ok()
    }

    /// For tests: at a frame that holds what `WARDWATCH_TEST_STALL` says the worker stands still.
    #[cfg(debug_assertions)]
    fn stall(&self, frame: &Frame<'_>) {
        let Ok(bytes) = std::env::var("WARDWATCH_TEST_STALL") else { return };
        let holds = frame.data.windows(bytes.len().max(1)).any(|part| part == bytes.as_bytes());
        while holds && !self.is_over() {
            thread::sleep(BREATH);
        }
    }
}

/// What was last said of a link, and when.
struct LinkSaid {
    up: bool,
    said: Timestamp,
}
