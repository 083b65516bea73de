//! Feed files to indicators, one file a format; one bad line never spoils the rest.
//!
//! [`load_file`] and [`load_bytes`] look at the first line that says something: a header with the
//! columns of the native CSV makes it [`native`], anything else a [`plain`] list. Every row that
//! is not loaded is in [`Loaded::rejected`] with its line and reason; the file as a whole fails
//! only when it cannot be read, is not UTF-8 or has a wrong header.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::path::PathBuf;
use std::sync::Arc;

use foldhash::quality::RandomState;

use crate::lint::{self, Lint, Verdict};
use crate::{Confidence, Indicator, Pattern, Reason, Role, Scope};

pub mod native;
pub mod plain;
pub mod value;

/// Largest feed file read, in octets; about two million rows.
pub const MAX_FILE: u64 = 256 * 1024 * 1024;
/// Most rejected rows, and most warnings, kept with their text; further ones are only counted.
pub const MAX_LISTED: usize = 10_000;
/// Most rows that room is made for before they are read.
const MAX_EXPECTED: usize = 16_384;
/// Characters of a rejected line that are kept: enough to find it again, and few enough that a file
/// which was never meant as a feed is not given away.
const SHOWN: usize = 48;

/// What came out of one feed.
#[derive(Debug)]
pub struct Loaded {
    /// Name of the feed: the file name without its extension, or as given.
    pub feed: Arc<str>,
    /// What can be matched, in the order of the file.
    pub indicators: Vec<Indicator>,
    /// Rows not loaded; at most [`MAX_LISTED`].
    pub rejected: Vec<Rejected>,
    /// Rows loaded with a reservation; at most [`MAX_LISTED`].
    pub warnings: Vec<Warning>,
    /// Rows whose pattern stood above already; folded into that one.
    pub duplicates: usize,
    /// Rejected rows beyond those listed.
    pub more_rejected: usize,
    /// Warnings beyond those listed.
    pub more_warnings: usize,
}

/// A row that was not loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Line in the feed, from 1.
    pub line: u32,
    /// The line, shortened, control characters replaced.
    pub text: String,
    /// Why, with the remedy where there is one.
    pub reason: Reason,
}

/// A row that was loaded with a reservation, usually with confidence low.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Line in the feed, from 1.
    pub line: u32,
    /// The line, shortened like a rejected one.
    pub text: String,
    /// What is doubtful about it.
    pub reason: Reason,
}

/// Why a whole feed could not be loaded. Names the feed, the place and the remedy. Not
/// `non_exhaustive`: whoever says it in another language must hear of a new one.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// A column twice, or one no feed has.
    #[error("{feed}, line {line}: {problem} column `{column}`; the columns are {}", native::COLUMNS.join(","))]
    Header {
        /// Feed name.
        feed: String,
        /// Line of the header, from 1.
        line: u32,
        /// `missing`, `unknown` or `repeated`.
        problem: &'static str,
        /// The column.
        column: String,
    },
    /// Bytes that are not UTF-8.
    #[error("{feed}, line {line} (byte {offset}): not UTF-8; save the file as \"CSV UTF-8\"")]
    NotUtf8 {
        /// Feed name.
        feed: String,
        /// Line of the first bad byte, from 1.
        line: u32,
        /// Its offset in the file, from 0.
        offset: usize,
    },
    /// The file could not be opened or read.
    #[error("cannot read feed {}: {}; check the path and its permissions", path.display(), plainly(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Above [`MAX_FILE`].
    #[error("feed {} is larger than {} MiB; split it", path.display(), MAX_FILE / 1024 / 1024)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
}

/// What the system said, without its number: `(os error 2)` helps nobody.
fn plainly(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        std::io::ErrorKind::IsADirectory => "it is a directory".into(),
        // Ours, with names and letters as they are.
        _ if error.raw_os_error().is_none() => error.to_string(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_lowercase()
        }
    }
}

impl Loaded {
    /// Rows not loaded, listed or not.
    pub fn rejected_total(&self) -> usize {
        self.rejected.len() + self.more_rejected
    }

    /// Warnings, listed or not.
    pub fn warnings_total(&self) -> usize {
        self.warnings.len() + self.more_warnings
    }
}

/// Loads a feed file in any known format, with full lint; the feed is named after the file.
///
/// # Errors
///
/// [`FeedError`] when nothing of the file can be used.
#[cfg(feature = "files")]
pub fn load_file(path: impl AsRef<std::path::Path>) -> Result<Loaded, FeedError> {
    let path = path.as_ref();
    let bytes = read_capped(path)?;
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    load_bytes(&name, &bytes)
}

