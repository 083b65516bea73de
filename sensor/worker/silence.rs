//! What happens to a flow without a packet of its own: holes skipped late, and its end.

use super::watch::{Scene, Watch};
use super::{Worker, watch};
use crate::extract::session::{Session, may_begin};
use crate::extract::{Context, Scratch};
use crate::flow::stream::{StreamWork, Verdict};
use crate::flow::{Chunk, Flow, Stream};
use crate::net::Side;

const SIDES: [Side; 2] = [Side::Low, Side::High];

impl Worker {
    /// Holes that have stayed open too long are skipped even if nothing more arrives.
    pub(super) fn skip_late_holes(&mut self) {
        let mut holders = std::mem::take(&mut self.holders);
        holders.retain(|(index, id)| {
            let Some(flow) = self.flows.get_mut(*index).filter(|flow| flow.id() == *id) else {
                return false;
            };
            for side in SIDES {
                let (now, limits) = (self.now, &self.limits.stream);
                let since = flow.stream(side).0.hole_since();
                if since.is_none_or(|since| now.since(since) <= limits.hole_nanos) {
                    continue;
                }
                let before = flow.stream(side).0.held_bytes();
                let counters = &mut self.counters;
                let mut work = StreamWork { limits, time: now, may_begin, counters };
                let hands = (&mut self.watch, &mut self.scratch);
                without_packet(flow, side, hands, |stream, show| stream.skip_hole(&mut work, show));
                let after = flow.stream(side).0.held_bytes();
                self.held_bytes = (self.held_bytes + after).saturating_sub(before);
            }
            let streams = flow.streams.iter().any(|stream| stream.held_bytes() > 0);
            flow.holding = streams || flow.state.held_bytes() > 0;
            flow.holding
        });
        self.holders = holders;
    }

    /// Shows the parsers that nothing more will come; they read what stands.
    pub(super) fn finish_flow(&mut self, mut flow: Flow<Session>) {
        self.held_bytes = self.held_bytes.saturating_sub(flow.state.held_bytes());
        for side in SIDES {
            let held = flow.stream(side).0.held_bytes();
            self.held_bytes = self.held_bytes.saturating_sub(held);
            self.end_doubt(&mut flow, side);
            if flow.stream(side).0.is_done() {
                continue;
            }
            let limits = &self.limits.stream;
            let counters = &mut self.counters;
            let mut work = StreamWork { limits, time: flow.last(), may_begin, counters };
            let hands = (&mut self.watch, &mut self.scratch);
            without_packet(&mut flow, side, hands, |stream, show| stream.finish(&mut work, show));
        }
    }
}

/// Lets a stream show its parser something although no packet has just come.
fn without_packet(
    flow: &mut Flow<Session>,
    side: Side,
    (watch, scratch): (&mut Watch, &mut Scratch),
    act: impl FnOnce(&mut Stream, &mut dyn FnMut(Chunk<'_>) -> Verdict),
) {
    let packet = watch::silent_packet(flow, side);
    let client = flow.key().endpoint(flow.opener);
    let scene = Scene::new(&packet, flow.last(), 0).of_flow(flow.begun(), client);
    let mut observer = watch.at(&scene);
    let mut cx = Context {
        source: packet.source,
        destination: packet.destination,
        observer: &mut observer,
        scratch,
    };
    let (stream, session) = flow.stream(side);
    act(stream, &mut |chunk| session.stream(side, chunk, &mut cx));
}
