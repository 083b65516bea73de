//! A place in a message and the reads that move it: numbers, slices, names with compression.
//!
//! Owns the rules of the wire form of a name (RFC 1035 3.1 and 4.1.4, RFC 2673); knows no
//! record type.

use std::fmt::Write as _;

use crate::extract::spelling::{self, Plain};

/// Longest name on the wire, its root octet included (RFC 1035 2.3.4).
pub(super) const NAME_MAX: usize = 255;
/// Pointers followed in one name. A name of one-octet labels has at most 127 of them.
const HOPS_MAX: usize = 128;

/// A read that did not work out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The message ends first: more bytes might help.
    Short,
    /// No bytes could help.
    Malformed,
}

/// A place in a message; reads stop at `end`, compression pointers reach beyond it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'m> {
    message: &'m [u8],
    at: usize,
    end: usize,
}

impl<'m> Cursor<'m> {
    /// At the first byte of a message.
    pub(super) const fn new(message: &'m [u8]) -> Self {
        Self { message, at: 0, end: message.len() }
    }

    /// Offset of the next byte in the message.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The bytes not read yet.
    pub(super) fn rest(&self) -> &'m [u8] {
        self.message.get(self.at..self.end).unwrap_or(&[])
    }

    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<&'m [u8], Fault> {
        let bytes = self.rest().get(..length).ok_or(Fault::Short)?;
        self.at += length;
        Ok(bytes)
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let bytes = *self.rest().first_chunk::<N>().ok_or(Fault::Short)?;
        self.at += N;
        Ok(bytes)
    }

    /// The next byte.
    pub(super) fn u8(&mut self) -> Result<u8, Fault> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next two bytes, big-endian.
    pub(super) fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next four bytes, big-endian.
    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_be_bytes)
    }

    /// A cursor over the next `length` bytes, or what there is of them; moves past them.
    pub(super) fn sub(&mut self, length: usize) -> Self {
        let end = self.at.saturating_add(length).min(self.end);
        let sub = Self { message: self.message, at: self.at, end };
        self.at = end;
        sub
    }

    /// If the next name is nothing but a pointer, the offset it points to. Does not move.
    pub(super) fn pointer(&self) -> Option<usize> {
        let [high, low, ..] = self.rest() else { return None };
        (*high >= 0xc0).then(|| usize::from(u16::from_be_bytes([high & 0x3f, *low])))
    }

    /// Appends the next name in comparable spelling (nothing for the root) and moves behind it.
    ///
    /// A pointer may point anywhere: forward is unlawful (RFC 1035 4.1.4), but common resolvers
    /// follow it, so a name could hide behind it. On a fault `out` may hold part of the name.
    /// True if something in it is escaped.
    pub(super) fn name(&mut self, out: &mut String) -> Result<bool, Fault> {
        if let Some(behind) = self.plain_name(out) {
            self.at = behind;
            return Ok(false);
        }
        let start = *self;
        let mut pieces = Pieces::default();
        self.labels(|label| pieces.push(&label))?;
        if let Some(text) = pieces.text() {
            out.push_str(text);
            return Ok(false);
        }
        *self = start;
        self.odd_name(out).map(|()| true)
    }

    /// Appends the next name if it lies there in one piece and no byte of it must be escaped;
    /// answers the place behind it. The bytes are copied at once, lengths and all, and a dot then
    /// takes the place of each length: half the price of a copy for each label.
    #[inline]
    fn plain_name(&self, out: &mut String) -> Option<usize> {
        let wire = self.message.get(self.at..self.end)?;
        let mut length = 0;
        loop {
            match *wire.get(length)? {
                0 => break,
                label @ 1..=0x3f => length += usize::from(label) + 1,
                _ => return None,
            }
            if length >= NAME_MAX {
                return None;
            }
        }
        let behind = self.at + length + 1;
        let Some((first, labels)) = wire.get(..length)?.split_first() else {
            return Some(behind);
        };
        let mut plain = Plain::default();
        plain.copy(labels)?;
        let (mut place, mut boundaries) = (usize::from(*first), 0);
        while let Some(label) = labels.get(place) {
            *plain.at(place)? = b'.';
            boundaries += 1;
            place += usize::from(*label) + 1;
        }
        let (text, dots) = plain.fold(labels.len())?;
        // Another dot stands inside a label.
        if dots != boundaries {
            return None;
        }
        out.push_str(text);
        Some(behind)
    }

    /// A name that holds bytes which must be escaped, or binary labels.
    #[cold]
    fn odd_name(&mut self, out: &mut String) -> Result<(), Fault> {
        let mut first = true;
        self.labels(|label| {
            if !first {
                out.push('.');
            }
            first = false;
            match label {
                Label::Text(bytes) => push_label(bytes, out),
                Label::Bits(bits, bytes) => push_bits(bits, bytes, out),
            }
        })
    }

    /// Moves behind the next name without spelling it.
    pub(super) fn skip_name(&mut self) -> Result<(), Fault> {
        self.labels(|_| {})
    }

    /// Shows each label of the next name, the root's excepted, and moves behind the name.
    fn labels(&mut self, mut show: impl FnMut(Label<'m>)) -> Result<(), Fault> {
        let mut reading = *self;
        let mut resume = None;
        let (mut wire, mut hops) = (1, 0);
        loop {
            let label_at = reading.at;
            let label = match reading.u8()? {
                0 => break,
                length @ 1..=0x3f => Label::Text(reading.take(usize::from(length))?),
                0x41 => {
                    let bits = match reading.u8()? {
                        0 => 256,
                        bits => u16::from(bits),
                    };
                    Label::Bits(bits, reading.take(usize::from(bits.div_ceil(8)))?)
                }
                high @ 0xc0.. => {
                    let target = usize::from(u16::from_be_bytes([high & 0x3f, reading.u8()?]));
                    hops += 1;
                    if hops > HOPS_MAX {
                        return Err(Fault::Malformed);
                    }
                    resume.get_or_insert(reading.at);
                    reading.at = target;
                    // Behind a pointer any byte may be read, not only this record's.
                    reading.end = reading.message.len();
                    continue;
                }
                _ => return Err(Fault::Malformed),
            };
            wire += reading.at - label_at;
            if wire > NAME_MAX {
                return Err(Fault::Malformed);
            }
            show(label);
        }
        self.at = resume.unwrap_or(reading.at);
        Ok(())
    }
}

