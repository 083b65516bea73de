//! What the writer's desk says and does when indicators or words were read again.

use wardwatch_record::{Message, Topic};

use super::{Desk, now};
use crate::app::notify;
use crate::app::reload::Reloaded;
use crate::app::reminder::Reminder;
use crate::lang;
use crate::net::Timestamp;

impl Desk<'_, '_> {
    pub(super) fn reloaded(&mut self, outcome: Reloaded) {
        match outcome {
            Reloaded::Swapped { difference, len, newest } => {
                notify::ready();
                (self.indicators, self.newest) = (len, newest);
                let (added, removed) = (difference.added, difference.removed);
                self.inform(Topic::Feeds, |l| lang::reloaded(l, added, removed, len));
            }
            Reloaded::Refused(reason) => {
                notify::ready();
                self.warn(Topic::Feeds, |l| lang::refused(l, reason.in_language(l)));
            }
            Reloaded::Threats(threats) => {
                let contacts = Message::made(|language| threats.contacts.chain(language));
                self.ledger.set_contacts(&threats.contacts);
                self.reminder = Reminder::new(threats.contacts.clone());
                self.writer.replace_threats(*threats);
                self.inform(Topic::Feeds, |l| lang::threats_reloaded(l, contacts.in_language(l)));
                self.remind(now());
            }
            Reloaded::Said(line) => self.say(&line),
            Reloaded::Warned(text) => self.warn(Topic::Feeds, |l| text.in_language(l).into()),
            Reloaded::ThreatsRefused(reason) => {
                self.warn(Topic::Feeds, |l| lang::threats_refused(l, reason.in_language(l)));
            }
        }
    }

    pub(super) fn remind(&mut self, now: Timestamp) {
        if let Some(circumstance) = self.reminder.due(now) {
            self.note(&circumstance.notice(now));
        }
    }
}
