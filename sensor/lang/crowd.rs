//! Words for lines that stand for many.

use super::{Language, pick};
use crate::alert::{Crowd, Crowding};

/// How many hosts, and the first of them.
pub fn crowd_hosts(language: Language, crowd: &Crowd) -> String {
    let first: Vec<String> = crowd.first_hosts.iter().map(ToString::to_string).collect();
    let more = if crowd.hosts > first.len() as u64 { ", ..." } else { "" };
    let hosts = pick(language, "máy", if crowd.hosts == 1 { "host" } else { "hosts" });
    format!("{} {hosts} ({}{more})", crowd.hosts, first.join(", "))
}

/// How many indicators, and the first of them.
pub fn crowd_indicators(language: Language, crowd: &Crowd) -> String {
    let more = if crowd.indicators > crowd.first_indicators.len() as u64 { ", ..." } else { "" };
    let one = crowd.indicators == 1;
    let signs = pick(language, "dấu hiệu", if one { "indicator" } else { "indicators" });
    format!("{} {signs} ({}{more})", crowd.indicators, crowd.first_indicators.join(", "))
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
