//! `wardwatch run`: the live sensor.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use ioc_feeds::file;
use ioc_feeds::format::FeedError;
use wardwatch_record::spool::Spool;

use super::{check, complain, expression, load_as, settings, unwritable};
use crate::alert::Origin;
use crate::alert::event::EventKinds;
use crate::app::indicators::{self, Strict};
use crate::app::keep::Keep;
use crate::app::notices::Circumstance;
use crate::app::run::{self, RunJob};
use crate::app::writer::Writer;
use crate::app::{AppError, clock, notify};
use crate::capture::Filter;
use crate::capture::live::{LiveOptions, interfaces, now};
use crate::cli::{Global, Run, event_kinds};
use crate::config::{ConfigError, Settings, SpoolSettings, Workers};
use crate::directory::{Busy, Directory, LOCK, Lock, Owners};
use crate::enrich::Enricher;
use crate::enrich::fold::Fold;
use crate::lang::Said;
use crate::matching::reload::Published;
use crate::privilege::{self, LogPlace, Needs};
use crate::sink::eve::EveSink;
use crate::sink::log::{LogFile, LogOptions};
use crate::sink::spool::SpoolSink;
use crate::sink::stream::Stream;
use crate::sink::target::{self, Target, is_stdout};
use crate::sink::text::{LineFormat, TextSink};
use crate::sink::{Clock, Sink};
use crate::worker::Assignment;

/// Where the log is kept when nobody says otherwise.
const LOG_DIR: &str = "/var/log/wardwatch";

pub(super) fn run(global: &Global, options: Run) -> Result<u8, AppError> {
    let settings = settings(global, &options.feeds)?;
    check_stdout(&options, &settings)?;
    if options.events.is_some() && options.eve.is_none() && !settings.eve {
        return Err(ConfigError::Value(Said::new(
            "--events ghi vào EVE, nhưng EVE đang tắt (`eve = false` trong [log]); hãy thêm --eve TỆP",
            "--events go into EVE, which is off (`eve = false` under [log]); add --eve FILE",
        ))
        .into());
    }
    let filter = match options.filter.is_empty() {
        true => settings.filter.clone(),
        false => Some(options.filter.join(" ")),
    };
    if let Some(expression) = &filter {
        expression::asks_nobody(expression)?;
        Filter::new(expression)?;
    }
    let names = interface_names(&options, &settings)?;
    let indicators = load_as(&settings, global, Strict::Nothing)?;
    let format = LineFormat {
        language: settings.language,
        clock: Clock::local(),
        threats: settings.threats.clone(),
    };
    let log_path = log_directory(&options, &settings);
    let owners = Owners::new(&privilege::successors(settings.user.as_deref(), &log_path));
    let workers = workers(&options, &settings);
    let live = LiveOptions { ring_bytes: settings.ring_bytes, filter };
    refuse_rings(&settings, workers * names.len())?;
    let events = events(&options, &settings)?;
    if options.test {
        let watched = (&*names, workers, &live);
        for text in &indicators.warnings {
            complain(&text.in_language(settings.language));
        }
        return check::check(&options, &settings, watched, (&owners, indicators.newest.all));
    }
    let log = log_place(&options, &settings, &owners)?;
    let log_lock = lock(&log, &format)?;
    let spool = spool_place(&settings, &owners)?;
    let spool_lock = spool.as_ref().map(|place| lock(place, &format)).transpose()?;
    let Outputs { sinks, eve_file } = outputs(&options, &settings, &format, &owners)?;
    let keep = Keep::open(&log_path, &owners, settings.save_bad_frames);
    let keep = keep.map_err(|error| unwritable(&log_path, &error))?;
    let mut job = RunJob {
        interfaces: names,
        workers,
        live,
        indicators: Published::new(indicators.set).into(),
        feeds: settings.feeds.clone(),
        threats: settings.threats_file.clone(),
        assignment: Assignment {
            limits: settings.limits,
            home: settings.home.clone(),
            events,
            origin: Origin::Interface("".into()),
        },
        queue: settings.queue,
        format,
        heartbeat_nanos: settings.heartbeat_nanos,
        newest: indicators.newest,
        notices: indicators.warnings.into_iter().map(Circumstance::Feeds).collect(),
        keep,
    };
    notify::connect();
    let sources = run::open(&job.interfaces, job.workers, &job.live)?;
    let fault = clock::fault(now(), clock::built(), job.newest.all).map(Circumstance::Clock);
    job.notices.extend(fault);
    let runtime = job.keep.runtime_file();
    if settings.sandbox {
        let places = (log, spool);
        let given_up = give_up_rights(eve_file.into_iter().chain(runtime), &settings, places)?;
        job.notices.extend(given_up);
    }
    let sinks = spooled(&settings, &owners)?.into_iter().chain(sinks).collect();
    let window = settings.limits.throttle.window_nanos;
    let writer = Writer::new(Enricher::new(settings.threats), sinks)
        .with_fold(Fold::new(sources.len(), window));
    run::run(&job, sources, writer)?;
    drop((spool_lock, log_lock));
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

/// The log's directory, and the files that will be open in it.
fn log_place(options: &Run, settings: &Settings, owners: &Owners) -> Result<LogPlace, AppError> {
    let path = log_directory(options, settings);
    let opened = Directory::open_or_make(&path, owners);
    let (directory, is_new) = opened.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory if path.is_file() => {
            AppError::Log { path: path.clone(), reason: "it is a file, not a directory".into() }
        }
        _ => unwritable(&path, &error),
    })?;
    let files = ["alerts.log", "eve.json", LOCK].map(OsString::from).to_vec();
    Ok(LogPlace { path, directory, is_new, files })
}

