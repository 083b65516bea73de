//! Where alerts and figures go beside the log: standard output, status.json.
//!
//! Most of it needs root for namespaces or to capture; without it, it says so and does nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use support::netns::{Namespace, Sensor};
use support::run::{Run, eve_lines, put, skipped_without_root, temporary_directory};
use support::verdict::{feed, query};
use support::{capture_file, wire};
use wardwatch::sink::report::Report;

/// Names asked for in a test.
const PLANTED: usize = 20;

fn name(number: usize) -> String {
    format!("planted-{number}.evil.test")
}

/// A feed of the planted names, and a capture that asks for them.
fn planted(directory: &Path) -> (String, PathBuf) {
    let rows: Vec<String> = (0..PLANTED).map(|n| format!("{},domain,", name(n))).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let feed = put(directory, "lab.csv", feed(&rows).as_bytes());
    let packets: Vec<_> = (0..PLANTED).flat_map(|n| query(&name(n))).collect();
    let capture = capture_file::pcap(&wire::plain_frames(&packets));
    (feed.to_str().unwrap().to_owned(), put(directory, "planted.pcap", &capture))
}

fn found(text: &str) -> usize {
    (0..PLANTED).filter(|n| text.contains(&name(*n))).count()
}

fn config(directory: &Path, text: &str) -> String {
    put(directory, "c.toml", text.as_bytes()).to_str().unwrap().to_owned()
}

/// The figures of `status.json`.
fn figures(sensor: &Sensor) -> BTreeMap<String, String> {
    let bytes = std::fs::read(sensor.path("status.json")).unwrap_or_default();
    let figures = Report::parse(&bytes).map(|report| report.figures).unwrap_or_default();
    let shown = |value: Option<u64>| value.map_or_else(|| "unknown".into(), |n| n.to_string());
    figures.into_iter().map(|figure| (figure.name.into_owned(), shown(figure.value))).collect()
}

/// `name value` lines that USR1 printed last.
fn printed(stderr: &str) -> BTreeMap<String, String> {
    let pair = |line: &str| {
        let (name, value) = line.split_once(' ')?;
        let plain = value == "unknown" || value.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| (name.to_owned(), value.to_owned()))
    };
    stderr.lines().filter_map(pair).collect()
}

/// Figures that move while nothing is captured.
const MOVING: [&str; 2] = ["uptime", "memory.resident"];

#[test]
fn status_json_usr1_and_eve_stats_tell_the_same_figures() {
    if skipped_without_root("status_json_usr1_and_eve_stats_tell_the_same_figures") {
        return;
    }
    let (directory, namespace) = (temporary_directory(), Namespace::new());
    let (feed, capture) = planted(directory.path());
    let mut sensor = Sensor::start(&namespace, directory.path(), &["--feeds", &feed]);
    namespace.replay(&capture, 200);
    sensor.until("every alert", |sensor| found(&sensor.log()) == PLANTED);
    // A frame may still be on its way into the counts: until two reports agree. One is written every
    // five seconds, at once and never in parts.
    let settled = |figures: &BTreeMap<String, String>| {
        let rest = figures.iter().filter(|(name, _)| !MOVING.contains(&name.as_str()));
        rest.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>()
    };
    sensor.until("the figures have come to rest", |sensor| {
        let before = settled(&figures(sensor));
        std::thread::sleep(Duration::from_millis(5500));
        before == settled(&figures(sensor)) && before.contains(&format!("alert.told {PLANTED}"))
    });
    sensor.send("-USR1");
    sensor.until("USR1 prints", |sensor| printed(&sensor.stderr()).contains_key("memory.resident"));
    let (told, in_file) = (printed(&sensor.stderr()), figures(&sensor));
    assert!(told.len() > 80, "{told:?}");
    assert!(told["traffic.udp.packets_local"].parse::<u64>().unwrap() >= PLANTED as u64);
    assert_eq!(settled(&told), settled(&in_file));
    sensor.stop();
    let eve = eve_lines(&sensor.eve());
    let stats = eve.iter().rfind(|record| record["event_type"] == "stats").unwrap();
    for (figure, value) in told.iter().filter(|(name, _)| !MOVING.contains(&name.as_str())) {
        let pointer = format!("/stats/{}", figure.replace('.', "/"));
        let told = stats.pointer(&pointer).unwrap_or_else(|| panic!("no {pointer}"));
        assert_eq!(told.as_u64(), value.parse().ok(), "{figure}");
    }
}

