//! The bundled captures are what the generator writes, byte for byte.
//!
//! `WARDWATCH_REWRITE_CAPTURES=1 cargo test --test traffic make_captures::` writes them anew. What each
//! holds and why: `tests/captures/README.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::net::{IpAddr, SocketAddr};
use support::capture_file;
use support::conversations::{self as say, Data, Hello, Record};
use support::office::{Expected, Office};
use support::packets::{self, TcpConversation};
use support::run;
use support::wire::{self, Tag};

const PANDA: &str = "mustang-panda";
const REDLINE: &str = "redline";

/// Where planted names lead: documentation addresses, so that only the name is an indicator.
const NOWHERE: [u8; 4] = [203, 0, 113, 99];

fn at(ip: [u8; 4], port: u16) -> SocketAddr {
    SocketAddr::new(ip.into(), port)
}

fn address(ip: &str) -> IpAddr {
    ip.parse().unwrap()
}

/// A name is asked for, answered, and opened over TLS.
fn plant_name(office: &mut Office, pc: usize, seconds: i64, name: &str) {
    office.resolve(pc, seconds, name, NOWHERE);
    office.tls(pc, seconds + 1, at(NOWHERE, 443), &say::client_hello(name), 3_000);
}

/// Contacts seen by name in DNS. A name that does not exist is seen in the question only.
fn plant_dns(office: &mut Office) {
    office.dns(0, 70, "7gzi.com", say::A, &[]);
    office.expect(Office::pc(0), PANDA, "7gzi.com", &["dns.query"]);
    office.dns(9, 95, "API.DogBij.Top", say::A, &[]);
    office.expect(Office::pc(9), REDLINE, "dogbij.top", &["dns.query"]);

    let alias = "static.icloud-cdn.net";
    let records = [
        Record::new("cdn.phanmem.example", Data::Cname(alias.into())),
        Record::new(alias, Data::A(NOWHERE.into())),
    ];
    office.dns(3, 110, "cdn.phanmem.example", say::A, &records);
    office.expect(Office::pc(3), PANDA, "icloud-cdn.net", &["dns.answer"]);
    office.resolve(5, 120, "tin.thoitiet.example", [45, 121, 146, 113]);
    office.expect(Office::pc(5), PANDA, "45.121.146.113", &["dns.answer"]);

    let name = "papermoonweddings.com";
    let answer = [Record::new(name, Data::A(NOWHERE.into()))];
    let client = office.socket(Office::pc(2));
    let conversation = TcpConversation::new(client, at([192, 168, 1, 1], 53))
        .client(&say::dns_over_tcp(&say::dns_query(7, name, say::A)))
        .server(&say::dns_over_tcp(&say::dns_answer(7, name, say::A, &answer)))
        .fin();
    office.put(&Office::link(2), 130, &conversation.packets());
    office.expect(Office::pc(2), PANDA, name, &["dns.query", "dns.answer"]);
}

