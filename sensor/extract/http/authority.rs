//! `host[:port]` as clients write it in `Host`, in request targets and to proxies.
//!
//! Owns how sloppily a host may be written. Observes nothing.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::extract::spelling;
use crate::net::Address;
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

/// Reads an authority leniently (RFC 3986 3.2): userinfo, a scheme and a path are dropped, an
/// IPv6 literal needs no brackets, a port that is no number is no port. `None` without a host.
pub fn authority(text: &[u8]) -> Option<Authority<'_>> {
    let text = first_line(text);
    let text = match memchr::memmem::find(text, b"://") {
        Some(at) => text.get(at + 3..)?,
        None => text,
    };
    let end = text.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    let text = text.get(..end.unwrap_or(text.len()))?;
    let text = match memchr::memrchr(b'@', text) {
        Some(at) => text.get(at + 1..)?,
        None => text,
    };
    let (host, port) = split_port(text.trim_ascii());
    Some(Authority { host: self::host(host)?, port: port.and_then(number) })
}

/// A host without port: an IP literal becomes an address, anything else that is not empty a name.
pub fn host(text: &[u8]) -> Option<Host<'_>> {
    let text = text.trim_ascii();
    let plain = text.strip_suffix(b".").unwrap_or(text);
    if plain.is_empty() {
        return None;
    }
    Some(literal(plain).map_or(Host::Name(text), Host::Address))
}

impl Host<'_> {
    /// The host as a value to compare; `out` holds its text.
    pub fn value<'s>(&self, out: &'s mut String) -> Value<'s> {
        let text = self.spell(out);
        match *self {
            Host::Name(_) => Value::Name(text),
            Host::Address(address) => Value::Address(address),
        }
    }

    /// The host's comparable text: a spelled name, or an IP literal without brackets.
    pub fn spell<'s>(&self, out: &'s mut String) -> &'s str {
        match *self {
            Host::Name(name) => spelling::spell(name, out),
            Host::Address(address) => {
                out.clear();
                // Writing into a String does not fail.
                let _ = write!(out, "{address}");
            }
        }
        out
    }
}

/// A folded value's first line that is not blank (RFC 9112 5.2).
fn first_line(value: &[u8]) -> &[u8] {
    value
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .map(<[u8]>::trim_ascii)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
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
    let end = memchr::memchr(b'%', text).unwrap_or(text.len());
    let text = std::str::from_utf8(text.get(..end)?).ok()?;
    if text.contains(':') {
        text.parse::<Ipv6Addr>().ok().map(|ip| IpAddr::V6(ip).into())
    } else {
        text.parse::<Ipv4Addr>().ok().map(|ip| IpAddr::V4(ip).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, Option<u16>)> {
        let authority = authority(text.as_bytes())?;
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
    fn nothing_is_no_host() {
        for text in ["", "  ", ":80", "user@", "/path", "."] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
