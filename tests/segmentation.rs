//! Any segmentation, order, duplication and overlap of a conversation shows a worker the same as
//! the conversation in one piece: property tests over the whole way of a packet, in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::net::SocketAddr;
use std::sync::Arc;

use proptest::prelude::*;
use wardwatch::alert::event::{EventBody, EventKinds};
use wardwatch::alert::outbox::Record;
use wardwatch::alert::{HomeNetworks, Origin, Outbox};
use wardwatch::capture::{self, LinkType};
use wardwatch::matching::IndicatorSet;
use wardwatch::net::Timestamp;
use wardwatch::stats::{Counter, Counters};
use wardwatch::worker::{Assignment, Limits, Worker};

use support::conversations::{self, Data, Hello, http_get, http_post};
use support::packets::{self, ACK, SYN, Tcp};
use support::{quic, wire};

fn client() -> SocketAddr {
    "192.0.2.10:50000".parse().unwrap()
}

fn server() -> SocketAddr {
    "198.51.100.2:8080".parse().unwrap()
}

/// What a worker tells of these packets, in order of its text, and its counts.
fn told(packets: &[Vec<u8>]) -> (Vec<String>, Counters) {
    told_as(packets, text)
}

fn told_as(packets: &[Vec<u8>], text: fn(&EventBody) -> String) -> (Vec<String>, Counters) {
    let assignment = Assignment {
        limits: Limits::default(),
        home: HomeNetworks::new([]),
        events: EventKinds::all(),
        origin: Origin::Capture("test".into()),
    };
    let set = Arc::new(IndicatorSet::build(Vec::new(), &[]));
    let mut worker = Worker::new(assignment, set, Outbox::keeping());
    for (number, packet) in packets.iter().enumerate() {
        let data = wire::Link::plain().frame(&wire::from_client(packet.clone()));
        worker.frame(&capture::Frame {
            time: Timestamp(wire::NINE_O_CLOCK + number as i64 * wire::MILLISECOND),
            link: LinkType(1),
            wire_length: data.len() as u32,
            data: &data,
            number: number as u64 + 1,
            stripped_vlan: None,
        });
    }
    worker.wind_up();
    let kept = worker.take_records();
    let counters = worker.finish();
    let mut told: Vec<String> = kept
        .into_iter()
        .filter_map(|(_, record)| match record {
            Record::Event(event) => Some(text(&event.body)),
            Record::Alert(_) | Record::Identity(_) => None,
            Record::Pulse(_) | Record::Fault(_) => None,
        })
        .collect();
    told.sort();
    (told, counters)
}

fn text(body: &EventBody) -> String {
    match body {
        EventBody::Tls(hello) => format!("tls {:?} {}", hello.sni, hello.ja4),
        EventBody::Quic(hello) => format!("quic {:?} {}", hello.sni, hello.ja4),
        other => format!("{other:?}"),
    }
}

/// The name alone: a record that differs from an earlier one in something else is not repeated.
fn name(body: &EventBody) -> String {
    match body {
        EventBody::Tls(hello) => format!("{:?}", hello.sni),
        EventBody::Http(request) => format!("{:?}", request.hostname),
        EventBody::Dns(message) => {
            format!("{:?}", message.queries.first().map(|(name, _)| name))
        }
        other => format!("{other:?}"),
    }
}

/// A conversation's client bytes, whole.
fn conversation(kind: usize) -> Vec<u8> {
    let dns = |id, name| {
        let record = conversations::Record::new(name, Data::A([192, 0, 2, 7].into()));
        conversations::dns_over_tcp(&conversations::dns_answer(id, name, 1, &[record]))
    };
    match kind {
        0 => Hello::new("www.office.example").post_quantum().bytes(),
        1 => Hello::new("www.office.example").record_size(40).bytes(),
        2 => [
            http_get("one.office.example", "/a"),
            http_post("two.office.example", "/b", &[b'x'; 300]),
            http_get("three.office.example", "/c"),
        ]
        .concat(),
        _ => [dns(1, "one.office.example"), dns(2, "two.office.example")].concat(),
    }
}

fn syn(initial: u32) -> Vec<u8> {
    let header = Tcp { sequence: initial, acknowledgement: 0, flags: SYN };
    packets::tcp(client(), server(), header, &[])
}

