//! What makes an indicator dangerous to load: it would match traffic of the innocent.
//!
//! Owns the verdict on one pattern. It must not touch files or change an indicator: the formats
//! act on the verdict ([`Verdict::Refuse`] rejects the row, [`Verdict::Doubt`] lowers it to
//! confidence low and warns).

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::LazyLock;

use foldhash::quality::RandomState;

use crate::format::value::masked;
use crate::name::{Name, is_at_or_below};
use crate::{Host, Pattern, Reason, Scope};

/// How far the rows of a feed are examined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lint {
    /// Every row.
    #[default]
    Full,
    /// None: the feed was examined by a test (the curated ones).
    Trusted,
}

/// What is to be done with an indicator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Load it.
    Accept,
    /// Load it with confidence low and say why.
    Doubt(Reason),
    /// Do not load it.
    Refuse(Reason),
}

/// Widest network loaded, as its prefix length, for IPv4 and IPv6.
pub const WIDEST: (u8, u8) = (16, 32);
/// Shortest path loaded, in octets: shorter ones begin the paths of half the web.
pub const SHORTEST_PATH: usize = 4;

/// Platforms whose every host is their own: never an indicator, with nothing below them.
const PLATFORMS: &[&str] = &[
    "akamai.net",
    "amazon.com",
    "apple.com",
    "bing.com",
    "cloudflare.com",
    "discord.com",
    "dropbox.com",
    "dropboxusercontent.com",
    "facebook.com",
    "fbcdn.net",
    "github.com",
    "githubusercontent.com",
    "gitlab.com",
    "google.com",
    "google.com.vn",
    "googleapis.com",
    "googleusercontent.com",
    "gstatic.com",
    "icloud.com",
    "live.com",
    "mediafire.com",
    "mega.nz",
    "microsoft.com",
    "microsoftonline.com",
    "mozilla.org",
    "msftconnecttest.com",
    "msn.com",
    "office.com",
    "office365.com",
    "onedrive.com",
    "outlook.com",
    "pastebin.com",
    "skype.com",
    "slack.com",
    "telegram.org",
    "twitter.com",
    "ubuntu.com",
    "whatsapp.com",
    "wikipedia.org",
    "windows.com",
    "windowsupdate.com",
    "x.com",
    "yahoo.com",
    "youtube.com",
    "zalo.me",
    "zoho.com",
    "zoom.us",
];
/// Platforms that give each customer a name of its own: the names below are fair, these are not.
const HOSTING: &[&str] = &[
    "000webhostapp.com",
    "amazonaws.com",
    "appspot.com",
    "azureedge.net",
    "azurewebsites.net",
    "blob.core.windows.net",
    "blogspot.com",
    "cloudapp.net",
    "cloudflarestorage.com",
    "cloudfront.net",
    "ddns.net",
    "digitaloceanspaces.com",
    "duckdns.org",
    "firebaseapp.com",
    "github.io",
    "herokuapp.com",
    "netlify.app",
    "ngrok.io",
    "no-ip.org",
    "pages.dev",
    "r2.dev",
    "sharepoint.com",
    "trafficmanager.net",
    "trycloudflare.com",
    "vercel.app",
    "web.core.windows.net",
    "weebly.com",
    "wixsite.com",
    "wordpress.com",
    "workers.dev",
];
/// Public resolvers every office talks to.
const RESOLVERS: &[&str] = &[
    "1.0.0.1",
    "1.1.1.1",
    "4.2.2.1",
    "4.2.2.2",
    "8.8.4.4",
    "8.8.8.8",
    "9.9.9.9",
    "149.112.112.112",
    "203.113.131.1",
    "203.162.4.190",
    "203.162.4.191",
    "208.67.220.220",
    "208.67.222.222",
    "210.245.24.20",
    "210.245.24.22",
    "2001:4860:4860::8844",
    "2001:4860:4860::8888",
    "2606:4700:4700::1001",
    "2606:4700:4700::1111",
    "2620:fe::fe",
];
/// Networks that never name a host on the Internet, and what they are (RFC 6890).
const RESERVED: &[(&str, u8, &str)] = &[
    ("0.0.0.0", 8, "unspecified"),
    ("10.0.0.0", 8, "private"),
    ("100.64.0.0", 10, "carrier NAT"),
    ("127.0.0.0", 8, "loopback"),
    ("169.254.0.0", 16, "link-local"),
    ("172.16.0.0", 12, "private"),
    ("192.0.0.0", 24, "reserved"),
    ("192.168.0.0", 16, "private"),
    ("198.18.0.0", 15, "benchmarking"),
    ("224.0.0.0", 4, "multicast"),
    ("240.0.0.0", 4, "reserved or broadcast"),
    ("::", 127, "unspecified or loopback"),
    ("fc00::", 7, "private"),
    ("fe80::", 10, "link-local"),
    ("ff00::", 8, "multicast"),
];
/// Networks kept for documentation and exercises (RFC 5737, RFC 3849, RFC 9637).
const DOCUMENTATION: &[(&str, u8)] = &[
    ("192.0.2.0", 24),
    ("198.51.100.0", 24),
    ("203.0.113.0", 24),
    ("2001:db8::", 32),
    ("3fff::", 20),
];
/// Ends of names that only live inside a local network (RFC 6762, RFC 8375 and custom).
const LOCAL: &[&str] = &["home.arpa", "internal", "lan", "local", "localdomain", "localhost"];

