//! The floor: a bare libpcap loop over a capture that only counts. What `scan` costs is said as a
//! multiple of it.
//!
//! `floor FILE` prints packets and bytes. `floor PACKETS INTERFACE` counts what comes in on
//! an interface, opened as the sensor opens it, until so many packets have come.
#![allow(missing_docs)]
#![allow(clippy::print_stdout, clippy::unwrap_used)] // a program for the person who measures

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let Some(first) = arguments.next() else {
        println!("floor: name a capture to read it; nothing measured");
        return;
    };
    let (packets, bytes) = match arguments.next() {
        None => count(pcap::Capture::from_file(first).unwrap(), u64::MAX),
        Some(interface) => {
            let capture = pcap::Capture::from_device(interface.as_str()).unwrap().promisc(true);
            let capture = capture.timeout(2).snaplen(262_144).buffer_size(32 << 20);
            count(capture.open().unwrap(), first.parse().unwrap())
        }
    };
    println!("{packets} packets, {bytes} bytes");
}

/// Packets and bytes until the end, or so many packets.
fn count<T: pcap::Activated>(mut capture: pcap::Capture<T>, most: u64) -> (u64, u64) {
    let (mut packets, mut bytes) = (0_u64, 0_u64);
    while packets < most
        && let Ok(packet) = capture.next_packet()
    {
        packets += 1;
        bytes += packet.data.len() as u64;
    }
    (packets, bytes)
}
