//! Words for people, in Vietnamese and English. Owns phrases only; what is said of a threat
//! stands in the threats file of `ioc-feeds`.

mod errors;
mod feeds;
mod health;
mod import;
mod said;
mod standing;
pub mod usage;

pub use errors::*;
pub use feeds::*;
pub use health::*;
pub use import::*;
pub use ioc_feeds::threat::Language;
pub use said::{Said, of_toml};
pub use standing::*;
pub use wardwatch_record::words::*;

use ioc_feeds::threat::Severity;

use crate::matching::severity::Weakness;

/// Picks one of two phrases.
const fn pick(language: Language, vi: &'static str, en: &'static str) -> &'static str {
    match language {
        Language::Vi => vi,
        Language::En => en,
    }
}

/// Heads what a user of other tools may have meant.
pub const fn hint(language: Language) -> &'static str {
    pick(language, "gợi ý:", "hint:")
}

/// Why evidence is weak.
pub const fn weakness(language: Language, weakness: Weakness) -> &'static str {
    match weakness {
        Weakness::CertificateBesideName => pick(
            language,
            "căn cứ yếu: tên chỉ nằm trong chứng thư số của máy chủ, máy trạm hỏi một tên khác",
            "weak evidence: the name only stands in the server's certificate, the client asked \
             for another one",
        ),
        Weakness::ReverseLookup => pick(
            language,
            "căn cứ yếu: trả lời của một tra cứu ngược, chủ địa chỉ muốn ghi tên gì cũng được",
            "weak evidence: the answer to a reverse lookup, where the owner of an address writes \
             what he likes",
        ),
        Weakness::TunnelFromOutside => pick(
            language,
            "căn cứ yếu: gói tin đến từ bên ngoài trong một đường hầm, ai cũng có thể giả mạo",
            "weak evidence: the packet came in a tunnel from outside, which anybody can forge",
        ),
    }
}

/// What to do about weak evidence: never to take a machine off the network.
pub const fn check_first(language: Language, weakness: Weakness) -> &'static str {
    match weakness {
        Weakness::CertificateBesideName | Weakness::ReverseLookup => pick(
            language,
            "Chưa cần ngắt máy. Kiểm tra trước: máy này có cảnh báo nào khác không? Nếu không thì \
             chỉ cần theo dõi.",
            "Do not unplug anything yet. Check first: is there another alert for this machine? If \
             there is none, just keep watching.",
        ),
        Weakness::TunnelFromOutside => pick(
            language,
            "Không ngắt máy nào. Kiểm tra trước: có ai dùng đường hầm với địa chỉ gửi bên ngoài \
             này không? Nếu không thì chặn địa chỉ đó ở bộ định tuyến.",
            "Do not unplug anything. Check first: does anybody use a tunnel with this outside \
             sender? If not, block the sender at the router.",
        ),
    }
}

/// What to do about an alert that is not as serious as its threat: to look first.
pub fn look_first(language: Language, severity: Severity, contact: &str) -> String {
    match (severity, language) {
        (Severity::Low, Language::Vi) => "Kiểm tra trước: máy này có cảnh báo nào khác không? Nếu \
            không thì chỉ cần theo dõi."
            .into(),
        (Severity::Low, Language::En) => {
            "Check first: is there another alert for this machine? If \
            there is none, just keep watching."
                .into()
        }
        (_, Language::Vi) => format!(
            "Kiểm tra trước, ngay trong ngày: hỏi người sử dụng đã mở gì lúc đó, tìm cảnh báo khác \
             của máy này; chưa loại trừ được mã độc thì gọi {contact}"
        ),
        (_, Language::En) => format!(
            "Check first, today: ask the user what was opened at that time, look for other alerts of \
             this machine; as long as malware is not ruled out call {contact}"
        ),
    }
}

/// What becomes of a behaviour that is seen.
pub const fn mode(language: Language, mode: &str) -> &'static str {
    match mode.as_bytes() {
        b"on" => pick(language, "cảnh báo", "alerts"),
        b"inform" => pick(language, "chỉ thông báo", "informs only"),
        _ => pick(language, "đã tắt", "is off"),
    }
}

/// Phrases of the log and the summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phrase {
    /// The sensor starts.
    Started,
    /// The sensor runs.
    Running,
    /// The sensor stops.
    Stopped,
    /// Packets.
    Packets,
    /// Share of packets lost.
    Lost,
    /// Lost in the kernel.
    Kernel,
    /// Lost in the interface.
    Interface,
    /// From our hosts to the outside.
    Outward,
    /// From the outside to our hosts.
    Inward,
    /// Among our hosts, or between others.
    Within,
    /// Neither TCP, UDP nor ICMP.
    OtherProtocols,
    /// Memory in use.
    Memory,
    /// Indicators loaded.
    Indicators,
    /// Newest date among them.
    Newest,
    /// Hosts of ours seen.
    Hosts,
    /// Share of connections whose name cannot be read.
    Blind,
    /// Alerts.
    Alerts,
    /// No contact was found.
    Clean,
    /// Title of the summary.
    Summary,
    /// Heads the steps to take.
    WhatToDo,
    /// Heads what happened.
    WhatHappened,
    /// How well a behaviour is documented: A, B or M.
    Grade,
}

/// A phrase in a language.
pub const fn phrase(language: Language, phrase: Phrase) -> &'static str {
    match phrase {
        Phrase::Started => pick(language, "bắt đầu giám sát", "started"),
        Phrase::Running => pick(language, "đang giám sát", "running"),
        Phrase::Stopped => pick(language, "dừng giám sát", "stopped"),
        Phrase::Packets => pick(language, "gói tin", "packets"),
        Phrase::Lost => pick(language, "mất", "lost"),
        Phrase::Kernel => pick(language, "nhân hệ điều hành", "kernel"),
        Phrase::Interface => pick(language, "card mạng", "interface"),
        Phrase::Outward => pick(language, "ra", "out"),
        Phrase::Inward => pick(language, "vào", "in"),
        Phrase::Within => pick(language, "nội bộ", "local"),
        Phrase::OtherProtocols => pick(language, "giao thức khác", "other"),
        Phrase::Memory => pick(language, "bộ nhớ", "memory"),
        Phrase::Indicators => pick(language, "dấu hiệu (IoC)", "indicators"),
        Phrase::Newest => pick(language, "mới nhất", "newest"),
        Phrase::Hosts => pick(language, "số máy thấy trong mạng:", "hosts of ours"),
        Phrase::Blind => pick(language, "tên miền bị che", "names not readable"),
        Phrase::Alerts => pick(language, "cảnh báo", "alerts"),
        Phrase::Clean => pick(
            language,
            "Không thấy máy nào liên lạc với máy chủ độc hại đã biết (chưa có nghĩa là an toàn).",
            "No contact with known infrastructure was found.",
        ),
        Phrase::Summary => pick(language, "TỔNG HỢP", "SUMMARY"),
        Phrase::WhatToDo => pick(language, "Việc cần làm", "What to do"),
        Phrase::WhatHappened => pick(language, "Điều đã xảy ra", "What happened"),
        Phrase::Grade => {
            pick(language, "độ chắc chắn của nguồn (A cao nhất, M: chỉ theo trí nhớ):", "grade")
        }
    }
}
