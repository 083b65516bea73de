//! Opens everything, starts the threads, waits for a signal.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sd_notify::NotifyState;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use wardwatch_record::clock::Clock;
use wardwatch_record::directory::Owners;
use wardwatch_record::spool::Reader;
use wardwatch_record::{Language, LineFormat, Message, describe, describe_in, escape};

use crate::config::{ConfigError, Settings};
use crate::metrics::{Metrics, MetricsError};
use crate::syslog::{Courier, Orders, TlsError};

/// The name of this program's readers.
const PROGRAM: &str = "relay";
/// How late a signal is noticed.
const BREATH: Duration = Duration::from_millis(100);
/// How long couriers have for the message in hand at the end.
const FAREWELL: u32 = 20;

/// Why the relay does not run.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file of TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The metrics page.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The spool.
    #[error(
        "cannot read the spool {path}: {reason}; does the sensor write one ([spool] in wardwatch.toml), and may this user read it and write {path}/readers/relay?"
    )]
    Spool {
        /// Its directory.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The system refused something.
    #[error("cannot start: {0}")]
    System(String),
}

impl RelayError {
    /// 2 for the configuration, 1 for everything else.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Tls(_) => 2,
            Self::Metrics(_) | Self::Spool { .. } | Self::System(_) => 1,
        }
    }

    /// In both languages.
    pub fn message(&self) -> Message {
        let vi = match self {
            Self::Config(error) => return error.0.clone(),
            Self::Tls(error) => return error.message(),
            Self::Metrics(error) => return error.message(),
            Self::Spool { path, reason } => {
                let (path, reason) = (path.display(), describe_in(Language::Vi, reason));
                format!(
                    "không đọc được spool {path}: {reason}; bộ giám sát có ghi spool không ([spool] trong wardwatch.toml), và người dùng này có quyền đọc spool và ghi vào {path}/readers/relay không?"
                )
            }
            Self::System(reason) => format!("không khởi động được: {reason}"),
        };
        Message::new(vi, self.to_string())
    }
}

/// Runs until a signal says stop; with `test` ends once everything could be opened.
///
/// # Errors
/// [`RelayError`].
pub fn run(settings: &Settings, test: bool) -> Result<(), RelayError> {
    let format = format(settings)?;
    let page = settings.metrics.as_ref().map(Metrics::bind).transpose()?;
    let mut couriers = Vec::new();
    for server in &settings.syslog {
        couriers.push(Courier::new(server, format.clone(), reader(settings, &server.name())?)?);
    }
    let nothing = couriers.is_empty() && page.is_none();
    if test || nothing {
        if nothing {
            say(settings.language, &nothing_to_do());
        }
        if !test {
            // A service that ends before it was ready counts as failed, and would be started for ever.
            let _ = sd_notify::notify(&[NotifyState::Ready, NotifyState::Stopping]);
        }
        return Ok(());
    }
    let orders = Orders::default();
    let stop = signals(&orders).map_err(|error| RelayError::System(describe(&error)))?;
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for courier in couriers {
            let (orders, language) = (&orders, settings.language);
            let work = move || courier.work(orders, &|message| say(language, message));
            let name = thread::Builder::new().name("courier".into());
            match name.spawn_scoped(scope, work) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    orders.stop.store(true, Ordering::Relaxed);
                    return Err(RelayError::System(describe(&error)));
                }
            }
        }
        if let Some(page) = &page {
            let served = page.serve(&settings.status);
            served.map_err(|error| RelayError::System(describe(&error)))?;
        }
        let _ = sd_notify::notify(&[NotifyState::Ready]);
        while !stop.load(Ordering::Relaxed) {
            thread::sleep(BREATH);
        }
        let _ = sd_notify::notify(&[NotifyState::Stopping]);
        farewell(&threads);
        Ok(())
    })
}

/// A server that hangs must not hold the end up: what it has not taken comes again at the next start.
fn farewell(threads: &[thread::ScopedJoinHandle<'_, ()>]) {
    for _ in 0..FAREWELL {
        if threads.iter().all(thread::ScopedJoinHandle::is_finished) {
            return;
        }
        thread::sleep(BREATH);
    }
    std::process::exit(0);
}

fn format(settings: &Settings) -> Result<LineFormat, RelayError> {
    let threats = ioc_feeds::curated::threats();
    let threats = threats.map_err(|error| RelayError::System(error.to_string()))?;
    Ok(LineFormat { language: settings.language, clock: Clock::local(), threats })
}

/// The reader of a server; those of servers that are configured no more are forgotten.
fn reader(settings: &Settings, name: &str) -> Result<Reader, RelayError> {
    let failed = |error: io::Error| RelayError::Spool {
        path: settings.spool.clone(),
        reason: describe(&error),
    };
    let owners = Owners::new(&[]);
    let reader = Reader::open(&settings.spool, &owners, PROGRAM, name).map_err(failed)?;
    let names: Vec<String> = settings.syslog.iter().map(crate::syslog::Server::name).collect();
    reader.forget_others(&names).map_err(failed)?;
    Ok(reader)
}

/// TERM and INT stop; HUP has the files of TLS read again.
fn signals(orders: &Orders) -> io::Result<Arc<AtomicBool>> {
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, orders.stop.clone())?;
    }
    signal_hook::flag::register(SIGHUP, orders.reload.clone())?;
    Ok(orders.stop.clone())
}

fn nothing_to_do() -> Message {
    Message::new(
        "chưa có gì để làm: hãy thêm [[syslog]] hoặc listen ở mục [metrics] vào tệp cấu hình",
        "there is nothing to do: add [[syslog]], or listen under [metrics], to the configuration",
    )
}

/// On standard error, where the journal listens.
fn say(language: Language, message: &Message) {
    let line = format!("wardwatch-relay: {}\n", escape::line(message.in_language(language)));
    let _ = io::stderr().write_all(line.as_bytes());
}
