//! Captures in, alerts out: what must be found is found, and nothing else.
//!
//! Bundled captures are compared with what was planted in them; the others are made here, packet
//! by packet, with indicators of their own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::path::Path;

use serde_json::Value;
use support::capture_file::{self, Endian, Pcapng, Precision};
use support::conversations::{self as say, Data, Hello, Record};
use support::packets::{self, Order, Packet, Speaker, TcpConversation};
use support::run::{Run, capture, eve_lines, events_of};
use support::verdict::{
    at, contacts, expected_contacts, http, pc, query, scan_bytes, scan_frames, scan_packets,
    sightings, tls,
};
use support::wire::{self, Frame, Link, SECOND, Tag};

/// A connection of our PC to a server that is in no feed.
fn connection(port: u16) -> TcpConversation {
    TcpConversation::new(pc(), at(&format!("203.0.113.99:{port}")))
}

/// The indicator of most tests, and what a TLS connection below it must give.
const EVIL: [&str; 1] = ["evil.example,domain,"];
const SNI: [&str; 1] = ["evil.example tls.sni"];

fn hello() -> Vec<u8> {
    say::client_hello("c2.evil.example")
}

// The bundled captures.

#[test]
fn the_ward_office_gives_the_planted_contacts_and_nothing_else() {
    let path = capture("ward-office.pcap");
    let outcome = Run::new(["scan", "--eve", "-"]).arg(path).go().expect_code(0);
    assert_eq!(contacts(&outcome.eve()), expected_contacts(&capture("ward-office.expected.csv")));
}

#[test]
fn the_benign_morning_gives_no_line() {
    let outcome = Run::new(["scan"]).arg(capture("benign.pcap")).go().expect_code(0);
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.contains("No contact with known infrastructure was found."));
}

#[test]
fn replaying_twice_gives_the_same_bytes() {
    let run = || {
        let run = Run::new(["scan", "--eve", "-", "--events", "all"]);
        run.arg(capture("")).go().expect_code(0).stdout
    };
    let (first, second) = (run(), run());
    assert!(first.len() > 100_000);
    assert!(first == second, "two replays of the same captures differ");
}

/// The names an EVE record shows, as `where name`.
fn names_of(event: &Value) -> Vec<String> {
    let mut names = Vec::new();
    let mut push = |place: &str, name: &Value| {
        if let Some(name) = name.as_str() {
            names.push(format!("{place} {name}"));
        }
    };
    match event["event_type"].as_str().unwrap() {
        "dns" => {
            let rows =
                |section: &str| event["dns"][section].as_array().cloned().unwrap_or_default();
            for row in rows("queries") {
                push("dns.query", &row["rrname"]);
            }
            for row in rows("answers") {
                push("dns.answer", &row["rrname"]);
                push("dns.answer", &row["rdata"]);
            }
        }
        "tls" => push("tls.sni", &event["tls"]["sni"]),
        "quic" => push("quic.sni", &event["quic"]["sni"]),
        "http" => push("http.host", &event["http"]["hostname"]),
        _ => {}
    }
    names
}

#[test]
fn every_name_real_clients_asked_for_is_seen() {
    let mut captures = 0;
    for entry in std::fs::read_dir(capture("recorded")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "pcap") {
            continue;
        }
        captures += 1;
        let run = Run::new(["scan", "--eve", "-", "--events", "all"]).arg(&path);
        let seen: Vec<String> = run.go().expect_code(0).eve().iter().flat_map(names_of).collect();
        let expected = std::fs::read_to_string(path.with_extension("expected.jsonl")).unwrap();
        for line in eve_lines(&expected) {
            let place = line["where"].as_str().unwrap();
            let wanted = format!("{place} {}", line["name"].as_str().unwrap());
            assert!(seen.contains(&wanted), "{}: `{wanted}` is not in {seen:?}", path.display());
        }
    }
    assert!(captures >= 9, "only {captures} recorded captures");
}

