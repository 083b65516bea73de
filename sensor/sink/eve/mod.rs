//! EVE JSON lines in Suricata's schema: one record a line. Alerts are written out of records; records of
//! messages and of the sensor's state are made here.

mod event;
mod stats;

use std::io;

use serde::Serialize;
use wardwatch_record::eve::{self, Envelope};
use wardwatch_record::{AlertRecord, Time};

use super::file::{LineOut, Weight};
use super::{Clock, EveClock, Losses, Sink, Status, Trouble};
use crate::alert::Event;
use crate::enrich::packet;
use crate::net::Timestamp;

/// EVE lines to any destination.
pub struct EveSink<W> {
    clock: EveClock,
    out: W,
    line: Vec<u8>,
}

impl<W: LineOut> EveSink<W> {
    /// A sink that writes lines to `out`.
    pub fn new(clock: Clock, out: W) -> Self {
        Self { clock: EveClock::new(clock), out, line: Vec::new() }
    }

    /// One whole line in one write, so that no reader sees half of it.
    fn write(&mut self, record: &impl Serialize, weight: Weight) -> io::Result<()> {
        self.line.clear();
        eve::write_line(record, &mut self.line)?;
        self.out.line(&self.line, weight)
    }
}

impl<W: LineOut> Sink for EveSink<W> {
    fn alert(&mut self, alert: &AlertRecord) -> io::Result<()> {
        let weight = Weight::Alert { fold: alert.fold() };
        self.write(&eve::alert(alert, &self.clock), weight)
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        let name = event::type_of(&event.body);
        let sighting = packet::sighting(&event.sighting);
        let time = Time::from(event.sighting.time.0);
        let envelope = Envelope::new(name, time, &sighting, &self.clock);
        self.write(&event::record(envelope, &event.body), Weight::Event)
    }

    fn status(&mut self, status: &Status) -> io::Result<()> {
        self.write(&stats::record(status, &self.clock), Weight::Event)
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
