//! Bodies for the whole worker and for the stages between its parsers: sequences of packets, a
//! contact planted among them, and the glance at DNS messages beside the reader.
//!
//! Promises beside "no panic": the same packets give the same answer twice, what is held stays
//! below its bound, and a contact is an alert whatever came before it, between its parts, and in
//! whatever pieces and order it came.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(unreachable_pub)] // included by several crates

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use wardwatch::alert::event::EventKinds;
use wardwatch::alert::outbox::Record;
use wardwatch::alert::{HomeNetworks, Origin, Outbox};
use wardwatch::extract::dns;
use wardwatch::extract::dns::glance::Glance;
use wardwatch::matching::{IndicatorSet, Matcher};
use wardwatch::observation::{Message, Observation, Observer};
use wardwatch::stats::Counter;
use wardwatch::worker::{Assignment, Limits, Worker};

use super::fuzz_bodies::{count_read, frame, pieces};

/// The name of the planted contact.
const EVIL: &str = "c2.evil.example";
/// What a worker may hold, in bytes.
const HELD: usize = 256 * 1024;

static INDICATORS: LazyLock<Arc<IndicatorSet>> = LazyLock::new(|| {
    let rows = b"indicator,type\nevil.example,domain\n203.0.113.66,ip\n203.0.113.7:4433,ip:port\n\
                 198.51.100.96/28,cidr\nhttp://drop.test/load/,url\nEvilAgent/1.0,user-agent\n";
    let feed = ioc_feeds::format::load_bytes("fuzz", rows).expect("a sound feed");
    assert_eq!(feed.indicators.len(), 6);
    Arc::new(IndicatorSet::build(feed.indicators, &[]))
});

fn new_worker() -> Worker {
    let assignment = Assignment {
        limits: Limits { held_bytes: HELD, ..Limits::default() },
        home: HomeNetworks::default(),
        events: EventKinds::all(),
        origin: Origin::Capture("fuzz".into()),
    };
    Worker::new(assignment, Arc::clone(&INDICATORS), Outbox::keeping())
}

/// The sum of sixteen-bit words that internet checksums are made of.
fn sum(bytes: &[u8]) -> u32 {
    bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |b| u32::from(*b)))
        .sum()
}

fn folded(mut sum: u32) -> [u8; 2] {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

type End = ([u8; 4], u16);

/// An Ethernet frame with an IPv4 packet. `place`: the fragment word.
fn ipv4(
    (source, destination): ([u8; 4], [u8; 4]),
    protocol: u8,
    place: u16,
    body: &[u8],
) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend((20 + body.len() as u16).to_be_bytes());
    header.extend([0, 7]);
    header.extend(place.to_be_bytes());
    header.extend([64, protocol, 0, 0]);
    header.extend(source);
    header.extend(destination);
    let check = folded(sum(&header));
    header[10..12].copy_from_slice(&check);
    let mut out = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    out.extend(header);
    out.extend(body);
    out
}

fn transport((from, to): (End, End), protocol: u8, mut body: Vec<u8>, at: usize) -> Vec<u8> {
    let pseudo = [&from.0[..], &to.0, &[0, protocol], &(body.len() as u16).to_be_bytes()].concat();
    let check = folded(sum(&pseudo) + sum(&body));
    body[at..at + 2].copy_from_slice(&check);
    ipv4((from.0, to.0), protocol, 0, &body)
}

fn tcp(ends: (End, End), sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(ends.0.1.to_be_bytes());
    body.extend(ends.1.1.to_be_bytes());
    body.extend(sequence.to_be_bytes());
    body.extend([0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    body.extend(payload);
    transport(ends, 6, body, 16)
}

fn udp(ends: (End, End), payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(ends.0.1.to_be_bytes());
    body.extend(ends.1.1.to_be_bytes());
    body.extend((8 + payload.len() as u16).to_be_bytes());
    body.extend([0, 0]);
    body.extend(payload);
    transport(ends, 17, body, 6)
}

/// A ClientHello that names [`EVIL`].
fn client_hello() -> Vec<u8> {
    let name = EVIL.as_bytes();
    let length = name.len() as u16;
    let mut sni = vec![0, 0];
    sni.extend((length + 5).to_be_bytes());
    sni.extend((length + 3).to_be_bytes());
    sni.push(0);
    sni.extend(length.to_be_bytes());
    sni.extend(name);
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 1, 1, 0]);
    body.extend((sni.len() as u16).to_be_bytes());
    body.extend(sni);
    let mut message = vec![1, 0];
    message.extend((body.len() as u16).to_be_bytes());
    message.extend(body);
    let mut record = vec![0x16, 3, 1];
    record.extend((message.len() as u16).to_be_bytes());
    record.extend(message);
    record
}

