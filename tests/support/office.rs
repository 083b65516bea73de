//! An invented ward office: twelve PCs behind a router, and what they say in an ordinary morning.
//!
//! Scenes add frames at a time of their own; [`Office::finish`] puts them in the order of time,
//! so that conversations overlap as on a real mirror port. Everything is repeatable.

use super::Noise;
use super::conversations::{self as say, Data, Record};
use super::packets::{self, Packet, TcpConversation};
use super::wire::{self, Frame, Link, MILLISECOND, NINE_O_CLOCK, SECOND};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Names of the PCs; the first is 192.168.1.10.
pub const PCS: [&str; 12] = [
    "PC-VANTHU-01",
    "PC-DIACHINH-01",
    "PC-TUPHAP-01",
    "PC-KETOAN-01",
    "PC-CHUTICH",
    "PC-PHOCHUTICH",
    "PC-QUANSU",
    "PC-CONGAN-01",
    "PC-VANHOA-01",
    "PC-MOTCUA-01",
    "PC-MOTCUA-02",
    "PC-THUQUY",
];

const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
const ROUTER_MAC: wire::Mac = [2, 0x57, 0x41, 0, 0, 1];

/// Hosts the office uses: name and address, both invented.
pub const SITES: [(&str, [u8; 4]); 10] = [
    ("dichvucong.tinh.example", [198, 51, 100, 10]),
    ("mail.tinh.example", [198, 51, 100, 11]),
    ("vanban.xa.example", [198, 51, 100, 12]),
    ("hokhau.xa.example", [198, 51, 100, 13]),
    ("baomoi.example", [203, 0, 113, 20]),
    ("tin.baomoi.example", [203, 0, 113, 21]),
    ("update.phanmem.example", [203, 0, 113, 30]),
    ("cdn.phanmem.example", [203, 0, 113, 31]),
    ("thoitiet.example", [203, 0, 113, 40]),
    ("kho.chuky.test", [203, 0, 113, 50]),
];

/// A planted contact: what a sensor must say of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    /// The PC's address.
    pub client: IpAddr,
    /// `redline`, `mustang-panda`, `canary`.
    pub threat: &'static str,
    /// The indicator as the curated feed spells it.
    pub indicator: &'static str,
    /// `dns.query`, `tls.sni`, `ip` ...
    pub seen_where: &'static str,
}

/// The office and what has been captured so far.
#[derive(Debug)]
pub struct Office {
    frames: Vec<Frame>,
    noise: Noise,
    port: u16,
    /// What was planted.
    pub expected: Vec<Expected>,
}

impl Office {
    /// The office at nine o'clock. Another seed is another morning.
    pub fn new(seed: u64) -> Self {
        let noise = Noise::new(seed);
        Self { frames: Vec::new(), noise, port: 49_152, expected: Vec::new() }
    }

