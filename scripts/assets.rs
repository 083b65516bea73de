//! Writes the man pages and shell completions of the package into a directory, from the same
//! definition of the command line that the program parses with.
//!
//! `cargo run --example assets -- target/assets`
#![allow(clippy::print_stderr)] // a tool of the build, not the sensor

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;
use wardwatch::cli::Cli;

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
    fs::create_dir_all(directory)?;
    // One page a command: wardwatch.1, wardwatch-run.1, wardwatch-feeds-lookup.1 ...
    clap_mangen::generate_to(Cli::command(), directory)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut Cli::command(), "wardwatch", directory)?;
    }
    Ok(())
}
