//! What the process holds, what protection it lacks, and why it could not give something up. Displayed
//! in English; other languages are `app`'s to say.

use std::fmt;
use std::path::PathBuf;

/// Whom the process runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// This user.
    User(String),
    /// Root's number, without root's rights.
    RootInNumber,
}

/// What the process holds from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// As whom.
    pub who: Who,
    /// CAP_NET_RAW, or no capability at all.
    pub may_capture: bool,
    /// Are files out of reach by Landlock?
    pub confined: bool,
    /// System calls that remain, if seccomp could be had.
    pub calls: Option<usize>,
    /// What a test tried; else empty.
    pub(super) probed: String,
    /// Protections that could not be had.
    pub missing: Vec<Missing>,
    /// Files whose directory stays closed because it holds much else: one that takes their name is
    /// not seen before a restart.
    pub unfollowed: Vec<PathBuf>,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.who {
            Who::User(name) => write!(f, "user {name}")?,
            Who::RootInNumber => f.write_str("user root without its rights")?,
        }
        f.write_str(if self.may_capture { ", CAP_NET_RAW" } else { ", no capability" })?;
        f.write_str(if self.confined { ", Landlock" } else { ", no Landlock" })?;
        match self.calls {
            Some(number) => write!(f, ", seccomp ({number} system calls)")?,
            None => f.write_str(", no seccomp")?,
        }
        f.write_str(&self.probed)
    }
}

/// A protection that could not be had; displayed with its remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// Nobody but root can write the log.
    #[error(
        "no other user than root can write {log}, so the process keeps root's number; make a user and \
         give it the directory: useradd --system wardwatch && chown -R wardwatch {log}"
    )]
    User {
        /// The log's directory.
        log: PathBuf,
    },
    /// The kernel has none.
    #[error(
        "this kernel has no Landlock, so every file of this user stays reachable; Linux 5.13 or \
         later has it (boot with lsm=landlock,...)"
    )]
    Landlock,
    /// It has one, and refuses.
    #[error("Landlock refused: {0}")]
    LandlockRefused(String),
    /// System calls stay as they are.
    #[error("no seccomp filter: {0}")]
    Seccomp(String),
}

/// A right that cannot be given up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RightsError {
    /// The groups of root.
    #[error("cannot leave root's groups: {0}")]
    Groups(String),
    /// The user of the configuration does not exist.
    #[error("there is no user {0} (user in the configuration): useradd --system {0}")]
    NoUser(String),
    /// The number of root.
    #[error("cannot become user {user}: {reason}")]
    Become {
        /// Who was to be.
        user: String,
        /// What the system says.
        reason: String,
    },
    /// Capabilities.
    #[error("cannot give up capabilities: {0}")]
    Capabilities(String),
}
