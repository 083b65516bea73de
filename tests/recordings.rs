//! Captures that follow each other are one recording: wherever a recorder turned to a new file,
//! however it named it, packed or not, the alerts are those of the whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]

use crate::support;

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;

use support::capture_file::{self, bzip2, gzip, pcap, pcapng, snoop, xz, zstd};
use support::conversations as say;
use support::packets::{self, TcpConversation};
use support::run::{Run, capture, put, temporary_directory};
use support::verdict::{at, feed, pc, query, sightings};
use support::wire::{self, Frame, Link, MILLISECOND, NINE_O_CLOCK, SECOND};

const FEED: &[&str] = &["evil.example,domain,", "203.0.113.7:8080,ip:port,"];

/// A scan of these paths with the feed of these tests: EVE of everything.
fn scan(directory: &Path, paths: &[PathBuf], jobs: &str) -> Vec<Value> {
    let feed = put(directory, "test.csv", feed(FEED).as_bytes());
    Run::new(["scan", "--eve", "-", "--events", "all", "-j", jobs, "--no-builtin-feeds", "--feeds"])
        .arg(feed)
        .args(paths)
        .go()
        .expect_code(0)
        .eve()
}

/// Events without what names the file and the frame in it.
fn told(mut events: Vec<Value>) -> Vec<String> {
    for event in &mut events {
        let event = event.as_object_mut().unwrap();
        event.remove("pcap_filename");
        event.remove("pcap_cnt");
    }
    events.iter().map(Value::to_string).collect()
}

/// A while in which state matters: a PC says its name, a hello in small segments, a question in
/// fragments, a contact again and again, an upload and the next request behind it.
fn eventful() -> Vec<Frame> {
    let hello = TcpConversation::new(pc(), at("203.0.113.99:443"))
        .client(&say::client_hello("c2.evil.example"))
        .segment(60);
    let web = TcpConversation::new(at("192.168.1.10:50001"), at("203.0.113.99:80"))
        .client(&say::http_post("www.office.example", "/up", &[b'x'; 3000]))
        .server(&say::http_ok(b"ok"))
        .client(&say::http_get("web.evil.example", "/"));
    let question = say::dns_query(9, "fragments.evil.example", say::A);
    let question = packets::udp(at("192.168.1.10:5353"), at("192.168.1.1:53"), &question);
    let payload = &question[20..];
    let fragments = [(0, 16), (16, payload.len())]
        .map(|part| wire::from_client(packets::fragment(&question, 77, part, payload)));
    let dhcp =
        say::dhcp(say::DHCP_REQUEST, [2, 0, 0, 0, 0, 0x10], [192, 168, 1, 10].into(), "KETOAN-01");
    let dhcp = packets::udp(at("0.0.0.0:68"), at("255.255.255.255:67"), &dhcp);
    let mut all = vec![wire::from_client(dhcp)];
    all.extend(hello.packets());
    all.extend(fragments);
    all.extend(query("again.evil.example"));
    all.extend(web.packets());
    let mut frames = wire::plain_frames(&all);
    for n in 1..5 {
        let time = NINE_O_CLOCK + n * 100 * SECOND;
        frames.extend(wire::frames(
            &Link::plain(),
            &query("again.evil.example"),
            time,
            MILLISECOND,
        ));
    }
    frames
}

type Write = fn(&[Frame]) -> Vec<u8>;
type Pack = fn(&[u8]) -> Vec<u8>;

const FORMATS: [(Write, &str); 3] = [(pcap, "pcap"), (pcapng, "pcapng"), (snoop, "snoop")];
const PACKINGS: [(Pack, &str); 5] =
    [(<[u8]>::to_vec, ""), (gzip, ".gz"), (zstd, ".zst"), (xz, ".xz"), (bzip2, ".bz2")];