#[test]
fn names_of_real_clients_match_a_test_feed() {
    let feed = "indicator,type\nc2.evil.example,domain\ndrop.panda.test,domain\n";
    let directory = support::run::temporary_directory();
    let feed = support::run::put(directory.path(), "lab.csv", feed.as_bytes());
    let outcome = Run::new(["scan", "--eve", "-", "--feeds"])
        .arg(feed)
        .arg(capture("recorded"))
        .go()
        .expect_code(0);
    let seen = sightings(&outcome.eve());
    for place in ["dns.query", "dns.answer", "tls.sni", "quic.sni", "http.host"] {
        let wanted = format!("drop.panda.test {place}");
        assert!(seen.contains(&wanted), "{wanted} is not in {seen:?}");
    }
}

// Names.

#[test]
fn a_name_matches_by_label_and_in_any_spelling() {
    let cases = [
        ("evil.example", true),
        ("c2.evil.example", true),
        ("a.b.EVIL.example.", true),
        ("a.b.EvIl.ExAmPlE", true),
        ("notevil.example", false),
        ("xevil.example", false),
        ("evil.example.org", false),
        ("evil.example.evil.test", false),
        ("evil-example.test", false),
        ("example", false),
        ("evil.examples", false),
    ];
    for (name, evil) in cases {
        let expect = |place: &str| match evil {
            true => vec![format!("evil.example {place}")],
            false => vec![],
        };
        assert_eq!(scan_packets(&query(name), &EVIL), expect("dns.query"), "{name}");
        assert_eq!(scan_packets(&tls(name), &EVIL), expect("tls.sni"), "{name}");
        assert_eq!(scan_packets(&http(name, "/"), &EVIL), expect("http.host"), "{name}");
    }
}

#[test]
fn a_host_with_a_port_is_the_same_host() {
    let seen = scan_packets(&http("c2.evil.example:8080", "/"), &EVIL);
    assert_eq!(seen, ["evil.example http.host"]);
}

#[test]
fn an_exact_name_does_not_cover_what_is_below() {
    let rows = ["evil.example,domain,exact"];
    assert_eq!(scan_packets(&query("EVIL.example"), &rows), ["evil.example dns.query"]);
    assert!(scan_packets(&query("c2.evil.example"), &rows).is_empty());
}

#[test]
fn an_international_name_is_compared_as_it_travels() {
    let rows = ["bücher.example,domain,"];
    let found = scan_packets(&query("c2.xn--bcher-kva.example"), &rows);
    assert_eq!(found, ["xn--bcher-kva.example dns.query"]);
    assert!(scan_packets(&query("xn--bcher-kvb.example"), &rows).is_empty());
}

#[test]
fn every_place_of_an_answer_is_looked_at() {
    let answer = |records: &[Record]| {
        let message = say::dns_answer(7, "www.office.example", say::A, records);
        let answer = packets::udp(at("192.168.1.1:53"), pc(), &message);
        scan_packets(&[wire::from_server(answer)], &["evil.example,domain,", "203.0.113.7,ip,"])
    };
    let www = "www.office.example";
    let evil = "c2.evil.example";
    let alias = Record::new(www, Data::Cname(evil.into()));
    assert_eq!(answer(&[alias]), ["evil.example dns.answer"]);
    let owner = Record::new(evil, Data::A([198, 51, 100, 1].into()));
    assert_eq!(answer(&[owner]), ["evil.example dns.answer"]);
    let target = Record::new(www, Data::Https(evil.into()));
    assert_eq!(answer(&[target]), ["evil.example dns.answer"]);
    let address = Record::new(www, Data::A([203, 0, 113, 7].into()));
    assert_eq!(answer(&[address]), ["203.0.113.7 dns.answer"]);
    let unknown = Record::new(www, Data::Other(65_280, vec![7; 40]));
    let behind = Record::new(www, Data::Cname(evil.into()));
    assert_eq!(answer(&[unknown, behind]), ["evil.example dns.answer"]);
}

