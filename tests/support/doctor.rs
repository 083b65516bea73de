//! The doctor in a namespace: listens until it is told to judge, so that no test hangs on how
//! fast the machine is; and the traffic of mirrors that are well or unwell.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::netns::{MIRROR, Namespace, done};
use super::office::Office;
use super::packets::{self, TcpConversation};
use super::run::{Run, put, temporary_directory, wait};
use super::wire::{self, Frame, Link, Mac};
use super::{capture_file, conversations as say};

/// Packets a second: no more than a debug build reads on a busy machine.
const RATE: u32 = 3000;
const ROUTER: Mac = [2, 0x57, 0x41, 0, 0, 1];

/// What it is run with.
#[derive(Debug)]
pub struct Setting {
    directory: tempfile::TempDir,
    language: &'static str,
    seconds: u16,
    feeds: Vec<PathBuf>,
    log: PathBuf,
    arguments: Vec<String>,
    before: Vec<String>,
    binary: Option<PathBuf>,
    variables: Vec<(&'static str, String)>,
}

/// Today's date, as feeds write it.
pub fn today() -> String {
    let output = Command::new("date").args(["-u", "+%F"]).output().expect("date of coreutils");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Setting {
    /// A feed of today, a log directory that can be written, English.
    pub fn new() -> Self {
        let directory = temporary_directory();
        let anyone = std::fs::Permissions::from_mode(0o1777);
        let log = directory.path().join("log");
        std::fs::create_dir(&log).expect("a log directory");
        for path in [directory.path(), &log] {
            std::fs::set_permissions(path, anyone.clone()).expect("our own directory");
        }
        Self {
            directory,
            language: "en",
            seconds: 120,
            feeds: Vec::new(),
            log,
            arguments: Vec::new(),
            before: Vec::new(),
            binary: None,
            variables: Vec::new(),
        }
        .feed_of(&today())
    }

    /// For a configuration of its own: whom the office calls.
    pub fn contact(&self) -> String {
        let text = "[contact]\nname = { vi = 'x', en = 'x' }\nshort_name = { vi = 'x', en = 'x' }\n\
                    telephone = '0000'\nas_of = '2026-01-01'\nvalid_until = '2999-12-31'\n";
        let path = put(self.directory(), "threats.toml", text.as_bytes());
        format!("threats = '{}'\n", path.display())
    }

    /// Where its files are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Another language.
    #[must_use]
    pub fn language(mut self, language: &'static str) -> Self {
        self.language = language;
        self
    }

    /// How long it listens if nobody tells it to judge.
    #[must_use]
    pub fn seconds(mut self, seconds: u16) -> Self {
        self.seconds = seconds;
        self
    }

    /// Only a feed whose newest indicator has this date.
    #[must_use]
    pub fn feed_of(mut self, date: &str) -> Self {
        let text = format!("indicator,type,first_seen\nevil.example,domain,{date}\n");
        self.feeds = vec![put(self.directory(), "feed.csv", text.as_bytes())];
        self
    }

    /// Another log directory.
    #[must_use]
    pub fn log(mut self, directory: &Path) -> Self {
        self.log = directory.into();
        self
    }

    /// More options.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|&text| text.to_owned()).collect();
        self
    }

    /// An environment variable.
    #[must_use]
    pub fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Not as root but as a user who holds these capabilities and no others: a copy of the binary
    /// is run, because that user may not reach the one below `target`.
    #[must_use]
    pub fn by_nobody(mut self, capabilities: &str) -> Self {
        let binary = self.directory().join("wardwatch");
        std::fs::copy(super::run::binary(), &binary).expect("a copy of the binary");
        self.binary = Some(binary);
        let to = "setpriv --reuid=65534 --regid=65534 --clear-groups";
        self.before = to.split(' ').map(str::to_owned).collect();
        for set in ["--inh-caps", "--ambient-caps", "--bounding-set"] {
            self.before.push(format!("{set}=-all{capabilities}"));
        }
        self
    }

    /// Starts it; it has not opened anything yet.
    fn spawn(self, namespace: &Namespace) -> Doctor {
        let mut run = Run::new(["doctor", "--lang", self.language, "-i", MIRROR]);
        run = run.args(["--seconds", &self.seconds.to_string()]);
        run = run.args(["--no-builtin-feeds", "--log-dir"]).arg(&self.log);
        for feed in &self.feeds {
            run = run.arg("--feeds").arg(feed);
        }
        if !self.arguments.iter().any(|argument| argument == "-c") {
            run = run.arg("-c").arg(put(self.directory(), "o.toml", self.contact().as_bytes()));
        }
        for (name, value) in &self.variables {
            run = run.env(name, value);
        }
        let plain = namespace.binary(run.args(&self.arguments));
        let mut command = Command::new(plain.get_program());
        let mut words = plain.get_args();
        // `netns exec NAME`, then whatever comes before the binary.
        command.args(words.by_ref().take(3)).args(&self.before);
        let program = words.next().expect("the binary's path");
        command.arg(self.binary.as_deref().map_or(program, Path::as_os_str)).args(words);
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let (out, err) = (self.directory().join("stdout"), self.directory().join("stderr"));
        command.stdout(std::fs::File::create(&out).expect("a file for what it says"));
        command.stderr(std::fs::File::create(&err).expect("a file for what it says"));
        let child = command.stdin(Stdio::null()).spawn().expect("the doctor starts");
        Doctor { child, setting: self }
    }

    /// Runs it to its end, where it does not get as far as listening.
    #[track_caller]
    pub fn refused(self, namespace: &Namespace) -> Findings {
        self.spawn(namespace).end()
    }

    /// Starts it and waits until it listens.
    #[track_caller]
    pub fn listen(self, namespace: &Namespace) -> Doctor {
        let mut doctor = self.spawn(namespace);
        for _ in 0..3000 {
            let said = doctor.stderr();
            if said.contains("listening on") || said.contains("đang lắng nghe trên") {
                return doctor;
            }
            if let Some(status) = doctor.child.try_wait().expect("a child can be asked") {
                panic!("ended with {status} and did not listen: {said}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("does not listen within half a minute");
    }

    /// Listens while a capture is replayed.
    #[track_caller]
    pub fn hear(self, namespace: &Namespace, frames: &[Frame]) -> Findings {
        let path = put(self.directory(), "heard.pcap", &capture_file::pcap(frames));
        let doctor = self.listen(namespace);
        namespace.replay(&path, RATE);
        doctor.judge()
    }
}

impl Default for Setting {
    fn default() -> Self {
        Self::new()
    }
}

/// The doctor at work.
#[derive(Debug)]
pub struct Doctor {
    child: Child,
    setting: Setting,
}

impl Doctor {
    fn stderr(&self) -> String {
        std::fs::read_to_string(self.setting.directory().join("stderr")).unwrap_or_default()
    }

    /// Sends it a signal.
    pub fn send(&self, signal: &str) {
        done(super::run::killer().args(["-s", signal, &self.child.id().to_string()]));
    }

    /// Has heard enough.
    #[track_caller]
    pub fn judge(self) -> Findings {
        self.send("INT");
        self.end()
    }

    /// What it said.
    #[track_caller]
    pub fn end(mut self) -> Findings {
        let code = wait(&mut self.child, 60);
        let said = std::fs::read_to_string(self.setting.directory().join("stdout"));
        Findings { said: said.expect("what it said"), stderr: self.stderr(), code }
    }
}

impl Drop for Doctor {
    fn drop(&mut self) {
        // After a failed assertion only: one that ended is waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What it found.
#[derive(Debug)]
pub struct Findings {
    /// Standard output.
    pub said: String,
    stderr: String,
    code: Option<i32>,
}

impl Findings {
    /// Panics unless these and no others were found (`PROBLEM loss`, `NOTE pppoe`), each with a
    /// remedy, and the exit code says whether one of them is a problem.
    #[track_caller]
    pub fn expect(self, wanted: &[&str]) -> Self {
        let mut found = Vec::new();
        let mut lines = self.said.lines().peekable();
        while let Some(line) = lines.next() {
            let Some((head, rest)) = line.split_once(" [") else { continue };
            let (id, what) = rest.split_once("] ").expect("an id in brackets");
            assert!(!what.contains(['{', '}']), "{line}");
            let remedy = lines.next().and_then(|line| line.strip_prefix("  -> "));
            assert!(remedy.is_some_and(|remedy| remedy.len() > 15), "no remedy: {}", self.said);
            let severity = match head {
                "LỖI" => "PROBLEM",
                "LƯU Ý" => "NOTE",
                head => head,
            };
            found.push(format!("{severity} {id}"));
        }
        found.sort();
        let mut wanted = wanted.to_vec();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{}\n{}", self.said, self.stderr);
        let problem = wanted.iter().any(|finding| finding.starts_with("PROBLEM"));
        assert_eq!(self.code, Some(i32::from(problem)), "{}\n{}", self.said, self.stderr);
        self
    }

    /// Panics unless these words are among what was said.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.said.contains(words), "no `{words}` in {}", self.said);
        self
    }
}

/// A working morning of an office, as a mirror of the router's port shows it.
pub fn morning() -> Vec<Frame> {
    let mut office = Office::new(11);
    office.ordinary_morning(2);
    office.finish().0
}

/// Does the frame come from the router?
pub fn is_answer(frame: &Frame) -> bool {
    frame.bytes[6..12] == ROUTER
}

/// Is it for everybody?
pub fn is_group(frame: &Frame) -> bool {
    frame.bytes[0] & 1 == 1
}

/// Does it carry DNS? (An untagged IPv4 frame without options.)
pub fn is_dns(frame: &Frame) -> bool {
    let port = |at| u16::from_be_bytes([frame.bytes[at], frame.bytes[at + 1]]);
    port(12) == 0x800 && (port(34) == 53 || port(36) == 53)
}

/// The same frames with these bytes after the hardware addresses.
pub fn with_tag(frames: &[Frame], tag: &[u8]) -> Vec<Frame> {
    let tagged = |frame: &Frame| {
        let (ends, rest) = frame.bytes.split_at(12);
        Frame { time: frame.time, bytes: [ends, tag, rest].concat() }
    };
    frames.iter().map(tagged).collect()
}

/// The IPv4 frames among them as sessions of PPPoE (RFC 2516).
pub fn in_pppoe(frames: &[Frame]) -> Vec<Frame> {
    let ip = frames.iter().filter(|frame| frame.bytes[12..14] == [8, 0]);
    let session = |frame: &Frame| {
        let (ends, packet) = (&frame.bytes[..12], &frame.bytes[14..]);
        let length = (packet.len() as u16 + 2).to_be_bytes();
        let head = [&[0x88, 0x64, 0x11, 0, 0, 7][..], &length, &[0, 0x21]].concat();
        Frame { time: frame.time, bytes: [ends, &head, packet].concat() }
    };
    ip.map(session).collect()
}

/// Connections of one client to many servers, with its DNS, passed on by so many routers.
pub fn of_one_client(client: &str, connections: u8, routers: u8) -> Vec<Frame> {
    let client: std::net::IpAddr = client.parse().expect("an address");
    let link = Link::plain();
    let mut frames = Vec::new();
    for number in 0..connections {
        let ours = SocketAddr::new(client, 40_000 + u16::from(number));
        let name = format!("www{number}.example");
        let resolver = SocketAddr::from(([192, 0, 2, 99], 53));
        let query = say::dns_query(u16::from(number), &name, say::A);
        let answer = say::dns_answer(u16::from(number), &name, say::A, &[]);
        let server = SocketAddr::from(([203, 0, 113, number], 443));
        let hello = say::client_hello(&name);
        let mut all = vec![
            wire::from_client(packets::udp(ours, resolver, &query)),
            wire::from_server(packets::udp(resolver, ours, &answer)),
        ];
        all.extend(TcpConversation::new(ours, server).client(&hello).server(&[7; 900]).packets());
        for packet in &mut all {
            packets::set_hops(&mut packet.bytes, 64 - routers);
        }
        let time = wire::NINE_O_CLOCK + i64::from(number) * wire::SECOND;
        frames.extend(wire::frames(&link, &all, time, wire::MILLISECOND));
    }
    frames
}
