//! One line a contact although several workers met it.
//!
//! Each worker folds what it sees, but two flows of one host to one server can be with two
//! workers. Here their counts are added, and a contact that another worker has already told of is
//! no new line: it is told with the sum when the window ends, or at the end. With a
//! single worker there is nothing to do, and every alert passes.

use std::collections::HashMap;

use crate::alert::Alert;
use crate::alert::throttle::LastingKey;
use crate::net::Timestamp;

/// Most contacts remembered; beyond it an alert passes as it is: a line too many, never one less.
const ENTRIES: usize = 65_536;

/// The contacts of all workers that are being folded.
#[derive(Debug)]
pub struct Fold {
    window_nanos: u64,
    alone: bool,
    contacts: HashMap<LastingKey, Contact>,
    swept: Timestamp,
}

#[derive(Debug)]
struct Contact {
    latest: Box<Alert>,
    /// Of each worker's fold, by when it began: what it last told.
    parts: Vec<Part>,
    /// Was something added that no line has said?
    unsaid: bool,
    said: Timestamp,
}

/// One worker's part of a contact.
#[derive(Clone, Copy, Debug)]
struct Part {
    opened: Timestamp,
    count: u64,
    /// Of a crowd: its hosts. Each worker has flows of its own, so that few are counted twice.
    hosts: u64,
}

impl Part {
    fn of(alert: &Alert) -> Self {
        let hosts = alert.crowd.as_ref().map_or(0, |crowd| crowd.hosts);
        Self { opened: alert.opened, count: alert.count, hosts }
    }
}

impl Contact {
    /// Takes in what a worker tells: how often, since when.
    fn add(&mut self, mut alert: Box<Alert>) {
        let part = Part::of(&alert);
        match self.parts.iter_mut().find(|known| known.opened == part.opened) {
            Some(known) => *known = part,
            None => self.parts.push(part),
        }
        alert.count = self.parts.iter().map(|part| part.count).sum();
        alert.first = self.latest.first.min(alert.first);
        if let Some(crowd) = &mut alert.crowd {
            crowd.hosts = self.parts.iter().map(|part| part.hosts).sum();
        }
        let latest = self.latest.sighting.time;
        if alert.sighting.time < latest {
            alert.sighting.time = latest;
        }
        self.latest = alert;
    }
}

impl Fold {
    /// A fold for so many workers, whose own windows are this long.
    pub fn new(workers: usize, window_nanos: u64) -> Self {
        let (alone, swept) = (workers < 2, Timestamp::default());
        Self { window_nanos, alone, contacts: HashMap::new(), swept }
    }

    /// Takes in an alert of a worker. Returns it, with the counts of all workers, if it is to be
    /// told now.
    pub fn admit(&mut self, alert: Box<Alert>) -> Option<Box<Alert>> {
        if self.alone {
            return Some(alert);
        }
        // Workers take a new set one after the other; the contact is the same.
        let key = LastingKey::of(&alert);
        let now = alert.sighting.time;
        let is_sum = alert.count > 1;
        let window = self.window_nanos;
        let known = self.contacts.get_mut(&key);
        let Some(contact) = known.filter(|known| is_sum || now.since(known.said) <= window) else {
            if self.contacts.len() < ENTRIES {
                let parts = vec![Part::of(&alert)];
                let latest = alert.clone();
                let contact = Contact { latest, parts, unsaid: false, said: now };
                self.contacts.insert(key, contact);
            }
            return Some(alert);
        };
        contact.add(alert);
        // The workers' windows end one after the other: the first of their sums is told, those
        // that follow it are gathered for the next.
        contact.unsaid = now.since(contact.said) <= window;
        if contact.unsaid {
            return None;
        }
        contact.said = now;
        Some(contact.latest.clone())
    }

    /// The sums nobody has told and whose window has passed; forgets what is quiet. To be called
    /// now and then with the packets' time.
    pub fn overdue(&mut self, now: Timestamp) -> Vec<Box<Alert>> {
        let window = self.window_nanos;
        // A clock that went back by so much will not come to it again.
        if now.0.abs_diff(self.swept.0) < window / 8 {
            return Vec::new();
        }
        self.swept = now;
        let mut told = Vec::new();
        self.contacts.retain(|_, contact| {
            let over = now.0.abs_diff(contact.said.0) > window;
            if over && contact.unsaid {
                contact.unsaid = false;
                contact.said = now;
                told.push(contact.latest.clone());
                return true;
            }
            // Twice as long as the workers remember: their last sums still find it.
            now.0.abs_diff(contact.said.0) <= window.saturating_mul(2)
        });
        told
    }

