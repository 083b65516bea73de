//! Stage 1: frames in. A [`Source`] lends one [`Frame`] at a time from a file or an interface.
//!
//! Owns descriptors and buffers. Knows link types by number only; what is inside a frame is
//! [`crate::decode`]'s business. The only stage that may look at the machine's clock.

use crate::net::Timestamp;

/// A frame's link layer, by its LINKTYPE_ number (<https://www.tcpdump.org/linktypes.html>).
/// DLT numbers that differ between systems are mapped to LINKTYPE_ numbers by the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

/// A captured frame, borrowed until the next one is asked for.
#[derive(Clone, Copy, Debug)]
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