/// One label of a name.
enum Label<'m> {
    /// Octets.
    Text(&'m [u8]),
    /// So many bits in these octets (RFC 2673).
    Bits(u16, &'m [u8]),
}

/// A name put together from whole labels, as long as nothing in it is odd.
#[derive(Default)]
struct Pieces {
    /// Each label with a dot behind it.
    plain: Plain,
    length: usize,
    labels: usize,
    odd: bool,
}

impl Pieces {
    fn push(&mut self, label: &Label<'_>) {
        let Label::Text(label) = label else {
            self.odd = true;
            return;
        };
        let end = self.length + label.len();
        let put = self.plain.copy_to(self.length, label).zip(self.plain.at(end));
        match put {
            Some(((), dot)) => {
                *dot = b'.';
                self.length = end + 1;
                self.labels += 1;
            }
            None => self.odd = true,
        }
    }

    /// The name in comparable spelling, if no byte of it must be escaped.
    fn text(&mut self) -> Option<&str> {
        let (text, dots) = self.plain.fold(self.length)?;
        // A dot more than there are labels stands inside one.
        if self.odd || dots != self.labels {
            return None;
        }
        Some(text.strip_suffix('.').unwrap_or(text))
    }
}

/// Appends one label with its odd bytes escaped.
fn push_label(label: &[u8], out: &mut String) {
    for byte in label {
        match byte {
            b'.' => spelling::push_escaped(*byte, out),
            _ => spelling::push_byte(*byte, out),
        }
    }
}

/// Appends a binary label as `\[xHEX/BITS]` (RFC 2673 3.2).
fn push_bits(bits: u16, bytes: &[u8], out: &mut String) {
    // Writing to a String does not fail.
    let _ = out.write_str("\\[x");
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
    let _ = write!(out, "/{bits}]");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_at(message: &[u8], at: usize) -> Result<(String, usize), Fault> {
        let mut cursor = Cursor::new(message);
        cursor.take(at)?;
        let mut out = String::new();
        cursor.name(&mut out)?;
        Ok((out, cursor.at()))
    }

    #[test]
    fn a_pointer_is_followed_and_reading_goes_on_behind_it() {
        let message = b"\x03Www\x07Example\0\x01a\xc0\x04rest";
        assert_eq!(name_at(message, 0), Ok(("www.example".to_owned(), 13)));
        assert_eq!(name_at(message, 13), Ok(("a.example".to_owned(), 17)));
    }

    #[test]
    fn a_pointer_to_itself_is_malformed_and_one_forward_is_followed() {
        assert_eq!(name_at(b"\xc0\x00", 0), Err(Fault::Malformed));
        assert_eq!(name_at(b"\xc0\x02\xc0\x00", 0), Err(Fault::Malformed));
        assert_eq!(name_at(b"\xc0\x02\x01a\0", 0), Ok(("a".to_owned(), 2)));
        assert_eq!(name_at(b"\xc0\x09\x01a\0", 0), Err(Fault::Short));
    }

    #[test]
    fn a_loop_through_labels_ends_at_the_longest_name() {
        assert_eq!(name_at(b"\x01a\xc0\x00", 0), Err(Fault::Malformed));
    }

    #[test]
    fn a_long_chain_of_pointers_is_given_up() {
        let mut message = vec![1, b'a', 0, 0];
        for target in (2..2000).step_by(2).map(|at: u16| if at == 2 { 0 } else { at }) {
            message.extend((0xc000 | target).to_be_bytes());
        }
        assert_eq!(name_at(&message, 4 + 2 * 100).map(|(name, _)| name), Ok("a".to_owned()));
        assert_eq!(name_at(&message, 4 + 2 * 200), Err(Fault::Malformed));
    }

    #[test]
    fn a_dot_or_backslash_inside_a_label_is_no_boundary() {
        let (name, _) = name_at(b"\x06a.b\\c\xff\x03com\0", 0).unwrap();
        assert_eq!(name, "a\\046b\\092c\\255.com");
    }

    #[test]
    fn a_binary_label_is_spelled_and_what_follows_is_read() {
        let (name, end) = name_at(b"\x41\x0c\xab\xc0\x03com\0", 0).unwrap();
        assert_eq!((name.as_str(), end), ("\\[xabc0/12].com", 9));
        assert_eq!(name_at(b"\x41\x00\x01", 0), Err(Fault::Short));
    }

    #[test]
    fn a_name_may_have_255_octets_and_no_more() {
        let mut message =
            [vec![63; 64], vec![63; 64], vec![63; 64], vec![61; 62], vec![0]].concat();
        assert_eq!(message.len(), 255);
        assert_eq!(name_at(&message, 0).map(|(name, end)| (name.len(), end)), Ok((253, 255)));
        message = [vec![63; 64], vec![63; 64], vec![63; 64], vec![62; 63], vec![0]].concat();
        assert_eq!(name_at(&message, 0), Err(Fault::Malformed));
    }

    #[test]
    fn a_name_cut_short_says_so() {
        assert_eq!(name_at(b"\x03ww", 0), Err(Fault::Short));
        assert_eq!(name_at(b"\x03www", 0), Err(Fault::Short));
        assert_eq!(name_at(b"\x03www\xc0", 0), Err(Fault::Short));
        assert_eq!(name_at(b"\x80www", 0), Err(Fault::Malformed));
    }
}
