//! Behaviour of the walker, and two other parsers that hold it to account.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::tcp::TcpMessages;
use super::*;
use crate::extract::{Context, Probe, Scratch};
use crate::flow::stream::{Chunk, Cut, Verdict};
use crate::net::Endpoint;

/// Everything a test wants to know of what was seen.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
struct Seen {
    queries: Vec<String>,
    answers: Vec<String>,
    addresses: Vec<String>,
    messages: Vec<String>,
    counts: Vec<Counter>,
}

impl Observer for Seen {
    fn seen(&mut self, observation: Observation<'_>) {
        match (observation.kind, observation.value) {
            (Kind::DnsQuery, Value::Name(name)) => self.queries.push(name.to_owned()),
            (Kind::DnsAnswer | Kind::DnsReverse, Value::Name(name)) => {
                self.answers.push(name.to_owned());
            }
            (Kind::DnsAnswer | Kind::DnsReverse, Value::Address(address)) => {
                self.addresses.push(address.to_string());
            }
            other => panic!("{other:?}"),
        }
    }

    fn message(&mut self, message: Message<'_>) {
        let Message::Dns(dns) = message else { panic!("{message:?}") };
        let mut text = format!("{:x} {:x}", dns.id, dns.flags);
        for question in dns.questions {
            text += &format!(" ?{}/{}", dns.text(question.name), question.qtype);
        }
        for record in dns.records {
            let data = match record.data {
                DnsData::Address(address) => address.to_string(),
                DnsData::Name(span) | DnsData::Text(span) => dns.text(span).to_owned(),
                DnsData::Other => "-".to_owned(),
            };
            text += &format!(" {}/{}={data}", dns.text(record.owner), record.rtype);
        }
        self.messages.push(text);
    }

    fn count(&mut self, counter: Counter) {
        self.counts.push(counter);
    }
}

fn read(message: &[u8]) -> (Seen, Reading) {
    let mut seen = Seen::default();
    let reading = Reader::default().read(message, &mut seen);
    (seen, reading)
}

fn wire(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        out.push(label.len() as u8);
        out.extend(label.as_bytes());
    }
    out.push(0);
    out
}

fn head(flags: u16, counts: [u16; 4]) -> Vec<u8> {
    [0x7a69, flags].iter().chain(&counts).flat_map(|word| word.to_be_bytes()).collect()
}

fn question(name: &[u8], qtype: u16) -> Vec<u8> {
    [name, &qtype.to_be_bytes(), &[0, 1]].concat()
}

fn record(owner: &[u8], rtype: u16, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16).to_be_bytes();
    [owner, &rtype.to_be_bytes(), &[0, 1, 0, 0, 1, 44], &length, data].concat()
}

fn query(name: &str, qtype: u16) -> Vec<u8> {
    [head(0x0100, [1, 0, 0, 0]), question(&wire(name), qtype)].concat()
}

#[test]
fn a_query_of_any_type_says_its_name_in_lower_case() {
    for qtype in [1, 28, 43, 65, 255, 257, 65280] {
        let (seen, reading) = read(&query("wWw.EVIL.example", qtype));
        assert_eq!(reading, Reading::Whole);
        assert_eq!(seen.queries, ["www.evil.example"]);
        assert_eq!(seen.messages, [format!("7a69 100 ?www.evil.example/{qtype}")]);
        assert_eq!(seen.counts, [Counter::Dns]);
    }
}

#[test]
fn a_name_in_raw_utf8_is_compared_as_its_a_labels_and_shown_as_sent() {
    let (seen, reading) = read(&query("b\u{fc}cher.example", 1));
    assert_eq!((seen.queries, reading), (vec!["xn--bcher-kva.example".to_owned()], Reading::Whole));
    assert!(seen.messages[0].contains("b\\195\\188cher.example"), "{:?}", seen.messages);
    let (seen, _) = read(&query("B\u{dc}CHER.example", 1));
    assert_eq!(seen.queries, ["xn--bcher-kva.example"]);
}

