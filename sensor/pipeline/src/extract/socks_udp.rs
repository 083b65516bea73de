//! The header that a SOCKS5 proxy's UDP relay has before each datagram (RFC 1928 7): to whom the
//! proxy is to send it, or from whom it came.
//!
//! Relays use any port, so it is known by its content alone; what could as well be something else
//! is none. Keeps no state.

use super::Context;
use super::http::authority::{self, Host};
use crate::net::{Address, Endpoint};
use crate::observation::{Kind, Observation, Value};

/// A datagram and who is named before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relayed<'a> {
    host: Host<'a>,
    port: u16,
    /// The datagram itself.
    pub payload: &'a [u8],
}

/// The header, if there is one: reserved bytes and fragment number are 0, the host may be one of
/// the Internet, the port is not 0 and something follows. One that names a host by its name is so
/// plain that the first three bytes may be anything (relays pass over them), and nothing need follow.
#[inline]
pub fn header(datagram: &[u8]) -> Option<Relayed<'_>> {
    match datagram {
        [_, _, _, 3, length, rest @ ..] if usize::from(*length) + 2 <= rest.len() => {
            read(3, datagram)
        }
        [0, 0, 0, kind @ (1 | 4), ..] => read(*kind, datagram),
        _ => None,
    }
}

#[cold]
fn read(kind: u8, datagram: &[u8]) -> Option<Relayed<'_>> {
    let rest = datagram.get(4..)?;
    let (host, rest) = match kind {
        1 => {
            let (octets, rest) = rest.split_first_chunk()?;
            (Host::Address(address(Address::v4(*octets))?), rest)
        }
        4 => {
            let (octets, rest) = rest.split_first_chunk()?;
            (Host::Address(address(Address::v6(*octets))?), rest)
        }
        _ => {
            let (length, rest) = rest.split_first()?;
            let (text, rest) = rest.split_at_checked(usize::from(*length))?;
            (name(text)?, rest)
        }
    };
    let ([high, low], payload) = rest.split_first_chunk()?;
    let port = u16::from_be_bytes([*high, *low]);
    let relayed = Relayed { host, port, payload };
    (port != 0 && (kind == 3 || !payload.is_empty())).then_some(relayed)
}

/// An address that one host can have.
fn address(address: Address) -> Option<Address> {
    let one = match address.to_ip() {
        std::net::IpAddr::V4(ip) => !matches!(ip.octets(), [0 | 127 | 224.., ..]),
        // Global, unique local, link local; and what holds an IPv4 address (RFC 6052, 8215).
        std::net::IpAddr::V6(ip) => {
            matches!(ip.octets(), [0x20..=0x3f | 0xfc..=0xfe | 0, ..] if !ip.is_unspecified() && !ip.is_loopback())
        }
    };
    one.then_some(address)
}

/// A host as text: a name of several labels, or an IP literal.
fn name(text: &[u8]) -> Option<Host<'_>> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | 0x80..);
    let mut labels = text.strip_suffix(b".").unwrap_or(text).split(|byte| *byte == b'.');
    let named = labels.clone().count() > 1
        && labels.all(|label| !label.is_empty() && label.len() < 64 && label.iter().all(plain));
    match authority::host(text)? {
        Host::Name(_) if !named => None,
        host => Some(host),
    }
}

impl Relayed<'_> {
    /// The port on the other side of the relay.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Tells who is named.
    pub fn tell(&self, cx: &mut Context<'_>) {
        let value = match self.host.value(&mut cx.scratch.host) {
            Value::Address(address) => Value::Endpoint(Endpoint { address, port: self.port }),
            other => other,
        };
        cx.observer.seen(Observation { kind: Kind::SocksHost, value });
    }
}
