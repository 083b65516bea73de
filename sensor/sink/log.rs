//! A log file that loses nothing: a full, read-only or vanished disk makes lines wait, in bounded
//! memory, until it can be written again.
//!
//! Owns the file, the lines not yet in it and those that wait. Has no clock: it is told the time
//! by [`LineOut::tend`], at least ten times a second. Between two lines in the file there is
//! always a line end: half a line is cut off before the next one is written.

mod echo;
mod held;
mod opened;
pub mod rotation;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use super::file::{LineOut, Weight};
use super::{Clock, Losses, Trouble};
use crate::directory::Owners;
use crate::net::Timestamp;
use echo::Echo;
use held::Held;
use opened::Opened;
use rotation::Rotation;

/// Lines are handed over at the latest when so many bytes are gathered.
const GATHERED: usize = 128 * 1024;
/// How often, in nanoseconds, a failing file is tried again and a working one is looked after.
const LOOK: u64 = 1_000_000_000;
/// How late bytes reach the disk, in nanoseconds; below the second that may be lost.
const SYNC: u64 = 500_000_000;
/// How long a rotation that failed is put off, in nanoseconds.
const HOUR: i64 = 3_600_000_000_000;

/// How a log is kept.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// When it is rotated.
    pub rotation: Rotation,
    /// The zone of rotated names.
    pub clock: Clock,
    /// Are alerts that must wait repeated on standard error and in the journal?
    pub echo: bool,
    /// Who may own the file and its directory.
    pub owners: Owners,
}

/// Whole lines on their way to the file.
#[derive(Default)]
struct Gathered {
    bytes: Vec<u8>,
    /// Where each line ends, and what it is worth.
    ends: Vec<(usize, Weight)>,
}

/// A log that is never lost.
pub struct LogFile {
    path: PathBuf,
    options: LogOptions,
    /// None while it cannot be written.
    file: Option<Opened>,
    gathered: Gathered,
    held: Held,
    echo: Option<Echo>,
    /// What has not been said yet.
    unsaid: Vec<Trouble>,
    failing_since: Option<Timestamp>,
    unsynced: bool,
    sync_failed: bool,
    /// Lines are being tried again: they have been echoed.
    retrying: bool,
    now: Timestamp,
    looked: Timestamp,
    synced: Timestamp,
    /// Not rotated before this time, nor before the time is known.
    rotate_from: Timestamp,
}

impl LogFile {
    /// Opens or makes a log. What it holds stays, but for half a line at its end.
    ///
    /// # Errors
    /// When it cannot be opened for writing now: better to say so at once than to begin a watch
    /// that nobody can read.
    pub fn open(path: &Path, options: LogOptions) -> io::Result<Self> {
        let file = Opened::open(path, &options.owners)?;
        Ok(Self::with(file, path, options))
    }

    fn with(file: Opened, path: &Path, options: LogOptions) -> Self {
        Self {
            path: path.into(),
            echo: options.echo.then(Echo::find),
            options,
            file: Some(file),
            gathered: Gathered::default(),
            held: Held::default(),
            unsaid: Vec::new(),
            failing_since: None,
            unsynced: false,
            sync_failed: false,
            retrying: false,
            rotate_from: Timestamp::default(),
            now: Timestamp::default(),
            looked: Timestamp::default(),
            synced: Timestamp::default(),
        }
    }

    /// Is it impossible to write at present?
    pub const fn is_failing(&self) -> bool {
        self.file.is_none()
    }

    fn write_out(&mut self) {
        if self.gathered.bytes.is_empty() || self.file.is_none() {
            return;
        }
        self.rotate_if_due(self.gathered.bytes.len() as u64);
        let Some(file) = &mut self.file else { return };
        let (whole, result) = file.append(&self.gathered.bytes);
        self.unsynced |= whole > 0;
        match result {
            Ok(()) => {
                self.gathered.bytes.clear();
                self.gathered.ends.clear();
            }
            Err(error) => self.fail(whole, &error),
        }
    }

    /// The file took no more than `written` bytes, which end a line: the rest waits.
    fn fail(&mut self, written: usize, error: &io::Error) {
        self.file = None;
        if self.failing_since.is_none() {
            self.failing_since = Some(self.now);
            let reason = crate::capture::describe(error);
            self.unsaid.push(Trouble::Failing { path: self.path.clone(), reason });
        }
        let gathered = std::mem::take(&mut self.gathered);
        let mut start = 0;
        for (end, weight) in gathered.ends {
            if end > written
                && let Some(line) = gathered.bytes.get(start..end)
            {
                self.hold(line, weight);
            }
            start = end;
        }
    }

