//! Which worker of a capture takes a frame, where several share it.
//!
//! A shard is all that passes between the same two addresses, with everything that is remembered
//! of it: flows, fragments, folded contacts, behaviours. So shards need not know of each other,
//! and one thread or many give the same records, which the frames' numbers put in order.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use crate::capture::Frame;
use crate::decode::packet::{Fragment, Packet, Skip, Transport};
use crate::decode::{self, IpHead, Seen, decode_ip};
use crate::flow::fragment::Key;
use crate::net::{Address, IpProtocol};

/// Shards of a capture, however many threads read it: the answer must not depend on them. More
/// would let more than three threads read one capture together; each costs one thread alone the
/// cache that its worker's state takes (with four, handshakes cost a quarter more).
pub const SHARDS: usize = 2;

/// The shard of all that tells who a host is, so that the latest fact is the one that holds: ARP,
/// neighbour discovery, and what is spoken on ports that [`is_naming_port`] knows.
const NAMING: usize = 0;

/// Fragmented tunnel packets of which a first fragment was seen; of more, the oldest is forgotten.
const REMEMBERED: usize = 1024;

/// Assigns frames to shards.
#[derive(Default)]
pub struct Sharding {
    /// Where the fragments of packets go that carry other packets: with the flow they carry. Only
    /// the first fragment tells; those before it go by their own addresses.
    carriers: HashMap<Key, usize, RandomState>,
    order: VecDeque<Key>,
}

impl Sharding {
    /// The shard of a frame, below [`SHARDS`].
    #[inline]
    pub fn of(&mut self, frame: &Frame<'_>) -> usize {
        match decode::plain_ends(frame) {
            Some((source, destination)) if names_hosts(source.port, destination.port) => NAMING,
            Some((source, destination)) => of_pair(source.address, destination.address),
            None => decode::decode_with(frame, |seen| self.of_decoded(&seen)),
        }
    }

    /// The shard of a frame that was decoded.
    #[inline]
    pub fn of_decoded(&mut self, seen: &Result<Seen<'_, '_>, Skip>) -> usize {
        match seen {
            Ok(Seen::Ip(packet)) => self.of_packet(packet),
            Ok(Seen::Arp(..)) => NAMING,
            Err(_) => 0,
        }
    }

    #[inline]
    fn of_packet(&mut self, packet: &Packet<'_>) -> usize {
        let (source, destination) = (packet.source, packet.destination);
        let names_hosts = match packet.transport {
            Transport::Tcp(_) | Transport::Other(_) => false,
            Transport::Udp(_) => names_hosts(source.port, destination.port),
            Transport::Icmp { .. } => packet.protocol == IpProtocol::ICMPV6,
            Transport::Fragment { place, payload } => {
                if let Some(shard) = self.of_fragment(packet, place, payload) {
                    return shard;
                }
                false
            }
        };
        if names_hosts { NAMING } else { of_pair(source.address, destination.address) }
    }

    /// The shard of a fragment of a packet that is known to carry another one.
    #[cold]
    fn of_fragment(
        &mut self,
        packet: &Packet<'_>,
        place: Fragment,
        payload: &[u8],
    ) -> Option<usize> {
        let whole = Key::new(packet, place);
        if place.offset == 0 {
            self.note_carrier(whole, packet, payload);
        }
        self.carriers.get(&whole).copied()
    }

    /// Looks into a first fragment for a packet inside.
    fn note_carrier(&mut self, whole: Key, packet: &Packet<'_>, payload: &[u8]) {
        let inner = decode_ip(&IpHead::from(packet), payload).ok();
        let tunnels = |packet: &Packet<'_>| packet.tunnels.as_slice().len();
        let Some(inner) = inner.filter(|inner| tunnels(inner) > tunnels(packet)) else {
            // An identification that is used again, for something else.
            self.carriers.remove(&whole);
            return;
        };
        if self.order.len() >= REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.carriers.remove(&oldest);
        }
        self.order.push_back(whole);
        self.carriers.insert(whole, of_pair(inner.source.address, inner.destination.address));
    }
}

#[inline]
const fn names_hosts(source: u16, destination: u16) -> bool {
    is_naming_port(source) | is_naming_port(destination)
}

/// DHCP, NetBIOS names, mDNS and LLMNR.
#[inline]
const fn is_naming_port(port: u16) -> bool {
    matches!(port, 67 | 68 | 137 | 5353 | 5355)
}

