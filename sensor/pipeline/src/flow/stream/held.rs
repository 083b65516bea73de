//! What a direction keeps on the heap: the stretch where it stands, and other places of its
//! sequence space where the connection may stand in truth.

use super::super::overlap::Outcome;
use super::super::overlap::Window;
use super::super::overlap::evidence::Evidence;
use super::{Cut, Reader, StreamWork};
use crate::net::Timestamp;
use crate::stats::Counter;

/// Other places of one direction; of more, one goes that begins nothing, else the oldest.
const PLACES: usize = 4;

/// A hole that ends farther from the beginning of what is held parts it.
const FAR_HOLE: u32 = 16 * 1024;

/// How far before a place what belongs to it may come late.
const BEFORE: usize = 16 * 1024;

/// How far behind a place what belongs to it may come early.
pub(super) const NEAR: usize = 64 * 1024;

/// Bytes kept of a body that is skipped: its length may have been a decoy.
const SKIPPED_KEPT: u32 = 8 * 1024;

/// Everything a direction holds on the heap.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The stretch where the stream stands, what was read of it included.
    pub(super) window: Window,
    /// Sequence number of the first byte that its parser has not consumed.
    pub(super) taken: u32,
    /// A message has begun and its parser has told nothing of it.
    pub(super) unfinished: bool,
    /// One of its readings is in the middle of a message.
    pub(super) unresolved: bool,
    /// It was read in more than one way: what is told now may have been told.
    pub(super) doubted: bool,
    /// Since when the first hole is open.
    pub(super) hole: Option<Timestamp>,
    /// Sequence number of the SYN of a connection that may replace this one.
    pub(super) rival: Option<u32>,
    /// Given up, or never gone to.
    pub(super) places: Vec<Window>,
}

impl Held {
    pub(super) fn new(window: Window, taken: u32) -> Self {
        Self { window, taken, ..Self::default() }
    }

    /// Bytes the budget counts.
    pub(super) fn cost(&self) -> usize {
        let places: usize = self.places.iter().map(Window::cost).sum();
        size_of::<Self>() + self.window.cost() + places
    }

    /// Is nothing missing, and no other place or reading waits?
    #[inline]
    pub(super) const fn is_quiet(&self) -> bool {
        self.places.is_empty() && !self.unresolved && self.hole.is_none()
    }

    /// Is as much kept of a body that is skipped as is worth keeping?
    #[inline]
    pub(super) fn keeps_enough(&self) -> bool {
        self.window.end().wrapping_sub(self.window.base()) >= SKIPPED_KEPT
    }

    /// Begins the window where the stream stands, if that lies behind what was kept of a body that
    /// was skipped.
    pub(super) fn leave_skipped(&mut self, work: &mut StreamWork<'_>, reader: &mut dyn Reader) {
        if self.taken.wrapping_sub(self.window.end()).cast_signed() > 0 {
            self.read_in_time(self.taken, work, reader);
            self.window = Window::new(self.taken, true, work.time);
        }
    }

    /// Keeps what stands before a far place as a place of its own, where the stream goes there:
    /// what came early may be a decoy that is not to end a message.
    #[cold]
    pub(super) fn part(&mut self, behind: u32, work: &mut StreamWork<'_>, reader: &mut dyn Reader) {
        if behind.wrapping_sub(self.window.base()) <= FAR_HOLE {
            return;
        }
        let mut new = Window::new(behind, false, work.time);
        let mut from = behind;
        while let Some(start) = self.window.next_from(from) {
            from = self.window.end_from(start);
            let bytes = (start, self.window.between(start, from));
            new.put(bytes, &Evidence::default(), (work.limits.bytes, work.time));
        }
        let mut old = std::mem::replace(&mut self.window, new);
        old.cut_off(behind);
        self.keep(old, work, reader);
    }

    /// Is it in the middle of something?
    pub(super) const fn is_amid(&self) -> bool {
        self.unfinished || self.hole.is_some()
    }

