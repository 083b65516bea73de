use proptest::prelude::*;

use super::testing::*;
use super::*;
use crate::extract::session::Session;
use crate::flow::stream::{Chunk, Cut, Verdict};
use crate::net::Side;
use crate::stats::Counter;
use sha1::{Digest, Sha1};
use tls_parser::{SNIType, TlsExtension, TlsMessage, TlsMessageHandshake};

fn read_with(segments: &[&[u8]], cut: Cut) -> Recorder {
    let mut recorder = Recorder::default();
    let mut hellos = Hellos::default();
    feed(segments, cut, |chunk| with(&mut recorder, CLIENT, |cx| hellos.advance(chunk, cx)));
    recorder
}

fn read(bytes: &[u8]) -> Recorder {
    read_with(&[bytes], Cut::End)
}

/// The hello of a block of extensions, in one record.
fn read_block(block: &[u8]) -> Recorder {
    read(&record(22, &handshake(1, &body(block, None))))
}

#[test]
fn the_name_of_a_hello_in_one_record_is_told_before_anything_follows() {
    let bytes = record(22, &client_hello(b"WWW.Shop.Example.", 0));
    assert_eq!(probe(&bytes), Probe::Yes);
    let recorder = read_with(&[&bytes], Cut::None);
    assert_eq!(recorder.seen, ["tls.sni www.shop.example"]);
    assert_eq!(recorder.hellos, [(Some("www.shop.example".into()), 0)]);
    assert_eq!(recorder.counters.get(Counter::Tls), 1);
    assert_eq!(recorder.counters.get(Counter::TlsIncomplete), 0);
}

#[test]
fn every_name_of_every_server_name_extension_is_told_and_the_first_is_the_sni() {
    let block = [server_name(&[b"one.example", b"two.example"]), server_name(&[b"three.example"])];
    let recorder = read_block(&block.concat());
    let all = ["tls.sni one.example", "tls.sni two.example", "tls.sni three.example"];
    assert_eq!(recorder.seen, all);
    assert_eq!(recorder.hellos, [(Some("one.example".into()), 0)]);
}

#[test]
fn an_address_as_server_name_is_an_address() {
    let recorder = read_block(&server_name(&[b"203.0.113.9", b"[2001:db8::9]"]));
    assert_eq!(recorder.seen, ["tls.sni address 203.0.113.9", "tls.sni address 2001:db8::9"]);
}

#[test]
fn a_hello_without_a_name_is_counted_as_one() {
    for block in [vec![], server_name(&[]), server_name(&[b""]), extension(43, &[2, 3, 4])] {
        let recorder = read_block(&block);
        assert!(recorder.seen.is_empty());
        assert_eq!(recorder.hellos, [(None, 0)]);
        assert_eq!(recorder.counters.get(Counter::TlsNoSni), 1);
    }
}

#[test]
fn an_encrypted_client_hello_is_counted_and_its_outer_name_told() {
    let block = [server_name(&[b"outer.example"]), extension(0xfe0d, &[0; 40])].concat();
    let recorder = read_block(&block);
    assert_eq!(recorder.seen, ["tls.sni outer.example"]);
    assert_eq!(recorder.counters.get(Counter::TlsEch), 1);
}

#[test]
fn a_name_counts_as_hidden_only_behind_none_or_that_of_a_front_server() {
    let offer = extension(0xfe0d, &[0; 40]);
    let named = |name: &[u8]| [offer.clone(), server_name(&[name])].concat();
    for (block, offered, hidden) in [
        (named(b"www.office.example"), 1, 0),
        (named(b"Cloudflare-ECH.com."), 1, 1),
        (named(b"not-cloudflare-ech.com"), 1, 0),
        (named(b"www.cloudflare-ech.com"), 1, 0),
        (named(b""), 1, 1),
        (offer.clone(), 1, 1),
        (server_name(&[b"cloudflare-ech.com"]), 0, 0),
        (Vec::new(), 0, 0),
    ] {
        let counters = read_block(&block).counters;
        let counted = [Counter::TlsEch, Counter::TlsEchHidden].map(|one| counters.get(one));
        assert_eq!(counted, [offered, hidden], "{block:?}");
    }
}

