//! The sources keep their own rules: data flows one way, one clock, no `unsafe`, no unfinished
//! ends. Reads the text under `sensor/`; `sensor/lib.rs` says why each rule is there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // helpers outside #[test]
#![allow(clippy::print_stderr, clippy::disallowed_methods)] // a test may speak and look at the clock

use std::fs;
use std::path::{Path, PathBuf};

/// Stages in the order bytes travel: each imports itself and what stands before it.
const STAGES: [&str; 17] = [
    "panics",
    "bounded",
    "net",
    "frame",
    "stats",
    "observation",
    "capture",
    "decode",
    "flow",
    "extract",
    "matching",
    "alert",
    "directory",
    "lang",
    "enrich",
    "history",
    "sink",
];

/// Modules beside the line of stages, and what each may import.
const OTHERS: [(&str, &[&str]); 7] = [
    ("privilege", &["directory"]),
    (
        "worker",
        &[
            "panics",
            "bounded",
            "net",
            "frame",
            "stats",
            "observation",
            "decode",
            "flow",
            "extract",
            "matching",
            "alert",
        ],
    ),
    ("config", &["*", "worker"]),
    ("cli", &["*", "config"]),
    ("app", &["*", "worker", "config", "privilege"]),
    ("command", &["*", "worker", "config", "privilege", "cli", "app"]),
    ("main", &["command"]),
];

/// Most lines of a file, its tests left out.
const MOST_LINES: usize = 500;
/// The only file that may hold `unsafe`.
const UNSAFE_FILE: &str = "capture/fanout.rs";
/// The crate that holds stages 2 to 6, below `sensor/`.
const PIPELINE: &str = "pipeline/src/";
/// What no source of [`PIPELINE`] may name, whether its clippy.toml knows the item or not.
const UNREACHABLE: [(&str, &[&str]); 2] = [
    ("std::", &["env", "fs", "io", "os", "process", "thread", "time"]),
    ("ioc_feeds::", &["file"]),
];
/// The only places that may ask the machine's clock.
const CLOCK_PLACES: [&str; 3] = ["capture/", "app/", "app.rs"];

/// One source: its path below `sensor/` and its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// `["extract", "dns", "walk"]` for `extract/dns/walk.rs`, in whichever crate it is.
    fn module(&self) -> Vec<&str> {
        let path = self.path.strip_suffix(".rs").unwrap();
        let path = path.strip_prefix(PIPELINE).unwrap_or(path);
        path.strip_suffix("/mod").unwrap_or(path).split('/').collect()
    }

    /// Files that `#[cfg(test)]` declares in their parents.
    fn is_test(&self) -> bool {
        let module = self.module();
        ["tests", "testing", "test_bytes"].iter().any(|name| module.contains(name))
    }

    /// The code without comments, texts in quotes and the inline module of tests.
    fn code(&self) -> String {
        let code = without_comments_and_texts(&self.text);
        let mut from = 0;
        while let Some(at) = code[from..].find("#[cfg(test)]").map(|at| at + from) {
            let rest = code[at + "#[cfg(test)]".len()..].trim_start();
            let head = &rest[..rest.find(['{', ';']).unwrap_or(rest.len())];
            if rest[head.len()..].starts_with('{') && head.contains("mod ") {
                return code[..at].to_owned(); // by habit the last thing in a file
            }
            from = at + 1;
        }
        code
    }

    /// Top-level modules that this file imports or names, through `crate::` and `super::`.
    fn imports(&self) -> Vec<String> {
        // To the binary the library is another crate.
        let code = match self.path.as_str() {
            "main.rs" => self.code().replace("wardwatch::", "crate::"),
            _ => self.code(),
        };
        let mut found = Vec::new();
        for (at, _) in code.match_indices("crate::").filter(|(at, _)| begins_word(&code, *at)) {
            found.extend(first_segments(&code[at + "crate::".len()..]));
        }
        let depth = self.module().len();
        for (at, _) in code.match_indices("super::").filter(|(at, _)| begins_word(&code, *at)) {
            let (mut rest, mut ups) = (&code[at..], 0);
            while let Some(more) = rest.strip_prefix("super::") {
                (rest, ups) = (more, ups + 1);
            }
            // The first `super` of a chain counts the others, so a later one never reaches the root.
            if ups >= depth {
                found.extend(first_segments(rest));
            }
        }
        found.retain(|name| is_module(name));
        found.sort();
        found.dedup();
        found
    }

    /// Everything in this file that is against the rules.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let code = self.code();
        if !self.text.starts_with("//! ") {
            faults.push("does not begin with a `//!` line that says what it owns".to_owned());
        }
        let lines = code.trim_end().lines().count();
        if lines > MOST_LINES {
            faults.push(format!("has {lines} lines without tests; the most is {MOST_LINES}"));
        }
        for word in ["todo!", "unimplemented!", "dbg!"] {
            if has_word(&code, word) {
                faults.push(format!("holds `{word}`"));
            }
        }
        if self.path != UNSAFE_FILE && has_word(&code, "unsafe") {
            faults.push(format!("holds `unsafe`; only {UNSAFE_FILE} may"));
        }
        if !CLOCK_PLACES.iter().any(|place| self.path.starts_with(place)) {
            for clock in ["Instant::now", "SystemTime::now"] {
                if has_word(&code, clock) {
                    faults.push(format!("asks `{clock}`; the only time is the packet's"));
                }
            }
        }
        if self.path.starts_with(PIPELINE) {
            let reached = UNREACHABLE.iter().flat_map(|(of, names)| reached(&code, of, names));
            faults.extend(
                reached.map(|name| format!("names `{name}`; the pipeline reaches nothing")),
            );
        }
        faults.extend(self.backward_imports());
        faults.iter().map(|fault| format!("sensor/{}: {fault}", self.path)).collect()
    }

    fn backward_imports(&self) -> Vec<String> {
        let module = self.module()[0];
        if module == "lib" {
            return Vec::new();
        }
        let Some(allowed) = may_import(module) else {
            return vec![format!("`{module}` has no place yet; give it one in this test")];
        };
        let of_library = self.code().contains("wardwatch::") && module != "main";
        let naming = of_library.then(|| "names itself `wardwatch::`; write `crate::`".to_owned());
        let backward = self
            .imports()
            .into_iter()
            .filter(|name| name != module && !allowed.contains(&name.as_str()))
            .map(|name| format!("`{module}` may not import `{name}`"));
        backward.chain(naming).collect()
    }
}

