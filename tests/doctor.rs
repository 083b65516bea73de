//! The doctor listens to mirrors that are well and to mirrors that are not: each kind of traffic
//! has its finding and no other. What the machine itself can lack stands in `doctor_machine.rs`.
//!
//! Needs root for namespaces; without it, it says so and does nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use support::doctor::{
    Setting, in_pppoe, is_answer, is_dns, is_group, morning, of_one_client, with_tag,
};
use support::netns::{MIRROR, Namespace};
use support::office::Office;
use support::packets::{self, TcpConversation};
use support::run::{capture, put, skipped_without_root};
use support::verdict::at;
use support::wire::{self, Frame, Link};
use support::{capture_file, conversations as say};

/// The findings when these frames are heard.
#[track_caller]
fn heard(test: &str, frames: &[Frame], wanted: &[&str]) {
    if skipped_without_root(test) {
        return;
    }
    Setting::new().hear(&Namespace::new(), frames).expect(wanted);
}

#[test]
fn a_healthy_mirror_has_no_finding_not_even_a_note() {
    if skipped_without_root("a_healthy_mirror_has_no_finding_not_even_a_note") {
        return;
    }
    let namespace = Namespace::new();
    let said = "This mirror port can be used.";
    Setting::new().hear(&namespace, &morning()).expect(&[]).says(said);
    let doctor = Setting::new().listen(&namespace);
    namespace.replay(&capture("benign.pcap"), 3000);
    doctor.judge().expect(&[]).says(said);
    // The bundled office, whose contacts are alerts and no fault of the mirror; one of its PCs is
    // in a network of its own.
    let doctor = Setting::new().listen(&namespace);
    namespace.replay(&capture("ward-office.pcap"), 3000);
    doctor.judge().expect(&["NOTE vlan-tags"]).says(said);
    let vietnamese = Setting::new().language("vi").hear(&namespace, &morning());
    vietnamese.expect(&[]).says("Cổng sao chép này dùng được.");
}

#[test]
fn a_port_that_is_silent_is_said() {
    heard("a_port_that_is_silent_is_said", &[], &["PROBLEM no-frames"]);
    if skipped_without_root("a_port_that_is_silent_is_said") {
        return;
    }
    // Nobody tells it to end.
    let doctor = Setting::new().seconds(1).listen(&Namespace::new());
    doctor.end().expect(&["PROBLEM no-frames"]).says("tcpdump -ni mirror0");
}

#[test]
fn an_ordinary_port_shows_broadcasts_and_our_own_traffic_only() {
    if skipped_without_root("an_ordinary_port_shows_broadcasts_and_our_own_traffic_only") {
        return;
    }
    let namespace = Namespace::new();
    let output = namespace.command("cat").arg(format!("/sys/class/net/{MIRROR}/address")).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    let own: Vec<u8> =
        text.trim().split(':').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    let mut frames: Vec<_> = morning().into_iter().filter(is_group).collect();
    assert!(frames.len() > 10);
    let mut ours = of_one_client("192.168.1.77", 20, 0);
    for frame in &mut ours {
        let place = if is_answer(frame) || frame.bytes[11] == 0x10 { 0 } else { 6 };
        frame.bytes[place..place + 6].copy_from_slice(&own);
    }
    frames.extend(ours);
    Setting::new().hear(&namespace, &frames).expect(&["PROBLEM no-mirror"]).says(MIRROR);
}

#[test]
fn a_mirror_of_one_direction_is_said_with_its_direction() {
    let one = |answers| -> Vec<Frame> {
        let all = morning().into_iter();
        all.filter(|frame| !is_group(frame) && is_answer(frame) == answers).collect()
    };
    let test = "a_mirror_of_one_direction_is_said_with_its_direction";
    heard(test, &one(false), &["PROBLEM only-outward"]);
    heard(test, &one(true), &["PROBLEM only-inward"]);
}

