//! Seeded traffic for benchmarks: the same seed gives the same bytes on every machine.
//!
//! Written apart from the sensor and from `tests/support`, because it must make a gigabyte in
//! seconds: frames are built in one reused buffer, bulk payload is copied from a pool of noise.
//! Addresses are those set aside for benchmarks (RFC 2544) and private ones; names end in
//! `.example`.
#![allow(dead_code, unreachable_pub)] // each bench compiles all of it and uses a part
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

pub mod mixes;
pub mod quic;

use std::io::{self, Write};

/// xorshift64*.
#[derive(Clone)]
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }

    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

/// Two ends of a flow.
#[derive(Clone, Copy)]
pub struct Ends {
    pub client: ([u8; 4], u16),
    pub server: ([u8; 4], u16),
}

pub const SYN: u8 = 2;
pub const PSH: u8 = 8;
pub const ACK: u8 = 16;
pub const FIN: u8 = 1;

/// A pcap file (microseconds, Ethernet) being written.
pub struct Pcap<W> {
    out: W,
    frame: Vec<u8>,
    micros: u64,
    gap: u64,
    pub frames: u64,
    pub bytes: u64,
}

impl<W: Write> Pcap<W> {
    /// Frames come `gap` microseconds apart.
    pub fn new(mut out: W, gap: u64) -> io::Result<Self> {
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
            out.write_all(&word.to_le_bytes())?;
        }
        Ok(Self {
            out,
            frame: Vec::new(),
            micros: 1_700_000_000_000_000,
            gap,
            frames: 0,
            bytes: 24,
        })
    }

    fn begin(&mut self, ends: &Ends, from_client: bool, protocol: u8, length: usize) {
        let (source, destination) =
            if from_client { (ends.client, ends.server) } else { (ends.server, ends.client) };
        let (to, from) = if from_client { (1, 2) } else { (2, 1) };
        self.frame.clear();
        self.frame.extend([2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0]);
        let total = u16::try_from(20 + length).unwrap().to_be_bytes();
        self.frame.extend([0x45, 0, total[0], total[1], 0, 0, 0x40, 0, 64, protocol, 0, 0]);
        self.frame.extend(source.0);
        self.frame.extend(destination.0);
        self.frame.extend(source.1.to_be_bytes());
        self.frame.extend(destination.1.to_be_bytes());
    }

    fn put(&mut self) -> io::Result<()> {
        // Ethernet pads short frames.
        if self.frame.len() < 60 {
            self.frame.resize(60, 0);
        }
        self.micros += self.gap;
        let length = self.frame.len() as u32;
        let words =
            [(self.micros / 1_000_000) as u32, (self.micros % 1_000_000) as u32, length, length];
        for word in words {
            self.out.write_all(&word.to_le_bytes())?;
        }
        self.out.write_all(&self.frame)?;
        self.frames += 1;
        self.bytes += 16 + u64::from(length);
        Ok(())
    }

    pub fn tcp(
        &mut self,
        (ends, from_client): (&Ends, bool),
        (sequence, acknowledgement): (u32, u32),
        flags: u8,
        payload: &[u8],
    ) -> io::Result<()> {
        // SYN carries a segment size, everything else a timestamp, as on most machines.
        let options: &[u8] = if flags & SYN != 0 {
            &[2, 4, 5, 180, 1, 3, 3, 7]
        } else {
            &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]
        };
        self.begin(ends, from_client, 6, 20 + options.len() + payload.len());
        self.frame.extend(sequence.to_be_bytes());
        self.frame.extend(acknowledgement.to_be_bytes());
        let offset = ((20 + options.len()) / 4) as u8;
        self.frame.extend([offset << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
        self.frame.extend(options);
        self.frame.extend(payload);
        self.put()
    }

    pub fn udp(&mut self, (ends, from_client): (&Ends, bool), payload: &[u8]) -> io::Result<()> {
        self.begin(ends, from_client, 17, 8 + payload.len());
        self.frame.extend(u16::try_from(8 + payload.len()).unwrap().to_be_bytes());
        self.frame.extend([0, 0]);
        self.frame.extend(payload);
        self.put()
    }

    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A name that no other number has, of the lengths names have.
pub fn unique_name(number: u64, noise: &mut Noise) -> String {
    const WORDS: [&str; 16] = [
        "www", "cdn", "api", "static", "img", "mail", "update", "login", "assets", "video", "edge",
        "data", "news", "shop", "play", "auth",
    ];
    const TOPS: [&str; 6] = ["com", "net", "org", "io", "vn", "com.vn"];
    let word = WORDS[noise.below(16) as usize];
    let top = TOPS[noise.below(6) as usize];
    let site = noise.below(5000);
    format!("{word}{:x}.site{site}.{top}.example", number.wrapping_mul(0x9e37_79b1) & 0xffff_ffff)
}

pub fn push_wire_name(name: &str, out: &mut Vec<u8>) {
    for label in name.split('.') {
        out.push(label.len() as u8);
        out.extend(label.as_bytes());
    }
    out.push(0);
}

pub fn dns_query(id: u16, name: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.extend(id.to_be_bytes());
    out.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    push_wire_name(name, &mut out);
    out.extend([0, 1, 0, 1]);
    out
}

pub fn dns_answer(id: u16, name: &str, address: [u8; 4]) -> Vec<u8> {
    let mut out = dns_query(id, name);
    out[2..8].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1]);
    out.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4]);
    out.extend(address);
    out
}

