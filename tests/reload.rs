//! New indicators while the sensor works: taken at once, refused when they look broken.
//!
//! Needs root for namespaces; without it, it says so and does nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::fs;
use std::path::{Path, PathBuf};

use support::netns::{Namespace, Sensor};
use support::packets::{ACK, PSH, Tcp, tcp};
use support::run::{put, skipped_without_root, temporary_directory};
use support::verdict::{at, feed, pc, query};
use support::wire::{self, from_client};
use support::{capture_file, packets::Packet};

fn capture(directory: &Path, name: &str, packets: &[Packet]) -> PathBuf {
    put(directory, name, &capture_file::pcap(&wire::plain_frames(packets)))
}

/// A segment of a connection that began long ago.
fn segment(sequence: u32) -> Vec<Packet> {
    let header = Tcp { sequence, acknowledgement: 1, flags: PSH | ACK };
    vec![from_client(tcp(pc(), at("203.0.113.77:8443"), header, b"...."))]
}

#[test]
fn new_indicators_are_taken_on_a_hangup_and_meet_flows_that_are_older_than_they() {
    if skipped_without_root("new_indicators_are_taken_on_a_hangup") {
        return;
    }
    let directory = temporary_directory();
    let path = directory.path();
    let old: Vec<String> = (0..10).map(|n| format!("old-{n}.test,domain,")).collect();
    let mut rows: Vec<&str> = old.iter().map(String::as_str).collect();
    let list = put(path, "lab.csv", feed(&rows).as_bytes());
    let one = capture(path, "one.pcap", &query("new.test"));
    let again = capture(path, "again.pcap", &query("again.new.test"));
    let (flow, more) =
        (capture(path, "a.pcap", &segment(100)), capture(path, "b.pcap", &segment(104)));
    let namespace = Namespace::new();
    let arguments = ["--no-builtin-feeds", "--feeds", list.to_str().unwrap()];
    let mut sensor = Sensor::start(&namespace, path, &arguments);
    namespace.replay(&one, 100);
    namespace.replay(&flow, 100);

    rows.extend(["new.test,domain,", "203.0.113.77,ip,"]);
    rows.remove(0);
    fs::write(&list, feed(&rows)).unwrap();
    sensor.send("-HUP");
    sensor.until("the difference is said", |sensor| sensor.log().contains("+2 −1"));
    namespace.replay(&again, 100);
    namespace.replay(&more, 100);
    sensor.until("the new name", |sensor| sensor.log().contains("again.new.test (dns.query)"));
    sensor.until("the older flow", |sensor| sensor.log().contains("203.0.113.77:8443 (ip)"));
    assert!(!sensor.log().contains("| new.test (dns.query)"), "{}", sensor.log());

    // A feed that broke: what was known stays known.
    fs::write(&list, feed(&["left.test,domain,"])).unwrap();
    sensor.send("-HUP");
    sensor.until("the refusal is said", |sensor| sensor.log().contains("not reloaded"));
    let third = capture(path, "third.pcap", &query("old-7.test"));
    namespace.replay(&third, 100);
    sensor.until("the old set works", |sensor| sensor.log().contains("old-7.test (dns.query)"));
    sensor.stop();
}

