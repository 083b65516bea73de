//! One direction of a TCP connection: detection, its parser, and what becomes of it afterwards.
//!
//! No direction is given up for good: one that has nothing more to read sleeps, and is woken by a
//! segment that may begin something ([`super::may_begin`]).

mod detection;

use super::beginning::{is_in_line, may_begin};
use super::fork::{Fork, Outcome};
use super::search::Search;
use super::shown::{Kept, Shown};
use super::tds;
use crate::extract::tls::Opening;
use crate::extract::{Context, dns, http, http2, socks, tls};
use crate::flow::stream::{Chunk, Cut, Verdict};

/// Protocols that follow one another in one chunk (PROXY, SOCKS, CONNECT, TLS, TLS ...).
const NESTING: usize = 32;

/// What a direction is doing. Sixteen bytes; nothing on the heap in the variants without a box.
#[derive(Debug)]
pub(super) enum Direction {
    Detecting(Start),
    Searching(Search),
    Tls(Box<Kept<tls::Hellos>>),
    /// TLS in clear goes on after a ClientHello, and nothing is waited for.
    Between(tls::Between),
    Certificates(Box<Kept<tls::Certificates>>),
    Http(Box<Kept<http::Requests>>),
    Http2(Box<Kept<http2::Requests>>),
    Dns(Box<Kept<dns::tcp::TcpMessages>>),
    Socks(Box<Kept<socks::Client>>),
    Tds(Box<Kept<tds::Packets>>),
    Fork(Box<Kept<Fork>>),
    /// Nothing is expected. `server`: what was read came from a server.
    Asleep {
        server: bool,
    },
}

/// How a direction is looked at that has no parser.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Start {
    /// It slept, or is a second reading: what is none of ours lets it sleep again.
    woken: bool,
    /// What was read came from a server.
    server: bool,
    /// Other readings run beside it.
    beside: bool,
    /// Another protocol stood before, or the framing of DNS is followed beside it.
    follows: bool,
    /// Where the second segment began, if the first did not tell what it is.
    border: u16,
    shown: Shown,
}

enum Step {
    /// Answer the caller.
    Answer(Verdict),
    /// So many bytes are done with, and another protocol begins after them.
    Next(u64),
}

impl Default for Direction {
    fn default() -> Self {
        Self::Detecting(Start::default())
    }
}

impl Direction {
    const FOLLOWING: Start = Start {
        woken: false,
        server: false,
        beside: false,
        follows: true,
        border: 0,
        shown: Shown::NONE,
    };

    /// A second reading, from a segment on that may begin something.
    pub(super) const fn anew() -> Self {
        Self::Detecting(Start { woken: true, beside: true, ..Self::FOLLOWING })
    }

    /// What follows another protocol in the same direction.
    const fn following() -> Self {
        Self::Detecting(Self::FOLLOWING)
    }

    /// Bytes on the heap.
    pub(super) fn held_bytes(&self) -> usize {
        match self {
            Self::Tls(hellos) => size_of_val(hellos.as_ref()) + hellos.parser.held_bytes(),
            Self::Certificates(certificates) => {
                size_of_val(certificates.as_ref()) + certificates.parser.held_bytes()
            }
            Self::Http(requests) => size_of_val(&requests.shown) + requests.parser.held_bytes(),
            Self::Http2(requests) => size_of_val(&requests.shown) + requests.parser.held_bytes(),
            Self::Dns(messages) => size_of_val(messages.as_ref()),
            Self::Socks(client) => size_of_val(client.as_ref()),
            Self::Tds(packets) => size_of_val(packets.as_ref()) + packets.parser.held_bytes(),
            Self::Fork(fork) => size_of_val(fork.as_ref()) + fork.parser.held_bytes(),
            Self::Detecting(_) | Self::Searching(_) | Self::Between(_) | Self::Asleep { .. } => 0,
        }
    }

    /// What was shown before of the next chunk.
    const fn shown(&mut self) -> Option<&mut Shown> {
        Some(match self {
            Self::Detecting(start) => &mut start.shown,
            Self::Searching(search) => &mut search.shown,
            Self::Tls(hellos) => &mut hellos.shown,
            Self::Certificates(certificates) => &mut certificates.shown,
            Self::Http(requests) => &mut requests.shown,
            Self::Http2(requests) => &mut requests.shown,
            Self::Dns(messages) => &mut messages.shown,
            Self::Socks(client) => &mut client.shown,
            Self::Tds(packets) => &mut packets.shown,
            Self::Fork(fork) => &mut fork.shown,
            Self::Between(_) | Self::Asleep { .. } => return None,
        })
    }

