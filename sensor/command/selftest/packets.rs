//! Frames of the shortest conversations that show a name or an address. Checksums are left zero:
//! the sensor never drops on them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ring::{aead, hkdf};

use crate::observation::Kind;

/// Our PC in every conversation.
const PC4: Ipv4Addr = Ipv4Addr::new(192, 168, 77, 10);
const PC6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x10);
const PC_PORT: u16 = 50_123;
const TCP: u8 = 6;
const UDP: u8 = 17;
const SYN: u8 = 0x02;
const SYN_ACK: u8 = 0x12;
const ACK: u8 = 0x10;
/// Connection id and salt of QUIC version 1 (RFC 9001 5.2 and its appendix A).
const CONNECTION: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
const SALT: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad,
    0xcc, 0xbb, 0x7f, 0x0a,
];
/// A client's first QUIC datagram is at least so long (RFC 9000 14.1).
const QUIC_LENGTH: usize = 1200;

/// What is said, and by which name.
pub(super) enum Protocol {
    /// A DNS question in a datagram.
    DnsUdp(String),
    /// The same in a stream.
    DnsTcp(String),
    /// A ClientHello.
    Tls(String),
    /// A ClientHello in QUIC.
    Quic(String),
    /// A whole request head.
    Http(String),
    /// A request of HTTP/2 in clear, to this authority.
    Http2(String),
    /// A domain asked of a SOCKS 5 proxy.
    Socks(String),
    /// A TLS 1.2 server that shows this certificate.
    Certificate(&'static [u8]),
    /// What a client says first on a connection of no protocol that is read.
    Bytes(Vec<u8>),
    /// A connection attempt.
    Syn,
    /// A datagram.
    Udp,
    /// An echo request.
    Ping,
}

impl Protocol {
    pub(super) const fn label(&self) -> &'static str {
        match self {
            Self::DnsUdp(_) => "DNS/UDP",
            Self::DnsTcp(_) => "DNS/TCP",
            Self::Tls(_) => "TLS",
            Self::Quic(_) => "QUIC",
            Self::Http(_) => "HTTP/1",
            Self::Http2(_) => "HTTP/2",
            Self::Socks(_) => "SOCKS",
            Self::Certificate(_) => "TLS 1.2",
            Self::Bytes(_) => "TCP",
            Self::Syn => "TCP",
            Self::Udp => "UDP",
            Self::Ping => "ICMP",
        }
    }
}

/// Who says what to whom.
pub(super) struct Conversation {
    pub(super) protocol: Protocol,
    pub(super) server: IpAddr,
    pub(super) port: u16,
}

impl Conversation {
    /// Where the sensor has to see what is said.
    pub(super) const fn kind(&self) -> Kind {
        match &self.protocol {
            Protocol::DnsUdp(_) | Protocol::DnsTcp(_) => Kind::DnsQuery,
            Protocol::Tls(_) => Kind::TlsSni,
            Protocol::Quic(_) => Kind::QuicSni,
            Protocol::Http(_) | Protocol::Http2(_) => Kind::HttpHost,
            Protocol::Socks(_) => Kind::SocksHost,
            Protocol::Certificate(_) => Kind::TlsCertSha1,
            Protocol::Bytes(_) => Kind::Behaviour,
            Protocol::Syn | Protocol::Udp | Protocol::Ping => Kind::Ip,
        }
    }

    /// Its frames in order, on Ethernet.
    pub(super) fn frames(&self) -> Vec<Vec<u8>> {
        match &self.protocol {
            Protocol::DnsUdp(name) => vec![self.datagram(&dns(name))],
            Protocol::DnsTcp(name) => {
                let message = dns(name);
                self.stream(&[&length16(&message)[..], &message].concat(), &[])
            }
            Protocol::Tls(name) => self.stream(&handshake(&hello(name)), &[]),
            Protocol::Certificate(certificate) => {
                let asked = handshake(&hello("host.test"));
                let mut frames = self.stream(&asked, &[]);
                let flight = handshake(&server(certificate));
                let numbers = (5001, 1001 + asked.len() as u32);
                frames.push(self.segment(false, ACK, numbers, &flight));
                frames
            }
            Protocol::Quic(name) => quic(name).iter().map(|d| self.datagram(d)).collect(),
            Protocol::Http(head) => self.stream(head.as_bytes(), &[]),
            Protocol::Http2(authority) => self.stream(&http2(authority), &[]),
            Protocol::Bytes(bytes) => self.stream(bytes, &[]),
            Protocol::Socks(name) => {
                let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
                let request = [&[5, 1, 0, 3, length][..], name.as_bytes(), &[1, 187]].concat();
                self.stream(&[5, 1, 0], &request)
            }
            Protocol::Syn => vec![self.segment(true, SYN, (1, 0), &[])],
            Protocol::Udp => vec![self.datagram(&[0; 8])],
            Protocol::Ping => {
                let (protocol, kind) = if self.server.is_ipv4() { (1, 8) } else { (58, 128) };
                vec![self.packet(true, protocol, &[kind, 0, 0, 0, 0, 1, 0, 1])]
            }
        }
    }

