//! Captures from files and pipes: pcap, pcapng and snoop, plain or packed.
//!
//! Our own reader instead of libpcap's, for what libpcap refuses: several link types in one
//! pcapng, packed files, and frames before a cut followed by a plain sentence about the cut.

use super::pcap_format::{Doubt, PcapFormat, word};
use super::pcap_variants::{self, settle};
use super::pcapng_format::{Block, PcapngFormat, SECTION};
use super::window::Window;
use super::{CaptureError, Filter, Frame, LinkType, Next, Source};
use crate::net::Timestamp;

mod open;

/// The largest record believed: more than any link's frame, small enough to be no weapon.
const MAX_RECORD: usize = 64 * 1024 * 1024;

/// Frames looked for at once; more would only make the list of them leave the cache.
const BATCH: usize = 1024;

/// A capture being read.
///
/// Frames are found in batches: all that lie whole in the window, in one tight loop, and are then
/// lent one after the other. That halved the instructions of reading a small frame.
pub struct CaptureFile {
    name: String,
    window: Window,
    format: Format,
    filter: Option<Filter>,
    /// Frames found so far, also those that the filter refused.
    frames: u64,
    /// When the first and the last of them were captured.
    first_time: Option<Timestamp>,
    last_time: Option<Timestamp>,
    /// The frames of the batch, by their place in the window.
    batch: Vec<Mark>,
    /// So many of them have been lent.
    lent: usize,
    /// Bytes of the window that the batch covers.
    found: usize,
}

enum Format {
    Pcap(PcapFormat),
    Pcapng(PcapngFormat),
}

/// A whole frame in the window.
#[derive(Clone, Copy)]
struct Mark {
    time: Timestamp,
    number: u64,
    /// Bytes from the window's start to the frame, and its length.
    offset: usize,
    captured: u32,
    wire_length: u32,
    link: LinkType,
}

/// May the reader be asked for more bytes? Only while there is no frame to lend: a pipe may be
/// silent for long.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ReadOn {
    Yes,
    No,
}

impl CaptureFile {
    /// Lends only frames that a BPF expression accepts.
    #[must_use]
    pub fn with_filter(mut self, filter: Option<Filter>) -> Self {
        self.filter = filter;
        self
    }

