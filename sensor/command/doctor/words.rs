//! Which words are said of a finding, with the facts filled in. The words stand in
//! [`super::cases`]; which finding there is, [`super::findings`] decides.

use std::io::ErrorKind;
use std::path::Path;

use super::boot::Manager;
use super::cases::{CASES, Case};
use super::facts::{Facts, Link};
use super::findings::{Finding, Severity, address};
use crate::app::clock::ClockFault;
use crate::lang::{self, Language};
use crate::sink::escape;
use crate::stats::Counter;

/// What is so, and what to do about it.
pub(super) fn words(finding: Finding, language: Language, facts: &Facts) -> (String, String) {
    let wanted = case(finding, facts);
    let said = CASES.iter().find(|Case(name, ..)| *name == wanted);
    let (what, remedy) = match (said, language) {
        (Some(Case(_, said, _)), Language::Vi) | (Some(Case(_, _, said)), Language::En) => *said,
        // Every case has its words; a test sees to that.
        (None, _) => (wanted, ""),
    };
    let filled = |text| filled(text, language, (finding, facts));
    (filled(what), filled(remedy))
}

/// Which case of a finding it is: its id, unless the remedy differs.
fn case(finding: Finding, facts: &Facts) -> &'static str {
    let hidden = facts.counters.get(Counter::EncryptedDns) > 0;
    match (finding, facts.clock, &facts.log_error) {
        (Finding::InterfaceDown, ..) if facts.link == Link::NoCarrier => "no-carrier",
        (Finding::InterfaceDown, ..) if facts.link == Link::Gone => "gone",
        (Finding::NotKeptUp, ..) => match facts.boot.as_ref().map(|boot| boot.usual) {
            Some(Manager::Networkd) => "not-kept-networkd",
            Some(Manager::Netplan) => "not-kept-netplan",
            Some(Manager::Ifupdown) => "not-kept-ifupdown",
            Some(Manager::Nm) => "not-kept-networkmanager",
            _ => "not-kept-up",
        },
        (Finding::OneClient, ..) if finding.severity(facts) == Severity::Note => "only-pc",
        (Finding::NoDns, ..) if hidden => "no-dns-encrypted",
        (Finding::Merged, ..) if facts.frames.merged == 0 => "receive-offload-on",
        (Finding::ClockWrong, Some(ClockFault::BeforeFeeds(_)), _) => "clock-before-feeds",
        (Finding::ClockWrong, None, _) => "clock-apart",
        (Finding::LogUnwritable, _, Some((_, error))) => match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "log-full",
            ErrorKind::ReadOnlyFilesystem => "log-read-only",
            _ => finding.id(),
        },
        _ => finding.id(),
    }
}

/// Puts the facts into the words, each place once, so that a name with braces stays a name.
fn filled(text: &str, language: Language, (finding, facts): (Finding, &Facts)) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((place, after)) = after.split_once('}') else { break };
        out.push_str(before);
        out.push_str(&fact(place, language, (finding, facts)));
        rest = after;
    }
    out + rest
}

fn fact(place: &str, language: Language, (finding, facts): (Finding, &Facts)) -> String {
    let count = |counter| facts.counters.get(counter).to_string();
    let log = facts.log_error.as_ref();
    let kept = facts.boot.as_ref().and_then(|boot| boot.kept.as_ref());
    match place {
        "nic" => escape::field(&facts.interface).into(),
        "manager" => kept.map_or("-", |(manager, _)| manager.name()).into(),
        "file" => kept.map(|(_, path)| quoted(path)).unwrap_or_default(),
        "program" => quoted(&facts.program),
        "path" => log.map(|(path, _)| quoted(path)).unwrap_or_default(),
        "reason" => log.map(|(_, error)| reason(language, error)).unwrap_or_default(),
        "address" => match address(finding, facts) {
            Some(address) => address.to_string(),
            None if language == Language::Vi => "một địa chỉ duy nhất".into(),
            None => "one address".into(),
        },
        "clients" => facts.clients.to_string(),
        "encrypted" => count(Counter::EncryptedDns),
        "longest" => facts.frames.longest.to_string(),
        "sliced" => {
            facts.frames.sliced.max(facts.counters.get(Counter::FramesTruncated)).to_string()
        }
        "lost" => (facts.drops.kernel + facts.drops.interface).to_string(),
        "days" => facts.age_days.unwrap_or(0).to_string(),
        "apart" => facts.stamp_off.to_string(),
        "day" => match facts.clock {
            Some(ClockFault::BeforeBuild(day) | ClockFault::BeforeFeeds(day)) => {
                lang::day(language, day)
            }
            None => String::new(),
        },
        _ => String::new(),
    }
}

