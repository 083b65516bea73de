//! Builds stages and threads, waits, joins. The only module that knows all of them, and beside
//! `capture` the only one that may look at the machine's clock.

#[cfg(feature = "live")]
mod at_work;
pub mod clock;
#[cfg(feature = "live")]
mod desk;
#[cfg(feature = "live")]
mod health;
pub mod indicators;
#[cfg(feature = "live")]
pub mod keep;
#[cfg(feature = "live")]
mod ledger;
#[cfg(feature = "live")]
pub mod notices;
#[cfg(feature = "live")]
pub mod notify;
#[cfg(feature = "live")]
mod post;
#[cfg(feature = "live")]
mod reload;
#[cfg(feature = "live")]
pub mod reminder;
#[cfg(feature = "live")]
pub mod run;
pub mod scan;
#[cfg(feature = "live")]
mod told;
#[cfg(feature = "live")]
mod trouble;
#[cfg(feature = "live")]
mod wishes;
mod words;
pub mod writer;

use std::path::PathBuf;

use crate::capture::CaptureError;
use crate::config::ConfigError;

/// Why a command could not do what it was asked. [`AppError::exit_code`] says how it ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// Usage or configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A source of frames.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// A feed that was named cannot be loaded.
    #[error(transparent)]
    Feed(#[from] ioc_feeds::format::FeedError),
    /// An allow list that was named cannot be loaded.
    #[error("{}", crate::lang::allow_list(crate::lang::Language::En, .0))]
    AllowList(ioc_feeds::format::FeedError),
    /// A document or list that is imported cannot be dealt with as asked.
    #[error("{}", .0.in_language(crate::lang::Language::En))]
    Import(crate::lang::Said),
    /// Nothing to match: a sensor without indicators would look like a clean network.
    #[error("no indicator is loaded, so nothing could ever be found; load some with --feeds FILE")]
    NoIndicators,
    /// A directory holds no capture.
    #[error("there is no capture in {}", path.display())]
    NoCapture {
        /// The directory.
        path: PathBuf,
    },
    /// The log cannot be written.
    #[error("cannot write {}: {reason}; alerts would be lost, so wardwatch does not start", path.display())]
    Log {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file is to be made in a directory that is not there.
    #[error("cannot write {}: the directory {} is missing; make it first (mkdir -p)", path.display(), directory.display())]
    NoDirectory {
        /// The file.
        path: PathBuf,
        /// Its directory.
        directory: PathBuf,
    },
    /// Another sensor writes its log in the directory.
    #[error(
        "another wardwatch ({}) writes its log in {} already; stop it, or give this one a log \
         directory of its own (--log-dir)",
        first.as_ref().map_or_else(|| "it does not say which".into(), |(number, since)| format!("process {number}, since {since}")),
        directory.display()
    )]
    InUse {
        /// The directory.
        directory: PathBuf,
        /// The other's process number, and since when it runs, if it says so.
        first: Option<(u32, String)>,
    },
    /// No interface was named.
    #[error(
        "which interface? name one with -i, or with interfaces under [capture] in the configuration; this machine has: {0}"
    )]
    WhichInterface(String),
    /// Rights that are not needed cannot be given up.
    #[cfg(feature = "live")]
    #[error("{0}; wardwatch does not run with more rights than it needs")]
    Privilege(crate::privilege::RightsError),
    /// The system refused something.
    #[error("{what}: {reason}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        reason: String,
    },
}

impl AppError {
    /// 2 for usage and configuration, 1 for everything else.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_)
            | Self::NoIndicators
            | Self::WhichInterface(_)
            | Self::Feed(_)
            | Self::Import(_)
            | Self::AllowList(_)
            | Self::Capture(CaptureError::Filter { .. }) => 2,
            Self::Capture(_)
            | Self::NoCapture { .. }
            | Self::Log { .. }
            | Self::NoDirectory { .. }
            | Self::InUse { .. }
            | Self::System { .. } => 1,
            #[cfg(feature = "live")]
            Self::Privilege(_) => 1,
        }
    }
}
