//! `wardwatch feeds lookup`: would a value raise an alert, and why. Asks the matcher itself, and
//! nobody else.

use std::io::{self, Write};
use std::net::IpAddr;

use ioc_feeds::format::value;
use ioc_feeds::threat::Language;
use ioc_feeds::{Host, Indicator, Pattern, Scope};

use super::feeds::written;
use super::{complain, load, settings};
use crate::app::AppError;
use crate::cli::{FeedOptions, Global};
use crate::lang;
use crate::matching::{Hit, IndicatorSet, Matcher};
use crate::net::Endpoint;
use crate::observation::{Kind, Observation, Value};
use crate::sink::escape;

/// Exit code 1 when none of the values is known, 2 when one is nothing that can be looked up.
pub(super) fn lookup(
    global: &Global,
    values: &[String],
    options: &FeedOptions,
) -> Result<u8, AppError> {
    let settings = settings(global, options)?;
    let language = settings.language;
    let loaded = load(&settings, global)?;
    let mut matcher = Matcher::new(loaded.set.clone());
    let mut out = io::stdout().lock();
    let mut known = false;
    for text in values {
        let plain = value::refang(text.trim());
        let secure = plain.get(..8).is_some_and(|head| head.eq_ignore_ascii_case("https://"));
        let patterns = match meant(&plain).map(|patterns| with_hosts(patterns, secure)) {
            Ok(patterns) => patterns,
            Err(reason) => {
                let reason = reason.in_language(language);
                complain(&lang::not_looked_up(language, text, reason));
                return Ok(2);
            }
        };
        let mut hits: Vec<Hit> =
            patterns.iter().flat_map(|pattern| find(&mut matcher, pattern)).collect();
        if secure {
            let line = lang::https_unseen(language, text);
            written(writeln!(out, "{}", escape::line(&line)))?;
        }
        hits.extend(patterns.iter().filter_map(|pattern| behaviour(&loaded.set, pattern)));
        if hits.is_empty() {
            let line = match is_digest(&plain) {
                true => lang::file_hash(language, text),
                false => lang::not_listed(language, text),
            };
            written(writeln!(out, "{}", escape::line(&line)))?;
        }
        for hit in hits {
            if let Some(indicator) = loaded.set.get(hit.id) {
                known = true;
                let told = describe(indicator, language);
                let line = lang::listed(language, text, &told, hit.allowed);
                written(writeln!(out, "{}", escape::line(&line)))?;
            }
        }
    }
    Ok(u8::from(!known))
}

/// The behaviour that a contact with an address would be.
fn behaviour(set: &IndicatorSet, pattern: &Pattern) -> Option<Hit> {
    let (Pattern::Ip(address) | Pattern::IpPort(address, _)) = pattern else { return None };
    let id = set.behaviours().of_server((*address).into())?;
    Some(Hit { id: set.behaviour_indicator(id), allowed: false })
}

/// What a value may be. A digest says by its length alone what it may be the digest of.
fn meant(text: &str) -> Result<Vec<Pattern>, ioc_feeds::Reason> {
    if is_digest(text) {
        let kinds = ["ja3", "cert-sha1"];
        return Ok(kinds.iter().filter_map(|kind| value::parse(kind, text, None).ok()).collect());
    }
    if let Ok(pattern) = value::parse("ja4", text, None) {
        return Ok(vec![pattern]);
    }
    value::guess(text).map(|pattern| vec![pattern]).or_else(|reason| {
        // A name with its port, a value in quotes, ports behind an address.
        let found = ioc_feeds::judge::line::judge(text);
        let meant: Vec<Pattern> = found.into_iter().flat_map(|finding| finding.readings).collect();
        if meant.is_empty() { Err(reason) } else { Ok(meant) }
    })
}

/// A url is met in clear HTTP only, but its host wherever it is asked for; of an https url nothing
/// but the host is ever seen.
fn with_hosts(patterns: Vec<Pattern>, secure: bool) -> Vec<Pattern> {
    let mut all = Vec::new();
    for pattern in patterns {
        if let Pattern::Url { host, port, .. } = &pattern {
            let host = match (host, port) {
                (Host::Name(name), _) => {
                    Pattern::Domain { name: name.clone(), scope: Scope::Exact }
                }
                (Host::Address(ip), None) => Pattern::Ip(*ip),
                (Host::Address(ip), Some(port)) => Pattern::IpPort(*ip, *port),
            };
            if !secure {
                all.push(pattern);
            }
            all.push(host);
        } else {
            all.push(pattern);
        }
    }
    all
}

/// MD5, SHA-1, SHA-256 or SHA-512, as lists of indicators give them for files.
fn is_digest(text: &str) -> bool {
    [32, 40, 64, 128].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
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
        lang::pattern(language, indicator.pattern.kind()),
        indicator.threat,
        lang::role(language, indicator.role),
        lang::confidence(language, indicator.confidence),
        lang::known_since(language, known, None),
        indicator.feed,
        indicator.reference,
    )
}
