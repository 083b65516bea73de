//! The contract between wardwatch's programs: what the sensor writes and the others read.
//!
//! Owns the form of a record ([`AlertRecord`], [`Notice`], [`Status`], [`Seen`]), its words in both
//! languages, its lines for people ([`LineFormat`]), EVE in and out ([`eve`]), and the spool that
//! carries records from one process to another ([`spool`]). Directories are held by descriptor
//! ([`directory`]). It can reach files; it knows no packet, no thread, no socket and no clock: every
//! time is given.
//!
//! # The form
//!
//! A [`Record`] is owned and versioned. It says everything that a reader needs without the indicators
//! at hand, and is named by an [`Id`], `sensor:seq`: the sequence is dense and goes on over restarts,
//! so that a reader sees every gap. A reader passes over what it does not know and takes what is
//! missing for nothing, because a newer or older program may have written it.

pub mod alert;
pub mod clock;
mod describe;
pub mod directory;
pub mod escape;
pub mod eve;
mod id;
pub mod line;
pub mod notice;
mod seen;
mod spelled;
pub mod spool;
pub mod status;
mod time;
pub mod words;

pub use alert::{AlertRecord, FORM};
pub use describe::{describe, describe_in};
pub use id::{Body, Id, NoId, Record};
pub use ioc_feeds::Message;
pub use ioc_feeds::threat::Language;
pub use line::LineFormat;
pub use notice::{Gravity, Notice, Topic};
pub use seen::Seen;
pub use status::Status;
pub use time::Time;
