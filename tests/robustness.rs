//! Every parser on noise and on damaged messages: the bodies of `tests/fuzz`, seeded, so that
//! every run of the tests exercises them and a failure can be repeated.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

#[path = "support/fuzz_bodies.rs"]
mod fuzz_bodies;
#[path = "support/fuzz_stream.rs"]
mod fuzz_stream;
#[path = "support/fuzz_worker.rs"]
mod fuzz_worker;
use wardwatch_testing as support;

use fuzz_bodies::{BODIES, Body, READ};
use support::conversations::{self as say, Data, Hello, Record};
use support::run::capture;
use support::{Noise, capture_file, packets, verdict, wire};

/// Inputs a body, of each kind; `WARDWATCH_ROUNDS` sets another number for a longer hunt.
fn rounds() -> u64 {
    let asked = std::env::var("WARDWATCH_ROUNDS").ok();
    asked.map_or(1_200, |text| text.parse().expect("WARDWATCH_ROUNDS is a number"))
}

/// Frames of a bundled little-endian pcap file.
fn frames_of(name: &str) -> Vec<Vec<u8>> {
    let file = std::fs::read(capture(name)).unwrap();
    let mut frames = Vec::new();
    let mut rest = &file[24..];
    while let Some((header, after)) = rest.split_first_chunk::<16>() {
        let length = u32::from_le_bytes(header[8..12].try_into().unwrap()) as usize;
        let (frame, next) = after.split_at(length);
        frames.push(frame.to_vec());
        rest = next;
    }
    frames
}

/// UDP payloads above so many bytes of a capture of plain IPv4 frames.
fn datagrams_of(name: &str, least: usize) -> Vec<Vec<u8>> {
    let udp = |frame: &Vec<u8>| frame.get(12..14) == Some(&[8, 0]) && frame.get(23) == Some(&17);
    let all = frames_of(name).into_iter().filter(udp);
    all.map(|frame| frame[42..].to_vec()).filter(|payload| payload.len() >= least).collect()
}

/// What TLS servers over IPv6 said in a capture, joined in order of arrival.
fn tls_servers_of(name: &str) -> Vec<u8> {
    let mut said = Vec::new();
    for frame in frames_of(name) {
        // Ethernet, IPv6 with TCP next, source port 443.
        let tcp = |frame: &[u8]| frame[12..14] == [0x86, 0xdd] && frame[20] == 6;
        if frame.len() > 74 && tcp(&frame) && frame[54..56] == 443_u16.to_be_bytes() {
            said.extend(&frame[54 + usize::from(frame[66] >> 4) * 4..]);
        }
    }
    said
}

/// A ClientHello as DTLS 1.2 carries it: a cookie's length behind the session id, fragment fields
/// in the handshake header, epoch and number in the record header.
fn dtls_hello(name: &str) -> Vec<u8> {
    let hello = Hello::new(name).bytes();
    let (before, after) = hello[9..].split_at(2 + 32 + 1 + 32);
    let body = [before, &[0], after].concat();
    let length = &(body.len() as u32).to_be_bytes()[1..];
    let message = [&[1], length, &[0, 0], &[0, 0, 0], length, &body].concat();
    let header = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1];
    [&header[..], &(message.len() as u16).to_be_bytes(), &message].concat()
}

/// Pieces, each behind its length, as bodies of datagrams take them.
fn pieces(all: &[Vec<u8>]) -> Vec<u8> {
    let mut joined = Vec::new();
    for piece in all {
        joined.extend((piece.len() as u16).to_be_bytes());
        joined.extend(piece);
    }
    joined
}

/// Sound inputs, each behind one byte that says how a stream is cut.
fn seeds() -> Vec<Vec<u8>> {
    let www = "www.office.example";
    let records = [
        Record::new(www, Data::Cname("a.b.evil.example".into())),
        Record::new("a.b.evil.example", Data::A([203, 0, 113, 7].into())),
        Record::new(www, Data::Https("c2.evil.example".into())),
        Record::new(www, Data::Other(say::TXT, b"\x04text".to_vec())),
    ];
    let answer = say::dns_answer(7, www, say::A, &records);
    let mut noise = Noise::new(11);
    let socks = b"\x05\x01\x00\x05\x01\x00\x03\x0fc2.evil.example\x01\xbb";
    let mut http2 =
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00".to_vec();
    http2.extend(b"\x00\x00\x14\x01\x05\x00\x00\x00\x01\x82\x86\x84\x41\x0fc2.evil.example");
    let frames = frames_of("ward-office.pcap");
    let query = wire::plain_frames(&verdict::query("c2.evil.example"));
    let mut all = vec![
        answer.clone(),
        say::dns_over_tcp(&answer),
        Hello::new("c2.evil.example").post_quantum().record_size(300).bytes(),
        say::server_flight(&mut noise, 300),
        say::http_get("c2.evil.example", "/a?b=c"),
        say::http_post("c2.evil.example:8080", "/a", b"GET / HTTP/1.1\r\nHost: x.example\r\n\r\n"),
        b"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n\
          CONNECT c2.evil.example:443 HTTP/1.1\r\n\r\n"
            .to_vec(),
        socks.to_vec(),
        http2,
        say::dhcp(say::DHCP_REQUEST, [2, 0, 0, 0, 0, 1], [192, 168, 1, 10].into(), "PC-01"),
        capture_file::pcap(&query),
        capture_file::pcapng(&query),
        capture_file::gzip(&capture_file::pcap(&query)),
        capture_file::zstd(&capture_file::pcap(&query)),
        capture_file::xz(&capture_file::pcap(&query)),
        capture_file::bzip2(&capture_file::pcap(&query)),
        capture_file::snoop(&query),
        verdict::feed(&["evil.example,domain,", "203.0.113.7:80,ip:port,", "a.test/b,url,"]).into(),
        "evil.example\n203.0.113.0/24\nhxxp://a[.]test/b # lạ\n*.b\u{fc}cher.example\n".into(),
        tls_servers_of("recorded/curl-https.pcap"),
        pieces(&[dtls_hello("c2.evil.example")]),
        pieces(&datagrams_of("recorded/chromium-quic.pcap", 1_200)),
        pieces(&[b"\x01\x01\x00first...".to_vec(), b"\x01\x00\x01last".to_vec()]),
        pieces(&packets::udp(verdict::pc(), verdict::at("192.168.1.1:53"), &answer)
            .chunks(24)
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()),
    ];
    all.extend(fuzz_worker::worker_seeds());
    // Frames behind a link type, as the body of `decode` takes them.
    all.extend(frames.iter().step_by(97).map(|frame| [&[1], &frame[..]].concat()));
    all.into_iter()
        .flat_map(|seed| [0, 1, 0x87].map(|first| [&[first], &seed[..]].concat()))
        .collect()
}

