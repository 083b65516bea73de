//! One thread reads a whole capture: a small file, standard input, or any if there is no other
//! thread. A large file has its workers then too, so that the answer is the same.

use std::fs::File;
use std::sync::atomic::Ordering;

use crossbeam_channel::Sender;

use super::{End, Input, ScanJob, is_large, wind_up, worker};
use crate::alert::Record;
use crate::capture::file::CaptureFile;
use crate::capture::{CaptureError, Filter};
use crate::worker::shards::{SHARDS, Sharding};
use crate::worker::{Worker, lineup};

/// Reads one capture to its end, or to where it breaks.
pub(super) fn read(job: &ScanJob, input: &Input, sender: &Sender<Vec<Record>>) -> End {
    let large = matches!(input, Input::File(path) if path.metadata().is_ok_and(|it| is_large(&it)));
    let parts = if large { SHARDS } else { 1 };
    let mut workers: Vec<Worker> = (0..parts).map(|_| worker(job, input, parts)).collect();
    let failure = open(job, input).and_then(|source| read_all(job, source, &mut workers, sender));
    // A pipe that was left amid a record is not cut: we stopped listening.
    let left = *input == Input::Stdin && job.stop.load(Ordering::Relaxed);
    wind_up(workers, sender, failure.err().filter(|_| !left))
}

/// Shows the workers every frame, and sends what they tell.
fn read_all(
    job: &ScanJob,
    mut source: CaptureFile,
    workers: &mut [Worker],
    sender: &Sender<Vec<Record>>,
) -> Result<(), CaptureError> {
    let mut sharding = Sharding::default();
    let several = workers.len() > 1;
    while !job.stop.load(Ordering::Relaxed)
        && let Some(frames) = source.next_frames()?
    {
        let mut told = Vec::new();
        lineup::take_in(
            frames,
            workers,
            |seen| if several { sharding.of_decoded(&seen) } else { 0 },
            |worker| {
                // One thread has the records of all workers in order.
                if worker.has_records() {
                    told.extend(worker.take_records().into_iter().map(|(_, record)| record));
                }
            },
        );
        // Whoever watches a pipe must not wait for its next frame.
        if !told.is_empty() {
            let _ = sender.send(told);
        }
    }
    Ok(())
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
