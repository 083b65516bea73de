//! What headers of frames tell of a mirror: who sends to whom, in which wrapping, whole or cut.
//!
//! Owns counts of the frames listened to, all bounded; reads no further than ports.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::BuildHasher;

use crate::alert::HomeNetworks;
use crate::capture::{Frame, LinkType};
use crate::net::{Address, Timestamp};

/// Frames remembered to recognise copies.
const REMEMBERED: usize = 64;
/// Longest frame of a plain Ethernet with tags; longer ones were put together by the interface.
const LONGEST: u32 = 1600;
/// Addresses remembered; packets of others are counted without one.
const ADDRESSES: usize = 4096;
/// What systems set as time to live: a packet that has one of these has passed no router.
const FRESH: [u8; 4] = [32, 64, 128, 255];
const ETHERNET: LinkType = LinkType(1);
const DNS: u16 = 53;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// Counts of what was seen.
#[derive(Debug, Default)]
pub(super) struct Frames {
    own: [u8; 6],
    home: HomeNetworks,
    recent: VecDeque<u64>,
    hasher: foldhash::fast::FixedState,
    ends: HashMap<Address, u64>,
    askers: HashSet<Address>,
    senders: HashSet<Address>,
    /// All.
    pub(super) all: u64,
    /// To a group: broadcast or multicast. An ordinary port shows these too.
    pub(super) group: u64,
    /// From one other machine to one other machine: what a mirror shows.
    pub(super) foreign: u64,
    /// The same bytes as one of the last frames.
    pub(super) copies: u64,
    /// With a VLAN tag.
    pub(super) tagged: u64,
    /// With a PPPoE session.
    pub(super) pppoe: u64,
    /// Foreign ones longer than any that a cable carries, and the longest.
    pub(super) merged: u64,
    pub(super) longest: u32,
    /// Shorter than the IP packet in them says.
    pub(super) sliced: u64,
    /// Foreign ones that carry IP.
    pub(super) packets: u64,
    /// Of these, from a host of ours to the outside; and those of them that a router passed on.
    pub(super) outward: u64,
    pub(super) routed: u64,
    /// DNS questions in clear.
    pub(super) questions: u64,
    /// When the last one passed, as the kernel stamped it.
    pub(super) last: Option<Timestamp>,
}

impl Frames {
    /// For an interface with this hardware address, as text, in an office with these networks.
    pub(super) fn new(address: &str, home: HomeNetworks) -> Self {
        let mut own = [0; 6];
        for (byte, text) in own.iter_mut().zip(address.split(':')) {
            *byte = u8::from_str_radix(text, 16).unwrap_or(0);
        }
        Self { own, home, ..Self::default() }
    }

    /// Takes in one frame.
    pub(super) fn take(&mut self, frame: &Frame<'_>) {
        self.all += 1;
        self.last = Some(frame.time);
        if frame.link != ETHERNET {
            // Nothing there says whose it is.
            self.foreign += 1;
            return;
        }
        let Some((ends, rest)) = frame.data.split_at_checked(12) else { return };
        let (to, from) = ends.split_at(6);
        if to.first().is_some_and(|first| first & 1 == 1) {
            self.group += 1;
            return;
        }
        if to == self.own || from == self.own {
            return;
        }
        self.foreign += 1;
        self.merged += u64::from(frame.wire_length > LONGEST);
        self.longest = self.longest.max(frame.wire_length);
        self.note_copy(frame.data);
        let inside = inside(rest);
        self.tagged += u64::from(inside.tagged || frame.stripped_vlan.is_some());
        self.pppoe += u64::from(inside.pppoe);
        if let Some(packet) = Packet::read(inside.packet) {
            self.packet(&packet);
        }
    }

    fn note_copy(&mut self, data: &[u8]) {
        let print = self.hasher.hash_one(data);
        self.copies += u64::from(self.recent.contains(&print));
        if self.recent.len() >= REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(print);
    }

