//! Header compression of HTTP/2 (RFC 7541), decoding only, field by field as the bytes come.
//!
//! Ours because the crates that do it build a Huffman table for every string, give no fields of a
//! block that is cut, or have had no release for years. Bounded: the table by [`TABLE_LIMIT`], a
//! field by [`FIELD_LIMIT`]; of a longer one the beginning is given and the rest passed over.
//!
//! Lenient: what refers to a table that was lost is not given, and what is spelled out is.

use std::collections::VecDeque;

use super::huffman;

/// Largest dynamic table followed, in octets of RFC 7541 4.1.
const TABLE_LIMIT: usize = 64 * 1024;

/// Size of the dynamic table until an update says otherwise.
const TABLE_DEFAULT: usize = 4096;

/// Longest field waited for, in octets on the wire.
pub(super) const FIELD_LIMIT: usize = 16 * 1024;

/// Bytes of the buffers for strings that are kept from one block to the next.
const KEPT: usize = 256;

/// A name and a value, one behind the other.
#[derive(Debug)]
struct Entry {
    text: Box<[u8]>,
    name: u32,
}

impl Entry {
    fn parts(&self) -> (&[u8], &[u8]) {
        self.text.split_at_checked(self.name as usize).unwrap_or((&self.text, &[]))
    }

    /// Size as RFC 7541 4.1 counts it.
    fn cost(&self) -> usize {
        self.text.len() + 32
    }
}

/// Decodes the blocks of one direction, in order.
#[derive(Debug)]
pub(super) struct Decoder {
    /// The latest first.
    table: VecDeque<Entry>,
    size: usize,
    limit: usize,
    /// Bytes of a string that are passed over before anything else is read.
    skip: usize,
    /// Behind them stands the value of a name that was too long.
    value_behind: bool,
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            table: VecDeque::new(),
            size: 0,
            limit: TABLE_DEFAULT,
            skip: 0,
            value_behind: false,
            name: Vec::new(),
            value: Vec::new(),
        }
    }
}

/// Why a part of a block could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not whole yet.
    Short,
    /// It makes no sense, and nothing behind it in this block does.
    Damaged,
}

impl Decoder {
    /// Gives `field` every name and value at the front of `bytes` that is whole. How many bytes
    /// are over; [`Fault::Damaged`] when the rest of the block cannot be read.
    pub(super) fn decode(
        &mut self,
        bytes: &[u8],
        mut field: impl FnMut(&[u8], &[u8]),
    ) -> Result<usize, Fault> {
        let mut rest = bytes;
        loop {
            let passed = self.skip.min(rest.len());
            self.skip -= passed;
            rest = rest.get(passed..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(bytes.len());
            }
            match self.one(rest, &mut field) {
                Ok(after) => rest = after,
                Err(Fault::Short) => return Ok(bytes.len() - rest.len()),
                Err(Fault::Damaged) => {
                    self.forget();
                    return Err(Fault::Damaged);
                }
            }
        }
    }

    /// The block is over. True if it ended with a field.
    pub(super) fn end_block(&mut self) -> bool {
        let whole = self.skip == 0 && !self.value_behind;
        (self.skip, self.value_behind) = (0, false);
        self.name.clear();
        self.value.clear();
        self.name.shrink_to(KEPT);
        self.value.shrink_to(KEPT);
        whole
    }

    /// The table is lost: what it held is not known any more.
    pub(super) fn forget(&mut self) {
        self.shrink(0);
        let _ = self.end_block();
    }

    /// Bytes on the heap.
    pub(super) fn held_bytes(&self) -> usize {
        let entries = self.table.capacity() * size_of::<Entry>();
        entries + self.size + self.name.capacity() + self.value.capacity()
    }

