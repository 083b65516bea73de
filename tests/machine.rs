//! Safe on the machine it runs on: what another user of the machine may lay in the way of files,
//! what is no file at all, and readers that do not read.
//!
//! Most of it needs root, for other users' files and for namespaces; without it, it says so and does
//! nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::mirror::Mirror;
use support::netns::{Namespace, Sensor};
use support::run::{self, Run, put, skipped_without_root, temporary_directory};
use support::verdict::{feed, query};
use support::{capture_file, wire};

/// `nobody`.
const NOBODY: u32 = 65_534;
/// A signal ends every state within two seconds; the rest is the machine's, which may be busy.
const END: Duration = Duration::from_millis(3500);

fn mkfifo(path: &Path) -> PathBuf {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    path.into()
}

fn open_to_all(directory: &Path) {
    fs::set_permissions(directory, PermissionsExt::from_mode(0o755)).unwrap();
}

/// A directory of nobody's, and root's secret beside it.
struct Trap {
    place: tempfile::TempDir,
    theirs: PathBuf,
    secret: PathBuf,
}

impl Trap {
    fn new() -> Self {
        let place = temporary_directory();
        open_to_all(place.path());
        let theirs = place.path().join("theirs");
        fs::create_dir(&theirs).unwrap();
        chown(&theirs, Some(NOBODY), Some(NOBODY)).unwrap();
        let secret = put(place.path(), "secret", b"root:$6$only-roots-line:1:\n");
        fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
        Self { place, theirs, secret }
    }

    /// The secret is still root's, as it was, and has one name.
    #[track_caller]
    fn is_untouched(&self) {
        let about = fs::symlink_metadata(&self.secret).unwrap();
        assert_eq!((about.uid(), about.gid(), about.mode() & 0o777), (0, 0, 0o600));
        assert_eq!(fs::read(&self.secret).unwrap(), b"root:$6$only-roots-line:1:\n");
    }

    fn config(&self, text: &str) -> String {
        put(self.place.path(), "c.toml", text.as_bytes()).display().to_string()
    }
}

fn sensor(arguments: &[&str]) -> Run {
    Run::new(["run", "-i", "lo"]).args(arguments).seconds(15)
}

#[test]
fn root_is_not_led_by_links_second_names_or_foreign_files_in_the_log_directory() {
    if skipped_without_root("root_is_not_led_by_links_second_names_or_foreign_files") {
        return;
    }
    let trap = Trap::new();
    let log = trap.theirs.join("log");
    let config = trap.config(&format!("user = 'nobody'\nlog.dir = '{}'\n", log.display()));
    type Lay = fn(&Trap, &Path);
    let traps: [(&str, Lay); 7] = [
        ("it is a link", |trap, at| symlink(&trap.secret, at).unwrap()),
        ("it is a link", |_, at| symlink("/etc/wardwatch-made-through-a-link", at).unwrap()),
        ("more than one name", |trap, at| fs::hard_link(&trap.secret, at).unwrap()),
        ("it belongs to neither", |_, at| {
            fs::write(at, "").unwrap();
            chown(at, Some(NOBODY - 1), None).unwrap();
        }),
        ("named pipe", |_, at| drop(mkfifo(at))),
        ("it is a device", |_, at| {
            let made = Command::new("mknod").arg(at).args(["c", "1", "7"]).status();
            assert!(made.unwrap().success());
        }),
        ("it is a directory", |_, at| fs::create_dir(at).unwrap()),
    ];
    for name in ["alerts.log", "eve.json", "wardwatch.lock"] {
        for (words, lay) in &traps {
            fs::create_dir(&log).unwrap();
            chown(&log, Some(NOBODY), Some(NOBODY)).unwrap();
            lay(&trap, &log.join(name));
            let outcome = sensor(&["-c", &config]).go().expect_code(1);
            assert!(outcome.stderr.contains(words), "{name}: {words}: {}", outcome.stderr);
            trap.is_untouched();
            assert!(!Path::new("/etc/wardwatch-made-through-a-link").exists());
            fs::remove_dir_all(&log).unwrap();
        }
    }
}

