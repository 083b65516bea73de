//! Undoes the spellings that keep an indicator in a report from being clicked, and those that a
//! word processor puts in by itself.
//!
//! Owns text to text; what the result means is for [`crate::judge`]. Whether a mark stood there is
//! remembered, because a writer who defangs a value means it as an indicator.

use std::borrow::Cow;

/// A text in plain spelling, and what had to be undone for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refanged {
    /// The text without marks.
    pub text: String,
    /// A mark stood in it that somebody put there on purpose: `[.]`, `hxxp`.
    pub defanged: bool,
    /// A letter stood in it that only looks like the right one: the hyphens of a word processor.
    pub mended: bool,
}

/// The whole text in plain spelling. Doing it again changes nothing but in odd cases such as
/// brackets in brackets; nothing is ever longer than it was, by more than a `http` for a `hp`.
pub fn refang(text: &str) -> Refanged {
    let (plain, mended) = letters(text);
    let (marked, found) = marks(&plain);
    let (spaced, apart) = spaced_dots(&marked);
    let (text, disguised) = scheme(&spaced);
    Refanged { text: text.into_owned(), defanged: found || apart || disguised, mended }
}

/// Could [`refang`] change anything? One pass settles nearly every line of a large list.
pub fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'A'..=b'Z' | b'.' | b'-' | b'_'))
}

/// Letters that look alike made the plain ones, and what has no width taken out.
fn letters(text: &str) -> (Cow<'_, str>, bool) {
    if text.is_ascii() {
        return (Cow::Borrowed(text), false);
    }
    let mut mended = false;
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}' => {}
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' | '\u{fe58}' => {
                mended = true;
                out.push('-');
            }
            '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{301d}' | '\u{301e}' => {
                out.push('"')
            }
            '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{b4}' => out.push('\''),
            '\u{3002}' | '\u{ff61}' | '\u{2024}' => out.push('.'),
            '\u{2044}' | '\u{2215}' => out.push('/'),
            '\u{2236}' => out.push(':'),
            '【' | '〔' => out.push('['),
            '】' | '〕' => out.push(']'),
            // The full-width forms of ASCII.
            '\u{ff01}'..='\u{ff5e}' => {
                out.extend(char::from_u32(u32::from(letter) - 0xff01 + 0x21));
            }
            _ if letter.is_whitespace() => out.push(if letter == '\n' { '\n' } else { ' ' }),
            _ => out.push(letter),
        }
    }
    (Cow::Owned(out), mended)
}

const OPEN: [char; 4] = ['[', '(', '{', '<'];
const CLOSE: [char; 4] = [']', ')', '}', '>'];
/// Longest text between the brackets of a mark, in octets.
const MARK: usize = 12;

/// What stands in brackets instead of a sign.
fn meaning(inside: &str) -> Option<&'static str> {
    let word = inside.trim().to_lowercase();
    Some(match word.as_str() {
        "." | "dot" | "d0t" | "punto" | "point" | "punkt" | "chấm" | "cham" | ".." => ".",
        ":" | "colon" => ":",
        "://" => "://",
        ":/" => ":/",
        "/" | "slash" => "/",
        "//" => "//",
        "@" | "at" => "@",
        "-" | "dash" => "-",
        "http" => "http",
        "https" => "https",
        "www" => "www",
        _ => return None,
    })
}

fn is_label(letter: Option<char>) -> bool {
    letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-')
}

/// Bracketed signs made the signs: `[.]`, `(dot)`, `[.`, `.]`, `\.`.
fn marks(text: &str) -> (Cow<'_, str>, bool) {
    if !text.contains(['[', '(', '{', '<', ']', ')', '}', '\\']) {
        return (Cow::Borrowed(text), false);
    }
    let mut out = String::with_capacity(text.len());
    let mut found = false;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let behind = rest.get(letter.len_utf8()..).unwrap_or_default();
        if let Some((sign, length)) = mark_at(rest, letter, behind, out.chars().next_back()) {
            found = true;
            if sign == "." {
                out.truncate(out.trim_end_matches(' ').len());
            }
            out.push_str(sign);
            rest = rest.get(length..).unwrap_or_default();
            if sign == "." && is_label(rest.trim_start_matches(' ').chars().next()) {
                rest = rest.trim_start_matches(' ');
            }
        } else {
            out.push(letter);
            rest = behind;
        }
    }
    if found { (Cow::Owned(out), true) } else { (Cow::Borrowed(text), false) }
}

