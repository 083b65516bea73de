use proptest::prelude::*;

use super::testing::{Seen, client_hello, context_of, feed, feed_answered, feed_from};
use super::*;
use crate::extract::Scratch;

fn one(text: &str) -> Seen {
    feed([text.as_bytes()])
}

#[test]
fn a_request_gives_host_url_user_agent_and_message() {
    let seen = one("GET /a?b HTTP/1.1\r\nHost: A.Example:8080\r\nUser-Agent: x y \r\n\r\n");
    assert_eq!(
        seen.lines,
        ["http.host a.example", "http.url a.example 8080 /a?b", "http.user_agent x y"]
    );
    assert_eq!(seen.messages, ["GET /a?b a.example 8080"]);
    assert_eq!(seen.counted, [Counter::Http]);
}

#[test]
fn sloppy_heads_hide_no_host() {
    for head in [
        "GET / HTTP/1.1\nhOsT:a.example\n\n",
        "GET / HTTP/1.1\r\nHost : a.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost\t:\ta.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n a.example\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: a.example\r\n\r\n",
        "GET / HTTP/1.1\r\nX: 1\rHost: a.example\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET  /  HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET\t/\tHTTP/1.1\r\nHost: a.example.\r\n\r\n",
        "GET /\r\nHost: a.example\r\n\r\n",
        "GET /a b HTTP/1.1\r\nno colon\r\nHost: a.example\r\n\r\n",
        "GET /\u{ff}\0 HTTP/1.1\r\nX: \0\u{e9}\r\nHost: a.example\r\n\r\n",
        "BREW pot HTTP/1.0\r\nHost: u:p@a.example:80\r\n\r\n",
        "get / http/1.1\r\nHost: a.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example\r\r\n\r\r\n",
        " \t\x0b\r\n GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET\x0c/\x0bHTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GET / HTTP/1.x\r\nHost: a.example\r\n\r\n",
        "GET / HTTP/1.1\r\nHost\x0b: \x0ba.example\x0c\0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: \"a.example\"\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: %61.ex%61mple\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.example..:80\r\n\r\n",
        "GET averyveryverylongscheme+x://u@A.example:81/ HTTP/1.1\r\n\r\n",
        "GET HTTPS://a.example HTTP/1.1\r\n\r\n",
    ] {
        assert_eq!(one(head).of("http.host"), ["a.example"], "{head:?}");
        assert_eq!(one(head).messages.len(), 1, "{head:?}");
    }
}

#[test]
fn a_method_may_be_any_token_of_any_length() {
    for length in [33, 300, 4000] {
        let text = format!("{} / HTTP/1.1\r\nHost: a.example\r\n\r\n", "A".repeat(length));
        assert_eq!(one(&text).of("http.host"), ["a.example"], "{length}");
        assert_eq!(feed(text.as_bytes().chunks(100)).of("http.host"), ["a.example"], "{length}");
    }
}

#[test]
fn every_part_of_a_host_field_is_examined() {
    let seen =
        one("GET / HTTP/1.1\r\nHost: a.example, b.example\0c.example\r\n\td.example\r\n\r\n");
    assert_eq!(seen.of("http.host"), ["a.example", "b.example", "c.example", "d.example"]);
}

#[test]
fn an_endpoint_that_a_request_names_has_its_port() {
    for (head, expected) in [
        ("CONNECT 192.0.2.7:4433 HTTP/1.1\r\n", "192.0.2.7:4433"),
        ("CONNECT 192.0.2.7 HTTP/1.1\r\n", "192.0.2.7"),
        ("CONNECT [2001:db8::7]:443 HTTP/1.1\r\n", "[2001:db8::7]:443"),
        ("GET http://192.0.2.7:81/ HTTP/1.1\r\n", "192.0.2.7:81"),
        ("GET https://192.0.2.7/ HTTP/1.1\r\n", "192.0.2.7:443"),
        ("GET / HTTP/1.1\r\nHost: 192.0.2.7:81\r\n", "192.0.2.7:81"),
        ("GET / HTTP/1.1\r\nHost: 0xc0000207\r\n", "192.0.2.7:80"),
    ] {
        assert_eq!(one(&format!("{head}\r\n")).of("http.host"), [expected], "{head}");
    }
}

