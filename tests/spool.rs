//! Records on their way to other programs: whatever ends the sensor, what stood in the log stands in the
//! spool, once and in order, and no reader is thrown back or skips.
//!
//! Needs root for namespaces and mounts; without it, it says so and does nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::netns::{Namespace, Sensor, SmallDisk};
use crate::support::run::{put, skipped_without_root, temporary_directory};
use crate::support::verdict::{feed, query};
use crate::support::{capture_file, wire};
use wardwatch_record::directory::Owners;
use wardwatch_record::spool::{Read, Reader};
use wardwatch_record::{Body, Record};

/// Names that are planted for one life of the sensor.
const PLANTED: usize = 200;
/// Packets a second.
const RATE: u32 = 400;

fn name(life: usize, number: usize) -> String {
    format!("planted-{life}-{number}.evil.test")
}

/// A feed of the names of every life, and a capture for each that asks for its names.
fn planted(directory: &Path, lives: usize) -> (String, Vec<PathBuf>) {
    let names = |life| (0..PLANTED).map(move |number| name(life, number));
    let rows: Vec<String> =
        (0..lives).flat_map(names).map(|name| format!("{name},domain,")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let feed = put(directory, "lab.csv", feed(&rows).as_bytes());
    let capture = |life| {
        let packets: Vec<_> = names(life).flat_map(|name| query(&name)).collect();
        let bytes = capture_file::pcap(&wire::plain_frames(&packets));
        put(directory, &format!("life-{life}.pcap"), &bytes)
    };
    (feed.display().to_string(), (0..lives).map(capture).collect())
}

/// A configuration that writes a spool here.
fn config(directory: &Path, spool: &Path) -> String {
    let text = format!("spool.dir = '{}'\n", spool.display());
    put(directory, "spool.toml", text.as_bytes()).display().to_string()
}

/// The planted names that the lines of a text hold.
fn names_in(text: &str) -> BTreeSet<String> {
    let names = text.split(|c: char| !c.is_ascii_alphanumeric() && !"-.".contains(c));
    let ours = names.filter(|word| word.starts_with("planted-") && word.ends_with(".evil.test"));
    ours.map(str::to_owned).collect()
}

/// Every whole record of a spool. The numbers are dense from the first on.
fn records(spool: &Path) -> Vec<Record> {
    let files = fs::read_dir(spool).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|e| e == "jsonl")).collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let text = fs::read(&file).unwrap();
        // Behind the last line end may stand what a kill left.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for line in text[..whole].split_inclusive(|byte| *byte == b'\n') {
            let record: Record = serde_json::from_slice(line).unwrap_or_else(|error| {
                panic!("{error}: {}", String::from_utf8_lossy(line));
            });
            assert_eq!(record.id.seq, all.len() as u64 + 1, "dense");
            all.push(record);
        }
    }
    all
}

fn alert_names(records: &[Record]) -> BTreeSet<String> {
    let alerts = records.iter().filter_map(|record| match &record.body {
        Body::Alert(alert) => Some(alert.seen.clone()),
        _ => None,
    });
    alerts.filter(|seen| seen.starts_with("planted-")).collect()
}

/// Who may own a spool: whoever the sensor became.
fn owners(spool: &Path) -> Owners {
    Owners::new(&[std::os::unix::fs::MetadataExt::uid(&fs::metadata(spool).unwrap())])
}

