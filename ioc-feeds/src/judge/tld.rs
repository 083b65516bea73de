//! What the last label of a name says: a top-level domain, a name of special use, the ending of a
//! file. Knows the list of public suffixes; decides nothing.

/// Top-level domains that are endings of files too, and what such files are is no matter here.
const FILE_LIKE: [&str; 14] =
    ["app", "cab", "cat", "md", "mov", "pl", "ps", "pub", "py", "rs", "sh", "so", "tf", "zip"];
/// Endings that are asked about whatever stands before them: nearly every such name is a file.
const NEARLY_ALWAYS_FILES: [&str; 5] = ["md", "mov", "ps", "py", "zip"];
/// Programs of DOS and Windows that end in `.com`.
const COMMANDS: [&str; 18] = [
    "assign", "chcp", "command", "diskcomp", "diskcopy", "doskey", "edit", "format", "graftabl",
    "keyb", "kb16", "loadfix", "mode", "more", "msdos", "tree", "unformat", "win",
];
/// Names that nobody registers (RFC 2606, RFC 6761, RFC 7686, RFC 8375), and those of networks
/// beside the Internet's.
const SPECIAL: [&str; 14] = [
    "alt",
    "arpa",
    "bit",
    "corp",
    "example",
    "home",
    "i2p",
    "internal",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "test",
];

/// What a last label is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tld {
    /// A top-level domain, and nothing else.
    Known,
    /// A top-level domain that is more often the ending of a file, here.
    FileLike,
    /// A name of the Tor network, which is never asked for on the wire as it is.
    Onion,
    /// A name of special use.
    Special,
    /// Nothing of that kind: a file, a version, a word.
    Unknown,
}

/// What the last label of a name in comparable spelling is.
pub fn look(name: &str) -> Tld {
    let (stem, last) = name.rsplit_once('.').unwrap_or(("", name));
    if last == "onion" {
        return Tld::Onion;
    }
    if SPECIAL.contains(&last) {
        return Tld::Special;
    }
    if !is_known(last) {
        return Tld::Unknown;
    }
    let short = !stem.contains('.');
    let file = NEARLY_ALWAYS_FILES.contains(&last) || short && FILE_LIKE.contains(&last);
    match file || last == "com" && COMMANDS.contains(&stem) {
        true => Tld::FileLike,
        false => Tld::Known,
    }
}

/// Is it a top-level domain of the public suffix list?
fn is_known(last: &str) -> bool {
    let known = |text: &str| psl::suffix(text.as_bytes()).is_some_and(|suffix| suffix.is_known());
    if known(last) {
        return true;
    }
    last.starts_with("xn--") && {
        let (unicode, outcome) = idna::domain_to_unicode(last);
        outcome.is_ok() && known(&unicode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_label_is_a_domain_a_file_or_a_word() {
        for (name, expected) in [
            ("bad.com", Tld::Known),
            ("command.com", Tld::FileLike),
            ("bad.com.vn", Tld::Known),
            ("invoice.zip", Tld::FileLike),
            ("bad.host.zip", Tld::FileLike),
            ("setup.sh", Tld::FileLike),
            ("www.host.sh", Tld::Known),
            ("svchost.exe", Tld::Unknown),
            ("trojan.win32.plugx", Tld::Unknown),
            ("tp.hcm", Tld::Unknown),
            ("c2.bad.test", Tld::Special),
            ("bad.onion", Tld::Onion),
            ("bad.xn--p1ai", Tld::Known),
            ("stt.xn--tn-eja", Tld::Unknown),
            ("", Tld::Unknown),
        ] {
            assert_eq!(look(name), expected, "{name}");
        }
    }
}
