//! Bytes that arrive with an offset and in any order: CRYPTO frames (RFC 9000 19.6) and handshake
//! fragments of DTLS (RFC 6347 4.2.3).
//!
//! Holds what arrived and no more, whatever offset a peer names. Where pieces contradict each
//! other all of them are kept, and `readings.rs` says how a receiver may have put them together.

mod readings;

pub(in crate::extract) use readings::Reading;

use std::ops::Range;

/// Largest offset held, and bytes held for one stream: a server takes a ClientHello of 128 KB.
pub(in crate::extract) const BYTES: usize = 160 * 1024;
/// Pieces held for one stream.
const PIECES: usize = 2048;
/// Contradicting pieces among which a repetition is looked for.
const LATEST: usize = 32;

/// How sure it is that a datagram came to its receiver. Ordered: what is less sure is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reach {
    /// Its checksums are right, as far as they were looked at.
    pub sound: bool,
    /// Routers it may still pass (TTL, hop limit). 255 where that is not known.
    pub hops: u8,
}

impl Default for Reach {
    /// Nothing speaks against it.
    fn default() -> Self {
        Self { sound: true, hops: u8::MAX }
    }
}

/// Where a piece belongs and where its bytes are kept: what is kept later came later.
#[derive(Clone, Copy, Debug)]
struct Piece {
    offset: u32,
    start: u32,
    length: u32,
    reach: Reach,
}

impl Piece {
    const fn end(&self) -> u32 {
        self.offset + self.length
    }

    /// The part of it between two offsets within it.
    const fn part(&self, from: u32, to: u32) -> Self {
        Self {
            offset: from,
            start: self.start + (from - self.offset),
            length: to - from,
            reach: self.reach,
        }
    }
}

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(in crate::extract) enum Push {
    /// It was held before.
    Known,
    /// It is held.
    Held,
    /// It is held, and differs from what is held for the same place.
    Differs,
    /// There is no room for it: it is not held.
    Full,
    /// It belongs further back than anything is held: it is not held.
    Far,
}

/// How a piece agrees with the first one of each place.
#[derive(Clone, Copy)]
struct Fit {
    /// Bytes of it that are held.
    covered: u32,
    same: bool,
    /// It came more surely than some of the bytes it repeats.
    surer: bool,
}

/// A stream's bytes from offset 0 on.
#[derive(Debug, Default)]
pub(in crate::extract) struct CryptoStream {
    /// In the order of arrival.
    bytes: Vec<u8>,
    /// What came first for each place: sorted by offset, without overlaps.
    first: Vec<Piece>,
    /// Pieces that repeat a place otherwise, in the order of arrival.
    others: Vec<Piece>,
    contradicted: bool,
}

impl CryptoStream {
    /// Takes a piece.
    pub(in crate::extract) fn push(&mut self, offset: u64, data: &[u8], reach: Reach) -> Push {
        let end = offset.saturating_add(data.len() as u64);
        if end > BYTES as u64 {
            return Push::Far;
        }
        // Both are below 160 KB now.
        let (offset, length) = (offset as u32, data.len() as u32);
        let place = self.place(offset, offset + length);
        let fit = self.fit(place.clone(), offset, data, reach);
        let again = fit.covered == length && fit.same && !fit.surer;
        if data.is_empty() || again || self.was_other(offset, data, reach) {
            return Push::Known;
        }
        let pieces = self.first.len() + self.others.len() + place.len();
        if self.bytes.len() + data.len() > BYTES || pieces >= PIECES {
            return Push::Full;
        }
        let piece = Piece { offset, start: self.bytes.len() as u32, length, reach };
        self.bytes.extend_from_slice(data);
        if fit.covered == 0 {
            self.insert(place.start, piece);
            return Push::Held;
        }
        self.lay_under(place, piece);
        if !fit.same || fit.surer {
            self.others.push(piece);
        }
        self.contradicted |= !fit.same;
        if fit.same { Push::Held } else { Push::Differs }
    }

    /// Which of the first pieces lie between these offsets.
    fn place(&self, offset: u32, end: u32) -> Range<usize> {
        let start = self.first.partition_point(|held| held.end() <= offset);
        let behind = self.first.get(start..).unwrap_or_default();
        start..start + behind.partition_point(|held| held.offset < end)
    }

