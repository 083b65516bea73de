//! What the service manager is told (sd_notify): that the sensor watches, reloads, stops, lives.
//!
//! Without a service manager every function does nothing. What cannot be told is not worth
//! ending for: systemd then restarts a sensor whose watchdog is silent.

use std::time::Duration;

use sd_notify::NotifyState;

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

/// Tells that the writer's loop goes round. Cheap enough for every turn: it speaks only when a
/// third of the time is over after which systemd would restart us.
#[derive(Debug)]
pub struct Watchdog {
    /// Nothing if no watchdog is asked for.
    every: Option<Duration>,
    nanos_since_epoch: u64,
}

impl Default for Watchdog {
    fn default() -> Self {
        Self { every: sd_notify::watchdog_enabled().map(|limit| limit / 3), nanos_since_epoch: 0 }
    }
}

impl Watchdog {
    /// The loop has come round at this time, in nanoseconds of any clock that goes on.
    pub fn turn(&mut self, now: u64) {
        let Some(every) = self.every else { return };
        if now.abs_diff(self.nanos_since_epoch) >= every.as_nanos() as u64 {
            self.nanos_since_epoch = now;
            tell(&[NotifyState::Watchdog]);
        }
    }
}

fn tell(state: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(state);
}
