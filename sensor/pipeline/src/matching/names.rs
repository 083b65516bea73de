//! Names to indicators, by label: `a.b.evil.example` meets `evil.example`, `notevil.example` and
//! `evil.example.org` do not.
//!
//! Two structures behind one [`NameIndex`], which give the same answers. Up to
//! [`AUTOMATON_MAX`] names an Aho-Corasick automaton over reversed names that end in a dot: the
//! label boundary is part of the pattern, and a benign name is over after a few bytes. Above
//! that its memory and build time explode, so the names lie in one arena with a table of their
//! hashes, and an observed name is hashed once from right to left, with a probe at each label.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use hashbrown::HashTable;
use ioc_feeds::Scope;

/// Names above which the automaton gives way to the table.
pub const AUTOMATON_MAX: usize = 65_536;

/// A name observed is cut to its last so many bytes: 255 octets, each escaped.
const OBSERVED_MAX: usize = 255 * 4;

/// A set of names, each with numbers that are the caller's.
#[derive(Debug, Default)]
pub struct NameIndex {
    tails: TailFilter,
    filter: AncestorFilter,
    structure: Structure,
    /// Where each name's members begin; one more than there are names.
    starts: Vec<u32>,
    members: Vec<(u32, Scope)>,
}

#[derive(Debug, Default)]
enum Structure {
    #[default]
    Empty,
    Automaton(Box<NFA>),
    Table(SuffixTable),
}

impl NameIndex {
    /// Of these names in comparable spelling; a name may stand there more than once.
    pub fn new(entries: Vec<(&str, Scope, u32)>) -> Self {
        Self::with_limit(entries, AUTOMATON_MAX)
    }

    /// As [`NameIndex::new`], with the automaton for at most `limit` names.
    fn with_limit(mut entries: Vec<(&str, Scope, u32)>, limit: usize) -> Self {
        entries.sort_by_key(|(name, _, id)| (*name, *id));
        let mut names: Vec<&str> = Vec::new();
        let (mut starts, mut members) = (Vec::new(), Vec::with_capacity(entries.len()));
        for (name, scope, id) in entries {
            if names.last() != Some(&name) {
                names.push(name);
                starts.push(number(members.len()));
            }
            members.push((id, scope));
        }
        starts.push(number(members.len()));
        let automaton = (names.len() <= limit).then(|| automaton(&names)).flatten();
        let structure = match automaton {
            _ if names.is_empty() => Structure::Empty,
            Some(automaton) => Structure::Automaton(Box::new(automaton)),
            None => Structure::Table(SuffixTable::new(&names)),
        };
        let (tails, filter) = (TailFilter::new(&names), AncestorFilter::new(&names));
        Self { tails, filter, structure, starts, members }
    }

    /// May an entry cover this name? Over for nearly every benign one after its last bytes.
    #[inline]
    pub fn may_cover(&self, name: &str) -> bool {
        self.tails.may_cover(name.as_bytes()) && self.filter.may_cover(name.as_bytes())
    }

    /// May an entry cover a name of at least eight bytes that ends in these? The first is lowest.
    #[inline]
    pub fn may_cover_tail(&self, tail: u64) -> bool {
        self.tails.short || self.tails.has(tail)
    }

    /// Calls `found` with the number of every entry that covers `name` and the length in bytes of
    /// the entry's name: the longer, the more specific. The order is not defined.
    pub fn find(&self, name: &str, mut found: impl FnMut(u32, u32)) {
        if !self.may_cover(name) {
            return;
        }
        let bytes = name.as_bytes();
        let kept = last_labels(bytes);
        let mut covers = |group: usize, length: usize| {
            let whole = length == bytes.len();
            for (id, scope) in self.members_of(group) {
                if whole || *scope == Scope::Subtree {
                    found(*id, number(length));
                }
            }
        };
        match &self.structure {
            Structure::Empty => {}
            Structure::Automaton(automaton) => walk(automaton, kept, &mut covers),
            Structure::Table(table) => table.find(kept, &mut covers),
        }
    }

    /// Different names in it.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Is no name in it?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn members_of(&self, group: usize) -> &[(u32, Scope)] {
        let (Some(start), Some(end)) = (self.starts.get(group), self.starts.get(group + 1)) else {
            return &[];
        };
        self.members.get(*start as usize..*end as usize).unwrap_or(&[])
    }
}

