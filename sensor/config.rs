//! The configuration file and the command line become one validated [`Settings`].
//!
//! Owns defaults. Opens the feeds, allow lists and threats it names; opens no capture.

mod place;
mod spool;
mod threats;
mod warning_lists;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ioc_feeds::file;
use ioc_feeds::threat::{Language, Threats};
use serde::Deserialize;

use crate::alert::HomeNetworks;
use crate::lang::{self, Said};
use crate::matching::behaviour::{BehaviourError, Behaviours, Modes};
use crate::sink::log::rotation::Rotation;
use crate::worker::Limits;
pub use place::find;
pub use spool::SpoolSettings;
pub use threats::threats;

/// A configuration that cannot be used. Exit code 2.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read configuration {path}: {reason}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file does not say what can be done.
    #[error("configuration {path}, line {line}: {message}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line, from 1; 0 when the place is not known.
        line: usize,
        /// What is wrong, and what would be right.
        message: Said,
    },
    /// The words of threats cannot be used.
    #[error("threats {path}: {reason}")]
    Threats {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: Said,
    },
    /// A value does not fit.
    #[error("{0}")]
    Value(Said),
}

/// The file, as written. Every field may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    lang: Option<String>,
    home: Option<Vec<String>>,
    feeds: Vec<PathBuf>,
    builtin_feeds: Option<bool>,
    allow: Vec<PathBuf>,
    threats: Option<PathBuf>,
    warning_lists: Option<PathBuf>,
    user: Option<String>,
    sandbox: Option<bool>,
    capture: CaptureSection,
    log: LogSection,
    alerts: AlertSection,
    limits: LimitSection,
    behaviours: Modes,
    /// What the relay does now.
    syslog: Vec<toml::Table>,
    /// The same; empty in the configuration of earlier packages.
    metrics: toml::Table,
    spool: spool::Section,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CaptureSection {
    interfaces: Vec<String>,
    filter: Option<String>,
    ring_mb: Option<usize>,
    workers: Option<WorkersField>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LogSection {
    dir: Option<PathBuf>,
    eve: Option<bool>,
    stdout: bool,
    events: Option<String>,
    heartbeat_minutes: Option<u64>,
    rotate_mb: Option<u64>,
    rotate_days: Option<u64>,
    total_mb: Option<u64>,
    save_bad_frames: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AlertSection {
    fold_seconds: Option<u64>,
    queue: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitSection {
    flows: Option<usize>,
    held_mb: Option<usize>,
    stream_kb: Option<usize>,
}

/// Where indicators come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSettings {
    /// Files and directories, in order.
    pub paths: Vec<PathBuf>,
    /// The curated feeds too?
    pub builtin: bool,
    /// Allow lists.
    pub allow: Vec<PathBuf>,
    /// Behaviours whose mode is not the usual one.
    pub behaviours: Modes,
    /// How it is said what is wrong with them.
    pub language: Language,
}

/// Everything a command needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Language of the log and of messages.
    pub language: Language,
    /// Whose hosts are ours.
    pub home: HomeNetworks,
    /// Indicators.
    pub feeds: FeedSettings,
    /// Names, severity and advice of threats, with the contact.
    pub threats: Threats,
    /// The file that some of them come from: read again at a reload.
    pub threats_file: Option<PathBuf>,
    /// Bounds of a worker.
    pub limits: Limits,
    /// Records the queue between worker and writer holds.
    pub queue: usize,
    /// Interfaces named in the file.
    pub interfaces: Vec<String>,
    /// BPF expression named in the file.
    pub filter: Option<String>,
    /// The user to become when started as root.
    pub user: Option<String>,
    /// Are rights given up once everything is open?
    pub sandbox: bool,
    /// The files of the configuration itself: read again at a reload.
    pub files: Vec<PathBuf>,
    /// Workers an interface, if the file says so.
    pub workers: Option<Workers>,
    /// Kernel ring of a worker's socket in bytes.
    pub ring_bytes: usize,
    /// Directory of the logs.
    pub log_dir: Option<PathBuf>,
    /// Is `eve.json` written beside `alerts.log`?
    pub eve: bool,
    /// Are alerts printed on standard output too?
    pub stdout: bool,
    /// Event records named in the file, as `--events` takes them.
    pub events: Option<String>,
    /// Nanoseconds between heartbeats.
    pub heartbeat_nanos: u64,
    /// When logs are rotated, and how much of them is kept.
    pub rotation: Rotation,
    /// Are frames kept that the program could not handle?
    pub save_bad_frames: bool,
    /// Where records for other programs go, if anywhere.
    pub spool: Option<SpoolSettings>,
}

/// What the command line says, over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--lang`.
    pub language: Option<Language>,
    /// `--feeds`.
    pub feeds: Vec<PathBuf>,
    /// `--no-builtin-feeds`.
    pub no_builtin_feeds: bool,
}

