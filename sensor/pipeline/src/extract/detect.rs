//! Which protocol is this? By content, on any port.
//!
//! Owns the order in which protocols are asked. Keeps no state: [`super::session`] does.

use super::proxy::{self, Header};
use super::tls::Opening;
use super::{Probe, dns, http, http2, socks, tls};

/// Bytes after which a direction that is still unsure is taken for unknown. A request with a
/// method we do not know is only known by the end of its first line.
pub const UNSURE_LIMIT: usize = 8 * 1024;

/// A protocol's question.
type Ask = fn(&[u8]) -> Probe;

/// What a direction carries, as far as its first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TLS from a client.
    Tls,
    /// TLS from a server: its certificates.
    Certificates,
    /// HTTP/1 requests.
    Http,
    /// HTTP/2 requests.
    Http2,
    /// HTTP/1 responses.
    Responses,
    /// DNS messages with a length before each.
    Dns,
    /// SOCKS from a client.
    Socks,
    /// A header of the PROXY protocol of so many bytes; the protocol follows it.
    Proxy(usize),
}

/// What the bytes of a direction are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detected {
    /// This protocol.
    Is(Protocol),
    /// More bytes are needed.
    Unsure,
    /// None of ours.
    Unknown,
}

/// Asks every protocol about the first bytes of a direction. A protocol is only asked when those
/// before it have said no, so that the answer does not depend on how the bytes were cut.
pub fn stream(bytes: &[u8]) -> Detected {
    match proxy::header(bytes) {
        Header::Whole(length) => return Detected::Is(Protocol::Proxy(length)),
        Header::Unsure => return Detected::Unsure,
        Header::No => {}
    }
    asked(bytes, &ASKED)
}

/// The same without DNS, whose framing is followed anyway.
pub fn beside_dns(bytes: &[u8]) -> Detected {
    match proxy::header(bytes) {
        Header::Whole(length) => Detected::Is(Protocol::Proxy(length)),
        Header::Unsure => Detected::Unsure,
        Header::No => asked(bytes, ASKED.split_last().map_or(&[], |(_, others)| others)),
    }
}

/// Every protocol in the order in which it is asked; that of DNS last.
const ASKED: [(Protocol, Ask); 7] = [
    (Protocol::Tls, tls::probe),
    (Protocol::Certificates, tls::probe_server),
    (Protocol::Http2, http2::probe),
    (Protocol::Http, http::probe),
    (Protocol::Responses, http::probe_response),
    (Protocol::Socks, socks::probe),
    (Protocol::Dns, dns::tcp::probe),
];

fn asked(bytes: &[u8], asked: &[(Protocol, Ask)]) -> Detected {
    let patient = bytes.len() < UNSURE_LIMIT;
    let mut unsure = false;
    for (protocol, probe) in asked {
        match probe(bytes) {
            // A protocol asked before may still win.
            Probe::Yes if unsure && patient => return Detected::Unsure,
            Probe::Yes => return Detected::Is(*protocol),
            Probe::Unsure => unsure = true,
            Probe::No => {}
        }
    }
    if unsure && patient { Detected::Unsure } else { Detected::Unknown }
}

/// What begins with a segment in the middle of a direction. Chance must not pass for it, so TLS is
/// known by its whole opening, and a request by its whole first line.
pub fn later(bytes: &[u8]) -> Detected {
    match tls::opening_behind_others(bytes) {
        Opening::Client => return Detected::Is(Protocol::Tls),
        Opening::Server => return Detected::Is(Protocol::Certificates),
        Opening::Unsure => return Detected::Unsure,
        Opening::No => {}
    }
    match (bytes, stream(bytes)) {
        (
            [0x14..=0x16, ..],
            Detected::Is(Protocol::Tls | Protocol::Certificates) | Detected::Unsure,
        ) => Detected::Unknown,
        (_, Detected::Is(Protocol::Http)) => match http::probe_again(bytes) {
            Probe::Yes => Detected::Is(Protocol::Http),
            Probe::Unsure if bytes.len() < UNSURE_LIMIT => Detected::Unsure,
            _ => Detected::Unknown,
        },
        // A load balancer says it first or never.
        (_, Detected::Is(Protocol::Proxy(_))) => Detected::Unknown,
        (_, detected) => detected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_is_known_by_its_first_bytes_and_short_starts_are_unsure() {
        let cases: [(&[u8], Protocol); 6] = [
            (b"GET / HTTP/1.1\r\n", Protocol::Http),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Protocol::Http2),
            (b"HTTP/1.1 200 OK\r\n", Protocol::Responses),
            (b"\x05\x01\x00", Protocol::Socks),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", Protocol::Proxy(36)),
            (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", Protocol::Proxy(16)),
        ];
        for (bytes, protocol) in cases {
            assert_eq!(stream(bytes), Detected::Is(protocol));
            assert_eq!(stream(&bytes[..1]), Detected::Unsure);
        }
        let hello_behind_a_warning = b"\x15\x03\x01\0\x02\x01\0\x16\x03\x01\0\x80\x01\0\0\x7c";
        for end in 1..=hello_behind_a_warning.len() {
            let expected = if end < 13 { Detected::Unsure } else { Detected::Is(Protocol::Tls) };
            assert_eq!(stream(&hello_behind_a_warning[..end]), expected, "{end} bytes");
        }
        let server = b"\x15\x03\x01\0\x02\x01\0\x16\x03\x01\0\x80\x02\0\0\x7c";
        assert_eq!(stream(server), Detected::Is(Protocol::Certificates));
        assert_eq!(stream(b"SSH-2.0-example\r\n"), Detected::Unknown);
        assert_eq!(stream(&[0xfe; 40]), Detected::Unknown);
        assert_eq!(stream(&[b'\r'; UNSURE_LIMIT]), Detected::Unknown);
    }
}
