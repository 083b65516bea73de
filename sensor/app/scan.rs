//! Reading captures: several threads if asked, with output in the order of the files.
//!
//! Every capture is read from nothing, so the answer for a capture never depends on its
//! neighbours, and any number of jobs gives the same bytes. A small capture has one worker
//! (`alone.rs`), a large one as many as it has shards (`sharded.rs`), whoever runs them
//! (`pool.rs`).

mod alone;
mod pool;
mod sharded;

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use indicatif::ProgressBar;

use super::AppError;
use super::writer::Writer;
use crate::alert::outbox::Kept;
use crate::alert::{Origin, Outbox, Record};
use crate::capture::file::CaptureFile;
use crate::capture::{CaptureError, LinkType};
use crate::decode::LinkTypes;
use crate::matching::IndicatorSet;
use crate::stats::Counters;
use crate::worker::shards::SHARDS;
use crate::worker::{Assignment, Worker};
use pool::Pool;

/// Something to read.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

/// What is to be done.
pub struct ScanJob {
    /// Captures, in order.
    pub inputs: Vec<Input>,
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
    /// The reader of our output has gone away.
    pub closed: bool,
}

/// One capture's records, and how it ended.
struct Arrival {
    number: usize,
    records: Receiver<Vec<Record>>,
    name: String,
    end: Receiver<End>,
}

/// How the reading of a capture ended.
struct End {
    counters: Counters,
    undecoded: LinkTypes,
    failure: Option<CaptureError>,
}

/// What is said of a capture while others are still read.
#[derive(Debug)]
pub enum Remark<'a> {
    /// It could not be read, or not to its end.
    Failure(&'a CaptureError),
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

/// Reads every input and writes what is found.
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
    let pool = Pool::new(job);
    let mut outcome = ScanOutcome::default();
    let written = thread::scope(|scope| {
        // More threads than shards and readers would only wait.
        for _ in 0..job.jobs.min(job.inputs.len().saturating_mul(SHARDS + 1)) {
            let (pool, sender) = (&pool, sender.clone());
            scope.spawn(move || pool.work(sender));
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

/// A worker for a part of a capture, `parts` of which share its limits.
fn worker(job: &ScanJob, input: &Input, parts: usize) -> Worker {
    let mut assignment = job.assignment.clone();
    assignment.origin = Origin::Capture(input.name().into());
    assignment.limits = assignment.limits.shared_by(parts);
    Worker::new(assignment, job.set.clone(), Outbox::keeping())
}

/// A smaller file is not worth the memory of several workers. By the file alone: the answer must
/// not depend on the threads.
const LARGE: u64 = 4 * 1024 * 1024;

fn is_large(file: &Metadata) -> bool {
    file.is_file() && file.len() >= LARGE
}

/// Says what the workers of a capture hold, and how it ended.
fn wind_up(
    workers: Vec<Box<Worker>>,
    out: &Sender<Vec<Record>>,
    failure: Option<CaptureError>,
) -> End {
    let (mut counters, mut undecoded) = (Counters::default(), LinkTypes::default());
    let mut records = Vec::new();
    for mut worker in workers {
        worker.wind_up();
        records.extend(worker.take_records());
        undecoded.merge(&worker.undecoded());
        counters.merge(&worker.finish());
    }
    send(out, records);
    End { counters, undecoded, failure }
}

/// Sends records in the order of their frames; of one frame, in the order of the shards.
fn send(out: &Sender<Vec<Record>>, mut records: Vec<Kept>) {
    if records.is_empty() {
        return;
    }
    records.sort_by_key(|(frame, _)| *frame);
    // A writer that is gone wants nothing more.
    let _ = out.send(records.into_iter().map(|(_, record)| record).collect());
}

/// Writes the records of each capture in the order of the inputs.
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
        writer.begin_capture();
        for records in &arrival.records {
            for record in records {
                writer.write(record)?;
            }
            if arrival.records.is_empty() {
                writer.flush()?;
            }
        }
        if let Ok(end) = arrival.end.recv() {
            conclude(&arrival.name, end, outcome, report);
        }
    }
}

fn conclude(name: &str, end: End, outcome: &mut ScanOutcome, report: &mut impl FnMut(&Remark<'_>)) {
    outcome.counters.merge(&end.counters);
    outcome.undecoded.merge(&end.undecoded);
    for (link, frames) in end.undecoded.iter() {
        report(&Remark::Undecoded { name, link, frames });
    }
    if let Some(failure) = end.failure {
        report(&Remark::Failure(&failure));
        outcome.failures.push(failure);
    }
}

/// Directories below this depth are not entered.
const MAX_DEPTH: usize = 32;

/// The captures that arguments name: files as they are, directories searched for files that
/// begin like a capture, in order of their names. The second list says which directories hold no
/// capture or cannot be read; they spoil nothing else.
pub fn inputs(paths: &[PathBuf]) -> (Vec<Input>, Vec<AppError>) {
    let (mut inputs, mut failures) = (Vec::new(), Vec::new());
    for path in paths {
        if path.as_os_str() == "-" {
            inputs.push(Input::Stdin);
        } else if path.is_dir() {
            let before = inputs.len();
            match search(path, MAX_DEPTH, &mut inputs) {
                Ok(()) if inputs.len() > before => {}
                Ok(()) => failures.push(AppError::NoCapture { path: path.clone() }),
                Err(error) => failures.push(error),
            }
        } else {
            inputs.push(Input::File(path.clone()));
        }
    }
    (inputs, failures)
}

fn search(directory: &Path, depth: usize, inputs: &mut Vec<Input>) -> Result<(), AppError> {
    let unreadable = |source| {
        AppError::Capture(CaptureError::Open { name: directory.display().to_string(), source })
    };
    let mut entries: Vec<PathBuf> = fs::read_dir(directory)
        .map_err(unreadable)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    entries.sort();
    for path in entries {
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        if metadata.is_dir() && depth > 0 {
            search(&path, depth - 1, inputs)?;
        } else if path.is_file() && begins_like_a_capture(&path) {
            inputs.push(Input::File(path));
        }
    }
    Ok(())
}

fn begins_like_a_capture(path: &Path) -> bool {
    let mut head = [0; 4];
    let named_gz = path.extension().is_some_and(|extension| extension == "gz");
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.is_ok()
        && match head {
            [0xa1, 0xb2, 0xc3 | 0x3c | 0xcd, 0xd4 | 0x4d | 0x34] => true,
            [0xd4 | 0x4d | 0x34, 0xc3 | 0x3c | 0xcd, 0xb2, 0xa1] => true,
            [0x0a, 0x0d, 0x0d, 0x0a] => true,
            [0x1f, 0x8b, ..] => named_gz && gzip_holds_a_capture(path),
            _ => false,
        }
}

/// Packed logs lie about too: look inside.
fn gzip_holds_a_capture(path: &Path) -> bool {
    CaptureFile::open(path).is_ok()
}
