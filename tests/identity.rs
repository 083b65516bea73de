//! Who a host is, and what cannot be seen: names from DHCP, ARP and mDNS in alerts, encrypted DNS
//! counted, fingerprints, certificates and last days of indicators, through the real binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use serde_json::Value;
use support::conversations::{self as say, Hello};
use support::packets::{self, TcpConversation};
use support::run::{Outcome, Run, put, temporary_directory};
use support::wire::{self, Frame, Link, MILLISECOND, NINE_O_CLOCK, Tag};
use support::{Noise, capture_file};

const PC: Ipv4Addr = Ipv4Addr::new(192, 168, 7, 10);
const PC_MAC: wire::Mac = [2, 0, 0, 0, 0, 0x10];
const ROUTER_MAC: wire::Mac = [2, 0, 0, 0, 0, 1];

fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Frames one after the other, a millisecond apart.
fn in_order(frames: Vec<Vec<u8>>) -> Vec<Frame> {
    let times = (0..).map(|nth| NINE_O_CLOCK + nth * MILLISECOND);
    frames.into_iter().zip(times).map(|(bytes, time)| Frame { time, bytes }).collect()
}

fn ip_frame(from: wire::Mac, to: wire::Mac, packet: &[u8]) -> Vec<u8> {
    let none: &[Tag] = &[];
    wire::ethernet(from, to, none, wire::ethertype_of(packet), packet)
}

/// Scans captures with this feed of ours and nothing else; EVE on standard output.
fn scan(feed: &str, captures: &[&[Frame]], more: &[&str]) -> Outcome {
    let directory = temporary_directory();
    let path: &Path = directory.path();
    let feed = put(path, "feed.csv", feed.as_bytes());
    let mut run = Run::new(["scan", "--no-builtin-feeds", "--eve", "-", "--feeds"]).arg(feed);
    for argument in more {
        run = run.arg(argument);
    }
    run = run.arg("--");
    for (nth, frames) in captures.iter().enumerate() {
        run = run.arg(put(path, &format!("{nth}.pcap"), &capture_file::pcap(frames)));
    }
    run.go().expect_code(0)
}

fn metadata<'a>(alert: &'a Value, field: &str) -> &'a str {
    alert["alert"]["metadata"][field][0].as_str().unwrap_or("")
}

const FEED: &str = "indicator,type,threat\nevil.example,domain,redline\n";

fn question(from: Ipv4Addr, from_mac: wire::Mac) -> Vec<u8> {
    let query = say::dns_query(1, "www.evil.example", say::A);
    let packet = packets::udp((from, 50000).into(), socket("192.168.7.1:53"), &query);
    ip_frame(from_mac, ROUTER_MAC, &packet)
}

fn dhcp_request() -> Vec<u8> {
    let request = say::dhcp(say::DHCP_REQUEST, PC_MAC, PC, "PC-WARD-07");
    let packet = packets::udp(socket("0.0.0.0:68"), socket("255.255.255.255:67"), &request);
    ip_frame(PC_MAC, [0xff; 6], &packet)
}

#[test]
fn an_alert_names_the_host_as_dhcp_did() {
    let frames = in_order(vec![dhcp_request(), question(PC, PC_MAC)]);
    let alerts = scan(FEED, &[&frames], &[]).eve();
    assert_eq!(alerts.len(), 1);
    assert_eq!(metadata(&alerts[0], "host_name"), "PC-WARD-07");
    assert_eq!(metadata(&alerts[0], "host_mac"), "02:00:00:00:00:10");
}