#[test]
fn every_host_is_examined_and_the_first_header_names_the_request() {
    let seen =
        one("GET http://t.example/p HTTP/1.1\r\nHost: a.example\r\nHost: b.example:81\r\n\r\n");
    assert_eq!(seen.of("http.host"), ["t.example", "a.example", "b.example"]);
    assert_eq!(seen.of("http.url"), ["t.example 80 /p", "a.example 80 /p", "b.example 81 /p"]);
    assert_eq!(seen.messages, ["GET http://t.example/p a.example -"]);
}

#[test]
fn an_address_as_host_is_an_address_and_without_host_the_server_stands_in() {
    let seen = one("GET / HTTP/1.1\r\nHost: [2001:db8::1]:81\r\n\r\nGET /x HTTP/1.0\r\n\r\n");
    assert_eq!(seen.of("http.host"), ["[2001:db8::1]:81"]);
    assert_eq!(seen.of("http.url"), ["2001:db8::1 81 /", "198.51.100.20 80 /x"]);
    assert_eq!(seen.messages, ["GET / 2001:db8::1 81", "GET /x - -"]);
}

#[test]
fn bodies_are_stepped_over_exactly_and_the_next_request_is_found() {
    let next = "GET /next HTTP/1.1\r\nHost: b.example\r\n\r\n";
    for body in [
        "Content-Length: 5\r\n\r\nabc\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde",
        "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nGET /\r\n0\r\nHost: no.example\r\n\r\n",
        "Transfer-Encoding: gzip, CHUNKED\r\n\r\n5 \nabcde\n0\n\n",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        "Content-Length: 3\r\nContent-Length: 7\r\n\r\nabc",
        "Content-Length: 3\r\nContent-Length: 7\r\n\r\nabcdefg",
        "Content-Length: 18446744073709551615\r\n\r\nabc\n",
        "Transfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\nabcd",
        "Transfer-Encoding: xchunked\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ] {
        let text = format!("POST / HTTP/1.1\r\nHost: a.example\r\n{body}{next}");
        assert_eq!(one(&text).of("http.host"), ["a.example", "b.example"], "{body:?}");
    }
}

#[test]
fn a_long_body_is_skipped_unseen() {
    let head = b"PUT / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n";
    let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
    let mut requests = Requests::default();
    for (bytes, consumed) in [(&head[..], head.len() as u64), (b"the first of it", 1_000_000)] {
        let chunk = Chunk { bytes, from_start: true, after_gap: false, cut: Cut::None };
        let verdict = requests.advance(chunk, &mut context_of(&mut seen, &mut scratch));
        assert_eq!(verdict, Verdict::Consumed(consumed));
    }
}

const NEXT: &str = "GET /next HTTP/1.1\r\nHost: b.example\r\n\r\n";

#[test]
fn a_request_in_the_place_of_a_promised_body_is_read() {
    for head in [
        "POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 300000\r\n\r\n",
        "PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        "PUT / HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        for size in [1, 7, 1400] {
            let seen = feed_answered(head, &format!("{NEXT}{NEXT}"), size);
            assert_eq!(seen.of("http.host"), ["b.example"; 2], "{head} {size}");
        }
    }
}

#[test]
fn an_upload_that_is_a_request_itself_is_none() {
    let post = "POST /next HTTP/1.1\r\nHost: b.example\r\nContent-Length: 5\r\n\r\nabcde";
    let noted = format!("{NEXT}That is what it sends.");
    let last = NEXT.replace("b.example", "c.example");
    for body in [NEXT, post, &noted] {
        let length = body.len();
        let text = format!(
            "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: {length}\r\n\r\n{body}{last}"
        );
        let seen = one(&text);
        assert_eq!(seen.of("http.host"), ["a.example", "c.example"], "{body}");
        let (head, answered) = text.split_at(text.find("\r\n\r\n").unwrap() + 4);
        let seen = feed_answered(head, answered, 1400);
        assert_eq!(seen.of("http.host"), ["a.example", "c.example"], "{body}, answered early");
    }
    // With another length it is the next request where the server has answered before it, and so
    // is one with a body of its own. Where nobody has refused the upload it is the upload.
    let head = "POST / HTTP/1.1\r\nContent-Length: 900\r\n\r\n";
    for size in [1, 50, 1400] {
        let seen = feed_answered(head, &format!("{post}{last}"), size);
        assert_eq!(seen.of("http.host"), ["b.example", "c.example"]);
        let upload = format!("{head}{NEXT}{}{last}", "\n".repeat(900 - NEXT.len()));
        assert_eq!(feed(upload.as_bytes().chunks(size)).of("http.host"), ["c.example"]);
    }
}

