//! Fingerprints of a ClientHello: JA3, JA4 and what an event record says of it.
//!
//! Computed on demand from the borrowed hello, for records and for indicators of these kinds;
//! the path of a packet never needs them. Of the JA4 family only JA4 itself (BSD licence).

use md5::Md5;
use sha2::{Digest, Sha256};

use super::hello::extensions;
use crate::observation::ClientHello;

const SERVER_NAME: u16 = 0;
const GROUPS: u16 = 10;
const POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;

/// Is this one of the values reserved to be ignored (RFC 8701)?
const fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

/// The numbers of a list of two bytes each, without GREASE.
fn numbers(list: &[u8]) -> impl Iterator<Item = u16> {
    list.chunks_exact(2).filter_map(|pair| match *pair {
        [high, low] => Some(u16::from_be_bytes([high, low])).filter(|value| !is_grease(*value)),
        _ => None,
    })
}

/// Data of the first extension of a type, empty if there is none.
fn extension<'a>(hello: &ClientHello<'a>, kind: u16) -> &'a [u8] {
    extensions(hello.extensions).find(|(found, _)| *found == kind).map_or(&[], |(_, data)| data)
}

/// The list in an extension whose data opens with a length of two bytes.
fn long_list<'a>(hello: &ClientHello<'a>, kind: u16) -> &'a [u8] {
    extension(hello, kind).get(2..).unwrap_or_default()
}

/// The list in an extension whose data opens with a length of one byte.
fn short_list<'a>(hello: &ClientHello<'a>, kind: u16) -> &'a [u8] {
    extension(hello, kind).get(1..).unwrap_or_default()
}

fn extension_types(hello: &ClientHello<'_>) -> Vec<u16> {
    extensions(hello.extensions).map(|(kind, _)| kind).filter(|kind| !is_grease(*kind)).collect()
}

/// The protocols a client offers (RFC 7301), in its order, as sent.
pub fn client_alpns<'a>(hello: &ClientHello<'a>) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = long_list(hello, ALPN);
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first()?;
        let (name, after) = after.split_at_checked(usize::from(*length))?;
        rest = after;
        Some(name)
    })
}

/// The highest version a client offers: of `supported_versions` (RFC 8446 4.2.1), GREASE left
/// out, else `legacy_version`. DTLS counts downwards on the wire and is compared so.
pub fn supported_version(hello: &ClientHello<'_>) -> u16 {
    let rank = |version: &u16| if version >> 8 == 0xfe { !version } else { *version };
    let offered = numbers(short_list(hello, SUPPORTED_VERSIONS)).max_by_key(rank);
    offered.unwrap_or(hello.legacy_version)
}

/// A version as event records spell it: `TLS 1.3`, `DTLS 1.2`, `UNDETERMINED`.
pub const fn version_name(version: u16) -> &'static str {
    match version {
        0x0002 => "SSLv2",
        0x0300 => "SSLv3",
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        0x0303 => "TLS 1.2",
        0x0304 | 0x7f00..=0x7fff => "TLS 1.3",
        0xfeff => "DTLS 1.0",
        0xfefd => "DTLS 1.2",
        0xfefc => "DTLS 1.3",
        _ => "UNDETERMINED",
    }
}

/// JA3: `version,ciphers,extensions,groups,point formats` in decimal, and its MD5. GREASE is left
/// out, an empty list keeps its comma.
pub fn ja3(hello: &ClientHello<'_>) -> (String, [u8; 16]) {
    let mut text = String::with_capacity(256);
    push_decimal(hello.legacy_version, &mut text);
    let mut field = |values: &mut dyn Iterator<Item = u16>| {
        text.push(',');
        for (place, value) in values.enumerate() {
            if place > 0 {
                text.push('-');
            }
            push_decimal(value, &mut text);
        }
    };
    field(&mut numbers(hello.ciphers));
    field(&mut extension_types(hello).into_iter());
    field(&mut numbers(long_list(hello, GROUPS)));
    field(&mut short_list(hello, POINT_FORMATS).iter().map(|format| u16::from(*format)));
    let digest = Md5::digest(text.as_bytes()).into();
    (text, digest)
}

/// JA4 of a hello over `transport`: `t` TCP, `q` QUIC, `d` DTLS.
pub fn ja4(hello: &ClientHello<'_>, transport: char) -> String {
    let mut ciphers: Vec<u16> = numbers(hello.ciphers).collect();
    let mut types = extension_types(hello);
    let mut text = format!(
        "{transport}{}{}{:02}{:02}",
        ja4_version(supported_version(hello)),
        if types.contains(&SERVER_NAME) { 'd' } else { 'i' },
        ciphers.len().min(99),
        types.len().min(99),
    );
    push_alpn_ends(client_alpns(hello).next().unwrap_or_default(), &mut text);
    ciphers.sort_unstable();
    text.push('_');
    push_digest(&hex_list(ciphers.into_iter()), &mut text);
    types.retain(|kind| *kind != SERVER_NAME && *kind != ALPN);
    types.sort_unstable();
    let mut last = hex_list(types.into_iter());
    let signatures = hex_list(numbers(long_list(hello, SIGNATURE_ALGORITHMS)));
    if !signatures.is_empty() {
        last.push('_');
        last.push_str(&signatures);
    }
    text.push('_');
    push_digest(&last, &mut text);
    text
}

const fn ja4_version(version: u16) -> &'static str {
    match version {
        0x0002 => "s2",
        0x0300 => "s3",
        0x0301 => "10",
        0x0302 => "11",
        0x0303 => "12",
        0x0304 => "13",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    }
}