#[test]
fn the_hardware_address_is_the_hosts_own_even_if_a_router_forwards_its_packets() {
    let none: &[Tag] = &[];
    let arp = say::arp(1, (PC_MAC, PC), ([0; 6], Ipv4Addr::new(192, 168, 7, 1)));
    let arp = wire::ethernet(PC_MAC, [0xff; 6], none, 0x0806, &arp);
    let alerts = scan(FEED, &[&in_order(vec![arp, question(PC, ROUTER_MAC)])], &[]).eve();
    assert_eq!(metadata(&alerts[0], "host_mac"), "02:00:00:00:00:10");
    let alerts = scan(FEED, &[&in_order(vec![question(PC, ROUTER_MAC)])], &[]).eve();
    assert_eq!(metadata(&alerts[0], "host_mac"), "02:00:00:00:00:01", "all that is known");
}

#[test]
fn neighbour_discovery_tells_the_hardware_address_of_an_ipv6_host() {
    let host: std::net::IpAddr = "fd00:7::10".parse().unwrap();
    let router: std::net::IpAddr = "fd00:7::1".parse().unwrap();
    let mut advertisement = vec![136, 0, 0, 0, 0x60, 0, 0, 0];
    advertisement.extend("fd00:7::10".parse::<std::net::Ipv6Addr>().unwrap().octets());
    advertisement.extend([2, 1]);
    advertisement.extend(PC_MAC);
    let advertisement = packets::ip(host, router, 58, &advertisement);
    let query = say::dns_query(1, "evil.example", say::A);
    let query = packets::udp((host, 50000).into(), (router, 53).into(), &query);
    let frames = in_order(vec![
        ip_frame(PC_MAC, ROUTER_MAC, &advertisement),
        ip_frame(ROUTER_MAC, PC_MAC, &query),
    ]);
    let alerts = scan(FEED, &[&frames], &[]).eve();
    assert_eq!(metadata(&alerts[0], "host_mac"), "02:00:00:00:00:10");
}

#[test]
fn a_host_that_answers_for_itself_by_mdns_is_named() {
    let answer = say::Record::new("pc-van-thu.local", say::Data::A(PC));
    let answer = say::dns_answer(0, "pc-van-thu.local", say::A, &[answer]);
    let packet = packets::udp((PC, 5353).into(), socket("224.0.0.251:5353"), &answer);
    let mdns = ip_frame(PC_MAC, [1, 0, 0x5e, 0, 0, 0xfb], &packet);
    let alerts = scan(FEED, &[&in_order(vec![mdns, question(PC, PC_MAC)])], &[]).eve();
    assert_eq!(metadata(&alerts[0], "host_name"), "pc-van-thu");
}

#[test]
fn a_host_that_registers_its_netbios_name_is_named() {
    let mut registration = vec![1, 2, 0x29, 0x10, 0, 1, 0, 0, 0, 0, 0, 1, 32];
    for byte in b"PC-VANTHU-01   \0" {
        registration.extend([b'A' + (byte >> 4), b'A' + (byte & 15)]);
    }
    registration.extend([0, 0, 0x20, 0, 1, 0xc0, 12, 0, 0x20, 0, 1, 0, 4, 0x93, 0xe0, 0, 6, 0, 0]);
    registration.extend(PC.octets());
    let broadcast = socket("192.168.7.255:137");
    let packet = packets::udp((PC, 137).into(), broadcast, &registration);
    // Behind as many of other kinds as make a flow uninteresting.
    let mut frames =
        vec![ip_frame(PC_MAC, [0xff; 6], &packets::udp((PC, 137).into(), broadcast, &[1; 50])); 40];
    frames.push(ip_frame(PC_MAC, [0xff; 6], &packet));
    frames.push(question(PC, PC_MAC));
    let alerts = scan(FEED, &[&in_order(frames)], &[]).eve();
    assert_eq!(metadata(&alerts[0], "host_name"), "pc-vanthu-01");
}

#[test]
fn a_capture_never_names_the_hosts_of_another() {
    let (named, plain) = (in_order(vec![dhcp_request()]), in_order(vec![question(PC, PC_MAC)]));
    let alerts = scan(FEED, &[&named, &plain], &["-j", "2"]).eve();
    assert_eq!((alerts.len(), metadata(&alerts[0], "host_name")), (1, ""));
}

