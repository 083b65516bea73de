//! wardwatch: a passive sensor that reads names and addresses off a mirror port and says which
//! PC of a small office talks to known RedLine Stealer or Mustang Panda infrastructure.
//!
//! This library is the sensor; the binary only parses arguments. It never sends a packet,
//! never resolves a name and never looks at the machine's clock while it reads traffic: a
//! packet's time is the only time there is, so a replay gives the same answer twice.
//!
//! # The house
//!
//! Split by what each part can touch; Cargo holds the walls, since a crate cannot name what it does
//! not depend on.
//!
//! ```text
//!  ioc-feeds/          what an indicator is, and files of them; knows no packet
//!  sensor/pipeline/    stages 2 to 6: no file, thread, socket, environment or clock
//!  sensor/record/      what programs tell each other, EVE in and out, the spool; knows no packet
//!  sensor/             this crate: captures, files, threads, settings, rights; no network
//!  sensor/relay/       the program that speaks to the network: syslog, the metrics page; sees no packet
//! ```
//!
//! # The path of a packet
//!
//! ```text
//!  mirror port / capture file
//!        │ frame                     capture/   1  lends a Frame from the ring or the file
//!        ▼
//!     decode                         decode/    2  frame -> Packet, or a Skip that is counted
//!        ▼
//!      flow   ── new flow ──┐        flow/      3  Packet -> in-order bytes of each side
//!        ▼                  │
//!     extract               │        extract/   4  bytes -> Observation (a name, an address)
//!        ▼                  ▼
//!     matching  (nearly always: none, and the packet is over)
//!        │ hit                       matching/  5  Observation -> Hit
//!        ▼
//!      alert                         alert/     6  Hit -> Alert, repeats folded, queue
//! ═══════╪═══════ the only thread hop: worker | writer ══════════════════════════════
//!        ▼
//!      enrich                        enrich/    7  Alert -> AlertRecord: who is this host, what to do now
//!        ▼
//!       sink                         sink/      8  spool, alerts.log, EVE, terminal
//! ```
//!
//! What other programs are told is a record ([`wardwatch_record`]): the spool carries it to them, and
//! `wardwatch-relay`, the only one of ours that speaks to the network, takes it from there. This process
//! has no network but the packet socket ([`privilege`]).
//!
//! [`worker`] runs stages 2 to 6 to completion for each packet, in the one thread that captures it;
//! [`app`] is the only module that knows every stage and every thread. One thread reads one recording, which may
//! be several captures that follow each other ([`app::scan`]).
//!
//! # The rule
//!
//! Data flows one way, and a stage imports earlier stages only:
//! `panics, net, frame, stats, observation` < `capture` < `decode` < `flow` < `extract` < `matching` <
//! `alert` < `enrich` < `sink`. Between the crates Cargo holds it; within one, `tests/architecture.rs`
//! reads the sources and fails on a backward import.
//!
//! # Two kinds of failure
//!
//! Traffic never makes an error, a log line or a panic: it makes a counter ([`stats`]). Operation
//! (a file, an interface, a setting) makes an error that names the thing and the remedy, and
//! `main` prints it once.

// Words every stage may use, and stages 2 to 6 in one thread: a crate that can reach nothing.
pub use wardwatch_pipeline::{
    alert, bounded, decode, extract, flow, frame, matching, net, observation, panics, stats, worker,
};

// The stages of this crate, in the order bytes travel; the empty lines keep rustfmt from sorting them.
pub mod capture; // 1

pub mod enrich; // 7

pub mod sink; // 8

// Directories that are written in, by descriptor; words for people: both from enrich on.
pub use wardwatch_record::directory;

pub mod lang;

// Everything around the stages.
pub mod app;
pub mod cli;
pub mod command;
pub mod config;
#[cfg(feature = "live")]
pub mod privilege;
