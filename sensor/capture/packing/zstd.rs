//! zstd (RFC 8878): frames and frames to be skipped, one after the other.

use std::io::{self, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{WINDOW, damaged, wants_too_much};
use crate::capture::window::Window;

/// An empty last block and a checksum: makes a decoder give away what it holds back.
const END: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

/// What the frames of a stream unpack to.
pub(super) struct Frames {
    packed: Window,
    decoder: FrameDecoder,
    /// A frame was begun and its end is not yet read.
    is_amid: bool,
    /// Said when everything before has been lent.
    failed: Option<io::Error>,
}

impl Frames {
    pub(super) fn new(packed: Window) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW as u64);
        Self { packed, decoder, is_amid: false, failed: None }
    }

    /// Begins the next frame. False at the end of the stream.
    fn begin(&mut self) -> io::Result<bool> {
        while self.packed.fill(1)? {
            if !self.packed.fill(4)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match self.decoder.init(&mut self.packed) {
                Ok(()) => {
                    self.is_amid = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => self.skip(length)?,
                Err(FrameDecoderError::WindowSizeTooBig { .. }) => return Err(wants_too_much()),
                Err(error) => return Err(self.why(error)),
            }
        }
        Ok(false)
    }

    fn skip(&mut self, length: u32) -> io::Result<()> {
        let mut left = (&mut self.packed).take(length.into());
        let skipped = io::copy(&mut left, &mut io::sink())?;
        if skipped < length.into() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// Unpacks one block of the frame.
    fn decode(&mut self) -> io::Result<()> {
        let one = BlockDecodingStrategy::UptoBlocks(1);
        if let Err(error) = self.decoder.decode_blocks(&mut self.packed, one) {
            return Err(self.why(error));
        }
        Ok(())
    }

    /// The frame was read to its end: does its checksum hold?
    fn end(&mut self) -> io::Result<()> {
        self.is_amid = false;
        match self.decoder.get_checksum_from_data() {
            Some(told) if Some(told) != self.decoder.get_calculated_checksum() => {
                Err(damaged("a checksum does not hold"))
            }
            _ => Ok(()),
        }
    }

    /// What broke, in an error's kind: at the end of the stream it is cut short.
    fn why(&mut self, error: FrameDecoderError) -> io::Error {
        match self.packed.fill(1) {
            Ok(false) => io::ErrorKind::UnexpectedEof.into(),
            Ok(true) => damaged(error),
            Err(error) => error,
        }
    }

    /// Notes what broke. What the decoder holds back for its window is lent before it is said.
    fn fail(&mut self, error: io::Error) {
        if std::mem::take(&mut self.is_amid) {
            let one = BlockDecodingStrategy::UptoBlocks(1);
            let _ = self.decoder.decode_blocks(&END[..], one);
        }
        self.failed = Some(error);
    }

    fn advance(&mut self) -> io::Result<bool> {
        if self.is_amid && self.decoder.is_finished() {
            self.end()?;
        }
        if !self.is_amid && !self.begin()? {
            return Ok(false);
        }
        self.decode()?;
        Ok(true)
    }
}

impl Read for Frames {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(out);
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return Ok(0),
                Err(error) => self.fail(error),
            }
        }
    }
}
