//! A panic on a frame's way ends with the frame: its flow is dropped, every other goes on.
//!
//! A panic is a fault of ours, and one that a frame can bring about would come with every such frame.
//! What it may leave in doubt is thrown away: the flow in hand while its bytes are read; every table
//! while the tables themselves are changed. Owns how far a frame has come.

use super::told::Told;
use super::{Worker, datagrams, silence};
use crate::flow::fragment::FragmentTable;
use crate::flow::{FlowIndex, FlowTable};
use crate::frame::Frame;
use crate::panics::{self, Caught};
use crate::stats::{Counter, Counters};

/// What a panic would leave in doubt at this moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum InHand {
    /// Nothing that is kept.
    #[default]
    Nothing,
    /// This flow.
    Flow(FlowIndex),
    /// The tables.
    Tables,
}

/// Panics after which the end of a worker is given up: each has ended a flow at least.
const STUBBORN: usize = 10_000;

impl Worker {
    /// As [`Worker::frame`], but a panic ends with the frame.
    ///
    /// # Errors
    /// The panic, which is counted.
    #[inline]
    pub fn contained_frame(&mut self, frame: &Frame<'_>) -> Result<(), Caught> {
        self.contained(|worker| worker.frame(frame))
    }

    /// Does something with the worker; a panic leaves it fit for the next.
    ///
    /// # Errors
    /// The panic, which is counted.
    #[inline]
    pub fn contained(&mut self, act: impl FnOnce(&mut Self)) -> Result<(), Caught> {
        self.in_hand = InHand::Nothing;
        let done = panics::caught(|| act(self));
        if done.is_err() {
            self.recover();
        }
        done
    }

    #[cold]
    fn recover(&mut self) {
        self.counters.count(Counter::Panics);
        // Half-read handshakes of UDP go with it: one of them may be what failed.
        self.scratch = datagrams::scratch(self.limits.held_bytes);
        if std::mem::take(&mut self.fragments_lent) {
            self.fragments = FragmentTable::new(self.limits.fragments);
        }
        let sane = match self.in_hand {
            InHand::Nothing => true,
            InHand::Flow(index) => panics::caught(|| self.flows.discard(index)).is_ok(),
            InHand::Tables => false,
        };
        let held = sane.then(|| panics::caught(|| self.held_by_holders()).ok()).flatten();
        match held {
            Some(held) => self.held_bytes = held,
            None => self.begin_anew(),
        }
    }

    /// What all flows hold: the running sum may have missed what the one in hand took or gave back.
    fn held_by_holders(&mut self) -> usize {
        let mut sum = 0;
        for (index, id) in &self.holders {
            if let Some(flow) = self.flows.get_mut(*index).filter(|flow| flow.id() == *id) {
                sum += silence::held_by(flow);
            }
        }
        sum
    }

    /// Forgets every flow; counts, hosts and folded contacts stay.
    fn begin_anew(&mut self) {
        let flows = std::mem::replace(&mut self.flows, FlowTable::new(self.limits.flows));
        // Even to drop what is broken may fail.
        let _ = panics::caught(|| drop(flows));
        self.fragments = FragmentTable::new(self.limits.fragments);
        self.told = Told::default();
        self.holders.clear();
        self.held_bytes = 0;
    }

    /// Reads everything that is held and says everything that is folded.
    pub fn wind_up(&mut self) {
        self.in_hand = InHand::Tables;
        self.fragments_lent = true;
        let mut fragments = std::mem::take(&mut self.fragments);
        fragments.flush();
        self.given_up_fragments(&mut fragments, self.now);
        self.fragments_lent = false;
        self.flows.close();
        while let Some(index) = self.flows.silent_longest() {
            self.forget(index);
        }
        self.scratch.handshakes.flush();
        self.tell_handshakes();
        self.watch.say_all();
    }

    /// Ends: winds up and leaves the queue. A panic on the way costs what it met.
    pub fn finish(mut self) -> Counters {
        for _ in 0..STUBBORN {
            if self.contained(Self::wind_up).is_ok() {
                break;
            }
        }
        let counters = self.counters();
        self.watch.outbox.finish();
        counters
    }

    /// From now on a packet that holds these bytes makes the worker panic: with its flow in hand, or
    /// if `tables` says so while the tables are. For tests of this program.
    #[cfg(debug_assertions)]
    pub fn set_trap(&mut self, bytes: &[u8], tables: bool) {
        self.trap = Some((bytes.to_vec(), tables));
    }

    /// Panics where a test has asked for it.
    #[cfg(debug_assertions)]
    #[allow(clippy::panic)] // this is what it is for
    pub(super) fn spring(&self, packet: &crate::decode::packet::Packet<'_>) {
        use crate::decode::packet::Transport;
        let Some((bytes, tables)) = &self.trap else { return };
        let payload = match &packet.transport {
            Transport::Tcp(segment) => segment.payload,
            Transport::Udp(payload) => payload,
            _ => return,
        };
        let holds = payload.windows(bytes.len().max(1)).any(|window| window == bytes);
        if holds && *tables == matches!(self.in_hand, InHand::Tables) {
            panic!("a trap of a test");
        }
    }
}
