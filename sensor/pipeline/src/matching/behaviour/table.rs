//! The table of behaviours: `behaviours.toml`, the modes of the configuration, and both made
//! ready to be asked.
//!
//! Owns what a behaviour is and what is wrong with a table. Looks at no traffic.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use aho_corasick::AhoCorasick;
use ioc_feeds::name::Name;
use ioc_feeds::threat::{Severity, Text};
use ioc_feeds::{Confidence, Indicator, Pattern, Role, Scope};
use serde::Deserialize;

use super::gates::Gates;
use super::when::{On, When};
use crate::net::Address;

const TABLE: &str = include_str!("behaviours.toml");

/// Name of the feed that behaviours come from, in alerts.
pub const FEED: &str = "wardwatch-behaviours";

/// Alternatives of one kind are bits of a word.
const MOST: usize = 64;

/// What happens when a behaviour is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// An alert of the behaviour's own severity.
    On,
    /// An alert of severity low: worth knowing, no reason to unplug a machine.
    Inform,
    /// Not looked for.
    Off,
}

impl Mode {
    /// `on`, `inform` or `off`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Inform => "inform",
            Self::Off => "off",
        }
    }
}

/// The modes a configuration sets, by the behaviours' names.
pub type Modes = BTreeMap<String, Mode>;

/// Where a description comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum Grade {
    /// The vendor's own text or a sample.
    A,
    /// At second hand.
    B,
    /// From memory of the report.
    M,
}

impl Grade {
    /// `A`, `B` or `M`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::M => "M",
        }
    }

    /// How sure an alert of this grade is.
    pub const fn confidence(self) -> Confidence {
        match self {
            Self::A => Confidence::High,
            Self::B => Confidence::Medium,
            Self::M => Confidence::Low,
        }
    }
}

/// A table or a configuration of behaviours that cannot be used. Not `non_exhaustive`: whoever says it in
/// another language must hear of a new one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BehaviourError {
    /// The table is not written as it must be.
    #[error("the table of behaviours: {0}")]
    Table(String),
    /// A configuration names a behaviour that does not exist.
    #[error(
        "behaviours: there is no `{name}`; `wardwatch feeds list --behaviours` lists all{}",
        near.as_ref().map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
    )]
    Unknown {
        /// The name given.
        name: String,
        /// The nearest name, if one is near.
        near: Option<String>,
    },
}

/// A behaviour by its place in the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BehaviourId(pub u8);

/// One behaviour: what is said about it, and when it is seen.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// Its name; an alert says `behaviour.NAME`.
    pub name: Arc<str>,
    /// Whose advice is given: key of a threat.
    pub threat: Arc<str>,
    /// The malware that behaves so.
    pub malware: Arc<str>,
    /// Of an alert when it is on; never above medium for [`Grade::M`].
    pub severity: Severity,
    /// Where its description comes from.
    pub grade: Grade,
    /// What the server is used for.
    pub role: Role,
    /// The report.
    pub reference: Arc<str>,
    /// What it means, for people.
    pub text: Text,
    /// What happens when it is seen.
    pub mode: Mode,
}

impl Behaviour {
    /// The severity of an alert in this mode.
    pub fn alert_severity(&self) -> Severity {
        match self.mode {
            Mode::On => self.severity,
            Mode::Inform | Mode::Off => Severity::Low,
        }
    }

    fn indicator(&self, line: u32) -> Indicator {
        Indicator {
            pattern: Pattern::Behaviour(self.name.to_string()),
            threat: self.threat.clone(),
            malware: self.malware.clone(),
            role: self.role,
            confidence: self.grade.confidence(),
            first_seen: None,
            last_seen: None,
            expires: None,
            reference: self.reference.clone(),
            note: self.text.en.as_str().into(),
            feed: FEED.into(),
            line,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    behaviour: Vec<Row>,
}

/// A behaviour as the file writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    threat: String,
    malware: String,
    severity: Severity,
    grade: Grade,
    mode: Option<Mode>,
    role: Option<String>,
    reference: String,
    vi: String,
    en: String,
    when: Vec<When>,
}

impl Row {
    fn behaviour(self, modes: &Modes) -> Result<(Behaviour, Vec<When>), BehaviourError> {
        let role = match &self.role {
            None => Role::C2,
            Some(role) => Role::parse(role).ok_or_else(|| {
                BehaviourError::Table(format!("{}: `{role}` is no role", self.name))
            })?,
        };
        let from_memory = self.grade == Grade::M;
        let usual = self.mode.unwrap_or(if from_memory { Mode::Inform } else { Mode::On });
        let severity =
            if from_memory { self.severity.min(Severity::Medium) } else { self.severity };
        let behaviour = Behaviour {
            mode: modes.get(&self.name).copied().unwrap_or(usual),
            name: self.name.into(),
            threat: self.threat.into(),
            malware: self.malware.into(),
            severity,
            grade: self.grade,
            role,
            reference: self.reference.into(),
            text: Text { vi: self.vi, en: self.en },
        };
        Ok((behaviour, self.when))
    }
}

/// The alternatives that look at the first bytes of one side. Bit `n` of a word means the
/// alternative in place `n`.
#[derive(Debug, Default)]
pub(super) struct Heads {
    pub(super) rows: Vec<When>,
    /// By first byte, the alternatives it leaves possible.
    pub(super) first: Vec<u64>,
    needles: Vec<String>,
    automaton: OnceLock<Option<AhoCorasick>>,
    /// Length of the longest needle.
    pub(super) longest: usize,
}

impl Heads {
    fn new(mut rows: Vec<When>) -> Result<Self, BehaviourError> {
        let mut first = vec![0; 256];
        let mut needles: Vec<String> = Vec::new();
        for (number, row) in rows.iter_mut().enumerate() {
            for start in row.starts.iter().filter_map(|start| start.0.first()) {
                if let Some(word) = first.get_mut(usize::from(*start)) {
                    *word |= 1 << number;
                }
            }
            for needle in &row.contains {
                let known = needles.iter().position(|known| known == needle);
                row.needles |= 1 << known.unwrap_or(needles.len()).min(MOST - 1);
                if known.is_none() {
                    needles.push(needle.clone());
                }
            }
        }
        if rows.len() > MOST || needles.len() > MOST {
            return Err(BehaviourError::Table(format!("more than {MOST} alternatives of a kind")));
        }
        let longest = needles.iter().map(String::len).max().unwrap_or(0);
        Ok(Self { rows, first, needles, automaton: OnceLock::new(), longest })
    }

