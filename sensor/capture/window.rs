//! A window over a byte stream: whole records are lent from one reused buffer.
//!
//! Knows nothing of formats. Grows only as bytes really arrive, never by what a length field
//! claims.

use std::io::{self, Read};

/// How much is asked of the reader at once.
const READ: usize = 256 * 1024;

/// The unread bytes of a stream.
pub(crate) struct Window {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes taken so far, for progress.
    pub(crate) taken: u64,
}

impl Window {
    /// Opens a window over a reader.
    pub(crate) fn new(reader: Box<dyn Read + Send>) -> Self {
        Self { reader, buffer: vec![0; READ], start: 0, end: 0, taken: 0 }
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
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
            let Some(free) = self.buffer.get_mut(self.end..) else { return Ok(false) };
            match self.reader.read(free) {
                Ok(0) => return Ok(false),
                Ok(n) => self.end += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
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
