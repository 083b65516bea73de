//! HTML as a reader sees it: lines and tables. Lenient, since every browser is; scripts, styles and
//! what links lead to are not read.

use ioc_feeds::handover::{Place, number};

use crate::{Out, grid, prose};

/// What stands in a page, in order of reading.
#[derive(Default)]
struct Page {
    lines: Vec<String>,
    tables: Vec<grid::Rows>,
    open: Vec<grid::Rows>,
    text: String,
}

/// Deepest nesting of tables.
const TABLES: usize = 8;

/// Reads a page.
pub(crate) fn read(text: &str, out: &mut Out<'_>) {
    let page = page(text);
    for (at, rows) in page.tables.iter().enumerate() {
        grid::read(rows, &Place { table: number(at), ..Place::default() }, out);
    }
    let text = page.lines.join("\n");
    prose::read(&text, &|at| Place { line: number(at), ..Place::default() }, out);
}

fn page(text: &str) -> Page {
    let mut page = Page::default();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (words, tag) = rest.split_at_checked(at).unwrap_or((rest, ""));
        page.words(words);
        if let Some(remark) = tag.strip_prefix("<!--") {
            rest = remark.find("-->").and_then(|end| remark.get(end + 3..)).unwrap_or_default();
            continue;
        }
        let inside = tag.get(1..).unwrap_or_default();
        let is_tag = inside.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
        let Some(end) = inside.find('>').filter(|_| is_tag) else {
            page.text.push('<');
            rest = inside;
            continue;
        };
        let name = inside.get(..end).unwrap_or_default();
        rest = inside.get(end + 1..).unwrap_or_default();
        let word = name.trim_start_matches('/');
        let word: String = word.chars().take_while(char::is_ascii_alphanumeric).collect();
        let word = word.to_ascii_lowercase();
        if matches!(word.as_str(), "script" | "style" | "head" | "svg" | "noscript")
            && !name.starts_with('/')
            && !name.ends_with('/')
        {
            rest = behind(rest, &word);
            continue;
        }
        page.tag(&word, name.starts_with('/'));
    }
    page.words(rest);
    page.line();
    while let Some(rows) = page.open.pop() {
        page.tables.push(rows);
    }
    page
}

/// What follows the end of an element, without looking at what is in it.
fn behind<'t>(text: &'t str, word: &str) -> &'t str {
    let end = format!("</{word}");
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("</")) {
        let at = from + at;
        let found = text.get(at..at + end.len()).is_some_and(|tag| tag.eq_ignore_ascii_case(&end));
        if found {
            return text
                .get(at..)
                .and_then(|rest| rest.split_once('>'))
                .map_or("", |(_, rest)| rest);
        }
        from = at + 2;
    }
    ""
}

impl Page {
    fn words(&mut self, text: &str) {
        let plain = unescaped(text);
        // A line end in the source is a blank to a reader.
        for (at, word) in plain.split(char::is_whitespace).enumerate() {
            if at > 0 && !self.text.ends_with([' ', '\n']) {
                self.text.push(' ');
            }
            self.text.push_str(word);
        }
    }

    fn line(&mut self) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        match self.open.last_mut().and_then(|rows| rows.last_mut()).and_then(|row| row.last_mut()) {
            Some(cell) => {
                if !cell.is_empty() {
                    cell.push('\n');
                }
                cell.push_str(text);
            }
            None => self.lines.extend(text.split('\n').map(|line| line.trim().to_owned())),
        }
    }

    fn tag(&mut self, word: &str, ends: bool) {
        match (word, ends) {
            ("table", false) if self.open.len() < TABLES => {
                self.line();
                self.open.push(Vec::new());
            }
            ("table", true) => {
                self.line();
                if let Some(rows) = self.open.pop() {
                    self.tables.push(rows);
                }
            }
            ("tr", false) => {
                self.line();
                if let Some(rows) = self.open.last_mut() {
                    rows.push(Vec::new());
                }
            }
            ("td" | "th", false) => {
                self.line();
                if let Some(row) = self.open.last_mut().and_then(|rows| rows.last_mut()) {
                    row.push(String::new());
                }
            }
            ("td" | "th" | "tr", true) => self.line(),
            (
                "br" | "p" | "div" | "li" | "ul" | "ol" | "pre" | "section" | "article" | "header"
                | "footer" | "dd" | "dt" | "blockquote" | "code" | "h1" | "h2" | "h3" | "h4" | "h5"
                | "h6",
                _,
            ) if word != "code" => {
                self.line();
            }
            _ => {}
        }
    }
}

/// References of HTML that occur in texts; others stay as they are.
pub(crate) fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(rest.get(..at).unwrap_or_default());
        let tail = rest.get(at + 1..).unwrap_or_default();
        let end = tail.char_indices().take(12).find(|(_, c)| *c == ';').map(|(end, _)| end);
        let letter = end.and_then(|end| named(tail.get(..end)?));
        match (letter, end) {
            (Some(letter), Some(end)) => {
                out.push(letter);
                rest = tail.get(end + 1..).unwrap_or_default();
            }
            _ => {
                out.push('&');
                rest = tail;
            }
        }
    }
    out.push_str(rest);
    out
}

fn named(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "period" => '.',
        "colon" => ':',
        "sol" => '/',
        "lsqb" | "lbrack" => '[',
        "rsqb" | "rbrack" => ']',
        "lpar" => '(',
        "rpar" => ')',
        "ndash" => '\u{2013}',
        "mdash" => '\u{2014}',
        "shy" => '\u{ad}',
        "hyphen" => '-',
        _ => return None,
    })
}
