//! Where alerts and figures go beside the log: standard output, the metrics page, syslog over TLS.
//!
//! Most of it needs root for namespaces or to capture; without it, it says so and does nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use support::netns::{Namespace, Sensor};
use support::run::{Run, eve_lines, put, skipped_without_root, temporary_directory};
use support::verdict::{feed, query};
use support::{capture_file, conversations, wire};

/// Names asked for in a test.
const PLANTED: usize = 20;

fn name(number: usize) -> String {
    format!("planted-{number}.evil.test")
}

/// A feed of the planted names, and a capture that asks for them.
fn planted(directory: &Path) -> (String, PathBuf) {
    let rows: Vec<String> = (0..PLANTED).map(|n| format!("{},domain,", name(n))).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let feed = put(directory, "lab.csv", feed(&rows).as_bytes());
    let packets: Vec<_> = (0..PLANTED).flat_map(|n| query(&name(n))).collect();
    let capture = capture_file::pcap(&wire::plain_frames(&packets));
    (feed.to_str().unwrap().to_owned(), put(directory, "planted.pcap", &capture))
}

fn found(text: &str) -> usize {
    (0..PLANTED).filter(|n| text.contains(&name(*n))).count()
}

fn config(directory: &Path, text: &str) -> String {
    put(directory, "c.toml", text.as_bytes()).to_str().unwrap().to_owned()
}

/// The page, asked for inside the namespace as `curl` would.
fn page(namespace: &Namespace) -> String {
    let ask = "exec 3<>/dev/tcp/127.0.0.1/9477; \
               printf 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n' >&3; cat <&3";
    let output = namespace.command("bash").args(["-c", ask]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// `name value` lines that USR1 printed last.
fn printed(stderr: &str) -> BTreeMap<String, String> {
    let pair = |line: &str| {
        let (name, value) = line.split_once(' ')?;
        let plain = value == "unknown" || value.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| (name.to_owned(), value.to_owned()))
    };
    stderr.lines().filter_map(pair).collect()
}

/// The line of the page that a figure stands on.
fn metric(figure: &str) -> Vec<String> {
    let flat = figure.replace('.', "_");
    let labelled = figure.strip_prefix("traffic.").and_then(|rest| rest.split_once('.'));
    if let Some((protocol, rest)) = labelled {
        let (what, direction) = rest.split_once('_').unwrap();
        return vec![format!(
            "wardwatch_traffic_by_protocol_{what}_total{{protocol=\"{protocol}\",direction=\"{direction}\"}}"
        )];
    }
    vec![format!("wardwatch_{flat}_total"), format!("wardwatch_{flat}")]
}

/// Figures that move while nothing is captured.
const MOVING: [&str; 3] = ["uptime", "memory.resident", "metrics.refused"];

#[test]
fn the_metrics_page_usr1_and_eve_stats_tell_the_same_figures() {
    if skipped_without_root("the_metrics_page_usr1_and_eve_stats_tell_the_same_figures") {
        return;
    }
    let (directory, namespace) = (temporary_directory(), Namespace::new());
    let (feed, capture) = planted(directory.path());
    let config = config(directory.path(), "metrics.listen = '127.0.0.1:9477'\n");
    let arguments = ["--feeds", &feed, "-c", &config];
    let mut sensor = Sensor::start(&namespace, directory.path(), &arguments);
    namespace.replay(&capture, 200);
    sensor.until("every alert", |sensor| found(&sensor.log()) == PLANTED);
    // A frame may still be on its way into the counts: until two pages agree.
    let settled = |page: &str| {
        let counts = |line: &&str| line.contains("_total") && !line.starts_with('#');
        page.lines().filter(counts).map(str::to_owned).collect::<Vec<_>>()
    };
    let told = format!("wardwatch_alert_told_total {PLANTED}");
    sensor.until("the page has come to rest", |_| {
        let before = settled(&page(&namespace));
        std::thread::sleep(Duration::from_secs(3));
        before == settled(&page(&namespace)) && before.contains(&told)
    });
    sensor.send("-USR1");
    sensor.until("USR1 prints", |sensor| printed(&sensor.stderr()).contains_key("memory.resident"));
    let page = page(&namespace);
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(page.contains("Content-Type: application/openmetrics-text"), "{page}");
    let figures = printed(&sensor.stderr());
    assert!(figures.len() > 80, "{figures:?}");
    assert!(figures["traffic.udp.packets_local"].parse::<u64>().unwrap() >= PLANTED as u64);
    for (figure, value) in &figures {
        let lines = metric(figure);
        let line = page.lines().find_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            lines.iter().any(|wanted| wanted == name).then_some(value)
        });
        match MOVING.contains(&figure.as_str()) || value == "unknown" {
            true => {}
            false => assert_eq!(line, Some(value.as_str()), "{figure}\n{page}"),
        }
    }
    assert!(page.contains("\nwardwatch_memory_resident_bytes "), "{page}");
    sensor.stop();
    let eve = eve_lines(&sensor.eve());
    let stats = eve.iter().rfind(|record| record["event_type"] == "stats").unwrap();
    for (figure, value) in figures.iter().filter(|(name, _)| !MOVING.contains(&name.as_str())) {
        let pointer = format!("/stats/{}", figure.replace('.', "/"));
        let told = stats.pointer(&pointer).unwrap_or_else(|| panic!("no {pointer}"));
        assert_eq!(told.as_u64(), value.parse().ok(), "{figure}");
    }
}

