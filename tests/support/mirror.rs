//! A mirror port in a network namespace: what is replayed into `m0` comes out of `m1`.
//!
//! Needs what [`Namespace`] needs. Without root [`Mirror::new`] says so and answers none; a test
//! then ends without having shown anything, and its output tells.
#![allow(clippy::disallowed_methods)] // a test may look at the clock

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::netns::{Namespace, done};
use super::run::{self, Run};

/// A namespace with both ends of the mirror. Dropping it removes it.
#[derive(Debug)]
pub struct Mirror {
    namespace: Namespace,
}

impl Mirror {
    /// Makes one, or says why it cannot be made here.
    pub fn new(name: &str) -> Option<Self> {
        if run::skipped_without_root(name) {
            return None;
        }
        let mirror = Self { namespace: Namespace::empty() };
        mirror.plug_in();
        Some(mirror)
    }

    /// Makes the cable; both ends take the largest frames.
    pub fn plug_in(&self) {
        self.plug("m0", "m1");
    }

    /// Another cable.
    pub fn plug(&self, one: &str, other: &str) {
        self.namespace.plug(one, other, 9_000);
    }

    /// Sets an end up or down.
    pub fn link(&self, end: &str, state: &str) {
        self.namespace.link(end, state);
    }

    /// Runs a program in the namespace; it must succeed.
    #[track_caller]
    pub fn run(&self, program: &str, arguments: &[&str]) {
        self.namespace.inside(program, arguments);
    }

    /// Runs a program that not every kernel lets succeed; true if it did.
    pub fn can_run(&self, program: &str, arguments: &[&str]) -> bool {
        let mut command = self.namespace.command(program);
        let output = command.args(arguments).stdin(Stdio::null()).output();
        output.is_ok_and(|output| output.status.success())
    }

    /// Packet sockets that are bound to an interface and receive.
    pub fn packet_sockets(&self, interface: &str) -> usize {
        let read = |path: &str| {
            let output = self.namespace.command("cat").arg(path).output().expect("cat");
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let index = read(&format!("/sys/class/net/{interface}/ifindex"));
        let is_ours = |line: &&str| {
            let fields: Vec<_> = line.split_whitespace().collect();
            fields.get(4) == Some(&index.trim()) && fields.get(5) == Some(&"1")
        };
        read("/proc/net/packet").lines().skip(1).filter(is_ours).count()
    }

    /// Waits until so many sockets receive from an interface, at most twenty seconds.
    #[track_caller]
    pub fn until_read_by(&self, interface: &str, sockets: usize) {
        let begun = Instant::now();
        while self.packet_sockets(interface) != sockets {
            let now = self.packet_sockets(interface);
            assert!(begun.elapsed().as_secs() < 20, "{now} sockets on {interface}, not {sockets}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Replays a capture, so many packets a second, for at most a minute.
    #[track_caller]
    pub fn replay(&self, capture: &Path, rate: u32) {
        self.replay_into("m0", capture, rate);
    }

    /// The same into another end.
    #[track_caller]
    pub fn replay_into(&self, end: &str, capture: &Path, rate: u32) {
        self.namespace.replay_into(end, capture, rate);
    }

    /// Starts a sensor in the namespace and waits until it watches.
    pub fn sensor(&self, arguments: &[&str]) -> Sensor {
        self.sensor_with(arguments, &[])
    }

    /// The same, with environment variables.
    pub fn sensor_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Sensor {
        let directory = run::temporary_directory();
        let log = directory.path().join("log");
        let mut command = self.command(arguments);
        command.arg("--log-dir").arg(&log).envs(variables.iter().copied());
        self.started(command, log, directory)
    }

    /// Starts a sensor whose configuration says that this is its log directory.
    pub fn sensor_in(&self, arguments: &[&str], log: &Path) -> Sensor {
        self.sensor_through(&[], arguments, log)
    }

    /// The same, started by a program that takes the binary and its arguments as its last.
    pub fn sensor_through(&self, starter: &[&str], arguments: &[&str], log: &Path) -> Sensor {
        let command = self.command_through(starter, arguments);
        self.started(command, log.into(), run::temporary_directory())
    }

    /// Runs the binary in the namespace to its end.
    pub fn outcome(&self, arguments: &[&str]) -> run::Outcome {
        let output = self.command(arguments).output().expect("the binary starts");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let code = output.status.code();
        run::Outcome { stdout: text(output.stdout), stderr: text(output.stderr), code }
    }

    /// The binary, in the namespace, with the environment that every test gives it.
    fn command(&self, arguments: &[&str]) -> Command {
        self.command_through(&[], arguments)
    }

    fn command_through(&self, starter: &[&str], arguments: &[&str]) -> Command {
        self.namespace.binary_through(starter, Run::new(arguments))
    }

    fn started(&self, mut command: Command, log: PathBuf, directory: tempfile::TempDir) -> Sensor {
        let stderr = directory.path().join("stderr");
        command.stdout(Stdio::null()).stderr(std::fs::File::create(&stderr).unwrap());
        let child = command.spawn().expect("the binary starts");
        let sensor = Sensor { child, log, stderr, _directory: directory };
        sensor.until("started", 20);
        // The ring is open before the line is written, so nothing sent from here on is missed.
        sensor
    }
}

/// A running sensor.
#[derive(Debug)]
pub struct Sensor {
    child: Child,
    /// Its log directory.
    pub log: PathBuf,
    stderr: PathBuf,
    _directory: tempfile::TempDir,
}

impl Sensor {
    /// Its process.
    pub fn pid(&self) -> u32 {
        // `ip netns exec` becomes the program it runs.
        self.child.id()
    }

    /// Lines of its log that hold none of the sensor's own words.
    pub fn alerts(&self) -> Vec<String> {
        let about_itself = |line: &&str| !line.contains("| wardwatch ");
        self.read().lines().filter(about_itself).map(str::to_owned).collect()
    }

    /// Its log.
    pub fn read(&self) -> String {
        std::fs::read_to_string(self.log.join("alerts.log")).unwrap_or_default()
    }

    /// What it printed.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// Waits until the log holds these words.
    #[track_caller]
    pub fn until(&self, words: &str, seconds: u64) {
        let begun = Instant::now();
        while !self.read().contains(words) {
            let patience = Duration::from_secs(seconds);
            let (log, printed) = (self.read(), self.printed());
            assert!(begun.elapsed() < patience, "no `{words}` in\n{log}\nbut\n{printed}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends it a signal, by the name that `kill` knows.
    pub fn signal(&self, name: &str) {
        done(run::killer().args(["-s", name, &self.pid().to_string()]));
    }

    /// Lets it end; returns its log.
    #[track_caller]
    pub fn stop(mut self) -> String {
        self.signal("TERM");
        let code = run::wait(&mut self.child, 20);
        assert_eq!(code, Some(0), "{}", self.printed());
        self.read()
    }
}

impl Drop for Sensor {
    fn drop(&mut self) {
        // A failed test must not leave it running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
