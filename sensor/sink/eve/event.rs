//! Records of messages: `dns` (version 3), `tls`, `quic`, `http`, `dhcp`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use wardwatch_record::eve::Envelope;

use crate::alert::event::{DhcpEvent, DnsEvent, DnsEventRecord, EventBody, HttpEvent, TlsEvent};
use crate::extract::dns;
use crate::observation::DnsSection;

#[derive(Serialize)]
pub(super) struct EventRecord<'a> {
    #[serde(flatten)]
    envelope: Envelope<'a>,
    #[serde(flatten)]
    body: Body<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Body<'a> {
    Dns(Dns<'a>),
    Tls(Tls<'a>),
    Quic(Tls<'a>),
    Dtls(Tls<'a>),
    Http(Http<'a>),
    Dhcp(Dhcp<'a>),
}

/// The `event_type` of a message.
pub(super) const fn type_of(body: &EventBody) -> &'static str {
    match body {
        EventBody::Dns(_) => "dns",
        EventBody::Tls(_) => "tls",
        EventBody::Quic(_) => "quic",
        EventBody::Dtls(_) => "dtls",
        EventBody::Http(_) => "http",
        EventBody::Dhcp(_) => "dhcp",
    }
}

pub(super) fn record<'a>(envelope: Envelope<'a>, body: &'a EventBody) -> EventRecord<'a> {
    let body = match body {
        EventBody::Dns(message) => Body::Dns(dns_record(message)),
        EventBody::Tls(hello) => Body::Tls(tls_record(hello)),
        EventBody::Quic(hello) => Body::Quic(tls_record(hello)),
        EventBody::Dtls(hello) => Body::Dtls(tls_record(hello)),
        EventBody::Http(request) => Body::Http(http_record(request)),
        EventBody::Dhcp(message) => Body::Dhcp(dhcp_record(message)),
    };
    EventRecord { envelope, body }
}

#[derive(Serialize)]
struct Dns<'a> {
    version: u8,
    r#type: &'static str,
    tx_id: u32,
    id: u16,
    flags: String,
    #[serde(skip_serializing_if = "no")]
    qr: bool,
    #[serde(skip_serializing_if = "no")]
    aa: bool,
    #[serde(skip_serializing_if = "no")]
    tc: bool,
    #[serde(skip_serializing_if = "no")]
    rd: bool,
    #[serde(skip_serializing_if = "no")]
    ra: bool,
    #[serde(skip_serializing_if = "no")]
    z: bool,
    opcode: u16,
    rcode: Cow<'static, str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queries: Vec<Query<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    answers: Vec<Answer<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorities: Vec<Answer<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    additionals: Vec<Answer<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    grouped: BTreeMap<Cow<'static, str>, Vec<&'a str>>,
}

#[derive(Serialize)]
struct Query<'a> {
    rrname: &'a str,
    rrtype: Cow<'static, str>,
}

#[derive(Serialize)]
struct Answer<'a> {
    rrname: &'a str,
    rrtype: Cow<'static, str>,
    ttl: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    rdata: Option<&'a str>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the form serde calls
const fn no(flag: &bool) -> bool {
    !*flag
}

fn rrtype(number: u16) -> Cow<'static, str> {
    dns::type_name(number).map_or_else(|| format!("TYPE{number}").into(), Cow::Borrowed)
}

fn dns_record(message: &DnsEvent) -> Dns<'_> {
    let flag = |bit: u16| message.flags & bit != 0;
    let section = |wanted: DnsSection| {
        let rows = message.records.iter().filter(|record| record.section == wanted);
        rows.map(answer).collect::<Vec<_>>()
    };
    let mut grouped: BTreeMap<Cow<'static, str>, Vec<&str>> = BTreeMap::new();
    for record in message.records.iter().filter(|record| record.section == DnsSection::Answer) {
        if let Some(data) = &record.data {
            grouped.entry(rrtype(record.rtype)).or_default().push(data);
        }
    }
    let rcode = message.flags & 0xf;
    Dns {
        version: 3,
        r#type: if flag(0x8000) { "response" } else { "request" },
        tx_id: 0,
        id: message.id,
        flags: format!("{:x}", message.flags),
        qr: flag(0x8000),
        aa: flag(0x0400),
        tc: flag(0x0200),
        rd: flag(0x0100),
        ra: flag(0x0080),
        z: flag(0x0040),
        opcode: message.flags >> 11 & 0xf,
        rcode: dns::rcode_name(rcode).map_or_else(|| rcode.to_string().into(), Cow::Borrowed),
        queries: message
            .queries
            .iter()
            .map(|(name, rtype)| Query { rrname: name, rrtype: rrtype(*rtype) })
            .collect(),
        answers: section(DnsSection::Answer),
        authorities: section(DnsSection::Authority),
        additionals: section(DnsSection::Additional),
        grouped,
    }
}