#[test]
fn dns_is_read_over_tcp_and_on_any_port() {
    let message = say::dns_query(9, "c2.evil.example", say::A);
    let framed = say::dns_over_tcp(&message);
    for port in [53, 5353, 40_053] {
        let datagram = packets::udp(pc(), at(&format!("192.168.1.1:{port}")), &message);
        let seen = scan_packets(&[wire::from_client(datagram)], &EVIL);
        assert_eq!(seen, ["evil.example dns.query"], "udp {port}");
        let stream = connection(port).client(&framed).packets();
        assert_eq!(scan_packets(&stream, &EVIL), ["evil.example dns.query"], "tcp {port}");
        let cut = connection(port).client(&framed).segment(3).packets();
        assert_eq!(scan_packets(&cut, &EVIL), ["evil.example dns.query"], "tcp {port} in threes");
    }
}

// Streams.

#[test]
fn a_hello_is_read_wherever_it_is_cut() {
    let hello = hello();
    // Every offset in one go: a connection each, on a port of its own.
    let mut packets = Vec::new();
    for cut in 1..hello.len() {
        let client = at(&format!("192.168.1.10:{}", 20_000 + cut));
        let server = at(&format!("203.0.113.99:{}", 20_000 + cut));
        let split = TcpConversation::new(client, server).client(&hello).cut_at(&[cut]);
        packets.extend(split.packets());
    }
    let outcome =
        scan_bytes("cuts.pcap", &capture_file::pcap(&wire::plain_frames(&packets)), &EVIL);
    assert_eq!(events_of(&outcome.eve(), "tls").len(), hello.len() - 1);
    assert_eq!(outcome.eve().len(), hello.len() - 1 + 2, "one alert, and its count at the end");
}

#[test]
fn a_hello_over_many_segments_and_records_is_read() {
    for order in [Order::AsSent, Order::Reversed, Order::Duplicated, Order::Overlapping] {
        for size in [1, 7, 100, 1448] {
            let hello = Hello::new("c2.evil.example").post_quantum().record_size(500).bytes();
            let packets = connection(443).client(&hello).segment(size).order(order).packets();
            // One byte a segment, backwards: more segments than are held for one direction.
            if (order, size) != (Order::Reversed, 1) {
                assert_eq!(scan_packets(&packets, &EVIL), SNI, "{order:?} by {size}");
            }
        }
    }
}

#[test]
fn wrong_checksums_and_wrapping_sequences_hide_nothing() {
    let packets = connection(443).client(&hello()).segment(50).wrong_checksums().packets();
    assert_eq!(scan_packets(&packets, &EVIL), SNI);
    let wrapping = connection(443).client(&hello()).segment(50).initial_sequence(u32::MAX - 100, 5);
    assert_eq!(scan_packets(&wrapping.packets(), &EVIL), SNI);
}

#[test]
fn a_capture_that_began_late_or_shows_one_side_is_enough() {
    let conversation = connection(443).client(&hello()).server(b"answer");
    assert_eq!(scan_packets(&conversation.clone().mid_stream().packets(), &EVIL), SNI);
    let one_side = conversation.clone().only(Speaker::Client);
    assert_eq!(scan_packets(&one_side.packets(), &EVIL), SNI);
    let both = conversation.mid_stream().only(Speaker::Client);
    assert_eq!(scan_packets(&both.packets(), &EVIL), SNI);
}

#[test]
fn the_second_request_of_a_kept_connection_is_read() {
    for method in ["get", "post"] {
        let first = match method {
            "get" => say::http_get("www.office.example", "/"),
            _ => say::http_post("www.office.example", "/", &[b'x'; 5_000]),
        };
        let packets = connection(8_080)
            .client(&first)
            .server(&say::http_ok(b"a page"))
            .client(&say::http_get("c2.evil.example", "/"))
            .packets();
        assert_eq!(scan_packets(&packets, &EVIL), ["evil.example http.host"], "{method}");
    }
}

#[test]
fn a_name_within_a_body_is_no_contact() {
    let body = b"GET / HTTP/1.1\r\nHost: c2.evil.example\r\n\r\n";
    let packets = connection(80).client(&say::http_post("www.office.example", "/", body)).packets();
    assert!(scan_packets(&packets, &EVIL).is_empty());
}

// Link layers and file formats.

