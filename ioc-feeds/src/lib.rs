//! What an indicator is: a name, address or url known to belong to a threat, and where that is
//! known from. This crate knows no packet; the sensor knows no feed format.
//!
//! # Reading order
//!
//! [`Indicator`] and [`Pattern`] (what is matched), [`name::Name`] (the one spelling used for
//! comparison), [`target`] (the same for request targets), [`threat::Threats`] (names, severity, advice) and
//! [`contact::Contacts`] (whom to call), [`mod@format`] (feed files to
//! indicators, one bad line never spoils a file), [`lint`] (what makes one dangerous to load) with
//! the tables of [`known`] names and networks,
//! [`curated`] (the feeds inside the binary). [`refang`] and [`judge`] say what people's writing means,
//! [`handover`] carries verdicts out of the process that reads documents (`ioc-feeds/import`).

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

pub mod allow;
pub mod contact;
pub mod curated;
pub mod date;
#[cfg(feature = "files")]
pub mod file;
pub mod format;
pub mod handover;
pub mod judge;
pub mod known;
pub mod lint;
mod message;
pub mod name;
mod reason;
pub mod refang;
pub mod target;
pub mod threat;
mod words;

pub use date::Date;
pub use message::Message;
pub use reason::Reason;
pub use words::{Confidence, Role, Scope};

/// What is compared with the wire.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// A host name.
    Domain {
        /// The name.
        name: name::Name,
        /// With or without what is below it.
        scope: Scope,
    },
    /// An address, any port.
    Ip(IpAddr),
    /// An address and port.
    IpPort(IpAddr, u16),
    /// A network. The address has no bits below the prefix.
    Cidr(IpAddr, u8),
    /// A clear-text HTTP url.
    Url {
        /// Name or address.
        host: Host,
        /// Port, if the feed named one; otherwise any.
        port: Option<u16>,
        /// Path and query prefix, beginning with `/`.
        path: String,
    },
    /// A request-target prefix on any host, beginning with `/`.
    Path(String),
    /// A whole User-Agent, compared exactly.
    UserAgent(String),
    /// JA3 digest, 32 lower-case hex digits.
    Ja3(String),
    /// JA4 fingerprint.
    Ja4(String),
    /// SHA-1 of a server certificate, 40 lower-case hex digits.
    CertSha1(String),
    /// A named behaviour of the sensor. Never read from a feed: the sensor brings its own.
    Behaviour(String),
}

/// Host of a url.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// By name, exactly this one.
    Name(name::Name),
    /// By address.
    Address(IpAddr),
}

/// One indicator with everything an alert needs to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indicator {
    /// What is matched.
    pub pattern: Pattern,
    /// Key into [`threat::Threats`]: `redline`, `mustang-panda`, `canary`.
    pub threat: Arc<str>,
    /// Malware as the report names it; may be empty.
    pub malware: Arc<str>,
    /// What it was used for.
    pub role: Role,
    /// How sure.
    pub confidence: Confidence,
    /// First reported.
    pub first_seen: Option<Date>,
    /// Last seen in use; `first_seen` stands in when absent.
    pub last_seen: Option<Date>,
    /// Not to be used after this day.
    pub expires: Option<Date>,
    /// Link to the report.
    pub reference: Arc<str>,
    /// Free remark.
    pub note: Arc<str>,
    /// Name of the feed it came from.
    pub feed: Arc<str>,
    /// Line in that feed, from 1.
    pub line: u32,
}

impl Pattern {
    /// The kind as the native feed format spells it: `domain`, `ip`, `ip:port`, `cidr`, `url`,
    /// `path`, `user-agent`, `ja3`, `ja4`, `cert-sha1` or `behaviour`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Domain { .. } => "domain",
            Self::Ip(_) => "ip",
            Self::IpPort(..) => "ip:port",
            Self::Cidr(..) => "cidr",
            Self::Url { .. } => "url",
            Self::Path(_) => "path",
            Self::UserAgent(_) => "user-agent",
            Self::Ja3(_) => "ja3",
            Self::Ja4(_) => "ja4",
            Self::CertSha1(_) => "cert-sha1",
            Self::Behaviour(_) => "behaviour",
        }
    }

    /// The value as the feed prints it; read back with [`Pattern::kind`] it gives this pattern.
    pub fn text(&self) -> String {
        self.to_string()
    }

    /// Scope of a domain, none for the other kinds.
    pub fn scope(&self) -> Option<Scope> {
        match self {
            Self::Domain { scope, .. } => Some(*scope),
            _ => None,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Domain { name, .. } => name.fmt(f),
            Self::Ip(address) => address.fmt(f),
            Self::IpPort(address, port) => std::net::SocketAddr::new(*address, *port).fmt(f),
            Self::Cidr(address, prefix) => write!(f, "{address}/{prefix}"),
            Self::Url { host, port: None, path } => write!(f, "{host}{path}"),
            Self::Url { host, port: Some(port), path } => write!(f, "{host}:{port}{path}"),
            Self::Path(text)
            | Self::UserAgent(text)
            | Self::Ja3(text)
            | Self::Ja4(text)
            | Self::CertSha1(text)
            | Self::Behaviour(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}
