//! Juniper's capture header: magic, flags, extensions, and per interface type a cookie before
//! what we look for. Cookies are undocumented, so the content decides among the likely ones.

use super::ethernet::{ethernet, ethertype, llc};
use super::ip;
use super::packet::Skip;
use super::ppp;
use super::serial;
use super::walk::{Step, Walk, after, split};

/// What a Juniper link type carries behind its header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Inner {
    Ethernet,
    Ppp,
    FrameRelay,
    CiscoHdlc,
    /// LLC, PPP or IP behind a cookie of unsaid length: ATM, ES, services.
    Cookie,
}

/// A frame from its magic number.
pub(super) fn juniper<'a>(walk: &mut Walk<'a>, data: &'a [u8], inner: Inner) -> Step {
    let ([m0, m1, m2, flags], mut rest) = split::<4>(data)?;
    if [*m0, *m1, *m2] != *b"MGC" {
        return Err(Skip::Malformed);
    }
    if flags & 0x80 != 0 {
        let (length, extensions) = split::<2>(rest)?;
        rest = after(extensions, usize::from(u16::from_be_bytes(*length)))?;
    }
    // Link header left out: an address family, then the packet.
    if flags & 0x02 != 0 {
        return ip::by_version(walk, after(rest, 4)?);
    }
    match inner {
        Inner::Ethernet => ethernet(walk, rest),
        Inner::Ppp => ppp::ppp(walk, rest),
        Inner::FrameRelay => serial::frame_relay(walk, rest),
        Inner::CiscoHdlc => ppp::cisco_hdlc(walk, rest),
        Inner::Cookie => cookie(walk, rest),
    }
}

fn cookie<'a>(walk: &mut Walk<'a>, data: &'a [u8]) -> Step {
    for length in [4, 8, 6, 0, 2, 12, 18] {
        let Some(rest) = data.get(length..) else { continue };
        let found = match rest {
            [0xaa, 0xaa, 0x03, ..] | [0xfe, 0xfe, 0x03, ..] => walk.attempt(llc, rest),
            [0x08, 0x00, 0x45..=0x4f, ..] | [0x86, 0xdd, 0x60..=0x6f, ..] => {
                let (kind, rest) = split::<2>(rest)?;
                let kind = u16::from_be_bytes(*kind);
                walk.attempt(|walk, data| ethertype(walk, kind, data), rest)
            }
            [0x00, 0x21 | 0x57, ..] | [0x21 | 0x57, ..] | [0xff, 0x03, ..] => {
                walk.attempt(ppp::ppp, rest)
            }
            [0x45..=0x4f | 0x60..=0x6f, ..] => walk.attempt(ip::by_version, rest),
            _ => false,
        };
        if found {
            return Ok(());
        }
    }
    Err(Skip::NotIp)
}
