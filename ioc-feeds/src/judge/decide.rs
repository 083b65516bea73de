//! One value to its verdict: which type it is, what is wrong with it, and what else it gives.

use super::ports::{self, Addresses};
use super::tld::{self, Tld};
use super::{Column, Finding, Meant, Verdict, file_hash, is_digest};
use crate::format::value;
use crate::lint;
use crate::name::Name;
use crate::{Host, Pattern, Reason, Scope};

/// A value out of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// As it is written.
    pub written: String,
    /// Refanged, without what stood around it.
    pub text: String,
    /// Its writer has defanged it.
    pub defanged: bool,
    /// Letters that only look right were replaced in it.
    pub mended: bool,
    /// What a label or column says that it is.
    pub column: Option<Column>,
    /// A program's syntax, a label or a column says that it is an indicator.
    pub listed: bool,
    /// It stands in a remark beside another value.
    pub aside: bool,
    /// What stands beside it.
    pub note: String,
}

/// The verdicts on a value; several where it holds several (ports, for one).
pub fn decide(one: &Candidate, meant: Meant) -> Vec<Finding> {
    let mut found = typed(one);
    for finding in &mut found {
        finding.written.clone_from(&one.written);
        let mut next = std::mem::replace(finding, Finding::refused("", Reason::new("", "")));
        next = next.noted(&one.note);
        if one.mended {
            next = next.changed(Reason::new(
                "gạch nối do phần mềm soạn thảo tự thay đã được sửa lại",
                "a hyphen that a word processor had replaced is put right",
            ));
        }
        if meant == Meant::Perhaps && !one.defanged {
            next.asks = true;
            next = next.doubted(Reason::new(
                "viết nguyên dạng, không ngắt liên kết, và không nằm trong danh sách: có thể chỉ được nhắc đến",
                "written plain and in no list: it may only be mentioned",
            ));
        }
        if super::clean::calls_innocent(&one.note) {
            next = next.doubted(Reason::new(
                "ghi chú bên cạnh nói là hợp pháp",
                "the remark beside it calls it innocent",
            ));
        }
        *finding = next;
    }
    found
}

/// By what its column says, else by what it looks like.
fn typed(one: &Candidate) -> Vec<Finding> {
    let text = one.text.as_str();
    let parsed = |kind: &str| match value::parse(kind, text, None) {
        Ok(pattern) => accepted(pattern),
        Err(reason) => Finding::refused(text, reason),
    };
    match one.column {
        Some(Column::UserAgent) => return vec![parsed("user-agent")],
        Some(Column::Ja3) => return vec![parsed("ja3")],
        Some(Column::Ja4) => return vec![parsed("ja4")],
        Some(Column::CertSha1) => return vec![parsed("cert-sha1")],
        Some(Column::Hash) => return vec![Finding::refused(text, file_hash())],
        Some(Column::FileName) => {
            return vec![Finding::refused(
                text,
                Reason::new(
                    "tên tệp: không nhìn thấy được trên đường truyền",
                    "the name of a file: not visible on the wire",
                ),
            )];
        }
        _ => {}
    }
    if is_digest(text) {
        return vec![Finding::refused(text, file_hash())];
    }
    if let Some(addresses) = ports::read(text).or_else(|| ports::with_commas(text)) {
        return with_addresses(text, addresses);
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        return url(one, scheme, rest);
    }
    if text.contains('@') {
        return vec![Finding::refused(
            text,
            Reason::new(
                "địa chỉ thư điện tử: cảm biến không đọc thư",
                "a mail address: the sensor reads no mail",
            ),
        )];
    }
    if text.starts_with('/') {
        return vec![path(text)];
    }
    if text.contains('/') {
        return bare_url(one, text);
    }
    vec![name(text, one)]
}

fn accepted(pattern: Pattern) -> Finding {
    Finding {
        written: String::new(),
        readings: vec![pattern],
        https: false,
        host: None,
        verdict: Verdict::Accepted,
        note: String::new(),
        asks: false,
    }
}

fn with_addresses(text: &str, addresses: Addresses) -> Vec<Finding> {
    match addresses {
        Addresses::These(list) => list.into_iter().map(accepted).collect(),
        Addresses::Changed(list, reason) => {
            list.into_iter().map(|one| accepted(one).changed(reason.clone())).collect()
        }
        Addresses::Perhaps(list, reason) => {
            list.into_iter().map(|one| accepted(one).doubted(reason.clone())).collect()
        }
        Addresses::None(reason) => vec![Finding::refused(text, reason)],
    }
}

