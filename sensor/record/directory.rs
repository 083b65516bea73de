//! Directories that the sensor writes in, held open: whatever is made, moved, given away or removed
//! there is named by descriptor, so that nobody can lay another thing in its way meanwhile.
//!
//! The sensor may be started as root in a directory that another user can write. A link, a second
//! name, another user's file, a pipe or a device in the place of a log is refused, never written.
//! Knows no log and no packet; who may own what is told ([`Owners`]).

mod lock;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use ioc_feeds::file::{self, Spot, walk};
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{self, AtFlags, OFlag};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat};
use nix::unistd::{self, Gid, Uid, UnlinkatFlags};

pub use lock::{Busy, LOCK, Lock};

/// What a link is refused with.
pub const LINK: &str =
    "it is a link, and nothing is written through a link; remove it, or name what it points to";
/// What a file of several names is refused with.
pub const NAMES: &str = "it has more than one name (hard links); move it away";
/// What another user's file is refused with.
pub const FOREIGN: &str = "it belongs to neither root nor the user that wardwatch runs as; move it away, or give it to \
     that user (chown)";
/// What another user's directory is refused with.
pub const FOREIGN_DIRECTORY: &str = "its directory belongs to neither root nor the user that wardwatch runs as; give it to root \
     (chown), or name its owner as `user` in the configuration";
/// What a directory is refused with in which others may replace files.
pub const OPEN_DIRECTORY: &str = "others than its owner may replace files in its directory; take that right from them (chmod go-w)";

/// What a pipe that nobody reads is refused with, where lines must not be lost.
pub const NO_READER: &str = "nobody reads this pipe; start its reader first";

/// Who may own the files and directories that the sensor writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owners {
    users: Vec<u32>,
    /// Was the process root? Then directories are judged too, and root's links alone are followed.
    root: bool,
}

impl Owners {
    /// Root and these users if the process is root now; otherwise root and the process's own user.
    pub fn new(others: &[u32]) -> Self {
        let us = Uid::effective();
        let others = if us.is_root() { others.to_vec() } else { vec![us.as_raw()] };
        Self { users: [vec![0], others].concat(), root: us.is_root() }
    }

    /// Is it root who asks?
    pub const fn are_root(&self) -> bool {
        self.root
    }

    fn may_own(&self, about: &FileStat) -> bool {
        self.users.contains(&about.st_uid)
    }

    /// Whose links are followed on the way to a directory.
    fn guides(&self) -> &[u32] {
        if self.root { &[0] } else { &self.users }
    }
}

/// Who reads what is written into a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Whoever comes: the process holds a reading end itself, so that nobody has to be there.
    Ourselves,
    /// Somebody who is there already.
    Another,
}

/// An open directory.
#[derive(Debug)]
pub struct Directory {
    handle: OwnedFd,
    owners: Owners,
}

const PLACE: OFlag =
    OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);
/// Nothing is followed, waited for or inherited.
const CALM: OFlag =
    OFlag::O_NOFOLLOW.union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY).union(OFlag::O_CLOEXEC);

impl Directory {
    /// Opens a directory. Its last name may be a link only where root laid it in a directory of
    /// root's, as systemd does.
    ///
    /// # Errors
    /// What the system says; for root also [`FOREIGN_DIRECTORY`] and [`OPEN_DIRECTORY`].
    pub fn open(path: &Path, owners: &Owners) -> io::Result<Self> {
        let Spot { directory, name } = walk(path, owners.guides(), true)?;
        let handle = fcntl::openat(&directory, &*name, PLACE, Mode::empty())?;
        let about = fstat(&handle)?;
        if owners.root {
            let mode = Mode::from_bits_truncate(about.st_mode);
            if !owners.may_own(&about) {
                return Err(io::Error::other(FOREIGN_DIRECTORY));
            }
            let shared = mode.intersects(Mode::S_IWGRP | Mode::S_IWOTH);
            if shared && !mode.contains(Mode::S_ISVTX) {
                return Err(io::Error::other(OPEN_DIRECTORY));
            }
        }
        Ok(Self { handle, owners: owners.clone() })
    }

