//! The command line as a user meets it: bad input, what each option does, exit codes.
//!
//! Every refusal is checked for its words and its exit code: 1 could not do it, 2 usage or
//! configuration.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use support::capture_file::{self, Endian, Pcapng};
use support::run::{
    Outcome, Run, capture, eve_lines, put, skipped_without_root, temporary_directory, wait,
};
use support::verdict::{contacts, expected_contacts, feed, query, sightings};
use support::wire;

/// A capture in which one PC asks for one name.
fn asks_for(name: &str) -> Vec<u8> {
    capture_file::pcap(&wire::plain_frames(&query(name)))
}

/// A directory with a capture that asks for `c2.evil.example` and a feed that lists it.
struct Desk {
    directory: tempfile::TempDir,
    capture: PathBuf,
    feed: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let directory = temporary_directory();
        let capture = put(directory.path(), "evil.pcap", &asks_for("c2.evil.example"));
        let feed = put(directory.path(), "test.csv", feed(&["evil.example,domain,"]).as_bytes());
        Self { directory, capture, feed }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        put(self.directory.path(), name, bytes)
    }

    /// `scan` with the feed of the desk alone.
    fn scan(&self) -> Run {
        Run::new(["scan", "--no-builtin-feeds", "--feeds"]).arg(&self.feed)
    }
}

/// Panics unless standard error holds each of these.
#[track_caller]
fn says(outcome: &Outcome, words: &[&str]) {
    for word in words {
        assert!(outcome.stderr.contains(word), "`{word}` is not in: {}", outcome.stderr);
    }
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("os error"), "{}", outcome.stderr);
}

// Bad input: captures.

#[test]
fn a_missing_file_is_named() {
    let outcome = Run::new(["scan", "/nowhere/march.pcap"]).go().expect_code(1);
    says(&outcome, &["wardwatch: cannot open /nowhere/march.pcap: there is no such file"]);
    assert_eq!(outcome.stdout, "");
}

#[test]
fn a_capture_that_could_not_be_read_is_never_called_clean() {
    let outcome = Run::new(["scan", "/nowhere/march.pcap"]).go().expect_code(1);
    assert!(!outcome.stderr.contains("No contact"), "{}", outcome.stderr);
}

#[test]
fn a_directory_without_a_capture_is_said() {
    let desk = Desk::new();
    let empty = desk.directory.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    put(&empty, "notes.txt", b"no capture");
    let outcome = Run::new(["scan"]).arg(&empty).go().expect_code(1);
    says(&outcome, &["there is no capture in", "/empty"]);
}

