//! The system calls that remain: what libpcap, threads, files and signals need.
//!
//! Anything else answers "not permitted": no connection is made or taken, no program is started, no process traced, no user or
//! capability changed, no file system mounted, no module loaded. An answer, and not the end of
//! the process: a sensor that a library's new habit kills is a sensor that is silent.

use libc::{c_long, *};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// In groups, so that a reader sees why.
const ALLOWED: &[&[c_long]] = &[
    // Reading and writing what is open.
    &[SYS_read, SYS_readv, SYS_pread64, SYS_write, SYS_writev, SYS_pwrite64, SYS_lseek, SYS_close],
    &[SYS_fcntl, SYS_dup, SYS_dup3, SYS_pipe2, SYS_eventfd2, SYS_fstat, SYS_statx, SYS_newfstatat],
    &[SYS_fsync, SYS_fdatasync, SYS_sync_file_range, SYS_ftruncate, SYS_fallocate, SYS_flock],
    // Files: feeds read again, logs rotated. Landlock says which.
    &[SYS_openat, SYS_faccessat, SYS_faccessat2, SYS_readlinkat, SYS_getdents64, SYS_getcwd],
    &[SYS_renameat, SYS_renameat2, SYS_unlinkat, SYS_mkdirat, SYS_linkat, SYS_fchmod],
    &[SYS_fchmodat, SYS_utimensat, SYS_statfs, SYS_fstatfs, SYS_umask],
    // Memory.
    &[SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_brk, SYS_membarrier],
    // Threads and their ends.
    &[SYS_clone, SYS_clone3, SYS_futex, SYS_set_robust_list, SYS_rseq, SYS_sched_yield],
    &[SYS_sched_getaffinity, SYS_exit, SYS_exit_group, SYS_set_tid_address, SYS_prctl],
    &[SYS_gettid, SYS_getpid, SYS_getppid, SYS_tgkill, SYS_restart_syscall, SYS_prlimit64],
    // Signals.
    &[SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigtimedwait],
    &[SYS_sigaltstack, SYS_kill],
    // Waiting and time.
    &[SYS_ppoll, SYS_pselect6, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait],
    &[SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday],
    // Sockets that are open: packets in.
    &[SYS_shutdown, SYS_setsockopt, SYS_getsockopt, SYS_getsockname, SYS_getpeername, SYS_ioctl],
    &[SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg],
    // Facts.
    &[SYS_uname, SYS_sysinfo, SYS_getrusage, SYS_getrandom, SYS_getuid, SYS_geteuid],
    &[SYS_getgid, SYS_getegid],
];

/// The older spellings that x86 has beside those above.
#[cfg(target_arch = "x86_64")]
const OLD: &[c_long] = &[
    SYS_open,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_rename,
    SYS_unlink,
    SYS_mkdir,
    SYS_poll,
    SYS_select,
    SYS_epoll_wait,
    SYS_pipe,
    SYS_dup2,
    SYS_time,
    SYS_chmod,
    SYS_arch_prctl,
    SYS_getdents,
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[c_long] = &[];

/// Families of sockets that may be made: packets, and what libpcap asks interfaces by. None of them
/// reaches another machine but AF_PACKET, on which nothing can be sent here.
const FAMILIES: [c_int; 3] = [AF_PACKET, AF_NETLINK, AF_UNIX];

/// Calls that remain for some of their uses: sockets of [`FAMILIES`], bound only to the address of an
/// interface, which is as long as no other.
fn narrowed() -> Result<Vec<(c_long, Vec<SeccompRule>)>, seccompiler::BackendError> {
    let is = |argument, value| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
    };
    let family = |family: c_int| SeccompRule::new(vec![is(0, u64::from(family.unsigned_abs()))?]);
    let families: Result<Vec<_>, _> = FAMILIES.into_iter().map(family).collect();
    let address = size_of::<sockaddr_ll>() as u64;
    Ok(vec![(SYS_socket, families?), (SYS_bind, vec![SeccompRule::new(vec![is(2, address)?])?])])
}

/// Binds this thread and those it starts. Sets `NoNewPrivs` too. Answers how many calls remain.
pub(super) fn confine() -> Result<usize, String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let calls = ALLOWED.iter().copied().flatten().chain(OLD);
    let mut rules: std::collections::BTreeMap<_, _> =
        calls.map(|call| (*call, Vec::new())).collect();
    rules.extend(narrowed().map_err(|e| words(&e))?);
    let remaining = rules.len();
    let refuse = SeccompAction::Errno(EPERM.unsigned_abs());
    let target = TargetArch::try_from(std::env::consts::ARCH).map_err(|e| words(&e))?;
    let filter = SeccompFilter::new(rules, refuse, SeccompAction::Allow, target);
    let program: BpfProgram = filter.and_then(TryInto::try_into).map_err(|e| words(&e))?;
    seccompiler::apply_filter(&program).map_err(|e| words(&e))?;
    Ok(remaining)
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    /// Calls of x86 that arm64 never had; a list that names one does not compile there.
    const X86_ONLY: &[c_long] = &[
        SYS_access,
        SYS_alarm,
        SYS_arch_prctl,
        SYS_chmod,
        SYS_chown,
        SYS_creat,
        SYS_dup2,
        SYS_epoll_create,
        SYS_epoll_wait,
        SYS_eventfd,
        SYS_fork,
        SYS_futimesat,
        SYS_getdents,
        SYS_getpgrp,
        SYS_inotify_init,
        SYS_lchown,
        SYS_link,
        SYS_lstat,
        SYS_mkdir,
        SYS_mknod,
        SYS_open,
        SYS_pause,
        SYS_pipe,
        SYS_poll,
        SYS_readlink,
        SYS_rename,
        SYS_rmdir,
        SYS_select,
        SYS_signalfd,
        SYS_stat,
        SYS_symlink,
        SYS_time,
        SYS_unlink,
        SYS_utime,
        SYS_utimes,
        SYS_vfork,
    ];

    #[test]
    fn calls_that_arm_lacks_stand_in_the_old_list_only() {
        let common: Vec<_> = ALLOWED.iter().copied().flatten().collect();
        assert_eq!(X86_ONLY.iter().find(|call| common.contains(call)), None);
    }

    #[test]
    fn no_program_is_started_and_no_right_taken() {
        let allowed: Vec<_> = ALLOWED.iter().copied().flatten().chain(OLD).collect();
        for call in [SYS_execve, SYS_execveat, SYS_ptrace, SYS_setuid, SYS_setresuid, SYS_capset] {
            assert!(!allowed.contains(&&call), "{call}");
        }
        for call in [SYS_connect, SYS_listen, SYS_accept, SYS_accept4, SYS_sendto, SYS_sendmsg] {
            assert!(!allowed.contains(&&call), "{call}");
        }
        for call in [SYS_sendmmsg, SYS_socketpair, SYS_socket, SYS_bind] {
            assert!(!allowed.contains(&&call), "{call} without a condition");
        }
        for call in [SYS_mount, SYS_bpf, SYS_init_module, SYS_process_vm_writev, SYS_unshare] {
            assert!(!allowed.contains(&&call), "{call}");
        }
    }
}