#[test]
fn root_is_not_led_by_a_link_in_the_place_of_a_directory_nor_writes_in_a_strangers() {
    if skipped_without_root("root_is_not_led_by_a_link_in_the_place_of_a_directory") {
        return;
    }
    let trap = Trap::new();
    let roots = trap.place.path().join("roots");
    fs::create_dir(&roots).unwrap();
    let link = trap.theirs.join("log");
    symlink(&roots, &link).unwrap();
    lchown(&link, Some(NOBODY), None).unwrap();
    let spool = link.join("spool").display().to_string();
    let config = trap.config(&format!("user = 'nobody'\nspool.dir = '{spool}'\n"));
    let good = trap.place.path().join("good").display().to_string();
    let (below, eve) = (link.join("a/b"), link.join("eve.json"));
    let [link, below, eve] = [&link, &below, &eve].map(|path| path.display().to_string());
    for (arguments, words) in [
        (vec!["--log-dir", &link], "belongs to another user"),
        (vec!["--log-dir", &below], "belongs to another user"),
        (vec!["--log-dir", &good, "--eve", &eve], "belongs to another user"),
        (vec!["--log-dir", &good, "-c", &config], "belongs to another user"),
    ] {
        let outcome = sensor(&arguments).go().expect_code(1);
        assert!(outcome.stderr.contains(words), "{arguments:?}: {}", outcome.stderr);
    }
    assert_eq!(fs::read_dir(&roots).unwrap().count(), 0, "nothing is made behind the link");
    // A directory of somebody whom the sensor does not become, and one that anybody can change.
    let strangers = trap.place.path().join("strangers");
    fs::create_dir(&strangers).unwrap();
    let path = strangers.display().to_string();
    for (owner, mode, words) in [
        (NOBODY - 1, 0o755, "its directory belongs to neither"),
        (0, 0o777, "others than its owner"),
    ] {
        chown(&strangers, Some(owner), None).unwrap();
        fs::set_permissions(&strangers, PermissionsExt::from_mode(mode)).unwrap();
        for language in ["en", "vi"] {
            let outcome = sensor(&["--log-dir", &path, "--lang", language]).go().expect_code(1);
            assert_eq!(outcome.stderr.contains(words), language == "en", "{}", outcome.stderr);
        }
    }
    // Nor does a scan of root's write through a link.
    let eve = trap.theirs.join("out.json");
    symlink(&trap.secret, &eve).unwrap();
    chown(&trap.theirs, Some(0), None).unwrap();
    let capture = run::capture("ward-office.pcap");
    let scan = Run::new(["scan", "--eve"]).arg(&eve).arg(capture).go().expect_code(1);
    assert!(scan.stderr.contains("it is a link"), "{}", scan.stderr);
    trap.is_untouched();
}

#[test]
fn what_is_no_regular_file_is_refused_in_both_languages_wherever_it_is_named() {
    let place = temporary_directory();
    let pipe = mkfifo(&place.path().join("pipe.csv")).display().to_string();
    let config = |text: &str| put(place.path(), "c.toml", text.as_bytes()).display().to_string();
    for (irregular, english, vietnamese) in [
        (pipe.as_str(), "named pipe (FIFO)", "ống dẫn có tên"),
        ("/dev/zero", "it is a device", "đây là thiết bị"),
    ] {
        for (text, arguments) in [
            (String::new(), vec!["--feeds", irregular]),
            (String::new(), vec!["-c", irregular]),
            (format!("allow = ['{irregular}']"), vec![]),
            (format!("feeds = ['{irregular}']"), vec![]),
            (format!("threats = '{irregular}'"), vec![]),
        ] {
            for (language, words) in [("en", english), ("vi", vietnamese)] {
                let log = place.path().join("log");
                let run = Run::new(["run", "-T", "-i", "lo", "--lang", language, "--log-dir"]);
                let mut run = run.arg(&log).args(&arguments).seconds(10);
                if !text.is_empty() {
                    run = run.args(["-c", &config(&text)]);
                }
                let outcome = run.go();
                // A feed is left out, the built-in ones are used.
                let left = ["left out", "bị bỏ qua"].iter().any(|s| outcome.stderr.contains(s));
                let codes = if left { 0..=0 } else { 1..=2 };
                let code = outcome.code.unwrap();
                assert!(codes.contains(&code), "{text} {arguments:?}: {outcome:?}");
                assert!(outcome.stderr.contains(words), "{text} {arguments:?}: {outcome:?}");
            }
        }
    }
    // Longer than any configuration, as far as its reader can tell.
    let endless = place.path().join("endless.toml");
    fs::File::create(&endless).unwrap().set_len(1 << 40).unwrap();
    let outcome = Run::new(["feeds", "list", "-c"]).arg(&endless).seconds(10).go().expect_code(2);
    assert!(outcome.stderr.contains("larger than 1 MiB"), "{}", outcome.stderr);
    // A zone is read like anything else: without waiting.
    let capture = run::capture("ward-office.pcap");
    Run::new(["scan"]).arg(capture).env("TZ", &format!(":{pipe}")).seconds(15).go().expect_code(0);
}

