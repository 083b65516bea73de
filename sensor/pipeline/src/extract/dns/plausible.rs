//! Is this payload a DNS message? By its content, so that DNS on any port is found.
//!
//! Owns the thresholds of the guess; reads nothing for anyone.

use super::records::{OPT, type_name};
use super::walk::{Cursor, Fault};
use super::{HEADER, Header, header};
use crate::extract::Probe;

/// Questions believed in a message on a port that is not DNS's. In practice there is one.
const QUESTIONS_MAX: u16 = 32;

/// Could this UDP payload (or a TCP message behind its length) be DNS?
///
/// On the ports of DNS, mDNS and LLMNR (`port_hint`) a header with a readable beginning of a name
/// is enough, cut short or not. Elsewhere the counts must fit the size, the first name must be a
/// whole, printable one, its class known, so that chance makes one payload in 2^40 pass.
/// NetBIOS name service, the same format with other names in it, does not pass there.
pub fn plausible(message: &[u8], port_hint: bool) -> bool {
    if port_hint { lenient(message) } else { strict(message, message.len()) == Probe::Yes }
}

/// A header, and no damage in the name behind it, if there is to be one.
pub(super) fn lenient(message: &[u8]) -> bool {
    let mut cursor = Cursor::new(message);
    let Ok(words) = header(&mut cursor) else {
        return false;
    };
    let [_, _, counts @ ..] = words;
    headed(words, message.len())
        && (counts == [0; 4] || cursor.skip_name() != Err(Fault::Malformed))
}

/// Could this be the header of a DNS message of so many octets?
#[inline]
pub(super) fn headed([_, flags, counts @ ..]: Header, size: usize) -> bool {
    // Refusals and DSO keepalives are a bare header or nearly so.
    opcode_known(flags) && (counts != [0; 4] || flags & 0x8000 != 0 || size == HEADER)
}

/// As for any port. `size` is the message's whole size, of which `message` may be the beginning.
pub(super) fn strict(message: &[u8], size: usize) -> Probe {
    match believe(message, size) {
        Ok(true) => Probe::Yes,
        Err(Fault::Short) if message.len() < size => Probe::Unsure,
        Ok(false) | Err(_) => Probe::No,
    }
}

fn believe(message: &[u8], size: usize) -> Result<bool, Fault> {
    let mut cursor = Cursor::new(message);
    // Each word is judged as soon as it is there: the first segment may hold no more.
    let (_id, flags) = (cursor.u16()?, cursor.u16()?);
    if !opcode_known(flags) {
        return Ok(false);
    }
    let questions = cursor.u16()?;
    if questions > QUESTIONS_MAX {
        return Ok(false);
    }
    let records = [cursor.u16()?, cursor.u16()?, cursor.u16()?];
    let [answers, ..] = records;
    // A question takes at least five octets, a record eleven.
    let least = usize::from(questions) * 5
        + records.iter().map(|count| usize::from(*count) * 11).sum::<usize>();
    let response = flags & 0x8000 != 0;
    if HEADER + least > size || (questions == 0 && !(response && answers > 0)) {
        return Ok(false);
    }
    let name_at = cursor.at();
    if !printable(cursor.rest()) {
        return Ok(false);
    }
    cursor.skip_name()?;
    let (kind, class) = (cursor.u16()?, cursor.u16()?);
    if netbios(message.get(name_at..).unwrap_or(&[]), kind) {
        return Ok(false);
    }
    if message.get(name_at) == Some(&0) && !asked_of_the_root(kind) {
        return Ok(false);
    }
    if questions > 0 {
        return Ok(kind != 0 && class_known(class));
    }
    let _ttl = cursor.u32()?;
    let length = usize::from(cursor.u16()?);
    let known = kind == OPT || (type_name(kind).is_some() && class_known(class));
    Ok(known && cursor.at() + length <= size)
}

/// NS, SOA, DS, DNSKEY, ANY: what resolvers ask of the root. Others look too much like zeros.
fn asked_of_the_root(kind: u16) -> bool {
    matches!(kind, 2 | 6 | 43 | 48 | 255)
}

/// Is the operation that the flags name a known one?
#[inline]
pub(super) const fn opcode_known(flags: u16) -> bool {
    matches!(flags >> 11 & 0xf, 0..=2 | 4..=6)
}

/// IN, CH, HS, NONE, ANY, with or without mDNS's top bit (RFC 6762 5.4, 10.2).
fn class_known(class: u16) -> bool {
    matches!(class & 0x7fff, 1 | 3 | 4 | 254 | 255)
}

/// Are the labels of the name that begins here free of control characters? Looks as far as the
/// first pointer or the end of the bytes.
fn printable(mut bytes: &[u8]) -> bool {
    let mut first = true;
    loop {
        match bytes {
            [] => return true,
            [0, ..] => return true,
            [length @ 1..=0x3f, rest @ ..] => {
                let (label, after) =
                    rest.split_at_checked(usize::from(*length)).unwrap_or((rest, &[]));
                if label.iter().any(|byte| matches!(byte, 0..=0x1f | 0x7f)) {
                    return false;
                }
                (bytes, first) = (after, false);
            }
            // A pointer as the very first name could only point into the header.
            [high, ..] => return *high >= 0xc0 && !first,
        }
    }
}

/// A first-level encoded NetBIOS name (RFC 1001 14.1) of type NB or NBSTAT (RFC 1002 4.2.1.3).
fn netbios(name: &[u8], kind: u16) -> bool {
    matches!(kind, 32 | 33)
        && name.split_first().is_some_and(|(length, rest)| {
            *length == 32
                && rest
                    .get(..32)
                    .is_some_and(|label| label.iter().all(|b| matches!(b, b'A'..=b'P')))
        })
}
