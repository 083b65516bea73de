//! The state a flow carries through this stage: which protocol each side speaks, and its parser.
//!
//! Owns the decision what is done with bytes and when they need not be looked at again. Names no
//! role: either side may be the client, since a capture may begin in the middle of a flow. Parsers
//! are boxed only while they wait for more, so that a flow whose names are read costs no heap.

mod datagrams;
mod head;
mod stream;

use super::Context;
use crate::flow::stream::{Chunk, Verdict};
use crate::net::Side;

/// Does a flow's next datagram matter?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Interest {
    /// Show the next one.
    More,
    /// This flow's datagrams need not be looked at again.
    Done,
}

/// One flow's state. Small, and without heap once both sides are done.
#[derive(Debug, Default)]
pub struct Session(Inner);

#[derive(Debug, Default)]
enum Inner {
    /// Nothing seen yet.
    #[default]
    Fresh,
    /// A TCP connection.
    Streams { low: Lane, high: Lane },
    /// A UDP flow.
    Datagrams(datagrams::Datagrams),
}

/// One direction: its first bytes as they are, and what is read in it.
#[derive(Debug, Default)]
struct Lane {
    head: head::FirstBytes,
    direction: stream::Direction,
}

impl Lane {
    fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        if self.head.is_closed() {
            return self.direction.advance(chunk, cx);
        }
        let verdict = self.direction.advance(chunk, cx);
        self.head.show(chunk, verdict, cx.observer)
    }
}

impl Session {
    /// Reads on in a TCP connection. [`Verdict::All`] means that side is never needed again.
    pub fn stream(&mut self, side: Side, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        if !matches!(self.0, Inner::Streams { .. }) {
            self.0 = Inner::Streams { low: Lane::default(), high: Lane::default() };
        }
        match (&mut self.0, side) {
            (Inner::Streams { low, .. }, Side::Low) => low.advance(chunk, cx),
            (Inner::Streams { high, .. }, Side::High) => high.advance(chunk, cx),
            _ => Verdict::All,
        }
    }

    /// Forgets what was read of a TCP connection's side: it was perhaps a decoy. What is shown
    /// next is looked at as if it were the first.
    pub fn restart(&mut self, side: Side) {
        if let Inner::Streams { low, high } = &mut self.0 {
            let lane = if side == Side::Low { low } else { high };
            *lane = Lane::default();
        }
    }

    /// Reads a UDP datagram.
    pub fn datagram(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) -> Interest {
        if !matches!(self.0, Inner::Datagrams(_)) {
            self.0 = Inner::Datagrams(datagrams::Datagrams::default());
        }
        match &mut self.0 {
            Inner::Datagrams(datagrams) => datagrams.read(side, bytes, cx),
            _ => Interest::Done,
        }
    }

    /// Has [`Session::finish`] anything to do?
    pub const fn holds_back(&self) -> bool {
        match &self.0 {
            Inner::Datagrams(datagrams) => datagrams.holds_back(),
            Inner::Fresh | Inner::Streams { .. } => false,
        }
    }

    /// The flow ends or is evicted: what a parser holds back is read now. Streams end with
    /// [`crate::flow::stream::Cut::End`] instead.
    pub fn finish(&mut self, cx: &mut Context<'_>) {
        if let Inner::Datagrams(datagrams) = &mut self.0 {
            datagrams.finish(cx);
        }
    }
}

#[cfg(test)]
mod tests;
