//! A large capture is read by several workers, and no number of threads changes a byte of the
//! answer, nor does it differ from what one worker finds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::run::{Outcome, Run, capture, eve_lines};

const HEADER: usize = 24;
const DAY: u32 = 86_400;

/// The bundled captures, one after the other, day after day: 8 MB.
fn large() -> Vec<u8> {
    let parts = ["ward-office.pcap", "benign.pcap"].map(|name| fs::read(capture(name)).unwrap());
    let mut whole = parts[0][..HEADER].to_vec();
    for day in 0..5 {
        for part in &parts {
            let mut records = part[HEADER..].to_vec();
            let mut at = 0;
            while at < records.len() {
                let word = |at: usize| u32::from_le_bytes(records[at..at + 4].try_into().unwrap());
                let (second, captured) = (word(at) + day * DAY, word(at + 8) as usize);
                records[at..at + 4].copy_from_slice(&second.to_le_bytes());
                at += 16 + captured;
            }
            whole.extend(records);
        }
    }
    whole
}

fn scan(path: &Path, jobs: &str, more: &[&str]) -> Outcome {
    Run::new(["-v", "scan", "-j", jobs]).args(more).arg(path).go().expect_code(0)
}

#[test]
fn any_number_of_threads_gives_the_same_bytes_and_the_same_counts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large.pcap");
    fs::write(&path, large()).unwrap();
    for more in [&[][..], &["--eve", "-", "--events", "all"]] {
        let one = scan(&path, "1", more);
        assert!(one.stdout.len() > 1000, "{}", one.stdout);
        for jobs in ["2", "3", "8"] {
            let several = scan(&path, jobs, more);
            assert!(several.stdout == one.stdout, "-j {jobs} prints something else");
            assert_eq!(several.stderr, one.stderr, "-j {jobs}");
        }
    }
}

#[test]
fn several_large_and_small_captures_come_in_their_order() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = large();
    for (name, bytes) in [
        ("1.pcap", &bytes[..]),
        ("2.pcap", &fs::read(capture("ward-office.pcap")).unwrap()),
        ("3.pcap", &bytes),
        ("4.pcap.gz", &support::capture_file::gzip(&bytes)),
    ] {
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    let one = scan(directory.path(), "1", &["--eve", "-", "--events", "all"]);
    // With two, threads read captures apart and the last ones together; with eight all together.
    for jobs in ["2", "3", "8"] {
        let several = scan(directory.path(), jobs, &["--eve", "-", "--events", "all"]);
        assert!(several.stdout == one.stdout, "-j {jobs} prints something else");
        assert_eq!(several.stderr, one.stderr, "-j {jobs}");
    }
}

/// Alerts without what names the file and the counts at the end.
fn alerts(outcome: &Outcome) -> Vec<String> {
    let mut alerts: Vec<String> = eve_lines(&outcome.stdout)
        .into_iter()
        .map(|mut line| {
            line.as_object_mut().unwrap().remove("pcap_filename");
            Value::to_string(&line)
        })
        .collect();
    alerts.sort();
    alerts
}

#[test]
fn several_workers_find_what_one_finds() {
    let bytes = large();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large.pcap");
    fs::write(&path, &bytes).unwrap();
    // A pipe is always read by one worker.
    let one = Run::new(["scan", "--eve", "-", "-"]).stdin(&bytes).go().expect_code(0);
    let shared = scan(&path, "2", &["--eve", "-"]);
    assert!(!alerts(&one).is_empty());
    assert_eq!(alerts(&shared), alerts(&one));
}

#[test]
fn what_stands_before_a_cut_is_read_and_the_cut_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cut.pcap");
    let bytes = large();
    fs::write(&path, &bytes[..bytes.len() - 7]).unwrap();
    let run = |jobs: &str| Run::new(["scan", "-j", jobs]).arg(&path).go().expect_code(1);
    let (one, several) = (run("1"), run("4"));
    assert!(!one.stdout.is_empty());
    assert_eq!((several.stdout, &several.stderr), (one.stdout, &one.stderr));
    assert!(several.stderr.contains("cut"), "{}", several.stderr);
}
