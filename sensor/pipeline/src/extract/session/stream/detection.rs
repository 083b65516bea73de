//! What a direction carries next: detection at its start, behind another protocol, in its middle
//! and when it wakes, and the beginning of each parser.

use super::{Direction, Start, Step};
use crate::extract::detect::{self, Detected, Protocol};
use crate::extract::session::fork::Fork;
use crate::extract::session::search::{Found, Search};
use crate::extract::session::shown::Kept;
use crate::extract::session::tds;
use crate::extract::tls::{self, Opening};
use crate::extract::{Context, dns, http2, proxy};
use crate::flow::stream::{Chunk, Cut, Verdict};
use crate::stats::Counter;

impl Direction {
    pub(super) fn detect(&mut self, start: Start, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Step {
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
    pub(super) fn hellos(
        &mut self,
        mut hellos: tls::Hellos,
        chunk: Chunk<'_>,
        cx: &mut Context<'_>,
    ) -> Step {
        let verdict = hellos.advance(chunk, cx);
        let left = hellos.left(&verdict, chunk.bytes.len());
        if left == tls::Left::Waiting {
            *self = Self::Tls(Kept::new(hellos));
        }
        self.leave(left, verdict)
    }

    /// What becomes of the direction after that.
    pub(super) fn leave(&mut self, left: tls::Left, verdict: Verdict) -> Step {
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

    pub(super) fn search(
        &mut self,
        mut search: Search,
        chunk: Chunk<'_>,
        cx: &mut Context<'_>,
    ) -> Step {
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