/// What a recorder would call its second file after the first: in each, `%` is the ending.
const NAMES: [(&str, &str); 6] = [
    ("trace.%0", "trace.%1"),
    ("trace.%", "trace.%1"),
    ("x-20240618-090000.%", "x-20240618-090500.%"),
    ("x_00009_20240618090000.%", "x_00010_20240618090500.%"),
    ("log.%.1718676000", "log.%.1718676300"),
    // By hand, and in the wrong order.
    ("part 2.%", "part 1.%"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_capture_that_is_cut_into_two_files_anywhere_gives_the_alerts_of_the_whole(
        cut in 0..100_usize,
        format in 0..FORMATS.len(),
        packings in (0..PACKINGS.len(), 0..PACKINGS.len()),
        names in 0..NAMES.len(),
        order in 0..3_usize,
        jobs in 1..4_u8,
    ) {
        let frames = eventful();
        let cut = cut * frames.len() / 99;
        let directory = temporary_directory();
        let (write, ending) = FORMATS[format];
        let whole = put(directory.path(), "all", &write(&frames));
        let whole = scan(directory.path(), &[whole], "1");
        let tree = directory.path().join("parts");
        fs::create_dir(&tree).unwrap();
        let part = |name: &str, packing: usize, frames: &[Frame]| {
            let (pack, packed) = PACKINGS[packing];
            put(&tree, &(name.replace('%', ending) + packed), &pack(&write(frames)))
        };
        let first = part(NAMES[names].0, packings.0, &frames[..cut]);
        let second = part(NAMES[names].1, packings.1, &frames[cut..]);
        let paths = match order {
            0 => vec![first, second],
            1 => vec![second, first],
            _ => vec![tree],
        };
        let parts = scan(directory.path(), &paths, &jobs.to_string());
        prop_assert_eq!(told(parts), told(whole));
    }
}

#[test]
fn the_whole_has_what_the_property_is_about() {
    let directory = temporary_directory();
    let path = put(directory.path(), "all", &pcap(&eventful()));
    let seen = sightings(&scan(directory.path(), &[path], "1"));
    for wanted in ["evil.example tls.sni", "evil.example dns.query", "evil.example http.host"] {
        assert!(seen.iter().any(|seen| seen == wanted), "{wanted}: {seen:?}");
    }
}

#[test]
fn an_alert_names_the_capture_that_completed_it() {
    let directory = temporary_directory();
    let frames = eventful();
    let first = put(directory.path(), "trace.pcap0", &pcap(&frames[..6]));
    let second = put(directory.path(), "trace.pcap1", &pcap(&frames[6..]));
    let events = scan(directory.path(), &[first, second], "1");
    let tls = |event: &&Value| event["event_type"] == "alert" && event["app_proto"] == "tls";
    let alert = events.iter().find(tls).expect("the hello over the border");
    assert!(alert["pcap_filename"].as_str().unwrap().ends_with("trace.pcap1"), "{alert}");
    let number = alert["pcap_cnt"].as_u64().unwrap();
    assert!(number <= 12, "frames of each capture are counted from 1: {number}");
}

/// A hello of which each of two captures holds one half.
fn halves() -> (Vec<Frame>, Vec<Frame>) {
    let hello = TcpConversation::new(pc(), at("203.0.113.99:443"))
        .client(&say::client_hello("c2.evil.example"))
        .segment(60);
    let mut first = wire::plain_frames(&hello.packets());
    let second = first.split_off(5);
    (first, second)
}

fn later(frames: &[Frame], nanos: i64) -> Vec<Frame> {
    frames.iter().map(|f| Frame { time: f.time + nanos, bytes: f.bytes.clone() }).collect()
}

#[test]
fn captures_with_other_names_or_of_another_time_have_nothing_to_do_with_each_other() {
    let (first, second) = halves();
    for (names, gap, goes_on) in [
        (["trace.pcap0", "trace.pcap1"], 0, true),
        (["trace.pcap0", "trace.pcap1"], 800 * SECOND, true),
        (["trace.pcap0", "trace.pcap1"], 1000 * SECOND, false),
        (["monday.pcap", "tuesday.pcap"], 0, false),
        // Both begin together: two views of the same time.
        (["port1.pcap", "port2.pcap"], -5 * MILLISECOND, false),
        (["trace.pcap0", "other/trace.pcap1"], 0, false),
    ] {
        let directory = temporary_directory();
        fs::create_dir(directory.path().join("other")).unwrap();
        let paths = [
            put(directory.path(), names[0], &pcap(&first)),
            put(directory.path(), names[1], &pcap(&later(&second, gap))),
        ];
        let seen = sightings(&scan(directory.path(), &paths, "2"));
        assert_eq!(seen.contains(&"evil.example tls.sni".into()), goes_on, "{names:?} {gap}");
    }
}

#[test]
fn names_of_hosts_go_on_with_the_recording_and_no_further() {
    let frames = eventful();
    for (names, known) in [(["x1.pcap", "x2.pcap"], true), (["a.pcap", "b.pcap"], false)] {
        let directory = temporary_directory();
        // The PC says its name in the first frame.
        let paths = [
            put(directory.path(), names[0], &pcap(&frames[..1])),
            put(directory.path(), names[1], &pcap(&frames[1..])),
        ];
        let text = told(scan(directory.path(), &paths, "1")).concat();
        let alerts = text.matches("\"event_type\":\"alert\"").count();
        assert!(alerts > 2, "{text}");
        let named = told(scan(directory.path(), &paths, "1"))
            .iter()
            .any(|line| line.contains("\"event_type\":\"alert\"") && line.contains("KETOAN-01"));
        assert_eq!(named, known, "{names:?}");
    }
}

#[test]
fn the_same_capture_given_twice_is_read_twice_from_nothing() {
    let directory = temporary_directory();
    let path = put(directory.path(), "x1.pcap", &pcap(&eventful()));
    let once = told(scan(directory.path(), std::slice::from_ref(&path), "1"));
    let twice = told(scan(directory.path(), &[path.clone(), path], "2"));
    assert_eq!(twice, [once.clone(), once].concat());
}

#[test]
fn a_part_that_is_cut_or_no_capture_spoils_no_other() {
    let (first, second) = halves();
    let directory = temporary_directory();
    let mut cut = first.clone();
    cut.push(Frame { time: first[0].time, bytes: vec![0; 60] });
    let paths = [
        put(directory.path(), "trace.pcap0", &capture_file::cut_in_last_record(&pcap(&cut))),
        put(directory.path(), "trace.pcap1", &[0; 4096]),
        put(directory.path(), "trace.pcap2", &pcap(&[])),
        put(directory.path(), "trace.pcap3", &pcap(&second)),
    ];
    let feed = put(directory.path(), "test.csv", feed(FEED).as_bytes());
    let run = Run::new(["scan", "--eve", "-", "--no-builtin-feeds", "--feeds"]).arg(feed);
    let outcome = run.args(&paths).go().expect_code(1);
    assert_eq!(sightings(&outcome.eve()), ["evil.example tls.sni"]);
    assert!(outcome.stderr.contains("trace.pcap0 is cut short"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("trace.pcap1 is not a capture"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("trace.pcap2"), "{}", outcome.stderr);
}

/// The bundled captures and recordings of several parts, in one directory.
fn many(directory: &Path) {
    for (name, source) in [("ward.pcap", "ward-office.pcap"), ("benign.pcap", "benign.pcap")] {
        fs::copy(capture(source), directory.join(name)).unwrap();
    }
    let frames = eventful();
    for (n, part) in frames.chunks(7).enumerate() {
        put(directory, &format!("trace.pcap{n}"), &pcap(part));
        put(directory, &format!("z-{n:03}.pcap.gz"), &gzip(&pcap(part)));
    }
    put(directory, "cut.pcap", &capture_file::cut_in_last_record(&pcap(&frames)));
}

#[test]
fn any_number_of_threads_gives_the_same_bytes_and_the_same_counts() {
    let directory = temporary_directory();
    many(directory.path());
    let run = |jobs: &str, more: &[&str]| {
        let run = Run::new(["-v", "scan", "-j", jobs]).args(more).arg(directory.path());
        run.go().expect_code(1)
    };
    for more in [&[][..], &["--eve", "-", "--events", "all"]] {
        let one = run("1", more);
        assert!(one.stdout.len() > 1000, "{}", one.stdout);
        assert!(one.stderr.contains("cut.pcap is cut short"), "{}", one.stderr);
        for jobs in ["2", "3", "8"] {
            let several = run(jobs, more);
            assert!(several.stdout == one.stdout, "-j {jobs} prints something else");
            assert_eq!(several.stderr, one.stderr, "-j {jobs}");
        }
    }
}