    fn one<'a>(
        &mut self,
        rest: &'a [u8],
        field: &mut impl FnMut(&[u8], &[u8]),
    ) -> Result<&'a [u8], Fault> {
        if self.value_behind {
            let (length, _, behind) = string_head(rest)?;
            (self.skip, self.value_behind) = (length, false);
            return Ok(behind);
        }
        match rest.first() {
            Some(0x80..) => self.indexed(rest, field),
            Some(0x40..) => self.literal(rest, 6, field),
            Some(0x20..) => self.resize(rest),
            _ => self.literal(rest, 4, field),
        }
    }

    fn indexed<'a>(
        &self,
        rest: &'a [u8],
        field: &mut impl FnMut(&[u8], &[u8]),
    ) -> Result<&'a [u8], Fault> {
        let (index, rest) = integer(rest, 7)?;
        if let Some((name, value)) = self.entry(index) {
            field(name, value);
        }
        Ok(rest)
    }

    /// A literal with an index prefix of so many bits: 6 is put into the table.
    fn literal<'a>(
        &mut self,
        rest: &'a [u8],
        prefix: u32,
        field: &mut impl FnMut(&[u8], &[u8]),
    ) -> Result<&'a [u8], Fault> {
        let (mut name, mut value) =
            (std::mem::take(&mut self.name), std::mem::take(&mut self.value));
        let read = self.strings(rest, prefix, (&mut name, &mut value));
        if let Ok((_, given)) = read {
            if given {
                field(&name, &value);
            }
            match prefix {
                6 if self.skip == 0 && !self.value_behind => self.insert(&name, &value),
                // Longer than any table, or at least than what is followed.
                6 => self.shrink(0),
                _ => {}
            }
        }
        (self.name, self.value) = (name, value);
        read.map(|(rest, _)| rest)
    }

    /// Reads name and value, and says whether they are to be given.
    fn strings<'a>(
        &mut self,
        bytes: &'a [u8],
        prefix: u32,
        (name, value): (&mut Vec<u8>, &mut Vec<u8>),
    ) -> Result<(&'a [u8], bool), Fault> {
        let (index, mut rest) = integer(bytes, prefix)?;
        name.clear();
        if index == 0 {
            let (length, huffman, behind) = string_head(rest)?;
            if length > FIELD_LIMIT {
                (self.skip, self.value_behind) = (length, true);
                return Ok((behind, false));
            }
            rest = string(behind, (length, huffman), name)?;
        } else if let Some((known, _)) = self.entry(index) {
            name.extend_from_slice(known);
        }
        let (length, huffman, behind) = string_head(rest)?;
        if length <= FIELD_LIMIT {
            return string(behind, (length, huffman), value).map(|rest| (rest, true));
        }
        // Its beginning suffices to compare a path.
        let front = behind.get(..FIELD_LIMIT / 2).ok_or(Fault::Short)?;
        let _ = string(front, (front.len(), huffman), value);
        self.skip = length - front.len();
        Ok((behind.get(front.len()..).unwrap_or_default(), true))
    }

    /// A table larger than what is followed only keeps entries that are not known here.
    fn resize<'a>(&mut self, rest: &'a [u8]) -> Result<&'a [u8], Fault> {
        let (limit, rest) = integer(rest, 5)?;
        self.limit = limit.min(TABLE_LIMIT);
        self.shrink(self.limit);
        Ok(rest)
    }

    fn insert(&mut self, name: &[u8], value: &[u8]) {
        let text = [name, value].concat().into_boxed_slice();
        let entry = Entry { text, name: u32::try_from(name.len()).unwrap_or(u32::MAX) };
        let size = entry.cost();
        self.shrink(self.limit.saturating_sub(size));
        if size <= self.limit {
            self.size += size;
            self.table.push_front(entry);
        }
    }

    fn shrink(&mut self, limit: usize) {
        while self.size > limit {
            let Some(entry) = self.table.pop_back() else { break };
            self.size = self.size.saturating_sub(entry.cost());
        }
        if self.table.is_empty() {
            self.table.shrink_to(0);
        }
    }

    fn entry(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let index = index.checked_sub(1)?;
        if let Some((name, value)) = STATIC.get(index) {
            return Some((name.as_bytes(), value.as_bytes()));
        }
        self.table.get(index - STATIC.len()).map(Entry::parts)
    }
}

/// An integer with a prefix of so many bits (RFC 7541 5.1); at most 28 bits more.
fn integer(bytes: &[u8], prefix: u32) -> Result<(usize, &[u8]), Fault> {
    let (first, mut rest) = bytes.split_first().ok_or(Fault::Short)?;
    let mask = (1_usize << prefix) - 1;
    let mut value = usize::from(*first) & mask;
    if value < mask {
        return Ok((value, rest));
    }
    for shift in [0, 7, 14, 21] {
        let (byte, after) = rest.split_first().ok_or(Fault::Short)?;
        rest = after;
        value += usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value, rest));
        }
    }
    Err(Fault::Damaged)
}

/// The length of a string, whether it is Huffman-coded, and what follows (RFC 7541 5.2).
fn string_head(bytes: &[u8]) -> Result<(usize, bool, &[u8]), Fault> {
    let huffman = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let (length, rest) = integer(bytes, 7)?;
    Ok((length, huffman, rest))
}

/// A string of this length into `out`. One that is no Huffman code is given as far as it is one.
fn string<'a>(
    bytes: &'a [u8],
    (length, huffman): (usize, bool),
    out: &mut Vec<u8>,
) -> Result<&'a [u8], Fault> {
    let (text, rest) = bytes.split_at_checked(length).ok_or(Fault::Short)?;
    out.clear();
    if huffman {
        let _ = huffman::decode(text, out);
    } else {
        out.extend_from_slice(text);
    }
    Ok(rest)
}

