//! One thread: stages 1 to 6, run to completion for each packet.
//!
//! Owns the flows, buffers and counters of its socket or file; shares nothing and locks nothing.
//! Its only way out is the [`Outbox`].

mod silence;
mod watch;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::alert::event::EventKinds;
use crate::alert::outbox::WorkerPulse;
use crate::alert::throttle::ThrottleLimits;
use crate::alert::{HomeNetworks, Origin, Outbox, Reasons, Throttle};
use crate::capture::{Drops, Frame};
use crate::decode;
use crate::decode::packet::{Decoded, Packet, Segment, Transport};
use crate::extract::session::Session;
use crate::extract::{Context, Scratch};
use crate::flow::fragment::{FragmentLimits, FragmentTable, Whole};
use crate::flow::stream::StreamWork;
use crate::flow::table::Life;
use crate::flow::{FlowIndex, FlowLimits, FlowTable, StreamLimits};
use crate::matching::behaviour::Tracker;
use crate::matching::{IndicatorSet, Matcher};
use crate::net::{FlowKey, Side, Timestamp};
use crate::stats::{Counter, Counters};
use watch::{Scene, Watch};

/// Every bound of a worker's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The flow table.
    pub flows: FlowLimits,
    /// One direction's reassembly.
    pub stream: StreamLimits,
    /// Bytes held by all directions together; at the limit the oldest holder gives up.
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

/// A worker and everything it owns.
pub struct Worker {
    limits: Limits,
    flows: FlowTable<Session>,
    fragments: FragmentTable,
    /// Flows that hold bytes, by who began first; entries may be stale.
    holders: VecDeque<(FlowIndex, u64)>,
    held_bytes: usize,
    scratch: Scratch,
    watch: Watch,
    counters: Counters,
    now: Timestamp,
    housekept: Timestamp,
}

impl Worker {
    /// A worker that compares with `set` and sends to `outbox`.
    pub fn new(assignment: Assignment, set: Arc<IndicatorSet>, outbox: Outbox) -> Self {
        let Assignment { limits, home, events, origin } = assignment;
        Self {
            limits,
            flows: FlowTable::new(limits.flows),
            fragments: FragmentTable::new(limits.fragments),
            holders: VecDeque::new(),
            held_bytes: 0,
            scratch: Scratch::default(),
            watch: Watch {
                matcher: Matcher::new(set),
                behaviours: Tracker::default(),
                reasons: Reasons::default(),
                throttle: Throttle::new(limits.throttle),
                outbox,
                home,
                events,
                origin,
                hosts: std::collections::HashSet::new(),
                counters: Counters::default(),
            },
            counters: Counters::default(),
            now: Timestamp::default(),
            housekept: Timestamp::default(),
        }
    }

    /// Takes in one frame: the whole way of a packet.
    pub fn frame(&mut self, frame: &Frame<'_>) {
        self.counters.count(Counter::Frames);
        self.counters.add(Counter::Bytes, frame.data.len() as u64);
        if frame.wire_length as usize > frame.data.len() {
            self.counters.count(Counter::FramesTruncated);
        }
        self.advance_to(frame.time);
        match decode::decode(frame) {
            Ok(Decoded::Ip(packet)) => self.packet(&packet, frame.time, frame.number),
            Ok(Decoded::Arp { .. }) => self.counters.count(Counter::Arp),
            Err(skip) => self.counters.count(skip.counter()),
        }
    }

    /// Lets time pass without a frame (live).
    pub fn idle(&mut self, now: Timestamp) {
        self.advance_to(now);
        self.watch.outbox.flush();
    }

    /// The counts so far.
    pub fn counters(&self) -> Counters {
        let mut sum = self.counters.clone();
        sum.merge(&self.watch.counters);
        sum
    }

    /// Hosts of ours seen.
    pub fn hosts(&self) -> usize {
        self.watch.hosts.len()
    }

    /// Tells the writer how the worker fares.
    pub fn pulse(&mut self, worker: usize, drops: Drops) {
        let (counters, hosts) = (self.counters(), self.hosts());
        let pulse = WorkerPulse { worker, time: self.now, counters, drops, hosts };
        self.watch.outbox.pulse(Box::new(pulse));
    }

