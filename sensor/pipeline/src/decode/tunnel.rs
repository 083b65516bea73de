//! Tunnels that are an IP protocol of their own: IP in IP, GRE, ERSPAN, EtherIP, MPLS, PIM
//! registers; and the network service header. What is no tunnel after all stays as it was.

use super::esp;
use super::ethernet::{ethernet, ethertype};
use super::ip;
use super::mpls::mpls;
use super::packet::{Skip, TunnelKind};
use super::walk::{Step, Walk, after, at_most, split};
use super::wlan::ieee80211;

/// Follows what an IP payload of this protocol carries, if it is a tunnel; notes one that is not
/// read.
pub(super) fn by_protocol<'a>(walk: &mut Walk<'a>, protocol: u8, data: &'a [u8]) {
    let other = TunnelKind::Other;
    let (kind, read) = match protocol {
        // IP in IP of any two versions; 94 and 98 are its forgotten siblings.
        4 | 41 | 94 | 98 => (TunnelKind::Ip, walk.tunnel(TunnelKind::Ip, ip::by_version, data)),
        47 => (TunnelKind::Gre, gre(walk, data)),
        50 => (TunnelKind::Esp, esp::esp(walk, data)),
        97 => (other, walk.tunnel(other, etherip, data)),
        // Other messages of PIM carry nothing.
        103 if data.first() == Some(&0x21) => (other, walk.tunnel(other, pim_register, data)),
        115 => (other, walk.tunnel(other, l2tpv3, data)),
        137 => (other, walk.tunnel(other, mpls, data)),
        143 => (other, walk.tunnel(other, ethernet, data)),
        _ => return,
    };
    if !read {
        walk.packet.unread = walk.packet.unread.or(Some(kind));
    }
}

/// The parts of a GRE header that matter.
struct Gre<'a> {
    protocol: u16,
    /// Sequence number present: what tells ERSPAN II from I.
    numbered: bool,
    payload: &'a [u8],
}

/// Transparent Ethernet bridging.
const ETHERNET: u16 = 0x6558;

/// GRE version 0 (RFC 2784, 2890, routing of RFC 1701) and 1 (PPTP, RFC 2637 4.1).
fn gre_header(data: &[u8]) -> Result<Gre<'_>, Skip> {
    let ([f0, f1, p0, p1], mut rest) = split::<4>(data)?;
    let (protocol, version) = (u16::from_be_bytes([*p0, *p1]), f1 & 0x07);
    let (checksum, routing, key, numbered) =
        (f0 & 0x80 != 0, f0 & 0x40 != 0, f0 & 0x20 != 0, f0 & 0x10 != 0);
    let mut fields = 0;
    // EoIP of MikroTik: the frame's length, a number of the tunnel, the frame.
    if [*f0, *f1, *p0, *p1] == [0x20, 0x01, 0x64, 0x00] {
        let ([l0, l1, _, _], frame) = split::<4>(rest)?;
        let payload = at_most(frame, usize::from(u16::from_be_bytes([*l0, *l1])));
        return Ok(Gre { protocol: ETHERNET, numbered, payload });
    }
    if version > 1 || (version == 1 && (protocol != 0x880b || !key)) {
        return Err(Skip::Malformed);
    }
    for present in [checksum || routing, key, numbered, version == 1 && f1 & 0x80 != 0] {
        fields += if present { 4 } else { 0 };
    }
    if version == 1 {
        let length = rest.first_chunk::<2>().ok_or(Skip::Short)?;
        rest = at_most(after(rest, fields)?, usize::from(u16::from_be_bytes(*length)));
        return Ok(Gre { protocol, numbered, payload: rest });
    }
    rest = after(rest, fields)?;
    let payload = if routing { after_routes(rest)? } else { rest };
    Ok(Gre { protocol, numbered, payload })
}

/// What follows the source routes: each entry says its own length, an empty one ends them.
fn after_routes(mut data: &[u8]) -> Result<&[u8], Skip> {
    loop {
        let ([a0, a1, _, length], entry) = split::<4>(data)?;
        data = after(entry, usize::from(*length))?;
        if [*a0, *a1, *length] == [0, 0, 0] {
            return Ok(data);
        }
    }
}