#[test]
fn an_answer_says_owners_targets_and_addresses_once_each() {
    let pointer = [0xc0, 12];
    let message = [
        head(0x8180, [1, 3, 0, 1]),
        question(&wire("evil.example"), 1),
        record(&pointer, 5, &wire("edge.evil.example")),
        record(&[0xc0, 42], 1, &[192, 0, 2, 7]),
        record(&[0xc0, 42], 1, &[192, 0, 2, 8]),
        record(&[0], OPT, &[]),
    ]
    .concat();
    let (seen, reading) = read(&message);
    assert_eq!(reading, Reading::Whole);
    assert_eq!(seen.queries, ["evil.example"]);
    assert_eq!(seen.answers, ["evil.example", "edge.evil.example"]);
    assert_eq!(seen.addresses, ["192.0.2.7", "192.0.2.8"]);
    assert_eq!(
        seen.messages,
        ["7a69 8180 ?evil.example/1 evil.example/5=edge.evil.example \
          edge.evil.example/1=192.0.2.7 edge.evil.example/1=192.0.2.8 /41=-"]
    );
}

/// Label and value of everything that is said of a message, questions left out.
fn said(message: &[u8]) -> Vec<String> {
    #[derive(Default)]
    struct Said(Vec<String>);
    impl Observer for Said {
        fn seen(&mut self, observation: Observation<'_>) {
            let value = match observation.value {
                Value::Name(name) => name.to_owned(),
                Value::Address(address) => address.to_string(),
                other => panic!("{other:?}"),
            };
            if observation.kind != Kind::DnsQuery {
                self.0.push(format!("{} {value}", observation.kind.label()));
            }
        }
        fn message(&mut self, _: Message<'_>) {}
        fn count(&mut self, _: Counter) {}
    }
    let mut said = Said::default();
    let _ = Reader::default().read(message, &mut said);
    said.0
}

#[test]
fn what_the_owner_of_an_address_says_is_told_from_what_a_client_asked_for() {
    let asked = |name: &str, qtype, records: &[Vec<u8>]| {
        let counts = [1, records.len() as u16, 0, 0];
        [head(0x8180, counts), question(&wire(name), qtype), records.concat()].concat()
    };
    let (zone, evil) = ("66.100.51.198.in-addr.arpa", "evil.example");
    let pointer = record(&wire(zone), 12, &wire(evil));
    let expected = [format!("dns.reverse {zone}"), format!("dns.reverse {evil}")];
    assert_eq!(said(&asked(zone, 12, std::slice::from_ref(&pointer))), expected);
    // A record alone tells it too, and so does any other type of the reverse tree.
    assert_eq!(said(&[head(0x8180, [0, 1, 0, 0]), pointer].concat()), expected);
    let alias = record(&wire(zone), 5, &wire(evil));
    assert_eq!(said(&[head(0x8180, [0, 1, 0, 0]), alias.clone()].concat()), expected);
    // What comes with it, a server and its address, is the owner's word as well.
    let glue = record(&wire("ns.evil.example"), 1, &[192, 0, 2, 9]);
    let all = said(&asked("1.0.8.b.d.0.1.0.0.2.ip6.arpa", 12, &[alias, glue]));
    assert!(all.iter().all(|said| said.starts_with("dns.reverse ")), "{all:?}");
    assert_eq!(all.len(), 4);
    // A name that was asked for is as strong as ever, beside a reverse question too.
    let answer = record(&wire(evil), 1, &[192, 0, 2, 9]);
    let two = [question(&wire(zone), 12), question(&wire(evil), 1), answer.clone()].concat();
    for message in [asked(evil, 1, &[answer]), [head(0x8180, [2, 1, 0, 0]), two].concat()] {
        assert_eq!(said(&message), ["dns.answer evil.example", "dns.answer 192.0.2.9"]);
    }
    for near in ["in-addr.arpa.evil.example", "xin-addr.arpa", "arpa"] {
        let answer = record(&wire(near), 1, &[192, 0, 2, 9]);
        assert!(said(&asked(near, 1, &[answer])).iter().all(|said| said.starts_with("dns.answer")));
    }
}

#[test]
fn every_type_that_carries_a_name_says_it() {
    let target = wire("t.example");
    let naptr = [&[0, 1, 0, 1][..], b"\x01s\x03SIP\x00", &target].concat();
    let gateway = [&[10, 3, 2][..], &target].concat();
    let cases: Vec<(u16, Vec<u8>)> = [2, 3, 4, 5, 7, 8, 9, 12, 23, 30, 39, 47]
        .into_iter()
        .map(|rtype| (rtype, target.clone()))
        .chain([15, 18, 21, 36, 107].map(|rtype| (rtype, [&[0, 10][..], &target].concat())))
        .chain([64, 65].map(|rtype| (rtype, [&[0, 1][..], &target].concat())))
        .chain([24, 46].map(|rtype| (rtype, [&[0; 18][..], &target, &[1, 2, 3]].concat())))
        .chain([
            (6, [&target[..], &wire("mail.example"), &[0; 20]].concat()),
            (33, [&[0, 1, 0, 2, 1, 187][..], &target].concat()),
            (35, naptr),
            (45, gateway),
            (66, [&[0, 59, 1, 0, 53][..], &target].concat()),
            (260, [&[10, 0x83][..], &target].concat()),
        ])
        .collect();
    for (rtype, data) in cases {
        let message =
            [head(0x8400, [0, 1, 0, 0]), record(&wire("o.example"), rtype, &data)].concat();
        let (seen, reading) = read(&message);
        assert_eq!(
            (seen.answers, reading),
            (vec!["o.example".into(), "t.example".into()], Reading::Whole),
            "{rtype}"
        );
        assert_eq!(seen.messages, [format!("7a69 8400 o.example/{rtype}=t.example")]);
    }
}

#[test]
fn types_with_two_names_say_both() {
    let data = [wire("one.example"), wire("two.example")].concat();
    for (rtype, skip) in [(14, 0), (17, 0), (58, 0), (26, 2)] {
        let data = [vec![0; skip], data.clone()].concat();
        let message = [head(0x8400, [0, 1, 0, 0]), record(&[0], rtype, &data)].concat();
        assert_eq!(read(&message).0.answers, ["one.example", "two.example"]);
    }
}

#[test]
fn service_records_say_their_address_hints() {
    let data = [
        &[0, 1, 0][..],
        &[0, 1, 0, 3, 2, b'h', b'3'],
        &[0, 4, 0, 8, 192, 0, 2, 1, 192, 0, 2, 2],
        &[0, 6, 0, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    ]
    .concat();
    let message = [head(0x8180, [0, 1, 0, 0]), record(&wire("a.example"), 65, &data)].concat();
    let (seen, reading) = read(&message);
    assert_eq!(reading, Reading::Whole);
    assert_eq!(seen.addresses, ["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
}

#[test]
fn text_keeps_its_case_and_escapes_what_cannot_be_printed() {
    let message = [head(0x8180, [0, 1, 0, 0]), record(&[0], 16, b"\x05Ab \\\n\x02cd")].concat();
    assert_eq!(read(&message).0.messages, ["7a69 8180 /16=Ab \\092\\010cd"]);
}

#[test]
fn a_damaged_record_does_not_hide_the_next_one() {
    let message = [
        head(0x8180, [0, 3, 0, 0]),
        record(&wire("a.example"), 5, &[0x80, 1]),
        record(&wire("b.example"), 1, &[1, 2]),
        record(&wire("c.example"), 1, &[192, 0, 2, 3]),
    ]
    .concat();
    let (seen, reading) = read(&message);
    assert_eq!(reading, Reading::Damaged);
    assert_eq!(seen.answers, ["a.example", "b.example", "c.example"]);
    assert_eq!(seen.addresses, ["192.0.2.3"]);
    assert_eq!(seen.counts, [Counter::Dns, Counter::DnsDamaged]);
}

#[test]
fn counts_that_lie_cost_nothing_and_hide_nothing() {
    let mut message = query("evil.example", 1);
    message[4..12].fill(0xff);
    let (seen, reading) = read(&message);
    assert_eq!((seen.queries, reading), (vec!["evil.example".to_owned()], Reading::Damaged));
}

#[test]
fn a_query_cut_behind_its_name_still_says_it() {
    let message = query("evil.example", 1);
    let (seen, reading) = read(&message[..message.len() - 3]);
    assert_eq!((seen.queries, reading), (vec!["evil.example".to_owned()], Reading::Damaged));
    assert_eq!(read(&message[..message.len() - 5]).1, Reading::NotDns);
    assert_eq!(read(&message[..11]).1, Reading::NotDns);
}

#[test]
fn updates_and_notifications_say_their_names() {
    let update = [
        head(0x2800, [1, 0, 1, 0]),
        question(&wire("zone.example"), 6),
        record(&wire("pc.zone.example"), 1, &[]),
    ]
    .concat();
    let (seen, reading) = read(&update);
    assert_eq!(reading, Reading::Whole);
    assert_eq!(
        (seen.queries, seen.answers),
        (vec!["zone.example".into()], vec!["pc.zone.example".into()])
    );
    assert!(plausible(&update, false));
}

#[test]
fn a_message_made_of_pointers_is_read_in_bounded_space() {
    let name = [vec![63; 64], vec![63; 64], vec![63; 64], wire("x")].concat();
    let mut message = [head(0x8180, [1, 5000, 0, 0]), question(&name, 1)].concat();
    for at in 0..5000_usize {
        // Each owner is spelled anew: a label of its own, then the long name.
        message.extend(record(&[1, b'a' + (at % 26) as u8, 0xc0, 12], 1, &[192, 0, 2, 1]));
    }
    let (seen, reading) = read(&message);
    assert_eq!(reading, Reading::Damaged);
    let text: usize = seen.answers.iter().map(String::len).sum();
    assert!(text > TEXT_MAX - 512 && text < TEXT_MAX + 512);
}

#[test]
fn a_reader_keeps_nothing_of_the_message_before() {
    let mut reader = Reader::default();
    let (mut first, mut second) = (Seen::default(), Seen::default());
    let _ = reader.read(&query("a.example", 1), &mut first);
    let _ = reader.read(&query("b.example", 1), &mut second);
    assert_eq!(second.messages, ["7a69 100 ?b.example/1"]);
}

// ---- Is it DNS?

#[test]
fn messages_are_plausible_on_any_port() {
    assert!(plausible(&query("evil.example", 65280), false));
    let answer =
        [head(0x8180, [0, 1, 0, 0]), record(&wire("a.example"), 1, &[192, 0, 2, 1])].concat();
    assert!(plausible(&answer, false));
    assert!(plausible(&query("", 2), false), "a resolver's first question");
    let mut z = query("evil.example", 1);
    z[3] |= 0x40;
    assert!(plausible(&z, false));
}

#[test]
fn the_first_messages_of_other_protocols_are_not_plausible() {
    let netbios = query("CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 33);
    let others: [&[u8]; 9] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n",
        b"\x00\x01\x00\x08\x21\x12\xa4\x42aaaaaaaaaaaa\x00\x03\x00\x04\x00\x00\x00\x00",
        b"\x23\x02\x0a\xee\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00",
        b"d1:ad2:id20:aaaaaaaaaaaaaaaaaaaae1:q4:ping1:t2:aa1:y1:qe",
        b"\x80\x60\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01\x00\x01\x00\x01",
        &[0; 64],
        &[0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1],
        &netbios,
    ];
    for payload in others {
        assert!(!plausible(payload, false), "{payload:?}");
    }
}

#[test]
fn on_a_dns_port_a_message_cut_short_is_plausible() {
    let message = query("evil.example", 1);
    assert!(plausible(&message[..16], true));
    assert!(plausible(&head(0x8181, [0; 4]), true));
    assert!(!plausible(&message[..16], false));
    assert!(!plausible(&message[..11], true));
    assert!(!plausible(b"SSH-2.0-x\r\n\r\n\xbf", true));
}

proptest! {
    #[test]
    fn random_payloads_are_never_taken_for_dns(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!plausible(&payload, false));
    }
}

// ---- TCP

struct Stream {
    messages: TcpMessages,
    scratch: Scratch,
    seen: Seen,
}

impl Stream {
    fn new() -> Self {
        Self {
            messages: TcpMessages::default(),
            scratch: Scratch::default(),
            seen: Seen::default(),
        }
    }

    fn show(&mut self, bytes: &[u8], after_gap: bool, cut: Cut) -> Verdict {
        let chunk = Chunk { bytes, from_start: false, after_gap, cut };
        let mut cx = Context {
            source: Endpoint::default(),
            destination: Endpoint::default(),
            observer: &mut self.seen,
            scratch: &mut self.scratch,
        };
        self.messages.advance(chunk, &mut cx)
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u16).to_be_bytes(), message].concat()
}

#[test]
fn a_cut_message_is_read_as_far_as_it_stands_and_skipped_by_its_length() {
    let mut stream = Stream::new();
    let long = [
        head(0x8180, [1, 1, 0, 0]),
        question(&wire("a.example"), 16),
        record(&[0xc0, 12], 16, &[0; 1000]),
    ]
    .concat();
    let bytes = framed(&long);
    assert_eq!(stream.show(&bytes[..500], false, Cut::Gap), Verdict::Consumed(bytes.len() as u64));
    assert_eq!(stream.seen.queries, ["a.example"]);
    let next = framed(&query("b.example", 1));
    assert_eq!(stream.show(&next, true, Cut::None), Verdict::Consumed(next.len() as u64));
    assert_eq!(stream.seen.queries, ["a.example", "b.example"]);
}

#[test]
fn behind_a_hole_only_a_message_is_believed() {
    let next = framed(&query("b.example", 1));
    let mut stream = Stream::new();
    assert_eq!(stream.show(&next[..7], true, Cut::None), Verdict::Consumed(0));
    assert_eq!(stream.show(&next, true, Cut::End), Verdict::All);
    assert_eq!(stream.seen.queries, ["b.example"]);
    assert_eq!(Stream::new().show(&next[1..], true, Cut::None), Verdict::All);
}

#[test]
fn a_stream_that_is_not_dns_after_all_is_left() {
    let mut stream = Stream::new();
    assert_eq!(stream.show(&[0; 64], false, Cut::None), Verdict::All);
    assert!(stream.seen.messages.is_empty());
}

#[test]
fn the_first_bytes_of_a_stream_tell_dns_from_others() {
    let bytes = framed(&query("evil.example", 1));
    for length in 0..bytes.len() {
        assert_eq!(probe(&bytes[..length]), Probe::Unsure, "{length}");
    }
    assert_eq!(probe(&bytes), Probe::Yes);
    let socks = b"\x04\x01\x00\x50\xc0\x00\x02\x07\x00";
    assert_eq!(probe(socks), Probe::No, "told by the first words alone");
    for other in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x11\x22\x33",
        b"SSH-2.0-OpenSSH_9",
    ] {
        assert_eq!(probe(other), Probe::No);
    }
}

proptest! {
    #[test]
    fn any_segmentation_gives_the_same_names(
        names in prop::collection::vec("[a-z]{1,9}(\\.[a-z]{1,9}){0,3}", 1..6),
        cuts in prop::collection::vec(0_usize..400, 0..12),
    ) {
        let bytes: Vec<u8> = names.iter().flat_map(|name| framed(&query(name, 1))).collect();
        let mut ends: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        let (mut stream, mut start) = (Stream::new(), 0);
        for end in ends {
            let Verdict::Consumed(consumed) = stream.show(&bytes[start..end], false, Cut::None) else {
                panic!("given up");
            };
            start += consumed as usize;
        }
        prop_assert_eq!(start, bytes.len());
        prop_assert_eq!(stream.seen.queries, names);
    }
}

// ---- Oracles

/// A name as octets: escapes undone, case folded. Two parsers agree when these are equal.
fn octets(spelled: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = spelled.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        match rest.split_at_checked(3) {
            // Binary labels, `\[x`, are read by no other parser and stay as they are.
            Some((digits, behind)) if *byte == b'\\' && digits[0] != b'[' => {
                out.push(std::str::from_utf8(digits).unwrap().parse::<u8>().unwrap());
                rest = behind;
            }
            _ => out.push(*byte),
        }
    }
    out.make_ascii_lowercase();
    out
}

