//! A large capture that one thread reads alone, or any number together.
//!
//! Alone, a thread shows each frame to the worker of its shard. Together, one thread at a time
//! cuts the next block off the capture and sorts its frames into shards; whoever is free reads a
//! shard's frames, each shard by one thread at a time and in order. The records of a block are put
//! in order of their frames and sent when all its shards are read. From one way to the other it is
//! a step between two blocks, and the workers are the same, so the answer is too.
//! Owns what is under way; [`super::pool`] decides who does it, and holds the lock.

use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_channel::Sender;

use super::{End, Input, ScanJob, is_large, send, wind_up, worker};
use crate::alert::Record;
use crate::alert::outbox::Kept;
use crate::capture::file::{CaptureFile, FrameBlock};
use crate::capture::{CaptureError, Chunks, Filter};
use crate::worker::shards::{SHARDS, Sharding};
use crate::worker::{Worker, lineup};

/// Blocks whose shards should wait, so that nobody waits for the one who cuts.
const READY: usize = 4;

/// Blocks under way at most: bounds the memory of frames and of records that wait for their turn.
const UNDER_WAY: usize = 12;

/// Cutting goes on until it has so many frames, for as many blocks at most: of large frames a
/// block has few, and who waits for them would be woken for next to nothing.
const FRAMES_AT_ONCE: usize = 1024;
const BLOCKS_AT_ONCE: usize = 4;

/// A capture being read.
pub(super) struct Sharded {
    /// Its number among the inputs.
    pub(super) number: usize,
    out: Sender<Vec<Record>>,
    end: Sender<End>,
    chunks: Arc<Chunks>,
    /// Not while somebody cuts, nor behind the end.
    reader: Option<Box<Reader>>,
    over: bool,
    failure: Option<CaptureError>,
    shards: Vec<Shard>,
    /// Does one thread have all of it?
    is_taken: bool,
    /// Blocks of which something is not yet read or sent, and the number of the first.
    blocks: VecDeque<Progress>,
    first: u64,
    sending: bool,
}

/// The capture itself.
pub(super) struct Reader {
    file: CaptureFile,
    chunks: Arc<Chunks>,
    sharding: Sharding,
}

struct Shard {
    /// Not while somebody runs it.
    worker: Option<Box<Worker>>,
    waiting: VecDeque<Share>,
}

/// A block that a shard has frames in, and the block's number.
type Share = (u64, Arc<Cut>);

/// A block, and which of its frames each shard takes.
pub(super) struct Cut {
    block: FrameBlock,
    shares: [Vec<u32>; SHARDS],
}

/// A block's records so far, and the shards that have not read it.
struct Progress {
    left: usize,
    records: Vec<Kept>,
}

/// Everything of a capture of which nothing is under way.
pub(super) struct Whole {
    reader: Box<Reader>,
    workers: Vec<Box<Worker>>,
    out: Sender<Vec<Record>>,
    /// Is it the capture that the writer waits for? Then it may wait for the writer.
    is_first: bool,
}

/// Something one thread can do for a capture.
pub(super) enum Task {
    /// Read on alone, until another thread is free.
    Alone(Whole),
    /// Send records, in the order of their frames.
    Send(Sender<Vec<Record>>, Vec<Kept>),
    /// Cut the next block.
    Cut(Box<Reader>),
    /// Read a shard's frames of blocks that follow each other.
    Read { shard: usize, worker: Box<Worker>, shares: VecDeque<Share> },
    /// Read the file ahead of who cuts.
    Ahead(Arc<Chunks>),
    /// Say what is held, and end.
    Conclude {
        workers: Vec<Box<Worker>>,
        out: Sender<Vec<Record>>,
        end: Sender<End>,
        failure: Option<CaptureError>,
    },
}

/// What follows the blocks that were cut.
pub(super) enum Next {
    More,
    /// Nothing: the capture is over, or broken.
    End(Option<CaptureError>),
}

/// What became of a task.
pub(super) enum Done {
    Alone(Whole, Next),
    Sent,
    Cut(Box<Reader>, Vec<Cut>, Next),
    Read { shard: usize, worker: Box<Worker>, told: Vec<(u64, Vec<Kept>)> },
    Ahead,
    Concluded,
}

