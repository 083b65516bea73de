//! The real program beside a spool and a status file, as the sensor writes them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::disallowed_methods)] // a test may start programs and look at the clock

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wardwatch_record::directory::Owners;
use wardwatch_record::spool::{Bounds, Reader, Spool};
use wardwatch_record::{Body, Message, Notice, Status, Time, Topic};

/// A directory with a spool, a status file and a configuration.
struct Office {
    place: tempfile::TempDir,
    spool: Spool,
}

impl Office {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("spool");
        let spool = Spool::open(&path, &Owners::new(&[]), Bounds::default(), None).unwrap();
        Self { place, spool }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn put(&mut self, text: &str) {
        let notice = Notice::warning(1_000_000_000, Topic::Other, Message::new(text, "x"));
        self.spool.append(Time::of_seconds(1), Body::Notice(notice));
    }

    fn command(&self, text: &str) -> Command {
        let head = format!(
            "lang = 'vi'\nspool = '{}'\nstatus = '{}'\n",
            self.path("spool").display(),
            self.path("status.json").display()
        );
        std::fs::write(self.path("relay.toml"), head + text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_wardwatch-relay"));
        command.arg("-c").arg(self.path("relay.toml")).env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    fn start(&self, text: &str) -> Relay {
        let stderr = self.path("stderr");
        let file = std::fs::File::create(&stderr).unwrap();
        let child = self.command(text).stderr(file).spawn().unwrap();
        Relay { child, stderr }
    }

    fn until_done(&self, name: &str, number: u64) {
        let reader =
            || Reader::open(&self.path("spool"), &Owners::new(&[]), "relay", name).unwrap();
        until("the records are acknowledged", || reader().acknowledged() >= number);
    }
}

struct Relay {
    child: Child,
    stderr: PathBuf,
}

impl Relay {
    fn said(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("sh").args(["-c", "kill -s $0 $1", name, &id]).status().unwrap().success()
        );
    }

    fn stop(mut self) {
        self.signal("TERM");
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", self.said());
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn ask(port: u16) -> Option<String> {
    let mut client = TcpStream::connect(("127.0.0.1", port)).ok()?;
    client.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").ok()?;
    let mut answer = String::new();
    client.read_to_string(&mut answer).ok()?;
    Some(answer)
}

fn write_status(path: &Path) {
    let alive = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let status = Status { alive: alive as i64, every: 5, ..Status::default() };
    std::fs::write(path, status.bytes()).unwrap();
}

#[test]
fn it_sends_what_the_sensor_wrote_goes_on_after_a_kill_and_serves_the_page() {
    let mut office = Office::new();
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let address = server.local_addr().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text =
        format!("[metrics]\nlisten = '127.0.0.1:{free}'\n[[syslog]]\ntarget = 'udp://{address}'\n");
    let name = format!("udp-127.0.0.1-{}", address.port());
    let mut next = 0;
    let mut hear = |number: u64| {
        let mut buffer = [0; 2048];
        // What was sent and not acknowledged before a kill comes again, and nothing is left out.
        while next < number {
            let length = server.recv(&mut buffer).unwrap();
            let text = std::str::from_utf8(&buffer[..length]).unwrap();
            assert!(text.starts_with("<84>1 ") && text.contains("CẢNH BÁO"), "{text}");
            let heard: u64 = text.rsplit("số ").next().unwrap().parse().unwrap();
            assert!(heard <= next + 1, "{heard} after {next}");
            next = next.max(heard);
        }
    };
    for life in 0..3 {
        let mut relay = office.start(&text);
        (life * 50 + 1..=life * 50 + 50).for_each(|number| office.put(&format!("số {number}")));
        hear(life * 50 + 50);
        if life == 1 {
            // Perhaps before it could acknowledge.
            relay.child.kill().unwrap();
            continue;
        }
        office.until_done(&name, life * 50 + 50);
        write_status(&office.path("status.json"));
        until("the page", || ask(free).is_some_and(|page| page.contains("\nwardwatch_up 1\n")));
        relay.stop();
    }
}

#[test]
fn a_check_says_what_is_wrong_and_leaves_with_the_code_of_the_sensor() {
    let office = Office::new();
    for (text, code, words) in [
        ("[[syslog]]\ntarget = 'log.example'", 2, "log.example"),
        ("[[syslog]]\ntarget = 'tls://192.0.2.1:6514'\nca = '/no/such.pem'", 2, "/no/such.pem"),
        ("nonsense = 1", 2, "nonsense"),
        ("", 0, "[[syslog]]"),
        ("[[syslog]]\ntarget = 'udp://192.0.2.1:514'", 0, ""),
    ] {
        let output = office.command(text).arg("-T").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{text}: {said}");
        assert!(said.contains(words), "{text}: {said}");
    }
    std::fs::remove_dir_all(office.path("spool")).unwrap();
    let output = office.command("[[syslog]]\ntarget = 'udp://192.0.2.1:514'").arg("-T").output();
    let output = output.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot read the spool"), "{said}");
}

#[test]
fn with_nothing_to_do_it_tells_the_service_manager_that_it_was_ready_before_it_ends() {
    let office = Office::new();
    let place = office.path("notify");
    let manager = std::os::unix::net::UnixDatagram::bind(&place).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let output = office.command("").env("NOTIFY_SOCKET", &place).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let mut told = [0; 256];
    let length = manager.recv(&mut told).unwrap();
    assert!(told[..length].starts_with(b"READY=1\n"), "{:?}", &told[..length]);
}
