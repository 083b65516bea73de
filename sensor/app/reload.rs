//! The reload thread: new indicators are built here, beside the old ones, while the workers work.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::Sender;
use ioc_feeds::Date;

use super::indicators;
use crate::config::FeedSettings;
use crate::matching::IndicatorSet;
use crate::matching::reload::{Difference, Edition, Published, difference, has_collapsed};

/// How long the thread sleeps between two looks at what it is asked.
const NAP: Duration = Duration::from_millis(100);
/// Naps between two looks at the files.
const NAPS: u32 = 600;

/// What came of a reload.
#[derive(Debug)]
pub(super) enum Reloaded {
    /// Another set is in use.
    Swapped {
        /// What changed.
        difference: Difference,
        /// Indicators now.
        len: usize,
        /// Newest date among them.
        newest: Option<Date>,
    },
    /// The old one stays; why.
    Refused(String),
}

/// Length, time of change and inode of every file that indicators come from.
type Signature = BTreeMap<PathBuf, (u64, i64, i64, u64)>;

/// What the thread has in hand.
pub(super) struct Reloader<'a> {
    pub(super) feeds: &'a FeedSettings,
    pub(super) published: &'a Published,
    /// Set by HUP.
    pub(super) wanted: &'a AtomicBool,
    pub(super) stop: &'a AtomicBool,
    pub(super) tell: Sender<Reloaded>,
}

impl Reloader<'_> {
    /// Works until it is told to stop.
    pub(super) fn work(&self) {
        let mut known = signature(self.feeds);
        let mut retired: Vec<Arc<IndicatorSet>> = Vec::new();
        let mut naps = 0;
        while !self.stop.load(Ordering::Relaxed) {
            thread::sleep(NAP);
            naps += 1;
            // The last holder frees the memory; it should be this thread and no worker.
            retired.retain(|old| Arc::strong_count(old) > 1);
            let wanted = self.wanted.swap(false, Ordering::Relaxed);
            if !wanted && naps < NAPS {
                continue;
            }
            naps = 0;
            let found = signature(self.feeds);
            if wanted || found != known {
                known = found;
                let (outcome, old) = self.reload();
                retired.extend(old);
                let _ = self.tell.send(outcome);
            }
        }
    }

    fn reload(&self) -> (Reloaded, Option<Arc<IndicatorSet>>) {
        let mut say = |line: &dyn std::fmt::Display| {
            let _ = writeln!(io::stderr(), "wardwatch: {line}");
        };
        let loaded = match indicators::load(self.feeds, &mut say) {
            Ok(loaded) => loaded,
            Err(error) => return (Reloaded::Refused(error.to_string()), None),
        };
        let old = self.published.latest().1.set;
        let (had, len) = (old.len(), loaded.set.len());
        if has_collapsed(had, len) {
            let reason = format!("{had} -> {len}; restart wardwatch if that is meant");
            return (Reloaded::Refused(reason), None);
        }
        let difference = difference(&old, &loaded.set);
        drop(old);
        let old = self.published.publish(Edition::new(loaded.set));
        (Reloaded::Swapped { difference, len, newest: loaded.newest }, Some(old))
    }
}

/// Files that cannot be looked at are left out, which is a change too.
fn signature(feeds: &FeedSettings) -> Signature {
    let mut signature = Signature::new();
    let mut note = |path: &Path| {
        if let Ok(metadata) = fs::metadata(path) {
            let mark = (metadata.len(), metadata.mtime(), metadata.mtime_nsec(), metadata.ino());
            signature.insert(path.into(), mark);
        }
    };
    for path in &feeds.paths {
        indicators::files(path).unwrap_or_default().iter().for_each(|file| note(file));
    }
    feeds.allow.iter().for_each(|path| note(path));
    signature
}
