//! Writes the man pages and shell completions of the package into a directory, from the same
//! definition of the command line that the program parses with.
//!
//! `cargo run --example assets -- target/assets`
#![allow(clippy::print_stderr)] // a tool of the build, not the sensor

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap_complete::Shell;
use wardwatch::command::command_line;
use wardwatch::lang::Language;

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("assets: into which directory?");
        return ExitCode::from(2);
    };
    match write(&directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("assets: cannot write to {}: {error}", directory.display());
            ExitCode::FAILURE
        }
    }
}

/// Also called by tests/package.rs, which packs what it makes.
pub(crate) fn write(directory: &Path) -> io::Result<()> {
    let vietnamese = directory.join("vi");
    fs::create_dir_all(&vietnamese)?;
    // One page a command: wardwatch.1, wardwatch-run.1, wardwatch-feeds-lookup.1 ...
    clap_mangen::generate_to(command_line(Language::En), directory)?;
    clap_mangen::generate_to(command_line(Language::Vi), &vietnamese)?;
    for page in fs::read_dir(&vietnamese)? {
        let page = page?.path();
        // Of `wardwatch help` itself the English pages have none.
        if page.file_stem().is_some_and(|name| name.to_string_lossy().contains("-help")) {
            fs::remove_file(&page)?;
            continue;
        }
        fs::write(&page, in_vietnamese(&fs::read_to_string(&page)?))?;
    }
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut command_line(Language::En), "wardwatch", directory)?;
    }
    Ok(())
}

/// The words that the maker of pages puts around the texts of the command line.
const FRAME: [(&str, &str); 12] = [
    (".SH NAME\n", ".SH TÊN\n"),
    (".SH SYNOPSIS\n", ".SH \"CÚ PHÁP\"\n"),
    (".SH DESCRIPTION\n", ".SH \"MÔ TẢ\"\n"),
    (".SH OPTIONS\n", ".SH \"TÙY CHỌN\"\n"),
    (".SH SUBCOMMANDS\n", ".SH LỆNH\n"),
    (".SH EXTRA\n", ".SH \"THÔNG TIN THÊM\"\n"),
    (".SH VERSION\n", ".SH \"PHIÊN BẢN\"\n"),
    (".SH AUTHORS\n", ".SH \"TÁC GIẢ\"\n"),
    ("Possible values:", "Các giá trị:"),
    ("possible values: ", "các giá trị: "),
    ("[default: ", "[mặc định: "),
    ("[env: ", "[biến môi trường: "),
];

fn in_vietnamese(page: &str) -> String {
    FRAME.iter().fold(wardwatch::lang::usage::frame(page), |page, (english, vietnamese)| {
        page.replace(english, vietnamese)
    })
}
