//! One direction of a TCP connection: detection, its parser, and what becomes of it afterwards.
//!
//! No direction is given up for good: one that has nothing more to read sleeps, and is woken by a
//! segment that may begin something ([`super::may_begin`]).

use super::beginning::{is_in_line, may_begin};
use super::fork::{Fork, Outcome};
use super::search::{Found, Search};
use super::tds;
use crate::extract::detect::{self, Detected, Protocol};
use crate::extract::tls::Opening;
use crate::extract::{Context, dns, http, http2, proxy, socks, tls};
use crate::flow::stream::{Chunk, Cut, Verdict};
use crate::stats::Counter;

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

/// What a direction that waits was shown before: how many bytes at the front of the next chunk,
/// and whether they stand behind a hole, which the next chunk will then say again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown(u32);

impl Shown {
    const TORN: u32 = 1 << 31;

    pub(super) const NONE: Self = Self(0);

    fn new(kept: usize, torn: bool) -> Self {
        let kept = u32::try_from(kept).map_or(Self::TORN - 1, |kept| kept.min(Self::TORN - 1));
        Self(if torn { kept | Self::TORN } else { kept })
    }

    /// Bytes at the front of the next chunk.
    pub(super) const fn kept(self) -> usize {
        (self.0 & !Self::TORN) as usize
    }

    /// Is a chunk behind a hole the one that was shown before?
    const fn is_told(self) -> bool {
        self.0 > Self::TORN
    }
}

/// A parser that may wait.
#[derive(Debug, Default)]
pub(super) struct Kept<P> {
    parser: P,
    shown: Shown,
}

impl<P> Kept<P> {
    fn new(parser: P) -> Box<Self> {
        Box::new(Self { parser, shown: Shown::default() })
    }
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
            Self::Http(requests) => size_of_val(requests.as_ref()),
            Self::Http2(requests) => size_of_val(requests.as_ref()),
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
        let shown = self.shown().map_or(Shown::default(), |shown| *shown);
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

    fn detect(&mut self, start: Start, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        if chunk.bytes.is_empty() && start.woken {
            return Step::Answer(Verdict::All);
        }
        if start.server && !is_client_by_ports(cx) {
            return self.wake_server(chunk, cx);
        }
        if !start.follows && dns::is_hinted(cx) {
            return self.framed(start, chunk, cx);
        }
        let middle = chunk.after_gap || !chunk.from_start;
        let detected = match start.woken || middle {
            true => detect::later(chunk.bytes),
            false => detect::stream(chunk.bytes),
        };
        match detected {
            Detected::Is(protocol) => self.begin(protocol, chunk, cx),
            Detected::Unsure if chunk.cut == Cut::None && (start.woken || !middle) => {
                self.wait(start, chunk, cx)
            }
            _ if start.beside && start.woken => Step::Answer(Verdict::All),
            _ if start.woken => self.look_once(chunk, cx),
            _ => self.search(Search::from(middle, start.shown, start.border), chunk, cx),
        }
    }

    /// The first bytes decide nothing yet. A hello behind them is read meanwhile.
    fn wait(&mut self, start: Start, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        if start.beside {
            return Step::Answer(Verdict::Consumed(0));
        }
        let Some(at) = tls::find_hello(chunk.bytes) else {
            return Step::Answer(Verdict::Consumed(0));
        };
        let first = Self::Detecting(Start { beside: true, follows: true, ..start });
        *self = Self::Fork(Kept::new(Fork::new(first, Self::anew(), at)));
        self.step(chunk, cx)
    }

    /// A woken direction whose first bytes are none of ours: a hello in this chunk counts, and
    /// else it sleeps on.
    fn look_once(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        match tls::find_hello(chunk.bytes) {
            Some(at) => self.begin_at(Protocol::Tls, at, chunk, cx),
            None => Step::Answer(Verdict::All),
        }
    }

    /// A server's direction has woken: only what a server says is looked for, since a text that
    /// is loaded down may quote a request.
    fn wake_server(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        match tls::opening(chunk.bytes) {
            Opening::Server => self.begin(Protocol::Certificates, chunk, cx),
            Opening::Unsure if chunk.cut == Cut::None => Step::Answer(Verdict::Consumed(0)),
            _ => Step::Answer(Verdict::All),
        }
    }

    /// On a port of DNS its framing is followed whatever the first message is; what the bytes
    /// look like beside that is read as well.
    fn framed(&mut self, start: Start, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        let messages = Self::Dns(Box::default());
        *self = if detect::beside_dns(chunk.bytes) != Detected::Unknown {
            let second = Self::Detecting(Start { follows: true, ..start });
            Self::Fork(Kept::new(Fork::new(messages, second, 0)))
        } else {
            messages
        };
        self.step(chunk, cx)
    }

