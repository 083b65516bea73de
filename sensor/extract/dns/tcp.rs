//! One direction of DNS over TCP: messages behind a two-byte length (RFC 1035 4.2.2, RFC 7766).
//!
//! Owns only its place in the stream; the message itself is read by [`super::Reader`].

use super::plausible::{lenient, strict};
use super::{HEADER, Reading};
use crate::extract::{Context, Probe};
use crate::flow::stream::{Chunk, Cut, Verdict};

/// Messages in a row without anything readable after which the stream is not believed any more.
const FAILURES_MAX: u8 = 3;

/// State of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpMessages {
    failures: u8,
    /// A message cut by a hole is being skipped by its length, so the next chunk begins a message.
    skipped: bool,
}

/// Do these first bytes begin a length and a DNS message, by content?
pub fn probe(bytes: &[u8]) -> Probe {
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return Probe::Unsure;
    };
    let length = usize::from(u16::from_be_bytes(*length));
    if length < HEADER {
        return Probe::No;
    }
    strict(rest.get(..length).unwrap_or(rest), length)
}

impl TcpMessages {
    /// Reads every whole message of the chunk; a message cut short by a hole or the end of the
    /// stream is read as far as it stands. A message has at most 65,535 octets, which bounds what
    /// is left unconsumed.
    pub fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        if chunk.after_gap && !self.believable(chunk.bytes) {
            return Verdict::All;
        }
        self.skipped = false;
        let mut rest = chunk.bytes;
        let mut consumed = 0;
        while let Some((length, behind)) = rest.split_first_chunk() {
            let length = usize::from(u16::from_be_bytes(*length));
            let Some((message, after)) = behind.split_at_checked(length) else {
                break;
            };
            if !self.read(message, cx) {
                return Verdict::All;
            }
            consumed += 2 + length as u64;
            rest = after;
        }
        match chunk.cut {
            Cut::None => Verdict::Consumed(consumed),
            Cut::Gap => self.cut_short(rest, consumed, cx),
            Cut::End => {
                let _ = self.cut_short(rest, consumed, cx);
                Verdict::All
            }
        }
    }

    /// Behind a hole the place in the stream is a guess, unless the length of the message that
    /// has the hole led here.
    fn believable(&self, bytes: &[u8]) -> bool {
        match bytes.get(2..) {
            Some(message) if self.skipped => lenient(message) || message.len() < HEADER,
            _ => probe(bytes) != Probe::No,
        }
    }

    /// What stands of a message before a hole; its length says how much to skip.
    fn cut_short(&mut self, rest: &[u8], consumed: u64, cx: &mut Context<'_>) -> Verdict {
        let Some((length, message)) = rest.split_first_chunk() else {
            return Verdict::Consumed(consumed + rest.len() as u64);
        };
        if message.len() >= HEADER {
            let _ = self.read(message, cx);
        }
        self.skipped = true;
        Verdict::Consumed(consumed + 2 + u64::from(u16::from_be_bytes(*length)))
    }

    /// False when this cannot be a DNS stream after all.
    fn read(&mut self, message: &[u8], cx: &mut Context<'_>) -> bool {
        match cx.scratch.dns.read(message, cx.observer) {
            Reading::Whole | Reading::Damaged => self.failures = 0,
            Reading::NotDns => self.failures += 1,
        }
        self.failures < FAILURES_MAX
    }
}
