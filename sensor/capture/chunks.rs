//! A file in chunks, which any thread with nothing better to do may read ahead of its reader.
//!
//! Owns the file and the chunks that wait. Copying a capture out of the system's cache is half of
//! what a capture of large frames costs, and the only part that one thread would have to do alone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes of a chunk: small enough to be still in the second-level cache when its frames are read,
/// large enough that taking one is nothing beside reading them.
pub(crate) const CHUNK: usize = 128 * 1024;

/// Bytes left free before a chunk's own, for the record that began in the chunk before.
pub(crate) const HEADROOM: usize = 16 * 1024;

/// Chunks that may wait to be taken.
const AHEAD: u64 = 4;

/// Bytes of a chunk stand in `buffer` from [`HEADROOM`] to `end`.
pub(crate) struct Chunk {
    pub(crate) buffer: Vec<u8>,
    pub(crate) end: usize,
}

/// A file being read in chunks.
pub struct Chunks {
    file: File,
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    /// Number of the next chunk that nobody reads yet, and of the next to be taken.
    unread: u64,
    wanted: u64,
    waiting: BTreeMap<u64, io::Result<Chunk>>,
    /// Somebody waits for the next chunk.
    is_awaited: bool,
    /// Number of the chunk in which the file ended or broke. What is written behind its end after
    /// that does not follow what was read.
    last: Option<u64>,
    /// Bytes of the file that were taken.
    taken: u64,
    /// Buffers to be used again.
    spare: Vec<Vec<u8>>,
}

impl Chunks {
    /// Reads a file from its beginning.
    pub(crate) fn new(file: File) -> Self {
        Self { file, state: Mutex::default(), arrived: Condvar::new() }
    }

    /// Bytes of the file that were taken so far.
    pub fn taken(&self) -> u64 {
        self.lock().taken
    }

    /// Is there a chunk to read ahead?
    pub fn wants_help(&self) -> bool {
        self.lock().wants_help()
    }

    /// Reads ahead until enough chunks wait.
    pub fn read_ahead(&self) {
        let mut state = self.lock();
        while state.wants_help() {
            let (number, buffer) = state.claim();
            drop(state);
            self.read(number, buffer);
            state = self.lock();
        }
    }

    /// The next chunk; empty at the end.
    pub(crate) fn next(&self) -> io::Result<Chunk> {
        let mut state = self.lock();
        loop {
            let wanted = state.wanted;
            if state.last.is_some_and(|last| wanted > last) {
                return Ok(Chunk { buffer: Vec::new(), end: HEADROOM });
            }
            if let Some(chunk) = state.waiting.remove(&wanted) {
                state.wanted += 1;
                state.taken += chunk.as_ref().map_or(0, |chunk| chunk.end - HEADROOM) as u64;
                return chunk;
            }
            if state.unread == wanted {
                let (number, buffer) = state.claim();
                drop(state);
                self.read(number, buffer);
                state = self.lock();
            } else {
                // Somebody is reading it.
                state.is_awaited = true;
                state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Gives a buffer back.
    pub(crate) fn give_back(&self, buffer: Vec<u8>) {
        if buffer.len() == HEADROOM + CHUNK {
            self.lock().spare.push(buffer);
        }
    }

    fn read(&self, number: u64, mut buffer: Vec<u8>) {
        buffer.resize(HEADROOM + CHUNK, 0);
        let read = self.fill(number, &mut buffer);
        let mut state = self.lock();
        if !matches!(read, Ok(end) if end == buffer.len()) {
            state.last = Some(state.last.map_or(number, |last| last.min(number)));
        }
        state.waiting.insert(number, read.map(|end| Chunk { buffer, end }));
        if std::mem::take(&mut state.is_awaited) {
            self.arrived.notify_all();
        }
    }

    /// Fills a buffer behind its headroom; answers where the bytes end.
    fn fill(&self, number: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut end = HEADROOM;
        while let Some(free) = buffer.get_mut(end..).filter(|free| !free.is_empty()) {
            let place = number * CHUNK as u64 + (end - HEADROOM) as u64;
            match self.file.read_at(free, place) {
                Ok(0) => break,
                Ok(bytes) => end += bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(end)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn wants_help(&self) -> bool {
        self.last.is_none() && self.unread < self.wanted + AHEAD
    }

    /// The number of the next unread chunk, and a buffer for it.
    fn claim(&mut self) -> (u64, Vec<u8>) {
        self.unread += 1;
        (self.unread - 1, self.spare.pop().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn chunks_come_in_order_whoever_reads_them() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..3 * CHUNK + 100).map(|n| (n / 7) as u8).collect();
        file.write_all(&bytes).unwrap();
        let chunks = Chunks::new(file);
        let mut read = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| (0..50).for_each(|_| chunks.read_ahead()));
            loop {
                let chunk = chunks.next().unwrap();
                if chunk.end == HEADROOM {
                    break;
                }
                read.extend_from_slice(&chunk.buffer[HEADROOM..chunk.end]);
                chunks.give_back(chunk.buffer);
            }
        });
        assert!(read == bytes, "the file's bytes");
        assert!(!chunks.wants_help(), "nothing is behind the end");
    }

    #[test]
    fn what_is_written_behind_an_end_that_was_met_is_not_read_as_if_it_followed() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![1; CHUNK + 10]).unwrap();
        let chunks = Chunks::new(file.try_clone().unwrap());
        let mut ends = Vec::new();
        ends.push(chunks.next().unwrap().end);
        ends.push(chunks.next().unwrap().end);
        file.write_all(&vec![2; 2 * CHUNK]).unwrap();
        ends.push(chunks.next().unwrap().end);
        assert_eq!(ends, [HEADROOM + CHUNK, HEADROOM + 10, HEADROOM]);
        assert_eq!(chunks.taken(), CHUNK as u64 + 10);
    }
}