#[test]
fn a_flow_to_a_known_resolver_counts_once_as_encrypted_dns() {
    let to = |server: &str, hello: &[u8]| {
        let conversation = TcpConversation::new((PC, 50000).into(), socket(server)).client(hello);
        wire::frames(&Link::plain(), &conversation.packets(), NINE_O_CLOCK, MILLISECOND)
    };
    let dot = to("203.0.113.1:853", &Hello::new("dns.google").bytes());
    let doh = to("203.0.113.2:443", &Hello::new("mozilla.cloudflare-dns.com").bytes());
    let other = to("203.0.113.3:443", &Hello::new("www.office.example").bytes());
    let doq = packets::udp((PC, 50000).into(), socket("203.0.113.1:853"), &[0x40; 60]);
    let doq = in_order(vec![ip_frame(PC_MAC, [4; 6], &doq)]);
    let ways = ["dns_over_tls", "dns_over_https", "dns_over_quic"];
    for (frames, expected) in
        [(dot, [1, 0, 0]), (doh, [0, 1, 0]), (doq, [0, 0, 1]), (other, [0, 0, 0])]
    {
        let outcome = scan(FEED, &[&frames], &["-v"]);
        let counted = ways.map(|way| outcome.counter(&format!("extract.{way}")));
        assert_eq!(counted, expected, "each way by itself");
        assert_eq!(outcome.counter("extract.encrypted_dns"), expected.iter().sum::<u64>());
    }
}

#[test]
fn packets_and_bytes_are_counted_by_protocol_and_direction() {
    let conversation = TcpConversation::new((PC, 50000).into(), socket("203.0.113.9:443"))
        .client(b"hello")
        .server(&[b'x'; 700]);
    let tcp = wire::frames(&Link::plain(), &conversation.packets(), NINE_O_CLOCK, MILLISECOND);
    let outcome = scan(FEED, &[&tcp], &["-v"]);
    let of = |what: &str| outcome.counter(&format!("traffic.tcp.{what}"));
    assert_eq!(of("packets_out") + of("packets_in"), tcp.len() as u64);
    assert_eq!(
        of("bytes_out") + of("bytes_in"),
        tcp.iter().map(|frame| frame.bytes.len() as u64).sum::<u64>()
    );
    assert!(of("packets_out") > 0 && of("bytes_in") > 700 + of("packets_in") * 40);
    for way in ["out", "in"] {
        for what in ["packets", "bytes"] {
            let sum = outcome.counter(&format!("traffic.{what}_{way}"));
            assert_eq!(of(&format!("{what}_{way}")), sum, "all of it is TCP");
        }
    }
    // To the router: among our hosts.
    let udp = packets::udp((PC, 50000).into(), socket("192.168.1.1:5000"), &[1; 20]);
    let frames = in_order(vec![ip_frame(PC_MAC, [4; 6], &udp)]);
    let outcome = scan(FEED, &[&frames], &["-v"]);
    assert_eq!(outcome.counter("traffic.udp.packets_local"), 1);
    assert_eq!(outcome.counter("traffic.udp.bytes_local"), frames[0].bytes.len() as u64);
    assert_eq!(outcome.counter("traffic.udp.packets_out"), 0);
}

fn tls_frames(server_says: &[u8]) -> Vec<Frame> {
    let conversation = TcpConversation::new((PC, 50000).into(), socket("203.0.113.9:443"))
        .client(&Hello::new("www.office.example").bytes())
        .server(server_says);
    wire::frames(&Link::plain(), &conversation.packets(), NINE_O_CLOCK, MILLISECOND)
}

