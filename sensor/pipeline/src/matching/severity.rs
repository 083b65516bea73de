//! What a hit is worth: from its threat, its indicator's confidence, role and age, and from where
//! it was seen.
//!
//! Addresses change hands within weeks, names when they expire: both lose weight with age, and none
//! is ever silenced by it. What a program itself sends (a path, a user agent, a fingerprint, a
//! certificate) has no owner who could change, and does not age.

use ioc_feeds::threat::Severity;
use ioc_feeds::{Confidence, Indicator, Pattern, Role};

use crate::net::Timestamp;
use crate::observation::Kind;

/// Days after which an address loses a step, and after which it is context only.
const ADDRESS_DAYS: (i64, i64) = (90, 365);
/// The same for a name, and for a url, whose host has an owner too.
const NAME_DAYS: (i64, i64) = (365, 3 * 365);

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

/// The severity of a hit at a packet's time, and the days (UTC) since its indicator was last seen
/// in use, where they weaken it.
///
/// The threat's own severity holds for high confidence; medium confidence is at most high, low
/// confidence at most medium. An address keeps that for 90 days, a name or url for a year; one step
/// less holds to a year and to three years, and after that it is low. A delivery server of which
/// nothing but a name was asked for is at most medium: a click on an advertisement is no infection.
/// A canary is always low.
pub fn severity(
    indicator: &Indicator,
    threat_severity: Severity,
    (kind, at): (Kind, Timestamp),
) -> (Severity, Option<i64>) {
    let (full, half) = days(&indicator.pattern);
    let age = age(indicator, at).filter(|days| *days > full);
    if indicator.role == Role::Canary {
        return (Severity::Low, age);
    }
    let believed = match indicator.confidence {
        Confidence::High => threat_severity,
        Confidence::Medium => threat_severity.min(Severity::High),
        Confidence::Low => threat_severity.min(Severity::Medium),
    };
    let aged = match age {
        None => believed,
        Some(days) if days <= half => one_step_down(believed),
        Some(_) => Severity::Low,
    };
    let asked_only = matches!(kind, Kind::DnsQuery | Kind::DnsAnswer);
    let severity = match indicator.role {
        Role::Delivery if asked_only => aged.min(Severity::Medium),
        _ => aged,
    };
    (severity, age)
}

/// How many days full weight and half weight last.
const fn days(pattern: &Pattern) -> (i64, i64) {
    match pattern {
        Pattern::Ip(_) | Pattern::IpPort(..) | Pattern::Cidr(..) => ADDRESS_DAYS,
        Pattern::Domain { .. } | Pattern::Url { .. } => NAME_DAYS,
        _ => (i64::MAX, i64::MAX),
    }
}

fn age(indicator: &Indicator, at: Timestamp) -> Option<i64> {
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

    fn at(date: Date) -> (Kind, Timestamp) {
        (Kind::TlsSni, Timestamp::new(date.epoch_day() * 86_400 + 86_399, 0))
    }

    fn named(last_seen: Date) -> Indicator {
        let name = ioc_feeds::name::Name::parse("evil.example").unwrap();
        let mut c2 = indicator(Pattern::Domain { name, scope: Default::default() });
        (c2.confidence, c2.last_seen) = (Confidence::High, Some(last_seen));
        c2
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
    fn a_name_and_a_url_lose_weight_after_one_year_and_three() {
        let name = named(date(2023, 3, 1));
        let host = ioc_feeds::Host::Name(ioc_feeds::name::Name::parse("a.example").unwrap());
        let path = "/stage/two.dat".into();
        let url = Indicator { pattern: Pattern::Url { host, port: None, path }, ..name.clone() };
        for aged in [name, url] {
            let weigh = |day| severity(&aged, Severity::Critical, at(day));
            assert_eq!(weigh(date(2024, 2, 29)), (Severity::Critical, None));
            assert_eq!(weigh(date(2024, 3, 1)), (Severity::High, Some(366)));
            assert_eq!(weigh(date(2026, 2, 28)), (Severity::High, Some(1095)));
            assert_eq!(weigh(date(2026, 3, 1)), (Severity::Low, Some(1096)));
        }
    }

    #[test]
    fn what_a_program_sends_has_no_owner_and_does_not_age() {
        for pattern in [
            Pattern::Path("/stage/two.dat".into()),
            Pattern::UserAgent("Winter".into()),
            Pattern::CertSha1("0".repeat(40)),
        ] {
            let row = Indicator { pattern, ..named(date(2001, 1, 1)) };
            let expected = (Severity::Critical, None);
            assert_eq!(severity(&row, Severity::Critical, at(date(2026, 1, 1))), expected);
        }
    }

    #[test]
    fn a_question_for_a_delivery_server_is_at_most_medium_and_a_contact_counts_fully() {
        let day = date(2026, 1, 1);
        for role in Role::ALL.iter().copied().filter(|role| *role != Role::Canary) {
            let row = Indicator { role, ..named(day) };
            for kind in Kind::ALL {
                let asked =
                    role == Role::Delivery && matches!(kind, Kind::DnsQuery | Kind::DnsAnswer);
                let expected = if asked { Severity::Medium } else { Severity::Critical };
                let seen = (kind, at(day).1);
                assert_eq!(severity(&row, Severity::Critical, seen).0, expected, "{role} {kind:?}");
            }
        }
    }

    #[test]
    fn an_older_indicator_never_weighs_more() {
        let mut row = named(date(2020, 1, 1));
        for pattern in [row.pattern.clone(), Pattern::Ip(address("192.0.2.1"))] {
            row.pattern = pattern;
            let weighed: Vec<_> = (0..1_500)
                .map(|day| date(2020, 1, 1).epoch_day() + day)
                .map(|day| (Kind::Ip, Timestamp::new(day * 86_400, 0)))
                .map(|seen| severity(&row, Severity::Critical, seen).0)
                .collect();
            assert!(weighed.is_sorted_by_key(|severity| std::cmp::Reverse(*severity)));
            assert_eq!((weighed[0], weighed[1_499]), (Severity::Critical, Severity::Low));
        }
    }

    #[test]
    fn weak_attribution_bounds_severity_and_a_canary_is_low() {
        let mut c2 = indicator(Pattern::Ja4("t13d".into()));
        let mut weigh = |confidence, role, threat| {
            (c2.confidence, c2.role) = (confidence, role);
            severity(&c2, threat, (Kind::Ja4, Timestamp::default())).0
        };
        assert_eq!(weigh(Confidence::Medium, Role::C2, Severity::Critical), Severity::High);
        assert_eq!(weigh(Confidence::Low, Role::C2, Severity::Critical), Severity::Medium);
        assert_eq!(weigh(Confidence::Low, Role::C2, Severity::Low), Severity::Low);
        assert_eq!(weigh(Confidence::High, Role::Sinkhole, Severity::High), Severity::High);
        assert_eq!(weigh(Confidence::High, Role::Canary, Severity::Critical), Severity::Low);
    }
}
