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

    /// May an IPv4 address stand inside this IPv6 address? False for nearly every address.
    #[inline]
    pub const fn may_embed_v4(self) -> bool {
        match self.high >> 32 {
            // Below 2^32 and not IPv4 itself; 6to4 and Teredo and NAT64.
            0 => !self.is_v4(),
            0x2001_0000 | 0x0064_ff9b => true,
            first => first >> 16 == 0x2002 || self.low >> 32 & 0xfdff_ffff == 0x5efe,
        }
    }

    /// The IPv4 addresses that this IPv6 address means, at most two: IPv4-compatible
    /// (RFC 4291 2.5.5.1), translated by SIIT (RFC 2765 2.1), NAT64 (64:ff9b::/96 of RFC 6052 and
    /// 64:ff9b:1::/48 of RFC 8215), 6to4 (RFC 3056), ISATAP (RFC 5214 6.1), Teredo (server and
    /// client, RFC 4380 4). An IPv4 address means only itself and embeds none.
    #[cold]
    pub fn embedded_v4(self) -> impl Iterator<Item = Self> {
        let (found, second) = match self.may_embed_v4() {
            true => (self.by_prefix(), self.by_interface()),
            false => (None, None),
        };
        found.into_iter().chain(second).map(|bits| Self::v4(bits.to_be_bytes()))
    }

    /// The IPv4 address that the first bits announce.
    const fn by_prefix(self) -> Option<u32> {
        let (high, low) = (self.high, self.low);
        match high >> 32 {
            // Zeros and small numbers, as in ::1, are no address.
            0 if high == 0 && low >> 32 == 0 && low > 0xff_ffff => Some(low as u32),
            0 if high == 0 && low >> 32 == 0xffff_0000 => Some(low as u32),
            0x0064_ff9b => self.by_nat64(),
            0x2001_0000 => Some(high as u32),
            first if first >> 16 == 0x2002 => Some((high >> 16) as u32),
            _ => None,
        }
    }

    /// NAT64: the well-known prefix has 96 bits; of the one for local use, RFC 6052 2.2 lets a
    /// network choose 48, 56, 64 or 96, and what follows a shorter one's address is zero.
    const fn by_nat64(self) -> Option<u32> {
        let (high, low) = (self.high, self.low);
        if high as u32 == 0 {
            return if low >> 32 == 0 { Some(low as u32) } else { None };
        }
        // Bits 64 to 71 are zero in every form but, with 96 bits, one's own.
        match (high as u32 >> 16, low.trailing_zeros()) {
            (1, 40..) if low >> 56 == 0 => Some((high as u32) << 16 | (low >> 40) as u32 & 0xffff),
            (1, 32..) if low >> 56 == 0 => {
                Some((high as u32) << 24 | (low >> 32) as u32 & 0xff_ffff)
            }
            (1, 24..) if low >> 56 == 0 => Some((low >> 24) as u32),
            (1, _) => Some(low as u32),
            _ => None,
        }
    }

    /// The IPv4 address in the interface identifier: ISATAP, or a Teredo client, turned over.
    const fn by_interface(self) -> Option<u32> {
        match (self.high >> 32, self.low >> 32 & 0xfdff_ffff) {
            (0x2001_0000, _) => Some(!(self.low as u32)),
            (_, 0x5efe) => Some(self.low as u32),
            _ => None,
        }
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
    /// UDP-Lite (RFC 3828).
    pub const UDP_LITE: Self = Self(136);
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

    /// The same flow kept apart from itself: its endpoints the other way round, as no key that was
    /// made of a packet has them. Every side is then the other one.
    #[must_use]
    pub const fn apart(self) -> Self {
        Self { low: self.high, high: self.low, protocol: self.protocol }
    }

    /// Is this the key of a flow kept apart?
    pub const fn is_apart(&self) -> bool {
        !self.low.precedes(&self.high)
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

    fn six(text: &str) -> Address {
        text.parse::<Ipv6Addr>().map(|six| Address::from_bits(six.to_bits())).unwrap()
    }

    fn inside(text: &str) -> Vec<String> {
        six(text).embedded_v4().map(|four| four.to_string()).collect()
    }

    #[test]
    fn an_ipv6_address_tells_the_ipv4_addresses_it_means() {
        for (text, expected) in [
            ("::198.51.100.66", &["198.51.100.66"][..]),
            ("::ffff:0:198.51.100.66", &["198.51.100.66"]),
            ("64:ff9b::198.51.100.66", &["198.51.100.66"]),
            ("64:ff9b:1::198.51.100.66", &["198.51.100.66"]),
            ("64:ff9b:1:abcd:7::198.51.100.66", &["198.51.100.66"]),
            // RFC 6052 2.4 with the prefix for local use, of 48, 56 and 64 bits.
            ("64:ff9b:1:c633:64:4200::", &["198.51.100.66"]),
            ("64:ff9b:1:aac6:33:6442::", &["198.51.100.66"]),
            ("64:ff9b:1:aabb:c6:3364:4200::", &["198.51.100.66"]),
            ("2002:c633:6442::1", &["198.51.100.66"]),
            ("2002:c633:6442:7:a:b:c:d", &["198.51.100.66"]),
            ("fe80::5efe:198.51.100.66", &["198.51.100.66"]),
            ("2001:db8::200:5efe:198.51.100.66", &["198.51.100.66"]),
            ("2002:c000:201::5efe:198.51.100.66", &["192.0.2.1", "198.51.100.66"]),
            // RFC 4380 4: server, then the client's address turned over.
            ("2001:0:c000:201:8000:63bf:39cc:9bbd", &["192.0.2.1", "198.51.100.66"]),
        ] {
            assert_eq!(inside(text), expected, "{text}");
        }
        for text in [
            "::",
            "::1",
            "::ffff:192.0.2.1",
            "2001:db8::c633:6442",
            "fe80::1",
            "fd00::5e",
            "64:ff9b:2::c633:6442",
            "64:ff9b:0:1::c633:6442",
            "2606:4700::6810:84e5",
            "ff02::fb",
        ] {
            assert_eq!(inside(text), [""; 0], "{text}");
        }
    }

    proptest::proptest! {
        /// The translation of RFC 6052 2.2, from the other side.
        #[test]
        fn what_is_put_into_an_address_is_found_in_it(
            four in 0x0100_0000..=u32::MAX,
            rest in proptest::prelude::any::<u128>(),
            form in 0..9_usize,
        ) {
            // A last byte of zero ends a longer prefix's address as well as a shorter one's.
            let four = four | 1;
            let (value, low) = (u128::from(four), rest & u128::from(u64::MAX));
            let local = 0x0064_ff9b_0001_u128 << 80;
            let bits = match form {
                0 => 0x0064_ff9b_u128 << 96 | value,
                1 => local | (value >> 16) << 64 | (value & 0xffff) << 40,
                2 => local | (rest & 0xff) << 72 | (value >> 24) << 64 | (value & 0xff_ffff) << 32,
                3 => local | (rest & 0xffff) << 64 | value << 24,
                4 => 0x2002_u128 << 112 | value << 80 | low,
                5 => rest & !(u128::from(u64::MAX)) | 0x5efe_u128 << 32 | value,
                6 => 0x2001_0000_u128 << 96 | value << 64 | low,
                7 => 0x2001_0000_u128 << 96 | rest >> 64 << 96 >> 32 | u128::from(!four),
                _ => value,
            };
            let address = Address::from_bits(bits);
            proptest::prop_assert!(address.may_embed_v4());
            let found: Vec<Address> = address.embedded_v4().collect();
            let wanted = Address::v4(four.to_be_bytes());
            proptest::prop_assert!(found.contains(&wanted), "{} {:?}", address, found);
        }

        #[test]
        fn what_may_embed_nothing_embeds_nothing(bits in proptest::prelude::any::<u128>()) {
            let address = Address::from_bits(bits);
            proptest::prop_assert!(address.may_embed_v4() || address.embedded_v4().next().is_none());
            let four = Address::v4((bits as u32).to_be_bytes());
            proptest::prop_assert!(!four.may_embed_v4());
        }
    }

    #[test]
    fn a_flow_kept_apart_is_another_flow_between_the_same_two() {
        let a = Endpoint { address: Address::v4([192, 0, 2, 1]), port: 50000 };
        let b = Endpoint { address: Address::v4([198, 51, 100, 2]), port: 443 };
        for (source, destination) in [(a, b), (b, a)] {
            let (key, side) = FlowKey::new(source, destination, IpProtocol::TCP);
            let apart = key.apart();
            assert_ne!(key, apart);
            assert_eq!((key.is_apart(), apart.is_apart()), (false, true));
            assert_eq!(apart.endpoint(side.other()), source);
        }
    }

    #[test]
    fn a_clock_that_runs_backwards_gives_zero_not_a_wrap() {
        let (early, late) = (Timestamp::new(1, 5), Timestamp::new(2, 0));
        assert_eq!(late.since(early), 999_999_995);
        assert_eq!(early.since(late), 0);
        assert_eq!(Timestamp::new(-1, 0).subsecond_nanos(), 0);
    }
}
