//! Rows of a document by their verdict, after the tables of what is too wide or too well known have
//! been asked too.

use std::collections::HashMap;
use std::sync::Arc;

use ioc_feeds::handover::{Place, Record, Said as Both};
use ioc_feeds::judge::table::Facts;
use ioc_feeds::judge::{self, Finding, Verdict};
use ioc_feeds::lint;
use ioc_feeds::{Confidence, Date, Indicator, Pattern, Reason, Role, Scope};

use crate::app::AppError;
use crate::cli::Import;
use crate::lang::Said;

/// Days after which a bare address is not used any more, unless something else is said: tomorrow it
/// may be somebody else's.
const ADDRESS_DAYS: i64 = 90;

/// What holds for every row that says nothing else.
#[derive(Clone, Debug, Default)]
pub(super) struct Defaults {
    threat: Option<String>,
    reference: String,
    confidence: Option<Confidence>,
    expires: Option<Date>,
    addresses_expire: Option<Date>,
}

impl Defaults {
    /// What was asked for.
    pub(super) fn of(options: &Import, today: i64) -> Result<Self, AppError> {
        let wrong = |vi: String, en: String| AppError::Import(Said::new(vi, en));
        let threat = options.threat.as_ref().map(|threat| threat.to_ascii_lowercase());
        if let Some(threat) = threat.as_deref().filter(|threat| !is_key(threat)) {
            return Err(wrong(
                format!("--threat {threat:?} không phải khóa: chỉ dùng chữ cái, chữ số và dấu -"),
                format!("--threat {threat:?} is no key: letters, digits and - only"),
            ));
        }
        let expires = match options.expires.as_deref() {
            None | Some("never") => None,
            Some(text) => Some(Date::parse(text).map_err(|error| {
                wrong(
                    format!(
                        "--expires {text:?} không phải ngày tháng: hãy viết YYYY-MM-DD hoặc never"
                    ),
                    format!("--expires {text:?} {error}, or never"),
                )
            })?),
        };
        let confidence = match options.confidence.as_deref() {
            None => None,
            Some(text) => Some(Confidence::parse(text).ok_or_else(|| {
                wrong(
                    format!("--confidence {text:?} không thuộc low, medium, high"),
                    format!("--confidence {text:?} is none of low, medium, high"),
                )
            })?),
        };
        let addresses_expire = match options.expires.as_deref() {
            Some(_) => expires,
            None => Date::of_seconds(today + ADDRESS_DAYS * 86_400),
        };
        let reference = options.reference.clone().unwrap_or_default();
        Ok(Self { threat, reference, confidence, expires, addresses_expire })
    }
}

/// Leaves of a name the name itself: what stands below it is others'.
fn make_exact(finding: &mut Finding, at: usize) {
    if let Some(Pattern::Domain { scope, .. }) = finding.readings.get_mut(at) {
        *scope = Scope::Exact;
    }
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// A value that is not simply loaded, with its place and why.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// Where it stands.
    pub place: Place,
    /// As it is written.
    pub written: String,
    /// Why.
    pub why: Reason,
}

/// A value that somebody has to decide on.
#[derive(Clone, Debug)]
pub(super) struct Doubt {
    /// What is said of it.
    pub shown: Shown,
    /// What it would be loaded as, the likeliest first.
    pub readings: Vec<Pattern>,
    host: Option<Pattern>,
    facts: Facts,
    note: String,
}

/// Most values that are kept to be shown, of each verdict; more are counted.
const KEPT: usize = 20_000;

