//! Serial links: frame relay (RFC 2427), its multilink form (FRF.16), SLIP (RFC 1055).

use super::ethernet::{ethertype, nlpid};
use super::ip;
use super::packet::Skip;
use super::ppp;
use super::walk::{Step, Walk, after, split};

/// A frame relay frame: an address of two to four bytes, then RFC 2427 or Cisco's EtherType.
pub(super) fn frame_relay<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    walk.enter()?;
    // The address ends at the byte whose lowest bit is set (Q.922).
    let length = data.iter().take(4).position(|byte| byte & 1 != 0).ok_or(Skip::Malformed)? + 1;
    if length < 2 {
        return Err(Skip::Malformed);
    }
    match after(data, length)? {
        // Unnumbered information, with a pad byte where it aligns what follows.
        [0x03, 0x00, rest @ ..] | [0x03, rest @ ..] => nlpid(walk, rest),
        [k0, k1, rest @ ..] => ethertype(walk, u16::from_be_bytes([*k0, *k1]), rest),
        _ => Err(Skip::Short),
    }
}

/// Multilink frame relay: two bytes of sequence, then the frame if it begins here.
pub(super) fn multilink_frame_relay<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([flags, _], rest) = split::<2>(data)?;
    // Begin is set and Control is not.
    if flags & 0xa0 != 0x80 {
        return Err(Skip::NotIp);
    }
    frame_relay(walk, rest)
}

/// SLIP: the capture's header of sixteen bytes (direction, compressed header), then IP.
pub(super) fn slip<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let (_, rest) = split::<16>(data)?;
    // Compressed TCP (RFC 1144) has bit 7 set and needs the packets before it.
    match rest.first() {
        Some(first) if first & 0x80 != 0 => Err(Skip::NotIp),
        _ => ip::by_version(walk, rest),
    }
}

/// One byte of direction, then PPP.
pub(super) fn ppp_with_direction<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    ppp::ppp(walk, after(data, 1)?)
}

/// One byte of direction, then Cisco HDLC.
pub(super) fn hdlc_with_direction<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    ppp::cisco_hdlc(walk, after(data, 1)?)
}

/// One byte of direction, then frame relay.
pub(super) fn relay_with_direction<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    frame_relay(walk, after(data, 1)?)
}
