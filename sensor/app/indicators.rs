//! Loading everything that is to be matched, and saying what could not be loaded.

pub mod guard;

use std::collections::HashMap;
use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ioc_feeds::allow::{AllowList, Allowed};
use ioc_feeds::format::{self, FeedError, Loaded};
use ioc_feeds::{Date, Message, curated, file};

use super::AppError;
use crate::config::{self, FeedSettings};
use crate::lang::{self, Language};
use crate::matching::behaviour::Behaviours;
use crate::matching::{Allow, IndicatorSet};
use crate::panics;

/// Takes what must be said, one line each.
pub type Say<'a> = &'a mut dyn FnMut(&dyn Display);

/// Whose failure ends the loading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strict {
    /// A file that was named by itself: whoever names one by hand wants to hear that it is not there.
    Named,
    /// None, as long as something is left: a sensor goes on with what is good.
    Nothing,
}

/// What was loaded.
pub struct Indicators {
    /// For the matcher.
    pub set: Arc<IndicatorSet>,
    /// Newest dates among them.
    pub newest: Newest,
    /// Name of every feed that was read, those too of which nothing could be used.
    pub feeds: Vec<Arc<str>>,
    /// What somebody must look after, a sentence each: files left out, feeds of which nothing is
    /// loaded or whose old rows stay.
    pub warnings: Vec<Message>,
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

/// Loads feeds and allow lists; bad lines are named and the rest is used. With a set that was in
/// use before, a feed that cannot be read or has collapsed keeps its rows of then.
///
/// # Errors
/// When an allow list cannot be read, a feed as `strict` says, or nothing is left to match.
pub fn load(
    settings: &FeedSettings,
    strict: Strict,
    before: Option<&IndicatorSet>,
    say: Say<'_>,
) -> Result<Indicators, AppError> {
    let mut stock = feeds(settings, strict, say)?;
    let mut warnings = Vec::new();
    if let Some(before) = before {
        guard::keep_what_was(&mut stock, before, &mut warnings);
    }
    warnings.extend(stock.left_out.iter().filter(|one| !one.kept).map(|one| {
        Message::made(|language| lang::feed_left_out(language, &lang::feed(language, &one.error)))
    }));
    let mut own = stock.loaded.iter().filter(|feed| is_own(feed));
    let none_left = !settings.builtin && own.all(|feed| feed.indicators.is_empty());
    if none_left && !stock.left_out.is_empty() {
        return Err(AppError::Feed(stock.left_out.swap_remove(0).error));
    }
    let (mut indicators, mut names) = (Vec::new(), Vec::new());
    let mut newest = Newest::default();
    for feed in stock.loaded {
        newest.note(&feed, is_own(&feed));
        match feed.indicators.is_empty() {
            true => warnings.push(unused(&feed)),
            false => {
                brief(&feed, settings.language, say);
            }
        }
        names.push(feed.feed.clone());
        indicators.extend(feed.indicators);
    }
    let allow = allow(settings, say)?;
    let behaviours =
        Behaviours::load(&settings.behaviours).map_err(|error| config::behaviour(&error))?;
    let set = IndicatorSet::build_with(indicators, &allow, Arc::new(behaviours));
    if set.is_empty() {
        return Err(AppError::NoIndicators);
    }
    for id in set.shadowed() {
        if let Some(indicator) = set.get(*id) {
            let place = (&*indicator.feed, indicator.line);
            say(&lang::shadowed(settings.language, place, &indicator.pattern.to_string()));
        }
    }
    Ok(Indicators { set: Arc::new(set), newest, feeds: names, warnings })
}

/// Does it not come with the program?
fn is_own(feed: &Loaded) -> bool {
    !feed.feed.starts_with(curated::PREFIX)
}

/// A file or directory that could not be used.
pub struct LeftOut {
    /// Where.
    pub path: PathBuf,
    /// Why.
    pub error: FeedError,
    /// Do rows that were read of it before stay in use?
    pub(super) kept: bool,
}

/// Feeds that were read, and what could not be.
#[derive(Default)]
pub struct Stock {
    /// Feeds, in the order of the settings.
    pub loaded: Vec<Loaded>,
    /// The file of each of them that has one.
    pub(super) paths: HashMap<Arc<str>, PathBuf>,
    /// What could not be used.
    pub left_out: Vec<LeftOut>,
}

/// Every feed of the settings, loaded. The canary is always there: a test of the sensor must
/// never depend on which feeds are in use.
///
/// # Errors
/// As `strict` says.
pub fn feeds(settings: &FeedSettings, strict: Strict, say: Say<'_>) -> Result<Stock, FeedError> {
    let loaded = if settings.builtin { curated::load()? } else { vec![curated::canary()?] };
    let mut stock = Stock { loaded, ..Stock::default() };
    for path in &settings.paths {
        stock.add(path, (settings.language, strict), say)?;
    }
    Ok(stock)
}

impl Stock {
    /// The feeds that have a file, with it.
    pub fn files(&self) -> impl Iterator<Item = (&Loaded, &PathBuf)> {
        self.loaded.iter().filter_map(|feed| Some((feed, self.paths.get(&feed.feed)?)))
    }

