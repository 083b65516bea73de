//! Could the log be written after rights are given up? Asked of the system as the user that would be,
//! without making, changing or locking anything.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{self, AccessFlags, Uid, User, faccessat};

use super::directory_of;
use super::held::RightsError;
use super::user::{as_user, candidates};
use crate::directory::{Directory, Owners};

/// What would be written.
#[derive(Debug)]
pub struct Trial<'a> {
    /// The user of the configuration.
    pub user: Option<&'a str>,
    /// Would rights be given up?
    pub sandbox: bool,
    /// The log's directory.
    pub log: &'a Path,
    /// Files, there or elsewhere, that are made where they are missing.
    pub files: &'a [PathBuf],
}

/// Why a run would not begin, or not write.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Rights cannot be given up.
    #[error(transparent)]
    Rights(#[from] RightsError),
    /// A file or directory cannot be written; by this user, if it is another than the one who asks.
    #[error("{}: {reason}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// The user.
        user: Option<String>,
        /// Why.
        reason: io::Error,
    },
}

/// Tries what can be tried without leaving a trace. The caller's supplementary groups are gone
/// afterwards if it is root.
///
/// # Errors
/// [`Refusal`].
pub fn trial(trial: &Trial<'_>, owners: &Owners) -> Result<(), Refusal> {
    let refused = |path: &Path, user: Option<&User>, reason: io::Error| Refusal::Write {
        path: path.into(),
        user: user.map(|user| user.name.clone()),
        reason,
    };
    places(trial, owners).map_err(|(path, reason)| refused(&path, None, reason))?;
    if !(trial.sandbox && Uid::effective().is_root()) {
        let done = writable(trial, None);
        return done.map_err(|(path, reason)| refused(&path, None, reason));
    }
    let users = candidates(trial.user)?;
    unistd::setgroups(&[]).map_err(|error| RightsError::Groups(error.to_string()))?;
    let mut first = None;
    for user in &users {
        let mut done = Ok(());
        let became = as_user(user, || {
            done = writable(trial, Some(user));
            true
        });
        match done {
            Ok(()) if became => return Ok(()),
            Ok(()) => {}
            Err((path, reason)) => {
                first = first.or_else(|| Some(refused(&path, Some(user), reason)))
            }
        }
    }
    // Without a name in the configuration a run keeps root's number then, and says so.
    match (first, trial.user) {
        (Some(refusal), Some(_)) => Err(refusal),
        _ => Ok(()),
    }
}

/// Whose the places are, and what stands there already.
fn places(trial: &Trial<'_>, owners: &Owners) -> Result<(), (PathBuf, io::Error)> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| (path, error)
    };
    if exists(trial.log) {
        Directory::open(trial.log, owners).map_err(failed(trial.log))?;
    }
    for file in trial.files {
        if exists(directory_of(file)) {
            let (directory, name) = Directory::of(file, owners).map_err(failed(file))?;
            directory.judge(&name).map_err(failed(file))?;
        } else if directory_of(file) != trial.log {
            return Err((file.clone(), io::ErrorKind::NotFound.into()));
        }
    }
    Ok(())
}

/// May whoever the process is now write there? A directory that is made is given to `user`.
fn writable(trial: &Trial<'_>, user: Option<&User>) -> Result<(), (PathBuf, io::Error)> {
    let write = AccessFlags::W_OK | AccessFlags::X_OK;
    let above = trial.log.ancestors().find(|path| exists(path)).unwrap_or_else(|| Path::new("."));
    let above = if above == Path::new("") { Path::new(".") } else { above };
    match (above == trial.log, user) {
        (true, _) => may(trial.log, write)?,
        // Root makes it; the user must be able to go there.
        (false, Some(_)) => may(above, AccessFlags::X_OK)?,
        (false, None) => may(above, write)?,
    }
    for file in trial.files {
        let directory = directory_of(file);
        if directory != trial.log {
            may(directory, write)?;
        }
        if exists(file) && !is_given(file, user) {
            may(file, AccessFlags::R_OK | AccessFlags::W_OK)?;
        }
    }
    Ok(())
}

/// Would a run give this file to the user? Empty ones in the user's own directory are.
fn is_given(file: &Path, user: Option<&User>) -> bool {
    let Some(user) = user else { return false };
    let theirs = directory_of(file).metadata().is_ok_and(|about| about.uid() == user.uid.as_raw());
    theirs && file.metadata().is_ok_and(|about| about.len() == 0)
}

fn exists(path: &Path) -> bool {
    let path = if path == Path::new("") { Path::new(".") } else { path };
    path.symlink_metadata().is_ok()
}

fn may(path: &Path, access: AccessFlags) -> Result<(), (PathBuf, io::Error)> {
    let name: &OsStr = path.as_os_str();
    faccessat(AT_FDCWD, name, access, AtFlags::AT_EACCESS)
        .map_err(|error| (path.to_owned(), error.into()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn asked(user: Option<&str>, log: &Path, files: &[PathBuf]) -> Result<(), Refusal> {
        let asked = Trial { user, sandbox: true, log, files };
        trial(&asked, &Owners::new(&[]))
    }

    fn tree(path: &Path) -> Vec<PathBuf> {
        let mut all: Vec<_> = fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect();
        all.sort();
        all
    }

    #[test]
    fn a_place_that_can_be_written_is_left_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        let log = place.path().join("log");
        assert!(asked(None, &log, &[log.join("alerts.log")]).is_ok());
        assert!(tree(place.path()).is_empty());
        fs::create_dir(&log).unwrap();
        assert!(asked(None, &log, &[log.join("alerts.log")]).is_ok());
        assert!(tree(&log).is_empty());
    }

    #[test]
    fn what_stands_in_the_way_is_named() {
        let place = tempfile::tempdir().unwrap();
        let log = place.path().join("log");
        fs::create_dir(&log).unwrap();
        std::os::unix::fs::symlink("/nowhere", log.join("alerts.log")).unwrap();
        let refused = asked(None, &log, &[log.join("alerts.log")]).unwrap_err().to_string();
        assert!(refused.contains("alerts.log") && refused.contains("link"), "{refused}");
        let refused = asked(None, &log, &[place.path().join("none/eve.json")]);
        assert!(refused.unwrap_err().to_string().contains("eve.json"));
        fs::write(place.path().join("file"), "").unwrap();
        assert!(asked(None, &place.path().join("file"), &[]).is_err());
    }

    /// In a process of its own: groups are given up.
    #[test]
    #[allow(clippy::print_stderr)]
    fn a_user_that_is_unknown_or_cannot_write_the_log_is_refused() {
        if !Uid::effective().is_root() {
            eprintln!("SKIPPED: needs root: a_user_that_is_unknown_or_cannot_write_the_log");
            return;
        }
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let refused = asked(Some("no-such-user"), place.path(), &[]).unwrap_err();
        assert!(matches!(refused, Refusal::Rights(RightsError::NoUser(_))), "{refused}");
        let refused = asked(Some("nobody"), place.path(), &[]).unwrap_err();
        assert!(matches!(&refused, Refusal::Write { user: Some(user), .. } if user == "nobody"));
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Uid::effective().is_root(), "root again");
    }
}
