//! The way of a packet: from a captured frame to an alert, in one thread.
//!
//! Owns what a frame means: decoding, flows, parsers, matching, and the alert that a hit becomes.
//! It can reach no file, no thread, no socket, no environment and no clock but the packet's, so a
//! replay gives the same answer twice. What it needs is lent ([`frame::Frame`]) or given once
//! ([`worker::Assignment`]); what it finds leaves through [`alert::Outbox`] only.
//!
//! # Reading order
//!
//! ```text
//!  frame, net, stats, observation    words that every stage may use; bounded: what traffic fills
//!      decode     2   frame -> Packet, or a Skip that is counted
//!      flow       3   Packet -> in-order bytes of each side
//!      extract    4   bytes -> Observation (a name, an address)
//!      matching   5   Observation -> Hit; nearly always none, and the packet is over
//!      alert      6   Hit -> Alert, repeats folded, queue
//!      worker         the stages above, run to completion for each packet
//! ```
//!
//! A stage imports earlier stages only.
#![forbid(unsafe_code)]

// Words every stage may use.
pub mod bounded;
pub mod frame;
pub mod net;
pub mod observation;
pub mod panics;
pub mod stats;

// The stages, in the order bytes travel; the empty lines keep rustfmt from sorting them.
pub mod decode; // 2

pub mod flow; // 3

pub mod extract; // 4

pub mod matching; // 5

pub mod alert; // 6

pub mod worker;