    /// Needles of all alternatives in one automaton, ASCII letters in any case. It is made when a
    /// stream first asks for it, which in most offices none ever does.
    pub(super) fn automaton(&self) -> Option<&AhoCorasick> {
        let make = || {
            let builder = AhoCorasick::builder().ascii_case_insensitive(true).build(&self.needles);
            builder.ok().filter(|_| self.longest > 0)
        };
        self.automaton.get_or_init(make).as_ref()
    }
}

/// All behaviours, in the modes of one configuration. Never changes.
#[derive(Debug, Default)]
pub struct Behaviours {
    all: Vec<Behaviour>,
    pub(super) connections: Vec<When>,
    pub(super) questions: Vec<When>,
    names: Vec<(Name, Scope, BehaviourId)>,
    pub(super) requests: Vec<When>,
    pub(super) gates: Gates,
    /// The servers that `connections` name.
    servers: Vec<Address>,
    pub(super) client: Heads,
    pub(super) server: Heads,
}

impl Behaviours {
    /// The table of this build, in these modes.
    ///
    /// # Errors
    /// [`BehaviourError::Unknown`] if a mode is set for a name that is not in the table.
    pub fn load(modes: &Modes) -> Result<Self, BehaviourError> {
        Self::parse(TABLE, modes)
    }

    fn parse(text: &str, modes: &Modes) -> Result<Self, BehaviourError> {
        let file: File =
            toml::from_str(text).map_err(|error| BehaviourError::Table(error.to_string()))?;
        let names: Vec<&str> = file.behaviour.iter().map(|row| row.name.as_str()).collect();
        known(modes, &names)?;
        let mut table = Self::default();
        let (mut client, mut server) = (Vec::new(), Vec::new());
        for (row, id) in file.behaviour.into_iter().zip((0..=u8::MAX).map(BehaviourId)) {
            let (behaviour, alternatives) = row.behaviour(modes)?;
            for mut when in alternatives.into_iter().filter(|_| behaviour.mode != Mode::Off) {
                when.id = id;
                match when.on {
                    On::Connection => table.connections.push(when),
                    On::Question => table.questions.push(when),
                    On::Name => table.names.extend(named(&when)?),
                    On::Request => table.requests.push(when),
                    On::Client => client.push(when),
                    On::Server => server.push(when),
                }
            }
            table.all.push(behaviour);
        }
        if table.requests.len() > MOST || table.all.len() > MOST {
            return Err(BehaviourError::Table(format!("more than {MOST} rows of a kind")));
        }
        (table.client, table.server) = (Heads::new(client)?, Heads::new(server)?);
        table.gates = Gates::new(&table.requests);
        let servers = table.connections.iter().flat_map(|when| &when.addresses);
        table.servers = servers.map(|ip| Address::from(*ip)).collect();
        Ok(table)
    }

    /// Are all these modes of behaviours that exist? Reads no more of the table than its names.
    ///
    /// # Errors
    /// [`BehaviourError::Unknown`] if one is not.
    pub fn check(modes: &Modes) -> Result<(), BehaviourError> {
        if modes.is_empty() {
            return Ok(());
        }
        let quoted = |line: &'static str| line.strip_prefix("name = \"")?.strip_suffix('"');
        let names: Vec<&str> = TABLE.lines().filter_map(quoted).collect();
        known(modes, &names)
    }

    /// Can a connection with this server be a behaviour?
    pub fn names_server(&self, server: Address) -> bool {
        self.servers.contains(&server)
    }

    /// The behaviour that a connection with this server may be.
    pub fn of_server(&self, server: Address) -> Option<BehaviourId> {
        let names = |when: &&When| when.addresses.iter().any(|ip| Address::from(*ip) == server);
        self.connections.iter().find(names).map(|when| when.id)
    }

