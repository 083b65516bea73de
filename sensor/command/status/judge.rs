//! What is wrong with a sensor, judged from its report alone.

use ioc_feeds::Date;

use super::Found;
use crate::net::Timestamp;
use crate::sink::Clock;
use crate::sink::report::Report;

/// Seconds without a packet from which on a mirror port shows nothing: even at night PCs, switches
/// and printers talk.
const SILENT: i64 = 600;
/// Days after which indicators are old.
const OLD_DAYS: i64 = 180;
/// Days after which the whole way should be tried again.
const CANARY_DAYS: i64 = 90;
/// Seconds that a report may be late beyond three times its turn: a slow disk is no death.
const LATE: i64 = 15;
const DAY: i64 = 86_400;

/// Something wrong, or worth a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    NeverRan,
    Unreadable,
    Stopped,
    Dead,
    InterfaceDown,
    NoPackets,
    Loss,
    IndicatorsOld,
    CuratedOld,
    Panics,
    NoCanary,
    CanaryOld,
    NoContact,
    ContactOld,
}

impl Fault {
    #[cfg(test)]
    pub(super) const ALL: [Self; 14] = [
        Self::NeverRan,
        Self::Unreadable,
        Self::Stopped,
        Self::Dead,
        Self::InterfaceDown,
        Self::NoPackets,
        Self::Loss,
        Self::IndicatorsOld,
        Self::CuratedOld,
        Self::Panics,
        Self::NoCanary,
        Self::CanaryOld,
        Self::NoContact,
        Self::ContactOld,
    ];

    /// Stable, for programs.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::NeverRan => "never-ran",
            Self::Unreadable => "unreadable",
            Self::Stopped => "stopped",
            Self::Dead => "dead",
            Self::InterfaceDown => "interface-down",
            Self::NoPackets => "no-packets",
            Self::Loss => "loss",
            Self::IndicatorsOld => "indicators-old",
            Self::CuratedOld => "curated-old",
            Self::Panics => "faults",
            Self::NoCanary => "no-canary",
            Self::CanaryOld => "canary-old",
            Self::NoContact => "no-contact",
            Self::ContactOld => "contact-old",
        }
    }
}

/// What follows from a report.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    /// Each makes the exit code 1.
    pub(super) wrong: Vec<Fault>,
    pub(super) hints: Vec<Fault>,
    /// Alerts of today.
    pub(super) today: u64,
    /// Alerts of seven days, today among them.
    pub(super) week: u64,
    /// Days since the newest indicator.
    pub(super) age: Option<i64>,
}

pub(super) fn judge(found: &Found, now: Timestamp, clock: &Clock) -> Judged {
    let (report, every) = match found {
        Found::Report(report, every) => (report, *every),
        Found::Nothing => return Judged { wrong: vec![Fault::NeverRan], ..Judged::default() },
        Found::Unreadable(_) => {
            return Judged { wrong: vec![Fault::Unreadable], ..Judged::default() };
        }
    };
    let age = report.newest.as_deref().and_then(|text| Date::parse(text).ok());
    let age = age.map(|date| date.age_in_days(now.seconds()));
    let day = |back: i64| clock.day(Timestamp::new(now.seconds() - back * DAY, 0).0);
    let days: Vec<String> = (0..7).map(day).collect();
    let mut judged = Judged {
        today: report.alerts_on(days.get(..1).unwrap_or_default()),
        week: report.alerts_on(&days),
        age,
        ..Judged::default()
    };
    let silence = now.seconds().saturating_sub(report.alive);
    let every = i64::try_from(every).unwrap_or(60);
    match report.stopped {
        true => judged.wrong.push(Fault::Stopped),
        false if silence > every.saturating_mul(3).saturating_add(LATE) => {
            judged.wrong.push(Fault::Dead);
        }
        false => judged.wrong.extend(of_watching(report, now)),
    }
    // A feed of the office that went stale is somebody's to mend. What comes with the program grows old
    // by itself, also on a fresh machine.
    if age.is_some_and(|days| days > OLD_DAYS) {
        match report.newest_own {
            Some(_) => judged.wrong.push(Fault::IndicatorsOld),
            None => judged.hints.push(Fault::CuratedOld),
        }
    }
    judged.hints.extend(hints(report, now));
    judged
}

/// What is wrong with a sensor that lives.
fn of_watching(report: &Report, now: Timestamp) -> Vec<Fault> {
    let down = report.interfaces.iter().any(|interface| !interface.up);
    // The sensor before this one may have seen the last packet: its start is no packet.
    let heard = report.last_packet.unwrap_or(0).max(report.started);
    let silent = now.seconds().saturating_sub(heard) > SILENT;
    let all = report.recent_packets.saturating_add(report.recent_lost);
    let loss = report.recent_lost.saturating_mul(100) > all;
    [(Fault::InterfaceDown, down), (Fault::NoPackets, silent), (Fault::Loss, loss)]
        .into_iter()
        .filter_map(|(fault, is)| is.then_some(fault))
        .collect()
}