#[test]
fn an_upload_that_quotes_a_request_is_not_looked_into() {
    let quoting = format!("Notes of a meeting:\r\n{NEXT}").repeat(3000);
    let length = quoting.len();
    let chunked = format!("{length:x}\r\n{quoting}\r\n0\r\n\r\n");
    for (fields, body) in [
        (format!("Content-Length: {length}"), &quoting),
        (format!("Content-Length: {length}\r\nExpect: 100-continue"), &quoting),
        ("Transfer-Encoding: chunked".into(), &chunked),
        ("Transfer-Encoding: chunked\r\nExpect: 100-continue".into(), &chunked),
    ] {
        let last = NEXT.replace("b.example", "c.example");
        let text = format!("PUT / HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n\r\n{body}{last}");
        for size in [NEXT.len(), 1400, 40_000] {
            let seen = feed(text.as_bytes().chunks(size));
            assert_eq!(seen.of("http.host"), ["a.example", "c.example"], "{fields} {size}");
        }
    }
}

#[test]
fn after_a_connect_with_a_body_header_the_tunnel_is_read() {
    for fields in ["Transfer-Encoding: chunked", "Content-Length: 900", "Expect: 100-continue"] {
        let connect = format!("CONNECT a.example:443 HTTP/1.1\r\n{fields}\r\n\r\n");
        let seen = feed([connect.as_bytes(), &client_hello()]);
        assert_eq!(seen.of("tls.sni"), ["hello.example"], "{fields}");
    }
}

#[test]
fn after_connect_and_upgrade_another_protocol_may_begin() {
    let connect = "CONNECT a.example:443 HTTP/1.1\r\n\r\n";
    let hello = client_hello();
    let seen = feed([connect.as_bytes(), &hello]);
    assert_eq!(seen.of("http.host"), ["a.example"]);
    assert_eq!(seen.of("tls.sni"), ["hello.example"]);
    assert_eq!(seen.messages, ["CONNECT a.example:443 a.example 443"]);
    let get = "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n";
    assert_eq!(one(&format!("{connect}{get}")).of("http.host"), ["a.example", "b.example"]);
    let upgrade = "GET / HTTP/1.1\r\nHost: c.example\r\nUpgrade: h2c\r\n\r\n";
    assert_eq!(one(&format!("{upgrade}{get}")).of("http.host"), ["c.example", "b.example"]);
}

#[test]
fn a_cut_head_gives_its_whole_lines_only() {
    let seen = one("GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.exam");
    assert_eq!(seen.of("http.host"), ["a.example"]);
    assert_eq!(seen.counted, [Counter::HttpIncomplete, Counter::Http]);
    assert!(one("GET / HTTP/1.1\r\nHost: b.exam").of("http.host").is_empty());
    assert!(one("GET /b.exam").lines.is_empty());
}

#[test]
fn a_head_too_long_to_hold_gives_what_stands_and_the_next_is_found() {
    let text = format!(
        "GET / HTTP/1.1\r\nHost: a.example\r\nX: {}\r\n\r\nGET / HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "x".repeat(2 * HEAD_LIMIT)
    );
    let seen = feed(text.as_bytes().chunks(1400));
    assert_eq!(seen.of("http.host"), ["a.example", "b.example"]);
    assert!(seen.counted.contains(&Counter::HttpIncomplete));
}

#[test]
fn after_a_hole_the_next_request_line_is_found() {
    let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
    let mut requests = Requests::default();
    let rest = b"of a lost body\r\nGET /2 HTTP/1.1\r\nHost: b.example\r\n\r\n";
    for (bytes, after_gap, cut) in [
        (&b"POST /1 HTTP/1.1\r\nHost: a.example\r\nX: lo"[..], false, Cut::Gap),
        (&rest[..], true, Cut::None),
    ] {
        let chunk = Chunk { bytes, from_start: true, after_gap, cut };
        let _ = requests.advance(chunk, &mut context_of(&mut seen, &mut scratch));
    }
    assert_eq!(seen.of("http.host"), ["a.example", "b.example"]);
}

#[test]
fn a_hole_in_a_head_does_not_hide_the_host_behind_it() {
    let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
    let mut requests = Requests::default();
    for (bytes, after_gap, cut) in [
        (&b"GET /1 HTTP/1.1\r\nCookie: lo"[..], false, Cut::Gap),
        (b"Host: no.example\r\nHost: a.example\r\nHost: b.exam", true, Cut::Gap),
        (b"x\r\nHost: c.example\r\nno field\r\nHost: no.example\r\n\r\n", true, Cut::None),
    ] {
        let chunk = Chunk { bytes, from_start: true, after_gap, cut };
        let _ = requests.advance(chunk, &mut context_of(&mut seen, &mut scratch));
    }
    assert_eq!(seen.of("http.host"), ["a.example", "c.example"]);
    assert_eq!(seen.messages.len(), 1);
}