/// One to eight wounds: bytes changed, cut, doubled, or made extreme.
fn wound(noise: &mut Noise, input: &mut Vec<u8>) {
    for _ in 0..=noise.below(8) {
        if input.is_empty() {
            return;
        }
        let at = noise.below(input.len() as u64) as usize;
        let span = (at + 1 + noise.below(16) as usize).min(input.len());
        match noise.below(6) {
            0 => input[at] = noise.next() as u8,
            1 => input[at] = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff][noise.below(8) as usize],
            2 => input.truncate(at),
            3 => {
                let doubled = input[at..span].to_vec();
                input.splice(at..at, doubled);
            }
            4 => drop(input.drain(at..span)),
            _ => input[at] ^= 1 << noise.below(8),
        }
    }
}

/// Runs a body and says with which input it failed.
fn run(target: &str, body: Body, input: &[u8]) {
    if std::panic::catch_unwind(|| body(input)).is_err() {
        let path = std::env::temp_dir().join(format!("wardwatch-{target}-failed"));
        std::fs::write(&path, input).unwrap();
        panic!("{target} broke a promise; its input is in {}", path.display());
    }
}

/// Gives every body its share on a thread of its own.
fn each_body(inputs: impl Fn(&str, Body) + Sync) {
    std::thread::scope(|scope| {
        for half in BODIES.chunks(BODIES.len().div_ceil(2)) {
            let inputs = &inputs;
            scope.spawn(move || half.iter().for_each(|(target, body)| inputs(target, *body)));
        }
    });
}

/// Without this, the tests below could run on nothing for years.
#[test]
fn every_body_reads_something_of_sound_messages() {
    let seeds = seeds();
    for (target, body) in BODIES {
        READ.set(0);
        for seed in &seeds {
            body(seed);
            body(&seed[1..]);
        }
        assert!(READ.get() > 0, "{target} read nothing");
    }
}

#[test]
fn noise_breaks_no_promise() {
    each_body(|target, body| {
        let mut noise = Noise::new(target.len() as u64);
        for round in 0..rounds() {
            let length = noise.below(1 + round % 400 * 4) as usize;
            run(target, body, &noise.bytes(length));
        }
    });
}

#[test]
fn damaged_messages_break_no_promise() {
    let seeds = seeds();
    each_body(|target, body| {
        let mut noise = Noise::new(0x5eed + target.len() as u64);
        for seed in &seeds {
            run(target, body, seed);
            run(target, body, &seed[1..]);
            // Where a piece holds a whole message, the body sees many wounds of it.
            for _ in 0..rounds() / 20 {
                let from = noise.below(2) as usize;
                let mut input = seed[from..].to_vec();
                wound(&mut noise, &mut input);
                run(target, body, &input);
            }
        }
    });
}

#[test]
fn every_prefix_of_a_message_is_read_without_harm() {
    for seed in seeds().into_iter().filter(|seed| seed.len() < 600) {
        for (target, body) in BODIES {
            for end in (0..seed.len()).step_by(3) {
                run(target, body, &seed[..end]);
            }
        }
    }
}

/// `scripts/fuzz` begins with these: `WARDWATCH_SEEDS` names its folder.
#[test]
fn seeds_are_written_one_a_file() {
    let own = support::run::temporary_directory();
    let asked = std::env::var_os("WARDWATCH_SEEDS").map(std::path::PathBuf::from);
    let folder = asked.unwrap_or_else(|| own.path().to_owned());
    let seeds: std::collections::BTreeSet<Vec<u8>> =
        seeds().into_iter().flat_map(|seed| [seed[1..].to_vec(), seed]).collect();
    for (nth, seed) in seeds.iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{nth}")), seed).unwrap();
    }
    assert!(std::fs::read_dir(&folder).unwrap().count() >= seeds.len());
}

#[test]
fn each_body_has_its_fuzz_target() {
    let manifest = include_str!("fuzz/Cargo.toml");
    for (target, _) in BODIES {
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
        let source = format!("tests/fuzz/targets/{target}.rs");
        assert!(std::path::Path::new(&source).exists(), "{source}");
    }
}
