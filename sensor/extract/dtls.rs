//! DTLS 1.0, 1.2 and the hello of 1.3: the ClientHellos in a client's datagrams (RFC 4347, 6347,
//! 9147).
//!
//! Each datagram is looked at afresh; the fragments of a hello are held by [`super::handshakes`],
//! and what it says is read by [`crate::extract::tls::hello`].

use super::Context;
use super::handshakes;

/// Hellos begun by one datagram. A client's flight has one.
const BEGUN: usize = 4;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// Is there a fragment of a ClientHello in clear in it?
#[inline]
pub fn probe(datagram: &[u8]) -> bool {
    matches!(datagram, [20..=26, 0xfe, _, 0, 0, ..] | [20..=26, 1, 0, 0, 0, ..])
        && hellos(datagram).next().is_some()
}

/// Could a record of old OpenSSL's version be taken for a question of DNS, by its header?
#[inline]
pub const fn may_pass_for_dns(datagram: &[u8]) -> bool {
    matches!(datagram, [20..=26, 1, 0, 0, 0, ..])
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
        // Servers look at the major version only; 0x0100 is what old OpenSSL sends for DTLS 1.0.
        // The epoch must be 0.
        let (&[kind @ 20..=26, 0xfe, _, 0, 0, .., high, low]
        | &[kind @ 20..=26, 0x01, 0x00, 0, 0, .., high, low]) = header
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

/// The fragments of ClientHellos in a datagram.
fn hellos(datagram: &[u8]) -> impl Iterator<Item = Fragment<'_>> {
    let handshakes = records(datagram).filter(|record| record.kind == HANDSHAKE);
    let parts = handshakes.flat_map(|record| fragments(record.fragment));
    parts.filter(|part| part.kind == CLIENT_HELLO)
}

/// Reads a datagram of either side; false if there is no ClientHello in it.
///
/// A hello is known by its `message_seq` and its length: after a cookie exchange or a
/// HelloRetryRequest the client sends another one, and so does a new connection on the same ports.
pub fn read(datagram: &[u8], cx: &mut Context<'_>) -> bool {
    if !probe(datagram) {
        return false;
    }
    let mut begun = 0;
    for part in hellos(datagram) {
        let ends = (cx.source, cx.destination);
        let hello = (part.message, number(part.length));
        let known = cx.scratch.handshakes.dtls(ends, hello);
        if known.is_none() && begun == BEGUN {
            continue;
        }
        begun += usize::from(known.is_none());
        let id = known.unwrap_or_else(|| cx.scratch.handshakes.begin_dtls(ends, hello));
        // The stream holds the message as TLS has it: type and length before the body.
        let [a, b, c] = part.length;
        handshakes::push(id, 0, &[CLIENT_HELLO, a, b, c], cx);
        handshakes::push(id, part.offset + 4, part.data, cx);
        handshakes::conclude(id, cx);
    }
    true
}

#[cfg(test)]
mod tests;
