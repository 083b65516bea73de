//! Packed captures: gzip, zstd, xz and bzip2, known by their first bytes and unpacked as they are
//! read.
//!
//! What a file unpacks to is a stream like any other, however long. What it may ask for to be
//! unpacked is bounded ([`WINDOW`]). Where it is cut or damaged, everything before is lent first.

mod xz;
mod zstd;

use std::io::{self, Read};

use super::window::Window;

/// The largest window or dictionary that unpacking may need, in bytes: what `zstd` and `xz -9` take
/// without being told to. `zstd --ultra --long=31` writes files that need 2 GiB.
const WINDOW: usize = 128 * 1024 * 1024;

/// Bytes by which a packing is known.
pub(crate) const HEAD: usize = 6;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Zstd,
    Xz,
    Bzip2,
}

impl Packing {
    /// The packing that a file begins with.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            // A frame to be skipped, as pzstd puts before each of its own.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Self::Bzip2),
            _ => None,
        }
    }

    /// What is packed in a stream: every member, frame or stream of it, one after the other.
    pub(crate) fn unpack(self, packed: Window) -> Box<dyn Read + Send> {
        match self {
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(packed)),
            Self::Zstd => Box::new(zstd::Frames::new(packed)),
            Self::Xz => Box::new(xz::Streams::new(packed)),
            Self::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(packed)),
        }
    }
}

/// A file wants more memory than [`WINDOW`].
fn wants_too_much() -> io::Error {
    io::Error::other(TOO_MUCH)
}

/// What is said of it.
pub(crate) const TOO_MUCH: &str = "it needs a window of more than 128 MiB to be unpacked; unpack it first, or pack it without --long";

/// Compressed data that contradicts its format.
fn damaged(why: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_string())
}

#[cfg(test)]
mod tests;
