//! What the writer's desk says and does when indicators or words were read again.

use super::{Desk, now};
use crate::app::notify;
use crate::app::reload::Reloaded;
use crate::app::reminder::Reminder;
use crate::lang;
use crate::net::Timestamp;
use crate::sink::heartbeat;

impl Desk<'_, '_> {
    pub(super) fn reloaded(&mut self, outcome: Reloaded) {
        let language = self.job.format.language;
        match outcome {
            Reloaded::Swapped { difference, len, newest } => {
                notify::ready();
                (self.indicators, self.newest) = (len, newest);
                let text = lang::reloaded(language, difference.added, difference.removed, len);
                self.note(&heartbeat::information(&self.job.format, now(), &text));
            }
            Reloaded::Refused(reason) => {
                notify::ready();
                self.warn(&lang::refused(language, &reason));
            }
            Reloaded::Threats(threats) => {
                let contact = threats.contacts.chain(language);
                self.ledger.set_contacts(&threats.contacts);
                self.reminder = Reminder::new(threats.contacts.clone());
                self.writer.replace_threats(*threats);
                let text = lang::threats_reloaded(language, &contact);
                self.note(&heartbeat::information(&self.job.format, now(), &text));
                self.remind(now());
            }
            Reloaded::Said(line) => self.say(&line),
            Reloaded::Warned(text) => self.warn(&text),
            Reloaded::ThreatsRefused(reason) => {
                self.warn(&lang::threats_refused(language, &reason));
            }
        }
    }

    pub(super) fn remind(&mut self, now: Timestamp) {
        if let Some(notice) = self.reminder.due(now) {
            self.warn(&notice.text(self.job.format.language));
        }
    }
}
