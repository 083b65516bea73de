//! Tunnels as an attacker or a stranger uses them: outer addresses are compared, nothing hides as a
//! tunnel, and what arrives in one from outside accuses nobody.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::net::SocketAddr;

use serde_json::Value;
use support::capture_file::{Endian, Precision, pcap_as};
use support::conversations as say;
use support::encapsulation::TUNNELS;
use support::packets::{self, TcpConversation};
use support::run::{Outcome, Run, put, temporary_directory};
use support::wire::{Frame, MILLISECOND, NINE_O_CLOCK};

const RAW: u16 = support::capture_file::RAW_IP;
const PC: &str = "192.168.7.10:50000";
const EVIL: &str = "203.0.114.2:443";

fn end(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn udp(from: &str, to: &str, payload: &[u8]) -> Vec<u8> {
    packets::udp(end(from), end(to), payload)
}

/// An IP packet in a VXLAN datagram.
fn vxlan(from: &str, to: &str, packet: &[u8]) -> Vec<u8> {
    let header = [8, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    udp(from, to, &[&header[..], packet].concat())
}

/// A TCP connection's packets that ask for a name.
fn conversation(server: &str, hello: &[u8]) -> Vec<Vec<u8>> {
    let conversation = TcpConversation::new(end(PC), end(server)).client(hello).server(b"answer");
    conversation.packets().into_iter().map(|packet| packet.bytes).collect()
}

/// Scans packets; `rows` are lines of a feed with indicator and type.
fn scan(rows: &[&str], packets: &[Vec<u8>], more: &[&str]) -> Outcome {
    let directory = temporary_directory();
    let rows: Vec<String> = rows.iter().map(|row| format!("{row},redline,high")).collect();
    let feed = format!("indicator,type,threat,confidence\n{}\n", rows.join("\n"));
    let feed = put(directory.path(), "feed.csv", feed.as_bytes());
    let times = (0..).map(|nth| NINE_O_CLOCK + nth * MILLISECOND);
    let frame = |(bytes, time): (&Vec<u8>, i64)| Frame { time, bytes: bytes.clone() };
    let frames: Vec<Frame> = packets.iter().zip(times).map(frame).collect();
    let capture = pcap_as(&frames, RAW, Endian::Little, Precision::Nanos);
    let capture = put(directory.path(), "c.pcap", &capture);
    let mut run = Run::new(["scan", "--no-builtin-feeds", "-v", "--feeds"]).arg(feed);
    for argument in more {
        run = run.arg(argument);
    }
    run.arg("--").arg(capture).go().expect_code(0)
}

fn alerts(rows: &[&str], packets: &[Vec<u8>]) -> Vec<Value> {
    scan(rows, packets, &["--eve", "-"]).eve()
}

/// Of each alert: where it was seen, EVE severity, our address, the peer's.
fn told(alerts: &[Value]) -> Vec<(String, u64, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |alert: &Value| {
        let (alert, context) = (&alert["alert"], &alert["alert"]["context"]);
        let place = text(&alert["metadata"]["where"][0]);
        let severity = alert["severity"].as_u64().unwrap();
        (place, severity, text(&context["our_ip"]), text(&context["peer_ip"]))
    };
    alerts.iter().map(one).collect()
}

fn places(alerts: &[Value]) -> Vec<String> {
    told(alerts).into_iter().map(|(place, ..)| place).collect()
}

#[test]
fn the_outer_addresses_of_every_tunnel_are_compared_once() {
    let inner: Vec<Vec<u8>> = (0..3_u8).map(|nth| udp(PC, "192.0.2.9:9", &[nth; 9])).collect();
    for (name, _, depth, wrap) in TUNNELS {
        let packets: Vec<Vec<u8>> = inner.iter().map(|packet| wrap(packet)).collect();
        let found = alerts(&["203.0.113.2,ip", "2001:db8:f::2,ip"], &packets);
        let expected = vec!["ip.outer"; usize::try_from(*depth).unwrap()];
        assert_eq!(places(&found), expected, "{name}");
        let seen = found[0]["alert"]["metadata"]["seen"][0].as_str().unwrap();
        assert!(seen.contains("203.0.113.2") || seen.contains("2001:db8:f::2"), "{name}: {seen}");
        assert_eq!(found[0]["alert"]["context"]["count"], 1, "{name}");
    }
}

#[test]
fn an_outer_endpoint_meets_an_indicator_with_its_port() {
    let packet = vxlan(PC, "203.0.114.2:4789", &udp("10.0.0.1:7", "10.0.0.2:7", b"x"));
    let found = alerts(&["203.0.114.2:4789,ip:port", "203.0.114.2:443,ip:port"], &[packet]);
    let expected = ("ip.outer".into(), 1, "192.168.7.10".into(), "203.0.114.2".into());
    assert_eq!(told(&found), [expected]);
}

#[test]
fn an_outer_address_that_changes_within_an_inner_flow_is_compared() {
    let inner = udp("10.0.0.1:7", "10.0.0.2:7", b"x");
    let [one, other] = ["192.0.2.77:4789", "203.0.114.2:4789"];
    let packets = [vxlan(PC, one, &inner), vxlan(PC, other, &inner), vxlan(PC, other, &inner)];
    assert_eq!(places(&alerts(&["203.0.114.2,ip"], &packets)), ["ip.outer"]);
}

#[test]
fn a_datagram_that_begins_as_any_tunnel_shows_its_addresses_read_or_not() {
    let (six, four) = ([&[0x60, 0, 0, 0, 0, 9, 59, 64][..], &[1; 41]].concat(), vec![0x45; 60]);
    let inner = udp("10.0.0.1:7", "10.0.0.2:7", b"x");
    let payloads = [six, four, inner, vec![8; 50], vec![0; 50], vec![1; 50], vec![0x30; 50]];
    let ports = [
        1701, 2152, 3544, 4341, 4500, 4754, 4789, 5072, 5247, 5555, 6080, 6081, 6635, 7932, 30_030,
        37_008, 40_001,
    ];
    for port in ports {
        for (nth, payload) in payloads.iter().enumerate() {
            let packet = udp(PC, &format!("203.0.114.2:{port}"), payload);
            let found = alerts(&["203.0.114.2,ip"], &[packet]);
            assert_eq!(found.len(), 1, "port {port}, payload {nth}");
            assert_eq!(found[0]["alert"]["context"]["our_ip"], "192.168.7.10");
        }
    }
}

/// A question whose first label is so many chosen bytes.
fn question_with(label: &[u8], id: u16) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    message.push(label.len() as u8);
    message.extend(label);
    message.extend(say::wire_name("evil.example"));
    message.extend([0, 1, 0, 1]);
    message
}

#[test]
fn no_question_hides_by_reading_as_a_tunnel() {
    let packet = packets::ip(end("10.0.0.1:0").ip(), end("10.0.0.2:0").ip(), 59, &[]);
    let inside_a_label = [&[0; 7][..], &[8, 0], &packet].concat();
    let shaped = [
        // Teredo's header by length and next header: 41 bytes, an identification of 0x6.
        (3544, question_with(b"abcdefghij", 0x6000)),
        // Teredo on any port by the prefix of an address in the label.
        (40_000, question_with(&[&[b'a'; 11][..], &[0x20, 1, 0, 0]].concat(), 0x6000)),
        // GTP-U, version 1, a user's packet in the label.
        (2152, question_with(&inside_a_label, 0x30ff)),
        (5247, question_with(&inside_a_label, 0x0010)),
        (4500, question_with(&inside_a_label, 0x1234)),
        (1701, question_with(&inside_a_label, 0x0002)),
    ];
    for (port, question) in shaped {
        let packet = udp(&format!("192.168.7.10:{port}"), "192.0.2.54:53", &question);
        let found = alerts(&["evil.example,domain"], &[packet]);
        assert_eq!(places(&found), ["dns.query"], "from port {port}");
    }
}

#[test]
fn a_tunnel_from_outside_accuses_nobody_and_its_sender_is_named() {
    let stranger = "203.0.113.200:1234";
    let hello = say::client_hello("www.evil.example");
    let mut inner = conversation(EVIL, &hello);
    inner.push(udp("192.0.2.54:53", PC, &say::dns_query(7, "www.evil.example", say::A)));
    let forged: Vec<_> =
        inner.iter().map(|packet| vxlan(stranger, "192.168.7.1:4789", packet)).collect();
    let rows = ["203.0.114.2,ip", "evil.example,domain"];
    let found = alerts(&rows, &forged);
    assert!(found.len() >= 3, "{:?}", told(&found));
    for (alert, (place, severity, ours, peer)) in found.iter().zip(told(&found)) {
        let named = (severity, ours.as_str(), peer.as_str());
        assert_eq!(named, (3, "192.168.7.1", "203.0.113.200"), "{place}");
        assert_eq!(alert["alert"]["metadata"]["weak_evidence"][0], "tunnel_from_outside");
        let why = &alert["alert"]["context"]["weak_evidence"];
        assert!(why["en"].as_str().unwrap().contains("from outside"), "{why}");
        assert!(why["vi"].as_str().unwrap().contains("từ bên ngoài"), "{why}");
    }
    for (language, reason, order) in
        [("en", "weak evidence", "Unplug"), ("vi", "căn cứ yếu", "Rút")]
    {
        let said = scan(&rows, &forged, &["--lang", language]);
        assert!(said.stdout.contains(reason), "{}", said.stdout);
        let all = said.stdout + &said.stderr;
        assert!(!all.contains(order) && all.contains("203.0.113.200"), "{all}");
    }
}

#[test]
fn a_forged_contact_takes_nothing_from_the_true_one_behind_it() {
    let hello = say::client_hello("www.evil.example");
    let inner = conversation(EVIL, &hello);
    let mut packets: Vec<_> = inner
        .iter()
        .map(|packet| vxlan("203.0.113.200:1234", "192.168.7.1:4789", packet))
        .collect();
    packets.extend(inner);
    let found = told(&alerts(&["203.0.114.2,ip", "evil.example,domain"], &packets));
    for place in ["ip", "tls.sni"] {
        let of_pc = found.iter().any(|(seen, severity, ours, _)| {
            seen == place && *severity < 3 && ours == "192.168.7.10"
        });
        assert!(of_pc, "{place}: {found:?}");
    }
}

#[test]
fn the_office_s_own_mirror_and_tunnels_keep_full_weight() {
    let hello = say::client_hello("www.evil.example");
    let inner = conversation(EVIL, &hello);
    // The router mirrors to the sensor; or the PC is itself one end of a tunnel and is answered.
    let mirrored: Vec<_> =
        inner.iter().map(|packet| vxlan("192.168.7.1:4789", "192.168.7.2:4789", packet)).collect();
    let from_pc = |packet: &&Vec<u8>| packet[12..16] == [192, 168, 7, 10];
    let both_ways: Vec<_> = inner
        .iter()
        .map(|packet| match from_pc(&packet) {
            true => vxlan("192.168.7.10:4789", "203.0.113.9:4789", packet),
            false => vxlan("203.0.113.9:4789", "192.168.7.10:4789", packet),
        })
        .collect();
    for packets in [mirrored, both_ways] {
        let found = told(&alerts(&["203.0.114.2,ip", "evil.example,domain"], &packets));
        assert_eq!(found.len(), 2, "{found:?}");
        for (place, severity, ours, peer) in found {
            let named = (severity < 3, ours.as_str(), peer.as_str());
            assert_eq!(named, (true, "192.168.7.10", "203.0.114.2"), "{place}");
        }
    }
}

#[test]
fn what_is_recognised_and_not_read_is_counted_by_its_name() {
    let esp = packets::ip(end(PC).ip(), end(EVIL).ip(), 50, &[0x5a; 80]);
    let nat = udp("192.168.7.10:4500", "203.0.114.2:4500", &[0x5a; 80]);
    let dtls = udp(PC, "203.0.114.2:5247", &[1, 0, 0, 0, 0x17, 0xfe, 0xfd, 0, 1]);
    let gre = packets::ip(end(PC).ip(), end(EVIL).ip(), 47, &[0x5a; 80]);
    let said = scan(&["203.0.114.2,ip"], &[esp, nat, dtls, gre], &["--eve", "-"]);
    for (name, count) in [("esp", 2), ("capwap", 1), ("gre", 1), ("vxlan", 0)] {
        assert_eq!(said.counter(&format!("decode.unread.{name}")), count, "{name}");
    }
    assert_eq!(places(&said.eve())[0], "ip");
}

#[test]
fn an_ipv4_indicator_is_met_inside_ipv6_wherever_an_address_stands() {
    for text in ["64:ff9b::cb00:7202", "2002:cb00:7202::1", "2001:db8::200:5efe:203.0.114.2"] {
        let packet = udp("[2001:db8:1::7]:50000", &format!("[{text}]:443"), b"x");
        for row in ["203.0.114.2,ip", "203.0.114.2:443,ip:port", "203.0.114.0/28,cidr"] {
            let found = alerts(&[row], std::slice::from_ref(&packet));
            assert_eq!(places(&found), ["ip"], "{text} {row}");
            let seen = found[0]["alert"]["metadata"]["seen"][0].as_str().unwrap();
            assert!(seen.ends_with(" = 203.0.114.2"), "{seen}");
        }
        let request = say::http_get(&format!("[{text}]"), "/load");
        let request = TcpConversation::new(end(PC), end("192.0.2.80:3128")).client(&request);
        let packets: Vec<_> = request.packets().into_iter().map(|packet| packet.bytes).collect();
        let found = alerts(&["203.0.114.2,ip", "http://203.0.114.2/load,url"], &packets);
        assert_eq!(places(&found), ["http.host", "http.url"], "{text}");
    }
    let near = udp("[2001:db8:1::7]:50000", "[2001:db8::cb00:7202]:443", b"x");
    assert!(alerts(&["203.0.114.2,ip"], &[near]).is_empty());
}
