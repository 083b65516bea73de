//! Behaviour of the fragment table.

use super::*;
use crate::decode::packet::Fragment;
use crate::net::Endpoint;
use proptest::prelude::*;

const LIMITS: FragmentLimits = FragmentLimits { packets: 8, bytes: 100_000, age_nanos: 30_000 };

/// A fragment of the packet `id`.
fn fragment(id: u32, offset: usize, more: bool, payload: &[u8]) -> Packet<'_> {
    let offset = u32::try_from(offset).unwrap();
    let endpoint = |last| Endpoint { address: Address::v4([192, 0, 2, last]), port: 0 };
    Packet {
        source: endpoint(1),
        destination: endpoint(2),
        protocol: IpProtocol::UDP,
        transport: Transport::Fragment { place: Fragment { id, offset, more }, payload },
        ttl: 64,
        ..Packet::default()
    }
}

fn table() -> FragmentTable {
    FragmentTable::new(LIMITS)
}

fn push<'t>(table: &'t mut FragmentTable, packet: &Packet<'_>) -> Option<Whole<'t>> {
    table.push(Timestamp(0), packet)
}

/// The other readings beside the first.
fn others(whole: &Whole<'_>) -> Vec<Vec<u8>> {
    whole.readings().skip(1).map(<[u8]>::to_vec).collect()
}