/// Says whether a pattern of a threat may be loaded. Documentation addresses are fair for the
/// threat `canary` and doubtful for any other.
pub fn examine(pattern: &Pattern, threat: &str) -> Verdict {
    let canary = threat == "canary";
    match pattern {
        Pattern::Domain { name, scope } => domain(name, *scope),
        Pattern::Ip(address) | Pattern::IpPort(address, _) => {
            network(*address, if address.is_ipv4() { 32 } else { 128 }, canary)
        }
        Pattern::Cidr(address, prefix) => cidr(*address, *prefix, canary),
        Pattern::Url { host, path, .. } => url(host, path, canary),
        Pattern::Path(path) if path.len() < SHORTEST_PATH => Verdict::Refuse(Reason::new(
            format!("đường dẫn ngắn hơn {SHORTEST_PATH} byte: ở đâu cũng gặp"),
            format!("path is shorter than {SHORTEST_PATH} octets: it is everywhere"),
        )),
        Pattern::UserAgent(_)
        | Pattern::Path(_)
        | Pattern::Ja3(_)
        | Pattern::Ja4(_)
        | Pattern::CertSha1(_)
        | Pattern::Behaviour(_) => Verdict::Accept,
    }
}

/// The platform on which a host shares its name with strangers: the reason why a url there must
/// never be cut down to its host.
pub fn shared_platform(name: &Name) -> Option<&'static str> {
    if !is_near_platform(name.as_str()) {
        return None;
    }
    let under = |list: &'static [&'static str]| {
        list.iter().copied().find(|platform| is_at_or_below(name.as_str(), platform))
    };
    under(PLATFORMS).or_else(|| HOSTING.iter().copied().find(|host| *host == name.as_str()))
}

/// May a name be a platform, or above or below one? Over for nearly every name after its last two
/// labels, where comparing it with each platform was a quarter of loading a large feed.
fn is_near_platform(name: &str) -> bool {
    static KNOWN: LazyLock<HashSet<&str, RandomState>> = LazyLock::new(|| {
        PLATFORMS.iter().chain(HOSTING).flat_map(|platform| endings(platform)).collect()
    });
    endings(name).any(|ending| KNOWN.contains(ending))
}

/// The name and the names above it, as long as they have more than one label.
fn endings(name: &str) -> impl Iterator<Item = &str> {
    let bytes = name.as_bytes();
    let last_dot = bytes.iter().rposition(|byte| *byte == b'.').unwrap_or(0);
    let begins = |at: &usize| at.checked_sub(1).is_none_or(|dot| bytes.get(dot) == Some(&b'.'));
    (0..last_dot).filter(begins).filter_map(|at| name.get(at..))
}

fn domain(name: &Name, scope: Scope) -> Verdict {
    let text = name.as_str();
    if !text.contains('.') {
        return Verdict::Refuse(Reason::new(
            "không phải tên miền đầy đủ (thiếu phần đuôi như .vn)",
            "is a single label",
        ));
    }
    if let Some(platform) = shared_platform(name) {
        return Verdict::Refuse(Reason::new(
            format!(
                "thuộc nền tảng dùng chung {platform}: hãy dùng url đầy đủ hoặc tên riêng của khách hàng"
            ),
            format!(
                "belongs to the shared platform {platform}: use the full url or the customer's name"
            ),
        ));
    }
    if let Some(verdict) = public_suffix(text, scope) {
        return verdict;
    }
    let near = is_near_platform(text);
    let covered = PLATFORMS.iter().chain(HOSTING).find(|p| near && is_at_or_below(p, text));
    if let (Scope::Subtree, Some(platform)) = (scope, covered) {
        return Verdict::Refuse(Reason::new(
            format!("sẽ trùng với toàn bộ {platform}"),
            format!("would match all of {platform}"),
        ));
    }
    if LOCAL.iter().any(|end| is_at_or_below(text, end)) {
        return Verdict::Doubt(Reason::new(
            "là tên chỉ dùng trong mạng nội bộ",
            "is a name of local networks",
        ));
    }
    Verdict::Accept
}

