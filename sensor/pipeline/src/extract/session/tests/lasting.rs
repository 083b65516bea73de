//! No direction is given up for good: whatever came before, a message that begins a segment is
//! read. Each test shows segments as the flow stage does, a direction that is done included.

use proptest::prelude::*;

use super::*;
use crate::extract::session::may_begin;
use crate::extract::tls::testing::{self, counted, extension, handshake, record};
use crate::net::Endpoint;

/// A session and what the flow stage keeps of one direction of it.
struct Line {
    session: Session,
    seen: Seen,
    scratch: Scratch,
    ports: (u16, u16),
    held: Vec<u8>,
    skip: u64,
    done: bool,
    begun: bool,
    after_gap: bool,
    /// Segments for which a direction that was done was woken.
    woken: usize,
}

impl Line {
    fn new(source: u16, destination: u16) -> Self {
        Self {
            session: Session::default(),
            seen: Seen::default(),
            scratch: Scratch::default(),
            ports: (source, destination),
            held: Vec::new(),
            skip: 0,
            done: false,
            begun: false,
            after_gap: false,
            woken: 0,
        }
    }

    fn client() -> Self {
        Self::new(50_000, 587)
    }

    fn server() -> Self {
        Self::new(587, 50_000)
    }

    fn segment(&mut self, bytes: &[u8], cut: Cut) {
        if self.done {
            if !may_begin(bytes) {
                return;
            }
            self.woken += 1;
            (self.done, self.after_gap, self.skip) = (false, true, 0);
        }
        let skipped = bytes.len().min(usize::try_from(self.skip).unwrap());
        self.skip -= skipped as u64;
        self.held.extend_from_slice(&bytes[skipped..]);
        if self.held.is_empty() {
            return;
        }
        let mut cx = context_of(&mut self.seen, &mut self.scratch);
        let end = |address, port| Endpoint { address, port };
        cx.source = end(cx.source.address, self.ports.0);
        cx.destination = end(cx.destination.address, self.ports.1);
        let (from_start, after_gap) = (!self.begun, self.after_gap);
        let chunk = Chunk { bytes: &self.held, from_start, after_gap, cut };
        match self.session.stream(Side::Low, chunk, &mut cx) {
            Verdict::All => {
                self.held.clear();
                self.done = true;
            }
            Verdict::Consumed(bytes) => {
                self.begun |= bytes > 0;
                self.after_gap &= bytes == 0;
                let now = bytes.min(self.held.len() as u64);
                self.skip = bytes - now;
                self.held.drain(..now as usize);
            }
        }
    }

    fn say(mut self, bytes: &[u8], size: usize) -> Self {
        bytes.chunks(size.max(1)).for_each(|part| self.segment(part, Cut::None));
        self
    }

    fn end(mut self) -> Seen {
        if !self.done && !self.held.is_empty() {
            self.segment(&[], Cut::End);
        }
        self.seen
    }
}

fn hello(name: &str) -> Vec<u8> {
    record(22, &testing::client_hello(name.as_bytes(), 0))
}

/// The same hello in records of `size` bytes with this minor version; `between` stands between.
fn hello_in(name: &str, size: usize, minor: u8, between: &[u8]) -> Vec<u8> {
    let message = testing::client_hello(name.as_bytes(), 0);
    let records = message.chunks(size).map(|part| {
        let mut bytes = record(22, part);
        bytes[2] = minor;
        bytes
    });
    records.collect::<Vec<_>>().join(between)
}

/// A ServerHello and a certificate `abc`, without a version extension.
fn server_flight() -> Vec<u8> {
    let mut hello = vec![3, 3];
    hello.extend([1; 32]);
    hello.extend([0, 0xc0, 0x2f, 0]);
    let mut flight = handshake(2, &hello);
    flight.extend(handshake(11, &counted(3, &counted(3, b"abc"))));
    flight.extend(handshake(14, &[]));
    flight
}

const SHA1_OF_ABC: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";

/// Noise that does not end.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut bytes = Vec::new();
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// What stands in clear between two hellos of a connection.
fn between() -> impl Strategy<Value = Vec<u8>> {
    let parts = prop_oneof![
        Just(record(20, &[1])),
        Just(record(21, &[1, 0])),
        Just(record(21, &[2, 40])),
        Just(record(22, &[])),
        Just(record(22, &handshake(16, &[9; 70]))),
    ];
    prop::collection::vec(parts, 0..4).prop_map(|mut parts| {
        // A key exchange behind a change cipher spec would be encrypted.
        parts.sort_by_key(|part| usize::from(part[0] == 20));
        parts.concat()
    })
}