#[test]
fn ja3_and_ja4_indicators_meet_the_hello_they_were_made_of() {
    let frames = tls_frames(&[]);
    let tls = scan("", &[&frames], &["--events", "tls"]).eve();
    let (ja3, ja4) = (tls[0]["tls"]["ja3"]["hash"].as_str(), tls[0]["tls"]["ja4"].as_str());
    let feed = format!(
        "indicator,type,threat\n{},ja3,redline\n{},ja4,mustang-panda\n",
        ja3.unwrap(),
        ja4.unwrap()
    );
    let alerts = scan(&feed, &[&frames], &[]).eve();
    let places: Vec<_> = alerts.iter().map(|alert| metadata(alert, "where")).collect();
    assert_eq!(places, ["tls.ja3", "tls.ja4"]);
    let other = "indicator,type,threat\n00112233445566778899aabbccddeeff,ja3,redline\n";
    assert!(scan(other, &[&frames], &[]).eve().is_empty());
}

#[test]
fn a_certificate_meets_its_digest() {
    // The digest of the three bytes "abc" (FIPS 180-2, appendix A).
    let mut certificate = vec![11, 0, 0, 9, 0, 0, 6, 0, 0, 3];
    certificate.extend(b"abc");
    let mut noise = Noise::new(1);
    let mut hello = vec![2, 0, 0, 38, 3, 3];
    hello.extend(noise.bytes(32));
    hello.extend([0, 0xc0, 0x2f, 0]);
    hello.extend(certificate);
    let frames = tls_frames(&say::record(22, 0x0303, &hello));
    let feed =
        "indicator,type,threat\na9993e364706816aba3e25717850c26c9cd0d89d,cert-sha1,redline\n";
    let alerts = scan(feed, &[&frames], &[]).eve();
    assert_eq!(alerts.len(), 1);
    assert_eq!(metadata(&alerts[0], "where"), "tls.cert_sha1");
}

#[test]
fn user_agents_and_paths_meet_requests() {
    let request =
        b"GET /gate/x.php?id=1 HTTP/1.1\r\nHost: a.example\r\nUser-Agent: BadAgent/1\r\n\r\n";
    let conversation =
        TcpConversation::new((PC, 50000).into(), socket("203.0.113.9:80")).client(request);
    let frames = wire::frames(&Link::plain(), &conversation.packets(), NINE_O_CLOCK, MILLISECOND);
    let feed =
        "indicator,type,threat\n/gate/x.php,path,redline\nBadAgent/1,user-agent,mustang-panda\n";
    let alerts = scan(feed, &[&frames], &[]).eve();
    let mut places: Vec<_> = alerts.iter().map(|alert| metadata(alert, "where")).collect();
    places.sort_unstable();
    assert_eq!(places, ["http.url", "http.user_agent"]);
}

#[test]
fn an_indicator_is_not_used_after_its_last_day() {
    // The packets are of 18 June 2024.
    let frames = in_order(vec![question(PC, PC_MAC)]);
    for (expires, alerts) in [("2024-06-17", 0), ("2024-06-18", 1), ("2024-06", 1), ("2024-05", 0)]
    {
        let feed =
            format!("indicator,type,threat,expires\nevil.example,domain,redline,{expires}\n");
        let outcome = scan(&feed, &[&frames], &["-v"]);
        assert_eq!(outcome.eve().len(), alerts, "{expires}");
        assert_eq!(outcome.counter("matching.expired"), 1 - alerts as u64, "{expires}");
    }
}

#[test]
fn a_link_type_that_is_not_decoded_is_named() {
    let directory = temporary_directory();
    let frames = in_order(vec![vec![0; 40]; 3]);
    let bytes = capture_file::pcap_as(
        &frames,
        195,
        capture_file::Endian::Little,
        capture_file::Precision::Micros,
    );
    let path = put(directory.path(), "radio.pcap", &bytes);
    let outcome = Run::new(["scan", "--no-builtin-feeds", "-v"]).arg(path).go().expect_code(0);
    let said = "frames of link type IEEE802_15_4_WITHFCS (195) are not decoded: 3";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    assert_eq!(outcome.counter("decode.skip.link_type.IEEE802_15_4_WITHFCS"), 3);
}
