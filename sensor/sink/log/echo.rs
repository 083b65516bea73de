//! Alerts that wait for a disk are told elsewhere meanwhile: on standard error, and in the journal
//! where that is another place.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use crate::sink::Losses;
use crate::sink::file::{LineOut, Weight};
use crate::sink::stream::Stream;

/// Where the journal, or else a syslog daemon, takes lines.
const JOURNALS: [&str; 2] = ["/run/systemd/journal/dev-log", "/dev/log"];
/// Facility 10 (security), severity 2 (critical): 10 * 8 + 2.
const PRIORITY: u8 = 82;

/// The ways out beside the file.
pub(super) struct Echo {
    errors: Stream,
    /// None where standard error is the journal, or where there is none.
    journal: Option<File>,
}

impl Echo {
    /// Finds the journal. To be asked while the process may still look around.
    pub(super) fn find() -> Self {
        let journal = match stderr_is_journal(std::env::var("JOURNAL_STREAM").ok().as_deref()) {
            true => None,
            false => JOURNALS.iter().find_map(|path| connect(path.as_ref())),
        };
        Self { errors: Stream::stderr(), journal }
    }

    /// Tells a line, with its line end. Nobody is waited for: what a full journal does not take
    /// is held in memory anyway.
    pub(super) fn tell(&mut self, line: &[u8]) {
        let _ = self.errors.line(line, Weight::Alert { fold: 0 });
        let Some(journal) = &mut self.journal else { return };
        let mut message = format!("<{PRIORITY}>wardwatch[{}]: ", std::process::id()).into_bytes();
        message.extend_from_slice(line.trim_ascii_end());
        // Connected, it is written to as a file is.
        let _ = journal.write(&message);
    }

    /// What standard error did not take.
    pub(super) fn losses(&self) -> Losses {
        self.errors.losses()
    }
}

fn connect(path: &Path) -> Option<File> {
    let socket = UnixDatagram::unbound().ok()?;
    socket.connect(path).ok()?;
    socket.set_nonblocking(true).ok()?;
    Some(File::from(OwnedFd::from(socket)))
}

/// The service manager names the journal's stream by device and inode; is standard error that?
fn stderr_is_journal(stream: Option<&str>) -> bool {
    let about = fs::metadata("/proc/self/fd/2");
    stream
        .zip(about.ok())
        .is_some_and(|(stream, about)| stream == format!("{}:{}", about.dev(), about.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reaches_the_journal_and_one_that_is_full_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let journal = UnixDatagram::bind(&path).unwrap();
        let mut echo = Echo { errors: Stream::stderr(), journal: connect(&path) };
        echo.tell("NGHIÊM TRỌNG | x\n".as_bytes());
        let mut buffer = [0; 200];
        let length = journal.recv(&mut buffer).unwrap();
        let text = std::str::from_utf8(&buffer[..length]).unwrap();
        assert_eq!(text, format!("<82>wardwatch[{}]: NGHIÊM TRỌNG | x", std::process::id()));
        for _ in 0..5000 {
            echo.tell(b"");
        }
    }

    #[test]
    fn standard_error_is_the_journal_only_if_it_is_the_very_same_stream() {
        let about = fs::metadata("/proc/self/fd/2").unwrap();
        let same = format!("{}:{}", about.dev(), about.ino());
        assert!(stderr_is_journal(Some(&same)));
        assert!(!stderr_is_journal(Some("1:1")));
        assert!(!stderr_is_journal(None));
    }
}
