//! The `wardwatch` command.
fn main() {}