/// What begins with a scheme.
fn url(one: &Candidate, scheme: &str, rest: &str) -> Vec<Finding> {
    let text = one.text.as_str();
    let secure = matches!(scheme, "https" | "wss");
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" | "ws" | "wss" => {}
        "tcp" | "udp" | "tls" | "ssl" => return endpoint(one, scheme, rest),
        _ => return unseen_scheme(one, scheme, rest),
    }
    let web = format!("{}://{rest}", if secure { "https" } else { "http" });
    let pattern = match value::parse("url", &web, None) {
        Ok(pattern) => pattern,
        Err(reason) => return vec![Finding::refused(text, reason)],
    };
    let Pattern::Url { host, port, path } = &pattern else {
        return vec![Finding::refused(text, Reason::new("không phải url", "is no url"))];
    };
    if let Some(reason) = no_host(host) {
        return vec![Finding::refused(text, reason)];
    }
    let whole = path == "/" && !rest.contains('?');
    let also = (secure || whole).then(|| own_host(host, *port, whole)).flatten();
    let mut finding = accepted(pattern.clone());
    finding.https = secure;
    finding.host = also;
    if let Some(also) = &finding.host {
        let reason = Reason::new(
            format!(
                "url không thấy được hoặc không có đường dẫn: nạp thêm máy chủ {also}, độ tin cậy thấp hơn một bậc"
            ),
            format!(
                "a url that is not seen or has no path: its host {also} is loaded too, one confidence lower"
            ),
        );
        finding = finding.changed(reason);
    } else if secure {
        let reason = Reason::new(
            "url https: không bao giờ thấy được trên đường truyền, và máy chủ là của nhiều người",
            "an https url: never visible on the wire, and its host belongs to many",
        );
        // Plain, it is the link of a report more often than not.
        finding = if one.defanged { finding.changed(reason) } else { finding.doubted(reason) };
    }
    vec![finding]
}

/// `tcp://198.51.100.7:443` is an endpoint; a name with a port is the name.
fn endpoint(one: &Candidate, scheme: &str, rest: &str) -> Vec<Finding> {
    let inner = Candidate { text: rest.trim_end_matches('/').to_owned(), ..one.clone() };
    let gone = format!("{scheme}://");
    let reason = || Reason::new(format!("đã bỏ {gone}"), format!("{gone} is left out"));
    typed(&inner).into_iter().map(|finding| finding.changed(reason())).collect()
}

/// Of a scheme that is not read the host is still asked for.
fn unseen_scheme(one: &Candidate, scheme: &str, rest: &str) -> Vec<Finding> {
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let host = rest.get(..end).unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let inner = Candidate { text: host.to_owned(), column: None, ..one.clone() };
    let reason = Reason::new(
        format!("không quan sát được giao thức {scheme}; chỉ có thể nạp máy chủ"),
        format!("scheme {scheme} is not seen; only its host could be loaded"),
    );
    typed(&inner).into_iter().map(|finding| finding.doubted(reason.clone())).collect()
}

/// `bad.example/x` and `198.51.100.7/x`.
fn bare_url(one: &Candidate, text: &str) -> Vec<Finding> {
    let pattern = match value::parse("url", text, None) {
        Ok(pattern) => pattern,
        Err(reason) => return vec![Finding::refused(text, reason)],
    };
    let Pattern::Url { host, port, path } = &pattern else { return Vec::new() };
    if let Some(reason) = no_host(host) {
        return vec![Finding::refused(text, reason)];
    }
    let also = (path == "/").then(|| own_host(host, *port, true)).flatten();
    let mut finding = accepted(pattern.clone());
    if let Host::Name(name) = host
        && tld::look(name.as_str()) == Tld::FileLike
        && !one.defanged
    {
        finding = finding.doubted(file_like());
    }
    if let Some(also) = also {
        finding.host = Some(also);
        finding = finding.changed(Reason::new(
            "url không có đường dẫn: nạp thêm máy chủ, độ tin cậy thấp hơn một bậc",
            "a url without a path: its host is loaded too, one confidence lower",
        ));
    }
    vec![finding]
}

/// Why a host of a url is none.
fn no_host(host: &Host) -> Option<Reason> {
    match host {
        Host::Address(_) => None,
        Host::Name(name) => no_name(name).map(|reason| reason.about("máy chủ", "host")),
    }
}