impl File {
    /// What stood here once and is the relay's now: to pass over it would lose somebody's alerts.
    fn refuse_what_moved(&self) -> Result<(), ConfigError> {
        if self.syslog.is_empty() && self.metrics.is_empty() {
            return Ok(());
        }
        Err(ConfigError::Value(Said::new(
            "[[syslog]] và [metrics] nay thuộc về wardwatch-relay, vì bộ giám sát không còn dùng mạng: hãy \
             chuyển các phần đó sang /etc/wardwatch/relay.toml, thêm [spool] với \
             dir = \"/var/lib/wardwatch/spool\" vào tệp này, rồi chạy: systemctl restart wardwatch wardwatch-relay",
            "[[syslog]] and [metrics] are wardwatch-relay's now, because the sensor uses no network any more: \
             move these sections to /etc/wardwatch/relay.toml, add [spool] with \
             dir = \"/var/lib/wardwatch/spool\" to this file, then: systemctl restart wardwatch wardwatch-relay",
        )))
    }
}

impl Settings {
    /// Reads the file, if there is one, and lets the command line override it.
    ///
    /// # Errors
    /// [`ConfigError`] names the file and line, and what would be right.
    pub fn load(path: Option<&Path>, overrides: Overrides) -> Result<Self, ConfigError> {
        let file = path.map(read).transpose()?.unwrap_or_default();
        file.refuse_what_moved()?;
        let language = language(overrides.language, file.lang.as_deref())?;
        let ring_mb =
            at_least("capture.ring_mb", at_most_ring(file.capture.ring_mb)?, 1)?.unwrap_or(32);
        let lists = file.warning_lists.as_deref().filter(|path| !path.as_os_str().is_empty());
        lists.map_or(Ok(()), warning_lists::publish)?;
        let minutes = file.log.heartbeat_minutes.unwrap_or(60).max(1);
        Ok(Self {
            language,
            home: home(file.home.as_deref())?,
            feeds: FeedSettings {
                paths: file.feeds.into_iter().chain(overrides.feeds).collect(),
                builtin: file.builtin_feeds.unwrap_or(true) && !overrides.no_builtin_feeds,
                allow: file.allow,
                behaviours: behaviours(file.behaviours)?,
                language,
            },
            threats: threats(file.threats.as_deref())?,
            limits: limits(&file.limits, &file.alerts)?,
            rotation: rotation(&file.log),
            spool: file.spool.settings()?,
            queue: at_least("alerts.queue", file.alerts.queue, 1)?.unwrap_or(4096),
            interfaces: file.capture.interfaces,
            filter: file.capture.filter,
            user: file.user,
            sandbox: file.sandbox.unwrap_or(true),
            files: path.into_iter().map(Path::to_owned).chain(file.threats.clone()).collect(),
            threats_file: file.threats,
            workers: workers(file.capture.workers)?,
            ring_bytes: megabytes(ring_mb),
            log_dir: file.log.dir,
            eve: file.log.eve.unwrap_or(true),
            stdout: file.log.stdout,
            save_bad_frames: file.log.save_bad_frames,
            events: file.log.events,
            heartbeat_nanos: minutes.saturating_mul(60_000_000_000),
        })
    }
}

/// Bounds of the workers, as far as the file names any.
fn limits(section: &LimitSection, alerts: &AlertSection) -> Result<Limits, ConfigError> {
    let mut limits = Limits::default();
    set(&mut limits.flows.flows, at_least("limits.flows", section.flows, 1)?);
    let held = at_least("limits.held_mb", section.held_mb, 1)?;
    set(&mut limits.held_bytes, held.map(megabytes));
    let stream = at_least("limits.stream_kb", section.stream_kb, 4)?;
    set(&mut limits.stream.bytes, stream.map(|n| n.saturating_mul(1024)));
    let fold = alerts.fold_seconds.map(|s| s.saturating_mul(1_000_000_000));
    set(&mut limits.throttle.window_nanos, fold);
    Ok(limits)
}

const fn megabytes(n: usize) -> usize {
    n.saturating_mul(1024 * 1024)
}

/// Workers an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// So many, 1 to 64.
    Number(u8),
    /// One a processor.
    Auto,
}

impl std::str::FromStr for Workers {
    type Err = Said;

    fn from_str(text: &str) -> Result<Self, Said> {
        match (text, text.parse()) {
            ("auto", _) => Ok(Self::Auto),
            (_, Ok(number @ 1..=64)) => Ok(Self::Number(number)),
            _ => Err(Said::new(
                format!("`{text}` không phải số từ 1 đến 64, cũng không phải `auto`"),
                format!("`{text}` is neither a number from 1 to 64 nor `auto`"),
            )),
        }
    }
}

/// As the file may spell it: `workers = 2` or `workers = "auto"`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum WorkersField {
    Number(i64),
    Text(String),
}

fn workers(field: Option<WorkersField>) -> Result<Option<Workers>, ConfigError> {
    let text = match field {
        None => return Ok(None),
        Some(WorkersField::Number(number)) => number.to_string(),
        Some(WorkersField::Text(text)) => text,
    };
    let wrong = |reason: Said| ConfigError::Value(reason.of("capture.workers"));
    text.parse().map_err(wrong).map(Some)
}