    fn packet(&mut self, packet: &Packet) {
        self.packets += 1;
        self.sliced += u64::from(packet.is_sliced);
        let [source, destination] = packet.ends;
        for end in packet.ends {
            if self.ends.len() < ADDRESSES || self.ends.contains_key(&end) {
                *self.ends.entry(end).or_default() += 1;
            }
        }
        if packet.asks {
            self.questions += 1;
            if self.askers.len() < ADDRESSES {
                self.askers.insert(source);
            }
        }
        if self.home.contains(source) && !self.home.contains(destination) {
            self.outward += 1;
            if self.senders.len() < ADDRESSES {
                self.senders.insert(source);
            }
            self.routed += u64::from(!FRESH.contains(&packet.hops));
        }
    }

    /// The address that takes part in nearly every packet, if there is one, and there are enough
    /// others for that to mean something.
    pub(super) fn middle(&self) -> Option<Address> {
        let (address, packets) = self.ends.iter().max_by_key(|(_, packets)| **packets)?;
        let most = packets * 20 >= self.packets * 19;
        (most && self.ends.len() > 10).then_some(*address)
    }

    /// The only host of ours that sends to the outside, if there is one.
    pub(super) fn only_sender(&self) -> Option<Address> {
        self.senders.iter().next().copied().filter(|_| self.senders.len() == 1)
    }

    /// Is it an address of ours?
    pub(super) fn is_home(&self, address: Address) -> bool {
        self.home.contains(address)
    }

    /// How many hosts ask for names, and one of them.
    pub(super) fn askers(&self) -> (usize, Option<Address>) {
        (self.askers.len(), self.askers.iter().next().copied())
    }
}

/// What stands behind the hardware addresses.
struct Inside<'a> {
    tagged: bool,
    pppoe: bool,
    packet: &'a [u8],
}

/// Goes through tags and PPPoE to the IP packet; to nothing where there is none.
fn inside(mut rest: &[u8]) -> Inside<'_> {
    let mut inside = Inside { tagged: false, pppoe: false, packet: &[] };
    // Tags may be stacked; more than four nobody does.
    for _ in 0..5 {
        match rest {
            [0x81, 0, _, _, after @ ..]
            | [0x88, 0xa8, _, _, after @ ..]
            | [0x91, 0, _, _, after @ ..] => {
                inside.tagged = true;
                rest = after;
            }
            [0x08, 0, packet @ ..] | [0x86, 0xdd, packet @ ..] => {
                inside.packet = packet;
                return inside;
            }
            // A session (RFC 2516 4): six bytes, then the protocol of PPP.
            [0x88, 0x64, _, _, _, _, _, _, after @ ..] => {
                inside.pppoe = true;
                if let [0, 0x21, packet @ ..] | [0, 0x57, packet @ ..] = after {
                    inside.packet = packet;
                }
                return inside;
            }
            _ => return inside,
        }
    }
    inside
}

/// An IP header as far as it matters here.
struct Packet {
    ends: [Address; 2],
    hops: u8,
    /// Is less there than the header says?
    is_sliced: bool,
    /// Is it a question to a DNS server?
    asks: bool,
}

impl Packet {
    fn read(bytes: &[u8]) -> Option<Self> {
        match bytes.first()? >> 4 {
            4 => Self::v4(bytes),
            6 => Self::v6(bytes),
            _ => None,
        }
    }

    fn v4(bytes: &[u8]) -> Option<Self> {
        let (header, _) = bytes.split_first_chunk::<20>()?;
        let [first, _, t0, t1, _, _, f0, f1, hops, protocol, _, _, rest @ ..] = header;
        let [s0, s1, s2, s3, d0, d1, d2, d3] = rest;
        let total = usize::from(u16::from_be_bytes([*t0, *t1]));
        let starts = u16::from_be_bytes([*f0, *f1]) & 0x1fff == 0;
        let upper = bytes.get(usize::from(first & 15) * 4..).filter(|_| starts);
        Some(Self {
            ends: [Address::v4([*s0, *s1, *s2, *s3]), Address::v4([*d0, *d1, *d2, *d3])],
            hops: *hops,
            is_sliced: total > bytes.len(),
            asks: upper.is_some_and(|upper| is_question(*protocol, upper)),
        })
    }

    fn v6(bytes: &[u8]) -> Option<Self> {
        let (header, upper) = bytes.split_first_chunk::<40>()?;
        let [_, _, _, _, l0, l1, protocol, hops, ends @ ..] = header;
        let (source, rest) = ends.split_first_chunk::<16>()?;
        let destination = rest.first_chunk::<16>()?;
        Some(Self {
            ends: [Address::v6(*source), Address::v6(*destination)],
            hops: *hops,
            is_sliced: usize::from(u16::from_be_bytes([*l0, *l1])) > upper.len(),
            asks: is_question(*protocol, upper),
        })
    }
}

