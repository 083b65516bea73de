//! The header of the PROXY protocol with which a load balancer says whose connection it passes
//! on: version 1, a line, and version 2, a signature, a length and fields (haproxy.org,
//! proxy-protocol.txt).
//!
//! Owns the header alone; the protocol it stands before is another's.

use std::net::IpAddr;

use super::http::starts_with;
use super::tls::hello;
use super::{Context, Probe};
use crate::net::{Address, Endpoint};
use crate::observation::{Kind, Observation, Value};

/// Signature of version 2.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Longest header of version 1.
const LINE_LIMIT: usize = 107;

/// Bytes of a header of version 2 that are read; its length may say more.
const READ_LIMIT: usize = 4096;

/// The field that holds the name a TLS client asked for (`PP2_TYPE_AUTHORITY`).
const AUTHORITY: u8 = 2;

/// What the first bytes of a direction are to this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// A header of so many bytes, all of them there. It may be longer than this: then the rest is
    /// not read.
    Whole(usize),
    /// More bytes are needed.
    Unsure,
    /// No header.
    No,
}

/// Looks for a header at the start of these bytes.
pub fn header(bytes: &[u8]) -> Header {
    match starts_with(bytes, b"PROXY ") {
        Probe::Yes => {
            let shown = bytes.get(..LINE_LIMIT).unwrap_or(bytes);
            return match memchr::memchr(b'\n', shown) {
                Some(end) => Header::Whole(end + 1),
                None if bytes.len() < LINE_LIMIT => Header::Unsure,
                None => Header::No,
            };
        }
        Probe::Unsure => return Header::Unsure,
        Probe::No => {}
    }
    match (starts_with(bytes, SIGNATURE), bytes.get(12..16)) {
        (Probe::Yes, Some([_, _, high, low])) => {
            let length = 16 + usize::from(u16::from_be_bytes([*high, *low]));
            let length = length.min(READ_LIMIT);
            if bytes.len() < length { Header::Unsure } else { Header::Whole(length) }
        }
        (Probe::Yes | Probe::Unsure, _) => Header::Unsure,
        (Probe::No, _) => Header::No,
    }
}

/// Observes the endpoints and the name that a whole header says.
pub fn read(header: &[u8], cx: &mut Context<'_>) {
    let endpoints = match header {
        [b'P', ..] => line(header),
        [.., _] => fields(header, cx),
        [] => None,
    };
    for endpoint in endpoints.into_iter().flatten() {
        if !endpoint.address.to_ip().is_unspecified() {
            let value = Value::Endpoint(endpoint);
            cx.observer.seen(Observation { kind: Kind::Ip, value });
        }
    }
}

/// `PROXY TCP4 source destination port port`; `UNKNOWN` names nobody.
fn line(header: &[u8]) -> Option<[Endpoint; 2]> {
    let text = str::from_utf8(header).ok()?;
    let mut words = text.split_ascii_whitespace().skip(1);
    words.next().filter(|family| matches!(*family, "TCP4" | "TCP6"))?;
    let [source, destination]: [IpAddr; 2] =
        [words.next()?.parse().ok()?, words.next()?.parse().ok()?];
    let [from, to] = [words.next()?.parse().ok()?, words.next()?.parse().ok()?];
    Some([
        Endpoint { address: source.into(), port: from },
        Endpoint { address: destination.into(), port: to },
    ])
}

/// Version and command, family and protocol, length, addresses, then type, length, value.
fn fields(header: &[u8], cx: &mut Context<'_>) -> Option<[Endpoint; 2]> {
    let (&[command, family, _, _], rest) = header.get(12..)?.split_first_chunk::<4>()?;
    // A connection of the load balancer's own (LOCAL) names nobody.
    if command != 0x21 {
        return None;
    }
    let (addresses, more) = match family >> 4 {
        1 => rest.split_at_checked(12)?,
        2 => rest.split_at_checked(36)?,
        3 => rest.split_at_checked(216)?,
        _ => (&[][..], rest),
    };
    authority(more, cx);
    let port = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    match *addresses {
        [a, b, c, d, e, f, g, h, p, q, r, s] => Some([
            Endpoint { address: Address::v4([a, b, c, d]), port: port(p, q) },
            Endpoint { address: Address::v4([e, f, g, h]), port: port(r, s) },
        ]),
        _ if addresses.len() == 36 => {
            let (source, rest) = addresses.split_first_chunk::<16>()?;
            let (destination, ports) = rest.split_first_chunk::<16>()?;
            let &[p, q, r, s] = ports.first_chunk::<4>()?;
            Some([
                Endpoint { address: Address::v6(*source), port: port(p, q) },
                Endpoint { address: Address::v6(*destination), port: port(r, s) },
            ])
        }
        _ => None,
    }
}

