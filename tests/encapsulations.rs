//! Every link layer, tag and tunnel around the same three contacts: a DNS question, a request
//! and a ClientHello that name an indicator. All three alerts must come out of each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::collections::BTreeMap;

use serde_json::Value;
use support::capture_file::{Endian, Precision, pcap_as};
use support::conversations::{self as say};
use support::encapsulation::{LINKS, TUNNELS, Wrap, authentication_header};
use support::packets::{self, TcpConversation};
use support::run::{Outcome, Run, put, temporary_directory};
use support::wire::{Frame, MILLISECOND, NINE_O_CLOCK};

const RAW: u16 = support::capture_file::RAW_IP;
const CONTACTS: [&str; 3] = ["dns.query", "http.host", "tls.sni"];

/// The three contacts as bare IP packets, in version 4 or 6.
fn contacts(six: bool) -> Vec<Vec<u8>> {
    let end = |four: &str, six_text: &str, port: u16| -> std::net::SocketAddr {
        (if six { six_text } else { four }.parse::<std::net::IpAddr>().unwrap(), port).into()
    };
    let client = |port| end("192.168.7.10", "fd00:7::10", port);
    let server = |port| end("198.51.100.2", "2001:db8::2", port);
    let query = say::dns_query(7, "www.evil.example", say::A);
    let mut all = vec![packets::udp(client(50_000), server(53), &query)];
    let request = say::http_get("www.evil.example", "/");
    let hello = say::client_hello("www.evil.example");
    for (port, bytes) in [(80, request), (443, hello)] {
        let conversation = TcpConversation::new(client(50_000 + port), server(port));
        let packets = conversation.client(&bytes).server(b"answer").packets();
        all.extend(packets.into_iter().map(|packet| packet.bytes));
    }
    all
}

fn capture(link: u16, packets: &[Vec<u8>]) -> Vec<u8> {
    let times = (0..).map(|nth| NINE_O_CLOCK + nth * MILLISECOND);
    let frame = |(bytes, time): (&Vec<u8>, i64)| Frame { time, bytes: bytes.clone() };
    let frames: Vec<Frame> = packets.iter().zip(times).map(frame).collect();
    pcap_as(&frames, link, Endian::Little, Precision::Nanos)
}

fn wrapped(packets: &[Vec<u8>], wrap: Wrap) -> Vec<Vec<u8>> {
    packets.iter().map(|packet| wrap(packet)).collect()
}

/// Scans captures and hands back what was printed, and the alerts of each capture by its number.
fn scan(captures: &[Vec<u8>]) -> (Outcome, BTreeMap<usize, Vec<Value>>) {
    let directory = temporary_directory();
    let feed =
        put(directory.path(), "feed.csv", b"indicator,type,threat\nevil.example,domain,redline\n");
    let mut run = Run::new(["scan", "--no-builtin-feeds", "-v", "--eve", "-", "--feeds"]).arg(feed);
    run = run.arg("--");
    for (nth, bytes) in captures.iter().enumerate() {
        run = run.arg(put(directory.path(), &format!("{nth}.pcap"), bytes));
    }
    let outcome = run.go().expect_code(0);
    let mut found: BTreeMap<usize, Vec<Value>> = BTreeMap::new();
    for alert in outcome.eve() {
        let path = std::path::Path::new(alert["pcap_filename"].as_str().unwrap()).to_owned();
        let number = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        found.entry(number).or_default().push(alert);
    }
    (outcome, found)
}

/// Where the alerts say that they saw it, in order.
fn places(alerts: Option<&Vec<Value>>) -> Vec<&str> {
    let place =
        |alert: &'_ Value| alert["alert"]["metadata"]["where"][0].as_str().unwrap().to_owned();
    let mut places: Vec<&str> = Vec::new();
    for alert in alerts.into_iter().flatten() {
        let place = place(alert);
        places.extend(CONTACTS.iter().find(|contact| **contact == place));
    }
    places.sort_unstable();
    places
}

#[test]
fn every_link_layer_shows_all_three_contacts() {
    let packets = contacts(false);
    let captures: Vec<_> =
        LINKS.iter().map(|(_, link, wrap)| capture(*link, &wrapped(&packets, *wrap))).collect();
    let (_, found) = scan(&captures);
    for (nth, (name, ..)) in LINKS.iter().enumerate() {
        assert_eq!(places(found.get(&nth)), CONTACTS, "{name}");
        assert!(found[&nth].iter().all(|alert| alert["tunnel"].is_null()), "{name}");
        assert!(found[&nth].iter().all(|alert| alert["src_ip"] == "192.168.7.10"), "{name}");
    }
}

#[test]
fn link_layers_that_name_their_payload_carry_ipv6_as_well() {
    let packets = contacts(true);
    // The others say IPv4 in their header, or cannot carry anything else.
    let four_only = [
        "NULL",
        "LOOP",
        "raw IPv4",
        "ENC",
        "PFLOG",
        "NSH",
        "ARCNET",
        "Frame Relay",
        "Multilink Frame Relay",
        "Juniper Frame Relay",
        "NFLOG",
    ];
    let links: Vec<_> = LINKS
        .iter()
        .filter(|(name, ..)| !four_only.iter().any(|four| name.split(',').next() == Some(four)))
        .filter(|(name, ..)| !name.starts_with("ARCNET") && *name != "NSH")
        .collect();
    assert!(links.len() > 40);
    let captures: Vec<_> =
        links.iter().map(|(_, link, wrap)| capture(*link, &wrapped(&packets, *wrap))).collect();
    let (_, found) = scan(&captures);
    for (nth, (name, ..)) in links.iter().enumerate() {
        assert_eq!(places(found.get(&nth)), CONTACTS, "{name}");
    }
}

