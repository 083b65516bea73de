//! How far each reader is.

use std::ffi::OsStr;
use std::io;

use serde::{Deserialize, Serialize};

use crate::directory::Directory;

/// No cursor is longer.
const LONGEST: u64 = 4096;
/// What the name of a cursor ends with.
const END: &str = ".json";

/// A reader's place, as it stands in its file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// The spool: its `sensor.json` says which it is.
    pub(super) spool: String,
    /// The last record that the reader is done with; 0 before the first.
    pub(super) acknowledged: u64,
}

/// The name of a reader's file.
pub(super) fn name(reader: &str) -> String {
    format!("{reader}{END}")
}

/// What stands in a reader's file. What is no cursor is none: the reader begins anew, and may read
/// twice rather than never.
pub(super) fn load(directory: &Directory, reader: &str) -> io::Result<Option<Cursor>> {
    match directory.read(OsStr::new(&name(reader)), LONGEST) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces a reader's file: whoever reads it finds the old place or the new one, also after power was
/// lost.
pub(super) fn store(directory: &Directory, reader: &str, cursor: &Cursor) -> io::Result<()> {
    let bytes = serde_json::to_vec(cursor)?;
    directory.replace_durably(OsStr::new(&name(reader)), &bytes, super::MODE)
}

/// Every reader there is: the directory of its program, its name, and its place in this spool.
pub(super) fn all(readers: &Directory, spool: &str) -> Vec<(String, u64)> {
    let mut all = Vec::new();
    for program in readers.names().unwrap_or_default() {
        let Ok(directory) = readers.below(&program) else { continue };
        for file in directory.names().unwrap_or_default() {
            let Some(reader) = file.to_str().and_then(|name| name.strip_suffix(END)) else {
                continue;
            };
            if reader.starts_with('.') {
                continue;
            }
            let Ok(cursor) = load(&directory, reader) else { continue };
            let at = cursor.filter(|cursor| cursor.spool == spool).unwrap_or_default();
            all.push((format!("{}/{reader}", program.to_string_lossy()), at.acknowledged));
        }
    }
    all
}
