//! The reload thread: new indicators are built here, beside the old ones, while the workers work.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::Sender;
use ioc_feeds::Message;
use ioc_feeds::threat::Threats;

use super::indicators::{self, Newest, Strict, guard};
use crate::config::{self, FeedSettings};
use crate::lang;
use crate::matching::IndicatorSet;
use crate::matching::reload::{Difference, Edition, Published, difference, has_collapsed};
use crate::panics;

/// How long the thread sleeps between two looks at what it is asked.
const NAP: Duration = Duration::from_millis(100);
/// Naps between two looks at the files. A change is taken when the next look shows the same: by
/// then whoever writes the file is done with it.
const NAPS: u32 = 50;

/// What came of a reload.
#[derive(Debug)]
pub(super) enum Reloaded {
    /// Another set is in use.
    Swapped {
        /// What changed.
        difference: Difference,
        /// Indicators now.
        len: usize,
        /// Newest dates among them.
        newest: Newest,
    },
    /// The old one stays; why.
    Refused(Message),
    /// What is doubtful about a feed or an allow list.
    Said(String),
    /// What is wrong with a feed.
    Warned(Message),
    /// Threats have other words.
    Threats(Box<Threats>),
    /// The old words stay; why.
    ThreatsRefused(Message),
}

/// Length, time of change and inode of every file that is read again.
type Signature = BTreeMap<PathBuf, (u64, i64, i64, u64)>;

/// What the thread has in hand.
pub(super) struct Reloader {
    pub(super) feeds: FeedSettings,
    pub(super) threats: Option<PathBuf>,
    pub(super) published: Arc<Published>,
    /// Set by HUP.
    pub(super) wanted: Arc<AtomicBool>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) tell: Sender<Reloaded>,
}

impl Reloader {
    /// Works until it is told to stop. Never joined: a list of a million rows that is just being
    /// loaded must not hold up the end of the run.
    pub(super) fn work(&self) {
        let mut known = self.signature();
        let mut changing = None;
        let mut words = config::threats(self.threats.as_deref()).ok();
        let mut retired: Vec<Arc<IndicatorSet>> = Vec::new();
        // What is wrong is said once, and again to whoever asks for a reload.
        let mut warned: HashSet<String> = HashSet::new();
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
            let found = self.signature();
            let settled = found != known && changing.as_ref() == Some(&found);
            if wanted || settled {
                if wanted {
                    warned.clear();
                }
                known = found;
                changing = None;
                // A fault while a file is read costs this reload: what was read before stays.
                let done = panics::caught(|| {
                    self.reload_threats(&mut words);
                    self.reload(&mut warned)
                });
                let failed = |caught: panics::Caught| {
                    let what = caught.to_string();
                    let reason = Message::made(|language| lang::feed_failed(language, &what));
                    (Reloaded::Refused(reason), None)
                };
                let (outcome, old) = done.unwrap_or_else(failed);
                retired.extend(old);
                let _ = self.tell.send(outcome);
            } else {
                changing = (found != known).then_some(found);
            }
        }
    }

    /// By themselves: broken words must not keep new indicators out, nor the other way round.
    fn reload_threats(&self, words: &mut Option<Threats>) {
        if self.threats.is_none() {
            return;
        }
        match config::threats(self.threats.as_deref()) {
            Ok(threats) if words.as_ref() == Some(&threats) => {}
            Ok(threats) => {
                *words = Some(threats.clone());
                let _ = self.tell.send(Reloaded::Threats(Box::new(threats)));
            }
            Err(error) => {
                let reason = Message::made(|language| error.in_language(language));
                let _ = self.tell.send(Reloaded::ThreatsRefused(reason));
            }
        }
    }

    /// Files that cannot be looked at are left out, which is a change too.
    fn signature(&self) -> Signature {
        let mut signature = Signature::new();
        let mut note = |path: &Path| {
            if let Ok(metadata) = fs::metadata(path) {
                let mark =
                    (metadata.len(), metadata.mtime(), metadata.mtime_nsec(), metadata.ino());
                signature.insert(path.into(), mark);
            }
        };
        for path in &self.feeds.paths {
            for file in indicators::files(path).unwrap_or_default().feeds {
                note(&file);
                note(&guard::confirmation(&file));
            }
        }
        self.feeds.allow.iter().for_each(|path| note(path));
        self.threats.iter().for_each(|path| note(path));
        signature
    }

    fn reload(&self, warned: &mut HashSet<String>) -> (Reloaded, Option<Arc<IndicatorSet>>) {
        let mut say = |line: &dyn std::fmt::Display| {
            let _ = self.tell.send(Reloaded::Said(format!("wardwatch: {line}")));
        };
        let before = self.published.latest().1.set;
        let loaded = indicators::load(&self.feeds, Strict::Nothing, Some(&before), &mut say);
        drop(before);
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                let reason = Message::made(|language| error.in_language(language));
                return (Reloaded::Refused(reason), None);
            }
        };
        let news: Vec<_> =
            loaded.warnings.iter().filter(|text| !warned.contains(&text.en)).cloned().collect();
        *warned = loaded.warnings.into_iter().map(|text| text.en).collect();
        for text in news {
            let _ = self.tell.send(Reloaded::Warned(text));
        }
        let old = self.published.latest().1.set;
        let (had, len) = (old.len(), loaded.set.len());
        if has_collapsed(had, len) {
            let reason = Message::made(|language| lang::collapsed(language, had, len));
            return (Reloaded::Refused(reason), None);
        }
        let difference = difference(&old, &loaded.set);
        drop(old);
        let old = self.published.publish(Edition::new(loaded.set));
        (Reloaded::Swapped { difference, len, newest: loaded.newest }, Some(old))
    }
}
