//! Which side of a flow is ours.

use std::net::IpAddr;

use crate::net::{Address, Endpoint};

/// The networks whose hosts are ours: address and mask of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeNetworks {
    /// First octets of IPv4 addresses that may be at home, a bit each: nearly every server is of
    /// another one, and every flow has a server.
    octets: [u64; 4],
    /// For IPv4 addresses; each flow asks for both of its ends.
    v4: Vec<(u32, u32)>,
    /// For all others.
    v6: Vec<(u128, u128)>,
}

impl HomeNetworks {
    /// From addresses and prefix lengths.
    pub fn new(networks: impl IntoIterator<Item = (IpAddr, u8)>) -> Self {
        let mapped = Address::v4([0; 4]).bits();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        let mut octets = [0; 4];
        for (ip, prefix) in networks {
            let width = if ip.is_ipv4() { 96 + u32::from(prefix) } else { u32::from(prefix) };
            let mask = u128::MAX.checked_shl(128 - width.min(128)).unwrap_or(0);
            let network = Address::from(ip).bits() & mask;
            // All of IPv4 lies in a network of IPv6 that is large enough.
            if network >> 32 == (mapped & mask) >> 32 {
                let (network, mask) = (network as u32, mask as u32);
                v4.push((network, mask));
                for octet in network >> 24..=(network | !mask) >> 24 {
                    if let Some(word) = octets.get_mut(octet as usize / 64) {
                        *word |= 1_u64 << (octet % 64);
                    }
                }
            }
            v6.push((network, mask));
        }
        Self { octets, v4, v6 }
    }

    /// Is this host ours?
    #[inline]
    pub fn contains(&self, address: Address) -> bool {
        if address.is_v4() {
            let [_, low] = address.halves();
            let [low, octet] = [low as u32, low as u32 >> 24];
            let word = self.octets.get(octet as usize / 64).copied().unwrap_or(0);
            return word >> (octet % 64) & 1 != 0
                && self.v4.iter().any(|(network, mask)| low & mask == *network);
        }
        self.v6.iter().any(|(network, mask)| address.bits() & mask == *network)
    }

    /// Our side and the other, of a client and its server. Where both or neither are at home,
    /// the client is ours: it is the one that acts.
    pub fn sides(&self, client: Endpoint, server: Endpoint) -> (Endpoint, Endpoint) {
        match (self.contains(client.address), self.contains(server.address)) {
            (false, true) => (server, client),
            _ => (client, server),
        }
    }
}

impl Default for HomeNetworks {
    /// Private (RFC 1918), shared (RFC 6598), link-local and unique local (RFC 4193) addresses.
    fn default() -> Self {
        let v4 = |a, b, prefix| (IpAddr::from([a, b, 0, 0]), prefix);
        let v6 = |first: u16, prefix| (IpAddr::from([first, 0, 0, 0, 0, 0, 0, 0]), prefix);
        Self::new([
            v4(10, 0, 8),
            v4(172, 16, 12),
            v4(192, 168, 16),
            v4(100, 64, 10),
            v4(169, 254, 16),
            v6(0xfe80, 10),
            v6(0xfc00, 7),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str, port: u16) -> Endpoint {
        Endpoint { address: text.parse::<IpAddr>().unwrap().into(), port }
    }

    #[test]
    fn the_private_side_is_ours_whoever_acts() {
        let home = HomeNetworks::default();
        let (pc, out) = (end("192.168.1.23", 50_000), end("203.0.113.7", 443));
        assert_eq!(home.sides(pc, out), (pc, out));
        assert_eq!(home.sides(out, pc), (pc, out));
    }

    #[test]
    fn a_network_of_ipv6_may_hold_all_of_ipv4() {
        let everything = HomeNetworks::new([("::".parse().unwrap(), 0)]);
        let mapped = HomeNetworks::new([("::ffff:192.0.2.0".parse().unwrap(), 120)]);
        for (address, ours) in [("192.0.2.9", true), ("198.51.100.9", false)] {
            assert_eq!(mapped.contains(end(address, 0).address), ours, "{address}");
            assert!(everything.contains(end(address, 0).address));
        }
        assert!(everything.contains(end("2001:db8::1", 0).address));
        assert!(!mapped.contains(end("2001:db8::1", 0).address));
    }

    #[test]
    fn between_two_of_ours_the_client_is_meant() {
        let home = HomeNetworks::default();
        let (pc, router) = (end("fd00::23", 50_000), end("fe80::1", 53));
        assert_eq!(home.sides(pc, router), (pc, router));
    }

    #[test]
    fn networks_end_where_their_prefix_says() {
        let home = HomeNetworks::new([("203.0.113.64".parse().unwrap(), 26)]);
        assert!(home.contains(end("203.0.113.127", 0).address));
        assert!(!home.contains(end("203.0.113.128", 0).address));
        assert!(!home.contains(end("2001:db8::1", 0).address));
        assert!(!home.contains(end("192.168.0.1", 0).address));
    }
}
