//! What happens to a flow without a packet of its own: holes skipped late, readings put off, what
//! is held let go, and its end.

use super::contain::InHand;
use super::context::PacketContext;
use super::segments::{Parsers, Teller, number};
use super::{Worker, watch};
use crate::extract::session::{Session, may_begin};
use crate::flow::stream::{Reader, StreamWork};
use crate::flow::table::Life;
use crate::flow::{Flow, FlowIndex, Peer, Stream};
use crate::net::{IpProtocol, Side};
use crate::stats::Counter;

pub(super) const SIDES: [Side; 2] = [Side::Low, Side::High];

/// How long what is kept of finished messages is kept, in nanoseconds of packet time.
const KEPT: u64 = 900_000_000_000;

/// Bytes of readings put off that are read at once, each time what is overdue is looked for. Those
/// that are not have their turn the next time.
const PUT_OFF: usize = 4 << 20;

/// Flows that hold bytes among which one is chosen to let go.
const SAMPLE: usize = 16;

impl Worker {
    /// Looks after the flows that hold something: holes that have stayed open too long are
    /// skipped even if nothing more arrives, what was put off is read, what is old is let go.
    pub(super) fn tend_holders(&mut self) {
        let mut holders = std::mem::take(&mut self.holders);
        let now = self.now;
        let (mut nth, mut kept, mut budget) = (0, 0, PUT_OFF);
        let (first, mut next) = (self.turn, None);
        holders.retain(|(index, id)| {
            nth += 1;
            let Some(flow) = self.flows.get_mut(*index).filter(|flow| flow.id() == *id) else {
                return false;
            };
            let due = flow.streams.each_ref().map(|stream| stream.is_due(now, KEPT));
            if due.contains(&Some(false)) && !due.contains(&Some(true)) {
                kept += 1;
                return true;
            }
            let before = held_by(flow);
            let begun = number(*index, flow.begun());
            let mut left = if nth > first { budget } else { 0 };
            for side in SIDES {
                self.tend(*index, side, begun, &mut left);
            }
            if nth > first {
                budget = left;
            }
            let Some(flow) = self.flows.get_mut(*index) else { return false };
            let after = held_by(flow);
            flow.holding = after > 0;
            self.held_bytes = (self.held_bytes + after).saturating_sub(before);
            kept += usize::from(after > 0);
            if budget == 0 {
                next = next.or(Some(kept));
            }
            after > 0
        });
        (self.holders, self.turn) = (holders, next.unwrap_or(0));
    }

    fn tend(&mut self, index: FlowIndex, side: Side, flow_number: u64, budget: &mut usize) {
        let Some(flow) = self.flows.get_mut(index) else { return };
        let now = self.now;
        let hole = flow.stream(side).0.hole_since();
        let late = hole.is_some_and(|since| now.since(since) > self.limits.stream.hole_nanos);
        let put_off = *budget > 0 && flow.stream(side).0.has_put_off();
        if late || put_off {
            without_packet(self, index, (side, flow_number), |stream, work, reader| {
                if late {
                    stream.skip_hole(work, reader);
                }
                if put_off {
                    *budget = budget.saturating_sub(stream.settle(work, reader));
                }
            });
        }
        let Some(flow) = self.flows.get_mut(index) else { return };
        flow.stream(side).0.let_go(now, KEPT);
        let amid = flow.streams.iter().any(Stream::is_amid);
        if !amid && flow.key().protocol == IpProtocol::TCP {
            self.flows.set_amid(index, false, Life::Stream);
        }
    }

    /// Shows the parsers that nothing more will come; they read what stands.
    pub(super) fn finish_flow(&mut self, index: FlowIndex) {
        let Some(flow) = self.flows.get_mut(index) else { return };
        self.held_bytes = self.held_bytes.saturating_sub(held_by(flow));
        let flow_number = number(index, flow.begun());
        for side in SIDES {
            without_packet(self, index, (side, flow_number), Stream::finish);
        }
    }

