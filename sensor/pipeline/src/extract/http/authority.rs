//! `host[:port]` as clients write it in `Host`, in request targets and to proxies.
//!
//! Owns how sloppily a host may be written. Observes nothing.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::extract::spelling;
use crate::net::{Address, Endpoint};
use crate::observation::Value;

/// What a host is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// A name as sent, without port, userinfo and surrounding blanks. Not empty.
    Name(&'a [u8]),
    /// An IP literal, with or without brackets.
    Address(Address),
}

/// A host and, if given, its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority<'a> {
    /// The host.
    pub host: Host<'a>,
    /// The port, when one was given that is a number below 65,536.
    pub port: Option<u16>,
}

/// Hosts of one text that are read from its front.
const PARTS: usize = 8;

/// Every host that a text may mean: servers take it whole, before or behind a comma, without its
/// quotes, up to a NUL, or one line of a folded value. Nearly always one.
pub fn authorities(text: &[u8]) -> impl Iterator<Item = Authority<'_>> {
    let mut parts = text.split(|byte| separates(*byte)).filter_map(authority).peekable();
    let mut left = PARTS;
    std::iter::from_fn(move || {
        left = left.saturating_sub(1);
        let next = parts.next()?;
        // Of very many, the last is read.
        if left == 0 && parts.peek().is_some() {
            return parts.by_ref().last();
        }
        Some(next)
    })
}

/// A byte that no host holds and that ends one for somebody. Nobody ends one at a blank.
const fn separates(byte: u8) -> bool {
    byte < b' ' && byte != b'\t' || matches!(byte, 0x7f | b',' | b'"' | b'\'' | b'<' | b'>')
}

/// Reads an authority leniently (RFC 3986 3.2): userinfo, a scheme and a path are dropped, an
/// IPv6 literal needs no brackets, a port that is no number is no port. `None` without a host.
pub fn authority(text: &[u8]) -> Option<Authority<'_>> {
    let text = match memchr::memmem::find(text, b"://") {
        Some(at) => text.get(at + 3..)?,
        None => text,
    };
    let end = text.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\'));
    let text = text.get(..end.unwrap_or(text.len()))?;
    let text = match memchr::memrchr(b'@', text) {
        Some(at) => text.get(at + 1..)?,
        None => text,
    };
    let (host, port) = split_port(spelling::trim(text));
    Some(Authority { host: self::host(host)?, port: port.and_then(number) })
}

/// A host without port: an IP literal becomes an address, anything else that is not empty a name.
pub fn host(text: &[u8]) -> Option<Host<'_>> {
    let text = spelling::without_dots(spelling::trim(text));
    if text.is_empty() {
        return None;
    }
    Some(literal(text).map_or(Host::Name(text), Host::Address))
}

impl Host<'_> {
    /// The host as a value to compare, whatever the port; `out` holds its text.
    pub fn value<'s>(&self, out: &'s mut String) -> Value<'s> {
        match self.spell(out) {
            None => Value::Name(out),
            Some(address) => Value::Address(address),
        }
    }

    /// The host as a value to compare, an address with its port if that is known; `out` holds its
    /// text. `None` if nothing is left of its name.
    pub fn value_at<'s>(&self, port: Option<u16>, out: &'s mut String) -> Option<Value<'s>> {
        let address = self.spell(out);
        match (address, port) {
            (None, _) if out.is_empty() => None,
            (None, _) => Some(Value::Name(out)),
            (Some(address), Some(port)) => Some(Value::Endpoint(Endpoint { address, port })),
            (Some(address), None) => Some(Value::Address(address)),
        }
    }

    /// Puts the host's comparable text into `out`: a spelled name, or an IP literal without
    /// brackets. The address, if it is one.
    pub fn spell(&self, out: &mut String) -> Option<Address> {
        let address = match *self {
            Host::Name(name) if memchr::memchr(b'%', name).is_some() => decoded(name, out)?,
            Host::Name(name) => {
                spelling::spell(name, out);
                return None;
            }
            Host::Address(address) => address,
        };
        out.clear();
        // Writing into a String does not fail.
        let _ = write!(out, "{address}");
        Some(address)
    }
}

/// Spells a percent-encoded name (RFC 3986 3.2.2), or gives the address that it encodes.
#[cold]
fn decoded(name: &[u8], out: &mut String) -> Option<Address> {
    let (mut bytes, mut rest) = (Vec::with_capacity(name.len()), name);
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        let pair = behind.split_first_chunk::<2>();
        let pair = pair.and_then(|(pair, behind)| str::from_utf8(pair).ok().zip(Some(behind)));
        match pair.and_then(|(pair, behind)| u8::from_str_radix(pair, 16).ok().zip(Some(behind))) {
            Some((decoded, behind)) if *byte == b'%' => {
                bytes.push(decoded);
                rest = behind;
            }
            _ => bytes.push(*byte),
        }
    }
    spelling::spell(&bytes, out);
    literal(out.as_bytes())
}

fn split_port(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    if let Some(inner) = text.strip_prefix(b"[") {
        let end = memchr::memchr(b']', inner).unwrap_or(inner.len());
        let (host, rest) = inner.split_at_checked(end).unwrap_or((inner, &[]));
        return (host, rest.strip_prefix(b"]:"));
    }
    let Some(colon) = memchr::memchr(b':', text) else { return (text, None) };
    if literal(text).is_some() {
        return (text, None);
    }
    (text.get(..colon).unwrap_or_default(), text.get(colon + 1..))
}

fn number(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits.trim_ascii()).ok()?.parse().ok()
}

