//! Lines in their document: which are meant depends on what stands around them.
//!
//! The text is gone through twice and never held twice: once to learn whether it is a list or a
//! letter and whether its writer defangs, once for the verdicts. Owns the context of lines; a line
//! by itself is [`super::line`]'s.

use std::collections::{HashSet, VecDeque};

use foldhash::quality::RandomState;

use super::decide::{Candidate, decide};
use super::line::{self, Line, is_value, no_indicator};
use super::{Column, Finding, Meant, columns};
use crate::refang::{is_plain, refang};
use crate::{Pattern, Reason};

/// What comes out of a text: a verdict with the place of its line, from 0.
pub type Out<'a> = &'a mut dyn FnMut(usize, Finding);

/// What a text is like.
#[derive(Debug, Default)]
pub struct Look {
    /// Values that stand alone in their line.
    pub items: usize,
    /// Lines of words.
    pub words: usize,
    /// Those of them that are sentences.
    pub sentences: usize,
    /// Somebody has defanged something in it.
    pub defangs: bool,
    /// What was defanged, so that the same written plain elsewhere is meant too.
    meant: HashSet<String, RandomState>,
}

/// Most defanged values that are remembered.
const REMEMBERED: usize = 10_000;
/// A list may have so many lines of words in a hundred and still be one.
const WORDS_OF_A_LIST: usize = 2;
/// A list with headings has at least so many values for each line of words.
const WORDS_OF_HEADINGS: usize = 5;

impl Look {
    /// Looks over a text.
    pub fn of<'t>(lines: impl Iterator<Item = &'t str>) -> Self {
        let mut look = Self::default();
        for text in lines {
            look.add(text);
        }
        look
    }

    /// Looks at one line more.
    pub fn add(&mut self, text: &str) {
        let text = text.trim();
        if is_item(text) {
            self.items += 1;
            return;
        }
        match line::read(text) {
            Line::Blank | Line::Not(_) => {}
            Line::Items(items) => {
                self.items += 1;
                items.iter().for_each(|one| self.note(one));
            }
            Line::Text(items) => {
                self.words += 1;
                let words = text.split_whitespace().count();
                self.sentences += usize::from(words >= 7 || words >= 4 && text.ends_with('.'));
                items.iter().for_each(|one| self.note(one));
            }
        }
    }

    fn note(&mut self, one: &Candidate) {
        self.defangs |= one.defanged;
        if one.defanged && self.meant.len() < REMEMBERED {
            self.meant.insert(one.text.to_ascii_lowercase());
        }
    }

    /// Nothing but values, so whoever made it meant them.
    fn is_list(&self) -> bool {
        self.words * 100 <= self.items * WORDS_OF_A_LIST
    }

    /// Values under some headings.
    fn is_nearly_list(&self) -> bool {
        self.sentences == 0 && self.words * WORDS_OF_HEADINGS <= self.items
    }

    /// Is a value that stands alone in its line meant?
    fn meant(&self, one: &Candidate, under: Option<Column>) -> Meant {
        let again = self.meant.contains(&one.text.to_ascii_lowercase());
        if one.aside {
            return Meant::Perhaps;
        }
        if one.defanged || one.listed || again || self.is_list() {
            return Meant::Indicator;
        }
        let address = one.text.starts_with(|c: char| c.is_ascii_digit() || c == '[')
            && super::ports::read(&one.text).is_some();
        let link = one.text.contains("//") || one.text.starts_with("www.");
        match under {
            Some(Column::Reference | Column::Sender) => Meant::Perhaps,
            _ if address => Meant::Indicator,
            Some(column) if column.is_indicator() && !link => Meant::Indicator,
            // Headings only, and whoever wrote it never defangs.
            _ if self.sentences == 0 && !self.defangs && !link => Meant::Indicator,
            _ if self.is_nearly_list() && !link => Meant::Indicator,
            _ => Meant::Perhaps,
        }
    }
}

/// The verdicts on every line of a text. Lines of words without a value are counted, and said as
/// such by the caller: the answer is how many.
pub fn judge<'t>(look: &Look, lines: impl Iterator<Item = &'t str>, out: Out<'_>) -> usize {
    judge_with(look, lines, &mut |_, _| false, out)
}

