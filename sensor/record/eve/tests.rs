use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::alert::{Crowd, End, Host, Indicator, Threat, Weakness};
use crate::clock::Clock;
use crate::{Body, FORM, Id, Record};
use ioc_feeds::Confidence;

fn clock() -> EveClock {
    EveClock::new(Clock::new(TimeZone::fixed(jiff::tz::offset(7))))
}

fn line(record: &AlertRecord) -> String {
    let mut out = Vec::new();
    write_line(&alert(record, &clock()), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 .:|\"\\\\\u{1}-\u{1f}\u{7f}Ếđ\u{202e}]{0,24}"
}

fn message() -> impl Strategy<Value = Message> {
    (text(), text()).prop_map(|(vi, en)| Message::new(vi, en))
}

fn end() -> impl Strategy<Value = End> {
    (any::<IpAddr>(), any::<u16>()).prop_map(|(address, port)| End { address, port })
}

fn date() -> impl Strategy<Value = Option<Date>> {
    proptest::option::of((1970..2100_i16, 1..=12_u8, 0..=28_u8))
        .prop_map(|date| date.map(|(year, month, day)| Date { year, month, day }))
}

fn moment() -> impl Strategy<Value = Time> {
    (0..4_000_000_000_000_000_i64).prop_map(Time)
}

fn indicator() -> impl Strategy<Value = Indicator> {
    let words = (text(), text(), text(), text(), text());
    let role = proptest::sample::select(Role::ALL);
    (words, role, date(), date(), proptest::option::of(0..9999_i64)).prop_map(
        |((text, kind, malware, feed, reference), role, first_seen, last_seen, old_days)| {
            Indicator {
                text,
                kind,
                malware,
                role,
                feed,
                reference,
                first_seen,
                last_seen,
                old_days,
            }
        },
    )
}

fn crowd() -> impl Strategy<Value = Option<Crowd>> {
    let by = prop_oneof![
        Just(Crowding::Indicator),
        Just(Crowding::Host),
        any::<IpAddr>().prop_map(Crowding::Tunnel),
        Just(Crowding::Threat),
        Just(Crowding::All),
    ];
    let firsts =
        (proptest::collection::vec(any::<IpAddr>(), 0..3), proptest::collection::vec(text(), 0..3));
    let one = (by, text(), any::<u64>(), any::<u64>(), firsts).prop_map(
        |(by, group, hosts, indicators, (first_hosts, first_indicators))| Crowd {
            by,
            group,
            hosts,
            indicators,
            first_hosts,
            first_indicators,
        },
    );
    proptest::option::of(one)
}

fn sighting(ours: End, peer: End, sends: bool) -> impl Strategy<Value = Sighting> {
    let (source, destination) = if sends { (ours, peer) } else { (peer, ours) };
    let origin = (proptest::option::of(text()), proptest::option::of(text()));
    let tunnel = proptest::option::of((end(), end(), 1..9_usize));
    let rest = (proptest::collection::vec(0..4096_u16, 0..3), tunnel, any::<bool>(), text());
    (any::<u64>(), origin, proptest::option::of(1..u64::MAX), rest).prop_map(
        move |(flow_id, (iface, file), pcap_cnt, (vlan, tunnel, ether, community_id))| Sighting {
            flow_id,
            in_iface: iface.map(Into::into),
            pcap_cnt,
            pcap_filename: file.map(Into::into),
            vlan,
            src_ip: source.address,
            src_port: Some(source.port),
            dest_ip: destination.address,
            dest_port: Some(destination.port),
            proto: "TCP".into(),
            icmp_type: None,
            icmp_code: None,
            pkt_src: tunnel.map_or("wire/pcap", |_| "gre tunnel").into(),
            tunnel: tunnel.map(|(source, destination, depth)| Tunnel {
                src_ip: source.address,
                src_port: Some(source.port),
                dest_ip: destination.address,
                dest_port: None,
                proto: "GRE".into(),
                depth,
                pkt_src: "gre tunnel".into(),
            }),
            ether: ether.then(|| Ether {
                src_mac: "02:00:00:00:00:01".into(),
                dest_mac: "02:00:00:00:00:02".into(),
            }),
            community_id,
        },
    )
}

fn record() -> impl Strategy<Value = AlertRecord> {
    let ends = (end(), end(), any::<bool>());
    let severity = proptest::sample::select(vec![
        Severity::Low,
        Severity::Medium,
        Severity::High,
        Severity::Critical,
    ]);
    let confidence = proptest::sample::select(Confidence::ALL);
    ends.prop_flat_map(move |(ours, peer, sends)| {
        let words = (text(), message(), text(), text(), message());
        let host = (proptest::option::of(text()), proptest::option::of(text()));
        let optional = (
            proptest::option::of(message()),
            proptest::option::of((text(), message(), message())),
            crowd(),
            proptest::collection::vec(text(), 0..3),
        );
        let times = (moment(), moment(), moment(), any::<u64>());
        (
            words,
            host,
            optional,
            times,
            (severity.clone(), confidence.clone(), indicator()),
            sighting(ours, peer, sends),
        )
            .prop_map(move |(words, (name, mac), optional, times, weights, sighting)| {
                let (key, threat, place, seen, action) = words;
                let (explanation, weakness, crowd, also) = optional;
                let (time, first, opened, count) = times;
                let (severity, confidence, indicator) = weights;
                AlertRecord {
                    form: FORM,
                    time,
                    severity,
                    threat: Threat { key, name: threat },
                    host: Host { address: ours.address, port: ours.port, name, mac },
                    peer,
                    place,
                    seen,
                    explanation,
                    action,
                    count,
                    first,
                    opened,
                    indicator,
                    confidence,
                    also,
                    weakness: weakness.map(|(kind, why, check)| Weakness { kind, why, check }),
                    crowd,
                    to_server: sends,
                    sighting,
                }
            })
    })
}

/// What EVE has no place for; what is empty there is not there.
fn as_eve_has_it(mut record: AlertRecord) -> AlertRecord {
    record.action = Message::default();
    record.opened = record.first;
    record.threat.name.vi.clone_from(&record.threat.name.en);
    record.host.name = record.host.name.filter(|name| !name.is_empty());
    record.host.mac = record.host.mac.filter(|mac| !mac.is_empty());
    record.weakness = record.weakness.filter(|weakness| !weakness.kind.is_empty());
    if let Some(weakness) = &mut record.weakness {
        weakness.check = Message::default();
    }
    if let Some(crowd) = &mut record.crowd {
        crowd.group.clear();
    }
    record
}

proptest! {
    #[test]
    fn an_alert_is_read_out_of_eve_as_it_was_written_there(record in record()) {
        let line = line(&record);
        prop_assert_eq!(line.matches('\n').count(), 1);
        let back = read(line.as_bytes()).unwrap();
        prop_assert_eq!(back, as_eve_has_it(record));
    }

    #[test]
    fn a_record_of_the_spool_is_read_as_it_was_written(record in record(), seq in 1..u64::MAX) {
        let id = Id { sensor: "pc-7".into(), seq };
        let written = Record { id, written: Time(7), body: Body::Alert(Box::new(record)) };
        let mut line = Vec::new();
        write_line(&written, &mut line).unwrap();
        prop_assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        prop_assert_eq!(serde_json::from_slice::<Record>(&line).unwrap(), written);
    }

    /// Whatever is cut off or put in, reading says so and does nothing else.
    #[test]
    fn half_a_line_is_no_alert(record in record(), at in 0..1_000_usize) {
        let line = line(&record);
        prop_assert!(read(&line.as_bytes()[..at.min(line.len() - 2)]).is_err());
    }
}

#[test]
fn records_of_other_types_are_told_apart() {
    let error = read(br#"{"timestamp":"2024-06-18T09:21:05.482913+0700","event_type":"dns"}"#);
    assert!(matches!(error, Err(NotAnAlert::Type(kind)) if kind == "dns"));
    assert!(matches!(read(b"[]"), Err(NotAnAlert::Json(_))));
}

#[test]
fn a_signature_id_is_one_threat_in_one_place_and_is_the_one_that_was_documented() {
    for (threat, place, id) in [
        ("redline", "dns.query", 1_980_100),
        ("redline", "behaviour.redline.net-tcp", 1_980_114),
        ("mustang-panda", "tls.sni", 1_980_202),
        ("canary", "dns.query", 1_980_900),
        ("canary", "ip", 1_980_911),
        // An office's own feed.
        ("lab", "dns.query", 1_980_000),
        ("lab", "ip.outer", 1_980_017),
    ] {
        assert_eq!(signature_id(threat, place), id, "{threat} {place}");
    }
    assert!(PLACES.len() < 100, "a place more would be another threat's");
    let mut all: Vec<u32> = ["redline", "mustang-panda", "canary", "lab"]
        .into_iter()
        .flat_map(|threat| PLACES.map(|(place, _)| signature_id(threat, place)))
        .collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 4 * PLACES.len());
}
