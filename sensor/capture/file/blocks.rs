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

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;
    use crate::capture::chunks::{CHUNK, HEADROOM};
    use crate::capture::{Next, Source};

    /// Frames of many sizes: small ones, some that do not fit a block's headroom, one that does
    /// not fit a block.
    fn capture() -> Vec<u8> {
        let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend([0, 0, 4, 0, 1, 0, 0, 0]);
        for n in 0..2000_u32 {
            let length = match n {
                700 => 3 * CHUNK,
                n if n % 50 == 7 => HEADROOM + 5000,
                n => (n as usize * 37) % 1500,
            };
            bytes.extend(n.to_le_bytes());
            bytes.extend(0_u32.to_le_bytes());
            bytes.extend((length as u32).to_le_bytes());
            bytes.extend((length as u32).to_le_bytes());
            // Nothing that would pack well.
            bytes.extend((0..length as u32).map(|at| (at.wrapping_mul(n | 1) >> 3) as u8));
        }
        bytes
    }

    type Seen = (u64, Vec<u8>);

    fn one_by_one(bytes: &[u8]) -> (Vec<Seen>, Option<String>) {
        let reader = Box::new(Cursor::new(bytes.to_vec()));
        let mut source = CaptureFile::from_reader("x".into(), reader).unwrap();
        let mut seen = Vec::new();
        loop {
            match source.next_frame() {
                Ok(Next::Frame(frame)) => seen.push((frame.number, frame.data.to_vec())),
                Ok(_) => return (seen, None),
                Err(error) => return (seen, Some(error.to_string())),
            }
        }
    }

    /// In blocks, several of which are kept for a while.
    fn in_blocks(bytes: &[u8]) -> (Vec<Seen>, Option<String>) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let (mut source, chunks) = CaptureFile::in_blocks(Path::new("x"), file).unwrap();
        let (mut blocks, mut seen) = (Vec::new(), Vec::new());
        let end = loop {
            chunks.read_ahead();
            match source.next_block() {
                Ok(Some(block)) => blocks.push(block),
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
            if blocks.len() == 3 {
                let frames = blocks.iter().flat_map(FrameBlock::frames);
                seen.extend(frames.map(|frame| (frame.number, frame.data.to_vec())));
                blocks.clear();
            }
        };
        let frames = blocks.iter().flat_map(FrameBlock::frames);
        seen.extend(frames.map(|frame| (frame.number, frame.data.to_vec())));
        (seen, end)
    }

    #[test]
    fn blocks_hold_the_frames_that_are_lent_one_by_one() {
        let bytes = capture();
        let (frames, end) = one_by_one(&bytes);
        assert_eq!((frames.len(), end), (2000, None));
        assert!(in_blocks(&bytes) == (frames, None), "plain");
        let cut = bytes.get(..bytes.len() - 3).unwrap();
        let (blocks, wanted) = (in_blocks(cut), one_by_one(cut));
        assert!(blocks.1.is_some());
        assert!(blocks == wanted, "cut");
    }

    #[test]
    fn a_packed_capture_gives_the_same_blocks_and_the_same_damage() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&capture()).unwrap();
        let mut packed = packer.finish().unwrap();
        assert!(in_blocks(&packed) == one_by_one(&packed), "whole");
        let middle = packed.len() / 2;
        packed.truncate(middle);
        let (blocks, wanted) = (in_blocks(&packed), one_by_one(&packed));
        assert!(blocks.1.is_some() && !blocks.0.is_empty());
        assert!(blocks == wanted, "damaged");
    }
}
