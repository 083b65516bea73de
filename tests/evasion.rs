//! Evasion as a rule, not case by case: whatever a receiver drops, at any place, in any order and
//! any segmentation, hides no name; and what a receiver takes is read.
//!
//! Each case is made by a generator and shown to a worker. `WARDWATCH_EVASION_CASES` sets how many
//! are tried: a few by default, 100,000 by hand. With `WARDWATCH_KEEP_CAPTURES=DIR` the smallest
//! case that fails is written there, for a look with other programs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at its environment

use crate::support;

use std::net::SocketAddr;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use wardwatch::alert::event::EventKinds;
use wardwatch::alert::outbox::Record;
use wardwatch::alert::{HomeNetworks, Origin, Outbox};
use wardwatch::capture::{self, LinkType};
use wardwatch::matching::IndicatorSet;
use wardwatch::net::Timestamp;
use wardwatch::worker::{Assignment, Limits, Worker};

use support::conversations::{Hello, client_hello, http_get};
use support::packets::{self, ACK, FIN, PSH, Packet, RST, SYN, Tcp, TcpConversation};
use support::wire::{self, Link};

const EVIL: &str = "c2.evil.example";
const DECOY: &str = "ok.good.example";
const START: u32 = 0x1000_0001;

fn cases(few: u32) -> ProptestConfig {
    let cases = std::env::var("WARDWATCH_EVASION_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: cases.unwrap_or(few),
        // The few are the same every time; by hand, others are tried each time.
        rng_seed: if cases.is_some() { RngSeed::Random } else { RngSeed::Fixed(12) },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn client() -> SocketAddr {
    "192.0.2.10:50000".parse().unwrap()
}

fn server() -> SocketAddr {
    "198.51.100.2:443".parse().unwrap()
}

/// A packet so many nanoseconds after the one before.
type Timed = (i64, Vec<u8>);

/// A worker that looks for [`EVIL`] and keeps what it says.
fn worker() -> Worker {
    let list = format!("indicator,type\n{EVIL},domain\n");
    let feed = ioc_feeds::format::load_bytes("list", list.as_bytes()).unwrap();
    let assignment = Assignment {
        limits: Limits::default(),
        home: HomeNetworks::default(),
        events: EventKinds::all(),
        origin: Origin::Capture("test".into()),
    };
    let set = Arc::new(IndicatorSet::build(feed.indicators, &[]));
    Worker::new(assignment, set, Outbox::keeping())
}

/// Shows packets to a worker. The names that were alerted, and how many events there were.
fn read(worker: Worker, packets: &[Timed]) -> (Vec<String>, usize) {
    let frame = |packet: &Vec<u8>| Link::plain().frame(&wire::from_client(packet.clone()));
    let frames: Vec<Timed> = packets.iter().map(|(wait, packet)| (*wait, frame(packet))).collect();
    read_frames(worker, &frames)
}

fn read_frames(mut worker: Worker, frames: &[Timed]) -> (Vec<String>, usize) {
    let mut time = wire::NINE_O_CLOCK;
    for (number, (wait, data)) in frames.iter().enumerate() {
        time += wait;
        worker.frame(&capture::Frame {
            time: Timestamp(time),
            link: LinkType(1),
            wire_length: data.len() as u32,
            data,
            number: number as u64 + 1,
            stripped_vlan: None,
        });
    }
    worker.wind_up();
    let (mut names, mut events) = (Vec::new(), 0);
    for (_, record) in worker.take_records() {
        match record {
            Record::Alert(alert) => names.push(alert.seen),
            Record::Event(_) => events += 1,
            _ => {}
        }
    }
    (names, events)
}

fn alerts(packets: &[Timed]) -> bool {
    let found = read(worker(), packets).0.iter().any(|name| name.contains(EVIL));
    if !found && let Ok(directory) = std::env::var("WARDWATCH_KEEP_CAPTURES") {
        std::fs::write(format!("{directory}/evasion.pcap"), capture(packets)).unwrap();
    }
    found
}

/// The packets as a file, for a look with other programs.
fn capture(packets: &[Timed]) -> Vec<u8> {
    let mut time = wire::NINE_O_CLOCK;
    let frame = |(wait, packet): &Timed| {
        time += wait;
        let bytes = Link::plain().frame(&wire::from_client(packet.clone()));
        wire::Frame { time, bytes }
    };
    support::capture_file::pcap(&packets.iter().map(frame).collect::<Vec<_>>())
}

/// Why a receiver drops a segment, or what it makes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Spoil {
    Checksum,
    Hops,
    HeaderChecksum,
    NoAck,
    OldTimestamp,
    WrongAck,
    AckOfUnsent,
    Signed,
    Syn,
    Rst,
}

const SPOILS: [Spoil; 10] = [
    Spoil::Checksum,
    Spoil::Hops,
    Spoil::HeaderChecksum,
    Spoil::NoAck,
    Spoil::OldTimestamp,
    Spoil::WrongAck,
    Spoil::AckOfUnsent,
    Spoil::Signed,
    Spoil::Syn,
    Spoil::Rst,
];

/// A client's segment with a timestamp option.
fn stamped(sequence: u32, acknowledgement: u32, flags: u8, stamp: u32, payload: &[u8]) -> Vec<u8> {
    let mut options = vec![1, 1, 8, 10];
    options.extend(stamp.to_be_bytes());
    options.extend([0; 4]);
    packets::tcp_with(
        client(),
        server(),
        Tcp { sequence, acknowledgement, flags },
        &options,
        payload,
    )
}

const SERVER_NEXT: u32 = 0x2000_0001;

/// The true segment at an offset of the client's bytes.
fn truth(offset: usize, payload: &[u8]) -> Vec<u8> {
    stamped(START.wrapping_add(offset as u32), SERVER_NEXT, PSH | ACK, 5000, payload)
}

/// One that no receiver takes.
fn decoy(spoil: Spoil, offset: usize, payload: &[u8]) -> Vec<u8> {
    let sequence = START.wrapping_add(offset as u32);
    let flags = match spoil {
        Spoil::NoAck => PSH,
        Spoil::Syn => SYN,
        Spoil::Rst => RST,
        _ => PSH | ACK,
    };
    let sequence = if spoil == Spoil::Syn { sequence.wrapping_sub(1) } else { sequence };
    let stamp = if spoil == Spoil::OldTimestamp { 40 } else { 5000 };
    let acknowledgement = match spoil {
        Spoil::WrongAck => 0x7777_7777,
        Spoil::AckOfUnsent => SERVER_NEXT + 1000,
        _ => SERVER_NEXT,
    };
    let mut packet = match spoil {
        Spoil::Signed => {
            let options = [&[19, 18][..], &[7; 16], &[1, 1]].concat();
            let header = Tcp { sequence, acknowledgement, flags };
            packets::tcp_with(client(), server(), header, &options, payload)
        }
        _ => stamped(sequence, acknowledgement, flags, stamp, payload),
    };
    // What is dropped where it arrives may come farther than the truth.
    let hops = if spoil == Spoil::Hops { 3 } else { 255 };
    if spoil != Spoil::OldTimestamp {
        packets::set_hops(&mut packet, hops);
    }
    match spoil {
        Spoil::Checksum => packets::spoil_checksum(&mut packet),
        Spoil::HeaderChecksum => packet[10] ^= 0x55,
        _ => {}
    }
    packet
}

/// Makes the frame of a decoy with a payload at an offset.
type Decoys<'a> = dyn Fn(usize, &[u8]) -> Vec<u8> + 'a;

/// A connection in which each half of a hello stands between two decoys.
fn sandwich(decoys: &Decoys<'_>, opening: [Vec<u8>; 3]) -> Vec<Vec<u8>> {
    let link = Link::plain();
    let [syn, answer, last] = opening;
    let mut frames = vec![
        link.frame(&wire::from_client(syn)),
        link.frame(&wire::from_server(answer)),
        link.frame(&wire::from_client(last)),
    ];
    let (evil, good) = (client_hello(EVIL), client_hello(DECOY));
    let cut = evil.windows(4).position(|bytes| bytes == b"evil").unwrap() + 1;
    for (from, to) in [(0, cut), (cut, evil.len())] {
        frames.push(decoys(from, &good[from..to]));
        frames.push(link.frame(&wire::from_client(truth(from, &evil[from..to]))));
        frames.push(decoys(from, &good[from..to]));
    }
    frames
}

/// Something on the connection that is no data.
fn noise(kind: u8, far: u32) -> Vec<u8> {
    let at = START.wrapping_add(far);
    let flagged = |sequence, flags, payload: &[u8]| {
        let header = Tcp { sequence, acknowledgement: SERVER_NEXT, flags };
        packets::tcp(client(), server(), header, payload)
    };
    match kind % 7 {
        0 => flagged(at, RST, &[]),
        1 => flagged(at, FIN | ACK, &[]),
        2 => flagged(at, SYN, &[]),
        3 => flagged(at.wrapping_add(0x4000_0000), PSH | ACK, b"far away"),
        4 => flagged(at.wrapping_add(0x4000_0000), PSH | ACK, &client_hello(DECOY)),
        5 => flagged(at.wrapping_add(0x0100_0000), SYN, b"data"),
        _ => flagged(START.wrapping_sub(1), PSH | ACK, b"\0"),
    }
}

#[derive(Clone, Debug)]
struct Story {
    http: bool,
    /// Where the truth is cut, in parts of its length.
    cuts: Vec<u16>,
    /// Order of its segments.
    order: Vec<u16>,
    reordered: bool,
    /// Decoys: after which true segment, how spoiled, where, how long, and of what.
    decoys: Vec<(u16, usize, u16, u16, u8)>,
    noise: Vec<(u16, u8, u32)>,
    wait: i64,
    handshake: bool,
}

fn story() -> impl Strategy<Value = Story> {
    let decoy = (any::<u16>(), 0..SPOILS.len(), any::<u16>(), any::<u16>(), 0..4_u8);
    let noise = (any::<u16>(), any::<u8>(), prop_oneof![0..300_u32, any::<u32>()]);
    (
        any::<bool>(),
        prop::collection::vec(any::<u16>(), 0..7),
        prop::collection::vec(any::<u16>(), 8),
        any::<bool>(),
        prop::collection::vec(decoy, 0..10),
        prop::collection::vec(noise, 0..4),
        prop_oneof![4 => Just(1_000_000_i64), 1 => Just(3_000_000_000), 1 => Just(11_000_000_000)],
        prop::bool::weighted(0.97),
    )
        .prop_map(|(http, cuts, order, reordered, decoys, noise, wait, handshake)| Story {
            http,
            cuts,
            order,
            reordered,
            decoys,
            noise,
            wait,
            handshake,
        })
}

impl Story {
    fn packets(&self) -> Vec<Timed> {
        let say = |name| if self.http { http_get(name, "/a") } else { client_hello(name) };
        let (true_bytes, false_bytes) = (say(EVIL), say(DECOY));
        let length = true_bytes.len();
        let at = |part: u16| usize::from(part) * length / 65_536;
        let mut cuts: Vec<usize> =
            self.cuts.iter().map(|cut| at(*cut)).chain([0, length]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let mut parts: Vec<(usize, usize)> = cuts.windows(2).map(|two| (two[0], two[1])).collect();
        // Where it is not known where the stream begins, its first bytes come first.
        if self.reordered && self.handshake {
            let mut keyed: Vec<_> = self.order.iter().cycle().zip(parts).collect();
            keyed.sort_by_key(|(key, _)| **key);
            parts = keyed.into_iter().map(|(_, part)| part).collect();
        }
        let mut out: Vec<Timed> = Vec::new();
        if self.handshake {
            out.extend(TcpConversation::new(client(), server()).packets().into_iter().map(plain));
        }
        for nth in 0..=parts.len() {
            let here = |when: &u16| usize::from(*when) % (parts.len() + 1) == nth;
            for (_, spoil, from, long, of) in self.decoys.iter().filter(|decoy| here(&decoy.0)) {
                // Nor what the other side may have sent.
                let forgotten = !self.handshake || self.wait > 10_000_000_000;
                let of_acks = [Spoil::WrongAck, Spoil::AckOfUnsent].contains(&SPOILS[*spoil]);
                // A reset connection that was silent for so long is a new one.
                if forgotten && (of_acks || SPOILS[*spoil] == Spoil::Rst) {
                    continue;
                }
                let from = at(*from);
                let to = (from + 1 + at(*long)).min(length);
                let junk = vec![b'z'; length];
                let bytes: &[u8] = match of {
                    0 => &junk,
                    1 => &true_bytes,
                    _ => &false_bytes,
                };
                let (from, to) = if *of == 3 { (0, length) } else { (from, to) };
                out.push((1_000_000, decoy(SPOILS[*spoil], from, &bytes[from..to])));
            }
            for (_, kind, far) in self.noise.iter().filter(|noise| here(&noise.0)) {
                // Where neither SYN nor acknowledgement is seen, nothing tells which place of the
                // sequence space is the true one.
                if !self.handshake && kind % 7 > 2 || self.wait > 10_000_000_000 && kind % 7 == 0 {
                    continue;
                }
                out.push((1_000_000, noise(*kind, *far)));
            }
            if let Some((from, to)) = parts.get(nth) {
                // What was joined in its middle is read past a hole after two seconds.
                let wait = if self.handshake { self.wait } else { 1_000_000 };
                out.push((wait, truth(*from, &true_bytes[*from..*to])));
            }
        }
        out
    }
}

fn plain(packet: Packet) -> Timed {
    (1_000_000, packet.bytes)
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn no_decoy_hides_a_name_in_any_segmentation_and_order(story in story()) {
        prop_assert!(alerts(&story.packets()));
    }

    #[test]
    fn no_fragment_that_is_dropped_hides_a_name(
        six in any::<bool>(),
        cuts in prop::collection::vec(1..20_usize, 1..6),
        order in prop::collection::vec(any::<u16>(), 8),
        decoys in prop::collection::vec((any::<u16>(), any::<bool>(), any::<u16>(), 1..20_usize, any::<bool>()), 0..8),
        wait in prop_oneof![3 => Just(1_000_000_i64), 1 => Just(2_500_000_000)],
    ) {
        let packets = fragments(six, &cuts, &order, &decoys, wait);
        prop_assert!(alerts(&packets));
    }

    #[test]
    fn urgent_bytes_amid_the_name_are_taken_out(
        places in prop::collection::btree_set(1..15_usize, 1..4),
        cut in 0..60_usize,
        together in any::<bool>(),
    ) {
        prop_assert!(alerts(&urgent(&places.into_iter().collect::<Vec<_>>(), cut, together)));
    }

    #[test]
    fn the_same_bytes_again_say_nothing_twice(
        cuts in prop::collection::vec(1..400_usize, 0..6),
        again in prop::collection::vec(any::<u16>(), 0..12),
        http in any::<bool>(),
    ) {
        let bytes = if http { [http_get(EVIL, "/a"), http_get(DECOY, "/b")].concat() } else { client_hello(EVIL) };
        let mut offsets = vec![0];
        for cut in cuts {
            offsets.push((offsets[offsets.len() - 1] + cut).min(bytes.len()));
        }
        offsets.push(bytes.len());
        offsets.dedup();
        let parts: Vec<(usize, usize)> = offsets.windows(2).map(|two| (two[0], two[1])).collect();
        let mut packets: Vec<Timed> =
            TcpConversation::new(client(), server()).packets().into_iter().map(plain).collect();
        for (nth, (from, to)) in parts.iter().enumerate() {
            packets.push((1_000_000, truth(*from, &bytes[*from..*to])));
            for again in again.iter().filter(|again| usize::from(**again) % parts.len() <= nth) {
                let (from, to) = parts[usize::from(*again) % parts.len()];
                packets.push((1_000_000, truth(from, &bytes[from..to])));
            }
        }
        let (names, events) = read(worker(), &packets);
        prop_assert_eq!((names.len(), events), (1, if http { 2 } else { 1 }));
    }
}

/// A question in an IP packet, cut into fragments, with fragments between them that are dropped on
/// their way.
fn fragments(
    six: bool,
    cuts: &[usize],
    order: &[u16],
    decoys: &[(u16, bool, u16, usize, bool)],
    wait: i64,
) -> Vec<Timed> {
    let ends: [SocketAddr; 2] = match six {
        true => ["[2001:db8::10]:50000", "[2001:db8::53]:80"].map(|end| end.parse().unwrap()),
        false => ["192.0.2.10:50000", "198.51.100.2:80"].map(|end| end.parse().unwrap()),
    };
    let header = Tcp { sequence: START, acknowledgement: 1, flags: PSH | ACK };
    let whole = packets::tcp(ends[0], ends[1], header, &http_get(EVIL, "/a"));
    let head = if six { 40 } else { 20 };
    let data = whole[head..].to_vec();
    let mut places = vec![0];
    for cut in cuts.iter().cycle() {
        let next = places[places.len() - 1] + cut * 8;
        if next >= data.len() {
            break;
        }
        places.push(next);
    }
    places.push(data.len());
    let mut parts: Vec<_> =
        order.iter().cycle().zip(places.windows(2).map(|two| (two[0], two[1]))).collect();
    parts.sort_by_key(|(key, _)| **key);
    if parts.len() < 2 {
        return vec![(0, whole)];
    }
    let mut out = Vec::new();
    for nth in 0..=parts.len() {
        for (when, hops, from, blocks, last) in decoys {
            if usize::from(*when) % (parts.len() + 1) != nth {
                continue;
            }
            let from = usize::from(*from) % data.len() / 8 * 8;
            let to = (from + blocks * 8).min(data.len());
            let to = if *last { to } else { to.min(data.len() - 1) / 8 * 8 };
            if to <= from {
                continue;
            }
            // What is the last fragment or not is told by the length of the whole it is cut from.
            let cut_from = if *last { whole[..head + to].to_vec() } else { whole.clone() };
            let mut decoy = packets::fragment(&cut_from, 77, (from, to), &vec![b'z'; to]);
            match *hops || six {
                true => packets::set_hops(&mut decoy, 3),
                false => decoy[10] ^= 0x55,
            }
            out.push((1_000_000, decoy));
        }
        if let Some((_, (from, to))) = parts.get(nth) {
            out.push((wait, packets::fragment(&whole, 77, (*from, *to), &data)));
        }
    }
    out
}

/// A request with urgent bytes amid its name, in one segment or cut.
fn urgent(places: &[usize], cut: usize, together: bool) -> Vec<Timed> {
    let mut bytes = http_get(EVIL, "/a");
    let name = bytes.windows(4).position(|bytes| bytes == b"evil").unwrap() - 3;
    let at: Vec<usize> = places.iter().enumerate().map(|(nth, place)| name + place + nth).collect();
    for place in &at {
        bytes.insert(*place, b'Z');
    }
    // Each urgent byte ends a segment, as the sender's call does; the rest follows.
    let mut ends = at.iter().map(|place| place + 1).collect::<Vec<_>>();
    if together {
        ends = vec![ends[0]];
        bytes = http_get(EVIL, "/a");
        bytes.insert(at[0], b'Z');
    }
    let mut packets: Vec<Timed> =
        TcpConversation::new(client(), server()).packets().into_iter().map(plain).collect();
    let mut from = 0;
    for end in &ends {
        let first = cut.min(end - 1).max(from);
        if first > from {
            packets.push((1_000_000, truth(from, &bytes[from..first])));
        }
        let mut segment = truth(first, &bytes[first..*end]);
        packets::set_urgent(&mut segment, (*end - first) as u16);
        packets.push((1_000_000, segment));
        from = *end;
    }
    packets.push((1_000_000, truth(from, &bytes[from..])));
    packets
}

/// Frames of another conversation, as many as are asked for.
fn others(count: u32) -> impl Iterator<Item = Timed> {
    (0..count).map(|n| {
        let host: SocketAddr = (std::net::Ipv4Addr::from(0x0a00_0000 + n), 40_000).into();
        (1_000, packets::udp(host, "198.51.100.9:9999".parse().unwrap(), b"noise"))
    })
}

#[test]
fn a_half_of_a_hello_outlives_floods_of_other_flows_and_a_long_silence() {
    let hello = client_hello(EVIL);
    let half = hello.len() / 2;
    for seconds in [1, 901, 7200] {
        let mut packets = vec![(0, truth(0, &hello[..half]))];
        packets.extend(others(300_000));
        packets.push((seconds * 1_000_000_000, truth(half, &hello[half..])));
        assert!(alerts(&packets), "{seconds}");
    }
}

#[test]
fn a_hello_of_the_largest_size_is_read_in_any_order() {
    let hello = Hello::new(EVIL).padding(60_000).bytes();
    for reversed in [false, true] {
        let mut parts: Vec<Timed> = hello
            .chunks(1400)
            .enumerate()
            .map(|(nth, part)| (1_000_000, truth(nth * 1400, part)))
            .collect();
        if reversed {
            parts.reverse();
        }
        let handshake = TcpConversation::new(client(), server()).packets().into_iter().map(plain);
        let all: Vec<Timed> = handshake.chain(parts).collect();
        assert!(alerts(&all), "{reversed}");
    }
}

#[test]
fn a_mirrors_copy_is_dropped_only_where_its_twin_was_read() {
    let hello = client_hello(EVIL);
    let half = hello.len() / 2;
    let wake = packets::udp(client(), server(), b"wake");
    let second = truth(half, &hello[half..]);
    let syn = packets::tcp(
        client(),
        server(),
        Tcp { sequence: 7, acknowledgement: 0, flags: SYN },
        b"QQQQ",
    );
    let syn_alone =
        packets::tcp(client(), server(), Tcp { sequence: 7, acknowledgement: 0, flags: SYN }, &[]);
    for decoy in [syn, syn_alone] {
        let mut packets = vec![(0, wake.clone()), (1_000, wake.clone())];
        packets.extend(TcpConversation::new(client(), server()).packets().into_iter().map(plain));
        for packet in [second.clone(), decoy, truth(0, &hello[..half]), second.clone()] {
            packets.push((1_000, packet));
        }
        let (names, _) = read(worker().without_copies(), &packets);
        assert_eq!(names.len(), 1);
    }
}

#[test]
fn a_segment_for_other_hardware_or_older_than_the_connection_hides_no_name() {
    let link = Link::plain();
    let elsewhere = |offset: usize, payload: &[u8]| {
        let mut packet = truth(offset, payload);
        packets::set_hops(&mut packet, 255);
        let mut frame = link.frame(&wire::from_client(packet));
        frame[..6].copy_from_slice(&[2, 0xee, 0xee, 0xee, 0xee, 0xee]);
        frame
    };
    let older = |offset: usize, payload: &[u8]| {
        let at = START.wrapping_add(offset as u32);
        let mut packet = stamped(at, SERVER_NEXT, PSH | ACK, 100, payload);
        packets::set_hops(&mut packet, 255);
        link.frame(&wire::from_client(packet))
    };
    let opening = || {
        let answer = Tcp { sequence: SERVER_NEXT - 1, acknowledgement: START, flags: SYN | ACK };
        let options = [&[1, 1, 8, 10][..], &77_u32.to_be_bytes(), &5000_u32.to_be_bytes()].concat();
        [
            stamped(START - 1, 0, SYN, 5000, &[]),
            packets::tcp_with(server(), client(), answer, &options, &[]),
            stamped(START, SERVER_NEXT, ACK, 5000, &[]),
        ]
    };
    let decoys: [&Decoys<'_>; 2] = [&elsewhere, &older];
    for (nth, decoys) in decoys.into_iter().enumerate() {
        let frames: Vec<Timed> =
            sandwich(decoys, opening()).into_iter().map(|frame| (1_000_000, frame)).collect();
        let (names, _) = read_frames(worker(), &frames);
        assert!(names.iter().any(|name| name == EVIL), "{nth}: {names:?}");
    }
}
