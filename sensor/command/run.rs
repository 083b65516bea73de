//! `wardwatch run`: the live sensor.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use super::{complain, load, settings};
use crate::alert::Origin;
use crate::alert::event::EventKinds;
use crate::app::metrics::Metrics;
use crate::app::notices::Notice;
use crate::app::run::{self, RunJob};
use crate::app::writer::Writer;
use crate::app::{AppError, clock};
use crate::capture::Filter;
use crate::capture::live::{LiveOptions, interfaces, now};
use crate::cli::{Global, Run, event_kinds};
use crate::config::{ConfigError, Settings, Workers};
use crate::enrich::Enricher;
use crate::enrich::fold::Fold;
use crate::lang::{self, Said};
use crate::matching::reload::Published;
use crate::privilege::{self, LogPlace, Needs};
use crate::sink::eve::EveSink;
use crate::sink::log::{LogFile, LogOptions};
use crate::sink::stream::Stream;
use crate::sink::syslog::{SyslogSink, TlsFiles};
use crate::sink::text::{LineFormat, TextSink};
use crate::sink::{Clock, Sink};
use crate::worker::Assignment;

/// Where the log is kept when nobody says otherwise.
const LOG_DIR: &str = "/var/log/wardwatch";

pub(super) fn run(global: &Global, options: Run) -> Result<u8, AppError> {
    let settings = settings(global, &options.feeds)?;
    check_stdout(&options, &settings)?;
    let filter = match options.filter.is_empty() {
        true => settings.filter.clone(),
        false => Some(options.filter.join(" ")),
    };
    if let Some(expression) = &filter {
        Filter::new(expression)?;
    }
    let names = interface_names(&options, &settings)?;
    let indicators = load(&settings, global)?;
    let format = LineFormat {
        language: settings.language,
        clock: Clock::local(),
        threats: settings.threats.clone(),
    };
    let log = log_place(&options, &settings);
    let absent = absent_files(&options, &log);
    let sinks = sinks(&options, &settings, &format)?;
    let mut job = RunJob {
        interfaces: names,
        workers: workers(&options, &settings),
        live: LiveOptions { ring_bytes: settings.ring_bytes, filter },
        indicators: Published::new(indicators.set).into(),
        feeds: settings.feeds.clone(),
        threats: settings.threats_file.clone(),
        assignment: Assignment {
            limits: settings.limits,
            home: settings.home.clone(),
            events: events(&options, &settings)?,
            origin: Origin::Interface("".into()),
        },
        queue: settings.queue,
        format,
        heartbeat_nanos: settings.heartbeat_nanos,
        newest: indicators.newest,
        metrics: metrics(&options, &settings)?,
        notices: Vec::new(),
    };
    let opened = run::open(&job);
    let fault = clock::fault(now(), clock::built(), job.newest).map(Notice::Clock);
    if options.test {
        drop(sinks);
        leave_as_found(&log, &absent);
        opened?;
        fault.iter().for_each(|fault| complain(&fault.text(settings.language)));
        complain(&lang::checked(settings.language));
        return Ok(0);
    }
    let sources = opened?;
    job.notices.extend(fault);
    if settings.sandbox {
        job.notices.extend(give_up_rights(&options, &settings, log)?);
    }
    let window = settings.limits.throttle.window_nanos;
    let writer = Writer::new(Enricher::new(settings.threats), sinks)
        .with_fold(Fold::new(sources.len(), window));
    run::run(&job, sources, writer)?;
    if let Some(Err((path, error))) = job.metrics.take().map(Metrics::close) {
        let (path, reason) = (path.to_string_lossy(), crate::capture::describe(&error));
        complain(&lang::socket_left(settings.language, &path, &reason));
    }
    Ok(0)
}

/// The interfaces to watch, each once: one that is named twice would be read twice.
fn interface_names(options: &Run, settings: &Settings) -> Result<Vec<String>, AppError> {
    let named = match options.interfaces.is_empty() {
        true => &settings.interfaces,
        false => &options.interfaces,
    };
    let mut known = HashSet::new();
    let names: Vec<_> = named.iter().filter(|name| known.insert(*name)).cloned().collect();
    match names.is_empty() {
        true => Err(AppError::WhichInterface(interfaces())),
        false => Ok(names),
    }
}

/// The log's directory and files, as they are before they are opened.
fn log_place(options: &Run, settings: &Settings) -> LogPlace {
    let directory = log_directory(options, settings);
    let files = ["alerts.log", "eve.json"].map(|name| directory.join(name)).to_vec();
    LogPlace { is_new: !directory.exists(), directory, files }
}

/// The files that opening the logs will make.
fn absent_files(options: &Run, log: &LogPlace) -> Vec<PathBuf> {
    let all = log.files.iter().chain(&options.eve);
    all.filter(|file| !file.exists()).cloned().collect()
}

/// Takes away what a mere check has made: root checks, and the service's user could not write
/// root's files afterwards. Only empty files and directories are taken.
fn leave_as_found(log: &LogPlace, absent: &[PathBuf]) {
    let is_empty = |file: &&PathBuf| fs::metadata(file).is_ok_and(|about| about.len() == 0);
    for file in absent.iter().filter(is_empty) {
        let _ = fs::remove_file(file);
    }
    if log.is_new {
        let _ = fs::remove_dir(&log.directory);
    }
}

