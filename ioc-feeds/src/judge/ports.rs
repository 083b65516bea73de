//! An address with what is written behind it: ports in every way, a network, a range, a score.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::format::value;
use crate::{Pattern, Reason};

/// What an address and its tail mean.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Addresses {
    /// Each of these, as written.
    These(Vec<Pattern>),
    /// Each of these, but not as written.
    Changed(Vec<Pattern>, Reason),
    /// None of it, or a person must say.
    Perhaps(Vec<Pattern>, Reason),
    /// Nothing, and why.
    None(Reason),
}

/// Most ports taken of one value.
const PORTS: usize = 32;

/// Reads a value that begins with an address; none if it does not.
pub(super) fn read(text: &str) -> Option<Addresses> {
    let text = text.trim_end_matches('.');
    let (address, tail, bracketed) = head(text)?;
    let one = |pattern| Some(Addresses::These(vec![pattern]));
    if tail.is_empty() {
        return match bracketed && address.is_ipv4() {
            true => Some(changed(vec![Pattern::Ip(address)], "[ ]", "[ ]")),
            false => one(Pattern::Ip(address.to_canonical())),
        };
    }
    if let Some(prefix) = tail.strip_prefix('/')
        && prefix.starts_with(|c: char| c.is_ascii_digit())
    {
        return network(address, prefix);
    }
    if let Some(end) = range_end(tail) {
        return Some(range(address, end));
    }
    if let Some((category, score)) = iprep(tail) {
        let (vi, en) = (format!(",{category},{score}"), format!(",{category},{score}"));
        return Some(changed(vec![Pattern::Ip(address)], &vi, &en));
    }
    let ports = ports(tail)?;
    let endpoints: Vec<Pattern> =
        ports.iter().map(|port| Pattern::IpPort(address.to_canonical(), *port)).collect();
    match endpoints.is_empty() {
        true => Some(Addresses::None(Reason::new(
            "có cổng không phải số từ 1 đến 65535",
            "a port is no number from 1 to 65535",
        ))),
        false => Some(Addresses::These(endpoints)),
    }
}

fn changed(patterns: Vec<Pattern>, vi: &str, en: &str) -> Addresses {
    Addresses::Changed(
        patterns,
        Reason::new(format!("đã bỏ {vi:?}"), format!("{en:?} is left out")),
    )
}

/// The address in front, what is behind, and whether brackets stood around it.
fn head(text: &str) -> Option<(IpAddr, &str, bool)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (inside, tail) = rest.split_once(']')?;
        return Some((inside.parse().ok()?, tail, true));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some((address, "", false));
    }
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    if let Some(address) = text.get(..digits).and_then(|t| t.parse::<Ipv4Addr>().ok()) {
        return Some((address.into(), text.get(digits..)?, false));
    }
    let hex =
        text.find(|c: char| !(c.is_ascii_hexdigit() || c == ':' || c == '.')).unwrap_or(text.len());
    let address = text.get(..hex)?.parse::<Ipv6Addr>().ok()?;
    Some((address.into(), text.get(hex..)?, false))
}

fn network(address: IpAddr, prefix: &str) -> Option<Addresses> {
    let digits = prefix.find(|c: char| !c.is_ascii_digit()).unwrap_or(prefix.len());
    let (number, tail) = prefix.split_at_checked(digits)?;
    if !tail.is_empty() && iprep(tail).is_none() {
        // `198.51.100.7/24x.php` is a url.
        return None;
    }
    let widest = if address.is_ipv4() { "32" } else { "128" };
    if number == widest {
        let gone = format!("/{number}{tail}");
        return Some(changed(vec![Pattern::Ip(address)], &gone, &gone));
    }
    Some(match value::parse("cidr", &format!("{address}/{number}"), None) {
        Ok(pattern) if tail.is_empty() => Addresses::These(vec![pattern]),
        Ok(pattern) => changed(vec![pattern], tail, tail),
        Err(reason) => Addresses::None(reason),
    })
}

/// `,1,90` of a reputation list: a category and a score.
fn iprep(tail: &str) -> Option<(u8, u8)> {
    let (category, score) = tail.strip_prefix(',')?.split_once(',')?;
    let (category, score) = (category.trim().parse().ok()?, score.trim().parse().ok()?);
    (category > 0 && score <= 127).then_some((category, score))
}

/// The last address of `-198.51.100.255`.
fn range_end(tail: &str) -> Option<IpAddr> {
    tail.trim_start().strip_prefix('-')?.trim().parse().ok()
}

