//! The writing end.

use std::ffi::OsStr;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read as _, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::held::Held;
use super::{MODE, READERS, SENSOR, SpoolEvent, cursor, segments};
use crate::directory::{Directory, Owners};
use crate::eve::write_line;
use crate::{Body, Id, Record, Time, describe};

/// No `sensor.json` is longer.
const LONGEST: u64 = 4096;
/// Seconds after which another segment is begun, so that age can be told.
const DAY: i64 = 86_400;
/// Seconds between two looks at what may go, and between two tries of a disk.
const LOOK: i64 = 60;
const RETRY: i64 = 1;
/// A spool is so many segments at least, so that it never loses all at once.
const SEGMENTS: u64 = 16;
/// Bytes of a segment at most: what a reader looks through to find its place.
const LARGEST: u64 = 1024 * 1024;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of all segments.
    pub bytes: u64,
    /// Seconds for which a segment stays although every reader has passed it: it can be sent again.
    pub keep: i64,
    /// Seconds after which it goes although some have not.
    pub most: i64,
}

impl Default for Bounds {
    /// 64 MiB, 14 days, 90 days.
    fn default() -> Self {
        Self { bytes: 64 << 20, keep: 14 * DAY, most: 90 * DAY }
    }
}

/// What a spool has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records written.
    pub written: u64,
    /// Records that wait for the disk, now.
    pub waiting: u64,
    /// Records for which there was no room while it took nothing.
    pub lost: u64,
    /// Records that were removed before some reader had read them.
    pub unread: u64,
}

/// Whose records these are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Sensor {
    /// What it is called now: part of the ids of what is written from here on.
    pub(super) sensor: String,
    /// The spool itself, made once: a cursor that was kept from another one means nothing here.
    pub(super) spool: String,
}

/// A segment that is written no more.
#[derive(Clone, Copy, Debug)]
struct Closed {
    first: u64,
    /// The first of the next one.
    end: u64,
    bytes: u64,
    /// When it was closed, or later: no record in it, and in none before it, is younger. A clock that was
    /// wrong at its first record and right at the next segment's makes it no older than it is.
    until: Time,
}

/// The segment that is written.
#[derive(Debug)]
struct Active {
    file: File,
    first: u64,
    bytes: u64,
    begun: Time,
    until: Time,
}

/// The writing end of a spool. One process has it: whoever opens it holds the lock of the directory
/// that its log stands in.
#[derive(Debug)]
pub struct Spool {
    directory: Directory,
    readers: Option<Directory>,
    bounds: Bounds,
    sensor: Sensor,
    next: u64,
    closed: Vec<Closed>,
    /// None while it cannot be written.
    active: Option<Active>,
    held: Held,
    /// What had waited and was lost when it began to fail.
    failing: Option<u64>,
    unsynced: bool,
    counts: Counts,
    unsaid: Vec<SpoolEvent>,
    looked: Time,
    tried: Time,
    not_removed: bool,
}