/// The spool's directory. Its files are made by whoever the process is in the end.
fn spool_place(settings: &Settings, owners: &Owners) -> Result<Option<LogPlace>, AppError> {
    let Some(SpoolSettings { directory: path, .. }) = settings.spool.clone() else {
        return Ok(None);
    };
    let opened = Directory::open_or_make(&path, owners);
    let (directory, is_new) = opened.map_err(|error| unwritable(&path, &error))?;
    Ok(Some(LogPlace { path, directory, is_new, files: vec![LOCK.into()] }))
}

/// The spool as the first sink: what stands in the log stands there too.
fn spooled(settings: &Settings, owners: &Owners) -> Result<Option<Box<dyn Sink>>, AppError> {
    let Some(SpoolSettings { directory, sensor, bounds }) = &settings.spool else {
        return Ok(None);
    };
    let spool = Spool::open(directory, owners, *bounds, sensor.as_deref());
    let spool = spool.map_err(|error| unwritable(directory, &error))?;
    Ok(Some(Box::new(SpoolSink::new(spool, now()))))
}

/// The directory for this sensor alone.
fn lock(log: &LogPlace, format: &LineFormat) -> Result<Lock, AppError> {
    Lock::take(&log.directory, &format.clock.rfc3339(now().0)).map_err(|busy| match busy {
        Busy::Taken(first) => AppError::InUse { directory: log.path.clone(), first },
        Busy::Refused(error) => unwritable(&log.path.join(LOCK), &error),
    })
}

/// Everything is open: keeps what is still needed, and says what that is.
fn give_up_rights(
    writable: impl Iterator<Item = PathBuf>,
    settings: &Settings,
    (mut log, spool): (LogPlace, Option<LogPlace>),
) -> Result<Vec<Circumstance>, AppError> {
    log.files.retain(|name| log.directory.stat(name).is_ok());
    let feeds = &settings.feeds;
    let lists = || feeds.paths.iter().chain(&feeds.allow).chain(&settings.threats_file);
    let needs = Needs {
        user: settings.user.clone(),
        log,
        spool,
        readable: lists().cloned().collect(),
        fixed: settings.files.iter().cloned().chain(inner(&feeds.paths)).collect(),
        writable: writable.collect(),
    };
    let mut held = privilege::drop_all(&needs, tried).map_err(AppError::Privilege)?;
    let missing = std::mem::take(&mut held.missing).into_iter().map(Circumstance::Unprotected);
    let unfollowed = std::mem::take(&mut held.unfollowed).into_iter().map(Circumstance::Unfollowed);
    let mut said: Vec<_> = missing.chain(unfollowed).collect();
    said.extend(lists().flat_map(|path| unreadable(path)));
    Ok(std::iter::once(Circumstance::Holds(held)).chain(said).collect())
}

