//! TLS over TCP: the ClientHello of a client, the certificate of a server, and where an
//! unrecognised stream turns into TLS (RFC 8446, 5246, SSL 3.0 and the SSL 2.0 form of a hello).
//!
//! Owns the record layer and the state of one direction. What a ClientHello says is read by
//! [`hello`], which QUIC and DTLS share. Knows no flow, no indicator and no event format.

pub mod certificate;
mod der;
pub mod ech;
pub mod fingerprint;
pub mod hello;
mod records;
#[cfg(test)]
pub(in crate::extract) mod testing;
#[cfg(test)]
mod tests;

pub use certificate::Certificates;

use crate::extract::{Context, Probe};
use crate::flow::stream::{Chunk, Cut, Verdict};
use crate::observation::{ClientHello, Message};
use crate::stats::Counter;
use hello::Carrier;
use records::Records;

/// Bytes of records looked at for one ClientHello. Beyond, what stands is read.
const LIMIT: usize = 64 * 1024;

/// Longest record taken for real: 2^14 and the 2,048 bytes a cipher may add (RFC 5246 6.2.3).
const RECORD_MAX: usize = 0x4800;

/// Is this the start of a client's TLS stream: a handshake record that opens with a ClientHello,
/// or an SSL 2.0 formed ClientHello (RFC 5246 E.2)? Alerts before the hello are passed, as servers
/// pass over warnings.
pub fn probe(bytes: &[u8]) -> Probe {
    match bytes {
        [high, ..] if high & 0x80 != 0 => probe_v2(bytes),
        [0x15, ..] => match after_alerts(bytes) {
            rest @ [0x16, ..] => probe_record(rest, 0x01),
            [] | [0x15] | [0x15, 3] | [0x15, 3, 0..=4] => Probe::Unsure,
            [0x15, 3, 0..=4, 0] | [0x15, 3, 0..=4, 0, 2] => Probe::Unsure,
            [0x15, 3, 0..=4, 0, 2, 1 | 2] => Probe::Unsure,
            _ => Probe::No,
        },
        [0x16, ..] => probe_record(bytes, 0x01),
        [] => Probe::Unsure,
        _ => Probe::No,
    }
}

