//! Frames of HTTP/2 (RFC 9113 4.1, 6): their headers, and how one is known among other bytes.

pub(super) const HEADERS: u8 = 1;
pub(super) const CONTINUATION: u8 = 9;
pub(super) const END_HEADERS: u8 = 0x04;
pub(super) const PADDED: u8 = 0x08;
pub(super) const PRIORITY: u8 = 0x20;

/// Longest frame taken for one where none is known to begin. Few peers allow more.
const LIKELY_LENGTH: u32 = 1 << 20;

/// Streams below this number are likely where no frame is known to begin.
const LIKELY_STREAM: u32 = 1 << 24;

/// The header of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Of the payload.
    pub(super) length: u32,
    pub(super) kind: u8,
    flags: u8,
    stream: u32,
}

impl Frame {
    /// The header at the start of `bytes`; `None` while it is not whole.
    pub(super) fn at(bytes: &[u8]) -> Option<Self> {
        let ([a, b, c, kind, flags, s0, s1, s2, s3], _) = bytes.split_first_chunk::<9>()?;
        Some(Self {
            length: u32::from_be_bytes([0, *a, *b, *c]),
            kind: *kind,
            flags: *flags,
            stream: u32::from_be_bytes([*s0, *s1, *s2, *s3]),
        })
    }

    pub(super) const fn ends_headers(self) -> bool {
        self.flags & END_HEADERS != 0
    }

    /// How many bytes of this header block frame stand before the fragment, and how many of
    /// padding behind it (RFC 9113 6.2, 6.10); `None` until the former are shown.
    pub(super) fn around(self, bytes: &[u8]) -> Option<(u64, u64)> {
        if self.kind != HEADERS {
            return Some((0, 0));
        }
        let mut front = 0;
        let mut padding = 0;
        if self.flags & PADDED != 0 && self.length > 0 {
            padding = u64::from(*bytes.get(9)?);
            front += 1;
        }
        if self.flags & PRIORITY != 0 {
            front += 5;
        }
        Some((front, padding))
    }

    /// Does it say only what a client's frame may say?
    const fn is_likely(self) -> bool {
        let Self { length, kind, flags, stream } = self;
        let own = stream < LIKELY_STREAM && stream % 2 == 1;
        match kind {
            0 => own && flags & !0x09 == 0 && length <= LIKELY_LENGTH,
            HEADERS => own && flags & !0x2d == 0 && length > 0 && length <= LIKELY_LENGTH,
            2 => own && length == 5,
            3 => own && length == 4,
            4 => stream == 0 && flags & !1 == 0 && length % 6 == 0 && length <= 600,
            6 => stream == 0 && flags & !1 == 0 && length == 8,
            7 => stream == 0 && flags == 0 && length >= 8 && length <= 4096,
            8 => (own || stream == 0) && flags == 0 && length == 4,
            CONTINUATION => own && flags & !END_HEADERS == 0 && length <= LIKELY_LENGTH,
            _ => false,
        }
    }
}

/// Do frames stand here, one behind the other as far as it is shown?
pub(super) fn plausible(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let mut frames = 0;
    while let Some(frame) = Frame::at(rest) {
        if !frame.is_likely() {
            return false;
        }
        frames += 1;
        rest = rest.get(9 + frame.length as usize..).unwrap_or_default();
    }
    frames > 0
}
