//! What a ClientHello says (RFC 8446 4.1.2), whatever carried it: TLS, QUIC or DTLS.
//!
//! Reads leniently and only forward: a length that points past the end is cut to the end, what
//! stood before counts, and a name is given only if every byte of it is there. Holds no state.

use std::net::IpAddr;

use super::ech;
use crate::extract::{Context, spelling};
use crate::observation::{ClientHello, Kind, Message, Observation, Observer, Value};
use crate::stats::Counter;

const SERVER_NAME: u16 = 0;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// What a ClientHello came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// TLS records over TCP.
    Tls,
    /// CRYPTO frames of this QUIC version (RFC 9001).
    Quic(u32),
    /// DTLS: the hello has a cookie after the session id (RFC 6347 4.2.1).
    Dtls,
}

impl Carrier {
    /// Where its server name is said to have been seen.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Tls => Kind::TlsSni,
            Self::Quic(_) => Kind::QuicSni,
            Self::Dtls => Kind::DtlsSni,
        }
    }

    const fn counter(self) -> Counter {
        match self {
            Self::Quic(_) => Counter::Quic,
            Self::Tls | Self::Dtls => Counter::Tls,
        }
    }
}

/// Reads forward; every take answers `None` at the end.
#[derive(Clone, Copy, Debug)]
pub(in crate::extract) struct Reader<'a>(pub(in crate::extract) &'a [u8]);

impl<'a> Reader<'a> {
    pub(in crate::extract) fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(in crate::extract) fn u16(&mut self) -> Option<u16> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*first))
    }

    /// Exactly `length` bytes.
    pub(in crate::extract) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(first)
    }

    /// `length` bytes or, where fewer are left, all of them.
    fn take_up_to(&mut self, length: usize) -> &'a [u8] {
        let (first, rest) = self.0.split_at_checked(length).unwrap_or((self.0, &[]));
        self.0 = rest;
        first
    }
}

/// The extensions of a block: type and data, the last one cut where the block is.
pub fn extensions(block: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut left = block;
    std::iter::from_fn(move || {
        // Both fields at once: a hello has a dozen extensions.
        let ([k0, k1, l0, l1], rest) = left.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let (data, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        left = behind;
        Some((u16::from_be_bytes([*k0, *k1]), data))
    })
}

/// Every `host_name` of a `server_name` extension, as sent, empty ones left out (RFC 6066 3).
fn host_names(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    // The list's own length is not needed: the extension's bounds it.
    let mut entries = Reader(data.get(2..).unwrap_or_default());
    let all = std::iter::from_fn(move || {
        let kind = entries.u8()?;
        let length = entries.u16()?;
        Some((kind, entries.take(usize::from(length))?))
    });
    all.filter(|(kind, name)| *kind == 0 && !name.is_empty()).map(|(_, name)| name)
}

/// Reads a ClientHello's body (from `legacy_version` on), tells every server name and then the
/// message, and counts. `complete` is false when bytes of it are missing at the end.
pub fn read(body: &[u8], complete: bool, carrier: Carrier, cx: &mut Context<'_>) {
    let observer = &mut *cx.observer;
    if !complete {
        observer.count(Counter::TlsIncomplete);
    }
    let Some(mut hello) = fields(body, carrier) else {
        return;
    };
    // One walk: a hello has a dozen extensions, and names are nearly always one.
    let (mut first, mut names) = (None, 0);
    for (kind, data) in extensions(hello.extensions) {
        match kind {
            SERVER_NAME => {
                for name in host_names(data) {
                    observe(name, carrier.kind(), &mut cx.scratch.host, observer);
                    first.get_or_insert(name);
                    names += 1;
                }
            }
            ENCRYPTED_CLIENT_HELLO => hello.ech = true,
            _ => {}
        }
    }
    match (first, names) {
        (Some(_), 1) => {}
        (Some(first), _) => spelling::spell(first, &mut cx.scratch.host),
        (None, _) => cx.scratch.host.clear(),
    }
    if !cx.scratch.host.is_empty() {
        hello.sni = Some(&cx.scratch.host);
    } else if complete {
        observer.count(Counter::TlsNoSni);
    }
    if hello.ech {
        observer.count(Counter::TlsEch);
        // Where a hello is cut, the name may stand behind the cut.
        hello.ech_hidden = (complete || hello.sni.is_some()) && ech::hides(hello.sni);
        if hello.ech_hidden {
            observer.count(Counter::TlsEchHidden);
        }
    }
    cx.scratch.server_named |= hello.sni.is_some() && !hello.ech_hidden;
    observer.count(carrier.counter());
    observer.message(match carrier {
        Carrier::Tls => Message::Tls(&hello),
        Carrier::Quic(_) => Message::Quic(&hello),
        Carrier::Dtls => Message::Dtls(&hello),
    });
}

/// Splits a body into its fields; those after a cut are empty. `None` without a version.
fn fields(body: &[u8], carrier: Carrier) -> Option<ClientHello<'_>> {
    let mut reader = Reader(body);
    let quic_version = if let Carrier::Quic(version) = carrier { version } else { 0 };
    let legacy_version = reader.u16()?;
    let mut hello = ClientHello { legacy_version, quic_version, ..ClientHello::default() };
    let _ = variable_fields(&mut reader, carrier, &mut hello);
    Some(hello)
}

/// Random, session id, cookie, cipher suites, compression methods, extensions.
fn variable_fields<'a>(
    reader: &mut Reader<'a>,
    carrier: Carrier,
    hello: &mut ClientHello<'a>,
) -> Option<()> {
    reader.take(32)?;
    let session_id = reader.u8()?;
    reader.take(usize::from(session_id))?;
    if carrier == Carrier::Dtls {
        let cookie = reader.u8()?;
        reader.take(usize::from(cookie))?;
    }
    let ciphers = reader.u16()?;
    hello.ciphers = reader.take_up_to(usize::from(ciphers));
    let compressions = reader.u8()?;
    reader.take(usize::from(compressions))?;
    let length = reader.u16()?;
    hello.extensions = reader.take_up_to(usize::from(length));
    Some(())
}

/// Tells of one host: a name, or the address that its text spells.
pub(in crate::extract) fn observe(
    host: &[u8],
    kind: Kind,
    text: &mut String,
    observer: &mut dyn Observer,
) {
    spelling::spell(host, text);
    if text.is_empty() {
        return;
    }
    let value = match address(text) {
        Some(ip) => Value::Address(ip.into()),
        None => Value::Name(text),
    };
    observer.seen(Observation { kind, value });
}

/// The address that a text spells, in brackets or not. A name is nearly always told by its first
/// or last byte, without the 250 instructions of a parser that fails.
fn address(text: &str) -> Option<IpAddr> {
    let literal = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    let text = literal.unwrap_or(text);
    let bytes = text.as_bytes();
    let begins = matches!(bytes.first()?, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b':');
    let may_be = begins && (bytes.last()?.is_ascii_digit() || bytes.contains(&b':'));
    if may_be { text.parse().ok() } else { None }
}
