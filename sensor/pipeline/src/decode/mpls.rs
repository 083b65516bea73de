//! MPLS label stacks (RFC 3032) and what their bottom carries.

use super::ethernet::ethernet;
use super::ip;
use super::packet::Skip;
use super::walk::{Step, Walk, after, split};

/// A label stack and its payload. Nothing names the payload, so the first four bits are asked,
/// and if they lie it is tried as an Ethernet pseudowire.
pub(super) fn mpls<'a>(walk: &mut Walk<'a>, mut data: &'a [u8]) -> Step {
    // Labels are walked by consumption: each takes four bytes.
    loop {
        let ([_, _, bottom, _], rest) = split::<4>(data)?;
        data = rest;
        if bottom & 1 != 0 {
            break;
        }
    }
    match data.first().map(|first| first >> 4) {
        Some(4) if walk.attempt(ip::ipv4, data) => Ok(()),
        Some(6) if walk.attempt(ip::ipv6, data) => Ok(()),
        // A control word (RFC 4385 3) begins with zeros; so may a hardware address.
        Some(0) if walk.attempt(control_word, data) => Ok(()),
        Some(_) => ethernet(walk, data),
        None => Err(Skip::Short),
    }
}

fn control_word<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    ethernet(walk, after(data, 4)?)
}
