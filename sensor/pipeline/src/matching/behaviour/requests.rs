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
        let path = http::path(request.target);
        let open = table.gates.open(request, path);
        let body = if open == 0 { 0 } else { ask(table, open, (flow, request), &mut seen) };
        let picture = is_picture(path);
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

impl Behaviours {
    /// Is a request of no interest, whoever its server is? Nearly every one is.
    pub fn dismisses(&self, request: &HttpRequest<'_>) -> bool {
        let path = http::path(request.target);
        self.gates.open(request, path) == 0 && !is_picture(path)
    }
}

fn is_picture(path: &[u8]) -> bool {
    path.len() > 4 && http::ends_with(path, b".bmp")
}

/// Asks the alternatives that are open; those that it gives wait for the body.
fn ask(
    table: &Behaviours,
    open: u64,
    (flow, request): (&Flow, &HttpRequest<'_>),
    seen: &mut Seen,
) -> u64 {
    let public = is_public(flow, request);
    let mut body = 0;
    for (number, when) in table.requests.iter().enumerate() {
        let meant = open & (1 << number) != 0 && (public || when.public == Some(false));
        if !meant || !meets(when, flow, request) {
            continue;
        }
        if when.body_starts.is_empty() && when.body_contains.is_empty() {
            seen.hit(when.id);
        } else {
            body |= 1 << number;
        }
    }
    body
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
        && any(&when.path_ends, &|text| http::ends_with(path(), text))
        && any(&when.hosts, &|text| request.host.is_some_and(|host| is_host(host, text)))
        && !request
            .host
            .is_some_and(|host| when.not_hosts.iter().any(|name| is_host(host, name.as_bytes())))
        && (!when.address_host || is_address(request, flow))
        && holds(&when.agent_contains, agent)
        && holds(&when.path_contains, origin())
        && holds(&when.head_contains, request.head)
        && (when.headers.is_empty() || http::in_order(request.head, &when.headers))
        && !when.outside.iter().any(|(base, mask)| flow.server.address.bits() & mask == *base)
        && when.rule.is_none_or(|rule| rule.of_request(request))
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::matching::behaviour::Modes;
    use crate::net::Endpoint;

    /// Texts of the table that this takes from its alternatives, and some of anybody's.
    fn texts(of: impl Fn(&When) -> Vec<String>, others: &[&str]) -> Vec<String> {
        let table = Behaviours::load(&Modes::new()).unwrap();
        let others = others.iter().map(|text| (*text).to_owned());
        table.requests.iter().flat_map(of).chain(others).collect()
    }

    fn needles(of: &[Needle]) -> Vec<String> {
        of.iter().map(|needle| String::from_utf8_lossy(needle.bytes()).into_owned()).collect()
    }

    fn methods() -> Vec<String> {
        texts(|when| when.methods.clone(), &["post", "HEAD"])
    }

    fn targets() -> Vec<String> {
        let paths = |when: &When| {
            let ends = when.path_ends.iter().map(|end| format!("/x{}", end.to_uppercase()));
            let within = needles(&when.path_contains).into_iter().map(|text| format!("/{text}/1"));
            let starts = when.path_starts.iter().flat_map(|start| {
                [
                    format!("{start}ABCD1234"),
                    format!("http://h.example{start}TjUsTjUsTjUsTjUsTjUsTjUs"),
                ]
            });
            when.paths.iter().cloned().chain(ends).chain(within).chain(starts).collect()
        };
        texts(paths, &["/", "*", "/0123456789ABCDEF01234567", "/a.hta?b", "h.example:80"])
    }

    fn agents() -> Vec<String> {
        let agents = |when: &When| {
            let within = needles(&when.agent_contains);
            let within = within.into_iter().map(|text| format!("Mozilla/5.0 {text} like"));
            when.agents.iter().cloned().chain(within).collect()
        };
        texts(agents, &["", "Mozilla/5.0", "Wget/1.21"])
    }

    fn hosts() -> Vec<String> {
        let hosts = |when: &When| {
            when.hosts.iter().map(|host| host.trim_start_matches('.').to_owned()).collect()
        };
        texts(hosts, &["a.microsoft.com", "203.0.113.9", "h.example"])
    }

    fn lines() -> Vec<String> {
        let lines = |when: &When| {
            let named = when.headers.iter().map(|name| format!("{name}: 61456"));
            let soap = needles(&when.head_contains);
            named
                .chain(soap.into_iter().map(|text| format!("SOAPAction: \"http://{text}a\"")))
                .collect()
        };
        let guid = "Guid: {01234567-89ab-cdef-0123-456789abcdef}";
        let cookie = "Cookie: 0123456789abcdefghijABCDEFG=";
        texts(lines, &[guid, cookie, "Accept: */*", "Sec-Site: none", "sec-dest: x"])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn the_gates_never_close_what_an_alternative_meets(
            (method, target) in (select(methods()), select(targets())),
            (agent, host) in (select(agents()), select(hosts())),
            lines in proptest::collection::vec(select(lines()), 0..6),
        ) {
            let table = Behaviours::load(&Modes::new()).unwrap();
            let head = format!("{method} {target} HTTP/1.1\r\n{}\r\n\r\n", lines.join("\r\n"));
            let request = HttpRequest {
                method: method.as_bytes(),
                target: target.as_bytes(),
                version: b"HTTP/1.1",
                host: Some(&host),
                port: None,
                user_agent: Some(agent.as_bytes()),
                head: head.as_bytes(),
                http2: false,
            };
            let server = Endpoint { address: Address::v4([198, 51, 100, 7]), port: 80 };
            let flow = Flow { id: 1, server, at_home: false, from_client: true };
            let open = table.gates.open(&request, http::path(request.target));
            for (number, when) in table.requests.iter().enumerate() {
                prop_assert!(open & (1 << number) != 0 || !meets(when, &flow, &request), "{when:?}");
            }
        }
    }

    #[test]
    fn an_ordinary_request_leaves_nothing_open() {
        let table = Behaviours::load(&Modes::new()).unwrap();
        let agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36";
        let head =
            format!("GET /a/b.png HTTP/1.1\r\nHost: h.example\r\nUser-Agent: {agent}\r\n\r\n");
        let request = HttpRequest {
            method: b"GET",
            target: b"/a/b.png",
            version: b"HTTP/1.1",
            host: Some("h.example"),
            port: None,
            user_agent: Some(agent.as_bytes()),
            head: head.as_bytes(),
            http2: false,
        };
        assert_eq!(table.gates.open(&request, request.target), 0);
    }
}