/// Those `names` of a crate, `of`, that code takes in or names in passing.
fn reached(code: &str, of: &str, names: &[&str]) -> Vec<String> {
    let paths = code.match_indices(of).filter(|(at, _)| begins_word(code, *at));
    let first = paths.flat_map(|(at, _)| first_segments(&code[at + of.len()..]));
    first.filter(|name| names.contains(&name.as_str())).map(|name| format!("{of}{name}")).collect()
}

/// What a top-level module may import; `*` of [`OTHERS`] is every stage.
fn may_import(module: &str) -> Option<Vec<&'static str>> {
    if let Some(place) = STAGES.iter().position(|stage| *stage == module) {
        return Some(STAGES[..place].to_vec());
    }
    let (_, listed) = OTHERS.iter().find(|(name, _)| *name == module)?;
    let every = listed.contains(&"*").then_some(STAGES).into_iter().flatten();
    Some(every.chain(listed.iter().copied()).collect())
}

fn is_module(name: &str) -> bool {
    STAGES.contains(&name) || OTHERS.iter().any(|(other, _)| *other == name)
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn begins_word(code: &str, at: usize) -> bool {
    !code[..at].ends_with(is_word)
}

fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word)
        .any(|(at, _)| begins_word(code, at) && !code[at + word.len()..].starts_with(is_word))
}

/// The first names of a path, or of every path of a `{...}` group.
fn first_segments(path: &str) -> Vec<String> {
    let Some(group) = path.strip_prefix('{') else {
        return vec![path.chars().take_while(|letter| is_word(*letter)).collect()];
    };
    let (mut names, mut depth, mut name, mut done) = (Vec::new(), 0, String::new(), false);
    for letter in group.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(std::mem::take(&mut name));
                done = false;
            }
            letter if depth == 0 && !done && is_word(letter) => name.push(letter),
            letter if depth == 0 && !letter.is_whitespace() => done = true,
            _ => {}
        }
    }
    names.push(name);
    names
}

