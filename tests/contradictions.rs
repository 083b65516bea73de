//! What contradicting segments cost a worker: a host that floods with them waits for its readings,
//! and no other host does; what waits is read soon, whatever goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at its environment

use crate::support;

use std::net::SocketAddr;
use std::sync::Arc;

use support::conversations::client_hello;
use support::packets::{self, ACK, SYN, Tcp};
use support::wire::{self, Link};
use wardwatch::alert::event::EventKinds;
use wardwatch::alert::{HomeNetworks, Origin, Outbox};
use wardwatch::capture::{Frame, LinkType};
use wardwatch::matching::IndicatorSet;
use wardwatch::net::Timestamp;
use wardwatch::stats::Counter;
use wardwatch::worker::{Assignment, Limits, Worker};

/// A worker that looks for names below evil.example, and the time of what it is shown.
struct Office {
    worker: Worker,
    frames: u64,
    time: i64,
}

/// One side of a connection, by the bytes it sends.
struct Sender {
    client: SocketAddr,
    server: SocketAddr,
}

impl Office {
    fn new() -> Self {
        let list = "indicator,type,scope\nevil.example,domain,subtree\n";
        let feed = ioc_feeds::format::load_bytes("list", list.as_bytes()).unwrap();
        let assignment = Assignment {
            limits: Limits::default(),
            home: HomeNetworks::default(),
            events: EventKinds::default(),
            origin: Origin::Capture("test".into()),
        };
        let set = Arc::new(IndicatorSet::build(feed.indicators, &[]));
        let worker = Worker::new(assignment, set, Outbox::keeping());
        Self { worker, frames: 0, time: wire::NINE_O_CLOCK }
    }

    /// Ten microseconds after the frame before.
    fn send(&mut self, sender: &Sender, offset: u32, flags: u8, payload: &[u8]) {
        self.frames += 1;
        self.time += 10_000;
        let header = Tcp { sequence: offset.wrapping_add(1001), acknowledgement: 1, flags };
        let packet = packets::tcp(sender.client, sender.server, header, payload);
        let data = &Link::plain().frame(&wire::from_client(packet))[..];
        self.worker.frame(&Frame {
            time: Timestamp(self.time),
            link: LinkType(1),
            wire_length: data.len() as u32,
            data,
            number: self.frames,
            stripped_vlan: None,
        });
    }

    fn idle(&mut self, milliseconds: i64) {
        self.time += milliseconds * 1_000_000;
        self.worker.idle(Timestamp(self.time));
    }

    fn count(&self, counter: Counter) -> u64 {
        self.worker.counters().get(counter)
    }

    /// A head of 16 KB, contradicted so often, whose last copy of the host is this one.
    fn contradicted_head(&mut self, sender: &Sender, host: &str, contradictions: u32) {
        let head = [&b"GET / HTTP/1.1\r\nX: "[..], &[b'a'; 16_000], b"\r\nHost: "].concat();
        self.send(sender, u32::MAX, SYN, &[]);
        for (part, offset) in head.chunks(1_400).zip((0..).step_by(1_400)) {
            self.send(sender, offset, ACK, part);
        }
        let end = head.len() as u32;
        let decoy = "x.good.example.".chars().cycle().take(host.len() - 1).collect::<String>();
        self.send(sender, end, ACK, format!("{decoy}x").as_bytes());
        for n in 0..contradictions {
            let byte = [b'b' + (n.wrapping_mul(37) >> 2) as u8 % 20];
            self.send(sender, end - 80 + n % 64, ACK, &byte);
        }
        self.send(sender, end, ACK, host.as_bytes());
        self.send(sender, end + host.len() as u32, ACK, b"\r\n\r\n");
    }

    /// A hello that comes in two pieces behind another one in its place.
    fn contradicted_hello(&mut self, sender: &Sender) {
        let [truth, decoy] = ["c2.evil.example", "ok.good.example"].map(client_hello);
        self.send(sender, u32::MAX, SYN, &[]);
        self.send(sender, 0, ACK, &decoy[..60]);
        let (first, second) = truth.split_at(50);
        self.send(sender, 0, ACK, first);
        self.send(sender, 60, ACK, &decoy[60..]);
        self.send(sender, 50, ACK, second);
    }
}

fn sender(client: u8, port: u16) -> Sender {
    let client = SocketAddr::from(([192, 0, 2, client], port));
    Sender { client, server: SocketAddr::from(([198, 51, 100, 2], 80)) }
}

#[test]
fn a_flood_of_contradictions_costs_little_a_frame_and_hides_neither_itself_nor_others() {
    const FLOWS: u16 = 200;
    let mut office = Office::new();
    for flow in 0..FLOWS {
        let name = format!("name-{flow:03}.evil.example");
        office.contradicted_head(&sender(1, 20_000 + flow), &name, 400);
    }
    let in_time = office.count(Counter::Hits);
    let put_off = office.count(Counter::ReadingsPutOff);
    eprintln!("{put_off} put off, {in_time} of {FLOWS} names told at once");
    assert!(put_off > 50 * u64::from(FLOWS) && in_time < u64::from(FLOWS) / 2);
    // Somebody else, while all of this waits.
    office.contradicted_hello(&sender(2, 30_000));
    assert_eq!(office.count(Counter::Hits), in_time + 1, "the hello of another host");
    let frames = office.frames;
    for _ in 0..8 {
        office.idle(500);
    }
    assert_eq!(office.count(Counter::Hits), u64::from(FLOWS) + 1, "within seconds, every name");
    office.worker.wind_up();
    let (frames, again) = (frames as usize, office.count(Counter::BytesReadAgain) as usize);
    eprintln!("{frames} frames, {again} bytes read again: {} a frame", again / frames);
    assert!(again / frames <= 400, "{} bytes a frame", again / frames);
    assert_eq!(office.count(Counter::ReadingsGivenUp), 0);
}

#[test]
fn a_flood_that_goes_on_delays_no_reading_for_longer_than_all_that_is_held_takes() {
    let mut office = Office::new();
    let flooding: Vec<_> = (0..100).map(|flow| sender(1, 20_000 + flow)).collect();
    for (nth, flow) in flooding.iter().enumerate() {
        office.contradicted_head(flow, &format!("x{nth:03}.good.example"), 3);
    }
    // It comes last, and everything before it contradicts itself again and again.
    office.contradicted_head(&sender(1, 30_000), "c2.evil.example", 3);
    assert_eq!(office.count(Counter::Hits), 0);
    for n in 0..60_u32 {
        for flow in &flooding {
            office.send(flow, 15_000 + n, ACK, &[b'b' + (n % 20) as u8]);
        }
        office.idle(100);
    }
    assert_eq!(office.count(Counter::Hits), 1);
}
