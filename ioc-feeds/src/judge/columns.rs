//! What a column, a label or a heading is about, by the words that people and exports use for it.

/// What stands under a heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    /// An indicator of any type.
    Value,
    /// The type of the indicator.
    Kind,
    /// A name, with what is below it.
    Domain,
    /// A name alone.
    Hostname,
    /// An address, with or without a port.
    Ip,
    /// A port, of the address beside it.
    Port,
    /// A url.
    Url,
    /// A User-Agent.
    UserAgent,
    /// A JA3 digest.
    Ja3,
    /// A JA4 fingerprint.
    Ja4,
    /// SHA-1 of a certificate.
    CertSha1,
    /// A digest of a file.
    Hash,
    /// The name of a file.
    FileName,
    /// A mail address.
    Mail,
    /// The malware.
    Malware,
    /// The threat, as the native feed has it.
    Threat,
    /// What it was used for.
    Role,
    /// With or without what is below a name.
    Scope,
    /// How sure, in words or of a hundred.
    Confidence,
    /// First seen.
    FirstSeen,
    /// Last seen.
    LastSeen,
    /// Not to be used afterwards.
    Expires,
    /// Where it is reported.
    Reference,
    /// A remark.
    Note,
    /// May it be used for detection?
    ToIds,
    /// Is it the site of a victim?
    Compromised,
    /// The number of the row.
    Index,
    /// Where a document comes from, or whom it names: no indicator.
    Sender,
}

impl Column {
    /// Does it hold indicators?
    pub fn is_indicator(self) -> bool {
        matches!(
            self,
            Self::Value
                | Self::Domain
                | Self::Hostname
                | Self::Ip
                | Self::Url
                | Self::UserAgent
                | Self::Ja3
                | Self::Ja4
                | Self::CertSha1
        )
    }
}

/// The words of each column, in comparable form, parted by semicolons.
const WORDS: &[(Column, &str)] = &[
    (
        Column::Value,
        "indicator; indicators; ioc; iocs; value; data; ioc value; observable; artifact; \
         indicator value; trail; chỉ dấu; dấu hiệu; giá trị; chỉ báo; chỉ dấu tấn công; \
         c2; c&c; cnc; c2 server; c2 servers; c&c server; máy chủ điều khiển; \
         máy chủ c2; máy chủ c&c; indicator of compromise; indicators of compromise; \
         ioc(s); network ioc; network iocs; network indicator; network indicators; c2s; \
         command and control; infrastructure",
    ),
    (
        Column::Kind,
        "type; ioc type; indicator type; kind; loại; kiểu; loại chỉ dấu; \
         observable type; data type; attribute type",
    ),
    (
        Column::Domain,
        "domain; domains; domain name; domain names; tên miền; tên miền độc hại; \
         c2 domain; c2 domains; malicious domain; malicious domains; domain/url; \
         tên miền, đường dẫn; tên miền/đường dẫn; tên miền/url; fqdn; fqdns; dns; \
         domains and ips; domain/ip; tên miền/ip; tên miền / ip; dst domain; site; \
         website độc hại; trang web độc hại",
    ),
    (Column::Hostname, "hostname; hostnames; host; hosts; host name; máy chủ; tên máy chủ"),
    (
        Column::Ip,
        "ip; ips; ip address; ip addresses; ipv4; ipv6; address; địa chỉ ip; địa chỉ; \
         ip-dst; ip-src; ip dst; ip src; dstip; dst ip; ip-dst|port; ip:port; ip port; \
         ip and port; c2 ip; c2 ips; ip c2; dst; dest ip; destination ip; ip addr; \
         địa chỉ ip:cổng; danh sách ip; ipv4 address; ip máy chủ; malicious ip; \
         malicious ips",
    ),
    (Column::Port, "port; ports; dstport; dst port; cổng; cổng kết nối; dest port; c2 port"),
    (
        Column::Url,
        "url; urls; uri; link độc hại; đường dẫn; đường dẫn độc hại; liên kết độc hại; \
         malicious url; malicious urls; c2 url; c2 urls; download url; download urls; \
         payload url; phishing url; đường link; đường dẫn tải; địa chỉ url",
    ),
    (Column::UserAgent, "user-agent; user agent; useragent"),
    (Column::Ja3, "ja3; ja3 md5; ja3-fingerprint-md5; ja3 fingerprint"),
    (Column::Ja4, "ja4; ja4 fingerprint"),
    (Column::CertSha1, "cert-sha1; cert sha1; x509-fingerprint-sha1; certificate sha1; ssl sha1"),
    (
        Column::Hash,
        "hash; hashes; md5; sha1; sha-1; sha256; sha-256; sha512; mã băm; mã hash; \
         filehash; file hash; file hashes; giá trị băm; sha256 hash; md5 hash; \
         mã băm (hash)",
    ),
    (
        Column::FileName,
        "file; files; filename; file name; filenames; file names; tên tệp; tên tệp tin; \
         tệp tin; tập tin; tên file; đường dẫn tệp; file path; path; tệp",
    ),
    (Column::Mail, "email; e-mail; mail; thư điện tử; email address; hòm thư"),
    (
        Column::Malware,
        "malware; family; malware family; malware printable; mã độc; họ mã độc; \
         tên mã độc; threat name; listingreason; info; signature",
    ),
    (Column::Threat, "threat"),
    (Column::Role, "role; threat type; vai trò"),
    (Column::Scope, "scope"),
    (Column::Confidence, "confidence; confidence level; độ tin cậy; tin cậy"),
    (
        Column::FirstSeen,
        "first seen; first seen utc; firstseen; dateadded; date; date added; created; \
         ngày; listingdate; ngày phát hiện; created at; thời gian; added",
    ),
    (Column::LastSeen, "last seen; last seen utc; lastseen; last online; ngày cuối; lần cuối"),
    (Column::Expires, "expires; valid until; expiration; hết hạn"),
    (
        Column::Reference,
        "reference; references; ref; source; sources; urlhaus link; nguồn; tham khảo; \
         link; report; link tham khảo; nguồn tham khảo; tài liệu tham khảo; see also; \
         xem thêm; chi tiết; further reading",
    ),
    (
        Column::Note,
        "note; notes; comment; comments; description; remark; remarks; context; ghi chú; \
         mô tả; diễn giải; thông tin; details; tags; tag",
    ),
    (Column::ToIds, "to ids; to_ids"),
    (Column::Compromised, "is compromised"),
    (Column::Index, "stt; tt; số tt; số thứ tự; no; no.; #; id; ioc id; index"),
    (
        Column::Sender,
        "from; to; cc; website; web; trang web; cổng thông tin; contact; liên hệ; blog; \
         twitter; x; author; tác giả; published; homepage; hotline; \
         cổng thông tin điện tử; subject",
    ),
];

