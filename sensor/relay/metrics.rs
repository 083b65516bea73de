//! The metrics page: `GET /metrics` on a loopback address or a unix socket, for Prometheus.
//!
//! Serves what stands in the sensor's `status.json` and never asks the sensor for anything. As much
//! HTTP as one page needs, and by hand: of the libraries at hand one has no limit on slow clients, and
//! the other brings an executor. This file has the socket; [`clients`] has who asks, [`request`] what is
//! asked, [`source`] what is known, [`page`] how it is said.

mod clients;
mod page;
mod request;
mod source;

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use ioc_feeds::file;
use nix::sys::stat::{FileStat, SFlag, fstat};

use wardwatch_record::directory::{Directory, Owners};
use wardwatch_record::{Language, Message, describe, describe_in};

use crate::config::Listen;
use source::{Snapshot, Source};

/// The page cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve metrics on {listen}: {reason}{}", hint(*in_use))]
pub struct MetricsError {
    /// Where.
    pub listen: String,
    /// Has somebody else the address?
    pub in_use: bool,
    /// Why.
    pub reason: String,
}

/// What to do when an address is taken.
const fn hint(in_use: bool) -> &'static str {
    match in_use {
        true => {
            "; another process has it (a second wardwatch-relay?): choose another under [metrics]"
        }
        false => "",
    }
}

impl MetricsError {
    /// In both languages.
    pub fn message(&self) -> Message {
        let reason = describe_in(Language::Vi, &self.reason);
        let hint = match self.in_use {
            true => {
                "; chương trình khác đang dùng (một wardwatch-relay thứ hai?): hãy chọn địa chỉ khác ở mục [metrics]"
            }
            false => "",
        };
        let vi = format!("không phục vụ được trang số liệu ở {}: {reason}{hint}", self.listen);
        Message::new(vi, self.to_string())
    }
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Socket {
    fn set_nonblocking(&self) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => listener.set_nonblocking(true),
            Self::Unix(listener) => listener.set_nonblocking(true),
        }
    }
}

/// What the thread knows.
#[derive(Default)]
struct Board {
    source: Mutex<Source>,
    refused: AtomicU64,
}

impl Board {
    fn latest(&self) -> Arc<Snapshot> {
        let refused = self.refused.load(Ordering::Relaxed);
        self.source.lock().unwrap_or_else(PoisonError::into_inner).latest(refused)
    }
}

/// The file of a unix socket.
struct Place {
    path: PathBuf,
    directory: Directory,
    name: OsString,
    /// Device and inode: another's file of this name is not ours to remove.
    identity: (u64, u64),
}

/// The page, and the socket it is asked for on.
pub struct Metrics {
    socket: Arc<Socket>,
    /// The socket's file, if it has one and it is still ours.
    place: Option<Place>,
    board: Arc<Board>,
}

impl Metrics {
    /// Takes the socket; nobody is answered before [`Metrics::serve`].
    ///
    /// # Errors
    /// When it cannot be had: another process has it, or its directory is missing.
    pub fn bind(listen: &Listen) -> Result<Self, MetricsError> {
        let owners = &Owners::new(&[]);
        let bound = match listen {
            Listen::Tcp(address) => TcpListener::bind(address).map(|s| (Socket::Tcp(s), None)),
            Listen::Unix(path) => {
                bind_unix(path, owners).map(|(s, place)| (Socket::Unix(s), Some(place)))
            }
        };
        match bound {
            Ok((socket, place)) => {
                Ok(Self { socket: Arc::new(socket), place, board: Arc::default() })
            }
            Err(error) => Err(MetricsError {
                listen: listen.to_string(),
                in_use: error.kind() == io::ErrorKind::AddrInUse,
                reason: describe(&error),
            }),
        }
    }

