//! Captures of Solaris's snoop (RFC 1761): big-endian, records filled to a length of their own.

use super::LinkType;
use super::pcap_format::{Doubt, Layout, PcapFormat, word};

/// What every such file begins with.
pub(crate) const MAGIC: &[u8; 8] = b"snoop\0\0\0";
/// Length of the file header: the magic, version, data link.
pub(crate) const FILE_HEADER: usize = 16;
/// Length of a record's header.
const RECORD_HEADER: usize = 24;

/// Reads the file header. Its records are read like those of pcap.
pub(crate) fn read(header: &[u8]) -> Option<PcapFormat> {
    let data_link = word(header, 12, true).filter(|_| header.starts_with(MAGIC))?;
    let link = match data_link {
        0 | 4 => 1, // IEEE 802.3, Ethernet
        2 => 6,     // token ring
        8 => 10,    // FDDI
        _ => u16::MAX,
    };
    Some(PcapFormat {
        big_endian: true,
        nanoseconds: false,
        layout: Layout::Snoop,
        doubt: Doubt::None,
        file_header: FILE_HEADER,
        record_header: RECORD_HEADER,
        link: LinkType(link),
    })
}