/// What the planted client says: one of the ways a name is sent in clear.
fn contact(which: u8) -> (Vec<u8>, u16) {
    match which % 4 {
        0 => (client_hello(), 443),
        1 => (format!("GET / HTTP/1.1\r\nAccept: */*\r\nHost: {EVIL}\r\n\r\n").into_bytes(), 80),
        2 => {
            let connect = b"CONNECT good.example:443 HTTP/1.1\r\nHost: good.example:443\r\n\r\n";
            ([&connect[..], &client_hello()].concat(), 3128)
        }
        _ => ([b"\x05\x01\x00\x05\x01\x00\x03\x0f", EVIL.as_bytes(), b"\x01\xbb"].concat(), 1080),
    }
}

/// The frame that a piece of the input asks for, and the nanoseconds that pass before it.
fn asked(piece: &[u8]) -> Option<(Vec<u8>, u64)> {
    let ([op, seed, wait], rest) = piece.split_first_chunk::<3>()?;
    let client: End = ([192, 168, 1, 10 + (seed & 3)], 40_000 + u16::from(seed >> 2 & 7));
    let ports = [53, 80, 443, 1080, 5300, 4789, 3544, 67];
    let hosts = [[198, 51, 100, 1], [203, 0, 113, 5]];
    let server: End = (hosts[usize::from(op >> 6 & 1)], ports[usize::from(seed >> 5)]);
    let ends = if op & 0x20 == 0 { (client, server) } else { (server, client) };
    let nanos = u64::from(*wait).pow(4) * 100;
    let frame = match op & 7 {
        0 => rest.to_vec(),
        1 => udp(ends, rest),
        2 => {
            let ([high, low], payload) = rest.split_first_chunk::<2>()?;
            let word = u16::from_be_bytes([*high & 0x3f, *low]);
            ipv4((ends.0.0, ends.1.0), [6, 17][usize::from(op >> 4 & 1)], word, payload)
        }
        3 => ipv4((ends.0.0, ends.1.0), *seed, 0, rest),
        _ => {
            let ([flags, high, low], payload) = rest.split_first_chunk::<3>()?;
            tcp(ends, 1000 + u32::from(u16::from_be_bytes([*high, *low])), *flags, payload)
        }
    };
    Some((frame, nanos))
}

/// A worker that is shown frames one after another.
struct Shown {
    worker: Worker,
    number: u64,
    nanos: u64,
}

impl Shown {
    fn frame(&mut self, bytes: &[u8], wait: u64) {
        self.number += 1;
        self.nanos += wait + 1_000;
        let mut frame = frame(1, bytes, self.number);
        frame.time = wardwatch::net::Timestamp::new(1_700_000_000, 0).after(self.nanos);
        self.worker.frame(&frame);
        let held = self.worker.held_bytes();
        assert!(held <= HELD, "{held} bytes are held");
    }

    /// `where seen` of each alert of a PC, and all records as text.
    fn end(mut self) -> (BTreeSet<String>, Vec<String>) {
        self.worker.wind_up();
        assert_eq!(self.worker.held_bytes(), 0, "held behind the end");
        let mut alerts = BTreeSet::new();
        let mut all = Vec::new();
        for (number, record) in self.worker.take_records() {
            if let Record::Alert(alert) = &record {
                alerts.insert(format!("{} {}", alert.ours.address, alert.seen));
                all.push(format!("{number} {:?} {}", alert.kind, alert.seen));
            } else {
                all.push(format!("{number} {record:?}"));
            }
        }
        (alerts, all)
    }
}

/// Packets as the input says; a contact in pieces between them, and one behind all of them.
pub fn worker(data: &[u8]) {
    let Some(([which, order, cuts @ ..], rest)) = data.split_first_chunk::<6>() else { return };
    let (first, second) =
        (watched(*which, *order, *cuts, rest), watched(*which, *order, *cuts, rest));
    assert_eq!(first, second, "the same packets, another answer");
}

