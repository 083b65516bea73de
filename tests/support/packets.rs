//! IP packets: headers with right checksums, and the TCP conversation that carries two sides'
//! bytes in any order, with or without its beginning. Knows no link layer and no application.

use std::net::{IpAddr, SocketAddr};

/// TCP flag bits.
pub const FIN: u8 = 0x01;
/// See [`FIN`].
pub const SYN: u8 = 0x02;
/// See [`FIN`].
pub const RST: u8 = 0x04;
/// See [`FIN`].
pub const PSH: u8 = 0x08;
/// See [`FIN`].
pub const ACK: u8 = 0x10;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP6: u8 = 58;

/// Who sent a packet of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The one who opened it.
    Client,
    /// The one who answers.
    Server,
}

/// An IP packet and who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Who sent it.
    pub from: Speaker,
    /// From the IP header on.
    pub bytes: Vec<u8>,
}

/// The internet checksum (RFC 1071) of all parts laid end to end; only the last may be odd.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u32;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The checksum of a transport segment with the pseudo header of its addresses.
fn transport_checksum(source: IpAddr, destination: IpAddr, protocol: u8, segment: &[u8]) -> u16 {
    let mut pseudo = Vec::new();
    for ip in [source, destination] {
        match ip {
            IpAddr::V4(ip) => pseudo.extend(ip.octets()),
            IpAddr::V6(ip) => pseudo.extend(ip.octets()),
        }
    }
    pseudo.extend((segment.len() as u32).to_be_bytes());
    pseudo.extend([0, 0, 0, protocol]);
    checksum(&[&pseudo, segment])
}

/// An IP packet, version 4 or 6 as the addresses say. Panics when they differ.
pub fn ip(source: IpAddr, destination: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let mut header = vec![0x45, 0];
            header.extend((20 + payload.len() as u16).to_be_bytes());
            header.extend([0x12, 0x34, 0x40, 0, 64, protocol, 0, 0]);
            header.extend(source.octets());
            header.extend(destination.octets());
            let sum = checksum(&[&header]);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            header.extend(payload);
            header
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let mut header = vec![0x60, 0, 0, 0];
            header.extend((payload.len() as u16).to_be_bytes());
            header.extend([protocol, 64]);
            header.extend(source.octets());
            header.extend(destination.octets());
            header.extend(payload);
            header
        }
        _ => panic!("{source} and {destination} are of different versions"),
    }
}

/// A UDP datagram in its IP packet.
pub fn udp(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    datagram.extend(source.port().to_be_bytes());
    datagram.extend(destination.port().to_be_bytes());
    datagram.extend((8 + payload.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    let sum = match transport_checksum(source.ip(), destination.ip(), UDP, &datagram) {
        0 => 0xffff, // zero would say "none" (RFC 768)
        sum => sum,
    };
    datagram[6..8].copy_from_slice(&sum.to_be_bytes());
    ip(source.ip(), destination.ip(), UDP, &datagram)
}

/// What a TCP header says beside its ports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp {
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number, sent with [`ACK`] only.
    pub acknowledgement: u32,
    /// Flag bits.
    pub flags: u8,
}

/// A TCP segment in its IP packet. A SYN carries a maximum segment size option.
pub fn tcp(source: SocketAddr, destination: SocketAddr, tcp: Tcp, payload: &[u8]) -> Vec<u8> {
    let options: &[u8] = if tcp.flags & SYN != 0 { &[2, 4, 0x05, 0xb4] } else { &[] };
    tcp_with(source, destination, tcp, options, payload)
}

/// The same with these options, a multiple of four bytes.
pub fn tcp_with(
    source: SocketAddr,
    destination: SocketAddr,
    tcp: Tcp,
    options: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend(source.port().to_be_bytes());
    segment.extend(destination.port().to_be_bytes());
    segment.extend(tcp.sequence.to_be_bytes());
    let acknowledged = if tcp.flags & ACK == 0 { 0 } else { tcp.acknowledgement };
    segment.extend(acknowledged.to_be_bytes());
    segment.extend([(((20 + options.len()) / 4) << 4) as u8, tcp.flags, 0xfa, 0xf0, 0, 0, 0, 0]);
    segment.extend(options);
    segment.extend(payload);
    let sum = transport_checksum(source.ip(), destination.ip(), TCP, &segment);
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
    ip(source.ip(), destination.ip(), TCP, &segment)
}

/// Makes a TCP segment over IPv4 say that its byte before this offset is urgent; its checksum
/// stays right.
pub fn set_urgent(packet: &mut [u8], pointer: u16) {
    packet[20 + 13] |= 0x20;
    packet[20 + 18..20 + 20].copy_from_slice(&pointer.to_be_bytes());
    packet[20 + 16..20 + 18].fill(0);
    let end =
        |at: usize| IpAddr::from([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]]);
    let sum = transport_checksum(end(12), end(16), TCP, &packet[20..]);
    packet[36..38].copy_from_slice(&sum.to_be_bytes());
}

