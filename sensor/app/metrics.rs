//! The metrics page: `GET /metrics` on a loopback address or a unix socket, for Prometheus.
//!
//! Serves what the writer laid out last and never asks it for anything. As much HTTP as one page
//! needs, and by hand: of the libraries at hand one has no limit on slow clients, and the other
//! brings an executor. Here [`THREADS`] clients are served at a time, each for [`PATIENCE`] at most
//! and for [`LONGEST_REQUEST`] bytes; others wait in the kernel's queue, which has its own limit.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::AppError;
use crate::config::Listen;
use crate::sink::{Status, metrics};

/// Clients served at the same time.
const THREADS: usize = 3;
/// How long one client may take in all.
const PATIENCE: Duration = Duration::from_secs(3);
/// Bytes of a request's head; a scraper needs a few hundred.
const LONGEST_REQUEST: usize = 8 * 1024;
/// The pause after the system could give no connection (no descriptor is left, for one).
const PAUSE: Duration = Duration::from_millis(200);

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// What the writer lays out and the threads read.
#[derive(Default)]
struct Board {
    latest: Mutex<Arc<Status>>,
    refused: AtomicU64,
}

/// The file of a unix socket.
struct Place {
    path: PathBuf,
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
    pub fn bind(listen: &Listen) -> Result<Self, AppError> {
        let bound = match listen {
            Listen::Tcp(address) => TcpListener::bind(address).map(|s| (Socket::Tcp(s), None)),
            Listen::Unix(path) => bind_unix(path).map(|(s, place)| (Socket::Unix(s), Some(place))),
        };
        match bound {
            Ok((socket, place)) => {
                Ok(Self { socket: Arc::new(socket), place, board: Arc::default() })
            }
            Err(error) => Err(AppError::Metrics {
                listen: listen.to_string(),
                in_use: error.kind() == io::ErrorKind::AddrInUse,
                reason: crate::capture::describe(&error),
            }),
        }
    }

    /// Lays out the state of the sensor. Never waits: when a client is just taking the old one,
    /// that one stays until the next time.
    pub(super) fn lay_out(&self, status: &Status) {
        let fresh = Arc::new(status.clone());
        if let Ok(mut latest) = self.board.latest.try_lock() {
            *latest = fresh;
        }
    }

    /// Clients turned away or given up.
    pub(super) fn refused(&self) -> u64 {
        self.board.refused.load(Ordering::Relaxed)
    }

    /// Answers from now on. The threads end with the process: they hold nothing worth an end.
    pub(super) fn serve(&self) -> io::Result<()> {
        for number in 0..THREADS {
            let (socket, board) = (self.socket.clone(), self.board.clone());
            let name = format!("metrics-{number}");
            thread::Builder::new().name(name).spawn(move || answer(&socket, &board))?;
        }
        Ok(())
    }

    /// Ends, and removes the socket's file.
    ///
    /// # Errors
    /// The file and why it stays: a user that rights were given up for may have none on its
    /// directory. The next start removes it.
    pub fn close(mut self) -> Result<(), (PathBuf, io::Error)> {
        self.remove()
    }

    fn remove(&mut self) -> Result<(), (PathBuf, io::Error)> {
        let Some(Place { path, identity }) = self.place.take() else { return Ok(()) };
        match path.symlink_metadata() {
            Ok(about) if (about.dev(), about.ino()) == identity => {
                std::fs::remove_file(&path).map_err(|error| (path, error))
            }
            // It is gone, or another's by now.
            _ => Ok(()),
        }
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        let _ = self.remove();
    }
}

/// A socket file that a crash left is removed; one that somebody listens on is not.
fn bind_unix(path: &Path) -> io::Result<(UnixListener, Place)> {
    match path.symlink_metadata() {
        Ok(about) if !about.file_type().is_socket() => {
            return Err(io::Error::other("a file of this name is there, and it is no socket"));
        }
        Ok(_) if is_abandoned(path) => std::fs::remove_file(path)?,
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    let about = path.symlink_metadata()?;
    let place = Place { path: path.into(), identity: (about.dev(), about.ino()) };
    // Its user and group; the directory can narrow that further.
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o660))?;
    Ok((listener, place))
}

