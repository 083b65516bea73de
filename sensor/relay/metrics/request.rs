//! What is asked of the metrics page, and the answer: one page, for this machine by name.
//!
//! A browser on this machine can be led here by a name that a stranger has pointed at it (DNS
//! rebinding), but then it says that name: over TCP only `localhost` and loopback addresses are
//! answered. A unix socket cannot be reached in this way.

use std::net::IpAddr;
use std::sync::Arc;

use super::page;
use super::source::Snapshot;

/// Bytes of a request's head; a scraper needs a few hundred.
pub(super) const LONGEST: usize = 8 * 1024;

/// Is the head whole?
pub(super) fn is_whole(head: &[u8]) -> bool {
    memchr::memmem::find(head, b"\r\n\r\n").is_some()
}

/// `GET` or `HEAD` of `/metrics`, and nothing else. `by_name` says that the host is asked for.
pub(super) fn response(head: &[u8], by_name: bool, snapshot: Arc<Snapshot>) -> Vec<u8> {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let bare = "text/plain; charset=utf-8";
    let (code, kind, body) = match (method, path, host(head)) {
        (_, _, Host::Unclear) if by_name => ("400 Bad Request", bare, "one Host, please\n".into()),
        (_, _, Host::Another) if by_name => (
            "421 Misdirected Request",
            bare,
            "this page is for this machine: ask for it as localhost\n".into(),
        ),
        (b"GET" | b"HEAD", b"/metrics", _) => match page::text(snapshot) {
            Ok(text) => ("200 OK", page::CONTENT_TYPE, text),
            Err(_) => ("500 Internal Server Error", bare, "the page cannot be made\n".into()),
        },
        (b"GET" | b"HEAD", _, _) => ("404 Not Found", bare, "the page is /metrics\n".into()),
        _ => ("405 Method Not Allowed", bare, "GET and HEAD only\n".into()),
    };
    let mut answer = format!(
        "HTTP/1.1 {code}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Allow: GET, HEAD\r\nConnection: close\r\n\r\n",
        body.len()
    );
    if method != b"HEAD" {
        answer.push_str(&body);
    }
    answer.into_bytes()
}

/// Whom a request means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Host {
    /// This machine, or, in HTTP/1.0, nobody in particular.
    Here,
    /// Somebody else.
    Another,
    /// Several, or none where one is required (RFC 9112 3.2).
    Unclear,
}

fn host(head: &[u8]) -> Host {
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let is_old = lines.next().is_some_and(|first| first.ends_with(b" HTTP/1.0"));
    let mut hosts = lines.filter_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        let (name, value) = line.split_at_checked(colon)?;
        name.trim_ascii().eq_ignore_ascii_case(b"host").then(|| value.get(1..))?
    });
    match (hosts.next(), hosts.next()) {
        (None, _) if is_old => Host::Here,
        (Some(value), None) => match std::str::from_utf8(value).is_ok_and(is_here) {
            true => Host::Here,
            false => Host::Another,
        },
        _ => Host::Unclear,
    }
}

/// `localhost` or an address of loopback, with or without a port.
fn is_here(value: &str) -> bool {
    let value = value.trim();
    let without_port = match value.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => value.split_once(':').map_or(value, |(host, _)| host),
    };
    let is_loopback = |ip: IpAddr| ip.to_canonical().is_loopback();
    without_port.eq_ignore_ascii_case("localhost") || without_port.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(request: &str) -> String {
        String::from_utf8(response(request.as_bytes(), true, Arc::default())).unwrap()
    }

    #[test]
    fn other_requests_are_refused_in_words() {
        let here = "Host: localhost\r\n\r\n";
        assert!(answer(&format!("GET / HTTP/1.1\r\n{here}")).starts_with("HTTP/1.1 404 "));
        assert!(answer(&format!("POST /metrics HTTP/1.1\r\n{here}")).starts_with("HTTP/1.1 405 "));
        assert!(answer("\r\n\r\n").starts_with("HTTP/1.1 400 "));
        let head = answer("HEAD /metrics?x=1 HTTP/1.0\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        let of = |host: &str| answer(&format!("GET /metrics HTTP/1.1\r\n{host}\r\n\r\n"));
        for here in [
            "Host: localhost",
            "host:LOCALHOST:9477",
            "Host: 127.0.0.1:9477",
            "Host: 127.8.8.8",
            "Host: [::1]:9477",
            "Host: [::1]",
        ] {
            assert!(of(here).starts_with("HTTP/1.1 200 "), "{here}");
        }
        for another in [
            "Host: rebound.example",
            "Host: localhost.rebound.example",
            "Host: 127.0.0.1.rebound.example",
            "Host: 192.168.1.2:9477",
            "Host: [2001:db8::1]:9477",
            "Host: ",
            "Host: \u{9b}",
        ] {
            let answer = of(another);
            assert!(answer.starts_with("HTTP/1.1 421 "), "{another}: {answer}");
            assert!(!answer.contains("wardwatch_"), "{answer}");
        }
        for unclear in ["X: y", "Host: localhost\r\nHost: rebound.example", "Host localhost"] {
            assert!(of(unclear).starts_with("HTTP/1.1 400 "), "{unclear}");
        }
    }

    #[test]
    fn on_a_unix_socket_any_name_will_do() {
        let head = b"GET /metrics HTTP/1.1\r\nHost: anything\r\n\r\n";
        let answer = response(head, false, Arc::default());
        assert!(answer.starts_with(b"HTTP/1.1 200 "));
    }
}
