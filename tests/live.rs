//! The live sensor on a real interface: a veth pair in a network namespace of the test's own,
//! captures replayed into one end by tcpreplay, `wardwatch run` on the other.
//!
//! Needs root, `ip` and `tcpreplay`. Without root it says so and does nothing; in CI it must run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

mod doctor_machine;
mod live_interfaces;
mod live_workers;

use wardwatch_testing as support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::capture_file;
use support::netns::{MIRROR, Namespace, Sensor};
use support::run::{
    Run, capture, eve_lines, events_of, put, skipped_without_root, temporary_directory,
};
use support::verdict::{Contact, contacts, feed, query};
use support::wire;

/// Packets a second: no more than a debug build reads on a busy machine.
const RATE: u32 = 2000;

/// A sensor on the mirror end of a namespace, with a directory of its own.
fn start(namespace: &Namespace, arguments: &[&str]) -> (Sensor, tempfile::TempDir) {
    let directory = temporary_directory();
    (Sensor::start(namespace, directory.path(), arguments), directory)
}

/// The contacts in EVE so far; whole lines only.
fn contacts_of(sensor: &Sensor) -> Vec<Contact> {
    let text = sensor.eve();
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    let mut all = contacts(&eve_lines(whole));
    all.dedup(); // a count at the end repeats its contact
    all
}

