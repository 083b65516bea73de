//! Ethernet II and 802.3, VLAN tags, LLC and SNAP, and the table of EtherTypes.

use super::packet::Skip;
use super::walk::{Step, Walk, after, macs, split};
use super::{ip, mpls, ppp, switch_tag, tunnel};

/// Tags that one frame may stack: far more than any switch passes on; more are counted.
const TAGS: u8 = 32;

/// An Ethernet frame from its destination address.
#[inline]
pub(super) fn ethernet<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let (addresses, rest) = split::<12>(data)?;
    let (kind, rest) = split::<2>(rest)?;
    walk.packet.macs = Some(macs(addresses));
    match u16::from_be_bytes(*kind) {
        0x0800 => ip::ipv4(walk, rest),
        kind => ethertype(walk, kind, rest),
    }
}

/// What follows an EtherType or an 802.3 length.
pub(super) fn ethertype<'a>(walk: &mut Walk<'a>, mut kind: u16, mut data: &'a [u8]) -> Step {
    for _ in 0..=TAGS {
        match kind {
            0x0800 => return ip::ipv4(walk, data),
            0x86dd => return ip::ipv6(walk, data),
            // 802.1Q, 802.1ad, and the tags of before 802.1ad.
            0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => {
                let ([t0, t1, k0, k1], rest) = split::<4>(data)?;
                walk.packet.vlans.push(u16::from_be_bytes([*t0, *t1]) & 0x0fff);
                kind = u16::from_be_bytes([*k0, *k1]);
                data = rest;
            }
            _ => return other(walk, kind, data),
        }
    }
    Err(Skip::TooDeep)
}

/// The rarer EtherTypes.
fn other<'a>(walk: &mut Walk<'a>, kind: u16, data: &'a [u8]) -> Step {
    walk.enter()?;
    match kind {
        0..=1500 | 0x8870 => llc(walk, data),
        0x0806 => ip::arp(walk, data),
        0x6558 => ethernet(walk, data),
        0x8847 | 0x8848 => mpls::mpls(walk, data),
        0x8864 => ppp::pppoe(walk, data),
        0x880b => ppp::ppp(walk, data),
        0x894f => tunnel::nsh(walk, data),
        // I-TAG of 802.1ah: four bytes, then the customer's frame.
        0x88e7 => ethernet(walk, after(data, 4)?),
        // E-TAG (802.1BR), VN-TAG, Cisco metadata: bytes, then an EtherType.
        0x893f => tagged(walk, data, 6),
        0x8926 => tagged(walk, data, 4),
        0x8909 => tagged(walk, data, 6),
        // HSR (IEC 62439-3) and R-TAG (802.1CB): size or zeros, sequence number, an EtherType.
        0x892f | 0xf1c1 => tagged(walk, data, 4),
        // Marvell EtherType-DSA: two reserved bytes, then the DSA tag.
        0xdada => switch_tag::dsa_tag(walk, after(data, 2)?),
        // FabricPath: two bytes of tag, then the customer's frame.
        0x8903 => ethernet(walk, after(data, 2)?),
        0x22f3 => trill(walk, data),
        0xd28b => arista(walk, data),
        0x88e5 => macsec(walk, data),
        _ => Err(Skip::NotIp),
    }
}

/// `count` bytes of tag, then an EtherType.
pub(super) fn tagged<'a>(walk: &mut Walk<'a>, data: &'a [u8], count: usize) -> Step {
    let (kind, rest) = split::<2>(after(data, count)?)?;
    ethertype(walk, u16::from_be_bytes(*kind), rest)
}

/// TRILL (RFC 6325 3.1): version and option length, two nicknames, then the customer's frame.
fn trill<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([f0, f1, ..], rest) = split::<6>(data)?;
    let options = u16::from_be_bytes([*f0, *f1]) >> 6 & 0x1f;
    ethernet(walk, after(rest, usize::from(options) * 4)?)
}

/// Arista's timestamp header: subtype, version, then 64 or 48 bits of time.
fn arista<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([_, kind, _, version], rest) = split::<4>(data)?;
    match (*kind, *version) {
        (1, 0x10) => tagged(walk, rest, 8),
        (1, 0x20) => tagged(walk, rest, 6),
        _ => Err(Skip::NotIp),
    }
}

/// MACsec (802.1AE 9.3): readable only where it merely signs.
fn macsec<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let control = *data.first().ok_or(Skip::Short)?;
    match control & 0x2c {
        0x00 => tagged(walk, data, 6),
        0x20 => tagged(walk, data, 14),
        _ => Err(Skip::Encrypted),
    }
}

/// 802.2 LLC: SNAP, IP directly (RFC 948), or an OSI network layer id.
pub(super) fn llc<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    walk.enter()?;
    let ([destination, source, _], rest) = split::<3>(data)?;
    match (*destination & 0xfe, *source & 0xfe) {
        (0xaa, 0xaa) => snap(walk, rest),
        (0x06, 0x06) => ip::by_version(walk, rest),
        (0xfe, 0xfe) => nlpid(walk, rest),
        _ => Err(Skip::NotIp),
    }
}

/// SNAP: an organisation and its protocol number.
pub(super) fn snap<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([o0, o1, o2, k0, k1], rest) = split::<5>(data)?;
    match ([*o0, *o1, *o2], u16::from_be_bytes([*k0, *k1])) {
        ([0, 0, 0 | 0xf8], kind) => ethertype(walk, kind, rest),
        // Bridged Ethernet with and without FCS; ATM pads it by two bytes (RFC 2684 5.2).
        ([0, 0x80, 0xc2], 1 | 7) => match rest {
            [0, 0, padded @ ..] if walk.attempt(ethernet, padded) => Ok(()),
            _ => ethernet(walk, rest),
        },
        _ => Err(Skip::NotIp),
    }
}

/// Network layer protocol id (ISO/IEC TR 9577), as frame relay and LLC use it.
pub(super) fn nlpid<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([kind], rest) = split::<1>(data)?;
    match kind {
        0xcc => ip::ipv4(walk, rest),
        0x8e => ip::ipv6(walk, rest),
        0xcf => ppp::ppp(walk, rest),
        0x80 => snap(walk, rest),
        _ => Err(Skip::NotIp),
    }
}