/// First and last character of a protocol name; of its hexadecimal form when one of them is
/// neither letter nor digit; `00` for none.
fn push_alpn_ends(name: &[u8], text: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0'));
    match (name.first(), name.last()) {
        (Some(first), Some(last))
            if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() =>
        {
            text.push(char::from(*first));
            text.push(char::from(*last));
        }
        (Some(first), Some(last)) => {
            text.push(digit(first >> 4));
            text.push(digit(last & 15));
        }
        _ => text.push_str("00"),
    }
}

fn hex_list(values: impl Iterator<Item = u16>) -> String {
    let mut text = String::with_capacity(128);
    for (place, value) in values.enumerate() {
        if place > 0 {
            text.push(',');
        }
        value.to_be_bytes().into_iter().for_each(|byte| push_hex(byte, &mut text));
    }
    text
}

/// A number without the formatter, which was most of JA3's price.
fn push_decimal(value: u16, text: &mut String) {
    let (mut rest, mut unit) = (value, 10_000);
    while unit > rest && unit > 1 {
        unit /= 10;
    }
    while unit > 0 {
        text.push(char::from(b'0' + (rest / unit) as u8));
        rest %= unit;
        unit /= 10;
    }
}

/// Two digits without the formatter, which made two thirds of a fingerprint's price.
pub(crate) fn push_hex(byte: u8, text: &mut String) {
    for digit in [byte >> 4, byte & 0xf] {
        text.push(char::from(if digit < 10 { b'0' + digit } else { b'a' - 10 + digit }));
    }
}

/// First twelve hexadecimal digits of the SHA-256; zeros for nothing.
fn push_digest(list: &str, text: &mut String) {
    if list.is_empty() {
        text.push_str("000000000000");
        return;
    }
    for byte in Sha256::digest(list.as_bytes()).iter().take(6) {
        push_hex(*byte, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(numbers: &[u16]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
    }

    fn block(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let mut out = Vec::new();
        for (kind, data) in extensions {
            out.extend(wire(&[*kind, u16::try_from(data.len()).unwrap()]));
            out.extend(data);
        }
        out
    }

    fn counted(numbers: &[u16]) -> Vec<u8> {
        let list = wire(numbers);
        [wire(&[u16::try_from(list.len()).unwrap()]), list].concat()
    }

    fn hex(digest: [u8; 16]) -> String {
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn numbers_are_spelled_as_the_formatter_spells_them() {
        for value in (0..=u16::MAX).step_by(7).chain([1, 9, 10, 99, 100, 9999, 10_000, u16::MAX]) {
            let mut text = String::new();
            push_decimal(value, &mut text);
            assert_eq!(text, value.to_string());
        }
    }

    #[test]
    fn ja3_gives_the_published_digests_of_its_authors() {
        let ciphers = wire(&[47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4]);
        let extensions = block(&[(0, vec![]), (10, counted(&[23, 24, 25])), (11, vec![1, 0])]);
        let hello = ClientHello {
            legacy_version: 769,
            ciphers: &ciphers,
            extensions: &extensions,
            ..ClientHello::default()
        };
        let (text, digest) = ja3(&hello);
        assert_eq!(text, "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0");
        assert_eq!(hex(digest), "ada70206e40642a3e4461f35503241d5");

        let ciphers = wire(&[4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99]);
        let hello =
            ClientHello { legacy_version: 769, ciphers: &ciphers, ..ClientHello::default() };
        assert_eq!(hex(ja3(&hello).1), "de350869b8c85de67a350c8d186f11e6");
    }

    #[test]
    fn ja4_gives_the_published_fingerprint_of_its_authors_whatever_the_order_and_grease() {
        let ciphers = wire(&[
            0x3a3a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
            0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
        ]);
        let signatures = counted(&[0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601]);
        let versions = [vec![6], wire(&[0x0a0a, 0x0304, 0x0303])].concat();
        let mut extensions = vec![(0x1a1a, vec![]), (0, vec![]), (0x2b, versions)];
        extensions.push((
            0x10,
            vec![0, 12, 2, b'h', b'2', 8, b'h', b't', b't', b'p', b'/', b'1', b'.', b'1'],
        ));
        extensions.push((0x0d, signatures));
        for kind in [0x1b, 0x33, 0x4469, 0x17, 0x2d, 0x05, 0x23, 0x12, 0xff01, 0x0b, 0x0a, 0x15] {
            extensions.push((kind, vec![]));
        }
        let extensions = block(&extensions);
        let hello = ClientHello {
            legacy_version: 0x0303,
            ciphers: &ciphers,
            extensions: &extensions,
            ..ClientHello::default()
        };
        assert_eq!(ja4(&hello, 't'), "t13d1516h2_8daaf6152771_e5627efa2ab1");
        assert_eq!(version_name(supported_version(&hello)), "TLS 1.3");
        let alpns: Vec<&[u8]> = client_alpns(&hello).collect();
        assert_eq!(alpns, [b"h2".as_slice(), b"http/1.1"]);
    }

    #[test]
    fn an_empty_hello_has_fingerprints_too() {
        let hello = ClientHello { legacy_version: 0x0301, ..ClientHello::default() };
        assert_eq!(ja4(&hello, 't'), "t10i000000_000000000000_000000000000");
        assert_eq!(ja3(&hello).0, "769,,,,");
    }

    #[test]
    fn the_newest_dtls_version_is_the_smallest_number() {
        let extensions = block(&[(43, [vec![4], wire(&[0xfefd, 0xfefc])].concat())]);
        let hello = ClientHello {
            legacy_version: 0xfefd,
            extensions: &extensions,
            ..ClientHello::default()
        };
        assert_eq!(version_name(supported_version(&hello)), "DTLS 1.3");
        assert!(ja4(&hello, 'd').starts_with("dd3i"));
    }
}
