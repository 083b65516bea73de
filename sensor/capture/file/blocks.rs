//! A capture in blocks: whole frames and the memory they lie in, to be read by several threads.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::{CaptureFile, Mark};
use crate::capture::chunks::Chunks;
use crate::capture::window::Window;
use crate::capture::{CaptureError, Frame};

/// Frames that follow each other in a capture.
pub struct FrameBlock {
    bytes: Vec<u8>,
    /// Where in `bytes` the places of the marks are counted from.
    start: usize,
    marks: Vec<Mark>,
    /// Who uses the memory again.
    chunks: Option<Arc<Chunks>>,
}

impl Drop for FrameBlock {
    fn drop(&mut self) {
        if let Some(chunks) = &self.chunks {
            chunks.give_back(std::mem::take(&mut self.bytes));
        }
    }
}

impl CaptureFile {
    /// Opens a regular file to be read block by block ([`CaptureFile::next_block`]). Other
    /// threads may help with [`Chunks::read_ahead`].
    ///
    /// # Errors
    /// When it is no capture.
    pub fn in_blocks(path: &Path, file: File) -> Result<(Self, Arc<Chunks>), CaptureError> {
        let chunks = Arc::new(Chunks::new(file));
        let window = Window::in_chunks(chunks.clone());
        let mut capture = Self::from_window(path.display().to_string(), window)?;
        capture.window.be_eager();
        capture.most = usize::MAX;
        Ok((capture, chunks))
    }

    /// The next block; none at the end.
    ///
    /// # Errors
    /// As [`Source::next_frame`](crate::capture::Source::next_frame): every frame before the
    /// damage has been handed out by then.
    pub fn next_block(&mut self) -> Result<Option<FrameBlock>, CaptureError> {
        if !self.find_batch()? {
            return Ok(None);
        }
        let (bytes, start) = self.window.hand_out(self.found);
        self.found = 0;
        // The next block has about as many frames.
        let spare = Vec::with_capacity(self.batch.len() + self.batch.len() / 8);
        let marks = std::mem::replace(&mut self.batch, spare);
        Ok(Some(FrameBlock { bytes, start, marks, chunks: self.window.chunks().cloned() }))
    }
}

impl FrameBlock {
    /// How many frames there are.
    pub const fn len(&self) -> usize {
        self.marks.len()
    }

    /// No frame at all?
    pub const fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// One of the frames.
    #[inline]
    pub fn frame(&self, nth: usize) -> Option<Frame<'_>> {
        let bytes = self.bytes.get(self.start..)?;
        self.marks.get(nth).map(|mark| mark.frame(bytes))
    }

    /// The frames in order.
    pub fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        let bytes = self.bytes.get(self.start..).unwrap_or(&[]);
        self.marks.iter().map(move |mark| mark.frame(bytes))
    }
}
