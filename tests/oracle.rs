//! Why DNS is read by our own walker, and dns-parser 0.8 only holds it to account in tests
//! (`sensor/pipeline/src/extract/dns/tests.rs`): the questions and answers of today's clients, read by both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use wardwatch::extract::dns::{Reader, Reading};
use wardwatch::observation::{Kind, Message, Observation, Observer, Value};
use wardwatch::stats::Counter;

/// Type HTTPS (RFC 9460), which every current browser asks for beside A and AAAA.
const HTTPS: u16 = 65;
const A: u16 = 1;
const CNAME: u16 = 5;

/// The names said, with where they stood.
#[derive(Default)]
struct Names(Vec<(Kind, String)>);

impl Observer for Names {
    fn seen(&mut self, observation: Observation<'_>) {
        if let Value::Name(name) = observation.value {
            self.0.push((observation.kind, name.to_owned()));
        }
    }

    fn message(&mut self, _message: Message<'_>) {}

    fn count(&mut self, _counter: Counter) {}
}

fn ours(message: &[u8]) -> Vec<(Kind, String)> {
    let mut names = Names::default();
    let reading = Reader::default().read(message, &mut names);
    assert_eq!(reading, Reading::Whole);
    names.0
}

fn name(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in text.split('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// A message with one question and these answers: owner, type, data.
fn message(asked: &str, rtype: u16, answers: &[(&str, u16, Vec<u8>)]) -> Vec<u8> {
    let flags: u16 = if answers.is_empty() { 0x0100 } else { 0x8180 };
    let count = u16::try_from(answers.len()).unwrap();
    let mut bytes = Vec::new();
    for word in [0x1234, flags, 1, count, 0, 0] {
        bytes.extend(word.to_be_bytes());
    }
    bytes.extend(name(asked));
    bytes.extend([rtype.to_be_bytes(), 1_u16.to_be_bytes()].concat());
    for (owner, rtype, data) in answers {
        bytes.extend(name(owner));
        bytes.extend([rtype.to_be_bytes(), 1_u16.to_be_bytes()].concat());
        bytes.extend(300_u32.to_be_bytes());
        bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend(data);
    }
    bytes
}

#[test]
fn a_question_of_type_a_is_read_by_both() {
    let bytes = message("www.office.example", A, &[]);
    let theirs = dns_parser::Packet::parse(&bytes).unwrap();
    assert_eq!(theirs.questions[0].qname.to_string(), "www.office.example");
    assert_eq!(ours(&bytes), [(Kind::DnsQuery, "www.office.example".to_owned())]);
}

#[test]
fn a_question_of_type_https_is_an_error_to_dns_parser_and_a_name_to_us() {
    let bytes = message("www.office.example", HTTPS, &[]);
    let theirs = dns_parser::Packet::parse(&bytes);
    assert!(matches!(theirs, Err(dns_parser::Error::InvalidQueryType(HTTPS))), "{theirs:?}");
    assert_eq!(ours(&bytes), [(Kind::DnsQuery, "www.office.example".to_owned())]);
}

#[test]
fn one_unknown_record_costs_dns_parser_the_whole_answer_and_us_nothing() {
    let https = [vec![0, 1], name("edge.office.example")].concat();
    let bytes = message(
        "www.office.example",
        A,
        &[
            ("www.office.example", CNAME, name("c2.evil.example")),
            ("c2.evil.example", HTTPS, https),
        ],
    );
    assert!(dns_parser::Packet::parse(&bytes).is_err());
    let read = ours(&bytes);
    for answered in ["c2.evil.example", "edge.office.example"] {
        assert!(read.contains(&(Kind::DnsAnswer, answered.to_owned())), "{read:?}");
    }
}
