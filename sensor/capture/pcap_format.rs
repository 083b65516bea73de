//! Classic pcap files: both byte orders, micro- and nanoseconds, and the record headers that
//! patched libpcaps wrote (<https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html>; the
//! variants as libpcap's `sf-pcap.c` and Wireshark's `libpcap.c` know them). The file header does
//! not tell all of them apart: see `pcap_variants.rs`.

use super::LinkType;
use crate::net::Timestamp;

/// Length of the file header in bytes.
pub(crate) const FILE_HEADER: usize = 24;

/// How a record's header is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Seconds, fraction, bytes captured, bytes on the wire.
    Plain,
    /// As plain, but before version 2.4 the lengths came in either order: fewer were captured.
    EitherLength,
    /// Seconds and fraction in 64 bits each, as a 64-bit system's `struct timeval`.
    Wide,
    /// Snoop's: bytes on the wire, captured, of the whole record, drops, seconds, microseconds.
    Snoop,
}

/// Which variants a file header leaves open. The first record decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// None.
    None,
    /// The standard magic, which some variants wrote too.
    Standard,
    /// The magic of the patches of 1999.
    Modified,
    /// A magic that libpcap keeps for somebody, without saying more.
    Reserved,
}

/// What the file header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PcapFormat {
    pub(crate) big_endian: bool,
    pub(crate) nanoseconds: bool,
    pub(crate) layout: Layout,
    pub(crate) doubt: Doubt,
    /// Length of the file header.
    pub(crate) file_header: usize,
    /// Length of a record's header: 16 and more.
    pub(crate) record_header: usize,
    pub(crate) link: LinkType,
}

/// One record's header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PcapRecord {
    pub(crate) time: Timestamp,
    pub(crate) captured: u32,
    pub(crate) wire_length: u32,
    /// Bytes behind those captured that fill the record.
    pub(crate) padding: u32,
}

impl PcapFormat {
    /// Reads the file header; `None` if the magic is none of pcap's or its 24 bytes are not there.
    pub(crate) fn read(header: &[u8]) -> Option<Self> {
        let raw = *header.first_chunk::<4>()?;
        let mut found = None;
        for big_endian in [true, false] {
            let magic = if big_endian { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) };
            found = found.or_else(|| variant(magic).map(|variant| (big_endian, variant)));
        }
        let (big_endian, (nanoseconds, doubt, file_header)) = found?;
        let network = word(header, 20, big_endian)?;
        let mut format = Self {
            big_endian,
            nanoseconds,
            layout: Layout::Plain,
            doubt,
            file_header,
            record_header: 16,
            // The upper bits say whether frames end in a check sequence; decoding is lenient there.
            link: LinkType((network & 0xffff) as u16),
        };
        match (half(header, 4, big_endian)?, half(header, 6, big_endian)?) {
            (2, 2) if doubt == Doubt::Standard => format.be_old_or_of_aix(),
            (2, 0..=3) | (543, _) if doubt == Doubt::Standard => format.be_old(),
            _ => {}
        }
        Some(format)
    }

    const fn be_old(&mut self) {
        (self.layout, self.doubt) = (Layout::EitherLength, Doubt::None);
    }

    /// AIX writes version 2.2, nanoseconds and interface types of RFC 1573 as link types.
    const fn be_old_or_of_aix(&mut self) {
        self.be_old();
        let link = match self.link.0 {
            6 => 1,   // Ethernet
            9 => 6,   // token ring
            15 => 10, // FDDI
            24 => 0,  // loopback
            _ => return,
        };
        (self.link, self.nanoseconds) = (LinkType(link), true);
    }

    /// Reads a record header; `None` if it is not whole.
    #[inline]
    pub(crate) fn record(&self, header: &[u8]) -> Option<PcapRecord> {
        let (raw, _) = header.split_first_chunk::<16>()?;
        let [a, b, c, d] = quarters(raw).map(|bytes| {
            if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
        });
        if self.layout != Layout::Plain {
            return self.rare_record(header);
        }
        let time = Timestamp::new(i64::from(a), self.nanos(b));
        Some(PcapRecord { time, captured: c, wire_length: d, padding: 0 })
    }

    #[cold]
    fn rare_record(&self, header: &[u8]) -> Option<PcapRecord> {
        let word = |offset| word(header, offset, self.big_endian);
        let of = |seconds: u32, fraction, captured, wire_length| PcapRecord {
            time: Timestamp::new(i64::from(seconds), self.nanos(fraction)),
            captured,
            wire_length,
            padding: 0,
        };
        Some(match self.layout {
            Layout::Plain => of(word(0)?, word(4)?, word(8)?, word(12)?),
            Layout::EitherLength => {
                let (one, other) = (word(8)?, word(12)?);
                of(word(0)?, word(4)?, one.min(other), one.max(other))
            }
            Layout::Wide => {
                let low = if self.big_endian { 4 } else { 0 };
                of(word(low)?, word(8 + low)?, word(16)?, word(20)?)
            }
            Layout::Snoop => {
                let record = of(word(16)?, word(20)?, word(4)?, word(0)?);
                let padding = word(8)?.saturating_sub(24).saturating_sub(record.captured);
                PcapRecord { padding, ..record }
            }
        })
    }

    #[inline]
    const fn nanos(&self, fraction: u32) -> u32 {
        if self.nanoseconds { fraction } else { fraction.saturating_mul(1000) }
    }
}

/// What a magic says: nanoseconds, what it leaves open, length of the file header.
const fn variant(magic: u32) -> Option<(bool, Doubt, usize)> {
    Some(match magic {
        0xa1b2_c3d4 => (false, Doubt::Standard, FILE_HEADER),
        0xa1b2_3c4d => (true, Doubt::None, FILE_HEADER),
        0xa1b2_cd34 => (false, Doubt::Modified, FILE_HEADER), // Kuznetsov's patches
        0xa12b_3c4d => (true, Doubt::Reserved, FILE_HEADER),  // Navtel's
        0xa1b2_34cd => (false, Doubt::Reserved, FILE_HEADER), // Mesquita's
        // Ixia's, of hardware and software: the header ends with the length of all records.
        0x1c00_01ac => (true, Doubt::None, FILE_HEADER + 4),
        0x1c00_01ab => (false, Doubt::None, FILE_HEADER + 4),
        _ => return None,
    })
}

/// Splits sixteen bytes into four words.
#[inline]
fn quarters(raw: &[u8; 16]) -> [[u8; 4]; 4] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *raw;
    [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]]
}

/// The 32-bit word at `offset`.
pub(crate) fn word(bytes: &[u8], offset: usize, big_endian: bool) -> Option<u32> {
    let raw = *bytes.get(offset..)?.first_chunk::<4>()?;
    Some(if big_endian { u32::from_be_bytes(raw) } else { u32::from_le_bytes(raw) })
}

/// The 16-bit word at `offset`.
pub(crate) fn half(bytes: &[u8], offset: usize, big_endian: bool) -> Option<u16> {
    let raw = *bytes.get(offset..)?.first_chunk::<2>()?;
    Some(if big_endian { u16::from_be_bytes(raw) } else { u16::from_le_bytes(raw) })
}
