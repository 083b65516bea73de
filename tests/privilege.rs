//! What the running process holds, read from /proc. Needs root; says so where it is skipped.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use support::conversations as say;
use support::mirror::{Mirror, Sensor};
use support::wire::{self, Frame};
use support::{capture_file, packets, run};

const CAP_NET_RAW: u64 = 1 << 13;

/// A line of /proc/PID/status of every thread.
fn status(sensor: &Sensor, name: &str) -> Vec<String> {
    let threads = std::fs::read_dir(format!("/proc/{}/task", sensor.pid())).unwrap();
    let line = |thread: std::fs::DirEntry| {
        let text = std::fs::read_to_string(thread.path().join("status")).unwrap();
        let line = text.lines().find(|line| line.starts_with(&format!("{name}:"))).unwrap();
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    };
    threads.map(|thread| line(thread.unwrap())).collect()
}

fn all_are(values: &[String], wanted: &str) -> bool {
    values.len() > 1 && values.iter().all(|value| value == wanted)
}

#[test]
fn while_capturing_no_thread_holds_anything_but_cap_net_raw() {
    let Some(mirror) = Mirror::new("held") else { return };
    let sensor = mirror.sensor(&["run", "-i", "m1", "-w", "2"]);
    sensor.until("this process holds", 10);
    let raw = format!("{CAP_NET_RAW:016x}");
    for (name, wanted) in [
        ("CapEff", raw.as_str()),
        ("CapPrm", &raw),
        ("CapInh", "0000000000000000"),
        ("CapBnd", "0000000000000000"),
        ("CapAmb", "0000000000000000"),
        ("NoNewPrivs", "1"),
        ("Seccomp", "2"),
    ] {
        let values = status(&sensor, name);
        assert!(all_are(&values, wanted), "{name}: {values:?}, not {wanted}");
    }
    let log = sensor.stop();
    assert!(log.contains("CAP_NET_RAW, Landlock, seccomp"), "{log}");
}

/// The canary's name, asked for by a PC of the office.
fn canary_capture(directory: &std::path::Path) -> std::path::PathBuf {
    let client = "192.168.1.10:50000".parse().unwrap();
    let router = "192.168.1.1:53".parse().unwrap();
    let packet = packets::udp(client, router, &say::dns_query(1, "canary.wardwatch.test", say::A));
    let bytes = wire::ethernet([2; 6], [4; 6], &[], 0x800, &packet);
    let frames = [Frame { time: wire::NINE_O_CLOCK, bytes }];
    run::put(directory, "canary.pcap", &capture_file::pcap(&frames))
}

#[test]
fn what_the_unit_gives_is_enough_and_all_it_holds() {
    let Some(mirror) = Mirror::new("unit") else { return };
    if std::process::Command::new("setpriv").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no setpriv here");
        return;
    }
    let unit = include_str!("../sensor/dist/wardwatch.service");
    let given = |name: &str| {
        let value = unit.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let right = value.unwrap().strip_prefix("CAP_").unwrap().to_lowercase();
        format!("-all,+{right}")
    };
    let (ambient, bounding) = (given("AmbientCapabilities"), given("CapabilityBoundingSet"));
    // As the unit's user: a number that no other user has. `ip netns exec` needs root.
    let (user, number) = ("61184", 61184);
    let starter = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"];
    let rights = ["--inh-caps", &ambient, "--ambient-caps", &ambient, "--bounding-set", &bounding];
    let starter = [&starter[..], &rights, &["--no-new-privs"]].concat();

    let directory = run::temporary_directory();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory.path(), open).unwrap();
    let log = directory.path().join("log");
    std::fs::create_dir(&log).unwrap();
    std::os::unix::fs::chown(&log, Some(number), Some(number)).unwrap();
    let arguments = ["run", "-i", "m1", "--log-dir", log.to_str().unwrap()];
    let sensor = mirror.sensor_through(&starter, &arguments, &log);
    sensor.until("this process holds", 10);
    let raw = format!("{CAP_NET_RAW:016x}");
    for (name, wanted) in [
        ("Uid", [user; 4].join(" ").as_str()),
        ("Groups", ""),
        ("CapEff", &raw),
        ("CapPrm", &raw),
        ("CapBnd", &raw),
        ("CapInh", "0000000000000000"),
        ("CapAmb", "0000000000000000"),
        ("NoNewPrivs", "1"),
        ("Seccomp", "2"),
    ] {
        let values = status(&sensor, name);
        assert!(all_are(&values, wanted), "{name}: {values:?}, not {wanted}");
    }
    mirror.replay(&canary_capture(directory.path()), 1);
    sensor.until("canary.wardwatch.test", 20);
    let log = sensor.stop();
    assert!(log.contains(&format!("this process holds: user {user}, CAP_NET_RAW")), "{log}");
}

