//! A mirror port in a network namespace of the test's own, and a sensor that listens to it.
//!
//! Needs root, `ip`, `ethtool`, `mount` and `tcpreplay`; callers ask
//! `skipped_without_root` first.
#![allow(clippy::print_stderr)] // what could not be cleaned up must be said

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::run::{Run, wait};

/// Interface the sensor listens on.
pub const MIRROR: &str = "mirror0";
/// Interface that frames are sent into.
pub const SENDER: &str = "sender0";

/// Runs a command; panics with what it said unless it succeeds.
#[track_caller]
pub fn done(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
}

/// A network namespace of the test's own, without a way out; removed when dropped, with every
/// interface in it.
#[derive(Debug)]
pub struct Namespace(String);

impl Default for Namespace {
    fn default() -> Self {
        Self::new()
    }
}

impl Namespace {
    /// A new one with a veth pair, both ends up, that takes frames of 9,000 bytes.
    #[track_caller]
    pub fn new() -> Self {
        let this = Self::empty();
        this.plug(SENDER, MIRROR, 9_000);
        this
    }

    /// A new one without any interface.
    #[track_caller]
    pub fn empty() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let this = Self(format!("wardwatch-{}-{number}", std::process::id()));
        done(Command::new("ip").args(["netns", "add", &this.0]));
        // No neighbour discovery of our own among the frames.
        for which in ["all", "default"] {
            // Not sysctl, which is a package (procps) that a small machine may lack.
            let write = format!("echo 1 > /proc/sys/net/ipv6/conf/{which}/disable_ipv6");
            this.inside("sh", &["-c", &write]);
        }
        this.link("lo", "up");
        this
    }

    /// A cable: what is sent into one end comes out of the other. Both are up; nothing is put
    /// together on the way, whatever the kernel's habit.
    #[track_caller]
    pub fn plug(&self, one: &str, other: &str, mtu: u32) {
        let mtu = mtu.to_string();
        let add = ["link", "add", one, "mtu", &mtu, "type", "veth"];
        self.inside("ip", &[&add[..], &["peer", "name", other, "mtu", &mtu]].concat());
        for end in [one, other] {
            self.offload(end, "off");
            self.link(end, "up");
        }
    }

    /// Sets an interface up or down.
    #[track_caller]
    pub fn link(&self, interface: &str, state: &str) {
        self.inside("ip", &["link", "set", interface, state]);
    }

    /// Switches generic receive offload on or off. Older kernels cannot, and have it on.
    #[track_caller]
    pub fn offload(&self, interface: &str, state: &str) {
        self.inside("ethtool", &["-K", interface, "gro", state]);
    }

    /// A command within, bounded to a minute.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0, "timeout", "60", program]);
        command
    }

    /// Runs a command within; it must succeed.
    #[track_caller]
    pub fn inside(&self, program: &str, arguments: &[&str]) {
        done(self.command(program).args(arguments));
    }

    /// The binary within. `ip netns exec` becomes it, so its signals and exit code are its own.
    pub fn binary(&self, run: Run) -> Command {
        self.binary_through(&[], run)
    }

    /// The same, begun by another program.
    pub fn binary_through(&self, starter: &[&str], run: Run) -> Command {
        let binary = run.command();
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0]).args(starter).arg(binary.get_program());
        command.args(binary.get_args());
        for (name, value) in binary.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Sends the frames of a capture, so many a second.
    #[track_caller]
    pub fn replay(&self, path: &Path, a_second: u32) {
        self.replay_into(SENDER, path, a_second);
    }

    /// The same into another interface.
    #[track_caller]
    pub fn replay_into(&self, interface: &str, path: &Path, a_second: u32) {
        let rate = a_second.to_string();
        done(self.command("tcpreplay").args(["-q", "--pps", &rate, "-i", interface]).arg(path));
    }

    /// The same from memory, for rates that reading a file would not keep up with.
    #[track_caller]
    pub fn flood(&self, path: &Path, a_second: u32) {
        let rate = a_second.to_string();
        let options = ["-q", "--preload-pcap", "--pps", &rate, "-i", SENDER];
        done(self.command("tcpreplay").args(options).arg(path));
    }

    /// Frames that the mirror end has received since it is there.
    pub fn received(&self) -> u64 {
        let path = format!("/sys/class/net/{MIRROR}/statistics/rx_packets");
        let output = self.command("cat").arg(path).output().expect("cat of coreutils");
        String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
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

/// A sensor running on the mirror end.
#[derive(Debug)]
pub struct Sensor {
    child: Child,
    logs: PathBuf,
    stderr: PathBuf,
}

impl Sensor {
    /// Starts, with logs below `directory`, and waits until the log says so.
    #[track_caller]
    pub fn start(namespace: &Namespace, directory: &Path, arguments: &[&str]) -> Self {
        Self::start_printing(namespace, directory, arguments, Stdio::null())
    }

    /// The same, with something behind its standard output.
    #[track_caller]
    pub fn start_printing(
        namespace: &Namespace,
        directory: &Path,
        arguments: &[&str],
        stdout: Stdio,
    ) -> Self {
        // `ip netns exec` becomes the sensor, so its signals and exit code are the sensor's.
        let within = ["ip", "netns", "exec", &namespace.0];
        Self::begin(&within, MIRROR, directory, arguments, (stdout, None))
    }

    /// The same, with something else than a file behind its standard error.
    #[track_caller]
    pub fn start_complaining(
        namespace: &Namespace,
        directory: &Path,
        arguments: &[&str],
        stderr: Stdio,
    ) -> Self {
        let within = ["ip", "netns", "exec", &namespace.0];
        Self::begin(&within, MIRROR, directory, arguments, (Stdio::null(), Some(stderr)))
    }

    /// On the loopback interface of the machine, where a server of the test's own can be reached.
    #[track_caller]
    pub fn start_on_loopback(directory: &Path, arguments: &[&str]) -> Self {
        Self::begin(&["env"], "lo", directory, arguments, (Stdio::null(), None))
    }

    #[track_caller]
    fn begin(
        within: &[&str],
        interface: &str,
        directory: &Path,
        arguments: &[&str],
        (stdout, complaints): (Stdio, Option<Stdio>),
    ) -> Self {
        let (logs, stderr) = (directory.join("log"), directory.join("stderr"));
        let file = std::fs::File::create(&stderr).expect("a file for what it says");
        let run = Run::new(["run", "-i", interface, "--log-dir"]).arg(&logs).args(arguments);
        let binary = run.command();
        let mut command = Command::new(within[0]);
        command.args(&within[1..]).arg(binary.get_program()).args(binary.get_args());
        for (name, value) in binary.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let starts = || std::fs::read_to_string(logs.join("alerts.log")).unwrap_or_default();
        let before = starts().matches(": started").count();
        command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(complaints.unwrap_or_else(|| file.into()));
        let child = command.spawn().expect("the sensor starts");
        let mut this = Self { child, logs, stderr };
        this.until("the sensor has started", |sensor| {
            sensor.log().matches(": started").count() > before
        });
        this
    }

    /// The reading end of its standard output, if that is a pipe.
    pub fn take_stdout(&mut self) -> std::process::ChildStdout {
        self.child.stdout.take().expect("standard output is a pipe")
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A file of the log's directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.logs.join(name)
    }

    /// The log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("alerts.log")).unwrap_or_default()
    }

    /// EVE, as text.
    pub fn eve(&self) -> String {
        std::fs::read_to_string(self.path("eve.json")).unwrap_or_default()
    }

    /// What it said.
    pub fn stderr(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// Waits for something, at most twenty seconds.
    #[track_caller]
    pub fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..1000 {
            if holds(self) {
                return;
            }
            if let Some(status) = self.child.try_wait().expect("a child can be asked") {
                panic!("ended with {status} before {what}: {}", self.stderr());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("not within twenty seconds: {what}\n{}\n{}", self.log(), self.stderr());
    }

    /// Has it not ended?
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_none()
    }

    /// Sends a signal.
    pub fn send(&self, signal: &str) {
        done(super::run::killer().args([signal, &self.child.id().to_string()]));
    }

    /// Ends it at once, as a crash does.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// Ends it and checks that it ends well.
    #[track_caller]
    pub fn stop(&mut self) {
        self.stop_with("-TERM");
    }

    /// The same with another signal.
    #[track_caller]
    pub fn stop_with(&mut self, signal: &str) {
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

/// A small filesystem in memory, unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one of so many kilobytes.
    pub fn mount(at: &Path, kilobytes: u32) -> Self {
        std::fs::create_dir_all(at).expect("a mount point");
        let size = format!("size={kilobytes}k");
        done(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at));
        Self(at.into())
    }

    /// Fills it to the last byte; returns the file to remove.
    pub fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = std::fs::File::create(&path).expect("a file on the small disk");
        let block = [0; 512];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l"]).arg(&self.0).status();
    }
}
