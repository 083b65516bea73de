//! One cell or line to a [`Pattern`]. Owns the spelling of every indicator type; knows no file.
//!
//! A failure is a short reason for a person, which the format lists with the line.

use std::borrow::Cow;
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use crate::judge::tld::{self, Tld};
use crate::name::{Name, NameError};
use crate::{Host, Pattern, Reason, Scope};

/// Longest value of any type in octets.
pub const MAX_VALUE: usize = 2048;

/// Type column values, as [`Pattern::kind`] gives them.
pub const KINDS: [&str; 10] =
    ["domain", "ip", "ip:port", "cidr", "url", "path", "user-agent", "ja3", "ja4", "cert-sha1"];

/// Reads `text` as the type `kind` (any case). `scope` counts for domains only; `*.name` is the
/// same as the name with scope subtree.
///
/// # Errors
///
/// The reason, with the remedy where there is one.
pub fn parse(kind: &str, text: &str, scope: Option<Scope>) -> Result<Pattern, Reason> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Reason::new("dấu hiệu bị bỏ trống", "indicator is empty"));
    }
    if text.len() > MAX_VALUE {
        return Err(Reason::new(
            format!("dấu hiệu dài hơn {MAX_VALUE} byte"),
            format!("indicator is longer than {MAX_VALUE} octets"),
        ));
    }
    let kind = kind.trim().to_ascii_lowercase();
    if scope.is_some() && kind != "domain" {
        return Err(Reason::new(
            format!("scope chỉ dùng cho tên miền; hãy để trống với loại {kind}"),
            format!("scope is for domains only; leave it empty for {kind}"),
        ));
    }
    if kind != "user-agent" && is_defanged(text) {
        return Err(Reason::new(
            "đang viết ở dạng đã ngắt liên kết ([.], hxxp); hãy viết nguyên dạng (. và http)",
            "defanged; write it plain (. instead of [.], http instead of hxxp)",
        ));
    }
    match kind.as_str() {
        "domain" => domain(text, scope),
        "ip" => address(text).map(Pattern::Ip),
        "ip:port" => endpoint(text),
        "cidr" => network(text),
        "url" => url(text),
        "path" => path(text).map(Pattern::Path),
        "user-agent" => user_agent(text),
        "ja3" => hex(text, 32).map(Pattern::Ja3),
        "ja4" => ja4(text),
        "cert-sha1" => hex(text, 40).map(Pattern::CertSha1),
        _ => {
            let kinds = KINDS.join(", ");
            let (vi, en) = meant(&kind, KINDS);
            Err(Reason::new(
                format!("không có loại {kind:?}{vi}; các loại là {kinds}"),
                format!("unknown type {kind:?}{en}; the types are {kinds}"),
            ))
        }
    }
}

/// Guesses the type of a bare value: `*.name` and `name` are domains, a `/` after a host makes a
/// url, `/24` after an address a cidr, a port after an address an `ip:port`.
///
/// # Errors
///
/// The reason why it is none of these.
pub fn guess(text: &str) -> Result<Pattern, Reason> {
    let text = text.trim();
    if text.parse::<IpAddr>().is_ok() {
        return parse("ip", text, None);
    }
    if text.parse::<SocketAddr>().is_ok() {
        return parse("ip:port", text, None);
    }
    if text.contains("://") {
        return parse("url", text, None);
    }
    let Some((head, tail)) = text.split_once('/') else { return parse("domain", text, None) };
    let digits = !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_digit());
    let kind = if digits && head.parse::<IpAddr>().is_ok() { "cidr" } else { "url" };
    parse(kind, text, None)
}

/// Behind a word that is none of the known ones: the one that was probably meant, asked for in both
/// languages; nothing if none is near.
pub(crate) fn meant<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> (String, String) {
    let near = known.into_iter().map(|other| (distance(word, other), other)).min();
    match near {
        Some((steps, other)) if steps > 0 && steps <= 1 + word.len() / 5 => {
            (format!(", có phải bạn muốn ghi {other:?}?"), format!(", did you mean {other:?}?"))
        }
        _ => (String::new(), String::new()),
    }
}

/// Letters to add, take away, change, or swap with the next one, to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    // Whatever is longer than any known word is far from all.
    if one.len().abs_diff(other.len()) > 3 {
        return usize::MAX;
    }
    let mut above: Vec<usize> = (0..=other.len()).collect();
    let mut before_above = above.clone();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let at =
                |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&above, j) + usize::from(a != b))
                .min(at(&above, j + 1) + 1)
                .min(at(&row, j) + 1);
            let swapped =
                i > 0 && j > 0 && one.get(i - 1) == Some(b) && other.get(j - 1) == Some(a);
            if swapped {
                best = best.min(at(&before_above, j - 1) + 1);
            }
            row.push(best);
        }
        before_above = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(usize::MAX)
}

