//! What a client asks of a SOCKS proxy: SOCKS4, SOCKS4a, SOCKS5 (RFC 1928, 1929).
//!
//! Owns the client's messages up to and including its request; what follows is another protocol.

use super::http::authority;
use super::{Context, Probe};
use crate::flow::stream::{Chunk, Verdict};
use crate::net::{Address, Endpoint};
use crate::observation::{Kind, Observation, Value};

/// Longest user id or name of SOCKS4; there is no length field.
const TEXT_LIMIT: usize = 255;

/// Is this the start of a client's bytes? SOCKS5 says yes after a whole greeting, SOCKS4 after a
/// whole request.
pub fn probe(bytes: &[u8]) -> Probe {
    match bytes {
        [] | [4 | 5] => Probe::Unsure,
        [4, ..] => match version4(bytes) {
            Message::Asks(..) => Probe::Yes,
            Message::Unsure => Probe::Unsure,
            Message::Passes(_) | Message::No => Probe::No,
        },
        [5, count @ 1..=16, methods @ ..] => {
            let count = usize::from(*count);
            let known = |method: &u8| matches!(method, 0..=9 | 0x80..=0xfe);
            if !methods.iter().take(count).all(known) {
                Probe::No
            } else if methods.len() < count {
                Probe::Unsure
            } else {
                Probe::Yes
            }
        }
        _ => Probe::No,
    }
}

/// A client's direction.
#[derive(Debug, Default)]
pub struct Client {
    greeted: bool,
    over: bool,
}

/// A host asked for.
#[derive(Clone, Copy, Debug)]
enum Asked<'a> {
    Name(&'a [u8]),
    Endpoint(Endpoint),
}

impl Asked<'_> {
    const fn v4(octets: [u8; 4], port: [u8; 2]) -> Self {
        Self::Endpoint(Endpoint { address: Address::v4(octets), port: u16::from_be_bytes(port) })
    }

    const fn v6(octets: [u8; 16], port: [u8; 2]) -> Self {
        Self::Endpoint(Endpoint { address: Address::v6(octets), port: u16::from_be_bytes(port) })
    }
}

enum Message<'a> {
    /// A request and its length.
    Asks(Asked<'a>, usize),
    /// A message before the request, and its length.
    Passes(usize),
    Unsure,
    No,
}

impl Client {
    /// Reads on up to the request. Then [`Client::over`] is true and what is not consumed is for
    /// detection anew.
    pub fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        if chunk.after_gap {
            self.over = true;
        }
        let mut at = 0;
        while !self.over {
            let rest = chunk.bytes.get(at..).unwrap_or_default();
            let message = match rest {
                [] => Message::Unsure,
                [4, ..] if !self.greeted => version4(rest),
                _ if !self.greeted => greeting(rest),
                [1, ..] => credentials(rest),
                _ => version5(rest),
            };
            match message {
                Message::Asks(asked, length) => {
                    observe(asked, cx);
                    at += length;
                    self.over = true;
                }
                Message::Passes(length) => {
                    at += length;
                    self.greeted = true;
                }
                Message::Unsure => break,
                Message::No => self.over = true,
            }
        }
        Verdict::Consumed(at as u64)
    }

    /// The request was read, or what came was none.
    pub fn over(&self) -> bool {
        self.over
    }
}

fn observe(asked: Asked<'_>, cx: &mut Context<'_>) {
    let value = match asked {
        // A client that is to send or receive by UDP and does not know its address yet.
        Asked::Endpoint(Endpoint { address, .. }) if address.to_ip().is_unspecified() => return,
        Asked::Endpoint(endpoint) => Value::Endpoint(endpoint),
        Asked::Name(name) => match authority::host(name) {
            Some(host) => host.value(&mut cx.scratch.host),
            None => return,
        },
    };
    cx.observer.seen(Observation { kind: Kind::SocksHost, value });
}

/// `04 command port address user 00`, and with an address 0.0.0.x `name 00` (SOCKS4a).
fn version4(bytes: &[u8]) -> Message<'_> {
    let Some((&[_, command, high, low, a, b, c, d], rest)) = bytes.split_first_chunk() else {
        return match bytes.get(1) {
            Some(1 | 2) | None => Message::Unsure,
            _ => Message::No,
        };
    };
    if !matches!(command, 1 | 2) || (high, low) == (0, 0) {
        return Message::No;
    }
    let user = match text(rest) {
        Ok(user) => user,
        Err(message) => return message,
    };
    let length = 8 + user.len() + 1;
    if (a, b, c) != (0, 0, 0) || d == 0 {
        return Message::Asks(Asked::v4([a, b, c, d], [high, low]), length);
    }
    match text(bytes.get(length..).unwrap_or_default()) {
        Ok(name) => Message::Asks(Asked::Name(name), length + name.len() + 1),
        Err(message) => message,
    }
}

/// Printable text up to its NUL.
fn text(bytes: &[u8]) -> Result<&[u8], Message<'_>> {
    let end = memchr::memchr(0, bytes.get(..=TEXT_LIMIT).unwrap_or(bytes));
    let text = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    if text.len() > TEXT_LIMIT || text.iter().any(u8::is_ascii_control) {
        return Err(Message::No);
    }
    end.map(|_| text).ok_or(Message::Unsure)
}