impl Spool {
    /// Opens a spool or makes one; goes on where the last one ended, and cuts off half a record.
    /// `sensor` names it; without one it keeps the name it has, or is given one that no other has.
    ///
    /// # Errors
    /// When it cannot be written now.
    pub fn open(
        path: &Path,
        owners: &Owners,
        bounds: Bounds,
        sensor: Option<&str>,
    ) -> io::Result<Self> {
        let (directory, _) = Directory::open_or_make(path, owners)?;
        let sensor = known(&directory, sensor)?;
        // Readers are other users; where there is no place for them, nobody reads.
        let readers = match directory.below(OsStr::new(READERS)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                directory.make_below(OsStr::new(READERS), 0o750)?;
                directory.below(OsStr::new(READERS)).ok()
            }
            opened => opened.ok(),
        };
        let mut spool = Self {
            directory,
            readers,
            bounds,
            sensor,
            next: 1,
            closed: Vec::new(),
            active: None,
            held: Held::default(),
            failing: None,
            unsynced: false,
            counts: Counts::default(),
            unsaid: Vec::new(),
            looked: Time::default(),
            tried: Time::default(),
            not_removed: false,
        };
        spool.find()?;
        Ok(spool)
    }

    /// Whose records these are.
    pub fn sensor(&self) -> &str {
        &self.sensor.sensor
    }

    /// The number that the next record gets.
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// What it has done since it was opened.
    pub fn counts(&self) -> Counts {
        Counts { waiting: self.held.len() as u64, lost: self.held.lost, ..self.counts }
    }

    /// Writes a record: it is in the kernel's hands when this returns, or waits.
    pub fn append(&mut self, now: Time, body: Body) {
        if !self.held.is_empty() || self.active.is_none() {
            self.held.hold(body);
            return;
        }
        if let Err(error) = self.write(now, &body) {
            self.fail(&error);
            self.held.hold(body);
        }
    }

    /// Brings what was written to the disk.
    pub fn sync(&mut self) {
        let Some(active) = self.active.as_ref().filter(|_| self.unsynced) else { return };
        match active.file.sync_data() {
            Ok(()) => self.unsynced = false,
            Err(error) => self.fail(&error),
        }
    }

    /// Tries again what waits, and lets go what may go. To be called about ten times a second.
    pub fn tend(&mut self, now: Time, say: &mut dyn FnMut(SpoolEvent)) {
        let is_due = |last: Time, every: i64| {
            now < last || now.seconds().saturating_sub(last.seconds()) >= every
        };
        if self.failing.is_some() && is_due(self.tried, RETRY) {
            self.tried = now;
            self.resume(now);
        }
        if is_due(self.looked, LOOK) {
            self.looked = now;
            self.let_go(now);
        }
        self.unsaid.drain(..).for_each(say);
    }

    /// Looks through what is there, and goes on behind it.
    fn find(&mut self) -> io::Result<()> {
        let firsts = segments::list(&self.directory)?;
        let given = self.next;
        let mut until = Time::default();
        self.closed.clear();
        for (place, first) in firsts.iter().enumerate() {
            let found = self.look_through(*first)?;
            // It was written until the next one was begun.
            if let Some(before) = self.closed.last_mut() {
                before.until = before.until.max(found.begun.unwrap_or_default());
                until = until.max(before.until);
            }
            until = until.max(found.until);
            if let Some(end) = firsts.get(place + 1).copied() {
                let bytes = found.bytes;
                self.closed.push(Closed { first: *first, end, bytes, until });
                continue;
            }
            self.next = found.end;
            let file = self.directory.append(&segments::name(*first), MODE)?;
            if found.torn > 0 {
                file.set_len(found.bytes)?;
                self.unsaid.push(SpoolEvent::Cut { bytes: found.torn });
            }
            let begun = found.begun.unwrap_or(until);
            self.active = Some(Active { file, first: *first, bytes: found.bytes, begun, until });
        }
        // A number that was given, or that a reader has seen, is never given again.
        let seen = self.cursors().into_iter().map(|(_, acknowledged)| acknowledged).max();
        let least = seen.unwrap_or(0).saturating_add(1).max(given);
        if self.next < least || self.active.is_none() {
            self.next = self.next.max(least);
            self.begin(until)?;
        }
        Ok(())
    }

    /// How far a segment is whole.
    fn look_through(&self, first: u64) -> io::Result<Found> {
        let mut file = self.directory.open_for_reading(&segments::name(first))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let mut found = Found { end: first, ..Found::default() };
        let mut rest = &bytes[..];
        while let Some(length) = memchr::memchr(b'\n', rest) {
            let (line, behind) = rest.split_at_checked(length + 1).unwrap_or((rest, &[]));
            let head = serde_json::from_slice::<Head>(line).ok();
            let Some(head) = head.filter(|head| head.id.seq == found.end) else { break };
            found.end += 1;
            found.bytes += line.len() as u64;
            found.begun = found.begun.or(Some(head.written));
            found.until = found.until.max(head.written);
            rest = behind;
        }
        found.torn = rest.len() as u64;
        Ok(found)
    }

    fn cursors(&self) -> Vec<(String, u64)> {
        let readers = self.readers.as_ref();
        readers.map(|readers| cursor::all(readers, &self.sensor.spool)).unwrap_or_default()
    }

    /// Begins a segment with the next record.
    fn begin(&mut self, now: Time) -> io::Result<()> {
        let name = segments::name(self.next);
        // One without a record may be there: it was begun just before a crash.
        let file = self.directory.append(&name, MODE)?;
        self.directory.sync()?;
        let bytes = file.metadata()?.len();
        if let Some(old) = self.active.take().filter(|old| old.first < self.next) {
            old.file.sync_data()?;
            let Active { first, bytes, until, .. } = old;
            let until = until.max(now);
            self.closed.push(Closed { first, end: self.next, bytes, until });
        }
        let until = self.closed.last().map(|closed| closed.until).unwrap_or_default();
        self.active = Some(Active { file, first: self.next, bytes, begun: now, until });
        Ok(())
    }

    fn write(&mut self, now: Time, body: &Body) -> io::Result<()> {
        let id = Id { sensor: self.sensor.sensor.clone(), seq: self.next };
        let mut line = Vec::new();
        write_line(&Line { id: &id, written: now, body }, &mut line)?;
        let coming = line.len() as u64;
        let largest = (self.bounds.bytes / SEGMENTS).clamp(1, LARGEST);
        let is_full = |active: &Active| {
            let age = now.seconds().saturating_sub(active.begun.seconds());
            self.next > active.first && (active.bytes + coming > largest || age >= DAY)
        };
        if self.active.as_ref().is_some_and(is_full) {
            self.begin(now)?;
        }
        let Some(active) = &mut self.active else { return Err(io::ErrorKind::NotFound.into()) };
        if let Err(error) = active.file.write_all(&line) {
            // Half a line is cut off; if even this fails, the next opening does it.
            let _ = active.file.set_len(active.bytes);
            return Err(error);
        }
        active.bytes += coming;
        active.until = active.until.max(now);
        self.next += 1;
        self.counts.written += 1;
        self.unsynced = true;
        Ok(())
    }

    fn fail(&mut self, error: &io::Error) {
        self.active = None;
        if self.failing.is_none() {
            self.failing = Some(self.held.lost);
            self.unsaid.push(SpoolEvent::Failing { reason: describe(error) });
        }
    }

    /// Looks at the directory anew, and writes what had to wait.
    fn resume(&mut self, now: Time) {
        if self.active.is_none() && self.find().is_err() {
            self.active = None;
            return;
        }
        let (mut held, mut waiting) = (0, std::mem::take(&mut self.held));
        while waiting.try_first(|body| self.write(now, body).is_ok()) {
            held += 1;
        }
        self.held = waiting;
        if !self.held.is_empty() {
            self.active = None;
            return;
        }
        if let Some(before) = self.failing.take() {
            self.unsaid.push(SpoolEvent::Resumed { held, lost: self.held.lost - before });
        }
    }

    /// Removes the segments that may or must go, the oldest first.
    fn let_go(&mut self, now: Time) {
        let readers = self.cursors();
        let active = self.active.as_ref().map_or(0, |active| active.bytes);
        let mut all = active + self.closed.iter().map(|closed| closed.bytes).sum::<u64>();
        let mut gone: usize = 0;
        for closed in &self.closed {
            let age = now.seconds().saturating_sub(closed.until.seconds());
            let is_passed = readers.iter().all(|(_, at)| at + 1 >= closed.end);
            let must = all > self.bounds.bytes || age > self.bounds.most;
            let may = is_passed && age > self.bounds.keep;
            if !must && !may {
                break;
            }
            if let Err(error) = self.directory.remove(&segments::name(closed.first))
                && error.kind() != io::ErrorKind::NotFound
            {
                if !std::mem::replace(&mut self.not_removed, true) {
                    self.unsaid.push(SpoolEvent::NotRemoved { reason: describe(&error) });
                }
                break;
            }
            self.not_removed = false;
            gone += 1;
            all -= closed.bytes;
        }
        let Some(end) = gone.checked_sub(1).and_then(|last| self.closed.get(last)) else { return };
        let (end, first) = (end.end, self.closed.first().map_or(end.end, |closed| closed.first));
        self.closed.drain(..gone);
        let unread = |at: u64| end.saturating_sub(first.max(at.saturating_add(1)));
        self.counts.unread += readers.iter().map(|(_, at)| unread(*at)).max().unwrap_or(0);
        for (reader, at) in readers.into_iter().filter(|(_, at)| unread(*at) > 0) {
            self.unsaid.push(SpoolEvent::Unread { reader, records: unread(at) });
        }
    }

    /// For tests: from now on the disk takes nothing.
    #[cfg(test)]
    pub(super) fn fill_disk(&mut self) {
        if let Some(active) = &mut self.active {
            active.file = File::options().append(true).open("/dev/full").unwrap();
        }
    }
}