    /// Can a direction that begins with this byte become a behaviour?
    pub fn names_start(&self, from_client: bool, first: u8) -> bool {
        let heads = if from_client { &self.client } else { &self.server };
        heads.first.get(usize::from(first)).is_some_and(|word| *word != 0)
    }

    /// The names that are a behaviour by themselves, to be compared like those of indicators.
    pub fn names(&self) -> impl Iterator<Item = (&Name, Scope, BehaviourId)> {
        self.names.iter().map(|(name, scope, id)| (name, *scope, *id))
    }

    /// All of them, those that are off too, in the order of the table.
    pub fn all(&self) -> &[Behaviour] {
        &self.all
    }

    /// A behaviour by its name.
    pub fn named(&self, name: &str) -> Option<&Behaviour> {
        self.all.iter().find(|behaviour| &*behaviour.name == name)
    }

    /// As indicators, in the order of [`Behaviours::all`]: what an alert points at.
    pub fn indicators(&self) -> impl Iterator<Item = Indicator> {
        self.all.iter().zip(1..).map(|(behaviour, line)| behaviour.indicator(line))
    }
}

/// The names of an alternative; a leading dot means all below it too.
fn named(when: &When) -> Result<Vec<(Name, Scope, BehaviourId)>, BehaviourError> {
    let each = when.names.iter().map(|text| {
        let bare = text.strip_prefix('.');
        let scope = if bare.is_some() { Scope::Subtree } else { Scope::Exact };
        let name = Name::parse(bare.unwrap_or(text));
        let name = name.map_err(|error| BehaviourError::Table(format!("{text}: {error}")))?;
        Ok((name, scope, when.id))
    });
    each.collect()
}

fn known(modes: &Modes, names: &[&str]) -> Result<(), BehaviourError> {
    match modes.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => {
            Err(BehaviourError::Unknown { name: name.clone(), near: nearest(name, names) })
        }
        None => Ok(()),
    }
}

/// The behaviour that was probably meant: one that shares the longest beginning or end.
fn nearest(name: &str, names: &[&str]) -> Option<String> {
    let shared = |other: &&&str| {
        let start = name.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
        let end = name.bytes().rev().zip(other.bytes().rev()).take_while(|(a, b)| a == b).count();
        start.max(end)
    };
    // Of several that are as near, the one of about this length.
    let apart = |other: &&&str| std::cmp::Reverse(other.len().abs_diff(name.len()));
    let best = names.iter().max_by_key(|other| (shared(other), apart(other)))?;
    (shared(&best) >= 4).then(|| (*best).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_this_build_is_sound_and_its_threats_exist() {
        let table = Behaviours::load(&Modes::new()).unwrap();
        let threats = ioc_feeds::curated::threats().unwrap();
        let mut names = std::collections::BTreeSet::new();
        for behaviour in table.all() {
            assert!(names.insert(behaviour.name.clone()), "{} twice", behaviour.name);
            let name = threats.get(&behaviour.threat).name.en.clone();
            assert_ne!(name, threats.get("unknown").name.en, "{}", behaviour.name);
            assert!(behaviour.reference.starts_with("https://"), "{}", behaviour.name);
            assert!(!behaviour.text.vi.is_empty() && !behaviour.text.en.is_empty());
            assert!(!behaviour.text.vi.contains('|'), "{}: fields end there", behaviour.name);
        }
        assert!(table.client.automaton().is_some() && table.server.automaton().is_some());
        for row in table.client.rows.iter().chain(&table.server.rows) {
            assert!(!row.starts.is_empty(), "every byte stream would be held");
        }
    }

    #[test]
    fn what_is_from_memory_informs_and_is_never_above_medium() {
        let usual = Behaviours::load(&Modes::new()).unwrap();
        let all_on: Modes =
            usual.all().iter().map(|one| (one.name.to_string(), Mode::On)).collect();
        let loud = Behaviours::load(&all_on).unwrap();
        for (usual, loud) in usual.all().iter().zip(loud.all()).filter(|(a, _)| a.grade == Grade::M)
        {
            assert_eq!((usual.mode, usual.alert_severity()), (Mode::Inform, Severity::Low));
            assert!(loud.alert_severity() <= Severity::Medium, "{}", loud.name);
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest_one() {
        let modes = Modes::from([("mqsttang.mqt".to_owned(), Mode::Off)]);
        let error = Behaviours::load(&modes).unwrap_err().to_string();
        assert_eq!(Behaviours::check(&modes).unwrap_err().to_string(), error);
        assert!(error.contains("`mqsttang.mqt`") && error.contains("`mqsttang.mqtt`?"), "{error}");
    }

    #[test]
    fn what_is_off_is_not_looked_for() {
        let all = Behaviours::load(&Modes::new()).unwrap();
        let off = all.all().iter().map(|one| (one.name.to_string(), Mode::Off)).collect();
        Behaviours::check(&off).unwrap();
        let table = Behaviours::load(&off).unwrap();
        assert!(table.requests.is_empty() && table.client.rows.is_empty());
        assert_eq!(table.all().len(), all.all().len());
    }
}
