//! Where `--eve` leads: standard output, a descriptor that is open already, a pipe, nowhere, or a
//! file. Opens what is no file, and never waits for whoever reads there.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::directory::{Directory, NO_READER, Owners, Reader};

/// How often a reader is looked for, and how long it is rested in between.
const LOOKS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// Where records go.
pub enum Target {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A pipe, the null device, or a descriptor that is open already. Writing may wait.
    Stream(File),
    /// A file, which is not opened yet.
    File,
}

/// Finds out what a path means. For a pipe the process itself holds a reading end: none is missed,
/// and none is waited for.
///
/// # Errors
/// What the system says; or why nothing is written there.
pub fn find(path: &Path, owners: &Owners) -> io::Result<Target> {
    match descriptor(path) {
        Some(1) => Ok(Target::Stdout),
        Some(2) => Ok(Target::Stderr),
        Some(number) => reopen(number).map(Target::Stream),
        None => {
            let (directory, name) = Directory::of(path, owners)?;
            let stream = directory.stream(&name, Reader::Ourselves)?;
            Ok(stream.map_or(Target::File, Target::Stream))
        }
    }
}

/// Is it standard output, by whatever name?
pub fn is_stdout(path: &Path) -> bool {
    descriptor(path) == Some(1)
}

/// The descriptor of ours that a path names.
fn descriptor(path: &Path) -> Option<u32> {
    let text = path.to_str()?;
    match text {
        "-" | "/dev/stdout" => Some(1),
        "/dev/stderr" => Some(2),
        _ => ["/dev/fd/", "/proc/self/fd/"]
            .iter()
            .find_map(|directory| text.strip_prefix(directory)?.parse().ok()),
    }
}

/// Opens what a descriptor of ours stands for once more.
fn reopen(number: u32) -> io::Result<File> {
    let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let path = format!("/proc/self/fd/{number}");
    let file = File::options().append(true).custom_flags(flags).open(path)?;
    patient(file)
}

/// From here on a write waits for its reader.
fn patient(file: File) -> io::Result<File> {
    let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL)?);
    fcntl(&file, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK))?;
    Ok(file)
}

/// Opens where the records of a scan go, for whoever waits for a slow reader rather than lose one. A
/// file is made with mode 0640 and emptied; as root it is refused where another user could have laid
/// it. A reader of a pipe gets five seconds to come.
///
/// # Errors
/// As [`find`]; [`NO_READER`].
pub fn create(path: &Path) -> io::Result<Box<dyn Write>> {
    let owners = Owners::new(&[]);
    match descriptor(path) {
        Some(1) => return Ok(Box::new(io::stdout())),
        Some(2) => return Ok(Box::new(io::stderr())),
        Some(number) => return Ok(Box::new(reopen(number)?)),
        None => {}
    }
    if !owners.are_root() {
        return create_as_user(path);
    }
    let (directory, name) = Directory::of(path, &owners)?;
    match await_reader(|| directory.stream(&name, Reader::Another))? {
        Some(stream) => Ok(Box::new(stream)),
        None => {
            let file = directory.append(&name, 0o640)?;
            file.set_len(0)?;
            Ok(Box::new(file))
        }
    }
}

/// With a user's own rights a link harms nobody else.
fn create_as_user(path: &Path) -> io::Result<Box<dyn Write>> {
    let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let mut options = File::options();
    options.append(true).create(true).mode(0o640).custom_flags(flags);
    let file = await_reader(|| options.open(path).map(Some))?;
    let file = file.ok_or(io::ErrorKind::NotFound)?;
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(Box::new(patient(file)?))
}

/// Tries again while it is said that nobody reads there.
fn await_reader(open: impl Fn() -> io::Result<Option<File>>) -> io::Result<Option<File>> {
    for _ in 0..LOOKS {
        match open() {
            Err(error) if error.raw_os_error() == Some(nix::errno::Errno::ENXIO as i32) => {
                std::thread::sleep(PAUSE);
            }
            Ok(Some(file)) => return patient(file).map(Some),
            opened => return opened,
        }
    }
    Err(io::Error::other(NO_READER))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    #[test]
    fn the_names_of_standard_output_mean_standard_output() {
        for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
            assert!(is_stdout(Path::new(name)), "{name}");
        }
        for name in ["/dev/stderr", "/dev/fd/12", "/dev/fd/", "./-", "eve.json"] {
            assert!(!is_stdout(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn a_path_is_told_apart_as_a_stream_or_a_file_and_nothing_is_waited_for() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        mkfifo(&path("pipe"), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        let open = File::create(path("file")).unwrap();
        let owners = Owners::new(&[]);
        let is_stream = |path: &Path| matches!(find(path, &owners), Ok(Target::Stream(_)));
        assert!(is_stream(&path("pipe")));
        assert!(is_stream(Path::new("/dev/null")));
        assert!(is_stream(Path::new(&format!("/dev/fd/{}", open.as_raw_fd()))));
        for name in ["file", "none"] {
            assert!(matches!(find(&path(name), &owners), Ok(Target::File)), "{name}");
        }
        assert!(find(Path::new("/dev/fd/9999"), &owners).is_err());
        assert!(find(Path::new("/none/eve.json"), &owners).is_err());
    }

    #[test]
    fn a_scan_empties_a_file_and_waits_for_the_reader_of_a_pipe_but_not_for_ever() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        std::fs::write(path("file"), "old").unwrap();
        create(&path("file")).unwrap().write_all(b"new").unwrap();
        assert_eq!(std::fs::read(path("file")).unwrap(), b"new");
        mkfifo(&path("pipe"), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| std::fs::read(path("pipe")).unwrap());
            create(&path("pipe")).unwrap().write_all(b"new").unwrap();
            assert_eq!(reader.join().unwrap(), b"new");
        });
        assert_eq!(create(&path("pipe")).err().unwrap().to_string(), NO_READER);
        assert!(create(Path::new("/dev/null")).is_ok());
        assert!(create(place.path()).is_err());
    }
}