#[test]
fn a_name_that_may_stand_behind_a_cut_does_not_count_as_hidden() {
    let block = [extension(0xfe0d, &[0; 40]), server_name(&[b"www.office.example"])].concat();
    let whole = record(22, &handshake(1, &body(&block, None)));
    let recorder = read_with(&[&whole[..whole.len() - 20]], Cut::Gap);
    assert!(recorder.seen.is_empty());
    let counted = [Counter::TlsEch, Counter::TlsEchHidden].map(|one| recorder.counters.get(one));
    assert_eq!(counted, [1, 0]);
}

#[test]
fn a_list_length_that_lies_does_not_hide_the_name() {
    let mut block = server_name(&[b"hidden.example"]);
    block[4..6].copy_from_slice(&[0, 1]);
    assert_eq!(read_block(&block).seen, ["tls.sni hidden.example"]);
}

#[test]
fn alerts_and_change_cipher_specs_between_records_are_passed() {
    let hello = client_hello(b"mixed.example", 100);
    let mut stream = record(21, &[1, 0]);
    stream.extend(record(20, &[1]));
    for part in hello.chunks(37) {
        stream.extend(record(22, part));
        stream.extend(record(20, &[1]));
        stream.extend(record(21, &[1, 0]));
    }
    assert_eq!(read(&stream).seen, ["tls.sni mixed.example"]);
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(read_with(&bytes, Cut::None).seen, ["tls.sni mixed.example"]);
}

#[test]
fn a_name_that_stands_before_a_hole_is_told_and_the_cut_is_counted() {
    let whole = record(22, &client_hello(b"early.example", 4000));
    let recorder = read_with(&[&whole[..1400]], Cut::Gap);
    assert_eq!(recorder.seen, ["tls.sni early.example"]);
    assert_eq!(recorder.counters.get(Counter::TlsIncomplete), 1);
}

#[test]
fn a_hello_that_never_ends_is_read_at_the_limit() {
    let mut message = client_hello(b"endless.example", 0);
    message[1..4].copy_from_slice(&[0xff, 0xff, 0xff]);
    message.resize(LIMIT + 20_000, 0);
    let stream: Vec<u8> = message.chunks(16_000).flat_map(|part| record(22, part)).collect();
    let segments: Vec<&[u8]> = stream.chunks(1460).collect();
    let recorder = read_with(&segments, Cut::None);
    assert_eq!(recorder.seen, ["tls.sni endless.example"]);
    assert_eq!(recorder.counters.get(Counter::TlsIncomplete), 1);
}

#[test]
fn endless_records_without_a_handshake_are_not_held() {
    let stream = record(21, &[1, 0]).repeat(40_000);
    let (mut recorder, mut hellos) = (Recorder::default(), Hellos::default());
    let chunk = Chunk { bytes: &stream, from_start: true, after_gap: false, cut: Cut::None };
    let verdict = with(&mut recorder, CLIENT, |cx| hellos.advance(chunk, cx));
    assert_eq!(verdict, Verdict::Consumed(stream.len() as u64));
}

#[test]
fn an_ssl_2_formed_hello_is_a_hello_without_a_name() {
    let mut bytes = vec![0x80, 0, 1, 3, 1, 0, 6, 0, 0, 0, 16, 0, 0, 0x2f, 1, 0, 0x80];
    bytes.extend([9; 16]);
    bytes[1] = u8::try_from(bytes.len() - 2).unwrap();
    for end in 0..11 {
        assert_eq!(probe(&bytes[..end]), Probe::Unsure, "{end}");
    }
    assert_eq!(probe(&bytes), Probe::Yes);
    let segments: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read_with(&segments, Cut::None).hellos, [(None, 0)]);
}