/// Everything is open: keeps what is still needed, and says what that is.
fn give_up_rights(
    options: &Run,
    settings: &Settings,
    mut log: LogPlace,
) -> Result<Vec<Notice>, AppError> {
    log.files.retain(|file| file.exists());
    let feeds = &settings.feeds;
    let of_tls = settings.syslog.iter().filter_map(|server| server.tls.as_ref());
    let readable = [&settings.files, &feeds.paths, &feeds.allow].into_iter().flatten();
    let readable = readable.chain(of_tls.flat_map(TlsFiles::all));
    let elsewhere = options.eve.iter().filter(|path| !is_stdout(path));
    let needs = Needs {
        user: settings.user.clone(),
        log,
        readable: readable.cloned().collect(),
        writable: elsewhere.cloned().collect(),
        removable: settings.metrics.iter().filter_map(|at| at.socket().cloned()).collect(),
    };
    let held = privilege::drop_all(&needs).map_err(AppError::Privilege)?;
    let missing: Vec<_> = held.missing.iter().cloned().map(Notice::Unprotected).collect();
    Ok(std::iter::once(Notice::Holds(held)).chain(missing).collect())
}

fn log_directory(options: &Run, settings: &Settings) -> PathBuf {
    let chosen = options.log_dir.clone().or_else(|| settings.log_dir.clone());
    chosen.unwrap_or_else(|| PathBuf::from(LOG_DIR))
}

/// Workers an interface. One reads the mirror of a whole office; more cost memory each.
fn workers(options: &Run, settings: &Settings) -> usize {
    match options.workers.or(settings.workers) {
        Some(Workers::Number(number)) => usize::from(number),
        Some(Workers::Auto) => thread::available_parallelism().map_or(1, NonZero::get),
        None => 1,
    }
}

fn events(options: &Run, settings: &Settings) -> Result<EventKinds, AppError> {
    match (options.events, &settings.events) {
        (Some(kinds), _) => Ok(kinds),
        (None, Some(list)) => {
            event_kinds(list).map_err(|reason| ConfigError::Value(reason.of("log.events")).into())
        }
        (None, None) => Ok(EventKinds::default()),
    }
}

/// The log and EVE. A log that cannot be written now would lose the first alert: refuse.
fn sinks(
    options: &Run,
    settings: &Settings,
    format: &LineFormat,
) -> Result<Vec<Box<dyn Sink>>, AppError> {
    let directory = log_directory(options, settings);
    fs::create_dir_all(&directory).map_err(|error| refusal(&directory, &error))?;
    // Alerts that must wait are echoed once, by the log that people read.
    let open = |path: &Path, echo: bool| {
        let options = LogOptions { rotation: settings.rotation, clock: format.clock.clone(), echo };
        LogFile::open(path, options).map_err(|error| refusal(path, &error))
    };
    let log = open(&directory.join("alerts.log"), true)?;
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(TextSink::new(format.clone(), log))];
    let clock = format.clock.clone();
    match &options.eve {
        Some(path) if is_stdout(path) => {
            sinks.push(Box::new(EveSink::new(clock, Stream::stdout())));
        }
        Some(path) => sinks.push(Box::new(EveSink::new(clock, open(path, false)?))),
        None if settings.eve => {
            sinks.push(Box::new(EveSink::new(clock, open(&directory.join("eve.json"), false)?)));
        }
        None => {}
    }
    if options.stdout || settings.stdout {
        sinks.push(Box::new(TextSink::new(format.clone(), Stream::stdout())));
    }
    for server in &settings.syslog {
        let sink = SyslogSink::new(format.clone(), server).map_err(|error| {
            ConfigError::Value(error.said().of(&format!("syslog {}", server.target)))
        })?;
        sinks.push(Box::new(sink));
    }
    Ok(sinks)
}

/// Taken while the process may still do so. A check beside a running sensor finds the address
/// taken, and that is as it should be.
fn metrics(options: &Run, settings: &Settings) -> Result<Option<Metrics>, AppError> {
    match settings.metrics.as_ref().map(Metrics::bind).transpose() {
        Err(AppError::Metrics { in_use: true, .. }) if options.test => Ok(None),
        page => page,
    }
}

/// `-` is standard output.
fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// Standard output is either for people or for programs.
fn check_stdout(options: &Run, settings: &Settings) -> Result<(), ConfigError> {
    let json = options.eve.as_deref().is_some_and(is_stdout);
    match json && (options.stdout || settings.stdout) {
        true => Err(ConfigError::Value(Said::new(
            "--eve - và --stdout (hoặc `stdout = true` trong [log]) cùng đòi đầu ra chuẩn; hãy bỏ một \
             trong hai, hoặc ghi EVE ra tệp",
            "--eve - and --stdout (or `stdout = true` under [log]) both want standard output; \
             leave one out, or write EVE to a file",
        ))),
        false => Ok(()),
    }
}

fn refusal(path: &Path, error: &io::Error) -> AppError {
    AppError::Log { path: path.into(), reason: crate::capture::describe(error) }
}
