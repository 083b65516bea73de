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
mod hellos;
mod opening;
mod records;
#[cfg(test)]
pub(in crate::extract) mod testing;
#[cfg(test)]
mod tests;
mod walk;

pub use certificate::Certificates;
pub use hellos::{Between, Hellos, Left};
pub use opening::{Opening, Search, find_hello, opening, opening_behind_others, search_hello};

use crate::extract::Probe;

/// Bytes of records held for one hello. Of a longer one the rest is read as it passes.
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
            [] | [0x15] | [0x15, 3] | [0x15, 3, _] => Probe::Unsure,
            [0x15, 3, _, 0] | [0x15, 3, _, 0, 2] => Probe::Unsure,
            [0x15, 3, _, 0, 2, 1 | 2] => Probe::Unsure,
            _ => Probe::No,
        },
        [0x16, ..] => probe_record(bytes, 0x01),
        [] => Probe::Unsure,
        _ => Probe::No,
    }
}

/// What follows the leading alerts in clear.
fn after_alerts(mut bytes: &[u8]) -> &[u8] {
    while let [0x15, 3, _, 0, 2, 1 | 2, _, rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// Is this the start of a server's TLS stream: a ServerHello, or an alert in clear?
pub fn probe_server(bytes: &[u8]) -> Probe {
    match *bytes {
        [0x16, ..] => probe_record(bytes, 0x02),
        [0x15, 3, _, 0, 2, 1 | 2, ..] => Probe::Yes,
        [] | [0x15] | [0x15, 3] | [0x15, 3, _] => Probe::Unsure,
        [0x15, 3, _, 0] | [0x15, 3, _, 0, 2] => Probe::Unsure,
        _ => Probe::No,
    }
}

/// A handshake record whose first message is of type `message`. Empty records before are passed.
fn probe_record(mut bytes: &[u8], message: u8) -> Probe {
    loop {
        match *bytes {
            [0x16, 3, _, 0, 0, ..] => bytes = bytes.get(5..).unwrap_or_default(),
            [0x16, 3, _, high, low, kind, ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                return if kind == message && length <= RECORD_MAX {
                    Probe::Yes
                } else {
                    Probe::No
                };
            }
            [] | [0x16] | [0x16, 3] | [0x16, 3, _] => return Probe::Unsure,
            [0x16, 3, _, high] if high <= 0x48 => return Probe::Unsure,
            [0x16, 3, _, high, _] if high <= 0x48 => return Probe::Unsure,
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
    let version = matches!((major, minor), (0, 2) | (3, _));
    let sound = ciphers != 0
        && ciphers.is_multiple_of(3)
        && matches!(session, 0 | 16)
        && (1..=32).contains(&challenge)
        && length == 9 + ciphers + session + challenge;
    if version && sound { Probe::Yes } else { Probe::No }
}
