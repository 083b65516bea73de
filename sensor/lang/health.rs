//! What the sensor says of itself when something is wrong or has changed.

use ioc_feeds::Date;

use super::{Language, day, pick, system};

/// Something that makes the sensor miss contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Warning {
    /// More than one packet in a thousand was lost.
    Loss,
    /// No packet for a minute.
    NoPackets,
    /// Only what our hosts send is seen.
    OnlyOutward,
    /// Only what our hosts receive is seen.
    OnlyInward,
    /// All traffic to the outside comes from one address.
    OneClient,
    /// Not one address of ours is seen.
    NoHosts,
}

/// What is wrong and where to look.
pub const fn warning(language: Language, warning: Warning) -> &'static str {
    match warning {
        Warning::Loss => pick(
            language,
            "đang mất hơn 0,1 % gói tin, có thể bỏ sót liên lạc; hãy tăng [capture] ring_mb hoặc số luồng -w",
            "more than 0.1 % of packets are being lost, contacts may be missed; raise [capture] ring_mb or the workers -w",
        ),
        Warning::NoPackets => pick(
            language,
            "không nhận được gói tin nào trong một phút; hãy kiểm tra dây cáp và cổng sao chép (mirror) trên bộ chuyển mạch",
            "no packet for a minute; check the cable and the mirror port of the switch",
        ),
        Warning::OnlyOutward => pick(
            language,
            "chỉ thấy chiều gửi đi, không thấy chiều trả lời; hãy đặt cổng sao chép (mirror) thành cả hai chiều (both)",
            "only what our hosts send is seen, no answers; set the mirror port to both directions",
        ),
        Warning::OnlyInward => pick(
            language,
            "chỉ thấy chiều nhận về, không thấy chiều gửi đi; hãy đặt cổng sao chép (mirror) thành cả hai chiều (both)",
            "only what our hosts receive is seen, no requests; set the mirror port to both directions",
        ),
        Warning::OneClient => pick(
            language,
            "mọi liên lạc ra ngoài đều từ một địa chỉ duy nhất, nên không biết được máy nào; hãy sao chép cổng phía trong (LAN) của bộ định tuyến",
            "all traffic to the outside comes from one address, so no PC can be named; mirror the inner (LAN) side of the router",
        ),
        Warning::NoHosts => pick(
            language,
            "không thấy địa chỉ nào của mạng nội bộ; hãy sao chép cổng phía trong (LAN), hoặc khai báo mạng của mình ở mục home",
            "no address of our network is seen; mirror the inner (LAN) side, or name our networks under `home`",
        ),
    }
}

/// What the line of the service manager says.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fares {
    /// Packets a second.
    pub rate: u64,
    /// Share of packets lost, in tenths of a per cent.
    pub lost_tenths: u64,
    /// Alerts of this day, since the start.
    pub today: u64,
    /// Alerts since the start.
    pub alerts: u64,
    /// Seconds since the start.
    pub uptime: u64,
    /// Indicators in use.
    pub indicators: usize,
}

/// How the sensor fares, in one line; what is wrong comes first.
pub fn how_it_fares(language: Language, wrong: Option<Warning>, fares: &Fares) -> String {
    let wrong = wrong.map_or_else(String::new, |which| format!("{} | ", warning(language, which)));
    let Fares { rate, lost_tenths, today, alerts, uptime, indicators } = fares;
    let (whole, tenth, since) = (lost_tenths / 10, lost_tenths % 10, duration(language, *uptime));
    match language {
        Language::Vi => format!(
            "{wrong}{rate} gói tin/giây, mất {whole},{tenth} %, {today} cảnh báo hôm nay, {alerts} từ khi bắt đầu cách đây {since}, {indicators} dấu hiệu (IoC)"
        ),
        Language::En => {
            let plural = if *today == 1 { "" } else { "s" };
            format!(
                "{wrong}{rate} packets/s, {whole}.{tenth} % lost, {today} alert{plural} today, {alerts} since the start {since} ago, {indicators} indicators"
            )
        }
    }
}

/// So many seconds, in the two largest units.
fn duration(language: Language, seconds: u64) -> String {
    let units = [("ngày", "d", 86_400), ("giờ", "h", 3600), ("phút", "min", 60), ("giây", "s", 1)];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (vi, en, length) in units {
        if rest >= length && parts.len() < 2 {
            let name = if language == Language::Vi { vi } else { en };
            parts.push(format!("{} {name}", rest / length));
            rest %= length;
        }
    }
    if parts.is_empty() {
        parts.push(pick(language, "0 giây", "0 s").to_owned());
    }
    parts.join(" ")
}