#[test]
fn in_a_directory_of_feeds_what_is_no_file_is_named_and_passed_over() {
    let place = temporary_directory();
    put(place.path(), "good.csv", feed(&["bad.test,domain,"]).as_bytes());
    let pipe = mkfifo(&place.path().join("pipe.csv"));
    fs::create_dir(place.path().join("directory.txt")).unwrap();
    let check = Run::new(["feeds", "check"]).arg(place.path()).seconds(10).go().expect_code(0);
    assert!(check.stdout.contains("good: 1 indicators"), "{}", check.stdout);
    for passed in [&pipe, &place.path().join("directory.txt")] {
        let words = format!("{} in the directory of feeds is passed over", passed.display());
        assert!(check.stderr.contains(&words), "{}", check.stderr);
    }
    let list = Run::new(["feeds", "lookup", "bad.test", "--feeds"]).arg(place.path());
    let list = list.seconds(10).go().expect_code(0);
    assert!(list.stdout.contains("good"), "{}", list.stdout);
}

/// A feed of so many names, and a capture that asks for each.
fn planted(directory: &Path, names: usize) -> (String, PathBuf) {
    let rows: Vec<String> = (0..names).map(|n| format!("planted-{n}.test,domain,")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let list = put(directory, "lab.csv", feed(&rows).as_bytes());
    let packets: Vec<_> = (0..names).flat_map(|n| query(&format!("planted-{n}.test"))).collect();
    let capture = capture_file::pcap(&wire::plain_frames(&packets));
    (list.display().to_string(), put(directory, "planted.pcap", &capture))
}

fn found(text: &str, names: usize) -> usize {
    (0..names).filter(|n| text.contains(&format!("planted-{n}.test"))).count()
}

#[track_caller]
fn ends_in_time(sensor: &mut Sensor) {
    let begun = Instant::now();
    sensor.stop();
    assert!(begun.elapsed() < END, "{:?}", begun.elapsed());
}

#[test]
fn a_pipe_for_records_costs_lines_that_are_counted_and_never_an_alert() {
    if skipped_without_root("a_pipe_for_records_costs_lines") {
        return;
    }
    const NAMES: usize = 150;
    let (place, namespace) = (temporary_directory(), Namespace::new());
    let pipe = mkfifo(&place.path().join("eve"));
    let (list, capture) = planted(place.path(), NAMES);
    let path = pipe.display().to_string();
    // Nobody reads there yet.
    let arguments = ["--feeds", &list, "--eve", &path, "--events", "all"];
    let mut sensor = Sensor::start(&namespace, place.path(), &arguments);
    namespace.replay(&capture, 300);
    sensor.until("every alert", |sensor| found(&sensor.log(), NAMES) == NAMES);
    // Somebody comes, reads a line, and goes.
    let mut first = String::new();
    BufReader::new(fs::File::open(&pipe).unwrap()).read_line(&mut first).unwrap();
    serde_json::from_str::<serde_json::Value>(&first).unwrap();
    assert!(!sensor.path("eve.json").exists());
    ends_in_time(&mut sensor);
    assert_eq!(found(&sensor.log(), NAMES), NAMES);
}

#[test]
fn a_reader_of_the_pipe_gets_whole_records_and_one_that_stalls_does_not_hold_the_end_up() {
    if skipped_without_root("a_reader_of_the_pipe_gets_whole_records") {
        return;
    }
    const NAMES: usize = 40;
    let (place, namespace) = (temporary_directory(), Namespace::new());
    let pipe = mkfifo(&place.path().join("eve"));
    let (list, capture) = planted(place.path(), NAMES);
    let path = pipe.display().to_string();
    let mut sensor = Sensor::start(&namespace, place.path(), &["--feeds", &list, "--eve", &path]);
    let mut reader = BufReader::new(fs::File::open(&pipe).unwrap());
    namespace.replay(&capture, 100);
    let mut alerts = 0;
    while alerts < NAMES {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let record: serde_json::Value = serde_json::from_str(&line).unwrap();
        alerts += usize::from(record["event_type"] == "alert");
    }
    // It holds the pipe open and reads no more.
    for _ in 0..4 {
        namespace.replay(&capture, 1000);
    }
    ends_in_time(&mut sensor);
    drop(reader);
}

#[test]
fn null_and_open_descriptors_take_records() {
    if skipped_without_root("null_and_open_descriptors_take_records") {
        return;
    }
    let (place, namespace) = (temporary_directory(), Namespace::new());
    let (list, capture) = planted(place.path(), 3);
    for eve in ["/dev/null", "/dev/stderr"] {
        let mut sensor = Sensor::start(&namespace, place.path(), &["--feeds", &list, "--eve", eve]);
        namespace.replay(&capture, 100);
        sensor.until("every alert", |sensor| found(&sensor.log(), 3) == 3);
        ends_in_time(&mut sensor);
        assert!(Path::new(eve).exists(), "{eve}");
        assert_eq!(eve == "/dev/stderr", sensor.stderr().contains("\"event_type\":\"alert\""));
    }
    let capture = run::capture("ward-office.pcap");
    let scan = |eve: &str| Run::new(["scan", "--eve", eve]).arg(&capture).go().expect_code(0);
    let plain = scan("-").stdout;
    assert!(plain.lines().count() > 5);
    for eve in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        assert_eq!(scan(eve).stdout, plain, "{eve}");
    }
    assert!(scan("/dev/null").stdout.lines().count() > 5, "the text has standard output then");
}