#[test]
fn a_mirror_that_copies_where_packets_enter_and_leave_shows_each_twice() {
    let twice: Vec<_> = morning().into_iter().flat_map(|frame| [frame.clone(), frame]).collect();
    let test = "a_mirror_that_copies_where_packets_enter_and_leave_shows_each_twice";
    heard(test, &twice, &["NOTE every-packet-twice"]);
    // The second after it was routed: another sender, another tag, one hop less.
    let routed = |frame: Frame| {
        let mut second = frame.clone();
        second.bytes[6..12].copy_from_slice(&[2, 9, 9, 9, 9, 9]);
        if second.bytes[12..14] == [8, 0] {
            let mut packet = second.bytes.split_off(14);
            packets::set_hops(&mut packet, 63);
            second.bytes.extend(packet);
        }
        [frame, second]
    };
    let routed: Vec<_> = morning().into_iter().flat_map(routed).collect();
    heard(test, &routed, &["NOTE every-packet-twice"]);
}

#[test]
fn a_mirror_outside_the_router_shows_one_client() {
    let test = "a_mirror_outside_the_router_shows_one_client";
    // A public address, and that of a provider who translates once more (RFC 6598).
    heard(test, &of_one_client("198.51.100.7", 60, 1), &["PROBLEM one-client"]);
    heard(test, &of_one_client("100.64.7.7", 120, 1), &["PROBLEM one-client"]);
    if skipped_without_root(test) {
        return;
    }
    let session = in_pppoe(&of_one_client("198.51.100.7", 60, 1));
    let findings = Setting::new().hear(&Namespace::new(), &session);
    findings.expect(&["PROBLEM one-client", "NOTE pppoe"]).says("comes from 198.51.100.7:");
}

#[test]
fn the_only_pc_that_is_on_is_no_problem() {
    let test = "the_only_pc_that_is_on_is_no_problem";
    heard(test, &of_one_client("192.168.1.10", 120, 0), &["NOTE one-client"]);
    heard(test, &of_one_client("192.168.1.10", 40, 0), &[]);
}

#[test]
fn a_network_whose_hosts_are_all_foreign_is_said() {
    let mut frames = Vec::new();
    for number in 0..60_u8 {
        let client = at(&format!("198.51.100.{number}:40000"));
        let server = at(&format!("203.0.113.{number}:443"));
        let resolver = at("192.0.2.99:53");
        let name = format!("www{number}.example");
        let mut all = vec![wire::from_client(packets::udp(
            client,
            resolver,
            &say::dns_query(1, &name, say::A),
        ))];
        let conversation = TcpConversation::new(client, server).client(&say::client_hello(&name));
        all.extend(conversation.server(&[7; 900]).packets());
        frames.extend(wire::plain_frames(&all));
    }
    let test = "a_network_whose_hosts_are_all_foreign_is_said";
    heard(test, &frames, &["PROBLEM no-hosts"]);
    if skipped_without_root(test) {
        return;
    }
    // It is mended by what the remedy says.
    let setting = Setting::new();
    let config = put(
        setting.directory(),
        "c.toml",
        format!("home = [\"198.51.100.0/24\"]\n{}", setting.contact()).as_bytes(),
    );
    let setting = setting.arguments(&["-c", config.to_str().unwrap()]);
    setting.hear(&Namespace::new(), &frames).expect(&[]);
}

#[test]
fn tags_and_sessions_are_noted_and_are_no_problem() {
    let test = "tags_and_sessions_are_noted_and_are_no_problem";
    heard(test, &with_tag(&morning(), &[0x81, 0, 0, 7]), &["NOTE vlan-tags"]);
    heard(test, &with_tag(&morning(), &[0x88, 0xa8, 0, 30, 0x81, 0, 0, 7]), &["NOTE vlan-tags"]);
    heard(test, &in_pppoe(&morning()), &["NOTE pppoe"]);
    let both = with_tag(&in_pppoe(&morning()), &[0x81, 0, 0, 7]);
    heard(test, &both, &["NOTE pppoe", "NOTE vlan-tags"]);
}

#[test]
fn a_mirror_that_slices_packets_is_recognised_by_what_they_say_of_themselves() {
    let mut frames = morning();
    frames.iter_mut().for_each(|frame| frame.bytes.truncate(128));
    let test = "a_mirror_that_slices_packets_is_recognised_by_what_they_say_of_themselves";
    heard(test, &frames, &["PROBLEM frames-truncated"]);
}