/// What begins something, and what is told of it.
fn beginning() -> impl Strategy<Value = (Vec<u8>, &'static str)> {
    let query = testing_query("q.example");
    prop_oneof![
        Just((hello("q.example"), "tls.sni q.example")),
        Just((hello_in("q.example", 1, 0x7f, b""), "tls.sni q.example")),
        Just((b"GET / HTTP/1.1\r\nHost: q.example\r\n\r\n".to_vec(), "http.host q.example")),
        Just((b"\r\nBREW /x HTTP/1.1\r\nHost: q.example\r\n\r\n".to_vec(), "http.host q.example")),
        Just((b"\x05\x01\0\x05\x01\0\x03\x09q.example\x01\xbb".to_vec(), "socks.host q.example")),
        Just((b"\x04\x01\0\x50\0\0\0\x01u\0q.example\0".to_vec(), "socks.host q.example")),
        Just((query, "dns.query q.example")),
    ]
}

/// A DNS question with its length.
fn testing_query(name: &str) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.extend(counted(1, label.as_bytes()));
    }
    message.extend([0, 0, 1, 0, 1]);
    counted(2, &message)
}

/// A first message of DNS over TCP that no parser reads.
fn odd_message() -> impl Strategy<Value = Vec<u8>> {
    let header =
        |flags: u16, counts: [u8; 8]| [&[0, 7][..], &flags.to_be_bytes(), &counts].concat();
    let message = prop_oneof![
        Just(vec![]),
        Just(vec![0]),
        Just(b"xyz".to_vec()),
        Just(header(0x0100, [0; 8])),
        // An option alone, a DSO request, a NOTIFY, an operation that nobody knows.
        Just(
            [header(0x0100, [0, 0, 0, 0, 0, 0, 0, 1]), vec![0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0]]
                .concat()
        ),
        Just([header(0x3000, [0; 8]), vec![0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0]].concat()),
        Just(header(0x2000, [0; 8])),
        Just(header(0x7800, [0, 1, 0, 0, 0, 0, 0, 0])),
        // A question of class 2.
        Just([header(0x0100, [0, 1, 0, 0, 0, 0, 0, 0]), b"\x01z\0\0\x01\0\x02".to_vec()].concat()),
        prop::collection::vec(any::<u8>(), 0..300),
        // Lengths that read like TLS, SOCKS and a request.
        prop::sample::select(vec![0x1603_usize, 0x0501, 0x4745, 0x0401, 0x1503])
            .prop_map(|length| vec![0xfe; length]),
        prop::sample::select(vec![0x1603_usize, 0x0501, 0x4745]).prop_map(move |length| {
            let mut message = header(0x0100, [0; 8]);
            message.resize(length, 1);
            message
        }),
    ];
    message.prop_map(|message| counted(2, &message))
}

#[test]
fn a_direction_costs_sixteen_bytes() {
    assert!(size_of::<stream::Direction>() <= 16);
}

