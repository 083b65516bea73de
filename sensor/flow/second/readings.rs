//! A window of a stream in all the readings that its contradicting segments allow.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash};

use super::Bytes;

/// Bytes of a stream that are read in more than one way.
const WINDOW: usize = 16 * 1024;
/// Readings kept. The first two are where the first byte always wins and where the last does.
const VERSIONS: usize = 16;
/// Bytes that may be shown to parsers because of one stream.
const WORK: usize = 1 << 20;
/// Things told of one stream that are remembered, so that they are told once.
const TOLD: usize = 512;

/// Bytes of a reading without a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    /// Offset from the beginning of the readings.
    pub offset: usize,
    /// The bytes.
    pub bytes: &'a [u8],
    /// Nothing that is known follows.
    pub last: bool,
}

/// One reading: its runs in order.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    runs: &'a [(usize, usize)],
    bytes: &'a [u8],
}

impl<'a> Reading<'a> {
    /// The part before an offset.
    #[must_use]
    pub fn up_to(self, offset: usize) -> Self {
        let runs = self.runs.partition_point(|(start, _)| *start < offset);
        let bytes = self.bytes.get(..offset).unwrap_or(self.bytes);
        Self { runs: self.runs.get(..runs).unwrap_or(self.runs), bytes }
    }

    /// Has it no hole?
    pub const fn is_whole(self) -> bool {
        self.runs.len() <= 1
    }

    /// The runs in order of the sequence space.
    pub fn runs(self) -> impl Iterator<Item = Run<'a>> {
        let count = self.runs.len();
        self.runs.iter().enumerate().filter_map(move |(nth, (start, end))| {
            let bytes = self.bytes.get(*start..(*end).min(self.bytes.len()))?;
            Some(Run { offset: *start, bytes, last: nth + 1 == count })
        })
    }
}

/// What a segment did to the readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Fit {
    /// There is something new to read.
    Changed,
    /// All of it was there.
    Unchanged,
    /// It lies outside the window.
    Outside,
}

/// All readings of a window of one stream.
#[derive(Debug)]
pub struct Readings {
    base: u32,
    boundary: bool,
    /// Offsets that are filled, in order, not touching.
    runs: Vec<(usize, usize)>,
    /// The bytes of each reading; all have the same holes.
    versions: Vec<Vec<u8>>,
    work: usize,
    told: HashSet<u64, foldhash::fast::RandomState>,
    hasher: foldhash::quality::RandomState,
}

impl Readings {
    /// Readings that begin at a sequence number; `boundary`: a message may begin there.
    pub(super) fn new(base: u32, boundary: bool) -> Self {
        Self {
            base,
            boundary,
            runs: Vec::new(),
            versions: vec![Vec::new()],
            work: WORK,
            told: HashSet::default(),
            hasher: foldhash::quality::RandomState::default(),
        }
    }

    /// Goes on with the account of what was done and told about the same stream.
    pub fn inherit(&mut self, earlier: &Self) {
        self.work = earlier.work;
        self.told.clone_from(&earlier.told);
        self.hasher.clone_from(&earlier.hasher);
    }

    /// May a message begin with the first byte?
    pub const fn begins_message(&self) -> bool {
        self.boundary
    }

    /// Adds a segment to every reading, and where it contradicts one, adds another reading.
    pub fn put(&mut self, segment: &Bytes<'_>) -> Fit {
        self.make_room_before(segment);
        let ahead = i64::from(segment.sequence.wrapping_sub(self.base).cast_signed());
        let skipped = usize::try_from(-ahead).unwrap_or(0);
        let start = usize::try_from(ahead).unwrap_or(0);
        let room = WINDOW.saturating_sub(start);
        let bytes = segment.bytes.get(skipped..).unwrap_or(&[]);
        let bytes = bytes.get(..room).unwrap_or(bytes);
        if bytes.is_empty() {
            return Fit::Outside;
        }
        let end = start + bytes.len();
        let before = self.versions.clone();
        let mut others = Vec::new();
        for version in &mut self.versions {
            version.resize(version.len().max(end), 0);
            let mut overwritten = version.clone();
            write(&mut overwritten, start, bytes);
            fill(version, &self.runs, start, bytes);
            others.push(overwritten);
        }
        let grown = self.cover(start, end);
        self.add(others);
        if grown || before != self.versions { Fit::Changed } else { Fit::Unchanged }
    }