#[test]
fn tags_change_nothing_but_the_vlan_field() {
    for (tags, vlans) in [
        (vec![Tag::q(20)], vec![20]),
        (vec![Tag::ad(100), Tag::q(20)], vec![100, 20]),
        (vec![Tag::q(1), Tag::q(2), Tag::q(3), Tag::q(4)], vec![1, 2, 3, 4]),
    ] {
        let link = Link::plain().tagged(&tags);
        let frames =
            wire::frames(&link, &tls("c2.evil.example"), 1_718_676_000 * SECOND, 1_000_000);
        assert_eq!(scan_frames(&frames, &EVIL), SNI, "{vlans:?}");
        let eve = scan_bytes("vlan.pcap", &capture_file::pcap(&frames), &EVIL).eve();
        let event = events_of(&eve, "alert")[0];
        assert_eq!(event["vlan"], Value::from(vlans));
    }
}

/// The packets alone, as a link type without a header of its own carries them.
fn bare(packets: &[Packet]) -> Vec<Frame> {
    let frame = |(number, packet): (usize, &Packet)| Frame {
        time: wire::NINE_O_CLOCK + number as i64 * wire::MILLISECOND,
        bytes: packet.bytes.clone(),
    };
    packets.iter().enumerate().map(frame).collect()
}

/// The packets behind a Linux cooked header (LINKTYPE_LINUX_SLL).
fn cooked(packets: &[Packet]) -> Vec<Frame> {
    let mut frames = bare(packets);
    for frame in &mut frames {
        let mut bytes = vec![0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 0x10, 0, 0];
        bytes.extend(wire::ethertype_of(&frame.bytes).to_be_bytes());
        bytes.append(&mut frame.bytes);
        frame.bytes = bytes;
    }
    frames
}

#[test]
fn one_conversation_gives_the_same_alerts_in_every_format() {
    let mut packets = query("c2.evil.example");
    packets.extend(connection(443).client(&hello()).segment(100).packets());
    packets.extend(http("c2.evil.example", "/"));
    let frames = wire::plain_frames(&packets);
    let (raw, cooked) = (bare(&packets), cooked(&packets));
    let mut files = Vec::new();
    for endian in [Endian::Little, Endian::Big] {
        for precision in [Precision::Micros, Precision::Nanos] {
            let name = format!("{endian:?}-{precision:?}.pcap");
            let ethernet = capture_file::ETHERNET;
            files.push((name, capture_file::pcap_as(&frames, ethernet, endian, precision)));
        }
        for resolution in [None, Some(3), Some(9), Some(0x80 | 20)] {
            let file = Pcapng::new(endian).interface(capture_file::ETHERNET, resolution);
            let file = frames.iter().fold(file, |file, frame| file.packet(0, frame));
            files.push((format!("{endian:?}-{resolution:?}.pcapng"), file.finish()));
        }
        // Every third packet came in over another interface, of another link type.
        let mut file = Pcapng::new(endian)
            .interface(capture_file::ETHERNET, Some(9))
            .interface(capture_file::RAW_IP, None)
            .unknown_block(b"five!")
            .interface(capture_file::LINUX_SLL, Some(6));
        for number in 0..packets.len() {
            let frame = [&frames, &raw, &cooked][number % 3];
            file = file.packet(number % 3, &frame[number]);
        }
        files.push((format!("{endian:?}-interfaces.pcapng"), file.finish()));
    }
    let little = (Endian::Little, Precision::Micros);
    for (name, link, frames) in
        [("raw", capture_file::RAW_IP, &raw), ("sll", capture_file::LINUX_SLL, &cooked)]
    {
        let file = capture_file::pcap_as(frames, link, little.0, little.1);
        files.push((format!("{name}.pcap"), file));
    }
    files.push(("packed.pcap.gz".into(), capture_file::gzip(&capture_file::pcap(&frames))));
    files.push(("packed.pcapng.gz".into(), capture_file::gzip(&capture_file::pcapng(&frames))));
    assert!(files.len() >= 18);
    let expected = ["evil.example dns.query", "evil.example http.host", "evil.example tls.sni"];
    for (name, file) in files {
        let eve = scan_bytes(&name, &file, &EVIL).eve();
        assert_eq!(sightings(&eve), expected, "{name}");
        let time = events_of(&eve, "alert")[0]["timestamp"].as_str().unwrap().to_owned();
        assert!(time.starts_with("2024-06-18T09:00:00."), "{name}: {time}");
    }
}

