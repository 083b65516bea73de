//! The same packet twice, because a mirror port copies it where it enters and where it leaves.
//!
//! A packet is a repeat only if every byte of it but time to live and checksum is the same, within
//! a moment. What a sender repeats of its own accord differs in its identification (IPv4) or
//! comes later than this moment. Nothing is missed for it: a repeat is only not counted again, and
//! the worker still gives its bytes to the reassembly, which knows what it has. Link addresses and
//! VLAN tags are not looked at: they are what differs between the copies. Used on interfaces only.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;

use crate::frame::{Frame, LinkType};
use crate::net::Timestamp;

/// Copies come within this time, in nanoseconds, where an identification tells packets apart.
const WINDOW: u64 = 10_000_000;
/// And within this, where there is none (IPv6, or IPv4 identification 0).
const SHORT_WINDOW: u64 = 1_000_000;
/// Packets remembered, a power of two; a newer one takes the place of an older.
const PLACES: usize = 4096;
/// The part of a packet that is enough to suspect a repeat: an IPv4 header and the ports, numbers
/// and checksum of TCP. Where options or IPv6 leave less of them, more is suspected.
const BEGINNING: usize = 48;
/// After a suspicion whole packets are compared for so long, in nanoseconds of packet time.
/// Until then a mirror without repeats costs the beginning of each packet only.
const SUSPICION: u64 = 10_000_000_000;

const ETHERNET: LinkType = LinkType(1);

/// Packets of the last moment.
pub(super) struct Duplicates {
    /// Hash of a packet and when it came.
    seen: Box<[(u64, Timestamp)]>,
    /// What the hash is made with; drawn at random, so that nobody can craft packets that collide.
    secrets: [u64; 3],
    /// When a repeat was last seen; long ago, if none was.
    suspected: Timestamp,
}

impl Default for Duplicates {
    fn default() -> Self {
        let random = RandomState::default();
        Self {
            seen: vec![(0, Timestamp::default()); PLACES].into(),
            secrets: [1_u8, 2, 3].map(|number| random.hash_one(number)),
            suspected: Timestamp::default(),
        }
    }
}

impl Duplicates {
    /// Has this packet just been here?
    pub(super) fn is_repeat(&mut self, frame: &Frame<'_>) -> bool {
        let Some(packet) = ip_packet(frame) else { return false };
        let suspicious = frame.time.since(self.suspected) < SUSPICION;
        let compared = match suspicious {
            true => packet,
            false => packet.get(..BEGINNING).unwrap_or(packet),
        };
        let Some(hash) = self.hash(compared, packet.len(), suspicious) else { return false };
        let window = if is_numbered(packet) { WINDOW } else { SHORT_WINDOW };
        let Some(place) = self.seen.get_mut(hash as usize % PLACES) else { return false };
        let same = place.0 == hash && frame.time.since(place.1) <= window && frame.time >= place.1;
        *place = (hash, frame.time);
        if same {
            self.suspected = frame.time;
        }
        // The first repeat is let through: only its beginning was compared.
        same && suspicious
    }

    /// Of everything but what a router changes. Sixteen bytes a multiplication, with secret
    /// factors: a general hasher took twice the instructions.
    fn hash(&self, compared: &[u8], length: usize, whole: bool) -> Option<u64> {
        let [before, between, after] = self.secrets;
        let (first, rest) = compared.split_first_chunk::<BLOCK>()?;
        let kept = if first.first()? >> 4 == 4 { KEPT_IPV4 } else { KEPT_IPV6 };
        let start = before ^ length as u64 ^ u64::from(whole) << 63;
        let mut sum = mixed(start, between, u128::from_le_bytes(*first) & kept);
        let (blocks, end) = rest.as_chunks::<BLOCK>();
        for block in blocks {
            sum = mixed(sum, between, u128::from_le_bytes(*block));
        }
        if !end.is_empty() {
            let mut padded = [0; BLOCK];
            padded.get_mut(..end.len())?.copy_from_slice(end);
            sum = mixed(sum, between, u128::from_le_bytes(padded));
        }
        Some(mixed(sum, after, 0))
    }
}

/// Bytes hashed at once.
const BLOCK: usize = 16;
/// Of an IPv4 header's first bytes: all but time to live and checksum, bytes 8 and 10 to 11.
const KEPT_IPV4: u128 = !(0xff << 64 | 0xffff << 80);
/// Of an IPv6 header's: all but the hop limit, byte 7.
const KEPT_IPV6: u128 = !(0xff << 56);

/// Folds a block into a sum.
const fn mixed(sum: u64, secret: u64, block: u128) -> u64 {
    let product = (sum ^ block as u64) as u128 * (secret ^ (block >> 64) as u64) as u128;
    product as u64 ^ (product >> 64) as u64
}