#[test]
fn the_metrics_page_is_served_on_a_unix_socket_for_the_group_only() {
    if skipped_without_root("the_metrics_page_is_served_on_a_unix_socket") {
        return;
    }
    let (directory, namespace) = (temporary_directory(), Namespace::new());
    let path = directory.path().join("metrics.sock");
    let config = config(directory.path(), &format!("metrics.listen = 'unix:{}'\n", path.display()));
    let mut sensor = Sensor::start(&namespace, directory.path(), &["-c", &config]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let mut client = UnixStream::connect(&path).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    client.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    let mut page = String::new();
    client.read_to_string(&mut page).unwrap();
    assert!(page.contains("\nwardwatch_indicators_loaded "), "{page}");
    // Clients who say nothing hold neither the sensor nor its end.
    let silent: Vec<_> = (0..50).filter_map(|_| UnixStream::connect(&path).ok()).collect();
    sensor.stop();
    drop(silent);
}

#[test]
fn the_socket_of_the_metrics_page_is_gone_after_a_stop_and_one_that_a_crash_left_is_taken_over() {
    if skipped_without_root("the_socket_of_the_metrics_page_is_gone_after_a_stop") {
        return;
    }
    let (directory, namespace) = (temporary_directory(), Namespace::new());
    // A directory of its own, in which nothing else is allowed to the sensor; it belongs to the user
    // that root becomes, as the unit's does.
    let place = directory.path().join("socket");
    std::fs::create_dir(&place).unwrap();
    std::os::unix::fs::chown(&place, Some(65_534), Some(65_534)).unwrap();
    let path = place.join("metrics.sock");
    let config = config(directory.path(), &format!("metrics.listen = 'unix:{}'\n", path.display()));
    let arguments = ["-c", &config];
    let mut sensor = Sensor::start(&namespace, directory.path(), &arguments);
    assert!(sensor.log().contains("Landlock"), "{}", sensor.log());
    // A second one is told that the first answers there, and leaves it alone.
    let second = Run::new(["run", "-i", "lo", "--log-dir"]).arg(directory.path().join("other"));
    let second = second.args(arguments).go().expect_code(1);
    assert!(second.stderr.contains("another process has it"), "{}", second.stderr);
    assert!(UnixStream::connect(&path).is_ok());
    sensor.stop();
    assert!(!path.exists(), "{}", sensor.stderr());
    let mut sensor = Sensor::start(&namespace, directory.path(), &arguments);
    sensor.kill();
    assert!(path.exists(), "a crash leaves it");
    let mut sensor = Sensor::start(&namespace, directory.path(), &arguments);
    assert!(UnixStream::connect(&path).is_ok());
    sensor.stop();
    assert!(!path.exists(), "{}", sensor.stderr());
}

#[test]
fn a_socket_that_the_user_of_the_sensor_may_not_remove_is_said() {
    if skipped_without_root("a_socket_that_the_user_of_the_sensor_may_not_remove") {
        return;
    }
    let (directory, namespace) = (temporary_directory(), Namespace::new());
    std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let path = directory.path().join("metrics.sock");
    let text = format!("user = 'nobody'\nmetrics.listen = 'unix:{}'\n", path.display());
    let config = config(directory.path(), &text);
    let mut sensor = Sensor::start(&namespace, directory.path(), &["-c", &config]);
    sensor.stop();
    let words = format!("cannot remove the socket {}: permission denied", path.display());
    assert!(sensor.stderr().contains(&words), "{}", sensor.stderr());
}

#[test]
fn settings_that_cannot_be_are_refused_with_the_reason() {
    let directory = temporary_directory();
    for (text, arguments, reason) in [
        ("metrics.listen = '0.0.0.0:9477'", &[][..], "other machines"),
        ("metrics.listen = 'localhost:9477'", &[], "no address and port"),
        ("log.stdout = true", &["--eve", "-"], "both want standard output"),
        ("", &["--eve", "-", "--stdout"], "both want standard output"),
        ("[[syslog]]\ntarget = 'tls://192.0.2.1:6514'", &[], "`ca` is missing"),
    ] {
        let config = config(directory.path(), text);
        let run = Run::new(["run", "-i", "lo", "-T", "-c", &config]).args(arguments);
        let outcome = run.go().expect_code(2);
        assert!(outcome.stderr.contains(reason), "{reason}: {}", outcome.stderr);
    }
}

#[test]
fn alerts_on_standard_output_are_those_of_the_log_and_nothing_else() {
    if skipped_without_root("alerts_on_standard_output") {
        return;
    }
    let (directory, namespace) = (temporary_directory(), Namespace::new());
    let (feed, capture) = planted(directory.path());
    for (arguments, json) in [(&["--stdout"][..], false), (&["--eve", "-"], true)] {
        let out = directory.path().join("out");
        let file = std::fs::File::create(&out).unwrap();
        let arguments = [&["--feeds", &feed][..], arguments].concat();
        let log = directory.path().join(if json { "json" } else { "text" });
        std::fs::create_dir(&log).unwrap();
        let mut sensor = Sensor::start_printing(&namespace, &log, &arguments, Stdio::from(file));
        namespace.replay(&capture, 200);
        let printed = || std::fs::read_to_string(&out).unwrap();
        sensor.until("every alert is printed", |_| found(&printed()) == PLANTED);
        sensor.stop();
        if json {
            let records = eve_lines(&printed());
            let of = |kind: &str| records.iter().filter(|r| r["event_type"] == kind).count();
            assert_eq!(of("alert"), PLANTED);
            assert_eq!(of("stats"), 1, "at the end");
            assert_eq!(sensor.eve(), "", "not to a file too");
        } else {
            let about_itself = |line: &&str| !line.contains("| wardwatch ");
            let log = sensor.log();
            let alerts: Vec<_> = log.lines().filter(about_itself).collect();
            assert_eq!(printed().lines().collect::<Vec<_>>(), alerts);
        }
    }
}

#[test]
fn a_closed_pipe_on_standard_output_is_said_once_and_the_log_goes_on() {
    if skipped_without_root("a_closed_pipe_on_standard_output") {
        return;
    }
    let (directory, namespace) = (temporary_directory(), Namespace::new());
    let (feed, capture) = planted(directory.path());
    let arguments = ["--feeds", &feed, "--stdout"];
    let pipe = Stdio::piped();
    let mut sensor = Sensor::start_printing(&namespace, directory.path(), &arguments, pipe);
    drop(sensor.take_stdout());
    namespace.replay(&capture, 100);
    sensor.until("every alert", |sensor| found(&sensor.log()) == PLANTED);
    let words = "nobody reads stdout any more";
    sensor.until("it is said", |sensor| sensor.stderr().contains(words));
    sensor.stop();
    assert_eq!(sensor.stderr().matches(words).count(), 1, "{}", sensor.stderr());
    assert_eq!(found(&sensor.eve()), PLANTED);
}

#[test]
fn a_standard_error_that_nobody_reads_holds_up_neither_alerts_nor_the_end() {
    if skipped_without_root("a_standard_error_that_nobody_reads") {
        return;
    }
    let (directory, namespace) = (temporary_directory(), Namespace::new());
    let (feed, capture) = planted(directory.path());
    let (path, pipe) = (directory.path(), Stdio::piped());
    let mut sensor = Sensor::start_complaining(&namespace, path, &["--feeds", &feed], pipe);
    // Several times what a pipe holds (64 KiB), and nobody reads.
    for _ in 0..60 {
        sensor.send("-USR1");
        std::thread::sleep(Duration::from_millis(120));
    }
    namespace.replay(&capture, 200);
    sensor.until("every alert", |sensor| found(&sensor.log()) == PLANTED);
    sensor.stop();
}

/// A server's settings, signed by a CA of the test's own, and that CA in PEM form.
fn server() -> (Arc<ServerConfig>, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &ca).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap(),
        );
    (Arc::new(config.unwrap()), ca.pem())
}

