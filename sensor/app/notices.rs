//! Lines about the sensor itself that are no heartbeat: an interface that goes and comes back,
//! what the process may still do.

use std::path::PathBuf;

use ioc_feeds::Date;
use wardwatch_record::{Message, Notice, Topic};

use super::clock::ClockFault;
use crate::lang::{self, Language};
use crate::net::Timestamp;
use crate::privilege::{Held, Missing, Who};

/// Something to say of the sensor itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Circumstance {
    /// An interface cannot be watched yet: why, with the remedy.
    Waiting(Message),
    /// An interface is down or has no carrier: nothing can be seen there.
    Down(String),
    /// It is up again.
    Up(String),
    /// An interface cannot be read any more; it is tried again and again.
    Gone {
        /// The interface.
        interface: String,
        /// What the system says.
        reason: Message,
    },
    /// It could be opened again.
    Back(String),
    /// What the process holds from now on.
    Holds(Held),
    /// A protection that could not be had, and the remedy.
    Unprotected(Missing),
    /// The machine's clock cannot be right.
    Clock(ClockFault),
    /// What is wrong with a feed.
    Feeds(Message),
    /// Nobody can be called: no contact of the office is configured.
    NoContact,
    /// Whom to call is to be asked again: the last day on which the contacts are to be believed.
    ContactOld(Date),
    /// A file whose directory holds much else and stays closed.
    Unfollowed(PathBuf),
    /// A feed, an allow list or the words of threats that cannot be read any more.
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
}

impl Circumstance {
    /// Is it something to look after?
    pub const fn is_warning(&self) -> bool {
        !matches!(self, Self::Up(_) | Self::Back(_) | Self::Holds(_))
    }

    /// In a language.
    pub fn text(&self, language: Language) -> String {
        let vi = language == Language::Vi;
        match self {
            Self::Waiting(Message { vi: reason, .. }) if vi => {
                format!("{reason}; chưa giám sát được ở đó, vẫn đang chờ và thử lại")
            }
            Self::Waiting(Message { en: reason, .. }) => {
                format!("{reason}; nothing can be seen there yet, waiting and trying again")
            }
            Self::Down(name) if vi => {
                format!("card mạng {name} đã ngắt hoặc mất tín hiệu cáp: không thấy được gì ở đó")
            }
            Self::Down(name) => {
                format!("interface {name} is down or without carrier: nothing can be seen there")
            }
            Self::Up(name) if vi => format!("card mạng {name} đã hoạt động trở lại"),
            Self::Up(name) => format!("interface {name} is up again"),
            Self::Gone { interface, reason: Message { vi: reason, .. } } if vi => {
                format!("không đọc được card mạng {interface} ({reason}); đang thử mở lại")
            }
            Self::Gone { interface, reason: Message { en: reason, .. } } => {
                format!("interface {interface} cannot be read ({reason}); trying again")
            }
            Self::Back(name) if vi => format!("đã mở lại card mạng {name}, tiếp tục giám sát"),
            Self::Back(name) => format!("interface {name} is open again, watching goes on"),
            Self::Holds(what) if vi => format!("quyền của tiến trình: {}", held(what)),
            Self::Holds(what) => format!("this process holds: {what}"),
            Self::Unprotected(what) if vi => format!("thiếu lớp bảo vệ: {}", missing(what)),
            Self::Unprotected(what) => format!("less protected than it should be: {what}"),
            Self::Unfollowed(path) => lang::unfollowed(language, &path.to_string_lossy()),
            Self::Unreadable { path, reason } => {
                lang::unreadable(language, &path.to_string_lossy(), reason)
            }
            Self::Feeds(text) => text.in_language(language).into(),
            Self::NoContact => lang::no_contact(language).into(),
            Self::ContactOld(day) => lang::contact_old(language, *day),
            Self::Clock(ClockFault::BeforeBuild(day)) => lang::clock_before_build(language, *day),
            Self::Clock(ClockFault::BeforeFeeds(day)) => lang::clock_before_feeds(language, *day),
        }
    }

    /// What it is about.
    pub const fn topic(&self) -> Topic {
        match self {
            Self::Waiting(_) | Self::Down(_) | Self::Up(_) | Self::Gone { .. } | Self::Back(_) => {
                Topic::Interface
            }
            Self::Holds(_) | Self::Unprotected(_) => Topic::Rights,
            Self::Clock(_) => Topic::Clock,
            // Contacts stand among the words of threats.
            Self::Unfollowed(_)
            | Self::Unreadable { .. }
            | Self::Feeds(_)
            | Self::NoContact
            | Self::ContactOld(_) => Topic::Feeds,
        }
    }

    /// As every destination takes it.
    pub fn notice(&self, time: Timestamp) -> Notice {
        let message = Message::made(|language| self.text(language));
        match self.is_warning() {
            true => Notice::warning(time.0, self.topic(), message),
            false => Notice::information(time.0, self.topic(), message),
        }
    }
}

/// What the process holds, in Vietnamese.
fn held(held: &Held) -> String {
    let who = match &held.who {
        Who::User(name) => format!("người dùng {name}"),
        Who::RootInNumber => "người dùng root nhưng không còn quyền root".into(),
    };
    let capture = if held.may_capture { "CAP_NET_RAW" } else { "không có capability nào" };
    let files = if held.confined { "Landlock" } else { "không có Landlock" };
    let calls = match held.calls {
        Some(number) => format!("seccomp ({number} lời gọi hệ thống)"),
        None => "không có seccomp".into(),
    };
    format!("{who}, {capture}, {files}, {calls}")
}

/// What protection is missing and how to get it, in Vietnamese.
fn missing(missing: &Missing) -> String {
    match missing {
        Missing::User { log } => {
            let log = log.display();
            format!(
                "ngoài root không có người dùng nào ghi được vào {log} nên tiến trình vẫn mang số của root; hãy tạo người dùng và giao thư mục này: useradd --system wardwatch && chown -R wardwatch {log}"
            )
        }
        Missing::Landlock => "nhân hệ điều hành này không có Landlock nên mọi tệp của người dùng này vẫn truy cập được; Linux 5.13 trở lên mới có (khởi động với lsm=landlock,...)".into(),
        Missing::LandlockRefused(reason) => format!("Landlock từ chối: {reason}"),
        Missing::Seccomp(reason) => format!("không đặt được bộ lọc seccomp: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_with_its_remedy_in_both_languages() {
        for (missing, remedy) in [
            (Missing::User { log: "/var/log/x".into() }, "useradd --system wardwatch"),
            (Missing::Landlock, "lsm=landlock"),
            (Missing::LandlockRefused("why".into()), "why"),
            (Missing::Seccomp("why".into()), "why"),
        ] {
            let notice = Circumstance::Unprotected(missing);
            let (vi, en) = (notice.text(Language::Vi), notice.text(Language::En));
            assert!(vi.contains(remedy) && en.contains(remedy), "{vi}\n{en}");
            assert!(vi.starts_with("thiếu lớp bảo vệ: ") && !vi.contains("kernel"), "{vi}");
        }
    }
}
