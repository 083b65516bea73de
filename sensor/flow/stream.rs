//! One direction of a TCP connection as a parser is shown it.

/// What follows a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// More bytes may follow directly.
    None,
    /// Bytes after this chunk are lost; what is shown next does not adjoin it. Read what can be
    /// read: unconsumed bytes are not shown again.
    Gap,
    /// Nothing follows: FIN, RST, end of the capture, eviction. As `Gap`.
    End,
}

/// In-order bytes of one direction. Starts with the bytes the parser left unconsumed last time.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// The first chunk's first byte is the first byte of the connection (its SYN was seen).
    pub from_start: bool,
    /// The bytes follow a hole: the parser's place in the stream is lost.
    pub after_gap: bool,
    /// What follows.
    pub cut: Cut,
}

/// A parser's answer to a [`Chunk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// So many bytes are done with; the rest is shown again with more. May exceed what was shown
    /// (a body of known length): the excess is skipped unseen as it arrives, holes and all.
    Consumed(u64),
    /// This direction need never be looked at again.
    All,
}
