//! What makes an indicator dangerous to load: it would match traffic of the innocent.
//!
//! Owns the verdict on one row. It must not touch files or change an indicator: the formats act on
//! the verdict ([`Verdict`]), and never without a word. What honest names and networks there are
//! stands in the tables of [`crate::known`]; what is wrong with dates, in [`dates`].

pub mod dates;
mod names;

use std::net::IpAddr;

use crate::format::value::masked;
use crate::known::{self, Owner};
use crate::name::Name;
use crate::{Host, Indicator, Pattern, Reason, Scope};

/// How far the rows of a feed are examined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lint {
    /// Every row, as of today.
    #[default]
    Full,
    /// Every row, as of a day (days since 1970-01-01).
    On(i64),
    /// None: the feed was examined by a test (the curated ones).
    Trusted,
}

/// What is to be done with an indicator.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Keep it: load it as it is.
    Accept,
    /// Load the name itself and nothing below it, and say why.
    Exact(Reason),
    /// Lower it: load it with confidence low and say why.
    Doubt(Reason),
    /// Ask: do not load it unless somebody says that this very host is meant (scope `exact`).
    Ask(Reason),
    /// Do not load it.
    Refuse(Reason),
}

/// Widest network loaded, as its prefix length, for IPv4 and IPv6.
pub const WIDEST: (u8, u8) = (16, 32);
/// Shortest path loaded, in octets: shorter ones begin the paths of half the web.
pub const SHORTEST_PATH: usize = 4;
/// Shortest path that is loaded without a doubt.
pub const SHORT_PATH: usize = 8;
/// Paths that every other site has, in lower case.
const COMMON_PATHS: &[&str] = &[
    "/admin/",
    "/admin/index.php",
    "/admin/login.php",
    "/administrator/",
    "/ajax.php",
    "/api/v1/",
    "/api/v2/",
    "/assets/",
    "/cgi-bin/",
    "/config.php",
    "/contact.php",
    "/content/",
    "/default.asp",
    "/default.aspx",
    "/default.html",
    "/download",
    "/download.php",
    "/download/",
    "/downloads/",
    "/favicon.ico",
    "/files/",
    "/gate.php",
    "/home.php",
    "/images/",
    "/img/logo.png",
    "/includes/",
    "/index.asp",
    "/index.aspx",
    "/index.htm",
    "/index.html",
    "/index.jsp",
    "/index.php",
    "/login.asp",
    "/login.aspx",
    "/login.html",
    "/login.php",
    "/media/",
    "/news.php",
    "/page.php",
    "/panel/",
    "/phpmyadmin/",
    "/public/",
    "/register.php",
    "/robots.txt",
    "/scripts/",
    "/search.php",
    "/sitemap.xml",
    "/static/",
    "/submit.php",
    "/support/",
    "/update",
    "/update.php",
    "/update/",
    "/upload",
    "/upload.php",
    "/upload/",
    "/uploads/",
    "/users/",
    "/view.php",
    "/wp-admin/",
    "/wp-content/",
    "/wp-content/plugins/",
    "/wp-content/themes/",
    "/wp-content/uploads/",
    "/wp-includes/",
    "/wp-login.php",
    "/xmlrpc.php",
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
/// Says whether a row may be loaded on a day (days since 1970-01-01). The worse of what is said of
/// its value and of its dates; without a day, of its value alone.
pub fn examine_row(row: &Indicator, today: Option<i64>) -> Verdict {
    let ends = row.expires.is_some();
    let dates = || today.and_then(|today| dates::examine(row, today));
    match of_pattern(&row.pattern, &row.threat, ends) {
        Verdict::Accept => dates().map_or(Verdict::Accept, Verdict::Doubt),
        Verdict::Exact(reason) => match dates() {
            Some(worse) => Verdict::Doubt(worse),
            None => Verdict::Exact(reason),
        },
        verdict => verdict,
    }
}

/// Says whether a pattern of a threat may be loaded. Documentation addresses are fair for the
/// threat `canary` and doubtful for any other.
pub fn examine(pattern: &Pattern, threat: &str) -> Verdict {
    of_pattern(pattern, threat, false)
}

/// `ends`: the row says until when it holds.
fn of_pattern(pattern: &Pattern, threat: &str, ends: bool) -> Verdict {
    let canary = threat == "canary";
    match pattern {
        Pattern::Domain { name, scope } => names::examine(name, *scope, ends),
        Pattern::Ip(address) => network(*address, full(*address), (canary, ends)),
        // Behind a port of a rented address stands one program.
        Pattern::IpPort(address, _) => network(*address, full(*address), (canary, true)),
        Pattern::Cidr(address, prefix) => cidr(*address, *prefix, (canary, ends)),
        Pattern::Url { host, path, .. } => url(host, path, canary),
        Pattern::Path(text) => path(text),
        Pattern::UserAgent(_)
        | Pattern::Ja3(_)
        | Pattern::Ja4(_)
        | Pattern::CertSha1(_)
        | Pattern::Behaviour(_) => Verdict::Accept,
    }
}

const fn full(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn path(text: &str) -> Verdict {
    if text.len() < SHORTEST_PATH {
        return Verdict::Refuse(Reason::new(
            format!("đường dẫn ngắn hơn {SHORTEST_PATH} byte: ở đâu cũng gặp"),
            format!("path is shorter than {SHORTEST_PATH} octets: it is everywhere"),
        ));
    }
    if COMMON_PATHS.binary_search(&&*text.to_ascii_lowercase()).is_ok() {
        return Verdict::Refuse(Reason::new(
            "đường dẫn này trang nào cũng có: hãy dùng url đầy đủ",
            "is a path that every other site has: use the full url",
        ));
    }
    if text.len() < SHORT_PATH {
        return Verdict::Doubt(Reason::new(
            format!("đường dẫn ngắn hơn {SHORT_PATH} byte, trang khác cũng có thể có"),
            format!("path is shorter than {SHORT_PATH} octets, other sites may have it"),
        ));
    }
    Verdict::Accept
}

/// The platform on which a host shares its name with strangers: the reason why a url there must
/// never be cut down to its host.
pub fn shared_platform(name: &Name) -> Option<&'static str> {
    names::platform(name.as_str())
}

fn cidr(address: IpAddr, prefix: u8, row: (bool, bool)) -> Verdict {
    let widest = if address.is_ipv4() { WIDEST.0 } else { WIDEST.1 };
    if prefix < widest {
        return Verdict::Refuse(Reason::new(
            format!("rộng hơn /{widest}: hãy liệt kê các dải nhỏ hơn"),
            format!("is wider than /{widest}: list smaller networks"),
        ));
    }
    network(address, prefix, row)
}

fn network(address: IpAddr, prefix: u8, (canary, fair): (bool, bool)) -> Verdict {
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
    match known::owner(address, prefix) {
        Some(Owner::Edge(who)) => Verdict::Refuse(Reason::new(
            format!(
                "thuộc mạng phân phối {who}, mỗi địa chỉ phục vụ hàng nghìn trang: hãy dùng tên miền"
            ),
            format!("is an edge of {who}, where thousands of sites answer: use the name"),
        )),
        Some(Owner::Cloud(who)) if !fair => Verdict::Doubt(Reason::new(
            format!(
                "thuộc đám mây cho thuê {who}, mai có thể là của người khác: hãy ghi cổng (ip:port) hoặc ngày hết hạn (expires)"
            ),
            format!(
                "is rented from the cloud of {who}, tomorrow by somebody else: give a port (ip:port) or a last day (expires)"
            ),
        )),
        Some(Owner::Listed) => Verdict::Doubt(Reason::new(
            "có trong danh sách cảnh báo nhầm (warning list) của đơn vị",
            "stands in a warning list of the office",
        )),
        _ => Verdict::Accept,
    }
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
        // A path on an address is one program's too.
        Host::Address(address) => network(*address, full(*address), (canary, true)),
        Host::Name(name) if path == "/" => match names::examine(name, Scope::Exact, true) {
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
