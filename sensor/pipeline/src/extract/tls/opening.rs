//! Where TLS may begin among bytes of another protocol: after STARTTLS, a negotiation of RDP or
//! SOCKS, a proxy's answer, a database's request for it.
//!
//! Asks for fixed bytes and for lengths that agree, so that chance does not pass for a hello:
//! `16 03 vv LL LL`, then `01 00 LL LL 03 vv` of a client or `02 00 LL LL 03 vv` of a server and a
//! session id of at most 32 bytes, 43 bits in all. The message may lie in records of one byte,
//! with empty records, alerts and change cipher specs between. Keeps no state.

use super::RECORD_MAX;
use super::records::length_of;

/// Bytes of a message that are judged: header, version, random, length of the session id.
const HEAD: usize = 39;

/// Bytes of records looked at for them.
const LOOKAHEAD: usize = 2048;

/// Shortest bodies: a ClientHello has one cipher suite, a ServerHello none to list.
const CLIENT_LEAST: usize = 39;
const SERVER_LEAST: usize = 38;

/// What bytes open with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Opening {
    /// A ClientHello.
    Client,
    /// A ServerHello.
    Server,
    /// One or the other, or neither: more bytes are needed.
    Unsure,
    /// No hello.
    No,
}

/// Does a hello's record begin with the first of these bytes?
pub fn opening(bytes: &[u8]) -> Opening {
    if bytes.first().is_none_or(|first| *first == 0x16) {
        opening_behind(bytes, 0)
    } else {
        Opening::No
    }
}

/// As [`opening`], behind any alerts in clear and change cipher specs.
pub fn opening_behind_others(bytes: &[u8]) -> Opening {
    let mut rest = bytes;
    loop {
        match rest {
            [0x14, 3, _, 0, 1, 1, after @ ..] => rest = after,
            [0x15, 3, _, 0, 2, 1 | 2, _, after @ ..] => rest = after,
            [0x16, ..] => return opening(rest),
            [0x14 | 0x15, ..] | [] => return short(rest, bytes.len()),
            _ => return Opening::No,
        }
    }
}

/// As [`opening`], where the first `lead` bytes are what is left of a handshake record.
pub(super) fn opening_behind(bytes: &[u8], lead: u16) -> Opening {
    let mut rest = bytes.get(..LOOKAHEAD).unwrap_or(bytes);
    let (mut head, mut filled) = ([0; HEAD], 0);
    let mut length = usize::from(lead);
    loop {
        let (part, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        for (slot, byte) in head.iter_mut().skip(filled).zip(part) {
            *slot = *byte;
            filled += 1;
        }
        let verdict = judge(head.get(..filled).unwrap_or_default());
        if verdict != Opening::Unsure {
            return verdict;
        }
        rest = behind;
        length = loop {
            match rest {
                [0x16, 3, _, high, low, after @ ..] => {
                    let length = usize::from(u16::from_be_bytes([*high, *low]));
                    if length > RECORD_MAX {
                        return Opening::No;
                    }
                    rest = after;
                    break length;
                }
                [0x14, 3, _, 0, 1, 1, after @ ..] => rest = after,
                [0x15, 3, _, 0, 2, 1 | 2, _, after @ ..] => rest = after,
                _ => return short(rest, bytes.len()),
            }
        };
    }
}

/// What stands where a record's header should, and is none that is whole.
fn short(rest: &[u8], shown: usize) -> Opening {
    let may_be = match rest {
        [] => true,
        [0x14..=0x16] | [0x14..=0x16, 3] | [0x14..=0x16, 3, _] => true,
        [0x14 | 0x15, 3, _, 0] | [0x14, 3, _, 0, 1] => true,
        [0x15, 3, _, 0, 2] | [0x15, 3, _, 0, 2, 1 | 2] => true,
        [0x16, 3, _, high] => usize::from(*high) <= RECORD_MAX >> 8,
        _ => false,
    };
    if may_be && shown < LOOKAHEAD { Opening::Unsure } else { Opening::No }
}

/// Judges the first bytes of a handshake message.
fn judge(head: &[u8]) -> Opening {
    let client = match head.first() {
        None => return Opening::Unsure,
        Some(1) => true,
        Some(2) => false,
        Some(_) => return Opening::No,
    };
    let fits = head.iter().enumerate().all(|(at, byte)| match at {
        1 => *byte <= if client { 2 } else { 0 },
        4 => *byte == 3,
        5 => client || *byte <= 4,
        38 => *byte <= 32,
        _ => true,
    });
    let least = if client { CLIENT_LEAST } else { SERVER_LEAST };
    let long_enough = match head {
        [_, a, b, c, ..] => length_of([*a, *b, *c]) >= least,
        _ => true,
    };
    match (fits && long_enough, head.len() == HEAD, client) {
        (false, ..) => Opening::No,
        (true, false, _) => Opening::Unsure,
        (true, true, true) => Opening::Client,
        (true, true, false) => Opening::Server,
    }
}

/// What a search for a hello among other bytes found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Search {
    /// A ClientHello's record starts at this offset.
    Client(usize),
    /// A ServerHello's record starts at this offset.
    Server(usize),
    /// None yet. One may start in so many trailing bytes: show them again with more.
    Missing {
        /// Trailing bytes to keep, at most 2,047.
        keep: usize,
    },
}

/// Looks for the first hello.
pub fn search_hello(bytes: &[u8]) -> Search {
    for offset in memchr::memchr_iter(0x16, bytes) {
        let rest = bytes.get(offset..).unwrap_or_default();
        match opening(rest) {
            Opening::Client => return Search::Client(offset),
            Opening::Server => return Search::Server(offset),
            Opening::Unsure => return Search::Missing { keep: rest.len() },
            Opening::No => {}
        }
    }
    Search::Missing { keep: 0 }
}

/// Offset of a ClientHello's record inside the bytes of a client whose protocol is not known.
pub fn find_hello(bytes: &[u8]) -> Option<usize> {
    match search_hello(bytes) {
        Search::Client(offset) => Some(offset),
        Search::Server(_) | Search::Missing { .. } => None,
    }
}
