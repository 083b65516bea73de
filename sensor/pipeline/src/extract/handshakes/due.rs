//! Handshakes that are told without a packet of their own: silent for too long, forgotten for want
//! of room, put off, or half-read at the end.

use super::handshake::Handshake;
use super::table::Id;
use super::telling::{End, tell};
use super::{Handshakes, settle};
use crate::extract::Context;
use crate::net::{Endpoint, Timestamp};

const SECOND: u64 = 1_000_000_000;
/// A half-read hello of which nothing came for so long is told as far as it stands, and kept.
const PATIENCE_NANOS: u64 = 60 * SECOND;
/// It is forgotten after so long.
const HALF_NANOS: u64 = 900 * SECOND;
/// One that was read is kept for so long to know what repeats or follows it.
const WHOLE_NANOS: u64 = 120 * SECOND;
/// How often all of them are looked through.
const SWEEP_NANOS: u64 = 5 * SECOND;

impl Handshakes {
    /// Lets time pass: what is silent or was put off is then among those of
    /// [`Handshakes::take_due`].
    pub fn sweep(&mut self, now: Timestamp) {
        let soon = self.sweep_at.since(now) <= SWEEP_NANOS;
        if now < self.sweep_at && soon && !self.delayed {
            return;
        }
        (self.sweep_at, self.delayed) = (now.after(SWEEP_NANOS), false);
        self.arrival.time = now;
        self.table.drop_silent(now, WHOLE_NANOS, HALF_NANOS);
        let overdue = |known: &Handshake| {
            !known.filed.whole && (known.is_ready() || is_silent(known, now) && !known.told_early)
        };
        self.overdue.clear();
        self.overdue
            .extend(self.table.iter().filter(|(_, known)| overdue(known)).map(|(id, _)| id));
    }

    /// Forgets all; what is half-read is then among those of [`Handshakes::take_due`].
    pub fn flush(&mut self) {
        self.overdue.clear();
        self.table.drop_all();
    }

    /// Is any to be told without a packet of its own?
    #[inline]
    pub const fn has_due(&self) -> bool {
        self.table.has_dropped() || !self.overdue.is_empty()
    }

    /// The next handshake to be told without a packet of its own.
    pub fn take_due(&mut self) -> Option<Due> {
        if let Some(handshake) = self.table.take_dropped() {
            return Some(Due { id: None, end: End::Now, handshake });
        }
        while let Some(id) = self.overdue.pop() {
            let Some(known) = self.table.get_mut(id) else { continue };
            if !is_silent(known, self.arrival.time) {
                if let Some(handshake) = self.lend_ready(id) {
                    return Some(Due { id: Some(id), end: End::Open, handshake });
                }
            } else if let Some(handshake) = self.table.lend(id) {
                return Some(Due { id: Some(id), end: End::Now, handshake });
            }
        }
        None
    }
}

fn is_silent(handshake: &Handshake, now: Timestamp) -> bool {
    now.since(handshake.last) > PATIENCE_NANOS
}

/// A handshake that is told without a packet of its own.
#[derive(Debug)]
pub struct Due {
    /// Under which it is kept; none if it is forgotten.
    id: Option<Id>,
    end: End,
    handshake: Box<Handshake>,
}

impl Due {
    /// Client and server.
    pub fn ends(&self) -> (Endpoint, Endpoint) {
        (self.handshake.client, self.handshake.server)
    }

    /// Did it come in a tunnel from outside?
    pub fn is_hearsay(&self) -> bool {
        self.handshake.hearsay
    }

    /// When its flow began, and when its latest piece came.
    pub fn times(&self) -> (Timestamp, Timestamp) {
        (self.handshake.begun, self.handshake.last)
    }

    /// Tells what stands. The context is that of its own flow.
    pub fn tell(mut self, cx: &mut Context<'_>) {
        tell(&mut self.handshake, self.end, cx);
        self.handshake.told_early |= self.end == End::Now;
        if let Some(id) = self.id {
            cx.scratch.handshakes.table.give_back(id, self.handshake);
            settle(id, cx);
        }
    }
}
