use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::directory::Owners;
use crate::{Body, Notice, Time, Topic};

const DAY: i64 = 86_400;

fn owners() -> Owners {
    Owners::new(&[])
}

fn open(path: &Path) -> Spool {
    open_within(path, Bounds::default())
}

fn open_within(path: &Path, bounds: Bounds) -> Spool {
    Spool::open(path, &owners(), bounds, None).unwrap()
}

fn reader(path: &Path, name: &str) -> Reader {
    Reader::open(path, &owners(), "relay", name).unwrap()
}

/// A record that says a number.
fn body(number: u64) -> Body {
    let message = Message::new(number.to_string(), "x".repeat(60));
    Body::Notice(Notice::information(0, Topic::Other, message))
}

fn at(seconds: i64) -> Time {
    Time::of_seconds(seconds)
}

/// Every record that is there: its number, and the number it says.
fn all(reader: &mut Reader) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    while let Some(read) = reader.next().unwrap() {
        let Read::Record(record) = read else { panic!("{read:?}") };
        let Body::Notice(notice) = &record.body else { panic!("{record:?}") };
        found.push((record.id.seq, notice.message.vi.parse().unwrap()));
    }
    found
}

fn tend(spool: &mut Spool, seconds: i64) -> Vec<SpoolEvent> {
    let mut said = Vec::new();
    spool.tend(at(seconds), &mut |event| said.push(event));
    said
}

fn segment_files(path: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|e| e == "jsonl")).collect();
    files.sort();
    files
}

#[test]
fn numbers_are_dense_and_go_on_over_restarts_and_the_name_stays() {
    let place = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for start in 0..4 {
        let mut spool = open(place.path());
        names.push(spool.sensor().to_owned());
        for number in 1..=3 {
            spool.append(at(start), body(start as u64 * 3 + number));
        }
    }
    names.dedup();
    assert_eq!(names.len(), 1);
    let wanted: Vec<_> = (1..=12).map(|number| (number, number)).collect();
    assert_eq!(all(&mut reader(place.path(), "a")), wanted);
    let other = tempfile::tempdir().unwrap();
    assert_ne!(open(other.path()).sensor(), names[0], "told apart");
    let named = Spool::open(place.path(), &owners(), Bounds::default(), Some("ward-7")).unwrap();
    assert_eq!((named.sensor(), named.next()), ("ward-7", 13), "the numbers go on");
}

proptest! {
    /// Wherever a crash cuts the last write, and whatever it leaves there instead.
    #[test]
    fn half_a_record_is_cut_off_and_the_numbers_go_on_behind_the_last_whole_one(
        back in 1..400_usize, garbage in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let place = tempfile::tempdir().unwrap();
        let mut spool = open(place.path());
        (1..=4).for_each(|number| spool.append(at(0), body(number)));
        drop(spool);
        let file = segment_files(place.path()).remove(0);
        let mut bytes = fs::read(&file).unwrap();
        bytes.truncate(bytes.len() - back);
        let whole = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        bytes.extend(&garbage);
        fs::write(&file, &bytes).unwrap();
        let mut spool = open(place.path());
        prop_assert_eq!(spool.next(), whole + 1);
        spool.append(at(0), body(whole + 1));
        let found = all(&mut reader(place.path(), "a"));
        let wanted: Vec<_> = (1..=whole + 1).map(|number| (number, number)).collect();
        prop_assert_eq!(found, wanted);
    }

    /// Whatever is written, read, acknowledged and killed in between: nothing is skipped, nothing that
    /// was acknowledged comes again, and no cursor goes back.
    #[test]
    fn readers_get_every_record_in_order_whenever_either_side_is_started_anew(
        steps in proptest::collection::vec(0..6_u8, 1..120),
    ) {
        let place = tempfile::tempdir().unwrap();
        let bounds = Bounds { bytes: 16 * 600, ..Bounds::default() };
        let mut spool = open_within(place.path(), Bounds { bytes: 1 << 30, ..bounds });
        let mut reader = reader(place.path(), "a");
        let (mut written, mut read, mut done) = (0, 0, 0);
        for step in steps {
            match step {
                0 | 1 => {
                    written += 1;
                    spool.append(at(0), body(written));
                }
                2 => {
                    if let Some(Read::Record(record)) = reader.next().unwrap() {
                        prop_assert_eq!(record.id.seq, read + 1);
                        read += 1;
                    } else {
                        prop_assert_eq!(read, written);
                    }
                }
                3 => {
                    reader.acknowledge(read).unwrap();
                    done = read;
                }
                4 => {
                    drop(reader);
                    reader = self::reader(place.path(), "a");
                    prop_assert_eq!(reader.acknowledged(), done);
                    read = done;
                }
                _ => {
                    // As a kill leaves it: nothing is tidied up.
                    std::mem::forget(spool);
                    spool = open_within(place.path(), Bounds { bytes: 1 << 30, ..bounds });
                    prop_assert_eq!(spool.next(), written + 1);
                }
            }
        }
    }
}