/// Undoes the spellings that keep reports from being clicked: `[.]`, `(.)`, `[:]`, `hxxp`.
pub fn refang(text: &str) -> Cow<'_, str> {
    if crate::refang::is_plain(text) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(crate::refang::refang(text).text)
}

fn is_defanged(text: &str) -> bool {
    const MARKS: [&str; 6] = ["[.]", "(.)", "{.}", "[dot]", "[:]", "[://]"];
    // One pass settles nearly every value; a feed may have a million.
    text.bytes().any(|b| matches!(b, b'[' | b'(' | b'{'))
        && MARKS.iter().any(|mark| text.contains(mark))
        || text.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("hxxp"))
            && text.contains("://")
}

fn domain(text: &str, scope: Option<Scope>) -> Result<Pattern, Reason> {
    let (text, scope) = match (text.strip_prefix("*."), scope) {
        (Some(_), Some(Scope::Exact)) => {
            return Err(Reason::new(
                "*. nghĩa là mọi tên bên dưới, nhưng scope lại ghi exact",
                "*. means everything below, but scope says exact",
            ));
        }
        (Some(rest), _) => (rest, Scope::Subtree),
        (None, scope) => (text, scope.unwrap_or_default()),
    };
    let name = Name::parse(text).map_err(|error| match error {
        NameError::Character('/') => Reason::new(
            "là đường dẫn, không phải tên: hãy dùng loại url",
            "is a url, not a name: use type url",
        ),
        NameError::Character(':') => Reason::new(
            "có số cổng hoặc giao thức: hãy viết riêng tên miền",
            "has a port or scheme: write the bare name",
        ),
        other => Reason::from(other).about("tên miền", "name"),
    })?;
    let last = name.as_str().rsplit_once('.').map(|(_, last)| last);
    if let Some(last) = last.filter(|_| tld::look(name.as_str()) == Tld::Unknown) {
        return Err(Reason::new(
            format!("không có tên miền cấp cao .{last}: có phải tên tệp không?"),
            format!("there is no top-level domain .{last}: a file name?"),
        ));
    }
    Ok(Pattern::Domain { name, scope })
}

/// An address; IPv4 written inside IPv6 is given as IPv4, which is what stands on the wire.
fn address(text: &str) -> Result<IpAddr, Reason> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    match bare.parse::<IpAddr>() {
        Ok(address) => Ok(address.to_canonical()),
        Err(_) if bare.parse::<SocketAddr>().is_ok() || text.parse::<SocketAddr>().is_ok() => {
            Err(Reason::new("có số cổng: hãy dùng loại ip:port", "has a port: use type ip:port"))
        }
        Err(_) if bare.contains('/') => Err(Reason::new(
            "có độ dài tiền tố: hãy dùng loại cidr",
            "has a prefix length: use type cidr",
        )),
        Err(_) => {
            Err(Reason::new("không phải địa chỉ IPv4 hoặc IPv6", "is no IPv4 or IPv6 address"))
        }
    }
}

fn endpoint(text: &str) -> Result<Pattern, Reason> {
    let wanted = |_| {
        Reason::new(
            "không có dạng địa chỉ:cổng (IPv6 viết là [địa chỉ]:cổng)",
            "is no address:port (IPv6 as [address]:port)",
        )
    };
    let parsed: SocketAddr = text.parse().map_err(wanted)?;
    if parsed.port() == 0 {
        return Err(Reason::new("số cổng bằng 0", "port is 0"));
    }
    Ok(Pattern::IpPort(parsed.ip().to_canonical(), parsed.port()))
}

fn network(text: &str) -> Result<Pattern, Reason> {
    let (head, tail) = text.split_once('/').ok_or_else(|| {
        Reason::new("không phải cidr: hãy viết địa chỉ/độ dài", "is no cidr: write address/length")
    })?;
    let base: IpAddr = head.trim().parse().map_err(|_| {
        Reason::new("không phải dải địa chỉ IPv4 hoặc IPv6", "is no IPv4 or IPv6 network")
    })?;
    let prefix: u8 = tail.trim().parse().map_err(|_| {
        Reason::new("thiếu độ dài tiền tố sau dấu /", "has no prefix length after the /")
    })?;
    let widest = if base.is_ipv4() { 32 } else { 128 };
    if prefix > widest {
        return Err(Reason::new(
            format!("có độ dài tiền tố lớn hơn {widest}"),
            format!("has a prefix length above {widest}"),
        ));
    }
    let right = masked(base, prefix);
    if right != base {
        return Err(Reason::new(
            format!("có bit địa chỉ nằm ngoài tiền tố; dải đúng là {right}/{prefix}"),
            format!("has address bits below its prefix; the network is {right}/{prefix}"),
        ));
    }
    Ok(Pattern::Cidr(base, prefix))
}

