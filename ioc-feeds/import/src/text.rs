//! Bytes to text in whatever encoding they were saved, and which one that was.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, WINDOWS_1258};

use crate::Refusal;

/// A text and the name of its encoding.
#[derive(Debug)]
pub struct Text<'a> {
    /// The text.
    pub text: Cow<'a, str>,
    /// `UTF-8`, `UTF-16LE`, `windows-1258` ...
    pub encoding: &'static str,
}

/// Octets that are looked at to tell one encoding from another.
const LOOKED: usize = 64 * 1024;

/// Decodes a text.
///
/// # Errors
///
/// When the bytes are no text in any encoding: too many of them are control characters.
pub fn decode(bytes: &[u8]) -> Result<Text<'_>, Refusal> {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None => guess(bytes),
    };
    let (text, _) = encoding.decode_with_bom_removal(bytes);
    let looked = text.chars().take(LOOKED);
    let (mut all, mut odd) = (0_usize, 0_usize);
    for letter in looked {
        all += 1;
        let control = letter.is_control() && !letter.is_whitespace() && letter != '\u{1b}';
        odd += usize::from(control || letter == '\u{fffd}' && encoding != UTF_8);
    }
    if odd * 20 > all {
        return Err(Refusal::new(
            "không phải văn bản và không thuộc định dạng nào đọc được; hãy lưu lại thành .docx, .pdf, .xlsx, .csv hoặc .txt",
            "is no text and in no format that can be read; save it as .docx, .pdf, .xlsx, .csv or .txt",
        ));
    }
    Ok(Text { text, encoding: encoding.name() })
}

/// Decodes a text whose encoding something else has named; an unknown name is guessed.
pub fn decode_as(bytes: &[u8], label: &str) -> String {
    let encoding = Encoding::for_label(label.as_bytes()).unwrap_or_else(|| guess(bytes));
    encoding.decode(bytes).0.into_owned()
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let head = bytes.get(..bytes.len().min(LOOKED)).unwrap_or(bytes);
    // Every second octet of UTF-16 in a language of Latin letters is zero.
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if odd * 3 > head.len() && even < odd / 4 {
        return UTF_16LE;
    }
    if even * 3 > head.len() && odd < even / 4 {
        return UTF_16BE;
    }
    if std::str::from_utf8(bytes).is_ok() {
        return UTF_8;
    }
    if is_vietnamese(bytes) { WINDOWS_1258 } else { WINDOWS_1252 }
}

/// Letters and marks that only Vietnamese has at these places of its code page: Đ, đ, ư, ơ, and the
/// marks of tones, which follow their vowel. In Western texts the same octets are rare letters.
fn is_vietnamese(bytes: &[u8]) -> bool {
    let mut before = 0_u8;
    let (mut letters, mut western) = (0_usize, 0_usize);
    for byte in bytes {
        match byte {
            0xd0 | 0xf0 | 0xfd | 0xf5 | 0xdd | 0xd5 => letters += 1,
            0xcc | 0xd2 | 0xde | 0xec | 0xf2
                if b"aeiouyAEIOUY\xe2\xea\xf4\xe3\xf5\xfd".contains(&before) =>
            {
                letters += 1;
            }
            0xe4 | 0xf6 | 0xdf | 0xe5 | 0xe6 | 0xf8 => western += 1,
            _ => {}
        }
        before = *byte;
    }
    letters > western
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> (String, &'static str) {
        let got = decode(bytes).unwrap();
        (got.text.into_owned(), got.encoding)
    }

    #[test]
    fn every_encoding_of_the_desk_is_known_and_named() {
        let little: Vec<u8> = "bad.example\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "bad.example\r\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let with_bom = [&[0xff, 0xfe], &little[..]].concat();
        for (bytes, encoding) in
            [(&little, "UTF-16LE"), (&with_bom, "UTF-16LE"), (&big, "UTF-16BE")]
        {
            assert_eq!(decoded(bytes), ("bad.example\r\n".into(), encoding));
        }
        assert_eq!(decoded("\u{feff}tên miền".as_bytes()), ("tên miền".into(), "UTF-8"));
        let (bytes, _, _) = WINDOWS_1258.encode("đường dẫn đến máy chủ");
        assert_eq!(decode(&bytes).unwrap().encoding, "windows-1258");
        let (bytes, _, _) = WINDOWS_1252.encode("Größe der Domäne: bad.example");
        assert_eq!(decoded(&bytes), ("Größe der Domäne: bad.example".into(), "windows-1252"));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let noise: Vec<u8> = (0..2000_u32).map(|n| (n * 7 % 32) as u8).collect();
        assert!(decode(&noise).is_err());
    }
}
