//! Why a command could not do what it was asked, in the language of whoever asked.

use super::AppError;
use crate::config::ConfigError;
use crate::lang::{self, Language};
#[cfg(feature = "live")]
use crate::privilege::RightsError;

impl AppError {
    /// The error in a language, with the thing and the remedy. No arm of these matches is a catch-all:
    /// an error that is new does not compile before it has its words.
    pub fn in_language(&self, language: Language) -> String {
        match (self, language) {
            (Self::Config(error), _) => error.in_language(language),
            (Self::Capture(error), _) => lang::capture(language, error),
            (Self::Feed(error), _) => lang::feed(language, error),
            (Self::AllowList(error), _) => lang::allow_list(language, error),
            (Self::Import(said), _) => said.in_language(language).to_owned(),
            (_, Language::En) => self.to_string(),
            (Self::NoIndicators, Language::Vi) => {
                "chưa nạp dấu hiệu nào nên không thể phát hiện gì; \
                                                   hãy nạp bằng --feeds TỆP"
                    .into()
            }
            (Self::NoCapture { path }, Language::Vi) => {
                format!("không có tệp bắt gói tin (pcap) nào trong {}", path.display())
            }
            (Self::Log { path, reason }, Language::Vi) => format!(
                "không ghi được {}: {}; cảnh báo sẽ bị mất nên wardwatch không khởi động",
                path.display(),
                system(reason)
            ),
            (Self::NoDirectory { path, directory }, Language::Vi) => format!(
                "không ghi được {}: không có thư mục {}; hãy tạo thư mục trước (mkdir -p)",
                path.display(),
                directory.display()
            ),
            (Self::InUse { directory, first }, Language::Vi) => {
                let which = first.as_ref().map_or_else(
                    || "không rõ tiến trình nào".into(),
                    |(number, since)| format!("tiến trình {number}, từ {since}"),
                );
                format!(
                    "một wardwatch khác ({which}) đang ghi nhật ký vào {}; hãy dừng nó, hoặc cho máy \
                     giám sát này một thư mục nhật ký riêng (--log-dir)",
                    directory.display()
                )
            }
            (Self::WhichInterface(existing), Language::Vi) => format!(
                "dùng card mạng nào? hãy ghi bằng -i, hoặc ở mục interfaces trong [capture] của tệp cấu \
                 hình; máy này có: {}",
                system(existing)
            ),
            #[cfg(feature = "live")]
            (Self::Privilege(error), Language::Vi) => {
                format!("{}; wardwatch không chạy với quyền cao hơn mức cần thiết", rights(error))
            }
            (Self::System { what, reason }, Language::Vi) => {
                format!("{}: {}", tried(what).unwrap_or(what), system(reason))
            }
        }
    }
}

impl ConfigError {
    /// The error in a language, with the file, the line and what would be right.
    pub fn in_language(&self, language: Language) -> String {
        match (self, language) {
            (_, Language::En) => self.to_string(),
            (Self::Read { path, reason }, Language::Vi) => {
                format!("không đọc được cấu hình {}: {}", path.display(), system(reason))
            }
            (Self::Invalid { path, line, message }, Language::Vi) => {
                format!(
                    "cấu hình {}, dòng {line}: {}",
                    path.display(),
                    message.in_language(language)
                )
            }
            (Self::Threats { path, reason }, Language::Vi) => {
                format!("tệp mối đe dọa {}: {}", path.display(), reason.in_language(language))
            }
            (Self::Value(said), Language::Vi) => said.in_language(language).into(),
        }
    }
}

fn system(reason: &str) -> String {
    lang::system(Language::Vi, reason).into()
}

/// What was tried when the system refused, in Vietnamese. A test sees to it that none is missing.
fn tried(what: &str) -> Option<&'static str> {
    Some(match what {
        "cannot listen for signals" => "không nhận được tín hiệu của hệ điều hành",
        "cannot start a thread" => "không tạo được luồng",
        "cannot write what is confirmed beside the feed" => {
            "không ghi được xác nhận bên cạnh danh sách dấu hiệu"
        }
        "cannot write the output" => "không ghi được kết quả ra đầu ra",
        "a worker ended before its time" => "một luồng đã dừng giữa chừng",
        "the indicators of the self test cannot be made" => {
            "không tạo được dấu hiệu của phép tự kiểm tra"
        }
        _ => return None,
    })
}

