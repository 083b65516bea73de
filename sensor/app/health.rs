//! Watches the watcher: says at once when the sensor is blind, deaf or half so.
//!
//! Fed with the sensor's state about once a second. Each warning is said when its condition
//! begins, and again only after it was over.

use crate::lang::Warning;
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
}

impl Health {
    /// Begins now: what was before is no silence.
    pub(super) fn new(now: Timestamp) -> Self {
        let mark = Mark { time: now, ..Mark::default() };
        Self { loss: mark, minute: mark, heard: mark, active: Vec::new() }
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
    fn many_flows_of_a_single_client_are_a_mirror_behind_the_router() {
        let mut health = Health::new(Timestamp::new(0, 0));
        let mut one = status(1, &[(Counter::FlowsOut, 500), (Counter::Flows, 900)]);
        one.clients = 1;
        assert_eq!(health.judge(&one), [Warning::OneClient]);
        one.hosts = 0;
        assert_eq!(health.judge(&one), [Warning::NoHosts]);
    }
}
