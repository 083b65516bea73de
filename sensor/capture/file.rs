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

/// The largest record believed: more than any link's frame, small enough to be no weapon.
const MAX_RECORD: usize = 64 * 1024 * 1024;

/// A capture being read.
pub struct CaptureFile {
    name: String,
    window: Window,
    format: Format,
    filter: Option<Filter>,
    frames: u64,
}

enum Format {
    Pcap(PcapFormat),
    Pcapng(PcapngFormat),
}

/// A frame found in the window: it is lent only after the filter let it pass.
struct Found {
    time: Timestamp,
    link: LinkType,
    wire_length: u32,
    /// Bytes from the window's start to the frame, its length, and to the record's end.
    offset: usize,
    captured: usize,
    record: usize,
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
        let mut window = Window::new(reader);
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
        Ok(Self { name, window, format, filter: None, frames: 0 })
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

    /// Bytes of the (uncompressed) stream read so far.
    pub fn position(&self) -> u64 {
        self.window.taken
    }

    fn pcap(&mut self, format: PcapFormat) -> Result<Option<Found>, CaptureError> {
        if !self.fill(format.record_header)? {
            return self.at_end();
        }
        let Some(record) = format.record(self.window.bytes()) else { return self.at_end() };
        let captured = record.captured as usize;
        if captured > MAX_RECORD {
            return Err(self.damaged(format!("a record claims to hold {captured} bytes")));
        }
        let total = format.record_header + captured;
        if !self.fill(total)? {
            return self.at_end();
        }
        Ok(Some(Found {
            time: record.time,
            link: format.link,
            wire_length: record.wire_length,
            offset: format.record_header,
            captured,
            record: total,
        }))
    }

    fn pcapng(&mut self) -> Result<Option<Found>, CaptureError> {
        loop {
            if !self.fill(12)? {
                return self.at_end();
            }
            let Format::Pcapng(format) = &mut self.format else { return Ok(None) };
            if word(self.window.bytes(), 0, true) == Some(SECTION) {
                match PcapngFormat::section_order(self.window.bytes()) {
                    Some(big_endian) => format.begin_section(big_endian),
                    None => return Err(self.damaged("a section header has no byte order".into())),
                }
            }
            let big = format.big_endian;
            let kind = word(self.window.bytes(), 0, big).unwrap_or(0);
            let total = word(self.window.bytes(), 4, big).unwrap_or(0) as usize;
            if !(12..=MAX_RECORD).contains(&total) {
                return Err(self.damaged(format!("a block claims to be {total} bytes long")));
            }
            let padded = total.next_multiple_of(4);
            if !self.fill(padded)? {
                return self.at_end();
            }
            let body = self.window.bytes().get(8..total - 4).unwrap_or(&[]);
            let Format::Pcapng(format) = &mut self.format else { return Ok(None) };
            match format.block(kind, body) {
                Ok(Block::Other) => self.window.advance(padded),
                Ok(Block::Frame { time, link, wire_length, offset, captured }) => {
                    let offset = offset + 8;
                    let record = padded;
                    return Ok(Some(Found { time, link, wire_length, offset, captured, record }));
                }
                Err(what) => return Err(self.damaged(what)),
            }
        }
    }

    /// Nothing whole is left: a clean end, or a record that was cut.
    fn at_end(&self) -> Result<Option<Found>, CaptureError> {
        if self.window.bytes().is_empty() {
            return Ok(None);
        }
        Err(CaptureError::Cut { name: self.name.clone(), frames: self.frames })
    }

    #[inline]
    fn fill(&mut self, length: usize) -> Result<bool, CaptureError> {
        self.window.fill(length).map_err(|source| CaptureError::Read {
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
    fn next_frame(&mut self) -> Result<Next<'_>, CaptureError> {
        loop {
            let found = match &self.format {
                Format::Pcap(format) => self.pcap(*format)?,
                Format::Pcapng(_) => self.pcapng()?,
            };
            let Some(found) = found else { return Ok(Next::End) };
            self.frames += 1;
            if let Some(filter) = &mut self.filter {
                let bytes = self.window.bytes();
                let data = bytes.get(found.offset..found.offset + found.captured).unwrap_or(&[]);
                if !filter.accepts(found.link, data)? {
                    self.window.advance(found.record);
                    continue;
                }
            }
            let number = self.frames;
            let record = self.window.take(found.record).unwrap_or(&[]);
            let data = record.get(found.offset..found.offset + found.captured).unwrap_or(&[]);
            let Found { time, link, wire_length, .. } = found;
            // Some recorders write a wire length of zero or below what they captured.
            let wire_length = wire_length.max(found.captured as u32);
            return Ok(Next::Frame(Frame {
                time,
                link,
                wire_length,
                data,
                number,
                stripped_vlan: None,
            }));
        }
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