    /// The next frames that are at hand together, at least one of them; none at the end.
    ///
    /// # Errors
    /// As [`Source::next_frame`].
    pub fn next_frames(&mut self) -> Result<Option<impl Iterator<Item = Frame<'_>>>, CaptureError> {
        if self.lent >= self.batch.len() && !self.find_batch()? {
            return Ok(None);
        }
        let bytes = self.window.held();
        let marks = self.batch.get(self.lent..).unwrap_or(&[]);
        self.lent = self.batch.len();
        Ok(Some(marks.iter().map(move |mark| mark.frame(bytes))))
    }

    /// When the last frame found so far was captured, also one that the filter refused.
    pub const fn last_time(&self) -> Option<Timestamp> {
        self.last_time
    }

    /// When its first frame was captured, also one that the filter refused; none if there is none.
    /// To be asked before the frames are.
    ///
    /// # Errors
    /// As [`Source::next_frame`].
    pub fn first_time(&mut self) -> Result<Option<Timestamp>, CaptureError> {
        self.find_batch()?;
        Ok(self.first_time)
    }

    /// Finds the next batch. False at the end.
    fn find_batch(&mut self) -> Result<bool, CaptureError> {
        loop {
            self.window.advance(self.found);
            (self.found, self.lent) = (0, 0);
            self.batch.clear();
            if !self.find_record(ReadOn::Yes)? {
                return Ok(false);
            }
            // What is wrong behind frames is said when they have been lent.
            while self.batch.len() < BATCH && matches!(self.find_record(ReadOn::No), Ok(true)) {}
            if !self.batch.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Finds what follows: one record, or of a classic capture all that are at hand. False when
    /// no whole one is.
    fn find_record(&mut self, read_on: ReadOn) -> Result<bool, CaptureError> {
        match &self.format {
            Format::Pcap(format) => self.pcap(*format, read_on),
            Format::Pcapng(_) => self.pcapng(read_on),
        }
    }

    fn pcap(&mut self, format: PcapFormat, read_on: ReadOn) -> Result<bool, CaptureError> {
        let format = if format.doubt == Doubt::None { format } else { self.settle(format)? };
        if read_on == ReadOn::Yes {
            if !self.at_hand(format.record_header, read_on)? {
                return self.at_end();
            }
            let bytes = self.window.held();
            let Some(record) = format.record(bytes) else { return self.at_end() };
            let length = record.captured as usize + record.padding as usize;
            if length > MAX_RECORD {
                return Err(self.damaged(format!("a record claims to hold {length} bytes")));
            }
            if !self.at_hand(format.record_header + length, read_on)? {
                return self.at_end();
            }
            self.first_time = self.first_time.or(Some(record.time));
        }
        let before = self.found;
        self.pcap_at_hand(format)?;
        Ok(self.found > before)
    }

    /// Decides by the first records which variant of pcap this is.
    #[cold]
    fn settle(&mut self, format: PcapFormat) -> Result<PcapFormat, CaptureError> {
        let mut wanted = format.record_header;
        let more = loop {
            let more = self.at_hand(wanted, ReadOn::Yes)?;
            let bytes = self.window.held();
            if !more || bytes.len() >= pcap_variants::ENOUGH {
                break more;
            }
            if pcap_variants::fits_at_once(&format, bytes) {
                break true;
            }
            wanted = bytes.len() + 1;
        };
        let Some(settled) = settle(&format, self.window.held(), !more) else {
            return Err(self.damaged("its records are of no variant of pcap that is known".into()));
        };
        self.format = Format::Pcap(settled);
        Ok(settled)
    }

    /// Takes note of the records that are whole in the window.
    fn pcap_at_hand(&mut self, format: PcapFormat) -> Result<(), CaptureError> {
        let Self { window, batch, filter, .. } = self;
        let bytes = window.held();
        let (mut at, mut number, mut last) = (self.found, self.frames, self.last_time);
        while batch.len() < BATCH
            && let Some(record) = bytes.get(at..).and_then(|rest| format.record(rest))
        {
            let (offset, captured) = (at + format.record_header, record.captured as usize);
            let end = offset + captured + record.padding as usize;
            if captured > MAX_RECORD || bytes.len() < end {
                break;
            }
            number += 1;
            at = end;
            last = Some(record.time);
            let mark = Mark {
                time: record.time,
                number,
                offset,
                captured: record.captured,
                wire_length: record.wire_length,
                link: format.link,
            };
            if accepted(filter.as_mut(), &mark, bytes)? {
                batch.push(mark);
            }
        }
        (self.found, self.frames, self.last_time) = (at, number, last);
        Ok(())
    }

    /// Takes note of the next block, if it holds a frame.
    fn pcapng(&mut self, read_on: ReadOn) -> Result<bool, CaptureError> {
        if !self.at_hand(12, read_on)? {
            return if read_on == ReadOn::Yes { self.at_end() } else { Ok(false) };
        }
        let rest = self.window.held().get(self.found..).unwrap_or(&[]);
        let Format::Pcapng(format) = &mut self.format else { return Ok(false) };
        let section = word(rest, 0, true) == Some(SECTION);
        let big = match PcapngFormat::section_order(rest) {
            _ if !section => format.big_endian,
            Some(big_endian) => big_endian,
            None => return Err(self.damaged("a section header has no byte order".into())),
        };
        let kind = word(rest, 0, big).unwrap_or(0);
        let total = word(rest, 4, big).unwrap_or(0) as usize;
        if !(12..=MAX_RECORD).contains(&total) {
            return Err(self.damaged(format!("a block claims to be {total} bytes long")));
        }
        let padded = total.next_multiple_of(4);
        if !self.at_hand(padded, read_on)? {
            return if read_on == ReadOn::Yes { self.at_end() } else { Ok(false) };
        }
        let Self { window, format: Format::Pcapng(format), .. } = self else { return Ok(false) };
        if section {
            format.begin_section(big);
        }
        let body = (self.found + 8, self.found + total - 4);
        let block = format.block(kind, window.held().get(body.0..body.1).unwrap_or(&[]));
        match block {
            Ok(Block::Other) => {}
            Ok(Block::Frame { time, link, wire_length, offset, captured }) => {
                self.frames += 1;
                (self.first_time, self.last_time) = (self.first_time.or(Some(time)), Some(time));
                let offset = offset + body.0;
                let captured = u32::try_from(captured).unwrap_or(0);
                let number = self.frames;
                let mark = Mark { time, number, offset, captured, wire_length, link };
                if accepted(self.filter.as_mut(), &mark, self.window.held())? {
                    self.batch.push(mark);
                }
            }
            Err(what) => return Err(self.damaged(what)),
        }
        self.found += padded;
        Ok(true)
    }

    /// Nothing whole is left: a clean end, or a record that was cut.
    fn at_end(&self) -> Result<bool, CaptureError> {
        if self.window.held().len() <= self.found {
            return Ok(false);
        }
        Err(CaptureError::Cut { name: self.name.clone(), frames: self.frames })
    }

    /// Are so many bytes behind the batch at hand, or can they be read?
    #[inline]
    fn at_hand(&mut self, length: usize, read_on: ReadOn) -> Result<bool, CaptureError> {
        let needed = self.found + length;
        if read_on == ReadOn::No {
            return Ok(self.window.held().len() >= needed);
        }
        self.window.fill(needed).map_err(|source| CaptureError::Read {
            name: self.name.clone(),
            frames: self.frames,
            source,
        })
    }

    fn damaged(&self, what: String) -> CaptureError {
        CaptureError::Damaged { name: self.name.clone(), frames: self.frames, what }
    }
}

impl Source for CaptureFile {
    #[inline]
    fn next_frame(&mut self) -> Result<Next<'_>, CaptureError> {
        if self.lent >= self.batch.len() && !self.find_batch()? {
            return Ok(Next::End);
        }
        let Some(mark) = self.batch.get(self.lent) else { return Ok(Next::End) };
        self.lent += 1;
        Ok(Next::Frame(mark.frame(self.window.held())))
    }
}

impl Mark {
    /// The frame, out of the window it was found in.
    #[inline]
    fn frame<'a>(&self, bytes: &'a [u8]) -> Frame<'a> {
        let end = self.offset + self.captured as usize;
        Frame {
            time: self.time,
            link: self.link,
            // Some recorders write a wire length of zero or below what they captured.
            wire_length: self.wire_length.max(self.captured),
            data: bytes.get(self.offset..end).unwrap_or(&[]),
            number: self.number,
            stripped_vlan: None,
        }
    }
}

/// Does the filter, if there is one, let this frame pass?
#[inline]
fn accepted(filter: Option<&mut Filter>, mark: &Mark, bytes: &[u8]) -> Result<bool, CaptureError> {
    match filter {
        None => Ok(true),
        Some(filter) => filter.accepts(mark.link, mark.frame(bytes).data),
    }
}

#[cfg(test)]
mod tests;
