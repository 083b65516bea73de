//! What people read, word by word: alert lines, summary, heartbeat, and the EVE record.
//!
//! The snapshots stand in `tests/snapshots/`. After a change that is meant,
//! `INSTA_UPDATE=always cargo test --test program snapshots::` writes them anew; read the difference
//! before it is committed. In CI nothing is written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use support::capture_file;
use support::packets::TcpConversation;
use support::run::{Outcome, Run, put, temporary_directory};
use support::verdict::{at, http, query, tls};
use support::wire::{self, Link, SECOND};
use wardwatch::capture::Drops;
use wardwatch::lang::Language;
use wardwatch::net::Timestamp;
use wardwatch::sink::heartbeat;
use wardwatch::sink::text::LineFormat;
use wardwatch::sink::{Clock, Status};
use wardwatch::stats::{Counter, Counters};
use wardwatch_record::Topic;

/// Invented indicators: one of each kind a line words differently, young, old and undated.
const FEED: &str = "\
indicator,type,scope,threat,malware,role,confidence,first_seen,last_seen,reference
panda.test,domain,,mustang-panda,PlugX,c2,high,2024-05,,https://reports.example/panda
evil.example,domain,exact,redline,RedLine,delivery,medium,2024-06-01,,https://reports.example/red
203.0.113.7:4444,ip:port,,redline,RedLine,c2,high,2022-01-10,2022-03-01,https://reports.example/c2
drop.example/load,url,,mustang-panda,TONESHELL,exfiltration,low,,,
";

/// A minute with a contact of each threat, one every ten seconds, the first twice.
fn contacts() -> Vec<u8> {
    let c2 = TcpConversation::new(at("192.168.1.11:50001"), at("203.0.113.7:4444"))
        .client(b"\x00\x01\x02")
        .packets();
    let scenes = [
        query("c2.panda.test"),
        tls("evil.example"),
        c2,
        http("drop.example", "/load?id=1"),
        query("canary.wardwatch.test"),
        query("c2.panda.test"),
    ];
    let mut frames = Vec::new();
    for (packets, number) in scenes.iter().zip(0..) {
        let time = wire::NINE_O_CLOCK + number * 10 * SECOND;
        frames.extend(wire::frames(&Link::plain(), packets, time, wire::MILLISECOND));
    }
    capture_file::pcap(&frames)
}

/// Scans the minute; the capture is named as the directory-independent `minute.pcap`.
fn scan(arguments: &[&str]) -> Outcome {
    let directory = temporary_directory();
    put(directory.path(), "minute.pcap", &contacts());
    put(directory.path(), "invented.csv", FEED.as_bytes());
    Run::new(["scan", "--no-builtin-feeds", "--feeds", "invented.csv", "minute.pcap"])
        .args(arguments)
        .directory(directory.path())
        .go()
        .expect_code(0)
}

#[test]
fn a_summary_has_a_row_a_machine_the_most_serious_first_and_fits_a_terminal() {
    for language in ["vi", "en"] {
        let ward = support::run::capture("ward-office.pcap");
        let outcome = Run::new(["scan", "--lang", language]).arg(ward).go().expect_code(0);
        let begin = outcome.stderr.find(if language == "vi" { "TỔNG HỢP" } else { "SUMMARY" });
        let summary = &outcome.stderr[begin.unwrap()..];
        for line in summary.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
        let rows: Vec<&str> = summary
            .lines()
            .skip(1)
            .take_while(|line| !line.is_empty())
            .filter(|line| !line.starts_with("      "))
            .collect();
        assert!(rows.iter().any(|row| row.contains("PC-MOTCUA-01  192.168.1.19")), "{rows:?}");
        let order = match language {
            "vi" => ["NGHIÊM TRỌNG", "CAO", "TRUNG BÌNH", "THẤP"],
            _ => ["CRITICAL", "HIGH", "MEDIUM", "LOW"],
        };
        let rank = |row: &&str| order.iter().position(|word| row[2..].starts_with(word)).unwrap();
        let ranks: Vec<usize> = rows.iter().map(rank).collect();
        assert!(ranks.is_sorted(), "{rows:?}");
        let mut macs: Vec<&str> = rows.iter().filter_map(|row| row.rsplit('(').next()).collect();
        let all = macs.len();
        macs.sort_unstable();
        macs.dedup();
        assert_eq!(macs.len(), all, "one row a machine: {rows:?}");
    }
}

