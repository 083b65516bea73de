//! The set and the matcher as a worker uses them.

use std::net::IpAddr;

use ioc_feeds::{Confidence, Host, Indicator, Pattern, Role, Scope, name::Name};
use proptest::prelude::*;

use super::addresses::mask;
use super::allow::Allow;
use super::*;

pub(super) fn indicator(pattern: Pattern) -> Indicator {
    Indicator {
        pattern,
        threat: "redline".into(),
        malware: "".into(),
        role: Role::C2,
        confidence: Confidence::Medium,
        first_seen: None,
        last_seen: None,
        expires: None,
        reference: "".into(),
        note: "".into(),
        feed: "test".into(),
        line: 1,
    }
}

pub(super) fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn domain(text: &str, scope: Scope) -> Pattern {
    Pattern::Domain { name: name(text), scope }
}

fn url(host: &str, port: Option<u16>, path: &str) -> Pattern {
    let host = match host.parse() {
        Ok(ip) => Host::Address(ip),
        Err(_) => Host::Name(name(host)),
    };
    Pattern::Url { host, port, path: path.into() }
}

fn set(patterns: Vec<Pattern>, allow: &[Allow]) -> Arc<IndicatorSet> {
    Arc::new(IndicatorSet::build(patterns.into_iter().map(indicator).collect(), allow))
}

fn hits(set: &Arc<IndicatorSet>, kind: Kind, value: Value<'_>) -> Vec<(u32, bool)> {
    let mut hits = Vec::new();
    Matcher::new(set.clone())
        .find(&Observation { kind, value }, &mut |hit| hits.push((hit.id.0, hit.allowed)));
    hits
}

fn endpoint(text: &str, port: u16) -> Value<'static> {
    Value::Endpoint(Endpoint { address: address(text).into(), port })
}

fn request<'a>(host: &'a str, port: u16, target: &'a str) -> Value<'a> {
    Value::Url { host, port, target: target.as_bytes() }
}

fn allow_name(text: &str, scope: Scope) -> Allow {
    Allow::Name { name: name(text), scope }
}

#[test]
fn all_hits_of_a_name_come_most_specific_first() {
    let set = set(
        vec![
            domain("example", Scope::Subtree),
            domain("a.evil.example", Scope::Exact),
            domain("evil.example", Scope::Subtree),
            domain("evil.example", Scope::Subtree),
        ],
        &[],
    );
    let expected = [(1, false), (2, false), (3, false), (0, false)];
    assert_eq!(hits(&set, Kind::TlsSni, Value::Name("a.evil.example")), expected);
    assert_eq!(hits(&set, Kind::TlsSni, Value::Name("evil.example.org")), []);
    assert_eq!(set.get(IndicatorId(2)).unwrap().pattern, domain("evil.example", Scope::Subtree));
    assert_eq!(set.get(IndicatorId(4)), None);
}

#[test]
fn an_allowed_parent_does_not_silence_what_is_below_it() {
    let allow = [allow_name("shop.example", Scope::Subtree)];
    let set = set(
        vec![
            domain("evil.shop.example", Scope::Subtree),
            domain("shop.example", Scope::Subtree),
            domain("example", Scope::Subtree),
        ],
        &allow,
    );
    let below = hits(&set, Kind::DnsQuery, Value::Name("a.evil.shop.example"));
    assert_eq!(below, [(0, false), (1, true), (2, true)]);
    let beside = hits(&set, Kind::DnsQuery, Value::Name("good.shop.example"));
    assert_eq!(beside, [(1, true), (2, true)]);
    assert_eq!(hits(&set, Kind::DnsQuery, Value::Name("other.example")), [(2, false)]);
    assert_eq!(set.shadowed(), [IndicatorId(1)]);
}

#[test]
fn an_exact_allow_entry_silences_that_name_only() {
    let set = set(
        vec![domain("evil.example", Scope::Subtree), domain("www.evil.example", Scope::Exact)],
        &[allow_name("www.evil.example", Scope::Exact), allow_name("evil.example", Scope::Exact)],
    );
    let www = hits(&set, Kind::DnsQuery, Value::Name("www.evil.example"));
    assert_eq!(www, [(1, true), (0, true)]);
    assert_eq!(hits(&set, Kind::DnsQuery, Value::Name("evil.example")), [(0, true)]);
    assert_eq!(hits(&set, Kind::DnsQuery, Value::Name("x.evil.example")), [(0, false)]);
    // The subtree is only partly covered, so it can still be alerted.
    assert_eq!(set.shadowed(), [IndicatorId(1)]);
}

