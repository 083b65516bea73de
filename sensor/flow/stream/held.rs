//! What one direction holds: bytes shown but not consumed, and segments that came too early.

use crate::net::Timestamp;

/// Heap cost counted for each held segment beside its bytes.
const OVERHEAD: usize = 64;

/// A run of bytes at a place of the sequence space.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub(super) sequence: u32,
    pub(super) bytes: &'a [u8],
    /// Bytes that followed on the wire but were not captured.
    pub(super) missing: u32,
}

impl<'a> Piece<'a> {
    /// Length in the sequence space.
    pub(super) fn length(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX).saturating_add(self.missing)
    }

    /// The sequence number after it.
    pub(super) fn end(&self) -> u32 {
        self.sequence.wrapping_add(self.length())
    }

    /// The part from `next` on, which lies at or after this piece's start; `None` if nothing is
    /// left. The piece may begin up to `next`, not after it.
    pub(super) fn from(&self, next: u32) -> Option<Self> {
        let old = next.wrapping_sub(self.sequence);
        if old >= self.length() {
            return None;
        }
        let bytes = self.bytes.get(old as usize..).unwrap_or(&[]);
        let gone = old.saturating_sub(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        Some(Self { sequence: next, bytes, missing: self.missing - gone })
    }
}

/// A held segment.
#[derive(Debug)]
pub(super) struct OwnedPiece {
    pub(super) sequence: u32,
    bytes: Vec<u8>,
    missing: u32,
}

impl OwnedPiece {
    pub(super) fn view(&self) -> Piece<'_> {
        Piece { sequence: self.sequence, bytes: &self.bytes, missing: self.missing }
    }
}

/// Everything a direction holds on the heap.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Shown, not consumed; ends at the stream's `next` (less what was not captured).
    pub(super) pending: Vec<u8>,
    /// Later segments, by sequence; of two at one place the earlier arrival first.
    pieces: Vec<OwnedPiece>,
    piece_bytes: usize,
    /// When the oldest hole was noticed.
    pub(super) since: Timestamp,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.pieces.is_empty()
    }

    pub(super) fn has_pieces(&self) -> bool {
        !self.pieces.is_empty()
    }

    pub(super) fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// Bytes held, without overhead.
    pub(super) fn bytes(&self) -> usize {
        self.pending.len() + self.piece_bytes
    }

    /// Bytes the budget counts.
    pub(super) fn cost(&self) -> usize {
        OVERHEAD + self.pending.capacity() + self.piece_bytes + self.pieces.len() * OVERHEAD
    }

    pub(super) fn first_piece(&self) -> Option<&OwnedPiece> {
        self.pieces.first()
    }

    /// Keeps a copy of a segment that came too early.
    pub(super) fn insert(&mut self, piece: &Piece<'_>) {
        let owned = OwnedPiece {
            sequence: piece.sequence,
            bytes: piece.bytes.to_vec(),
            missing: piece.missing,
        };
        self.insert_owned(owned);
    }

    fn insert_owned(&mut self, piece: OwnedPiece) {
        let at = self
            .pieces
            .partition_point(|held| held.sequence.wrapping_sub(piece.sequence).cast_signed() <= 0);
        // The same segment again adds nothing.
        let before = at.checked_sub(1).and_then(|before| self.pieces.get(before));
        if before.is_some_and(|held| held.sequence == piece.sequence && held.bytes == piece.bytes) {
            return;
        }
        self.piece_bytes += piece.bytes.len();
        self.pieces.insert(at, piece);
    }

    /// Takes the first piece if it begins at or before `next`.
    pub(super) fn pop_up_to(&mut self, next: u32) -> Option<OwnedPiece> {
        let first = self.pieces.first()?;
        if first.sequence.wrapping_sub(next).cast_signed() > 0 {
            return None;
        }
        self.piece_bytes -= first.bytes.len();
        Some(self.pieces.remove(0))
    }

    /// After a verdict: of `pending` old bytes and `new` ones, `consumed` are done with.
    /// When there were old bytes, `new` has already been appended to them.
    pub(super) fn keep_pending(&mut self, pending: usize, new: &[u8], consumed: usize) {
        if pending > 0 {
            self.pending.drain(..consumed.min(self.pending.len()));
        } else {
            self.pending.clear();
            self.pending.extend_from_slice(new.get(consumed..).unwrap_or(&[]));
        }
    }

    /// Turns the pending bytes, which end at `next`, into a piece.
    pub(super) fn pending_to_piece(&mut self, next: u32) {
        let bytes = std::mem::take(&mut self.pending);
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.insert_owned(OwnedPiece { sequence: next.wrapping_sub(length), bytes, missing: 0 });
    }
}
