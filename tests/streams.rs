//! Evasion: whatever is done to segments, fragments, records and heads, no name is hidden. Each
//! test makes its capture and shows it to the real binary.
//!
//! With `WARDWATCH_KEEP_CAPTURES=DIR` every capture is also written there, for a look with other
//! programs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::net::SocketAddr;

use support::capture_file;
use support::conversations::{Hello, client_hello, http_get};
use support::packets::{
    self, ACK, FIN, Order, PSH, Packet, RST, SYN, Speaker, Tcp, TcpConversation,
};
use support::run::Run;
use support::wire::{self, Frame};

/// The name that must be found.
const EVIL: &str = "c2.evil.example";
/// A decoy of the same length.
const DECOY: &str = "ok.good.example";
/// What is done to a decoy so that the server ignores it.
type Spoil = fn(Packet) -> Packet;

/// Where the client's bytes begin.
const START: u32 = 0x1000_0001;

fn client() -> SocketAddr {
    "192.0.2.10:50000".parse().unwrap()
}

fn server() -> SocketAddr {
    "198.51.100.2:443".parse().unwrap()
}

fn six(port: u16) -> SocketAddr {
    format!("[2001:db8::{port:x}]:{port}").parse().unwrap()
}

/// A segment of the client at an offset of its bytes.
fn at(offset: u32, payload: &[u8]) -> Packet {
    flagged(START.wrapping_add(offset), PSH | ACK, payload)
}

fn flagged(sequence: u32, flags: u8, payload: &[u8]) -> Packet {
    let header = Tcp { sequence, acknowledgement: 0x2000_0001, flags };
    wire::from_client(packets::tcp(client(), server(), header, payload))
}

fn with_bad_checksum(mut packet: Packet) -> Packet {
    packets::spoil_checksum(&mut packet.bytes);
    packet
}

fn with_few_hops(mut packet: Packet) -> Packet {
    packets::set_hops(&mut packet.bytes, 2);
    packet
}

/// The three packets that open the connection.
fn handshake() -> Vec<Packet> {
    TcpConversation::new(client(), server()).packets()
}

/// A handshake, then these.
fn after_handshake(packets: Vec<Packet>) -> Vec<Packet> {
    handshake().into_iter().chain(packets).collect()
}

/// The alerts about [`EVIL`] as `where` values, once each.
fn alerts_of(name: &str, frames: &[Frame]) -> Vec<String> {
    let file = capture_file::pcap(frames);
    if let Ok(directory) = std::env::var("WARDWATCH_KEEP_CAPTURES") {
        std::fs::write(format!("{directory}/{name}.pcap"), &file).unwrap();
    }
    let directory = support::run::temporary_directory();
    let list = format!("indicator,type\n{EVIL},domain\n");
    let list = support::run::put(directory.path(), "list.csv", list.as_bytes());
    let outcome = Run::new(["scan", "--no-builtin-feeds", "--eve", "-", "--feeds"])
        .arg(list)
        .arg("-")
        .stdin(&file)
        .go()
        .expect_code(0);
    let mut places: Vec<String> = support::run::events_of(&outcome.eve(), "alert")
        .iter()
        .map(|alert| alert["alert"]["metadata"]["where"][0].as_str().unwrap().to_owned())
        .collect();
    places.sort();
    places.dedup();
    places
}

/// Panics unless the name is found at this place.
#[track_caller]
fn expect(name: &str, place: &str, packets: &[Packet]) {
    let places = alerts_of(name, &wire::plain_frames(packets));
    assert!(places.iter().any(|found| found == place), "{name}: {places:?}");
}

fn get(host: &str) -> Vec<u8> {
    http_get(host, "/a")
}

#[test]
fn a_decoy_before_or_after_the_true_bytes_hides_nothing() {
    for (what, place) in [("tls", "tls.sni"), ("http", "http.host")] {
        let say = |name| if what == "tls" { client_hello(name) } else { get(name) };
        let (truth, decoy) = (say(EVIL), say(DECOY));
        let spoilers: [(&str, Spoil); 3] =
            [("checksum", with_bad_checksum), ("ttl", with_few_hops), ("plain", |packet| packet)];
        for (how, spoil) in spoilers {
            let decoys = after_handshake(vec![spoil(at(0, &decoy)), at(0, &truth)]);
            expect(&format!("decoy-first-{what}-{how}"), place, &decoys);
            let late = after_handshake(vec![at(0, &truth), spoil(at(0, &decoy))]);
            expect(&format!("decoy-last-{what}-{how}"), place, &late);
        }
    }
}

