//! Loading everything that is to be matched, and saying what could not be loaded.

use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ioc_feeds::allow::{AllowList, Allowed};
use ioc_feeds::format::{self, FeedError, Loaded};
use ioc_feeds::{Date, curated, file};

use super::AppError;
use crate::config::{self, FeedSettings};
use crate::lang::{self, Language};
use crate::matching::behaviour::Behaviours;
use crate::matching::{Allow, IndicatorSet};
use crate::panics;

/// Takes what must be said, one line each.
pub type Say<'a> = &'a mut dyn FnMut(&dyn Display);

/// What was loaded.
pub struct Indicators {
    /// For the matcher.
    pub set: Arc<IndicatorSet>,
    /// Newest dates among them.
    pub newest: Newest,
    /// Name of every feed that was read, those too of which nothing could be used.
    pub feeds: Vec<Arc<str>>,
}

/// Newest dates of indicators; none where none has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Newest {
    /// Among all.
    pub all: Option<Date>,
    /// Among those of the office's own feeds: the curated ones grow old with the program.
    pub own: Option<Date>,
}

impl Newest {
    fn note(&mut self, loaded: &Loaded, own: bool) {
        let date = loaded.indicators.iter().filter_map(|i| i.last_seen.or(i.first_seen)).max();
        self.all = self.all.max(date);
        if own {
            self.own = self.own.max(date);
        }
    }
}

/// Loads feeds and allow lists; bad lines are named and the rest is used.
///
/// # Errors
/// When a feed or allow list cannot be read at all, or nothing is left to match.
pub fn load(settings: &FeedSettings, say: Say<'_>) -> Result<Indicators, AppError> {
    let (mut indicators, mut names) = (Vec::new(), Vec::new());
    let mut newest = Newest::default();
    let curated = built_in(settings)?.into_iter().map(|feed| (feed, false));
    let own = own(settings, say)?.into_iter().map(|feed| (feed, true));
    for (feed, own) in curated.chain(own) {
        newest.note(&feed, own);
        report(&feed, settings.language, say);
        names.push(feed.feed.clone());
        indicators.extend(feed.indicators);
    }
    let allow = allow(settings, say)?;
    let behaviours =
        Behaviours::load(&settings.behaviours).map_err(|error| config::behaviour(&error))?;
    let set = IndicatorSet::build(indicators, &allow).with_behaviours(Arc::new(behaviours));
    if set.is_empty() {
        return Err(AppError::NoIndicators);
    }
    for id in set.shadowed() {
        if let Some(indicator) = set.get(*id) {
            let place = (&*indicator.feed, indicator.line);
            say(&lang::shadowed(settings.language, place, &indicator.pattern.to_string()));
        }
    }
    Ok(Indicators { set: Arc::new(set), newest, feeds: names })
}

/// Every feed of the settings, loaded. The canary is always there: a test of the sensor must
/// never depend on which feeds are in use.
///
/// # Errors
/// The first feed that cannot be read.
pub fn feeds(settings: &FeedSettings, say: Say<'_>) -> Result<Vec<Loaded>, FeedError> {
    let mut loaded = built_in(settings)?;
    loaded.extend(own(settings, say)?);
    Ok(loaded)
}

fn built_in(settings: &FeedSettings) -> Result<Vec<Loaded>, FeedError> {
    if settings.builtin { curated::load() } else { Ok(vec![curated::canary()?]) }
}

fn own(settings: &FeedSettings, say: Say<'_>) -> Result<Vec<Loaded>, FeedError> {
    let mut loaded = Vec::new();
    for path in &settings.paths {
        loaded.extend(load_path(path, settings.language, say)?);
    }
    Ok(loaded)
}

/// The feeds of a path, loaded. What is no file in a directory of feeds is named and passed over.
///
/// # Errors
/// The first feed that cannot be read.
pub fn load_path(path: &Path, language: Language, say: Say<'_>) -> Result<Vec<Loaded>, FeedError> {
    let found = files(path)?;
    for (path, reason) in &found.passed {
        let reason = lang::system(language, reason);
        say(&lang::feed_passed_over(language, &path.to_string_lossy(), reason));
    }
    found.feeds.iter().map(|file| load_file(file, language)).collect()
}

