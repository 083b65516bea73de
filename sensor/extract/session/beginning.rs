//! Whether bytes may be the beginning of something a parser reads: asked of each segment of a
//! direction that was given up, so that none is given up for good.
//!
//! Looks at the first bytes only and keeps no state. Saying yes too often costs time, not truth:
//! detection looks again.

/// May a message that a parser reads begin with these bytes?
#[inline]
pub fn may_begin(bytes: &[u8]) -> bool {
    matches!(bytes, [0x16, 3, ..])
}
