use proptest::prelude::*;

use super::testing::*;
use super::*;
use crate::extract::tls::testing::*;

/// An id of eight bytes.
fn id(number: u32) -> [u8; 8] {
    let [a, b, c, d] = number.to_be_bytes();
    [0xc0, 0xff, 0xee, 7, a, b, c, d]
}

fn names(wire: &Wire) -> Vec<&str> {
    wire.recorder.seen.iter().filter_map(|seen| seen.strip_prefix("quic.sni ")).collect()
}

#[test]
fn half_read_connections_on_the_same_ports_are_told_apart_by_their_ids() {
    let hellos = [client_hello(b"one.example", 900), client_hello(b"two.example", 900)];
    let mut wire = Wire::default();
    for (from, to) in [(0, 70), (70, 990)] {
        for (number, hello) in (0..).zip(&hellos) {
            wire.send(
                CLIENT,
                &Make::of(&id(number)).piece(from, &hello[from..to.min(hello.len())]),
            );
        }
    }
    wire.finish();
    assert_eq!(names(&wire), ["one.example", "two.example"]);
}

#[test]
fn a_connection_that_moves_to_other_ports_in_its_hello_is_read() {
    let hello = client_hello(b"moved.example", 900);
    let mut wire = Wire::default();
    wire.datagram((client(1, 50_000), SERVER), &FIRST.piece(0, &hello[..70]));
    // To an id that the server chose.
    let later = Make { destination: b"server", number: 3, ..FIRST };
    wire.datagram((client(1, 50_001), SERVER), &later.piece(70, &hello[70..]));
    assert_eq!(names(&wire), ["moved.example"]);
}

#[test]
fn what_comes_in_a_tunnel_from_outside_belongs_to_no_handshake_of_ours() {
    let hello = client_hello(b"ours.example", 900);
    let other = client_hello(b"fake.example", 900);
    let mut wire = Wire::default();
    wire.hearsay = true;
    wire.send(CLIENT, &FIRST.piece(0, &hello));
    wire.send(CLIENT, &Make::of(&id(1)).piece(0, &other[..500]));
    wire.hearsay = false;
    wire.send(CLIENT, &Make::of(&id(1)).piece(500, &other[500..]));
    assert_eq!(names(&wire), ["ours.example"], "said by a stranger");
    wire.send(CLIENT, &FIRST.piece(0, &hello));
    assert_eq!(names(&wire), ["ours.example"; 2], "and said by ours all the same");
}

#[test]
fn the_second_hello_after_a_retry_request_is_read_whatever_its_version() {
    for version in [1, 0x6b33_43cf] {
        let first = client_hello(b"first.example", 0);
        let second = client_hello(b"second.example", 700);
        let mut wire = Wire::default();
        wire.send(CLIENT, &FIRST.piece(0, &first));
        let later = Make { destination: b"servers", number: 9, version, ..FIRST };
        wire.send(CLIENT, &later.piece(first.len(), &second[..300]));
        wire.send(CLIENT, &later.piece(first.len() + 300, &second[300..]));
        wire.send(CLIENT, &FIRST.piece(0, &first));
        wire.finish();
        assert_eq!(names(&wire), ["first.example", "second.example"]);
    }
}

#[test]
fn the_hello_that_comes_once_more_after_a_retry_is_told_once() {
    let hello = client_hello(b"retry.example", 1500);
    for whole in [true, false] {
        let mut wire = Wire::default();
        wire.send(CLIENT, &FIRST.piece(0, &hello[..if whole { hello.len() } else { 900 }]));
        let again = Make { token: b"token", ..Make::of(b"newid123") };
        wire.send(CLIENT, &again.piece(0, &hello));
        wire.finish();
        assert_eq!(names(&wire), ["retry.example"]);
        assert_eq!(wire.counted(Counter::TlsIncomplete), 0);
    }
}

#[test]
fn a_servers_initials_are_known_by_the_clients_id() {
    let mut wire = Wire::default();
    let first = Make { source: b"client", ..FIRST };
    wire.send(CLIENT, &first.piece(0, &client_hello(b"a.example", 0)));
    let answer = Make { original: b"whatever", destination: b"client", source: b"s", ..FIRST };
    wire.send(SERVER, &answer.piece(0, &[2; 90]));
    assert_eq!(wire.counted(Counter::QuicUndecodable), 0);
    // A connection of its own, in the other direction on the same ports.
    wire.send(SERVER, &Make::of(&id(1)).piece(0, &client_hello(b"back.example", 0)));
    assert_eq!(names(&wire), ["a.example", "back.example"]);
}