/// The shard of two addresses, the same in both directions.
#[inline]
fn of_pair(one: Address, other: Address) -> usize {
    let ([a, b], [c, d]) = (one.halves(), other.halves());
    let mixed = ((a ^ c) ^ (b ^ d)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 48) as usize % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::LinkType;
    use crate::net::Timestamp;

    const PC: [u8; 4] = [192, 168, 1, 10];
    const ROUTER: [u8; 4] = [203, 0, 113, 1];

    /// An IPv4 packet; `place` is flags and offset as they stand in the header.
    fn ipv4(ends: ([u8; 4], [u8; 4]), protocol: u8, place: u16, payload: &[u8]) -> Vec<u8> {
        let total = 20 + payload.len() as u16;
        let mut packet = vec![0x45, 0];
        packet.extend(total.to_be_bytes());
        packet.extend([0, 7]);
        packet.extend(place.to_be_bytes());
        packet.extend([64, protocol, 0, 0]);
        packet.extend(ends.0);
        packet.extend(ends.1);
        packet.extend(payload);
        packet
    }

    fn udp(ports: (u16, u16)) -> Vec<u8> {
        let mut datagram = ports.0.to_be_bytes().to_vec();
        datagram.extend(ports.1.to_be_bytes());
        datagram.extend([0, 12, 0, 0, 1, 2, 3, 4]);
        datagram
    }

    fn shard(sharding: &mut Sharding, packet: &[u8]) -> usize {
        let mut data = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00];
        data.extend(packet);
        sharding.of(&Frame {
            time: Timestamp::default(),
            link: LinkType(1),
            wire_length: data.len() as u32,
            data: &data,
            number: 1,
            stripped_vlan: None,
        })
    }

    /// A server whose conversations with [`PC`] are in another shard than the one given.
    fn server_outside(of: usize) -> [u8; 4] {
        let candidates = (1..100).map(|last| [198, 51, 100, last]);
        let pair = |server| of_pair(Address::v4(PC), Address::v4(server));
        candidates.into_iter().find(|server| pair(*server) != of).unwrap()
    }

    #[test]
    fn both_directions_and_all_ports_of_two_hosts_are_one_shard_and_hosts_spread() {
        let mut sharding = Sharding::default();
        let mut taken = [false; SHARDS];
        for last in 1..=64 {
            let server = [198, 51, 100, last];
            let there = shard(&mut sharding, &ipv4((PC, server), 17, 0, &udp((50_000, 443))));
            let back = shard(&mut sharding, &ipv4((server, PC), 17, 0, &udp((53, 50_001))));
            let fragment = shard(&mut sharding, &ipv4((server, PC), 17, 100, &[0; 40]));
            assert_eq!((there, there), (back, fragment));
            taken[there] = true;
        }
        assert_eq!(taken, [true; SHARDS]);
    }

    #[test]
    fn what_names_hosts_stays_in_order_in_one_shard() {
        let mut sharding = Sharding::default();
        let server = server_outside(NAMING);
        for port in [67, 68, 137, 5353, 5355] {
            let packet = ipv4((PC, server), 17, 0, &udp((port, 50_000)));
            assert_eq!(shard(&mut sharding, &packet), NAMING);
        }
    }

    #[test]
    fn fragments_of_a_tunnel_go_with_the_flow_inside() {
        let inner_ends = (PC, [198, 51, 100, 1]);
        let wanted = of_pair(Address::v4(inner_ends.0), Address::v4(inner_ends.1));
        let gateway = (1..100)
            .map(|last| [203, 0, 113, last])
            .find(|gateway| of_pair(Address::v4(ROUTER), Address::v4(*gateway)) != wanted);
        let outer = (ROUTER, gateway.unwrap());
        let mut gre = vec![0, 0, 0x08, 0x00];
        gre.extend(ipv4(inner_ends, 17, 0, &udp((50_000, 443))));
        let mut sharding = Sharding::default();
        let whole = shard(&mut sharding, &ipv4(outer, 47, 0, &gre));
        let first = shard(&mut sharding, &ipv4(outer, 47, 0x2000, &gre[..32]));
        let second = shard(&mut sharding, &ipv4(outer, 47, 4, &gre[32..]));
        assert_eq!([whole, first, second], [wanted; 3]);
        // The same identification again, for a packet without one inside.
        let other = shard(&mut sharding, &ipv4(outer, 47, 0x2000, &[0xff; 32]));
        assert_ne!(other, wanted);
    }

    #[test]
    fn carriers_are_forgotten_at_the_limit() {
        let mut sharding = Sharding::default();
        let mut gre = vec![0, 0, 0x08, 0x00];
        gre.extend(ipv4((PC, ROUTER), 17, 0, &udp((50_000, 443))));
        for n in 0..2 * REMEMBERED as u32 {
            let outer = (n.to_be_bytes(), ROUTER);
            let _ = shard(&mut sharding, &ipv4(outer, 47, 0x2000, &gre[..32]));
        }
        assert_eq!((sharding.carriers.len(), sharding.order.len()), (REMEMBERED, REMEMBERED));
    }
}
