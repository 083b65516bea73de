//! 802.11 data frames, and the headers that capture drivers put before them: radiotap, Prism,
//! AVS, PPI. Encrypted frames are said to be so, never guessed at.

use super::ethernet::{ethertype, llc};
use super::packet::Skip;
use super::walk::{Step, Walk, after, at_most, macs, split};
use crate::net::Mac;

/// How the 802.11 header is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As the standard says.
    Plain,
    /// The driver pads it to four bytes.
    Padded,
    /// The two bytes of frame control the other way round.
    Swapped,
}

/// An 802.11 frame without driver header.
pub(super) fn ieee80211<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    frame(walk, data, Form::Plain)
}

/// An 802.11 frame whose frame control may stand the other way round, as some access points
/// send it to their controller.
pub(super) fn either_order<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let swapped = matches!(data, [first, second, ..] if first & 0x0f != 8 && second & 0x0f == 8);
    frame(walk, data, if swapped { Form::Swapped } else { Form::Plain })
}

/// Radiotap, then 802.11.
pub(super) fn radiotap<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([version, _, l0, l1, _, _, _, present], _) = split::<8>(data)?;
    let length = usize::from(u16::from_le_bytes([*l0, *l1]));
    if *version != 0 || length < 8 {
        return Err(Skip::Malformed);
    }
    let header = at_most(data, length);
    let form = match radiotap_flags(header, *present) {
        Some(flags) if flags & 0x20 != 0 => Form::Padded,
        _ => Form::Plain,
    };
    frame(walk, after(data, length)?, form)
}

/// The `Flags` field, the second one there can be: after the presence words and the timestamp.
/// `last` is the high byte of the first presence word.
fn radiotap_flags(header: &[u8], last: u8) -> Option<u8> {
    let first = *header.get(4)?;
    if first & 0x02 == 0 {
        return None;
    }
    let (mut at, mut more) = (8, last & 0x80 != 0);
    while more {
        more = header.get(at + 3)? & 0x80 != 0;
        at += 4;
    }
    if first & 0x01 != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    header.get(at).copied()
}

/// Prism: a message code, a length in the capturing host's order, then 802.11. AVS reuses the
/// link type; its version tells.
pub(super) fn prism<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([code @ .., l0, l1, l2, l3], _) = split::<8>(data)?;
    if code.starts_with(&[0x80, 0x21, 0x10]) {
        return avs(walk, data);
    }
    let length = [*l0, *l1, *l2, *l3];
    let length = u32::from_le_bytes(length).min(u32::from_be_bytes(length));
    frame(walk, after(data, usize::try_from(length).unwrap_or(0).max(8))?, Form::Plain)
}

/// AVS: version, length, both in network order, then 802.11.
pub(super) fn avs<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    let ([_, _, _, _, l0, l1, l2, l3], _) = split::<8>(data)?;
    let length = u32::from_be_bytes([*l0, *l1, *l2, *l3]);
    frame(walk, after(data, usize::try_from(length).unwrap_or(0).max(8))?, Form::Plain)
}

/// Which data frame, as the header's flags say.
struct Header<'a> {
    /// After header and padding.
    body: &'a [u8],
    source: Mac,
    destination: Mac,
    /// The body is a list of subframes (A-MSDU).
    aggregate: bool,
    protected: bool,
}

fn header(data: &[u8], form: Form) -> Result<Header<'_>, Skip> {
    let ([control, flags, _, _], rest) = split::<4>(data)?;
    let (control, flags) = if form == Form::Swapped { (flags, control) } else { (control, flags) };
    // Type data; subtypes with the third bit set carry none; version 0.
    if control & 0x0f != 0x08 || control & 0x40 != 0 {
        return Err(Skip::NotIp);
    }
    let (first, rest) = split::<6>(rest)?;
    let (second, rest) = split::<6>(rest)?;
    let (third, rest) = split::<6>(rest)?;
    let ([sequence, _], mut rest) = split::<2>(rest)?;
    // Later fragments start in the middle of the data.
    if sequence & 0x0f != 0 {
        return Err(Skip::NotIp);
    }
    let direction = flags & 0x03;
    let (source, destination) = match direction {
        0 => (second, first),
        1 => (second, third),
        2 => (third, first),
        _ => {
            let (fourth, more) = split::<6>(rest)?;
            rest = more;
            (fourth, third)
        }
    };
    let mut aggregate = false;
    if control & 0x80 != 0 {
        let ([qos, _], more) = split::<2>(rest)?;
        aggregate = qos & 0x80 != 0;
        // +HTC: the order bit of a QoS frame.
        rest = if flags & 0x80 != 0 { after(more, 4)? } else { more };
    }
    let length = data.len() - rest.len();
    if form == Form::Padded {
        rest = after(rest, length.next_multiple_of(4) - length)?;
    }
    Ok(Header {
        body: rest,
        source: Mac(*source),
        destination: Mac(*destination),
        aggregate,
        protected: flags & 0x40 != 0,
    })
}

/// An 802.11 frame from its frame control field.
fn frame<'a>(walk: &mut Walk<'a>, data: &'a [u8], form: Form) -> Step {
    walk.enter()?;
    let header = header(data, form)?;
    walk.packet.macs = Some((header.source, header.destination));
    // Captures that were decrypted often keep the bit: a SNAP header in clear decides.
    if header.protected && !header.body.starts_with(&[0xaa, 0xaa, 0x03, 0, 0]) {
        return Err(Skip::Encrypted);
    }
    if header.aggregate { subframes(walk, header.body) } else { payload(walk, header.body) }
}

/// LLC, or an EtherType after the SNAP header that some drivers leave out.
fn payload<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    match data {
        [0x08, 0x00, rest @ ..] => ethertype(walk, 0x0800, rest),
        [0x86, 0xdd, rest @ ..] => ethertype(walk, 0x86dd, rest),
        _ => llc(walk, data),
    }
}

/// The first subframe of an A-MSDU that carries IP; each starts at a multiple of four bytes.
fn subframes<'a>(walk: &mut Walk<'a>, mut data: &'a [u8]) -> Step {
    loop {
        let (addresses, rest) = split::<12>(data)?;
        let (length, rest) = split::<2>(rest)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if walk.attempt(llc, at_most(rest, length)) {
            if walk.arp.is_none() {
                walk.packet.macs = Some(macs(addresses));
            }
            return Ok(());
        }
        data = after(data, (length + 14).next_multiple_of(4))?;
    }
}
