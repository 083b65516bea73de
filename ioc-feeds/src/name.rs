//! The one spelling of a host name used for comparison.
//!
//! Owns the normalisation of names that stand in feeds, allow lists and configuration. Names off
//! the wire are nearly always in A-labels already and are written by the sensor in the same
//! spelling, without allocation; of one that is not, [`a_labels`] makes what a feed's would be.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Longest name in octets without the trailing dot (RFC 1035 section 2.3.4).
pub const MAX_NAME: usize = 253;
/// Longest label in octets (RFC 1035 section 2.3.4).
pub const MAX_LABEL: usize = 63;

/// A host name in comparable spelling: A-labels, lower case, no trailing dot, at least one label,
/// only letters, digits, `-` and `_`. Parsers on the wire write the same spelling (with bytes
/// outside printable ASCII as `\DDD`, which no indicator has).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// Why a text is no host name, with the remedy where there is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// An address in the place of a name.
    #[error("is an address, not a name: use type ip")]
    Address,
    /// A byte no host name has.
    #[error("has {0:?}, which no host name has")]
    Character(char),
    /// Nothing left after trimming.
    #[error("is empty")]
    Empty,
    /// Two dots in a row, or a leading dot.
    #[error("has an empty label (two dots in a row, or a leading dot)")]
    EmptyLabel,
    /// Not convertible to A-labels (UTS 46).
    #[error("is no valid international name")]
    International,
    /// A label above [`MAX_LABEL`] octets.
    #[error("has a label longer than {MAX_LABEL} octets")]
    LongLabel,
    /// Above [`MAX_NAME`] octets.
    #[error("is longer than {MAX_NAME} octets")]
    LongName,
}

impl Name {
    /// Reads a name as people and feeds write it: surrounding blanks and one trailing dot are
    /// dropped, case is folded, U-labels become A-labels. Underscores are allowed, because
    /// malware uses them and resolvers accept them. `*.` is not part of a name: its meaning
    /// (everything below) belongs to the format that knows it.
    ///
    /// # Errors
    ///
    /// [`NameError`] says what is wrong; an address is an error, because it belongs elsewhere.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        let ascii = if text.is_ascii() {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(a_labels(text).ok_or(NameError::International)?)
        };
        let bare = ascii.strip_suffix('.').unwrap_or(&ascii);
        check(bare)?;
        Ok(Self(bare.to_ascii_lowercase()))
    }

    /// The text, without a trailing dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The labels from left to right; never empty.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }

    /// Whether this is `ancestor` itself or a name below it; compared by label, so
    /// `notevil.example` is not below `evil.example`.
    pub fn is_at_or_below(&self, ancestor: &Self) -> bool {
        is_at_or_below(&self.0, &ancestor.0)
    }
}

/// A name, or one label of it, with its U-labels turned into A-labels (UTS 46): lower case, an
/// ideographic full stop made a dot. `None` if it cannot be. Allocates: for names that are not
/// ASCII only.
pub fn a_labels(text: &str) -> Option<String> {
    idna::domain_to_ascii(text).ok()
}

/// Whether `name` is `ancestor` or below it, both in comparable spelling.
pub(crate) fn is_at_or_below(name: &str, ancestor: &str) -> bool {
    name.strip_suffix(ancestor).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    // A name is nearly always told from an address by its last byte.
    let may_be_address =
        name.contains(':') || name.ends_with(|last: char| last.is_ascii_digit() || last == ']');
    if may_be_address && name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return Err(NameError::Address);
    }
    if name.len() > MAX_NAME {
        return Err(NameError::LongName);
    }
    for label in name.split('.') {
        check_label(label)?;
    }
    // "10.1" and "1.2.3.256" reach a host as an address or not at all, never as a name.
    if name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
        return Err(NameError::Address);
    }
    Ok(())
}

fn check_label(label: &str) -> Result<(), NameError> {
    if label.is_empty() {
        return Err(NameError::EmptyLabel);
    }
    if label.len() > MAX_LABEL {
        return Err(NameError::LongLabel);
    }
    let odd = label.chars().find(|c| !(c.is_ascii_alphanumeric() || *c == '-' || *c == '_'));
    odd.map_or(Ok(()), |c| Err(NameError::Character(c)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn case_blanks_and_one_trailing_dot_do_not_matter() {
        assert_eq!(name(" A.Evil.Example. ").as_str(), "a.evil.example");
        assert_eq!(Name::parse("evil.example.."), Err(NameError::EmptyLabel));
    }

    #[test]
    fn international_names_become_a_labels() {
        assert_eq!(name("bücher.example").as_str(), "xn--bcher-kva.example");
        assert_eq!(name("BÜCHER.example"), name("xn--bcher-kva.example"));
        assert_eq!(name("evil。example").as_str(), "evil.example", "ideographic full stop");
    }

    #[test]
    fn underscores_are_names_too() {
        assert_eq!(name("_dmarc.a_b.example").as_str(), "_dmarc.a_b.example");
    }

    #[test]
    fn what_is_no_name_is_refused_with_its_reason() {
        for (text, error) in [
            ("", NameError::Empty),
            (" . ", NameError::Empty),
            (".evil.example", NameError::EmptyLabel),
            ("a..example", NameError::EmptyLabel),
            ("two words.example", NameError::Character(' ')),
            ("evil.example/x", NameError::Character('/')),
            ("evil.example:80", NameError::Character(':')),
            ("evil[.]example", NameError::Character('[')),
            ("*.evil.example", NameError::Character('*')),
            ("192.0.2.1", NameError::Address),
            ("192.0.2.1.", NameError::Address),
            ("1.2.3.256", NameError::Address),
            ("[2001:db8::1]", NameError::Address),
            ("１９２.0.2.1", NameError::Address),
        ] {
            assert_eq!(Name::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn lengths_are_those_of_the_wire() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        assert_eq!(longest.len(), MAX_NAME);
        assert!(Name::parse(&longest).is_ok());
        assert_eq!(Name::parse(&format!("{longest}b")), Err(NameError::LongName));
        assert_eq!(Name::parse(&format!("{label}a.example")), Err(NameError::LongLabel));
    }

    #[test]
    fn below_is_decided_by_label() {
        let evil = name("evil.example");
        assert!(name("evil.example").is_at_or_below(&evil));
        assert!(name("a.b.evil.example").is_at_or_below(&evil));
        assert!(!name("notevil.example").is_at_or_below(&evil));
        assert!(!evil.is_at_or_below(&name("a.evil.example")));
        assert_eq!(name("a.b.example").labels().collect::<Vec<_>>(), ["a", "b", "example"]);
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_normalised_once_and_for_all(text in "\\PC{0,80}") {
            if let Ok(first) = Name::parse(&text) {
                prop_assert_eq!(&Name::parse(first.as_str()), &Ok(first.clone()));
                prop_assert!(first.as_str().len() <= MAX_NAME);
                prop_assert!(first.labels().all(|l| !l.is_empty() && l.len() <= MAX_LABEL));
                prop_assert!(!first.as_str().bytes().any(|b| b.is_ascii_uppercase()));
                prop_assert!(first.is_at_or_below(&first));
            }
        }

        #[test]
        fn a_plain_name_is_always_accepted_in_any_case(text in "[a-zA-Z0-9_-]{1,20}(\\.[a-zA-Z0-9_-]{1,20}){0,5}\\.[a-zA-Z]{2,9}") {
            let parsed = Name::parse(&text);
            prop_assert_eq!(parsed.map(|n| n.to_string()), Ok(text.to_ascii_lowercase()));
        }
    }
}
