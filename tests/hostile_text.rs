//! Whatever hosts call themselves and ask for: every line of every output is whole, and nothing
//! in it moves a cursor, turns the reading direction or hides.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]

use crate::support;

use proptest::prelude::*;
use support::packets::{self, TcpConversation};
use support::run::{Outcome, Run, events_of, put, temporary_directory};
use support::verdict::at;
use support::wire::{self, Link};
use support::{capture_file, conversations as say};

const FEED: &str = "indicator,type,threat\nevil.example,domain,redline\n\
                    http://drop.example/load/,url,mustang-panda\n198.51.100.80,ip,redline\n";

const PC_MAC: wire::Mac = [2, 0, 0, 0, 0, 0x10];

/// Text of people and bytes of attackers.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let nasty = prop_oneof![
        Just("\r\n2024-06-18 CRITICAL | forged | line\n".to_owned()),
        Just("\u{1b}[2J\u{1b}]0;x\u{7}".to_owned()),
        Just("a\u{202e}b\u{2066}c\u{200b}d\u{9b}31m\u{7f}\u{ad}\u{feff}".to_owned()),
        Just("MÁY-KẾ-TOÁN".to_owned()),
        Just("{\"a\":\"b\"} | | |".to_owned()),
        any::<String>(),
    ];
    let bytes = prop::collection::vec(any::<u8>(), 1..60);
    prop_oneof![nasty.prop_map(String::into_bytes), bytes]
        .prop_map(|mut bytes| {
            bytes.truncate(60);
            bytes
        })
        .prop_filter("a name has a byte", |bytes| !bytes.is_empty())
}

/// A DNS question for a label of any bytes below a bad name.
fn question(label: &[u8]) -> Vec<u8> {
    let mut query = say::dns_query(3, "x.evil.example", say::A);
    let tail = query.split_off(14);
    query.truncate(12);
    query.push(label.len() as u8);
    query.extend(label);
    query.extend(tail);
    query
}

/// A PC that calls itself so, and says so wherever it can.
fn capture(name: &[u8], said: &[u8]) -> Vec<u8> {
    let pc = "192.168.1.10".parse().unwrap();
    let mut dhcp = say::dhcp(say::DHCP_REQUEST, PC_MAC, pc, "@@@@");
    let place = dhcp.windows(4).position(|bytes| bytes == b"@@@@").unwrap();
    dhcp[place - 1] = name.len() as u8;
    dhcp.splice(place..place + 4, name.iter().copied());
    let dhcp = packets::udp(at("0.0.0.0:68"), at("255.255.255.255:67"), &dhcp);
    let ask = packets::udp(at("192.168.1.10:50000"), at("192.168.1.1:53"), &question(said));
    let request = |host: &[u8], path: &[u8]| {
        let agent = [b"GET /load/", path, b" HTTP/1.1\r\nHost: ", host, b"\r\nUser-Agent: "];
        [&agent.concat(), said, b"\r\n\r\n"].concat()
    };
    let mut all = vec![wire::from_client(dhcp), wire::from_client(ask)];
    let hosts = [b"drop.example".to_vec(), [said, b".evil.example"].concat()];
    for (host, port) in hosts.iter().zip(50_001..) {
        let client = format!("192.168.1.10:{port}");
        let talk = TcpConversation::new(at(&client), at("198.51.100.80:80"));
        all.extend(talk.client(&request(host, said)).packets());
    }
    let link = Link { client: PC_MAC, ..Link::plain() };
    capture_file::pcap(&wire::frames(&link, &all, wire::NINE_O_CLOCK, wire::MILLISECOND))
}

fn scan(name: &[u8], said: &[u8], file: &str, more: &[&str]) -> Outcome {
    let directory = temporary_directory();
    let feed = put(directory.path(), "feed.csv", FEED.as_bytes());
    let capture = put(directory.path(), file, &capture(name, said));
    Run::new(["scan", "--no-builtin-feeds", "--lang", "en", "--feeds"])
        .arg(feed)
        .args(more)
        .arg(capture)
        .go()
        .expect_code(0)
}

fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn assert_plain(text: &str) {
    let bad = text.chars().find(|c| *c != '\n' && hides(*c));
    assert_eq!(bad, None, "{text:?}");
}

fn check(name: &[u8], said: &[u8]) {
    let eve = scan(name, said, "t.pcap", &["--eve", "-", "--events", "all"]);
    assert_plain(&eve.stdout);
    assert_plain(&eve.stderr);
    let alerts = events_of(&eve.eve(), "alert").len();
    assert!(alerts >= 2, "{alerts}");
    let lines = scan(name, said, "t.pcap", &[]);
    assert_plain(&lines.stdout);
    assert_plain(&lines.stderr);
    assert_eq!(lines.stdout.lines().count(), alerts);
    for line in lines.stdout.lines() {
        assert!(line.starts_with("2024-06-18T09:00:0"), "{line}");
        assert_eq!(line.matches(" | ").count(), 8, "{line}");
    }
}

#[test]
fn the_name_of_a_pc_is_shown_as_it_was_written_in_every_output() {
    let name = "MÁY-KẾ-TOÁN";
    let eve = scan(name.as_bytes(), b"x", "t.pcap", &["--eve", "-", "--events", "all"]).eve();
    let alerts = events_of(&eve, "alert");
    assert!(!alerts.is_empty());
    assert!(alerts.iter().all(|alert| alert["alert"]["metadata"]["host_name"][0] == name));
    assert_eq!(events_of(&eve, "dhcp")[0]["dhcp"]["hostname"], name);
    let lines = scan(name.as_bytes(), b"x", "t.pcap", &[]).stdout;
    assert!(lines.lines().all(|line| line.contains(" | MÁY-KẾ-TOÁN 192.168.1.10 ")), "{lines}");
}

#[test]
fn a_file_whose_name_is_made_to_forge_a_line_forges_none() {
    let directory = temporary_directory();
    let name = "x\nwardwatch: no contact was found\u{1b}[2J\u{202e}.pcap";
    let path = put(directory.path(), name, b"this is no capture, whatever it is called");
    let outcome = Run::new(["scan", "--no-builtin-feeds", "--lang", "en"]).arg(path).go();
    assert_eq!(outcome.code, Some(1));
    assert_plain(&outcome.stderr);
    assert!(!outcome.stderr.lines().any(|line| line == "wardwatch: no contact was found"));
    assert!(outcome.stderr.contains("x\\010wardwatch"), "{}", outcome.stderr);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_hosts_say_every_line_is_whole_and_plain(name in text(), said in text()) {
        check(&name, &said);
    }
}