#[test]
fn an_endpoint_meets_its_port_its_address_and_its_networks() {
    let set = set(
        vec![
            Pattern::Cidr(address("192.0.2.0"), 24),
            Pattern::Cidr(address("192.0.2.128"), 25),
            Pattern::Ip(address("192.0.2.200")),
            Pattern::IpPort(address("192.0.2.200"), 6677),
            Pattern::Cidr(address("2001:db8::"), 32),
            Pattern::IpPort(address("192.0.2.7"), 443),
        ],
        &[],
    );
    let all = hits(&set, Kind::Ip, endpoint("192.0.2.200", 6677));
    assert_eq!(all, [(3, false), (2, false), (1, false), (0, false)]);
    let other_port = hits(&set, Kind::Ip, endpoint("192.0.2.200", 443));
    assert_eq!(other_port, [(2, false), (1, false), (0, false)]);
    assert_eq!(hits(&set, Kind::Ip, endpoint("192.0.2.127", 6677)), [(0, false)]);
    assert_eq!(hits(&set, Kind::Ip, endpoint("::ffff:192.0.2.7", 443)), [(5, false), (0, false)]);
    assert_eq!(hits(&set, Kind::Ip, endpoint("2001:db8:1::1", 1)), [(4, false)]);
    assert_eq!(hits(&set, Kind::Ip, endpoint("198.51.100.200", 6677)), []);
}

#[test]
fn an_ipv4_indicator_is_met_inside_an_ipv6_address_and_an_allow_entry_too() {
    let patterns = vec![
        Pattern::Ip(address("198.51.100.66")),
        Pattern::IpPort(address("198.51.100.66"), 443),
        Pattern::Cidr(address("198.51.100.0"), 24),
        Pattern::Cidr(address("64:ff9b::"), 96),
        url("198.51.100.66", None, "/load"),
    ];
    let set_of = |allow: &[Allow]| set(patterns.clone(), allow);
    let all = set_of(&[]);
    let nat64 = "64:ff9b::198.51.100.66";
    let met = |value| hits(&all, Kind::Ip, value);
    assert_eq!(met(endpoint(nat64, 443)), [(1, false), (0, false), (2, false), (3, false)]);
    assert_eq!(met(Value::Address(address("2002:c633:6442::1").into())), [(0, false), (2, false)]);
    // Both addresses of Teredo lie in the network: one hit.
    assert_eq!(met(endpoint("2001:0:c633:6401:8000:63bf:39cc:9bfd", 1)), [(2, false)]);
    assert_eq!(met(endpoint("2001:db8::c633:6442", 443)), []);
    let seen = Value::Url { host: "64:ff9b::c633:6442", port: 80, target: b"/load" };
    assert_eq!(hits(&all, Kind::HttpUrl, seen), [(4, false)]);
    let allowed = set_of(&[Allow::Network(address("198.51.100.66"), 32)]);
    let met = hits(&allowed, Kind::Ip, endpoint(nat64, 80));
    assert_eq!(met, [(0, true), (2, true), (3, false)]);
}

#[test]
fn an_address_in_an_answer_meets_no_port() {
    let set = set(
        vec![Pattern::IpPort(address("192.0.2.7"), 443), Pattern::Ip(address("192.0.2.7"))],
        &[],
    );
    let seen = Value::Address(address("192.0.2.7").into());
    assert_eq!(hits(&set, Kind::DnsAnswer, seen), [(1, false)]);
}

#[test]
fn an_allowed_network_silences_no_single_address_in_it() {
    let set = set(
        vec![
            Pattern::Ip(address("192.0.2.7")),
            Pattern::Cidr(address("192.0.2.0"), 24),
            Pattern::IpPort(address("198.51.100.7"), 443),
            Pattern::Cidr(address("198.51.100.0"), 28),
        ],
        &[Allow::Network(address("192.0.2.0"), 24), Allow::Network(address("198.51.100.7"), 32)],
    );
    let in_network = hits(&set, Kind::Ip, endpoint("192.0.2.7", 443));
    assert_eq!(in_network, [(0, false), (1, true)]);
    let host = hits(&set, Kind::Ip, endpoint("198.51.100.7", 443));
    assert_eq!(host, [(2, true), (3, true)]);
    assert_eq!(hits(&set, Kind::Ip, endpoint("198.51.100.8", 443)), [(3, false)]);
    assert_eq!(set.shadowed(), [IndicatorId(1), IndicatorId(2)]);
}

