//! Old and rare networks: FDDI, token ring, ARCNET, ATM, LAN emulation, IP over InfiniBand,
//! Fibre Channel and FireWire, NetAnalyzer boxes.

use super::ethernet::{ethernet, ethertype, llc};
use super::ip;
use super::packet::Skip;
use super::ppp;
use super::walk::{Step, Walk, after, macs, split};

/// FDDI: frame control, addresses, LLC.
pub(super) fn fddi<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([control], rest) = split::<1>(data)?;
    let (addresses, rest) = split::<12>(rest)?;
    // Asynchronous and synchronous LLC frames; the rest is ring management.
    if control & 0x70 != 0x50 {
        return Err(Skip::NotIp);
    }
    walk.packet.macs = Some(macs(addresses));
    llc(walk, rest)
}

/// Token ring (802.5): access and frame control, addresses, source route, LLC.
pub(super) fn token_ring<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([_, control], rest) = split::<2>(data)?;
    let (addresses, rest) = split::<12>(rest)?;
    if control & 0xc0 != 0x40 {
        return Err(Skip::NotIp);
    }
    walk.packet.macs = Some(macs(addresses));
    let [_, _, _, _, _, _, source, ..] = addresses;
    match rest.first() {
        // The source's group bit announces a route, which says its length.
        Some(route) if source & 0x80 != 0 => llc(walk, after(rest, usize::from(route & 0x1f))?),
        _ => llc(walk, rest),
    }
}

/// ARCNET as BSD captures it: source, destination, type.
pub(super) fn arcnet<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([_, _, kind], rest) = split::<3>(data)?;
    arcnet_payload(walk, *kind, rest)
}

/// ARCNET as Linux captures it: two bytes of offset before the type.
pub(super) fn arcnet_linux<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([_, _, _, _, kind], rest) = split::<5>(data)?;
    arcnet_payload(walk, *kind, rest)
}

/// RFC 1051 has no further header; RFC 1201 has a split flag and a sequence number, and four
/// bytes more in an exception packet. Only a first fragment has addresses.
fn arcnet_payload<'a>(walk: &mut Walk<'a>, kind: u8, data: &'a [u8]) -> Step {
    let reached = |data: &'a [u8]| match data {
        [0xff, _, _, _, flag, _, _, rest @ ..] | [flag, _, _, rest @ ..] => {
            if *flag <= 1 || flag & 1 != 0 { Ok(rest) } else { Err(Skip::NotIp) }
        }
        _ => Err(Skip::Short),
    };
    match kind {
        0xf0 => ip::ipv4(walk, data),
        0xd4 => ip::ipv4(walk, reached(data)?),
        0xc4 => ip::ipv6(walk, reached(data)?),
        _ => Err(Skip::NotIp),
    }
}

/// AAL5 (RFC 2684): LLC, or IP alone on its circuit.
pub(super) fn atm<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    if walk.attempt(llc, data) { Ok(()) } else { ip::by_version(walk, data) }
}

/// SunATM: traffic type, path, circuit.
pub(super) fn sun_atm<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([flags, ..], rest) = split::<4>(data)?;
    match flags & 0x0f {
        1 => lane(walk, rest),
        _ => atm(walk, rest),
    }
}

/// LAN emulation: two bytes of client number, then Ethernet.
pub(super) fn lane<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    match data {
        [0xff, 0x00, ..] => Err(Skip::NotIp),
        _ => ethernet(walk, after(data, 2)?),
    }
}

/// IP over InfiniBand: grid routing header of 40 bytes, EtherType, two reserved bytes.
pub(super) fn infiniband<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([k0, k1, _, _], rest) = split::<4>(after(data, 40)?)?;
    ethertype(walk, u16::from_be_bytes([*k0, *k1]), rest)
}

/// IP over Fibre Channel (RFC 2625): two addresses of eight bytes, LLC.
pub(super) fn fibre_channel<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    llc(walk, after(data, 16)?)
}

/// IP over FireWire (RFC 2734) as macOS captures it: two addresses of eight bytes, EtherType.
pub(super) fn firewire<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([k0, k1], rest) = split::<2>(after(data, 16)?)?;
    ethertype(walk, u16::from_be_bytes([*k0, *k1]), rest)
}

/// NetAnalyzer: four bytes, then Ethernet.
pub(super) fn net_analyzer<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    ethernet(walk, after(data, 4)?)
}

/// NetAnalyzer in transparent mode: four bytes and a preamble of eight, then Ethernet.
pub(super) fn net_analyzer_transparent<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    ethernet(walk, after(data, 12)?)
}

/// Solaris IPNET: a header of 24 bytes, then IP.
pub(super) fn ipnet<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    ip::by_version(walk, after(data, 24)?)
}

/// Endace's extensible record format: sixteen bytes, extension headers of eight, then by type
/// two bytes and Ethernet, PPP or Cisco HDLC, or IP.
pub(super) fn erf<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([_, _, _, _, _, _, _, _, kind, ..], mut rest) = split::<16>(data)?;
    let mut more = kind & 0x80 != 0;
    while more {
        let ([first, ..], next) = split::<8>(rest)?;
        more = first & 0x80 != 0;
        rest = next;
    }
    match kind & 0x7f {
        2 | 11 | 16 => ethernet(walk, after(rest, 2)?),
        1 | 10 | 15 => ppp::serial(walk, rest),
        22 | 23 => ip::by_version(walk, rest),
        _ => Err(Skip::NotIp),
    }
}
