//! Pieces that contradict each other, read as a receiver may have read them: a handful of named
//! ways, however many pieces there are.
//!
//! A decoy is made so that it does not come to the receiver: its checksum is wrong, or it has too
//! few hops left. How far the receiver is away is not known; but what came to it are the pieces
//! with at least so many hops, so that each number of hops that occurs is one way to read.

use super::{CryptoStream, Piece, Reach};

/// No receiver is further away than this.
const HOPS: u8 = 64;

/// A way to put pieces together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::extract) enum Reading {
    /// What came first for each place counts.
    First,
    /// What came last counts.
    Last,
    /// What came first counts, of pieces that came as surely as this.
    Reached(Reach),
}

impl CryptoStream {
    /// All ways to read the stream. One, unless its pieces contradict each other.
    pub(in crate::extract) fn readings(&self) -> Vec<Reading> {
        let mut readings = vec![Reading::First];
        if !self.contradicted {
            return readings;
        }
        readings.push(Reading::Last);
        let (all, sound) = (self.hops(|_| true), self.hops(|reach| reach.sound));
        let unsound = self.pieces().any(|piece| !piece.reach.sound);
        let reached = |sound| move |hops| Reading::Reached(Reach { sound, hops });
        // The fewest of all pass every piece, which is the first reading again.
        readings.extend(all.into_iter().skip(1).map(reached(false)));
        if unsound {
            readings.extend(sound.into_iter().map(reached(true)));
        }
        readings
    }

    /// Bytes to be put together for all readings.
    pub(in crate::extract) fn work(&self) -> usize {
        self.readings().len() * self.bytes.len()
    }

    /// The numbers of hops that occur, fewest first.
    fn hops(&self, wanted: impl Fn(Reach) -> bool) -> Vec<u8> {
        let reaches = self.pieces().map(|piece| piece.reach).filter(|reach| wanted(*reach));
        let mut hops: Vec<u8> = reaches.map(|reach| reach.hops.min(HOPS)).collect();
        hops.sort_unstable();
        hops.dedup();
        hops
    }

    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.first.iter().chain(&self.others)
    }

    /// Replaces `out` with the bytes from offset 0 to the first hole, read in this way.
    pub(in crate::extract) fn join_as(&self, reading: Reading, out: &mut Vec<u8>) {
        match reading {
            Reading::First => self.join(0, out),
            Reading::Last => self.paint(|_| true, true, out),
            Reading::Reached(least) => {
                let came = |reach: Reach| reach.sound >= least.sound && reach.hops >= least.hops;
                self.paint(came, false, out);
            }
        }
    }

    fn paint(&self, wanted: impl Fn(Reach) -> bool, last_counts: bool, out: &mut Vec<u8>) {
        let mut pieces: Vec<Piece> =
            self.pieces().filter(|piece| wanted(piece.reach)).copied().collect();
        pieces.sort_unstable_by_key(|piece| piece.offset);
        let end = pieces.iter().try_fold(0, |end, piece| {
            if piece.offset > end { Err(end) } else { Ok(end.max(piece.end())) }
        });
        out.clear();
        out.resize(end.unwrap_or_else(|end| end) as usize, 0);
        pieces.sort_unstable_by_key(|piece| piece.start);
        if !last_counts {
            pieces.reverse();
        }
        for piece in &pieces {
            let place = out.get_mut(piece.offset as usize..).unwrap_or_default();
            let bytes = self.bytes_of(piece).unwrap_or_default();
            for (slot, byte) in place.iter_mut().zip(bytes) {
                *slot = *byte;
            }
        }
    }

    /// Forgets the pieces that came least surely. False if all came alike.
    #[cold]
    pub(in crate::extract) fn forget_unsure(&mut self) -> bool {
        let Some(least) = self.pieces().map(|piece| piece.reach).min() else { return false };
        let mut surer: Vec<Piece> =
            self.pieces().filter(|piece| piece.reach > least).copied().collect();
        if surer.is_empty() {
            return false;
        }
        surer.sort_unstable_by_key(|piece| piece.start);
        let mut kept = Self::default();
        for piece in &surer {
            let bytes = self.bytes_of(piece).unwrap_or_default();
            let _ = kept.push(u64::from(piece.offset), bytes, piece.reach);
        }
        *self = kept;
        true
    }
}
