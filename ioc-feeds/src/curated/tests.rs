use std::collections::BTreeMap;

use super::*;
use crate::lint::shared_platform;
use crate::threat::{Language, Severity};
use crate::{Host, Indicator, Pattern, Role, Scope};

fn all() -> Vec<Indicator> {
    load().unwrap().into_iter().flat_map(|feed| feed.indicators).collect()
}

/// The day on which the rows were last looked through: some of them end later.
fn edition() -> Lint {
    Lint::On(crate::Date::parse("2026-11-27").unwrap().epoch_day())
}

fn kinds(feed: &Loaded) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for row in &feed.indicators {
        *counts.entry(row.pattern.kind()).or_default() += 1;
    }
    counts
}

#[test]
fn every_row_loads_under_full_lint_without_reject_doubt_or_duplicate() {
    for (name, text) in feeds() {
        let feed = format::load_text(name, text, edition()).unwrap();
        assert_eq!(feed.rejected, [], "{name}");
        assert_eq!(feed.warnings, [], "{name}");
        assert_eq!(feed.duplicates, 0, "{name}");
        assert!(!feed.indicators.is_empty(), "{name}");
    }
}

#[test]
fn trusted_loading_gives_the_same_as_linted_loading() {
    for ((name, text), trusted) in feeds().into_iter().zip(load().unwrap()) {
        let linted = format::load_text(name, text, edition()).unwrap();
        assert_eq!(linted.indicators, trusted.indicators, "{name}");
    }
}

#[test]
fn the_feeds_have_the_rows_their_sources_page_counts() {
    let feeds = load().unwrap();
    let redline = [("domain", 178), ("ip", 122), ("ip:port", 1206), ("url", 3)];
    assert_eq!(kinds(&feeds[0]), BTreeMap::from(redline));
    let panda = [
        ("cert-sha1", 1),
        ("domain", 392),
        ("ip", 150),
        ("ip:port", 221),
        ("path", 3),
        ("url", 56),
    ];
    assert_eq!(kinds(&feeds[1]), BTreeMap::from(panda));
    assert_eq!(kinds(&feeds[2]), BTreeMap::from([("domain", 1), ("ip", 1)]));
}

#[test]
fn every_row_names_its_report_and_a_threat_with_advice() {
    let threats = threats().unwrap();
    for row in all() {
        assert!(row.reference.starts_with("http"), "{row:?}");
        assert!(threats.contains(&row.threat), "{row:?}");
        assert!(row.first_seen.is_some() || row.role == Role::Canary, "{row:?}");
    }
}

#[test]
fn no_indicator_is_a_shared_host_and_urls_there_keep_their_path() {
    let mut on_platforms = 0;
    for row in all() {
        match &row.pattern {
            Pattern::Domain { name, .. } => assert_eq!(shared_platform(name), None, "{row:?}"),
            Pattern::Url { host: Host::Name(name), path, .. }
                if shared_platform(name).is_some() =>
            {
                assert!(path.len() > 20, "{row:?}");
                on_platforms += 1;
            }
            _ => {}
        }
    }
    assert_eq!(on_platforms, 6, "four of Drive, two of GitHub");
}

#[test]
fn hosts_under_a_shared_suffix_are_exact() {
    for row in all() {
        let Pattern::Domain { name, scope } = &row.pattern else { continue };
        let suffix = psl::suffix(name.as_str().as_bytes()).unwrap();
        if suffix.typ() == Some(psl::Type::Private) {
            assert_eq!(*scope, Scope::Exact, "{name} lies under a shared suffix");
        }
    }
}

#[test]
fn the_canary_feed_holds_the_canary_and_nothing_else() {
    let canary = canary().unwrap();
    let patterns: Vec<_> = canary.indicators.iter().map(|row| row.pattern.text()).collect();
    assert_eq!(patterns, [CANARY_NAME.to_owned(), CANARY_ADDRESS.to_string()]);
    assert_eq!(canary.indicators[0].pattern.scope(), Some(Scope::Subtree));
    assert!(canary.indicators.iter().all(|row| &*row.threat == "canary"));
}

#[test]
fn feeds_are_sorted_so_that_a_change_is_readable() {
    for feed in load().unwrap() {
        let keys: Vec<_> =
            feed.indicators.iter().map(|r| (r.pattern.kind(), r.pattern.text())).collect();
        assert!(keys.is_sorted(), "{}", feed.feed);
    }
}