/// Messages of one connection, taken apart by their counts, until one holds `last`.
fn messages_until(listener: &TcpListener, config: Arc<ServerConfig>, last: &str) -> Vec<String> {
    let socket = listener.accept().unwrap().0;
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let connection = ServerConnection::new(config).unwrap();
    let mut reader = BufReader::new(StreamOwned::new(connection, socket));
    let mut messages: Vec<String> = Vec::new();
    while !messages.last().is_some_and(|message| message.contains(last)) {
        let mut count = Vec::new();
        reader.read_until(b' ', &mut count).unwrap();
        let count: usize = String::from_utf8(count).unwrap().trim_end().parse().unwrap();
        let mut message = vec![0; count];
        reader.read_exact(&mut message).unwrap();
        messages.push(String::from_utf8(message).unwrap());
    }
    messages
}

#[test]
fn an_alert_reaches_a_server_over_tls_after_every_right_is_given_up() {
    if skipped_without_root("an_alert_reaches_a_server_over_tls") {
        return;
    }
    let directory = temporary_directory();
    let (settings, ca) = server();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let ca = put(directory.path(), "ca.pem", ca.as_bytes());
    let text = format!("[[syslog]]\ntarget = 'tls://{address}'\nca = '{}'\n", ca.display());
    let config = config(directory.path(), &text);
    let (feed, _) = planted(directory.path());
    let server = std::thread::spawn(move || messages_until(&listener, settings, ": stopped"));
    let arguments = ["--feeds", &feed, "-c", &config];
    let mut sensor = Sensor::start_on_loopback(directory.path(), &arguments);
    let here = UdpSocket::bind("127.0.0.1:0").unwrap();
    let question = conversations::dns_query(1, &name(0), conversations::A);
    here.send_to(&question, here.local_addr().unwrap()).unwrap();
    sensor.until("the alert", |sensor| sensor.log().contains(&name(0)));
    sensor.stop();
    let messages = server.join().unwrap();
    assert!(messages.iter().all(|message| message.starts_with('<')), "{messages:?}");
    assert!(messages[0].starts_with("<86>1 ") && messages[0].contains(" status - \u{feff}"));
    let alert = messages.iter().find(|message| message.contains(&name(0))).unwrap();
    assert!(alert.contains(" alert - \u{feff}"), "{alert}");
    assert!(!sensor.log().contains("cannot send to"), "{}", sensor.log());
    let log = sensor.log();
    let line = log.lines().find(|line| line.contains(&name(0))).unwrap();
    assert!(alert.ends_with(line), "the same line in both: {alert}\n{line}");
}

