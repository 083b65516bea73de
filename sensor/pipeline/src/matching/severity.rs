//! What a hit is worth: from its threat, its indicator's confidence, role and age.
//!
//! Addresses change hands, names rarely do: only `ip`, `ip:port` and `cidr` lose weight with age,
//! and none is ever silenced by it.

use ioc_feeds::threat::Severity;
use ioc_feeds::{Confidence, Indicator, Pattern, Role};

use crate::net::Timestamp;
use crate::observation::Kind;

/// Days after which an address loses a step.
const FULL_WEIGHT_DAYS: i64 = 90;
/// Days after which an address is context only.
const HALF_WEIGHT_DAYS: i64 = 365;

/// Why what was seen is weak evidence: it is low, whatever it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weakness {
    /// The name stands in a server's certificate only, beside the name that the client asked for.
    CertificateBesideName,
    /// The owner of an address says so: the answer to a reverse lookup.
    ReverseLookup,
    /// The packet came in a tunnel from outside, where anybody can put any addresses into it.
    TunnelFromOutside,
}

impl Weakness {
    /// Of what was seen at this place, whatever the packet.
    pub const fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::TlsCertificateBeside => Some(Self::CertificateBesideName),
            Kind::DnsReverse => Some(Self::ReverseLookup),
            _ => None,
        }
    }

    /// The spelling in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CertificateBesideName => "certificate_beside_name",
            Self::ReverseLookup => "reverse_lookup",
            Self::TunnelFromOutside => "tunnel_from_outside",
        }
    }
}

/// One step less urgent.
const fn one_step_down(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium | Severity::Low => Severity::Low,
    }
}

/// One step more urgent.
pub const fn one_step_up(severity: Severity) -> Severity {
    match severity {
        Severity::Low => Severity::Medium,
        Severity::Medium => Severity::High,
        Severity::High | Severity::Critical => Severity::Critical,
    }
}

/// The severity of a hit at a packet's time, and the days (UTC) since an address was last seen
/// in use, where they weaken it.
///
/// The threat's own severity holds for high confidence; medium confidence is at most high, low
/// confidence at most medium. An address keeps that for 90 days, one step less to a year, and is
/// low after that. A canary is always low.
pub fn severity(
    indicator: &Indicator,
    threat_severity: Severity,
    at: Timestamp,
) -> (Severity, Option<i64>) {
    let age = address_age(indicator, at);
    if indicator.role == Role::Canary {
        return (Severity::Low, age);
    }
    let believed = match indicator.confidence {
        Confidence::High => threat_severity,
        Confidence::Medium => threat_severity.min(Severity::High),
        Confidence::Low => threat_severity.min(Severity::Medium),
    };
    let severity = match age.unwrap_or(0) {
        days if days <= FULL_WEIGHT_DAYS => believed,
        days if days <= HALF_WEIGHT_DAYS => one_step_down(believed),
        _ => Severity::Low,
    };
    (severity, age.filter(|days| *days > FULL_WEIGHT_DAYS))
}

fn address_age(indicator: &Indicator, at: Timestamp) -> Option<i64> {
    if !matches!(indicator.pattern, Pattern::Ip(_) | Pattern::IpPort(..) | Pattern::Cidr(..)) {
        return None;
    }
    let date = indicator.last_seen.or(indicator.first_seen)?;
    Some(date.age_in_days(at.seconds()).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::tests::{address, indicator};
    use ioc_feeds::Date;

    const fn date(year: i16, month: u8, day: u8) -> Date {
        Date { year, month, day }
    }

    fn at(date: Date) -> Timestamp {
        Timestamp::new(date.epoch_day() * 86_400 + 86_399, 0)
    }

    #[test]
    fn an_address_loses_weight_with_age_and_is_never_silent() {
        let mut c2 = indicator(Pattern::Ip(address("192.0.2.1")));
        c2.confidence = Confidence::High;
        c2.first_seen = Some(date(2020, 1, 1));
        c2.last_seen = Some(date(2026, 1, 1));
        let weigh = |day| severity(&c2, Severity::Critical, at(day));
        assert_eq!(weigh(date(2025, 6, 1)), (Severity::Critical, None));
        assert_eq!(weigh(date(2026, 4, 1)), (Severity::Critical, None));
        assert_eq!(weigh(date(2026, 4, 2)), (Severity::High, Some(91)));
        assert_eq!(weigh(date(2027, 1, 1)), (Severity::High, Some(365)));
        assert_eq!(weigh(date(2027, 1, 2)), (Severity::Low, Some(366)));
    }

    #[test]
    fn the_first_date_stands_in_for_the_last_and_no_date_is_full_weight() {
        let mut c2 = indicator(Pattern::IpPort(address("192.0.2.1"), 443));
        c2.confidence = Confidence::High;
        assert_eq!(severity(&c2, Severity::High, at(date(2026, 1, 1))), (Severity::High, None));
        c2.first_seen = Some(date(2024, 1, 1));
        let expected = (Severity::Low, Some(731));
        assert_eq!(severity(&c2, Severity::High, at(date(2026, 1, 1))), expected);
    }

    #[test]
    fn a_name_does_not_age() {
        let name = ioc_feeds::name::Name::parse("evil.example").unwrap();
        let mut c2 = indicator(Pattern::Domain { name, scope: Default::default() });
        c2.confidence = Confidence::High;
        c2.last_seen = Some(date(2001, 1, 1));
        let expected = (Severity::Critical, None);
        assert_eq!(severity(&c2, Severity::Critical, at(date(2026, 1, 1))), expected);
    }

    #[test]
    fn weak_attribution_bounds_severity_and_a_canary_is_low() {
        let mut c2 = indicator(Pattern::Ja4("t13d".into()));
        let mut weigh = |confidence, role, threat| {
            (c2.confidence, c2.role) = (confidence, role);
            severity(&c2, threat, Timestamp::default()).0
        };
        assert_eq!(weigh(Confidence::Medium, Role::C2, Severity::Critical), Severity::High);
        assert_eq!(weigh(Confidence::Low, Role::C2, Severity::Critical), Severity::Medium);
        assert_eq!(weigh(Confidence::Low, Role::C2, Severity::Low), Severity::Low);
        assert_eq!(weigh(Confidence::High, Role::Sinkhole, Severity::High), Severity::High);
        assert_eq!(weigh(Confidence::High, Role::Canary, Severity::Critical), Severity::Low);
    }
}
