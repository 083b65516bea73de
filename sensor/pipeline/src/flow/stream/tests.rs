mod put_off;

use proptest::prelude::*;

use super::*;
use crate::decode::packet::TcpFlags;

/// A parser of length-prefixed words, that can also ask for bytes to be skipped: enough to make
/// every verdict. `[n][n bytes]`; n >= 0xf0 means "skip (n - 0xf0) * 50 bytes unseen".
#[derive(Default)]
struct Words {
    words: Vec<Vec<u8>>,
    cut: Vec<Vec<u8>>,
    /// What was read in other readings.
    again: Vec<Self>,
}

impl Words {
    fn show(&mut self, chunk: Chunk<'_>) -> Verdict {
        let mut at = 0usize;
        while let Some(&n) = chunk.bytes.get(at) {
            if n >= 0xf0 {
                at += 1 + usize::from(n - 0xf0) * 50;
                continue;
            }
            let Some(word) = chunk.bytes.get(at + 1..at + 1 + usize::from(n)) else { break };
            self.words.push(word.to_vec());
            at += 1 + usize::from(n);
        }
        if chunk.cut != Cut::None && at < chunk.bytes.len() {
            self.cut.push(chunk.bytes[at..].to_vec());
        }
        Verdict::Consumed(at as u64)
    }
}

fn segment(sequence: u32, payload: &[u8]) -> Segment<'_> {
    Segment { sequence, flags: TcpFlags(0x10), payload, ..Segment::default() }
}

fn syn(sequence: u32) -> Segment<'static> {
    Segment { sequence, flags: TcpFlags(0x02), ..Segment::default() }
}

impl Reader for Words {
    fn live(&mut self, chunk: Chunk<'_>, _: bool) -> Shown {
        let before = self.words.len();
        let verdict = self.show(chunk);
        Shown { verdict, told: self.words.len() > before }
    }

    fn again(&mut self, chunk: Chunk<'_>, fresh: bool) -> Shown {
        if fresh {
            self.again.push(Self::default());
        }
        let words = self.again.last_mut().unwrap();
        let before = words.words.len();
        let verdict = words.show(chunk);
        Shown { verdict, told: words.words.len() > before }
    }

    fn restart(&mut self) {}
}

struct Bench {
    stream: Stream,
    words: Words,
    credit: Credit,
    counters: Counters,
    limits: StreamLimits,
    time: Timestamp,
    packet: Packet<'static>,
    begins: fn(&[u8]) -> bool,
}

impl Bench {
    fn new() -> Self {
        Self {
            stream: Stream::default(),
            words: Words::default(),
            credit: Credit::default(),
            counters: Counters::default(),
            limits: StreamLimits::default(),
            time: Timestamp::default(),
            packet: Packet { ttl: 64, ..Packet::default() },
            begins: |_| false,
        }
    }

    fn with(
        &mut self,
        act: impl FnOnce(&mut Stream, &Packet<'_>, &mut StreamWork<'_>, &mut Words),
    ) {
        let Self { stream, words, credit, counters, limits, time, packet, begins } = self;
        let (time, peer) = (*time, Peer::default());
        let may_begin = *begins;
        let mut work = StreamWork { limits, time, may_begin, peer, credit, counters };
        act(stream, packet, &mut work, words);
    }

    fn push(&mut self, segment: &Segment<'_>) {
        self.with(|stream, packet, work, words| stream.push((packet, segment), work, words));
    }

    fn finish(&mut self) {
        self.with(|stream, _, work, words| stream.finish(work, words));
    }

    /// Was this word read in any reading?
    fn has(&self, word: &str) -> bool {
        let all = std::iter::once(&self.words).chain(&self.words.again);
        all.flat_map(|words| &words.words).any(|found| found == word.as_bytes())
    }
}

fn message(words: &[&str]) -> Vec<u8> {
    words.iter().flat_map(|word| [&[word.len() as u8], word.as_bytes()].concat()).collect()
}

