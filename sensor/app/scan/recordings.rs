//! Which captures are parts of one recording.
//!
//! A recorder that turns to a new file after so many bytes or seconds gives each a name that
//! differs from the others in numbers only: `tcpdump -C` (`x.pcap`, `x.pcap1`), `tcpdump -G`
//! (`x-20240101-120000.pcap`), dumpcap (`x_00001_20240101120000.pcapng`), Suricata
//! (`log.pcap.1704085200`), and whoever packs them afterwards. So captures of one directory whose
//! names are the same but for numbers are read in the order of their first packets, one after the
//! other. Whether one goes on where another ended, its time says ([`follows`]): names alone are not
//! enough.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::Input;
use crate::capture::file::CaptureFile;
use crate::net::Timestamp;

/// Captures that one thread reads, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// In the order of their first packets.
    pub captures: Vec<Input>,
}

/// When the packets of a capture were recorded: the first and the last that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

/// So much may the first packet of the next capture lie before the last of the one before, in
/// nanoseconds: recorders with several queues turn to a new file a little out of order. Never more
/// than half of the capture before.
const BEFORE: i64 = 2_000_000_000;
/// And so much behind: as long as a silent connection is remembered.
const BEHIND: i64 = 900_000_000_000;

/// May what begins at `first` be what goes on after a capture? What begins together with it is a
/// copy of it, or was recorded elsewhere. A capture without a packet ends nothing.
pub(super) fn follows(before: Option<Span>, first: Option<Timestamp>) -> bool {
    let (Some(before), Some(first)) = (before, first) else { return true };
    let since = |time: Timestamp| first.0.saturating_sub(time.0);
    let half = before.last.0.saturating_sub(before.first.0).max(0) / 2;
    since(before.first) > 0 && (-BEFORE.min(half)..=BEHIND).contains(&since(before.last))
}

/// Puts captures that may follow each other together. A recording stands where the first of its
/// captures stood.
pub fn recordings(inputs: Vec<Input>) -> Vec<Recording> {
    let mut all: Vec<Recording> = Vec::new();
    let (mut places, mut seen) = (HashMap::new(), HashSet::new());
    for input in inputs {
        // What is given twice is read twice, each time by itself.
        let is_new = seen.insert(input.clone());
        let series = Some(&input).filter(|_| is_new).and_then(series);
        let place: Option<usize> = series.as_ref().and_then(|series| places.get(series)).copied();
        if let Some(recording) = place.and_then(|place| all.get_mut(place)) {
            recording.captures.push(input);
            continue;
        }
        places.extend(series.map(|series| (series, all.len())));
        all.push(Recording { captures: vec![input] });
    }
    for recording in all.iter_mut().filter(|recording| recording.captures.len() > 1) {
        recording.captures.sort_by_cached_key(|input| (first_time(input), as_counted(input)));
    }
    all
}

/// What the parts of a recording have in common: directory, and name without numbers. A pipe is
/// part of nothing.
fn series(input: &Input) -> Option<(PathBuf, String)> {
    let Input::File(path) = input else { return None };
    if !path.is_file() {
        return None;
    }
    let name = path.file_name()?.to_str()?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or_else(|| Path::new(".")).canonicalize().ok()?;
    Some((directory, without_numbers(name)))
}

fn without_numbers(name: &str) -> String {
    let mut common = String::new();
    for letter in stem(name).chars() {
        match letter {
            '0'..='9' if common.ends_with('#') => {}
            '0'..='9' => common.push('#'),
            other => common.push(other),
        }
    }
    common
}

/// A file's name without what packers and recorders put behind it.
pub(super) fn stem(name: &str) -> &str {
    let lower = name.to_ascii_lowercase();
    let packed = [".gz", ".zst", ".zstd", ".xz", ".bz2"].iter().find(|end| lower.ends_with(**end));
    let mut stem = packed.and_then(|end| name.get(..name.len() - end.len())).unwrap_or(name);
    loop {
        let shorter = stem.trim_end_matches(|letter: char| letter.is_ascii_digit());
        if shorter.len() == stem.len() {
            return stem;
        }
        stem = shorter.trim_end_matches(['.', '-', '_', ':']);
    }
}

