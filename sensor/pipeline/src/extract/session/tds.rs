//! TLS inside packets of TDS, which Microsoft's SQL servers and their clients speak (MS-TDS 2.2.6.5
//! and 3.2.5.2): the handshake lies in packets of type 0x12, each behind eight bytes of header that
//! may stand in the middle of a record.
//!
//! Owns the taking out of these headers. Holds nothing: the bytes stay in the stream.

use crate::extract::{Context, tls};
use crate::flow::stream::{Chunk, Cut, Verdict};

/// Bytes of a packet's header: type, status, length, channel, number, window.
pub(super) const HEADER: usize = 8;

/// Bytes of a direction held for one handshake.
const LIMIT: usize = 64 * 1024;

/// Does the record at `at` stand behind a packet's header, and does it not end in its packet?
pub(super) fn wraps(bytes: &[u8], at: usize) -> bool {
    let start = at.checked_sub(HEADER);
    let Some(packet) = start.and_then(|start| bytes.get(start..)) else { return false };
    match packet {
        [0x04 | 0x12, 0 | 1, high, low, 0, 0, _, _, 0x16, 3, _, r0, r1, ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let record = usize::from(u16::from_be_bytes([*r0, *r1]));
            (HEADER + 1..HEADER + 5 + record).contains(&length)
        }
        _ => false,
    }
}

/// A direction whose bytes begin with a packet.
#[derive(Debug)]
pub(super) struct Packets {
    reader: Reader,
    /// Bytes of TLS that the reader is done with.
    taken: usize,
}

#[derive(Debug)]
enum Reader {
    Client(tls::Hellos),
    Server(tls::Certificates),
}

impl Packets {
    pub(super) fn of_client() -> Self {
        Self { reader: Reader::Client(tls::Hellos::default()), taken: 0 }
    }

    pub(super) fn of_server() -> Self {
        Self { reader: Reader::Server(tls::Certificates::default()), taken: 0 }
    }

    pub(super) fn held_bytes(&self) -> usize {
        match &self.reader {
            Reader::Client(hellos) => hellos.held_bytes(),
            Reader::Server(certificates) => certificates.held_bytes(),
        }
    }

    /// Reads on; `All` once the first hello or certificate was read, or none can come.
    pub(super) fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        if chunk.after_gap {
            return Verdict::All;
        }
        let joined = unwrap(chunk.bytes);
        let bytes = joined.get(self.taken..).unwrap_or_default();
        let last = chunk.cut != Cut::None || chunk.bytes.len() >= LIMIT;
        let cut = if last { Cut::End } else { Cut::None };
        let inner = Chunk { bytes, from_start: true, after_gap: false, cut };
        let (verdict, over) = match &mut self.reader {
            Reader::Client(hellos) => {
                let verdict = hellos.advance(inner, cx);
                (verdict, hellos.left(&verdict, bytes.len()) != tls::Left::Waiting)
            }
            Reader::Server(certificates) => (certificates.advance(inner, cx), false),
        };
        match verdict {
            Verdict::Consumed(bytes) if !over && !last => {
                self.taken += usize::try_from(bytes).unwrap_or(0);
                Verdict::Consumed(0)
            }
            _ => Verdict::All,
        }
    }
}

/// What the packets carry.
fn unwrap(mut bytes: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(bytes.len());
    while let Some((&[_, _, high, low, _, _, _, _], rest)) = bytes.split_first_chunk::<HEADER>() {
        let length = usize::from(u16::from_be_bytes([high, low])).saturating_sub(HEADER);
        let (payload, next) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        joined.extend_from_slice(payload);
        bytes = next;
    }
    joined
}
