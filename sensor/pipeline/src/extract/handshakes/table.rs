//! The handshakes of a worker by their client, and who must go when they take too much memory.
//!
//! Nobody can push out another's half-read hello by opening many: a host pays for itself first.
//! Where many hosts send (or one in many names), who came while there was room stays, and those who
//! came later push out each other: the victim is the oldest of the younger half.

use std::collections::BTreeMap;

use super::handshake::Handshake;
use crate::net::{Address, Timestamp};

/// The client's address, and a number that grows.
pub(in crate::extract) type Id = (Address, u64);

/// Handshakes of one host.
const HOST_HANDSHAKES: usize = 256;
/// Of these, such as are read: each Initial of the host is compared with them.
const HOST_WHOLE: usize = 64;
/// The part of the memory that one host may take.
const HOST_PART: usize = 8;
/// The part of the memory for handshakes that are read.
const WHOLE_PART: usize = 4;
/// Never less: one handshake must have room whatever is configured.
const LEAST: usize = 64 * 1024;

/// Numbers in the order they were given, in an older and a younger half.
#[derive(Debug, Default)]
struct Ages {
    order: BTreeMap<u64, Address>,
    /// The younger half begins here.
    boundary: u64,
    older: usize,
}

impl Ages {
    fn insert(&mut self, (host, number): Id) {
        if self.order.insert(number, host).is_none() && number < self.boundary {
            self.older += 1;
        }
        self.balance();
    }

    fn remove(&mut self, (_, number): Id) {
        if self.order.remove(&number).is_some() && number < self.boundary {
            self.older -= 1;
        }
        self.balance();
    }

    /// The oldest of the younger half fills up the older one.
    fn balance(&mut self) {
        if 2 * self.older < self.order.len()
            && let Some((number, _)) = self.order.range(self.boundary..).next()
        {
            self.boundary = number + 1;
            self.older += 1;
        }
    }

    fn victim(&self) -> Option<Id> {
        let younger = self.order.range(self.boundary..).next();
        younger.or_else(|| self.oldest()).map(|(number, host)| (*host, *number))
    }

    fn oldest(&self) -> Option<(&u64, &Address)> {
        self.order.first_key_value()
    }
}

/// Handshakes within a bound of memory.
#[derive(Debug)]
pub(super) struct Table {
    /// None while it is lent.
    slots: BTreeMap<Id, Option<Box<Handshake>>>,
    half: Ages,
    whole: Ages,
    bytes: usize,
    whole_bytes: usize,
    limit: usize,
    number: u64,
    /// Half-read ones that had to go, to be told.
    #[expect(clippy::vec_box, reason = "they leave the table as they lie")]
    dropped: Vec<Box<Handshake>>,
}

