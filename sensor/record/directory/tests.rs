//! What may be laid in the place of a log. Those that need another user's files say so when they
//! cannot run.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};

use nix::unistd::mkfifo;

use super::*;

/// `nobody`, who is another user than root.
const NOBODY: u32 = 65_534;

fn said<T: std::fmt::Debug>(result: io::Result<T>) -> String {
    result.unwrap_err().to_string()
}

fn skipped(test: &str) -> bool {
    let skipped = !Uid::effective().is_root();
    if skipped {
        eprintln!("SKIPPED: needs root: {test}");
    }
    skipped
}

fn append(path: &Path, owners: &Owners) -> io::Result<File> {
    let (directory, name) = Directory::of(path, owners)?;
    directory.append(&name, 0o640)
}

#[test]
fn a_file_is_made_with_its_mode_and_appended_to() {
    let place = tempfile::tempdir().unwrap();
    let owners = Owners::new(&[]);
    let path = place.path().join("alerts.log");
    for _ in 0..2 {
        Write::write_all(&mut append(&path, &owners).unwrap(), b"x\n").unwrap();
    }
    assert_eq!(fs::read(&path).unwrap(), b"x\nx\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777 & !0o640, 0);
}

#[test]
fn links_second_names_pipes_devices_and_directories_are_refused_and_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    let owners = Owners::new(&[]);
    fs::write(path("target"), "secret").unwrap();
    symlink("target", path("link")).unwrap();
    symlink("none", path("dangling")).unwrap();
    symlink("/dev/null", path("null")).unwrap();
    fs::write(path("twice"), "secret").unwrap();
    fs::hard_link(path("twice"), path("other")).unwrap();
    mkfifo(&path("pipe"), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let _held = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
    fs::create_dir(path("directory")).unwrap();
    for (name, words) in [
        ("link", LINK),
        ("dangling", LINK),
        ("null", LINK),
        ("twice", NAMES),
        ("other", NAMES),
        ("pipe", file::PIPE),
        ("socket", file::SOCKET),
        ("directory", "is a directory"),
    ] {
        assert_eq!(said(append(&path(name), &owners)), words, "{name}");
    }
    assert_eq!(said(append(Path::new("/dev/full"), &owners)), file::DEVICE);
    assert!(!path("none").exists(), "nothing is made through a link");
    assert_eq!(fs::read(path("target")).unwrap(), b"secret");
    assert_eq!(fs::read(path("twice")).unwrap(), b"secret");
}

#[test]
fn root_writes_neither_other_users_files_nor_in_directories_that_others_can_change() {
    if skipped("root_writes_neither_other_users_files") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    let (ours, theirs) = (Owners::new(&[]), Owners::new(&[NOBODY]));
    fs::write(path("file"), "").unwrap();
    chown(path("file"), Some(NOBODY), None).unwrap();
    assert_eq!(said(append(&path("file"), &ours)), FOREIGN);
    assert!(append(&path("file"), &theirs).is_ok(), "the user that is to be become");

    fs::create_dir(path("log")).unwrap();
    let log = path("log/alerts.log");
    for (owner, mode, wanted) in [
        (0, 0o755, None),
        (0, 0o775, Some(OPEN_DIRECTORY)),
        (0, 0o757, Some(OPEN_DIRECTORY)),
        (0, 0o1777, None),
        (NOBODY, 0o755, Some(FOREIGN_DIRECTORY)),
    ] {
        chown(path("log"), Some(owner), None).unwrap();
        fs::set_permissions(path("log"), PermissionsExt::from_mode(mode)).unwrap();
        let outcome = append(&log, &ours).map(drop).map_err(|error| error.to_string());
        assert_eq!(outcome.err().as_deref(), wanted, "{owner} {mode:o}");
    }
    assert!(append(&log, &theirs).is_ok());
}

#[test]
fn a_link_in_the_place_of_a_directory_is_followed_only_where_root_laid_it_beside_its_own() {
    if skipped("a_link_in_the_place_of_a_directory") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    let owners = Owners::new(&[NOBODY]);
    fs::create_dir_all(path("private/log")).unwrap();
    fs::create_dir(path("theirs")).unwrap();
    symlink("private/log", path("log")).unwrap();
    symlink("../private", path("theirs/way")).unwrap();
    assert!(append(&path("log/alerts.log"), &owners).is_ok(), "as systemd does");
    lchown(path("log"), Some(NOBODY), None).unwrap();
    chown(path("theirs"), Some(NOBODY), None).unwrap();
    for name in ["log/eve.json", "theirs/way/log/eve.json", "theirs/way/new/eve.json"] {
        assert_eq!(said(append(&path(name), &owners)), file::FOREIGN_LINK, "{name}");
        let directory = path(name);
        let made = Directory::open_or_make(directory.parent().unwrap(), &owners);
        assert_eq!(said(made), file::FOREIGN_LINK, "{name}");
    }
    assert!(!path("private/log/eve.json").exists() && !path("private/new").exists());
}

#[test]
fn what_is_missing_on_the_way_is_made_and_given_away_by_descriptor() {
    if skipped("what_is_missing_on_the_way_is_made") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let owners = Owners::new(&[NOBODY]);
    let path = place.path().join("a/b/log");
    let (directory, made) = Directory::open_or_make(&path, &owners).unwrap();
    assert!(made);
    let (_, again) = Directory::open_or_make(&path, &owners).unwrap();
    assert!(!again);
    for name in ["alerts.log", LOCK, "held"] {
        directory.append(OsStr::new(name), 0o640).unwrap();
    }
    fs::write(path.join("held"), "root's own, under a new name").unwrap();
    fs::write(path.join("secret"), "").unwrap();
    symlink("secret", path.join("link")).unwrap();
    let nobody = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    directory.give(nobody.0, nobody.1).unwrap();
    for name in ["alerts.log", LOCK, "held"] {
        directory.give_file(OsStr::new(name), nobody.0, nobody.1).unwrap();
    }
    assert_eq!(said(directory.give_file(OsStr::new("link"), nobody.0, nobody.1)), LINK);
    let owner = |name: &str| directory.stat(OsStr::new(name)).unwrap().st_uid;
    let found = ["alerts.log", LOCK, "held", "secret", "link"].map(owner);
    assert_eq!(found, [NOBODY, NOBODY, 0, 0, 0]);
    assert_eq!(directory.owner().unwrap(), NOBODY);
}

#[test]
fn a_pipe_takes_lines_before_anybody_reads() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("pipe");
    mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    fs::write(place.path().join("file"), "").unwrap();
    let directory = Directory::open(place.path(), &Owners::new(&[])).unwrap();
    let mut pipe = directory.stream(OsStr::new("pipe"), Reader::Ourselves).unwrap().unwrap();
    Write::write_all(&mut pipe, b"one\n").unwrap();
    let mut reader = File::open(&path).unwrap();
    let mut line = [0; 4];
    Read::read_exact(&mut reader, &mut line).unwrap();
    assert_eq!(&line, b"one\n");
    for name in ["file", "none"] {
        assert!(directory.stream(OsStr::new(name), Reader::Ourselves).unwrap().is_none(), "{name}");
    }
}

#[test]
fn a_second_holder_hears_who_the_first_is_and_a_lock_that_was_left_is_taken() {
    let place = tempfile::tempdir().unwrap();
    let directory = Directory::open(place.path(), &Owners::new(&[])).unwrap();
    fs::write(place.path().join(LOCK), "4711 2024-06-18T09:21:05+07:00 and a longer line\n")
        .unwrap();
    let first = Lock::take(&directory, "2026-01-02T03:04:05+07:00").unwrap();
    let Err(Busy::Taken(Some((number, since)))) = Lock::take(&directory, "x") else {
        panic!("taken twice")
    };
    assert_eq!((number, &*since), (std::process::id(), "2026-01-02T03:04:05+07:00"));
    // What stands there is not believed to be harmless.
    fs::write(place.path().join(LOCK), "7 \x1b[2J\n").unwrap();
    assert!(matches!(Lock::take(&directory, "x"), Err(Busy::Taken(None))));
    drop(first);
    Lock::take(&directory, "x").unwrap();
    let mode = fs::metadata(place.path().join(LOCK)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "nobody else may hold it");
}
