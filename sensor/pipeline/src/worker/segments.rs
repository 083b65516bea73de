//! A TCP segment's way through a worker: what `flow` shows goes to the flow's parser, and another
//! reading of a stream that contradicts itself to a parser of its own.

use std::hash::Hash;

use super::Worker;
use super::context::PacketContext;
use super::silence::{SIDES, without_packet};
use super::told::Told;
use super::watch::At;
use crate::decode::packet::Segment;
use crate::extract::Scratch;
use crate::extract::session::{Session, may_begin};
use crate::flow::stream::{Leftover, Reader, Shown, StreamWork};
use crate::flow::table::Life;
use crate::flow::{Chunk, Cut, Flow, FlowIndex, Peer, Stream};
use crate::net::{IpProtocol, Side, Timestamp};
use crate::observation::{Message, Observation, Observer, StreamHead};
use crate::stats::Counter;

impl Worker {
    /// Who opened a new connection on a flow's ports, and its SYN's sequence number, if a segment
    /// shows that there is one.
    #[inline]
    pub(super) fn replaced_by(
        &mut self,
        index: FlowIndex,
        side: Side,
        segment: &Segment<'_>,
    ) -> Option<(Side, u32)> {
        if segment.flags.syn() {
            return self.opened_anew(index, side, segment);
        }
        let initial = self.flows.get_mut(index)?.stream(side).0.replaced_by(segment)?;
        Some((side, initial))
    }

    #[cold]
    fn opened_anew(
        &mut self,
        index: FlowIndex,
        side: Side,
        segment: &Segment<'_>,
    ) -> Option<(Side, u32)> {
        let now = self.now;
        let flow = self.flows.get_mut(index)?;
        let (answerer, closing) = (side.other(), flow.life() == Life::Closing);
        if segment.flags.ack() {
            let rival = flow.stream(answerer).0.rival()?;
            let answers = segment.acknowledgement == rival.wrapping_add(1);
            return answers.then_some((answerer, rival));
        }
        let alive = !closing && flow.stream(answerer).0.as_peer().acknowledged.is_some();
        let replaced = flow.stream(side).0.is_replaced(segment.sequence, alive, now);
        replaced.then_some((side, segment.sequence))
    }

    /// Takes out of a flow that is being replaced what may yet be completed.
    pub(super) fn leave_over(&mut self, index: FlowIndex) -> [Leftover; 2] {
        let Some(flow) = self.flows.get_mut(index) else { return Default::default() };
        let before: usize = flow.streams.iter().map(|stream| stream.held_bytes()).sum();
        let number = number(index, flow.begun());
        let left = SIDES.map(|side| {
            let mut left = Leftover::default();
            without_packet(self, index, (side, number), |stream, work, reader| {
                left = stream.leave_over(work, reader);
            });
            left
        });
        let Some(flow) = self.flows.get_mut(index) else { return left };
        let after: usize = flow.streams.iter().map(|stream| stream.held_bytes()).sum();
        self.held_bytes = (self.held_bytes + after).saturating_sub(before);
        left
    }

    /// Tells a new flow the sequence number of a SYN that was seen before it was made, and what
    /// the connection before it left over.
    pub(super) fn open(
        &mut self,
        index: FlowIndex,
        (side, initial): (Side, u32),
        [low, high]: [Leftover; 2],
    ) {
        let Some(flow) = self.flows.get_mut(index) else { return };
        flow.stream(side).0.open(initial);
        let [low_stream, high_stream] = &mut flow.streams;
        low_stream.take_over(low, self.now);
        high_stream.take_over(high, self.now);
        let held = low_stream.held_bytes() + high_stream.held_bytes();
        self.hold(index, 0, held);
    }

    /// Takes in a segment of a flow.
    pub(super) fn segment(
        &mut self,
        index: FlowIndex,
        segment: &Segment<'_>,
        context: &PacketContext<'_>,
    ) {
        let Some(flow) = self.flows.get_mut(index) else { return };
        let PacketContext { packet, side, time, .. } = *context;
        let closes = (segment.flags.fin() || segment.flags.rst()) && closes(flow, side, segment);
        if segment.flags.syn() {
            flow.opening.note(side, packet, segment);
        }
        // Half of all segments only acknowledge.
        if flow.stream(side).0.note_syn(segment) {
            self.flows.touch(index, if closes { Life::Closing } else { Life::Young }, time);
            return;
        }
        // Most others are of bodies that nobody reads.
        if !closes && flow.stream(side).0.passes(segment, may_begin) {
            let amid = flow.streams.iter().any(Stream::is_amid);
            self.flows.touch(index, if amid { Life::Amid } else { Life::Stream }, time);
            return;
        }
        let (mac, echoed) = flow.opening.of_peer(side, flow.opener == side);
        let peer = Peer { mac, echoed, ..flow.stream(side.other()).0.as_peer() };
        let number = number(index, flow.begun());
        self.scratch.heard = segment.acknowledgement;
        let (stream, session) = flow.stream(side);
        let held = stream.held_bytes() + session.held_bytes();
        let (limits, counters) = (&self.limits.stream, &mut self.counters);
        let credit = &mut self.credit;
        let mut work = StreamWork { limits, time, may_begin, peer, credit, counters };
        let teller = Teller::new(self.watch.at(context), &mut self.told, number);
        let mut reader = Parsers::new(session, context, teller, &mut self.scratch);
        stream.push_noted((packet, segment), &mut work, &mut reader);
        let now_held = stream.held_bytes() + session.held_bytes();
        let life = match (flow.streams.iter().any(|stream| stream.is_amid()), closes) {
            (true, _) => Life::Amid,
            (false, true) => Life::Closing,
            (false, false) => Life::Stream,
        };
        self.flows.touch(index, life, time);
        self.hold(index, held, now_held);
    }

