//! Header compression of HTTP/2 (RFC 7541), decoding only.
//!
//! Ours because the crates that do it build a Huffman table for every string, give no fields of a
//! block that is cut, or have had no release for years. Bounded: the table by [`TABLE_LIMIT`],
//! the output by the input (the caller stops copying).

use std::collections::VecDeque;

use super::huffman;

/// Largest dynamic table followed, in octets of RFC 7541 4.1. An encoder that is allowed more and
/// uses it cannot be followed.
const TABLE_LIMIT: usize = 64 * 1024;

/// Size of the dynamic table until an update says otherwise.
const TABLE_DEFAULT: usize = 4096;

type Entry = (Box<[u8]>, Box<[u8]>);

/// Decodes the blocks of one direction, in order.
#[derive(Debug)]
pub(super) struct Decoder {
    /// Name and value, the latest first.
    table: VecDeque<Entry>,
    size: usize,
    limit: usize,
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            table: VecDeque::new(),
            size: 0,
            limit: TABLE_DEFAULT,
            name: Vec::new(),
            value: Vec::new(),
        }
    }
}

impl Decoder {
    /// Gives `field` every name and value of the block up to its end or its damage; false when
    /// damaged, and then later blocks cannot be read.
    pub(super) fn decode(&mut self, block: &[u8], mut field: impl FnMut(&[u8], &[u8])) -> bool {
        let mut rest = block;
        while let Some(first) = rest.first() {
            let read = match first {
                0x80.. => self.indexed(rest, &mut field),
                0x40.. => self.literal(rest, 6, &mut field),
                0x20.. => self.resize(rest),
                _ => self.literal(rest, 4, &mut field),
            };
            match read {
                Some(after) => rest = after,
                None => return false,
            }
        }
        true
    }

    fn indexed<'a>(
        &self,
        rest: &'a [u8],
        field: &mut impl FnMut(&[u8], &[u8]),
    ) -> Option<&'a [u8]> {
        let (index, rest) = integer(rest, 7)?;
        let (name, value) = self.entry(index)?;
        field(name, value);
        Some(rest)
    }

    /// A literal with an index prefix of so many bits: 6 is put into the table.
    fn literal<'a>(
        &mut self,
        rest: &'a [u8],
        prefix: u32,
        field: &mut impl FnMut(&[u8], &[u8]),
    ) -> Option<&'a [u8]> {
        let (index, mut rest) = integer(rest, prefix)?;
        let (mut name, mut value) =
            (std::mem::take(&mut self.name), std::mem::take(&mut self.value));
        name.clear();
        if index == 0 {
            rest = string(rest, &mut name)?;
        } else {
            name.extend_from_slice(self.entry(index)?.0);
        }
        rest = string(rest, &mut value)?;
        field(&name, &value);
        if prefix == 6 {
            self.insert(&name, &value);
        }
        (self.name, self.value) = (name, value);
        Some(rest)
    }

    fn resize<'a>(&mut self, rest: &'a [u8]) -> Option<&'a [u8]> {
        let (limit, rest) = integer(rest, 5)?;
        if limit > TABLE_LIMIT {
            return None;
        }
        self.limit = limit;
        self.shrink(limit);
        Some(rest)
    }

    fn insert(&mut self, name: &[u8], value: &[u8]) {
        let size = cost(name, value);
        self.shrink(self.limit.saturating_sub(size));
        if size <= self.limit {
            self.size += size;
            self.table.push_front((name.into(), value.into()));
        }
    }

    fn shrink(&mut self, limit: usize) {
        while self.size > limit {
            let Some((name, value)) = self.table.pop_back() else { break };
            self.size = self.size.saturating_sub(cost(&name, &value));
        }
    }

    fn entry(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let index = index.checked_sub(1)?;
        if let Some((name, value)) = STATIC.get(index) {
            return Some((name.as_bytes(), value.as_bytes()));
        }
        self.table.get(index - STATIC.len()).map(|(name, value)| (&**name, &**value))
    }
}

fn cost(name: &[u8], value: &[u8]) -> usize {
    name.len() + value.len() + 32
}

/// An integer with a prefix of so many bits (RFC 7541 5.1); at most 28 bits more.
fn integer(bytes: &[u8], prefix: u32) -> Option<(usize, &[u8])> {
    let (first, mut rest) = bytes.split_first()?;
    let mask = (1_usize << prefix) - 1;
    let mut value = usize::from(*first) & mask;
    if value < mask {
        return Some((value, rest));
    }
    for shift in [0, 7, 14, 21] {
        let (byte, after) = rest.split_first()?;
        rest = after;
        value += usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((value, rest));
        }
    }
    None
}

/// A string (RFC 7541 5.2) into `out`; `None` when it is not whole or no Huffman code.
fn string<'a>(bytes: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (length, rest) = integer(bytes, 7)?;
    let (text, rest) = rest.split_at_checked(length)?;
    out.clear();
    if bytes.first()? & 0x80 == 0 {
        out.extend_from_slice(text);
    } else {
        huffman::decode(text, out)?;
    }
    Some(rest)
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
        let sound = decoder.decode(&bytes, |name, value| {
            lines.push(format!(
                "{}: {}",
                String::from_utf8_lossy(name),
                String::from_utf8_lossy(value)
            ));
        });
        assert!(sound);
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
    fn a_size_update_empties_the_table_and_a_huge_one_is_damage() {
        let mut decoder = Decoder::default();
        read(&mut decoder, "828684418cf1e3c2e5f23a6ba0ab90f4ff");
        read(&mut decoder, "20");
        assert_eq!((decoder.size, decoder.table.len()), (0, 0));
        assert!(!decoder.decode(&[0x3f, 0xff, 0xff, 0x7f], |_, _| {}));
    }

    #[test]
    fn fields_before_the_damage_are_given() {
        let mut seen = 0;
        assert!(!Decoder::default().decode(&[0x82, 0x86, 0xff], |_, _| seen += 1));
        assert_eq!(seen, 2);
    }

    #[test]
    fn the_table_never_outgrows_its_limit() {
        let mut decoder = Decoder::default();
        for length in 0..200_u8 {
            let mut block = vec![0x40, 1, b'n', length.min(100)];
            block.extend(vec![b'v'; usize::from(length.min(100))]);
            assert!(decoder.decode(&block, |_, _| {}));
            assert!(decoder.size <= TABLE_DEFAULT);
        }
        assert!(
            decoder.decode(
                &[&[0x40, 1, b'n', 0x7f, 0xff, 0x3f][..], &[b'v'; 8318]].concat(),
                |_, _| {}
            )
        );
        assert!(decoder.table.is_empty(), "an entry larger than the table empties it");
    }
}
