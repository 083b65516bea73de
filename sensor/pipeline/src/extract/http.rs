//! HTTP/1 requests in clear text (RFC 9112): every request of a connection, on any port.
//!
//! Owns the place in a client's bytes: in a head, in a chunked body, or looking for the next
//! request line because the framing cannot be trusted. Strict parsers are evaded by a bare line
//! feed; this one takes what a sloppy server takes. Responses are recognised, not read.
//!
//! Nothing ends the reading: where no request is expected, one is looked for at the start of each
//! line and of each segment. A body that is promised is not looked into, since an upload may quote
//! a request; but a server that refuses or ignores it reads a request in its place, and so is one
//! read that stands at its very beginning (`framing::in_place_of_body`).

pub mod authority;
mod body;
mod framing;
mod head;
mod passing;
pub(crate) mod report;
mod search;
#[cfg(test)]
pub(crate) mod testing;

use framing::{Framing, NOWHERE};
use passing::{Passed, Passing};

use super::{Context, Probe};
use crate::flow::stream::{Chunk, Cut, Verdict};
use crate::observation::{Kind, Observation};
use crate::stats::Counter;

/// Longest head held; of a longer one the front is shown, and the rest read as it passes.
const HEAD_LIMIT: usize = 64 * 1024;

/// Longest line held while looking for a request line.
const LINE_LIMIT: usize = 16 * 1024;

/// Start of the HTTP/2 preface, which reads like a request of HTTP/1.
const HTTP2: &[u8] = b"PRI * HTTP/2";

/// Is this the start of a client's bytes? A known method and a plausible target say yes at once;
/// any other token needs the whole request line with its version. Leading line ends are taken.
pub fn probe(bytes: &[u8]) -> Probe {
    head::probe(bytes)
}

/// Does a request begin here, in a direction whose beginning was something else or was not seen?
/// A text may go on like one, so the method must be as clients send it, the version must stand
/// there, and behind the line a field or the end of the head.
pub fn probe_again(bytes: &[u8]) -> Probe {
    match head::begins_request(bytes) {
        Probe::Yes if !head::may_follow(bytes) => Probe::No,
        probe => probe,
    }
}

/// Is this the start of a server's bytes (`HTTP/1.1 200 ...`)?
pub fn probe_response(bytes: &[u8]) -> Probe {
    starts_with(bytes, b"HTTP/1.")
}

/// Compares with a fixed start; [`Probe::Unsure`] while all of fewer bytes agree.
pub(super) fn starts_with(bytes: &[u8], start: &[u8]) -> Probe {
    match bytes.get(..start.len()) {
        Some(shown) if shown == start => Probe::Yes,
        None if start.starts_with(bytes) => Probe::Unsure,
        _ => Probe::No,
    }
}

/// Where the first line begins that is a whole request line with its version, or that may become
/// one when more is shown (then [`Probe::Unsure`]). `from` must be the start of a line.
pub fn find_request(bytes: &[u8], from: usize) -> Option<(usize, Probe)> {
    let mut at = from;
    loop {
        let line = bytes.get(at..)?;
        match head::probe_line(line) {
            Probe::No => at += memchr::memchr(b'\n', line)? + 1,
            Probe::Unsure if line.len() > LINE_LIMIT => return None,
            probe => return Some((at, probe)),
        }
    }
}

/// Reads an HTTP datagram (SSDP and the like): its hosts are observed, no message is shown.
/// False if it is not HTTP.
pub fn datagram(bytes: &[u8], cx: &mut Context<'_>) -> bool {
    if head::probe_line(bytes) != Probe::Yes {
        return probe_response(bytes) == Probe::Yes;
    }
    hosts(bytes, cx);
    true
}

/// Observes the hosts of the fields after the first line, which is passed over.
fn hosts(head: &[u8], cx: &mut Context<'_>) {
    for field in head::split(head).1.filter(|field| field.is(b"host")) {
        for authority in authority::authorities(field.value) {
            if let Some(value) = authority.host.value_at(authority.port, &mut cx.scratch.host) {
                cx.observer.seen(Observation { kind: Kind::HttpHost, value });
            }
        }
    }
}

