//! What the tests of TLS, QUIC and DTLS share: hellos to read, an observer that remembers, and a
//! stream that shows chunks as the flow stage does.

use proptest::prelude::*;

use crate::extract::{Context, Scratch};
use crate::flow::stream::{Chunk, Cut, Verdict};
use crate::net::{Address, Endpoint};
use crate::observation::{Message, Observation, Observer, Value};
use crate::stats::{Counter, Counters};

/// Remembers what it is told, as text.
#[derive(Debug, Default, PartialEq)]
pub(in crate::extract) struct Recorder {
    /// `label value` of each observation.
    pub(in crate::extract) seen: Vec<String>,
    /// Server name and QUIC version of each hello.
    pub(in crate::extract) hellos: Vec<(Option<String>, u32)>,
    pub(in crate::extract) counters: Counters,
}

impl Observer for Recorder {
    fn seen(&mut self, observation: Observation<'_>) {
        let value = match observation.value {
            Value::Name(name) => name.to_owned(),
            Value::Address(address) => format!("address {address}"),
            Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
            other => format!("{other:?}"),
        };
        self.seen.push(format!("{} {value}", observation.kind.label()));
    }

    fn message(&mut self, message: Message<'_>) {
        if let Message::Tls(hello) | Message::Quic(hello) | Message::Dtls(hello) = message {
            self.hellos.push((hello.sni.map(str::to_owned), hello.quic_version));
        }
    }

    fn count(&mut self, counter: Counter) {
        self.counters.count(counter);
    }
}

pub(in crate::extract) const CLIENT: Endpoint =
    Endpoint { address: Address::v4([192, 0, 2, 10]), port: 50_000 };
pub(in crate::extract) const SERVER: Endpoint =
    Endpoint { address: Address::v4([198, 51, 100, 1]), port: 443 };

/// Runs `act` with a context of this sender; the scratch space is left dirty on purpose.
pub(in crate::extract) fn with<R>(
    recorder: &mut Recorder,
    source: Endpoint,
    act: impl FnOnce(&mut Context<'_>) -> R,
) -> R {
    let mut scratch = Scratch::default();
    scratch.host.push_str("left over");
    scratch.bytes.extend_from_slice(b"left over");
    let destination = if source == CLIENT { SERVER } else { CLIENT };
    act(&mut Context { source, destination, observer: recorder, scratch: &mut scratch })
}

/// Shows `segments` one by one, unconsumed bytes again, and `cut` after the last; true if the
/// parser answered `All`.
pub(in crate::extract) fn feed(
    segments: &[&[u8]],
    cut: Cut,
    mut advance: impl FnMut(Chunk<'_>) -> Verdict,
) -> bool {
    let (mut held, mut skip) = (Vec::new(), 0_u64);
    for (place, segment) in segments.iter().enumerate() {
        held.extend_from_slice(segment);
        let skipped = usize::try_from(skip).unwrap().min(held.len());
        held.drain(..skipped);
        skip -= skipped as u64;
        let cut = if place + 1 == segments.len() { cut } else { Cut::None };
        let chunk = Chunk { bytes: &held, from_start: true, after_gap: false, cut };
        match advance(chunk) {
            Verdict::All => return true,
            Verdict::Consumed(n) => {
                let n = n + skip;
                let drained = usize::try_from(n).unwrap().min(held.len());
                held.drain(..drained);
                skip = n - drained as u64;
            }
        }
    }
    false
}

/// Cuts bytes at these places.
pub(in crate::extract) fn split<'a>(
    bytes: &'a [u8],
    cuts: &[prop::sample::Index],
) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.dedup();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

pub(in crate::extract) fn counted(length_bytes: usize, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_be_bytes();
    [&length[8 - length_bytes..], data].concat()
}

pub(in crate::extract) fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [kind.to_be_bytes().to_vec(), counted(2, data)].concat()
}

/// A `server_name` extension with these entries.
pub(in crate::extract) fn server_name(names: &[&[u8]]) -> Vec<u8> {
    let list: Vec<u8> =
        names.iter().flat_map(|name| [vec![0], counted(2, name)].concat()).collect();
    extension(0, &counted(2, &list))
}

/// A ClientHello's body with this extensions block; DTLS has a cookie.
pub(in crate::extract) fn body(extensions: &[u8], cookie: Option<&[u8]>) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([0x5a; 32]);
    body.extend(counted(1, &[7; 32]));
    if let Some(cookie) = cookie {
        body.extend(counted(1, cookie));
    }
    body.extend(counted(2, &[0x13, 0x01, 0x13, 0x02, 0xc0, 0x2f]));
    body.extend(counted(1, &[0]));
    body.extend(counted(2, extensions));
    body
}

/// A handshake message.
pub(in crate::extract) fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    [vec![kind], counted(3, body)].concat()
}

/// A whole ClientHello message for one name, with other extensions around it and `padding` more.
pub(in crate::extract) fn client_hello(name: &[u8], padding: usize) -> Vec<u8> {
    let block = [
        extension(0x3a3a, &[]),
        extension(16, &counted(2, b"\x02h2")),
        server_name(&[name]),
        extension(21, &vec![0; padding]),
    ];
    handshake(1, &body(&block.concat(), None))
}

/// One record.
pub(in crate::extract) fn record(kind: u8, fragment: &[u8]) -> Vec<u8> {
    [vec![kind, 3, 1], counted(2, fragment)].concat()
}
