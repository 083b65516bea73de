//! One body a parser: takes any bytes, and panics when a promise of the parser is broken.
//!
//! Shared by `tests/fuzz` (libFuzzer) and `tests/robustness.rs` (seeded noise, in every run of
//! the tests). A body takes its choices (segment sizes, holes, sides) from the first bytes of
//! the input. Promises beside "no panic": names are in comparable spelling, urls begin with a
//! slash, spans lie in their text, and nothing is said more often than bytes came in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(unreachable_pub)] // included by several crates

use std::cell::Cell;
use std::io::Cursor;

use wardwatch::alert::event::{EventBody, EventKinds};
use wardwatch::capture::file::CaptureFile;
use wardwatch::capture::{Frame, LinkType, Next, Source};
use wardwatch::decode::packet::{Decoded, Transport};
use wardwatch::decode::{decode, decode_ip};
use wardwatch::extract::session::Session;
use wardwatch::extract::{Context, Scratch, dhcp, dns, dtls, http, http2, quic, socks, tls};
use wardwatch::flow::fragment::{FragmentLimits, FragmentTable};
use wardwatch::flow::stream::{Chunk, Cut, Verdict};
use wardwatch::net::{Address, Endpoint, Side, Timestamp};
use wardwatch::observation::{DnsData, Message, Observation, Observer, Value};
use wardwatch::stats::Counter;

use super::fuzz_worker;

/// What a fuzz target runs.
pub type Body = fn(&[u8]);

/// Every body by the name of its target.
pub const BODIES: [(&str, Body); 19] = [
    ("decode", frames),
    ("capture_file", capture_file),
    ("dns", dns_message),
    ("dns_tcp", dns_stream),
    ("tls_hello", tls_hello),
    ("tls_certificate", tls_certificate),
    ("quic", quic_datagrams),
    ("dtls", dtls_datagrams),
    ("dhcp", dhcp_message),
    ("http", http_requests),
    ("http2", http2_requests),
    ("socks", socks_client),
    ("session", session),
    ("fragments", fragments),
    ("feed_native", feed_native),
    ("feed_plain", feed_plain),
    ("name", name),
    ("worker", fuzz_worker::worker),
    ("glance", fuzz_worker::glance),
];

thread_local! {
    /// Observations and frames of all bodies of this thread: a body that reads nothing proves
    /// nothing.
    pub static READ: Cell<u64> = const { Cell::new(0) };
}

pub(super) fn count_read() {
    READ.set(READ.get() + 1);
}

/// An observer that holds parsers to what they promise.
struct Checked {
    /// What may still be said.
    left: usize,
}

impl Checked {
    fn new(bytes: usize) -> Self {
        Self { left: 2 * bytes + 16 }
    }

    fn name(text: &str) {
        let fits = |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase();
        assert!(text.bytes().all(fits), "not in comparable spelling: {text:?}");
        assert!(!text.ends_with('.'), "a trailing dot: {text:?}");
    }
}

impl Observer for Checked {
    fn seen(&mut self, observation: Observation<'_>) {
        count_read();
        self.left = self.left.checked_sub(1).expect("more observations than bytes");
        match observation.value {
            Value::Name(text) => Self::name(text),
            Value::Url { host, target, .. } => {
                assert!(!host.is_empty(), "a url without a host");
                assert_eq!(target.first(), Some(&b'/'), "{target:?}");
            }
            Value::Address(_) | Value::Endpoint(_) | Value::Text(_) => {}
        }
    }

    fn message(&mut self, message: Message<'_>) {
        count_read();
        // What event records make of it: fingerprints, texts, copies.
        let _ = EventBody::wanted(&message, EventKinds::all());
        if let Message::Dns(message) = message {
            message.questions.iter().for_each(|row| Self::name(message.text(row.name)));
            for record in message.records {
                Self::name(message.text(record.owner));
                if let DnsData::Name(span) = record.data {
                    Self::name(message.text(span));
                }
            }
        }
    }

    fn count(&mut self, _: Counter) {}
}

