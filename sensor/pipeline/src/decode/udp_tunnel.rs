//! Tunnels over UDP. A port is only a guess: the content must be a packet, or the datagram
//! stays the plain UDP it is.

use super::ethernet::{ethernet, ethertype};
use super::link::link;
use super::mpls::mpls;
use super::packet::{Skip, TunnelKind};
use super::walk::{Step, Walk, after, at_most, split};
use super::wlan::either_order;
use super::{Checksum, esp, ip, ppp, tunnel};
use crate::frame::LinkType;
use crate::net::{Address, Endpoint};

/// Must a datagram be looked at as a tunnel?
#[inline]
pub(super) fn may_be(ports: (u16, u16), data: &[u8]) -> bool {
    is_known(ports) || is_whole_ip(data, data.len())
}

#[inline]
const fn is_known(ports: (u16, u16)) -> bool {
    may_be_known(ports) && is_one_of_them(ports)
}

/// Two words that hold a bit for each known port tell nearly every other one: 12 of 22
/// instructions less.
#[inline]
const fn may_be_known((source, destination): (u16, u16)) -> bool {
    const fn bit(port: u16) -> u64 {
        1 << (port >> 2 & 63)
    }
    const fn bits(ports: &[u16]) -> u64 {
        match ports {
            [first, rest @ ..] => bit(*first) | bits(rest),
            [] => 0,
        }
    }
    const ONLY_TO: u64 =
        bits(&[4341, 4754, 4789, 4790, 6080, 6081, 6635, 7932, 8472, 30_030, 30_031, 37_008]);
    const FROM: u64 = bits(&[1701, 2152, 3386, 3544, 4500, 5072, 5247]);
    const TO: u64 = ONLY_TO | FROM;
    (TO & bit(destination)) | (FROM & bit(source)) != 0
}

const fn is_one_of_them(ports: (u16, u16)) -> bool {
    const fn either(port: u16) -> bool {
        matches!(port, 1701 | 2152 | 3386 | 3544 | 4500 | 5072 | 5247)
    }
    const fn only_to(port: u16) -> bool {
        matches!(
            port,
            4341 | 4754 | 4789 | 4790 | 6080 | 6081 | 6635 | 7932 | 8472 | 30_030 | 30_031 | 37_008
        )
    }
    let (source, destination) = ports;
    either(source) || either(destination) || only_to(destination)
}

/// Does the payload begin as an IP packet of just its length?
#[inline]
fn is_whole_ip(data: &[u8], length: usize) -> bool {
    let [first, _, a, b, c, d, ..] = *data else { return false };
    match first >> 4 {
        4 => usize::from(u16::from_be_bytes([a, b])) == length,
        6 => usize::from(u16::from_be_bytes([c, d])) + 40 == length,
        _ => false,
    }
}

/// Follows a datagram (its payload as captured, and how long it was) whose ports (source,
/// destination) are those of a tunnel, or whose payload is just one IP packet.
#[inline]
pub(super) fn by_port<'a>(walk: &mut Walk<'a>, ports: (u16, u16), data: (&'a [u8], usize)) {
    let (payload, length) = data;
    if is_known(ports) && follow(walk, ports, payload) {
        return;
    }
    if is_whole_ip(payload, length) {
        unannounced(walk, ports, payload, length);
    }
}

/// A whole IP packet on any port: Teredo between a client and its relay or another client
/// (RFC 4380 3.3), known by its prefix; else FOU and its like.
#[cold]
fn unannounced<'a>(walk: &mut Walk<'a>, ports: (u16, u16), data: &'a [u8], length: usize) {
    if !has_teredo_address(data) {
        walk.tunnel(TunnelKind::IpInUdp, |walk, data| ip::whole(walk, data, length), data);
        return;
    }
    let outer = [walk.packet.source, walk.packet.destination].map(|end| end.address);
    let agrees = mapped_ends(data)
        .any(|end| outer.contains(&end.address) && (end.port == ports.0 || end.port == ports.1));
    walk.tunnel(
        TunnelKind::Teredo,
        |walk, data| {
            teredo(walk, data)?;
            // Behind a NAT the addresses of a client and a relay need not agree; what is inside
            // must then not be provably wrong.
            let wrong = walk.packet.checksum() == Checksum::Bad;
            if agrees || !wrong { Ok(()) } else { Err(Skip::NotIp) }
        },
        data,
    );
}