    /// Reads on.
    pub(super) fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        let shown = self.shown().map_or(Shown::NONE, |shown| *shown);
        // Bytes behind a hole are said to be so until some are consumed.
        let after_gap = chunk.after_gap && !shown.is_told();
        let known = shown.kept();
        let next = Chunk { after_gap, ..chunk };
        // A compare of two bytes for each segment of a direction that is read.
        match chunk.bytes.get(known..) {
            Some([0x16] | [0x16, 3, ..]) => self.look_afresh(next, known, cx),
            Some(fresh) if known > 0 && self.is_undecided() && may_begin(fresh) => {
                self.look_afresh(next, known, cx);
            }
            _ => {}
        }
        let verdict = self.run(next, cx);
        if let (Verdict::Consumed(0), Self::Detecting(start @ Start { border: 0, .. })) =
            (verdict, &mut *self)
        {
            start.border = u16::try_from(chunk.bytes.len()).unwrap_or(0);
        }
        if let (Verdict::Consumed(consumed), Some(shown)) = (verdict, self.shown()) {
            let consumed = usize::try_from(consumed).unwrap_or(usize::MAX);
            let left = match chunk.cut {
                Cut::None => chunk.bytes.len().saturating_sub(consumed),
                Cut::Gap | Cut::End => 0,
            };
            *shown = Shown::new(left, chunk.after_gap && consumed == 0);
        }
        verdict
    }

    /// Does a parser wait for more of a message that may have been a decoy?
    fn is_amid(&self) -> bool {
        match self {
            Self::Tls(hellos) => hellos.parser.is_amid(),
            Self::Http(_) | Self::Dns(_) | Self::Socks(_) | Self::Fork(_) => true,
            _ => self.is_undecided(),
        }
    }

    /// Was it woken, and is not known for what?
    pub(super) fn is_undecided(&self) -> bool {
        match self {
            Self::Detecting(start) => start.woken,
            Self::Fork(fork) => fork.parser.is_undecided(),
            _ => false,
        }
    }

    /// Does it take any beginning of TLS for one as it is?
    pub(super) fn is_open(&self) -> bool {
        match self {
            Self::Tls(hellos) => !hellos.parser.is_amid(),
            Self::Between(_) => true,
            _ => false,
        }
    }

    pub(super) const fn is_searching(&self) -> bool {
        matches!(self, Self::Searching(_))
    }

    /// New bytes may begin something while more of something else is waited for.
    #[cold]
    fn look_afresh(&mut self, chunk: Chunk<'_>, known: usize, cx: &mut Context<'_>) {
        let fresh = chunk.bytes.get(known..).unwrap_or_default();
        let no_hello = fresh.first() == Some(&0x16) && tls::opening(fresh) == Opening::No;
        if chunk.after_gap || no_hello || !self.is_amid() || is_in_line(chunk.bytes, known) {
            return;
        }
        match self {
            Self::Detecting(_) if known == 0 => {}
            Self::Fork(fork) => fork.parser.begin_again(chunk, known, cx),
            _ => {
                let mut first = std::mem::take(self);
                if let Self::Detecting(start) = &mut first {
                    (start.beside, start.follows) = (true, true);
                }
                *self = Self::Fork(Kept::new(Fork::new(first, Self::anew(), known)));
            }
        }
    }

    /// Reads on without looking at the beginning of the new bytes.
    pub(super) fn run(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        let mut taken: u64 = 0;
        let mut rest = chunk;
        for _ in 0..NESTING {
            match self.step(rest, cx) {
                Step::Answer(Verdict::All) => {
                    *self = Self::Asleep { server: self.is_server() };
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

    /// Was what is read here said by a server?
    const fn is_server(&self) -> bool {
        match self {
            Self::Certificates(_) => true,
            Self::Asleep { server } | Self::Detecting(Start { server, .. }) => *server,
            _ => false,
        }
    }

    fn step(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        match self {
            Self::Detecting(start) => {
                let start = *start;
                self.detect(start, chunk, cx)
            }
            Self::Searching(search) => {
                let search = *search;
                self.search(search, chunk, cx)
            }
            Self::Tls(_) | Self::Between(_) if chunk.after_gap => {
                self.search(Search::new(true), chunk, cx)
            }
            Self::Tls(hellos) => {
                let verdict = hellos.parser.advance(chunk, cx);
                let left = hellos.parser.left(&verdict, chunk.bytes.len());
                self.leave(left, verdict)
            }
            Self::Between(between) => {
                let hellos = tls::Hellos::resume(*between);
                self.hellos(hellos, chunk, cx)
            }
            Self::Certificates(certificates) => {
                Step::Answer(certificates.parser.advance(chunk, cx))
            }
            Self::Tds(packets) => Step::Answer(packets.parser.advance(chunk, cx)),
            Self::Http2(requests) => Step::Answer(requests.parser.advance(chunk, cx)),
            Self::Dns(messages) => Step::Answer(messages.parser.advance(chunk, cx)),
            Self::Http(requests) => {
                let verdict = requests.parser.advance(chunk, cx);
                let next = requests.parser.tunnel();
                self.after(verdict, next)
            }
            Self::Socks(client) => {
                let verdict = client.parser.advance(chunk, cx);
                let next = client.parser.over();
                self.after(verdict, next)
            }
            Self::Fork(fork) => match fork.parser.advance(chunk, cx) {
                Outcome::Many(verdict) => Step::Answer(verdict),
                Outcome::One(direction, verdict) => {
                    *self = direction;
                    if let Self::Detecting(start) = self {
                        start.beside = false;
                    }
                    Step::Answer(verdict)
                }
            },
            Self::Asleep { server } => {
                let start = Start { woken: true, server: *server, ..Start::default() };
                *self = Self::Detecting(start);
                self.detect(start, chunk, cx)
            }
        }
    }

    /// Another protocol may follow what a parser has consumed.
    fn after(&mut self, verdict: Verdict, next: bool) -> Step {
        match verdict {
            Verdict::Consumed(bytes) if next => {
                *self = Self::following();
                Step::Next(bytes)
            }
            verdict => Step::Answer(verdict),
        }
    }
}
