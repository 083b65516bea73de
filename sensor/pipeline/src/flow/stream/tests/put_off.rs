//! What contradictions may cost, and that what is put off for it is read all the same.

use std::collections::HashSet;

use super::*;
use crate::net::{Address, Endpoint};

/// A parser of lines, of which it wants to see each from its beginning.
#[derive(Default)]
struct Lines {
    told: HashSet<Vec<u8>>,
    /// Bytes shown of other readings than the stream's own.
    again: usize,
}

impl Lines {
    fn show(&mut self, chunk: Chunk<'_>) -> Shown {
        let whole = chunk.bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines = chunk.bytes[..whole].split_inclusive(|byte| *byte == b'\n');
        self.told.extend(lines.map(|line| line.trim_ascii_end().to_vec()));
        Shown { verdict: Verdict::Consumed(whole as u64), told: whole > 0 }
    }

    fn has(&self, end: &str) -> bool {
        self.told.iter().any(|line| line.ends_with(end.as_bytes()))
    }
}

impl Reader for Lines {
    fn live(&mut self, chunk: Chunk<'_>, _: bool) -> Shown {
        self.show(chunk)
    }

    fn again(&mut self, chunk: Chunk<'_>, _: bool) -> Shown {
        self.again += chunk.bytes.len();
        self.show(chunk)
    }

    fn restart(&mut self) {}
}

/// Streams of many hosts that share what may be read again.
struct Office {
    credit: Credit,
    counters: Counters,
    limits: StreamLimits,
    time: Timestamp,
    frames: usize,
}

/// Longer than what comes before the name of a line.
const PAD: usize = 16 * 1024;

impl Office {
    fn new() -> Self {
        let (credit, counters, limits) = Default::default();
        Self { credit, counters, limits, time: Timestamp::new(1_000, 0), frames: 0 }
    }

    fn with(
        &mut self,
        host: u8,
        (stream, lines): &mut (Stream, Lines),
        act: impl FnOnce(&mut Stream, &Packet<'_>, &mut StreamWork<'_>, &mut Lines),
    ) {
        let source = Endpoint { address: Address::v4([192, 0, 2, host]), port: 40_000 };
        let packet = Packet { ttl: 64, source, ..Packet::default() };
        let Self { credit, counters, limits, time, .. } = self;
        credit.charge(source.address);
        let (time, may_begin, peer) = (*time, (|_| false) as fn(&[u8]) -> bool, Peer::default());
        let mut work = StreamWork { limits, time, may_begin, peer, credit, counters };
        act(stream, &packet, &mut work, lines);
    }

    fn push(&mut self, host: u8, flow: &mut (Stream, Lines), segment: &Segment<'_>) {
        self.frames += 1;
        self.time = self.time.after(10_000);
        self.with(host, flow, |stream, packet, work, lines| {
            stream.push((packet, segment), work, lines);
        });
    }

    /// A line whose end is a decoy, contradicted so often, and at last by its true end.
    fn flood(&mut self, host: u8, name: &str, contradictions: u32) -> (Stream, Lines) {
        let mut flow = Default::default();
        self.push(host, &mut flow, &syn(9));
        for at in (0..PAD).step_by(1024) {
            self.push(host, &mut flow, &segment(10 + at as u32, &[b'a'; 1024]));
        }
        let end = 10 + PAD as u32;
        self.push(host, &mut flow, &segment(end, &vec![b'?'; name.len()]));
        for n in 0..contradictions {
            let byte = [b'b' + (n.wrapping_mul(37) >> 2) as u8 % 20];
            self.push(host, &mut flow, &segment(end - 64 + n % 64, &byte));
        }
        self.push(host, &mut flow, &segment(end, name.as_bytes()));
        self.push(host, &mut flow, &segment(end + name.len() as u32, b"\n"));
        flow
    }
}

#[test]
fn a_host_that_floods_with_contradictions_waits_and_no_other_does() {
    const FLOWS: usize = 200;
    let mut office = Office::new();
    let names: Vec<_> = (0..FLOWS).map(|nth| format!("true-name-{nth:03}")).collect();
    let mut flows: Vec<_> = names.iter().map(|name| office.flood(1, name, 400)).collect();
    let waiting = flows.iter().filter(|(stream, _)| stream.has_put_off()).count();
    assert!(waiting > FLOWS - 10, "{waiting}");
    assert!(office.counters.get(Counter::ReadingsPutOff) > 50 * FLOWS as u64);
    // At the same time.
    let (_, lines) = office.flood(2, "another-host", 0);
    assert!(lines.has("another-host"));
    let mut again = 0;
    for (name, flow) in names.iter().zip(&mut flows) {
        office.with(1, flow, |stream, _, work, lines| {
            stream.settle(work, lines);
            assert!(!stream.has_put_off());
        });
        assert!(flow.1.has(name), "{name}");
        office.with(1, flow, |stream, _, work, lines| stream.finish(work, lines));
        again += flow.1.again;
    }
    assert!(again / office.frames <= 300, "{} bytes a frame", again / office.frames);
    assert!(again as u64 <= office.counters.get(Counter::BytesReadAgain));
}

#[test]
fn what_is_put_off_is_read_before_it_is_forgotten() {
    let mut office = Office::new();
    office.credit.charge(Address::v4([192, 0, 2, 1]));
    office.credit.spend(100 << 20);
    let mut flow = office.flood(1, "true-name", 3);
    assert!(flow.0.has_put_off() && !flow.1.has("true-name"));
    let from = 10 + PAD as u32 + 10;
    for at in (0..64 * 1024).step_by(1024) {
        office.push(1, &mut flow, &segment(from + at, &[&[b'z'; 1023][..], b"\n"].concat()));
    }
    assert!(flow.1.has("true-name"));
    assert_eq!(office.counters.get(Counter::ReadingsGivenUp), 0);
}

#[test]
fn what_was_read_and_has_changed_little_is_given_up_if_its_sender_owes_too_much() {
    let mut office = Office::new();
    let mut flow = Default::default();
    office.push(1, &mut flow, &syn(9));
    for at in (0..PAD as u32).step_by(1024) {
        office.push(1, &mut flow, &segment(10 + at, &[b'a'; 1024]));
    }
    office.push(1, &mut flow, &segment(700, b"b"));
    office.credit.spend(100 << 20);
    office.push(1, &mut flow, &segment(700, b"c"));
    for at in (0..256 * 1024).step_by(1024) {
        office.push(1, &mut flow, &segment(10 + PAD as u32 + at, &[b'a'; 1024]));
        office.with(1, &mut flow, |stream, _, work, lines| {
            stream.settle(work, lines);
        });
        office.push(1, &mut flow, &segment(10_000 + at, b"d"));
    }
    assert!(office.counters.get(Counter::ReadingsGivenUp) > 0);
}
