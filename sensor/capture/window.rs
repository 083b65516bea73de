//! A window over a byte stream: whole records are lent from one reused buffer, or handed out with
//! the buffer they lie in.
//!
//! Knows nothing of formats. Grows only as bytes really arrive, never by what a length field
//! claims.

use std::io::{self, Read};
use std::sync::Arc;

use super::chunks::{Chunk, Chunks, HEADROOM};

/// How much is asked of a reader at once.
const READ: usize = 256 * 1024;

/// Where bytes come from.
enum Supply {
    Reader(Box<dyn Read + Send>),
    Chunks(Arc<Chunks>),
}

/// The unread bytes of a stream.
pub(crate) struct Window {
    supply: Supply,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Is a reader to fill the whole buffer before anything is taken from it? Never a pipe, which
    /// may be silent for long.
    eager: bool,
    /// What the reader said behind the bytes at hand.
    failed: Option<io::Error>,
    /// Bytes taken so far, for progress.
    pub(crate) taken: u64,
}

impl Window {
    /// Opens a window over a reader.
    pub(crate) fn new(reader: Box<dyn Read + Send>) -> Self {
        Self::over(Supply::Reader(reader))
    }

    /// Opens a window over a file that is read in chunks.
    pub(crate) fn in_chunks(chunks: Arc<Chunks>) -> Self {
        Self::over(Supply::Chunks(chunks))
    }

    const fn over(supply: Supply) -> Self {
        Self { supply, buffer: Vec::new(), start: 0, end: 0, eager: false, failed: None, taken: 0 }
    }

    /// From now on reads as much at once as the buffer holds.
    pub(crate) const fn be_eager(&mut self) {
        self.eager = true;
    }

    /// Makes at least `length` bytes available if the stream has them; says whether it has.
    ///
    /// # Errors
    /// Whatever the reader says.
    #[inline]
    pub(crate) fn fill(&mut self, length: usize) -> io::Result<bool> {
        if self.end - self.start >= length {
            return Ok(true);
        }
        self.fill_slowly(length)
    }

    #[cold]
    fn fill_slowly(&mut self, length: usize) -> io::Result<bool> {
        while self.end - self.start < length {
            let more = match &self.supply {
                Supply::Reader(_) => self.read()?,
                Supply::Chunks(chunks) => {
                    let chunk = chunks.next()?;
                    self.append(chunk)
                }
            };
            if !more {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads what one call gives, or all that has room. False at the end.
    fn read(&mut self) -> io::Result<bool> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            // Doubling: the buffer is at most twice what has truly been read.
            self.buffer.resize((self.buffer.len() * 2).max(READ), 0);
        }
        let Supply::Reader(reader) = &mut self.supply else { return Ok(false) };
        let before = self.end;
        while let Some(free) = self.buffer.get_mut(self.end..).filter(|free| !free.is_empty()) {
            match reader.read(free) {
                Ok(0) => break,
                Ok(bytes) => self.end += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if self.end == before => return Err(error),
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
            if !self.eager {
                break;
            }
        }
        Ok(self.end > before)
    }

    /// Puts a chunk behind what is at hand: in its own buffer, if that fits before it. False if
    /// it is empty.
    fn append(&mut self, chunk: Chunk) -> bool {
        let Chunk { mut buffer, end } = chunk;
        if end == HEADROOM {
            return false;
        }
        let left = self.buffer.get(self.start..self.end).unwrap_or(&[]);
        if let Some(start) = HEADROOM.checked_sub(left.len())
            && let Some(room) = buffer.get_mut(start..HEADROOM)
        {
            room.copy_from_slice(left);
            (self.start, self.end) = (start, end);
            std::mem::swap(&mut self.buffer, &mut buffer);
        } else {
            self.buffer.truncate(self.end);
            self.buffer.extend_from_slice(buffer.get(HEADROOM..end).unwrap_or(&[]));
            self.end = self.buffer.len();
        }
        if let Some(chunks) = self.chunks() {
            chunks.give_back(buffer);
        }
        true
    }

    /// Hands out the buffer and where in it the first `length` bytes at hand begin. The bytes
    /// behind them stay.
    pub(crate) fn hand_out(&mut self, length: usize) -> (Vec<u8>, usize) {
        let start = self.start;
        self.advance(length);
        let left = self.bytes().to_vec();
        (self.start, self.end) = (0, left.len());
        (std::mem::replace(&mut self.buffer, left), start)
    }

    /// Who takes back a buffer that was handed out.
    pub(crate) fn chunks(&self) -> Option<&Arc<Chunks>> {
        match &self.supply {
            Supply::Chunks(chunks) => Some(chunks),
            Supply::Reader(_) => None,
        }
    }

    /// The bytes at hand; at least as many as the last successful [`Window::fill`] asked for.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or(&[])
    }

    /// The first `length` bytes at hand, if there are so many.
    #[inline]
    pub(crate) fn peek(&self, length: usize) -> Option<&[u8]> {
        self.bytes().get(..length)
    }

    /// Drops bytes from the front; at most what is at hand.
    #[inline]
    pub(crate) fn advance(&mut self, length: usize) {
        let length = length.min(self.end - self.start);
        self.start += length;
        self.taken += length as u64;
    }
}
