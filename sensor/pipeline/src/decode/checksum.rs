//! What tells a packet that its receiver drops from one that it takes: header checksum, transport
//! checksum, window, urgent byte, timestamp. Asked of doubtful packets only, so everything is
//! computed when it is asked for. A wrong checksum never drops a packet: it orders readings.

use super::packet::{Packet, Segment, Transport};
use crate::net::IpProtocol;

/// What a checksum says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// Right, or none is asked for (IPv6 header, UDP over IPv4 with a zero).
    Good,
    /// Wrong: a receiver drops the packet.
    Bad,
    /// Not filled in yet where the packet was copied: zero, or the sum of the pseudo header alone,
    /// which is what a sender leaves to its network card. Judge it by the rest of the flow.
    Unfilled,
    /// Cannot be told: cut, a fragment, a protocol whose checksum is not read.
    Unknown,
}

impl Packet<'_> {
    /// The checksum of the IPv4 header (RFC 791 3.1).
    #[cold]
    #[must_use]
    pub fn header_checksum(&self) -> Checksum {
        match self.header.first().map(|first| first >> 4) {
            Some(6) => Checksum::Good,
            Some(_) => header(self.header),
            None => Checksum::Unknown,
        }
    }

    /// The checksum of the TCP segment (RFC 9293 3.1), UDP datagram (RFC 768, RFC 8200 8.1) or
    /// ICMPv6 message (RFC 4443 2.3).
    #[cold]
    #[must_use]
    pub fn checksum(&self) -> Checksum {
        let v4 = self.source.address.is_v4() && self.destination.address.is_v4();
        match (self.transport, self.protocol) {
            (Transport::Fragment { .. }, _) => Checksum::Unknown,
            (_, IpProtocol::TCP) if !self.cut => {
                let [.., c0, c1, _, _] = self.upper.get(..20).unwrap_or(&[]) else {
                    return Checksum::Bad;
                };
                self.verdict(self.upper, [*c0, *c1])
            }
            (_, IpProtocol::UDP) => self.of_datagram(v4),
            (Transport::Icmp { .. }, IpProtocol::ICMPV6) if !self.cut => {
                let [_, _, c0, c1, ..] = *self.upper else { return Checksum::Bad };
                self.verdict(self.upper, [c0, c1])
            }
            _ => Checksum::Unknown,
        }
    }

    fn of_datagram(&self, v4: bool) -> Checksum {
        let [_, _, _, _, l0, l1, c0, c1, ..] = *self.upper else { return Checksum::Unknown };
        match (usize::from(u16::from_be_bytes([l0, l1])), [c0, c1]) {
            (8.., [0, 0]) if v4 => Checksum::Good,
            (8.., [0, 0]) => Checksum::Unfilled,
            (length @ 8.., field) => match self.upper.get(..length) {
                Some(bytes) => self.verdict(bytes, field),
                // Longer than its packet: nobody takes it, unless only we have less of it.
                None if self.cut => Checksum::Unknown,
                None => Checksum::Bad,
            },
            // A jumbogram or a batch of segmentation offload.
            (0, _) => Checksum::Unknown,
            _ => Checksum::Bad,
        }
    }

    /// Of the bytes that are summed and the checksum they hold.
    fn verdict(&self, bytes: &[u8], field: [u8; 2]) -> Checksum {
        let words = [self.source.address, self.destination.address].map(|address| {
            // An IPv4 address is held mapped: only its own four bytes are summed.
            let bits = if address.is_v4() { address.bits() & 0xffff_ffff } else { address.bits() };
            sum(0, &bits.to_be_bytes())
        });
        let length = bytes.len() as u64;
        let pseudo = words.iter().sum::<u64>()
            + u64::from(self.protocol.0)
            + (length >> 16)
            + (length & 0xffff);
        let unfilled = field == [0, 0] || u16::from_be_bytes(field) == fold(pseudo);
        match fold(sum(pseudo, bytes)) {
            0xffff => Checksum::Good,
            _ if unfilled => Checksum::Unfilled,
            _ => Checksum::Bad,
        }
    }
}

