//! A head that is too long to be held, or torn by a hole: its fields are read as they pass.
//!
//! Owns the place in such a head. What was said of it before counts; of what follows only a field
//! that is not over is held.

use super::head;
use super::report::{Follows, Method, Said, Subject};
use crate::extract::{Context, Probe};
use crate::flow::stream::Cut;

/// Longest field waited for; of a longer one the beginning is read.
const FIELD_LIMIT: usize = 16 * 1024;

/// Bytes of a head that are read as they pass. Servers take up to 1 MiB.
const HEAD_MAX: usize = 1024 * 1024;

/// Bytes kept of the request's target: more than any indicator has, each written as three.
const TARGET_KEPT: usize = 8 * 1024;

/// The rest of a head.
#[derive(Debug, Default)]
pub(super) struct Passing {
    target: Box<[u8]>,
    method: Method,
    said: Said,
    /// In a line whose beginning was read or lost: it is passed over up to its end.
    inside: bool,
    /// A hole came: what follows is read only as long as it looks like fields.
    torn: bool,
    /// A segment that may yet be a request stands at the front of what is shown again.
    waiting: bool,
    /// Bytes passed so far.
    passed: usize,
}

/// What came of some bytes of a head.
pub(super) enum Passed {
    /// So many are done with.
    Took(usize),
    /// More are needed.
    Wait,
    /// The head ends behind so many.
    Over(usize),
    /// Behind so many another request begins.
    Request(usize),
    /// Behind so many there is no head any more.
    Lost(usize),
}

impl Passing {
    /// Goes on behind the front of a head, of which these fields were read.
    pub(super) fn new((method, target): (&[u8], &[u8]), said: Said) -> Self {
        let target = target.get(..TARGET_KEPT).unwrap_or(target).into();
        Self { target, method: Method::of(method), said, ..Self::default() }
    }

    /// The next byte lies in a line that was read already.
    pub(super) fn inside_a_line(mut self) -> Self {
        self.inside = true;
        self
    }

    /// Bytes are missing before the next one.
    pub(super) fn tear(&mut self) {
        (self.inside, self.torn) = (true, true);
    }

    /// Bytes on the heap.
    pub(super) fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.target.len()
    }

    /// What follows the head that is over; `None` if what a hole took may have said it.
    pub(super) fn follows(&mut self, cx: &mut Context<'_>) -> Option<Follows> {
        self.without_host(cx);
        let known = !self.torn || self.said.frames() || self.method.connect;
        known.then(|| self.said.follows(self.method))
    }

    /// No host was named as far as the head was read.
    pub(super) fn without_host(&mut self, cx: &mut Context<'_>) {
        if !std::mem::replace(&mut self.said.hosted, true) {
            Subject::of(self.method.connect, &self.target).without_host(cx);
        }
    }

    /// Reads on. `fresh`: a segment begins with these bytes.
    pub(super) fn step(
        &mut self,
        (rest, fresh): (&[u8], bool),
        cut: Cut,
        cx: &mut Context<'_>,
    ) -> Passed {
        if self.passed > HEAD_MAX {
            return Passed::Lost(0);
        }
        if self.inside {
            return self.pass_line(rest, fresh, cut);
        }
        let blank = head::blank_line(rest);
        if blank > 0 {
            return Passed::Over(blank);
        }
        let (lines, over) = match head::end(rest, 0) {
            Ok(end) => (end, true),
            Err(_) if cut == Cut::None => (head::finished(rest), false),
            Err(_) => (head::whole_lines(rest).len(), false),
        };
        let whole = rest.get(..lines).unwrap_or(rest);
        if let Some(stopped) = self.stops(whole) {
            let (Passed::Request(at) | Passed::Lost(at)) = &stopped else { return stopped };
            self.fields(whole.get(..*at).unwrap_or_default(), cx);
            return stopped;
        }
        self.fields(whole, cx);
        self.passed += lines;
        match lines {
            _ if over => Passed::Over(lines),
            0 => self.unfinished(rest, cut, cx),
            _ => Passed::Took(lines),
        }
    }

    /// A field that is not over.
    fn unfinished(&mut self, rest: &[u8], cut: Cut, cx: &mut Context<'_>) -> Passed {
        if cut != Cut::None {
            return Passed::Took(rest.len());
        }
        if self.torn && head::probe_field(rest) == Probe::No && !matches!(rest, [b'\r', ..]) {
            return Passed::Lost(0);
        }
        if rest.len() <= FIELD_LIMIT {
            return Passed::Wait;
        }
        self.fields(rest, cx);
        self.inside = true;
        self.passed += rest.len();
        Passed::Took(rest.len())
    }

    /// Passes over the rest of a line.
    fn pass_line(&mut self, rest: &[u8], fresh: bool, cut: Cut) -> Passed {
        if self.torn && (fresh || self.waiting) {
            let probe = head::begins_request(rest);
            let more = cut == Cut::None && rest.len() <= FIELD_LIMIT;
            self.waiting = probe == Probe::Unsure && more;
            match probe {
                Probe::Yes => return Passed::Request(0),
                Probe::Unsure if more => return Passed::Wait,
                _ => {}
            }
        }
        let end = memchr::memchr(b'\n', rest);
        self.inside = end.is_none();
        let passed = end.map_or(rest.len(), |end| end + 1);
        self.passed += passed;
        Passed::Took(passed)
    }

    fn fields(&mut self, lines: &[u8], cx: &mut Context<'_>) {
        let Self { target, method, said, .. } = self;
        let subject = Subject::of(method.connect, target);
        for field in head::fields(lines) {
            said.field(&field, &subject, cx);
        }
    }

    /// Where in these lines a torn head stops being one.
    fn stops(&self, lines: &[u8]) -> Option<Passed> {
        if !self.torn {
            return None;
        }
        let mut at = 0;
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let continues = matches!(line, [b' ' | b'\t' | b'\r' | b'\n', ..]);
            if head::probe_line(line) == Probe::Yes {
                return Some(Passed::Request(at));
            }
            if !continues && head::probe_field(line) != Probe::Yes {
                return Some(Passed::Lost(at));
            }
            at += line.len();
        }
        None
    }
}