#[test]
fn it_opens_nothing_outside_its_directories() {
    let Some(mirror) = Mirror::new("files") else { return };
    let directory = run::temporary_directory();
    let feeds = directory.path().join("feeds");
    std::fs::create_dir(&feeds).unwrap();
    let feed = run::put(&feeds, "own.csv", b"indicator,type,threat\na.example,domain,redline\n");
    let elsewhere = directory.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let target =
        run::put(&elsewhere, "t.csv", b"indicator,type,threat\nb.example,domain,redline\n");
    let link = feeds.join("link.csv");
    std::os::unix::fs::symlink(target, &link).unwrap();
    let secret = run::put(directory.path(), "secret", b"x");
    // The checks of users do not keep this user out: Landlock has to.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory.path(), open).unwrap();
    let [feed, link] = [feed, link].map(|path| path.display().to_string());
    let tried = format!("{feed}:{link}:{}:/etc/hostname:/", secret.display());
    let arguments = ["run", "-i", "m1", "--feeds", &feed, "--feeds", &link];
    let sensor = mirror.sensor_with(&arguments, &[("WARDWATCH_TEST_OPEN", &tried)]);
    sensor.until("this process holds", 10);
    let log = sensor.stop();
    for path in [feed, link] {
        assert!(log.contains(&format!("opened {path}")), "{path}: {log}");
    }
    for path in [secret.to_str().unwrap(), "/etc/hostname", "/"] {
        assert!(log.contains(&format!("; {path}: permission denied")), "{path}: {log}");
    }
}

