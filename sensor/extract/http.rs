//! HTTP/1 requests in clear text (RFC 9112): every request of a connection, on any port.
//!
//! Owns the place in a client's bytes: in a head, in a chunked body, or looking for the next
//! request line because the framing cannot be trusted. Strict parsers are evaded by a bare line
//! feed; this one takes what a sloppy server takes. Responses are recognised, not read.

pub mod authority;
mod framing;
mod head;
pub(crate) mod report;
#[cfg(test)]
pub(crate) mod testing;

use framing::{ChunkSize, Framing, NOWHERE};

use super::{Context, Probe};
use crate::flow::stream::{Chunk, Cut, Verdict};
use crate::observation::{BODY_LIMIT, Kind, Observation};
use crate::stats::Counter;

/// Longest head held; what stands of a longer one is read.
const HEAD_LIMIT: usize = 64 * 1024;

/// Longest line held while looking for a request line.
const LINE_LIMIT: usize = 16 * 1024;

/// Bytes looked through for a request line before the search is given up.
const SEARCH_LIMIT: u32 = 256 * 1024;

/// Start of the HTTP/2 preface, which reads like a request of HTTP/1.
const HTTP2: &[u8] = b"PRI * HTTP/2";

/// Is this the start of a client's bytes? A known method and a plausible target say yes at once;
/// any other token needs the whole request line with its version. Leading line ends are taken.
pub fn probe(bytes: &[u8]) -> Probe {
    head::probe(bytes)
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
        if let Some(authority) = authority::authority(field.value) {
            let value = authority.host.value(&mut cx.scratch.host);
            cx.observer.seen(Observation { kind: Kind::HttpHost, value });
        }
    }
}

/// What stands behind a hole in a head: its whole lines up to the blank line or the next request.
fn torn_head(bytes: &[u8], cx: &mut Context<'_>) {
    let end = head::end(bytes, 0).unwrap_or(bytes.len());
    let next = match find_request(bytes, 0) {
        Some((at, Probe::Yes)) => at,
        _ => bytes.len(),
    };
    hosts(head::whole_lines(bytes.get(..end.min(next)).unwrap_or(bytes)), cx);
}

/// One direction that carries requests.
#[derive(Debug, Default)]
pub struct Requests {
    place: Place,
    /// The request line of the head at hand was believed.
    begun: bool,
    /// Bytes of the unfinished head in which its end was looked for.
    scanned: usize,
    /// Framing was doubtful once: bodies are looked through, never skipped.
    distrust: bool,
    tunnel: bool,
    /// The last head was cut by a hole: the rest of it may stand behind the hole.
    torn: bool,
    /// Bytes looked through since the last head.
    searched: u32,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    #[default]
    Head,
    ChunkSize,
    Trailer,
    /// Before a body of this length whose first bytes are wanted.
    Body(u64),
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
    /// No request is to be expected any more.
    GiveUp,
}

