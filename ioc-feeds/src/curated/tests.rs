use std::collections::BTreeMap;

use super::*;
use crate::lint::shared_platform;
use crate::threat::Language;
use crate::{Host, Indicator, Pattern, Role, Scope};

fn all() -> Vec<Indicator> {
    load().unwrap().into_iter().flat_map(|feed| feed.indicators).collect()
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
        let feed = format::load_text(name, text, Lint::Full).unwrap();
        assert_eq!(feed.rejected, [], "{name}");
        assert_eq!(feed.warnings, [], "{name}");
        assert_eq!(feed.duplicates, 0, "{name}");
        assert!(!feed.indicators.is_empty(), "{name}");
    }
}

#[test]
fn trusted_loading_gives_the_same_as_linted_loading() {
    for ((name, text), trusted) in feeds().into_iter().zip(load().unwrap()) {
        let linted = format::load_text(name, text, Lint::Full).unwrap();
        assert_eq!(linted.indicators, trusted.indicators, "{name}");
    }
}

#[test]
fn the_feeds_have_the_rows_their_sources_page_counts() {
    let feeds = load().unwrap();
    let redline = [("domain", 185), ("ip", 63), ("ip:port", 1206), ("url", 5)];
    assert_eq!(kinds(&feeds[0]), BTreeMap::from(redline));
    let panda = [
        ("cert-sha1", 1),
        ("domain", 377),
        ("ip", 143),
        ("ip:port", 220),
        ("path", 3),
        ("url", 55),
        ("user-agent", 2),
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
    assert_eq!(keys, ["canary", "mustang-panda", "redline", "unknown"]);
    let accented = |text: &str| text.chars().filter(|c| !c.is_ascii()).count() * 12 > text.len();
    for (key, threat) in threats.iter() {
        let contact = &threats.contact;
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
    for key in ["redline", "mustang-panda"] {
        let vi = threats.get(key).action(Language::Vi, &threats.contact);
        assert!(vi.chars().count() <= 160 && !vi.contains(['\n', '|']), "{vi}");
        assert!(vi.contains("KHÔNG tắt máy") && vi.contains("NCSC 02432.091.616"), "{vi}");
    }
    assert!(threats.contact.note.vi.contains("A05"), "the contact says that it must be verified");
}

#[test]
fn no_telephone_number_stands_in_the_advice_itself() {
    let advice = THREATS.split("[threat.").skip(1).collect::<String>();
    assert!(!advice.contains("02432"));
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
