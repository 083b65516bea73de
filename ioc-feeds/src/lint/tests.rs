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
    assert!(!refused("evil.duckdns.org"));
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
    assert!(COMMON_PATHS.is_sorted(), "looked up by halves");
    assert!(COMMON_PATHS.iter().all(|path| path.to_ascii_lowercase() == **path));
}

fn verdict(text: &str, scope: Scope) -> Verdict {
    examine(&parse("domain", text, Some(scope)).unwrap(), "redline")
}

#[test]
fn a_name_of_the_state_is_asked_about_and_one_host_of_it_is_doubtful() {
    for name in ["ais.gov.vn", "hanoi.gov.vn", "hust.edu.vn", "chinhphu.vn", "vibm.vn", "a.vnu.vn"]
    {
        assert!(matches!(verdict(name, Scope::Subtree), Verdict::Ask(_)), "{name}");
        assert!(matches!(verdict(name, Scope::Exact), Verdict::Doubt(_)), "{name}");
    }
    assert!(accepted("vibm.vn/init.txt"), "the whole url is meant");
    for name in ["evil-gov.vn", "chinhphu.vn.evil-panda.com", "mygov.vn", "govvn.com"] {
        assert_eq!(verdict(name, Scope::Subtree), Verdict::Accept, "{name}");
    }
}

#[test]
fn what_everybody_visits_is_asked_about_as_a_tree_and_doubtful_below() {
    for name in ["vnexpress.net", "www.tuoitre.vn", "vietcombank.com.vn", "linkedin.com", "bit.ly"]
    {
        assert!(matches!(verdict(name, Scope::Subtree), Verdict::Ask(_)), "{name}");
        assert!(matches!(verdict(name, Scope::Exact), Verdict::Doubt(_)), "{name}");
        let below = format!("c2.{name}");
        assert!(matches!(verdict(&below, Scope::Subtree), Verdict::Doubt(_)), "{below}");
    }
    for name in ["vnexpress-net.com", "vietcombank.com.vn.evil-panda.com", "linkedln-hr.com"] {
        assert_eq!(verdict(name, Scope::Subtree), Verdict::Accept, "{name}");
    }
}

#[test]
fn customers_of_tunnels_and_dynamic_names_are_meant_exactly() {
    for suffix in ["ply.gg", "lhr.life", "portmap.host", "trycloudflare.com", "theworkpc.com"] {
        assert!(matches!(verdict(suffix, Scope::Subtree), Verdict::Refuse(_)), "{suffix}");
    }
    let dynamic = "closed.theworkpc.com";
    assert!(matches!(verdict(dynamic, Scope::Subtree), Verdict::Exact(_)));
    assert_eq!(verdict(dynamic, Scope::Exact), Verdict::Accept);
    let row = |expires: &str, scope: &str| {
        let text = format!(
            "indicator,type,scope,threat,expires\nx.gl.at.ply.gg,domain,{scope},redline,{expires}\n"
        );
        crate::format::load_text("x", &text, Lint::Trusted).unwrap().indicators.remove(0)
    };
    let today = crate::Date::parse("2026-11-27").unwrap().epoch_day();
    assert!(matches!(examine_row(&row("", "exact"), Some(today)), Verdict::Doubt(_)));
    assert!(matches!(examine_row(&row("2027-01-01", ""), Some(today)), Verdict::Exact(_)));
    assert_eq!(examine_row(&row("2027-01-01", "exact"), Some(today)), Verdict::Accept);
}

#[test]
fn an_edge_is_refused_and_a_rented_address_wants_a_port_or_an_end() {
    for text in ["162.159.135.233", "104.21.81.233:443", "104.16.0.0/16", "151.101.1.1"] {
        assert!(refused(text), "{text}");
    }
    let bare = guess("54.72.8.215").unwrap();
    assert!(matches!(examine(&bare, "redline"), Verdict::Doubt(_)));
    assert!(accepted("54.72.8.215:1912"));
    assert!(accepted("http://54.72.8.215/load/stage.dat"));
}

