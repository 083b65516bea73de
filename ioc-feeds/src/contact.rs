//! Whom an office calls: a chain, the nearest first, each link with the day it was written down and
//! the day until which it is to be believed.
//!
//! Offices move and numbers change, so none is built in: the chain inside the program names who is
//! in charge and has no number, and says so, until an office has written its own.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::Date;
use crate::threat::{Language, Text};

/// One link of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Full name.
    pub name: Text,
    /// Name as it fits on a log line.
    pub short_name: Text,
    /// Telephone as dialled; empty if none is known.
    #[serde(default)]
    pub telephone: String,
    /// Mail address; may be empty.
    #[serde(default)]
    pub email: String,
    /// Day on which somebody made sure of these data.
    #[serde(deserialize_with = "date")]
    pub as_of: Date,
    /// Last day on which they are to be believed unasked; a year after `as_of` if it is not said.
    #[serde(default, deserialize_with = "some_date")]
    pub valid_until: Option<Date>,
    /// What to keep in mind about them.
    #[serde(default)]
    pub note: Text,
}

impl Contact {
    /// Short name and telephone, for one line; none without a telephone.
    fn short(&self, language: Language) -> Option<String> {
        let number = self.telephone.trim();
        let name = self.short_name.in_language(language);
        (!number.is_empty()).then(|| format!("{name} {number}"))
    }

    /// The last day on which it is to be believed.
    pub fn last_day(&self) -> Date {
        let of = self.as_of;
        // No year has the 29th of February twice.
        let day = if of.month == 2 { of.day.min(28) } else { of.day };
        let next = Date { year: of.year.saturating_add(1), day, ..of };
        self.valid_until.unwrap_or(next)
    }
}

/// The chain, the nearest first; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contacts(Vec<Contact>);

impl Contacts {
    /// Every link, the nearest first.
    pub fn iter(&self) -> impl Iterator<Item = &Contact> {
        self.0.iter()
    }

    /// Can anybody be called?
    pub fn is_configured(&self) -> bool {
        self.0.iter().any(|contact| !contact.telephone.trim().is_empty())
    }

    /// Who is called first, for one line; without any number, who is in charge, and that the number
    /// is missing.
    pub fn short(&self, language: Language) -> String {
        let first = self.0.iter().find_map(|contact| contact.short(language));
        first.unwrap_or_else(|| self.without_number(language))
    }

    /// All who can be called, in order.
    pub fn chain(&self, language: Language) -> String {
        let all: Vec<_> = self.0.iter().filter_map(|contact| contact.short(language)).collect();
        match (all.is_empty(), language) {
            (true, _) => self.without_number(language),
            (false, Language::Vi) => all.join(", không được thì "),
            (false, Language::En) => all.join(", failing that "),
        }
    }

    fn without_number(&self, language: Language) -> String {
        let nearest: Vec<_> =
            self.0.iter().take(2).map(|one| one.short_name.in_language(language)).collect();
        match language {
            Language::Vi => format!("{} (chưa khai báo số điện thoại)", nearest.join(" hoặc ")),
            Language::En => format!("{} (no telephone configured)", nearest.join(" or ")),
        }
    }

    /// The last day on which all who can be called are to be believed; none if nobody can.
    pub fn last_day(&self) -> Option<Date> {
        let called = self.0.iter().filter(|contact| !contact.telephone.trim().is_empty());
        called.map(Contact::last_day).min()
    }
}

/// `[contact]` for one, `[[contact]]` for each of a chain.
impl<'de> Deserialize<'de> for Contacts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMany)
    }
}

struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Contacts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a contact ([contact]) or several ([[contact]])")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Contacts, A::Error> {
        Contact::deserialize(MapAccessDeserializer::new(map)).map(|one| Contacts(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Contacts, A::Error> {
        let all = Vec::<Contact>::deserialize(SeqAccessDeserializer::new(seq))?;
        if all.is_empty() {
            Err(A::Error::custom("contact: none is named"))
        } else {
            Ok(Contacts(all))
        }
    }
}

fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    Date::parse(&text).map_err(|error| D::Error::custom(format!("{text:?} {error}")))
}

fn some_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    date(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        contact: Contacts,
    }

    const WARD: &str = r#"
        name = { vi = "Công an xã", en = "Commune police" }
        short_name = { vi = "Công an xã", en = "police" }
        telephone = "0000"
        as_of = "2026-01-01"
    "#;

    fn chain(text: &str) -> Contacts {
        toml::from_str::<File>(text).unwrap().contact
    }

    #[test]
    fn one_contact_and_a_chain_are_read_and_said_in_their_order() {
        let one = chain(&format!("[contact]\n{WARD}"));
        assert_eq!(one.chain(Language::Vi), "Công an xã 0000");
        let second = WARD.replace("0000", "1111").replace("police", "province");
        let many = chain(&format!("[[contact]]\n{WARD}[[contact]]\n{second}"));
        assert_eq!(many.short(Language::En), "police 0000");
        assert_eq!(many.chain(Language::En), "police 0000, failing that province 1111");
        assert_eq!(many.iter().count(), 2);
    }

    #[test]
    fn who_has_no_number_is_passed_over_and_said_only_where_nobody_has_one() {
        let nobody = WARD.replace("0000", " ");
        let known = chain(&format!("[[contact]]\n{nobody}[[contact]]\n{WARD}"));
        assert_eq!(
            (known.short(Language::En), known.is_configured()),
            ("police 0000".into(), true)
        );
        let unknown = chain(&format!("[contact]\n{nobody}"));
        assert_eq!(unknown.short(Language::En), "police (no telephone configured)");
        assert_eq!(unknown.chain(Language::En), unknown.short(Language::En));
        assert!(!unknown.is_configured());
    }

    #[test]
    fn a_contact_is_believed_until_the_day_it_names_or_for_a_year() {
        let last = |text: &str| chain(text).last_day().map(|day| day.to_string());
        let year = format!("[contact]\n{WARD}");
        assert_eq!(last(&year).unwrap(), "2027-01-01");
        assert_eq!(last(&year.replace("2026-01-01", "2024-02-29")).unwrap(), "2025-02-28");
        let named = format!("{WARD}valid_until = \"2026-03-31\"\n");
        assert_eq!(last(&format!("[contact]\n{named}")).unwrap(), "2026-03-31");
        let chain = format!("[[contact]]\n{WARD}[[contact]]\n{named}");
        assert_eq!(last(&chain).unwrap(), "2026-03-31", "the first that is to be asked again");
        assert_eq!(last(&chain.replace("0000", "")), None);
    }

    #[test]
    fn what_is_no_contact_names_the_field() {
        let wrong = |text: String| toml::from_str::<File>(&text).err().unwrap().to_string();
        assert!(wrong(format!("[contact]\n{WARD}telefone = \"1\"")).contains("telefone"));
        assert!(wrong(format!("[[contact]]\n{WARD}telefone = \"1\"")).contains("telefone"));
        assert!(wrong("contact = []".into()).contains("contact"));
        assert!(wrong(format!("[contact]\n{WARD}valid_until = \"soon\"")).contains("YYYY-MM"));
    }
}
