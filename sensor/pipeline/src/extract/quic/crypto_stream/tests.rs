use proptest::prelude::*;

use super::*;

const SURE: Reach = Reach { sound: true, hops: 64 };

fn held(stream: &CryptoStream) -> Vec<u8> {
    let mut out = vec![1, 2, 3];
    stream.join(0, &mut out);
    out
}

fn read(stream: &CryptoStream) -> Vec<Vec<u8>> {
    let each = |reading| {
        let mut out = vec![9];
        stream.join_as(reading, &mut out);
        out
    };
    stream.readings().into_iter().map(each).collect()
}

#[test]
fn a_peer_that_names_a_far_offset_costs_nothing() {
    let mut stream = CryptoStream::default();
    assert_eq!(stream.push(1 << 60, b"x", SURE), Push::Far);
    assert_eq!(stream.push(u64::MAX, b"x", SURE), Push::Far);
    assert_eq!(stream.held_bytes(), 0);
}

#[test]
fn scattered_single_bytes_reach_the_limit_of_pieces() {
    let mut stream = CryptoStream::default();
    let pushed = (0..40_000).step_by(2).take_while(|at| stream.push(*at, b"x", SURE) == Push::Held);
    assert_eq!(pushed.count(), PIECES);
}

#[test]
fn contradicting_bytes_reach_the_limit_of_bytes() {
    let mut stream = CryptoStream::default();
    let mut pushed = 0;
    while stream.push(0, &[pushed as u8; 1000], SURE) != Push::Full {
        pushed += 1;
    }
    assert_eq!(pushed, BYTES / 1000);
    assert!(stream.held_bytes() < 2 * BYTES + PIECES * size_of::<Piece>());
}

#[test]
fn repeated_pieces_are_held_once() {
    let mut stream = CryptoStream::default();
    assert_eq!(stream.push(0, &[7; 1000], SURE), Push::Held);
    assert_eq!(stream.push(0, &[8; 500], SURE), Push::Differs);
    for _ in 0..1000 {
        assert_eq!(stream.push(0, &[7; 1000], SURE), Push::Known);
        assert_eq!(stream.push(100, &[7; 30], SURE), Push::Known);
        assert_eq!(stream.push(0, &[8; 500], SURE), Push::Known);
    }
    assert_eq!(stream.bytes.len(), 1500);
}

#[test]
fn what_came_first_and_what_came_last_are_both_read() {
    let mut stream = CryptoStream::default();
    let pieces: [(u64, &[u8]); 4] = [(0, b"good"), (0, b"evil"), (4, b".ex"), (4, b".am")];
    for (offset, bytes) in pieces {
        let _ = stream.push(offset, bytes, SURE);
    }
    assert!(stream.is_contradicted());
    assert_eq!(read(&stream), [b"good.ex", b"evil.am"]);
}

#[test]
fn what_did_not_come_is_left_out_wherever_it_stands() {
    let (low, bad) = (Reach { hops: 3, ..SURE }, Reach { sound: false, ..SURE });
    for decoy in [low, bad] {
        let mut stream = CryptoStream::default();
        for (offset, bytes, reach) in [
            (0, b"good", decoy),
            (0, b"evil", SURE),
            (4, b"true", Reach { hops: 60, ..SURE }),
            (4, b"fake", decoy),
        ] {
            let _ = stream.push(offset, bytes, reach);
        }
        assert!(read(&stream).contains(&b"eviltrue".to_vec()), "{decoy:?}");
    }
}

#[test]
fn a_decoy_with_true_bytes_does_not_hide_that_they_came() {
    let mut stream = CryptoStream::default();
    let low = Reach { hops: 3, ..SURE };
    assert_eq!(stream.push(0, b"evil.fake", low), Push::Held);
    assert_eq!(stream.push(0, b"evil", SURE), Push::Held);
    assert!(!stream.is_contradicted());
    assert_eq!(stream.push(4, b".true", SURE), Push::Differs);
    assert_eq!(stream.push(4, b".last", low), Push::Differs);
    assert!(read(&stream).contains(&b"evil.true".to_vec()));
}

