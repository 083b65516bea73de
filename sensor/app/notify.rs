//! What the service manager is told (sd_notify): that the sensor watches, reloads, stops, lives.
//!
//! Without a service manager every function does nothing. What cannot be told is not worth
//! ending for: systemd then restarts a sensor whose watchdog is silent.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::net::Timestamp;

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
    let _ = sd_notify::notify(state);
}
