//! Tells the program on which day its sources were last known to be: a clock that stands before
//! that day is wrong. The same sources give the same day, so that a build can be repeated.
#![allow(clippy::print_stdout)] // this is how cargo is told

use std::path::Path;
use std::process::Command;
use std::time::UNIX_EPOCH;

const DAY: u64 = 86_400;

fn main() {
    // A later commit without a new run leaves an earlier day, which is true all the same.
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=Cargo.toml");
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let seconds = wanted().or_else(committed).or_else(written).unwrap_or(0);
    println!("cargo:rustc-env=WARDWATCH_BUILT={}", day(seconds / DAY));
}

/// What whoever builds a package says (reproducible-builds.org).
fn wanted() -> Option<u64> {
    std::env::var("SOURCE_DATE_EPOCH").ok()?.trim().parse().ok()
}

/// The last commit, in a checkout of this repository and not in one that happens to be around it.
fn committed() -> Option<u64> {
    let here = std::env::var("CARGO_MANIFEST_DIR").ok()?;
    if !Path::new(&here).join(".git").exists() {
        return None;
    }
    let log = ["-C", &here, "log", "-1", "--format=%ct"];
    let output = Command::new("git").args(log).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// In an unpacked archive: `git archive` and `tar` keep the time of the commit or of the release.
fn written() -> Option<u64> {
    let modified = std::fs::metadata("Cargo.toml").ok()?.modified().ok()?;
    Some(modified.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// The civil day of a number of days since 1970-01-01, as `YYYY-MM-DD`.
fn day(days: u64) -> String {
    // In years that begin in March the leap day comes last; 1970-01-01 is day 719,468 of them.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + later)
}