#[test]
fn settings_that_cannot_be_are_refused_with_the_reason() {
    let directory = temporary_directory();
    for (text, arguments, reason) in [
        ("metrics.listen = '127.0.0.1:9477'", &[][..], "/etc/wardwatch/relay.toml"),
        ("log.stdout = true", &["--eve", "-"], "both want standard output"),
        ("", &["--eve", "-", "--stdout"], "both want standard output"),
        ("[[syslog]]\ntarget = 'udp://192.0.2.1:514'", &[], "wardwatch-relay's now"),
        ("spool.total_mb = 0\nspool.dir = '/s'", &[], "total_mb must be at least 1"),
    ] {
        let config = config(directory.path(), text);
        let run = Run::new(["run", "-i", "lo", "-T", "-c", &config]).args(arguments);
        let outcome = run.go().expect_code(2);
        assert!(outcome.stderr.contains(reason), "{reason}: {}", outcome.stderr);
    }
}

#[test]
fn what_moved_to_the_relay_is_said_in_vietnamese_too_and_an_empty_section_of_old_is_no_fault() {
    let directory = temporary_directory();
    let run = |text: &str| {
        let config = config(directory.path(), text);
        Run::new(["feeds", "list", "--lang", "vi", "-c", &config]).go()
    };
    let refused = run("[metrics]\nlisten = '127.0.0.1:9477'\n").expect_code(2);
    assert!(refused.stderr.contains("nay thuộc về wardwatch-relay"), "{}", refused.stderr);
    // The configuration of earlier packages has the head of the section and nothing in it.
    run("[metrics]\n").expect_code(0);
}

#[test]
fn alerts_on_standard_output_are_those_of_the_log_and_nothing_else() {
    if skipped_without_root("alerts_on_standard_output") {
        return;
    }
    let (directory, namespace) = (temporary_directory(), Namespace::new());
    let (feed, capture) = planted(directory.path());
    for (arguments, json) in [(&["--stdout"][..], false), (&["--eve", "-"], true)] {
        let out = directory.path().join("out");
        let file = std::fs::File::create(&out).unwrap();
        let arguments = [&["--feeds", &feed][..], arguments].concat();
        let log = directory.path().join(if json { "json" } else { "text" });
        std::fs::create_dir(&log).unwrap();
        let mut sensor = Sensor::start_printing(&namespace, &log, &arguments, Stdio::from(file));
        namespace.replay(&capture, 200);
        let printed = || std::fs::read_to_string(&out).unwrap();
        sensor.until("every alert is printed", |_| found(&printed()) == PLANTED);
        sensor.stop();
        if json {
            let records = eve_lines(&printed());
            let of = |kind: &str| records.iter().filter(|r| r["event_type"] == kind).count();
            assert_eq!(of("alert"), PLANTED);
            assert_eq!(of("stats"), 1, "at the end");
            assert_eq!(sensor.eve(), "", "not to a file too");
        } else {
            let about_itself = |line: &&str| !line.contains("| wardwatch ");
            let log = sensor.log();
            let alerts: Vec<_> = log.lines().filter(about_itself).collect();
            assert_eq!(printed().lines().collect::<Vec<_>>(), alerts);
        }
    }
}

#[test]
fn a_closed_pipe_on_standard_output_is_said_once_and_the_log_goes_on() {
    if skipped_without_root("a_closed_pipe_on_standard_output") {
        return;
    }
    let (directory, namespace) = (temporary_directory(), Namespace::new());
    let (feed, capture) = planted(directory.path());
    let arguments = ["--feeds", &feed, "--stdout"];
    let pipe = Stdio::piped();
    let mut sensor = Sensor::start_printing(&namespace, directory.path(), &arguments, pipe);
    drop(sensor.take_stdout());
    namespace.replay(&capture, 100);
    sensor.until("every alert", |sensor| found(&sensor.log()) == PLANTED);
    let words = "nobody reads stdout any more";
    sensor.until("it is said", |sensor| sensor.stderr().contains(words));
    sensor.stop();
    assert_eq!(sensor.stderr().matches(words).count(), 1, "{}", sensor.stderr());
    assert_eq!(found(&sensor.eve()), PLANTED);
}

#[test]
fn a_standard_error_that_nobody_reads_holds_up_neither_alerts_nor_the_end() {
    if skipped_without_root("a_standard_error_that_nobody_reads") {
        return;
    }
    let (directory, namespace) = (temporary_directory(), Namespace::new());
    let (feed, capture) = planted(directory.path());
    let (path, pipe) = (directory.path(), Stdio::piped());
    let mut sensor = Sensor::start_complaining(&namespace, path, &["--feeds", &feed], pipe);
    // Several times what a pipe holds (64 KiB), and nobody reads.
    for _ in 0..60 {
        sensor.send("-USR1");
        std::thread::sleep(Duration::from_millis(120));
    }
    namespace.replay(&capture, 200);
    sensor.until("every alert", |sensor| found(&sensor.log()) == PLANTED);
    sensor.stop();
}
