//! The one spelling of a host name used for comparison.

/// A host name in comparable spelling: A-labels, lower case, no trailing dot, at least one label,
/// bytes outside printable ASCII as `\DDD`. Parsers on the wire write the same spelling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The text, without a trailing dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
