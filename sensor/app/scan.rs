//! Reading captures: several threads if asked, with output in the order of the inputs.
//!
//! A thread reads one recording: a capture, or several that follow each other (`recordings.rs`).
//! Every recording is read from nothing (`read.rs`), so the answer for it never depends on its
//! neighbours, and any number of jobs gives the same bytes.

mod read;
mod recordings;
mod search;

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use indicatif::ProgressBar;

use super::AppError;
use super::writer::Writer;
use crate::capture::{CaptureError, LinkType};
use crate::decode::LinkTypes;
use crate::matching::IndicatorSet;
use crate::panics::Caught;
use crate::stats::Counters;
use crate::worker::Assignment;
use read::Told;

pub use recordings::{Recording, recordings};
pub use search::{Found, inputs};

/// Batches of records that may wait for the writer, for each recording.
const QUEUE: usize = 16;

/// Something to read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A capture file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Input {
    /// How records and messages name it.
    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "-".into(),
        }
    }

    /// Is it read as its bytes arrive?
    fn is_pipe(&self) -> bool {
        match self {
            Self::File(path) => path.metadata().is_ok_and(|file| file.file_type().is_fifo()),
            Self::Stdin => true,
        }
    }
}

/// What is to be done.
pub struct ScanJob {
    /// Recordings, in order.
    pub recordings: Vec<Recording>,
    /// BPF expression.
    pub filter: Option<String>,
    /// Indicators.
    pub set: Arc<IndicatorSet>,
    /// Template for each worker; its origin is replaced.
    pub assignment: Assignment,
    /// Threads that read.
    pub jobs: usize,
    /// Shown while reading.
    pub progress: ProgressBar,
    /// Bytes of files read so far, as they are packed.
    pub bytes: Arc<AtomicU64>,
    /// Set from outside to stop early; everything read so far is still reported.
    pub stop: Arc<AtomicBool>,
}

/// What came of a scan.
#[derive(Debug, Default)]
pub struct ScanOutcome {
    /// Counts over all captures.
    pub counters: Counters,
    /// Frames of each link type that is not decoded.
    pub undecoded: LinkTypes,
    /// Captures that could not be read, or not to their end.
    pub failures: Vec<CaptureError>,
    /// Captures that were read until nothing more could be read of them.
    pub captures: usize,
    /// The reader of our output has gone away.
    pub closed: bool,
}

/// One recording: what its thread tells, until it hangs up.
struct Arrival {
    number: usize,
    told: Receiver<Told>,
}

/// What is said of a capture while others are still read.
#[derive(Debug)]
pub enum Remark<'a> {
    /// It could not be read, or not to its end.
    Failure(&'a CaptureError),
    /// A frame could not be handled: a fault of this program.
    Fault {
        /// The capture.
        name: &'a str,
        /// Number of the frame in it.
        frame: u64,
        /// What happened.
        caught: &'a Caught,
    },
    /// Frames of it are of a link type that is not decoded.
    Undecoded {
        /// The capture.
        name: &'a str,
        /// The link type.
        link: LinkType,
        /// Frames of it.
        frames: u64,
    },
}

/// Reads every recording and writes what is found.
///
/// # Errors
/// When the output cannot be written; a capture that cannot be read is a
/// [`ScanOutcome::failures`] and spoils no other.
pub fn scan(
    job: &ScanJob,
    writer: &mut Writer<'_>,
    mut report: impl FnMut(&Remark<'_>),
) -> Result<ScanOutcome, AppError> {
    let (sender, arrivals) = bounded(job.jobs);
    let next = AtomicUsize::new(0);
    let mut outcome = ScanOutcome::default();
    let written = thread::scope(|scope| {
        for _ in 0..job.jobs.min(job.recordings.len()) {
            let (next, sender) = (&next, sender.clone());
            scope.spawn(move || work(job, next, &sender));
        }
        drop(sender);
        let written = write_in_order(&arrivals, writer, &mut outcome, &mut report);
        if written.is_err() {
            job.stop.store(true, Ordering::Relaxed);
            // Readers wait for room in their queues; there is none left to wait for.
            drop(arrivals);
        }
        written
    });
    match written.and_then(|()| writer.flush()) {
        Ok(()) => Ok(outcome),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            outcome.closed = true;
            Ok(outcome)
        }
        Err(error) => Err(AppError::System {
            what: "cannot write the output",
            reason: crate::capture::describe(&error),
        }),
    }
}

/// One thread: reads one recording after the other until none is left.
fn work(job: &ScanJob, next: &AtomicUsize, arrivals: &Sender<Arrival>) {
    // The writer takes from the recording that was begun first, and a thread that waits for room in
    // a later one's queue leaves that one to its own thread: nobody waits for each other.
    while !job.stop.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(recording) = job.recordings.get(number) else { return };
        let (sender, told) = bounded(QUEUE);
        if arrivals.send(Arrival { number, told }).is_err() {
            return;
        }
        read::read(job, recording, &sender);
    }
}

/// Writes the records of each recording in the order of the inputs.
fn write_in_order(
    arrivals: &Receiver<Arrival>,
    writer: &mut Writer<'_>,
    outcome: &mut ScanOutcome,
    report: &mut impl FnMut(&Remark<'_>),
) -> io::Result<()> {
    let mut early: BTreeMap<usize, Arrival> = BTreeMap::new();
    let mut wanted = 0;
    loop {
        let arrival = match early.remove(&wanted) {
            Some(arrival) => arrival,
            None => match arrivals.recv() {
                Ok(arrival) if arrival.number != wanted => {
                    early.insert(arrival.number, arrival);
                    continue;
                }
                Ok(arrival) => arrival,
                Err(_) => return Ok(()),
            },
        };
        wanted += 1;
        for told in &arrival.told {
            take_in(told, writer, outcome, report)?;
            if arrival.told.is_empty() {
                writer.flush()?;
            }
        }
    }
}

fn take_in(
    told: Told,
    writer: &mut Writer<'_>,
    outcome: &mut ScanOutcome,
    report: &mut impl FnMut(&Remark<'_>),
) -> io::Result<()> {
    match told {
        Told::Anew => writer.begin_capture(),
        Told::Records(records) => {
            for record in records {
                writer.write(record)?;
            }
        }
        Told::Fault { name, frame, caught } => {
            report(&Remark::Fault { name: &name, frame, caught: &caught });
        }
        Told::Counted(counters) => outcome.counters.merge(&counters),
        Told::End(end) => {
            outcome.captures += usize::from(end.is_whole);
            outcome.undecoded.merge(&end.undecoded);
            for (link, frames) in end.undecoded.iter() {
                report(&Remark::Undecoded { name: &end.name, link, frames });
            }
            if let Some(failure) = end.failure {
                report(&Remark::Failure(&failure));
                outcome.failures.push(failure);
            }
        }
    }
    Ok(())
}
