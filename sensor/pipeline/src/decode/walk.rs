//! What the layers of one frame hand on to each other: the packet as far as it is known, and
//! how much further the walk may go. Knows no protocol.

use super::packet::{Packet, Skip, Transport, Tunnel, TunnelKind};
use crate::net::{Address, Endpoint, IpProtocol, Mac};

/// A layer's answer: the walk's packet (or ARP message) is complete, or why there is none.
pub(super) type Step = Result<(), Skip>;

/// Layers other than plain Ethernet and IP that one frame may stack. Real traffic needs about
/// six; the limit keeps the recursion of a crafted frame shallow.
const LAYERS: u8 = 24;

/// The state of one frame's decoding.
pub(super) struct Walk<'a> {
    /// The packet so far.
    pub(super) packet: Packet<'a>,
    /// Sender of an ARP message; then `packet` means nothing.
    pub(super) arp: Option<(Mac, Address)>,
    /// Bytes at the frame's end that were on the wire but not captured.
    pub(super) cut: u32,
    layers: u8,
}

impl<'a> Walk<'a> {
    /// Nothing known yet, `cut` bytes of the frame not captured.
    #[inline]
    pub(super) fn new(cut: u32) -> Self {
        Self { packet: Packet::default(), arp: None, cut, layers: LAYERS }
    }

    /// Begins the next frame. What is not written here is always written before it is read: of
    /// lists that are empty, the items.
    #[inline]
    pub(super) fn begin(&mut self, cut: u32) {
        let packet = &mut self.packet;
        (packet.source, packet.destination) = (Endpoint::default(), Endpoint::default());
        (packet.protocol, packet.transport) = (IpProtocol(0), Transport::Other(&[]));
        (packet.ttl, packet.header, packet.upper, packet.cut) = (0, &[], &[], false);
        packet.macs = None;
        packet.vlans.clear();
        packet.tunnels.clear();
        packet.carriers.clear();
        packet.unread = None;
        (self.arp, self.cut, self.layers) = (None, cut, LAYERS);
    }

    /// Counts one rarer layer. Every cycle of layers that call each other passes through here.
    #[inline]
    pub(super) fn enter(&mut self) -> Step {
        self.layers = self.layers.checked_sub(1).ok_or(Skip::TooDeep)?;
        Ok(())
    }

    /// Tries `layer` on `data`. If it finds no packet, everything is as before and the answer
    /// is false.
    pub(super) fn attempt(&mut self, layer: impl Layer<'a>, data: &'a [u8]) -> bool {
        let before = self.packet;
        if layer(self, data).is_ok() {
            return true;
        }
        self.packet = before;
        self.arp = None;
        false
    }

    /// Tries `layer` on `data` as what the packet known so far carries in a tunnel of this
    /// `kind`. If no IP packet is in there, everything is as before and the answer is false.
    pub(super) fn tunnel(
        &mut self,
        kind: TunnelKind,
        layer: impl Layer<'a>,
        data: &'a [u8],
    ) -> bool {
        let outer = self.packet;
        let Packet { source, destination, protocol, .. } = outer;
        if !self.packet.tunnels.push(Tunnel { kind, source, destination, protocol }) {
            self.packet.unread = Some(kind);
            return false;
        }
        let carrier = if let Transport::Udp(datagram) = outer.transport { datagram } else { &[] };
        self.packet.carriers.push(carrier);
        // A mirror's ARP tells who is who on the mirrored network; another tunnel's does not.
        let mirror = matches!(kind, TunnelKind::Erspan | TunnelKind::Tzsp);
        let step = layer(self, data);
        if step.is_ok() && (self.arp.is_none() || mirror) {
            return true;
        }
        self.packet = outer;
        self.arp = None;
        if let Err(Skip::Encrypted | Skip::TooDeep) = step {
            self.packet.unread = Some(kind);
        }
        false
    }
}

/// One header's reader.
pub(super) trait Layer<'a>: FnOnce(&mut Walk<'a>, &'a [u8]) -> Step {}

impl<'a, F: FnOnce(&mut Walk<'a>, &'a [u8]) -> Step> Layer<'a> for F {}

/// Splits the first `N` bytes off.
#[inline]
pub(super) fn split<const N: usize>(data: &[u8]) -> Result<(&[u8; N], &[u8]), Skip> {
    data.split_first_chunk::<N>().ok_or(Skip::Short)
}

/// What follows the first `count` bytes.
#[inline]
pub(super) fn after(data: &[u8], count: usize) -> Result<&[u8], Skip> {
    data.get(count..).ok_or(Skip::Short)
}

/// At most the first `count` bytes: a length field that claims more than there is binds nothing.
#[inline]
pub(super) fn at_most(data: &[u8], count: usize) -> &[u8] {
    data.get(..count).unwrap_or(data)
}

/// Source and destination from twelve bytes `destination, source`.
#[inline]
pub(super) fn macs(bytes: &[u8; 12]) -> (Mac, Mac) {
    let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5] = *bytes;
    (Mac([s0, s1, s2, s3, s4, s5]), Mac([d0, d1, d2, d3, d4, d5]))
}
