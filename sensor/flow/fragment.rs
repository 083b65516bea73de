//! IP packets made whole from fragments (RFC 791 3.2, RFC 8200 4.5), within fixed limits.
//!
//! Owns the bytes of unfinished packets and nothing else: what a whole packet carries is decoded
//! by [`crate::decode::decode_ip`]. Where fragments overlap and differ, operating systems choose
//! differently, so both readings are handed out: neither choice may hide a name.

mod pending;

use std::collections::{HashMap, VecDeque};

use crate::decode::IpHead;
use crate::decode::packet::{Fragment, Packet, Transport};
use crate::net::{Address, IpProtocol, Timestamp};
use crate::stats::{Counter, Counters};
use pending::{Fit, LARGEST, Pending};

/// How much is held. What exceeds a limit makes the oldest packet go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentLimits {
    /// Unfinished packets.
    pub packets: usize,
    /// Bytes stored for all unfinished packets, repeated ones and bookkeeping counted.
    pub bytes: usize,
    /// Age of a packet's first fragment to arrive, in nanoseconds of packet time.
    pub age_nanos: u64,
}

impl Default for FragmentLimits {
    fn default() -> Self {
        Self { packets: 1024, bytes: 8 << 20, age_nanos: 30_000_000_000 }
    }
}

/// A payload made whole, lent until the table is next asked something.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'a> {
    /// Addresses, protocol, hardware addresses and tunnels, as one fragment had them.
    pub head: &'a IpHead,
    /// The payload where the byte that came first wins.
    pub first: &'a [u8],
    /// The payload where the byte that came last wins; only if fragments contradict each other.
    pub last: Option<&'a [u8]>,
}

impl<'a> Whole<'a> {
    /// One reading, or two that differ.
    pub fn readings(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        std::iter::once(self.first).chain(self.last)
    }
}

/// What makes fragments belong together. The version is told by the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    source: Address,
    destination: Address,
    protocol: IpProtocol,
    id: u32,
}

impl Key {
    /// What a fragment belongs to, by its packet and its place.
    pub const fn new(packet: &Packet<'_>, place: Fragment) -> Self {
        Self {
            source: packet.source.address,
            destination: packet.destination.address,
            protocol: packet.protocol,
            id: place.id,
        }
    }
}

/// The payload that is lent, in buffers that are used again.
#[derive(Default)]
struct Lent {
    head: IpHead,
    first: Vec<u8>,
    last: Vec<u8>,
    differ: bool,
}

/// Unfinished packets of one worker.
pub struct FragmentTable {
    limits: FragmentLimits,
    pending: HashMap<Key, Pending, foldhash::fast::RandomState>,
    /// Packets by arrival of their first fragment; entries of finished ones are stale.
    order: VecDeque<(u64, Key)>,
    serial: u64,
    bytes: usize,
    /// Packets that were given up, until they are taken.
    given_up: VecDeque<Pending>,
    given_up_bytes: usize,
    /// What is lent.
    lent: Lent,
    counters: Counters,
}

impl Default for FragmentTable {
    fn default() -> Self {
        Self::new(FragmentLimits::default())
    }
}

impl FragmentTable {
    /// An empty table. Limits below one packet or one fragment's bytes hold nothing.
    pub fn new(limits: FragmentLimits) -> Self {
        Self {
            limits,
            pending: HashMap::default(),
            order: VecDeque::new(),
            serial: 0,
            bytes: 0,
            given_up: VecDeque::new(),
            given_up_bytes: 0,
            lent: Lent::default(),
            counters: Counters::default(),
        }
    }

    /// Takes a fragment in; answers with its packet if it is whole now. Packets that are not
    /// fragments are ignored. Packets given up meanwhile wait in [`Self::take_partial`].
    pub fn push(&mut self, time: Timestamp, packet: &Packet<'_>) -> Option<Whole<'_>> {
        let Transport::Fragment { place, payload } = packet.transport else { return None };
        self.expire(time);
        let key = Key::new(packet, place);
        self.admit(key, packet, time);
        let pending = self.pending.get_mut(&key)?;
        let before = pending.size();
        let fit = pending.put(place, payload);
        self.bytes = (self.bytes + pending.size()).saturating_sub(before);
        match fit {
            Fit::Waiting => self.shrink(),
            Fit::Contradictory => self.give_up(key),
            Fit::Whole => {
                let whole = self.remove(key)?;
                self.counters.count(Counter::Reassembled);
                return Some(self.lend(&whole));
            }
        }
        None
    }

    /// The beginning of a packet that was given up, as far as it is without a hole: what it says
    /// there still counts. Oldest first; `None` when there is no more. Call it after each
    /// [`Self::push`] and after [`Self::flush`].
    pub fn take_partial(&mut self) -> Option<Whole<'_>> {
        let partial = self.given_up.pop_front()?;
        self.given_up_bytes = self.given_up_bytes.saturating_sub(partial.size());
        Some(self.lend(&partial))
    }

