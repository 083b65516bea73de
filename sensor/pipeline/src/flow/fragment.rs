//! IP packets made whole from fragments (RFC 791 3.2, RFC 8200 4.5), within fixed limits.
//!
//! Owns the bytes of unfinished packets and nothing else: what a whole packet carries is decoded
//! by [`crate::decode::decode_ip`]. Where fragments contradict each other, in their bytes, in where
//! the packet ends or in what it carries, every reading is handed out that a receiver may have:
//! the first or the last copy wins, or the one that is not dropped on its way. A packet stays for
//! a while after it was whole, because a decoy may have made it so.

mod pending;

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use crate::decode::IpHead;
use crate::decode::packet::{Fragment, Packet, Transport};
use crate::net::{Address, IpProtocol, Timestamp};
use crate::stats::{Counter, Counters};
use pending::{Fit, Pending, Readings};

/// How much is held. What exceeds a limit makes a packet go: of a few of the oldest, the first
/// of the source that has most of them, and one with a single fragment before any with more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentLimits {
    /// Unfinished packets.
    pub packets: usize,
    /// Bytes stored for all unfinished packets, repeated ones and bookkeeping counted.
    pub bytes: usize,
    /// Age of a packet's first fragment to arrive, in nanoseconds of packet time. Windows waits
    /// a minute for the others, Linux half of it.
    pub age_nanos: u64,
}

impl Default for FragmentLimits {
    fn default() -> Self {
        Self { packets: 16 * 1024, bytes: 8 << 20, age_nanos: 61_000_000_000 }
    }
}

/// Packets among which one is chosen to go.
const SAMPLE: usize = 16;

/// A payload made whole, lent until the table is next asked something.
#[derive(Clone, Copy)]
pub struct Whole<'a> {
    /// Addresses, protocol, hardware addresses and tunnels, as the first fragment had them.
    pub head: &'a IpHead,
    /// The payload where the byte that came first wins.
    pub first: &'a [u8],
    heads: &'a [IpHead],
    readings: &'a [Vec<u8>],
}

impl<'a> Whole<'a> {
    /// One reading, or several that differ.
    pub fn readings(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.readings.iter().map(Vec::as_slice)
    }

    /// Every packet that it may be: each reading with each protocol that a first fragment names.
    pub fn packets(&self) -> impl Iterator<Item = (&'a IpHead, &'a [u8])> + use<'a> {
        let (heads, readings) = (self.heads, self.readings);
        heads
            .iter()
            .flat_map(move |head| readings.iter().map(move |bytes| (head, bytes.as_slice())))
    }
}

/// What makes fragments belong together. The version is told by the addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    source: Address,
    destination: Address,
    /// Of IPv4 only: of IPv6 the first fragment tells what the packet carries.
    protocol: Option<IpProtocol>,
    id: u32,
    /// Came in a tunnel from outside: it belongs to nothing that a host of ours sent.
    hearsay: bool,
}

impl Key {
    /// What a fragment belongs to, by its packet and its place.
    pub fn new(packet: &Packet<'_>, place: Fragment) -> Self {
        Self {
            source: packet.source.address,
            destination: packet.destination.address,
            protocol: packet.source.address.is_v4().then_some(packet.protocol),
            id: place.id,
            hearsay: packet.hearsay,
        }
    }
}

/// The payload that is lent.
#[derive(Default)]
struct Lent {
    heads: Vec<IpHead>,
    readings: Readings,
}

