//! Which variant of pcap a file is, where its header does not say: the one whose record headers
//! make sense.
//!
//! Some systems put more into a record's header without saying so. Whoever reads such a file as
//! plain pcap takes the middle of a frame for the next header. So the first records are read as
//! each variant would write them, and the standard one wins unless another explains more of them.

use super::pcap_format::{Doubt, Layout, PcapFormat, word};

/// Records looked at.
const RECORDS: usize = 8;
/// A sound record holds no more bytes than this, and was no longer than that on the wire.
const MOST_CAPTURED: u32 = 256 * 1024;
const MOST_ON_THE_WIRE: u32 = 128 * 1024 * 1024;

/// A record that was cut follows the one before within a day, in seconds.
const DAY: u32 = 86_400;
/// Bytes that settle it in any case.
pub(crate) const ENOUGH: usize = 64 * 1024;

/// How well bytes fit a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    /// Records before the first that makes no sense.
    sound: usize,
    /// There is none that makes no sense, and where the file ends, a record ends.
    is_whole: bool,
    /// What is left begins like another record: it was cut.
    is_begun: bool,
    /// Bytes behind the last record, too few for another's header.
    left: usize,
}

/// The variant that fits best what follows the file header; `None` if nothing fits and the magic
/// says nothing better. `at_end` says that no more bytes follow.
pub(crate) fn settle(format: &PcapFormat, bytes: &[u8], at_end: bool) -> Option<PcapFormat> {
    let mut best: Option<((usize, bool), PcapFormat)> = None;
    for candidate in candidates(format) {
        let Fit { sound, is_whole, is_begun, left } = fit(&candidate, bytes, at_end);
        // Frames of nothing but zeros look like headers of records without bytes: what ends where
        // a record of the expected variant ends is of that variant.
        let is_plain = is_whole && left == 0 && (at_end || sound > 1) && best.is_none();
        let is_whole = is_whole || is_begun && best.is_none();
        // A later one must fit better, not as well; and one record alone says little.
        let is_better = |(least, _)| (sound, is_whole) > least && (is_whole || sound > 1);
        if best.is_none_or(is_better) {
            best = Some(((sound, is_whole), candidate));
        }
        if is_plain {
            break;
        }
    }
    let ((sound, _), best) = best?;
    (sound > 0 || format.doubt != Doubt::Reserved)
        .then_some(PcapFormat { doubt: Doubt::None, ..best })
}

/// Does what is at hand fit the variant that the header lets expect? Then nothing more need be
/// read to settle it: a pipe may be silent for long.
pub(crate) fn fits_at_once(format: &PcapFormat, bytes: &[u8]) -> bool {
    let fit = fit(format, bytes, false);
    format.doubt != Doubt::Modified && fit.is_whole && (fit.left == 0 || fit.sound > 1)
}

/// Variants by how likely they are.
fn candidates(format: &PcapFormat) -> Vec<PcapFormat> {
    let of = |layout, record_header| PcapFormat { layout, record_header, ..*format };
    match format.doubt {
        Doubt::None => vec![*format],
        Doubt::Standard | Doubt::Reserved => vec![
            *format,
            of(Layout::Plain, 24), // interface, protocol, kind of packet
            of(Layout::Plain, 20), // Nokia's
            of(Layout::Wide, 24),
        ],
        // The second patch added the processor and room to 28 bytes, and the third left it out.
        Doubt::Modified => vec![of(Layout::Plain, 24), of(Layout::Plain, 28)],
    }
}

fn fit(format: &PcapFormat, bytes: &[u8], at_end: bool) -> Fit {
    let (mut at, mut sound, mut second) = (0, 0, 0);
    while sound < RECORDS {
        let rest = bytes.get(at..).unwrap_or(&[]);
        if rest.len() < format.record_header {
            break;
        }
        let Some(length) = sound_record(format, rest) else {
            return Fit { sound, is_whole: false, is_begun: false, left: 0 };
        };
        second = seconds(format, rest);
        at += length;
        sound += 1;
    }
    let rest = bytes.get(at..).unwrap_or(&[]);
    let is_begun = (1..4).contains(&rest.len()) || seconds(format, rest).abs_diff(second) <= DAY;
    let is_cut = sound < RECORDS && at != bytes.len();
    Fit { sound, is_whole: !at_end || !is_cut, is_begun, left: rest.len() }
}

/// The seconds at the front of a record.
fn seconds(format: &PcapFormat, bytes: &[u8]) -> u32 {
    word(bytes, 0, format.big_endian).unwrap_or(0)
}

