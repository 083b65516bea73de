//! A sentence in both languages, made where its cause is known, so that neither can be forgotten.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::threat::Language;

/// A text in both languages; displayed in English.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

impl Message {
    /// The same said twice.
    pub fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self { vi: vi.into(), en: en.into() }
    }

    /// The same made twice, by whatever can say it in either language.
    pub fn made<T: Into<String>>(make: impl Fn(Language) -> T) -> Self {
        Self { vi: make(Language::Vi).into(), en: make(Language::En).into() }
    }

    /// The text in one language.
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::Vi => &self.vi,
            Language::En => &self.en,
        }
    }

    /// Behind the setting or thing that it is about.
    #[must_use]
    pub fn of(self, what: &str) -> Self {
        Self { vi: format!("{what}: {}", self.vi), en: format!("{what}: {}", self.en) }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

impl std::error::Error for Message {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_stands_behind_its_setting_in_both_languages() {
        let said = Message::new("phải là số", "it must be a number").of("log.rotate_mb");
        assert_eq!(said.to_string(), "log.rotate_mb: it must be a number");
        assert_eq!(said.in_language(Language::Vi), "log.rotate_mb: phải là số");
        let made = Message::made(|language| format!("{language:?}"));
        assert_eq!((made.vi.as_str(), made.en.as_str()), ("Vi", "En"));
    }
}
