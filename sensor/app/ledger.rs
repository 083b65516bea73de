//! What the sensor writes down of itself every few seconds, and what it finds written when it
//! starts: since when nothing was watched.
//!
//! Owns the report in memory. The clock may stand wrong at the start and jump later, so how long this
//! sensor runs is measured apart from it.

use std::io;
use std::time::Instant;

use super::keep::Keep;
use super::post::{Gauge, Sight};
use super::writer::Writer;
use ioc_feeds::contact::Contacts;

use crate::net::Timestamp;
use crate::sink::Status;
use crate::sink::clock::Clock;
use crate::sink::report::{Interface, Report};
use crate::stats::Counter;

const SECOND: u64 = 1_000_000_000;
/// How often the report is written, in seconds.
const EVERY: u64 = 5;
/// How often on the disk, where there is a place in memory.
const EVERY_ON_DISK: u64 = 60;
/// Loss is judged over one to two spans of so many nanoseconds.
const SPAN: u64 = 600 * SECOND;
/// A packet that much older than the sensor's end is worth telling, in seconds.
const APART: i64 = 60;

/// A time in which nothing was watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// Did the sensor stop because it was told to?
    pub(super) clean: bool,
    /// When the last packet was seen, if that was long before.
    pub(super) last_packet: Option<Timestamp>,
}

/// Packets and losses at a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    time: Timestamp,
    packets: u64,
    lost: u64,
}

/// What is written down.
pub(super) struct Ledger<'a> {
    keep: &'a Keep,
    clock: Clock,
    report: Report,
    begun: Instant,
    /// Not told yet: the clock stands before the end of the sensor before this one.
    gap: Option<(i64, bool, Option<i64>)>,
    marks: [Mark; 2],
    frames: u64,
    alerts: u64,
    written: Option<Timestamp>,
    on_disk: Option<Timestamp>,
    failing: bool,
}

impl<'a> Ledger<'a> {
    #[allow(clippy::disallowed_methods)] // app is where the clock may be read
    pub(super) fn new(keep: &'a Keep, clock: Clock, now: Timestamp) -> Self {
        let known = keep.previous();
        let gap = known.map(|known| (known.alive, known.stopped, known.last_packet));
        let report = Report {
            version: env!("CARGO_PKG_VERSION").into(),
            process: std::process::id(),
            log_dir: keep.path().into(),
            started: now.seconds(),
            every: EVERY,
            every_on_disk: if keep.has_runtime() { EVERY_ON_DISK } else { EVERY },
            last_packet: known.and_then(|known| known.last_packet),
            last_canary: known.and_then(|known| known.last_canary),
            days: known.map(|known| known.days.clone()).unwrap_or_default(),
            ..Report::default()
        };
        Self {
            keep,
            clock,
            report,
            begun: Instant::now(),
            gap,
            marks: [Mark { time: now, ..Mark::default() }; 2],
            frames: 0,
            alerts: 0,
            written: None,
            on_disk: None,
            failing: false,
        }
    }

    /// The time before this start in which nothing was watched, once, and not before the clock is
    /// past its beginning.
    pub(super) fn gap(&mut self, now: Timestamp) -> Option<Gap> {
        let (from, clean, packet) = self.gap?;
        let running = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let to = Timestamp(now.0.saturating_sub(i64::try_from(running).unwrap_or(i64::MAX)));
        if to.seconds() < from {
            return None;
        }
        self.gap = None;
        let last_packet = packet.filter(|packet| from.saturating_sub(*packet) > APART);
        let last_packet = last_packet.map(|seconds| Timestamp::new(seconds, 0));
        Some(Gap { from: Timestamp::new(from, 0), to, clean, last_packet })
    }

    /// From now on these are the contacts.
    pub(super) fn set_contacts(&mut self, contacts: &Contacts) {
        self.report.contact = contacts.is_configured();
        self.report.contact_until = contacts.last_day().map(|day| day.to_string());
    }

    /// What it knows by now.
    pub(super) const fn report(&self) -> &Report {
        &self.report
    }

    /// Takes in how the sensor fares; about once a second.
    pub(super) fn note(
        &mut self,
        status: &Status,
        writer: &Writer<'_>,
        workers: &[(String, &Gauge)],
    ) {
        let (now, report) = (status.time, &mut self.report);
        let frames = status.counters.get(Counter::Frames);
        report.alive = now.seconds();
        if frames != self.frames {
            (self.frames, report.last_packet) = (frames, Some(now.seconds()));
        }
        let alerts = writer.alerts.saturating_sub(writer.canaries);
        let more = alerts.saturating_sub(std::mem::replace(&mut self.alerts, alerts));
        if more > 0 {
            report.count_alerts(&self.clock.day(now.0), more);
        }
        report.last_canary = writer.last_canary.map(Timestamp::seconds).or(report.last_canary);
        (report.packets, report.lost) = (frames, status.lost());
        (report.indicators, report.hosts) = (status.indicators, status.hosts);
        report.newest = status.newest.map(|date| date.to_string());
        report.newest_own = status.newest_own.map(|date| date.to_string());
        (report.hidden, report.connections) = status.blind();
        report.panics = status.counters.get(Counter::Panics);
        report.interfaces = interfaces(workers);
        report.figures = status.figures();
        self.note_recent(now);
    }

