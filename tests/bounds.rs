//! Floods: whatever is sent, memory stays below a stated bound and the next real contact is an
//! alert. Captures are made while they are read, through standard input, so that none is large.
#![cfg(target_os = "linux")] // peak memory is read from /proc
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::io::{BufWriter, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdin, Stdio};
use std::time::Duration;

use support::conversations::{client_hello, http_get};
use support::packets::{self, ACK, SYN, Tcp, TcpConversation};
use support::run::{self, Run};
use support::wire::{self, Frame};
use support::{capture_file, quic};

/// The name that must be found after the flood.
const EVIL: &str = "c2.evil.example";
/// Peak memory of a run without any traffic to speak of, in KiB: program, queues, capture buffer.
const BASE: u64 = 16 * 1024;

/// A run that is being flooded.
struct Flood {
    child: Child,
    pipe: BufWriter<ChildStdin>,
    directory: tempfile::TempDir,
    time: i64,
}

impl Flood {
    fn begin() -> Self {
        let directory = run::temporary_directory();
        let list = format!("indicator,type\n{EVIL},domain\n");
        let list = run::put(directory.path(), "list.csv", list.as_bytes());
        let mut command = Run::new(["scan", "--no-builtin-feeds", "--eve"])
            .arg(directory.path().join("eve.json"))
            .arg("--feeds")
            .arg(list)
            .arg("-")
            .command();
        let silent = || std::fs::File::create(directory.path().join("output")).unwrap();
        let mut child =
            command.stdin(Stdio::piped()).stdout(silent()).stderr(silent()).spawn().unwrap();
        let mut pipe = BufWriter::new(child.stdin.take().unwrap());
        pipe.write_all(&capture_file::pcap(&[])).unwrap();
        Self { child, pipe, directory, time: wire::NINE_O_CLOCK }
    }

    /// One IP packet, a microsecond after the one before.
    fn send(&mut self, packet: Vec<u8>) {
        self.time += 1_000;
        let bytes = wire::Link::plain().frame(&wire::from_client(packet));
        let file = capture_file::pcap(&[Frame { time: self.time, bytes }]);
        self.pipe.write_all(&file[24..]).unwrap();
    }

    /// A datagram of a client by number.
    fn datagram(&mut self, (number, port): (u32, u16), payload: &[u8]) {
        self.send(packets::udp(end_point(number, port), server(443), payload));
    }

    /// A contact that must be seen; then peak memory in KiB.
    fn end(self) -> u64 {
        self.end_after(&[])
    }