/// Why a file could not be written.
fn reason(language: Language, error: &std::io::Error) -> String {
    let vietnamese = match (language, error.kind()) {
        (Language::Vi, ErrorKind::PermissionDenied) => "không có quyền ghi",
        (Language::Vi, ErrorKind::NotFound) => "không có thư mục này",
        (Language::Vi, ErrorKind::NotADirectory) => "đó không phải là thư mục",
        (Language::Vi, ErrorKind::StorageFull) => "ổ đĩa đã đầy",
        (Language::Vi, ErrorKind::QuotaExceeded) => "đã hết hạn mức ổ đĩa",
        (Language::Vi, ErrorKind::ReadOnlyFilesystem) => "hệ thống tệp chỉ cho đọc",
        _ => {
            let english = crate::capture::describe(error);
            return lang::system(language, &english).into();
        }
    };
    vietnamese.into()
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    match text.chars().all(plain) {
        true => text,
        false => format!("'{}'", escape::field(&text).replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::boot::Boot;
    use super::*;

    #[test]
    fn every_finding_has_words_and_a_remedy_in_both_languages() {
        for finding in Finding::ALL {
            for language in [Language::Vi, Language::En] {
                let (what, remedy) = words(finding, language, &Facts::default());
                assert!(what != finding.id() && remedy.len() > 15, "{finding:?}: {what} {remedy}");
                assert!(!what.contains(['{', '}']), "{what}");
            }
        }
    }

    #[test]
    fn every_place_in_the_words_is_filled() {
        let log = ("/x".into(), std::io::Error::other("full"));
        let day = ioc_feeds::Date::parse("2026-01-01").unwrap();
        let clock = Some(ClockFault::BeforeBuild(day));
        let kept = Some((Manager::Nm, "/etc/x".into()));
        let boot = Some(Boot { kept, usual: Manager::Nm });
        let facts = Facts {
            boot,
            interface: "eth1".into(),
            log_error: Some(log),
            clock,
            ..Facts::default()
        };
        for Case(name, vietnamese, english) in CASES {
            for text in [vietnamese.0, vietnamese.1, english.0, english.1] {
                for place in text.split('{').skip(1) {
                    let (place, _) = place.split_once('}').unwrap();
                    let put = fact(place, Language::Vi, (Finding::OneResolver, &facts));
                    assert!(!put.is_empty(), "{name}: {place}");
                }
            }
        }
    }

    #[test]
    fn what_is_said_of_the_log_depends_on_why_it_cannot_be_written() {
        let remedy = |kind: ErrorKind| {
            let log_error = Some(("/var/log/a b".into(), kind.into()));
            let facts = Facts { log_error, ..Facts::default() };
            words(Finding::LogUnwritable, Language::En, &facts).1
        };
        assert!(remedy(ErrorKind::PermissionDenied).contains("install -d -o wardwatch"));
        assert!(remedy(ErrorKind::StorageFull).contains("df -h '/var/log/a b'"));
        assert!(remedy(ErrorKind::ReadOnlyFilesystem).contains("remount,rw"));
    }

    #[test]
    fn words_name_the_interface_in_both_languages() {
        for language in [Language::Vi, Language::En] {
            let facts = Facts { interface: "eth1".into(), ..Facts::default() };
            let (_, remedy) = words(Finding::InterfaceDown, language, &facts);
            assert!(remedy.contains("ip link set eth1 up"), "{remedy}");
        }
    }
}
