//! What the sensor wrote of itself last, looked at once a second.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wardwatch_record::Status;
use wardwatch_record::directory::{Directory, Owners};
use wardwatch_record::status::LONGEST;

/// How old an answer may be.
const FRESH: Duration = Duration::from_secs(1);
/// A sensor that has missed so many of its turns is not alive.
const TURNS: u64 = 4;

/// What the page says.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    /// What the sensor wrote, if it can be read.
    pub(super) status: Option<Status>,
    /// Seconds since then.
    pub(super) age: Option<u64>,
    /// Is the sensor alive?
    pub(super) is_up: bool,
    /// Clients of the page turned away or given up.
    pub(super) refused: u64,
}

/// The file, and what it said last.
#[derive(Debug, Default)]
pub(super) struct Source {
    path: PathBuf,
    known: Option<(Instant, Arc<Snapshot>)>,
}

impl Source {
    pub(super) fn of(path: &Path) -> Self {
        Self { path: path.into(), known: None }
    }

    pub(super) fn latest(&mut self, refused: u64) -> Arc<Snapshot> {
        let now = moment();
        if let Some((at, known)) = &self.known
            && now.duration_since(*at) < FRESH
        {
            return known.clone();
        }
        let fresh = Arc::new(self.look(refused));
        self.known = Some((now, fresh.clone()));
        fresh
    }

    fn look(&self, refused: u64) -> Snapshot {
        let read = || -> Option<Status> {
            let (directory, name) = Directory::of(&self.path, &Owners::new(&[])).ok()?;
            let directory = directory.trusting_its_owner().ok()?;
            Status::parse(&directory.read(&name, LONGEST).ok()?)
        };
        let Some(status) = read() else { return Snapshot { refused, ..Snapshot::default() } };
        let age = u64::try_from(seconds().saturating_sub(status.alive)).unwrap_or(0);
        let is_up = !status.stopped && age <= status.every.max(1) * TURNS;
        Snapshot { age: Some(age), is_up, refused, status: Some(status) }
    }
}

/// The machine's clock.
#[allow(clippy::disallowed_methods)] // how old a file is, and no packet's time
fn moment() -> Instant {
    Instant::now()
}

/// The same in seconds since 1970.
#[allow(clippy::disallowed_methods)] // how old a file is, and no packet's time
pub(super) fn seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
