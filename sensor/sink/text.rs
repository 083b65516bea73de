//! Records as lines to any destination: what the ward tails.

use std::io;

use wardwatch_record::{AlertRecord, Notice};

use super::file::{LineOut, Weight};
use super::{Losses, Sink, Trouble};
use crate::net::Timestamp;

pub use wardwatch_record::LineFormat;

/// Lines to any destination.
pub struct TextSink<W> {
    format: LineFormat,
    out: W,
}

impl<W: LineOut> TextSink<W> {
    /// A sink that writes lines to `out`.
    pub const fn new(format: LineFormat, out: W) -> Self {
        Self { format, out }
    }
}

impl<W: LineOut> Sink for TextSink<W> {
    fn alert(&mut self, alert: &AlertRecord) -> io::Result<()> {
        let mut line = self.format.line(alert);
        line.push('\n');
        self.out.line(line.as_bytes(), Weight::Alert { fold: alert.fold() })
    }

    fn notice(&mut self, notice: &Notice) -> io::Result<()> {
        let mut line = self.format.notice(notice);
        line.push('\n');
        self.out.line(line.as_bytes(), Weight::Notice)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn losses(&self) -> Losses {
        self.out.losses()
    }

    fn reopen(&mut self) {
        self.out.reopen();
    }

    fn tend(&mut self, now: Timestamp, say: &mut dyn FnMut(Trouble)) {
        self.out.tend(now, say);
    }
}
