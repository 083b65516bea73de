//! The verdict on a name: whose it is, and who else lives there.

use super::Verdict;
use crate::known::{self, Known};
use crate::name::{Name, is_at_or_below};
use crate::{Reason, Scope};

/// Ends of names that only live inside a local network (RFC 6762, RFC 8375 and custom).
const LOCAL: &[&str] = &["home.arpa", "internal", "lan", "local", "localdomain", "localhost"];

/// The platform that a host belongs to, or the suffix for customers that it is.
pub(super) fn platform(name: &str) -> Option<&'static str> {
    of_platform(name)
}

fn of_platform(name: &str) -> Option<&'static str> {
    for (known, at) in known::of_name(name) {
        match known {
            Known::Platform => return known::spelled(at),
            Known::Hosting | Known::Dynamic | Known::Tunnel if at == name => {
                return known::spelled(at);
            }
            // Below it each name is a customer's, whatever stands above.
            Known::Hosting | Known::Dynamic | Known::Tunnel => return None,
            Known::State | Known::Busy(_) | Known::Listed => {}
        }
    }
    None
}

/// `ends`: the row says until when it holds.
pub(super) fn examine(name: &Name, scope: Scope, ends: bool) -> Verdict {
    let text = name.as_str();
    if !text.contains('.') {
        return Verdict::Refuse(Reason::new(
            "không phải tên miền đầy đủ (thiếu phần đuôi như .vn)",
            "is a single label",
        ));
    }
    let is_near = known::is_near(text);
    if let Some(platform) = Some(text).filter(|_| is_near).and_then(of_platform) {
        return Verdict::Refuse(Reason::new(
            format!(
                "thuộc nền tảng dùng chung {platform}: hãy dùng url đầy đủ hoặc tên riêng của khách hàng"
            ),
            format!(
                "belongs to the shared platform {platform}: use the full url or the customer's name"
            ),
        ));
    }
    let suffix = psl::suffix(text.as_bytes());
    if let Some(verdict) = suffix.as_ref().and_then(|suffix| public_suffix(text, suffix, scope)) {
        return verdict;
    }
    let covered = Some(text).filter(|_| is_near).and_then(known::below);
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
    let of_owner = is_near.then(|| of_owner(text, scope, (ends, suffix))).flatten();
    of_owner.unwrap_or_else(|| certificates(text))
}