#[test]
fn a_feed_that_becomes_a_pipe_is_refused_at_the_reload_and_holds_nothing_up() {
    if skipped_without_root("a_feed_that_becomes_a_pipe") {
        return;
    }
    let (place, namespace) = (temporary_directory(), Namespace::new());
    let (list, capture) = planted(place.path(), 3);
    let mut sensor = Sensor::start(&namespace, place.path(), &["--feeds", &list]);
    fs::remove_file(&list).unwrap();
    mkfifo(Path::new(&list));
    sensor.send("-HUP");
    sensor.until("the refusal", |sensor| sensor.log().contains("named pipe (FIFO)"));
    namespace.replay(&capture, 100);
    sensor.until("the old indicators", |sensor| found(&sensor.log(), 3) == 3);
    ends_in_time(&mut sensor);
}

#[test]
fn a_reload_of_a_large_list_does_not_hold_the_end_up() {
    if skipped_without_root("a_reload_of_a_large_list") {
        return;
    }
    let (place, namespace) = (temporary_directory(), Namespace::new());
    let (list, _) = planted(place.path(), 3);
    let mut sensor = Sensor::start(&namespace, place.path(), &["--feeds", &list]);
    let rows: String = (0..400_000).map(|n| format!("name-{n}.large.test\n")).collect();
    fs::write(&list, rows).unwrap();
    sensor.send("-HUP");
    std::thread::sleep(Duration::from_millis(400));
    ends_in_time(&mut sensor);
}

#[test]
fn a_signal_ends_a_scan_that_nobody_reads() {
    let place = temporary_directory();
    let (list, capture) = planted(place.path(), 2000);
    let pipe = mkfifo(&place.path().join("eve"));
    let eve = pipe.display().to_string();
    for target in ["-", eve.as_str()] {
        let mut command = Run::new(["scan", "--feeds", &list, "--events", "all", "--eve", target])
            .arg(&capture)
            .command();
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // Holds the pipe and reads nothing.
        let held = (target != "-").then(|| fs::File::open(&pipe).unwrap());
        std::thread::sleep(Duration::from_secs(2));
        assert!(child.try_wait().unwrap().is_none(), "it waits for its reader");
        let begun = Instant::now();
        assert!(run::killer().arg(child.id().to_string()).status().unwrap().success());
        run::wait(&mut child, 10);
        assert!(begun.elapsed() < END, "{target}: {:?}", begun.elapsed());
        drop(held);
    }
    // A pipe without any reader is refused, not waited for.
    let outcome = Run::new(["scan", "--eve", &eve]).arg(&capture).seconds(15).go().expect_code(1);
    assert!(outcome.stderr.contains("nobody reads this pipe"), "{}", outcome.stderr);
}

