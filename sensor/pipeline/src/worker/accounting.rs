//! What every packet of a flow is counted as: by direction, and as a part of a conversation.

use super::context::PacketContext;
use crate::decode::packet::{Packet, Transport};
use crate::extract::session::Session;
use crate::flow::Flow;
use crate::net::Address;
use crate::stats::{Counter, Counters, Direction};

/// Counts a packet, of so many bytes, by its direction.
#[inline]
pub(super) fn account(
    counters: &mut Counters,
    flow: &Flow<Session>,
    context: &PacketContext<'_>,
    length: u64,
) {
    let direction = match flow.ours {
        Some(ours) if ours == context.side => Direction::Out,
        Some(_) => Direction::In,
        None => Direction::Local,
    };
    let (packets, bytes) = Counter::traffic(context.packet.protocol, direction);
    counters.count(packets);
    counters.add(bytes, length);
    let (packets, bytes) = match direction {
        Direction::Out => (Counter::PacketsOut, Counter::BytesOut),
        Direction::In => (Counter::PacketsIn, Counter::BytesIn),
        Direction::Local => return,
    };
    counters.count(packets);
    counters.add(bytes, length);
}

/// Our host, if this packet shows that it really talks with another: the client, its answer, and the
/// client again. Nearly every packet shows nothing; twice in the life of a flow one goes on with it.
#[inline]
pub(super) fn conversed(flow: &mut Flow<Session>, context: &PacketContext<'_>) -> Option<Address> {
    let goes_on = flow.heard == u8::from(context.side == flow.opener) && speaks(context.packet);
    if !goes_on {
        return None;
    }
    flow.heard += 1;
    (flow.heard == 2).then(|| flow.key().endpoint(flow.ours.unwrap_or(flow.opener)).address)
}

/// Does a packet go on with a conversation? A SYN only asks for one, and a RST knows of none.
fn speaks(packet: &Packet<'_>) -> bool {
    match &packet.transport {
        Transport::Tcp(segment) => segment.flags.ack() && !segment.flags.rst(),
        _ => true,
    }
}
