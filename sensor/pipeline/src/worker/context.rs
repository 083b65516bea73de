//! The packet in hand, and what is known of its flow once that is found.

use crate::decode::packet::Packet;
use crate::extract::session::Session;
use crate::extract::{Context, Scratch};
use crate::flow::Flow;
use crate::flow::table::flow_id;
use crate::net::{Endpoint, FlowKey, Side, Timestamp};
use crate::observation::Observer;

/// Made once for each packet, and lent to whoever looks at it.
#[derive(Clone, Copy)]
pub(super) struct PacketContext<'a> {
    pub(super) packet: &'a Packet<'a>,
    /// Who sent it.
    pub(super) side: Side,
    /// When it came.
    pub(super) time: Timestamp,
    /// Number of its frame; zero if it stands for none.
    pub(super) frame: u64,
    /// When its flow began.
    begun: Option<Timestamp>,
    /// Who is taken for the client: the sender, as long as no flow says otherwise.
    pub(super) client: Endpoint,
    /// Were the endpoints compared before, with other indicators?
    pub(super) again: bool,
}

impl<'a> PacketContext<'a> {
    /// A packet whose flow is not looked for yet.
    #[inline]
    pub(super) const fn new(
        packet: &'a Packet<'a>,
        side: Side,
        time: Timestamp,
        frame: u64,
    ) -> Self {
        Self { packet, side, time, frame, begun: None, client: packet.source, again: false }
    }

    /// A packet that stands for what nobody sends just now.
    pub(super) const fn silent(
        packet: &'a Packet<'a>,
        side: Side,
        begun: Timestamp,
        last: Timestamp,
    ) -> Self {
        let mut context = Self::new(packet, side, last, 0);
        context.begun = Some(begun);
        context
    }

    /// The packet, of this flow.
    #[inline]
    pub(super) const fn of_flow(mut self, flow: &Flow<Session>) -> Self {
        self.begun = Some(flow.begun());
        self.client = match (flow.opener, self.side) {
            (Side::Low, Side::Low) | (Side::High, Side::High) => self.packet.source,
            _ => self.packet.destination,
        };
        self
    }

    /// The packet, whose endpoints were compared before.
    pub(super) const fn again(mut self) -> Self {
        self.again = true;
        self
    }

    /// Number of its flow.
    pub(super) fn flow_id(&self) -> u64 {
        let Packet { source, destination, protocol, .. } = *self.packet;
        let (key, _) = FlowKey::new(source, destination, protocol);
        self.begun.map_or(0, |begun| flow_id(&key, begun))
    }

    /// Who sent the packet, and to whom.
    pub(super) const fn ends(&self) -> (Endpoint, Endpoint) {
        (self.packet.source, self.packet.destination)
    }

    /// Whoever is not the client.
    pub(super) fn server(&self) -> Endpoint {
        if self.packet.source == self.client { self.packet.destination } else { self.packet.source }
    }

    /// What a parser of this packet is told, and where it tells.
    #[inline]
    pub(super) const fn for_parser<'c>(
        &self,
        observer: &'c mut dyn Observer,
        scratch: &'c mut Scratch,
    ) -> Context<'c> {
        let (source, destination) = self.ends();
        Context { source, destination, observer, scratch }
    }
}