/// Loads a feed from memory in any known format, with full lint.
///
/// # Errors
///
/// [`FeedError`] when the bytes are not UTF-8 or the header is wrong.
pub fn load_bytes(name: &str, bytes: &[u8]) -> Result<Loaded, FeedError> {
    load_text(name, utf8(name, bytes)?, Lint::Full)
}

/// Loads a feed that is text already; `lint` says whether rows are examined or trusted.
///
/// # Errors
///
/// [`FeedError::Header`] when the header is wrong.
pub fn load_text(name: &str, text: &str, lint: Lint) -> Result<Loaded, FeedError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows = Rows::new(name, lint);
    match lines(text).next().filter(|(_, first)| native::is_header(first)) {
        Some((line, header)) => native::load(text, line, header, &mut rows)?,
        None => plain::load(text, &mut rows),
    }
    Ok(rows.loaded)
}

/// Reads a whole regular file, but never more than [`MAX_FILE`], whatever its length claims.
#[cfg(feature = "files")]
pub(crate) fn read_capped(path: &std::path::Path) -> Result<Vec<u8>, FeedError> {
    use crate::file;
    file::read(path, MAX_FILE).map_err(|source| match source.to_string() == file::TOO_LARGE {
        true => FeedError::TooLarge { path: path.to_path_buf() },
        false => FeedError::Read { path: path.to_path_buf(), source },
    })
}

/// The bytes as text, or the place of the first byte that is none.
pub(crate) fn utf8<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, FeedError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let offset = error.valid_up_to();
        let newlines = bytes.iter().take(offset).filter(|b| **b == b'\n').count();
        FeedError::NotUtf8 { feed: name.to_owned(), line: number(newlines), offset }
    })
}

/// Lines that say something, trimmed, with their number from 1: no blank lines, no `#` comments.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let numbered = text.split('\n').enumerate().map(|(i, line)| (number(i), line.trim()));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

pub(crate) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1)
}

