use proptest::prelude::*;

use super::*;
use crate::extract::handshakes::Reach;
use crate::extract::handshakes::testing::*;
use crate::extract::tls::testing::*;
use crate::stats::Counter;

fn record(kind: u8, epoch: u8, fragment: &[u8]) -> Vec<u8> {
    [vec![kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 9], counted(2, fragment)].concat()
}

/// One fragment of a message.
fn part(kind: u8, message: u8, body: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
    let number = |value: usize| (value as u32).to_be_bytes()[1..].to_vec();
    let piece = &body[range.clone()];
    [vec![kind], number(body.len()), vec![0, message], number(range.start), counted(3, piece)]
        .concat()
}

fn hello(name: &[u8], cookie: &[u8]) -> Vec<u8> {
    body(&server_name(&[name]), Some(cookie))
}

fn read(datagrams: &[Vec<u8>]) -> Recorder {
    let mut wire = Wire::default();
    for datagram in datagrams {
        wire.send(CLIENT, datagram);
    }
    wire.finish();
    wire.recorder
}

#[test]
fn both_hellos_of_a_cookie_exchange_are_read_once_each() {
    let (first, second) = (hello(b"a.example", b""), hello(b"b.example", b"cookie"));
    let datagrams = [
        record(22, 0, &part(1, 0, &first, 0..first.len())),
        record(22, 0, &part(1, 0, &first, 0..first.len())),
        record(22, 0, &part(1, 1, &second, 0..second.len())),
        record(22, 0, &part(16, 2, &[1; 40], 0..40)),
        record(22, 0, &part(1, 1, &second, 0..second.len())),
    ];
    assert!(probe(&datagrams[0]));
    let recorder = read(&datagrams);
    assert_eq!(recorder.seen, ["dtls.sni a.example", "dtls.sni b.example"]);
    assert_eq!(recorder.hellos.len(), 2);
}

#[test]
fn the_name_before_a_lost_fragment_is_told_at_the_end() {
    let body = hello(b"a.example", b"");
    let body = [body, vec![0; 100]].concat();
    let recorder = read(&[record(22, 0, &part(1, 0, &body, 0..body.len() - 50))]);
    assert_eq!(recorder.seen, ["dtls.sni a.example"]);
    assert_eq!(recorder.counters.get(Counter::TlsIncomplete), 1);
}

#[test]
fn a_client_that_does_not_end_a_hello_may_begin_another_at_any_time() {
    let body = hello(b"a.example", b"");
    let begun = record(22, 0, &part(1, 0, &body, 0..20));
    let other = hello(b"other.example", b"");
    let mut datagrams = vec![begun; 200];
    datagrams.extend(vec![record(23, 1, &[7; 40]); 200]);
    datagrams.push(record(22, 0, &part(1, 0, &other, 0..other.len())));
    assert_eq!(read(&datagrams).seen, ["dtls.sni other.example"]);
}

#[test]
fn a_decoy_of_the_same_number_and_length_hides_nothing_before_or_behind() {
    let (fake, body) = (hello(b"good.example", b""), hello(b"evil.example", b""));
    let half = body.len() / 2;
    let piece = |body: &[u8], range| record(22, 0, &part(1, 0, body, range));
    let low = Reach { sound: true, hops: 3 };
    for order in
        [[0, 1, 2, 3], [1, 0, 3, 2], [0, 1, 3, 2], [1, 0, 2, 3], [0, 2, 1, 3], [1, 3, 0, 2]]
    {
        let mut wire = Wire::default();
        for which in order {
            let (decoy, range) =
                (which % 2 == 0, if which < 2 { 0..half } else { half..body.len() });
            wire.reach = if decoy { low } else { Reach::default() };
            wire.send(CLIENT, &piece(if decoy { &fake } else { &body }, range));
        }
        wire.finish();
        assert!(wire.recorder.seen.contains(&"dtls.sni evil.example".into()), "{order:?}");
    }
}

#[test]
fn record_versions_of_any_minor_number_are_read() {
    for version in [[0xfe, 0xff], [0xfe, 0xfd], [0xfe, 0xfc], [0xfe, 0], [1, 0]] {
        let body = hello(b"a.example", b"");
        let mut datagram = record(22, 0, &part(1, 0, &body, 0..body.len()));
        datagram[1..3].copy_from_slice(&version);
        assert_eq!(read(&[datagram]).seen, ["dtls.sni a.example"], "{version:?}");
    }
}

#[test]
fn what_a_receiver_passes_over_before_a_hello_hides_nothing() {
    let body = hello(b"a.example", b"");
    let plain = record(22, 0, &part(1, 0, &body, 0..body.len()));
    let too_long = [&[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff][..]].concat();
    for before in [
        record(22, 1, &[1; 20]),
        record(23, 5, &[]),
        record(99, 0, &[1; 3]),
        record(22, 0, &[]),
        too_long,
        vec![0x80; 13],
        vec![b'A'; 5 * 13],
        [vec![3; 13], record(22, 9, &[2; 77]), vec![3; 26]].concat(),
    ] {
        let datagram = [before, plain.clone()].concat();
        assert_eq!(read(&[datagram]).seen, ["dtls.sni a.example"]);
    }
}

#[test]
fn other_datagrams_are_not_dtls() {
    let body = hello(b"a.example", b"");
    let plain = record(22, 0, &part(1, 0, &body, 0..body.len()));
    for other in [
        &plain[1..],
        &plain[..20],
        &record(22, 1, &[1; 60]),
        &record(22, 0, &part(2, 0, &body, 0..9)),
    ] {
        assert!(!probe(other));
    }
}

proptest! {
    #[test]
    fn any_fragments_in_any_order_give_the_same_observations(
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        order in any::<u64>(),
        together in any::<bool>(),
    ) {
        let body = hello(b"spread.example", b"");
        let whole = read(&[record(22, 0, &part(1, 0, &body, 0..body.len()))]);
        let mut start = 0;
        let mut records: Vec<Vec<u8>> = split(&body, &cuts).iter().map(|piece| {
            let range = start..start + piece.len();
            start = range.end;
            record(22, 0, &part(1, 0, &body, range))
        }).collect();
        let turn = usize::try_from(order % records.len() as u64).unwrap();
        records.rotate_left(turn);
        if order & 1 == 1 { records.reverse(); }
        if together { records = vec![records.concat()]; }
        prop_assert_eq!(read(&records), whole);
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let datagram = record(22, 0, &bytes);
        let _ = probe(&bytes);
        prop_assert!(read(&[datagram, bytes]).hellos.len() <= 8);
    }
}
