//! wardwatch: a passive sensor that reads names and addresses off a mirror port and says which
//! PC of a small office talks to known RedLine Stealer or Mustang Panda infrastructure.
//!
//! This library is the whole sensor; the binary only parses arguments. It never sends a packet,
//! never resolves a name and never looks at the machine's clock while it reads traffic: a
//! packet's time is the only time there is, so a replay gives the same answer twice.
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
//! [`worker`] is one thread that runs stages 1 to 6 to completion for each packet; [`app`] is the
//! only module that knows every stage and every thread. One thread reads one recording, which may
//! be several captures that follow each other ([`app::scan`]).
//!
//! # The rule
//!
//! Data flows one way, and a stage imports earlier stages only:
//! `net, observation, panics, stats` < `capture` < `decode` < `flow` < `extract` < `matching` < `alert` <
//! `enrich` < `sink`. `tests/architecture.rs` reads the sources and fails on a backward import.
//!
//! # Two kinds of failure
//!
//! Traffic never makes an error, a log line or a panic: it makes a counter ([`stats`]). Operation
//! (a file, an interface, a setting) makes an error that names the thing and the remedy, and
//! `main` prints it once.

// Words every stage may use.
pub mod net;
pub mod observation;
pub mod panics;
pub mod stats;

// The stages, in the order bytes travel; the empty lines keep rustfmt from sorting them.
pub mod capture; // 1

pub mod decode; // 2

pub mod flow; // 3

pub mod extract; // 4

pub mod matching; // 5

pub mod alert; // 6

pub mod enrich; // 7

pub mod sink; // 8

// Directories that are written in, by descriptor; words for people: both from enrich on.
pub use wardwatch_record::directory;

pub mod lang;

// Stages 1 to 6 in one thread; then everything around them.
pub mod worker;

pub mod app;
pub mod cli;
pub mod command;
pub mod config;
#[cfg(feature = "live")]
pub mod privilege;
