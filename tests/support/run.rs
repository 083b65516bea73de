//! The real binary, run as a user runs it, with a bound on its time.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Standard output, bytes that are not UTF-8 replaced.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
    /// Exit code; none when a signal ended it.
    pub code: Option<i32>,
}

impl Outcome {
    /// Standard output as EVE lines. Panics when one is not JSON.
    pub fn eve(&self) -> Vec<serde_json::Value> {
        eve_lines(&self.stdout)
    }

    /// A counter that `-v` printed. Panics when there is none of this name.
    #[track_caller]
    pub fn counter(&self, name: &str) -> u64 {
        let mark = format!(": {name} ");
        let found = self.stderr.lines().find_map(|line| line.split_once(&mark));
        let Some((_, count)) = found else { panic!("no {name} in {}", self.stderr) };
        count.parse().expect("a number")
    }

    /// Panics with everything that was printed unless the run ended with `code`.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

/// A run being prepared. Vietnam's time, English, no colour, nothing inherited that changes it.
#[derive(Debug)]
pub struct Run {
    command: Command,
    stdin: Option<Vec<u8>>,
    seconds: u64,
}

impl Run {
    /// A run of `wardwatch` with these arguments.
    pub fn new<I, S>(arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        let mut command = Command::new(binary());
        command.args(arguments);
        command.env("TZ", "Asia/Ho_Chi_Minh").env("LANG", "en_US.UTF-8").env("NO_COLOR", "1");
        // What this machine is configured to do is no matter of the tests.
        command.env("WARDWATCH_CONFIG", "");
        // No test but those of the clock shall hang on what the machine's clock says.
        command.env("WARDWATCH_TEST_BUILT", "1970-01-01");
        for inherited in ["LC_ALL", "LC_MESSAGES", "LANGUAGE", "NOTIFY_SOCKET", "JOURNAL_STREAM"] {
            command.env_remove(inherited);
        }
        Self { command, stdin: None, seconds: 60 }
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<I, S>(mut self, arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        self.command.args(arguments);
        self
    }

    /// One more environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Its working directory.
    #[must_use]
    pub fn directory(mut self, path: &Path) -> Self {
        self.command.current_dir(path);
        self
    }

    /// These bytes come in through a pipe on standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: &[u8]) -> Self {
        self.stdin = Some(bytes.to_vec());
        self
    }

    /// Another bound than 60 seconds.
    #[must_use]
    pub fn seconds(mut self, seconds: u64) -> Self {
        self.seconds = seconds;
        self
    }

    /// The command itself, for tests that hold the process in hand.
    pub fn command(self) -> Command {
        self.command
    }

    /// Runs it to its end. Panics, after ending it, when it takes too long.
    pub fn go(mut self) -> Outcome {
        // Files, not pipes: whatever it prints, nobody has to read while we wait.
        let directory = temporary_directory();
        let (out, err) = (directory.path().join("stdout"), directory.path().join("stderr"));
        self.command.stdout(std::fs::File::create(&out).expect("stdout file"));
        self.command.stderr(std::fs::File::create(&err).expect("stderr file"));
        self.command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child = self.command.spawn().expect("the binary starts");
        let pipe = child.stdin.take();
        let code = std::thread::scope(|scope| {
            if let (Some(mut pipe), Some(bytes)) = (pipe, self.stdin.as_ref()) {
                // It may stop reading early; that is its right.
                scope.spawn(move || drop(pipe.write_all(bytes)));
            }
            wait(&mut child, self.seconds)
        });
        let text = |path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        Outcome { stdout: text(&out), stderr: text(&err), code }
    }
}

/// `kill`, to which arguments are added: the shell's own, since the program is a package (procps) that
/// a minimal Debian lacks.
pub fn killer() -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "kill \"$@\"", "kill"]);
    shell
}

/// Waits for a child's end, at most so many seconds; then ends it and panics.
pub fn wait(child: &mut Child, seconds: u64) -> Option<i32> {
    for _ in 0..seconds * 100 {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("a child can be killed");
    child.wait().expect("a child can be waited for");
    panic!("still running after {seconds} s");
}

/// True, and said loudly, where a test that needs root cannot run. In CI it has to run.
pub fn skipped_without_root(test: &str) -> bool {
    let id = Command::new("id").arg("-u").output().expect("id of coreutils");
    if id.stdout.starts_with(b"0\n") {
        return false;
    }
    assert!(std::env::var_os("CI").is_none(), "{test} needs root, and CI has to run it");
    // Not `eprintln!`, which the harness keeps to itself when a test passes.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: needs root: {test}");
    true
}

/// A directory that is removed when dropped.
pub fn temporary_directory() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("wardwatch-test-").tempdir().expect("a temporary directory")
}

/// Writes a file of this name into a directory and says where it is.
pub fn put(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, bytes).expect("a file in a temporary directory");
    path
}

/// The program under test: cargo lays it beside the folder of the test that runs, and builds it first.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let built = test.ancestors().nth(2).expect("PROFILE/deps/TEST").join("wardwatch");
    assert!(built.is_file(), "{} is not there: run the tests of the workspace", built.display());
    built
}

/// A file below `tests/captures`.
pub fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../captures").join(name)
}

/// Lines of JSON. Panics, naming the line, when one is not.
pub fn eve_lines(text: &str) -> Vec<serde_json::Value> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(parse).collect()
}

/// The events of a type.
pub fn events_of<'a>(events: &'a [serde_json::Value], kind: &str) -> Vec<&'a serde_json::Value> {
    events.iter().filter(|event| event["event_type"] == kind).collect()
}
