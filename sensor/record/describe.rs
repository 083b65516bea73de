//! An operating system's error, as one would say it.

use std::io;

use ioc_feeds::file;

use crate::{Language, directory};

/// An operating system's error in words, without Rust's `(os error 2)`.
pub fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            format!("its compressed data is damaged ({error})")
        }
        io::ErrorKind::UnexpectedEof => "its compressed data is cut short".into(),
        io::ErrorKind::IsADirectory => "it is a directory".into(),
        // Not the system's words but ours or a library's, with names and paths in them.
        _ if error.raw_os_error().is_none() => error.to_string(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_lowercase()
        }
    }
}

/// What the system says, in its most frequent words; others stay as they are.
pub fn describe_in(language: Language, english: &str) -> &str {
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
        "it needs a window of more than 128 MiB to be unpacked; unpack it first, or pack it without --long" => {
            "cần hơn 128 MiB bộ nhớ đệm để giải nén; hãy giải nén trước, hoặc nén lại không kèm --long"
        }
        "its compressed data is cut short" => "dữ liệu nén bị cắt cụt",
        "its name ends neither in .csv nor in .txt" => "tên tệp không kết thúc bằng .csv hoặc .txt",
        "it is a file, not a directory" => "đây là một tệp, không phải thư mục",
        "not a directory" => "đó không phải là thư mục",
        "disk quota exceeded" => "đã hết hạn mức ổ đĩa",
        "text file busy" => "tệp đang được chương trình khác sử dụng",
        "too many open files" => "mở quá nhiều tệp cùng lúc",
        "cannot allocate memory" => "không đủ bộ nhớ",
        "file exists" => "tệp đã tồn tại",
        "operation not permitted" => "hệ điều hành không cho phép",
        "resource temporarily unavailable" => "tài nguyên tạm thời chưa sẵn sàng",
        "cannot assign requested address" => "máy này không có địa chỉ đó",
        "connection reset by peer" => "bên kia đã ngắt kết nối",
        "network is down" => "mạng đang ngắt",
        "none that may be seen" => "không thấy card nào",
        "please report this, with the lines above" => {
            "đề nghị báo lại lỗi này, kèm các dòng ở trên"
        }
        // What libpcap says of an interface that goes, and of a filter.
        "The interface disappeared" | "The interface went down" => "card mạng đã mất hoặc đã tắt",
        "syntax error"
        | "can't parse filter expression: syntax error"
        | "syntax error in filter expression: syntax error" => "sai cú pháp",
        "this wardwatch was built without libpcap (feature `live`)" => {
            "bản wardwatch này được tạo không kèm libpcap (tính năng `live`)"
        }
        "broken pipe" => "bên nhận đã đóng",
        "the server has closed the connection" => "máy chủ đã đóng kết nối",
        "a file of this name is there, and it is no socket" => {
            "đã có tệp cùng tên ở đó và tệp này không phải socket"
        }
        other => of_place(other),
    }
}

/// Why a file or directory is not touched.
fn of_place(english: &str) -> &str {
    match english {
        file::PIPE => "đây là ống dẫn có tên (FIFO); chỉ dùng được tệp thông thường",
        file::DEVICE => "đây là thiết bị; chỉ dùng được tệp thông thường",
        file::SOCKET => "đây là socket; chỉ dùng được tệp thông thường",
        file::FOREIGN_LINK => {
            "trên đường dẫn có liên kết thuộc người dùng khác, root chỉ đi theo liên kết của chính root"
        }
        file::ABOVE_1_MIB => "tệp lớn hơn 1 MiB",
        file::TOO_LARGE => "tệp quá lớn",
        file::NOT_UTF8 => "tệp không phải văn bản UTF-8",
        directory::LINK => {
            "đây là liên kết, wardwatch không ghi qua liên kết; hãy xóa liên kết, hoặc ghi thẳng tên tệp đích"
        }
        directory::NAMES => "tệp này có nhiều tên (liên kết cứng); hãy chuyển nó đi nơi khác",
        directory::FOREIGN => {
            "tệp này không thuộc root, cũng không thuộc người dùng mà wardwatch chạy; hãy chuyển nó đi nơi khác, hoặc giao cho người dùng đó (chown)"
        }
        directory::FOREIGN_DIRECTORY => {
            "thư mục chứa nó không thuộc root, cũng không thuộc người dùng mà wardwatch chạy; hãy giao thư mục cho root (chown), hoặc ghi tên chủ thư mục ở mục `user` của cấu hình"
        }
        directory::OPEN_DIRECTORY => {
            "người khác ngoài chủ thư mục thay được tệp trong thư mục chứa nó; hãy bỏ quyền đó (chmod go-w)"
        }
        directory::NO_READER => {
            "không có chương trình nào đọc ống dẫn này; hãy khởi động bên đọc trước"
        }
        other => other,
    }
}
