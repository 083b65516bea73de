mod lasting;

use proptest::prelude::*;

use super::*;
use crate::extract::Scratch;
use crate::extract::http::testing::{Seen, client_hello, context_of, feed, feed_from};
use crate::flow::stream::Cut;
use crate::stats::Counter;

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

/// What was seen, fingerprints left out.
fn names(seen: &Seen) -> Vec<&str> {
    seen.lines.iter().map(String::as_str).filter(|line| !line.contains(".ja")).collect()
}

#[test]
fn a_flow_whose_names_are_read_costs_fifty_six_bytes() {
    assert!(size_of::<Session>() <= 40, "{}", size_of::<Session>());
}

#[test]
fn a_hello_is_found_after_starttls_of_any_protocol_whatever_the_segments() {
    for start in [
        &b"EHLO x\r\nSTARTTLS\r\n"[..],
        b"a1 STARTTLS\r\n",
        b"\x00\x00\x00\x08\x04\xd2\x16\x2f",
        b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x0b\x00\x00\x00",
        b"\x20\x00\x00\x01\x85\xae\x7f\x00\x00\x00\x00\x01\x21\x00\x00\x00",
    ] {
        let text = [start, &client_hello()].concat();
        for size in 1..=text.len() {
            assert_eq!(
                feed(text.chunks(size)).of("tls.sni"),
                ["hello.example"],
                "{start:?} {size}"
            );
        }
    }
}

#[test]
fn protocols_inside_others_are_followed() {
    let proxy = b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
    let socks = b"\x05\x01\x00\x05\x01\x00\x03\x09s.example\x00\x50";
    let connect = b"CONNECT c.example:443 HTTP/1.1\r\n\r\n";
    let text = [&proxy[..], socks, connect, &client_hello()].concat();
    for size in 1..=text.len() {
        assert_eq!(
            names(&feed(text.chunks(size))),
            [
                "ip 192.0.2.1:1",
                "ip 192.0.2.2:2",
                "socks.host s.example",
                "http.host c.example",
                "tls.sni hello.example"
            ],
            "{size}"
        );
    }
}

#[test]
fn a_stream_picked_up_in_its_middle_is_read_from_the_next_message() {
    for start in [&b"of a body"[..], &[0xfe; 200], b"\x17\x03\x03\x00"] {
        let seen = feed_from([start, GET], false, Cut::None);
        assert_eq!(seen.of("http.host"), ["a.example"], "{start:?}");
    }
    let seen = feed_from([&[0xfe; 200][..], &client_hello()], false, Cut::None);
    assert_eq!(seen.of("tls.sni"), ["hello.example"]);
}

#[test]
fn a_first_request_in_the_middle_is_read_whatever_its_segments() {
    for size in 1..GET.len() {
        let seen = feed_from(GET.chunks(size), false, Cut::None);
        assert_eq!(seen.of("http.host"), ["a.example"], "{size}");
    }
}

#[test]
fn an_unknown_stream_is_given_up_and_counted() {
    let text = [0xfe; 40_000];
    assert_eq!(feed(text.chunks(1400)).counted, [Counter::Unknown]);
    let seen = feed_from([0xfe; 300].chunks(1), false, Cut::None);
    assert_eq!(seen.counted, [Counter::Unknown]);
}

#[test]
fn a_stream_that_ends_unknown_is_counted_once_and_a_silent_one_is_not() {
    assert_eq!(feed([&b"220 a.example\r\n"[..]]).counted, [Counter::Unknown]);
    let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
    let chunk = Chunk { bytes: &[], from_start: true, after_gap: false, cut: Cut::End };
    let mut session = Session::default();
    let _ = session.stream(Side::Low, chunk, &mut context_of(&mut seen, &mut scratch));
    assert!(seen.counted.is_empty());
}

#[test]
fn after_a_hole_any_protocol_may_begin() {
    let (mut seen, mut scratch, mut session) =
        (Seen::default(), Scratch::default(), Session::default());
    for (bytes, after_gap, cut) in
        [(&[0xfe; 30][..], false, Cut::Gap), (&[0xfe; 30], true, Cut::Gap), (GET, true, Cut::None)]
    {
        let chunk = Chunk { bytes, from_start: true, after_gap, cut };
        let _ = session.stream(Side::Low, chunk, &mut context_of(&mut seen, &mut scratch));
    }
    assert_eq!(seen.of("http.host"), ["a.example"]);
}

/// Datagrams of a client on port 50,000 to this port.
fn datagrams<'a>(port: u16, all: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
    let mut session = Session::default();
    for bytes in all {
        let mut cx = context_of(&mut seen, &mut scratch);
        cx.destination.port = port;
        session.datagram(Side::Low, bytes, &mut cx);
    }
    seen
}

const QUESTION: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01x\x07example\0\0\x01\0\x01";

#[test]
fn a_flow_of_unrecognised_datagrams_is_counted_once_and_looked_at_for_ever() {
    let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
    let mut session = Session::default();
    for number in 0..40 {
        let side = if number % 2 == 0 { Side::Low } else { Side::High };
        session.datagram(side, &[0xfe; 50], &mut context_of(&mut seen, &mut scratch));
        assert_eq!(seen.counted.len(), usize::from(number >= 7));
    }
    assert_eq!(seen.counted, [Counter::Unknown]);
    session.datagram(Side::Low, QUESTION, &mut context_of(&mut seen, &mut scratch));
    assert_eq!(seen.of("dns.query"), ["x.example"]);
}

