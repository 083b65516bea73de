//! What facts mean: which findings there are, how bad each is, and the facts that show it.

use super::facts::{Contact, Facts};
use crate::net::Address;
use crate::stats::Counter;

/// Frames from which on shares mean something.
const ENOUGH: u64 = 50;
/// Frames between others that an ordinary port does not show: its switch floods a few.
const FLOODED: u64 = 10;
/// Flows of a single client from which on it is no accident.
const MANY_FLOWS: u64 = 100;
/// Clients and questions from which on a single one who asks is no accident.
const SEVERAL: usize = 3;
const MANY_QUESTIONS: u64 = 20;
/// Days after which feeds are old.
const OLD_DAYS: i64 = 180;
/// Seconds that stamps of frames and the clock may be apart.
const STAMPS_APART: u64 = 60;

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// Contacts will be missed.
    Problem,
    /// Good to know.
    Note,
}

/// Something about this mirror port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    NotPermitted,
    InterfaceDown,
    NotKeptUp,
    KeptUp,
    NoFrames,
    NoMirror,
    OnlyOutward,
    OnlyInward,
    Copies,
    OneClient,
    NoHosts,
    Tagged,
    Pppoe,
    Truncated,
    Merged,
    NoDns,
    EncryptedDns,
    OneResolver,
    Loss,
    ClockWrong,
    FeedsOld,
    LogUnwritable,
    NoContact,
    ContactOld,
}

/// Everything that is wrong or good to know, the cause before its consequences.
pub(super) fn findings(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |finding, is| {
        if is {
            found.push(finding);
        }
    };
    let frames = &facts.frames;
    add(Finding::LogUnwritable, facts.log_error.is_some());
    add(Finding::ClockWrong, facts.clock.is_some() || facts.stamp_off > STAMPS_APART);
    add(Finding::FeedsOld, facts.age_days.is_some_and(|days| days > OLD_DAYS));
    add(Finding::NoContact, facts.contact == Contact::Missing);
    add(Finding::ContactOld, facts.contact == Contact::Old);
    let dead = facts.link.is_dead();
    add(Finding::NotPermitted, !facts.permitted);
    add(Finding::InterfaceDown, dead);
    add(Finding::NotKeptUp, facts.boot.as_ref().is_some_and(|boot| boot.kept.is_none()));
    add(Finding::KeptUp, facts.boot.as_ref().is_some_and(|boot| boot.kept.is_some()));
    if !facts.permitted || (dead && frames.all == 0) {
        return found;
    }
    add(Finding::NoFrames, frames.all == 0);
    let lost = facts.drops.kernel + facts.drops.interface;
    add(Finding::Loss, lost * 1000 > frames.all + lost);
    let mirrored = frames.foreign >= FLOODED || frames.foreign * 10 > frames.group;
    add(Finding::NoMirror, frames.all > 0 && !mirrored);
    if frames.foreign > 0 && mirrored {
        found.extend(of_traffic(facts));
    }
    found
}

/// Findings of a port that does show what others say.
fn of_traffic(facts: &Facts) -> Vec<Finding> {
    let frames = &facts.frames;
    let count = |counter| facts.counters.get(counter);
    let (out, back) = (count(Counter::PacketsOut), count(Counter::PacketsIn));
    let copies = frames.copies.max(count(Counter::Duplicates));
    let one = one_client(facts);
    let nobody = facts.hosts == 0 && count(Counter::Flows) > 0 && frames.foreign >= ENOUGH;
    let sliced = frames.sliced > 2 && frames.sliced * 100 > frames.packets;
    let (askers, _) = frames.askers();
    let one_asks = askers == 1 && facts.clients >= SEVERAL && frames.questions >= MANY_QUESTIONS;
    let no_dns = frames.packets >= ENOUGH && count(Counter::Dns) == 0;
    let all = [
        (Finding::OnlyOutward, out >= ENOUGH && back == 0),
        (Finding::OnlyInward, back >= ENOUGH && out == 0),
        (Finding::Copies, frames.foreign >= ENOUGH && copies * 10 > frames.foreign * 3),
        (Finding::OneClient, one.is_some()),
        (Finding::NoHosts, nobody && one.is_none()),
        (Finding::Truncated, sliced || count(Counter::FramesTruncated) > 0),
        (Finding::NoDns, no_dns),
        (Finding::EncryptedDns, !no_dns && count(Counter::EncryptedDns) > 0),
        (Finding::OneResolver, one_asks),
        (Finding::Merged, frames.merged > 0 || facts.merges == Some(true)),
        (Finding::Tagged, frames.tagged > 0),
        (Finding::Pppoe, frames.pppoe > 0),
    ];
    all.into_iter().filter_map(|(finding, is)| is.then_some(finding)).collect()
}