/// Names and addresses that dns-parser reads, where it reads the message.
fn by_dns_parser(message: &[u8]) -> (Vec<Vec<u8>>, Vec<String>) {
    use dns_parser::RData;
    let Ok(packet) = dns_parser::Packet::parse(message) else { return Default::default() };
    let (mut names, mut addresses) = (Vec::new(), Vec::new());
    names.extend(packet.questions.iter().map(|question| question.qname.to_string()));
    for record in packet.answers.iter().chain(&packet.nameservers).chain(&packet.additional) {
        names.push(record.name.to_string());
        match &record.data {
            RData::A(data) => addresses.push(data.0.to_string()),
            RData::AAAA(data) => {
                addresses.push(Address::from(std::net::IpAddr::V6(data.0)).to_string())
            }
            RData::CNAME(data) => names.push(data.0.to_string()),
            RData::NS(data) => names.push(data.0.to_string()),
            RData::PTR(data) => names.push(data.0.to_string()),
            RData::MX(data) => names.push(data.exchange.to_string()),
            RData::SRV(data) => names.push(data.target.to_string()),
            RData::SOA(data) => names.push(data.primary_ns.to_string()),
            RData::TXT(_) | RData::Unknown(_) => {}
        }
    }
    // It takes names longer than the wire allows.
    let names = names.into_iter().filter(|name| name.len() <= 253);
    (names.map(|name| name.to_ascii_lowercase().into_bytes()).collect(), addresses)
}