#[test]
fn a_question_is_read_on_any_port_after_anything() {
    for junk in
        [&b""[..], &[0; 5], &[0xfe; 1200], &[0x40; 60], b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl"]
    {
        for count in [1, 4, 16, 17, 300] {
            let all = std::iter::repeat_n(junk, count).chain([QUESTION]);
            assert_eq!(datagrams(5300, all).of("dns.query"), ["x.example"], "{count} {junk:?}");
        }
    }
}

#[test]
fn a_question_that_is_a_dhcp_message_too_is_read_as_both() {
    let mut message = QUESTION.to_vec();
    message[..4].copy_from_slice(&[1, 1, 1, 0]);
    message.resize(236, 0);
    message.extend(b"\x63\x82\x53\x63\x35\x01\x01\xff");
    let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
    for port in [53, 5300] {
        let mut cx = context_of(&mut seen, &mut scratch);
        (cx.source.port, cx.destination.port) = (68, port);
        Session::default().datagram(Side::Low, &message, &mut cx);
    }
    assert_eq!(seen.of("dns.query"), ["x.example", "x.example"]);
    assert_eq!(seen.counted.iter().filter(|one| **one == Counter::Dhcp).count(), 2);
}

#[test]
fn a_relay_of_a_socks_proxy_gives_the_host_and_what_is_inside() {
    let inside = |head: &[u8]| [head, QUESTION].concat();
    for (head, said) in [
        (&b"\0\0\0\x01\xc0\0\x02\x35\0\x35"[..], "192.0.2.53:53"),
        (b"\0\0\0\x03\x09s.example\x01\xbb", "s.example"),
        (b"\0\0\0\x03\x0a192.0.2.53\x01\xbb", "192.0.2.53:443"),
        (b"\0\0\0\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\0\x35", "[2001:db8::7]:53"),
    ] {
        let seen = datagrams(1080, [&inside(head)[..]]);
        assert_eq!(seen.of("socks.host"), [said]);
        assert_eq!(seen.of("dns.query"), ["x.example"]);
    }
}

#[test]
fn a_relay_through_several_proxies_gives_each_host_whatever_is_reserved() {
    let name = |first: [u8; 3], name: &[u8]| {
        [&first[..], &[3, name.len() as u8], name, &[1, 0xbb]].concat()
    };
    let inner = name([0, 0, 0], b"inner.example");
    for first in [[0, 0, 0], [0, 1, 0], [9, 9, 0x81]] {
        let outer = name(first, b"outer.example");
        assert_eq!(datagrams(1080, [&outer[..]]).of("socks.host"), ["outer.example"]);
        let both = [&outer[..], &inner, QUESTION].concat();
        let seen = datagrams(1080, [&both[..]]);
        assert_eq!(seen.of("socks.host"), ["outer.example", "inner.example"]);
        assert_eq!(seen.of("dns.query"), ["x.example"]);
    }
}

#[test]
fn a_question_that_looks_like_something_else_is_read_as_a_question_too() {
    // A relay's header with an IPv6 address, by its number and response code.
    let relay = [&[0, 0, 0, 4][..], &QUESTION[4..]].concat();
    // A DTLS hello's record header, whose length is the first label's.
    let hello = b"\x01\0\0\0\0\0\0\0\0\0\0\0AAAAAAAA";
    let dtls = |version: [u8; 2]| {
        let head = [&[22][..], &version, &[0, 0, 1, 0, 0, 0, 0, 0, 0, 20]].concat();
        [&head[..], hello, &QUESTION[12..]].concat()
    };
    for question in [relay, dtls([0xfe, 1]), dtls([1, 0])] {
        let seen = datagrams(53, [&question[..]]);
        let names = seen.of("dns.query");
        assert!(names.len() == 1 && names[0].ends_with("x.example"), "{names:?}");
    }
}

#[test]
fn what_only_looks_like_a_relay_raises_nothing() {
    let tracker = b"\0\0\0\x01\x12\x34\x56\x78\0\0\x07\x08\0\0\0\x01\0\0\0\x02";
    for near in [
        &tracker[..],
        b"\0\0\x01\x01\xc0\0\x02\x35\0\x35x",
        b"\0\x01\0\x01\xc0\0\x02\x35\0\x35x",
        b"\0\0\0\x01\xc0\0\x02\x35\0\0x",
        b"\0\0\0\x01\xe0\0\x02\x35\0\x35x",
        b"\0\0\0\x01\x7f\0\0\x01\0\x35x",
        b"\0\0\0\x01\xc0\0\x02\x35\0\x35",
        b"\0\0\0\x02\xc0\0\x02\x35\0\x35x",
        b"\0\0\0\x03\x09s example\x01\xbbx",
        b"\0\0\0\x03\x07example\x01\xbbx",
        b"\0\0\0\x03\x09.example.\x01\xbbx",
        b"\0\0\0\x03\x30s.example\x01\xbbx",
        b"\0\0\0\x04\xff\x02\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\0\x35x",
    ] {
        assert!(datagrams(6881, [near]).lines.is_empty(), "{near:?}");
    }
}

proptest! {
    #[test]
    fn no_datagrams_make_it_panic(
        datagrams in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
    ) {
        let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
        let mut session = Session::default();
        for bytes in &datagrams {
            session.datagram(Side::Low, bytes, &mut context_of(&mut seen, &mut scratch));
        }
    }
}
