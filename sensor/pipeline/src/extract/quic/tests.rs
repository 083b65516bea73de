use proptest::prelude::*;

use super::keys::VERSION_2;
use super::*;
use crate::extract::handshakes::testing::*;
use crate::extract::tls::testing::*;

/// The whole hello in one padded Initial.
fn datagram(make: &Make<'_>, hello: &[u8]) -> Vec<u8> {
    make.piece(0, hello)
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

/// The CRYPTO frame of RFC 9001 A.2.
fn standard_frame() -> Vec<u8> {
    hex(concat!(
        "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868",
        "04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578",
        "616d706c652e636f6dff01000100000a00080006001d00170018001000070005",
        "04616c706e000500050100000000003300260024001d00209370b2c9caa47fba",
        "baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400",
        "0d0010000e0403050306030203080408050806002d00020101001c0002400100",
        "3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000",
        "75300901100f088394c8f03e51570806048000ffff",
    ))
}

#[test]
fn a_name_behind_an_encrypted_hello_is_hidden_in_quic_by_the_same_rule_as_in_tls() {
    for (name, hidden) in [(&b"www.office.example"[..], 0), (b"cloudflare-ech.com", 1)] {
        let block = [extension(0xfe0d, &[0; 40]), server_name(&[name])].concat();
        let mut wire = Wire::default();
        wire.send(CLIENT, &datagram(&FIRST, &handshake(1, &body(&block, None))));
        let counters = &wire.recorder.counters;
        let counted = [Counter::Quic, Counter::TlsEch, Counter::TlsEchHidden];
        assert_eq!(counted.map(|one| counters.get(one)), [1, 1, hidden]);
    }
}

#[test]
fn the_client_initials_of_the_standards_are_read() {
    // RFC 9001 A.2 and RFC 9369 A.2: header, packet number and sample as published.
    let cases = [
        (1, "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11"),
        (VERSION_2, "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485"),
    ];
    for (version, start) in cases {
        let packet = Make { version, ..FIRST }.seal(&padded(&standard_frame(), 1162));
        assert_eq!(packet.len(), 1200);
        assert_eq!(packet[..32], hex(start));
        assert!(probe(&packet));
        let mut wire = Wire::default();
        wire.send(CLIENT, &packet);
        assert_eq!(wire.recorder.seen, ["quic.sni example.com"]);
        assert_eq!(wire.recorder.hellos, [(Some("example.com".into()), version)]);
        assert_eq!(wire.recorder.counters.get(Counter::Quic), 1);
    }
}

#[test]
fn every_known_draft_is_read() {
    for version in (0xff00_0017..=0xff00_0022).chain([0xface_b002]) {
        let mut wire = Wire::default();
        let make = Make { version, ..FIRST };
        wire.send(CLIENT, &datagram(&make, &client_hello(b"draft.example", 0)));
        assert_eq!(wire.recorder.seen, ["quic.sni draft.example"]);
    }
}

#[test]
fn an_initial_to_the_servers_own_id_keeps_the_first_keys() {
    let hello = client_hello(b"large.example", 1500);
    let mut wire = Wire::default();
    wire.send(CLIENT, &FIRST.seal(&crypto(0, &hello[..900])));
    let server = Make { original: b"other", destination: b"", ..FIRST };
    wire.send(SERVER, &server.seal(&padded(&[1], 1162)));
    let next = Make { destination: b"servers", number: 3, ..FIRST };
    wire.send(CLIENT, &next.seal(&crypto(900, &hello[900..])));
    assert_eq!(wire.recorder.seen, ["quic.sni large.example"]);
}

#[test]
fn after_a_retry_the_keys_are_made_of_the_new_id() {
    let hello = client_hello(b"retry.example", 1500);
    let mut wire = Wire::default();
    wire.send(CLIENT, &FIRST.seal(&crypto(0, &hello[..900])));
    let mut retry = vec![0xf0, 0, 0, 0, 1, 0, 5];
    retry.extend(b"newid-and-a-token-and-a-tag-of-sixteen");
    assert!(probe(&retry));
    wire.send(SERVER, &retry);
    let again = Make { original: b"newid", destination: b"newid", token: b"and-a-token", ..FIRST };
    wire.send(CLIENT, &again.seal(&crypto(900, &hello[900..])));
    wire.send(CLIENT, &again.seal(&crypto(0, &hello[..900])));
    assert_eq!(wire.recorder.seen, ["quic.sni retry.example"]);
}

#[test]
fn a_second_connection_on_the_same_ports_is_read_too() {
    let mut wire = Wire::default();
    wire.send(CLIENT, &datagram(&FIRST, &client_hello(b"one.example", 0)));
    let second = Make { original: b"secondid", destination: b"secondid", ..FIRST };
    wire.send(CLIENT, &datagram(&second, &client_hello(b"two.example", 0)));
    wire.send(CLIENT, &datagram(&second, &client_hello(b"two.example", 0)));
    assert_eq!(wire.recorder.seen, ["quic.sni one.example", "quic.sni two.example"]);
}

#[test]
fn a_hello_that_lacks_a_packet_is_read_as_far_as_it_goes() {
    let hello = client_hello(b"early.example", 3000);
    let mut wire = Wire::default();
    wire.send(CLIENT, &FIRST.seal(&crypto(0, &hello[..1000])));
    wire.send(CLIENT, &[0x40; 60]);
    wire.finish();
    assert_eq!(wire.recorder.seen, ["quic.sni early.example"]);
    assert_eq!(wire.recorder.counters.get(Counter::TlsIncomplete), 1);
}

#[test]
fn initials_that_never_open_are_counted_once_a_flow_and_end_nothing() {
    let wrong = Make { original: b"another", ..FIRST };
    let packet = datagram(&wrong, &client_hello(b"hidden.example", 0));
    let mut wire = Wire::default();
    for _ in 0..100 {
        wire.send(CLIENT, &packet);
    }
    assert_eq!(wire.counted(Counter::QuicUndecodable), 1);
    assert!(wire.recorder.hellos.is_empty());
    wire.send(CLIENT, &datagram(&FIRST, &client_hello(b"true.example", 0)));
    assert_eq!(wire.recorder.seen, ["quic.sni true.example"]);
}

#[test]
fn however_much_comes_between_the_halves_of_a_hello_both_are_read() {
    let hello = client_hello(b"halves.example", 1500);
    let mut wire = Wire::default();
    wire.send(CLIENT, &FIRST.piece(0, &hello[..60]));
    for number in 0..500_u32 {
        wire.send(CLIENT, &[[0x40; 56].as_slice(), &number.to_be_bytes()].concat());
        wire.send(SERVER, &[0x55; 40]);
        wire.send(CLIENT, b"");
    }
    wire.wait(61);
    assert!(wire.recorder.seen.is_empty());
    wire.send(CLIENT, &Make { number: 3, ..FIRST }.piece(60, &hello[60..]));
    assert_eq!(wire.recorder.seen, ["quic.sni halves.example"]);
}

#[test]
fn bytes_at_far_offsets_are_counted_and_what_stands_is_read() {
    let hello = client_hello(b"near.example", 3000);
    let mut wire = Wire::default();
    wire.send(CLIENT, &FIRST.seal(&[crypto(0, &hello[..500]), crypto(200_000, &[1; 9])].concat()));
    assert_eq!(wire.counted(Counter::QuicLimit), 1);
    wire.finish();
    assert_eq!(wire.recorder.seen, ["quic.sni near.example"]);
}

#[test]
fn other_datagrams_are_not_quic() {
    let packet = datagram(&FIRST, &client_hello(b"a.example", 0));
    let mut version = packet.clone();
    version[1] = 9;
    let mut id = packet.clone();
    id[5] = 21;
    let mut short = packet.clone();
    short[0] &= 0x7f;
    for other in [&version[..], &id, &short, &packet[..14], b"\x80\x00", b""] {
        assert!(!probe(other));
    }
    let negotiation = [0x80, 0, 0, 0, 0, 1, 7, 1, 9, 0, 0, 0, 1];
    assert!(probe(&negotiation));
}

#[test]
fn what_stands_before_an_initial_in_its_datagram_hides_nothing() {
    let initial = datagram(&FIRST, &client_hello(b"a.example", 0));
    let empty = |kind: u8, length: u8, id: &[u8]| {
        let head = Make { destination: id, ..FIRST }.header(kind, 0);
        let rest = vec![7; usize::from(length)];
        [&head[..head.len() - 2], &[length], &rest[..]].concat()
    };
    for before in [
        vec![empty(0, 0, ID)],
        vec![empty(0, 4, ID), empty(2, 17, ID), empty(1, 0, ID)],
        vec![empty(0, 40, b"another"); 2],
        (0..8).map(|other| empty(0, 40, &[other; 8])).collect(),
    ] {
        let datagram = [before.concat(), initial.clone()].concat();
        let mut wire = Wire::default();
        wire.send(CLIENT, &datagram);
        assert_eq!(wire.recorder.seen, ["quic.sni a.example"], "{before:?}");
    }
}

#[test]
fn padding_of_any_number_of_bytes_is_padding() {
    let hello = client_hello(b"a.example", 0);
    for zero in [&[0x40, 0][..], &[0x80, 0, 0, 0], &[0xc0, 0, 0, 0, 0, 0, 0, 0]] {
        let mut wire = Wire::default();
        wire.send(CLIENT, &FIRST.seal(&[zero, &crypto(0, &hello), zero].concat()));
        assert_eq!(wire.recorder.seen, ["quic.sni a.example"]);
    }
}

proptest! {
    #[test]
    fn decoys_of_any_packet_number_hide_no_shortened_one(
        first in 0_u32..1 << 30,
        decoys in prop::collection::vec(any::<u32>(), 0..3),
    ) {
        let hello = client_hello(b"a.example", 0);
        let (head, tail) = hello.split_at(20);
        let initial = |number: u32, length: usize, frames: &[u8]| {
            Make { number, ..FIRST }.seal_short(length, &padded(frames, 40))
        };
        let mut wire = Wire::default();
        wire.send(CLIENT, &initial(first, 4, &crypto(0, head)));
        for decoy in decoys {
            wire.send(CLIENT, &initial(decoy, 4, &[1]));
        }
        wire.send(CLIENT, &initial(first + 1, 1, &crypto(20, tail)));
        prop_assert_eq!(wire.recorder.seen, ["quic.sni a.example"]);
    }

    #[test]
    fn any_frames_packets_and_datagrams_in_any_order_give_the_same_observations(
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        keys in prop::collection::vec(any::<u32>(), 13),
        per_packet in 1_usize..5,
        per_datagram in 1_usize..4,
        padding in 0_usize..3000,
        version in prop_oneof![Just(1), Just(VERSION_2), Just(0xff00_001d)],
    ) {
        let hello = client_hello(b"spread.example", padding);
        let mut start = 0;
        let mut frames: Vec<Vec<u8>> = split(&hello, &cuts).iter().map(|piece| {
            // Each repeats a few bytes of the one before.
            let from = start - start.min(7);
            start += piece.len();
            [&[1, 0, 0], &crypto(from, &hello[from..start])[..]].concat()
        }).collect();
        let mut order: Vec<_> = frames.drain(..).zip(keys).collect();
        order.sort_by_key(|(_, key)| *key);
        let frames: Vec<Vec<u8>> = order.into_iter().map(|(frame, _)| frame).collect();
        let make = Make { version, ..FIRST };
        let zero_rtt = [make.header(1, 30), vec![5; 50]].concat();
        let packets: Vec<Vec<u8>> = frames.chunks(per_packet).zip(0..).map(|(frames, number)| {
            let packet = Make { number, ..make }.seal(&padded(&frames.concat(), 40));
            [packet, zero_rtt.clone()].concat()
        }).collect();
        let mut wire = Wire::default();
        for datagram in packets.chunks(per_datagram) {
            wire.send(CLIENT, &[datagram.concat(), vec![0x41; 30]].concat());
        }
        prop_assert_eq!(wire.recorder.seen, ["quic.sni spread.example"]);
        prop_assert_eq!(wire.recorder.hellos, [(Some("spread.example".into()), version)]);
        prop_assert_eq!(wire.recorder.counters.get(Counter::TlsIncomplete), 0);
    }

    #[test]
    fn any_frames_are_survived(frames in prop::collection::vec(prop_oneof![Just(6), Just(0), any::<u8>()], 4..300)) {
        let mut wire = Wire::default();
        wire.send(CLIENT, &FIRST.seal(&frames));
        wire.finish();
        prop_assert!(wire.recorder.hellos.len() <= 1 + frames.len() / 8);
    }
}

/// A CHLO with these values, behind the header of Q043 or Q046.
fn legacy_hello(long: bool, values: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut bytes = if long {
        [&[0xc3], &b"Q046"[..], &[0x50], &[7; 8], &[0, 0, 0, 1]].concat()
    } else {
        [&[0x0d][..], &[7; 8], b"Q043", &[1]].concat()
    };
    bytes.extend([0x5a; 12]);
    bytes.extend([0xa0, 1, 0, 4]);
    bytes.extend(b"CHLO");
    bytes.extend(u16::try_from(values.len()).unwrap().to_le_bytes());
    bytes.extend([0, 0]);
    let mut end = 0;
    for (tag, value) in values {
        end += u32::try_from(value.len()).unwrap();
        bytes.extend_from_slice(*tag);
        bytes.extend(end.to_le_bytes());
    }
    bytes.extend(values.iter().flat_map(|(_, value)| *value));
    bytes
}

#[test]
fn the_name_of_a_hello_before_the_standard_is_told_only_whole() {
    for long in [false, true] {
        let bytes = legacy_hello(
            long,
            &[(b"PAD\0", &[b'-'; 40]), (b"SNI\0", b"Old.example"), (b"VER\0", b"Q0")],
        );
        assert!(probe(&bytes));
        let mut wire = Wire::default();
        wire.send(CLIENT, &bytes);
        assert_eq!(wire.recorder.seen, ["quic.sni old.example"]);
        for end in 0..bytes.len() - 2 {
            let mut wire = Wire::default();
            wire.send(CLIENT, &bytes[..end]);
            wire.finish();
            assert!(wire.recorder.seen.is_empty());
        }
    }
}