/// A fragment that is dropped on its way.
fn far(mut packet: Packet<'_>) -> Packet<'_> {
    packet.ttl = 2;
    packet
}

#[track_caller]
fn waits(table: &mut FragmentTable, packet: &Packet<'_>) {
    assert!(push(table, packet).is_none());
}

#[test]
fn two_fragments_in_either_order_make_a_packet() {
    for swapped in [false, true] {
        let mut pieces = [fragment(1, 0, true, b"12345678"), fragment(1, 8, false, b"9ab")];
        if swapped {
            pieces.reverse();
        }
        let mut table = table();
        waits(&mut table, &pieces[0]);
        let whole = push(&mut table, &pieces[1]).unwrap();
        assert_eq!((whole.first, others(&whole).len()), (&b"123456789ab"[..], 0));
        assert_eq!(whole.head.protocol, IpProtocol::UDP);
        assert_eq!(whole.packets().count(), 1);
        table.flush();
        assert!(table.take_partial().is_none(), "it was read");
        assert_eq!((table.len(), table.bytes()), (0, 0));
        assert_eq!(table.take_counters().get(Counter::Reassembled), 1);
    }
}

#[test]
fn packets_of_other_numbers_ends_and_protocols_do_not_mix() {
    let mut table = table();
    waits(&mut table, &fragment(1, 0, true, b"12345678"));
    waits(&mut table, &fragment(2, 8, false, b"9ab"));
    let mut other = fragment(1, 8, false, b"9ab");
    other.protocol = IpProtocol::TCP;
    waits(&mut table, &other);
    let mut other = fragment(1, 8, false, b"9ab");
    std::mem::swap(&mut other.source, &mut other.destination);
    waits(&mut table, &other);
    assert_eq!(table.len(), 4);
}

#[test]
fn repeated_fragments_change_nothing_and_cost_nothing() {
    let mut table = table();
    waits(&mut table, &fragment(1, 0, true, b"12345678"));
    let bytes = table.bytes();
    for _ in 0..1000 {
        waits(&mut table, &fragment(1, 0, true, b"12345678"));
    }
    assert_eq!(table.bytes(), bytes);
    let whole = push(&mut table, &fragment(1, 8, false, b"9")).unwrap();
    assert_eq!((whole.first, others(&whole).len()), (&b"123456789"[..], 0));
}

#[test]
fn an_overlap_that_agrees_has_one_reading() {
    let mut table = table();
    waits(&mut table, &fragment(1, 0, true, b"12345678abcd"));
    let whole = push(&mut table, &fragment(1, 8, false, b"abcdefgh")).unwrap();
    assert_eq!((whole.first, others(&whole).len()), (&b"12345678abcdefgh"[..], 0));
    assert_eq!(table.take_counters().get(Counter::OverlapConflicts), 0);
}

#[test]
fn an_overlap_that_differs_has_both_readings() {
    let mut table = table();
    waits(&mut table, &fragment(1, 8, true, b"GOODNAME"));
    waits(&mut table, &fragment(1, 8, true, b"EVILNAME"));
    waits(&mut table, &fragment(1, 16, false, b"tail"));
    let whole = push(&mut table, &fragment(1, 0, true, b"12345678")).unwrap();
    assert_eq!(whole.first, b"12345678GOODNAMEtail");
    assert_eq!(others(&whole), [b"12345678EVILNAMEtail"]);
    assert_eq!(table.take_counters().get(Counter::OverlapConflicts), 1);
}

#[test]
fn a_packet_given_up_still_shows_its_beginning() {
    let mut table = table();
    waits(&mut table, &fragment(1, 0, true, b"12345678"));
    waits(&mut table, &fragment(1, 16, true, b"behind the hole."));
    waits(&mut table, &fragment(2, 8, true, b"no start"));
    table.flush();
    let partial = table.take_partial().unwrap();
    assert_eq!((partial.first, others(&partial).len()), (&b"12345678"[..], 0));
    assert!(table.take_partial().is_none());
    assert!(table.is_empty());
    assert_eq!(table.take_counters().get(Counter::FragmentsGivenUp), 2);
}

#[test]
fn old_packets_are_given_up_by_packet_time() {
    let mut table = table();
    waits(&mut table, &fragment(1, 0, true, b"12345678"));
    assert!(table.push(Timestamp(30_000), &fragment(2, 0, true, b"abcdefgh")).is_none());
    assert_eq!(table.len(), 2);
    assert!(table.push(Timestamp(30_001), &fragment(3, 0, true, b"ijklmnop")).is_none());
    assert_eq!(table.len(), 2);
    assert_eq!(table.take_partial().unwrap().first, b"12345678");
    // Its late end starts anew and is not taken for the whole.
    assert!(table.push(Timestamp(30_002), &fragment(1, 8, false, b"9")).is_none());
}

#[test]
fn a_full_table_gives_up_its_oldest_packet() {
    let mut table = table();
    for id in 0..9 {
        waits(&mut table, &fragment(id, 0, true, b"12345678"));
    }
    assert_eq!(table.len(), 8);
    assert_eq!(table.take_partial().unwrap().head.source, Address::v4([192, 0, 2, 1]));
    assert!(push(&mut table, &fragment(8, 8, false, b"9")).is_some());
}

#[test]
fn a_fragment_that_is_dropped_on_its_way_neither_completes_nor_spoils_the_packet() {
    let (start, end) = (fragment(1, 0, true, b"12345678"), fragment(1, 8, false, b"truth"));
    for decoy in [
        far(fragment(1, 8, false, b"decoy")),
        far(fragment(1, 8, false, b"a longer decoy")),
        far(fragment(1, 8, false, b"d")),
        far(fragment(1, 1600, false, b"decoy")),
        far(fragment(1, 0, false, b"1234")),
        far(fragment(1, 65_528, false, b"12345678")),
        far(fragment(1, 0, true, b"decoydecoydecoy!")),
    ] {
        for order in [[&decoy, &start, &end], [&start, &decoy, &end], [&start, &end, &decoy]] {
            let mut table = table();
            let mut found = false;
            for packet in order {
                found |= push(&mut table, packet)
                    .is_some_and(|whole| whole.readings().any(|bytes| bytes == b"12345678truth"));
            }
            assert!(found, "{decoy:?}");
        }
    }
}

#[test]
fn more_decoys_than_a_packet_has_room_for_do_not_push_the_truth_out() {
    let mut table = table();
    let mut payload = vec![0; 1400];
    for round in 0..100_u32 {
        payload[..4].copy_from_slice(&round.to_be_bytes());
        let _ = push(&mut table, &far(fragment(1, 8, true, &payload)));
    }
    for place in 0..1100 {
        let _ = push(&mut table, &far(fragment(1, 2000 + 16 * place, true, b"scatters")));
    }
    let _ = push(&mut table, &fragment(1, 0, true, b"12345678"));
    let whole = push(&mut table, &fragment(1, 8, false, b"truth")).unwrap();
    assert!(whole.readings().any(|bytes| bytes == b"12345678truth"));
}

#[test]
fn an_identification_that_is_used_again_begins_another_packet() {
    let mut table = table();
    for text in [b"first-", b"second", b"third-"] {
        waits(&mut table, &fragment(1, 0, true, &[text[0]; 8]));
        let whole = push(&mut table, &fragment(1, 8, false, text)).unwrap();
        assert_eq!((&whole.first[8..], others(&whole).len()), (&text[..], 0));
    }
    // A mirror's copy of it all is no other packet.
    waits(&mut table, &fragment(1, 0, true, b"tttttttt"));
    waits(&mut table, &fragment(1, 8, false, b"third-"));
}

#[test]
fn what_the_first_fragment_of_an_ipv6_packet_carries_is_what_the_packet_carries() {
    let six = |packet: Packet<'static>, protocol| {
        let mut packet = packet;
        packet.source.address = Address::v6([0x20; 16]);
        packet.destination.address = Address::v6([0x26; 16]);
        packet.protocol = protocol;
        packet
    };
    let start = six(fragment(1, 0, true, b"12345678"), IpProtocol::UDP);
    let end = six(fragment(1, 8, false, b"9"), IpProtocol(59));
    for order in [[&start, &end], [&end, &start]] {
        let mut table = table();
        waits(&mut table, order[0]);
        let whole = push(&mut table, order[1]).unwrap();
        assert_eq!(
            whole.packets().map(|(head, _)| head.protocol).collect::<Vec<_>>(),
            [IpProtocol::UDP]
        );
    }
}

