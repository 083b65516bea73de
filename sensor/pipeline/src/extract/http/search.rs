//! The search for a request where none is known to begin: at the start of each line, of each
//! segment, and at the places where a body may end.
//!
//! Owns what is believed to be a request there. The search never ends; a line of a text that
//! quotes a request is taken for one, so it is begun only where the framing is lost or contradicts
//! itself.

use super::framing::NOWHERE;
use super::{LINE_LIMIT, Place, Requests, Shown, Step, behind, head, took};
use crate::extract::{Probe, tls};
use crate::flow::stream::Cut;

impl Requests {
    /// Begins a search. Places are counted from the first unconsumed byte, which begins a line.
    pub(super) fn search(&mut self, places: [u64; 2]) {
        (self.begun, self.scanned, self.pending) = (false, 0, NOWHERE);
        self.passing = None;
        self.place = Place::Search { places, line_start: true };
    }

    /// Looks on.
    pub(super) fn look(&mut self, shown: Shown<'_>, places: [u64; 2], line_start: bool) -> Step {
        let [one, two] = places;
        let starts = Starts { places: [one, two, self.promised], line_start };
        let (found, segment) = (starts.find(shown.bytes), self.segment(shown));
        let line = if let Found::Request(line) = found { line } else { usize::MAX };
        match segment {
            Segment::Tls(at) if at < line => {
                self.tunnel = true;
                return took(at);
            }
            Segment::Request(at) if at < line => {
                // Nothing but the segment says that it begins here.
                (self.distrust, self.place) = (true, Place::Head);
                return took(at);
            }
            _ if line != usize::MAX => {
                self.place = Place::Head;
                return took(line);
            }
            _ => {}
        }
        let end = shown.bytes.len();
        let line = if let Found::Unsure(line) = found { line } else { usize::MAX };
        let segment = if let Segment::Unsure(at) = segment { at } else { usize::MAX };
        self.pending = if segment == usize::MAX { NOWHERE } else { segment as u64 };
        let keep = line.min(segment).min(end);
        self.looked(keep, places, keep == line || keep == segment)
    }

    /// What stands where a segment begins: this one, or one that was not whole enough before.
    fn segment(&self, shown: Shown<'_>) -> Segment {
        let mut unsure = Segment::No;
        let pending = usize::try_from(self.pending).ok();
        for at in [pending, shown.fresh].into_iter().flatten() {
            match Segment::at(at, shown) {
                Segment::No => {}
                Segment::Unsure(_) if matches!(unsure, Segment::Unsure(_)) => {}
                Segment::Unsure(at) => unsure = Segment::Unsure(at),
                begins => return begins,
            }
        }
        unsure
    }

    /// Moves on in a search, whose places move with it.
    fn looked(&mut self, bytes: usize, places: [u64; 2], line_start: bool) -> Step {
        let bytes = bytes as u64;
        let places = places.map(|place| behind(place, bytes));
        let line_start = line_start || places.contains(&0);
        self.place = Place::Search { places, line_start };
        // A line that is not whole yet waits; all else was consumed.
        if bytes == 0 { Step::Wait } else { Step::Took(bytes) }
    }
}

/// What the start of a segment is.
enum Segment {
    Request(usize),
    /// A ClientHello: what asked for a tunnel was lost.
    Tls(usize),
    Unsure(usize),
    No,
}

impl Segment {
    fn at(at: usize, shown: Shown<'_>) -> Self {
        let Some(bytes) = shown.bytes.get(at..).filter(|bytes| !bytes.is_empty()) else {
            return Self::No;
        };
        if tls::probe(bytes) == Probe::Yes {
            return Self::Tls(at);
        }
        let waits = shown.cut == Cut::None && bytes.len() <= LINE_LIMIT;
        match head::begins_request(bytes) {
            Probe::Yes => Self::Request(at),
            Probe::Unsure if waits => Self::Unsure(at),
            _ => Self::No,
        }
    }
}

/// Where a line may begin.
#[derive(Clone, Copy)]
struct Starts {
    places: [u64; 3],
    line_start: bool,
}

enum Found {
    Request(usize),
    /// A line that is not whole.
    Unsure(usize),
    None,
}

impl Starts {
    /// The first request line in these bytes.
    fn find(self, bytes: &[u8]) -> Found {
        // Nearly no bytes of a body hold a version: only a line that is not whole may be one.
        let whole = head::mentions_version(bytes);
        let first = || self.line_start.then_some(0).or_else(|| self.next(bytes, 0));
        let mut at = if whole { first() } else { self.last(bytes) };
        while let Some(start) = at {
            let line = bytes.get(start..).unwrap_or_default();
            match head::probe_line(line) {
                Probe::Yes => return Found::Request(start),
                Probe::Unsure if line.len() <= LINE_LIMIT => return Found::Unsure(start),
                _ => at = self.next(bytes, start),
            }
        }
        Found::None
    }

    /// The places within these bytes.
    fn within(self, bytes: &[u8]) -> impl Iterator<Item = usize> {
        let length = bytes.len();
        let places = self.places.into_iter().filter_map(|place| usize::try_from(place).ok());
        places.filter(move |place| *place < length)
    }

    /// The next start behind `after`.
    fn next(self, bytes: &[u8], after: usize) -> Option<usize> {
        let line = memchr::memchr(b'\n', bytes.get(after..)?).map(|at| after + at + 1);
        self.within(bytes).filter(|place| *place > after).chain(line).min()
    }

    /// The first start in the line that is not whole.
    fn last(self, bytes: &[u8]) -> Option<usize> {
        let line = memchr::memrchr(b'\n', bytes).map(|at| at + 1);
        line.or_else(|| self.line_start.then_some(0)).or_else(|| self.within(bytes).min())
    }
}
