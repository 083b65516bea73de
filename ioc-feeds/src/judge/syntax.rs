//! Lines of programs: what hosts files, resolvers and blockers write for a name.

use crate::Reason;

/// What such a line holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    /// These names, as the program blocks them.
    Names(Vec<&'a str>),
    /// A line of the program that names nothing bad.
    Nothing,
    /// A line that cannot be taken, and why.
    Not(Reason),
}

/// Reads a line in the syntax of one of the programs; none if it is in none.
pub(super) fn read(line: &str) -> Option<Entry<'_>> {
    let line = line.trim();
    adblock(line)
        .or_else(|| hosts(line))
        .or_else(|| dnsmasq(line))
        .or_else(|| unbound(line))
        .or_else(|| zone(line))
        .or_else(|| wildcard(line))
}

/// `0.0.0.0 name name`, also with other addresses of this machine.
fn hosts(line: &str) -> Option<Entry<'_>> {
    let mut words = line.split_whitespace();
    let first = words.next()?;
    let sink = first == "0"
        || matches!(first, "0.0.0.0" | "::" | "::1" | "0:0:0:0:0:0:0:0" | "fe80::1%lo0")
        || first.starts_with("127.") && first.parse::<std::net::Ipv4Addr>().is_ok();
    let names: Vec<&str> = words.take_while(|word| !word.starts_with('#')).collect();
    let plain = |name: &&str| name.contains('.') && !name.contains(['/', ':']);
    if !sink || names.is_empty() {
        return None;
    }
    const OWN: [&str; 12] = [
        "localhost",
        "localhost.localdomain",
        "local",
        "broadcasthost",
        "ip6-localhost",
        "ip6-loopback",
        "ip6-localnet",
        "ip6-mcastprefix",
        "ip6-allnodes",
        "ip6-allrouters",
        "ip6-allhosts",
        "0.0.0.0",
    ];
    if names.iter().all(|name| OWN.contains(name)) {
        return Some(Entry::Nothing);
    }
    names.iter().all(plain).then_some(Entry::Names(names))
}

/// `||name^`, with options behind.
fn adblock(line: &str) -> Option<Entry<'_>> {
    if line.starts_with("@@") {
        return Some(Entry::Not(Reason::new(
            "là ngoại lệ của bộ lọc quảng cáo, không phải dấu hiệu",
            "is an exception of a filter list, no indicator",
        )));
    }
    if line.starts_with('!') || line.starts_with("[Adblock") || line.starts_with("[uBlock") {
        return Some(Entry::Nothing);
    }
    if ["##", "#@#", "#?#"].iter().any(|mark| line.contains(mark)) && !line.starts_with('#') {
        return Some(Entry::Not(Reason::new(
            "là luật ẩn phần trang web, không phải dấu hiệu",
            "is a rule about parts of pages, no indicator",
        )));
    }
    let rest = line.strip_prefix("||")?;
    let end = rest.find(['^', '$']).unwrap_or(rest.len());
    let (name, options) = rest.split_at_checked(end)?;
    let behind = options.strip_prefix('^').unwrap_or(options);
    if !behind.is_empty() && !behind.starts_with(['$', '|', '*', '/']) && behind != "^" {
        return None;
    }
    Some(Entry::Names(vec![name]))
}

/// `server=/name/`, `address=/name/0.0.0.0`, `local=/name/`, several names between slashes.
fn dnsmasq(line: &str) -> Option<Entry<'_>> {
    let (key, rest) = line.split_once('=')?;
    let known = ["server", "address", "local", "ipset", "nftset"].contains(&key.trim());
    let inside = rest.trim().strip_prefix('/').filter(|_| known)?;
    let (names, _) = inside.rsplit_once('/')?;
    Some(Entry::Names(names.split('/').filter(|name| !name.is_empty()).collect()))
}

