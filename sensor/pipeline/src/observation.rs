//! The words parsers and the matcher share: what was seen, where, and by whom it is taken in.
//!
//! Parsers ([`crate::extract`]) say what they saw, one [`Observation`] a name or address, and
//! show each whole [`Message`] once; one place decides what it means ([`crate::matching`]).
//! Everything here borrows from the packet or from the parser's scratch space.

use crate::net::{Address, Endpoint};
use crate::stats::Counter;

/// Where a value was seen. [`Kind::label`] is the `where` of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Name in the question of a DNS message, or asked for in mDNS, LLMNR.
    DnsQuery,
    /// Owner, target or address in an answer, authority or additional record.
    DnsAnswer,
    /// `server_name` of a TLS ClientHello (RFC 6066 3).
    TlsSni,
    /// Name in a server certificate (TLS 1.2 and below).
    TlsCertificate,
    /// SHA-1 of a server's own certificate, as 40 lower-case hexadecimal digits.
    TlsCertSha1,
    /// `server_name` of a QUIC ClientHello (RFC 9001).
    QuicSni,
    /// `server_name` of a DTLS ClientHello.
    DtlsSni,
    /// Host of a request: `Host` header, absolute-form or CONNECT target, `:authority`.
    HttpHost,
    /// Host and target of a clear-text request.
    HttpUrl,
    /// `User-Agent` of a clear-text request.
    HttpUserAgent,
    /// Domain asked of a SOCKS proxy (SOCKS4a, RFC 1928).
    SocksHost,
    /// An endpoint of the flow itself.
    Ip,
    /// JA3 digest of a ClientHello.
    Ja3,
    /// JA4 fingerprint of a ClientHello.
    Ja4,
    /// What a host does, by name; the alert says `behaviour.NAME`.
    Behaviour,
    /// Name in a server certificate, beside a name that the client asked for in clear.
    TlsCertificateBeside,
    /// Owner or target in the answer to a reverse lookup: what the owner of an address says.
    DnsReverse,
    /// An outer endpoint of a tunnel that a packet came in.
    OuterIp,
}

impl Kind {
    /// Every kind, in the order of the labels' numbers in EVE signature ids.
    pub const ALL: [Self; 18] = [
        Self::DnsQuery,
        Self::DnsAnswer,
        Self::TlsSni,
        Self::TlsCertificate,
        Self::TlsCertSha1,
        Self::QuicSni,
        Self::DtlsSni,
        Self::HttpHost,
        Self::HttpUrl,
        Self::HttpUserAgent,
        Self::SocksHost,
        Self::Ip,
        Self::Ja3,
        Self::Ja4,
        Self::Behaviour,
        Self::TlsCertificateBeside,
        Self::DnsReverse,
        Self::OuterIp,
    ];

    /// The spelling in alerts: `dns.query`, `tls.sni`, `ip` ...
    pub const fn label(self) -> &'static str {
        match self {
            Self::DnsQuery => "dns.query",
            Self::DnsAnswer => "dns.answer",
            Self::TlsSni => "tls.sni",
            Self::TlsCertificate => "tls.certificate",
            Self::TlsCertSha1 => "tls.cert_sha1",
            Self::QuicSni => "quic.sni",
            Self::DtlsSni => "dtls.sni",
            Self::HttpHost => "http.host",
            Self::HttpUrl => "http.url",
            Self::HttpUserAgent => "http.user_agent",
            Self::SocksHost => "socks.host",
            Self::Ip => "ip",
            Self::Ja3 => "tls.ja3",
            Self::Ja4 => "tls.ja4",
            Self::Behaviour => "behaviour",
            Self::TlsCertificateBeside => "tls.certificate_beside",
            Self::DnsReverse => "dns.reverse",
            Self::OuterIp => "ip.outer",
        }
    }
}

