//! Operational errors in Vietnamese; in English each error says it itself.

use ioc_feeds::format::FeedError;
pub use wardwatch_record::describe_in as system;

use super::Language;
use crate::capture::{CaptureError, describe};

/// Why frames cannot be read.
pub fn capture(language: Language, error: &CaptureError) -> String {
    if language == Language::En {
        return error.to_string();
    }
    let system = |reason: &str| system(Language::Vi, reason).to_owned();
    match error {
        CaptureError::Open { name, source } => {
            format!("không mở được {name}: {}", of_file(source))
        }
        CaptureError::Read { name, frames, source } => {
            format!("không đọc được {name} sau gói tin thứ {frames}: {}", of_file(source))
        }
        CaptureError::NotACapture { name, what, .. } => format!(
            "{name} không phải tệp bắt gói tin (pcap): {} (wardwatch đọc pcap, pcapng và snoop, kể cả khi nén bằng gzip, zstd, xz hoặc bzip2)",
            content(what)
        ),
        CaptureError::NotRead { name, what } => format!("không đọc {name}: {}", content(what)),
        CaptureError::Cut { name, frames } => format!(
            "{name} bị cắt cụt: kết thúc giữa một bản ghi, sau gói tin thứ {frames} (phần trước đã được đọc hết; hãy sao chép lại nếu tệp phải dài hơn)"
        ),
        CaptureError::Damaged { name, frames, what } => {
            let what = content(what);
            format!("{name} bị hỏng sau gói tin thứ {frames}: {what} (phần trước đã được đọc hết)")
        }
        CaptureError::Filter { expression, reason } => {
            let reason = system(reason);
            format!(
                "không dùng được biểu thức lọc `{expression}`: {reason} (xem `man pcap-filter`)"
            )
        }
        CaptureError::NoInterface { name, existing } => {
            format!("không có card mạng {name}; máy này có: {}", system(existing))
        }
        CaptureError::Permission { name } => format!(
            "không bắt được gói tin trên {name}: không đủ quyền (cần CAP_NET_RAW; hãy chạy bằng sudo, hoặc chạy một lần: sudo setcap cap_net_raw+ep $(command -v wardwatch))"
        ),
        CaptureError::SwitchedOff { name } => format!(
            "không bắt được gói tin trên {name}: card mạng đang tắt (sudo ip link set {name} up)"
        ),
        CaptureError::Sharing { name, reason } => format!(
            "không chia được {name} cho nhiều luồng: {}; mỗi luồng sẽ thấy mọi gói tin (hãy dùng --workers 1)",
            system(reason)
        ),
        CaptureError::Interface { name, reason } => {
            format!("không bắt được gói tin trên {name}: {}", system(reason))
        }
    }
}

/// What the system or the compression says of a file.
fn of_file(error: &std::io::Error) -> String {
    let english = describe(error);
    match english.strip_prefix("its compressed data is damaged") {
        Some(why) if why.contains("checksum") => {
            "dữ liệu nén bị hỏng (tổng kiểm tra không khớp)".into()
        }
        Some(_) => "dữ liệu nén bị hỏng".into(),
        None => system(Language::Vi, &english).to_owned(),
    }
}