    /// The address of a PC, counted from 0.
    pub fn pc(number: usize) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 168, 1, 10 + number as u8))
    }

    /// The IPv6 address of a PC.
    pub fn pc6(number: usize) -> IpAddr {
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x168, 1, 0, 0, 0, 10 + number as u16))
    }

    /// The wire between a PC and the router.
    pub fn link(number: usize) -> Link {
        let client = [2, 0x57, 0x41, 0, 0, 10 + number as u8];
        Link { client, server: ROUTER_MAC, tags: Vec::new() }
    }

    /// The next ephemeral port of an address.
    pub fn socket(&mut self, ip: IpAddr) -> SocketAddr {
        self.port = self.port.checked_add(1).unwrap_or(49_152);
        SocketAddr::new(ip, self.port)
    }

    /// Packets on a PC's wire, `seconds` after nine and then every seven milliseconds.
    pub fn put(&mut self, link: &Link, seconds: i64, packets: &[Packet]) {
        // No two scenes begin at the very same moment, so the order never hangs on the sort.
        let start = NINE_O_CLOCK + seconds * SECOND + self.frames.len() as i64 * 1_000;
        self.frames.extend(wire::frames(link, packets, start, 7 * MILLISECOND));
    }

    /// A DNS question over UDP to the router, and its answer.
    pub fn dns(&mut self, pc: usize, seconds: i64, name: &str, kind: u16, records: &[Record]) {
        let client = self.socket(Self::pc(pc));
        let router = SocketAddr::new(ROUTER.into(), 53);
        let id = self.noise.next() as u16;
        let packets = [
            wire::from_client(packets::udp(client, router, &say::dns_query(id, name, kind))),
            wire::from_server(packets::udp(
                router,
                client,
                &say::dns_answer(id, name, kind, records),
            )),
        ];
        self.put(&Self::link(pc), seconds, &packets);
    }

    /// Asks for the address of a name and is told it.
    pub fn resolve(&mut self, pc: usize, seconds: i64, name: &str, ip: [u8; 4]) {
        self.dns(pc, seconds, name, say::A, &[Record::new(name, Data::A(ip.into()))]);
    }

    /// A TLS conversation whose ClientHello is given, with `bytes` of encrypted answer.
    pub fn tls(&mut self, pc: usize, seconds: i64, server: SocketAddr, hello: &[u8], bytes: usize) {
        let conversation = self.tls_conversation(Self::pc(pc), server, hello, bytes);
        self.put(&Self::link(pc), seconds, &conversation.packets());
    }

    /// The same as a conversation, for scenes that bend it.
    pub fn tls_conversation(
        &mut self,
        client: IpAddr,
        server: SocketAddr,
        hello: &[u8],
        bytes: usize,
    ) -> TcpConversation {
        let flight = say::server_flight(&mut self.noise, 1_200);
        let request = say::application_data(&mut self.noise, 420);
        let answer = say::application_data(&mut self.noise, bytes);
        TcpConversation::new(self.socket(client), server)
            .client(hello)
            .server(&flight)
            .client(&request)
            .server(&answer)
            .fin()
    }

    /// Requests one after the other on one kept HTTP connection.
    pub fn http(&mut self, pc: usize, seconds: i64, server: SocketAddr, requests: &[Vec<u8>]) {
        let mut conversation = TcpConversation::new(self.socket(Self::pc(pc)), server).fin();
        for request in requests {
            let body = "trang tin ".repeat(1 + self.noise.below(60) as usize);
            conversation = conversation.client(request).server(&say::http_ok(body.as_bytes()));
        }
        self.put(&Self::link(pc), seconds, &conversation.packets());
    }

    /// Notes a planted contact.
    pub fn expect(
        &mut self,
        client: IpAddr,
        threat: &'static str,
        indicator: &'static str,
        wheres: &[&'static str],
    ) {
        let all = wheres.iter();
        self.expected.extend(all.map(|w| Expected { client, threat, indicator, seen_where: w }));
    }

    /// The morning without any contact: ARP, DHCP, NTP, names, pages, `minutes` long.
    pub fn ordinary_morning(&mut self, minutes: i64) {
        for pc in 0..PCS.len() {
            self.switch_on(pc, pc as i64);
        }
        for minute in 0..minutes {
            for pc in 0..PCS.len() {
                let at = minute * 60 + 15 + self.noise.below(40) as i64;
                let (name, ip) = SITES[self.noise.below(SITES.len() as u64) as usize];
                self.visit(pc, at, name, ip);
            }
        }
    }

    /// A PC comes up: address, neighbour, time, and a name that does not exist.
    fn switch_on(&mut self, pc: usize, seconds: i64) {
        let IpAddr::V4(ip) = Self::pc(pc) else { unreachable!("a PC has an IPv4 address") };
        let link = Self::link(pc);
        let (asks, tells): (SocketAddr, SocketAddr) =
            ("0.0.0.0:68".parse().unwrap(), SocketAddr::new(ROUTER.into(), 67));
        let everyone = "255.255.255.255:67".parse().unwrap();
        let request = say::dhcp(say::DHCP_REQUEST, link.client, ip, PCS[pc]);
        let broadcast = Link { server: [0xff; 6], ..link.clone() };
        self.put(&broadcast, seconds, &[wire::from_client(packets::udp(asks, everyone, &request))]);
        let ack = say::dhcp(say::DHCP_ACK, link.client, ip, PCS[pc]);
        let to = SocketAddr::new(ip.into(), 68);
        self.put(&link, seconds, &[wire::from_server(packets::udp(tells, to, &ack))]);
        self.arp(&link, seconds, ip);
        let clock = SocketAddr::new(Ipv4Addr::new(203, 0, 113, 123).into(), 123);
        let client = SocketAddr::new(ip.into(), 123);
        let packets = [
            wire::from_client(packets::udp(client, clock, &say::ntp(3))),
            wire::from_server(packets::udp(clock, client, &say::ntp(4))),
        ];
        self.put(&link, seconds + 1, &packets);
        self.dns(pc, seconds + 2, "wpad.xa.example", say::A, &[]);
    }

    fn arp(&mut self, link: &Link, seconds: i64, ip: Ipv4Addr) {
        let (me, router) = ((link.client, ip), (ROUTER_MAC, ROUTER));
        let asks = say::arp(1, me, ([0; 6], ROUTER));
        let tells = say::arp(2, router, me);
        let time = NINE_O_CLOCK + seconds * SECOND + 300 * MILLISECOND;
        let bytes = wire::ethernet(link.client, [0xff; 6], &[], 0x0806, &asks);
        self.frames.push(Frame { time, bytes });
        let bytes = wire::ethernet(ROUTER_MAC, link.client, &[], 0x0806, &tells);
        self.frames.push(Frame { time: time + MILLISECOND, bytes });
    }

    /// Somebody opens a page: names first, then TLS or, one time in four, clear HTTP.
    fn visit(&mut self, pc: usize, seconds: i64, name: &str, ip: [u8; 4]) {
        self.resolve(pc, seconds, name, ip);
        self.dns(pc, seconds, name, say::HTTPS, &[Record::new(name, Data::Https(".".into()))]);
        let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0x100, 0, 0, 0, 0, u16::from(ip[3]));
        self.dns(pc, seconds, name, say::AAAA, &[Record::new(name, Data::Aaaa(v6))]);
        match self.noise.below(4) {
            0 => {
                let pages = ["/", "/style.css", "/tin-tuc?trang=2"];
                let requests = pages.map(|page| say::http_get(name, page));
                self.http(pc, seconds + 1, SocketAddr::new(ip.into(), 80), &requests);
            }
            1 => {
                let hello = say::Hello::new(name).post_quantum().bytes();
                self.tls(pc, seconds + 1, SocketAddr::new(ip.into(), 443), &hello, 24_000);
            }
            _ => {
                let bytes = 2_000 + self.noise.below(6_000) as usize;
                let server = SocketAddr::new(ip.into(), 443);
                self.tls(pc, seconds + 1, server, &say::client_hello(name), bytes);
            }
        }
    }

    /// All frames in the order of time, and what was planted, sorted.
    pub fn finish(mut self) -> (Vec<Frame>, Vec<Expected>) {
        self.frames.sort_by_key(|frame| frame.time);
        self.expected.sort();
        (self.frames, self.expected)
    }
}