/// Has the IPv6 packet an address of the Teredo prefix 2001::/32?
fn has_teredo_address(data: &[u8]) -> bool {
    let prefix = |at: usize| data.get(at..).is_some_and(|from| from.starts_with(&[0x20, 1, 0, 0]));
    data.first().is_some_and(|first| first >> 4 == 6) && (prefix(8) || prefix(24))
}

/// The outer endpoints that the Teredo addresses of an IPv6 packet name, each bit turned over
/// (RFC 4380 4).
fn mapped_ends(data: &[u8]) -> impl Iterator<Item = Endpoint> {
    [8, 24].into_iter().filter_map(|at| {
        let [0x20, 1, 0, 0, _, _, _, _, _, _, p0, p1, a, b, c, d] = *data.get(at..at + 16)? else {
            return None;
        };
        let address = Address::v4([!a, !b, !c, !d]);
        Some(Endpoint { address, port: !u16::from_be_bytes([p0, p1]) })
    })
}

/// A tunnel that is not read is noted where the port belongs to nothing else.
#[cold]
fn follow<'a>(walk: &mut Walk<'a>, (source, destination): (u16, u16), data: &'a [u8]) -> bool {
    let (mirror, in_udp) = (TunnelKind::Mirror, TunnelKind::IpInUdp);
    let (kind, found) = match destination {
        4789 | 8472 => (TunnelKind::Vxlan, walk.tunnel(TunnelKind::Vxlan, vxlan, data)),
        4790 => (TunnelKind::Vxlan, walk.tunnel(TunnelKind::Vxlan, vxlan_gpe, data)),
        6081 => (TunnelKind::Geneve, walk.tunnel(TunnelKind::Geneve, geneve, data)),
        37_008 => (TunnelKind::Tzsp, walk.tunnel(TunnelKind::Tzsp, tzsp, data)),
        4341 => (TunnelKind::Other, walk.tunnel(TunnelKind::Other, lisp, data)),
        6635 => (TunnelKind::Other, walk.tunnel(TunnelKind::Other, mpls, data)),
        4754 => (TunnelKind::Gre, tunnel::gre(walk, data)),
        6080 => (in_udp, walk.tunnel(in_udp, gue, data)),
        7932 => (mirror, walk.tunnel(mirror, hp_mirror, data)),
        30_030 | 30_031 => (mirror, walk.tunnel(mirror, juniper_mirror, data)),
        _ => return by_either(walk, (source, destination), data),
    };
    if !found {
        walk.packet.unread = walk.packet.unread.or(Some(kind));
    }
    found || by_either(walk, (source, destination), data)
}

/// Tunnels whose port may be on either side.
fn by_either<'a>(walk: &mut Walk<'a>, (source, destination): (u16, u16), data: &'a [u8]) -> bool {
    let either = |port| source == port || destination == port;
    if either(2152) || either(3386) {
        walk.tunnel(TunnelKind::Gtp, gtp, data)
    } else if either(3544) {
        walk.tunnel(TunnelKind::Teredo, teredo, data)
    } else if either(5072) {
        walk.tunnel(TunnelKind::Other, ayiya, data)
    } else if either(1701) {
        walk.tunnel(TunnelKind::Other, ppp::l2tp, data)
    } else if either(5247) {
        walk.tunnel(TunnelKind::Capwap, capwap, data)
    } else if either(4500) {
        esp::over_udp(walk, data)
    } else {
        false
    }
}

