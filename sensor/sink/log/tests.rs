use std::fs;
use std::os::unix::fs::symlink;

use super::*;

const SECOND: i64 = 1_000_000_000;

fn options() -> LogOptions {
    let clock = Clock::new(jiff::tz::TimeZone::UTC);
    LogOptions { rotation: Rotation::default(), clock, echo: false, owners: Owners::new(&[]) }
}

/// Lets `seconds` pass and gathers what is said.
fn tend(log: &mut LogFile, seconds: i64) -> Vec<Trouble> {
    let mut said = Vec::new();
    log.tend(Timestamp(1_718_677_265 * SECOND + seconds * SECOND), &mut |trouble| {
        said.push(trouble)
    });
    said
}

fn alert(log: &mut LogFile, text: &str) {
    log.line(format!("{text}\n").as_bytes(), Weight::Alert { fold: text.len() as u64 }).unwrap();
}

/// A log whose first file takes nothing: every write to it fails like one to a full disk.
fn full(path: &Path) -> LogFile {
    let file = fs::OpenOptions::new().read(true).append(true).open("/dev/full").unwrap();
    LogFile::with(Opened::take(file, None).unwrap(), path, options())
}

#[test]
fn a_log_that_becomes_a_link_or_another_users_takes_no_line_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let (path, secret) = (directory.path().join("alerts.log"), directory.path().join("secret"));
    fs::write(&secret, "").unwrap();
    let mut log = LogFile::open(&path, options()).unwrap();
    tend(&mut log, 0);
    fs::remove_file(&path).unwrap();
    symlink(&secret, &path).unwrap();
    tend(&mut log, 2);
    alert(&mut log, "held");
    assert!(log.is_failing());
    fs::remove_file(&path).unwrap();
    tend(&mut log, 4);
    assert_eq!(fs::read_to_string(&path).unwrap(), "held\n");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "");
}

#[test]
fn alerts_wait_while_the_disk_is_full_and_are_written_when_it_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("alerts.log");
    let mut log = full(&path);
    // It cannot be opened either.
    fs::create_dir(&path).unwrap();
    alert(&mut log, "one");
    log.line(b"event\n", Weight::Event).unwrap();
    log.flush().unwrap();
    alert(&mut log, "two");
    assert!(matches!(&*tend(&mut log, 0), [Trouble::Failing { .. }]));
    assert!(tend(&mut log, 2).is_empty(), "a lasting failure is said once");
    assert!(log.is_failing());
    fs::remove_dir(&path).unwrap();
    let said = tend(&mut log, 4);
    assert!(matches!(said[..], [Trouble::Resumed { held: 2, folded: 0, gone: 0, events: 1, .. }]));
    alert(&mut log, "three");
    log.flush().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n");
}

#[test]
fn half_a_line_that_a_crash_left_is_cut_off_before_the_next_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("alerts.log");
    for (before, after) in [("a\nhalf", "a\nnew\n"), ("half", "new\n"), ("a\n", "a\nnew\n")] {
        fs::write(&path, before).unwrap();
        let mut log = LogFile::open(&path, options()).unwrap();
        alert(&mut log, "new");
        drop(log);
        assert_eq!(fs::read_to_string(&path).unwrap(), after);
    }
}

#[test]
fn a_log_that_was_moved_away_is_begun_anew_within_a_second() {
    let directory = tempfile::tempdir().unwrap();
    let (path, moved) = (directory.path().join("alerts.log"), directory.path().join("old"));
    let mut log = LogFile::open(&path, options()).unwrap();
    tend(&mut log, 0);
    alert(&mut log, "before");
    fs::rename(&path, &moved).unwrap();
    alert(&mut log, "between");
    tend(&mut log, 1);
    alert(&mut log, "after");
    tend(&mut log, 2);
    assert_eq!(fs::read_to_string(&moved).unwrap(), "before\nbetween\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "after\n");
}

#[test]
fn a_log_that_reaches_its_size_gets_a_name_with_the_time_and_no_line_is_cut() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("alerts.log");
    let mut options = options();
    options.rotation.bytes = 10;
    let mut log = LogFile::open(&path, options).unwrap();
    tend(&mut log, 0);
    for text in ["first", "second"] {
        alert(&mut log, text);
        tend(&mut log, 0);
    }
    let old = directory.path().join("alerts.log.20240618-022105");
    assert_eq!(fs::read_to_string(old).unwrap(), "first\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "second\n");
}

#[test]
fn a_log_that_is_too_old_is_rotated_also_when_the_sensor_was_restarted_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("alerts.log");
    let mut options = options();
    options.rotation.age = 86_400 * SECOND as u64;
    // Begun half a day before; the file itself is new, as after a copy.
    fs::write(&path, "2024-06-17T14:21:05Z first\n").unwrap();
    let mut log = LogFile::open(&path, options.clone()).unwrap();
    tend(&mut log, 0);
    alert(&mut log, "second");
    drop(log);
    assert_eq!(fs::read_to_string(&path).unwrap(), "2024-06-17T14:21:05Z first\nsecond\n");
    let mut log = LogFile::open(&path, options).unwrap();
    tend(&mut log, 13 * 3600);
    alert(&mut log, "third");
    tend(&mut log, 13 * 3600 + 1);
    let old = directory.path().join("alerts.log.20240618-152105");
    assert!(fs::read_to_string(old).unwrap().ends_with("first\nsecond\n"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "third\n");
}
