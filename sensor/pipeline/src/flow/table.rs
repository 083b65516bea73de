//! The flows of one worker: found by key, forgotten by age or when there is no room.
//!
//! Owns the memory of flows and the order in which they are forgotten. What a flow carries is a
//! type parameter; this module never looks into it.

use std::hint::black_box;

use super::index::KeyIndex;
use super::overlap::evidence::Opening;
use super::secrets::Secrets;
use super::stream::Stream;
use crate::net::{Address, Endpoint, FlowKey, IpProtocol, Side, Timestamp};

/// Bounds of the table and how long a silent flow is remembered, in nanoseconds of packet time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowLimits {
    /// Most flows at once. Full: one goes of the first stage of life in [`Life::ALL`] that has
    /// any, the one silent longest.
    pub flows: usize,
    /// A flow that never carried payload.
    pub young_nanos: u64,
    /// A TCP connection after FIN or RST.
    pub closing_nanos: u64,
    /// UDP, ICMP and the rest.
    pub datagram_nanos: u64,
    /// A question over UDP that has its answer.
    pub answered_nanos: u64,
    /// A TCP connection that carried payload.
    pub stream_nanos: u64,
    /// A flow in the middle of a message that a parser waits for.
    pub amid_nanos: u64,
}

impl Default for FlowLimits {
    fn default() -> Self {
        const SECOND: u64 = 1_000_000_000;
        Self {
            flows: 262_144,
            young_nanos: 60 * SECOND,
            closing_nanos: 10 * SECOND,
            datagram_nanos: 60 * SECOND,
            answered_nanos: SECOND,
            stream_nanos: 900 * SECOND,
            amid_nanos: 24 * 3600 * SECOND,
        }
    }
}

/// A flow's stage of life, which decides how long it is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Has never carried payload.
    Young,
    /// TCP, after FIN or RST.
    Closing,
    /// Not TCP.
    Datagrams,
    /// TCP with payload.
    Stream,
    /// Not TCP: a question, and then its answer. Forgetting these sooner keeps a table under a
    /// flood of questions small enough for the cache.
    Answered,
    /// In the middle of a message that a parser waits for.
    Amid,
}

impl Life {
    /// Every stage. The first are those in which least is lost with a flow, so that no flood of
    /// flows that say nothing pushes one out that has begun to say something.
    pub const ALL: [Self; 6] =
        [Self::Young, Self::Answered, Self::Closing, Self::Datagrams, Self::Stream, Self::Amid];
}

/// A key in 38 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct PackedKey {
    low: [u8; 16],
    high: [u8; 16],
    ports: [u16; 2],
    protocol: u8,
}

impl PackedKey {
    fn new(key: &FlowKey) -> Self {
        Self {
            low: key.low.address.bits().to_ne_bytes(),
            high: key.high.address.bits().to_ne_bytes(),
            ports: [key.low.port, key.high.port],
            protocol: key.protocol.0,
        }
    }

    fn unpack(&self) -> FlowKey {
        let [low_port, high_port] = self.ports;
        let end =
            |raw, port| Endpoint { address: Address::from_bits(u128::from_ne_bytes(raw)), port };
        FlowKey {
            low: end(self.low, low_port),
            high: end(self.high, high_port),
            protocol: IpProtocol(self.protocol),
        }
    }
}

/// One flow.
pub struct Flow<S> {
    key: PackedKey,
    /// Who is taken for the client: who sent SYN, else who was seen first.
    pub opener: Side,
    life: Life,
    /// Feed generation its endpoints were last compared with.
    pub generation: u8,
    hash: u32,
    /// How far it is a conversation: unanswered (0), answered (1), and the client went on (2).
    pub heard: u8,
    /// Is it among those that hold bytes? Kept by whoever keeps that list.
    pub holding: bool,
    /// The side that is ours, if it is just one and the other is a host too.
    pub ours: Option<Side>,
    /// What its SYNs said of the way between its sides.
    pub opening: Opening,
    begun: Timestamp,
    last: Timestamp,
    older: u32,
    newer: u32,
    /// Reassembly, by [`Side`] of the sender. Unused unless TCP.
    pub streams: [Stream; 2],
    /// What the flow carries.
    pub state: S,
}