#[test]
fn ipv6_is_read_like_ipv4() {
    let (client, server) = (at("[2001:db8:168:1::a]:50000"), at("[2001:db8:100::99]:443"));
    let packets = TcpConversation::new(client, server).client(&hello()).segment(90).packets();
    let rows =
        ["evil.example,domain,", "2001:db8:100::/48,cidr,", "[2001:db8:100::99]:443,ip:port,"];
    let seen = scan_packets(&packets, &rows);
    assert!(seen.contains(&"evil.example tls.sni".to_owned()), "{seen:?}");
    assert!(seen.iter().any(|line| line.ends_with(" ip")), "{seen:?}");
}

// Addresses and urls.

/// A datagram of our PC to an endpoint.
fn datagram(to: &str) -> Vec<Packet> {
    vec![wire::from_client(packets::udp(pc(), at(to), b"\x01\x02\x03\x04"))]
}

#[test]
fn addresses_match_exactly_as_far_as_the_indicator_says() {
    let rows = ["203.0.113.7,ip,", "203.0.113.8:8080,ip:port,", "198.51.100.64/28,cidr,"];
    for (to, hit) in [
        ("203.0.113.7:1", "203.0.113.7 ip"),
        ("203.0.113.7:65000", "203.0.113.7 ip"),
        ("203.0.113.8:8080", "203.0.113.8:8080 ip"),
        ("198.51.100.64:9", "198.51.100.64/28 ip"),
        ("198.51.100.79:9", "198.51.100.64/28 ip"),
    ] {
        assert_eq!(scan_packets(&datagram(to), &rows), [hit], "{to}");
    }
    for to in ["203.0.113.6:1", "203.0.113.8:8081", "198.51.100.63:9", "198.51.100.80:9"] {
        assert!(scan_packets(&datagram(to), &rows).is_empty(), "{to}");
    }
}

#[test]
fn an_address_is_met_in_either_direction_with_or_without_a_start() {
    let rows = ["203.0.113.99:4444,ip:port,"];
    let expected = ["203.0.113.99:4444 ip"];
    let conversation = connection(4_444).client(b"\x00binary").server(b"\x00more");
    for packets in [
        conversation.clone().packets(),
        conversation.clone().mid_stream().packets(),
        conversation.clone().only(Speaker::Server).packets(),
        conversation.clone().mid_stream().only(Speaker::Server).packets(),
        conversation.packets()[..1].to_vec(), // a SYN that nobody answers
    ] {
        assert_eq!(scan_packets(&packets, &rows), expected);
    }
}

#[test]
fn a_ping_to_a_listed_address_is_a_contact() {
    for (us, them) in [("192.168.1.10", "203.0.113.7"), ("2001:db8:1::a", "2001:db8:2::7")] {
        let (us, them) = (us.parse().unwrap(), them.parse().unwrap());
        let ping = wire::from_client(packets::icmp_echo(us, them, false, 1));
        let pong = wire::from_server(packets::icmp_echo(them, us, true, 1));
        let rows = [format!("{them},ip,")];
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        assert_eq!(scan_packets(&[ping, pong], &rows), [format!("{them} ip")]);
    }
}

#[test]
fn a_url_matches_host_and_path_prefix_and_never_its_host_alone() {
    let rows = ["drop.test/js/load,url,"];
    for target in ["/js/load", "/js/load?id=7", "/js/load/next"] {
        assert_eq!(scan_packets(&http("drop.test", target), &rows), ["drop.test/js/load http.url"]);
    }
    for (host, target) in [
        ("drop.test", "/"),
        ("drop.test", "/js"),
        ("drop.test", "/a/js/load"),
        ("www.drop.test", "/js/load"),
        ("other.test", "/js/load"),
        ("other.test", "/?u=drop.test/js/load"),
    ] {
        assert!(scan_packets(&http(host, target), &rows).is_empty(), "{host}{target}");
    }
    assert!(scan_packets(&query("drop.test"), &rows).is_empty());
    assert!(scan_packets(&tls("drop.test"), &rows).is_empty());
}