#[test]
fn alert_lines_in_english() {
    insta::assert_snapshot!(scan(&["--lang", "en"]).stdout);
}

#[test]
fn alert_lines_in_vietnamese() {
    insta::assert_snapshot!(scan(&["--lang", "vi"]).stdout);
}

#[test]
fn summary_in_english() {
    insta::assert_snapshot!(scan(&["--lang", "en"]).stderr);
}

#[test]
fn summary_in_vietnamese() {
    insta::assert_snapshot!(scan(&["--lang", "vi"]).stderr);
}

#[test]
fn the_language_of_the_locale_is_taken_when_none_is_named() {
    let run = |name: &str, value: &str| {
        let directory = temporary_directory();
        let capture = put(directory.path(), "minute.pcap", &contacts());
        let run = Run::new(["scan", "--no-builtin-feeds"]).arg(capture);
        run.env(name, value).go().expect_code(0).stderr
    };
    assert!(run("LANG", "vi_VN.UTF-8").starts_with("TỔNG HỢP"));
    assert!(run("LANG", "en_GB.UTF-8").starts_with("SUMMARY"));
    assert_eq!(run("LC_ALL", "vi_VN.UTF-8"), run("LANG", "vi_VN.UTF-8"));
}

#[test]
fn eve_record_of_an_alert() {
    let outcome = scan(&["--eve", "-"]);
    let mut record = outcome.eve()[0].clone();
    // A number without a meaning of its own.
    assert!(record["flow_id"].is_u64());
    record["flow_id"] = 0.into();
    insta::assert_snapshot!(serde_json::to_string_pretty(&record).unwrap());
}

#[test]
fn heartbeat_lines() {
    let mut counters = Counters::default();
    for (counter, count) in [
        (Counter::Frames, 1_234_567),
        (Counter::Bytes, 987_654_321),
        (Counter::TcpPacketsOut, 400_000),
        (Counter::TcpBytesOut, 45_000_000),
        (Counter::TcpPacketsIn, 600_000),
        (Counter::TcpBytesIn, 900_000_000),
        (Counter::UdpPacketsLocal, 2),
        (Counter::UdpBytesLocal, 180),
        (Counter::Tls, 900),
        (Counter::Quic, 100),
        (Counter::TlsEch, 700),
        (Counter::TlsEchHidden, 25),
        (Counter::Alerts, 3),
    ] {
        counters.add(counter, count);
    }
    let time = Timestamp::new(1_718_676_000, 0);
    let status = Status {
        time,
        counters,
        drops: Drops { received: 1_234_579, kernel: 10, interface: 2 },
        hosts: 31,
        indicators: 2_262,
        newest: ioc_feeds::Date::parse("2026-07-07").ok(),
        age_days: Some(1),
        memory: Some(45_678_901),
        ..Status::default()
    };
    let silent = Status { time, ..Status::default() };
    let mut lines = String::new();
    for language in [Language::En, Language::Vi] {
        let format = LineFormat {
            language,
            clock: Clock::new(jiff::tz::TimeZone::fixed(jiff::tz::offset(7))),
            threats: ioc_feeds::curated::threats().unwrap(),
        };
        for occasion in [Topic::Started, Topic::Running, Topic::Stopped] {
            lines += &format.notice(&heartbeat::notice(occasion, &status));
            lines.push('\n');
        }
        lines += &format.notice(&heartbeat::notice(Topic::Started, &silent));
        lines.push('\n');
    }
    insta::assert_snapshot!(lines.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}