/// An IP literal; a zone (`%eth0`, RFC 6874) is dropped.
fn literal(text: &[u8]) -> Option<Address> {
    // The longest literal has 45 characters; a name never begins with anything else.
    if !text.first().is_some_and(|byte| byte.is_ascii_hexdigit() || *byte == b':') {
        return None;
    }
    let colons = memchr::memchr(b':', text).is_some();
    if !colons && !text.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let end = memchr::memchr(b'%', text).unwrap_or(text.len());
    let text = str::from_utf8(text.get(..end)?).ok()?;
    if colons {
        text.parse::<Ipv6Addr>().ok().map(|ip| IpAddr::V6(ip).into())
    } else {
        let plain = text.parse::<Ipv4Addr>().ok();
        plain.or_else(|| loose_v4(text)).map(|ip| IpAddr::V4(ip).into())
    }
}

/// An IPv4 address as `inet_aton` and browsers take it: up to four numbers, decimal, octal behind
/// `0` or hexadecimal behind `0x`, the last of which fills all octets that are left.
fn loose_v4(text: &str) -> Option<Ipv4Addr> {
    let (mut address, mut left) = (0_u64, 32_u32);
    let mut parts = text.split('.').peekable();
    while let Some(part) = parts.next() {
        let value = match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
            Some("") => 0,
            Some(digits) => number_of(digits, 16)?,
            None if part.len() > 1 && part.starts_with('0') => number_of(part, 8)?,
            None => number_of(part, 10)?,
        };
        let bits = if parts.peek().is_some() { 8 } else { left };
        left = left.checked_sub(8).filter(|_| value < 1 << bits)?;
        address |= if parts.peek().is_some() { value << left } else { value };
    }
    u32::try_from(address).ok().map(Ipv4Addr::from)
}

fn number_of(digits: &str, radix: u32) -> Option<u64> {
    let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if all { u64::from_str_radix(digits, radix).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, Option<u16>)> {
        let authority = authorities(text.as_bytes()).next()?;
        let mut out = String::new();
        authority.host.spell(&mut out);
        Some((out, authority.port))
    }

    #[test]
    fn port_userinfo_case_blanks_and_the_trailing_dot_are_dropped() {
        for text in
            ["a.example", " A.Example. ", "u:p@a.example", "http://a.example/x?y", "\r\n a.example"]
        {
            assert_eq!(read(text), Some(("a.example".into(), None)), "{text:?}");
        }
        for text in ["a.example:8080", "u@A.example.:8080", "https://a.example:8080/"] {
            assert_eq!(read(text), Some(("a.example".into(), Some(8080))), "{text:?}");
        }
        assert_eq!(read("a.example:http"), Some(("a.example".into(), None)));
        assert_eq!(read("a.example:99999"), Some(("a.example".into(), None)));
    }

    #[test]
    fn ip_literals_are_addresses_with_and_without_brackets() {
        assert_eq!(read("[2001:DB8::1]:81"), Some(("2001:db8::1".into(), Some(81))));
        assert_eq!(read("2001:db8::1"), Some(("2001:db8::1".into(), None)));
        assert_eq!(read("[fe80::1%eth0]"), Some(("fe80::1".into(), None)));
        assert_eq!(read("192.0.2.1:80"), Some(("192.0.2.1".into(), Some(80))));
        let v4 = Host::Address(Address::v4([192, 0, 2, 1]));
        assert_eq!(authority(b"192.0.2.1.").map(|a| a.host), Some(v4));
    }

    #[test]
    fn an_address_in_any_notation_that_resolvers_take_is_that_address() {
        for text in [
            "203.0.113.7",
            "203.0.113.7.",
            "203.0.28935",
            "203.28935",
            "3405803783",
            "0xcb007107",
            "0XCB.0x0.0x71.0x7",
            "0313.0.0161.07",
            "%32%30%33.0.113.7",
            "::ffff:203.0.113.7",
        ] {
            assert_eq!(read(text), Some(("203.0.113.7".into(), None)), "{text}");
        }
        assert_eq!(read("3405803783:81"), Some(("203.0.113.7".into(), Some(81))));
        for name in ["203.0.113.7.8", "256.1.1.1", "08.1.1.1", "1e3", "0x.example", "4294967296"] {
            let host = authorities(name.as_bytes()).next().map(|authority| authority.host);
            assert_eq!(host, Some(Host::Name(name.as_bytes())), "{name}");
        }
    }

    #[test]
    fn every_host_that_somebody_takes_is_given() {
        let all = |text: &[u8]| -> Vec<String> {
            let spelled = |authority: Authority<'_>| {
                let mut out = String::new();
                authority.host.spell(&mut out);
                out
            };
            authorities(text).map(spelled).collect()
        };
        assert_eq!(all(b"a.example, B.example:8"), ["a.example", "b.example"]);
        assert_eq!(all(b"a.example\0b.example"), ["a.example", "b.example"]);
        assert_eq!(all(b"a.example\r\n\tb.example"), ["a.example", "b.example"]);
        assert_eq!(all(b"\x0b\"a.example\"\x0c"), ["a.example"]);
        assert_eq!(all(b"%61%2eexample%2E"), ["a.example"]);
        assert_eq!(all("b\u{fc}cher.example".as_bytes()), ["xn--bcher-kva.example"]);
        assert_eq!(all(b"http://u@a.example:80:90/x"), ["a.example"]);
        let many: Vec<String> = (0..40).map(|n| format!("h{n}.example")).collect();
        let read = all(many.join(",").as_bytes());
        assert_eq!((read.len(), read[7].as_str()), (8, "h39.example"));
    }

    #[test]
    fn nothing_is_no_host() {
        for text in ["", "  ", ":80", "user@", "/path", "."] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
