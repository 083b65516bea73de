//! Why a row is not used, or is doubtful, for people: in Vietnamese and English, with the remedy
//! where there is one.

use std::fmt;

use crate::date::DateError;
use crate::name::{MAX_LABEL, MAX_NAME, NameError};
use crate::threat::{Language, Text};

/// A reason in both languages; displayed in English.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(Text);

impl Reason {
    /// The same said twice.
    pub fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self(Text { vi: vi.into(), en: en.into() })
    }

    /// The reason in one language.
    pub fn in_language(&self, language: Language) -> &str {
        self.0.in_language(language)
    }

    /// The same with more behind it.
    #[must_use]
    pub fn followed(self, vi: &str, en: &str) -> Self {
        Self::new(format!("{}{vi}", self.0.vi), format!("{}{en}", self.0.en))
    }

    /// What it is about, put before it.
    pub(crate) fn about(self, vi: &str, en: &str) -> Self {
        Self::new(format!("{vi} {}", self.0.vi), format!("{en} {}", self.0.en))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.en)
    }
}

impl From<NameError> for Reason {
    fn from(error: NameError) -> Self {
        let vi = match &error {
            NameError::Address => "là địa chỉ, không phải tên: hãy dùng loại ip".into(),
            NameError::Character(' ') => "không được có ký tự ' ' (dấu cách)".into(),
            NameError::Character(c) => format!("không được có ký tự {c:?}"),
            NameError::Empty => "bị bỏ trống".into(),
            NameError::EmptyLabel => {
                "có nhãn rỗng (hai dấu chấm liền nhau hoặc dấu chấm ở đầu)".into()
            }
            NameError::International => "không phải tên miền quốc tế hợp lệ".into(),
            NameError::LongLabel => format!("có nhãn dài hơn {MAX_LABEL} byte"),
            NameError::LongName => format!("dài hơn {MAX_NAME} byte"),
        };
        Self::new(vi, error.to_string())
    }
}

impl From<DateError> for Reason {
    fn from(error: DateError) -> Self {
        Self::new("không phải ngày tháng: hãy viết YYYY-MM-DD hoặc YYYY-MM", error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::load_text;
    use crate::lint::Lint;

    #[test]
    fn every_reason_is_said_in_both_languages_with_the_same_particulars() {
        let rows = "indicator,type,scope,threat,role,confidence,first_seen\n\
            ,domain\n\
            x,thing\n\
            192.0.2.1,domain\n\
            a..b,domain\n\
            a/b,domain\n\
            a:1,domain\n\
            *.a.example,domain,exact\n\
            1.1.1.1,ip,exact\n\
            a[.]example,domain\n\
            a,ip\n\
            1.1.1.1:1,ip\n\
            1.1.1.1/8,ip\n\
            x,ip:port\n\
            1.1.1.1:0,ip:port\n\
            1.1.1.1,cidr\n\
            9.9.0.0/33,cidr\n\
            9.9.9.9/16,cidr\n\
            9.0.0.0/8,cidr\n\
            10.0.0.1,ip\n\
            1.1.1.1,ip\n\
            ftp://a.example/x,url\n\
            http://u@a.example/x,url\n\
            http://a.example:0/x,url\n\
            http://local/x,url\n\
            x,path\n\
            /a b,path\n\
            /a,path\n\
            x,ja3\n\
            x,ja4\n\
            com,domain\n\
            local,domain\n\
            com.vn,domain,exact\n\
            a.example,domain,maybe\n\
            a.example,domain,,Two Words\n\
            a.example,domain,,,nobody\n\
            a.example,domain,,,,sure\n\
            a.example,domain,,,,,yesterday\n\
            a.example,domain,,,,,,x,y\n\
            a.example,\"domain\n";
        let feed = load_text("mine", rows, Lint::Full).unwrap();
        assert_eq!(feed.rejected.len(), rows.lines().count() - 1, "{:?}", feed.rejected);
        for row in &feed.rejected {
            let (vi, en) =
                (row.reason.in_language(Language::Vi), row.reason.in_language(Language::En));
            assert_eq!(en, row.reason.to_string());
            assert!(!vi.is_ascii(), "no Vietnamese: {vi}");
            assert_ne!(vi, en);
            let numbers = |text: &str| {
                text.split(|c: char| !c.is_ascii_digit() && c != '.')
                    .filter(|part| part.bytes().any(|b| b.is_ascii_digit()))
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            assert_eq!(numbers(vi), numbers(en), "{vi} / {en}");
        }
    }
}