    fn datagram(&self, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u16).saturating_add(8).to_be_bytes();
        let [from, to] = [PC_PORT.to_be_bytes(), self.port.to_be_bytes()];
        self.packet(true, UDP, &[&from[..], &to, &length, &[0, 0], payload].concat())
    }

    /// The handshake and what the client says; with `then`, after two bytes of the server.
    fn stream(&self, first: &[u8], then: &[u8]) -> Vec<Vec<u8>> {
        let mut frames = vec![
            self.segment(true, SYN, (1000, 0), &[]),
            self.segment(false, SYN_ACK, (5000, 1001), &[]),
            self.segment(true, ACK, (1001, 5001), &[]),
            self.segment(true, ACK, (1001, 5001), first),
        ];
        if !then.is_empty() {
            let next = 1001 + first.len() as u32;
            frames.push(self.segment(false, ACK, (5001, next), &[5, 0]));
            frames.push(self.segment(true, ACK, (next, 5003), then));
        }
        frames
    }

    fn segment(&self, client: bool, flags: u8, numbers: (u32, u32), payload: &[u8]) -> Vec<u8> {
        let (mine, theirs) = match client {
            true => (PC_PORT, self.port),
            false => (self.port, PC_PORT),
        };
        let (sequence, acknowledged) = numbers;
        let head = [
            &mine.to_be_bytes()[..],
            &theirs.to_be_bytes(),
            &sequence.to_be_bytes(),
            &acknowledged.to_be_bytes(),
            &[0x50, flags, 0xfa, 0xf0, 0, 0, 0, 0],
            payload,
        ];
        self.packet(client, TCP, &head.concat())
    }

    fn packet(&self, client: bool, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let length = payload.len() as u16;
        let (ethertype, header) = match self.server {
            IpAddr::V4(server) => {
                let (from, to) = if client { (PC4, server) } else { (server, PC4) };
                let total = length.saturating_add(20).to_be_bytes();
                let rest = [0, 1, 0x40, 0, 64, protocol, 0, 0];
                let addresses = [from.octets(), to.octets()].concat();
                ([8, 0], [&[0x45, 0][..], &total, &rest, &addresses].concat())
            }
            IpAddr::V6(server) => {
                let (from, to) = if client { (PC6, server) } else { (server, PC6) };
                let addresses = [from.octets(), to.octets()].concat();
                let head = [&[0x60, 0, 0, 0][..], &length.to_be_bytes(), &[protocol, 64]].concat();
                ([0x86, 0xdd], [head, addresses].concat())
            }
        };
        let pc = [2, 0, 0, 0, 0, 0x10];
        let router = [2, 0, 0, 0, 0, 1];
        let macs = if client { [router, pc] } else { [pc, router] };
        [&macs.concat()[..], &ethertype, &header, payload].concat()
    }
}

fn length16(bytes: &[u8]) -> [u8; 2] {
    (bytes.len() as u16).to_be_bytes()
}

/// A question for the address of a name.
fn dns(name: &str) -> Vec<u8> {
    let mut message = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap_or(0));
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