/// An echo request or its reply ("ping"), ICMP or ICMPv6 as the addresses say.
pub fn icmp_echo(source: IpAddr, destination: IpAddr, reply: bool, sequence: u16) -> Vec<u8> {
    let (protocol, kind) = match (source, reply) {
        (IpAddr::V4(_), false) => (ICMP, 8),
        (IpAddr::V4(_), true) => (ICMP, 0),
        (IpAddr::V6(_), false) => (ICMP6, 128),
        (IpAddr::V6(_), true) => (ICMP6, 129),
    };
    let mut message = vec![kind, 0, 0, 0, 0, 1];
    message.extend(sequence.to_be_bytes());
    message.extend(b"abcdefghijklmnopqrstuvwabcdefghi");
    let sum = match protocol {
        ICMP => checksum(&[&message]),
        _ => transport_checksum(source, destination, ICMP6, &message),
    };
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    ip(source, destination, protocol, &message)
}

/// Makes the transport checksum of a TCP or UDP packet wrong, as a sending host's own capture
/// has it. The payload stays as it is. Knows no IPv6 extension headers.
pub fn spoil_checksum(packet: &mut [u8]) {
    let (transport, protocol) = match packet[0] >> 4 {
        4 => (usize::from(packet[0] & 15) * 4, packet[9]),
        _ => (40, packet[6]),
    };
    let at = transport + if protocol == TCP { 16 } else { 6 };
    packet[at] ^= 0x5a;
    packet[at + 1] ^= 0xa5;
}

/// In which order the segments of one turn are seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As sent.
    #[default]
    AsSent,
    /// The last first.
    Reversed,
    /// Each one twice.
    Duplicated,
    /// Each repeats up to eight bytes of the one before it.
    Overlapping,
}

/// A TCP conversation, turn by turn, that is then cut into packets.
///
/// ```ignore
/// let packets = TcpConversation::new(client, server)
///     .client(&hello).server(&answer)
///     .segment(500).order(Order::Reversed)
///     .packets();
/// ```
#[derive(Clone, Debug)]
pub struct TcpConversation {
    client: SocketAddr,
    server: SocketAddr,
    turns: Vec<(Speaker, Vec<u8>)>,
    segment: usize,
    cuts: Vec<usize>,
    order: Order,
    handshake: bool,
    fin: bool,
    only: Option<Speaker>,
    wrong_checksums: bool,
    sequence: [u32; 2],
}

impl TcpConversation {
    /// Nothing said yet; handshake, in order, 1,448 bytes a segment, left open.
    pub fn new(client: SocketAddr, server: SocketAddr) -> Self {
        Self {
            client,
            server,
            turns: Vec::new(),
            segment: 1448,
            cuts: Vec::new(),
            order: Order::AsSent,
            handshake: true,
            fin: false,
            only: None,
            wrong_checksums: false,
            sequence: [0x1000_0000, 0x2000_0000],
        }
    }

    /// The client says these bytes.
    #[must_use]
    pub fn client(mut self, bytes: &[u8]) -> Self {
        self.turns.push((Speaker::Client, bytes.to_vec()));
        self
    }

    /// The server says these bytes.
    #[must_use]
    pub fn server(mut self, bytes: &[u8]) -> Self {
        self.turns.push((Speaker::Server, bytes.to_vec()));
        self
    }

    /// At most so many bytes a segment.
    #[must_use]
    pub fn segment(mut self, bytes: usize) -> Self {
        self.segment = bytes;
        self
    }

    /// The first turn is cut at these offsets, whatever the segment size.
    #[must_use]
    pub fn cut_at(mut self, offsets: &[usize]) -> Self {
        self.cuts = offsets.to_vec();
        self
    }

    /// The order of the segments within each turn.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Without the handshake: the capture began later.
    #[must_use]
    pub fn mid_stream(mut self) -> Self {
        self.handshake = false;
        self
    }

    /// Both sides close at the end.
    #[must_use]
    pub fn fin(mut self) -> Self {
        self.fin = true;
        self
    }

    /// The mirror shows one direction only.
    #[must_use]
    pub fn only(mut self, speaker: Speaker) -> Self {
        self.only = Some(speaker);
        self
    }

    /// Every segment has a wrong checksum.
    #[must_use]
    pub fn wrong_checksums(mut self) -> Self {
        self.wrong_checksums = true;
        self
    }

    /// Sequence numbers of the two SYNs, for streams that wrap.
    #[must_use]
    pub fn initial_sequence(mut self, client: u32, server: u32) -> Self {
        self.sequence = [client, server];
        self
    }

