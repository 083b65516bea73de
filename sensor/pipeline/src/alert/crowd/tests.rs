#![allow(clippy::vec_box)] // as they come out of the groups

use std::sync::Arc;

use super::*;
use crate::alert::testing::{alert, set_of};
use crate::decode::packet::{Tunnel, TunnelKind};
use crate::matching::IndicatorSet;
use crate::net::Endpoint;

const WINDOW: u64 = 600_000_000_000;

fn set(indicators: u32) -> Arc<IndicatorSet> {
    let rows: Vec<String> =
        (0..indicators).map(|n| format!("{n:05}.test,domain,redline")).collect();
    set_of(&rows)
}

const fn at(second: i64) -> Timestamp {
    Timestamp(second * 1_000_000_000)
}

/// What a worker does with new contacts, in short: lines of their own, and the groups.
struct Desk {
    allowance: Allowance,
    groups: Groups,
    own: Vec<Box<Alert>>,
}

impl Desk {
    fn new() -> Self {
        Self { allowance: Allowance::default(), groups: Groups::new(WINDOW), own: Vec::new() }
    }

    fn take(&mut self, alert: Box<Alert>, is_familiar: bool) {
        match self.allowance.place(&alert, is_familiar) {
            None => self.own.push(alert),
            Some(group) => self.groups.gather(group, alert),
        }
    }

    /// The lines of the groups at the end; every contact is in one of them or has its own.
    #[track_caller]
    fn crowds(mut self, contacts: u64) -> Vec<Box<Alert>> {
        let lines = self.groups.finish();
        let counted: u64 = lines.iter().map(|line| line.count).sum();
        assert_eq!(counted + self.own.len() as u64, contacts);
        lines
    }
}

fn through_tunnel(mut alert: Box<Alert>, sender: [u8; 4]) -> Box<Alert> {
    let end = |octets| Endpoint { address: Address::v4(octets), port: 0 };
    let outer = Tunnel {
        kind: TunnelKind::Gre,
        source: end(sender),
        destination: end([192, 168, 0, 1]),
        ..Tunnel::default()
    };
    alert.sighting.tunnels = Some(Box::new([outer]));
    alert
}

#[test]
fn a_flood_of_forged_senders_is_one_line_and_a_familiar_host_among_them_has_its_own() {
    let (set, mut desk) = (set(1), Desk::new());
    for host in 0..40_000 {
        desk.take(alert(&set, (0x0a00_0000 + host, 0), at(1)), false);
        if host == 30_000 {
            desk.take(alert(&set, (0xc0a8_0107, 0), at(1)), true);
        }
    }
    assert_eq!(desk.own.len(), 1 + OF_AN_INDICATOR as usize);
    assert!(desk.own.iter().any(|alert| alert.ours.address == Address::v4([192, 168, 1, 7])));
    let lines = desk.crowds(40_001);
    assert_eq!(lines.len(), 1);
    let crowd = lines[0].crowd.as_ref().unwrap();
    assert!(crowd.hosts.abs_diff(40_000) < 1200, "{}", crowd.hosts);
    assert_eq!((crowd.indicators, crowd.first_hosts.len()), (1, NAMED));
}

#[test]
fn an_outbreak_of_a_hundred_unfamiliar_pcs_is_a_line_for_each_of_their_contacts() {
    let (set, mut desk) = (set(3), Desk::new());
    for second in 0..3 {
        for host in 0..100 {
            for indicator in 0..3 {
                let mut alert = alert(&set, (host, indicator), at(second));
                alert.peer.port = second as u16;
                desk.take(alert, false);
            }
        }
    }
    assert_eq!(desk.own.len(), 900);
    assert!(desk.crowds(900).is_empty());
}

#[test]
fn a_host_that_meets_thousands_of_indicators_is_one_line_and_takes_none_from_its_neighbours() {
    let (set, mut desk) = (set(5000), Desk::new());
    for indicator in 0..5000 {
        desk.take(alert(&set, (1, indicator), at(1)), true);
    }
    let own = desk.own.len() as u64;
    assert_eq!(own, OF_A_HOST + OF_ALL_HOSTS);
    for host in 2..100 {
        for indicator in 0..OF_A_HOST as u32 {
            desk.take(alert(&set, (host, indicator), at(1)), true);
        }
    }
    assert_eq!(desk.own.len() as u64, own + 98 * OF_A_HOST);
    let lines = desk.crowds(5000 + 98 * OF_A_HOST);
    assert_eq!(lines.len(), 1);
    let crowd = lines[0].crowd.as_ref().unwrap();
    assert_eq!((crowd.hosts, crowd.first_indicators.len()), (1, NAMED));
    assert!(!crowd.is_of_many());
}

#[test]
fn a_tunnel_is_one_line_by_its_sender_and_spends_nothing_of_hosts_outside() {
    let (set, mut desk) = (set(1), Desk::new());
    for host in 0..20_000 {
        let alert = alert(&set, (0x0a00_0000 + host, 0), at(1));
        desk.take(through_tunnel(alert, [203, 0, 113, 9]), false);
    }
    assert_eq!(desk.own.len() as u64, OF_A_TUNNEL);
    for host in 0..100 {
        desk.take(alert(&set, (0xc0a8_0100 + host, 0), at(1)), false);
    }
    assert_eq!(desk.own.len() as u64, OF_A_TUNNEL + 100);
    let lines = desk.crowds(20_100);
    assert_eq!(lines.len(), 1);
    assert_eq!(
        lines[0].crowd.as_ref().unwrap().by,
        Crowding::Tunnel(Address::v4([203, 0, 113, 9]))
    );
}

