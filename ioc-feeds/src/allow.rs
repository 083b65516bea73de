//! Allow lists: names and addresses that must not raise an alert, with the reason why.
//!
//! A text file, one entry a line: `name` (this name only), `*.name` or `.name` (the name and
//! everything below), an address, or a network; behind a blank and `#` the reason. Here nothing
//! is weighed: what an entry shadows is decided, and listed, where indicators are matched.

use std::net::IpAddr;

use crate::format::plain::without_comment;
use crate::format::{MAX_LISTED, Rejected, lines, shorten, value};
use crate::name::Name;
use crate::{Pattern, Reason, Scope};

/// What one entry allows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Allowed {
    /// A name.
    Name {
        /// The name.
        name: Name,
        /// With or without what is below it.
        scope: Scope,
    },
    /// A network; a single address has the full prefix length. No bits below the prefix.
    Network(IpAddr, u8),
}

/// One line of an allow list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowEntry {
    /// What is allowed.
    pub what: Allowed,
    /// Why, as its author wrote; may be empty.
    pub reason: String,
    /// Line in the file, from 1.
    pub line: u32,
}

/// An allow list with the lines that could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList {
    entries: Vec<AllowEntry>,
    rejected: Vec<Rejected>,
    more_rejected: usize,
}

impl AllowList {
    /// Reads an allow list from a file.
    ///
    /// # Errors
    ///
    /// [`crate::format::FeedError`] when it cannot be read, is too large or is not UTF-8.
    #[cfg(feature = "files")]
    pub fn load_file(path: impl AsRef<std::path::Path>) -> Result<Self, crate::format::FeedError> {
        let path = path.as_ref();
        let bytes = crate::format::read_capped(path)?;
        Ok(Self::parse(crate::format::utf8(&path.to_string_lossy(), &bytes)?))
    }

    /// Reads an allow list from text; a bad line is rejected and spoils no other.
    pub fn parse(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut list = Self::default();
        for (line, whole) in lines(text) {
            let entry = without_comment(whole);
            match allowed(entry) {
                Ok(what) => {
                    let rest = whole.strip_prefix(entry).unwrap_or("").trim_start();
                    let reason = rest.trim_start_matches('#').trim().to_owned();
                    list.entries.push(AllowEntry { what, reason, line });
                }
                Err(reason) => list.reject(Rejected { line, text: shorten(whole), reason }),
            }
        }
        list
    }

    /// The entries in the order of the file.
    pub fn entries(&self) -> &[AllowEntry] {
        &self.entries
    }

    /// Lines that could not be read; at most [`MAX_LISTED`].
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// All lines that could not be read, listed or not.
    pub fn rejected_total(&self) -> usize {
        self.rejected.len() + self.more_rejected
    }

    /// Appends the entries of another list.
    pub fn extend(&mut self, other: Self) {
        self.entries.extend(other.entries);
        self.more_rejected += other.more_rejected;
        for row in other.rejected {
            self.reject(row);
        }
    }

    fn reject(&mut self, row: Rejected) {
        if self.rejected.len() < MAX_LISTED {
            self.rejected.push(row);
        } else {
            self.more_rejected += 1;
        }
    }
}

fn allowed(text: &str) -> Result<Allowed, Reason> {
    let tree = text.strip_prefix("*.").or_else(|| text.strip_prefix('.'));
    let pattern = match tree {
        Some(name) => value::parse("domain", name, Some(Scope::Subtree)),
        None => value::guess(text),
    };
    match pattern? {
        Pattern::Domain { name, .. } => {
            let scope = if tree.is_some() { Scope::Subtree } else { Scope::Exact };
            Ok(Allowed::Name { name, scope })
        }
        Pattern::Ip(address) => {
            Ok(Allowed::Network(address, if address.is_ipv4() { 32 } else { 128 }))
        }
        Pattern::Cidr(address, prefix) => Ok(Allowed::Network(address, prefix)),
        Pattern::IpPort(..) => Err(Reason::new(
            "không thể cho phép một cổng: hãy viết riêng địa chỉ",
            "a port cannot be allowed: write the address alone",
        )),
        _ => Err(Reason::new(
            "chỉ có thể cho phép tên miền, địa chỉ và dải địa chỉ",
            "only names, addresses and networks can be allowed",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str, scope: Scope) -> Allowed {
        Allowed::Name { name: Name::parse(text).unwrap(), scope }
    }

    #[test]
    fn names_are_exact_unless_a_star_or_dot_leads() {
        let list = AllowList::parse("WWW.Office.example.\n*.cdn.example\r\n.intra.example\n");
        let what: Vec<_> = list.entries().iter().map(|e| e.what.clone()).collect();
        assert_eq!(
            what,
            [
                name("www.office.example", Scope::Exact),
                name("cdn.example", Scope::Subtree),
                name("intra.example", Scope::Subtree),
            ]
        );
        assert_eq!(list.rejected_total(), 0);
    }

    #[test]
    fn addresses_and_networks_of_both_families_are_read_with_their_reason() {
        let list = AllowList::parse(
            "# ours\n\n192.0.2.7   # máy quét, hỏi anh Ba\n198.51.100.0/24\n2001:db8::/32 # lab\n",
        );
        let first = list.entries().first().unwrap();
        assert_eq!(first.what, Allowed::Network("192.0.2.7".parse().unwrap(), 32));
        assert_eq!((first.reason.as_str(), first.line), ("máy quét, hỏi anh Ba", 3));
        assert_eq!(list.entries()[1].reason, "");
        assert_eq!(list.entries()[2].what, Allowed::Network("2001:db8::".parse().unwrap(), 32));
    }

    #[test]
    fn a_bad_line_is_reported_and_spoils_no_other() {
        let list = AllowList::parse(
            "good.example\ntwo words\n192.0.2.1/24\n192.0.2.1:80\nhttp://a.example/x\n*\nlast.example",
        );
        assert_eq!(list.entries().len(), 2);
        let lines: Vec<_> = list.rejected().iter().map(|r| r.line).collect();
        assert_eq!(lines, [2, 3, 4, 5, 6]);
        assert!(
            list.rejected()[1].reason.to_string().contains("192.0.2.0/24"),
            "names the right network"
        );
    }

    #[test]
    fn lists_are_joined() {
        let mut list = AllowList::parse("a.example\nb..example");
        list.extend(AllowList::parse("c.example\nd..example"));
        assert_eq!((list.entries().len(), list.rejected_total()), (2, 2));
    }
}
