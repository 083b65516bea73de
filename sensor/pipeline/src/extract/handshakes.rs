//! ClientHellos that come in several datagrams, of QUIC and of DTLS: the half-read handshakes of
//! all flows of a worker.
//!
//! A handshake belongs to its client's host, its server and its connection id, not to a flow: so
//! several may be half-read on the same ports, and one may move to others. All of them together
//! stay below one bound of memory (`table.rs`); a limit forgets what was held and what stands of it
//! is told, but it ends nothing: the next datagram is looked at as if it were the first.

mod budget;
mod due;
mod handshake;
mod table;
mod telling;
#[cfg(test)]
pub(in crate::extract) mod testing;
#[cfg(test)]
mod tests;

use std::hash::BuildHasher;

use foldhash::quality::RandomState;

use super::Context;
use super::quic::crypto_stream::Push;
pub use super::quic::crypto_stream::Reach;
use super::quic::keys::Keys;
use super::quic::packet::Initial;
use crate::net::{Endpoint, Timestamp};
use crate::stats::Counter;
use budget::Budget;
pub use due::Due;
use handshake::{Handshake, Opened, Opening};
use table::{Id, Table};
use telling::{End, tell};

/// Connections of a host that a packet is tried with whose id is not known.
const TRIED: usize = 8;

/// How a datagram came.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arrival {
    /// When.
    pub time: Timestamp,
    /// When its flow began.
    pub begun: Timestamp,
    /// Did it come in a tunnel from outside?
    pub hearsay: bool,
    /// How sure it is that it came to its receiver.
    pub reach: Reach,
}

/// The half-read handshakes of a worker, and of those that were read the latest.
#[derive(Debug)]
pub struct Handshakes {
    table: Table,
    budget: Budget,
    hasher: RandomState,
    arrival: Arrival,
    /// There was no time for one of its Initials.
    refused: bool,
    /// Keys of the latest Initial that did not open, for those that repeat its id.
    failed: Option<Keys>,
    sweep_at: Timestamp,
    /// Those to be told without a packet of theirs, and still to be kept.
    overdue: Vec<Id>,
    /// Contradicting pieces wait to be read.
    delayed: bool,
}

impl Default for Handshakes {
    fn default() -> Self {
        Self::new(16 << 20)
    }
}

/// What became of an Initial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opens {
    /// A client's: it belongs to this handshake.
    Client(Id),
    /// The server's: it is addressed to a client that is known.
    Server,
    /// No keys opened it.
    No,
    /// There was no time to try all keys.
    Untried,
}

