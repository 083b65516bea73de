#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::disallowed_methods)] // a test may look at the clock and start threads

use std::io::{self, BufReader, Read};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use wardwatch_record::clock::Clock;
use wardwatch_record::directory::Owners;
use wardwatch_record::spool::{Bounds, Reader, Spool};
use wardwatch_record::{Body, Language, LineFormat, Message, Notice, Time, Topic};

use super::tls::Refusal;
use super::way::Way;
use super::*;

#[test]
fn a_message_has_the_form_of_rfc_5424() {
    let origin = ("2024-06-18T09:21:05.482+07:00", "ward");
    let text = message(2, "alert", origin, "NGHIÊM TRỌNG | x");
    let pid = std::process::id();
    assert_eq!(
        text,
        format!(
            "<82>1 2024-06-18T09:21:05.482+07:00 ward wardwatch {pid} alert - \u{feff}NGHIÊM TRỌNG | x"
        )
    );
    assert!(message(6, "status", ("t", ""), "x").starts_with("<86>1 t - wardwatch "));
}

#[test]
fn messages_arrive_over_every_way() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let unix = UnixDatagram::bind(&path).unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut buffer = [0; 64];
    let mut way = Way::open(&Target::Unix(path), None).unwrap();
    way.send("one").unwrap();
    assert_eq!(unix.recv(&mut buffer).unwrap(), 3);
    let mut way = Way::open(&Target::Udp(udp.local_addr().unwrap()), None).unwrap();
    way.send("two").unwrap();
    assert_eq!(udp.recv(&mut buffer).unwrap(), 3);
    let mut way = Way::open(&Target::Tcp(tcp.local_addr().unwrap()), None).unwrap();
    way.send("three").unwrap();
    drop(way);
    let mut text = String::new();
    tcp.accept().unwrap().0.read_to_string(&mut text).unwrap();
    assert_eq!(text, "5 three", "octet counting, RFC 6587 3.4.1");
}

#[test]
fn a_connection_that_the_server_closed_is_noticed_before_a_message_is_lost() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut way = Way::open(&Target::Tcp(tcp.local_addr().unwrap()), None).unwrap();
    drop(tcp.accept().unwrap());
    let begun = Instant::now();
    while way.send("x").is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the end was never noticed");
        std::thread::sleep(Duration::from_millis(5));
    }
}

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// A CA of the test's own.
fn authority() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for these names, with its key, both in PEM form.
fn signed(ca: &Issuer, names: &[&str]) -> (String, String) {
    let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, ca).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn der(pem: &str) -> rustls::pki_types::CertificateDer<'static> {
    rustls::pki_types::pem::PemObject::from_pem_slice(pem.as_bytes()).unwrap()
}

/// A server's settings; `clients` vouches for whom it lets in.
fn settings((cert, key): &(String, String), clients: Option<&Issuer>) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            roots.add(der(&ca.pem())).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key: PrivateKeyDer<'static> =
        rustls::pki_types::pem::PemObject::from_pem_slice(key.as_bytes()).unwrap();
    Arc::new(builder.with_single_cert(vec![der(cert)], key).unwrap())
}

/// Serves connections until one gives frames; answers the frames of that one, taken apart by
/// their counts.
fn serve(listener: TcpListener, config: Arc<ServerConfig>) -> Vec<String> {
    loop {
        let socket = listener.accept().unwrap().0;
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let connection = ServerConnection::new(config.clone()).unwrap();
        let mut reader = BufReader::new(StreamOwned::new(connection, socket));
        let frames: Vec<String> = std::iter::from_fn(|| frame(&mut reader)).collect();
        if !frames.is_empty() {
            return frames;
        }
    }
}

/// `MSG-LEN SP SYSLOG-MSG` (RFC 5425 4.3); none at the end.
fn frame(reader: &mut impl io::BufRead) -> Option<String> {
    let mut count = Vec::new();
    reader.read_until(b' ', &mut count).ok().filter(|read| *read > 0)?;
    let count: usize = String::from_utf8(count).unwrap().trim_end().parse().unwrap();
    let mut message = vec![0; count];
    reader.read_exact(&mut message).unwrap();
    Some(String::from_utf8(message).unwrap())
}

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// A spool, and a courier that carries what is put into it.
struct Office {
    spool: Spool,
    place: tempfile::TempDir,
}