/// To port 53, from another one.
fn is_question(protocol: u8, upper: &[u8]) -> bool {
    let [s0, s1, d0, d1, ..] = upper else { return false };
    let ports = [u16::from_be_bytes([*s0, *s1]), u16::from_be_bytes([*d0, *d1])];
    matches!(protocol, TCP | UDP) && ports[1] == DNS && ports[0] != DNS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame between two others: tags and the like, then an IPv4 header and eight bytes of UDP.
    fn frame(wrapping: &[u8], source: [u8; 4], hops: u8, port: u16, total: u16) -> Vec<u8> {
        let [t0, t1] = total.to_be_bytes();
        let header = [0x45, 0, t0, t1, 0, 1, 0, 0, hops, 17, 0, 0];
        let udp = [&[0xc3, 0x50][..], &port.to_be_bytes(), &[0, 8, 0, 0]].concat();
        let ends = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 3];
        [&ends[..], wrapping, &header, &source, &[198, 51, 100, 1], &udp].concat()
    }

    fn taken(frames: &[Vec<u8>]) -> Frames {
        let mut counts = Frames::new("02:00:00:00:00:01", HomeNetworks::default());
        for data in frames {
            counts.take(&Frame {
                time: Timestamp::new(1, 0),
                link: ETHERNET,
                wire_length: data.len() as u32,
                data,
                number: 1,
                stripped_vlan: None,
            });
        }
        counts
    }

    #[test]
    fn tags_and_sessions_are_looked_through() {
        let plain = frame(&[8, 0], [192, 168, 1, 5], 64, 53, 28);
        let tagged = frame(&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 7, 8, 0], [192, 168, 1, 6], 64, 53, 28);
        let session = [0x81, 0, 0, 7, 0x88, 0x64, 0x11, 0, 0, 1, 0, 30, 0, 0x21];
        let session = frame(&session, [192, 168, 1, 7], 63, 443, 28);
        let counts = taken(&[plain, tagged, session]);
        assert_eq!((counts.foreign, counts.packets), (3, 3));
        assert_eq!((counts.tagged, counts.pppoe), (2, 1));
        assert_eq!((counts.outward, counts.routed), (3, 1));
        assert_eq!((counts.questions, counts.askers().0, counts.sliced), (2, 2, 0));
    }

    #[test]
    fn a_packet_that_is_longer_than_its_frame_was_sliced_and_padding_is_no_matter() {
        let whole = frame(&[8, 0], [192, 168, 1, 5], 64, 53, 28);
        let padded = [&whole[..], &[0; 18]].concat();
        let sliced = frame(&[8, 0], [192, 168, 1, 5], 64, 53, 1400);
        assert_eq!(taken(&[whole, padded, sliced]).sliced, 1);
    }

    #[test]
    fn groups_and_our_own_frames_are_no_mirror() {
        let mut own = frame(&[8, 0], [192, 168, 1, 5], 64, 53, 28);
        own[..6].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
        let mut group = own.clone();
        group[..6].copy_from_slice(&[0xff; 6]);
        let counts = taken(&[own, group]);
        assert_eq!((counts.all, counts.group, counts.foreign), (2, 1, 0));
    }

    #[test]
    fn the_address_in_every_packet_is_the_middle_if_there_are_many_others() {
        let from = |last| frame(&[8, 0], [203, 0, 113, last], 63, 443, 28);
        let all: Vec<_> = (0..20).map(from).collect();
        assert_eq!(taken(&all).middle(), Some(Address::v4([198, 51, 100, 1])));
        assert_eq!(taken(&all[..5]).middle(), None);
    }

    #[test]
    fn every_beginning_of_a_frame_is_survived() {
        let session = [0x81, 0, 0, 7, 0x88, 0x64, 0x11, 0, 0, 1, 0, 30, 0, 0x21];
        let whole = frame(&session, [192, 168, 1, 7], 63, 443, 28);
        for length in 0..whole.len() {
            taken(&[whole[..length].to_vec()]);
        }
    }
}
