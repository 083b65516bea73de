//! The record layer (RFC 8446 5.1): where handshake bytes lie in one direction's stream.
//!
//! Holds offsets only; the bytes stay in the stream. Knows nothing of what a handshake says.

const HANDSHAKE: u8 = 22;

/// One record's header and as much of its fragment as is there.
struct Record<'a> {
    kind: u8,
    /// Bytes of its header; none where the walk begins inside a record.
    header: usize,
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
        Some(Some(Self { kind, header: 5, length, fragment }))
    }

    /// The same where the first `lead` bytes are what is left of a handshake record.
    fn first(bytes: &'a [u8], lead: u16) -> Option<Option<Self>> {
        let length = usize::from(lead);
        if length == 0 {
            return Self::read(bytes);
        }
        let fragment = bytes.get(..length).unwrap_or(bytes);
        Some(Some(Self { kind: HANDSHAKE, header: 0, length, fragment }))
    }

    fn is_whole(&self) -> bool {
        self.fragment.len() == self.length
    }

    /// Bytes from its start to its end.
    const fn end(&self) -> usize {
        self.header + self.length
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
    /// What is left of a handshake record in which the walk begins.
    lead: u16,
    /// Offset of the first record not yet passed.
    next: usize,
    /// Handshake bytes before it.
    handshake: usize,
}

impl Records {
    /// A walk that begins with what is left of a handshake record.
    pub(super) const fn inside(lead: u16) -> Self {
        Self { lead, next: 0, handshake: 0 }
    }

    /// Offset of the first record that is not whole, or is none.
    pub(super) const fn passed(&self) -> usize {
        self.next
    }

    /// Walks on to the last record that is not whole. `bytes` must start where they started in
    /// the last call, and hold at least as much.
    pub(super) fn walk(&mut self, bytes: &[u8]) -> Walk {
        loop {
            let rest = bytes.get(self.next..).unwrap_or_default();
            let lead = if self.next == 0 { self.lead } else { 0 };
            let record = match Record::first(rest, lead) {
                None => return Walk { handshake: self.handshake, ended: false },
                Some(None) => return Walk { handshake: self.handshake, ended: true },
                Some(Some(record)) => record,
            };
            let part = if record.kind == HANDSHAKE { record.fragment.len() } else { 0 };
            if !record.is_whole() {
                return Walk { handshake: self.handshake + part, ended: false };
            }
            self.next += record.end();
            self.handshake += part;
        }
    }
}

/// The handshake fragments of records that lie one behind the other: the offset behind each, and
/// the fragment as far as it is there. Begins with what is left of a handshake record.
fn fragments(bytes: &[u8], mut lead: u16) -> impl Iterator<Item = (usize, Record<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = bytes.get(at..)?;
            let record = Record::first(rest, std::mem::take(&mut lead))??;
            at += record.end();
            if record.kind == HANDSHAKE {
                return Some((at, record));
            }
        }
    })
}

/// Appends the first `limit` handshake bytes of the records in `bytes`.
pub(super) fn join((bytes, lead): (&[u8], u16), limit: usize, out: &mut Vec<u8>) {
    let mut room = limit;
    for (_, record) in fragments(bytes, lead) {
        let part = record.fragment.get(..room).unwrap_or(record.fragment);
        out.extend_from_slice(part);
        room -= part.len();
        if room == 0 {
            return;
        }
    }
}

/// The first `length` handshake bytes, if they lie in the first record.
pub(super) fn contiguous((bytes, lead): (&[u8], u16), length: usize) -> Option<&[u8]> {
    match Record::first(bytes, lead) {
        Some(Some(record)) if record.kind == HANDSHAKE => record.fragment.get(..length),
        _ => None,
    }
}

/// Fills `head` with the first handshake bytes; how many there are.
pub(super) fn fill((bytes, lead): (&[u8], u16), head: &mut [u8]) -> usize {
    let mut filled = 0;
    for (_, record) in fragments(bytes, lead) {
        for (slot, byte) in head.iter_mut().skip(filled).zip(record.fragment) {
            *slot = *byte;
            filled += 1;
        }
        if filled == head.len() {
            break;
        }
    }
    filled
}

/// Where the first `length` handshake bytes end, and what is left of the record they end in.
pub(super) fn end_of((bytes, lead): (&[u8], u16), length: usize) -> (usize, u16) {
    let mut seen = 0;
    for (end, record) in fragments(bytes, lead) {
        seen += record.length;
        if seen >= length {
            let left = seen - length;
            return (end - left, u16::try_from(left).unwrap_or(0));
        }
    }
    (bytes.len(), 0)
}

/// Type and body length of the first handshake message, once its four bytes are there.
pub(super) fn message_header((bytes, lead): (&[u8], u16)) -> Option<(u8, usize)> {
    // Nearly always they lie together in the first record.
    let mut head = [0; 4];
    if let Some(first) = contiguous((bytes, lead), 4) {
        head.copy_from_slice(first);
    } else if fill((bytes, lead), &mut head) < head.len() {
        return None;
    }
    let [kind, length @ ..] = head;
    Some((kind, length_of(length)))
}

/// A 24-bit length in network order.
pub(super) fn length_of(bytes: [u8; 3]) -> usize {
    let [a, b, c] = bytes;
    usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)
}

/// The record layer of bytes that are shown once and not again.
#[derive(Debug, Default)]
pub(super) struct Layer {
    header: [u8; 5],
    filled: u8,
    /// Bytes left of the record at hand.
    left: u16,
}

/// What the record layer makes of the next bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Handshake bytes.
    Handshake(&'a [u8]),
    /// All bytes were taken.
    None,
    /// What stands here is no record in clear.
    Ended,
}

impl Layer {
    /// A layer that begins with so many bytes that are left of a handshake record.
    pub(super) const fn inside(lead: u16) -> Self {
        Self { header: [HANDSHAKE, 0, 0, 0, 0], filled: 0, left: lead }
    }

    /// The last bytes that were given are not wanted yet.
    pub(super) fn give_back(&mut self, bytes: usize) {
        self.left = self.left.saturating_add(u16::try_from(bytes).unwrap_or(0));
    }

    /// Takes the next handshake bytes off the front of `bytes`, other records with them.
    pub(super) fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Piece<'a> {
        loop {
            if self.left > 0 {
                let (part, rest) =
                    bytes.split_at_checked(usize::from(self.left)).unwrap_or((bytes, &[]));
                if part.is_empty() {
                    return Piece::None;
                }
                *bytes = rest;
                self.left -= u16::try_from(part.len()).unwrap_or(self.left);
                if self.header.first() == Some(&HANDSHAKE) {
                    return Piece::Handshake(part);
                }
                continue;
            }
            while usize::from(self.filled) < self.header.len() {
                let Some((byte, rest)) = bytes.split_first() else { return Piece::None };
                if let Some(slot) = self.header.get_mut(usize::from(self.filled)) {
                    *slot = *byte;
                }
                self.filled += 1;
                *bytes = rest;
            }
            let [kind, major, _, high, low] = self.header;
            if major != 3 || !matches!(kind, 20..=22 | 24) {
                return Piece::Ended;
            }
            self.left = u16::from_be_bytes([high, low]);
            self.filled = 0;
        }
    }

    /// What is left of the record at hand.
    pub(super) const fn left(&self) -> u16 {
        self.left
    }
}
