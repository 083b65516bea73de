//! Records on their way from one process to others: numbered segments of JSON lines.
//!
//! ```text
//! spool/sensor.json                      whose records these are
//! spool/00000000000000000001.jsonl       records 1 to 812, one a line
//! spool/00000000000000000813.jsonl       the one that is written
//! spool/readers/relay/tls-192.0.2.20.json   a reader: the last record that it is done with
//! ```
//!
//! One process writes ([`Spool`]); each reader ([`Reader`]) has a cursor of its own, which only it
//! moves, forwards, when it is done with what it has read. The sequence is dense and goes on over
//! restarts and crashes; what a reader could not get is a [`Read::Gap`] of known length.
//!
//! **What is lost, and when.** A record is in the kernel's hands before [`Spool::append`] returns, so a
//! process that is killed loses none; [`Spool::sync`] brings them to the disk, twice a second. Half a
//! line that a crash left is cut off at the next start. A disk that takes nothing makes records wait,
//! in bounded memory; beyond it they are counted and said, and have no number.
//!
//! **When a segment goes.** When every reader has passed it and it is old enough; or when all together
//! are larger, or it is older, than the bounds allow, and then what was unread is counted and said.
//! Age is by the records' own times, and never less than that of the segment before: a clock that was
//! set back keeps too much rather than too little.

mod cursor;
mod held;
mod read;
mod segments;
#[cfg(test)]
mod tests;
mod write;

use crate::{Language, Message, describe_in};

pub use read::{Read, Reader, Refused};
pub use write::{Bounds, Counts, Spool};

/// Whose records these are.
const SENSOR: &str = "sensor.json";
/// The directory of the readers.
const READERS: &str = "readers";
/// Written by the sensor, read by its group.
const MODE: u32 = 0o640;

/// What people must know of a spool, once each time it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpoolEvent {
    /// It cannot be written; records wait.
    Failing {
        /// Why.
        reason: String,
    },
    /// It can be written again, and what waited has been.
    Resumed {
        /// Records that waited.
        held: u64,
        /// Records for which there was no room.
        lost: u64,
    },
    /// What stood behind the last whole record was cut off at the start.
    Cut {
        /// How many bytes.
        bytes: u64,
    },
    /// A reader lost records: a bound was reached before it came.
    Unread {
        /// The reader.
        reader: String,
        /// How many records.
        records: u64,
    },
    /// An old segment cannot be removed.
    NotRemoved {
        /// Why.
        reason: String,
    },
}

impl SpoolEvent {
    /// Is it something to look after? What a crash left and was mended is not.
    pub const fn is_warning(&self) -> bool {
        !matches!(self, Self::Cut { .. })
    }

    /// As it is said.
    pub fn message(&self) -> Message {
        match self {
            Self::Failing { reason } => Message::new(
                format!(
                    "không ghi được hàng đợi bản ghi (spool): {}; bản ghi chờ trong bộ nhớ, tệp nhật ký không bị ảnh hưởng",
                    describe_in(Language::Vi, reason),
                ),
                format!(
                    "cannot write the spool: {reason}; records wait in memory, the log files are not concerned"
                ),
            ),
            Self::Resumed { held, lost } => Message::new(
                format!("đã ghi lại được spool: {held} bản ghi đã chờ, {lost} bản ghi bị mất"),
                format!(
                    "the spool can be written again: {held} records had waited, {lost} were lost"
                ),
            ),
            Self::Cut { bytes } => Message::new(
                format!(
                    "spool: đã cắt {bytes} byte của một bản ghi dở dang do lần dừng đột ngột trước"
                ),
                format!("the spool ended with {bytes} bytes of half a record, which were cut off"),
            ),
            Self::Unread { reader, records } => Message::new(
                format!(
                    "spool đã đầy hoặc quá hạn: {records} bản ghi bị xóa trước khi {reader} đọc; hãy kiểm tra {reader}, hoặc tăng spool.total_mb"
                ),
                format!(
                    "the spool is full or too old: {records} records were removed before {reader} had read them; look after {reader}, or raise spool.total_mb"
                ),
            ),
            Self::NotRemoved { reason } => Message::new(
                format!(
                    "không xóa được phần cũ của spool: {}; spool sẽ tiếp tục lớn lên",
                    describe_in(Language::Vi, reason),
                ),
                format!("an old part of the spool cannot be removed: {reason}; it goes on growing"),
            ),
        }
    }
}
