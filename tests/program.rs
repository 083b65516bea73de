//! What the program does around the traffic: arguments, configuration, files, rights, words, packages.
//!
//! One binary, so that it is linked once; each module is a suite of its own and is run alone by its
//! name: `cargo test --test program cli::`.

mod build_date;
mod cli;
mod directories;
mod doctor;
mod hostile_text;
mod import;
mod left_out;
mod logs;
mod machine;
mod outputs;
mod package;
mod privilege;
mod reload;
mod selftest;
mod snapshots;
mod spool;
mod standing;

use wardwatch_testing as support;
