//! A flood of forged contacts at a live sensor whose destinations take nothing: no packet is lost
//! for it, and a true contact in its midst is in the log about a second later and stays there.
//!
//! Needs root, `ip`, `mount`, `mkfifo` and tcpreplay; says loudly where it is skipped.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use wardwatch_testing as support;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use support::netns::{Namespace, Sensor, SmallDisk, done};
use support::packets::{self, TcpConversation};
use support::run::{put, skipped_without_root, temporary_directory};
use support::verdict::{at, feed};
use support::wire::{self, Frame, Link, NINE_O_CLOCK};
use support::{Noise, capture_file, conversations as say};

/// Forged contacts, and how many are sent in a second.
const FORGED: u32 = 40_000;
/// A debug build on two cores keeps up with a quarter of what is asked of a release.
const RATE: u32 = if cfg!(debug_assertions) { 10_000 } else { 40_000 };
/// How late a line may be, beside what the machine is behind with the packets themselves.
const LATE: Duration = Duration::from_millis(1_500);

fn show(figures: &str) {
    let _ = writeln!(std::io::stderr(), "\nlive_flood: {figures}");
}

fn frames(packets: Vec<Vec<u8>>) -> Vec<Frame> {
    let packets: Vec<_> = packets.into_iter().map(wire::from_client).collect();
    wire::frames(&Link::plain(), &packets, NINE_O_CLOCK, 1_000)
}

/// Questions of forged senders for names below one, and in their midst the hello of a true PC.
fn flood(directory: &Path, evil: &str, (pc, name): (&str, &str)) -> (PathBuf, u64) {
    let mut noise = Noise::new(7);
    let question = |n: u32| {
        let [_, a, b, c] = (noise.next() as u32).to_be_bytes();
        let source = SocketAddr::from((Ipv4Addr::new(10, a, b, c), 1_024 + n as u16 % 60_000));
        let query = say::dns_query(n as u16, &format!("x{n}.{evil}"), say::A);
        packets::udp(source, at("198.51.100.1:53"), &query)
    };
    let mut all = frames((0..FORGED).map(question).collect());
    let talk =
        TcpConversation::new(at(pc), at("198.51.100.80:443")).client(&say::client_hello(name));
    let talk = wire::frames(&Link::plain(), &talk.packets(), NINE_O_CLOCK, 1_000);
    let amid = all.len() / 2;
    all.splice(amid..amid, talk);
    let path = put(directory, &format!("{name}.pcap"), &capture_file::pcap(&all));
    (path, all.len() as u64)
}

/// What PCs say that are known before the flood.
fn talk_before(directory: &Path, pcs: &[&str]) -> (PathBuf, u64) {
    let mut all = Vec::new();
    for pc in pcs {
        let talk = TcpConversation::new(at(pc), at("198.51.100.81:443"));
        let talk = talk.client(&say::client_hello("www.good.example"));
        all.extend(wire::frames(&Link::plain(), &talk.packets(), NINE_O_CLOCK, 1_000));
    }
    let count = all.len() as u64;
    (put(directory, "before.pcap", &capture_file::pcap(&all)), count)
}

fn counter(printed: &str, name: &str) -> u64 {
    let line = printed.lines().rev().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.map_or(0, |count| count.trim().parse().unwrap())
}

/// Waits until so many frames are counted or lost. Returns what was lost.
#[track_caller]
fn settled(sensor: &mut Sensor, frames: u64) -> u64 {
    let lost = |printed: &str| {
        counter(printed, "capture.kernel_drops") + counter(printed, "capture.interface_drops")
    };
    sensor.until("every frame is counted", |sensor| {
        sensor.send("-USR1");
        std::thread::sleep(Duration::from_millis(50));
        let printed = sensor.stderr();
        counter(&printed, "capture.frames") + lost(&printed) >= frames
    });
    lost(&sensor.stderr())
}

/// Replays a flood. How long after its end the last frame is counted, and what is lost by then.
fn replayed(namespace: &Namespace, sensor: &mut Sensor, path: &Path, all: u64) -> (Duration, u64) {
    namespace.flood(path, RATE);
    let sent = Instant::now();
    let lost = settled(sensor, all);
    (sent.elapsed(), lost)
}

