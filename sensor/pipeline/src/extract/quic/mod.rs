//! QUIC: the ClientHellos in a client's Initial packets (RFC 9000, 9001, 9369).
//!
//! An Initial is encrypted with keys that anyone can derive from its first connection id, so the
//! server name is in reach of an observer. Each datagram is looked at afresh; what is half-read is
//! held by [`super::handshakes`]. Reads no other packet type.

pub(in crate::extract) mod crypto_stream;
pub(in crate::extract) mod keys;
mod legacy;
pub(in crate::extract) mod packet;
#[cfg(test)]
mod tests;

use crate::extract::Context;
use crate::extract::handshakes::{self, Opens};
use crate::stats::Counter;
use packet::{Frame, Initial, Packet};

pub use legacy::Chlo;

/// Is this a QUIC datagram of a known version with a long header, version negotiation included?
/// The fixed bit may be 0 (RFC 9287). Google's versions Q0xx before the standard count too.
#[inline]
pub fn probe(datagram: &[u8]) -> bool {
    match datagram.first() {
        Some(0x80..) => {
            packet::is_of_known_version(datagram) && packet::is_long(datagram)
                || legacy::version(datagram).is_some()
        }
        Some(flags) if flags & 0xc9 == 0x09 => legacy::version(datagram).is_some(),
        _ => false,
    }
}

/// What a datagram was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[must_use]
pub enum Reading {
    /// None with an Initial that belongs to anybody known.
    Other,
    /// With an Initial that does not open.
    Closed,
    /// QUIC for sure: an Initial opened, or it is the server's answer to one that did.
    Read,
}

/// Reads a datagram with a long header of either side.
///
/// Which side is the client's is known by trial: only a client's Initial opens with the keys made
/// of its own destination id. Later Initials of the client keep the keys of the first, whatever
/// id they carry; after a Retry, and for a new connection on the same ports, they are made anew.
pub fn read(datagram: &[u8], cx: &mut Context<'_>) -> Reading {
    let mut reading = Reading::Other;
    // All of one datagram are to be of one connection, but not every receiver minds (RFC 9000 12.2);
    // what does not open is paid for by its host.
    for packet in packet::packets(datagram) {
        let Packet::Initial(initial) = packet else { continue };
        reading = reading.max(read_initial(&initial, cx));
    }
    reading
}

fn read_initial(initial: &Initial<'_>, cx: &mut Context<'_>) -> Reading {
    let mut plain = std::mem::take(&mut cx.scratch.bytes);
    let ends = (cx.source, cx.destination);
    let opens = cx.scratch.handshakes.open(initial, ends, &mut plain);
    if let Opens::Client(id) = opens {
        for frame in packet::frames(&plain) {
            if let Frame::Crypto { offset, data } = frame {
                handshakes::push(id, offset, data, cx);
            }
        }
        cx.scratch.bytes = plain;
        handshakes::conclude(id, cx);
        return Reading::Read;
    }
    cx.scratch.bytes = plain;
    if opens == Opens::Untried {
        cx.observer.count(Counter::QuicUntried);
    }
    if opens == Opens::Server { Reading::Read } else { Reading::Closed }
}
