//! The first bytes of a direction, shown to the observer as they are, whatever a parser makes of
//! them: each byte once, while the observer wants them, up to [`HEAD_LIMIT`].
//!
//! Holds no bytes: it only knows how many of those shown again were shown before.

use crate::flow::stream::{Chunk, Cut, Verdict};
use crate::observation::{HEAD_LIMIT, Observer, StreamHead};

/// How far the first bytes of a direction have been shown. Four bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FirstBytes {
    /// Bytes shown so far; [`CLOSED`] when no more will be. The bit above them says whether this
    /// direction has shown the name of its server.
    shown: u16,
    /// Bytes at the front of the next chunk that were shown before.
    kept: u16,
}

const CLOSED: u16 = 0x7fff;
const NAMED: u16 = 0x8000;

impl FirstBytes {
    pub(super) const fn is_closed(self) -> bool {
        self.shown & !NAMED == CLOSED
    }

    /// Has this direction shown the name of its server ([`crate::extract::Scratch::server_named`])?
    pub(super) const fn is_named(self) -> bool {
        self.shown & NAMED != 0
    }

    /// Notes that it has, once and for good.
    pub(super) const fn note_named(&mut self, named: bool) {
        if named {
            self.shown |= NAMED;
        }
    }

    /// Shows what is new in a chunk and says what follows it: as long as more is wanted, a parser
    /// that is done does not end the direction.
    pub(super) fn show(
        &mut self,
        chunk: Chunk<'_>,
        verdict: Verdict,
        observer: &mut dyn Observer,
    ) -> Verdict {
        let (length, shown) = (chunk.bytes.len(), self.shown & !NAMED);
        let fresh = chunk.bytes.get(usize::from(self.kept)..).unwrap_or_default();
        let known = !chunk.after_gap && (chunk.from_start || shown > 0);
        let room = usize::from(HEAD_LIMIT - shown.min(HEAD_LIMIT));
        let bytes = fresh.get(..room).unwrap_or(fresh);
        let skipped = matches!(verdict, Verdict::Consumed(bytes) if bytes > length as u64);
        let last = !known || skipped || chunk.cut != Cut::None || fresh.len() >= room;
        let wanted = known && !(bytes.is_empty() && shown == 0) && {
            observer.head(StreamHead { offset: shown, bytes, last })
        };
        let undecided = known && bytes.is_empty() && shown == 0 && !last;
        if last || !(wanted || undecided) {
            *self = Self { shown: CLOSED | self.shown & NAMED, kept: 0 };
            return verdict;
        }
        self.shown += u16::try_from(bytes.len()).unwrap_or(0);
        let consumed = match verdict {
            Verdict::All => length as u64,
            Verdict::Consumed(bytes) => bytes,
        };
        self.kept = u16::try_from((length as u64).saturating_sub(consumed)).unwrap_or(u16::MAX);
        Verdict::Consumed(consumed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{Message, Observation};
    use crate::stats::Counter;

    /// Takes in first bytes until it has so many.
    struct Until(usize, Vec<u8>);

    impl Observer for Until {
        fn seen(&mut self, _: Observation<'_>) {}
        fn message(&mut self, _: Message<'_>) {}
        fn count(&mut self, _: Counter) {}
        fn head(&mut self, head: StreamHead<'_>) -> bool {
            assert_eq!(usize::from(head.offset), self.1.len());
            self.1.extend_from_slice(head.bytes);
            self.1.len() < self.0 && !head.last
        }
    }

    fn chunk(bytes: &[u8], from_start: bool) -> Chunk<'_> {
        Chunk { bytes, from_start, after_gap: false, cut: Cut::None }
    }

    #[test]
    fn each_byte_is_shown_once_however_much_the_parser_keeps() {
        let mut observer = Until(100, Vec::new());
        let mut head = FirstBytes::default();
        assert_eq!(
            head.show(chunk(b"abcd", true), Verdict::Consumed(1), &mut observer),
            Verdict::Consumed(1)
        );
        let verdict = head.show(chunk(b"bcdef", false), Verdict::All, &mut observer);
        assert_eq!(verdict, Verdict::Consumed(5), "the parser is done, the observer is not");
        let _ = head.show(chunk(b"gh", false), Verdict::All, &mut observer);
        assert_eq!(observer.1, b"abcdefgh");
    }

    #[test]
    fn a_direction_joined_in_its_middle_or_behind_a_hole_has_no_first_bytes() {
        let mut observer = Until(100, Vec::new());
        let mut middle = FirstBytes::default();
        let _ = middle.show(chunk(b"abc", false), Verdict::Consumed(3), &mut observer);
        assert!(middle.is_closed() && observer.1.is_empty());
        let mut torn = FirstBytes::default();
        let _ = torn.show(chunk(b"ab", true), Verdict::Consumed(2), &mut observer);
        let behind = Chunk { after_gap: true, ..chunk(b"xyz", false) };
        let _ = torn.show(behind, Verdict::Consumed(3), &mut observer);
        assert!(torn.is_closed() && observer.1 == b"ab");
    }

    #[test]
    fn no_more_than_the_limit_is_shown() {
        let mut observer = Until(usize::MAX, Vec::new());
        let mut head = FirstBytes::default();
        for nth in 0..10 {
            if head.is_closed() {
                break;
            }
            let _ = head.show(chunk(&[7; 1000], nth == 0), Verdict::Consumed(1000), &mut observer);
        }
        assert_eq!(observer.1.len(), usize::from(HEAD_LIMIT));
        assert!(head.is_closed());
    }
}