#[test]
fn a_second_sensor_on_a_log_directory_is_refused_and_names_the_first() {
    if skipped_without_root("a_second_sensor_on_a_log_directory") {
        return;
    }
    let (place, namespace) = (temporary_directory(), Namespace::new());
    let mut first = Sensor::start(&namespace, place.path(), &[]);
    let log = place.path().join("log").display().to_string();
    let before = first.log();
    for (language, words) in [("en", "another wardwatch"), ("vi", "một wardwatch khác")] {
        let second = sensor(&["--log-dir", &log, "--lang", language]).go().expect_code(1);
        assert!(second.stderr.contains(words), "{}", second.stderr);
        assert!(second.stderr.contains(&first.pid().to_string()), "{}", second.stderr);
        assert!(second.stderr.contains("+07:00"), "since when: {}", second.stderr);
    }
    // A check beside it is what a check is for.
    sensor(&["-T", "--log-dir", &log]).go().expect_code(0);
    assert_eq!(first.log(), before);
    first.kill();
    // What a crash leaves is no lock.
    let mut again = Sensor::start(&namespace, place.path(), &[]);
    again.stop();
}

#[test]
fn a_feed_that_the_new_user_cannot_read_is_said_at_the_start_and_at_each_reload() {
    if skipped_without_root("a_feed_that_the_new_user_cannot_read") {
        return;
    }
    let (place, namespace) = (temporary_directory(), Namespace::new());
    open_to_all(place.path());
    let closed = place.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, PermissionsExt::from_mode(0o700)).unwrap();
    let list = put(&closed, "lab.csv", feed(&["one.test,domain,"]).as_bytes());
    let config = put(place.path(), "c.toml", b"user = 'nobody'\n").display().to_string();
    let directory = closed.display().to_string();
    for named in [list.display().to_string(), directory] {
        let arguments = ["-c", &config, "--feeds", &named];
        let mut sensor = Sensor::start(&namespace, place.path(), &arguments);
        let warned = |text: &str, words: &str| {
            text.lines().filter(|line| line.contains(" WARN | ") && line.contains(words)).count()
        };
        let words = format!("cannot read {named}");
        sensor.until("the warning", |sensor| warned(&sensor.log(), &words) > 0);
        for reload in 1..3 {
            sensor.send("-HUP");
            sensor.until("the refusal", |sensor| {
                warned(&sensor.log(), "indicators not reloaded") == reload
            });
        }
        sensor.stop();
        // The journal hears each once, and again whoever asks for a reload.
        let heard = |words: &str| warned(&sensor.stderr(), words);
        assert_eq!((heard(&words), heard("indicators not reloaded")), (1, 2));
        fs::remove_dir_all(place.path().join("log")).unwrap();
    }
}

#[test]
fn what_the_log_warns_of_is_heard_on_standard_error_too() {
    let Some(mirror) = Mirror::new("what_the_log_warns_of_is_heard") else { return };
    let sensor = mirror.sensor(&["run", "-i", "m1"]);
    mirror.link("m1", "down");
    sensor.until("nothing can be seen there", 10);
    mirror.link("m1", "up");
    sensor.until("is up again", 10);
    std::thread::sleep(Duration::from_millis(300));
    let (log, printed) = (sensor.read(), sensor.printed());
    let warnings = || log.lines().filter(|line| line.contains(" WARN | "));
    assert!(warnings().count() > 0, "{log}");
    for warning in warnings() {
        assert_eq!(printed.matches(warning).count(), 1, "{warning}\n{printed}");
    }
    sensor.stop();
}