/// VXLAN (RFC 7348 5), and GPE on its port: flags, reserved, VNI, reserved.
fn vxlan<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([flags, _, _, next, ..], rest) = split::<8>(data)?;
    if flags & 0x08 == 0 {
        return Err(Skip::NotIp);
    }
    // A receiver passes over what is reserved, so the flag of GPE may mean nothing.
    let gpe = |walk: &mut Walk<'a>, data| tunnel::next_protocol(walk, *next, data);
    if flags & 0x04 != 0 && walk.attempt(gpe, rest) {
        return Ok(());
    }
    ethernet(walk, rest)
}

/// VXLAN-GPE: version 0; without the P flag it is plain VXLAN.
fn vxlan_gpe<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([flags, _, _, next, ..], rest) = split::<8>(data)?;
    match flags & 0x34 {
        // Another version, of which nothing is known.
        0x10.. => Err(Skip::NotIp),
        0x04 => tunnel::next_protocol(walk, *next, rest),
        _ => ethernet(walk, rest),
    }
}

/// Geneve (RFC 8926 3.4): version, option length in four-byte units, EtherType.
fn geneve<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([first, _, k0, k1, ..], rest) = split::<8>(data)?;
    if first >> 6 != 0 {
        return Err(Skip::NotIp);
    }
    let rest = after(rest, usize::from(first & 0x3f) * 4)?;
    ethertype(walk, u16::from_be_bytes([*k0, *k1]), rest)
}

/// GTP-U version 1 (3GPP TS 29.281 5): a user's packet (T-PDU) after optional fields and
/// extension headers, which are walked by consumption.
fn gtp<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([flags, kind, l0, l1, ..], rest) = split::<8>(data)?;
    // Version 0 (GSM 09.60) has a fixed header of twenty bytes.
    if flags & 0xf0 == 0x10 && *kind == 255 {
        return ip::by_version(walk, after(rest, 12)?);
    }
    if flags & 0xf0 != 0x30 || *kind != 255 {
        return Err(Skip::NotIp);
    }
    let mut rest = at_most(rest, usize::from(u16::from_be_bytes([*l0, *l1])));
    if flags & 0x07 != 0 {
        let ([_, _, _, next], fields) = split::<4>(rest)?;
        // The next header type counts only if the E flag says so.
        let mut next = if flags & 0x04 != 0 { *next } else { 0 };
        rest = fields;
        while next != 0 {
            let length = match rest.first().ok_or(Skip::Short)? {
                0 => return Err(Skip::Malformed),
                units => usize::from(*units) * 4,
            };
            let (extension, more) = rest.split_at_checked(length).ok_or(Skip::Short)?;
            next = extension.last().copied().unwrap_or(0);
            rest = more;
        }
    }
    if walk.attempt(ip::by_version, rest) || walk.attempt(ppp::ppp, rest) {
        return Ok(());
    }
    ethernet(walk, rest)
}

/// TZSP: version 1, a received or sent packet, its encapsulation, tagged fields, the frame.
fn tzsp<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([version, kind, e0, e1], mut rest) = split::<4>(data)?;
    if *version != 1 || *kind > 1 {
        return Err(Skip::NotIp);
    }
    loop {
        match rest {
            [0, more @ ..] => rest = more,
            [1, frame @ ..] => {
                rest = frame;
                break;
            }
            [_, length, more @ ..] => rest = after(more, usize::from(*length))?,
            _ => return Err(Skip::Short),
        }
    }
    match u16::from_be_bytes([*e0, *e1]) {
        1 => ethernet(walk, rest),
        18 => link(walk, LinkType(105), rest),
        kind @ (119 | 127 | 163) => link(walk, LinkType(kind), rest),
        _ => Err(Skip::NotIp),
    }
}

