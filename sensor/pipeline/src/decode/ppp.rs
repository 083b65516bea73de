//! PPP (RFC 1661), its HDLC framing (RFC 1662), PPPoE (RFC 2516), and the L2TP data messages
//! that carry it (RFC 2661).

use super::ethernet::{ethernet, ethertype};
use super::packet::Skip;
use super::walk::{Step, Walk, after, at_most, split};
use super::{ip, mpls};

/// A PPP frame, with or without address and control bytes, with one or two protocol bytes.
pub(super) fn ppp<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    walk.enter()?;
    let data = match data {
        [0xff, 0x03, rest @ ..] => rest,
        _ => data,
    };
    let (protocol, rest) = match data {
        // Protocol numbers are odd; an odd first byte is a compressed one (RFC 1661 6.5).
        [short, rest @ ..] if short & 1 != 0 => (u16::from(*short), rest),
        [p0, p1, rest @ ..] => (u16::from_be_bytes([*p0, *p1]), rest),
        _ => return Err(Skip::Short),
    };
    match protocol {
        0x0021 => ip::ipv4(walk, rest),
        0x0057 => ip::ipv6(walk, rest),
        0x0031 => bridged(walk, rest),
        0x003d => multilink(walk, rest),
        0x0053 | 0x0055 => Err(Skip::Encrypted),
        0x0281 | 0x0283 => mpls::mpls(walk, rest),
        _ => Err(Skip::NotIp),
    }
}

/// Bridged PDU (RFC 3518 4.2): flags, MAC type, then the frame.
fn bridged<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    match data {
        [_, 1, frame @ ..] => ethernet(walk, frame),
        _ => Err(Skip::NotIp),
    }
}

/// A fragment of a multilink bundle (RFC 1990 3): only the beginning shows what it is.
fn multilink<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let first = *data.first().ok_or(Skip::Short)?;
    if first & 0x80 == 0 {
        return Err(Skip::NotIp);
    }
    // Long sequence numbers leave six bits of the first byte zero, short ones two.
    if first & 0x3f == 0 && walk.attempt(|walk, data| ppp(walk, after(data, 4)?), data) {
        return Ok(());
    }
    ppp(walk, after(data, 2)?)
}

/// A PPPoE session packet: its length field bounds the PPP frame, so that padding of short
/// Ethernet frames is not read.
pub(super) fn pppoe<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([version, code, _, _, l0, l1], rest) = split::<6>(data)?;
    if *version != 0x11 {
        return Err(Skip::Malformed);
    }
    if *code != 0 {
        return Err(Skip::NotIp);
    }
    ppp(walk, at_most(rest, usize::from(u16::from_be_bytes([*l0, *l1]))))
}

/// Synchronous serial line: PPP in HDLC framing, or Cisco's framing (RFC 1662, RFC 1547).
pub(super) fn serial<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    match data {
        [0x0f | 0x8f, _, ..] => cisco_hdlc(walk, data),
        _ => ppp(walk, data),
    }
}

/// Cisco HDLC: address, control, EtherType. Some captures hold PPP instead.
pub(super) fn cisco_hdlc<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    if let [0xff, 0x03, ..] = data {
        return ppp(walk, data);
    }
    let ([_, _, k0, k1], rest) = split::<4>(data)?;
    ethertype(walk, u16::from_be_bytes([*k0, *k1]), rest)
}

/// An L2TP version 2 data message: optional fields by flag, then PPP.
pub(super) fn l2tp<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([f0, f1], rest) = split::<2>(data)?;
    // Control messages (T) carry no packet; the version is 2; reserved bits are zero.
    if f0 & 0x80 != 0 || f1 & 0x0f != 2 || f0 & 0x34 != 0 || f1 & 0xf0 != 0 {
        return Err(Skip::NotIp);
    }
    let length = if f0 & 0x40 != 0 { 2 } else { 0 };
    let numbers = if f0 & 0x08 != 0 { 4 } else { 0 };
    let rest = after(rest, length + 4 + numbers)?;
    if f0 & 0x02 == 0 {
        return ppp(walk, rest);
    }
    let (offset, rest) = split::<2>(rest)?;
    ppp(walk, after(rest, usize::from(u16::from_be_bytes(*offset)))?)
}
