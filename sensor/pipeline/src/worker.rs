//! One thread: stages 1 to 6, run to completion for each packet. Only decoding, which keeps no
//! state, is done for several frames at once where a capture has them at hand (`lineup.rs`).
//!
//! Owns the flows, buffers and counters of its socket or of its recording (`recording.rs`); shares
//! nothing and locks nothing, but for new indicators, which it takes up between two packets. Its
//! only way out is the [`Outbox`].

mod accounting;
mod contain;
mod context;
mod datagrams;
mod duplicates;
mod identity;
mod layers;
pub mod lineup;
mod recording;
mod reload;
mod segments;
mod silence;
mod told;
mod watch;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::alert::event::EventKinds;
use crate::alert::outbox::{Kept, WorkerPulse};
use crate::alert::throttle::ThrottleLimits;
use crate::alert::{HomeNetworks, Origin, Outbox};
use crate::decode::packet::{Packet, Skip, Transport};
use crate::decode::{self, LinkTypes, Seen};
use crate::extract::Scratch;
use crate::extract::session::Session;
use crate::flow::fragment::{FragmentLimits, FragmentTable, Whole};
use crate::flow::table::Life;
use crate::flow::{Credit, FlowIndex, FlowLimits, FlowTable, StreamLimits};
use crate::frame::{Drops, Frame};
use crate::matching::IndicatorSet;
use crate::matching::reload::Published;
use crate::net::{FlowKey, IpProtocol, Timestamp};
use crate::stats::{Counter, Counters};
use contain::InHand;
use context::PacketContext;
use duplicates::Duplicates;
use lineup::Sought;
use told::Told;
use watch::Watch;

/// Every bound of a worker's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The flow table.
    pub flows: FlowLimits,
    /// One direction's reassembly.
    pub stream: StreamLimits,
    /// Bytes held by all flows together, by reassembly and parsers. At the limit one of those
    /// lets go that have held longest: of a few of them, one of the host that holds most.
    pub held_bytes: usize,
    /// IP fragments.
    pub fragments: FragmentLimits,
    /// Folded contacts.
    pub throttle: ThrottleLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows: FlowLimits::default(),
            stream: StreamLimits::default(),
            held_bytes: 64 * 1024 * 1024,
            fragments: FragmentLimits::default(),
            throttle: ThrottleLimits::default(),
        }
    }
}

impl Limits {
    /// The part of one of so many workers: what is configured bounds all of them together.
    #[must_use]
    pub fn shared_by(mut self, workers: usize) -> Self {
        let workers = workers.max(1);
        for bound in [&mut self.flows.flows, &mut self.held_bytes, &mut self.throttle.entries] {
            *bound = (*bound / workers).max(1);
        }
        self
    }
}

/// What a worker is told once.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// Bounds of its state.
    pub limits: Limits,
    /// Whose hosts are ours.
    pub home: HomeNetworks,
    /// Event records asked for.
    pub events: EventKinds,
    /// The file or interface, as records name it.
    pub origin: Origin,
}

/// How often, in nanoseconds of packet time, what is overdue is looked for.
const HOUSEKEEPING: u64 = 500_000_000;

/// A clock that falls behind by more than this, in nanoseconds, was wrong before.
const CLOCK_RETURNED: u64 = 60 * 1_000_000_000;

/// A worker and everything it owns.
pub struct Worker {
    limits: Limits,
    flows: FlowTable<Session>,
    fragments: FragmentTable,
    /// What parsers of TCP streams told lately.
    told: Told,
    /// Flows that hold bytes, by who began first; each at most once, entries may be stale.
    holders: VecDeque<(FlowIndex, u64)>,
    held_bytes: usize,
    /// What may be read again of streams that contradict themselves.
    credit: Credit,
    /// How many of the holders have had their turn to be read again.
    turn: usize,
    scratch: Scratch,
    /// Looks for a mirror's copies (live).
    duplicates: Option<Duplicates>,
    watch: Watch,
    counters: Counters,
    undecoded: LinkTypes,
    now: Timestamp,
    /// When what is overdue is looked for again.
    housekeep_at: Timestamp,
    /// Where new indicators come from (live).
    published: Option<Arc<Published>>,
    generation: u32,
    /// Length of the frame in hand.
    frame_bytes: u64,
    in_hand: InHand,
    /// Is an empty table in the place of that of fragments?
    fragments_lent: bool,
    #[cfg(debug_assertions)]
    trap: Option<(Vec<u8>, bool)>,
}

