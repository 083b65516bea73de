//! Tags that switch chips put into frames to their management port: Marvell DSA and EtherType
//! DSA, Broadcom, and the preemption preamble of 802.3br.

use super::ethernet::{ethernet, ethertype};
use super::packet::Skip;
use super::walk::{Step, Walk, after, macs, split};

/// DSA: the tag of four bytes stands where the EtherType would.
pub(super) fn dsa<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let (addresses, rest) = split::<12>(data)?;
    walk.packet.macs = Some(macs(addresses));
    dsa_tag(walk, rest)
}

/// The tag from its first byte, then an EtherType. A VLAN tag is folded into it.
pub(super) fn dsa_tag<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([mode, _, t0, t1, k0, k1], rest) = split::<6>(data)?;
    if mode & 0x20 != 0 {
        walk.packet.vlans.push(u16::from_be_bytes([*t0, *t1]) & 0x0fff);
    }
    // Bit 12 announces four bytes more.
    if t0 & 0x10 != 0 {
        let ([k2, k3], more) = split::<2>(after(data, 8)?)?;
        let extended = u16::from_be_bytes([*k2, *k3]);
        if walk.attempt(|walk, data| ethertype(walk, extended, data), more) {
            return Ok(());
        }
    }
    ethertype(walk, u16::from_be_bytes([*k0, *k1]), rest)
}

/// Broadcom: the tag of four bytes (eight if its first three bits say so) stands where the
/// EtherType would.
pub(super) fn broadcom<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let (addresses, rest) = split::<12>(data)?;
    walk.packet.macs = Some(macs(addresses));
    let length = broadcom_length(rest)?;
    let ([k0, k1], rest) = split::<2>(after(rest, length)?)?;
    ethertype(walk, u16::from_be_bytes([*k0, *k1]), rest)
}

/// Broadcom, the tag before the destination address.
pub(super) fn broadcom_prepended<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    ethernet(walk, after(data, broadcom_length(data)?)?)
}

fn broadcom_length(tag: &[u8]) -> Result<usize, Skip> {
    // Operation code 2 is the extended tag.
    Ok(if tag.first().ok_or(Skip::Short)? >> 5 == 2 { 8 } else { 4 })
}

/// An mPacket (802.3br): preamble, a start byte, the frame. Only a frame's first piece has its
/// addresses.
pub(super) fn mpacket<'a>(walk: &mut Walk<'a>, mut data: &'a [u8]) -> Step {
    for _ in 0..8 {
        let ([byte], rest) = split::<1>(data)?;
        data = rest;
        match byte {
            0x55 => {}
            // Express, and the four start bytes of preemptable frames.
            0xd5 | 0xe6 | 0x4c | 0x7f | 0xb3 => return ethernet(walk, data),
            _ => return Err(Skip::NotIp),
        }
    }
    Err(Skip::NotIp)
}