impl Sharded {
    /// Begins a large file; none if the input is none.
    pub(super) fn begin(
        job: &ScanJob,
        (number, input): (usize, &Input),
        (out, end): (&Sender<Vec<Record>>, &Sender<End>),
    ) -> Option<Self> {
        let Input::File(path) = input else { return None };
        let file =
            File::open(path).ok().filter(|file| file.metadata().is_ok_and(|it| is_large(&it)))?;
        // Whatever is wrong with it will be said by who reads it alone.
        let (file, chunks) = CaptureFile::in_blocks(Path::new(path), file).ok()?;
        let filter = job.filter.as_deref().map(Filter::new).transpose().ok()?;
        let reader = Reader {
            file: file.with_filter(filter),
            chunks: chunks.clone(),
            sharding: Sharding::default(),
        };
        let shard = || Shard {
            worker: Some(Box::new(worker(job, input, SHARDS))),
            waiting: VecDeque::new(),
        };
        Some(Self {
            number,
            out: out.clone(),
            end: end.clone(),
            chunks,
            reader: Some(Box::new(reader)),
            over: false,
            failure: None,
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            is_taken: false,
            blocks: VecDeque::new(),
            first: 0,
            sending: false,
        })
    }

    /// May records be sent without waiting for captures before this one?
    pub(super) fn has_room(&self) -> bool {
        !self.out.is_full()
    }

    /// All of it, to be read by one thread, if nothing of it is under way.
    pub(super) fn claim_whole(&mut self, is_first: bool) -> Option<Task> {
        let idle = |shard: &Shard| shard.worker.is_some() && shard.waiting.is_empty();
        if self.sending || !self.blocks.is_empty() || !self.shards.iter().all(idle) {
            return None;
        }
        let reader = self.reader.take()?;
        let workers = self.shards.iter_mut().filter_map(|shard| shard.worker.take()).collect();
        self.is_taken = true;
        Some(Task::Alone(Whole { reader, workers, out: self.out.clone(), is_first }))
    }

    /// Something to be done, if there is anything nobody does yet.
    pub(super) fn claim(&mut self) -> Option<Task> {
        if self.is_taken {
            return None;
        }
        if let Some(task) = self.claim_send() {
            return Some(task);
        }
        let ready = self.shards.iter().map(|shard| shard.waiting.len()).max().unwrap_or(0);
        if ready < READY
            && let Some(reader) = self.take_reader()
        {
            return Some(Task::Cut(reader));
        }
        if let Some(task) = self.claim_shard() {
            return Some(task);
        }
        if let Some(reader) = self.take_reader() {
            return Some(Task::Cut(reader));
        }
        if !self.over && self.chunks.wants_help() {
            return Some(Task::Ahead(self.chunks.clone()));
        }
        self.claim_end()
    }

    /// The records of the first blocks that are read by all.
    fn claim_send(&mut self) -> Option<Task> {
        if self.sending {
            return None;
        }
        let mut records = Vec::new();
        while self.blocks.front().is_some_and(|block| block.left == 0) {
            self.first += 1;
            records.extend(self.blocks.pop_front().into_iter().flat_map(|block| block.records));
        }
        if records.is_empty() {
            return None;
        }
        self.sending = true;
        Some(Task::Send(self.out.clone(), records))
    }

    fn take_reader(&mut self) -> Option<Box<Reader>> {
        if self.blocks.len() < UNDER_WAY { self.reader.take() } else { None }
    }

    /// The shard for which most waits.
    fn claim_shard(&mut self) -> Option<Task> {
        let idle =
            |(_, shard): &(usize, &mut Shard)| shard.worker.is_some() && !shard.waiting.is_empty();
        let shards = self.shards.iter_mut().enumerate().filter(idle);
        let (shard, most) = shards.max_by_key(|(_, shard)| shard.waiting.len())?;
        let shares = std::mem::take(&mut most.waiting);
        Some(Task::Read { shard, worker: most.worker.take()?, shares })
    }

    fn claim_end(&mut self) -> Option<Task> {
        let at_rest = self.over && self.blocks.is_empty() && !self.sending;
        if !at_rest || self.shards.iter().any(|shard| shard.worker.is_none()) {
            return None;
        }
        let workers = self.shards.iter_mut().filter_map(|shard| shard.worker.take());
        let workers = workers.collect();
        let (out, end) = (self.out.clone(), self.end.clone());
        Some(Task::Conclude { workers, out, end, failure: self.failure.take() })
    }

    /// Takes in what was done. True when nothing is left.
    pub(super) fn take_in(&mut self, done: Done) -> bool {
        match done {
            Done::Alone(Whole { reader, workers, .. }, next) => {
                self.is_taken = false;
                for (shard, worker) in self.shards.iter_mut().zip(workers) {
                    shard.worker = Some(worker);
                }
                self.go_on(reader, next);
            }
            Done::Sent => self.sending = false,
            Done::Cut(reader, cuts, next) => {
                cuts.into_iter().for_each(|cut| self.put(&Arc::new(cut)));
                self.go_on(reader, next);
            }
            Done::Read { shard, worker, told } => self.put_back(shard, worker, told),
            Done::Ahead => {}
            Done::Concluded => return true,
        }
        false
    }

    /// Keeps the reader for what follows, if anything does.
    fn go_on(&mut self, reader: Box<Reader>, next: Next) {
        match next {
            Next::More => self.reader = Some(reader),
            Next::End(failure) => (self.over, self.failure) = (true, failure),
        }
    }

