use proptest::prelude::*;

use super::*;
use crate::decode::packet::{Packet, Segment, TcpFlags};
use crate::flow::Peer;
use crate::flow::stream::{Chunk, Cut, Reader, Shown, Verdict};

const LIMIT: usize = 4096;
const NOW: Timestamp = Timestamp(0);

/// Notes every reading as text, holes as dots.
#[derive(Default)]
struct Texts {
    all: Vec<String>,
}

impl Reader for Texts {
    fn live(&mut self, _: Chunk<'_>, _: bool) -> Shown {
        unreachable!("a window has no parser of its own")
    }

    fn again(&mut self, chunk: Chunk<'_>, fresh: bool) -> Shown {
        if fresh {
            self.all.push(String::new());
        }
        let text = self.all.last_mut().unwrap();
        if chunk.after_gap {
            text.push('.');
        }
        text.push_str(std::str::from_utf8(chunk.bytes).unwrap());
        Shown { verdict: Verdict::Consumed(chunk.bytes.len() as u64), told: true }
    }

    fn restart(&mut self) {}
}

fn evidence(ttl: u8) -> Evidence {
    let segment = Segment { flags: TcpFlags(0x10), ..Segment::default() };
    Evidence::of(&Packet { ttl, ..Packet::default() }, &segment, Peer::default())
}

fn put(window: &mut Window, sequence: u32, text: &str, ttl: u8) -> Put {
    window.put((sequence, text.as_bytes()), &evidence(ttl), (LIMIT, NOW))
}

fn texts(window: &mut Window) -> Vec<String> {
    let mut texts = Texts::default();
    let _ = window.read((Cut::End, 0), &mut texts);
    texts.all
}

fn window(segments: &[(u32, &str, u8)]) -> Window {
    let mut window = Window::new(segments[0].0, true, NOW);
    for (sequence, text, ttl) in segments {
        put(&mut window, *sequence, text, *ttl);
    }
    window
}

#[test]
fn what_is_never_contradicted_has_one_reading() {
    let mut window = window(&[(4, "efgh", 64), (6, "ghij", 64), (12, "mn", 63)]);
    assert!(!window.is_contradicted());
    assert_eq!(texts(&mut window), ["efghij.mn"]);
}

#[test]
fn what_came_is_told_from_what_was_there() {
    let mut window = window(&[(4, "efgh", 64)]);
    let same = put(&mut window, 5, "fg", 64);
    assert_eq!(same, Put { inside: true, ..Put::default() });
    let more = put(&mut window, 6, "ghi", 64);
    assert_eq!(more, Put { inside: true, grew: true, changed: true, differs: false });
    let other = put(&mut window, 4, "E", 64);
    assert_eq!(other, Put { inside: true, grew: false, changed: true, differs: true });
    assert!(!put(&mut window, 4 + LIMIT as u32, "x", 64).inside);
}

#[test]
fn first_last_and_best_copy_are_read_whatever_their_order() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let copies = [("near", 3), ("best", 64), ("half", 30)];
        let mut window = window(&order.map(|nth| (9, copies[nth].0, copies[nth].1)));
        let texts = texts(&mut window);
        for text in ["best", copies[order[0]].0, copies[order[2]].0] {
            assert!(texts.iter().any(|found| found == text), "{text} in {texts:?}");
        }
    }
}

#[test]
fn alternating_decoys_leave_the_truth_in_one_reading() {
    let mut window = Window::new(0, true, NOW);
    for n in 0..200 {
        let truth = |window: &mut Window| put(window, n, "t", 64);
        if n % 3 == 0 {
            truth(&mut window);
        }
        put(&mut window, n, "d", 2);
        put(&mut window, n, "e", 9);
        if n % 3 != 0 {
            truth(&mut window);
        }
    }
    let texts = texts(&mut window);
    assert!(texts.contains(&"t".repeat(200)) && texts.len() <= 6, "{texts:?}");
}

