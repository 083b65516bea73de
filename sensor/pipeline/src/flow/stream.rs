//! One direction of a TCP connection: segments in any order in, adjoining bytes out.
//!
//! A [`Stream`] shows a parser [`Chunk`]s and does what its [`Verdict`] says. In the common case
//! (in order, nothing held) the parser sees the packet's own bytes and nothing is copied. What a
//! message has in more than one segment is kept for a while ([`held`]): to put it in order, and
//! to read it again where copies of its bytes differ ([`super::overlap`]).

mod advance;
mod held;
mod odd;
mod regard;

use held::Held;
use odd::is_far_behind_end;

use super::credit::Credit;
use super::overlap::Window;
use super::overlap::evidence::{Evidence, Peer};
use crate::decode::packet::{Packet, Segment};
use crate::net::Timestamp;
use crate::stats::{Counter, Counters};
pub use regard::Leftover;
use regard::first_byte;

/// What follows a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// More bytes may follow directly.
    None,
    /// Bytes after this chunk are lost; what is shown next does not adjoin it. Read what can be
    /// read: unconsumed bytes are not shown again.
    Gap,
    /// Nothing follows: end of the capture, eviction, a new connection on the same ports.
    End,
}

/// In-order bytes of one direction. Starts with the bytes the parser left unconsumed last time.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// The first byte shown is the first byte of the connection (its SYN was seen).
    pub from_start: bool,
    /// The bytes follow a hole: the parser's place in the stream is lost.
    pub after_gap: bool,
    /// What follows.
    pub cut: Cut,
}

/// A parser's answer to a [`Chunk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// So many bytes are done with; the rest is shown again with more. May exceed what was shown
    /// (a body of known length): the excess is skipped unseen as it arrives, holes and all.
    Consumed(u64),
    /// This direction need never be looked at again.
    All,
}

/// What came of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Shown {
    /// The parser's answer.
    pub verdict: Verdict,
    /// Did it tell anything?
    pub told: bool,
}

/// Who is shown a direction's bytes.
pub trait Reader {
    /// Shows a chunk to the direction's own parser. `once`: it may repeat what was told when the
    /// stream was read in another way.
    fn live(&mut self, chunk: Chunk<'_>, once: bool) -> Shown;

    /// Shows a chunk of another reading to a parser of its own, which is new if `fresh`. What it
    /// tells is passed on unless it was told before.
    fn again(&mut self, chunk: Chunk<'_>, fresh: bool) -> Shown;

    /// What the direction's own parser was shown was perhaps a decoy: it begins anew.
    fn restart(&mut self);
}

/// Bounds of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLimits {
    /// Bytes of one stretch, what is kept of its past and what came early included. At the limit
    /// the past goes first; then the parser is told of a gap and reads what stands.
    pub bytes: usize,
    /// Stretches without a hole that are held for one direction.
    pub segments: usize,
    /// How long a hole may stay open before what follows it is read, in nanoseconds of packet
    /// time. What fills it later is read all the same.
    pub hole_nanos: u64,
}

impl Default for StreamLimits {
    fn default() -> Self {
        Self { bytes: 160 * 1024, segments: 512, hole_nanos: 2_000_000_000 }
    }
}

/// What a stream needs from its worker while it works.
pub struct StreamWork<'a> {
    /// The bounds.
    pub limits: &'a StreamLimits,
    /// The packet's time.
    pub time: Timestamp,
    /// May a segment's payload be the beginning of something? Asked of those that are not simply
    /// the next.
    pub may_begin: fn(&[u8]) -> bool,
    /// The other direction.
    pub peer: Peer,
    /// What may be read again, and who pays for it.
    pub credit: &'a mut Credit,
    /// Where drops are counted.
    pub counters: &'a mut Counters,
}