/// Letters that end a line, move a cursor or turn the reading direction.
const NAUGHTY: &str = "x\n2024-06-18 CRITICAL | forged\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\r";

#[track_caller]
fn is_harmless(outcome: &run::Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        let bad = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!text.contains(bad), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("2024-06-18 CRITICAL")), "{text}");
    }
}

#[test]
fn names_of_files_and_interfaces_can_neither_forge_a_line_nor_move_a_cursor() {
    let place = temporary_directory();
    let bad = |end: &str| place.path().join(format!("{NAUGHTY}{end}"));
    fs::write(bad(".pcap"), b"\xd4\xc3\xb2\xa1 no capture").unwrap();
    fs::write(bad(".csv"), "no name at all\nbad.test\nbad.test\nworse..test\n").unwrap();
    fs::write(bad(".toml"), "x = 1\n").unwrap();
    let good = run::capture("ward-office.pcap");
    for run in [
        Run::new(["scan"]).arg(bad(".pcap")),
        Run::new(["scan"]).arg(bad(".none")).arg(&good),
        Run::new(["scan"]).arg(place.path()),
        Run::new(["scan", "--feeds"]).arg(bad(".csv")).arg(&good),
        Run::new(["scan", "-c"]).arg(bad(".toml")).arg(&good),
        Run::new(["scan", "--eve", "/none/x"]).arg(&good),
        Run::new(["feeds", "check"]).arg(bad(".csv")),
        Run::new(["feeds", "check"]).arg(place.path()),
        Run::new(["feeds", "check"]).arg(bad(".none")),
        Run::new(["feeds", "lookup", NAUGHTY]),
        Run::new(["run", "-T", "-i", NAUGHTY, "--log-dir"]).arg(place.path().join("log")),
        Run::new(["doctor", "-i", NAUGHTY, "--seconds", "1"]).args(["--log-dir", "/none/x"]),
        Run::new([NAUGHTY]),
        Run::new(["scan", &format!("--{NAUGHTY}")]),
    ] {
        let run = run.seconds(20);
        let told = format!("{run:?}");
        let outcome = run.go();
        assert!(!(outcome.stdout.is_empty() && outcome.stderr.is_empty()), "{told}");
        is_harmless(&outcome);
    }
}

#[test]
fn root_prints_no_line_of_a_file_that_a_users_link_points_at() {
    if skipped_without_root("root_prints_no_line_of_a_file") {
        return;
    }
    let trap = Trap::new();
    let link = trap.theirs.join("feed.csv");
    symlink(&trap.secret, &link).unwrap();
    symlink(trap.place.path(), trap.theirs.join("way")).unwrap();
    for path in [link, trap.theirs.join("way/secret"), trap.theirs.clone()] {
        for arguments in
            [["feeds", "check"].as_slice(), &["feeds", "list", "--feeds"], &["selftest", "--feeds"]]
        {
            let outcome = Run::new(arguments).arg(&path).go();
            // In a directory it is left out.
            assert!(outcome.code != Some(0) || path.is_dir(), "{arguments:?}");
            let all = format!("{}{}", outcome.stdout, outcome.stderr);
            assert!(!all.contains("only-roots-line"), "{all}");
            assert!(all.contains("belongs to another user"), "{all}");
        }
    }
    // Named by its own name it is read, and shown no further than it takes to find a line.
    let long = put(trap.place.path(), "long.csv", "s3cret ".repeat(3000).as_bytes());
    let many = put(trap.place.path(), "many.csv", "user:s3cret:x\n".repeat(500).as_bytes());
    for path in [long, many] {
        let outcome = Run::new(["feeds", "check"]).arg(&path).go().expect_code(1);
        assert!(outcome.stderr.matches("s3cret").count() <= 7, "{}", outcome.stderr);
    }
}

#[test]
fn the_doctor_waits_for_no_pipe_in_the_place_of_a_log() {
    let place = temporary_directory();
    mkfifo(&place.path().join("alerts.log"));
    let doctor = Run::new(["doctor", "-i", "lo", "--seconds", "1", "--lang", "en", "--log-dir"]);
    let outcome = doctor.arg(place.path()).seconds(15).go();
    assert!(outcome.stdout.contains("named pipe"), "{outcome:?}");
}