/// Zero means "never", or "everything is kept".
fn rotation(log: &LogSection) -> Rotation {
    let mut rotation = Rotation::default();
    let megabytes = |n: u64| n.saturating_mul(1 << 20);
    set(&mut rotation.bytes, log.rotate_mb.map(megabytes));
    set(&mut rotation.age, log.rotate_days.map(|n| n.saturating_mul(86_400_000_000_000)));
    set(&mut rotation.total, log.total_mb.map(megabytes));
    rotation
}

fn set<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}

fn at_least(name: &str, value: Option<usize>, least: usize) -> Result<Option<usize>, ConfigError> {
    match value {
        Some(given) if given < least => Err(ConfigError::Value(Said::new(
            format!("{name} đang là {given}; ít nhất phải là {least}"),
            format!("{name} is {given}; it must be at least {least}"),
        ))),
        value => Ok(value),
    }
}

/// MiB: libpcap takes the size in bytes as a signed number of 32 bits.
const LARGEST_RING: usize = 2047;

fn at_most_ring(value: Option<usize>) -> Result<Option<usize>, ConfigError> {
    let Some(given) = value.filter(|given| *given > LARGEST_RING) else { return Ok(value) };
    Err(ConfigError::Value(Said::new(
        format!("capture.ring_mb đang là {given}; nhiều nhất là {LARGEST_RING}"),
        format!("capture.ring_mb is {given}; it must be at most {LARGEST_RING}"),
    )))
}

fn read(path: &Path) -> Result<File, ConfigError> {
    let text = text(path)?;
    toml::from_str(&text).map_err(|error| invalid(path, &text, &error))
}

fn text(path: &Path) -> Result<String, ConfigError> {
    file::read_text(path).map_err(|error| ConfigError::Read {
        path: path.into(),
        reason: crate::capture::describe(&error),
    })
}

fn invalid(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(0, |before| before.matches('\n').count() + 1);
    ConfigError::Invalid {
        path: path.into(),
        line,
        message: lang::of_toml(&error.message().replace('\n', ", ")),
    }
}

fn language(given: Option<Language>, file: Option<&str>) -> Result<Language, ConfigError> {
    if let Some(language) = given {
        return Ok(language);
    }
    if let Some(text) = file {
        return Language::parse(text).ok_or_else(|| {
            ConfigError::Value(Said::new(
                format!("lang đang là `{text}`; phải là vi hoặc en"),
                format!("lang is `{text}`; it must be vi or en"),
            ))
        });
    }
    Ok(spoken(None))
}

/// The language that was asked for, else the locale's.
pub fn spoken(given: Option<Language>) -> Language {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty());
    given.or_else(|| locale.as_deref().and_then(Language::parse)).unwrap_or_default()
}

fn home(networks: Option<&[String]>) -> Result<HomeNetworks, ConfigError> {
    let Some(networks) = networks else { return Ok(HomeNetworks::default()) };
    let parse = |text: &String| {
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let ip: IpAddr = address.parse().ok()?;
        let most = if ip.is_ipv4() { 32 } else { 128 };
        let prefix = if prefix.is_empty() { most } else { prefix.parse().ok()? };
        (prefix <= most).then_some((ip, prefix)).ok_or(()).ok()
    };
    let each = networks.iter().map(|text| {
        let network = parse(text).ok_or_else(|| {
            ConfigError::Value(Said::new(
                format!("home: `{text}` không phải dải mạng; hãy ghi dạng 192.168.1.0/24"),
                format!("home: `{text}` is no network; write it as 192.168.1.0/24"),
            ))
        })?;
        match ioc_feeds::format::value::network_of(network.0, network.1) {
            right if right == network.0 => Ok(network),
            right => Err(ConfigError::Value(Said::new(
                format!(
                    "home: `{text}` là địa chỉ của một máy trong mạng; có phải bạn muốn ghi `{right}/{}`?",
                    network.1
                ),
                format!(
                    "home: `{text}` is a host in a network; did you mean `{right}/{}`?",
                    network.1
                ),
            ))),
        }
    });
    Ok(HomeNetworks::new(each.collect::<Result<Vec<_>, _>>()?))
}

/// Modes whose names all exist.
fn behaviours(modes: Modes) -> Result<Modes, ConfigError> {
    Behaviours::check(&modes).map_err(|error| behaviour(&error))?;
    Ok(modes)
}

/// A behaviour that cannot be used, as a fault of the configuration.
pub fn behaviour(error: &BehaviourError) -> ConfigError {
    let vi = match error {
        BehaviourError::Table(reason) => format!("bảng hành vi: {reason}"),
        BehaviourError::Unknown { name, near } => {
            let hint = near
                .as_ref()
                .map_or_else(String::new, |near| format!("; có phải bạn muốn ghi `{near}`?"));
            format!(
                "behaviours: không có `{name}`; xem danh sách bằng `wardwatch feeds list --behaviours`{hint}"
            )
        }
    };
    ConfigError::Value(Said::new(vi, error.to_string()))
}
