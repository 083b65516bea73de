//! Opening a capture: what is opened at all, how it is packed, which format it has.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{BATCH, CaptureFile, Format};
use crate::capture::foreign::{self, Foreign};
use crate::capture::packing::{self, Packing};
use crate::capture::pcap_format::{FILE_HEADER, PcapFormat, word};
use crate::capture::pcapng_format::{PcapngFormat, SECTION};
use crate::capture::pipe::Pipe;
use crate::capture::window::Window;
use crate::capture::{CaptureError, snoop_format};

impl CaptureFile {
    /// Opens a file by its path.
    ///
    /// # Errors
    /// When it cannot be opened, is no regular file, or is no capture.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        Self::from_reader(
            path.display().to_string(),
            Box::new(regular(path, File::options().read(true))?),
        )
    }

    /// Opens a file that a search has found. A link that has taken its place is not followed, and
    /// a pipe not waited for.
    ///
    /// # Errors
    /// As [`CaptureFile::open`].
    pub fn open_found(path: &Path) -> Result<Self, CaptureError> {
        Self::from_reader(path.display().to_string(), Box::new(regular(path, &warily())?))
    }

    /// Opens a file with `meter` around it, which sees its bytes as they are packed.
    ///
    /// # Errors
    /// As [`CaptureFile::open`].
    pub fn open_metered(
        path: &Path,
        meter: impl FnOnce(File) -> Box<dyn Read + Send>,
    ) -> Result<Self, CaptureError> {
        Self::from_reader(
            path.display().to_string(),
            meter(regular(path, File::options().read(true))?),
        )
    }

    /// Reads a named pipe, to its end or until `stop` is set, also if nobody ever writes to it.
    ///
    /// # Errors
    /// As [`CaptureFile::open`].
    pub fn named_pipe(path: &Path, stop: Arc<AtomicBool>) -> Result<Self, CaptureError> {
        let name = path.display().to_string();
        let path = path.to_owned();
        Self::pipe(name, move || File::open(path), stop)
    }

    /// Reads standard input, to its end or until `stop` is set.
    ///
    /// # Errors
    /// When it is no capture.
    pub fn stdin(stop: Arc<AtomicBool>) -> Result<Self, CaptureError> {
        Self::pipe("standard input".into(), || Ok(io::stdin()), stop)
    }

    fn pipe<R: Read>(
        name: String,
        open: impl FnOnce() -> io::Result<R> + Send + 'static,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, CaptureError> {
        match Pipe::new(open, stop) {
            Ok(pipe) => Self::from_reader(name, Box::new(pipe)),
            Err(source) => Err(CaptureError::Open { name, source }),
        }
    }

    /// Reads any stream of bytes; `name` is for messages.
    ///
    /// # Errors
    /// When it is no capture.
    pub fn from_reader(name: String, reader: Box<dyn Read + Send>) -> Result<Self, CaptureError> {
        let mut window = Window::new(reader);
        let read = |source| CaptureError::Read { name: name.clone(), frames: 0, source };
        // As few bytes as will do: a pipe may be silent behind them.
        let four = window.fill(4).map_err(read)?;
        if four && Packing::of(window.held()).is_some() {
            window.fill(packing::HEAD).map_err(read)?;
        }
        if let Some(packing) = Packing::of(window.held()) {
            window = Window::new(packing.unpack(window));
            window.fill(4).map_err(read)?;
        }
        let format = Self::format(&mut window).map_err(read)?;
        let Some(format) = format else {
            window.fill(foreign::HEAD).map_err(read)?;
            let head = window.held();
            let Foreign { what, likeness } = match Packing::of(head) {
                Some(_) => Foreign::PACKED_TWICE,
                None => Foreign::of(head.get(..foreign::HEAD).unwrap_or(head)),
            };
            return Err(CaptureError::NotACapture { name, what: what.into(), likeness });
        };
        Ok(Self {
            name,
            window,
            format,
            filter: None,
            frames: 0,
            first_time: None,
            last_time: None,
            batch: Vec::with_capacity(BATCH),
            lent: 0,
            found: 0,
        })
    }

    /// Reads the file header; none of ours if there is none.
    fn format(window: &mut Window) -> io::Result<Option<Format>> {
        if word(window.held(), 0, true) == Some(SECTION) {
            window.fill(12)?;
            let order = PcapngFormat::section_order(window.held());
            return Ok(order.map(|_| Format::Pcapng(PcapngFormat::default())));
        }
        if !window.fill(snoop_format::FILE_HEADER)? {
            return Ok(None);
        }
        let mut format = snoop_format::read(window.held());
        if format.is_none() && window.fill(FILE_HEADER)? {
            format = PcapFormat::read(window.held());
        }
        let Some(format) = format else { return Ok(None) };
        if !window.fill(format.file_header)? {
            return Ok(None);
        }
        window.advance(format.file_header);
        Ok(Some(Format::Pcap(format)))
    }
}

/// A regular file. Anything else is not opened: a device may do whatever it does.
fn regular(path: &Path, options: &OpenOptions) -> Result<File, CaptureError> {
    let name = || path.display().to_string();
    let is_file = |file: File| Ok((file.metadata()?.is_file(), file));
    let kind = path.metadata().map(|metadata| metadata.file_type());
    let what = match kind {
        Ok(kind) if kind.is_dir() => {
            let source = io::ErrorKind::IsADirectory.into();
            return Err(CaptureError::Open { name: name(), source });
        }
        Ok(kind) if kind.is_fifo() => "it is a named pipe",
        Ok(kind) if kind.is_socket() => "it is a socket",
        Ok(kind) if !kind.is_file() => "it is a device",
        _ => match options.open(path).and_then(is_file) {
            Ok((true, file)) => return Ok(file),
            Ok((false, _)) => "it is no longer a file",
            Err(source) => return Err(CaptureError::Open { name: name(), source }),
        },
    };
    Err(CaptureError::NotRead { name: name(), what: what.into() })
}

/// Neither follows a link nor waits for a pipe that has taken a file's place.
fn warily() -> OpenOptions {
    let mut options = File::options();
    options.read(true);
    #[cfg(feature = "live")]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NOFOLLOW | libc::O_NONBLOCK,
    );
    options
}
