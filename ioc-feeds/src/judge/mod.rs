//! What a text that people wrote means as indicators, and how sure that is: a verdict for each line
//! or cell, never silence.
//!
//! **Defanged means meant, plain in prose means ask.** A value that its writer has defanged, that
//! stands in a list, under a heading or column that calls it an indicator, is one; a name in a
//! sentence may be the sender, the report or the innocent. Owns verdicts on text; whether a name is
//! too wide or too well known is [`crate::lint`]'s, where files come from is nobody's here.
//!
//! Reading order: [`mod@line`] (a line to candidates), [`mod@decide`] (a candidate to a verdict),
//! [`lines`] (lines in their document: headings, names broken over two lines), [`table`] (rows with
//! columns).

use crate::{Confidence, Pattern, Reason};

mod clean;
pub mod columns;
pub mod decide;
pub mod line;
pub mod lines;
mod ports;
mod syntax;
pub mod table;
pub mod tld;

pub use columns::Column;
pub use decide::decide;

/// What a writer has said about a value, beside the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meant {
    /// It is an indicator: defanged, in a list, or under a column or label that says so.
    Indicator,
    /// It stands in a sentence, or beside others that are defanged: somebody has to say.
    Perhaps,
}

/// What is to be done with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is loaded as it is meant.
    Accepted,
    /// It is loaded, but not as it is written.
    Changed(Reason),
    /// It is loaded only if a person says so.
    Doubtful(Reason),
    /// It is not loaded.
    Refused(Reason),
}

/// One value with its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// As it is written.
    pub written: String,
    /// What it would be loaded as; none of a refused one. A doubtful one may have several readings,
    /// the likeliest first, of which one is meant.
    pub readings: Vec<Pattern>,
    /// A url that names https: what is said of it differs, because nobody on the wire sees it.
    pub https: bool,
    /// The host of the url, where it is to be loaded too, with one confidence less.
    pub host: Option<Pattern>,
    /// What is to be done.
    pub verdict: Verdict,
    /// What stands beside it: a remark, a description. May be empty.
    pub note: String,
    /// Nobody but a person can say whether it is meant at all, or which reading.
    pub asks: bool,
}

impl Finding {
    /// A value that is not loaded.
    pub fn refused(written: &str, reason: Reason) -> Self {
        Self {
            written: written.to_owned(),
            readings: Vec::new(),
            https: false,
            host: None,
            verdict: Verdict::Refused(reason),
            note: String::new(),
            asks: false,
        }
    }

    /// The same with what stands beside it.
    #[must_use]
    pub fn noted(mut self, note: &str) -> Self {
        if self.note.is_empty() {
            note.trim().clone_into(&mut self.note);
        }
        self
    }

    /// Is it loaded without a question?
    pub fn is_loaded(&self) -> bool {
        matches!(self.verdict, Verdict::Accepted | Verdict::Changed(_))
    }

    /// Makes a value that would be loaded a doubtful one; the first doubt is the one that is said.
    #[must_use]
    pub fn doubted(mut self, reason: Reason) -> Self {
        if self.is_loaded() {
            self.verdict = Verdict::Doubtful(reason);
        }
        self
    }

    /// Says that it is not loaded as it is written, unless something graver is said.
    #[must_use]
    pub fn changed(mut self, reason: Reason) -> Self {
        if self.verdict == Verdict::Accepted {
            self.verdict = Verdict::Changed(reason);
        }
        self
    }
}

/// The confidence below one.
pub fn lower(confidence: Confidence) -> Confidence {
    match confidence {
        Confidence::High => Confidence::Medium,
        Confidence::Medium | Confidence::Low => Confidence::Low,
    }
}

/// A digest of a file: of all refusals the one that is counted instead of listed.
pub fn file_hash() -> Reason {
    Reason::new(
        "mã băm của tệp: không nhìn thấy được trên đường truyền, hãy dò trên từng máy",
        "a file hash: not visible on the wire, look for it on the machines",
    )
}

/// MD5, SHA-1, SHA-256, SHA-384 or SHA-512, as lists give them for files.
pub fn is_digest(text: &str) -> bool {
    [32, 40, 64, 96, 128].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests;
