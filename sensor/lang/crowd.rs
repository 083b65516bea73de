//! Words for lines that stand for many.

use super::{Language, pick};
use crate::alert::{Crowd, Crowding};

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
        (Crowding::Host(..), Language::Vi) => {
            "máy này gặp quá nhiều dấu hiệu cùng lúc nên gộp thành một dòng".into()
        }
        (Crowding::Host(..), Language::En) => {
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
    use crate::net::Address;

    fn of(by: Crowding, hosts: u64) -> Crowd {
        let first_hosts = vec![Address::v4([10, 0, 0, 1]), Address::v4([10, 0, 0, 2])];
        Crowd { by, hosts, indicators: 1, first_hosts, first_indicators: vec!["a.test".into()] }
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
        let sender = Address::v4([203, 0, 113, 9]);
        for language in [Language::Vi, Language::En] {
            let tunnel = crowd_text(language, Crowding::Tunnel(sender));
            assert!(tunnel.contains("203.0.113.9"), "{tunnel}");
            assert!(
                crowd_text(language, Crowding::All).contains("MAC") || language == Language::En
            );
            assert!(!crowd_text(language, Crowding::Host(sender, 1)).contains("forged"));
        }
    }

    fn crowd_text(language: Language, by: Crowding) -> String {
        crowd(language, &of(by, 9))
    }
}