    /// Puts bytes into the other places that they lie near. Are there any?
    pub(super) fn offer(
        &mut self,
        (sequence, payload): (u32, &[u8]),
        evidence: &Evidence,
        work: &mut StreamWork<'_>,
        reader: &mut dyn Reader,
    ) -> bool {
        let mut known = false;
        for place in &mut self.places {
            if !place.is_near(sequence, payload.len(), (BEFORE, NEAR)) {
                continue;
            }
            known = true;
            let before = place.first().wrapping_sub(sequence).cast_signed();
            let put = place.put((sequence, payload), evidence, (work.limits.bytes, work.time));
            if put.differs {
                work.credit.earn(payload.len());
            }
            let is_there = place.has(sequence, sequence.wrapping_add(1));
            if before > 0 && is_there && (work.may_begin)(payload) {
                place.starts_at(sequence);
            }
            let base = place.base();
            if put.changed && is_paid(work) {
                self.doubted = true;
                let _ = read_again(place, (Cut::None, base), work, reader);
            }
        }
        known
    }

    /// Makes a place where the stream does not stand, and reads what stands there.
    pub(super) fn aside(
        &mut self,
        bytes: (u32, &[u8]),
        evidence: &Evidence,
        work: &mut StreamWork<'_>,
        reader: &mut dyn Reader,
    ) {
        let begins = (work.may_begin)(bytes.1);
        self.keep(Window::new(bytes.0, begins, work.time), work, reader);
        self.offer(bytes, evidence, work, reader);
    }

    /// Keeps a place for later.
    pub(super) fn keep(
        &mut self,
        place: Window,
        work: &mut StreamWork<'_>,
        reader: &mut dyn Reader,
    ) {
        if self.places.len() >= PLACES {
            work.counters.count(Counter::StreamLimit);
            let oldest = (self.places.iter().enumerate())
                .min_by_key(|(_, place)| (place.begins(), place.touched));
            if let Some((at, _)) = oldest {
                read_last(&mut self.places.remove(at), None, work, reader);
            }
        }
        self.places.push(place);
    }

    /// Something of the stretch where the stream stands is about to be forgotten: what was put
    /// off is read before.
    pub(super) fn read_in_time(
        &mut self,
        next: u32,
        work: &mut StreamWork<'_>,
        reader: &mut dyn Reader,
    ) {
        if self.doubted || self.window.is_contradicted() {
            read_last(&mut self.window, Some(next), work, reader);
        }
    }

    /// Is there a reading that was put off?
    pub(super) fn has_put_off(&self) -> bool {
        let doubted = self.doubted || self.window.is_contradicted();
        doubted && self.window.is_unread() || self.places.iter().any(Window::is_unread)
    }

    /// Reads what was put off, whoever has spent what. How many bytes that were.
    pub(super) fn settle(
        &mut self,
        (cut, passed): (Cut, u32),
        work: &mut StreamWork<'_>,
        reader: &mut dyn Reader,
    ) -> usize {
        let mut price = 0;
        let doubted = self.doubted || self.window.is_contradicted();
        for (window, due) in std::iter::once((&mut self.window, doubted))
            .chain(self.places.iter_mut().map(|p| (p, true)))
        {
            if due && (window.is_unread() || (cut == Cut::End && window.has_an_end_to_read())) {
                price += window.price();
                let _ = window.read((cut, passed), reader);
            }
        }
        work.counters.add(Counter::BytesReadAgain, price as u64);
        price
    }
}

/// May what has changed be read again now? Else it is read by and by.
pub(super) fn is_paid(work: &mut StreamWork<'_>) -> bool {
    let is_paid = work.credit.is_left(work.time);
    if !is_paid {
        work.counters.count(Counter::ReadingsPutOff);
    }
    is_paid
}

/// Reads a stretch in all its readings; who sent it pays.
pub(super) fn read_again(
    window: &mut Window,
    place: (Cut, u32),
    work: &mut StreamWork<'_>,
    reader: &mut dyn Reader,
) -> Outcome {
    let price = window.price();
    work.credit.spend(price);
    work.counters.add(Counter::BytesReadAgain, price as u64);
    window.read(place, reader)
}

/// Reads what was put off of a stretch that is about to be forgotten. What was read before and has
/// changed little since is lost if its sender owes too much: it would cost more than it brought.
#[cold]
fn read_last(
    window: &mut Window,
    passed: Option<u32>,
    work: &mut StreamWork<'_>,
    reader: &mut dyn Reader,
) {
    if !window.is_unread() {
        return;
    }
    if window.is_mostly_unread() || work.credit.is_lent(work.time) {
        let passed = passed.unwrap_or_else(|| window.base());
        let _ = read_again(window, (Cut::None, passed), work, reader);
    } else {
        work.counters.count(Counter::ReadingsGivenUp);
    }
}
