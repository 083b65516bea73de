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

#[test]
fn unrecognised_datagrams_of_both_sides_end_the_interest() {
    let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
    let mut session = Session::default();
    let mut last = Interest::More;
    for side in [Side::Low, Side::High] {
        for _ in 0..4 {
            assert_eq!(last, Interest::More);
            last = session.datagram(side, &[0xfe; 50], &mut context_of(&mut seen, &mut scratch));
        }
    }
    assert_eq!(last, Interest::Done);
    assert_eq!(seen.counted, [Counter::Unknown]);
}

#[test]
fn datagrams_of_a_dns_port_are_always_of_interest() {
    let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
    let mut session = Session::default();
    for number in 0..40 {
        let mut cx = context_of(&mut seen, &mut scratch);
        cx.destination.port = 53;
        let side = if number % 2 == 0 { Side::Low } else { Side::High };
        assert_eq!(session.datagram(side, &[0xfe; 5], &mut cx), Interest::More);
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
            let _ = session.datagram(Side::Low, bytes, &mut context_of(&mut seen, &mut scratch));
        }
        session.finish(&mut context_of(&mut seen, &mut scratch));
    }
}
