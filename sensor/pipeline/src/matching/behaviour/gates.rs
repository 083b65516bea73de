//! What dismisses nearly every request before any alternative is asked.
//!
//! Each gate is a word a look-up gives: a bit for every alternative that the method, a length or
//! one byte leaves possible. What all gates leave open is searched for texts, each of them once
//! however many alternatives name it. A gate may let through what no alternative meets, never
//! the other way round: the alternatives themselves are asked behind it.

use super::predicates::http;
use super::when::{Needle, When};
use crate::observation::HttpRequest;

/// The gates in front of the alternatives about requests.
#[derive(Debug, Default)]
pub(super) struct Gates {
    methods: Vec<(String, u64)>,
    any_method: u64,
    /// By the length of the user agent.
    agents: Vec<u64>,
    /// By the length of the host.
    hosts: Vec<u64>,
    /// By the target's second and third byte: the first one is the same in all.
    starts: Vec<u64>,
    /// By the path's last two bytes, in lower case.
    ends: Vec<u64>,
    in_agent: Vec<Group>,
    in_head: Vec<Group>,
}

/// Texts one of which must be there, or these alternatives do not hold.
#[derive(Debug)]
struct Group {
    needles: Vec<Needle>,
    of: u64,
}

impl Gates {
    /// Gates for alternatives in this order, of which there are at most 64.
    pub(super) fn new(rows: &[When]) -> Self {
        let mut methods: Vec<(String, u64)> = Vec::new();
        for name in rows.iter().flat_map(|row| &row.methods) {
            if !methods.iter().any(|(known, _)| known == name) {
                methods.push((name.clone(), bits(rows, |row| row.methods.contains(name))));
            }
        }
        Self {
            methods,
            any_method: bits(rows, |row| row.methods.is_empty()),
            agents: keyed(rows, |row| row.agents.iter().map(|text| Some(length(text))).collect()),
            hosts: keyed(rows, |row| row.hosts.iter().map(|name| host_length(name)).collect()),
            starts: keyed(rows, |row| {
                row.path_starts.iter().map(|text| start(text.as_bytes())).collect()
            }),
            ends: keyed(rows, |row| {
                let texts = if row.paths.is_empty() { &row.path_ends } else { &row.paths };
                texts.iter().map(|text| end(text.as_bytes())).collect()
            }),
            in_agent: groups(rows, |row| &row.agent_contains),
            in_head: groups(rows, |row| &row.head_contains),
        }
    }

    /// The alternatives that a request leaves possible, which are nearly always none.
    pub(super) fn open(&self, request: &HttpRequest<'_>, path: &[u8]) -> u64 {
        let method =
            |(name, _): &&(String, u64)| request.method.eq_ignore_ascii_case(name.as_bytes());
        let named = self.methods.iter().find(method).map_or(0, |(_, word)| *word);
        let agent = request.user_agent.unwrap_or_default();
        let first = start(http::origin(request.target)).unwrap_or(0);
        let last = end(path).unwrap_or(0);
        let open = (self.any_method | named)
            & at(&self.agents, length(agent))
            & at(&self.hosts, length(request.host.unwrap_or_default()))
            & at(&self.starts, first)
            & at(&self.ends, last);
        let open = search(&self.in_agent, agent, open);
        search(&self.in_head, request.head, open)
    }
}

/// Closes the alternatives whose texts are missing.
fn search(groups: &[Group], bytes: &[u8], mut open: u64) -> u64 {
    for group in groups {
        if open & group.of != 0 && !group.needles.iter().any(|needle| needle.is_in(bytes)) {
            open &= !group.of;
        }
    }
    open
}

/// The texts of all alternatives, those first without which most alternatives do not hold: one
/// that contains another is not looked for if the other is missing.
fn groups(rows: &[When], texts: impl Fn(&When) -> &[Needle]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for needles in rows.iter().map(&texts).filter(|needles| !needles.is_empty()) {
        let within = |text: &Needle| needles.iter().any(|needle| needle.is_in(text.bytes()));
        let of = bits(rows, |row| !texts(row).is_empty() && texts(row).iter().all(within));
        if !groups.iter().any(|known| known.of == of) {
            groups.push(Group { needles: needles.to_vec(), of });
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.of.count_ones()));
    groups
}

/// By key, the alternatives that it leaves possible: those that name it, and those that name
/// nothing or something that has no key.
fn keyed(rows: &[When], keys: impl Fn(&When) -> Vec<Option<u8>>) -> Vec<u64> {
    let is_free = |row: &When| keys(row).is_empty() || keys(row).contains(&None);
    let mut words = vec![bits(rows, is_free); 256];
    for (number, row) in rows.iter().enumerate() {
        for key in keys(row).into_iter().flatten() {
            if let Some(word) = words.get_mut(usize::from(key)) {
                *word |= 1 << number;
            }
        }
    }
    words
}

fn bits(rows: &[When], holds: impl Fn(&When) -> bool) -> u64 {
    let bit = |(number, row)| if holds(row) { 1_u64 << number } else { 0 };
    rows.iter().enumerate().fold(0, |word, row| word | bit(row))
}

fn at(words: &[u64], key: u8) -> u64 {
    words.get(usize::from(key)).copied().unwrap_or(0)
}

/// The key of a beginning; a shorter one has none.
fn start(text: &[u8]) -> Option<u8> {
    let (second, third) = (text.get(1)?, text.get(2)?);
    Some(second.wrapping_mul(31).wrapping_add(*third))
}

/// The key of an end; a shorter one has none.
fn end(text: &[u8]) -> Option<u8> {
    let (last, rest) = text.split_last()?;
    let before = rest.last()?.to_ascii_lowercase();
    Some(before.wrapping_mul(31).wrapping_add(last.to_ascii_lowercase()))
}

/// Long ones share a key.
fn length(text: impl AsRef<[u8]>) -> u8 {
    u8::try_from(text.as_ref().len()).unwrap_or(u8::MAX)
}

/// A name and all below it may have any length.
fn host_length(name: &str) -> Option<u8> {
    (!name.starts_with('.')).then(|| length(name))
}
