//! xz: streams one after the other, with padding between them.

use std::io::{self, Read};

use lzma_rust2::{Action, Status, XzStream};

use super::{WINDOW, wants_too_much};
use crate::capture::window::Window;

/// What a decoder needs besides the dictionary, in KiB.
const BESIDE: u32 = 1024;

/// What the streams of a file unpack to.
pub(super) struct Streams {
    packed: Window,
    decoder: XzStream,
    /// Bytes unpacked when the decoder was last asked: of a call that failed, only its counter says
    /// how many it gave.
    given: u64,
    /// Said when everything before has been lent.
    failed: Option<io::Error>,
    is_over: bool,
}

impl Streams {
    pub(super) fn new(packed: Window) -> Self {
        let limit = u32::try_from(WINDOW / 1024).unwrap_or(u32::MAX).saturating_add(BESIDE);
        let decoder = XzStream::new_mem_limit(true, limit);
        Self { packed, decoder, given: 0, failed: None, is_over: false }
    }

    /// Unpacks what there is. Returns how many bytes `out` got, and what broke behind them.
    fn process(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let more = self.packed.fill(1)?;
        let action = if more { Action::Run } else { Action::Finish };
        let result = self.decoder.process(self.packed.held(), out, action);
        let given = usize::try_from(self.decoder.total_out() - self.given).unwrap_or(0);
        self.given = self.decoder.total_out();
        match result {
            Ok(done) => {
                self.packed.advance(done.bytes_consumed);
                self.is_over = done.status == Status::StreamEnd;
                if !more && given == 0 && !self.is_over {
                    self.failed = Some(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::OutOfMemory => {
                self.failed = Some(wants_too_much());
            }
            Err(error) => self.failed = Some(error),
        }
        Ok(given)
    }
}

impl Read for Streams {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.is_over && !out.is_empty() {
            if let Some(error) = self.failed.take() {
                self.is_over = true;
                return Err(error);
            }
            match self.process(out)? {
                0 => {}
                given => return Ok(given),
            }
        }
        Ok(0)
    }
}
