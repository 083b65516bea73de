//! How an indicator can be met: which conversations show it, and where it must then be seen.

use std::net::{IpAddr, Ipv4Addr};

use ioc_feeds::{Host, Indicator, Pattern, Scope};

use super::packets::{Conversation, Protocol};
use crate::observation::Kind;

/// A server nobody has: documentation range (RFC 5737).
pub(super) const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 200));

/// A way to meet an indicator; without a conversation the matcher itself is asked.
pub(super) struct Probe {
    pub(super) label: &'static str,
    pub(super) kind: Kind,
    pub(super) conversation: Option<Conversation>,
}

impl Probe {
    /// Somebody speaks this protocol with a server.
    pub(super) fn spoken(protocol: Protocol, server: IpAddr, port: u16) -> Self {
        let label = protocol.label();
        let conversation = Conversation { protocol, server, port };
        Self { label, kind: conversation.kind(), conversation: Some(conversation) }
    }

    /// Seen elsewhere than the protocol itself says.
    pub(super) const fn seen_as(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// A digest cannot be turned back into what it was made of.
    const fn asked(kind: Kind) -> Self {
        Self { label: "-", kind, conversation: None }
    }
}

/// A request head in clear.
fn http(host: &str, port: u16, target: &str, agent: &str) -> Probe {
    let head = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\n\r\n");
    Probe::spoken(Protocol::Http(head), NOBODY, port)
}

/// Every protocol that says a name.
fn named(name: &str) -> Vec<Probe> {
    let name = || name.to_owned();
    vec![
        Probe::spoken(Protocol::DnsUdp(name()), NOBODY, 53),
        Probe::spoken(Protocol::DnsTcp(name()), NOBODY, 53),
        Probe::spoken(Protocol::Tls(name()), NOBODY, 443),
        Probe::spoken(Protocol::Quic(name()), NOBODY, 443),
        http(&name(), 80, "/", "-"),
        Probe::spoken(Protocol::Http2(name()), NOBODY, 80),
        Probe::spoken(Protocol::Socks(name()), NOBODY, 1080),
    ]
}

/// A name below another, if it does not grow too long.
fn below(name: &str) -> Option<String> {
    Some(format!("selftest.{name}")).filter(|name| name.len() <= 253)
}

/// Every way to meet an indicator.
pub(super) fn probes(indicator: &Indicator) -> Vec<Probe> {
    match &indicator.pattern {
        Pattern::Domain { name, scope } => {
            let mut probes = named(name.as_str());
            // Everything below it is meant too.
            let below = below(name.as_str()).filter(|_| *scope == Scope::Subtree);
            probes.extend(below.map(|name| {
                let label = "DNS/UDP (*.)";
                Probe { label, ..Probe::spoken(Protocol::DnsUdp(name), NOBODY, 53) }
            }));
            probes
        }
        Pattern::Ip(ip) | Pattern::Cidr(ip, _) => vec![
            Probe::spoken(Protocol::Syn, *ip, 443),
            Probe::spoken(Protocol::Udp, *ip, 9),
            Probe::spoken(Protocol::Ping, *ip, 0),
        ],
        Pattern::IpPort(ip, port) => {
            vec![Probe::spoken(Protocol::Syn, *ip, *port), Probe::spoken(Protocol::Udp, *ip, *port)]
        }
        Pattern::Url { host, port, path } => {
            let host = match host {
                Host::Name(name) => name.as_str().to_owned(),
                Host::Address(_) => host.to_string(),
            };
            let named = port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
            vec![http(&named, port.unwrap_or(80), path, "-").seen_as(Kind::HttpUrl)]
        }
        Pattern::Path(path) => vec![http("host.test", 80, path, "-").seen_as(Kind::HttpUrl)],
        Pattern::UserAgent(agent) => {
            vec![http("host.test", 80, "/", agent).seen_as(Kind::HttpUserAgent)]
        }
        Pattern::Ja3(_) => vec![Probe::asked(Kind::Ja3)],
        Pattern::Ja4(_) => vec![Probe::asked(Kind::Ja4)],
        Pattern::CertSha1(_) => vec![Probe::asked(Kind::TlsCertSha1)],
        // No feed lists behaviours; `types` speaks them.
        Pattern::Behaviour(_) => Vec::new(),
    }
}