/// A range that is one network is that network; any other is for a person.
fn range(first: IpAddr, last: IpAddr) -> Addresses {
    let (IpAddr::V4(a), IpAddr::V4(b)) = (first, last) else {
        return Addresses::None(Reason::new(
            "là dải địa chỉ viết bằng dấu gạch: hãy viết dạng cidr",
            "is a range with a dash: write it as a cidr",
        ));
    };
    let (from, to) = (a.to_bits(), b.to_bits());
    let count = u64::from(to).checked_sub(u64::from(from)).map_or(0, |more| more + 1);
    let whole = count.is_power_of_two() && u64::from(from) % count == 0;
    if !whole {
        return Addresses::None(Reason::new(
            "là dải địa chỉ không vừa một mạng: hãy viết thành các cidr",
            "is a range that is no single network: write it as cidrs",
        ));
    }
    let prefix = 32_u8.saturating_sub(u8::try_from(count.trailing_zeros()).unwrap_or(32));
    let pattern = if prefix == 32 { Pattern::Ip(first) } else { Pattern::Cidr(first, prefix) };
    Addresses::Changed(
        vec![pattern],
        Reason::new(
            format!("dải địa chỉ là {first}/{prefix}"),
            format!("the range is {first}/{prefix}"),
        ),
    )
}

/// Ports behind an address, however they are parted: `:443`, `|443`, ` 443`, `:80,443`, `:443/tcp`,
/// ` port 443`. None if the tail is something else; empty if a port is impossible.
pub(super) fn ports(tail: &str) -> Option<Vec<u16>> {
    let tail = tail.trim_start_matches([':', '|', ',', ';', '\t', ' ', '/', '#']).trim();
    let lower = tail.to_lowercase();
    let words = ["ports", "port", "cổng", "tcp", "udp", "and", "và", "&", "or", "hoặc"];
    let parts =
        lower.split([',', ';', '/', '|', ' ', ':', '(', ')']).filter(|part| !part.is_empty());
    let parts: Vec<&str> = parts.filter(|part| !words.contains(part)).collect();
    if parts.is_empty() || parts.len() > PORTS {
        return None;
    }
    if !parts.iter().all(|part| part.len() <= 5 && part.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let numbers: Vec<u16> = parts.iter().filter_map(|part| part.parse().ok()).collect();
    let possible = numbers.len() == parts.len() && !numbers.contains(&0);
    Some(if possible { numbers } else { Vec::new() })
}

/// `198,51,100,7`: a decimal comma where the dots should be.
pub(super) fn with_commas(text: &str) -> Option<Addresses> {
    let dotted = text.replace(',', ".");
    let address: Ipv4Addr = dotted.parse().ok()?;
    (text.matches(',').count() == 3).then(|| {
        Addresses::Perhaps(
            vec![Pattern::Ip(address.into())],
            Reason::new("dùng dấu phẩy thay cho dấu chấm", "has commas where an address has dots"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn these(text: &str) -> Vec<String> {
        match read(text) {
            Some(Addresses::These(list) | Addresses::Changed(list, _)) => {
                list.iter().map(ToString::to_string).collect()
            }
            other => vec![format!("{other:?}")],
        }
    }

    #[test]
    fn ports_are_read_in_every_way_they_are_written() {
        for text in [
            "198.51.100.7:443",
            "198.51.100.7|443",
            "198.51.100.7 443",
            "198.51.100.7,443",
            "198.51.100.7\t443",
            "198.51.100.7:443/tcp",
            "198.51.100.7 port 443",
            "198.51.100.7 cổng 443",
            "198.51.100.7 (443)",
        ] {
            assert_eq!(these(text), ["198.51.100.7:443"], "{text}");
        }
        for text in [
            "198.51.100.7:80,443",
            "198.51.100.7:80, 443",
            "198.51.100.7 80/443",
            "198.51.100.7:80 và 443",
        ] {
            assert_eq!(these(text), ["198.51.100.7:80", "198.51.100.7:443"], "{text}");
        }
        assert_eq!(these("[2001:db8::9]:443"), ["[2001:db8::9]:443"]);
        assert_eq!(these("2001:db8::9|443"), ["[2001:db8::9]:443"]);
        assert!(matches!(read("198.51.100.7:70000"), Some(Addresses::None(_))));
    }

    #[test]
    fn networks_ranges_and_reputation_lines_are_what_they_say() {
        assert_eq!(these("198.51.100.0/24"), ["198.51.100.0/24"]);
        assert_eq!(these("198.51.100.0/24,1,90"), ["198.51.100.0/24"]);
        assert_eq!(these("198.51.100.7,1,90"), ["198.51.100.7"]);
        assert_eq!(these("198.51.100.7/32"), ["198.51.100.7"]);
        assert_eq!(these("198.51.100.7."), ["198.51.100.7"]);
        assert_eq!(these("198.51.100.0-198.51.100.255"), ["198.51.100.0/24"]);
        assert!(matches!(read("198.51.100.1-198.51.100.9"), Some(Addresses::None(_))));
        assert!(matches!(read("198.51.100.7/24"), Some(Addresses::None(_))));
        assert!(matches!(with_commas("198,51,100,7"), Some(Addresses::Perhaps(..))));
        for text in [
            "198.51.100.7/load.php",
            "198.51.100.7 is bad",
            "1.2.3",
            "bad.example",
            "198.51.100.7 4 5 x",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