/// Says of nearly every benign name, by its last eight bytes as one word, that no name listed ends
/// it: one bit for the tail of each. Does not look at labels at all.
///
/// A look-up of a benign name among a thousand costs 20 instructions instead of 110.
#[derive(Debug, Default)]
struct TailFilter {
    /// One bit a hashed tail; a power of two of words, or none when nothing is listed.
    words: Vec<u64>,
    /// Is a name listed that is shorter than eight bytes? Then any may be met.
    short: bool,
}

impl TailFilter {
    fn new(names: &[&str]) -> Self {
        if names.is_empty() {
            return Self::default();
        }
        let words = (names.len() * FILTER_BITS / 64).next_power_of_two().max(64);
        let mut filter = Self { words: vec![0; words], short: false };
        for name in names {
            let Some(tail) = tail(name.as_bytes()) else {
                filter.short = true;
                continue;
            };
            let (word, bit) = filter.place(tail);
            if let Some(word) = filter.words.get_mut(word) {
                *word |= bit;
            }
        }
        filter
    }

    #[inline]
    fn may_cover(&self, name: &[u8]) -> bool {
        // A name of less than eight bytes can only be met by a short one.
        self.short || tail(name).is_some_and(|tail| self.has(tail))
    }

    #[inline]
    fn has(&self, tail: u64) -> bool {
        let (word, bit) = self.place(tail);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Word and bit of a name's tail.
    #[inline]
    const fn place(&self, tail: u64) -> (usize, u64) {
        let hash = tail.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // The upper bits of a product depend on all bits of the tail.
        let word = (hash >> 38) as usize & self.words.len().wrapping_sub(1);
        (word, 1 << (hash >> 32 & 63))
    }
}

/// The last eight bytes of a name; none of one that is too short.
#[inline]
fn tail(name: &[u8]) -> Option<u64> {
    name.last_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// Bits of the filter for each name listed: 2 % of the other names pass.
const FILTER_BITS: usize = 32;

/// Says of nearly every benign name that nothing covers it, after its last two labels: one bit
/// for the hash of each name listed and of each of its ancestors. A walk from the right ends at
/// the first label under which nothing is listed.
///
/// With a million names this took 15 % off a flood of questions, with a thousand 4 %.
#[derive(Debug, Default)]
struct AncestorFilter {
    /// One bit a hash; a power of two of words, or none when nothing is listed.
    words: Vec<u64>,
}

impl AncestorFilter {
    fn new(names: &[&str]) -> Self {
        if names.is_empty() {
            return Self::default();
        }
        let words = (names.len() * FILTER_BITS / 64).next_power_of_two().max(64);
        let mut filter = Self { words: vec![0; words] };
        for name in names {
            for_each_suffix(name.as_bytes(), |hash, whole| {
                filter.set(hash);
                if whole {
                    filter.set(listed(hash));
                }
                true
            });
        }
        filter
    }

    /// False: no name listed is this one or an ancestor of it.
    #[inline]
    fn may_cover(&self, name: &[u8]) -> bool {
        let mut may = false;
        for_each_suffix(name, |hash, _| {
            let known = self.has(hash);
            may = known && self.has(listed(hash));
            known && !may
        });
        may
    }

    fn place(&self, hash: u64) -> (usize, u64) {
        let word = (hash >> 6) as usize & self.words.len().wrapping_sub(1);
        (word, 1 << (hash & 63))
    }

    fn set(&mut self, hash: u64) {
        let (word, bit) = self.place(hash);
        if let Some(word) = self.words.get_mut(word) {
            *word |= bit;
        }
    }

    fn has(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// The bit that says that a name itself is listed, not only one below it.
const fn listed(hash: u64) -> u64 {
    hash.rotate_left(29) ^ 0x9e37_79b9_7f4a_7c15
}

/// Shows the hash of the last label, of the last two ... and whether that is the whole name, for
/// as long as `go_on` says so.
#[inline]
fn for_each_suffix(name: &[u8], mut go_on: impl FnMut(u64, bool) -> bool) {
    let mut hash = RightToLeft::default();
    let mut left = name;
    while let [before @ .., byte] = left {
        hash.push(*byte);
        left = before;
        if matches!(before, [] | [.., b'.']) && !go_on(hash.finish(), before.is_empty()) {
            return;
        }
    }
}

/// The whole name, or of one of absurd length the last labels.
fn last_labels(name: &[u8]) -> &[u8] {
    match name.len().checked_sub(OBSERVED_MAX) {
        None | Some(0) => name,
        Some(over) => {
            let cut = name.get(over..).unwrap_or(&[]);
            cut.iter()
                .position(|byte| *byte == b'.')
                .map_or(&[], |dot| cut.get(dot + 1..).unwrap_or(&[]))
        }
    }
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The automaton of `example.evil.`-like patterns; `None` if it refuses to be built.
fn automaton(names: &[&str]) -> Option<NFA> {
    let reversed = names.iter().map(|name| {
        let mut bytes: Vec<u8> = name.bytes().rev().collect();
        bytes.push(b'.');
        bytes
    });
    NFA::builder().match_kind(MatchKind::Standard).build(reversed).ok()
}

/// Feeds the name from its end and a closing dot to the automaton. It is anchored: only a pattern
/// as long as what was fed began at the name's end.
fn walk(automaton: &NFA, name: &[u8], covers: &mut impl FnMut(usize, usize)) {
    let Ok(mut state) = automaton.start_state(Anchored::Yes) else { return };
    for (fed, byte) in name.iter().rev().chain(b".").enumerate() {
        state = automaton.next_state(Anchored::Yes, state, *byte);
        if !automaton.is_special(state) {
            continue;
        }
        if automaton.is_dead(state) {
            return;
        }
        // Only behind a dot can a pattern end, so `fed` is the length of a name.
        if automaton.is_match(state) {
            ends(automaton, state, fed + 1).for_each(|group| covers(group, fed));
        }
    }
}

/// Patterns of this length that end in this state.
fn ends(automaton: &NFA, state: StateID, length: usize) -> impl Iterator<Item = usize> + '_ {
    (0..automaton.match_len(state))
        .map(move |at| automaton.match_pattern(state, at))
        .filter(move |pattern| automaton.pattern_len(*pattern) == length)
        .map(|pattern| pattern.as_usize())
}

/// All names in one arena, found by a hash taken from right to left.
#[derive(Debug)]
struct SuffixTable {
    arena: Vec<u8>,
    entries: HashTable<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    offset: usize,
    length: u32,
    group: u32,
}

impl SuffixTable {
    fn new(names: &[&str]) -> Self {
        let mut arena = Vec::with_capacity(names.iter().map(|name| name.len()).sum());
        let mut entries = HashTable::with_capacity(names.len());
        for (group, name) in names.iter().enumerate() {
            let entry =
                Entry { offset: arena.len(), length: number(name.len()), group: number(group) };
            arena.extend_from_slice(name.as_bytes());
            let rehash = |entry: &Entry| hash_of(text(&arena, entry));
            entries.insert_unique(hash_of(name.as_bytes()), entry, rehash);
        }
        Self { arena, entries }
    }

    fn find(&self, name: &[u8], covers: &mut impl FnMut(usize, usize)) {
        let mut hash = RightToLeft::default();
        let (mut suffix, mut left) = (0, name);
        while let [before @ .., byte] = left {
            hash.push(*byte);
            suffix += 1;
            left = before;
            if matches!(before, [] | [.., b'.']) {
                let label_on = name.get(name.len() - suffix..).unwrap_or(&[]);
                let same = |entry: &Entry| text(&self.arena, entry) == label_on;
                if let Some(entry) = self.entries.find(hash.finish(), same) {
                    covers(entry.group as usize, suffix);
                }
            }
        }
    }
}

fn text<'a>(arena: &'a [u8], entry: &Entry) -> &'a [u8] {
    arena.get(entry.offset..entry.offset + entry.length as usize).unwrap_or(&[])
}

fn hash_of(name: &[u8]) -> u64 {
    let mut hash = RightToLeft::default();
    name.iter().rev().for_each(|byte| hash.push(*byte));
    hash.finish()
}

/// A hash that can be asked at every label on the way (FNV-1a, then mixed: the table uses the top
/// bits, which FNV fills last).
struct RightToLeft(u64);

impl Default for RightToLeft {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl RightToLeft {
    fn push(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }

    fn finish(&self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn both(entries: &[(&str, Scope)]) -> [NameIndex; 2] {
        [usize::MAX, 0].map(|limit| {
            let numbered = entries.iter().zip(0..).map(|((name, scope), id)| (*name, *scope, id));
            NameIndex::with_limit(numbered.collect(), limit)
        })
    }

    fn found(index: &NameIndex, name: &str) -> BTreeSet<(u32, u32)> {
        let mut out = BTreeSet::new();
        index.find(name, |id, length| assert!(out.insert((id, length)), "{id} twice"));
        out
    }

    #[test]
    fn a_subtree_is_met_at_and_below_its_name_and_nowhere_else() {
        for index in both(&[("evil.example", Scope::Subtree)]) {
            for name in ["evil.example", "a.evil.example", "a.b.evil.example", "xn--a.evil.example"]
            {
                assert_eq!(found(&index, name), [(0, 12)].into(), "{name}");
            }
            for name in [
                "notevil.example",
                "xevil.example",
                "evil.example.org",
                "example",
                "vil.example",
                "",
                "evil.example.",
                "a\\046evil.example",
                "evil.exampl",
                "evil-example",
                "evil.examplee",
            ] {
                assert_eq!(found(&index, name), [].into(), "{name}");
            }
        }
    }

    #[test]
    fn an_exact_name_is_not_met_below_it() {
        for index in both(&[("evil.example", Scope::Exact)]) {
            assert_eq!(found(&index, "evil.example"), [(0, 12)].into());
            assert_eq!(found(&index, "a.evil.example"), [].into());
        }
    }

    #[test]
    fn every_ancestor_and_every_duplicate_is_found() {
        let entries = [
            ("evil.example", Scope::Subtree),
            ("b.evil.example", Scope::Subtree),
            ("example", Scope::Subtree),
            ("evil.example", Scope::Exact),
            ("evil.example", Scope::Subtree),
        ];
        for index in both(&entries) {
            assert_eq!(index.len(), 3);
            let expected = [(0, 12), (1, 14), (2, 7), (4, 12)].into();
            assert_eq!(found(&index, "a.b.evil.example"), expected);
            assert_eq!(found(&index, "evil.example"), [(0, 12), (2, 7), (3, 12), (4, 12)].into());
        }
    }

    #[test]
    fn the_end_of_another_name_inside_a_name_is_not_met() {
        for index in both(&[("com.evil", Scope::Subtree), ("evil.net", Scope::Subtree)]) {
            assert_eq!(found(&index, "x.com.evil.net"), [(1, 8)].into());
        }
    }

    #[test]
    fn a_name_of_absurd_length_is_compared_by_its_end() {
        let long = format!("{}.evil.example", "a.".repeat(5000));
        for index in both(&[("evil.example", Scope::Subtree), ("a", Scope::Exact)]) {
            assert_eq!(found(&index, &long), [(0, 12)].into());
            let cut_inside_a_label = format!("{}evil.example", "x".repeat(5000));
            assert_eq!(found(&index, &cut_inside_a_label), [].into());
            let padded = format!("{}xxa.{}", "x".repeat(5000), "y".repeat(OBSERVED_MAX - 2));
            assert_eq!(found(&index, &padded), [].into());
        }
    }

    #[test]
    fn an_empty_set_meets_nothing() {
        assert!(NameIndex::default().is_empty());
        for index in both(&[]) {
            assert!(index.is_empty());
            assert_eq!(found(&index, "evil.example"), [].into());
        }
    }

    /// Few letters, so that names meet; long labels, so that no name is short.
    fn names(label: &'static str) -> impl Strategy<Value = (Vec<(String, bool)>, Vec<String>)> {
        let name = move || {
            prop::collection::vec(label, 1..5).prop_map(|labels: Vec<String>| labels.join("."))
        };
        let listed = prop::collection::vec((name(), any::<bool>()), 0..40);
        (listed, prop::collection::vec(name(), 1..20))
    }

    proptest! {
        #[test]
        fn automaton_and_table_answer_as_the_definition_does(
            (entries, observed) in prop_oneof![names("[ab]{1,2}"), names("[ab]{4,8}|ccccccccc")],
        ) {
            let scope = |exact: bool| if exact { Scope::Exact } else { Scope::Subtree };
            let listed: Vec<(&str, Scope)> =
                entries.iter().map(|(name, exact)| (name.as_str(), scope(*exact))).collect();
            let indexes = both(&listed);
            for name in &observed {
                let below = format!(".{name}");
                let expected: BTreeSet<(u32, u32)> = listed
                    .iter()
                    .zip(0..)
                    .filter(|((entry, scope), _)| match scope {
                        Scope::Exact => entry == name,
                        Scope::Subtree => below.ends_with(&format!(".{entry}")),
                    })
                    .map(|((entry, _), id)| (id, entry.len() as u32))
                    .collect();
                for index in &indexes {
                    prop_assert_eq!(&found(index, name), &expected);
                }
            }
        }
    }
}
