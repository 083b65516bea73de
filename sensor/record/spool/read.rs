//! The reading end.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;

use super::cursor::{self, Cursor};
use super::write::{parse, sensor_of};
use super::{READERS, segments};
use crate::directory::{Directory, Owners};
use crate::{Id, Record};

/// What comes next in a spool.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// A record.
    Record(Box<Record>),
    /// A record of a kind that this program does not know.
    Unknown(Id),
    /// Records that are gone: removed unread, or damaged.
    Gap {
        /// The first of them.
        from: u64,
        /// The last.
        to: u64,
    },
}

/// A record that cannot be acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It was acknowledged already: a cursor never goes back.
    #[error("record {0} is acknowledged already")]
    Back(u64),
    /// It has not been read: a cursor never jumps.
    #[error("record {0} has not been read")]
    Ahead(u64),
}

/// A segment that is being read.
#[derive(Debug)]
struct Segment {
    first: u64,
    file: BufReader<File>,
    /// Where the next line begins.
    at: u64,
    /// The number of the record there.
    number: u64,
}

/// One reader of a spool.
#[derive(Debug)]
pub struct Reader {
    directory: Directory,
    own: Directory,
    name: String,
    cursor: Cursor,
    /// The number of the record to read next.
    position: u64,
    segment: Option<Segment>,
}

impl Reader {
    /// Opens a spool for the reader `name` of a program, which may be new: then it begins with the
    /// oldest record there is. Goes on behind the last record that it has acknowledged.
    ///
    /// # Errors
    /// When there is no spool, or no place for the program's cursors that it may write.
    pub fn open(spool: &Path, owners: &Owners, program: &str, name: &str) -> io::Result<Self> {
        let directory = Directory::open(spool, owners)?.trusting_its_owner()?;
        let readers = directory.below(OsStr::new(READERS))?;
        let own = match readers.below(OsStr::new(program)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                readers.make_below(OsStr::new(program), 0o750)?;
                readers.below(OsStr::new(program))?
            }
            opened => opened?,
        };
        let spool = sensor_of(&directory)?.spool;
        let known = cursor::load(&own, name)?.filter(|cursor| cursor.spool == spool);
        let cursor = known.clone().unwrap_or(Cursor { spool, acknowledged: 0 });
        if known.is_none() {
            // From here on nothing is removed unread without being told.
            cursor::store(&own, name, &cursor)?;
        }
        let position = cursor.acknowledged.saturating_add(1);
        Ok(Self { directory, own, name: name.into(), cursor, position, segment: None })
    }

    /// The last record that it is done with; 0 before the first.
    pub const fn acknowledged(&self) -> u64 {
        self.cursor.acknowledged
    }

    /// The last record that was read.
    pub const fn last_read(&self) -> u64 {
        self.position - 1
    }

    /// The next record, if it is there.
    ///
    /// # Errors
    /// When the spool cannot be read.
    #[allow(clippy::should_implement_trait)] // an end today is none tomorrow
    pub fn next(&mut self) -> io::Result<Option<Read>> {
        loop {
            if self.segment.is_none() {
                match self.find()? {
                    Found::Segment => {}
                    Found::Gap(first) => return Ok(Some(self.gap(first))),
                    Found::Nothing => return Ok(None),
                }
            }
            let Some(segment) = &mut self.segment else { return Ok(None) };
            let Some(line) = segment.line()? else {
                // The end of what is written, or of a segment behind which another stands.
                let first = segment.first;
                let firsts = segments::list(&self.directory)?;
                let Some(later) = firsts.into_iter().find(|other| *other > first) else {
                    return Ok(None);
                };
                // It may have been added to between the two looks.
                let Some(segment) = &mut self.segment else { return Ok(None) };
                if segment.has_more()? {
                    continue;
                }
                self.segment = None;
                if later > self.position {
                    return Ok(Some(self.gap(later)));
                }
                continue;
            };
            let number = segment.number;
            segment.number += 1;
            if number < self.position {
                continue;
            }
            self.position = number + 1;
            return Ok(Some(match parse(&line) {
                Ok(record) => Read::Record(Box::new(record)),
                Err(Some(id)) => Read::Unknown(id),
                Err(None) => Read::Gap { from: number, to: number },
            }));
        }
    }

    /// Is done with everything up to this record, for good.
    ///
    /// # Errors
    /// When the cursor cannot be written: then it stays where it was. [`Refused`] inside an error of
    /// kind `InvalidInput` says that this record cannot be acknowledged.
    pub fn acknowledge(&mut self, number: u64) -> io::Result<()> {
        let refused = |why| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        if number < self.cursor.acknowledged {
            return refused(Refused::Back(number));
        }
        if number >= self.position {
            return refused(Refused::Ahead(number));
        }
        if number == self.cursor.acknowledged {
            return Ok(());
        }
        let cursor = Cursor { spool: self.cursor.spool.clone(), acknowledged: number };
        cursor::store(&self.own, &self.name, &cursor)?;
        self.cursor = cursor;
        Ok(())
    }

    /// Forgets the readers of the same program that have other names: nobody waits for them any more.
    ///
    /// # Errors
    /// What the system says.
    pub fn forget_others(&self, names: &[String]) -> io::Result<()> {
        let kept: Vec<String> = names.iter().map(|name| cursor::name(name)).collect();
        for file in self.own.names()? {
            let is_cursor = file.to_str().is_some_and(|name| !name.starts_with('.'));
            if is_cursor && !kept.iter().any(|name| **name == *file) {
                self.own.remove(&file)?;
            }
        }
        Ok(())
    }

    /// Opens the segment that holds the next record.
    fn find(&mut self) -> io::Result<Found> {
        let firsts = segments::list(&self.directory)?;
        let Some(first) = firsts.iter().rev().find(|first| **first <= self.position) else {
            return Ok(firsts.first().map_or(Found::Nothing, |first| Found::Gap(*first)));
        };
        let file = match self.directory.open_for_reading(&segments::name(*first)) {
            // It has just been removed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            opened => BufReader::new(opened?),
        };
        self.segment = Some(Segment { first: *first, file, at: 0, number: *first });
        Ok(Found::Segment)
    }

    /// Goes on with this record, past those that are gone.
    fn gap(&mut self, first: u64) -> Read {
        let gap = Read::Gap { from: self.position, to: first - 1 };
        self.position = first;
        gap
    }
}

enum Found {
    Segment,
    /// Nothing before this record.
    Gap(u64),
    Nothing,
}

impl Segment {
    /// The next whole line. Of half a line the writer has not said the rest yet.
    fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        self.file.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            self.file.seek(SeekFrom::Start(self.at))?;
            return Ok(None);
        }
        self.at += line.len() as u64;
        Ok(Some(line))
    }

    fn has_more(&mut self) -> io::Result<bool> {
        let (at, number) = (self.at, self.number);
        let more = self.line()?.is_some();
        (self.at, self.number) = (at, number);
        self.file.seek(SeekFrom::Start(at))?;
        Ok(more)
    }
}