/// A file that is removed at the end of a test.
struct Removed(std::path::PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_feed_in_a_directory_that_holds_much_else_opens_itself_alone_and_that_is_said() {
    let Some(mirror) = Mirror::new("broad") else { return };
    let id = std::process::id();
    let place = |name: &str| Removed(std::path::PathBuf::from(format!("/var/tmp/{name}-{id}.csv")));
    let (feed, other) = (place("wardwatch-feed"), place("wardwatch-other"));
    std::fs::write(&feed.0, "indicator,type,threat\na.example,domain,redline\n").unwrap();
    std::fs::write(&other.0, "x").unwrap();
    let [path, other] = [&feed.0, &other.0].map(|path| path.display().to_string());
    let tried = format!("{path}:{other}:/var/tmp");
    let variables = [("WARDWATCH_TEST_OPEN", tried.as_str())];
    let sensor = mirror.sensor_with(&["run", "-i", "m1", "--feeds", &path], &variables);
    sensor.until("this process holds", 10);
    sensor.until(&format!("{path} stands in a directory that holds much else"), 10);
    let log = sensor.stop();
    assert!(log.contains(&format!("opened {path}")), "{log}");
    for closed in [other.as_str(), "/var/tmp"] {
        assert!(log.contains(&format!("; {closed}: permission denied")), "{closed}: {log}");
    }
}

#[test]
fn a_feed_that_another_file_replaces_is_read_again_also_behind_a_link() {
    let Some(mirror) = Mirror::new("replaced") else { return };
    let directory = run::temporary_directory();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory.path(), open).unwrap();
    let [feeds, elsewhere] = ["feeds", "elsewhere"].map(|name| directory.path().join(name));
    for made in [&feeds, &elsewhere] {
        std::fs::create_dir(made).unwrap();
    }
    let row = |name: &str| format!("indicator,type,threat\n{name}.example,domain,redline\n");
    let plain = run::put(&feeds, "plain.csv", row("a").as_bytes());
    let target = run::put(&elsewhere, "target.csv", row("b").as_bytes());
    let link = feeds.join("link.csv");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let [one, two] = [&plain, &link].map(|path| path.display().to_string());
    let sensor = mirror.sensor(&["run", "-i", "m1", "--feeds", &one, "--feeds", &two]);
    for (path, name) in [(plain, "c"), (target, "d")] {
        let new = run::put(path.parent().unwrap(), "new", row(name).as_bytes());
        std::fs::rename(new, &path).unwrap();
        let before = sensor.read().matches("indicators reloaded: +1 −1").count();
        sensor.signal("HUP");
        let begun = std::time::Instant::now();
        while sensor.read().matches("indicators reloaded: +1 −1").count() == before {
            assert!(begun.elapsed().as_secs() < 10, "{}", sensor.read());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
    let log = sensor.stop();
    assert!(!log.contains("cannot read") && !log.contains("holds much else"), "{log}");
}

#[test]
fn a_log_is_rotated_and_the_oldest_removed_after_every_right_is_given_up() {
    let Some(mirror) = Mirror::new("rotated") else { return };
    let directory = run::temporary_directory();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory.path(), open).unwrap();
    let log = directory.path().join("log");
    std::fs::create_dir(&log).unwrap();
    let old = format!("2020-01-01T00:00:00+07:00 {}\n", "x".repeat(1 << 20));
    run::put(&log, "alerts.log", old.as_bytes());
    run::put(&log, "alerts.log.20200101-000000", &[b'x'; 1 << 20]);
    for path in [log.clone(), log.join("alerts.log"), log.join("alerts.log.20200101-000000")] {
        std::os::unix::fs::chown(path, Some(65_534), Some(65_534)).unwrap();
    }
    let config = format!(
        "user = 'nobody'\nlog.dir = '{}'\nlog.rotate_days = 1\nlog.total_mb = 1\n",
        log.display()
    );
    let config = run::put(directory.path(), "c.toml", config.as_bytes()).display().to_string();
    let sensor = mirror.sensor_in(&["run", "-i", "m1", "-c", &config], &log);
    let names = || {
        let entries = std::fs::read_dir(&log).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("alerts.log.")).collect::<Vec<_>>()
    };
    let begun = std::time::Instant::now();
    // The one of 2020 goes, because today's is as long as all may be together.
    while names().len() != 1 || names()[0].starts_with("alerts.log.2020") {
        assert!(begun.elapsed().as_secs() < 10, "{:?}", names());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let rotated = std::fs::read_to_string(log.join(&names()[0])).unwrap();
    assert!(rotated.contains("user nobody, CAP_NET_RAW, Landlock"), "before it was rotated");
    let log = sensor.stop();
    assert!(log.len() < 1 << 16, "begun anew");
}

#[test]
fn root_becomes_a_user_who_can_still_rotate_the_log() {
    let Some(mirror) = Mirror::new("user") else { return };
    let directory = run::temporary_directory();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory.path(), open).unwrap();
    let log = directory.path().join("log");
    let config = format!("log.dir = '{}'\nuser = 'nobody'\n", log.display());
    let config = run::put(directory.path(), "c.toml", config.as_bytes()).display().to_string();
    let arguments = ["run", "-i", "m1", "-c", &config];
    let sensor = mirror.sensor_in(&arguments, &log);
    let users = status(&sensor, "Uid");
    assert!(users.iter().all(|user| !user.split(' ').any(|id| id == "0")), "{users:?}");
    assert!(status(&sensor, "Groups").iter().all(String::is_empty));
    std::fs::rename(log.join("alerts.log"), log.join("alerts.log.1")).unwrap();
    sensor.signal("HUP");
    std::thread::sleep(std::time::Duration::from_millis(500));
    mirror.replay(&canary_capture(directory.path()), 1);
    sensor.until("canary.wardwatch.test", 10);
    sensor.stop();
}