#[test]
fn what_is_not_http_is_not_taken_for_it() {
    for bytes in [
        "SSH-2.0-x\r\n",
        "OPTIONS sip:a@b.example SIP/2.0\r\n",
        "OPTIONS * RTSP/1.0\r\n",
        "EHLO a.example\r\n",
        "GET\r\n",
    ] {
        assert_eq!(probe(bytes.as_bytes()), Probe::No, "{bytes:?}");
    }
    assert_eq!(probe(b"GE"), Probe::Unsure);
    assert_eq!(probe(b"BREW /"), Probe::Unsure);
    assert_eq!(probe(b"OPTIONS * "), Probe::Unsure);
}

#[test]
fn a_search_never_ends_and_the_start_of_a_segment_is_always_looked_at() {
    for size in [1, 9, NEXT.len()] {
        let mut text = b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n".to_vec();
        text.resize(600_000, 0xfe);
        let pieces = text.chunks(1400).chain(NEXT.as_bytes().chunks(size));
        assert_eq!(feed(pieces).of("http.host"), ["b.example"], "{size}");
    }
}

#[test]
fn behind_a_hole_that_took_a_connect_the_hello_is_read() {
    let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
    let mut requests = Requests::default();
    let hello = client_hello();
    for (bytes, after_gap) in [(NEXT.as_bytes(), false), (&[0xfe; 50], true), (&hello, false)] {
        let chunk = Chunk { bytes, from_start: true, after_gap, cut: Cut::None };
        let _ = requests.advance(chunk, &mut context_of(&mut seen, &mut scratch));
    }
    assert!(requests.tunnel());
}

/// A head of this length whose Host stands before, amid or behind the other fields.
fn long_head(length: usize, at: usize) -> String {
    let field = format!("X-Filler: {}\r\n", "x".repeat(487));
    let mut fields = vec![field; length / 500];
    fields.insert(at.min(fields.len()), "Host: a.example\r\n".into());
    format!("GET /path HTTP/1.1\r\n{}\r\n", fields.concat())
}

#[test]
fn a_host_anywhere_in_a_head_of_up_to_a_mebibyte_is_found() {
    for length in [10_000, 70_000, 300_000, 1_000_000] {
        for at in [0, 100, 131, 1000, usize::MAX] {
            let text = format!("{}{NEXT}", long_head(length, at));
            let seen = feed(text.as_bytes().chunks(1400));
            assert_eq!(seen.of("http.host"), ["a.example", "b.example"], "{length} {at}");
            assert_eq!(seen.of("http.url"), ["a.example 80 /path", "b.example 80 /next"]);
            assert_eq!(seen.messages.len(), 2);
        }
    }
}

#[test]
fn fields_behind_the_front_of_a_long_head_count_as_any() {
    let fields = "Host:\r\n a.example\r\nUser-Agent: ua\r\nContent-Length: 5\r\n";
    let filler = format!("X: {}\r\n", "x".repeat(40_000)).repeat(3);
    let text = format!("POST / HTTP/1.1\r\n{filler}{fields}\r\nabcde{NEXT}");
    for size in [100, 1400, 9000] {
        let seen = feed(text.as_bytes().chunks(size));
        assert_eq!(seen.of("http.host"), ["a.example", "b.example"], "{size}");
        assert_eq!(seen.of("http.user_agent"), ["ua"]);
        assert!(seen.counted.contains(&Counter::HttpIncomplete));
    }
}

#[test]
fn a_target_longer_than_a_head_may_be_hides_no_host() {
    let long = "x".repeat(70_000);
    let text = format!("GET /{long} HTTP/1.1\r\nHost: a.example\r\n\r\n{NEXT}");
    let seen = feed(text.as_bytes().chunks(1400));
    assert_eq!(seen.of("http.host"), ["a.example", "b.example"]);
    assert!(seen.of("http.url")[0].starts_with("a.example 80 /xxx"));
    let text = format!("GET http://a.example/{long} HTTP/1.1\r\n\r\n{NEXT}");
    assert_eq!(feed(text.as_bytes().chunks(1400)).of("http.host"), ["a.example", "b.example"]);
}

