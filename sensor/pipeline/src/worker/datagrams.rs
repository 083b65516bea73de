//! A UDP datagram's way through a worker, and handshakes that are told without one of their own:
//! silent for too long, forgotten for want of room, or half-read at the end.

use super::Worker;
use super::context::PacketContext;
use super::watch;
use crate::decode::Checksum;
use crate::decode::packet::Packet;
use crate::extract::Scratch;
use crate::extract::dns::glance::Glance;
use crate::extract::dtls;
use crate::extract::handshakes::{Arrival, Due, Handshakes, Reach};
use crate::extract::session::may_hold;
use crate::flow::FlowIndex;
use crate::net::{IpProtocol, Side};

/// The part of what all flows may hold that half-read handshakes may take.
const PART: usize = 4;

/// Scratch space of a worker whose flows may hold so many bytes.
pub(super) fn scratch(held_bytes: usize) -> Scratch {
    Scratch { handshakes: Handshakes::new(held_bytes / PART), ..Scratch::default() }
}

impl Worker {
    /// Reads a datagram of a flow.
    pub(super) fn datagram(
        &mut self,
        index: FlowIndex,
        payload: &[u8],
        context: &PacketContext<'_>,
    ) {
        let Some(flow) = self.flows.get_mut(index) else { return };
        let packet = context.packet;
        if self.watch.events.is_empty()
            && watch::is_plain_dns(packet)
            && !dtls::may_be(payload)
            && let Some(glance) = Glance::at(payload)
            && self.watch.dismisses(&glance)
        {
            return;
        }
        let (time, begun, reach) = (context.time, flow.begun(), reach(packet, payload));
        self.scratch.handshakes.arrive(Arrival { time, begun, reach, hearsay: packet.hearsay });
        let mut observer = self.watch.at(context);
        let mut cx = context.for_parser(&mut observer, &mut self.scratch);
        flow.state.datagram(context.side, payload, &mut cx);
        if self.scratch.handshakes.has_due() {
            self.tell_handshakes();
        }
    }

    /// Lets time pass for half-read handshakes.
    pub(super) fn sweep_handshakes(&mut self) {
        self.scratch.handshakes.sweep(self.now);
        self.tell_handshakes();
    }

    /// Tells what is to be told without a packet.
    #[cold]
    pub(super) fn tell_handshakes(&mut self) {
        while let Some(due) = self.scratch.handshakes.take_due() {
            self.tell_handshake(due);
        }
    }

    fn tell_handshake(&mut self, due: Due) {
        let packet = silent_packet(&due);
        let (begun, last) = due.times();
        // Nobody asks for the side; the sender is the client.
        let context = PacketContext::silent(&packet, Side::Low, begun, last);
        let mut observer = self.watch.at(&context);
        due.tell(&mut context.for_parser(&mut observer, &mut self.scratch));
    }
}

/// A packet that stands for a handshake when none has just come: its endpoints and nothing else.
fn silent_packet(due: &Due) -> Packet<'static> {
    let (source, destination) = due.ends();
    let (protocol, hearsay) = (IpProtocol::UDP, due.is_hearsay());
    Packet { source, destination, protocol, hearsay, ..Packet::default() }
}

/// How a datagram came, as far as that matters to what may be held of it.
#[inline]
pub(super) fn reach(packet: &Packet<'_>, payload: &[u8]) -> Reach {
    if may_hold(payload) { judge(packet) } else { Reach::default() }
}

#[cold]
fn judge(packet: &Packet<'_>) -> Reach {
    let bad = [packet.header_checksum(), packet.checksum()].contains(&Checksum::Bad);
    Reach { sound: !bad, hops: packet.ttl }
}
