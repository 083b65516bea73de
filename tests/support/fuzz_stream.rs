//! The body for a TCP stream's reassembly: a message in any pieces and any order, alone or between
//! segments that contradict it.
//!
//! Promises: every word of a message that stands alone is read; what is held stays below its bound,
//! and the bytes shown to parsers are few for each byte that came, whatever contradicts it.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(unreachable_pub)] // included by several crates

use std::collections::HashSet;

use wardwatch::decode::packet::{Packet, Segment, TcpFlags};
use wardwatch::flow::stream::{Reader, Shown, StreamWork};
use wardwatch::flow::{Chunk, Credit, Stream, StreamLimits, Verdict};
use wardwatch::net::Timestamp;
use wardwatch::stats::Counters;

use super::fuzz_bodies::count_read;

/// Sequence number of the SYN.
const INITIAL: u32 = 0xffff_ff00;
/// Words of the message.
const WORDS: u8 = 60;
/// Segments pushed at most, decoys included.
const SEGMENTS: usize = 400;
/// Bytes that a stream and its bookkeeping may hold beside its limit.
const BESIDE: usize = 256 * 1024;

/// Reads words, each behind its length.
#[derive(Default)]
struct Words {
    read: HashSet<Vec<u8>>,
    shown: usize,
}

impl Words {
    fn show(&mut self, chunk: Chunk<'_>) -> Shown {
        self.shown += chunk.bytes.len();
        let (mut at, mut told) = (0, false);
        while let Some((length, rest)) = chunk.bytes[at..].split_first() {
            let Some(word) = rest.get(..usize::from(*length)) else { break };
            told |= self.read.insert(word.to_vec());
            at += 1 + word.len();
        }
        Shown { verdict: Verdict::Consumed(at as u64), told }
    }
}

impl Reader for Words {
    fn live(&mut self, chunk: Chunk<'_>, _: bool) -> Shown {
        self.show(chunk)
    }
    fn again(&mut self, chunk: Chunk<'_>, _: bool) -> Shown {
        self.show(chunk)
    }
    fn restart(&mut self) {}
}

/// A stream and what pushes into it.
struct Pushed {
    stream: Stream,
    words: Words,
    credit: Credit,
    counters: Counters,
    bytes: usize,
    now: Timestamp,
}

impl Pushed {
    fn work(&mut self, act: impl FnOnce(&mut Stream, &mut StreamWork<'_>, &mut Words)) {
        let limits = StreamLimits::default();
        let (time, credit, counters) = (self.now, &mut self.credit, &mut self.counters);
        let mut work = StreamWork {
            limits: &limits,
            time,
            may_begin: |_| false,
            peer: Default::default(),
            credit,
            counters,
        };
        act(&mut self.stream, &mut work, &mut self.words);
    }

    fn segment(&mut self, sequence: u32, flags: u8, payload: &[u8], ttl: u8) {
        self.bytes += payload.len();
        let packet = Packet { ttl, ..Packet::default() };
        let flags = TcpFlags(flags);
        let segment = Segment { sequence, flags, payload, ..Segment::default() };
        self.work(|stream, work, words| stream.push((&packet, &segment), work, words));
        let held = self.stream.held_bytes();
        assert!(held <= StreamLimits::default().bytes + BESIDE, "{held} bytes are held");
    }
}

/// A message cut and ordered as the input says, alone or with decoys of its choice.
pub fn stream(data: &[u8]) {
    let Some(([shuffle, size], rest)) = data.split_first_chunk::<2>() else { return };
    let words: Vec<Vec<u8>> = (0..WORDS).map(|n| format!("word-{n:02}").into_bytes()).collect();
    let message: Vec<u8> =
        words.iter().flat_map(|word| [&[word.len() as u8], &word[..]].concat()).collect();
    let mut parts: Vec<(usize, &[u8])> = Vec::new();
    let mut at = 0;
    while at < message.len() {
        let cut = rest.get(parts.len()).map_or(*size, |byte| byte ^ size) & 0x7f;
        let end = (at + 1 + usize::from(cut)).min(message.len());
        parts.push((at, &message[at..end]));
        at = end;
    }
    // Any order: each place swaps with one the input names.
    for place in 0..parts.len() {
        let other =
            place + usize::from(shuffle.wrapping_mul(place as u8 | 1)) % (parts.len() - place);
        parts.swap(place, other);
    }
    let now = Timestamp::new(1_700_000_000, 0);
    let (stream, words_read, credit, counters) = Default::default();
    let mut pushed = Pushed { stream, words: words_read, credit, counters, bytes: 0, now };
    pushed.segment(INITIAL, 2, b"", 64);
    let mut parts = parts.into_iter();
    // Half of the inputs are without decoys: then nothing may be missing.
    let with_decoys = size & 0x80 != 0;
    let mut decoys = rest.chunks_exact(4).take(if with_decoys { SEGMENTS } else { 0 });
    loop {
        let (part, decoy) = (parts.next(), decoys.next());
        if let Some([place, more, length, wait]) = decoy {
            let offset = u32::from(u16::from_be_bytes([more & 1, *place]));
            let bytes = vec![*wait; usize::from(length % 64)];
            pushed.now = pushed.now.after(u64::from(*wait) * 1_000_000);
            pushed.segment(INITIAL.wrapping_add(1 + offset), 0x18, &bytes, 1 + more % 40);
        }
        match part {
            Some((offset, bytes)) => {
                pushed.segment(INITIAL.wrapping_add(1 + offset as u32), 0x18, bytes, 64);
            }
            None if decoy.is_none() => break,
            None => {}
        }
    }
    pushed.work(|stream, work, words| stream.finish(work, words));
    let missing: Vec<_> = words.iter().filter(|word| !pushed.words.read.contains(*word)).collect();
    assert!(with_decoys || missing.is_empty(), "{} of {WORDS} words are not read", missing.len());
    let seconds = usize::try_from(pushed.now.since(now) / 1_000_000_000).unwrap_or(0);
    let fair = 64 * pushed.bytes + (seconds + 2) * 1024 * 1024;
    assert!(pushed.words.shown <= fair, "{} bytes shown of {}", pushed.words.shown, pushed.bytes);
    count_read();
}