impl Worker {
    /// A worker that compares with `set` and sends to `outbox`.
    pub fn new(assignment: Assignment, set: Arc<IndicatorSet>, outbox: Outbox) -> Self {
        let limits = assignment.limits;
        Self {
            limits,
            flows: FlowTable::new(limits.flows),
            fragments: FragmentTable::new(limits.fragments),
            told: Told::default(),
            holders: VecDeque::new(),
            held_bytes: 0,
            credit: Credit::default(),
            turn: 0,
            scratch: datagrams::scratch(limits.held_bytes),
            duplicates: None,
            watch: Watch::new(assignment, set, outbox),
            counters: Counters::default(),
            undecoded: LinkTypes::default(),
            now: Timestamp::default(),
            housekeep_at: Timestamp::default().after(HOUSEKEEPING),
            published: None,
            generation: 0,
            frame_bytes: 0,
            in_hand: InHand::default(),
            fragments_lent: false,
            #[cfg(debug_assertions)]
            trap: None,
        }
    }

    /// Passes over the copies that a mirror makes of a packet. For interfaces only: what is taken
    /// for a copy depends on a secret seed, and a replay must give the same answer every time.
    #[must_use]
    pub fn without_copies(mut self) -> Self {
        self.duplicates = Some(Duplicates::default());
        self
    }

    /// Takes in one frame: the whole way of a packet.
    pub fn frame(&mut self, frame: &Frame<'_>) {
        if self.duplicates.as_mut().is_some_and(|seen| seen.is_repeat(frame)) {
            self.copy(frame);
            return;
        }
        decode::decode_with(frame, |seen| {
            let sought = match seen {
                Ok(Seen::Ip(packet)) => self.seek(packet),
                Ok(Seen::Arp(..)) | Err(_) => Sought::default(),
            };
            self.decoded(frame, seen, &sought);
        });
    }

    /// Takes in what looks like a mirror's copy. It is counted as one and as nothing else; but its
    /// twin may have gone nowhere (its flow was not there yet, or another one was), so bytes of a
    /// stream or of a fragment go to where known ones are left out.
    #[cold]
    fn copy(&mut self, frame: &Frame<'_>) {
        self.arrive(frame);
        self.counters.count(Counter::Duplicates);
        decode::decode_with(frame, |seen| {
            let Ok(Seen::Ip(packet)) = seen else { return };
            match &packet.transport {
                Transport::Tcp(segment) if !segment.payload.is_empty() => {
                    let sought = self.seek(packet);
                    match self.flows.find(&sought.key, sought.hash) {
                        Some(index) => {
                            let Some(flow) = self.flows.get_mut(index) else { return };
                            let (side, time) = (sought.side, frame.time);
                            let context = PacketContext::new(packet, side, time, frame.number);
                            let context = context.of_flow(flow);
                            self.segment(index, segment, &context);
                        }
                        None => self.packet(packet, &sought, frame.time, frame.number),
                    }
                }
                Transport::Fragment { .. } => self.fragment(packet, frame.time, frame.number),
                _ => {}
            }
        });
    }

    /// What a packet's flow will be looked for by.
    #[inline]
    fn seek(&self, packet: &Packet<'_>) -> Sought {
        let (key, side) = FlowKey::new(packet.source, packet.destination, packet.protocol);
        Sought { hash: self.flows.hash(&key), key, side }
    }

    /// Takes in a frame that was decoded already; of one that holds no packet nothing is sought.
    #[inline]
    fn decoded(&mut self, frame: &Frame<'_>, seen: Result<Seen<'_, '_>, Skip>, sought: &Sought) {
        self.arrive(frame);
        match seen {
            Ok(Seen::Ip(packet)) => self.packet(packet, sought, frame.time, frame.number),
            Ok(Seen::Arp(mac, address, around)) => {
                self.counters.count(Counter::Arp);
                self.outer_layers(around, frame.time, frame.number);
                if self.watch.outer_sender(around.tunnels.as_slice()).is_none() {
                    self.watch.arp(mac, address, frame.time);
                }
            }
            Err(skip) => {
                self.counters.count(skip.counter());
                if skip == Skip::LinkType {
                    self.undecoded.count(frame.link);
                }
            }
        }
    }