/// Length of the record at the front, if its header makes sense.
fn sound_record(format: &PcapFormat, bytes: &[u8]) -> Option<usize> {
    let record = format.record(bytes)?;
    let word = |offset| word(bytes, offset, format.big_endian).unwrap_or(0);
    let fraction = match (format.layout, format.big_endian) {
        (Layout::Wide, true) => u64::from(word(8)) << 32 | u64::from(word(12)),
        (Layout::Wide, false) => u64::from(word(12)) << 32 | u64::from(word(8)),
        _ => u64::from(word(4)),
    };
    let late = format.layout == Layout::Wide && word(if format.big_endian { 0 } else { 4 }) != 0;
    let most = if format.nanoseconds { 1_000_000_000 } else { 1_000_000 };
    let is_sound = fraction < most
        && !late
        && record.captured <= MOST_CAPTURED
        && record.captured <= record.wire_length
        && record.wire_length <= MOST_ON_THE_WIRE;
    is_sound.then_some(format.record_header + record.captured as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: u32 = 0xa1b2_c3d4;

    fn header(magic: u32, big: bool) -> Vec<u8> {
        let w = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let h = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        [&w(magic)[..], &h(2), &h(4), &w(0), &w(0), &w(65_535), &w(1)].concat()
    }

    /// Records of frames that are full of small numbers, which look most like headers.
    fn records(big: bool, wide: bool, extra: usize, lengths: &[usize]) -> Vec<u8> {
        let w = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let wide_word = |v: u64| if big { v.to_be_bytes() } else { v.to_le_bytes() };
        let mut out = Vec::new();
        for (n, length) in lengths.iter().enumerate() {
            let (seconds, micros) = (1_700_000_000 + n as u32, n as u32 * 1000);
            if wide {
                out.extend(wide_word(seconds.into()));
                out.extend(wide_word(micros.into()));
            } else {
                out.extend([w(seconds), w(micros)].concat());
            }
            out.extend([w(*length as u32), w(*length as u32)].concat());
            out.resize(out.len() + extra, 0);
            out.extend((0..*length).map(|at| (at % 5) as u8));
        }
        out
    }

    fn settled(magic: u32, big: bool, bytes: &[u8]) -> Option<(Layout, usize)> {
        let format = PcapFormat::read(&header(magic, big)).unwrap();
        settle(&format, bytes, true).map(|format| (format.layout, format.record_header))
    }

    #[test]
    fn each_variant_is_known_by_its_records() {
        for big in [true, false] {
            for lengths in [&[60, 1500, 60][..], &[42], &[0, 7, 90]] {
                for (wide, extra, layout, length) in [
                    (false, 0, Layout::Plain, 16),
                    (false, 4, Layout::Plain, 20),
                    (false, 8, Layout::Plain, 24),
                    (true, 0, Layout::Wide, 24),
                ] {
                    let bytes = records(big, wide, extra, lengths);
                    let wanted = Some((layout, length));
                    assert_eq!(settled(MAGIC, big, &bytes), wanted, "{big} {lengths:?}");
                }
            }
            for extra in [8, 12] {
                let bytes = records(big, false, extra, &[60, 60, 90]);
                let wanted = Some((Layout::Plain, 16 + extra));
                assert_eq!(settled(0xa1b2_cd34, big, &bytes), wanted);
            }
        }
    }

    #[test]
    fn a_plain_file_stays_plain_whatever_is_wrong_with_it() {
        let mut bytes = records(false, false, 0, &[60, 60]);
        for damage in [[0xff_u8; 4], [0; 4]] {
            bytes[12..16].copy_from_slice(&damage); // its length on the wire
            assert_eq!(settled(MAGIC, false, &bytes), Some((Layout::Plain, 16)));
        }
        let noise: Vec<u8> = (0..2000_u32).map(|at| (at.wrapping_mul(40_503) >> 7) as u8).collect();
        for bytes in [&[][..], &[0; 10], &[0; 3000], &noise] {
            assert_eq!(settled(MAGIC, false, bytes), Some((Layout::Plain, 16)));
        }
        assert_eq!(settled(0xa12b_3c4d, false, &noise), None, "nobody knows what this is");
    }

    #[test]
    fn impossible_times_make_no_other_variant_of_a_plain_file() {
        for nanoseconds in [false, true] {
            let magic = if nanoseconds { 0xa1b2_3c4d } else { MAGIC };
            let mut bytes = records(false, false, 0, &[76, 76, 60]);
            for at in [4, 92 + 4] {
                bytes[at..at + 4].copy_from_slice(&1_000_000_000_u32.to_le_bytes());
                assert_eq!(settled(magic, false, &bytes), Some((Layout::Plain, 16)));
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_frames_of_a_plain_file_are_taken_for_plain(
            frames in proptest::collection::vec(proptest::collection::vec(0..4_u8, 0..90), 1..9),
            big: bool,
        ) {
            let mut bytes = Vec::new();
            for frame in &frames {
                let mut record = records(big, false, 0, &[frame.len()]);
                record.truncate(16);
                bytes.extend(record);
                bytes.extend(frame);
            }
            proptest::prop_assert_eq!(settled(MAGIC, big, &bytes), Some((Layout::Plain, 16)));
        }
    }
}