    /// Answers from now on, with what stands in this file. The thread ends with the process: it holds
    /// nothing worth an end.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn serve(&self, status: &Path) -> io::Result<()> {
        let (socket, board) = (self.socket.clone(), self.board.clone());
        socket.set_nonblocking()?;
        *board.source.lock().unwrap_or_else(PoisonError::into_inner) = Source::of(status);
        let work = move || clients::Clients::new(&socket, &board).work();
        thread::Builder::new().name("metrics".into()).spawn(work).map(drop)
    }

    /// Ends, and removes the socket's file.
    ///
    /// # Errors
    /// The file and why it stays. The next start removes it.
    pub fn close(mut self) -> Result<(), (PathBuf, io::Error)> {
        self.remove()
    }

    fn remove(&mut self) -> Result<(), (PathBuf, io::Error)> {
        let Some(Place { path, directory, name, identity }) = self.place.take() else {
            return Ok(());
        };
        match directory.stat(&name) {
            Ok(about) if identity_of(&about) == identity => {
                directory.remove(&name).map_err(|error| (path, error))
            }
            // It is gone, or another's by now.
            _ => Ok(()),
        }
    }
}

const fn identity_of(about: &FileStat) -> (u64, u64) {
    (about.st_dev, about.st_ino)
}

impl Drop for Metrics {
    fn drop(&mut self) {
        let _ = self.remove();
    }
}

/// A socket file that a crash left is removed; one that somebody listens on is not. Whatever is done
/// to the file is done to the very one that was made here.
fn bind_unix(path: &Path, owners: &Owners) -> io::Result<(UnixListener, Place)> {
    let (directory, name) = Directory::of(path, owners)?;
    let here = |name: &OsStr| {
        let directory = format!("/proc/self/fd/{}", directory.number());
        Path::new(&directory).join(name)
    };
    match directory.stat(&name) {
        Ok(about) if file::kind(&about) != SFlag::S_IFSOCK => {
            return Err(io::Error::other("a file of this name is there, and it is no socket"));
        }
        Ok(_) if is_abandoned(&here(&name)) => directory.remove(&name)?,
        _ => {}
    }
    let listener = UnixListener::bind(here(&name))?;
    let made = directory.look(&name)?;
    let about = fstat(&made)?;
    if file::kind(&about) != SFlag::S_IFSOCK {
        return Err(io::Error::other("a file of this name is there, and it is no socket"));
    }
    // Its user and group; the directory can narrow that further.
    let itself = format!("/proc/self/fd/{}", made.as_raw_fd());
    std::fs::set_permissions(itself, PermissionsExt::from_mode(0o660))?;
    let identity = identity_of(&about);
    Ok((listener, Place { path: path.into(), directory, name, identity }))
}

