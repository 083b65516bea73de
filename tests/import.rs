//! `feeds import`, `export` and `diff` as a user meets them: what is written, what is said, exit codes;
//! and a reading process that breaks or lies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use support::run::{Outcome, Run, put, temporary_directory};

/// The program that reads documents: a package of its own, so no build of this one makes it.
fn reader() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        let status = cargo
            .args(["build", "--quiet", "--locked", "--package", "wardwatch-import"])
            .status()
            .unwrap();
        assert!(status.success());
        Path::new(env!("CARGO_BIN_EXE_wardwatch")).with_file_name("wardwatch-import")
    })
}

struct Desk {
    directory: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { directory: temporary_directory() }
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        put(self.directory.path(), name, text.as_bytes())
    }

    fn import(&self, file: &Path, more: &[&str]) -> Outcome {
        self.import_through(reader(), file, more)
    }

    fn import_through(&self, reader: &Path, file: &Path, more: &[&str]) -> Outcome {
        let run = Run::new(["--lang", "en", "feeds", "import"]).arg(file);
        run.args(["--to"])
            .arg(self.directory.path())
            .args(more.iter().copied())
            .env("WARDWATCH_IMPORT", reader.to_str().unwrap())
            .go()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.path().join(name)).unwrap_or_default()
    }

    /// First cells of the rows of a feed.
    fn rows(&self, name: &str) -> Vec<String> {
        self.read(name)
            .lines()
            .skip(1)
            .map(|line| line.split(',').next().unwrap().to_owned())
            .collect()
    }
}

const LETTER: &str = "Kính gửi các phường, xã và đặc khu trên địa bàn thành phố.\n\
    Chi tiết tại www.sender.example của đơn vị.\nc2[.]bad[.]example\n203.0.114.7:443\nhxxps://dl[.]bad[.]example/x\nsvchost.exe\nc3.bad-\nhost.example\n";

#[test]
fn a_letter_becomes_a_feed_and_every_value_is_accounted_for() {
    let desk = Desk::new();
    let letter = desk.put("letter.txt", LETTER);
    let outcome = desk
        .import(&letter, &["--no-doubtful", "--threat", "redline", "--reference", "123/A05"])
        .expect_code(1);
    assert_eq!(
        desk.rows("letter.csv"),
        ["c2.bad.example", "203.0.114.7:443", "dl.bad.example/x", "dl.bad.example"]
    );
    for word in [
        "read as text, UTF-8",
        "ACCEPTED: 2",
        "CHANGED: 1",
        "DOUBTFUL: 2",
        "REFUSED: 1",
        "svchost.exe  (line 6)",
        "c3.bad-host.example or c3.badhost.example",
        "(line 2)",
    ] {
        assert!(outcome.stdout.contains(word), "{word} is not in {}", outcome.stdout);
    }
    let feed = desk.read("letter.csv");
    assert!(
        feed.lines().skip(1).all(|line| line.contains(",redline,") && line.contains(",123/A05,")),
        "{feed}"
    );
    // A bare address is somebody else's some day; a name is not.
    let expires = |line: &str| line.split(',').nth(9).unwrap().to_owned();
    let lines: Vec<&str> = feed.lines().collect();
    assert_eq!(expires(lines[1]), "");
    assert!(expires(lines[2]).starts_with("20"), "{feed}");
    assert!(
        lines[4].contains(",exact,") && lines[4].contains(",low,"),
        "the host of a url weighs less: {feed}"
    );
}

#[test]
fn scripts_say_beforehand_what_becomes_of_the_doubtful() {
    let desk = Desk::new();
    let letter = desk.put("letter.txt", LETTER);
    desk.import(&letter, &["--yes", "--expires", "never"]).expect_code(1);
    let rows = desk.rows("letter.csv");
    assert!(
        rows.contains(&"c3.bad-host.example".into()) && rows.contains(&"www.sender.example".into()),
        "{rows:?}"
    );
    assert!(!rows.contains(&"c3.badhost.example".into()), "a hyphen is never dropped: {rows:?}");
    assert!(!desk.read("letter.csv").contains(",2027-"));
    // Nobody is there to be asked.
    desk.import(&letter, &[]).expect_code(1);
    assert!(!desk.rows("letter.csv").contains(&"www.sender.example".into()));
}

#[test]
fn exit_codes_say_all_some_or_nothing() {
    let desk = Desk::new();
    let all = desk.put("all.txt", "a.bad.example\nb.bad.example\n");
    desk.import(&all, &[]).expect_code(0);
    let nothing = desk.put("nothing.txt", "svchost.exe\n");
    let outcome = desk.import(&nothing, &[]).expect_code(3);
    assert!(outcome.stdout.contains("a file name?"), "{}", outcome.stdout);
    assert_eq!(desk.read("nothing.csv"), "", "nothing is written");
    let empty = desk.put("empty.txt", "");
    let outcome = desk.import(&empty, &[]).expect_code(3);
    assert!(
        outcome.stderr.contains("empty.txt is not imported: the file is empty"),
        "{}",
        outcome.stderr
    );
    desk.import(Path::new("/nowhere/x.pdf"), &[]).expect_code(3);
    desk.import(&all, &["--threat", "Two Words"]).expect_code(2);
    desk.import(&all, &["--expires", "soon"]).expect_code(2);
    desk.import(&all, &["--as", "telex"]).expect_code(2);
}

