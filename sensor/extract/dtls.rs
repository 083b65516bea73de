//! DTLS 1.0, 1.2 and the hello of 1.3: the ClientHello in a client's datagrams (RFC 4347, 6347,
//! 9147).
//!
//! Owns the fragments of one hello of one flow. What the hello says is read by
//! [`crate::extract::tls::hello`].

use super::Context;
use super::quic::crypto_stream::CryptoStream;
use super::tls::hello::{self, Carrier};
use crate::net::Endpoint;
use crate::stats::Counter;

/// Datagrams of either side that are looked at.
const DATAGRAMS: u8 = 64;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// Is this a DTLS handshake in clear that opens with a ClientHello?
pub fn probe(datagram: &[u8]) -> bool {
    records(datagram).next().is_some_and(|record| {
        record.kind == HANDSHAKE
            && fragments(record.fragment).next().is_some_and(|part| part.kind == CLIENT_HELLO)
    })
}

/// A record in clear (epoch 0).
struct Record<'a> {
    kind: u8,
    fragment: &'a [u8],
}

/// The records of a datagram, up to the first that is none or is encrypted.
fn records(datagram: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let (header, after) = rest.split_first_chunk::<13>()?;
        // 0x0100 is what old OpenSSL sends for DTLS 1.0; the epoch must be 0.
        let (&[kind @ 20..=22, 0xfe, 0xfc..=0xff, 0, 0, .., high, low]
        | &[kind @ 20..=22, 0x01, 0x00, 0, 0, .., high, low]) = header
        else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (fragment, after) = after.split_at_checked(length).unwrap_or((after, &[]));
        rest = after;
        Some(Record { kind, fragment })
    })
}

/// A part of a handshake message (RFC 6347 4.2.2).
struct Fragment<'a> {
    kind: u8,
    /// Three bytes of the whole message's body length.
    length: [u8; 3],
    message: u16,
    offset: u64,
    data: &'a [u8],
}

fn number(bytes: [u8; 3]) -> usize {
    let [a, b, c] = bytes;
    usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)
}

fn fragments(record: &[u8]) -> impl Iterator<Item = Fragment<'_>> {
    let mut rest = record;
    std::iter::from_fn(move || {
        let (&[kind, a, b, c, m0, m1, o0, o1, o2, l0, l1, l2], after) =
            rest.split_first_chunk::<12>()?;
        let part = number([l0, l1, l2]);
        let offset = number([o0, o1, o2]);
        if offset + part > number([a, b, c]) {
            return None;
        }
        let (data, after) = after.split_at_checked(part).unwrap_or((after, &[]));
        rest = after;
        let message = u16::from_be_bytes([m0, m1]);
        Some(Fragment { kind, length: [a, b, c], message, offset: offset as u64, data })
    })
}

/// What was seen of one DTLS flow, both directions.
///
/// Reads a client's first hello and, after a cookie exchange, its second; ends when the client
/// goes on to another message, or after 64 datagrams.
#[derive(Debug, Default)]
pub struct Hellos {
    client: Option<Endpoint>,
    stream: CryptoStream,
    /// `message_seq` of the hello being put together.
    message: u16,
    datagrams: u8,
    /// The hello of `message` was read.
    read: bool,
    done: bool,
}

impl Hellos {
    /// Takes a datagram of either side; true once no hello can follow.
    pub fn datagram(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> bool {
        self.datagrams = self.datagrams.saturating_add(1);
        if self.client.is_none_or(|client| client == cx.source) {
            self.client_datagram(bytes, cx);
        }
        if self.datagrams >= DATAGRAMS {
            self.finish(cx);
        }
        self.done
    }

    /// Nothing more follows: reads the part of a hello that is there.
    pub fn finish(&mut self, cx: &mut Context<'_>) {
        if !self.done && !self.read && self.client.is_some() {
            self.read(false, cx);
        }
        self.done = true;
    }

    fn client_datagram(&mut self, bytes: &[u8], cx: &mut Context<'_>) {
        let mut in_clear = false;
        for record in records(bytes).filter(|record| record.kind == HANDSHAKE) {
            in_clear = true;
            for part in fragments(record.fragment) {
                if part.kind == CLIENT_HELLO {
                    self.fragment(&part, cx);
                } else if self.client.is_some() {
                    self.finish(cx);
                }
            }
        }
        if !in_clear && self.client.is_some() && !bytes.is_empty() {
            self.finish(cx);
        }
    }

    fn fragment(&mut self, part: &Fragment<'_>, cx: &mut Context<'_>) {
        let known = self.client.is_some();
        if known && part.message < self.message || self.done {
            return;
        }
        if !known || part.message > self.message {
            self.client = Some(cx.source);
            self.message = part.message;
            self.stream = CryptoStream::default();
            self.read = false;
        }
        if self.read {
            return;
        }
        // The stream holds the message as TLS has it: type and length before the body.
        let [a, b, c] = part.length;
        let _ = self.stream.push(0, &[CLIENT_HELLO, a, b, c]);
        let _ = self.stream.push(part.offset + 4, part.data);
        if self.stream.is_full() {
            self.finish(cx);
        } else if self.stream.message_length().is_some_and(|(_, whole)| whole) {
            self.read(true, cx);
        }
    }

    fn read(&mut self, complete: bool, cx: &mut Context<'_>) {
        self.read = true;
        let mut joined = std::mem::take(&mut cx.scratch.bytes);
        self.stream.join(&mut joined);
        match joined.get(4..) {
            Some(body) if !body.is_empty() => hello::read(body, complete, Carrier::Dtls, cx),
            _ => cx.observer.count(Counter::TlsIncomplete),
        }
        cx.scratch.bytes = joined;
        self.stream = CryptoStream::default();
    }
}

#[cfg(test)]
mod tests;
