//! What is said of lines of feeds and allow lists that cannot be used, or not without doubt.
//!
//! `place` is the name of the file and the line in it.

use std::path::Path;

use super::{Language, pick};

/// Heads what is said of a line.
fn at(language: Language, (file, line): (&str, u32)) -> String {
    match language {
        Language::Vi => format!("{file}, dòng {line}"),
        Language::En => format!("{file}, line {line}"),
    }
}

/// A line that is not loaded.
pub fn not_loaded(language: Language, place: (&str, u32), reason: &str, text: &str) -> String {
    let what = match language {
        Language::Vi => "không nạp",
        Language::En => "not loaded",
    };
    format!("{}: {what}: {reason} ({text})", at(language, place))
}

/// A line that is loaded, but weighs less.
pub fn doubtful(language: Language, place: (&str, u32), reason: &str, text: &str) -> String {
    let what = match language {
        Language::Vi => "đã nạp nhưng còn nghi ngờ",
        Language::En => "loaded with doubt",
    };
    format!("{}: {what}: {reason} ({text})", at(language, place))
}

/// A line of an allow list that allows nothing.
pub fn not_allowed(language: Language, place: (&str, u32), reason: &str, text: &str) -> String {
    let what = match language {
        Language::Vi => "không được đưa vào danh sách cho phép",
        Language::En => "not allowed",
    };
    format!("{}: {what}: {reason} ({text})", at(language, place))
}

/// An indicator that an allow list silences.
pub fn shadowed(language: Language, place: (&str, u32), pattern: &str) -> String {
    let what = match language {
        Language::Vi => "không bao giờ cảnh báo được, vì danh sách cho phép đã bao trùm",
        Language::En => "can never raise an alert, because an allow list covers it",
    };
    format!("{}: {pattern} {what}", at(language, place))
}

/// Something in a directory of feeds that is no file.
pub fn feed_passed_over(language: Language, path: &str, reason: &str) -> String {
    match language {
        Language::Vi => format!("bỏ qua {path} trong thư mục danh sách dấu hiệu: {reason}"),
        Language::En => format!("{path} in the directory of feeds is passed over: {reason}"),
    }
}

/// Lines beyond those that are listed.
pub fn more_lines(language: Language, file: &str, lines: usize) -> String {
    match language {
        Language::Vi => format!("{file}: còn {lines} dòng tương tự"),
        Language::En => format!("{file}: {lines} more lines like these"),
    }
}

/// A value that is no indicator.
pub fn not_looked_up(language: Language, text: &str, reason: &str) -> String {
    match language {
        Language::Vi => format!("không tra cứu được `{text}`: {reason}"),
        Language::En => format!("`{text}` cannot be looked up: {reason}"),
    }
}

/// A value that is in no list.
pub fn not_listed(language: Language, text: &str) -> String {
    match language {
        Language::Vi => {
            format!("{text}: không có trong danh sách, không cảnh báo (chưa có nghĩa là an toàn)")
        }
        Language::En => {
            format!(
                "{text}: not in any list, raises no alert (which does not mean that it is harmless)"
            )
        }
    }
}

/// An https url, of which nothing but the host can be met.
pub fn https_unseen(language: Language, text: &str) -> String {
    match language {
        Language::Vi => format!(
            "{text}: url https không bao giờ nhìn thấy được trên đường truyền; chỉ tra cứu máy chủ"
        ),
        Language::En => {
            format!(
                "{text}: an https url is never visible on the wire; its host alone is looked up"
            )
        }
    }
}

/// A value that is a digest and in no list.
pub fn file_hash(language: Language, text: &str) -> String {
    match language {
        Language::Vi => format!(
            "{text}: đây là mã băm của tệp, không nhìn thấy được trên đường truyền; hãy dò trên từng máy bằng phần mềm diệt virus hoặc EDR"
        ),
        Language::En => format!(
            "{text}: this is a file hash, not visible on the wire; look for it on the machines themselves (antivirus, EDR)"
        ),
    }
}

