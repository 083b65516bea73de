//! The files of a spool: their names, and which there are.

use std::ffi::{OsStr, OsString};
use std::io;

use crate::directory::Directory;

/// What a segment's name ends with.
const END: &str = ".jsonl";
/// Digits of a name: as many as the largest number has, so that names sort as numbers do.
const DIGITS: usize = 20;

/// The name of the segment that begins with this record.
pub(super) fn name(first: u64) -> OsString {
    format!("{first:0DIGITS$}{END}").into()
}

/// The first record of the segment of this name; none for another file.
fn first(name: &OsStr) -> Option<u64> {
    let digits = name.to_str()?.strip_suffix(END)?;
    let is_number = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|first| is_number && *first > 0)
}

/// The first record of every segment, in order.
pub(super) fn list(directory: &Directory) -> io::Result<Vec<u64>> {
    let mut all: Vec<u64> = directory.names()?.iter().filter_map(|name| first(name)).collect();
    all.sort_unstable();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_numbers_and_only_ours_are_segments() {
        for number in [1, 9, 10, u64::MAX] {
            assert_eq!(first(&name(number)), Some(number));
        }
        assert!(name(9) < name(10) && name(10) < name(u64::MAX));
        for foreign in
            ["1.jsonl", "00000000000000000001", "00000000000000000000.jsonl", "sensor.json"]
        {
            assert_eq!(first(OsStr::new(foreign)), None, "{foreign}");
        }
    }
}
