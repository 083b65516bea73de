//! Why TLS to a server cannot be spoken, in both languages. What the library says of a file stays in
//! its own words.

use std::io;

use super::tls::{Refusal, TlsError};
use crate::lang::{self, Language, Said};

impl TlsError {
    /// The error in both languages, with the file and what is wrong with it.
    pub fn said(&self) -> Said {
        let vi = match self {
            Self::Read { path, reason } => {
                let reason = lang::system(Language::Vi, reason);
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
        Said::new(vi, self.to_string())
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

/// Why messages do not arrive. What the system says is worded where it is told.
pub(super) fn reason(language: Language, error: &io::Error) -> String {
    let refusal = error.get_ref().and_then(|inner| inner.downcast_ref::<Refusal>());
    match (refusal, language) {
        (Some(refusal), Language::Vi) => refusal.vietnamese(),
        _ => crate::capture::describe(error),
    }
}
