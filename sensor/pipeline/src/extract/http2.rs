//! HTTP/2 requests in clear text (RFC 9113): with prior knowledge or after `Upgrade: h2c`.
//!
//! Owns the place in a client's frames; header compression is `hpack`'s, and frames of other
//! kinds are skipped by their length. A header block of any length is read as it passes: of it
//! only a field that is not whole, and what a request is told by, are held. A hole or a damage
//! ends one block; the next frame is looked for at the start of each segment.

mod frame;
mod hpack;
mod huffman;

use frame::{CONTINUATION, Frame, HEADERS};

use super::http::authority::{Authority, authorities};
use super::http::report::{self, Subject};
use super::http::starts_with;
use super::{Context, Probe};
use crate::flow::stream::{Chunk, Cut, Verdict};
use crate::observation::{HttpRequest, Kind, Observation, Value};
use crate::stats::Counter;

/// What a client sends first (RFC 9113 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes of a request's fields that are held until its block is over.
const TEXT_LIMIT: usize = 16 * 1024;

/// Bytes of one field that are held among them.
const FIELD_KEPT: usize = 8 * 1024;

/// Bytes of both buffers that are kept from one block to the next.
const KEPT: usize = 512;

/// Is this a client's preface?
pub fn probe(bytes: &[u8]) -> Probe {
    starts_with(bytes, PREFACE)
}

/// A client's direction, its preface included.
#[derive(Debug, Default)]
pub struct Requests {
    fields: hpack::Decoder,
    place: Place,
    /// A header block is not over.
    open: bool,
    /// The rest of the block cannot be read.
    damaged: bool,
    /// The last byte read of an open block is left unconsumed, so that its end is shown.
    again: bool,
    /// The front of a field that is not whole.
    partial: Vec<u8>,
    /// What the block has said of its request: see [`Fields`].
    text: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    /// Before a frame.
    #[default]
    Frame,
    /// In a header block fragment, with so many bytes of padding behind it.
    Fragment { left: u64, padding: u64, ends: bool },
    /// No frame is known to begin.
    Lost,
}

impl Requests {
    /// Reads on. Frames that hold no header block are skipped by consuming more than was shown.
    pub fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        if chunk.after_gap {
            self.lose(cx);
        }
        let mut at = u64::from(std::mem::take(&mut self.again));
        loop {
            let start = usize::try_from(at).unwrap_or(usize::MAX);
            let rest = chunk.bytes.get(start..).unwrap_or_default();
            let step = match self.place {
                Place::Frame => self.frame(rest),
                Place::Fragment { left, padding, ends } => {
                    self.fragment(rest, (left, padding, ends), cx)
                }
                Place::Lost => self.find(rest),
            };
            match step {
                Some(bytes) => at = at.saturating_add(bytes),
                None => break,
            }
        }
        if chunk.cut != Cut::None && self.open {
            self.lose(cx);
        }
        self.again = self.open && at == chunk.bytes.len() as u64 && at > 0;
        Verdict::Consumed(at - u64::from(self.again))
    }

    /// Bytes on the heap, its own included.
    pub fn held_bytes(&self) -> usize {
        let buffers = self.partial.capacity() + self.text.capacity();
        size_of::<Self>() + buffers + self.fields.held_bytes()
    }

    /// Reads the header of a frame; `None` until it is whole.
    fn frame(&mut self, rest: &[u8]) -> Option<u64> {
        if probe(rest) == Probe::Yes {
            return Some(PREFACE.len() as u64);
        }
        let frame = Frame::at(rest)?;
        if frame.kind != HEADERS && !(frame.kind == CONTINUATION && self.open) {
            return Some(9 + u64::from(frame.length));
        }
        let (front, padding) = frame.around(rest)?;
        if frame.kind == HEADERS {
            self.begin_block();
        }
        self.open = true;
        let left = u64::from(frame.length).saturating_sub(front).saturating_sub(padding);
        let padding = padding.min(u64::from(frame.length).saturating_sub(front));
        self.place = Place::Fragment { left, padding, ends: frame.ends_headers() };
        Some(9 + front.min(u64::from(frame.length)))
    }

    /// Reads on in a header block fragment.
    fn fragment(
        &mut self,
        rest: &[u8],
        (left, padding, ends): (u64, u64, bool),
        cx: &mut Context<'_>,
    ) -> Option<u64> {
        let shown = rest.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.block(rest.get(..shown).unwrap_or(rest));
        let left = left - shown as u64;
        if left > 0 {
            self.place = Place::Fragment { left, padding, ends };
            return (shown > 0).then_some(shown as u64);
        }
        self.place = Place::Frame;
        if ends {
            self.end_block(cx);
        }
        Some(shown as u64 + padding)
    }

    /// Takes in more of a header block.
    fn block(&mut self, bytes: &[u8]) {
        let Self { fields, partial, text, damaged, .. } = self;
        if *damaged || bytes.is_empty() {
            return;
        }
        let held = !partial.is_empty();
        if held {
            partial.extend_from_slice(bytes);
        }
        let shown = if held { partial.as_slice() } else { bytes };
        match fields.decode(shown, |name, value| keep(name, value, text)) {
            Ok(over) if held => drop(partial.drain(..over)),
            Ok(over) => partial.extend_from_slice(bytes.get(over..).unwrap_or_default()),
            Err(_) => {
                *damaged = true;
                partial.clear();
            }
        }
    }

    fn begin_block(&mut self) {
        let _ = self.fields.end_block();
        (self.open, self.damaged) = (false, false);
        for buffer in [&mut self.partial, &mut self.text] {
            buffer.clear();
            buffer.shrink_to(KEPT);
        }
    }

    /// Observes the request whose block is over, or will not be.
    fn end_block(&mut self, cx: &mut Context<'_>) {
        let whole = self.fields.end_block() && self.partial.is_empty() && !self.damaged;
        if !whole {
            cx.observer.count(Counter::HttpIncomplete);
            self.fields.forget();
        }
        let text = std::mem::take(&mut self.text);
        observe(&text, cx);
        self.text = text;
        self.begin_block();
    }

    /// Bytes are missing: the place in the frames is lost, and with it the table.
    fn lose(&mut self, cx: &mut Context<'_>) {
        (self.damaged, self.again) = (true, false);
        self.end_block(cx);
        self.place = Place::Lost;
    }

    /// Looks for a frame, or a new connection, where a segment begins.
    fn find(&mut self, rest: &[u8]) -> Option<u64> {
        if rest.is_empty() {
            return None;
        }
        if probe(rest) == Probe::Yes || frame::plausible(rest) {
            self.place = Place::Frame;
            return Some(0);
        }
        Some(rest.len() as u64)
    }
}

