//! What the package carries: every file is there, the configuration explains every option and
//! can be used, the scripts and the unit are sound.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

#[path = "../scripts/assets.rs"]
#[allow(dead_code)] // its main
mod assets;
use crate::support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
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

/// What a program prints, or nothing, said, where it is not installed.
fn output(command: &mut Command) -> Option<String> {
    let Ok(output) = command.output() else {
        eprintln!("SKIPPED: {:?} is not installed", command.get_program());
        return None;
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}: {said}{complained}");
    Some(said + &complained)
}

/// The files of a package with their modes, as `-rw-r--r-- ./etc/wardwatch/wardwatch.toml`.
fn contents(package: &Path) -> BTreeSet<String> {
    let list = output(Command::new("dpkg-deb").arg("--contents").arg(package)).unwrap();
    let files = list.lines().filter(|line| line.starts_with('-'));
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    files.map(words).map(|words| format!("{} {}", words[0], words[5])).collect()
}

/// The same of what the assets of `cargo deb` say.
fn contents_by_manifest(target: &Path) -> BTreeSet<String> {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let deb = &manifest["package"]["metadata"]["deb"];
    let mut files = BTreeSet::from(["-rw-r--r-- ./usr/share/doc/wardwatch/copyright".to_owned()]);
    assert!(root().join(deb["license-file"][0].as_str().unwrap()).is_file());
    for asset in deb["assets"].as_array().unwrap() {
        let [from, to, mode] = [0, 1, 2].map(|field| asset[field].as_str().unwrap());
        let place = match from.strip_prefix("target/") {
            Some(built) => target.join(built),
            None => root().join(from),
        };
        let sources = match place.to_str().unwrap().strip_suffix("*.1") {
            Some(directory) => pages_of(Path::new(directory)),
            None => vec![place],
        };
        for source in sources {
            assert!(source.is_file(), "{from}: {source:?}");
            let name = source.file_name().unwrap().to_str().unwrap();
            let name = if to.ends_with('/') { name } else { "" };
            let packed = name.ends_with(".1") || name == "changelog";
            let mode = if mode == "755" { "-rwxr-xr-x" } else { "-rw-r--r--" };
            files.insert(format!("{mode} ./{to}{name}{}", if packed { ".gz" } else { "" }));
        }
    }
    files
}

fn pages_of(directory: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "1")).collect()
}

#[test]
fn both_ways_of_packing_put_the_same_files_and_lintian_has_nothing_to_say() {
    let target = run::temporary_directory();
    let (target, binary) = (target.path(), env!("CARGO_BIN_EXE_wardwatch"));
    assets::write(&target.join("assets")).unwrap();
    std::fs::create_dir(target.join("release")).unwrap();
    for name in ["wardwatch", "wardwatch-relay", "wardwatch-import"] {
        // The relay is another package's program, which this test does not build.
        std::fs::copy(binary, target.join("release").join(name)).unwrap();
    }

    let Some(architecture) = output(Command::new("dpkg").arg("--print-architecture")) else {
        return;
    };
    let mut script = Command::new(root().join("scripts/package"));
    let programs = target.join("release");
    script.arg(architecture.trim()).arg(programs).arg(target.join("assets"));
    let script = output(script.env("CARGO_TARGET_DIR", target)).unwrap();
    let script = PathBuf::from(script.trim());
    let files = contents(&script);
    assert_eq!(files, contents_by_manifest(target));
    assert!(files.contains("-rwxr-xr-x ./usr/bin/wardwatch"), "{files:?}");
    assert!(files.contains("-rwxr-xr-x ./usr/libexec/wardwatch/wardwatch-import"), "{files:?}");
    output(Command::new("lintian").arg("--fail-on=error,warning").arg(&script));

    if output(Command::new("cargo-deb").arg("--version")).is_none() {
        return;
    }
    // cargo-deb looks for the program in CARGO_TARGET_DIR, for all else where the manifest says.
    assets::write(&root().join("target/assets")).unwrap();
    let package = target.join("cargo.deb");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["deb", "--strip", "--no-build", "--offline", "--output"]).arg(&package);
    output(cargo.current_dir(root()).env("CARGO_TARGET_DIR", target)).unwrap();
    assert_eq!(contents(&package), files);
    output(Command::new("lintian").arg("--fail-on=error,warning").arg(&package));
}

