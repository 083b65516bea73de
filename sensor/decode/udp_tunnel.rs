//! Tunnels over UDP. A port is only a guess: the content must be a packet, or the datagram
//! stays the plain UDP it is.

use super::ethernet::{ethernet, ethertype};
use super::link::link;
use super::mpls::mpls;
use super::packet::{Skip, TunnelKind};
use super::walk::{Step, Walk, after, at_most, split};
use super::{ip, ppp, tunnel};
use crate::capture::LinkType;

/// Must a datagram be looked at as a tunnel?
#[inline]
pub(super) fn may_be(ports: (u16, u16), data: &[u8]) -> bool {
    is_known(ports) || (begins_as_ipv6(data) && has_teredo_address(data))
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
    const TO: u64 = bits(&[4341, 4754, 4789, 4790, 6081, 6635, 8472, 37008]) | FROM;
    const FROM: u64 = bits(&[1701, 2152, 3386, 3544, 5072]);
    (TO & bit(destination)) | (FROM & bit(source)) != 0
}

const fn is_one_of_them(ports: (u16, u16)) -> bool {
    matches!(
        ports,
        (_, 1701 | 2152 | 3386 | 3544 | 4341 | 4754 | 4789 | 4790 | 5072 | 6081 | 6635 | 8472)
            | (_, 37008)
            | (1701 | 2152 | 3386 | 3544 | 5072, _)
    )
}

#[inline]
fn begins_as_ipv6(data: &[u8]) -> bool {
    data.first().is_some_and(|first| first >> 4 == 6)
}

/// Follows a datagram whose ports (source, destination) are those of a tunnel.
#[inline]
pub(super) fn by_port<'a>(walk: &mut Walk<'a>, ports: (u16, u16), data: &'a [u8]) {
    if is_known(ports) {
        follow(walk, ports, data);
    } else if begins_as_ipv6(data) {
        relayed_teredo(walk, data);
    }
}

/// Teredo between a client and its relay, whose ports are any (RFC 4380 3.3): a whole IPv6 packet
/// with an address of the Teredo prefix 2001::/32.
#[cold]
fn relayed_teredo<'a>(walk: &mut Walk<'a>, data: &'a [u8]) {
    if has_teredo_address(data) {
        walk.tunnel(TunnelKind::Teredo, teredo, data);
    }
}

/// Has the IPv6 packet an address of the Teredo prefix?
fn has_teredo_address(data: &[u8]) -> bool {
    let prefix = |at: usize| data.get(at..).is_some_and(|from| from.starts_with(&[0x20, 1, 0, 0]));
    prefix(8) || prefix(24)
}

#[cold]
fn follow<'a>(walk: &mut Walk<'a>, (source, destination): (u16, u16), data: &'a [u8]) {
    let found = match destination {
        4789 | 8472 => walk.tunnel(TunnelKind::Vxlan, vxlan, data),
        4790 => walk.tunnel(TunnelKind::Vxlan, vxlan_gpe, data),
        6081 => walk.tunnel(TunnelKind::Geneve, geneve, data),
        37008 => walk.tunnel(TunnelKind::Tzsp, tzsp, data),
        4341 => walk.tunnel(TunnelKind::Other, lisp, data),
        6635 => walk.tunnel(TunnelKind::Other, mpls, data),
        4754 => tunnel::gre(walk, data),
        _ => false,
    };
    if found {
        return;
    }
    let either = |port| source == port || destination == port;
    if either(2152) || either(3386) {
        walk.tunnel(TunnelKind::Gtp, gtp, data);
    } else if either(3544) {
        walk.tunnel(TunnelKind::Teredo, teredo, data);
    } else if either(5072) {
        walk.tunnel(TunnelKind::Other, ayiya, data);
    } else if either(1701) {
        walk.tunnel(TunnelKind::Other, ppp::l2tp, data);
    }
}

/// VXLAN (RFC 7348 5), and GPE on its port: flags, reserved, VNI, reserved.
fn vxlan<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([flags, _, _, next, ..], rest) = split::<8>(data)?;
    match flags & 0x0c {
        0x08 => ethernet(walk, rest),
        0x0c => tunnel::next_protocol(walk, *next, rest),
        _ => Err(Skip::NotIp),
    }
}

/// VXLAN-GPE: version 0; without the P flag it is plain VXLAN.
fn vxlan_gpe<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([flags, _, _, next, ..], rest) = split::<8>(data)?;
    match flags & 0x34 {
        0x00 => ethernet(walk, rest),
        0x04 => tunnel::next_protocol(walk, *next, rest),
        _ => Err(Skip::NotIp),
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
