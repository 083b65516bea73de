//! IPv4 (RFC 791), IPv6 with its extension headers (RFC 8200), AH (RFC 4302), ARP (RFC 826).
//!
//! etherparse reads the fixed headers; what it refuses (a header cut in its options) is read as
//! far as the addresses. Never fails once the addresses are known.

use super::checksum::{self, Checksum};
use super::packet::{Fragment, Skip, Transport};
use super::transport;
use super::walk::{Step, Walk, split};
use crate::net::{Address, Endpoint, IpProtocol, Mac};
use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};

/// What the IP header says about its payload.
#[derive(Clone, Copy)]
pub(super) struct Upper {
    /// Is it IPv6, so that extension headers may follow?
    pub(super) six: bool,
    /// Protocol of the payload's first byte.
    pub(super) protocol: u8,
    /// Bytes of the payload that were on the wire but not captured.
    pub(super) missing: u32,
}

/// An IPv4 packet.
#[inline]
pub(super) fn ipv4<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let Ok(header) = Ipv4HeaderSlice::from_slice(data) else {
        return ipv4_cut(walk, data);
    };
    let (payload, missing) =
        bounded(walk, data, header.slice().len(), usize::from(header.total_len()));
    addresses(walk, Address::v4(header.source()), Address::v4(header.destination()));
    walk.packet.ttl = header.ttl();
    walk.packet.header = header.slice();
    walk.packet.cut = is_cut(data, usize::from(header.total_len()));
    let protocol = header.protocol().0;
    if header.is_fragmenting_payload() {
        let place = Fragment {
            id: u32::from(header.identification()),
            offset: u32::from(header.fragments_offset().value()) * 8,
            more: header.more_fragments(),
        };
        fragment(walk, protocol, place, payload);
        return Ok(());
    }
    upper(walk, Upper { six: false, protocol, missing }, payload);
    Ok(())
}

/// The addresses of an IPv4 header whose options are cut.
#[cold]
fn ipv4_cut<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let first = data.first().ok_or(Skip::Short)?;
    if first >> 4 != 4 || first & 0x0f < 5 {
        return Err(Skip::Malformed);
    }
    let ([.., ttl, protocol, _, _, a, b, c, d, e, f, g, h], _) = split::<20>(data)?;
    (walk.packet.ttl, walk.packet.header, walk.packet.upper) = (*ttl, data, &[]);
    walk.packet.cut = true;
    addresses(walk, Address::v4([*a, *b, *c, *d]), Address::v4([*e, *f, *g, *h]));
    walk.packet.protocol = IpProtocol(*protocol);
    walk.packet.transport = Transport::Other(&[]);
    Ok(())
}

/// An IPv6 packet.
pub(super) fn ipv6<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let Ok(header) = Ipv6HeaderSlice::from_slice(data) else {
        let wrong = data.first().is_some_and(|first| first >> 4 != 6);
        return Err(if wrong { Skip::Malformed } else { Skip::Short });
    };
    // A zero length is a jumbogram (RFC 2675) or segmentation offload: all there is.
    let total = match usize::from(header.payload_length()) {
        0 => 0,
        length => length + 40,
    };
    let (payload, missing) = bounded(walk, data, 40, total);
    addresses(walk, Address::v6(header.source()), Address::v6(header.destination()));
    walk.packet.ttl = header.hop_limit();
    walk.packet.header = header.slice();
    walk.packet.cut = is_cut(data, total);
    upper(walk, Upper { six: true, protocol: header.next_header().0, missing }, payload);
    Ok(())
}

/// IP of either version, told by its first four bits.
pub(super) fn by_version<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    match data.first().map(|first| first >> 4) {
        Some(4) => ipv4(walk, data),
        Some(6) => ipv6(walk, data),
        Some(_) => Err(Skip::Malformed),
        None => Err(Skip::Short),
    }
}

/// Is the end of a packet of `total` bytes (0: not said) not there?
#[inline]
const fn is_cut(data: &[u8], total: usize) -> bool {
    total == 0 || total > data.len()
}

/// An IP packet that nothing announces, in a payload of `length` bytes (more than `data` if the
/// capture cut it): believed only if it says just this length and its checksum is right, of IPv4
/// the header's, of IPv6 that of what it carries.
pub(super) fn whole<'a>(walk: &mut Walk<'a>, data: &'a [u8], length: usize) -> Step {
    walk.enter()?;
    let four = match *data {
        [first, _, t0, t1, ..] if first >> 4 == 4 => u16::from_be_bytes([t0, t1]),
        [first, _, _, _, l0, l1, ..] if first >> 4 == 6 => {
            if usize::from(u16::from_be_bytes([l0, l1])) + 40 != length {
                return Err(Skip::NotIp);
            }
            let outer = walk.packet.tunnels.as_slice().len();
            ipv6(walk, data)?;
            let deeper = walk.packet.tunnels.as_slice().len() > outer;
            let good = deeper || walk.packet.checksum() == Checksum::Good;
            return if good { Ok(()) } else { Err(Skip::NotIp) };
        }
        _ => return Err(Skip::NotIp),
    };
    let header = Ipv4HeaderSlice::from_slice(data).map_err(|_| Skip::NotIp)?;
    let good = checksum::header(header.slice()) == Checksum::Good;
    if good && usize::from(four) == length { ipv4(walk, data) } else { Err(Skip::NotIp) }
}

