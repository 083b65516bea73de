//! What interfaces do to a live sensor: several at once, one that cannot be shared, frames that
//! were merged, tags beside the frame, fragments. Needs root; says so where it is skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::collections::BTreeSet;
use std::path::PathBuf;

use support::mirror::{Mirror, Sensor};
use support::packets::{self, TcpConversation};
use support::verdict::{at, feed, pc};
use support::wire::{self, Frame, Link};
use support::{capture_file, conversations as say, run};

/// A feed of so many names below `evil.example`, each an indicator of its own so that none is
/// folded into another's alert, and options that load it.
struct Feed {
    directory: tempfile::TempDir,
    path: String,
}

impl Feed {
    fn new() -> Self {
        let directory = run::temporary_directory();
        let rows: Vec<_> = (0..40).map(|n| format!("n{n}.evil.example,domain,")).collect();
        let rows: Vec<_> = rows.iter().map(String::as_str).collect();
        let path = run::put(directory.path(), "f.csv", feed(&rows).as_bytes());
        Self { path: path.display().to_string(), directory }
    }

    fn sensor(&self, mirror: &Mirror, options: &[&str]) -> Sensor {
        let fixed = ["run", "--no-builtin-feeds", "--feeds", &self.path];
        mirror.sensor(&[&fixed[..], options].concat())
    }

    fn capture(&self, name: &str, frames: &[Frame]) -> PathBuf {
        run::put(self.directory.path(), &format!("{name}.pcap"), &capture_file::pcap(frames))
    }

    /// A capture of one question for a name.
    fn question(&self, name: &str) -> PathBuf {
        let query = say::dns_query(1, name, say::A);
        let packet = wire::from_client(packets::udp(pc(), at("192.168.1.1:53"), &query));
        self.capture(name, &wire::plain_frames(&[packet]))
    }
}

/// The alerts in EVE: the indicator, and one field of the record.
fn alerts(sensor: &Sensor, field: &str) -> BTreeSet<(String, String)> {
    let text = std::fs::read_to_string(sensor.log.join("eve.json")).unwrap();
    let events = run::eve_lines(&text);
    let alerts = run::events_of(&events, "alert");
    let seen = |event: &serde_json::Value| {
        let indicator = event["alert"]["metadata"]["indicator"][0].as_str().unwrap();
        (indicator.to_owned(), event[field].to_string())
    };
    alerts.into_iter().map(seen).collect()
}

#[test]
fn several_interfaces_are_watched_at_once_and_one_that_goes_does_not_stop_the_other() {
    let Some(mirror) = Mirror::new("several_interfaces_are_watched_at_once") else { return };
    mirror.plug("n0", "n1");
    let feed = Feed::new();
    // One is named twice, as a configuration and a habit may do: it is watched once.
    let sensor = feed.sensor(&mirror, &["-i", "m1", "-i", "n1", "-i", "m1", "-w", "2"]);
    assert_eq!((mirror.packet_sockets("m1"), mirror.packet_sockets("n1")), (2, 2));
    mirror.replay_into("m0", &feed.question("n1.evil.example"), 100);
    mirror.replay_into("n0", &feed.question("n2.evil.example"), 100);
    sensor.until("n1.evil.example", 20);
    sensor.until("n2.evil.example", 20);
    mirror.run("ip", &["link", "delete", "m0"]);
    sensor.until("interface m1 cannot be read", 20);
    mirror.replay_into("n0", &feed.question("n3.evil.example"), 100);
    sensor.until("n3.evil.example", 20);
    let wanted = [("n1", "m1"), ("n2", "n1"), ("n3", "n1")];
    let wanted = wanted.map(|(name, nic)| (format!("{name}.evil.example"), format!("\"{nic}\"")));
    assert_eq!(alerts(&sensor, "in_iface"), BTreeSet::from(wanted));
    assert_eq!(sensor.alerts().len(), 3, "{}", sensor.read());
    sensor.stop();
}

#[test]
fn workers_that_cannot_share_an_interface_are_refused_and_do_not_read_it_twice() {
    let Some(mirror) = Mirror::new("workers_that_cannot_share_an_interface") else { return };
    let directory = run::temporary_directory();
    let log = directory.path().display().to_string();
    // All interfaces together are no device that a group could be made for.
    let two = mirror.outcome(&["run", "-T", "-i", "any", "-w", "2", "--log-dir", &log]);
    let two = two.expect_code(1);
    assert!(two.stderr.contains("cannot share any among workers"), "{}", two.stderr);
    assert!(two.stderr.contains("every worker would see every packet"), "{}", two.stderr);
    mirror.outcome(&["run", "-T", "-i", "any", "-w", "1", "--log-dir", &log]).expect_code(0);
}

#[test]
fn a_check_says_of_an_interface_that_is_off_which_command_switches_it_on() {
    let Some(mirror) = Mirror::new("a_check_says_of_an_interface_that_is_off") else { return };
    let directory = run::temporary_directory();
    let log = directory.path().display().to_string();
    let check = || mirror.outcome(&["run", "-T", "-i", "m1", "--log-dir", &log]).expect_code(0);
    mirror.link("m1", "down");
    let off = check();
    assert!(off.stderr.contains("sudo ip link set m1 up"), "{}", off.stderr);
    mirror.link("m1", "up");
    assert!(!check().stderr.contains("sudo ip link"));
}