/// Blanks comments, and texts and letters in quotes, keeping line ends.
fn without_comments_and_texts(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let raw = rest.strip_prefix('r').filter(|_| !out.ends_with(is_word));
        let hashes = raw.map_or(0, |raw| raw.len() - raw.trim_start_matches('#').len());
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |at| at + 2)
        } else if raw.is_some_and(|raw| raw[hashes..].starts_with('"')) {
            let close = format!("\"{}", "#".repeat(hashes));
            let body = 2 + hashes;
            rest[body..].find(&close).map_or(rest.len(), |at| body + at + close.len())
        } else if letter == '"' {
            quoted(rest, '"').unwrap_or(rest.len())
        } else if letter == '\''
            && (rest[1..].starts_with('\\') || rest.chars().nth(2) == Some('\''))
        {
            quoted(rest, '\'').unwrap_or(rest.len())
        } else {
            out.push(letter);
            rest = &rest[letter.len_utf8()..];
            continue;
        };
        out.extend(rest[..length].chars().filter(|letter| *letter == '\n'));
        out.push(' ');
        rest = &rest[length..];
    }
    out
}

/// Where a quoted text at the start of `rest` ends; a backslash guards the next letter.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut guarded = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if guarded => guarded = false,
            '\\' => guarded = true,
            letter if letter == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.join("Cargo.toml").exists() {
            continue; // a crate of its own, whose edges Cargo holds
        }
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn root(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

fn sensor() -> Vec<Source> {
    let sensor = root("sensor");
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&sensor).unwrap().to_str().unwrap().replace('\\', "/");
        Source::new(&name, &fs::read_to_string(&path).unwrap())
    };
    sources(&sensor).into_iter().map(read).collect()
}