impl<S> Flow<S> {
    /// Its stage of life.
    pub const fn life(&self) -> Life {
        self.life
    }

    /// Its endpoints and protocol.
    pub fn key(&self) -> FlowKey {
        self.key.unpack()
    }

    /// Number of the flow, the same for the same capture every time. Nearly no flow is asked.
    pub fn id(&self) -> u64 {
        flow_id(&self.key(), self.begun)
    }

    /// Time of its first packet.
    pub const fn begun(&self) -> Timestamp {
        self.begun
    }

    /// Time of its last packet, within a second.
    pub const fn last(&self) -> Timestamp {
        self.last
    }

    /// The stream that `side` sends, and the flow's state.
    pub const fn stream(&mut self, side: Side) -> (&mut Stream, &mut S) {
        let [low, high] = &mut self.streams;
        let stream = match side {
            Side::Low => low,
            Side::High => high,
        };
        (stream, &mut self.state)
    }
}

/// Hash of a key, as one table makes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyHash(u32);

/// Place of a flow in its table; invalid after the flow is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowIndex(u32);

impl FlowIndex {
    /// The place as a number. Flows that follow each other may have the same.
    pub const fn number(self) -> u64 {
        self.0 as u64
    }
}

const NONE: u32 = u32::MAX;
/// A flow is moved in its list at most this often: order is exact to a second.
const TOUCH_NANOS: u64 = 1_000_000_000;

/// Lines of the index fetched together when flows are forgotten.
const TOGETHER: usize = 16;

/// A list of flows from oldest to newest touch.
#[derive(Clone, Copy)]
struct AgeList {
    oldest: u32,
    newest: u32,
}

/// The flows of one worker.
pub struct FlowTable<S> {
    slots: Vec<Option<Flow<S>>>,
    free: Vec<u32>,
    index: KeyIndex,
    secrets: Secrets,
    ages: [AgeList; 6],
    limits: FlowLimits,
    /// So many of the next to be removed have had their lines of the index fetched.
    fetched: usize,
}

