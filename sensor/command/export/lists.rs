//! Lists of lines: Zeek's intelligence, Suricata's datasets and rules, plain, hosts, rpz.

use std::io::{self, Write};
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ioc_feeds::{Host, Indicator, Pattern, Scope};

use super::Left;

/// Writes a line for each indicator that the format can say; the others are counted by kind.
fn each(
    rows: &[Indicator],
    out: &mut Vec<u8>,
    line: &mut dyn FnMut(&Indicator) -> Option<String>,
) -> io::Result<Left> {
    let mut left = Left::new();
    for row in rows {
        match line(row) {
            Some(text) => writeln!(out, "{text}")?,
            None => *left.entry(row.pattern.kind()).or_default() += 1,
        }
    }
    Ok(left)
}

/// A text as a cell that cannot break a line: no tab, no line end.
fn cell(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.trim().is_empty() { "-".into() } else { text.trim().to_owned() }
}

/// One value a line.
pub(super) fn plain(rows: &[Indicator], out: &mut Vec<u8>) -> io::Result<Left> {
    each(rows, out, &mut |row| match &row.pattern {
        Pattern::Domain { .. }
        | Pattern::Ip(_)
        | Pattern::IpPort(..)
        | Pattern::Cidr(..)
        | Pattern::Url { .. } => Some(row.pattern.text()),
        _ => None,
    })
}

/// `0.0.0.0 name`: a hosts file has no tree below a name.
pub(super) fn hosts(rows: &[Indicator], out: &mut Vec<u8>) -> io::Result<Left> {
    each(rows, out, &mut |row| match &row.pattern {
        Pattern::Domain { name, .. } => Some(format!("0.0.0.0 {name}")),
        _ => None,
    })
}

/// A response policy zone, to be served by a resolver of one's own.
pub(super) fn rpz(rows: &[Indicator], out: &mut Vec<u8>) -> io::Result<Left> {
    writeln!(
        out,
        "$TTL 300\n@ SOA localhost. root.localhost. 1 3600 600 86400 300\n@ NS localhost."
    )?;
    each(rows, out, &mut |row| match &row.pattern {
        Pattern::Domain { name, scope: Scope::Exact } => Some(format!("{name} CNAME .")),
        Pattern::Domain { name, scope: Scope::Subtree } => {
            Some(format!("{name} CNAME .\n*.{name} CNAME ."))
        }
        _ => None,
    })
}

/// The Intelligence Framework of Zeek. Its names are exact, and its urls have no scheme.
pub(super) fn zeek(rows: &[Indicator], out: &mut Vec<u8>) -> io::Result<Left> {
    writeln!(out, "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.url")?;
    each(rows, out, &mut |row| {
        let kind = match &row.pattern {
            Pattern::Domain { .. } => "DOMAIN",
            Pattern::Ip(_) => "ADDR",
            Pattern::Cidr(..) => "SUBNET",
            Pattern::Url { .. } => "URL",
            Pattern::CertSha1(_) => "CERT_HASH",
            Pattern::UserAgent(_) => "SOFTWARE",
            _ => return None,
        };
        let about = if row.malware.is_empty() { &row.threat } else { &row.malware };
        let (value, feed) = (cell(&row.pattern.text()), cell(&row.feed));
        Some(format!("{value}\tIntel::{kind}\t{feed}\t{}\t{}", cell(about), cell(&row.reference)))
    })
}

/// Base64 of names, for `dns.query`, `tls.sni`, `http.host` with `dataset:isset`. With what is below
/// it, a name has a dot in front.
pub(super) fn dataset(rows: &[Indicator], out: &mut Vec<u8>) -> io::Result<Left> {
    each(rows, out, &mut |row| match &row.pattern {
        Pattern::Domain { name, scope: Scope::Exact } => Some(STANDARD.encode(name.as_str())),
        Pattern::Domain { name, scope: Scope::Subtree } => {
            let below = STANDARD.encode(format!(".{name}"));
            Some(format!("{}\n{below}", STANDARD.encode(name.as_str())))
        }
        _ => None,
    })
}

/// First signature number; the range is the one that is kept for private rules.
const FIRST_SID: usize = 1_700_000;

/// Rules of Suricata 7: names in DNS, TLS and HTTP, and addresses.
pub(super) fn rules(rows: &[Indicator], out: &mut Vec<u8>) -> io::Result<Left> {
    let mut sid = FIRST_SID;
    each(rows, out, &mut |row| {
        let about = if row.malware.is_empty() { &row.threat } else { &row.malware };
        let message: String =
            about.chars().filter(|c| c.is_alphanumeric() || " -_.()".contains(*c)).collect();
        let mut rule = |head: String, body: String| {
            let text =
                format!("alert {head} (msg:\"wardwatch {message}\"; {body} sid:{sid}; rev:1;)");
            sid += 1;
            text
        };
        let any = "$HOME_NET any -> any any";
        let network = |ip: IpAddr, prefix: Option<u8>| {
            prefix.map_or_else(|| format!("{ip}"), |p| format!("{ip}/{p}"))
        };
        Some(match &row.pattern {
            Pattern::Domain { name, scope } => {
                let content = match scope {
                    Scope::Exact => format!("content:\"{name}\"; startswith; endswith; nocase;"),
                    Scope::Subtree => format!("dotprefix; content:\".{name}\"; endswith; nocase;"),
                };
                [("dns", "dns.query"), ("tls", "tls.sni"), ("http", "http.host")]
                    .map(|(protocol, buffer)| {
                        rule(format!("{protocol} {any}"), format!("{buffer}; {content}"))
                    })
                    .join("\n")
            }
            Pattern::Ip(ip) => {
                rule(format!("ip $HOME_NET any -> {} any", network(*ip, None)), String::new())
            }
            Pattern::Cidr(ip, prefix) => rule(
                format!("ip $HOME_NET any -> {} any", network(*ip, Some(*prefix))),
                String::new(),
            ),
            Pattern::IpPort(ip, port) => {
                rule(format!("tcp $HOME_NET any -> {ip} {port}"), "flow:to_server;".into())
            }
            Pattern::Url { host: Host::Name(name), path, .. } if quotable(path) => rule(
                format!("http {any}"),
                format!(
                    "http.host; content:\"{name}\"; startswith; endswith; nocase; http.uri; content:\"{}\"; startswith;",
                    quoted(path)
                ),
            ),
            Pattern::UserAgent(text) if quotable(text) => rule(
                format!("http {any}"),
                format!("http.user_agent; content:\"{}\"; startswith; endswith;", quoted(text)),
            ),
            Pattern::Ja3(digest) => {
                rule(format!("tls {any}"), format!("ja3.hash; content:\"{digest}\";"))
            }
            _ => return None,
        })
    })
}

fn quotable(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
}

/// What has a meaning of its own in a content, as hex.
fn quoted(text: &str) -> String {
    text.chars()
        .map(
            |c| {
                if "\";:\\|".contains(c) {
                    format!("|{:02x}|", u32::from(c))
                } else {
                    c.to_string()
                }
            },
        )
        .collect()
}