#[test]
fn a_certificate_that_is_replaced_is_taken_on_a_hangup_after_every_right_is_given_up() {
    if skipped_without_root("a_certificate_that_is_replaced_is_taken_on_a_hangup") {
        return;
    }
    let directory = temporary_directory();
    let (settings, ca) = server();
    let (_, old_ca) = server();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Not among the files that are read again anyway: its directory has to be asked for.
    let certificates = directory.path().join("certificates");
    std::fs::create_dir(&certificates).unwrap();
    let path = put(&certificates, "ca.pem", old_ca.as_bytes());
    let text = format!("[[syslog]]\ntarget = 'tls://{address}'\nca = '{}'\n", path.display());
    let configuration = directory.path().join("configuration");
    std::fs::create_dir(&configuration).unwrap();
    let config = config(&configuration, &text);
    let server = std::thread::spawn(move || {
        // Those who do not trust us leave again.
        loop {
            let serve = || messages_until(&listener, settings.clone(), ": stopped");
            if let Ok(messages) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(serve)) {
                return messages;
            }
        }
    });
    let mut sensor = Sensor::start_on_loopback(directory.path(), &["-c", &config]);
    sensor.until("the refusal", |sensor| sensor.log().contains("is not signed by the CA in"));
    std::fs::remove_file(&path).unwrap();
    sensor.send("-HUP");
    let kept = format!("tls://{address} not reloaded: cannot read {}: ", path.display());
    sensor.until("the warning", |sensor| sensor.log().contains(&kept));
    put(&certificates, "ca.pem", ca.as_bytes());
    sensor.send("-HUP");
    let taken = format!("INFO | wardwatch {}: certificates", env!("CARGO_PKG_VERSION"));
    sensor.until("the word of it", |sensor| sensor.log().contains(&taken));
    sensor.until("messages arrive", |sensor| sensor.log().contains("takes messages again"));
    sensor.stop();
    let messages = server.join().unwrap();
    assert!(messages.iter().any(|message| message.contains(": started")), "{messages:?}");
}