#[test]
fn logs_that_root_makes_in_a_directory_of_a_group_can_be_read_by_it() {
    let Some(mirror) = Mirror::new("group") else { return };
    let directory = run::temporary_directory();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory.path(), open).unwrap();
    let log = directory.path().join("log");
    std::fs::create_dir(&log).unwrap();
    let (nobody, readers) = (65534, 4711);
    std::os::unix::fs::chown(&log, Some(nobody), Some(readers)).unwrap();
    let handed_on = std::os::unix::fs::PermissionsExt::from_mode(0o2750);
    std::fs::set_permissions(&log, handed_on).unwrap();
    let arguments = ["run", "-i", "m1", "--log-dir", log.to_str().unwrap()];
    let config = run::put(directory.path(), "user.toml", b"user = \"nobody\"\n");
    let arguments = [&arguments[..], &["-c", config.to_str().unwrap()]].concat();
    let sensor = mirror.sensor_in(&arguments, &log);
    sensor.until("this process holds: user nobody", 10);
    sensor.stop();
    for name in ["alerts.log", "eve.json"] {
        let about = std::fs::metadata(log.join(name)).unwrap();
        let of = std::os::unix::fs::MetadataExt::gid(&about);
        let mode = std::os::unix::fs::PermissionsExt::mode(&about.permissions());
        assert_eq!((of, mode & 0o777), (readers, 0o640), "{name}");
    }
}

#[test]
fn a_log_that_only_root_can_write_is_still_written_and_said() {
    let Some(mirror) = Mirror::new("rootlog") else { return };
    let directory = run::temporary_directory();
    let closed = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(directory.path(), closed).unwrap();
    let log = directory.path().join("log");
    let place = log.display().to_string();
    let sensor = mirror.sensor_in(&["run", "-i", "m1", "--log-dir", &place], &log);
    sensor.until("less protected", 10);
    assert!(all_are(&status(&sensor, "CapEff"), &format!("{CAP_NET_RAW:016x}")));
    let log = sensor.stop();
    assert!(log.contains("user root without its rights"), "{log}");
    assert!(log.contains("useradd --system wardwatch"), "{log}");
}

#[test]
fn a_user_who_does_not_exist_is_refused() {
    let Some(mirror) = Mirror::new("nouser") else { return };
    let directory = run::temporary_directory();
    let config = format!("log.dir = '{}'\nuser = 'no-such-user'\n", directory.path().display());
    let config = run::put(directory.path(), "c.toml", config.as_bytes()).display().to_string();
    let outcome = mirror.outcome(&["run", "-i", "m1", "-c", &config]).expect_code(1);
    assert!(outcome.stderr.contains("there is no user no-such-user"), "{}", outcome.stderr);
}

/// What the service manager is told until these words come, at most so long.
fn told_until(manager: &std::os::unix::net::UnixDatagram, words: &str) -> String {
    let mut told = String::new();
    let begun = std::time::Instant::now();
    while !told.contains(words) {
        assert!(begun.elapsed().as_secs() < 15, "no {words} in {told}");
        let mut message = [0; 1024];
        if let Ok(length) = manager.recv(&mut message) {
            told.push_str(&String::from_utf8_lossy(message.get(..length).unwrap()));
        }
    }
    told
}

#[test]
fn the_service_manager_is_told_of_start_life_reload_and_stop() {
    let Some(mirror) = Mirror::new("notify") else { return };
    let directory = run::temporary_directory();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory.path(), open).unwrap();
    let path = directory.path().join("notify");
    let manager = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(std::time::Duration::from_millis(200))).unwrap();
    // As systemd makes it: whoever the service runs as may write.
    let all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(&path, all).unwrap();
    let socket = path.display().to_string();
    let variables = [("NOTIFY_SOCKET", socket.as_str()), ("WATCHDOG_USEC", "900000")];
    let sensor = mirror.sensor_with(&["run", "-i", "m1"], &variables);
    assert!(told_until(&manager, "READY=1").contains("READY=1"));
    told_until(&manager, "WATCHDOG=1");
    let told = told_until(&manager, "STATUS=");
    assert!(told.contains("packets/s, 0.0 % lost, 0 alerts today"), "{told}");
    sensor.signal("HUP");
    let told = told_until(&manager, "RELOADING=1");
    assert!(told.contains("MONOTONIC_USEC="), "{told}");
    told_until(&manager, "READY=1");
    sensor.stop();
    told_until(&manager, "STOPPING=1");
}

