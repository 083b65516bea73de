use proptest::prelude::*;

use super::super::http::testing::{Seen, context_of, feed};
use super::frame::{END_HEADERS, PADDED, PRIORITY};
use super::*;
use crate::extract::Scratch;

/// `:method GET`, `:path /x`, `:authority` literal, indexed into the table.
fn block(authority: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x04, 2, b'/', b'x', 0x41, authority.len() as u8];
    block.extend_from_slice(authority.as_bytes());
    block
}

fn frame_of(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, 1];
    frame.extend_from_slice(payload);
    frame
}

/// Settings, a padded request with priority, data, and a request over three frames that refers
/// to the table.
fn conversation() -> Vec<u8> {
    let padded = [&[3, 0, 0, 0, 0, 16][..], &block("A.example:81"), &[0; 3]].concat();
    [
        PREFACE.to_vec(),
        frame_of(4, 0, &[0; 6]),
        frame_of(HEADERS, END_HEADERS | PADDED | PRIORITY, &padded),
        frame_of(0, 1, &[b'd'; 300]),
        frame_of(HEADERS, 0, &[0x82, 0x84]),
        frame_of(CONTINUATION, 0, &[0xbe]),
        frame_of(CONTINUATION, END_HEADERS, &[0x0f, 0x2b, 2, b'u', b'a']),
    ]
    .concat()
}

fn check(seen: &Seen) {
    assert_eq!(
        seen.lines,
        [
            "http.host a.example",
            "http.url a.example 81 /x",
            "http.host a.example",
            "http.url a.example 81 /",
            "http.user_agent ua"
        ]
    );
    assert_eq!(seen.messages, ["GET /x a.example 81", "GET / a.example 81"]);
}

#[test]
fn requests_are_read_through_padding_continuation_and_the_table() {
    check(&feed([&conversation()[..]]));
}

#[test]
fn after_an_upgrade_the_preface_is_found() {
    let upgrade = b"GET / HTTP/1.1\r\nHost: u.example\r\nUpgrade: h2c\r\n\r\n";
    let seen = feed([&upgrade[..], &conversation()]);
    assert_eq!(seen.of("http.host"), ["u.example", "a.example", "a.example"]);
}

#[test]
fn a_cut_header_block_gives_its_whole_fields_only() {
    let text = [PREFACE.to_vec(), frame_of(HEADERS, END_HEADERS, &block("a.example"))].concat();
    let seen = feed([&text[..text.len() - 2]]);
    assert!(seen.of("http.host").is_empty());
    assert_eq!(seen.messages, ["GET /x - -"]);
    assert!(seen.counted.contains(&Counter::HttpIncomplete));
}

#[test]
fn a_header_block_without_end_is_bounded() {
    let mut text = [PREFACE.to_vec(), frame_of(HEADERS, 0, &[0x82])].concat();
    for _ in 0..100 {
        text.extend(frame_of(CONTINUATION, 0, &[0x82; 1000]));
    }
    let seen = feed(text.chunks(1400));
    assert_eq!(seen.messages.len(), 1);
    assert!(seen.counted.contains(&Counter::HttpIncomplete));
}

/// Shows pieces to a parser that was begun before; `hole` before the first of them.
///
/// Answers what was held at most.
fn go_on(requests: &mut Requests, seen: &mut Seen, pieces: &[Vec<u8>], hole: bool) -> usize {
    let (mut scratch, mut held, mut most) = (Scratch::default(), Vec::new(), 0);
    for (nth, piece) in pieces.iter().enumerate() {
        held.extend_from_slice(piece);
        let after_gap = hole && nth == 0;
        let chunk = Chunk { bytes: &held, from_start: false, after_gap, cut: Cut::None };
        match requests.advance(chunk, &mut context_of(seen, &mut scratch)) {
            Verdict::Consumed(bytes) => drop(held.drain(..held.len().min(bytes as usize))),
            Verdict::All => panic!("the direction is never given up"),
        }
        most = most.max(requests.held_bytes());
    }
    most
}

