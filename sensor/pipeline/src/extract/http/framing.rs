//! Where a request's body ends (RFC 9112 6), and when that cannot be believed.
//!
//! Owns the reading of `Content-Length` and `Transfer-Encoding`. Two peers that disagree about
//! them are how a request is smuggled, so every form that somebody reads otherwise is doubtful.

use super::head::{self, Field};
use crate::extract::Probe;

/// No such place.
pub(super) const NOWHERE: u64 = u64::MAX;

/// A length above this is not skipped: nobody sends a tebibyte, but it would hide what follows.
const LENGTH_LIMIT: u64 = 1 << 40;

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// A body of so many bytes; 0 without a body.
    Length(u64),
    /// A chunked body.
    Chunked,
    /// Peers disagree: the next request may begin at these places, or at any line.
    Doubtful([u64; 2]),
}

/// What a chunk-size line says (RFC 9112 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChunkSize {
    /// So many bytes of line, and so many bytes of data after it.
    Size(usize, u64),
    /// The line is not whole yet.
    Unsure,
    /// No chunk-size line.
    No,
}

/// Collects the fields that decide.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deciding {
    lengths: [u64; 2],
    chunked: bool,
    doubt: bool,
}

impl Default for Deciding {
    fn default() -> Self {
        Self { lengths: [NOWHERE; 2], chunked: false, doubt: false }
    }
}

impl Deciding {
    /// Takes a field in.
    pub(super) fn field(&mut self, field: &Field<'_>) {
        if field.is(b"content-length") {
            self.length(field);
        } else if field.is(b"transfer-encoding") {
            self.doubt |= !field.tidy || self.chunked;
            let last = field.value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
            if last.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                self.chunked = true;
            } else {
                self.doubt = true;
            }
        }
    }

    fn length(&mut self, field: &Field<'_>) {
        self.doubt |= !field.tidy || !field.value.iter().all(u8::is_ascii_digit);
        for text in field.value.split(|byte| *byte == b',') {
            let digits = text.trim_ascii();
            let digits = digits.strip_prefix(b"+").unwrap_or(digits);
            let number = std::str::from_utf8(digits).ok().and_then(|text| text.parse::<u64>().ok());
            match (number, self.lengths) {
                (None, _) => self.doubt = true,
                (Some(length), _) if length > LENGTH_LIMIT => self.doubt = true,
                (Some(length), [NOWHERE, _]) => self.lengths = [length, NOWHERE],
                (Some(length), [first, _]) if first == length => {}
                (Some(length), [first, _]) => {
                    self.lengths = [first, length];
                    self.doubt = true;
                }
            }
        }
    }

    /// The verdict.
    pub(super) fn framing(&self) -> Framing {
        match (self.chunked, self.lengths) {
            (false, [NOWHERE, _]) if !self.doubt => Framing::Length(0),
            (false, [length, _]) if !self.doubt => Framing::Length(length),
            (true, [NOWHERE, _]) if !self.doubt => Framing::Chunked,
            _ => Framing::Doubtful(self.lengths),
        }
    }
}

/// Does a request stand where a body of this length should begin?
///
/// A server that answers GET does not look for a body, and one that refuses an upload does not
/// wait for it; their clients send the next request then. But an upload may be a request that
/// somebody saved, or a log that begins with one. So behind a method that has a body, a request is
/// believed only if the server has said something since the head (`refused`), if it does not end
/// where the body ends, and if nothing, or another request, stands behind it.
pub(super) fn in_place_of_body(
    bytes: &[u8],
    length: u64,
    (bodyless, refused): (bool, bool),
) -> Probe {
    if !bodyless && !refused {
        return Probe::No;
    }
    let probe = head::begins_request(bytes);
    if bodyless || probe != Probe::Yes {
        return probe;
    }
    let Ok(end) = head::end(bytes, 0) else { return Probe::Unsure };
    let mut deciding = Deciding::default();
    head::split(bytes.get(..end).unwrap_or(bytes)).1.for_each(|field| deciding.field(&field));
    let body = if let Framing::Length(body) = deciding.framing() { body } else { 0 };
    let whole = (end as u64).saturating_add(body);
    let behind = usize::try_from(whole).ok().and_then(|whole| bytes.get(whole..));
    let goes_on = |behind: &[u8]| behind.is_empty() || head::may_follow(behind);
    let plain = deciding.framing() != Framing::Length(body) || behind.is_none_or(goes_on);
    if whole != length && plain { Probe::Yes } else { Probe::No }
}

/// Reads a chunk-size line; the line end of the data before it is passed over.
pub(super) fn chunk_size(bytes: &[u8]) -> ChunkSize {
    let line = head::skip_line_ends(bytes);
    let skipped = bytes.len() - line.len();
    let digits = line.iter().take(17).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let end = memchr::memchr(b'\n', line.get(..CHUNK_LINE_LIMIT).unwrap_or(line));
    match (digits, line.get(digits), end) {
        (_, None, _) if digits <= 16 => ChunkSize::Unsure,
        (1..=16, Some(b'\r' | b'\n' | b';' | b' ' | b'\t'), Some(end)) => {
            let hex = line.get(..digits).and_then(|text| std::str::from_utf8(text).ok());
            match hex.and_then(|text| u64::from_str_radix(text, 16).ok()) {
                Some(size) if size <= LENGTH_LIMIT => ChunkSize::Size(skipped + end + 1, size),
                _ => ChunkSize::No,
            }
        }
        (1..=16, Some(b'\r' | b';' | b' ' | b'\t'), None) if line.len() < CHUNK_LINE_LIMIT => {
            ChunkSize::Unsure
        }
        _ => ChunkSize::No,
    }
}

/// Longest chunk-size line with its extensions.
const CHUNK_LINE_LIMIT: usize = 4096;
