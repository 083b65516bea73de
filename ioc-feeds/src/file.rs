//! Files that a person has named, read without harm: a regular file or none, never waited for,
//! never longer than its bound.
//!
//! A pipe that nobody writes into would hold its reader up for ever, and a device need not end. And
//! whoever reads with root's rights must not be led: a link that another user has laid could point
//! at a file of which that user may see no line, and messages quote lines. So root passes through
//! its own links only. Owns how a path is walked; says nothing of what a file means.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path};

use nix::fcntl::{self, OFlag};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::unistd::Uid;

/// What a pipe is refused with.
pub const PIPE: &str = "it is a named pipe (FIFO); only a regular file can be used here";
/// What a device is refused with.
pub const DEVICE: &str = "it is a device; only a regular file can be used here";
/// What a socket is refused with.
pub const SOCKET: &str = "it is a socket; only a regular file can be used here";
/// What a link of another user is refused with.
pub const FOREIGN_LINK: &str =
    "a link on the way to it belongs to another user, and root follows none but its own";
/// What a file above a bound of one MiB is refused with.
pub const ABOVE_1_MIB: &str = "it is larger than 1 MiB";
/// What a file above another bound is refused with.
pub const TOO_LARGE: &str = "it is too large";
/// What bytes are refused with that are no text.
pub const NOT_UTF8: &str = "it is not UTF-8 text";

/// Most links on the way to a file, as in the kernel.
const LINKS: usize = 40;
const MIB: u64 = 1024 * 1024;
/// Never a wait, never a terminal of our own, nothing inherited.
const CALM: OFlag = OFlag::O_NONBLOCK.union(OFlag::O_NOCTTY).union(OFlag::O_CLOEXEC);

/// Reads a whole regular file of at most `most` octets, whatever its length claims.
///
/// # Errors
///
/// What the system says; or [`PIPE`], [`DEVICE`], [`SOCKET`], [`FOREIGN_LINK`], [`ABOVE_1_MIB`] or
/// [`TOO_LARGE`].
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match read as u64 > most {
        true => Err(io::Error::other(if most == MIB { ABOVE_1_MIB } else { TOO_LARGE })),
        false => Ok(bytes),
    }
}

/// The same as text, of at most one MiB.
///
/// # Errors
///
/// As [`read`], or [`NOT_UTF8`].
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path, MIB)?).map_err(|_| io::Error::other(NOT_UTF8))
}

/// Opens a regular file for reading.
///
/// # Errors
///
/// As [`read`].
pub fn open(path: &Path) -> io::Result<File> {
    // Looked at before it is opened: to open a device may already do something.
    let file = match Uid::effective().is_root() {
        false => {
            refuse_irregular(&nix::sys::stat::stat(path)?)?;
            let flags = CALM.bits();
            File::options().read(true).custom_flags(flags).open(path)?
        }
        true => {
            let Spot { directory, name } = walk(path, &[0], true)?;
            let looked = fcntl::openat(&directory, &*name, STEP, Mode::empty())?;
            refuse_irregular(&fstat(&looked)?)?;
            let flags = CALM | OFlag::O_RDONLY | OFlag::O_NOFOLLOW;
            File::from(fcntl::openat(&directory, &*name, flags, Mode::empty())?)
        }
    };
    refuse_irregular(&fstat(&file)?)?;
    Ok(file)
}

/// May this process go where a path leads?
///
/// # Errors
///
/// [`FOREIGN_LINK`], or what the system says on the way.
pub fn approach(path: &Path) -> io::Result<()> {
    match Uid::effective().is_root() {
        true => walk(path, &[0], true).map(drop),
        false => Ok(()),
    }
}

/// Is it a regular file?
///
/// # Errors
///
/// What it is instead.
pub fn refuse_irregular(about: &FileStat) -> io::Result<()> {
    match kind(about) {
        SFlag::S_IFREG => Ok(()),
        SFlag::S_IFDIR => Err(io::ErrorKind::IsADirectory.into()),
        SFlag::S_IFIFO => Err(io::Error::other(PIPE)),
        SFlag::S_IFSOCK => Err(io::Error::other(SOCKET)),
        _ => Err(io::Error::other(DEVICE)),
    }
}

/// The type among the bits of the mode.
pub fn kind(about: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(about.st_mode & SFlag::S_IFMT.bits())
}

/// Where a file is or would be: an open directory and a name in it.
#[derive(Debug)]
pub struct Spot {
    /// The directory, open as a place only (`O_PATH`).
    pub directory: OwnedFd,
    /// The name in it; `.` for the root of everything.
    pub name: OsString,
}

/// A look at the next name on the way, whatever it is.
const STEP: OFlag = OFlag::O_PATH.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// Goes to where a path leads, name by name. A link is followed if it belongs, with the directory it
/// stands in, to one of `trusted` (numbers of users); the last name only if `last` says so, and
/// whether it exists is not asked then.
///
/// # Errors
///
/// What the system says, or [`FOREIGN_LINK`].
pub fn walk(path: &Path, trusted: &[u32], last: bool) -> io::Result<Spot> {
    let mut rest: VecDeque<OsString> = names(path).collect();
    let mut at = begin(path)?;
    let mut links = 0;
    while let Some(name) = rest.pop_front() {
        if rest.is_empty() && !last {
            return Ok(Spot { directory: at, name });
        }
        let step = fcntl::openat(&at, &*name, STEP, Mode::empty())?;
        let about = fstat(&step)?;
        if kind(&about) == SFlag::S_IFLNK {
            links += 1;
            if links > LINKS {
                return Err(nix::errno::Errno::ELOOP.into());
            }
            if ![about.st_uid, fstat(&at)?.st_uid].iter().all(|owner| trusted.contains(owner)) {
                return Err(io::Error::other(FOREIGN_LINK));
            }
            let target = fcntl::readlinkat(&step, OsStr::new(""))?;
            let target = Path::new(&target);
            if target.is_absolute() {
                at = begin(target)?;
            }
            for name in names(target).collect::<Vec<_>>().into_iter().rev() {
                rest.push_front(name);
            }
        } else if rest.is_empty() {
            return Ok(Spot { directory: at, name });
        } else {
            at = step;
        }
    }
    Ok(Spot { directory: at, name: ".".into() })
}