fn hints(report: &Report, now: Timestamp) -> Vec<Fault> {
    let until = report.contact_until.as_deref().and_then(|text| Date::parse(text).ok());
    let contact = until.map(|day| day.age_in_days(now.seconds()));
    let canary = report.last_canary.map(|time| now.seconds().saturating_sub(time) / DAY);
    [
        (Fault::Panics, report.panics > 0),
        (Fault::NoCanary, canary.is_none()),
        (Fault::CanaryOld, canary.is_some_and(|days| days > CANARY_DAYS)),
        (Fault::NoContact, !report.contact),
        (Fault::ContactOld, contact.is_some_and(|days| days > 0)),
    ]
    .into_iter()
    .filter_map(|(fault, is)| is.then_some(fault))
    .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::sink::report::Interface;

    pub(in super::super) const NOW: i64 = 1_795_806_000; // 2026-11-27T19:00:00Z

    pub(in super::super) fn report() -> Report {
        let mut report = Report {
            started: NOW - 7_200,
            alive: NOW - 2,
            every: 5,
            every_on_disk: 60,
            last_packet: Some(NOW - 3),
            interfaces: vec![Interface { name: "eth1".into(), up: true }],
            packets: 1_000_000,
            recent_packets: 10_000,
            last_canary: Some(NOW - DAY),
            indicators: 900,
            newest: Some("2026-11-01".into()),
            contact: true,
            ..Report::default()
        };
        report.count_alerts("2026-11-27", 2);
        report.count_alerts("2026-11-21", 5);
        report.count_alerts("2026-11-20", 90);
        report
    }

    fn judged(change: impl FnOnce(&mut Report)) -> Judged {
        let mut report = report();
        change(&mut report);
        let clock = Clock::new(jiff::tz::TimeZone::UTC);
        judge(&Found::Report(Box::new(report), 5), Timestamp::new(NOW, 0), &clock)
    }

    #[test]
    fn a_sensor_that_is_well_is_told_to_be_well_and_its_alerts_are_counted_by_local_days() {
        let well = judged(|_| {});
        assert!(well.wrong.is_empty() && well.hints.is_empty(), "{well:?}");
        assert_eq!((well.today, well.week), (2, 7));
    }

    #[test]
    fn each_thing_that_is_wrong_is_found_and_its_near_miss_is_not() {
        type Change = fn(&mut Report);
        let cases: [(Change, &[Fault]); 14] = [
            (|r| r.alive = NOW - 30, &[]),
            (|r| r.alive = NOW - 31, &[Fault::Dead]),
            (|r| r.stopped = true, &[Fault::Stopped]),
            (|r| r.interfaces[0].up = false, &[Fault::InterfaceDown]),
            (|r| r.last_packet = Some(NOW - 600), &[]),
            (|r| r.last_packet = Some(NOW - 601), &[Fault::NoPackets]),
            (|r| r.last_packet = None, &[Fault::NoPackets]),
            (|r| (r.last_packet, r.started) = (None, NOW - 60), &[]),
            (|r| (r.recent_packets, r.recent_lost) = (9_900, 100), &[]),
            (|r| (r.recent_packets, r.recent_lost) = (9_800, 100), &[Fault::Loss]),
            (|r| own(r, "2026-05-31"), &[]),
            (|r| own(r, "2026-05-30"), &[Fault::IndicatorsOld]),
            (|r| r.newest = Some("2026-05-30".into()), &[]),
            (|r| r.newest = None, &[]),
        ];
        for (nth, (change, wrong)) in cases.into_iter().enumerate() {
            assert_eq!(judged(change).wrong, wrong, "case {nth}");
        }
    }

    /// A feed of the office has the newest indicator.
    fn own(report: &mut Report, day: &str) {
        report.newest = Some(day.into());
        report.newest_own = report.newest.clone();
    }

    #[test]
    fn indicators_that_come_with_the_program_grow_old_without_anything_being_wrong() {
        let old = judged(|report| report.newest = Some("2026-05-30".into()));
        assert_eq!((old.wrong, old.hints), (vec![], vec![Fault::CuratedOld]));
        let young = judged(|report| report.newest = Some("2026-05-31".into()));
        assert_eq!(young.hints, []);
        // A newer list of the office's own makes up for them.
        assert_eq!(judged(|report| own(report, "2026-11-01")).hints, []);
    }

    #[test]
    fn what_is_worth_a_look_is_a_hint_and_nothing_wrong() {
        let hints = judged(|report| {
            (report.last_canary, report.contact, report.panics) = (None, false, 1);
        });
        assert!(hints.wrong.is_empty());
        assert_eq!(hints.hints, [Fault::Panics, Fault::NoCanary, Fault::NoContact]);
    }
}
