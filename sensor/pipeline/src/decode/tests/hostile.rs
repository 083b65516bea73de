//! Whatever the bytes are, decoding ends, and cutting a frame never invents an address.

use crate::decode::decode;
use crate::decode::packet::{Decoded, Packet};
use crate::decode::test_bytes::*;
use crate::net::Address;
use proptest::prelude::*;

/// Link types that are decoded, and one that is not.
const LINKS: [u16; 53] = [
    0, 1, 6, 7, 8, 9, 10, 11, 12, 14, 50, 51, 101, 104, 105, 106, 107, 108, 109, 113, 117, 119,
    122, 123, 127, 129, 130, 132, 137, 138, 147, 163, 166, 178, 179, 180, 181, 182, 192, 204, 205,
    206, 228, 229, 239, 240, 242, 258, 274, 276, 281, 282, 284,
];

type Ends = (Address, Address);

fn ends(packet: &Packet<'_>) -> Ends {
    (packet.source.address, packet.destination.address)
}

/// The innermost packet's addresses, then the tunnels'.
fn all_ends(packet: &Packet<'_>) -> Vec<Ends> {
    let tunnels = packet.tunnels.as_slice().iter();
    let outer = tunnels.map(|tunnel| (tunnel.source.address, tunnel.destination.address));
    std::iter::once(ends(packet)).chain(outer).collect()
}

/// What a random frame is made of: layers that real frames have, in any order.
fn layer() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<Vec<u8>> = [
        "020000000001 020000000002 0800",
        "020000000001 020000000002 8100 0064 88a8 0064 86dd",
        "020000000001 020000000002 8847 00011140",
        "8864 1100 0001 0040 0021",
        "4500 0000 0000 0000 4004 0000 c0000201 c6336402",
        "4500 0000 0000 0000 402f 0000 c0000201 c6336402",
        "4500 0060 0000 0000 4011 0000 c0000201 c6336402 1000 12b5 0000 0000 08000000 00000100",
        "4500 0000 0000 0000 4006 0000 c0000201 c6336402 1000 01bb 0000",
        "6000 0000 0000 2c40 20010db8000000000000000000000001 20010db8000000000000000000000002",
        "0400 0000 00000001",
        "0000 6558",
        "1000 88be 00000001 1001 0001 00000000",
        "aaaa03 000000 0800",
        "0800 0000 020000000001 020000000002 020000000003 0000",
    ]
    .iter()
    .map(|text| hex(text))
    .collect();
    prop_oneof![
        8 => proptest::sample::select(pieces),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let structured = proptest::collection::vec(layer(), 0..9).prop_map(|layers| layers.concat());
    prop_oneof![structured, proptest::collection::vec(any::<u8>(), 0..200)]
}

proptest! {
    #[test]
    fn decoding_any_bytes_of_any_link_type_ends(
        link in proptest::sample::select(&LINKS[..]),
        data in bytes(),
        cut in 0_u32..2000,
    ) {
        let mut frame = frame(link, &data);
        frame.wire_length += cut;
        if let Ok(Decoded::Ip(packet)) = decode(&frame) {
            prop_assert!(packet.tunnels.as_slice().len() <= 4);
        }
    }

    #[test]
    fn cutting_a_frame_gives_the_same_addresses_or_outer_ones_or_none(
        link in proptest::sample::select(&[1_u16, 101, 127, 276][..]),
        data in bytes(),
        at in any::<proptest::sample::Index>(),
    ) {
        let whole = decode(&frame(link, &data));
        let mut cut = frame(link, &data[..at.index(data.len() + 1)]);
        cut.wire_length = u32::try_from(data.len()).unwrap();
        match (whole, decode(&cut)) {
            (_, Err(_)) | (Ok(Decoded::Arp { .. }), _) => {}
            (Ok(Decoded::Ip(whole)), Ok(Decoded::Ip(cut))) => {
                prop_assert!(
                    all_ends(&whole).contains(&ends(&cut)),
                    "{:?} became {:?}", whole, cut
                );
            }
            (whole, cut) => prop_assert!(false, "{:?} became {:?}", whole, cut),
        }
    }

    #[test]
    fn every_cut_of_a_real_frame_is_harmless(tags in 0_usize..4, at in 0_usize..120) {
        let inside = join(&[&hex("08000000 00000100"), &ether(0x0800, &inner())]);
        let mut payload = outer(17, &udp((50000, 4789), &inside));
        let mut kind = 0x0800_u16;
        for _ in 0..tags {
            payload = join(&[&[0, 7], &kind.to_be_bytes(), &payload]);
            kind = 0x8100;
        }
        let data = ether(kind, &payload);
        let whole = packet(1, &data);
        if let Ok(Decoded::Ip(cut)) = decode(&frame(1, &data[..at.min(data.len())])) {
            prop_assert!(all_ends(&whole).contains(&ends(&cut)));
        }
    }
}

#[test]
fn a_frame_of_nothing_but_nested_headers_ends_soon() {
    for pattern in ["88e7 00000001 020000000001 020000000002", "003d8000", "0002 01 04 00000001"] {
        let piece = hex(pattern);
        let data = piece.repeat(60_000 / piece.len());
        for link in LINKS {
            let _ = decode(&frame(link, &data));
            let ethernet = join(&[&TO, &FROM, &data]);
            let _ = decode(&frame(link, &ethernet));
        }
    }
}
