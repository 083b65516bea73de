use proptest::prelude::*;

use super::testing::{Seen, client_hello, context_of, feed, feed_from};
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
    ] {
        assert_eq!(one(head).of("http.host"), ["a.example"], "{head:?}");
        assert_eq!(one(head).messages.len(), 1, "{head:?}");
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
    assert_eq!(seen.of("http.host"), ["2001:db8::1"]);
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
        "Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
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
    let chunk = Chunk { bytes: head, from_start: true, after_gap: false, cut: Cut::None };
    let verdict = Requests::default().advance(chunk, &mut context_of(&mut seen, &mut scratch));
    assert_eq!(verdict, Verdict::Consumed(head.len() as u64 + 1_000_000));
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
        (b"x\r\nHost: no.example\r\n\r\n", true, Cut::None),
    ] {
        let chunk = Chunk { bytes, from_start: true, after_gap, cut };
        let _ = requests.advance(chunk, &mut context_of(&mut seen, &mut scratch));
    }
    assert_eq!(seen.of("http.host"), ["a.example"]);
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
fn a_search_among_bytes_that_are_no_http_ends() {
    let mut text = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n".to_vec();
    text.resize(text.len() + 2 * SEARCH_LIMIT as usize, b'x');
    let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
    let chunk = Chunk { bytes: &text, from_start: true, after_gap: false, cut: Cut::None };
    let verdict = Requests::default().advance(chunk, &mut context_of(&mut seen, &mut scratch));
    assert_eq!(verdict, Verdict::All);
    assert_eq!(seen.of("http.host"), ["a.example"]);
}

#[test]
fn a_datagram_gives_hosts_but_no_message() {
    let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
    let search = b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n";
    assert!(datagram(search, &mut context_of(&mut seen, &mut scratch)));
    assert_eq!(seen.lines, ["http.host 239.255.255.250"]);
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
    fn any_segmentation_of_nonsense_in_text_gives_the_same_observations(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "GET / HTTP/1.1", "BREW x HTTP/1.0", "\r\n", "\n", "\r", " ", "Host: a.example",
                "Host: b.example", "Content-Length: 9", "Content-Length: 2", "x", "5", "0",
                "Transfer-Encoding: chunked", "Upgrade: x", "PRI * HTTP/2.0", "\r\n\r\n", "GET /",
                "\x16\x03\x01\x01\0\x01\0\0\x7f\x03\x03", "\x05\x01\0", "\x05\x01\0\x03\x01a\0\x50",
                "PROXY x", "HTTP/1.1 200", "CONNECT c.example:1 HTTP/1.1",
            ]),
            0..30,
        ),
        places in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        let text = pieces.concat();
        let whole = feed([text.as_bytes()]);
        let parts = [feed(cut(text.as_bytes(), &places)), feed(text.as_bytes().chunks(1))];
        // Behind bytes that are no text each segment's beginning is looked at for itself.
        if text.bytes().all(|byte| matches!(byte, b'\r' | b'\n' | b' '..=b'~')) {
            for seen in parts {
                prop_assert_eq!(&seen, &whole, "{:?}", text);
            }
        }
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
