//! Starts the process that reads a document, and takes its records. Whatever becomes of that process,
//! this one goes on and says where it was.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use ioc_feeds::file;
use ioc_feeds::handover::{Place, Record};
use ioc_feeds::threat::Language;

use crate::lang::{self, Said};

/// Name of the program.
const PROGRAM: &str = "wardwatch-import";
/// Longest record, in octets.
const LONGEST: u64 = 1024 * 1024;

/// Reads a document; every record is handed over as it comes. When this fails, what was handed over
/// is to be thrown away.
pub(super) fn read(
    path: &Path,
    named: Option<&str>,
    take: &mut dyn FnMut(Record),
) -> Result<(), Said> {
    let file = match path.as_os_str() == "-" {
        true => None,
        false => Some(file::open(path).map_err(|error| {
            let reason = crate::capture::describe(&error);
            Said::new(lang::system(Language::Vi, &reason), reason.clone())
        })?),
    };
    let mut child = start(file, named)?;
    let Some(output) = child.stdout.take() else { return Err(no_program("stdout")) };
    let mut last = Place::default();
    let outcome = records(output, &mut last, take);
    if !matches!(outcome, Ok(true)) {
        // It may be in the middle of something.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| no_program(&error.to_string()))?;
    match outcome {
        Ok(true) => Ok(()),
        Ok(false) => {
            let how = match status.signal() {
                Some(24) => Said::new("quá thời gian", "out of time"),
                Some(number) => Said::new(format!("tín hiệu {number}"), format!("signal {number}")),
                None => Said::new("lỗi bên trong", "a fault inside"),
            };
            Err(at(
                &last,
                &Said::new(
                    format!(
                        "tiến trình đọc tài liệu đã dừng giữa chừng ({}); không nạp gì từ tệp này",
                        how.in_language(Language::Vi)
                    ),
                    format!(
                        "the process that reads it has ended ({}); nothing of it is loaded",
                        how.in_language(Language::En)
                    ),
                ),
            ))
        }
        Err(said) => Err(said),
    }
}

/// Names the place before what is said of it.
fn at(place: &Place, said: &Said) -> Said {
    let name = |language: Language| match place.in_language(language) {
        place if place.is_empty() => said.in_language(language).to_owned(),
        place => format!("{place}: {}", said.in_language(language)),
    };
    Said::new(name(Language::Vi), name(Language::En))
}

/// True if the records came to their end.
fn records(
    output: ChildStdout,
    last: &mut Place,
    take: &mut dyn FnMut(Record),
) -> Result<bool, Said> {
    let mut lines = BufReader::with_capacity(256 * 1024, output);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut lines).take(LONGEST).read_until(b'\n', &mut line);
        match read {
            Ok(0) | Err(_) => return Ok(false),
            Ok(_) => {}
        }
        match serde_json::from_slice(&line) {
            Ok(Record::End) => return Ok(true),
            Ok(Record::Failed { place, why }) => {
                return Err(at(&place, &Said::new(why.vi, why.en)));
            }
            Ok(Record::At(place)) => *last = place,
            Ok(record) => take(record),
            Err(_) => return Ok(false),
        }
    }
}

fn start(file: Option<File>, named: Option<&str>) -> Result<Child, Said> {
    let program = program().ok_or_else(|| no_program("not found"))?;
    let mut command = Command::new(program);
    if let Some(named) = named {
        command.args(["--as", named]);
    }
    command
        .env_clear()
        .current_dir("/")
        .stdin(file.map_or_else(Stdio::inherit, Stdio::from))
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command.spawn().map_err(|error| no_program(&error.to_string()))
}

fn no_program(why: &str) -> Said {
    Said::new(
        format!(
            "không chạy được {PROGRAM} ({why}): hãy cài lại gói wardwatch, hoặc đặt WARDWATCH_IMPORT=ĐƯỜNG_DẪN"
        ),
        format!(
            "cannot start {PROGRAM} ({why}): install the package again, or set WARDWATCH_IMPORT=PATH"
        ),
    )
}

/// Where the program is: where it is said, beside this one, or where packages put it.
fn program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("WARDWATCH_IMPORT") {
        return Some(named.into());
    }
    let own = std::env::current_exe().ok()?;
    let beside = own.parent()?;
    // A test's own program stands one directory deeper.
    let places = [
        beside.join(PROGRAM),
        beside.join("..").join("libexec/wardwatch").join(PROGRAM),
        beside.join("..").join(PROGRAM),
        PathBuf::from("/usr/libexec/wardwatch").join(PROGRAM),
        PathBuf::from("/usr/lib/wardwatch").join(PROGRAM),
    ];
    places.into_iter().find(|place| place.is_file())
}
