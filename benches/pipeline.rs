//! The worker's whole way and its stages: nanoseconds and allocations a packet, best of five.
//!
//! Allocation is an assertion: once warm, a benign packet allocates nothing. The only exceptions
//! are the packets that begin what a parser must wait for (a connection's first request, a QUIC
//! connection), and these are named.
#![allow(missing_docs, unsafe_code)] // a counting allocator is unsafe by its trait
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods)]

mod traffic;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::io::Cursor;
use std::sync::Arc;
use std::time::Instant;

use traffic::mixes;
use wardwatch::alert::event::EventKinds;
use wardwatch::alert::{HomeNetworks, Origin, Outbox};
use wardwatch::capture::file::CaptureFile;
use wardwatch::capture::{Frame, Next, Source};
use wardwatch::matching::IndicatorSet;
use wardwatch::worker::{Assignment, Limits, Worker};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

// SAFETY: everything is handed to the system's allocator as it came; only a number is counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are the system allocator's conditions.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const ROUNDS: usize = 5;

/// Tables that may double once more while a warm worker is watched.
const DOUBLINGS: u64 = 4;

fn curated() -> Arc<IndicatorSet> {
    let feeds = ioc_feeds::curated::load().unwrap();
    let all = feeds.into_iter().flat_map(|feed| feed.indicators).collect();
    Arc::new(IndicatorSet::build(all, &[]))
}

fn each(file: &Arc<[u8]>, mut take: impl FnMut(&Frame<'_>)) -> u64 {
    let reader = Box::new(Cursor::new(file.clone()));
    let mut source = CaptureFile::from_reader("bench".into(), reader).unwrap();
    let mut frames = 0;
    while let Next::Frame(frame) = source.next_frame().unwrap() {
        frames += 1;
        take(&frame);
    }
    frames
}

fn worker(set: &Arc<IndicatorSet>) -> Worker {
    let assignment = Assignment {
        limits: Limits::default(),
        home: HomeNetworks::default(),
        events: EventKinds::default(),
        origin: Origin::Capture("bench".into()),
    };
    Worker::new(assignment, set.clone(), Outbox::keeping())
}

/// Nanoseconds a frame, best of a few.
fn time(mut round: impl FnMut() -> u64) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            let frames = round();
            begun.elapsed().as_nanos() as f64 / frames as f64
        })
        .fold(f64::INFINITY, f64::min)
}

/// Does this frame begin something that a parser waits for?
fn begins(frame: &Frame<'_>) -> bool {
    let request = frame.data.windows(4).skip(50).take(20).any(|bytes| bytes == b"GET ");
    let initial = frame.data.get(23) == Some(&17)
        && frame.data.get(42).is_some_and(|first| first & 0xc0 == 0xc0);
    request || initial
}

struct Alloc {
    frames: u64,
    all: u64,
    unexcused: u64,
}

/// Allocations of a warm worker: the first half of the capture is not counted.
fn allocate(file: &Arc<[u8]>, set: &Arc<IndicatorSet>) -> Alloc {
    let half = each(file, |_| {}) / 2;
    let mut worker = worker(set);
    let mut out = Alloc { frames: 0, all: 0, unexcused: 0 };
    each(file, |frame| {
        let before = allocations();
        worker.frame(frame);
        let made = allocations() - before;
        if frame.number > half {
            out.frames += 1;
            out.all += made;
            out.unexcused += if begins(frame) { 0 } else { made };
        }
    });
    out
}

fn main() {
    let set = curated();
    let seed = 7;
    let mixes: [(&str, Arc<[u8]>); 4] = [
        ("office", mixes::office(Vec::new(), seed, 60_000_000).unwrap().into()),
        ("handshakes", mixes::handshakes(Vec::new(), seed, 60_000).unwrap().into()),
        ("turns", mixes::turns(Vec::new(), seed, 60_000).unwrap().into()),
        ("dns", mixes::dns_flood(Vec::new(), seed, 150_000).unwrap().into()),
    ];
    println!(
        "{:12} {:>9} {:>9} {:>9} {:>12}",
        "ns a packet", "read", "+decode", "+worker", "allocations"
    );
    for (name, file) in &mixes {
        let read = time(|| each(file, |frame| _ = black_box(frame.data.first())));
        let decode = time(|| each(file, |frame| _ = black_box(wardwatch::decode::decode(frame))));
        let whole = time(|| {
            let mut worker = worker(&set);
            let frames = each(file, |frame| worker.frame(frame));
            black_box(worker.finish());
            frames
        });
        let allocated = allocate(file, &set);
        let each = allocated.all as f64 / allocated.frames as f64;
        println!("{name:12} {read:9.1} {decode:9.1} {whole:9.1} {each:12.5}");
        assert!(
            allocated.unexcused <= DOUBLINGS,
            "{name}: {} allocations in {} benign packets that begin nothing",
            allocated.unexcused,
            allocated.frames,
        );
    }
}
