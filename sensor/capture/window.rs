//! A window over a byte stream: whole records are lent from one reused buffer.
//!
//! Knows nothing of formats. Grows only as bytes really arrive, never by what a length field
//! claims.

use std::io::{self, Read};

/// How much is asked of a reader at once.
const READ: usize = 256 * 1024;

/// The unread bytes of a stream.
pub(crate) struct Window {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Window {
    /// Opens a window over a reader.
    pub(crate) const fn new(reader: Box<dyn Read + Send>) -> Self {
        Self { reader, buffer: Vec::new(), start: 0, end: 0 }
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
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        while self.end < length {
            if self.end == self.buffer.len() {
                // Doubling: the buffer is at most twice what has truly been read.
                self.buffer.resize((self.buffer.len() * 2).max(READ), 0);
            }
            let free = self.buffer.get_mut(self.end..).unwrap_or(&mut []);
            match self.reader.read(free) {
                Ok(0) => return Ok(false),
                Ok(bytes) => self.end += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// The bytes at hand; at least as many as the last successful [`Window::fill`] asked for.
    #[inline]
    pub(crate) fn held(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or(&[])
    }

    /// Drops bytes from the front; at most what is at hand.
    #[inline]
    pub(crate) fn advance(&mut self, length: usize) {
        self.start += length.min(self.end - self.start);
    }
}

/// As a plain reader, for what unpacks: first what is at hand, then what the reader gives.
impl Read for Window {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.fill(1)?;
        let length = self.held().read(out)?;
        self.advance(length);
        Ok(length)
    }
}