#[test]
fn a_word_split_over_three_segments_is_read_when_the_last_arrives() {
    let bytes = message(&["evil.example"]);
    let mut bench = Bench::new();
    bench.push(&syn(9));
    bench.push(&segment(10, &bytes[..3]));
    bench.push(&segment(13, &bytes[3..7]));
    assert!(bench.words.words.is_empty());
    bench.push(&segment(17, &bytes[7..]));
    assert_eq!(bench.words.words, [b"evil.example".to_vec()]);
    assert!(!bench.stream.is_amid());
    bench.stream.let_go(bench.time, 0);
    assert_eq!(bench.stream.held_bytes(), 0);
}

#[test]
fn reversed_segments_are_put_in_order_with_or_without_the_syn() {
    let bytes = message(&["evil.example", "next"]);
    for with_syn in [true, false] {
        let mut bench = Bench::new();
        if with_syn {
            bench.push(&syn(u32::MAX - 4));
        }
        for start in (0..bytes.len()).step_by(4).rev() {
            let end = (start + 4).min(bytes.len());
            let sequence = (u32::MAX - 3).wrapping_add(start as u32);
            // Without a SYN nothing tells which segment is the first, so what the parser leaves
            // unconsumed must be able to move behind what comes later.
            bench.push(&segment(sequence, &bytes[start..end]));
        }
        bench.finish();
        assert!(bench.words.words.contains(&b"next".to_vec()), "syn {with_syn}");
        if with_syn {
            assert!(bench.words.words.contains(&b"evil.example".to_vec()));
        }
    }
}

#[test]
fn a_body_that_is_skipped_may_have_holes() {
    let mut bytes = message(&["first"]);
    bytes.push(0xf4);
    bytes.extend([b'x'; 200]);
    bytes.extend(message(&["second"]));
    let mut bench = Bench::new();
    bench.push(&segment(0, &bytes[..10]));
    bench.push(&segment(150, &bytes[150..]));
    assert_eq!(bench.words.words, [b"first".to_vec(), b"second".to_vec()]);
    assert_eq!(bench.counters.get(Counter::Gaps), 0);
}

#[test]
fn what_follows_a_body_longer_than_all_that_is_held_is_read() {
    let mut bench = Bench::new();
    let mut bytes = Vec::new();
    for _ in 0..300 {
        bytes.push(0xfe);
        bytes.extend([b'x'; 700]);
    }
    bytes.extend(message(&["second", "third"]));
    bench.push(&syn(9));
    // The parser wants it all to be skipped, as a body of known length.
    let mut from = 0;
    for length in [1, 300, 500, 77].into_iter().cycle() {
        let end = (from + length).min(bytes.len());
        bench.push(&segment(10 + from as u32, &bytes[from..end]));
        from = end;
        if from == bytes.len() {
            break;
        }
    }
    assert_eq!(bench.words.words, [b"second".to_vec(), b"third".to_vec()]);
}

#[test]
fn what_lies_far_ahead_ends_no_message() {
    for far in [3000, 40_000, 100_000] {
        let bytes = message(&["evil.example"]);
        let mut bench = Bench::new();
        bench.begins = |_| true;
        bench.push(&syn(9));
        bench.push(&segment(10 + far, b"decoy"));
        bench.push(&segment(10, &bytes[..6]));
        bench.time = Timestamp::new(5, 0);
        bench.with(|stream, _, work, words| stream.skip_hole(work, words));
        bench.push(&segment(16, &bytes[6..]));
        assert!(bench.has("evil.example"), "{far}");
    }
}

#[test]
fn a_hole_that_never_fills_is_skipped_after_its_time_and_said() {
    let mut bench = Bench::new();
    bench.push(&segment(0, &message(&["one"])));
    let late = message(&["two"]);
    bench.push(&segment(100, &late));
    assert_eq!(bench.words.words.len(), 1);
    bench.time = Timestamp::new(3, 0);
    bench.push(&segment(104, &message(&["three"])));
    assert_eq!(bench.words.words.len(), 3);
    assert_eq!(bench.counters.get(Counter::Gaps), 1);
}

#[test]
fn a_segment_cut_by_the_snap_length_shows_what_stands_and_goes_on_behind_it() {
    let mut bench = Bench::new();
    let cut = Segment { missing: 8, ..segment(0, b"\x0aevil") };
    bench.push(&cut);
    assert_eq!(bench.words.cut, [b"\x0aevil".to_vec()]);
    bench.push(&segment(13, &message(&["next"])));
    assert_eq!(bench.words.words, [b"next".to_vec()]);
}

