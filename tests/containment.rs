//! A fault of the program at one packet, file or record costs that one: the rest is read, and it is
//! said. The faults are traps that only debug builds have.
#![cfg(debug_assertions)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]

use crate::support;

use std::sync::Arc;

use proptest::prelude::*;
use support::packets::TcpConversation;
use support::run::{self, Run};
use support::verdict::{at, feed, pc};
use support::wire::{self, Frame};
use support::{capture_file, conversations as say};
use wardwatch::alert::event::EventKinds;
use wardwatch::alert::{HomeNetworks, Origin, Outbox, Record};
use wardwatch::capture::file::CaptureFile;
use wardwatch::matching::IndicatorSet;
use wardwatch::panics;
use wardwatch::stats::Counter;
use wardwatch::worker::{Assignment, Limits, Worker};

const TRAP: &str = "trap-of-a-test";

/// Connections side by side, a packet of each at a time: every third holds the trap in its last.
fn side_by_side(count: u16) -> Vec<Frame> {
    let talk = |n: u16| {
        let client = at(&format!("192.168.1.10:{}", 40_000 + n));
        let hello = say::client_hello(&format!("n{n}.evil.example"));
        let talk = TcpConversation::new(client, at("203.0.113.99:443")).client(&hello);
        let talk = if n.is_multiple_of(3) { talk.client(TRAP.as_bytes()) } else { talk };
        talk.cut_at(&[40, 90]).packets()
    };
    let talks: Vec<_> = (0..count).map(talk).collect();
    let longest = talks.iter().map(Vec::len).max().unwrap_or(0);
    let turns = (0..longest).flat_map(|nth| talks.iter().filter_map(move |talk| talk.get(nth)));
    let packets: Vec<_> = turns.cloned().collect();
    wire::plain_frames(&packets)
}

#[test]
fn a_scan_reads_everything_but_the_connection_in_hand_and_does_not_say_that_all_is_well() {
    let directory = run::temporary_directory();
    let frames = side_by_side(9);
    let capture = run::put(directory.path(), "c.pcap", &capture_file::pcap(&frames));
    let rows: Vec<_> = (0..9).map(|n| format!("n{n}.evil.example,domain,")).collect();
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let list = run::put(directory.path(), "f.csv", feed(&rows).as_bytes());
    let scan = || {
        Run::new(["scan", "-v", "--no-builtin-feeds", "--eve", "-", "--feeds"])
            .arg(&list)
            .arg(&capture)
    };
    let well = scan().go().expect_code(0);
    let names = |outcome: &run::Outcome| run::events_of(&outcome.eve(), "alert").len();
    assert_eq!(names(&well), 9);
    let faulty = scan().env("WARDWATCH_TEST_TRAP", TRAP).go().expect_code(1);
    assert_eq!(faulty.counter("capture.panics"), 3);
    // The names were read before the trap came; those of other connections after it too.
    assert_eq!(names(&faulty), 9);
    assert!(faulty.stderr.contains("a fault of wardwatch"), "{}", faulty.stderr);
    assert!(!faulty.stderr.contains("RUST_BACKTRACE"), "said once: {}", faulty.stderr);
}

#[test]
fn a_feed_that_is_a_fault_to_read_is_named_like_one_that_cannot_be_read() {
    let directory = run::temporary_directory();
    let list = run::put(directory.path(), "bad.csv", feed(&["x.example,domain,"]).as_bytes());
    let check = || Run::new(["feeds", "list", "--no-builtin-feeds", "--feeds"]).arg(&list);
    check().go().expect_code(0);
    let refused = check().env("WARDWATCH_TEST_FEED", "bad.csv").go().expect_code(2);
    assert!(refused.stderr.contains("bad.csv"), "{}", refused.stderr);
    assert!(refused.stderr.contains("a fault of wardwatch at this file"), "{}", refused.stderr);
}

fn worker() -> Worker {
    let assignment = Assignment {
        limits: Limits::default(),
        home: HomeNetworks::default(),
        events: EventKinds::default(),
        origin: Origin::Capture("test".into()),
    };
    let text = feed(&["evil.example,domain,"]);
    let lint = ioc_feeds::lint::Lint::Trusted;
    let loaded = ioc_feeds::format::load_text("test", &text, lint).unwrap();
    let set = Arc::new(IndicatorSet::build(loaded.indicators, &[]));
    Worker::new(assignment, set, Outbox::keeping())
}

/// Shows the frames to a worker; how many of them were faults.
fn show(worker: &mut Worker, frames: &[Frame]) -> u64 {
    let directory = run::temporary_directory();
    let path = run::put(directory.path(), "c.pcap", &capture_file::pcap(frames));
    let mut source = CaptureFile::open(&path).unwrap();
    let mut faults = 0;
    while let Some(frames) = source.next_frames().unwrap() {
        for frame in frames {
            faults += u64::from(worker.contained_frame(&frame).is_err());
        }
    }
    faults
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Wherever it happens, in a flow or in the tables, and however often.
    #[test]
    fn after_any_number_of_faults_a_worker_holds_nothing_it_does_not_count_and_sees_what_comes(
        count in 1..40_u16,
        tables in any::<bool>(),
        rounds in 1..4_usize,
    ) {
        panics::keep_quiet_when_caught();
        let mut worker = worker();
        worker.set_trap(TRAP.as_bytes(), tables);
        let frames = side_by_side(count);
        let faults: u64 = (0..rounds).map(|_| show(&mut worker, &frames)).sum();
        prop_assert!(faults >= u64::from(count.div_ceil(3)));
        prop_assert_eq!(worker.counters().get(Counter::Panics), faults);
        let hello = say::client_hello("late.evil.example");
        let late = TcpConversation::new(pc(), at("203.0.113.7:443")).client(&hello).segment(50);
        show(&mut worker, &wire::plain_frames(&late.packets()));
        worker.wind_up();
        prop_assert_eq!(worker.held_bytes(), 0);
        let records = worker.take_records();
        let seen = records.iter().any(|(_, record)| {
            matches!(record, Record::Alert(alert) if alert.seen == "late.evil.example")
        });
        prop_assert!(seen);
        worker.finish();
    }
}