    /// Hands a block to the shards that have frames in it.
    fn put(&mut self, cut: &Arc<Cut>) {
        let number = self.first + self.blocks.len() as u64;
        let mut left = 0;
        for (shard, share) in self.shards.iter_mut().zip(&cut.shares) {
            if !share.is_empty() {
                left += 1;
                shard.waiting.push_back((number, cut.clone()));
            }
        }
        self.blocks.push_back(Progress { left, records: Vec::new() });
    }

    /// Takes a shard back, and what it told of each block.
    fn put_back(&mut self, shard: usize, worker: Box<Worker>, told: Vec<(u64, Vec<Kept>)>) {
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.worker = Some(worker);
        }
        for (number, records) in told {
            let place = usize::try_from(number - self.first).unwrap_or(usize::MAX);
            if let Some(block) = self.blocks.get_mut(place) {
                block.left -= 1;
                block.records.extend(records);
            }
        }
    }
}

impl Task {
    /// Does it. Needs no lock. `idle` threads have nothing to do.
    pub(super) fn run(self, job: &ScanJob, idle: &AtomicUsize) -> Done {
        match self {
            Self::Alone(mut whole) => {
                let next = whole.read(job, idle);
                Done::Alone(whole, next)
            }
            Self::Send(out, records) => {
                send(&out, records);
                Done::Sent
            }
            Self::Cut(mut reader) => {
                let before = reader.chunks.taken();
                let mut cuts = Vec::with_capacity(BLOCKS_AT_ONCE);
                let next = reader.cut(job, &mut cuts);
                // Bytes of the file, not of what may be packed in it.
                job.progress.inc(reader.chunks.taken() - before);
                Done::Cut(reader, cuts, next)
            }
            Self::Read { shard, mut worker, shares } => {
                let read = |(number, cut): Share| {
                    cut.read(shard, &mut worker);
                    (number, worker.take_records())
                };
                let told = shares.into_iter().map(read).collect();
                Done::Read { shard, worker, told }
            }
            Self::Ahead(chunks) => {
                chunks.read_ahead();
                Done::Ahead
            }
            Self::Conclude { workers, out, end, failure } => {
                let _ = end.send(wind_up(workers, &out, failure));
                Done::Concluded
            }
        }
    }
}

impl Whole {
    /// Reads on until another thread is free, or has to wait for a writer that is not waiting for
    /// this capture.
    fn read(&mut self, job: &ScanJob, idle: &AtomicUsize) -> Next {
        let Self { reader, workers, out, is_first } = self;
        let Reader { file, chunks, sharding } = &mut **reader;
        while idle.load(Ordering::Relaxed) == 0 && (*is_first || !out.is_full()) {
            let before = chunks.taken();
            let frames = match file.next_frames() {
                _ if job.stop.load(Ordering::Relaxed) => return Next::End(None),
                Ok(Some(frames)) => frames,
                Ok(None) => return Next::End(None),
                Err(failure) => return Next::End(Some(failure)),
            };
            lineup::take_in(frames, workers, |seen| sharding.of_decoded(&seen));
            send(out, workers.iter_mut().flat_map(|worker| worker.take_records()).collect());
            job.progress.inc(chunks.taken() - before);
        }
        Next::More
    }
}

impl Reader {
    /// Cuts a few blocks and sorts them into shards.
    fn cut(&mut self, job: &ScanJob, cuts: &mut Vec<Cut>) -> Next {
        let mut frames = 0;
        while frames < FRAMES_AT_ONCE && cuts.len() < BLOCKS_AT_ONCE {
            match self.file.next_block() {
                _ if job.stop.load(Ordering::Relaxed) => return Next::End(None),
                Ok(Some(block)) => {
                    frames += block.len();
                    cuts.push(self.sort(block));
                }
                Ok(None) => return Next::End(None),
                Err(failure) => return Next::End(Some(failure)),
            }
        }
        Next::More
    }

    fn sort(&mut self, block: FrameBlock) -> Cut {
        let even = block.len() / SHARDS;
        let mut shares = [(); SHARDS].map(|()| Vec::with_capacity(even + even / 2));
        for (nth, frame) in (0..).zip(block.frames()) {
            if let Some(share) = shares.get_mut(self.sharding.of(&frame)) {
                share.push(nth);
            }
        }
        Cut { block, shares }
    }
}

impl Cut {
    /// Shows a shard's worker its frames.
    fn read(&self, shard: usize, worker: &mut Box<Worker>) {
        let share = self.shares.get(shard).into_iter().flatten();
        let frames = share.filter_map(|nth| self.block.frame(*nth as usize));
        lineup::take_in(frames, slice::from_mut(worker), |_| 0);
    }
}