fn client() -> Endpoint {
    Endpoint { address: Address::v4([192, 0, 2, 10]), port: 50_000 }
}

fn server() -> Endpoint {
    Endpoint { address: Address::v4([198, 51, 100, 1]), port: 443 }
}

/// Runs something with a context whose observer checks what is said of `bytes` bytes.
fn with_context<T>(bytes: usize, side: Side, act: impl FnOnce(&mut Context<'_>) -> T) -> T {
    let (mut observer, mut scratch) = (Checked::new(bytes), Scratch::default());
    let (source, destination) = match side {
        Side::Low => (client(), server()),
        Side::High => (server(), client()),
    };
    act(&mut Context { source, destination, observer: &mut observer, scratch: &mut scratch })
}

/// Pieces of the input, each behind its length in two bytes.
pub(super) fn pieces(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (piece, next) = after.split_at(length);
        rest = next;
        Some(piece)
    })
}

/// What is held for a direction before it is given up, as the flow stage would.
const HELD: usize = 64 * 1024;

/// Shows a parser the input as a stream: the first byte says how large the segments are and, with
/// its top bit, whether one in eight is lost.
fn drive(data: &[u8], mut advance: impl FnMut(Chunk<'_>) -> Verdict) {
    let Some((&first, bytes)) = data.split_first() else { return };
    let size = match first & 0x7f {
        0 => bytes.len().max(1),
        size => usize::from(size),
    };
    let mut held: Vec<u8> = Vec::new();
    let (mut skip, mut after_gap, mut from_start) = (0_u64, false, true);
    let count = bytes.len().div_ceil(size);
    for (number, part) in bytes.chunks(size).enumerate() {
        let lost = first & 0x80 != 0 && number % 8 == 7;
        let skipped = part.len().min(usize::try_from(skip).unwrap_or(usize::MAX));
        skip -= skipped as u64;
        if !lost {
            held.extend(&part[skipped..]);
        }
        let cut = match () {
            () if number + 1 == count => Cut::End,
            () if lost || held.len() > HELD => Cut::Gap,
            () => Cut::None,
        };
        if held.is_empty() && cut == Cut::None {
            continue;
        }
        match advance(Chunk { bytes: &held, from_start, after_gap, cut }) {
            Verdict::All => return,
            Verdict::Consumed(done) => {
                let within = held.len().min(usize::try_from(done).unwrap_or(usize::MAX));
                skip = skip.saturating_add(done - within as u64);
                held.drain(..within);
                from_start &= done == 0;
                after_gap = cut == Cut::Gap;
            }
        }
        if cut == Cut::Gap {
            held.clear();
        }
    }
}

pub(super) fn frame(link: u16, data: &[u8], number: u64) -> Frame<'_> {
    Frame {
        time: Timestamp::new(1_700_000_000 + number as i64, 0),
        link: LinkType(link),
        wire_length: u32::try_from(data.len()).unwrap_or(u32::MAX),
        data,
        number,
        stripped_vlan: None,
    }
}

/// Frames of any link layer.
pub fn frames(data: &[u8]) {
    let Some((link, bytes)) = data.split_first_chunk::<2>() else { return };
    let known = [0, 1, 9, 50, 101, 105, 113, 127, 228, 229, 276];
    let asked = u16::from_be_bytes(*link);
    for link in known.into_iter().chain([asked]) {
        if let Ok(Decoded::Ip(packet)) = decode(&frame(link, bytes, 1)) {
            let payload = match packet.transport {
                Transport::Tcp(segment) => segment.payload,
                Transport::Udp(payload) | Transport::Fragment { payload, .. } => payload,
                _ => &[],
            };
            count_read();
            assert!(payload.len() <= bytes.len());
        }
    }
}