/// The same; a line of a list that is nothing but a plain value is first shown to `quick`, which
/// takes it or leaves it. A large list has a million of them.
pub fn judge_with<'t>(
    look: &Look,
    lines: impl Iterator<Item = &'t str>,
    quick: &mut dyn FnMut(usize, &str) -> bool,
    out: Out<'_>,
) -> usize {
    let is_list = look.is_list();
    let mut lines = lines.enumerate().map(|(at, text)| (at, text.trim()));
    let mut ahead: VecDeque<(usize, &str)> = VecDeque::new();
    let (mut words, mut under, mut signed) = (0, None, false);
    loop {
        ahead.extend(lines.by_ref().take(PARTS - ahead.len().min(PARTS)));
        let Some((at, text)) = ahead.pop_front() else { return words };
        let next = ahead.front().map(|(_, next)| *next).unwrap_or_default();
        if is_list && is_item(text) && alone(text, next) && quick(at, text) {
            continue;
        }
        if let Some((finding, parts)) = broken(text, ahead.iter().map(|(_, next)| *next)) {
            out(at, finding);
            ahead.drain(..parts.min(ahead.len()));
            continue;
        }
        // A mail's signature: whoever signs is no indicator.
        signed |= text == "--" && !look.is_list();
        match line::read(text) {
            Line::Blank => {}
            Line::Not(reason) => out(at, Finding::refused(text, reason)),
            Line::Items(items) => {
                for one in &items {
                    let meant = if signed && !one.defanged {
                        Meant::Perhaps
                    } else {
                        look.meant(one, under)
                    };
                    decide(one, meant).into_iter().for_each(|finding| out(at, finding));
                }
            }
            Line::Text(items) => {
                if items.is_empty() {
                    words += 1;
                    let above = under.filter(|_| !heads(text));
                    under = columns::announced(text).or(above);
                }
                for one in &items {
                    let found = decide(one, Meant::Perhaps);
                    found.into_iter().for_each(|finding| out(at, finding));
                }
            }
        }
    }
}

/// A line that is one plain value as far as a first look can tell.
fn is_item(text: &str) -> bool {
    is_plain(text) && text.contains('.') && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

/// Lines of words without a value, with their places from 0, for whoever must name each.
pub fn of_words<'t>(
    lines: impl Iterator<Item = &'t str>,
) -> impl Iterator<Item = (usize, &'t str)> {
    lines.enumerate().filter(|(_, text)| {
        !is_item(text.trim()) && matches!(line::read(text), Line::Text(items) if items.is_empty())
    })
}

/// Does a plain value end where its line ends, at a first look?
fn alone(text: &str, next: &str) -> bool {
    !text.ends_with(['-', '.']) && next.len() > 4 && !next.starts_with(['-', '.', ']', ')', '/'])
}

/// Does a line of words look like a heading, so that what stood above is over?
fn heads(text: &str) -> bool {
    text.ends_with(':')
        || text.starts_with(|c: char| c.is_ascii_digit())
        || text.chars().any(char::is_alphabetic) && !text.chars().any(char::is_lowercase)
}

/// Longest part of a broken name that is looked at.
const PART: usize = 512;
/// A url of so many octets may have filled its line.
const FULL: usize = 60;
/// Most lines that one value is broken over.
const PARTS: usize = 8;

/// A value that goes on in the lines behind it, or may, and over how many: never loaded by itself.
/// None if it ends where its line ends.
pub fn broken<'t>(text: &str, behind: impl Iterator<Item = &'t str>) -> Option<(Finding, usize)> {
    let mut whole = text.to_owned();
    let mut written = text.to_owned();
    let mut found = None;
    for (at, next) in behind.enumerate() {
        if !continues(&whole, next) {
            break;
        }
        written.push('⏎');
        written.push_str(next);
        let last = whole.split_whitespace().next_back().unwrap_or_default();
        if let Some(mut finding) = readings(last, next) {
            finding.written.clone_from(&written);
            found = Some((finding, at + 1));
        }
        whole.push_str(next);
    }
    found
}

