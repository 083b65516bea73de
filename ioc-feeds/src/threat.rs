//! What a threat is called, how bad it is and what a person does about it, in two languages.
//!
//! Owns the texts of `threats.toml`. Telephone numbers never stand in advice: `{contact}` is
//! filled from [`Contacts`], which an office replaces in its configuration.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::contact::Contacts;

/// The key that stands in when a feed names a threat of which nothing is known.
pub const UNKNOWN: &str = "unknown";
/// Placeholder in advice, replaced by whom to call.
const CONTACT: &str = "{contact}";

/// Language of texts for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Vietnamese.
    Vi,
}

impl Language {
    /// Reads `vi`, `en` or a locale such as `vi_VN.UTF-8`; none for other languages.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split(['_', '-', '.', '@']).next()?.to_ascii_lowercase().as_str() {
            "vi" => Some(Self::Vi),
            "en" | "c" | "posix" => Some(Self::En),
            _ => None,
        }
    }
}

pub use crate::message::Message as Text;

/// Ordered short steps in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// Vietnamese.
    pub vi: Vec<String>,
    /// English.
    pub en: Vec<String>,
}

/// How bad a threat is; the weight of one alert also depends on role, confidence and age.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    #[default]
    Low,
    /// To be looked at this week.
    Medium,
    /// To be looked at today.
    High,
    /// Act now.
    Critical,
}

impl Severity {
    /// `low`, `medium`, `high` or `critical`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One threat.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threat {
    /// What people call it.
    pub name: Text,
    /// How bad it is.
    pub severity: Severity,
    /// What an alert of it means, in one or two sentences.
    pub happened: Text,
    /// The one thing to do now, in one sentence; may hold `{contact}`.
    action: Text,
    /// Everything to do, in order; may hold `{contact}`.
    advice: Steps,
}

impl Threat {
    /// Is this the severity at which the threat's own action holds: its own, or high and above?
    /// Below it nobody is told to take a machine off the network.
    pub fn acts_at(&self, severity: Severity) -> bool {
        severity >= self.severity.min(Severity::High)
    }

    /// The one thing to do now, with the contact filled in.
    pub fn action(&self, language: Language, contacts: &Contacts) -> String {
        self.action.in_language(language).replace(CONTACT, &contacts.short(language))
    }

    /// Everything to do, in order, with the contacts filled in.
    pub fn advice(&self, language: Language, contacts: &Contacts) -> Vec<String> {
        let steps = match language {
            Language::En => &self.advice.en,
            Language::Vi => &self.advice.vi,
        };
        let chain = contacts.chain(language);
        steps.iter().map(|step| step.replace(CONTACT, &chain)).collect()
    }
}

/// All threats by key, and whom to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threats {
    /// Whom to call.
    pub contacts: Contacts,
    threats: BTreeMap<String, Threat>,
    unknown: Threat,
}

