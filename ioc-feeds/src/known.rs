//! What is known of honest names and networks: the tables that indicators are compared with before
//! they are loaded. Replaceable data, with its sources at the head of each file.
//!
//! Owns the tables and how they are asked; what follows from an answer is [`crate::lint`]'s to say.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{LazyLock, OnceLock};

use foldhash::quality::RandomState;

use crate::format::value::masked;
use crate::name::Name;

const SERVICES: &str = include_str!("../data/known/services.txt");
const VIETNAM: &str = include_str!("../data/known/vietnam.txt");
const POPULAR: &str = include_str!("../data/known/popular.txt");
const NETWORKS: &str = include_str!("../data/known/networks.txt");

/// What a name is known as. A name that stands in several sections is the first of these, and of two
/// sorts of sites the one whose table is read first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Known {
    /// Strangers behind each name and port, for as long as they pay.
    Tunnel,
    /// Dynamic DNS: below it each name is a customer's.
    Dynamic,
    /// Gives each customer a name of its own.
    Hosting,
    /// Every host is its own: never an indicator.
    Platform,
    /// Of the state, the Party or a public institute.
    State,
    /// Nearly everybody visits it: of what sort.
    Busy(&'static str),
    /// Stands in a list of the office.
    Listed,
}

impl Known {
    const fn rank(self) -> u8 {
        match self {
            Self::Tunnel => 0,
            Self::Dynamic => 1,
            Self::Hosting => 2,
            Self::Platform => 3,
            Self::State => 4,
            Self::Busy(_) => 5,
            Self::Listed => 6,
        }
    }
}

/// Names by spelling, and the names above platforms and suffixes, which cover them as a tree.
static NAMES: LazyLock<HashMap<&'static str, Entry, RandomState>> = LazyLock::new(names);

/// What stands at a name.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    known: Option<Known>,
    /// A platform or suffix stands below it.
    covers: Option<&'static str>,
}

fn names() -> HashMap<&'static str, Entry, RandomState> {
    let mut names: HashMap<&'static str, Entry, RandomState> =
        HashMap::with_capacity_and_hasher(32_768, RandomState::default());
    for (section, name) in [SERVICES, VIETNAM, POPULAR].into_iter().flat_map(sections) {
        let known = match section {
            "tunnel" => Known::Tunnel,
            "dynamic" => Known::Dynamic,
            "hosting" => Known::Hosting,
            "platform" => Known::Platform,
            "state" => Known::State,
            sort => Known::Busy(sort),
        };
        let entry = names.entry(name).or_default();
        let weighs_more = |first: &Known| known.rank() < first.rank();
        if entry.known.as_ref().is_none_or(weighs_more) {
            entry.known = Some(known);
        }
        if known.rank() <= Known::Platform.rank() {
            for above in endings(name).skip(1) {
                names.entry(above).or_default().covers.get_or_insert(name);
            }
        }
    }
    names
}

/// The lines of a table, each with the section it stands in; no comments, no blank lines.
fn sections(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut section = "";
    text.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
            return None;
        }
        (!line.is_empty() && !line.starts_with('#')).then_some((section, line))
    })
}

/// The name and the names above it, as long as they have more than one label.
pub(crate) fn endings(name: &str) -> impl Iterator<Item = &str> {
    let bytes = name.as_bytes();
    let last_dot = bytes.iter().rposition(|byte| *byte == b'.').unwrap_or(0);
    let begins = |at: &usize| at.checked_sub(1).is_none_or(|dot| bytes.get(dot) == Some(&b'.'));
    (0..last_dot).filter(begins).filter_map(|at| name.get(at..))
}

/// What a name and those above it are known as, the nearest first, with where that stands.
pub fn of_name(name: &str) -> impl Iterator<Item = (Known, &str)> {
    let more = MORE.get();
    endings(name).filter_map(move |ending| {
        let built_in = NAMES.get(ending).and_then(|entry| entry.known);
        let listed = || more?.names.contains(ending).then_some(Known::Listed);
        Some((built_in.or_else(listed)?, ending))
    })
}

