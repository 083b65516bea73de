use super::*;

const SLOTS: usize = RECENT_BYTES / BYTES_A_SLOT;
use crate::net::{Address, Endpoint, IpProtocol};

fn lane(port: u16) -> Lane {
    let end = |last, port| Endpoint { address: Address::v4([192, 0, 2, last]), port };
    let (key, side) = FlowKey::new(end(1, port), end(2, 443), IpProtocol::TCP);
    Lane::new(&key, side)
}

fn bytes(sequence: u32, bytes: &[u8]) -> Bytes<'_> {
    Bytes { sequence, bytes, boundary: false }
}

/// Every reading as text, holes as dots.
fn texts(readings: &mut Readings) -> Vec<String> {
    (0..readings.count())
        .map(|number| {
            let (reading, _) = readings.lend(number).unwrap();
            let mut text = String::new();
            for run in reading.runs() {
                text.push_str(&".".repeat(run.offset - text.len()));
                text.push_str(std::str::from_utf8(run.bytes).unwrap());
            }
            text
        })
        .collect()
}

fn readings(segments: &[(u32, &str)]) -> Readings {
    let mut readings = Readings::new(segments[0].0, true);
    for (sequence, text) in segments {
        let _ = readings.put(&bytes(*sequence, text.as_bytes()));
    }
    readings
}

#[test]
fn a_segment_is_compared_with_all_that_was_seen_of_its_lane_and_no_other() {
    let mut recent = Recent::default();
    recent.note(lane(1), &bytes(u32::MAX - 1, b"abcd"));
    recent.note(lane(1), &bytes(2, b"efgh"));
    recent.note(lane(2), &bytes(2, b"xxxx"));
    assert_eq!(recent.compare(lane(1), &bytes(0, b"cdefg")), Comparison::Same);
    assert_eq!(recent.compare(lane(1), &bytes(0, b"cdXfg")), Comparison::Differs);
    assert_eq!(recent.compare(lane(1), &bytes(5, b"hi")), Comparison::New);
    assert_eq!(recent.compare(lane(3), &bytes(5, b"hi")), Comparison::New);
}

#[test]
fn what_is_remembered_stays_within_its_bounds_and_the_oldest_is_forgotten() {
    let mut recent = Recent::default();
    recent.note(lane(1), &bytes(0, b"first"));
    for n in 0..SLOTS as u32 - 2 {
        recent.note(lane(2), &bytes(n * 2, b"a"));
    }
    assert_eq!(recent.compare(lane(1), &bytes(0, b"first")), Comparison::Same);
    recent.note(lane(2), &bytes(9, b"b"));
    recent.note(lane(2), &bytes(9, b"b"));
    assert_eq!(recent.compare(lane(1), &bytes(0, b"first")), Comparison::New);
    recent.note(lane(1), &bytes(0, b"first"));
    for _ in 0..RECENT_BYTES / LONGEST {
        recent.note(lane(2), &bytes(0, &[7; LONGEST + 100]));
    }
    assert_eq!(recent.compare(lane(1), &bytes(0, b"first")), Comparison::New);
    assert_eq!(recent.compare(lane(2), &bytes(0, &[7; LONGEST])), Comparison::Same);
    assert_eq!((recent.entries.len(), recent.bytes.len()), (SLOTS, RECENT_BYTES));
}

#[test]
fn a_contradiction_is_read_both_ways_from_the_start_of_its_message() {
    let mut recent = Recent::default();
    recent.note(lane(1), &bytes(0, b"older "));
    recent.note(lane(1), &Bytes { boundary: true, ..bytes(6, b"GET ") });
    recent.note(lane(1), &bytes(10, b"decoy"));
    let mut doubts = Doubts::default();
    doubts.begin(&recent, lane(1), &bytes(10, b"truth"));
    let readings = doubts.of(lane(1)).unwrap();
    assert!(readings.begins_message());
    assert_eq!(texts(readings), ["GET decoy"]);
    let _ = readings.put(&bytes(10, b"truth"));
    assert_eq!(texts(readings), ["GET decoy", "GET truth"]);
}

