use super::super::facts::Link;
use super::super::frames::Frames;
use super::*;
use crate::app::clock::ClockFault;
use crate::stats::Counters;

/// A mirror as it should be.
fn healthy() -> Facts {
    let mut facts = Facts { interface: "eth1".into(), link: Link::Up, ..Facts::default() };
    let frames = &mut facts.frames;
    (frames.all, frames.foreign, frames.group, frames.packets) = (1000, 900, 100, 900);
    (frames.outward, frames.questions) = (400, 40);
    let counts = [
        (Counter::PacketsOut, 400),
        (Counter::PacketsIn, 500),
        (Counter::Dns, 20),
        (Counter::Flows, 300),
    ];
    for (counter, n) in counts {
        facts.counters.add(counter, n);
    }
    (facts.hosts, facts.clients, facts.age_days) = (12, 10, Some(30));
    facts.merges = Some(false);
    facts
}

#[track_caller]
fn found(change: impl FnOnce(&mut Facts)) -> Vec<Finding> {
    let mut facts = healthy();
    change(&mut facts);
    findings(&facts)
}

#[test]
fn a_healthy_mirror_has_no_finding() {
    assert!(found(|_| {}).is_empty());
}

#[test]
fn each_cause_has_its_finding_and_no_other() {
    use Finding::*;
    assert_eq!(found(|f| f.permitted = false), [NotPermitted]);
    let none = |link| found(|f| (f.link, f.frames) = (link, Frames::default()));
    assert_eq!(none(Link::Down), [InterfaceDown]);
    assert_eq!(none(Link::NoCarrier), [InterfaceDown]);
    assert_eq!(none(Link::Up), [NoFrames]);
    assert_eq!(found(|f| f.frames.foreign = 0), [NoMirror]);
    assert_eq!(found(|f| f.frames.copies = 450), [Copies]);
    assert_eq!(found(|f| f.counters.add(Counter::Duplicates, 450)), [Copies]);
    assert_eq!(found(|f| f.frames.tagged = 1), [Tagged]);
    assert_eq!(found(|f| f.frames.pppoe = 1), [Pppoe]);
    assert_eq!(found(|f| f.frames.merged = 1), [Merged]);
    assert_eq!(found(|f| f.merges = Some(true)), [Merged]);
    assert_eq!(found(|f| f.hosts = 0), [NoHosts]);
    assert_eq!(found(|f| f.drops.kernel = 2), [Loss]);
    let day = ioc_feeds::Date::parse("2026-01-01").unwrap();
    assert_eq!(found(|f| f.clock = Some(ClockFault::BeforeBuild(day))), [ClockWrong]);
    assert_eq!(found(|f| f.stamp_off = 3600), [ClockWrong]);
    assert_eq!(found(|f| f.age_days = Some(181)), [FeedsOld]);
    assert_eq!(found(|f| f.contact = Contact::Missing), [NoContact]);
    assert_eq!(found(|f| f.contact = Contact::Old), [ContactOld]);
    let full = std::io::Error::other("full");
    assert_eq!(found(|f| f.log_error = Some(("/x".into(), full))), [LogUnwritable]);
    assert_eq!(found(|f| f.counters.add(Counter::FramesTruncated, 1)), [Truncated]);
    assert_eq!(found(|f| f.frames.sliced = 10), [Truncated]);
    assert_eq!(found(|f| f.counters.add(Counter::EncryptedDns, 1)), [EncryptedDns]);
}

#[test]
fn a_damaged_packet_among_many_is_no_slicing_and_a_flooded_frame_is_no_mirror() {
    assert!(found(|f| f.frames.sliced = 9).is_empty());
    let quiet = |foreign, group| {
        found(|f| {
            f.frames = Frames::default();
            (f.frames.all, f.frames.foreign, f.frames.group) = (foreign + group, foreign, group);
        })
    };
    assert_eq!(quiet(9, 100), [Finding::NoMirror]);
    assert_eq!(quiet(9, 80), []);
    assert_eq!(quiet(10, 1000), []);
}

#[test]
fn a_single_client_is_a_problem_only_if_it_may_be_a_router() {
    let one = |routed| {
        let mut facts = healthy();
        (facts.clients, facts.frames.routed) = (1, routed);
        facts.counters.add(Counter::FlowsOut, 100);
        assert_eq!(findings(&facts), [Finding::OneClient]);
        Finding::OneClient.severity(&facts)
    };
    assert_eq!(one(400), Severity::Problem);
    assert_eq!(one(0), Severity::Note);
}

#[test]
fn no_dns_is_said_and_whether_it_is_encrypted_is_not_said_twice() {
    let silent = |encrypted| {
        let mut facts = healthy();
        facts.counters = Counters::default();
        facts.counters.add(Counter::PacketsOut, 400);
        facts.counters.add(Counter::PacketsIn, 400);
        facts.counters.add(Counter::EncryptedDns, encrypted);
        findings(&facts)
    };
    assert_eq!(silent(0), [Finding::NoDns]);
    assert_eq!(silent(5), [Finding::NoDns]);
}

#[test]
fn a_mirror_of_one_direction_is_said_with_its_direction() {
    let only = |counter| {
        let mut facts = healthy();
        facts.counters = Counters::default();
        facts.counters.add(counter, 500);
        facts.counters.add(Counter::Dns, 1);
        findings(&facts)
    };
    assert_eq!(only(Counter::PacketsOut), [Finding::OnlyOutward]);
    assert_eq!(only(Counter::PacketsIn), [Finding::OnlyInward]);
}

#[test]
fn the_readme_names_every_finding_in_both_languages() {
    let readmes = [include_str!("../../../../README.md"), include_str!("../../../../README.vi.md")];
    for finding in Finding::ALL {
        let id = format!("`{}`", finding.id());
        assert!(readmes.iter().all(|text| text.contains(&id)), "{id}");
    }
}