    /// Begins earlier if a segment that came late lies before all that is known, and near.
    fn make_room_before(&mut self, segment: &Bytes<'_>) {
        let behind = self.base.wrapping_sub(segment.sequence).cast_signed();
        let Some(room) = usize::try_from(behind).ok().filter(|room| *room > 0) else { return };
        let length = self.versions.first().map_or(0, Vec::len);
        if room.saturating_add(length) > WINDOW {
            return;
        }
        for version in &mut self.versions {
            version.splice(..0, std::iter::repeat_n(0, room));
        }
        for (start, end) in &mut self.runs {
            (*start, *end) = (*start + room, *end + room);
        }
        (self.base, self.boundary) = (segment.sequence, segment.boundary);
    }

    /// Adds readings unless they are there. Those are kept in which the first byte wins, or the
    /// last; then those that took the latest bytes since some contradiction, which is what a
    /// receiver reads that was sent one decoy.
    fn add(&mut self, others: Vec<Vec<u8>>) {
        let mut old = self.versions.drain(..);
        let first_wins = old.next();
        let mut others = others.into_iter();
        let from_first = others.next();
        let last_wins = others.next().or_else(|| from_first.clone());
        // The newest bytes over what came first: a decoy that filled a hole is put right here.
        let all = first_wins.into_iter().chain(last_wins).chain(from_first).chain(others);
        let mut kept: Vec<Vec<u8>> = Vec::new();
        for version in all.chain(old) {
            if kept.len() < VERSIONS && !kept.contains(&version) {
                kept.push(version);
            }
        }
        self.versions = kept;
    }

    /// Marks a range as filled; true if some of it was not.
    fn cover(&mut self, start: usize, end: usize) -> bool {
        if self.runs.iter().any(|run| run.0 <= start && end <= run.1) {
            return false;
        }
        self.runs.push((start, end));
        self.runs.sort_unstable();
        self.runs.dedup_by(|next, run| {
            let touches = next.0 <= run.1;
            if touches {
                run.1 = run.1.max(next.1);
            }
            touches
        });
        true
    }

    /// How many readings there are: one if nothing contradicts.
    pub fn count(&self) -> usize {
        self.versions.len()
    }

    /// The offset of a sequence number; 0 for one before the beginning.
    pub fn offset_of(&self, sequence: u32) -> usize {
        usize::try_from(sequence.wrapping_sub(self.base).cast_signed()).unwrap_or(0)
    }

    /// The account of what was told.
    pub const fn told(&mut self) -> Told<'_> {
        Told { digests: &mut self.told, hasher: &self.hasher }
    }

    /// Lends a reading by its number and the account of what was told. In the first, the byte
    /// that came first always wins. `None` if there is no such reading, or if enough was read
    /// because of this stream.
    pub fn lend(&mut self, number: usize) -> Option<(Reading<'_>, Told<'_>)> {
        let bytes = self.versions.get(number)?;
        self.work = self.work.checked_sub(bytes.len())?;
        let told = Told { digests: &mut self.told, hasher: &self.hasher };
        Some((Reading { runs: &self.runs, bytes }, told))
    }
}

/// What was told about a stream, by digest; the digests cannot be foreseen.
pub struct Told<'a> {
    digests: &'a mut HashSet<u64, foldhash::fast::RandomState>,
    hasher: &'a foldhash::quality::RandomState,
}

impl Told<'_> {
    /// Notes a thing; true the first time. Beyond a limit what is new is told each time.
    pub fn first_time(&mut self, thing: &impl Hash) -> bool {
        let digest = self.hasher.hash_one(thing);
        if self.digests.len() >= TOLD {
            return !self.digests.contains(&digest);
        }
        self.digests.insert(digest)
    }
}

fn write(version: &mut [u8], start: usize, bytes: &[u8]) {
    if let Some(target) = version.get_mut(start..start + bytes.len()) {
        target.copy_from_slice(bytes);
    }
}

/// Writes only where nothing stands yet.
fn fill(version: &mut [u8], runs: &[(usize, usize)], start: usize, bytes: &[u8]) {
    let end = start + bytes.len();
    let mut from = start;
    for (run_start, run_end) in runs.iter().copied().chain([(end, end)]) {
        let to = run_start.clamp(from, end);
        if from < to
            && let Some(part) = bytes.get(from - start..to - start)
        {
            write(version, from, part);
        }
        from = from.max(run_end.min(end));
    }
}