#[test]
fn every_source_of_the_sensor_keeps_the_rules() {
    let sources = sensor();
    assert!(sources.len() > 80, "only {} sources were found", sources.len());
    let faults: Vec<_> =
        sources.iter().filter(|source| !source.is_test()).flat_map(Source::faults).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_stage_that_has_a_place_is_named_in_the_architecture_document() {
    let document = fs::read_to_string(root("sensor/lib.rs")).unwrap();
    let is_there = |stage: &str| {
        ["sensor", "sensor/pipeline/src"].iter().any(|house| root(house).join(stage).is_dir())
    };
    for stage in STAGES.iter().filter(|stage| is_there(stage)) {
        assert!(document.contains(stage), "sensor/lib.rs does not draw `{stage}`");
    }
}

#[test]
fn the_pipeline_names_nothing_that_reaches_out() {
    let fault = "names `std::fs`; the pipeline reaches nothing";
    for code in ["use std::{fmt, fs};", "use std::fs::File;", "fn f() { std::fs::exists(\"/\"); }"]
    {
        assert_eq!(
            faults("pipeline/src/flow/table.rs", code),
            [format!("sensor/pipeline/src/flow/table.rs: {fault}")],
            "{code}"
        );
        assert_eq!(faults("sink/text.rs", code), [""; 0], "{code}");
    }
    assert_eq!(faults("pipeline/src/net.rs", "use std::net::Ipv4Addr;"), [""; 0]);
    assert_eq!(faults("pipeline/src/flow/table.rs", "use crate::alert::Alert;").len(), 1);
}

#[test]
fn every_file_of_tests_belongs_to_a_binary() {
    let manifest = fs::read_to_string(root("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let binaries = manifest["test"].as_array().unwrap().iter();
    let mut reached: Vec<_> =
        binaries.map(|test| test["path"].as_str().unwrap().to_owned()).collect();
    for binary in reached.clone() {
        let text = fs::read_to_string(root(&binary)).unwrap();
        let modules = text.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
        reached.extend(modules.map(|module| format!("tests/{module}.rs")));
    }
    for file in fs::read_dir(root("tests")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let is_there = !name.ends_with(".rs") || reached.contains(&format!("tests/{name}"));
        assert!(
            is_there,
            "tests/{name} is never run: write `mod` and its name into tests/traffic.rs or \
             tests/program.rs, and `use crate::support;` into it"
        );
    }
}

#[test]
fn indicators_know_no_packet() {
    for path in sources(&root("ioc-feeds/src")) {
        let code = without_comments_and_texts(&fs::read_to_string(&path).unwrap());
        assert!(!has_word(&code, "wardwatch"), "{} names the sensor", path.display());
    }
    let manifest = fs::read_to_string(root("ioc-feeds/Cargo.toml")).unwrap();
    assert!(!manifest.contains("path = "), "ioc-feeds depends on something of ours");
}

fn faults(path: &str, code: &str) -> Vec<String> {
    Source::new(path, &format!("//! Head.\n{code}")).faults()
}

#[test]
fn a_backward_import_is_found_however_it_is_written() {
    for code in [
        "use crate::alert::Alert;",
        "use crate::{\n    net::Endpoint,\n    alert::{Alert, Throttle},\n};",
        "fn f(a: &crate::alert::Alert) {}",
        "use super::super::alert::Alert;",
        "pub(crate) use crate::alert as later;",
    ] {
        let found = faults("pipeline/src/extract/dns.rs", code);
        assert_eq!(
            found,
            ["sensor/pipeline/src/extract/dns.rs: `extract` may not import `alert`"],
            "{code}"
        );
    }
    assert_eq!(faults("pipeline/src/flow/mod.rs", "use super::sink::Sink;").len(), 1);
    assert_eq!(faults("pipeline/src/decode/mod.rs", "use crate::lang::Phrase;").len(), 1);
    assert_eq!(faults("sink/text.rs", "use crate::app::AppError;").len(), 1);
    assert_eq!(faults("main.rs", "use wardwatch::app::AppError;").len(), 1);
    assert_eq!(faults("newcomer.rs", "").len(), 1);
}

#[test]
fn forward_imports_comments_texts_and_tests_are_no_fault() {
    for (path, code) in [
        (
            "pipeline/src/extract/dns.rs",
            "use crate::flow::Chunk; use super::Verdict; use super::super::net::Side;",
        ),
        ("pipeline/src/extract/dns/walk.rs", "use super::super::Verdict;"),
        (
            "pipeline/src/extract/dns.rs",
            "// unlike crate::alert\nconst A: &str = \"crate::sink todo!\";",
        ),
        (
            "pipeline/src/extract/dns.rs",
            "const A: &str = r#\"unsafe \"crate::sink\"#; const B: char = '\"';",
        ),
        ("pipeline/src/extract/dns.rs", "#[cfg(test)]\nmod tests {\n    use crate::sink::Sink;\n}"),
        ("pipeline/src/extract/dns.rs", "#[cfg(test)]\nmod tests;\nuse crate::net::Side;"),
        ("sink/text.rs", "use crate::lang; use crate::enrich::Enricher;"),
        ("pipeline/src/worker.rs", "use crate::alert::Outbox;"),
        ("capture/live.rs", "fn now() { SystemTime::now(); }"),
        ("main.rs", "fn main() { wardwatch::command::main() }"),
    ] {
        assert_eq!(faults(path, code), [""; 0], "{code}");
    }
}

#[test]
fn unfinished_ends_clocks_and_unsafe_are_found() {
    for code in
        ["fn f() { todo!() }", "fn f() { dbg!(1); }", "fn f() { Instant::now(); }", "unsafe {}"]
    {
        assert_eq!(faults("pipeline/src/flow/table.rs", code).len(), 1, "{code}");
    }
    assert_eq!(faults("pipeline/src/flow/table.rs", &"fn f() {}\n".repeat(MOST_LINES)).len(), 1);
    assert_eq!(Source::new("pipeline/src/flow/table.rs", "use std::fmt;").faults().len(), 1);
}

/// Where a file may be opened by its path, and why it is no harm there. Everywhere else a file that
/// is read goes through `ioc_feeds::file`, and one that is written through `directory`.
const OPENERS: [(&str, &str); 5] = [
    ("capture/", "captures are looked at before they are opened, by their own rules"),
    ("app/desk.rs", "/proc/self/statm"),
    ("command/doctor/", "/sys"),
    ("privilege", "tries as the new user what that user may do"),
    ("sink/target.rs", "descriptors of our own, and a user's own file"),
];

#[test]
fn files_are_opened_only_where_links_pipes_and_devices_are_thought_of() {
    let ways = ["File::open(", "File::create(", "File::options(", "OpenOptions", "fs::read("];
    let ways = [&ways[..], &["fs::read_to_string(", "fs::write(", "fs::copy("]].concat();
    let uses = |code: &str, way: &str| code.match_indices(way).any(|(at, _)| begins_word(code, at));
    let mut faults = Vec::new();
    for source in sensor().iter().filter(|source| !source.is_test()) {
        if OPENERS.iter().any(|(place, _)| source.path.starts_with(place)) {
            continue;
        }
        let code = source.code();
        let used = ways.iter().filter(|way| uses(&code, way));
        faults.extend(used.map(|way| format!("sensor/{}: {way}", source.path)));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    for (place, _) in OPENERS {
        let used = |source: &Source| ways.iter().any(|way| uses(&source.code(), way));
        let mut there = sensor().into_iter().filter(|source| source.path.starts_with(place));
        assert!(there.any(|source| used(&source)), "nothing is opened in {place} any more");
    }
}
