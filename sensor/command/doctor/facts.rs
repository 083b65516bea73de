//! What was seen while the doctor listened, and what the system says of the interface and the
//! log directory.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use ioc_feeds::contact::Contacts;

use super::boot::Boot;
use super::frames::Frames;
use crate::app::clock::ClockFault;
use crate::app::notices::Circumstance;
use crate::app::reminder::Reminder;
use crate::capture::Drops;
use crate::directory::{Directory, Owners};
use crate::net::Timestamp;
use crate::stats::Counters;

/// How often, and how far apart, an interface that has failed is looked at.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);

/// Everything that findings are judged from.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) interface: String,
    /// The program as it was started, for commands that name it.
    pub(super) program: PathBuf,
    /// May frames be captured at all?
    pub(super) permitted: bool,
    pub(super) link: Link,
    /// Who switches it on after a start of the machine, if that can be told.
    pub(super) boot: Option<Boot>,
    pub(super) frames: Frames,
    pub(super) drops: Drops,
    pub(super) counters: Counters,
    pub(super) hosts: usize,
    pub(super) clients: usize,
    /// Does the interface put segments together, if that can be told?
    pub(super) merges: Option<bool>,
    /// Days since the newest indicator.
    pub(super) age_days: Option<i64>,
    pub(super) contact: Contact,
    pub(super) clock: Option<ClockFault>,
    /// Seconds between the stamp of the last frame and the clock.
    pub(super) stamp_off: u64,
    /// Directory of the logs and why it cannot be written.
    pub(super) log_error: Option<(PathBuf, io::Error)>,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            interface: String::new(),
            program: PathBuf::from("/usr/bin/wardwatch"),
            permitted: true,
            link: Link::Unknown,
            boot: None,
            frames: Frames::default(),
            drops: Drops::default(),
            counters: Counters::default(),
            hosts: 0,
            clients: 0,
            merges: None,
            age_days: None,
            contact: Contact::Known,
            clock: None,
            stamp_off: 0,
            log_error: None,
        }
    }
}

/// Whether the office has written down whom to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contact {
    Known,
    Missing,
    /// Nobody has made sure of it since it was to be.
    Old,
}

impl Contact {
    pub(super) fn of(contacts: &Contacts, now: Timestamp) -> Self {
        match Reminder::new(contacts.clone()).fault(now) {
            None => Self::Known,
            Some(Circumstance::NoContact) => Self::Missing,
            Some(_) => Self::Old,
        }
    }
}

/// State of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Up,
    /// Switched off by the system.
    Down,
    /// Switched on, but nothing at the other end of the cable.
    NoCarrier,
    /// Unplugged while the doctor listened.
    Gone,
    /// The system does not say.
    Unknown,
}

impl Link {
    /// As sysfs says; needs no right and no socket, which a port that is down would not give.
    pub(super) fn of(interface: &str) -> Self {
        let read = |name| attribute(interface, name);
        let flags = read("flags");
        let flags = flags.strip_prefix("0x").and_then(|hex| u32::from_str_radix(hex, 16).ok());
        match (flags, read("carrier").as_str()) {
            (None, _) => Self::Unknown,
            (Some(flags), _) if flags & 1 == 0 => Self::Down,
            (Some(_), "0") => Self::NoCarrier,
            (Some(_), _) => Self::Up,
        }
    }

    /// As it is now, after it was open: of one that is not there any more nothing is said.
    pub(super) fn after(interface: &str) -> Self {
        match Self::of(interface) {
            // A name of libpcap's own, which sysfs never knew.
            Self::Unknown if interface != "any" => Self::Gone,
            link => link,
        }
    }

    /// As it is once it has failed: one that is being unplugged is down first.
    pub(super) fn settled(interface: &str) -> Self {
        for _ in 0..LOOKS {
            if Self::after(interface) == Self::Gone {
                return Self::Gone;
            }
            thread::sleep(PAUSE);
        }
        Self::after(interface)
    }

    /// Can nothing arrive?
    pub(super) const fn is_dead(self) -> bool {
        matches!(self, Self::Down | Self::NoCarrier | Self::Gone)
    }
}

/// What sysfs says of an interface; nothing where it says nothing.
pub(super) fn attribute(interface: &str, name: &str) -> String {
    let path = format!("/sys/class/net/{interface}/{name}");
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// Why a log could not be written in a directory, tried with a file that is removed again, and by
/// opening the logs that are there. A directory that is not there is tried too, because `run`
/// makes it.
pub(super) fn log_error(path: &Path, owners: &Owners) -> Option<(PathBuf, io::Error)> {
    let made = match fs::DirBuilder::new().mode(0o755).create(path) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
        Err(error) => return Some((path.into(), error)),
    };
    let tried = Directory::open(path, owners).and_then(|directory| {
        let trial = OsStr::new(".wardwatch-doctor");
        let written = directory.append(trial, 0o600).and_then(|mut file| file.write_all(b"x"));
        // On a full disk the file is there, and empty.
        let removed = directory.remove(trial);
        written.and(removed).and_then(|()| existing(&directory))
    });
    if made {
        let _ = fs::remove_dir(path);
    }
    tried.err().map(|error| (path.into(), error))
}

/// Logs that are there already must take more lines.
fn existing(directory: &Directory) -> io::Result<()> {
    for name in ["alerts.log", "eve.json"].map(OsStr::new) {
        match directory.stat(name) {
            Ok(_) => drop(directory.append(name, 0o640)?),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
