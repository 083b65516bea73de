//! What holds of the sources and of what they depend on.
//!
//! Each module is a suite of its own: `cargo test --test project architecture::`.

mod architecture;
mod dependencies;
