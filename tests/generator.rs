//! The generator itself, held to account: checksums, orders and file formats, with `tshark` left
//! out so that the test runs everywhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use support::capture_file::{self, Endian, Precision};
use support::conversations::{self, Hello};
use support::packets::{self, Order, Speaker, TcpConversation};
use support::wire;

fn client() -> std::net::SocketAddr {
    "192.0.2.10:50000".parse().unwrap()
}

fn server() -> std::net::SocketAddr {
    "198.51.100.2:443".parse().unwrap()
}

/// The payloads of one side in sequence order, each byte once.
fn stream(packets: &[packets::Packet], from: Speaker) -> Vec<u8> {
    let mut pieces = Vec::new();
    for packet in packets.iter().filter(|packet| packet.from == from) {
        let tcp = &packet.bytes[20..];
        let header = usize::from(tcp[12] >> 4) * 4;
        let sequence = u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]);
        pieces.push((sequence, tcp[header..].to_vec()));
    }
    let first = pieces.iter().filter(|(_, bytes)| !bytes.is_empty()).map(|(s, _)| *s);
    let Some(first) = first.min_by_key(|s| s.wrapping_sub(0x8000_0000)) else { return Vec::new() };
    let mut whole: Vec<Option<u8>> = Vec::new();
    for (sequence, bytes) in pieces {
        let at = sequence.wrapping_sub(first) as usize;
        for (offset, byte) in bytes.into_iter().enumerate() {
            whole.resize(whole.len().max(at + offset + 1), None);
            whole[at + offset] = Some(byte);
        }
    }
    whole.into_iter().map(Option::unwrap).collect()
}

#[test]
fn whatever_the_order_the_stream_is_the_same() {
    let hello = Hello::new("www.office.example").post_quantum().bytes();
    for order in [Order::AsSent, Order::Reversed, Order::Duplicated, Order::Overlapping] {
        let packets = TcpConversation::new(client(), server())
            .client(&hello)
            .server(b"answer")
            .segment(100)
            .order(order)
            .fin()
            .packets();
        assert_eq!(stream(&packets, Speaker::Client), hello, "{order:?}");
        assert_eq!(stream(&packets, Speaker::Server), b"answer", "{order:?}");
    }
}

#[test]
fn a_mid_stream_capture_has_no_syn_and_one_direction_has_one_speaker() {
    let whole = TcpConversation::new(client(), server()).client(b"a").server(b"b");
    let late = whole.clone().mid_stream().packets();
    assert!(late.iter().all(|packet| packet.bytes[20 + 13] & packets::SYN == 0));
    let half = whole.only(Speaker::Server).packets();
    assert!(half.iter().all(|packet| packet.from == Speaker::Server));
    assert_eq!(half.len(), 3, "SYN ACK, acknowledgement, data");
}

/// The sum over pseudo header and segment of an IPv4 packet is 0xffff when its checksum is right.
fn transport_sum(packet: &[u8]) -> u32 {
    let length = (packet.len() - 20) as u16;
    let mut covered = packet[12..20].to_vec();
    covered.extend([0, packet[9]]);
    covered.extend(length.to_be_bytes());
    covered.extend(&packet[20..]);
    covered.resize(covered.len().next_multiple_of(2), 0);
    let mut sum =
        covered.chunks(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]]))).sum::<u32>();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum
}

#[test]
fn checksums_are_right_unless_they_are_meant_to_be_wrong() {
    let right = TcpConversation::new(client(), server()).client(b"odd").packets();
    assert!(right.iter().all(|packet| transport_sum(&packet.bytes) == 0xffff));
    let wrong = TcpConversation::new(client(), server()).client(b"odd").wrong_checksums().packets();
    assert!(wrong.iter().all(|packet| transport_sum(&packet.bytes) != 0xffff));
    let mut datagram = packets::udp(client(), server(), b"hello");
    assert_eq!(transport_sum(&datagram), 0xffff);
    packets::spoil_checksum(&mut datagram);
    assert_ne!(transport_sum(&datagram), 0xffff);
}

#[test]
fn a_post_quantum_hello_does_not_fit_one_segment_and_its_name_is_in_the_second() {
    let hello = Hello::new("mail.office.example").post_quantum().bytes();
    let at = hello.windows(11).position(|bytes| bytes == b"mail.office").unwrap();
    assert!(at > 1448, "{} bytes, name at {at}", hello.len());
    let split = Hello::new("mail.office.example").record_size(50).bytes();
    assert!(split.len() > conversations::client_hello("mail.office.example").len());
}

#[test]
fn capture_files_say_their_byte_order_and_unit() {
    let packet = wire::from_client(packets::udp(client(), server(), b"x"));
    let frames = wire::plain_frames(&[packet]);
    let file = |endian, precision| capture_file::pcap_as(&frames, 1, endian, precision);
    assert_eq!(file(Endian::Little, Precision::Micros)[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
    assert_eq!(file(Endian::Big, Precision::Nanos)[..4], [0xa1, 0xb2, 0x3c, 0x4d]);
    let ng = capture_file::pcapng(&frames);
    assert_eq!(ng[..12], *b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a");
    assert_eq!(ng.len() % 4, 0);
    assert_eq!(capture_file::gzip(&ng)[..2], [0x1f, 0x8b]);
    assert_eq!(capture_file::cut_in_last_record(&ng).len(), ng.len() - 20);
}

#[test]
fn a_run_ends_even_when_its_standard_input_is_not_read() {
    let outcome = support::run::Run::new(["--version"]).stdin(&vec![0; 1_000_000]).go();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
}