/// What is wrong with the content of a capture, with the numbers in it.
fn content(english: &str) -> String {
    let between = |before: &str, after: &str| {
        english.strip_prefix(before).and_then(|rest| rest.strip_suffix(after))
    };
    if let Some(bytes) = between("a record claims to hold ", " bytes") {
        return format!("một bản ghi tự khai chứa {bytes} byte");
    }
    if let Some(bytes) = between("a block claims to be ", " bytes long") {
        return format!("một khối tự khai dài {bytes} byte");
    }
    if let Some(number) = between("a packet belongs to interface ", ", never described") {
        return format!("một gói tin thuộc card mạng số {number}, cổng này không được mô tả");
    }
    if let Some(program) = between("it is a capture of ", "; save it as pcapng with Wireshark") {
        return format!(
            "đây là tệp bắt gói tin của {program}; hãy dùng Wireshark lưu lại dạng pcapng"
        );
    }
    if let Some(kind) = between("it is a ", " archive; unpack it first") {
        return format!("đây là tệp nén {kind}; hãy giải nén trước");
    }
    if let Some(kind) =
        between("it is packed with ", ", which wardwatch does not read; unpack it first")
    {
        return format!(
            "tệp được nén bằng {kind}, wardwatch không đọc dạng này; hãy giải nén trước"
        );
    }
    match english {
        "it is empty" => "tệp rỗng",
        "it is too short" => "tệp quá ngắn",
        "its header is cut short or damaged" => "phần đầu tệp bị cắt cụt hoặc bị hỏng",
        "it begins with nothing but zeros; it was lost when it was written" => {
            "phần đầu chỉ toàn số 0; nội dung đã mất khi ghi"
        }
        "it is a capture of Bluetooth, which wardwatch does not read" => {
            "đây là tệp bắt gói tin Bluetooth, wardwatch không đọc loại này"
        }
        "it is a trace of HP-UX; save it as pcapng with Wireshark" => {
            "đây là tệp bắt gói tin của HP-UX; hãy dùng Wireshark lưu lại dạng pcapng"
        }
        "it is packed twice; unpack it once" => "tệp được nén hai lần; hãy giải nén một lần",
        "it is a document" => "đây là một tài liệu",
        "it is an AppleDouble file" => "đây là tệp AppleDouble",
        "it is a named pipe" => "đây là một đường ống có tên",
        "it is a socket" => "đây là một socket",
        "it is a device" => "đây là một thiết bị",
        "it is no longer a file" => "không còn là tệp nữa",
        "it lies too deep; name it by itself" => "thư mục nằm quá sâu; hãy nêu riêng thư mục này",
        "it is a link out of the directory; name what it links to" => {
            "đây là liên kết ra ngoài thư mục; hãy nêu thẳng nơi nó trỏ tới"
        }
        "its records are of no variant of pcap that is known" => {
            "các bản ghi không thuộc biến thể pcap nào đã biết"
        }
        "its first bytes are not a capture's" => "các byte đầu không phải của tệp bắt gói tin",
        "a section header has no byte order" => "phần đầu của một đoạn không ghi thứ tự byte",
        "an interface description is too short" => "phần mô tả card mạng quá ngắn",
        "it describes more than 65,536 interfaces in one section" => {
            "một đoạn mô tả quá 65.536 card mạng"
        }
        "a packet block is too short" => "một khối gói tin quá ngắn",
        "a simple packet block is too short" => "một khối gói tin rút gọn quá ngắn",
        "a packet block claims more bytes than it has" => {
            "một khối gói tin tự khai nhiều byte hơn thực có"
        }
        other => other,
    }
    .to_owned()
}

/// Why an allow list cannot be loaded at all.
pub fn allow_list(language: Language, error: &FeedError) -> String {
    let text = feed(language, error);
    match language {
        Language::Vi => text.replace("danh sách dấu hiệu", "danh sách cho phép"),
        Language::En => {
            match (text.strip_prefix("cannot read feed "), text.strip_prefix("feed ")) {
                (Some(rest), _) => format!("cannot read allow list {rest}"),
                (None, Some(rest)) => format!("allow list {rest}"),
                (None, None) => text,
            }
        }
    }
}

/// Why a feed cannot be loaded at all.
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
            of_file(source)
        ),
        FeedError::TooLarge { path } => {
            let most = ioc_feeds::format::MAX_FILE / 1024 / 1024;
            format!("danh sách dấu hiệu {} lớn hơn {most} MiB; hãy chia nhỏ", path.display())
        }
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

    /// What the reader of captures says is text, so it is its sources that say which there is.
    #[test]
    fn whatever_is_wrong_with_a_capture_is_said_in_vietnamese() {
        let sources = [
            include_str!("../capture/file.rs"),
            include_str!("../capture/file/open.rs"),
            include_str!("../capture/foreign.rs"),
            include_str!("../capture/pcapng_format.rs"),
            include_str!("../app/scan/search.rs"),
        ];
        let mut found = 0;
        let code = |source: &'static str| source.split("#[cfg(test)]").next().unwrap_or(source);
        let texts =
            sources.into_iter().flat_map(|source| code(source).split('"').skip(1).step_by(2));
        for text in texts {
            let is_said = ["it ", "its ", "a ", "an "].iter().any(|head| text.starts_with(head));
            if !is_said {
                continue;
            }
            let filled = text.replace('{', "<").replace('}', ">");
            assert_ne!(content(&filled), filled, "{text}");
            found += 1;
        }
        assert!(found >= 40, "{found} found: is this test still reading what it should?");
        assert_eq!(content("a record claims to hold 7 bytes"), "một bản ghi tự khai chứa 7 byte");
    }
}