#[test]
fn a_decoy_of_the_same_id_hides_nothing_whole_or_in_pieces() {
    let (fake, hello) = (client_hello(b"good.example", 900), client_hello(b"evil.example", 900));
    let low = Reach { sound: true, hops: 2 };
    let bad = Reach { sound: false, hops: 64 };
    for (decoy, cut) in [(low, 70), (bad, 70), (low, hello.len()), (bad, 0)] {
        for order in
            [[0, 1, 2, 3], [1, 0, 3, 2], [0, 1, 3, 2], [1, 0, 2, 3], [3, 1, 0, 2], [2, 0, 1, 3]]
        {
            let mut wire = Wire::default();
            for which in order {
                let range = if which < 2 { 0..cut } else { cut..hello.len() };
                let (from, bytes) =
                    if which % 2 == 0 { (decoy, &fake) } else { (Reach::default(), &hello) };
                wire.reach = from;
                wire.send(CLIENT, &FIRST.piece(range.start, &bytes[range]));
            }
            wire.finish();
            assert!(names(&wire).contains(&"evil.example"), "{decoy:?} {cut} {order:?}");
            let once = names(&wire).iter().filter(|name| **name == "evil.example").count();
            assert_eq!(once, 1);
        }
    }
}

#[test]
fn a_decoy_that_differs_is_known_without_looking_at_how_it_came() {
    let (fake, hello) = (client_hello(b"good.example", 900), client_hello(b"evil.example", 900));
    for first in [&fake, &hello] {
        let mut wire = Wire::default();
        for hello in [first, &fake, &hello] {
            wire.send(CLIENT, &FIRST.piece(0, hello));
        }
        let mut found = names(&wire);
        found.sort_unstable();
        assert_eq!(found, ["evil.example", "good.example"]);
        assert!(wire.counted(Counter::OverlapConflicts) > 0);
    }
}

#[test]
fn a_decoy_with_a_large_packet_number_does_not_close_the_true_one() {
    let hello = client_hello(b"evil.example", 0);
    let mut wire = Wire::default();
    wire.send(CLIENT, &Make { number: 0xffff_0000, ..FIRST }.piece(0, &hello[..20]));
    // Numbers of four bytes: this one would be taken for one beyond the decoy's.
    wire.send(CLIENT, &Make { number: 1, ..FIRST }.piece(20, &hello[20..]));
    assert_eq!(names(&wire), ["evil.example"]);
}

#[test]
fn decoys_that_fill_a_handshake_go_before_what_came_surely() {
    let hello = client_hello(b"evil.example", 900);
    let mut wire = Wire::default();
    wire.send(CLIENT, &FIRST.piece(0, &hello[..70]));
    wire.reach = Reach { sound: true, hops: 2 };
    for number in 0..200_u32 {
        let junk = [number as u8; 1000];
        wire.send(CLIENT, &Make { number: 10 + number, ..FIRST }.piece(number as usize * 7, &junk));
    }
    assert!(wire.counted(Counter::QuicLimit) > 0);
    wire.reach = Reach::default();
    wire.send(CLIENT, &Make { number: 3, ..FIRST }.piece(70, &hello[70..]));
    wire.finish();
    assert!(names(&wire).contains(&"evil.example"));
}

#[test]
fn a_silent_half_is_told_after_a_minute_and_still_completed() {
    let hello = client_hello(b"early.example", 2000);
    let mut wire = Wire::default();
    wire.send(CLIENT, &FIRST.piece(0, &hello[..900]));
    wire.wait(50);
    assert!(names(&wire).is_empty());
    wire.wait(20);
    assert_eq!(names(&wire), ["early.example"]);
    wire.wait(600);
    assert_eq!(names(&wire).len(), 1, "once");
    wire.send(CLIENT, &FIRST.piece(900, &hello[900..]));
    assert_eq!(wire.recorder.hellos.len(), 2);
    wire.wait(200);
    assert!(wire.scratch.handshakes.is_empty());
}