fn of_log(sensor: &Sensor) -> String {
    let files = fs::read_dir(sensor.path("")).unwrap().map(|entry| entry.unwrap().path());
    let is_log = |path: &PathBuf| path.to_string_lossy().contains("alerts.log");
    files.filter(is_log).map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn a_flood_that_nobody_takes_loses_no_packet_and_no_true_contact() {
    if skipped_without_root("a_flood_that_nobody_takes_loses_no_packet_and_no_true_contact") {
        return;
    }
    let directory = temporary_directory();
    let (first, second) = ("192.168.1.11:50000", "192.168.1.12:50000");
    let (before, known) = talk_before(directory.path(), &[first, second]);
    let (one, all) = flood(directory.path(), "evil.test", (first, "amid.evil.test"));
    let (two, _) = flood(directory.path(), "panda.test", (second, "amid.panda.test"));

    // The same packets, and nothing to tell of them: what this machine is behind with.
    let namespace = Namespace::new();
    let calm = directory.path().join("calm");
    fs::create_dir(&calm).unwrap();
    let other = put(directory.path(), "other.csv", feed(&["other.test,domain,"]).as_bytes());
    let other = other.to_str().unwrap();
    let records = ["--eve", "/dev/null", "--events", "all"];
    let arguments = [&["--no-builtin-feeds", "--feeds", other], &records[..]].concat();
    let mut sensor = Sensor::start(&namespace, &calm, &arguments);
    let (behind, lost_anyway) = replayed(&namespace, &mut sensor, &one, all);
    sensor.stop();

    // A pipe that nobody reads, records of all traffic, room for few of them, a small log.
    let settings = "[log]\nrotate_mb = 1\ntotal_mb = 1\n[alerts]\nqueue = 256\n";
    let settings = put(directory.path(), "small.toml", settings.as_bytes());
    let rows = ["evil.test,domain,subtree", "panda.test,domain,subtree"];
    let rows = put(directory.path(), "lab.csv", feed(&rows).as_bytes());
    let fifo = directory.path().join("eve.fifo");
    done(Command::new("mkfifo").arg(&fifo));
    let mut stalled = File::options().read(true).write(true).open(&fifo).unwrap();
    let disk = SmallDisk::mount(&directory.path().join("log"), 4 * 1024);
    let arguments = [
        "--no-builtin-feeds",
        "--feeds",
        rows.to_str().unwrap(),
        "--config",
        settings.to_str().unwrap(),
        "--eve",
        fifo.to_str().unwrap(),
        "--events",
        "all",
    ];
    let mut sensor = Sensor::start(&namespace, directory.path(), &arguments);
    namespace.flood(&before, 1_000);
    settled(&mut sensor, known);
    let late = std::thread::scope(|scope| {
        let replay = scope.spawn(|| namespace.flood(&one, RATE));
        let sent = namespace.received();
        while namespace.received() < sent + all / 2 + 10 {
            assert!(!replay.is_finished() || namespace.received() > sent, "nothing was sent");
        }
        let passed = Instant::now();
        sensor.until("the true contact", |sensor| sensor.log().contains("amid.evil.test"));
        passed.elapsed()
    });
    let lost = settled(&mut sensor, known + all);
    show(&format!(
        "{all} frames: {late:.1?} late, lost {lost}; calm {behind:.1?} behind, lost {lost_anyway}"
    ));
    assert!(lost <= lost_anyway, "{lost} frames are lost, {lost_anyway} of them anyway");
    assert!(late <= behind + LATE, "{late:?} late, the machine {behind:?} behind");
    assert!(counter(&sensor.stderr(), "alert.events_dropped") > 0, "the writer was never slow");

    // Once more while there is no room for a line.
    let filler = disk.fill();
    let (_, lost) = replayed(&namespace, &mut sensor, &two, known + 2 * all);
    assert!(sensor.stderr().contains("WARN"), "the full disk was never met");
    fs::remove_file(filler).unwrap();
    let freed = Instant::now();
    sensor.until("the second contact", |sensor| of_log(sensor).contains("amid.panda.test"));
    show(&format!("full disk: lost {lost}, {:.1?} after there was room", freed.elapsed()));
    assert!(lost <= 2 * lost_anyway, "{lost} frames are lost, {lost_anyway} of each flood anyway");

    // Nothing was taken out of the pipe up to here.
    let mut taken = [0; 4096];
    assert!(stalled.read(&mut taken).unwrap() == taken.len());
    drop(stalled);
    sensor.stop();
    let log = of_log(&sensor);
    assert!(log.contains("amid.evil.test") && log.contains("amid.panda.test"));
    assert!(log.len() < 1 << 20, "{} bytes", log.len());
    assert!(log.lines().filter(|line| line.contains("10.")).count() < 1_000);
}
