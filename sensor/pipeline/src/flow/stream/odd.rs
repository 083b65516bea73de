//! A segment that is not simply the next one: early, late, contradicting, far away, or behind the
//! end of what was read. Nothing in it is ever given up for good: what the stream's own reading
//! leaves out is kept for a while and read by itself.

use super::held::NEAR;
use super::{
    AFTER_GAP, AT_START, CONSUMED, Chunk, Cut, DONE, Evidence, Held, Packet, Reader, SYN_SEEN,
    Segment, Shown, Stream, StreamWork, TOLD, Verdict, Window, after, first_byte,
};
use crate::flow::overlap::evidence::Newest;
use crate::stats::Counter;

/// Farther than this from where the stream stands, a segment is no neighbour: a new place.
const FAR: i32 = 16 * 1024 * 1024;
/// The same while a message is incomplete or only a SYN was seen, which may be a decoy: no
/// receiver lets a sender be that far ahead of what it acknowledged.
const FAR_AMID: i32 = 1024 * 1024;
/// How far behind its end a direction that is done is still kept, in bytes: a decoy that is
/// shorter than the truth may have ended it.
const BEHIND_END: i32 = 2 * 1024;

/// Is it so far from the end of what was read that only a new beginning is of interest?
#[inline]
pub(super) const fn is_far_behind_end(ahead: i32) -> bool {
    ahead >= BEHIND_END || ahead < -FAR_AMID
}

/// A segment and what speaks for it.
#[derive(Clone, Copy)]
struct Came<'a> {
    sequence: u32,
    payload: &'a [u8],
    missing: u32,
    evidence: Evidence,
}

impl Came<'_> {
    /// Shows it to a parser as if there were nothing else.
    fn read_alone(&self, reader: &mut dyn Reader) {
        let (bytes, cut) = (self.payload, Cut::Gap);
        let _ = reader.again(Chunk { bytes, from_start: true, after_gap: false, cut }, true);
    }

    /// Does it lie where the other side's acknowledgements say that the stream stands?
    fn is_acknowledged(&self, work: &StreamWork<'_>) -> bool {
        work.peer.acknowledged.or(work.peer.stood).is_none_or(|acknowledged| {
            let ahead = self.sequence.wrapping_sub(acknowledged).cast_signed();
            (-FAR_AMID..=FAR_AMID).contains(&ahead)
        })
    }
}

impl Stream {
    #[cold]
    pub(super) fn odd(
        &mut self,
        (packet, segment): (&Packet<'_>, &Segment<'_>),
        work: &mut StreamWork<'_>,
        reader: &mut dyn Reader,
    ) {
        let came = Came {
            sequence: first_byte(segment),
            payload: segment.payload,
            missing: segment.missing,
            evidence: Evidence::of(packet, segment, work.peer),
        };
        if let Some(pointer) = segment.urgent() {
            // The pointer is one behind the byte; zero is the first byte to Linux all the same.
            let at = came.sequence.wrapping_add(u32::from(pointer.saturating_sub(1)));
            let near = at.wrapping_sub(self.next).cast_signed().abs() < FAR_AMID;
            if near && !self.is_done() {
                let score = came.evidence.score(came.payload, &mut Newest::default());
                self.held_here(work).window.note_urgent(at, score);
            }
        }
        if came.payload.is_empty() && came.missing == 0 {
            return;
        }
        let begins_other = segment.flags.syn() && self.is_other_connection(segment.sequence);
        work.credit.charge(packet.source.address);
        let bytes = (came.sequence, came.payload);
        let known = self.held.as_mut().is_some_and(|held| {
            !held.places.is_empty() && held.offer(bytes, &came.evidence, work, reader)
        });
        if begins_other || self.is_elsewhere(&came, work, reader) {
            if !known {
                self.held_here(work).aside(bytes, &came.evidence, work, reader);
            }
            return;
        }
        if self.is_done() {
            self.behind_end(&came, work, reader);
        } else {
            self.place(&came, after(segment), work, reader);
        }
    }

    /// What the stream holds, begun where it stands if it holds nothing.
    fn held_here(&mut self, work: &StreamWork<'_>) -> &mut Held {
        let starts = !self.skips() && self.flags & (AFTER_GAP | DONE) == 0;
        let next = self.next;
        self.held
            .get_or_insert_with(|| Box::new(Held::new(Window::new(next, starts, work.time), next)))
    }

