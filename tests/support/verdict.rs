//! What a scan said, in the words of the expectations beside the captures; and the shortest way
//! from packets and indicators to it.

use super::packets::{self, Packet, TcpConversation};
use super::run::{Outcome, Run, events_of, put, temporary_directory};
use super::wire::{self, Frame};
use super::{capture_file, conversations as say};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;

/// One alert, as an expectation lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contact {
    /// Address of our side.
    pub client: String,
    /// `redline`, `mustang-panda`, `canary` ...
    pub threat: String,
    /// The indicator as the alert spells it.
    pub indicator: String,
    /// `dns.query`, `tls.sni`, `ip` ...
    pub seen_where: String,
}

/// The contacts of all alerts among EVE records, sorted, repeats kept.
pub fn contacts(events: &[Value]) -> Vec<Contact> {
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
    let mut contacts: Vec<Contact> = events_of(events, "alert")
        .into_iter()
        .map(|event| {
            let metadata = &event["alert"]["metadata"];
            Contact {
                client: text(&event["alert"]["context"]["our_ip"]),
                threat: text(&metadata["threat"][0]),
                indicator: text(&metadata["indicator"][0]),
                seen_where: text(&metadata["where"][0]),
            }
        })
        .collect();
    contacts.sort();
    contacts
}

/// An expectation beside a capture: `client,threat,indicator,where`, one contact a line.
pub fn expected_contacts(csv: &Path) -> Vec<Contact> {
    let text = std::fs::read_to_string(csv).expect("an expectation");
    let row = |line: &str| {
        let mut fields = line.split(',').map(str::to_owned);
        let mut next = || fields.next().unwrap_or_else(|| panic!("four fields: {line}"));
        Contact { client: next(), threat: next(), indicator: next(), seen_where: next() }
    };
    let mut rows: Vec<Contact> = text.lines().skip(1).map(row).collect();
    rows.sort();
    rows
}

/// `indicator where` of every alert, sorted: what most tests compare.
pub fn sightings(events: &[Value]) -> Vec<String> {
    let all = contacts(events).into_iter();
    let mut all: Vec<String> =
        all.map(|contact| format!("{} {}", contact.indicator, contact.seen_where)).collect();
    all.sort();
    all
}

/// A feed in our own format: rows are `indicator,type,scope`.
pub fn feed(rows: &[&str]) -> String {
    let mut text = String::from("indicator,type,scope,threat,malware,role,confidence\n");
    for row in rows {
        text.push_str(row);
        text.push_str(",redline,RedLine,c2,high\n");
    }
    text
}

/// Scans a capture's bytes with these indicators alone (and the canary): EVE of everything.
#[track_caller]
pub fn scan_bytes(name: &str, capture: &[u8], rows: &[&str]) -> Outcome {
    let directory = temporary_directory();
    let capture = put(directory.path(), name, capture);
    let feed = put(directory.path(), "test.csv", feed(rows).as_bytes());
    Run::new(["scan", "--eve", "-", "--events", "all", "--no-builtin-feeds", "--feeds"])
        .arg(feed)
        .arg(capture)
        .go()
        .expect_code(0)
}

/// The same for frames, as [`sightings`].
#[track_caller]
pub fn scan_frames(frames: &[Frame], rows: &[&str]) -> Vec<String> {
    sightings(&scan_bytes("test.pcap", &capture_file::pcap(frames), rows).eve())
}

/// The same for packets on a plain wire.
#[track_caller]
pub fn scan_packets(packets: &[Packet], rows: &[&str]) -> Vec<String> {
    scan_frames(&wire::plain_frames(packets), rows)
}

/// A socket address. Panics when it is none.
pub fn at(text: &str) -> SocketAddr {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Our PC.
pub fn pc() -> SocketAddr {
    at("192.168.1.10:50000")
}

/// A DNS question over UDP, without an answer.
pub fn query(name: &str) -> Vec<Packet> {
    let query = say::dns_query(7, name, say::A);
    vec![wire::from_client(packets::udp(pc(), at("192.168.1.1:53"), &query))]
}

/// A TLS connection opened for a name.
pub fn tls(name: &str) -> Vec<Packet> {
    TcpConversation::new(pc(), at("203.0.113.99:443")).client(&say::client_hello(name)).packets()
}

/// A clear HTTP request for a host and target.
pub fn http(host: &str, target: &str) -> Vec<Packet> {
    TcpConversation::new(pc(), at("203.0.113.99:80")).client(&say::http_get(host, target)).packets()
}
