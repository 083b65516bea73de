//! wardwatch-relay: what the sensor has written, to other machines and to this machine's monitoring.
//!
//! The sensor reads hostile packets and has no network; this program has the network and reads nothing
//! but our own records. It takes alerts and notices out of the spool to syslog servers ([`syslog`]), and
//! answers `GET /metrics` with what stands in `status.json` ([`metrics`]). It runs as a user of its own
//! without any right, can reach no packet and no indicator, and writes nothing but its cursors.
//!
//! ```text
//!  spool/ ──► reader ──► courier, one a server ──► UDP, TCP, TLS, unix socket
//!                 ◄── cursor, once the server has it
//!  status.json ──► page ──► GET /metrics, on loopback or a unix socket
//! ```
//!
//! **The spool is the queue.** A server that is away costs nothing but time: its courier waits and goes
//! on where it stood, also after a restart. What the spool had to give up meanwhile is told to the
//! server as what it is, a gap of known length.

pub mod config;
pub mod metrics;
mod run;
pub mod syslog;

pub use config::{ConfigError, Settings};
pub use run::{RelayError, run};