/// Names and addresses that simple-dns reads, where it reads the message.
fn by_simple_dns(message: &[u8]) -> (Vec<Vec<u8>>, Vec<String>) {
    use simple_dns::rdata::RData;
    let Ok(packet) = simple_dns::Packet::parse(message) else { return Default::default() };
    let spell = |name: &simple_dns::Name<'_>| {
        let labels: Vec<&[u8]> = name.as_bytes().collect();
        labels.join(&b'.').to_ascii_lowercase()
    };
    let (mut names, mut addresses) = (Vec::new(), Vec::new());
    names.extend(packet.questions.iter().map(|question| spell(&question.qname)));
    let sections = packet.answers.iter().chain(&packet.name_servers);
    for record in sections.chain(&packet.additional_records) {
        names.push(spell(&record.name));
        match &record.rdata {
            RData::A(data) => addresses.push(std::net::Ipv4Addr::from(data.address).to_string()),
            RData::AAAA(data) => {
                let ip = std::net::Ipv6Addr::from(data.address);
                addresses.push(Address::from(std::net::IpAddr::V6(ip)).to_string());
            }
            RData::CNAME(data) => names.push(spell(&data.0)),
            RData::NS(data) => names.push(spell(&data.0)),
            RData::PTR(data) => names.push(spell(&data.0)),
            RData::MX(data) => names.push(spell(&data.exchange)),
            RData::SRV(data) => names.push(spell(&data.target)),
            RData::SOA(data) => names.push(spell(&data.mname)),
            RData::SVCB(data) => names.push(spell(&data.target)),
            RData::HTTPS(data) => names.push(spell(&data.target)),
            RData::NAPTR(data) => names.push(spell(&data.replacement)),
            RData::AFSDB(data) => names.push(spell(&data.hostname)),
            RData::RP(data) => names.extend([spell(&data.mbox), spell(&data.txt)]),
            _ => {}
        }
    }
    (names, addresses)
}