const STARTED: u16 = 1;
const SYN_SEEN: u16 = 2;
const DONE: u16 = 4;
/// Nothing has been consumed since the start of the connection.
const AT_START: u16 = 8;
/// The next byte shown follows a hole.
const AFTER_GAP: u16 = 16;
/// The parser has consumed something.
const CONSUMED: u16 = 32;
/// The parser told something of the latest message.
const TOLD: u16 = 64;
/// The other side was seen to acknowledge.
const ACKNOWLEDGES: u16 = 128;
/// It was seen to close.
const CLOSED: u16 = 256;
/// Nothing is known of it but where it stood in the connection before this one.
const STOOD: u16 = 512;

/// One direction's reassembly. Without held bytes it has no heap.
#[derive(Debug, Default)]
pub struct Stream {
    /// Sequence number after the last byte shown or skipped.
    next: u32,
    /// Sequence number of the SYN, if it was seen.
    initial: u32,
    /// The latest acknowledgement number that this side sent.
    acknowledged: u32,
    held: Option<Box<Held>>,
    /// How far before `next` the latest message, or segment between messages, began; as far as it
    /// can be said.
    since: u16,
    /// How long it was when its parser had enough of it, or wanted what follows to be skipped.
    read: u16,
    /// Bytes after `next` that the parser does not want: 48 bits, so that a stream stays small.
    skip: [u16; 3],
    flags: u16,
}

impl Stream {
    /// Will this direction not be looked at again, unless something begins in it?
    pub const fn is_done(&self) -> bool {
        self.flags & DONE != 0
    }

    /// Was its SYN seen?
    pub const fn syn_seen(&self) -> bool {
        self.flags & SYN_SEEN != 0
    }

