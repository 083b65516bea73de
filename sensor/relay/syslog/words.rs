//! What the relay says of its servers, in both languages. What the TLS library says of a file stays in
//! its own words.

use std::io;

use wardwatch_record::{Language, Message, describe, describe_in};

use super::target::Target;
use super::tls::{Refusal, TlsError};

impl TlsError {
    /// The error in both languages, with the file and what is wrong with it.
    pub fn message(&self) -> Message {
        let vi = match self {
            Self::Read { path, reason } => {
                let reason = describe_in(Language::Vi, reason);
                format!("không đọc được {}: {reason}", path.display())
            }
            Self::Pem { path, what, reason } => {
                let what = match *what {
                    "certificate" => "chứng thư",
                    _ => "khóa bí mật",
                };
                format!("{} không chứa {what} dạng PEM: {reason}", path.display())
            }
            Self::Ca { path, reason } => {
                format!("không dùng {} làm CA được: {reason}", path.display())
            }
            Self::Identity { cert, key, reason } => format!(
                "không dùng chung được chứng thư {} và khóa {}: {reason}",
                cert.display(),
                key.display()
            ),
            Self::Name(name) => {
                format!("server_name `{name}` không phải tên máy chủ, cũng không phải địa chỉ")
            }
            Self::Setup(reason) => format!("không thiết lập được TLS: {reason}"),
        };
        Message::new(vi, self.to_string())
    }
}

impl Refusal {
    fn vietnamese(&self) -> String {
        match self {
            Self::Issuer { ca } => {
                format!("chứng thư của máy chủ không do CA trong {} ký", ca.display())
            }
            Self::OtherName(name) => format!(
                "chứng thư của máy chủ không cấp cho {name}; hãy đặt server_name đúng tên ghi trong \
                 chứng thư"
            ),
            Self::Expired => {
                "chứng thư của máy chủ đã hết hạn (đồng hồ của máy này có đúng không?)".into()
            }
            Self::NotYet => {
                "chứng thư của máy chủ chưa đến ngày có hiệu lực (đồng hồ của máy này có đúng không?)"
                    .into()
            }
            Self::Certificate(why) => format!("không tin được chứng thư của máy chủ: {why}"),
            Self::Alert(alert) => {
                format!("máy chủ từ chối ({alert}); máy chủ có đòi hỏi `cert` và `key` không?")
            }
            Self::NotTls => "máy chủ không dùng TLS".into(),
            Self::Other(why) => format!("TLS: {why}"),
        }
    }
}

/// Why messages do not arrive.
pub(super) fn reason(language: Language, error: &io::Error) -> String {
    let refusal = error.get_ref().and_then(|inner| inner.downcast_ref::<Refusal>());
    match (refusal, language) {
        (Some(refusal), Language::Vi) => refusal.vietnamese(),
        _ => describe(error),
    }
}

/// A server does not take messages.
pub(super) fn unreachable(target: &Target, reason: &str) -> Message {
    let vietnamese = describe_in(Language::Vi, reason);
    Message::new(
        format!(
            "không gửi được đến {target}: {vietnamese}; bản ghi chờ trong spool và được gửi sau"
        ),
        format!("cannot send to {target}: {reason}; records wait in the spool and are sent later"),
    )
}

/// It takes them again.
pub(super) fn reachable(target: &Target) -> Message {
    Message::new(format!("đã gửi lại được đến {target}"), format!("{target} takes messages again"))
}

/// Certificates and key for a server have changed.
pub(super) fn tls_reloaded(target: &Target) -> Message {
    Message::new(
        format!("đã nạp lại chứng thư, khóa TLS dùng cho {target}; dùng từ kết nối kế tiếp"),
        format!("certificates and key for {target} reloaded; the next connection is made by them"),
    )
}

/// They cannot be used.
pub(super) fn tls_kept(target: &Target, reason: &Message) -> Message {
    Message::new(
        format!(
            "không nạp lại được chứng thư, khóa TLS dùng cho {target}: {}; vẫn dùng bản cũ (người dùng mà wardwatch-relay đang chạy phải đọc được các tệp này)",
            reason.vi
        ),
        format!(
            "certificates and key for {target} not reloaded: {}; the old ones stay in use (the user that wardwatch-relay runs as must be able to read these files)",
            reason.en
        ),
    )
}

/// Records that are gone.
pub(super) fn gap(from: u64, to: u64) -> Message {
    Message::new(
        format!(
            "thiếu các bản ghi từ {from} đến {to}: đã bị xóa khỏi spool trước khi được gửi; tệp nhật ký trên máy giám sát vẫn đầy đủ"
        ),
        format!(
            "records {from} to {to} are missing: they were removed from the spool before they were sent; the log files of the sensor have them"
        ),
    )
}
