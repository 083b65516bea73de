//! When a log is rotated, what the old one is called, and which old ones go.
//!
//! `alerts.log` becomes `alerts.log.20240618-092105`; a second one of that second gets `.0001`, so
//! that the order of names is the order of time.

use std::ffi::OsStr;
use std::io;

use ioc_feeds::file;
use nix::sys::stat::SFlag;

use crate::directory::Directory;

/// When a log is rotated, and how much of it is kept. Zero means "never" or "everything".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Rotated before it grows beyond so many bytes.
    pub bytes: u64,
    /// Rotated at this age in nanoseconds.
    pub age: u64,
    /// Bytes that the rotated files of one log may take together; the oldest go first.
    pub total: u64,
}

impl Default for Rotation {
    /// 64 MiB, 30 days, 1 GiB.
    fn default() -> Self {
        Self { bytes: 64 << 20, age: 30 * 86_400 * 1_000_000_000, total: 1 << 30 }
    }
}

impl Rotation {
    /// Must a log of this length and age be rotated before so many bytes are added?
    pub const fn is_due(&self, length: u64, coming: u64, age: u64) -> bool {
        length > 0
            && ((self.bytes > 0 && length.saturating_add(coming) > self.bytes)
                || (self.age > 0 && age >= self.age))
    }
}

/// Gives the log its old name and removes the oldest ones beyond the total.
pub(super) fn rotate(
    directory: &Directory,
    name: &OsStr,
    stamp: &str,
    rotation: &Rotation,
) -> io::Result<()> {
    let Some(name) = name.to_str() else {
        return Err(io::ErrorKind::InvalidFilename.into());
    };
    let taken = |name: &String| directory.stat(name.as_ref()).is_ok();
    let plain = format!("{name}.{stamp}");
    let old = match taken(&plain) {
        false => Some(plain),
        true => (1..10_000_u32).map(|n| format!("{plain}.{n:04}")).find(|name| !taken(name)),
    };
    let Some(old) = old else { return Err(io::ErrorKind::AlreadyExists.into()) };
    directory.rename(name.as_ref(), old.as_ref())?;
    if rotation.total > 0 {
        // A directory that cannot be listed keeps everything: rather too much than too little.
        let _ = prune(directory, name, rotation.total);
    }
    Ok(())
}

fn prune(directory: &Directory, name: &str, total: u64) -> io::Result<()> {
    let mut old = Vec::new();
    for found in directory.names()? {
        let Some(found) = found.to_str() else { continue };
        let Some(order) = order(name, found) else { continue };
        let about = directory.stat(found.as_ref())?;
        if file::kind(&about) == SFlag::S_IFREG {
            old.push((order, found.to_owned(), u64::try_from(about.st_size).unwrap_or(0)));
        }
    }
    old.sort();
    let sizes: Vec<u64> = old.iter().map(|(_, _, size)| *size).collect();
    for (_, name, _) in old.iter().take(excess(&sizes, total)) {
        directory.remove(name.as_ref())?;
    }
    Ok(())
}

/// How many of these, oldest first, must go so that the rest fits. The newest stays.
fn excess(sizes: &[u64], total: u64) -> usize {
    let mut sum: u64 = sizes.iter().sum();
    let mut gone = 0;
    for size in sizes.iter().take(sizes.len().saturating_sub(1)) {
        if sum <= total {
            break;
        }
        sum -= size;
        gone += 1;
    }
    gone
}

/// Stamp and number of a rotated file of this log; none for a file that is not ours to remove.
fn order(log: &str, found: &str) -> Option<(String, u32)> {
    let rest = found.strip_prefix(log)?.strip_prefix('.')?;
    let (stamp, number) = rest.split_once('.').unwrap_or((rest, "0"));
    let (day, time) = stamp.split_once('-')?;
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    (digits(day, 8) && digits(time, 6)).then_some(())?;
    Some((stamp.into(), number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::directory::Owners;

    fn rotate(path: &Path, stamp: &str, rotation: &Rotation) -> io::Result<()> {
        let (directory, name) = Directory::of(path, &Owners::new(&[])).unwrap();
        super::rotate(&directory, &name, stamp, rotation)
    }

    #[test]
    fn a_log_is_rotated_before_it_grows_too_large_or_when_it_is_too_old() {
        let rotation = Rotation { bytes: 100, age: 50, total: 0 };
        assert!(!rotation.is_due(90, 10, 49));
        assert!(rotation.is_due(90, 11, 0));
        assert!(rotation.is_due(1, 0, 50));
        assert!(!rotation.is_due(0, 1000, 1000), "an empty log is never rotated");
        let never = Rotation { bytes: 0, age: 0, total: 0 };
        assert!(!never.is_due(u64::MAX, 1, u64::MAX));
    }

    #[test]
    fn the_oldest_go_until_the_rest_fits_and_the_newest_stays() {
        assert_eq!(excess(&[10, 10, 10], 30), 0);
        assert_eq!(excess(&[10, 10, 10], 29), 1);
        assert_eq!(excess(&[10, 10, 10], 10), 2);
        assert_eq!(excess(&[10, 10, 10], 0), 2);
        assert_eq!(excess(&[], 0), 0);
    }

    #[test]
    fn only_files_this_rotation_made_are_ours_to_remove() {
        let order = |name| order("alerts.log", name);
        assert!(order("alerts.log.20240618-092105") < order("alerts.log.20240618-092105.2"));
        assert!(order("alerts.log.20240618-092105.9") < order("alerts.log.20240618-092105.10"));
        for foreign in
            ["alerts.log", "alerts.log.1", "alerts.log.2024", "alerts.log.20240618-09210x"]
        {
            assert_eq!(order(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn names_sort_as_they_were_made_even_within_a_second() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("alerts.log");
        let rotation = Rotation { bytes: 1, age: 0, total: 0 };
        for number in 0..12 {
            fs::write(&log, number.to_string()).unwrap();
            rotate(&log, "20240618-092105", &rotation).unwrap();
        }
        let entries = fs::read_dir(directory.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        names.sort();
        let texts = names.iter().map(|path| fs::read_to_string(path).unwrap());
        assert!(texts.eq((0..12).map(|number| number.to_string())));
    }

    #[test]
    fn rotated_files_beyond_the_total_are_removed_and_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("alerts.log");
        let rotation = Rotation { bytes: 1, age: 0, total: 25 };
        fs::write(directory.path().join("alerts.log.keep"), [0; 100]).unwrap();
        for stamp in ["20240618-092105", "20240618-092105", "20240618-092106"] {
            fs::write(&log, [b'x'; 10]).unwrap();
            rotate(&log, stamp, &rotation).unwrap();
        }
        let mut names: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let left = ["20240618-092105.0001", "20240618-092106", "keep"];
        assert_eq!(names, left.map(|end| format!("alerts.log.{end}")));
    }
}
