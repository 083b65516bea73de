//! Alerts to a syslog server: RFC 5424 over UDP, TCP (octet counting, RFC 6587) or a unix socket.
//!
//! The writer is never kept waiting: messages go to a thread of their own through a bounded
//! queue; what does not fit is counted, said and missing there. The log file has it.
//! TLS is not spoken.

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use ioc_feeds::threat::Severity;

use super::text::LineFormat;
use super::{Sink, Trouble};
use crate::enrich::FullAlert;
use crate::net::Timestamp;

/// Messages that wait for a slow or absent server.
const QUEUE: usize = 4096;
/// How long one attempt to connect or send may last, and the pause after it failed.
const PATIENCE: Duration = Duration::from_secs(5);
/// Facility "security/authorization" (RFC 5424 6.2.1), whom alerts concern.
const FACILITY: u8 = 10;
const INFORMATIONAL: u8 = 6;

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One datagram a message.
    Udp(SocketAddr),
    /// One connection, each message behind its length.
    Tcp(SocketAddr),
    /// A unix socket, datagrams or else a stream.
    Unix(PathBuf),
}

impl FromStr for Target {
    type Err = String;

    /// Reads `udp://ADDRESS:PORT`, `tcp://ADDRESS:PORT` or `unix:///PATH`. An address and no
    /// name: the sensor asks no resolver.
    fn from_str(text: &str) -> Result<Self, String> {
        let known = "write udp://ADDRESS:PORT, tcp://ADDRESS:PORT or unix:///PATH";
        let host = |rest: &str| {
            rest.parse().map_err(|_| format!("`{text}` names no address and port: {known}"))
        };
        match text.split_once("://") {
            Some(("udp", rest)) => host(rest).map(Self::Udp),
            Some(("tcp", rest)) => host(rest).map(Self::Tcp),
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(("tls", _)) => Err(format!("`{text}`: TLS is not spoken yet; {known}")),
            _ => Err(format!("`{text}` is no target: {known}")),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(host) => write!(f, "udp://{host}"),
            Self::Tcp(host) => write!(f, "tcp://{host}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

/// A message in RFC 5424 form. The text begins with a byte order mark, because it is UTF-8
/// (6.4); it is one line, for receivers that know only lines.
pub fn message(severity: u8, time: &str, host: &str, text: &str) -> String {
    let priority = FACILITY * 8 + severity.min(7);
    let host = if host.is_empty() { "-" } else { host };
    let mut message = format!("<{priority}>1 {time} {host} wardwatch ");
    let kind = if severity == INFORMATIONAL { "status" } else { "alert" };
    let _ = write!(message, "{} {kind} - \u{feff}{text}", std::process::id());
    message
}

/// Severity in syslog's scale (RFC 5424 6.2.1).
const fn number(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 2,
        Severity::High => 3,
        Severity::Medium => 4,
        Severity::Low => 5,
    }
}

/// Alerts and lines about the sensor, to a syslog server.
pub struct SyslogSink {
    format: LineFormat,
    host: String,
    now: Timestamp,
    target: String,
    sender: Sender<String>,
    states: Receiver<Option<String>>,
    /// What the thread will have in hand, until it begins.
    carrier: Option<Carrier>,
    dropped: u64,
    failing: bool,
}

impl SyslogSink {
    /// A sink to this server. The thread that speaks to it begins with the first message, when
    /// the process has given up its rights; nobody waits for the server to be there.
    pub fn new(format: LineFormat, target: Target) -> Self {
        let (sender, messages) = bounded(QUEUE);
        let (tell, states) = bounded(16);
        let name = target.to_string();
        let carrier = Some(Carrier { target, messages, tell, said: None });
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = host.trim().to_owned();
        let now = Timestamp::default();
        Self {
            format,
            host,
            now,
            target: name,
            sender,
            states,
            carrier,
            dropped: 0,
            failing: false,
        }
    }

    fn send(&mut self, severity: u8, time: Timestamp, text: &str) -> io::Result<()> {
        if let Some(carrier) = self.carrier.take() {
            // Ends when the sink is dropped. Not joined: a server that hangs must not hold the
            // end.
            thread::Builder::new().name("syslog".into()).spawn(move || carrier.work())?;
        }
        let time = self.format.clock.rfc3339(time);
        match self.sender.try_send(message(severity, &time, &self.host, text)) {
            Err(TrySendError::Full(_)) => self.dropped += 1,
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
        }
        Ok(())
    }
}

impl Sink for SyslogSink {
    fn alert(&mut self, full: &FullAlert<'_>) -> io::Result<()> {
        let line = self.format.line(full);
        self.send(number(full.severity), full.alert.sighting.time, &line)
    }

    fn notice(&mut self, line: &str) -> io::Result<()> {
        self.send(INFORMATIONAL, self.now, line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn tend(&mut self, now: Timestamp, say: &mut dyn FnMut(Trouble)) {
        self.now = now;
        let target = || self.target.clone();
        for state in self.states.try_iter() {
            match state {
                Some(reason) if !self.failing => {
                    self.failing = true;
                    say(Trouble::Unreachable { target: target(), reason });
                }
                None if self.failing => {
                    self.failing = false;
                    let dropped = std::mem::take(&mut self.dropped);
                    say(Trouble::Reachable { target: target(), dropped });
                }
                Some(_) | None => {}
            }
        }
    }
}

impl Drop for SyslogSink {
    /// The last messages get a second to leave.
    fn drop(&mut self) {
        for _ in 0..10 {
            if self.failing || self.sender.is_empty() {
                break;
            }
            thread::sleep(PATIENCE / 50);
        }
    }
}

/// An open way to the server.
enum Way {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Datagrams(UnixDatagram),
    Stream(UnixStream),
}

impl Way {
    fn open(target: &Target) -> io::Result<Self> {
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

    fn send(&mut self, message: &str) -> io::Result<()> {
        let counted = || format!("{} {message}", message.len());
        match self {
            Self::Udp(socket) => socket.send(message.as_bytes()).map(drop),
            Self::Datagrams(socket) => socket.send(message.as_bytes()).map(drop),
            Self::Tcp(stream) => stream.write_all(counted().as_bytes()),
            Self::Stream(stream) => stream.write_all(counted().as_bytes()),
        }
    }
}

/// What the thread has in hand.
struct Carrier {
    target: Target,
    messages: Receiver<String>,
    tell: Sender<Option<String>>,
    /// How the last attempt ended, as told.
    said: Option<String>,
}

impl Carrier {
    /// Carries messages until the sink is gone and the queue empty, or the server is gone too.
    fn work(mut self) {
        let mut way = None;
        let mut waiting: Option<String> = None;
        loop {
            let message =
                match waiting.take().map_or_else(|| self.messages.recv_timeout(PATIENCE), Ok) {
                    Ok(message) => message,
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => return,
                };
            let sent = match way.take() {
                Some(open) => Ok(open),
                None => Way::open(&self.target),
            };
            match sent.and_then(|mut open: Way| open.send(&message).map(|()| open)) {
                Ok(open) => {
                    way = Some(open);
                    self.told(None);
                }
                Err(error) => {
                    self.told(Some(crate::capture::describe(&error)));
                    waiting = Some(message);
                    thread::sleep(PATIENCE / 5);
                }
            }
        }
    }

    fn told(&mut self, state: Option<String>) {
        if state != self.said {
            self.said.clone_from(&state);
            let _ = self.tell.try_send(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_form_of_rfc_5424() {
        let text = message(2, "2024-06-18T09:21:05.482+07:00", "ward", "NGHIÊM TRỌNG | x");
        let pid = std::process::id();
        assert_eq!(
            text,
            format!(
                "<82>1 2024-06-18T09:21:05.482+07:00 ward wardwatch {pid} alert - \u{feff}NGHIÊM TRỌNG | x"
            )
        );
        assert!(message(6, "t", "", "x").starts_with("<86>1 t - wardwatch "));
    }

    #[test]
    fn targets_are_read_as_they_are_printed_and_others_are_explained() {
        for text in
            ["udp://127.0.0.1:514", "tcp://192.0.2.1:601", "udp://[::1]:514", "unix:///dev/log"]
        {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        for text in
            ["127.0.0.1:514", "udp://host", "tls://host:6514", "unix://relative", "udp://:1"]
        {
            assert!(text.parse::<Target>().unwrap_err().contains("udp://ADDRESS:PORT"), "{text}");
        }
    }

    #[test]
    fn messages_arrive_over_every_way() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let unix = UnixDatagram::bind(&path).unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut buffer = [0; 64];
        let mut way = Way::open(&Target::Unix(path)).unwrap();
        way.send("one").unwrap();
        assert_eq!(unix.recv(&mut buffer).unwrap(), 3);
        let mut way = Way::open(&Target::Udp(udp.local_addr().unwrap())).unwrap();
        way.send("two").unwrap();
        assert_eq!(udp.recv(&mut buffer).unwrap(), 3);
        let mut way = Way::open(&Target::Tcp(tcp.local_addr().unwrap())).unwrap();
        way.send("three").unwrap();
        drop(way);
        let mut text = String::new();
        io::Read::read_to_string(&mut tcp.accept().unwrap().0, &mut text).unwrap();
        assert_eq!(text, "5 three", "octet counting, RFC 6587 3.4.1");
    }
}