/// The sign that begins here and how many octets write it.
fn mark_at(
    rest: &str,
    letter: char,
    behind: &str,
    before: Option<char>,
) -> Option<(&'static str, usize)> {
    if OPEN.contains(&letter) {
        let close = behind.char_indices().take_while(|(at, _)| *at <= MARK);
        let close = close.filter(|(_, c)| CLOSE.contains(c)).map(|(at, _)| at).next();
        let inside = close.and_then(|at| behind.get(..at));
        if let Some(sign) = inside.and_then(meaning) {
            // A remark such as `(at)` or `<http>` stands alone; a sign touches what it parts.
            let touches = sign.len() < 3 || before.is_none_or(|c| !c.is_whitespace());
            return touches.then_some((sign, letter.len_utf8() + inside?.len() + 1));
        }
        // `evil[.com]`: the bracket holds the sign and what follows.
        let mut next = behind.chars();
        let sign = match next.next() {
            Some('.') if is_label(before) => ".",
            Some(':') if is_label(before) => ":",
            _ => return None,
        };
        let follows = next.next();
        return (is_label(follows) || follows == Some('/'))
            .then_some((sign, letter.len_utf8() + 1));
    }
    let closes = |c: Option<char>| c.is_some_and(|c| matches!(c, ']' | ')' | '}'));
    match letter {
        '\\' if behind.starts_with('.') && is_label(before) => Some((".", 2)),
        '.' if is_label(before) && closes(behind.chars().next()) => {
            is_label(behind.chars().nth(1)).then_some((".", 2))
        }
        // The end of `evil[.com]`, behind which the name is over.
        ']' if is_label(before) && !rest_has_open(rest) => None,
        _ => None,
    }
}

fn rest_has_open(rest: &str) -> bool {
    rest.contains('[')
}

/// `c2 . evil . example` and `c2 dot evil dot example`, when nothing else stands there.
fn spaced_dots(text: &str) -> (Cow<'_, str>, bool) {
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let is_dot = |word: &str| word == "." || word.eq_ignore_ascii_case("dot");
    let parts = |word: &str| word.chars().all(|c| c.is_alphanumeric() || "-_.:/".contains(c));
    let whole = words.len() >= 3
        && words.len() % 2 == 1
        && words.iter().enumerate().all(|(at, word)| match at % 2 {
            0 => parts(word) && !is_dot(word),
            _ => is_dot(word),
        });
    if !whole {
        return (Cow::Borrowed(text), false);
    }
    let joined: String = words.iter().map(|word| if is_dot(word) { "." } else { word }).collect();
    (Cow::Owned(joined), true)
}

/// The scheme in front, or behind a bracket or blank, as a browser would need it.
fn scheme(text: &str) -> (Cow<'_, str>, bool) {
    if !text.contains("//") && !text.contains("\\\\") && !text.contains(":/") {
        return (Cow::Borrowed(text), false);
    }
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut found, mut changed) = (text, false, false);
    while let Some((at, length)) = separator(rest) {
        let (head, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let starts = head
            .char_indices()
            .rev()
            .take_while(|(_, c)| c.is_ascii_alphanumeric() || "*_#".contains(*c))
            .last()
            .map_or(at, |(start, _)| start);
        let (before, word) = head.split_at_checked(starts).unwrap_or((head, ""));
        let written = tail.get(..length).unwrap_or_default();
        let behind = tail.get(length..).unwrap_or_default();
        out.push_str(before);
        match plain_scheme(word) {
            Some((plain, disguised)) => {
                found |= disguised || written.contains('\\');
                changed |= disguised || written != "://";
                out.push_str(plain);
                out.push_str("://");
                let url = behind.trim_start_matches(' ');
                changed |= url.len() != behind.len();
                let end = url.find(char::is_whitespace).unwrap_or(url.len());
                let (url, more) = url.split_at_checked(end).unwrap_or((url, ""));
                changed |= url.contains('\\');
                out.push_str(&url.replace('\\', "/"));
                rest = more;
            }
            None => {
                out.push_str(word);
                out.push_str(written);
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    if changed { (Cow::Owned(out), found) } else { (Cow::Borrowed(text), found) }
}

/// Where a scheme ends, and how long that is written: `://`, `:\\`, `:/`, `//` of `hxxp//`.
fn separator(text: &str) -> Option<(usize, usize)> {
    let at = text.find("://").map(|at| (at, 3));
    let back = text.find(":\\\\").map(|at| (at, 3));
    let single = text.find(":/").map(|at| (at, 2));
    let bare = text.find("//").filter(|at| *at > 0).map(|at| (at, 2));
    [at, back, single, bare].into_iter().flatten().min_by_key(|(at, length)| (*at, 4 - length))
}

/// A scheme as it is meant, and whether it was disguised.
fn plain_scheme(word: &str) -> Option<(&'static str, bool)> {
    const REAL: [&str; 11] =
        ["http", "https", "ftp", "ftps", "sftp", "tcp", "udp", "tls", "ssl", "ws", "wss"];
    let word = word.to_ascii_lowercase();
    if let Some(real) = REAL.iter().find(|real| **real == word) {
        return Some((real, false));
    }
    let (stem, secure) = match word.strip_suffix('s') {
        Some(stem) => (stem, true),
        None => (word.as_str(), false),
    };
    let disguise = matches!(stem, "meow" | "hp" | "xxp" | "ttp" | "hxp" | "htp" | "hppt")
        || stem.strip_prefix('h').and_then(|rest| rest.strip_suffix('p')).is_some_and(|middle| {
            (2..=3).contains(&middle.len()) && middle.bytes().all(|b| b"tx*_#p".contains(&b))
        })
        || matches!(stem, "httx" | "hxxx" | "xttp" | "htxx");
    match (disguise, stem) {
        (true, _) => Some((if secure { "https" } else { "http" }, true)),
        (false, "fxp") => Some(("ftp", true)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