/// Does no process have the socket that this file was? A datagram socket asks: the kernel answers
/// by the file alone (a server's socket is of another type). So a server is not disturbed, and one
/// that hangs with its queue full cannot hold us up as it would hold up a client.
fn is_abandoned(path: &Path) -> bool {
    let asked = UnixDatagram::unbound().and_then(|probe| probe.connect(path));
    asked.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::os::unix::net::UnixStream;
    use std::time::{Duration, Instant};

    use wardwatch_record::{Status, status};

    use super::*;

    fn bind(listen: &Listen) -> Result<Metrics, MetricsError> {
        Metrics::bind(listen)
    }

    const NONE: &str = "/no/such/status.json";

    impl Metrics {
        fn refused(&self) -> u64 {
            self.board.refused.load(Ordering::Relaxed)
        }
    }

    fn page() -> (Metrics, std::net::SocketAddr) {
        let page = bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
        let Socket::Tcp(listener) = &*page.socket else { panic!("no TCP") };
        let address = listener.local_addr().unwrap();
        (page, address)
    }

    fn ask(mut client: impl Read + Write, request: &str) -> String {
        client.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        answer
    }

    const GET: &str = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

    #[test]
    fn the_page_shows_what_the_sensor_wrote_last_and_says_when_it_writes_no_more() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("status.json");
        let (page, address) = page();
        page.serve(&file).unwrap();
        let answer = || ask(TcpStream::connect(address).unwrap(), GET);
        assert!(answer().contains("\nwardwatch_up 0\n"), "there is none yet");
        for frames in [3, 4] {
            let figure = status::Figure {
                name: "capture.frames".into(),
                help: "Frames taken from the source.".into(),
                kind: status::Figures::Total,
                value: Some(frames),
            };
            let alive = source::seconds();
            let status = Status { alive, every: 5, figures: vec![figure], ..Status::default() };
            std::fs::write(&file, status.bytes()).unwrap();
            thread::sleep(Duration::from_millis(1100));
            let answer = answer();
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            let wanted = format!("\nwardwatch_capture_frames_total {frames}\n");
            assert!(answer.contains(&wanted) && answer.contains("\nwardwatch_up 1\n"), "{answer}");
        }
        let stale = Status { alive: source::seconds() - 60, every: 5, ..Status::default() };
        std::fs::write(&file, stale.bytes()).unwrap();
        thread::sleep(Duration::from_millis(1100));
        assert!(answer().contains("\nwardwatch_up 0\n"));
    }

    /// Asks, and says how long the answer took.
    #[allow(clippy::disallowed_methods)] // a test may look at the clock
    fn timed(address: std::net::SocketAddr) -> Duration {
        let begun = Instant::now();
        let answer = ask(TcpStream::connect(address).unwrap(), GET);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        begun.elapsed()
    }

    /// Far below the patience with one client.
    const AT_ONCE: Duration = Duration::from_millis(1500);

    #[test]
    fn silent_slow_and_greedy_clients_hold_nobody_else_up() {
        let (page, address) = page();
        page.serve(Path::new(NONE)).unwrap();
        let connect = || TcpStream::connect(address).unwrap();
        // More than are kept at a time, by far.
        let mut silent: Vec<_> = (0..clients::MOST * 4).map(|_| connect()).collect();
        assert!(timed(address) < AT_ONCE);
        // Half a head each, and a byte more now and then.
        for slow in &mut silent {
            let _ = slow.write_all(b"GET /metrics HTTP/1.1\r\nX: ");
        }
        for _ in 0..3 {
            silent.iter_mut().for_each(|slow| drop(slow.write_all(b"x")));
            assert!(timed(address) < AT_ONCE);
        }
        // One that asks and does not read, and one that never ends its head.
        let mut deaf = connect();
        deaf.write_all(GET.as_bytes()).unwrap();
        let mut greedy = connect();
        let _ = greedy.write_all(&vec![b'x'; request::LONGEST * 4]);
        assert!(timed(address) < AT_ONCE);
        assert!(page.refused() >= clients::MOST as u64, "{}", page.refused());
    }

    #[test]
    fn a_client_that_drips_is_given_up_when_its_time_is_over_however_it_drips() {
        let (page, address) = page();
        page.serve(Path::new(NONE)).unwrap();
        let mut slow = TcpStream::connect(address).unwrap();
        let mut refused = false;
        for _ in 0..100 {
            thread::sleep(Duration::from_millis(100));
            refused = page.refused() > 0;
            if refused || slow.write_all(b"x").is_err() {
                break;
            }
        }
        assert!(refused, "still served after ten seconds");
    }

    #[test]
    fn a_socket_that_a_crash_left_is_taken_over_and_one_in_use_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("metrics.sock");
        let listen = Listen::Unix(path.clone());
        drop(UnixListener::bind(&path).unwrap());
        let page = bind(&listen).unwrap();
        page.serve(Path::new(NONE)).unwrap();
        let answer = ask(UnixStream::connect(&path).unwrap(), GET);
        assert!(answer.contains("wardwatch_build_info"), "{answer}");
        let Err(error) = bind(&listen) else { panic!("taken twice") };
        assert!(error.to_string().contains("another process"), "{error}");
        assert!(error.in_use);
        let file = directory.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let Err(error) = bind(&Listen::Unix(file.clone())) else { panic!("taken") };
        assert!(error.to_string().contains("it is no socket"), "{error}");
        assert!(file.exists(), "what is no socket is left alone");
    }

    #[test]
    fn a_server_is_not_disturbed_by_the_question_whether_it_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("metrics.sock");
        let server = UnixListener::bind(&path).unwrap();
        server.set_nonblocking(true).unwrap();
        assert!(bind(&Listen::Unix(path)).is_err());
        // A client would stand in its queue, and wait there for ever if the queue were full.
        assert_eq!(server.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn the_socket_is_gone_after_the_end_unless_it_is_another_ones() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("metrics.sock");
        let listen = Listen::Unix(path.clone());
        bind(&listen).unwrap().close().unwrap();
        assert!(!path.exists());
        drop(bind(&listen).unwrap());
        assert!(!path.exists());
        let page = bind(&listen).unwrap();
        // Held by a link, so that the new file cannot get its inode.
        std::fs::rename(&path, directory.path().join("moved")).unwrap();
        let another = bind(&listen).unwrap();
        page.close().unwrap();
        assert!(path.exists(), "the newer one serves there");
        another.close().unwrap();
    }
}
