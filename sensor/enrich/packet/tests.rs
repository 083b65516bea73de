use std::net::IpAddr;
use std::sync::Arc;

use super::*;
use crate::decode::packet::Few;
use crate::net::{Mac, Timestamp};
use jiff::tz::TimeZone;
use wardwatch_record::Time;
use wardwatch_record::clock::{Clock, EveClock};
use wardwatch_record::eve::Envelope;

/// A sighting between two endpoints; ports of ICMP are its type and code.
fn sighting(protocol: u8, source: (&str, u16), destination: (&str, u16)) -> Sighting {
    let end =
        |(ip, port): (&str, u16)| Endpoint { address: ip.parse::<IpAddr>().unwrap().into(), port };
    let mut this = Sighting {
        time: Timestamp::new(1_718_677_265, 482_913_000),
        source: end(source),
        destination: end(destination),
        protocol: IpProtocol(protocol),
        icmp: None,
        flow_id: 7,
        client: end(source),
        macs: None,
        vlans: Few::default(),
        tunnels: None,
        frame: 0,
        origin: Origin::Interface(Arc::from("eth0")),
    };
    if matches!(protocol, 1 | 58) {
        this.icmp = Some((source.1 as u8, destination.1 as u8));
        (this.source.port, this.destination.port) = (0, 0);
    }
    this
}

const ONE: &str = "1.2.3.4";
const TWO: &str = "5.6.7.8";
const ONE6: &str = "fe80:0001:0203:0405:0607:0809:0A0B:0C0D";
const TWO6: &str = "fe80:1011:1213:1415:1617:1819:1A1B:1C1D";

/// The table of the specification's baseline data for the default seed; for ICMP the ports are
/// type and code.
#[test]
fn community_ids_are_those_of_the_specification() {
    let table = [
        (6, (ONE, 1122), (TWO, 3344), "wCb3OG7yAFWelaUydu0D+125CLM="),
        (6, (TWO, 3344), (ONE, 1122), "wCb3OG7yAFWelaUydu0D+125CLM="),
        (17, (ONE, 1122), (TWO, 3344), "0Mu9InQx6z4ZiCZM/7HXi2WMhOg="),
        (17, (TWO, 3344), (ONE, 1122), "0Mu9InQx6z4ZiCZM/7HXi2WMhOg="),
        (132, (ONE, 1122), (TWO, 3344), "EKt4MsxuyaE6mL+hmrEkQ9csDD8="),
        (132, (TWO, 3344), (ONE, 1122), "EKt4MsxuyaE6mL+hmrEkQ9csDD8="),
        (1, (ONE, 8), (TWO, 0), "crodRHL2FEsHjbv3UkRrfbs4bZ0="),
        (1, (TWO, 0), (ONE, 0), "crodRHL2FEsHjbv3UkRrfbs4bZ0="),
        (1, (ONE, 11), (TWO, 0), "f/YiSyWqczrTgfUCZlBUnvHRcPk="),
        (58, (ONE6, 128), (TWO6, 0), "0bf7hyMJUwt3fMED7z8LIfRpBeo="),
        (58, (TWO6, 129), (ONE6, 0), "0bf7hyMJUwt3fMED7z8LIfRpBeo="),
        (58, (ONE6, 146), (TWO6, 0), "fYC8+pz24E+EhANP1EZhpX0Dw10="),
        (46, (ONE, 0), (TWO, 0), "ikv3kmf89luf73WPz1jOs49S768="),
        (46, (TWO, 0), (ONE, 0), "ikv3kmf89luf73WPz1jOs49S768="),
        (46, (ONE6, 0), (TWO6, 0), "wQ/2mwrnXP4lmJcHdGL5ePjR+e0="),
        (46, (TWO6, 0), (ONE6, 0), "wQ/2mwrnXP4lmJcHdGL5ePjR+e0="),
    ];
    for (protocol, source, destination, id) in table {
        let sighting = sighting(protocol, source, destination);
        assert_eq!(community_id(&sighting), format!("1:{id}"), "{protocol} {source:?}");
    }
}

fn envelope(sighting: &Sighting) -> serde_json::Value {
    let clock = EveClock::new(Clock::new(TimeZone::fixed(jiff::tz::offset(7))));
    let time = Time::from(sighting.time.0);
    serde_json::to_value(Envelope::new("alert", time, &super::sighting(sighting), &clock)).unwrap()
}

#[test]
fn an_envelope_says_where_a_packet_came_from() {
    let mut live = sighting(6, ("192.0.2.10", 50_000), ("203.0.113.7", 443));
    let record = envelope(&live);
    assert_eq!(record["timestamp"], "2024-06-18T09:21:05.482913+0700");
    assert_eq!((&record["in_iface"], record.get("pcap_filename")), (&"eth0".into(), None));
    assert_eq!(record.get("pcap_cnt"), None);
    assert_eq!((&record["src_port"], &record["dest_port"]), (&50_000.into(), &443.into()));
    assert_eq!((&record["proto"], &record["ip_v"]), (&"TCP".into(), &4.into()));
    assert_eq!(record["pkt_src"], "wire/pcap");
    live.origin = Origin::Capture(Arc::from("a.pcap"));
    live.frame = 9;
    let record = envelope(&live);
    assert_eq!((record.get("in_iface"), &record["pcap_filename"]), (None, &"a.pcap".into()));
    assert_eq!(record["pcap_cnt"], 9);
}

#[test]
fn an_envelope_of_icmp_has_type_and_code_and_no_ports() {
    let record = envelope(&sighting(58, ("2001:db8::1", 128), ("2001:db8::2", 0)));
    assert_eq!((record.get("src_port"), record.get("dest_port")), (None, None));
    assert_eq!((&record["icmp_type"], &record["icmp_code"]), (&128.into(), &0.into()));
    assert_eq!(record["ip_v"], 6);
}

#[test]
fn an_envelope_shows_tags_hardware_addresses_and_the_innermost_tunnel() {
    let mut seen = sighting(17, ("192.0.2.10", 50_000), ("203.0.113.7", 53));
    seen.macs = Some((Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2])));
    assert!(seen.vlans.push(100) && seen.vlans.push(20));
    let outer = |kind, source: &str, port| Tunnel {
        kind,
        source: Endpoint { address: source.parse::<IpAddr>().unwrap().into(), port },
        destination: Endpoint { address: "198.51.100.2".parse::<IpAddr>().unwrap().into(), port },
        protocol: IpProtocol::UDP,
    };
    seen.tunnels = Some(Box::new([
        outer(TunnelKind::Gre, "198.51.100.1", 0),
        outer(TunnelKind::Vxlan, "198.51.100.3", 4789),
    ]));
    let record = envelope(&seen);
    assert_eq!(record["vlan"], serde_json::json!([100, 20]));
    assert_eq!(record["ether"]["src_mac"], "02:00:00:00:00:01");
    assert_eq!(record["tunnel"]["src_ip"], "198.51.100.3");
    assert_eq!(record["tunnel"]["dest_port"], 4789);
    assert_eq!(record["tunnel"]["depth"], 2);
    assert_eq!(record["pkt_src"], "vxlan encapsulation");
}
