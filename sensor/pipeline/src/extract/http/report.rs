//! A request becomes observations: every host it names, its url, its user agent, then the whole.
//!
//! Owns what is observed of a request, for HTTP/1 heads here and for HTTP/2 fields through
//! `Subject`.

use super::authority::{Authority, Host, authorities};
use super::framing::{Deciding, Framing};
use super::head::{self, Field, RequestLine};
use crate::extract::Context;
use crate::observation::{HttpRequest, Kind, Message, Observation, Value};
use crate::stats::Counter;

/// What a head says about what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Follows {
    /// The body.
    pub(super) framing: Framing,
    /// What the method says about it.
    pub(super) method: Method,
    /// After the body, the connection may carry another protocol (`Upgrade`).
    pub(super) upgrade: bool,
}

/// What a method says about what follows its head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Method {
    /// CONNECT: the proxy passes on whatever comes, a body or not.
    pub(super) connect: bool,
    /// Servers do not look for a body, whatever is promised.
    pub(super) bodyless: bool,
}

impl Method {
    /// Of a method as sent.
    pub(super) fn of(method: &[u8]) -> Self {
        let is = |name: &&[u8]| method.eq_ignore_ascii_case(name);
        let bodyless = [&b"GET"[..], b"HEAD", b"OPTIONS", b"TRACE", b"DELETE"].iter().any(is);
        Self { connect: is_connect(method), bodyless }
    }
}

/// The target of a request: its url, and the authority it may hold.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Subject<'a> {
    /// Authority of an absolute-form or CONNECT target.
    pub(crate) authority: Option<Authority<'a>>,
    /// Path and query from the first `/`; `None` when the target has none.
    pub(crate) path: Option<&'a [u8]>,
    /// Port of an authority that is written without one: CONNECT's, or that of the scheme.
    pub(crate) port: Option<u16>,
    connect: bool,
}

impl<'a> Subject<'a> {
    /// Takes a target apart (RFC 9112 3.2).
    pub(crate) fn new(method: &[u8], target: &'a [u8]) -> Self {
        Self::of(is_connect(method), target)
    }

    /// As [`Subject::new`], of a CONNECT or of any other request.
    pub(super) fn of(connect: bool, target: &'a [u8]) -> Self {
        if connect {
            let authority = authorities(target).next();
            let port = authority.and_then(|authority| authority.port);
            return Self { authority, path: None, port, connect };
        }
        if target.first() == Some(&b'/') {
            return Self { path: Some(target), ..Self::default() };
        }
        let Some((scheme, rest)) = head::split_scheme(target) else {
            return Self::default();
        };
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\'));
        let (host, path) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
        let path = if path.first() == Some(&b'/') { path } else { b"/" };
        let (authority, port) = (authorities(host).next(), port_of(scheme));
        Self { authority, path: Some(path), port, connect }
    }

    /// Observes a host of the request, and the url it makes with the path.
    pub(crate) fn host(&self, host: &Authority<'_>, cx: &mut Context<'_>) {
        let port = host.port.or(self.port);
        let port = if self.connect { port } else { port.or(Some(cx.destination.port)) };
        if let Some(value) = host.host.value_at(port, &mut cx.scratch.host) {
            cx.observer.seen(Observation { kind: Kind::HttpHost, value });
            self.url(host, cx);
        }
    }

    /// Observes the url when the request names no host at all: the server's address stands in.
    pub(crate) fn without_host(&self, cx: &mut Context<'_>) {
        let server = Host::Address(cx.destination.address);
        self.url(&Authority { host: server, port: None }, cx);
    }

    fn url(&self, host: &Authority<'_>, cx: &mut Context<'_>) {
        let Some(target) = self.path else { return };
        let port = host.port.or(self.port).unwrap_or(cx.destination.port);
        let _ = host.host.spell(&mut cx.scratch.host);
        let value = Value::Url { host: &cx.scratch.host, port, target };
        cx.observer.seen(Observation { kind: Kind::HttpUrl, value });
    }
}

/// What the fields of a head have said so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    deciding: Deciding,
    upgrade: bool,
    /// A host was named.
    pub(super) hosted: bool,
}

impl Said {
    /// Takes a field in and observes what it names. The first host, if it names one.
    pub(super) fn field<'f>(
        &mut self,
        field: &Field<'f>,
        subject: &Subject<'_>,
        cx: &mut Context<'_>,
    ) -> Option<Authority<'f>> {
        if field.is(b"host") {
            let mut first = None;
            for host in authorities(field.value) {
                first = first.or(Some(host));
                if subject.authority != Some(host) {
                    subject.host(&host, cx);
                }
            }
            self.hosted |= first.is_some();
            return first;
        }
        if field.is(b"user-agent") {
            let value = Value::Text(field.value);
            cx.observer.seen(Observation { kind: Kind::HttpUserAgent, value });
        } else {
            self.upgrade |= field.is(b"upgrade");
            self.deciding.field(field);
        }
        None
    }

    /// Does any field say where the body ends?
    pub(super) fn frames(&self) -> bool {
        self.deciding.framing() != Framing::Length(0)
    }

    /// What follows the head.
    pub(super) fn follows(&self, method: Method) -> Follows {
        Follows { framing: self.deciding.framing(), method, upgrade: self.upgrade }
    }
}

/// Reads a whole head, and says what follows it.
pub(super) fn request(head: &[u8], cx: &mut Context<'_>) -> Follows {
    let (line, said) = begin(head, cx);
    if !said.hosted {
        Subject::new(line.method, line.target).without_host(cx);
    }
    said.follows(Method::of(line.method))
}

/// Reads a head or the front of one, and shows it as a message.
pub(super) fn begin<'h>(head: &'h [u8], cx: &mut Context<'_>) -> (RequestLine<'h>, Said) {
    let (line, fields) = head::split(head);
    let subject = Subject::new(line.method, line.target);
    let (mut first, mut agent) = (None, None);
    let mut said = Said::default();
    if let Some(authority) = &subject.authority {
        subject.host(authority, cx);
        said.hosted = true;
    }
    for field in fields {
        let host = said.field(&field, &subject, cx);
        first = first.or(host);
        if agent.is_none() && field.is(b"user-agent") {
            agent = Some(field.value);
        }
    }
    let request = HttpRequest { user_agent: agent, head, ..of_line(line) };
    message(request, first.or(subject.authority), cx);
    (line, said)
}

/// Is this the method that asks a proxy for a tunnel?
fn is_connect(method: &[u8]) -> bool {
    method.eq_ignore_ascii_case(b"CONNECT")
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
    let host = host.map(|authority| {
        let _ = authority.host.spell(&mut cx.scratch.host);
        cx.scratch.host.as_str()
    });
    cx.observer.message(Message::Http(&HttpRequest { host, port, ..request }));
}

fn port_of(scheme: &[u8]) -> Option<u16> {
    [("http", 80), ("ws", 80), ("https", 443), ("wss", 443), ("ftp", 21)]
        .into_iter()
        .find(|(name, _)| scheme.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, port)| port)
}