impl Drop for Spool {
    /// What waits is tried once more, and all of it reaches the disk.
    fn drop(&mut self) {
        if self.failing.is_some() {
            self.resume(self.tried);
        }
        self.sync();
    }
}

/// As [`Record`], borrowed.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a Id,
    written: Time,
    #[serde(flatten)]
    body: &'a Body,
}

/// What every record begins with, whatever it says.
#[derive(Deserialize)]
struct Head {
    id: Id,
    written: Time,
}

/// What a segment holds.
#[derive(Default)]
struct Found {
    /// The number behind its last whole record.
    end: u64,
    /// Bytes of its whole records.
    bytes: u64,
    /// Bytes behind them.
    torn: u64,
    begun: Option<Time>,
    until: Time,
}

/// The names that stand there; made where there are none.
fn known(directory: &Directory, wanted: Option<&str>) -> io::Result<Sensor> {
    let old = match sensor_of(directory) {
        Ok(known) => known,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Sensor::default(),
        Err(error) => return Err(error),
    };
    let mut sensor = old.clone();
    if sensor.spool.is_empty() {
        sensor.spool = format!("{:016x}", RandomState::new().hash_one(0));
    }
    match wanted {
        Some(wanted) => sensor.sensor = wanted.to_owned(),
        // Two that were made on machines of the same name are still told apart.
        None if sensor.sensor.is_empty() => sensor.sensor = format!("ward-{}", sensor.spool),
        None => {}
    }
    if sensor != old {
        let bytes = serde_json::to_vec(&sensor)?;
        directory.replace_durably(OsStr::new(SENSOR), &bytes, MODE)?;
    }
    Ok(sensor)
}

/// A record as it stands in a segment.
pub(super) fn parse(line: &[u8]) -> Result<Record, Option<Id>> {
    serde_json::from_slice(line)
        .map_err(|_| serde_json::from_slice::<Head>(line).ok().map(|head| head.id))
}

/// Whose spool a directory is. What cannot be read any more is nobody's: a new one begins.
pub(super) fn sensor_of(directory: &Directory) -> io::Result<Sensor> {
    let bytes = directory.read(OsStr::new(SENSOR), LONGEST)?;
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}