/// Does any table say something of a name, or of those above it? Of nearly every indicator none does.
pub fn is_near(name: &str) -> bool {
    let more = MORE.get();
    let listed = |ending: &str| more.is_some_and(|lists| lists.names.contains(ending));
    endings(name).any(|ending| NAMES.contains_key(ending) || listed(ending))
}

/// A name of the tables as it stands there.
pub(crate) fn spelled(name: &str) -> Option<&'static str> {
    NAMES.get_key_value(name).map(|(known, _)| *known)
}

/// A platform or suffix that everything below this name would cover.
pub fn below(name: &str) -> Option<&'static str> {
    NAMES.get(name)?.covers
}

/// Who has a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Thousands of sites answer at each address.
    Edge(&'static str),
    /// Rented by the hour.
    Cloud(&'static str),
    /// Stands in a list of the office.
    Listed,
}

/// Networks as bits of IPv6 addresses, first and last; in order, and none within another.
type Ranges = Vec<(u128, u128, Owner)>;

/// Edges, and clouds: the two overlap.
static EDGES: LazyLock<Ranges> = LazyLock::new(|| ranges("edge", Owner::Edge));
static CLOUDS: LazyLock<Ranges> = LazyLock::new(|| ranges("cloud", Owner::Cloud));

fn ranges(wanted: &str, owner: fn(&'static str) -> Owner) -> Ranges {
    let read = |(section, text): (&'static str, &'static str)| {
        let (kind, who) = section.split_once(' ')?;
        let (address, prefix) = text.split_once('/').filter(|_| kind == wanted)?;
        let (first, last) = span(address.parse().ok()?, prefix.parse().ok()?);
        Some((first, last, owner(who)))
    };
    let mut all: Ranges = sections(NETWORKS).filter_map(read).collect();
    all.sort_unstable_by_key(|(first, last, _)| (*first, *last));
    let mut apart: Ranges = Vec::with_capacity(all.len());
    for (first, last, owner) in all {
        match apart.last_mut() {
            Some((_, end, _)) if first <= *end => *end = (*end).max(last),
            _ => apart.push((first, last, owner)),
        }
    }
    apart
}

/// Whose some of a range is.
fn among(ranges: &Ranges, (first, last): (u128, u128)) -> Option<Owner> {
    let from = ranges.partition_point(|(begin, _, _)| *begin <= last);
    let (_, end, owner) = ranges.get(from.checked_sub(1)?)?;
    (*end >= first).then_some(*owner)
}

/// First and last address of a network; of IPv4 as the mapped ones.
fn span(address: IpAddr, prefix: u8) -> (u128, u128) {
    let (bits, width) = match address {
        IpAddr::V4(v4) => (u128::from(v4.to_ipv6_mapped()), 32),
        IpAddr::V6(v6) => (u128::from(v6), 128_u32),
    };
    let free = width.saturating_sub(u32::from(prefix));
    let mask = 1_u128.checked_shl(free).map_or(u128::MAX, |size| size - 1);
    (bits & !mask, bits | mask)
}

/// Who has an address, or some of a network. Edges come before clouds.
pub fn owner(address: IpAddr, prefix: u8) -> Option<Owner> {
    let span = span(masked(address, prefix), prefix);
    let listed = || MORE.get()?.holds(span).then_some(Owner::Listed);
    among(&EDGES, span).or_else(|| among(&CLOUDS, span)).or_else(listed)
}

/// Names and networks that an office adds to the tables, from warning lists of its own.
#[derive(Debug, Default)]
pub struct Lists {
    names: HashSet<Box<str>, RandomState>,
    ranges: Vec<(u128, u128)>,
}

static MORE: OnceLock<Lists> = OnceLock::new();

impl Lists {
    /// Adds a host name, with everything below it; false if the text is none, or a single label.
    pub fn add_name(&mut self, text: &str) -> bool {
        let bare = text.trim().trim_start_matches("*.").trim_start_matches('.');
        let name = Name::parse(bare).ok().filter(|name| name.as_str().contains('.'));
        name.is_some_and(|name| {
            self.names.insert(name.as_str().into());
            true
        })
    }

    /// Adds an address or a network; false if the text is neither.
    pub fn add_network(&mut self, text: &str) -> bool {
        let text = text.trim();
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let Ok(address) = address.parse::<IpAddr>() else { return false };
        let full = if address.is_ipv4() { 32 } else { 128 };
        let prefix = if prefix.is_empty() { Ok(full) } else { prefix.parse() };
        let Ok(prefix) = prefix else { return false };
        let fits = prefix <= full;
        if fits {
            self.ranges.push(span(address, prefix));
        }
        fits
    }

    /// How many names and networks there are.
    pub fn len(&self) -> usize {
        self.names.len() + self.ranges.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Compares what is loaded from now on with these too. Once in the life of a process.
    pub fn publish(mut self) {
        self.ranges.sort_unstable();
        let mut joined: Vec<(u128, u128)> = Vec::with_capacity(self.ranges.len());
        for (first, last) in self.ranges.drain(..) {
            match joined.last_mut() {
                Some((_, end)) if first <= *end => *end = (*end).max(last),
                _ => joined.push((first, last)),
            }
        }
        self.ranges = joined;
        let _ = MORE.set(self);
    }

    /// Is some of a range among the networks?
    fn holds(&self, (first, last): (u128, u128)) -> bool {
        let from = self.ranges.partition_point(|(begin, _)| *begin <= last);
        let before = from.checked_sub(1).and_then(|at| self.ranges.get(at));
        before.is_some_and(|(_, end)| *end >= first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_is_a_name_or_a_network_in_a_section() {
        for (section, name) in [SERVICES, VIETNAM, POPULAR].into_iter().flat_map(sections) {
            assert!(!section.is_empty(), "{name}");
            let parsed = Name::parse(name).unwrap();
            assert_eq!(parsed.as_str(), name, "in comparable spelling");
            assert!(name.contains('.'), "{name}");
        }
        for (section, text) in sections(NETWORKS) {
            let (address, prefix) = text.split_once('/').unwrap();
            let (address, prefix) = (address.parse::<IpAddr>().unwrap(), prefix.parse().unwrap());
            assert_eq!(masked(address, prefix), address, "{text}");
            assert!(section.starts_with("edge ") || section.starts_with("cloud "), "{section}");
        }
        assert!(NAMES.len() > 20_000 && EDGES.len() + CLOUDS.len() > 4_000);
    }

    #[test]
    fn names_are_known_with_everything_below() {
        let first = |name: &str| of_name(name).next().map(|(known, _)| known);
        assert_eq!(first("www.vnexpress.net"), Some(Known::Busy("press")));
        assert_eq!(first("ais.gov.vn"), Some(Known::State));
        assert_eq!(first("x.gl.at.ply.gg"), Some(Known::Tunnel));
        assert!(of_name("drive.google.com").any(|(known, _)| known == Known::Platform));
        assert_eq!(first("invented.evil-panda.example"), None);
        assert_eq!(first("notgov.vn"), None, "by label");
        assert_eq!(below("ply.gg"), Some("at.ply.gg"));
    }

    #[test]
    fn a_network_is_found_by_any_of_its_addresses_and_by_what_overlaps_it() {
        let of = |text: &str, prefix| owner(text.parse().unwrap(), prefix);
        assert_eq!(of("104.16.0.1", 32), Some(Owner::Edge("Cloudflare")));
        assert_eq!(of("162.159.135.233", 32), Some(Owner::Edge("Cloudflare")));
        assert!(matches!(of("104.0.0.0", 8), Some(Owner::Edge(_))), "some of it is enough");
        assert_eq!(of("2606:4700::1", 128), Some(Owner::Edge("Cloudflare")));
        assert!(matches!(of("3.208.46.244", 32), Some(Owner::Cloud(_))));
        assert_eq!(of("203.0.113.5", 32), None);
        for (_, text) in sections(NETWORKS) {
            let (address, prefix) = text.split_once('/').unwrap();
            let (address, prefix) = (address.parse::<IpAddr>().unwrap(), prefix.parse().unwrap());
            let full = if address.is_ipv4() { 32 } else { 128 };
            assert!(owner(address, prefix).is_some() && owner(address, full).is_some(), "{text}");
        }
    }
}
