//! The small vocabularies of a feed row, each word with its one spelling.

use std::fmt;

/// How much of the tree below a name is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The name and everything below it.
    #[default]
    Subtree,
    /// The name itself only: hosts under a shared suffix.
    Exact,
}

/// What the infrastructure was used for, as far as its report says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Command and control.
    #[default]
    C2,
    /// Delivers malware or a later stage.
    Delivery,
    /// Receives stolen data.
    Exfiltration,
    /// Taken over by defenders: a contact still means an infected host.
    Sinkhole,
    /// A test that the sensor works.
    Canary,
    /// Not said.
    Unknown,
}

/// How sure the attribution was when reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Weak: context.
    Low,
    /// One listing or a researcher's post.
    #[default]
    Medium,
    /// A vendor's or an agency's own report.
    High,
}

/// Gives a word its spelling both ways; `ALL` lists the words for messages.
macro_rules! spelled {
    ($type:ident: $($variant:ident = $text:literal),+ $(,)?) => {
        impl $type {
            /// Every word, in the order of the enum.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word as feeds, logs and configuration spell it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads the word in any case; none for anything else.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str().eq_ignore_ascii_case(text))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

spelled!(Scope: Subtree = "subtree", Exact = "exact");
spelled!(Role:
    C2 = "c2",
    Delivery = "delivery",
    Exfiltration = "exfiltration",
    Sinkhole = "sinkhole",
    Canary = "canary",
    Unknown = "unknown",
);
spelled!(Confidence: Low = "low", Medium = "medium", High = "high");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_in_any_case() {
        for role in Role::ALL {
            assert_eq!(Role::parse(&role.as_str().to_uppercase()), Some(*role));
        }
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(*scope));
        }
        for confidence in Confidence::ALL {
            assert_eq!(Confidence::parse(&confidence.to_string()), Some(*confidence));
        }
        assert_eq!(Role::parse("boss"), None);
    }
}
