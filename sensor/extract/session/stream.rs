//! One direction of a TCP connection: detection, its parser, and the search for a protocol that
//! begins later (STARTTLS, a capture that began in the middle, a hole).

use crate::extract::detect::{self, Detected, Protocol};
use crate::extract::{Context, Probe, dns, http, http2, socks, tls};
use crate::flow::stream::{Chunk, Cut, Verdict};
use crate::stats::Counter;

/// Bytes of a direction searched for a ClientHello when its start is known and none of ours.
const SEARCH_LIMIT: u32 = 16 * 1024;

/// Bytes searched when the start was not seen: the next request may come late.
const SEARCH_LIMIT_MIDDLE: u32 = 64 * 1024;

/// Chunks searched when the start was not seen.
const CHUNKS_LIMIT: u8 = 40;

/// Longest line held because it may become a request line.
const LINE_LIMIT: usize = 8 * 1024;

/// Bytes by which a ClientHello in the middle of others is known, less one.
const HELLO_TAIL: usize = 10;

/// Protocols inside each other that are followed at once (PROXY, SOCKS, CONNECT, TLS).
const NESTING: usize = 8;

/// What a direction is doing. Sixteen bytes; nothing on the heap in the variants without a box.
#[derive(Debug, Default)]
pub(super) enum Direction {
    #[default]
    Detecting,
    Searching(Search),
    Tls(Box<tls::Hellos>),
    Certificates(Box<tls::Certificates>),
    Http(Box<http::Requests>),
    Http2(Box<http2::Requests>),
    Dns(Box<dns::tcp::TcpMessages>),
    Socks(Box<socks::Client>),
    Done,
}

/// A search among bytes of no protocol of ours.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Search {
    seen: u32,
    /// Bytes at the front of the next chunk that were shown before.
    kept: u16,
    /// Where among them a chunk began that may yet be the start of a protocol.
    pending: Option<u16>,
    chunks: u8,
    /// The start of the direction was not seen: a protocol may begin with any chunk.
    middle: bool,
}

enum Step {
    /// Answer the caller.
    Answer(Verdict),
    /// So many bytes are done with, and another protocol begins after them.
    Next(u64),
}

impl Direction {
    /// Bytes on the heap.
    pub(super) fn held_bytes(&self) -> usize {
        match self {
            Self::Tls(hellos) => size_of_val(hellos.as_ref()),
            Self::Certificates(certificates) => size_of_val(certificates.as_ref()),
            Self::Http(requests) => requests.held_bytes(),
            Self::Http2(requests) => requests.held_bytes(),
            Self::Dns(messages) => size_of_val(messages.as_ref()),
            Self::Socks(client) => size_of_val(client.as_ref()),
            Self::Detecting | Self::Searching(_) | Self::Done => 0,
        }
    }

    /// Reads on.
    pub(super) fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        let mut taken: u64 = 0;
        let mut rest = chunk;
        for _ in 0..NESTING {
            match self.step(rest, cx) {
                Step::Answer(Verdict::All) => {
                    *self = Self::Done;
                    return Verdict::All;
                }
                Step::Answer(Verdict::Consumed(bytes)) => {
                    return Verdict::Consumed(taken.saturating_add(bytes));
                }
                Step::Next(bytes) => taken = taken.saturating_add(bytes),
            }
            let start = usize::try_from(taken).unwrap_or(usize::MAX);
            match chunk.bytes.get(start..) {
                Some(bytes) if !bytes.is_empty() => {
                    rest = Chunk { bytes, after_gap: false, from_start: true, cut: chunk.cut };
                }
                _ => return Verdict::Consumed(taken),
            }
        }
        Verdict::Consumed(taken)
    }

    fn step(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        match self {
            Self::Detecting => self.detect(chunk, cx),
            Self::Searching(search) => {
                let search = *search;
                self.search(search, chunk, cx)
            }
            Self::Tls(hellos) => Step::Answer(hellos.advance(chunk, cx)),
            Self::Certificates(certificates) => Step::Answer(certificates.advance(chunk, cx)),
            Self::Http2(requests) => Step::Answer(requests.advance(chunk, cx)),
            Self::Dns(messages) => Step::Answer(messages.advance(chunk, cx)),
            Self::Http(requests) => {
                let verdict = requests.advance(chunk, cx);
                let next = requests.tunnel();
                self.after(verdict, next)
            }
            Self::Socks(client) => {
                let verdict = client.advance(chunk, cx);
                let next = client.over();
                self.after(verdict, next)
            }
            Self::Done => Step::Answer(Verdict::All),
        }
    }

    /// Another protocol may follow what a parser has consumed.
    fn after(&mut self, verdict: Verdict, next: bool) -> Step {
        match verdict {
            Verdict::Consumed(bytes) if next => {
                *self = Self::Detecting;
                Step::Next(bytes)
            }
            verdict => Step::Answer(verdict),
        }
    }

    fn detect(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        let middle = chunk.after_gap || !chunk.from_start;
        match detect::stream(chunk.bytes) {
            Detected::Is(protocol) => self.begin(protocol, chunk, cx),
            Detected::Unsure if chunk.cut == Cut::None && !middle => {
                Step::Answer(Verdict::Consumed(0))
            }
            _ => self.search(Search { middle, ..Search::default() }, chunk, cx),
        }
    }

    /// Gives a protocol its first bytes. A parser that is done at once is never put on the heap.
    fn begin(&mut self, protocol: Protocol, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        macro_rules! parser {
            ($variant:ident, $parser:ty) => {{
                let mut parser = <$parser>::default();
                match parser.advance(chunk, cx) {
                    Verdict::All => Step::Answer(Verdict::All),
                    verdict => {
                        *self = Self::$variant(Box::new(parser));
                        Step::Answer(verdict)
                    }
                }
            }};
        }
        match protocol {
            Protocol::Tls => parser!(Tls, tls::Hellos),
            Protocol::Certificates => parser!(Certificates, tls::Certificates),
            Protocol::Http2 => parser!(Http2, http2::Requests),
            Protocol::Dns => parser!(Dns, dns::tcp::TcpMessages),
            Protocol::Http => {
                *self = Self::Http(Box::default());
                self.step(chunk, cx)
            }
            Protocol::Socks => {
                *self = Self::Socks(Box::default());
                self.step(chunk, cx)
            }
            Protocol::Proxy(bytes) => {
                *self = Self::Detecting;
                Step::Next(bytes)
            }
            // Nothing in a response is compared yet.
            Protocol::Responses => Step::Answer(Verdict::All),
        }
    }

    fn search(&mut self, mut search: Search, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        if chunk.after_gap {
            (search.middle, search.kept, search.pending) = (true, 0, None);
        }
        match search.find(chunk.bytes) {
            Found::Begins(protocol, at) => {
                let bytes = chunk.bytes.get(at..).unwrap_or_default();
                let chunk = Chunk { bytes, after_gap: false, ..chunk };
                behind(self.begin(protocol, chunk, cx), at)
            }
            Found::Keep(at) => {
                let silent = search.seen == 0 && chunk.bytes.is_empty();
                if search.over(chunk.bytes.len(), at) || chunk.cut == Cut::End {
                    if !silent {
                        cx.observer.count(Counter::Unknown);
                    }
                    return Step::Answer(Verdict::All);
                }
                *self = Self::Searching(search);
                Step::Answer(Verdict::Consumed(at as u64))
            }
        }
    }
}

