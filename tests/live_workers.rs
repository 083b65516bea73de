//! Live capture with workers that share an interface: nothing missed, nothing twice, and an
//! interface that goes away is waited for. Needs root; says so where it is skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use support::conversations::{self as say};
use support::mirror::Mirror;
use support::office::Office;
use support::wire::{self, Frame, Tag};
use support::{capture_file, packets, run};

/// What an alert is about, whatever its time: our host, what was seen and where, the other end.
fn contacts(log: &str) -> BTreeMap<String, u64> {
    let mut most = BTreeMap::new();
    for line in log.lines().filter(|line| !line.contains("| wardwatch ")) {
        let fields: Vec<&str> = line.split(" | ").collect();
        // The port of our side is not in the line; that of the other end is.
        let key = [fields[1], fields[3], fields[4]].join(" | ");
        let count: u64 = fields[5].parse().unwrap();
        let so_far = most.entry(key).or_default();
        *so_far = count.max(*so_far);
    }
    most
}

fn counter(printed: &str, name: &str) -> u64 {
    let line = printed.lines().rev().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or("0").trim().parse().unwrap()
}

/// USR1, and what it prints of a counter once it is at least `least`.
fn counted(sensor: &support::mirror::Sensor, name: &str, least: u64) -> u64 {
    let begun = std::time::Instant::now();
    loop {
        sensor.signal("USR1");
        std::thread::sleep(Duration::from_millis(300));
        let now = counter(&sensor.printed(), name);
        if now >= least || begun.elapsed() > Duration::from_secs(15) {
            return now;
        }
    }
}

/// A feed of one invented name, and a capture: one PC opens it `flows` times.
fn beacon(directory: &std::path::Path, flows: i64) -> (PathBuf, PathBuf) {
    let feed = "indicator,type,threat\nbeacon.example,domain,redline\n";
    let feed = run::put(directory, "feed.csv", feed.as_bytes());
    let mut office = Office::new(7);
    for n in 0..flows {
        let hello = say::client_hello("beacon.example");
        office.tls(3, n, "203.0.113.80:443".parse().unwrap(), &hello, 200);
    }
    let (frames, _) = office.finish();
    (feed, run::put(directory, "beacon.pcap", &capture_file::pcap(&frames)))
}

#[test]
fn any_number_of_workers_gives_the_alerts_of_a_scan_and_none_twice() {
    let Some(mirror) = Mirror::new("same") else { return };
    let capture = run::capture("ward-office.pcap");
    let scanned = run::Run::new(["scan"]).arg(&capture).go().expect_code(0);
    let expected: BTreeSet<_> = contacts(&scanned.stdout).into_keys().collect();
    assert!(expected.len() > 20, "{expected:?}");
    for workers in ["1", "2", "4"] {
        let sensor = mirror.sensor(&["run", "-i", "m1", "-w", workers]);
        mirror.replay(&capture, 4_000);
        assert_eq!(counted(&sensor, "capture.frames", 2_196), 2_196, "{workers} workers");
        let log = sensor.stop();
        let live: BTreeSet<_> = contacts(&log).into_keys().collect();
        assert_eq!(live, expected, "{workers} workers");
    }
}

#[test]
fn contacts_that_several_workers_meet_are_one_line_with_the_sum() {
    let Some(mirror) = Mirror::new("sum") else { return };
    let directory = run::temporary_directory();
    let (feed, capture) = beacon(directory.path(), 40);
    let feed = feed.display().to_string();
    let mut lines = BTreeSet::new();
    for workers in ["1", "4"] {
        let sensor = mirror.sensor(&["run", "-i", "m1", "-w", workers, "--feeds", &feed]);
        mirror.replay(&capture, 2_000);
        sensor.until("beacon.example", 10);
        let log = sensor.stop();
        let counts: Vec<u64> = contacts(&log).into_values().collect();
        assert_eq!(counts, [40], "{workers} workers: {log}");
        lines.insert(log.lines().filter(|line| line.contains("beacon.example")).count());
    }
    assert_eq!(lines, BTreeSet::from([2]), "the first contact, and the sum at the end");
}

#[test]
fn a_mirror_that_copies_twice_is_counted_and_tells_nothing_twice() {
    let Some(mirror) = Mirror::new("twice") else { return };
    let directory = run::temporary_directory();
    let (feed, capture) = beacon(directory.path(), 5);
    let (feed, once) = (feed.display().to_string(), std::fs::read(&capture).unwrap());
    // Each record of the capture twice, as a mirror of both directions writes it.
    let mut twice = once[..24].to_vec();
    let mut rest = &once[24..];
    let mut frames = 0;
    while !rest.is_empty() {
        let length = 16 + u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let (record, after) = rest.split_at(length);
        twice.extend([record, record].concat());
        (rest, frames) = (after, frames + 1);
    }
    let capture = run::put(directory.path(), "twice.pcap", &twice);
    let sensor = mirror.sensor(&["run", "-i", "m1", "-w", "2", "--feeds", &feed]);
    mirror.replay(&capture, 20_000);
    assert_eq!(counted(&sensor, "capture.frames", 2 * frames), 2 * frames);
    let repeats = counter(&sensor.printed(), "capture.duplicates");
    // Each of the two workers lets the first through that makes it suspicious.
    assert!((frames * 9 / 10..frames).contains(&repeats), "{repeats} of {frames}");
    assert_eq!(contacts(&sensor.stop()).into_values().collect::<Vec<_>>(), [5]);
}

