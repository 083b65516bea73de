//! The record layer (RFC 8446 5.1): where handshake bytes lie in one direction's stream.
//!
//! Holds offsets only; the bytes stay in the stream. Knows nothing of what a handshake says.

const HANDSHAKE: u8 = 22;

/// One record's header and as much of its fragment as is there.
struct Record<'a> {
    kind: u8,
    length: usize,
    fragment: &'a [u8],
}

impl<'a> Record<'a> {
    /// The record at the start of `bytes`; `None` while its header is short, `Some(None)` if
    /// this is no TLS record in clear.
    fn read(bytes: &'a [u8]) -> Option<Option<Self>> {
        let (&[kind, major, _, high, low], rest) = bytes.split_first_chunk::<5>()?;
        // 20 change cipher spec, 21 alert, 22 handshake, 24 heartbeat. Application data (23)
        // ends the part in clear.
        if major != 3 || !matches!(kind, 20..=22 | 24) {
            return Some(None);
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        let fragment = rest.get(..length).unwrap_or(rest);
        Some(Some(Self { kind, length, fragment }))
    }

    fn is_whole(&self) -> bool {
        self.fragment.len() == self.length
    }
}

/// What a walk over the records found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    /// Handshake bytes there are, the last record's part included.
    pub(super) handshake: usize,
    /// No more of them can come: what follows is no record, or application data.
    pub(super) ended: bool,
}

/// A resumable walk over records, so that each is looked at once however often it is shown.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Offset of the first record not yet passed.
    next: usize,
    /// Handshake bytes before it.
    handshake: usize,
}

impl Records {
    /// Has nothing been passed yet?
    pub(super) const fn is_fresh(&self) -> bool {
        self.next == 0
    }

    /// Bytes of leading whole records that carry no handshake; they need not be held. Zero once a
    /// handshake record was passed.
    pub(super) fn skip_others(&self, bytes: &[u8]) -> usize {
        let mut skipped = 0;
        if self.next > 0 {
            return 0;
        }
        loop {
            let rest = bytes.get(skipped..).unwrap_or_default();
            match Record::read(rest) {
                Some(Some(record)) if record.is_whole() && record.kind != HANDSHAKE => {
                    skipped += 5 + record.length;
                }
                _ => return skipped,
            }
        }
    }

    /// Walks on to the last record that is not whole. `bytes` must start where they started in
    /// the last call, and hold at least as much.
    pub(super) fn walk(&mut self, bytes: &[u8]) -> Walk {
        loop {
            let rest = bytes.get(self.next..).unwrap_or_default();
            let record = match Record::read(rest) {
                None => return Walk { handshake: self.handshake, ended: false },
                Some(None) => return Walk { handshake: self.handshake, ended: true },
                Some(Some(record)) => record,
            };
            let part = if record.kind == HANDSHAKE { record.fragment.len() } else { 0 };
            if !record.is_whole() {
                return Walk { handshake: self.handshake + part, ended: false };
            }
            self.next += 5 + record.length;
            self.handshake += part;
        }
    }
}

/// Appends the first `limit` handshake bytes of the records in `bytes`.
pub(super) fn join(bytes: &[u8], limit: usize, out: &mut Vec<u8>) {
    let mut rest = bytes;
    let mut room = limit;
    while let (Some(Some(record)), true) = (Record::read(rest), room > 0) {
        if record.kind == HANDSHAKE {
            let part = record.fragment.get(..room).unwrap_or(record.fragment);
            out.extend_from_slice(part);
            room -= part.len();
        }
        match rest.get(5 + record.length..) {
            Some(next) => rest = next,
            None => break,
        }
    }
}

/// The first `length` handshake bytes, if they lie in the first record.
pub(super) fn contiguous(bytes: &[u8], length: usize) -> Option<&[u8]> {
    match Record::read(bytes) {
        Some(Some(record)) if record.kind == HANDSHAKE => record.fragment.get(..length),
        _ => None,
    }
}

/// Type and body length of the first handshake message, once its four bytes are there.
pub(super) fn message_header(bytes: &[u8]) -> Option<(u8, usize)> {
    // Nearly always they lie together in the first record.
    if let Some(Some(Record { kind: HANDSHAKE, fragment, .. })) = Record::read(bytes)
        && let Some([kind, length @ ..]) = fragment.first_chunk::<4>()
    {
        return Some((*kind, length_of(*length)));
    }
    let mut head = [0; 4];
    let mut filled = 0;
    let mut rest = bytes;
    while let Some(Some(record)) = Record::read(rest) {
        if record.kind == HANDSHAKE {
            for (slot, byte) in head.iter_mut().skip(filled).zip(record.fragment) {
                *slot = *byte;
                filled += 1;
            }
        }
        if filled == head.len() {
            let [kind, length @ ..] = head;
            return Some((kind, length_of(length)));
        }
        rest = rest.get(5 + record.length..)?;
    }
    None
}

/// A 24-bit length in network order.
pub(super) fn length_of(bytes: [u8; 3]) -> usize {
    let [a, b, c] = bytes;
    usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)
}
