//! Headers for tests, one function a layer, each wrapping what is inside.

use super::decode;
use super::packet::{Decoded, Packet, Skip};
use crate::frame::{Frame, LinkType};
use crate::net::Timestamp;

/// Hardware addresses of every frame here.
pub(super) const TO: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// As above, the sender's.
pub(super) const FROM: [u8; 6] = [2, 0, 0, 0, 0, 2];
/// Addresses of the innermost packet.
pub(super) const CLIENT: [u8; 4] = [192, 0, 2, 1];
/// As above, the receiver's.
pub(super) const SERVER: [u8; 4] = [198, 51, 100, 2];

/// One byte string after another.
pub(super) fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// Hexadecimal text, blanks ignored.
pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

/// Ethernet around `payload`.
pub(super) fn ether(kind: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&TO, &FROM, &kind.to_be_bytes(), payload])
}

/// IPv4 around `payload`, from [`CLIENT`] to [`SERVER`].
pub(super) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_between((CLIENT, SERVER), protocol, payload)
}

/// IPv4 around `payload`.
pub(super) fn ipv4_between(ends: ([u8; 4], [u8; 4]), protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(payload.len() + 20).unwrap().to_be_bytes();
    let head = [0x45, 0, total[0], total[1], 0, 7, 0, 0, 64, protocol, 0, 0];
    join(&[&head, &ends.0, &ends.1, payload])
}

/// The outer IPv4 of a tunnel.
pub(super) fn outer(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_between(([203, 0, 113, 1], [203, 0, 113, 2]), protocol, payload)
}

/// IPv6 around `payload`, from 2001:db8::1 to 2001:db8::2.
pub(super) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let address = |last| [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
    join(&[&[0x60, 0, 0, 0, length[0], length[1], next, 64], &address(1), &address(2), payload])
}

/// TCP from port 50000 to 443, sequence 1000, PSH and ACK.
pub(super) fn tcp(payload: &[u8]) -> Vec<u8> {
    join(&[&hex("c350 01bb 000003e8 000007d0 5018 ffff 0000 0000"), payload])
}

/// UDP around `payload`.
pub(super) fn udp(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 8).unwrap();
    let (source, destination) = (ports.0.to_be_bytes(), ports.1.to_be_bytes());
    join(&[&source, &destination, &length.to_be_bytes(), &[0, 0], payload])
}

/// A frame of this link type with nothing cut.
pub(super) fn frame(link: u16, data: &[u8]) -> Frame<'_> {
    let wire_length = u32::try_from(data.len()).unwrap();
    let (time, link) = (Timestamp(0), LinkType(link));
    Frame { time, link, wire_length, data, number: 1, stripped_vlan: None }
}

/// The packet that a frame of this link type holds.
pub(super) fn packet(link: u16, data: &[u8]) -> Packet<'_> {
    match decode(&frame(link, data)).unwrap() {
        Decoded::Ip(packet) => packet,
        Decoded::Arp { .. } => panic!("ARP where a packet was expected"),
    }
}

/// Why a frame of this link type yields nothing.
pub(super) fn skip(link: u16, data: &[u8]) -> Skip {
    decode(&frame(link, data)).unwrap_err()
}

/// The TCP packet from [`CLIENT`] to [`SERVER`] that the others wrap.
pub(super) fn inner() -> Vec<u8> {
    ipv4(6, &tcp(b"hello"))
}

/// Is the packet the one of [`inner`], read to its end?
#[track_caller]
pub(super) fn assert_inner(packet: &Packet<'_>) {
    assert_eq!(packet.source.to_string(), "192.0.2.1:50000");
    assert_eq!(packet.destination.to_string(), "198.51.100.2:443");
    match packet.transport {
        super::packet::Transport::Tcp(segment) => assert_eq!(segment.payload, b"hello"),
        other => panic!("not TCP: {other:?}"),
    }
}
