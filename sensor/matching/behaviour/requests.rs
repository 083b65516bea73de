//! Behaviours of clear-text HTTP requests: heads, and the first bytes of bodies that a head makes
//! worth seeing.

use super::predicates::{self, http};
use super::when::{Bytes, Needle, When};
use super::{Behaviours, Flow, Seen, Tracker};
use crate::net::Address;
use crate::observation::HttpRequest;
use crate::stats::Counter;

impl Tracker {
    /// Compares a request. [`Seen::more`]: the first bytes of its body are worth showing.
    pub fn request(
        &mut self,
        table: &Behaviours,
        flow: &Flow,
        request: &HttpRequest<'_>,
        count: &mut dyn FnMut(Counter),
    ) -> Seen {
        let mut seen = Seen::default();
        let public = is_public(flow, request);
        let mut body = 0;
        for (number, when) in table.requests.iter().enumerate() {
            if !(public || when.public == Some(false)) || !meets(when, flow, request) {
                continue;
            }
            if when.body_starts.is_empty() && when.body_contains.is_empty() {
                seen.hit(when.id);
            } else {
                body |= 1 << number;
            }
        }
        let path = http::path(request.target);
        let picture = path.len() > 4
            && path.get(path.len() - 4..).is_some_and(|end| end.eq_ignore_ascii_case(b".bmp"));
        seen.more = body != 0;
        if body != 0 || picture {
            let state = self.state(flow.id, count);
            state.body = body;
            state.picture |= picture;
        }
        seen
    }

    /// Compares the first bytes of the body that [`Tracker::request`] asked for.
    pub fn body(&mut self, table: &Behaviours, flow: &Flow, body: &[u8]) -> Seen {
        let mut seen = Seen::default();
        let Some(state) = self.flows.get_mut(&flow.id) else { return seen };
        let waiting = std::mem::take(&mut state.body);
        for (number, when) in table.requests.iter().enumerate() {
            if waiting & (1 << number) != 0 && has_body(when, body) {
                seen.hit(when.id);
            }
        }
        if state.is_idle() {
            self.flows.remove(&flow.id);
        }
        seen
    }
}

/// Does the request leave the office? Through a proxy of ours it does if its target says so.
fn is_public(flow: &Flow, request: &HttpRequest<'_>) -> bool {
    if flow.is_public() {
        return true;
    }
    let absolute = request.target.first() != Some(&b'/')
        && memchr::memmem::find(request.target, b"://").is_some();
    absolute
        && request.host.is_some_and(|host| match host.parse::<std::net::IpAddr>() {
            Ok(ip) => predicates::is_global(Address::from(ip)),
            Err(_) => true,
        })
}

/// Everything an alternative says about a head. What is cheap and rarely true comes first.
fn meets(when: &When, flow: &Flow, request: &HttpRequest<'_>) -> bool {
    let any = |texts: &[String], holds: &dyn Fn(&[u8]) -> bool| {
        texts.is_empty() || texts.iter().any(|text| holds(text.as_bytes()))
    };
    let origin = || http::origin(request.target);
    let path = || http::path(request.target);
    let agent = request.user_agent.unwrap_or_default();
    let holds = |needles: &[Needle], bytes: &[u8]| {
        needles.is_empty() || needles.iter().any(|needle| needle.is_in(bytes))
    };
    any(&when.methods, &|text| request.method.eq_ignore_ascii_case(text))
        && (when.ports.is_empty() || when.ports.contains(&flow.server.port))
        && any(&when.agents, &|text| agent == text)
        && any(&when.path_starts, &|text| origin().starts_with(text))
        && any(&when.paths, &|text| path() == text)
        && any(&when.path_ends, &|text| ends_with(path(), text))
        && any(&when.hosts, &|text| request.host.is_some_and(|host| is_host(host, text)))
        && (!when.address_host || is_address(request, flow))
        && holds(&when.agent_contains, agent)
        && holds(&when.path_contains, origin())
        && holds(&when.head_contains, request.head)
        && (when.headers.is_empty() || http::in_order(request.head, &when.headers))
        && !when.outside.iter().any(|(base, mask)| flow.server.address.bits() & mask == *base)
        && when.rule.is_none_or(|rule| rule.of_request(request))
}

fn ends_with(path: &[u8], end: &[u8]) -> bool {
    path.len()
        .checked_sub(end.len())
        .and_then(|at| path.get(at..))
        .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// Is the host this name, or below it when it is written with a leading dot?
fn is_host(host: &str, name: &[u8]) -> bool {
    let host = host.as_bytes();
    match name.split_first() {
        Some((b'.', parent)) => host == parent || host.ends_with(name),
        _ => host == name,
    }
}

/// Does the request name an address that anybody may reach, or no host at all?
fn is_address(request: &HttpRequest<'_>, flow: &Flow) -> bool {
    match request.host {
        Some(host) => host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| predicates::is_global(Address::from(ip))),
        None => flow.is_public() && http::headers(request.head).next().is_some(),
    }
}

fn has_body(when: &When, body: &[u8]) -> bool {
    let starts = |start: &Bytes| body.starts_with(&start.0);
    (when.body_starts.is_empty() || when.body_starts.iter().any(starts))
        && (when.body_contains.is_empty()
            || when.body_contains.iter().any(|needle| needle.is_in(body)))
        && when.rule.is_none_or(|rule| rule.of_body(body))
}