/// The clock stands before the program was made.
pub fn clock_before_build(language: Language, built: Date) -> String {
    let day = day(language, built);
    match language {
        Language::Vi => format!(
            "đồng hồ của máy này sai: đang chỉ thời điểm trước ngày {day}, là ngày của phiên bản wardwatch này, nên mọi thời gian trong nhật ký đều sai; hãy chạy: sudo timedatectl set-ntp true"
        ),
        Language::En => format!(
            "the clock of this machine is wrong: it stands before {day}, the day of this version of wardwatch, so every time in the log is wrong; run: sudo timedatectl set-ntp true"
        ),
    }
}

/// The clock stands before the newest indicator.
pub fn clock_before_feeds(language: Language, newest: Date) -> String {
    let day = day(language, newest);
    match language {
        Language::Vi => format!(
            "đồng hồ của máy này đang chỉ thời điểm trước ngày {day} của dấu hiệu mới nhất: đồng hồ sai, hoặc ngày ghi trong danh sách dấu hiệu sai; kiểm tra bằng: timedatectl"
        ),
        Language::En => format!(
            "the clock of this machine stands before {day}, the date of the newest indicator: either the clock or that date in the feed is wrong; check with: timedatectl"
        ),
    }
}

/// A log cannot be written.
pub fn failing(language: Language, path: &str, reason: &str) -> String {
    let reason = system(language, reason);
    match language {
        Language::Vi => format!(
            "không ghi được {path}: {reason}; cảnh báo được giữ trong bộ nhớ và lặp lại ở nhật ký hệ thống cho đến khi ghi được"
        ),
        Language::En => format!(
            "cannot write {path}: {reason}; alerts are held in memory, and repeated in the journal, until it can be written"
        ),
    }
}

/// A log can be written again. Numbers: lines held; alerts folded; lines for which there was no
/// room; event records dropped.
pub fn resumed(language: Language, path: &str, numbers: [u64; 4]) -> String {
    let [held, folded, gone, events] = numbers;
    match language {
        Language::Vi => format!(
            "đã ghi lại được {path}: {held} dòng chờ đã được ghi, {folded} cảnh báo được gộp, {gone} dòng chỉ còn trong nhật ký hệ thống, {events} sự kiện bị bỏ"
        ),
        Language::En => format!(
            "{path} can be written again: {held} lines that waited are in it, {folded} alerts were folded, {gone} lines stand in the journal only, {events} event records were dropped"
        ),
    }
}

/// A reader does not take lines.
pub fn unreachable(language: Language, target: &str, reason: &str) -> String {
    let reason = system(language, reason);
    match language {
        Language::Vi => format!("không gửi được đến {target}: {reason}; tệp nhật ký vẫn đầy đủ"),
        Language::En => format!("cannot send to {target}: {reason}; the log file stays complete"),
    }
}

/// It takes them again.
pub fn reachable(language: Language, target: &str, dropped: u64) -> String {
    match language {
        Language::Vi => format!("đã gửi lại được đến {target}; {dropped} dòng đã bị bỏ"),
        Language::En => format!("{target} takes messages again; {dropped} were dropped"),
    }
}

/// A destination takes lines more slowly than they come.
pub fn too_slow(language: Language, target: &str, dropped: u64) -> String {
    match language {
        Language::Vi => {
            format!("{target} nhận quá chậm: {dropped} dòng đã bị bỏ ở đó; tệp nhật ký vẫn đầy đủ")
        }
        Language::En => format!(
            "{target} is too slow: {dropped} lines were dropped there; the log file stays complete"
        ),
    }
}

/// Nobody reads standard output or standard error any more.
pub fn closed(language: Language, target: &str, reason: &str) -> String {
    let reason = system(language, reason);
    match language {
        Language::Vi => format!(
            "không còn chương trình nào đọc {target} ({reason}); việc giám sát vẫn tiếp tục và tệp nhật ký vẫn đầy đủ"
        ),
        Language::En => format!(
            "nobody reads {target} any more ({reason}); watching goes on and the log file stays complete"
        ),
    }
}

/// Output that is no log file cannot be written; said on standard error.
pub fn not_written(language: Language, reason: &str) -> String {
    let reason = system(language, reason);
    match language {
        Language::Vi => format!("wardwatch: không ghi được nhật ký: {reason}"),
        Language::En => format!("wardwatch: cannot write the log: {reason}"),
    }
}

