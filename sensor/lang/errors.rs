//! Operational errors in Vietnamese; in English each error says it itself.

use ioc_feeds::format::FeedError;

use super::Language;
use crate::capture::{CaptureError, describe};

/// What the system says, in its most frequent words; others stay as they are.
pub fn system(language: Language, english: &str) -> &str {
    if language == Language::En {
        return english;
    }
    match english {
        "there is no such file" => "không có tệp này",
        "permission denied" => "không đủ quyền",
        "it is a directory" => "đây là một thư mục",
        "no space left on device" => "ổ đĩa đã đầy",
        "read-only file system" => "hệ thống tệp chỉ cho phép đọc",
        "input/output error" => "lỗi đọc ghi của ổ đĩa",
        "address already in use" => "địa chỉ đã có chương trình khác sử dụng",
        "connection refused" => "máy chủ từ chối kết nối",
        "connection timed out" => "hết thời gian chờ kết nối",
        "network is unreachable" => "không tới được mạng này",
        "no route to host" => "không có đường tới máy chủ",
        "broken pipe" => "bên nhận đã đóng",
        "the server has closed the connection" => "máy chủ đã đóng kết nối",
        "a file of this name is there, and it is no socket" => {
            "đã có tệp cùng tên ở đó và tệp này không phải socket"
        }
        other => other,
    }
}

/// Why frames cannot be read.
pub fn capture(language: Language, error: &CaptureError) -> String {
    if language == Language::En {
        return error.to_string();
    }
    let system = |reason: &str| system(Language::Vi, reason).to_owned();
    match error {
        CaptureError::Open { name, source } => {
            format!("không mở được {name}: {}", system(&describe(source)))
        }
        CaptureError::Read { name, frames, source } => {
            format!("không đọc được {name} sau khung {frames}: {}", system(&describe(source)))
        }
        CaptureError::NotACapture { name, what } => format!(
            "{name} không phải tệp lưu lượng: {what} (wardwatch đọc pcap, pcapng và cả hai dạng nén gzip)"
        ),
        CaptureError::Cut { name, frames } => format!(
            "{name} bị cắt cụt: kết thúc giữa một bản ghi, sau khung {frames} (phần trước đã được đọc hết; hãy sao chép lại nếu tệp phải dài hơn)"
        ),
        CaptureError::Damaged { name, frames, what } => {
            format!("{name} bị hỏng sau khung {frames}: {what} (phần trước đã được đọc hết)")
        }
        CaptureError::Filter { expression, reason } => {
            format!(
                "không dùng được biểu thức lọc `{expression}`: {reason} (xem `man pcap-filter`)"
            )
        }
        CaptureError::NoInterface { name, existing } => {
            format!("không có cổng mạng {name}; máy này có: {existing}")
        }
        CaptureError::Permission { name } => format!(
            "không bắt được gói tin trên {name}: không đủ quyền (cần CAP_NET_RAW; hãy chạy bằng sudo, hoặc chạy một lần: sudo setcap cap_net_raw+ep $(command -v wardwatch))"
        ),
        CaptureError::Sharing { name, reason } => format!(
            "không chia được {name} cho nhiều worker: {reason}; mỗi worker sẽ thấy mọi gói tin (hãy dùng --workers 1)"
        ),
        CaptureError::Interface { name, reason } => {
            format!("không bắt được gói tin trên {name}: {}", system(reason))
        }
    }
}

/// Why a feed or an allow list cannot be loaded at all.
pub fn feed(language: Language, error: &FeedError) -> String {
    if language == Language::En {
        return error.to_string();
    }
    match error {
        FeedError::Header { feed, line, problem, column } => {
            let problem = match *problem {
                "missing" => "thiếu cột",
                "unknown" => "không có cột nào tên là",
                _ => "lặp lại cột",
            };
            let columns = ioc_feeds::format::native::COLUMNS.join(",");
            format!("{feed}, dòng {line}: {problem} `{column}`; các cột là {columns}")
        }
        FeedError::NotUtf8 { feed, line, offset } => format!(
            "{feed}, dòng {line} (byte {offset}): không phải UTF-8; hãy lưu tệp dạng \"CSV UTF-8\""
        ),
        FeedError::Read { path, source } => format!(
            "không đọc được danh sách dấu hiệu {}: {}; hãy kiểm tra đường dẫn và quyền truy cập",
            path.display(),
            system(Language::Vi, &describe(source))
        ),
        FeedError::TooLarge { path } => {
            let most = ioc_feeds::format::MAX_FILE / 1024 / 1024;
            format!("danh sách dấu hiệu {} lớn hơn {most} MiB; hãy chia nhỏ", path.display())
        }
        // Whatever a later version of the crate adds.
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_same_things_in_both_languages() {
        let error = CaptureError::NoInterface { name: "eth9".into(), existing: "eth0".into() };
        for language in [Language::En, Language::Vi] {
            let text = capture(language, &error);
            assert!(text.contains("eth9") && text.contains("eth0"), "{text}");
        }
        let source = std::io::ErrorKind::NotFound.into();
        let error = FeedError::Read { path: "/x/lab.csv".into(), source };
        let text = feed(Language::Vi, &error);
        assert!(text.contains("/x/lab.csv: không có tệp này; "), "{text}");
        assert_eq!(feed(Language::En, &error), error.to_string());
        assert_eq!(system(Language::Vi, "something new"), "something new");
    }
}