fn segment(sequence: u32, payload: &[u8]) -> Vec<u8> {
    let header = Tcp { sequence, acknowledgement: 1, flags: ACK };
    packets::tcp(client(), server(), header, payload)
}

/// Ranges that together are the whole, some of them twice or wider, in any order.
fn ranges(length: usize) -> impl Strategy<Value = Vec<(usize, usize)>> {
    let whole = prop::collection::vec(0..=length, 0..14).prop_map(move |mut cuts| {
        cuts.extend([0, length]);
        cuts.sort_unstable();
        cuts.dedup();
        cuts.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>()
    });
    let again = prop::collection::vec((any::<prop::sample::Index>(), 0..40_usize), 0..6);
    (whole, again).prop_flat_map(move |(mut ranges, again)| {
        for (index, wider) in again {
            let (start, end) = ranges[index.index(ranges.len())];
            ranges.push((start.saturating_sub(wider), (end + wider).min(length)));
        }
        Just(ranges).prop_shuffle()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn segments_in_any_form_tell_what_the_whole_tells(
        (kind, bytes, order) in (0..4_usize).prop_flat_map(|kind| {
            let bytes = conversation(kind);
            let length = bytes.len();
            (Just(kind), Just(bytes), ranges(length))
        }),
        initial: u32,
    ) {
        let first = initial.wrapping_add(1);
        let (whole, _) = told(&[syn(initial), segment(first, &bytes)]);
        prop_assert_eq!(whole.len(), [1, 1, 3, 2][kind]);
        let mut packets = vec![syn(initial)];
        for (start, end) in order {
            packets.push(segment(first.wrapping_add(start as u32), &bytes[start..end]));
        }
        let (parts, counters) = told(&packets);
        prop_assert_eq!(parts, whole);
        prop_assert_eq!(counters.get(Counter::OverlapConflicts), 0);
    }

    #[test]
    fn whatever_contradicts_a_conversation_does_not_hide_it(
        (kind, bytes, order) in (0..4_usize).prop_flat_map(|kind| {
            let bytes = conversation(kind);
            let length = bytes.len();
            (Just(kind), Just(bytes), ranges(length))
        }),
        decoy in (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..60_usize),
    ) {
        let (whole, _) = told_as(&[syn(0), segment(1, &bytes)], name);
        let mut packets = vec![syn(0)];
        for (start, end) in order {
            packets.push(segment(1 + start as u32, &bytes[start..end]));
        }
        let (place, offset, length) = decoy;
        let offset = offset.index(bytes.len());
        let contradiction = vec![0xee; length.min(bytes.len() - offset)];
        let place = 1 + place.index(packets.len());
        packets.insert(place, segment(1 + offset as u32, &contradiction));
        let (parts, _) = told_as(&packets, name);
        for one in &whole {
            let what = format!("{} bytes at {offset} as packet {place}", contradiction.len());
            prop_assert!(parts.contains(one), "{}, {}: {} not in {:?}", kind, what, one, parts);
        }
    }

    #[test]
    fn crypto_frames_in_any_order_tell_what_the_hello_tells(
        order in ranges(1505 + 100),
        name in "[a-z]{3,12}\\.example",
    ) {
        let hello = Hello::new(&name).post_quantum().bytes();
        let hello = &hello[5..];
        let whole = [quic::initial(1, &quic::crypto(0, &hello[..1000])),
            quic::initial(2, &quic::crypto(1000, &hello[1000..]))];
        let datagram = |bytes: &Vec<u8>| packets::udp(client(), server(), bytes);
        let (whole, _) = told(&whole.iter().map(datagram).collect::<Vec<_>>());
        prop_assert_eq!(whole.len(), 1);
        let parts: Vec<Vec<u8>> = order
            .iter()
            .zip(1..)
            .flat_map(|((start, end), number)| {
                let (start, end) = ((*start).min(hello.len()), (*end).min(hello.len()));
                let end = if end >= 1605.min(hello.len()) { hello.len() } else { end };
                hello[start..end].chunks(1000).enumerate().map(move |(nth, part)| {
                    quic::initial(number * 8 + nth as u32, &quic::crypto(start + nth * 1000, part))
                }).collect::<Vec<_>>()
            })
            .collect();
        let (parts, _) = told(&parts.iter().map(datagram).collect::<Vec<_>>());
        prop_assert_eq!(parts, whole);
    }
}