/// `local-zone: "name" always_nxdomain`, `local-data: "name A 0.0.0.0"`.
fn unbound(line: &str) -> Option<Entry<'_>> {
    let rest = match line.split_once(':')? {
        ("local-zone" | "local-data", rest) => rest.trim(),
        ("server" | "local-data-ptr" | "rpz", _) => return Some(Entry::Nothing),
        _ => return None,
    };
    let name = rest.trim_start_matches(['"', '\'']);
    let end = name.find(|c: char| c.is_whitespace() || c == '"' || c == '\'').unwrap_or(name.len());
    Some(Entry::Names(vec![name.get(..end)?]))
}

/// Response policy zones and zone files: `name CNAME .`, `name A 127.0.0.1`, `$TTL`, SOA, NS.
fn zone(line: &str) -> Option<Entry<'_>> {
    if line.starts_with("$TTL") || line.starts_with("$ORIGIN") {
        return Some(Entry::Nothing);
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let at =
        words.iter().position(|word| matches!(*word, "CNAME" | "A" | "AAAA" | "SOA" | "NS"))?;
    let owner = words.first().copied().filter(|_| at >= 1)?;
    // Between the owner and the type a zone has a time to live and a class.
    let between = words.get(1..at)?;
    if !between.iter().all(|word| *word == "IN" || word.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let target = words.get(at + 1).copied()?;
    if matches!(words.get(at), Some(&("SOA" | "NS"))) || owner == "@" {
        return Some(Entry::Nothing);
    }
    if owner.contains(".rpz-") {
        return Some(Entry::Not(Reason::new(
            "là luật rpz theo địa chỉ hoặc máy chủ tên: hãy ghi thẳng địa chỉ hoặc tên",
            "is an rpz rule about an address or a name server: write the address or name itself",
        )));
    }
    if matches!(target, "rpz-passthru." | "rpz-passthru") {
        return Some(Entry::Not(Reason::new(
            "là ngoại lệ của rpz, không phải dấu hiệu",
            "is an exception of an rpz, no indicator",
        )));
    }
    let policy = target == "."
        || target == "*."
        || target.starts_with("rpz-")
        || target.parse::<std::net::IpAddr>().is_ok()
        || target.ends_with('.');
    (owner.contains('.') && policy).then_some(Entry::Names(vec![owner]))
}

/// `*://*.name/*` of uBlacklist.
fn wildcard(line: &str) -> Option<Entry<'_>> {
    let rest = line.strip_prefix("*://")?;
    let name = rest.strip_suffix("/*").unwrap_or(rest);
    (!name.contains('/')).then_some(Entry::Names(vec![name]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_has_its_own_way_to_block_a_name() {
        for line in [
            "0.0.0.0 bad.example",
            "127.0.0.2\tbad.example # ads",
            "0 bad.example",
            "||bad.example^",
            "||bad.example^$all",
            "||bad.example^$third-party,important",
            "server=/bad.example/",
            "address=/bad.example/0.0.0.0",
            "local-zone: \"bad.example\" always_nxdomain",
            "local-data: \"bad.example A 0.0.0.0\"",
            "bad.example CNAME .",
            "bad.example 300 IN CNAME rpz-drop.",
            "bad.example IN A 127.0.0.1",
            "*://bad.example/*",
        ] {
            assert_eq!(read(line), Some(Entry::Names(vec!["bad.example"])), "{line}");
        }
        assert_eq!(
            read("0.0.0.0 a.example b.example"),
            Some(Entry::Names(vec!["a.example", "b.example"]))
        );
        assert_eq!(read("*.bad.example CNAME ."), Some(Entry::Names(vec!["*.bad.example"])));
    }

    #[test]
    fn what_the_programs_need_themselves_is_nothing_and_an_exception_is_none() {
        for line in
            ["127.0.0.1 localhost", "$TTL 60", "@ SOA a. b. 1 2 3 4 5", "! Title: x", "server:"]
        {
            assert_eq!(read(line), Some(Entry::Nothing), "{line}");
        }
        for line in [
            "@@||bad.example^",
            "32.7.100.51.198.rpz-ip CNAME .",
            "bad.example CNAME rpz-passthru.",
            "bad.example##.ad",
        ] {
            assert!(matches!(read(line), Some(Entry::Not(_))), "{line}");
        }
        for line in
            ["bad.example", "198.51.100.7 443", "A letter: CNAME is a word", "// x", "0.0.0.0"]
        {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
