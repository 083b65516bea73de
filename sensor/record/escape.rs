//! Text off the wire, and names of files, where people read them: nothing in it may end the line,
//! split a field, move the cursor, turn the reading direction or hide. Letters of every language
//! are shown as they are. The one place that says what is shown; lines and JSON differ only in
//! how the rest is written.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use serde_json::ser::Formatter;

/// Longest text that is shown of one value, in characters; a url may be a megabyte.
const SHOWN: usize = 256;

/// Replaces what would break a line or a terminal, and shortens.
pub fn field(text: &str) -> Cow<'_, str> {
    let harmless = |c: char| !is_hidden(c) && c != '|';
    if text.len() <= SHOWN && text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().min(4 * SHOWN));
    for (shown, c) in text.chars().enumerate() {
        if shown == SHOWN {
            out.push('…');
            break;
        }
        if harmless(c) { out.push(c) } else { push_escaped(c, &mut out) }
    }
    Cow::Owned(out)
}

/// A name whose bytes beyond ASCII stand as `\\DDD`, with its letters as they are. What is no UTF-8, and
/// what is ASCII, stays escaped.
pub fn letters(name: &str) -> Cow<'_, str> {
    let mut rest = name;
    let mut out: Vec<u8> = Vec::new();
    while let Some((before, escaped)) = rest.split_once('\\') {
        let digits = escaped.get(..3).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let byte = digits.and_then(|digits| digits.parse::<u8>().ok()).filter(|byte| *byte >= 0x80);
        out.extend_from_slice(before.as_bytes());
        match byte {
            Some(byte) => {
                out.push(byte);
                rest = escaped.get(3..).unwrap_or_default();
            }
            None => {
                out.push(b'\\');
                rest = escaped;
            }
        }
    }
    out.extend_from_slice(rest.as_bytes());
    match String::from_utf8(out) {
        Ok(text) if text != name => Cow::Owned(text),
        _ => Cow::Borrowed(name),
    }
}

/// A whole line of the sensor's own words: as [`field`], but neither shortened nor split.
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { push_escaped(c, &mut out) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// `\DDD` for ASCII, as names have it, else `\u` and the number.
fn push_escaped(c: char, out: &mut String) {
    let _ = match u32::from(c) {
        byte @ ..0x80 => write!(out, "\\{byte:03}"),
        other => write!(out, "\\u{other:04x}"),
    };
}

/// Control characters, and those that reorder, join, fill or hide what stands around them.
fn is_hidden(c: char) -> bool {
    match c {
        ' '..='~' => false,
        ..='\u{9f}' => true,
        _ => is_layout(c),
    }
}

/// Format characters of Unicode 16 (Cf), separators of lines, fillers and selectors that show
/// nothing, and what is set aside for nobody.
fn is_layout(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}'..='\u{ffff}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..)
}

/// JSON in one line in which nothing hides: what [`field`] would replace is `\uXXXX`.
#[derive(Clone, Copy, Debug)]
pub struct PlainJson;

impl Formatter for PlainJson {
    /// Of a text, the part in which JSON itself escapes nothing.
    fn write_string_fragment<W>(&mut self, out: &mut W, text: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = text;
        // Nearly every text is of letters and digits.
        while !rest.bytes().all(|byte| matches!(byte, b' '..=b'~'))
            && let Some((at, c)) = rest.char_indices().find(|(_, c)| is_hidden(*c))
        {
            let (before, after) = rest.split_at(at);
            out.write_all(before.as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = after.get(c.len_utf8()..).unwrap_or("");
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Serialize;

    use super::*;

    fn json(text: &str) -> String {
        let mut out = Vec::new();
        text.serialize(&mut serde_json::Serializer::with_formatter(&mut out, PlainJson)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_hostile_value_can_neither_end_the_line_nor_make_a_field() {
        assert_eq!(field("a.example"), "a.example");
        assert_eq!(field("/x\r\n2024 | y\u{1b}[2J"), "/x\\013\\0102024 \\124 y\\027[2J");
        assert_eq!(field("a\u{202e}b\u{9b}\u{7f}\u{200b}"), "a\\u202eb\\u009b\\127\\u200b");
        assert_eq!(line("tệp a\nb.pcap | x"), "tệp a\\010b.pcap | x");
    }

    #[test]
    fn a_name_of_bytes_is_shown_in_its_letters_and_hides_no_control() {
        assert_eq!(letters(r"M\195\129Y-K\225\186\190"), "MÁY-KẾ");
        for same in ["PC-7", r"a\046b", r"M\195Y", r"x\9", r"\", r"\999", r"a\027b"] {
            assert_eq!(letters(same), same);
        }
        let bidi = letters(r"a\226\128\174b");
        assert_eq!(field(&bidi), r"a\u202eb");
    }

    #[test]
    fn letters_are_shown_as_they_are_also_composed_of_parts() {
        for name in ["MÁY-KẾ-TOÁN", "MÁY-KẾ-TOÁN", "Zimmer-Süd", "会計", "पीसी", "😀"]
        {
            assert_eq!(field(name), name);
            assert_eq!(json(name), format!("\"{name}\""));
        }
    }

    #[test]
    fn a_long_value_is_shortened_by_characters_and_says_so() {
        let long = "x".repeat(1000);
        assert!(field(&long).ends_with('…'));
        assert_eq!(field(&long).chars().count(), SHOWN + 1);
        let vietnamese = "Ế".repeat(SHOWN);
        assert_eq!(field(&vietnamese), vietnamese, "bytes do not count");
    }

    #[test]
    fn json_hides_nothing_and_means_the_same() {
        assert_eq!(json("a\u{7f}\u{202e}\"\n\u{e0041}"), r#""a\u007f\u202e\"\n\udb40\udc41""#);
    }

    proptest! {
        #[test]
        fn whatever_is_written_nothing_in_it_hides(
            text in prop_oneof![any::<String>(), "[\\x00-\\x20\\x7f-\\u{a0}\\u{2000}-\\u{2070}|\"ế]{0,300}"]
        ) {
            for shown in [field(&text), line(&text), json(&text).into()] {
                prop_assert!(!shown.chars().any(is_hidden), "{shown:?}");
            }
            prop_assert!(!field(&text).contains('|'));
            prop_assert!(field(&text).chars().count() <= 7 * SHOWN + 1);
            let back: String = serde_json::from_str(&json(&text)).unwrap();
            prop_assert_eq!(back, text);
        }
    }
}
