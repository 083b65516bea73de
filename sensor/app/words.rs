//! Why a command could not do what it was asked, in the language of whoever asked.

use super::AppError;
use crate::config::ConfigError;
use crate::lang::{self, Language};

impl AppError {
    /// The error in a language, with the thing and the remedy.
    pub fn in_language(&self, language: Language) -> String {
        match self {
            Self::Capture(error) => lang::capture(language, error),
            Self::Feed(error) => lang::feed(language, error),
            other if language == Language::En => other.to_string(),
            other => other.vietnamese(),
        }
    }

    fn vietnamese(&self) -> String {
        let system = |reason: &str| lang::system(Language::Vi, reason).to_owned();
        match self {
            Self::Config(ConfigError::Read { path, reason }) => {
                format!("không đọc được cấu hình {}: {}", path.display(), system(reason))
            }
            Self::Config(ConfigError::Invalid { path, line, message }) => {
                format!("cấu hình {}, dòng {line}: {message}", path.display())
            }
            Self::NoIndicators => "chưa nạp dấu hiệu nào nên không thể phát hiện gì; hãy nạp bằng \
                                   --feeds TỆP"
                .into(),
            Self::NoCapture { path } => {
                format!("không có tệp lưu lượng nào trong {}", path.display())
            }
            Self::Log { path, reason } => format!(
                "không ghi được {}: {}; cảnh báo sẽ bị mất nên wardwatch không khởi động",
                path.display(),
                system(reason)
            ),
            Self::WhichInterface(existing) => {
                format!("dùng cổng mạng nào? hãy ghi bằng -i; máy này có: {existing}")
            }
            Self::Metrics { listen, reason, .. } => {
                format!("không phục vụ được trang số liệu trên {listen}: {}", system(reason))
            }
            Self::Privilege(reason) => {
                format!("{reason}; wardwatch không chạy với quyền cao hơn mức cần thiết")
            }
            // Words of the library or of settings, which are English like their names.
            Self::Config(ConfigError::Value(_))
            | Self::System { .. }
            | Self::Capture(_)
            | Self::Feed(_) => self.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_the_same_in_both_languages() {
        let error =
            AppError::Log { path: "/x/alerts.log".into(), reason: "permission denied".into() };
        assert_eq!(error.in_language(Language::En), error.to_string());
        let text = error.in_language(Language::Vi);
        assert!(text.starts_with("không ghi được /x/alerts.log: không đủ quyền; "), "{text}");
    }
}
