//! What an indicator is: a name, address or url known to belong to a threat, and where that is
//! known from. This crate knows no packet; the sensor knows no feed format.
//!
//! # Reading order
//!
//! [`Indicator`] and [`Pattern`] (what is matched), [`name::Name`] (the one spelling used for
//! comparison), [`threat::Threats`] (names, severity, advice), [`format`] (feed files to
//! indicators, one bad line never spoils a file), [`lint`] (what makes one dangerous to load),
//! [`curated`] (the feeds inside the binary).

use std::net::IpAddr;

/// How much of the tree below a name is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The name and everything below it.
    #[default]
    Subtree,
    /// The name itself only: hosts under a shared suffix.
    Exact,
}

/// What the infrastructure was used for, as far as its report says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Command and control.
    #[default]
    C2,
    /// Delivers malware or a later stage.
    Delivery,
    /// Receives stolen data.
    Exfiltration,
    /// Taken over by defenders: a contact still means an infected host.
    Sinkhole,
    /// A test that the sensor works.
    Canary,
    /// Not said.
    Unknown,
}

/// How sure the attribution was when reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Weak: context.
    Low,
    /// One listing or a researcher's post.
    #[default]
    Medium,
    /// A vendor's or an agency's own report.
    High,
}

/// A calendar day, or a month when the day is not known (day 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Year.
    pub year: i16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day, 1 to 31; 0 when only the month is known.
    pub day: u8,
}

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
    pub threat: String,
    /// Malware as the report names it; may be empty.
    pub malware: String,
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
    pub reference: String,
    /// Free remark.
    pub note: String,
    /// Name of the feed it came from.
    pub feed: std::sync::Arc<str>,
    /// Line in that feed, from 1.
    pub line: u32,
}

pub mod name;
