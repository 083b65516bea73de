//! What hosts say: DNS messages, TLS hellos, HTTP, DHCP, ARP, NTP, as bytes. No headers below.

use super::Noise;
use super::wire::Mac;
use std::net::{Ipv4Addr, Ipv6Addr};

/// DNS types by their number.
pub const A: u16 = 1;
/// See [`A`].
pub const CNAME: u16 = 5;
/// See [`A`].
pub const TXT: u16 = 16;
/// See [`A`].
pub const AAAA: u16 = 28;
/// See [`A`].
pub const HTTPS: u16 = 65;

/// A name in wire form, uncompressed. Labels above 63 bytes are not for this function.
pub fn wire_name(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.trim_end_matches('.').split('.').filter(|label| !label.is_empty()) {
        wire.push(u8::try_from(label.len()).expect("a label fits its length byte"));
        wire.extend(label.as_bytes());
    }
    wire.push(0);
    wire
}

/// A record of an answer.
#[derive(Clone, Debug)]
pub struct Record {
    /// Owner name; a pointer to the question is written when it equals the name asked for.
    pub owner: String,
    /// Type and data.
    pub data: Data,
}

/// The data of a [`Record`].
#[derive(Clone, Debug)]
pub enum Data {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// Another name.
    Cname(String),
    /// A service binding of priority 1 with an `alpn` parameter (RFC 9460).
    Https(String),
    /// Anything else: type and bytes.
    Other(u16, Vec<u8>),
}

impl Record {
    /// A record of this owner.
    pub fn new(owner: &str, data: Data) -> Self {
        Self { owner: owner.to_owned(), data }
    }

    fn write(&self, question: &str, message: &mut Vec<u8>) {
        if self.owner == question {
            message.extend([0xc0, 12]);
        } else {
            message.extend(wire_name(&self.owner));
        }
        let (kind, data) = match &self.data {
            Data::A(ip) => (A, ip.octets().to_vec()),
            Data::Aaaa(ip) => (AAAA, ip.octets().to_vec()),
            Data::Cname(name) => (CNAME, wire_name(name)),
            Data::Https(target) => {
                let mut data = vec![0, 1];
                data.extend(wire_name(target));
                data.extend([0, 1, 0, 3, 2, b'h', b'2']);
                (HTTPS, data)
            }
            Data::Other(kind, data) => (*kind, data.clone()),
        };
        message.extend(kind.to_be_bytes());
        message.extend([0, 1, 0, 0, 1, 44]);
        message.extend((data.len() as u16).to_be_bytes());
        message.extend(data);
    }
}

/// A DNS query with recursion desired.
pub fn dns_query(id: u16, name: &str, kind: u16) -> Vec<u8> {
    dns_message(id, 0x0100, (name, kind), &[])
}

/// Its answer. No records: the name does not exist (NXDOMAIN).
pub fn dns_answer(id: u16, name: &str, kind: u16, records: &[Record]) -> Vec<u8> {
    dns_message(id, if records.is_empty() { 0x8183 } else { 0x8180 }, (name, kind), records)
}

/// A DNS message of one question.
pub fn dns_message(id: u16, flags: u16, question: (&str, u16), records: &[Record]) -> Vec<u8> {
    let (name, kind) = question;
    let mut message = Vec::new();
    for word in [id, flags, 1, records.len() as u16, 0, 0] {
        message.extend(word.to_be_bytes());
    }
    message.extend(wire_name(name));
    message.extend(kind.to_be_bytes());
    message.extend([0, 1]);
    for record in records {
        record.write(name, &mut message);
    }
    message
}

/// A DNS message as TCP carries it, behind its length.
pub fn dns_over_tcp(message: &[u8]) -> Vec<u8> {
    let mut framed = (message.len() as u16).to_be_bytes().to_vec();
    framed.extend(message);
    framed
}

/// A TLS ClientHello being put together.
#[derive(Clone, Debug)]
pub struct Hello {
    names: Vec<String>,
    grease: bool,
    ech: bool,
    key_share: usize,
    padding: usize,
    record: usize,
}

impl Hello {
    /// A TLS 1.3 hello for a server name, in one record.
    pub fn new(name: &str) -> Self {
        let names = vec![name.to_owned()];
        Self { names, grease: false, ech: false, key_share: 32, padding: 0, record: 16_384 }
    }

