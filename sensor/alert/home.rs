//! Which side of a flow is ours.

use std::net::IpAddr;

use crate::net::{Address, Endpoint};

/// The networks whose hosts are ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeNetworks(Vec<(u128, u128)>);

impl HomeNetworks {
    /// From addresses and prefix lengths.
    pub fn new(networks: impl IntoIterator<Item = (IpAddr, u8)>) -> Self {
        Self(
            networks
                .into_iter()
                .map(|(ip, prefix)| {
                    let width =
                        if ip.is_ipv4() { 96 + u32::from(prefix) } else { u32::from(prefix) };
                    let mask = u128::MAX.checked_shl(128 - width.min(128)).unwrap_or(0);
                    (Address::from(ip).bits() & mask, mask)
                })
                .collect(),
        )
    }

    /// Is this host ours?
    pub fn contains(&self, address: Address) -> bool {
        self.0.iter().any(|(network, mask)| address.bits() & mask == *network)
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
