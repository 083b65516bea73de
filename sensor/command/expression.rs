//! Which arguments of `scan` are captures and which are a BPF expression behind them, as tcpdump
//! takes it: in one word or several.
//!
//! Nothing that is meant as a filter may be taken for a file that is missing: the scan would then
//! be one of everything.

use std::path::{Path, PathBuf};

use crate::config::ConfigError;
use crate::lang::Said;

/// What a BPF expression begins with (pcap-filter(7)).
const BEGINNINGS: [&str; 38] = [
    "arp",
    "broadcast",
    "dst",
    "ether",
    "fddi",
    "gateway",
    "geneve",
    "greater",
    "host",
    "icmp",
    "icmp6",
    "igmp",
    "inbound",
    "ip",
    "ip6",
    "ip6proto",
    "ipproto",
    "len",
    "less",
    "link",
    "mpls",
    "multicast",
    "net",
    "not",
    "outbound",
    "port",
    "portrange",
    "pppoed",
    "pppoes",
    "proto",
    "rarp",
    "sctp",
    "src",
    "tcp",
    "tr",
    "udp",
    "vlan",
    "wlan",
];

/// The captures, and the expression behind them if there is one.
///
/// # Errors
/// An argument that is neither; and an expression that names hosts instead of addresses, since
/// libpcap would ask a DNS server for them.
pub(super) fn split(
    mut paths: Vec<PathBuf>,
) -> Result<(Vec<PathBuf>, Option<String>), ConfigError> {
    let is_there = |path: &PathBuf| path.as_os_str() == "-" || path.symlink_metadata().is_ok();
    let Some(last) = paths.iter().rposition(is_there) else { return Ok((paths, None)) };
    let begins = paths.iter().skip(last + 1).position(|path| !is_file_name(path));
    let Some(begins) = begins else { return Ok((paths, None)) };
    let words = paths.split_off(last + 1 + begins);
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let expression = words.join(" ");
    if !begins_expression(&expression) {
        return Err(ConfigError::Value(Said::new(
            format!(
                "`{expression}`: không có tệp này, cũng không phải biểu thức lọc BPF (xem `man pcap-filter`)"
            ),
            format!(
                "`{expression}` is no file that is there and begins no BPF expression (see `man pcap-filter`)"
            ),
        )));
    }
    asks_nobody(&expression)?;
    Ok((paths, Some(expression)))
}

/// Words that a host or network stands behind.
const BEFORE_HOSTS: [&str; 5] = ["host", "gateway", "net", "src", "dst"];

/// Refuses an expression that names a host instead of its address: libpcap would ask a DNS server for
/// it, and a sensor resolves no name.
///
/// # Errors
/// The name.
pub(super) fn asks_nobody(expression: &str) -> Result<(), ConfigError> {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || ".:-_/".contains(c);
    let mut before = "";
    for word in expression.split(|c: char| !is_inside(c)).filter(|word| !word.is_empty()) {
        let has_letter = word.bytes().any(|byte| byte.is_ascii_alphabetic());
        // Addresses of IPv6 and of hardware have colons, which no name has.
        let may_be_name = has_letter && !word.contains(':') && !word.starts_with("0x");
        let behind = BEFORE_HOSTS.contains(&before) && !is_keyword(word);
        if may_be_name && (behind || word.contains('.')) {
            return Err(ConfigError::Value(Said::new(
                format!(
                    "biểu thức lọc nêu tên `{word}`: muốn biết địa chỉ thì phải hỏi máy chủ DNS, mà wardwatch không phân giải tên miền; hãy ghi địa chỉ IP"
                ),
                format!(
                    "the filter names `{word}`: its address would have to be asked of a DNS server, and wardwatch resolves no name; write the address"
                ),
            )));
        }
        before = word;
    }
    Ok(())
}

fn is_keyword(word: &str) -> bool {
    BEGINNINGS.contains(&word) || ["and", "or", "mask"].contains(&word)
}

/// Does it look like the name of a file, which is then missing?
fn is_file_name(path: &Path) -> bool {
    let Some(text) = path.to_str() else { return true };
    let one_word = !text.trim().contains(char::is_whitespace);
    let is_address = text.split('/').next().is_some_and(|a| a.parse::<std::net::IpAddr>().is_ok());
    one_word && !is_address && !text.starts_with(['(', '!']) && text.contains(['/', '.'])
}

fn begins_expression(text: &str) -> bool {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '(' || c == '!');
    let word = text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    BEGINNINGS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_words(words: &[&str]) -> Result<(usize, Option<String>), ConfigError> {
        // A file that is there wherever the tests run.
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let paths = words.iter().map(|word| if *word == "FILE" { here } else { word });
        split(paths.map(PathBuf::from).collect()).map(|(paths, text)| (paths.len(), text))
    }

    #[test]
    fn what_stands_behind_the_captures_is_one_expression_in_one_word_or_several() {
        for (words, captures, expression) in [
            (&["FILE", "tcp", "port", "443"][..], 1, "tcp port 443"),
            (&["FILE", "FILE", "udp port 53"], 2, "udp port 53"),
            (&["-", "not", "port", "22"], 1, "not port 22"),
            (&["FILE", "net", "10.0.0.0/8"], 1, "net 10.0.0.0/8"),
            (&["FILE", "(tcp or udp) and host 192.0.2.1"], 1, "(tcp or udp) and host 192.0.2.1"),
            (&["FILE", "tcp[13]", "=", "2"], 1, "tcp[13] = 2"),
            (&["FILE", "missing.pcap", "vlan"], 2, "vlan"),
            (&["FILE", "!arp"], 1, "!arp"),
        ] {
            let (paths, text) = split_words(words).unwrap();
            assert_eq!((paths, text.as_deref()), (captures, Some(expression)), "{words:?}");
        }
    }

    #[test]
    fn files_that_are_missing_stay_files() {
        for words in [
            &["missing.pcap"][..],
            &["tcp", "port", "443"],
            &["missing.pcap", "FILE"],
            &["FILE", "/srv/missing"],
            &["FILE", "missing.pcap.gz", "other.pcap"],
        ] {
            assert_eq!(split_words(words).unwrap(), (words.len(), None), "{words:?}");
        }
    }

    #[test]
    fn an_expression_that_would_be_asked_of_a_dns_server_is_refused() {
        for (text, name) in [
            ("host c2.evil.example", "c2.evil.example"),
            ("tcp and (src evil.example)", "evil.example"),
            ("dst host printer", "printer"),
            ("evil.example", "evil.example"),
            ("not net office", "office"),
        ] {
            let error = asks_nobody(text).unwrap_err().to_string();
            assert!(error.contains(&format!("`{name}`")), "{error}");
        }
        for text in [
            "host 192.0.2.1 and not port 22",
            "src net 10.0.0.0/8 or dst port 53",
            "host 2001:db8::1",
            "ether host 02:aa:bb:cc:dd:ee",
            "ip[6:2] & 0x1fff != 0",
            "tcp[tcpflags] & tcp-syn != 0",
            "net 10 mask 255.0.0.0",
            "src or dst host 192.0.2.1",
            "port https",
        ] {
            asks_nobody(text).unwrap();
        }
    }

    #[test]
    fn what_is_neither_is_refused_and_named() {
        for words in [&["FILE", "tpc", "port", "443"][..], &["FILE", "march"], &["FILE", "443"]] {
            let error = split_words(words).unwrap_err().to_string();
            assert!(error.contains(&words[1..].join(" ")), "{error}");
        }
    }
}
