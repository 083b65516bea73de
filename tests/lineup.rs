//! Frames that go through a worker's first steps side by side give what they give one by one.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers outside #[test]

use crate::support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wardwatch::alert::event::EventKinds;
use wardwatch::alert::outbox::Record;
use wardwatch::alert::{HomeNetworks, Origin, Outbox};
use wardwatch::capture::file::CaptureFile;
use wardwatch::capture::{Next, Source};
use wardwatch::flow::FlowLimits;
use wardwatch::matching::IndicatorSet;
use wardwatch::stats::Counter;
use wardwatch::worker::{Assignment, Limits, Worker, lineup};

use support::run::capture;

fn worker(flows: usize) -> Box<Worker> {
    let flows = FlowLimits { flows, ..FlowLimits::default() };
    let assignment = Assignment {
        limits: Limits { flows, ..Limits::default() },
        home: HomeNetworks::default(),
        events: EventKinds::all(),
        origin: Origin::Capture("test".into()),
    };
    let feeds = ioc_feeds::curated::load().unwrap();
    let all = feeds.into_iter().flat_map(|feed| feed.indicators).collect();
    Box::new(Worker::new(assignment, Arc::new(IndicatorSet::build(all, &[])), Outbox::keeping()))
}

/// Everything a worker has to say, in order, and all its counts.
fn told(mut worker: Box<Worker>) -> (Vec<String>, Vec<u64>) {
    worker.wind_up();
    let records = worker.take_records().into_iter().map(|(frame, record)| match record {
        Record::Alert(alert) => format!("{frame} {} {:?}", alert.seen, alert.sighting),
        other => format!("{frame} {other:?}"),
    });
    let records = records.collect();
    let counters = worker.finish();
    (records, Counter::ALL.iter().map(|counter| counters.get(*counter)).collect())
}

fn compare(path: &Path, flows: usize) {
    let mut one_by_one = worker(flows);
    let mut source = CaptureFile::open(path).unwrap();
    while let Ok(Next::Frame(frame)) = source.next_frame() {
        one_by_one.frame(&frame);
    }
    let mut abreast = worker(flows);
    let mut source = CaptureFile::open(path).unwrap();
    while let Ok(Some(frames)) = source.next_frames() {
        lineup::take_in(frames, &mut abreast, &mut |caught, _| assert_eq!(caught.words, ""));
    }
    let (one_by_one, abreast) = (told(one_by_one), told(abreast));
    assert!(one_by_one.1.iter().sum::<u64>() > 0, "{}", path.display());
    assert_eq!(abreast, one_by_one, "{}", path.display());
}

fn captures() -> Vec<PathBuf> {
    let recorded = fs::read_dir(capture("recorded")).unwrap().map(|entry| entry.unwrap().path());
    let is_capture =
        |path: &PathBuf| path.extension().is_some_and(|e| e == "pcap" || e == "pcapng");
    let mut all: Vec<PathBuf> = recorded.filter(is_capture).collect();
    assert!(!all.is_empty());
    all.extend(["ward-office.pcap", "benign.pcap"].map(capture));
    all
}

#[test]
fn side_by_side_or_one_by_one_gives_the_same_records_and_counts() {
    captures().iter().for_each(|path| compare(path, 262_144));
}

#[test]
fn so_does_a_table_that_is_always_full() {
    captures().iter().for_each(|path| compare(path, 20));
}