/// A ClientHello handshake message as browsers send it, 512 bytes.
pub fn hello(name: &str, noise: &mut Noise) -> Vec<u8> {
    let mut body = vec![3, 3];
    let mut random = [0; 64];
    noise.fill(&mut random);
    body.extend(&random[..32]);
    body.push(32);
    body.extend(&random[32..]);
    let ciphers: [u16; 16] = [
        0x1a1a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
        0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
    ];
    body.extend([0, 32]);
    ciphers.iter().for_each(|cipher| body.extend(cipher.to_be_bytes()));
    body.extend([1, 0]);
    let mut extensions = Vec::new();
    let mut add = |kind: u16, data: &[u8]| {
        extensions.extend(kind.to_be_bytes());
        extensions.extend((data.len() as u16).to_be_bytes());
        extensions.extend(data);
    };
    let mut sni = ((name.len() + 3) as u16).to_be_bytes().to_vec();
    sni.push(0);
    sni.extend((name.len() as u16).to_be_bytes());
    sni.extend(name.as_bytes());
    add(0x2a2a, &[]);
    add(0, &sni);
    add(23, &[]);
    add(0xff01, &[0]);
    add(10, &[0, 6, 0, 29, 0, 23, 0, 24]);
    add(11, &[1, 0]);
    add(16, b"\x00\x0c\x02h2\x08http/1.1");
    add(13, &[0, 8, 4, 3, 8, 4, 4, 1, 5, 3]);
    add(43, &[4, 3, 4, 3, 3]);
    add(45, &[1, 1]);
    let mut share = vec![0, 36, 0, 29, 0, 32];
    share.extend(&random[8..40]);
    add(51, &share);
    let short = 508_usize.saturating_sub(body.len() + 2 + extensions.len() + 4);
    extensions.extend([0, 21]);
    extensions.extend((short as u16).to_be_bytes());
    extensions.resize(extensions.len() + short, 0);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let mut message = vec![1, 0];
    message.extend((body.len() as u16).to_be_bytes());
    message.extend(body);
    message
}

/// The same in a TLS record.
pub fn hello_record(name: &str, noise: &mut Noise) -> Vec<u8> {
    let message = hello(name, noise);
    let mut record = vec![22, 3, 1];
    record.extend((message.len() as u16).to_be_bytes());
    record.extend(message);
    record
}
