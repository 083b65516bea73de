//! The one spelling of a host name used for comparison.

/// A host name in comparable spelling: A-labels, lower case, no trailing dot, at least one label,
/// bytes outside printable ASCII as `\DDD`. Parsers on the wire write the same spelling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Reads a name that is written in ASCII already.
    ///
    /// # Errors
    ///
    /// When a label is empty or a byte is none of a host name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let bare = text.strip_suffix('.').unwrap_or(text);
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if bare.split('.').any(str::is_empty) || !bare.bytes().all(plain) {
            return Err(format!("{text:?} is no host name"));
        }
        Ok(Self(bare.to_ascii_lowercase()))
    }

    /// The text, without a trailing dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
