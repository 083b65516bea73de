//! Every tunnel around the same packet.

use proptest::prelude::*;

use crate::decode::packet::{Decoded, Packet, Transport, TunnelKind};
use crate::decode::test_bytes::*;
use crate::decode::{Checksum, decode};

const ETHER: &str = "020000000001 020000000002 0800";

/// The packet behind `header` in an outer IP packet must be found, in a tunnel of this kind.
#[track_caller]
fn over_ip(protocol: u8, header: &str, kind: TunnelKind) {
    let bytes = outer(protocol, &join(&[&hex(header), &inner()]));
    check(&packet(101, &bytes), kind);
}

/// As [`over_ip`], over UDP.
#[track_caller]
fn over_udp(ports: (u16, u16), header: &str, kind: TunnelKind) {
    let bytes = outer(17, &udp(ports, &join(&[&hex(header), &inner()])));
    let found = packet(101, &bytes);
    check(&found, kind);
    assert_eq!(found.tunnels.as_slice()[0].destination.port, ports.1);
}

#[track_caller]
fn check(found: &Packet<'_>, kind: TunnelKind) {
    assert_inner(found);
    let [tunnel] = found.tunnels.as_slice() else { panic!("{:?}", found.tunnels) };
    assert_eq!(tunnel.kind, kind);
    assert_eq!(tunnel.source.address.to_string(), "203.0.113.1");
}

#[test]
fn ip_in_ip_of_all_four_combinations_is_followed() {
    over_ip(4, "", TunnelKind::Ip);
    for (bytes, expected) in [
        (outer(41, &ipv6(6, &tcp(b"hello"))), "[2001:db8::1]:50000"),
        (ipv6(4, &inner()), "192.0.2.1:50000"),
        (ipv6(41, &ipv6(6, &tcp(b"hello"))), "[2001:db8::1]:50000"),
    ] {
        let found = packet(101, &bytes);
        assert_eq!(found.source.to_string(), expected);
        assert_eq!(found.tunnels.as_slice()[0].kind, TunnelKind::Ip);
    }
}

#[test]
fn gre_is_followed_with_every_optional_field() {
    over_ip(47, "0000 0800", TunnelKind::Gre);
    over_ip(47, "b000 0800 00000000 00000001 00000002", TunnelKind::Gre);
    over_ip(47, "4000 0800 00000000 0800 00 04 c0000201 0000 00 00", TunnelKind::Gre);
    over_ip(47, &format!("0000 6558 {ETHER}"), TunnelKind::Gre);
    over_ip(47, "0000 8847 00011140", TunnelKind::Gre);
    over_ip(47, "0000 883e 00000000", TunnelKind::Gre);
    over_ip(47, "2000 8909 00000028 0800 01 01 0001 0000", TunnelKind::Gre);
    over_udp((50000, 4754), "0000 0800", TunnelKind::Gre);
}

#[test]
fn pptp_carries_ppp_bounded_by_its_length() {
    over_ip(47, "3081 880b 0031 0001 00000001 00000002 ff03 0021", TunnelKind::Gre);
    over_ip(47, "3001 880b 002e 0001 00000001 21", TunnelKind::Gre);
}

#[test]
fn all_three_erspan_types_are_followed() {
    over_ip(47, &format!("0000 88be {ETHER}"), TunnelKind::Erspan);
    over_ip(47, &format!("1000 88be 00000001 1001 0001 00000000 {ETHER}"), TunnelKind::Erspan);
    let three = "1000 22eb 00000001 2001 0001 00000000 0000 00";
    over_ip(47, &format!("{three} 00 {ETHER}"), TunnelKind::Erspan);
    over_ip(47, &format!("{three} 01 0000000000000000 {ETHER}"), TunnelKind::Erspan);
}

#[test]
fn overlays_are_followed_whatever_they_carry() {
    over_udp((50000, 4789), &format!("08000000 00000100 {ETHER}"), TunnelKind::Vxlan);
    over_udp((50000, 8472), &format!("08000000 00000100 {ETHER}"), TunnelKind::Vxlan);
    over_udp((50000, 4790), "0c000001 00000100", TunnelKind::Vxlan);
    over_udp((50000, 4790), &format!("0c000003 00000100 {ETHER}"), TunnelKind::Vxlan);
    let service = "0002 01 01 00000001";
    over_udp((50000, 4790), &format!("0c000004 00000100 {service}"), TunnelKind::Vxlan);
    over_udp((50000, 6081), &format!("0000 6558 00000100 {ETHER}"), TunnelKind::Geneve);
    over_udp((50000, 6081), "0100 0800 00000100 00000000", TunnelKind::Geneve);
}

