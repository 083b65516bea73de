//! `wardwatch feeds`: look at the indicators.

use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::path::PathBuf;

use ioc_feeds::format::{self, value};
use ioc_feeds::threat::Language;
use ioc_feeds::{Host, Indicator, Pattern};

use super::{complain, is_closed, load, settings};
use crate::app::{AppError, indicators};
use crate::cli::{FeedOptions, Feeds, Global};
use crate::config;
use crate::lang::{self, Phrase};
use crate::matching::behaviour::Behaviours;
use crate::matching::{Hit, Matcher};
use crate::net::Endpoint;
use crate::observation::{Kind, Observation, Value};
use crate::sink::escape;

pub(super) fn feeds(global: &Global, options: Feeds) -> Result<u8, AppError> {
    match options {
        Feeds::List { behaviours: true, feeds } => behaviours(global, &feeds),
        Feeds::List { behaviours: false, feeds } => list(global, &feeds),
        Feeds::Check { paths } => check(global, &paths),
        Feeds::Lookup { values, feeds } => lookup(global, &values, &feeds),
    }
}

fn list(global: &Global, options: &FeedOptions) -> Result<u8, AppError> {
    let settings = settings(global, options)?;
    let mut rows = Vec::new();
    for feed in indicators::feeds(&settings.feeds, &mut |line| complain(&line))? {
        indicators::report(&feed, settings.language, &mut |line| complain(&line));
        rows.extend(feed.indicators);
    }
    written(format::native::write(&rows, BufWriter::new(io::stdout().lock())))
}

/// Each behaviour with its mode, severity, grade and report, explained in both languages.
fn behaviours(global: &Global, options: &FeedOptions) -> Result<u8, AppError> {
    let settings = settings(global, options)?;
    let table =
        Behaviours::load(&settings.feeds.behaviours).map_err(|error| config::behaviour(&error))?;
    let mut out = BufWriter::new(io::stdout().lock());
    let language = settings.language;
    for behaviour in table.all() {
        let severity = behaviour.alert_severity();
        let told = writeln!(
            out,
            "{}  {} ({}), {} ({severity}), {} {}\n  {}, {}\n  vi: {}\n  en: {}\n  {}\n",
            behaviour.name,
            behaviour.mode.as_str(),
            lang::mode(language, behaviour.mode.as_str()),
            lang::severity(language, severity),
            lang::phrase(language, Phrase::Grade),
            behaviour.grade.as_str(),
            settings.threats.get(&behaviour.threat).name.in_language(language),
            behaviour.malware,
            behaviour.text.vi,
            behaviour.text.en,
            behaviour.reference,
        );
        if told.is_err() {
            return written(told);
        }
    }
    written(out.flush())
}

fn check(global: &Global, paths: &[PathBuf]) -> Result<u8, AppError> {
    let mut loaded = Vec::new();
    let settings = settings(global, &FeedOptions { feeds: vec![], no_builtin_feeds: false })?;
    if paths.is_empty() {
        loaded = indicators::feeds(&settings.feeds, &mut |line| complain(&line))?;
    }
    for path in paths {
        let say = &mut |line: &dyn std::fmt::Display| complain(&line);
        loaded.extend(indicators::load_path(path, settings.language, say)?);
    }
    let mut clean = true;
    let mut out = io::stdout().lock();
    for feed in &loaded {
        clean &= feed.rejected_total() == 0;
        indicators::report(feed, settings.language, &mut |line| complain(&line));
        let (rejected, doubtful) = (feed.rejected_total(), feed.warnings_total());
        let numbers = [feed.indicators.len(), rejected, doubtful, feed.duplicates];
        let line = lang::feed_checked(settings.language, &feed.feed, numbers.map(|n| n as u64));
        written(writeln!(out, "{}", escape::line(&line)))?;
    }
    Ok(u8::from(!clean))
}

fn lookup(global: &Global, values: &[String], options: &FeedOptions) -> Result<u8, AppError> {
    let settings = settings(global, options)?;
    let loaded = load(&settings, global)?;
    let mut matcher = Matcher::new(loaded.set.clone());
    let mut out = io::stdout().lock();
    for text in values {
        let hits = match value::guess(text) {
            Ok(pattern) => find(&mut matcher, &pattern),
            Err(reason) => {
                let reason = reason.in_language(settings.language);
                complain(&lang::not_looked_up(settings.language, text, reason));
                return Ok(2);
            }
        };
        if hits.is_empty() {
            written(writeln!(out, "{}: -", escape::line(text)))?;
        }
        for hit in hits {
            if let Some(indicator) = loaded.set.get(hit.id) {
                let allowed = if hit.allowed { lang::allowed(settings.language) } else { "" };
                let told = describe(indicator, settings.language);
                let line = format!("{text}: {told}{allowed}");
                written(writeln!(out, "{}", escape::line(&line)))?;
            }
        }
    }
    Ok(0)
}

/// Asks the matcher itself, so that the answer is the one traffic would get.
fn find(matcher: &mut Matcher, pattern: &Pattern) -> Vec<Hit> {
    let endpoint = |ip: IpAddr, port| Value::Endpoint(Endpoint { address: ip.into(), port });
    let host;
    let (kind, value) = match pattern {
        Pattern::Domain { name, .. } => (Kind::DnsQuery, Value::Name(name.as_str())),
        Pattern::Ip(ip) | Pattern::Cidr(ip, _) => (Kind::Ip, endpoint(*ip, 0)),
        Pattern::IpPort(ip, port) => (Kind::Ip, endpoint(*ip, *port)),
        Pattern::Url { host: named, port, path } => {
            host = match named {
                Host::Name(name) => name.as_str().to_owned(),
                Host::Address(ip) => ip.to_string(),
            };
            let target = path.as_bytes();
            (Kind::HttpUrl, Value::Url { host: &host, port: port.unwrap_or(80), target })
        }
        Pattern::Path(path) => {
            (Kind::HttpUrl, Value::Url { host: "-", port: 80, target: path.as_bytes() })
        }
        Pattern::UserAgent(text) => (Kind::HttpUserAgent, Value::Text(text.as_bytes())),
        Pattern::Ja3(text) => (Kind::Ja3, Value::Text(text.as_bytes())),
        Pattern::Ja4(text) => (Kind::Ja4, Value::Text(text.as_bytes())),
        Pattern::CertSha1(text) => (Kind::TlsCertSha1, Value::Text(text.as_bytes())),
        // What a host does cannot be looked up.
        Pattern::Behaviour(_) => return Vec::new(),
    };
    let mut hits = Vec::new();
    matcher.find(&Observation { kind, value }, &mut |hit| hits.push(hit));
    hits
}

fn describe(indicator: &Indicator, language: Language) -> String {
    let known = indicator.last_seen.or(indicator.first_seen);
    format!(
        "{} ({}), {}, {}, {}, {}, {}, {}",
        indicator.pattern,
        lang::pattern(language, &indicator.pattern),
        indicator.threat,
        lang::role(language, indicator.role),
        lang::confidence(language, indicator.confidence),
        lang::known_since(language, known, None),
        indicator.feed,
        indicator.reference,
    )
}

/// Success, also when nobody reads any more.
fn written(result: io::Result<()>) -> Result<u8, AppError> {
    match result {
        Err(error) if !is_closed(&error) => Err(AppError::System {
            what: "cannot write the output",
            reason: crate::capture::describe(&error),
        }),
        Ok(()) | Err(_) => Ok(0),
    }
}