    /// Keeps what all flows hold together below its limit. Of a few that have held longest, one
    /// lets go that belongs to the host which holds most among them: whoever floods pays. What is
    /// only kept of finished messages goes first, and the flow in hand last.
    #[cold]
    pub(super) fn relieve(&mut self, in_hand: FlowIndex) {
        while self.held_bytes + self.scratch.handshakes.held_bytes() > self.limits.held_bytes {
            let Some((index, finished)) = self.chosen(in_hand) else { return };
            self.counters.count(Counter::StreamLimit);
            let Some(flow) = self.flows.get_mut(index) else { return };
            let before = held_by(flow);
            let mut after = before;
            if finished {
                self.settle(index);
                let Some(flow) = self.flows.get_mut(index) else { return };
                flow.streams.iter_mut().for_each(|stream| stream.let_go(self.now, 0));
                after = held_by(flow);
                flow.holding = after > 0;
                if let Some(id) = (after > 0).then(|| flow.id()) {
                    self.holders.push_back((index, id));
                }
                self.held_bytes = (self.held_bytes + after).saturating_sub(before);
            }
            // What lets nothing go ends.
            if after >= before {
                self.forget(index);
            }
        }
    }

    /// Reads what was put off in a flow.
    fn settle(&mut self, index: FlowIndex) {
        let was = std::mem::replace(&mut self.in_hand, InHand::Flow(index));
        for side in SIDES {
            let Some(flow) = self.flows.get_mut(index) else { return };
            if flow.stream(side).0.has_put_off() {
                let number = number(index, flow.begun());
                without_packet(self, index, (side, number), |stream, work, reader| {
                    stream.settle(work, reader);
                });
            }
        }
        self.in_hand = was;
    }

    /// The flow that lets go, taken out of the list of those that hold; and does it hold nothing
    /// but what is finished?
    fn chosen(&mut self, in_hand: FlowIndex) -> Option<(FlowIndex, bool)> {
        let mut sample = Vec::with_capacity(SAMPLE);
        while sample.len() < SAMPLE
            && let Some((index, id)) = self.holders.pop_front()
        {
            if let Some(flow) = self.flows.get_mut(index).filter(|flow| flow.id() == id) {
                let finished = flow.life() != Life::Amid && flow.state.held_bytes() == 0;
                let host = flow.key().endpoint(flow.opener).address;
                sample.push((index, id, host, held_by(flow), finished));
            }
        }
        let of_host =
            |host| sample.iter().filter(|one| one.2 == host).map(|one| one.3).sum::<usize>();
        let chosen = (0..sample.len()).max_by_key(|at| {
            sample.get(*at).map(|one| (one.0 != in_hand, one.4, of_host(one.2), one.3))
        })?;
        let (index, _, _, _, finished) = sample.remove(chosen);
        self.holders.extend(sample.into_iter().map(|(index, id, ..)| (index, id)));
        Some((index, finished))
    }
}

/// Bytes that a flow holds.
pub(super) fn held_by(flow: &Flow<Session>) -> usize {
    flow.streams.iter().map(Stream::held_bytes).sum::<usize>() + flow.state.held_bytes()
}

/// Lets a stream show its parsers something although no packet has just come.
pub(super) fn without_packet(
    worker: &mut Worker,
    index: FlowIndex,
    (side, flow_number): (Side, u64),
    act: impl FnOnce(&mut Stream, &mut StreamWork<'_>, &mut dyn Reader),
) {
    let Some(flow) = worker.flows.get_mut(index) else { return };
    let packet = watch::silent_packet(flow, side);
    let context = PacketContext::new(&packet, side, flow.last(), 0).of_flow(flow);
    let (limits, counters) = (&worker.limits.stream, &mut worker.counters);
    let (time, peer) = (worker.now.max(flow.last()), Peer::default());
    let credit = &mut worker.credit;
    credit.charge(packet.source.address);
    let mut work = StreamWork { limits, time, may_begin, peer, credit, counters };
    let (stream, session) = flow.stream(side);
    let teller = Teller::new(worker.watch.at(&context), &mut worker.told, flow_number);
    let mut reader = Parsers::new(session, &context, teller, &mut worker.scratch);
    act(stream, &mut work, &mut reader);
}
