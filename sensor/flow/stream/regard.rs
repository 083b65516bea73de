//! What a segment is to a stream before it is taken in: the next one, or one that may contradict
//! what was seen, or the first of another connection.

use super::{
    AFTER_GAP, AT_START, CONSUMED, DONE, DOUBTED, RIVALLED, STARTED, SYN_SEEN, Segment, Stream,
};

/// How far before and behind its place a direction that is done is still compared, in bytes: a
/// decoy may have ended it.
const DONE_BEFORE: i32 = 16 * 1024;
const DONE_BEHIND: i32 = 2 * 1024;
/// Bytes noted of a body that is skipped: its length may have been a decoy.
const SKIPPED_NOTED: u16 = 8 * 1024;
/// How far behind the SYN of another connection its first bytes may come.
const RIVAL_WINDOW: u32 = 64 * 1024;

/// What a segment is to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regard {
    /// This direction is done, and the segment cannot contradict why.
    Nothing,
    /// Takes its course, and need not be remembered.
    Unnoted,
    /// It is the next one and contradicts nothing.
    Next {
        /// A message may begin with it.
        boundary: bool,
    },
    /// Compare it with what is remembered.
    Compare {
        /// A message may begin with it.
        boundary: bool,
        /// So many of its bytes lie before what was already read, and that was not skipped.
        before: usize,
    },
}

impl Stream {
    /// Looks at a segment before [`Stream::push`] takes it in.
    #[inline]
    pub fn regard(&mut self, segment: &Segment<'_>) -> Regard {
        let sequence = first_byte(segment);
        let offset = sequence.wrapping_sub(self.next).cast_signed();
        let empty = segment.payload.is_empty();
        if self.is_done() {
            let near = (-DONE_BEFORE..DONE_BEHIND).contains(&offset);
            return if near && !empty {
                let before = usize::try_from(-i64::from(offset)).unwrap_or(0);
                Regard::Compare { boundary: self.is_first(sequence), before }
            } else {
                Regard::Nothing
            };
        }
        if empty {
            return Regard::Unnoted;
        }
        if self.flags & STARTED == 0 {
            return Regard::Next { boundary: segment.flags.syn() };
        }
        let pieces = self.held.as_ref().is_some_and(|held| held.has_pieces());
        if offset != 0 || pieces || self.is_doubted() {
            let boundary = self.is_first(sequence) || (offset == 0 && self.is_between());
            let before = if self.skip == 0 { -i64::from(offset) } else { 0 };
            return Regard::Compare { boundary, before: usize::try_from(before).unwrap_or(0) };
        }
        if self.skip == 0 {
            return Regard::Next { boundary: self.held.is_none() };
        }
        if self.noted >= SKIPPED_NOTED {
            return Regard::Unnoted;
        }
        let length = u16::try_from(segment.payload.len()).unwrap_or(u16::MAX);
        self.noted = self.noted.saturating_add(length);
        Regard::Next { boundary: false }
    }

    /// Is it the first byte behind the SYN?
    const fn is_first(&self, sequence: u32) -> bool {
        self.syn_seen() && sequence == self.initial.wrapping_add(1)
    }

    /// Was everything so far consumed?
    const fn is_between(&self) -> bool {
        self.held.is_none() && self.skip == 0
    }

    /// Has nothing been seen of it but its SYN?
    pub(super) const fn is_untouched(&self) -> bool {
        self.flags & (SYN_SEEN | AT_START | CONSUMED) == SYN_SEEN | AT_START && self.held.is_none()
    }

    /// Were some of its bytes sent twice, and differ?
    pub const fn is_doubted(&self) -> bool {
        self.flags & DOUBTED != 0
    }

    /// Notes that it can be read in another way: its bytes were sent twice and differ
    /// (`differs`), or some came that are older than what was read. True if what was read led to
    /// bytes being passed over that may matter in another reading: its parser must then begin
    /// anew with what is shown next.
    pub const fn doubt(&mut self, differs: bool) -> bool {
        self.flags |= DOUBTED;
        if !differs || (!self.is_done() && self.skip == 0) {
            return false;
        }
        self.flags &= !(DONE | STARTED | AT_START | CONSUMED);
        self.flags |= AFTER_GAP;
        self.skip = 0;
        true
    }

    /// Does this segment show that another connection uses the ports now? Its SYN's sequence
    /// number, then. While a message is incomplete a SYN alone may be a decoy: bytes that follow
    /// it must show that it is meant.
    pub fn replaced_by(&mut self, segment: &Segment<'_>) -> Option<u32> {
        if segment.flags.syn() && !segment.flags.ack() {
            if !self.is_other_connection(segment.sequence) {
                return None;
            }
            if self.held.is_none() || !segment.payload.is_empty() {
                return Some(segment.sequence);
            }
            self.rival = segment.sequence;
            self.flags |= RIVALLED;
            return None;
        }
        let behind = segment.sequence.wrapping_sub(self.rival).wrapping_sub(1);
        let rival = self.flags & RIVALLED != 0
            && !segment.payload.is_empty()
            && segment.sequence != self.next
            && behind < RIVAL_WINDOW;
        rival.then_some(self.rival)
    }

    /// Begins a connection whose SYN has this sequence number. Only for a stream that is new.
    pub const fn open(&mut self, initial: u32) {
        self.initial = initial;
        self.next = initial.wrapping_add(1);
        self.flags = STARTED | SYN_SEEN | AT_START;
    }

    /// Does a SYN with this sequence number begin another connection than the one under way?
    pub const fn is_other_connection(&self, sequence: u32) -> bool {
        match self.flags & (STARTED | SYN_SEEN) {
            0 => false,
            STARTED => self.next != sequence.wrapping_add(1),
            _ => self.initial != sequence,
        }
    }
}

/// Sequence number of the first payload byte.
pub(super) const fn first_byte(segment: &Segment<'_>) -> u32 {
    if segment.flags.syn() { segment.sequence.wrapping_add(1) } else { segment.sequence }
}
