//! EVE, byte by byte: what other programs read changes only where that is meant.
//!
//! `tests/golden/eve.sha256` has a digest for each bundled capture with every event, and
//! `tests/golden/alerts.jsonl` the alerts of the ward's office. After a change that is meant,
//! `WARDWATCH_REWRITE_GOLDEN=1 cargo test --test traffic golden::` writes them anew; read the difference.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::disallowed_methods)] // a test may start programs

use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn captures() -> Vec<String> {
    let below = |directory: &str| {
        let entries = std::fs::read_dir(root().join(directory)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let pcap = names.filter(|name| name.ends_with(".pcap"));
        pcap.map(|name| format!("{directory}/{name}")).collect::<Vec<_>>()
    };
    let mut all = [below("tests/captures"), below("tests/captures/recorded")].concat();
    all.sort();
    all
}

/// The EVE of a capture that is named as it is here, in Vietnam's time.
fn eve(capture: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_wardwatch"))
        .args(["scan", "--eve", "-"])
        .args(arguments)
        .arg(capture)
        .current_dir(root())
        .env("TZ", "<+07>-7")
        .env("WARDWATCH_CONFIG", "")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Compares with a file, or writes it.
fn compare(name: &str, found: &str) {
    let path: PathBuf = root().join("tests/golden").join(name);
    if std::env::var_os("WARDWATCH_REWRITE_GOLDEN").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap();
    for (number, (found, wanted)) in found.lines().zip(wanted.lines()).enumerate() {
        assert_eq!(found, wanted, "line {} of {name}", number + 1);
    }
    assert_eq!(found.lines().count(), wanted.lines().count(), "lines of {name}");
}

#[test]
fn every_record_of_the_bundled_captures_is_what_it_was() {
    let digest = |capture: &String| {
        let hash = Sha256::digest(eve(capture, &["--events", "all"]));
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hex}  {capture}\n")
    };
    let captures = captures();
    assert!(captures.len() > 8, "{captures:?}");
    compare("eve.sha256", &captures.iter().map(digest).collect::<String>());
}

#[test]
fn the_alerts_of_the_office_are_what_they_were() {
    let lines = String::from_utf8(eve("tests/captures/ward-office.pcap", &[])).unwrap();
    assert!(lines.lines().count() > 10, "{lines}");
    compare("alerts.jsonl", &lines);
}

#[test]
fn every_alert_of_ours_reads_back_from_eve_and_is_written_the_same() {
    use wardwatch_record::clock::{Clock, EveClock};
    let clock = Clock::new(jiff::tz::TimeZone::fixed(jiff::tz::offset(7)));
    let clock = EveClock::new(clock);
    let lines = eve("tests/captures/ward-office.pcap", &[]);
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let record = wardwatch_record::eve::read(line).unwrap();
        let mut again = Vec::new();
        wardwatch_record::eve::write_line(
            &wardwatch_record::eve::alert(&record, &clock),
            &mut again,
        )
        .unwrap();
        assert_eq!(String::from_utf8_lossy(again.trim_ascii_end()), String::from_utf8_lossy(line));
    }
}
