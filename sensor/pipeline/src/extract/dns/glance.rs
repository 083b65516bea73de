//! What nearly every message on port 53 is: one question for a plain name, and answers that are
//! addresses of that name. Glanced at as the wire holds it, before any of it is spelled.
//!
//! Anything else, and any message that somebody wants more of, is left to [`super::Reader`]: a
//! property test holds both to the same observations. A packet of a flood of questions takes
//! some 900 of 2,400 instructions less.

use super::walk::NAME_MAX;
use super::{HEADER, plausible};
use crate::net::Address;

/// Longest label of a name that is glanced at.
pub const LABEL_MAX: u8 = 32;
// So far no length is a printable character.
const _: () = assert!(LABEL_MAX < 0x21);
/// Answers looked at.
const ADDRESSES: u64 = 8;
/// The lower half of OPT's type; the upper one is zero.
const OPT: u8 = super::records::OPT.to_be_bytes()[1];

/// A message with one question, for a plain name, whose records are not looked at yet.
#[derive(Clone, Copy, Debug)]
pub struct Glance<'a> {
    /// The last eight bytes of the name in comparable spelling, the first of them lowest. The name
    /// has so many, and no label longer than [`LABEL_MAX`] octets.
    pub tail: u64,
    /// How many records each section has.
    counts: [u8; 6],
    records: &'a [u8],
}

impl<'a> Glance<'a> {
    /// A message, if its question is plain.
    #[inline]
    pub fn at(message: &'a [u8]) -> Option<Self> {
        let (header, behind) = message.split_first_chunk::<HEADER>()?;
        let [_, _, f0, f1, 0, 1, counts @ ..] = *header else { return None };
        if !plausible::opcode_known(u16::from_be_bytes([f0, f1])) {
            return None;
        }
        let (tail, length) = plain_name(behind)?;
        // The root's octet, type and class.
        Some(Self { tail, counts, records: behind.get(length + 5..)? })
    }

    /// How many observations the message is worth: the question, the owner of the answers once,
    /// each address. None if the records hold anything else than addresses of the name asked for,
    /// or one that does not `pass`.
    #[inline]
    pub fn observations(&self, mut pass: impl FnMut(Address) -> bool) -> Option<u64> {
        let (counts, _) = self.counts.as_chunks::<2>();
        let mut left: u32 = counts.iter().map(|count| u32::from(u16::from_be_bytes(*count))).sum();
        let (mut rest, mut found, mut options) = (self.records, 0, 0);
        while left > 0 {
            left -= 1;
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
            found += 1;
            if found > ADDRESSES || !pass(address) {
                return None;
            }
        }
        Some(1 + u64::from(found > 0) + found)
    }
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
    let octets = wire.get(1..length)?;
    // A name in raw UTF-8 is compared as its A-labels, whose end is another one.
    if !octets.is_ascii() {
        return None;
    }
    let tail = octets.last_chunk()?;
    spelled(u64::from_be_bytes(*tail), (lengths >> 1) as u8).map(|word| (word, length))
}