#[test]
fn reloads_all_the_time_neither_lose_nor_repeat_a_contact() {
    if skipped_without_root("reloads_all_the_time_neither_lose_nor_repeat_a_contact") {
        return;
    }
    const NAMES: usize = 200;
    let directory = temporary_directory();
    let path = directory.path();
    let rows: Vec<String> = (0..NAMES).map(|n| format!("name-{n}.test,domain,")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let list = put(path, "lab.csv", feed(&rows).as_bytes());
    let packets: Vec<_> = (0..NAMES).flat_map(|n| query(&format!("name-{n}.test"))).collect();
    let capture = capture(path, "all.pcap", &packets);
    let namespace = Namespace::new();
    let arguments = ["--no-builtin-feeds", "--feeds", list.to_str().unwrap()];
    let mut sensor = Sensor::start(&namespace, path, &arguments);
    std::thread::scope(|scope| {
        let replay = scope.spawn(|| namespace.replay(&capture, 80));
        let mut reversed = rows.clone();
        while !replay.is_finished() {
            // Every number changes its meaning each time.
            reversed.reverse();
            fs::write(&list, feed(&reversed)).unwrap();
            sensor.send("-HUP");
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    });
    let seen = |sensor: &Sensor, n: usize| {
        sensor.eve().matches(&format!("\"indicator\":[\"name-{n}.test\"]")).count()
    };
    sensor.until("every contact", |sensor| (0..NAMES).all(|n| seen(sensor, n) > 0));
    sensor.stop();
    assert!((0..NAMES).all(|n| seen(&sensor, n) == 1), "{}", sensor.eve());
    assert!(sensor.log().matches("indicators reloaded").count() > 3, "{}", sensor.log());
}

/// A threats file whose contact has this number.
fn threats(telephone: &str) -> String {
    format!(
        "[contact]\nname = {{ vi = 'A', en = 'Ward police' }}\n\
         short_name = {{ vi = 'A', en = 'ward police' }}\ntelephone = '{telephone}'\n\
         as_of = '2026-01'\nnote = {{ vi = '', en = '' }}\n"
    )
}

#[test]
fn the_words_of_threats_are_loaded_again_and_a_broken_file_changes_nothing() {
    if skipped_without_root("the_words_of_threats_are_loaded_again") {
        return;
    }
    let directory = temporary_directory();
    let path = directory.path();
    let rows: Vec<String> = (0..4).map(|n| format!("name-{n}.test,domain,")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let list = put(path, "lab.csv", feed(&rows).as_bytes());
    let words = put(path, "threats.toml", threats("0001").as_bytes());
    let config = format!("threats = '{}'\n", words.display());
    let config = put(path, "c.toml", config.as_bytes());
    let namespace = Namespace::new();
    let config = config.to_str().unwrap();
    let arguments = ["--no-builtin-feeds", "--feeds", list.to_str().unwrap(), "-c", config];
    let mut sensor = Sensor::start(&namespace, path, &arguments);
    let alert = |sensor: &mut Sensor, n: usize, telephone: &str| {
        let name = format!("name-{n}.test");
        namespace.replay(&capture(path, &format!("{n}.pcap"), &query(&name)), 100);
        let holds = |line: &str| line.contains(&name) && line.contains(telephone);
        sensor.until(&format!("{name} with {telephone}"), |sensor| sensor.log().lines().any(holds));
    };
    alert(&mut sensor, 0, "ward police 0001");
    fs::write(&words, threats("0002")).unwrap();
    sensor.send("-HUP");
    sensor.until("new words", |sensor| sensor.log().contains("whom to call: ward police 0002"));
    alert(&mut sensor, 1, "ward police 0002");
    // Broken: the third line.
    fs::write(&words, threats("0003").replace("short_name", "\nshortname")).unwrap();
    sensor.send("-HUP");
    let refused = format!("{}, line 4: ", words.display());
    sensor.until("the refusal", |sensor| {
        sensor.log().contains("texts of threats not reloaded") && sensor.log().contains(&refused)
    });
    alert(&mut sensor, 2, "ward police 0002");
    // No signal: the change is noticed.
    fs::write(&words, threats("0004")).unwrap();
    sensor.until("newer words", |sensor| sensor.log().contains("whom to call: ward police 0004"));
    alert(&mut sensor, 3, "ward police 0004");
    sensor.stop();
}

#[test]
fn a_feed_that_changes_or_cannot_be_read_is_noticed_without_a_signal() {
    if skipped_without_root("a_feed_that_changes_or_cannot_be_read") {
        return;
    }
    let directory = temporary_directory();
    let path = directory.path();
    let list = put(path, "lab.csv", feed(&["one.test,domain,"]).as_bytes());
    let namespace = Namespace::new();
    let arguments = ["--no-builtin-feeds", "--feeds", list.to_str().unwrap()];
    let mut sensor = Sensor::start(&namespace, path, &arguments);
    fs::write(&list, feed(&["one.test,domain,", "two.test,domain,"])).unwrap();
    sensor.until("the difference", |sensor| sensor.log().contains("reloaded: +1 −0"));
    fs::remove_file(&list).unwrap();
    sensor.until("the refusal", |sensor| sensor.log().contains("indicators not reloaded"));
    let two = capture(path, "two.pcap", &query("two.test"));
    namespace.replay(&two, 100);
    sensor.until("the old set works", |sensor| sensor.log().contains("two.test (dns.query)"));
    sensor.stop();
}