#[test]
fn a_decoy_of_a_part_hides_nothing() {
    for (what, place) in [("tls", "tls.sni"), ("http", "http.host")] {
        let say = |name| if what == "tls" { client_hello(name) } else { get(name) };
        let (truth, decoy) = (say(EVIL), say(DECOY));
        let name = truth.windows(4).position(|bytes| bytes == b"evil").unwrap();
        let cut = name as u32;
        let (first, second) = truth.split_at(name);
        let (decoy_first, decoy_second) = decoy.split_at(name);
        let cases: [(&str, Vec<Packet>); 7] = [
            ("second", vec![at(0, first), at(cut, decoy_second), at(cut, second)]),
            ("first", vec![at(0, decoy_first), at(0, first), at(cut, second)]),
            ("first-late", vec![at(0, decoy_first), at(cut, second), at(0, first)]),
            (
                "both",
                vec![at(0, decoy_first), at(0, first), at(cut, decoy_second), at(cut, second)],
            ),
            ("held", vec![at(cut, decoy_second), at(cut, second), at(0, first)]),
            ("held-last", vec![at(cut, second), at(cut, decoy_second), at(0, first)]),
            ("whole-then-parts", vec![at(0, &decoy), at(0, first), at(cut, second)]),
        ];
        for (how, packets) in cases {
            expect(&format!("decoy-part-{what}-{how}"), place, &after_handshake(packets));
        }
    }
}

#[test]
fn a_decoy_for_every_single_byte_hides_nothing() {
    for (what, place) in [("tls", "tls.sni"), ("http", "http.host")] {
        let say = |name| if what == "tls" { client_hello(name) } else { get(name) };
        let (truth, decoy) = (say(EVIL), say(DECOY));
        for decoy_first in [true, false] {
            let mut packets = Vec::new();
            for (offset, byte) in truth.iter().enumerate() {
                let offset = offset as u32;
                let (a, b) = (at(offset, &[*byte]), at(offset, &[decoy[offset as usize]]));
                packets.extend(if decoy_first { [b, a] } else { [a, b] });
            }
            let name = format!("decoy-bytes-{what}-{decoy_first}");
            expect(&name, place, &after_handshake(packets));
        }
    }
}

#[test]
fn a_decoy_that_announces_a_long_body_does_not_hide_the_next_request() {
    let decoy = b"POST /a HTTP/1.1\r\nContent-Length: 9000000\r\nHost: ok.good.example\r\n\r\n";
    let truth = b"POST /a HTTP/1.1\r\nContent-Length: 0000000\r\nHost: ok.good.example\r\n\r\n";
    let filler = get(DECOY).repeat(300);
    let end = truth.len() as u32;
    let near = vec![at(0, decoy), at(0, truth), at(end, &get(EVIL))];
    expect("decoy-body-near", "http.host", &after_handshake(near));
    let late = vec![at(0, decoy), at(end, &get(EVIL)), at(0, truth)];
    expect("decoy-body-late", "http.host", &after_handshake(late));
    let mut far = vec![at(0, decoy), at(0, truth)];
    far.extend(filler.chunks(1400).zip(0..).map(|(part, n)| at(end + n * 1400, part)));
    far.push(at(end + filler.len() as u32, &get(EVIL)));
    expect("decoy-body-far", "http.host", &after_handshake(far));
}

#[test]
fn a_fake_end_or_beginning_of_the_connection_hides_nothing() {
    let truth = client_hello(EVIL);
    let half = truth.len() / 2;
    let (first, second) = truth.split_at(half);
    for (how, sequence, flags) in [
        ("rst", START + half as u32, RST),
        ("fin", START + half as u32, FIN | ACK),
        ("syn-far", 0x7777_0000, SYN),
        ("syn-behind", START - 70_000, SYN),
        ("syn-ahead", START + 70_000, SYN),
        ("syn-near", START + 10, SYN),
    ] {
        let amid = vec![at(0, first), flagged(sequence, flags, &[]), at(half as u32, second)];
        expect(&format!("fake-{how}-amid"), "tls.sni", &after_handshake(amid));
        let before = vec![flagged(sequence, flags, &[]), at(0, first), at(half as u32, second)];
        expect(&format!("fake-{how}-before"), "tls.sni", &after_handshake(before));
        let next = vec![at(0, &get(DECOY)), flagged(sequence, flags, &[])];
        let next = next.into_iter().chain([at(get(DECOY).len() as u32, &get(EVIL))]).collect();
        expect(&format!("fake-{how}-between"), "http.host", &after_handshake(next));
    }
    let amid = vec![at(0, first), flagged(0x7777_0000, SYN, b"data"), at(half as u32, second)];
    expect("fake-syn-data-amid", "tls.sni", &after_handshake(amid));
}

