//! The sink, and the thread that carries its messages.
//!
//! The writer is never kept waiting: messages go to a thread of their own through a bounded
//! queue; what does not fit is counted, said and missing there. The log file has it.

use std::fmt::Write as _;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use ioc_feeds::threat::Severity;
use wardwatch_record::{AlertRecord, Notice, Time};

use super::target::{Server, Target, TlsFiles};
use super::tls::{Tls, TlsError};
use super::way::Way;
use super::words;
use crate::lang::Language;
use crate::net::Timestamp;
use crate::sink::log::is_due;
use crate::sink::stream::{farewells, part};
use crate::sink::text::LineFormat;
use crate::sink::{Losses, Sink, Trouble};

/// Messages that wait for a slow or absent server.
const QUEUE: usize = 4096;
/// How often, in nanoseconds, it is said that a server is too slow.
const MINUTE: u64 = 60_000_000_000;
/// The pause after an attempt that failed, and how late it may be noticed that the files of TLS
/// shall be read again.
const PAUSE: Duration = Duration::from_secs(1);
/// Facility "security/authorization" (RFC 5424 6.2.1), whom alerts concern.
const FACILITY: u8 = 10;
/// Severities of what the sensor says of itself (6.2.1).
const WARNING: u8 = 4;
const INFORMATIONAL: u8 = 6;

/// A message in RFC 5424 form. The text begins with a byte order mark, because it is UTF-8
/// (6.4), and `kind` is the identifier of its type (6.2.7); it is one line, for receivers that know only lines.
pub fn message(severity: u8, kind: &str, (time, host): (&str, &str), text: &str) -> String {
    let priority = FACILITY * 8 + severity.min(7);
    let host = if host.is_empty() { "-" } else { host };
    let mut message = format!("<{priority}>1 {time} {host} wardwatch ");
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
    /// Taken when the sink is dropped.
    sender: Option<Sender<String>>,
    states: Receiver<State>,
    /// Set when the files of TLS shall be read again.
    reload: Arc<AtomicBool>,
    /// Hears nothing but the end of the thread.
    ended: Receiver<()>,
    /// What the thread will have in hand, until it begins.
    carrier: Option<Carrier>,
    /// Messages for which there was no room, and how many of them have been said, and when.
    dropped: u64,
    dropped_said: u64,
    said: Timestamp,
    failing: bool,
}

impl SyslogSink {
    /// A sink to this server. Reads the files of TLS now; the thread that speaks to the server
    /// begins with the first message, when the process has given up its rights. Nobody waits for
    /// the server to be there.
    ///
    /// # Errors
    /// What is wrong with a file of TLS.
    pub fn new(format: LineFormat, server: &Server) -> Result<Self, TlsError> {
        let tls = match (&server.target, &server.tls) {
            (Target::Tls(address), Some(files)) => {
                let tls = Tls::load(files, address.ip())?;
                Some(Known { tls, files: files.clone(), address: address.ip() })
            }
            _ => None,
        };
        let (sender, messages) = bounded(QUEUE);
        let (tell, states) = bounded(16);
        let (end, ended) = bounded(0);
        let reload = Arc::new(AtomicBool::new(false));
        let carrier = Carrier {
            target: server.target.clone(),
            tls,
            language: format.language,
            messages,
            reload: reload.clone(),
            tell,
            said: None,
            _end: end,
        };
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = host.trim().to_owned();
        Ok(Self {
            format,
            host,
            now: Timestamp::default(),
            target: server.target.to_string(),
            sender: Some(sender),
            states,
            reload,
            ended,
            carrier: Some(carrier),
            dropped: 0,
            dropped_said: 0,
            said: Timestamp::default(),
            failing: false,
        })
    }

    fn send(&mut self, severity: u8, kind: &str, time: Time, text: &str) -> io::Result<()> {
        if let Some(carrier) = self.carrier.take() {
            // Ends when the sink is dropped. Not joined: a server that hangs must not hold the
            // end.
            thread::Builder::new().name("syslog".into()).spawn(move || carrier.work())?;
        }
        let time = self.format.clock.rfc3339(time);
        let message = message(severity, kind, (&time, &self.host), text);
        if self.sender.as_ref().is_none_or(|sender| sender.try_send(message).is_err()) {
            self.dropped += 1;
        }
        Ok(())
    }

    /// How many were dropped since this was last said.
    fn unsaid(&mut self) -> u64 {
        self.said = self.now;
        let unsaid = self.dropped - self.dropped_said;
        self.dropped_said = self.dropped;
        unsaid
    }
}

