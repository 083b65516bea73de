//! Evasion by datagrams: decoys that do not come to the server, and whatever else is sent around a
//! QUIC or DTLS hello. Each test makes its capture and shows it to the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::net::SocketAddr;

use support::conversations::client_hello;
use support::packets;
use support::run::{self, Run};
use support::wire::{self, Frame};
use support::{capture_file, quic};

/// The name that must be found, and a decoy of the same length.
const EVIL: &str = "c2.evil.example";
const DECOY: &str = "ok.good.example";
const SECOND: i64 = 1_000_000_000;

/// What is done to a decoy so that it does not come to the server.
type Spoil = fn(Vec<u8>) -> Vec<u8>;

fn with_few_hops(mut packet: Vec<u8>) -> Vec<u8> {
    packets::set_hops(&mut packet, 3);
    packet
}

/// Of the UDP datagram; the header's length is 20 or 40 bytes.
fn with_bad_checksum(mut packet: Vec<u8>) -> Vec<u8> {
    let at = if packet[0] >> 4 == 6 { 46 } else { 26 };
    packet[at] ^= 0x55;
    packet
}

fn ends(six: bool, port: u16) -> (SocketAddr, SocketAddr) {
    let (client, server) =
        if six { ("2001:db8::10", "2001:db8:1::2") } else { ("192.0.2.10", "198.51.100.2") };
    (
        (client.parse::<std::net::IpAddr>().unwrap(), port).into(),
        (server.parse::<std::net::IpAddr>().unwrap(), 443).into(),
    )
}

/// The names that the sensor says it saw, and whether it alerted on one.
fn names(packets: Vec<(i64, Vec<u8>)>) -> (Vec<String>, bool) {
    let directory = run::temporary_directory();
    let mut time = wire::NINE_O_CLOCK;
    let frames: Vec<Frame> = packets
        .into_iter()
        .map(|(later, packet)| {
            time += later;
            Frame { time, bytes: wire::Link::plain().frame(&wire::from_client(packet)) }
        })
        .collect();
    let capture = run::put(directory.path(), "made.pcap", &capture_file::pcap(&frames));
    let list = run::put(
        directory.path(),
        "list.csv",
        format!("indicator,type\n{EVIL},domain\n").as_bytes(),
    );
    let mut command =
        Run::new(["scan", "--no-builtin-feeds", "--eve", "-", "--events", "all", "--feeds"])
            .arg(list)
            .arg(capture)
            .command();
    let output = command.output().unwrap();
    let events = run::eve_lines(std::str::from_utf8(&output.stdout).unwrap());
    let sni = |event: &serde_json::Value| {
        let name = event["quic"]["sni"].as_str().or_else(|| event["tls"]["sni"].as_str());
        name.filter(|_| event["event_type"] != "alert").map(str::to_owned)
    };
    (events.iter().filter_map(sni).collect(), !run::events_of(&events, "alert").is_empty())
}

/// Two halves of a hello in two Initials of these numbers.
fn halves(name: &str, cut: usize, numbers: [u32; 2]) -> [Vec<u8>; 2] {
    let hello = client_hello(name)[5..].to_vec();
    let (first, second) = hello.split_at(cut);
    [
        quic::initial(numbers[0], &quic::crypto(0, first)),
        quic::initial(numbers[1], &quic::crypto(cut, second)),
    ]
}

#[test]
fn decoys_that_do_not_come_to_the_server_hide_no_half_of_a_hello() {
    let spoils: [(&str, Spoil); 2] = [("ttl", with_few_hops), ("checksum", with_bad_checksum)];
    for (how, spoil) in spoils {
        for (six, cut) in [(false, 70), (true, 70), (false, 120)] {
            for order in [[0, 1, 2, 3], [1, 0, 3, 2], [0, 1, 3, 2], [1, 0, 2, 3]] {
                let (client, server) = ends(six, 50_000);
                let [fake, true_halves] = [halves(DECOY, cut, [1, 2]), halves(EVIL, cut, [1, 2])];
                let packet = |which: usize| {
                    let from = if which.is_multiple_of(2) { &fake } else { &true_halves };
                    let packet = packets::udp(client, server, &from[which / 2]);
                    (1_000_000, if which.is_multiple_of(2) { spoil(packet) } else { packet })
                };
                let (names, alerted) = names(order.into_iter().map(packet).collect());
                assert!(alerted, "{how} {six} {cut} {order:?}: {names:?}");
            }
        }
    }
}

#[test]
fn a_hello_is_read_across_ports_minutes_and_whatever_lies_between() {
    let [first, second] = halves(EVIL, 70, [1, 2]);
    let send =
        |port, payload: &[u8]| packets::udp(ends(false, port).0, ends(false, port).1, payload);
    let mut sent = vec![(0, send(50_000, b"")), (0, send(50_000, &[0x55; 9]))];
    sent.push((0, send(50_000, &first)));
    sent.extend((0..300).map(|_| (SECOND / 100, send(50_000, &[0x41; 60]))));
    sent.push((200 * SECOND, send(50_001, &second)));
    assert_eq!(names(sent), (vec![EVIL.to_owned()], true));
}

#[test]
fn every_connection_on_the_same_ports_is_read_at_once_or_later() {
    for later in [0, 30 * SECOND, 100 * SECOND] {
        let send = |payload: &[u8]| packets::udp(ends(true, 443).0, ends(true, 443).1, payload);
        let hello = |name| client_hello(name)[5..].to_vec();
        let first = quic::initial(1, &quic::crypto(0, &hello(DECOY)));
        let second = quic::Keys::of(*b"secondid").initial(1, &quic::crypto(0, &hello(EVIL)));
        let sent =
            vec![(0, send(&first)), (later, send(&second)), (0, send(&first)), (0, send(&second))];
        let told = vec![DECOY.to_owned(), EVIL.to_owned()];
        let (names, alerted) = names(sent);
        assert!(alerted && names == told, "{later}: {names:?}");
    }
}