#[test]
fn a_cursor_neither_goes_back_nor_jumps_and_survives_what_is_no_cursor() {
    let place = tempfile::tempdir().unwrap();
    let mut spool = open(place.path());
    (1..=5).for_each(|number| spool.append(at(0), body(number)));
    let mut one = reader(place.path(), "a");
    for _ in 0..3 {
        one.next().unwrap();
    }
    one.acknowledge(2).unwrap();
    let why = |error: std::io::Error| *error.get_ref().unwrap().downcast_ref::<Refused>().unwrap();
    assert_eq!(one.acknowledge(1).map_err(why), Err(Refused::Back(1)));
    assert_eq!(one.acknowledge(4).map_err(why), Err(Refused::Ahead(4)));
    assert_eq!(reader(place.path(), "a").acknowledged(), 2);
    // Half a file, as no crash of ours leaves it: everything is read again rather than nothing.
    fs::write(place.path().join("readers/relay/a.json"), "{").unwrap();
    assert_eq!(all(&mut reader(place.path(), "a")).len(), 5);
    // A number that a reader has seen is not given again, though the records are gone.
    let mut again = reader(place.path(), "a");
    all(&mut again);
    again.acknowledge(5).unwrap();
    drop(spool);
    segment_files(place.path()).iter().for_each(|file| fs::remove_file(file).unwrap());
    assert_eq!(open(place.path()).next(), 6);
}

/// Segments of a few records each.
const SMALL: Bounds = Bounds { bytes: 16 * 1000, keep: 14 * DAY, most: 90 * DAY };

fn fill(spool: &mut Spool, numbers: std::ops::RangeInclusive<u64>, seconds: i64) {
    numbers.for_each(|number| spool.append(at(seconds), body(number)));
}

#[test]
fn a_segment_goes_when_both_readers_have_passed_it_and_it_is_old_enough() {
    let place = tempfile::tempdir().unwrap();
    let bounds = Bounds { bytes: 1 << 30, ..SMALL };
    let mut spool = open_within(place.path(), bounds);
    let (mut fast, mut slow) = (reader(place.path(), "fast"), reader(place.path(), "slow"));
    for day in 0..10 {
        fill(&mut spool, day * 10 + 1..=day * 10 + 10, day as i64 * DAY);
    }
    assert_eq!(segment_files(place.path()).len(), 10, "one a day");
    assert_eq!(all(&mut fast).len(), 100);
    fast.acknowledge(100).unwrap();
    assert!(tend(&mut spool, 80 * DAY).is_empty());
    assert_eq!(segment_files(place.path()).len(), 10, "the slow one has read nothing");
    assert_eq!(all(&mut slow).len(), 100);
    slow.acknowledge(100).unwrap();
    assert!(tend(&mut spool, 9 * DAY + 60).is_empty());
    assert_eq!(segment_files(place.path()).len(), 10, "not old enough");
    assert!(tend(&mut spool, 20 * DAY).is_empty());
    assert_eq!(segment_files(place.path()).len(), 5, "0 to 4 were closed more than 14 days ago");
    assert_eq!(spool.counts().unread, 0);
}

#[test]
fn a_reader_that_never_comes_costs_no_more_than_the_bound_and_what_it_lost_is_counted_and_said() {
    let place = tempfile::tempdir().unwrap();
    let mut spool = open_within(place.path(), SMALL);
    let mut never = reader(place.path(), "never");
    fill(&mut spool, 1..=500, 0);
    let size = || -> u64 {
        segment_files(place.path()).iter().map(|file| file.metadata().unwrap().len()).sum()
    };
    assert!(size() > SMALL.bytes);
    let said = tend(&mut spool, 60);
    assert!(size() <= SMALL.bytes, "{}", size());
    let lost = spool.counts().unread;
    let [SpoolEvent::Unread { reader, records }] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((reader.as_str(), *records), ("relay/never", lost));
    assert!(said[0].is_warning() && said[0].message().vi.contains("relay/never"));
    // When it comes after all, it is told how many are missing, and gets the rest.
    assert_eq!(never.next().unwrap(), Some(Read::Gap { from: 1, to: lost }));
    assert_eq!(all(&mut never).first().map(|(number, _)| *number), Some(lost + 1));
    assert!(tend(&mut spool, 120).is_empty(), "said once");
    // By age too.
    fill(&mut spool, 501..=501, 100 * DAY);
    assert!(matches!(&tend(&mut spool, 100 * DAY)[..], [SpoolEvent::Unread { .. }]));
    assert_eq!(segment_files(place.path()).len(), 2, "the last but one was closed just now");
}

