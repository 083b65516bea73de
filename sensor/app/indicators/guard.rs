//! What was known stays known: a feed that cannot be read any more, or of which less than half is
//! left, keeps the rows it had until somebody confirms that they are meant to go.
//!
//! The word of somebody is a file beside the feed, hidden, that names the feed's content: once the
//! content is another, it holds no more. Whoever may write it may write the feed.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foldhash::quality::FixedState;
use ioc_feeds::format::{Loaded, MAX_FILE};
use ioc_feeds::{Indicator, Message, curated, file};

use super::Stock;
use crate::lang;
use crate::matching::IndicatorSet;
use crate::matching::reload::has_collapsed;

/// Gives feeds back the rows they had, where what was read now cannot be meant, and says so.
pub(super) fn keep_what_was(stock: &mut Stock, before: &IndicatorSet, warnings: &mut Vec<Message>) {
    let mut had: HashMap<&Arc<str>, usize> = HashMap::new();
    for row in before.indicators() {
        *had.entry(&row.feed).or_default() += 1;
    }
    let rows_of = |feed: &str| -> Vec<Indicator> {
        before.indicators().iter().filter(|row| &*row.feed == feed).cloned().collect()
    };
    for feed in stock.loaded.iter_mut().filter(|feed| !feed.feed.starts_with(curated::PREFIX)) {
        let rows = had.get(&feed.feed).copied().unwrap_or(0);
        let now = feed.indicators.len();
        let Some(path) = stock.paths.get(&feed.feed) else { continue };
        if has_collapsed(rows, now) && !is_confirmed(path) {
            let text = |language| lang::feed_collapsed(language, path, (rows, now));
            warnings.push(Message::made(text));
            feed.indicators = rows_of(&feed.feed);
        }
    }
    // Of a directory that cannot be listed nobody knows what it held: whatever is missing stays.
    let known: HashSet<Arc<str>> = stock.loaded.iter().map(|feed| feed.feed.clone()).collect();
    let missing = |feed: &&&Arc<str>| !known.contains(**feed);
    for left in &mut stock.left_out {
        let name = left.path.file_stem().unwrap_or_default().to_string_lossy();
        let directory = left.path.is_dir();
        let feeds: Vec<_> =
            had.keys().filter(missing).filter(|feed| directory || ****feed == *name).collect();
        for feed in feeds {
            let reason = |language| lang::feed(language, &left.error);
            let text = |language| lang::feed_kept(language, feed, &reason(language));
            warnings.push(Message::made(text));
            left.kept = true;
            stock.loaded.push(empty((*feed).clone(), rows_of(feed)));
        }
    }
}

fn empty(feed: Arc<str>, indicators: Vec<Indicator>) -> Loaded {
    let (rejected, warnings) = (Vec::new(), Vec::new());
    let (duplicates, more_rejected, more_warnings) = (0, 0, 0);
    Loaded { feed, indicators, rejected, warnings, duplicates, more_rejected, more_warnings }
}

/// Where it is written that the content of a feed is meant.
pub fn confirmation(feed: &Path) -> PathBuf {
    let name = feed.file_name().unwrap_or_default().to_string_lossy();
    feed.with_file_name(format!(".{name}.confirmed"))
}

/// The words that confirm the content a feed has now; none if it cannot be read.
pub fn words(feed: &Path) -> Option<String> {
    let bytes = file::read(feed, MAX_FILE).ok()?;
    let print = FixedState::with_seed(0).hash_one(&bytes);
    Some(format!("{} {print:016x}\n", bytes.len()))
}

