//! Messages that were read, owned, for event records. Made only when their kind is asked for.

use super::Sighting;
use crate::extract::tls::fingerprint;
use crate::net::{Address, Mac};
use crate::observation::{
    ClientHello, DhcpMessage, DnsData, DnsMessage, DnsSection, HttpRequest, Message,
};

/// Kinds of event records, as `--events` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// One a DNS message.
    Dns,
    /// One a ClientHello over TCP or DTLS.
    Tls,
    /// One a ClientHello over QUIC.
    Quic,
    /// One a request.
    Http,
    /// One a DHCP message.
    Dhcp,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Dns, Self::Tls, Self::Quic, Self::Http, Self::Dhcp];

    /// Its name on the command line and in `event_type`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Quic => "quic",
            Self::Http => "http",
            Self::Dhcp => "dhcp",
        }
    }
}

/// Which kinds are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventKinds(u8);

impl EventKinds {
    /// Every kind.
    pub const fn all() -> Self {
        Self(u8::MAX)
    }

    /// This one too.
    #[must_use]
    pub const fn with(self, kind: EventKind) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    /// Is it asked for?
    pub const fn contains(self, kind: EventKind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }

    /// Is none asked for?
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A message and where it was seen.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its packet; of a message over several, the one that completed it.
    pub sighting: Sighting,
    /// The message.
    pub body: EventBody,
}

/// The message of an event.
#[derive(Clone, Debug)]
pub enum EventBody {
    /// DNS.
    Dns(DnsEvent),
    /// TLS over TCP.
    Tls(TlsEvent),
    /// TLS over QUIC.
    Quic(TlsEvent),
    /// TLS over UDP.
    Dtls(TlsEvent),
    /// HTTP.
    Http(HttpEvent),
    /// DHCP.
    Dhcp(DhcpEvent),
}

/// A DNS message.
#[derive(Clone, Debug)]
pub struct DnsEvent {
    /// Transaction id.
    pub id: u16,
    /// Flags word.
    pub flags: u16,
    /// Name and type of each question.
    pub queries: Vec<(String, u16)>,
    /// Records of all sections.
    pub records: Vec<DnsEventRecord>,
}

/// A record of a DNS message.
#[derive(Clone, Debug)]
pub struct DnsEventRecord {
    /// Its section.
    pub section: DnsSection,
    /// Owner name.
    pub owner: String,
    /// Type number.
    pub rtype: u16,
    /// Time to live in seconds.
    pub ttl: u32,
    /// Data as text, where it is an address, a name or text.
    pub data: Option<String>,
}

/// A ClientHello.
#[derive(Clone, Debug)]
pub struct TlsEvent {
    /// Server name.
    pub sni: Option<String>,
    /// Highest version offered, as text.
    pub version: String,
    /// QUIC version number, 0 over TCP.
    pub quic_version: u32,
    /// JA3 string and digest.
    pub ja3: (String, String),
    /// JA4.
    pub ja4: String,
    /// Application protocols offered.
    pub alpns: Vec<String>,
    /// Does it offer an encrypted ClientHello, perhaps a dummy?
    pub ech: bool,
    /// Is the true name taken to be hidden in it?
    pub ech_hidden: bool,
}

/// A request.
#[derive(Clone, Debug)]
pub struct HttpEvent {
    /// Host without port.
    pub hostname: Option<String>,
    /// Port, if the host was given with one.
    pub port: Option<u16>,
    /// Method.
    pub method: String,
    /// Target.
    pub url: String,
    /// Version text.
    pub protocol: String,
    /// User agent.
    pub user_agent: Option<String>,
    /// Clear-text HTTP/2?
    pub http2: bool,
}