/// A value to compare with the indicators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value<'a> {
    /// A host name in the one comparable spelling: lower case, no trailing dot, bytes outside
    /// printable ASCII (and dots and backslashes inside a label) as `\DDD`. Never an IP literal.
    Name(&'a str),
    /// An address found in a message: A or AAAA data, an IP literal as host.
    Address(Address),
    /// An endpoint of the flow: compared with `ip`, `ip:port` and `cidr`.
    Endpoint(Endpoint),
    /// Host (a name spelled as above or an IP literal without brackets), its port as far as the
    /// request or the flow says it, and the request target from its first `/`, as sent.
    Url {
        /// Host in comparable spelling.
        host: &'a str,
        /// Port of the authority, or the flow's server port.
        port: u16,
        /// Path and query as sent, beginning with `/`.
        target: &'a [u8],
    },
    /// Free text as sent (user agent), or a fingerprint's text.
    Text(&'a [u8]),
}

/// One thing seen on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation<'a> {
    /// Where.
    pub kind: Kind,
    /// What.
    pub value: Value<'a>,
}

/// First bytes of a direction that are shown as they are, at most.
pub const HEAD_LIMIT: u16 = 4096;

/// First bytes of a request's body that are shown, at most.
pub const BODY_LIMIT: usize = 256;

/// Some of the first bytes of one direction of a TCP connection. Each byte is shown once.
#[derive(Clone, Copy, Debug)]
pub struct StreamHead<'a> {
    /// Place of the first of them in the direction; zero is the first byte after the SYN.
    pub offset: u16,
    /// The bytes.
    pub bytes: &'a [u8],
    /// Nothing follows within [`HEAD_LIMIT`]: the limit, a hole, the end.
    pub last: bool,
}

/// Who takes in what parsers see. Implemented by the worker, and by tests.
pub trait Observer {
    /// A name, address, url or text worth comparing. Called as soon as it can be read.
    fn seen(&mut self, observation: Observation<'_>);

    /// A whole message, after its observations: for event records and for behaviours.
    fn message(&mut self, message: Message<'_>);

    /// The next of the first bytes of a direction whose SYN was seen. False: the rest of them
    /// need not be shown.
    fn head(&mut self, _head: StreamHead<'_>) -> bool {
        false
    }

    /// Is the body of the request that was shown last worth seeing? Asked once a request.
    fn wants_body(&mut self) -> bool {
        false
    }

    /// Up to [`BODY_LIMIT`] first bytes of that body, as many as came.
    fn body(&mut self, _bytes: &[u8]) {}

    /// Something was dropped, given up or could not be read.
    fn count(&mut self, counter: Counter);
}

/// A whole message, borrowed.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// A DNS, mDNS or LLMNR message.
    Dns(&'a DnsMessage<'a>),
    /// A TLS ClientHello over TCP.
    Tls(&'a ClientHello<'a>),
    /// A TLS ClientHello over QUIC.
    Quic(&'a ClientHello<'a>),
    /// A TLS ClientHello over DTLS.
    Dtls(&'a ClientHello<'a>),
    /// A clear-text HTTP request head.
    Http(&'a HttpRequest<'a>),
    /// A DHCP client's message.
    Dhcp(&'a DhcpMessage<'a>),
    /// A host's claim of a name.
    Name(&'a NameClaim<'a>),
}

/// A piece of a message's text arena: byte offsets into [`DnsMessage::text`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A DNS message as far as it could be read (RFC 1035 4.1).
#[derive(Clone, Copy, Debug)]
pub struct DnsMessage<'a> {
    /// Transaction id.
    pub id: u16,
    /// The flags word as sent: QR, opcode, AA, TC, RD, RA, Z, AD, CD, RCODE.
    pub flags: u16,
    /// Questions read.
    pub questions: &'a [DnsQuestion],
    /// Records read, in wire order over the three sections.
    pub records: &'a [DnsRecord],
    /// All names of the message in comparable spelling, one after the other.
    pub text: &'a str,
}

impl<'a> DnsMessage<'a> {
    /// The text of a span; empty if it lies outside.
    pub fn text(&self, span: Span) -> &'a str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// Is this a response (QR set)?
    pub const fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }
}

