//! The certificate a server shows in clear (TLS 1.2 and below, RFC 5246 7.4.2): its SHA-1 and
//! the hosts it is for.
//!
//! Owns the state of the server's direction. Trusts and verifies nothing: a name in a certificate
//! is only what the server says of itself.

use sha1::{Digest, Sha1};

use super::der::{self, Host};
use super::hello::{Reader, extensions, observe};
use super::records::{self, Layer, Piece, length_of};
use crate::extract::Context;
use crate::flow::stream::{Chunk, Cut, Verdict};
use crate::net::Address;
use crate::observation::{Kind, Observation, Value};

/// Bytes of records held by the stream. Of a longer flight only the beginning of the certificate
/// is kept, here; its digest is computed as it passes.
const RECORDS_LIMIT: usize = 48 * 1024;
/// Bytes of a certificate in which names are looked for.
const NAMES_LIMIT: usize = 32 * 1024;
/// Longest ServerHello that is read; a longer one is passed over.
const HELLO_LIMIT: usize = 16 * 1024;
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
    layer: Layer,
    /// Bytes at the front of the next chunk that were looked at before.
    known: usize,
    /// Handshake bytes so far.
    seen: usize,
    stage: Stage,
    messages: u8,
    /// The beginning of the certificate, once the stream does not hold it.
    kept: Option<Vec<u8>>,
}

/// Where in the server's flight.
#[derive(Debug)]
enum Stage {
    /// In the header of a message (4 bytes), or in the lengths before the first certificate (10).
    Head { bytes: [u8; 10], filled: usize },
    /// In a message of so many bytes more. `hello`: where the body of a ServerHello begins.
    Message { left: usize, hello: Option<usize> },
    /// In the certificate, which begins at `from` in handshake bytes.
    Certificate { left: usize, from: usize, digest: Sha1 },
    /// There will be none.
    Over,
}

impl Default for Stage {
    fn default() -> Self {
        Self::Head { bytes: [0; 10], filled: 0 }
    }
}

impl Certificates {
    /// Takes what arrived; `All` once a certificate was read or none can come.
    pub fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        if chunk.after_gap {
            return Verdict::All;
        }
        let mut rest = chunk.bytes.get(self.known..).unwrap_or_default();
        loop {
            match self.layer.next(&mut rest) {
                Piece::Handshake(piece) => self.take(piece, chunk.bytes, cx),
                Piece::None => break,
                Piece::Ended => return Verdict::All,
            }
            if matches!(self.stage, Stage::Over) {
                return Verdict::All;
            }
        }
        if chunk.cut != Cut::None {
            return Verdict::All;
        }
        if self.kept.is_none() && chunk.bytes.len() < RECORDS_LIMIT {
            self.known = chunk.bytes.len();
            return Verdict::Consumed(0);
        }
        if self.kept.is_none() {
            let mut kept = Vec::new();
            if let Stage::Certificate { from, .. } = self.stage {
                records::join((chunk.bytes, 0), from + NAMES_LIMIT, &mut kept);
                kept.drain(..from.min(kept.len()));
            }
            self.kept = Some(kept);
        }
        self.known = 0;
        Verdict::Consumed(chunk.bytes.len() as u64)
    }

    /// Bytes on the heap.
    pub fn held_bytes(&self) -> usize {
        self.kept.as_ref().map_or(0, Vec::capacity)
    }

    /// Goes on through handshake bytes. `shown` are all that the stream holds.
    fn take(&mut self, mut piece: &[u8], shown: &[u8], cx: &mut Context<'_>) {
        while !piece.is_empty() {
            let took = match &mut self.stage {
                Stage::Over => return,
                Stage::Head { bytes, filled } => {
                    let whole =
                        if bytes.first() == Some(&CERTIFICATE) && *filled > 0 { 10 } else { 4 };
                    let (Some(slot), Some(byte)) = (bytes.get_mut(*filled), piece.first()) else {
                        return;
                    };
                    *slot = *byte;
                    *filled += 1;
                    let (head, filled) = (*bytes, *filled);
                    self.seen += 1;
                    if filled == whole || (filled == 4 && head.first() != Some(&CERTIFICATE)) {
                        self.begin(head);
                    }
                    1
                }
                Stage::Message { left, hello } => {
                    let took = piece.len().min(*left);
                    *left -= took;
                    self.seen += took;
                    if *left == 0 {
                        let hello = *hello;
                        self.stage = Stage::default();
                        if hello.is_some_and(|from| self.is_encrypted(from, shown, cx)) {
                            self.stage = Stage::Over;
                        }
                    }
                    took
                }
                Stage::Certificate { left, digest, .. } => {
                    let took = piece.len().min(*left);
                    let part = piece.get(..took).unwrap_or_default();
                    digest.update(part);
                    *left -= took;
                    self.seen += took;
                    let last = *left == 0;
                    if let Some(kept) = &mut self.kept {
                        let room = NAMES_LIMIT.saturating_sub(kept.len());
                        kept.extend_from_slice(part.get(..room).unwrap_or(part));
                    }
                    if last {
                        self.finish(shown, cx);
                    }
                    took
                }
            };
            piece = piece.get(took..).unwrap_or_default();
        }
    }

    /// The head of a message is whole.
    fn begin(&mut self, head: [u8; 10]) {
        let [kind, a, b, c, _, _, _, x, y, z] = head;
        let left = length_of([a, b, c]);
        if kind == CERTIFICATE {
            self.stage = match length_of([x, y, z]) {
                0 => Stage::Over,
                left => Stage::Certificate { left, from: self.seen, digest: Sha1::default() },
            };
            return;
        }
        self.messages += 1;
        let hello = (kind == SERVER_HELLO && left <= HELLO_LIMIT).then_some(self.seen);
        self.stage = match left {
            _ if self.messages > MESSAGES => Stage::Over,
            0 => Stage::default(),
            left => Stage::Message { left, hello },
        };
    }

    /// Is what was shown of a ServerHello that of TLS 1.3?
    fn is_encrypted(&self, from: usize, shown: &[u8], cx: &mut Context<'_>) -> bool {
        if self.kept.is_some() {
            return false;
        }
        let mut joined = std::mem::take(&mut cx.scratch.bytes);
        joined.clear();
        records::join((shown, 0), self.seen, &mut joined);
        let encrypted = is_encrypted(joined.get(from..).unwrap_or_default());
        cx.scratch.bytes = joined;
        encrypted
    }

    /// The certificate is whole.
    fn finish(&mut self, shown: &[u8], cx: &mut Context<'_>) {
        let Stage::Certificate { from, digest, .. } =
            std::mem::replace(&mut self.stage, Stage::Over)
        else {
            return;
        };
        let digest = digest.finalize().into();
        if let Some(kept) = self.kept.take() {
            tell(digest, &kept, cx);
            return;
        }
        let mut joined = std::mem::take(&mut cx.scratch.bytes);
        joined.clear();
        records::join((shown, 0), self.seen.min(from + NAMES_LIMIT), &mut joined);
        tell(digest, joined.get(from..).unwrap_or_default(), cx);
        cx.scratch.bytes = joined;
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

/// Tells of a certificate by its digest and as much of it as is held.
fn tell(digest: [u8; 20], certificate: &[u8], cx: &mut Context<'_>) {
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