    /// Does a segment lie where the stream does not stand? If the stream can go there it does,
    /// and the answer is no.
    fn is_elsewhere(
        &mut self,
        came: &Came<'_>,
        work: &mut StreamWork<'_>,
        reader: &mut dyn Reader,
    ) -> bool {
        let ahead = came.sequence.wrapping_sub(self.next).cast_signed();
        let amid = self.is_amid();
        let untouched = self.is_untouched();
        let near = match amid || untouched {
            true => (-FAR_AMID..=FAR_AMID).contains(&ahead),
            false => (-FAR..=FAR).contains(&ahead),
        };
        // Before its first byte there is nothing to a receiver that has answered its SYN.
        if untouched && ahead < 0 && work.peer.acknowledged == Some(self.next) {
            return true;
        }
        let near = near && !(untouched && ahead < -1);
        let room = self.held.as_ref().is_none_or(|held| {
            let offset = came.sequence.wrapping_sub(held.window.base()).cast_signed();
            i64::from(offset) < work.limits.bytes as i64
        });
        if self.skips() || (near && (room || self.is_done())) {
            return false;
        }
        if near && !amid {
            // There is only the past, which makes room.
            if let Some(held) = &mut self.held {
                held.read_in_time(self.next, work, reader);
                held.window.forget_before(held.taken);
                held.leave_skipped(work, reader);
            }
            return false;
        }
        if self.is_done() && !(-FAR..=FAR).contains(&ahead) {
            // Behind half of the sequence space: what lies behind is ahead again.
            return false;
        }
        let waits = self.held.as_ref().is_some_and(|held| {
            amid && work.time.since(held.window.touched) <= work.limits.hole_nanos
        });
        if !came.is_acknowledged(work) || waits {
            return true;
        }
        self.cut_here(reader);
        self.leave(came.sequence, amid, work, reader);
        self.go_to(came.sequence);
        false
    }

    /// Leaves what is held where the stream stands, for a place elsewhere. `amid`: it is kept.
    fn leave(
        &mut self,
        sequence: u32,
        amid: bool,
        work: &mut StreamWork<'_>,
        reader: &mut dyn Reader,
    ) {
        let Some(held) = &mut self.held else { return };
        if !amid {
            held.read_in_time(self.next, work, reader);
        }
        let window = std::mem::replace(&mut held.window, Window::new(sequence, false, work.time));
        if amid {
            held.keep(window, work, reader);
        }
        (held.hole, held.unfinished, held.unresolved) = (None, false, false);
        held.doubted = true;
        if held.places.is_empty() {
            self.held = None;
        }
    }

    /// Shows what is pending as cut.
    pub(super) fn cut_here(&mut self, reader: &mut dyn Reader) {
        let Some(mut held) = self.held.take() else { return };
        let pending = held.window.between(held.taken, self.next);
        if !pending.is_empty() && !self.is_done() {
            let Shown { verdict, .. } = reader.live(self.chunk(pending, Cut::Gap), held.doubted);
            if verdict == Verdict::All {
                self.flags |= DONE;
            }
        }
        held.taken = self.next;
        self.held = Some(held);
    }

    /// Goes on at another sequence number, behind a hole.
    pub(super) fn go_to(&mut self, sequence: u32) {
        (self.next, self.since, self.skip) = (sequence, 0, [0; 3]);
        self.flags &= !(AT_START | TOLD);
        self.flags |= AFTER_GAP;
        if let Some(held) = &mut self.held {
            held.taken = sequence;
        }
    }