#[test]
fn other_protocols_are_not_taken_for_tls() {
    let others: [&[u8]; 6] = [
        b"GET / HTTP/1.1",
        b"SSH-2.0-x",
        &[0x16, 2, 9],
        &[0x16, 3, 1, 0, 9, 2],
        &[3, 0, 0, 19],
        &[0x80, 0, 2],
    ];
    for other in others {
        assert_eq!(probe(other), Probe::No, "{other:?}");
        assert_eq!(find_hello(other), None);
    }
    assert_eq!(probe_server(&[0x16, 3, 3, 0, 80, 2]), Probe::Yes);
    assert_eq!(probe_server(&[0x15, 3, 1, 0, 2, 2, 40]), Probe::Yes);
    assert_eq!(probe_server(&[0x16, 3, 3, 0, 80, 1]), Probe::No);
}

/// DER element.
fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let head = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [head, contents.to_vec()].concat()
}

fn certificate(common_name: &[u8], alternatives: &[u8]) -> Vec<u8> {
    let name = |text: &[u8]| {
        let attribute = [der(6, &[0x55, 4, 3]), der(12, text)].concat();
        der(0x30, &der(0x31, &der(0x30, &attribute)))
    };
    let san = [der(6, &[0x55, 0x1d, 0x11]), der(4, &der(0x30, alternatives))].concat();
    let signed = [
        der(0xa0, &der(2, &[2])),
        der(2, &[1; 16]),
        der(0x30, &[]),
        name(b"An.Issuer.example"),
        der(0x30, &[]),
        name(common_name),
        der(0x30, &[0; 300]),
        der(0xa3, &der(0x30, &der(0x30, &san))),
    ];
    der(0x30, &[der(0x30, &signed.concat()), der(0x30, &[]), der(3, &[0; 256])].concat())
}

fn server_flight(certificate: &[u8], extensions: &[u8]) -> Vec<u8> {
    let mut hello = vec![3, 3];
    hello.extend([1; 32]);
    hello.extend([0, 0xc0, 0x2f, 0]);
    hello.extend(counted(2, extensions));
    let chain = [counted(3, certificate), counted(3, &[0x30, 0])].concat();
    let mut flight = handshake(2, &hello);
    flight.extend(handshake(11, &counted(3, &chain)));
    flight.extend(handshake(14, &[]));
    flight
}

fn read_server(segments: &[&[u8]], cut: Cut) -> (Recorder, bool) {
    let mut recorder = Recorder::default();
    let mut state = Certificates::default();
    let all =
        feed(segments, cut, |chunk| with(&mut recorder, SERVER, |cx| state.advance(chunk, cx)));
    (recorder, all)
}

#[test]
fn the_hosts_and_the_digest_of_a_certificate_are_told() {
    let names =
        [der(0x82, b"*.Wild.example"), der(0x87, &[203, 0, 113, 5]), der(0x81, b"a@b.example")];
    let certificate = certificate(b"cn.example", &names.concat());
    let bytes = record(22, &server_flight(&certificate, &[]));
    let (recorder, all) = read_server(&[&bytes], Cut::None);
    assert!(all);
    assert!(recorder.seen[0].starts_with("tls.cert_sha1 "));
    assert_eq!(recorder.seen[0].len(), "tls.cert_sha1 ".len() + 40);
    let hosts = [
        "tls.certificate cn.example",
        "tls.certificate wild.example",
        "tls.certificate address 203.0.113.5",
    ];
    assert_eq!(recorder.seen[1..], hosts);
}

#[test]
fn a_certificate_beside_a_name_in_clear_is_told_as_such_and_only_then() {
    let names = [der(0x82, b"Evil.example"), der(0x87, &[203, 0, 113, 5])].concat();
    let flight = record(22, &server_flight(&certificate(b"good.example", &names), &[]));
    let beside = [
        "tls.certificate_beside good.example",
        "tls.certificate_beside evil.example",
        "tls.certificate_beside address 203.0.113.5",
    ];
    let alone: Vec<String> = beside.iter().map(|said| said.replace("_beside", "")).collect();
    let named = crate::extract::http::testing::client_hello();
    let nameless = {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
        record(22, &handshake(1, &body))
    };
    for (hello, expected) in
        [(Some(named), &beside.map(String::from)[..]), (Some(nameless), &alone), (None, &alone)]
    {
        let (mut recorder, mut session) = (Recorder::default(), Session::default());
        let directions = hello.iter().map(|hello| (Side::Low, CLIENT, &hello[..]));
        for (side, end, bytes) in directions.chain([(Side::High, SERVER, &flight[..])]) {
            let chunk = Chunk { bytes, from_start: true, after_gap: false, cut: Cut::None };
            // Another connection's call has left its mark in the scratch space.
            let _ = with(&mut recorder, end, |cx| {
                cx.scratch.server_named = true;
                session.stream(side, chunk, cx)
            });
        }
        let told = recorder.seen.iter().filter(|said| said.starts_with("tls.certificate"));
        assert_eq!(told.cloned().collect::<Vec<_>>(), expected, "{:?}", hello.is_some());
    }
}

