//! HTTP/2 requests in clear text (RFC 9113): with prior knowledge or after `Upgrade: h2c`.
//!
//! Owns frames; header compression is `hpack`'s. Every other frame is skipped by its length.

mod hpack;
mod huffman;

use super::http::authority::{Authority, authority};
use super::http::report::{self, Subject};
use super::http::starts_with;
use super::{Context, Probe};
use crate::flow::stream::{Chunk, Cut, Verdict};
use crate::observation::{HttpRequest, Kind, Observation, Value};
use crate::stats::Counter;

/// What a client sends first (RFC 9113 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Longest header block, and longest list of fields, that is read.
const BLOCK_LIMIT: usize = 64 * 1024;

const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 0x04;
const PADDED: u8 = 0x08;
const PRIORITY: u8 = 0x20;

/// Is this a client's preface?
pub fn probe(bytes: &[u8]) -> Probe {
    starts_with(bytes, PREFACE)
}

/// A client's direction, its preface included.
#[derive(Debug, Default)]
pub struct Requests {
    fields: hpack::Decoder,
    /// A header block whose CONTINUATION frames are still to come.
    block: Vec<u8>,
    continued: bool,
}

struct Frame<'a> {
    kind: u8,
    flags: u8,
    /// Payload as far as it is shown.
    payload: &'a [u8],
    /// Length of header and payload.
    length: u64,
}

impl Requests {
    /// Reads on. Ends with the first hole or damaged header block: the compression state is lost.
    pub fn advance(&mut self, chunk: Chunk<'_>, cx: &mut Context<'_>) -> Verdict {
        if chunk.after_gap {
            cx.observer.count(Counter::HttpIncomplete);
            return Verdict::All;
        }
        let mut at: u64 = 0;
        loop {
            let start = usize::try_from(at).unwrap_or(usize::MAX);
            let rest = chunk.bytes.get(start..).unwrap_or_default();
            if probe(rest) == Probe::Yes {
                at += PREFACE.len() as u64;
                continue;
            }
            let Some(frame) = frame(rest) else { return Verdict::Consumed(at) };
            if matches!(frame.kind, HEADERS | CONTINUATION) {
                let whole = frame.length == 9 + frame.payload.len() as u64;
                if !whole && chunk.cut == Cut::None && frame.length <= BLOCK_LIMIT as u64 {
                    return Verdict::Consumed(at);
                }
                if !self.block(&frame, whole, cx) {
                    cx.observer.count(Counter::HttpIncomplete);
                    return Verdict::All;
                }
            }
            at = at.saturating_add(frame.length);
        }
    }

    /// Takes a frame of a header block; false when nothing after it can be read.
    fn block(&mut self, frame: &Frame<'_>, whole: bool, cx: &mut Context<'_>) -> bool {
        let fragment = fragment(frame);
        if frame.kind == HEADERS {
            self.block.clear();
        } else if !self.continued {
            return true;
        }
        let ends = frame.flags & END_HEADERS != 0 || !whole;
        if frame.kind == HEADERS && ends {
            return self.request(fragment, cx) && whole;
        }
        let room = BLOCK_LIMIT.saturating_sub(self.block.len());
        let fits = fragment.len() <= room;
        self.block.extend_from_slice(fragment.get(..room).unwrap_or(fragment));
        self.continued = !ends && fits;
        if self.continued {
            return true;
        }
        let block = std::mem::take(&mut self.block);
        self.request(&block, cx) && whole && fits
    }

    /// Reads a header block and observes its request; false when it is damaged.
    fn request(&mut self, block: &[u8], cx: &mut Context<'_>) -> bool {
        let mut text = std::mem::take(&mut cx.scratch.bytes);
        text.clear();
        let sound = self.fields.decode(block, |name, value| {
            if text.len() + name.len() + value.len() + 4 <= BLOCK_LIMIT {
                text.extend_from_slice(&(name.len() as u16).to_be_bytes());
                text.extend_from_slice(&(value.len() as u16).to_be_bytes());
                text.extend_from_slice(name);
                text.extend_from_slice(value);
            }
        });
        observe(&text, cx);
        cx.scratch.bytes = text;
        sound
    }
}

/// The fields written by [`Requests::request`]: two lengths, name and value each.
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
        let Some(host) = authority(value) else { continue };
        if first != Some(host) {
            subject.host(&host, cx);
        }
        first = first.or(Some(host));
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

/// The frame at the start of `bytes` (RFC 9113 4.1); `None` while its header is not whole.
fn frame(bytes: &[u8]) -> Option<Frame<'_>> {
    let ([a, b, c, kind, flags, ..], rest) = bytes.split_first_chunk::<9>()?;
    let length = u32::from_be_bytes([0, *a, *b, *c]);
    let shown = rest.len().min(length as usize);
    let payload = rest.get(..shown).unwrap_or_default();
    Some(Frame { kind: *kind, flags: *flags, payload, length: 9 + u64::from(length) })
}

/// The header block fragment of a HEADERS or CONTINUATION frame (RFC 9113 6.2, 6.10).
fn fragment<'a>(frame: &Frame<'a>) -> &'a [u8] {
    let mut rest = frame.payload;
    if frame.kind != HEADERS {
        return rest;
    }
    let mut padding = 0;
    if frame.flags & PADDED != 0
        && let Some((length, after)) = rest.split_first()
    {
        (padding, rest) = (usize::from(*length), after);
    }
    if frame.flags & PRIORITY != 0 {
        rest = rest.get(5..).unwrap_or_default();
    }
    // A cut frame has lost its padding first.
    let missing = frame.length.saturating_sub(9 + frame.payload.len() as u64);
    let padding = padding.saturating_sub(usize::try_from(missing).unwrap_or(usize::MAX));
    rest.get(..rest.len().saturating_sub(padding)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