/// What a search came to.
enum Found {
    /// A protocol begins at this byte.
    Begins(Protocol, usize),
    /// None so far; the bytes from here on may be the start of one.
    Keep(usize),
}

impl Search {
    fn find(&mut self, bytes: &[u8]) -> Found {
        let pending = match self.middle.then(|| self.chunk_start(bytes)) {
            Some(Found::Keep(at)) => at,
            Some(begins) => return begins,
            None => bytes.len(),
        };
        let hello = tls::find_hello(bytes)
            .filter(|at| tls::probe(bytes.get(*at..).unwrap_or_default()) == Probe::Yes);
        // What stands first began first: a request line before the ClientHello asks for a tunnel.
        let before = hello.and_then(|at| bytes.get(..at)).unwrap_or(bytes);
        // A line is only known to begin after a line end, or with the direction.
        let line = if self.seen == 0 { Some(0) } else { after_line_end(before) };
        let tail = bytes.len().saturating_sub(HELLO_TAIL).min(pending);
        let found = match (line.and_then(|line| http::find_request(before, line)), hello) {
            (Some((at, Probe::Yes)), _) => Found::Begins(Protocol::Http, at),
            (_, Some(at)) => Found::Begins(Protocol::Tls, at),
            // The line end before it is kept too: it says that a line begins.
            (Some((at, _)), None) if bytes.len() - at <= LINE_LIMIT => {
                Found::Keep(tail.min(at.saturating_sub(1)))
            }
            _ => Found::Keep(tail),
        };
        if let Found::Keep(keep) = found {
            let offset = (pending < bytes.len()).then(|| pending.saturating_sub(keep));
            self.pending = offset.and_then(|offset| u16::try_from(offset).ok());
        }
        found
    }

    /// Looks at the place where new bytes begin, and at the one that was undecided before. Keeps
    /// from the first of them that is still undecided.
    fn chunk_start(&self, bytes: &[u8]) -> Found {
        let fresh = usize::from(self.kept);
        let mut keep = bytes.len();
        for at in [self.pending.map_or(fresh, usize::from), fresh] {
            let Some(arrived) = bytes.get(at..).filter(|arrived| !arrived.is_empty()) else {
                continue;
            };
            match detect::stream(arrived) {
                Detected::Is(protocol) => return Found::Begins(protocol, at),
                Detected::Unsure if arrived.len() <= LINE_LIMIT => keep = keep.min(at),
                Detected::Unsure | Detected::Unknown => {}
            }
        }
        Found::Keep(keep)
    }

    /// Notes a chunk of so many bytes that is kept from `keep` on; true when the search is over.
    fn over(&mut self, length: usize, keep: usize) -> bool {
        let arrived = length.saturating_sub(usize::from(self.kept));
        self.seen = self.seen.saturating_add(u32::try_from(arrived).unwrap_or(u32::MAX));
        self.kept = u16::try_from(length - keep).unwrap_or(u16::MAX);
        self.chunks = self.chunks.saturating_add(1);
        if self.middle {
            let patience = if self.pending.is_some() { 4 * CHUNKS_LIMIT } else { CHUNKS_LIMIT };
            let tired = self.chunks > patience;
            self.seen > SEARCH_LIMIT_MIDDLE || tired
        } else {
            self.seen > SEARCH_LIMIT
        }
    }
}

/// A step that was taken so many bytes behind the start of the chunk.
fn behind(step: Step, skipped: usize) -> Step {
    let skipped = skipped as u64;
    match step {
        Step::Answer(Verdict::Consumed(bytes)) => {
            Step::Answer(Verdict::Consumed(bytes.saturating_add(skipped)))
        }
        Step::Next(bytes) => Step::Next(bytes.saturating_add(skipped)),
        all => all,
    }
}

fn after_line_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', bytes).map(|at| at + 1)
}