/// Contacts seen by name in TLS: whole, split, tagged, over IPv6, joined late.
fn plant_tls(office: &mut Office) {
    plant_name(office, 1, 140, "www.subusiness.org");
    let all = ["dns.query", "dns.answer", "tls.sni"];
    office.expect(Office::pc(1), PANDA, "subusiness.org", &all);
    plant_name(office, 10, 150, "senaildebe.xyz");
    office.expect(Office::pc(10), REDLINE, "senaildebe.xyz", &all);

    let hello = Hello::new("stuypa.org").post_quantum().bytes();
    let split = office.tls_conversation(Office::pc(4), at(NOWHERE, 443), &hello, 2_000);
    office.put(&Office::link(4), 160, &split.packets());
    office.expect(Office::pc(4), PANDA, "stuypa.org", &["tls.sni"]);
    let hello = say::client_hello("mamiraoniv.xyz");
    let cut = office.tls_conversation(Office::pc(11), at(NOWHERE, 443), &hello, 2_000);
    office.put(&Office::link(11), 165, &cut.cut_at(&[3, hello.len() - 9]).packets());
    office.expect(Office::pc(11), REDLINE, "mamiraoniv.xyz", &["tls.sni"]);

    let hello = say::client_hello("embwishes.com");
    let tagged = office.tls_conversation(Office::pc(6), at(NOWHERE, 443), &hello, 2_000);
    let link = Office::link(6).tagged(&[Tag::ad(100), Tag::q(20)]);
    office.put(&link, 170, &tagged.packets());
    office.expect(Office::pc(6), PANDA, "embwishes.com", &["tls.sni"]);

    let server = SocketAddr::new(address("2001:db8:100::99"), 443);
    let hello = say::client_hello("shalomrav.org");
    let six = office.tls_conversation(Office::pc6(7), server, &hello, 2_000);
    office.put(&Office::link(7), 180, &six.packets());
    office.expect(Office::pc6(7), PANDA, "shalomrav.org", &["tls.sni"]);

    let hello = say::client_hello("news.speedifynews.com");
    let late = office.tls_conversation(Office::pc(8), at(NOWHERE, 443), &hello, 2_000);
    office.put(&Office::link(8), 190, &late.mid_stream().packets());
    office.expect(Office::pc(8), PANDA, "speedifynews.com", &["tls.sni"]);
}

/// Contacts seen in clear HTTP.
fn plant_http(office: &mut Office) {
    let requests =
        [say::http_get("tin.baomoi.example", "/"), say::http_get("mongolianews.info", "/")];
    office.http(4, 200, at(NOWHERE, 80), &requests);
    office.expect(Office::pc(4), PANDA, "mongolianews.info", &["http.host"]);
    let target = "/js/Fa/2025-G4/jolly/storage?id=5";
    office.http(0, 210, at(NOWHERE, 80), &[say::http_get("hybridta.com", target)]);
    let url = "hybridta.com/js/Fa/2025-G4/jolly/storage";
    office.expect(Office::pc(0), PANDA, url, &["http.url"]);
    office.http(7, 215, at(NOWHERE, 8_080), &[say::http_post("doorwomen.host:8080", "/", b"id=1")]);
    office.expect(Office::pc(7), REDLINE, "doorwomen.host", &["http.host"]);
    let request = say::http_get("193.56.146.114", "/pdfbuild.exe");
    office.http(9, 220, at([193, 56, 146, 114], 80), &[request]);
    office.expect(Office::pc(9), REDLINE, "193.56.146.114/pdfbuild.exe", &["http.url"]);
}

/// Contacts seen by address: TCP, UDP and ICMP, answered or not, from the start or not.
fn plant_addresses(office: &mut Office) {
    let c2 = at([152, 89, 198, 227], 22_813);
    let client = office.socket(Office::pc(10));
    let session = TcpConversation::new(client, c2)
        .client(&say::net_tcp_preamble("net.tcp://152.89.198.227:22813/"))
        .server(&[11]);
    office.put(&Office::link(10), 230, &session.packets());
    office.expect(Office::pc(10), REDLINE, "152.89.198.227:22813", &["ip"]);
    office.expect(Office::pc(10), REDLINE, "redline.net-tcp", &["behaviour.redline.net-tcp"]);

    // Nobody answers: three SYNs of one flow.
    let (client, c2) = (office.socket(Office::pc(3)), at([45, 142, 122, 192], 47_398));
    let syn = packets::Tcp { sequence: 77, acknowledgement: 0, flags: packets::SYN };
    for wait in [0, 1, 3] {
        let packet = wire::from_client(packets::tcp(client, c2, syn, &[]));
        office.put(&Office::link(3), 240 + wait, &[packet]);
    }
    office.expect(Office::pc(3), REDLINE, "45.142.122.192:47398", &["ip"]);

    let c2 = at([103, 79, 77, 181], 443);
    office.tls(1, 250, c2, &Hello::nameless().bytes(), 4_000);
    office.expect(Office::pc(1), PANDA, "103.79.77.181:443", &["ip"]);

    let c2 = at([103, 159, 132, 80], 8_443);
    let client = office.socket(Office::pc(6));
    let late = TcpConversation::new(client, c2)
        .mid_stream()
        .server(&[0x17, 3, 3, 0, 4, 9, 9, 9, 9])
        .only(packets::Speaker::Server);
    office.put(&Office::link(6), 260, &late.packets());
    office.expect(Office::pc(6), PANDA, "103.159.132.80", &["ip"]);

    ping(office, 8, 270, "123.253.32.15");
    office.expect(Office::pc(8), PANDA, "123.253.32.15", &["ip"]);
    let client = office.socket(Office::pc(11));
    let packet = packets::udp(client, at([213, 248, 43, 58], 9_999), b"\x01\x02\x03\x04");
    office.put(&Office::link(11), 280, &[wire::from_client(packet)]);
    office.expect(Office::pc(11), REDLINE, "213.248.43.58", &["ip"]);
}

