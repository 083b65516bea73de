//! Reminds the office that nobody can be called: at the start, when the words of threats change, and
//! once a day until it is mended.

use ioc_feeds::contact::Contacts;

use super::notices::Circumstance;
use crate::net::Timestamp;

/// A day, in nanoseconds.
const DAY: u64 = 86_400_000_000_000;

/// Who is called, and when it was last said that something is wrong with that.
#[derive(Debug)]
pub struct Reminder {
    contacts: Contacts,
    said: Option<Timestamp>,
}

impl Reminder {
    /// Of these contacts, with nothing said yet.
    pub const fn new(contacts: Contacts) -> Self {
        Self { contacts, said: None }
    }

    /// What is wrong at a moment, whether it was said or not.
    pub fn fault(&self, now: Timestamp) -> Option<Circumstance> {
        if !self.contacts.is_configured() {
            return Some(Circumstance::NoContact);
        }
        let last = self.contacts.last_day()?;
        (last.age_in_days(now.seconds()) > 0).then_some(Circumstance::ContactOld(last))
    }

    /// What is to be said now.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<Circumstance> {
        if self.said.is_some_and(|said| now.0.abs_diff(said.0) < DAY) {
            return None;
        }
        self.said = Some(now);
        self.fault(now)
    }

    /// The contacts.
    pub(super) const fn contacts(&self) -> &Contacts {
        &self.contacts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reminder(text: &str) -> Reminder {
        let mut threats = ioc_feeds::curated::threats().unwrap();
        threats.replace_from(text).unwrap();
        Reminder::new(threats.contacts)
    }

    fn at(day: &str, seconds: i64) -> Timestamp {
        Timestamp::new(ioc_feeds::Date::parse(day).unwrap().epoch_day() * 86_400 + seconds, 0)
    }

    #[test]
    fn that_nobody_can_be_called_is_said_at_once_and_every_day() {
        let mut none = reminder("");
        assert_eq!(none.due(at("2026-11-27", 0)), Some(Circumstance::NoContact));
        assert_eq!(none.due(at("2026-11-27", 86_399)), None);
        assert_eq!(none.due(at("2026-11-28", 0)), Some(Circumstance::NoContact));
    }

    #[test]
    fn a_contact_that_holds_is_silent_until_its_last_day_is_over() {
        let text = r#"
            [contact]
            name = { vi = "Công an xã", en = "Commune police" }
            short_name = { vi = "Công an xã", en = "police" }
            telephone = "0000"
            as_of = "2026-11-27"
            valid_until = "2026-12-31"
        "#;
        let mut known = reminder(text);
        assert_eq!(known.due(at("2026-12-31", 80_000)), None);
        let last = ioc_feeds::Date::parse("2026-12-31").unwrap();
        assert_eq!(known.due(at("2027-01-01", 80_000)), Some(Circumstance::ContactOld(last)));
    }
}
