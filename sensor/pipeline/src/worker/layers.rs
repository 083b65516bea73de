//! The layers of a packet: counted; and where it came in a tunnel, every outer layer is a packet of
//! a flow of its own, and what a stranger sends us is kept apart from what our hosts really do.
//!
//! Owns no state: outer layers live in the flow table like all others, under its bounds. Tunnels
//! are rare; nothing here is on the path of any other packet.

use super::contain::InHand;
use super::context::PacketContext;
use super::watch::Watch;
use super::{Sought, Worker};
use crate::decode::packet::{Few, Packet, Transport, Tunnel};
use crate::flow::table::Life;
use crate::net::Timestamp;
use crate::stats::Counter;

impl Worker {
    /// Counts what a packet is.
    #[inline]
    pub(super) fn count_layers(&mut self, packet: &Packet<'_>) {
        if packet.tunnels.has_more() {
            self.counters.count(Counter::SkipTooDeep);
        }
        if let Some(kind) = packet.unread {
            self.counters.count(kind.unread());
        }
        let v4 = packet.source.address.is_v4();
        self.counters.count(if v4 { Counter::Ipv4 } else { Counter::Ipv6 });
        match packet.transport {
            Transport::Tcp(_) => self.counters.count(Counter::Tcp),
            Transport::Udp(_) => self.counters.count(Counter::Udp),
            Transport::Icmp { .. } => self.counters.count(Counter::Icmp),
            Transport::Fragment { .. } => self.counters.count(Counter::Fragments),
            Transport::Other(_) => {}
        }
    }

    /// Takes in a packet that came in a tunnel.
    #[cold]
    pub(super) fn tunnelled(&mut self, context: &PacketContext<'_>, sought: &Sought) {
        let PacketContext { packet, time, frame, .. } = *context;
        self.outer_layers(packet, time, frame);
        match self.kept_apart(packet, sought) {
            Some(apart) => {
                let packet = Packet { hearsay: true, ..*packet };
                self.in_flow(&PacketContext::new(&packet, apart.side, time, frame), &apart);
            }
            None => self.in_flow(context, sought),
        }
    }

    /// Where a packet belongs that arrived in a tunnel from outside. Anybody can send us such a
    /// packet with any addresses inside: it must neither accuse a host of ours nor touch a flow
    /// that this host really has. A packet to us of a flow that is known is an answer to it.
    fn kept_apart(&self, packet: &Packet<'_>, sought: &Sought) -> Option<Sought> {
        self.watch.outer_sender(packet.tunnels.as_slice())?;
        let answers = !self.watch.home.contains(packet.source.address)
            && self.flows.find(&sought.key, sought.hash).is_some();
        if answers {
            return None;
        }
        let key = sought.key.apart();
        Some(Sought { hash: self.flows.hash(&key), key, side: sought.side.other() })
    }

    /// Takes in each outer layer, outermost first. A datagram that reads as a tunnel is still the
    /// datagram it is: it is also shown to the parsers, so that nothing can hide as a tunnel.
    #[cold]
    pub(super) fn outer_layers(&mut self, packet: &Packet<'_>, time: Timestamp, frame: u64) {
        let (tunnels, carriers) = (packet.tunnels.as_slice(), packet.carriers.as_slice());
        let without = tunnels.len().saturating_sub(carriers.len());
        let carriers = std::iter::repeat_n(&[][..], without).chain(carriers.iter().copied());
        let mut around: Few<Tunnel, 4> = Few::default();
        for (tunnel, carrier) in tunnels.iter().zip(carriers) {
            let transport = match carrier {
                [] => Transport::Other(&[]),
                datagram => Transport::Udp(datagram),
            };
            let Tunnel { source, destination, protocol, .. } = *tunnel;
            let outer = Packet {
                source,
                destination,
                protocol,
                transport,
                vlans: packet.vlans,
                tunnels: around,
                is_outer: true,
                ..Packet::default()
            };
            self.outer_layer(&outer, time, frame);
            around.push(*tunnel);
        }
    }

    fn outer_layer(&mut self, outer: &Packet<'_>, time: Timestamp, frame: u64) {
        let sought = self.seek(outer);
        let apart = self.kept_apart(outer, &sought);
        let outer = Packet { hearsay: apart.is_some(), ..*outer };
        self.in_hand = InHand::Tables;
        let sought = apart.unwrap_or(sought);
        let context = PacketContext::new(&outer, sought.side, time, frame);
        let index = match self.flows.find(&sought.key, sought.hash) {
            Some(index) => index,
            None => self.begin(&context, &sought),
        };
        self.in_hand = InHand::Flow(index);
        self.compare_again(index, &context);
        self.flows.touch(index, Life::Datagrams, time);
        let Some(flow) = self.flows.get_mut(index) else { return };
        let context = context.of_flow(flow);
        if let Transport::Udp(datagram) = outer.transport {
            self.datagram(index, datagram, &context);
        }
    }
}

impl Watch {
    /// The outermost layer that a stranger sent, if there is one.
    pub(super) fn outer_sender<'a>(&self, tunnels: &'a [Tunnel]) -> Option<&'a Tunnel> {
        tunnels.iter().find(|tunnel| !self.home.contains(tunnel.source.address))
    }
}