fn ping(office: &mut Office, pc: usize, seconds: i64, to: &str) {
    let (from, to) = (Office::pc(pc), address(to));
    let packets = [
        wire::from_client(packets::icmp_echo(from, to, false, 1)),
        wire::from_server(packets::icmp_echo(to, from, true, 1)),
    ];
    office.put(&Office::link(pc), seconds, &packets);
}

/// The demonstration: an ordinary morning with contacts of both threats, and the canary.
fn ward_office() -> Office {
    let mut office = Office::new(1);
    office.ordinary_morning(6);
    plant_dns(&mut office);
    plant_tls(&mut office);
    plant_http(&mut office);
    plant_addresses(&mut office);
    office.dns(2, 290, "canary.wardwatch.test", say::A, &[]);
    office.expect(Office::pc(2), "canary", "canary.wardwatch.test", &["dns.query"]);
    ping(&mut office, 2, 295, "192.0.2.53");
    office.expect(Office::pc(2), "canary", "192.0.2.53", &["ip"]);
    office
}

/// Names and addresses that look like indicators and are none.
fn benign() -> Office {
    let mut office = Office::new(2);
    office.ordinary_morning(4);
    let names = [
        "x7gzi.com",                               // one letter more in the label
        "7gzi.com.tinh.example",                   // the indicator in front
        "gzi.com",                                 // one letter less
        "7gzi.co",                                 // cut at the end
        "mysubusiness.org",                        // ends like one, without a label boundary
        "subusiness-org.tinh.example",             // the dot is none
        "dogbij.topp",                             // a longer last label
        "icloud-cdn.net.phanmem.example",          // the indicator in front
        "sub.reloadsite.z13.web.core.windows.net", // below a name meant exactly
        "trangkhac.z13.web.core.windows.net",      // beside it, under the shared suffix
        "canary.wardwatch.test.xa.example",        // the resolver's search list
        "drive.google.com",                        // host of a url indicator, honest in itself
        "github.com",                              // likewise
    ];
    for (number, name) in names.into_iter().enumerate() {
        plant_name(&mut office, number % 12, 60 + number as i64 * 5, name);
    }
    let requests = [
        say::http_get("hybridta.com", "/index.html"), // url host, another path
        say::http_get("hybridta.com", "/js/Fa/2025-G4/jolly/"), // the path cut short
        say::http_get("tin.baomoi.example", "/tim?q=7gzi.com"), // an indicator as text
        say::http_get("tin.baomoi.example", "/js/Fa/2025-G4/jolly/storage"), // path, other host
        say::http_post(
            "vanban.xa.example",
            "/gui",
            b"Canh bao: 152.89.198.227:22813, subusiness.org",
        ),
    ];
    office.http(5, 140, at(NOWHERE, 80), &requests);
    let ports =
        [([45, 142, 122, 192], 443), ([103, 79, 77, 181], 8_080), ([152, 89, 198, 228], 22_813)];
    for (number, (ip, port)) in ports.into_iter().enumerate() {
        office.tls(number, 150, at(ip, port), &Hello::nameless().bytes(), 900);
    }
    for (number, ip) in ["123.253.32.16", "213.248.43.59", "192.0.2.52"].into_iter().enumerate() {
        ping(&mut office, number, 160, ip);
    }
    office.resolve(7, 170, "may.phanmem.example", [45, 121, 146, 114]);
    office
}