/// A name: labels of any octets, then the end or a pointer to an earlier place.
fn any_name() -> impl Strategy<Value = Vec<u8>> {
    let label = prop_oneof![
        8 => "[a-zA-Z0-9_-]{1,12}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 1..63),
    ];
    let end =
        prop_oneof![Just(vec![0]), (0_u16..90).prop_map(|at| (0xc000 | at).to_be_bytes().to_vec())];
    (prop::collection::vec(label, 0..5), end).prop_map(|(labels, end)| {
        let labels = labels.into_iter().flat_map(|label| [vec![label.len() as u8], label].concat());
        labels.chain(end).collect()
    })
}

fn any_data(rtype: u16) -> BoxedStrategy<Vec<u8>> {
    let behind = |skip: usize| {
        (prop::collection::vec(any::<u8>(), skip), any_name())
            .prop_map(|(a, b)| [a, b].concat())
            .boxed()
    };
    match rtype {
        1 => prop::collection::vec(any::<u8>(), 4).boxed(),
        28 => prop::collection::vec(any::<u8>(), 16).boxed(),
        2 | 5 | 12 | 39 => any_name().boxed(),
        15 | 18 | 65 => behind(2),
        33 => behind(6),
        6 => (any_name(), any_name()).prop_map(|(a, b)| [a, b, vec![0; 20]].concat()).boxed(),
        17 => (any_name(), any_name()).prop_map(|(a, b)| [a, b].concat()).boxed(),
        _ => prop::collection::vec(any::<u8>(), 0..30).boxed(),
    }
}

