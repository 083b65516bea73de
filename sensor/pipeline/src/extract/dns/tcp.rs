//! One direction of DNS over TCP: messages behind a two-byte length (RFC 1035 4.2.2, RFC 7766).
//!
//! Owns only its place in the stream; the message itself is read by [`super::Reader`].

use super::plausible::{lenient, strict};
use super::{HEADER, Reading};
use crate::extract::{Context, Probe};
use crate::flow::stream::{Chunk, Cut, Verdict};

/// Messages in a row without anything readable after which a stream on a port that is not DNS's is
/// not believed any more.
const FAILURES_MAX: u8 = 3;

/// A message of at most so many octets is held, whatever its counts say.
const HELD_ANYWAY: usize = 4096;

/// Octets read of a longer one whose counts cannot be true: what it asks for stands first.
const START_READ: usize = 512;

/// State of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpMessages {
    failures: u8,
    /// A message cut by a hole is being skipped by its length, so the next chunk begins a message.
    skipped: bool,
    /// Bytes that follow of a message that cannot be read.
    passing: u16,
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

/// Is one of the ports one of DNS or mDNS? Then each message stands for itself: an odd one says
/// nothing about the next.
pub fn is_hinted(cx: &Context<'_>) -> bool {
    matches!(cx.source.port, 53 | 5353) || matches!(cx.destination.port, 53 | 5353)
}

/// Is a message of this length worth holding whole, by as much of its header as is there?
fn is_worth_holding(message: &[u8], length: usize) -> bool {
    let Some([_, _, _, _, counts @ ..]) = message.first_chunk::<HEADER>() else { return true };
    let [questions, records @ ..] = counts.as_chunks::<2>().0 else { return false };
    let records = records.iter().map(|count| usize::from(u16::from_be_bytes(*count)));
    // A question takes at least five octets, a record eleven.
    let least = usize::from(u16::from_be_bytes(*questions)) * 5 + records.sum::<usize>() * 11;
    length <= HELD_ANYWAY || HEADER + least <= length
}

impl TcpMessages {
    /// Reads every whole message of the chunk; a message cut short by a hole or the end of the
    /// stream is read as far as it stands. A message has at most 65,535 octets, which bounds what
    /// is left unconsumed. On a port of DNS no message
    /// ends the reading: what cannot be read is passed over by its length.
    pub fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        if chunk.after_gap && !self.believable(chunk.bytes) {
            return Verdict::All;
        }
        (self.skipped, self.passing) = (false, if chunk.after_gap { 0 } else { self.passing });
        let hinted = is_hinted(cx);
        let mut rest = chunk.bytes;
        let mut consumed = 0;
        loop {
            let passed = rest.len().min(usize::from(self.passing));
            self.passing -= u16::try_from(passed).unwrap_or(self.passing);
            consumed += passed as u64;
            rest = rest.get(passed..).unwrap_or_default();
            let Some((length, behind)) = rest.split_first_chunk() else { break };
            let length = u16::from_be_bytes(*length);
            let size = usize::from(length);
            if hinted && !is_worth_holding(behind, size) {
                let Some(start) = behind.get(..START_READ) else { break };
                self.read(start, cx);
                self.passing = length;
                consumed += 2;
                rest = behind;
                continue;
            }
            let Some((message, after)) = behind.split_at_checked(size) else { break };
            if !self.read(message, cx) && !hinted {
                return Verdict::All;
            }
            consumed += 2 + u64::from(length);
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
            let passing = u64::from(std::mem::take(&mut self.passing));
            self.skipped = passing > 0;
            return Verdict::Consumed(consumed + rest.len() as u64 + passing);
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
            Reading::NotDns => self.failures = self.failures.saturating_add(1),
        }
        self.failures < FAILURES_MAX
    }
}
