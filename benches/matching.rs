//! The matcher alone: nanoseconds an observation, best of five, for few and for a million names.
#![allow(missing_docs)]
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods)]

mod traffic;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use traffic::{Noise, unique_name};
use wardwatch::matching::{IndicatorSet, Matcher};
use wardwatch::net::{Address, Endpoint};
use wardwatch::observation::{Kind, Observation, Value};

const ROUNDS: usize = 5;
const COUNT: usize = 200_000;

fn set(names: u32) -> Arc<IndicatorSet> {
    let mut text = String::from("indicator,type,threat\n");
    let mut noise = Noise::new(3);
    for number in 0..names {
        let site = noise.below(400_000);
        text.push_str(&format!("bad{number:x}.host{site}.test,domain,redline\n"));
        if number % 3 == 0 {
            let [_, a, b, c] = number.to_be_bytes();
            text.push_str(&format!("100.{}.{b}.{c}:443,ip:port,redline\n", 64 + a));
        }
    }
    let loaded = ioc_feeds::format::load_bytes("bench", text.as_bytes()).unwrap();
    Arc::new(IndicatorSet::build(loaded.indicators, &[]))
}

fn time(mut round: impl FnMut() -> u64) -> (f64, u64) {
    let mut hits = 0;
    let best = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            hits = round();
            begun.elapsed().as_nanos() as f64 / COUNT as f64
        })
        .fold(f64::INFINITY, f64::min);
    (best, hits)
}

fn main() {
    let mut noise = Noise::new(11);
    let benign: Vec<String> = (0..COUNT as u64).map(|n| unique_name(n, &mut noise)).collect();
    let near: Vec<String> = (0..COUNT).map(|n| format!("x{n}.host{}.test", n % 400_000)).collect();
    let ends: Vec<Endpoint> = (0..COUNT)
        .map(|_| {
            let [a, b, c, d, ..] = noise.next().to_be_bytes();
            Endpoint { address: Address::v4([a, b, c, d]), port: 443 }
        })
        .collect();
    println!("{:>10} {:>8} {:>10} {:>10}", "names", "benign", "same site", "endpoint");
    for names in [1_000, 60_000, 1_000_000] {
        let mut matcher = Matcher::new(set(names));
        let mut ask = |value: Value<'_>| {
            let mut hits = 0;
            matcher.find(&Observation { kind: Kind::DnsQuery, value }, &mut |_| hits += 1);
            black_box(hits)
        };
        let (far, none) = time(|| benign.iter().map(|name| ask(Value::Name(name))).sum());
        let (same, _) = time(|| near.iter().map(|name| ask(Value::Name(name))).sum());
        let (end, _) = time(|| ends.iter().map(|end| ask(Value::Endpoint(*end))).sum());
        println!("{names:10} {far:8.1} {same:10.1} {end:10.1}");
        assert_eq!(none, 0, "a benign name was met");
    }
}
