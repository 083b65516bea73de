//! The captures that arguments name: files as they are, directories searched.
//!
//! Nobody may take "nothing was found" from what could not be read. So in a directory whatever
//! looks like a capture, by its name or by its first bytes, is read or named; the rest is counted.
//! Links are not followed, and what is no regular file is never opened.

use std::fs::{self, FileType};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::Input;
use super::recordings::stem;
use crate::app::AppError;
use crate::capture::file::CaptureFile;
use crate::capture::{CaptureError, Likeness};

/// Directories below this depth are not entered.
const MAX_DEPTH: usize = 32;

/// Endings of captures, whatever is in them.
const ENDINGS: [&str; 8] = ["pcap", "pcapng", "cap", "dmp", "trace", "snoop", "erf", "ntar"];

/// What arguments name.
#[derive(Debug, Default)]
pub struct Found {
    /// Captures, in order.
    pub inputs: Vec<Input>,
    /// Directories that hold no capture, and whatever looks like a capture and cannot be read. They
    /// spoil nothing else.
    pub failures: Vec<AppError>,
    /// What was not opened and should be known, though it does not look like a capture.
    pub notices: Vec<CaptureError>,
    /// Files of directories that are plainly no captures.
    pub passed_over: usize,
}

/// Finds the captures that arguments name. Directories are searched to their depth, in order of
/// names.
pub fn inputs(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for path in paths {
        if path.as_os_str() == "-" {
            found.inputs.push(Input::Stdin);
        } else if path.is_dir() {
            let before = (found.inputs.len(), found.failures.len());
            let root = path.canonicalize().unwrap_or_else(|_| path.clone());
            found.search(path, &root, MAX_DEPTH);
            if before == (found.inputs.len(), found.failures.len()) {
                found.failures.push(AppError::NoCapture { path: path.clone() });
            }
        } else {
            found.inputs.push(Input::File(path.clone()));
        }
    }
    found
}

impl Found {
    fn search(&mut self, directory: &Path, root: &Path, depth: usize) {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(source) => {
                return self.fail(CaptureError::Open { name: name(directory), source });
            }
        };
        let mut paths: Vec<PathBuf> =
            entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        paths.sort();
        for path in paths {
            match fs::symlink_metadata(&path).map(|metadata| metadata.file_type()) {
                Ok(kind) if kind.is_dir() && depth > 0 => self.search(&path, root, depth - 1),
                Ok(kind) if kind.is_dir() => {
                    self.fail(not_read(&path, "it lies too deep; name it by itself"));
                }
                Ok(kind) if kind.is_symlink() => self.link(&path, root),
                Ok(kind) if kind.is_file() => self.file(path),
                Ok(kind) => self.odd(&path, what(kind)),
                Err(source) => self.fail(CaptureError::Open { name: name(&path), source }),
            }
        }
    }

    /// What it links to inside the directory is found where it stands.
    fn link(&mut self, path: &Path, root: &Path) {
        let target = path.canonicalize();
        if target.as_ref().is_ok_and(|target| target.starts_with(root)) {
            return;
        }
        if target.is_ok_and(|target| target.is_dir()) || is_named_like_a_capture(path) {
            self.odd(path, "it is a link out of the directory; name what it links to");
        } else {
            self.passed_over += 1;
        }
    }

    fn file(&mut self, path: PathBuf) {
        match CaptureFile::open_found(&path) {
            Ok(_) => self.inputs.push(Input::File(path)),
            Err(CaptureError::NotACapture { likeness, .. })
                if likeness == Likeness::None
                    || likeness == Likeness::Unknown && !is_named_like_a_capture(&path) =>
            {
                self.passed_over += 1;
            }
            Err(error) => self.fail(error),
        }
    }

    /// What is not opened.
    fn odd(&mut self, path: &Path, what: &str) {
        let error = not_read(path, what);
        if is_named_like_a_capture(path) {
            self.fail(error);
        } else {
            self.notices.push(error);
        }
    }

    fn fail(&mut self, error: CaptureError) {
        self.failures.push(AppError::Capture(error));
    }
}

fn name(path: &Path) -> String {
    path.display().to_string()
}

fn not_read(path: &Path, what: &str) -> CaptureError {
    CaptureError::NotRead { name: name(path), what: what.into() }
}

/// What is neither file, directory nor link.
fn what(kind: FileType) -> &'static str {
    match kind {
        kind if kind.is_fifo() => "it is a named pipe",
        kind if kind.is_socket() => "it is a socket",
        _ => "it is a device",
    }
}

/// By its name, packed or numbered, does it hold a capture?
fn is_named_like_a_capture(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let ending = stem(&name).rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| ENDINGS.contains(&ending))
}
