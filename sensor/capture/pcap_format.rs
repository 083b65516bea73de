//! Classic pcap files: both byte orders, micro- and nanoseconds, and the modified record header
//! of old patched libpcaps (<https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html>).

use super::LinkType;
use crate::net::Timestamp;

/// Length of the file header in bytes.
pub(crate) const FILE_HEADER: usize = 24;

/// What the file header says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PcapFormat {
    big_endian: bool,
    nanoseconds: bool,
    /// 16, or 24 in the modified format.
    pub(crate) record_header: usize,
    pub(crate) link: LinkType,
}

/// One record's header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PcapRecord {
    pub(crate) time: Timestamp,
    pub(crate) captured: u32,
    pub(crate) wire_length: u32,
}

impl PcapFormat {
    /// Reads the 24 bytes of the file header; `None` if the magic is none of pcap's.
    pub(crate) fn read(header: &[u8]) -> Option<Self> {
        let magic = *header.first_chunk::<4>()?;
        let (big_endian, nanoseconds, modified) = match magic {
            [0xa1, 0xb2, 0xc3, 0xd4] => (true, false, false),
            [0xd4, 0xc3, 0xb2, 0xa1] => (false, false, false),
            [0xa1, 0xb2, 0x3c, 0x4d] => (true, true, false),
            [0x4d, 0x3c, 0xb2, 0xa1] => (false, true, false),
            [0xa1, 0xb2, 0xcd, 0x34] => (true, false, true),
            [0x34, 0xcd, 0xb2, 0xa1] => (false, false, true),
            _ => return None,
        };
        let network = word(header, 20, big_endian)?;
        // The upper bits say whether frames end in a check sequence; decoding is lenient there.
        let link = LinkType((network & 0xffff) as u16);
        Some(Self { big_endian, nanoseconds, record_header: if modified { 24 } else { 16 }, link })
    }

    /// Reads a record header.
    #[inline]
    pub(crate) fn record(&self, header: &[u8]) -> Option<PcapRecord> {
        let (raw, _) = header.split_first_chunk::<16>()?;
        let [a, b, c, d] = quarters(raw).map(|bytes| {
            if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
        });
        let fraction = if self.nanoseconds { b } else { b.saturating_mul(1000) };
        let time = Timestamp::new(i64::from(a), fraction);
        Some(PcapRecord { time, captured: c, wire_length: d })
    }
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