/// The comparable spelling of the last eight octets of a name, the lowest byte last on the wire
/// and first in the answer, all of them ASCII. `lengths` has a bit for each that is a length. None if an octet of a
/// label would be spelled in another way than as one character.
#[inline]
fn spelled(wire: u64, lengths: u8) -> Option<u64> {
    const fn each(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    const HIGH: u64 = each(0x80);
    // No byte is above 0x7f and none added is above 0x80: no sum runs over into the next.
    let at_least = |byte: u8| (wire + each(0x80 - byte)) & HIGH;
    let other_than = |byte: u8| ((wire ^ each(byte)) + each(0x7f)) & HIGH;
    let below_printable = !at_least(0x21) & HIGH;
    // One bit a byte: each finds its way into the uppermost byte of the product.
    let control = (below_printable >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    let printable = other_than(0x7f) & other_than(b'.') & other_than(b'\\') == HIGH;
    if control != u64::from(lengths) || !printable {
        return None;
    }
    let capitals = at_least(b'A') & !at_least(b'Z' + 1);
    let lengths = (below_printable >> 7) * 0xff;
    let text = ((wire | capitals >> 2) & !lengths) | (each(b'.') & lengths);
    Some(text.swap_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::extract::dns::{Reader, Reading};
    use crate::observation::{Kind, Message, Observation, Observer, Value};
    use crate::stats::Counter;

    /// What the reader says.
    #[derive(Default)]
    struct Said {
        questions: Vec<String>,
        owners: usize,
        addresses: Vec<Address>,
        counts: Vec<Counter>,
    }

    impl Observer for Said {
        fn seen(&mut self, Observation { kind, value }: Observation<'_>) {
            match (kind, value) {
                (Kind::DnsQuery, Value::Name(name)) => self.questions.push(name.to_owned()),
                (_, Value::Address(address)) => self.addresses.push(address),
                _ => self.owners += 1,
            }
        }

        fn message(&mut self, _: Message<'_>) {}

        fn count(&mut self, counter: Counter) {
            self.counts.push(counter);
        }
    }

    fn name(labels: &[Vec<u8>]) -> Vec<u8> {
        let label = |label: &Vec<u8>| [&[label.len() as u8], &label[..]].concat();
        [labels.iter().map(label).collect::<Vec<_>>().concat(), vec![0]].concat()
    }

    fn message(question: &[u8], records: &[&[u8]]) -> Vec<u8> {
        let counts = [0, 1, 0, records.len() as u8, 0, 0, 0, 0];
        [&[0, 7, 0x81, 0x80], &counts[..], question, &[0, 1, 0, 1], &records.concat()].concat()
    }

    const A: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
    const AAAA: &[u8] =
        b"\xc0\x0c\0\x1c\0\x01\0\0\0\x3c\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x09";
    const OPTIONS: &[u8] = b"\0\0\x29\x04\xd0\0\0\0\0\0\x04\0\x0a\0\0";
    const ALIAS: &[u8] = b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x02\xc0\x0c";
    const OTHER_OWNER: &[u8] = b"\x01a\0\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";

    /// What a glance at a whole message finds.
    fn all(message: &[u8]) -> Option<(u64, Vec<Address>)> {
        let mut addresses = Vec::new();
        let pass = |address| {
            addresses.push(address);
            true
        };
        let observations = Glance::at(message)?.observations(pass)?;
        Some((observations, addresses))
    }

    #[test]
    fn a_plain_message_is_glanced_at_and_its_name_folded() {
        let question = b"\x03wWw\x05SITE1\x07Example\0";
        let answer = message(question, &[A, AAAA, OPTIONS]);
        let glance = Glance::at(&answer).unwrap();
        assert_eq!(&glance.tail.to_le_bytes(), b".example");
        assert_eq!(glance.observations(|_| true), Some(4));
        assert_eq!(glance.observations(|address| address.is_v4()), None);
        assert_eq!(all(&message(question, &[])), Some((1, vec![])));
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_reader() {
        let plain: &[u8] = b"\x03www\x07example\0";
        assert!(all(&message(plain, &[A; 8])).is_some());
        let questions: [&[u8]; 7] = [
            b"\x0cb\xc3\xbccherladen\x07example\0",
            b"\x07example\0",
            b"\x03www\x07ex.mple\0",
            b"\x03www\x07ex\\mple\0",
            b"\x03www\x07ex\x03mple\0",
            b"\x03www\xc0\x0c",
            &[&[33; 34], plain].concat(),
        ];
        for question in questions {
            assert!(Glance::at(&message(question, &[])).is_none(), "{question:?}");
        }
        for records in [&[A; 9][..], &[A, ALIAS], &[OTHER_OWNER], &[OPTIONS, OPTIONS], &[&A[..15]]]
        {
            assert!(all(&message(plain, records)).is_none(), "{records:?}");
        }
    }

    proptest! {
        #[test]
        fn a_glance_says_what_the_reader_says(
            labels in prop::collection::vec(prop::collection::vec(prop_oneof![
                20 => prop::sample::select(&b"abyzAMZ09-_!~"[..]),
                1 => any::<u8>(),
            ], 1..34), 0..8),
            records in prop::collection::vec(
                prop::sample::select(vec![A, A, AAAA, OPTIONS, ALIAS, OTHER_OWNER]), 0..4),
            spoiled in prop::collection::vec((0..120_usize, any::<u8>()), 0..2),
            cut in prop::option::weighted(0.2, 0..120_usize),
        ) {
            let mut bytes = message(&name(&labels), &records);
            for (at, byte) in spoiled {
                if let Some(slot) = bytes.get_mut(at) {
                    *slot = byte;
                }
            }
            bytes.truncate(cut.unwrap_or(usize::MAX));
            if let (Some(glance), Some((observations, addresses))) = (Glance::at(&bytes), all(&bytes)) {
                let mut said = Said::default();
                prop_assert_eq!(Reader::default().read(&bytes, &mut said), Reading::Whole);
                prop_assert_eq!(said.questions.len(), 1);
                let name = said.questions[0].as_bytes();
                prop_assert_eq!(&glance.tail.to_le_bytes(), name.last_chunk::<8>().unwrap());
                let plain = |label: &&str| !label.contains('\\');
                let mut labels = said.questions[0].split('.').filter(plain);
                prop_assert!(labels.all(|label| label.len() <= usize::from(LABEL_MAX)));
                prop_assert_eq!(&addresses, &said.addresses);
                let observed = said.questions.len() + said.owners + said.addresses.len();
                prop_assert_eq!(observations, observed as u64);
                prop_assert_eq!(said.counts, vec![Counter::Dns]);
            }
        }
    }
}