/// Why a threats file was refused. Not `non_exhaustive`: whoever says it in another language must
/// hear of a new one.
#[derive(Debug, thiserror::Error)]
pub enum ThreatsError {
    /// A key that no feed could name.
    #[error("threat `{0}` is no key: lower-case letters, digits and - only")]
    Key(String),
    /// A part every set must have.
    #[error("threats lack `{0}`: add it, or start from the built-in file")]
    Missing(&'static str),
    /// Not TOML, or an unknown, missing or ill-typed field.
    #[error("threats: {0}")]
    Toml(#[from] toml::de::Error),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    contact: Option<Contacts>,
    #[serde(default)]
    threat: BTreeMap<String, Threat>,
}

impl Threats {
    /// Reads a complete set: a contact, and the threat `unknown` at least.
    ///
    /// # Errors
    ///
    /// [`ThreatsError`] names the field or line.
    pub fn parse(text: &str) -> Result<Self, ThreatsError> {
        let file = read(text)?;
        let contacts = file.contact.ok_or(ThreatsError::Missing("contact"))?;
        let unknown = file.threat.get(UNKNOWN).cloned();
        let unknown = unknown.ok_or(ThreatsError::Missing("threat.unknown"))?;
        Ok(Self { contacts, threats: file.threat, unknown })
    }

    /// Lets an office's own file replace or add threats and the contacts; nothing changes when it
    /// is refused.
    ///
    /// # Errors
    ///
    /// [`ThreatsError`] names the field or line.
    pub fn replace_from(&mut self, text: &str) -> Result<(), ThreatsError> {
        let file = read(text)?;
        if let Some(contacts) = file.contact {
            self.contacts = contacts;
        }
        if let Some(unknown) = file.threat.get(UNKNOWN) {
            self.unknown = unknown.clone();
        }
        self.threats.extend(file.threat);
        Ok(())
    }

    /// The threat of a key; what is said of `unknown` for a key that is not there.
    pub fn get(&self, key: &str) -> &Threat {
        self.threats.get(key).unwrap_or(&self.unknown)
    }

    /// Whether the key has a text of its own.
    pub fn contains(&self, key: &str) -> bool {
        self.threats.contains_key(key)
    }

    /// Every threat with its key, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Threat)> {
        self.threats.iter().map(|(key, threat)| (key.as_str(), threat))
    }
}

fn read(text: &str) -> Result<File, ThreatsError> {
    let file: File = toml::from_str(text)?;
    let odd = |key: &&String| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        key.is_empty() || !key.bytes().all(plain)
    };
    match file.threat.keys().find(odd) {
        Some(key) => Err(ThreatsError::Key(key.clone())),
        None => Ok(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curated;

    const OFFICE: &str = r#"
        [contact]
        name = { vi = "Công an tỉnh", en = "Provincial police" }
        short_name = { vi = "Công an tỉnh", en = "police" }
        telephone = "0000"
        as_of = "2026-01"
        note = { vi = "", en = "" }
    "#;

    #[test]
    fn the_contact_is_filled_into_action_and_advice() {
        let mut threats = curated::threats().unwrap();
        threats.replace_from(OFFICE).unwrap();
        let redline = threats.get("redline");
        assert!(redline.action(Language::Vi, &threats.contacts).contains("Công an tỉnh 0000"));
        for language in [Language::Vi, Language::En] {
            let steps = redline.advice(language, &threats.contacts);
            assert!(steps.iter().any(|s| s.contains("0000")));
            assert!(!steps.iter().any(|s| s.contains('{')));
        }
    }

    #[test]
    fn a_threat_acts_at_its_own_severity_and_at_high_and_above() {
        let threats = curated::threats().unwrap();
        let acts = |key: &str| {
            [Severity::Low, Severity::Medium, Severity::High, Severity::Critical]
                .map(|severity| threats.get(key).acts_at(severity))
        };
        assert_eq!(acts("redline"), [false, false, true, true]);
        assert_eq!(acts("mustang-panda"), [false, false, true, true]);
        assert_eq!(acts(UNKNOWN), [false, true, true, true]);
        assert_eq!(acts("canary"), [true; 4]);
    }

    #[test]
    fn a_key_without_text_is_spoken_of_as_unknown() {
        let threats = curated::threats().unwrap();
        assert!(!threats.contains("never-heard-of"));
        assert_eq!(threats.get("never-heard-of"), threats.get(UNKNOWN));
    }

    #[test]
    fn an_unknown_field_and_an_incomplete_set_are_refused() {
        let wrong = OFFICE.replace("telephone", "telefone");
        assert!(Threats::parse(&wrong).unwrap_err().to_string().contains("telefone"));
        let error = Threats::parse(OFFICE).unwrap_err();
        assert!(error.to_string().contains("threat.unknown"), "{error}");
        let wrong = OFFICE.replace("2026-01", "January");
        assert!(Threats::parse(&wrong).unwrap_err().to_string().contains("YYYY-MM"));
    }

    #[test]
    fn a_refused_file_changes_nothing() {
        let mut threats = curated::threats().unwrap();
        let before = threats.clone();
        assert!(threats.replace_from("[threat.Two_Words]").is_err());
        assert_eq!(threats, before);
    }

    #[test]
    fn languages_are_read_from_locales() {
        assert_eq!(Language::parse("vi_VN.UTF-8"), Some(Language::Vi));
        assert_eq!(Language::parse("en"), Some(Language::En));
        assert_eq!(Language::parse("fr_FR"), None);
    }
}
