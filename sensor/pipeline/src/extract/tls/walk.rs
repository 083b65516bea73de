//! A ClientHello read as it passes: for one that is too long to be held. Only its names are kept,
//! one at a time, so what stands before them costs nothing, whatever its length.
//!
//! Owns its place among the fields of RFC 8446 4.1.2. What the fields say but for the names is
//! read by [`super::hello`], as far as a hello is held.

use super::records::{Layer, Piece, length_of};

/// Longest name kept; no host has more than 255 bytes, and a port may stand behind it.
const NAME_LIMIT: usize = 1024;

/// What comes next. Each number is read byte by byte, all else is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// Type and length of the message.
    Header,
    /// Length of the session id, behind version and random.
    Session,
    Ciphers,
    Compressions,
    Extensions,
    /// Type and length of an extension.
    Extension,
    /// Type and length of an entry of the server name list.
    Entry,
    /// A name.
    Name,
    /// The message has ended.
    Over,
}

/// A walk through one hello.
#[derive(Debug)]
pub(super) struct Walk {
    layer: Layer,
    field: Field,
    /// Bytes passed over before the field.
    skip: usize,
    /// The field's bytes so far, as a number, and how many are missing.
    number: u32,
    missing: u8,
    /// Bytes of the message that follow.
    message: usize,
    /// Bytes that follow of the extension at hand, if it is that of server names.
    list: usize,
    name: Vec<u8>,
    /// Bytes that follow of the name at hand.
    name_left: usize,
}

impl Walk {
    /// A walk that begins with so many bytes that are left of a handshake record.
    pub(super) fn inside(lead: u16) -> Self {
        Self {
            layer: Layer::inside(lead),
            field: Field::Header,
            skip: 0,
            number: 0,
            missing: 4,
            message: usize::MAX,
            list: 0,
            name: Vec::new(),
            name_left: 0,
        }
    }

    /// Bytes on the heap.
    pub(super) fn held_bytes(&self) -> usize {
        self.name.capacity()
    }

    /// Once the message has ended: the bytes left of the record it ended in.
    pub(super) fn over(&self) -> Option<u16> {
        (self.field == Field::Over).then(|| self.layer.left())
    }

    /// Takes bytes of the stream and tells each name that is whole. How many were taken: fewer
    /// than there are where the hello or the records in clear end.
    pub(super) fn feed(&mut self, bytes: &[u8], tell: &mut dyn FnMut(&[u8])) -> usize {
        let mut rest = bytes;
        while self.field != Field::Over {
            let before = rest;
            match self.layer.next(&mut rest) {
                Piece::Handshake(piece) => {
                    let left = self.take(piece, tell);
                    if left > 0 {
                        let used = before.len() - rest.len() - left;
                        self.layer.give_back(left);
                        rest = before.get(used..).unwrap_or_default();
                    }
                }
                Piece::None => break,
                Piece::Ended => return bytes.len() - before.len(),
            }
        }
        bytes.len() - rest.len()
    }

    /// Takes handshake bytes; how many are left when the message has ended.
    fn take(&mut self, piece: &[u8], tell: &mut dyn FnMut(&[u8])) -> usize {
        let mut rest = piece;
        loop {
            if self.message == 0 {
                self.field = Field::Over;
            }
            if self.field == Field::Over || rest.is_empty() {
                return rest.len();
            }
            let wanted = match (self.skip, self.field) {
                (0, Field::Name) => self.name_left,
                (0, _) => 1,
                (skip, _) => skip,
            };
            let took = wanted.min(rest.len()).min(self.message);
            let (part, behind) = rest.split_at_checked(took).unwrap_or((rest, &[]));
            rest = behind;
            self.message -= took;
            if self.skip > 0 {
                self.skip -= took;
            } else if self.field == Field::Name {
                self.name_part(part, tell);
            } else if let [byte] = part {
                self.byte(*byte);
            }
        }
    }

    fn name_part(&mut self, part: &[u8], tell: &mut dyn FnMut(&[u8])) {
        self.name_left -= part.len();
        let room = NAME_LIMIT.saturating_sub(self.name.len());
        self.name.extend_from_slice(part.get(..room).unwrap_or(part));
        if self.name_left == 0 {
            if self.name.len() < NAME_LIMIT {
                tell(&self.name);
            }
            self.name.clear();
            self.entries();
        }
    }

    fn byte(&mut self, byte: u8) {
        self.number = self.number << 8 | u32::from(byte);
        self.missing -= 1;
        if self.missing == 0 {
            let number = std::mem::take(&mut self.number);
            self.whole(number);
        }
    }