impl Requests {
    /// Reads on. Bodies of known length are skipped by consuming more than was shown. After
    /// [`Requests::tunnel`] has become true the rest of the direction is for detection anew.
    pub fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        if chunk.after_gap {
            if std::mem::take(&mut self.torn) {
                torn_head(chunk.bytes, cx);
            }
            self.search([NOWHERE; 2]);
        }
        let mut at = 0;
        loop {
            let start = usize::try_from(at).unwrap_or(usize::MAX);
            let Some(rest) = chunk.bytes.get(start..).filter(|rest| !rest.is_empty()) else {
                return Verdict::Consumed(at);
            };
            match self.step(rest, chunk.cut, cx) {
                Step::Took(bytes) => at = at.saturating_add(bytes),
                Step::Wait => return Verdict::Consumed(at),
                Step::GiveUp => return Verdict::All,
            }
            if self.tunnel {
                return Verdict::Consumed(at);
            }
        }
    }

    /// After a CONNECT, an `Upgrade` or the preface of HTTP/2: what is not consumed yet may be
    /// any protocol, HTTP/1 included.
    pub fn tunnel(&self) -> bool {
        self.tunnel
    }

    fn step(&mut self, rest: &[u8], cut: Cut, cx: &mut Context<'_>) -> Step {
        match self.place {
            Place::Head => self.head(rest, cut, cx),
            Place::ChunkSize => self.chunk_size(rest),
            Place::Trailer => self.trailer(rest),
            Place::Body(length) => self.body(rest, length, cut, cx),
            Place::Search { places, line_start } => self.look(rest, places, line_start),
        }
    }

    fn head(&mut self, rest: &[u8], cut: Cut, cx: &mut Context<'_>) -> Step {
        if !self.begun {
            let start = head::skip_line_ends(rest);
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
            Err(_) if rest.len() > HEAD_LIMIT || cut != Cut::None => self.cut(rest, cx),
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
        (self.begun, self.scanned, self.searched) = (false, 0, 0);
        let mut taken = head.len() as u64;
        let wants_body = cx.observer.wants_body();
        match follows.framing {
            Framing::Length(length) if !self.distrust && wants_body && length > 0 => {
                self.place = Place::Body(length);
            }
            Framing::Length(length) if !self.distrust => {
                self.place = Place::Head;
                taken = taken.saturating_add(length);
            }
            Framing::Chunked if !self.distrust => self.place = Place::ChunkSize,
            Framing::Length(length) => self.search([length, NOWHERE]),
            Framing::Chunked => self.search([NOWHERE; 2]),
            Framing::Doubtful(places) => {
                self.distrust = true;
                self.search(places);
            }
        }
        self.tunnel = follows.tunnel && matches!(follows.framing, Framing::Length(_));
        Step::Took(taken)
    }

    /// Shows the first bytes of a body as soon as enough of them stand, then skips it.
    fn body(&mut self, rest: &[u8], length: u64, cut: Cut, cx: &mut Context<'_>) -> Step {
        let wanted = usize::try_from(length).unwrap_or(BODY_LIMIT).min(BODY_LIMIT);
        if rest.len() < wanted && cut == Cut::None {
            return Step::Wait;
        }
        cx.observer.body(rest.get(..wanted).unwrap_or(rest));
        self.place = Place::Head;
        Step::Took(length)
    }

    /// A head that will not be whole: its finished lines are read.
    fn cut(&mut self, rest: &[u8], cx: &mut Context<'_>) -> Step {
        cx.observer.count(Counter::HttpIncomplete);
        let lines = head::whole_lines(rest);
        if !lines.is_empty() {
            report::request(lines, cx);
        }
        self.search([NOWHERE; 2]);
        self.torn = true;
        took(rest.len())
    }

    fn chunk_size(&mut self, rest: &[u8]) -> Step {
        match framing::chunk_size(rest) {
            ChunkSize::Size(line, 0) => {
                self.place = Place::Trailer;
                took(line)
            }
            ChunkSize::Size(line, data) => Step::Took(data.saturating_add(line as u64)),
            ChunkSize::Unsure => Step::Wait,
            ChunkSize::No => {
                self.distrust = true;
                self.search([NOWHERE; 2]);
                took(0)
            }
        }
    }

    /// Trailer fields end with a blank line (RFC 9112 7.1.2), or where a request line stands.
    fn trailer(&mut self, rest: &[u8]) -> Step {
        let Some(end) = memchr::memchr(b'\n', rest) else {
            if rest.len() <= LINE_LIMIT {
                return Step::Wait;
            }
            self.search([NOWHERE; 2]);
            return took(0);
        };
        let line = rest.get(..=end).unwrap_or(rest);
        if head::skip_line_ends(line).is_empty() {
            self.place = Place::Head;
        } else if head::probe_line(line) == Probe::Yes {
            self.place = Place::Head;
            return took(0);
        }
        took(line.len())
    }

    fn search(&mut self, places: [u64; 2]) {
        (self.begun, self.scanned) = (false, 0);
        self.place = Place::Search { places, line_start: true };
    }

    fn look(&mut self, rest: &[u8], places: [u64; 2], line_start: bool) -> Step {
        let mut at = if line_start { Some(0) } else { next_start(rest, 0, places) };
        while let Some(start) = at {
            let line = rest.get(start..).unwrap_or_default();
            match head::probe_line(line) {
                Probe::Yes => {
                    self.place = Place::Head;
                    return took(start);
                }
                Probe::Unsure if line.len() <= LINE_LIMIT => {
                    return self.looked(start, places, true);
                }
                _ => at = next_start(rest, start, places),
            }
        }
        self.looked(rest.len(), places, false)
    }

    /// Moves on in a search, whose places move with it.
    fn looked(&mut self, bytes: usize, places: [u64; 2], line_start: bool) -> Step {
        let bytes = bytes as u64;
        let places = places.map(|place| match place {
            NOWHERE => NOWHERE,
            place => place.checked_sub(bytes).unwrap_or(NOWHERE),
        });
        let line_start = line_start || places.contains(&0);
        self.place = Place::Search { places, line_start };
        self.searched = self.searched.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        let next = places.into_iter().min().unwrap_or(NOWHERE);
        if self.searched > SEARCH_LIMIT {
            if next == NOWHERE {
                return Step::GiveUp;
            }
            self.searched = 0;
            self.place = Place::Search { places: [NOWHERE; 2], line_start: true };
            return Step::Took(bytes + next);
        }
        // A line that is not whole yet waits; all else was consumed.
        if bytes == 0 { Step::Wait } else { Step::Took(bytes) }
    }
}

/// The next place after `after` at which a request may begin.
fn next_start(rest: &[u8], after: usize, places: [u64; 2]) -> Option<usize> {
    let line = memchr::memchr(b'\n', rest.get(after..)?).map(|at| after + at + 1);
    places
        .into_iter()
        .filter_map(|place| usize::try_from(place).ok())
        .filter(|place| *place > after && *place < rest.len())
        .chain(line)
        .min()
}

const fn took(bytes: usize) -> Step {
    Step::Took(bytes as u64)
}

#[cfg(test)]
mod tests;