#[test]
fn doubts_are_bounded_and_the_oldest_goes() {
    let (recent, mut doubts) = (Recent::default(), Doubts::default());
    for port in 0..DOUBTS as u16 + 1 {
        doubts.begin(&recent, lane(port), &bytes(0, b"x"));
    }
    assert!(doubts.of(lane(0)).is_none() && doubts.of(lane(1)).is_some());
    assert!(doubts.take(lane(1)).is_some() && doubts.of(lane(1)).is_none());
}

#[test]
fn two_contradictions_give_every_combination() {
    let mut both = readings(&[(0, "aa"), (0, "AA"), (2, "bb"), (2, "BB"), (4, "c")]);
    let mut texts = texts(&mut both);
    assert_eq!(texts[..2], ["aabbc", "AABBc"]);
    texts.sort();
    assert_eq!(texts, ["AABBc", "AAbbc", "aaBBc", "aabbc"]);
}

#[test]
fn overlaps_holes_and_late_beginnings_keep_their_places() {
    let mut partly = readings(&[(4, "efgh"), (6, "GHij"), (12, "mn"), (2, "cd")]);
    assert_eq!(texts(&mut partly), ["cdefghij..mn", "cdefGHij..mn"]);
}

#[test]
fn with_a_decoy_for_each_byte_first_and_last_are_still_read() {
    let mut readings = Readings::new(0, true);
    for n in 0..200 {
        let _ = readings.put(&bytes(n, b"d"));
        let _ = readings.put(&bytes(n, b"t"));
    }
    let texts = texts(&mut readings);
    assert!(texts.len() <= 16);
    assert_eq!(texts[..2], ["d".repeat(200), "t".repeat(200)]);
}

#[test]
fn work_for_one_stream_ends() {
    let mut readings = readings(&[(0, &"a".repeat(16_384))]);
    let shown = (0..10_000).take_while(|_| readings.lend(0).is_some()).count();
    assert_eq!(shown, 64);
    assert_eq!(readings.put(&bytes(16_384, b"a")), Fit::Outside);
}

proptest::proptest! {
    #[test]
    fn first_and_last_readings_agree_with_a_plain_model(
        segments in proptest::collection::vec((0..40u32, proptest::collection::vec(0..2u8, 1..9)), 1..20),
    ) {
        let base = segments[0].0;
        let (mut first, mut last) = (vec![None; 64], vec![None; 64]);
        let mut readings = Readings::new(base, true);
        for (sequence, data) in &segments {
            let _ = readings.put(&bytes(*sequence, data));
            for (n, byte) in data.iter().enumerate() {
                let at = *sequence as usize + n;
                first[at].get_or_insert(*byte);
                last[at] = Some(*byte);
            }
        }
        let low = first.iter().position(Option::is_some).unwrap();
        let shown = |number: usize, readings: &mut Readings| {
            let mut known = vec![None; 64];
            let (reading, _) = readings.lend(number).unwrap();
            for run in reading.runs() {
                for (n, byte) in run.bytes.iter().enumerate() { known[low + run.offset + n] = Some(*byte); }
            }
            known
        };
        proptest::prop_assert_eq!(shown(0, &mut readings), first);
        let count = readings.count();
        let any_last = (0..count).any(|number| shown(number, &mut readings) == last);
        proptest::prop_assert!(any_last || count == 16);
    }

    #[test]
    fn arbitrary_segments_never_panic(
        segments in proptest::collection::vec((proptest::prelude::any::<u32>(), 0..3u8, 0..20_000usize), 0..30),
    ) {
        let (mut recent, mut doubts) = (Recent::default(), Doubts::default());
        for (sequence, near, length) in segments {
            let sequence = if near > 0 { sequence % 20_000 } else { sequence };
            let data = vec![near; length];
            let segment = bytes(sequence, &data);
            if recent.compare(lane(1), &segment) != Comparison::Same {
                recent.note(lane(1), &segment);
            }
            match doubts.of(lane(1)) {
                Some(readings) => { let _ = readings.put(&segment); }
                None => doubts.begin(&recent, lane(1), &segment),
            }
            proptest::prop_assert!(doubts.of(lane(1)).is_none_or(|readings| readings.count() <= 16));
        }
    }
}