/// The IP packet of an Ethernet frame behind any VLAN tags, without the frame's padding.
fn ip_packet<'a>(frame: &Frame<'a>) -> Option<&'a [u8]> {
    if frame.link != ETHERNET {
        return None;
    }
    let (mut kind, mut rest) = frame.data.get(12..)?.split_first_chunk::<2>()?;
    for _ in 0..4 {
        match u16::from_be_bytes(*kind) {
            0x8100 | 0x88a8 | 0x9100 => (kind, rest) = rest.get(2..)?.split_first_chunk::<2>()?,
            0x0800 => {
                let total = usize::from(u16::from_be_bytes(*rest.get(2..)?.first_chunk()?));
                return rest.get(..total.max(20)).or(Some(rest));
            }
            0x86dd => {
                let payload = usize::from(u16::from_be_bytes(*rest.get(4..)?.first_chunk()?));
                return rest.get(..payload + 40).or(Some(rest));
            }
            _ => return None,
        }
    }
    None
}

/// Does it carry an identification that its sender counts up?
fn is_numbered(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first >> 4 == 4) && packet.get(4..6) != Some(&[0, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACS: [u8; 12] = [2; 12];

    fn ipv4(id: u8, ttl: u8, payload: &[u8]) -> Vec<u8> {
        let total = 20 + payload.len() as u8;
        let mut packet = vec![0x45, 0, 0, total, 0, id, 0, 0, ttl, 17, ttl, ttl];
        packet.extend([192, 0, 2, 1, 198, 51, 100, 1]);
        packet.extend(payload);
        packet
    }

    fn ethernet(tags: &[u16], kind: u16, packet: &[u8]) -> Vec<u8> {
        let mut frame = MACS.to_vec();
        for tag in tags {
            frame.extend([0x81, 0]);
            frame.extend(tag.to_be_bytes());
        }
        frame.extend(kind.to_be_bytes());
        frame.extend(packet);
        frame
    }

    fn repeats(frames: &[(u64, Vec<u8>)]) -> Vec<bool> {
        let mut duplicates = Duplicates::default();
        let show = |(micros, data): &(u64, Vec<u8>)| {
            duplicates.is_repeat(&Frame {
                time: Timestamp::new(1_000, *micros as u32 * 1000),
                link: ETHERNET,
                wire_length: data.len() as u32,
                data,
                number: 1,
                stripped_vlan: None,
            })
        };
        frames.iter().map(show).collect()
    }

    /// A repeat that wakes the suspicion, long before the packets a test is about.
    fn woken(frames: &[(u64, Vec<u8>)]) -> Vec<bool> {
        let first = ethernet(&[], 0x800, &ipv4(9, 64, b"wake"));
        let mut all = vec![(0, first.clone()), (10, first)];
        all.extend(frames.iter().map(|(micros, data)| (micros + 500_000, data.clone())));
        repeats(&all).split_off(2)
    }

    #[test]
    fn a_copy_that_was_routed_and_tagged_is_a_repeat() {
        let inside = ethernet(&[], 0x800, &ipv4(7, 64, b"same"));
        let outside = ethernet(&[5], 0x800, &ipv4(7, 63, b"same"));
        assert_eq!(woken(&[(0, inside.clone()), (40, outside)]), [false, true]);
        assert_eq!(woken(&[(0, inside.clone()), (11_000, inside)]), [false, false], "too late");
    }

    #[test]
    fn the_first_repeat_passes_and_those_after_it_do_not() {
        let frame = |id| ethernet(&[], 0x800, &ipv4(id, 64, b"x"));
        let twice = [(0, frame(1)), (5, frame(1)), (10, frame(2)), (15, frame(2))];
        assert_eq!(repeats(&twice), [false, false, false, true]);
    }

    #[test]
    fn a_byte_or_an_identification_makes_it_another_packet() {
        let long = |last| ethernet(&[], 0x800, &ipv4(7, 64, &[&[1; 150][..], &[last]].concat()));
        assert_eq!(woken(&[(0, long(1)), (5, long(2)), (9, long(1))]), [false, false, true]);
        let resent = |id| ethernet(&[], 0x800, &ipv4(id, 64, b"again"));
        assert_eq!(woken(&[(0, resent(1)), (5, resent(2))]), [false, false]);
    }

    #[test]
    fn without_an_identification_only_the_next_moment_counts() {
        let frame = ethernet(&[], 0x800, &ipv4(0, 64, b"x"));
        let late = [(0, frame.clone()), (900, frame.clone()), (5_000, frame)];
        assert_eq!(woken(&late), [false, true, false]);
        let mut six = vec![0x60, 0, 0, 0, 0, 4, 17, 64];
        six.extend([0x20; 32]);
        six.extend(b"data");
        let mut routed = six.clone();
        routed[7] = 63;
        let pair = [(0, ethernet(&[], 0x86dd, &six)), (30, ethernet(&[3, 4], 0x86dd, &routed))];
        assert_eq!(woken(&pair), [false, true]);
    }

    #[test]
    fn padding_is_not_part_of_a_packet_and_damage_is_no_repeat() {
        let plain = ethernet(&[], 0x800, &ipv4(7, 64, b"x"));
        let padded = [&plain[..], &[0; 20]].concat();
        assert_eq!(woken(&[(0, plain.clone()), (5, padded)]), [false, true]);
        for length in 0..plain.len() {
            let cut = plain[..length].to_vec();
            assert!(
                ip_packet(&Frame {
                    time: Timestamp::default(),
                    link: ETHERNET,
                    wire_length: 0,
                    data: &cut,
                    number: 1,
                    stripped_vlan: None,
                })
                .is_none_or(|packet| packet.len() <= length)
            );
        }
    }
}