    /// Gives up all that is unfinished (end of the capture); see [`Self::take_partial`].
    pub fn flush(&mut self) {
        while let Some((_, key)) = self.order.front().copied() {
            self.give_up_front(key);
        }
    }

    /// Takes the counts since the last call: packets made whole, given up, contradictions.
    pub fn take_counters(&mut self) -> Counters {
        std::mem::take(&mut self.counters)
    }

    /// Unfinished packets held.
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Is nothing unfinished?
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Bytes held for unfinished packets.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Makes room for a packet that is new.
    fn admit(&mut self, key: Key, packet: &Packet<'_>, time: Timestamp) {
        if self.pending.contains_key(&key) || self.limits.packets == 0 {
            return;
        }
        while self.pending.len() >= self.limits.packets {
            let Some((_, oldest)) = self.order.front().copied() else { return };
            self.give_up_front(oldest);
        }
        self.serial += 1;
        self.order.push_back((self.serial, key));
        self.pending.insert(key, Pending::new(packet, time, self.serial));
    }

    /// Gives up what is too old. The packets stand in order of arrival, so the front decides.
    fn expire(&mut self, now: Timestamp) {
        while let Some((serial, key)) = self.order.front().copied() {
            match self.pending.get(&key) {
                Some(pending)
                    if pending.serial == serial
                        && now.since(pending.since) <= self.limits.age_nanos =>
                {
                    return;
                }
                _ => self.give_up_front(key),
            }
        }
    }

    /// Gives up the oldest until the bytes fit.
    fn shrink(&mut self) {
        while self.bytes > self.limits.bytes {
            let Some((_, key)) = self.order.front().copied() else { return };
            self.give_up_front(key);
        }
    }

    /// Gives up the packet at the front of the order, unless its entry there is stale.
    fn give_up_front(&mut self, key: Key) {
        let Some((serial, _)) = self.order.pop_front() else { return };
        if self.pending.get(&key).is_some_and(|pending| pending.serial == serial) {
            self.give_up(key);
        }
    }

    fn give_up(&mut self, key: Key) {
        let Some(pending) = self.remove(key) else { return };
        self.counters.count(Counter::FragmentsGivenUp);
        if pending.beginning() == 0 {
            return;
        }
        self.given_up_bytes += pending.size();
        self.given_up.push_back(pending);
        // Whoever never takes partial packets shall not make them pile up.
        while self.given_up.len() > self.limits.packets || self.given_up_bytes > self.limits.bytes {
            let Some(oldest) = self.given_up.pop_front() else { return };
            self.given_up_bytes = self.given_up_bytes.saturating_sub(oldest.size());
        }
    }

    /// Puts both readings together and lends them.
    fn lend(&mut self, pending: &Pending) -> Whole<'_> {
        let lent = &mut self.lent;
        let length = pending.beginning().min(pending.total.unwrap_or(LARGEST));
        lent.head = pending.head;
        pending.read(length, &mut lent.last, pending.pieces.iter());
        pending.read(length, &mut lent.first, pending.pieces.iter().rev());
        lent.differ = lent.first != lent.last;
        if lent.differ {
            self.counters.count(Counter::OverlapConflicts);
        }
        let last = lent.differ.then_some(lent.last.as_slice());
        Whole { head: &lent.head, first: &lent.first, last }
    }

    fn remove(&mut self, key: Key) -> Option<Pending> {
        let pending = self.pending.remove(&key)?;
        self.bytes = self.bytes.saturating_sub(pending.size());
        // Stale entries of finished packets must not outgrow the table.
        if self.order.len() > 2 * self.pending.len() + 16 {
            self.order.retain(|(serial, key)| {
                self.pending.get(key).is_some_and(|pending| pending.serial == *serial)
            });
        }
        Some(pending)
    }
}

#[cfg(test)]
mod tests;
