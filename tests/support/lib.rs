//! What integration tests share: packets, capture files, conversations, and running the binary.
//!
//! A crate, so that it is compiled once for all of them; they call it `support`. It uses none of the
//! sensor's own code, so that a mistake in a parser cannot hide in the bytes it is tested with.
//!
//! ```text
//!  conversations   what hosts say to each other      bytes of DNS, TLS, HTTP, DHCP, NTP
//!  behaviours      what the malware says, and near misses
//!       ▼
//!  packets         how that travels                  IP packets: TcpConversation, udp, icmp_echo
//!       ▼
//!  wire, office    when, and in which frames         Frame: Ethernet with or without VLAN tags
//!       ▼
//!  capture_file    pcap, pcapng, gzip                what `scan` reads
//!       ▼
//!  run             the real binary                   stdout, stderr, exit code, EVE lines
//!       ▼
//!  verdict         what it said                      contacts: client, threat, indicator, where
//!  netns, mirror   the real binary on a mirror port made of a network namespace
//! ```
#![allow(missing_docs)] // for tests; what is not plain says what it is
#![allow(clippy::new_without_default, clippy::should_implement_trait)] // nobody else calls it
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
// ^ a test that cannot build its bytes must stop; clippy knows tests, not their helpers

pub mod behaviours;
pub mod capture_file;
pub mod conversations;
pub mod doctor;
pub mod encapsulation;
pub mod mirror;
pub mod netns;
pub mod office;
pub mod packets;
pub mod quic;
pub mod run;
pub mod verdict;
pub mod wire;

/// A small generator of repeatable noise (xorshift64*): same seed, same bytes, on every machine.
#[derive(Clone, Debug)]
pub struct Noise(u64);

impl Noise {
    /// Noise of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next 64 bits.
    #[allow(clippy::should_implement_trait)] // it never ends, so there is no Option
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number from 0 to one below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.next() >> 32) as u8).collect()
    }
}
