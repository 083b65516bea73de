//! The Huffman code of RFC 7541 appendix B, decoding only.
//!
//! The code is canonical: codes of one length are consecutive and in the order of their symbols,
//! so that the lengths alone define it.

/// Longest code.
const LONGEST: usize = 30;

/// Bits of each symbol's code; the last is the end of the string.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// Of each length: the first code, how many there are, and where their symbols begin.
#[derive(Clone, Copy)]
struct Length {
    first: u32,
    count: u32,
    symbols: u16,
}

struct Table {
    lengths: [Length; LONGEST + 1],
    symbols: [u16; 257],
}

static TABLE: Table = table();

#[allow(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where a bad index is an error"
)]
const fn table() -> Table {
    let mut table = Table {
        lengths: [Length { first: 0, count: 0, symbols: 0 }; LONGEST + 1],
        symbols: [0; 257],
    };
    let (mut code, mut placed, mut length) = (0, 0, 1);
    while length <= LONGEST {
        code <<= 1;
        table.lengths[length] = Length { first: code, count: 0, symbols: placed as u16 };
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                table.symbols[placed] = symbol as u16;
                placed += 1;
                code += 1;
                table.lengths[length].count += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    table
}

/// Appends the decoded text; `None` when it holds the end-of-string code. Padding is whatever is
/// left over: a wrong one hides nothing.
pub(super) fn decode(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (mut code, mut bits) = (0_u32, 0_usize);
    for byte in text {
        for shift in (0..8).rev() {
            code = (code << 1) | u32::from((byte >> shift) & 1);
            bits += 1;
            let length = TABLE.lengths.get(bits)?;
            let Some(place) = code.checked_sub(length.first).filter(|at| *at < length.count) else {
                continue;
            };
            let symbol = *TABLE.symbols.get(usize::from(length.symbols) + place as usize)?;
            out.push(u8::try_from(symbol).ok()?);
            (code, bits) = (0, 0);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symbol_decodes_to_itself() {
        for (symbol, bits) in LENGTHS.into_iter().map(usize::from).enumerate().take(256) {
            let length = TABLE.lengths[bits];
            let place = (0..length.count)
                .find(|at| {
                    usize::from(TABLE.symbols[usize::from(length.symbols) + *at as usize]) == symbol
                })
                .unwrap();
            let code = (u64::from(length.first + place) << (32 - bits)) | ((1 << (32 - bits)) - 1);
            let mut out = Vec::new();
            let _ = decode(&(code as u32).to_be_bytes(), &mut out);
            assert_eq!(usize::from(out[0]), symbol);
        }
    }

    #[test]
    fn the_end_of_string_code_is_damage() {
        assert_eq!(decode(&[0xff; 4], &mut Vec::new()), None);
    }

    #[test]
    fn the_text_of_rfc_7541_c4_1_is_read() {
        let mut out = Vec::new();
        let text = [0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        assert_eq!(decode(&text, &mut out), Some(()));
        assert_eq!(out, b"www.example.com");
    }
}