#[test]
fn the_feeds_survive_being_written_and_read_again() {
    for feed in load().unwrap() {
        let mut out = Vec::new();
        format::native::write(&feed.indicators, &mut out).unwrap();
        let again = format::load_bytes(&feed.feed, &out).unwrap();
        let strip = |rows: Vec<Indicator>| -> Vec<_> {
            rows.into_iter().map(|r| Indicator { line: 0, ..r }).collect()
        };
        assert_eq!(strip(again.indicators), strip(feed.indicators));
    }
}

#[test]
fn every_threat_speaks_vietnamese_with_its_diacritics_and_english_without() {
    let threats = threats().unwrap();
    let keys: Vec<_> = threats.iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["canary", "mustang-panda", "plugx", "redline", "unknown"]);
    let accented = |text: &str| text.chars().filter(|c| !c.is_ascii()).count() * 12 > text.len();
    for (key, threat) in threats.iter() {
        let contact = &threats.contacts;
        let mut vietnamese = vec![threat.happened.vi.clone(), threat.action(Language::Vi, contact)];
        vietnamese.extend(threat.advice(Language::Vi, contact));
        let mut english = vec![threat.happened.en.clone(), threat.action(Language::En, contact)];
        english.extend(threat.advice(Language::En, contact));
        assert!(vietnamese.iter().all(|t| accented(t)), "{key}: {vietnamese:?}");
        assert!(english.iter().all(|t| t.is_ascii()), "{key}");
        assert_eq!(vietnamese.len(), english.len(), "{key}: the same steps in both languages");
    }
}

#[test]
fn the_action_fits_on_a_log_line_and_never_says_to_switch_off() {
    let threats = threats().unwrap();
    for key in ["redline", "mustang-panda", "plugx"] {
        let vi = threats.get(key).action(Language::Vi, &threats.contacts);
        assert!(vi.chars().count() <= 180 && !vi.contains(['\n', '|']), "{vi}");
        assert!(vi.contains("KHÔNG tắt máy") && vi.contains("PA05"), "{vi}");
    }
}

#[test]
fn whom_to_call_is_a_chain_that_is_dated_and_has_no_number() {
    let contacts = threats().unwrap().contacts;
    assert_eq!(contacts.iter().count(), 4);
    assert!(!contacts.is_configured());
    assert!(contacts.iter().all(|one| one.valid_until.is_some_and(|day| day > one.as_of)));
    assert!(contacts.short(Language::Vi).contains("chưa khai báo số điện thoại"));
    let numbers = |text: &str| text.split(|c: char| !c.is_ascii_digit()).any(|n| n.len() > 6);
    assert!(!numbers(THREATS), "no telephone number stands in the texts");
}

#[test]
fn only_high_and_critical_alerts_say_to_take_a_machine_off_the_network() {
    let threats = threats().unwrap();
    for (key, threat) in threats.iter().filter(|(_, threat)| threat.severity < Severity::High) {
        let texts = [Language::Vi, Language::En].map(|language| {
            let steps = threat.advice(language, &threats.contacts).join(" ");
            format!("{} {steps}", threat.action(language, &threats.contacts)).to_lowercase()
        });
        assert!(!texts[0].contains("rút dây") && !texts[1].contains("unplug"), "{key}: {texts:?}");
    }
}

#[test]
fn rows_that_lie_with_strangers_end() {
    for row in all() {
        let text = row.pattern.text();
        let tunnel =
            [".ply.gg", ".lhr.life", ".portmap.host"].iter().any(|end| text.ends_with(end))
                || text.starts_with("147.185.221.");
        if tunnel || row.note.contains("rented cloud address") {
            assert!(row.expires.is_some(), "{text}");
            assert_ne!(row.pattern.scope(), Some(Scope::Subtree), "{text}");
        }
    }
}

#[test]
fn nothing_was_last_seen_before_it_was_first_seen() {
    for row in all() {
        let reversed = row.first_seen.zip(row.last_seen).is_some_and(|(first, last)| last < first);
        assert!(!reversed, "{row:?}");
    }
}

#[test]
fn starting_up_costs_little() {
    let start = jiff::Timestamp::now();
    let rows: usize = load().unwrap().iter().map(|feed| feed.indicators.len()).sum();
    let took = jiff::Timestamp::now().as_millisecond() - start.as_millisecond();
    assert!(rows > 2000);
    assert!(
        took < 2000,
        "{took} ms: a release build wants 10, a debug build on a busy machine more"
    );
    println!("{rows} rows in {took} ms");
}