    fn packet(&mut self, packet: &Packet<'_>, time: Timestamp, frame: u64) {
        self.count_layers(packet);
        let (key, side) = FlowKey::new(packet.source, packet.destination, packet.protocol);
        let known = self.flows.find(&key);
        let index = match (known, &packet.transport) {
            (Some(index), Transport::Tcp(segment)) if self.is_reused(index, side, segment) => {
                self.forget(index);
                self.begin(packet, &key, time, frame)
            }
            (Some(index), _) => index,
            (None, _) => self.begin(packet, &key, time, frame),
        };
        match &packet.transport {
            Transport::Tcp(segment) => self.segment(index, side, segment, (packet, time, frame)),
            Transport::Udp(payload) => {
                self.flows.touch(index, Life::Datagrams, time);
                self.datagram(index, side, payload, (packet, time, frame));
            }
            Transport::Icmp { .. } | Transport::Other(_) => {
                self.flows.touch(index, Life::Datagrams, time);
            }
            Transport::Fragment { .. } => self.fragment(packet, time, frame),
        }
    }

    fn count_layers(&mut self, packet: &Packet<'_>) {
        let v4 = packet.source.address.is_v4();
        self.counters.count(if v4 { Counter::Ipv4 } else { Counter::Ipv6 });
        match packet.transport {
            Transport::Tcp(_) => self.counters.count(Counter::Tcp),
            Transport::Udp(_) => self.counters.count(Counter::Udp),
            Transport::Icmp { .. } => self.counters.count(Counter::Icmp),
            Transport::Fragment { .. } => self.counters.count(Counter::Fragments),
            Transport::Other(_) => {}
        }
    }

    /// Does this SYN begin a new connection on the ports of an old one?
    fn is_reused(&mut self, index: FlowIndex, side: Side, segment: &Segment<'_>) -> bool {
        let flags = segment.flags;
        flags.syn()
            && !flags.ack()
            && self
                .flows
                .get_mut(index)
                .is_some_and(|flow| flow.stream(side).0.is_other_connection(segment.sequence))
    }

    /// Makes a flow, and compares its endpoints at once.
    fn begin(
        &mut self,
        packet: &Packet<'_>,
        key: &FlowKey,
        time: Timestamp,
        frame: u64,
    ) -> FlowIndex {
        while let Some(flow) = self.flows.victim() {
            self.counters.count(Counter::FlowsEvicted);
            self.finish_flow(flow);
        }
        self.counters.count(Counter::Flows);
        let opener = watch::opener(packet, key);
        let index = self.flows.insert(key, opener, time);
        if let Some(flow) = self.flows.get_mut(index) {
            let scene = Scene::new(packet, time, frame).of_flow(flow.id, key.endpoint(opener));
            self.watch.endpoints(&scene);
        }
        index
    }

