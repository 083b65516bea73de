//! Warning lists as MISP publishes them, read as they are: names and networks of the honest, which a
//! feed must not bring in without a word.
//!
//! A directory of `NAME/list.json` or `*.json`. A list of hashes or patterns says nothing of names and
//! is passed over.

use std::fs;
use std::path::{Path, PathBuf};

use ioc_feeds::file;
use ioc_feeds::known::Lists;
use serde::Deserialize;

use super::ConfigError;
use crate::lang::Said;

/// Largest list read, in octets: a million names.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A list, as far as it matters here.
#[derive(Deserialize)]
struct List {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    matching_attributes: Vec<String>,
    list: Vec<String>,
}

/// Reads every list of a directory and compares what is loaded from now on with them.
///
/// # Errors
/// When the directory cannot be listed or a list in it cannot be read.
pub(super) fn publish(directory: &Path) -> Result<(), ConfigError> {
    let mut lists = Lists::default();
    for path in paths(directory).map_err(|error| wrong(directory, &error.to_string()))? {
        let bytes = file::read(&path, LARGEST).map_err(|error| wrong(&path, &error.to_string()))?;
        let list = serde_json::from_slice(&bytes);
        let list: List = list.map_err(|error| wrong(&path, &error.to_string()))?;
        add(&list, &mut lists);
    }
    if lists.is_empty() {
        return Err(wrong(directory, "there is no list of names or networks in it"));
    }
    lists.publish();
    Ok(())
}

fn add(list: &List, lists: &mut Lists) {
    let about = |attribute: &String| {
        ["domain", "hostname", "ip-src", "ip-dst", "url"].contains(&attribute.as_str())
    };
    if !list.matching_attributes.is_empty() && !list.matching_attributes.iter().any(about) {
        return;
    }
    for text in &list.list {
        match list.kind.as_str() {
            "cidr" => lists.add_network(text),
            "string" | "hostname" | "" => lists.add_network(text) || lists.add_name(text),
            _ => false,
        };
    }
}

/// The lists of a directory, in order of name.
fn paths(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let inner = path.join("list.json");
        if path.extension().is_some_and(|end| end == "json") {
            found.push(path);
        } else if inner.is_file() {
            found.push(inner);
        }
    }
    found.sort();
    Ok(found)
}

fn wrong(path: &Path, reason: &str) -> ConfigError {
    let path = path.display();
    ConfigError::Value(Said::new(
        format!("warning_lists: không đọc được {path}: {reason}"),
        format!("warning_lists: cannot read {path}: {reason}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_networks_of_a_list_are_taken_and_hashes_are_not() {
        let mut lists = Lists::default();
        for text in [
            r#"{"type":"hostname","list":["a.example","*.b.example","com","not a name"]}"#,
            r#"{"type":"cidr","matching_attributes":["ip-dst"],"list":["203.0.113.0/24","::1"]}"#,
            r#"{"type":"string","matching_attributes":["md5"],"list":["c.example"]}"#,
            r#"{"type":"regex","list":["^d\\.example$"]}"#,
            r#"{"name":"x","version":3,"list":["203.0.113.7","e.example"]}"#,
        ] {
            add(&serde_json::from_str(text).unwrap(), &mut lists);
        }
        assert_eq!(lists.len(), 6);
    }

    #[test]
    fn lists_are_found_as_files_and_in_directories_of_their_own() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("tranco")).unwrap();
        for name in ["tranco/list.json", "own.json", "README.md"] {
            fs::write(place.path().join(name), "{}").unwrap();
        }
        let found = paths(place.path()).unwrap();
        let names: Vec<_> = found.iter().map(|p| p.strip_prefix(place.path()).unwrap()).collect();
        assert_eq!(names, [Path::new("own.json"), Path::new("tranco/list.json")]);
        let error = publish(place.path()).unwrap_err().to_string();
        assert!(error.contains("own.json") && error.contains("missing field"), "{error}");
    }
}
