//! `wardwatch feeds import`: documents to a native feed. The documents are read by another process
//! (`wardwatch-import`), which can reach nothing; here its rows are read anew, examined, shown, and
//! written.

mod ask;
mod reader;
mod sorted;
mod told;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ioc_feeds::format::native;

use super::feeds::written;
use super::{complain, settings};
use crate::app::{AppError, clock};
use crate::cli::{FeedOptions, Global, Import};
use crate::directory::{Directory, Owners};
use crate::lang::{self, Language, Said};
use crate::sink::escape;
use sorted::Sorted;

/// Exit code when something was refused or left out.
const SOME: u8 = 1;
/// Exit code when nothing is left to load.
const NOTHING: u8 = 3;

pub(super) fn import(global: &Global, options: &Import) -> Result<u8, AppError> {
    let settings = settings(global, &FeedOptions { feeds: vec![], no_builtin_feeds: false })?;
    let language = settings.language;
    let defaults = sorted::Defaults::of(options, clock::today().seconds())?;
    let to_output = options.to.as_deref() == Some(Path::new("-"));
    let mut worst = 0;
    for file in &options.files {
        let name = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
        let mut sorted = Sorted::new(&name, defaults.clone());
        if !gathered(file, options, &mut sorted, language) {
            worst = NOTHING;
            continue;
        }
        if !ask::settle(&mut sorted, options, language) {
            return Ok(NOTHING);
        }
        let mut out: Box<dyn Write> =
            if to_output { Box::new(io::stderr().lock()) } else { Box::new(io::stdout().lock()) };
        let lines = told::lines(&sorted, &file.to_string_lossy(), language, global.verbose);
        for line in lines {
            written(writeln!(out, "{}", escape::line(&line)))?;
        }
        worst = worst.max(match (sorted.rows.len(), sorted.left_out()) {
            (0, _) => NOTHING,
            (_, 0) => 0,
            _ => SOME,
        });
        if sorted.rows.is_empty() {
            continue;
        }
        if to_output {
            written(native::write(&sorted.rows, io::stdout().lock()))?;
        } else {
            let path = target(options.to.as_deref(), &settings.feeds.paths, file, &name)?;
            save(&sorted, &path)?;
            let line = lang::import_saved(language, sorted.rows.len(), &path.to_string_lossy());
            written(writeln!(out, "{}", escape::line(&line)))?;
        }
    }
    Ok(worst)
}

/// Reads a document, or those of a directory as one. False if nothing of it can be used.
fn gathered(file: &Path, options: &Import, sorted: &mut Sorted, language: Language) -> bool {
    let kind = options.as_kind.as_deref();
    let fail = |file: &Path, said: &Said| {
        let why = said.in_language(language);
        complain(&lang::import_failed(language, &file.to_string_lossy(), why));
    };
    if !file.is_dir() {
        let outcome = reader::read(file, kind, &mut |record| sorted.take(record));
        return outcome.map_err(|said| fail(file, &said)).is_ok();
    }
    let mut read = 0;
    for document in documents(file) {
        // Of a document that breaks in its middle nothing may be left.
        let mut records = Vec::new();
        match reader::read(&document, kind, &mut |record| records.push(record)) {
            Ok(()) => {
                read += 1;
                records.into_iter().for_each(|record| sorted.take(record));
            }
            Err(said) => {
                sorted.broken += 1;
                fail(&document, &said);
            }
        }
    }
    read > 0
}

/// The documents of a directory in order of name; a MISP feed has lists of its own files beside them.
fn documents(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path()).filter(|path| path.is_file());
    let passed = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with('.') || ["manifest.json", "hashes.csv"].contains(&name.as_str())
    };
    let mut files: Vec<PathBuf> = files.filter(|path| !passed(path)).collect();
    files.sort();
    files
}

/// Where the feed goes: where it was said, or into the first directory of feeds.
fn target(
    to: Option<&Path>,
    feeds: &[PathBuf],
    file: &Path,
    name: &str,
) -> Result<PathBuf, AppError> {
    let chosen = to.or_else(|| feeds.iter().map(PathBuf::as_path).find(|path| path.is_dir()));
    let Some(chosen) = chosen else {
        return Err(AppError::Import(Said::new(
            "không biết ghi vào đâu: hãy ghi `--to THƯ_MỤC`, hoặc đặt một thư mục ở mục feeds của tệp cấu hình",
            "where to? write `--to DIR`, or name a directory with feeds in the configuration",
        )));
    };
    let path = match chosen.is_dir() {
        true => chosen.join(format!("{}.csv", plain(name))),
        false => chosen.to_path_buf(),
    };
    // The list that was handed in is not written over.
    let same = path
        .canonicalize()
        .ok()
        .is_some_and(|path| file.canonicalize().is_ok_and(|file| file == path));
    Ok(if same { path.with_file_name(format!("{}.imported.csv", plain(name))) } else { path })
}

/// A name of a file that nothing on the way misreads.
fn plain(name: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = name.chars().take(80).map(kept).collect();
    let name = name.trim_start_matches(['.', '-']).to_owned();
    if name.is_empty() { "import".into() } else { name }
}

/// Writes the feed at once: a sensor that reads it finds the old one or the new one.
fn save(sorted: &Sorted, path: &Path) -> Result<(), AppError> {
    let mut bytes = Vec::new();
    let done = native::write(&sorted.rows, &mut bytes).and_then(|()| {
        let (directory, name) = Directory::of(path, &Owners::new(&[]))?;
        directory.replace(&name, &bytes, 0o644)
    });
    done.map_err(|error| super::unwritable(path, &error))
}

/// For whoever shows a place.
fn place_of(place: &ioc_feeds::handover::Place, language: Language) -> String {
    place.in_language(language)
}