/// The payload after a header of `header` bytes in a packet of `total` bytes (0: not said), and
/// how much of it was not captured.
#[inline]
fn bounded<'a>(walk: &Walk<'_>, data: &'a [u8], header: usize, total: usize) -> (&'a [u8], u32) {
    if total <= data.len() && total != 0 {
        // A total below the header's own length leaves an empty payload, not an error.
        return (data.get(header..total).unwrap_or(&[]), 0);
    }
    let payload = data.get(header..).unwrap_or(&[]);
    if total == 0 {
        return (payload, walk.cut);
    }
    let missing = u32::try_from(total - data.len()).unwrap_or(u32::MAX);
    // Outside tunnels the frame's own length says what was on the wire; a mirror may have cut
    // what it tunnels to us.
    let missing =
        if walk.packet.tunnels.as_slice().is_empty() { missing.min(walk.cut) } else { missing };
    (payload, missing)
}

#[inline]
fn addresses(walk: &mut Walk<'_>, source: Address, destination: Address) {
    walk.packet.source = Endpoint { address: source, port: 0 };
    walk.packet.destination = Endpoint { address: destination, port: 0 };
}

/// Takes note of a fragment. The first one shows the ports.
fn fragment<'a>(walk: &mut Walk<'a>, protocol: u8, place: Fragment, payload: &'a [u8]) {
    walk.packet.protocol = IpProtocol(protocol);
    if place.offset == 0 {
        transport::ports(walk, protocol, payload);
    }
    walk.packet.upper = payload;
    walk.packet.transport = Transport::Fragment { place, payload };
}

/// What follows the IP header: extension headers, then the transport. Extension headers are
/// walked for as long as bytes last, however many there are: hiding behind a ninth one is cheap.
#[inline]
pub(super) fn upper<'a>(walk: &mut Walk<'a>, mut head: Upper, mut payload: &'a [u8]) {
    loop {
        let next = match (head.protocol, head.six) {
            (6 | 17, _) => break,
            (51, _) => authentication(payload),
            (44, true) => match fragment_header(walk, payload) {
                Reached::Next(next) => next,
                Reached::Fragment => return,
            },
            (0 | 43 | 60 | 135 | 139 | 140, true) => options(payload),
            _ => break,
        };
        let Some((protocol, rest)) = next else {
            // Cut inside the header: nothing more can be told.
            walk.packet.protocol = IpProtocol(head.protocol);
            walk.packet.upper = payload;
            walk.packet.transport = Transport::Other(payload);
            return;
        };
        (head.protocol, payload) = (protocol, rest);
    }
    walk.packet.protocol = IpProtocol(head.protocol);
    walk.packet.upper = payload;
    transport::transport(walk, head, payload);
}

/// The header after this one, and its bytes; `None` if it is cut.
type Next<'a> = Option<(u8, &'a [u8])>;

/// Hop-by-hop, routing, destination options, mobility, HIP, shim6: length in 8-byte units
/// beyond the first (RFC 8200 4).
fn options(data: &[u8]) -> Next<'_> {
    let [next, length, ..] = *data else { return None };
    Some((next, data.get(usize::from(length) * 8 + 8..)?))
}

/// AH: length in 4-byte units beyond the first two (RFC 4302 2.2).
fn authentication(data: &[u8]) -> Next<'_> {
    let [next, length, ..] = *data else { return None };
    Some((next, data.get(usize::from(length) * 4 + 8..)?))
}

enum Reached<'a> {
    Next(Next<'a>),
    Fragment,
}

/// The IPv6 fragment header (RFC 8200 4.5). An atomic fragment (RFC 6946) is a whole packet.
fn fragment_header<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Reached<'a> {
    let Some(([next, _, o1, o2, i1, i2, i3, i4], rest)) = data.split_first_chunk::<8>() else {
        return Reached::Next(None);
    };
    let word = u16::from_be_bytes([*o1, *o2]);
    let place = Fragment {
        id: u32::from_be_bytes([*i1, *i2, *i3, *i4]),
        offset: u32::from(word & 0xfff8),
        more: word & 1 != 0,
    };
    if place.offset == 0 && !place.more {
        return Reached::Next(Some((*next, rest)));
    }
    fragment(walk, *next, place, rest);
    Reached::Fragment
}

/// ARP for IPv4; hardware addresses of six bytes only (Ethernet, 802.11 ...).
pub(super) fn arp(walk: &mut Walk<'_>, data: &[u8]) -> Step {
    let ([_, _, p0, p1, hardware, protocol, _, _], rest) = split::<8>(data)?;
    if [*p0, *p1] != [0x08, 0x00] || *hardware != 6 || *protocol != 4 {
        return Err(Skip::NotIp);
    }
    let ([m0, m1, m2, m3, m4, m5, a, b, c, d], _) = split::<10>(rest)?;
    walk.arp = Some((Mac([*m0, *m1, *m2, *m3, *m4, *m5]), Address::v4([*a, *b, *c, *d])));
    Ok(())
}
