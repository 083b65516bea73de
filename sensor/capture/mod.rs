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

/// What this stage lends.
pub use crate::frame::{Drops, Frame, LinkType};

/// What a source has to offer.
#[derive(Clone, Copy, Debug)]
pub enum Next<'a> {
    /// A frame.
    Frame(Frame<'a>),
    /// No more frames.
    End,
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