/// One direction that carries requests.
#[derive(Debug)]
pub struct Requests {
    place: Place,
    /// The rest of a head that is not held.
    passing: Option<Box<Passing>>,
    /// What the client had heard of the server when it had sent its latest head.
    heard: u32,
    /// The request line of the head at hand was believed.
    begun: bool,
    /// Framing was doubtful once: bodies are looked through, never skipped.
    distrust: bool,
    tunnel: bool,
    /// Bytes of the unfinished head in which its end was looked for.
    scanned: usize,
    /// Bytes shown before that will be shown again.
    kept: usize,
    /// Where a body ends in whose place a request was read, from the first unconsumed byte on.
    promised: u64,
    /// Where a segment began that may yet be a request, likewise.
    pending: u64,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            place: Place::Head,
            passing: None,
            heard: 0,
            begun: false,
            distrust: false,
            tunnel: false,
            scanned: 0,
            kept: 0,
            promised: NOWHERE,
            pending: NOWHERE,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Head,
    /// In a head that is not held.
    Passing,
    ChunkSize,
    Trailer,
    /// Before a body of this length, whose first bytes are wanted or not, behind a method that has
    /// none or another one.
    Body {
        length: u64,
        wanted: bool,
        bodyless: bool,
    },
    /// Looking for a request line at line starts and at the places named, counted from the first
    /// unconsumed byte. `line_start`: that byte begins a line.
    Search {
        places: [u64; 2],
        line_start: bool,
    },
}

enum Step {
    /// So many bytes are done with; may exceed what was shown.
    Took(u64),
    /// More bytes are needed.
    Wait,
}

/// Bytes to be read.
#[derive(Clone, Copy)]
struct Shown<'a> {
    bytes: &'a [u8],
    /// Where among them a segment begins, if one does.
    fresh: Option<usize>,
    cut: Cut,
}