    /// As [`Flood::end`]; contacts of these clients must have been seen too.
    fn end_after(mut self, others: &[u32]) -> u64 {
        let conversation = TcpConversation::new(end_point(9_999_999, 50_000), server(443));
        for packet in conversation.client(&client_hello(EVIL)).packets() {
            self.send(packet.bytes);
        }
        self.pipe.flush().unwrap();
        // It has all but the pipe's content by now; the rest takes a moment.
        std::thread::sleep(Duration::from_millis(300));
        let peak = self.peak();
        drop(self.pipe);
        assert_eq!(run::wait(&mut self.child, 30), Some(0));
        let eve = std::fs::read_to_string(self.directory.path().join("eve.json")).unwrap();
        let alerts = run::eve_lines(&eve);
        let alerts = run::events_of(&alerts, "alert");
        for client in others.iter().chain([&9_999_999]) {
            let address = end_point(*client, 0).ip().to_string();
            let found = alerts.iter().any(|alert| alert["src_ip"] == address);
            assert!(found, "no alert of {address}: {eve}");
        }
        peak
    }

    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

#[track_caller]
fn stays_below(what: &str, peak: u64, mebibytes: u64) {
    assert!(peak < BASE + mebibytes * 1024, "{what}: {peak} KiB");
}

/// A host of 10.0.0.0/8 by number.
fn end_point(number: u32, port: u16) -> SocketAddr {
    (Ipv4Addr::from(0x0a00_0000 + number), port).into()
}

fn server(port: u16) -> SocketAddr {
    (Ipv4Addr::new(198, 51, 100, 2), port).into()
}

/// The client's segment at an offset of its bytes.
fn segment(number: u32, port: u16, offset: u32, payload: &[u8]) -> Vec<u8> {
    let header = Tcp { sequence: 1001 + offset, acknowledgement: 1, flags: ACK };
    packets::tcp(end_point(number, 40_000), server(port), header, payload)
}

fn syn(number: u32, port: u16) -> Vec<u8> {
    let header = Tcp { sequence: 1000, acknowledgement: 0, flags: SYN };
    packets::tcp(end_point(number, 40_000), server(port), header, &[])
}

#[test]
fn a_syn_flood_fills_the_flow_table_and_no_more() {
    let mut flood = Flood::begin();
    for number in 0..300_000 {
        flood.send(syn(number, 443));
    }
    stays_below("300,000 SYNs", flood.end(), 96);
}

#[test]
fn fragments_that_never_become_whole_are_given_up() {
    let mut flood = Flood::begin();
    let whole = packets::udp(end_point(1, 1), server(53), &[7; 1400]);
    for number in 0..60_000_u32 {
        let mut part = packets::fragment(&whole, number as u16, (8, 1208), &whole[20..]);
        part[12..16].copy_from_slice(&(0x0a00_0000 + number).to_be_bytes());
        flood.send(part);
    }
    stays_below("60,000 lone fragments", flood.end(), 48);
}

#[test]
fn heads_that_never_end_are_let_go_at_the_common_limit() {
    let mut flood = Flood::begin();
    let head = [http_get("www.office.example", "/")[..20].to_vec(), vec![b'a'; 8 * 1024]].concat();
    for number in 0..12_000 {
        for (part, offset) in head.chunks(1400).zip((0..).step_by(1400)) {
            flood.send(segment(number, 80, offset, part));
        }
    }
    stays_below("12,000 endless HTTP heads", flood.end(), 128);
}

#[test]
fn a_head_that_never_ends_is_read_as_it_passes_and_keeps_nothing() {
    let mut flood = Flood::begin();
    let begin = &http_get("www.office.example", "/")[..20];
    for number in 0..40 {
        flood.send(segment(number, 80, 0, begin));
        for n in 0..600 {
            flood.send(segment(number, 80, 20 + n * 1400, &[b'a'; 1400]));
        }
    }
    stays_below("40 HTTP heads of 800 KB", flood.end(), 48);
}

#[test]
fn http2_that_never_ends_is_let_go_at_the_common_limit() {
    let mut flood = Flood::begin();
    let frame = |kind: u8, payload: &[u8]| {
        let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
        [&[a, b, c, kind, 0, 0, 0, 0, 1], payload].concat()
    };
    // A table of 64 KB, filled by fields of 1,200 bytes in a block that does not end.
    let entry = [&[0x40, 1, b'n', 0x7f, 0xb1, 0x08][..], &[b'v'; 1200]].concat();
    let begin = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frame(1, &[0x3f, 0xe1, 0xff, 0x03])[..]];
    let (begin, part) = (begin.concat(), frame(9, &entry));
    for number in 0..3_000 {
        flood.send(segment(number, 80, 0, &begin));
        for n in 0..60 {
            let offset = begin.len() as u32 + n * part.len() as u32;
            flood.send(segment(number, 80, offset, &part));
        }
    }
    stays_below("3,000 endless HTTP/2 connections", flood.end(), 128);
}

#[test]
fn hellos_that_never_end_are_let_go_at_the_common_limit() {
    let mut flood = Flood::begin();
    let mut hello =
        support::conversations::Hello::new("www.office.example").padding(16_000).bytes();
    hello.truncate(8 * 1024);
    for number in 0..12_000 {
        flood.send(syn(number, 443));
        for (part, offset) in hello.chunks(1400).zip((0..).step_by(1400)) {
            flood.send(segment(number, 443, offset, part));
        }
    }
    stays_below("12,000 endless hellos", flood.end(), 128);
}