    /// All of it, as IP packets in the order a mirror port shows them.
    pub fn packets(&self) -> Vec<Packet> {
        let mut sent = Sender { ends: self, next: self.sequence, packets: Vec::new() };
        if self.handshake {
            sent.segment(Speaker::Client, SYN, &[]);
            sent.segment(Speaker::Server, SYN | ACK, &[]);
            sent.segment(Speaker::Client, ACK, &[]);
        } else {
            sent.next = sent.next.map(|next| next.wrapping_add(1));
        }
        for (number, (speaker, bytes)) in self.turns.iter().enumerate() {
            sent.turn(*speaker, bytes, if number == 0 { &self.cuts } else { &[] });
        }
        if self.fin {
            sent.segment(Speaker::Client, FIN | ACK, &[]);
            sent.segment(Speaker::Server, FIN | ACK, &[]);
            sent.segment(Speaker::Client, ACK, &[]);
        }
        sent.packets.retain(|packet| self.only.is_none_or(|only| only == packet.from));
        sent.packets
    }

    /// Where each segment of a turn begins and ends.
    fn pieces(&self, length: usize, cuts: &[usize]) -> Vec<(usize, usize)> {
        let mut pieces = Vec::new();
        let mut from = 0;
        for end in cuts.iter().copied().filter(|cut| *cut < length).chain([length]) {
            while from < end {
                let to = end.min(from + self.segment);
                pieces.push((from, to));
                from = to;
            }
        }
        match self.order {
            Order::AsSent => {}
            Order::Reversed => pieces.reverse(),
            Order::Duplicated => pieces = pieces.into_iter().flat_map(|p| [p, p]).collect(),
            Order::Overlapping => {
                pieces =
                    pieces.into_iter().map(|(from, to)| (from.saturating_sub(8), to)).collect();
            }
        }
        pieces
    }
}

/// The sequence numbers while packets are made.
struct Sender<'a> {
    ends: &'a TcpConversation,
    next: [u32; 2],
    packets: Vec<Packet>,
}

impl Sender<'_> {
    /// One turn: its segments, then the other side's acknowledgement.
    fn turn(&mut self, speaker: Speaker, bytes: &[u8], cuts: &[usize]) {
        let start = self.next[speaker as usize];
        for (from, to) in self.ends.pieces(bytes.len(), cuts) {
            self.next[speaker as usize] = start.wrapping_add(from as u32);
            let flags = if to == bytes.len() { PSH | ACK } else { ACK };
            self.segment(speaker, flags, &bytes[from..to]);
        }
        self.next[speaker as usize] = start.wrapping_add(bytes.len() as u32);
        let listener = match speaker {
            Speaker::Client => Speaker::Server,
            Speaker::Server => Speaker::Client,
        };
        self.segment(listener, ACK, &[]);
    }

    /// One segment at the speaker's sequence number, which then moves on.
    fn segment(&mut self, speaker: Speaker, flags: u8, payload: &[u8]) {
        let (mine, theirs) = (speaker as usize, 1 - speaker as usize);
        let header = Tcp { sequence: self.next[mine], acknowledgement: self.next[theirs], flags };
        let (source, destination) = match speaker {
            Speaker::Client => (self.ends.client, self.ends.server),
            Speaker::Server => (self.ends.server, self.ends.client),
        };
        let mut bytes = tcp(source, destination, header, payload);
        if self.ends.wrong_checksums {
            spoil_checksum(&mut bytes);
        }
        let length = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        self.next[mine] = self.next[mine].wrapping_add(length);
        self.packets.push(Packet { from: speaker, bytes });
    }
}

/// Makes the first byte of an IPv4 header's TTL or an IPv6 header's hop limit say `hops`, with a
/// right header checksum.
pub fn set_hops(packet: &mut [u8], hops: u8) {
    if packet[0] >> 4 == 6 {
        packet[7] = hops;
        return;
    }
    packet[8] = hops;
    packet[10..12].fill(0);
    let sum = checksum(&[&packet[..20]]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// One fragment of an IP packet: bytes `from..to` of what follows its header. `from` is a
/// multiple of eight. IPv4 without options, IPv6 without extension headers.
pub fn fragment(packet: &[u8], id: u16, (from, to): (usize, usize), payload: &[u8]) -> Vec<u8> {
    let six = packet[0] >> 4 == 6;
    let header = if six { 40 } else { 20 };
    let more = u16::from(to < packet.len() - header);
    let mut fragment = packet[..header].to_vec();
    if six {
        let length = (to - from + 8) as u16;
        fragment[4..6].copy_from_slice(&length.to_be_bytes());
        fragment[6] = 44;
        fragment.extend([packet[6], 0]);
        fragment.extend((from as u16 | more).to_be_bytes());
        fragment.extend([0, 0]);
        fragment.extend(id.to_be_bytes());
    } else {
        let length = (to - from + 20) as u16;
        fragment[2..4].copy_from_slice(&length.to_be_bytes());
        fragment[4..6].copy_from_slice(&id.to_be_bytes());
        let place = (from as u16 / 8) | (more << 13);
        fragment[6..8].copy_from_slice(&place.to_be_bytes());
        fragment[10..12].fill(0);
        let sum = checksum(&[&fragment]);
        fragment[10..12].copy_from_slice(&sum.to_be_bytes());
    }
    fragment.extend(&payload[from..to]);
    fragment
}
