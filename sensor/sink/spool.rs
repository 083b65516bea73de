//! Records for other programs: alerts, what the sensor says of itself, and how it fares, into the spool.
//!
//! Stands before every other sink: an alert is in the spool before a line of it stands in the log, so
//! that whatever a person may have read is never missing there, whenever the process is killed.

use std::io;

use wardwatch_record::spool::Spool;
use wardwatch_record::{AlertRecord, Body, Notice, Time, status};

use super::log::is_due;
use super::{Losses, Sink, Trouble};
use crate::net::Timestamp;

/// How late records reach the disk, in nanoseconds: not later than the lines of the log.
const SYNC: u64 = 500_000_000;

/// Writes records into a spool.
pub struct SpoolSink {
    spool: Spool,
    now: Timestamp,
    synced: Timestamp,
}

impl SpoolSink {
    /// A sink into this spool, which begins to write at this time.
    pub const fn new(spool: Spool, now: Timestamp) -> Self {
        Self { spool, now, synced: now }
    }

    fn append(&mut self, body: Body) {
        self.spool.append(Time::from(self.now.0), body);
    }
}

impl Sink for SpoolSink {
    fn alert(&mut self, alert: &AlertRecord) -> io::Result<()> {
        self.append(Body::Alert(Box::new(alert.clone())));
        Ok(())
    }

    fn notice(&mut self, notice: &Notice) -> io::Result<()> {
        self.append(Body::Notice(notice.clone()));
        Ok(())
    }

    fn report(&mut self, status: &status::Status) -> io::Result<()> {
        // Its figures are many, and of this moment only.
        let status = status::Status { figures: Vec::new(), ..status.clone() };
        self.append(Body::Status(Box::new(status)));
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn losses(&self) -> Losses {
        let counts = self.spool.counts();
        Losses {
            waiting: counts.waiting,
            unspooled: counts.lost,
            unread: counts.unread,
            ..Losses::default()
        }
    }

    fn tend(&mut self, now: Timestamp, say: &mut dyn FnMut(Trouble)) {
        self.now = now;
        if is_due(now, self.synced, SYNC) {
            self.synced = now;
            self.spool.sync();
        }
        self.spool.tend(Time::from(now.0), &mut |event| say(Trouble::Spool(event)));
    }
}