impl<S: Default> FlowTable<S> {
    /// An empty table.
    pub fn new(limits: FlowLimits) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            index: KeyIndex::default(),
            secrets: Secrets::default(),
            ages: [AgeList { oldest: NONE, newest: NONE }; 6],
            limits,
            fetched: 0,
        }
    }

    /// Flows at present.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// No flow at present?
    pub fn is_empty(&self) -> bool {
        self.index.len() == 0
    }

    /// The hash of a key in this table: computed once for [`FlowTable::find`] and
    /// [`FlowTable::insert`].
    #[inline]
    pub fn hash(&self, key: &FlowKey) -> KeyHash {
        KeyHash(self.secrets.hash(key))
    }

    /// Fetches the memory that a search for this hash begins in, and the place of the `nth` flow
    /// that is added from now on. The answer means nothing; whoever keeps several waits for all of
    /// them at the same time.
    #[inline]
    pub fn fetch(&self, KeyHash(hash): KeyHash, nth: usize) -> u64 {
        let free = self.free.len().checked_sub(nth + 1).and_then(|at| self.free.get(at));
        let slot = free.and_then(|at| self.slots.get(*at as usize));
        self.index.first(hash) ^ u64::from(slot.is_some_and(Option::is_some))
    }

    /// The flow of a key.
    #[inline]
    pub fn find(&self, key: &FlowKey, KeyHash(hash): KeyHash) -> Option<FlowIndex> {
        let packed = PackedKey::new(key);
        let same = |at: u32| {
            self.slots.get(at as usize).and_then(Option::as_ref).is_some_and(|f| f.key == packed)
        };
        self.index.find(hash, same).map(FlowIndex)
    }

    /// Borrows a flow.
    #[inline]
    pub fn get_mut(&mut self, index: FlowIndex) -> Option<&mut Flow<S>> {
        self.slots.get_mut(index.0 as usize).and_then(Option::as_mut)
    }

    /// Adds a flow at a stage of life, whose key is not in the table. Make room first with [`FlowTable::victim`].
    pub fn insert(
        &mut self,
        (key, KeyHash(hash)): (&FlowKey, KeyHash),
        opener: Side,
        life: Life,
        time: Timestamp,
    ) -> FlowIndex {
        let at = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(NONE)
        });
        // A slot that is known to be empty is written in place: nothing is dropped or copied.
        if let Some(slot @ None) = self.slots.get_mut(at as usize) {
            *slot = Some(Flow {
                key: PackedKey::new(key),
                opener,
                life,
                generation: 0,
                hash,
                heard: 0,
                holding: false,
                ours: None,
                opening: Opening::default(),
                begun: time,
                last: time,
                older: NONE,
                newer: NONE,
                streams: Default::default(),
                state: S::default(),
            });
        }
        self.index.insert(hash, at);
        self.link(at, life);
        FlowIndex(at)
    }

    /// Notes a packet of the flow and the stage of life it is in now.
    #[inline]
    pub fn touch(&mut self, index: FlowIndex, life: Life, time: Timestamp) {
        let Some(flow) = self.get_mut(index) else { return };
        // Payload ends youth, and shows that what seemed closed is not: FIN and RST may be decoys,
        // and a side that has closed may be spoken to. What is in the middle of a message stays so.
        let life = match (flow.life, life) {
            (Life::Amid, Life::Closing | Life::Datagrams | Life::Answered) => Life::Amid,
            (old, Life::Young) => old,
            (_, new) => new,
        };
        if life != flow.life || time.since(flow.last) > TOUCH_NANOS {
            flow.last = flow.last.max(time);
            self.unlink(index.0);
            self.link(index.0, life);
        }
    }

    /// The flow is in the middle of a message, or no longer.
    pub fn set_amid(&mut self, index: FlowIndex, amid: bool, otherwise: Life) {
        let Some(flow) = self.get_mut(index) else { return };
        if (flow.life == Life::Amid) != amid {
            self.unlink(index.0);
            self.link(index.0, if amid { Life::Amid } else { otherwise });
        }
    }

    /// A flow that has been silent for too long at `time`. Remove it and ask again.
    pub fn overdue(&mut self, time: Timestamp) -> Option<FlowIndex> {
        for (life, nanos) in [
            (Life::Closing, self.limits.closing_nanos),
            (Life::Young, self.limits.young_nanos),
            (Life::Answered, self.limits.answered_nanos),
            (Life::Datagrams, self.limits.datagram_nanos),
            (Life::Stream, self.limits.stream_nanos),
            (Life::Amid, self.limits.amid_nanos),
        ] {
            if let Some((at, last)) = self.oldest(life)
                && time.since(last) > nanos
            {
                self.fetch_before_removal(at);
                return Some(FlowIndex(at));
            }
        }
        None
    }

    /// The flow that must make room for a new one, if the table is full. Remove it and ask again.
    pub fn victim(&mut self) -> Option<FlowIndex> {
        if self.len() < self.limits.flows {
            return None;
        }
        let (at, _) = Life::ALL.into_iter().find_map(|life| self.oldest(life))?;
        self.fetch_before_removal(at);
        Some(FlowIndex(at))
    }

    /// Fetches the index lines that the removal of a flow and of those after it needs, together.
    #[inline]
    fn fetch_before_removal(&mut self, first: u32) {
        self.fetched = self.fetched.checked_sub(1).unwrap_or_else(|| self.fetch_along(first));
    }

    /// Answers of how many after the first.
    #[cold]
    fn fetch_along(&self, first: u32) -> usize {
        let flow = |at: u32| self.slots.get(at as usize).and_then(Option::as_ref);
        let flows = std::iter::successors(flow(first), |now| flow(now.newer));
        let lines = flows.take(TOGETHER).map(|flow| self.index.first(flow.hash));
        black_box(lines.fold(0, |all, line| all ^ line));
        TOGETHER - 1
    }

    /// From now on no flow is found by its key and none may be added: all that is left is to take
    /// each of them out, which need not keep the index in order then.
    pub fn close(&mut self) {
        self.index = KeyIndex::default();
    }

    /// The flow that has been silent longest. Remove it and ask again, until none is left.
    pub fn silent_longest(&self) -> Option<FlowIndex> {
        let oldest = Life::ALL.into_iter().filter_map(|life| self.oldest(life));
        oldest.min_by_key(|(_, last)| *last).map(|(at, _)| FlowIndex(at))
    }

    fn oldest(&self, life: Life) -> Option<(u32, Timestamp)> {
        let at = self.ages.get(life as usize)?.oldest;
        let flow = self.slots.get(at as usize)?.as_ref()?;
        Some((at, flow.last))
    }

    /// Takes a flow out.
    pub fn remove(&mut self, index: FlowIndex) -> Option<Flow<S>> {
        let hash = self.get_mut(index)?.hash;
        self.unlink(index.0);
        self.index.remove(hash, index.0);
        self.free.push(index.0);
        self.slots.get_mut(index.0 as usize)?.take()
    }

    /// Drops a flow where it lies: one that holds nothing back need not be moved to be ended.
    pub fn discard(&mut self, index: FlowIndex) {
        let Some(hash) = self.get_mut(index).map(|flow| flow.hash) else { return };
        self.unlink(index.0);
        self.index.remove(hash, index.0);
        self.free.push(index.0);
        if let Some(slot) = self.slots.get_mut(index.0 as usize) {
            *slot = None;
        }
    }

    fn link(&mut self, at: u32, life: Life) {
        let Some(list) = self.ages.get_mut(life as usize) else { return };
        let before = std::mem::replace(&mut list.newest, at);
        if before == NONE {
            list.oldest = at;
        }
        if let Some(flow) = self.get_mut(FlowIndex(before)) {
            flow.newer = at;
        }
        if let Some(flow) = self.get_mut(FlowIndex(at)) {
            (flow.older, flow.newer, flow.life) = (before, NONE, life);
        }
    }

    fn unlink(&mut self, at: u32) {
        let Some(flow) = self.get_mut(FlowIndex(at)) else { return };
        let (older, newer, life) = (flow.older, flow.newer, flow.life);
        match self.get_mut(FlowIndex(older)) {
            Some(flow) => flow.newer = newer,
            None => {
                if let Some(list) = self.ages.get_mut(life as usize) {
                    list.oldest = newer;
                }
            }
        }
        match self.get_mut(FlowIndex(newer)) {
            Some(flow) => flow.older = older,
            None => {
                if let Some(list) = self.ages.get_mut(life as usize) {
                    list.newest = older;
                }
            }
        }
    }
}

