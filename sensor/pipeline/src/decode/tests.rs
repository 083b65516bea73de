//! Behaviour of the decoder as a whole, layer by layer.

use super::packet::{Decoded, Fragment, Skip, TcpFlags, Transport, TunnelKind};
use super::test_bytes::*;
use super::{IpHead, Place, decode, decode_ip, link_type_name};
use crate::frame::LinkType;
use crate::net::{Address, Mac};

mod hostile;
mod links;
mod tunnels;

#[test]
fn a_tcp_segment_in_ethernet_is_read_to_its_payload() {
    let bytes = ether(0x0800, &inner());
    let packet = packet(1, &bytes);
    assert_inner(&packet);
    assert_eq!(packet.macs, Some((Mac(FROM), Mac(TO))));
    let Transport::Tcp(segment) = packet.transport else { panic!() };
    assert_eq!((segment.sequence, segment.acknowledgement), (1000, 2000));
    assert_eq!((segment.flags, segment.missing), (TcpFlags(0x18), 0));
}

#[test]
fn a_place_that_is_used_again_remembers_nothing() {
    let tagged = ether(0x8100, &join(&[&hex("0005 0800"), &inner()]));
    let gre = ether(0x0800, &outer(47, &join(&[&hex("0000 0800"), &inner()])));
    let arp =
        ether(0x0806, &hex("0001 0800 06 04 0001 020000000001 c0000201 000000000000 c0000202"));
    let plain = ether(0x0800, &inner());
    let six = ether(0x86dd, &ipv6(17, &udp((50_000, 443), b"x")));
    let frames = [&tagged[..], &gre, &arp, &plain, &six, &tagged[..15], &gre[..40], &[]];
    for before in frames {
        for bytes in frames {
            let mut cut = frame(1, before);
            (cut.wire_length, cut.stripped_vlan) = (9000, Some(7));
            let mut place = Place::default();
            place.decode(&cut);
            place.decode(&frame(1, bytes));
            let again = place.seen().map(super::Seen::to_decoded);
            assert_eq!(format!("{again:?}"), format!("{:?}", decode(&frame(1, bytes))));
        }
    }
}

#[test]
fn padding_behind_the_ip_length_is_not_payload() {
    let bytes = join(&[&ether(0x0800, &inner()), &[0xee; 12]]);
    assert_inner(&packet(1, &bytes));
}

#[test]
fn tags_are_followed_however_many_and_the_kernels_comes_first() {
    let tags = hex("0000 88a8 0064 9100 0065 8100 0fff 0800");
    let bytes = ether(0x8100, &join(&[&tags, &inner()]));
    let mut frame = frame(1, &bytes);
    let Ok(Decoded::Ip(packet)) = decode(&frame) else { panic!() };
    assert_inner(&packet);
    assert_eq!(packet.vlans.as_slice(), [0, 100, 101, 4095]);
    frame.stripped_vlan = Some(0x2007);
    let Ok(Decoded::Ip(packet)) = decode(&frame) else { panic!() };
    assert_eq!(packet.vlans.as_slice(), [7, 0, 100, 101]);
    for more in [1, 4, 28] {
        let all = join(&[&hex(&"0001 8100".repeat(more)), &tags, &inner()]);
        assert_inner(&self::packet(1, &ether(0x8100, &all)));
    }
    let trick = ether(0x8100, &join(&[&hex(&"0001 8100".repeat(29)), &tags, &inner()]));
    assert_eq!(skip(1, &trick), Skip::TooDeep);
}

#[test]
fn a_total_length_of_zero_means_all_there_is() {
    let mut bytes = ether(0x0800, &inner());
    (bytes[16], bytes[17]) = (0, 0);
    assert_inner(&packet(1, &bytes));
}