/// How sure it is that all PCs hide behind one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OneClient {
    /// A public address, or packets that have passed a router.
    Hidden,
    /// It may as well be the only PC that is on: its packets come fresh from their sender.
    Perhaps,
}

fn one_client(facts: &Facts) -> Option<OneClient> {
    let frames = &facts.frames;
    if facts.clients == 0 {
        let middle = frames.middle().filter(|address| !frames.is_home(*address));
        return middle.filter(|_| frames.packets >= ENOUGH).map(|_| OneClient::Hidden);
    }
    let only = facts.clients == 1 && facts.counters.get(Counter::FlowsOut) >= MANY_FLOWS;
    let fresh = frames.outward > 0 && frames.routed * 2 < frames.outward;
    only.then_some(if fresh { OneClient::Perhaps } else { OneClient::Hidden })
}

impl Finding {
    /// Each, in the order of the manual.
    #[cfg(test)]
    pub(super) const ALL: [Self; 24] = [
        Self::NotPermitted,
        Self::InterfaceDown,
        Self::NotKeptUp,
        Self::KeptUp,
        Self::NoFrames,
        Self::NoMirror,
        Self::OnlyOutward,
        Self::OnlyInward,
        Self::Copies,
        Self::OneClient,
        Self::NoHosts,
        Self::Tagged,
        Self::Pppoe,
        Self::Truncated,
        Self::Merged,
        Self::NoDns,
        Self::EncryptedDns,
        Self::OneResolver,
        Self::Loss,
        Self::ClockWrong,
        Self::FeedsOld,
        Self::LogUnwritable,
        Self::NoContact,
        Self::ContactOld,
    ];

    /// Stable, for scripts and for asking on the telephone.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::NotPermitted => "not-permitted",
            Self::InterfaceDown => "interface-down",
            Self::NotKeptUp => "not-kept-up",
            Self::KeptUp => "kept-up",
            Self::NoFrames => "no-frames",
            Self::NoMirror => "no-mirror",
            Self::OnlyOutward => "only-outward",
            Self::OnlyInward => "only-inward",
            Self::Copies => "every-packet-twice",
            Self::OneClient => "one-client",
            Self::NoHosts => "no-hosts",
            Self::Tagged => "vlan-tags",
            Self::Pppoe => "pppoe",
            Self::Truncated => "frames-truncated",
            Self::Merged => "receive-offload",
            Self::NoDns => "no-dns",
            Self::EncryptedDns => "encrypted-dns",
            Self::OneResolver => "one-resolver",
            Self::Loss => "loss",
            Self::ClockWrong => "clock-wrong",
            Self::FeedsOld => "feeds-old",
            Self::LogUnwritable => "log-unwritable",
            Self::NoContact => "no-contact",
            Self::ContactOld => "contact-old",
        }
    }

    /// Does it make contacts go unseen, or their PC unnamed?
    pub(super) fn severity(self, facts: &Facts) -> Severity {
        match self {
            Self::OneClient if one_client(facts) == Some(OneClient::Perhaps) => Severity::Note,
            Self::NotKeptUp
            | Self::KeptUp
            | Self::Tagged
            | Self::Pppoe
            | Self::Merged
            | Self::FeedsOld
            | Self::NoDns
            | Self::EncryptedDns
            | Self::OneResolver
            | Self::NoContact
            | Self::ContactOld
            | Self::Copies => Severity::Note,
            _ => Severity::Problem,
        }
    }
}

/// The address that a finding is about, where there is one.
pub(super) fn address(finding: Finding, facts: &Facts) -> Option<Address> {
    match finding {
        Finding::OneClient if facts.clients == 0 => facts.frames.middle(),
        Finding::OneClient => facts.frames.only_sender(),
        Finding::OneResolver => facts.frames.askers().1,
        _ => None,
    }
}

#[cfg(test)]
mod tests;
