//! What the package carries: every file is there, the configuration explains every option and
//! can be used, the scripts and the unit are sound.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use support::run::{self, Run};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// The configuration with every default taken out of its comment.
fn everything_set() -> String {
    let uncomment = |line: &str| match line.strip_prefix('#') {
        Some(option)
            if option.starts_with(|c: char| c.is_ascii_lowercase() || "[\"".contains(c)) =>
        {
            option.to_owned()
        }
        _ => line.to_owned(),
    };
    let lines: Vec<_> = read("sensor/dist/wardwatch.toml").lines().map(uncomment).collect();
    lines.join("\n")
}

#[test]
fn every_asset_of_the_package_is_there_or_is_built() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().unwrap();
    assert!(assets.len() >= 8);
    for asset in assets {
        let from = asset[0].as_str().unwrap();
        assert!(from.starts_with("target/") || root().join(from).is_file(), "{from}");
        let script = read("scripts/package");
        let name = from.rsplit('/').next().unwrap().trim_start_matches('*');
        assert!(script.contains(name), "scripts/package lacks {from}");
    }
}

#[test]
fn the_configuration_explains_every_option_in_both_languages() {
    let config = read("sensor/dist/wardwatch.toml");
    let parsed: toml::Table = everything_set().parse().unwrap();
    let mut explained: BTreeSet<String> = parsed.keys().cloned().collect();
    // Behaviours have names of their own, which are no options.
    for (section, table) in parsed.iter().filter(|(section, _)| *section != "behaviours") {
        let first = table.as_array().and_then(|array| array.first()).unwrap_or(table);
        let keys = first.as_table().into_iter().flat_map(|table| table.keys());
        explained.extend(keys.map(|key| format!("{section}.{key}")));
    }
    // The structures that the file is read into, as their source says.
    let source = read("sensor/config.rs");
    let mut known = BTreeSet::new();
    for structure in [
        "File",
        "SyslogSection",
        "MetricsSection",
        "CaptureSection",
        "LogSection",
        "AlertSection",
        "LimitSection",
    ] {
        let body = source.split(&format!("struct {structure} {{")).nth(1).unwrap();
        let section = match structure {
            "File" => "",
            "CaptureSection" => "capture.",
            "SyslogSection" => "syslog.",
            "MetricsSection" => "metrics.",
            "LogSection" => "log.",
            "AlertSection" => "alerts.",
            _ => "limits.",
        };
        for line in body.split("\n}").next().unwrap().lines() {
            if let Some((name, _)) = line.trim().split_once(':') {
                known.insert(format!("{section}{name}"));
            }
        }
    }
    assert!(known.len() > 15, "{known:?}");
    assert_eq!(explained, known);
    let vietnamese = config.lines().filter(|line| line.starts_with("# ") && !line.is_ascii());
    assert!(vietnamese.count() >= known.len() - 5);
}

/// The configuration with certificates that are there, made for it.
fn with_certificates(text: String, directory: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(["log.example".to_owned()]).unwrap();
    let pem = run::put(directory, "one.pem", made.cert.pem().as_bytes());
    let key = run::put(directory, "one.key", made.signing_key.serialize_pem().as_bytes());
    let (pem, key) = (pem.display().to_string(), key.display().to_string());
    text.replace("/etc/wardwatch/syslog-ca.pem", &pem)
        .replace("/etc/wardwatch/syslog-client.pem", &pem)
        .replace("/etc/wardwatch/syslog-client.key", &key)
}

#[test]
fn the_configuration_can_be_used_as_it_is_and_with_every_default_written_out() {
    let directory = run::temporary_directory();
    let threats = "threats = \"/etc/wardwatch/threats.toml\"";
    let all = everything_set().replace(threats, "").replace("filter = \"\"", "filter = \"ip\"");
    let all = with_certificates(all, directory.path());
    for text in [read("sensor/dist/wardwatch.toml"), all] {
        let text = text.replace("interfaces = []", "interfaces = [\"no-such-if0\"]");
        let log = format!("dir = \"{}\"\n", directory.path().display());
        let text = text.replace("#dir = \"/var/log/wardwatch\"", &log);
        let text = text.replace("dir = \"/var/log/wardwatch\"", &log);
        let config = run::put(directory.path(), "wardwatch.toml", text.as_bytes());
        let outcome = Run::new(["run", "-T", "-c"]).arg(&config).go().expect_code(1);
        // Everything before the interface was fine.
        let wanted = ["no-such-if0", "ermission"];
        assert!(wanted.iter().any(|word| outcome.stderr.contains(word)), "{}", outcome.stderr);
    }
}

#[test]
fn the_shell_understands_every_script() {
    let scripts = ["postinst", "prerm", "postrm"].map(|name| format!("sensor/dist/debian/{name}"));
    for script in scripts.iter().map(String::as_str).chain(["scripts/package"]) {
        let shell = if script.starts_with("scripts") { "bash" } else { "sh" };
        let status = Command::new(shell).arg("-n").arg(root().join(script)).status().unwrap();
        assert!(status.success(), "{script}");
    }
}

#[test]
fn the_unit_is_hardened_as_systemd_judges() {
    let unit = root().join("sensor/dist/wardwatch.service");
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(["security", "--offline=true", "--threshold=25", "--no-pager"]).arg(unit);
    let Ok(output) = analyze.output() else {
        eprintln!("SKIPPED: no systemd-analyze here");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    eprintln!("{}", said.lines().last().unwrap_or_default());
    assert!(output.status.success(), "worse than 2.5: {said}");
}