/// Half-read hellos of many hosts, or of one: 1,100 bytes each.
fn flood(wire: &mut Wire, numbers: std::ops::Range<u32>, hosts: u32) {
    let hello = client_hello(b"www.office.example", 3000);
    for number in numbers {
        let source = client(1 + number % hosts, 1_024 + (number / hosts) as u16);
        wire.datagram((source, SERVER), &Make::of(&id(number)).piece(0, &hello[..1_100]));
    }
}

#[test]
fn a_flood_of_one_host_or_of_many_does_not_push_out_a_half_read_hello() {
    const LIMIT: usize = 512 * 1024;
    let hello = client_hello(b"evil.example", 900);
    for hosts in [1, 2, 1_000_000] {
        let mut wire = Wire::of(LIMIT);
        let ours = (client(1, 40_000), SERVER);
        wire.datagram(ours, &FIRST.piece(0, &hello[..70]));
        flood(&mut wire, 0..600, hosts);
        // In the middle of it: what follows at once is read.
        let between = (client(77, 40_000), SERVER);
        wire.datagram(between, &Make::of(b"between8").piece(0, &hello[..70]));
        flood(&mut wire, 600..640, hosts);
        wire.datagram(between, &Make::of(b"between8").piece(70, &hello[70..]));
        assert_eq!(names(&wire).iter().filter(|name| **name == "evil.example").count(), 1);
        flood(&mut wire, 640..1_300, hosts);
        assert!(wire.scratch.handshakes.held_bytes() <= LIMIT);
        wire.datagram(ours, &FIRST.piece(70, &hello[70..]));
        assert_eq!(
            names(&wire).iter().filter(|name| **name == "evil.example").count(),
            2,
            "{hosts}"
        );
        assert!(wire.counted(Counter::HandshakesForgotten) > 300, "{hosts}");
    }
}

#[test]
fn what_is_forgotten_is_told_of_its_own_client() {
    let mut wire = Wire::of(1);
    flood(&mut wire, 0..200, 200);
    assert!(wire.told_late.len() > 100);
    assert!(!wire.told_late.contains(&client(1, 1_024)), "who came first stays");
    assert!(!wire.told_late.contains(&client(200, 1_024)), "and who came last");
    assert!(names(&wire).iter().all(|name| *name == "www.office.example"));
}

#[test]
fn hellos_without_end_stay_below_the_bound() {
    const LIMIT: usize = 1 << 20;
    let mut wire = Wire::of(LIMIT);
    for number in 0..300_u32 {
        let source = client(number % 40, (number / 40) as u16);
        for piece in 0..20 {
            let make = Make { number: piece as u32, ..FIRST };
            wire.datagram((source, SERVER), &make.piece(4 + piece * 1_000, &[1; 1_000]));
            assert!(wire.scratch.handshakes.held_bytes() <= LIMIT);
        }
    }
    assert!(wire.counted(Counter::HandshakesForgotten) > 0);
}

#[test]
fn handshakes_that_are_read_take_a_quarter_and_are_dropped_without_a_word() {
    let mut wire = Wire::of(256 * 1024);
    for number in 0..300 {
        let make = id(number);
        let hello = client_hello(format!("n{number}.example").as_bytes(), 0);
        wire.datagram((client(number, 1), SERVER), &Make::of(&make).piece(0, &hello));
        assert!(wire.scratch.handshakes.held_bytes() <= 64 * 1024);
    }
    assert_eq!(names(&wire).len(), 300);
    assert_eq!(wire.counted(Counter::HandshakesForgotten), 0);
}

#[test]
fn of_one_host_the_latest_handshakes_that_are_read_are_kept() {
    let mut wire = Wire::default();
    let hello = client_hello(b"a.example", 0);
    for number in 0..100 {
        let source = client(1, 1_000 + number as u16);
        wire.datagram((source, SERVER), &Make::of(&id(number)).piece(0, &hello));
    }
    assert_eq!((names(&wire).len(), wire.scratch.handshakes.len()), (100, 64));
    wire.datagram((client(1, 1_099), SERVER), &Make::of(&id(99)).piece(0, &hello));
    assert_eq!(names(&wire).len(), 100, "a repetition is known");
}

