//! The doctor on machines that lack something: link, right, clock, feeds, a log directory. Each
//! has its finding and no other.
//!
//! Needs root for namespaces; without it, it says so and does nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use crate::support;

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use support::doctor::{Setting, morning};
use support::mirror::Mirror;
use support::netns::{MIRROR, Namespace, SENDER, SmallDisk, done};
use support::run::{skipped_without_root, temporary_directory};

#[test]
fn an_interface_that_is_off_is_told_from_one_without_carrier() {
    if skipped_without_root("an_interface_that_is_off_is_told_from_one_without_carrier") {
        return;
    }
    let namespace = Namespace::new();
    namespace.link(MIRROR, "down");
    let off = Setting::new().refused(&namespace).expect(&["PROBLEM interface-down"]);
    off.says("switched off").says("sudo ip link set mirror0 up");
    namespace.link(MIRROR, "up");
    namespace.link(SENDER, "down");
    let loose = Setting::new().refused(&namespace).expect(&["PROBLEM interface-down"]);
    loose.says("has no carrier").says("NO-CARRIER");
    namespace.link(SENDER, "up");
    Setting::new().hear(&namespace, &morning()).expect(&[]);
}

#[test]
fn an_interface_that_goes_away_while_the_doctor_listens_is_said() {
    if skipped_without_root("an_interface_that_goes_away_while_the_doctor_listens_is_said") {
        return;
    }
    let namespace = Namespace::new();
    let doctor = Setting::new().listen(&namespace);
    namespace.link(MIRROR, "down");
    doctor.judge().expect(&["PROBLEM interface-down"]).says("switched off");
    namespace.link(MIRROR, "up");
    let doctor = Setting::new().listen(&namespace);
    namespace.inside("ip", &["link", "delete", SENDER]);
    doctor.end().expect(&["PROBLEM interface-down"]).says("unplugged");
}

#[test]
fn a_user_who_may_not_capture_is_told_the_command() {
    if skipped_without_root("a_user_who_may_not_capture_is_told_the_command") {
        return;
    }
    let findings = Setting::new().by_nobody("").refused(&Namespace::new());
    findings.expect(&["PROBLEM not-permitted"]).says("sudo setcap cap_net_raw=ep /");
}

#[test]
fn a_clock_before_the_build_is_wrong_for_the_doctor_and_for_the_sensor() {
    if skipped_without_root("a_clock_before_the_build_is_wrong") {
        return;
    }
    if !cfg!(debug_assertions) {
        eprintln!("SKIPPED: a release has no way to be told that it was made on another day");
        return;
    }
    // A clock cannot be set back for one process: the build is set forward instead.
    let built = ("WARDWATCH_TEST_BUILT", "2999-12-31");
    let findings = Setting::new().variable(built.0, built.1).hear(&Namespace::new(), &morning());
    findings.expect(&["PROBLEM clock-wrong"]).says("2999-12-31").says("timedatectl");

    let mirror = Mirror::new("clock").unwrap();
    let sensor = mirror.sensor_with(&["run", "-i", "m1"], &[built]);
    sensor.until("the clock of this machine is wrong", 20);
    let log = sensor.stop();
    let line = log.lines().find(|line| line.contains("clock of this machine")).unwrap();
    assert!(line.contains(" WARN ") && line.contains("2999-12-31"), "{log}");
}

#[test]
fn a_clock_before_the_newest_indicator_is_wrong_or_that_date_is() {
    if skipped_without_root("a_clock_before_the_newest_indicator_is_wrong_or_that_date_is") {
        return;
    }
    let namespace = Namespace::new();
    let findings = Setting::new().feed_of("2999-12-31").hear(&namespace, &morning());
    findings.expect(&["PROBLEM clock-wrong"]).says("date of the newest indicator");
    let findings = Setting::new().language("vi").feed_of("2999-12-31").hear(&namespace, &morning());
    findings.expect(&["PROBLEM clock-wrong"]).says("31/12/2999");
}

#[test]
fn feeds_of_another_year_are_old() {
    if skipped_without_root("feeds_of_another_year_are_old") {
        return;
    }
    let findings = Setting::new().feed_of("2019-03-01").hear(&Namespace::new(), &morning());
    findings.expect(&["NOTE feeds-old"]).says("--feeds FILE");
}

#[test]
fn a_log_directory_that_cannot_be_written_is_said_with_its_cause() {
    if skipped_without_root("a_log_directory_that_cannot_be_written_is_said_with_its_cause") {
        return;
    }
    let namespace = Namespace::new();
    let hear =
        |setting: Setting| setting.hear(&namespace, &morning()).expect(&["PROBLEM log-unwritable"]);

    let setting = Setting::new();
    let closed = setting.directory().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, PermissionsExt::from_mode(0o755)).unwrap();
    let setting = setting.log(&closed).by_nobody(",+net_raw");
    hear(setting).says("permission denied").says("install -d -o wardwatch");

    // A log of another user, in a directory that anybody may write.
    let setting = Setting::new();
    let log = setting.directory().join("log");
    std::fs::write(log.join("alerts.log"), "").unwrap();
    hear(setting.by_nobody(",+net_raw")).says("chown -R wardwatch");

    // Outlives what is mounted in it.
    let place = temporary_directory();
    let disk = place.path().join("full");
    let mounted = SmallDisk::mount(&disk, 64);
    mounted.fill();
    hear(Setting::new().log(&disk)).says("df -h");
    assert!(!disk.join(".wardwatch-doctor").exists(), "left on the full disk");

    let disk = place.path().join("read-only");
    let _mounted = SmallDisk::mount(&disk, 64);
    done(Command::new("mount").args(["-o", "remount,ro"]).arg(&disk));
    let findings = hear(Setting::new().language("vi").log(&disk));
    findings.says("hệ thống tệp chỉ cho đọc").says("remount,rw");
}

#[test]
fn a_log_directory_that_is_not_there_yet_is_tried_and_left_as_it_was() {
    if skipped_without_root("a_log_directory_that_is_not_there_yet_is_tried") {
        return;
    }
    let namespace = Namespace::new();
    let place = temporary_directory();
    let new = place.path().join("new");
    Setting::new().log(&new).hear(&namespace, &morning()).expect(&[]);
    assert!(!new.exists());
    let nowhere = place.path().join("no/where");
    Setting::new().log(&nowhere).hear(&namespace, &morning()).expect(&["PROBLEM log-unwritable"]);
}