/// What a process has open, each once: sockets by family, files by name.
fn open_things(pid: u32) -> std::collections::BTreeSet<String> {
    let read = |path: String| std::fs::read_to_string(path).unwrap_or_default();
    let families = ["packet", "netlink", "unix", "tcp", "tcp6", "udp", "udp6", "raw"];
    let tables = families.map(|family| (family, read(format!("/proc/{pid}/net/{family}"))));
    let name = |link: std::path::PathBuf| {
        let link = link.display().to_string();
        let inode = link.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
        let Some(inode) = inode else {
            let file = link.rsplit('/').next().unwrap();
            return file.split(':').next().unwrap().to_owned();
        };
        let of =
            |table: &str| table.lines().any(|line| line.split_whitespace().any(|w| w == inode));
        let family = tables.iter().find(|(_, table)| of(table));
        format!("{} socket", family.map_or("unknown", |(family, _)| family))
    };
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    open.filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok()).map(name).collect()
}

/// A value of /proc/PID/status.
fn value_of(pid: u32, name: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
    line.unwrap().trim().to_owned()
}

#[test]
fn the_table_in_security_md_is_what_running_processes_hold() {
    let Some(mirror) = Mirror::new("table") else { return };
    let directory = run::temporary_directory();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let log = directory.path().join("log");
    std::fs::create_dir(&log).unwrap();
    let nobody = 65534;
    std::os::unix::fs::chown(&log, Some(nobody), Some(nobody)).unwrap();
    let config = run::put(directory.path(), "user.toml", b"user = \"nobody\"\n");
    let arguments =
        ["run", "-i", "m1", "--log-dir", log.to_str().unwrap(), "-c", config.to_str().unwrap()];
    let sensor = mirror.sensor_in(&arguments, &log);
    sensor.until("this process holds", 10);

    // A scan that waits for more of its capture.
    let pipe = std::process::Stdio::piped;
    let mut scan = run::Run::new(["scan", "-"]).command();
    let mut scan = scan.stdin(pipe()).stdout(pipe()).stderr(pipe()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));

    let rights = ["CapEff", "NoNewPrivs", "Seccomp"];
    let [of_run, of_scan, of_us] = [sensor.pid(), scan.id(), std::process::id()]
        .map(|pid| rights.map(|name| value_of(pid, name)));
    let open = [sensor.pid(), scan.id()].map(open_things);
    scan.kill().unwrap();
    scan.wait().unwrap();
    sensor.stop();

    // A scan gives nothing up and takes nothing.
    assert_eq!(of_scan, of_us);
    assert!(!open[1].iter().any(|thing| thing.contains("socket")), "{:?}", open[1]);
    let table = include_str!("../SECURITY.md");
    for (name, value) in rights.iter().zip(&of_run) {
        let row = format!("| `{name}` | `{value}` | the caller's |");
        assert!(table.contains(&row), "not in SECURITY.md: {row}");
    }
    let ordinary = |thing: &&String| !matches!(thing.as_str(), "null" | "stderr" | "pipe");
    let held: Vec<String> = open[0].iter().filter(ordinary).map(|one| format!("`{one}`")).collect();
    let row = format!("| open | {} | ", held.join(", "));
    assert!(table.contains(&row), "not in SECURITY.md: {row}");
}

#[test]
fn nothing_can_be_reached_from_the_running_sensor_but_the_packet_socket() {
    let Some(mirror) = Mirror::new("calls") else { return };
    let sensor = mirror.sensor_with(&["run", "-i", "m1"], &[("WARDWATCH_TEST_CALLS", "1")]);
    sensor.until("this process holds", 10);
    // What remains still works: an interface that goes and comes back is opened anew.
    mirror.link("m1", "down");
    sensor.until("interface m1 is down", 20);
    mirror.link("m1", "up");
    sensor.until("interface m1 is up again", 20);
    let log = sensor.stop();
    for call in [
        "socket(AF_INET)",
        "socket(AF_INET6)",
        "connect",
        "bind",
        "listen",
        "accept4",
        "sendto",
        "sendmsg",
        "sendmmsg",
    ] {
        let refused = format!("; {call}: Operation not permitted");
        assert!(log.contains(&refused), "{call}: {log}");
    }
    assert!(log.contains("; bind of a packet socket: Bad file descriptor"), "{log}");
}