    /// Bytes on the heap, as far as the budget counts them.
    #[inline]
    pub fn held_bytes(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.cost())
    }

    /// Is it in the middle of a message, or are bytes missing?
    #[inline]
    pub fn is_amid(&self) -> bool {
        let amid = |held: &Held| held.unresolved || (!self.is_done() && held.is_amid());
        self.held.as_deref().is_some_and(amid)
    }

    /// Notes that this side closes.
    pub const fn close(&mut self) {
        self.flags |= CLOSED;
    }

    /// Was this side seen to close?
    pub const fn is_closed(&self) -> bool {
        self.flags & CLOSED != 0
    }

    /// As the other direction sees it.
    #[inline]
    pub fn as_peer(&self) -> Peer {
        Peer {
            next: (self.flags & (STARTED | STOOD) != 0).then_some(self.next),
            acknowledged: (self.flags & ACKNOWLEDGES != 0).then_some(self.acknowledged),
            stood: (self.flags & STOOD != 0).then_some(self.acknowledged),
            ..Peer::default()
        }
    }

    /// Is this the next segment of a body that nobody reads, or of a direction that has ended, and
    /// nothing begins with it? Then it is passed over, and that was all. `may_begin`: as in
    /// [`StreamWork`].
    #[inline]
    pub fn passes(&mut self, segment: &Segment<'_>, may_begin: fn(&[u8]) -> bool) -> bool {
        if !self.is_done() && !self.skips() {
            return false;
        }
        if segment.flags.urg() || segment.flags.syn() {
            return false;
        }
        let ahead = segment.sequence.wrapping_sub(self.next).cast_signed();
        if self.is_done() {
            let quiet = self.held.as_ref().is_none_or(|held| held.is_quiet());
            return quiet && is_far_behind_end(ahead) && !may_begin(segment.payload);
        }
        let (length, skip) = (after(segment), self.skip());
        let next = self.next.wrapping_add(length);
        match &mut self.held {
            // Nothing contradicts anything so far: what begins nothing need not be kept.
            None if ahead == 0 && skip > u64::from(length) && !may_begin(segment.payload) => {}
            Some(held) if held.is_quiet() && held.keeps_enough() => {
                if ahead != 0 || skip <= u64::from(length) {
                    return false;
                }
                held.taken = next;
            }
            _ => return false,
        }
        self.set_skip(skip - u64::from(length));
        self.move_on(length);
        true
    }

    /// Takes in a segment and shows the parser whatever it completes.
    #[inline]
    pub fn push(
        &mut self,
        (packet, segment): (&Packet<'_>, &Segment<'_>),
        work: &mut StreamWork<'_>,
        reader: &mut dyn Reader,
    ) {
        if !self.note_syn(segment) {
            self.push_noted((packet, segment), work, reader);
        }
    }

    /// As [`Self::push`], of a segment that [`Self::note_syn`] was asked about.
    #[inline]
    pub fn push_noted(
        &mut self,
        (packet, segment): (&Packet<'_>, &Segment<'_>),
        work: &mut StreamWork<'_>,
        reader: &mut dyn Reader,
    ) {
        let sequence = first_byte(segment);
        if self.flags & STARTED == 0 {
            if segment.payload == [0] {
                // A keep-alive probe repeats a byte that went before.
                return;
            }
            (self.next, self.since) = (sequence, 0);
            self.flags |= STARTED;
        }
        let simple = self.held.is_none()
            && !self.skips()
            && sequence == self.next
            && !self.is_done()
            && !segment.flags.urg();
        if simple {
            self.next_alone((packet, segment), work, reader);
        } else {
            self.odd((packet, segment), work, reader);
        }
    }

    /// Takes note of what every segment says. True if it says nothing else.
    #[inline]
    pub fn note_syn(&mut self, segment: &Segment<'_>) -> bool {
        if segment.flags.syn() && self.flags & STARTED == 0 {
            self.open(segment.sequence);
        }
        if segment.flags.ack() {
            self.acknowledged = segment.acknowledgement;
            self.flags |= ACKNOWLEDGES;
        }
        segment.payload.is_empty() && segment.missing == 0 && !segment.flags.urg()
    }

    /// The next segment of a stream that holds nothing.
    fn next_alone(
        &mut self,
        (packet, segment): (&Packet<'_>, &Segment<'_>),
        work: &StreamWork<'_>,
        reader: &mut dyn Reader,
    ) {
        let (payload, missing) = (segment.payload, segment.missing);
        let cut = if missing > 0 { Cut::Gap } else { Cut::None };
        let starts = self.flags & AFTER_GAP == 0 && self.flags & (SYN_SEEN | CONSUMED) != 0;
        let begin = self.next;
        let Shown { verdict, told } = reader.live(self.chunk(payload, cut), false);
        self.note_told(told);
        let length = payload.len() as u64;
        self.since = 0;
        self.move_on(after(segment));
        self.read = self.since;
        let Verdict::Consumed(consumed) = verdict else {
            self.flags |= DONE;
            return;
        };
        let lost = cut != Cut::None && consumed < length + u64::from(missing);
        self.note_consumed(consumed, lost);
        if consumed >= length || cut != Cut::None {
            // What lies beyond a hole of known size may still be part of what is skipped.
            self.set_skip(consumed.saturating_sub(length).saturating_sub(u64::from(missing)));
            // The length of a body may have been a decoy: a request that it passes over is kept.
            let doubtful = self.skips() && !told && (work.may_begin)(payload);
            if !doubtful && (told || self.skips() || cut != Cut::None) {
                return;
            }
        }
        let mut window = Window::new(begin, starts, work.time);
        if self.skips() {
            window.begins_in_skipped();
        }
        let evidence = Evidence::of(packet, segment, work.peer);
        window.put((begin, payload), &evidence, (work.limits.bytes, work.time));
        let consumed = u32::try_from(consumed.min(length)).unwrap_or(0);
        let mut held = Held::new(window, begin.wrapping_add(consumed));
        held.unfinished = !self.skips();
        self.held = Some(Box::new(held));
    }

    fn chunk<'b>(&self, bytes: &'b [u8], cut: Cut) -> Chunk<'b> {
        Chunk {
            bytes,
            from_start: self.flags & AT_START != 0,
            after_gap: self.flags & AFTER_GAP != 0,
            cut,
        }
    }

    /// Bytes after `next` that the parser does not want.
    fn skip(&self) -> u64 {
        let [low, middle, high] = self.skip.map(u64::from);
        high << 32 | middle << 16 | low
    }

    const fn skips(&self) -> bool {
        !matches!(self.skip, [0, 0, 0])
    }

    fn set_skip(&mut self, count: u64) {
        let count = count.min((1 << 48) - 1);
        self.skip = [count, count >> 16, count >> 32].map(|part| (part & 0xffff) as u16);
    }

    /// Moves so many bytes on.
    fn move_on(&mut self, count: u32) {
        self.next = self.next.wrapping_add(count);
        self.since = self.since.saturating_add(u16::try_from(count).unwrap_or(u16::MAX));
    }

    /// Sequence number with which the latest message began.
    const fn message(&self) -> u32 {
        self.next.wrapping_sub(self.since as u32)
    }

    const fn note_told(&mut self, told: bool) {
        self.flags = if told { self.flags | TOLD } else { self.flags & !TOLD };
    }

    const fn note_consumed(&mut self, consumed: u64, lost: bool) {
        if consumed > 0 {
            self.flags &= !(AT_START | AFTER_GAP);
            self.flags |= CONSUMED;
        }
        if lost {
            self.flags &= !AT_START;
            self.flags |= AFTER_GAP;
        }
    }

    /// Shows everything still held, holes skipped, and ends.
    pub fn finish(&mut self, work: &mut StreamWork<'_>, reader: &mut dyn Reader) {
        while !self.is_done() && self.hole_since().is_some() {
            self.skip_hole(work, reader);
        }
        if let Some(mut held) = self.held.take() {
            let pending = held.window.between(held.taken, self.next);
            if !self.is_done() && !pending.is_empty() {
                let _ = reader.live(self.chunk(pending, Cut::End), held.doubted);
            }
            held.settle((Cut::End, self.next), work, reader);
        }
        self.flags |= DONE;
    }

    /// Since when the oldest hole is open.
    pub fn hole_since(&self) -> Option<Timestamp> {
        self.held.as_ref().and_then(|held| held.hole)
    }

    /// Gives up on the first hole: what stands before it is shown as cut, then what follows.
    pub fn skip_hole(&mut self, work: &mut StreamWork<'_>, reader: &mut dyn Reader) {
        let Some(held) = self.held.as_mut() else { return };
        held.hole = None;
        let Some(behind) = held.window.next_from(self.next) else { return };
        work.counters.count(Counter::Gaps);
        let (unfinished, message) = (held.unfinished, self.message());
        self.cut_here(reader);
        if let Some(held) = &mut self.held
            && unfinished
            && (work.may_begin)(held.window.between(message, self.next))
        {
            held.part(behind, work, reader);
        }
        self.go_to(behind);
        self.advance(0, work, reader);
    }

    /// Reads what was put off in a doubted stream. How many bytes that were.
    pub fn settle(&mut self, work: &mut StreamWork<'_>, reader: &mut dyn Reader) -> usize {
        self.held.as_mut().map_or(0, |held| held.settle((Cut::None, self.next), work, reader))
    }

    /// Is there a reading that was put off?
    pub fn has_put_off(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.has_put_off())
    }

    /// Is it time to look after what is kept? None if nothing is.
    pub fn is_due(&self, now: Timestamp, age: u64) -> Option<bool> {
        self.held.as_ref().map(|held| {
            !held.is_quiet() || held.has_put_off() || now.since(held.window.touched) >= age
        })
    }

    /// Lets go of what is kept of messages that are finished, and of places that lead nowhere,
    /// unless it changed within so many nanoseconds.
    pub fn let_go(&mut self, now: Timestamp, age: u64) {
        let amid = self.is_amid();
        if let Some(held) = &mut self.held {
            let old = |touched| now.since(touched) >= age;
            held.places.retain(|place| !old(place.touched));
            if !amid && held.places.is_empty() && old(held.window.touched) {
                self.held = None;
            }
        }
    }
}

/// Length of a segment in the sequence space, what was not captured included.
fn after(segment: &Segment<'_>) -> u32 {
    u32::try_from(segment.payload.len()).unwrap_or(u32::MAX).saturating_add(segment.missing)
}

#[cfg(test)]
mod tests;