#[test]
fn a_block_of_any_length_is_read_as_it_passes() {
    let field = [&[0x00, 2, b'x', b'0', 0x7f, 0x81, 0x3e][..], &[b'a'; 8064]].concat();
    for fields in [9, 120] {
        let block = [&[0x82, 0x84][..], &field.repeat(fields), &block("a.example")[5..]].concat();
        let mut text = PREFACE.to_vec();
        let frames: Vec<_> = block.chunks(16_000).collect();
        for (nth, part) in frames.iter().enumerate() {
            let kind = if nth == 0 { HEADERS } else { CONTINUATION };
            let flags = if nth + 1 == frames.len() { END_HEADERS } else { 0 };
            text.extend(frame_of(kind, flags, part));
        }
        for size in [700, 1400, 9_000] {
            let mut seen = Seen::default();
            let pieces: Vec<_> = text.chunks(size).map(<[u8]>::to_vec).collect();
            let mut requests = Requests::default();
            let most = go_on(&mut requests, &mut seen, &pieces, false);
            assert_eq!(seen.of("http.host"), ["a.example"], "{fields} fields in {size}");
            let left = requests.held_bytes();
            assert!(most < 48 * 1024 && left < 4 * 1024, "{most} at most, {left} left");
        }
    }
}

#[test]
fn behind_a_hole_the_next_frame_is_found_and_what_is_spelled_out_is_read() {
    let mut requests = Requests::default();
    let mut seen = Seen::default();
    let begin = [PREFACE.to_vec(), frame_of(HEADERS, END_HEADERS, &block("a.example"))].concat();
    let _ = go_on(&mut requests, &mut seen, &[begin], false);
    let refers = frame_of(HEADERS, END_HEADERS, &[0x82, 0x84, 0xbe]);
    let spelled = frame_of(HEADERS, END_HEADERS, &block("b.example"));
    let pieces =
        [vec![0xfe; 900], b"GET / of a body".to_vec(), [refers.clone(), spelled].concat(), refers];
    let _ = go_on(&mut requests, &mut seen, &pieces, true);
    assert_eq!(seen.of("http.host"), ["a.example", "b.example", "b.example"]);
    let again = [PREFACE.to_vec(), frame_of(HEADERS, END_HEADERS, &block("c.example"))].concat();
    let _ = go_on(&mut requests, &mut seen, &[vec![0xfe; 90], again], true);
    assert_eq!(seen.of("http.host").last(), Some(&"c.example"));
}

#[test]
fn a_damaged_block_ends_no_connection() {
    let damaged = frame_of(HEADERS, END_HEADERS, &[0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0x41]);
    let next = frame_of(HEADERS, END_HEADERS, &block("a.example"));
    let seen = feed([PREFACE, &damaged, &next]);
    assert_eq!(seen.of("http.host"), ["a.example"]);
    assert!(seen.counted.contains(&Counter::HttpIncomplete));
}

#[test]
fn what_a_connection_without_end_holds_is_bounded_and_counted() {
    let update = [&[0x3f, 0xe1, 0xff, 0x03][..]].concat();
    let entry = [&[0x40, 1, b'n', 0x7f, 0x81, 0x0f][..], &[b'v'; 2048]].concat();
    let mut pieces = vec![PREFACE.to_vec(), frame_of(HEADERS, 0, &update)];
    pieces.extend((0..200).map(|_| frame_of(CONTINUATION, 0, &entry)));
    pieces.push(frame_of(CONTINUATION, END_HEADERS, &block("a.example")));
    let (mut requests, mut seen) = (Requests::default(), Seen::default());
    let most = go_on(&mut requests, &mut seen, &pieces, false);
    assert!((60 * 1024..100 * 1024).contains(&most), "the table is counted and bounded: {most}");
    assert_eq!(seen.of("http.host"), ["a.example"]);
}

proptest! {
    #[test]
    fn any_segmentation_gives_the_same_requests(size in 1..400_usize) {
        check(&feed(conversation().chunks(size)));
    }

    #[test]
    fn no_frames_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        feed([PREFACE, &bytes]);
        feed([PREFACE, &frame_of(HEADERS, END_HEADERS, &bytes)]);
    }
}
