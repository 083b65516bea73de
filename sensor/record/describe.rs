//! An operating system's error, as one would say it.

use std::io;

/// An operating system's error in words, without Rust's `(os error 2)`.
pub fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            format!("its compressed data is damaged ({error})")
        }
        io::ErrorKind::UnexpectedEof => "its compressed data is cut short".into(),
        io::ErrorKind::IsADirectory => "it is a directory".into(),
        // Not the system's words but ours or a library's, with names and paths in them.
        _ if error.raw_os_error().is_none() => error.to_string(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_lowercase()
        }
    }
}
