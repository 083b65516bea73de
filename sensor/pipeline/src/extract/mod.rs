//! Stage 4: bytes become observations. One parser a protocol, and detection by content.
//!
//! Parsers are lenient and incremental, work on borrowed bytes, and never fail: what stands
//! before the damage counts. They know no indicator. [`session::Session`] is the state a flow
//! carries; it guesses the protocol and drives the parser.

pub mod detect;
pub mod dhcp;
pub mod dns;
pub mod dtls;
pub mod handshakes;
pub mod http;
pub mod http2;
pub mod netbios;
pub mod proxy;
pub mod quic;
pub mod resolvers;
pub mod session;
pub mod socks;
pub mod socks_udp;
pub mod spelling;
pub mod tls;

use crate::net::Endpoint;
use crate::observation::Observer;

/// What a parser is given beside the bytes: where they come from, whom to tell, and scratch
/// space that is reused so that a packet costs no allocation.
pub struct Context<'a> {
    /// Who sent the bytes.
    pub source: Endpoint,
    /// To whom.
    pub destination: Endpoint,
    /// Who takes in what is seen.
    pub observer: &'a mut dyn Observer,
    /// Reused buffers of the worker. Cleared by whoever uses one, before use.
    pub scratch: &'a mut Scratch,
}

/// What outlives a packet and belongs to no flow, one set a worker: reused buffers, and handshakes
/// that come in several datagrams.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The DNS walker's names, questions and records.
    pub dns: dns::Reader,
    /// Text of a host being spelled.
    pub host: String,
    /// Bytes being put together (a handshake over several records).
    pub bytes: Vec<u8>,
    /// Has the client of the connection in hand shown the name of its server? Kept by the
    /// session from one call to the next, set by who reads a ClientHello.
    pub server_named: bool,
    /// What the sender of the segment in hand has heard of the other side: its acknowledgement
    /// number, 0 without one. Set by the worker.
    pub heard: u32,
    /// Half-read handshakes of all flows.
    pub handshakes: handshakes::Handshakes,
}

/// A protocol's opinion of the first bytes of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Probe {
    /// It is this protocol.
    Yes,
    /// It cannot be.
    No,
    /// More bytes are needed.
    Unsure,
}