/// GRE over IP, or over UDP (RFC 8086).
pub(super) fn gre<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> bool {
    let Ok(Gre { protocol, numbered, payload }) = gre_header(data) else { return false };
    match protocol {
        0x88be if numbered => walk.tunnel(TunnelKind::Erspan, erspan2, payload),
        0x88be => walk.tunnel(TunnelKind::Erspan, ethernet, payload),
        0x22eb => walk.tunnel(TunnelKind::Erspan, erspan3, payload),
        0x883e => walk.tunnel(TunnelKind::Gre, wccp, payload),
        0x8909 => walk.tunnel(TunnelKind::Gre, cisco_metadata, payload),
        // Aruba access points tunnel 802.11 frames under numbers of their own.
        0x8200..=0x83ff => walk.tunnel(TunnelKind::Gre, ieee80211, payload),
        // Below 1536 it is no EtherType: ISO, Cisco keepalives ...
        0..0x0600 => false,
        kind => walk.tunnel(TunnelKind::Gre, |walk, data| ethertype(walk, kind, data), payload),
    }
}

/// ERSPAN II: eight bytes, version 1. Some mirrors number type I packets.
fn erspan2<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    if data.first().is_some_and(|first| first >> 4 == 1)
        && walk.attempt(|walk, data| ethernet(walk, after(data, 8)?), data)
    {
        return Ok(());
    }
    ethernet(walk, data)
}

/// ERSPAN III: twelve bytes, eight more if the last bit is set; the frame type says what follows.
fn erspan3<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([first, .., kind, last], rest) = split::<12>(data)?;
    if first >> 4 != 2 {
        return Err(Skip::Malformed);
    }
    let rest = if last & 1 != 0 { after(rest, 8)? } else { rest };
    match kind >> 2 & 0x1f {
        2 => ip::by_version(walk, rest),
        _ => ethernet(walk, rest),
    }
}

/// Cisco metadata within GRE: unlike on Ethernet the EtherType stands before it.
fn cisco_metadata<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([k0, k1, ..], rest) = split::<8>(data)?;
    ethertype(walk, u16::from_be_bytes([*k0, *k1]), rest)
}

/// WCCP redirection: version 2 puts four bytes before the packet.
fn wccp<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    if walk.attempt(ip::by_version, data) {
        return Ok(());
    }
    ip::by_version(walk, after(data, 4)?)
}

/// EtherIP (RFC 3378): version 3 in two bytes. EoIPv6 of MikroTik has the version in the other
/// half of the first byte, and the number of the tunnel in the rest.
fn etherip<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([first, _], frame) = split::<2>(data)?;
    if first >> 4 != 3 && first & 0x0f != 3 {
        return Err(Skip::Malformed);
    }
    ethernet(walk, frame)
}

/// PIM version 2 register (RFC 7761 4.9.3): the multicast packet follows eight bytes.
fn pim_register<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    match data {
        [0x21, _, _, _, _, _, _, _, packet @ ..] => ip::by_version(walk, packet),
        _ => Err(Skip::NotIp),
    }
}

/// L2TP version 3 over IP (RFC 3931 4.1.1): session, a cookie of unsaid length, perhaps a
/// sublayer, then a frame. Content decides.
fn l2tpv3<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    if data.first_chunk::<4>().is_none_or(|session| *session == [0; 4]) {
        return Err(Skip::NotIp);
    }
    for header in [4, 8, 12, 16] {
        if walk.attempt(|walk, data| ethernet(walk, after(data, header)?), data) {
            return Ok(());
        }
    }
    Err(Skip::NotIp)
}

/// Network service header (RFC 8300 2.2): length in four-byte units, next protocol.
pub(super) fn nsh<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    walk.enter()?;
    let [version, length, _, next, ..] = *data else { return Err(Skip::Short) };
    let length = usize::from(length & 0x3f) * 4;
    if version >> 6 != 0 || length < 8 {
        return Err(Skip::Malformed);
    }
    next_protocol(walk, next, after(data, length)?)
}

/// The protocol numbers that NSH and VXLAN-GPE share.
pub(super) fn next_protocol<'a>(walk: &mut Walk<'a>, next: u8, data: &'a [u8]) -> Step {
    match next {
        1 => ip::ipv4(walk, data),
        2 => ip::ipv6(walk, data),
        3 => ethernet(walk, data),
        4 => nsh(walk, data),
        5 => mpls(walk, data),
        _ => Err(Skip::NotIp),
    }
}
