//! What the service manager is told (sd_notify): that the sensor watches, reloads, stops, lives.
//!
//! Without a service manager every function does nothing. What cannot be told is not worth
//! ending for: systemd then restarts a sensor whose watchdog is silent. The socket is connected before
//! rights are given up; afterwards the process can connect none.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::OnceLock;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::net::Timestamp;

/// The way to the service manager, if there is one.
static MANAGER: OnceLock<Option<File>> = OnceLock::new();
/// How long the service manager may hold us up.
const PATIENCE: Duration = Duration::from_secs(1);

/// Finds the service manager. To be asked while the process may still connect.
pub fn connect() {
    MANAGER.get_or_init(manager);
}

/// A connected socket is written to as a file is: no call that could name another receiver is needed.
fn manager() -> Option<File> {
    let name = std::env::var_os("NOTIFY_SOCKET")?;
    let socket = UnixDatagram::unbound().ok()?;
    match name.as_bytes().strip_prefix(b"@") {
        Some(abstracted) => {
            socket.connect_addr(&SocketAddr::from_abstract_name(abstracted).ok()?).ok()?;
        }
        None => socket.connect(&name).ok()?,
    }
    socket.set_write_timeout(Some(PATIENCE)).ok()?;
    Some(File::from(OwnedFd::from(socket)))
}

/// Everything is open, and workers watch.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// A reload begins; [`ready`] ends it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// The sensor was told to stop.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// One line about how it fares, as `systemctl status` shows it.
pub fn status(line: &str) {
    tell(&[NotifyState::Status(line)]);
}

/// Tells that the writer's loop goes round and every worker is at work. Cheap enough for every turn: it speaks only when a
/// third of the time is over after which systemd would restart us.
#[derive(Debug)]
pub struct Watchdog {
    /// Nothing if no watchdog is asked for.
    every: Option<Duration>,
    told: Timestamp,
}

impl Default for Watchdog {
    fn default() -> Self {
        Self {
            every: sd_notify::watchdog_enabled().map(|limit| limit / 3),
            told: Timestamp::default(),
        }
    }
}

impl Watchdog {
    /// How long a worker may stand still, in nanoseconds, before the service manager is told nothing
    /// more.
    pub fn patience(&self) -> u64 {
        let usual = Duration::from_secs(10);
        let patience = self.every.map_or(usual, |every| every.min(usual));
        u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX)
    }

    /// The loop has come round at this time. A clock that was set back speaks at once.
    pub fn turn(&mut self, now: Timestamp) {
        let Some(every) = self.every else { return };
        if now < self.told || u128::from(now.since(self.told)) >= every.as_nanos() {
            self.told = now;
            tell(&[NotifyState::Watchdog]);
        }
    }
}

fn tell(state: &[NotifyState<'_>]) {
    let Some(mut manager) = MANAGER.get().and_then(Option::as_ref) else { return };
    let lines: Vec<String> = state.iter().map(ToString::to_string).collect();
    // One datagram.
    let _ = manager.write(lines.join("\n").as_bytes());
}