/// Where a path begins: at the root, or here.
fn begin(path: &Path) -> io::Result<OwnedFd> {
    let first = if path.is_absolute() { "/" } else { "." };
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(fcntl::open(first, flags, Mode::empty())?)
}

fn names(path: &Path) -> impl Iterator<Item = OsString> + '_ {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use nix::unistd::mkfifo;

    use super::*;

    /// A directory of the test's own, removed at its end.
    struct Place(std::path::PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("ioc-feeds-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn said(result: io::Result<Vec<u8>>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_regular_file_is_refused_by_its_kind_and_never_waited_for() {
        let place = Place::new("kinds");
        let path = |name: &str| place.0.join(name);
        mkfifo(&path("pipe"), Mode::S_IRUSR).unwrap();
        let _held = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        symlink(path("pipe"), path("link")).unwrap();
        for (name, words) in [("pipe", PIPE), ("link", PIPE), ("socket", SOCKET)] {
            assert_eq!(said(read(&path(name), 10)), words, "{name}");
        }
        for device in ["/dev/zero", "/dev/null", "/dev/tty"] {
            assert_eq!(said(read(Path::new(device), 10)), DEVICE, "{device}");
        }
        let directory = read(&place.0, 10).unwrap_err();
        assert_eq!(directory.kind(), io::ErrorKind::IsADirectory);
        assert_eq!(read(&path("none"), 10).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_is_read_to_its_bound_and_not_beyond() {
        let place = Place::new("bound");
        let path = place.0.join("file");
        fs::write(&path, "0123456789").unwrap();
        symlink("file", place.0.join("link")).unwrap();
        assert_eq!(read(&path, 10).unwrap(), b"0123456789");
        assert_eq!(read_text(&place.0.join("link")).unwrap(), "0123456789");
        assert_eq!(said(read(&path, 9)), TOO_LARGE);
        // Endless, as far as its reader can tell.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(said(read(&path, MIB)), ABOVE_1_MIB);
        fs::write(&path, [0xff]).unwrap();
        assert_eq!(read_text(&path).unwrap_err().to_string(), NOT_UTF8);
    }

    #[test]
    fn a_path_is_walked_as_the_kernel_does() {
        let place = Place::new("walk");
        let path = |name: &str| place.0.join(name);
        fs::create_dir_all(path("a/b")).unwrap();
        fs::write(path("a/b/file"), "x").unwrap();
        symlink("a/b", path("near")).unwrap();
        symlink(path("a"), path("far")).unwrap();
        symlink("../file", path("a/b/up")).unwrap();
        symlink("loop", path("loop")).unwrap();
        let us = Uid::effective().as_raw();
        let trusted = [us, 0];
        let holds = |name: &str| {
            let Spot { directory, name } = walk(&path(name), &trusted, true)?;
            let file = fcntl::openat(&directory, &*name, OFlag::O_RDONLY, Mode::empty())?;
            io::read_to_string(File::from(file))
        };
        for good in ["a/b/file", "near/file", "far/b/file", "far/./b/../b/file", "near/../b/file"] {
            assert_eq!(holds(good).unwrap(), "x", "{good}");
        }
        for bad in ["a/b/up", "loop", "loop/x", "a/b/file/x", "none/x"] {
            assert!(holds(bad).is_err(), "{bad}");
        }
        assert_eq!(walk(Path::new("/"), &trusted, true).unwrap().name, ".");
        // The last name is not looked at where that is not wanted.
        assert_eq!(walk(&path("near/none"), &trusted, false).unwrap().name, "none");
        let refused = walk(&path("near/file"), &[us + 1], true).unwrap_err();
        assert_eq!(refused.to_string(), FOREIGN_LINK);
    }

    #[test]
    fn root_passes_through_its_own_links_only() {
        if !Uid::effective().is_root() {
            eprintln!("SKIPPED: needs root: root_passes_through_its_own_links_only");
            return;
        }
        let place = Place::new("links");
        let path = |name: &str| place.0.join(name);
        fs::create_dir_all(path("theirs")).unwrap();
        fs::write(path("secret"), "x").unwrap();
        symlink(path("secret"), path("theirs/link")).unwrap();
        symlink(&place.0, path("theirs/way")).unwrap();
        let tried = ["theirs/link", "theirs/way/secret"];
        for name in tried {
            assert!(read(&path(name), 10).is_ok(), "root's own: {name}");
        }
        // A link of another, and one of root's in a directory of another's.
        let nobody = Some(65_534);
        std::os::unix::fs::lchown(path("theirs/link"), nobody, nobody).unwrap();
        assert_eq!(said(read(&path("theirs/link"), 10)), FOREIGN_LINK);
        std::os::unix::fs::chown(path("theirs"), nobody, nobody).unwrap();
        for name in tried {
            assert_eq!(said(read(&path(name), 10)), FOREIGN_LINK, "{name}");
        }
    }
}
