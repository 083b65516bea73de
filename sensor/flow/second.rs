//! The other readings of a TCP stream whose segments contradict each other.
//!
//! Owns a bounded memory of recent segments ([`Recent`]) and the few streams in which bytes at
//! one place of the sequence space were sent twice and differ ([`Doubts`]). Which of them the
//! receiver took cannot be told from outside: a decoy may carry a wrong checksum or too small a
//! TTL, and systems resolve overlaps differently (RFC 9293 3.10.7.4 leaves it open). So every
//! reading is handed out. Knows no parser; in-order traffic costs it one copy of each segment that
//! a parser still looks at.

mod readings;

pub use readings::{Fit, Reading, Readings, Run, Told};

use std::collections::VecDeque;

use crate::net::{FlowKey, Side};

/// Bytes of segments remembered, by all workers that share a capture or an interface.
pub const RECENT_BYTES: usize = 1 << 20;
/// Fewest bytes remembered by one worker.
const FEWEST: usize = 128 * 1024;
/// Segments remembered in so many bytes: one in 256 of them.
const BYTES_A_SLOT: usize = 256;
/// Bytes remembered of one segment.
const LONGEST: usize = 16 * 1024;
/// Remembered segments looked through for one that arrives.
const LOOKED_THROUGH: usize = 1024;
/// How far before a contradiction the other readings begin, in bytes.
const BACK: i32 = 8 * 1024;
/// Streams in doubt at once; full: the oldest is read to its end.
const DOUBTS: usize = 64;

/// One direction of one pair of endpoints, connections on the same ports included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane(u64);

impl Lane {
    /// The lane of what `side` sends.
    pub fn new(key: &FlowKey, side: Side) -> Self {
        Self(super::table::flow_number(key) << 1 | u64::from(side == Side::High))
    }
}

/// A segment's payload and where it begins.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a> {
    /// Sequence number of the first byte.
    pub sequence: u32,
    /// The bytes.
    pub bytes: &'a [u8],
    /// A message may begin here: the stream begins, or all before it was consumed.
    pub boundary: bool,
}

/// How a segment compares with what is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Every byte was seen before.
    Same,
    /// Nothing contradicts it, and some of it was not seen or is forgotten.
    New,
    /// It contradicts what was seen.
    Differs,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    lane: Lane,
    /// Place in all that was ever written.
    at: u64,
    /// Number of the entry before it in its bucket.
    older: u64,
    sequence: u32,
    length: u16,
    boundary: bool,
}

/// The latest segments that parsers were shown. The oldest are overwritten.
pub struct Recent {
    bytes: Box<[u8]>,
    written: u64,
    entries: Vec<Entry>,
    /// Entries ever made; the first has number 1.
    count: u64,
    /// Number of the newest entry of each bucket of lanes.
    newest: Box<[u64]>,
}

impl Default for Recent {
    fn default() -> Self {
        Self::new(RECENT_BYTES)
    }
}

impl Recent {
    /// Remembers about so many bytes: a power of two.
    pub fn new(bytes: usize) -> Self {
        let bytes = bytes.max(FEWEST).next_power_of_two();
        Self {
            bytes: vec![0; bytes].into_boxed_slice(),
            written: 0,
            entries: Vec::new(),
            count: 0,
            newest: vec![0; bytes / BYTES_A_SLOT].into_boxed_slice(),
        }
    }

    /// Segments remembered at most.
    const fn slots(&self) -> u64 {
        self.newest.len() as u64
    }

    const fn place(&self, at: u64) -> usize {
        // Both sizes are powers of two.
        (at & (self.bytes.len() as u64 - 1)) as usize
    }

    const fn slot(&self, number: u64) -> usize {
        ((number - 1) & (self.slots() - 1)) as usize
    }

    const fn bucket(&self, lane: Lane) -> usize {
        (lane.0 & (self.slots() - 1)) as usize
    }

    /// Remembers a segment, or as much of it as is kept of one.
    pub fn note(&mut self, lane: Lane, segment: &Bytes<'_>) {
        let bytes = segment.bytes.get(..LONGEST).unwrap_or(segment.bytes);
        let room = (self.bytes.len() - self.place(self.written)) as u64;
        if room < bytes.len() as u64 {
            self.written += room;
        }
        let (at, start) = (self.written, self.place(self.written));
        let Some(target) = self.bytes.get_mut(start..start + bytes.len()) else { return };
        target.copy_from_slice(bytes);
        self.written += bytes.len() as u64;
        let bucket = self.bucket(lane);
        let Some(newest) = self.newest.get_mut(bucket) else { return };
        self.count += 1;
        let older = std::mem::replace(newest, self.count);
        let length = u16::try_from(bytes.len()).unwrap_or(0);
        let (sequence, boundary) = (segment.sequence, segment.boundary);
        let entry = Entry { lane, at, older, sequence, length, boundary };
        let slot = self.slot(self.count);
        match self.entries.get_mut(slot) {
            Some(slot) => *slot = entry,
            None => self.entries.push(entry),
        }
    }