#[test]
fn who_sends_most_packets_loses_them_first() {
    let mut table = table();
    waits(&mut table, &fragment(1, 0, true, b"12345678"));
    for id in 0..100 {
        let mut other = fragment(id, 0, true, b"12345678");
        other.source.address = Address::v4([192, 0, 2, 77]);
        waits(&mut table, &other);
    }
    assert!(push(&mut table, &fragment(1, 8, false, b"9")).is_some());
}

#[test]
fn of_sources_alike_a_packet_with_one_fragment_goes_first() {
    let mut table = table();
    waits(&mut table, &fragment(1, 0, true, b"12345678"));
    waits(&mut table, &fragment(1, 8, true, b"12345678"));
    for host in 0..200 {
        let mut other = fragment(1, 0, true, b"12345678");
        other.source.address = Address::v4([198, 51, 100, host]);
        waits(&mut table, &other);
    }
    assert!(push(&mut table, &fragment(1, 16, false, b"9")).is_some());
}

#[test]
fn a_copy_that_takes_an_overlap_back_counts_for_the_last_reading() {
    let mut table = table();
    for bytes in [b"decoyone", b"realreal", b"decoytwo", b"realreal"] {
        waits(&mut table, &fragment(1, 0, true, bytes));
    }
    table.flush();
    let partial = table.take_partial().unwrap();
    assert_eq!((partial.first, others(&partial)), (&b"decoyone"[..], vec![b"realreal".to_vec()]));
}

#[test]
fn a_lone_fragment_at_a_large_offset_costs_only_its_own_bytes() {
    let mut table = table();
    waits(&mut table, &fragment(1, 65_520, false, b"12345678"));
    assert!(table.bytes() < 900, "{}", table.bytes());
}

#[test]
fn a_flood_of_different_repeats_is_bounded() {
    let mut table = table();
    let mut payload = vec![0; 1400];
    for round in 0..500_u32 {
        payload[..4].copy_from_slice(&round.to_be_bytes());
        let _ = push(&mut table, &fragment(round % 3, 0, true, &payload));
        assert!(table.bytes() <= LIMITS.bytes);
    }
    assert!(table.take_counters().get(Counter::FragmentsGivenUp) > 0);
}

#[test]
fn a_table_that_may_hold_nothing_holds_nothing() {
    let mut table = FragmentTable::new(FragmentLimits { packets: 0, ..LIMITS });
    waits(&mut table, &fragment(1, 0, true, b"12345678"));
    assert!(table.is_empty());
    let mut table = FragmentTable::new(FragmentLimits { bytes: 0, ..LIMITS });
    waits(&mut table, &fragment(1, 0, true, b"12345678"));
    assert!(table.is_empty());
}

