//! The files that remain (Landlock): those that were named, and of directories no more than it
//! takes to see a file that was replaced.
//!
//! A rule for a directory holds for everything below it, so the directory of a feed is opened only
//! where it is one for such things. Where a feed stands in a home directory or in one of the
//! system's, only the file itself is opened; that another one of its name is not seen is said.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, BitFlags, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, make_bitflags, path_beneath_rules,
};
use nix::unistd::{Uid, User};

use super::held::Missing;
use super::{Needs, directory_of};

/// Read at any time: what interfaces lose, our own memory, the zone of times.
const SYSTEM: [&str; 4] = ["/sys", "/proc/self", "/etc/localtime", "/usr/share/zoneinfo"];

/// Directories below the root of everything, and below these, that hold what belongs to others.
const FIRST: &str =
    "bin boot dev etc home lib lib32 lib64 media mnt opt proc root run sbin srv sys tmp usr var";
const SECOND: [&str; 17] = [
    "/etc/ssl",
    "/etc/ssl/private",
    "/run/lock",
    "/run/user",
    "/usr/lib",
    "/usr/local",
    "/usr/local/etc",
    "/usr/local/share",
    "/usr/share",
    "/var/backups",
    "/var/cache",
    "/var/lib",
    "/var/lib/private",
    "/var/log",
    "/var/mail",
    "/var/spool",
    "/var/tmp",
];

/// What reading takes.
const READ: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});
/// What it takes to append to a file, to cut half a line, to rotate and to remove the oldest.
const ROTATE: BitFlags<AccessFs> =
    make_bitflags!(AccessFs::{ReadFile | ReadDir | WriteFile | MakeReg | RemoveFile | Truncate});
/// The same without rotation.
const APPEND: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | WriteFile | Truncate});

/// True if files are out of reach from now on. Notes the paths of which a replaced file is not seen.
pub(super) fn confine(
    needs: &Needs,
    missing: &mut Vec<Missing>,
    unfollowed: &mut Vec<PathBuf>,
) -> bool {
    match landlock(&Rules::of(needs), unfollowed) {
        Ok(RulesetStatus::NotEnforced) => missing.push(Missing::Landlock),
        Ok(_) => return true,
        Err(error) => missing.push(Missing::LandlockRefused(error.to_string())),
    }
    false
}

/// What is opened, and for what.
#[derive(Debug, Default)]
struct Rules {
    read: Vec<PathBuf>,
    list: Vec<PathBuf>,
    rotate: Vec<PathBuf>,
    spool: Option<PathBuf>,
    append: Vec<PathBuf>,
    unfollowed: Vec<PathBuf>,
}

impl Rules {
    fn of(needs: &Needs) -> Self {
        let mut rules = Self { read: needs.fixed.clone(), ..Self::default() };
        needs.readable.iter().for_each(|path| rules.read_again(path));
        rules.rotate.push(needs.log.path.clone());
        rules.spool = needs.spool.as_ref().map(|spool| spool.path.clone());
        for file in &needs.writable {
            match closed(directory_of(file)) {
                Some(directory) => rules.rotate.push(directory),
                None => {
                    rules.append.push(file.clone());
                    rules.unfollowed.push(file.clone());
                }
            }
        }
        rules
    }

    /// The file, and the directories in which another may take its name: a link is read through.
    fn read_again(&mut self, path: &Path) {
        if path.is_dir() {
            // The files in it are named one by one, for this case.
            match closed(path) {
                Some(directory) => self.read.push(directory),
                None => {
                    self.list.push(path.to_owned());
                    self.unfollowed.push(path.to_owned());
                }
            }
            return;
        }
        self.read.push(path.to_owned());
        let target = path.canonicalize().ok();
        let target = target.as_deref().map(directory_of);
        let directories: Vec<_> =
            std::iter::once(directory_of(path)).chain(target).map(closed).collect();
        if directories.iter().any(Option::is_none) {
            self.unfollowed.push(path.to_owned());
        }
        self.read.extend(directories.into_iter().flatten());
    }
}