#[test]
fn segments_that_were_put_together_are_noted() {
    let mut frames = morning();
    let (client, server) = (at("192.168.1.10:50000"), at("203.0.113.99:443"));
    let merged = TcpConversation::new(client, server)
        .client(&say::client_hello("www.example"))
        .server(&vec![7; 80_000])
        .segment(8_000)
        .packets();
    frames.extend(wire::plain_frames(&merged));
    heard("segments_that_were_put_together_are_noted", &frames, &["NOTE receive-offload"]);
}

#[test]
fn an_interface_that_is_set_to_put_segments_together_is_noted() {
    if skipped_without_root("an_interface_that_is_set_to_put_segments_together_is_noted") {
        return;
    }
    let namespace = Namespace::new();
    namespace.offload(MIRROR, "on");
    let findings = Setting::new().hear(&namespace, &morning());
    findings.expect(&["NOTE receive-offload"]).says("ethtool -K mirror0 gro off lro off");
    // It is mended by what the remedy says.
    namespace.inside("ethtool", &["-K", MIRROR, "gro", "off", "lro", "off"]);
    Setting::new().hear(&namespace, &morning()).expect(&[]);
}

/// DNS over TLS of a PC.
fn hidden_dns(pc: usize, connections: i64) -> Vec<Frame> {
    let mut office = Office::new(5);
    for number in 0..connections {
        let hello = say::client_hello("resolver.example");
        office.tls(pc, number, at("203.0.113.53:853"), &hello, 300);
    }
    office.finish().0
}

#[test]
fn a_mirror_without_dns_is_said_with_its_cause() {
    if skipped_without_root("a_mirror_without_dns_is_said_with_its_cause") {
        return;
    }
    let namespace = Namespace::new();
    let mut frames: Vec<_> = morning().into_iter().filter(|frame| !is_dns(frame)).collect();
    let findings = Setting::new().hear(&namespace, &frames).expect(&["NOTE no-dns"]);
    findings.says("stands beside the mirror");
    frames.extend(hidden_dns(2, 3));
    let findings = Setting::new().hear(&namespace, &frames).expect(&["NOTE no-dns"]);
    findings.says("encrypted DNS (3 connections)").says("DnsOverHttpsMode");
}

#[test]
fn a_pc_that_hides_its_questions_among_others_that_do_not_is_noted() {
    let mut frames = morning();
    frames.extend(hidden_dns(2, 3));
    let test = "a_pc_that_hides_its_questions_among_others_that_do_not_is_noted";
    heard(test, &frames, &["NOTE encrypted-dns"]);
}

#[test]
fn questions_that_all_come_from_the_resolver_of_the_office_are_noted() {
    if skipped_without_root("questions_that_all_come_from_the_resolver_of_the_office_are_noted") {
        return;
    }
    let mut frames: Vec<_> = morning().into_iter().filter(|frame| !is_dns(frame)).collect();
    let link = Link::plain();
    for number in 0..30_u16 {
        let (server, upstream) = (at("192.168.1.2:5353"), at("192.0.2.99:53"));
        let server = std::net::SocketAddr::new(server.ip(), 30_000 + number);
        let query = say::dns_query(number, "www.example", say::A);
        let packet = wire::from_client(packets::udp(server, upstream, &query));
        frames.extend(wire::frames(&link, &[packet], wire::NINE_O_CLOCK, 1));
    }
    let findings = Setting::new().hear(&Namespace::new(), &frames);
    findings.expect(&["NOTE one-resolver"]).says("come from 192.168.1.2,");
}

#[test]
fn a_ring_that_overflows_is_said() {
    if skipped_without_root("a_ring_that_overflows_is_said") {
        return;
    }
    let namespace = Namespace::new();
    let setting = Setting::new();
    let config = put(
        setting.directory(),
        "c.toml",
        format!("capture.ring_mb = 1\n{}", setting.contact()).as_bytes(),
    );
    // Some megabytes.
    let many: Vec<_> = (0..10).flat_map(|_| morning()).collect();
    let many = put(setting.directory(), "many.pcap", &capture_file::pcap(&many));
    let doctor = setting.arguments(&["-c", config.to_str().unwrap()]).listen(&namespace);
    // It stands still while they come, as a machine does that is too slow.
    doctor.send("STOP");
    namespace.flood(&many, 20_000);
    doctor.send("CONT");
    doctor.judge().expect(&["PROBLEM loss"]).says("ring_mb");
}
