//! Host text as sent by a client, written in the one comparable spelling
//! ([`ioc_feeds::name::Name`] holds indicators in the same one).
//!
//! Nearly every name is letters, digits, hyphens and dots; what else is done is done only for a
//! name in which something odd stands.

use std::borrow::Cow;

/// Appends one byte of a label: lower case, printable ASCII as it is, the rest as `\DDD`.
///
/// A dot or backslash that is *inside* a label (possible in DNS only) is escaped by the caller
/// with [`push_escaped`], so that it cannot pass for a label boundary.
pub fn push_byte(byte: u8, out: &mut String) {
    match byte {
        b'\\' => push_escaped(byte, out),
        0x21..=0x7e => out.push(char::from(byte.to_ascii_lowercase())),
        _ => push_escaped(byte, out),
    }
}

/// Appends `\DDD`.
pub fn push_escaped(byte: u8, out: &mut String) {
    out.push('\\');
    out.push(char::from(b'0' + byte / 100));
    out.push(char::from(b'0' + byte / 10 % 10));
    out.push(char::from(b'0' + byte % 10));
}

/// Appends text for people: case kept, UTF-8 as it is; control characters of ASCII, backslashes
/// and bytes that are no UTF-8 as `\DDD`. What may be shown of it is the sinks' to say.
pub fn push_readable(bytes: &[u8], out: &mut String) {
    for part in bytes.utf8_chunks() {
        for c in part.valid().chars() {
            match u8::try_from(c) {
                Ok(byte) if byte == b'\\' || byte.is_ascii_control() => push_escaped(byte, out),
                _ => out.push(c),
            }
        }
        part.invalid().iter().for_each(|byte| push_escaped(*byte, out));
    }
}

/// A name in comparable spelling as people read it: what is escaped in it and is UTF-8 together
/// is shown. A name in which nothing is escaped is returned as it is.
pub fn readable(name: &str) -> Cow<'_, str> {
    if !name.contains('\\') {
        return Cow::Borrowed(name);
    }
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, after @ ..] = rest {
        let digit = |byte: u8| byte.wrapping_sub(b'0');
        rest = after;
        match after {
            [a @ b'0'..=b'2', b @ b'0'..=b'9', c @ b'0'..=b'9', behind @ ..] if *first == b'\\' => {
                let number =
                    [a, b, c].into_iter().fold(0, |sum, d| sum * 10 + u16::from(digit(*d)));
                match u8::try_from(number) {
                    // A dot or blank inside a label, and controls, stay as they are spelled.
                    Ok(byte @ 0x80..) => bytes.push(byte),
                    _ => bytes.extend([*first, *a, *b, *c]),
                }
                rest = behind;
            }
            _ => bytes.push(*first),
        }
    }
    let mut out = String::with_capacity(bytes.len());
    for part in bytes.utf8_chunks() {
        out.push_str(part.valid());
        part.invalid().iter().for_each(|byte| push_escaped(*byte, &mut out));
    }
    Cow::Owned(out)
}

/// Replaces `out` with the comparable spelling of a dotted host name as text (SNI, `Host`, SOCKS):
/// surrounding blanks, a port and all trailing dots dropped, cut at a NUL as a C program does,
/// case folded, U-labels made A-labels, odd bytes escaped.
pub fn spell(host: &[u8], out: &mut String) {
    out.clear();
    let host = host.trim_ascii();
    let mut plain = Plain::default();
    // A name's last label is no number, so behind a letter there is no port and no dot.
    let ends = host.last().is_some_and(u8::is_ascii_alphabetic);
    match ends.then(|| plain.copy(host).and_then(|()| plain.fold(host.len()))).flatten() {
        Some((text, _)) => out.push_str(text),
        None => spell_odd(host, out),
    }
}

/// As [`spell`], of a name that may have something behind it or in it.
#[cold]
fn spell_odd(host: &[u8], out: &mut String) {
    out.clear();
    let end = memchr::memchr(0, host).unwrap_or(host.len());
    let host = trim(host.get(..end).unwrap_or(host));
    push_labels(without_dots(without_port(without_dots(host))), out);
    let length = out.trim_end_matches('.').len();
    out.truncate(length);
}