/// Refuses what many owners register under (publicsuffix.org, ICANN section); of the private
/// section only the whole tree, since the bare name may be one host.
fn public_suffix(text: &str, scope: Scope) -> Option<Verdict> {
    let suffix = psl::suffix(text.as_bytes()).filter(|suffix| *suffix == text)?;
    let private = suffix.typ() == Some(psl::Type::Private);
    Some(match scope {
        Scope::Exact if private => Verdict::Doubt(Reason::new(
            "là hậu tố có nhiều chủ sở hữu cùng dùng (danh sách public suffix)",
            "is a suffix shared by many owners (public suffix list)",
        )),
        Scope::Exact | Scope::Subtree => Verdict::Refuse(Reason::new(
            "là hậu tố công cộng (public suffix), bên dưới là tên miền của rất nhiều đơn vị khác: hãy ghi rõ tên máy chủ",
            "is a public suffix, under which strangers have their names: name the host",
        )),
    })
}

fn cidr(address: IpAddr, prefix: u8, canary: bool) -> Verdict {
    let widest = if address.is_ipv4() { WIDEST.0 } else { WIDEST.1 };
    if prefix < widest {
        return Verdict::Refuse(Reason::new(
            format!("rộng hơn /{widest}: hãy liệt kê các dải nhỏ hơn"),
            format!("is wider than /{widest}: list smaller networks"),
        ));
    }
    network(address, prefix, canary)
}

fn network(address: IpAddr, prefix: u8, canary: bool) -> Verdict {
    for (base, length, what) in RESERVED {
        if overlaps((address, prefix), (base, *length)) {
            return Verdict::Refuse(Reason::new(
                format!(
                    "thuộc vùng địa chỉ {}, không bao giờ là máy chủ công cộng",
                    vietnamese(what)
                ),
                format!("is {what} address space, never a public host"),
            ));
        }
    }
    let resolver = RESOLVERS.iter().find(|r| {
        r.parse::<IpAddr>()
            .is_ok_and(|r| r.is_ipv4() == address.is_ipv4() && masked(r, prefix) == address)
    });
    if let Some(resolver) = resolver {
        return Verdict::Refuse(Reason::new(
            format!("sẽ trùng với máy chủ DNS công cộng {resolver}"),
            format!("would match the public resolver {resolver}"),
        ));
    }
    if !canary && DOCUMENTATION.iter().any(|(base, l)| overlaps((address, prefix), (base, *l))) {
        return Verdict::Doubt(Reason::new(
            "thuộc vùng địa chỉ dành cho tài liệu: chỉ dùng để diễn tập",
            "is documentation address space: good for exercises only",
        ));
    }
    Verdict::Accept
}

/// What a reserved network is for.
fn vietnamese(what: &str) -> &str {
    match what {
        "carrier NAT" => "NAT của nhà mạng",
        "loopback" => "vòng lặp nội tại (loopback)",
        "link-local" => "liên kết cục bộ (link-local)",
        "private" => "riêng (private)",
        "benchmarking" => "đo kiểm (benchmarking)",
        "multicast" => "đa hướng (multicast)",
        "unspecified" => "không xác định",
        "reserved" => "dự trữ",
        "reserved or broadcast" => "dự trữ hoặc quảng bá",
        "unspecified or loopback" => "không xác định hoặc vòng lặp nội tại",
        other => other,
    }
}

/// Whether two networks of one family share an address: the wider contains the other's base.
fn overlaps((address, prefix): (IpAddr, u8), (base, length): (&str, u8)) -> bool {
    let Ok(base) = base.parse::<IpAddr>() else { return false };
    let common = prefix.min(length);
    base.is_ipv4() == address.is_ipv4() && masked(base, common) == masked(address, common)
}

fn url(host: &Host, path: &str, canary: bool) -> Verdict {
    match host {
        Host::Address(address) => {
            network(*address, if address.is_ipv4() { 32 } else { 128 }, canary)
        }
        Host::Name(name) if path == "/" => match domain(name, Scope::Exact) {
            Verdict::Refuse(reason) => Verdict::Refuse(
                reason.about("url không có đường dẫn: máy chủ", "url without a path: host"),
            ),
            verdict => verdict,
        },
        Host::Name(name) if !name.as_str().contains('.') => Verdict::Refuse(Reason::new(
            "tên máy chủ không phải tên miền đầy đủ (thiếu phần đuôi như .vn)",
            "host is a single label",
        )),
        Host::Name(_) => Verdict::Accept,
    }
}

#[cfg(test)]
mod tests;