#[test]
fn pending_bytes_at_the_limit_are_shown_as_cut_and_forgotten() {
    let mut bench = Bench::new();
    bench.limits.bytes = 100;
    bench.push(&segment(0, &[0xe0]));
    for n in 0..8u32 {
        bench.push(&segment(1 + n * 20, &[b'a'; 20]));
        assert!(bench.stream.held_bytes() < 2000);
    }
    assert!(bench.counters.get(Counter::StreamLimit) > 0);
}

#[test]
fn far_out_of_order_floods_stay_inside_the_limits() {
    let mut bench = Bench::new();
    bench.push(&segment(0, &[0xe0]));
    for n in 0..10_000u32 {
        bench.push(&segment(100 + n * 40, &[0xe0; 20]));
        assert!(bench.stream.held_bytes() < 512 * 1024, "{}", bench.stream.held_bytes());
    }
}

#[test]
fn a_syn_with_another_number_is_another_connection() {
    let mut stream = Bench::new();
    assert!(!stream.stream.is_other_connection(5));
    stream.push(&syn(5));
    assert!(!stream.stream.is_other_connection(5));
    assert!(stream.stream.is_other_connection(6));
}

#[test]
fn a_late_segment_fills_a_hole_that_was_skipped() {
    let bytes = message(&["evil.example", "next"]);
    let mut bench = Bench::new();
    bench.push(&syn(9));
    bench.push(&segment(16, &bytes[6..]));
    bench.time = Timestamp::new(5, 0);
    bench.with(|stream, _, work, words| stream.skip_hole(work, words));
    bench.push(&segment(10, &bytes[..6]));
    assert!(bench.has("evil.example") && bench.has("next"));
}

#[test]
fn a_contradiction_is_read_in_every_named_way() {
    let (decoy, truth) = (message(&["good.example"]), message(&["evil.example"]));
    let (first, second) = truth.split_at(1);
    for decoy_second in [true, false] {
        let mut bench = Bench::new();
        bench.push(&segment(10, first));
        let two = [&decoy[1..], second];
        bench.push(&segment(11, two[usize::from(!decoy_second)]));
        bench.push(&segment(11, two[usize::from(decoy_second)]));
        assert!(bench.has("good.example") && bench.has("evil.example"));
        assert!(bench.counters.get(Counter::OverlapConflicts) > 0);
    }
}

#[test]
fn a_copy_with_few_hops_loses_wherever_it_comes() {
    let (decoy, truth) = (message(&["good.example"]), message(&["evil.example"]));
    let mut bench = Bench::new();
    for (nth, (bad, good)) in decoy.iter().zip(&truth).enumerate() {
        let at = 10 + nth as u32;
        for decoy_now in [nth % 2 == 0, nth % 2 != 0] {
            bench.packet.ttl = if decoy_now { 3 } else { 64 };
            bench.push(&segment(at, &[if decoy_now { *bad } else { *good }]));
        }
    }
    assert!(bench.has("evil.example"));
}

#[test]
fn an_urgent_byte_is_read_in_the_stream_and_out_of_it() {
    let with = message(&["evZil.example"]);
    let mut without = message(&["evil.example"]);
    without[0] = 13;
    without.push(b'!');
    let mut header = [0; 20];
    header[18..20].copy_from_slice(&4_u16.to_be_bytes());
    let urgent = |payload| Segment {
        sequence: 10,
        flags: TcpFlags(0x30),
        header: &header,
        payload,
        ..Segment::default()
    };
    let mut bench = Bench::new();
    bench.push(&urgent(&[&with[..], b"!"].concat()));
    assert!(bench.has("evZil.example"));
    assert!(bench.has("evil.example!"));
}

#[test]
fn a_segment_far_away_does_not_end_a_message() {
    let bytes = message(&["evil.example"]);
    for far in [900_000_u32, 1 << 24, 1 << 30, 0_u32.wrapping_sub(100_000_000)] {
        let mut bench = Bench::new();
        bench.push(&syn(9));
        bench.push(&segment(10, &bytes[..5]));
        for n in 0..20 {
            bench.push(&segment(15_u32.wrapping_add(far + n * 2_000_000), b"decoy"));
        }
        bench.push(&segment(15, &bytes[5..]));
        assert!(bench.has("evil.example"), "{far}");
    }
}

