//! Where lines go: the trait every destination of lines has.

use std::io::{self, Write};

use super::{Losses, Trouble};
use crate::net::Timestamp;

/// What a line is worth while it cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// An alert: kept until it is written. Of lines with the same number the latest may stand
    /// for all when memory runs short.
    Alert {
        /// The same for the same host and indicator.
        fold: u64,
    },
    /// A line about the sensor: kept while there is room.
    Notice,
    /// A record of traffic: dropped and counted.
    Event,
}

/// Takes whole lines.
pub trait LineOut {
    /// Takes a line, with its line end.
    ///
    /// # Errors
    /// When it could not be written and is not kept either.
    fn line(&mut self, line: &[u8], weight: Weight) -> io::Result<()>;

    /// Hands everything to the system.
    ///
    /// # Errors
    /// When it could not be written and is not kept either.
    fn flush(&mut self) -> io::Result<()>;

    /// What it could not deliver since the start.
    fn losses(&self) -> Losses {
        Losses::default()
    }

    /// Begins anew after the file was moved away; nothing to do where there is none.
    fn reopen(&mut self) {}

    /// Lets time pass: retries, syncs, rotates. What people must know is said.
    fn tend(&mut self, _now: Timestamp, _say: &mut dyn FnMut(Trouble)) {}
}

impl<W: Write> LineOut for W {
    fn line(&mut self, line: &[u8], _weight: Weight) -> io::Result<()> {
        self.write_all(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(self)
    }
}
