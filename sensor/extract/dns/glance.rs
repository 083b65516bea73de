//! What nearly every message on port 53 is: one question for a plain name, and answers that are
//! addresses of that name. Glanced at as the wire holds it, before any of it is spelled.
//!
//! Anything else, and any message that somebody wants more of, is left to [`super::Reader`]: a
//! property test holds both to the same observations. A packet of a flood of questions takes
//! GAIN instructions less.

use super::walk::NAME_MAX;
use super::{HEADER, plausible};
use crate::net::Address;

/// Longest label of a name that is glanced at.
pub const LABEL_MAX: u8 = 32;
// So far no length is a printable character.
const _: () = assert!(LABEL_MAX < 0x21);
/// Answers looked at.
const ADDRESSES: usize = 8;
/// The lower half of OPT's type; the upper one is zero.
const OPT: u8 = super::records::OPT.to_be_bytes()[1];

/// A plain message: one question, and addresses of the name asked for.
#[derive(Clone, Copy, Debug)]
pub struct Glance {
    /// The last eight bytes of the name in comparable spelling, the first of them lowest. The name
    /// has so many, and no label longer than [`LABEL_MAX`] octets.
    pub tail: u64,
    addresses: [Address; ADDRESSES],
    found: usize,
}

impl Glance {
    /// A message, if it is plain.
    #[inline]
    pub fn at(message: &[u8]) -> Option<Self> {
        let (header, behind) = message.split_first_chunk::<HEADER>()?;
        let [_, _, f0, f1, 0, 1, records @ ..] = *header else { return None };
        if !plausible::opcode_known(u16::from_be_bytes([f0, f1])) {
            return None;
        }
        let (tail, length) = plain_name(behind)?;
        let mut addresses = [Address::default(); ADDRESSES];
        // The root's octet, type and class.
        let found = answers(records, behind.get(length + 5..)?, &mut addresses)?;
        Some(Self { tail, addresses, found })
    }

    /// The addresses.
    #[inline]
    pub fn addresses(&self) -> &[Address] {
        self.addresses.get(..self.found).unwrap_or(&[])
    }

    /// How many observations the message is worth: the question, the owner of the answers once,
    /// each address.
    pub const fn observations(&self) -> u64 {
        1 + (self.found > 0) as u64 + self.found as u64
    }
}

/// How many addresses of the name asked for the records hold; none if they hold anything else.
#[inline]
fn answers(counts: [u8; 6], mut rest: &[u8], addresses: &mut [Address]) -> Option<usize> {
    let (counts, _) = counts.as_chunks::<2>();
    let mut records: u32 = counts.iter().map(|count| u32::from(u16::from_be_bytes(*count))).sum();
    let (mut found, mut options) = (0, 0);
    while records > 0 {
        records -= 1;
        // Owner (a pointer to the question), type, class and time to live, length, data.
        let address = match rest {
            [0xc0, 12, 0, 1, _, _, _, _, _, _, 0, 4, a, b, c, d, behind @ ..] => {
                rest = behind;
                Address::v4([*a, *b, *c, *d])
            }
            [0xc0, 12, 0, 28, _, _, _, _, _, _, 0, 16, data @ ..] => {
                let (octets, behind) = data.split_first_chunk()?;
                rest = behind;
                Address::v6(*octets)
            }
            [0, 0, OPT, _, _, _, _, _, _, l0, l1, data @ ..] if options == 0 => {
                rest = data.get(usize::from(u16::from_be_bytes([*l0, *l1]))..)?;
                options += 1;
                continue;
            }
            _ => return None,
        };
        *addresses.get_mut(found)? = address;
        found += 1;
    }
    Some(found)
}

/// Of the name that begins here the last eight bytes in comparable spelling, and its octets
/// without the root's. None if the name is not plain or has not so many.
#[inline]
fn plain_name(wire: &[u8]) -> Option<(u64, usize)> {
    // A bit for each length, by how many bytes before the end it stands.
    let (mut length, mut lengths) = (0, 0_u64);
    loop {
        match *wire.get(length)? {
            0 => break,
            label @ 1..=LABEL_MAX => {
                length += usize::from(label) + 1;
                lengths = (lengths | 1) << (label + 1);
            }
            _ => return None,
        }
        if length >= NAME_MAX {
            return None;
        }
    }
    let tail = wire.get(1..length)?.last_chunk()?;
    spelled(u64::from_be_bytes(*tail), (lengths >> 1) as u8).map(|word| (word, length))
}

/// The comparable spelling of the last eight octets of a name, the lowest byte last on the wire
/// and first in the answer. `lengths` has a bit for each that is a length. None if an octet of a
/// label would be spelled in another way than as one character.
#[inline]
fn spelled(wire: u64, lengths: u8) -> Option<u64> {
    const fn each(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    const HIGH: u64 = each(0x80);
    if wire & HIGH != 0 {
        return None;
    }
    // No byte is above 0x7f and none added is above 0x80: no sum runs over into the next.
    let at_least = |byte: u8| wire + each(0x80 - byte) & HIGH;
    let other_than = |byte: u8| (wire ^ each(byte)) + each(0x7f) & HIGH;
    let below_printable = !at_least(0x21) & HIGH;
    // One bit a byte: each finds its way into the uppermost byte of the product.
    let control = (below_printable >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    let printable = other_than(0x7f) & other_than(b'.') & other_than(b'\\') == HIGH;
    if control != u64::from(lengths) || !printable {
        return None;
    }
    let capitals = at_least(b'A') & !at_least(b'Z' + 1);
    let lengths = (below_printable >> 7) * 0xff;
    let text = (wire | capitals >> 2) & !lengths | each(b'.') & lengths;
    Some(text.swap_bytes())
}
