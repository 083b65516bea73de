//! One sensor a log directory: two would cut each other's lines and rotate each other's files.
//!
//! The kernel holds the lock and gives it back whatever ends the process; the file only says who
//! has it. Nobody but its owner can open it, or a stranger could hold it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, Write};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::Directory;

/// The name of the lock's file.
pub const LOCK: &str = "wardwatch.lock";
/// No process number and time are longer.
const LONGEST: u64 = 64;

/// The lock of a directory, held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _held: Option<Flock<File>>,
}

/// Why a directory cannot be had alone.
#[derive(Debug)]
pub enum Busy {
    /// Another process has it: its number and since when, as far as it says.
    Taken(Option<(u32, String)>),
    /// The lock's file cannot be used.
    Refused(io::Error),
}

impl Lock {
    /// Takes the lock and writes this process's number and start into it. Where the file system
    /// knows no locks there is none to be had, and none is missed.
    ///
    /// # Errors
    /// [`Busy`].
    pub fn take(directory: &Directory, since: &str) -> Result<Self, Busy> {
        let file = directory.append(OsStr::new(LOCK), 0o600).map_err(Busy::Refused)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut held) => {
                let line = format!("{} {since}\n", std::process::id());
                let private = nix::sys::stat::Mode::from_bits_truncate(0o600);
                let _ = nix::sys::stat::fchmod(&*held, private);
                let written = held.set_len(0).and_then(|()| held.write_all(line.as_bytes()));
                // A full disk: then it is not said who has it.
                drop(written);
                Ok(Self { _held: Some(held) })
            }
            Err((file, Errno::EWOULDBLOCK)) => Err(Busy::Taken(holder(file))),
            Err(_) => Ok(Self { _held: None }),
        }
    }
}

/// What the holder says of itself, if it makes sense.
fn holder(mut file: File) -> Option<(u32, String)> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    let (number, since) = text.trim_end().split_once(' ')?;
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-:.+".contains(c);
    (!since.is_empty() && since.chars().all(harmless)).then_some(())?;
    Some((number.parse().ok()?, since.into()))
}