    /// Compares a segment with the remembered ones of its lane.
    pub fn compare(&self, lane: Lane, segment: &Bytes<'_>) -> Comparison {
        let mut covered = Cover::default();
        for old in self.of_lane(lane) {
            let ahead = segment.sequence.wrapping_sub(old.sequence).cast_signed();
            let (ours, theirs) = overlap(segment.bytes, old.bytes, ahead);
            if ours != theirs {
                return Comparison::Differs;
            }
            if !ours.is_empty() {
                let start = usize::try_from(-i64::from(ahead)).unwrap_or(0);
                covered.add(start, start + ours.len());
            }
        }
        if covered.covers(segment.bytes.len()) { Comparison::Same } else { Comparison::New }
    }

    /// The remembered segments of a lane, newest first.
    fn of_lane(&self, lane: Lane) -> impl Iterator<Item = Bytes<'_>> {
        let mut number = self.newest.get(self.bucket(lane)).copied().unwrap_or(0);
        std::iter::from_fn(move || {
            let entry = self.entry(number)?;
            number = entry.older;
            Some(entry)
        })
        .take(LOOKED_THROUGH)
        .filter(move |entry| entry.lane == lane)
        .filter_map(|entry| {
            let start = self.place(entry.at);
            let bytes = self.bytes.get(start..start + usize::from(entry.length))?;
            Some(Bytes { sequence: entry.sequence, bytes, boundary: entry.boundary })
        })
    }

    /// An entry by its number, unless it or its bytes are overwritten.
    fn entry(&self, number: u64) -> Option<&Entry> {
        if number == 0 || self.count - number >= self.slots() {
            return None;
        }
        let entry = self.entries.get(self.slot(number))?;
        (entry.at + self.bytes.len() as u64 >= self.written).then_some(entry)
    }

    /// Puts the remembered neighbours of a segment together.
    fn readings(&self, lane: Lane, segment: &Bytes<'_>) -> Readings {
        let distance = |bytes: &Bytes<'_>| bytes.sequence.wrapping_sub(segment.sequence);
        let mut near: Vec<Bytes<'_>> = self
            .of_lane(lane)
            .filter(|old| (-BACK..BACK).contains(&distance(old).cast_signed()))
            .collect();
        near.reverse();
        let before = || near.iter().filter(|old| distance(old).cast_signed() <= 0);
        let first = |old: &&Bytes<'_>| distance(old).cast_signed();
        let base = before().filter(|old| old.boundary).min_by_key(first);
        let base = base.or_else(|| before().min_by_key(first)).unwrap_or(segment);
        let mut readings = Readings::new(base.sequence, base.boundary);
        let begin = distance(base).cast_signed();
        for old in near.iter().filter(|old| distance(old).cast_signed() >= begin) {
            let _ = readings.put(old);
        }
        readings
    }
}

/// The common part of two pieces of a stream, the first of which begins `ahead` bytes after the
/// second.
fn overlap<'a>(ours: &'a [u8], theirs: &'a [u8], ahead: i32) -> (&'a [u8], &'a [u8]) {
    let skip = |n: i64| usize::try_from(n).unwrap_or(0);
    let ours = ours.get(skip(-i64::from(ahead))..).unwrap_or(&[]);
    let theirs = theirs.get(skip(i64::from(ahead))..).unwrap_or(&[]);
    let length = ours.len().min(theirs.len());
    (ours.get(..length).unwrap_or(&[]), theirs.get(..length).unwrap_or(&[]))
}

/// Ranges of a segment that were seen, merged as far as they touch.
#[derive(Default)]
struct Cover(Vec<(usize, usize)>);

impl Cover {
    fn add(&mut self, start: usize, end: usize) {
        self.0.push((start, end));
    }

    fn covers(mut self, length: usize) -> bool {
        self.0.sort_unstable();
        let reach = |reach: usize, (start, end): (usize, usize)| {
            if start <= reach { reach.max(end) } else { reach }
        };
        self.0.into_iter().fold(0, reach) >= length
    }
}

/// The streams in which something was contradicted.
#[derive(Default)]
pub struct Doubts {
    streams: VecDeque<(Lane, Readings)>,
}

impl Doubts {
    /// The readings of a lane.
    pub fn of(&mut self, lane: Lane) -> Option<&mut Readings> {
        self.streams.iter_mut().find(|(other, _)| *other == lane).map(|(_, readings)| readings)
    }

    /// Begins to doubt a stream, which is not doubted yet, because of this segment. The readings
    /// hold what came before it, to be read silently; then the segment is to be put there. If
    /// there are too many doubts the oldest ends; all it shows was read when it arrived.
    pub fn begin(&mut self, recent: &Recent, lane: Lane, segment: &Bytes<'_>) {
        if self.streams.len() >= DOUBTS {
            self.streams.pop_front();
        }
        self.streams.push_back((lane, recent.readings(lane, segment)));
    }

    /// Ends the doubt about a lane.
    pub fn take(&mut self, lane: Lane) -> Option<Readings> {
        let at = self.streams.iter().position(|(other, _)| *other == lane)?;
        self.streams.remove(at).map(|(_, readings)| readings)
    }
}

#[cfg(test)]
mod tests;