/// Numbers that are the same in every run.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Kills: by hand more of them, as WARDWATCH_KILLS says.
fn lives() -> usize {
    std::env::var("WARDWATCH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(5)
}

#[test]
fn whenever_it_is_killed_no_alert_of_the_log_is_missing_in_the_spool_and_no_cursor_jumps() {
    if skipped_without_root("whenever_it_is_killed_no_alert_is_missing_in_the_spool") {
        return;
    }
    let directory = temporary_directory();
    let (lives, spool) = (lives(), directory.path().join("spool"));
    let (feed, captures) = planted(directory.path(), lives);
    let config = config(directory.path(), &spool);
    let namespace = Namespace::new();
    let mut chance = Seeded(12);
    let (mut acknowledged, mut told) = (0, BTreeSet::new());
    for capture in &captures {
        let mut sensor =
            Sensor::start(&namespace, directory.path(), &["--feeds", &feed, "-c", &config]);
        std::thread::scope(|scope| {
            scope.spawn(|| namespace.replay(capture, RATE));
            let patience = 50 + chance.below(2 * PLANTED as u64 * 1000 / u64::from(RATE));
            std::thread::sleep(Duration::from_millis(patience));
            sensor.kill();
        });
        let log = names_in(&sensor.log());
        let all = records(&spool);
        let spooled = alert_names(&all);
        let missing: Vec<_> = log.difference(&spooled).collect();
        assert!(missing.is_empty(), "in the log and not in the spool: {missing:?}");
        // A reader that is killed too, at any moment between reading and being done.
        let mut reader = Reader::open(&spool, &owners(&spool), "test", "one").unwrap();
        assert_eq!(reader.acknowledged(), acknowledged, "where it was");
        let most = chance.below(all.len() as u64 + 1);
        while reader.last_read() < most.max(acknowledged) {
            let before = reader.last_read();
            let Some(read) = reader.next().unwrap() else { break };
            let Read::Record(record) = read else { panic!("{read:?}") };
            assert_eq!(record.id.seq, before + 1);
            assert_eq!(*record, all[usize::try_from(before).unwrap()]);
            told.extend(alert_names(&[*record]));
        }
        let done = reader.last_read().saturating_sub(chance.below(5));
        if done > acknowledged {
            reader.acknowledge(done).unwrap();
            acknowledged = done;
        }
    }
    let spooled = alert_names(&records(&spool));
    assert!(spooled.len() > lives, "only {} alerts in {lives} lives", spooled.len());
    let mut reader = Reader::open(&spool, &owners(&spool), "test", "one").unwrap();
    while let Some(read) = reader.next().unwrap() {
        let Read::Record(record) = read else { panic!("{read:?}") };
        told.extend(alert_names(&[*record]));
    }
    assert_eq!(told, spooled, "the reader was told every alert");
}

#[test]
fn a_full_disk_of_the_spool_costs_no_alert_and_no_number_and_is_said() {
    if skipped_without_root("a_full_disk_of_the_spool_costs_no_alert") {
        return;
    }
    let directory = temporary_directory();
    let spool = directory.path().join("spool");
    let disk = SmallDisk::mount(&spool, 512);
    let (feed, captures) = planted(directory.path(), 1);
    let config = config(directory.path(), &spool);
    let namespace = Namespace::new();
    let mut sensor =
        Sensor::start(&namespace, directory.path(), &["--feeds", &feed, "-c", &config]);
    let filler = disk.fill();
    namespace.replay(&captures[0], RATE);
    sensor.until("every alert is in the log", |sensor| names_in(&sensor.log()).len() == PLANTED);
    sensor.until("the failure is said", |sensor| sensor.log().contains("cannot write the spool"));
    records(&spool);
    fs::remove_file(filler).unwrap();
    sensor
        .until("the end is said", |sensor| sensor.log().contains("the spool can be written again"));
    sensor.stop();
    assert_eq!(alert_names(&records(&spool)).len(), PLANTED);
}

#[test]
fn a_spool_tells_start_alerts_figures_and_stop_and_a_second_sensor_may_not_write_it() {
    if skipped_without_root("a_spool_tells_start_alerts_figures_and_stop") {
        return;
    }
    let directory = temporary_directory();
    let spool = directory.path().join("spool");
    let (feed, captures) = planted(directory.path(), 1);
    let config = config(directory.path(), &spool);
    let namespace = Namespace::new();
    let mut sensor =
        Sensor::start(&namespace, directory.path(), &["--feeds", &feed, "-c", &config]);
    namespace.replay(&captures[0], RATE);
    sensor.until("every alert is in the log", |sensor| names_in(&sensor.log()).len() == PLANTED);
    let second = crate::support::run::Run::new(["run", "-i", "lo", "-c", &config, "--log-dir"])
        .arg(directory.path().join("another"))
        .go()
        .expect_code(1);
    assert!(second.stderr.contains("another wardwatch"), "{}", second.stderr);
    sensor.stop();
    let all = records(&spool);
    let of = |wanted: &dyn Fn(&Body) -> bool| all.iter().filter(|one| wanted(&one.body)).count();
    assert_eq!(of(&|body| matches!(body, Body::Alert(_))), PLANTED);
    assert!(of(&|body| matches!(body, Body::Status(_))) >= 2, "at the start and at the end");
    let Body::Notice(first) = &all[0].body else { panic!("{:?}", all[0]) };
    assert!(first.is_beat() && first.message.en.starts_with("started | "), "{first:?}");
    assert!(first.message.vi.starts_with("bắt đầu giám sát | "), "{first:?}");
    let Some(Record { body: Body::Notice(last), .. }) =
        all.iter().rfind(|one| matches!(one.body, Body::Notice(_)))
    else {
        panic!("no notice")
    };
    assert!(last.is_beat() && last.message.en.starts_with("stopped | "), "{last:?}");
}