#[test]
fn a_server_that_answers_http_sleeps_and_its_text_wakes_nothing_that_it_quotes() {
    let mut line = Line::server();
    line.segment(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n", Cut::None);
    assert!(line.done);
    let quotes: [&[u8]; 5] = [
        b"GET http://quoted.example/ HTTP/1.1\r\nHost: quoted.example\r\n\r\n",
        b"CONNECT quoted.example:443 HTTP/1.1\r\n\r\n",
        &hello("quoted.example"),
        &testing_query("quoted.example"),
        b"\x05\x01\0\x05\x01\0\x03\x0equoted.example\x01\xbb",
    ];
    for quote in quotes.repeat(3) {
        line.segment(quote, Cut::None);
        assert!(line.done && line.held.is_empty(), "{quote:?}");
    }
    assert!(line.seen.lines.is_empty(), "{:?}", line.seen.lines);
    // What a server may say is still heard.
    line.segment(&record(22, &server_flight()), Cut::None);
    assert_eq!(line.seen.of("tls.cert_sha1"), [SHA1_OF_ABC]);
}

#[test]
fn a_client_that_speaks_like_a_server_first_is_still_read() {
    for decoy in [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &record(22, &server_flight())] {
        let line = Line::new(50_000, 443).say(decoy, 9000).say(&hello("evil.example"), 9000);
        assert_eq!(line.end().of("tls.sni"), ["evil.example"]);
    }
}

#[test]
fn a_woken_direction_that_is_none_of_ours_sleeps_again_at_once_and_holds_nothing() {
    let mut line = Line::client().say(&[0xfe; 40_000], 1400);
    assert!(line.done);
    let others: [&[u8]; 5] = [
        b"\x16\x03\x03\0\x28\0\0\0\0\0\0\0\0 and more that is encrypted",
        b"word / word and no version\nmore\n",
        b"\0\x30\0\0\0\0\0\x05\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\x15\x03\x03\0\x02\x01\0\x17\x03\x03\0\x10",
        b"\x80\x2e\x01\x03\x01\0\x06\0\0\0\x90\0\0\0",
    ];
    for other in others {
        assert!(may_begin(other), "{other:?}");
        line.segment(other, Cut::None);
        assert!(line.done && line.held.is_empty(), "{other:?}");
    }
    assert!(line.woken == others.len() && line.seen.lines.is_empty());
    assert_eq!(line.seen.counted, [Counter::Unknown]);
}

#[test]
fn the_longest_hello_that_a_server_takes_gives_its_name_though_it_stands_last() {
    let pads: Vec<u8> =
        [65_535, 65_000].iter().flat_map(|size| extension(21, &vec![0; *size])).collect();
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend(counted(1, &[]));
    body.extend(counted(2, &[0x5a; 65_534]));
    body.extend(counted(1, &[0]));
    let room = 131_396 - body.len() - 2;
    let name = testing::server_name(&[b"last.example"]);
    let block = [&pads[..room.min(65_000) - 4 - name.len()], &name].concat();
    let mut block = block;
    // The padding's own length, so that the name's extension begins where it ends.
    let padded = block.len() - name.len() - 4;
    block[2..4].copy_from_slice(&u16::try_from(padded).unwrap().to_be_bytes());
    body.extend(counted(2, &block));
    let message = handshake(1, &body);
    assert!(message.len() > 130_000);
    for size in [16_384, 1000, 1] {
        let stream: Vec<u8> = message.chunks(size).flat_map(|part| record(22, part)).collect();
        let again = [stream, hello("next.example")].concat();
        let line = Line::client().say(&again, 1400);
        assert_eq!(line.end().of("tls.sni"), ["last.example", "next.example"], "{size}");
    }
}

#[test]
fn a_hello_behind_a_decoy_that_another_server_throws_away_is_read() {
    let claims =
        b"\x16\x03\x01\x40\0\x01\0\x3f\xfc\x03\x03 and thirty-two bytes of no value, \x20\r\n";
    let decoys: [&[u8]; 6] = [
        claims,
        &[&b"EHLO a\r\nNOOP "[..], claims].concat(),
        b"GET / HTTP/1.1\r\nEHLO a\r\n",
        b"\x05\x02\0\x01\r\n",
        b"\x05\x01\0\x05\x01\0\x03\xff\r\nEHLO a\r\n",
        b"averyveryverylongword",
    ];
    for decoy in decoys {
        for size in [1, 2, 7, 40, 100, 1400] {
            let start = [decoy, b"STARTTLS\r\n"].concat();
            let line = Line::client().say(&start, 1400).say(&hello("evil.example"), size);
            let seen = line.end();
            // The decoy's own bytes may be looked through once more.
            let told = seen.of("tls.sni");
            let all = told.iter().all(|name| *name == "evil.example");
            assert!(all && !told.is_empty(), "{told:?} {decoy:?} {size}");
        }
    }
}

#[test]
fn a_hello_that_holds_another_beginning_is_read_to_its_own_end() {
    let inner = &hello("inner.example")[..60];
    let block = [extension(21, inner), testing::server_name(&[b"outer.example"])].concat();
    let outer = record(22, &handshake(1, &testing::body(&block, None)));
    let at = outer.windows(inner.len()).position(|bytes| bytes == inner).unwrap();
    for size in [1, 5, 50, 1400] {
        let line = Line::client().say(&outer[..at], 1400).say(&outer[at..], size);
        assert_eq!(line.end().of("tls.sni"), ["outer.example"], "{size}");
    }
}

#[test]
fn tls_in_packets_of_tds_is_read_over_their_borders() {
    let packets = |kind: u8, bytes: &[u8], size: usize| -> Vec<u8> {
        let packet = |part: &[u8]| {
            let length = u16::try_from(part.len() + 8).unwrap().to_be_bytes();
            [&[kind, 1][..], &length, &[0, 0, 1, 0], part].concat()
        };
        bytes.chunks(size - 8).flat_map(packet).collect()
    };
    let prelogin = packets(0x12, &[0, 0, 0x1a, 0, 6, 0xff, 9, 0, 0, 0, 0, 0], 512);
    let pad = extension(21, &[0; 1200]);
    let block = [pad, testing::server_name(&[b"sql.example"])].concat();
    let client = record(22, &handshake(1, &testing::body(&block, None)));
    let mut flight = server_flight();
    let certificate = counted(3, &counted(3, &[0x30; 5000]));
    flight.truncate(flight.len() - 4 - 13);
    flight.extend(handshake(11, &certificate));
    let server = record(22, &flight);
    for size in [4096, 512, 64] {
        for segment in [1460, 100, 1] {
            let line = Line::client().say(&prelogin, 1460);
            let line = line.say(&packets(0x12, &client, size), segment);
            assert_eq!(line.end().of("tls.sni"), ["sql.example"], "{size} {segment}");
            let line = Line::server().say(&prelogin, 1460);
            let line = line.say(&packets(0x12, &server, size), segment);
            assert_eq!(line.end().of("tls.cert_sha1").len(), 1, "{size} {segment}");
        }
    }
}

proptest! {
    #[test]
    fn every_hello_of_a_connection_is_read_once_whatever_the_segments(
        gaps in prop::collection::vec(between(), 1..4),
        record_size in prop_oneof![Just(1_usize), 2..40_usize, Just(4000_usize)],
        minor in any::<u8>(),
        size in prop_oneof![Just(1_usize), 2..600_usize],
    ) {
        let (mut stream, mut expected) = (Vec::new(), Vec::new());
        for (number, gap) in gaps.iter().enumerate() {
            let name = format!("name{number}.example");
            stream.extend(hello_in(&name, record_size, minor, b""));
            stream.extend(gap);
            expected.push(name);
        }
        stream.extend(record(23, &noise(3, 500)));
        let seen = Line::client().say(&stream, size).end();
        prop_assert_eq!(seen.of("tls.sni"), expected);
    }

    #[test]
    fn two_hellos_in_one_record_are_both_read(cut in 1..100_usize, size in 1..400_usize) {
        let two = [testing::client_hello(b"one.example", 0), testing::client_hello(b"two.example", 0)]
            .concat();
        let cut = cut.min(two.len() - 1);
        for stream in [record(22, &two), [record(22, &two[..cut]), record(22, &two[cut..])].concat()] {
            let seen = Line::client().say(&stream, size).end();
            prop_assert_eq!(seen.of("tls.sni"), ["one.example", "two.example"]);
        }
    }

    #[test]
    fn whatever_came_before_what_begins_a_segment_is_read(
        seed in any::<u64>(),
        length in prop_oneof![1..300_usize, 10_000..90_000_usize],
        chunk in 40..1400_usize,
        encrypted in any::<bool>(),
        (bytes, told) in beginning(),
        size in 20..400_usize,
    ) {
        // A beginning is known by its first bytes, so the noise must not end in the middle of one.
        let length = if encrypted { length.min(16_000) } else { length };
        let mut before = noise(seed, length);
        before.extend([0xfe; 3]);
        let before = if encrypted {
            [hello("first.example"), record(20, &[1]), record(23, &before)].concat()
        } else {
            before
        };
        let seen = Line::client().say(&before, chunk).say(&bytes, size).end();
        prop_assert!(seen.lines.iter().any(|line| line == told), "{:?}", seen.lines);
    }

    #[test]
    fn a_hello_behind_any_preamble_is_read_in_any_records(
        preamble in prop::sample::select(vec![
            &b"EHLO x\r\nSTARTTLS\r\n"[..],
            b"a STARTTLS\r\n",
            b"AUTH TLS\r\n",
            b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
            b"\x30\x1d\x02\x01\x01\x77\x18\x80\x16\x31.3.6.1.4.1.1466.20037",
            b"\0\0\0\x08\x04\xd2\x16\x2f",
            b"\x20\0\0\x01\x85\xae\x7f\0\0\0\0\x01\x21\0\0\0\0\0\0\0",
            b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x0b\0\0\0",
        ]),
        // One of five bytes that is cut behind its length goes on like a greeting of SOCKS.
        record_size in prop_oneof![Just(1_usize), Just(5), 2..60_usize],
        minor in any::<u8>(),
        gap in prop_oneof![
            Just(vec![]),
            Just(record(22, &[])),
            Just(record(20, &[1])),
            Just(record(21, &[1, 0])),
        ],
        size in 1..300_usize,
    ) {
        let hello = hello_in("evil.example", record_size, minor, &gap);
        let stream = [preamble, &hello].concat();
        let parts = Line::client().say(&stream, size).end();
        prop_assert_eq!(parts.of("tls.sni"), ["evil.example"]);
        let whole = Line::client().say(preamble, size).say(&hello, size).end();
        prop_assert_eq!(whole.of("tls.sni"), ["evil.example"]);
    }

    #[test]
    fn a_certificate_behind_any_answer_is_read_in_any_records_and_segments(
        answer in prop::sample::select(vec![
            &b""[..],
            b"HTTP/1.1 200 Connection established\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nProxy-Agent: x\r\n\r\n",
            b"\x05\0\x05\0\0\x01\xc0\0\x02\x01\x01\xbb",
            b"\0\x5a\0\0\0\0\0\0",
            b"220 a.example ESMTP\r\n250 STARTTLS\r\n220 go\r\n",
            b"* OK IMAP4 ready\r\na OK begin\r\n",
            b"S",
            b"G",
            b"\x4a\0\0\0\x0a8.0.1\0\x08\0\0\0abcdefgh\0",
            b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\0\x08\0\x01\0\0\0",
        ]),
        record_size in prop_oneof![Just(1_usize), 2..60_usize, Just(4000_usize)],
        size in 1..200_usize,
    ) {
        let flight = server_flight();
        let flight: Vec<u8> = flight.chunks(record_size).flat_map(|part| record(22, part)).collect();
        let seen = Line::server().say(answer, size).say(&flight, size).end();
        prop_assert_eq!(seen.of("tls.cert_sha1"), [SHA1_OF_ABC]);
    }

    #[test]
    fn an_odd_message_of_dns_hides_none_of_those_behind_it(
        odd in prop::collection::vec(odd_message(), 1..4),
        names in 1..4_usize,
        size in prop_oneof![Just(1_usize), 2..1500_usize],
        port in prop_oneof![Just(53_u16), Just(5353_u16)],
        answers in any::<bool>(),
    ) {
        let names: Vec<String> = (0..names).map(|number| format!("name{number}.example")).collect();
        let asked = names.iter().flat_map(|name| testing_query(name));
        let stream: Vec<u8> = odd.concat().into_iter().chain(asked).collect();
        let line = if answers { Line::new(port, 50_000) } else { Line::new(50_000, port) };
        let seen = line.say(&stream, size).end();
        for name in &names {
            prop_assert!(seen.of("dns.query").contains(&name.as_str()), "{} in {:?}", name, seen);
        }
    }

    #[test]
    fn another_protocol_on_a_port_of_dns_is_read_beside_its_framing(
        (bytes, told) in beginning(),
        size in 1..400_usize,
    ) {
        let seen = Line::new(50_000, 53).say(&bytes, size).end();
        prop_assert!(seen.lines.iter().any(|line| line == told), "{:?}", seen.lines);
    }

    #[test]
    fn any_bytes_in_any_segments_are_survived_and_what_is_held_is_bounded(
        pieces in prop::collection::vec(
            prop_oneof![
                beginning().prop_map(|(bytes, _)| bytes),
                odd_message(),
                between(),
                prop::collection::vec(any::<u8>(), 0..60),
                (1..60_usize).prop_map(|end| hello("half.example")[..end].to_vec()),
                Just(b"\x16\x03\x01\0\x01\x01".to_vec()),
            ],
            0..12,
        ),
        size in 1..200_usize,
        port in prop::sample::select(vec![53_u16, 443]),
    ) {
        let mut line = Line::new(50_000, port);
        for piece in pieces {
            line = line.say(&piece, size);
            prop_assert!(line.held.len() <= 128 * 1024);
            prop_assert!(line.session.held_bytes() < 64 * 1024);
        }
        let _ = line.end();
    }
}
