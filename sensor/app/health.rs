//! Watches the watcher: says at once when the sensor is blind, deaf or half so.
//!
//! Fed with the sensor's state about once a second. Each warning is said when its condition
//! begins, and again only after it was over.

use std::collections::VecDeque;

use crate::lang::{self, Language, Warning};
use crate::net::Timestamp;
use crate::sink::Status;
use crate::stats::Counter;

const SECOND: u64 = 1_000_000_000;
/// Loss is judged over spans of so many nanoseconds.
const LOSS_SPAN: u64 = 5 * SECOND;
/// Silence and one-sidedness, over so many.
const MINUTE: u64 = 60 * SECOND;
/// Packets one way without any the other way, in a minute, that are no accident.
const ONE_WAY: u64 = 100;
/// Flows after which a single client is no accident either.
const MANY_FLOWS: u64 = 500;

/// Rates are taken over so many nanoseconds.
const RECENT: u64 = 10 * SECOND;

fn tenths_of_a_percent(part: u64, of: u64) -> u64 {
    u64::try_from(u128::from(part) * 1000 / u128::from(of.max(1))).unwrap_or(1000)
}

/// Where a span began.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    time: Timestamp,
    frames: u64,
    lost: u64,
    out: u64,
    back: u64,
}

impl Mark {
    fn of(status: &Status) -> Self {
        let count = |counter| status.counters.get(counter);
        Self {
            time: status.time,
            frames: count(Counter::Frames),
            lost: status.lost(),
            out: count(Counter::PacketsOut),
            back: count(Counter::PacketsIn),
        }
    }
}

/// Conditions that are true at present.
#[derive(Debug, Default)]
pub(super) struct Health {
    loss: Mark,
    minute: Mark,
    /// Time and number of the last frame.
    heard: Mark,
    active: Vec<Warning>,
    /// The state of the last seconds: time, frames, lost; for the rates of [`Health::line`].
    recent: VecDeque<Mark>,
    today: Today,
}

/// Alerts of the day of the month that the clock shows.
#[derive(Clone, Copy, Debug, Default)]
struct Today {
    day: u8,
    /// Alerts before it began.
    before: u64,
    /// Alerts when it was last looked at.
    told: u64,
}

impl Health {
    /// Begins now: what was before is no silence.
    pub(super) fn new(now: Timestamp) -> Self {
        let mark = Mark { time: now, ..Mark::default() };
        Self {
            loss: mark,
            minute: mark,
            heard: mark,
            active: Vec::new(),
            recent: VecDeque::from([mark]),
            today: Today::default(),
        }
    }

    /// One line about how the sensor fares, for a person who looks at the service. `day` is the day
    /// of the month where the office is.
    pub(super) fn line(&mut self, language: Language, status: &Status, day: u8) -> String {
        let now = Mark::of(status);
        self.recent.push_back(now);
        let is_past = |mark: &Mark| mark.time > now.time || now.time.since(mark.time) > RECENT;
        while self.recent.len() > 2 && self.recent.front().is_some_and(is_past) {
            self.recent.pop_front();
        }
        if self.today.day != day {
            // Those of the second in which the day changes count for the new one.
            self.today = Today { day, before: self.today.told, ..self.today };
        }
        self.today.told = status.alerts;
        let first = self.recent.front().copied().unwrap_or(now);
        let nanos = now.time.since(first.time).max(SECOND);
        let frames = now.frames.saturating_sub(first.frames);
        let lost = now.lost.saturating_sub(first.lost);
        lang::how_it_fares(
            language,
            self.active.first().copied(),
            &lang::Fares {
                rate: u64::try_from(u128::from(frames) * u128::from(SECOND) / u128::from(nanos))
                    .unwrap_or(u64::MAX),
                lost_tenths: tenths_of_a_percent(lost, frames.saturating_add(lost)),
                today: status.alerts.saturating_sub(self.today.before),
                alerts: status.alerts,
                uptime: status.uptime,
                indicators: status.indicators,
            },
        )
    }

    /// What has become wrong since the last time.
    pub(super) fn judge(&mut self, status: &Status) -> Vec<Warning> {
        let now = Mark::of(status);
        let mut said = Vec::new();
        if now.frames != self.heard.frames {
            self.heard = now;
        }
        let silent = now.time.since(self.heard.time) >= MINUTE;
        self.set(Warning::NoPackets, silent, &mut said);
        if now.time.since(self.loss.time) >= LOSS_SPAN || now.lost > self.loss.lost {
            let (lost, seen) =
                (now.lost - self.loss.lost.min(now.lost), now.frames - self.loss.frames);
            self.set(Warning::Loss, lost * 1000 > lost + seen, &mut said);
            self.loss = now;
        }
        if now.time.since(self.minute.time) >= MINUTE {
            let (out, back) = (now.out - self.minute.out, now.back - self.minute.back);
            self.set(Warning::OnlyOutward, out >= ONE_WAY && back == 0, &mut said);
            self.set(Warning::OnlyInward, back >= ONE_WAY && out == 0, &mut said);
            self.minute = now;
        }
        let flows = status.counters.get(Counter::Flows);
        let outward = status.counters.get(Counter::FlowsOut);
        self.set(Warning::OneClient, status.clients == 1 && outward >= MANY_FLOWS, &mut said);
        self.set(Warning::NoHosts, status.hosts == 0 && flows >= MANY_FLOWS, &mut said);
        said
    }