    fn segment(
        &mut self,
        index: FlowIndex,
        side: Side,
        segment: &Segment<'_>,
        (packet, time, frame): (&Packet<'_>, Timestamp, u64),
    ) {
        let life = match (segment.flags.fin() || segment.flags.rst(), segment.payload.is_empty()) {
            (true, _) => Life::Closing,
            (false, true) => Life::Young,
            (false, false) => Life::Stream,
        };
        self.flows.touch(index, life, time);
        let Some(flow) = self.flows.get_mut(index) else { return };
        let (id, client) = (flow.id, flow.key().endpoint(flow.opener));
        let (stream, session) = flow.stream(side);
        if stream.is_done() {
            return;
        }
        let held = stream.held_bytes();
        let scene = Scene::new(packet, time, frame).of_flow(id, client);
        let mut observer = self.watch.at(&scene);
        let mut cx = Context {
            source: packet.source,
            destination: packet.destination,
            observer: &mut observer,
            scratch: &mut self.scratch,
        };
        let limits = &self.limits.stream;
        let mut work = StreamWork { limits, time, counters: &mut self.counters };
        stream.push(segment, &mut work, &mut |chunk| session.stream(side, chunk, &mut cx));
        let now_held = stream.held_bytes();
        if held != 0 || now_held != 0 {
            self.held_bytes = (self.held_bytes + now_held).saturating_sub(held);
            if held == 0 {
                self.holders.push_back((index, id));
            }
            self.relieve();
        }
    }

    fn datagram(
        &mut self,
        index: FlowIndex,
        side: Side,
        payload: &[u8],
        (packet, time, frame): (&Packet<'_>, Timestamp, u64),
    ) {
        let Some(flow) = self.flows.get_mut(index) else { return };
        let client = flow.key().endpoint(flow.opener);
        let scene = Scene::new(packet, time, frame).of_flow(flow.id, client);
        let mut observer = self.watch.at(&scene);
        let mut cx = Context {
            source: packet.source,
            destination: packet.destination,
            observer: &mut observer,
            scratch: &mut self.scratch,
        };
        // The session keeps to itself that it is done; a datagram then costs one comparison.
        let _ = flow.state.datagram(side, payload, &mut cx);
    }

    /// Puts a fragment away, and follows the packet it completes or that is given up for it.
    fn fragment(&mut self, packet: &Packet<'_>, time: Timestamp, frame: u64) {
        // The table lends from its own buffers, so it steps aside while they are followed.
        let mut fragments = std::mem::take(&mut self.fragments);
        if let Some(whole) = fragments.push(time, packet) {
            self.reassembled(&whole, time, frame);
        }
        self.given_up_fragments(&mut fragments, time);
        self.fragments = fragments;
    }

    /// Reads the beginnings of packets whose other fragments never came.
    fn given_up_fragments(&mut self, fragments: &mut FragmentTable, time: Timestamp) {
        while let Some(partial) = fragments.take_partial() {
            self.reassembled(&partial, time, 0);
        }
        self.counters.merge(&fragments.take_counters());
    }

    fn reassembled(&mut self, whole: &Whole<'_>, time: Timestamp, frame: u64) {
        for payload in whole.readings() {
            match decode::decode_ip(whole.head, payload) {
                // A whole that claims to be a fragment again would go round in circles.
                Ok(inner) if matches!(inner.transport, Transport::Fragment { .. }) => {
                    self.counters.count(Counter::SkipTooDeep);
                }
                Ok(inner) => self.packet(&inner, time, frame),
                Err(skip) => self.counters.count(skip.counter()),
            }
        }
    }

    /// Keeps the bytes of all directions together below their limit: whoever has held longest
    /// reads what stands and lets go, so that a new flow can always be read.
    fn relieve(&mut self) {
        while self.held_bytes > self.limits.held_bytes {
            let Some((index, id)) = self.holders.pop_front() else {
                self.held_bytes = 0;
                return;
            };
            if self.flows.get_mut(index).is_some_and(|flow| flow.id == id) {
                self.counters.count(Counter::StreamLimit);
                self.forget(index);
            }
        }
    }

    fn advance_to(&mut self, time: Timestamp) {
        self.now = self.now.max(time);
        if self.now.since(self.housekept) < HOUSEKEEPING {
            return;
        }
        self.housekept = self.now;
        self.watch.say_overdue(self.now);
        while let Some(flow) = self.flows.overdue(self.now) {
            self.finish_flow(flow);
        }
        self.skip_late_holes();
    }

    /// Ends a flow before its time.
    fn forget(&mut self, index: FlowIndex) {
        if let Some(flow) = self.flows.remove(index) {
            self.finish_flow(flow);
        }
    }

    /// Ends: everything held is read, everything folded is said, the queue is left.
    pub fn finish(mut self) -> Counters {
        let mut fragments = std::mem::take(&mut self.fragments);
        fragments.flush();
        self.given_up_fragments(&mut fragments, self.now);
        while let Some(flow) = self.flows.pop_oldest() {
            self.finish_flow(flow);
        }
        self.watch.say_all();
        let counters = self.counters();
        self.watch.outbox.finish();
        counters
    }
}