impl Handshakes {
    /// Holds at most so many bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            table: Table::new(limit),
            budget: Budget::default(),
            hasher: RandomState::default(),
            arrival: Arrival::default(),
            refused: false,
            failed: None,
            sweep_at: Timestamp::default(),
            overdue: Vec::new(),
            delayed: false,
        }
    }

    /// Bytes held.
    pub fn held_bytes(&self) -> usize {
        self.table.bytes()
    }

    /// Handshakes held.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Holds it none?
    pub fn is_empty(&self) -> bool {
        self.table.len() == 0
    }

    /// Says how the datagram came that is read next.
    #[inline]
    pub const fn arrive(&mut self, arrival: Arrival) {
        self.arrival = arrival;
        self.refused = false;
    }

    /// Opens an Initial from `client` to `server`, with the keys of a connection that is known or
    /// its own: `plain` is its frames then.
    pub(super) fn open(
        &mut self,
        initial: &Initial<'_>,
        ends: (Endpoint, Endpoint),
        plain: &mut Vec<u8>,
    ) -> Opens {
        let (client, server) = ends;
        if initial.cut {
            return Opens::No;
        }
        let named = |handshake: &Handshake| {
            handshake.quic().is_some_and(|opened| opened.keys.made_of(initial))
                && (handshake.client == client || !handshake.filed.whole)
        };
        if let Some(id) = self.find(ends, named) {
            return self.open_named(id, initial, plain);
        }
        let back = |handshake: &Handshake| {
            handshake.client == server
                && handshake.quic().is_some_and(|opened| opened.receives(initial.destination))
        };
        if self.find((server, client), back).is_some() {
            return Opens::Server;
        }
        self.budget.at(self.arrival.time);
        // A datagram may be full of Initials: it is refused once, as a whole.
        self.refused = self.refused || !self.budget.may_try(client.address);
        if self.refused {
            return Opens::Untried;
        }
        let known = self.try_known(initial, ends, true, plain);
        let opens = known.or_else(|| self.open_new(initial, ends, plain));
        opens.or_else(|| self.try_known(initial, ends, false, plain)).unwrap_or(Opens::No)
    }

    /// The latest handshake of a client's host with a server that is as wanted.
    fn find(
        &self,
        (client, server): (Endpoint, Endpoint),
        wanted: impl Fn(&Handshake) -> bool,
    ) -> Option<Id> {
        let mut theirs = self.table.of_host(client.address);
        let found = theirs
            .find(|(_, known)| known.server == server && self.came_alike(known) && wanted(known));
        found.map(|(id, _)| id)
    }

    /// With the keys of the connection whose id it has.
    fn open_named(&mut self, id: Id, initial: &Initial<'_>, plain: &mut Vec<u8>) -> Opens {
        let (host, _) = id;
        self.budget.at(self.arrival.time);
        self.refused = self.refused || !self.budget.may_open(host);
        if self.refused {
            return Opens::Untried;
        }
        let opens = self.open_with(id, initial, plain);
        if opens == Opens::No {
            self.budget.failed_to_open();
        }
        opens
    }

    /// What came in a tunnel from outside belongs to no handshake that did not: it could complete
    /// it, or be taken for its repetition.
    const fn came_alike(&self, known: &Handshake) -> bool {
        known.hearsay == self.arrival.hearsay
    }

    fn open_with(&mut self, id: Id, initial: &Initial<'_>, plain: &mut Vec<u8>) -> Opens {
        let opened = self.table.get_mut(id).and_then(Handshake::quic_mut).is_some_and(|opened| {
            if opened.keys.version() == initial.version {
                return opened.keys.open(initial, plain);
            }
            // A server may answer in another version, which keeps the id (RFC 9368 2.4).
            let Some(mut keys) = opened.keys.of_version(initial.version) else { return false };
            let opens = keys.open(initial, plain);
            if opens {
                opened.keys = keys;
            }
            opens
        });
        if opened { Opens::Client(id) } else { Opens::No }
    }

    /// With the keys of the host's latest connections to this server, on the same ports or on
    /// others: once a server has answered, a client sends to an id that the server chose.
    fn try_known(
        &mut self,
        initial: &Initial<'_>,
        (client, server): (Endpoint, Endpoint),
        same_ports: bool,
        plain: &mut Vec<u8>,
    ) -> Option<Opens> {
        let mut tried = [None; TRIED];
        let theirs = self.table.of_host(client.address).filter(|(_, known)| {
            let same = known.client == client;
            let quic = known.quic().is_some() && self.came_alike(known);
            quic && known.server == server && same == same_ports
        });
        for (slot, (id, _)) in tried.iter_mut().zip(theirs) {
            *slot = Some(id);
        }
        tried.into_iter().flatten().find_map(|id| match self.open_with(id, initial, plain) {
            Opens::Client(id) => Some(Opens::Client(id)),
            _ => {
                self.budget.failed(client.address);
                None
            }
        })
    }

    /// With keys made of its own id: the first of a connection.
    fn open_new(
        &mut self,
        initial: &Initial<'_>,
        ends: (Endpoint, Endpoint),
        plain: &mut Vec<u8>,
    ) -> Option<Opens> {
        let host = ends.0.address;
        let known = self.failed.take().filter(|keys| keys.made_of(initial));
        let mut keys = known.or_else(|| Keys::derive(initial))?;
        if !keys.open(initial, plain) {
            self.budget.failed(host);
            self.failed = Some(keys);
            return None;
        }
        let opening = Opening::Quic(Box::new(Opened::new(keys, initial)));
        Some(Opens::Client(self.begin(ends, opening)))
    }

    fn begin(&mut self, ends: (Endpoint, Endpoint), opening: Opening) -> Id {
        let Arrival { time, begun, hearsay, .. } = self.arrival;
        let mut handshake = Handshake::new(ends, opening);
        (handshake.begun, handshake.last, handshake.hearsay) = (begun, time, hearsay);
        self.table.begin(handshake)
    }

    /// The handshake of a DTLS hello, by its `message_seq` and length.
    pub(super) fn dtls(&self, ends: (Endpoint, Endpoint), hello: (u16, usize)) -> Option<Id> {
        self.find(ends, |known| {
            let Opening::Dtls { message, length } = known.opening else { return false };
            known.client == ends.0 && (message, length) == hello
        })
    }

    /// Begins the handshake of a DTLS hello.
    pub(super) fn begin_dtls(
        &mut self,
        ends: (Endpoint, Endpoint),
        (message, length): (u16, usize),
    ) -> Id {
        self.begin(ends, Opening::Dtls { message, length })
    }

    fn push(&mut self, id: Id, offset: u64, data: &[u8]) -> Push {
        let Arrival { time, reach, .. } = self.arrival;
        let Some(handshake) = self.table.get_mut(id) else { return Push::Known };
        handshake.last = time;
        handshake.push(offset, data, reach)
    }

    /// Lends a handshake that has something to tell, as soon as there is time to read it.
    fn lend_ready(&mut self, id: Id) -> Option<Box<Handshake>> {
        let handshake = self.table.get_mut(id).filter(|handshake| handshake.is_ready())?;
        if handshake.stream.is_contradicted() {
            self.budget.at(self.arrival.time);
            if !self.budget.may_read(handshake.stream.work()) {
                self.delayed = true;
                return None;
            }
        }
        self.table.lend(id)
    }

    pub(super) fn digest(&self, message: &[u8]) -> u64 {
        self.hasher.hash_one(message)
    }

    fn hasher(&self) -> RandomState {
        self.hasher.clone()
    }

    /// Was this hello told of another handshake on the same ports?
    fn was_told(&self, one: &Handshake, digest: u64) -> bool {
        self.table.beside(one).any(|known| known.was_told(digest))
    }

    /// Is all that is held of it a part of another handshake on the same ports?
    fn is_repeated(&self, one: &Handshake) -> bool {
        self.table.is_repeated(one)
    }
}