    fn set(&mut self, warning: Warning, is: bool, said: &mut Vec<Warning>) {
        let was = self.active.contains(&warning);
        if is && !was {
            self.active.push(warning);
            said.push(warning);
        } else if !is {
            self.active.retain(|active| *active != warning);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(seconds: i64, counts: &[(Counter, u64)]) -> Status {
        let mut status = Status { time: Timestamp::new(seconds, 0), ..Status::default() };
        status.hosts = 5;
        status.clients = 5;
        for (counter, n) in counts {
            status.counters.add(*counter, *n);
        }
        status
    }

    #[test]
    fn a_minute_without_a_packet_is_said_once_and_again_only_after_packets_came() {
        let mut health = Health::new(Timestamp::new(0, 0));
        assert!(health.judge(&status(59, &[])).is_empty());
        assert_eq!(health.judge(&status(60, &[])), [Warning::NoPackets]);
        assert!(health.judge(&status(90, &[])).is_empty());
        assert!(health.judge(&status(91, &[(Counter::Frames, 1)])).is_empty());
        assert_eq!(health.judge(&status(151, &[(Counter::Frames, 1)])), [Warning::NoPackets]);
    }

    #[test]
    fn loss_above_one_in_a_thousand_is_said_at_once() {
        let mut health = Health::new(Timestamp::new(0, 0));
        let mut at = |seconds, frames, lost| {
            let mut status = status(seconds, &[(Counter::Frames, frames)]);
            status.drops.kernel = lost;
            health.judge(&status)
        };
        assert!(at(1, 10_000, 10).is_empty(), "10 in 10,010 is not above 0.1 %");
        assert_eq!(at(2, 20_000, 110), [Warning::Loss]);
        assert!(at(3, 30_000, 300).is_empty(), "said already");
        assert!(at(9, 90_000, 300).is_empty());
        assert_eq!(at(10, 100_000, 900), [Warning::Loss], "it had stopped in between");
    }

    #[test]
    fn a_mirror_of_one_direction_is_recognised_after_a_minute() {
        let mut health = Health::new(Timestamp::new(0, 0));
        let out = [(Counter::Frames, 500), (Counter::PacketsOut, 500)];
        assert_eq!(health.judge(&status(60, &out)), [Warning::OnlyOutward]);
        let both = [(Counter::Frames, 900), (Counter::PacketsOut, 700), (Counter::PacketsIn, 200)];
        assert!(health.judge(&status(120, &both)).is_empty());
    }

    #[test]
    fn the_line_of_the_service_names_rate_loss_and_the_alerts_of_the_day() {
        let mut health = Health::new(Timestamp::new(0, 0));
        let mut at = |seconds, frames, alerts, day| {
            let mut status = status(seconds, &[(Counter::Frames, frames)]);
            (status.alerts, status.uptime) = (alerts, u64::try_from(seconds).unwrap());
            (status.indicators, status.drops.kernel) = (7, frames / 100);
            health.judge(&status);
            health.line(Language::En, &status, day)
        };
        let line = at(1, 1000, 0, 30);
        assert!(line.contains("1000 packets/s, 0.9 % lost, 0 alerts today"), "{line}");
        for second in 2..40 {
            at(second, 1000 * second as u64, 2, 30);
        }
        let line = at(40, 40_000, 2, 1);
        assert!(line.contains(" 0 alerts today, 2 since the start 40 s ago"), "{line}");
        let line = at(41, 41_000, 3, 1);
        assert!(line.contains("1000 packets/s, 0.9 % lost, 1 alert today"), "{line}");
        let line = at(120, 41_000, 3, 1);
        assert!(line.starts_with("no packet for a minute"), "what is wrong comes first: {line}");
    }

    #[test]
    fn many_flows_of_a_single_client_are_a_mirror_behind_the_router() {
        let mut health = Health::new(Timestamp::new(0, 0));
        let mut one = status(1, &[(Counter::FlowsOut, 500), (Counter::Flows, 900)]);
        one.clients = 1;
        assert_eq!(health.judge(&one), [Warning::OneClient]);
        one.hosts = 0;
        assert_eq!(health.judge(&one), [Warning::NoHosts]);
    }
}
