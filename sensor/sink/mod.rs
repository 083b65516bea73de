//! Stage 8: full alerts become bytes: the log, EVE, the terminal, the summary.
//!
//! Owns formats and open files. Decides nothing about what is alerted.

pub mod clock;
pub mod escape;
pub mod eve;
pub mod file;
pub mod heartbeat;
pub mod log;
pub mod status;
pub mod summary;
pub mod text;

use std::io;
use std::path::PathBuf;

use crate::alert::Event;
use crate::enrich::FullAlert;
use crate::net::Timestamp;

pub use clock::Clock;
pub use status::Status;

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

/// Somewhere records go.
pub trait Sink {
    /// Takes an alert.
    ///
    /// # Errors
    /// When it could not be written.
    fn alert(&mut self, alert: &FullAlert<'_>) -> io::Result<()>;

    /// Takes an event record. Most sinks want none.
    ///
    /// # Errors
    /// When it could not be written.
    fn event(&mut self, _event: &Event) -> io::Result<()> {
        Ok(())
    }

    /// Takes a line about the sensor itself, without its line end.
    ///
    /// # Errors
    /// When it could not be written.
    fn notice(&mut self, _line: &str) -> io::Result<()> {
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

    /// Opens its file anew, if it has one (after a rotation).
    fn reopen(&mut self) {}

    /// Lets time pass: retries, syncs, rotates. Called about ten times a second.
    fn tend(&mut self, _now: Timestamp, _say: &mut dyn FnMut(Trouble)) {}
}
