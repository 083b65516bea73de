//! What we depend on: licences, bans and reasons, checked without the network.
//!
//! Asks `cargo metadata` for this machine's platform, so that it needs nothing that the build
//! did not need; bans are also looked for in the lock file, which holds every platform's crates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Licences that what we ship may carry. All let a public office use, change and pass it on; what
/// is not needed today is not listed.
const LICENCES: [&str; 8] =
    ["0BSD", "Apache-2.0", "BSD-3-Clause", "ISC", "MIT", "Unicode-3.0", "Zlib", "bzip2-1.0.6"];

/// Crates that must not be in the lock file at all, and why.
const BANNED: [(&str, &str); 7] = [
    ("openssl", "ring has the one cipher needed; a system library is one more thing to patch"),
    ("openssl-sys", "as openssl"),
    ("native-tls", "as openssl"),
    ("aws-lc-sys", "ring is here; one library of ciphers"),
    ("chrono", "jiff is here; one notion of dates"),
    ("async-std", "given up by its authors"),
    ("serde_yaml", "given up by its author; configuration is TOML"),
];

/// Crates that must not be in one of the programs we ship, whatever the others hold, and why.
const BANNED_FROM: [(&str, &[(&str, &str)]); 2] = [
    (
        "wardwatch",
        &[
            ("rustls", "the process that parses hostile packets speaks to nobody"),
            ("prometheus-client", "as rustls"),
            ("wardwatch-relay", "as rustls"),
            ("tokio", "threads and one bounded channel; a packet waits for no executor"),
            ("mio", "as tokio"),
            ("hyper", "as rustls"),
            ("ureq", "as rustls"),
            ("reqwest", "as rustls"),
        ],
    ),
    (
        "wardwatch-relay",
        &[
            ("pcap", "it can see no packet"),
            ("etherparse", "it reads nothing but our own records"),
            ("wardwatch", "as etherparse"),
            ("tokio", "one thread a server is enough"),
        ],
    ),
];

/// Crates that hold our parsers to account in tests and must not be in the sensor, and why. (The
/// process that reads documents has crates of its own, `nom` beneath its PDF reader among them.)
const ORACLES: [(&str, &str); 9] = [
    ("dns-parser", "an HTTPS (type 65) question is an error to it: tests/oracle.rs"),
    ("simple-dns", "strict: what stands before a damage is lost"),
    ("httparse", "strict: what a sloppy server accepts must be seen"),
    ("tls-parser", "wants whole records"),
    ("nom", "strict parsers can be evaded; ours say what stood before the damage"),
    ("time", "jiff is here; one notion of dates (rcgen of the tests has its own)"),
    ("rcgen", "a test tool"),
    ("proptest", "a test tool"),
    ("insta", "a test tool"),
];

/// Crates that the sensor has in two versions, and why none of the two can go.
const TWICE: [(&str, &str); 3] = [
    ("bitflags", "pcap 2.5 wants the first version"),
    ("errno", "pcap 2.5 wants 0.2; the others are current"),
    ("syn", "at build time only: derives of the crates below move to the third version one by one"),
];

/// Crates that run a program of their own (build.rs) while they are built: each was looked
/// through for what it starts (the compiler, and for ring its assembler) and reads.
const BUILD_SCRIPTS: [&str; 27] = [
    "constant_time_eq",
    "crc32fast",
    "crossbeam-utils",
    "encoding_rs",
    "generic-array",
    "getrandom",
    "icu_normalizer_data",
    "icu_properties_data",
    "libc",
    "nix",
    "num-traits",
    "parking_lot_core",
    "pcap",
    "portable-atomic",
    "proc-macro2",
    "prometheus-client",
    "quote",
    "ring",
    "rustix",
    "rustls",
    "rustversion",
    "serde",
    "serde_core",
    "serde_json",
    "signal-hook",
    "thiserror",
    "zmij",
];

