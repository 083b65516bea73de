//! What stands around a value: bullets, numbers, quotes, labels, remarks, the marks of a sentence.
//!
//! Every function takes refanged text and lends a part of it.

/// Signs that begin an item of a list when a blank follows.
const BULLETS: [char; 20] = [
    '-', '*', '+', '•', '‣', '◦', '·', '▪', '▫', '■', '□', '●', '○', '►', '▶', '➢', '✓', '→', '>',
    '§',
];
/// Those that begin one without a blank too: no value begins with them.
const SURE: [char; 16] =
    ['•', '‣', '◦', '·', '▪', '▫', '■', '□', '●', '○', '►', '▶', '➢', '✓', '→', '§'];

/// The value without what a list, a sentence or a quotation puts around it.
pub(super) fn bare(text: &str) -> &str {
    let mut text = text.trim();
    // Each step takes something away, so this ends.
    loop {
        let before = text;
        text = unbulleted(text);
        text = unquoted(text);
        text = untrailed(text).trim();
        if text.len() == before.len() {
            return text;
        }
    }
}

/// Without the bullet or number in front.
fn unbulleted(text: &str) -> &str {
    if let Some(rest) = text.strip_prefix(SURE) {
        return rest.trim_start();
    }
    if let Some(rest) = text.strip_prefix(BULLETS)
        && rest.starts_with([' ', '\t'])
    {
        return rest.trim_start();
    }
    // `1. `, `12) `, `(3) `, `a) `, `1<TAB>`, `[4] `.
    let inner = text.strip_prefix(['(', '[']).unwrap_or(text);
    let digits = inner.find(|c: char| !c.is_ascii_digit()).unwrap_or(inner.len());
    let letters = inner.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(inner.len());
    let (length, is_number) = if digits > 0 { (digits, true) } else { (letters, false) };
    let rest = inner.get(length..).unwrap_or_default();
    if !(1..=4).contains(&length) || (!is_number && length > 1) {
        return text;
    }
    if is_number && inner.len() == text.len() && rest.starts_with('\t') {
        return rest.trim_start();
    }
    match rest.strip_prefix([')', ']']).or_else(|| rest.strip_prefix('.').filter(|_| is_number)) {
        Some(behind) if behind.starts_with([' ', '\t']) => behind.trim_start(),
        _ => text,
    }
}

/// Without what stands on both sides of it: quotes, backticks, stars, brackets, bars.
fn unquoted(text: &str) -> &str {
    const PAIRS: [(&str, &str); 11] = [
        ("\"", "\""),
        ("'", "'"),
        ("```", "```"),
        ("``", "``"),
        ("`", "`"),
        ("**", "**"),
        ("__", "__"),
        ("<", ">"),
        ("(", ")"),
        ("{", "}"),
        ("|", "|"),
    ];
    for (open, close) in PAIRS {
        let inside = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        if let Some(inside) = inside.filter(|inside| !inside.trim().is_empty()) {
            return inside.trim();
        }
    }
    // Brackets, unless they hold an IPv6 address.
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inside) if !inside.contains(':') || inside.contains("//") => inside.trim(),
        _ => text,
    }
}

/// Without marks at the end that belong to the sentence.
fn untrailed(text: &str) -> &str {
    let mut text = text;
    while let Some(last) = text.chars().next_back() {
        let rest = text.get(..text.len() - last.len_utf8()).unwrap_or_default();
        let count = |c: char| text.matches(c).count();
        let odd = match last {
            ',' | ';' | '"' | '\'' | '`' | '!' | '…' | '|' => true,
            ':' => !rest.ends_with(':'),
            ')' => count(')') > count('('),
            ']' => count(']') > count('['),
            '}' => count('}') > count('{'),
            '>' => count('>') > count('<'),
            // Of a url the dot is the sentence's; of a name it may be the root's and is left.
            '.' => rest.contains("//") || rest.ends_with([')', '"', '\'', '`', '>']),
            _ => false,
        };
        if !odd {
            break;
        }
        text = rest.trim_end();
    }
    let first = text.chars().next();
    match first {
        Some('"' | '\'' | '`' | ',' | ';') => text.get(1..).unwrap_or_default(),
        Some('(') if !text.contains(')') => text.get(1..).unwrap_or_default(),
        _ => text,
    }
}

