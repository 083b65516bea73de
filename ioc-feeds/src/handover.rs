//! What the process that reads documents hands over to the one that asked for it: lines of JSON on
//! standard output, one [`Record`] each.
//!
//! The reader of documents is not trusted: it has had hostile bytes in hand. So nothing here is a
//! pattern; each value is a text with its type, and [`Row::finding`] reads it anew.

use serde::{Deserialize, Serialize};

use crate::format::value;
use crate::judge::table::Facts;
use crate::judge::{Finding, Verdict};
use crate::threat::Language;
use crate::{Confidence, Date, Pattern, Reason, Role, Scope};

/// Where in a document something stands; what a document has not is zero or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Attachment, sheet or file within the document.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub part: String,
    /// Page, from 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub page: u32,
    /// Table, from 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub table: u32,
    /// Line, or row of the table, from 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub line: u32,
    /// Cell of the row, from 1.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cell: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Place {
    /// A line.
    pub fn line(line: usize) -> Self {
        Self { line: number(line), ..Self::default() }
    }

    /// In words.
    pub fn in_language(&self, language: Language) -> String {
        let named = |number: u32, vi: &str, en: &str| {
            let word = if language == Language::Vi { vi } else { en };
            (number > 0).then(|| format!("{word} {number}"))
        };
        let line = match self.table {
            0 => named(self.line, "dòng", "line"),
            _ => named(self.line, "hàng", "row"),
        };
        let part = Some(self.part.clone()).filter(|part| !part.is_empty());
        let parts = [
            part,
            named(self.page, "trang", "page"),
            named(self.table, "bảng", "table"),
            line,
            named(self.cell, "ô", "cell"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// A number of a place, from the index from 0.
pub fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1)
}

/// The same said in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

impl From<&Reason> for Said {
    fn from(reason: &Reason) -> Self {
        Self {
            vi: reason.in_language(Language::Vi).to_owned(),
            en: reason.in_language(Language::En).to_owned(),
        }
    }
}

impl From<Said> for Reason {
    fn from(said: Said) -> Self {
        Self::new(said.vi, said.en)
    }
}

/// One line of the handover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// What a document or a part of it was taken for.
    ReadAs {
        /// The part, empty for the document itself.
        part: String,
        /// Format and, of a text, its encoding.
        what: Said,
    },
    /// What is read next: where it was if the process ends here.
    At(Place),
    /// A value.
    Row(Box<Row>),
    /// Something that is no value and must be said.
    Note {
        /// Where.
        place: Place,
        /// What.
        what: Said,
    },
    /// Nothing of the document can be used.
    Failed {
        /// Where.
        place: Place,
        /// Why, with the remedy.
        why: Said,
    },
    /// The document was read to its end.
    End,
}

/// A pattern as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// Type, as the native feed spells it.
    pub kind: String,
    /// The value.
    pub value: String,
    /// Scope of a domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

impl Value {
    /// A pattern as text.
    pub fn of(pattern: &Pattern) -> Self {
        Self {
            kind: pattern.kind().to_owned(),
            value: pattern.text(),
            scope: pattern.scope().map(|scope| scope.as_str().to_owned()),
        }
    }

    /// The pattern, read anew.
    ///
    /// # Errors
    ///
    /// Why it is none.
    pub fn pattern(&self) -> Result<Pattern, Reason> {
        value::parse(&self.kind, &self.value, self.scope.as_deref().and_then(Scope::parse))
    }
}

/// What is to be done with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// As [`Verdict::Accepted`].
    Accepted,
    /// As [`Verdict::Changed`].
    Changed,
    /// As [`Verdict::Doubtful`].
    Doubtful,
    /// As [`Verdict::Refused`].
    Refused,
}

/// A value with its verdict and what the document says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Where it stands.
    pub place: Place,
    /// As it is written.
    pub written: String,
    /// What it would be loaded as.
    pub readings: Vec<Value>,
    /// A url that names https.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub https: bool,
    /// The host of a url, to be loaded too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Value>,
    /// The verdict.
    pub verdict: Word,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Said>,
    /// Beside it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Malware by name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub malware: String,
    /// Threat key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub threat: String,
    /// Report.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// Role, confidence, scope, first seen, last seen, expires, as the native feed spells them.
    #[serde(default)]
    pub words: [Option<String>; 6],
}

/// Longest text of a row that is handed over, in characters.
const SHOWN: usize = 300;

fn cut(text: &str) -> String {
    text.trim().chars().take(SHOWN).collect()
}

impl Row {
    /// A verdict and what the document says, made ready.
    pub fn of(place: Place, finding: &Finding, facts: &Facts) -> Self {
        let (verdict, why) = match &finding.verdict {
            Verdict::Accepted => (Word::Accepted, None),
            Verdict::Changed(why) => (Word::Changed, Some(why)),
            Verdict::Doubtful(why) => (Word::Doubtful, Some(why)),
            Verdict::Refused(why) => (Word::Refused, Some(why)),
        };
        let note = if finding.note.is_empty() { &facts.note } else { &finding.note };
        let date = |date: Option<Date>| date.map(|date| date.to_string());
        Self {
            place,
            written: cut(&finding.written),
            readings: finding.readings.iter().map(Value::of).collect(),
            https: finding.https,
            host: finding.host.as_ref().map(Value::of),
            verdict,
            why: why.map(Said::from),
            note: cut(note),
            malware: cut(&facts.malware),
            threat: cut(&facts.threat),
            reference: cut(&facts.reference),
            words: [
                facts.role.map(|role| role.to_string()),
                facts.confidence.map(|confidence| confidence.to_string()),
                facts.scope.map(|scope| scope.to_string()),
                date(facts.first_seen),
                date(facts.last_seen),
                date(facts.expires),
            ],
        }
    }

    /// The verdict, each value of it read anew: what is none becomes a refusal.
    pub fn finding(&self) -> Finding {
        let why = || self.why.clone().unwrap_or_default().into();
        let mut verdict = match self.verdict {
            Word::Accepted => Verdict::Accepted,
            Word::Changed => Verdict::Changed(why()),
            Word::Doubtful => Verdict::Doubtful(why()),
            Word::Refused => Verdict::Refused(why()),
        };
        let mut readings = Vec::new();
        for value in &self.readings {
            match value.pattern() {
                Ok(pattern) => readings.push(pattern),
                Err(reason) => verdict = Verdict::Refused(reason),
            }
        }
        Finding {
            written: self.written.clone(),
            readings,
            https: self.https,
            host: self.host.as_ref().and_then(|host| host.pattern().ok()),
            verdict,
            note: self.note.clone(),
            asks: false,
        }
    }

    /// What the document says of it.
    pub fn facts(&self) -> Facts {
        let [role, confidence, scope, first, last, expires] =
            self.words.each_ref().map(|word| word.as_deref().unwrap_or_default());
        let date = |text: &str| Date::parse(text).ok();
        Facts {
            malware: self.malware.clone(),
            threat: self.threat.clone(),
            role: Role::parse(role),
            scope: Scope::parse(scope),
            confidence: Confidence::parse(confidence),
            first_seen: date(first),
            last_seen: date(last),
            expires: date(expires),
            reference: self.reference.clone(),
            note: self.note.clone(),
        }
    }
}