/// When the first packet of a capture was recorded. What is wrong with it is said when it is read.
fn first_time(input: &Input) -> Option<Timestamp> {
    let Input::File(path) = input else { return None };
    CaptureFile::open(path).ok()?.first_time().ok().flatten()
}

/// A name in pieces, each a number or text, that compare as people count: 9 before 10.
fn as_counted(input: &Input) -> Vec<(bool, usize, String)> {
    let mut pieces: Vec<(bool, usize, String)> = Vec::new();
    for letter in input.name().chars() {
        let is_digit = letter.is_ascii_digit();
        match pieces.last_mut() {
            Some((last, _, piece)) if *last == is_digit => piece.push(letter),
            _ => pieces.push((is_digit, 0, letter.into())),
        }
    }
    for (is_number, length, piece) in &mut pieces {
        if *is_number {
            *piece = piece.trim_start_matches('0').to_owned();
            *length = piece.len();
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_recording_are_known_by_their_names() {
        for parts in [
            &["trace.pcap", "trace.pcap1", "trace.pcap10", "trace.pcap2.gz"][..],
            &["trace.pcap00", "trace.pcap01.zst"],
            &["x-2024-01-01_12:00:00.pcap", "x-2024-01-01_12:05:00.pcap.xz"],
            &["x_00001_20240101120000.pcapng", "x_00002_20240101120500.pcapng"],
            &["log.pcap", "log.pcap.1704085200", "log.pcap.1704085300.bz2"],
            &["trace.pcap-20240101", "trace.pcap-20240102.gz", "trace.pcap"],
            &["1.pcap", "02.pcap"],
        ] {
            let common = without_numbers(parts[0]);
            assert!(parts.iter().all(|part| without_numbers(part) == common), "{parts:?}");
        }
        for (one, other) in [
            ("monday.pcap", "tuesday.pcap"),
            ("trace.pcap", "trace.pcapng"),
            ("host-a1.pcap", "host-b1.pcap"),
            ("trace.pcap", "trace-old.pcap"),
        ] {
            assert_ne!(without_numbers(one), without_numbers(other));
        }
    }

    #[test]
    fn numbers_in_names_are_counted_not_spelled() {
        let mut names = ["x.pcap10", "x.pcap", "x.pcap9", "x.pcap002", "x.pcap1"];
        names.sort_by_key(|name| as_counted(&Input::File(name.into())));
        assert_eq!(names, ["x.pcap", "x.pcap1", "x.pcap002", "x.pcap9", "x.pcap10"]);
    }

    #[test]
    fn what_begins_long_after_or_before_an_end_does_not_follow() {
        let at = |seconds: i64| Timestamp(seconds * 1_000_000_000);
        let span = |first, last| Some(Span { first: at(first), last: at(last) });
        for (before, first, wanted) in [
            (span(0, 100), Some(at(100)), true),
            (span(0, 100), Some(at(98)), true),
            (span(0, 100), Some(at(97)), false),
            (span(0, 100), Some(at(1000)), true),
            (span(0, 100), Some(at(1001)), false),
            // Two captures of the same two seconds.
            (span(100, 102), Some(at(100)), false),
            (span(100, 102), Some(at(101)), true),
            (span(100, 100), Some(at(100)), false),
            (None, Some(at(1)), true),
            (span(0, 1), None, true),
        ] {
            assert_eq!(follows(before, first), wanted, "{before:?} {first:?}");
        }
        let widest = Span { first: Timestamp(i64::MIN), last: Timestamp(i64::MIN) };
        assert!(!follows(Some(widest), Some(Timestamp(i64::MAX))));
    }
}