impl<'a> Segment<'a> {
    /// The window field, unscaled.
    #[must_use]
    pub fn window(&self) -> u16 {
        self.field(14)
    }

    /// The urgent pointer, if URG is set. With a pointer of n, a receiver that does not ask for
    /// urgent data in line takes the byte at n - 1 of the payload out of the stream (Linux,
    /// Windows: the byte *before* the pointer, RFC 6093 2).
    #[must_use]
    pub fn urgent(&self) -> Option<u16> {
        self.flags.urg().then(|| self.field(18))
    }

    /// TSval of the timestamp option (RFC 7323 3.2).
    #[must_use]
    pub fn timestamp(&self) -> Option<u32> {
        match self.option(8)? {
            [8, 10, a, b, c, d, ..] => Some(u32::from_be_bytes([*a, *b, *c, *d])),
            _ => None,
        }
    }

    /// TSecr of the timestamp option.
    #[must_use]
    pub fn echoed(&self) -> Option<u32> {
        match self.option(8)? {
            [8, 10, _, _, _, _, a, b, c, d, ..] => Some(u32::from_be_bytes([*a, *b, *c, *d])),
            _ => None,
        }
    }

    /// Has it a signature (RFC 2385, RFC 5925)? Who shares no key with the sender drops it.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.option(19).or_else(|| self.option(29)).is_some()
    }

    /// The options from the first of a kind on.
    fn option(&self, wanted: u8) -> Option<&'a [u8]> {
        let mut options = self.options();
        // Walked by consumption: every option takes a byte at least.
        loop {
            options = match *options {
                [1, ..] => options.get(1..)?,
                [kind, length, ..] if kind > 1 && length > 1 => {
                    if kind == wanted {
                        return Some(options);
                    }
                    options.get(usize::from(length)..)?
                }
                _ => return None,
            };
        }
    }

    /// The options as captured.
    #[must_use]
    pub fn options(&self) -> &'a [u8] {
        self.header.get(20..).unwrap_or(&[])
    }

    fn field(&self, at: usize) -> u16 {
        match self.header.get(at..) {
            Some([high, low, ..]) => u16::from_be_bytes([*high, *low]),
            _ => 0,
        }
    }
}

/// Of an IPv4 header.
pub(super) fn header(data: &[u8]) -> Checksum {
    let length = data.first().map_or(0, |first| usize::from(first & 0x0f) * 4);
    let Some(header) = data.get(..length) else { return Checksum::Unknown };
    match (header, fold(sum(0, header))) {
        (_, 0xffff) => Checksum::Good,
        ([_, _, _, _, _, _, _, _, _, _, 0, 0, ..], _) => Checksum::Unfilled,
        _ => Checksum::Bad,
    }
}

/// Adds big-endian words to a sum; an odd last byte is a word's high half.
fn sum(from: u64, bytes: &[u8]) -> u64 {
    let (words, odd) = bytes.as_chunks::<2>();
    let words = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum::<u64>();
    from + words + odd.first().map_or(0, |last| u64::from(*last) << 8)
}

