//! One thread reads a whole capture that one worker is enough for: a small file, or standard input.

use std::fs::File;
use std::slice;
use std::sync::atomic::Ordering;

use crossbeam_channel::Sender;

use super::{End, Input, ScanJob, send, wind_up, worker};
use crate::alert::Record;
use crate::capture::file::CaptureFile;
use crate::capture::{CaptureError, Filter};
use crate::worker::{Worker, lineup};

/// Reads one capture to its end, or to where it breaks.
pub(super) fn read(job: &ScanJob, input: &Input, sender: &Sender<Vec<Record>>) -> End {
    let mut worker = Box::new(worker(job, input, 1));
    let failure = open(job, input).and_then(|source| read_all(job, source, &mut worker, sender));
    // A pipe that was left amid a record is not cut: we stopped listening.
    let left = *input == Input::Stdin && job.stop.load(Ordering::Relaxed);
    wind_up(vec![worker], sender, failure.err().filter(|_| !left))
}

/// Shows the worker every frame, and sends what it tells.
fn read_all(
    job: &ScanJob,
    mut source: CaptureFile,
    worker: &mut Box<Worker>,
    sender: &Sender<Vec<Record>>,
) -> Result<(), CaptureError> {
    while !job.stop.load(Ordering::Relaxed)
        && let Some(frames) = source.next_frames()?
    {
        lineup::take_in(frames, slice::from_mut(worker), |_| 0);
        // At once: whoever watches a pipe must not wait for its next frame.
        send(sender, worker.take_records());
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
