//! The screen of `wardwatch status`, in both languages: below 25 lines of 80 columns where little is
//! wrong.

use std::path::Path;

use super::Found;
use super::judge::{Fault, Judged};
use crate::lang::{self, Language};
use crate::net::Timestamp;
use crate::sink::report::Report;
use crate::sink::{Clock, escape};

/// Columns of a screen.
const WIDTH: usize = 80;
/// Where values begin.
const COLUMN: usize = 18;

pub(super) fn screen(
    language: Language,
    log: &Path,
    (found, judged): (&Found, &Judged),
    (now, clock): (Timestamp, &Clock),
) -> String {
    let mut lines = Vec::new();
    if let Found::Report(report, _) = found {
        let facts = Facts { language, report, judged, now, clock };
        lines.extend(facts.lines());
    }
    let said = |fault: &Fault| words(language, *fault, (log, found));
    for (head, faults) in [(("LỖI", "WRONG"), &judged.wrong), (("GỢI Ý", "HINT"), &judged.hints)]
    {
        let head = pick(language, head.0, head.1);
        for (what, remedy) in faults.iter().map(said) {
            lines.extend(wrapped(&format!("{head}: {what}"), "", "  "));
            lines.extend(wrapped(&remedy, "  -> ", "     "));
        }
    }
    if judged.wrong.is_empty() {
        lines.push(
            pick(language, "Máy giám sát hoạt động bình thường.", "The sensor is well.").into(),
        );
    }
    lines.iter().map(|line| format!("{}\n", escape::line(line))).collect()
}

struct Facts<'a> {
    language: Language,
    report: &'a Report,
    judged: &'a Judged,
    now: Timestamp,
    clock: &'a Clock,
}

impl Facts<'_> {
    fn lines(&self) -> Vec<String> {
        let word = |vi, en| pick(self.language, vi, en);
        let report = self.report;
        let unknown = || word("chưa rõ", "unknown").to_owned();
        let alive_since = self.at(report.started);
        let last = report.last_packet.map_or_else(unknown, |time| self.ago(time));
        let canary = report.last_canary.map_or_else(unknown, |time| self.ago(time));
        let alerts = format!(
            "{} {}, {} {}",
            word("hôm nay", "today"),
            self.judged.today,
            word("bảy ngày", "seven days"),
            self.judged.week
        );
        let contact = match report.contact {
            true => word("đã cấu hình", "configured"),
            false => word("chưa cấu hình", "not configured"),
        };
        let rows = [
            (word("Chạy từ", "Running since"), alive_since),
            (word("Báo cáo cuối", "Last sign of life"), self.ago(report.alive)),
            (word("Card mạng", "Interfaces"), self.interfaces()),
            (word("Gói tin cuối", "Last packet"), last),
            (word("Gói tin", "Packets"), self.packets()),
            (word("Cảnh báo", "Alerts"), alerts),
            (word("Lần thử gần nhất", "Last canary"), canary),
            (word("Dấu hiệu", "Indicators"), self.indicators()),
            (word("Đầu mối liên hệ", "Contact"), contact.to_owned()),
            (word("Tên bị che", "Hidden names"), self.blind()),
            (word("Máy đã thấy", "Hosts seen"), report.hosts.to_string()),
        ];
        let row = |(name, value): (&str, String)| {
            let gap = " ".repeat(COLUMN.saturating_sub(name.chars().count()).max(1));
            wrapped(&value, &format!("{name}{gap}"), &" ".repeat(COLUMN))
        };
        rows.into_iter().flat_map(row).collect()
    }

    fn at(&self, seconds: i64) -> String {
        self.clock.short(Timestamp::new(seconds, 0).0)
    }

    /// A time, and how long ago it is.
    fn ago(&self, seconds: i64) -> String {
        let passed = self.now.seconds().saturating_sub(seconds).max(0);
        let (number, vi, en) = match passed {
            0..=119 => (passed, "giây", "s"),
            120..=7_199 => (passed / 60, "phút", "min"),
            7_200..=172_799 => (passed / 3_600, "giờ", "h"),
            _ => (passed / 86_400, "ngày", "days"),
        };
        let at = self.at(seconds);
        match self.language {
            Language::Vi => format!("{at} ({number} {vi} trước)"),
            Language::En => format!("{at} ({number} {en} ago)"),
        }
    }

    fn interfaces(&self) -> String {
        let one = |interface: &crate::sink::report::Interface| {
            let state = match interface.up {
                true => pick(self.language, "hoạt động", "up"),
                false => pick(self.language, "NGẮT", "DOWN"),
            };
            format!("{} ({state})", interface.name)
        };
        self.report.interfaces.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    fn packets(&self) -> String {
        let report = self.report;
        let all = percent(self.language, report.lost, report.packets.saturating_add(report.lost));
        let seen = report.recent_packets.saturating_add(report.recent_lost);
        let recent = percent(self.language, report.recent_lost, seen);
        match self.language {
            Language::Vi => format!(
                "{}, mất {} ({all}; mươi phút gần đây {recent})",
                report.packets, report.lost
            ),
            Language::En => format!(
                "{}, lost {} ({all}; of the last minutes {recent})",
                report.packets, report.lost
            ),
        }
    }

    fn indicators(&self) -> String {
        let age = self.judged.age.map_or_else(String::new, |days| match self.language {
            Language::Vi => format!(", mới nhất cách đây {} ngày", days.max(0)),
            Language::En => format!(", the newest {} days old", days.max(0)),
        });
        format!("{}{age}", self.report.indicators)
    }

    fn blind(&self) -> String {
        let share = percent(self.language, self.report.hidden, self.report.connections);
        match self.language {
            Language::Vi => format!("{share} số kết nối"),
            Language::En => format!("{share} of connections"),
        }
    }
}