/// A ClientHello of TLS 1.3 (RFC 8446 4.1.2) with a server name (RFC 6066 3).
fn hello(name: &str) -> Vec<u8> {
    let name = name.as_bytes();
    let entry = [&[0][..], &length16(name), name].concat();
    let list = [&length16(&entry)[..], &entry].concat();
    let server_name = [&[0, 0][..], &length16(&list), &list].concat();
    let versions = [0, 43, 0, 3, 2, 3, 4];
    let extensions = [&server_name[..], &versions].concat();
    let body =
        [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 0x01, 1, 0], &length16(&extensions), &extensions]
            .concat();
    [&[1, 0][..], &length16(&body), &body].concat()
}

/// A record of handshake messages (RFC 8446 5.1).
fn handshake(messages: &[u8]) -> Vec<u8> {
    [&[0x16, 3, 1][..], &length16(messages), messages].concat()
}

/// ServerHello and Certificate of TLS 1.2 (RFC 5246 7.4), the chain of one certificate.
fn server(certificate: &[u8]) -> Vec<u8> {
    let three = |length: usize| [0, (length >> 8) as u8, length as u8];
    let hello = [&[3, 3][..], &[9; 32], &[0, 0xc0, 0x2f, 0]].concat();
    let entry = [&three(certificate.len())[..], certificate].concat();
    let list = [&three(entry.len())[..], &entry].concat();
    [&[2][..], &three(hello.len()), &hello, &[11], &three(list.len()), &list].concat()
}

/// Preface, settings and the header block of a GET (RFC 9113 3.4, RFC 7541 6.2.2): method, path
/// and scheme by their numbers in the static table, the authority as it is.
fn http2(authority: &str) -> Vec<u8> {
    let length = u8::try_from(authority.len()).unwrap_or(u8::MAX);
    // Lengths from 127 on take a second byte (RFC 7541 5.1).
    let length = if length < 127 { vec![length] } else { vec![127, length - 127] };
    let block = [&[0x82, 0x84, 0x86, 0x01][..], &length, authority.as_bytes()].concat();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let head = [&[0][..], &length16(&block), &[1, 5, 0, 0, 0, 1]].concat();
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..], &head, &block].concat()
}

/// A length of key material.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand-Label of TLS 1.3 without context (RFC 8446 7.1).
fn expand<const N: usize>(secret: &hkdf::Prk, label: &str) -> Option<[u8; N]> {
    let label = format!("tls13 {label}");
    let info = [&(N as u16).to_be_bytes()[..], &[label.len() as u8], label.as_bytes(), &[0]];
    let mut out = [0; N];
    secret.expand(&info, Length(N)).ok()?.fill(&mut out).ok()?;
    Some(out)
}

/// A client's first datagram of QUIC version 1; none if a cipher fails, which then shows as a
/// protocol that is not read.
fn quic(name: &str) -> Option<Vec<u8>> {
    let initial = hkdf::Salt::new(hkdf::HKDF_SHA256, &SALT).extract(&CONNECTION);
    let client: [u8; 32] = expand(&initial, "client in")?;
    let client = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &client);
    let key: [u8; 16] = expand(&client, "quic key")?;
    // Packet number 0 leaves it as it is.
    let nonce: [u8; 12] = expand(&client, "quic iv")?;
    let mask_key: [u8; 16] = expand(&client, "quic hp")?;
    let hello = hello(name);
    let crypto = [&[6, 0][..], &(0x4000 | hello.len() as u16).to_be_bytes(), &hello].concat();
    let head = [&[0xc0, 0, 0, 0, 1, 8][..], &CONNECTION, &[0, 0]].concat();
    let mut plain = crypto;
    plain.resize(QUIC_LENGTH.checked_sub(head.len() + 3 + 16)?.max(plain.len()), 0);
    let length = (0x4000 | (plain.len() as u16 + 17)).to_be_bytes();
    let mut header = [&head[..], &length, &[0]].concat();
    let sealing = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_128_GCM, &key).ok()?);
    let nonce = aead::Nonce::assume_unique_for_key(nonce);
    sealing.seal_in_place_append_tag(nonce, aead::Aad::from(&header), &mut plain).ok()?;
    let sample = plain.get(3..19)?;
    let protection = aead::quic::HeaderProtectionKey::new(&aead::quic::AES_128, &mask_key).ok()?;
    let [first, second, ..] = protection.new_mask(sample).ok()?;
    *header.first_mut()? ^= first & 0x0f;
    *header.last_mut()? ^= second;
    Some([header, plain].concat())
}