/// Teredo (RFC 4380 5.1.1): authentication and origin indication, both optional, then IPv6.
fn teredo<'a>(walk: &mut Walk<'a>, mut data: &'a [u8]) -> Step {
    if let [0, 1, id, value, rest @ ..] = data {
        data = after(rest, usize::from(*id) + usize::from(*value) + 9)?;
    }
    if let [0, 0, _, _, _, _, _, _, rest @ ..] = data {
        data = rest;
    }
    let ([version, .., l0, l1, next, _], rest) = split::<8>(data)?;
    let length = usize::from(u16::from_be_bytes([*l0, *l1]));
    // Any payload may begin with a 6: the length must fit what is there or cut, and the next
    // header must be one that Teredo clients send.
    let fits = length <= rest.len().saturating_sub(32) || walk.cut != 0;
    let known = matches!(next, 0 | 4 | 6 | 17 | 41 | 43 | 44 | 47 | 50 | 51 | 58 | 59 | 60 | 132);
    if version >> 4 != 6 || !fits || !known {
        return Err(Skip::NotIp);
    }
    ip::ipv6(walk, data)
}

/// AYIYA: identity and signature lengths, a forwarded packet, the next header's number.
fn ayiya<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([identity, signature, operation, next, ..], rest) = split::<8>(data)?;
    let identity = 1_usize << (identity >> 4);
    let signature = usize::from(signature >> 4) * 4;
    if operation & 0x0f != 1 {
        return Err(Skip::NotIp);
    }
    let rest = after(rest, identity + signature)?;
    match next {
        4 => ip::ipv4(walk, rest),
        41 => ip::ipv6(walk, rest),
        _ => Err(Skip::NotIp),
    }
}

/// LISP data (RFC 9300 5): eight bytes, then IP.
fn lisp<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    ip::by_version(walk, after(data, 8)?)
}

/// GUE (draft-ietf-intarea-gue): version 0 has a header with the number of a protocol, version 1
/// has none, its first bits are those of an IP packet.
fn gue<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([first, protocol], _) = split::<2>(data)?;
    match first >> 5 {
        0 => {
            let rest = after(data, usize::from(first & 0x1f) * 4 + 4)?;
            match protocol {
                4 | 41 => ip::by_version(walk, rest),
                47 if tunnel::gre(walk, rest) => Ok(()),
                137 => mpls(walk, rest),
                _ => Err(Skip::NotIp),
            }
        }
        // A control message.
        1 => Err(Skip::NotIp),
        2 | 3 => ip::by_version(walk, data),
        _ => Err(Skip::NotIp),
    }
}

/// CAPWAP data (RFC 5415 4.3): a header whose length it says, then an Ethernet or an 802.11 frame.
/// A preamble of one announces DTLS.
fn capwap<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([preamble, length, binding, flags, _, _, offset @ ..], _) = split::<8>(data)?;
    match preamble {
        0 => {}
        1 => return Err(Skip::Encrypted),
        _ => return Err(Skip::NotIp),
    }
    let length = usize::from(length >> 3) * 4;
    // Keep-alives carry no frame, later fragments not its beginning.
    if length < 8 || flags & 0x08 != 0 || u16::from_be_bytes(*offset) >> 3 != 0 {
        return Err(Skip::NotIp);
    }
    let frame = after(data, length)?;
    match (binding & 1, binding >> 1 & 0x1f) {
        (0, _) => ethernet(walk, frame),
        (_, 1) => either_order(walk, frame),
        _ => Err(Skip::NotIp),
    }
}

/// Remote mirroring of HP ProCurve switches: twelve bytes, then the frame.
fn hp_mirror<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    ethernet(walk, after(data, 12)?)
}

/// Packet mirroring of Juniper routers: two numbers of four bytes, then an IP packet, or a frame
/// of the line it was taken from.
fn juniper_mirror<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let rest = after(data, 8)?;
    if walk.attempt(ip::by_version, rest) || walk.attempt(ppp::serial, rest) {
        return Ok(());
    }
    ethernet(walk, rest)
}