    /// A segment of a direction that is done. It is looked at again if something may begin in it,
    /// or if it shows that what ended it was a decoy.
    fn behind_end(&mut self, came: &Came<'_>, work: &mut StreamWork<'_>, reader: &mut dyn Reader) {
        let ahead = came.sequence.wrapping_sub(self.next).cast_signed();
        let begins = (work.may_begin)(came.payload);
        let known = (-FAR_AMID..0).contains(&ahead);
        if begins && !known && !came.is_acknowledged(work) {
            let bytes = (came.sequence, came.payload);
            self.held_here(work).aside(bytes, &came.evidence, work, reader);
            return;
        }
        if begins && !known {
            // The session wakes by itself, and knows who is the server.
            self.flags &= !(DONE | CONSUMED);
            // What stands near it may be of the same message, with a hole between.
            let near = self.held.as_ref().is_some_and(|held| {
                held.window.is_near(came.sequence, came.payload.len(), (0, NEAR))
            });
            if !near {
                self.leave(came.sequence, false, work, reader);
            }
            self.go_to(came.sequence);
            self.place(came, length(came), work, reader);
            return;
        }
        let begins = begins || self.is_first(came.sequence);
        let near = match &self.held {
            Some(held) => {
                held.window.is_near(came.sequence, came.payload.len(), (0, NEAR))
                    && ahead < BEHIND_END
            }
            // In one that was joined in its middle, what was read may have been ahead of the rest.
            None if known => {
                let unsure = self.flags & (SYN_SEEN | CONSUMED) == 0;
                begins || unsure || self.is_of_message(came.sequence)
            }
            None => self.flags & TOLD != 0 && (0..BEHIND_END).contains(&ahead),
        };
        if near || (known && (begins || self.is_of_message(came.sequence))) {
            let Some(put) = self.put(came, begins, work) else { return };
            if put.differs {
                work.counters.count(Counter::OverlapConflicts);
            }
            if begins && put.changed {
                came.read_alone(reader);
            }
            let contradicts = ahead < 0 && put.changed;
            if contradicts || self.held.as_ref().is_some_and(|held| held.doubted) {
                self.look_again(work, reader);
            }
        }
    }

    /// Does a sequence number lie in the latest message?
    fn is_of_message(&self, sequence: u32) -> bool {
        self.since < u16::MAX && sequence.wrapping_sub(self.message()) < u32::from(self.since)
    }

    /// Puts a segment into the stretch where the stream stands, if it may lie there.
    fn put(
        &mut self,
        came: &Came<'_>,
        begins: bool,
        work: &mut StreamWork<'_>,
    ) -> Option<super::super::overlap::Put> {
        let (mut sequence, mut payload) = (came.sequence, came.payload);
        let behind = sequence.wrapping_sub(self.next).cast_signed() < 0;
        let of_message = self.is_of_message(sequence);
        // Joined in its middle, its first packets may have come out of order; and a SYN that
        // nobody answered may be a decoy.
        let unsure =
            payload != [0] && (self.flags & SYN_SEEN == 0 || work.peer.acknowledged.is_none());
        let (next, message) = (self.next, self.message());
        let starts = !self.skips() && self.flags & (AFTER_GAP | DONE) == 0;
        if self.held.is_none() {
            let (base, starts) = match behind {
                true if begins => (sequence, true),
                true if of_message => (message, true),
                true if unsure && self.flags & CONSUMED == 0 => (sequence, false),
                true => return None,
                false => (next, starts),
            };
            let mut window = Window::new(base, starts, work.time);
            if self.skips() && !starts {
                window.begins_in_skipped();
            }
            let mut held = Held::new(window, next);
            held.doubted = behind;
            self.held = Some(Box::new(held));
        }
        let held = self.held.as_mut()?;
        let unsure = unsure && (held.unfinished || self.flags & CONSUMED == 0);
        let first = held.window.first();
        let before = first.wrapping_sub(sequence).cast_signed();
        if before > 0 && !begins && !unsure && !of_message {
            // What came before was read and is not kept: it is no message's beginning.
            payload = payload.get(before.unsigned_abs() as usize..)?;
            sequence = first;
        }
        let limits = (work.limits.bytes, work.time);
        let put = held.window.put((sequence, payload), &came.evidence, limits);
        // What lies too far before has no room in it, and changes nothing.
        let is_there = held.window.has(sequence, sequence.wrapping_add(1));
        if is_there && behind && (begins || of_message) && before > 0 {
            held.window.starts_at(if begins { sequence } else { message });
            held.doubted = true;
        } else if is_there && before > 0 && unsure {
            held.window.starts_anywhere();
        }
        if put.differs {
            work.credit.earn(payload.len());
        }
        Some(put)
    }