/// Does the value at the end of a line go on in the next, as far as one can see?
fn continues(text: &str, next: &str) -> bool {
    let one = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
    if text.len() > PART || next.len() > PART || !one(next) {
        return false;
    }
    // A list's own bullet or comment begins the next line anew.
    if ["#", "//", "--"].iter().any(|mark| next.starts_with(mark)) {
        return false;
    }
    let Some(last) = text.split_whitespace().next_back() else { return false };
    if !last.contains(['.', '[', '-']) || last.starts_with("--") {
        return false;
    }
    if !one(text) && !refang(last).defanged {
        return false;
    }
    let ends = last.ends_with(['-', '[', '(', '\u{2010}', '\u{2011}', '\u{ad}'])
        || last.ends_with('.') && !whole(next);
    let begins = next.starts_with('-') && next.chars().nth(1).is_some_and(char::is_alphanumeric)
        || next.starts_with(['.', ']', ')']) && !whole(next.trim_start_matches('.'));
    ends || begins || last.contains("//") && goes_on(last, next) || tail_of(last, next)
}

/// A value that can stand alone, as far as one can see.
fn whole(text: &str) -> bool {
    let plain = refang(text);
    let text = plain.text.trim_matches(|c: char| c == '"' || c == ',' || c == ';');
    text.contains('.') && is_value(text, None) && !is_suffix(text)
}

fn is_suffix(text: &str) -> bool {
    psl::suffix(text.as_bytes()).is_some_and(|suffix| suffix == text && suffix.is_known())
}

/// Does a url go on in the next line?
fn goes_on(url: &str, next: &str) -> bool {
    if next.contains("//") || whole(next) {
        return false;
    }
    let path = url.split_once("//").is_some_and(|(_, rest)| rest.contains('/'));
    let open = url.ends_with(['/', '=', '&', '?', '%', '_']) && columns::of(next).is_none();
    let starts = next.starts_with(['/', '?', '&', '=', '%']);
    // A name of a file below a url is an item of its own, unless the url has filled its line.
    let inner = next.contains(['/', '?', '=', '&', '%']) || next.contains('.') && url.len() >= FULL;
    starts || path && (open || inner)
}

/// A few small letters alone in a line, which complete the last label: `bad.co` and `m`.
fn tail_of(last: &str, next: &str) -> bool {
    let short = (1..=4).contains(&next.len()) && next.bytes().all(|b| b.is_ascii_lowercase());
    let plain = refang(last).text;
    short && plain.contains('.') && is_value(&format!("{plain}{next}"), None)
}

/// The ways in which two lines may be one value.
fn readings(last: &str, next: &str) -> Option<Finding> {
    let mut joined = vec![format!("{last}{next}")];
    if let Some(without) = last.strip_suffix(['-', '\u{2010}', '\u{2011}', '\u{ad}']) {
        joined.push(format!("{without}{next}"));
    }
    if let Some(without) = next.strip_prefix('-').filter(|_| !last.ends_with('-')) {
        joined.push(format!("{last}{without}"));
    }
    let mut found: Vec<Pattern> = Vec::new();
    let mut https = false;
    for value in joined {
        let mut one = line::listed(&value, None);
        one.written.clear();
        for finding in decide(&one, Meant::Indicator) {
            https |= finding.https;
            found.extend(
                finding.readings.into_iter().filter(|new| !found.contains(new)).collect::<Vec<_>>(),
            );
        }
    }
    if found.is_empty() {
        // Two parts of nothing are judged by themselves, and refused.
        return None;
    }
    let shown = found.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (vi, en) = (shown.join(" hoặc "), shown.join(" or "));
    let mut finding = Finding::refused("", no_indicator());
    finding.https = https;
    finding.readings = found;
    finding.asks = true;
    finding.verdict = super::Verdict::Doubtful(Reason::new(
        format!("bị ngắt sang dòng sau, có thể là {vi}"),
        format!("broken over two lines, perhaps {en}"),
    ));
    Some(finding)
}