    /// Every sum that is still unsaid.
    pub fn finish(&mut self) -> Vec<Box<Alert>> {
        let contacts = std::mem::take(&mut self.contacts).into_values();
        let mut unsaid: Vec<_> =
            contacts.filter(|contact| contact.unsaid).map(|contact| contact.latest).collect();
        unsaid.sort_by_key(|alert| alert.sighting.time);
        unsaid
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::alert::{Origin, Sighting};
    use crate::decode::packet::Packet;
    use crate::matching::{IndicatorId, IndicatorSet};
    use crate::net::{Endpoint, IpProtocol};
    use crate::observation::Kind;

    const WINDOW: u64 = 600_000_000_000;

    fn alert(set: &Arc<IndicatorSet>, second: i64, first: i64, count: u64) -> Box<Alert> {
        let packet = Packet {
            source: Endpoint::default(),
            destination: Endpoint::default(),
            protocol: IpProtocol::UDP,
            ..Packet::default()
        };
        let origin = Origin::Interface("m1".into());
        Box::new(Alert {
            sighting: Sighting::new(&packet, Timestamp::new(second, 0), 1, origin),
            kind: Kind::Ip,
            weakness: None,
            seen: String::new(),
            set: set.clone(),
            indicator: IndicatorId(0),
            also: Vec::new(),
            ours: Endpoint::default(),
            peer: Endpoint::default(),
            count,
            first: Timestamp::new(first, 0),
            opened: Timestamp::new(first, 0),
            crowd: None,
        })
    }

    fn counts(alerts: impl IntoIterator<Item = Box<Alert>>) -> Vec<u64> {
        alerts.into_iter().map(|alert| alert.count).collect()
    }

    #[test]
    fn a_contact_of_two_workers_is_told_once_and_then_as_their_sum() {
        let set = Arc::new(IndicatorSet::build(Vec::new(), &[]));
        let mut fold = Fold::new(2, WINDOW);
        assert_eq!(fold.admit(alert(&set, 1, 1, 1)).map(|alert| alert.count), Some(1));
        assert_eq!(fold.admit(alert(&set, 2, 2, 1)).map(|alert| alert.count), None);
        assert_eq!(fold.admit(alert(&set, 9, 1, 7)).map(|alert| alert.count), None);
        assert!(fold.overdue(Timestamp::new(300, 0)).is_empty());
        assert_eq!(counts(fold.overdue(Timestamp::new(602, 0))), [8]);
        assert_eq!(fold.admit(alert(&set, 603, 2, 4)).map(|alert| alert.count), None);
        assert_eq!(counts(fold.finish()), [11]);
        assert!(fold.finish().is_empty());
    }

    #[test]
    fn lines_for_many_of_several_workers_are_one_and_their_hosts_are_added() {
        let set = set_of("a.test");
        let crowd = |second, count, hosts| {
            let mut alert = alert(&set, second, 1, count);
            alert.opened = Timestamp::new(second, 0);
            let by = crate::alert::Crowding::Indicator(7);
            let (first_hosts, first_indicators) = (Vec::new(), Vec::new());
            let crowd =
                crate::alert::Crowd { by, hosts, indicators: 1, first_hosts, first_indicators };
            alert.crowd = Some(Box::new(crowd));
            alert
        };
        let mut fold = Fold::new(2, WINDOW);
        assert!(fold.admit(crowd(1, 400, 300)).is_some());
        assert!(fold.admit(crowd(2, 500, 450)).is_none());
        assert!(fold.admit(alert(&set, 3, 3, 1)).is_some(), "one host is not among the many");
        let told = fold.overdue(Timestamp::new(700, 0));
        let many = told.iter().find(|alert| alert.crowd.is_some()).unwrap();
        assert_eq!((many.count, many.crowd.as_ref().unwrap().hosts), (900, 750));
    }

    #[test]
    fn a_clock_that_went_back_does_not_put_a_sum_off_for_good() {
        let set = set_of("a.test");
        let mut fold = Fold::new(2, WINDOW);
        fold.admit(alert(&set, 1_000_000, 1, 1));
        assert!(fold.admit(alert(&set, 10, 10, 1)).is_none());
        assert!(fold.overdue(Timestamp::new(1_000_000, 0)).is_empty());
        assert_eq!(counts(fold.overdue(Timestamp::new(20, 0))), [2]);
    }

    #[test]
    fn after_a_quiet_window_a_contact_is_new_again() {
        let set = Arc::new(IndicatorSet::build(Vec::new(), &[]));
        let mut fold = Fold::new(2, WINDOW);
        fold.admit(alert(&set, 1, 1, 1));
        let again = fold.admit(alert(&set, 700, 700, 1)).unwrap();
        assert_eq!((again.count, again.first), (1, Timestamp::new(700, 0)));
    }

    fn set_of(name: &str) -> Arc<IndicatorSet> {
        let text = format!("indicator,type\n{name},domain\n");
        let lint = ioc_feeds::lint::Lint::Trusted;
        let loaded = ioc_feeds::format::load_text("test", &text, lint).unwrap();
        Arc::new(IndicatorSet::build(loaded.indicators, &[]))
    }

    #[test]
    fn a_contact_stays_the_same_across_a_reload_and_its_number_alone_makes_none() {
        let mut fold = Fold::new(2, WINDOW);
        assert!(fold.admit(alert(&set_of("a.test"), 1, 1, 1)).is_some());
        assert!(fold.admit(alert(&set_of("a.test"), 2, 2, 1)).is_none(), "the same indicator");
        assert!(fold.admit(alert(&set_of("b.test"), 3, 3, 1)).is_some(), "another, same number");
    }

    #[test]
    fn a_single_worker_folds_nothing() {
        let mut alone = Fold::new(1, WINDOW);
        let set = set_of("a.test");
        assert!(alone.admit(alert(&set, 1, 1, 1)).is_some());
        assert!(alone.admit(alert(&set, 2, 2, 1)).is_some());
    }
}