#[test]
fn every_tunnel_shows_all_three_contacts_and_says_that_it_is_one() {
    for six in [false, true] {
        let packets = contacts(six);
        let captures: Vec<_> =
            TUNNELS.iter().map(|(.., wrap)| capture(RAW, &wrapped(&packets, *wrap))).collect();
        let (_, found) = scan(&captures);
        for (nth, (name, source, depth, _)) in TUNNELS.iter().enumerate() {
            assert_eq!(places(found.get(&nth)), CONTACTS, "{name}, six {six}");
            for alert in &found[&nth] {
                assert_eq!(alert["tunnel"]["depth"], *depth, "{name}: {alert}");
                let inner = if six { "fd00:7::10" } else { "192.168.7.10" };
                assert_eq!(alert["src_ip"], inner, "{name}");
                if *depth == 1 {
                    assert_eq!(alert["pkt_src"], *source, "{name}");
                    let outer = alert["tunnel"]["src_ip"].as_str().unwrap();
                    assert!(["203.0.113.1", "2001:db8:f::1"].contains(&outer), "{name}: {outer}");
                }
            }
        }
    }
}

#[test]
fn every_tunnel_inside_every_other_is_followed() {
    let packets = contacts(false);
    let pairs: Vec<_> =
        TUNNELS.iter().flat_map(|inner| TUNNELS.iter().map(move |outer| (inner, outer))).collect();
    let wrap_both = |inner: Wrap, outer: Wrap| wrapped(&wrapped(&packets, inner), outer);
    let captures: Vec<_> =
        pairs.iter().map(|(inner, outer)| capture(RAW, &wrap_both(inner.3, outer.3))).collect();
    let (_, found) = scan(&captures);
    for (nth, (inner, outer)) in pairs.iter().enumerate() {
        assert_eq!(places(found.get(&nth)), CONTACTS, "{} in {}", inner.0, outer.0);
        let depth = &found[&nth][0]["tunnel"]["depth"];
        assert_eq!(*depth, inner.2 + outer.2, "{} in {}", inner.0, outer.0);
    }
}

#[test]
fn four_tunnels_are_opened_and_a_fifth_stays_shut_and_is_counted() {
    let wrap = TUNNELS.iter().find(|tunnel| tunnel.0 == "GRE").unwrap().3;
    let mut packets = contacts(false);
    for depth in 1..=4 {
        packets = wrapped(&packets, wrap);
        let (outcome, found) = scan(&[capture(RAW, &packets)]);
        assert_eq!(places(found.get(&0)), CONTACTS, "depth {depth}");
        assert_eq!(found[&0][0]["tunnel"]["depth"], depth);
        assert_eq!(outcome.counter("decode.skip.too_deep"), 0, "depth {depth}");
    }
    packets = wrapped(&packets, wrap);
    let (outcome, found) = scan(&[capture(RAW, &packets)]);
    assert!(found.is_empty());
    assert_eq!(outcome.counter("decode.skip.too_deep"), packets.len() as u64);
    assert_eq!(outcome.counter("decode.unread.gre"), packets.len() as u64);
}

#[test]
fn udp_lite_is_read_as_udp_is() {
    let query = say::dns_query(7, "www.evil.example", say::A);
    let ends = ["192.168.7.10:50000", "198.51.100.2:53"].map(|end| end.parse().unwrap());
    let datagram = packets::udp(ends[0], ends[1], &query);
    let addresses = ends.map(|end: std::net::SocketAddr| end.ip());
    let lite = packets::ip(addresses[0], addresses[1], 136, &datagram[20..]);
    let (_, found) = scan(&[capture(RAW, &[lite])]);
    assert_eq!(places(found.get(&0)), ["dns.query"]);
}

#[test]
fn an_authentication_header_hides_nothing_and_is_no_tunnel() {
    let packets = wrapped(&contacts(false), authentication_header);
    let (_, found) = scan(&[capture(RAW, &packets)]);
    assert_eq!(places(found.get(&0)), CONTACTS);
    assert!(found[&0].iter().all(|alert| alert["tunnel"].is_null()));
}

#[test]
fn what_is_not_decoded_is_counted_by_name_and_disturbs_nothing() {
    let packets = contacts(false);
    let exotic = [(195, "IEEE802_15_4_WITHFCS"), (189, "USB_LINUX"), (227, "CAN_SOCKETCAN")];
    let mut captures: Vec<_> = exotic.iter().map(|(link, _)| capture(*link, &packets)).collect();
    captures.push(capture(RAW, &packets));
    let (outcome, found) = scan(&captures);
    assert_eq!(places(found.get(&3)), CONTACTS);
    assert_eq!(found.len(), 1);
    for (link, name) in exotic {
        let said =
            format!("frames of link type {name} ({link}) are not decoded: {}", packets.len());
        assert!(outcome.stderr.contains(&said), "{}", outcome.stderr);
        assert_eq!(outcome.counter(&format!("decode.skip.link_type.{name}")), packets.len() as u64);
    }
}