#[test]
fn what_a_head_without_end_holds_is_bounded() {
    let mut requests = Requests::default();
    let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
    let mut held: Vec<u8> = b"GET / HTTP/1.1\r\nHost: a.example\r\nX: ".to_vec();
    for _ in 0..1000 {
        held.extend_from_slice(&[b'x'; 1400]);
        let chunk = Chunk { bytes: &held, from_start: true, after_gap: false, cut: Cut::None };
        match requests.advance(chunk, &mut context_of(&mut seen, &mut scratch)) {
            Verdict::Consumed(bytes) => drop(held.drain(..bytes as usize)),
            Verdict::All => panic!("the direction is never given up"),
        }
        assert!(held.len() < HEAD_LIMIT + 1400 && requests.held_bytes() < 10_000);
    }
    assert_eq!(seen.of("http.host"), ["a.example"]);
    assert_eq!(seen.messages.len(), 1);
}

#[test]
fn a_datagram_gives_hosts_but_no_message() {
    let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
    let search = b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n";
    assert!(datagram(search, &mut context_of(&mut seen, &mut scratch)));
    assert_eq!(seen.lines, ["http.host 239.255.255.250:1900"]);
    assert!(seen.messages.is_empty() && seen.counted.is_empty());
    assert!(datagram(b"HTTP/1.1 200 OK\r\n\r\n", &mut context_of(&mut seen, &mut scratch)));
    assert!(!datagram(b"\x12\x34\x01\x00", &mut context_of(&mut seen, &mut scratch)));
}

/// A request of any shape that this parser knows, with its body.
fn request() -> impl Strategy<Value = String> {
    let method = prop::sample::select(vec!["GET", "POST", "BREW", "M-SEARCH", "CONNECT"]);
    let target =
        prop::sample::select(vec!["/", "/a b?c", "http://t.example/x", "*", "t.example:443"]);
    let end = prop::sample::select(vec!["\r\n", "\n"]);
    let fields = prop::collection::vec(
        prop::sample::select(vec![
            "Host: a.example",
            "host : B.example:81",
            "Host:\r\n\tc.example",
            "X: y",
            "junk",
            "User-Agent: z",
            "Host: 192.0.2.9",
            "Expect: 100-continue",
            "Upgrade: h2c",
        ]),
        0..5,
    );
    let body = prop::sample::select(vec![
        ("", ""),
        ("Content-Length: 7", "abc\r\nde"),
        ("Transfer-Encoding: chunked", "3;q\r\nabc\r\n0\r\nT: u\r\n\r\n"),
        ("Content-Length: 3\r\nTransfer-Encoding: chunked", "2\r\nab\r\n0\r\n\r\n"),
        ("Content-Length: 900", "GET /smuggled HTTP/1.1\r\nHost: s.example\r\n\r\n"),
    ]);
    (method, target, end, fields, body).prop_map(|(method, target, end, fields, body)| {
        let mut text = format!("{method} {target} HTTP/1.1{end}");
        for field in fields.into_iter().chain([body.0]).filter(|field| !field.is_empty()) {
            text += field;
            text += end;
        }
        text + end + body.1
    })
}

