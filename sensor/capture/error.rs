//! What can go wrong with a source, in sentences that name the thing and the remedy.

use std::io;

/// How much a file that cannot be read looks like a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// It is another program's capture, or an archive that may hold one.
    Likely,
    /// Its bytes say nothing. Its name may.
    Unknown,
    /// It is something else, whatever its name says.
    None,
}

/// An operational failure of a capture source. Every variant ends a program with exit code 1,
/// except [`CaptureError::Filter`], which is a usage error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// A capture could not be opened.
    #[error("cannot open {name}: {}", describe(source))]
    Open {
        /// The file.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// Reading stopped with an error of the operating system or of the compression.
    #[error("cannot read {name} after frame {frames}: {}", describe(source))]
    Read {
        /// The file.
        name: String,
        /// Frames read before.
        frames: u64,
        /// Why.
        source: io::Error,
    },
    /// Neither pcap nor pcapng nor snoop.
    #[error(
        "{name} is not a capture: {what} (wardwatch reads pcap, pcapng and snoop, also packed \
         with gzip, zstd, xz or bzip2)"
    )]
    NotACapture {
        /// The file.
        name: String,
        /// What stands there instead.
        what: String,
        /// May it be one all the same?
        likeness: Likeness,
    },
    /// It is nothing that is opened, or it lies where nothing is looked for.
    #[error("{name} was not read: {what}")]
    NotRead {
        /// The file or directory.
        name: String,
        /// Why.
        what: String,
    },
    /// The file ends inside a record.
    #[error(
        "{name} is cut short: it ends in the middle of a record after frame {frames} \
         (everything before was read; copy the file again if it should be longer)"
    )]
    Cut {
        /// The file.
        name: String,
        /// Whole frames read before.
        frames: u64,
    },
    /// A record contradicts the format.
    #[error("{name} is damaged after frame {frames}: {what} (everything before was read)")]
    Damaged {
        /// The file.
        name: String,
        /// Whole frames read before.
        frames: u64,
        /// What is wrong.
        what: String,
    },
    /// A BPF expression does not compile.
    #[error("the filter `{expression}` cannot be used: {reason} (see `man pcap-filter`)")]
    Filter {
        /// What was asked for.
        expression: String,
        /// What libpcap says.
        reason: String,
    },
    /// An interface that does not exist.
    #[error("there is no interface {name}; this machine has: {existing}")]
    NoInterface {
        /// What was asked for.
        name: String,
        /// Those that exist, comma separated.
        existing: String,
    },
    /// No right to capture.
    #[error(
        "cannot capture on {name}: permission denied (needs CAP_NET_RAW; run it with sudo, or \
         once: sudo setcap cap_net_raw+ep $(command -v wardwatch))"
    )]
    Permission {
        /// The interface.
        name: String,
    },
    /// The interface is not up.
    #[error("cannot capture on {name}: it is switched off (sudo ip link set {name} up)")]
    SwitchedOff {
        /// The interface.
        name: String,
    },
    /// Several workers cannot share an interface.
    #[error(
        "cannot share {name} among workers: {reason}; every worker would see every packet (use \
         --workers 1)"
    )]
    Sharing {
        /// The interface.
        name: String,
        /// What the system says.
        reason: String,
    },
    /// Anything else an interface can answer.
    #[error("cannot capture on {name}: {reason}")]
    Interface {
        /// The interface.
        name: String,
        /// What the system says.
        reason: String,
    },
}

pub(crate) use wardwatch_record::describe;