    /// Gives a protocol its first bytes. A parser that is done at once is never put on the heap.
    fn begin(&mut self, protocol: Protocol, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        let chunk = Chunk { after_gap: false, ..chunk };
        macro_rules! parser {
            ($variant:ident, $parser:ty) => {{
                let mut parser = <$parser>::default();
                match parser.advance(chunk, cx) {
                    Verdict::All => Step::Answer(Verdict::All),
                    verdict => {
                        *self = Self::$variant(Kept::new(parser));
                        Step::Answer(verdict)
                    }
                }
            }};
        }
        match protocol {
            Protocol::Tls => self.hellos(tls::Hellos::default(), chunk, cx),
            Protocol::Certificates => {
                *self = Self::Asleep { server: true };
                parser!(Certificates, tls::Certificates)
            }
            Protocol::Http2 => parser!(Http2, http2::Requests),
            Protocol::Dns => {
                *self = Self::Dns(Box::default());
                self.step(chunk, cx)
            }
            Protocol::Http => {
                *self = Self::Http(Box::default());
                self.step(chunk, cx)
            }
            Protocol::Socks => {
                *self = Self::Socks(Box::default());
                self.step(chunk, cx)
            }
            Protocol::Proxy(length) => {
                proxy::read(chunk.bytes.get(..length).unwrap_or_default(), cx);
                *self = Self::following();
                Step::Next(length as u64)
            }
            Protocol::Responses => self.response(chunk, cx),
        }
    }

    /// Nothing in a response is compared, but TLS may begin behind one that grants a tunnel.
    fn response(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        *self = Self::Asleep { server: true };
        match tls::search_hello(chunk.bytes) {
            tls::Search::Server(at) => self.begin_at(Protocol::Certificates, at, chunk, cx),
            _ => Step::Answer(Verdict::All),
        }
    }

    /// Lets a client's TLS in clear go on. On the heap only while something is waited for.
    fn hellos(&mut self, mut hellos: tls::Hellos, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        let verdict = hellos.advance(chunk, cx);
        let left = hellos.left(&verdict, chunk.bytes.len());
        if left == tls::Left::Waiting {
            *self = Self::Tls(Kept::new(hellos));
        }
        self.leave(left, verdict)
    }

    /// What becomes of the direction after that.
    fn leave(&mut self, left: tls::Left, verdict: Verdict) -> Step {
        match (left, verdict) {
            (tls::Left::Waiting, _) => {}
            (tls::Left::Between(between), _) => *self = Self::Between(between),
            (tls::Left::Encrypted, _) | (tls::Left::Foreign, Verdict::All) => {
                return Step::Answer(Verdict::All);
            }
            (tls::Left::Cut, Verdict::All) => return Step::Answer(Verdict::All),
            // If it was a decoy, something else may stand in it.
            (tls::Left::Cut, Verdict::Consumed(at)) => {
                *self = Self::Searching(Search::again());
                return Step::Next(at.saturating_add(1));
            }
            // A second look at the same bytes must not take them for TLS again.
            (tls::Left::Foreign, Verdict::Consumed(0)) => {
                *self = Self::Searching(Search::new(false));
                return Step::Next(0);
            }
            (tls::Left::Foreign, Verdict::Consumed(bytes)) => {
                *self = Self::following();
                return Step::Next(bytes);
            }
        }
        Step::Answer(verdict)
    }

    fn search(&mut self, mut search: Search, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
        if chunk.after_gap {
            search.behind_gap();
        }
        match search.find(chunk.bytes) {
            Found::Begins(protocol, at) => self.begin_at(protocol, at, chunk, cx),
            Found::Keep(at) => {
                let silent = search.is_silent(chunk.bytes);
                if search.over(chunk.bytes.len()) || chunk.cut == Cut::End {
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

    /// Gives a protocol that begins amid a chunk its first bytes.
    fn begin_at(
        &mut self,
        protocol: Protocol,
        at: usize,
        chunk: Chunk<'_>,
        cx: &mut Context<'_>,
    ) -> Step {
        let packets = match protocol {
            Protocol::Tls if tds::wraps(chunk.bytes, at) => Some(tds::Packets::of_client()),
            Protocol::Certificates if tds::wraps(chunk.bytes, at) => {
                Some(tds::Packets::of_server())
            }
            _ => None,
        };
        let at = if packets.is_some() { at - tds::HEADER } else { at };
        let bytes = chunk.bytes.get(at..).unwrap_or_default();
        let chunk = Chunk { bytes, after_gap: false, ..chunk };
        let step = match packets {
            Some(packets) => {
                *self = Self::Tds(Kept::new(packets));
                self.step(chunk, cx)
            }
            None => self.begin(protocol, chunk, cx),
        };
        behind(step, at)
    }
}

/// Do the ports say that the sender is a client? Then what it says of itself is not believed.
const fn is_client_by_ports(cx: &Context<'_>) -> bool {
    cx.source.port >= 1024 && cx.destination.port < 1024
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
