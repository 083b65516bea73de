//! Floods of alerts: forged contacts by the ten thousand are few lines, no true contact among them
//! is late or missing, and what a log already holds is not rotated away by them. And what folding
//! says of times when a capture is not in their order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]

use crate::support;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use serde_json::Value;
use support::packets::{self, TcpConversation};
use support::run::{Outcome, Run, events_of, put, temporary_directory};
use support::verdict::at;
use support::wire::{self, Frame, Link, MILLISECOND, NINE_O_CLOCK, SECOND};
use support::{Noise, capture_file, conversations as say};
use wardwatch::alert::event::EventKinds;
use wardwatch::alert::{HomeNetworks, Origin, Outbox};
use wardwatch::app::writer::Writer;
use wardwatch::capture::file::CaptureFile;
use wardwatch::capture::{Next, Source};
use wardwatch::enrich::Enricher;
use wardwatch::lang::Language;
use wardwatch::matching::IndicatorSet;
use wardwatch::net::Timestamp;
use wardwatch::sink::Clock;
use wardwatch::sink::log::rotation::Rotation;
use wardwatch::sink::log::{LogFile, LogOptions};
use wardwatch::sink::text::{LineFormat, TextSink};
use wardwatch::worker::{Assignment, Limits, Worker};

const FEED: &str = "indicator,type,threat\nevil.example,domain,redline\n\
                    panda.test,domain,mustang-panda\n203.0.113.66,ip,redline\n";

const FORGED: u32 = 40_000;

/// Forged senders in 10.0.0.0/8, one contact each, 25 microseconds apart: a second in all.
fn forged(begin: i64, count: u32, packet: impl Fn(SocketAddr, u32) -> Vec<u8>) -> Vec<Frame> {
    let mut noise = Noise::new(7);
    let frame = |n: u32| {
        let [_, a, b, c] = (noise.next() as u32).to_be_bytes();
        let source = SocketAddr::from((Ipv4Addr::new(10, a, b, c), 1024 + n as u16 % 60_000));
        let bytes = Link::plain().frame(&wire::from_client(packet(source, n)));
        Frame { time: begin + i64::from(n) * 25_000, bytes }
    };
    (0..count).map(frame).collect()
}

fn forged_questions(begin: i64, count: u32) -> Vec<Frame> {
    forged(begin, count, |source, n| {
        let query = say::dns_query(n as u16, &format!("x{n}.evil.example"), say::A);
        packets::udp(source, at("198.51.100.1:53"), &query)
    })
}

fn forged_connections(begin: i64) -> Vec<Frame> {
    let syn = packets::Tcp { flags: packets::SYN, ..packets::Tcp::default() };
    forged(begin, FORGED, |source, _| packets::tcp(source, at("203.0.113.66:443"), syn, &[]))
}

/// A connection of a real PC: it asks, is answered, and says a name.
fn connection(pc: &str, name: &str, time: i64) -> Vec<Frame> {
    let talk =
        TcpConversation::new(at(pc), at("198.51.100.80:443")).client(&say::client_hello(name));
    wire::frames(&Link::plain(), &talk.packets(), time, MILLISECOND)
}

fn question(pc: &str, name: &str, time: i64) -> Vec<Frame> {
    let query = say::dns_query(9, name, say::A);
    let packet = wire::from_client(packets::udp(at(pc), at("192.168.1.1:53"), &query));
    wire::frames(&Link::plain(), &[packet], time, MILLISECOND)
}

fn in_order(mut frames: Vec<Frame>) -> Vec<Frame> {
    frames.sort_by_key(|frame| frame.time);
    frames
}

fn scan(frames: &[Frame], more: &[&str]) -> Outcome {
    let directory = temporary_directory();
    let feed = put(directory.path(), "feed.csv", FEED.as_bytes());
    let capture = put(directory.path(), "flood.pcap", &capture_file::pcap(frames));
    Run::new(["scan", "--no-builtin-feeds", "--feeds"])
        .arg(feed)
        .args(more)
        .arg(capture)
        .go()
        .expect_code(0)
}

fn our_ip(alert: &Value) -> &str {
    alert["alert"]["context"]["our_ip"].as_str().unwrap()
}

/// True contacts before, in and behind a flood: a PC that talked before it, one whose connection
/// begins in it, and one that meets another threat after it.
fn with_true_contacts(mut frames: Vec<Frame>, begin: i64) -> Vec<Frame> {
    frames.extend(connection("192.168.1.10:50000", "www.good.example", begin - 2 * SECOND));
    frames.extend(connection("192.168.1.11:50000", "before.evil.example", begin - SECOND));
    frames.extend(question("192.168.1.10:50001", "amid.evil.example", begin + SECOND / 2));
    frames.extend(connection("192.168.1.12:50000", "amid.evil.example", begin + SECOND / 2));
    frames.extend(connection("192.168.1.13:50000", "c2.panda.test", begin + 2 * SECOND));
    in_order(frames)
}