    /// A hello without `server_name`.
    pub fn nameless() -> Self {
        Self { names: Vec::new(), ..Self::new("") }
    }

    /// With several names in its `server_name` extension.
    #[must_use]
    pub fn names(mut self, names: &[&str]) -> Self {
        self.names = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// With reserved extensions before and after the others (RFC 8701).
    #[must_use]
    pub fn grease(mut self) -> Self {
        self.grease = true;
        self
    }

    /// With an encrypted ClientHello, or a dummy of one: nobody on the way can tell (RFC 9849).
    #[must_use]
    pub fn ech(mut self) -> Self {
        self.ech = true;
        self
    }

    /// With a key share of X25519MLKEM768 (1,216 bytes) and a session ticket in front of
    /// `server_name`, as a browser that shuffles its extensions may order them: the name then
    /// stands behind the first 1,448 bytes.
    #[must_use]
    pub fn post_quantum(mut self) -> Self {
        self.key_share = 1216;
        self
    }

    /// With a padding extension of so many bytes.
    #[must_use]
    pub fn padding(mut self, bytes: usize) -> Self {
        self.padding = bytes;
        self
    }

    /// In TLS records of at most so many bytes.
    #[must_use]
    pub fn record_size(mut self, bytes: usize) -> Self {
        self.record = bytes;
        self
    }

    /// The bytes on the wire, with their record headers.
    pub fn bytes(&self) -> Vec<u8> {
        let body = self.body();
        let mut handshake = vec![1];
        handshake.extend(&(body.len() as u32).to_be_bytes()[1..]);
        handshake.extend(body);
        handshake.chunks(self.record).flat_map(|part| record(22, 0x0301, part)).collect()
    }

    fn body(&self) -> Vec<u8> {
        let mut noise = Noise::new(self.names.first().map_or(7, |name| name.len() as u64));
        let mut body = vec![3, 3];
        body.extend(noise.bytes(32));
        body.push(32);
        body.extend(noise.bytes(32));
        body.extend([0, 8, 0x13, 1, 0x13, 2, 0x13, 3, 0xc0, 0x2f, 1, 0]);
        let extensions = self.extensions(&mut noise);
        body.extend((extensions.len() as u16).to_be_bytes());
        body.extend(extensions);
        body
    }

    fn extensions(&self, noise: &mut Noise) -> Vec<u8> {
        let group: u16 = if self.key_share == 32 { 0x001d } else { 0x11ec };
        let mut share = (self.key_share as u16 + 4).to_be_bytes().to_vec();
        share.extend(group.to_be_bytes());
        share.extend((self.key_share as u16).to_be_bytes());
        share.extend(noise.bytes(self.key_share));
        let mut groups = vec![0, 2];
        groups.extend(group.to_be_bytes());
        let mut all = if self.grease { extension(0x3a3a, &[]) } else { Vec::new() };
        all.extend(extension(51, &share));
        if group == 0x11ec {
            all.extend(extension(35, &noise.bytes(192))); // a session ticket, as on a return visit
        }
        all.extend(extension(10, &groups));
        all.extend(extension(13, &[0, 4, 4, 3, 8, 4]));
        all.extend(extension(16, b"\x00\x0c\x02h2\x08http/1.1"));
        if !self.names.is_empty() {
            let length = self.names.iter().map(|name| name.len() + 3).sum::<usize>() as u16;
            let mut list = length.to_be_bytes().to_vec();
            for name in &self.names {
                list.push(0);
                list.extend((name.len() as u16).to_be_bytes());
                list.extend(name.as_bytes());
            }
            all.extend(extension(0, &list));
        }
        all.extend(extension(43, &[2, 3, 4]));
        if self.ech {
            // Outer, HKDF-SHA256 with AES-128-GCM, a configuration, a key, a payload.
            let mut offer = vec![0, 0, 1, 0, 1, 7, 0, 32];
            offer.extend(noise.bytes(32));
            offer.extend([0, 144]);
            offer.extend(noise.bytes(144));
            all.extend(extension(0xfe0d, &offer));
        }
        if self.padding > 0 {
            all.extend(extension(21, &vec![0; self.padding]));
        }
        if self.grease {
            all.extend(extension(0xdada, &[0]));
        }
        all
    }
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = kind.to_be_bytes().to_vec();
    bytes.extend((data.len() as u16).to_be_bytes());
    bytes.extend(data);
    bytes
}

/// A ClientHello for a name, plain and in one record.
pub fn client_hello(name: &str) -> Vec<u8> {
    Hello::new(name).bytes()
}

/// One TLS record.
pub fn record(kind: u8, version: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(version.to_be_bytes());
    bytes.extend((payload.len() as u16).to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A TLS 1.3 server's first flight: ServerHello, then encrypted bytes.
pub fn server_flight(noise: &mut Noise, encrypted: usize) -> Vec<u8> {
    let mut hello = vec![2, 0, 0, 78, 3, 3];
    hello.extend(noise.bytes(32));
    hello.push(32);
    hello.extend(noise.bytes(32));
    hello.extend([0x13, 1, 0, 0, 6, 0, 43, 0, 2, 3, 4]);
    let mut flight = record(22, 0x0303, &hello);
    flight.extend([20, 3, 3, 0, 1, 1]);
    flight.extend(application_data(noise, encrypted));
    flight
}

/// Encrypted TLS records that carry so many bytes.
pub fn application_data(noise: &mut Noise, bytes: usize) -> Vec<u8> {
    let data = noise.bytes(bytes);
    data.chunks(16_000).flat_map(|part| record(23, 0x0303, part)).collect()
}

/// A `GET` of HTTP/1.1 as a browser sends it, connection kept.
pub fn http_get(host: &str, target: &str) -> Vec<u8> {
    format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0; \
         Win64; x64)\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n"
    )
    .into_bytes()
}

/// A `POST` of HTTP/1.1.
pub fn http_post(host: &str, target: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut request = format!(
        "POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    request.extend(body);
    request
}

/// A `200 OK` with a body.
pub fn http_ok(body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    answer.extend(body);
    answer
}

/// DHCP message types (option 53).
pub const DHCP_REQUEST: u8 = 3;
/// See [`DHCP_REQUEST`].
pub const DHCP_ACK: u8 = 5;

/// A DHCP message about a client: UDP payload for ports 68 and 67.
pub fn dhcp(kind: u8, client: Mac, address: Ipv4Addr, host: &str) -> Vec<u8> {
    let reply = kind == DHCP_ACK;
    let mut message = vec![if reply { 2 } else { 1 }, 1, 6, 0];
    message.extend([0x57, 0x41, client[4], client[5]]);
    message.extend([0; 8]); // secs, flags, ciaddr
    message.extend(if reply { address.octets() } else { [0; 4] });
    message.extend([0; 8]); // siaddr, giaddr
    message.extend(client);
    message.extend([0; 10 + 64 + 128]);
    message.extend([99, 130, 83, 99, 53, 1, kind]);
    if !reply {
        message.extend([50, 4]);
        message.extend(address.octets());
        message.extend([12, host.len() as u8]);
        message.extend(host.as_bytes());
        message.extend(b"\x3c\x08MSFT 5.0");
    }
    message.push(255);
    message.resize(message.len().max(300), 0);
    message
}

/// An ARP request (`operation` 1) or reply (2): payload of ethertype 0x0806.
pub fn arp(operation: u16, sender: (Mac, Ipv4Addr), target: (Mac, Ipv4Addr)) -> Vec<u8> {
    let mut message = vec![0, 1, 8, 0, 6, 4];
    message.extend(operation.to_be_bytes());
    for (mac, ip) in [sender, target] {
        message.extend(mac);
        message.extend(ip.octets());
    }
    message
}

/// An NTP message of 48 bytes: mode 3 asks, mode 4 answers.
pub fn ntp(mode: u8) -> Vec<u8> {
    let mut message = vec![0x20 | mode, 2, 6, 0xec];
    message.resize(48, 0);
    message
}

/// The preamble of a net.tcp channel (MC-NMF): version, mode, via, encoding, end. RedLine's
/// clients open with one.
pub fn net_tcp_preamble(via: &str) -> Vec<u8> {
    let mut preamble = vec![0, 1, 0, 1, 2, 2, via.len() as u8];
    preamble.extend(via.as_bytes());
    preamble.extend([3, 8, 12]);
    preamble
}