    /// A field's number is whole: it says what comes next.
    fn whole(&mut self, number: u32) {
        let [high, a, b, c] = number.to_be_bytes();
        let length = number as usize;
        let low = usize::from(u16::from_be_bytes([b, c]));
        match self.field {
            Field::Header => {
                self.message = length_of([a, b, c]);
                self.expect(34, Field::Session, 1);
            }
            Field::Session => self.expect(length, Field::Ciphers, 2),
            Field::Ciphers => self.expect(length, Field::Compressions, 1),
            Field::Compressions => self.expect(length, Field::Extensions, 2),
            Field::Extensions => self.expect(0, Field::Extension, 4),
            Field::Extension if (high, a) == (0, 0) => {
                // The list's own length is not needed: the extension's bounds it.
                let head = low.min(2);
                self.list = low - head;
                self.skip = head;
                self.entries();
            }
            Field::Extension => self.expect(low, Field::Extension, 4),
            Field::Entry => {
                self.list -= 3;
                let length = low.min(self.list);
                let whole = length == low;
                self.list -= length;
                if a == 0 && length > 0 && whole {
                    (self.field, self.name_left) = (Field::Name, length);
                } else {
                    self.skip = length;
                    self.entries();
                }
            }
            Field::Name | Field::Over => {}
        }
    }

    const fn expect(&mut self, skip: usize, field: Field, bytes: u8) {
        (self.skip, self.field, self.missing) = (skip, field, bytes);
    }

    /// The next entry of the list of names, or the next extension.
    const fn entries(&mut self) {
        if self.list >= 3 {
            (self.field, self.missing) = (Field::Entry, 3);
        } else {
            self.skip += self.list;
            self.list = 0;
            (self.field, self.missing) = (Field::Extension, 4);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::extract::tls::testing::{body, counted, extension, handshake, record, server_name};

    /// The names that a walk tells when it is fed pieces of this size, and what it left.
    fn walk(bytes: &[u8], size: usize) -> (Vec<Vec<u8>>, usize) {
        let (mut walk, mut names, mut taken) = (Walk::inside(0), Vec::new(), 0);
        for piece in bytes.chunks(size) {
            taken += walk.feed(piece, &mut |name| names.push(name.to_vec()));
            if walk.over().is_some() {
                break;
            }
        }
        (names, bytes.len() - taken)
    }

    proptest! {
        #[test]
        fn a_walk_tells_every_name_wherever_it_stands_and_ends_with_the_hello(
            names in prop::collection::vec("[a-z]{1,40}", 0..4),
            before in prop::collection::vec((1..60_u16, 0..300_usize), 0..6),
            after in 0..300_usize,
            record_size in prop_oneof![Just(1_usize), 2..500_usize],
            size in prop_oneof![Just(1_usize), 2..700_usize],
        ) {
            let mut block: Vec<u8> =
                before.iter().flat_map(|(kind, length)| extension(*kind, &vec![0; *length])).collect();
            let list: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
            block.extend(server_name(&list));
            block.extend(extension(21, &vec![0; after]));
            let message = handshake(1, &body(&block, None));
            let stream: Vec<u8> =
                message.chunks(record_size).flat_map(|part| record(22, part)).collect();
            let next = b"\x16\x03\x01\0\x05what follows";
            let (told, left) = walk(&[&stream[..], next].concat(), size);
            let expected: Vec<Vec<u8>> = names.iter().map(|name| name.clone().into_bytes()).collect();
            prop_assert_eq!(told, expected);
            // Records behind it in the same piece are left as they are.
            prop_assert!(left <= next.len() && left + size > next.len());
        }

        #[test]
        fn any_bytes_are_survived(
            bytes in prop::collection::vec(prop_oneof![Just(0_u8), Just(22), Just(3), any::<u8>()], 0..300),
            size in 1..60_usize,
        ) {
            let stream = record(22, &handshake(1, &bytes));
            let _ = (walk(&stream, size), walk(&bytes, size));
        }
    }

    #[test]
    fn a_name_that_is_cut_or_endless_is_not_told_and_hides_no_other() {
        let long = [b'a'; 2000];
        let block = server_name(&[&long[..], b"kept.example"]);
        let stream = record(22, &handshake(1, &body(&block, None)));
        assert_eq!(walk(&stream, 7).0, [b"kept.example"]);
        let mut entry = counted(2, b"cut.example");
        entry.truncate(6);
        let list = [&[0][..], &entry].concat();
        let block = extension(0, &counted(2, &list));
        assert!(walk(&record(22, &handshake(1, &body(&block, None))), 9).0.is_empty());
    }
}
