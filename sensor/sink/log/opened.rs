//! An open log file: appends whole lines, and knows whether its path still means it.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::rotation::{self, Rotation};
use crate::directory::{Directory, Owners};
use crate::net::Timestamp;

/// How far back from its end a file is searched for the end of a line.
const TAIL: u64 = 1024 * 1024;

/// A file that lines are appended to.
pub(super) struct Opened {
    file: File,
    /// Where it stands and what it is called there; none where a test hands over a file.
    place: Option<(Directory, OsString)>,
    /// Device and inode.
    identity: (u64, u64),
    length: u64,
    born: Timestamp,
    regular: bool,
}

impl Opened {
    /// Opens or makes a file, and cuts off half a line that a crash left at its end.
    pub(super) fn open(path: &Path, owners: &Owners) -> io::Result<Self> {
        let (directory, name) = Directory::of(path, owners)?;
        let file = directory.append(&name, 0o640)?;
        Self::take(file, Some((directory, name)))
    }

    /// Goes on in a file that is open for reading and appending.
    pub(super) fn take(mut file: File, place: Option<(Directory, OsString)>) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let regular = metadata.is_file();
        let mut length = metadata.len();
        if regular && length > 0 {
            length = end_cleanly(&mut file, length)?;
        }
        let made = born(&metadata);
        // A log that was copied, or whose filesystem does not know when it was made, is as old as
        // its first line; else each start would make it young again.
        let born = match regular.then(|| first_time(&mut file)).flatten() {
            Some(first) if first < made => first,
            _ => made,
        };
        let identity = (metadata.dev(), metadata.ino());
        Ok(Self { file, place, identity, length, born, regular })
    }

    /// Gives it an old name.
    pub(super) fn rotate(&self, stamp: &str, rotation: &Rotation) -> io::Result<()> {
        match &self.place {
            Some((directory, name)) => rotation::rotate(directory, name, stamp, rotation),
            None => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    pub(super) const fn is_regular(&self) -> bool {
        self.regular
    }

    /// Nanoseconds since it was made.
    pub(super) fn age(&self, now: Timestamp) -> u64 {
        now.since(self.born)
    }

    /// Writes all, or says how many bytes of whole lines stand in the file now. Half a line is
    /// cut off again.
    pub(super) fn append(&mut self, bytes: &[u8]) -> (usize, io::Result<()>) {
        let mut done = 0;
        let failure = loop {
            let Some(rest @ [_, ..]) = bytes.get(done..) else { break None };
            match self.file.write(rest) {
                Ok(0) => break Some(io::ErrorKind::WriteZero.into()),
                Ok(written) => done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Some(error),
            }
        };
        let Some(error) = failure else {
            self.length += done as u64;
            return (done, Ok(()));
        };
        let whole = bytes.get(..done).and_then(|done| memchr::memrchr(b'\n', done));
        let whole = whole.map_or(0, |at| at + 1);
        let torn = (done - whole) as u64;
        if torn > 0
            && self.regular
            && let Ok(metadata) = self.file.metadata()
        {
            // If even this fails, the next opening does it.
            let _ = self.file.set_len(metadata.len().saturating_sub(torn));
        }
        (whole, Err(error))
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        if self.regular { self.file.sync_data() } else { Ok(()) }
    }

    /// Does the path still name this file? Takes note of its length, which others may cut.
    pub(super) fn is_still(&mut self, path: &Path) -> bool {
        if !self.regular {
            return true;
        }
        match std::fs::symlink_metadata(path) {
            Ok(metadata) => {
                self.length = metadata.len();
                self.identity == (metadata.dev(), metadata.ino())
            }
            Err(_) => false,
        }
    }
}

/// When the filesystem says it was made, or else last written.
fn born(metadata: &Metadata) -> Timestamp {
    let time = metadata.created().or_else(|_| metadata.modified()).ok();
    let time = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    Timestamp(i64::try_from(time.as_nanos()).unwrap_or(0))
}

/// The time at the head of the first line: a line for people begins with it, an EVE record holds
/// it as the first text.
fn first_time(file: &mut File) -> Option<Timestamp> {
    let mut head = Vec::new();
    file.rewind().ok()?;
    file.take(128).read_to_end(&mut head).ok()?;
    let text = std::str::from_utf8(&head).ok().or_else(|| {
        let valid = std::str::from_utf8(&head).err()?.valid_up_to();
        std::str::from_utf8(head.get(..valid)?).ok()
    })?;
    let time = text
        .strip_prefix("{\"timestamp\":\"")
        .map_or_else(|| text.split(' ').next(), |rest| rest.split('"').next())?;
    let time: jiff::Timestamp = time.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok().map(Timestamp)
}

/// Cuts off what follows the last line end. Where that is not allowed, ends the line.
fn end_cleanly(file: &mut File, length: u64) -> io::Result<u64> {
    let from = length.saturating_sub(TAIL);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(TAIL).read_to_end(&mut tail)?;
    if tail.last() == Some(&b'\n') {
        return Ok(length);
    }
    let good = memchr::memrchr(b'\n', &tail).map_or(0, |at| at + 1);
    let cut = if good > 0 || from == 0 { from + good as u64 } else { length };
    if cut < length && file.set_len(cut).is_ok() {
        return Ok(cut);
    }
    file.write_all(b"\n")?;
    Ok(length + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> io::Result<Opened> {
        Opened::open(path, &Owners::new(&[]))
    }

    #[test]
    fn a_log_is_as_old_as_its_first_line_whatever_the_filesystem_says() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let old = Timestamp::new(1_718_677_265, 482_000_000);
        for line in [
            "2024-06-18T09:21:05.482+07:00 THÔNG TIN | wardwatch 0.1.0: bắt đầu giám sát | gói tin 0, mất 0 (0,0 %) | x\n",
            "{\"timestamp\":\"2024-06-18T09:21:05.482000+0700\",\"flow_id\":1}\n",
        ] {
            std::fs::write(&path, line).unwrap();
            let opened = open(&path).unwrap();
            assert_eq!(opened.age(old), 0, "{line}");
            assert_eq!(opened.age(Timestamp(old.0 + 5)), 5, "{line}");
        }
        // What is no time, or lies after the making, changes nothing.
        for line in ["x\n", "", "2999-01-01T00:00:00+07:00 x\n"] {
            std::fs::write(&path, line).unwrap();
            let made = born(&std::fs::metadata(&path).unwrap());
            assert_eq!(open(&path).unwrap().age(Timestamp(made.0 + 5)), 5, "{line}");
        }
    }
}
