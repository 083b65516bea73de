//! A line to candidates: is it an item of a list, or a sentence in which something stands?

use super::decide::{Candidate, decide};
use super::syntax::{self, Entry};
use super::{Column, Finding, Meant, clean, columns, is_digest, ports};
use crate::Reason;
use crate::refang::refang;

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Nothing, or a remark of the file itself.
    Blank,
    /// An item of a list: these values and nothing else but remarks.
    Items(Vec<Candidate>),
    /// A sentence or heading, and what stands in it like a value.
    Text(Vec<Candidate>),
    /// A line that a program understands and that is no indicator, and why.
    Not(Reason),
}

/// Longest line that is looked at, in octets: a longer one is data that is no text.
pub const LONGEST: usize = 64 * 1024;
/// Most values that are taken of a line.
const MOST: usize = 256;

/// Reads a line.
pub fn read(line: &str) -> Line {
    let line = line.trim().trim_start_matches('\u{feff}');
    if line.is_empty()
        || line.starts_with('#')
        || line.starts_with("//")
        || line.starts_with("<!--")
    {
        return Line::Blank;
    }
    if line.starts_with(';') {
        return Line::Blank;
    }
    match syntax::read(line) {
        Some(Entry::Nothing) => return Line::Blank,
        Some(Entry::Not(reason)) => return Line::Not(reason),
        Some(Entry::Names(names)) => {
            return Line::Items(names.into_iter().map(|name| listed(name, None)).collect());
        }
        None => {}
    }
    let plain = refang(line);
    let marks = Marks { written: line, defanged: plain.defanged, mended: plain.mended };
    let body = clean::bare(&plain.text);
    let body = linked(body).unwrap_or(body);
    labelled(body, marks).or_else(|| item(body, marks, None)).unwrap_or_else(|| text(line))
}

/// How the line was written.
#[derive(Clone, Copy)]
struct Marks<'a> {
    written: &'a str,
    defanged: bool,
    mended: bool,
}

impl Marks<'_> {
    fn candidate(self, text: &str, column: Option<Column>, note: &str) -> Candidate {
        Candidate {
            written: self.written.to_owned(),
            text: text.to_owned(),
            defanged: self.defanged,
            mended: self.mended,
            column,
            listed: column.is_some_and(Column::is_indicator),
            aside: false,
            note: note.trim().to_owned(),
        }
    }
}

/// A value that a program's syntax or a column calls an indicator.
pub fn listed(text: &str, column: Option<Column>) -> Candidate {
    let plain = refang(text.trim());
    let body = clean::bare(&plain.text);
    let body = linked(body).unwrap_or(body);
    Candidate {
        written: text.trim().to_owned(),
        text: body.to_owned(),
        defanged: plain.defanged,
        mended: plain.mended,
        column,
        listed: true,
        aside: false,
        note: String::new(),
    }
}

/// The target of a Markdown link, when the words of the link are the same or no value themselves.
fn linked(text: &str) -> Option<&str> {
    let (words, rest) = text.strip_prefix('[')?.split_once("](")?;
    let target = rest.strip_suffix(')')?;
    if words.contains("://") || is_value(words, None) { Some(words) } else { Some(target) }
}

/// `Domain: bad.example`.
fn labelled(body: &str, marks: Marks<'_>) -> Option<Line> {
    let (label, rest) = clean::label(body)?;
    let column = columns::of(label)?;
    let rest = clean::bare(rest);
    if column.is_indicator() || matches!(column, Column::Hash | Column::FileName) {
        return item(rest, marks, Some(column));
    }
    None
}

/// A line that is a value, several values, or a value with a remark.
fn item(body: &str, marks: Marks<'_>, column: Option<Column>) -> Option<Line> {
    if matches!(column, Some(Column::UserAgent)) {
        return Some(Line::Items(vec![marks.candidate(body, column, "")]));
    }
    if let Some(line) = barred(body, marks, column) {
        return Some(line);
    }
    if !body.contains(char::is_whitespace) {
        if is_value(body, column) {
            return Some(Line::Items(vec![marks.candidate(body, column, "")]));
        }
        let parts = several(body, marks, column);
        return match parts {
            Some(parts) => Some(Line::Items(parts)),
            None => {
                let (head, note) = clean::remark(body);
                let (text, note) = if is_value(head, column) { (head, note) } else { (body, "") };
                shaped(text).then(|| Line::Items(vec![marks.candidate(text, column, note)]))
            }
        };
    }
    if is_value(body, column) {
        return Some(Line::Items(vec![marks.candidate(body, column, "")]));
    }
    if let Some(parts) = several(body, marks, column) {
        return Some(Line::Items(parts));
    }
    let (head, note) = clean::remark(body);
    let head = clean::bare(head);
    if note.is_empty() || !is_value(head, column) {
        return None;
    }
    let (head, note) = with_ports(head, note).unwrap_or_else(|| (head.to_owned(), note.to_owned()));
    let note = note.as_str();
    let mut found = vec![marks.candidate(&head, column, note)];
    // What a remark mentions is for a person to say.
    found.extend(mentioned(note).into_iter().map(|one| Candidate {
        aside: true,
        defanged: false,
        ..one
    }));
    Some(Line::Items(found))
}

