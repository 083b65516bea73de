//! What the malware says, as documented, and what honest programs say that comes near: client and
//! server bytes for each behaviour of the sensor's table. Addresses are from documentation ranges
//! except where a behaviour is about one address.

pub mod near_misses;
pub mod spoken;

use std::net::{Ipv4Addr, SocketAddr};

use super::packets::{self, Order, Packet, Speaker, TcpConversation};
use super::wire::{self, Frame};

/// A server on the Internet.
pub const OUTSIDE: &str = "198.51.100.7";
/// A server in the office.
pub const INSIDE: &str = "192.168.7.7";

/// One conversation.
#[derive(Clone, Debug)]
pub struct Scene {
    /// What it is, for the test's message.
    pub label: String,
    server: SocketAddr,
    turns: Vec<(Speaker, Vec<u8>)>,
    udp: bool,
    mid_stream: bool,
    /// So many turns at the start are missing from the capture.
    lost: usize,
}

impl Scene {
    /// A TCP conversation in which nothing is said yet.
    pub fn tcp(label: &str, server: &str, port: u16) -> Self {
        Self {
            label: label.to_owned(),
            server: SocketAddr::new(server.parse().unwrap(), port),
            turns: Vec::new(),
            udp: false,
            mid_stream: false,
            lost: 0,
        }
    }

    /// Questions to the office's resolver.
    pub fn dns(label: &str, names: &[String]) -> Self {
        let question = |name: &String| {
            (Speaker::Client, super::conversations::dns_query(7, name, super::conversations::TXT))
        };
        let turns = names.iter().map(question).collect();
        Self { udp: true, turns, ..Self::tcp(label, "192.168.7.1", 53) }
    }

    /// The client says.
    #[must_use]
    pub fn client(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.turns.push((Speaker::Client, bytes.as_ref().to_vec()));
        self
    }

    /// The server says.
    #[must_use]
    pub fn server(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.turns.push((Speaker::Server, bytes.as_ref().to_vec()));
        self
    }

    /// The capture began after the handshake.
    #[must_use]
    pub fn mid_stream(mut self) -> Self {
        self.mid_stream = true;
        self
    }

    /// The capture paused during the first turns.
    #[must_use]
    pub fn lost(mut self, turns: usize) -> Self {
        self.lost = turns;
        self
    }

    fn conversation(&self, client: Ipv4Addr, cut: Cut, turns: usize) -> TcpConversation {
        let client = SocketAddr::new(client.into(), 50_000);
        let mut all = TcpConversation::new(client, self.server).segment(cut.segment);
        all = if self.mid_stream { all.mid_stream() } else { all };
        for (speaker, bytes) in self.turns.iter().take(turns) {
            all = match speaker {
                Speaker::Client => all.client(bytes),
                Speaker::Server => all.server(bytes),
            };
        }
        all.order(cut.order)
    }

    /// Its packets, with this client and cut like this.
    pub fn packets(&self, client: Ipv4Addr, cut: Cut) -> Vec<Packet> {
        if self.udp {
            let client = SocketAddr::new(client.into(), 50_000);
            let ask = |(_, bytes): &(Speaker, Vec<u8>)| {
                wire::from_client(packets::udp(client, self.server, bytes))
            };
            return self.turns.iter().map(ask).collect();
        }
        let mut all = self.conversation(client, cut, usize::MAX).packets();
        if self.lost > 0 {
            let until = self.conversation(client, cut, self.lost).packets().len();
            all.drain(3..until);
        }
        all
    }
}

/// How conversations are cut into segments.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Bytes of a segment, at most.
    pub segment: usize,
    /// Order within a turn.
    pub order: Order,
}

/// Frames of all scenes, each with a client of its own: `10.0.x.y`, by its place in the list.
pub fn frames(scenes: &[&Scene], cut: Cut) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for (number, scene) in scenes.iter().enumerate() {
        let time = wire::NINE_O_CLOCK + number as i64 * wire::SECOND;
        let packets = scene.packets(client_of(number), cut);
        frames.extend(wire::frames(&wire::Link::plain(), &packets, time, 1_000));
    }
    frames
}

/// The client of a scene.
pub fn client_of(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, (number / 250) as u8, (number % 250 + 1) as u8)
}

/// A net.tcp preamble: version, mode duplex, via, known encoding, then `rest`.
pub fn net_tcp(via: &str, rest: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 1, 0, 1, 2, 2, via.len() as u8];
    bytes.extend(via.as_bytes());
    bytes.extend([3, 8]);
    bytes.extend(rest);
    bytes
}

/// A sized envelope of binary XML whose string table holds these texts.
pub fn envelope(texts: &[&str]) -> Vec<u8> {
    let mut body = vec![0x56, 2, 0x0b, 1, 0x73, 4];
    for text in texts {
        body.push(text.len() as u8);
        body.extend(text.as_bytes());
    }
    body.extend([1, 1, 1]);
    let mut bytes = vec![6];
    if body.len() < 128 {
        bytes.push(body.len() as u8);
    } else {
        bytes.extend([(body.len() & 127) as u8 | 128, (body.len() >> 7) as u8]);
    }
    bytes.extend(body);
    bytes
}

/// A request: its line, header lines and body.
pub fn request(line: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{line} HTTP/1.1\r\n");
    for header in headers {
        head += header;
        head += "\r\n";
    }
    if !body.is_empty() {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    [format!("{head}\r\n").as_bytes(), body].concat()
}

/// A response of a type with a body.
pub fn response(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A fake TLS record: mark, size, noise.
pub fn marked(mark: [u8; 3], size: usize) -> Vec<u8> {
    let mut bytes = mark.to_vec();
    bytes.extend((size as u16).to_be_bytes());
    bytes.extend(super::Noise::new(size as u64).bytes(size));
    bytes
}

/// Bytes written with two letters from a to p each.
pub fn two_letters(bytes: &[u8]) -> String {
    let letter = |half: u8| char::from(b'a' + half);
    bytes.iter().flat_map(|byte| [letter(byte >> 4), letter(byte & 15)]).collect()
}

/// A bitmap file's beginning.
pub fn bitmap() -> Vec<u8> {
    let mut bytes = b"BM\x36\x10\x0e\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bytes.resize(600, 0x55);
    bytes
}

/// A compound file's beginning (MSI, old Office documents).
pub fn compound() -> Vec<u8> {
    let mut bytes = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    bytes.resize(700, 0);
    bytes
}