/// A value and the remark behind it, both without blanks around; no remark if there is none.
pub(super) fn remark(text: &str) -> (&str, &str) {
    let split = text.char_indices().find_map(|(at, c)| {
        let rest = text.get(at + c.len_utf8()..)?;
        match c {
            '\t' => Some((at, rest)),
            ' ' => {
                let more = rest.trim_start_matches(' ');
                let apart = more.len() < rest.len();
                let marks = [
                    "#", ";", "--", "- ", "//", "<-", "<=", "|", "(", "/*", "=>", "->", ": ", "= ",
                ];
                let marked = marks.iter().any(|mark| more.starts_with(mark));
                (apart || marked).then_some((at, more))
            }
            ',' | ';' | '#' | '|' if !is_url(text.get(..at)?) && at > 0 => Some((at, rest)),
            ',' | ';' if rest.starts_with([' ', '(']) => Some((at, rest)),
            _ => None,
        }
    });
    match split {
        Some((at, rest)) => {
            let head = text.get(..at).unwrap_or_default().trim_end();
            (head, rest.trim_start_matches(['#', ';', '-', '/', '<', '|', '=', '>', ':', ' ', '*']))
        }
        None => (text, ""),
    }
}

/// In a url commas, semicolons and number signs are its own.
fn is_url(head: &str) -> bool {
    head.contains("//") || head.contains('/')
}

/// Longest label, in characters.
const LABEL: usize = 48;

/// A label and what it labels: `Domain: bad.example`, `C2 server - bad.example` is none.
pub(super) fn label(text: &str) -> Option<(&str, &str)> {
    let at = text.find(':')?;
    let (name, rest) = (text.get(..at)?.trim(), text.get(at + 1..)?);
    let worded = name.chars().all(|c| c.is_alphanumeric() || " /&()_-*.`\"|".contains(c))
        && name.chars().any(char::is_alphabetic)
        && name.chars().count() <= LABEL;
    let parted = rest.starts_with([' ', '\t']);
    (worded && parted && !rest.trim().is_empty()).then(|| (name, rest.trim()))
}

/// Says a remark that what it stands beside is innocent?
pub(super) fn calls_innocent(remark: &str) -> bool {
    let remark = remark.to_lowercase();
    [
        "not inherently malicious",
        "not malicious",
        "legitimate",
        "legit ",
        "benign",
        "false positive",
        "hợp pháp",
        "không độc hại",
        "trang chính thức",
    ]
    .iter()
    .any(|words| remark.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_a_value_is_taken_off() {
        for text in [
            "bad.example",
            "- bad.example",
            "* bad.example",
            "• bad.example",
            "•bad.example",
            "1. bad.example",
            "12) bad.example",
            "(3) bad.example",
            "1\tbad.example",
            "`bad.example`",
            "\"bad.example\"",
            "'bad.example'",
            "**bad.example**",
            "<bad.example>",
            "bad.example,",
            "bad.example;",
            "bad.example)",
            "- \"bad.example\",",
            "(bad.example).",
        ] {
            assert_eq!(bare(text).trim_end_matches('.'), "bad.example", "{text}");
        }
        for (text, expected) in [
            ("http://bad.example/a,", "http://bad.example/a"),
            ("http://bad.example/b)", "http://bad.example/b"),
            ("http://bad.example/c\"", "http://bad.example/c"),
            ("http://bad.example/d.", "http://bad.example/d"),
            ("http://bad.example/(e)", "http://bad.example/(e)"),
            ("<http://bad.example/f>", "http://bad.example/f"),
            ("[2001:db8::9]", "[2001:db8::9]"),
            ("*.bad.example", "*.bad.example"),
            ("-bad.example", "-bad.example"),
            ("198.51.100.7", "198.51.100.7"),
            ("1.bad.example", "1.bad.example"),
        ] {
            assert_eq!(bare(text), expected, "{text}");
        }
    }

    #[test]
    fn a_remark_is_told_from_its_value() {
        for text in [
            "bad.example # PlugX",
            "bad.example#PlugX",
            "bad.example ; PlugX",
            "bad.example -- PlugX",
            "bad.example - PlugX",
            "bad.example // PlugX",
            "bad.example   <-- PlugX",
            "bad.example | PlugX",
            "bad.example|PlugX",
            "bad.example\tPlugX",
            "bad.example, PlugX",
        ] {
            assert_eq!(remark(text), ("bad.example", "PlugX"), "{text}");
        }
        assert_eq!(remark("bad.example (PlugX)"), ("bad.example", "(PlugX)"));
        assert_eq!(remark("http://bad.example/a#b,c;d"), ("http://bad.example/a#b,c;d", ""));
        assert_eq!(label("C2 server: bad.example"), Some(("C2 server", "bad.example")));
        assert_eq!(label("bad.example:443"), None);
        assert_eq!(label("http://bad.example"), None);
    }
}
