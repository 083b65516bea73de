//! Words of alert lines, in both languages.

use ioc_feeds::threat::Severity;
use ioc_feeds::{Confidence, Date, Role};

use crate::alert::{Crowd, Crowding};
use crate::{Gravity, Language};

/// Picks one of two phrases.
const fn pick(language: Language, vi: &'static str, en: &'static str) -> &'static str {
    match language {
        Language::Vi => vi,
        Language::En => en,
    }
}

/// Heads a line about the sensor itself.
pub const fn gravity(language: Language, gravity: Gravity) -> &'static str {
    match gravity {
        Gravity::Information => pick(language, "THÔNG TIN", "INFO"),
        Gravity::Warning => pick(language, "CẢNH BÁO", "WARN"),
    }
}

/// How bad, in capitals, as it stands at the head of a line.
pub const fn severity(language: Language, severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => pick(language, "NGHIÊM TRỌNG", "CRITICAL"),
        Severity::High => pick(language, "CAO", "HIGH"),
        Severity::Medium => pick(language, "TRUNG BÌNH", "MEDIUM"),
        Severity::Low => pick(language, "THẤP", "LOW"),
    }
}

/// How sure.
pub const fn confidence(language: Language, confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => pick(language, "độ tin cậy cao", "confidence high"),
        Confidence::Medium => pick(language, "độ tin cậy trung bình", "confidence medium"),
        Confidence::Low => pick(language, "độ tin cậy thấp", "confidence low"),
    }
}

/// What kind of indicator it is, by the feeds' word for it.
pub fn pattern(language: Language, kind: &str) -> &str {
    match kind {
        "domain" => pick(language, "tên miền", "domain"),
        "ip" => pick(language, "địa chỉ IP", "IP address"),
        "ip:port" => pick(language, "địa chỉ IP và cổng", "IP address and port"),
        "cidr" => pick(language, "dải địa chỉ IP", "IP network"),
        "url" => pick(language, "URL", "url"),
        "path" => pick(language, "phần đường dẫn của URL", "path"),
        "user-agent" => pick(language, "chuỗi User-Agent", "user agent"),
        "ja3" => "JA3",
        "ja4" => "JA4",
        "cert-sha1" => pick(language, "chứng thư số", "certificate"),
        "behaviour" => pick(language, "hành vi trên mạng", "network behaviour"),
        newer => newer,
    }
}

/// What the infrastructure was used for.
pub const fn role(language: Language, role: Role) -> &'static str {
    match role {
        Role::C2 => pick(language, "máy chủ điều khiển", "command and control server"),
        Role::Delivery => pick(language, "máy chủ phát tán mã độc", "delivery server"),
        Role::Exfiltration => {
            pick(language, "nơi nhận dữ liệu bị lấy cắp", "receiver of stolen data")
        }
        Role::Sinkhole => pick(
            language,
            "máy chủ điều khiển đã bị vô hiệu hóa",
            "command server taken over by defenders",
        ),
        Role::Canary => pick(language, "dấu hiệu kiểm tra", "test sign"),
        Role::Unknown => pick(language, "chưa rõ vai trò", "role not known"),
    }
}

/// Heads the other reasons of an alert.
pub const fn also(language: Language) -> &'static str {
    pick(language, "trên cùng kết nối này còn khớp", "the same connection also met")
}

/// So many contacts.
pub fn contacts(language: Language, number: u64) -> String {
    match (language, number) {
        (Language::Vi, _) => format!("{number} lần"),
        (Language::En, 1) => "1 contact".into(),
        (Language::En, _) => format!("{number} contacts"),
    }
}

/// A day as people write it: `dd/mm/yyyy` in Vietnamese, ISO in English.
pub fn day(language: Language, date: Date) -> String {
    match (language, date.day) {
        (Language::En, _) => date.to_string(),
        (Language::Vi, 0) => format!("{:02}/{}", date.month, date.year),
        (Language::Vi, day) => format!("{day:02}/{:02}/{}", date.month, date.year),
    }
}

/// An age in days.
pub fn days_old(language: Language, days: i64) -> String {
    match (language, days) {
        (Language::Vi, _) => format!("cách đây {days} ngày"),
        (Language::En, 1) => "1 day old".into(),
        (Language::En, _) => format!("{days} days old"),
    }
}

/// When an indicator was last known to be in use, and if it is old, how old it was then.
pub fn known_since(language: Language, date: Option<Date>, old_days: Option<i64>) -> String {
    let Some(date) = date else {
        return pick(language, "không rõ ngày ghi nhận", "date not known").into();
    };
    let when = day(language, date);
    match (language, old_days) {
        (Language::Vi, None) => format!("ghi nhận {when}"),
        (Language::En, None) => format!("reported {when}"),
        (Language::Vi, Some(days)) => {
            format!("ghi nhận {when}, cách đây {days} ngày, có thể không còn đúng")
        }
        (Language::En, Some(days)) => {
            format!("reported {when}, {days} days old, may no longer hold")
        }
    }
}

