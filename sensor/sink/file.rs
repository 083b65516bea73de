//! Files that records are appended to, and other places bytes can go.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Stdout, StdoutLock, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A writer that can begin anew after its file was moved away.
pub trait Reopen {
    /// Opens the file again by its path; nothing to do where there is none.
    ///
    /// # Errors
    /// When it cannot be opened; the old one is then kept.
    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Reopen for Stdout {}
impl Reopen for StdoutLock<'_> {}
impl<W: Write> Reopen for BufWriter<W> {}
impl Reopen for Vec<u8> {}

/// A file opened for appending, mode 0640, buffered.
pub struct AppendFile {
    path: PathBuf,
    out: BufWriter<File>,
}

impl AppendFile {
    /// Opens or makes a file. What it holds stays.
    ///
    /// # Errors
    /// When it cannot be opened for writing.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.into(), out: BufWriter::new(append(path)?) })
    }

    /// Opens or makes a file, emptying it.
    ///
    /// # Errors
    /// When it cannot be opened for writing.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = Self::open(path)?;
        // A pipe or a terminal has nothing to empty.
        let _ = file.out.get_ref().set_len(0);
        Ok(file)
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

impl Write for AppendFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Reopen for AppendFile {
    fn reopen(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.out = BufWriter::new(append(&self.path)?);
        Ok(())
    }
}
