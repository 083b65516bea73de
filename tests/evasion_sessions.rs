//! Evasion by what a connection carries: whatever came before, what begins later is read, and what
//! a server's text only quotes raises nothing. The real binary on captures made here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use support::Noise;
use support::conversations::{
    self as say, A, Hello, client_hello, dns_over_tcp, dns_query, http_get,
};
use support::packets::TcpConversation;
use support::verdict::{at, pc, scan_packets};

const EVIL: &str = "c2.evil.example";
const ROWS: [&str; 3] =
    ["evil.example,domain,subtree", "203.0.113.7:4444,ip:port,", "203.0.113.9,ip,"];

fn told(conversation: &TcpConversation) -> Vec<String> {
    scan_packets(&conversation.packets(), &ROWS)
}

fn to(port: u16) -> TcpConversation {
    TcpConversation::new(pc(), at(&format!("198.51.100.2:{port}")))
}

#[test]
fn what_begins_behind_a_long_unknown_conversation_is_read() {
    let noise = Noise::new(5).bytes(300_000);
    let begins = [
        (client_hello(EVIL), "evil.example tls.sni"),
        (http_get(EVIL, "/"), "evil.example http.host"),
        (dns_over_tcp(&dns_query(7, EVIL, A)), "evil.example dns.query"),
    ];
    for (bytes, place) in begins {
        let conversation = to(9000).client(&noise).server(b"ok").client(&bytes);
        assert!(told(&conversation).contains(&place.to_owned()), "{place}");
    }
}

#[test]
fn the_second_hello_of_a_connection_is_read_also_behind_encrypted_data() {
    let mut noise = Noise::new(6);
    let first = client_hello("www.good.example");
    let flight = say::server_flight(&mut noise, 3000);
    let changed = [say::record(20, 0x0303, &[1]), Hello::new(EVIL).post_quantum().bytes()].concat();
    let at_once = to(443).client(&first).server(&flight).client(&changed).segment(700);
    assert_eq!(told(&at_once), ["evil.example tls.sni"]);
    let data = [say::record(20, 0x0303, &[1]), say::application_data(&mut noise, 40_000)].concat();
    let later = to(443).client(&first).server(&flight).client(&data).server(&flight);
    assert_eq!(told(&later.client(&client_hello(EVIL))), ["evil.example tls.sni"]);
}

#[test]
fn an_endpoint_that_a_request_names_is_compared_with_its_port() {
    let five = b"\x05\x01\0\x05\x01\0\x01\xcb\0\x71\x07\x11\x5c";
    let four = b"\x04\x01\x11\x5c\xcb\0\x71\x07me\0";
    for request in [&five[..], four] {
        assert_eq!(told(&to(1080).client(request)), ["203.0.113.7:4444 socks.host"]);
    }
    let other_port = b"\x05\x01\0\x05\x01\0\x01\xcb\0\x71\x07\x11\x5d";
    assert!(told(&to(1080).client(other_port)).is_empty());
    let any_port = b"\x05\x01\0\x05\x03\0\x01\xcb\0\x71\x09\x11\x5d";
    assert_eq!(told(&to(1080).client(any_port)), ["203.0.113.9 socks.host"]);
    let header = b"PROXY TCP4 192.0.2.1 203.0.113.7 5000 4444\r\n";
    assert_eq!(told(&to(8443).client(header)), ["203.0.113.7:4444 ip"]);
}

#[test]
fn a_text_that_quotes_requests_raises_nothing_wherever_its_segments_begin() {
    let mut line = http_get(EVIL, "/");
    line.resize(1460, b'.');
    let page = line.repeat(40);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", page.len());
    let mut conversation =
        to(80).client(&http_get("www.good.example", "/")).server(head.as_bytes());
    for part in page.chunks(1460) {
        conversation = conversation.server(part);
    }
    assert!(told(&conversation).is_empty());
}