#[test]
fn forty_thousand_forged_contacts_are_few_lines_and_every_true_one_has_its_own_at_its_time() {
    let begin = NINE_O_CLOCK;
    for flood in [forged_questions(begin, FORGED), forged_connections(begin)] {
        let frames = with_true_contacts(flood, begin);
        let outcome = scan(&frames, &["--eve", "-"]);
        let alerts = outcome.eve();
        let alerts = events_of(&alerts, "alert");
        assert!(alerts.len() < 150, "{} lines", alerts.len());
        for (pc, time) in [
            ("192.168.1.10", "T09:00:00.500"),
            ("192.168.1.11", "T08:59:59.003"),
            ("192.168.1.12", "T09:00:00.503"),
            ("192.168.1.13", "T09:00:02.003"),
        ] {
            let own: Vec<_> = alerts.iter().filter(|alert| our_ip(alert) == pc).collect();
            assert_eq!(own.len(), 1, "{pc}");
            assert!(own[0]["timestamp"].as_str().unwrap().contains(time), "{pc}: {}", own[0]);
            assert!(own[0]["alert"]["metadata"].get("crowd").is_none());
        }
        let crowds: Vec<_> = alerts
            .iter()
            .filter(|alert| alert["alert"]["metadata"]["crowd"][0] == "indicator")
            .collect();
        let last = crowds.last().unwrap();
        let own = (alerts.len() - crowds.len() - 4) as u64;
        assert_eq!(last["alert"]["context"]["count"], u64::from(FORGED) - own);
        let hosts = last["alert"]["context"]["hosts"].as_u64().unwrap();
        assert!(hosts.abs_diff(u64::from(FORGED)) < 1500, "{hosts}");
        assert_eq!(last["alert"]["metadata"]["crowd_hosts"].as_array().unwrap().len(), 8);
    }
}

#[test]
fn a_flood_is_one_line_in_the_log_and_one_row_of_the_summary_in_both_languages() {
    let frames = with_true_contacts(forged_questions(NINE_O_CLOCK, FORGED), NINE_O_CLOCK);
    for (language, many, forged) in [
        ("en", "about 40000 hosts (10.", "may be forged"),
        ("vi", "khoảng 40000 máy (10.", "giả mạo"),
    ] {
        let outcome = scan(&frames, &["--lang", language, "-v"]);
        let lines: Vec<&str> = outcome.stdout.lines().filter(|line| line.contains(many)).collect();
        assert!((1..=2).contains(&lines.len()), "{lines:?}");
        assert!(lines.iter().all(|line| line.contains(forged)));
        assert_eq!(outcome.stderr.lines().filter(|line| line.contains(many)).count(), 1);
        let (told, gathered) = (outcome.counter("alert.sent"), outcome.counter("alert.gathered"));
        assert!(told < 150 && gathered > u64::from(FORGED) - 150, "{told} {gathered}");
    }
}

#[test]
fn an_outbreak_in_a_real_office_is_a_line_for_each_pc() {
    let mut frames = Vec::new();
    for pc in 0..100 {
        let time = NINE_O_CLOCK + pc * SECOND / 4;
        let pc = format!("192.168.{}.{}:50000", 1 + pc / 50, 10 + pc % 50);
        frames.extend(connection(&pc, "c2.evil.example", time));
        frames.extend(question(&pc, "c2.panda.test", time + SECOND / 8));
    }
    let alerts = scan(&in_order(frames), &["--eve", "-"]).eve();
    assert_eq!(alerts.len(), 200);
    assert!(alerts.iter().all(|alert| alert["alert"]["metadata"].get("crowd").is_none()));
}

#[test]
fn a_pc_known_by_nothing_but_questions_keeps_its_line_in_a_later_flood() {
    let begin = NINE_O_CLOCK + 200 * SECOND;
    let mut frames = forged_questions(begin, FORGED);
    for minute in 0..4 {
        let time = NINE_O_CLOCK + minute * 50 * SECOND;
        frames.extend(question("192.168.1.20:50000", "www.good.example", time));
        // Questions to an outside server make a client of it.
        let query = say::dns_query(9, "www.good.example", say::A);
        let packet = packets::udp(at("192.168.1.20:50009"), at("198.51.100.53:53"), &query);
        frames.extend(wire::frames(&Link::plain(), &[wire::from_client(packet)], time, 1));
    }
    frames.extend(question("192.168.1.20:50001", "amid.evil.example", begin + SECOND / 2));
    let alerts = scan(&in_order(frames), &["--eve", "-"]).eve();
    assert!(alerts.iter().any(|alert| our_ip(alert) == "192.168.1.20"));
}

