//! The live sensor on a real interface: a veth pair in a network namespace of the test's own,
//! captures replayed into one end by tcpreplay, `wardwatch run` on the other.
//!
//! Needs root, `ip` and `tcpreplay`. Without root it says so and does nothing; in CI it must run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use support::capture_file;
use support::run::{Run, capture, eve_lines, put, skipped_without_root, temporary_directory, wait};
use support::verdict::{Contact, contacts, feed, query};
use support::wire;

/// Interface the sensor listens on, and the one tcpreplay sends into.
const MIRROR: &str = "mirror0";
const SENDER: &str = "sender0";

/// A network namespace with a veth pair, removed when dropped.
struct Namespace(String);

impl Namespace {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let this = Self(format!("ww-{}-{number}", std::process::id()));
        this.ip(&["netns", "add", &this.0]);
        // No neighbour discovery of our own among the frames.
        this.inside("sysctl", &["-qw", "net.ipv6.conf.default.disable_ipv6=1"]);
        let add = ["link", "add", MIRROR, "mtu", "9000", "type", "veth"];
        let peer = ["peer", "name", SENDER, "mtu", "9000"];
        this.inside("ip", &[&add[..], &peer[..]].concat());
        for end in [MIRROR, SENDER] {
            this.inside("ip", &["link", "set", end, "up"]);
        }
        this
    }

    #[track_caller]
    fn ip(&self, arguments: &[&str]) {
        done(Command::new("ip").args(arguments));
    }

    /// A command within the namespace, bounded.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0, "timeout", "60", program]);
        command
    }

    #[track_caller]
    fn inside(&self, program: &str, arguments: &[&str]) {
        done(self.command(program).args(arguments));
    }

    /// Sends the frames of a capture, 2,000 a second.
    #[track_caller]
    fn replay(&self, path: &Path) {
        done(self.command("tcpreplay").args(["-q", "--pps", "2000", "-i", SENDER]).arg(path));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let removed = Command::new("ip").args(["netns", "del", &self.0]).status();
        if !removed.is_ok_and(|status| status.success()) {
            eprintln!("namespace {} could not be removed", self.0);
        }
    }
}

/// Runs a command; panics with what it said unless it succeeds.
#[track_caller]
fn done(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| {
        panic!("{command:?}: {error}; the live tests need iproute2, procps and tcpreplay")
    });
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
}

/// A sensor running on the mirror end.
struct Sensor {
    child: Child,
    directory: tempfile::TempDir,
}

impl Sensor {
    /// Starts and waits until the log says so.
    fn start(namespace: &Namespace, arguments: &[&str]) -> Self {
        let directory = temporary_directory();
        let logs = directory.path().join("log");
        let stderr = std::fs::File::create(directory.path().join("stderr")).unwrap();
        let run = Run::new(["run", "-i", MIRROR, "--log-dir"]).arg(logs).args(arguments);
        let binary = run.command();
        // `ip netns exec` becomes the sensor, so its signals and exit code are the sensor's.
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &namespace.0]).arg(binary.get_program());
        command.args(binary.get_args());
        for (name, value) in binary.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        let child = command.spawn().unwrap();
        let mut this = Self { child, directory };
        this.until("the sensor has started", |sensor| sensor.log().contains(": started"));
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("log").join(name)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("alerts.log")).unwrap_or_default()
    }

    fn stderr(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("stderr")).unwrap()
    }

    /// The contacts in EVE so far; whole lines only.
    fn contacts(&self) -> Vec<Contact> {
        let text = std::fs::read_to_string(self.path("eve.json")).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
        let mut all = contacts(&eve_lines(whole));
        all.dedup(); // a count at the end repeats its contact
        all
    }

    /// Waits for something, at most ten seconds.
    #[track_caller]
    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..500 {
            if holds(self) {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("ended with {status} before {what}: {}", self.stderr());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("not within ten seconds: {what}\n{}\n{}", self.log(), self.stderr());
    }

    fn send(&self, signal: &str) {
        done(Command::new("kill").args([signal, &self.child.id().to_string()]));
    }

    /// Ends it with a signal and checks that it ends well.
    #[track_caller]
    fn stop(&mut self, signal: &str) {
        self.send(signal);
        assert_eq!(wait(&mut self.child, 20), Some(0), "{}", self.stderr());
    }
}