impl Table {
    /// For so many bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            slots: BTreeMap::new(),
            half: Ages::default(),
            whole: Ages::default(),
            bytes: 0,
            whole_bytes: 0,
            limit: limit.max(LEAST),
            number: 0,
            dropped: Vec::new(),
        }
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.dropped.iter().map(|gone| gone.filed.weight).sum::<usize>()
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Adds a handshake; [`Table::settle`] it once it holds something.
    pub(super) fn begin(&mut self, handshake: Handshake) -> Id {
        self.number += 1;
        let id = (handshake.client.address, self.number);
        self.slots.insert(id, Some(Box::new(handshake)));
        self.half.insert(id);
        id
    }

    pub(super) fn get_mut(&mut self, id: Id) -> Option<&mut Handshake> {
        self.slots.get_mut(&id)?.as_deref_mut()
    }

    /// Those of a host, the latest first.
    pub(super) fn of_host(&self, host: Address) -> impl Iterator<Item = (Id, &Handshake)> {
        let range = self.slots.range((host, 0)..=(host, u64::MAX)).rev();
        range.filter_map(|(id, slot)| Some((*id, slot.as_deref()?)))
    }

    /// All, by host.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Id, &Handshake)> {
        self.slots.iter().filter_map(|(id, slot)| Some((*id, slot.as_deref()?)))
    }

    /// Lends a handshake, which may be told then.
    pub(super) fn lend(&mut self, id: Id) -> Option<Box<Handshake>> {
        self.slots.get_mut(&id)?.take()
    }

    /// Takes one back.
    pub(super) fn give_back(&mut self, id: Id, handshake: Box<Handshake>) {
        if let Some(slot) = self.slots.get_mut(&id) {
            *slot = Some(handshake);
        }
    }

    /// The next that had to go.
    pub(super) fn take_dropped(&mut self) -> Option<Box<Handshake>> {
        self.dropped.pop()
    }

    pub(super) const fn has_dropped(&self) -> bool {
        !self.dropped.is_empty()
    }

    /// Takes one out of the table. It is to be told, unless nothing of it is awaited.
    pub(super) fn drop(&mut self, id: Id) {
        let Some(Some(handshake)) = self.slots.remove(&id) else { return };
        self.bytes -= handshake.filed.weight;
        if handshake.filed.whole {
            self.whole_bytes -= handshake.filed.weight;
            self.whole.remove(id);
        } else {
            self.half.remove(id);
            if !self.is_repeated(&handshake) {
                self.dropped.push(handshake);
            }
        }
    }

    /// Counts what a handshake holds now, and makes room: how many half-read ones had to go.
    pub(super) fn settle(&mut self, id: Id) -> usize {
        let Some(Some(handshake)) = self.slots.get_mut(&id) else { return 0 };
        let (old, new) = (handshake.filed, handshake.file());
        handshake.filed = new;
        self.bytes = self.bytes + new.weight - old.weight;
        self.whole_bytes -= if old.whole { old.weight } else { 0 };
        self.whole_bytes += if new.whole { new.weight } else { 0 };
        if old.whole != new.whole {
            let (from, to) = match new.whole {
                true => (&mut self.half, &mut self.whole),
                false => (&mut self.whole, &mut self.half),
            };
            from.remove(id);
            to.insert(id);
        }
        self.relieve(id)
    }

    fn relieve(&mut self, (host, number): Id) -> usize {
        let before = self.dropped.len();
        while self.whole_bytes > self.limit / WHOLE_PART
            && let Some((number, host)) = self.whole.oldest().map(|(number, host)| (*number, *host))
        {
            self.drop((host, number));
        }
        while let Some(victim) = self.victim_of(host, number) {
            self.drop(victim);
        }
        while self.bytes > self.limit
            && let Some(victim) = self.half.victim().or_else(|| self.whole.victim())
        {
            self.drop(victim);
        }
        self.dropped.len() - before
    }

    /// Who goes of a host that has more than its part: one that is read, one that is larger than
    /// all others together, else the oldest of the younger half.
    fn victim_of(&self, host: Address, latest: u64) -> Option<Id> {
        let (mut count, mut bytes, mut wholes, mut whole) = (0, 0, 0, None);
        let mut largest = (0, (host, latest));
        for (id, handshake) in self.of_host(host) {
            let Handshake { filed, .. } = handshake;
            (count, bytes) = (count + 1, bytes + filed.weight);
            largest = largest.max((filed.weight, id));
            if filed.whole {
                (wholes, whole) = (wholes + 1, Some(id));
            }
        }
        let few = count <= HOST_HANDSHAKES && wholes <= HOST_WHOLE;
        if few && bytes <= self.limit / HOST_PART {
            return None;
        }
        let (weight, id) = largest;
        let middle = || self.of_host(host).map(|(id, _)| id).nth(count.div_ceil(2) - 1);
        whole.or_else(|| (2 * weight > bytes).then_some(id)).or_else(middle)
    }

    /// Those that were silent for too long at `now`; half-read ones are to be told.
    pub(super) fn drop_silent(&mut self, now: Timestamp, whole_nanos: u64, half_nanos: u64) {
        let silent = |handshake: &Handshake| {
            let limit = if handshake.filed.whole { whole_nanos } else { half_nanos };
            now.since(handshake.last) > limit
        };
        let gone: Vec<Id> =
            self.iter().filter(|(_, handshake)| silent(handshake)).map(|(id, _)| id).collect();
        for id in gone {
            self.drop(id);
        }
    }

    /// Drops all.
    pub(super) fn drop_all(&mut self) {
        // Those that are read last: they tell whether a half is a part of them.
        for whole in [false, true] {
            let all = self.iter().filter(|(_, known)| known.filed.whole == whole);
            let ids: Vec<Id> = all.map(|(id, _)| id).collect();
            for id in ids.into_iter().rev() {
                self.drop(id);
            }
        }
    }

    /// Others of the same ends.
    pub(super) fn beside<'a>(&'a self, one: &'a Handshake) -> impl Iterator<Item = &'a Handshake> {
        let (client, server) = (one.client, one.server);
        let theirs = self.of_host(client.address).map(|(_, known)| known);
        let alike = move |known: &&Handshake| known.hearsay == one.hearsay;
        theirs.filter(move |known| known.client == client && known.server == server).filter(alike)
    }

    /// Does another handshake of the same ends begin with all that is held of this one? After a
    /// Retry a hello comes once more, under another id.
    pub(super) fn is_repeated(&self, one: &Handshake) -> bool {
        if one.next > 0 || one.stream.is_contradicted() {
            return false;
        }
        let mut bytes = Vec::new();
        one.stream.join(0, &mut bytes);
        !bytes.is_empty() && self.beside(one).any(|known| known.stream.starts_with(&bytes))
    }
}
