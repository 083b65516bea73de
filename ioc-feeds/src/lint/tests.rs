use super::*;
use crate::format::value::{guess, parse};

fn refused(text: &str) -> bool {
    matches!(examine(&guess(text).unwrap(), "redline"), Verdict::Refuse(_))
}

fn accepted(text: &str) -> bool {
    examine(&guess(text).unwrap(), "redline") == Verdict::Accept
}

#[test]
fn public_suffixes_are_refused() {
    for suffix in ["com", "com.vn", "gov.vn", "co.uk", "github.io", "duckdns.org"] {
        assert!(refused(suffix), "{suffix}");
    }
    assert!(accepted("evil.com.vn"));
    assert!(accepted("evil.duckdns.org"));
}

#[test]
fn a_private_suffix_named_exactly_is_doubtful_only() {
    let exact = parse("domain", "it.com", Some(Scope::Exact)).unwrap();
    assert!(matches!(examine(&exact, "redline"), Verdict::Doubt(_)));
    let tree = parse("domain", "it.com", None).unwrap();
    assert!(matches!(examine(&tree, "redline"), Verdict::Refuse(_)));
}

#[test]
fn shared_platforms_are_refused_as_names_and_fair_as_urls() {
    for name in [
        "github.com",
        "raw.githubusercontent.com",
        "drive.google.com",
        "cloudfront.net",
        "windows.net",
        "WindowsUpdate.com",
        "workers.dev",
    ] {
        assert!(refused(name), "{name}");
    }
    assert!(accepted("github.com/someone/repo/evil.zip"));
    assert!(refused("https://github.com/"), "a url without a path is its host");
    assert!(refused("https://github.com"));
    assert!(accepted("invented.workers.dev"));
    assert!(accepted("wndowsupdate.com"));
}

#[test]
fn addresses_that_are_no_public_host_are_refused() {
    for address in [
        "10.1.2.3",
        "172.31.0.1",
        "192.168.1.1",
        "127.0.0.1",
        "169.254.1.1",
        "224.0.0.251",
        "255.255.255.255",
        "100.64.0.1",
        "0.0.0.0",
        "::1",
        "fe80::1",
        "fd00::1",
        "ff02::fb",
        "10.1.2.3:443",
        "http://192.168.1.1/x",
        "::ffff:10.0.0.1",
        "192.168.1.0/24",
    ] {
        assert!(refused(address), "{address}");
    }
    assert!(accepted("172.32.0.1"));
    assert!(accepted("2a00:1450::1"));
}

#[test]
fn resolvers_are_refused_alone_with_a_port_and_inside_a_network() {
    for text in ["8.8.8.8", "1.1.1.1:53", "9.9.9.0/24", "2606:4700:4700::1111"] {
        assert!(refused(text), "{text}");
    }
    assert!(accepted("8.8.8.9"));
}

#[test]
fn wide_networks_are_refused() {
    assert!(refused("45.0.0.0/15"));
    assert!(accepted("45.10.0.0/16"));
    assert!(refused("2a00::/31"));
    assert!(accepted("2a00:1::/32"));
}

#[test]
fn documentation_addresses_are_doubtful_but_for_the_canary() {
    for text in ["192.0.2.53", "198.51.100.7:80", "203.0.113.0/24", "2001:db8::1"] {
        let pattern = guess(text).unwrap();
        assert!(matches!(examine(&pattern, "redline"), Verdict::Doubt(_)), "{text}");
        assert_eq!(examine(&pattern, "canary"), Verdict::Accept, "{text}");
    }
}

#[test]
fn names_of_local_networks_are_doubtful_and_single_labels_refused() {
    for name in ["printer.local", "a.lan", "x.home.arpa"] {
        assert!(matches!(examine(&guess(name).unwrap(), ""), Verdict::Doubt(_)), "{name}");
    }
    assert!(refused("localhost"));
    assert!(refused("http://intranet/x"));
}

#[test]
fn a_path_that_is_everywhere_is_refused() {
    assert!(matches!(examine(&parse("path", "/a/", None).unwrap(), ""), Verdict::Refuse(_)));
    assert_eq!(examine(&parse("path", "/evil.php", None).unwrap(), ""), Verdict::Accept);
}

#[test]
fn every_listed_network_and_resolver_is_well_formed() {
    let base = |text: &str| text.parse::<IpAddr>().unwrap();
    assert!(RESERVED.iter().all(|(b, l, _)| masked(base(b), *l) == base(b)));
    assert!(DOCUMENTATION.iter().all(|(b, l)| masked(base(b), *l) == base(b)));
    assert!(RESOLVERS.iter().all(|r| r.parse::<IpAddr>().is_ok()));
    for list in [PLATFORMS, HOSTING, LOCAL] {
        assert!(list.is_sorted(), "sorted, so that a change is readable");
        assert!(list.iter().all(|n| Name::parse(n).unwrap().as_str() == *n));
    }
}

#[test]
fn every_platform_is_near_itself_and_so_are_its_neighbours() {
    for platform in PLATFORMS.iter().chain(HOSTING) {
        assert!(is_near_platform(platform), "{platform} has one label only?");
        assert!(is_near_platform(&format!("a.b.{platform}")), "{platform}");
        let above = platform.split_once('.').unwrap().1;
        assert!(!above.contains('.') || is_near_platform(above), "{platform}");
    }
    assert!(!is_near_platform("evil.example") && !is_near_platform("com"));
}