#[test]
fn the_unsure_pieces_are_forgotten_first() {
    let mut stream = CryptoStream::default();
    let _ = stream.push(0, b"fake", Reach { hops: 3, ..SURE });
    let _ = stream.push(0, b"true", SURE);
    let _ = stream.push(4, b"more", SURE);
    assert!(stream.forget_unsure());
    assert_eq!(held(&stream), b"truemore");
    assert!(!stream.is_contradicted() && !stream.forget_unsure());
    assert_eq!(held(&stream), b"truemore");
}

#[test]
fn a_message_is_whole_at_any_offset() {
    let mut stream = CryptoStream::default();
    assert_eq!(stream.whole_message(0), None);
    let _ = stream.push(0, b"\x01\0\0\x02ab\x01\0\0\x03cd", SURE);
    assert_eq!((stream.whole_message(0), stream.whole_message(6)), (Some(6), None));
    let _ = stream.push(12, b"e", SURE);
    assert_eq!(stream.whole_message(6), Some(7));
    assert_eq!((stream.whole_message(13), stream.end()), (None, 13));
    assert!(stream.starts_with(b"\x01\0\0\x02ab\x01") && !stream.starts_with(b"\x01\0\x01"));
    assert!(!stream.starts_with(&[b"\x01\0\0\x02ab\x01\0\0\x03cde", &b"f"[..]].concat()));
}

proptest! {
    #[test]
    fn any_order_and_overlap_gives_the_same_bytes(
        whole in prop::collection::vec(any::<u8>(), 1..300),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 1_usize..60), 0..40),
    ) {
        let mut stream = CryptoStream::default();
        let mut known = vec![false; whole.len()];
        for (index, length) in cuts {
            let start = index.index(whole.len());
            let end = (start + length).min(whole.len());
            let pushed = stream.push(start as u64, &whole[start..end], SURE);
            prop_assert!(matches!(pushed, Push::Held | Push::Known));
            prop_assert_eq!(pushed == Push::Known, known[start..end].iter().all(|known| *known));
            known[start..end].fill(true);
        }
        let prefix = known.iter().take_while(|known| **known).count();
        prop_assert_eq!(&held(&stream)[..], &whole[..prefix]);
        prop_assert!(!stream.is_contradicted());
        prop_assert_eq!(read(&stream), vec![whole[..prefix].to_vec()]);
    }

    /// Decoys of any bytes, anywhere, that have fewer hops left or wrong checksums.
    #[test]
    fn whatever_decoys_there_are_one_reading_is_the_true_one(
        whole in prop::collection::vec(any::<u8>(), 1..200),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        decoys in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1_usize..80, any::<u8>(), 0_u8..12),
            0..12,
        ),
        seed in any::<u64>(),
    ) {
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(whole.len())).collect();
        places.extend([0, whole.len()]);
        places.sort_unstable();
        let mut pieces: Vec<(usize, Vec<u8>, Reach)> = places.windows(2).enumerate().map(|(nth, pair)| {
            let reach = Reach { hops: 12 + (seed >> (nth % 8 * 8)) as u8 % 100, ..SURE };
            (pair[0], whole[pair[0]..pair[1]].to_vec(), reach)
        }).collect();
        for (when, at, length, byte, hops) in decoys {
            let sound = hops > 0;
            let reach = Reach { sound, hops: if sound { hops } else { 64 } };
            let when = when.index(pieces.len() + 1);
            pieces.insert(when, (at.index(whole.len()), vec![byte; length], reach));
        }
        let mut stream = CryptoStream::default();
        for (offset, bytes, reach) in &pieces {
            prop_assert_ne!(stream.push(*offset as u64, bytes, *reach), Push::Full);
        }
        let found = read(&stream).iter().any(|read| read.starts_with(&whole));
        prop_assert!(found, "{:?}", stream);
    }
}