#[test]
fn a_url_in_absolute_form_is_the_same_url() {
    let request = b"GET http://drop.test/js/load HTTP/1.1\r\nHost: proxy.office.example\r\n\r\n";
    let packets = connection(3_128).client(request).packets();
    let seen = scan_packets(&packets, &["drop.test/js/load,url,"]);
    assert_eq!(seen, ["drop.test/js/load http.url"]);
}

// Folding.

#[test]
fn a_beacon_is_one_alert_at_once_and_a_count_later() {
    let mut frames = Vec::new();
    for beacon in 0..30_i64 {
        let client = at(&format!("192.168.1.10:{}", 40_000 + beacon));
        let packets = TcpConversation::new(client, at("203.0.113.99:443"))
            .client(&hello())
            .server(b"answer")
            .fin()
            .packets();
        let time = wire::NINE_O_CLOCK + beacon * 10 * SECOND;
        frames.extend(wire::frames(&Link::plain(), &packets, time, wire::MILLISECOND));
    }
    let outcome = scan_bytes("beacon.pcap", &capture_file::pcap(&frames), &EVIL);
    let eve = outcome.eve();
    let alerts = events_of(&eve, "alert");
    let counts: Vec<_> =
        alerts.iter().map(|event| &event["alert"]["context"]["count"]).cloned().collect();
    assert_eq!(counts, [Value::from(1), Value::from(30)]);
    // The first stands before the events of the second contact: it came at once.
    let first_tls = eve.iter().filter(|event| event["event_type"] == "tls").nth(1).unwrap();
    let place = |wanted: &Value| eve.iter().position(|event| event == wanted).unwrap();
    assert!(place(alerts[0]) < place(first_tls));
    assert_eq!(alerts[1]["alert"]["context"]["first_contact"], alerts[0]["timestamp"]);
    assert!(outcome.stderr.contains(" 30 "), "{}", outcome.stderr);
}

#[test]
fn two_hosts_or_two_places_are_two_contacts() {
    let other = at("192.168.1.11:50000");
    let server = at("203.0.113.99:443");
    let mut packets = tls("c2.evil.example");
    packets.extend(TcpConversation::new(other, server).client(&hello()).packets());
    packets.extend(query("c2.evil.example"));
    let seen = scan_packets(&packets, &EVIL);
    assert_eq!(seen, ["evil.example dns.query", "evil.example tls.sni", "evil.example tls.sni"]);
}

// EVE records.

/// Panics unless the record has what every record has, in its type.
fn valid(event: &Value) {
    let text = |key: &str| event[key].as_str().unwrap_or_else(|| panic!("{key} in {event}"));
    let time = text("timestamp");
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000000+0000", "{event}");
    let kinds = ["alert", "dns", "tls", "quic", "dtls", "http", "dhcp"];
    assert!(kinds.contains(&text("event_type")), "{event}");
    assert!(event["flow_id"].is_u64(), "{event}");
    for key in ["src_ip", "dest_ip"] {
        assert!(text(key).parse::<std::net::IpAddr>().is_ok(), "{key} in {event}");
    }
    for key in ["src_port", "dest_port"] {
        let with_ports = matches!(text("proto"), "TCP" | "UDP" | "SCTP");
        assert_eq!(event[key].is_u64(), with_ports, "{key} in {event}");
    }
    assert!(text("community_id").starts_with("1:"), "{event}");
    assert!(Path::new(text("pcap_filename")).exists(), "{event}");
    assert!(event["pcap_cnt"].as_u64().is_none_or(|count| count > 0), "{event}");
    let body = &event[text("event_type")];
    assert!(body.is_object(), "{event}");
    match text("event_type") {
        "alert" => valid_alert(event, body),
        "dns" => {
            assert_eq!(body["version"], 3, "{event}");
            assert!(["request", "response"].contains(&body["type"].as_str().unwrap()), "{event}");
        }
        _ => {}
    }
}