/// The disk did not confirm.
pub fn not_synced(language: Language, path: &str, reason: &str) -> String {
    let reason = system(language, reason);
    match language {
        Language::Vi => format!("ổ đĩa không xác nhận đã lưu {path}: {reason}"),
        Language::En => format!("the disk did not confirm {path}: {reason}"),
    }
}

/// A log cannot be given another name.
pub fn not_rotated(language: Language, path: &str, reason: &str) -> String {
    let reason = system(language, reason);
    match language {
        Language::Vi => {
            format!("không xoay vòng được {path}: {reason}; tệp này sẽ tiếp tục lớn lên")
        }
        Language::En => format!("cannot rotate {path}: {reason}; it goes on growing"),
    }
}

/// Indicators were replaced.
pub fn reloaded(language: Language, added: usize, removed: usize, now: usize) -> String {
    match language {
        Language::Vi => format!("đã nạp lại dấu hiệu (IoC): +{added} −{removed}, hiện có {now}"),
        Language::En => format!("indicators reloaded: +{added} −{removed}, now {now}"),
    }
}

/// Indicators could not be replaced.
pub fn refused(language: Language, reason: &str) -> String {
    match language {
        Language::Vi => format!("không nạp lại được dấu hiệu: {reason}; vẫn dùng các dấu hiệu cũ"),
        Language::En => format!("indicators not reloaded: {reason}; the old ones stay in use"),
    }
}

/// Files that replace this one are not seen: its directory holds much else.
pub fn unfollowed(language: Language, path: &str) -> String {
    match language {
        Language::Vi => format!(
            "{path} nằm trong thư mục chứa nhiều thứ khác nên chỉ mở đúng tệp này: tệp mới cùng tên sẽ không được đọc, nhật ký ở đó không xoay vòng được, cho đến khi khởi động lại; hãy chuyển tệp vào một thư mục riêng"
        ),
        Language::En => format!(
            "{path} stands in a directory that holds much else, so only this file is opened: another that takes its name is not read, and a log there is not rotated, before a restart; move it into a directory of its own"
        ),
    }
}

/// Something that indicators or words are loaded from can be read no more.
pub fn unreadable(language: Language, path: &str, reason: &str) -> String {
    let reason = system(language, reason);
    match language {
        Language::Vi => format!(
            "người dùng mà wardwatch đang chạy không đọc được {path}: {reason}; thay đổi ở đó sẽ không được nạp; hãy cấp quyền đọc tệp và quyền vào thư mục (chmod, chown)"
        ),
        Language::En => format!(
            "the user that wardwatch runs as cannot read {path}: {reason}; what changes there is not loaded; let that user read the file and enter its directory (chmod, chown)"
        ),
    }
}

/// No contact of the office is configured.
pub const fn no_contact(language: Language) -> &'static str {
    pick(
        language,
        "chưa khai báo số điện thoại cần gọi khi có cảnh báo: hỏi số trực của công an cấp xã và PA05, \
         ghi vào các mục [[contact]] của tệp `threats` trong cấu hình (mẫu: /etc/wardwatch/threats.toml)",
        "no telephone to call is configured: ask the ward police and PA05 for theirs and write them as \
         [[contact]] into the file `threats` of the configuration (example: /etc/wardwatch/threats.toml)",
    )
}

/// The contacts are to be asked again.
pub fn contact_old(language: Language, last: Date) -> String {
    let last = day(language, last);
    match language {
        Language::Vi => format!(
            "đầu mối liên hệ chỉ được xác nhận đến {last}: gọi thử, rồi sửa số và `as_of`, `valid_until` của [[contact]]"
        ),
        Language::En => format!(
            "the contacts are good until {last} only: call them, then correct the number and `as_of`, `valid_until` of [[contact]]"
        ),
    }
}

/// Threats have other words.
pub fn threats_reloaded(language: Language, contact: &str) -> String {
    match language {
        Language::Vi => format!("đã nạp lại nội dung mối đe dọa; đầu mối liên hệ: {contact}"),
        Language::En => format!("texts of threats reloaded; whom to call: {contact}"),
    }
}

/// The words of threats could not be replaced.
pub fn threats_refused(language: Language, reason: &str) -> String {
    match language {
        Language::Vi => {
            format!("không nạp lại được nội dung mối đe dọa: {reason}; vẫn dùng nội dung cũ")
        }
        Language::En => {
            format!("texts of threats not reloaded: {reason}; the old ones stay in use")
        }
    }
}
