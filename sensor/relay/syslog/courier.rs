//! One server's courier: takes records out of the spool, one after the other, and acknowledges them
//! once the server has them.
//!
//! Who waits is the courier alone: the spool keeps what comes meanwhile. A message that was sent and
//! not acknowledged, because the process ended in between, is sent again.

use std::fmt::Write as _;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use ioc_feeds::file;
use ioc_feeds::threat::Severity;
use wardwatch_record::spool::{Read, Reader};
use wardwatch_record::{Body, LineFormat, Message, Record, Time, describe};

use super::target::{Server, Target, TlsFiles};
use super::tls::{Tls, TlsError};
use super::way::Way;
use super::words;

/// How late a new record is noticed.
const BREATH: Duration = Duration::from_millis(200);
/// Breaths between two attempts at a server that does not take messages.
const PAUSE: u32 = 5;
/// Records that are sent before the first of them is acknowledged.
const AT_A_TIME: u64 = 64;
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

/// What signals have asked for.
#[derive(Debug, Default)]
pub struct Orders {
    /// Come to an end.
    pub stop: Arc<AtomicBool>,
    /// Read the files of TLS again; taken by the first courier that sees it.
    pub reload: Arc<AtomicBool>,
    /// How often that was asked for.
    reloads: AtomicU64,
}

impl Orders {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// How often the files were to be read again.
    fn reloads(&self) -> u64 {
        if self.reload.swap(false, Ordering::Relaxed) {
            self.reloads.fetch_add(1, Ordering::Relaxed);
        }
        self.reloads.load(Ordering::Relaxed)
    }
}

/// How a server of `tls://` is known, and where that stands.
struct Known {
    tls: Tls,
    files: TlsFiles,
    address: IpAddr,
}

/// Takes records to a server.
pub struct Courier {
    target: Target,
    tls: Option<Known>,
    format: LineFormat,
    host: String,
    reader: Reader,
    way: Option<Way>,
    /// Why the last attempt failed, as said.
    failing: Option<String>,
    reloads: u64,
}

impl Courier {
    /// A courier to this server. Reads the files of TLS now; nobody waits for the server to be there.
    ///
    /// # Errors
    /// What is wrong with a file of TLS.
    pub fn new(server: &Server, format: LineFormat, reader: Reader) -> Result<Self, TlsError> {
        let tls = match (&server.target, &server.tls) {
            (Target::Tls(address), Some(files)) => {
                let tls = Tls::load(files, address.ip())?;
                Some(Known { tls, files: files.clone(), address: address.ip() })
            }
            _ => None,
        };
        let host = file::read_text(Path::new("/proc/sys/kernel/hostname")).unwrap_or_default();
        let host = host.trim().to_owned();
        let target = server.target.clone();
        Ok(Self { target, tls, format, host, reader, way: None, failing: None, reloads: 0 })
    }

    /// Works until it is told to stop.
    pub fn work(mut self, orders: &Orders, say: &dyn Fn(&Message)) {
        while !orders.is_over() {
            self.look_at_files(orders, say);
            match self.reader.next() {
                Ok(Some(read)) => {
                    if !self.deliver(&read, orders, say) {
                        break;
                    }
                    if self.reader.last_read() - self.reader.acknowledged() >= AT_A_TIME {
                        self.acknowledge(self.reader.last_read(), say);
                    }
                }
                Ok(None) => {
                    self.acknowledge(self.reader.last_read(), say);
                    thread::sleep(BREATH);
                }
                Err(error) => {
                    self.failed(&describe(&error), say);
                    thread::sleep(BREATH * PAUSE);
                }
            }
        }
        if let Some(way) = self.way.take() {
            way.close();
        }
    }

    /// Brings what was read to the server, however long it takes. False if it was told to stop before
    /// that: then everything before this record is acknowledged.
    fn deliver(&mut self, read: &Read, orders: &Orders, say: &dyn Fn(&Message)) -> bool {
        let Some(message) = self.message(read) else { return true };
        loop {
            match self.carry(&message) {
                Ok(()) => {
                    self.works(say);
                    return true;
                }
                Err(error) => {
                    let reason = words::reason(self.format.language, &error);
                    self.failed(&reason, say);
                }
            }
            let before = match read {
                Read::Record(record) => record.id.seq - 1,
                Read::Unknown(id) => id.seq - 1,
                Read::Gap { from, .. } => from - 1,
            };
            self.acknowledge(before, say);
            for _ in 0..PAUSE {
                if orders.is_over() {
                    return false;
                }
                thread::sleep(BREATH);
            }
            // A server that refuses us may be just what they were changed for.
            self.look_at_files(orders, say);
        }
    }

    /// What the server is told of a record; nothing of the sensor's figures.
    fn message(&self, read: &Read) -> Option<String> {
        let (severity, kind, time, text) = match read {
            Read::Record(record) => match &**record {
                Record { body: Body::Alert(alert), .. } => {
                    (number(alert.severity), "alert", alert.time, self.format.line(alert))
                }
                Record { body: Body::Notice(notice), .. } => {
                    let severity = if notice.is_warning() { WARNING } else { INFORMATIONAL };
                    (severity, "status", notice.time, self.format.notice(notice))
                }
                _ => return None,
            },
            Read::Unknown(_) => return None,
            Read::Gap { from, to } => {
                let message = words::gap(*from, *to);
                let text = message.in_language(self.format.language).to_owned();
                (WARNING, "status", Time::default(), text)
            }
        };
        // Of a gap nobody knows the time (6.2.3).
        let time = match time.0 {
            0 => "-".to_owned(),
            _ => self.format.clock.rfc3339(time),
        };
        Some(message(severity, kind, (&time, &self.host), &text))
    }

    /// One attempt. A connection that broke since the last message is made anew at once: servers
    /// close those that are idle.
    fn carry(&mut self, message: &str) -> io::Result<()> {
        if let Some(mut open) = self.way.take()
            && open.send(message).is_ok()
        {
            self.way = Some(open);
            return Ok(());
        }
        let mut open = Way::open(&self.target, self.tls.as_ref().map(|known| &known.tls))?;
        open.send(message)?;
        self.way = Some(open);
        Ok(())
    }

    fn acknowledge(&mut self, number: u64, say: &dyn Fn(&Message)) {
        if number > self.reader.acknowledged()
            && let Err(error) = self.reader.acknowledge(number)
        {
            self.failed(&describe(&error), say);
        }
    }

    /// Reads the files of TLS again, if that is asked for. The next connection is made by what they
    /// say; the one that is open ends, because it was made by what is trusted no more.
    fn look_at_files(&mut self, orders: &Orders, say: &dyn Fn(&Message)) {
        let reloads = orders.reloads();
        if std::mem::replace(&mut self.reloads, reloads) == reloads {
            return;
        }
        let Some(known) = &mut self.tls else { return };
        match Tls::load(&known.files, known.address) {
            Ok(tls) if tls.is_as(&known.tls) => {}
            Ok(tls) => {
                known.tls = tls;
                if let Some(way) = self.way.take() {
                    way.close();
                }
                say(&words::tls_reloaded(&self.target));
            }
            Err(error) => say(&words::tls_kept(&self.target, &error.message())),
        }
    }

    /// Says once why messages do not arrive.
    fn failed(&mut self, reason: &str, say: &dyn Fn(&Message)) {
        if self.failing.as_deref() != Some(reason) {
            self.failing = Some(reason.to_owned());
            say(&words::unreachable(&self.target, reason));
        }
    }

    fn works(&mut self, say: &dyn Fn(&Message)) {
        if self.failing.take().is_some() {
            say(&words::reachable(&self.target));
        }
    }
}