fn landlock(rules: &Rules, unfollowed: &mut Vec<PathBuf>) -> Result<RulesetStatus, RulesetError> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V5))?
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, READ))?
        .add_rules(path_beneath_rules(&rules.read, READ))?
        .add_rules(path_beneath_rules(&rules.list, AccessFs::ReadDir))?
        .add_rules(path_beneath_rules(&rules.rotate, ROTATE))?
        .add_rules(path_beneath_rules(&rules.spool, ROTATE | AccessFs::MakeDir))?
        .add_rules(path_beneath_rules(&rules.append, APPEND))?
        .restrict_self()?;
    if status.ruleset != RulesetStatus::NotEnforced {
        unfollowed.extend(rules.unfollowed.iter().cloned());
    }
    Ok(status.ruleset)
}

/// The directory, unless it holds much that is not ours.
fn closed(directory: &Path) -> Option<PathBuf> {
    let whole = directory.canonicalize().ok()?;
    let mut parts = whole.components().skip(1);
    let first = parts.next().map(|part| part.as_os_str().to_owned());
    let is_first = |name: &std::ffi::OsStr| FIRST.split(' ').any(|known| name == known);
    let is_broad = match (first, parts.next()) {
        (None, _) => true,
        (Some(first), None) => is_first(&first),
        (Some(first), Some(_)) => {
            let below = |parent: &str| whole.parent() == Some(Path::new(parent));
            (first == "home" && below("/home"))
                || below("/run/user")
                || SECOND.iter().any(|known| whole == Path::new(known))
        }
    };
    (!is_broad && !is_home(&whole)).then_some(whole)
}

/// Is it somebody's home directory?
fn is_home(directory: &Path) -> bool {
    /// Below are users of the system, whose homes hold what belongs to their service.
    const PEOPLE: u32 = 1000;
    let Ok(about) = directory.metadata() else { return false };
    let owner = User::from_uid(Uid::from_raw(about.uid())).ok().flatten();
    owner.is_some_and(|owner| (about.uid() == 0 || about.uid() >= PEOPLE) && owner.dir == directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_holds_what_belongs_to_others_is_not_opened_for_the_sake_of_a_file() {
        for broad in
            ["/", "/etc", "/tmp", "/usr/share", "/var/log", "/root", "/etc/../etc", "/home"]
        {
            assert_eq!(closed(Path::new(broad)), None, "{broad}");
        }
        assert_eq!(closed(Path::new("/no/such/place")), None);
        let own = tempfile::tempdir().unwrap();
        let whole = own.path().canonicalize().unwrap();
        assert_eq!(closed(own.path()), Some(whole));
        let link = own.path().join("link");
        std::os::unix::fs::symlink("/etc", &link).unwrap();
        assert_eq!(closed(&link), None, "a link counts as what it points to");
    }

    #[test]
    fn a_feed_opens_itself_and_the_directory_that_another_could_take_its_name_in() {
        let own = tempfile::tempdir().unwrap();
        let whole = own.path().canonicalize().unwrap();
        let (feeds, elsewhere) = (whole.join("feeds"), whole.join("elsewhere"));
        for directory in [&feeds, &elsewhere] {
            std::fs::create_dir(directory).unwrap();
        }
        let (link, target) = (feeds.join("link.csv"), elsewhere.join("t.csv"));
        std::fs::write(&target, "").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let mut rules = Rules::default();
        rules.read_again(&link);
        assert_eq!(rules.read, [link, feeds.clone(), elsewhere]);
        let mut rules = Rules::default();
        rules.read_again(&feeds);
        assert_eq!(rules.read, [feeds]);
        let mut rules = Rules::default();
        rules.read_again(Path::new("/etc"));
        assert_eq!((rules.read.len(), rules.list.len(), rules.unfollowed.len()), (0, 1, 1));
        let mut rules = Rules::default();
        rules.read_again(Path::new("/etc/hostname"));
        assert_eq!(rules.read, [Path::new("/etc/hostname")]);
        assert_eq!(rules.unfollowed, rules.read, "what is not followed is said");
    }
}
