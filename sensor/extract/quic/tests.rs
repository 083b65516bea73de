use proptest::prelude::*;
use ring::aead::quic::HeaderProtectionKey;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::keys::{Material, VERSION_2};
use super::*;
use crate::extract::tls::testing::*;

const ID: &[u8] = &[0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];

/// An Initial to be made.
#[derive(Clone, Copy)]
struct Make<'a> {
    version: u32,
    /// Connection id the keys are made of.
    original: &'a [u8],
    destination: &'a [u8],
    token: &'a [u8],
    number: u32,
}

const FIRST: Make<'_> = Make { version: 1, original: ID, destination: ID, token: &[], number: 2 };

impl Make<'_> {
    fn header(&self, kind: u8, payload: usize) -> Vec<u8> {
        let kind = if self.version == VERSION_2 { (kind + 1) & 3 } else { kind };
        let mut head = vec![0xc3 | kind << 4];
        head.extend(self.version.to_be_bytes());
        head.extend(counted(1, self.destination));
        head.push(0);
        if kind == u8::from(self.version == VERSION_2) {
            head.extend(counted(1, self.token));
        }
        head.extend((0x4000 | u16::try_from(payload + 20).unwrap()).to_be_bytes());
        head
    }

    /// Protects frames as a client does, with a packet number of four bytes.
    fn seal(&self, frames: &[u8]) -> Vec<u8> {
        let mut head = self.header(0, frames.len());
        let number_at = head.len();
        head.extend(self.number.to_be_bytes());
        let material = Material::client(self.version, self.original).unwrap();
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &material.key).unwrap());
        let mut nonce = material.iv;
        for (byte, digit) in nonce[8..].iter_mut().zip(self.number.to_be_bytes()) {
            *byte ^= digit;
        }
        let nonce = Nonce::assume_unique_for_key(nonce);
        let mut payload = frames.to_vec();
        key.seal_in_place_append_tag(nonce, Aad::from(&head), &mut payload).unwrap();
        let header = HeaderProtectionKey::new(&ring::aead::quic::AES_128, &material.header);
        let mask = header.unwrap().new_mask(&payload[..16]).unwrap();
        head[0] ^= mask[0] & 0x0f;
        for (byte, mask) in head[number_at..].iter_mut().zip(&mask[1..]) {
            *byte ^= mask;
        }
        [head, payload].concat()
    }
}

fn crypto(offset: usize, data: &[u8]) -> Vec<u8> {
    let varint = |value: usize| (0x8000_0000 | u32::try_from(value).unwrap()).to_be_bytes();
    [&[6][..], &varint(offset), &varint(data.len()), data].concat()
}

fn padded(frames: &[u8], length: usize) -> Vec<u8> {
    let mut frames = frames.to_vec();
    frames.resize(length.max(frames.len()), 0);
    frames
}

/// The whole hello in one padded Initial.
fn datagram(make: &Make<'_>, hello: &[u8]) -> Vec<u8> {
    make.seal(&padded(&crypto(0, hello), 1162))
}

#[derive(Default)]
struct Flow {
    recorder: Recorder,
    connection: Connection,
}

impl Flow {
    fn take(&mut self, source: Endpoint, bytes: &[u8]) -> bool {
        with(&mut self.recorder, source, |cx| self.connection.datagram(bytes, cx))
    }

    fn finish(&mut self) {
        with(&mut self.recorder, CLIENT, |cx| self.connection.finish(cx));
    }
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
        let mut flow = Flow::default();
        flow.take(CLIENT, &datagram(&FIRST, &handshake(1, &body(&block, None))));
        let counters = &flow.recorder.counters;
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
        let mut flow = Flow::default();
        assert!(flow.take(CLIENT, &packet));
        assert_eq!(flow.recorder.seen, ["quic.sni example.com"]);
        assert_eq!(flow.recorder.hellos, [(Some("example.com".into()), version)]);
        assert_eq!(flow.recorder.counters.get(Counter::Quic), 1);
    }
}

#[test]
fn every_known_draft_is_read() {
    for version in (0xff00_0017..=0xff00_0022).chain([0xface_b002]) {
        let mut flow = Flow::default();
        let make = Make { version, ..FIRST };
        assert!(flow.take(CLIENT, &datagram(&make, &client_hello(b"draft.example", 0))));
        assert_eq!(flow.recorder.seen, ["quic.sni draft.example"]);
    }
}

#[test]
fn an_initial_to_the_servers_own_id_keeps_the_first_keys() {
    let hello = client_hello(b"large.example", 1500);
    let mut flow = Flow::default();
    assert!(!flow.take(CLIENT, &FIRST.seal(&crypto(0, &hello[..900]))));
    let server = Make { original: b"other", destination: b"", ..FIRST };
    assert!(!flow.take(SERVER, &server.seal(&padded(&[1], 1162))));
    let next = Make { destination: b"servers", number: 3, ..FIRST };
    assert!(flow.take(CLIENT, &next.seal(&crypto(900, &hello[900..]))));
    assert_eq!(flow.recorder.seen, ["quic.sni large.example"]);
}