const fn pick<'a>(language: Language, vi: &'a str, en: &'a str) -> &'a str {
    match language {
        Language::Vi => vi,
        Language::En => en,
    }
}

fn percent(language: Language, part: u64, whole: u64) -> String {
    let tenths = (part.min(whole).saturating_mul(1000)).checked_div(whole).unwrap_or(0);
    let comma = pick(language, ",", ".");
    format!("{}{comma}{} %", tenths / 10, tenths % 10)
}

/// Lines no wider than the screen: the first after `head`, the others after `indent`.
fn wrapped(text: &str, head: &str, indent: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut line, mut empty) = (head.to_owned(), true);
    for word in text.split(' ') {
        if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line);
    lines
}

/// What is so, and what to do about it.
fn words(language: Language, fault: Fault, (log, found): (&Path, &Found)) -> (String, String) {
    let log = log.display();
    let reason = match found {
        Found::Unreadable(reason) => lang::system(language, reason).to_owned(),
        _ => String::new(),
    };
    let down = match found {
        Found::Report(report, _) => {
            let down = report.interfaces.iter().filter(|interface| !interface.up);
            down.map(|interface| interface.name.clone()).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    };
    let first = down.split(' ').next().unwrap_or_default();
    let said = |vi: (String, String), en: (String, String)| match language {
        Language::Vi => vi,
        Language::En => en,
    };
    let same = |vi: (&str, &str), en: (&str, &str)| match language {
        Language::Vi => (vi.0.to_owned(), vi.1.to_owned()),
        Language::En => (en.0.to_owned(), en.1.to_owned()),
    };
    match fault {
        Fault::NeverRan => said(
            (
                format!("chưa có wardwatch nào chạy và ghi vào {log}"),
                "sudo systemctl start wardwatch (thư mục khác: thêm --log-dir)".into(),
            ),
            (
                format!("no wardwatch has run that writes in {log}"),
                "sudo systemctl start wardwatch (another directory: --log-dir)".into(),
            ),
        ),
        Fault::Unreadable => said(
            (
                format!("không đọc được hiện trạng trong {log}: {reason}"),
                "chạy lệnh này bằng sudo, hoặc xin quyền đọc thư mục nhật ký".into(),
            ),
            (
                format!("the status in {log} cannot be read: {reason}"),
                "run this with sudo, or ask for the right to read the log directory".into(),
            ),
        ),
        Fault::Stopped => same(
            ("wardwatch đã được dừng: không giám sát gì", "sudo systemctl start wardwatch"),
            ("wardwatch was stopped: nothing is watched", "sudo systemctl start wardwatch"),
        ),
        Fault::Dead => same(
            (
                "wardwatch không còn chạy hoặc đã treo: không giám sát gì",
                "sudo systemctl restart wardwatch; xem lý do: journalctl -u wardwatch -n 50",
            ),
            (
                "wardwatch does not run any more, or hangs: nothing is watched",
                "sudo systemctl restart wardwatch; for the reason: journalctl -u wardwatch -n 50",
            ),
        ),
        Fault::InterfaceDown => said(
            (
                format!("card mạng ngắt hoặc mất cáp: {down}"),
                format!(
                    "cắm lại cáp, rồi: sudo ip link set {first} up; để còn mãi sau khi khởi động lại: sudo wardwatch doctor -i {first}"
                ),
            ),
            (
                format!("interface down or without cable: {down}"),
                format!(
                    "plug the cable in, then: sudo ip link set {first} up; to keep it up after a reboot: sudo wardwatch doctor -i {first}"
                ),
            ),
        ),
        Fault::NoPackets => same(
            (
                "đã hơn 10 phút không thấy gói tin nào",
                "kiểm tra cáp và cổng mirror của switch: sudo wardwatch doctor",
            ),
            (
                "no packet was seen for more than 10 minutes",
                "check the cable and the mirror port of the switch: sudo wardwatch doctor",
            ),
        ),
        Fault::Loss => same(
            (
                "mất hơn 1 % gói tin trong mươi phút gần đây",
                "tăng ring_mb hoặc workers ở mục [capture] rồi khởi động lại wardwatch",
            ),
            (
                "more than 1 % of the packets of the last minutes were lost",
                "raise ring_mb or workers under [capture], then restart wardwatch",
            ),
        ),
        Fault::IndicatorsOld => same(
            (
                "dấu hiệu mới nhất đã cũ hơn 180 ngày: máy chủ mới của mã độc không được phát hiện",
                "xin danh sách mới từ đầu mối liên hệ và thêm vào `feeds` trong cấu hình",
            ),
            (
                "the newest indicator is older than 180 days: newer servers are not known",
                "ask your contact for a newer list and add it to `feeds` in the configuration",
            ),
        ),
        Fault::CuratedOld => same(
            (
                "các dấu hiệu kèm theo chương trình đã cũ hơn 180 ngày: máy chủ mới của mã độc không được phát hiện",
                "cài bản wardwatch mới, hoặc thêm danh sách mới của đầu mối liên hệ vào `feeds`",
            ),
            (
                "the indicators that come with the program are older than 180 days: newer servers are not known",
                "install a newer wardwatch, or add a newer list of your contact to `feeds`",
            ),
        ),
        Fault::Panics => same(
            (
                "wardwatch đã gặp lỗi của chính nó và vẫn chạy tiếp",
                "xem các dòng CẢNH BÁO trong alerts.log và báo lỗi",
            ),
            (
                "wardwatch met a fault of its own and went on",
                "see the lines WARN in alerts.log, and report them",
            ),
        ),
        Fault::NoCanary => same(
            (
                "chưa lần nào thử cả đường đi từ PC đến cảnh báo",
                "trên một PC: nslookup canary.wardwatch.test; rồi xem alerts.log",
            ),
            (
                "the whole way from a PC to an alert was never tried",
                "on a PC: nslookup canary.wardwatch.test; then look at alerts.log",
            ),
        ),
        Fault::CanaryOld => same(
            (
                "đã hơn 90 ngày chưa thử lại cả đường đi từ PC đến cảnh báo",
                "trên một PC: nslookup canary.wardwatch.test; rồi xem alerts.log",
            ),
            (
                "the whole way from a PC to an alert was not tried for more than 90 days",
                "on a PC: nslookup canary.wardwatch.test; then look at alerts.log",
            ),
        ),
        Fault::NoContact => same(
            (
                "chưa khai báo số điện thoại cần gọi khi có cảnh báo",
                "ghi các mục [[contact]] vào tệp `threats` của cấu hình",
            ),
            (
                "no contact of the office is configured: alerts name nobody to call",
                "write [[contact]] into the file `threats` of the configuration",
            ),
        ),
        Fault::ContactOld => same(
            (
                "đầu mối liên hệ đã quá ngày cần xác nhận lại",
                "gọi thử, rồi sửa số và `valid_until` của [[contact]] trong tệp `threats`",
            ),
            (
                "the contacts are past the day until which they were good",
                "call them, then correct number and `valid_until` of [[contact]] in `threats`",
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge::judge;
    use super::super::judge::tests::{NOW, report};
    use super::*;

    fn shown(language: Language, report: Report) -> String {
        let clock = Clock::new(jiff::tz::TimeZone::UTC);
        let now = Timestamp::new(NOW, 0);
        let found = Found::Report(Box::new(report), 5);
        let judged = judge(&found, now, &clock);
        screen(language, Path::new("/var/log/wardwatch"), (&found, &judged), (now, &clock))
    }

    #[test]
    fn the_screen_has_room_in_a_terminal_also_when_much_is_wrong() {
        let mut bad = report();
        bad.interfaces[0].up = false;
        bad.last_packet = None;
        (bad.recent_lost, bad.contact) = (9_999, false);
        for language in [Language::Vi, Language::En] {
            for report in [report(), bad.clone()] {
                let text = shown(language, report);
                assert!(text.lines().count() < 25, "{text}");
                assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
            }
        }
    }

    #[test]
    fn it_says_in_both_languages_what_is_and_what_to_do() {
        let well = shown(Language::En, report());
        assert!(well.contains("today 2, seven days 7") && well.ends_with("The sensor is well.\n"));
        let mut dead = report();
        dead.alive = NOW - 7_300;
        let dead = [Language::Vi, Language::En].map(|language| shown(language, dead.clone()));
        assert!(dead[0].contains("LỖI: wardwatch không còn chạy"), "{}", dead[0]);
        assert!(dead[1].contains("(2 h ago)") && dead[1].contains("systemctl restart"));
    }

    #[test]
    fn every_fault_has_words_and_a_remedy() {
        for fault in Fault::ALL {
            for language in [Language::Vi, Language::En] {
                let (what, remedy) = words(language, fault, (Path::new("/x"), &Found::Nothing));
                assert!(what.len() > 10 && remedy.len() > 10, "{fault:?}");
            }
        }
    }
}
