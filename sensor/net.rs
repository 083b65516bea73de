//! The nouns every stage shares: time, address, endpoint, flow key, side.
//!
//! Owns no state and touches no other module. Numbers are in host byte order.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A packet's time: nanoseconds since 1970-01-01T00:00:00Z. May lie before it in broken captures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// From whole seconds and nanoseconds; saturates instead of wrapping.
    pub fn new(seconds: i64, nanos: u32) -> Self {
        Self(seconds.saturating_mul(1_000_000_000).saturating_add(i64::from(nanos)))
    }

    /// Nanoseconds from `earlier` to `self`; zero when the clock ran backwards.
    pub fn since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// So many nanoseconds later; saturates instead of wrapping.
    #[must_use]
    pub const fn after(self, nanos: u64) -> Self {
        Self(self.0.saturating_add_unsigned(nanos))
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }

    /// Nanoseconds within the second, 0 to 999,999,999.
    pub fn subsecond_nanos(self) -> u32 {
        u32::try_from(self.0.rem_euclid(1_000_000_000)).unwrap_or(0)
    }
}

/// An IP address, flattened to 128 bits so that keys hash and compare as one number.
///
/// IPv4 is held IPv4-mapped (`::ffff:a.b.c.d`, RFC 4291 2.5.5.2). A mapped address inside a real
/// IPv6 packet is therefore the same address as the IPv4 one, which is what a person means by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    // Two words instead of one of 128 bits: that one would be aligned to 16 bytes and make an
    // endpoint a third larger, and packets are made of endpoints. In this order they compare alike.
    high: u64,
    low: u64,
}

const V4_MAPPED: u128 = 0xffff_0000_0000;

impl Address {
    /// From four octets in wire order.
    pub const fn v4(octets: [u8; 4]) -> Self {
        Self::from_bits(V4_MAPPED | u32::from_be_bytes(octets) as u128)
    }

    /// From sixteen octets in wire order.
    pub const fn v6(octets: [u8; 16]) -> Self {
        Self::from_bits(u128::from_be_bytes(octets))
    }

    /// All 128 bits, IPv4 as mapped.
    pub const fn bits(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }

    /// The upper and the lower half of [`Address::bits`].
    pub const fn halves(self) -> [u64; 2] {
        [self.high, self.low]
    }

    /// The address of these 128 bits.
    pub const fn from_bits(bits: u128) -> Self {
        Self { high: (bits >> 64) as u64, low: bits as u64 }
    }

    /// Is this an IPv4 address?
    pub const fn is_v4(self) -> bool {
        self.high == 0 && self.low >> 32 == 0xffff
    }

    /// As the standard library's type, IPv4 unmapped.
    pub fn to_ip(self) -> IpAddr {
        if self.is_v4() {
            let [.., a, b, c, d] = self.low.to_be_bytes();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        } else {
            IpAddr::V6(Ipv6Addr::from(self.bits()))
        }
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => Self::v4(v4.octets()),
            IpAddr::V6(v6) => Self::v6(v6.octets()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_v4() || f.width().is_some() || f.precision().is_some() {
            return self.to_ip().fmt(f);
        }
        // By hand: an event record has two of them, and the general way cost 1,500 instructions.
        let [.., a, b, c, d] = self.low.to_be_bytes();
        let (mut text, mut length) = ([b'.'; 15], 0);
        for octet in [a, b, c, d] {
            let digits = [octet / 100, octet / 10 % 10, octet % 10].map(|digit| digit + b'0');
            let leading = usize::from(octet < 100) + usize::from(octet < 10);
            for digit in digits.get(leading..).unwrap_or(&[]) {
                if let Some(slot) = text.get_mut(length) {
                    *slot = *digit;
                }
                length += 1;
            }
            // Over the full stop that stands there already; none follows the last octet.
            length += 1;
        }
        let text = text.get(..length - 1).and_then(|text| std::str::from_utf8(text).ok());
        f.write_str(text.unwrap_or_default())
    }
}

/// An address and a port; port 0 where the protocol has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The IP address.
    pub address: Address,
    /// The TCP or UDP port, 0 for every other protocol.
    pub port: u16,
}

impl Endpoint {
    /// Orders as the endpoint itself does, in a few instructions without a branch.
    #[inline]
    const fn precedes(&self, other: &Self) -> bool {
        let (one, two) = (self.address.bits(), other.address.bits());
        (one < two) | ((one == two) & (self.port <= other.port))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address.to_ip() {
            IpAddr::V4(ip) => write!(f, "{ip}:{}", self.port),
            IpAddr::V6(ip) => write!(f, "[{ip}]:{}", self.port),
        }
    }
}