#[test]
fn gtp_is_followed_with_optional_fields_and_extension_headers() {
    over_udp((2152, 2152), "30ff 002d 00000001", TunnelKind::Gtp);
    over_udp((2152, 2152), "32ff 0031 00000001 0001 00 00", TunnelKind::Gtp);
    over_udp((2152, 2152), "34ff 0039 00000001 0000 00 85 01 1000 c0 01 0000 00", TunnelKind::Gtp);
    let bytes = outer(17, &udp((2152, 2152), &hex("3001 0004 00000000 00000000")));
    let found = packet(101, &bytes);
    assert!(matches!(found.transport, Transport::Udp(_)), "an echo request is plain UDP");
}

#[test]
fn the_mirror_of_mikrotik_is_followed_and_its_arp_counts() {
    over_udp((50000, 37008), &format!("0100 0001 01 {ETHER}"), TunnelKind::Tzsp);
    over_udp((50000, 37008), &format!("0101 0001 00 0a 01 cc 01 {ETHER}"), TunnelKind::Tzsp);
    let wireless = "0801 0000 0200000000aa 020000000002 020000000001 0000 aaaa03 000000 0800";
    over_udp((50000, 37008), &format!("0100 0012 01 {wireless}"), TunnelKind::Tzsp);
    let arp = hex("0100 0001 01 020000000001 020000000002 0806 0001 0800 06 04 0001
        020000000002 c0000201 000000000000 c6336402");
    let mirrored = outer(17, &udp((50000, 37008), &arp));
    assert!(matches!(decode(&frame(101, &mirrored)), Ok(Decoded::Arp { .. })));
    let overlay = join(&[&hex("08000000 00000100"), &arp[5..]]);
    let bytes = outer(17, &udp((50000, 4789), &overlay));
    assert_eq!(packet(101, &bytes).destination.to_string(), "203.0.113.2:4789");
}

#[test]
fn teredo_needs_an_ipv6_header_of_sane_length() {
    let six = ipv6(6, &tcp(b"hello"));
    let auth = hex("0001 02 01 aabb cc 0102030405060708 00");
    let origin = hex("0000 1234 deadbeef");
    for header in [vec![], auth.clone(), origin.clone(), join(&[&auth, &origin])] {
        for ports in [(50000, 3544), (3544, 50000)] {
            let bytes = outer(17, &udp(ports, &join(&[&header, &six])));
            let found = packet(101, &bytes);
            assert_eq!(found.source.to_string(), "[2001:db8::1]:50000");
            assert_eq!(found.tunnels.as_slice()[0].kind, TunnelKind::Teredo);
        }
    }
    let mut longer = six;
    longer[4] = 1;
    let bytes = outer(17, &udp((50000, 3544), &longer));
    assert_eq!(packet(101, &bytes).destination.to_string(), "203.0.113.2:3544");
}

#[test]
fn teredo_past_a_relay_is_known_by_its_prefix_on_any_port() {
    let mut six = ipv6(6, &tcp(b"hello"));
    let plain = outer(17, &udp((3797, 32900), &six));
    assert!(packet(101, &plain).tunnels.as_slice().is_empty(), "no Teredo address in it");
    six[8..12].copy_from_slice(&[0x20, 0x01, 0, 0]);
    let bytes = outer(17, &udp((3797, 32900), &six));
    let found = packet(101, &bytes);
    assert_eq!(found.source.to_string(), "[2001::1]:50000");
    assert_eq!(found.tunnels.as_slice()[0].kind, TunnelKind::Teredo);
}

#[test]
fn rarer_tunnels_are_followed() {
    over_udp((50000, 4341), "0000000000000000", TunnelKind::Other);
    over_udp((50000, 6635), "00011140", TunnelKind::Other);
    over_udp((1701, 1701), "0002 0001 0002 ff03 0021", TunnelKind::Other);
    over_udp((1701, 1701), "4a02 0040 0001 0002 0000 0000 0002 0000 0021", TunnelKind::Other);
    let identity = "00".repeat(16 + 20);
    over_udp((50000, 5072), &format!("41 52 11 04 00000000 {identity}"), TunnelKind::Other);
    over_ip(97, &format!("3000 {ETHER}"), TunnelKind::Other);
    over_ip(103, "2100 0000 00000000", TunnelKind::Other);
    over_ip(115, &format!("00000001 aabbccdd {ETHER}"), TunnelKind::Other);
    over_ip(137, "00011140", TunnelKind::Other);
    over_ip(143, ETHER, TunnelKind::Other);
    // An authentication header is no tunnel, only in the way.
    let bytes = ipv4(
        51,
        &join(&[&hex("06 04 0000 00000001 00000001 000000000000000000000000"), &tcp(b"hello")]),
    );
    assert_inner(&packet(101, &bytes));
}

#[test]
fn a_port_that_only_looks_like_a_tunnel_hides_nothing() {
    for port in [1701, 2152, 3386, 3544, 4341, 4754, 4789, 4790, 5072, 6081, 6635, 8472, 37008] {
        for filler in [0x00, 0x08, 0x30, 0x45, 0x60, 0xff] {
            let payload = [filler; 24];
            let bytes = ipv4(17, &udp((50000, port), &payload));
            let found = packet(101, &bytes);
            if found.tunnels.as_slice().is_empty() {
                assert_eq!(found.transport, Transport::Udp(&payload), "port {port}");
                assert_eq!(found.destination.port, port);
            } else {
                assert_eq!(found.tunnels.as_slice()[0].destination.port, port);
            }
        }
        let bytes = ipv4(
            17,
            &udp((50000, port), b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04test\x00"),
        );
        assert!(packet(101, &bytes).tunnels.as_slice().is_empty(), "port {port}");
    }
}

#[test]
fn four_tunnels_are_followed_and_the_fifth_stays_shut() {
    let mut bytes = inner();
    for _ in 0..4 {
        bytes = outer(4, &bytes);
    }
    assert_inner(&packet(101, &bytes));
    assert!(!packet(101, &bytes).tunnels.has_more());
    bytes = outer(4, &bytes);
    let found = packet(101, &bytes);
    assert_eq!(found.tunnels.as_slice().len(), 4);
    assert!(found.tunnels.has_more());
    assert_eq!(found.protocol.0, 4);
    assert_eq!(found.source.to_string(), "203.0.113.1:0");
}

#[test]
fn encrypted_payload_still_shows_the_outer_addresses() {
    let bytes = ipv4(50, &[0x5a; 40]);
    let found = packet(101, &bytes);
    assert_eq!(found.protocol.0, 50);
    assert!(matches!(found.transport, Transport::Other(_)));
    assert_eq!(found.destination.to_string(), "198.51.100.2:0");
}

#[test]
fn what_a_mirror_cut_off_is_missing() {
    let whole = join(&[&hex(&format!("0000 88be {ETHER}")), &ipv4(6, &tcp(&[b'x'; 200]))]);
    let bytes = outer(47, &whole[..whole.len() - 150]);
    let Transport::Tcp(segment) = packet(101, &bytes).transport else { panic!() };
    assert_eq!((segment.payload.len(), segment.missing), (50, 150));
}

/// A payload that says, as IPv4 or IPv6 does, that it is just as long as it is.
fn of_its_own_length(first: u8, mut payload: Vec<u8>) -> Vec<u8> {
    let length = payload.len() as u16;
    let (at, said) = if first >> 4 == 4 { (2, length) } else { (4, length - 40) };
    payload[0] = first;
    payload[at..at + 2].copy_from_slice(&said.to_be_bytes());
    payload
}

proptest! {
    /// Calls, games, QUIC: a stream of datagrams on any port may begin like IP and even agree on
    /// its length. Without a checksum that agrees too it stays what it is.
    #[test]
    fn datagrams_of_other_protocols_stay_plain(
        first in prop_oneof![0x40..=0x4f_u8, 0x60..=0x6f_u8, any::<u8>()],
        payload in prop::collection::vec(any::<u8>(), 41..120),
        ports in prop_oneof![Just((50_000, 443)), Just((16_384, 16_386)), Just((50_000, 5555))],
    ) {
        let shaped = of_its_own_length(first, payload.clone());
        prop_assume!(shaped[8..12] != [0x20, 1, 0, 0] && shaped[24..28] != [0x20, 1, 0, 0]);
        for payload in [payload, shaped] {
            let bytes = ipv4(17, &udp(ports, &payload));
            let found = packet(101, &bytes);
            if found.tunnels.as_slice().is_empty() {
                prop_assert_eq!(found.transport, Transport::Udp(&payload));
                prop_assert_eq!(found.unread, None);
            } else if payload[0] >> 4 == 4 {
                let inner = packet(101, &payload);
                prop_assert_eq!(inner.header_checksum(), Checksum::Good);
            } else {
                prop_assert_eq!(found.checksum(), Checksum::Good);
            }
        }
    }

    /// ESP is taken for clear only where everything agrees, which ciphertext does not.
    #[test]
    fn encrypted_packets_stay_shut_and_are_noted(
        payload in prop::collection::vec(any::<u8>(), 9..200),
        over_udp in any::<bool>(),
    ) {
        prop_assume!(payload[..4] != [0; 4]);
        let bytes = match over_udp {
            true => ipv4(17, &udp((4500, 4500), &payload)),
            false => ipv4(50, &payload),
        };
        let found = packet(101, &bytes);
        if found.tunnels.as_slice().is_empty() && !matches!(found.transport, Transport::Tcp(_)) {
            prop_assert_eq!(found.unread, Some(TunnelKind::Esp));
        } else {
            prop_assert_eq!(found.checksum(), Checksum::Good);
        }
    }

    /// Whatever follows the header of any carrier: no panic, and the addresses stay.
    #[test]
    fn any_content_of_any_carrier_is_survived(
        port in prop_oneof![
            Just(4789), Just(4790), Just(5247), Just(6080), Just(7932), Just(30_030), Just(4500),
            Just(4754), Just(6635), Just(37_008), Just(1701), Just(2152), Just(3544), Just(5072)
        ],
        protocol in prop_oneof![Just(17_u8), Just(136), Just(47), Just(50), Just(97), any::<u8>()],
        payload in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let inside = match protocol {
            17 | 136 => udp((50_000, port), &payload),
            _ => payload,
        };
        let bytes = ipv4(protocol, &inside);
        let found = packet(101, &bytes);
        let outermost = found.tunnels.as_slice().first().map(|tunnel| tunnel.source.address);
        prop_assert_eq!(outermost.unwrap_or(found.source.address).to_string(), "192.0.2.1");
    }
}

#[test]
fn teredo_between_clients_is_known_by_addresses_that_agree_even_where_the_inside_is_wrong() {
    // 203.0.113.1:3797, turned over, is the sender's own Teredo address.
    let mut six = ipv6(6, &tcp(b"hello"));
    six[8..24].copy_from_slice(&hex("20010000 cb007177 8000 f12a 34ff8efe"));
    // A checksum that is wrong for certain.
    six[56..58].copy_from_slice(&[0x12, 0x34]);
    let agreeing = outer(17, &udp((3797, 32_900), &six));
    assert_eq!(packet(101, &agreeing).tunnels.as_slice()[0].kind, TunnelKind::Teredo);
    let other = outer(17, &udp((3798, 32_900), &six));
    assert_eq!(packet(101, &other).transport, Transport::Udp(&six));
    // Longer than it says: some other protocol's bytes follow.
    let longer = join(&[&six, &[0]]);
    let longer = outer(17, &udp((3797, 32_900), &longer));
    assert!(packet(101, &longer).tunnels.as_slice().is_empty());
}

#[test]
fn every_layer_that_is_a_datagram_is_handed_on_beside_its_tunnel() {
    let overlay = join(&[&hex("08000000 00000100"), &ether(0x0800, &inner())]);
    let gre = join(&[&hex("0000 0800"), &outer(17, &udp((50_000, 4789), &overlay))]);
    let bytes = outer(47, &gre);
    let found = packet(101, &bytes);
    assert_inner(&found);
    assert_eq!(found.carriers.as_slice(), [&[][..], &overlay]);
    let protocols: Vec<u8> = found.tunnels.as_slice().iter().map(|t| t.protocol.0).collect();
    assert_eq!(protocols, [47, 17]);
}