/// RFC 7541 appendix A.
#[rustfmt::skip]
const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(decoder: &mut Decoder, hex: &str) -> Vec<String> {
        let bytes: Vec<u8> = (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let mut lines = Vec::new();
        let read = decoder.decode(&bytes, |name, value| {
            lines.push(format!(
                "{}: {}",
                String::from_utf8_lossy(name),
                String::from_utf8_lossy(value)
            ));
        });
        assert_eq!(read, Ok(bytes.len()));
        lines
    }

    #[test]
    fn the_requests_of_rfc_7541_c4_are_read_with_huffman_and_table() {
        let mut decoder = Decoder::default();
        let plain = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
        assert_eq!(read(&mut decoder, "828684418cf1e3c2e5f23a6ba0ab90f4ff"), plain);
        let second = read(&mut decoder, "828684be5886a8eb10649cbf");
        assert_eq!(second[..4], plain);
        assert_eq!(second[4], "cache-control: no-cache");
        let third = read(&mut decoder, "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf");
        assert_eq!(third[3..], [":authority: www.example.com", "custom-key: custom-value"]);
        assert_eq!((decoder.size, decoder.table.len()), (164, 3));
    }

    #[test]
    fn a_size_update_empties_the_table_and_a_huge_one_is_followed_as_far_as_it_is_allowed() {
        let mut decoder = Decoder::default();
        read(&mut decoder, "828684418cf1e3c2e5f23a6ba0ab90f4ff");
        read(&mut decoder, "20");
        assert_eq!((decoder.size, decoder.table.len()), (0, 0));
        read(&mut decoder, "3fffff7f");
        assert_eq!(decoder.limit, TABLE_LIMIT);
    }

    #[test]
    fn fields_before_the_damage_are_given() {
        let mut seen = 0;
        let read = Decoder::default()
            .decode(&[0x82, 0x86, 0xff, 0xff, 0xff, 0xff, 0xff], |_, _| seen += 1);
        assert_eq!((read, seen), (Err(Fault::Damaged), 2));
    }

    #[test]
    fn what_refers_to_a_lost_table_is_passed_over_and_what_follows_is_read() {
        let mut decoder = Decoder::default();
        read(&mut decoder, "828684418cf1e3c2e5f23a6ba0ab90f4ff");
        decoder.forget();
        assert_eq!(read(&mut decoder, "82be418cf1e3c2e5f23a6ba0ab90f4ff").len(), 2);
        assert_eq!(read(&mut decoder, "be"), [":authority: www.example.com"]);
    }

    #[test]
    fn a_field_too_long_gives_its_beginning_and_what_follows_is_read() {
        // `:path` and a name of its own, each with 20,000 bytes, then `:method GET`.
        let length = [0x7f, 0xa1, 0x9b, 0x01];
        for front in [&[0x04][..], &[0x40]] {
            let block = [front, &length, &[b'/'; 20_000], &[1, b'v'], &[0x82]].concat();
            let block = if front == [0x04] { [&block[..20_005], &[0x82]].concat() } else { block };
            for size in [1, 100, 16_000, block.len()] {
                let (mut decoder, mut held, mut names) =
                    (Decoder::default(), Vec::new(), Vec::new());
                for piece in block.chunks(size) {
                    held.extend_from_slice(piece);
                    let over = decoder.decode(&held, |name, value| {
                        names.push((name.to_vec(), value.len()));
                    });
                    held.drain(..over.unwrap());
                    assert!(held.len() <= FIELD_LIMIT + 8, "{}", held.len());
                }
                assert_eq!(names.last(), Some(&(b":method".to_vec(), 3)), "{size}");
                let path = (front == [0x04]).then(|| (b":path".to_vec(), FIELD_LIMIT / 2));
                assert_eq!(names.first() == path.as_ref(), path.is_some());
                assert!(decoder.end_block() && held.is_empty());
            }
        }
    }

    #[test]
    fn the_table_never_outgrows_its_limit() {
        let mut decoder = Decoder::default();
        for length in 0..200_u8 {
            let mut block = vec![0x40, 1, b'n', length.min(100)];
            block.extend(vec![b'v'; usize::from(length.min(100))]);
            assert_eq!(decoder.decode(&block, |_, _| {}), Ok(block.len()));
            assert!(decoder.size <= TABLE_DEFAULT && decoder.held_bytes() < 4 * TABLE_DEFAULT);
        }
        let block = [&[0x40, 1, b'n', 0x7f, 0xff, 0x3f][..], &[b'v'; 8318]].concat();
        assert_eq!(decoder.decode(&block, |_, _| {}), Ok(block.len()));
        assert!(decoder.table.is_empty(), "an entry larger than the table empties it");
    }
}
