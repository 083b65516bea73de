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
