//! The floor: a bare libpcap loop over a capture that only counts. What `scan` costs is said as a
//! multiple of it.
//!
//! `floor FILE` prints packets and bytes.
#![allow(clippy::print_stdout, clippy::unwrap_used)] // a program for the person who measures

fn main() {
    let Some(path) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) else {
        println!("floor: name a capture to read it; nothing measured");
        return;
    };
    let mut capture = pcap::Capture::from_file(path).unwrap();
    let (mut packets, mut bytes) = (0_u64, 0_u64);
    while let Ok(packet) = capture.next_packet() {
        packets += 1;
        bytes += packet.data.len() as u64;
    }
    println!("{packets} packets, {bytes} bytes");
}