/// Why a right cannot be given up, in Vietnamese.
#[cfg(feature = "live")]
fn rights(error: &RightsError) -> String {
    match error {
        RightsError::Groups(reason) => format!("không rời được các nhóm của root: {reason}"),
        RightsError::NoUser(name) => {
            format!("không có người dùng {name} (mục user trong cấu hình): useradd --system {name}")
        }
        RightsError::Become { user, reason } => {
            format!("không chuyển sang người dùng {user} được: {reason}")
        }
        RightsError::Capabilities(reason) => format!("không bỏ được các capability: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::capture::{CaptureError, Likeness};
    use crate::lang::Said;
    use ioc_feeds::format::FeedError;

    /// Every error that has words of its own, with what both languages must name.
    fn every_error() -> Vec<(AppError, &'static str)> {
        let refused = || std::io::ErrorKind::PermissionDenied.into();
        let path = || PathBuf::from("/x/y");
        let (name, reason) = (|| "eth9".to_owned(), || "permission denied".to_owned());
        let both = || Said::new("giá trị này phải là số", "this must be a number");
        vec![
            (ConfigError::Read { path: path(), reason: reason() }.into(), "/x/y"),
            (ConfigError::Invalid { path: path(), line: 7, message: both() }.into(), "7"),
            (ConfigError::Threats { path: path(), reason: both() }.into(), "/x/y"),
            (ConfigError::Value(both().of("home")).into(), "home: "),
            (CaptureError::Open { name: name(), source: refused() }.into(), "eth9"),
            (CaptureError::Read { name: name(), frames: 7, source: refused() }.into(), "7"),
            (
                CaptureError::NotACapture {
                    name: name(),
                    what: "it is empty".into(),
                    likeness: Likeness::Unknown,
                }
                .into(),
                "eth9",
            ),
            (CaptureError::NotRead { name: name(), what: "it is a device".into() }.into(), "eth9"),
            (CaptureError::Cut { name: name(), frames: 7 }.into(), "7"),
            (
                CaptureError::Damaged {
                    name: name(),
                    frames: 7,
                    what: "a packet block is too short".into(),
                }
                .into(),
                "7",
            ),
            (CaptureError::Filter { expression: "tpc".into(), reason: reason() }.into(), "`tpc`"),
            (
                CaptureError::NoInterface {
                    name: name(),
                    existing: "none that may be seen".into(),
                }
                .into(),
                "eth9",
            ),
            (CaptureError::Permission { name: name() }.into(), "CAP_NET_RAW"),
            (CaptureError::SwitchedOff { name: name() }.into(), "sudo ip link set eth9 up"),
            (CaptureError::Sharing { name: name(), reason: reason() }.into(), "--workers 1"),
            (CaptureError::Interface { name: name(), reason: reason() }.into(), "eth9"),
            (
                FeedError::Header {
                    feed: "f".into(),
                    line: 1,
                    problem: "missing",
                    column: "type".into(),
                }
                .into(),
                "`type`",
            ),
            (FeedError::NotUtf8 { feed: "f".into(), line: 3, offset: 9 }.into(), "9"),
            (FeedError::Read { path: path(), source: refused() }.into(), "/x/y"),
            (FeedError::TooLarge { path: path() }.into(), "/x/y"),
            (AppError::AllowList(FeedError::Read { path: path(), source: refused() }), "/x/y"),
            (AppError::NoIndicators, "--feeds"),
            (AppError::NoCapture { path: path() }, "/x/y"),
            (AppError::Log { path: path(), reason: reason() }, "/x/y"),
            (AppError::NoDirectory { path: path(), directory: "/x".into() }, "mkdir -p"),
            (
                AppError::InUse {
                    directory: path(),
                    first: Some((4711, "2026-01-02T03:04:05+07:00".into())),
                },
                "4711, ",
            ),
            (AppError::InUse { directory: path(), first: None }, "/x/y"),
            (AppError::WhichInterface("none that may be seen".into()), "-i"),
            #[cfg(feature = "live")]
            (AppError::Privilege(RightsError::Groups("x".into())), "root"),
            #[cfg(feature = "live")]
            (AppError::Privilege(RightsError::NoUser("ward".into())), "useradd --system ward"),
            #[cfg(feature = "live")]
            (
                AppError::Privilege(RightsError::Become {
                    user: "ward".into(),
                    reason: "x".into(),
                }),
                "ward",
            ),
            #[cfg(feature = "live")]
            (AppError::Privilege(RightsError::Capabilities("x".into())), "capabilit"),
            (AppError::System { what: "cannot start a thread", reason: reason() }, ": "),
        ]
    }

    /// Words that would show that a part was left in English.
    const ENGLISH: [&str; 12] = [
        "cannot",
        "there is",
        "permission",
        "must",
        "none",
        "missing",
        "which",
        " is ",
        "damaged",
        "already",
        "too short",
        "another",
    ];

    #[test]
    fn every_error_names_the_same_things_in_both_languages_and_mixes_none() {
        for (error, named) in every_error() {
            assert_eq!(error.in_language(Language::En), error.to_string());
            let vi = error.in_language(Language::Vi);
            assert!(vi.contains(named), "{named}: {vi}");
            assert!(error.to_string().contains(named), "{named}: {error}");
            let left = ENGLISH.iter().find(|word| vi.contains(**word));
            assert_eq!(left, None, "{vi}");
            let only_vietnamese =
                |letter: char| "ăâđêôơưạảấầậắặẹếềệịọốồộớờợụủứừựữỹ".contains(letter);
            assert!(vi.chars().any(only_vietnamese), "{vi}");
        }
    }

    /// The system's refusals are told by text, so it is the sources that say which there are.
    #[test]
    fn whatever_is_tried_has_vietnamese_words() {
        let mut found = 0;
        let mut rest = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("sensor")];
        while let Some(path) = rest.pop() {
            if path.is_dir() {
                rest.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for (_, after) in
                code.match_indices("AppError::System").map(|(at, _)| code.split_at(at))
            {
                let after = after.trim_start_matches("AppError::System").trim_start();
                let Some(after) = after.strip_prefix('{') else { continue };
                let Some(after) = after.trim_start().strip_prefix("what: \"") else { continue };
                let what = after.split('"').next().unwrap();
                assert!(tried(what).is_some(), "{}: {what}", path.display());
                found += 1;
            }
        }
        assert!(found >= 8, "{found} found: is this test still reading what it should?");
    }
}
