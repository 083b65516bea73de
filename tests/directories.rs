//! What a directory holds is read or named; an interrupted scan says how much was read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::disallowed_methods)] // a test may wait

use crate::support;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::capture_file::{bzip2, gzip, pcap, snoop, xz, zstd};
use support::run::{Outcome, Run, put, temporary_directory, wait};
use support::verdict::{feed, query, sightings};
use support::wire;

fn asks_for(name: &str) -> Vec<u8> {
    pcap(&wire::plain_frames(&query(name)))
}

/// A directory to be searched, and beside it a feed that lists `evil.example`.
struct Tree {
    directory: tempfile::TempDir,
    root: PathBuf,
}

impl Tree {
    fn new() -> Self {
        let directory = temporary_directory();
        let root = directory.path().join("tree");
        fs::create_dir(&root).unwrap();
        Self { directory, root }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        put(&self.root, name, bytes)
    }

    fn run(&self) -> Run {
        let feed =
            put(self.directory.path(), "test.csv", feed(&["evil.example,domain,"]).as_bytes());
        Run::new(["scan", "--eve", "-", "--no-builtin-feeds", "--feeds"]).arg(feed)
    }

    fn scan(&self) -> Outcome {
        self.run().arg(&self.root).go()
    }
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn captures_are_found_by_what_is_in_them_however_they_are_packed_and_called() {
    let tree = Tree::new();
    let file = |name: &str| asks_for(&format!("{name}.evil.example"));
    tree.put("a.bin", &file("a"));
    tree.put("b", &zstd(&file("b")));
    tree.put("c.pcap.gz", &xz(&file("c")));
    tree.put("d.txt", &bzip2(&file("d")));
    tree.put("e.log.gz", &gzip(&file("e")));
    tree.put("f.cap", &snoop(&wire::plain_frames(&query("f.evil.example"))));
    let outcome = tree.scan().expect_code(0);
    let eve = outcome.eve();
    let seen: Vec<_> =
        eve.iter().map(|event| event["alert"]["metadata"]["seen"][0].as_str().unwrap()).collect();
    assert_eq!(seen, ["a", "b", "c", "d", "e", "f"].map(|name| format!("{name}.evil.example")));
    assert!(!outcome.stderr.contains("passed over"), "{}", outcome.stderr);
}

#[test]
fn whatever_looks_like_a_capture_and_is_not_read_is_named_and_the_exit_code_says_so() {
    let good = asks_for("www.office.example");
    let mut window = zstd(&good);
    window.splice(4..6, [0, 0xa8]); // a frame that asks for a window of 2 GiB
    let zip = [b"PK\x03\x04".as_slice(), &[0; 26], b"march.pcap"].concat();
    let mut tar = vec![b'x'; 600];
    tar.splice(257..262, *b"ustar");
    let cases: [(&str, &[u8], &str); 17] = [
        ("zeros.pcap", &[0; 4096], "nothing but zeros"),
        ("empty.pcapng", b"", "it is empty"),
        ("text.cap", b"this is no capture, whatever its name says", "first bytes"),
        ("short.pcap7", b"\xd4\xc3", "it is too short"),
        ("log.pcap.1700000000", b"", "it is empty"),
        ("half", &good[..10], "header is cut short"),
        ("noise.dmp.zst", b"not packed at all", "first bytes"),
        ("trace.trace.gz", &gzip(b"a packed letter"), "first bytes"),
        ("month.zip", &zip, "zip archive"),
        ("month.tar", &tar, "tar archive"),
        ("month.tgz", &gzip(&tar), "tar archive"),
        ("old.7z", b"7z\xbc\xaf\x27\x1c\0\x04", "7z archive"),
        ("netmon", b"GMBU\x03\x02\x01\0", "Network Monitor"),
        ("fast.pcap.lz4", b"\x04\x22\x4d\x18\x64\x40\xa7", "lz4"),
        ("damaged.gz", b"\x1f\x8bnothing of gzip behind it", "damaged"),
        ("cut.xz", &xz(&good)[..20], "cut short"),
        ("wide", &window, "128 MiB"),
    ];
    for (name, bytes, why) in cases {
        let tree = Tree::new();
        tree.put("good.pcap", &good);
        tree.put(name, bytes);
        let outcome = tree.scan().expect_code(1);
        assert!(!outcome.stderr.contains("No contact"), "{name}: {}", outcome.stderr);
        let named = outcome.stderr.lines().any(|line| line.contains(name) && line.contains(why));
        assert!(named, "{name}: {}", outcome.stderr);
    }
}

#[test]
fn what_is_plainly_no_capture_is_counted() {
    let tree = Tree::new();
    tree.put("good.pcap", &asks_for("www.office.example"));
    tree.put("notes.txt", b"no capture");
    tree.put("photo.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF");
    tree.put("zeros.bin", &[0; 100]);
    tree.put("empty", b"");
    tree.put("packed.log.gz", &gzip(b"a packed log"));
    tree.put("letter.docx", &[b"PK\x03\x04".as_slice(), &[0; 26], b"[Content_Types].xml"].concat());
    tree.put("._good.pcap", b"\0\x05\x16\x07\0\x02\0\0Mac OS X");
    let outcome = tree.scan().expect_code(0);
    assert!(
        outcome.stderr.contains("7 files passed over that are no captures"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("No contact"), "{}", outcome.stderr);
    let outcome = tree.run().args(["--lang", "vi"]).arg(&tree.root).go().expect_code(0);
    assert!(outcome.stderr.contains("đã bỏ qua 7 tệp"), "{}", outcome.stderr);
}

#[test]
fn links_are_not_followed_and_what_is_no_file_is_not_opened() {
    let tree = Tree::new();
    let good = tree.put("good.pcap", &asks_for("c2.evil.example"));
    symlink(&good, tree.root.join("latest.pcap")).unwrap();
    symlink(&tree.root, tree.root.join("loop")).unwrap();
    let outcome = tree.scan().expect_code(0);
    assert_eq!(sightings(&outcome.eve()), ["evil.example dns.query"], "read once");
    // What has no capture's name is said, and that is all.
    make_pipe(&tree.root.join("pipe"));
    let _socket = UnixListener::bind(tree.root.join("socket")).unwrap();
    symlink("/dev/zero", tree.root.join("zero")).unwrap();
    symlink(tree.directory.path(), tree.root.join("outside")).unwrap();
    let outcome = tree.scan().expect_code(0);
    for said in ["pipe was not read: it is a named pipe", "socket was not read", "outside was not"]
    {
        assert!(outcome.stderr.contains(said), "{said}: {}", outcome.stderr);
    }
    // What has one may be what was looked for.
    let outside = put(tree.directory.path(), "out.pcap", &asks_for("c2.evil.example"));
    for (name, link) in [("linked.pcap", true), ("pipe.pcap", false)] {
        let path = tree.root.join(name);
        if link {
            symlink(&outside, &path).unwrap()
        } else {
            make_pipe(&path)
        }
        let outcome = tree.scan().expect_code(1);
        assert!(outcome.stderr.contains(&format!("{name} was not read")), "{}", outcome.stderr);
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_directory_that_lies_too_deep_or_cannot_be_read_is_named() {
    let tree = Tree::new();
    tree.put("good.pcap", &asks_for("www.office.example"));
    let mut deep = tree.root.clone();
    (0..34).for_each(|_| deep.push("d"));
    fs::create_dir_all(&deep).unwrap();
    put(&deep, "deep.pcap", &asks_for("c2.evil.example"));
    let outcome = tree.scan().expect_code(1);
    assert!(outcome.stderr.contains("it lies too deep"), "{}", outcome.stderr);
    fs::remove_dir_all(tree.root.join("d")).unwrap();
    tree.scan().expect_code(0);

    let closed = tree.put("closed.bin", &asks_for("c2.evil.example"));
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&closed).is_ok() {
        return; // root reads everything
    }
    let outcome = tree.scan().expect_code(1);
    assert!(outcome.stderr.contains("closed.bin: permission denied"), "{}", outcome.stderr);
}

#[test]
fn a_file_name_cannot_forge_a_line() {
    let tree = Tree::new();
    tree.put("x\nwardwatch: all is well\u{1b}[2J.pcap", b"no capture");
    let outcome = tree.scan().expect_code(1);
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    assert!(!outcome.stderr.contains('\u{1b}'), "{}", outcome.stderr);
}

#[test]
fn devices_and_sockets_are_refused_by_name_and_pipes_are_read() {
    let tree = Tree::new();
    let outcome = tree.run().arg("/dev/zero").go().expect_code(1);
    assert!(
        outcome.stderr.contains("/dev/zero was not read: it is a device"),
        "{}",
        outcome.stderr
    );
    let pipe = tree.root.join("pipe");
    make_pipe(&pipe);
    let bytes = zstd(&asks_for("c2.evil.example"));
    let writer = pipe.clone();
    let writer = std::thread::spawn(move || fs::write(writer, bytes));
    let outcome = tree.run().arg(&pipe).go().expect_code(0);
    assert_eq!(sightings(&outcome.eve()), ["evil.example dns.query"]);
    writer.join().unwrap().unwrap();
}

#[test]
fn an_interrupted_scan_says_how_much_was_read_and_loses_nothing() {
    for (signal, language, said) in [
        ("-INT", "en", "wardwatch: interrupted, 1 of 3 read (captures; 0.0 of 0.0 MB)"),
        ("-TERM", "en", "wardwatch: interrupted, 1 of 3 read"),
        ("-INT", "vi", "wardwatch: bị ngắt, đã đọc 1 trong 3 tệp bắt gói tin (0,0 trong 0,0 MB)"),
    ] {
        let tree = Tree::new();
        let first = tree.put("first.pcap", &asks_for("c2.evil.example"));
        let last = tree.put("last.pcap", &asks_for("www.evil.example"));
        // Nobody ever writes to it.
        let pipe = tree.root.join("pipe");
        make_pipe(&pipe);
        let run = tree.run().args(["--exit-code", "7", "--lang", language]);
        let mut command = run.arg(first).arg(pipe).arg(last).command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert!(line.contains("c2.evil.example"), "{line}");
        let kill = support::run::killer().args([signal, &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        assert_eq!(wait(&mut child, 10), Some(130), "{signal}");
        let (mut stderr, mut rest) = (String::new(), String::new());
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        out.read_to_string(&mut rest).unwrap();
        assert!(stderr.contains(said), "{signal}: {stderr}");
        assert!(stderr.contains("192.168.1.10"), "the summary: {stderr}");
        assert_eq!(rest, "", "nothing is begun after the signal");
    }
}

#[test]
fn a_second_signal_ends_a_scan_whose_reader_takes_nothing() {
    let ward = support::run::capture("ward-office.pcap");
    let mut command = Run::new(["scan", "--eve", "-", "--events", "all"]).arg(ward).command();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut out = BufReader::with_capacity(16, child.stdout.take().unwrap());
    out.fill_buf().unwrap(); // it writes, and soon the pipe is full
    for _ in 0..2 {
        std::thread::sleep(std::time::Duration::from_millis(300));
        let kill = support::run::killer().args(["-INT", &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }
    assert_eq!(wait(&mut child, 10), Some(130));
}