#[test]
fn many_forged_hosts_with_many_indicators_and_tunnels_are_few_lines() {
    let (set, mut desk) = (set(1400), Desk::new());
    for n in 0..60_000 {
        let alert = alert(&set, (0x0a00_0000 + n, n % 1400), at(1));
        match n % 2 {
            0 => desk.take(alert, false),
            _ => desk.take(through_tunnel(alert, (0xcb00_0000 + n).to_be_bytes()), false),
        }
    }
    assert!(desk.own.len() as u64 <= STRANGERS + OF_STRANGERS, "{}", desk.own.len());
    assert!(desk.crowds(60_000).len() <= GROUPS + THREATS + 1);
}

#[test]
fn a_flood_that_goes_on_for_hours_gets_a_line_a_window_and_everything_comes_back_after_it() {
    let (set, mut desk) = (set(1), Desk::new());
    let mut lines = 0;
    for second in 0..2 * 3600 {
        for nth in 0..10 {
            desk.take(alert(&set, (0x0a00_0000 + second * 10 + nth, 0), at(second.into())), false);
        }
        lines += desk.groups.due(at(second.into())).len();
    }
    let own = desk.own.len() as u64;
    assert!(own <= 6 * OF_AN_INDICATOR, "what comes back in two hours: {own} of 72,000");
    assert_eq!(lines, 12, "one at the beginning and one in ten minutes");
    let own = desk.own.len();
    desk.groups.due(at(2 * 3600 + 1200));
    assert!(desk.groups.due(at(2 * 3600 + 2400)).is_empty());
    assert!(desk.groups.is_empty(), "it is over");
    desk.take(alert(&set, (7, 0), at(2 * 3600 + 2400)), false);
    assert_eq!(desk.own.len(), own + 1);
}

#[test]
fn a_group_is_said_a_second_after_it_began_with_its_first_and_last_time() {
    let (set, mut groups) = (set(1), Groups::new(WINDOW));
    for (host, second) in [(1, 100), (2, 90), (3, 101)] {
        groups.gather(Crowding::All, alert(&set, (host, 0), at(second)));
    }
    assert!(groups.due(Timestamp(100_900_000_000)).is_empty());
    let lines = groups.due(at(101));
    assert_eq!((lines[0].count, lines[0].first, lines[0].sighting.time), (3, at(90), at(101)));
    groups.gather(Crowding::All, alert(&set, (4, 0), at(102)));
    assert!(groups.due(at(102)).is_empty());
    let last = groups.finish();
    assert_eq!((last[0].count, last[0].opened), (4, lines[0].opened));
}

#[test]
fn more_groups_than_there_is_room_for_become_wider_and_lose_no_count() {
    let rows: Vec<String> =
        (0..500).map(|n| format!("{n:05}.test,domain,threat-{}", n % 100)).collect();
    let (set, mut groups) = (set_of(&rows), Groups::new(WINDOW));
    for n in 0..10_000_u32 {
        let alert = alert(&set, (n, n % 500), at(1));
        groups.gather(Crowding::Indicator(indicator_of(&alert)), alert);
    }
    let lines = groups.finish();
    assert_eq!(lines.len(), GROUPS + THREATS + 1);
    assert_eq!(lines.iter().map(|line| line.count).sum::<u64>(), 10_000);
}

#[test]
fn weak_evidence_neither_speaks_for_a_group_nor_spends_what_strong_evidence_needs() {
    let (set, mut desk) = (set(1), Desk::new());
    for host in 0..10_000 {
        let mut weak = alert(&set, (0x0a00_0000 + host, 0), at(1));
        weak.weakness = Some(Weakness::TunnelFromOutside);
        desk.take(weak, true);
    }
    let weak = desk.own.len() as u64;
    assert!(weak <= OF_AN_INDICATOR);
    for host in 0..OF_AN_INDICATOR as u32 {
        desk.take(alert(&set, (host, 0), at(1)), false);
    }
    assert_eq!(desk.own.len() as u64, weak + OF_AN_INDICATOR);
    desk.take(alert(&set, (999, 0), at(1)), false);
    let lines = desk.crowds(10_000 + OF_AN_INDICATOR + 1);
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].weakness, None, "one of them is strong");
}

#[test]
fn tunnels_of_many_forged_senders_to_one_host_are_few_lines_and_weak_ones() {
    let (set, mut desk) = (set(1), Desk::new());
    for sender in 0..20_000_u32 {
        let mut alert = alert(&set, (0xc0a8_0107, 0), at(1));
        let [_, a, b, c] = sender.to_be_bytes();
        alert.peer.address = Address::v4([9, a, b, c]);
        alert.weakness = Some(Weakness::TunnelFromOutside);
        desk.take(through_tunnel(alert, [9, a, b, c]), true);
    }
    assert!(desk.own.len() as u64 <= OF_AN_INDICATOR, "{}", desk.own.len());
    for _ in 0..OF_A_HOST {
        desk.take(alert(&set, (0xc0a8_0107, 0), at(1)), true);
    }
    let strong = desk.own.iter().filter(|alert| alert.weakness.is_none());
    assert_eq!(strong.count() as u64, OF_A_HOST);
    assert!(desk.crowds(20_000 + OF_A_HOST).len() <= GROUPS + THREATS);
}