/// The name that the client of the connection asked for: that of its ClientHello.
fn authority(mut fields: &[u8], cx: &mut Context<'_>) {
    while let Some((&[kind, high, low], rest)) = fields.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some((value, behind)) = rest.split_at_checked(length) else { return };
        if kind == AUTHORITY {
            hello::observe(value, Kind::TlsSni, &mut cx.scratch.host, cx.observer);
        }
        fields = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::super::http::testing::{Seen, context_of};
    use super::*;
    use crate::extract::Scratch;

    fn told(bytes: &[u8]) -> Vec<String> {
        let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
        let Header::Whole(length) = header(bytes) else { panic!("no header: {bytes:?}") };
        read(&bytes[..length], &mut context_of(&mut seen, &mut scratch));
        seen.lines
    }

    fn version2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, rest].concat()
    }

    #[test]
    fn the_endpoints_of_a_line_are_told() {
        let six = b"PROXY TCP6 2001:db8::1 2001:db8::2 1 443\r\n";
        assert_eq!(
            told(b"PROXY TCP4 192.0.2.1 198.51.100.2 5000 443\r\n"),
            ["ip 192.0.2.1:5000", "ip 198.51.100.2:443"]
        );
        assert_eq!(told(six), ["ip [2001:db8::1]:1", "ip [2001:db8::2]:443"]);
    }

    #[test]
    fn the_endpoints_and_the_name_of_a_binary_header_are_told() {
        let four = [192, 0, 2, 1, 198, 51, 100, 2, 0x13, 0x88, 1, 0xbb];
        let name = [&four[..], &[4, 0, 1, 0], &[2, 0, 9], b"A.example"].concat();
        let expected = ["tls.sni a.example", "ip 192.0.2.1:5000", "ip 198.51.100.2:443"];
        assert_eq!(told(&version2(0x21, 0x11, &name)), expected);
        assert_eq!(told(&version2(0x21, 0x12, &four)), expected[1..], "UDP");
        let mut six = vec![0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        six.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 1, 0xbb]);
        assert_eq!(
            told(&version2(0x21, 0x21, &six)),
            ["ip [2001:db8::1]:1", "ip [2001:db8::2]:443"]
        );
    }

    #[test]
    fn a_header_that_speaks_for_nobody_names_nobody() {
        let four = [192, 0, 2, 1, 198, 51, 100, 2, 0x13, 0x88, 1, 0xbb];
        assert!(told(b"PROXY UNKNOWN\r\n").is_empty());
        assert!(told(b"PROXY UNKNOWN 192.0.2.1 192.0.2.2 1 2\r\n").is_empty());
        assert!(told(&version2(0x20, 0x11, &four)).is_empty(), "LOCAL");
        assert!(told(&version2(0x21, 0x31, &[b'/'; 216])).is_empty(), "UNIX");
        assert!(told(&version2(0x21, 0x00, &[])).is_empty(), "UNSPEC");
        assert!(told(&version2(0x21, 0x11, &[0; 12])).is_empty(), "no address");
    }

    #[test]
    fn a_header_is_known_once_it_is_whole() {
        let binary = version2(0x21, 0x11, &[1; 12]);
        for whole in [&b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"[..], &binary] {
            for end in 0..whole.len() {
                assert_eq!(header(&whole[..end]), Header::Unsure, "{end}");
            }
            assert_eq!(header(&[whole, b"GET"].concat()), Header::Whole(whole.len()));
        }
        assert_eq!(header(b"PROXIMITY"), Header::No);
        let long = version2(0x21, 0x11, &[1; 60_000]);
        assert_eq!(header(&long), Header::Whole(READ_LIMIT));
    }
}