impl Requests {
    /// Reads on. Bodies of known length are skipped by consuming more than was shown. After
    /// [`Requests::tunnel`] has become true the rest of the direction is for detection anew.
    pub fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        if chunk.after_gap {
            self.behind_a_hole();
        }
        let kept = std::mem::take(&mut self.kept);
        let mut at = 0;
        loop {
            let start = usize::try_from(at).unwrap_or(usize::MAX);
            let Some(bytes) = chunk.bytes.get(start..).filter(|rest| !rest.is_empty()) else {
                return Verdict::Consumed(at);
            };
            let shown = Shown { bytes, fresh: kept.checked_sub(start), cut: chunk.cut };
            match self.step(shown, cx) {
                Step::Took(bytes) => {
                    at = at.saturating_add(bytes);
                    self.promised = behind(self.promised, bytes);
                    self.pending = behind(self.pending, bytes);
                }
                Step::Wait => {
                    if chunk.cut == Cut::None {
                        self.kept = bytes.len();
                    }
                    return Verdict::Consumed(at);
                }
            }
            if self.tunnel {
                return Verdict::Consumed(at);
            }
        }
    }

    /// After a CONNECT, an `Upgrade` or the preface of HTTP/2: what is not consumed yet may be
    /// any protocol, HTTP/1 included.
    pub const fn tunnel(&self) -> bool {
        self.tunnel
    }

    /// Bytes on the heap, its own included.
    pub fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.passing.as_ref().map_or(0, |passing| passing.held_bytes())
    }

    /// Bytes are missing: the place is lost, but the rest of a head may follow.
    fn behind_a_hole(&mut self) {
        match &mut self.passing {
            Some(passing) => passing.tear(),
            None => self.search([NOWHERE; 2]),
        }
        self.promised = NOWHERE;
    }

    fn step(&mut self, shown: Shown<'_>, cx: &mut Context<'_>) -> Step {
        let rest = shown.bytes;
        match self.place {
            Place::Head => self.head(rest, shown.cut, cx),
            Place::Passing => self.pass(shown, cx),
            Place::ChunkSize => self.chunk_size(rest, shown.cut),
            Place::Trailer => self.trailer(rest),
            Place::Body { length, wanted, bodyless } => {
                self.body(shown, (length, wanted, bodyless), cx)
            }
            Place::Search { places, line_start } => self.look(shown, places, line_start),
        }
    }

    fn head(&mut self, rest: &[u8], cut: Cut, cx: &mut Context<'_>) -> Step {
        if !self.begun {
            let start = head::skip_leading(rest);
            if start.len() < rest.len() {
                return took(rest.len() - start.len());
            }
            match self.begin(start) {
                Probe::Yes => {}
                Probe::Unsure if rest.len() <= LINE_LIMIT => return Step::Wait,
                _ => {
                    self.search([NOWHERE; 2]);
                    return took(0);
                }
            }
            if self.tunnel {
                return took(0);
            }
        }
        match head::end(rest, self.scanned) {
            Ok(end) => self.whole(rest.get(..end).unwrap_or(rest), cx),
            Err(_) if rest.len() > HEAD_LIMIT || cut != Cut::None => self.front(rest, cut, cx),
            Err(scanned) => {
                self.scanned = scanned;
                Step::Wait
            }
        }
    }

    /// Believes a request line, or the preface of HTTP/2.
    fn begin(&mut self, rest: &[u8]) -> Probe {
        let probe = match starts_with(rest, HTTP2) {
            Probe::No => head::probe(rest),
            probe => {
                self.tunnel = probe == Probe::Yes;
                probe
            }
        };
        self.begun = probe == Probe::Yes && !self.tunnel;
        probe
    }

    fn whole(&mut self, head: &[u8], cx: &mut Context<'_>) -> Step {
        let follows = report::request(head, cx);
        self.follow(follows, head.len(), cx)
    }

    /// Behind a head of so many bytes that is over.
    fn follow(&mut self, follows: report::Follows, head: usize, cx: &mut Context<'_>) -> Step {
        (self.begun, self.scanned) = (false, 0);
        let wanted = cx.observer.wants_body();
        match follows.framing {
            _ if follows.method.connect => {}
            Framing::Length(0) => self.place = Place::Head,
            Framing::Length(length) if follows.upgrade && !self.distrust => {
                (self.place, self.tunnel) = (Place::Head, true);
                return Step::Took(length.saturating_add(head as u64));
            }
            Framing::Length(length) if !self.distrust => {
                let bodyless = follows.method.bodyless;
                self.heard = cx.scratch.heard;
                self.place = Place::Body { length, wanted, bodyless };
            }
            Framing::Chunked if !self.distrust => self.place = Place::ChunkSize,
            Framing::Length(length) => self.search([length, NOWHERE]),
            Framing::Chunked => self.search([NOWHERE; 2]),
            Framing::Doubtful(places) => {
                self.distrust = true;
                self.search(places);
            }
        }
        let without_body = matches!(follows.framing, Framing::Length(_));
        self.tunnel = follows.method.connect || follows.upgrade && without_body;
        took(head)
    }

    /// A head that will not be whole, or is too long to be held: what stands of it is read.
    #[cold]
    fn front(&mut self, rest: &[u8], cut: Cut, cx: &mut Context<'_>) -> Step {
        cx.observer.count(Counter::HttpIncomplete);
        let held =
            if cut == Cut::None { head::finished(rest) } else { head::whole_lines(rest).len() };
        let shown = match rest.get(..held) {
            // A request line of its own length.
            None | Some([]) if cut == Cut::None => rest,
            lines => lines.unwrap_or_default(),
        };
        let mut passing = if shown.is_empty() {
            Passing::default()
        } else {
            let (line, said) = report::begin(shown, cx);
            Passing::new((line.method, line.target), said)
        };
        if cut != Cut::None {
            passing.without_host(cx);
            passing.tear();
        } else if held == 0 {
            passing = passing.inside_a_line();
        }
        (self.begun, self.scanned) = (false, 0);
        self.place = Place::Passing;
        self.passing = Some(Box::new(passing));
        took(if cut == Cut::None { shown.len() } else { rest.len() })
    }

    /// Reads on in a head that is not held.
    #[cold]
    fn pass(&mut self, shown: Shown<'_>, cx: &mut Context<'_>) -> Step {
        let Some(mut passing) = self.passing.take() else {
            self.search([NOWHERE; 2]);
            return took(0);
        };
        let passed = passing.step((shown.bytes, shown.fresh == Some(0)), shown.cut, cx);
        match passed {
            Passed::Took(bytes) => {
                self.passing = Some(passing);
                took(bytes)
            }
            Passed::Wait => {
                self.passing = Some(passing);
                Step::Wait
            }
            Passed::Over(bytes) => match passing.follows(cx) {
                Some(follows) => self.follow(follows, bytes, cx),
                None => self.lose(bytes),
            },
            Passed::Request(bytes) => {
                self.place = Place::Head;
                took(bytes)
            }
            Passed::Lost(bytes) => self.lose(bytes),
        }
    }

    /// Looks for a request from so many bytes on.
    fn lose(&mut self, bytes: usize) -> Step {
        self.search([NOWHERE; 2]);
        took(bytes)
    }
}

/// A place counted from the first unconsumed byte, after so many were consumed.
const fn behind(place: u64, bytes: u64) -> u64 {
    match place.checked_sub(bytes) {
        Some(left) if place != NOWHERE => left,
        _ => NOWHERE,
    }
}

const fn took(bytes: usize) -> Step {
    Step::Took(bytes as u64)
}

#[cfg(test)]
mod tests;
