//! An open way to a syslog server. Every step is bounded in time; none asks a resolver.

use std::io::{self, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::Duration;

use super::target::Target;
use super::tls::{Connection, Tls};

/// How long one attempt to connect or send may last.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// An open way to the server.
pub(super) enum Way {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Tls(Connection),
    Datagrams(UnixDatagram),
    Stream(UnixStream),
}

impl Way {
    pub(super) fn open(target: &Target, tls: Option<&Tls>) -> io::Result<Self> {
        match target {
            Target::Udp(address) => {
                let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                let socket = UdpSocket::bind(any)?;
                socket.connect(address)?;
                Ok(Self::Udp(socket))
            }
            Target::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, PATIENCE)?;
                stream.set_write_timeout(Some(PATIENCE))?;
                Ok(Self::Tcp(stream))
            }
            Target::Tls(address) => match tls {
                Some(tls) => tls.connect(*address).map(Self::Tls),
                // The configuration does not let it come to this; better no alert than a bare one.
                None => Err(io::Error::other("no CA is named")),
            },
            Target::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                if socket.connect(path).is_ok() {
                    socket.set_write_timeout(Some(PATIENCE))?;
                    return Ok(Self::Datagrams(socket));
                }
                let stream = UnixStream::connect(path)?;
                stream.set_write_timeout(Some(PATIENCE))?;
                Ok(Self::Stream(stream))
            }
        }
    }

    /// Sends a message: as a datagram, or behind its length (RFC 6587 3.4.1, RFC 5425 4.3).
    pub(super) fn send(&mut self, message: &str) -> io::Result<()> {
        let counted = || format!("{} {message}", message.len());
        match self {
            Self::Udp(socket) => socket.send(message.as_bytes()).map(drop),
            Self::Datagrams(socket) => socket.send(message.as_bytes()).map(drop),
            Self::Tcp(stream) => {
                stream.set_nonblocking(true)?;
                let there = still_there(stream);
                stream.set_nonblocking(false)?;
                there.and_then(|()| stream.write_all(counted().as_bytes()))
            }
            Self::Stream(stream) => {
                stream.set_nonblocking(true)?;
                let there = still_there(stream);
                stream.set_nonblocking(false)?;
                there.and_then(|()| stream.write_all(counted().as_bytes()))
            }
            Self::Tls(connection) => connection.send(counted().as_bytes()),
        }
    }

    /// Ends in good form.
    pub(super) fn close(self) {
        if let Self::Tls(connection) = self {
            connection.close();
        }
    }
}

/// Has the other end gone? A write to it would succeed, and its message would be lost.
fn still_there(stream: &mut impl Read) -> io::Result<()> {
    match stream.read(&mut [0; 512]) {
        Ok(0) => Err(io::Error::other("the server has closed the connection")),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}
