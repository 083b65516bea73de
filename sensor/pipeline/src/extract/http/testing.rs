//! What tests of this stage share: an observer that writes down, and a stream that is cut up.

use crate::extract::session::Session;
use crate::extract::{Context, Scratch};
use crate::flow::stream::{Chunk, Cut, Verdict};
use crate::net::{Address, Endpoint, Side};
use crate::observation::{Message, Observation, Observer, Value};
use crate::stats::Counter;

/// Writes down what is seen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// `http.host a.example`, in order.
    pub(crate) lines: Vec<String>,
    /// `GET /path host port`, in order.
    pub(crate) messages: Vec<String>,
    /// What was counted.
    pub(crate) counted: Vec<Counter>,
}

impl Seen {
    /// The values seen as `kind`.
    pub(crate) fn of(&self, kind: &str) -> Vec<&str> {
        let start = format!("{kind} ");
        self.lines.iter().filter_map(|line| line.strip_prefix(&start)).collect()
    }
}

impl Observer for Seen {
    fn seen(&mut self, observation: Observation<'_>) {
        let value = match observation.value {
            Value::Name(name) => name.to_string(),
            Value::Address(address) => address.to_string(),
            Value::Endpoint(endpoint) => endpoint.to_string(),
            Value::Url { host, port, target } => {
                format!("{host} {port} {}", String::from_utf8_lossy(target))
            }
            Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
        };
        self.lines.push(format!("{} {value}", observation.kind.label()));
    }

    fn message(&mut self, message: Message<'_>) {
        let Message::Http(request) = message else { return };
        self.messages.push(format!(
            "{} {} {} {}",
            String::from_utf8_lossy(request.method),
            String::from_utf8_lossy(request.target),
            request.host.unwrap_or("-"),
            request.port.map_or_else(|| "-".to_string(), |port| port.to_string()),
        ));
    }

    fn count(&mut self, counter: Counter) {
        self.counted.push(counter);
    }
}

/// A context from 192.0.2.10:50000 to 198.51.100.20:80.
pub(crate) fn context_of<'a>(seen: &'a mut Seen, scratch: &'a mut Scratch) -> Context<'a> {
    Context {
        source: Endpoint { address: Address::v4([192, 0, 2, 10]), port: 50000 },
        destination: Endpoint { address: Address::v4([198, 51, 100, 20]), port: 80 },
        observer: seen,
        scratch,
    }
}

/// Shows a direction to a session in these pieces, as the reassembler would, and ends it.
pub(crate) fn feed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    feed_from(pieces, true, Cut::End)
}

/// As [`feed`], from the start of the connection or from its middle, ending with `last` or left.
pub(crate) fn feed_from<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    from_start: bool,
    last: Cut,
) -> Seen {
    feed_heard(pieces.into_iter().map(|piece| (piece, 0)), from_start, last)
}

/// What a client says before the server answers, and behind the answer, in pieces of a size.
pub(crate) fn feed_answered(before: &str, behind: &str, size: usize) -> Seen {
    let before = before.as_bytes().chunks(size).map(|piece| (piece, 1000));
    let behind = behind.as_bytes().chunks(size).map(|piece| (piece, 1200));
    feed_heard(before.chain(behind), true, Cut::End)
}

/// As [`feed_from`], of segments that acknowledge.
fn feed_heard<'a>(
    pieces: impl IntoIterator<Item = (&'a [u8], u32)>,
    from_start: bool,
    last: Cut,
) -> Seen {
    let (mut seen, mut scratch, mut session) =
        (Seen::default(), Scratch::default(), Session::default());
    let mut held: Vec<u8> = Vec::new();
    let mut skip: u64 = 0;
    let mut pieces: Vec<_> = pieces.into_iter().map(|piece| (piece, Cut::None)).collect();
    let heard = pieces.last().map_or(0, |((_, heard), _)| *heard);
    pieces.push(((&[], heard), last));
    for ((piece, heard), cut) in pieces {
        scratch.heard = heard;
        let skipped = skip.min(piece.len() as u64);
        skip -= skipped;
        held.extend_from_slice(&piece[skipped as usize..]);
        if held.is_empty() {
            continue;
        }
        let chunk = Chunk { bytes: &held, from_start, after_gap: false, cut };
        match session.stream(Side::Low, chunk, &mut context_of(&mut seen, &mut scratch)) {
            Verdict::All => break,
            Verdict::Consumed(bytes) => {
                let now = bytes.min(held.len() as u64);
                skip = bytes - now;
                held.drain(..now as usize);
            }
        }
    }
    seen
}

/// A record with a ClientHello for `hello.example` (RFC 8446 4.1.2).
pub(crate) fn client_hello() -> Vec<u8> {
    let name = b"hello.example";
    let length = name.len() as u8;
    let mut hello = vec![3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0x13, 0x01, 1, 0, 0, length + 9, 0, 0, 0, length + 5, 0, length + 3, 0]);
    hello.extend([0, length]);
    hello.extend(name);
    let length = hello.len() as u8;
    [&[0x16, 3, 1, 0, length + 4, 1, 0, 0, length][..], &hello].concat()
}