#[test]
fn a_common_name_that_is_no_host_is_not_told() {
    let bytes = record(22, &server_flight(&certificate(b"Router v1.2 of Office", &[]), &[]));
    assert_eq!(read_server(&[&bytes], Cut::None).0.seen.len(), 1);
}

#[test]
fn the_digest_is_the_sha_1_of_the_certificate() {
    let bytes = record(22, &server_flight(b"abc", &[]));
    let (recorder, _) = read_server(&[&bytes], Cut::None);
    assert_eq!(recorder.seen, ["tls.cert_sha1 a9993e364706816aba3e25717850c26c9cd0d89d"]);
}

#[test]
fn a_tls_1_3_server_is_left_alone_after_its_hello() {
    let flight = server_flight(b"abc", &extension(43, &[3, 4]));
    let (recorder, all) = read_server(&[&record(22, &flight)[..60]], Cut::None);
    assert!(all);
    assert!(recorder.seen.is_empty());
}

#[test]
fn a_certificate_of_any_length_gives_its_digest_and_the_names_at_its_beginning() {
    let mut alternatives = der(0x82, b"first.example");
    alternatives.extend(der(0x82, &[b'x'; 250]).repeat(400));
    let certificate = certificate(b"cn.example", &alternatives);
    assert!(certificate.len() > 90_000);
    let digest = Sha1::digest(&certificate);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let flight = server_flight(&certificate, &[]);
    for size in [1, 100, 16_000] {
        let stream: Vec<u8> = flight.chunks(size).flat_map(|part| record(22, part)).collect();
        let segments: Vec<&[u8]> = stream.chunks(1460).collect();
        let (recorder, all) = read_server(&segments, Cut::None);
        assert!(all);
        let expected = [
            format!("tls.cert_sha1 {digest}"),
            "tls.certificate cn.example".into(),
            "tls.certificate first.example".into(),
        ];
        assert_eq!(recorder.seen[..3], expected, "{size}");
    }
}

#[test]
fn a_hello_behind_another_protocol_is_found_once_its_start_is_there() {
    let hello = record(22, &client_hello(b"inner.example", 0));
    let prefix = b"\x16EHLO mail.example\r\n\x16\x03\x01STARTTLS\r\n";
    let bytes = [&prefix[..], &hello].concat();
    // Record header, message header and what stands before the length of the session id.
    for end in 0..prefix.len() + 5 + 39 {
        let Search::Missing { keep } = search_hello(&bytes[..end]) else {
            panic!("found too early at {end}");
        };
        assert!(keep < 5 + 39);
        assert!(end <= prefix.len() || keep == end - prefix.len());
    }
    assert_eq!(find_hello(&bytes), Some(prefix.len()));
}

/// The host names that tls-parser reads, those aside that our spelling changes.
fn oracle(record: &[u8]) -> Vec<String> {
    let Ok((_, plain)) = tls_parser::parse_tls_plaintext(record) else {
        return Vec::new();
    };
    let [TlsMessage::Handshake(TlsMessageHandshake::ClientHello(hello))] = &plain.msg[..] else {
        return Vec::new();
    };
    let block = hello.ext.unwrap_or_default();
    let Ok((_, extensions)) = tls_parser::parse_tls_client_hello_extensions(block) else {
        return Vec::new();
    };
    let lists = extensions.iter().filter_map(|extension| match extension {
        TlsExtension::SNI(list) => Some(list),
        _ => None,
    });
    let names = lists.flatten().filter(|(kind, _)| *kind == SNIType::HostName);
    let names = names.filter_map(|(_, name)| String::from_utf8(name.to_vec()).ok());
    let same = |name: &String| {
        let plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.');
        !name.is_empty() && name.bytes().all(plain) && !name.ends_with('.')
    };
    names.filter(same).collect()
}