#[test]
fn what_the_capture_cut_is_counted_as_missing_and_what_never_was_is_not() {
    let whole = ether(0x0800, &ipv4(6, &tcp(&[b'x'; 1000])));
    let cut = &whole[..100];
    let mut snapped = frame(1, cut);
    snapped.wire_length = u32::try_from(whole.len()).unwrap();
    let segment = |decoded| match decoded {
        Ok(Decoded::Ip(packet)) => match packet.transport {
            Transport::Tcp(segment) => segment,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let found = segment(decode(&snapped));
    assert_eq!((found.payload.len(), found.missing), (46, 954));
    assert_eq!(segment(decode(&frame(1, cut))).missing, 0);
}

#[test]
fn options_of_ip_and_tcp_are_stepped_over() {
    let mut segment = tcp(b"");
    segment[12] = 0x70;
    let segment = join(&[&segment, &hex("0204 05b4 0101 0402"), b"hello"]);
    let mut bytes = ipv4(6, &segment);
    bytes[0] = 0x46;
    let length = u16::try_from(bytes.len() + 4).unwrap().to_be_bytes();
    (bytes[2], bytes[3]) = (length[0], length[1]);
    let bytes = join(&[&bytes[..20], &[1, 1, 1, 0], &bytes[20..]]);
    assert_inner(&packet(101, &bytes));
}

#[test]
fn a_header_that_contradicts_itself_is_malformed_and_one_cut_in_its_options_is_not() {
    let mut bytes = inner();
    bytes[0] = 0x44;
    assert_eq!(skip(101, &bytes), Skip::Malformed);
    bytes[0] = 0x35;
    assert_eq!(skip(101, &bytes), Skip::Malformed);
    assert_eq!(skip(101, &[]), Skip::Short);
    bytes[0] = 0x4f;
    let packet = packet(101, &bytes[..30]);
    assert_eq!(packet.source.address, Address::v4(CLIENT));
    assert_eq!(packet.transport, Transport::Other(&[]));
}

#[test]
fn ports_count_even_if_the_tcp_header_runs_out_of_the_packet() {
    let mut segment = tcp(b"abc");
    segment[12] = 0xf0;
    let bytes = ipv4(6, &segment);
    let found = packet(101, &bytes);
    assert_eq!((found.source.port, found.destination.port), (50000, 443));
    let Transport::Tcp(segment) = found.transport else { panic!() };
    assert_eq!((segment.payload, segment.sequence), (&b""[..], 1000));
    let short = ipv4(6, &tcp(b"")[..8]);
    let found = packet(101, &short);
    assert_eq!((found.source.port, found.destination.port), (50000, 443));
    assert!(matches!(found.transport, Transport::Other(_)));
}

#[test]
fn an_acknowledgement_without_ack_is_zero() {
    let mut segment = tcp(b"");
    segment[13] = 0x02;
    let bytes = ipv4(6, &segment);
    let Transport::Tcp(segment) = packet(101, &bytes).transport else { panic!() };
    assert!(segment.flags.syn());
    assert_eq!(segment.acknowledgement, 0);
}

#[test]
fn an_insane_udp_length_is_ignored_and_a_sane_one_binds() {
    for (length, expected) in [(0_u16, 6), (3, 6), (900, 6), (12, 4)] {
        let mut datagram = udp((5353, 53), b"abcdef");
        (datagram[4], datagram[5]) = (length.to_be_bytes()[0], length.to_be_bytes()[1]);
        let bytes = ipv4(17, &datagram);
        let Transport::Udp(payload) = packet(101, &bytes).transport else { panic!() };
        assert_eq!(payload.len(), expected, "length {length}");
    }
}

#[test]
fn icmp_shows_type_code_and_what_follows() {
    let bytes = ipv6(58, &hex("8000 0000 0001 0001 61 62"));
    let found = packet(229, &bytes);
    assert_eq!(found.transport, Transport::Icmp { kind: 128, code: 0, payload: b"ab" });
    assert_eq!(found.source.port, 0);
}

#[test]
fn sctp_shows_its_ports() {
    let bytes = ipv4(132, &hex("0b59 0b5a 00000000 00000000"));
    let found = packet(101, &bytes);
    assert_eq!((found.source.port, found.destination.port), (2905, 2906));
    assert!(matches!(found.transport, Transport::Other(_)));
}

#[test]
fn extension_headers_are_walked_however_many_there_are() {
    let option = |next: u8| join(&[&[next, 0, 1, 4], &[0; 4]]);
    let mut chain = option(60);
    for _ in 0..60 {
        chain.extend(option(60));
    }
    chain.extend(option(43));
    chain.extend(join(&[&[51, 0], &[0; 6]]));
    chain.extend(join(&[&[44, 4], &[0; 22]]));
    // An atomic fragment is a whole packet.
    chain.extend(hex("87 00 0000 00000001"));
    chain.extend(join(&[&[6, 1], &[0; 14]]));
    chain.extend(tcp(b"hello"));
    let bytes = ipv6(0, &chain);
    let found = packet(229, &bytes);
    assert_eq!(found.source.to_string(), "[2001:db8::1]:50000");
    let Transport::Tcp(segment) = found.transport else { panic!("{found:?}") };
    assert_eq!(segment.payload, b"hello");
}

#[test]
fn a_jumbogram_is_read_to_its_end() {
    let mut bytes = ipv6(0, &join(&[&hex("06 00 c2 04 00011000"), &tcp(b"hello")]));
    (bytes[4], bytes[5]) = (0, 0);
    let Transport::Tcp(segment) = packet(229, &bytes).transport else { panic!() };
    assert_eq!(segment.payload, b"hello");
}

#[test]
fn fragments_say_where_they_belong_and_the_first_shows_ports() {
    let mut bytes = ipv4(17, &udp((50000, 53), b"12345678"));
    bytes[6] = 0x20;
    let found = packet(101, &bytes);
    let place = Fragment { id: 7, offset: 0, more: true };
    assert!(
        matches!(found.transport, Transport::Fragment { place: p, payload } if p == place && payload.len() == 16)
    );
    assert_eq!(found.destination.port, 53);
    (bytes[6], bytes[7]) = (0, 2);
    let found = packet(101, &bytes);
    let place = Fragment { id: 7, offset: 16, more: false };
    assert!(matches!(found.transport, Transport::Fragment { place: p, .. } if p == place));
    assert_eq!(found.destination.port, 0);

    let bytes = ipv6(44, &join(&[&hex("11 00 0589 deadbeef"), b"12345678"]));
    let found = packet(229, &bytes);
    let place = Fragment { id: 0xdead_beef, offset: 0x588, more: true };
    let payload = &b"12345678"[..];
    assert_eq!(found.transport, Transport::Fragment { place, payload });
    assert_eq!(found.protocol.0, 17);
}

#[test]
fn the_payload_of_a_reassembled_packet_is_decoded_like_any_other() {
    let head = IpHead { protocol: crate::net::IpProtocol(4), ..IpHead::default() };
    let payload = inner();
    let head = IpHead {
        source: Address::v4([203, 0, 113, 1]),
        destination: Address::v4([203, 0, 113, 2]),
        macs: Some((Mac(FROM), Mac(TO))),
        ..head
    };
    let found = decode_ip(&head, &payload).unwrap();
    assert_inner(&found);
    assert_eq!(found.tunnels.as_slice().len(), 1);
    assert_eq!(found.macs, head.macs);

    let six = packet_head_of_six();
    let payload = join(&[&[6, 0, 1, 4, 0, 0, 0, 0], &tcp(b"hello")]);
    let found = decode_ip(&six, &payload).unwrap();
    assert_eq!(found.source.to_string(), "[2001:db8::1]:50000");
}

fn packet_head_of_six() -> IpHead {
    let bytes = ipv6(44, &join(&[&hex("3c 00 0001 00000001"), b"12345678"]));
    IpHead::from(&packet(229, &bytes))
}

#[test]
fn arp_tells_the_senders_addresses() {
    let body = hex("0001 0800 06 04 0001 020000000002 c0000201 000000000000 c6336402");
    let bytes = ether(0x0806, &body);
    let Ok(Decoded::Arp { mac, address }) = decode(&frame(1, &bytes)) else { panic!() };
    assert_eq!((mac, address), (Mac(FROM), Address::v4(CLIENT)));
    assert_eq!(skip(1, &bytes[..30]), Skip::Short);
}

#[test]
fn link_types_have_the_names_people_know() {
    assert_eq!(link_type_name(LinkType(1)), Some("EN10MB"));
    assert_eq!(link_type_name(LinkType(276)), Some("LINUX_SLL2"));
    assert_eq!(link_type_name(LinkType(147)), None);
    assert_eq!(skip(147, &inner()), Skip::LinkType);
    for number in 0..=300 {
        let known = link_type_name(LinkType(number)).is_some();
        let decoded = skip_of_nothing(number) != Some(Skip::LinkType);
        assert!(known || !decoded, "link type {number} is decoded and has no name");
    }
}

fn skip_of_nothing(link: u16) -> Option<Skip> {
    decode(&frame(link, &[])).err()
}

#[test]
fn a_tunnel_kind_is_told() {
    let bytes = outer(4, &inner());
    let found = packet(101, &bytes);
    assert_inner(&found);
    let [tunnel] = found.tunnels.as_slice() else { panic!() };
    assert_eq!(tunnel.kind, TunnelKind::Ip);
    assert_eq!(tunnel.source.to_string(), "203.0.113.1:0");
}
