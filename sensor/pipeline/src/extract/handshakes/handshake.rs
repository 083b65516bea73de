//! One client's handshake: the stream of its messages, as far as they came, and what was told.

use crate::extract::quic::crypto_stream::{CryptoStream, Push, Reach};
use crate::extract::quic::keys::Keys;
use crate::extract::quic::packet::Initial;
use crate::extract::tls::hello::Carrier;
use crate::net::{Endpoint, Timestamp};

/// Longest connection id of the versions that are read.
const ID_MAX: usize = 20;
/// Digests kept of what was told of contradicting messages.
const TOLD: usize = 64;

/// What a handshake is known by, beside its two ends.
#[derive(Debug)]
pub(super) enum Opening {
    /// QUIC: the keys of its first Initial.
    Quic(Box<Opened>),
    /// DTLS: `message_seq` of the hello and its length.
    Dtls { message: u16, length: usize },
}

/// A QUIC connection.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) keys: Keys,
    /// The id that the client is sent to, and its length.
    source: [u8; ID_MAX],
    source_length: usize,
}

impl Opened {
    pub(super) fn new(keys: Keys, initial: &Initial<'_>) -> Self {
        let mut source = [0; ID_MAX];
        for (slot, byte) in source.iter_mut().zip(initial.source) {
            *slot = *byte;
        }
        Self { keys, source, source_length: initial.source.len() }
    }

    /// Is the client sent to with this id?
    pub(super) fn receives(&self, id: &[u8]) -> bool {
        self.source.get(..self.source_length) == Some(id)
    }
}

/// One client's handshake.
#[derive(Debug)]
pub(super) struct Handshake {
    pub(super) client: Endpoint,
    pub(super) server: Endpoint,
    /// When its flow began.
    pub(super) begun: Timestamp,
    /// Its first piece came in a tunnel from outside.
    pub(super) hearsay: bool,
    /// When its latest piece came.
    pub(super) last: Timestamp,
    pub(super) opening: Opening,
    pub(super) stream: CryptoStream,
    /// Where the first message begins that was not told.
    pub(super) next: usize,
    /// Digests of the latest two hellos told whole, the latest first; 0 before.
    told_whole: [u64; 2],
    /// Digests of what was told of contradicting messages.
    pub(super) told: Vec<u64>,
    /// Pieces have come since contradicting ones were read.
    pub(super) unread: bool,
    /// What stands was told without waiting for the rest.
    pub(super) told_early: bool,
    /// As the table counts it.
    pub(super) filed: Filed,
}

/// Under what a table has a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Filed {
    /// Bytes of memory.
    pub(super) weight: usize,
    /// Nothing of it is awaited: it is kept to know what repeats it.
    pub(super) whole: bool,
}

impl Handshake {
    pub(super) fn new((client, server): (Endpoint, Endpoint), opening: Opening) -> Self {
        Self {
            client,
            server,
            begun: Timestamp::default(),
            hearsay: false,
            last: Timestamp::default(),
            opening,
            stream: CryptoStream::default(),
            next: 0,
            told_whole: [0; 2],
            told: Vec::new(),
            unread: false,
            told_early: false,
            filed: Filed::default(),
        }
    }

    /// Takes bytes of its messages.
    pub(super) fn push(&mut self, offset: u64, data: &[u8], reach: Reach) -> Push {
        let push = self.stream.push(offset, data, reach);
        if matches!(push, Push::Held | Push::Differs) {
            (self.unread, self.told_early) = (true, false);
        }
        push
    }

    /// Begins anew with what follows, after what was held is told.
    pub(super) fn forget_held(&mut self) {
        self.stream = CryptoStream::default();
        (self.next, self.unread) = (0, false);
    }

    /// Forgets the pieces that came least surely. False if all came alike.
    pub(super) fn forget_unsure(&mut self) -> bool {
        let forgot = self.stream.forget_unsure();
        if forgot {
            self.next = 0;
        }
        forgot
    }

    /// Is there something to tell?
    pub(super) fn is_ready(&self) -> bool {
        self.unread
            && (self.stream.is_contradicted() || self.stream.whole_message(self.next).is_some())
    }

    /// Was a whole hello of this digest told?
    pub(super) fn was_told(&self, digest: u64) -> bool {
        self.told_whole.contains(&digest)
    }

    /// A whole hello of this digest is told.
    pub(super) const fn note_whole(&mut self, digest: u64) {
        self.told_whole = [digest, self.told_whole[0]];
    }

    /// Was a digest told before? It is from now on.
    pub(super) fn note(told: &mut Vec<u64>, digest: u64) -> bool {
        if told.contains(&digest) {
            return true;
        }
        if told.len() >= TOLD {
            told.remove(0);
        }
        told.push(digest);
        false
    }

    pub(super) fn carrier(&self) -> Carrier {
        match &self.opening {
            Opening::Quic(opened) => Carrier::Quic(opened.keys.version()),
            Opening::Dtls { .. } => Carrier::Dtls,
        }
    }

    pub(super) const fn quic(&self) -> Option<&Opened> {
        match &self.opening {
            Opening::Quic(opened) => Some(opened),
            Opening::Dtls { .. } => None,
        }
    }

    pub(super) fn quic_mut(&mut self) -> Option<&mut Opened> {
        match &mut self.opening {
            Opening::Quic(opened) => Some(opened),
            Opening::Dtls { .. } => None,
        }
    }

    /// What it is to be filed under now.
    pub(super) fn file(&self) -> Filed {
        let keys = if self.quic().is_some() { size_of::<Opened>() } else { 0 };
        // What the allocator and the trees around it take is counted as two pointers a part.
        let around = 12 * size_of::<usize>();
        let held = self.stream.held_bytes() + self.told.capacity() * size_of::<u64>();
        let whole =
            self.next > 0 && !self.stream.is_contradicted() && self.stream.end() <= self.next;
        Filed { weight: size_of::<Self>() + keys + around + held, whole }
    }
}
