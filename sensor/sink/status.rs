//! The state of the sensor at a moment: what the heartbeat, EVE's `stats` and USR1 tell.

use ioc_feeds::Date;

use crate::capture::Drops;
use crate::net::Timestamp;
use crate::stats::{Counter, Counters};

/// Everything the sensor says about itself.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// When.
    pub time: Timestamp,
    /// Seconds since the start.
    pub uptime: u64,
    /// Counts of all workers since the start.
    pub counters: Counters,
    /// What the kernel and the interfaces saw and dropped.
    pub drops: Drops,
    /// Hosts of ours seen.
    pub hosts: usize,
    /// Hosts of ours that opened a flow to the outside.
    pub clients: usize,
    /// Indicators loaded.
    pub indicators: usize,
    /// Newest date among them; none if none has one.
    pub newest: Option<Date>,
    /// Days since then.
    pub age_days: Option<i64>,
    /// Resident memory in bytes, if it can be read.
    pub memory: Option<u64>,
}

impl Status {
    /// Frames that were there and not read.
    pub const fn lost(&self) -> u64 {
        self.drops.kernel.saturating_add(self.drops.interface)
    }

    /// Connections whose true name nobody outside can read, and all of which a name is wanted.
    pub fn blind(&self) -> (u64, u64) {
        let sum = |list: &[Counter]| list.iter().map(|c| self.counters.get(*c)).sum::<u64>();
        (
            sum(&[Counter::TlsEch, Counter::QuicUndecodable, Counter::EncryptedDns]),
            sum(&[Counter::Tls, Counter::Quic, Counter::QuicUndecodable]),
        )
    }
}
