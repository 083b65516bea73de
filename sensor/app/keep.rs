//! Where the sensor keeps what it knows of itself: `status.json`, and frames it could not handle.
//!
//! The directories are open before rights are given up. What cannot be kept is said once and never a
//! reason to end.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use crate::alert::outbox::Fault;
use crate::directory::{Directory, Owners};
use crate::net::Timestamp;
use crate::sink::report::{LONGEST, NAME, Report};

/// Frames that are kept, whatever happens.
const FRAMES: usize = 8;
/// Written by the sensor, read by the office.
const MODE: u32 = 0o640;
/// A frame may hold anything.
const PRIVATE: u32 = 0o600;

/// What is kept, and where.
#[derive(Debug)]
pub struct Keep {
    path: PathBuf,
    log: Directory,
    /// In memory, where the service manager gives one; the disk is then written less often.
    runtime: Option<Directory>,
    bad_frames: bool,
    previous: Option<Report>,
}

impl Keep {
    /// Opens the directories, and reads what the sensor before this one knew.
    ///
    /// # Errors
    /// When the log's directory cannot be opened.
    pub fn open(path: &Path, owners: &Owners, bad_frames: bool) -> io::Result<Self> {
        let log = Directory::open(path, owners)?;
        let runtime = runtime().and_then(|path| Directory::open(&path, owners).ok());
        let read = |directory: &Directory| {
            let bytes = directory.read(OsStr::new(NAME), LONGEST).ok()?;
            Report::parse(&bytes).filter(|report| report.log_dir == path)
        };
        let both = [read(&log), runtime.as_ref().and_then(read)];
        let previous = both.into_iter().flatten().max_by_key(|report| report.alive);
        Ok(Self { path: path.into(), log, runtime, bad_frames, previous })
    }

    /// The directory of the log.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was known at the end of the sensor before this one.
    pub const fn previous(&self) -> Option<&Report> {
        self.previous.as_ref()
    }

    /// The file in the runtime directory, which the process must be able to replace.
    pub fn runtime_file(&self) -> Option<PathBuf> {
        self.runtime.as_ref().and_then(|_| runtime()).map(|path| path.join(NAME))
    }

    /// Is there a runtime directory?
    pub const fn has_runtime(&self) -> bool {
        self.runtime.is_some()
    }

    /// Replaces the file in the runtime directory, if there is one; in the log's too if asked.
    ///
    /// # Errors
    /// The first failure.
    pub fn write(&self, report: &Report, on_disk: bool) -> io::Result<()> {
        let put = |directory: &Directory, report: &Report| {
            directory.replace(OsStr::new(NAME), &report.bytes(), MODE)
        };
        let Some(runtime) = &self.runtime else {
            return if on_disk { put(&self.log, report) } else { Ok(()) };
        };
        let done = put(runtime, report);
        // Its figures are many, and of this moment only: a card need not take them.
        if !on_disk {
            return done;
        }
        // Each is tried, whatever becomes of the other.
        let short = Report { figures: Vec::new(), ..report.clone() };
        let stored = put(&self.log, &short);
        done.and(stored)
    }

    /// Keeps a frame that could not be handled, as a capture of its own, if that is wanted and there
    /// is room for one more. Answers its name.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_frame(&self, fault: &Fault) -> io::Result<Option<String>> {
        let Some((link, length, bytes)) = fault.frame.as_ref().filter(|_| self.bad_frames) else {
            return Ok(None);
        };
        for number in 1..=FRAMES {
            let name = format!("bad-frame-{number}.pcap");
            let mut file = match self.log.create(OsStr::new(&name), PRIVATE) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made?,
            };
            file.write_all(&capture(link.0, *length, (fault.time, bytes)))?;
            return Ok(Some(name));
        }
        Ok(None)
    }
}

/// The directory that systemd has made for a service (`RuntimeDirectory=`). Not for root, who would
/// leave files there that whoever it becomes could not replace.
fn runtime() -> Option<PathBuf> {
    let all = std::env::var("RUNTIME_DIRECTORY").ok().filter(|_| !Uid::effective().is_root())?;
    let first = all.split(':').next().map(PathBuf::from);
    first.filter(|path| path.is_absolute())
}

/// A classic capture of one frame.
fn capture(link: u16, length: u32, (time, bytes): (Timestamp, &[u8])) -> Vec<u8> {
    let seconds = u32::try_from(time.seconds()).unwrap_or(0);
    let captured = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let head: [u32; 10] = [
        0xa1b2_3c4d, // nanoseconds
        2 | 4 << 16,
        0,
        0,
        262_144,
        u32::from(link),
        seconds,
        time.subsecond_nanos(),
        captured,
        length.max(captured),
    ];
    let mut file: Vec<u8> = head.iter().flat_map(|word| word.to_le_bytes()).collect();
    file.extend_from_slice(bytes);
    file
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::capture::LinkType;
    use crate::capture::file::CaptureFile;

    fn keep(path: &Path, bad_frames: bool) -> Keep {
        Keep::open(path, &Owners::new(&[0]), bad_frames).unwrap()
    }

    #[test]
    fn a_frame_is_kept_as_a_capture_that_only_its_owner_reads_and_no_more_than_eight_are() {
        let place = tempfile::tempdir().unwrap();
        let frame = Some((LinkType(1), 2_000, vec![7; 1_500]));
        let fault = Fault { time: Timestamp::new(1_718_676_000, 5), frame, ..Fault::default() };
        assert_eq!(keep(place.path(), false).keep_frame(&fault).unwrap(), None);
        let keep = keep(place.path(), true);
        let names: Vec<_> = (0..20).filter_map(|_| keep.keep_frame(&fault).unwrap()).collect();
        assert_eq!(names.len(), FRAMES);
        let path = place.path().join(&names[0]);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, PRIVATE);
        let mut file = CaptureFile::open(&path).unwrap();
        let frame = file.next_frames().unwrap().unwrap().next().unwrap();
        assert_eq!((frame.data, frame.wire_length), (&[7; 1_500][..], 2_000));
        assert_eq!(frame.time, fault.time);
    }

    #[test]
    fn what_was_known_of_this_log_is_read_again_and_of_another_is_not() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(keep(place.path(), false).previous(), None);
        let mut report = Report { alive: 9, log_dir: place.path().into(), ..Report::default() };
        keep(place.path(), false).write(&report, true).unwrap();
        assert_eq!(keep(place.path(), false).previous(), Some(&report));
        report.log_dir = "/elsewhere".into();
        keep(place.path(), false).write(&report, true).unwrap();
        assert_eq!(keep(place.path(), false).previous(), None);
        std::fs::write(place.path().join(NAME), "{").unwrap();
        assert_eq!(keep(place.path(), false).previous(), None);
    }
}