/// What follows from whom a name belongs to; nothing if that is not known.
fn of_owner(
    text: &str,
    scope: Scope,
    (ends, suffix): (bool, Option<psl::Suffix<'_>>),
) -> Option<Verdict> {
    // A name above that is a suffix for customers says nothing of the customer.
    let private = suffix.filter(|suffix| suffix.typ() == Some(psl::Type::Private));
    let is_above = |at: &str| private.as_ref().is_some_and(|p| at.len() <= p.as_bytes().len());
    let (known, at) = known::of_name(text).next()?;
    match known {
        Known::Tunnel => tunnel(at, scope, ends),
        Known::Dynamic if scope == Scope::Subtree => Some(Verdict::Exact(Reason::new(
            format!("là tên DNS động dưới {at}: chỉ so đúng tên này"),
            format!("is a dynamic DNS name below {at}: only this very name is meant"),
        ))),
        Known::Dynamic | Known::Hosting | Known::Platform => None,
        Known::State => Some(honest(text, scope, at, ("cơ quan, đơn vị nhà nước", "a state body"))),
        Known::Busy(_) if is_above(at) => None,
        Known::Busy(sort) => Some(honest(text, scope, at, words(sort))),
        Known::Listed => Some(honest(text, scope, at, words("listed"))),
    }
}

/// Strangers have the tunnel's next name and port.
fn tunnel(at: &str, scope: Scope, ends: bool) -> Option<Verdict> {
    if !ends {
        return Some(Verdict::Doubt(Reason::new(
            format!(
                "là đường hầm dưới {at}, mai có thể là của người khác: hãy ghi ngày hết hạn (expires)"
            ),
            format!(
                "is a tunnel below {at}, tomorrow somebody else's: give it a last day (expires)"
            ),
        )));
    }
    (scope == Scope::Subtree).then(|| {
        Verdict::Exact(Reason::new(
            format!("là đường hầm dưới {at}: chỉ so đúng tên này"),
            format!("is a tunnel below {at}: only this very name is meant"),
        ))
    })
}

/// A name that honest people visit: its tree is asked about, a host of it that is named exactly is
/// loaded with a doubt, and so is what lies below.
fn honest(text: &str, scope: Scope, at: &str, (vi, en): (&str, &str)) -> Verdict {
    let whole = text == at || text.strip_prefix("www.") == Some(at);
    let state = en == "a state body";
    match scope {
        Scope::Subtree if whole || state => Verdict::Ask(Reason::new(
            format!(
                "{at} là {vi}: hãy dùng url đầy đủ; nếu đúng là máy chủ này thì ghi scope exact"
            ),
            format!("{at} is {en}: use the full url; if this very host is meant, scope exact"),
        )),
        Scope::Subtree | Scope::Exact => Verdict::Doubt(Reason::new(
            format!("thuộc {at}, {vi}"),
            format!("belongs to {at}, {en}"),
        )),
    }
}

/// A sort of sites in both languages.
fn words(sort: &str) -> (&'static str, &'static str) {
    match sort {
        "bank" => ("ngân hàng hoặc ví điện tử", "a bank or payment service"),
        "press" => ("báo, đài", "a newspaper or station"),
        "portal" => ("trang phổ biến ở Việt Nam", "a site that is popular in Viet Nam"),
        "provider" => ("nhà cung cấp dịch vụ ở Việt Nam", "a provider in Viet Nam"),
        "search" => ("công cụ tìm kiếm", "a search engine"),
        "social" => ("mạng xã hội", "a social network"),
        "mail" => ("dịch vụ thư điện tử", "a mail service"),
        "cloud" => ("dịch vụ đám mây", "a cloud service"),
        "cdn" => ("mạng phân phối nội dung", "a content delivery network"),
        "update" => ("nơi phát hành phần mềm", "a publisher of software"),
        "time" => ("dịch vụ giờ", "a time service"),
        "resolver" => ("máy chủ DNS công cộng", "a public resolver"),
        "certificate" => ("dịch vụ chứng thư số (OCSP, CRL)", "a certificate service (OCSP, CRL)"),
        "shortener" => ("dịch vụ rút gọn liên kết", "a url shortener"),
        "what-is-my-address" => ("trang cho biết địa chỉ IP", "a what-is-my-address site"),
        "security-vendor" => ("hãng hoặc trang về bảo mật", "a security vendor or its blog"),
        "listed" => (
            "có trong danh sách cảnh báo nhầm (warning list) của đơn vị",
            "in a warning list of the office",
        ),
        _ => ("một trong những tên được truy cập nhiều nhất", "among the names most visited"),
    }
}

/// Names that certificates point at (RFC 5280 4.2.1.13, 4.2.2.1): every PC asks for them.
fn certificates(text: &str) -> Verdict {
    if !["ocsp", "crl", "cacerts"].iter().any(|part| text.contains(part)) {
        return Verdict::Accept;
    }
    let is = |label: &str| {
        let bare = label.trim_end_matches(|c: char| c.is_ascii_digit());
        matches!(bare, "ocsp" | "crl" | "crls" | "crlv" | "cacerts" | "oneocsp")
            || ["ocsp-", "crl-", "ocspfn", "ocspssl", "rootocsp", "httpcrl"]
                .iter()
                .any(|start| label.starts_with(start))
            || ["-ocsp", "-crl", "-ocsp-cdn"].iter().any(|end| bare.ends_with(end))
            || ["ocsp-g", "ocsp2009", "onsitecrl", "rtcrl", "rtocsp", "wtocsp"]
                .iter()
                .any(|part| label.contains(part))
    };
    match text.split('.').rev().skip(2).any(is) || text.split('.').next().is_some_and(is) {
        true => Verdict::Doubt(Reason::new(
            "có dạng tên của dịch vụ chứng thư số (OCSP, CRL) mà máy nào cũng hỏi",
            "looks like a certificate service (OCSP, CRL), which every machine asks",
        )),
        false => Verdict::Accept,
    }
}

/// Refuses what many owners register under (publicsuffix.org, ICANN section); of the private
/// section only the whole tree, since the bare name may be one host.
fn public_suffix(text: &str, suffix: &psl::Suffix<'_>, scope: Scope) -> Option<Verdict> {
    let private = suffix.typ() == Some(psl::Type::Private);
    (*suffix == text).then(|| match scope {
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