/// Folds a sum to sixteen bits with end-around carry (RFC 1071).
const fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;
    use proptest::prelude::*;

    use super::*;
    use crate::decode::packet::TcpFlags;
    use crate::decode::test_bytes::packet;

    /// A packet that another program put together, checksums and all.
    fn built(six: bool, tcp: bool, payload: &[u8]) -> Vec<u8> {
        let (mut bytes, ends) = (Vec::new(), ([192, 0, 2, 1], [198, 51, 100, 7]));
        let six_ends = ([0x20; 16], [0x26; 16]);
        match (six, tcp) {
            (false, true) => PacketBuilder::ipv4(ends.0, ends.1, 61)
                .tcp(50_000, 443, 9, 700)
                .urg(3)
                .options_raw(&[1, 1, 8, 10, 0, 0, 1, 2, 0, 0, 0, 0])
                .unwrap()
                .write(&mut bytes, payload)
                .unwrap(),
            (false, false) => PacketBuilder::ipv4(ends.0, ends.1, 61)
                .udp(50_000, 443)
                .write(&mut bytes, payload)
                .unwrap(),
            (true, true) => PacketBuilder::ipv6(six_ends.0, six_ends.1, 61)
                .tcp(50_000, 443, 9, 700)
                .write(&mut bytes, payload)
                .unwrap(),
            (true, false) => PacketBuilder::ipv6(six_ends.0, six_ends.1, 61)
                .udp(50_000, 443)
                .write(&mut bytes, payload)
                .unwrap(),
        }
        bytes
    }

    proptest! {
        #[test]
        fn a_packet_of_another_program_is_good_and_one_changed_byte_makes_it_bad(
            six in any::<bool>(),
            tcp in any::<bool>(),
            payload in prop::collection::vec(any::<u8>(), 1..90),
            changed in any::<prop::sample::Index>(),
        ) {
            let bytes = built(six, tcp, &payload);
            let found = packet(101, &bytes);
            prop_assert_eq!(found.ttl, 61);
            prop_assert_eq!(found.header_checksum(), Checksum::Good);
            prop_assert_eq!(found.checksum(), Checksum::Good);
            let mut spoiled = bytes.clone();
            let start = bytes.len() - payload.len();
            spoiled[start + changed.index(payload.len())] ^= 0x11;
            let spoiled = packet(101, &spoiled);
            prop_assert_eq!(spoiled.checksum(), Checksum::Bad);
            prop_assert_eq!(spoiled.header_checksum(), Checksum::Good);
            let cut = packet(101, &bytes[..bytes.len() - 1]);
            prop_assert_eq!(cut.checksum(), Checksum::Unknown);
        }
    }

    #[test]
    fn what_is_left_to_the_network_card_is_unfilled_and_not_wrong() {
        let mut bytes = built(false, true, b"payload");
        bytes[36..38].copy_from_slice(&[0, 0]);
        assert_eq!(packet(101, &bytes).checksum(), Checksum::Unfilled);
        // What Linux leaves there: the sum of addresses, protocol and length.
        let pseudo = sum(0, &bytes[12..20]) + 6 + (bytes.len() as u64 - 20);
        bytes[36..38].copy_from_slice(&fold(pseudo).to_be_bytes());
        assert_eq!(packet(101, &bytes).checksum(), Checksum::Unfilled);
        bytes[10..12].copy_from_slice(&[0, 0]);
        assert_eq!(packet(101, &bytes).header_checksum(), Checksum::Unfilled);
        bytes[10..12].copy_from_slice(&[1, 2]);
        assert_eq!(packet(101, &bytes).header_checksum(), Checksum::Bad);
        let mut datagram = built(false, false, b"payload");
        datagram[26..28].copy_from_slice(&[0, 0]);
        assert_eq!(packet(101, &datagram).checksum(), Checksum::Good, "RFC 768: none asked for");
    }

    #[test]
    fn a_datagram_longer_than_its_packet_is_taken_by_nobody() {
        let mut bytes = built(false, false, b"payload");
        bytes[24..26].copy_from_slice(&100_u16.to_be_bytes());
        assert_eq!(packet(101, &bytes).checksum(), Checksum::Bad);
    }

    #[test]
    fn window_urgent_pointer_and_timestamp_are_read_from_the_header() {
        let bytes = built(false, true, b"payload");
        let Transport::Tcp(segment) = packet(101, &bytes).transport else { panic!() };
        assert_eq!((segment.window(), segment.urgent()), (700, Some(3)));
        assert_eq!(segment.timestamp(), Some(0x0102));
        let calm = Segment { flags: TcpFlags(0x18), ..segment };
        assert_eq!(calm.urgent(), None);
        for options in [&[3, 0][..], &[8, 10, 0], &[0, 8, 10, 1, 2, 3, 4], &[5], &[1, 1, 1]] {
            let header = [&bytes[20..40], options].concat();
            let odd = Segment { header: &header, ..segment };
            assert_eq!(odd.timestamp(), None, "{options:?}");
        }
    }
}
