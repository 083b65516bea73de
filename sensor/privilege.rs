//! What the process may still do once interfaces and files are open: as good as nothing.
//!
//! Whoever can put bytes before our parsers shall find nothing worth having behind them. In this
//! order: another user than root, no capability but CAP_NET_RAW (an interface that comes back is
//! opened with it), no file but those named (Landlock), no system call but those needed
//! (seccomp). Each binds the calling thread and those it starts afterwards, so this comes before
//! the first thread. What cannot be had is said, never passed over.

mod calls;
mod files;
mod held;
mod trial;
mod user;

use std::path::{Path, PathBuf};

use caps::{CapSet, Capability, CapsHashSet};

pub use held::{Held, Missing, RightsError, Who};
pub use trial::{Refusal, Trial, trial};
pub use user::{LogPlace, successors};

/// What the sensor still needs.
#[derive(Debug)]
pub struct Needs {
    /// The user to become when started as root; by default `wardwatch`, if there is one.
    pub user: Option<String>,
    /// Where logs are written.
    pub log: LogPlace,
    /// Where records for other programs are written.
    pub spool: Option<LogPlace>,
    /// Files and directories that are read again, also when another file takes their name: feeds,
    /// allow lists, threats, certificates.
    pub readable: Vec<PathBuf>,
    /// Files that may be read again as they are.
    pub fixed: Vec<PathBuf>,
    /// Files that are written in other directories than the log's.
    pub writable: Vec<PathBuf>,
}

/// Gives up everything that is not needed. What a test tries afterwards is said with what is held.
///
/// # Errors
/// When a capability or the user cannot be given up: the sensor must not go on as root then. What an
/// old kernel lacks is no error; it is said in [`Held::missing`].
pub fn drop_all(needs: &Needs, also_tried: fn() -> String) -> Result<Held, RightsError> {
    let mut missing = Vec::new();
    // Only matters for programs that are started, and none ever is; and it takes CAP_SETPCAP,
    // which nobody but root has, so it comes first.
    let _ = caps::clear(None, CapSet::Bounding);
    let who = user::leave_root(needs, &mut missing)?;
    let may_capture = drop_capabilities()?;
    let mut unfollowed = Vec::new();
    let confined = files::confine(needs, &mut missing, &mut unfollowed);
    let calls = match calls::confine() {
        Ok(number) => Some(number),
        Err(reason) => {
            missing.push(Missing::Seccomp(reason));
            None
        }
    };
    Ok(Held {
        who,
        may_capture,
        confined,
        calls,
        probed: probe() + &also_tried(),
        missing,
        unfollowed,
    })
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