    /// Opens a directory, and makes it and what is missing on the way to it. True if it was made.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn open_or_make(path: &Path, owners: &Owners) -> io::Result<(Self, bool)> {
        match Self::open(path, owners) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return Ok((opened?, false)),
        }
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            match walk(parent, owners.guides(), true) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    Self::open_or_make(parent, owners)?;
                }
                walked => drop(walked?),
            }
        }
        let Spot { directory, name } = walk(path, owners.guides(), false)?;
        let made = mkdirat(&directory, &*name, Mode::from_bits_truncate(0o755));
        if let Err(error) = made
            && error != Errno::EEXIST
        {
            return Err(error.into());
        }
        Ok((Self::open(path, owners)?, made.is_ok()))
    }

    /// Opens the directory in which a file stands or shall stand; and the file's name.
    ///
    /// # Errors
    /// As [`Directory::open`].
    pub fn of(path: &Path, owners: &Owners) -> io::Result<(Self, OsString)> {
        let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Ok((Self::open(parent.unwrap_or_else(|| Path::new(".")), owners)?, name.to_owned()))
    }

    /// Opens a regular file for reading and appending, or makes it with this mode.
    ///
    /// # Errors
    /// What the system says; or [`LINK`], [`NAMES`], [`FOREIGN`], or what it is instead of a file.
    pub fn append(&self, name: &OsStr, mode: u32) -> io::Result<File> {
        // Looked at before it is opened: to open a device may already do something.
        match self.stat(name) {
            Ok(about) => self.refuse(&about)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let flags = CALM | OFlag::O_RDWR | OFlag::O_APPEND | OFlag::O_CREAT;
        let opened = fcntl::openat(&self.handle, name, flags, Mode::from_bits_truncate(mode));
        let file = File::from(opened.map_err(plainly)?);
        self.refuse(&fstat(&file)?)?;
        Ok(file)
    }

    /// Reads a regular file of at most `most` bytes.
    ///
    /// # Errors
    /// As [`Directory::append`]; or what is longer.
    pub fn read(&self, name: &OsStr, most: u64) -> io::Result<Vec<u8>> {
        let file = self.open_for_reading(name)?;
        let mut bytes = Vec::new();
        match file.take(most.saturating_add(1)).read_to_end(&mut bytes)? as u64 > most {
            true => Err(io::Error::other(file::TOO_LARGE)),
            false => Ok(bytes),
        }
    }

    /// Puts a file in the place of another at once: whoever reads finds the old one or the new one.
    ///
    /// # Errors
    /// As [`Directory::append`].
    pub fn replace(&self, name: &OsStr, bytes: &[u8], mode: u32) -> io::Result<()> {
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(".new");
        let mut file = self.append(&beside, mode)?;
        file.set_len(0)?;
        file.write_all(bytes)?;
        self.rename(&beside, name)
    }

    /// As [`Directory::replace`], and on the disk when it returns: neither file is lost with the power.
    ///
    /// # Errors
    /// As [`Directory::append`].
    pub fn replace_durably(&self, name: &OsStr, bytes: &[u8], mode: u32) -> io::Result<()> {
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(".new");
        let mut file = self.append(&beside, mode)?;
        file.set_len(0)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        self.rename(&beside, name)?;
        self.sync()
    }

    /// Brings the names in it to the disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> io::Result<()> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let itself = fcntl::openat(&self.handle, ".", flags, Mode::empty())?;
        Ok(unistd::fsync(itself)?)
    }

    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// As [`Directory::append`].
    pub fn open_for_reading(&self, name: &OsStr) -> io::Result<File> {
        self.refuse(&self.stat(name)?)?;
        let flags = CALM | OFlag::O_RDONLY;
        let opened = fcntl::openat(&self.handle, name, flags, Mode::empty());
        let file = File::from(opened.map_err(plainly)?);
        self.refuse(&fstat(&file)?)?;
        Ok(file)
    }

    /// From now on what belongs to the owner of the directory is taken too: what it holds is theirs to
    /// say.
    ///
    /// # Errors
    /// What the system says.
    pub fn trusting_its_owner(mut self) -> io::Result<Self> {
        let owner = fstat(&self.handle)?.st_uid;
        if !self.owners.users.contains(&owner) {
            self.owners.users.push(owner);
        }
        Ok(self)
    }

    /// Opens a directory in it, which may be another user's, whose files are then taken too. No link is
    /// followed.
    ///
    /// # Errors
    /// What the system says.
    pub fn below(&self, name: &OsStr) -> io::Result<Self> {
        let handle = fcntl::openat(&self.handle, name, PLACE, Mode::empty()).map_err(plainly)?;
        Self { handle, owners: self.owners.clone() }.trusting_its_owner()
    }

    /// Makes a directory in it, unless there is one.
    ///
    /// # Errors
    /// What the system says.
    pub fn make_below(&self, name: &OsStr, mode: u32) -> io::Result<()> {
        match mkdirat(&self.handle, name, Mode::from_bits_truncate(mode)) {
            Err(error) if error != Errno::EEXIST => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Makes a file that was not there, with this mode.
    ///
    /// # Errors
    /// What the system says; `AlreadyExists` if there is anything of that name.
    pub fn create(&self, name: &OsStr, mode: u32) -> io::Result<File> {
        let flags = CALM | OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
        let opened = fcntl::openat(&self.handle, name, flags, Mode::from_bits_truncate(mode));
        Ok(File::from(opened.map_err(plainly)?))
    }

    /// Opens a pipe or the null device for writing, without waiting. None if there is neither of that
    /// name.
    ///
    /// # Errors
    /// What the system says (`ENXIO` where [`Reader::Another`] is wanted and none is there), or
    /// [`FOREIGN`].
    pub fn stream(&self, name: &OsStr, reader: Reader) -> io::Result<Option<File>> {
        match self.stat(name) {
            Ok(about) if is_stream(&about) => {}
            _ => return Ok(None),
        }
        let access = match reader {
            Reader::Ourselves => OFlag::O_RDWR,
            Reader::Another => OFlag::O_WRONLY,
        };
        let opened = fcntl::openat(&self.handle, name, CALM | access, Mode::empty());
        let stream = File::from(opened.map_err(plainly)?);
        let about = fstat(&stream)?;
        // To another user's pipe a user may write; root is not made to.
        match !self.owners.root || self.owners.may_own(&about) {
            true => Ok(Some(stream).filter(|_| is_stream(&about))),
            false => Err(io::Error::other(FOREIGN)),
        }
    }

    /// Could this name be written? What is not there could.
    ///
    /// # Errors
    /// As [`Directory::append`].
    pub fn judge(&self, name: &OsStr) -> io::Result<()> {
        match self.stat(name) {
            Ok(about) => self.refuse(&about),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn refuse(&self, about: &FileStat) -> io::Result<()> {
        if file::kind(about) == SFlag::S_IFLNK {
            return Err(io::Error::other(LINK));
        }
        file::refuse_irregular(about)?;
        if about.st_nlink > 1 {
            return Err(io::Error::other(NAMES));
        }
        match self.owners.may_own(about) {
            true => Ok(()),
            false => Err(io::Error::other(FOREIGN)),
        }
    }

    /// What a name stands for, a link for itself.
    ///
    /// # Errors
    /// What the system says.
    pub fn stat(&self, name: &OsStr) -> io::Result<FileStat> {
        Ok(fstatat(&self.handle, name, AtFlags::AT_SYMLINK_NOFOLLOW)?)
    }

    /// Opens what a name stands for as a place only, a link as itself.
    ///
    /// # Errors
    /// What the system says.
    pub fn look(&self, name: &OsStr) -> io::Result<OwnedFd> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(fcntl::openat(&self.handle, name, flags, Mode::empty())?)
    }

    /// Gives a file in it another name in it.
    ///
    /// # Errors
    /// What the system says.
    pub fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(fcntl::renameat(&self.handle, from, &self.handle, to)?)
    }

    /// Removes a name that stands for no directory.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(unistd::unlinkat(&self.handle, name, UnlinkatFlags::NoRemoveDir)?)
    }

    /// Every name in it, in no order.
    ///
    /// # Errors
    /// What the system says.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        use std::os::unix::ffi::OsStrExt;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut listed = Dir::openat(&self.handle, ".", flags, Mode::empty())?;
        let mut names = Vec::new();
        for entry in listed.iter() {
            let name = OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The number of its descriptor, for `/proc/self/fd`.
    pub fn number(&self) -> i32 {
        self.handle.as_raw_fd()
    }

    /// Whose it is.
    ///
    /// # Errors
    /// What the system says.
    pub fn owner(&self) -> io::Result<u32> {
        Ok(fstat(&self.handle)?.st_uid)
    }

    /// Gives the directory itself to a user.
    ///
    /// # Errors
    /// What the system says.
    pub fn give(&self, user: Uid, group: Gid) -> io::Result<()> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let itself = fcntl::openat(&self.handle, ".", flags, Mode::empty())?;
        Ok(unistd::fchown(itself, Some(user), Some(group))?)
    }

    /// Gives a file in it to a user: one that may be written at all, and that holds nothing yet or
    /// is our lock. What holds something may be an old file of root's under a new name.
    ///
    /// # Errors
    /// As [`Directory::append`].
    pub fn give_file(&self, name: &OsStr, user: Uid, group: Gid) -> io::Result<()> {
        self.refuse(&self.stat(name)?)?;
        let flags = CALM | OFlag::O_WRONLY;
        let opened = fcntl::openat(&self.handle, name, flags, Mode::empty());
        let file = opened.map_err(plainly)?;
        let about = fstat(&file)?;
        self.refuse(&about)?;
        match about.st_size == 0 || name == LOCK {
            true => Ok(unistd::fchown(file, Some(user), Some(group))?),
            false => Ok(()),
        }
    }
}

/// A pipe, or the null device (1:3 on every Linux).
fn is_stream(about: &FileStat) -> bool {
    let null = nix::sys::stat::makedev(1, 3);
    match file::kind(about) {
        SFlag::S_IFIFO => true,
        SFlag::S_IFCHR => about.st_rdev == null,
        _ => false,
    }
}

/// `O_NOFOLLOW` says it as "too many levels of symbolic links".
fn plainly(error: Errno) -> io::Error {
    match error {
        Errno::ELOOP => io::Error::other(LINK),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests;