/// A heading in comparable form: small letters, one blank between words, no marks around.
fn comparable(text: &str) -> String {
    let text = text.trim_start_matches(|c: char| c.is_ascii_digit() || ".)( *#=_".contains(c));
    let text = if text.is_empty() { "#" } else { text };
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, '_' | '"' | '`' | '*' | '='))
    {
        if word.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().flat_map(char::to_lowercase));
    }
    let end = out.trim_end_matches([':', '.', ' ']).len();
    out.truncate(end);
    out
}

/// The column of a heading, a label or the name of a field; none for words that are not known.
pub fn of(heading: &str) -> Option<Column> {
    if heading.len() > 80 {
        return None;
    }
    let text = comparable(heading);
    // Zeek puts what describes an indicator behind this.
    if let Some(rest) = text.strip_prefix("meta.") {
        return match rest {
            "url" => Some(Column::Reference),
            "desc" => Some(Column::Note),
            _ => None,
        };
    }
    // A value is no heading, however it begins.
    if text.contains('.') && text.split('.').all(|part| part.len() > 1 && !part.contains(' ')) {
        return None;
    }
    let found = |text: &str| {
        let (column, _) =
            WORDS.iter().find(|(_, words)| words.split(';').any(|word| word.trim() == text))?;
        Some(*column)
    };
    found(&text).or_else(|| {
        // `Tên miền (C&C)`, `IP Address [port]`.
        let at = text.find(" (").or_else(|| text.find(" ["))?;
        found(text.get(..at)?.trim())
    })
}

/// What a heading in a text announces; none if it is not known to announce anything.
pub fn announced(heading: &str) -> Option<Column> {
    if let Some(column) = of(heading) {
        return Some(column);
    }
    let text = comparable(heading);
    if text.chars().count() > 100 {
        return None;
    }
    let has = |words: &[&str]| {
        words.iter().any(|word| {
            text.match_indices(word).any(|(at, _)| {
                let alone = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
                alone(text.get(..at).and_then(|t| t.chars().next_back()))
                    && alone(text.get(at + word.len()..).and_then(|t| t.chars().next()))
            })
        })
    };
    if has(&[
        "references",
        "reference",
        "tham khảo",
        "nguồn",
        "links",
        "further reading",
        "sources",
        "liên hệ",
        "contact",
        "nơi nhận",
    ]) {
        Some(Column::Reference)
    } else if has(&["hash", "hashes", "mã băm", "sha256", "md5", "sha1"]) {
        Some(Column::Hash)
    } else if has(&["file", "files", "tệp", "tập tin", "filenames"]) {
        Some(Column::FileName)
    } else if has(&["domain", "domains", "tên miền", "hostnames", "fqdn"]) {
        Some(Column::Domain)
    } else if has(&["ip", "ips", "địa chỉ ip", "ip addresses"]) {
        Some(Column::Ip)
    } else if has(&["url", "urls", "đường dẫn"]) {
        Some(Column::Url)
    } else if has(&[
        "c2",
        "c&c",
        "network",
        "command and control",
        "máy chủ điều khiển",
        "infrastructure",
    ]) {
        Some(Column::Value)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_known_by_the_words_of_many() {
        for (heading, column) in [
            ("Indicator", Column::Value),
            ("IOC_VALUE", Column::Value),
            ("\"ioc_type\"", Column::Kind),
            ("Tên miền", Column::Domain),
            ("Địa chỉ IP", Column::Ip),
            ("ip-dst|port", Column::Ip),
            ("Cổng", Column::Port),
            ("STT", Column::Index),
            ("Mã băm", Column::Hash),
            ("Tên tệp", Column::FileName),
            ("Mô tả", Column::Note),
            ("first_seen_utc", Column::FirstSeen),
            ("2. Tên miền:", Column::Domain),
            ("Tên miền (C&C)", Column::Domain),
        ] {
            assert_eq!(of(heading), Some(column), "{heading}");
        }
        for heading in ["", "Kính gửi", "Loài", "x y z"] {
            assert_eq!(of(heading).filter(|c| c.is_indicator()), None, "{heading}");
        }
        assert_eq!(announced("Domains used by the group"), Some(Column::Domain));
        assert_eq!(announced("1. Mã băm tệp tin độc hại"), Some(Column::Hash));
        assert_eq!(announced("Tài liệu tham khảo"), Some(Column::Reference));
        assert_eq!(announced("A letter of the province"), None);
    }
}
