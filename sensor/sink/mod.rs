//! Stage 8: full alerts become bytes: the log, EVE, the terminal, the summary.
//!
//! Owns formats and open files. Decides nothing about what is alerted.

pub mod clock;
pub mod escape;
pub mod eve;
pub mod file;
pub mod heartbeat;
pub mod summary;
pub mod text;

use std::io;

use crate::alert::Event;
use crate::enrich::FullAlert;

pub use clock::Clock;

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

    /// Opens its file anew, if it has one (after a rotation).
    ///
    /// # Errors
    /// When it cannot be opened.
    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }
}