/// Does no process have the socket that this file was? A datagram socket asks: the kernel answers
/// by the file alone (a server's socket is of another type). So a server is not disturbed, and one
/// that hangs with its queue full cannot hold us up as it would hold up a client.
fn is_abandoned(path: &Path) -> bool {
    let asked = UnixDatagram::unbound().and_then(|probe| probe.connect(path));
    asked.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

fn answer(socket: &Socket, board: &Board) {
    loop {
        let answered = match socket {
            Socket::Tcp(listener) => listener.accept().map(|(client, _)| converse(client, board)),
            Socket::Unix(listener) => listener.accept().map(|(client, _)| converse(client, board)),
        };
        match answered {
            Ok(Ok(())) => {}
            Ok(Err(_)) => {
                board.refused.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// A connection whose every step can be bounded.
trait Client: Read + Write {
    fn limit(&self, time: Duration) -> io::Result<()>;
}

impl Client for TcpStream {
    fn limit(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))?;
        self.set_write_timeout(Some(time))
    }
}

impl Client for UnixStream {
    fn limit(&self, time: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(time))?;
        self.set_write_timeout(Some(time))
    }
}

/// One request, one answer.
fn converse(mut client: impl Client, board: &Board) -> io::Result<()> {
    let end = moment() + PATIENCE;
    let head = request(&mut client, end)?;
    let answer = response(&head, board);
    let mut rest = answer.as_slice();
    while !rest.is_empty() {
        limit(&client, end)?;
        let written = client.write(rest)?;
        rest = rest.get(written..).filter(|_| written > 0).ok_or(io::ErrorKind::WriteZero)?;
    }
    client.flush()
}

/// What is left of the client's time binds the next step.
fn limit(client: &impl Client, end: Instant) -> io::Result<()> {
    match end.checked_duration_since(moment()) {
        Some(left) if !left.is_zero() => client.limit(left),
        _ => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// The machine's clock: a client's patience is no packet's time.
#[allow(clippy::disallowed_methods)]
fn moment() -> Instant {
    Instant::now()
}

/// The head of a request, up to its empty line.
fn request(client: &mut impl Client, end: Instant) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while memchr::memmem::find(&head, b"\r\n\r\n").is_none() {
        if head.len() > LONGEST_REQUEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        limit(client, end)?;
        let read = client.read(&mut buffer)?;
        match buffer.get(..read) {
            Some(bytes @ [_, ..]) => head.extend_from_slice(bytes),
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
    Ok(head)
}

/// `GET` or `HEAD` of `/metrics`, and nothing else.
fn response(head: &[u8], board: &Board) -> Vec<u8> {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let bare = "text/plain; charset=utf-8";
    let (status, kind, body) = match (method, path) {
        (b"GET" | b"HEAD", b"/metrics") => match metrics::text(latest(board)) {
            Ok(text) => ("200 OK", metrics::CONTENT_TYPE, text),
            Err(_) => ("500 Internal Server Error", bare, "the page cannot be made\n".into()),
        },
        (b"GET" | b"HEAD", _) => ("404 Not Found", bare, "the page is /metrics\n".into()),
        _ => ("405 Method Not Allowed", bare, "GET and HEAD only\n".into()),
    };
    let mut answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Allow: GET, HEAD\r\nConnection: close\r\n\r\n",
        body.len()
    );
    if method != b"HEAD" {
        answer.push_str(&body);
    }
    answer.into_bytes()
}

/// The lock is held for as long as it takes to count one more holder.
fn latest(board: &Board) -> Arc<Status> {
    board.latest.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Counter;

    fn page() -> (Metrics, std::net::SocketAddr) {
        let page = Metrics::bind(&"127.0.0.1:0".parse().unwrap()).unwrap();
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

    const GET: &str = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

    #[test]
    fn the_page_shows_what_was_laid_out_last() {
        let (page, address) = page();
        page.serve().unwrap();
        let mut status = Status::default();
        for frames in [3, 4] {
            status.counters.add(Counter::Frames, frames);
            page.lay_out(&status);
            let answer = ask(TcpStream::connect(address).unwrap(), GET);
            let sum = status.counters.get(Counter::Frames);
            let wanted = format!("\nwardwatch_capture_frames_total {sum}\n");
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            assert!(answer.contains(&wanted), "{answer}");
        }
    }

    #[test]
    fn other_requests_are_refused_in_words() {
        let board = Board::default();
        let answer =
            |request: &str| String::from_utf8(response(request.as_bytes(), &board)).unwrap();
        assert!(answer("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
        assert!(answer("POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
        assert!(answer("\r\n\r\n").starts_with("HTTP/1.1 405 "));
        let head = answer("HEAD /metrics?x=1 HTTP/1.0\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    }

    #[test]
    fn slow_and_greedy_clients_are_given_up_and_others_are_served_afterwards() {
        let (page, address) = page();
        page.serve().unwrap();
        let silent: Vec<_> =
            (0..THREADS * 2).map(|_| TcpStream::connect(address).unwrap()).collect();
        let mut greedy = TcpStream::connect(address).unwrap();
        let _ = greedy.write_all(&vec![b'x'; LONGEST_REQUEST * 4]);
        let begun = moment();
        let answer = ask(TcpStream::connect(address).unwrap(), GET);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(begun.elapsed() < PATIENCE * 10, "{:?}", begun.elapsed());
        assert!(page.refused() > 0);
        drop(silent);
    }

    #[test]
    fn a_socket_that_a_crash_left_is_taken_over_and_one_in_use_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("metrics.sock");
        let listen = Listen::Unix(path.clone());
        drop(UnixListener::bind(&path).unwrap());
        let page = Metrics::bind(&listen).unwrap();
        page.serve().unwrap();
        let answer = ask(UnixStream::connect(&path).unwrap(), GET);
        assert!(answer.contains("wardwatch_build_info"), "{answer}");
        let Err(error) = Metrics::bind(&listen) else { panic!("taken twice") };
        assert!(error.to_string().contains("another process"), "{error}");
        assert_eq!(error.exit_code(), 1);
        let file = directory.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let Err(error) = Metrics::bind(&Listen::Unix(file.clone())) else { panic!("taken") };
        assert!(error.to_string().contains("it is no socket"), "{error}");
        assert!(file.exists(), "what is no socket is left alone");
    }

    #[test]
    fn a_server_is_not_disturbed_by_the_question_whether_it_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("metrics.sock");
        let server = UnixListener::bind(&path).unwrap();
        server.set_nonblocking(true).unwrap();
        assert!(Metrics::bind(&Listen::Unix(path)).is_err());
        // A client would stand in its queue, and wait there for ever if the queue were full.
        assert_eq!(server.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn the_socket_is_gone_after_the_end_unless_it_is_another_ones() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("metrics.sock");
        let listen = Listen::Unix(path.clone());
        Metrics::bind(&listen).unwrap().close().unwrap();
        assert!(!path.exists());
        drop(Metrics::bind(&listen).unwrap());
        assert!(!path.exists());
        let page = Metrics::bind(&listen).unwrap();
        // Held by a link, so that the new file cannot get its inode.
        std::fs::rename(&path, directory.path().join("moved")).unwrap();
        let another = Metrics::bind(&listen).unwrap();
        page.close().unwrap();
        assert!(path.exists(), "the newer one serves there");
        another.close().unwrap();
    }
}