/// A payload and how it is cut: every piece but the last a multiple of eight, in some order,
/// some of them twice.
fn split() -> impl Strategy<Value = (Vec<u8>, Vec<(usize, usize)>)> {
    let cuts = proptest::collection::vec(1_usize..40, 1..30);
    (proptest::collection::vec(any::<u8>(), 9..4000), cuts)
        .prop_map(|(payload, cuts)| {
            let mut pieces = Vec::new();
            let mut at = 0;
            for cut in cuts.iter().cycle() {
                let end = (at + cut * 8).min(payload.len());
                pieces.push((at, end));
                at = end;
                if at == payload.len() {
                    break;
                }
            }
            (payload, pieces)
        })
        .prop_flat_map(|(payload, pieces)| {
            let twice: Vec<_> = pieces.iter().chain(pieces.iter().step_by(3)).copied().collect();
            (Just(payload), Just(twice).prop_shuffle())
        })
}

proptest! {
    #[test]
    fn any_cut_in_any_order_gives_the_payload((payload, pieces) in split()) {
        let mut table = table();
        let mut found = false;
        for (start, end) in pieces {
            let more = end < payload.len();
            if start == 0 && !more {
                return Ok(()); // not cut at all
            }
            let packet = fragment(1, start, more, &payload[start..end]);
            if let Some(whole) = push(&mut table, &packet) {
                prop_assert_eq!(whole.first, &payload[..]);
                prop_assert_eq!(whole.readings().count(), 1);
                found = true;
            }
        }
        prop_assert!(found);
    }

    #[test]
    fn a_flood_stays_within_the_limits(
        fragments in proptest::collection::vec(
            (0_u32..20, 0_usize..8192, any::<bool>(), 0_usize..1500, any::<u8>(), 0_i64..5_000),
            0..300,
        )
    ) {
        let mut table = table();
        let mut now = 0;
        for (id, offset, more, length, fill, later) in fragments {
            now += later;
            let payload = vec![fill; length];
            let whole = table.push(Timestamp(now), &fragment(id, offset * 8, more, &payload));
            if let Some(whole) = whole {
                prop_assert!(whole.readings().all(|reading| reading.len() <= 65_535));
            }
            prop_assert!(table.len() <= LIMITS.packets);
            prop_assert!(table.bytes() <= LIMITS.bytes);
            prop_assert!(table.order.len() <= 2 * LIMITS.packets + 17);
        }
        table.flush();
        prop_assert_eq!((table.len(), table.bytes()), (0, 0));
        while let Some(partial) = table.take_partial() {
            prop_assert!(!partial.first.is_empty());
        }
        prop_assert_eq!((table.given_up_bytes, table.sources.len()), (0, 0));
    }

    #[test]
    fn both_readings_agree_with_a_plain_model(
        fragments in proptest::collection::vec((0_usize..6, 1_usize..4, any::<u8>()), 1..12)
    ) {
        let mut table = table();
        let (mut first, mut last) = ([None; 72], [0_u8; 72]);
        let end = 72;
        for (offset, blocks, fill) in fragments {
            let range = offset * 8..(offset + blocks) * 8;
            let payload = vec![fill; range.len()];
            for at in range.clone() {
                first[at].get_or_insert(fill);
                last[at] = fill;
            }
            waits(&mut table, &fragment(1, range.start, true, &payload));
        }
        let Some(known) = first.iter().position(Option::is_none).filter(|known| *known > 0) else {
            return Ok(());
        };
        waits(&mut table, &fragment(1, end, false, b"x"));
        table.flush();
        let partial = table.take_partial().unwrap();
        let expected: Vec<u8> = first[..known].iter().map(|byte| byte.unwrap()).collect();
        prop_assert_eq!(partial.first, &expected[..]);
        prop_assert_eq!(partial.readings().nth(1).unwrap_or(partial.first), &last[..known]);
    }
}

#[test]
fn fragments_in_a_tunnel_from_outside_belong_to_no_packet_of_ours() {
    let stranger = |packet: Packet<'static>| Packet { hearsay: true, ..packet };
    let mut table = table();
    waits(&mut table, &stranger(fragment(1, 0, true, b"12345678")));
    waits(&mut table, &fragment(1, 8, false, b"9ab"));
    let whole = push(&mut table, &fragment(1, 0, true, b"ABCDEFGH")).unwrap();
    assert_eq!((whole.first, whole.packets().count()), (&b"ABCDEFGH9ab"[..], 1));
}