/// Whole captures, packed or not.
pub fn capture_file(data: &[u8]) {
    let reader = Box::new(Cursor::new(data.to_vec()));
    let Ok(mut file) = CaptureFile::from_reader("fuzz".into(), reader) else { return };
    // gzip may hold a thousand times its size.
    for _ in 0..4096 {
        match file.next_frame() {
            Ok(Next::Frame(frame)) => {
                count_read();
                let _ = decode(&frame);
            }
            Ok(Next::End) => return,
            Err(error) => {
                assert!(error.to_string().contains("fuzz"), "{error}");
                return;
            }
        }
    }
}

/// One DNS message.
pub fn dns_message(data: &[u8]) {
    let mut reader = dns::Reader::default();
    for _ in 0..2 {
        // Twice: what is reused between messages must not show.
        let _ = reader.read(data, &mut Checked::new(data.len()));
    }
    let _ = dns::plausible(data, true);
    let _ = dns::plausible(data, false);
}

/// A stream of DNS messages.
pub fn dns_stream(data: &[u8]) {
    let _ = dns::probe(data);
    let mut messages = dns::TcpMessages::default();
    with_context(data.len(), Side::Low, |cx| drive(data, |chunk| messages.advance(chunk, cx)));
}

/// A TLS client's stream.
pub fn tls_hello(data: &[u8]) {
    let _ = (tls::probe(data), tls::find_hello(data));
    let mut hellos = tls::Hellos::default();
    with_context(data.len(), Side::Low, |cx| drive(data, |chunk| hellos.advance(chunk, cx)));
}

/// A TLS server's stream.
pub fn tls_certificate(data: &[u8]) {
    let _ = tls::probe_server(data);
    let mut certificates = tls::Certificates::default();
    with_context(data.len(), Side::High, |cx| {
        drive(data, |chunk| certificates.advance(chunk, cx));
    });
}

/// Datagrams of a QUIC client.
pub fn quic_datagrams(data: &[u8]) {
    let mut chlo = quic::Chlo::default();
    with_context(data.len(), Side::Low, |cx| {
        for datagram in pieces(data) {
            let _ = quic::probe(datagram);
            let _ = quic::read(datagram, cx);
            let _ = chlo.read(datagram, cx);
        }
        tell_half_read(cx);
    });
}

/// Datagrams of a DTLS client.
pub fn dtls_datagrams(data: &[u8]) {
    with_context(data.len(), Side::Low, |cx| {
        for datagram in pieces(data) {
            let _ = dtls::probe(datagram);
            let _ = dtls::read(datagram, cx);
        }
        tell_half_read(cx);
    });
}

/// What came of handshakes that are not whole.
fn tell_half_read(cx: &mut Context<'_>) {
    cx.scratch.handshakes.flush();
    while let Some(due) = cx.scratch.handshakes.take_due() {
        due.tell(cx);
    }
    assert_eq!(cx.scratch.handshakes.held_bytes(), 0);
}

/// A DHCP message.
pub fn dhcp_message(data: &[u8]) {
    with_context(data.len(), Side::Low, |cx| dhcp::read(data, cx));
}

/// An HTTP/1 client's stream, and the input as a datagram.
pub fn http_requests(data: &[u8]) {
    let _ = (http::probe(data), http::probe_response(data), http::find_request(data, 0));
    with_context(data.len(), Side::Low, |cx| http::datagram(data, cx));
    let mut requests = http::Requests::default();
    with_context(data.len(), Side::Low, |cx| drive(data, |chunk| requests.advance(chunk, cx)));
}

/// An HTTP/2 client's stream.
pub fn http2_requests(data: &[u8]) {
    let _ = http2::probe(data);
    let mut requests = http2::Requests::default();
    // A header block may name one table entry a byte, so one byte may say a host.
    with_context(data.len(), Side::Low, |cx| drive(data, |chunk| requests.advance(chunk, cx)));
}

/// A SOCKS client's stream.
pub fn socks_client(data: &[u8]) {
    let _ = socks::probe(data);
    let mut client = socks::Client::default();
    with_context(data.len(), Side::Low, |cx| drive(data, |chunk| client.advance(chunk, cx)));
}