/// Keeps a field if a request is told by it.
fn keep(name: &[u8], value: &[u8], text: &mut Vec<u8>) {
    if !matches!(name, b":method" | b":path" | b":authority" | b"host" | b"user-agent") {
        return;
    }
    let value = value.get(..FIELD_KEPT).unwrap_or(value);
    if text.len() + name.len() + value.len() + 4 <= TEXT_LIMIT {
        text.extend_from_slice(&(name.len() as u16).to_be_bytes());
        text.extend_from_slice(&(value.len() as u16).to_be_bytes());
        text.extend_from_slice(name);
        text.extend_from_slice(value);
    }
}

/// The fields written by [`keep`]: two lengths, name and value each.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let ([a, b, c, d], rest) = self.0.split_first_chunk()?;
        let (name, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([*a, *b])))?;
        let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([*c, *d])))?;
        self.0 = rest;
        Some((name, value))
    }
}

impl<'a> Fields<'a> {
    fn first(self, wanted: &[u8]) -> Option<&'a [u8]> {
        self.into_iter().find(|(name, _)| *name == wanted).map(|(_, value)| value)
    }
}

fn observe(text: &[u8], cx: &mut Context<'_>) {
    let fields = Fields(text);
    // Trailers are a header block without a method.
    let Some(method) = fields.first(b":method") else { return };
    let target = fields.first(b":path").unwrap_or_default();
    let subject = Subject::new(method, target);
    let mut first: Option<Authority<'_>> = None;
    for (_, value) in fields.filter(|(name, _)| matches!(*name, b":authority" | b"host")) {
        for host in authorities(value) {
            if first != Some(host) {
                subject.host(&host, cx);
            }
            first = first.or(Some(host));
        }
    }
    if first.is_none() {
        subject.without_host(cx);
    }
    let user_agent = fields.first(b"user-agent");
    if let Some(agent) = user_agent {
        cx.observer.seen(Observation { kind: Kind::HttpUserAgent, value: Value::Text(agent) });
    }
    let request = HttpRequest {
        method,
        target,
        version: b"HTTP/2",
        user_agent,
        http2: true,
        ..HttpRequest::default()
    };
    report::message(request, first, cx);
}

#[cfg(test)]
mod tests;