    fn note_recent(&mut self, now: Timestamp) {
        let mark = Mark { time: now, packets: self.report.packets, lost: self.report.lost };
        let [old, young] = self.marks;
        self.report.recent_packets = mark.packets.saturating_sub(old.packets);
        self.report.recent_lost = mark.lost.saturating_sub(old.lost);
        if now < young.time || now.since(young.time) >= SPAN {
            self.marks = [young, mark];
        }
    }

    /// Writes it down where that is due. A failure is answered once.
    ///
    /// # Errors
    /// The first failure after a success.
    pub(super) fn write(&mut self, now: Timestamp) -> io::Result<()> {
        if !is_due(now, self.written, EVERY) {
            return Ok(());
        }
        self.written = Some(now);
        let on_disk = is_due(now, self.on_disk, self.report.every_on_disk);
        if on_disk {
            self.on_disk = Some(now);
        }
        let written = self.keep.write(&self.report, on_disk);
        let was = std::mem::replace(&mut self.failing, written.is_err());
        if was { Ok(()) } else { written }
    }

    /// Writes down that the sensor stops because it was told to.
    pub(super) fn close(&mut self) {
        self.report.stopped = true;
        // It is over: there is nothing left to do about a failure.
        let _ = self.keep.write(&self.report, true);
    }
}

/// Every interface once, however many workers it has.
fn interfaces(workers: &[(String, &Gauge)]) -> Vec<Interface> {
    let mut all: Vec<Interface> = Vec::new();
    for (name, gauge) in workers {
        let up = gauge.sight() == Sight::Up;
        match all.iter_mut().find(|known| known.name == *name) {
            Some(known) => known.up &= up,
            None => all.push(Interface { name: name.clone(), up }),
        }
    }
    all
}

fn is_due(now: Timestamp, last: Option<Timestamp>, every: u64) -> bool {
    last.is_none_or(|last| now < last || now.since(last) >= every * SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Owners;

    fn keep(place: &tempfile::TempDir, report: &Report) -> Keep {
        let report = Report { log_dir: place.path().into(), ..report.clone() };
        let open = || Keep::open(place.path(), &Owners::new(&[0]), false).unwrap();
        open().write(&report, true).unwrap();
        open()
    }

    #[test]
    fn the_time_before_the_start_is_told_once_and_not_before_the_clock_is_right() {
        let place = tempfile::tempdir().unwrap();
        let known = Report { alive: 1_000, last_packet: Some(800), ..Report::default() };
        let keep = keep(&place, &known);
        let clock = Clock::new(jiff::tz::TimeZone::UTC);
        let mut ledger = Ledger::new(&keep, clock, Timestamp::new(10, 0));
        assert_eq!(ledger.gap(Timestamp::new(11, 0)), None, "a board without a battery");
        let gap = ledger.gap(Timestamp::new(2_000, 0)).unwrap();
        assert_eq!(gap.from.seconds(), 1_000);
        assert!((1_990..=2_000).contains(&gap.to.seconds()));
        assert!(!gap.clean);
        assert_eq!(gap.last_packet, Some(Timestamp::new(800, 0)));
        assert_eq!(ledger.gap(Timestamp::new(2_001, 0)), None, "said already");
    }

    #[test]
    fn losses_are_those_of_the_last_minutes_not_of_the_whole_watch() {
        let place = tempfile::tempdir().unwrap();
        let keep = keep(&place, &Report::default());
        let clock = Clock::new(jiff::tz::TimeZone::UTC);
        let mut ledger = Ledger::new(&keep, clock, Timestamp::new(0, 0));
        let mut at = |minute: i64, packets, lost| {
            (ledger.report.packets, ledger.report.lost) = (packets, lost);
            ledger.note_recent(Timestamp::new(minute * 60, 0));
            (ledger.report.recent_packets, ledger.report.recent_lost)
        };
        assert_eq!(at(1, 100, 50), (100, 50));
        assert_eq!(at(10, 1_000, 50), (1_000, 50));
        assert_eq!(at(20, 2_000, 50), (2_000, 50));
        assert_eq!(at(21, 2_100, 50), (1_100, 0), "what was lost at the start is over");
    }
}
