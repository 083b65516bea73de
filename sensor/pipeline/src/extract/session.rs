//! The state a flow carries through this stage: which protocol each side speaks, and its parser.
//!
//! Owns the decision what is done with bytes and when they need not be looked at again. Names no
//! role: either side may be the client, since a capture may begin in the middle of a flow. Parsers
//! are boxed only while they wait for more, so that a flow whose names are read costs no heap; what
//! UDP flows wait for is held by [`super::handshakes`].

mod beginning;
mod datagrams;
mod fork;
mod head;
mod search;
mod shown;
mod stream;
mod tds;

pub use beginning::may_begin;
pub use datagrams::may_hold;

use super::Context;
use crate::flow::stream::{Chunk, Verdict};
use crate::net::Side;

/// What one side of a connection has: its first bytes; whether either side has named its server;
/// its parser.
type OneSide<'a> = (&'a mut head::FirstBytes, bool, &'a mut stream::Direction);

/// One flow's state. Small, and without heap once both sides are done.
#[derive(Debug, Default)]
pub struct Session(Inner);

#[derive(Debug, Default)]
enum Inner {
    /// Nothing seen yet.
    #[default]
    Fresh,
    /// A TCP connection: of each direction its first bytes as they are, and what is read in it.
    /// The small parts lie together, which makes it eight bytes smaller.
    Streams { heads: [head::FirstBytes; 2], low: stream::Direction, high: stream::Direction },
    /// A UDP flow.
    Datagrams(datagrams::Datagrams),
}

impl Session {
    /// Reads on in a TCP connection. [`Verdict::All`] means that side is never needed again.
    pub fn stream(&mut self, side: Side, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        if !matches!(self.0, Inner::Streams { .. }) {
            let (low, high) = Default::default();
            let heads = Default::default();
            self.0 = Inner::Streams { heads, low, high };
        }
        let Some((head, named, direction)) = self.side(side) else { return Verdict::All };
        cx.scratch.server_named = named;
        let verdict = direction.advance(chunk, cx);
        head.note_named(cx.scratch.server_named);
        if head.is_closed() {
            return verdict;
        }
        head.show(chunk, verdict, cx.observer)
    }

    /// What belongs to one direction of a TCP connection.
    fn side(&mut self, side: Side) -> Option<OneSide<'_>> {
        let Inner::Streams { heads: [low_head, high_head], low, high } = &mut self.0 else {
            return None;
        };
        let named = low_head.is_named() || high_head.is_named();
        Some(match side {
            Side::Low => (low_head, named, low),
            Side::High => (high_head, named, high),
        })
    }

    /// Forgets what was read of a TCP connection's side: it was perhaps a decoy. What is shown
    /// next is looked at as if it were the first.
    pub fn restart(&mut self, side: Side) {
        if let Some((head, _, direction)) = self.side(side) {
            (*head, *direction) = Default::default();
        }
    }

    /// Reads a UDP datagram.
    pub fn datagram(&mut self, side: Side, bytes: &[u8], cx: &mut Context<'_>) {
        if !matches!(self.0, Inner::Datagrams(_)) {
            self.0 = Inner::Datagrams(datagrams::Datagrams::default());
        }
        if let Inner::Datagrams(datagrams) = &mut self.0 {
            datagrams.read(side, bytes, cx);
        }
    }

    /// Bytes on the heap for what parsers of this flow wait for.
    pub fn held_bytes(&self) -> usize {
        match &self.0 {
            Inner::Fresh | Inner::Datagrams(_) => 0,
            Inner::Streams { low, high, .. } => low.held_bytes() + high.held_bytes(),
        }
    }
}

#[cfg(test)]
mod tests;