    /// What holds for every frame, whatever is in it.
    #[inline]
    fn arrive(&mut self, frame: &Frame<'_>) {
        self.watch.outbox.at_frame(frame.number);
        self.counters.count(Counter::Frames);
        self.counters.add(Counter::Bytes, frame.data.len() as u64);
        self.frame_bytes = u64::from(frame.wire_length);
        self.keep_up();
        if frame.wire_length as usize > frame.data.len() {
            self.counters.count(Counter::FramesTruncated);
        }
        self.advance_to(frame.time);
    }

    /// Lets time pass without a frame (live).
    pub fn idle(&mut self, now: Timestamp) {
        self.keep_up();
        self.advance_to(now);
        self.watch.outbox.flush();
    }

    /// The counts so far.
    pub fn counters(&self) -> Counters {
        let mut sum = self.counters.clone();
        sum.merge(&self.watch.counters);
        sum
    }

    /// Frames of each link type that is not decoded.
    pub const fn undecoded(&self) -> LinkTypes {
        self.undecoded
    }

    /// Bytes held for directions and parsers, as far as [`Limits::held_bytes`] bounds them.
    pub const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Hosts of ours seen.
    pub fn hosts(&self) -> usize {
        self.watch.hosts.len()
    }

    /// Tells the writer how the worker fares.
    pub fn pulse(&mut self, worker: usize, drops: Drops) {
        let (counters, hosts) = (self.counters(), self.hosts());
        let clients = self.watch.clients.len();
        let pulse = WorkerPulse { worker, time: self.now, counters, drops, hosts, clients };
        self.watch.outbox.pulse(Box::new(pulse));
    }

    fn packet(&mut self, packet: &Packet<'_>, sought: &Sought, time: Timestamp, frame: u64) {
        self.count_layers(packet);
        let context = PacketContext::new(packet, sought.side, time, frame);
        if packet.tunnels.is_empty() {
            self.in_flow(&context, sought);
        } else {
            self.tunnelled(&context, sought);
        }
    }

    #[inline]
    fn in_flow(&mut self, context: &PacketContext<'_>, sought: &Sought) {
        let PacketContext { packet, time, frame, .. } = *context;
        self.in_hand = InHand::Tables;
        #[cfg(debug_assertions)]
        self.spring(packet);
        let index = self.flow_of(context, sought);
        self.in_hand = InHand::Flow(index);
        #[cfg(debug_assertions)]
        self.spring(packet);
        let Some(flow) = self.flows.get_mut(index) else { return };
        let context = context.of_flow(flow);
        accounting::account(&mut self.counters, flow, &context, self.frame_bytes);
        if let Some(host) = accounting::conversed(flow, &context) {
            self.watch.greet(host, time);
        }
        if flow.generation != reload::short(self.generation) {
            self.compare_again(index, &context);
        }
        match &packet.transport {
            Transport::Tcp(segment) => self.segment(index, segment, &context),
            Transport::Udp(payload) => {
                self.flows.touch(index, watch::datagram_life(packet), time);
                self.datagram(index, payload, &context);
            }
            Transport::Icmp { .. } | Transport::Other(_) => {
                if packet.protocol == IpProtocol::ICMPV6 && !packet.hearsay {
                    self.watch.neighbour(packet, time);
                }
                self.flows.touch(index, Life::Datagrams, time);
            }
            Transport::Fragment { .. } => self.fragment(packet, time, frame),
        }
    }

    /// The flow of a packet: a new one if there is none, or if a connection begins on the ports of
    /// the one before.
    #[inline]
    fn flow_of(&mut self, context: &PacketContext<'_>, sought: &Sought) -> FlowIndex {
        let Some(index) = self.flows.find(&sought.key, sought.hash) else {
            return self.begin(context, sought);
        };
        if let Transport::Tcp(segment) = &context.packet.transport
            && let Some(opened) = self.replaced_by(index, sought.side, segment)
        {
            let left = self.leave_over(index);
            self.forget(index);
            let index = self.begin(context, sought);
            self.open(index, opened, left);
            return index;
        }
        index
    }

