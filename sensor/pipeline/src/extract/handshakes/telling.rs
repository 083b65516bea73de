//! What the messages of a handshake say is told: each ClientHello once, in every way in which its
//! pieces may have been put together.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;

use super::handshake::Handshake;
use crate::extract::Context;
use crate::extract::quic::crypto_stream::Reading;
use crate::extract::tls::hello;
use crate::observation::{Message, Observation, Observer};
use crate::stats::Counter;

/// The type of a ClientHello, and the length of every message's header (RFC 8446 4).
const CLIENT_HELLO: u8 = 1;
const HEADER: usize = 4;

/// May more of the handshake come?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Only whole messages are told.
    Open,
    /// What stands of the last one is told too.
    Now,
}

/// Tells what was not told of a handshake.
pub(super) fn tell(handshake: &mut Handshake, end: End, cx: &mut Context<'_>) {
    let mut joined = std::mem::take(&mut cx.scratch.bytes);
    handshake.unread = false;
    if handshake.stream.is_contradicted() {
        tell_readings(handshake, end, &mut joined, cx);
    } else {
        tell_plain(handshake, end, &mut joined, cx);
    }
    cx.scratch.bytes = joined;
}

fn tell_plain(handshake: &mut Handshake, end: End, joined: &mut Vec<u8>, cx: &mut Context<'_>) {
    handshake.stream.join(handshake.next, joined);
    let mut rest = &joined[..];
    while let Some((message, after)) = split_message(rest) {
        rest = after;
        handshake.next += message.len();
        let digest = cx.scratch.handshakes.digest(message);
        let Some(body) = hello_body(message) else { continue };
        let known = handshake.was_told(digest) || cx.scratch.handshakes.was_told(handshake, digest);
        handshake.note_whole(digest);
        if !known {
            hello::read(body, true, handshake.carrier(), cx);
        }
    }
    let lacking = handshake.stream.end() > handshake.next;
    if end == End::Open || !lacking || handshake.told_early {
        return;
    }
    match hello_body(rest) {
        Some(_) if cx.scratch.handshakes.is_repeated(handshake) => {}
        Some(body) if !body.is_empty() => hello::read(body, false, handshake.carrier(), cx),
        _ if handshake.next == 0 => cx.observer.count(Counter::TlsIncomplete),
        _ => {}
    }
}

/// The first message, and what follows it, if it is whole.
fn split_message(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [_, a, b, c] = bytes.first_chunk::<HEADER>()?;
    let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
    bytes.split_at_checked(HEADER + length)
}

/// The body of a ClientHello, as far as it is there.
fn hello_body(message: &[u8]) -> Option<&[u8]> {
    match message.split_first_chunk::<HEADER>() {
        Some(([CLIENT_HELLO, ..], body)) => Some(body),
        _ => None,
    }
}

/// Reads contradicting pieces in every way; only what is new is told.
#[cold]
fn tell_readings(handshake: &mut Handshake, end: End, joined: &mut Vec<u8>, cx: &mut Context<'_>) {
    let readings = handshake.stream.readings();
    let mut told = std::mem::take(&mut handshake.told);
    for reading in readings {
        handshake.stream.join_as(reading, joined);
        let mut rest = &joined[..];
        while let Some((message, after)) = split_message(rest) {
            rest = after;
            tell_reading(handshake, (message, true), &mut told, cx);
        }
        if reading == Reading::First {
            handshake.next = handshake.next.max(joined.len() - rest.len());
        }
        if end == End::Now && !handshake.told_early {
            tell_reading(handshake, (rest, false), &mut told, cx);
        }
    }
    handshake.told = told;
}

fn tell_reading(
    handshake: &Handshake,
    (message, whole): (&[u8], bool),
    told: &mut Vec<u64>,
    cx: &mut Context<'_>,
) {
    let Some(body) = hello_body(message).filter(|body| !body.is_empty()) else { return };
    let digest = cx.scratch.handshakes.digest(message);
    if Handshake::note(told, digest) {
        return;
    }
    // It was told before anything contradicted it: then only its names are noted.
    let mute = handshake.was_told(digest);
    let hasher = cx.scratch.handshakes.hasher();
    let names = Names::None;
    let mut once = Once { inner: &mut *cx.observer, told, hasher, mute, names };
    let mut inner = Context {
        source: cx.source,
        destination: cx.destination,
        observer: &mut once,
        scratch: &mut *cx.scratch,
    };
    hello::read(body, whole, handshake.carrier(), &mut inner);
}

/// The names of the hello at hand, so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    None,
    Old,
    New,
}

/// Passes on each name once, and the message unless all its names are old.
struct Once<'a> {
    inner: &'a mut dyn Observer,
    told: &'a mut Vec<u64>,
    hasher: RandomState,
    mute: bool,
    names: Names,
}

impl Once<'_> {
    fn passes(&self) -> bool {
        !self.mute && self.names != Names::Old
    }
}

impl Observer for Once<'_> {
    fn seen(&mut self, observation: Observation<'_>) {
        let digest = self.hasher.hash_one((observation.kind, observation.value));
        if Handshake::note(self.told, digest) {
            self.names = if self.names == Names::None { Names::Old } else { self.names };
            return;
        }
        self.names = Names::New;
        if !self.mute {
            self.inner.seen(observation);
        }
    }

    fn message(&mut self, message: Message<'_>) {
        if self.passes() {
            self.inner.message(message);
        }
    }

    fn count(&mut self, counter: Counter) {
        if self.passes() {
            self.inner.count(counter);
        }
    }
}
