//! Where the configuration stands that no option names.

use std::path::{Path, PathBuf};

/// The configuration of the machine, read where no other is named.
const OF_THE_MACHINE: &str = "/etc/wardwatch/wardwatch.toml";
/// Names another one in its place; empty for none.
const VARIABLE: &str = "WARDWATCH_CONFIG";

/// The configuration to read: the one that was named, else that of the machine if it has one.
pub fn find(named: Option<&Path>) -> Option<PathBuf> {
    if let Some(path) = named {
        return Some(path.into());
    }
    match std::env::var_os(VARIABLE) {
        Some(path) => (!path.is_empty()).then(|| path.into()),
        // One that cannot be looked at is not passed over: answers from defaults would mislead.
        None => match Path::new(OF_THE_MACHINE).symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            _ => Some(OF_THE_MACHINE.into()),
        },
    }
}