    fn hold(&mut self, line: &[u8], weight: Weight) {
        if self.held.hold(line, weight)
            && !self.retrying
            && let Some(echo) = &mut self.echo
        {
            echo.tell(line);
        }
    }

    /// Opens the file again, and writes what had to wait.
    fn resume(&mut self) {
        match Opened::open(&self.path, &self.options.owners) {
            Ok(file) => self.file = Some(file),
            Err(error) => {
                self.fail(0, &error);
                return;
            }
        }
        let (held, counts) = self.held.take();
        let lines = held.len();
        for (line, weight) in held {
            self.gather(&line, weight);
        }
        self.retrying = true;
        self.write_out();
        self.retrying = false;
        if self.file.is_some() && self.failing_since.take().is_some() {
            self.held.forget_counts();
            self.unsaid.push(Trouble::Resumed {
                path: self.path.clone(),
                held: lines,
                folded: counts.folded,
                gone: counts.gone,
                events: counts.events,
            });
        }
    }

    fn gather(&mut self, line: &[u8], weight: Weight) {
        self.gathered.bytes.extend_from_slice(line);
        self.gathered.ends.push((self.gathered.bytes.len(), weight));
    }

    fn rotate_if_due(&mut self, coming: u64) {
        let Some(file) = &self.file else { return };
        let due = self.options.rotation.is_due(file.length(), coming, file.age(self.now));
        if !due || !file.is_regular() || self.now <= self.rotate_from {
            return;
        }
        let stamp = self.options.clock.stamp(self.now.0);
        match file.rotate(&stamp, &self.options.rotation) {
            Ok(()) => self.replace(),
            Err(error) => {
                let reason = crate::capture::describe(&error);
                self.unsaid.push(Trouble::NotRotated { path: self.path.clone(), reason });
                // It goes on in the same file; once an hour is often enough to say so.
                self.rotate_from = Timestamp(self.now.0.saturating_add(HOUR));
            }
        }
    }

    /// Leaves the old file, synced, for a new one of the same path.
    fn replace(&mut self) {
        self.sync();
        match Opened::open(&self.path, &self.options.owners) {
            Ok(file) => self.file = Some(file),
            Err(error) => self.fail(0, &error),
        }
    }

    fn sync(&mut self) {
        let Some(file) = self.file.as_ref().filter(|_| self.unsynced) else { return };
        self.unsynced = false;
        match file.sync() {
            Ok(()) => self.sync_failed = false,
            Err(error) if !self.sync_failed => {
                self.sync_failed = true;
                let reason = crate::capture::describe(&error);
                self.unsaid.push(Trouble::NotSynced { path: self.path.clone(), reason });
            }
            Err(_) => {}
        }
    }

    fn look(&mut self) {
        match &mut self.file {
            None => self.resume(),
            Some(file) => {
                if file.is_still(&self.path) {
                    self.rotate_if_due(0);
                } else {
                    self.reopen();
                }
            }
        }
    }
}

/// Has this much passed? A clock that was set back counts as "yes".
pub(super) fn is_due(now: Timestamp, last: Timestamp, every: u64) -> bool {
    now < last || now.since(last) >= every
}

impl LineOut for LogFile {
    fn line(&mut self, line: &[u8], weight: Weight) -> io::Result<()> {
        if self.file.is_none() {
            self.hold(line, weight);
            return Ok(());
        }
        self.gather(line, weight);
        if self.gathered.bytes.len() >= GATHERED {
            self.write_out();
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write_out();
        Ok(())
    }

    fn losses(&self) -> Losses {
        let mut losses = self.held.losses();
        losses.add(self.echo.as_ref().map_or_else(Losses::default, Echo::losses));
        losses
    }

    fn reopen(&mut self) {
        self.write_out();
        if self.file.is_some() {
            self.replace();
        } else {
            self.resume();
        }
    }

    fn tend(&mut self, now: Timestamp, say: &mut dyn FnMut(Trouble)) {
        self.now = now;
        self.write_out();
        if is_due(now, self.looked, LOOK) {
            self.looked = now;
            self.look();
        }
        if is_due(now, self.synced, SYNC) {
            self.synced = now;
            self.sync();
        }
        self.unsaid.drain(..).for_each(say);
    }
}

impl Drop for LogFile {
    /// The last lines are tried once more, and reach the disk.
    fn drop(&mut self) {
        if self.file.is_none() {
            self.resume();
        }
        self.write_out();
        self.sync();
    }
}
