//! What tests of datagrams share: flows that are read as a worker reads them, and the Initials of
//! any client.

use std::collections::HashMap;

use ring::aead::quic::{self, HeaderProtectionKey};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::*;
use crate::extract::Scratch;
use crate::extract::quic::keys::{Material, VERSION_2};
use crate::extract::session::Session;
use crate::extract::tls::testing::*;
use crate::net::{FlowKey, IpProtocol};

pub(in crate::extract) const ID: &[u8] = &[0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];

/// Everything that passes, and what was seen of it.
#[derive(Default)]
pub(in crate::extract) struct Wire {
    pub(in crate::extract) recorder: Recorder,
    pub(in crate::extract) scratch: Scratch,
    pub(in crate::extract) now: Timestamp,
    pub(in crate::extract) reach: Reach,
    /// What comes next comes in a tunnel from outside.
    pub(in crate::extract) hearsay: bool,
    sessions: HashMap<FlowKey, Session>,
    /// Clients of what was told without a packet.
    pub(in crate::extract) told_late: Vec<Endpoint>,
}

impl Wire {
    /// One that holds at most so many bytes of half-read handshakes.
    pub(in crate::extract) fn of(limit: usize) -> Self {
        let scratch = Scratch { handshakes: Handshakes::new(limit), ..Scratch::default() };
        Self { scratch, ..Self::default() }
    }

    /// A datagram from the client to the server, or back.
    pub(in crate::extract) fn send(&mut self, source: Endpoint, bytes: &[u8]) {
        let destination = if source == SERVER { CLIENT } else { SERVER };
        self.datagram((source, destination), bytes);
    }

    /// A datagram, a millisecond after the one before.
    pub(in crate::extract) fn datagram(
        &mut self,
        (source, destination): (Endpoint, Endpoint),
        bytes: &[u8],
    ) {
        self.now = self.now.after(1_000_000);
        let (key, side) = FlowKey::new(source, destination, IpProtocol::UDP);
        let session = self.sessions.entry(key).or_default();
        let arrival = Arrival {
            time: self.now,
            reach: self.reach,
            hearsay: self.hearsay,
            ..Arrival::default()
        };
        self.scratch.handshakes.arrive(arrival);
        let (observer, scratch) = (&mut self.recorder, &mut self.scratch);
        session.datagram(side, bytes, &mut Context { source, destination, observer, scratch });
        self.tell_due();
    }

    /// Lets so many seconds pass.
    pub(in crate::extract) fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now = self.now.after(1_000_000_000);
            self.scratch.handshakes.sweep(self.now);
            self.tell_due();
        }
    }

    /// Nothing more comes.
    pub(in crate::extract) fn finish(&mut self) {
        self.scratch.handshakes.flush();
        self.tell_due();
        assert!(self.scratch.handshakes.is_empty());
        assert_eq!(self.scratch.handshakes.held_bytes(), 0);
    }

    fn tell_due(&mut self) {
        while let Some(due) = self.scratch.handshakes.take_due() {
            let (source, destination) = due.ends();
            self.told_late.push(source);
            let (observer, scratch) = (&mut self.recorder, &mut self.scratch);
            due.tell(&mut Context { source, destination, observer, scratch });
        }
    }

    /// How often something was counted.
    pub(in crate::extract) fn counted(&self, counter: Counter) -> u64 {
        self.recorder.counters.get(counter)
    }
}

/// A client by number.
pub(in crate::extract) fn client(number: u32, port: u16) -> Endpoint {
    let [_, a, b, c] = number.to_be_bytes();
    Endpoint { address: crate::net::Address::v4([10, a, b, c]), port }
}

/// An Initial to be made.
#[derive(Clone, Copy)]
pub(in crate::extract) struct Make<'a> {
    pub(in crate::extract) version: u32,
    /// Connection id the keys are made of.
    pub(in crate::extract) original: &'a [u8],
    pub(in crate::extract) destination: &'a [u8],
    pub(in crate::extract) source: &'a [u8],
    pub(in crate::extract) token: &'a [u8],
    pub(in crate::extract) number: u32,
}

/// A client's first.
pub(in crate::extract) const FIRST: Make<'_> =
    Make { version: 1, original: ID, destination: ID, source: &[], token: &[], number: 2 };

impl<'a> Make<'a> {
    /// Of a connection of this id.
    pub(in crate::extract) fn of(id: &'a [u8]) -> Self {
        Self { original: id, destination: id, ..FIRST }
    }

    /// A long header of this type, up to the packet number.
    pub(in crate::extract) fn header(&self, kind: u8, payload: usize) -> Vec<u8> {
        let kind = if self.version == VERSION_2 { (kind + 1) & 3 } else { kind };
        let mut head = vec![0xc3 | kind << 4];
        head.extend(self.version.to_be_bytes());
        head.extend(counted(1, self.destination));
        head.extend(counted(1, self.source));
        if kind == u8::from(self.version == VERSION_2) {
            head.extend(counted(1, self.token));
        }
        head.extend((0x4000 | u16::try_from(payload + 20).unwrap()).to_be_bytes());
        head
    }

    /// Protects frames as a client does, with a packet number of four bytes.
    pub(in crate::extract) fn seal(&self, frames: &[u8]) -> Vec<u8> {
        self.seal_short(4, frames)
    }

    /// The same with a packet number of so many bytes.
    pub(in crate::extract) fn seal_short(&self, length: usize, frames: &[u8]) -> Vec<u8> {
        let mut head = self.header(0, frames.len() + length - 4);
        let number_at = head.len();
        head[0] = head[0] & !3 | (length as u8 - 1);
        head.extend(&self.number.to_be_bytes()[4 - length..]);
        let material = Material::client(self.version, self.original).unwrap();
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &material.key).unwrap());
        let mut nonce = material.iv;
        for (byte, digit) in nonce[8..].iter_mut().zip(self.number.to_be_bytes()) {
            *byte ^= digit;
        }
        let nonce = Nonce::assume_unique_for_key(nonce);
        let mut payload = frames.to_vec();
        key.seal_in_place_append_tag(nonce, Aad::from(&head), &mut payload).unwrap();
        let header = HeaderProtectionKey::new(&quic::AES_128, &material.header);
        let mask = header.unwrap().new_mask(&payload[4 - length..20 - length]).unwrap();
        head[0] ^= mask[0] & 0x0f;
        for (byte, mask) in head[number_at..].iter_mut().zip(&mask[1..]) {
            *byte ^= mask;
        }
        [head, payload].concat()
    }

    /// These bytes of the handshake in one padded Initial.
    pub(in crate::extract) fn piece(&self, offset: usize, bytes: &[u8]) -> Vec<u8> {
        self.seal(&padded(&crypto(offset, bytes), 1162))
    }
}

/// A CRYPTO frame.
pub(in crate::extract) fn crypto(offset: usize, data: &[u8]) -> Vec<u8> {
    let varint = |value: usize| (0x8000_0000 | u32::try_from(value).unwrap()).to_be_bytes();
    [&[6][..], &varint(offset), &varint(data.len()), data].concat()
}

/// Frames with padding behind them.
pub(in crate::extract) fn padded(frames: &[u8], length: usize) -> Vec<u8> {
    let mut frames = frames.to_vec();
    frames.resize(length.max(frames.len()), 0);
    frames
}
