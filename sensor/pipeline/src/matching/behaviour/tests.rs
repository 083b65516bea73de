//! The tracker by itself: bounds, and answers that do not depend on how bytes are cut.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::observation::HEAD_LIMIT;

fn table() -> Arc<Behaviours> {
    Arc::new(Behaviours::load(&Modes::new()).unwrap())
}

fn flow(id: u64, port: u16, from_client: bool) -> Flow {
    let server = Endpoint { address: Address::v4([198, 51, 100, 7]), port };
    Flow { id, server, at_home: false, from_client }
}

/// The names of what is seen when one direction is shown in these pieces.
fn names(table: &Behaviours, port: u16, from_client: bool, pieces: &[&[u8]]) -> Vec<String> {
    let mut tracker = Tracker::default();
    let flow = flow(1, port, from_client);
    let (mut offset, mut names) = (0, Vec::new());
    for (nth, bytes) in pieces.iter().enumerate() {
        let last = nth + 1 == pieces.len();
        let head = StreamHead { offset, bytes, last };
        let seen = tracker.head(table, &flow, &head, &mut |_| {});
        names.extend(seen.hits.iter().map(|id| table.all()[usize::from(id.0)].name.to_string()));
        offset += u16::try_from(bytes.len()).unwrap();
        if !seen.more {
            let kept: usize = tracker.flows.values().map(|s| s.client.bytes.len()).sum();
            assert!(kept <= MARK, "next to nothing is held for what is decided");
            break;
        }
    }
    names.sort();
    names
}

fn preamble(via: &str) -> Vec<u8> {
    let mut bytes = vec![0, 1, 0, 1, 2, 2, u8::try_from(via.len()).unwrap()];
    bytes.extend(via.as_bytes());
    bytes.extend([3, 8, 12]);
    bytes
}

#[test]
fn first_bytes_decide_and_other_streams_are_asked_once() {
    let table = table();
    let mut tracker = Tracker::default();
    for start in [&b"\x16\x03\x01\x02\x00"[..], b"SSH-2.0-x\r\n", b"GET / HTTP/1.1\r\n", b"\xfe"] {
        let head = StreamHead { offset: 0, bytes: start, last: false };
        let seen = tracker.head(&table, &flow(1, 443, true), &head, &mut |_| {});
        assert!(!seen.more && seen.hits.is_empty());
    }
    assert!(tracker.flows.is_empty());
}

#[test]
fn the_oldest_connection_makes_room_at_the_limit_and_is_counted() {
    let table = table();
    let mut tracker = Tracker::default();
    let mut given_up = 0;
    let bytes = &preamble("net.tcp://name.example/")[..4];
    for id in 0..=FLOW_LIMIT as u64 {
        let head = StreamHead { offset: 0, bytes, last: false };
        let seen = tracker.head(&table, &flow(id, 443, true), &head, &mut |counter| {
            given_up += u32::from(counter == Counter::StreamHeadsGivenUp);
        });
        assert!(seen.more);
    }
    assert_eq!((tracker.flows.len(), given_up), (FLOW_LIMIT, 1));
    let head = StreamHead { offset: 4, bytes: b"\x02\x02", last: false };
    assert!(!tracker.head(&table, &flow(0, 443, true), &head, &mut |_| {}).more);
}

#[test]
fn a_needle_behind_the_bound_is_not_seen_and_nothing_is_held_there() {
    let table = table();
    let mut bytes = preamble("net.tcp://name.example/");
    bytes.resize(usize::from(HEAD_LIMIT), b' ');
    assert_eq!(names(&table, 443, true, &[&bytes]), [""; 0]);
    let end = bytes.len() - 30;
    bytes[end..end + 22].copy_from_slice(b"tempuri.org/Entity/Id1");
    assert_eq!(names(&table, 443, true, &[&bytes]), ["redline.soap-entity"]);
}

proptest! {
    #[test]
    fn any_cutting_of_first_bytes_gives_the_same_behaviours(
        start in prop::sample::select(vec![
            preamble("net.tcp://198.51.100.7:443/"),
            preamble("net.tcp://name.example/"),
            b"\x0b\x06".to_vec(),
            b"\x17\x03\x03".to_vec(),
            b"\x17\x03\x04\x00".to_vec(),
            b"FwM".to_vec(),
            b"\x10\x20\x00\x04MQTT".to_vec(),
            b"HTTP/1.1 200 OK\r\nContent-Type: application/hta\r\n\r\n".to_vec(),
        ]),
        middle in prop::collection::vec(any::<u8>(), 0..40),
        needle in prop::sample::select(vec![
            &b""[..], b"tempuri.org/Entity/Id24Response", b"http://tempuri.org/Contract/MSValue1",
            b"%UserProfile%\\Desktop|*.txt", b"Authorization ns1 0123456789abcdef0123456789abcdef.",
        ]),
        cuts in prop::collection::btree_set(0_usize..160, 0..12),
        from_client in any::<bool>(),
    ) {
        let table = table();
        let bytes = [&start[..], &middle, needle].concat();
        let whole = names(&table, 1883, from_client, &[&bytes]);
        let ends = cuts.into_iter().filter(|cut| *cut > 0 && *cut < bytes.len());
        let mut from = 0;
        let mut pieces = Vec::new();
        for end in ends.chain([bytes.len()]) {
            pieces.push(&bytes[from..end]);
            from = end;
        }
        prop_assert_eq!(names(&table, 1883, from_client, &pieces), whole);
    }

    #[test]
    fn no_bytes_make_a_predicate_panic(bytes in prop::collection::vec(any::<u8>(), 1..80)) {
        let table = table();
        for start in [&[][..], b"\x00\x01\x00\x01\x02\x02", b"\x17\x03\x04", b"\x10", b"dm"] {
            let bytes = [start, &bytes[..]].concat();
            for from_client in [false, true] {
                let _ = names(&table, 20807, from_client, &[&bytes]);
            }
        }
    }
}