#[test]
fn a_url_is_its_host_and_the_beginning_of_its_path() {
    let set = set(
        vec![
            url("cdn.example", None, "/mal/a.exe"),
            url("cdn.example", Some(8080), "/"),
            url("192.0.2.7", None, "/gate.php"),
            url("2001:db8::7", None, "/gate.php"),
        ],
        &[],
    );
    let seen = |host, port, target| hits(&set, Kind::HttpUrl, request(host, port, target));
    assert_eq!(seen("cdn.example", 80, "/MAL/A.exe?id=1"), [(0, false)]);
    assert_eq!(seen("cdn.example", 8080, "/mal/a.exe"), [(0, false), (1, false)]);
    assert_eq!(seen("cdn.example", 80, "/mal/"), []);
    assert_eq!(seen("x.cdn.example", 80, "/mal/a.exe"), []);
    assert_eq!(seen("192.0.2.7", 80, "/gate.php?x"), [(2, false)]);
    assert_eq!(seen("2001:0db8:0::7", 80, "/gate.php"), [(3, false)]);
    assert_eq!(hits(&set, Kind::HttpHost, Value::Name("cdn.example")), []);
}

#[test]
fn a_path_is_met_on_any_host_but_an_allowed_one() {
    let set = set(
        vec![
            Pattern::Path("/api/gate.php".into()),
            Pattern::Path("/api".into()),
            Pattern::Path("/gate.php".into()),
            url("good.example", None, "/api/gate.php"),
            Pattern::Path("".into()),
        ],
        &[allow_name("good.example", Scope::Subtree), Allow::Network(address("192.0.2.0"), 24)],
    );
    let seen = |host, target| hits(&set, Kind::HttpUrl, request(host, 80, target));
    assert_eq!(seen("any.example", "/API/gate.php?x=1"), [(0, false), (1, false)]);
    assert_eq!(seen("any.example", "/x/api/gate.php"), []);
    assert_eq!(seen("good.example", "/api/gate.php"), [(3, false), (0, true), (1, true)]);
    assert_eq!(seen("192.0.2.1", "/gate.php"), [(2, true)]);
}

#[test]
fn a_target_is_met_however_it_is_written() {
    let set = set(
        vec![
            url("cdn.example", None, "/load//%61.exe"),
            Pattern::Path("/x/../gate%2ephp".into()),
            url("cdn.example", None, "/q?id=%41"),
        ],
        &[],
    );
    let seen = |host, target| hits(&set, Kind::HttpUrl, request(host, 80, target));
    for target in ["/load/a.exe", "//load/./a.exe", "/b/../LOAD/%61%2Eexe?x", "\\load%2fa.exe"] {
        assert_eq!(seen("cdn.example", target), [(0, false)], "{target}");
    }
    for target in ["/load/%2561.exe", "/load/..a.exe", "/x?/load/a.exe", "/load/b/a.exe"] {
        assert_eq!(seen("cdn.example", target), [], "{target}");
    }
    assert_eq!(seen("any.example", "/a/..//gate.php%3fx"), [(1, false)]);
    assert_eq!(seen("cdn.example", "/./q?i%64=A"), [(2, false)]);
    assert_eq!(seen("cdn.example", "/q%3Fid=A"), []);
}

#[test]
fn texts_are_met_whole_and_only_where_they_belong() {
    let set = set(
        vec![
            Pattern::UserAgent("Evil/1.0".into()),
            Pattern::Ja3("0123456789abcdef0123456789abcdef".into()),
            Pattern::Ja4("t13d0308h2_55b375c5d22e_8b8b673a840a".into()),
            Pattern::CertSha1("0123456789012345678901234567890123456789".into()),
        ],
        &[],
    );
    let seen = |kind, text: &'static str| hits(&set, kind, Value::Text(text.as_bytes()));
    assert_eq!(seen(Kind::HttpUserAgent, "Evil/1.0"), [(0, false)]);
    assert_eq!(seen(Kind::HttpUserAgent, "Evil/1.0 more"), []);
    assert_eq!(seen(Kind::Ja3, "0123456789abcdef0123456789abcdef"), [(1, false)]);
    assert_eq!(seen(Kind::Ja4, "t13d0308h2_55b375c5d22e_8b8b673a840a"), [(2, false)]);
    assert_eq!(seen(Kind::Ja4, "0123456789abcdef0123456789abcdef"), []);
    let certificate = "0123456789012345678901234567890123456789";
    assert_eq!(seen(Kind::TlsCertSha1, certificate), [(3, false)]);
    assert_eq!(set.counts().fingerprints, 3);
}

#[test]
fn another_set_takes_over_at_once() {
    let mut matcher = Matcher::new(set(vec![domain("old.example", Scope::Subtree)], &[]));
    matcher.replace(set(vec![domain("new.example", Scope::Subtree)], &[]));
    let mut seen = 0;
    for name in ["old.example", "new.example"] {
        let observation = Observation { kind: Kind::DnsQuery, value: Value::Name(name) };
        matcher.find(&observation, &mut |_| seen += 1);
    }
    assert_eq!((seen, matcher.set().len()), (1, 1));
}