/// The network that an address is in, by the length of its prefix in bits.
pub fn network_of(address: IpAddr, prefix: u8) -> IpAddr {
    masked(address, prefix)
}

/// The address with every bit below the prefix cleared; a length above the family's is all of it.
pub(crate) fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let host = 32_u32.saturating_sub(u32::from(prefix));
            let mask = u32::MAX.checked_shl(host).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let host = 128_u32.saturating_sub(u32::from(prefix));
            let mask = u128::MAX.checked_shl(host).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

fn url(text: &str) -> Result<Pattern, Reason> {
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if is_http(scheme) => rest,
        Some((scheme, _)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            return Err(Reason::new(
                format!("không quan sát được giao thức {scheme}; chỉ nhận url http và https"),
                format!("scheme {scheme} is not seen; only http and https urls are"),
            ));
        }
        _ => text,
    };
    let rest = rest.split('#').next().unwrap_or(rest);
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (host, port) = authority_parts(authority)?;
    let slash = if tail.starts_with('/') { "" } else { "/" };
    Ok(Pattern::Url { host, port, path: path(&format!("{slash}{tail}"))? })
}

fn is_http(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

fn authority_parts(authority: &str) -> Result<(Host, Option<u16>), Reason> {
    if authority.contains('@') {
        return Err(Reason::new(
            "có tên người dùng trước tên máy chủ: hãy bỏ đi",
            "has a user name before the host: leave it out",
        ));
    }
    // A colon inside brackets belongs to an IPv6 address.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port = match port {
        Some(digits) => match digits.parse::<u16>() {
            Ok(port) if port > 0 => Some(port),
            _ => {
                return Err(Reason::new(
                    format!("cổng {digits:?} không phải số từ 1 đến 65535"),
                    format!("port {digits:?} is no number from 1 to 65535"),
                ));
            }
        },
        None => None,
    };
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    let host = match bare.parse::<IpAddr>() {
        Ok(address) => Host::Address(address.to_canonical()),
        Err(_) => {
            let wrong = |error| Reason::from(error).about("tên máy chủ", "host");
            Host::Name(Name::parse(host).map_err(wrong)?)
        }
    };
    Ok((host, port))
}

/// A request target as it stands on the wire: characters outside ASCII are percent-encoded, as
/// every client sends them.
fn path(text: &str) -> Result<String, Reason> {
    if !text.starts_with('/') {
        return Err(Reason::new("đường dẫn không bắt đầu bằng /", "path does not begin with /"));
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(Reason::new(
            "đường dẫn có khoảng trắng hoặc ký tự điều khiển: hãy viết %20 và tương tự",
            "path has blanks or control characters: write %20 and the like",
        ));
    }
    let mut wire = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii() {
            wire.push(char::from(byte));
        } else {
            write!(wire, "%{byte:02X}").map_err(|_| {
                Reason::new("không mã hóa được đường dẫn", "path cannot be encoded")
            })?;
        }
    }
    Ok(wire)
}

fn user_agent(text: &str) -> Result<Pattern, Reason> {
    if text.chars().any(char::is_control) {
        return Err(Reason::new(
            "chuỗi User-Agent có ký tự điều khiển",
            "user agent has control characters",
        ));
    }
    Ok(Pattern::UserAgent(text.to_owned()))
}

fn hex(text: &str, digits: usize) -> Result<String, Reason> {
    if text.len() != digits || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Reason::new(
            format!("không phải {digits} chữ số thập lục phân"),
            format!("is not {digits} hex digits"),
        ));
    }
    Ok(text.to_ascii_lowercase())
}

/// `t13d1516h2_8daaf6152771_b186095e22b6`: ten characters and two truncated digests.
fn ja4(text: &str) -> Result<Pattern, Reason> {
    let wrong = || {
        Reason::new(
            "không phải dấu vân tay JA4 (ví dụ t13d1516h2_8daaf6152771_b186095e22b6)",
            "is no JA4 fingerprint (such as t13d1516h2_8daaf6152771_b186095e22b6)",
        )
    };
    let text = text.to_ascii_lowercase();
    let parts: Vec<&str> = text.split('_').collect();
    let [head, ciphers, extensions] = parts.as_slice() else { return Err(wrong()) };
    let head_ok = head.len() == 10
        && head.starts_with(['t', 'q', 'd'])
        && head.bytes().all(|b| b.is_ascii_alphanumeric());
    if !head_ok || hex(ciphers, 12).is_err() || hex(extensions, 12).is_err() {
        return Err(wrong());
    }
    Ok(Pattern::Ja4(text))
}
