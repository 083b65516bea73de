//! Who asks for the metrics page: [`MOST`] clients at a time in one thread, none of which is waited
//! for.
//!
//! A client has [`PATIENCE`] for everything. There is always room for the next: where too many are
//! there, of one peer or in all, the one that has been there longest goes. So whoever asks at once
//! is answered at once, whatever others do.

use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{Board, Socket, request};

/// Clients at the same time.
pub(super) const MOST: usize = 64;
/// Of these, from one address.
const MOST_OF_A_PEER: usize = 48;
/// How long one client may take in all.
const PATIENCE: Duration = Duration::from_secs(3);
/// How late it is noticed that a client's time is over.
const BREATH: u16 = 250;
/// Clients taken in before those that are there are looked after.
const AT_A_TIME: usize = 16;
/// The pause after the system could give no connection (no descriptor is left, for one).
const PAUSE: Duration = Duration::from_millis(200);

/// Everybody who is being served.
pub(super) struct Clients<'a> {
    socket: &'a Socket,
    board: &'a Board,
    /// In the order they came.
    clients: Vec<Client>,
}

/// A connection that never blocks.
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

struct Client {
    stream: Stream,
    /// None on a unix socket.
    peer: Option<IpAddr>,
    end: Instant,
    head: Vec<u8>,
    /// Once it has asked.
    answer: Option<Vec<u8>>,
    written: usize,
}

/// How far a client is.
enum Progress {
    Waits,
    Done,
    Failed,
}

impl<'a> Clients<'a> {
    pub(super) const fn new(socket: &'a Socket, board: &'a Board) -> Self {
        Self { socket, board, clients: Vec::new() }
    }

    /// Serves for ever.
    pub(super) fn work(mut self) {
        loop {
            self.wait();
            self.take_in();
            let now = moment();
            let (board, mut refused) = (self.board, 0);
            self.clients.retain_mut(|client| match client.proceed(board) {
                Progress::Waits if now < client.end => true,
                Progress::Done => false,
                Progress::Waits | Progress::Failed => {
                    refused += 1;
                    false
                }
            });
            self.board.refused.fetch_add(refused, Ordering::Relaxed);
        }
    }

    /// Until somebody comes, somebody can go on, or a while has passed.
    fn wait(&self) {
        let listener = match self.socket {
            Socket::Tcp(listener) => listener.as_fd(),
            Socket::Unix(listener) => listener.as_fd(),
        };
        let mut waited = vec![PollFd::new(listener, PollFlags::POLLIN)];
        waited.extend(self.clients.iter().map(|client| {
            let reads = client.answer.is_none();
            let events = if reads { PollFlags::POLLIN } else { PollFlags::POLLOUT };
            PollFd::new(client.stream.as_fd(), events)
        }));
        // With nobody there, there is no time that could be over.
        let most = if self.clients.is_empty() { PollTimeout::NONE } else { BREATH.into() };
        if poll(&mut waited, most).is_err_and(|error| error != nix::errno::Errno::EINTR) {
            thread::sleep(PAUSE);
        }
    }

    fn take_in(&mut self) {
        for _ in 0..AT_A_TIME {
            let taken = match self.socket {
                Socket::Tcp(listener) => listener.accept().and_then(|(stream, peer)| {
                    stream.set_nonblocking(true)?;
                    Ok((Stream::Tcp(stream), Some(peer.ip())))
                }),
                Socket::Unix(listener) => listener.accept().and_then(|(stream, _)| {
                    stream.set_nonblocking(true)?;
                    Ok((Stream::Unix(stream), None))
                }),
            };
            match taken {
                Ok((stream, peer)) => self.add(Client::new(stream, peer)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return thread::sleep(PAUSE),
            }
        }
    }

    fn add(&mut self, mut new: Client) {
        // Most have asked already, and need no place.
        match new.proceed(self.board) {
            Progress::Waits => {}
            Progress::Done => return,
            Progress::Failed => {
                self.board.refused.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        let of_peer = |client: &Client| new.peer.is_some() && client.peer == new.peer;
        let crowded =
            self.clients.iter().filter(|client| of_peer(client)).count() >= MOST_OF_A_PEER;
        let oldest = match crowded {
            true => self.clients.iter().position(of_peer),
            false => (self.clients.len() >= MOST).then_some(0),
        };
        if let Some(oldest) = oldest {
            self.clients.remove(oldest);
            self.board.refused.fetch_add(1, Ordering::Relaxed);
        }
        self.clients.push(new);
    }
}

impl Client {
    fn new(stream: Stream, peer: Option<IpAddr>) -> Self {
        let end = moment() + PATIENCE;
        Self { stream, peer, end, head: Vec::new(), answer: None, written: 0 }
    }

    /// Reads and writes what can be read and written now.
    fn proceed(&mut self, board: &Board) -> Progress {
        match self.try_to_end(board) {
            Ok(()) => Progress::Done,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Progress::Waits,
            Err(_) => Progress::Failed,
        }
    }

    fn try_to_end(&mut self, board: &Board) -> io::Result<()> {
        while self.answer.is_none() {
            self.read()?;
            if request::is_whole(&self.head) {
                let by_name = matches!(self.stream, Stream::Tcp(_));
                self.answer = Some(request::response(&self.head, by_name, board.latest()));
            }
        }
        let answer = self.answer.as_deref().unwrap_or_default();
        while let Some(rest @ [_, ..]) = answer.get(self.written..) {
            match self.stream.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.written += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read(&mut self) -> io::Result<()> {
        let mut buffer = [0; 1024];
        let read = match self.stream.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            read => read?,
        };
        match buffer.get(..read) {
            Some(bytes @ [_, ..]) => self.head.extend_from_slice(bytes),
            _ => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        match self.head.len() > request::LONGEST {
            true => Err(io::ErrorKind::InvalidData.into()),
            false => Ok(()),
        }
    }
}

impl Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Unix(stream) => stream.as_fd(),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }
}

/// The machine's clock: a client's patience is no packet's time.
#[allow(clippy::disallowed_methods)]
fn moment() -> Instant {
    Instant::now()
}
