//! Why TLS to a server cannot be spoken, in the language of the log.

use super::tls::TlsError;
use crate::lang::{self, Language};

impl TlsError {
    /// The error in a language, with the file and what is wrong with it. What the library says of a
    /// file stays in its own words.
    pub fn in_language(&self, language: Language) -> String {
        if language == Language::En {
            return self.to_string();
        }
        match self {
            Self::Read { path, reason } => {
                format!("không đọc được {}: {}", path.display(), lang::system(language, reason))
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
                format!("server_name `{name}` không phải tên máy chủ cũng không phải địa chỉ")
            }
            Self::Setup(reason) => format!("không thiết lập được TLS: {reason}"),
        }
    }
}