fn answer(record: &DnsEventRecord) -> Answer<'_> {
    Answer {
        rrname: &record.owner,
        rrtype: rrtype(record.rtype),
        ttl: record.ttl,
        rdata: record.data.as_deref(),
    }
}

#[derive(Serialize)]
struct Tls<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sni: Option<&'a str>,
    version: Cow<'a, str>,
    ja3: Ja3<'a>,
    ja4: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    client_alpns: &'a [String],
    #[serde(skip_serializing_if = "no")]
    ech: bool,
    #[serde(skip_serializing_if = "no")]
    ech_hidden: bool,
}

#[derive(Serialize)]
struct Ja3<'a> {
    hash: &'a str,
    string: &'a str,
}

fn tls_record(hello: &TlsEvent) -> Tls<'_> {
    let version = match hello.quic_version {
        0 => hello.version.as_str().into(),
        1 => "1".into(),
        0x6b33_43cf => "2".into(),
        draft if draft >> 8 == 0x00ff_0000 => format!("draft-{}", draft & 0xff).into(),
        other => format!("{other:08x}").into(),
    };
    let (string, hash) = &hello.ja3;
    Tls {
        sni: hello.sni.as_deref(),
        version,
        ja3: Ja3 { hash, string },
        ja4: &hello.ja4,
        client_alpns: &hello.alpns,
        ech: hello.ech,
        ech_hidden: hello.ech_hidden,
    }
}

#[derive(Serialize)]
struct Http<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_port: Option<u16>,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_user_agent: Option<&'a str>,
    http_method: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    protocol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
}

fn http_record(request: &HttpEvent) -> Http<'_> {
    Http {
        hostname: request.hostname.as_deref().map(with_blanks),
        http_port: request.port,
        url: &request.url,
        http_user_agent: request.user_agent.as_deref(),
        http_method: &request.method,
        protocol: &request.protocol,
        version: request.http2.then_some("2"),
    }
}

/// A `Host` with its blanks as sent: they are printable, and other tools show them so.
fn with_blanks(host: &str) -> Cow<'_, str> {
    if host.contains(r"\032") { host.replace(r"\032", " ").into() } else { host.into() }
}

#[derive(Serialize)]
struct Dhcp<'a> {
    r#type: &'static str,
    id: u32,
    client_mac: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assigned_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_ip: Option<String>,
    dhcp_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor_class_identifier: Option<&'a str>,
}

fn dhcp_record(message: &DhcpEvent) -> Dhcp<'_> {
    let (r#type, dhcp_type) = match message.message_type {
        1 => ("request", "discover"),
        2 => ("reply", "offer"),
        3 => ("request", "request"),
        4 => ("request", "decline"),
        5 => ("reply", "ack"),
        6 => ("reply", "nak"),
        7 => ("request", "release"),
        8 => ("request", "inform"),
        _ => ("request", "unknown"),
    };
    Dhcp {
        r#type,
        id: message.id,
        client_mac: message.client_mac.to_string(),
        client_ip: message.client_ip.map(|ip| ip.to_string()),
        assigned_ip: message.assigned_ip.map(|ip| ip.to_string()),
        requested_ip: message.requested_ip.map(|ip| ip.to_string()),
        dhcp_type,
        hostname: message.hostname.as_deref(),
        vendor_class_identifier: message.vendor_class.as_deref(),
    }
}
