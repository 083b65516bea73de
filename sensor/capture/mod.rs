//! Stage 1: frames in. A file lends [`Frame`]s in batches, an interface shows those that wait in its
//! ring; whoever wants one after the other has [`Source`].
//!
//! Owns descriptors and buffers. Knows link types by number only; what is inside a frame is
//! [`crate::decode`]'s business. The only stage that may look at the machine's clock.

mod error;
#[cfg(feature = "live")]
mod fanout;
pub mod file;
mod filter;
mod foreign;
#[cfg(feature = "live")]
pub mod live;
mod packing;
mod pcap_format;
mod pcap_variants;
mod pcapng_format;
mod pipe;
mod snoop_format;
mod window;

pub(crate) use error::describe;
pub use error::{CaptureError, Likeness};
pub use filter::Filter;

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

/// What a source has to offer.
#[derive(Clone, Copy, Debug)]
pub enum Next<'a> {
    /// A frame.
    Frame(Frame<'a>),
    /// No more frames.
    End,
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

/// Where frames come from.
pub trait Source {
    /// The next frame, borrowed until the following call.
    ///
    /// # Errors
    /// When the source breaks, as a file does that was cut in the middle of a record.
    /// Every frame before the damage has been lent by then.
    fn next_frame(&mut self) -> Result<Next<'_>, CaptureError>;
}