#[test]
fn the_version_of_the_package_is_that_of_the_program() {
    let first = format!("wardwatch ({}) ", env!("CARGO_PKG_VERSION"));
    assert!(read("sensor/dist/debian/changelog").starts_with(&first), "{first}");
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    assert_eq!(manifest["package"]["metadata"]["deb"]["revision"].as_str(), Some(""));
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
    let source = read("sensor/config.rs") + &read("sensor/config/spool.rs");
    let mut known = BTreeSet::new();
    for structure in
        ["File", "Section", "CaptureSection", "LogSection", "AlertSection", "LimitSection"]
    {
        let body = source.split(&format!("struct {structure} {{")).nth(1).unwrap();
        let section = match structure {
            "File" => "",
            "Section" => "spool.",
            "CaptureSection" => "capture.",
            "LogSection" => "log.",
            "AlertSection" => "alerts.",
            _ => "limits.",
        };
        for line in body.split("\n}").next().unwrap().lines() {
            if let Some((name, _)) = line.trim().split_once(':')
                && !["syslog", "metrics"].contains(&name)
            {
                known.insert(format!("{section}{name}"));
            }
        }
    }
    assert!(known.len() > 15, "{known:?}");
    assert_eq!(explained, known);
    // Options stand in paragraphs, each below its explanation.
    for paragraph in config.split("\n\n") {
        let lines = || paragraph.lines().filter(|line| line.starts_with("# "));
        let options =
            paragraph.lines().filter(|line| !line.starts_with("# ") && line.contains(" = "));
        let option = options.map(|line| line.trim_start_matches('#')).next();
        let Some(option) = option else { continue };
        assert!(lines().any(|line| !line.is_ascii()), "no Vietnamese above {option}");
        assert!(lines().any(str::is_ascii), "no English above {option}");
    }
}

/// The configuration with the threats of this tree.
fn with_threats(text: &str) -> String {
    let here = root().join("sensor/dist/threats.toml");
    text.replace("/etc/wardwatch/threats.toml", &here.display().to_string())
}

#[test]
fn the_configuration_can_be_used_as_it_is_and_with_every_default_written_out() {
    let directory = run::temporary_directory();
    let all = everything_set().replace("filter = \"\"", "filter = \"ip\"");
    for text in [read("sensor/dist/wardwatch.toml"), all] {
        let text = text.replace("interfaces = []", "interfaces = [\"no-such-if0\"]");
        let text = with_threats(&text);
        let log = format!("dir = \"{}\"\n", directory.path().display());
        let text = text.replace("#dir = \"/var/log/wardwatch\"", &log);
        let text = text.replace("dir = \"/var/log/wardwatch\"", &log);
        let config = run::put(directory.path(), "wardwatch.toml", text.as_bytes());
        let outcome = Run::new(["run", "-T", "-c"]).arg(&config).go();
        // Everything before the interface was fine, or the user of the package, if there is none.
        let wanted = ["no-such-if0", "ermission", "there is no user wardwatch"];
        assert!(wanted.iter().any(|word| outcome.stderr.contains(word)), "{}", outcome.stderr);
    }
}

#[test]
fn as_it_comes_it_says_which_line_is_missing_and_is_not_started_again() {
    let directory = run::temporary_directory();
    let text = with_threats(&read("sensor/dist/wardwatch.toml"));
    let config = run::put(directory.path(), "wardwatch.toml", text.as_bytes());
    let run = Run::new(["run", "--config"]).arg(config).arg("--log-dir").arg(directory.path());
    let outcome = run.go().expect_code(2);
    for words in ["which interface?", "interfaces under [capture]", "lo"] {
        assert!(outcome.stderr.contains(words), "{words}: {}", outcome.stderr);
    }
    assert_eq!(directive("RestartPreventExitStatus"), ["2"]);
    // Other faults may mend themselves (an interface that comes late), but not within a moment:
    // five starts within ten seconds, and systemd would give up.
    assert_eq!(directive("RestartSec"), ["5s"]);
}

