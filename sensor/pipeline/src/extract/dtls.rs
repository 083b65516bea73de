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

/// A record's header.
const HEADER: usize = 13;
/// Bytes of a datagram in which a header is looked for that stands behind others of no sense.
const LOOKED_AT: usize = 5 * HEADER + 2;
/// The longest a record may be; a receiver passes over the header of one that claims to be longer.
const RECORD_MAX: usize = 16_384 + 2048;

/// May a ClientHello in clear be in it? Asked of every datagram: a few comparisons. A receiver
/// passes over records of another epoch, and over headers of another version one by one (OpenSSL),
/// so that the hello's record need not be the first.
#[inline]
pub fn may_be(datagram: &[u8]) -> bool {
    matches!(datagram, [_, 0xfe, ..] | [20..=26, 1, 0, 0, 0, ..]) || stands_behind(datagram)
}

/// Does a handshake's record begin behind a few headers of no sense? A hello with a name is longer
/// than what is looked at.
#[inline]
fn stands_behind(datagram: &[u8]) -> bool {
    let Some(bytes) = datagram.first_chunk::<LOOKED_AT>() else { return false };
    let begins = |at: usize| matches!(bytes.get(at..at + 2), Some([HANDSHAKE, 0xfe]));
    begins(HEADER)
        | begins(2 * HEADER)
        | begins(3 * HEADER)
        | begins(4 * HEADER)
        | begins(5 * HEADER)
}

/// Is there a fragment of a ClientHello in clear in it?
#[inline]
pub fn probe(datagram: &[u8]) -> bool {
    may_be(datagram) && hellos(datagram).next().is_some()
}

/// A record in clear (epoch 0).
struct Record<'a> {
    kind: u8,
    fragment: &'a [u8],
}

/// The records in clear of a datagram, as a receiver finds them that passes over what it does not
/// understand.
fn records(datagram: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        loop {
            let (header, after) = rest.split_first_chunk::<HEADER>()?;
            let [kind, major, minor, e0, e1, .., high, low] = *header;
            let length = usize::from(u16::from_be_bytes([high, low]));
            rest = after;
            // Servers look at the major version only; 0x0100 is what old OpenSSL sends for DTLS 1.0.
            let of_dtls = major == 0xfe || [major, minor] == [1, 0];
            if !of_dtls || length > RECORD_MAX {
                continue;
            }
            let (fragment, after) = after.split_at_checked(length).unwrap_or((after, &[]));
            rest = after;
            if [e0, e1] == [0, 0] {
                return Some(Record { kind, fragment });
            }
        }
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