prop_compose! {
    fn any_hello()(
        names in prop::collection::vec("[a-z]{1,12}(\\.[a-z]{1,8}){1,3}", 0..4),
        before in prop::collection::vec((20_u16..4000, prop::collection::vec(any::<u8>(), 0..60)), 0..5),
        after in 0_usize..900,
    ) -> (Vec<String>, Vec<u8>) {
        let mut block: Vec<u8> = before.iter().flat_map(|(kind, data)| extension(*kind, data)).collect();
        let list: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        block.extend(server_name(&list));
        block.extend(extension(21, &vec![0; after]));
        (names, handshake(1, &body(&block, None)))
    }
}

proptest! {
    #[test]
    fn any_records_and_segments_give_the_same_observations(
        (names, message) in any_hello(),
        records in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
        segments in prop::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let whole = read(&record(22, &message));
        let expected: Vec<String> = names.iter().map(|name| format!("tls.sni {name}")).collect();
        prop_assert_eq!(&whole.seen, &expected);
        let stream: Vec<u8> = split(&message, &records).iter().flat_map(|part| record(22, part)).collect();
        prop_assert_eq!(read_with(&split(&stream, &segments), Cut::None), whole);
    }

    #[test]
    fn a_prefix_tells_whole_names_only(
        (names, message) in any_hello(),
        cut in any::<prop::sample::Index>(),
        gap in any::<bool>(),
    ) {
        let stream = record(22, &message);
        let cut = cut.index(stream.len());
        let found = read_with(&[&stream[..cut]], if gap { Cut::Gap } else { Cut::End });
        prop_assert!(found.seen.len() <= names.len());
        for (told, name) in found.seen.iter().zip(&names) {
            prop_assert_eq!(told, &format!("tls.sni {name}"));
        }
        prop_assert_eq!(found.counters.get(Counter::TlsIncomplete), u64::from(cut > 0));
    }

    #[test]
    fn what_another_parser_reads_is_read_the_same(
        (_, message) in any_hello(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut stream = record(22, &message);
        for (index, byte) in damage {
            let place = 44 + index.index(stream.len() - 44);
            stream[place] = byte;
        }
        let found = read(&stream).seen;
        for name in oracle(&stream) {
            prop_assert!(found.contains(&format!("tls.sni {name}")), "{:?} in {:?}", name, found);
        }
    }

    #[test]
    fn any_bytes_are_survived_and_searched_within_bounds(
        bytes in prop::collection::vec(prop_oneof![Just(0x16), Just(3), Just(1), Just(0), any::<u8>()], 0..400),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        if !bytes.is_empty() {
            let segments = split(&bytes, &cuts);
            prop_assert!(read_with(&segments, Cut::End).hellos.len() <= 1 + bytes.len() / 40);
            let _ = read_server(&segments, Cut::End);
        }
        if let Search::Missing { keep } = search_hello(&bytes) {
            prop_assert!(keep < 2048 && keep <= bytes.len());
        }
    }

    #[test]
    fn a_certificate_is_read_over_any_records_and_segments(
        name in "[a-z]{1,12}\\.example",
        records in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        segments in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let flight = server_flight(&certificate(name.as_bytes(), &der(0x82, b"san.example")), &[]);
        let (whole, _) = read_server(&[&record(22, &flight)], Cut::End);
        prop_assert_eq!(whole.seen.len(), 3);
        let stream: Vec<u8> = split(&flight, &records).iter().flat_map(|part| record(22, part)).collect();
        prop_assert_eq!(read_server(&split(&stream, &segments), Cut::None).0, whole);
    }
}