/// The expectation as CSV.
fn csv(expected: &[Expected]) -> String {
    let mut text = String::from("client,threat,indicator,where\n");
    for row in expected {
        let Expected { client, threat, indicator, seen_where } = row;
        text.push_str(&format!("{client},{threat},{indicator},{seen_where}\n"));
    }
    text
}

/// Compares a bundled file with what it should be, or writes it when asked to.
#[track_caller]
fn check(name: &str, bytes: &[u8]) {
    let path = run::capture(name);
    if std::env::var_os("WARDWATCH_REWRITE_CAPTURES").is_some_and(|value| value == "1") {
        std::fs::write(&path, bytes).unwrap();
    }
    let bundled = std::fs::read(&path).unwrap_or_default();
    assert!(
        bundled == bytes,
        "{} differs from what the generator writes; WARDWATCH_REWRITE_CAPTURES=1 writes it anew",
        path.display()
    );
}

#[test]
fn the_ward_office_is_what_the_generator_writes() {
    let (frames, expected) = ward_office().finish();
    let file = capture_file::pcap(&frames);
    assert!(file.len() < 2_000_000, "{} bytes are too many to bundle", file.len());
    check("ward-office.pcap", &file);
    check("ward-office.expected.csv", csv(&expected).as_bytes());
}

#[test]
fn the_benign_morning_is_what_the_generator_writes() {
    let (frames, expected) = benign().finish();
    assert!(expected.is_empty());
    check("benign.pcap", &capture_file::pcap(&frames));
}

#[test]
fn every_way_of_seeing_a_name_or_address_is_planted() {
    let (_, expected) = ward_office().finish();
    for kind in ["dns.query", "dns.answer", "tls.sni", "http.host", "http.url", "ip"] {
        for threat in [PANDA, REDLINE] {
            let planted = expected.iter().any(|row| row.seen_where == kind && row.threat == threat);
            assert!(planted, "{threat} in {kind}");
        }
    }
}

/// Records of a little-endian pcap file: each frame's bytes.
fn frames_of(file: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    let mut rest = file.get(24..).unwrap();
    while let Some((header, after)) = rest.split_first_chunk::<16>() {
        let [.., a, b, c, d, _, _, _, _] = *header;
        let (frame, next) = after.split_at(u32::from_le_bytes([a, b, c, d]) as usize);
        frames.push(frame);
        rest = next;
    }
    frames
}

#[test]
fn recorded_captures_are_small_anonymous_and_come_with_an_expectation() {
    let mut seen = 0;
    for entry in std::fs::read_dir(run::capture("recorded")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "pcap") {
            continue;
        }
        seen += 1;
        let file = std::fs::read(&path).unwrap();
        assert!(file.len() < 300_000, "{}: {} bytes", path.display(), file.len());
        let expected = std::fs::read_to_string(path.with_extension("expected.jsonl")).unwrap();
        let lines = run::eve_lines(&expected);
        assert!(!lines.is_empty(), "{}", path.display());
        for line in lines {
            let name = line["name"].as_str().unwrap();
            assert!(name.ends_with(".example") || name.ends_with(".test"), "{name}");
        }
        let ethernet = file.get(20..24) == Some(&[1, 0, 0, 0][..]);
        for frame in frames_of(&file).into_iter().filter(|_| ethernet) {
            // Invented (02:...), IPv6 multicast (33:33:...) or broadcast; the sender invented.
            assert!(matches!(frame.first(), Some(2 | 0x33 | 0xff)), "{}", path.display());
            assert_eq!(frame.get(6), Some(&2), "{}", path.display());
        }
    }
    assert!(seen >= 9, "only {seen} recorded captures");
}