/// How many hosts, and the first of them, at most so many.
pub fn crowd_hosts(language: Language, crowd: &Crowd, most: usize) -> String {
    let first: Vec<String> = crowd.first_hosts.iter().take(most).map(ToString::to_string).collect();
    let more = if crowd.hosts > first.len() as u64 { ", ..." } else { "" };
    let hosts = pick(language, "máy", if crowd.hosts == 1 { "host" } else { "hosts" });
    format!("{} {hosts} ({}{more})", about(language, crowd.hosts), first.join(", "))
}

/// A number that is exact only while it is small.
fn about(language: Language, number: u64) -> String {
    if number < 1000 {
        return number.to_string();
    }
    let unit = 10_u64.pow(number.ilog10() - 1);
    format!("{} {}", pick(language, "khoảng", "about"), (number + unit / 2) / unit * unit)
}

/// How many indicators, and the first of them.
pub fn crowd_indicators(language: Language, crowd: &Crowd) -> String {
    let more = if crowd.indicators > crowd.first_indicators.len() as u64 { ", ..." } else { "" };
    let one = crowd.indicators == 1;
    let signs = pick(language, "dấu hiệu", if one { "indicator" } else { "indicators" });
    let number = about(language, crowd.indicators);
    format!("{number} {signs} ({}{more})", crowd.first_indicators.join(", "))
}

/// Why there is one line, and what to make of it.
pub fn crowd(language: Language, crowd: &Crowd) -> String {
    match (crowd.by, language) {
        (Crowding::Host, Language::Vi) => {
            "máy này gặp quá nhiều dấu hiệu cùng lúc nên gộp thành một dòng".into()
        }
        (Crowding::Host, Language::En) => {
            "this host met too many indicators at once, so they are one line".into()
        }
        (Crowding::Tunnel(sender), Language::Vi) => format!(
            "quá nhiều máy cùng lúc trong đường hầm từ {sender} nên gộp thành một dòng; \
             địa chỉ bên trong có thể bị giả mạo: hãy tìm bên gửi {sender}"
        ),
        (Crowding::Tunnel(sender), Language::En) => format!(
            "too many hosts at once in a tunnel from {sender}, so they are one line; the inner \
             addresses may be forged: look for the sender {sender}"
        ),
        (_, Language::Vi) => "quá nhiều máy cùng lúc nên gộp thành một dòng; địa chỉ nguồn có thể \
                              bị giả mạo: hãy tìm máy gửi theo địa chỉ MAC trên thiết bị chuyển mạch"
            .into(),
        (_, Language::En) => "too many hosts at once, so they are one line; their addresses may \
                              be forged: look for the sender by its hardware address on the switch"
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn of(by: Crowding, hosts: u64) -> Crowd {
        let first_hosts = [1, 2].map(|last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))).to_vec();
        let (group, first_indicators) = (String::new(), vec!["a.test".into()]);
        Crowd { by, group, hosts, indicators: 1, first_hosts, first_indicators }
    }

    #[test]
    fn a_crowd_is_counted_and_its_first_are_named_in_both_languages() {
        let crowd = of(Crowding::All, 39_872);
        let en = crowd_hosts(Language::En, &crowd, 1);
        assert_eq!(en, "about 40000 hosts (10.0.0.1, ...)");
        let vi = crowd_hosts(Language::Vi, &crowd, 8);
        assert_eq!(vi, "khoảng 40000 máy (10.0.0.1, 10.0.0.2, ...)");
        assert_eq!(
            crowd_hosts(Language::En, &of(Crowding::All, 2), 8),
            "2 hosts (10.0.0.1, 10.0.0.2)"
        );
        assert_eq!(crowd_indicators(Language::En, &crowd), "1 indicator (a.test)");
    }

    #[test]
    fn a_tunnel_names_its_sender_and_forged_addresses_are_said_to_be_possible() {
        let sender = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
        for language in [Language::Vi, Language::En] {
            let tunnel = crowd_text(language, Crowding::Tunnel(sender));
            assert!(tunnel.contains("203.0.113.9"), "{tunnel}");
            assert!(
                crowd_text(language, Crowding::All).contains("MAC") || language == Language::En
            );
            assert!(!crowd_text(language, Crowding::Host).contains("forged"));
        }
    }

    fn crowd_text(language: Language, by: Crowding) -> String {
        crowd(language, &of(by, 9))
    }
}