/// A value that an indicator covers; `allowed` if an allow list silences it.
pub fn listed(language: Language, text: &str, indicator: &str, allowed: bool) -> String {
    match (language, allowed) {
        (Language::Vi, false) => format!("{text}: SẼ CẢNH BÁO, khớp {indicator}"),
        (Language::Vi, true) => {
            format!("{text}: không cảnh báo vì có trong danh sách cho phép, dù khớp {indicator}")
        }
        (Language::En, false) => format!("{text}: WOULD RAISE AN ALERT, matches {indicator}"),
        (Language::En, true) => {
            format!("{text}: raises no alert because it is allowed, though it matches {indicator}")
        }
    }
}

/// A threat of a feed that has no text of its own.
pub fn unknown_threat(language: Language, feed: &str, threat: &str) -> String {
    match language {
        Language::Vi => format!(
            "{feed}: chưa có nội dung cho mối đe dọa `{threat}`, cảnh báo sẽ ghi là mối đe dọa chưa rõ; hãy thêm [threat.{threat}] vào threats.toml"
        ),
        Language::En => format!(
            "{feed}: no text for the threat `{threat}`, alerts will call it unknown; add [threat.{threat}] to threats.toml"
        ),
    }
}

/// A feed file in which there is nothing.
pub fn empty_feed(language: Language, feed: &str) -> String {
    match language {
        Language::Vi => format!("{feed}: không có dấu hiệu nào trong tệp này"),
        Language::En => format!("{feed}: there is no indicator in this file"),
    }
}

/// A file that cannot be used, and why.
pub fn feed_left_out(language: Language, reason: &str) -> String {
    match language {
        Language::Vi => format!("{reason}; tệp này bị bỏ qua, các danh sách khác vẫn được dùng"),
        Language::En => format!("{reason}; this file is left out, the other feeds are used"),
    }
}

/// A feed of which no line is loaded: how many lines, the first of them and why it is not.
pub fn feed_unused(
    language: Language,
    (feed, line): (&str, u32),
    (rows, reason, text): (usize, &str, &str),
) -> String {
    match language {
        Language::Vi => format!(
            "{feed}: không nạp được dòng nào trong {rows} dòng; ví dụ dòng {line}: {reason} ({text}); xem tất cả bằng: wardwatch feeds check"
        ),
        Language::En => format!(
            "{feed}: not one of {rows} lines could be loaded; line {line} for one: {reason} ({text}); all of them: wardwatch feeds check"
        ),
    }
}

/// A feed that cannot be read any more, whose rows stay in use.
pub fn feed_kept(language: Language, feed: &str, reason: &str) -> String {
    match language {
        Language::Vi => {
            format!("không nạp lại được dấu hiệu của {feed}: {reason}; vẫn dùng các dòng cũ")
        }
        Language::En => {
            format!("indicators not reloaded from {feed}: {reason}; its old rows stay in use")
        }
    }
}

/// A feed of which less than half is left: rows then and now.
pub fn feed_collapsed(language: Language, path: &Path, (had, now): (usize, usize)) -> String {
    let path = path.display();
    match language {
        Language::Vi => format!(
            "không nạp lại {path}: {had} -> {now} dòng; vẫn dùng các dòng cũ. Nếu đúng là muốn như vậy: wardwatch feeds confirm {path}"
        ),
        Language::En => format!(
            "{path} not reloaded: {had} -> {now} rows; the old ones stay in use. If that is meant: wardwatch feeds confirm {path}"
        ),
    }
}

/// What a feed holds now is meant.
pub fn feed_confirmed(language: Language, path: &Path, rows: usize) -> String {
    let path = path.display();
    match language {
        Language::Vi => {
            format!("{path}: đã xác nhận {rows} dấu hiệu; máy giám sát sẽ dùng trong vài giây nữa")
        }
        Language::En => {
            format!("{path}: {rows} indicators confirmed; the sensor uses them in some seconds")
        }
    }
}