/// An IP protocol number (IANA registry).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpProtocol(pub u8);

impl IpProtocol {
    /// ICMP for IPv4.
    pub const ICMP: Self = Self(1);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// ICMP for IPv6.
    pub const ICMPV6: Self = Self(58);
    /// SCTP.
    pub const SCTP: Self = Self(132);
}

impl IpProtocol {
    /// The name records give it, of those that have one.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::ICMP => Some("ICMP"),
            Self::TCP => Some("TCP"),
            Self::UDP => Some("UDP"),
            Self::ICMPV6 => Some("IPv6-ICMP"),
            Self::SCTP => Some("SCTP"),
            Self(_) => None,
        }
    }
}

impl fmt::Display for IpProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:03}", self.0),
        }
    }
}

/// Which end of a flow: `Low` is the smaller endpoint of the [`FlowKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The smaller endpoint.
    Low,
    /// The larger endpoint.
    High,
}

impl Side {
    /// The other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }
}

/// What makes two packets one flow: both endpoints in order of size, and the protocol.
///
/// VLAN tags and tunnels are deliberately not part of it: a mirror may show one direction tagged
/// and the other not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey {
    /// The smaller endpoint.
    pub low: Endpoint,
    /// The larger endpoint.
    pub high: Endpoint,
    /// TCP, UDP, ICMP ...
    pub protocol: IpProtocol,
}

impl FlowKey {
    /// The key of a packet and the side that sent it.
    #[inline]
    pub fn new(source: Endpoint, destination: Endpoint, protocol: IpProtocol) -> (Self, Side) {
        let (low, high, side) = if source.precedes(&destination) {
            (&source, &destination, Side::Low)
        } else {
            (&destination, &source, Side::High)
        };
        // Part by part: a copy of a whole endpoint copies what is between its parts too.
        let end = |end: &Endpoint| {
            let [upper, lower] = end.address.halves();
            Endpoint { address: Address { high: upper, low: lower }, port: end.port }
        };
        (Self { low: end(low), high: end(high), protocol }, side)
    }

    /// The endpoint of a side.
    pub const fn endpoint(&self, side: Side) -> Endpoint {
        match side {
            Side::Low => self.low,
            Side::High => self.high,
        }
    }
}

/// A hardware address in wire order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By hand: an event record has two of them, and six formatted bytes cost more than the rest.
        let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble };
        let mut text = [b':'; 17];
        for (place, byte) in text.chunks_mut(3).zip(self.0) {
            if let [high, low, ..] = place {
                (*high, *low) = (digit(byte >> 4), digit(byte & 0xf));
            }
        }
        f.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_of_a_flow_have_one_key_and_two_sides() {
        let a = Endpoint { address: Address::v4([192, 0, 2, 1]), port: 50000 };
        let b = Endpoint { address: Address::v4([198, 51, 100, 2]), port: 443 };
        let (there, from_a) = FlowKey::new(a, b, IpProtocol::TCP);
        let (back, from_b) = FlowKey::new(b, a, IpProtocol::TCP);
        assert_eq!(there, back);
        assert_eq!(from_a.other(), from_b);
        assert_eq!(there.endpoint(from_a), a);
    }

    #[test]
    fn addresses_print_as_people_write_them() {
        assert_eq!(Address::v4([192, 0, 2, 7]).to_string(), "192.0.2.7");
        for octet in 0..=255 {
            let octets = [octet, 255 - octet, octet / 2, octet];
            assert_eq!(Address::v4(octets).to_string(), Ipv4Addr::from(octets).to_string());
            let aligned = format!("{:>17}", Address::v4(octets));
            assert_eq!(aligned, format!("{:>17}", Ipv4Addr::from(octets)));
        }
        let six: IpAddr = "2001:db8::7".parse().unwrap();
        let endpoint = Endpoint { address: six.into(), port: 443 };
        assert_eq!(endpoint.to_string(), "[2001:db8::7]:443");
    }

    #[test]
    fn a_clock_that_runs_backwards_gives_zero_not_a_wrap() {
        let (early, late) = (Timestamp::new(1, 5), Timestamp::new(2, 0));
        assert_eq!(late.since(early), 999_999_995);
        assert_eq!(early.since(late), 0);
        assert_eq!(Timestamp::new(-1, 0).subsecond_nanos(), 0);
    }
}
