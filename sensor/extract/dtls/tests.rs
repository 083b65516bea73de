use proptest::prelude::*;

use super::*;
use crate::extract::tls::testing::*;

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

fn read(datagrams: &[Vec<u8>]) -> (Recorder, bool) {
    let (mut recorder, mut hellos) = (Recorder::default(), Hellos::default());
    let mut done = false;
    for datagram in datagrams {
        done = with(&mut recorder, CLIENT, |cx| hellos.datagram(datagram, cx));
    }
    with(&mut recorder, CLIENT, |cx| hellos.finish(cx));
    (recorder, done)
}

#[test]
fn both_hellos_of_a_cookie_exchange_are_read_and_the_next_message_ends_it() {
    let (first, second) = (hello(b"a.example", b""), hello(b"b.example", b"cookie"));
    let datagrams = [
        record(22, 0, &part(1, 0, &first, 0..first.len())),
        record(22, 0, &part(1, 0, &first, 0..first.len())),
        record(22, 0, &part(1, 1, &second, 0..second.len())),
        record(22, 0, &part(16, 2, &[1; 40], 0..40)),
    ];
    assert!(probe(&datagrams[0]));
    let (recorder, done) = read(&datagrams);
    assert_eq!(recorder.seen, ["dtls.sni a.example", "dtls.sni b.example"]);
    assert_eq!(recorder.hellos.len(), 2);
    assert!(done);
}

#[test]
fn the_name_before_a_lost_fragment_is_told_at_the_end() {
    let body = hello(b"a.example", b"");
    let body = [body, vec![0; 100]].concat();
    let (recorder, done) = read(&[record(22, 0, &part(1, 0, &body, 0..body.len() - 50))]);
    assert!(!done);
    assert_eq!(recorder.seen, ["dtls.sni a.example"]);
    assert_eq!(recorder.counters.get(Counter::TlsIncomplete), 1);
}

#[test]
fn a_client_that_never_ends_its_hello_is_given_up() {
    let body = hello(b"a.example", b"");
    let datagram = record(22, 0, &part(1, 0, &body, 0..20));
    let (recorder, done) = read(&vec![datagram; usize::from(DATAGRAMS)]);
    assert!(done);
    assert!(recorder.seen.is_empty());
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
        let whole = read(&[record(22, 0, &part(1, 0, &body, 0..body.len()))]).0;
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
        prop_assert_eq!(read(&records).0, whole);
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let datagram = record(22, 0, &bytes);
        let _ = probe(&bytes);
        prop_assert!(read(&[datagram, bytes]).0.hellos.len() <= 2);
    }
}