#[test]
fn a_new_connection_on_the_ports_of_an_old_one_is_read() {
    for (how, old, initial) in [
        ("complete", client_hello(DECOY), 0x5555_0000),
        ("incomplete", client_hello(DECOY)[..100].to_vec(), 0x5555_0000),
        ("incomplete-near", client_hello(DECOY)[..100].to_vec(), START + 70_000),
    ] {
        let mut packets = after_handshake(vec![at(0, &old)]);
        let again = TcpConversation::new(client(), server())
            .initial_sequence(initial, 0x6666_0000)
            .client(&client_hello(EVIL))
            .segment(100);
        packets.extend(again.packets());
        expect(&format!("reuse-{how}"), "tls.sni", &packets);
    }
}

#[test]
fn a_keep_alive_byte_hides_nothing() {
    let truth = client_hello(EVIL);
    let half = truth.len() / 2;
    let (first, second) = truth.split_at(half);
    let amid = vec![at(0, first), at(half as u32 - 1, b"\0"), at(half as u32, second)];
    expect("keep-alive-amid", "tls.sni", &after_handshake(amid));
    let end = get(DECOY).len() as u32;
    let between = vec![at(0, &get(DECOY)), at(end - 1, b"\0"), at(end, &get(EVIL))];
    expect("keep-alive-between", "http.host", &after_handshake(between));
}

#[test]
fn any_segmentation_order_and_part_of_a_conversation_is_read() {
    let long = Hello::new(EVIL).post_quantum();
    let ends = || TcpConversation::new(client(), server());
    let cases = [
        ("one-byte-segments", ends().client(&client_hello(EVIL)).segment(1)),
        ("reversed", ends().client(&long.bytes()).segment(100).order(Order::Reversed)),
        ("one-byte-reversed", ends().client(&client_hello(EVIL)).segment(1).order(Order::Reversed)),
        ("duplicated", ends().client(&long.bytes()).segment(100).order(Order::Duplicated)),
        ("overlapping", ends().client(&long.bytes()).segment(100).order(Order::Overlapping)),
        ("offloaded", ends().client(&long.clone().padding(30_000).bytes()).segment(60_000)),
        ("sequence-wrap", ends().client(&long.bytes()).initial_sequence(u32::MAX - 700, 1)),
        ("one-direction", ends().client(&long.bytes()).only(Speaker::Client)),
        ("mid-stream", ends().client(&long.bytes()).mid_stream()),
        (
            "mid-stream-one-direction",
            ends().client(&long.bytes()).mid_stream().only(Speaker::Client),
        ),
        ("wrong-checksums", ends().client(&long.bytes()).wrong_checksums()),
    ];
    for (name, conversation) in cases {
        expect(name, "tls.sni", &conversation.fin().packets());
    }
}

#[test]
fn syn_fin_and_rst_may_carry_the_name() {
    let hello = client_hello(EVIL);
    expect("syn-with-data", "tls.sni", &[flagged(START - 1, SYN, &hello)]);
    for (name, flags) in [("fin-with-data", FIN | ACK), ("rst-with-data", RST)] {
        expect(name, "tls.sni", &after_handshake(vec![flagged(START, flags, &hello)]));
    }
}

#[test]
fn a_hole_that_never_fills_does_not_end_the_reading() {
    let request = get(DECOY);
    let end = request.len() as u32;
    let holes = vec![at(0, &request), at(end + 3000, &get(EVIL))];
    expect("hole", "http.host", &after_handshake(holes));
}

#[test]
fn every_packet_twice_is_one_contact() {
    let packets = TcpConversation::new(client(), server()).client(&client_hello(EVIL)).fin();
    let twice: Vec<Packet> = packets.packets().into_iter().flat_map(|p| [p.clone(), p]).collect();
    expect("mirrored-twice", "tls.sni", &twice);
}

