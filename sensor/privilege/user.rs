//! Which user to become, and how.
//!
//! Alerts come first: a user who cannot write the log is not taken. Then the process stays with
//! root's number but without root's rights, and says so.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::unistd::{self, Gid, Uid, User};

use super::held::{Missing, RightsError, Who};
use super::{Needs, directory_of};
use crate::directory::{Directory, Owners};

/// The user of the package.
const OURS: &str = "wardwatch";
/// The numbers of users that systemd makes.
const DYNAMIC: std::ops::RangeInclusive<u32> = 61_184..=65_519;
/// The bit of a directory that hands its group on to the files in it.
const SET_GROUP: u32 = 0o2000;
/// Who is nobody on every system.
const NOBODY: &str = "nobody";

/// Where logs are written.
#[derive(Debug)]
pub struct LogPlace {
    /// The directory's path.
    pub path: PathBuf,
    /// The directory, open.
    pub directory: Directory,
    /// Was it made just now? Then it may be given away.
    pub is_new: bool,
    /// The names of the files that are open in it.
    pub files: Vec<OsString>,
}

/// Becomes another user if the process is root; says who it is.
pub(super) fn leave_root(needs: &Needs, missing: &mut Vec<Missing>) -> Result<Who, RightsError> {
    if !Uid::effective().is_root() {
        return Ok(Who::User(name_of(Uid::effective())));
    }
    // Groups are given up whoever we become.
    unistd::setgroups(&[]).map_err(|error| RightsError::Groups(error.to_string()))?;
    for user in candidates(needs.user.as_deref())? {
        if take_log(&user, needs) {
            become_user(&user)?;
            return Ok(Who::User(user.name));
        }
    }
    missing.push(Missing::User { log: needs.log.path.clone() });
    Ok(Who::RootInNumber)
}

/// The numbers of the users whom root would become, and of the one that was it before. What belongs
/// to anybody else is not written.
pub fn successors(user: Option<&str>, log: &Path) -> Vec<u32> {
    let users = candidates(user).unwrap_or_default();
    users.iter().map(|user| user.uid.as_raw()).chain(former(log)).collect()
}

/// A user that systemd makes for a service (`DynamicUser=`) has no name while the service is
/// stopped. Its directory stands in one of root's that nobody else can enter.
fn former(log: &Path) -> Option<u32> {
    let whole = log.canonicalize().ok()?;
    let (owner, parent) = (whole.metadata().ok()?.uid(), whole.parent()?.metadata().ok()?);
    let is_closed = parent.uid() == 0 && parent.mode() & 0o077 == 0;
    (is_closed && DYNAMIC.contains(&owner)).then_some(owner)
}

/// Whom to try, in this order. A user who was asked for by name is the only one.
pub(super) fn candidates(user: Option<&str>) -> Result<Vec<User>, RightsError> {
    let named = |name: &str| User::from_name(name).ok().flatten();
    match user {
        Some(name) => {
            named(name).map(|user| vec![user]).ok_or_else(|| RightsError::NoUser(name.into()))
        }
        None => Ok([named(OURS), named(NOBODY)].into_iter().flatten().collect()),
    }
}

/// Can this user write the log? Gives it what is ours to give; takes it back if that is not
/// enough.
fn take_log(user: &User, needs: &Needs) -> bool {
    let give_one = |place: &LogPlace, uid: Uid, gid: Gid| {
        let LogPlace { directory, is_new, files, .. } = place;
        if *is_new {
            let _ = directory.give(uid, gid);
        }
        let is_theirs = directory.owner().is_ok_and(|owner| owner == user.uid.as_raw());
        // A directory that hands its group on has readers in that group.
        let about = directory.stat(OsStr::new(".")).ok();
        let group = about.filter(|about| is_theirs && about.st_mode & SET_GROUP != 0);
        let gid = group.map_or(gid, |about| Gid::from_raw(about.st_gid));
        for file in files.iter().filter(|_| *is_new || is_theirs) {
            let _ = directory.give_file(file, uid, gid);
        }
    };
    let places = || std::iter::once(&needs.log).chain(&needs.spool);
    let give = |uid: Uid, gid: Gid| places().for_each(|place| give_one(place, uid, gid));
    give(user.uid, user.gid);
    let can = as_user(user, || writes(needs, user));
    if !can {
        give(Uid::from_raw(0), Gid::from_raw(0));
    }
    can
}

/// Does something as another user, for a moment.
pub(super) fn as_user(user: &User, act: impl FnOnce() -> bool) -> bool {
    if unistd::setegid(user.gid).is_err() {
        return false;
    }
    let done = unistd::seteuid(user.uid).is_ok() && act();
    // Back: the real user is still root.
    let _ = unistd::seteuid(Uid::from_raw(0));
    let _ = unistd::setegid(Gid::from_raw(0));
    done
}

/// Can files be made and moved in the directories, and those that are open be opened again?
fn writes(needs: &Needs, user: &User) -> bool {
    let makes = |directory: &Path| {
        let probe = directory.join(format!(".wardwatch-{}", std::process::id()));
        let made = OpenOptions::new().write(true).create_new(true).open(&probe).is_ok();
        made && fs::remove_file(&probe).is_ok()
    };
    let owners = Owners::new(&[user.uid.as_raw()]);
    let again = |file: &PathBuf| {
        let opened = Directory::of(file, &owners).and_then(|(at, name)| at.append(&name, 0o640));
        opened.is_ok()
    };
    let files = needs.log.files.iter().map(|name| needs.log.path.join(name));
    makes(&needs.log.path)
        && needs.spool.as_ref().is_none_or(|spool| makes(&spool.path))
        && needs.writable.iter().all(|file| makes(directory_of(file)))
        && files.chain(needs.writable.iter().cloned()).all(|file| again(&file))
}

/// For good. Capabilities stay until they are dropped, which is next.
fn become_user(user: &User) -> Result<(), RightsError> {
    let because = |reason: String| RightsError::Become { user: user.name.clone(), reason };
    let failed = |error: nix::Error| because(error.to_string());
    caps::securebits::set_keepcaps(true).map_err(|error| because(error.to_string()))?;
    unistd::setresgid(user.gid, user.gid, user.gid).map_err(failed)?;
    unistd::setresuid(user.uid, user.uid, user.uid).map_err(failed)
}

fn name_of(uid: Uid) -> String {
    User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}