#[test]
fn a_segment_before_all_others_makes_the_window_begin_earlier() {
    let mut window = window(&[(1000, "k", 64)]);
    window.starts_anywhere();
    for n in (900..1000).rev() {
        put(&mut window, n, "k", 64);
    }
    assert_eq!(texts(&mut window), ["k".repeat(101)]);
    assert!(window.cost() < 8 * LIMIT);
}

#[test]
fn what_is_forgotten_is_gone_and_the_rest_keeps_its_place() {
    let mut window = window(&[(0, "abcdef", 64), (4, "EF", 64), (9, "j", 64)]);
    window.forget_before(3);
    assert_eq!(texts(&mut window), ["def.j", "dEF.j"]);
    assert_eq!((window.base(), window.end_from(3), window.next_from(6)), (3, 6, Some(9)));
}

#[test]
fn urgent_bytes_are_read_in_and_out_all_or_only_the_last() {
    let mut window = window(&[(10, "evXilYx", 64)]);
    window.note_urgent(12, 1);
    window.note_urgent(15, 1);
    assert_eq!(texts(&mut window), ["evXilYx", "evXilx", "evilx"]);
}

#[test]
fn what_is_told_to_its_end_has_nothing_more_to_tell_when_nothing_follows() {
    let mut window = window(&[(0, "abc", 64), (0, "abd", 64)]);
    assert!(window.is_unread() && window.is_mostly_unread());
    let _ = window.read((Cut::None, 0), &mut Texts::default());
    assert!(!window.is_unread() && !window.has_an_end_to_read());
    put(&mut window, 9, "x", 64);
    let _ = window.read((Cut::None, 0), &mut Texts::default());
    assert!(window.has_an_end_to_read(), "what lies behind a hole");
}

proptest! {
    #[test]
    fn the_named_readings_agree_with_a_plain_model(
        segments in prop::collection::vec((0..40_u32, prop::collection::vec(b'a'..b'd', 1..9), 1..9_u8), 1..20),
    ) {
        let mut window = Window::new(0, false, NOW);
        let mut models = vec![[None::<(u8, u8)>; 64]; 4];
        for (sequence, bytes, ttl) in &segments {
            window.put((*sequence, bytes), &evidence(*ttl), (LIMIT, NOW));
            for (nth, byte) in bytes.iter().enumerate() {
                let at = *sequence as usize + nth;
                let wins = |rule: usize, old: Option<(u8, u8)>| match (rule, old) {
                    (_, None) | (1, _) => true,
                    (0, _) => false,
                    (2, Some((_, best))) => *ttl > best,
                    (_, Some((_, best))) => *ttl >= best,
                };
                for (rule, model) in models.iter_mut().enumerate() {
                    if wins(rule, model[at]) {
                        model[at] = Some((*byte, *ttl));
                    }
                }
            }
        }
        let found = texts(&mut window);
        for model in models {
            let text: String = model.iter().map(|byte| byte.map_or('.', |(byte, _)| byte as char)).collect();
            let mut text = text.trim_matches('.').to_owned();
            while text.contains("..") {
                text = text.replace("..", ".");
            }
            prop_assert!(found.contains(&text), "{} in {:?}", text, found);
        }
        prop_assert!(found.len() <= 6);
    }

    #[test]
    fn arbitrary_segments_never_panic_nor_exceed_the_limit(
        segments in prop::collection::vec((any::<u32>(), 0..4_u8, 0..6000_usize, any::<u8>()), 0..40),
        forgets in prop::collection::vec(any::<u32>(), 0..4),
    ) {
        let mut window = Window::new(7, false, NOW);
        for (nth, (sequence, near, length, ttl)) in segments.into_iter().enumerate() {
            let sequence = if near > 0 { sequence % 5000 } else { sequence };
            let text = char::from(b'a' + near).to_string().repeat(length);
            put(&mut window, sequence, &text, ttl);
            if let Some(at) = forgets.get(nth) {
                window.forget_before(at % 5000);
            }
            let _ = texts(&mut window);
            prop_assert!(window.cost() < 60 * LIMIT, "{}", window.cost());
        }
    }
}
