//! A pipe that can be given up: a signal must end a scan although standard input stays open, or
//! nobody ever writes to a named pipe.
//!
//! The system restarts a read that a signal interrupted, so a thread of its own waits for bytes
//! and whoever wants them looks at the wish to stop in between.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

/// Bytes asked of the system at once.
const BLOCK: usize = 64 * 1024;
/// Blocks read ahead; then the pipe fills and its writer waits.
const AHEAD: usize = 4;
/// How late a wish to stop is noticed.
const PATIENCE: Duration = Duration::from_millis(100);

/// A pipe up to its end, or until it is no longer wanted: that reads as its end.
pub(super) struct Pipe {
    blocks: Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    read: usize,
    stop: Arc<AtomicBool>,
}

impl Pipe {
    /// Opens it, which may wait for a writer, and begins to read. The thread is never joined: it may
    /// wait for a pipe that stays silent, and ends with the process.
    pub(super) fn new<R: Read>(
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
        stop: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let (sender, blocks) = bounded(AHEAD);
        thread::Builder::new().name("pipe".into()).spawn(move || {
            let mut pipe = match open() {
                Ok(pipe) => pipe,
                Err(error) => return drop(sender.send(Err(error))),
            };
            loop {
                let mut block = vec![0; BLOCK];
                let outcome = match pipe.read(&mut block) {
                    Ok(0) => return,
                    Ok(length) => {
                        block.truncate(length);
                        Ok(block)
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let failed = outcome.is_err();
                if sender.send(outcome).is_err() || failed {
                    return;
                }
            }
        })?;
        Ok(Self { blocks, block: Vec::new(), read: 0, stop })
    }
}

impl Read for Pipe {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.read >= self.block.len() {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(0);
            }
            match self.blocks.recv_timeout(PATIENCE) {
                Ok(block) => (self.block, self.read) = (block?, 0),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let length = self.block.get(self.read..).unwrap_or_default().read(out)?;
        self.read += length;
        Ok(length)
    }
}