/// What `scan` says of a capture.
fn scanned(path: &Path, arguments: &[&str]) -> Vec<Contact> {
    let run = Run::new(["scan", "--eve", "-"]).args(arguments).arg(path);
    let mut all = contacts(&run.go().expect_code(0).eve());
    all.dedup();
    all
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Lines of the log that are alerts and not about the sensor.
fn alert_lines(log: &str) -> usize {
    log.lines().filter(|line| !line.contains("| wardwatch ")).count()
}

#[test]
fn a_replayed_office_gives_the_alerts_that_scan_gives() {
    if skipped_without_root("a_replayed_office_gives_the_alerts_that_scan_gives") {
        return;
    }
    let namespace = Namespace::new();
    let (mut sensor, _directory) = start(&namespace, &["--events", "all"]);
    let path = capture("ward-office.pcap");
    let expected = scanned(&path, &[]);
    assert!(expected.len() > 20, "{expected:?}");
    namespace.replay(&path, RATE);
    sensor.until("every contact is an alert", |sensor| contacts_of(sensor).len() >= expected.len());
    sensor.send("-USR1");
    sensor.until("counters are printed", |sensor| sensor.stderr().contains("capture.frames "));
    sensor.stop();
    assert_eq!(contacts_of(&sensor), expected);

    let log = sensor.log();
    assert!(log.lines().next().unwrap().contains(": started | "), "{log}");
    assert!(log.lines().last().unwrap().contains(": stopped | "), "{log}");
    assert!(alert_lines(&log) >= expected.len());
    for name in ["alerts.log", "eve.json"] {
        assert_eq!(mode(&sensor.path(name)), 0o640, "{name}");
    }
    let eve = eve_lines(&std::fs::read_to_string(sensor.path("eve.json")).unwrap());
    let of_traffic = |event: &&serde_json::Value| event["event_type"] != "stats";
    assert!(eve.iter().filter(of_traffic).all(|event| event["in_iface"] == MIRROR));
    assert!(eve.iter().all(|event| event.get("pcap_filename").is_none()));
    let stderr = sensor.stderr();
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn real_clients_and_a_benign_morning_give_what_scan_gives() {
    if skipped_without_root("real_clients_and_a_benign_morning_give_what_scan_gives") {
        return;
    }
    let directory = temporary_directory();
    let rows = feed(&["evil.example,domain,", "panda.test,domain,"]);
    let feed = put(directory.path(), "lab.csv", rows.as_bytes());
    let arguments = ["--feeds", feed.to_str().unwrap()];
    let namespace = Namespace::new();
    let (mut sensor, _directory) = start(&namespace, &arguments);
    let mut expected = Vec::new();
    let names = ["benign", "recorded/dig", "recorded/curl-https", "recorded/openssl-mlkem-offload"];
    for name in names {
        let path = capture(&format!("{name}.pcap"));
        expected.extend(scanned(&path, &arguments));
        namespace.replay(&path, RATE);
    }
    expected.sort();
    expected.dedup();
    assert!(expected.len() >= 4, "{expected:?}");
    sensor.until("every contact is an alert", |sensor| contacts_of(sensor).len() >= expected.len());
    sensor.stop_with("-INT");
    assert_eq!(contacts_of(&sensor), expected);
}

#[test]
fn an_alert_is_in_the_log_while_the_sensor_goes_on() {
    if skipped_without_root("an_alert_is_in_the_log_while_the_sensor_goes_on") {
        return;
    }
    let directory = temporary_directory();
    let frames = wire::plain_frames(&query("canary.wardwatch.test"));
    let path = put(directory.path(), "one.pcap", &capture_file::pcap(&frames));
    let namespace = Namespace::new();
    let (mut sensor, _directory) = start(&namespace, &[]);
    namespace.replay(&path, RATE);
    let line = "canary.wardwatch.test (dns.query)";
    sensor.until("the alert is in the log", |sensor| sensor.log().contains(line));
    assert!(sensor.is_running(), "it ended: {}", sensor.stderr());
    sensor.stop();
}

#[test]
fn a_hangup_begins_new_files_and_loses_nothing() {
    if skipped_without_root("a_hangup_begins_new_files_and_loses_nothing") {
        return;
    }
    let directory = temporary_directory();
    let file = |name: &str| {
        let frames = wire::plain_frames(&query(name));
        put(directory.path(), &format!("{name}.pcap"), &capture_file::pcap(&frames))
    };
    let (before, after) = (file("before.evil.example"), file("after.panda.test"));
    let rows = feed(&["evil.example,domain,", "panda.test,domain,"]);
    let feed = put(directory.path(), "lab.csv", rows.as_bytes());
    let namespace = Namespace::new();
    let (mut sensor, _directory) = start(&namespace, &["--feeds", feed.to_str().unwrap()]);
    namespace.replay(&before, RATE);
    sensor.until("the first alert", |sensor| sensor.log().contains("before.evil.example"));
    for name in ["alerts.log", "eve.json"] {
        std::fs::rename(sensor.path(name), sensor.path(&format!("{name}.1"))).unwrap();
    }
    sensor.send("-HUP");
    sensor.until("new files", |sensor| {
        ["alerts.log", "eve.json"].iter().all(|name| sensor.path(name).exists())
    });
    namespace.replay(&after, RATE);
    sensor.until("the second alert", |sensor| sensor.log().contains("after.panda.test"));
    sensor.stop();
    let old = std::fs::read_to_string(sensor.path("alerts.log.1")).unwrap();
    assert!(old.contains("before.evil.example") && !old.contains("after.panda.test"), "{old}");
    let new = sensor.log();
    assert!(!new.contains("before.evil.example"), "{new}");
    assert_eq!(mode(&sensor.path("alerts.log")), 0o640);
    let eve = |name: &str| {
        let records = eve_lines(&std::fs::read_to_string(sensor.path(name)).unwrap());
        events_of(&records, "alert").len()
    };
    assert_eq!((eve("eve.json.1"), eve("eve.json")), (1, 1));
}

#[test]
fn a_check_of_everything_exits_without_watching_and_leaves_nothing() {
    if skipped_without_root("a_check_of_everything_exits_without_watching_and_leaves_nothing") {
        return;
    }
    let directory = temporary_directory();
    // Root checks; files that root left behind could not be written by the service's user.
    let log = directory.path().join("log");
    for (interface, code, words) in [("lo", 0, "can be used"), ("wwnone0", 0, "no interface")] {
        let run = Run::new(["run", "-T", "-i", interface, "--log-dir"]).arg(&log);
        let outcome = run.seconds(20).go().expect_code(code);
        assert!(outcome.stderr.contains(words), "{}", outcome.stderr);
        assert!(!log.exists(), "a check left {:?}", std::fs::read_dir(&log).unwrap().next());
    }
}
