//! A TCP segment's way through a worker, and the second look at streams that contradict
//! themselves: each of their readings is parsed from its beginning by a parser of its own.

use super::Worker;
use super::watch::{self, At, Scene, Watch};
use crate::decode::packet::{Packet, Segment};
use crate::extract::session::Session;
use crate::extract::{Context, Scratch};
use crate::flow::second::{Bytes, Comparison, Fit, Lane, Reading, Readings, Told};
use crate::flow::stream::{Cut, Regard, StreamWork, Verdict};
use crate::flow::table::Life;
use crate::flow::{Chunk, Flow, FlowIndex};
use crate::net::{Side, Timestamp};
use crate::observation::{Message, Observation, Observer};
use crate::stats::Counter;

impl Worker {
    /// The SYN's sequence number, if a segment shows that a new connection uses a flow's ports.
    pub(super) fn replaced_by(
        &mut self,
        index: FlowIndex,
        side: Side,
        segment: &Segment<'_>,
    ) -> Option<u32> {
        self.flows.get_mut(index)?.stream(side).0.replaced_by(segment)
    }

    /// Tells a new flow the sequence number of a SYN that was seen before it was made.
    pub(super) fn open(&mut self, index: FlowIndex, side: Side, initial: u32) {
        if let Some(flow) = self.flows.get_mut(index) {
            flow.stream(side).0.open(initial);
        }
    }

    /// Takes in a segment of a flow.
    pub(super) fn segment(
        &mut self,
        index: FlowIndex,
        side: Side,
        segment: &Segment<'_>,
        (packet, time, frame): (&Packet<'_>, Timestamp, u64),
    ) {
        self.note_life(index, segment, time);
        let Some(flow) = self.flows.get_mut(index) else { return };
        let regard = flow.stream(side).0.regard(segment);
        let (id, client) = (flow.id, flow.key().endpoint(flow.opener));
        let scene = Scene::new(packet, time, frame).of_flow(id, client);
        match regard {
            Regard::Nothing => return,
            Regard::Unnoted => {}
            Regard::Next { boundary } => {
                let lane = Lane::new(&flow.key(), side);
                self.recent.note(lane, &payload(segment, boundary));
            }
            Regard::Compare { boundary, old } => {
                self.compare((index, side), &payload(segment, boundary), old, &scene);
            }
        }
        let Some(flow) = self.flows.get_mut(index) else { return };
        let (stream, session) = flow.stream(side);
        let held = stream.held_bytes();
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
            if now_held != 0 && !std::mem::replace(&mut flow.holding, true) {
                self.holders.push_back((index, id));
            }
            self.relieve();
        }
    }

    /// Notes how long the flow is to be remembered. FIN and RST may be decoys: while a message is
    /// incomplete they change nothing.
    fn note_life(&mut self, index: FlowIndex, segment: &Segment<'_>, time: Timestamp) {
        let flags = segment.flags;
        let closes = (flags.fin() || flags.rst())
            && self
                .flows
                .get_mut(index)
                .is_some_and(|flow| flow.streams.iter().all(|stream| stream.held_bytes() == 0));
        let life = match (closes, segment.payload.is_empty()) {
            (true, _) => Life::Closing,
            (false, true) => Life::Young,
            (false, false) => Life::Stream,
        };
        self.flows.touch(index, life, time);
    }

    /// Compares a segment with what was seen before. If the two differ, both are read.
    #[cold]
    fn compare(
        &mut self,
        (index, side): (FlowIndex, Side),
        bytes: &Bytes<'_>,
        old: bool,
        scene: &Scene<'_>,
    ) {
        let Some(flow) = self.flows.get_mut(index) else { return };
        let lane = Lane::new(&flow.key(), side);
        let comparison = self.recent.compare(lane, bytes);
        if comparison == Comparison::Same {
            return;
        }
        self.recent.note(lane, bytes);
        let (stream, session) = flow.stream(side);
        let mut fit = Fit::Outside;
        if stream.is_doubted()
            && let Some(readings) = self.doubts.of(lane)
        {
            fit = readings.put(bytes);
            if fit == Fit::Changed {
                second_look(
                    readings,
                    Cut::None,
                    (scene, side),
                    (&mut self.watch, &mut self.scratch),
                );
            }
        }
        let differs = comparison == Comparison::Differs;
        if differs {
            self.counters.count(Counter::OverlapConflicts);
        }
        let wanted = differs || (old && comparison == Comparison::New);
        if fit != Fit::Outside || !wanted {
            return;
        }
        if differs && stream.doubt() {
            session.restart(side);
        }
        let hands = (&mut self.watch, &mut self.scratch);
        if let Some(mut ended) = self.doubts.take(lane) {
            second_look(&mut ended, Cut::End, (scene, side), hands);
            self.doubts.begin(&self.recent, lane, bytes);
            if let Some(readings) = self.doubts.of(lane) {
                readings.inherit(&ended);
            }
        } else {
            self.doubts.begin(&self.recent, lane, bytes);
        }
        let hands = (&mut self.watch, &mut self.scratch);
        if let Some(readings) = self.doubts.of(lane) {
            second_look(readings, Cut::None, (scene, side), hands);
        }
    }

