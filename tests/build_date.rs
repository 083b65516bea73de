//! The day that is built into the program, against which it holds the clock: `build.rs` itself,
//! compiled and run as cargo does, on sources of invented age.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

/// The compiled script, and sources beside it that are no checkout.
fn script(directory: &Path) -> PathBuf {
    let program = directory.join("script");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut compiler = Command::new(rustc);
    compiler.args(["--edition", "2024", "-o"]).arg(&program).arg(source);
    assert!(compiler.status().unwrap().success());
    program
}

/// The day it tells for these sources.
fn day(script: &Path, sources: &Path, epoch: Option<&str>) -> String {
    let mut command = Command::new(script);
    command.current_dir(sources).env("CARGO_MANIFEST_DIR", sources).env_remove("SOURCE_DATE_EPOCH");
    if let Some(epoch) = epoch {
        command.env("SOURCE_DATE_EPOCH", epoch);
    }
    let output = command.output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("cargo:rustc-env=WARDWATCH_BUILT="));
    line.unwrap().to_owned()
}

/// Runs git there, with a committer of the test's own.
fn git(sources: &Path, arguments: &[&str], seconds: i64) {
    let mut command = Command::new("git");
    command.arg("-C").arg(sources).args(arguments);
    for (name, value) in [
        ("GIT_COMMITTER_DATE", format!("{seconds} +0700")),
        ("GIT_AUTHOR_DATE", format!("{seconds} +0700")),
        ("GIT_CONFIG_GLOBAL", "/dev/null".into()),
        ("GIT_CONFIG_SYSTEM", "/dev/null".into()),
    ] {
        command.env(name, value);
    }
    for name in ["GIT_AUTHOR", "GIT_COMMITTER"] {
        command.env(format!("{name}_NAME"), "t").env(format!("{name}_EMAIL"), "t@host.test");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_day_is_what_the_packager_says_else_the_last_commit_else_the_age_of_the_archive() {
    let directory = tempfile::tempdir().unwrap();
    let script = script(directory.path());
    let sources = directory.path().join("sources");
    std::fs::create_dir(&sources).unwrap();
    let manifest = File::create(sources.join("Cargo.toml")).unwrap();
    // An unpacked archive of leap day 2024, inside somebody's checkout.
    manifest.set_modified(UNIX_EPOCH + Duration::from_secs(1_709_208_000)).unwrap();
    let around = directory.path();
    git(around, &["init", "-q"], 0);
    git(around, &["commit", "-q", "--allow-empty", "-m", "x"], 1_900_000_000);
    assert_eq!(day(&script, &sources, None), "2024-02-29");
    for (epoch, wanted) in [
        ("0", "1970-01-01"),
        ("951782399", "2000-02-28"),
        ("951782400", "2000-02-29"),
        ("1718676000", "2024-06-18"),
        ("1735689599", "2024-12-31"),
        ("1735689600", "2025-01-01"),
        ("4107542399", "2100-02-28"),
        ("4107542400", "2100-03-01"),
        ("no number", "2024-02-29"),
    ] {
        assert_eq!(day(&script, &sources, Some(epoch)), wanted, "{epoch}");
    }
    git(&sources, &["init", "-q"], 0);
    git(&sources, &["commit", "-q", "--allow-empty", "-m", "x"], 1_718_676_000);
    assert_eq!(day(&script, &sources, None), "2024-06-18");
    assert_eq!(day(&script, &sources, Some("1735689600")), "2025-01-01");
}