/// Everything that came of a document.
#[derive(Debug)]
pub(super) struct Sorted {
    /// What is loaded.
    pub rows: Vec<Indicator>,
    /// Loaded as they are written: how many, and the first.
    pub accepted: usize,
    /// The first of them.
    pub samples: Vec<(Place, String)>,
    /// Loaded, but not as they are written.
    pub changed: Vec<Shown>,
    /// Loaded only if somebody says so.
    pub doubtful: Vec<Doubt>,
    /// Not loaded.
    pub refused: Vec<Shown>,
    /// Changed beyond those kept.
    pub more_changed: usize,
    /// Refused beyond those kept.
    pub more_refused: usize,
    /// Doubtful ones that were left out.
    pub declined: usize,
    /// Documents of a directory of which nothing was loaded.
    pub broken: usize,
    /// Values that stood there before.
    pub duplicates: usize,
    /// What the document and its parts were taken for, and what is to be said of them.
    pub said: Vec<(Place, Both)>,
    /// What it was taken for.
    pub read_as: Vec<(String, Both)>,
    feed: Arc<str>,
    places: HashMap<Pattern, usize>,
    defaults: Defaults,
}

impl Sorted {
    pub(super) fn new(feed: &str, defaults: Defaults) -> Self {
        Self {
            rows: Vec::new(),
            accepted: 0,
            samples: Vec::new(),
            changed: Vec::new(),
            doubtful: Vec::new(),
            refused: Vec::new(),
            more_changed: 0,
            more_refused: 0,
            declined: 0,
            broken: 0,
            duplicates: 0,
            said: Vec::new(),
            read_as: Vec::new(),
            feed: feed.into(),
            places: HashMap::new(),
            defaults,
        }
    }

    /// Values that are not loaded though they stand there.
    pub(super) fn left_out(&self) -> usize {
        self.refused.len() + self.more_refused + self.declined + self.broken
    }

    /// Takes a record of the reading process.
    pub(super) fn take(&mut self, record: Record) {
        match record {
            Record::Row(row) => {
                let (finding, facts) = (row.finding(), row.facts());
                self.add(row.place, finding, facts);
            }
            Record::ReadAs { part, what } => self.read_as.push((part, what)),
            Record::Note { place, what } => self.said.push((place, what)),
            Record::At(_) | Record::Failed { .. } | Record::End => {}
        }
    }

    fn threat<'t>(&'t self, facts: &'t Facts) -> &'t str {
        let own = facts.threat.trim();
        let own = if is_key(own) { own } else { "unknown" };
        self.defaults.threat.as_deref().unwrap_or(own)
    }

    fn add(&mut self, place: Place, mut finding: Finding, facts: Facts) {
        let threat = self.threat(&facts).to_ascii_lowercase();
        // The tables have the last word.
        for (at, pattern) in finding.readings.clone().iter().enumerate() {
            match lint::examine(pattern, &threat) {
                lint::Verdict::Accept => {}
                lint::Verdict::Exact(reason) => {
                    make_exact(&mut finding, at);
                    finding = finding.clone().changed(reason);
                }
                lint::Verdict::Doubt(reason) => finding = finding.clone().doubted(reason),
                lint::Verdict::Ask(reason) => {
                    // Whoever says yes means this very host.
                    make_exact(&mut finding, at);
                    finding = finding.clone().doubted(reason);
                }
                lint::Verdict::Refuse(reason) => {
                    finding.verdict = Verdict::Refused(reason);
                    break;
                }
            }
        }
        let refused =
            |pattern: &Pattern| matches!(lint::examine(pattern, &threat), lint::Verdict::Refuse(_));
        if finding.host.as_ref().is_some_and(refused) {
            finding.host = None;
        }
        let written = finding.written.clone();
        match finding.verdict.clone() {
            Verdict::Refused(why) => self.refuse(Shown { place, written, why }),
            Verdict::Doubtful(why) => {
                let shown = Shown { place, written, why };
                if self.doubtful.len() < KEPT {
                    let Finding { readings, host, note, .. } = finding;
                    self.doubtful.push(Doubt { shown, readings, host, facts, note });
                } else {
                    self.declined += 1;
                }
            }
            Verdict::Accepted | Verdict::Changed(_) => {
                let line = place.line;
                match finding.verdict {
                    Verdict::Changed(why) if self.changed.len() < KEPT => {
                        self.changed.push(Shown { place, written, why });
                    }
                    Verdict::Changed(_) => self.more_changed += 1,
                    _ => {
                        self.accepted += 1;
                        if self.samples.len() < 3 {
                            self.samples.push((place, written));
                        }
                    }
                }
                let pattern = finding.readings.into_iter().next();
                self.load(pattern, finding.host, &facts, &finding.note, line);
            }
        }
    }

