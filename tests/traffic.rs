//! What traffic comes to: packets in, alerts, events and counters out.
//!
//! One binary, so that it is linked once; each module is a suite of its own and is run alone by its
//! name: `cargo test --test traffic replay::`.

mod behaviours;
mod bounds;
mod containment;
mod contradictions;
mod datagrams;
mod encapsulations;
mod evasion;
mod evasion_sessions;
mod flood;
mod generator;
mod golden;
mod identity;
mod lineup;
mod make_captures;
mod oracle;
mod recordings;
mod replay;
mod segmentation;
mod streams;
mod tunnels;

use wardwatch_testing as support;
