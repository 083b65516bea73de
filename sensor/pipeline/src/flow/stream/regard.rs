//! Which connection a segment belongs to: the one under way, or another one on the same ports.

use super::super::overlap::Window;
use super::{
    AFTER_GAP, AT_START, CONSUMED, DONE, Held, Reader, STARTED, STOOD, SYN_SEEN, Segment, Stream,
    StreamWork,
};
use crate::net::Timestamp;

/// How far behind the SYN of another connection its first bytes may come.
const RIVAL_WINDOW: u32 = 64 * 1024;

/// Stretches of a connection that was replaced while a message was incomplete, and where this
/// direction stood. The SYN that replaced it may have been a decoy.
#[derive(Debug, Default)]
pub struct Leftover {
    places: Vec<Window>,
    /// The next sequence number, and the latest acknowledgement number.
    stood: Option<(u32, u32)>,
}

impl Stream {
    /// Is it the first byte behind the SYN?
    pub(super) const fn is_first(&self, sequence: u32) -> bool {
        self.syn_seen() && sequence == self.initial.wrapping_add(1)
    }

    /// Has nothing been seen of it but its SYN?
    pub(super) const fn is_untouched(&self) -> bool {
        self.flags & (SYN_SEEN | AT_START | CONSUMED | DONE) == SYN_SEEN | AT_START
            && self.held.is_none()
    }

    /// Does this segment, which is no SYN, show that the connection whose SYN was seen in between
    /// uses the ports now? That SYN's sequence number, then.
    #[inline]
    pub fn replaced_by(&mut self, segment: &Segment<'_>) -> Option<u32> {
        let rival = self.rival()?;
        let behind = segment.sequence.wrapping_sub(rival).wrapping_sub(1);
        // Bytes that may belong to this connection are no sign of another.
        let ours = segment.sequence.wrapping_sub(self.next).cast_signed().unsigned_abs();
        let meant = !segment.payload.is_empty() && ours > RIVAL_WINDOW && behind < RIVAL_WINDOW;
        meant.then_some(rival)
    }

    /// Sequence number of the SYN of a connection that may replace this one.
    #[inline]
    pub fn rival(&self) -> Option<u32> {
        self.held.as_ref().and_then(|held| held.rival)
    }

    /// Does a SYN begin another connection at once? If this one is `alive`, or in the middle of a
    /// message, it may be a decoy: an answer to it, or bytes that follow it, must show that it is
    /// meant.
    #[cold]
    pub fn is_replaced(&mut self, sequence: u32, alive: bool, time: Timestamp) -> bool {
        if !self.is_other_connection(sequence) {
            return false;
        }
        if !alive && !self.is_amid() {
            return true;
        }
        let next = self.next;
        let held = self.held.get_or_insert_with(|| {
            Box::new(Held::new(Window::new(next, self.flags & AFTER_GAP == 0, time), next))
        });
        held.rival = Some(sequence);
        false
    }

    /// Begins a connection whose SYN has this sequence number. Only for a stream that is new.
    pub const fn open(&mut self, initial: u32) {
        self.initial = initial;
        self.next = initial.wrapping_add(1);
        self.since = 0;
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

    /// What may yet be completed of a connection that is being replaced.
    pub fn leave_over(&mut self, work: &mut StreamWork<'_>, reader: &mut dyn Reader) -> Leftover {
        let peer = self.as_peer();
        let stood = peer.next.zip(peer.acknowledged.or(peer.stood));
        let Some(held) = &mut self.held else { return Leftover { stood, ..Leftover::default() } };
        let time = held.window.touched;
        let window = std::mem::replace(&mut held.window, Window::new(0, false, time));
        held.keep(window, work, reader);
        Leftover { places: std::mem::take(&mut held.places), stood }
    }

    /// Goes on completing what the connection before it left over. Until this direction speaks,
    /// it stands where it stood.
    pub fn take_over(&mut self, Leftover { places, stood }: Leftover, time: Timestamp) {
        if let Some((next, acknowledged)) = stood
            && self.flags & STARTED == 0
        {
            (self.next, self.acknowledged) = (next, acknowledged);
            self.flags |= STOOD;
        }
        if !places.is_empty() {
            let mut held = Held::new(Window::new(self.next, true, time), self.next);
            held.places = places;
            self.held = Some(Box::new(held));
        }
    }
}

/// Sequence number of the first payload byte.
pub(super) const fn first_byte(segment: &Segment<'_>) -> u32 {
    if segment.flags.syn() { segment.sequence.wrapping_add(1) } else { segment.sequence }
}