    /// Adds the feeds of a path. What is no file in a directory of feeds is named and passed over.
    ///
    /// # Errors
    /// As `strict` says.
    pub fn add(
        &mut self,
        path: &Path,
        (language, strict): (Language, Strict),
        say: Say<'_>,
    ) -> Result<(), FeedError> {
        let found = match files(path) {
            Ok(found) => found,
            Err(error) if strict == Strict::Named => return Err(error),
            Err(error) => {
                self.left_out.push(LeftOut { path: path.into(), error, kept: false });
                return Ok(());
            }
        };
        for (path, reason) in &found.passed {
            let reason = lang::system(language, reason);
            say(&lang::feed_passed_over(language, &path.to_string_lossy(), reason));
        }
        for file in found.feeds {
            match load_file(&file, language) {
                Ok(feed) => {
                    self.paths.insert(feed.feed.clone(), file);
                    self.loaded.push(feed);
                }
                Err(error) if strict == Strict::Named && file == path => return Err(error),
                Err(error) => self.left_out.push(LeftOut { path: file, error, kept: false }),
            }
        }
        Ok(())
    }
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
/// Lines of one feed that are listed where the feeds are only in the way: `feeds check` lists all.
const BRIEF: usize = 20;

/// Names each line that could not be used or is doubtful. True if there was any.
pub fn report(feed: &Loaded, language: Language, say: Say<'_>) -> bool {
    if feed.indicators.is_empty() && feed.rejected_total() == 0 {
        say(&lang::empty_feed(language, &feed.feed));
    }
    list(feed, if feed.indicators.is_empty() { FEW } else { usize::MAX }, language, say)
}

/// The first of the lines that could not be used or are doubtful.
fn brief(feed: &Loaded, language: Language, say: Say<'_>) -> bool {
    list(feed, BRIEF, language, say)
}

/// Why a feed gives nothing, with a sample.
fn unused(feed: &Loaded) -> Message {
    Message::made(|language| match feed.rejected.first() {
        None => lang::empty_feed(language, &feed.feed),
        Some(row) => {
            let reason = row.reason.in_language(language);
            let rows = feed.rejected_total();
            lang::feed_unused(language, (&feed.feed, row.line), (rows, reason, &row.text))
        }
    })
}

fn list(feed: &Loaded, most: usize, language: Language, say: Say<'_>) -> bool {
    for row in feed.rejected.iter().take(most) {
        let reason = row.reason.in_language(language);
        say(&lang::not_loaded(language, (&feed.feed, row.line), reason, &row.text));
    }
    for row in feed.warnings.iter().take(most) {
        let reason = row.reason.in_language(language);
        say(&lang::doubtful(language, (&feed.feed, row.line), reason, &row.text));
    }
    let unlisted = feed.rejected.len().saturating_sub(most)
        + feed.warnings.len().saturating_sub(most)
        + feed.more_rejected
        + feed.more_warnings;
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