fn is_confirmed(feed: &Path) -> bool {
    let written = file::read(&confirmation(feed), 256).ok();
    written.is_some_and(|written| words(feed).is_some_and(|words| words.as_bytes() == written))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{Indicators, Strict, load};
    use super::*;
    use crate::config::FeedSettings;
    use crate::lang::Language;

    /// A directory of feeds, read as a sensor does.
    struct Shelf(tempfile::TempDir);

    impl Shelf {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn put(&self, name: &str, rows: usize) -> PathBuf {
            let names: String = (0..rows).map(|n| format!("{name}-{n}.example\n")).collect();
            let path = self.0.path().join(format!("{name}.txt"));
            fs::write(&path, names).unwrap();
            path
        }

        fn load(&self, before: Option<&Indicators>) -> Indicators {
            let settings = FeedSettings {
                paths: vec![self.0.path().into()],
                builtin: false,
                allow: Vec::new(),
                behaviours: Default::default(),
                language: Language::En,
            };
            let before = before.map(|loaded| &*loaded.set);
            load(&settings, Strict::Nothing, before, &mut |_| {}).unwrap()
        }
    }

    fn rows(loaded: &Indicators, feed: &str) -> usize {
        loaded.set.indicators().iter().filter(|row| &*row.feed == feed).count()
    }

    #[test]
    fn a_feed_that_lost_more_than_half_keeps_its_rows_until_that_is_confirmed() {
        let shelf = Shelf::new();
        let (path, _) = (shelf.put("one", 10), shelf.put("two", 4));
        let first = shelf.load(None);
        assert_eq!((rows(&first, "one"), first.warnings.len()), (10, 0));
        for (left, kept) in [(5, 5), (4, 10), (0, 10)] {
            shelf.put("one", left);
            let again = shelf.load(Some(&first));
            assert_eq!(rows(&again, "one"), kept, "{left} left");
            assert_eq!(rows(&again, "two"), 4, "another feed is not concerned");
            let warned = again.warnings.iter().any(|text| text.en.contains("feeds confirm"));
            assert_eq!(warned, kept == 10, "{left}: {:?}", again.warnings);
        }
        shelf.put("one", 3);
        fs::write(confirmation(&path), words(&path).unwrap()).unwrap();
        let meant = shelf.load(Some(&first));
        assert_eq!((rows(&meant, "one"), meant.warnings.len()), (3, 0));
        shelf.put("one", 2);
        let other = shelf.load(Some(&first));
        assert_eq!(rows(&other, "one"), 10, "the word was said of another content");
    }

    #[test]
    fn a_file_that_cannot_be_used_is_left_out_and_named_and_its_old_rows_stay() {
        let shelf = Shelf::new();
        let (path, _) = (shelf.put("one", 3), shelf.put("two", 2));
        let first = shelf.load(None);
        fs::write(&path, b"\xff\xfe\x00bad").unwrap();
        let again = shelf.load(Some(&first));
        assert_eq!((rows(&again, "one"), rows(&again, "two")), (3, 2));
        let said = &again.warnings;
        assert!(said.len() == 1 && said[0].en.contains("not reloaded from one"), "{said:?}");
        // After a restart nobody knows the old rows; the others are used all the same.
        let restarted = shelf.load(None);
        assert_eq!((rows(&restarted, "one"), rows(&restarted, "two")), (0, 2));
        let said = &restarted.warnings;
        assert!(said.len() == 1 && said[0].en.contains("left out"), "{said:?}");
    }

    #[test]
    fn a_feed_that_was_taken_away_is_gone_and_a_directory_that_cannot_be_listed_is_not() {
        let shelf = Shelf::new();
        let (path, _) = (shelf.put("one", 3), shelf.put("two", 4));
        let first = shelf.load(None);
        fs::remove_file(path).unwrap();
        let again = shelf.load(Some(&first));
        assert_eq!((rows(&again, "one"), rows(&again, "two")), (0, 4));
    }

    #[test]
    fn a_feed_of_which_nothing_is_loaded_is_said_with_a_sample() {
        let shelf = Shelf::new();
        shelf.put("two", 2);
        let lines: String = (0..500).map(|n| format!("ads-{n}\n")).collect();
        fs::write(shelf.0.path().join("ads.txt"), lines).unwrap();
        let mut said = Vec::new();
        let settings = FeedSettings {
            paths: vec![shelf.0.path().into()],
            builtin: false,
            allow: Vec::new(),
            behaviours: Default::default(),
            language: Language::En,
        };
        let loaded =
            load(&settings, Strict::Nothing, None, &mut |line| said.push(line.to_string()));
        let warnings = loaded.unwrap().warnings;
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(
            warnings[0].en.contains("not one of 500 lines") && warnings[0].en.contains("ads-0")
        );
        assert!(said.is_empty(), "not ten thousand lines elsewhere: {}", said.len());
    }
}