/// New indicators that are so few that something must be wrong with the feeds.
pub fn collapsed(language: Language, had: usize, len: usize) -> String {
    match language {
        Language::Vi => {
            format!("{had} -> {len}; nếu đúng là muốn như vậy, hãy khởi động lại wardwatch")
        }
        Language::En => format!("{had} -> {len}; restart wardwatch if that is meant"),
    }
}

/// Which configuration a command goes by.
pub fn configured_by(language: Language, path: Option<&str>) -> String {
    match (language, path) {
        (Language::Vi, Some(path)) => format!("dùng cấu hình {path}"),
        (Language::Vi, None) => "không có tệp cấu hình, dùng các giá trị mặc định".into(),
        (Language::En, Some(path)) => format!("configuration {path}"),
        (Language::En, None) => "no configuration file, the defaults hold".into(),
    }
}

/// How many indicators a command has.
pub fn loaded(language: Language, indicators: usize) -> String {
    match language {
        Language::Vi => format!("đã nạp {indicators} dấu hiệu"),
        Language::En => format!("{indicators} indicators loaded"),
    }
}

/// What a check of a feed has found: indicators, lines not loaded, doubtful ones, duplicates.
pub fn feed_checked(language: Language, feed: &str, numbers: [u64; 4]) -> String {
    let [good, rejected, doubtful, duplicates] = numbers;
    match language {
        Language::Vi => format!(
            "{feed}: {good} dấu hiệu, {rejected} dòng không nạp, {doubtful} dòng đáng ngờ, {duplicates} dòng trùng lặp"
        ),
        Language::En => format!(
            "{feed}: {good} indicators, {rejected} lines not loaded, {doubtful} doubtful, {duplicates} duplicates"
        ),
    }
}

/// Everything that `run -T` looks at is in order.
pub const fn checked(language: Language) -> &'static str {
    pick(
        language,
        "dùng được cấu hình, danh sách dấu hiệu, thư mục nhật ký và card mạng",
        "configuration, feeds, log directory and interfaces can be used",
    )
}

/// Frames of a capture that cannot be read: its name, their link type (by number too), how many.
pub fn undecoded(language: Language, name: &str, link: (&str, u16), frames: u64) -> String {
    let (kind, number) = link;
    match language {
        Language::Vi => {
            format!("{name}: {frames} gói tin thuộc loại liên kết {kind} ({number}) không được đọc")
        }
        Language::En => {
            format!("{name}: frames of link type {kind} ({number}) are not decoded: {frames}")
        }
    }
}

/// Files of a directory that nobody would take for captures.
pub fn passed_over(language: Language, files: usize) -> String {
    match (language, files) {
        (Language::Vi, _) => format!("đã bỏ qua {files} tệp không phải tệp bắt gói tin"),
        (Language::En, 1) => "1 file passed over that is no capture".into(),
        (Language::En, _) => format!("{files} files passed over that are no captures"),
    }
}

/// A scan was stopped: of so many captures so many were read, and likewise of their bytes, which of
/// a pipe are not known.
pub fn interrupted(language: Language, captures: (usize, usize), bytes: (u64, u64)) -> String {
    let (read, all) = captures;
    let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    let (done, total) = (megabytes(bytes.0.min(bytes.1)), megabytes(bytes.1));
    match (language, bytes.1) {
        (Language::Vi, 0) => format!("bị ngắt, đã đọc {read} trong {all} tệp bắt gói tin"),
        (Language::En, 0) => format!("interrupted, {read} of {all} read (captures)"),
        (Language::Vi, _) => format!(
            "bị ngắt, đã đọc {read} trong {all} tệp bắt gói tin ({} trong {} MB)",
            done.replace('.', ","),
            total.replace('.', ",")
        ),
        (Language::En, _) => {
            format!("interrupted, {read} of {all} read (captures; {done} of {total} MB)")
        }
    }
}