#[test]
fn what_a_replaced_connection_left_over_is_still_completed() {
    let bytes = message(&["evil.example"]);
    let mut bench = Bench::new();
    bench.push(&syn(9));
    bench.push(&segment(10, &bytes[..5]));
    let mut left = Leftover::default();
    bench.with(|stream, _, work, words| left = stream.leave_over(work, words));
    bench.stream = Stream::default();
    bench.stream.open(700);
    bench.stream.take_over(left, bench.time);
    bench.push(&segment(701, b"\x01x"));
    bench.push(&segment(15, &bytes[5..]));
    assert!(bench.has("evil.example") && bench.has("x"));
}

/// Cuts `bytes` at arbitrary places and hands the segments over in an arbitrary order, some twice
/// and some overlapping their neighbours.
fn segmentation(length: usize) -> impl Strategy<Value = Vec<(usize, usize)>> {
    let ranges = prop::collection::vec(0..=length, 0..12).prop_map(move |mut cuts| {
        cuts.extend([0, length]);
        cuts.sort_unstable();
        cuts.dedup();
        cuts.windows(2).map(|w| (w[0], w[1])).collect::<Vec<_>>()
    });
    (ranges, prop::collection::vec((any::<prop::sample::Index>(), 0..9usize), 0..6)).prop_flat_map(
        move |(ranges, extra)| {
            let mut all = ranges.clone();
            for (index, overlap) in extra {
                if ranges.is_empty() {
                    continue;
                }
                let (start, end) = ranges[index.index(ranges.len())];
                all.push((start.saturating_sub(overlap), (end + overlap).min(length)));
            }
            Just(all).prop_shuffle()
        },
    )
}

proptest! {
    #[test]
    fn any_order_duplication_and_overlap_gives_the_same_words(
        (bytes, order) in prop::collection::vec((0..0xf4u8, prop::collection::vec(any::<u8>(), 0..60)), 1..9)
            .prop_map(|words| words.into_iter().flat_map(|(n, body)| {
                if n >= 0xf0 {
                    let mut skipped = vec![n];
                    skipped.resize(1 + usize::from(n - 0xf0) * 50, 7);
                    skipped
                } else {
                    let mut word = vec![body.len() as u8];
                    word.extend(body);
                    word
                }
            }).collect::<Vec<u8>>())
            .prop_flat_map(|bytes| { let n = bytes.len(); (Just(bytes), segmentation(n)) }),
        initial: u32,
    ) {
        let mut whole = Words::default();
        let _ = whole.show(Chunk { bytes: &bytes, from_start: true, after_gap: false, cut: Cut::End });
        let mut bench = Bench::new();
        bench.push(&syn(initial));
        for (start, end) in order {
            bench.push(&segment(initial.wrapping_add(1 + start as u32), &bytes[start..end]));
        }
        bench.finish();
        prop_assert_eq!(bench.words.words, whole.words);
        prop_assert_eq!(bench.stream.held_bytes(), 0);
    }

    #[test]
    fn arbitrary_segments_never_panic_nor_exceed_the_limits(
        segments in prop::collection::vec(
            (any::<u32>(), prop::collection::vec(any::<u8>(), 0..200), 0..30u32, 0..4u8, 0..5i64), 0..60),
    ) {
        let mut bench = Bench::new();
        bench.limits = StreamLimits { bytes: 1000, segments: 8, hole_nanos: 1_000_000_000 };
        for (sequence, payload, missing, near, wait) in segments {
            bench.time = Timestamp::new(bench.time.seconds() + wait, 0);
            let sequence = if near > 0 { bench.stream.next.wrapping_add(sequence % 500).wrapping_sub(250) } else { sequence };
            bench.push(&Segment { missing, ..segment(sequence, &payload) });
            prop_assert!(bench.stream.held_bytes() < 200_000, "{}", bench.stream.held_bytes());
        }
        bench.finish();
    }
}