#[test]
fn initials_beyond_the_budget_are_counted_and_the_next_second_is_as_any() {
    let mut wire = Wire::default();
    let host = client(9, 9);
    wire.scratch.handshakes.budget.at(Timestamp::default());
    for _ in 0..17_000 {
        wire.scratch.handshakes.budget.failed(host.address);
    }
    let hello = client_hello(b"a.example", 0);
    for number in 0..3 {
        wire.datagram((host, SERVER), &Make::of(&id(number)).piece(0, &hello));
    }
    assert_eq!(wire.counted(Counter::QuicUntried), 3);
    wire.wait(1);
    wire.datagram((host, SERVER), &FIRST.piece(0, &hello));
    assert_eq!(names(&wire), ["a.example"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Several connections on several ports, in any order, twice, with junk between.
    #[test]
    fn any_datagrams_of_any_connections_give_every_name(
        ports in prop::collection::vec(0_u16..3, 1..5),
        cut in 20_usize..150,
        keys in prop::collection::vec(any::<u32>(), 20),
        junk in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..10),
        padding in 0_usize..1500,
    ) {
        let mut datagrams = Vec::new();
        for (number, port) in (0..).zip(&ports) {
            let hello = client_hello(format!("n{number}.example").as_bytes(), padding);
            let (id, cut) = (id(number), cut.min(hello.len()));
            let first = Make::of(&id).piece(0, &hello[..cut]);
            let second = Make { number: 3, ..Make::of(&id) }.piece(cut, &hello[cut..]);
            let end = client(1, 50_000 + port);
            datagrams.extend([(end, first.clone()), (end, second.clone()), (end, first), (end, second)]);
        }
        let mut order: Vec<_> = datagrams.into_iter().zip(keys).collect();
        order.sort_by_key(|(_, key)| *key);
        let mut wire = Wire::default();
        let mut junk = junk.iter().cycle();
        for ((source, datagram), _) in &order {
            if let Some(junk) = junk.next() {
                wire.datagram((*source, SERVER), junk);
                wire.datagram((SERVER, *source), junk);
            }
            wire.datagram((*source, SERVER), datagram);
        }
        wire.finish();
        let mut found: Vec<String> = names(&wire).iter().map(|name| (*name).to_owned()).collect();
        found.sort();
        let wanted: Vec<String> = (0..ports.len()).map(|number| format!("n{number}.example")).collect();
        prop_assert_eq!(found, wanted);
    }

    /// Decoys that do not come to the server, anywhere among the pieces of the true hello.
    #[test]
    fn decoys_anywhere_do_not_hide_a_name(
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        decoys in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u8..9),
            0..8,
        ),
    ) {
        let (fake, hello) = (client_hello(b"good.example", 300), client_hello(b"evil.example", 300));
        let mut start = 0;
        let mut pieces: Vec<(usize, &[u8], Reach)> = split(&hello, &cuts).into_iter().map(|piece| {
            start += piece.len();
            (start - piece.len(), piece, Reach { sound: true, hops: 60 })
        }).collect();
        for (when, from, to, hops) in &decoys {
            let ends = [from.index(fake.len()), to.index(fake.len())];
            let (from, to) = (ends[0].min(ends[1]), ends[0].max(ends[1]) + 1);
            let reach = Reach { sound: *hops > 0, hops: if *hops > 0 { *hops } else { 64 } };
            pieces.insert(when.index(pieces.len() + 1), (from, &fake[from..to], reach));
        }
        let mut wire = Wire::default();
        for (number, (offset, bytes, reach)) in (0..).zip(&pieces) {
            wire.reach = *reach;
            wire.send(CLIENT, &Make { number, ..FIRST }.piece(*offset, bytes));
        }
        wire.finish();
        prop_assert!(names(&wire).contains(&"evil.example"), "{:?}", names(&wire));
    }

    #[test]
    fn memory_stays_below_the_bound_whatever_is_sent(
        sends in prop::collection::vec((0_u32..6, 0_u32..8, 0_usize..100_000, 1_usize..1_100, any::<u8>(), 1_u8..5), 1..120),
    ) {
        const LIMIT: usize = 64 * 1024;
        let mut wire = Wire::of(LIMIT);
        for (host, number, offset, length, byte, hops) in sends {
            wire.reach.hops = hops;
            let datagram = Make::of(&id(number)).piece(offset, &vec![byte; length]);
            wire.datagram((client(host, 7), SERVER), &datagram);
            prop_assert!(wire.scratch.handshakes.held_bytes() <= LIMIT);
        }
        wire.finish();
    }
}