/// The host of a url as an indicator of its own, unless strangers share it.
fn own_host(host: &Host, port: Option<u16>, whole: bool) -> Option<Pattern> {
    match (host, port) {
        (Host::Address(address), Some(port)) => Some(Pattern::IpPort(*address, port)),
        (Host::Address(address), None) => Some(Pattern::Ip(*address)),
        (Host::Name(name), _) => {
            let scope = if whole { Scope::Subtree } else { Scope::Exact };
            let pattern = Pattern::Domain { name: name.clone(), scope };
            let fair = lint::shared_platform(name).is_none()
                && !matches!(lint::examine(&pattern, "unknown"), lint::Verdict::Refuse(_));
            fair.then_some(pattern)
        }
    }
}

/// Shortest path on any host that is taken, in octets.
const SHORTEST: usize = 8;

fn path(text: &str) -> Finding {
    match value::parse("path", text, None) {
        Ok(pattern) if text.len() >= SHORTEST => accepted(pattern).doubted(Reason::new(
            "chỉ có đường dẫn, không có máy chủ: sẽ trùng trên mọi máy chủ",
            "a path without a host: it would match on every host",
        )),
        Ok(_) => Finding::refused(
            text,
            Reason::new(
                format!("đường dẫn không có máy chủ và ngắn hơn {SHORTEST} ký tự"),
                format!("a path without a host and shorter than {SHORTEST} characters"),
            ),
        ),
        Err(reason) => Finding::refused(text, reason),
    }
}

fn file_like() -> Reason {
    Reason::new(
        "phần đuôi vừa là tên miền cấp cao vừa là đuôi tệp, và không được ngắt liên kết: có thể là tên tệp",
        "its ending is a top-level domain and one of files, and it is not defanged: it may be a file",
    )
}

/// Why something in the shape of a name is none.
fn no_name(name: &Name) -> Option<Reason> {
    let text = name.as_str();
    if !text.contains('.') {
        return Some(Reason::new(
            "không phải tên miền đầy đủ (thiếu phần đuôi như .vn)",
            "is a single label",
        ));
    }
    if text.split('.').any(|label| label.starts_with('-') || label.ends_with('-')) {
        return Some(Reason::new(
            "có phần bắt đầu hoặc kết thúc bằng dấu gạch nối: có thể tên bị ngắt sang dòng khác",
            "a label begins or ends with a hyphen: perhaps a name broken over two lines",
        ));
    }
    if ["http__", "https__", "hxxp__", "hxxps__", "ftp__"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
    {
        return Some(Reason::new(
            "bắt đầu bằng http__: dấu :// đã bị thay khi lưu thành tên tệp",
            "begins with http__: its :// was replaced when it became the name of a file",
        ));
    }
    let last = text.rsplit('.').next().unwrap_or_default();
    (tld::look(text) == Tld::Unknown).then(|| {
        Reason::new(
            format!("không có tên miền cấp cao .{last}: có phải tên tệp không?"),
            format!("there is no top-level domain .{last}: a file name?"),
        )
    })
}

/// A name, perhaps with a port behind, a dot or a star in front.
fn name(text: &str, one: &Candidate) -> Finding {
    let (text, port) = match text.rsplit_once(':') {
        Some((head, tail)) if ports::ports(tail).is_some_and(|ports| !ports.is_empty()) => {
            (head, Some(tail))
        }
        _ => (text, None),
    };
    let below = text.strip_prefix("*.").or_else(|| text.strip_prefix('.'));
    let (bare, scope) =
        (below.unwrap_or(text), (one.column == Some(Column::Hostname) && below.is_none()));
    let name = match Name::parse(bare) {
        Ok(name) => name,
        Err(error) => {
            return Finding::refused(text, Reason::from(error).about("tên miền", "name"));
        }
    };
    if let Some(reason) = no_name(&name) {
        return Finding::refused(text, reason);
    }
    let class = tld::look(name.as_str());
    let scope = if scope { Scope::Exact } else { Scope::Subtree };
    let mut finding = accepted(Pattern::Domain { name, scope });
    if class == Tld::Onion {
        finding = finding.doubted(Reason::new(
            "tên của mạng Tor: không bao giờ được hỏi nguyên dạng trên đường truyền (RFC 7686)",
            "a name of the Tor network: never asked for on the wire as it is (RFC 7686)",
        ));
    }
    if class == Tld::FileLike && !one.defanged && one.column.is_none_or(|c| !c.is_indicator()) {
        finding = finding.doubted(file_like());
    }
    match port {
        Some(port) => finding.changed(Reason::new(
            format!("đã bỏ cổng {port}: tên miền trùng ở mọi cổng"),
            format!("port {port} is left out: a name matches on every port"),
        )),
        None => finding,
    }
}