/// A request in an IP packet, cut into fragments that overlap; `decoy` is what contradicts.
fn fragments(ends: (SocketAddr, SocketAddr), decoy_first: bool) -> Vec<Packet> {
    let header = Tcp { sequence: START, acknowledgement: 1, flags: PSH | ACK };
    let truth = packets::tcp(ends.0, ends.1, header, &get(EVIL));
    let decoy = packets::tcp(ends.0, ends.1, header, &get(DECOY));
    let begin = if ends.0.is_ipv6() { 40 } else { 20 };
    let (truth_data, decoy_data) = (truth[begin..].to_vec(), decoy[begin..].to_vec());
    let length = truth_data.len();
    let (low, high) = (16, length / 16 * 8);
    let part = |range, data: &[u8]| packets::fragment(&truth, 77, range, data);
    let mut middle = [part((low, high), &decoy_data), part((low, high), &truth_data)];
    if !decoy_first {
        middle.reverse();
    }
    let [one, two] = middle;
    [one, two, part((high, length), &truth_data), part((0, low + 8), &truth_data)]
        .map(wire::from_client)
        .to_vec()
}

#[test]
fn overlapping_fragments_hide_nothing() {
    for decoy_first in [true, false] {
        let four = fragments((client(), server()), decoy_first);
        expect(&format!("fragments-v4-{decoy_first}"), "http.host", &four);
        let six = fragments((six(50000), six(80)), decoy_first);
        expect(&format!("fragments-v6-{decoy_first}"), "http.host", &six);
    }
}

#[test]
fn a_hello_of_any_shape_is_read() {
    let hello = Hello::new(EVIL);
    let records = hello.clone().padding(400).record_size(20).bytes();
    assert!(records.windows(3).filter(|bytes| bytes == b"\x16\x03\x01").count() > 20);
    let two = hello.clone().names(&[DECOY, EVIL]);
    let grease = hello.clone().grease();
    for (name, bytes) in [
        ("hello-over-records", records),
        ("hello-padded", hello.padding(12_000).bytes()),
        ("hello-grease", grease.bytes()),
        ("hello-two-names", two.bytes()),
    ] {
        expect(name, "tls.sni", &TcpConversation::new(client(), server()).client(&bytes).packets());
    }
}

#[test]
fn a_request_of_any_shape_is_read() {
    let evil = String::from_utf8(get(EVIL)).unwrap();
    let smuggled = |headers: &str, body: &str| {
        format!("POST / HTTP/1.1\r\nHost: {DECOY}\r\n{headers}\r\n\r\n{body}{evil}")
    };
    let length = evil.len() + 5;
    for (name, bytes) in [
        ("host-twice", format!("GET / HTTP/1.1\r\nHost: {DECOY}\r\nHost: {EVIL}\r\n\r\n")),
        ("host-first", format!("GET / HTTP/1.1\r\nHost: {EVIL}\r\nHost: {DECOY}\r\n\r\n")),
        ("after-body", smuggled("Content-Length: 5", "12345")),
        ("after-chunks", smuggled("Transfer-Encoding: chunked", "5\r\n12345\r\n0\r\n\r\n")),
        (
            "smuggled-cl-te",
            smuggled(
                &format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"),
                "0\r\n\r\n",
            ),
        ),
        (
            "smuggled-te-cl",
            smuggled("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n"),
        ),
        ("smuggled-two-lengths", smuggled("Content-Length: 5\r\nContent-Length: 900", "12345")),
    ] {
        let conversation = TcpConversation::new(client(), server()).client(bytes.as_bytes());
        expect(name, "http.host", &conversation.packets());
    }
}

#[test]
fn identical_retransmissions_write_no_record_twice() {
    let packets = TcpConversation::new(client(), server())
        .client(&get(DECOY))
        .client(&get("www.office.example"))
        .segment(40)
        .order(Order::Duplicated)
        .packets();
    let file = capture_file::pcap(&wire::plain_frames(&packets));
    let outcome = Run::new(["scan", "--events", "all", "--eve", "-", "-"]).stdin(&file).go();
    let events = outcome.expect_code(0).eve();
    assert_eq!(support::run::events_of(&events, "http").len(), 2, "{events:?}");
}