#[test]
fn a_file_that_is_no_capture_is_said_with_what_can_be_read() {
    let desk = Desk::new();
    let cases: [(&str, &[u8]); 4] = [
        ("letter.docx", b"PK\x03\x04 a letter, long enough to hold a capture's header"),
        ("empty.pcap", b""),
        ("short.pcap", b"\xd4\xc3"),
        ("half-header.pcap", b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00"),
    ];
    for (name, bytes) in cases {
        let path = desk.put(name, bytes);
        let outcome = desk.scan().arg(path).go().expect_code(1);
        says(&outcome, &[name, "is not a capture", "pcap, pcapng"]);
    }
}

#[test]
fn before_a_cut_everything_is_reported_then_the_error() {
    let desk = Desk::new();
    let mut frames = wire::plain_frames(&query("c2.evil.example"));
    frames.extend(wire::plain_frames(&query("www.office.example")));
    let ng = frames.iter().fold(
        Pcapng::new(Endian::Little).interface(capture_file::ETHERNET, None),
        |file, frame| file.packet(0, frame),
    );
    for (name, file) in [
        ("cut.pcap", capture_file::cut_in_last_record(&capture_file::pcap(&frames))),
        ("cut.pcapng", capture_file::cut_in_last_record(&ng.finish())),
        (
            "cut.pcap.gz",
            capture_file::gzip(&capture_file::cut_in_last_record(&capture_file::pcap(&frames))),
        ),
    ] {
        let path = desk.put(name, &file);
        let outcome = desk.scan().arg(&path).go().expect_code(1);
        assert_eq!(outcome.stdout.lines().count(), 1, "{name}: {}", outcome.stdout);
        assert!(outcome.stdout.contains("c2.evil.example (dns.query)"), "{}", outcome.stdout);
        says(&outcome, &[name, "is cut short", "in the middle of a record after frame 1"]);
    }
}

#[test]
fn a_cut_gzip_reports_what_stands_before_the_cut() {
    let desk = Desk::new();
    let noise = support::Noise::new(4).bytes(120_000); // does not compress
    let file = [capture_file::pcap(&wire::plain_frames(&query("c2.evil.example"))), {
        let frames: Vec<_> = noise
            .chunks(1200)
            .map(|part| wire::Frame { time: wire::NINE_O_CLOCK, bytes: part.to_vec() })
            .collect();
        capture_file::pcap(&frames).split_off(24)
    }]
    .concat();
    let packed = capture_file::gzip(&file);
    let path = desk.put("half.pcap.gz", &packed[..packed.len() / 2]);
    let outcome = desk.scan().arg(&path).go().expect_code(1);
    assert!(outcome.stdout.contains("c2.evil.example (dns.query)"), "{}", outcome.stdout);
    says(&outcome, &["half.pcap.gz", "cut short"]);
}

#[test]
fn one_bad_capture_among_several_spoils_no_other() {
    let desk = Desk::new();
    let bad = desk.put("bad.pcap", b"this is no capture, whatever its name says");
    let outcome = desk.scan().arg("/nowhere.pcap").arg(bad).arg(&desk.capture).go().expect_code(1);
    assert_eq!(outcome.stdout.lines().count(), 1, "{}", outcome.stdout);
    says(&outcome, &["/nowhere.pcap", "bad.pcap", "SUMMARY"]);
}

// Bad input: capturing.

#[test]
fn without_the_right_to_capture_the_capability_is_named() {
    if skipped_without_root("without_the_right_to_capture_the_capability_is_named") {
        return;
    }
    // The build directory may be closed to others: the binary goes where anybody may enter.
    let directory = temporary_directory();
    let open = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open(directory.path(), 0o777);
    let binary = directory.path().join("wardwatch");
    std::fs::copy(env!("CARGO_BIN_EXE_wardwatch"), &binary).unwrap();
    open(&binary, 0o755);
    let output = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .args(["--inh-caps=-all", "--bounding-set=-all", "timeout", "30"])
        .arg(&binary)
        .args(["run", "-i", "lo", "--lang", "en", "--log-dir"])
        .arg(directory.path().join("log"))
        .output()
        .expect("setpriv of util-linux");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let sentence = "cannot capture on lo: permission denied (needs CAP_NET_RAW";
    assert!(stderr.contains(sentence), "{stderr}");
}

#[test]
fn an_interface_that_does_not_exist_is_answered_with_those_that_do() {
    if skipped_without_root("an_interface_that_does_not_exist_is_answered_with_those_that_do") {
        return;
    }
    let directory = temporary_directory();
    let outcome = Run::new(["run", "-T", "-i", "wwnone0", "--log-dir"]).arg(directory.path()).go();
    let outcome = outcome.expect_code(0);
    says(&outcome, &["there is no interface wwnone0; this machine has: ", "lo"]);
}

#[test]
fn run_without_an_interface_asks_for_one() {
    let directory = temporary_directory();
    let outcome = Run::new(["run", "--log-dir"]).arg(directory.path()).go().expect_code(2);
    says(&outcome, &["which interface?", "-i", "interfaces under [capture]"]);
}

#[test]
fn a_log_directory_that_cannot_be_written_stops_the_start() {
    // Below a regular file nothing can be made, not even by root.
    let desk = Desk::new();
    let file = desk.put("not-a-directory", b"");
    let outcome =
        Run::new(["run", "-i", "lo", "--log-dir"]).arg(file.join("log")).go().expect_code(1);
    says(&outcome, &["cannot write", "not-a-directory/log", "does not start"]);
}

#[test]
fn an_eve_file_that_cannot_be_written_stops_the_scan() {
    let desk = Desk::new();
    let file = desk.put("not-a-directory", b"");
    let outcome =
        desk.scan().arg("--eve").arg(file.join("eve.json")).arg(&desk.capture).go().expect_code(1);
    says(&outcome, &["cannot write", "not-a-directory/eve.json"]);
}

// Bad input: feeds and configuration.

#[test]
fn bad_lines_of_a_feed_are_named_and_the_rest_matches() {
    let desk = Desk::new();
    let text = "indicator,type,scope,threat\n\
                evil.example,domain,,redline\n\
                not a name at all,domain,,redline\n\
                203.0.113.400,ip,,redline\n\
                panda.test,domain,,mustang-panda\n\
                com,domain,,redline\n";
    let list = desk.put("mixed.csv", text.as_bytes());
    let mut frames = wire::plain_frames(&query("c2.evil.example"));
    frames.extend(wire::plain_frames(&query("drop.panda.test")));
    let both = desk.put("both.pcap", &capture_file::pcap(&frames));
    let outcome = Run::new(["scan", "--eve", "-", "--no-builtin-feeds", "--feeds"])
        .arg(&list)
        .arg(both)
        .go()
        .expect_code(0);
    says(&outcome, &["line 3: not loaded", "line 4: not loaded", "line 6: not loaded"]);
    says(&outcome, &["mixed", "203.0.113.400"]);
    assert_eq!(
        sightings(&outcome.eve()),
        ["evil.example dns.query", "panda.test dns.query"],
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_feed_that_is_missing_is_refused_before_anything_is_read() {
    let desk = Desk::new();
    let outcome =
        Run::new(["scan", "--feeds", "/nowhere/feed.csv"]).arg(&desk.capture).go().expect_code(2);
    says(&outcome, &["/nowhere/feed.csv"]);
    assert_eq!(outcome.stdout, "");
}

#[test]
fn an_unknown_key_of_the_configuration_is_named_with_file_and_line() {
    let desk = Desk::new();
    let config = desk.put("wardwatch.toml", b"lang = \"en\"\n\n[log]\ncolour = true\n");
    let outcome = desk.scan().arg("-c").arg(config).arg(&desk.capture).go().expect_code(2);
    says(&outcome, &["wardwatch.toml, line 4", "colour"]);
}

#[test]
fn values_of_the_configuration_that_make_no_sense_are_refused() {
    let desk = Desk::new();
    for (text, words) in [
        ("lang = \"fr\"\n", ["lang", "vi or en"]),
        ("home = [\"192.168.1.0/33\"]\n", ["192.168.1.0/33", "192.168.1.0/24"]),
        ("[limits]\nflows = 0\n", ["limits.flows", "at least 1"]),
        ("lang = \n", ["bad.toml", "line 1"]),
    ] {
        let config = desk.put("bad.toml", text.as_bytes());
        let outcome = desk.scan().arg("-c").arg(config).arg(&desk.capture).go().expect_code(2);
        says(&outcome, &words);
    }
    let outcome = desk.scan().args(["-c", "/nowhere.toml"]).arg(&desk.capture).go().expect_code(2);
    says(&outcome, &["/nowhere.toml", "there is no such file"]);
}

#[test]
fn a_bpf_expression_that_does_not_compile_is_refused_with_the_manual_named() {
    let desk = Desk::new();
    let outcome = desk.scan().arg(&desk.capture).arg("udp prot 53").go().expect_code(2);
    says(&outcome, &["`udp prot 53`", "pcap-filter"]);
}

#[test]
fn usage_errors_exit_with_2() {
    for arguments in [
        &["scan", "--no-such-option", "x.pcap"][..],
        &["scan"],
        &["explode"],
        &["scan", "--events", "dns,telex", "x.pcap"],
        &["scan", "-j", "0", "x.pcap"],
        &["scan", "--lang", "fr", "x.pcap"],
        &["scan", "--exit-code", "256", "x.pcap"],
        &[],
    ] {
        let outcome = Run::new(arguments).go().expect_code(2);
        assert!(!outcome.stderr.is_empty() && outcome.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn habits_of_other_tools_are_answered_with_what_is_meant() {
    let desk = Desk::new();
    for (arguments, hint) in [
        (&["-r", "old.pcap"][..], "hint: to read a capture: wardwatch scan old.pcap"),
        (&["-i", "eth1"], "wardwatch run -i eth1"),
        (&["scan", "x.pcap", "-w", "y.pcap"], "tcpdump -w"),
        (&["run", "-l", "/x"], "--log-dir"),
        (&["run", "-D"], "systemctl start wardwatch"),
    ] {
        let outcome = Run::new(arguments).go().expect_code(2);
        says(&outcome, &[hint]);
    }
    let outcome = desk.scan().args(["--events", "dns"]).arg(&desk.capture).go().expect_code(2);
    says(&outcome, &["--eve <FILE|->"]);
    let outcome = desk.scan().args(["--eve", "/nope/x.json"]).arg(&desk.capture).go();
    says(&outcome.expect_code(1), &["cannot write /nope/x.json: the directory /nope is missing"]);
    desk.scan().args(["-j", "auto"]).arg(&desk.capture).go().expect_code(0);
}

#[test]
fn usage_errors_and_help_speak_the_language_that_was_asked_for() {
    for arguments in [&["--lang", "vi", "--help"][..], &["scan", "--help", "--lang=vi"]] {
        let text = Run::new(arguments).go().expect_code(0).stdout;
        assert!(text.contains("Cách dùng:") && !text.contains("Usage"), "{text}");
    }
    let outcome = Run::new(["scan", "--nonsense"]).env("LANG", "vi_VN.UTF-8").go().expect_code(2);
    says(&outcome, &["lỗi: không có tham số '--nonsense'", "Cách dùng:"]);
    let outcome = Run::new(["--lang", "vi"]).go().expect_code(2);
    says(&outcome, &["còn thiếu lệnh; có các lệnh: scan, run, status, doctor, feeds, selftest"]);
}

#[test]
fn the_configuration_of_the_machine_is_read_by_every_command_unless_another_is_named() {
    let desk = Desk::new();
    let text = format!("feeds = [{:?}]\nbuiltin_feeds = false\n", desk.feed);
    let of_machine = desk.put("machine.toml", text.as_bytes()).display().to_string();
    let other = desk.put("other.toml", b"builtin_feeds = false\n");
    let run = |arguments: &[&str]| {
        Run::new(arguments).env("WARDWATCH_CONFIG", &of_machine).arg("-v").go()
    };
    let lookup = ["feeds", "lookup", "c2.evil.example"];
    says(&run(&lookup).expect_code(0), &["configuration ", "machine.toml"]);
    let with_other = Run::new(lookup).env("WARDWATCH_CONFIG", &of_machine).arg("-c").arg(&other);
    let outcome = with_other.arg("-v").go().expect_code(1);
    says(&outcome, &["other.toml"]);
    says(&Run::new(lookup).arg("-v").go().expect_code(1), &["no configuration file"]);
    let outcome = run(&["scan", &desk.capture.display().to_string()]).expect_code(0);
    assert!(outcome.stdout.contains("c2.evil.example"), "{}", outcome.stdout);
    let listed = run(&["feeds", "list"]).expect_code(0).stdout;
    assert!(listed.contains("evil.example"), "{listed}");
    let tried = run(&["selftest"]).expect_code(0).stdout;
    assert!(tried.contains("evil.example"), "{tried}");
    // One that is named and not there is no reason to go by defaults.
    let gone = Run::new(lookup).env("WARDWATCH_CONFIG", "/nowhere.toml").go().expect_code(2);
    says(&gone, &["/nowhere.toml"]);
}

#[test]
fn networks_with_bits_of_a_host_and_words_that_are_nearly_right_are_answered_with_the_right_ones() {
    let desk = Desk::new();
    let config = desk.put("bad.toml", b"home = [\"192.168.1.7/24\"]\n");
    let outcome = desk.scan().arg("-c").arg(config).arg(&desk.capture).go().expect_code(2);
    says(&outcome, &["192.168.1.7/24", "did you mean `192.168.1.0/24`?"]);
    let rows = "indicator,type,scope,threat\na.test,domian,,redline\nb.test,domain,,redlien\n\
                c.test,domain,,ward-own\n";
    let list = desk.put("typos.csv", rows.as_bytes());
    let outcome = Run::new(["feeds", "check"]).arg(&list).go().expect_code(1);
    says(&outcome, &["line 2: not loaded", "did you mean \"domain\"?"]);
    says(&outcome, &["line 3: loaded with doubt", "did you mean \"redline\"?"]);
    says(&outcome, &["no text for the threat `ward-own`"]);
}

#[test]
fn what_is_no_feed_in_a_directory_of_feeds_is_named() {
    let desk = Desk::new();
    let lists = desk.directory.path().join("feeds.d");
    std::fs::create_dir(&lists).unwrap();
    put(&lists, "empty.csv", b"");
    put(&lists, "notes.docx", b"PK");
    put(&lists, "good.txt", b"evil.example\n");
    put(&lists, ".swp", b"");
    let outcome = Run::new(["scan", "--no-builtin-feeds", "--feeds"])
        .arg(&lists)
        .arg(&desk.capture)
        .go()
        .expect_code(0);
    says(
        &outcome,
        &[
            "empty: there is no indicator",
            "notes.docx in the directory of feeds is passed over: its name ends neither",
        ],
    );
    assert!(!outcome.stderr.contains(".swp"), "{}", outcome.stderr);
}

#[test]
fn help_and_version_succeed() {
    for arguments in [&["--help"][..], &["--version"], &["scan", "--help"], &["run", "--help"]] {
        let outcome = Run::new(arguments).go().expect_code(0);
        assert!(!outcome.stdout.is_empty(), "{arguments:?}");
    }
}

// What scan does.

#[test]
fn a_bpf_expression_leaves_out_what_it_does_not_name() {
    let desk = Desk::new();
    let words = desk.scan().arg(&desk.capture).args(["tcp", "port", "443"]).go().expect_code(0);
    assert_eq!(words.stdout, "", "several words are one expression");
    let outcome = desk.scan().arg(&desk.capture).args(["tpc", "port", "443"]).go().expect_code(2);
    says(&outcome, &["`tpc port 443` is no file that is there and begins no BPF expression"]);
    let outcome = desk.scan().arg(&desk.capture).arg("host c2.evil.example").go().expect_code(2);
    says(&outcome, &["`c2.evil.example`", "wardwatch resolves no name"]);
    for (expression, alerts) in [("udp port 53", 1), ("tcp", 0), ("not udp and ip", 0)] {
        let outcome = desk.scan().arg(&desk.capture).arg(expression).go().expect_code(0);
        assert_eq!(outcome.stdout.lines().count(), alerts, "{expression}: {}", outcome.stdout);
    }
}

#[test]
fn alerts_set_the_exit_code_that_was_asked_for() {
    let desk = Desk::new();
    let clean = desk.put("clean.pcap", &asks_for("www.office.example"));
    desk.scan().arg(&desk.capture).go().expect_code(0);
    desk.scan().args(["--exit-code", "7"]).arg(&desk.capture).go().expect_code(7);
    desk.scan().args(["--exit-code", "7"]).arg(clean).go().expect_code(0);
    // What could not be read weighs more: the answer is not complete.
    desk.scan().args(["--exit-code", "7"]).arg(&desk.capture).arg("/no.pcap").go().expect_code(1);
}

#[test]
fn with_eve_on_standard_output_there_are_nothing_but_json_lines() {
    let outcome = Run::new(["scan", "--eve", "-", "--events", "all"])
        .arg(capture("ward-office.pcap"))
        .go()
        .expect_code(0);
    assert!(outcome.stdout.ends_with('\n'));
    let events = outcome.eve();
    assert!(events.iter().all(serde_json::Value::is_object));
    assert!(events.len() > 100, "{} events", events.len());
    says(&outcome, &["SUMMARY"]);
}

#[test]
fn eve_without_events_holds_alerts_only() {
    let desk = Desk::new();
    let outcome = desk.scan().args(["--eve", "-"]).arg(&desk.capture).go().expect_code(0);
    let events = outcome.eve();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["event_type"], "alert");
}

#[test]
fn an_eve_file_is_written_anew_beside_the_text() {
    let desk = Desk::new();
    let eve = desk.put("eve.json", b"what stood here before\n");
    let run = desk.scan().args(["--events", "dns", "--eve"]).arg(&eve).arg(&desk.capture);
    let outcome = run.go().expect_code(0);
    assert!(outcome.stdout.contains("c2.evil.example (dns.query)"), "{}", outcome.stdout);
    let events = eve_lines(&std::fs::read_to_string(&eve).unwrap());
    let kinds: Vec<_> = events.iter().map(|event| event["event_type"].as_str().unwrap()).collect();
    assert_eq!(kinds.len(), 2, "{kinds:?}");
    assert!(kinds.contains(&"alert") && kinds.contains(&"dns"), "{kinds:?}");
}

#[test]
fn the_json_format_prints_an_alert_a_line() {
    let outcome =
        Run::new(["scan", "--format", "json"]).arg(capture("ward-office.pcap")).go().expect_code(0);
    let expected = expected_contacts(&capture("ward-office.expected.csv"));
    assert_eq!(contacts(&outcome.eve()), expected);
    assert_eq!(outcome.stdout.lines().count(), expected.len());
}

#[test]
fn any_number_of_jobs_prints_the_same() {
    let run = |jobs: &str| {
        let run = Run::new(["scan", "--eve", "-", "--events", "all", "-j", jobs]);
        run.arg(capture("")).go().expect_code(0)
    };
    let (one, four) = (run("1"), run("4"));
    assert!(one.stdout.len() > 100_000, "{} bytes", one.stdout.len());
    assert!(one.stdout == four.stdout, "output differs between -j 1 and -j 4");
    assert_eq!(one.stderr, four.stderr);
}

#[test]
fn standard_input_is_read_plain_or_packed() {
    let desk = Desk::new();
    let file = asks_for("c2.evil.example");
    for bytes in [file.clone(), capture_file::gzip(&file)] {
        let outcome = desk.scan().args(["--eve", "-"]).arg("-").stdin(&bytes).go().expect_code(0);
        assert_eq!(sightings(&outcome.eve()), ["evil.example dns.query"]);
    }
    let outcome = desk.scan().arg("-").stdin(b"").go().expect_code(1);
    says(&outcome, &["standard input is not a capture: it is empty"]);
}

#[test]
fn a_directory_is_searched_to_its_depth_for_what_begins_like_a_capture() {
    let desk = Desk::new();
    let tree = desk.directory.path().join("tree");
    std::fs::create_dir_all(tree.join("june/18")).unwrap();
    let file = |name: &str| asks_for(&format!("{name}.evil.example"));
    put(&tree, "1.pcap", &file("first"));
    put(&tree.join("june"), "2.pcap.gz", &capture_file::gzip(&file("second")));
    put(&tree.join("june/18"), "no-extension", &file("third"));
    put(&tree, "readme.txt", b"not a capture");
    put(&tree, "old.log.gz", &capture_file::gzip(b"a packed log, not a capture"));
    let outcome = desk.scan().args(["--eve", "-"]).arg(&tree).go().expect_code(0);
    let eve = outcome.eve();
    let seen: Vec<_> =
        eve.iter().map(|event| event["alert"]["metadata"]["seen"][0].as_str().unwrap()).collect();
    // By name: `june/18/no-extension` stands before `june/2.pcap.gz`.
    assert_eq!(seen, ["first.evil.example", "third.evil.example", "second.evil.example"]);
    let name = eve[1]["pcap_filename"].as_str().unwrap();
    assert!(name.ends_with("/tree/june/18/no-extension"), "{name}");
}

// Output that nobody reads, and signals.

/// Starts a run whose output and messages can be read here.
fn start(run: Run) -> Child {
    let mut command = run.command();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn read(pipe: impl std::io::Read) -> String {
    std::io::read_to_string(pipe).unwrap()
}

fn send(signal: &str, child: &Child) {
    let status = support::run::killer().args([signal, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_reader_that_goes_away_is_success_without_a_word() {
    let office = || [capture("ward-office.pcap"), capture("ward-office.pcap")];
    for (arguments, lines) in [
        (&["scan", "--eve", "-", "--events", "all", "-j", "2"][..], 1),
        (&["scan", "--eve", "-", "--events", "all"], 0),
        (&["scan"], 0),
        (&["scan", "--format", "json", "--exit-code", "0"], 0),
    ] {
        let mut run = Run::new(arguments);
        for path in office() {
            run = run.arg(path);
        }
        let mut child = start(run);
        let mut out = BufReader::new(child.stdout.take().unwrap());
        for _ in 0..lines {
            out.read_line(&mut String::new()).unwrap();
        }
        drop(out);
        assert_eq!(wait(&mut child, 60), Some(0), "{arguments:?}");
        assert_eq!(read(child.stderr.take().unwrap()), "", "{arguments:?}");
    }
}

#[test]
fn a_list_of_feeds_that_nobody_reads_is_success_too() {
    let mut child = start(Run::new(["feeds", "list"]));
    drop(child.stdout.take());
    assert_eq!(wait(&mut child, 60), Some(0));
    assert_eq!(read(child.stderr.take().unwrap()), "");
}

#[test]
fn a_signal_ends_a_scan_of_an_open_pipe_with_its_summary() {
    for signal in ["-TERM", "-INT"] {
        let desk = Desk::new();
        let mut child = start(desk.scan().arg("-"));
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(&asks_for("c2.evil.example")).unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap(); // the alert comes while the pipe is open
        assert!(line.contains("c2.evil.example"), "{line}");
        send(signal, &child);
        assert_eq!(wait(&mut child, 10), Some(130), "{signal}");
        let stderr = read(child.stderr.take().unwrap());
        assert!(stderr.contains("SUMMARY"), "{signal}: {stderr}");
        assert!(stderr.contains("wardwatch: interrupted, 0 of 1 read"), "{signal}: {stderr}");
        drop(pipe);
    }
}

#[test]
fn a_signal_before_the_first_byte_ends_a_scan_too() {
    let desk = Desk::new();
    let mut child = start(desk.scan().arg("-v").arg("-"));
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("indicators loaded") {
        assert!(err.read_line(&mut line).unwrap() > 0, "{line}");
    }
    // It begins to read now.
    std::thread::sleep(Duration::from_millis(300));
    send("-TERM", &child);
    assert_eq!(wait(&mut child, 10), Some(130));
    assert!(!read(err).contains("No contact"), "nobody knows whether there was one");
}

// Feeds.

#[test]
fn the_curated_feeds_are_clean_and_can_be_listed() {
    let outcome = Run::new(["feeds", "check"]).go().expect_code(0);
    assert_eq!(outcome.stdout.lines().count(), 3, "{}", outcome.stdout);
    assert!(outcome.stdout.lines().all(|line| line.contains(" 0 lines not loaded")));
    let outcome = Run::new(["feeds", "list"]).go().expect_code(0);
    assert!(outcome.stdout.starts_with("indicator,type,scope,threat"), "{}", outcome.stdout);
    let threats = ["redline", "mustang-panda", "canary"];
    assert!(threats.iter().all(|threat| outcome.stdout.contains(&format!(",{threat},"))));
}

#[test]
fn a_check_of_a_bad_feed_fails_and_names_the_line() {
    let desk = Desk::new();
    let list = desk.put("bad.csv", b"indicator,type\nevil.example,domain\n256.1.1.1,ip\n");
    let outcome = Run::new(["feeds", "check"]).arg(list).go().expect_code(1);
    assert!(outcome.stdout.contains("1 indicators, 1 lines not loaded"), "{}", outcome.stdout);
    says(&outcome, &["line 3", "256.1.1.1"]);
}

#[test]
fn a_lookup_says_what_traffic_would_meet() {
    let desk = Desk::new();
    let rows = feed(&[
        "evil.example,domain,",
        "203.0.113.7:8080,ip:port,",
        "198.51.100.0/28,cidr,",
        "drop.test/a/b,url,",
    ]);
    let list = desk.put("many.csv", rows.as_bytes());
    let lookup = |value: &str| {
        Run::new(["feeds", "lookup", "--no-builtin-feeds", "--feeds"]).arg(&list).arg(value).go()
    };
    for hit in [
        "a.B.evil.example.",
        "203.0.113.7:8080",
        "198.51.100.15",
        "http://drop.test/a/b?c=d",
        "a[.]evil[.]example",
        "hxxp://drop[.]test/a/b",
        " 203[.]0[.]113[.]7:8080",
    ] {
        let said = lookup(hit).expect_code(0).stdout;
        assert!(said.contains("WOULD RAISE AN ALERT") && said.contains("redline"), "{hit}: {said}");
    }
    for miss in [
        "notevil.example",
        "evil.example.org",
        "203.0.113.7:8081",
        "198.51.100.16",
        "http://drop.test/a",
        "drop.test",
    ] {
        let said = lookup(miss).expect_code(1).stdout;
        assert!(said.starts_with(&format!("{miss}: not in any list, raises no alert")), "{said}");
    }
    for digest in ["d41d8cd98f00b204e9800998ecf8427e", &"ab".repeat(20), &"0".repeat(64)] {
        let said = lookup(digest).expect_code(1).stdout;
        assert!(said.contains("file hash, not visible on the wire"), "{said}");
    }
    let both = Run::new(["feeds", "lookup", "--no-builtin-feeds", "--feeds"]).arg(&list);
    both.args(["nobody.test", "evil.example"]).go().expect_code(0);
    let outcome = Run::new(["feeds", "lookup", "not a value"]).go().expect_code(2);
    says(&outcome, &["`not a value` cannot be looked up"]);
}

#[test]
fn without_the_curated_feeds_only_the_canary_stays() {
    let outcome = Run::new(["scan", "--eve", "-", "--no-builtin-feeds"])
        .arg(capture("ward-office.pcap"))
        .go()
        .expect_code(0);
    // Behaviours are no feed: they stay too.
    let behaviour = "redline.net-tcp behaviour.redline.net-tcp";
    let expected = ["192.0.2.53 ip", "canary.wardwatch.test dns.query", behaviour];
    assert_eq!(sightings(&outcome.eve()), expected);
}

#[test]
fn feeds_come_from_files_and_directories_and_add_to_the_curated_ones() {
    let desk = Desk::new();
    let lists = desk.directory.path().join("lists");
    std::fs::create_dir(&lists).unwrap();
    put(&lists, "a.csv", feed(&["evil.example,domain,"]).as_bytes());
    put(&lists, "b.txt", b"# a plain list\npanda.test\n");
    put(&lists, "c.bak", b"office.example\n");
    let mut frames = wire::plain_frames(&query("c2.evil.example"));
    for name in ["panda.test", "www.office.example", "7gzi.com"] {
        frames.extend(wire::plain_frames(&query(name)));
    }
    let all = desk.put("all.pcap", &capture_file::pcap(&frames));
    let run = |arguments: &[&Path]| {
        let mut run = Run::new(["scan", "--eve", "-"]).arg(&all);
        for path in arguments {
            run = run.arg("--feeds").arg(path);
        }
        sightings(&run.go().expect_code(0).eve())
    };
    assert_eq!(run(&[]), ["7gzi.com dns.query"]);
    assert_eq!(run(&[&desk.feed]), ["7gzi.com dns.query", "evil.example dns.query"]);
    let both = ["7gzi.com dns.query", "evil.example dns.query", "panda.test dns.query"];
    assert_eq!(run(&[&lists]), both);
}

#[test]
fn an_allow_list_silences_and_what_it_silenced_is_counted() {
    let desk = Desk::new();
    let allow = desk.put("allow.txt", b"c2.evil.example # our own honeypot\n");
    let config = format!("lang = \"en\"\nallow = [{:?}]\n", allow.display().to_string());
    let config = desk.put("wardwatch.toml", config.as_bytes());
    let mut frames = wire::plain_frames(&query("c2.evil.example"));
    frames.extend(wire::plain_frames(&query("drop.evil.example")));
    let both = desk.put("both.pcap", &capture_file::pcap(&frames));
    let outcome =
        desk.scan().args(["--eve", "-", "-v", "-c"]).arg(config).arg(both).go().expect_code(0);
    let eve = outcome.eve();
    assert_eq!(eve.len(), 1, "{}", outcome.stdout);
    assert_eq!(eve[0]["alert"]["metadata"]["seen"][0], "drop.evil.example");
    says(&outcome, &["matching.allowed 1"]);
}
