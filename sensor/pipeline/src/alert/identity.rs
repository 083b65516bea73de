//! Facts about hosts of ours on their way to the writer: who has which address and name.
//!
//! A worker tells a fact when it is new or has changed, so the queue carries one for each change
//! and none for each packet. Owns what has been told already, bounded; decides nothing.

use crate::bounded::Bounded;
use crate::net::{Address, Mac, Timestamp};

/// One thing a host said of itself, or its DHCP server of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// When.
    pub time: Timestamp,
    /// Its address, if this fact tells one.
    pub address: Option<Address>,
    /// Its hardware address.
    pub mac: Option<Mac>,
    /// Its name, as people read it.
    pub name: Option<Box<str>>,
}

/// Facts told that are remembered; of more, the oldest is forgotten and may be told again.
const REMEMBERED: usize = 4096;

/// Facts told within one second of packet time: an office has few, a flood of forged ARP many.
const PER_SECOND: u32 = 256;

/// What a fact is about: the address, or the machine where no address is known yet.
type Subject = (Option<Address>, Option<Mac>);

/// What was told of a subject: its hardware address and its name.
type Told = (Option<Mac>, Option<Box<str>>);

/// What to do with a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Known already.
    Old,
    /// To be told.
    New,
    /// New, but too much was told in this second.
    TooMuch,
}

/// Which facts have been told.
#[derive(Debug)]
pub struct Announced {
    facts: Bounded<Subject, Told>,
    second: i64,
    in_second: u32,
}

impl Default for Announced {
    fn default() -> Self {
        Self { facts: Bounded::new(REMEMBERED), second: 0, in_second: 0 }
    }
}

impl Announced {
    /// Is this news? If so it counts as told from now on.
    pub fn news(&mut self, time: Timestamp, subject: Subject, name: Option<&str>) -> News {
        let (address, mac) = subject;
        let key = (address, if address.is_some() { None } else { mac });
        let known = self.facts.get(&key);
        if let Some((old_mac, old_name)) = known
            && (mac.is_none() || *old_mac == mac)
            && (name.is_none() || old_name.as_deref() == name)
        {
            return News::Old;
        }
        if !self.admits(time) {
            return News::TooMuch;
        }
        self.remember(key, mac, name);
        News::New
    }

    /// Forgets a fact that could not be passed on, so that it is told when next seen.
    pub fn forget(&mut self, (address, mac): Subject) {
        self.facts.remove(&(address, if address.is_some() { None } else { mac }));
    }

    fn admits(&mut self, time: Timestamp) -> bool {
        if time.seconds() != self.second {
            (self.second, self.in_second) = (time.seconds(), 0);
        }
        self.in_second = self.in_second.saturating_add(1);
        self.in_second <= PER_SECOND
    }

    fn remember(&mut self, key: Subject, mac: Option<Mac>, name: Option<&str>) {
        let ((told_mac, told_name), _) = self.facts.entry(key);
        *told_mac = mac.or(*told_mac);
        if let Some(name) = name {
            *told_name = Some(name.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Option<Mac> = Some(Mac([2, 0, 0, 0, 0, 9]));

    fn at(second: i64) -> Timestamp {
        Timestamp::new(second, 0)
    }

    #[test]
    fn a_fact_is_news_once_and_again_when_it_changes() {
        let mut told = Announced::default();
        let pc = Some(Address::v4([192, 0, 2, 9]));
        assert_eq!(told.news(at(1), (pc, MAC), None), News::New);
        assert_eq!(told.news(at(1), (pc, MAC), None), News::Old);
        assert_eq!(told.news(at(1), (pc, MAC), Some("pc-9")), News::New);
        assert_eq!(told.news(at(1), (pc, None), None), News::Old, "it says nothing new");
        assert_eq!(told.news(at(1), (pc, Some(Mac([2, 0, 0, 0, 0, 8]))), None), News::New);
        told.forget((pc, MAC));
        assert_eq!(told.news(at(1), (pc, MAC), Some("pc-9")), News::New);
    }

    #[test]
    fn a_flood_of_facts_is_cut_in_each_second_and_memory_stays_bounded() {
        let mut told = Announced::default();
        let host = |n: u32| Some(Address::v4(n.to_be_bytes()));
        let new = |told: &mut Announced, second, n| told.news(at(second), (host(n), MAC), None);
        for n in 0..PER_SECOND {
            assert_eq!(new(&mut told, 1, n), News::New);
        }
        assert_eq!(new(&mut told, 1, 900), News::TooMuch);
        assert_eq!(new(&mut told, 2, 900), News::New);
        for n in 0..10_000 {
            let _ = new(&mut told, i64::from(n), 100_000 + n);
        }
        assert_eq!(told.facts.len(), REMEMBERED);
        assert_eq!(new(&mut told, 20_000, 0), News::New, "the oldest was forgotten");
    }
}
