//! Documents and foreign lists of indicators to rows, each with a verdict and its place.
//!
//! Owns how documents are read. It opens nothing and sends nothing: bytes in, [`Record`]s out; the
//! program around it ([`mod@sandbox`]) has given up everything else before the first byte is looked
//! at, because every crate that reads documents has met one that breaks it.
//!
//! Reading order: [`detect`] (what is it), [`text`] (encodings), [`prose`] and [`grid`] (lines and
//! tables to verdicts, through `ioc_feeds::judge`), then one file a format.

use std::fmt;

use ioc_feeds::Reason;
use ioc_feeds::handover::{Place, Record, Row, Said};
use ioc_feeds::judge::Finding;
use ioc_feeds::judge::table::Facts;

pub mod detect;
mod docx;
pub mod grid;
mod html;
mod json;
mod lists;
mod mail;
mod markup;
mod misp;
mod pdf;
pub mod prose;
mod rules;
mod sandbox;
mod separated;
mod sheet;
mod stix;
mod stix_pattern;
pub mod text;
mod xml;
mod zipped;

pub use detect::Kind;
pub use sandbox::{Confined, confine};

/// Largest document that is read, in octets.
pub const MAX_DOCUMENT: usize = 256 * 1024 * 1024;
/// Deepest nesting of documents: a mail in a mail, a letter in that.
pub const DEPTH: u8 = 3;

/// Why nothing of a document can be used, with what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where.
    pub place: Place,
    /// Why.
    pub why: Reason,
}

impl Refusal {
    /// Of the whole document.
    pub fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self { place: Place::default(), why: Reason::new(vi, en) }
    }

    /// At a place in it.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

impl std::error::Error for Refusal {}

/// Takes what is read. Knows in which part of the document it is.
pub struct Out<'a> {
    emit: &'a mut dyn FnMut(Record),
    part: String,
    depth: u8,
}

impl<'a> Out<'a> {
    /// To whoever takes records.
    pub fn new(emit: &'a mut dyn FnMut(Record)) -> Self {
        Self { emit, part: String::new(), depth: 0 }
    }

    /// The same for a part of the document, one deeper.
    fn within(&mut self, part: &str) -> Out<'_> {
        let part = match self.part.is_empty() {
            true => part.to_owned(),
            false => format!("{} / {part}", self.part),
        };
        Out { emit: self.emit, part, depth: self.depth + 1 }
    }

    /// The same for a sheet, which is no document of its own.
    fn sheet(&mut self, part: &str) -> Out<'_> {
        let depth = self.depth;
        let mut inner = self.within(part);
        inner.depth = depth;
        inner
    }

    fn placed(&self, mut place: Place) -> Place {
        if place.part.is_empty() {
            place.part.clone_from(&self.part);
        }
        place
    }

    /// Says what a document is taken for.
    fn read_as(&mut self, vi: impl Into<String>, en: impl Into<String>) {
        let what = Said { vi: vi.into(), en: en.into() };
        (self.emit)(Record::ReadAs { part: self.part.clone(), what });
    }

    /// Says what comes next.
    fn at(&mut self, place: Place) {
        let place = self.placed(place);
        (self.emit)(Record::At(place));
    }

    /// Hands a verdict over.
    fn finding(&mut self, place: Place, finding: &Finding, facts: &Facts) {
        let row = Row::of(self.placed(place), finding, facts);
        (self.emit)(Record::Row(Box::new(row)));
    }

    /// Says something that is no value.
    fn note(&mut self, place: Place, vi: impl Into<String>, en: impl Into<String>) {
        let what = Said { vi: vi.into(), en: en.into() };
        let place = self.placed(place);
        (self.emit)(Record::Note { place, what });
    }

    /// Hands a refusal of a line over.
    fn refused(&mut self, place: Place, written: &str, why: Reason) {
        self.finding(place, &Finding::refused(written, why), &Facts::default());
    }
}

/// Reads a document: says what it is taken for, then every value in it, then its end. `as_kind`
/// overrides what is detected; `fallback` reads text of an unknown encoding.
///
/// # Errors
///
/// Why nothing of it can be used. What was handed over before is to be thrown away then.
pub fn read(bytes: &[u8], as_kind: Option<Kind>, out: &mut Out<'_>) -> Result<(), Refusal> {
    if bytes.len() > MAX_DOCUMENT {
        let most = MAX_DOCUMENT / 1024 / 1024;
        return Err(Refusal::new(
            format!("lớn hơn {most} MiB; hãy chia nhỏ"),
            format!("is larger than {most} MiB; split it"),
        ));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Refusal::new("tệp trống", "the file is empty"));
    }
    if out.depth > DEPTH {
        return Err(Refusal::new(
            format!("lồng sâu hơn {DEPTH} tầng"),
            format!("is nested deeper than {DEPTH}"),
        ));
    }
    detect::read(bytes, as_kind, out)
}