/// A fault of this program at a file is a file that cannot be read, and names it.
fn load_file(path: &Path, language: Language) -> Result<Loaded, FeedError> {
    let failed = |caught: panics::Caught| {
        let what = lang::feed_failed(language, &caught.to_string());
        Err(FeedError::Read { path: path.into(), source: io::Error::other(what) })
    };
    panics::caught(|| {
        #[cfg(debug_assertions)]
        spring(path);
        format::load_file(path)
    })
    .unwrap_or_else(failed)
}

/// For tests: a feed of this name is a fault.
#[cfg(debug_assertions)]
#[allow(clippy::panic)] // this is what it is for
fn spring(path: &Path) {
    let trap = std::env::var_os("WARDWATCH_TEST_FEED");
    if trap.is_some() && path.file_name() == trap.as_deref() {
        panic!("a trap of a test");
    }
}

/// What a path of feeds holds, in order of name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// Files to be loaded.
    pub feeds: Vec<PathBuf>,
    /// What else stands in a directory, and why it is no feed.
    pub passed: Vec<(PathBuf, String)>,
}

/// Why a file in a directory of feeds is not read.
pub const NO_FEED_NAME: &str = "its name ends neither in .csv nor in .txt";

/// Editors and version control keep their own things beside feeds.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.starts_with(b".") || name.ends_with(b"~")
}

/// The feed files a path names: itself, or a directory's `.csv` and `.txt`.
///
/// # Errors
/// When a directory cannot be listed.
pub fn files(path: &Path) -> Result<Files, FeedError> {
    if !path.is_dir() {
        return Ok(Files { feeds: vec![path.into()], passed: Vec::new() });
    }
    let failed = |source| FeedError::Read { path: path.into(), source };
    file::approach(path).map_err(failed)?;
    let entries = fs::read_dir(path)
        .map_err(failed)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut named: Vec<PathBuf> = entries.filter(|path| !is_hidden(path)).collect();
    named.sort();
    let mut found = Files::default();
    for path in named {
        if !path.extension().is_some_and(|e| e == "csv" || e == "txt") {
            found.passed.push((path, NO_FEED_NAME.into()));
            continue;
        }
        // What cannot be looked at is left to the loading, which says why.
        let about =
            nix::sys::stat::stat(&path).map_or(Ok(()), |about| file::refuse_irregular(&about));
        match about {
            Ok(()) => found.feeds.push(path),
            Err(error) => found.passed.push((path, crate::capture::describe(&error))),
        }
    }
    Ok(found)
}

/// Lines listed of a file of which nothing can be used: it may never have been meant as a feed.
const FEW: usize = 3;

/// Names each line that could not be used or is doubtful. True if there was any.
pub fn report(feed: &Loaded, language: Language, say: Say<'_>) -> bool {
    if feed.indicators.is_empty() && feed.rejected_total() == 0 {
        say(&lang::empty_feed(language, &feed.feed));
    }
    let most = if feed.indicators.is_empty() { FEW } else { usize::MAX };
    for row in feed.rejected.iter().take(most) {
        let reason = row.reason.in_language(language);
        say(&lang::not_loaded(language, (&feed.feed, row.line), reason, &row.text));
    }
    for row in &feed.warnings {
        let reason = row.reason.in_language(language);
        say(&lang::doubtful(language, (&feed.feed, row.line), reason, &row.text));
    }
    let unlisted =
        feed.rejected.len().saturating_sub(most) + feed.more_rejected + feed.more_warnings;
    if unlisted > 0 {
        say(&lang::more_lines(language, &feed.feed, unlisted));
    }
    feed.rejected_total() + feed.warnings_total() > 0
}

fn allow(settings: &FeedSettings, say: Say<'_>) -> Result<Vec<Allow>, AppError> {
    let mut all = Vec::new();
    for path in &settings.allow {
        let list = AllowList::load_file(path).map_err(AppError::AllowList)?;
        for row in list.rejected() {
            let (name, reason) = (path.display().to_string(), &row.reason);
            let reason = reason.in_language(settings.language);
            say(&lang::not_allowed(settings.language, (&name, row.line), reason, &row.text));
        }
        all.extend(list.entries().iter().map(|entry| match &entry.what {
            Allowed::Name { name, scope } => Allow::Name { name: name.clone(), scope: *scope },
            Allowed::Network(ip, prefix) => Allow::Network(*ip, *prefix),
        }));
    }
    Ok(all)
}