/// A capture of one question for a name, in these tags.
fn question(directory: &std::path::Path, name: &str, tags: &[Tag]) -> PathBuf {
    let client = "192.168.1.10:50000".parse().unwrap();
    let router = "192.168.1.1:53".parse().unwrap();
    let packet = packets::udp(client, router, &say::dns_query(1, name, say::A));
    let bytes = wire::ethernet([2; 6], [4; 6], tags, 0x800, &packet);
    let frame = Frame { time: wire::NINE_O_CLOCK, bytes };
    run::put(directory, &format!("{name}.pcap"), &capture_file::pcap(&[frame]))
}

#[test]
fn vlan_tags_that_the_kernel_takes_out_are_read() {
    let Some(mirror) = Mirror::new("tags") else { return };
    let directory = run::temporary_directory();
    let feed = b"indicator,type,threat\ntag.example,domain,redline\n";
    let feed = run::put(directory.path(), "feed.csv", feed).display().to_string();
    let arguments = ["run", "-i", "m1", "--feeds", &feed, "--eve", "-"];
    let eve = directory.path().join("eve.json").display().to_string();
    let arguments: Vec<&str> =
        arguments.iter().map(|a| if *a == "-" { &eve } else { *a }).collect();
    let sensor = mirror.sensor(&arguments);
    let tags = [Tag::ad(30), Tag::q(7)];
    mirror.replay(&question(directory.path(), "tag.example", &tags), 1);
    sensor.until("tag.example", 10);
    sensor.stop();
    let alert = run::eve_lines(&std::fs::read_to_string(eve).unwrap()).remove(0);
    assert_eq!(alert["vlan"], serde_json::json!([30, 7]), "{alert}");
}

#[test]
fn an_interface_that_goes_down_or_is_unplugged_is_watched_again_when_it_is_back() {
    let Some(mirror) = Mirror::new("unplug") else { return };
    let directory = run::temporary_directory();
    let feed = "indicator,type,threat\nexample,domain,redline\n";
    let feed = feed.replace("example", "one.example\x2cdomain\x2credline\ntwo.example");
    let feed = run::put(directory.path(), "feed.csv", feed.as_bytes()).display().to_string();
    let sensor = mirror.sensor(&["run", "-i", "m1", "-w", "2", "--feeds", &feed]);
    mirror.link("m1", "down");
    sensor.until("is down", 10);
    mirror.link("m1", "up");
    sensor.until("is up again", 10);
    mirror.replay(&question(directory.path(), "one.example", &[]), 1);
    sensor.until("one.example", 10);
    mirror.run("ip", &["link", "delete", "m0"]);
    sensor.until("cannot be read", 10);
    mirror.plug_in();
    sensor.until("open again", 20);
    // The other worker of the group comes back by itself, at its own time.
    mirror.until_read_by("m1", 2);
    mirror.replay(&question(directory.path(), "two.example", &[]), 1);
    sensor.until("two.example", 10);
    let log = sensor.stop();
    assert_eq!(contacts(&log).into_values().collect::<Vec<_>>(), [1, 1], "{log}");
}

#[test]
fn an_alert_follows_its_packet_within_milliseconds() {
    let Some(mirror) = Mirror::new("late") else { return };
    let directory = run::temporary_directory();
    let names: Vec<_> = (0..10).map(|n| format!("n{n}.example")).collect();
    let rows: String = names.iter().map(|name| format!("{name},domain,redline\n")).collect();
    let feed = format!("indicator,type,threat\n{rows}");
    let feed = run::put(directory.path(), "feed.csv", feed.as_bytes()).display().to_string();
    let sensor = mirror.sensor(&["run", "-i", "m1", "--feeds", &feed]);
    let mut delays = Vec::new();
    for name in &names {
        mirror.replay(&question(directory.path(), name, &[]), 1);
        sensor.until(name, 10);
        let written = std::fs::metadata(sensor.log.join("alerts.log")).unwrap().modified().unwrap();
        let written = written.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        // The record of it has the packet's time to the microsecond.
        let eve = sensor.log.join("eve.json");
        let begun = std::time::Instant::now();
        while !std::fs::read_to_string(&eve).is_ok_and(|eve| eve.contains(name.as_str())) {
            assert!(begun.elapsed().as_secs() < 10, "{name} is not in EVE");
            std::thread::sleep(Duration::from_millis(5));
        }
        let eve = std::fs::read_to_string(&eve).unwrap();
        let line = eve.lines().find(|line| line.contains(name.as_str())).unwrap();
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let time = record["timestamp"].as_str().unwrap();
        let second: f64 = time.split(['+', ':']).nth(2).unwrap().parse().unwrap();
        delays.push(((written - second + 30.0).rem_euclid(60.0) - 30.0) * 1_000.0);
    }
    delays.sort_by(f64::total_cmp);
    eprintln!("from packet to line: {delays:.1?} ms");
    // Half of them: the machine may be busy with other tests. A file's time has the steps of the
    // kernel's tick.
    assert!(delays[5].abs() < 20.0, "{delays:?}");
}