impl Sink for SyslogSink {
    fn alert(&mut self, alert: &AlertRecord) -> io::Result<()> {
        let line = self.format.line(alert);
        self.send(number(alert.severity), "alert", alert.time, &line)
    }

    fn notice(&mut self, notice: &Notice) -> io::Result<()> {
        let severity = if notice.is_warning() { WARNING } else { INFORMATIONAL };
        let line = self.format.notice(notice);
        self.send(severity, "status", notice.time, &line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn losses(&self) -> Losses {
        Losses { undelivered: self.dropped, ..Losses::default() }
    }

    /// It has no file, but those of TLS may have changed. The thread reads them: a disk that hangs
    /// must not hold the writer up.
    fn reopen(&mut self) {
        self.reload.store(true, Ordering::Relaxed);
    }

    fn tend(&mut self, now: Timestamp, say: &mut dyn FnMut(Trouble)) {
        self.now = now;
        while let Ok(state) = self.states.try_recv() {
            let target = self.target.clone();
            match state {
                State::Fails(reason) => {
                    self.failing = true;
                    say(Trouble::Unreachable { target, reason });
                }
                State::Works if self.failing => {
                    self.failing = false;
                    let dropped = self.unsaid();
                    say(Trouble::Reachable { target, dropped });
                }
                State::Works => {}
                State::Reloaded => say(Trouble::TlsReloaded { target }),
                State::Kept(reason) => say(Trouble::TlsKept { target, reason }),
            }
        }
        let more = self.dropped > self.dropped_said;
        if more && !self.failing && is_due(now, self.said, MINUTE) {
            let dropped = self.unsaid();
            say(Trouble::TooSlow { target: self.target.clone(), dropped });
        }
    }
}

impl Drop for SyslogSink {
    /// The last messages get a moment to leave.
    fn drop(&mut self) {
        self.sender = None;
        if self.carrier.is_none() && !self.failing {
            part(&self.ended, farewells());
        }
    }
}

/// What the thread has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Messages arrive.
    Works,
    /// They do not; why.
    Fails(String),
    /// The files of TLS say something else than before, and are in use.
    Reloaded,
    /// They cannot be used, so those read before stay; why.
    Kept(String),
}

/// How a server of `tls://` is known, and where that stands.
struct Known {
    tls: Tls,
    files: TlsFiles,
    address: IpAddr,
}

/// What the thread has in hand.
struct Carrier {
    target: Target,
    tls: Option<Known>,
    language: Language,
    messages: Receiver<String>,
    reload: Arc<AtomicBool>,
    tell: Sender<State>,
    /// How the last attempt ended, as told.
    said: Option<State>,
    /// Dropped with the thread's end.
    _end: Sender<()>,
}

impl Carrier {
    /// Carries messages until the sink is gone and the queue empty.
    fn work(mut self) {
        let mut way = None;
        loop {
            self.look_at_files(&mut way);
            let message = match self.messages.recv_timeout(PAUSE) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            while let Err(error) = self.carry(&mut way, &message) {
                self.told(State::Fails(words::reason(self.language, &error)));
                thread::sleep(PAUSE);
                // A server that refuses us may be just what they were changed for.
                self.look_at_files(&mut way);
            }
            self.told(State::Works);
        }
        if let Some(way) = way {
            way.close();
        }
    }

    /// Reads the files of TLS again, if that is asked for. The next connection is made by what they
    /// say; the one that is open ends, for whom it trusts may be trusted no more.
    fn look_at_files(&mut self, way: &mut Option<Way>) {
        if !self.reload.swap(false, Ordering::Relaxed) {
            return;
        }
        let Some(known) = &mut self.tls else { return };
        let state = match Tls::load(&known.files, known.address) {
            Ok(tls) if tls.is_as(&known.tls) => return,
            Ok(tls) => {
                known.tls = tls;
                if let Some(way) = way.take() {
                    way.close();
                }
                State::Reloaded
            }
            Err(error) => State::Kept(error.said().in_language(self.language).into()),
        };
        let _ = self.tell.try_send(state);
    }

    /// One attempt. A connection that broke since the last message is made anew at once: servers
    /// close those that are idle.
    fn carry(&self, way: &mut Option<Way>, message: &str) -> io::Result<()> {
        if let Some(mut open) = way.take()
            && open.send(message).is_ok()
        {
            *way = Some(open);
            return Ok(());
        }
        let mut open = Way::open(&self.target, self.tls.as_ref().map(|known| &known.tls))?;
        open.send(message)?;
        *way = Some(open);
        Ok(())
    }

    /// Tells a change once.
    fn told(&mut self, state: State) {
        if self.said.as_ref() != Some(&state) {
            self.said = Some(state.clone());
            let _ = self.tell.try_send(state);
        }
    }
}