impl Drop for Sensor {
    fn drop(&mut self) {
        // After a failed assertion only: a stopped child is waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `scan` says of a capture.
fn scanned(path: &Path, arguments: &[&str]) -> Vec<Contact> {
    let run = Run::new(["scan", "--eve", "-"]).args(arguments).arg(path);
    let mut all = contacts(&run.go().expect_code(0).eve());
    all.dedup();
    all
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Lines of the log that are alerts and not about the sensor.
fn alert_lines(log: &str) -> usize {
    log.lines().filter(|line| !line.contains("| wardwatch ")).count()
}

#[test]
fn a_replayed_office_gives_the_alerts_that_scan_gives() {
    if skipped_without_root("a_replayed_office_gives_the_alerts_that_scan_gives") {
        return;
    }
    let namespace = Namespace::new();
    let mut sensor = Sensor::start(&namespace, &["--events", "all"]);
    let path = capture("ward-office.pcap");
    let expected = scanned(&path, &[]);
    assert!(expected.len() > 20, "{expected:?}");
    namespace.replay(&path);
    sensor.until("every contact is an alert", |sensor| sensor.contacts().len() >= expected.len());
    sensor.send("-USR1");
    sensor.until("counters are printed", |sensor| sensor.stderr().contains("capture.frames "));
    sensor.stop("-TERM");
    assert_eq!(sensor.contacts(), expected);

    let log = sensor.log();
    assert!(log.lines().next().unwrap().contains(": started | "), "{log}");
    assert!(log.lines().last().unwrap().contains(": stopped | "), "{log}");
    assert!(alert_lines(&log) >= expected.len());
    for name in ["alerts.log", "eve.json"] {
        assert_eq!(mode(&sensor.path(name)), 0o640, "{name}");
    }
    let eve = eve_lines(&std::fs::read_to_string(sensor.path("eve.json")).unwrap());
    let of_traffic = |event: &&serde_json::Value| event["event_type"] != "stats";
    assert!(eve.iter().filter(of_traffic).all(|event| event["in_iface"] == MIRROR));
    assert!(eve.iter().all(|event| event.get("pcap_filename").is_none()));
    let stderr = sensor.stderr();
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn real_clients_and_a_benign_morning_give_what_scan_gives() {
    if skipped_without_root("real_clients_and_a_benign_morning_give_what_scan_gives") {
        return;
    }
    let directory = temporary_directory();
    let rows = feed(&["evil.example,domain,", "panda.test,domain,"]);
    let feed = put(directory.path(), "lab.csv", rows.as_bytes());
    let arguments = ["--feeds", feed.to_str().unwrap()];
    let namespace = Namespace::new();
    let mut sensor = Sensor::start(&namespace, &arguments);
    let mut expected = Vec::new();
    let names = ["benign", "recorded/dig", "recorded/curl-https", "recorded/openssl-mlkem-offload"];
    for name in names {
        let path = capture(&format!("{name}.pcap"));
        expected.extend(scanned(&path, &arguments));
        namespace.replay(&path);
    }
    expected.sort();
    expected.dedup();
    assert!(expected.len() >= 4, "{expected:?}");
    sensor.until("every contact is an alert", |sensor| sensor.contacts().len() >= expected.len());
    sensor.stop("-INT");
    assert_eq!(sensor.contacts(), expected);
}

#[test]
fn an_alert_is_in_the_log_while_the_sensor_goes_on() {
    if skipped_without_root("an_alert_is_in_the_log_while_the_sensor_goes_on") {
        return;
    }
    let directory = temporary_directory();
    let frames = wire::plain_frames(&query("canary.wardwatch.test"));
    let path = put(directory.path(), "one.pcap", &capture_file::pcap(&frames));
    let namespace = Namespace::new();
    let mut sensor = Sensor::start(&namespace, &[]);
    namespace.replay(&path);
    let line = "canary.wardwatch.test (dns.query)";
    sensor.until("the alert is in the log", |sensor| sensor.log().contains(line));
    assert!(sensor.child.try_wait().unwrap().is_none(), "it ended: {}", sensor.stderr());
    sensor.stop("-TERM");
}

#[test]
fn a_hangup_begins_new_files_and_loses_nothing() {
    if skipped_without_root("a_hangup_begins_new_files_and_loses_nothing") {
        return;
    }
    let directory = temporary_directory();
    let file = |name: &str| {
        let frames = wire::plain_frames(&query(name));
        put(directory.path(), &format!("{name}.pcap"), &capture_file::pcap(&frames))
    };
    let (before, after) = (file("before.evil.example"), file("after.panda.test"));
    let rows = feed(&["evil.example,domain,", "panda.test,domain,"]);
    let feed = put(directory.path(), "lab.csv", rows.as_bytes());
    let namespace = Namespace::new();
    let mut sensor = Sensor::start(&namespace, &["--feeds", feed.to_str().unwrap()]);
    namespace.replay(&before);
    sensor.until("the first alert", |sensor| sensor.log().contains("before.evil.example"));
    for name in ["alerts.log", "eve.json"] {
        std::fs::rename(sensor.path(name), sensor.path(&format!("{name}.1"))).unwrap();
    }
    sensor.send("-HUP");
    sensor.until("new files", |sensor| {
        ["alerts.log", "eve.json"].iter().all(|name| sensor.path(name).exists())
    });
    namespace.replay(&after);
    sensor.until("the second alert", |sensor| sensor.log().contains("after.panda.test"));
    sensor.stop("-TERM");
    let old = std::fs::read_to_string(sensor.path("alerts.log.1")).unwrap();
    assert!(old.contains("before.evil.example") && !old.contains("after.panda.test"), "{old}");
    let new = sensor.log();
    assert!(!new.contains("before.evil.example"), "{new}");
    assert_eq!(mode(&sensor.path("alerts.log")), 0o640);
    let eve = |name: &str| eve_lines(&std::fs::read_to_string(sensor.path(name)).unwrap()).len();
    assert_eq!((eve("eve.json.1"), eve("eve.json")), (1, 1));
}

#[test]
fn a_check_of_everything_exits_without_watching_and_leaves_nothing() {
    if skipped_without_root("a_check_of_everything_exits_without_watching_and_leaves_nothing") {
        return;
    }
    let directory = temporary_directory();
    // Root checks; files that root left behind could not be written by the service's user.
    let log = directory.path().join("log");
    for (interface, code, words) in [("lo", 0, "can be used"), ("wwnone0", 1, "no interface")] {
        let run = Run::new(["run", "-T", "-i", interface, "--log-dir"]).arg(&log);
        let outcome = run.seconds(20).go().expect_code(code);
        assert!(outcome.stderr.contains(words), "{}", outcome.stderr);
        assert!(!log.exists(), "a check left {:?}", std::fs::read_dir(&log).unwrap().next());
    }
}