/// A text without the blanks and control characters around it.
pub(super) fn trim(text: &[u8]) -> &[u8] {
    let odd = |byte: &u8| *byte <= b' ' || *byte == 0x7f;
    let start = text.iter().position(|byte| !odd(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !odd(byte)).map_or(start, |at| at + 1);
    text.get(start..end).unwrap_or_default()
}

/// A name without its trailing dots.
pub(super) fn without_dots(name: &[u8]) -> &[u8] {
    let end = name.iter().rposition(|byte| *byte != b'.').map_or(0, |at| at + 1);
    name.get(..end).unwrap_or_default()
}

/// A host without the port behind it, which must be digits; an IPv6 literal has none.
fn without_port(host: &[u8]) -> &[u8] {
    let Some(colon) = memchr::memrchr(b':', host) else { return host };
    let (name, port) = host.split_at_checked(colon).unwrap_or((host, &[]));
    let literal = memchr::memchr(b':', name).is_some() && name.last() != Some(&b']');
    let digits = port.get(1..).is_some_and(|port| port.iter().all(u8::is_ascii_digit));
    if digits && !literal { name } else { host }
}

/// Appends a dotted name label by label: one that is not ASCII as its A-label, if it has one.
fn push_labels(name: &[u8], out: &mut String) {
    for (nth, label) in name.split(|byte| *byte == b'.').enumerate() {
        if nth > 0 {
            out.push('.');
        }
        push_label(label, out);
    }
}

fn push_label(label: &[u8], out: &mut String) {
    let foreign = str::from_utf8(label).ok().filter(|text| !text.is_ascii());
    match foreign.and_then(ioc_feeds::name::a_labels) {
        Some(ascii) => ascii.bytes().for_each(|byte| push_byte(byte, out)),
        None => label.iter().for_each(|byte| push_byte(*byte, out)),
    }
}

/// Writes into `out` a name of which some bytes were escaped with its U-labels made A-labels.
/// False if it has none that can be: then it is compared as it is.
#[cold]
pub(super) fn with_a_labels(escaped: &str, out: &mut String) -> bool {
    out.clear();
    let mut changed = false;
    for (nth, label) in escaped.split('.').enumerate() {
        if nth > 0 {
            out.push('.');
        }
        let ascii = unescaped(label).and_then(|text| ioc_feeds::name::a_labels(&text));
        changed |= ascii.is_some();
        match ascii {
            Some(ascii) => ascii.bytes().for_each(|byte| push_byte(byte, out)),
            None => out.push_str(label),
        }
    }
    let length = out.trim_end_matches('.').len();
    out.truncate(length);
    changed
}

/// The text of a label that was escaped, if it is none but for letters outside ASCII.
fn unescaped(label: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(label.len()), label.as_bytes());
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let (digits, behind) = behind.split_first_chunk::<3>()?;
        let byte = str::from_utf8(digits).ok()?.parse().ok().filter(|byte: &u8| *byte >= 0x80)?;
        bytes.push(byte);
        rest = behind;
    }
    String::from_utf8(bytes).ok().filter(|text| !text.is_ascii())
}

/// Room for a name without anything odd in it, judged and folded sixteen bytes at a time.
pub(super) struct Plain([u8; Self::ROOM]);

impl Default for Plain {
    fn default() -> Self {
        // Any byte that is plain: what lies behind the name is judged with it.
        Self([b'-'; Self::ROOM])
    }
}

impl Plain {
    /// More than a name has octets.
    pub(super) const ROOM: usize = 256;

    /// Puts a name in; `None` if it has no room.
    #[inline]
    pub(super) fn copy(&mut self, bytes: &[u8]) -> Option<()> {
        self.copy_to(0, bytes)
    }

    /// Puts a part of a name in at a place.
    #[inline]
    pub(super) fn copy_to(&mut self, place: usize, bytes: &[u8]) -> Option<()> {
        self.0.get_mut(place..place + bytes.len())?.copy_from_slice(bytes);
        Some(())
    }

    /// The byte at a place.
    #[inline]
    pub(super) fn at(&mut self, place: usize) -> Option<&mut u8> {
        self.0.get_mut(place)
    }

