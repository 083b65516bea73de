//! Whether bytes may be the beginning of something a parser reads: asked of each segment of a
//! direction that was given up, so that none is given up for good.
//!
//! Looks at the first bytes only and keeps no state. Saying yes too often costs time, not truth:
//! detection looks again. A segment of a long download costs a handful of instructions.

use crate::extract::{Probe, socks};

/// Longest first word of a line that is taken for a method whose line is not whole.
const METHOD_LIMIT: usize = 64;

/// Questions of a DNS message that is believed by its first bytes.
const QUESTIONS_MAX: u8 = 32;

/// May a message that a parser reads begin with these bytes?
#[inline]
pub fn may_begin(bytes: &[u8]) -> bool {
    match bytes {
        // A handshake record, also behind a change cipher spec or an alert in clear.
        [0x16] | [0x16, 3, ..] | [0x15, 3, _, 0, 2, 1 | 2, ..] => true,
        [0x14, 3, _, 0, 1, 1, 0x16, ..] => true,
        // An SSL 2.0 formed hello.
        [0x80..=0xff, _, 1, 0 | 3, ..] => true,
        // TLS inside a packet of TDS.
        [0x12, 0 | 1, _, _, 0, 0, _, _, 0x16, 3, ..] => true,
        [4 | 5, _, ..] => socks::probe(bytes) != Probe::No || dns(bytes),
        [b'\t'..=b'\r' | b' '..=b'~', ..] => line(bytes) || dns(bytes),
        _ => dns(bytes),
    }
}

/// Does what stands at this place go on in a line of text? Then it begins nothing.
pub(super) fn is_in_line(bytes: &[u8], at: usize) -> bool {
    let text = |byte: &u8| matches!(byte, b'\t' | b'\r' | b' '..=b'~');
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    let ends = bytes.get(at..).is_some_and(|rest| rest.starts_with(b"\r\n"));
    before.is_some_and(text) && bytes.get(at).is_some_and(text) && !ends
}

/// The length of a DNS message alone, or with a header: few questions, or an answer without any.
#[inline]
fn dns(bytes: &[u8]) -> bool {
    match bytes {
        [_, _, _, _, _, _, 0, 1..=QUESTIONS_MAX, ..] => true,
        [_, _, _, _, 0x80..=0xff, _, 0, 0, answers @ ..] => !answers.starts_with(&[0, 0]),
        [0, 17..=0xff] | [1, _] => true,
        _ => false,
    }
}

/// A word, a blank, and then something that looks like a target, or a line that ends in a version
/// of HTTP. Leading line ends and blanks are passed over.
fn line(bytes: &[u8]) -> bool {
    let start = bytes.iter().position(|byte| !is_space(*byte));
    let Some(text) = start.and_then(|start| bytes.get(start..)) else { return false };
    let Some(blank) = text.iter().position(|byte| !is_word(*byte)) else {
        return text.len() <= METHOD_LIMIT;
    };
    let rest = text.get(blank..).unwrap_or_default();
    if blank == 0 || !rest.first().is_some_and(|byte| is_space(*byte)) {
        // The signature of the PROXY protocol has no word: line ends, a zero, `QUIT`.
        return text.starts_with(b"\0\r\nQUIT\n");
    }
    text.starts_with(b"PROXY ") || begins_target(rest)
}

/// What stands behind a method's blank.
fn begins_target(rest: &[u8]) -> bool {
    let start = rest.iter().position(|byte| !is_space(*byte)).unwrap_or(rest.len());
    let target = rest.get(start..).unwrap_or_default();
    match target {
        [] | [b'/' | b'*', ..] => true,
        _ if target.get(..16).unwrap_or(target).contains(&b':') => true,
        _ => memchr::memchr(b'\n', target).map_or(target.len() < 256, |end| {
            target.get(..end).is_some_and(|line| memchr::memmem::find(line, b"HTTP/").is_some())
        }),
    }
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// May a method hold this byte (RFC 9110 5.6.2)?
const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::http::testing::client_hello;

    #[test]
    fn whatever_a_parser_reads_may_begin_with_any_number_of_its_first_bytes() {
        let hello = client_hello();
        let query = b"\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x07example\0\0\x01\0\x01";
        let all: [&[u8]; 10] = [
            &hello,
            b"\x16\x03\x7f\0\x01\x02",
            b"GET /a HTTP/1.1\r\n",
            b"\r\n\r\n  GET http://a.example/ HTTP/1.1\r\n",
            b"CONNECT a.example:443 HTTP/1.1\r\n",
            b"VERY-LONG-METHOD-NOBODY-KNOWS-OF / HTTP/1.1\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
            b"\x05\x01\0",
            b"\x04\x01\0\x50\xc0\0\x02\x07me\0",
        ];
        for bytes in all {
            assert!(may_begin(bytes), "{bytes:?}");
            assert!(may_begin(&[bytes, &[0xfe; 40]].concat()), "{bytes:?}");
        }
        assert!(may_begin(query) && may_begin(&query[..2]) && may_begin(&query[..14]));
        assert!(may_begin(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"));
        assert!(may_begin(&[b"\x14\x03\x03\0\x01\x01", &hello[..]].concat()));
        assert!(may_begin(&[b"\x15\x03\x01\0\x02\x01\0", &hello[..]].concat()));
        assert!(may_begin(&[b"\x12\x01\0\x90\0\0\x01\0", &hello[..]].concat()));
    }

    #[test]
    fn what_a_download_is_made_of_begins_nothing() {
        let all: [&[u8]; 9] = [
            b"",
            b"\x17\x03\x03\x40\x00",
            b"HTTP/1.1 200 OK\r\n",
            b"ing of words in a long text that goes on and on,\nand on.",
            b"<html><body>\n",
            b"220 mail.example ESMTP\r\n",
            &[0; 1400],
            &[0xff; 1400],
            &[0xfe; 1400],
        ];
        for bytes in all {
            assert!(!may_begin(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn noise_wakes_a_direction_seldom() {
        let (mut state, mut woken) = (7_u64, 0);
        for _ in 0..20_000 {
            let mut segment = Vec::with_capacity(64);
            for _ in 0..8 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                segment.extend(state.to_le_bytes());
            }
            woken += usize::from(may_begin(&segment));
        }
        assert!(woken < 400, "{woken} of 20,000");
    }
}
