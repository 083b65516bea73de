//! A request becomes observations: every host it names, its url, its user agent, then the whole.
//!
//! Owns what is observed of a request, for HTTP/1 heads here and for HTTP/2 fields through
//! `Subject`.

use super::authority::{Authority, Host, authority};
use super::framing::{Deciding, Framing};
use super::head::{self, RequestLine};
use crate::extract::Context;
use crate::observation::{HttpRequest, Kind, Message, Observation, Value};
use crate::stats::Counter;

/// What a head says about what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Follows {
    /// The body.
    pub(super) framing: Framing,
    /// After it, the connection may carry another protocol (CONNECT, `Upgrade`).
    pub(super) tunnel: bool,
}

/// The target of a request: its url, and the authority it may hold.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Subject<'a> {
    /// Authority of an absolute-form or CONNECT target.
    pub(crate) authority: Option<Authority<'a>>,
    /// Path and query from the first `/`; `None` when the target has none.
    pub(crate) path: Option<&'a [u8]>,
    /// Port that the scheme implies, for an authority without one.
    pub(crate) port: Option<u16>,
}

impl<'a> Subject<'a> {
    /// Takes a target apart (RFC 9112 3.2).
    pub(crate) fn new(method: &[u8], target: &'a [u8]) -> Self {
        if method.eq_ignore_ascii_case(b"CONNECT") {
            return Self { authority: authority(target), path: None, port: None };
        }
        if target.first() == Some(&b'/') {
            return Self { path: Some(target), ..Self::default() };
        }
        let Some(at) = memchr::memmem::find(target.get(..16).unwrap_or(target), b"://") else {
            return Self::default();
        };
        let (scheme, rest) = target.split_at_checked(at).unwrap_or((target, &[]));
        let rest = rest.get(3..).unwrap_or_default();
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#'));
        let (host, path) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        let path = if path.first() == Some(&b'/') { path } else { b"/" };
        Self { authority: authority(host), path: Some(path), port: port_of(scheme) }
    }

    /// Observes a host of the request, and the url it makes with the path.
    pub(crate) fn host(&self, host: &Authority<'_>, cx: &mut Context<'_>) {
        let value = host.host.value(&mut cx.scratch.host);
        cx.observer.seen(Observation { kind: Kind::HttpHost, value });
        self.url(host, cx);
    }

    /// Observes the url when the request names no host at all: the server's address stands in.
    pub(crate) fn without_host(&self, cx: &mut Context<'_>) {
        let server = Host::Address(cx.destination.address);
        self.url(&Authority { host: server, port: None }, cx);
    }

    fn url(&self, host: &Authority<'_>, cx: &mut Context<'_>) {
        let Some(target) = self.path else { return };
        let port = host.port.or(self.port).unwrap_or(cx.destination.port);
        let host = host.host.spell(&mut cx.scratch.host);
        let value = Value::Url { host, port, target };
        cx.observer.seen(Observation { kind: Kind::HttpUrl, value });
    }
}

/// Reads a head, whole or the whole lines of a cut one, and says what follows it.
pub(super) fn request(head: &[u8], cx: &mut Context<'_>) -> Follows {
    let (line, fields) = head::split(head);
    let subject = Subject::new(line.method, line.target);
    let (mut first, mut agent) = (None, None);
    let mut deciding = Deciding::default();
    let mut tunnel = line.method.eq_ignore_ascii_case(b"CONNECT");
    if let Some(authority) = &subject.authority {
        subject.host(authority, cx);
    }
    for field in fields {
        if field.is(b"host") {
            let Some(host) = authority(field.value) else { continue };
            first = first.or(Some(host));
            if subject.authority != Some(host) {
                subject.host(&host, cx);
            }
        } else if field.is(b"user-agent") {
            agent = agent.or(Some(field.value));
            let value = Value::Text(field.value);
            cx.observer.seen(Observation { kind: Kind::HttpUserAgent, value });
        } else {
            tunnel |= field.is(b"upgrade");
            deciding.field(&field);
        }
    }
    if first.is_none() && subject.authority.is_none() {
        subject.without_host(cx);
    }
    let request = HttpRequest { user_agent: agent, head, ..of_line(line) };
    message(request, first.or(subject.authority), cx);
    Follows { framing: deciding.framing(), tunnel }
}

fn of_line(line: RequestLine<'_>) -> HttpRequest<'_> {
    HttpRequest {
        method: line.method,
        target: line.target,
        version: line.version,
        ..HttpRequest::default()
    }
}

/// Counts a request and shows it whole, with the host it is recorded under.
pub(crate) fn message(request: HttpRequest<'_>, host: Option<Authority<'_>>, cx: &mut Context<'_>) {
    cx.observer.count(Counter::Http);
    let port = host.and_then(|authority| authority.port);
    let host = host.map(|authority| authority.host.spell(&mut cx.scratch.host));
    cx.observer.message(Message::Http(&HttpRequest { host, port, ..request }));
}

fn port_of(scheme: &[u8]) -> Option<u16> {
    [("http", 80), ("ws", 80), ("https", 443), ("wss", 443), ("ftp", 21)]
        .into_iter()
        .find(|(name, _)| scheme.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, port)| port)
}
