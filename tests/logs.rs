//! Alerts are never lost: a full disk, a log that is moved away, a crash.
//!
//! Needs root for namespaces and mounts; without it, it says so and does nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::fs;
use std::time::Duration;

use support::netns::{Namespace, Sensor, SmallDisk};
use support::run::{put, skipped_without_root, temporary_directory};
use support::verdict::{feed, query};
use support::{capture_file, wire};

/// Alerts planted in a test.
const PLANTED: usize = 40;

fn name(number: usize) -> String {
    format!("planted-{number}.evil.test")
}

/// A feed of the planted names, and a capture that asks for the names of `range`.
fn planted(
    directory: &std::path::Path,
    range: std::ops::Range<usize>,
) -> (String, std::path::PathBuf) {
    let rows: Vec<String> = (0..PLANTED).map(|n| format!("{},domain,", name(n))).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let feed = put(directory, "lab.csv", feed(&rows).as_bytes());
    let packets: Vec<_> = range.clone().flat_map(|n| query(&name(n))).collect();
    let capture = capture_file::pcap(&wire::plain_frames(&packets));
    let capture = put(directory, &format!("planted-{}.pcap", range.start), &capture);
    (feed.to_str().unwrap().to_owned(), capture)
}

/// Which planted names a text holds.
fn found(text: &str) -> usize {
    (0..PLANTED).filter(|n| text.contains(&name(*n))).count()
}

#[track_caller]
fn assert_whole_lines(log: &str, eve: &str) {
    assert!(log.ends_with('\n'), "{log}");
    assert!(
        log.lines().all(|line| line.starts_with("20") && line.matches(" | ").count() >= 1),
        "{log}"
    );
    for line in eve.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    }
}

#[test]
fn alerts_of_a_full_disk_are_told_elsewhere_and_written_when_there_is_room() {
    if skipped_without_root("alerts_of_a_full_disk_are_told_elsewhere") {
        return;
    }
    let directory = temporary_directory();
    let disk = SmallDisk::mount(&directory.path().join("log"), 512);
    let namespace = Namespace::new();
    let (feed, first) = planted(directory.path(), 0..PLANTED / 2);
    let (_, second) = planted(directory.path(), PLANTED / 2..PLANTED);
    let mut sensor = Sensor::start(&namespace, directory.path(), &["--feeds", &feed]);
    namespace.replay(&first, 200);
    sensor.until("the first half", |sensor| found(&sensor.log()) == PLANTED / 2);
    let filler = disk.fill();
    namespace.replay(&second, 200);
    // The last page of the file still takes a few; every other one must be told.
    sensor.until("alerts in the journal", |sensor| {
        found(&sensor.stderr()) > 0
            && found(&format!("{}{}", sensor.log(), sensor.stderr())) == PLANTED
    });
    sensor.until("the failure is said", |sensor| {
        sensor.stderr().contains("alerts are held in memory")
    });
    fs::remove_file(filler).unwrap();
    sensor.until("everything is written", |sensor| {
        found(&sensor.log()) == PLANTED && found(&sensor.eve()) == PLANTED
    });
    sensor.until("the end is said", |sensor| sensor.log().contains("can be written again"));
    sensor.stop();
    assert_whole_lines(&sensor.log(), &sensor.eve());
}

#[test]
fn a_crash_loses_at_most_the_last_second_and_the_next_start_goes_on_cleanly() {
    if skipped_without_root("a_crash_loses_at_most_the_last_second") {
        return;
    }
    let directory = temporary_directory();
    let namespace = Namespace::new();
    let (feed, first) = planted(directory.path(), 0..PLANTED / 2);
    let (_, second) = planted(directory.path(), PLANTED / 2..PLANTED);
    let mut sensor = Sensor::start(&namespace, directory.path(), &["--feeds", &feed]);
    namespace.replay(&first, 100);
    std::thread::sleep(Duration::from_secs(1));
    sensor.kill();
    assert_eq!(found(&sensor.log()), PLANTED / 2);
    assert_eq!(found(&sensor.eve()), PLANTED / 2);
    // What a crash in the middle of a write leaves.
    for (file, half) in [("alerts.log", "2024-06-18T09:2"), ("eve.json", "{\"timestamp\": \"20")] {
        let mut text = fs::read_to_string(sensor.path(file)).unwrap();
        text.push_str(half);
        fs::write(sensor.path(file), text).unwrap();
    }
    let mut sensor = Sensor::start(&namespace, directory.path(), &["--feeds", &feed]);
    namespace.replay(&second, 100);
    sensor.until("the second half", |sensor| found(&sensor.log()) == PLANTED);
    sensor.stop();
    assert_eq!(found(&sensor.eve()), PLANTED);
    assert_whole_lines(&sensor.log(), &sensor.eve());
}

#[test]
fn a_log_that_is_moved_away_again_and_again_keeps_every_alert_without_a_signal() {
    if skipped_without_root("a_log_that_is_moved_away") {
        return;
    }
    let directory = temporary_directory();
    let namespace = Namespace::new();
    let mut sensor = None;
    for round in 0..4 {
        let (feed, capture) = planted(directory.path(), round * 10..round * 10 + 10);
        let sensor = sensor.get_or_insert_with(|| {
            Sensor::start(&namespace, directory.path(), &["--feeds", &feed])
        });
        namespace.replay(&capture, 50);
        for file in ["alerts.log", "eve.json"] {
            sensor.until("there is a log", |sensor| sensor.path(file).exists());
            fs::rename(sensor.path(file), sensor.path(&format!("{file}.{round}"))).unwrap();
        }
    }
    let mut sensor = sensor.unwrap();
    sensor.until("a new log", |sensor| sensor.path("alerts.log").exists());
    sensor.stop();
    let all = |file: &str| -> String {
        let part = |end: String| fs::read_to_string(sensor.path(&end)).unwrap_or_default();
        (0..4).map(|round| part(format!("{file}.{round}"))).chain([part(file.into())]).collect()
    };
    assert_eq!(found(&all("alerts.log")), PLANTED);
    assert_eq!(found(&all("eve.json")), PLANTED);
    assert_whole_lines(&all("alerts.log"), &all("eve.json"));
}
