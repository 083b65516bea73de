//! What the sensor says of its own faults and of the time in which it did not watch.

use super::{Language, system};

/// Nothing was watched from one time to another.
pub fn unwatched(
    language: Language,
    (from, to): (String, String),
    clean: bool,
    last_packet: Option<String>,
) -> String {
    let packet = last_packet.map_or_else(String::new, |time| match language {
        Language::Vi => format!("; gói tin cuối cùng trước đó: {time}"),
        Language::En => format!("; the last packet before that was seen at {time}"),
    });
    match (language, clean) {
        (Language::Vi, true) => format!(
            "không giám sát gói tin nào từ {from} đến {to}: wardwatch đã được dừng theo lệnh{packet}"
        ),
        (Language::Vi, false) => format!(
            "không giám sát gói tin nào từ {from} đến {to}: wardwatch đã ngừng đột ngột (mất điện, bị buộc dừng hoặc lỗi); liên lạc trong thời gian đó không được phát hiện{packet}"
        ),
        (Language::En, true) => {
            format!(
                "no packets were watched from {from} to {to}: wardwatch had been stopped{packet}"
            )
        }
        (Language::En, false) => format!(
            "no packets were watched from {from} to {to}: wardwatch had ended without being told to (power cut, kill or fault); contacts of that time are not known{packet}"
        ),
    }
}

/// A worker does nothing any more.
pub fn worker_stuck(language: Language, interface: &str) -> String {
    match language {
        Language::Vi => format!(
            "một luồng đọc card mạng {interface} đã đứng yên: không thấy được gì ở đó; systemd sẽ khởi động lại, nếu không hãy chạy: sudo systemctl restart wardwatch"
        ),
        Language::En => format!(
            "a worker of interface {interface} stands still: nothing is seen there; systemd restarts it, otherwise run: sudo systemctl restart wardwatch"
        ),
    }
}

/// A frame could not be handled. Where it was kept, if it was.
pub fn packet_failed(language: Language, what: &str, kept: Option<&str>) -> String {
    match (language, kept) {
        (Language::Vi, Some(name)) => format!(
            "lỗi của wardwatch khi xử lý một gói tin ({what}): kết nối đó bị bỏ qua, việc giám sát vẫn tiếp tục; gói tin được giữ ở {name}, hãy báo lỗi kèm tệp này"
        ),
        (Language::Vi, None) => format!(
            "lỗi của wardwatch khi xử lý một gói tin ({what}): kết nối đó bị bỏ qua, việc giám sát vẫn tiếp tục; hãy báo lỗi này (muốn giữ lại gói tin: save_bad_frames = true ở mục [log])"
        ),
        (Language::En, Some(name)) => format!(
            "a fault of wardwatch at a packet ({what}): its connection was dropped, watching goes on; the packet is kept in {name}, please report this with that file"
        ),
        (Language::En, None) => format!(
            "a fault of wardwatch at a packet ({what}): its connection was dropped, watching goes on; please report this (to keep such a packet: save_bad_frames = true under [log])"
        ),
    }
}

/// A frame of a capture could not be handled.
pub fn frame_failed(language: Language, (name, frame): (&str, u64), what: &str) -> String {
    match language {
        Language::Vi => format!(
            "{name}, khung {frame}: lỗi của wardwatch ({what}); kết nối đó bị bỏ qua, phần còn lại vẫn được đọc; hãy báo lỗi này"
        ),
        Language::En => format!(
            "{name}, frame {frame}: a fault of wardwatch ({what}); its connection was dropped and the rest was read; please report this"
        ),
    }
}

/// It could not be kept either.
pub fn frame_not_kept(language: Language, reason: &str) -> String {
    let reason = system(language, reason);
    match language {
        Language::Vi => format!("không giữ lại được gói tin gây lỗi: {reason}"),
        Language::En => format!("the packet of the next line could not be kept: {reason}"),
    }
}

/// A record could not be written because of a fault.
pub fn record_failed(language: Language, what: &str) -> String {
    match language {
        Language::Vi => format!(
            "lỗi của wardwatch khi ghi một bản ghi ({what}): bản ghi đó bị bỏ qua, việc giám sát vẫn tiếp tục; hãy báo lỗi này"
        ),
        Language::En => format!(
            "a fault of wardwatch at a record ({what}): that record was passed over, watching goes on; please report this"
        ),
    }
}

/// An alert did not reach every destination because of a fault; in few words.
pub fn alert_failed(language: Language, alert: &str, what: &str) -> String {
    match language {
        Language::Vi => format!(
            "CẢNH BÁO không ghi được đầy đủ vì lỗi của wardwatch ({what}): {alert}; hãy kiểm tra máy này và báo lỗi"
        ),
        Language::En => format!(
            "an ALERT could not be written in full because of a fault of wardwatch ({what}): {alert}; look at this PC, and please report this"
        ),
    }
}

/// A feed made its reader fail.
pub fn feed_failed(language: Language, what: &str) -> String {
    match language {
        Language::Vi => format!("lỗi của wardwatch khi đọc tệp này ({what}); hãy báo lỗi này"),
        Language::En => format!("a fault of wardwatch at this file ({what}); please report this"),
    }
}

/// The file of `wardwatch status` cannot be written.
pub fn status_not_written(language: Language, reason: &str) -> String {
    let reason = system(language, reason);
    match language {
        Language::Vi => format!(
            "không ghi được status.json: {reason}; `wardwatch status` sẽ không biết hiện trạng, việc giám sát vẫn tiếp tục"
        ),
        Language::En => format!(
            "cannot write status.json: {reason}; `wardwatch status` does not know how it fares, watching goes on"
        ),
    }
}

/// The user that a run becomes cannot write there.
pub fn not_by_user(language: Language, user: &str, reason: &str, directory: &str) -> String {
    let reason = system(language, reason);
    match language {
        Language::Vi => format!(
            "người dùng {user} mà wardwatch sẽ chạy không ghi được ({reason}); hãy chạy: chown -R {user} {directory}"
        ),
        Language::En => format!(
            "user {user}, whom wardwatch becomes, cannot write it ({reason}); run: chown -R {user} {directory}"
        ),
    }
}

/// The whole process was held up from one time to another.
pub fn stood_still(language: Language, (from, to): (String, String)) -> String {
    match language {
        Language::Vi => format!(
            "không giám sát gói tin nào từ {from} đến {to}: cả tiến trình wardwatch đã đứng yên (bị tạm dừng, ổ đĩa treo hoặc máy ngủ); một phần gói tin trong thời gian đó đã mất"
        ),
        Language::En => format!(
            "no packets were watched from {from} to {to}: the whole process stood still (paused, a disk that hung, or a machine asleep); part of the packets of that time are lost"
        ),
    }
}