fn watched(which: u8, order: u8, cuts: [u8; 4], rest: &[u8]) -> Vec<String> {
    let mut shown = Shown { worker: new_worker(), number: 0, nanos: 0 };
    let (said, port) = contact(which);
    let planted: (End, End) = (([192, 168, 1, 200], 50_000), ([198, 51, 100, 9], port));
    let mut places: Vec<usize> = cuts.iter().map(|cut| usize::from(*cut) % said.len()).collect();
    places.extend([0, said.len()]);
    places.sort_unstable();
    let mut parts: Vec<(usize, usize)> = places.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let turns = usize::from(order) % parts.len();
    parts.rotate_left(turns);
    shown.frame(&tcp(planted, 999_999, 2, b""), 0);
    let mut parts = parts.into_iter();
    let say = |shown: &mut Shown, part: Option<(usize, usize)>| {
        if let Some((from, to)) = part {
            shown.frame(&tcp(planted, 1_000_000 + from as u32, 0x18, &said[from..to]), 0);
        }
    };
    for piece in pieces(rest) {
        if let Some((bytes, wait)) = asked(piece) {
            // Nobody waits for a second half longer than a flow is remembered.
            shown.frame(&bytes, wait.min(100_000_000));
        }
        say(&mut shown, parts.next());
    }
    parts.by_ref().for_each(|part| say(&mut shown, Some(part)));
    let last: (End, End) = (([192, 168, 1, 201], 50_001), ([198, 51, 100, 9], 443));
    shown.frame(&tcp(last, 5, 2, b""), 0);
    shown.frame(&tcp(last, 6, 0x18, &client_hello()), 0);
    let (alerts, all) = shown.end();
    for pc in ["192.168.1.200", "192.168.1.201"] {
        assert!(alerts.contains(&format!("{pc} {EVIL}")), "{pc} is not seen: {alerts:?}");
    }
    count_read();
    all
}

/// Takes down what is seen of a DNS message.
struct Met<'a> {
    matcher: &'a mut Matcher,
    hits: u64,
    seen: u64,
}

impl Observer for Met<'_> {
    fn seen(&mut self, observation: Observation<'_>) {
        count_read();
        self.seen += 1;
        let mut hits = 0;
        self.matcher.find(&observation, &mut |_| hits += 1);
        assert!(hits == 0 || !self.matcher.misses(&observation), "a hit that is said to miss");
        self.hits += hits;
    }
    fn message(&mut self, _: Message<'_>) {}
    fn count(&mut self, _: Counter) {}
}

/// A DNS message that the glance passes over meets nothing when it is read.
pub fn glance(data: &[u8]) {
    let mut matcher = Matcher::new(Arc::clone(&INDICATORS));
    let dismissed = Glance::at(data).and_then(|glance| matcher.dismisses(&glance));
    let mut met = Met { matcher: &mut matcher, hits: 0, seen: 0 };
    let _ = dns::Reader::default().read_on_port(data, &mut met);
    if let Some(seen) = dismissed {
        assert_eq!((met.hits, met.seen), (0, seen), "passed over at a glance");
    }
}

/// Sound inputs of [`worker`], before they are damaged.
pub fn worker_seeds() -> Vec<Vec<u8>> {
    let piece = |op: u8, seed: u8, rest: &[u8]| {
        let mut piece = ((rest.len() + 3) as u16).to_be_bytes().to_vec();
        piece.extend([op, seed, 40]);
        piece.extend(rest);
        piece
    };
    let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03www\x06office\x07example\0\0\x01\0\x01";
    let hello = client_hello();
    let segment =
        |flags: u8, at: u16, bytes: &[u8]| [&[flags], &at.to_be_bytes()[..], bytes].concat();
    let noise = [
        piece(1, 0, query),
        piece(4, 0x41, &segment(2, 0, b"")),
        piece(4, 0x41, &segment(0x18, 1, &hello[..50])),
        piece(4, 0x41, &segment(0x18, 51, &hello[50..])),
        piece(4, 0x41, &segment(0x11, 200, b"")),
        piece(2, 3, &[&[0x20, 0], &hello[..48]].concat()),
        piece(2, 3, &[&[0x00, 6], &hello[48..]].concat()),
        piece(1, 0x42, &[&[0xc0, 0, 0, 0, 1, 8], &[9; 60][..]].concat()),
    ]
    .concat();
    (0..4).map(|which| [&[which, which, 20, 40, 60, 80], &noise[..]].concat()).collect()
}