#[test]
fn segments_behind_holes_are_let_go_at_the_common_limit() {
    let mut flood = Flood::begin();
    for number in 0..2_000 {
        flood.send(syn(number, 443));
        for n in 0..40 {
            flood.send(segment(number, 443, 100 + n * 1200, &[0x16; 1100]));
        }
    }
    for n in 0..20_000 {
        flood.send(segment(5_000, 443, 100 + n * 40, b"x"));
    }
    stays_below("80,000 segments behind holes", flood.end(), 128);
}

#[test]
fn contradictions_are_read_both_ways_within_their_limits() {
    let mut flood = Flood::begin();
    let hello = client_hello("www.office.example");
    for number in 0..3_000 {
        flood.send(syn(number, 443));
        for decoy in 0..4 {
            let mut decoy_hello = hello.clone();
            decoy_hello[11] = decoy;
            flood.send(segment(number, 443, 0, &decoy_hello));
        }
    }
    flood.send(syn(4_000, 443));
    for n in 0..4_000_u32 {
        flood.send(segment(4_000, 443, n % 90, &[0x16, n as u8, (n >> 8) as u8]));
    }
    stays_below("16,000 contradictions", flood.end(), 64);
}

#[test]
fn crypto_frames_that_never_make_a_hello_are_bounded() {
    let mut flood = Flood::begin();
    // With the same connection id everywhere, one packet does for every flow.
    let hello = support::conversations::Hello::new("www.office.example").padding(3_000).bytes();
    let begun = quic::initial(1, &quic::crypto(0, &hello[5..1005]));
    let behind = quic::initial(2, &quic::crypto(1_500, &hello[1505..2505]));
    for number in 0..20_000 {
        for datagram in [&begun, &behind] {
            flood.send(packets::udp(end_point(number, 40_000), server(443), datagram));
        }
    }
    for number in 3..1_000 {
        let far = quic::initial(number, &quic::crypto(number as usize * 700, &[1; 600]));
        flood.send(packets::udp(end_point(30_000, 40_000), server(443), &far));
    }
    stays_below("20,000 unfinished QUIC hellos", flood.end(), 128);
}

/// A client whose hello stands around a flood, in two halves.
const HALVES: u32 = 8_888_888;
/// And one whose halves follow each other in the middle of it.
const BETWEEN: u32 = 7_777_777;

/// Two halves of a contact by QUIC, under an id of its own.
fn quic_halves(id: [u8; 8]) -> [Vec<u8>; 2] {
    let hello = client_hello(EVIL);
    let (first, second) = hello[5..].split_at(70);
    let keys = quic::Keys::of(id);
    [keys.initial(1, &quic::crypto(0, first)), keys.initial(2, &quic::crypto(70, second))]
}

/// Handshakes that never end: all pieces of each of so many clients, on so many hosts.
fn endless(flood: &mut Flood, pieces: &[Vec<u8>], (clients, hosts): (u32, u32)) {
    let [first, second] = quic_halves(*b"between!");
    for number in 0..clients {
        let source = (number % hosts, 1_024 + (number / hosts) as u16);
        if number == clients / 2 {
            flood.datagram((BETWEEN, 40_000), &first);
        }
        for piece in pieces {
            flood.datagram(source, piece);
        }
        if number == clients / 2 {
            flood.datagram((BETWEEN, 40_000), &second);
        }
    }
}

#[test]
fn quic_handshakes_that_never_end_are_bounded_and_hide_nobody() {
    let pieces: Vec<Vec<u8>> = (0..30)
        .map(|nth| quic::initial(nth, &quic::crypto(4 + nth as usize * 1_100, &[1; 1_100])))
        .collect();
    for (clients, hosts, pieces) in
        [(2_000, 1, &pieces[..]), (2_000, 2_000, &pieces[..]), (30_000, 30_000, &pieces[..1])]
    {
        let mut flood = Flood::begin();
        let [first, second] = quic_halves(*b"halves!!");
        flood.datagram((HALVES, 40_000), &first);
        endless(&mut flood, pieces, (clients, hosts));
        flood.datagram((HALVES, 40_000), &second);
        let peak = flood.end_after(&[HALVES, BETWEEN]);
        stays_below("endless QUIC handshakes", peak, 112);
    }
}