/// What follows the leading alerts in clear.
fn after_alerts(mut bytes: &[u8]) -> &[u8] {
    while let [0x15, 3, 0..=4, 0, 2, 1 | 2, _, rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// Is this the start of a server's TLS stream: a ServerHello, or an alert in clear?
pub fn probe_server(bytes: &[u8]) -> Probe {
    match *bytes {
        [0x16, ..] => probe_record(bytes, 0x02),
        [0x15, 3, 0..=4, 0, 2, 1 | 2, ..] => Probe::Yes,
        [] | [0x15] | [0x15, 3] | [0x15, 3, 0..=4] => Probe::Unsure,
        [0x15, 3, 0..=4, 0] | [0x15, 3, 0..=4, 0, 2] => Probe::Unsure,
        _ => Probe::No,
    }
}

/// A handshake record whose first message is of type `message`. Empty records before are passed.
fn probe_record(mut bytes: &[u8], message: u8) -> Probe {
    loop {
        match *bytes {
            [0x16, 3, 0..=4, 0, 0, ..] => bytes = bytes.get(5..).unwrap_or_default(),
            [0x16, 3, 0..=4, high, low, kind, ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                return if kind == message && length <= RECORD_MAX {
                    Probe::Yes
                } else {
                    Probe::No
                };
            }
            [] | [0x16] | [0x16, 3] | [0x16, 3, 0..=4] => return Probe::Unsure,
            [0x16, 3, 0..=4, high] if high <= 0x48 => return Probe::Unsure,
            [0x16, 3, 0..=4, high, _] if high <= 0x48 => return Probe::Unsure,
            _ => return Probe::No,
        }
    }
}

/// Header of an SSL 2.0 formed ClientHello: two bytes of length, type 1, version, three lengths
/// that must add up.
fn probe_v2(bytes: &[u8]) -> Probe {
    let Some(head) = bytes.first_chunk::<11>() else {
        let fits = match *bytes {
            [_] | [_, _] | [_, _, 1] | [_, _, 1, 0 | 3] => true,
            [_, _, 1, 0, minor, ..] => minor == 2,
            [_, _, 1, 3, minor, ..] => minor <= 4,
            _ => false,
        };
        return if fits { Probe::Unsure } else { Probe::No };
    };
    let [high, low, 1, major, minor, c0, c1, s0, s1, n0, n1] = *head else {
        return Probe::No;
    };
    let length = usize::from(u16::from_be_bytes([high & 0x7f, low]));
    let ciphers = usize::from(u16::from_be_bytes([c0, c1]));
    let session = usize::from(u16::from_be_bytes([s0, s1]));
    let challenge = usize::from(u16::from_be_bytes([n0, n1]));
    let version = matches!((major, minor), (0, 2) | (3, 0..=4));
    let sound = ciphers != 0
        && ciphers.is_multiple_of(3)
        && matches!(session, 0 | 16)
        && (1..=32).contains(&challenge)
        && length == 9 + ciphers + session + challenge;
    if version && sound { Probe::Yes } else { Probe::No }
}

/// What a search for an embedded ClientHello found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Search {
    /// A ClientHello's record starts at this offset.
    Found(usize),
    /// None yet. One may start in so many trailing bytes (0 to 10): show them again with more.
    Missing {
        /// Trailing bytes to keep.
        keep: usize,
    },
}

/// Offset of a ClientHello's record inside the bytes of a client whose protocol is not known:
/// after STARTTLS, an RDP or SOCKS negotiation, a PROXY header, a database's SSL request.
///
/// Asks for seven fixed bytes and agreeing lengths, so that chance does not pass for a hello.
pub fn find_hello(bytes: &[u8]) -> Option<usize> {
    match search_hello(bytes) {
        Search::Found(offset) => Some(offset),
        Search::Missing { .. } => None,
    }
}

/// As [`find_hello`], and says how many trailing bytes a hello may yet start in.
pub fn search_hello(bytes: &[u8]) -> Search {
    for offset in memchr::memchr_iter(0x16, bytes) {
        let rest = bytes.get(offset..).unwrap_or_default();
        match plausible(rest) {
            Probe::Yes => return Search::Found(offset),
            Probe::Unsure => return Search::Missing { keep: rest.len() },
            Probe::No => {}
        }
    }
    Search::Missing { keep: 0 }
}

/// Record header, ClientHello header and version: `16 03 0v LL LL 01 00 LL LL 03 0v`.
fn plausible(bytes: &[u8]) -> Probe {
    let Some(head) = bytes.first_chunk::<11>() else {
        let fits = bytes.iter().enumerate().all(|(at, byte)| match at {
            0 => *byte == 0x16,
            1 | 9 => *byte == 3,
            2 | 10 => *byte <= 4,
            3 => *byte <= 0x48,
            5 => *byte == 1,
            6 => *byte == 0,
            _ => true,
        });
        return if fits { Probe::Unsure } else { Probe::No };
    };
    let [0x16, 3, 0..=4, r0, r1, 1, 0, h0, h1, 3, 0..=4] = *head else {
        return Probe::No;
    };
    let record = usize::from(u16::from_be_bytes([r0, r1]));
    let message = usize::from(u16::from_be_bytes([h0, h1])) + 4;
    // 41 bytes is the shortest hello there can be; a longer message goes on in the next record.
    let agree = (6..=RECORD_MAX).contains(&record) && message >= 43 && message >= record;
    if agree { Probe::Yes } else { Probe::No }
}

/// Finds the ClientHello in a client's stream, over any number of records and segments.
///
/// Only the first hello of a stream is read: a second one, after a HelloRetryRequest, must repeat
/// the name (RFC 8446 4.1.2). At most 64 KB of records are held for it, by the stream and not
/// here; what stands then, at a gap or at the end is read as far as it goes.
#[derive(Debug, Default)]
pub struct Hellos {
    records: Records,
    /// Handshake bytes of the whole message, header included; 0 while not known.
    need: usize,
}

impl Hellos {
    /// Takes what arrived; `All` once the hello was read or none can come.
    pub fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        if chunk.after_gap {
            *self = Self::default();
        }
        if self.records.is_fresh() && chunk.bytes.first().is_some_and(|byte| byte & 0x80 != 0) {
            return advance_v2(chunk, cx);
        }
        let skipped = self.records.skip_others(chunk.bytes);
        let bytes = chunk.bytes.get(skipped..).unwrap_or_default();
        let walk = self.records.walk(bytes);
        let last = walk.ended || chunk.cut != Cut::None || bytes.len() >= LIMIT;
        if self.need == 0 && walk.handshake >= 4 {
            match records::message_header(bytes) {
                Some((1, length)) => self.need = 4 + length,
                _ => return Verdict::All,
            }
        }
        let complete = self.need != 0 && walk.handshake >= self.need;
        if complete || last {
            self.read(bytes, complete, cx);
            return Verdict::All;
        }
        Verdict::Consumed(skipped as u64)
    }

    /// Reads the hello, or the part of it that is there.
    fn read(&self, bytes: &[u8], complete: bool, cx: &mut Context<'_>) {
        if self.need == 0 {
            if !bytes.is_empty() {
                cx.observer.count(Counter::TlsIncomplete);
            }
            return;
        }
        if let Some(message) = records::contiguous(bytes, self.need) {
            hello::read(message.get(4..).unwrap_or_default(), complete, Carrier::Tls, cx);
            return;
        }
        let mut joined = std::mem::take(&mut cx.scratch.bytes);
        joined.clear();
        records::join(bytes, self.need.min(LIMIT), &mut joined);
        hello::read(joined.get(4..).unwrap_or_default(), complete, Carrier::Tls, cx);
        cx.scratch.bytes = joined;
    }
}

/// An SSL 2.0 formed hello names no server, but its message is still shown.
fn advance_v2(chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
    let [high, low, 1, major, minor, rest @ ..] = chunk.bytes else {
        return match (chunk.cut, chunk.bytes.len()) {
            (Cut::None, ..5) => Verdict::Consumed(0),
            _ => Verdict::All,
        };
    };
    let length = usize::from(u16::from_be_bytes([high & 0x7f, *low]));
    if rest.len() + 3 < length {
        if chunk.cut == Cut::None {
            return Verdict::Consumed(0);
        }
        cx.observer.count(Counter::TlsIncomplete);
    }
    let legacy_version = u16::from_be_bytes([*major, *minor]);
    cx.observer.count(Counter::Tls);
    cx.observer.count(Counter::TlsNoSni);
    cx.observer.message(Message::Tls(&ClientHello { legacy_version, ..ClientHello::default() }));
    Verdict::All
}
