//! What the process gives up before it looks at the first byte: every file, every socket, every
//! system call but those that read, write and take memory; and no more than so much memory and time.

use std::collections::BTreeMap;

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
use libc::*;
use nix::sys::resource::{Resource, setrlimit};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

/// Most memory that is addressed, in octets.
const MEMORY: u64 = 1536 * 1024 * 1024;
/// Most time of the processor, in seconds.
const SECONDS: u64 = 120;

/// What holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confined {
    /// No file can be opened (Landlock).
    pub files: bool,
    /// No socket, no program, nothing but what is listed (seccomp).
    pub calls: bool,
    /// Memory and time are bounded.
    pub bounds: bool,
}

impl Confined {
    /// Nothing is within reach: without the calls to open a file, Landlock is a second lock.
    pub const fn is_whole(self) -> bool {
        self.calls && self.bounds
    }
}

/// What remains: standard input and output, memory, an end.
const ALLOWED: &[c_long] = &[
    SYS_read,
    SYS_readv,
    SYS_write,
    SYS_writev,
    SYS_close,
    SYS_fstat,
    SYS_lseek,
    SYS_statx,
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_brk,
    SYS_futex,
    SYS_sched_yield,
    SYS_getrandom,
    SYS_clock_gettime,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_gettid,
    SYS_getpid,
    SYS_tgkill,
    SYS_exit,
    SYS_exit_group,
    SYS_restart_syscall,
    SYS_sched_getaffinity,
    SYS_fcntl,
];

/// Gives everything up. What an old kernel lacks is answered, not passed over.
pub fn confine() -> Confined {
    let bound = |what, most: u64| setrlimit(what, most, most).is_ok();
    let bounds = [
        bound(Resource::RLIMIT_AS, MEMORY),
        bound(Resource::RLIMIT_CPU, SECONDS),
        bound(Resource::RLIMIT_CORE, 0),
        bound(Resource::RLIMIT_FSIZE, 0),
        bound(Resource::RLIMIT_NOFILE, 3),
    ];
    let files = files().unwrap_or(false);
    Confined { files, calls: calls().is_ok(), bounds: bounds.iter().all(|held| *held) }
}

fn files() -> Result<bool, landlock::RulesetError> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))?
        .handle_access(AccessNet::from_all(ABI::V5))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

fn calls() -> Result<(), String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let rules: BTreeMap<_, _> = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    let refuse = SeccompAction::Errno(EPERM.unsigned_abs());
    let target = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| words(&error))?;
    let filter = SeccompFilter::new(rules, refuse, SeccompAction::Allow, target);
    let program: BpfProgram = filter.and_then(TryInto::try_into).map_err(|error| words(&error))?;
    seccompiler::apply_filter(&program).map_err(|error| words(&error))
}
