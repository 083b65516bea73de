//! The self test, run as a user runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use support::run::{Run, put, temporary_directory};

/// The lines that end in a protocol. Panics when there is none, or one says anything but `ok`.
#[track_caller]
fn all_ok(said: &str, ending: &str) {
    let lines: Vec<_> = said.lines().filter(|line| line.ends_with(ending)).collect();
    assert!(!lines.is_empty(), "{ending}: {said}");
    assert!(lines.iter().all(|line| line.starts_with("ok ")), "{ending}: {lines:#?}");
}

#[test]
fn every_protocol_is_read_and_every_feed_can_fire() {
    let said = Run::new(["selftest"]).go().expect_code(0).stdout;
    for protocol in ["DNS/UDP", "DNS/TCP", "TLS", "TLS 1.2", "QUIC", "HTTP/1", "HTTP/2", "SOCKS"] {
        all_ok(&said, &format!("  {protocol}"));
    }
    for protocol in ["TCP", "UDP", "ICMP", "DNS/UDP (*.)"] {
        all_ok(&said, &format!("  {protocol}"));
    }
    for feed in ["wardwatch-redline", "wardwatch-mustang-panda", "wardwatch-canary"] {
        assert!(said.contains(&format!("ok     {feed}  domain")), "{feed}: {said}");
    }
    assert!(!said.contains("FAILED"), "{said}");
}

#[test]
fn every_type_of_indicator_is_met_in_a_conversation_whatever_the_feeds_list() {
    let said = Run::new(["selftest", "--no-builtin-feeds"]).go().expect_code(0).stdout;
    let own = |line: &&str| line.contains(" (selftest)  ") || line.contains("wardwatch-behaviours");
    let lines: Vec<_> = said.lines().filter(own).collect();
    for (kind, protocol) in [
        ("domain  subtree.selftest.test", "DNS/UDP (*.)"),
        ("domain  exact.selftest.test", "QUIC"),
        ("IP address  ", "ICMP"),
        ("IP address and port  ", "UDP"),
        ("IP network  ", "TCP"),
        ("url  ", "HTTP/1"),
        ("path  ", "HTTP/1"),
        ("user agent  ", "HTTP/1"),
        ("JA3  ", "TLS"),
        ("JA4  ", "TLS"),
        ("certificate  ", "TLS 1.2"),
        ("network behaviour  redline.net-tcp", "TCP"),
        ("network behaviour  redline.lua-winter", "HTTP/1"),
        ("network behaviour  plugx.dns-tunnel", "DNS/UDP"),
    ] {
        let line = lines.iter().find(|line| {
            line.contains(&format!("  {kind}")) && line.ends_with(&format!("  {protocol}"))
        });
        assert!(line.is_some_and(|line| line.starts_with("ok ")), "{kind} {protocol}: {said}");
    }
}

/// What the self test says of one feed, with these further options; its exit code must be 1.
fn failing(feed: &str, settings: &str) -> String {
    let directory = temporary_directory();
    let path = put(directory.path(), "own.csv", feed.as_bytes());
    let allow = put(directory.path(), "allow.txt", b"*.shadow.example\nshadow.example\n");
    let settings = settings.replace("ALLOW", &allow.display().to_string());
    let config = put(directory.path(), "c.toml", settings.as_bytes());
    let run = Run::new(["selftest", "--no-builtin-feeds", "--feeds"]).arg(path).arg("-c");
    run.arg(config).go().expect_code(1).stdout
}

#[test]
fn a_feed_that_can_never_fire_fails_the_test() {
    let expired = "indicator,type,expires\nold.example,domain,2020-01-01\n";
    let said = failing(expired, "");
    assert!(said.contains("FAILED own  domain  old.example (expired 2020-01-01)"), "{said}");
    assert!(said.contains("SOMETHING CANNOT FIRE"), "{said}");
    let vietnamese = failing(expired, "lang = 'vi'\n");
    assert!(vietnamese.contains("LỖI    own  tên miền  old.example (hết hạn ngày 01/01/2020)"));

    let empty = failing("indicator,type\n", "");
    assert!(empty.contains("FAILED own  no indicator can be used"), "{empty}");
    let refused = failing("indicator,type\ncom,domain\n", "");
    assert!(refused.contains("FAILED own  no indicator can be used"), "{refused}");
    let covered = "indicator,type,scope\nshadow.example,domain,exact\n";
    let covered = failing(covered, "allow = ['ALLOW']\n");
    assert!(covered.contains("FAILED own  no indicator can be used"), "{covered}");
}

#[test]
fn one_indicator_that_is_in_force_is_enough_for_its_feed() {
    let directory = temporary_directory();
    let rows = "indicator,type,expires\na.example,domain,2020-01-01\nb.example,domain,\n";
    let path = put(directory.path(), "own.csv", rows.as_bytes());
    let run = Run::new(["selftest", "--no-builtin-feeds", "--feeds"]).arg(path);
    let said = run.go().expect_code(0).stdout;
    assert!(said.contains("ok     own  domain  b.example  TLS"), "{said}");
}

#[test]
fn every_type_of_indicator_can_fire() {
    let directory = temporary_directory();
    let rows = [
        "a.test,domain",
        "exact.test,domain",
        "203.0.113.9,ip",
        "2001:db8::9,ip",
        "203.0.113.8:8443,ip:port",
        "203.0.113.128/25,cidr",
        "u.test/gate.php,url",
        "http://203.0.113.7:8080/x,url",
        "/only/a/path.bin,path",
        "EvilAgent/1.0,user-agent",
        "0123456789abcdef0123456789abcdef,ja3",
        "t13d1516h2_8daaf6152771_e5627efa2ab1,ja4",
        "0123456789abcdef0123456789abcdef01234567,cert-sha1",
    ];
    // A feed of its own for each row: of each feed and type one is tried.
    let mut run = Run::new(["selftest", "--no-builtin-feeds"]);
    for (number, row) in rows.iter().enumerate() {
        let text = format!("indicator,type\n{row}\n");
        let path = put(directory.path(), &format!("feed-{number}.csv"), text.as_bytes());
        run = run.arg("--feeds").arg(path);
    }
    let outcome = run.go().expect_code(0);
    for number in 0..rows.len() {
        assert!(outcome.stdout.contains(&format!("feed-{number} ")), "{}", outcome.stdout);
    }
}