    fn refuse(&mut self, shown: Shown) {
        if self.refused.len() < KEPT {
            self.refused.push(shown);
        } else {
            self.more_refused += 1;
        }
    }

    /// Loads a doubtful value in one of its readings.
    pub(super) fn accept(&mut self, doubt: &Doubt, reading: usize) {
        let pattern = doubt.readings.get(reading).cloned();
        let mut facts = doubt.facts.clone();
        facts.confidence = Some(Confidence::Low);
        self.load(pattern, doubt.host.clone(), &facts, &doubt.note, doubt.shown.place.line);
    }

    fn load(
        &mut self,
        pattern: Option<Pattern>,
        host: Option<Pattern>,
        facts: &Facts,
        note: &str,
        line: u32,
    ) {
        let Some(pattern) = pattern else { return };
        let row = self.row(pattern.clone(), facts, note, line);
        let confidence = judge::lower(row.confidence);
        self.push(row);
        if let Some(host) = host {
            let note = if note.is_empty() {
                format!("host of {pattern}")
            } else {
                format!("host of {pattern}; {note}")
            };
            let row = self.row(host, facts, &note, line);
            self.push(Indicator { confidence, ..row });
        }
    }

    fn row(&self, mut pattern: Pattern, facts: &Facts, note: &str, line: u32) -> Indicator {
        if let (Pattern::Domain { scope, .. }, Some(said)) = (&mut pattern, facts.scope) {
            *scope = said;
        }
        let address = matches!(pattern, Pattern::Ip(_) | Pattern::IpPort(..) | Pattern::Cidr(..));
        let defaults = &self.defaults;
        let by_default = if address { defaults.addresses_expire } else { defaults.expires };
        let text = |text: &str| -> Arc<str> { text.replace(['\n', '\r'], " ").into() };
        let reference =
            if defaults.reference.is_empty() { &facts.reference } else { &defaults.reference };
        Indicator {
            threat: self.threat(facts).to_ascii_lowercase().into(),
            malware: text(&facts.malware),
            role: facts.role.unwrap_or(Role::Unknown),
            confidence: facts
                .confidence
                .filter(|c| *c == Confidence::Low)
                .or(defaults.confidence)
                .or(facts.confidence)
                .unwrap_or_default(),
            first_seen: facts.first_seen,
            last_seen: facts.last_seen,
            expires: facts.expires.or(by_default),
            reference: text(reference),
            note: text(note),
            feed: self.feed.clone(),
            line,
            pattern,
        }
    }

    fn push(&mut self, row: Indicator) {
        // With what is below a name, the name itself is in it.
        let key = match &row.pattern {
            Pattern::Domain { name, .. } => {
                Pattern::Domain { name: name.clone(), scope: Scope::Exact }
            }
            other => other.clone(),
        };
        let place = self.rows.len();
        match self.places.entry(key) {
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(place);
                self.rows.push(row);
            }
            std::collections::hash_map::Entry::Occupied(known) => {
                self.duplicates += 1;
                if let Some(first) = self.rows.get_mut(*known.get()) {
                    first.confidence = first.confidence.max(row.confidence);
                    first.last_seen = first.last_seen.max(row.last_seen);
                    if let (
                        Pattern::Domain { scope: had, .. },
                        Pattern::Domain { scope: Scope::Subtree, .. },
                    ) = (&mut first.pattern, &row.pattern)
                    {
                        *had = Scope::Subtree;
                    }
                }
            }
        }
    }
}
