//! A TCP segment's way through a worker, and the second look at streams that contradict
//! themselves: each of their readings is parsed from its beginning by a parser of its own.

use std::hash::Hash;

use super::Worker;
use super::watch::{self, At, Scene, Watch};
use crate::decode::packet::{Packet, Segment};
use crate::extract::session::{Session, may_begin};
use crate::extract::{Context, Scratch};
use crate::flow::second::{Bytes, Comparison, Fit, Lane, Reading, Readings, Told};
use crate::flow::stream::{Cut, Regard, StreamWork, Verdict};
use crate::flow::table::Life;
use crate::flow::{Chunk, Flow, FlowIndex};
use crate::net::{Side, Timestamp};
use crate::observation::{Message, Observation, Observer, StreamHead};
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
        // Half of all segments only acknowledge.
        if flow.stream(side).0.note_syn(segment) {
            return;
        }
        let regard = flow.stream(side).0.regard(segment);
        let client = if flow.opener == side { packet.source } else { packet.destination };
        let begun = flow.begun();
        let scene = Scene::new(packet, time, frame).of_flow(begun, client);
        let mut changed = false;
        match regard {
            Regard::Nothing if !may_begin(segment.payload) => return,
            Regard::Nothing => {}
            Regard::Unnoted => {}
            Regard::Next { boundary } => {
                let lane = Lane::new(&flow.key(), side);
                self.recent.note(lane, &payload(segment, boundary));
            }
            Regard::Compare { boundary, before } => {
                let bytes = payload(segment, boundary);
                changed = self.compare((index, side), &bytes, before, &scene);
            }
        }
        self.push((index, side), segment, &scene);
        if changed {
            self.look_again((index, side), &scene);
        }
    }

    /// Shows the flow's parser what a segment completes.
    fn push(&mut self, (index, side): (FlowIndex, Side), segment: &Segment<'_>, scene: &Scene<'_>) {
        let Some(flow) = self.flows.get_mut(index) else { return };
        let key = flow.key();
        let (stream, session) = flow.stream(side);
        let held = stream.held_bytes() + session.held_bytes();
        let doubt = stream.is_doubted().then(|| self.doubts.of(Lane::new(&key, side))).flatten();
        let told = doubt.map(Readings::told);
        let mut observer =
            Teller { inner: self.watch.at(scene), told, voice: Voice::Always, records: true };
        let (source, destination) = scene.ends();
        let mut cx =
            Context { source, destination, observer: &mut observer, scratch: &mut self.scratch };
        let limits = &self.limits.stream;
        let time = scene.time();
        let counters = &mut self.counters;
        let mut work = StreamWork { limits, time, may_begin, counters };
        stream.push(segment, &mut work, &mut |chunk| session.stream(side, chunk, &mut cx));
        let now_held = stream.held_bytes() + session.held_bytes();
        self.account(index, held, now_held);
    }

    /// Counts what a flow holds after a packet, in bytes, against what it held before.
    #[inline]
    pub(super) fn account(&mut self, index: FlowIndex, before: usize, after: usize) {
        if before == 0 && after == 0 {
            return;
        }
        self.held_bytes = (self.held_bytes + after).saturating_sub(before);
        if after != 0
            && let Some(flow) = self.flows.get_mut(index)
            && !std::mem::replace(&mut flow.holding, true)
        {
            self.holders.push_back((index, flow.id()));
        }
        self.relieve();
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

    /// Compares a segment with what was seen before. True if the stream is to be looked at again.
    #[cold]
    fn compare(
        &mut self,
        (index, side): (FlowIndex, Side),
        bytes: &Bytes<'_>,
        before: usize,
        scene: &Scene<'_>,
    ) -> bool {
        let Some(flow) = self.flows.get_mut(index) else { return false };
        let lane = Lane::new(&flow.key(), side);
        let comparison = self.recent.compare(lane, bytes);
        let read = Bytes { bytes: bytes.bytes.get(..before).unwrap_or(bytes.bytes), ..*bytes };
        let old = before > 0 && self.recent.compare(lane, &read) == Comparison::New;
        let differs = match comparison {
            Comparison::Same => return false,
            Comparison::New => false,
            Comparison::Differs => true,
        };
        if differs {
            self.counters.count(Counter::OverlapConflicts);
        }
        let (stream, session) = flow.stream(side);
        let readings = if stream.is_doubted() { self.doubts.of(lane) } else { None };
        let fit = readings.map_or(Fit::Outside, |readings| readings.put(bytes));
        let begins = fit == Fit::Outside && (differs || old);
        if begins {
            let shown = stream.shown();
            if stream.doubt(differs) {
                session.restart(side);
            }
            let ended = self.doubts.take(lane);
            self.doubts.begin(&self.recent, lane, bytes);
            if let Some(readings) = self.doubts.of(lane) {
                if let Some(ended) = &ended {
                    readings.inherit(ended);
                }
                let hands = (&mut self.watch, &mut self.scratch);
                let voice = Voice::Never { shown };
                second_look(readings, (Cut::None, voice), (scene, side), hands);
                let _ = readings.put(bytes);
            }
        }
        self.recent.note(lane, bytes);
        begins || fit == Fit::Changed
    }

    /// Reads a doubted stream in every way its segments allow.
    #[cold]
    fn look_again(&mut self, (index, side): (FlowIndex, Side), scene: &Scene<'_>) {
        let Some(flow) = self.flows.get_mut(index) else { return };
        if let Some(readings) = self.doubts.of(Lane::new(&flow.key(), side)) {
            let hands = (&mut self.watch, &mut self.scratch);
            second_look(readings, (Cut::None, Voice::Once), (scene, side), hands);
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
        let scene = Scene::new(&packet, flow.last(), 0).of_flow(flow.begun(), client);
        let hands = (&mut self.watch, &mut self.scratch);
        second_look(&mut readings, (Cut::End, Voice::Once), (&scene, side), hands);
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
    (cut, voice): (Cut, Voice),
    (scene, side): (&Scene<'_>, Side),
    (watch, scratch): (&mut Watch, &mut Scratch),
) {
    let begins_message = readings.begins_message();
    let shown = match voice {
        Voice::Never { shown } => readings.offset_of(shown),
        Voice::Always | Voice::Once => 0,
    };
    for number in 0..readings.count() {
        let Some((reading, told)) = readings.lend(number) else {
            watch.counters.count(Counter::StreamLimit);
            return;
        };
        let (source, destination) = scene.ends();
        // A head before a hole is not read to its end, so a record of it would be a wrong one.
        let records = cut == Cut::End || matches!(voice, Voice::Never { .. }) || reading.is_whole();
        let inner = watch.at(scene);
        let mut observer = Teller { inner, told: Some(told), voice, records };
        let mut cx = Context { source, destination, observer: &mut observer, scratch };
        let mut session = Session::default();
        let reading = match voice {
            Voice::Never { .. } => reading.up_to(shown),
            Voice::Always | Voice::Once => reading,
        };
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

/// What is passed on of what a parser tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    /// Everything: the stream's own parser.
    Always,
    /// What was not told before: a second look.
    Once,
    /// Nothing: the stream's own parser was shown it before the stream was doubted.
    Never {
        /// The sequence number up to which it was shown.
        shown: u32,
    },
}

/// Tells the worker what parsers of a stream that may be doubted see, and keeps account of it.
struct Teller<'a> {
    inner: At<'a>,
    told: Option<Told<'a>>,
    voice: Voice,
    /// Are whole messages passed on at all?
    records: bool,
}

impl Teller<'_> {
    fn passes(&mut self, thing: &impl Hash) -> bool {
        let first_time = self.told.as_mut().is_none_or(|told| told.first_time(thing));
        self.voice == Voice::Always || (self.voice == Voice::Once && first_time)
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
        if self.records && self.passes(&(kind, name, target)) {
            self.inner.message(message);
        }
    }

    /// First bytes are those of the stream's own reading.
    fn head(&mut self, head: StreamHead<'_>) -> bool {
        self.voice == Voice::Always && self.inner.head(head)
    }

    fn wants_body(&mut self) -> bool {
        self.inner.wants_body()
    }

    fn body(&mut self, bytes: &[u8]) {
        self.inner.body(bytes);
    }

    /// What is read again is not counted again.
    fn count(&mut self, counter: Counter) {
        if self.voice == Voice::Always {
            self.inner.count(counter);
        }
    }
}
