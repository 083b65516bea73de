//! Packet times as people and machines read them, with the local offset.

use jiff::tz::TimeZone;

use crate::net::Timestamp;

/// Formats times in one zone.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: TimeZone,
}

impl Clock {
    /// The machine's zone (`TZ`, else `/etc/localtime`).
    pub fn local() -> Self {
        Self { zone: TimeZone::system() }
    }

    /// A given zone.
    pub const fn new(zone: TimeZone) -> Self {
        Self { zone }
    }

    fn zoned(&self, time: Timestamp) -> jiff::Zoned {
        jiff::Timestamp::from_nanosecond(i128::from(time.0))
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .to_zoned(self.zone.clone())
    }

    /// `2024-06-18T09:21:05.482+07:00` (RFC 3339).
    pub fn rfc3339(&self, time: Timestamp) -> String {
        self.zoned(time).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
    }

    /// `2024-06-18T09:21:05.482913+0700`, as EVE writes it.
    pub fn eve(&self, time: Timestamp) -> String {
        self.zoned(time).strftime("%Y-%m-%dT%H:%M:%S%.6f%z").to_string()
    }

    /// `20240618-092105`, as rotated logs are named.
    pub fn stamp(&self, time: Timestamp) -> String {
        self.zoned(time).strftime("%Y%m%d-%H%M%S").to_string()
    }

    /// `18/06/2024 09:21:05`.
    pub fn short(&self, time: Timestamp) -> String {
        self.zoned(time).strftime("%d/%m/%Y %H:%M:%S").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_the_offset_in_each_spelling() {
        let clock = Clock::new(TimeZone::fixed(jiff::tz::offset(7)));
        let time = Timestamp::new(1_718_677_265, 482_913_999);
        assert_eq!(clock.rfc3339(time), "2024-06-18T09:21:05.482+07:00");
        assert_eq!(clock.eve(time), "2024-06-18T09:21:05.482913+0700");
        assert_eq!(clock.short(time), "18/06/2024 09:21:05");
    }
}