/// The line as it may be shown: at most [`SHOWN`] characters, nothing that moves a cursor or turns
/// the reading direction.
pub(crate) fn shorten(text: &str) -> String {
    let mut shown: String =
        text.chars().take(SHOWN).map(|c| if moves(c) { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

fn moves(c: char) -> bool {
    let layout = ['\u{200b}'..='\u{200f}', '\u{2028}'..='\u{202e}', '\u{2060}'..='\u{206f}'];
    c.is_control() || c == '\u{feff}' || layout.iter().any(|range| range.contains(&c))
}

/// Collects the rows of one feed: lint, duplicates and caps are the same for every format.
pub(crate) struct Rows {
    loaded: Loaded,
    lint: Lint,
    /// Days since 1970-01-01.
    today: Option<i64>,
    hasher: RandomState,
    /// Hash of a pattern to its place. Two patterns of one hash only cost an unfolded duplicate.
    places: HashMap<u64, usize, RandomState>,
    /// Texts that many rows share, stored once.
    texts: HashMap<String, Arc<str>, RandomState>,
    /// The empty one, and the last of the others: nearly every cell that is shared is one of the
    /// two, and to look them up was an eighth of loading a large feed.
    empty: Arc<str>,
    last: Arc<str>,
}

/// Days since 1970-01-01. What reads no files has no clock either: dates are compared with none.
#[cfg(feature = "files")]
fn today() -> Option<i64> {
    Some(jiff::Timestamp::now().as_second().div_euclid(86_400))
}

#[cfg(not(feature = "files"))]
const fn today() -> Option<i64> {
    None
}

impl Rows {
    fn new(name: &str, lint: Lint) -> Self {
        let loaded = Loaded {
            feed: Arc::from(name),
            indicators: Vec::new(),
            rejected: Vec::new(),
            warnings: Vec::new(),
            duplicates: 0,
            more_rejected: 0,
            more_warnings: 0,
        };
        let (places, texts) = (HashMap::default(), HashMap::default());
        let (empty, last) = (Arc::from(""), Arc::from(""));
        let today = match lint {
            Lint::On(day) => Some(day),
            Lint::Full | Lint::Trusted => today(),
        };
        Self { loaded, lint, today, hasher: RandomState::default(), places, texts, empty, last }
    }

    /// Makes room for so many rows that were seen, but not for more than [`MAX_EXPECTED`]: a row
    /// of two octets may be refused, and an indicator takes a hundred times as many.
    pub(crate) fn expect(&mut self, rows: usize) {
        let rows = rows.min(MAX_EXPECTED);
        self.loaded.indicators.reserve(rows);
        self.places.reserve(rows);
    }

    /// Name of the feed, shared.
    pub(crate) fn feed(&self) -> Arc<str> {
        Arc::clone(&self.loaded.feed)
    }

    /// The text, shared with earlier rows that have the same.
    pub(crate) fn shared(&mut self, text: &str) -> Arc<str> {
        if text.is_empty() {
            return Arc::clone(&self.empty);
        }
        if *self.last != *text {
            self.last = match self.texts.get(text) {
                Some(known) => Arc::clone(known),
                None => {
                    let new: Arc<str> = Arc::from(text);
                    self.texts.insert(text.to_owned(), Arc::clone(&new));
                    new
                }
            };
        }
        Arc::clone(&self.last)
    }

    /// Notes a row that is not loaded.
    pub(crate) fn reject(&mut self, line: u32, text: &str, reason: Reason) {
        if self.loaded.rejected.len() < MAX_LISTED {
            let row = Rejected { line, text: shorten(text), reason };
            self.loaded.rejected.push(row);
        } else {
            self.loaded.more_rejected += 1;
        }
    }

    /// Puts what was rejected into the order of the lines.
    pub(crate) fn in_order(&mut self) {
        self.loaded.rejected.sort_by_key(|row| row.line);
    }

    /// Notes a reservation.
    pub(crate) fn warn(&mut self, line: u32, text: &str, reason: Reason) {
        if self.loaded.warnings.len() < MAX_LISTED {
            let warning = Warning { line, text: shorten(text), reason };
            self.loaded.warnings.push(warning);
        } else {
            self.loaded.more_warnings += 1;
        }
    }

    /// Takes a well-formed row in: examines it, folds a repeated pattern into its first row.
    pub(crate) fn take(&mut self, mut row: Indicator, text: &str) {
        if self.lint != Lint::Trusted {
            match lint::examine_row(&row, self.today) {
                Verdict::Accept => {}
                Verdict::Exact(reason) => {
                    if let Pattern::Domain { scope, .. } = &mut row.pattern {
                        *scope = Scope::Exact;
                    }
                    self.warn(row.line, text, reason);
                }
                Verdict::Doubt(reason) => {
                    row.confidence = Confidence::Low;
                    self.warn(row.line, text, reason);
                }
                Verdict::Ask(reason) | Verdict::Refuse(reason) => {
                    return self.reject(row.line, text, reason);
                }
            }
        }
        let place = self.loaded.indicators.len();
        let known = *self.places.entry(self.hasher.hash_one(&row.pattern)).or_insert(place);
        match self.loaded.indicators.get_mut(known) {
            Some(first) if first.pattern == row.pattern => {
                let contradicts = contradiction(first, &row);
                fold(first, &row);
                self.loaded.duplicates += 1;
                if let Some(reason) = contradicts.filter(|_| self.lint != Lint::Trusted) {
                    self.warn(row.line, text, reason);
                }
            }
            _ => self.loaded.indicators.push(row),
        }
    }
}

/// What two rows of one pattern say that cannot both hold.
fn contradiction(first: &Indicator, again: &Indicator) -> Option<Reason> {
    let line = first.line;
    let differ = |what: &str, one: &str, other: &str| {
        Reason::new(
            format!(
                "trùng với dòng {line} nhưng {what} khác: {other}, ở đó là {one}; giữ dòng trước"
            ),
            format!(
                "is line {line} again with another {what}: {other}, there {one}; the first holds"
            ),
        )
    };
    if first.threat != again.threat {
        return Some(differ("threat", &first.threat, &again.threat));
    }
    let known = first.role != Role::Unknown && again.role != Role::Unknown;
    (known && first.role != again.role)
        .then(|| differ("role", first.role.as_str(), again.role.as_str()))
}

/// Keeps the first row; the widest dates and the better confidence of both count.
fn fold(first: &mut Indicator, again: &Indicator) {
    first.confidence = first.confidence.max(again.confidence);
    first.first_seen = match (first.first_seen, again.first_seen) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    first.last_seen = first.last_seen.max(again.last_seen);
    first.expires = first.expires.and_then(|a| again.expires.map(|b| a.max(b)));
}

#[cfg(test)]
mod tests;