/// Cuts bytes at these places.
pub(super) fn cut<'a>(bytes: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|at| at % (bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn any_segmentation_gives_the_same_observations(
        requests in prop::collection::vec(request(), 1..5),
        places in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        let text = requests.concat();
        let whole = feed([text.as_bytes()]);
        prop_assert_eq!(&feed(cut(text.as_bytes(), &places)), &whole);
        prop_assert_eq!(&feed(text.as_bytes().chunks(1)), &whole);
    }

    #[test]
    fn whatever_framing_an_upload_claims_the_next_request_is_read(
        fields in prop::collection::vec(prop::sample::select(vec![
            "Content-Length: 12", "Content-Length: 900", "Content-Length : 3", "Content-Length: x",
            "Transfer-Encoding: chunked", "Transfer-Encoding: xchunked", "Expect: 100-continue",
            "Content-Length: +12", "Transfer-Encoding: chunked, gzip",
        ]), 0..4),
        body in prop::sample::select(vec!["c\r\n0123456789ab\r\n0\r\n\r\n", "neither is it.\n", ""]),
        size in 1..200_usize,
        places in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        let fits = |field: &str| fields.contains(field);
        // A body that is as long as it says, or none at all, or one that is no chunk.
        prop_assume!(body.is_empty() || !fits(": 900"));
        prop_assume!(!body.starts_with('c') || fits("chunked") || !fits(": 12"));
        let head = format!("PUT / HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n");
        if body.is_empty() {
            // Without its body it was refused.
            let seen = feed_answered(&head, NEXT, size);
            prop_assert!(seen.of("http.host").contains(&"b.example"), "{:?}", head);
            return Ok(());
        }
        let text = format!("{head}{body}{NEXT}");
        let seen = feed(cut(text.as_bytes(), &places));
        prop_assert!(seen.of("http.host").contains(&"b.example"), "{:?}", text);
    }

    #[test]
    fn any_segments_of_whole_lines_of_nonsense_give_the_same_observations(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "GET / HTTP/1.1", "BREW x HTTP/1.0", "\r\n", "\n", "\r", " ", "Host: a.example",
                "Host: b.example", "Content-Length: 9", "Content-Length: 2", "x", "5", "0",
                "Transfer-Encoding: chunked", "Upgrade: x", "PRI * HTTP/2.0", "\r\n\r\n", "GET /",
                "\x05\x01\0", "\x05\x01\0\x03\x01a\0\x50",
                "HTTP/1.1 200", "CONNECT c.example:1 HTTP/1.1",
            ]),
            0..30,
        ),
    ) {
        // Where a segment begins amid a line, a request may be seen that was none; and behind bytes
        // that are no text each segment's beginning is looked at for itself.
        let text = pieces.concat();
        let whole = feed([text.as_bytes()]);
        let seen = feed(text.as_bytes().split_inclusive(|byte| *byte == b'\n'));
        if text.bytes().all(|byte| matches!(byte, b'\r' | b'\n' | b' '..=b'~')) {
            // What is counted as unknown depends on what was shown at once.
            prop_assert_eq!((&seen.lines, &seen.messages), (&whole.lines, &whole.messages), "{:?}", text);
        }
    }

    #[test]
    fn a_host_anywhere_in_any_head_is_found_whatever_the_segments(
        length in 0..200_000_usize,
        at in 0..400_usize,
        size in 200..5000_usize,
    ) {
        let text = format!("{}{NEXT}", long_head(length, at));
        let seen = feed(text.as_bytes().chunks(size));
        prop_assert_eq!(seen.of("http.host"), ["a.example", "b.example"]);
    }

    #[test]
    fn a_prefix_never_invents_a_host(
        requests in prop::collection::vec(request(), 1..4),
        end in any::<prop::sample::Index>(),
    ) {
        let text = requests.concat();
        let whole = feed([text.as_bytes()]);
        let seen = feed([&text.as_bytes()[..end.index(text.len())]]);
        let (hosts, all) = (seen.of("http.host"), whole.of("http.host"));
        prop_assert!(all.starts_with(&hosts), "{hosts:?} of {text:?}");
    }

    #[test]
    fn no_bytes_make_it_panic_and_everything_ends(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        from_start in any::<bool>(),
    ) {
        feed_from([&bytes[..]], from_start, Cut::End);
        feed_from([&b"GET / HTTP/1.1\r\n"[..], &bytes], from_start, Cut::Gap);
        feed([&b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"[..], &bytes]);
    }

    #[test]
    fn where_httparse_reads_a_host_so_do_we(
        host in "[a-z0-9.-]{1,20}(:[0-9]{1,4})?",
        fields in prop::collection::vec("[A-Za-z-]{1,8}: ?[ -~]{0,12}", 0..6),
        at in any::<prop::sample::Index>(),
    ) {
        let mut lines = fields;
        lines.insert(at.index(lines.len() + 1), format!("Host: {host}"));
        let text = format!("GET / HTTP/1.1\r\n{}\r\n\r\n", lines.join("\r\n"));
        let mut slots = [httparse::EMPTY_HEADER; 16];
        let mut strict = httparse::Request::new(&mut slots);
        if strict.parse(text.as_bytes()).is_ok_and(|status| status.is_complete()) {
            let read = strict.headers.iter().find(|field| field.name.eq_ignore_ascii_case("host"));
            let mut spelled = String::new();
            let expected = authority::authority(read.unwrap().value).map(|authority| {
                authority.host.spell(&mut spelled);
                spelled.clone()
            });
            let seen = one(&text);
            prop_assert_eq!(seen.messages.len(), 1);
            let recorded = seen.messages[0].split(' ').nth(2).map(str::to_string);
            prop_assert_eq!(recorded, expected.or_else(|| Some("-".into())));
        }
    }
}
