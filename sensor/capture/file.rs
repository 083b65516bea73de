//! Captures from files and standard input: pcap and pcapng, plain or in gzip.
//!
//! Our own reader instead of libpcap's, for what libpcap refuses: several link types in one
//! pcapng, compressed files, and frames before a cut followed by a plain sentence about the cut.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::pcap_format::{FILE_HEADER, PcapFormat, word};
use super::pcapng_format::{Block, PcapngFormat, SECTION};
use super::stdin::Stdin;
use super::window::Window;
use super::{CaptureError, Filter, Frame, LinkType, Next, Source};
use crate::net::Timestamp;

mod blocks;

pub use blocks::FrameBlock;

/// The largest record believed: more than any link's frame, small enough to be no weapon.
const MAX_RECORD: usize = 64 * 1024 * 1024;

/// Frames looked for at once if they are lent one by one; more would only make the list of them
/// leave the cache.
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
    /// The frames of the batch, by their place in the window, and how many it may have.
    batch: Vec<Mark>,
    most: usize,
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
    /// Opens a file by its path.
    ///
    /// # Errors
    /// When it cannot be opened or is no capture.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| {
            if file.metadata()?.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            Ok(file)
        });
        match opened {
            Ok(file) => Self::from_reader(name, Box::new(file)),
            Err(source) => Err(CaptureError::Open { name, source }),
        }
    }

    /// Reads standard input, to its end or until `stop` is set.
    ///
    /// # Errors
    /// When it is no capture.
    pub fn stdin(stop: Arc<AtomicBool>) -> Result<Self, CaptureError> {
        let name = || String::from("standard input");
        let stdin =
            Stdin::new(stop).map_err(|source| CaptureError::Open { name: name(), source })?;
        Self::from_reader(name(), Box::new(stdin))
    }

    /// Reads any stream of bytes; `name` is for messages.
    ///
    /// # Errors
    /// When it is no capture.
    pub fn from_reader(name: String, reader: Box<dyn Read + Send>) -> Result<Self, CaptureError> {
        Self::from_window(name, Window::new(reader))
    }

    fn from_window(name: String, mut window: Window) -> Result<Self, CaptureError> {
        let read = |name: &str, source| CaptureError::Read { name: name.into(), frames: 0, source };
        let mut have = window.fill(4).map_err(|e| read(&name, e))?;
        if window.bytes().starts_with(&[0x1f, 0x8b]) {
            window = Window::new(Box::new(flate2::read::MultiGzDecoder::new(Rest(window))));
            have = window.fill(4).map_err(|e| read(&name, e))?;
        }
        if !have {
            let what = if window.bytes().is_empty() { "it is empty" } else { "it is too short" };
            return Err(CaptureError::NotACapture { name, what: what.into() });
        }
        let format = Self::format(&name, &mut window)?;
        Ok(Self {
            name,
            window,
            format,
            filter: None,
            frames: 0,
            batch: Vec::with_capacity(BATCH),
            most: BATCH,
            lent: 0,
            found: 0,
        })
    }

    fn format(name: &str, window: &mut Window) -> Result<Format, CaptureError> {
        let not = |what: &str| CaptureError::NotACapture { name: name.into(), what: what.into() };
        let read = |source| CaptureError::Read { name: name.into(), frames: 0, source };
        if word(window.bytes(), 0, true) == Some(SECTION) {
            window.fill(12).map_err(read)?;
            return match PcapngFormat::section_order(window.bytes()) {
                Some(_) => Ok(Format::Pcapng(PcapngFormat::default())),
                None => Err(not("its pcapng section header is damaged")),
            };
        }
        window.fill(FILE_HEADER).map_err(read)?;
        match (PcapFormat::read(window.bytes()), window.peek(FILE_HEADER)) {
            (Some(format), Some(_)) => {
                window.advance(FILE_HEADER);
                Ok(Format::Pcap(format))
            }
            _ => Err(not("its first bytes are not a capture's")),
        }
    }

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
        let bytes = self.window.bytes();
        let marks = self.batch.get(self.lent..).unwrap_or(&[]);
        self.lent = self.batch.len();
        Ok(Some(marks.iter().map(move |mark| mark.frame(bytes))))
    }

    /// Bytes of the (uncompressed) stream read so far.
    pub fn position(&self) -> u64 {
        self.window.taken
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
            while self.batch.len() < self.most && matches!(self.find_record(ReadOn::No), Ok(true)) {
            }
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
        if read_on == ReadOn::Yes {
            if !self.at_hand(format.record_header, read_on)? {
                return self.at_end();
            }
            let bytes = self.window.bytes();
            let Some(record) = format.record(bytes) else { return self.at_end() };
            let captured = record.captured as usize;
            if captured > MAX_RECORD {
                return Err(self.damaged(format!("a record claims to hold {captured} bytes")));
            }
            if !self.at_hand(format.record_header + captured, read_on)? {
                return self.at_end();
            }
        }
        let before = self.found;
        self.pcap_at_hand(format)?;
        Ok(self.found > before)
    }

    /// Takes note of the records that are whole in the window.
    fn pcap_at_hand(&mut self, format: PcapFormat) -> Result<(), CaptureError> {
        let Self { window, batch, filter, most, .. } = self;
        let bytes = window.bytes();
        let (mut at, mut number) = (self.found, self.frames);
        while batch.len() < *most
            && let Some(record) = bytes.get(at..).and_then(|rest| format.record(rest))
        {
            let (offset, captured) = (at + format.record_header, record.captured as usize);
            if captured > MAX_RECORD || bytes.len() - offset < captured {
                break;
            }
            number += 1;
            at = offset + captured;
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
        (self.found, self.frames) = (at, number);
        Ok(())
    }

    /// Takes note of the next block, if it holds a frame.
    fn pcapng(&mut self, read_on: ReadOn) -> Result<bool, CaptureError> {
        if !self.at_hand(12, read_on)? {
            return if read_on == ReadOn::Yes { self.at_end() } else { Ok(false) };
        }
        let rest = self.window.bytes().get(self.found..).unwrap_or(&[]);
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
        let block = format.block(kind, window.bytes().get(body.0..body.1).unwrap_or(&[]));
        match block {
            Ok(Block::Other) => {}
            Ok(Block::Frame { time, link, wire_length, offset, captured }) => {
                self.frames += 1;
                let offset = offset + body.0;
                let captured = u32::try_from(captured).unwrap_or(0);
                let number = self.frames;
                let mark = Mark { time, number, offset, captured, wire_length, link };
                if accepted(self.filter.as_mut(), &mark, self.window.bytes())? {
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
        if self.window.bytes().len() <= self.found {
            return Ok(false);
        }
        Err(CaptureError::Cut { name: self.name.clone(), frames: self.frames })
    }

    /// Are so many bytes behind the batch at hand, or can they be read?
    #[inline]
    fn at_hand(&mut self, length: usize, read_on: ReadOn) -> Result<bool, CaptureError> {
        let needed = self.found + length;
        if read_on == ReadOn::No {
            return Ok(self.window.bytes().len() >= needed);
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
        Ok(Next::Frame(mark.frame(self.window.bytes())))
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

/// The rest of a window as a reader, for decompression.
struct Rest(Window);

impl Read for Rest {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.fill(1)?;
        let bytes = self.0.bytes();
        let length = bytes.len().min(out.len());
        if let (Some(from), Some(to)) = (bytes.get(..length), out.get_mut(..length)) {
            to.copy_from_slice(from);
        }
        self.0.advance(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests;