    fn fit(&self, place: Range<usize>, offset: u32, data: &[u8], reach: Reach) -> Fit {
        let mut fit = Fit { covered: 0, same: true, surer: false };
        for held in self.first.get(place).unwrap_or_default() {
            let (from, to) =
                (offset.max(held.offset), (offset + data.len() as u32).min(held.end()));
            let new = data.get((from - offset) as usize..(to - offset) as usize);
            fit.covered += to - from;
            fit.same &= new == self.bytes_of(&held.part(from, to));
            fit.surer |= reach > held.reach;
        }
        fit
    }

    /// Is this a repetition of a piece that contradicts another?
    fn was_other(&self, offset: u32, data: &[u8], reach: Reach) -> bool {
        self.others.iter().rev().take(LATEST).any(|held| {
            held.offset == offset && held.reach >= reach && self.bytes_of(held) == Some(data)
        })
    }

    fn bytes_of(&self, piece: &Piece) -> Option<&[u8]> {
        self.bytes.get(piece.start as usize..(piece.start + piece.length) as usize)
    }

    /// Adds a piece that overlaps none.
    fn insert(&mut self, place: usize, piece: Piece) {
        match place.checked_sub(1).and_then(|before| self.first.get_mut(before)) {
            // In order, as nearly always: the piece before grows.
            Some(before)
                if before.end() == piece.offset
                    && before.start + before.length == piece.start
                    && before.reach == piece.reach =>
            {
                before.length += piece.length;
            }
            _ => self.first.insert(place, piece),
        }
    }

    /// Adds the parts of a piece that no other covers.
    #[cold]
    fn lay_under(&mut self, place: Range<usize>, piece: Piece) {
        let covering = self.first.get(place.clone()).unwrap_or_default();
        let mut merged = Vec::with_capacity(2 * covering.len() + 1);
        let mut at = piece.offset;
        for held in covering {
            if at < held.offset {
                merged.push(piece.part(at, held.offset));
            }
            merged.push(*held);
            at = at.max(held.end());
        }
        if at < piece.end() {
            merged.push(piece.part(at, piece.end()));
        }
        self.first.splice(place, merged);
    }

    /// Do pieces of it differ from each other?
    pub(in crate::extract) const fn is_contradicted(&self) -> bool {
        self.contradicted
    }

    /// Where the last piece ends.
    pub(in crate::extract) fn end(&self) -> usize {
        self.first.last().map_or(0, |last| last.end() as usize)
    }

    /// Bytes on the heap.
    pub(in crate::extract) const fn held_bytes(&self) -> usize {
        let pieces = self.first.capacity() + self.others.capacity();
        self.bytes.capacity() + pieces * size_of::<Piece>()
    }

    /// The slices that make up the bytes from an offset to the first hole, by what came first.
    fn parts(&self, from: usize) -> impl Iterator<Item = &[u8]> {
        let from = u32::try_from(from).unwrap_or(u32::MAX);
        let place = self.first.partition_point(|held| held.end() <= from);
        let mut reached = from;
        let behind = self.first.get(place..).unwrap_or_default();
        behind.iter().map_while(move |piece| {
            if piece.offset > reached {
                return None;
            }
            let from = std::mem::replace(&mut reached, piece.end());
            self.bytes_of(&piece.part(from, piece.end()))
        })
    }

    /// Replaces `out` with the bytes from an offset to the first hole, by what came first.
    pub(in crate::extract) fn join(&self, from: usize, out: &mut Vec<u8>) {
        out.clear();
        for part in self.parts(from) {
            out.extend_from_slice(part);
        }
    }

    /// Does the stream begin with these bytes, by what came first?
    pub(in crate::extract) fn starts_with(&self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        for part in self.parts(0) {
            let (now, later) = rest.split_at_checked(part.len()).unwrap_or((rest, &[]));
            if part.get(..now.len()) != Some(now) {
                return false;
            }
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        rest.is_empty()
    }

    /// Length of the TLS handshake message at an offset, header included, if all of it is there.
    pub(in crate::extract) fn whole_message(&self, from: usize) -> Option<usize> {
        let mut head = self.parts(from).flatten().skip(1).map(|byte| usize::from(*byte));
        let length = 4 + (head.next()? << 16 | head.next()? << 8 | head.next()?);
        let there: usize = self.parts(from).map(<[u8]>::len).sum();
        (there >= length).then_some(length)
    }
}

#[cfg(test)]
mod tests;
