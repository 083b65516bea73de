//! Clear-text requests to indicators: urls by host and path prefix, paths on any host.
//!
//! Both compare the request target in the spelling of [`ioc_feeds::target`], letter case ignored,
//! from its first byte.

use std::borrow::Cow;
use std::net::IpAddr;

use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use ioc_feeds::{Host, target};

use super::IndicatorId;
use super::buckets::Buckets;
use crate::net::Address;

/// Bytes of a request target that are compared with paths.
const TARGET_MAX: usize = 8 * 1024;

/// Bytes of a target sent in another spelling that are looked at: each may be written as three.
const SENT_MAX: usize = 64 * 1024;

/// What a url says beside its host.
#[derive(Debug)]
struct Place {
    port: Option<u16>,
    prefix: Box<[u8]>,
    id: IndicatorId,
}

/// Urls by their host.
#[derive(Debug, Default)]
pub(super) struct Urls {
    /// Values are numbers of `places`.
    names: Buckets<Box<str>>,
    addresses: Buckets<u128>,
    places: Vec<Place>,
}

impl Urls {
    /// Of hosts, ports and path prefixes.
    pub(super) fn new(entries: Vec<(&Host, Option<u16>, &str, IndicatorId)>) -> Self {
        let (mut names, mut addresses, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for ((host, port, path, id), at) in entries.into_iter().zip(0..) {
            match host {
                Host::Name(name) => names.push((Box::from(name.as_str()), IndicatorId(at))),
                Host::Address(ip) => addresses.push((Address::from(*ip).bits(), IndicatorId(at))),
            }
            places.push(Place { port, prefix: target::normalize(path.as_bytes()).into(), id });
        }
        Self { names: Buckets::new(names), addresses: Buckets::new(addresses), places }
    }

    /// Calls `push` with the prefix length and the indicator of each url that the request meets.
    pub(super) fn find(
        &self,
        (host, port): (&str, u16),
        target: &mut Target<'_>,
        mut push: impl FnMut(u32, IndicatorId),
    ) {
        let mut numbers = self.names.get(host);
        if numbers.is_empty()
            && !self.addresses.is_empty()
            && let Ok(ip) = host.parse::<IpAddr>()
        {
            numbers = self.addresses.get(&Address::from(ip).bits());
        }
        if numbers.is_empty() {
            return;
        }
        let target = target.spelled();
        for place in numbers.iter().filter_map(|number| self.places.get(number.0 as usize)) {
            let head = target.get(..place.prefix.len());
            if place.port.is_none_or(|wanted| wanted == port)
                && head.is_some_and(|head| head.eq_ignore_ascii_case(&place.prefix))
            {
                push(rank(place.prefix.len()), place.id);
            }
        }
    }
}

/// The target of a request, put into comparable spelling when something is compared with it.
#[derive(Debug)]
pub(super) struct Target<'a> {
    sent: &'a [u8],
    /// Holds the spelling of a target that was sent in another one.
    buffer: &'a mut Vec<u8>,
    spelled: bool,
}

impl<'a> Target<'a> {
    /// A target as sent.
    pub(super) fn new(sent: &'a [u8], buffer: &'a mut Vec<u8>) -> Self {
        buffer.clear();
        Self { sent, buffer, spelled: false }
    }

    /// Its comparable spelling, as far as anything is compared with it.
    fn spelled(&mut self) -> &[u8] {
        if !self.spelled {
            self.spelled = true;
            let sent = self.sent.get(..SENT_MAX).unwrap_or(self.sent);
            if target::is_odd(sent) {
                target::normalize_into(sent, self.buffer);
            }
        }
        if self.buffer.is_empty() { self.sent } else { self.buffer }
    }
}

/// A length as rank, below that of any host.
fn rank(length: usize) -> u32 {
    u32::try_from(length.min(TARGET_MAX)).unwrap_or(0)
}

/// Request-target prefixes, whatever the host.
#[derive(Debug, Default)]
pub(super) struct Paths {
    automaton: Option<NFA>,
    ids: Vec<IndicatorId>,
}

impl Paths {
    /// Of prefixes that begin with `/`. An empty one would meet everything and is left out.
    pub(super) fn new(mut entries: Vec<(&str, IndicatorId)>) -> Self {
        entries.retain(|(path, _)| !path.is_empty());
        if entries.is_empty() {
            return Self::default();
        }
        let spelled: Vec<Cow<'_, [u8]>> =
            entries.iter().map(|(path, _)| target::normalize(path.as_bytes())).collect();
        let automaton = NFA::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(&spelled)
            .ok();
        Self { automaton, ids: entries.into_iter().map(|(_, id)| id).collect() }
    }

    /// Calls `push` with the length and the indicator of each prefix of the target.
    pub(super) fn find(&self, target: &mut Target<'_>, mut push: impl FnMut(u32, IndicatorId)) {
        let Some(automaton) = &self.automaton else { return };
        let Ok(mut state) = automaton.start_state(Anchored::Yes) else { return };
        for (byte, length) in target.spelled().iter().zip(1..=TARGET_MAX) {
            state = automaton.next_state(Anchored::Yes, state, *byte);
            if automaton.is_dead(state) {
                return;
            }
            if !automaton.is_match(state) {
                continue;
            }
            for at in 0..automaton.match_len(state) {
                let pattern = automaton.match_pattern(state, at);
                // A shorter one began later: it is no prefix.
                if automaton.pattern_len(pattern) == length
                    && let Some(id) = self.ids.get(pattern.as_usize())
                {
                    push(rank(length), *id);
                }
            }
        }
    }
}
