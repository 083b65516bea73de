//! What the process may still do once interfaces and files are open: as good as nothing.
//!
//! Whoever can put bytes before our parsers shall find nothing worth having behind them. In this
//! order: another user than root, no capability but CAP_NET_RAW (an interface that comes back is
//! opened with it), no file but those named (Landlock), no system call but those needed
//! (seccomp). Each binds the calling thread and those it starts afterwards, so this comes before
//! the first thread. What cannot be had is said, never passed over.

mod calls;
mod held;
mod user;

use std::path::{Path, PathBuf};

use caps::{CapSet, Capability, CapsHashSet};
use landlock::{
    ABI, Access, AccessFs, BitFlags, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
    path_beneath_rules,
};

pub use held::{Held, Missing, RightsError, Who};
pub use user::LogPlace;

/// What the sensor still needs.
#[derive(Debug, Default)]
pub struct Needs {
    /// The user to become when started as root; by default `wardwatch`, if there is one.
    pub user: Option<String>,
    /// Where logs are written.
    pub log: LogPlace,
    /// Files and directories that are read again: configuration, feeds, allow lists, certificates.
    pub readable: Vec<PathBuf>,
    /// Files that are written in other directories than the log's.
    pub writable: Vec<PathBuf>,
    /// Files that are removed at the end.
    pub removable: Vec<PathBuf>,
}

/// Gives up everything that is not needed.
///
/// # Errors
/// When a capability or the user cannot be given up: the sensor must not go on as root then. What an
/// old kernel lacks is no error; it is said in [`Held::missing`].
pub fn drop_all(needs: &Needs) -> Result<Held, RightsError> {
    let mut missing = Vec::new();
    // Only matters for programs that are started, and none ever is; and it takes CAP_SETPCAP,
    // which nobody but root has, so it comes first.
    let _ = caps::clear(None, CapSet::Bounding);
    let who = user::leave_root(needs, &mut missing)?;
    let may_capture = drop_capabilities()?;
    let confined = confine_files(needs, &mut missing);
    let calls = match calls::confine() {
        Ok(number) => Some(number),
        Err(reason) => {
            missing.push(Missing::Seccomp(reason));
            None
        }
    };
    Ok(Held { who, may_capture, confined, calls, probed: probe(), missing })
}

/// Keeps CAP_NET_RAW, if it is held at all, and nothing else in any set. True if it was.
fn drop_capabilities() -> Result<bool, RightsError> {
    let failed = |error: caps::errors::CapsError| RightsError::Capabilities(error.to_string());
    let held = caps::read(None, CapSet::Permitted).map_err(failed)?;
    let kept: CapsHashSet = held.into_iter().filter(|c| *c == Capability::CAP_NET_RAW).collect();
    let _ = caps::clear(None, CapSet::Ambient);
    caps::clear(None, CapSet::Inheritable).map_err(failed)?;
    caps::set(None, CapSet::Effective, &kept).map_err(failed)?;
    caps::set(None, CapSet::Permitted, &kept).map_err(failed)?;
    Ok(!kept.is_empty())
}

/// Read again at any time: what interfaces lose, our own memory, the zone of times.
const SYSTEM: [&str; 4] = ["/sys", "/proc/self", "/etc/localtime", "/usr/share/zoneinfo"];

/// True if files are out of reach from now on.
fn confine_files(needs: &Needs, missing: &mut Vec<Missing>) -> bool {
    match landlock(needs) {
        Ok(RulesetStatus::NotEnforced) => missing.push(Missing::Landlock),
        Ok(_) => return true,
        Err(error) => missing.push(Missing::LandlockRefused(error.to_string())),
    }
    false
}

fn landlock(needs: &Needs) -> Result<RulesetStatus, landlock::RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let all = AccessFs::from_all(ABI::V5);
    let change: BitFlags<AccessFs> = all & !(AccessFs::Execute | AccessFs::IoctlDev);
    // A link is read through: what it points at is read too.
    let targets = needs.readable.iter().filter_map(|path| path.canonicalize().ok());
    let targets = targets.map(|path| reachable(&path));
    let readable = needs.readable.iter().map(|path| reachable(path)).chain(targets);
    let writable = std::iter::once(&needs.log.directory).chain(&needs.writable);
    let writable = writable.map(|path| reachable(path));
    // Landlock asks the directory whether a file in it may be removed.
    let removable = needs.removable.iter().map(|path| reachable(path));
    let status = Ruleset::default()
        .handle_access(all)?
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, read))?
        .add_rules(path_beneath_rules(readable, read))?
        .add_rules(path_beneath_rules(writable, change))?
        .add_rules(path_beneath_rules(removable, AccessFs::RemoveFile))?
        .restrict_self()?;
    Ok(status.ruleset)
}

/// What has to be named so that this file can be read again. A file that is replaced by another
/// of its name is another file, so it is its directory; but never the root of everything.
fn reachable(path: &Path) -> PathBuf {
    let directory = if path.is_dir() { path } else { directory_of(path) };
    match directory.canonicalize() {
        Ok(whole) if whole.parent().is_none() => path.to_owned(),
        _ => directory.to_owned(),
    }
}

/// The directory a file stands in.
fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// For tests: tries to open what `WARDWATCH_TEST_OPEN` names and says how that went.
#[cfg(debug_assertions)]
fn probe() -> String {
    let Ok(paths) = std::env::var("WARDWATCH_TEST_OPEN") else { return String::new() };
    let tried = paths.split(':').map(|path| match std::fs::File::open(path) {
        Ok(_) => format!("; opened {path}"),
        Err(error) => format!("; {path}: {}", error.kind()),
    });
    tried.collect()
}

#[cfg(not(debug_assertions))]
const fn probe() -> String {
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_makes_its_directory_reachable_but_never_the_root() {
        let named = |path: &str| reachable(Path::new(path));
        assert_eq!(named("/etc"), Path::new("/etc"));
        assert_eq!(named("/etc/no-such-feed.csv"), Path::new("/etc"));
        assert_eq!(named("/no-such-feed.csv"), Path::new("/no-such-feed.csv"));
        assert_eq!(named("/etc/../no-such-feed.csv"), Path::new("/etc/../no-such-feed.csv"));
    }
}