fn valid_alert(event: &Value, alert: &Value) {
    for key in ["signature_id", "gid", "rev", "severity"] {
        assert!(alert[key].is_u64(), "{key} in {event}");
    }
    assert!((1..=3).contains(&alert["severity"].as_u64().unwrap()), "{event}");
    let metadata = alert["metadata"].as_object().unwrap();
    for (key, value) in metadata {
        let texts = value.as_array().unwrap_or_else(|| panic!("{key} in {event}"));
        assert!(!texts.is_empty() && texts.iter().all(Value::is_string), "{key} in {event}");
    }
    for key in ["threat", "indicator", "indicator_type", "where", "confidence", "feed", "role"] {
        assert!(metadata.contains_key(key), "{key} in {event}");
    }
    let severity = match metadata["signature_severity"][0].as_str().unwrap() {
        "critical" => 1,
        "high" => 2,
        "medium" | "low" => 3,
        other => panic!("{other} in {event}"),
    };
    assert_eq!(alert["severity"], severity, "{event}");
    assert!(alert["context"]["count"].as_u64().is_some_and(|count| count > 0), "{event}");
}

#[test]
fn every_eve_line_has_the_fields_and_types_of_the_schema() {
    let run = Run::new(["scan", "--eve", "-", "--events", "all"]).arg(capture(""));
    let events = run.go().expect_code(0).eve();
    events.iter().for_each(valid);
    for kind in ["alert", "dns", "tls", "quic", "http", "dhcp"] {
        assert!(!events_of(&events, kind).is_empty(), "no {kind} event");
    }
    // Names in events are spelled as they are compared.
    for name in events.iter().flat_map(names_of).filter(|name| name.starts_with("dns.query")) {
        assert_eq!(name, name.to_lowercase());
        assert!(!name.ends_with('.') && name.is_ascii(), "{name}");
    }
}

#[test]
fn a_record_of_an_alert_and_of_its_message_share_the_flow() {
    let outcome = scan_bytes(
        "flow.pcap",
        &capture_file::pcap(&wire::plain_frames(&tls("c2.evil.example"))),
        &EVIL,
    );
    let eve = outcome.eve();
    let (alert, tls) = (events_of(&eve, "alert")[0], events_of(&eve, "tls")[0]);
    assert_eq!(alert["flow_id"], tls["flow_id"]);
    assert_eq!(alert["community_id"], tls["community_id"]);
    assert_eq!(alert["app_proto"], "tls");
    assert_eq!(alert["direction"], "to_server");
}

#[test]
fn a_record_says_that_a_name_is_hidden_only_where_the_visible_one_is_not_the_true_one() {
    let hellos = [
        (Hello::new("www.office.example").ech(), (true, false)),
        (Hello::new("cloudflare-ech.com").ech(), (true, true)),
        (Hello::nameless().ech(), (true, true)),
        (Hello::new("cloudflare-ech.com"), (false, false)),
    ];
    let packets: Vec<Packet> = (0_u16..)
        .zip(&hellos)
        .flat_map(|(number, (hello, _))| {
            let from = at(&format!("192.168.1.10:{}", 50_000 + number));
            TcpConversation::new(from, at("203.0.113.99:443")).client(&hello.bytes()).packets()
        })
        .collect();
    let capture = capture_file::pcap(&wire::plain_frames(&packets));
    let eve = scan_bytes("ech.pcap", &capture, &EVIL).eve();
    let said = events_of(&eve, "tls").into_iter().map(|event| {
        let is = |name: &str| event["tls"].get(name).is_some_and(|value| value == true);
        (is("ech"), is("ech_hidden"))
    });
    assert!(said.eq(hellos.iter().map(|(_, wanted)| *wanted)), "{eve:?}");
}

#[test]
fn a_packet_repeated_in_one_instant_is_read_each_time_so_that_replays_agree() {
    let mut frames = wire::plain_frames(&query("c2.evil.example"));
    frames.extend(wire::plain_frames(&query("c2.evil.example")));
    frames.extend(wire::plain_frames(&query("c2.evil.example")));
    for frame in &mut frames {
        frame.time = wire::NINE_O_CLOCK;
    }
    let outcome = scan_bytes("test.pcap", &capture_file::pcap(&frames), &EVIL);
    let questions = outcome.eve().iter().filter(|event| event["event_type"] == "dns").count();
    assert_eq!(questions, 3);
}
