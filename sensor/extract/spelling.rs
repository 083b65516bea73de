//! Host text as sent by a client, written in the one comparable spelling
//! ([`ioc_feeds::name::Name`] holds indicators in the same one).

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

/// Replaces `out` with the comparable spelling of a dotted host name as text (SNI, `Host`):
/// surrounding blanks and one trailing dot dropped, case folded, odd bytes escaped.
pub fn spell(host: &[u8], out: &mut String) {
    out.clear();
    let host = host.trim_ascii();
    let host = host.strip_suffix(b".").unwrap_or(host);
    push_plain_or(host, out, push_byte);
}

/// Appends bytes in lower case if all are printable ASCII other than a backslash, at once: half
/// the price of one by one. Else hands each to `odd`.
pub(super) fn push_plain_or(bytes: &[u8], out: &mut String, odd: impl Fn(u8, &mut String)) {
    let mut plain = Plain::default();
    match plain.copy(bytes).and_then(|()| plain.fold(bytes.len())) {
        Some((text, _)) => out.push_str(text),
        None => bytes.iter().for_each(|byte| odd(*byte, out)),
    }
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
    use super::*;

    #[test]
    fn case_blanks_and_the_trailing_dot_do_not_matter() {
        let mut out = String::from("left over");
        spell(b" A.b.EVIL.example. ", &mut out);
        assert_eq!(out, "a.b.evil.example");
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
        spell(b"x\\y\xff\x00z", &mut out);
        assert_eq!(out, "x\\092y\\255\\000z");
    }
}
