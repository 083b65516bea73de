use std::io::{Cursor, Write};

use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

const ALL: [Packing; 4] = [Packing::Gzip, Packing::Zstd, Packing::Xz, Packing::Bzip2];

fn pack(packing: Packing, bytes: &[u8]) -> Vec<u8> {
    match packing {
        Packing::Gzip => {
            let level = flate2::Compression::fast();
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), level);
            packer.write_all(bytes).unwrap();
            packer.finish().unwrap()
        }
        Packing::Zstd => compress_to_vec(bytes, CompressionLevel::Fastest),
        Packing::Xz => {
            let options = lzma_rust2::XzOptions::with_preset(0);
            let mut packer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
            packer.write_all(bytes).unwrap();
            packer.finish().unwrap()
        }
        Packing::Bzip2 => {
            let level = bzip2::Compression::fast();
            let mut packer = bzip2::write::BzEncoder::new(Vec::new(), level);
            packer.write_all(bytes).unwrap();
            packer.finish().unwrap()
        }
    }
}

/// What comes out before the end or the damage, and the damage.
fn unpack(packed: &[u8]) -> (Vec<u8>, Option<String>) {
    let packing = Packing::of(packed).expect("it is known by its first bytes");
    let mut reader = packing.unpack(Window::new(Box::new(Cursor::new(packed.to_vec()))));
    let (mut out, mut block) = (Vec::new(), vec![0; 10_000]);
    loop {
        match reader.read(&mut block) {
            Ok(0) => return (out, None),
            Ok(length) => out.extend_from_slice(&block[..length]),
            Err(error) => return (out, Some(crate::capture::describe(&error))),
        }
    }
}

/// Half of it packs well.
fn sample(length: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|at| if at / 512 % 2 == 0 { next() } else { (at / 100) as u8 }).collect()
}

#[test]
fn whatever_is_packed_comes_out_whole() {
    for length in [0, 1, 5000, 700_000] {
        let bytes = sample(length);
        for packing in ALL {
            let packed = pack(packing, &bytes);
            assert_eq!(Packing::of(&packed), Some(packing));
            assert!(unpack(&packed) == (bytes.clone(), None), "{packing:?} {length}");
        }
    }
}

#[test]
fn members_one_after_the_other_are_one_stream() {
    let bytes = sample(50_000);
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 5, 0, 0, 0][..], b"size!"].concat();
    for packing in ALL {
        let mut packed = Vec::new();
        for part in bytes.chunks(15_000) {
            if packing == Packing::Zstd {
                packed.extend(&skipped);
            }
            packed.extend(pack(packing, part));
            if packing == Packing::Xz {
                packed.extend([0; 8]); // padding between streams
            }
        }
        assert!(unpack(&packed) == (bytes.clone(), None), "{packing:?}");
    }
}

#[test]
fn what_stands_before_a_cut_comes_out_and_the_cut_is_said() {
    let bytes = sample(2_000_000);
    for packing in ALL {
        let packed = pack(packing, &bytes);
        for tenths in [1, 5, 9] {
            let (out, end) = unpack(&packed[..packed.len() * tenths / 10]);
            assert_eq!(end.as_deref(), Some("its compressed data is cut short"), "{packing:?}");
            assert!(bytes.starts_with(&out), "{packing:?}");
            // A block that is not whole is lost; bzip2's, the largest, hold 100,000 bytes here.
            let least = (bytes.len() * tenths / 10).saturating_sub(200_000);
            assert!(out.len() >= least, "{packing:?} {tenths}: {} of {least}", out.len());
        }
        let (out, end) = unpack(&packed[..packed.len() - 1]);
        assert!(end.is_some() && bytes.starts_with(&out), "{packing:?}");
    }
}

#[test]
fn what_is_no_member_behind_the_last_is_damage_behind_everything() {
    let bytes = sample(20_000);
    for packing in ALL {
        let packed = [&pack(packing, &bytes)[..], b"and a letter behind it"].concat();
        let (out, end) = unpack(&packed);
        assert!(out == bytes, "{packing:?}");
        assert!(end.is_some_and(|end| end.contains("damaged")), "{packing:?}");
    }
}

#[test]
fn a_changed_byte_is_found_by_the_checksum() {
    let bytes = sample(20_000);
    let mut packed = pack(Packing::Zstd, &bytes);
    let last = packed.len() - 1;
    packed[last] ^= 1;
    let (out, end) = unpack(&packed);
    assert!(out == bytes);
    assert!(end.is_some_and(|end| end.contains("checksum")));
}

#[test]
fn a_window_of_gigabytes_is_refused_before_it_costs_memory() {
    // A frame whose window is 2 to the power of 31.
    let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8, 1, 0, 0];
    assert_eq!(unpack(&zstd), (Vec::new(), Some(TOO_MUCH.into())));
    // A block whose dictionary is 4 GiB less a byte; its header carries a checksum.
    let mut xz = pack(Packing::Xz, b"x");
    assert_eq!(xz[12..16], [2, 0, 0x21, 1], "block header: length, flags, LZMA2, length");
    xz[16] = 40;
    let mut sum = flate2::Crc::new();
    sum.update(&xz[12..20]);
    xz[20..24].copy_from_slice(&sum.sum().to_le_bytes());
    assert_eq!(unpack(&xz), (Vec::new(), Some(TOO_MUCH.into())));
}

#[test]
fn a_window_that_packers_take_by_themselves_is_accepted() {
    // 128 MiB, as `zstd --long` takes: 2 to the power of 27.
    let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0, 0x88, 9, 0, 0, b'x'];
    assert_eq!(unpack(&zstd), (b"x".to_vec(), None));
}

proptest! {
    #[test]
    fn damage_anywhere_neither_panics_nor_lends_what_never_ends(
        which in 0..4_usize,
        at in 0..4000_usize,
        change in 1..=255_u8,
    ) {
        let packing = ALL[which];
        let mut packed = pack(packing, &sample(9000));
        let at = 6 + at % (packed.len() - 6);
        packed[at] ^= change;
        let (out, _) = unpack(&packed);
        prop_assert!(out.len() < 10_000_000);
    }
}