    /// A segment near the place where the stream stands.
    fn place(
        &mut self,
        came: &Came<'_>,
        length: u32,
        work: &mut StreamWork<'_>,
        reader: &mut dyn Reader,
    ) {
        let ahead = came.sequence.wrapping_sub(self.next).cast_signed();
        let end = came.sequence.wrapping_add(length);
        if ahead < 0 && self.before_the_beginning(came.sequence, came.payload) {
            self.begin_earlier(came, work);
        }
        let ahead_now = came.sequence.wrapping_sub(self.next).cast_signed();
        let skipped = self.skips();
        let repeated = (end, self.next);
        if self.held.as_ref().is_some_and(|held| held.window.passed_over(came.sequence, repeated)) {
            // Nothing that was passed over is read because it comes again.
            work.counters.count(Counter::SegmentsRepeated);
            return;
        }
        let begins = ahead < 0 && ((work.may_begin)(came.payload) || self.is_first(came.sequence));
        let keeps_enough = self.held.as_ref().is_some_and(|held| held.keeps_enough());
        let old = self.next;
        let known = self.held.as_ref().is_some_and(|held| {
            let end = if end.wrapping_sub(old).cast_signed() < 0 { end } else { old };
            held.window.has(came.sequence, end)
        });
        let put = match skipped && ahead >= 0 && keeps_enough {
            true => None,
            false => self.put(came, begins, work),
        };
        let put = put.unwrap_or_default();
        if put.differs {
            work.counters.count(Counter::OverlapConflicts);
        }
        if ahead_now > 0 && !skipped {
            work.counters.count(Counter::SegmentsHeld);
        } else if end.wrapping_sub(self.next).cast_signed() <= 0 {
            work.counters.count(Counter::SegmentsRepeated);
        }
        self.spend_skip(end);
        if !self.skips() {
            let old = self.next;
            let fresh = self.next.wrapping_sub(came.sequence);
            if !put.inside
                && end.wrapping_sub(self.next).cast_signed() > 0
                && fresh.cast_signed() >= 0
            {
                // Its beginning was read and is not kept; what is new in it goes its way.
                let payload = came.payload.get(fresh as usize..).unwrap_or(&[]);
                if let Some(held) = &mut self.held {
                    held.leave_skipped(work, reader);
                }
                let rest = Came { sequence: old, payload, ..*came };
                let _ = self.put(&rest, false, work);
            }
            self.advance(came.missing, work, reader);
        }
        let contradicts = put.changed && (put.differs || (ahead_now < 0 && !known));
        let doubted = self
            .held
            .as_ref()
            .is_some_and(|held| put.changed && (held.doubted || held.window.is_contradicted()));
        if contradicts || doubted {
            self.look_again(work, reader);
        }
        // Whatever is made of it, its own beginning is looked at by itself; what only repeats known
        // bytes, or those of a body that was passed over, says nothing.
        if put.differs && (work.may_begin)(came.payload) {
            came.read_alone(reader);
        }
        self.keep_bounds(work, reader);
    }

    /// Does this segment lie before all we have, in a connection joined in its middle whose
    /// first packets came out of order?
    fn before_the_beginning(&self, sequence: u32, payload: &[u8]) -> bool {
        // The byte of a keep-alive probe (RFC 9293 3.8.4) is none of the stream's.
        self.flags & (SYN_SEEN | CONSUMED) == 0
            && payload != [0]
            && self.held.as_ref().is_some_and(|held| {
                held.taken != self.next && sequence.wrapping_sub(held.taken).cast_signed() < 0
            })
    }

    /// Makes an earlier segment the beginning; what was pending follows it.
    fn begin_earlier(&mut self, came: &Came<'_>, work: &StreamWork<'_>) {
        // What stands directly before it, and was cut off from all that followed, belongs to it.
        let adjoining = self.held.as_ref().map(|held| held.window.begin_of(came.sequence));
        let begin = adjoining.unwrap_or(came.sequence);
        (self.next, self.since) = (begin, 0);
        self.flags |= AFTER_GAP;
        if let Some(held) = &mut self.held {
            held.taken = begin;
            held.hole = Some(work.time);
        }
    }
}

fn length(came: &Came<'_>) -> u32 {
    u32::try_from(came.payload.len()).unwrap_or(u32::MAX).saturating_add(came.missing)
}
