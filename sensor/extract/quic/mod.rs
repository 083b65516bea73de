//! QUIC: the ClientHello in a client's Initial packets (RFC 9000, 9001, 9369).
//!
//! An Initial is encrypted with keys that anyone can derive from its first connection id, so the
//! server name is in reach of an observer. Owns the keys and the CRYPTO stream of one flow until
//! the hello is whole. Reads no other packet type and keeps no connection ids but one.

pub(in crate::extract) mod crypto_stream;
mod keys;
mod legacy;
mod packet;
#[cfg(test)]
mod tests;

use crate::extract::Context;
use crate::extract::tls::hello::{self, Carrier};
use crate::net::Endpoint;
use crate::stats::Counter;
use crypto_stream::{CryptoStream, Push};
use keys::Keys;
use packet::{Frame, Initial, Packet};

/// Datagrams with an Initial that are read for one ClientHello.
const INITIALS: u16 = 32;
/// Datagrams of any kind seen while waiting for one.
const DATAGRAMS: u16 = 128;

/// Is this a QUIC datagram of a known version with a long header, version negotiation included?
/// The fixed bit may be 0 (RFC 9287). Google's versions Q0xx before the standard count too.
pub fn probe(datagram: &[u8]) -> bool {
    packet::is_long(datagram) || legacy::version(datagram).is_some()
}

/// What was seen of one QUIC flow, both directions.
///
/// Which side is the client's is known by trial: only a client's Initial opens with the keys made
/// of its own destination id. Later Initials of the client keep the keys of the first, whatever
/// id they carry; after a Retry, and for a new connection on the same flow, they are made anew.
#[derive(Debug, Default)]
pub struct Connection {
    keys: Option<Keys>,
    client: Option<Endpoint>,
    stream: CryptoStream,
    version: u32,
    initials: u16,
    datagrams: u16,
    done: bool,
}

impl Connection {
    /// Takes a datagram of either side; true once the hello was read or given up.
    ///
    /// May be called after that: a client's Initial of a new connection on the same flow begins
    /// anew, and all else costs a look at its header.
    pub fn datagram(&mut self, bytes: &[u8], cx: &mut Context<'_>) -> bool {
        if self.client.is_some_and(|client| client != cx.source) {
            return self.done;
        }
        self.datagrams = self.datagrams.saturating_add(1);
        if !self.done && legacy::read(bytes, cx) {
            self.client = Some(cx.source);
            self.done = true;
        }
        let mut initial_seen = false;
        for packet in packet::packets(bytes) {
            if let Packet::Initial(initial) = packet {
                initial_seen = true;
                self.initial(&initial, cx);
            }
        }
        self.initials = self.initials.saturating_add(u16::from(initial_seen));
        if self.done {
            return true;
        }
        let limit = self.stream.is_full() || self.initials >= INITIALS;
        if limit || self.datagrams >= DATAGRAMS {
            cx.observer.count(Counter::QuicLimit);
            self.finish(cx);
        } else if initial_seen && self.stream.message_length().is_some_and(|(_, whole)| whole) {
            self.read(true, cx);
        }
        self.done
    }

    /// Nothing more follows (end of the capture, eviction, a limit): reads what there is.
    pub fn finish(&mut self, cx: &mut Context<'_>) {
        if self.done {
            return;
        }
        if self.keys.is_some() {
            self.read(false, cx);
        } else if self.initials > 0 {
            cx.observer.count(Counter::QuicUndecodable);
        }
        self.done = true;
    }

    /// Opens a packet with the keys of the connection or, if it is a new one, with its own.
    fn initial(&mut self, initial: &Initial<'_>, cx: &mut Context<'_>) {
        let mut plain = std::mem::take(&mut cx.scratch.bytes);
        let held = self.keys.as_mut().is_some_and(|keys| keys.open(initial, &mut plain));
        let opened = held || self.renew(initial, &mut plain);
        if opened {
            self.client = Some(cx.source);
            self.version = initial.version;
            if !self.done {
                self.frames(&plain);
            }
        }
        cx.scratch.bytes = plain;
    }

    /// Makes keys of this packet's destination id; if they open it, it starts a connection.
    fn renew(&mut self, initial: &Initial<'_>, plain: &mut Vec<u8>) -> bool {
        let known = self.keys.as_ref().is_some_and(|keys| keys.made_of(initial));
        if known || self.initials >= INITIALS {
            return false;
        }
        let Some(mut keys) = Keys::derive(initial) else {
            return false;
        };
        let opened = keys.open(initial, plain);
        if opened {
            self.keys = Some(keys);
            self.stream = CryptoStream::default();
            self.done = false;
        }
        opened
    }

    fn frames(&mut self, plain: &[u8]) {
        for frame in packet::frames(plain) {
            if let Frame::Crypto { offset, data } = frame
                && self.stream.push(offset, data) == Push::Full
            {
                return;
            }
        }
    }

    fn read(&mut self, complete: bool, cx: &mut Context<'_>) {
        self.done = true;
        let mut joined = std::mem::take(&mut cx.scratch.bytes);
        self.stream.join(&mut joined);
        let length = self.stream.message_length().map_or(0, |(length, _)| length);
        // 1 is client_hello; a server's first message never opens with a client's keys.
        if let Some((&[1, _, _, _], body)) = joined.split_first_chunk::<4>() {
            let body = body.get(..length).unwrap_or(body);
            hello::read(body, complete, Carrier::Quic(self.version), cx);
        } else if !complete {
            cx.observer.count(Counter::TlsIncomplete);
        }
        cx.scratch.bytes = joined;
        self.stream = CryptoStream::default();
    }
}
