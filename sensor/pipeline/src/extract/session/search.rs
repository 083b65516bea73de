//! The search for a protocol that begins later in a direction: behind STARTTLS, in a capture that
//! began in the middle, behind a hole.
//!
//! Owns which bytes are kept for it. Holds none: they stay in the stream.

use super::beginning::is_in_line;
use super::shown::Shown;
use super::tds;
use crate::extract::detect::{self, Detected, Protocol};
use crate::extract::{Probe, http, tls};

/// Bytes of a direction searched when its start is known and none of ours. Then it sleeps, and
/// the beginnings of segments are looked at alone.
const LIMIT: u32 = 16 * 1024;

/// Bytes searched when the start was not seen: the next request may come late.
const LIMIT_MIDDLE: u32 = 64 * 1024;

/// Chunks searched when the start was not seen.
const CHUNKS_LIMIT: u8 = 40;

/// Longest line held because it may become a request line.
const LINE_LIMIT: usize = 8 * 1024;

/// No chunk is undecided.
const NONE: u16 = u16::MAX;

/// A search among bytes of no protocol of ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Search {
    seen: u32,
    pub(super) shown: Shown,
    /// Where among them a chunk began that may yet be the start of a protocol.
    pending: u16,
    chunks: u8,
    among: Among,
}

/// What a search goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Among {
    /// A direction whose start was seen.
    Start,
    /// One whose start was not seen, or what stands behind a hole.
    Middle,
    /// Bytes in which something was read before.
    Again,
}

/// What a search came to.
pub(super) enum Found {
    /// A protocol begins at this byte.
    Begins(Protocol, usize),
    /// None so far; the bytes from here on may be the start of one.
    Keep(usize),
}

impl Search {
    pub(super) const fn new(middle: bool) -> Self {
        Self::from(middle, Shown::NONE, 0)
    }

    /// A search through bytes of which so much was shown before, as more than one segment if
    /// `border` is not zero: there the second one began.
    pub(super) const fn from(middle: bool, shown: Shown, border: u16) -> Self {
        let pending = if border == 0 { NONE } else { border };
        let among = if middle { Among::Middle } else { Among::Start };
        Self { seen: 0, shown, pending, chunks: 0, among }
    }

    /// A search through bytes in which something was read before.
    pub(super) const fn again() -> Self {
        Self { among: Among::Again, ..Self::new(true) }
    }

    /// What comes next stands behind a hole.
    pub(super) const fn behind_gap(&mut self) {
        (self.among, self.shown, self.pending) = (Among::Middle, Shown::NONE, NONE);
    }

    /// Does its end with these bytes say nothing of the direction?
    pub(super) fn is_silent(&self, bytes: &[u8]) -> bool {
        self.among == Among::Again || (self.seen == 0 && bytes.is_empty())
    }

    pub(super) fn find(&mut self, bytes: &[u8]) -> Found {
        let (begins, pending) = match self.chunk_start(bytes) {
            Found::Keep(at) => (None, at),
            Found::Begins(protocol, at) => (Some(protocol), at),
        };
        let (hello, keep) = match tls::search_hello(bytes) {
            tls::Search::Client(at) => (Some((Protocol::Tls, at)), 0),
            tls::Search::Server(at) => (Some((Protocol::Certificates, at)), 0),
            tls::Search::Missing { keep } => (None, keep),
        };
        // A record of TLS that is cut behind its header may go on like another protocol.
        let hello_from = hello.map_or_else(|| bytes.len().saturating_sub(keep), |(_, at)| at);
        if let Some(protocol) = begins.filter(|_| pending <= hello_from) {
            return Found::Begins(protocol, pending);
        }
        // What stands first began first: a request line before the ClientHello asks for a tunnel.
        let before = hello.and_then(|(_, at)| bytes.get(..at)).unwrap_or(bytes);
        // A line is only known to begin after a line end, or with the direction.
        let line = if self.seen == 0 { Some(0) } else { after_line_end(before) };
        // The next chunk may go on in a line, or a packet's header stand before what begins.
        let tail = bytes.len().saturating_sub(keep).min(pending).saturating_sub(tds::HEADER);
        let found = match (line.and_then(|line| http::find_request(before, line)), hello) {
            (Some((at, Probe::Yes)), _) => Found::Begins(Protocol::Http, at),
            (_, Some((protocol, at))) => Found::Begins(protocol, at),
            // The line end before it is kept too: it says that a line begins.
            (Some((at, _)), None) if bytes.len() - at <= LINE_LIMIT => {
                Found::Keep(tail.min(at.saturating_sub(1)))
            }
            _ => Found::Keep(tail),
        };
        if let Found::Keep(keep) = found {
            let offset = (pending < bytes.len()).then(|| pending.saturating_sub(keep));
            self.pending = offset.and_then(|offset| u16::try_from(offset).ok()).unwrap_or(NONE);
        }
        found
    }

    /// Looks at the place where new bytes begin, and at the one that was undecided before. Keeps
    /// from the first of them that is still undecided.
    fn chunk_start(&self, bytes: &[u8]) -> Found {
        let fresh = self.shown.kept();
        let undecided = if self.pending == NONE { fresh } else { usize::from(self.pending) };
        let mut keep = bytes.len();
        // What stands first began first: as long as it is undecided, nothing behind it is.
        for at in [undecided, fresh] {
            if keep < bytes.len() {
                break;
            }
            let Some(arrived) = bytes.get(at..).filter(|arrived| !arrived.is_empty()) else {
                continue;
            };
            let detected = match is_in_line(bytes, at) {
                true if self.among == Among::Middle => in_line(bytes, at),
                true => Detected::Unknown,
                false => detect::later(arrived),
            };
            match detected {
                // A direction that began otherwise does not become a server's.
                Detected::Is(Protocol::Responses) if self.among == Among::Start => {}
                Detected::Is(protocol) => return Found::Begins(protocol, at),
                Detected::Unsure if arrived.len() <= LINE_LIMIT => keep = keep.min(at),
                Detected::Unsure | Detected::Unknown => {}
            }
        }
        Found::Keep(keep)
    }

    /// Notes a chunk of so many bytes; true when the search is over.
    pub(super) fn over(&mut self, length: usize) -> bool {
        let arrived = length.saturating_sub(self.shown.kept());
        self.seen = self.seen.saturating_add(u32::try_from(arrived).unwrap_or(u32::MAX));
        self.chunks = self.chunks.saturating_add(1);
        if self.among != Among::Start {
            let patience = if self.pending == NONE { CHUNKS_LIMIT } else { 4 * CHUNKS_LIMIT };
            self.seen > LIMIT_MIDDLE || self.chunks > patience
        } else {
            self.seen > LIMIT
        }
    }
}

/// What a segment begins amid a line. The line is judged from where it began; where that is no
/// request, a whole one may stand behind it, as behind a body that does not end in a line end.
fn in_line(bytes: &[u8], at: usize) -> Detected {
    let (before, arrived) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
    let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
    if http::probe_again(bytes.get(start..).unwrap_or_default()) != Probe::No {
        return Detected::Unknown;
    }
    match http::probe_again(arrived) {
        Probe::Yes => Detected::Is(Protocol::Http),
        Probe::Unsure => Detected::Unsure,
        Probe::No => Detected::Unknown,
    }
}

fn after_line_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', bytes).map(|at| at + 1)
}