#[test]
fn after_a_retry_the_keys_are_made_of_the_new_id() {
    let hello = client_hello(b"retry.example", 1500);
    let mut flow = Flow::default();
    assert!(!flow.take(CLIENT, &FIRST.seal(&crypto(0, &hello[..900]))));
    let mut retry = vec![0xf0, 0, 0, 0, 1, 0, 5];
    retry.extend(b"newid-and-a-token-and-a-tag-of-sixteen");
    assert!(probe(&retry));
    assert!(!flow.take(SERVER, &retry));
    let again = Make { original: b"newid", destination: b"newid", token: b"and-a-token", ..FIRST };
    assert!(!flow.take(CLIENT, &again.seal(&crypto(900, &hello[900..]))));
    assert!(flow.take(CLIENT, &again.seal(&crypto(0, &hello[..900]))));
    assert_eq!(flow.recorder.seen, ["quic.sni retry.example"]);
}

#[test]
fn a_second_connection_on_the_same_ports_is_read_too() {
    let mut flow = Flow::default();
    assert!(flow.take(CLIENT, &datagram(&FIRST, &client_hello(b"one.example", 0))));
    let second = Make { original: b"secondid", destination: b"secondid", ..FIRST };
    assert!(flow.take(CLIENT, &datagram(&second, &client_hello(b"two.example", 0))));
    assert!(flow.take(CLIENT, &datagram(&second, &client_hello(b"two.example", 0))));
    assert_eq!(flow.recorder.seen, ["quic.sni one.example", "quic.sni two.example"]);
}

#[test]
fn a_hello_that_lacks_a_packet_is_read_as_far_as_it_goes() {
    let hello = client_hello(b"early.example", 3000);
    let mut flow = Flow::default();
    assert!(!flow.take(CLIENT, &FIRST.seal(&crypto(0, &hello[..1000]))));
    assert!(!flow.take(CLIENT, &[0x40; 60]));
    flow.finish();
    assert_eq!(flow.recorder.seen, ["quic.sni early.example"]);
    assert_eq!(flow.recorder.counters.get(Counter::TlsIncomplete), 1);
}

#[test]
fn initials_that_never_open_are_counted_once_a_flow() {
    let wrong = Make { original: b"another", ..FIRST };
    let packet = datagram(&wrong, &client_hello(b"hidden.example", 0));
    let mut flow = Flow::default();
    let taken = (0..100).take_while(|_| !flow.take(CLIENT, &packet)).count();
    assert_eq!(taken, usize::from(INITIALS) - 1);
    flow.finish();
    assert_eq!(flow.recorder.counters.get(Counter::QuicUndecodable), 1);
    assert!(flow.recorder.hellos.is_empty());
}

#[test]
fn a_flow_that_never_shows_a_hello_is_given_up() {
    let mut flow = Flow::default();
    assert!(!flow.take(CLIENT, &FIRST.seal(&crypto(4, &[0; 100]))));
    let taken = (0..500).take_while(|_| !flow.take(CLIENT, &[0x40; 60])).count();
    assert!(taken < usize::from(DATAGRAMS));
    assert_eq!(flow.recorder.counters.get(Counter::QuicLimit), 1);
}

#[test]
fn frames_to_far_offsets_end_the_connection_with_what_stands() {
    let hello = client_hello(b"near.example", 3000);
    let mut flow = Flow::default();
    let frames = [crypto(0, &hello[..500]), crypto(70_000, &[1; 9])].concat();
    assert!(flow.take(CLIENT, &FIRST.seal(&frames)));
    assert_eq!(flow.recorder.seen, ["quic.sni near.example"]);
    assert_eq!(flow.recorder.counters.get(Counter::QuicLimit), 1);
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

proptest! {
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
        let mut flow = Flow::default();
        let mut done = false;
        for datagram in packets.chunks(per_datagram) {
            // A later frame may repeat all of a short one, so the last may not be needed.
            done = flow.take(CLIENT, &[datagram.concat(), vec![0x41; 30]].concat());
        }
        prop_assert!(done);
        prop_assert_eq!(flow.recorder.seen, ["quic.sni spread.example"]);
        prop_assert_eq!(flow.recorder.hellos, [(Some("spread.example".into()), version)]);
        prop_assert_eq!(flow.recorder.counters.get(Counter::TlsIncomplete), 0);
    }

    #[test]
    fn any_frames_are_survived(frames in prop::collection::vec(prop_oneof![Just(6), Just(0), any::<u8>()], 4..300)) {
        let mut flow = Flow::default();
        flow.take(CLIENT, &FIRST.seal(&frames));
        flow.finish();
        prop_assert!(flow.recorder.hellos.len() <= 1);
        prop_assert!(flow.connection.done);
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
        let mut flow = Flow::default();
        assert!(flow.take(CLIENT, &bytes));
        assert_eq!(flow.recorder.seen, ["quic.sni old.example"]);
        for end in 0..bytes.len() - 2 {
            let mut flow = Flow::default();
            flow.take(CLIENT, &bytes[..end]);
            flow.finish();
            assert!(flow.recorder.seen.is_empty());
        }
    }
}