/// `05 count methods`.
fn greeting(bytes: &[u8]) -> Message<'_> {
    match (probe(bytes), bytes.get(1)) {
        (Probe::Yes, Some(count)) => Message::Passes(2 + usize::from(*count)),
        (Probe::Unsure, _) => Message::Unsure,
        _ => Message::No,
    }
}

/// `01 length user length password`.
fn credentials(bytes: &[u8]) -> Message<'_> {
    let Some(user) = bytes.get(1) else { return Message::Unsure };
    let Some(password) = bytes.get(2 + usize::from(*user)) else { return Message::Unsure };
    let length = 3 + usize::from(*user) + usize::from(*password);
    if bytes.len() < length { Message::Unsure } else { Message::Passes(length) }
}

/// `05 command 00 type address port`.
fn version5(bytes: &[u8]) -> Message<'_> {
    match bytes {
        [5] | [5, 1..=3] | [5, 1..=3, _] | [5, 1..=3, _, 1 | 3 | 4] => Message::Unsure,
        [5, 1..=3, _, 1, rest @ ..] => match rest.first_chunk::<6>() {
            Some(&[a, b, c, d, high, low]) => {
                Message::Asks(Asked::v4([a, b, c, d], [high, low]), 10)
            }
            None => Message::Unsure,
        },
        [5, 1..=3, _, 4, rest @ ..] => match rest.split_first_chunk::<16>() {
            Some((address, &[high, low, ..])) => {
                Message::Asks(Asked::v6(*address, [high, low]), 22)
            }
            _ => Message::Unsure,
        },
        [5, 1..=3, _, 3, length, rest @ ..] => {
            let length = usize::from(*length);
            let shown = rest.get(..length).unwrap_or(rest);
            match rest.split_at_checked(length) {
                // No host: the request is a decoy, and something else may stand in its place.
                _ if shown.iter().any(u8::is_ascii_control) => Message::No,
                Some((name, [_, _, ..])) => Message::Asks(Asked::Name(name), 7 + length),
                _ => Message::Unsure,
            }
        }
        _ => Message::No,
    }
}

#[cfg(test)]
mod tests {
    use super::super::http::testing::{Seen, context_of};
    use super::*;
    use crate::extract::Scratch;
    use crate::flow::stream::Cut;

    /// Shows the bytes in pieces of `step`; what was seen, and what was left to detection.
    fn run(bytes: &[u8], step: usize) -> (Vec<String>, Vec<u8>) {
        let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
        let (mut client, mut held) = (Client::default(), Vec::new());
        for piece in bytes.chunks(step) {
            held.extend_from_slice(piece);
            if client.over() {
                continue;
            }
            let chunk = Chunk { bytes: &held, from_start: true, after_gap: false, cut: Cut::None };
            match client.advance(chunk, &mut context_of(&mut seen, &mut scratch)) {
                Verdict::Consumed(n) => drop(held.drain(..n as usize)),
                Verdict::All => held.clear(),
            }
        }
        (seen.lines, held)
    }

    #[test]
    fn each_version_gives_its_host_and_leaves_the_rest_whatever_the_segments() {
        let asks: [(&[u8], &str); 6] = [
            (b"\x04\x01\x00\x50\xc0\x00\x02\x07me\0", "socks.host 192.0.2.7:80"),
            (b"\x04\x01\x00\x50\x00\x00\x00\x07\0A.example\0", "socks.host a.example"),
            (b"\x05\x01\x00\x05\x01\x00\x03\x09a.example\x01\xbb", "socks.host a.example"),
            (
                b"\x05\x02\x00\x02\x01\x01u\x02pw\x05\x01\x00\x03\x09a.example\x01\xbb",
                "socks.host a.example",
            ),
            (b"\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x07\x01\xbb", "socks.host 192.0.2.7:443"),
            (
                b"\x05\x01\x00\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb",
                "socks.host [2001:db8::1]:443",
            ),
        ];
        for (ask, expected) in asks {
            for step in 1..ask.len() + 3 {
                let bytes = [ask, b"GET"].concat();
                let (lines, rest) = run(&bytes, step);
                assert_eq!((lines, rest), (vec![expected.to_string()], b"GET".to_vec()), "{step}");
            }
            assert_eq!(probe(ask), Probe::Yes);
            assert_eq!(probe(&ask[..1]), Probe::Unsure);
        }
    }

    #[test]
    fn other_protocols_that_begin_alike_are_not_taken() {
        for bytes in [
            &b"\x05\x00\x0b\x03"[..],
            b"\x04\x00\x28\x00",
            b"\x05\x01\x63",
            b"\x04\x01\x00\x00abcd",
        ] {
            assert_eq!(probe(bytes), Probe::No);
        }
    }

    #[test]
    fn a_name_cut_short_is_not_reported() {
        assert!(run(b"\x05\x01\x00\x05\x01\x00\x03\x09a.exam", 40).0.is_empty());
        assert!(run(b"\x04\x01\x00\x50\x00\x00\x00\x07\0a.exam", 40).0.is_empty());
    }
}
