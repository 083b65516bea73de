//! Text off the wire on a line for people: nothing in it may end the line, split a field, move
//! the cursor or turn the reading direction.

use std::borrow::Cow;

/// Longest text that is shown of one value, in characters; a url may be a megabyte.
const SHOWN: usize = 256;

/// Replaces what would break a line or a terminal, and shortens.
pub fn field(text: &str) -> Cow<'_, str> {
    let harmless = |c: char| !c.is_control() && c != '|' && !is_layout(c);
    if text.len() <= SHOWN && text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(SHOWN);
    for (shown, c) in text.chars().enumerate() {
        if shown == SHOWN {
            out.push('…');
            break;
        }
        if harmless(c) {
            out.push(c);
        } else if let Ok(byte) = u8::try_from(u32::from(c)) {
            out.push_str(&format!("\\{byte:03}"));
        } else {
            out.push('\u{fffd}');
        }
    }
    Cow::Owned(out)
}

/// Replaces what would break a line of ours or a terminal, and shortens nothing: names of files and
/// interfaces stand in it, and bars between its fields.
pub fn line(text: &str) -> Cow<'_, str> {
    let harmless = |c: char| !c.is_control() && !is_layout(c);
    if text.chars().all(harmless) {
        return Cow::Borrowed(text);
    }
    let one = |c: char| match u8::try_from(u32::from(c)) {
        _ if harmless(c) => c.to_string(),
        Ok(byte) => format!("\\{byte:03}"),
        Err(_) => '\u{fffd}'.into(),
    };
    Cow::Owned(text.chars().map(one).collect())
}

/// Characters that reorder or hide what stands around them.
fn is_layout(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_value_can_neither_end_the_line_nor_make_a_field() {
        assert_eq!(field("a.example"), "a.example");
        assert_eq!(field("/x\r\n2024 | y\u{1b}[2J"), "/x\\013\\0102024 \\124 y\\027[2J");
        assert_eq!(field("a\u{202e}b"), "a\u{fffd}b");
    }

    #[test]
    fn a_line_of_ours_keeps_its_bars_and_its_length_and_nothing_that_moves_a_cursor() {
        let long = "x | ".repeat(200);
        assert_eq!(line(&long), long);
        assert_eq!(line("a\nb\u{1b}[2J\u{9b}\u{7f}\u{202e}"), "a\\010b\\027[2J\\155\\127\u{fffd}");
    }

    #[test]
    fn a_long_value_is_shortened_and_says_so() {
        let long = "x".repeat(1000);
        assert!(field(&long).ends_with('…'));
        assert_eq!(field(&long).chars().count(), SHOWN + 1);
    }
}
