//! Bytes that adjoin what was read: shown, counted, and kept within bounds.

use super::held::{is_paid, read_again};
use super::{CONSUMED, Cut, DONE, Held, Reader, Shown, Stream, StreamWork, Verdict};
use crate::stats::Counter;

/// Bytes kept of what was read and told.
const PAST: u32 = 16 * 1024;

impl Stream {
    /// Shows everything that adjoins what was shown. `missing` bytes behind it were on the wire
    /// but not captured.
    pub(super) fn advance(
        &mut self,
        missing: u32,
        work: &mut StreamWork<'_>,
        reader: &mut dyn Reader,
    ) {
        while !self.is_done()
            && let Some(mut held) = self.held.take()
        {
            let to = held.window.end_from(self.next);
            if to == self.next {
                let hole = held.window.next_from(self.next).is_some();
                held.hole = hole.then(|| held.hole.unwrap_or(work.time));
                self.held = Some(held);
                break;
            }
            let between = held.taken == self.next && !held.unfinished;
            if between {
                self.since = 0;
            }
            let cut = if missing > 0 && held.window.end() == to { Cut::Gap } else { Cut::None };
            let bytes = held.window.between(held.taken, to);
            let length = bytes.len() as u64;
            let once = held.doubted || held.window.is_contradicted();
            let Shown { verdict, told } = reader.live(self.chunk(bytes, cut), once);
            self.note_told(told);
            self.move_on(to.wrapping_sub(self.next));
            self.showed(&mut held, (verdict, length), cut, missing);
            held.unfinished =
                !self.is_done() && !(held.taken == self.next && (told || self.skips()));
            let window_end = held.window.end();
            self.make_past(&mut held, work, reader);
            self.held = Some(held);
            self.spend_skip(window_end);
        }
    }

    /// Notes a parser's answer to so many bytes.
    fn showed(
        &mut self,
        held: &mut Held,
        (verdict, length): (Verdict, u64),
        cut: Cut,
        missing: u32,
    ) {
        self.read = self.since;
        let Verdict::Consumed(consumed) = verdict else {
            self.flags |= DONE;
            held.taken = self.next;
            return;
        };
        let missing = if cut == Cut::Gap { missing } else { 0 };
        let lost = cut != Cut::None && consumed < length + u64::from(missing);
        self.note_consumed(consumed, lost);
        self.move_on(missing);
        if consumed >= length || cut != Cut::None {
            self.set_skip(consumed.saturating_sub(length).saturating_sub(u64::from(missing)));
            held.taken = self.next;
        } else {
            held.taken = held.taken.wrapping_add(u32::try_from(consumed).unwrap_or(0));
        }
    }

    /// Keeps no more of what was read than is worth keeping.
    fn make_past(&self, held: &mut Held, work: &mut StreamWork<'_>, reader: &mut dyn Reader) {
        let past = held.taken.wrapping_sub(held.window.base());
        let message = self.message();
        let of_message = message.wrapping_sub(held.window.base());
        // A message that began well is kept whole as long as there is room for it.
        let whole = held.unfinished && (work.may_begin)(held.window.between(message, self.next));
        let most =
            if whole { u32::try_from(work.limits.bytes / 8 * 7).unwrap_or(PAST) } else { 2 * PAST };
        if past <= most || past > i32::MAX.cast_unsigned() {
            return;
        }
        held.read_in_time(self.next, work, reader);
        if of_message > 0 && past.wrapping_sub(of_message) <= PAST {
            held.window.forget_before(message);
            held.window.starts_at(message);
        } else {
            held.window.forget_before(held.taken.wrapping_sub(PAST));
        }
    }

    /// Moves `next` through bytes the parser does not want, as far as a piece that ends at
    /// `end` shows that the stream has come. Holes inside are never missed.
    pub(super) fn spend_skip(&mut self, end: u32) {
        if !self.skips() {
            return;
        }
        let ahead = end.wrapping_sub(self.next).cast_signed();
        let step = u64::try_from(ahead).unwrap_or(0).min(self.skip());
        self.set_skip(self.skip() - step);
        self.move_on(u32::try_from(step).unwrap_or(0));
        if let Some(held) = &mut self.held {
            held.taken = self.next;
        }
    }

    /// Reads the stretch where the stream stands in all its readings. Where one of them goes on
    /// and the stream's own reading has ended or passes over what follows, that begins anew.
    pub(super) fn look_again(&mut self, work: &mut StreamWork<'_>, reader: &mut dyn Reader) {
        let Some(mut held) = self.held.take() else { return };
        held.doubted = true;
        let readable = held.window.is_unread() && is_paid(work);
        let outcome = match readable {
            true => read_again(&mut held.window, (Cut::None, self.next), work, reader),
            false => Default::default(),
        };
        if readable {
            held.unresolved = outcome.is_open;
        }
        // As much as was read before it ended, or was passed over, must be there to say so.
        let message = self.message();
        let as_much = self.since < u16::MAX
            && held.window.end_from(message).wrapping_sub(message) >= u32::from(self.read);
        if outcome.wants_more && as_much && (self.is_done() || self.skips()) {
            reader.restart();
            let behind = held.window.end_from(self.next);
            self.flags &= !(DONE | CONSUMED);
            self.held = Some(held);
            self.go_to(behind);
        } else {
            self.held = Some(held);
        }
    }

    /// Keeps the stretch within its bounds: what was read goes first, then what is missing is
    /// given up, then what is pending is read as it stands.
    pub(super) fn keep_bounds(&mut self, work: &mut StreamWork<'_>, reader: &mut dyn Reader) {
        while let Some(held) = self.held.as_mut()
            && self.flags & DONE == 0
        {
            let late = held.hole.is_some_and(|hole| work.time.since(hole) > work.limits.hole_nanos);
            let full = held.window.is_full(work.limits);
            if full {
                work.counters.count(Counter::StreamLimit);
                held.read_in_time(self.next, work, reader);
                held.window.forget_before(held.taken);
            }
            let still = full && held.window.is_full(work.limits);
            if held.hole.is_some() && (late || still) {
                self.skip_hole(work, reader);
            } else if still {
                self.cut_here(reader);
                self.go_to(self.next);
            } else {
                return;
            }
        }
    }
}