fn any_record() -> impl Strategy<Value = Vec<u8>> {
    let types = [1_u16, 28, 2, 5, 12, 39, 15, 18, 65, 33, 6, 17, 16, 46, 65280];
    prop::sample::select(types.to_vec())
        .prop_flat_map(|rtype| (any_name(), Just(rtype), any_data(rtype)))
        .prop_map(|(owner, rtype, data)| record(&owner, rtype, &data))
}

fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let questions =
        prop::collection::vec((any_name(), prop::sample::select(vec![1_u16, 28, 65])), 0..3);
    let sections = prop::array::uniform3(prop::collection::vec(any_record(), 0..4));
    (questions, sections, any::<bool>()).prop_map(|(questions, sections, response)| {
        let [a, b, c] = [&sections[0], &sections[1], &sections[2]].map(|s| s.len() as u16);
        let mut out =
            head(if response { 0x8180 } else { 0x0100 }, [questions.len() as u16, a, b, c]);
        out.extend(questions.iter().flat_map(|(name, qtype)| question(name, *qtype)));
        out.extend(sections.concat().concat());
        out
    })
}

/// Some octets replaced, mostly none.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (any_message(), changes).prop_map(|(mut message, changes)| {
        for (at, byte) in changes {
            let at = at.index(message.len());
            message[at] = byte;
        }
        message
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn whatever_another_parser_reads_is_read_the_same(message in mutated()) {
        let (seen, _) = read(&message);
        let names: BTreeSet<Vec<u8>> =
            seen.queries.iter().chain(&seen.answers).map(|name| octets(name)).collect();
        let addresses: BTreeSet<&String> = seen.addresses.iter().collect();
        for (theirs, their_addresses) in [by_dns_parser(&message), by_simple_dns(&message)] {
            // A label in UTF-8 is said as its A-label.
            let foreign = |label: &[u8]| !label.is_ascii() && std::str::from_utf8(label).is_ok();
            let plain = |name: &&Vec<u8>| !name.split(|byte| *byte == b'.').any(foreign);
            for name in theirs.iter().filter(|name| !name.is_empty()).filter(plain) {
                // dns-parser leaves a dot where a pointer leads to the root.
                let shorter = name.strip_suffix(b".").unwrap_or(name);
                prop_assert!(names.contains(name) || names.contains(shorter), "{:?} of {:?}", name.escape_ascii().to_string(), seen);
            }
            for address in &their_addresses {
                prop_assert!(addresses.contains(address), "{} of {:?}", address, seen);
            }
        }
    }

    #[test]
    fn a_prefix_says_only_what_the_whole_says(message in mutated(), at in any::<prop::sample::Index>()) {
        let (whole, _) = read(&message);
        let (part, _) = read(&message[..at.index(message.len() + 1)]);
        let whole: BTreeSet<_> = whole.queries.iter().chain(&whole.answers).collect();
        for name in part.queries.iter().chain(&part.answers) {
            prop_assert!(whole.contains(name), "{name}");
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic_and_counted(
        message in prop::collection::vec(any::<u8>(), 0..300), hint in any::<bool>(),
    ) {
        let _ = plausible(&message, hint);
        let (seen, reading) = read(&message);
        prop_assert_eq!(reading == Reading::Damaged, seen.counts.contains(&Counter::DnsDamaged) && !(seen.queries.is_empty() && seen.answers.is_empty() && seen.messages.is_empty()));
    }
}
