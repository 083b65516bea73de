//! New indicators between two packets, and what every packet of a flow costs.

use std::sync::Arc;

use super::Worker;
use super::watch::Scene;
use crate::decode::packet::{Packet, Transport};
use crate::flow::FlowIndex;
use crate::matching::behaviour::Tracker;
use crate::matching::reload::Published;
use crate::net::{Side, Timestamp};
use crate::stats::{Counter, Direction};

/// What a flow remembers of a generation: it meets the same one again after 256 reloads.
pub(super) const fn short(generation: u32) -> u8 {
    generation.to_le_bytes()[0]
}

impl Worker {
    /// From now on takes each new edition as soon as it is published.
    pub fn follow(&mut self, published: Arc<Published>) {
        self.published = Some(published);
        self.keep_up();
    }

    /// One relaxed load, unless there is something new.
    #[inline]
    pub(super) fn keep_up(&mut self) {
        if let Some(published) = &self.published
            && published.generation() != self.generation
        {
            let published = Arc::clone(published);
            self.take_over(&published);
        }
    }

    #[cold]
    fn take_over(&mut self, published: &Published) {
        let (generation, edition) = published.latest();
        self.generation = generation;
        for alert in self.watch.throttle.rebase(&edition) {
            self.watch.outbox.alert(alert, &mut self.watch.counters);
        }
        self.watch.matcher.replace(edition.set);
        // The numbers in them are the old set's.
        self.watch.reasons.clear();
        self.watch.behaviours = Tracker::default();
    }

    /// Counts a packet by its direction. The endpoints of a flow that is older than the
    /// indicators are compared again.
    #[inline]
    pub(super) fn of_flow(
        &mut self,
        index: FlowIndex,
        side: Side,
        (packet, time, frame): (&Packet<'_>, Timestamp, u64),
    ) {
        let generation = short(self.generation);
        let Some(flow) = self.flows.get_mut(index) else { return };
        let direction = match flow.ours {
            Some(ours) if ours == side => Direction::Out,
            Some(_) => Direction::In,
            None => Direction::Local,
        };
        let (packets, bytes) = Counter::traffic(packet.protocol, direction);
        self.counters.count(packets);
        self.counters.add(bytes, self.frame_bytes);
        if let Some(ours) = flow.ours {
            let (packets, bytes) = match ours == side {
                true => (Counter::PacketsOut, Counter::BytesOut),
                false => (Counter::PacketsIn, Counter::BytesIn),
            };
            self.counters.count(packets);
            self.counters.add(bytes, self.frame_bytes);
        }
        // The client, its answer, and the client again: twice in the life of a flow.
        if flow.heard == u8::from(side == flow.opener) && speaks(packet) {
            flow.heard += 1;
            if flow.heard == 2 {
                let host = flow.key().endpoint(flow.ours.unwrap_or(flow.opener));
                self.watch.greet(host.address, time);
            }
        }
        if flow.generation != generation {
            self.compare_again(index, (packet, time, frame));
        }
    }

    /// Compares the endpoints of a flow that is older than the indicators.
    #[cold]
    pub(super) fn compare_again(
        &mut self,
        index: FlowIndex,
        (packet, time, frame): (&Packet<'_>, Timestamp, u64),
    ) {
        let generation = short(self.generation);
        let Some(flow) = self.flows.get_mut(index) else { return };
        if std::mem::replace(&mut flow.generation, generation) != generation {
            let client = flow.key().endpoint(flow.opener);
            let scene = Scene::new(packet, time, frame).of_flow(flow.begun(), client).again();
            self.watch.endpoints(&scene);
        }
    }
}

/// Does a packet go on with a conversation? A SYN only asks for one, and a RST knows of none.
fn speaks(packet: &Packet<'_>) -> bool {
    match &packet.transport {
        Transport::Tcp(segment) => segment.flags.ack() && !segment.flags.rst(),
        _ => true,
    }
}
