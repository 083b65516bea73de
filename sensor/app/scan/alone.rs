//! One thread reads a whole capture: a small file, standard input, or any if there is no other
//! thread. A large file has its workers then too, so that the answer is the same.

use std::fs::File;
use std::sync::atomic::Ordering;

use crossbeam_channel::Sender;

use super::{End, Input, ScanJob, is_large, wind_up, worker};
use crate::alert::Record;
use crate::capture::file::CaptureFile;
use crate::capture::{CaptureError, Filter, Frame, Next, Source};
use crate::decode;
use crate::net::Timestamp;
use crate::worker::Worker;
use crate::worker::shards::{SHARDS, Sharding};

/// Records sent together, unless the capture pauses.
const TOGETHER: usize = 256;

/// The workers of a capture, run by turns.
struct Team {
    workers: Vec<Worker>,
    sharding: Sharding,
    /// What they told, in order.
    told: Vec<Record>,
}

/// Reads one capture to its end, or to where it breaks.
pub(super) fn read(job: &ScanJob, input: &Input, sender: &Sender<Vec<Record>>) -> End {
    let large = matches!(input, Input::File(path) if path.metadata().is_ok_and(|it| is_large(&it)));
    let mut team = Team::new(job, input, if large { SHARDS } else { 1 });
    let failure = open(job, input).and_then(|mut source| {
        while !job.stop.load(Ordering::Relaxed) {
            match source.next_frame()? {
                Next::Frame(frame) => team.frame(&frame),
                Next::Idle(now) => team.idle(now),
                Next::End => break,
            }
            let told = &mut team.told;
            // Whoever watches a pipe must not wait for its next frame.
            if told.len() >= TOGETHER || !(told.is_empty() || source.has_frames_at_hand()) {
                let _ = sender.send(std::mem::take(told));
            }
        }
        Ok(())
    });
    let _ = sender.send(team.told);
    // A pipe that was left amid a record is not cut: we stopped listening.
    let left = *input == Input::Stdin && job.stop.load(Ordering::Relaxed);
    wind_up(team.workers, sender, failure.err().filter(|_| !left))
}

impl Team {
    fn new(job: &ScanJob, input: &Input, parts: usize) -> Self {
        let workers = (0..parts).map(|_| worker(job, input, parts)).collect();
        Self { workers, sharding: Sharding::default(), told: Vec::new() }
    }

    #[inline]
    fn frame(&mut self, frame: &Frame<'_>) {
        let Self { workers, sharding, told } = self;
        let worker = match workers.as_mut_slice() {
            [one] => {
                one.frame(frame);
                one
            }
            several => {
                let taken = decode::decode_with(frame, |seen| {
                    let worker = several.get_mut(sharding.of_decoded(&seen))?;
                    worker.decoded(frame, seen);
                    Some(worker)
                });
                let Some(worker) = taken else { return };
                worker
            }
        };
        if worker.has_records() {
            collect(worker, told);
        }
    }

    /// Only a pipe is ever idle, and it has one worker.
    fn idle(&mut self, now: Timestamp) {
        for worker in &mut self.workers {
            worker.idle(now);
            collect(worker, &mut self.told);
        }
    }
}

/// Takes what a worker told; one thread has it in order already.
fn collect(worker: &mut Worker, told: &mut Vec<Record>) {
    told.extend(worker.take_records().into_iter().map(|(_, record)| record));
}

fn open(job: &ScanJob, input: &Input) -> Result<CaptureFile, CaptureError> {
    let filter = job.filter.as_deref().map(Filter::new).transpose()?;
    let source = match input {
        Input::Stdin => CaptureFile::stdin(job.stop.clone())?,
        Input::File(path) if job.progress.is_hidden() => CaptureFile::open(path)?,
        Input::File(path) => {
            let name = path.display().to_string();
            let file = File::open(path)
                .map_err(|source| CaptureError::Open { name: name.clone(), source })?;
            CaptureFile::from_reader(name, Box::new(job.progress.wrap_read(file)))?
        }
    };
    Ok(source.with_filter(filter))
}
