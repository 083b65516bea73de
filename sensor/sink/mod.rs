//! Stage 8: records become bytes: the log, EVE, the terminal, the summary.
//!
//! Owns formats and open files. Decides nothing about what is alerted.

pub mod eve;
pub mod file;
pub mod heartbeat;
pub mod log;
pub mod spool;
pub mod status;
pub mod stream;
pub mod summary;
pub mod target;
pub mod text;

use std::io;
use std::path::PathBuf;

use wardwatch_record::spool::SpoolEvent;
use wardwatch_record::{AlertRecord, Notice};

use crate::alert::Event;
use crate::net::Timestamp;

pub use status::Status;
pub use wardwatch_record::clock::{Clock, EveClock};
pub use wardwatch_record::{clock, escape};

pub mod report {
    //! `status.json`: its form is that of the record.
    pub use wardwatch_record::status::{DAYS, Day, Interface, LONGEST, NAME, Status as Report};
}

/// What people must know of a destination, once each time it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Cannot be written; alerts wait.
    Failing {
        /// The file or address.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Can be written again, and what waited has been.
    Resumed {
        /// The file or address.
        path: PathBuf,
        /// Lines that waited.
        held: usize,
        /// Alerts for which a later one of the same host and indicator stands.
        folded: u64,
        /// Lines for which there was no room.
        gone: u64,
        /// Event records dropped.
        events: u64,
    },
    /// A reader does not take lines; they wait in a bounded queue.
    Unreachable {
        /// Its address.
        target: String,
        /// Why.
        reason: String,
    },
    /// It takes them again.
    Reachable {
        /// Its address.
        target: String,
        /// Messages for which the queue had no room.
        dropped: u64,
    },
    /// A destination takes lines, but too slowly: its queue is full.
    TooSlow {
        /// Its address.
        target: String,
        /// Lines for which the queue had no room since this was last said.
        dropped: u64,
    },
    /// Nobody reads standard output or standard error any more.
    Closed {
        /// Which.
        target: String,
        /// Why.
        reason: String,
    },
    /// Something of the spool.
    Spool(SpoolEvent),
    /// The disk did not confirm what was written.
    NotSynced {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Is full or old, but cannot be given another name; it goes on growing.
    NotRotated {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Lines that did not reach a destination, or not yet, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Lines that wait for a disk, now.
    pub waiting: u64,
    /// Alerts for which a later one of the same host and indicator stands.
    pub folded: u64,
    /// Lines for which memory had no room; standard error has them.
    pub gone: u64,
    /// Event records dropped while a disk took nothing.
    pub events: u64,
    /// Lines that a reader of standard output did not get.
    pub undelivered: u64,
    /// Records for which the spool had no room while its disk took nothing.
    pub unspooled: u64,
    /// Records of the spool that were removed before a reader had read them.
    pub unread: u64,
}

impl Losses {
    /// Adds those of another destination.
    pub const fn add(&mut self, other: Self) {
        self.waiting += other.waiting;
        self.folded += other.folded;
        self.gone += other.gone;
        self.events += other.events;
        self.undelivered += other.undelivered;
        self.unspooled += other.unspooled;
        self.unread += other.unread;
    }
}

/// Somewhere records go.
pub trait Sink {
    /// Takes an alert.
    ///
    /// # Errors
    /// When it could not be written.
    fn alert(&mut self, alert: &AlertRecord) -> io::Result<()>;

    /// Takes an event record. Most sinks want none.
    ///
    /// # Errors
    /// When it could not be written.
    fn event(&mut self, _event: &Event) -> io::Result<()> {
        Ok(())
    }

    /// Takes what the sensor says of itself.
    ///
    /// # Errors
    /// When it could not be written.
    fn notice(&mut self, _notice: &Notice) -> io::Result<()> {
        Ok(())
    }

    /// Hands everything to the system.
    ///
    /// # Errors
    /// When it could not be written.
    fn flush(&mut self) -> io::Result<()>;

    /// Takes the state of the sensor, once a minute.
    ///
    /// # Errors
    /// When it could not be written.
    fn status(&mut self, _status: &Status) -> io::Result<()> {
        Ok(())
    }

    /// Takes how the sensor fares, for those who ask other programs: at the start, every hour, at the
    /// end.
    ///
    /// # Errors
    /// When it could not be written.
    fn report(&mut self, _status: &wardwatch_record::Status) -> io::Result<()> {
        Ok(())
    }

    /// What it could not deliver since the start.
    fn losses(&self) -> Losses {
        Losses::default()
    }

    /// Opens its file anew, if it has one (after a rotation).
    fn reopen(&mut self) {}

    /// Lets time pass: retries, syncs, rotates. Called about ten times a second.
    fn tend(&mut self, _now: Timestamp, _say: &mut dyn FnMut(Trouble)) {}
}
