//! The way through a promised body: of a known length, or chunked (RFC 9112 6, 7).
//!
//! Owns the steps of [`Requests`] in a body. Whose place a request takes is `framing`'s to say.

use super::framing::{self, ChunkSize};
use super::{LINE_LIMIT, Place, Requests, Shown, Step, head, took};
use crate::extract::{Context, Probe};
use crate::flow::stream::Cut;
use crate::observation::BODY_LIMIT;

/// Length of `HTTP/1.1 100 Continue` and the blank line, which asks for the body.
const CONTINUE: u32 = 25;

impl Requests {
    /// Shows the first bytes of a body as soon as enough of them stand, then skips it; unless a
    /// request stands in its place.
    pub(super) fn body(
        &mut self,
        Shown { bytes, cut, .. }: Shown<'_>,
        (length, wanted, bodyless): (u64, bool, bool),
        cx: &mut Context<'_>,
    ) -> Step {
        let heard = cx.scratch.heard.wrapping_sub(self.heard);
        let refused = !matches!(heard, 0 | CONTINUE);
        match framing::in_place_of_body(bytes, length, (bodyless, refused)) {
            Probe::Yes => {
                (self.promised, self.distrust, self.place) = (length, true, Place::Head);
                return took(0);
            }
            Probe::Unsure if cut == Cut::None && bytes.len() <= LINE_LIMIT => return Step::Wait,
            _ => {}
        }
        if wanted {
            let wanted = usize::try_from(length).unwrap_or(BODY_LIMIT).min(BODY_LIMIT);
            if bytes.len() < wanted && cut == Cut::None {
                return Step::Wait;
            }
            cx.observer.body(bytes.get(..wanted).unwrap_or(bytes));
        }
        self.place = Place::Head;
        Step::Took(length)
    }

    pub(super) fn chunk_size(&mut self, rest: &[u8], cut: Cut) -> Step {
        match head::begins_request(rest) {
            Probe::Yes => {
                (self.distrust, self.place) = (true, Place::Head);
                return took(0);
            }
            Probe::Unsure if cut == Cut::None && rest.len() <= LINE_LIMIT => return Step::Wait,
            _ => {}
        }
        match framing::chunk_size(rest) {
            ChunkSize::Size(line, 0) => {
                self.place = Place::Trailer;
                took(line)
            }
            ChunkSize::Size(line, data) => Step::Took(data.saturating_add(line as u64)),
            ChunkSize::Unsure => Step::Wait,
            ChunkSize::No => {
                self.distrust = true;
                self.lose(0)
            }
        }
    }

    /// Trailer fields end with a blank line (RFC 9112 7.1.2), or where a request line stands.
    pub(super) fn trailer(&mut self, rest: &[u8]) -> Step {
        let Some(end) = memchr::memchr(b'\n', rest) else {
            return if rest.len() <= LINE_LIMIT { Step::Wait } else { self.lose(0) };
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
}