/// A number for EVE's `flow_id`: below 2^53 so that JavaScript keeps it, and the same on every
/// replay, since it depends on nothing but the capture.
pub(crate) fn flow_id(key: &FlowKey, time: Timestamp) -> u64 {
    let when = time.0.cast_unsigned();
    mix(ends_number(key) ^ when ^ u64::from(key.protocol.0)) >> 11
}

/// A number for a pair of endpoints. Nothing is looked up by it.
fn ends_number(key: &FlowKey) -> u64 {
    let fold = |bits: u128| (bits as u64) ^ mix((bits >> 64) as u64);
    let ports = u64::from(key.low.port) << 16 | u64::from(key.high.port);
    let ends = mix(fold(key.low.address.bits())) ^ fold(key.high.address.bits()).rotate_left(17);
    mix(ends ^ ports.rotate_left(32))
}

const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> FlowKey {
        let end = |a: u32, port| Endpoint { address: Address::v4(a.to_be_bytes()), port };
        FlowKey::new(end(0xc000_0201, 443), end(0xc633_6400 + n, 50_000), IpProtocol::TCP).0
    }

    fn table(flows: usize) -> FlowTable<u32> {
        FlowTable::new(FlowLimits { flows, ..FlowLimits::default() })
    }

    fn add(table: &mut FlowTable<u32>, n: u32, at: i64) -> FlowIndex {
        let time = Timestamp::new(at, 0);
        let key = key(n);
        let hash = table.hash(&key);
        let index = table.insert((&key, hash), Side::Low, Life::Young, time);
        table.get_mut(index).unwrap().state = n;
        index
    }

    fn find(table: &FlowTable<u32>, n: u32) -> Option<FlowIndex> {
        table.find(&key(n), table.hash(&key(n)))
    }

    #[test]
    fn a_flow_is_found_by_its_key_until_it_is_removed() {
        let mut table = table(10);
        let index = add(&mut table, 1, 0);
        assert_eq!(find(&table, 1), Some(index));
        assert_eq!(table.get_mut(index).unwrap().key(), key(1));
        assert!(find(&table, 2).is_none());
        assert_eq!(table.remove(index).unwrap().state, 1);
        assert!(find(&table, 1).is_none() && table.is_empty());
    }

    #[test]
    fn a_full_table_forgets_the_oldest_without_payload_before_any_that_carried_some() {
        let mut table = table(3);
        let carried = add(&mut table, 1, 0);
        table.touch(carried, Life::Stream, Timestamp::new(0, 0));
        add(&mut table, 2, 1);
        add(&mut table, 3, 2);
        let evicted: Vec<u32> = std::iter::from_fn(|| {
            let flow = table.victim().and_then(|at| table.remove(at))?;
            let state = flow.state;
            if state == 2 {
                add(&mut table, 4, 3);
                table.touch(find(&table, 4).unwrap(), Life::Stream, Timestamp::new(3, 0));
            }
            (state != 1).then_some(state)
        })
        .take(2)
        .collect();
        assert_eq!(evicted, [2, 3]);
    }

    #[test]
    fn silent_flows_are_forgotten_after_their_time_and_busy_ones_kept() {
        let mut table = table(100);
        let busy = add(&mut table, 1, 0);
        add(&mut table, 2, 0);
        for second in 1..100 {
            table.touch(busy, Life::Stream, Timestamp::new(second, 0));
        }
        let overdue = table.overdue(Timestamp::new(100, 0)).unwrap();
        assert_eq!(table.remove(overdue).unwrap().state, 2);
        assert!(table.overdue(Timestamp::new(100, 0)).is_none());
        table.touch(busy, Life::Closing, Timestamp::new(101, 0));
        assert_eq!(table.overdue(Timestamp::new(120, 0)), Some(busy));
    }

    #[test]
    fn flow_ids_depend_on_the_traffic_alone() {
        let ids = |_| {
            let mut table = table(10);
            (0..5)
                .map(|n| {
                    let i = add(&mut table, n, 7);
                    table.get_mut(i).unwrap().id()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(0), ids(1));
        assert!(ids(0).iter().all(|id| *id < 1 << 53));
    }

    #[test]
    fn an_entry_stays_small() {
        assert!(size_of::<Option<Flow<[u64; 5]>>>() <= 192);
    }

    proptest::proptest! {
        #[test]
        fn lists_and_index_agree_after_any_history(steps in proptest::collection::vec((0..12u32, 0..5u8, 0..40i64), 0..300)) {
            let mut table = table(6);
            let mut now = 0;
            for (n, what, wait) in steps {
                now += wait;
                let time = Timestamp::new(now, 0);
                match (find(&table, n), what) {
                    (Some(at), 0) => { table.remove(at); }
                    (Some(at), 1) => table.touch(at, Life::Closing, time),
                    (Some(at), 2) => table.touch(at, Life::Datagrams, time),
                    (Some(at), _) => table.touch(at, Life::Stream, time),
                    (None, _) => {
                        while let Some(at) = table.overdue(time) { table.discard(at); }
                        while let Some(at) = table.victim() { table.discard(at); }
                        add(&mut table, n, now);
                    }
                }
                proptest::prop_assert!(table.len() <= 6);
                let linked: usize = table.ages.iter().map(|list| {
                    std::iter::successors((list.oldest != NONE).then_some(list.oldest), |at| {
                        let newer = table.slots[*at as usize].as_ref().unwrap().newer;
                        (newer != NONE).then_some(newer)
                    }).count()
                }).sum();
                proptest::prop_assert_eq!(linked, table.len());
            }
            let (flows, mut out) = (table.len(), 0);
            table.close();
            while let Some(at) = table.silent_longest() {
                out += usize::from(table.remove(at).is_some());
            }
            proptest::prop_assert_eq!(out, flows);
        }
    }
}
