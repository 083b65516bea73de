//! Frames and their times: puts IP packets on an invented Ethernet, tagged or not.

use super::packets::{Packet, Speaker};

/// 2024-06-18 09:00:00 at +07:00, in nanoseconds since the epoch: when captures of ours begin.
pub const NINE_O_CLOCK: i64 = 1_718_676_000_000_000_000;

/// One second in nanoseconds.
pub const SECOND: i64 = 1_000_000_000;

/// One millisecond in nanoseconds.
pub const MILLISECOND: i64 = 1_000_000;

/// A hardware address.
pub type Mac = [u8; 6];

/// A frame as captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// From the link header on.
    pub bytes: Vec<u8>,
}

/// A VLAN tag: its ethertype (0x8100, 0x88a8) and network number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Ethertype of the tag.
    pub ethertype: u16,
    /// VLAN number, 0 to 4,095.
    pub vlan: u16,
}

impl Tag {
    /// A plain 802.1Q tag.
    pub fn q(vlan: u16) -> Self {
        Self { ethertype: 0x8100, vlan }
    }

    /// The outer tag of QinQ (802.1ad).
    pub fn ad(vlan: u16) -> Self {
        Self { ethertype: 0x88a8, vlan }
    }
}

/// An Ethernet frame. The payload's ethertype is given; short frames are padded to 60 bytes.
pub fn ethernet(from: Mac, to: Mac, tags: &[Tag], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.extend(to);
    frame.extend(from);
    for tag in tags {
        frame.extend(tag.ethertype.to_be_bytes());
        frame.extend(tag.vlan.to_be_bytes());
    }
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame.resize(frame.len().max(60), 0);
    frame
}

/// The ethertype of an IP packet, by its version.
pub fn ethertype_of(packet: &[u8]) -> u16 {
    if packet[0] >> 4 == 6 { 0x86dd } else { 0x0800 }
}

/// The Ethernet between a client and whoever answers (its router).
#[derive(Clone, Debug)]
pub struct Link {
    /// The client's hardware address.
    pub client: Mac,
    /// The other one.
    pub server: Mac,
    /// VLAN tags, outermost first.
    pub tags: Vec<Tag>,
}

impl Link {
    /// An untagged link of two invented, locally administered addresses.
    pub fn plain() -> Self {
        Self { client: [2, 0, 0, 0, 0, 0x10], server: [2, 0, 0, 0, 0, 1], tags: Vec::new() }
    }

    /// The same link, with these tags.
    #[must_use]
    pub fn tagged(mut self, tags: &[Tag]) -> Self {
        self.tags = tags.to_vec();
        self
    }

    /// The frame of a packet.
    pub fn frame(&self, packet: &Packet) -> Vec<u8> {
        let (from, to) = match packet.from {
            Speaker::Client => (self.client, self.server),
            Speaker::Server => (self.server, self.client),
        };
        ethernet(from, to, &self.tags, ethertype_of(&packet.bytes), &packet.bytes)
    }
}

/// Frames of the packets, the first at `time`, then one every `gap` nanoseconds.
pub fn frames(link: &Link, packets: &[Packet], time: i64, gap: i64) -> Vec<Frame> {
    let times = (0..).map(|number| time + number * gap);
    packets.iter().zip(times).map(|(p, time)| Frame { time, bytes: link.frame(p) }).collect()
}

/// A packet of the client, for [`frames`].
pub fn from_client(bytes: Vec<u8>) -> Packet {
    Packet { from: Speaker::Client, bytes }
}

/// A packet of the server, for [`frames`].
pub fn from_server(bytes: Vec<u8>) -> Packet {
    Packet { from: Speaker::Server, bytes }
}

/// IP packets on a plain link, a millisecond apart from nine o'clock: what most tests want.
pub fn plain_frames(packets: &[Packet]) -> Vec<Frame> {
    frames(&Link::plain(), packets, NINE_O_CLOCK, MILLISECOND)
}