/// Takes bytes of a handshake's messages.
pub(super) fn push(id: Id, offset: u64, data: &[u8], cx: &mut Context<'_>) {
    // Twice is enough: what is unsure goes first, then all.
    for _ in 0..3 {
        match cx.scratch.handshakes.push(id, offset, data) {
            Push::Known | Push::Held => return,
            Push::Differs => return cx.observer.count(Counter::OverlapConflicts),
            Push::Far => return cx.observer.count(Counter::QuicLimit),
            Push::Full => make_room(id, cx),
        }
    }
}

/// Forgets what a handshake holds: what did perhaps not come to its receiver, or else all, which
/// is told as far as it stands.
#[cold]
fn make_room(id: Id, cx: &mut Context<'_>) {
    cx.observer.count(Counter::QuicLimit);
    let Some(mut handshake) = cx.scratch.handshakes.table.lend(id) else { return };
    if !handshake.forget_unsure() {
        tell(&mut handshake, End::Now, cx);
        handshake.forget_held();
    }
    cx.scratch.handshakes.table.give_back(id, handshake);
}

/// Tells what a datagram has made whole of a handshake, and makes room.
pub(super) fn conclude(id: Id, cx: &mut Context<'_>) {
    if let Some(mut handshake) = cx.scratch.handshakes.lend_ready(id) {
        tell(&mut handshake, End::Open, cx);
        cx.scratch.handshakes.table.give_back(id, handshake);
    }
    settle(id, cx);
}

fn settle(id: Id, cx: &mut Context<'_>) {
    for _ in 0..cx.scratch.handshakes.table.settle(id) {
        cx.observer.count(Counter::HandshakesForgotten);
    }
}
