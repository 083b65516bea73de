//! Bytes that arrive with an offset and in any order: CRYPTO frames (RFC 9000 19.6) and handshake
//! fragments of DTLS (RFC 6347 4.2.3).
//!
//! Holds what arrived and no more, whatever offset a peer names. Where pieces overlap, the one
//! that starts first counts, and of two with the same start the longer.

/// Bytes held for one stream.
const BYTES: usize = 64 * 1024;
/// Pieces held for one stream.
const PIECES: usize = 2048;

/// Where a piece belongs and where its bytes are kept.
#[derive(Clone, Copy, Debug)]
struct Piece {
    offset: u32,
    start: u32,
    length: u32,
}

impl Piece {
    const fn end(&self) -> u32 {
        self.offset + self.length
    }
}

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(in crate::extract) enum Push {
    /// It is held, or was known.
    Held,
    /// The limit is reached: it is not held.
    Full,
}

/// A stream's bytes from offset 0 on, at most 64 KB in 2,048 pieces.
#[derive(Debug, Default)]
pub(in crate::extract) struct CryptoStream {
    bytes: Vec<u8>,
    /// Sorted by offset.
    pieces: Vec<Piece>,
    full: bool,
}

impl CryptoStream {
    /// Takes a piece.
    pub(in crate::extract) fn push(&mut self, offset: u64, data: &[u8]) -> Push {
        let end = offset.saturating_add(data.len() as u64);
        if end > BYTES as u64 || self.bytes.len() + data.len() > BYTES {
            self.full = true;
            return Push::Full;
        }
        // Both are below 64 KB now.
        let (offset, length) = (offset as u32, data.len() as u32);
        if data.is_empty() || self.is_known(offset, offset + length) {
            return Push::Held;
        }
        if self.pieces.len() >= PIECES {
            self.full = true;
            return Push::Full;
        }
        let piece = Piece { offset, start: self.bytes.len() as u32, length };
        let place = self.pieces.partition_point(|held| held.offset <= offset);
        self.bytes.extend_from_slice(data);
        match place.checked_sub(1).and_then(|before| self.pieces.get_mut(before)) {
            // In order, as nearly always: the piece before grows.
            Some(before)
                if before.end() == offset && before.start + before.length == piece.start =>
            {
                before.length += length;
            }
            _ => self.pieces.insert(place, piece),
        }
        Push::Held
    }

    /// Does one piece hold all of it?
    fn is_known(&self, offset: u32, end: u32) -> bool {
        let place = self.pieces.partition_point(|held| held.offset <= offset);
        let before = self.pieces.get(..place).unwrap_or_default();
        before.iter().rev().take(8).any(|held| held.end() >= end)
    }

    /// Was the limit reached?
    pub(in crate::extract) const fn is_full(&self) -> bool {
        self.full
    }

    /// The slices that make up the bytes from offset 0 to the first hole.
    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let mut reached = 0;
        let adjoining = self.pieces.iter().map_while(move |piece| {
            if piece.offset > reached {
                return None;
            }
            let known = (reached - piece.offset).min(piece.length);
            reached = reached.max(piece.end());
            let (start, end) = (piece.start + known, piece.start + piece.length);
            self.bytes.get(start as usize..end as usize)
        });
        adjoining.filter(|part| !part.is_empty())
    }

    /// Replaces `out` with the bytes from offset 0 to the first hole.
    pub(in crate::extract) fn join(&self, out: &mut Vec<u8>) {
        out.clear();
        for part in self.parts() {
            out.extend_from_slice(part);
        }
    }

    /// Body length of the TLS handshake message at offset 0, once its header is there, and
    /// whether all of it is.
    pub(in crate::extract) fn message_length(&self) -> Option<(usize, bool)> {
        let mut head = self.parts().flatten().skip(1).map(|byte| usize::from(*byte));
        let length = head.next()? << 16 | head.next()? << 8 | head.next()?;
        let there: usize = self.parts().map(<[u8]>::len).sum();
        Some((length, there >= 4 + length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_peer_that_names_a_far_offset_costs_nothing() {
        let mut stream = CryptoStream::default();
        assert_eq!(stream.push(1 << 60, b"x"), Push::Full);
        assert_eq!(stream.push(u64::MAX, b"x"), Push::Full);
        assert!(stream.is_full());
        assert_eq!(stream.bytes.capacity(), 0);
    }

    #[test]
    fn scattered_single_bytes_reach_the_limit_of_pieces() {
        let mut stream = CryptoStream::default();
        let held = (0..40_000).step_by(2).take_while(|at| stream.push(*at, b"x") == Push::Held);
        assert_eq!(held.count(), PIECES);
        assert!(stream.is_full());
    }

    #[test]
    fn repeated_frames_are_held_once() {
        let mut stream = CryptoStream::default();
        for _ in 0..1000 {
            assert_eq!(stream.push(0, &[7; 1000]), Push::Held);
        }
        assert_eq!(stream.bytes.len(), 1000);
    }

    proptest! {
        #[test]
        fn any_order_and_overlap_gives_the_same_bytes(
            whole in prop::collection::vec(any::<u8>(), 1..300),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 1_usize..60), 0..40),
        ) {
            let mut stream = CryptoStream::default();
            let mut known = vec![false; whole.len()];
            for (index, length) in cuts {
                let start = index.index(whole.len());
                let end = (start + length).min(whole.len());
                prop_assert_eq!(stream.push(start as u64, &whole[start..end]), Push::Held);
                known[start..end].fill(true);
            }
            let prefix = known.iter().take_while(|known| **known).count();
            let mut out = vec![1, 2, 3];
            stream.join(&mut out);
            prop_assert_eq!(&out[..], &whole[..prefix]);
        }
    }
}