#[test]
fn nothing_that_nobody_reads_is_kept_longer_than_it_could_be_sent_again() {
    let place = tempfile::tempdir().unwrap();
    let mut spool = open_within(place.path(), SMALL);
    fill(&mut spool, 1..=3, 0);
    fill(&mut spool, 4..=4, 20 * DAY);
    assert!(tend(&mut spool, 30 * DAY).is_empty());
    assert_eq!(segment_files(place.path()).len(), 2);
    assert!(tend(&mut spool, 40 * DAY).is_empty());
    assert_eq!(segment_files(place.path()).len(), 1);
}

#[test]
fn a_clock_that_is_set_back_or_jumps_ahead_removes_nothing_before_its_time() {
    let place = tempfile::tempdir().unwrap();
    let mut spool = open_within(place.path(), Bounds { bytes: 1 << 30, ..SMALL });
    // A board without a battery begins in 1970, hears the time, and is set back once more.
    reader(place.path(), "behind");
    for (number, day) in [(1, 0), (2, 20_000), (3, 1), (4, 20_001)] {
        fill(&mut spool, number..=number, day * DAY);
        assert!(tend(&mut spool, day * DAY).is_empty());
    }
    assert!(tend(&mut spool, 20_001 * DAY).is_empty());
    assert!(tend(&mut spool, 5 * DAY).is_empty());
    drop(spool);
    let mut spool = open_within(place.path(), Bounds { bytes: 1 << 30, ..SMALL });
    assert!(tend(&mut spool, 20_001 * DAY).is_empty());
    assert_eq!(all(&mut reader(place.path(), "a")), [(1, 1), (2, 2), (3, 3), (4, 4)]);
}

#[test]
fn a_full_disk_makes_records_wait_and_they_are_written_whole_and_in_order_when_there_is_room() {
    let place = tempfile::tempdir().unwrap();
    let mut spool = open(place.path());
    fill(&mut spool, 1..=2, 0);
    spool.fill_disk();
    fill(&mut spool, 3..=5, 0);
    assert_eq!(spool.counts().waiting, 3);
    assert_eq!(spool.next(), 3, "what waits has no number yet");
    let mut reading = reader(place.path(), "a");
    assert_eq!(all(&mut reading), [(1, 1), (2, 2)]);
    let said = tend(&mut spool, 10);
    let [SpoolEvent::Failing { reason }, SpoolEvent::Resumed { held: 3, lost: 0 }] = &said[..]
    else {
        panic!("{said:?}")
    };
    assert!(reason.contains("no space left"), "{reason}");
    assert_eq!(all(&mut reading), [(3, 3), (4, 4), (5, 5)]);
    assert_eq!(spool.counts().waiting, 0);
}

#[test]
fn what_waits_is_bounded_and_alerts_wait_longest_and_what_had_no_room_is_counted_and_said() {
    let place = tempfile::tempdir().unwrap();
    let mut spool = open(place.path());
    spool.fill_disk();
    fill(&mut spool, 1..=5000, 0);
    let counts = spool.counts();
    assert_eq!((counts.waiting, counts.lost), (4096, 904));
    let said = tend(&mut spool, 10);
    assert!(matches!(said.last(), Some(SpoolEvent::Resumed { held: 4096, lost: 904 })), "{said:?}");
    let found = all(&mut reader(place.path(), "a"));
    assert_eq!((found[0], found.len()), ((1, 905), 4096), "dense, the oldest went");
}

#[test]
fn nothing_is_written_or_read_through_a_link() {
    let place = tempfile::tempdir().unwrap();
    let elsewhere = place.path().join("elsewhere");
    fs::write(&elsewhere, "mine").unwrap();
    let spool = place.path().join("spool");
    drop(open(&spool));
    let segment = segment_files(&spool).remove(0);
    fs::remove_file(&segment).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &segment).unwrap();
    assert!(Spool::open(&spool, &owners(), Bounds::default(), None).is_err());
    assert_eq!(fs::read(&elsewhere).unwrap(), b"mine");
    fs::remove_file(&segment).unwrap();
    fs::remove_dir_all(spool.join("readers")).unwrap();
    std::os::unix::fs::symlink(place.path(), spool.join("readers")).unwrap();
    assert!(Reader::open(&spool, &owners(), "relay", "a").is_err());
    assert!(!place.path().join("relay").exists());
}

#[test]
fn readers_that_are_gone_for_good_hold_nothing_up() {
    let place = tempfile::tempdir().unwrap();
    let mut spool = open_within(place.path(), Bounds { bytes: 1 << 30, ..SMALL });
    let mut kept = reader(place.path(), "kept");
    drop(reader(place.path(), "gone"));
    fill(&mut spool, 1..=1, 0);
    fill(&mut spool, 2..=2, 20 * DAY);
    all(&mut kept);
    kept.acknowledge(2).unwrap();
    tend(&mut spool, 40 * DAY);
    assert_eq!(segment_files(place.path()).len(), 2);
    kept.forget_others(&["kept".into()]).unwrap();
    assert!(tend(&mut spool, 40 * DAY + 60).is_empty());
    assert_eq!(segment_files(place.path()).len(), 1);
}
