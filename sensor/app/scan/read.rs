//! One thread reads one recording, capture after capture.
//!
//! A capture that begins where the one before ended goes on with the same worker: a connection over
//! the border is one connection. Otherwise everything that is held is read and said, and the next
//! capture is read from nothing.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::Sender;
use indicatif::ProgressBar;

use super::recordings::Span;
use super::{Input, Recording, ScanJob, recordings};
use crate::alert::{Origin, Outbox, Record};
use crate::capture::file::CaptureFile;
use crate::capture::{CaptureError, Filter, Frame};
use crate::decode::LinkTypes;
use crate::panics::Caught;
use crate::stats::Counters;
use crate::worker::{Worker, lineup};

/// Places in the program whose faults are told of a capture, each once; all are counted.
const PLACES: usize = 16;

/// What is told of a recording, in order.
pub(super) enum Told {
    /// What follows has nothing to do with what came before.
    Anew,
    /// What a worker found.
    Records(Vec<Record>),
    /// A capture is over.
    End(End),
    /// A frame of a capture whose way ended with a fault of this program, the first of a place in it.
    Fault {
        /// The capture.
        name: String,
        /// Number of the frame in it.
        frame: u64,
        /// What happened.
        caught: Caught,
    },
    /// What a worker counted in all its captures.
    Counted(Box<Counters>),
}

/// How the reading of a capture ended.
pub(super) struct End {
    pub(super) name: String,
    pub(super) undecoded: LinkTypes,
    pub(super) failure: Option<CaptureError>,
    /// Nothing more could be read of it: it was not left because of a wish to stop.
    pub(super) is_whole: bool,
}

/// Reads a recording to its end, or to where it is to stop.
pub(super) fn read(job: &ScanJob, recording: &Recording, out: &Sender<Told>) {
    let mut reader = Reader { job, out, worker: None, before: None };
    for input in &recording.captures {
        if job.stop.load(Ordering::Relaxed) {
            break;
        }
        let (mut is_whole, mut failure) = (true, None);
        match reader.capture(input) {
            Ok(whole) => is_whole = whole,
            Err(error) => failure = Some(error),
        }
        // A pipe that was left amid a record is not cut: we stopped listening.
        if input.is_pipe() && job.stop.load(Ordering::Relaxed) {
            (is_whole, failure) = (false, None);
        }
        let undecoded = reader.worker.as_mut().map(|worker| worker.take_undecoded());
        let undecoded = undecoded.unwrap_or_default();
        reader.tell(Told::End(End { name: input.name(), undecoded, failure, is_whole }));
    }
    reader.wind_up();
}

/// What reads a recording, and the state that goes on from capture to capture.
struct Reader<'j> {
    job: &'j ScanJob,
    out: &'j Sender<Told>,
    worker: Option<Box<Worker>>,
    /// When the last capture with a packet was recorded that the worker saw.
    before: Option<Span>,
}

impl Reader<'_> {
    /// Reads one capture. False if it was left before its end.
    fn capture(&mut self, input: &Input) -> Result<bool, CaptureError> {
        let mut source = open(self.job, input)?;
        let first = source.first_time()?;
        if !recordings::follows(self.before, first) {
            self.wind_up();
        }
        let origin = Origin::Capture(input.name().into());
        let mut worker = match self.worker.take() {
            Some(mut worker) => {
                worker.go_on_in(origin);
                worker
            }
            None => self.begin(origin),
        };
        let ended = self.read_all(&mut source, &mut worker, &input.name());
        if let (Some(first), Some(last)) = (first, source.last_time()) {
            self.before = Some(Span { first, last });
        }
        self.worker = Some(worker);
        ended
    }

    /// Shows the worker every frame, and tells what it finds. False if it was to stop.
    fn read_all(
        &self,
        source: &mut CaptureFile,
        worker: &mut Worker,
        name: &str,
    ) -> Result<bool, CaptureError> {
        let mut places: Vec<String> = Vec::new();
        let mut tell = |caught: &Caught, frame: &Frame<'_>| {
            if places.len() < PLACES && !places.contains(&caught.place) {
                places.push(caught.place.clone());
                let (name, frame, caught) = (name.into(), frame.number, caught.clone());
                self.tell(Told::Fault { name, frame, caught });
            }
        };
        while !self.job.stop.load(Ordering::Relaxed) {
            let Some(frames) = source.next_frames()? else { return Ok(true) };
            lineup::take_in(frames, worker, &mut tell);
            // At once: whoever watches a pipe must not wait for its next frame.
            self.tell_records(worker);
        }
        Ok(false)
    }

    fn begin(&self, origin: Origin) -> Box<Worker> {
        self.tell(Told::Anew);
        let mut assignment = self.job.assignment.clone();
        assignment.origin = origin;
        let worker = Worker::new(assignment, self.job.set.clone(), Outbox::keeping());
        #[cfg(debug_assertions)]
        let worker = trapped(worker);
        Box::new(worker)
    }

    /// Reads and says everything that is still held, and ends the worker.
    fn wind_up(&mut self) {
        self.before = None;
        let Some(mut worker) = self.worker.take() else { return };
        let _ = worker.contained(Worker::wind_up);
        self.tell_records(&mut worker);
        self.tell(Told::Counted(Box::new(worker.finish())));
    }

    fn tell_records(&self, worker: &mut Worker) {
        let records = worker.take_records();
        if !records.is_empty() {
            self.tell(Told::Records(records.into_iter().map(|(_, record)| record).collect()));
        }
    }

    /// A writer that is gone wants nothing more.
    fn tell(&self, told: Told) {
        let _ = self.out.send(told);
    }
}

/// For tests: packets that hold what `WARDWATCH_TEST_TRAP` says are a fault.
#[cfg(debug_assertions)]
fn trapped(mut worker: Worker) -> Worker {
    if let Ok(bytes) = std::env::var("WARDWATCH_TEST_TRAP") {
        worker.set_trap(bytes.as_bytes(), false);
    }
    worker
}

fn open(job: &ScanJob, input: &Input) -> Result<CaptureFile, CaptureError> {
    let filter = job.filter.as_deref().map(Filter::new).transpose()?;
    let source = match input {
        Input::Stdin => CaptureFile::stdin(job.stop.clone())?,
        Input::File(path) if input.is_pipe() => CaptureFile::named_pipe(path, job.stop.clone())?,
        Input::File(path) => CaptureFile::open_metered(path, |file| {
            Box::new(Metered { file, bytes: job.bytes.clone(), bar: job.progress.clone() })
        })?,
    };
    Ok(source.with_filter(filter))
}

/// A file that counts what is read of it: bytes of the file, not of what may be packed in it.
struct Metered {
    file: File,
    bytes: Arc<AtomicU64>,
    bar: ProgressBar,
}

impl Read for Metered {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(out)?;
        self.bytes.fetch_add(length as u64, Ordering::Relaxed);
        self.bar.inc(length as u64);
        Ok(length)
    }
}