/// One question.
#[derive(Clone, Copy, Debug)]
pub struct DnsQuestion {
    /// The name asked for.
    pub name: Span,
    /// QTYPE.
    pub qtype: u16,
    /// QCLASS, as sent.
    pub qclass: u16,
}

/// Section of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DnsSection {
    /// Answer.
    Answer,
    /// Authority.
    Authority,
    /// Additional.
    Additional,
}

/// One resource record.
#[derive(Clone, Copy, Debug)]
pub struct DnsRecord {
    /// Section it stood in.
    pub section: DnsSection,
    /// Owner name.
    pub owner: Span,
    /// TYPE.
    pub rtype: u16,
    /// TTL in seconds, as sent.
    pub ttl: u32,
    /// What of its data concerns us.
    pub data: DnsData,
}

/// The data of a record, as far as it names a host.
#[derive(Clone, Copy, Debug)]
pub enum DnsData {
    /// Address of an A or AAAA record.
    Address(Address),
    /// Target of CNAME, DNAME, NS, PTR, MX, SRV, SVCB, HTTPS, SOA (primary) and the like.
    Name(Span),
    /// Text of a TXT record, printable bytes as they are and the rest as `\DDD`.
    Text(Span),
    /// Nothing that names a host.
    Other,
}

/// A ClientHello as far as it could be read (RFC 8446 4.1.2). Slices are the wire's bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientHello<'a> {
    /// First `host_name` of the `server_name` extension in comparable spelling.
    pub sni: Option<&'a str>,
    /// `legacy_version` of the ClientHello.
    pub legacy_version: u16,
    /// Cipher suites, two bytes each.
    pub ciphers: &'a [u8],
    /// The whole extensions block without its length; may be cut short.
    pub extensions: &'a [u8],
    /// Is an Encrypted ClientHello extension present (type 0xfe0d)? Most are dummies.
    pub ech: bool,
    /// Is the true name taken to be hidden in it?
    pub ech_hidden: bool,
    /// QUIC version of the packet, 0 for TLS over TCP.
    pub quic_version: u32,
}

/// A request head as far as it could be read (RFC 9112).
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpRequest<'a> {
    /// Method as sent.
    pub method: &'a [u8],
    /// Request target as sent.
    pub target: &'a [u8],
    /// Version text as sent (`HTTP/1.1`), empty when the line had none.
    pub version: &'a [u8],
    /// Host in comparable spelling or an IP literal without brackets: the first `Host` header,
    /// else the authority of an absolute-form or CONNECT target. Without port.
    pub host: Option<&'a str>,
    /// Port, when the host was given with one.
    pub port: Option<u16>,
    /// First `User-Agent`, trimmed.
    pub user_agent: Option<&'a [u8]>,
    /// The head as sent, from the request line to the blank line or to where it was cut.
    pub head: &'a [u8],
    /// HTTP/2 in clear text.
    pub http2: bool,
}

/// What a DHCP message says about its client (RFC 2131, 2132).
#[derive(Clone, Copy, Debug, Default)]
pub struct DhcpMessage<'a> {
    /// Message type, option 53.
    pub message_type: u8,
    /// Transaction id.
    pub id: u32,
    /// Client's hardware address.
    pub client_mac: crate::net::Mac,
    /// `ciaddr`, if not zero.
    pub client_ip: Option<Address>,
    /// `yiaddr`, if not zero.
    pub assigned_ip: Option<Address>,
    /// Requested address, option 50.
    pub requested_ip: Option<Address>,
    /// Host name, option 12 or the name of option 81.
    pub hostname: Option<&'a str>,
    /// Vendor class, option 60.
    pub vendor_class: Option<&'a [u8]>,
}

/// A name that a host claims for an address of its own (NetBIOS, RFC 1002 4.2.2).
#[derive(Clone, Copy, Debug)]
pub struct NameClaim<'a> {
    /// The address.
    pub address: Address,
    /// The name in comparable spelling.
    pub name: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_label() {
        let mut labels: Vec<_> = Kind::ALL.iter().map(|kind| kind.label()).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Kind::ALL.len());
    }
}