/// A DHCP message.
#[derive(Clone, Debug)]
pub struct DhcpEvent {
    /// Message type.
    pub message_type: u8,
    /// Transaction id.
    pub id: u32,
    /// Client's hardware address.
    pub client_mac: Mac,
    /// Address the client has.
    pub client_ip: Option<Address>,
    /// Address it is given.
    pub assigned_ip: Option<Address>,
    /// Address it asks for.
    pub requested_ip: Option<Address>,
    /// Its name.
    pub hostname: Option<String>,
    /// Its vendor class.
    pub vendor_class: Option<String>,
}

/// Bytes off the wire as text: UTF-8 as it is, the rest replaced, control characters escaped by
/// the writer.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl EventBody {
    /// Owns a message if its kind is asked for.
    pub fn wanted(message: &Message<'_>, kinds: EventKinds) -> Option<Self> {
        match message {
            Message::Dns(m) if kinds.contains(EventKind::Dns) => Some(Self::Dns(dns(m))),
            Message::Tls(m) if kinds.contains(EventKind::Tls) => Some(Self::Tls(tls(m, 't'))),
            Message::Dtls(m) if kinds.contains(EventKind::Tls) => Some(Self::Dtls(tls(m, 'd'))),
            Message::Quic(m) if kinds.contains(EventKind::Quic) => Some(Self::Quic(tls(m, 'q'))),
            Message::Http(m) if kinds.contains(EventKind::Http) => Some(Self::Http(http(m))),
            Message::Dhcp(m) if kinds.contains(EventKind::Dhcp) => Some(Self::Dhcp(dhcp(m))),
            Message::Dns(_)
            | Message::Tls(_)
            | Message::Dtls(_)
            | Message::Quic(_)
            | Message::Http(_)
            | Message::Dhcp(_)
            | Message::Name(_) => None,
        }
    }
}

fn dns(message: &DnsMessage<'_>) -> DnsEvent {
    let name = |span| message.text(span).to_owned();
    let queries = message.questions.iter().map(|q| (name(q.name), q.qtype)).collect();
    let records = message.records.iter().map(|record| DnsEventRecord {
        section: record.section,
        owner: name(record.owner),
        rtype: record.rtype,
        ttl: record.ttl,
        data: match record.data {
            DnsData::Address(address) => Some(address.to_string()),
            DnsData::Name(span) | DnsData::Text(span) => Some(name(span)),
            DnsData::Other => None,
        },
    });
    DnsEvent { id: message.id, flags: message.flags, queries, records: records.collect() }
}

fn tls(hello: &ClientHello<'_>, transport: char) -> TlsEvent {
    let (ja3, digest) = fingerprint::ja3(hello);
    TlsEvent {
        sni: hello.sni.map(str::to_owned),
        version: fingerprint::version_name(fingerprint::supported_version(hello)).into(),
        quic_version: hello.quic_version,
        ja3: (ja3, hex(&digest)),
        ja4: fingerprint::ja4(hello, transport),
        alpns: fingerprint::client_alpns(hello).map(text).collect(),
        ech: hello.ech,
        ech_hidden: hello.ech_hidden,
    }
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(digest: &[u8]) -> String {
    let mut text = String::with_capacity(2 * digest.len());
    digest.iter().for_each(|byte| fingerprint::push_hex(*byte, &mut text));
    text
}

fn http(request: &HttpRequest<'_>) -> HttpEvent {
    HttpEvent {
        hostname: request.host.map(str::to_owned),
        port: request.port,
        method: text(request.method),
        url: text(request.target),
        protocol: text(request.version),
        user_agent: request.user_agent.map(text),
        http2: request.http2,
    }
}

fn dhcp(message: &DhcpMessage<'_>) -> DhcpEvent {
    DhcpEvent {
        message_type: message.message_type,
        id: message.id,
        client_mac: message.client_mac,
        client_ip: message.client_ip,
        assigned_ip: message.assigned_ip,
        requested_ip: message.requested_ip,
        hostname: message.hostname.map(str::to_owned),
        vendor_class: message.vendor_class.map(text),
    }
}