    /// Reads what is doubted of a stream to its end: nothing more will come.
    pub(super) fn end_doubt(&mut self, flow: &mut Flow<Session>, side: Side) {
        if !flow.stream(side).0.is_doubted() {
            return;
        }
        let Some(mut readings) = self.doubts.take(Lane::new(&flow.key(), side)) else { return };
        let packet = watch::silent_packet(flow, side);
        let client = flow.key().endpoint(flow.opener);
        let scene = Scene::new(&packet, flow.last(), 0).of_flow(flow.id, client);
        let hands = (&mut self.watch, &mut self.scratch);
        second_look(&mut readings, Cut::End, (&scene, side), hands);
    }
}

const fn payload<'a>(segment: &Segment<'a>, boundary: bool) -> Bytes<'a> {
    let sequence =
        if segment.flags.syn() { segment.sequence.wrapping_add(1) } else { segment.sequence };
    Bytes { sequence, bytes: segment.payload, boundary }
}

/// Parses every reading from its beginning and tells what was not told before.
fn second_look(
    readings: &mut Readings,
    cut: Cut,
    (scene, side): (&Scene<'_>, Side),
    (watch, scratch): (&mut Watch, &mut Scratch),
) {
    let begins_message = readings.begins_message();
    for number in 0..readings.count() {
        let Some((reading, told)) = readings.lend(number) else {
            watch.counters.count(Counter::StreamLimit);
            return;
        };
        let (source, destination) = scene.ends();
        let first_wins = number == 0;
        let mut observer = Again { inner: watch.at(scene), told, first_wins };
        let mut cx = Context { source, destination, observer: &mut observer, scratch };
        let mut session = Session::default();
        parse(reading, (begins_message, cut), &mut |chunk| session.stream(side, chunk, &mut cx));
    }
}

/// Shows a parser one reading, hole by hole.
fn parse(
    reading: Reading<'_>,
    (begins_message, cut): (bool, Cut),
    show: &mut dyn FnMut(Chunk<'_>) -> Verdict,
) {
    let mut wanted: u64 = 0;
    for run in reading.runs() {
        let (start, end) = (run.offset as u64, (run.offset + run.bytes.len()) as u64);
        if wanted >= end {
            continue;
        }
        let skipped = usize::try_from(wanted.saturating_sub(start)).unwrap_or(0);
        let bytes = run.bytes.get(skipped..).unwrap_or(&[]);
        let verdict = show(Chunk {
            bytes,
            from_start: begins_message && start == 0,
            after_gap: wanted < start,
            cut: if run.last { cut } else { Cut::Gap },
        });
        match verdict {
            Verdict::All => return,
            Verdict::Consumed(bytes) => wanted = start + skipped as u64 + bytes,
        }
    }
}

/// Tells the worker what another reading shows, each thing once.
struct Again<'a> {
    inner: At<'a>,
    told: Told<'a>,
    first_wins: bool,
}

impl Observer for Again<'_> {
    fn seen(&mut self, observation: Observation<'_>) {
        if self.told.first_time(&(observation.kind, observation.value)) {
            self.inner.seen(observation);
        }
    }

    /// The reading in which the first byte wins has had its records already. Of the others, one
    /// that names no other host than before would only repeat them.
    fn message(&mut self, message: Message<'_>) {
        let name = match &message {
            Message::Tls(hello) | Message::Quic(hello) | Message::Dtls(hello) => (0_u8, hello.sni),
            Message::Http(request) => (1, request.host),
            Message::Dns(dns) => (2, Some(dns.text)),
            Message::Dhcp(_) => return,
        };
        if self.told.first_time(&name) && !self.first_wins {
            self.inner.message(message);
        }
    }

    /// What is read again is not counted again.
    fn count(&mut self, _: Counter) {}
}
