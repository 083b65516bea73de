//! The state of the sensor at a moment: what the heartbeat, EVE's `stats`, USR1 and `status.json`
//! tell. [`Status::figures`] is the one list of it, so that none of them lacks what another has.

use ioc_feeds::Date;

pub use wardwatch_record::status::{Figure, Figures};

use super::Losses;
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
    /// Alerts told, those of several workers that are one contact as one.
    pub alerts: u64,
    /// Lines that did not reach a destination.
    pub losses: Losses,
    /// Indicators loaded.
    pub indicators: usize,
    /// Newest date among them; none if none has one.
    pub newest: Option<Date>,
    /// The same among those that do not come with the program.
    pub newest_own: Option<Date>,
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
            sum(&[Counter::TlsEchHidden, Counter::QuicUndecodable, Counter::EncryptedDns]),
            sum(&[Counter::Tls, Counter::Quic, Counter::QuicUndecodable]),
        )
    }

    /// Every number there is: the counters, then what the sensor knows beside them.
    pub fn figures(&self) -> Vec<Figure> {
        let of_workers = Counter::ALL.iter().map(|counter| Figure {
            name: counter.name().into(),
            help: counter.help().into(),
            kind: Figures::Total,
            value: Some(self.counters.get(*counter)),
        });
        of_workers.chain(self.of_blindness()).chain(self.of_outputs()).chain(self.rest()).collect()
    }

    /// What hides names, each way by itself.
    fn of_blindness(&self) -> impl Iterator<Item = Figure> {
        let (hidden, connections) = self.blind();
        let count = |counter| self.counters.get(counter);
        [
            ("blind.hidden", "Connections whose true name cannot be read", hidden),
            ("blind.connections", "Connections of which a name is wanted", connections),
            (
                "blind.ech",
                "Connections whose true name an encrypted ClientHello hides",
                count(Counter::TlsEchHidden),
            ),
            ("blind.doh", "Flows with DNS over HTTPS", count(Counter::DnsOverHttps)),
            ("blind.dot", "Flows with DNS over TLS", count(Counter::DnsOverTls)),
            ("blind.doq", "Flows with DNS over QUIC", count(Counter::DnsOverQuic)),
            (
                "blind.quic",
                "QUIC Initial packets that cannot be opened",
                count(Counter::QuicUndecodable),
            ),
        ]
        .into_iter()
        .map(|(name, help, value)| total(name, help, value))
    }

    fn of_outputs(&self) -> impl Iterator<Item = Figure> {
        let Losses { waiting, folded, gone, events, undelivered, unspooled, unread } = self.losses;
        let waiting = level("output.waiting", "Lines that wait for a disk", Some(waiting));
        let totals = [
            ("alert.told", "Alerts written, those of several workers as one", self.alerts),
            ("output.folded", "Waiting alerts for which a later one stands", folded),
            ("output.gone", "Lines for which there was no room; standard error has them", gone),
            ("output.events_dropped", "Event records dropped while a disk took nothing", events),
            (
                "output.undelivered",
                "Lines that a reader of standard output did not get",
                undelivered,
            ),
            (
                "spool.lost",
                "Records for which the spool had no room while its disk took nothing",
                unspooled,
            ),
            (
                "spool.unread",
                "Records of the spool that were removed before a reader had read them",
                unread,
            ),
        ];
        let totals = totals.map(|(name, help, value)| total(name, help, value));
        std::iter::once(waiting).chain(totals)
    }

    fn rest(&self) -> impl Iterator<Item = Figure> {
        let drops = [
            ("capture.kernel_packets", "Packets the kernel handed on", self.drops.received),
            ("capture.kernel_drops", "Packets the kernel dropped", self.drops.kernel),
            ("capture.interface_drops", "Packets the interface dropped", self.drops.interface),
        ];
        let age = self.age_days.map(|days| u64::try_from(days).unwrap_or(0));
        let levels = [
            ("uptime", "Seconds since the start", Some(self.uptime)),
            ("indicators.loaded", "Indicators in use", Some(self.indicators as u64)),
            ("indicators.age_days", "Days since the newest indicator was known", age),
            ("hosts", "Hosts of ours seen", Some(self.hosts as u64)),
            ("clients", "Hosts of ours that talk to the outside", Some(self.clients as u64)),
            ("memory.resident", "Resident memory in bytes", self.memory),
        ];
        let drops = drops.map(|(name, help, value)| total(name, help, value));
        let levels = levels.map(|(name, help, value)| level(name, help, value));
        drops.into_iter().chain(levels)
    }
}

fn total(name: &'static str, help: &'static str, value: u64) -> Figure {
    Figure { name: name.into(), help: help.into(), kind: Figures::Total, value: Some(value) }
}

fn level(name: &'static str, help: &'static str, value: Option<u64>) -> Figure {
    Figure { name: name.into(), help: help.into(), kind: Figures::Level, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_a_name_of_its_own_and_says_what_it_is() {
        let figures = Status::default().figures();
        let mut names: Vec<_> = figures.iter().map(|figure| figure.name.clone()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), figures.len());
        assert!(figures.len() > Counter::ALL.len() + 15);
        for figure in figures {
            assert!(figure.help.len() > 3, "{}", figure.name);
        }
    }

    #[test]
    fn each_way_to_hide_a_name_is_told_apart() {
        let mut status = Status::default();
        let ways = [
            (Counter::TlsEchHidden, "blind.ech"),
            (Counter::DnsOverHttps, "blind.doh"),
            (Counter::DnsOverTls, "blind.dot"),
            (Counter::DnsOverQuic, "blind.doq"),
            (Counter::QuicUndecodable, "blind.quic"),
        ];
        for ((counter, _), n) in ways.iter().zip(1..) {
            status.counters.add(*counter, n);
        }
        let figures = status.figures();
        for ((_, name), n) in ways.iter().zip(1..) {
            let figure = figures.iter().find(|figure| figure.name == *name).unwrap();
            assert_eq!(figure.value, Some(n), "{name}");
        }
    }
}
