//! A captured frame as every stage sees it: bytes with their time, link layer and number.
//!
//! Owns no byte: a frame borrows from the ring or the file of whoever captures.

use crate::net::Timestamp;

/// A frame's link layer, by its LINKTYPE_ number (<https://www.tcpdump.org/linktypes.html>).
/// DLT numbers that differ between systems are mapped to LINKTYPE_ numbers by the reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

/// A captured frame, borrowed until the next one is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frame<'a> {
    /// When it was captured.
    pub time: Timestamp,
    /// What its first byte is.
    pub link: LinkType,
    /// Length on the wire in bytes; larger than `data` when the capture cut it.
    pub wire_length: u32,
    /// The bytes.
    pub data: &'a [u8],
    /// Number of the frame in its source, from 1.
    pub number: u64,
    /// Outer VLAN tag control information that the kernel took out of the frame (live only).
    pub stripped_vlan: Option<u16>,
}

/// Frames the kernel could not give us, as far as it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// Frames the kernel saw for us.
    pub received: u64,
    /// Dropped because we were too slow.
    pub kernel: u64,
    /// Dropped by the interface or its driver.
    pub interface: u64,
}