#[test]
fn quic_connections_of_many_ids_on_one_flow_are_bounded_and_hide_nobody() {
    let mut flood = Flood::begin();
    let [first, second] = quic_halves(*b"halves!!");
    flood.datagram((HALVES, 40_000), &first);
    for number in 0..20_000_u64 {
        let keys = quic::Keys::of(number.to_be_bytes());
        // Of the same host and ports, every second one broken.
        let mut datagram = keys.initial(1, &quic::crypto(4, &[1; 1_000]));
        datagram[1_000] ^= (number % 2) as u8;
        flood.datagram((HALVES, 40_000), &datagram);
    }
    flood.datagram((HALVES, 40_000), &second);
    stays_below("20,000 connections of a flow", flood.end_after(&[HALVES]), 64);
}

#[test]
fn dtls_handshakes_that_never_end_are_bounded_and_hide_nobody() {
    let pieces: Vec<Vec<u8>> = (0..30_u32)
        .map(|nth| {
            let [_, length @ ..] = 60_100_u32.to_be_bytes();
            let [_, offset @ ..] = (nth * 1_300).to_be_bytes();
            let [_, part @ ..] = 1_300_u32.to_be_bytes();
            let fragment = [&[1], &length[..], &[0, 0], &offset, &part, &[1; 1_300]].concat();
            let header = [22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, nth as u8];
            [&header[..], &(fragment.len() as u16).to_be_bytes(), &fragment].concat()
        })
        .collect();
    for (clients, hosts) in [(2_000, 1), (2_000, 2_000)] {
        let mut flood = Flood::begin();
        let [first, second] = quic_halves(*b"halves!!");
        flood.datagram((HALVES, 40_000), &first);
        endless(&mut flood, &pieces, (clients, hosts));
        flood.datagram((HALVES, 40_000), &second);
        let peak = flood.end_after(&[HALVES, BETWEEN]);
        stays_below("endless DTLS handshakes", peak, 112);
    }
}

#[test]
fn halves_of_hellos_are_let_go_at_the_common_limit() {
    let mut flood = Flood::begin();
    let hello = client_hello("www.office.example");
    let half = &hello[..hello.len() / 2];
    for number in 0..150_000 {
        flood.send(segment(number, 443, 0, half));
    }
    stays_below("150,000 halves of hellos", flood.end(), 128);
}

#[test]
fn fragments_that_contradict_each_other_are_bounded() {
    let mut flood = Flood::begin();
    let whole = packets::udp(end_point(1, 1), server(53), &[7; 8000]);
    let mut data = whole[20..].to_vec();
    for number in 0..20_000_u32 {
        let place = (number as usize * 8 % 7_000) / 8 * 8;
        data[place..place + 4].copy_from_slice(&number.to_be_bytes());
        let mut part = packets::fragment(&whole, 7, (place, place + 8), &data);
        packets::set_hops(&mut part, (number % 60) as u8);
        flood.send(part);
    }
    stays_below("20,000 contradicting fragments", flood.end(), 32);
}

#[test]
fn one_byte_segments_that_contradict_each_other_are_bounded() {
    let mut flood = Flood::begin();
    let mut head = http_get("www.office.example", "/")[..20].to_vec();
    head.extend([b'a'; 15_000]);
    for number in 0..100 {
        for (part, offset) in head.chunks(1400).zip((0..).step_by(1400)) {
            flood.send(segment(number, 80, offset, part));
        }
        for n in 0..1_000_u32 {
            flood.send(segment(number, 80, 14_000 + n % 64, &[n as u8]));
        }
    }
    stays_below("100,000 contradicting segments", flood.end(), 48);
}
