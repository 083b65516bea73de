//! The doctor listens to mirrors that are well and to mirrors that are not.
//!
//! Needs root for namespaces; without it, it says so and does nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

mod support;

use support::netns::{MIRROR, Namespace};
use support::packets::{Speaker, TcpConversation};
use support::run::{capture, put, skipped_without_root, temporary_directory};
use support::verdict::{at, pc};
use support::{capture_file, wire};

/// What the doctor says while `meanwhile` happens, and its exit code.
fn examine(namespace: &Namespace, meanwhile: impl FnOnce()) -> (String, Option<i32>) {
    let directory = temporary_directory();
    let mut command = namespace.command(env!("CARGO_BIN_EXE_wardwatch"));
    command.args(["doctor", "--lang", "en", "-i", MIRROR, "--seconds", "3", "--log-dir"]);
    command.arg(directory.path()).stdout(std::process::Stdio::piped());
    let child = command.spawn().unwrap();
    // It loads its indicators first.
    std::thread::sleep(std::time::Duration::from_secs(1));
    meanwhile();
    let output = child.wait_with_output().unwrap();
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
}

#[test]
fn a_working_mirror_has_no_problem_and_a_quiet_one_is_said() {
    if skipped_without_root("a_working_mirror_has_no_problem_and_a_quiet_one_is_said") {
        return;
    }
    let namespace = Namespace::new();
    let (said, code) = examine(&namespace, || namespace.replay(&capture("ward-office.pcap"), 2000));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("can be used") && !said.contains("PROBLEM"), "{said}");
    let (said, code) = examine(&namespace, || {});
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("PROBLEM [no-frames]") && said.contains(MIRROR), "{said}");
}

#[test]
fn a_mirror_of_one_direction_is_recognised() {
    if skipped_without_root("a_mirror_of_one_direction_is_recognised") {
        return;
    }
    let directory = temporary_directory();
    let bytes = vec![0; 100_000];
    let packets = TcpConversation::new(pc(), at("203.0.113.99:443"))
        .client(&bytes)
        .only(Speaker::Client)
        .packets();
    let path = put(directory.path(), "a.pcap", &capture_file::pcap(&wire::plain_frames(&packets)));
    let namespace = Namespace::new();
    let (said, code) = examine(&namespace, || namespace.replay(&path, 2000));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("PROBLEM [only-outward]"), "{said}");
    assert!(!said.contains("[only-inward]"), "{said}");
}