/// A log of a sensor, whose rotated files together may take a few lines only.
fn logged(frames: &[Frame], rotation: Rotation) -> String {
    let directory = temporary_directory();
    let path = directory.path().join("alerts.log");
    let loaded =
        ioc_feeds::format::load_text("test", FEED, ioc_feeds::lint::Lint::Trusted).unwrap();
    let set = Arc::new(IndicatorSet::build(loaded.indicators, &[]));
    let assignment = Assignment {
        limits: Limits::default(),
        home: HomeNetworks::default(),
        events: EventKinds::default(),
        origin: Origin::Interface("mirror0".into()),
    };
    let mut worker = Worker::new(assignment, set, Outbox::keeping());
    let clock = Clock::local();
    let options = LogOptions {
        rotation,
        clock: clock.clone(),
        echo: false,
        owners: wardwatch::directory::Owners::new(&[]),
    };
    let threats = ioc_feeds::curated::threats().unwrap();
    let format = LineFormat { language: Language::En, clock, threats: threats.clone() };
    let log = TextSink::new(format, LogFile::open(&path, options).unwrap());
    let mut writer = Writer::new(Enricher::new(threats), vec![Box::new(log)]);
    let file = std::io::Cursor::new(capture_file::pcap(frames));
    let mut source = CaptureFile::from_reader("flood".into(), Box::new(file)).unwrap();
    let mut told = |worker: &mut Worker, time: Timestamp| {
        worker.take_records().into_iter().for_each(|(_, record)| writer.write(record).unwrap());
        assert!(writer.tend(time).is_empty());
    };
    let mut last = Timestamp::default();
    while let Next::Frame(frame) = source.next_frame().unwrap() {
        worker.frame(&frame);
        last = frame.time;
        told(&mut worker, last);
    }
    worker.wind_up();
    told(&mut worker, last);
    drop(writer);
    let mut files: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn an_hour_of_flood_does_not_rotate_the_true_line_away_although_little_is_kept() {
    let begin = NINE_O_CLOCK + 60 * SECOND;
    let mut frames = connection("192.168.1.11:50000", "first.evil.example", NINE_O_CLOCK);
    for minute in 0..60 {
        frames.extend(forged_questions(begin + minute * 60 * SECOND, 500));
    }
    frames.extend(question("192.168.1.11:50001", "last.panda.test", begin + 3601 * SECOND));
    // As little as can be configured: a megabyte. A line for each would be thirty.
    let rotation = Rotation { bytes: 64 << 10, age: 0, total: 1 << 20 };
    let log = logged(&frames, rotation);
    assert!(log.contains("first.evil.example"), "{} lines", log.lines().count());
    assert!(log.contains("last.panda.test"));
    assert!(log.lines().count() < 1200, "{} lines", log.lines().count());
}

#[test]
fn contacts_before_the_first_are_counted_and_a_summary_says_the_earliest_and_the_latest() {
    for (earlier, span) in
        [(100, "18/06/2024 08:58:20 - 09:00:00"), (86_400, "17/06/2024 09:00 - 18/06/2024 09:00")]
    {
        let mut frames = question("192.168.1.11:50000", "c2.evil.example", NINE_O_CLOCK);
        let before = NINE_O_CLOCK - earlier * SECOND;
        frames.extend(question("192.168.1.11:50000", "c2.evil.example", before));
        let outcome = scan(&frames, &["--lang", "en"]);
        let mut rows = outcome.stderr.lines().skip_while(|line| !line.contains("192.168.1.11"));
        let row = rows.nth(1).unwrap();
        assert!(row.ends_with(&format!(": 2 contacts, {span}")), "{row}");
    }
}

#[test]
fn a_minute_after_a_flood_a_host_that_nobody_knew_has_its_own_line() {
    let mut frames = forged_questions(NINE_O_CLOCK, FORGED);
    frames.extend(question("192.168.1.30:50000", "c2.evil.example", NINE_O_CLOCK + 62 * SECOND));
    let alerts = scan(&frames, &["--eve", "-"]).eve();
    assert!(alerts.iter().any(|alert| our_ip(alert) == "192.168.1.30"));
}