/// `198.51.100.7<TAB>443<TAB>C2`: the next column of an address holds its ports.
fn with_ports(head: &str, note: &str) -> Option<(String, String)> {
    let address: std::net::IpAddr = head.parse().ok()?;
    let mut cells = note.splitn(2, ['\t', '|']);
    let list = ports::ports(cells.next()?).filter(|list| !list.is_empty())?;
    let list = list.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let text =
        if address.is_ipv4() { format!("{address}:{list}") } else { format!("[{address}]:{list}") };
    Some((text, cells.next().unwrap_or_default().to_owned()))
}

/// `|Domain|bad.example|` and `bad.example|a remark`.
fn barred(body: &str, marks: Marks<'_>, column: Option<Column>) -> Option<Line> {
    if !body.contains('|') || ports::read(body).is_some() {
        return None;
    }
    let cells: Vec<&str> = body.split('|').map(clean::bare).filter(|c| !c.is_empty()).collect();
    let column = column.or_else(|| cells.iter().find_map(|cell| columns::of(cell)));
    let values: Vec<&str> = cells.iter().copied().filter(|cell| is_value(cell, None)).collect();
    let note: Vec<&str> = cells
        .iter()
        .copied()
        .filter(|cell| !values.contains(cell) && columns::of(cell).is_none())
        .collect();
    let note = note.join(", ");
    let column = column.filter(|column| column.is_indicator());
    (!values.is_empty()).then(|| {
        Line::Items(values.iter().map(|value| marks.candidate(value, column, &note)).collect())
    })
}

/// Several values with nothing but separators between them.
fn several(body: &str, marks: Marks<'_>, column: Option<Column>) -> Option<Vec<Candidate>> {
    if !body.contains([' ', ',', ';', '\t']) || ports::read(body).is_some() {
        return None;
    }
    let joins = ["and", "or", "và", "hoặc", "&", "-", "–", "|", "/", "+"];
    let parts = body.split([' ', ',', ';', '\t']).map(clean::bare);
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty() && !joins.contains(part)).collect();
    let all = parts.len() >= 2 && parts.len() <= MOST;
    (all && parts.iter().all(|part| is_value(part, column)))
        .then(|| parts.iter().map(|part| marks.candidate(part, column, "")).collect())
}

/// Could it be a value at all, if it stands alone? Its verdict is then said, whatever it is.
fn shaped(text: &str) -> bool {
    let signs = text.contains(['.', '@']) || text.contains("::") || text.contains('/');
    let hyphen = text.len() > 3 && (text.starts_with('-') || text.ends_with('-'));
    is_digest(text)
        || hyphen
        || signs && text.chars().any(char::is_alphanumeric)
        || text.contains(':') && text.chars().any(|c| c.is_ascii_digit())
}

/// Is it a value that would be loaded, or asked about?
pub fn is_value(text: &str, column: Option<Column>) -> bool {
    if text.is_empty() || text.len() > LONGEST {
        return false;
    }
    if is_digest(text) {
        return true;
    }
    if text.contains(char::is_whitespace) && ports::read(text).is_none() {
        return false;
    }
    let one = Candidate { text: text.to_owned(), column, listed: true, ..Candidate::default() };
    let found = decide(&one, Meant::Indicator);
    !found.is_empty() && found.iter().all(|finding| !finding.readings.is_empty())
}

/// A sentence, and what stands in it.
fn text(line: &str) -> Line {
    Line::Text(mentioned(line))
}

/// What stands in a sentence like a value: each word by itself, since only that one was defanged.
fn mentioned(line: &str) -> Vec<Candidate> {
    let mut found = Vec::new();
    let line = joined_marks(line);
    for word in line.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|')) {
        if found.len() == MOST {
            break;
        }
        if !word.contains(['.', ':', '/']) && !word.contains("dot") {
            continue;
        }
        let plain = refang(word);
        let body = clean::bare(&plain.text).trim_end_matches('.');
        let body = body
            .rsplit_once('=')
            .filter(|_| !body.contains("//"))
            .map_or(body, |(_, v)| clean::bare(v));
        if is_value(body, None) && !is_digest(body) {
            found.push(Candidate {
                written: word.to_owned(),
                text: body.to_owned(),
                defanged: plain.defanged,
                mended: plain.mended,
                ..Candidate::default()
            });
        }
    }
    found
}

/// Blanks beside a bracketed dot taken out, so that a defanged name is one word.
fn joined_marks(line: &str) -> String {
    let mut out = line.to_owned();
    for (from, to) in
        [(" [.] ", "[.]"), (" [.]", "[.]"), ("[.] ", "[.]"), (" [dot] ", "[.]"), (" (.) ", "(.)")]
    {
        if out.contains(from) {
            out = out.replace(from, to);
        }
    }
    out
}

/// The verdicts on a line by itself, as an item of a list.
pub fn judge(line: &str) -> Vec<Finding> {
    match read(line) {
        Line::Blank => Vec::new(),
        Line::Not(reason) => vec![Finding::refused(line, reason)],
        Line::Items(items) => items
            .iter()
            .flat_map(|one| decide(one, if one.aside { Meant::Perhaps } else { Meant::Indicator }))
            .collect(),
        Line::Text(items) if items.is_empty() => vec![Finding::refused(line, no_indicator())],
        Line::Text(items) => items.iter().flat_map(|one| decide(one, Meant::Perhaps)).collect(),
    }
}

/// A line of words.
pub fn no_indicator() -> Reason {
    Reason::new("không có dấu hiệu nào trong dòng này", "no indicator in this line")
}
