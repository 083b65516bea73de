//! The one spelling of a request target used for comparison: what a server looks up.
//!
//! A url is written in many ways that reach the same file: `/a/b`, `//a/./b`, `/x/../a/%62`.
//! Both a feed's path and the target of a request go through [`normalize`]. Letter case stays
//! as it is, since only the comparison knows whether it counts.

use std::borrow::Cow;

/// Would [`normalize`] write this target otherwise than it stands? Nearly no request's.
#[inline]
pub fn is_odd(target: &[u8]) -> bool {
    // Without a branch, so that sixteen bytes are judged at once.
    let behind = target.get(1..).unwrap_or_default();
    let pairs = target.iter().zip(behind).fold(false, |odd, (first, second)| {
        odd | ((*first == b'/') & matches!(second, b'/' | b'.'))
    });
    target.iter().fold(pairs, |odd, byte| {
        odd | matches!(byte, b'%' | b'\\' | b'#') | !matches!(byte, b'!'..=b'~')
    })
}

/// A target in comparable spelling (RFC 3986 6.2.2), as servers read it:
///
/// - in the path, percent-encoded printable ASCII is decoded, `%2F` and `%5C` too, but `%`, `?`
///   and `#` are not; what is still encoded is not decoded again, and what is neither ASCII nor
///   printable is encoded, in capitals, as is a `%` that encodes nothing;
/// - a backslash is a slash, several slashes are one, `.` and `..` segments are resolved;
/// - in the query, only unreserved characters (RFC 3986 2.3) are decoded; a fragment is dropped.
///
/// Allocates only if something changes. Doing it again changes nothing.
pub fn normalize(target: &[u8]) -> Cow<'_, [u8]> {
    if !is_odd(target) {
        return Cow::Borrowed(target);
    }
    let mut out = Vec::with_capacity(target.len());
    normalize_into(target, &mut out);
    Cow::Owned(out)
}

/// As [`normalize`], into a buffer that is cleared first.
pub fn normalize_into(target: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let target = target.split(|byte| *byte == b'#').next().unwrap_or_default();
    let end = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at_checked(end).unwrap_or((target, &[]));
    for byte in bytes(path, is_plain_in_path) {
        match byte {
            Byte::Plain(b'/' | b'\\') => {
                end_segment(out);
                if out.last() != Some(&b'/') {
                    out.push(b'/');
                }
            }
            byte => byte.push(out),
        }
    }
    end_segment(out);
    bytes(query, is_unreserved).for_each(|byte| byte.push(out));
}

/// Resolves the last segment of a path if it is `.` or `..` (RFC 3986 5.2.4).
fn end_segment(path: &mut Vec<u8>) {
    let start = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    match path.get(start..) {
        Some(b".") => path.truncate(start),
        Some(b"..") => {
            let parent = path.get(..start.saturating_sub(1)).unwrap_or_default();
            let slash = parent.iter().rposition(|byte| *byte == b'/');
            // Above the root is the root.
            path.truncate(slash.map_or(start, |at| at + 1));
        }
        _ => {}
    }
}

/// One byte of a target.
#[derive(Clone, Copy)]
enum Byte {
    /// As it is.
    Plain(u8),
    /// Percent-encoded.
    Encoded(u8),
}

impl Byte {
    fn push(self, out: &mut Vec<u8>) {
        match self {
            Self::Plain(byte) => out.push(byte),
            Self::Encoded(byte) => {
                let digit = |value: u8| b"0123456789ABCDEF".get(usize::from(value)).copied();
                out.push(b'%');
                out.extend([byte >> 4, byte & 15].into_iter().filter_map(digit));
            }
        }
    }
}

/// The bytes of a text, each decoded if it is encoded and `plain` when decoded, and encoded if it
/// cannot stand in a target.
fn bytes(text: &[u8], plain: fn(u8) -> bool) -> impl Iterator<Item = Byte> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (byte, behind) = rest.split_first()?;
        rest = behind;
        if *byte == b'%'
            && let Some(([high, low], behind)) = behind.split_first_chunk()
            && let (Some(high), Some(low)) = (nibble(*high), nibble(*low))
        {
            rest = behind;
            let byte = high << 4 | low;
            return Some(if plain(byte) { Byte::Plain(byte) } else { Byte::Encoded(byte) });
        }
        let stays = byte.is_ascii_graphic() && *byte != b'%';
        Some(if stays { Byte::Plain(*byte) } else { Byte::Encoded(*byte) })
    })
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// May it stand decoded in a path without changing what the path means to a server?
const fn is_plain_in_path(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'%' | b'?' | b'#')
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(target: &str) -> String {
        String::from_utf8(normalize(target.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn a_plain_target_is_lent_as_it_is() {
        for target in ["/", "/a/b.php?x=1&y=a+b", "*", "", "/a~b;c=d"] {
            assert!(matches!(normalize(target.as_bytes()), Cow::Borrowed(_)), "{target}");
        }
    }

    #[test]
    fn every_way_to_write_a_path_is_one() {
        for target in [
            "/load/x",
            "//load/x",
            "/./load/x",
            "/load///x",
            "/%6coad/x",
            "/%6C%6fad/x",
            "/load%2Fx",
            "\\load\\x",
            "/load%5cx",
            "/a/../load/x",
            "/../load/./x",
            "/a/b/%2e%2E/.%2e/load/x",
            "/a/..\\load/x",
            "/load/x#top",
        ] {
            assert_eq!(normal(target), "/load/x", "{target}");
        }
    }

    #[test]
    fn what_changes_the_meaning_stays() {
        for (target, expected) in [
            ("/a%3fb", "/a%3Fb"),
            ("/a%23b", "/a%23b"),
            ("/a%252e%252e/b", "/a%252e%252e/b"),
            ("/a%20b\u{e9}", "/a%20b%C3%A9"),
            ("/a b", "/a%20b"),
            ("/a%zz%4", "/a%25zz%254"),
            ("/a%%35c", "/a%255c"),
            ("/a/.", "/a/"),
            ("/a/b/..", "/a/"),
            ("/...", "/..."),
            ("/.hidden", "/.hidden"),
            ("/..", "/"),
            ("/a?u=//x/../%2f%7E%26", "/a?u=//x/../%2F~%26"),
        ] {
            assert_eq!(normal(target), expected, "{target}");
        }
    }

    proptest! {
        #[test]
        fn a_second_time_changes_nothing(target in "/[a%2eEfF./\\\\?#5c3 ~é-]{0,24}") {
            let once = normal(&target);
            prop_assert_eq!(&normal(&once), &once);
        }

        #[test]
        fn what_is_not_odd_is_not_changed(target in "/[a%./\\\\?#=é ]{0,16}") {
            if !is_odd(target.as_bytes()) {
                let mut out = Vec::new();
                normalize_into(target.as_bytes(), &mut out);
                prop_assert_eq!(out, target.as_bytes());
            }
        }

        #[test]
        fn encoding_any_byte_of_a_path_changes_nothing(
            path in "/[a-zA-Z0-9_.!$;=@:,()*+~-]{1,12}(/[a-z0-9]{1,5}){0,3}",
            at in any::<prop::sample::Index>(),
        ) {
            let at = at.index(path.len());
            let encoded = format!("{}%{:02x}{}", &path[..at], path.as_bytes()[at], &path[at + 1..]);
            prop_assert_eq!(normal(&encoded), normal(&path));
        }

        #[test]
        fn no_bytes_make_it_panic(target in prop::collection::vec(any::<u8>(), 0..60)) {
            prop_assert!(normalize(&target).iter().all(u8::is_ascii_graphic));
        }
    }
}
