use std::net::IpAddr;
use std::sync::Arc;

use super::*;
use crate::decode::packet::Few;
use crate::net::{Mac, Timestamp};
use jiff::tz::TimeZone;

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

/// Vectors of the specification's own test data, seed 0; both directions give the same.
#[test]
fn community_ids_are_those_of_the_specification() {
    let vectors = [
        (6, ("128.232.110.120", 34_855), ("66.35.250.204", 80), "LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (17, ("192.168.1.52", 54_585), ("8.8.8.8", 53), "d/FP5EW3wiY1vCndhwleRRKHowQ="),
        (132, ("192.168.170.8", 7), ("192.168.170.56", 80), "jQgCxbku+pNGw8WPbEc/TS/uTpQ="),
    ];
    for (protocol, one, other, id) in vectors {
        let id = format!("1:{id}");
        assert_eq!(community_id(&sighting(protocol, one, other)), id);
        assert_eq!(community_id(&sighting(protocol, other, one)), id);
    }
}

#[test]
fn community_ids_of_icmp_take_type_and_its_answer_for_ports() {
    let (a, b) = ("192.168.0.89", "192.168.0.1");
    let echo = "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=";
    assert_eq!(community_id(&sighting(1, (a, 8), (b, 0))), echo);
    assert_eq!(community_id(&sighting(1, (b, 0), (a, 0))), echo);
    let one_way = "1:3o2RFccXzUgjl7zDpqmY7yJi8rI=";
    assert_eq!(community_id(&sighting(1, (a, 20), (b, 0))), one_way);
    let (c, d) = ("fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea");
    let neighbour = "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=";
    assert_eq!(community_id(&sighting(58, (c, 135), (d, 0))), neighbour);
    assert_eq!(community_id(&sighting(58, (d, 136), (c, 0))), neighbour);
}

#[test]
fn community_ids_of_other_protocols_have_no_ports() {
    let rsvp = sighting(46, ("5.6.7.8", 0), ("1.2.3.4", 0));
    assert_eq!(community_id(&rsvp), "1:ikv3kmf89luf73WPz1jOs49S768=");
}

fn envelope(sighting: &Sighting) -> serde_json::Value {
    let clock = Clock::new(TimeZone::fixed(jiff::tz::offset(7)));
    serde_json::to_value(Envelope::new("alert", sighting, &clock)).unwrap()
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
