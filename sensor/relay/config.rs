//! The configuration of the relay, validated.

mod listen;

use std::path::{Path, PathBuf};

use ioc_feeds::file;
use serde::Deserialize;
use wardwatch_record::{Language, Message, describe, describe_in};

use crate::syslog::Server;

pub use listen::Listen;

/// Where the package's sensor writes its spool.
const SPOOL: &str = "/var/lib/wardwatch/spool";
/// Where it says how it fares.
const STATUS: &str = "/run/wardwatch/status.json";

/// A configuration that cannot be used. Exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub Message);

/// The file, as written. Every field may be left out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    lang: Option<String>,
    spool: Option<PathBuf>,
    status: Option<PathBuf>,
    syslog: Vec<SyslogSection>,
    metrics: MetricsSection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MetricsSection {
    listen: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SyslogSection {
    target: String,
    ca: Option<PathBuf>,
    server_name: Option<String>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
}

/// Everything the relay needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Language of lines and messages.
    pub language: Language,
    /// The sensor's spool.
    pub spool: PathBuf,
    /// The sensor's `status.json`.
    pub status: PathBuf,
    /// Where alerts go.
    pub syslog: Vec<Server>,
    /// Where the metrics page is served, if anywhere.
    pub metrics: Option<Listen>,
}

impl Settings {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ConfigError`] names the file and line, and what would be right.
    pub fn load(path: &Path, language: Option<Language>) -> Result<Self, ConfigError> {
        let text = file::read_text(path).map_err(|error| {
            let shown = path.display();
            let english = describe(&error);
            ConfigError(Message::new(
                format!(
                    "không đọc được tệp cấu hình {shown}: {}",
                    describe_in(Language::Vi, &english)
                ),
                format!("cannot read configuration {shown}: {english}"),
            ))
        })?;
        Self::parse(path, &text, language)
    }

    fn parse(path: &Path, text: &str, language: Option<Language>) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(0, |before| before.matches('\n').count() + 1);
            let (path, message) = (path.display(), error.message().replace('\n', ", "));
            ConfigError(Message::new(
                format!("cấu hình {path}, dòng {line}: {message}"),
                format!("configuration {path}, line {line}: {message}"),
            ))
        })?;
        let in_file = file.lang.as_deref().map(|text| {
            Language::parse(text).ok_or_else(|| {
                ConfigError(Message::new(
                    format!("lang đang là `{text}`; phải là vi hoặc en"),
                    format!("lang is `{text}`; it must be vi or en"),
                ))
            })
        });
        let in_file = in_file.transpose()?;
        let server = |section: SyslogSection| {
            let target = section.target.parse()?;
            Server::new(target, section.ca, section.server_name, (section.cert, section.key))
        };
        let servers: Result<Vec<_>, Message> = file.syslog.into_iter().map(server).collect();
        let listen = file.metrics.listen.map(|listen| listen.parse()).transpose();
        Ok(Self {
            language: language.or(in_file).unwrap_or_else(|| spoken(None)),
            spool: file.spool.unwrap_or_else(|| SPOOL.into()),
            status: file.status.unwrap_or_else(|| STATUS.into()),
            syslog: servers.map_err(|why| ConfigError(why.of("syslog")))?,
            metrics: listen.map_err(|why: Message| ConfigError(why.of("metrics.listen")))?,
        })
    }
}

/// The language that was asked for, else the locale's.
pub fn spoken(given: Option<Language>) -> Language {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty());
    given.or_else(|| locale.as_deref().and_then(Language::parse)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, String> {
        Settings::parse(Path::new("r.toml"), text, None).map_err(|error| error.0.en)
    }

    #[test]
    fn the_sections_are_those_that_the_sensor_had() {
        let text =
            "[[syslog]]\ntarget = 'udp://192.0.2.1:514'\n[metrics]\nlisten = '127.0.0.1:9477'\n";
        let settings = parse(text).unwrap();
        assert_eq!((settings.syslog.len(), settings.metrics.is_some()), (1, true));
        assert_eq!(settings.spool, Path::new(SPOOL));
        let empty = parse("").unwrap();
        assert!(empty.syslog.is_empty() && empty.metrics.is_none());
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_place() {
        for (text, wanted) in [
            ("lang = 'fr'", "it must be vi or en"),
            ("\n\nfoo = 1", "line 3"),
            ("[[syslog]]\ntarget = 'log.example'", "syslog: `log.example` is no target"),
            ("[[syslog]]\ntarget = 'tls://192.0.2.1:6514'", "`ca` is missing"),
            ("[metrics]\nlisten = '0.0.0.0:1'", "metrics.listen: "),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }

    #[test]
    fn the_configuration_of_the_package_is_one() {
        let text = include_str!("../dist/relay.toml");
        parse(text).unwrap();
        // Every line that shows a setting is one, too.
        let shown: String = text
            .lines()
            .map(|line| {
                line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#'])).unwrap_or(line)
            })
            .map(|line| format!("{line}\n"))
            .collect();
        let settings = parse(&shown).unwrap();
        assert!(settings.metrics.is_some() && settings.syslog.len() == 1);
    }
}