/// What a test tries once rights are given up.
#[cfg(debug_assertions)]
fn tried() -> String {
    crate::capture::live::refused()
}

#[cfg(not(debug_assertions))]
const fn tried() -> String {
    String::new()
}

/// The feeds in directories of feeds; what a link among them points at is read too.
fn inner(paths: &[PathBuf]) -> Vec<PathBuf> {
    let feeds = paths.iter().filter(|path| path.is_dir());
    feeds.filter_map(|path| indicators::files(path).ok()).flat_map(|found| found.feeds).collect()
}

/// What can be read no more, now that rights are given up: a change there would not be seen.
fn unreadable(path: &Path) -> Vec<Circumstance> {
    let notice = |path: &Path, error: &io::Error| Circumstance::Unreadable {
        path: path.into(),
        reason: crate::capture::describe(error),
    };
    let found = match indicators::files(path) {
        Ok(found) => found.feeds,
        Err(FeedError::Read { path, source }) => return vec![notice(&path, &source)],
        Err(_) => Vec::new(),
    };
    let tried = found.iter().filter_map(|file| Some((file, file::open(file).err()?)));
    tried.map(|(file, error)| notice(file, &error)).collect()
}

pub(super) fn log_directory(options: &Run, settings: &Settings) -> PathBuf {
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

/// Where everything goes.
struct Outputs {
    sinks: Vec<Box<dyn Sink>>,
    /// The file of EVE, where it stands elsewhere than the log.
    eve_file: Option<PathBuf>,
}

/// The log and EVE. A log that cannot be written now would lose the first alert: refuse.
fn outputs(
    options: &Run,
    settings: &Settings,
    format: &LineFormat,
    owners: &Owners,
) -> Result<Outputs, AppError> {
    let directory = log_directory(options, settings);
    // Alerts that must wait are echoed once, by the log that people read.
    let open = |path: &Path, echo: bool| {
        let (clock, owners) = (format.clock.clone(), owners.clone());
        let options = LogOptions { rotation: settings.rotation, clock, echo, owners };
        LogFile::open(path, options).map_err(|error| unwritable(path, &error))
    };
    let log = open(&directory.join("alerts.log"), true)?;
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(TextSink::new(format.clone(), log))];
    let clock = || format.clock.clone();
    let mut eve_file = None;
    match streams(options, settings, owners)? {
        Some((path, target)) => {
            let stream = match target {
                Target::Stdout => Some(Stream::stdout()),
                Target::Stderr => Some(Stream::stderr_for_records()),
                Target::Stream(file) => Some(Stream::of(&path.to_string_lossy(), file)),
                Target::File => None,
            };
            match stream {
                Some(stream) => sinks.push(Box::new(EveSink::new(clock(), stream))),
                None => {
                    sinks.push(Box::new(EveSink::new(clock(), open(&path, false)?)));
                    eve_file = Some(path);
                }
            }
        }
        None if settings.eve => {
            sinks.push(Box::new(EveSink::new(clock(), open(&directory.join("eve.json"), false)?)));
        }
        None => {}
    }
    if options.stdout || settings.stdout {
        sinks.push(Box::new(TextSink::new(format.clone(), Stream::stdout())));
    }
    Ok(Outputs { sinks, eve_file })
}

/// Where EVE goes, if the command line names a place.
pub(super) fn streams(
    options: &Run,
    settings: &Settings,
    owners: &Owners,
) -> Result<Option<(PathBuf, Target)>, AppError> {
    check_stdout(options, settings)?;
    let Some(path) = &options.eve else { return Ok(None) };
    let target = target::find(path, owners).map_err(|error| unwritable(path, &error))?;
    Ok(Some((path.clone(), target)))
}

/// Rings of all sockets together are the kernel's memory, which nothing can swap out.
fn refuse_rings(settings: &Settings, sockets: usize) -> Result<(), ConfigError> {
    check::refuse_rings(settings.ring_bytes, sockets).map_err(|error| {
        ConfigError::Value(Said::new(
            format!("capture.ring_mb: mọi bộ đệm cộng lại chiếm quá ba phần tư bộ nhớ của máy ({error}); hãy giảm ring_mb hoặc số luồng (workers)"),
            format!("capture.ring_mb: all rings together take more than three quarters of this machine's memory ({error}); lower ring_mb or the number of workers"),
        ))
    })
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