#[test]
fn the_shell_understands_every_script() {
    let scripts = ["debian/postinst", "debian/prerm", "debian/postrm", "raise-interfaces"];
    let scripts = scripts.map(|name| format!("sensor/dist/{name}"));
    let ours = ["package", "package-release", "trees.sh", "try-package", "try-unit"];
    let ours = ours.map(|name| format!("scripts/{name}"));
    for script in scripts.iter().chain(&ours) {
        let shell = if script.starts_with("scripts") { "bash" } else { "sh" };
        let status = Command::new(shell).arg("-n").arg(root().join(script)).status().unwrap();
        assert!(status.success(), "{script}");
    }
}

#[test]
fn both_scripts_speak_the_language_of_the_machine() {
    // Where there is no Rust, that is the first thing they say.
    let home = run::temporary_directory();
    let said = |script: &str, lang: &str| {
        let mut command = Command::new(root().join("scripts").join(script));
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", home.path());
        let output = command.env("LANG", lang).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    if Path::new("/usr/bin/cargo").exists() {
        eprintln!("SKIPPED: this machine's own Rust is always found");
        return;
    }
    for script in ["demo", "test"] {
        assert!(said(script, "vi_VN.UTF-8").contains("Chưa cài Rust"), "{script}");
        assert!(said(script, "C.UTF-8").contains("Rust is not installed"), "{script}");
    }
}

/// Programs that tests may start without further words: those of packages that are in every Debian
/// (bash, coreutils, dash, dpkg, mount).
const EVERYWHERE: [&str; 11] =
    ["bash", "cat", "date", "dpkg", "dpkg-deb", "id", "mkfifo", "mknod", "mount", "sh", "umount"];
/// Those that a test says it does without.
const DONE_WITHOUT: [&str; 3] = ["cargo-deb", "lintian", "systemd-analyze"];

#[test]
fn tests_start_no_program_that_scripts_test_does_not_install() {
    let tools = read("scripts/machine.sh");
    let tools = tools.split_once("need_test_tools() {").unwrap().1;
    let mut rest = vec![root().join("tests")];
    let mut found = 0;
    while let Some(path) = rest.pop() {
        if path.is_dir() && !path.ends_with("target") {
            rest.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        // In a namespace too: `mirror.run("ip", ...)`.
        let starts = ["Command::new(\"", ".inside(\"", ".run(\"", "can_run(\"", ".command(\""];
        for after in starts.iter().flat_map(|start| text.split(start).skip(1)) {
            let program = after.split('"').next().unwrap();
            let installed = tools.contains(&format!(":{program}"));
            let known = EVERYWHERE.contains(&program) || DONE_WITHOUT.contains(&program);
            assert!(installed || known, "{}: {program}", path.display());
            found += 1;
        }
    }
    assert!(found > 15, "{found} found: is this test still reading what it should?");
}

/// The units of the package.
const UNITS: [&str; 2] = ["wardwatch.service", "wardwatch-relay.service"];

/// Every value that the sensor's unit gives to a directive.
fn directive(name: &str) -> Vec<String> {
    directive_of("wardwatch.service", name)
}

/// The same of a unit.
fn directive_of(unit: &str, name: &str) -> Vec<String> {
    let values = read(&format!("sensor/dist/{unit}"));
    let values = values.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    values.map(str::to_owned).collect()
}

#[test]
fn the_unit_gives_one_right_and_its_directories_to_nobody_in_particular() {
    for (name, wanted) in [
        // A static one: logs of DynamicUser= stand where nobody but root may look.
        ("DynamicUser", &[][..]),
        ("User", &["wardwatch"]),
        ("Group", &["wardwatch"]),
        ("AmbientCapabilities", &["CAP_NET_RAW"]),
        ("CapabilityBoundingSet", &["CAP_NET_RAW"]),
        ("NoNewPrivileges", &["yes"]),
        ("LogsDirectory", &[]),
        ("ReadWritePaths", &["/var/log/wardwatch"]),
        ("StateDirectory", &["wardwatch"]),
        // systemd 252 of Debian 12 knows no notify-reload; /bin/kill is a package of its own.
        ("Type", &["notify"]),
        ("ExecReload", &["/bin/sh -c 'kill -HUP \"$$MAINPID\"'"]),
        ("WatchdogSec", &["30s"]),
        ("ExecStartPre", &["-+/usr/lib/wardwatch/raise-interfaces /etc/wardwatch/wardwatch.toml"]),
        ("ExecStart", &["/usr/bin/wardwatch run --config /etc/wardwatch/wardwatch.toml"]),
    ] {
        assert_eq!(directive(name), wanted, "{name}");
    }
}

#[test]
fn the_relay_has_another_user_no_right_no_packet_and_nothing_of_the_log() {
    for (name, wanted) in [
        ("User", &["wardwatch-relay"][..]),
        ("SupplementaryGroups", &["wardwatch"]),
        ("AmbientCapabilities", &[""]),
        ("CapabilityBoundingSet", &[""]),
        ("NoNewPrivileges", &["yes"]),
        ("ReadWritePaths", &["-/var/lib/wardwatch/spool/readers/relay"]),
        ("InaccessiblePaths", &["-/var/log"]),
        ("RestrictAddressFamilies", &["AF_UNIX AF_INET AF_INET6"]),
        ("RestartPreventExitStatus", &["2"]),
    ] {
        assert_eq!(directive_of("wardwatch-relay.service", name), wanted, "{name}");
    }
    assert_eq!(directive("RestrictAddressFamilies"), ["AF_PACKET AF_UNIX AF_NETLINK"]);
    let (script, tmpfiles) = (read("sensor/dist/debian/postinst"), read("sensor/dist/tmpfiles"));
    assert!(read("sensor/dist/sysusers").contains("\nu wardwatch-relay - "));
    for (directory, mode, owner) in [
        ("/var/lib/wardwatch/spool", "2750", "wardwatch"),
        ("/var/lib/wardwatch/spool/readers", "2750", "wardwatch"),
        ("/var/lib/wardwatch/spool/readers/relay", "2750", "wardwatch-relay"),
    ] {
        let line = format!("\nd {directory} {mode} {owner} wardwatch -");
        assert!(tmpfiles.contains(&line), "{line}");
        assert!(
            script
                .contains(&format!("install -d -o {owner} -g wardwatch -m {mode} \"{directory}\"")),
            "{directory}"
        );
    }
}

#[test]
fn the_user_and_the_log_directory_are_the_same_to_systemd_and_to_the_script() {
    let script = read("sensor/dist/debian/postinst");
    assert!(read("sensor/dist/sysusers").contains("\nu wardwatch - "));
    assert!(read("sensor/dist/tmpfiles").contains("\nd /var/log/wardwatch 2750 wardwatch adm -"));
    assert!(script.contains("install -d -o wardwatch -g adm -m 2750 \"$log\""), "{script}");
    assert!(script.contains("useradd --system"), "{script}");
}

#[test]
fn the_threats_to_edit_are_the_default_and_can_be_used_when_they_are_taken_out_of_comments() {
    let text = read("sensor/dist/threats.toml");
    let plain: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let built_in = ioc_feeds::curated::threats().unwrap();
    let mut threats = built_in.clone();
    threats.replace_from(&text).unwrap();
    assert_eq!(threats, built_in, "as it comes it changes nothing");
    threats.replace_from(&plain).unwrap();
    assert!(threats.contacts.is_configured() && !built_in.contacts.is_configured());
    assert_eq!(threats.contacts.iter().count(), 2, "a chain");
    assert_ne!(threats.get("redline"), built_in.get("redline"));
}

#[test]
fn every_man_page_is_there_in_vietnamese_without_english_words() {
    let directory = run::temporary_directory();
    assets::write(directory.path()).unwrap();
    let names = |directory: &Path| -> BTreeSet<_> {
        pages_of(directory).iter().map(|page| page.file_name().unwrap().to_owned()).collect()
    };
    let vietnamese = directory.path().join("vi");
    assert_eq!(names(&vietnamese), names(directory.path()));
    for page in pages_of(&vietnamese) {
        let text = std::fs::read_to_string(&page).unwrap();
        for english in
            ["SYNOPSIS", "DESCRIPTION", "OPTIONS", "ossible values", "default: ", "Print", " an "]
        {
            assert!(!text.contains(english), "{english} in {}", page.display());
        }
    }
}

/// What Vietnamese readers were confused by, and what is said instead.
const NOT_SAID: [(&str, &str); 17] = [
    ("bộ cảm biến", "máy giám sát"),
    ("hiện trường", "hiện trạng"),
    ("tập tin", "tệp"),
    ("cổng mạng", "card mạng"),
    ("worker của", "luồng"),
    ("số worker", "số luồng"),
    ("nhiều worker", "nhiều luồng"),
    ("dạng vô hiệu hóa", "đã ngắt liên kết"),
    ("nhiều người lạ", "rất nhiều đơn vị khác"),
    ("chỉ có một nhãn", "không phải tên miền đầy đủ"),
    ("còn trùng với", "còn khớp"),
    ("mức căn cứ", "độ chắc chắn của nguồn"),
    ("phải ý là", "có phải bạn muốn ghi"),
    ("sau khung", "sau gói tin thứ"),
    ("tệp lưu lượng", "tệp bắt gói tin"),
    ("đường dẫn tương đối", "phần đường dẫn của URL"),
    ("không phát hiện liên lạc", "không thấy máy nào liên lạc"),
];

/// Is any of it written with letters that only Vietnamese has?
fn is_vietnamese(line: &str) -> bool {
    line.chars().any(|c| "ăđơưĂĐƠƯ".contains(c) || ('\u{1ea0}'..='\u{1ef9}').contains(&c))
}

#[test]
fn the_vietnamese_has_one_word_for_a_thing_wherever_it_is_said() {
    let places = ["sensor", "ioc-feeds/src", "ioc-feeds/data", "scripts", "README.vi.md"];
    let mut rest: Vec<PathBuf> = places.iter().map(|place| root().join(place)).collect();
    let mut seen = 0;
    while let Some(path) = rest.pop() {
        if path.is_dir() {
            rest.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        // Headings as other people write them.
        if path.ends_with("judge/columns.rs") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for line in text.lines().filter(|line| is_vietnamese(line)) {
            let lower = line.to_lowercase();
            for (word, instead) in NOT_SAID {
                let place = path.display();
                assert!(!lower.contains(word), "{place}: {word}, better {instead}: {line}");
            }
            seen += 1;
        }
    }
    assert!(seen > 900, "{seen} lines: is this test still reading what it should?");
}

#[test]
fn systemd_understands_every_line_of_the_unit() {
    let directory = run::temporary_directory();
    for name in UNITS {
        // The program is not installed where the tests run.
        let start = directive_of(name, "ExecStart").remove(0);
        let mut unit = read(&format!("sensor/dist/{name}")).replace(&start, "/bin/true");
        for before in directive_of(name, "ExecStartPre") {
            unit = unit.replace(&before, "-+/bin/true");
        }
        let unit = run::put(directory.path(), name, unit.as_bytes());
        let mut verify = Command::new("systemd-analyze");
        let Some(said) = output(verify.args(["verify", "--man=no"]).arg(unit)) else { return };
        assert_eq!(said.lines().find(|line| line.contains(name)), None, "{said}");
    }
}

#[test]
fn the_unit_is_hardened_as_systemd_judges() {
    let unit = root().join("sensor/dist/wardwatch.service");
    let mut analyze = Command::new("systemd-analyze");
    analyze.args(["security", "--offline=true", "--threshold=20", "--no-pager"]).arg(unit);
    let Ok(output) = analyze.output() else {
        eprintln!("SKIPPED: no systemd-analyze here");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    eprintln!("{}", said.lines().last().unwrap_or_default());
    assert!(output.status.success(), "worse than 2.0: {said}");
}
