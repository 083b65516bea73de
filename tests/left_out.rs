//! One bad feed among good ones: it is named, the others are used, and only nothing at all is a
//! reason not to start.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::fs;
use std::path::{Path, PathBuf};

use support::run::{Outcome, Run, put, skipped_without_root, temporary_directory};
use support::verdict::query;
use support::{capture_file, wire};

/// A directory of feeds: good ones and some that nothing can be made of.
fn shelf(directory: &Path, good: bool) -> PathBuf {
    let lists = directory.join("feeds.d");
    fs::create_dir(&lists).unwrap();
    put(&lists, "a-vendor.csv", b"indicator,kind,comment\nx.example,domain,\n");
    put(&lists, "b-sheet.csv", b"\xff\xfei\0n\0d\0");
    put(&lists, "c-letter.txt", b"PK\x03\x04\x14\x00\xff\xff");
    if good {
        put(&lists, "z-good.txt", b"evil.example\n");
    }
    lists
}

fn says(outcome: &Outcome, words: &[&str]) {
    for word in words {
        assert!(outcome.stderr.contains(word), "{word}: {}", outcome.stderr);
    }
}

#[test]
fn a_scan_uses_the_good_files_of_a_directory_and_names_the_bad_ones() {
    let directory = temporary_directory();
    let lists = shelf(directory.path(), true);
    let frames = wire::plain_frames(&query("c2.evil.example"));
    let capture = put(directory.path(), "x.pcap", &capture_file::pcap(&frames));
    let scan = |language: &str| {
        let run = Run::new(["--lang", language, "scan", "--no-builtin-feeds", "--feeds"]);
        run.arg(&lists).arg(&capture).go().expect_code(0)
    };
    let outcome = scan("en");
    assert!(outcome.stdout.contains("c2.evil.example (dns.query)"), "{}", outcome.stdout);
    says(&outcome, &["a-vendor", "unknown column `kind`", "b-sheet", "c-letter", "left out"]);
    says(&scan("vi"), &["a-vendor", "bị bỏ qua, các danh sách khác vẫn được dùng"]);
}

#[test]
fn a_check_names_each_file_that_cannot_be_used_and_looks_at_the_others() {
    let directory = temporary_directory();
    let lists = shelf(directory.path(), true);
    let outcome = Run::new(["feeds", "check"]).arg(&lists).go().expect_code(1);
    says(&outcome, &["a-vendor", "b-sheet", "c-letter"]);
    assert!(outcome.stdout.contains("z-good: 1 indicators"), "{}", outcome.stdout);
}

#[test]
fn a_test_of_the_start_warns_and_succeeds_with_what_is_good_and_fails_with_nothing() {
    if skipped_without_root("a_test_of_the_start_warns_and_succeeds_with_what_is_good") {
        return;
    }
    for (good, code) in [(true, 0), (false, 2)] {
        let directory = temporary_directory();
        let lists = shelf(directory.path(), good);
        let run = Run::new(["run", "-T", "-i", "lo", "--no-builtin-feeds", "--log-dir"]);
        let outcome =
            run.arg(directory.path().join("log")).arg("--feeds").arg(&lists).go().expect_code(code);
        says(&outcome, &["a-vendor"]);
        if good {
            says(&outcome, &["b-sheet", "c-letter", "can be used"]);
        }
    }
}

#[test]
fn what_is_confirmed_is_written_beside_the_feed() {
    let directory = temporary_directory();
    let list = put(directory.path(), "lab.txt", b"a.evil.example\nb.evil.example\n");
    let outcome = Run::new(["feeds", "confirm"]).arg(&list).go().expect_code(0);
    assert!(outcome.stdout.contains("lab.txt: 2 indicators confirmed"), "{}", outcome.stdout);
    let beside = fs::read_to_string(directory.path().join(".lab.txt.confirmed")).unwrap();
    assert!(beside.starts_with("30 ") && beside.ends_with('\n'), "{beside}");
    Run::new(["feeds", "confirm"]).arg(directory.path().join("no.txt")).go().expect_code(2);
}

#[test]
fn warning_lists_of_the_office_are_compared_with_what_is_loaded() {
    let directory = temporary_directory();
    let lists = directory.path().join("lists");
    fs::create_dir_all(lists.join("ours")).unwrap();
    put(&lists.join("ours"), "list.json", br#"{"type":"hostname","list":["partner.example"]}"#);
    put(&lists, "nets.json", br#"{"type":"cidr","list":["203.0.114.0/24"]}"#);
    let config = format!("warning_lists = '{}'\n", lists.display());
    let config = put(directory.path(), "c.toml", config.as_bytes());
    let feed = b"partner.example\nwww.partner.example\n203.0.114.7\nevil.example\n";
    let feed = put(directory.path(), "f.txt", feed);
    let outcome = Run::new(["feeds", "check", "-c"]).arg(config).arg(feed).go().expect_code(1);
    says(&outcome, &["line 1: not loaded", "line 2: not loaded", "line 3: loaded with doubt"]);
    assert!(outcome.stdout.contains("f: 2 indicators"), "{}", outcome.stdout);
    let gone = put(directory.path(), "d.toml", b"warning_lists = '/nowhere'\n");
    let outcome = Run::new(["feeds", "list", "-c"]).arg(gone).go().expect_code(2);
    says(&outcome, &["warning_lists: cannot read /nowhere"]);
}