#[test]
fn a_directory_is_one_feed_and_a_broken_document_in_it_costs_itself_alone() {
    let desk = Desk::new();
    let feed = desk.directory.path().join("misp");
    std::fs::create_dir(&feed).unwrap();
    let event = |name: &str| {
        format!(
            r#"{{"Event":{{"Attribute":[{{"type":"domain","to_ids":true,"value":"{name}"}}]}}}}"#
        )
    };
    put(&feed, "1.json", event("a.bad.example").as_bytes());
    put(&feed, "2.json", event("b.bad.example").as_bytes());
    put(&feed, "manifest.json", br#"{"1":{"info":"x","Orgc":{}}}"#);
    desk.import(&feed, &[]).expect_code(0);
    assert_eq!(desk.rows("misp.csv"), ["a.bad.example", "b.bad.example"]);
    put(&feed, "3.json", b"{ broken");
    let outcome = desk.import(&feed, &[]).expect_code(1);
    assert!(
        outcome.stderr.contains("3.json is not imported: line 1: broken JSON"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn the_list_that_was_handed_in_is_not_written_over() {
    let desk = Desk::new();
    let list = desk.put("list.csv", "ioc,type\na.bad.example,domain\n");
    desk.import(&list, &[]).expect_code(0);
    assert!(desk.read("list.csv").starts_with("ioc,type"));
    assert_eq!(desk.rows("list.imported.csv"), ["a.bad.example"]);
}

#[test]
fn what_is_imported_is_loaded_by_the_sensor_as_it_is() {
    let desk = Desk::new();
    let list = desk.put("list.json", r#"{"indicators":[{"indicator":"a.bad.example","type":"domain","description":"=cmd|' /C calc'!A0\u001b[2J\u202e"}]}"#);
    let outcome = desk.import(&list, &[]).expect_code(0);
    assert!(!outcome.stdout.contains('\u{1b}') && !outcome.stdout.contains('\u{202e}'));
    let check = Run::new(["--lang", "en", "feeds", "check"])
        .arg(desk.directory.path().join("list.csv"))
        .go()
        .expect_code(0);
    assert!(check.stdout.contains("1 indicators, 0 lines not loaded"), "{}", check.stdout);
}

/// A program that stands in for the reading process.
fn pretender(desk: &Desk, script: &str) -> PathBuf {
    let path = desk.put("pretender", &format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn a_reading_process_that_breaks_costs_its_document_alone_and_its_place_is_named() {
    let desk = Desk::new();
    let list = desk.put("list.pdf", "x");
    let row = r#"{"row":{"place":{"page":1},"written":"x","readings":[{"kind":"domain","value":"a.bad.example"}],"verdict":"accepted"}}"#;
    let at = r#"{"at":{"page":3}}"#;
    for (script, words) in [
        (
            format!("echo '{row}'; echo '{at}'; kill -SEGV $$"),
            "page 3: the process that reads it has ended (signal 11)",
        ),
        (
            format!("echo '{row}'; echo '{at}'; exit 101"),
            "page 3: the process that reads it has ended (a fault inside)",
        ),
        (format!("echo '{row}'; echo nonsense; sleep 60"), "the process that reads it has ended"),
        (format!("echo '{row}'; head -c 3000000 /dev/zero"), "the process that reads it has ended"),
    ] {
        let outcome =
            desk.import_through(&pretender(&desk, &script), &list, &["--yes"]).expect_code(3);
        assert!(outcome.stderr.contains(words), "{words} is not in {}", outcome.stderr);
        assert_eq!(desk.read("list.csv"), "", "nothing is half loaded");
    }
    let missing = desk.import_through(Path::new("/nowhere/reader"), &list, &[]).expect_code(3);
    assert!(missing.stderr.contains("cannot start wardwatch-import"), "{}", missing.stderr);
}

#[test]
fn a_reading_process_that_lies_is_not_believed() {
    let desk = Desk::new();
    let list = desk.put("list.pdf", "x");
    let row = |kind: &str, value: &str| {
        format!(
            r#"{{"row":{{"place":{{}},"written":"x","readings":[{{"kind":"{kind}","value":"{value}"}}],"verdict":"accepted"}}}}"#
        )
    };
    let rows = [
        row("domain", "com.vn"),
        row("domain", "google.com"),
        row("ip", "10.0.0.1"),
        row("behaviour", "x"),
        row("domain", "a b"),
        row("domain", "a.bad.example"),
    ];
    let script = format!("cat <<'END'\n{}\n\"end\"\nEND", rows.join("\n"));
    desk.import_through(&pretender(&desk, &script), &list, &["--yes"]).expect_code(1);
    assert_eq!(desk.rows("list.csv"), ["a.bad.example"]);
}

const FEED: &str = "indicator,type,scope,threat,malware,role,confidence,first_seen,last_seen,expires,reference,note\n\
    a.bad.example,domain,subtree,redline,RedLine,c2,high,2026-09-01,2026-09-02,2027-01-01,https://report.example/1,\n\
    b.bad.example,domain,exact,redline,RedLine,c2,medium,,,,,\n\
    203.0.114.7,ip,,redline,,c2,low,,,,,\n203.0.114.8:443,ip:port,,redline,,c2,low,,,,,\n203.0.115.0/24,cidr,,redline,,c2,low,,,,,\n\
    u.bad.example/x/y.php,url,,redline,,c2,low,,,,,\n";

#[test]
fn what_is_exported_is_imported_again_in_every_format() {
    let desk = Desk::new();
    let feed = desk.put("feed.csv", FEED);
    let all = [
        "a.bad.example",
        "b.bad.example",
        "203.0.114.7",
        "203.0.114.8:443",
        "203.0.115.0/24",
        "u.bad.example/x/y.php",
    ];
    let names = ["a.bad.example", "b.bad.example"];
    for (format, expected) in [
        ("csv", &all[..]),
        ("stix", &all),
        ("misp", &all),
        ("plain", &all),
        (
            "zeek",
            &[
                "a.bad.example",
                "b.bad.example",
                "203.0.114.7",
                "203.0.115.0/24",
                "u.bad.example/x/y.php",
            ],
        ),
        ("hosts", &names),
        ("rpz", &names),
        ("suricata", &names),
        (
            "rules",
            &[
                "a.bad.example",
                "b.bad.example",
                "203.0.114.7",
                "203.0.114.8:443",
                "203.0.115.0/24",
                "u.bad.example",
            ],
        ),
    ] {
        let outcome = Run::new(["--lang", "en", "feeds", "export", "--as", format])
            .arg(&feed)
            .go()
            .expect_code(0);
        let file = desk.put(&format!("out-{format}.txt"), &outcome.stdout);
        desk.import(&file, &["--yes"]);
        let mut rows = desk.rows(&format!("out-{format}.csv"));
        rows.sort();
        let mut expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
        expected.sort();
        assert_eq!(rows, expected, "{format}: {}", outcome.stdout);
        let left = outcome.stderr.contains("left out");
        assert_eq!(
            left,
            ["zeek", "hosts", "rpz", "suricata"].contains(&format),
            "{format}: {}",
            outcome.stderr
        );
    }
    desk.import(&desk.directory.path().join("out-stix.txt"), &[]);
    let row = desk.read("out-stix.csv").lines().nth(1).unwrap().to_owned();
    assert!(row.contains("high,2026-09-01") && row.contains("2027-01-01"), "{row}");
}

#[test]
fn a_difference_is_named_by_what_is_new_gone_and_otherwise() {
    let desk = Desk::new();
    let old = desk.put("old.csv", FEED);
    let changed = FEED.replace("203.0.114.7,ip", "203.0.114.9,ip").replace(
        "b.bad.example,domain,exact,redline,RedLine,c2,medium",
        "b.bad.example,domain,exact,redline,RedLine,c2,high",
    );
    let new = desk.put("new.csv", &changed);
    let outcome =
        Run::new(["--lang", "en", "feeds", "diff"]).arg(&old).arg(&new).go().expect_code(1);
    for line in [
        "- ip 203.0.114.7 ",
        "+ ip 203.0.114.9 ",
        "~ domain b.bad.example ",
        "= 1 added, 1 removed, 1 changed",
    ] {
        assert!(outcome.stdout.contains(line), "{line} is not in {}", outcome.stdout);
    }
    Run::new(["feeds", "diff"]).arg(&old).arg(&old).go().expect_code(0);
}

#[test]
fn lookup_of_a_url_asks_for_its_host_too_and_says_what_is_never_seen() {
    let desk = Desk::new();
    let feed = desk.put("feed.csv", FEED);
    let lookup = |value: &str| {
        Run::new(["--lang", "en", "feeds", "lookup", value, "--no-builtin-feeds", "--feeds"])
            .arg(&feed)
            .go()
    };
    let hit = lookup("hxxps://a[.]bad[.]example/anything").expect_code(0);
    assert!(
        hit.stdout.contains("never visible on the wire")
            && hit.stdout.contains("matches a.bad.example"),
        "{}",
        hit.stdout
    );
    // The url itself is of clear HTTP only.
    let miss = lookup("https://u.bad.example/x/y.php").expect_code(1);
    assert!(miss.stdout.contains("never visible on the wire"), "{}", miss.stdout);
    lookup("http://u.bad.example/x/y.php").expect_code(0);
    lookup("a[.]bad[.]example:443").expect_code(0);
}
