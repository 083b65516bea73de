//! Headers that the capturing system makes up: Linux cooked (SLL), BSD loopback, NFLOG, PF logs,
//! PPI and PKTAP.

use super::ethernet::{ethernet, ethertype, llc};
use super::ip;
use super::link::link;
use super::packet::Skip;
use super::serial;
use super::walk::{Step, Walk, after, split};
use super::wlan;
use crate::frame::LinkType;
use crate::net::Mac;

/// Linux cooked capture, version 1: packet type, ARP hardware type, sender, protocol.
pub(super) fn sll<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([_, _, h0, h1, _, length, a0, a1, a2, a3, a4, a5, _, _, p0, p1], rest) =
        split::<16>(data)?;
    sender(walk, *length, [*a0, *a1, *a2, *a3, *a4, *a5]);
    cooked(walk, (u16::from_be_bytes([*h0, *h1]), u16::from_be_bytes([*p0, *p1])), rest)
}

/// Linux cooked capture, version 2: protocol, interface, hardware type, packet type, sender.
pub(super) fn sll2<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([p0, p1, _, _, _, _, _, _, h0, h1, _, length, a0, a1, a2, a3, a4, a5, _, _], rest) =
        split::<20>(data)?;
    sender(walk, *length, [*a0, *a1, *a2, *a3, *a4, *a5]);
    cooked(walk, (u16::from_be_bytes([*h0, *h1]), u16::from_be_bytes([*p0, *p1])), rest)
}

/// Only the sender's address is known; the receiver's is left zero.
fn sender(walk: &mut Walk<'_>, length: u8, address: [u8; 6]) {
    if length == 6 && address != [0; 6] {
        walk.packet.macs = Some((Mac(address), Mac::default()));
    }
}

/// What follows a cooked header, by ARP hardware type and protocol.
fn cooked<'a>(walk: &mut Walk<'a>, (hardware, protocol): (u16, u16), data: &'a [u8]) -> Step {
    match (hardware, protocol) {
        // ARPHRD_IEEE80211, _PRISM, _RADIOTAP, _FRAD: the protocol says nothing.
        (801, _) => wlan::ieee80211(walk, data),
        (802, _) => wlan::prism(walk, data),
        (803, _) => wlan::radiotap(walk, data),
        (770, _) => serial::frame_relay(walk, data),
        (824, _) => Err(Skip::NotIp),
        (_, 0x0001) => ethernet(walk, data),
        (_, 0x0004) => llc(walk, data),
        (_, 0..0x0600) => Err(Skip::NotIp),
        (_, protocol) => ethertype(walk, protocol, data),
    }
}

/// BSD loopback: an address family in the capturing host's byte order. Some writers put Cisco
/// HDLC's header there, whose second half is an EtherType.
pub(super) fn null<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let (family, rest) = split::<4>(data)?;
    match u32::from_le_bytes(*family).min(u32::from_be_bytes(*family)) {
        // AF_INET; AF_INET6 of Linux, Windows, NetBSD, FreeBSD, macOS.
        2 | 10 | 23 | 24 | 28 | 30 => ip::by_version(walk, rest),
        kind @ 0x0600..=0xffff => ethertype(walk, u16::try_from(kind).unwrap_or(0), rest),
        _ => match *family {
            [0x0f | 0x8f, 0, k0, k1] if k0 > 5 => {
                ethertype(walk, u16::from_be_bytes([k0, k1]), rest)
            }
            _ => Err(Skip::NotIp),
        },
    }
}

/// NFLOG: family, version, group, then typed values in the capturing host's byte order, padded
/// to four bytes. Value 9 is the packet from its IP header.
pub(super) fn nflog<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let (_, mut rest) = split::<4>(data)?;
    loop {
        let ([l0, l1, k0, k1], value) = split::<4>(rest)?;
        // Lengths are small, types smaller: the lesser reading of a type is the right one.
        let little = u16::from_le_bytes([*k0, *k1]) <= u16::from_be_bytes([*k0, *k1]);
        let read = if little { u16::from_le_bytes } else { u16::from_be_bytes };
        let (length, kind) = (usize::from(read([*l0, *l1])), read([*k0, *k1]) & 0x7fff);
        match (kind, value) {
            (_, _) if length < 4 => return Err(Skip::Malformed),
            (9, _) => return ip::by_version(walk, value),
            (8, [_, size, _, _, a0, a1, a2, a3, a4, a5, ..]) => {
                sender(walk, *size, [*a0, *a1, *a2, *a3, *a4, *a5]);
            }
            _ => {}
        }
        rest = after(rest, length.next_multiple_of(4))?;
    }
}

/// PF log: header length, address family, then IP at a multiple of four bytes.
pub(super) fn pflog<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let length = usize::from(*data.first().ok_or(Skip::Short)?);
    ip::by_version(walk, after(data, length.next_multiple_of(4))?)
}

/// IPsec `enc` device: family, SPI and flags; the packet follows decrypted.
pub(super) fn enc<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    ip::by_version(walk, after(data, 12)?)
}

/// PPI: version, flags, length and link type, little-endian.
pub(super) fn ppi<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    walk.enter()?;
    let ([version, _, l0, l1, k0, k1, k2, k3], _) = split::<8>(data)?;
    let length = usize::from(u16::from_le_bytes([*l0, *l1]));
    if *version != 0 || length < 8 || [*k2, *k3] != [0, 0] {
        return Err(Skip::Malformed);
    }
    link(walk, LinkType(u16::from_le_bytes([*k0, *k1])), after(data, length)?)
}

/// PKTAP of macOS: length, next header, link type, little-endian.
pub(super) fn pktap<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    walk.enter()?;
    let ([l0, l1, l2, l3, _, _, _, _, k0, k1, _, _], _) = split::<12>(data)?;
    let length = usize::try_from(u32::from_le_bytes([*l0, *l1, *l2, *l3])).unwrap_or(usize::MAX);
    if length < 12 {
        return Err(Skip::Malformed);
    }
    link(walk, LinkType(u16::from_le_bytes([*k0, *k1])), after(data, length)?)
}