    /// The first `length` bytes in lower case, and how many of them are dots, if all are printable
    /// ASCII other than a backslash.
    #[inline]
    pub(super) fn fold(&mut self, length: usize) -> Option<(&str, usize)> {
        let (chunks, _) = self.0.get_mut(..length.next_multiple_of(16))?.as_chunks_mut::<16>();
        let (mut odd, mut dots) = ([0_u8; 16], [0_u8; 16]);
        for chunk in chunks {
            for ((byte, odd), dots) in chunk.iter_mut().zip(&mut odd).zip(&mut dots) {
                *odd |= u8::from(byte.wrapping_sub(0x21) > 0x7e - 0x21) | u8::from(*byte == b'\\');
                *dots += u8::from(*byte == b'.');
                *byte |= u8::from(byte.wrapping_sub(b'A') < 26) << 5;
            }
        }
        if odd != [0; 16] {
            return None;
        }
        let dots = dots.iter().map(|dots| usize::from(*dots)).sum();
        str::from_utf8(self.0.get(..length)?).ok().map(|text| (text, dots))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_blanks_and_the_trailing_dot_do_not_matter() {
        let mut out = String::from("left over");
        spell(b" A.b.EVIL.example. ", &mut out);
        assert_eq!(out, "a.b.evil.example");
    }

    fn spelled(host: impl AsRef<[u8]>) -> String {
        let mut out = String::new();
        spell(host.as_ref(), &mut out);
        out
    }

    #[test]
    fn dots_a_port_and_what_is_behind_a_nul_are_dropped() {
        for host in [
            "evil.example:443",
            "evil.example..",
            "evil.example.:443",
            "evil.example..:443.",
            "evil.example:",
            "\x0b evil.example\t\x0c",
            "evil.example\0.good.example",
            "EVIL.example\0",
        ] {
            assert_eq!(spelled(host), "evil.example", "{host:?}");
        }
        assert_eq!(spelled("2001:db8::1"), "2001:db8::1");
        assert_eq!(spelled("[2001:db8::1]:443"), "[2001:db8::1]");
        assert_eq!(spelled("192.0.2.1:443"), "192.0.2.1");
        assert_eq!(spelled("evil.example:http"), "evil.example:http");
        assert_eq!(spelled("..:443"), "");
    }

    #[test]
    fn u_labels_are_a_labels_and_case_does_not_matter() {
        for host in [
            "b\u{fc}cher.example",
            "B\u{dc}CHER.Example:443",
            "XN--BCHER-KVA.example.",
            "b\u{fc}cher\u{3002}example",
            "b\u{fc}cher\u{ff0e}example\u{3002}",
        ] {
            assert_eq!(spelled(host), "xn--bcher-kva.example", "{host}");
        }
        assert_eq!(spelled(b"\xff.b\xc3\xbccher.example"), "\\255.xn--bcher-kva.example");
        assert_eq!(spelled(b"b\xfccher.example"), "b\\252cher.example");
        assert_eq!(spelled("a_b.b\u{fc}cher.example"), "a_b.xn--bcher-kva.example");
    }

    #[test]
    fn an_escaped_name_is_compared_with_its_a_labels() {
        let mut out = String::new();
        assert!(with_a_labels("x\\046y.b\\195\\188cher.example", &mut out));
        assert_eq!(out, "x\\046y.xn--bcher-kva.example");
        for name in ["b\\252cher.example", "a\\092.example", "\\[xab/8].example", "plain.example"] {
            assert!(!with_a_labels(name, &mut out), "{name}");
            assert_eq!(out, name);
        }
    }

    proptest! {
        #[test]
        fn every_spelling_is_comparable_and_the_feeds(text in "\\PC{0,40}") {
            let host = spelled(&text);
            prop_assert!(host.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(!host.ends_with('.') && !host.bytes().any(|byte| byte.is_ascii_uppercase()));
            if let Ok(name) = ioc_feeds::name::Name::parse(&text) {
                prop_assert_eq!(host, name.as_str());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(spelled(&bytes).bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }

    #[test]
    fn what_people_read_shows_utf8_and_escapes_what_is_none() {
        let mut out = String::new();
        push_readable("MÁY-KẾ-TOÁN\\\n".as_bytes(), &mut out);
        push_readable(b"\xff\xc3", &mut out);
        assert_eq!(out, "MÁY-KẾ-TOÁN\\092\\010\\255\\195");
        let mut spelled = String::new();
        "Máy-Kế-Toán".bytes().for_each(|byte| push_byte(byte, &mut spelled));
        assert_eq!(readable(&spelled), "máy-kế-toán");
        for same in ["pc-7", "a\\046b", "x\\255y", "x\\999", "x\\1", "\\"] {
            assert_eq!(readable(same), same);
        }
    }

    #[test]
    fn bytes_outside_printable_ascii_are_escaped_in_decimal() {
        let mut out = String::new();
        spell(b"x\\y\xff\x01z", &mut out);
        assert_eq!(out, "x\\092y\\255\\001z");
    }
}
