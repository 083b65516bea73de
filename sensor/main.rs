//! The `wardwatch` command: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    wardwatch::command::main()
}