/// Unfinished packets of one worker.
pub struct FragmentTable {
    limits: FragmentLimits,
    pending: HashMap<Key, Pending, RandomState>,
    /// How many of them each source has.
    sources: HashMap<Address, usize, RandomState>,
    /// Packets by arrival of their first fragment; entries of those that are gone are stale.
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
            sources: HashMap::default(),
            order: VecDeque::new(),
            serial: 0,
            bytes: 0,
            given_up: VecDeque::new(),
            given_up_bytes: 0,
            lent: Lent::default(),
            counters: Counters::default(),
        }
    }

    /// Takes a fragment in; answers with its packet if it is whole now, or whole in another way.
    /// Packets that are not fragments are ignored. Packets given up meanwhile wait in
    /// [`Self::take_partial`].
    pub fn push(&mut self, time: Timestamp, packet: &Packet<'_>) -> Option<Whole<'_>> {
        let Transport::Fragment { place, payload } = packet.transport else { return None };
        self.expire(time);
        let key = Key::new(packet, place);
        let over = |pending: &Pending| pending.is_over_for((place, payload), packet, time);
        if self.pending.get(&key).is_some_and(over) {
            self.remove(key);
        }
        self.admit(key, packet, time);
        let pending = self.pending.get_mut(&key)?;
        let before = pending.size();
        let fit = pending.put((place, payload), packet);
        self.bytes = (self.bytes + pending.size()).saturating_sub(before);
        match fit {
            Fit::Waiting => {
                self.shrink();
                None
            }
            Fit::Refused => {
                self.counters.count(Counter::FragmentsRefused);
                None
            }
            Fit::Whole => {
                if pending.read.is_none() {
                    self.counters.count(Counter::Reassembled);
                }
                let mut lent = std::mem::take(&mut self.lent);
                lent.take(pending, time);
                self.lent = lent;
                self.shrink();
                self.lend()
            }
        }
    }

    /// What was not read of a packet that is given up: its beginning, as far as it is without a
    /// hole, still counts. Oldest first; `None` when there is no more. Call it after each
    /// [`Self::push`] and after [`Self::flush`].
    pub fn take_partial(&mut self) -> Option<Whole<'_>> {
        let mut partial = self.given_up.pop_front()?;
        self.given_up_bytes = self.given_up_bytes.saturating_sub(partial.size());
        let since = partial.since;
        self.lent.take(&mut partial, since);
        self.lend()
    }

    /// Gives up all that is unfinished (end of the capture); see [`Self::take_partial`].
    pub fn flush(&mut self) {
        while let Some((serial, key)) = self.order.pop_front() {
            self.give_up(serial, key);
        }
    }

    /// Takes the counts since the last call: packets made whole, given up, contradictions.
    pub fn take_counters(&mut self) -> Counters {
        std::mem::take(&mut self.counters)
    }

    /// Packets held, those included that were whole a moment ago.
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Is nothing held?
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn lend(&mut self) -> Option<Whole<'_>> {
        let (heads, readings) = (&self.lent.heads, self.lent.readings.as_slice());
        if readings.len() > 1 {
            self.counters.count(Counter::OverlapConflicts);
        }
        Some(Whole { head: heads.first()?, first: readings.first()?, heads, readings })
    }

    /// Makes room for a packet that is new.
    fn admit(&mut self, key: Key, packet: &Packet<'_>, time: Timestamp) {
        if self.pending.contains_key(&key) || self.limits.packets == 0 {
            return;
        }
        while self.pending.len() >= self.limits.packets && self.give_up_one() {}
        self.serial += 1;
        self.order.push_back((self.serial, key));
        let pending = Pending::new(packet, time, self.serial);
        self.bytes += pending.size();
        self.pending.insert(key, pending);
        *self.sources.entry(key.source).or_default() += 1;
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
                _ => {
                    self.order.pop_front();
                    self.give_up(serial, key);
                }
            }
        }
    }

    /// Gives packets up until the bytes fit.
    fn shrink(&mut self) {
        while self.bytes > self.limits.bytes && self.give_up_one() {}
    }

    /// Gives one packet up, as [`FragmentLimits`] says. False if there is none.
    fn give_up_one(&mut self) -> bool {
        let place = |(nth, (serial, key)): (usize, &(u64, Key))| {
            let pending = self.pending.get(key).filter(|pending| pending.serial == *serial);
            let of_source = self.sources.get(&key.source).copied().unwrap_or(0);
            let single = pending.is_none_or(|pending| pending.fragments() < 2);
            (pending.is_none(), of_source, single, usize::MAX - nth)
        };
        let sample = self.order.iter().take(SAMPLE).enumerate();
        let Some((_, _, _, nth)) = sample.map(place).max() else { return false };
        let Some((serial, key)) = self.order.remove(usize::MAX - nth) else { return false };
        self.give_up(serial, key);
        true
    }

    /// Gives a packet up, unless its entry is stale.
    fn give_up(&mut self, serial: u64, key: Key) {
        if self.pending.get(&key).is_none_or(|pending| pending.serial != serial) {
            return;
        }
        let Some(pending) = self.remove(key) else { return };
        if pending.read.is_none() {
            self.counters.count(Counter::FragmentsGivenUp);
        }
        if !pending.is_unread() {
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

    fn remove(&mut self, key: Key) -> Option<Pending> {
        let pending = self.pending.remove(&key)?;
        self.bytes = self.bytes.saturating_sub(pending.size());
        if let Some(count) = self.sources.get_mut(&key.source) {
            *count -= 1;
            if *count == 0 {
                self.sources.remove(&key.source);
            }
        }
        // Stale entries must not outgrow the table.
        if self.order.len() > 2 * self.pending.len() + 16 {
            self.order.retain(|(serial, key)| {
                self.pending.get(key).is_some_and(|pending| pending.serial == *serial)
            });
        }
        Some(pending)
    }
}

impl Lent {
    fn take(&mut self, pending: &mut Pending, time: Timestamp) {
        pending.read(&mut self.readings, time);
        self.heads.clear();
        self.heads.extend(pending.heads());
    }
}

#[cfg(test)]
mod tests;