#[test]
fn a_name_at_the_end_of_a_merged_frame_of_sixty_kilobytes_is_read() {
    let Some(mirror) = Mirror::new("a_name_at_the_end_of_a_merged_frame") else { return };
    let feed = Feed::new();
    mirror.run("ip", &["link", "set", "m0", "mtu", "65535"]);
    mirror.run("ip", &["link", "set", "m1", "mtu", "65535"]);
    // What receive offload makes of forty segments: the first request's body, then the second's
    // head.
    let mut said = say::http_post("www.example", "/upload", &[7; 60_000]);
    said.extend(say::http_get("n4.evil.example", "/"));
    let talk = TcpConversation::new(pc(), at("203.0.113.99:80")).client(&said).segment(65_000);
    let frames = wire::plain_frames(&talk.packets());
    assert!(frames.iter().any(|frame| frame.bytes.len() > 60_000));
    let sensor = feed.sensor(&mirror, &["-i", "m1"]);
    mirror.replay(&feed.capture("merged", &frames), 100);
    sensor.until("n4.evil.example", 20);
    sensor.stop();
}

#[test]
fn a_tag_that_the_kernel_holds_beside_the_frame_is_read() {
    let Some(mirror) = Mirror::new("a_tag_that_the_kernel_holds_beside_the_frame") else { return };
    let feed = Feed::new();
    let link = ["link", "add", "link", "m0", "name", "tagged", "type", "vlan", "id", "7"];
    if !mirror.can_run("ip", &link) {
        eprintln!("SKIPPED: this kernel has no VLAN interfaces (8021q)");
        return;
    }
    mirror.link("tagged", "up");
    let sensor = feed.sensor(&mirror, &["-i", "m1"]);
    // The capture has no tag: the kernel adds it, and never as bytes of the frame.
    mirror.replay_into("tagged", &feed.question("n5.evil.example"), 100);
    sensor.until("n5.evil.example", 20);
    let wanted = ("n5.evil.example".to_owned(), "[7]".to_owned());
    assert_eq!(alerts(&sensor, "vlan"), BTreeSet::from([wanted]));
    sensor.stop();
}

/// A connection whose server name is cut in two segments, the second of them in two IP fragments:
/// the kernel has to put these together to know, by their ports, whose worker they belong to.
fn cut_twice(number: u16) -> Vec<Frame> {
    let client = at(&format!("192.168.1.10:{}", 40_000 + number));
    let hello = say::client_hello(&format!("n{number}.evil.example"));
    let middle = hello.windows(5).position(|bytes| bytes == b".evil").unwrap() + 3;
    let talk = TcpConversation::new(client, at("203.0.113.99:443")).client(&hello);
    let mut packets = talk.cut_at(&[middle]).packets();
    let last = packets.iter().rposition(|packet| packet.bytes.len() > 60).unwrap();
    let whole = packets.remove(last).bytes;
    let payload = whole[20..].to_vec();
    for place in [(32, payload.len()), (0, 32)] {
        let fragment = packets::fragment(&whole, 100 + number, place, &payload);
        packets.insert(last, wire::from_client(fragment));
    }
    let time = wire::NINE_O_CLOCK + i64::from(number) * wire::MILLISECOND;
    wire::frames(&Link::plain(), &packets, time, 1_000)
}

#[test]
fn fragments_reach_the_worker_of_their_flow_however_many_there_are() {
    let Some(mirror) = Mirror::new("fragments_reach_the_worker_of_their_flow") else { return };
    let feed = Feed::new();
    let frames: Vec<_> = (0..40).flat_map(cut_twice).collect();
    let capture = feed.capture("fragments", &frames);
    let sensor = feed.sensor(&mirror, &["-i", "m1", "-w", "4"]);
    mirror.replay(&capture, 1_000);
    for number in 0..40 {
        sensor.until(&format!("n{number}.evil.example (tls.sni)"), 20);
    }
    sensor.stop();
}

/// Options of bash's own, so that no resolver library and no server is needed: a datagram whose
/// bytes are the question.
fn ask(mirror: &Mirror, name: &str) {
    let hex: String =
        say::dns_query(7, name, say::A).iter().map(|byte| format!("\\x{byte:02x}")).collect();
    mirror.run("bash", &["-c", &format!("printf '{hex}' > /dev/udp/192.168.7.1/53")]);
}

#[test]
fn the_canary_is_one_line_for_its_name_and_one_for_its_address() {
    let Some(mirror) = Mirror::new("the_canary_is_one_line_for_its_name") else { return };
    // A PC behind `m0`, and a router that is there for ARP only: nothing answers.
    let router = "02:00:00:00:00:01";
    mirror.run("ip", &["address", "add", "192.168.7.10/24", "dev", "m0"]);
    let neighbour = ["neighbour", "add", "192.168.7.1", "lladdr", router, "dev", "m0"];
    mirror.run("ip", &neighbour);
    mirror.run("ip", &["route", "add", "default", "via", "192.168.7.1"]);
    // No feed is named: the canary needs none.
    let sensor = mirror.sensor(&["run", "-i", "m1", "--no-builtin-feeds"]);
    ask(&mirror, "canary.wardwatch.test");
    sensor.until("canary.wardwatch.test (dns.query)", 20);
    // Nobody is there: that is what ping says, and it is right.
    mirror.run("bash", &["-c", "! ping -n -q -c 1 -W 1 192.0.2.53"]);
    sensor.until("192.0.2.53 (ip)", 20);
    let log = sensor.stop();
    let lines: Vec<_> = log.lines().filter(|line| !line.contains("| wardwatch ")).collect();
    assert_eq!(lines.len(), 2, "{log}");
    for (line, seen) in lines.iter().zip(["canary.wardwatch.test (dns.query)", "192.0.2.53 (ip)"]) {
        let fields: Vec<_> = line.split(" | ").collect();
        assert!(fields[0].ends_with(" LOW"), "{line}");
        assert!(fields[1].ends_with("192.168.7.10") && fields[3] == seen, "{line}");
        assert_eq!(fields[5], "1", "{line}");
    }
}
