//! Makes the captures of `scripts/bench`, and feeds of a hundred thousand names and of a million.
//!
//! `captures DIR [MEGABYTES]` writes `office.pcap`, `handshakes.pcap`, `dns.pcap` (together that
//! many megabytes, about 1000 unless said), `turns.pcap` (a fifth of that more), `names.csv` and
//! `million.csv`. Seeded: always the same bytes.
#![allow(missing_docs)]
#![allow(clippy::print_stdout, clippy::unwrap_used)] // a program for the person who measures

mod traffic;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use traffic::{Noise, mixes};

const SEED: u64 = 20_260_101;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let Some(directory) = arguments.next() else {
        println!("captures: name a directory to write to; nothing made");
        return Ok(());
    };
    let directory = Path::new(&directory);
    let megabytes: u64 = arguments.next().map_or(1000, |text| text.parse().unwrap());
    std::fs::create_dir_all(directory)?;
    let file = |name: &str| {
        File::create(directory.join(name)).map(|file| BufWriter::with_capacity(1 << 20, file))
    };
    mixes::office(file("office.pcap")?, SEED, megabytes * 600_000)?;
    // About 800 bytes a flow, about 250 a question with its answer.
    mixes::handshakes(file("handshakes.pcap")?, SEED, megabytes * 1000)?;
    mixes::dns_flood(file("dns.pcap")?, SEED, megabytes * 600)?;
    mixes::turns(file("turns.pcap")?, SEED, megabytes * 200)?;
    feed(file("names.csv")?, 100_000, 0)?;
    feed(file("million.csv")?, 1_000_000, 300_000)
}

/// So many names and endpoints that no capture above holds, `domain` and `ip:port`.
fn feed(mut out: impl Write, names: u32, endpoints: u32) -> io::Result<()> {
    writeln!(out, "indicator,type,threat")?;
    let mut noise = Noise::new(SEED ^ 1);
    for number in 0..names {
        let site = noise.below(400_000);
        writeln!(out, "bad{number:x}.host{site}.test,domain,redline")?;
    }
    for number in 0..endpoints {
        let [_, a, b, c] = number.to_be_bytes();
        let port = 1024 + number % 50_000;
        writeln!(out, "100.{}.{b}.{c}:{port},ip:port,redline", 64 + a)?;
    }
    out.flush()
}