/// What the pipeline is made of: data, arithmetic and memory. None opens a file, a socket or a clock
/// but through the standard library, whose ways out `sensor/pipeline/clippy.toml` bans; `libc`
/// comes with the random numbers of `ring`, and to call it takes `unsafe`, which the crate forbids.
const REACHES_NOTHING: [&str; 64] = [
    "aho-corasick",
    "allocator-api2",
    "arrayvec",
    "block-buffer",
    "cfg-if",
    "const-oid",
    "cpufeatures",
    "crossbeam-channel",
    "crossbeam-utils",
    "crypto-common",
    "csv",
    "csv-core",
    "digest",
    "equivalent",
    "etherparse",
    "foldhash",
    "getrandom",
    "hashbrown",
    "hybrid-array",
    "icu_collections",
    "icu_locale_core",
    "icu_normalizer",
    "icu_normalizer_data",
    "icu_properties",
    "icu_properties_data",
    "icu_provider",
    "idna",
    "idna_adapter",
    "ioc-feeds",
    "itoa",
    "jiff",
    "jiff-core",
    "libc",
    "litemap",
    "md-5",
    "memchr",
    "potential_utf",
    "psl",
    "psl-types",
    "ring",
    "ryu",
    "serde",
    "serde_core",
    "serde_spanned",
    "sha1",
    "sha2",
    "smallvec",
    "stable_deref_trait",
    "thiserror",
    "tinystr",
    "toml",
    "toml_datetime",
    "toml_parser",
    "toml_writer",
    "typenum",
    "untrusted",
    "utf8_iter",
    "utf_types",
    "winnow",
    "writeable",
    "yoke",
    "zerofrom",
    "zerotrie",
    "zerovec",
];

/// Words of a build script that would fetch something.
const FETCHES: [&str; 9] = [
    "TcpStream",
    "UdpSocket",
    "ureq",
    "reqwest",
    "curl",
    "wget",
    "git2",
    "new(\"git\")",
    "https_get",
];

/// One package of the resolved graph.
#[derive(Debug)]
struct Package {
    name: String,
    version: String,
    licence: Option<String>,
    source: Option<String>,
    /// The source of its build script.
    build_script: Option<PathBuf>,
}

/// What cargo resolved: packages by id, and the ids that are built into what we ship.
struct Graph {
    packages: BTreeMap<String, Package>,
    shipped: BTreeSet<String>,
    /// Those of them that are in the sensor's own program.
    sensor: BTreeSet<String>,
}

fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("the command starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The platform the tests run on, as `rustc` names it.
fn platform() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let text = output(Command::new(rustc).arg("-vV"));
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn metadata() -> Value {
    let json = output(cargo().args([
        "metadata",
        "--locked",
        "--offline",
        "--format-version=1",
        "--filter-platform",
        &platform(),
    ]));
    serde_json::from_str(&json).unwrap()
}

fn graph() -> Graph {
    let metadata = metadata();
    let package = |package: &Value| Package {
        name: text(&package["name"]).unwrap(),
        version: text(&package["version"]).unwrap(),
        licence: text(&package["license"]),
        source: text(&package["source"]),
        build_script: build_script(package),
    };
    let listed = metadata["packages"].as_array().unwrap();
    let packages = listed.iter().map(|one| (text(&one["id"]).unwrap(), package(one))).collect();
    let members: Vec<&str> = metadata["workspace_members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap())
        .filter(|id| !id.contains(TESTING))
        .collect();
    let packages: BTreeMap<String, Package> = packages;
    let of_sensor =
        members.iter().copied().filter(|id| packages[*id].name == "wardwatch").collect();
    let sensor = reached(&metadata, of_sensor);
    Graph { shipped: reached(&metadata, members), sensor, packages }
}

fn build_script(package: &Value) -> Option<PathBuf> {
    let targets = package["targets"].as_array()?;
    let is_script = |target: &&Value| {
        target["kind"]
            .as_array()
            .is_some_and(|kinds| kinds.iter().any(|kind| kind == "custom-build"))
    };
    Some(targets.iter().find(is_script)?["src_path"].as_str()?.into())
}

/// These packages and everything that is reached over normal and build dependencies.
fn reached<'m>(metadata: &'m Value, mut waiting: Vec<&'m str>) -> BTreeSet<String> {
    let nodes: BTreeMap<_, _> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["id"].as_str().unwrap(), node))
        .collect();
    let mut reached = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !reached.insert(id.to_owned()) {
            continue;
        }
        for dependency in nodes[id]["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            if kinds.iter().any(|kind| kind["kind"] != "dev") {
                waiting.push(dependency["pkg"].as_str().unwrap());
            }
        }
    }
    reached
}