/// Everything a flow carries, the protocol guessed: a stream of each side, and datagrams.
pub fn session(data: &[u8]) {
    for side in [Side::Low, Side::High] {
        let mut stream = Session::default();
        with_context(2 * data.len(), side, |cx| {
            drive(data, |chunk| stream.stream(side, chunk, cx));
        });
    }
    let mut datagrams = Session::default();
    with_context(4 * data.len(), Side::Low, |cx| {
        let ends = (cx.source, cx.destination);
        for (number, piece) in pieces(data).enumerate() {
            let back = number % 3 == 2;
            (cx.source, cx.destination) = if back { (ends.1, ends.0) } else { ends };
            datagrams.datagram(if back { Side::High } else { Side::Low }, piece, cx);
        }
        tell_half_read(cx);
    });
}

/// Fragments of a few packets: each piece is identification, place in units of eight bytes with
/// the last-fragment bit, and payload.
pub fn fragments(data: &[u8]) {
    let limits = FragmentLimits { packets: 4, bytes: 16 * 1024, age_nanos: 8_000_000_000 };
    let mut table = FragmentTable::new(limits);
    for (number, piece) in pieces(data).enumerate() {
        let Some(([id, more, place], payload)) = piece.split_first_chunk::<3>() else { continue };
        let word = u16::from(*place) | u16::from(*more & 1) << 13;
        let mut packet = vec![0x45, 0];
        packet.extend((20 + payload.len() as u16).to_be_bytes());
        packet.extend([0, id % 8]);
        packet.extend(word.to_be_bytes());
        packet.extend([64, 17, 0, 0, 192, 0, 2, 1, 198, 51, 100, 2]);
        packet.extend(payload);
        let frame = frame(101, &packet, number as u64);
        let Ok(Decoded::Ip(packet)) = decode(&frame) else { continue };
        if let Some(whole) = table.push(frame.time, &packet) {
            count_read();
            whole.readings().for_each(|reading| {
                let _ = decode_ip(whole.head, reading);
            });
        }
        while let Some(partial) = table.take_partial() {
            partial.readings().for_each(|reading| {
                let _ = decode_ip(partial.head, reading);
            });
        }
        assert!(table.len() <= 4 && table.bytes() <= 16 * 1024);
    }
    table.flush();
    assert!(table.is_empty());
}

/// A feed of our own format, and what is written of it.
pub fn feed_native(data: &[u8]) {
    let mut text = b"indicator,type,scope,threat\n".to_vec();
    text.extend(data);
    for bytes in [data, &text] {
        let Ok(feed) = ioc_feeds::format::load_bytes("fuzz", bytes) else { continue };
        assert!(feed.indicators.len() <= bytes.len());
        feed.indicators.iter().for_each(|_| count_read());
        let mut written = Vec::new();
        ioc_feeds::format::native::write(&feed.indicators, &mut written).unwrap();
        let again = ioc_feeds::format::load_bytes("fuzz", &written).expect("our own writing");
        assert_eq!(again.indicators.len(), feed.indicators.len(), "written, then read");
    }
}

/// A plain list, and the same text as an allow list.
pub fn feed_plain(data: &[u8]) {
    let _ = ioc_feeds::format::load_bytes("fuzz", data);
    if let Ok(text) = std::str::from_utf8(data) {
        let list = ioc_feeds::allow::AllowList::parse(text);
        assert!(list.entries().len() <= data.len() + 1);
        list.entries().iter().for_each(|_| count_read());
    }
}

/// A name or any other value as people write it, one a line.
pub fn name(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for line in text.lines() {
        let _ = ioc_feeds::format::value::guess(line);
        if let Ok(name) = ioc_feeds::name::Name::parse(line) {
            count_read();
            Checked::name(name.as_str());
            let again = ioc_feeds::name::Name::parse(name.as_str());
            assert_eq!(again.as_ref(), Ok(&name), "parsed again");
            let mut spelled = String::new();
            wardwatch::extract::spelling::spell(name.as_str().as_bytes(), &mut spelled);
            assert_eq!(spelled, name.as_str(), "feeds and the wire spell alike");
        }
    }
}