#[test]
fn indicators_are_counted_by_type() {
    let set = set(
        vec![
            domain("a.example", Scope::Subtree),
            Pattern::Ip(address("192.0.2.1")),
            Pattern::IpPort(address("192.0.2.1"), 1),
            Pattern::Cidr(address("192.0.2.0"), 24),
            url("a.example", None, "/"),
            Pattern::Path("/x".into()),
            Pattern::UserAgent("x".into()),
        ],
        &[],
    );
    let counts = set.counts();
    let all = [counts.domains, counts.ips, counts.ip_ports, counts.networks, counts.urls];
    assert_eq!((all, counts.paths, counts.user_agents, set.len()), ([1; 5], 1, 1, 7));
}

#[test]
fn an_empty_set_meets_nothing_and_masks_reach_both_ends() {
    let set = set(vec![], &[]);
    assert!(set.is_empty());
    assert_eq!(hits(&set, Kind::Ip, endpoint("192.0.2.7", 443)), []);
    assert_eq!(hits(&set, Kind::HttpUrl, request("a.example", 80, "/")), []);
    assert_eq!((mask(0), mask(128), mask(127)), (0, u128::MAX, u128::MAX - 1));
}

fn any_network() -> impl Strategy<Value = (IpAddr, u8)> {
    let v4 = (0_u8..4, 0_u8..4, 8_u8..=32)
        .prop_map(|(c, d, prefix)| (IpAddr::from([192, 0, c * 85, d * 85]), prefix));
    let v6 = (0_u16..4, 0_u8..=128)
        .prop_map(|(last, prefix)| (IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]), prefix));
    prop_oneof![v4, v6]
}

/// Does a network hold an address? The definition, with octets and not with 128 bits.
fn holds((net, prefix): (IpAddr, u8), ip: IpAddr) -> bool {
    let bits = |ip: IpAddr| -> Vec<u8> {
        let octets = match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        octets.iter().flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1)).collect()
    };
    let prefix = usize::from(prefix);
    net.is_ipv4() == ip.is_ipv4() && bits(net)[..prefix] == bits(ip)[..prefix]
}

proptest! {
    #[test]
    fn addresses_are_met_as_the_definition_says(
        networks in prop::collection::vec(any_network(), 0..12),
        hosts in prop::collection::vec(any_network(), 0..12),
        (asked, _) in any_network(),
    ) {
        // A short IPv6 prefix also holds the mapped addresses, which the definition knows not.
        let networks: Vec<_> = networks.into_iter().filter(|(ip, prefix)| ip.is_ipv4() || *prefix >= 96).collect();
        let listed: Vec<Pattern> = networks.iter().map(|(ip, prefix)| Pattern::Cidr(*ip, *prefix))
            .chain(hosts.iter().map(|(ip, _)| Pattern::Ip(*ip)))
            .collect();
        let mut expected: Vec<u32> = networks.iter().map(|network| holds(*network, asked))
            .chain(hosts.iter().map(|(ip, _)| *ip == asked))
            .zip(0..).filter(|(met, _)| *met).map(|(_, id)| id).collect();
        let set = set(listed, &[]);
        let mut met: Vec<u32> = hits(&set, Kind::Ip, Value::Address(asked.into())).into_iter().map(|(id, _)| id).collect();
        met.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(met, expected);
    }

    #[test]
    fn a_shadowed_indicator_is_never_alerted_and_any_other_can_be(
        listed in prop::collection::vec(("[ab](\\.[ab]){0,2}", any::<bool>()), 1..6),
        allowed in prop::collection::vec(("[ab](\\.[ab]){0,2}", any::<bool>()), 0..6),
    ) {
        let scope = |exact: bool| if exact { Scope::Exact } else { Scope::Subtree };
        let patterns: Vec<Pattern> = listed.iter().map(|(name, exact)| domain(name, scope(*exact))).collect();
        let allow: Vec<Allow> = allowed.iter().map(|(name, exact)| allow_name(name, scope(*exact))).collect();
        let set = set(patterns, &allow);
        for ((listed, exact), id) in listed.iter().zip(0..) {
            // At the name, and below it beside every allowed name.
            let mut names = vec![listed.clone()];
            if !exact {
                names.push(format!("z.{listed}"));
            }
            let alerted = names.iter().any(|name| {
                hits(&set, Kind::DnsQuery, Value::Name(name)).contains(&(id, false))
            });
            prop_assert_eq!(alerted, !set.shadowed().contains(&IndicatorId(id)));
        }
    }

    #[test]
    fn any_text_is_compared_without_panic(name in "\\PC{0,40}", target in prop::collection::vec(any::<u8>(), 0..60)) {
        let set = set(vec![domain("a", Scope::Subtree), Pattern::Path("/a".into()), url("a", None, "/")], &[]);
        let _ = hits(&set, Kind::HttpHost, Value::Name(&name));
        let _ = hits(&set, Kind::HttpUrl, Value::Url { host: &name, port: 0, target: &target });
    }
}
