//! Host text as sent by a client, written in the one comparable spelling
//! ([`ioc_feeds::name::Name`] holds indicators in the same one).

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
    // No early end: the compiler then compares sixteen bytes at a time.
    let plain = bytes.iter().fold(true, |so_far, byte| {
        so_far & (byte.wrapping_sub(0x21) <= 0x7e - 0x21) & (*byte != b'\\')
    });
    match str::from_utf8(bytes) {
        Ok(text) if plain => {
            let start = out.len();
            out.push_str(text);
            if let Some(pushed) = out.get_mut(start..) {
                pushed.make_ascii_lowercase();
            }
        }
        _ => bytes.iter().for_each(|byte| odd(*byte, out)),
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
    fn bytes_outside_printable_ascii_are_escaped_in_decimal() {
        let mut out = String::new();
        spell(b"x\\y\xff\x00z", &mut out);
        assert_eq!(out, "x\\092y\\255\\000z");
    }
}