impl Office {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("spool");
        let spool = Spool::open(&path, &Owners::new(&[]), Bounds::default(), None).unwrap();
        Self { spool, place }
    }

    fn put(&mut self, text: &str) {
        let notice = Notice::information(1_000_000_000, Topic::Other, Message::new("x", text));
        self.spool.append(Time::of_seconds(1), Body::Notice(notice));
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.place.path().join("spool"), &Owners::new(&[]), "relay", "one").unwrap()
    }

    fn send(&self, server: &Server) -> Sent {
        let format = LineFormat {
            language: Language::En,
            clock: Clock::new(jiff::tz::TimeZone::UTC),
            threats: ioc_feeds::curated::threats().unwrap(),
        };
        let courier = Courier::new(server, format, self.reader()).unwrap();
        let (orders, said) = (Arc::new(Orders::default()), Arc::<Mutex<Vec<String>>>::default());
        let (theirs, heard) = (orders.clone(), said.clone());
        let thread = std::thread::spawn(move || {
            courier.work(&theirs, &|message| heard.lock().unwrap().push(message.en.clone()));
        });
        Sent { orders, said, thread: Some(thread) }
    }
}

/// A courier at work.
struct Sent {
    orders: Arc<Orders>,
    said: Arc<Mutex<Vec<String>>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Sent {
    /// What it has said, waiting for so many words; then for a while longer.
    fn said(&self, words: usize, longer: Duration) -> Vec<String> {
        let begun = Instant::now();
        while self.said.lock().unwrap().len() < words {
            assert!(begun.elapsed() < Duration::from_secs(60), "only {:?}", self.said.lock());
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(longer);
        self.said.lock().unwrap().clone()
    }

    fn stop(mut self) {
        self.orders.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

fn tls_server(
    address: SocketAddr,
    ca: &Path,
    name: Option<&str>,
    us: Option<(PathBuf, PathBuf)>,
) -> Server {
    let (cert, key) = us.unzip();
    let target = Target::Tls(address);
    Server::new(target, Some(ca.into()), name.map(str::to_owned), (cert, key)).unwrap()
}

/// Waits until the reader is done with so many records.
fn until_done(office: &Office, number: u64) {
    let begun = Instant::now();
    while office.reader().acknowledged() < number {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", office.reader().acknowledged());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn messages_arrive_over_tls_each_behind_its_length() {
    let (place, ca) = (Place::new(), authority());
    for (name, in_certificate) in [(None, "127.0.0.1"), (Some("log.example"), "log.example")] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let config = settings(&signed(&ca, &[in_certificate]), None);
        let server = std::thread::spawn(move || serve(listener, config));
        let mut office = Office::new();
        ["đang giám sát", "second"].into_iter().for_each(|text| office.put(text));
        let sent = office.send(&tls_server(address, &place.put("ca.pem", &ca.pem()), name, None));
        until_done(&office, 2);
        sent.stop();
        let frames = server.join().unwrap();
        assert_eq!(frames.len(), 2, "{frames:?}");
        assert!(frames[0].starts_with("<86>1 1970-01-01T00:00:01"), "{frames:?}");
        assert!(frames[0].ends_with("đang giám sát") && frames[1].ends_with("second"));
    }
}

#[test]
fn a_server_that_was_away_gets_everything_in_order_also_after_a_restart_and_nothing_twice() {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = udp.local_addr().unwrap();
    udp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let tcp = Server { target: Target::Tcp("127.0.0.1:1".parse().unwrap()), tls: None };
    let mut office = Office::new();
    (1..=200).for_each(|number| office.put(&number.to_string()));
    // Nobody listens there: nothing is acknowledged, and it is said once.
    let away = office.send(&tcp);
    let said = away.said(1, Duration::from_millis(2500));
    assert!(
        said.len() == 1 && said[0].starts_with("cannot send to tcp://127.0.0.1:1: "),
        "{said:?}"
    );
    assert!(said[0].contains("wait in the spool"));
    away.stop();
    assert_eq!(office.reader().acknowledged(), 0);
    let mut next = 1;
    let mut hear = |most: u64| {
        let mut buffer = [0; 2048];
        while next <= most {
            let length = udp.recv(&mut buffer).unwrap();
            let text = std::str::from_utf8(&buffer[..length]).unwrap();
            assert!(text.ends_with(&format!(": {next}")), "{next}: {text}");
            next += 1;
        }
    };
    let server = Server { target: Target::Udp(address), tls: None };
    let sent = office.send(&server);
    hear(200);
    until_done(&office, 200);
    sent.stop();
    (201..=203).for_each(|number| office.put(&number.to_string()));
    let sent = office.send(&server);
    hear(203);
    until_done(&office, 203);
    assert!(sent.said(0, Duration::ZERO).is_empty());
    sent.stop();
}

#[test]
fn what_the_spool_had_to_give_up_is_told_to_the_server_as_a_gap() {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("spool");
    let bounds = Bounds { bytes: 16 * 1000, ..Bounds::default() };
    let spool = Spool::open(&path, &Owners::new(&[]), bounds, None).unwrap();
    let mut office = Office { spool, place };
    drop(office.reader());
    (1..=200).for_each(|number| office.put(&number.to_string()));
    let mut gone = 0;
    office.spool.tend(Time::of_seconds(60), &mut |event| {
        let wardwatch_record::spool::SpoolEvent::Unread { records, .. } = event else { return };
        gone = records;
    });
    assert!(gone > 0);
    let server = Server { target: Target::Udp(udp.local_addr().unwrap()), tls: None };
    let sent = office.send(&server);
    let mut buffer = [0; 2048];
    let length = udp.recv(&mut buffer).unwrap();
    let text = std::str::from_utf8(&buffer[..length]).unwrap();
    assert!(text.starts_with("<84>1 - "), "{text}");
    assert!(text.contains(&format!("records 1 to {gone} are missing")), "{text}");
    sent.stop();
}

#[test]
fn a_server_that_wants_to_know_us_is_shown_our_certificate() {
    let (place, ca, ours) = (Place::new(), authority(), authority());
    let ca_file = place.put("ca.pem", &ca.pem());
    let (cert, key) = signed(&ours, &["sensor.example"]);
    let us = (place.put("cert.pem", &cert), place.put("key.pem", &key));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = settings(&signed(&ca, &["127.0.0.1"]), Some(&ours));
    let server = std::thread::spawn(move || serve(listener, config));
    // Without it the server refuses, and that is said.
    let mut office = Office::new();
    office.put("hello");
    let stranger = office.send(&tls_server(address, &ca_file, None, None));
    let refused = stranger.said(1, Duration::ZERO);
    assert!(refused[0].contains("`cert` and `key`"), "{refused:?}");
    stranger.stop();
    let sent = office.send(&tls_server(address, &ca_file, None, Some(us)));
    until_done(&office, 1);
    sent.stop();
    let frames = server.join().unwrap();
    assert!(frames.iter().all(|frame| frame.ends_with("hello")), "{frames:?}");
}

#[test]
fn a_server_that_is_not_who_it_should_be_gets_nothing_and_it_is_said_once() {
    let (place, ca, other) = (Place::new(), authority(), authority());
    for (signer, name, in_certificate, wanted) in [
        (&other, None, "127.0.0.1", "is not signed by the CA in"),
        (&ca, None, "192.0.2.7", "is not for 127.0.0.1; set server_name"),
        (&ca, Some("log.example"), "127.0.0.1", "is not for log.example"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let config = settings(&signed(signer, &[in_certificate]), None);
        std::thread::spawn(move || panic!("it got {:?}", serve(listener, config)));
        let mut office = Office::new();
        office.put("a secret");
        let sent = office.send(&tls_server(address, &place.put("ca.pem", &ca.pem()), name, None));
        // It tries again every second: still one word.
        let said = sent.said(1, Duration::from_millis(2500));
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].contains(&format!("tls://{address}")) && said[0].contains(wanted),
            "{said:?}"
        );
        sent.stop();
        assert_eq!(office.reader().acknowledged(), 0, "it is sent later");
    }
}

#[test]
fn files_that_are_no_certificates_are_refused_by_name() {
    let (place, ca) = (Place::new(), authority());
    let good = place.put("ca.pem", &ca.pem());
    let empty = place.put("empty.pem", "nothing");
    let (cert, _) = signed(&ca, &["sensor.example"]);
    let (_, other_key) = signed(&ca, &["sensor.example"]);
    let (cert, key) = (place.put("cert.pem", &cert), place.put("key.pem", &other_key));
    let address = "127.0.0.1".parse().unwrap();
    let load = |ca: &Path, server_name: Option<&str>, identity| {
        let server_name = server_name.map(str::to_owned);
        Tls::load(&TlsFiles { ca: ca.into(), server_name, identity }, address)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    assert_eq!(load(&good, None, None), Ok(()));
    let absent = place.directory.path().join("absent.pem");
    assert!(load(&absent, None, None).unwrap_err().contains("absent.pem: "));
    assert!(load(&empty, None, None).unwrap_err().contains("empty.pem holds no certificate"));
    assert!(load(&good, Some("not a name"), None).unwrap_err().contains("server_name"));
    let pair = Some((cert.clone(), key));
    assert!(load(&good, None, pair).unwrap_err().contains("cannot be used together"));
    assert!(load(&good, None, Some((cert, empty))).unwrap_err().contains("private key"));
}

#[test]
fn files_that_change_are_taken_at_a_reload_and_those_that_broke_are_not() {
    let (place, ca, other) = (Place::new(), authority(), authority());
    let ca_file = place.put("ca.pem", &other.pem());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = settings(&signed(&ca, &["127.0.0.1"]), None);
    let server = std::thread::spawn(move || serve(listener, config));
    let mut office = Office::new();
    office.put("one");
    // The server has a certificate of a new CA, which the courier does not know yet.
    let sent = office.send(&tls_server(address, &ca_file, None, None));
    let reload = || sent.orders.reload.store(true, Ordering::Relaxed);
    assert!(sent.said(1, Duration::ZERO)[0].starts_with("cannot send"));
    place.put("ca.pem", &ca.pem());
    reload();
    let said = sent.said(3, Duration::ZERO);
    assert!(said[1].contains("reloaded; the next connection"), "{said:?}");
    assert!(said[2].ends_with("takes messages again"), "{said:?}");
    // Half a file: the old one stays, and the connection too.
    place.put("ca.pem", &ca.pem()[..100]);
    reload();
    let said = sent.said(4, Duration::ZERO);
    assert!(said[3].contains("ca.pem holds no certificate in PEM form"), "{said:?}");
    office.put("two");
    until_done(&office, 2);
    // What says the same as before is no change, and nothing is said of it.
    place.put("ca.pem", &ca.pem());
    reload();
    office.put("three");
    until_done(&office, 3);
    assert_eq!(sent.said(4, Duration::from_millis(500)).len(), 4);
    sent.stop();
    let frames = server.join().unwrap();
    let ends: Vec<_> = frames.iter().map(|frame| frame.rsplit(": ").next().unwrap()).collect();
    assert_eq!(ends, ["one", "two", "three"], "over one connection");
}

/// Is it said otherwise in Vietnamese, with the letters that only Vietnamese has?
fn is_vietnamese(vietnamese: &str, english: &str) {
    assert_ne!(vietnamese, english);
    assert!(vietnamese.chars().any(|letter| "ôđượứừủậạ".contains(letter)), "{vietnamese}");
}

#[test]
fn why_a_file_cannot_be_used_is_said_in_both_languages() {
    let path = PathBuf::from("/x/ca.pem");
    let reason = "permission denied".to_owned();
    let said = TlsError::Read { path: path.clone(), reason }.message();
    assert_eq!(said.to_string(), "cannot read /x/ca.pem: permission denied");
    assert_eq!(said.in_language(Language::Vi), "không đọc được /x/ca.pem: không đủ quyền");
    for error in [
        TlsError::Pem { path: path.clone(), what: "private key", reason: "x".into() },
        TlsError::Ca { path: path.clone(), reason: "x".into() },
        TlsError::Identity { cert: path.clone(), key: path, reason: "x".into() },
        TlsError::Name("x".into()),
        TlsError::Setup("x".into()),
    ] {
        let said = error.message();
        is_vietnamese(said.in_language(Language::Vi), &said.to_string());
    }
}

#[test]
fn why_a_server_is_not_trusted_is_said_in_both_languages() {
    for refusal in [
        Refusal::Issuer { ca: "/x/ca.pem".into() },
        Refusal::OtherName("log.example".into()),
        Refusal::Expired,
        Refusal::NotYet,
        Refusal::Certificate("x".into()),
        Refusal::Alert("x".into()),
        Refusal::NotTls,
    ] {
        let english = refusal.to_string();
        let error = io::Error::other(refusal);
        assert_eq!(words::reason(Language::En, &error), english);
        is_vietnamese(&words::reason(Language::Vi, &error), &english);
    }
    // What is no refusal stays the system's, for whoever tells it.
    let refused = io::Error::from_raw_os_error(111);
    assert_eq!(words::reason(Language::Vi, &refused), "connection refused");
}
