//! Capture files as bytes: pcap and pcapng in both byte orders, gzip, and cut short.

use super::wire::Frame;
use std::io::Write;

/// DLT of Ethernet.
pub const ETHERNET: u16 = 1;
/// LINKTYPE of bare IP packets.
pub const RAW_IP: u16 = 101;
/// LINKTYPE of Linux "any" captures.
pub const LINUX_SLL: u16 = 113;

/// Byte order of a file's own numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// What the fraction of a pcap time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Magic a1b2c3d4.
    Micros,
    /// Magic a1b23c4d.
    Nanos,
}

impl Endian {
    fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }
}

/// A pcap file of Ethernet frames: little endian, microseconds.
pub fn pcap(frames: &[Frame]) -> Vec<u8> {
    pcap_as(frames, ETHERNET, Endian::Little, Precision::Micros)
}

/// A pcap file.
pub fn pcap_as(frames: &[Frame], link: u16, endian: Endian, precision: Precision) -> Vec<u8> {
    let (magic, unit) = match precision {
        Precision::Micros => (0xa1b2_c3d4, 1_000),
        Precision::Nanos => (0xa1b2_3c4d, 1),
    };
    let mut file = Vec::new();
    file.extend(endian.u32(magic));
    file.extend(endian.u16(2));
    file.extend(endian.u16(4));
    for word in [0, 0, 262_144, u32::from(link)] {
        file.extend(endian.u32(word));
    }
    for frame in frames {
        let fraction = frame.time.rem_euclid(1_000_000_000) / unit;
        let length = frame.bytes.len() as u32;
        for word in [frame.time.div_euclid(1_000_000_000) as u32, fraction as u32, length, length] {
            file.extend(endian.u32(word));
        }
        file.extend(&frame.bytes);
    }
    file
}

/// A pcapng file being written, block by block.
///
/// ```ignore
/// let file = Pcapng::new(Endian::Big)
///     .interface(ETHERNET, Some(9))       // 0: nanoseconds
///     .interface(RAW_IP, None)            // 1: microseconds, the default
///     .packet(0, &frame).packet(1, &bare).finish();
/// ```
#[derive(Clone, Debug)]
pub struct Pcapng {
    endian: Endian,
    file: Vec<u8>,
    resolutions: Vec<u8>,
}

impl Pcapng {
    /// A file with its section header.
    pub fn new(endian: Endian) -> Self {
        let mut this = Self { endian, file: Vec::new(), resolutions: Vec::new() };
        let mut body = endian.u32(0x1a2b_3c4d).to_vec();
        body.extend(endian.u16(1));
        body.extend(endian.u16(0));
        body.extend([0xff; 8]); // section length not said
        this.block(0x0a0d_0d0a, &body);
        this
    }

    /// The next interface. `resolution` is `if_tsresol`: 10 to the power of minus it, or 2 to
    /// the power of minus its low seven bits when the top bit is set; microseconds when absent.
    #[must_use]
    pub fn interface(mut self, link: u16, resolution: Option<u8>) -> Self {
        let endian = self.endian;
        let mut body = endian.u16(link).to_vec();
        body.extend([0, 0]);
        body.extend(endian.u32(0));
        if let Some(resolution) = resolution {
            body.extend(endian.u16(9));
            body.extend(endian.u16(1));
            body.extend([resolution, 0, 0, 0]);
            body.extend([0; 4]); // opt_endofopt
        }
        self.resolutions.push(resolution.unwrap_or(6));
        self.block(1, &body);
        self
    }

    /// An enhanced packet block on an interface.
    #[must_use]
    pub fn packet(mut self, interface: usize, frame: &Frame) -> Self {
        let endian = self.endian;
        let time = units(frame.time, self.resolutions[interface]);
        let mut body = endian.u32(interface as u32).to_vec();
        body.extend(endian.u32((time >> 32) as u32));
        body.extend(endian.u32(time as u32));
        body.extend(endian.u32(frame.bytes.len() as u32));
        body.extend(endian.u32(frame.bytes.len() as u32));
        body.extend(&frame.bytes);
        self.block(6, &body);
        self
    }

    /// A simple packet block: first interface, no time.
    #[must_use]
    pub fn simple(mut self, bytes: &[u8]) -> Self {
        let mut body = self.endian.u32(bytes.len() as u32).to_vec();
        body.extend(bytes);
        self.block(3, &body);
        self
    }

    /// A block of a type nobody knows.
    #[must_use]
    pub fn unknown_block(mut self, body: &[u8]) -> Self {
        self.block(0x0bad_cafe, body);
        self
    }

    /// The file.
    pub fn finish(self) -> Vec<u8> {
        self.file
    }

    fn block(&mut self, kind: u32, body: &[u8]) {
        let padded = body.len().next_multiple_of(4);
        let length = self.endian.u32(padded as u32 + 12);
        self.file.extend(self.endian.u32(kind));
        self.file.extend(length);
        self.file.extend(body);
        self.file.extend(std::iter::repeat_n(0, padded - body.len()));
        self.file.extend(length);
    }
}

/// A time in units of an `if_tsresol`.
fn units(nanos: i64, resolution: u8) -> u64 {
    let nanos = u128::try_from(nanos).expect("captures of ours are after 1970");
    let per_second = match resolution {
        binary if binary & 0x80 != 0 => 1_u128 << (binary & 0x7f),
        decimal => 10_u128.pow(u32::from(decimal)),
    };
    (nanos * per_second / 1_000_000_000) as u64
}

/// A pcapng file of Ethernet frames: little endian, nanoseconds.
pub fn pcapng(frames: &[Frame]) -> Vec<u8> {
    let file = Pcapng::new(Endian::Little).interface(ETHERNET, Some(9));
    frames.iter().fold(file, |file, frame| file.packet(0, frame)).finish()
}

/// The same bytes, gzip'd.
pub fn gzip(file: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(file).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

/// The same bytes, packed with zstd.
pub fn zstd(file: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(file, ruzstd::encoding::CompressionLevel::Fastest)
}

/// The same bytes, packed with xz.
pub fn xz(file: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(0);
    let mut packer = lzma_rust2::XzWriter::new(Vec::new(), options).expect("options of a preset");
    packer.write_all(file).expect("memory can be written");
    packer.finish().expect("memory can be written")
}

/// The same bytes, packed with bzip2.
pub fn bzip2(file: &[u8]) -> Vec<u8> {
    let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    packer.write_all(file).expect("memory can be written");
    packer.finish().expect("memory can be written")
}

/// A snoop file (RFC 1761) of Ethernet frames.
pub fn snoop(frames: &[Frame]) -> Vec<u8> {
    let mut file = b"snoop\0\0\0\0\0\0\x02\0\0\0\x04".to_vec();
    for frame in frames {
        let (length, filled) = (frame.bytes.len(), frame.bytes.len().next_multiple_of(4));
        let (seconds, rest) =
            (frame.time.div_euclid(1_000_000_000), frame.time.rem_euclid(1_000_000_000));
        let length = length as u32;
        for word in [length, length, 24 + filled as u32, 0, seconds as u32, (rest / 1000) as u32] {
            file.extend(word.to_be_bytes());
        }
        file.extend(&frame.bytes);
        file.resize(file.len() + filled - frame.bytes.len(), 0);
    }
    file
}

/// The file without its last bytes, so that it ends amid the last record: a capture of a machine
/// that was switched off. The last frame must be longer than 20 bytes.
pub fn cut_in_last_record(file: &[u8]) -> Vec<u8> {
    file[..file.len() - 20].to_vec()
}
