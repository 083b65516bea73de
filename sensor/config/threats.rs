//! The words of threats: those that are built in, with an office's own over them.

use std::path::Path;

use ioc_feeds::threat::{Threats, ThreatsError};

use super::{ConfigError, invalid, text};
use crate::lang::Said;

/// The threats that are built in, with those of a file over them.
///
/// # Errors
/// [`ConfigError`] names the file and line.
pub fn threats(path: Option<&Path>) -> Result<Threats, ConfigError> {
    let wrong = |path: &Path, error: &ThreatsError, text: &str| match error {
        ThreatsError::Toml(error) => invalid(path, text, error),
        ThreatsError::Key(key) => {
            let line = text.lines().position(|line| line.contains(key.as_str()));
            let message = Said::new(
                format!(
                    "tên mối đe dọa `{key}` không dùng được: chỉ gồm chữ thường không dấu, chữ số và dấu -"
                ),
                error.to_string(),
            );
            ConfigError::Invalid {
                path: path.into(),
                line: line.map_or(0, |line| line + 1),
                message,
            }
        }
        ThreatsError::Missing(part) => {
            let vi = format!("thiếu `{part}`: hãy thêm vào, hoặc bắt đầu từ tệp có sẵn");
            ConfigError::Threats { path: path.into(), reason: Said::new(vi, error.to_string()) }
        }
    };
    let builtin = Path::new("(built in)");
    let mut threats = ioc_feeds::curated::threats().map_err(|error| wrong(builtin, &error, ""))?;
    if let Some(path) = path {
        let text = text(path)?;
        threats.replace_from(&text).map_err(|error| wrong(path, &error, &text))?;
    }
    Ok(threats)
}
