//! Signals become wishes: TERM and INT stop, HUP reopens and reloads, USR1 prints.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

use super::AppError;

/// What signals have asked for.
pub(super) struct Wishes {
    pub(super) stop: Arc<AtomicBool>,
    pub(super) reopen: Arc<AtomicBool>,
    pub(super) reload: Arc<AtomicBool>,
    pub(super) print: Arc<AtomicBool>,
}

impl Wishes {
    pub(super) fn register() -> Result<Self, AppError> {
        let wishes = Self {
            stop: Arc::default(),
            reopen: Arc::default(),
            reload: Arc::default(),
            print: Arc::default(),
        };
        let register = |signal, flag: &Arc<AtomicBool>| {
            signal_hook::flag::register(signal, flag.clone()).map(drop).map_err(|error| {
                AppError::System { what: "cannot listen for signals", reason: error.to_string() }
            })
        };
        register(SIGTERM, &wishes.stop)?;
        register(SIGINT, &wishes.stop)?;
        register(SIGHUP, &wishes.reopen)?;
        register(SIGHUP, &wishes.reload)?;
        register(SIGUSR1, &wishes.print)?;
        Ok(wishes)
    }
}
