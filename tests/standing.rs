//! A sensor that is blind says so, goes on, and tells afterwards: interfaces that are missing or go
//! away, ends and stalls, faults of its own, and the one screen of `wardwatch status`.
#![cfg(debug_assertions)] // traps of tests
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use support::mirror::{Mirror, Sensor};
use support::packets;
use support::run::{self, Run};
use support::verdict::{at, feed, pc};
use support::{capture_file, conversations as say, wire};

/// Files of a test, which every user may read.
struct Place {
    directory: tempfile::TempDir,
    feed: String,
}

impl Place {
    fn new() -> Self {
        let directory = run::temporary_directory();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let rows = ["n1.evil.example,domain,", "n2.evil.example,domain,"];
        let feed = run::put(directory.path(), "f.csv", feed(&rows).as_bytes());
        Self { feed: feed.display().to_string(), directory }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn log(&self) -> PathBuf {
        self.path().join("log")
    }

    /// A capture of one question.
    fn question(&self, name: &str) -> PathBuf {
        let query = say::dns_query(1, name, say::A);
        let packet = wire::from_client(packets::udp(pc(), at("192.168.1.1:53"), &query));
        let bytes = capture_file::pcap(&wire::plain_frames(&[packet]));
        run::put(self.path(), &format!("{name}.pcap"), &bytes)
    }

    fn options<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        [&["run", "--no-builtin-feeds", "--feeds", &self.feed], more].concat()
    }

    /// A sensor that logs in [`Place::log`].
    fn sensor(&self, mirror: &Mirror, more: &[&str], variables: &[(&str, &str)]) -> Sensor {
        let log = self.log().display().to_string();
        let environment: Vec<_> =
            variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut starter = vec!["env"];
        starter.extend(environment.iter().map(String::as_str));
        let before = fs::read_to_string(self.log().join("alerts.log")).unwrap_or_default();
        let options = self.options(&[more, &["--log-dir", &log]].concat());
        let sensor = mirror.sensor_through(&starter, &options, &self.log());
        let started = |text: &str| {
            text.matches(": started").count() + text.matches(": bắt đầu giám sát").count()
        };
        let begun = Instant::now();
        while started(&sensor.read()) == started(&before) {
            assert!(begun.elapsed().as_secs() < 20, "{}", sensor.printed());
            std::thread::sleep(Duration::from_millis(20));
        }
        sensor
    }
}

#[track_caller]
fn stops_at_once(sensor: Sensor) -> String {
    let begun = Instant::now();
    let log = sensor.stop();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    log
}

#[test]
fn an_interface_that_is_off_at_the_start_is_waited_for_and_watched_once_it_is_up() {
    let Some(mirror) = Mirror::new("an_interface_that_is_off_at_the_start") else { return };
    let place = Place::new();
    mirror.link("m1", "down");
    let sensor = place.sensor(&mirror, &["-i", "m1"], &[]);
    sensor.until("it is switched off (sudo ip link set m1 up); nothing can be seen there yet", 20);
    // Standard error has a thread of its own, so that a journal that hangs holds nobody up.
    let begun = Instant::now();
    while !sensor.printed().contains("nothing can be seen there yet") {
        assert!(begun.elapsed().as_secs() < 10, "{}", sensor.printed());
        std::thread::sleep(Duration::from_millis(20));
    }
    mirror.link("m1", "up");
    sensor.until("interface m1 is open again", 20);
    mirror.replay(&place.question("n1.evil.example"), 100);
    sensor.until("n1.evil.example (dns.query)", 20);
    // A power cut of the switch, then of the adapter.
    mirror.link("m1", "down");
    sensor.until("interface m1", 20);
    mirror.run("ip", &["link", "del", "m1"]);
    sensor.until("trying again", 20);
    mirror.plug_in();
    let back = |sensor: &Sensor| sensor.read().matches("interface m1 is open again").count();
    let begun = Instant::now();
    while back(&sensor) < 2 {
        assert!(begun.elapsed().as_secs() < 30, "{}", sensor.read());
        std::thread::sleep(Duration::from_millis(50));
    }
    mirror.replay(&place.question("n2.evil.example"), 100);
    sensor.until("n2.evil.example (dns.query)", 20);
    stops_at_once(sensor);
}

