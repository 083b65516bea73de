//! The certificate a server shows in clear (TLS 1.2 and below, RFC 5246 7.4.2): its SHA-1 and
//! the hosts it is for.
//!
//! Owns the state of the server's direction. Trusts and verifies nothing: a name in a certificate
//! is only what the server says of itself.

use sha1::{Digest, Sha1};

use super::der::{self, Host};
use super::hello::{Reader, extensions, observe};
use super::records::{self, Records, length_of};
use crate::extract::Context;
use crate::flow::stream::{Chunk, Cut, Verdict};
use crate::net::Address;
use crate::observation::{Kind, Observation, Value};

/// Handshake bytes held for the first certificate; a larger one is given up.
const LIMIT: usize = 32 * 1024;
/// Bytes of records held, so that empty records do not hold more.
const RECORDS_LIMIT: usize = 48 * 1024;
/// Messages before the certificate; a server sends one or two.
const MESSAGES: u8 = 4;
/// Hosts told of one certificate. Those of large hosters name some hundred.
const HOSTS: usize = 256;

const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const SUPPORTED_VERSIONS: u16 = 43;

/// Finds the server's own certificate, the first of its chain, in a server's stream.
///
/// Ends at once at a TLS 1.3 ServerHello: what follows is encrypted. Tells the SHA-1 as
/// [`Kind::TlsCertSha1`] and each host as [`Kind::TlsCertificate`] (`*.name` as `name`), or as
/// [`Kind::TlsCertificateBeside`] where the client has shown which server it wants: a certificate
/// that many hosters' customers share names them all.
#[derive(Debug, Default)]
pub struct Certificates {
    records: Records,
    /// Start of the message looked at, in handshake bytes.
    at: usize,
    /// Handshake bytes from which on there is something new to see.
    need: usize,
    messages: u8,
}

/// What the handshake bytes so far amount to.
enum Step<'a> {
    /// So many handshake bytes are needed to go on.
    Need(usize),
    /// The certificate.
    Found(&'a [u8]),
    /// There will be none.
    Over,
}

impl Certificates {
    /// Takes what arrived; `All` once a certificate was read or none can come.
    pub fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        if chunk.after_gap {
            return Verdict::All;
        }
        let walk = self.records.walk(chunk.bytes);
        let over = walk.ended || chunk.cut != Cut::None || chunk.bytes.len() > RECORDS_LIMIT;
        if walk.handshake >= self.need.max(4) {
            let mut joined = std::mem::take(&mut cx.scratch.bytes);
            joined.clear();
            records::join(chunk.bytes, LIMIT, &mut joined);
            let step = self.step(&joined);
            if let Step::Found(certificate) = step {
                tell(certificate, cx);
            }
            let need = if let Step::Need(need) = step { Some(need) } else { None };
            cx.scratch.bytes = joined;
            match need {
                Some(need) if need <= LIMIT => self.need = need,
                _ => return Verdict::All,
            }
        }
        if over { Verdict::All } else { Verdict::Consumed(0) }
    }

    /// Goes from message to message while they are whole.
    fn step<'a>(&mut self, handshake: &'a [u8]) -> Step<'a> {
        loop {
            let rest = handshake.get(self.at..).unwrap_or_default();
            let Some((&[kind, a, b, c], body)) = rest.split_first_chunk::<4>() else {
                return Step::Need(self.at + 4);
            };
            let end = self.at + 4 + length_of([a, b, c]);
            if kind == CERTIFICATE {
                return self.certificate(body);
            }
            if handshake.len() < end {
                return Step::Need(end);
            }
            self.messages += 1;
            let over = self.messages > MESSAGES || (kind == SERVER_HELLO && is_encrypted(body));
            if over {
                return Step::Over;
            }
            self.at = end;
        }
    }

    /// The first entry of the list: six bytes of lengths stand before it.
    fn certificate<'a>(&self, body: &'a [u8]) -> Step<'a> {
        let Some((&[_, _, _, a, b, c], rest)) = body.split_first_chunk::<6>() else {
            return Step::Need(self.at + 10);
        };
        match length_of([a, b, c]) {
            0 => Step::Over,
            length => rest.get(..length).map_or(Step::Need(self.at + 10 + length), Step::Found),
        }
    }
}

/// Is this the ServerHello of TLS 1.3 (RFC 8446 4.2.1)?
fn is_encrypted(body: &[u8]) -> bool {
    let mut reader = Reader(body);
    let mut extensions_of = || {
        reader.take(34)?;
        let session_id = reader.u8()?;
        reader.take(usize::from(session_id) + 3)?;
        reader.u16()?;
        Some(reader.0)
    };
    let block = extensions_of().unwrap_or_default();
    extensions(block).any(|(kind, _)| kind == SUPPORTED_VERSIONS)
}

fn tell(certificate: &[u8], cx: &mut Context<'_>) {
    let digest = Sha1::digest(certificate);
    let mut text = [0; 40];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
        for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
            *digit = if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
        }
    }
    cx.observer.seen(Observation { kind: Kind::TlsCertSha1, value: Value::Text(&text) });
    let named = cx.scratch.server_named;
    let kind = if named { Kind::TlsCertificateBeside } else { Kind::TlsCertificate };
    der::hosts(certificate, HOSTS, &mut |host| match host {
        Host::Name(name) => tell_name(name, kind, cx),
        Host::Address(octets) => tell_address(octets, kind, cx),
    });
}

/// A common name may be a person or a product: only what could be a host is told.
fn tell_name(name: &[u8], kind: Kind, cx: &mut Context<'_>) {
    let name = name.strip_prefix(b"*.").unwrap_or(name);
    let host = name.len() <= 255 && name.contains(&b'.') && name.iter().all(u8::is_ascii_graphic);
    if host {
        observe(name, kind, &mut cx.scratch.host, cx.observer);
    }
}

fn tell_address(octets: &[u8], kind: Kind, cx: &mut Context<'_>) {
    let address = match (<[u8; 4]>::try_from(octets), <[u8; 16]>::try_from(octets)) {
        (Ok(v4), _) => Address::v4(v4),
        (_, Ok(v6)) => Address::v6(v6),
        _ => return,
    };
    let value = Value::Address(address);
    cx.observer.seen(Observation { kind, value });
}
