//! The self test, run as a user runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

mod support;

use support::run::{Run, put, temporary_directory};

#[test]
fn every_protocol_is_read_and_every_feed_can_fire() {
    let outcome = Run::new(["selftest"]).go().expect_code(0);
    for protocol in ["DNS/UDP", "DNS/TCP", "TLS", "QUIC", "HTTP", "SOCKS", "TCP", "UDP", "ICMP"] {
        let line = outcome.stdout.lines().find(|line| line.ends_with(protocol));
        assert!(line.is_some_and(|line| line.starts_with("ok ")), "{protocol}: {}", outcome.stdout);
    }
    for feed in ["wardwatch-redline", "wardwatch-mustang-panda", "wardwatch-canary"] {
        assert!(outcome.stdout.contains(feed), "{feed}: {}", outcome.stdout);
    }
    assert!(!outcome.stdout.contains("FAILED"), "{}", outcome.stdout);
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