    /// Makes a flow, and compares its endpoints at once.
    fn begin(&mut self, context: &PacketContext<'_>, sought: &Sought) -> FlowIndex {
        while let Some(index) = self.flows.victim() {
            self.counters.count(Counter::FlowsEvicted);
            self.forget(index);
        }
        self.counters.count(Counter::Flows);
        let key = &sought.key;
        let opener = watch::opener(context.packet, key);
        let life = watch::first_life(context.packet);
        let index = self.flows.insert((key, sought.hash), opener, life, context.time);
        if let Some(flow) = self.flows.get_mut(index) {
            flow.ours = self.watch.our_side(key);
            flow.generation = reload::short(self.generation);
            self.watch.endpoints(&context.of_flow(flow));
        }
        index
    }

    /// Puts a fragment away, and follows the packet it completes or that is given up for it.
    fn fragment(&mut self, packet: &Packet<'_>, time: Timestamp, frame: u64) {
        // The table lends from its own buffers, so it steps aside while they are followed.
        self.fragments_lent = true;
        let mut fragments = std::mem::take(&mut self.fragments);
        if let Some(whole) = fragments.push(time, packet) {
            self.reassembled(&whole, time, frame);
        }
        self.given_up_fragments(&mut fragments, time);
        self.fragments = fragments;
        self.fragments_lent = false;
    }

    /// Reads the beginnings of packets whose other fragments never came.
    fn given_up_fragments(&mut self, fragments: &mut FragmentTable, time: Timestamp) {
        while let Some(partial) = fragments.take_partial() {
            self.reassembled(&partial, time, 0);
        }
        self.counters.merge(&fragments.take_counters());
    }

    fn reassembled(&mut self, whole: &Whole<'_>, time: Timestamp, frame: u64) {
        for (head, payload) in whole.packets() {
            match decode::decode_ip(head, payload) {
                // A whole that claims to be a fragment again would go round in circles.
                Ok(inner) if matches!(inner.transport, Transport::Fragment { .. }) => {
                    self.counters.count(Counter::SkipTooDeep);
                }
                Ok(inner) => {
                    let sought = self.seek(&inner);
                    self.packet(&inner, &sought, time, frame);
                }
                Err(skip) => self.counters.count(skip.counter()),
            }
        }
    }

    /// Lets time pass. Nearly always by less than the next housekeeping is away.
    #[inline]
    fn advance_to(&mut self, time: Timestamp) {
        if self.now <= time && time < self.housekeep_at {
            self.now = time;
        } else {
            self.housekeep(time);
        }
    }

    #[cold]
    fn housekeep(&mut self, time: Timestamp) {
        self.in_hand = InHand::Tables;
        // A clock that was far ahead and came back must not stop time for good.
        if self.now.since(time) > CLOCK_RETURNED {
            (self.now, self.housekeep_at) = (time, time.after(HOUSEKEEPING));
        }
        self.now = self.now.max(time);
        if self.now < self.housekeep_at {
            return;
        }
        self.housekeep_at = self.now.after(HOUSEKEEPING);
        self.watch.say_overdue(self.now);
        while let Some(index) = self.flows.overdue(self.now) {
            self.forget(index);
        }
        self.tend_holders();
        self.sweep_handshakes();
    }

    /// Ends a flow. Nearly every one holds nothing back and is dropped where it lies.
    fn forget(&mut self, index: FlowIndex) {
        let holds = self.flows.get_mut(index).is_some_and(|flow| {
            flow.streams.iter().any(|stream| stream.held_bytes() > 0) || flow.state.held_bytes() > 0
        });
        if holds {
            let was = std::mem::replace(&mut self.in_hand, InHand::Flow(index));
            self.finish_flow(index);
            self.in_hand = was;
        }
        self.flows.discard(index);
    }

    /// Takes the records of an outbox that keeps them, in order.
    pub fn take_records(&mut self) -> Vec<Kept> {
        self.watch.outbox.take()
    }
}