#[test]
fn an_interface_that_is_missing_keeps_no_other_from_being_watched_and_no_end_waiting() {
    let Some(mirror) = Mirror::new("an_interface_that_is_missing") else { return };
    let place = Place::new();
    let sensor = place.sensor(&mirror, &["-i", "usb0", "-i", "m1"], &[]);
    sensor.until("there is no interface usb0; this machine has: ", 20);
    mirror.replay(&place.question("n1.evil.example"), 100);
    sensor.until("n1.evil.example (dns.query)", 20);
    // One that comes late.
    mirror.plug("u0", "usb0");
    sensor.until("interface usb0 is open again", 30);
    mirror.replay_into("u0", &place.question("n2.evil.example"), 100);
    sensor.until("n2.evil.example (dns.query)", 20);
    stops_at_once(sensor);
    let alone = place.sensor(&mirror, &["-i", "usb1"], &[]);
    alone.until("there is no interface usb1", 20);
    stops_at_once(alone);
}

/// What a service manager hears, for so long.
fn heard(socket: &UnixDatagram, patience: Duration) -> Vec<String> {
    let begun = Instant::now();
    let mut all = Vec::new();
    socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    while begun.elapsed() < patience {
        let mut buffer = [0; 4096];
        if let Ok(length) = socket.recv(&mut buffer) {
            all.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
    }
    all
}

fn count(heard: &[String], word: &str) -> usize {
    heard.iter().filter(|text| text.contains(word)).count()
}

#[test]
fn the_service_manager_hears_of_a_sensor_that_waits_and_nothing_of_one_that_stands_still() {
    let Some(mirror) = Mirror::new("the_service_manager_hears") else { return };
    let place = Place::new();
    let path = place.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    let path = path.display().to_string();
    let variables = [
        ("NOTIFY_SOCKET", &*path),
        ("WATCHDOG_USEC", "1500000"),
        ("WARDWATCH_TEST_STALL", "stall"),
    ];
    let waiting = place.sensor(&mirror, &["-i", "usb0"], &variables);
    let said = heard(&socket, Duration::from_secs(3));
    assert_eq!(count(&said, "READY=1"), 1, "{said:?}");
    assert!(count(&said, "WATCHDOG=1") >= 3, "{said:?}");
    stops_at_once(waiting);
    let sensor = place.sensor(&mirror, &["-i", "m1"], &variables);
    assert!(count(&heard(&socket, Duration::from_secs(2)), "WATCHDOG=1") >= 2);
    mirror.replay(&place.question("stall.example"), 100);
    sensor.until("a worker of interface m1 stands still", 20);
    heard(&socket, Duration::from_millis(500));
    let said = heard(&socket, Duration::from_secs(3));
    assert_eq!(count(&said, "WATCHDOG=1"), 0, "systemd must restart it: {said:?}");
    sensor.stop();
}

#[test]
fn a_sensor_that_was_held_up_says_for_how_long() {
    let Some(mirror) = Mirror::new("a_sensor_that_was_held_up") else { return };
    let place = Place::new();
    let sensor = place.sensor(&mirror, &["-i", "m1"], &[]);
    sensor.signal("STOP");
    std::thread::sleep(Duration::from_secs(11));
    sensor.signal("CONT");
    sensor.until("the whole process stood still", 10);
    stops_at_once(sensor);
}

#[test]
fn the_next_start_says_since_when_nothing_was_watched() {
    let Some(mirror) = Mirror::new("the_next_start_says_since_when") else { return };
    let place = Place::new();
    let gap = "no packets were watched from ";
    let first = place.sensor(&mirror, &["-i", "m1"], &[]);
    std::thread::sleep(Duration::from_secs(2));
    assert!(!first.read().contains(gap), "there was none before");
    let status = place.log().join("status.json");
    assert!(status.exists(), "written at once");
    first.signal("KILL");
    std::thread::sleep(Duration::from_millis(200));
    drop(first);
    let second = place.sensor(&mirror, &["-i", "m1"], &[]);
    second.until("wardwatch had ended without being told to", 10);
    let line = |log: &str| log.lines().rfind(|line| line.contains(gap)).unwrap().to_owned();
    assert!(line(&second.read()).contains(" WARN | wardwatch "), "{}", second.read());
    let log = second.stop();
    assert_eq!(log.matches(gap).count(), 1);
    let third = place.sensor(&mirror, &["-i", "m1", "--lang", "vi"], &[]);
    third.until("wardwatch đã được dừng theo lệnh", 10);
    assert!(!third.read().lines().last().unwrap().contains("CẢNH BÁO"));
    third.signal("TERM");
}

#[test]
fn a_fault_at_a_packet_is_said_once_kept_if_wanted_and_costs_nothing_else() {
    let Some(mirror) = Mirror::new("a_fault_at_a_packet_is_said_once") else { return };
    let place = Place::new();
    let settings = run::put(place.path(), "w.toml", b"[log]\nsave_bad_frames = true\n");
    let settings = settings.display().to_string();
    let options = ["-i", "m1", "-c", &settings];
    let sensor = place.sensor(&mirror, &options, &[("WARDWATCH_TEST_TRAP", "trapname")]);
    for _ in 0..3 {
        mirror.replay(&place.question("trapname.example"), 100);
    }
    sensor.until("a fault of wardwatch at a packet", 20);
    mirror.replay(&place.question("n1.evil.example"), 100);
    sensor.until("n1.evil.example (dns.query)", 20);
    let kept = place.log().join("bad-frame-1.pcap");
    assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let log = stops_at_once(sensor);
    assert_eq!(log.matches("a fault of wardwatch at a packet").count(), 1, "{log}");
    assert!(log.contains("bad-frame-1.pcap"), "{log}");
    assert!(!place.log().join("bad-frame-2.pcap").exists());
    // What was kept shows the fault again.
    let again = Run::new(["scan"]).arg(&kept).env("WARDWATCH_TEST_TRAP", "trapname").go();
    assert!(again.expect_code(1).stderr.contains("frame 1: a fault of wardwatch"));
}

#[test]
fn one_screen_says_how_the_sensor_fares() {
    let Some(mirror) = Mirror::new("one_screen_says_how_the_sensor_fares") else { return };
    let place = Place::new();
    let log = place.log().display().to_string();
    let status = |more: &[&str]| Run::new(["status", "--log-dir", &log]).args(more).go();
    let never = status(&[]).expect_code(1);
    assert!(never.stdout.contains("WRONG: no wardwatch has run"), "{}", never.stdout);
    let sensor = place.sensor(&mirror, &["-i", "m1"], &[]);
    mirror.replay(&place.question("n1.evil.example"), 100);
    mirror.replay(&place.question("canary.wardwatch.test"), 100);
    sensor.until("canary.wardwatch.test (dns.query)", 20);
    std::thread::sleep(Duration::from_secs(7));
    let well = status(&[]).expect_code(0);
    for words in ["m1 (up)", "today 1, seven days 1", "The sensor is well.", "HINT: no contact"] {
        assert!(well.stdout.contains(words), "{words}: {}", well.stdout);
    }
    assert!(!well.stdout.contains("Last canary       unknown"), "{}", well.stdout);
    assert!(well.stdout.lines().count() < 25);
    let json: serde_json::Value =
        serde_json::from_str(&status(&["--json"]).expect_code(0).stdout).unwrap();
    assert_eq!(json["alerts_today"], 1);
    assert_eq!(json["wrong"], serde_json::json!([]));
    assert_eq!(json["hints"], serde_json::json!(["no-contact"]));
    sensor.stop();
    let stopped = status(&["--lang", "vi"]).expect_code(1);
    assert!(stopped.stdout.contains("LỖI: wardwatch đã được dừng"), "{}", stopped.stdout);
    // As a crash leaves it: the last sign of life is old.
    let path = place.log().join("status.json");
    let mut report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    (report["stopped"], report["alive"]) = (false.into(), 1_700_000_000.into());
    fs::write(&path, report.to_string()).unwrap();
    assert!(status(&[]).expect_code(1).stdout.contains("does not run any more"));
}

#[test]
fn a_check_refuses_what_a_run_would_and_leaves_nothing_behind() {
    if run::skipped_without_root("a_check_refuses_what_a_run_would") {
        return;
    }
    let place = Place::new();
    let config = |text: &str| run::put(place.path(), "w.toml", text.as_bytes());
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(place.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let log = place.log().display().to_string();
    let check = |text: &str, interface: &str| {
        let path = config(text);
        let before = names();
        let outcome =
            Run::new(["run", "-T", "-i", interface, "--log-dir", &log, "-c"]).arg(path).go();
        assert_eq!(names(), before, "{text}: {}", outcome.stderr);
        outcome
    };
    check("", "lo").expect_code(0);
    for (text, code, words) in [
        ("user = \"no-such-user\"", 1, "there is no user no-such-user"),
        ("[capture]\nring_mb = 99999999", 2, "capture.ring_mb is 99999999"),
        ("[capture]\nring_mb = 2047\nworkers = 64", 2, "three quarters of this machine's memory"),
        ("[[syslog]]\ntarget = \"udp://192.0.2.1:514\"", 2, "relay.toml"),
        ("[spool]\ndir = \"/s\"\nsensor = \"a b\"", 2, "spool.sensor is `a b`"),
    ] {
        let refused = check(text, "lo").expect_code(code);
        assert!(refused.stderr.contains(words), "{words}: {}", refused.stderr);
    }
    let missing = check("", "nope0").expect_code(0);
    assert!(missing.stderr.contains("there is no interface nope0"), "{}", missing.stderr);
    // A log that is there and belongs to root.
    fs::create_dir(place.log()).unwrap();
    let refused = check("user = \"nobody\"", "lo").expect_code(1);
    assert!(refused.stderr.contains("chown -R nobody"), "{}", refused.stderr);
    check("", "lo").expect_code(0);
    assert!(fs::read_dir(place.log()).unwrap().next().is_none());
}

#[test]
fn what_comes_with_the_program_may_be_old_and_a_feed_of_the_office_may_not() {
    let Some(mirror) = Mirror::new("what_comes_with_the_program") else { return };
    let place = Place::new();
    let log = place.log().display().to_string();
    let faults = |options: &[&str]| {
        let options = [&["run", "-i", "m1", "--log-dir", &log], options].concat();
        let sensor = mirror.sensor_through(&[], &options, &place.log());
        let begun = Instant::now();
        let wrong = loop {
            let seen = Run::new(["status", "--json", "--log-dir", &log]).go();
            let json: serde_json::Value = serde_json::from_str(&seen.stdout).unwrap();
            let wrong = json["wrong"].to_string();
            // Its first report comes after its first line, and takes the place of an older sensor's.
            let is_of_us = json["process"].as_u64() == Some(sensor.pid().into());
            if is_of_us || begun.elapsed().as_secs() > 20 {
                break wrong;
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        sensor.stop();
        wrong
    };
    assert_eq!(faults(&[]), "[]");
    let old = b"indicator,type,threat,last_seen\na.evil.example,domain,redline,2020-01-01\n";
    let old = run::put(place.path(), "old.csv", old).display().to_string();
    assert_eq!(faults(&["--no-builtin-feeds", "--feeds", &old]), "[\"indicators-old\"]");
}

#[test]
fn the_service_switches_on_the_interfaces_that_the_configuration_names_and_no_other() {
    let Some(mirror) = Mirror::new("the_service_switches_on") else { return };
    let place = Place::new();
    for (one, other) in [("u0", "usb0"), ("u1", "usb1"), ("u2", "usb2")] {
        mirror.plug(one, other);
        mirror.link(other, "down");
    }
    mirror.run("sh", &["-c", "echo 0 > /proc/sys/net/ipv6/conf/usb0/disable_ipv6"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("sensor/dist/raise-interfaces");
    let script = script.display().to_string();
    let is = |interface: &str, flag: &str| {
        let words = format!("ip link show {interface} {flag} | grep -q {interface}");
        mirror.can_run("sh", &["-c", &words])
    };
    let raise = |text: &str| {
        let config = run::put(place.path(), "w.toml", text.as_bytes()).display().to_string();
        mirror.run("sh", &[&script, &config]);
    };
    raise("[capture]\n#interfaces = [\"usb1\"]\ninterfaces = []\nfilter = \"usb1\"\n");
    assert!(!is("usb0", "up") && !is("usb1", "up"));
    raise(
        "[capture]\ninterfaces = [ # the mirror\n  \"usb0\",\n  'gone0', '../usb1' ]\nring = \"usb1\"\n",
    );
    assert!(is("usb0", "up") && !is("usb1", "up") && !is("usb2", "up"));
    assert!(mirror.can_run("sh", &["-c", "! ip address show usb0 | grep -q inet"]));
    raise("capture.interfaces = [\"usb1\", \"usb2\"]\n");
    assert!(is("usb1", "up") && is("usb2", "up"));
    // No configuration, no word and no failure: the sensor says it.
    mirror.run("sh", &[&script, "/no/such.toml"]);
}
