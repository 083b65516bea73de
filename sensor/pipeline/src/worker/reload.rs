//! New indicators between two packets.

use std::sync::Arc;

use super::Worker;
use super::context::PacketContext;
use crate::flow::FlowIndex;
use crate::matching::behaviour::Tracker;
use crate::matching::reload::Published;

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

    /// Compares the endpoints of a flow that is older than the indicators.
    #[cold]
    pub(super) fn compare_again(&mut self, index: FlowIndex, context: &PacketContext<'_>) {
        let generation = short(self.generation);
        let Some(flow) = self.flows.get_mut(index) else { return };
        if std::mem::replace(&mut flow.generation, generation) != generation {
            self.watch.endpoints(&context.of_flow(flow).again());
        }
    }
}
