//! Each parser alone on one benign message: nanoseconds a message, best of five.
#![allow(missing_docs)]
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods)]

mod traffic;

use std::hint::black_box;
use std::time::Instant;

use traffic::{Noise, dns_answer, dns_query, hello, hello_record, quic};
use wardwatch::extract::session::Session;
use wardwatch::extract::{Context, Scratch};
use wardwatch::flow::stream::{Chunk, Cut};
use wardwatch::net::{Address, Endpoint, Side};
use wardwatch::observation::{Message, Observation, Observer};
use wardwatch::stats::Counter;

const ROUNDS: usize = 5;
const COUNT: u32 = 20_000;

/// Counts names, so that a parser that reads nothing is noticed.
struct Seen(u64);

impl Observer for Seen {
    fn seen(&mut self, observation: Observation<'_>) {
        black_box(&observation);
        self.0 += 1;
    }

    fn message(&mut self, message: Message<'_>) {
        black_box(&message);
    }

    fn count(&mut self, counter: Counter) {
        black_box(counter);
    }
}

fn measure(name: &str, ports: (u16, u16), bytes: &[u8], udp: bool) {
    let end = |last, port| Endpoint { address: Address::v4([192, 0, 2, last]), port };
    let (mut scratch, mut seen) = (Scratch::default(), Seen(0));
    let mut round = || {
        let begun = Instant::now();
        for _ in 0..COUNT {
            let mut session = Session::default();
            let mut cx = Context {
                source: end(1, ports.0),
                destination: end(2, ports.1),
                observer: &mut seen,
                scratch: &mut scratch,
            };
            if udp {
                session.datagram(Side::Low, bytes, &mut cx);
                black_box(&session);
            } else {
                let chunk = Chunk { bytes, from_start: true, after_gap: false, cut: Cut::None };
                let _ = black_box(session.stream(Side::Low, chunk, &mut cx));
            }
        }
        begun.elapsed().as_nanos() as f64 / f64::from(COUNT)
    };
    let best = (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min);
    println!("{name:18} {best:9.1} ns  {} bytes", bytes.len());
    assert!(seen.0 > 0, "{name}: nothing was read");
}

fn main() {
    let name = "www7.site42.office.example";
    let mut noise = Noise::new(5);
    measure("dns question", (50_000, 53), &dns_query(1, name), true);
    measure("dns answer", (53, 50_000), &dns_answer(1, name, [198, 18, 0, 1]), true);
    measure("dns, odd port", (50_000, 5300), &dns_query(1, name), true);
    measure("tls hello", (50_000, 443), &hello_record(name, &mut noise), false);
    let initial = quic::initial([7; 8], &hello(name, &mut noise));
    measure("quic initial", (50_000, 443), &initial, true);
    let request = format!(
        "GET /assets/page.html HTTP/1.1\r\nHost: {name}\r\nUser-Agent: Mozilla/5.0 bench\r\n\
         Accept: */*\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n\r\n"
    );
    measure("http request", (50_000, 80), request.as_bytes(), false);
}