/// Whether an SPDX expression leaves a choice that is allowed. `OR` binds weaker than `AND`; a
/// slash is the old way to write `OR`. A licence `WITH` an exception gives what it gives without.
fn allows(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let allowed = either(&mut words);
    assert!(words.next().is_none(), "`{expression}` is no licence expression");
    allowed
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(words: &mut Words<'_>) -> bool {
    let mut allowed = both(words);
    while words.next_if_eq(&"OR").is_some() {
        allowed |= both(words);
    }
    allowed
}

fn both(words: &mut Words<'_>) -> bool {
    let mut allowed = one(words);
    while words.next_if_eq(&"AND").is_some() {
        allowed &= one(words);
    }
    allowed
}

fn one(words: &mut Words<'_>) -> bool {
    let word = words.next().expect("a licence");
    if word == "(" {
        let allowed = either(words);
        assert_eq!(words.next(), Some(")"));
        return allowed;
    }
    if words.next_if_eq(&"WITH").is_some() {
        words.next().expect("an exception");
    }
    LICENCES.contains(&word)
}

#[test]
fn licence_expressions_are_weighed_by_their_words() {
    for good in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0 OR MIT",
        "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        "(MIT OR GPL-3.0) AND Unicode-3.0",
        "GPL-3.0 AND ISC OR MIT",
    ] {
        assert!(allows(good), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(GPL-3.0 OR SSPL-1.0) AND MIT", "MIT-0"] {
        assert!(!allows(bad), "{bad}");
    }
}

#[test]
fn everything_shipped_has_a_licence_we_may_pass_on() {
    let graph = graph();
    assert!(graph.shipped.len() > 50, "only {} packages were found", graph.shipped.len());
    for package in graph.shipped.iter().map(|id| &graph.packages[id]) {
        let licence = package.licence.as_deref();
        let Package { name, version, .. } = package;
        assert!(licence.is_some_and(allows), "{name} {version} is under {licence:?}");
    }
}

#[test]
fn no_licence_is_allowed_that_nobody_needs() {
    let graph = graph();
    let needed = |licence: &str| {
        let of = |id| graph.packages[id].licence.as_deref().unwrap_or_default();
        graph.shipped.iter().any(|id| of(id).contains(licence))
    };
    let idle: Vec<_> = LICENCES.into_iter().filter(|licence| !needed(licence)).collect();
    assert!(idle.is_empty(), "no longer needed: {idle:?}");
}

/// Names in the lock file, of every platform.
fn locked() -> Vec<String> {
    let lock = std::fs::read_to_string(root("Cargo.lock")).unwrap();
    let lock: toml::Table = lock.parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    packages.iter().map(|package| package["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_fuzzers_have_a_lock_file_of_the_same_dependencies() {
    // Not of the workspace, so no build here would notice that `cargo fuzz` cannot use its lock file.
    let table = |path| std::fs::read_to_string(root(path)).unwrap().parse::<toml::Table>().unwrap();
    let lock = table("tests/fuzz/Cargo.lock");
    for (package, manifest) in MANIFESTS.into_iter().filter(|(name, _)| !NOT_FUZZED.contains(name))
    {
        let manifest = table(manifest);
        // Which features the fuzzers ask for is not asked here: what is optional may be missing.
        let named = manifest["dependencies"].as_table().unwrap();
        let optional =
            |how: &toml::Value| how.get("optional").and_then(toml::Value::as_bool).unwrap_or(false);
        let needed: BTreeSet<_> =
            named.iter().filter(|(_, how)| !optional(how)).map(|(name, _)| name.as_str()).collect();
        let packages = lock["package"].as_array().unwrap();
        let of = packages.iter().find(|other| other["name"].as_str() == Some(package)).unwrap();
        // Where a crate is there twice, its version stands behind its name.
        let locked = of["dependencies"].as_array().unwrap().iter();
        let locked: BTreeSet<_> =
            locked.map(|name| name.as_str().unwrap().split(' ').next().unwrap()).collect();
        let missing: Vec<_> = needed.difference(&locked).collect();
        let idle: Vec<_> = locked.iter().filter(|name| !named.contains_key(**name)).collect();
        assert!(
            missing.is_empty() && idle.is_empty(),
            "of {package}: run `cargo metadata` in tests/fuzz; {missing:?} {idle:?}"
        );
    }
}

#[test]
fn what_is_banned_is_nowhere_and_oracles_are_not_shipped() {
    let locked = locked();
    for (name, why) in BANNED {
        assert!(!locked.iter().any(|other| other == name), "{name} is banned: {why}");
    }
    let graph = graph();
    let shipped: BTreeSet<_> =
        graph.sensor.iter().map(|id| graph.packages[id].name.as_str()).collect();
    for (name, why) in ORACLES {
        assert!(locked.iter().any(|other| other == name), "{name} is not used at all any more");
        assert!(!shipped.contains(name), "{name} must stay out of the sensor: {why}");
    }
}

#[test]
fn the_pipeline_is_made_of_nothing_that_reaches_a_file_a_socket_or_a_clock() {
    // By itself: built together with the sensor, `ioc-feeds` has its files again.
    let tree = output(cargo().args([
        "tree",
        "--locked",
        "--offline",
        "--package=wardwatch-pipeline",
        "--edges=normal,no-proc-macro",
        "--prefix=none",
        "--format={p}",
        "--target",
        &platform(),
    ]));
    let names: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    let listed: BTreeSet<_> = REACHES_NOTHING.into_iter().chain(["wardwatch-pipeline"]).collect();
    assert_eq!(names, listed, "look through the new one, then list it");
}

#[test]
fn no_program_holds_what_it_must_not_reach() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |id: &str| packages.iter().find(|one| one["id"] == id).unwrap()["name"].clone();
    for (program, banned) in BANNED_FROM {
        let id =
            packages.iter().find(|one| one["name"] == program).unwrap()["id"].as_str().unwrap();
        let held: BTreeSet<String> =
            reached(&metadata, vec![id]).iter().map(|id| text(&name(id)).unwrap()).collect();
        assert!(held.contains("wardwatch-record"), "{program}: {held:?}");
        for (other, why) in banned {
            let itself = *other == program;
            assert!(itself || !held.contains(*other), "{other} is in {program}: {why}");
        }
    }
}

#[test]
fn everything_comes_from_the_registry_or_from_this_tree() {
    for package in graph().packages.values() {
        let source = package.source.as_deref();
        assert!(
            source.is_none_or(|source| source.starts_with("registry+")),
            "{} {} comes from {source:?}; a git reference cannot be audited by version",
            package.name,
            package.version,
        );
    }
}

/// The part of a version that must not differ for two of a crate to be one.
fn line_of(version: &str) -> String {
    let mut parts = version.split('.');
    let major = parts.next().unwrap();
    match major {
        "0" => format!("0.{}", parts.next().unwrap()),
        major => major.to_owned(),
    }
}

#[test]
fn what_we_name_is_shipped_in_one_version() {
    let graph = graph();
    let mut lines: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for package in graph.sensor.iter().map(|id| &graph.packages[id]) {
        lines.entry(&package.name).or_default().insert(line_of(&package.version));
    }
    let named = manifests().into_iter().flat_map(|(_, text)| named(&text));
    for line in named {
        let versions = lines.get(line.name.as_str());
        assert!(versions.is_none_or(|of| of.len() == 1), "{}: {versions:?}", line.name);
    }
}

#[test]
fn nothing_is_shipped_in_two_versions_without_a_reason() {
    let graph = graph();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in graph.sensor.iter().map(|id| &graph.packages[id]) {
        versions.entry(&package.name).or_default().insert(&package.version);
    }
    let twice: BTreeSet<_> =
        versions.iter().filter(|(_, of)| of.len() > 1).map(|(name, _)| *name).collect();
    let reasons: BTreeSet<_> = TWICE.iter().map(|(name, _)| *name).collect();
    assert_eq!(twice, reasons, "{versions:?}");
    assert!(TWICE.iter().all(|(_, why)| why.len() > 10));
}

#[test]
fn only_build_scripts_that_are_known_are_run_and_none_fetches_anything() {
    let graph = graph();
    let mut scripts = BTreeSet::new();
    for package in graph.shipped.iter().map(|id| &graph.packages[id]) {
        // Ours asks git for the day of the last commit.
        let Some(path) = package.build_script.as_ref().filter(|_| package.source.is_some()) else {
            continue;
        };
        scripts.insert(package.name.as_str());
        let text = std::fs::read_to_string(path).unwrap();
        let found = FETCHES.iter().find(|word| text.contains(**word));
        assert_eq!(found, None, "{} {}: {}", package.name, package.version, path.display());
    }
    assert_eq!(scripts, BUILD_SCRIPTS.into(), "look through the new one, then list it");
}

#[test]
fn contributing_says_who_keeps_each_dependency_and_when_it_was_looked_at() {
    let page = std::fs::read_to_string(root("CONTRIBUTING.md")).unwrap();
    let (_, table) = page.split_once("### Who keeps them").expect("the heading");
    let named: BTreeSet<String> = manifests()
        .into_iter()
        .flat_map(|(_, text)| named(&text))
        .filter(|named| MANIFESTS.iter().all(|(ours, _)| named.name != *ours))
        .map(|named| named.name)
        .collect();
    for name in &named {
        let row = table.lines().find(|line| line.starts_with(&format!("| `{name}` ")));
        let row = row.unwrap_or_else(|| panic!("`{name}` has no row"));
        let day = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap().trim();
        assert!(ioc_feeds::Date::parse(day).is_ok_and(|date| date.day > 0), "{name}: {day}");
    }
    let table = table.split("\n## ").next().unwrap();
    let packages = graph().packages;
    for name in &named {
        // A crate may be locked in another version too, for somebody else.
        let locked = packages.values().filter(|package| package.name == *name);
        let mut is = locked.map(|package| {
            let licence = package.licence.as_deref().unwrap_or("-").replace('/', " OR ");
            (format!("| `{name}` {} |", package.version), format!("| {licence} |"))
        });
        let held = |(begin, licence): (String, String)| {
            table.lines().any(|line| line.starts_with(&begin) && line.contains(&licence))
        };
        assert!(is.any(held), "{name}: its version or licence is not the one that is locked");
    }
    let rows = table.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, named.len(), "a row of a crate that is no longer used");
}

/// A dependency as a manifest names it.
#[derive(Debug)]
struct Named {
    name: String,
    line: String,
}

fn root(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

/// Packages of this tree and their manifests.
const MANIFESTS: [(&str, &str); 7] = [
    ("wardwatch", "Cargo.toml"),
    ("wardwatch-pipeline", "sensor/pipeline/Cargo.toml"),
    ("ioc-feeds", "ioc-feeds/Cargo.toml"),
    ("wardwatch-import", "ioc-feeds/import/Cargo.toml"),
    ("wardwatch-record", "sensor/record/Cargo.toml"),
    ("wardwatch-relay", "sensor/relay/Cargo.toml"),
    (TESTING, "tests/support/Cargo.toml"),
];
/// The one that is not shipped.
const TESTING: &str = "wardwatch-testing";
/// No fuzzer is built of these.
const NOT_FUZZED: [&str; 2] = [TESTING, "wardwatch-relay"];

fn manifests() -> Vec<(&'static str, String)> {
    let read = |path| (path, std::fs::read_to_string(root(path)).unwrap());
    MANIFESTS.iter().map(|(_, path)| read(path)).collect()
}

/// The lines under the headings that hold dependencies.
fn named(manifest: &str) -> Vec<Named> {
    let (mut inside, mut found) = (false, Vec::new());
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.trim_end().ends_with("dependencies]");
        } else if let Some((name, _)) = line.split_once('=').filter(|_| inside)
            && !line.starts_with(['#', ' '])
        {
            found.push(Named { name: name.trim().to_owned(), line: line.to_owned() });
        }
    }
    found
}

#[test]
fn every_dependency_says_why_it_is_here() {
    let mut count = 0;
    for (path, text) in manifests() {
        for named in named(&text) {
            // Those of the workspace say it once, where their version stands.
            let elsewhere = ["workspace = true", "path = "].iter().any(|w| named.line.contains(w));
            let why = named.line.split_once('#').map_or("", |(_, why)| why.trim());
            assert!(elsewhere || why.len() >= 3, "{path}: `{}` does not say why", named.name);
            count += 1;
        }
    }
    assert!(count > 30, "only {count} dependencies were found");
}