    /// Counts what a flow holds after a packet, in bytes, against what it held before.
    #[inline]
    pub(super) fn hold(&mut self, index: FlowIndex, before: usize, after: usize) {
        if before == 0 && after == 0 {
            return;
        }
        self.held_bytes = (self.held_bytes + after).saturating_sub(before);
        let Some(flow) = self.flows.get_mut(index) else { return };
        if after != 0 && !std::mem::replace(&mut flow.holding, true) {
            self.holders.push_back((index, flow.id()));
        }
        if (before == 0) != (after == 0) && flow.key().protocol != IpProtocol::TCP {
            self.flows.set_amid(index, after != 0, Life::Datagrams);
        }
        if self.held_bytes > self.limits.held_bytes {
            self.relieve(index);
        }
    }
}

/// Does a FIN or RST end the flow? Either may be a decoy: while anything is kept of the flow, only
/// both sides' closing does.
#[cold]
fn closes(flow: &mut Flow<Session>, side: Side, segment: &Segment<'_>) -> bool {
    if segment.flags.fin() {
        flow.stream(side).0.close();
    }
    let keeps = flow.streams.iter().any(|stream| stream.held_bytes() > 0);
    !keeps || flow.streams.iter().all(Stream::is_closed)
}

/// What tells a flow from others for a while.
pub(super) fn number(index: FlowIndex, begun: Timestamp) -> u64 {
    index.number() << 40 ^ begun.0.cast_unsigned()
}

/// The parsers of one direction: its own, and one for whatever is read again.
pub(super) struct Parsers<'a, 'w> {
    session: &'a mut Session,
    other: Session,
    context: &'w PacketContext<'w>,
    teller: Teller<'w>,
    scratch: &'w mut Scratch,
}

impl<'a, 'w> Parsers<'a, 'w> {
    pub(super) fn new(
        session: &'a mut Session,
        context: &'w PacketContext<'w>,
        teller: Teller<'w>,
        scratch: &'w mut Scratch,
    ) -> Self {
        Self { session, other: Session::default(), context, teller, scratch }
    }
}

impl Reader for Parsers<'_, '_> {
    #[inline]
    fn live(&mut self, chunk: Chunk<'_>, once: bool) -> Shown {
        let Self { session, context, teller, scratch, .. } = self;
        (teller.voice, teller.told_any) = (if once { Voice::Once } else { Voice::Always }, false);
        let verdict = session.stream(context.side, chunk, &mut context.for_parser(teller, scratch));
        Shown { verdict, told: teller.told_any }
    }

    fn again(&mut self, chunk: Chunk<'_>, fresh: bool) -> Shown {
        let Self { other, context, teller, scratch, .. } = self;
        if fresh {
            *other = Session::default();
        }
        // A head before a hole is not read to its end, so a record of it would be a wrong one.
        (teller.voice, teller.told_any) = (Voice::Again { records: chunk.cut != Cut::Gap }, false);
        let verdict = other.stream(context.side, chunk, &mut context.for_parser(teller, scratch));
        Shown { verdict, told: teller.told_any }
    }

    fn restart(&mut self) {
        self.session.restart(self.context.side);
    }
}

/// What is passed on of what a parser tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    /// Everything: the stream's own parser.
    Always,
    /// What was not told before: the stream's own parser, of a stream that was read again.
    Once,
    /// What was not told before, by another parser.
    Again {
        /// Whole messages, too.
        records: bool,
    },
}

/// Tells the worker what parsers of a stream see, and keeps account of it.
pub(super) struct Teller<'a> {
    inner: At<'a>,
    told: &'a mut Told,
    flow: u64,
    voice: Voice,
    told_any: bool,
}

impl<'a> Teller<'a> {
    pub(super) const fn new(inner: At<'a>, told: &'a mut Told, flow: u64) -> Self {
        Self { inner, told, flow, voice: Voice::Always, told_any: false }
    }

    #[inline]
    fn passes(&mut self, thing: &impl Hash) -> bool {
        self.told_any = true;
        let first_time = self.told.first_time(self.flow, thing);
        self.voice == Voice::Always || first_time
    }
}

impl Observer for Teller<'_> {
    fn seen(&mut self, observation: Observation<'_>) {
        if self.passes(&(observation.kind, observation.value)) {
            self.inner.seen(observation);
        }
    }

    /// A record that names and asks for the same as an earlier one would only repeat it.
    fn message(&mut self, message: Message<'_>) {
        let (kind, name, target) = match &message {
            Message::Tls(hello) | Message::Quic(hello) | Message::Dtls(hello) => {
                (0_u8, hello.sni, None)
            }
            Message::Http(request) => (1, request.host, Some(request.target)),
            Message::Dns(dns) => (2, Some(dns.text), None),
            Message::Dhcp(_) | Message::Name(_) => (3, None, None),
        };
        let records = self.voice != Voice::Again { records: false };
        if records && self.passes(&(kind, name, target)) {
            self.inner.message(message);
        }
    }

    /// First bytes are those of the stream's own reading.
    fn head(&mut self, head: StreamHead<'_>) -> bool {
        matches!(self.voice, Voice::Always | Voice::Once) && self.inner.head(head)
    }

    fn wants_body(&mut self) -> bool {
        self.inner.wants_body()
    }

    fn body(&mut self, bytes: &[u8]) {
        self.inner.body(bytes);
    }

    /// What is read again is not counted again.
    fn count(&mut self, counter: Counter) {
        if matches!(self.voice, Voice::Always | Voice::Once) {
            self.inner.count(counter);
        }
    }
}