#[test]
fn certificate_services_are_doubtful_whoever_runs_them() {
    for name in
        ["ocsp.ca.example", "crl3.ca.example", "root-ca.ocsp.ca.example", "ocsp-x.ca.example"]
    {
        assert!(matches!(verdict(name, Scope::Subtree), Verdict::Doubt(_)), "{name}");
    }
    for name in ["crlnews.example", "myocsp.example", "crl.example"] {
        let said = verdict(name, Scope::Subtree);
        assert!(name == "crl.example" || said == Verdict::Accept, "{name}: {said:?}");
    }
}

/// Sixty mistakes that people make, each in a row of its own.
const MISTAKES: &str = "\
indicator,type,scope,role,first_seen,last_seen,expires
com,domain,,,,,
com.vn,domain,,,,,
gov.vn,domain,,,,,
github.io,domain,,,,,
google.com,domain,,,,,
www.google.com,domain,,,,,
drive.google.com,domain,,,,,
microsoft.com,domain,,,,,
windows.net,domain,,,,,
facebook.com,domain,,,,,
zalo.me,domain,,,,,
chat.zalo.me,domain,,,,,
vnexpress.net,domain,,,,,
tuoitre.vn,domain,,,,,
vietcombank.com.vn,domain,,,,,
www.bidv.com.vn,domain,,,,,
chinhphu.vn,domain,,,,,
moc.gov.vn,domain,,,,,
ais.gov.vn,domain,exact,,,,
hust.edu.vn,domain,,,,,
vibm.vn,domain,,,,,
bit.ly,domain,,,,,
tinyurl.com,domain,,,,,
api.ipify.org,domain,,,,,
ip-api.com,domain,,,,,
virustotal.com,domain,,,,,
www.welivesecurity.com,domain,,,,,
ocsp.digicert.com,domain,,,,,
x1.c.lencr.org,domain,,,,,
pool.ntp.org,domain,,,,,
time.windows.com,domain,,,,,
dns.google,domain,,,,,
ply.gg,domain,,,,,
lhr.life,domain,,,,,
portmap.host,domain,,,,,
abc.trycloudflare.com,domain,,,,,
mybox.theworkpc.com,domain,,,,,
ddns.net,domain,,,,,
cdn.jsdelivr.net,domain,,,,,
static.cloudflareinsights.com,domain,,,,,
printer.local,domain,,,,,
intranet,domain,,,,,
8.8.8.8,ip,,,,,
203.162.4.191,ip,,,,,
1.1.1.1:53,ip:port,,,,,
10.0.0.7,ip,,,,,
192.168.1.1,ip,,,,,
127.0.0.1,ip,,,,,
100.64.3.4,ip,,,,,
198.51.100.9,ip,,,,,
162.159.135.233,ip,,,,,
104.21.81.233,ip,,,,,
54.72.8.215,ip,,,,,
45.0.0.0/8,cidr,,,,,
104.16.0.0/16,cidr,,,,,
/index.php,path,,,,,
/a/b.js,path,,,,,
drive.google.com/,url,,,,,
late.evil-panda.com,domain,,,2999-01-01,,
back.evil-panda.com,domain,,,2026-05-02,2026-05-01,
over.evil-panda.com,domain,,,2020-01-01,,2020-03-01
twice.evil-panda.com,domain,,c2,,,
twice.evil-panda.com,domain,,delivery,,,
";

#[test]
fn each_of_sixty_mistakes_is_said() {
    let loaded = crate::format::load_text("mistakes", MISTAKES, Lint::Full).unwrap();
    let rows: Vec<u32> = (2..).zip(MISTAKES.lines().skip(1)).map(|(line, _)| line).collect();
    // Of the two rows that contradict each other the second is said.
    let innocent = rows.len() as u32;
    let said: std::collections::BTreeSet<u32> = loaded
        .rejected
        .iter()
        .map(|row| row.line)
        .chain(loaded.warnings.iter().map(|row| row.line))
        .collect();
    let silent: Vec<u32> =
        rows.iter().copied().filter(|line| *line != innocent && !said.contains(line)).collect();
    let text = |line: &u32| MISTAKES.lines().nth(*line as usize - 1).unwrap();
    assert!(silent.is_empty(), "{:?}", silent.iter().map(text).collect::<Vec<_>>());
    assert!(said.len() >= 60, "{}", said.len());
}
