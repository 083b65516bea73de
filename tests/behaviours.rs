//! Every behaviour is seen in what the malware says, however it is cut into segments, and in
//! none of the honest conversations that come near.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::collections::{BTreeMap, BTreeSet};

use support::behaviours::near_misses::near_misses;
use support::behaviours::spoken::spoken;
use support::behaviours::{Cut, OUTSIDE, Scene, client_of, frames, net_tcp};
use support::capture_file;
use support::packets::Order;
use support::run::{Run, put, temporary_directory};

/// The names of all behaviours, from the list the sensor prints.
fn names() -> Vec<String> {
    let list = Run::new(["feeds", "list", "--behaviours"]).go().expect_code(0).stdout;
    let heads = list.lines().filter(|line| !line.is_empty() && !line.starts_with(' '));
    heads.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

/// What is alerted for each client.
fn alerts(capture: &[u8], configuration: &str) -> BTreeMap<String, BTreeSet<String>> {
    let directory = temporary_directory();
    let capture = put(directory.path(), "x.pcap", capture);
    let settings = put(directory.path(), "x.toml", configuration.as_bytes());
    let outcome = Run::new(["scan", "--no-builtin-feeds", "--format", "json", "-c"])
        .arg(settings)
        .arg(capture)
        .go()
        .expect_code(0);
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in outcome.eve() {
        let alert = &event["alert"];
        let place = alert["metadata"]["where"][0].as_str().unwrap().to_owned();
        let client = alert["context"]["our_ip"].as_str().unwrap().to_owned();
        places.entry(client).or_default().insert(place);
    }
    places
}

/// Small and large segments in every order; many small ones are not turned round, because more
/// held segments than any honest network makes are given up.
fn cuts() -> Vec<Cut> {
    let orders = [Order::AsSent, Order::Duplicated, Order::Overlapping, Order::Reversed];
    let sizes = [1, 2, 3, 4, 5, 7, 11, 16, 61, 200, 536, 1448];
    let all = sizes.into_iter().flat_map(|segment| orders.map(|order| Cut { segment, order }));
    all.filter(|cut| cut.order != Order::Reversed || cut.segment > 4).collect()
}

/// The places of the alerts that each scene raises.
fn seen_in(scenes: &[(String, Scene)], cut: Cut) -> Vec<BTreeSet<String>> {
    let each: Vec<&Scene> = scenes.iter().map(|(_, scene)| scene).collect();
    let alerts = alerts(&capture_file::pcap(&frames(&each, cut)), "");
    let of = |number| alerts.get(&client_of(number).to_string()).cloned().unwrap_or_default();
    (0..scenes.len()).map(of).collect()
}

fn scenes(of: impl Fn(&str) -> Vec<Scene>) -> Vec<(String, Scene)> {
    let pair = |name: String| of(&name).into_iter().map(move |scene| (name.clone(), scene));
    names().into_iter().flat_map(pair).collect()
}

#[test]
fn every_behaviour_has_traffic_of_its_own_and_three_near_misses() {
    let names = names();
    assert!(names.len() >= 18, "{names:?}");
    for name in names {
        assert!(!spoken(&name).is_empty(), "{name} is never spoken");
        assert!(near_misses(&name).len() >= 3, "{name} has too few near misses");
    }
}

#[test]
fn every_behaviour_is_seen_however_its_traffic_is_cut() {
    let scenes = scenes(spoken);
    for cut in cuts() {
        for ((name, scene), seen) in scenes.iter().zip(seen_in(&scenes, cut)) {
            let place = format!("behaviour.{name}");
            assert!(seen.contains(&place), "{name} ({}) {cut:?}: {seen:?}", scene.label);
        }
    }
}

#[test]
fn no_near_miss_is_taken_for_a_behaviour_however_it_is_cut() {
    let scenes = scenes(near_misses);
    for cut in cuts() {
        for ((name, scene), seen) in scenes.iter().zip(seen_in(&scenes, cut)) {
            assert!(seen.is_empty(), "{name} ({}) {cut:?}: {seen:?}", scene.label);
        }
    }
}

fn redline() -> Scene {
    Scene::tcp("RedLine", OUTSIDE, 443)
        .client(net_tcp("net.tcp://198.51.100.7:443/", &[12]))
        .server([0x0b])
}

fn one(scene: &Scene) -> Vec<u8> {
    capture_file::pcap(&frames(&[scene], Cut { segment: 1448, order: Order::AsSent }))
}

#[test]
fn a_behaviour_is_on_off_or_informs_as_the_configuration_says() {
    let directory = temporary_directory();
    let capture = put(directory.path(), "x.pcap", &one(&redline()));
    for (mode, severity) in [("on", Some("high")), ("inform", Some("low")), ("off", None)] {
        let text = format!("[behaviours]\n\"redline.net-tcp\" = \"{mode}\"\n");
        let settings = put(directory.path(), "x.toml", text.as_bytes());
        let run = Run::new(["scan", "--no-builtin-feeds", "--format", "json", "-c"]);
        let events = run.arg(settings).arg(&capture).go().expect_code(0).eve();
        let found = events.first().map(|e| e["alert"]["metadata"]["signature_severity"][0].clone());
        assert_eq!(found.as_ref().and_then(|severity| severity.as_str()), severity, "{mode}");
    }
}

#[test]
fn an_unknown_behaviour_in_the_configuration_is_an_error_that_names_a_near_one() {
    let directory = temporary_directory();
    let text = b"[behaviours]\n\"redline.nettcp\" = \"off\"\n";
    let settings = put(directory.path(), "x.toml", text);
    let outcome = Run::new(["feeds", "list", "-c"]).arg(settings).go().expect_code(2);
    assert!(outcome.stderr.contains("`redline.nettcp`"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("did you mean `redline.net-tcp`"), "{}", outcome.stderr);
}

#[test]
fn a_behaviour_and_an_indicator_on_one_connection_are_one_alert_with_both_reasons() {
    let directory = temporary_directory();
    let capture = put(directory.path(), "x.pcap", &one(&redline()));
    let feed = b"indicator,type,threat,confidence\n198.51.100.7:443,ip:port,redline,medium\n";
    let feed = put(directory.path(), "x.csv", feed);
    let scan = || Run::new(["scan", "--no-builtin-feeds", "--feeds"]).arg(&feed).arg(&capture);
    let events = scan().arg("--format").arg("json").go().expect_code(0).eve();
    assert_eq!(events.len(), 2, "the address at its SYN, then the same alert brought up to date");
    assert_eq!(events[0]["flow_id"], events[1]["flow_id"]);
    assert!(events[0]["alert"]["context"]["also"].is_null());
    let both = &events[1]["alert"];
    assert_eq!(both["metadata"]["where"][0], "behaviour.redline.net-tcp");
    assert_eq!(both["context"]["also"][0], "198.51.100.7:443 (ip)");
    assert_eq!(both["metadata"]["signature_severity"][0], "critical", "high and a step more");
    assert_eq!(both["metadata"]["confidence"][0], "high");
    let text = scan().go().expect_code(0);
    let line = text.stdout.lines().last().unwrap();
    assert!(line.contains("also met 198.51.100.7:443 (ip) | 02:"), "{line}");
    assert!(text.stderr.contains(": 1 contact,"), "one contact, not two: {}", text.stderr);
}

#[test]
fn every_behaviour_is_explained_in_both_languages() {
    for language in ["vi", "en"] {
        let run = Run::new(["--lang", language, "feeds", "list", "--behaviours"]);
        let list = run.go().expect_code(0).stdout;
        for block in list.split_terminator("\n\n") {
            for start in ["  vi: ", "  en: ", "  https://"] {
                assert_eq!(block.matches(&format!("\n{start}")).count(), 1, "{block}");
            }
        }
    }
}

#[test]
fn the_alert_of_a_behaviour_says_what_it_means() {
    let directory = temporary_directory();
    let capture = put(directory.path(), "x.pcap", &one(&redline()));
    let scan = |language: &str| {
        let run = Run::new(["scan", "--no-builtin-feeds", "--lang", language]).arg(&capture);
        run.go().expect_code(0).stdout
    };
    let vi = scan("vi");
    assert!(vi.contains("Mở kênh .NET (net.tcp)") && vi.contains("(behaviour.redline.net-tcp)"));
    assert!(
        vi.contains("| redline.net-tcp (hành vi trên mạng, máy chủ điều khiển, độ tin cậy cao")
    );
    assert!(scan("en").contains("Opens an unprotected .NET channel"));
}
